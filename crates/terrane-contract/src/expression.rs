//! Reads meaning out of HCL expressions: type constraints, literals, certain result types.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use terrane_hcl::expr::{Expr, Object, ObjectKey, TraversalOperator};
pub use terrane_hcl::print::canonical;
use terrane_hcl::types::{self, Certainty, Names};

use crate::Type;

/// Returns a literal as JSON: what a `default` may hold.
pub(crate) fn literal(expression: &Expr) -> Result<Value, String> {
    terrane_hcl::parse::constant(expression)
        .ok_or_else(|| format!("expected a literal, found `{}`", canonical(expression)))
}

/// A type constraint with the defaults of its optional attributes by path.
#[derive(Debug, PartialEq)]
pub(crate) struct Constraint {
    pub(crate) ty: Type,
    pub(crate) defaults: BTreeMap<String, Value>,
}

/// Reads a type constraint such as `object({ size = optional(number, 3) })`.
pub(crate) fn constraint(expression: &Expr) -> Result<Constraint, String> {
    let mut defaults = BTreeMap::new();
    let ty = constraint_at(expression, "", &mut defaults)?;
    Ok(Constraint { ty, defaults })
}

fn constraint_at(
    expression: &Expr,
    path: &str,
    defaults: &mut BTreeMap<String, Value>,
) -> Result<Type, String> {
    let unknown = || format!("`{}` is no type constraint", canonical(expression));
    match expression {
        Expr::Parenthesis(inner) => constraint_at(inner, path, defaults),
        // Terraform 0.11 wrote types in quotes, and 1.x still reads them.
        Expr::String(name) => match name.as_str() {
            "string" => Ok(Type::String),
            "list" => Ok(Type::list(Type::Dynamic)),
            "map" => Ok(Type::map(Type::Dynamic)),
            _ => Err(unknown()),
        },
        Expr::Variable(name) => match name.as_str() {
            "string" => Ok(Type::String),
            "number" => Ok(Type::Number),
            "bool" => Ok(Type::Bool),
            "any" => Ok(Type::Dynamic),
            "list" => Ok(Type::list(Type::Dynamic)),
            "set" => Ok(Type::set(Type::Dynamic)),
            "map" => Ok(Type::map(Type::Dynamic)),
            _ => Err(unknown()),
        },
        Expr::FuncCall(call) => match (call.name.name.as_str(), call.args.as_slice()) {
            ("list", [element]) => Ok(Type::list(constraint_at(element, &format!("{path}[*]"), defaults)?)),
            ("set", [element]) => Ok(Type::set(constraint_at(element, &format!("{path}[*]"), defaults)?)),
            ("map", [element]) => Ok(Type::map(constraint_at(element, &format!("{path}[*]"), defaults)?)),
            ("tuple", [Expr::Array(elements)]) => {
                let element = |(idx, element)| constraint_at(element, &format!("{path}[{idx}]"), defaults);
                Ok(Type::Tuple(elements.iter().enumerate().map(element).collect::<Result<_, _>>()?))
            }
            ("object", [Expr::Object(attributes)]) => object_constraint(attributes, path, defaults),
            _ => Err(unknown()),
        },
        _ => Err(unknown()),
    }
}

fn object_constraint(
    members: &Object,
    path: &str,
    defaults: &mut BTreeMap<String, Value>,
) -> Result<Type, String> {
    let mut attributes = BTreeMap::new();
    let mut optional = BTreeSet::new();
    for (key, member) in members {
        let name = key_name(key).ok_or_else(|| format!("`{key}` is no attribute name"))?;
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let mut constraint = member;
        if let Expr::FuncCall(call) = member
            && call.name.name.as_str() == "optional"
        {
            constraint = match call.args.as_slice() {
                [ty] => ty,
                [ty, default] => {
                    defaults.insert(path.clone(), literal(default)?);
                    ty
                }
                _ => return Err(format!("`{}` needs a type and at most a default", canonical(member))),
            };
            optional.insert(name.clone());
        }
        attributes.insert(name, constraint_at(constraint, &path, defaults)?);
    }
    Ok(Type::Object { attributes, optional })
}

/// Returns the name of an object key that is a plain name.
pub(crate) fn key_name(key: &ObjectKey) -> Option<String> {
    key.name().map(str::to_owned)
}

/// What expressions may refer to.
pub(crate) struct Scope<'a> {
    pub(crate) variables: BTreeMap<&'a str, &'a Type>,
    pub(crate) locals: BTreeMap<&'a str, &'a Expr>,
}

/// How far locals are followed, which also ends cycles.
const MAX_DEPTH: usize = 16;

impl Scope<'_> {
    /// Returns the type of an expression where it is certain, and [`Type::Dynamic`] elsewhere.
    pub(crate) fn type_of(&self, expression: &Expr) -> Type {
        types::infer(&mut Typing { scope: self, depth: 0 }, &mut types::Scope::default(), expression)
    }

    /// Returns the literal instance keys of a `for_each` or `count` expression, where it names them.
    pub(crate) fn literal_keys(&self, expression: &Expr) -> BTreeSet<String> {
        self.keys_at(expression, 0).unwrap_or_default()
    }

    fn keys_at(&self, expression: &Expr, depth: usize) -> Option<BTreeSet<String>> {
        /// A `count` beyond this is compared by its expression alone.
        const MAX_COUNT: u64 = 1000;
        match expression {
            _ if depth > MAX_DEPTH => None,
            Expr::Parenthesis(inner) => self.keys_at(inner, depth + 1),
            Expr::Number(count) => {
                let count = count.as_u64().filter(|count| *count <= MAX_COUNT)?;
                Some((0..count).map(|idx| idx.to_string()).collect())
            }
            // Either branch may hold: both are possible keys.
            Expr::Conditional(conditional) => {
                let mut keys = self.keys_at(&conditional.true_expr, depth + 1)?;
                keys.extend(self.keys_at(&conditional.false_expr, depth + 1)?);
                Some(keys)
            }
            Expr::Object(members) => members.iter().map(|(key, _)| key_name(key)).collect(),
            Expr::Array(elements) => elements
                .iter()
                .map(|element| if let Expr::String(key) = element { Some(key.clone()) } else { None })
                .collect(),
            Expr::FuncCall(call) => match (call.name.name.as_str(), call.args.as_slice()) {
                ("toset" | "tomap", [inner]) => self.keys_at(inner, depth + 1),
                _ => None,
            },
            Expr::Traversal(traversal) => match (&traversal.expr, traversal.operators.as_slice()) {
                (Expr::Variable(root), [TraversalOperator::GetAttr(name)]) if root.as_str() == "local" => {
                    self.keys_at(self.locals.get(name.as_str())?, depth + 1)
                }
                _ => None,
            },
            _ => None,
        }
    }
}

/// Finds the types of expressions in a [`Scope`].
struct Typing<'a> {
    scope: &'a Scope<'a>,
    /// How many locals were followed to come here.
    depth: usize,
}

impl Names for Typing<'_> {
    const CERTAINTY: Certainty = Certainty::Certain;

    fn reach<'o>(
        &mut self,
        _: &mut types::Scope,
        root: &str,
        operators: &'o [TraversalOperator],
    ) -> (Type, &'o [TraversalOperator]) {
        let Some((TraversalOperator::GetAttr(name), rest)) = operators.split_first() else {
            return (Type::Dynamic, &[]);
        };
        match root {
            "var" => {
                (self.scope.variables.get(name.as_str()).map_or(Type::Dynamic, |ty| (*ty).clone()), rest)
            }
            "local" => (self.local(name.as_str()), rest),
            "path" | "terraform" => (Type::String, rest),
            // The built-in provider's resource: `id` is a string by its schema.
            "terraform_data" => match rest {
                [TraversalOperator::GetAttr(attribute)] if attribute.as_str() == "id" => (Type::String, &[]),
                _ => (Type::Dynamic, &[]),
            },
            _ => (Type::Dynamic, &[]),
        }
    }

    /// A module that Terraform refuses has no state whose types would matter.
    fn fault(&mut self, _: String, _: &str) {}
}

impl Typing<'_> {
    fn local(&self, name: &str) -> Type {
        match self.scope.locals.get(name) {
            Some(expression) if self.depth < MAX_DEPTH => {
                let mut inner = Typing { scope: self.scope, depth: self.depth + 1 };
                types::infer(&mut inner, &mut types::Scope::default(), expression)
            }
            _ => Type::Dynamic,
        }
    }
}
