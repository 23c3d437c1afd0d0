//! Reads meaning out of HCL expressions: type constraints, literals, certain result types.

use std::collections::{BTreeMap, BTreeSet};

use hcl::eval::{Context, Evaluate as _};
use hcl::expr::{FuncCall, Operation, TemplateExpr, TraversalOperator};
use hcl::format::{Format as _, Formatter};
use hcl::{Expression, ObjectKey};
use serde_json::Value;

use crate::Type;

/// Returns an expression as HCL on one line, the same text for the same expression.
///
/// Line breaks, alignment, comments, quotes around object keys, and parentheses around a whole value do not matter.
///
/// # Examples
///
/// ```
/// let expression: hcl::Expression = "length(var.zones)   >  1".parse().unwrap();
/// assert_eq!(terrane_contract::canonical(&expression), "length(var.zones) > 1");
/// ```
pub fn canonical(expression: &Expression) -> String {
    let text = one_line(expression);
    text.parse().map_or(text, |expression| terrane_hcl::print::canonical(&expression))
}

fn one_line(expression: &Expression) -> String {
    let mut formatter = Formatter::builder().compact(true).prefer_ident_keys(true).build_vec();
    expression
        .format_string(&mut formatter)
        .unwrap_or_else(|error| format!("unprintable expression: {error}"))
}

/// Returns a literal as JSON: what a `default` may hold.
pub(crate) fn literal(expression: &Expression) -> Result<Value, String> {
    let value = expression
        .evaluate(&Context::new())
        .map_err(|_| format!("expected a literal, found `{}`", canonical(expression)))?;
    serde_json::to_value(value).map_err(|error| error.to_string())
}

/// A type constraint with the defaults of its optional attributes by path.
#[derive(Debug, PartialEq)]
pub(crate) struct Constraint {
    pub(crate) ty: Type,
    pub(crate) defaults: BTreeMap<String, Value>,
}

/// Reads a type constraint such as `object({ size = optional(number, 3) })`.
pub(crate) fn constraint(expression: &Expression) -> Result<Constraint, String> {
    let mut defaults = BTreeMap::new();
    let ty = constraint_at(expression, "", &mut defaults)?;
    Ok(Constraint { ty, defaults })
}

fn constraint_at(
    expression: &Expression,
    path: &str,
    defaults: &mut BTreeMap<String, Value>,
) -> Result<Type, String> {
    let unknown = || format!("`{}` is no type constraint", canonical(expression));
    match expression {
        Expression::Parenthesis(inner) => constraint_at(inner, path, defaults),
        // Terraform 0.11 wrote types in quotes, and 1.x still reads them.
        Expression::String(name) => match name.as_str() {
            "string" => Ok(Type::String),
            "list" => Ok(Type::list(Type::Dynamic)),
            "map" => Ok(Type::map(Type::Dynamic)),
            _ => Err(unknown()),
        },
        Expression::Variable(name) => match name.as_str() {
            "string" => Ok(Type::String),
            "number" => Ok(Type::Number),
            "bool" => Ok(Type::Bool),
            "any" => Ok(Type::Dynamic),
            "list" => Ok(Type::list(Type::Dynamic)),
            "set" => Ok(Type::set(Type::Dynamic)),
            "map" => Ok(Type::map(Type::Dynamic)),
            _ => Err(unknown()),
        },
        Expression::FuncCall(call) => match (call.name.name.as_str(), call.args.as_slice()) {
            ("list", [element]) => Ok(Type::list(constraint_at(element, &format!("{path}[*]"), defaults)?)),
            ("set", [element]) => Ok(Type::set(constraint_at(element, &format!("{path}[*]"), defaults)?)),
            ("map", [element]) => Ok(Type::map(constraint_at(element, &format!("{path}[*]"), defaults)?)),
            ("tuple", [Expression::Array(elements)]) => {
                let element = |(idx, element)| constraint_at(element, &format!("{path}[{idx}]"), defaults);
                Ok(Type::Tuple(elements.iter().enumerate().map(element).collect::<Result<_, _>>()?))
            }
            ("object", [Expression::Object(attributes)]) => object_constraint(attributes, path, defaults),
            _ => Err(unknown()),
        },
        _ => Err(unknown()),
    }
}

fn object_constraint(
    members: &hcl::expr::Object<ObjectKey, Expression>,
    path: &str,
    defaults: &mut BTreeMap<String, Value>,
) -> Result<Type, String> {
    let mut attributes = BTreeMap::new();
    let mut optional = BTreeSet::new();
    for (key, member) in members {
        let name = key_name(key).ok_or_else(|| format!("`{key}` is no attribute name"))?;
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let mut constraint = member;
        if let Expression::FuncCall(call) = member
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
    match key {
        ObjectKey::Identifier(name) => Some(name.as_str().to_owned()),
        ObjectKey::Expression(Expression::String(name)) => Some(name.clone()),
        _ => None,
    }
}

/// What expressions may refer to.
pub(crate) struct Scope<'a> {
    pub(crate) variables: BTreeMap<&'a str, &'a Type>,
    pub(crate) locals: BTreeMap<&'a str, &'a Expression>,
}

/// How far locals are followed, which also ends cycles.
const MAX_DEPTH: usize = 16;

impl Scope<'_> {
    /// Returns the type of an expression where it is certain, and [`Type::Dynamic`] elsewhere.
    pub(crate) fn type_of(&self, expression: &Expression) -> Type {
        self.type_at(expression, 0)
    }

    fn type_at(&self, expression: &Expression, depth: usize) -> Type {
        if depth > MAX_DEPTH {
            return Type::Dynamic;
        }
        let go = |expression: &Expression| self.type_at(expression, depth + 1);
        match expression {
            Expression::Bool(_) => Type::Bool,
            Expression::Number(_) => Type::Number,
            Expression::String(_) => Type::String,
            Expression::TemplateExpr(template) => template_type(template),
            Expression::Parenthesis(inner) => go(inner),
            Expression::Array(elements) => Type::Tuple(elements.iter().map(go).collect()),
            Expression::Object(members) => {
                let named: Option<Vec<_>> =
                    members.iter().map(|(key, value)| Some((key_name(key)?, go(value)))).collect();
                named.map_or(Type::Dynamic, Type::object)
            }
            Expression::Operation(operation) => operation_type(operation),
            Expression::Conditional(conditional) => {
                let (yes, no) = (go(&conditional.true_expr), go(&conditional.false_expr));
                if yes == no { yes } else { Type::Dynamic }
            }
            Expression::FuncCall(call) => function_type(call, &go),
            Expression::Traversal(traversal) => self.traversal_type(traversal, depth),
            _ => Type::Dynamic,
        }
    }

    fn traversal_type(&self, traversal: &hcl::Traversal, depth: usize) -> Type {
        let Expression::Variable(root) = &traversal.expr else { return Type::Dynamic };
        let (Some(TraversalOperator::GetAttr(name)), rest) =
            (traversal.operators.first(), traversal.operators.get(1..).unwrap_or_default())
        else {
            return Type::Dynamic;
        };
        let start = match root.as_str() {
            "var" => self.variables.get(name.as_str()).map_or(Type::Dynamic, |ty| (*ty).clone()),
            "local" => match self.locals.get(name.as_str()) {
                Some(expression) => self.type_at(expression, depth + 1),
                None => Type::Dynamic,
            },
            "path" | "terraform" => Type::String,
            // The built-in provider's resource: `id` is a string by its schema.
            "terraform_data" => match rest {
                [TraversalOperator::GetAttr(attribute)] if attribute.as_str() == "id" => return Type::String,
                _ => Type::Dynamic,
            },
            _ => Type::Dynamic,
        };
        rest.iter().fold(start, |ty, operator| step(&ty, operator))
    }

    /// Returns the literal instance keys of a `for_each` or `count` expression, where it names them.
    pub(crate) fn literal_keys(&self, expression: &Expression) -> BTreeSet<String> {
        self.keys_at(expression, 0).unwrap_or_default()
    }

    fn keys_at(&self, expression: &Expression, depth: usize) -> Option<BTreeSet<String>> {
        /// A `count` beyond this is compared by its expression alone.
        const MAX_COUNT: u64 = 1000;
        match expression {
            _ if depth > MAX_DEPTH => None,
            Expression::Parenthesis(inner) => self.keys_at(inner, depth + 1),
            Expression::Number(count) => {
                let count = count.as_u64().filter(|count| *count <= MAX_COUNT)?;
                Some((0..count).map(|idx| idx.to_string()).collect())
            }
            // Either branch may hold: both are possible keys.
            Expression::Conditional(conditional) => {
                let mut keys = self.keys_at(&conditional.true_expr, depth + 1)?;
                keys.extend(self.keys_at(&conditional.false_expr, depth + 1)?);
                Some(keys)
            }
            Expression::Object(members) => members.iter().map(|(key, _)| key_name(key)).collect(),
            Expression::Array(elements) => elements
                .iter()
                .map(|element| if let Expression::String(key) = element { Some(key.clone()) } else { None })
                .collect(),
            Expression::FuncCall(call) => match (call.name.name.as_str(), call.args.as_slice()) {
                ("toset" | "tomap", [inner]) => self.keys_at(inner, depth + 1),
                _ => None,
            },
            Expression::Traversal(traversal) => match (&traversal.expr, traversal.operators.as_slice()) {
                (Expression::Variable(root), [TraversalOperator::GetAttr(name)])
                    if root.as_str() == "local" =>
                {
                    self.keys_at(self.locals.get(name.as_str())?, depth + 1)
                }
                _ => None,
            },
            _ => None,
        }
    }
}

fn template_type(template: &TemplateExpr) -> Type {
    match template {
        // `"${x}"` alone is `x` itself, of any type.
        TemplateExpr::QuotedString(text) if text.starts_with("${") && text.ends_with('}') => Type::Dynamic,
        TemplateExpr::QuotedString(_) | TemplateExpr::Heredoc(_) => Type::String,
    }
}

fn operation_type(operation: &hcl::expr::Operation) -> Type {
    use hcl::expr::{BinaryOperator as Op, UnaryOperator};
    match operation {
        Operation::Unary(unary) => match unary.operator {
            UnaryOperator::Neg => Type::Number,
            UnaryOperator::Not => Type::Bool,
        },
        Operation::Binary(binary) => match binary.operator {
            Op::Plus | Op::Minus | Op::Mul | Op::Div | Op::Mod => Type::Number,
            Op::Eq | Op::NotEq | Op::Less | Op::LessEq | Op::Greater | Op::GreaterEq | Op::And | Op::Or => {
                Type::Bool
            }
        },
    }
}

fn function_type(call: &FuncCall, go: &dyn Fn(&Expression) -> Type) -> Type {
    if call.name.is_namespaced() || call.expand_final {
        return Type::Dynamic;
    }
    let element = |ty: Type| match ty {
        Type::List(element) | Type::Set(element) | Type::Map(element) => *element,
        Type::Tuple(elements) => common(elements.into_iter()),
        Type::Object { attributes, .. } => common(attributes.into_values()),
        _ => Type::Dynamic,
    };
    match (call.name.name.as_str(), call.args.as_slice()) {
        ("tolist", [inner]) => Type::list(element(go(inner))),
        ("toset", [inner]) => Type::set(element(go(inner))),
        ("tomap", [inner]) => Type::map(element(go(inner))),
        ("keys", [inner]) if matches!(go(inner), Type::Map(_)) => Type::list(Type::String),
        ("split" | "sort", _) => Type::list(Type::String),
        (
            "cidrsubnet" | "cidrhost" | "cidrnetmask" | "format" | "join" | "jsonencode" | "lower" | "upper"
            | "replace" | "substr" | "tostring" | "trimspace" | "title" | "sha256" | "md5" | "base64encode"
            | "yamlencode",
            _,
        ) => Type::String,
        ("length" | "tonumber" | "floor" | "ceil" | "abs" | "parseint", _) => Type::Number,
        ("tobool" | "contains" | "can" | "startswith" | "endswith" | "alltrue" | "anytrue", _) => Type::Bool,
        _ => Type::Dynamic,
    }
}

/// Returns the type that all have in common where it is certain.
fn common(mut types: impl Iterator<Item = Type>) -> Type {
    let Some(first) = types.next() else { return Type::Dynamic };
    if types.all(|ty| ty == first) { first } else { Type::Dynamic }
}

fn step(ty: &Type, operator: &TraversalOperator) -> Type {
    match (ty, operator) {
        (Type::Object { attributes, .. }, TraversalOperator::GetAttr(name)) => {
            attributes.get(name.as_str()).cloned().unwrap_or(Type::Dynamic)
        }
        (Type::Map(element), TraversalOperator::GetAttr(_) | TraversalOperator::Index(_)) => {
            (**element).clone()
        }
        (Type::List(element), TraversalOperator::Index(_) | TraversalOperator::LegacyIndex(_)) => {
            (**element).clone()
        }
        _ => Type::Dynamic,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parentheses_matter_where_an_operator_binds() {
        let canonical = |text: &str| canonical(&text.parse().unwrap());
        for (one, other) in [
            ("(a ? b : c)", "a ? b : c"),
            ("f((a && b), [(c)])", "f(a && b, [c])"),
            ("{ \"x-1\" = (a) }", "{ x-1 = a }"),
            ("[for x in (y) : (x.z) if (x.ok)]", "[for x in y : x.z if x.ok]"),
            ("a && f(((b)))", "a && f(b)"),
            ("x[(0)]", "x[0]"),
        ] {
            assert_eq!(canonical(one), canonical(other));
        }
        for (one, other) in [
            ("(a || b) && c", "a || b && c"),
            ("(a ? b : c) ? d : e", "a ? b : c ? d : e"),
            ("!(a && b)", "!a && b"),
            ("(a + b).c", "a + b.c"),
        ] {
            assert_ne!(canonical(one), canonical(other));
        }
    }
}
