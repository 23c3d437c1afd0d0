//! The type of each expression.

use terrane_contract::Type;
use terrane_hcl::expr::{
    BinaryOperator, Directive, Element, Expr, ForExpr, FuncCall, Object, ObjectKey, Operation, Template,
    TemplateExpr, Traversal, TraversalOperator, UnaryOperator,
};

use super::Checker;
use super::convert::{converts, element, into_element, unify};
use super::functions;

/// The names that an expression can refer to besides the module's own.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope {
    /// The type of `each.value`, where the resource has `for_each`.
    pub(super) each: Option<Type>,
    /// Whose attributes `self` has, in a postcondition: whether it is a data source, and its type.
    pub(super) own: Option<(bool, String)>,
    /// Variables of the `for` expressions around it, the innermost last.
    pub(super) variables: Vec<(String, Type)>,
}

impl Scope {
    /// Returns the type of a variable of a `for` expression.
    fn variable(&self, name: &str) -> Option<&Type> {
        self.variables.iter().rev().find(|(variable, _)| variable == name).map(|(_, ty)| ty)
    }
}

impl Checker<'_> {
    pub(super) fn infer(&mut self, scope: &mut Scope, expr: &Expr) -> Type {
        match expr {
            Expr::Bool(_) => Type::Bool,
            Expr::Number(_) => Type::Number,
            Expr::String(_) => Type::String,
            Expr::Array(elements) => {
                Type::Tuple(elements.iter().map(|element| self.infer(scope, element)).collect())
            }
            Expr::Object(entries) => self.infer_object(scope, entries),
            Expr::TemplateExpr(template) => self.infer_template(scope, template),
            Expr::Variable(name) => self.variable(scope, name.as_str()),
            Expr::Traversal(traversal) => self.infer_traversal(scope, traversal),
            Expr::FuncCall(call) => self.infer_call(scope, call),
            Expr::Parenthesis(inner) => self.infer(scope, inner),
            Expr::Conditional(conditional) => {
                self.expect(scope, &conditional.cond_expr, &Type::Bool, "the condition of `?`");
                let branches =
                    [self.infer(scope, &conditional.true_expr), self.infer(scope, &conditional.false_expr)];
                unify(&branches).unwrap_or_else(|| {
                    self.fault(
                        format!("the branches of `?` are {} and {}", branches[0], branches[1]),
                        "give both branches one type",
                    );
                    Type::Dynamic
                })
            }
            Expr::Operation(operation) => self.infer_operation(scope, operation),
            Expr::ForExpr(for_expr) => self.infer_for(scope, for_expr),
            // It has every type.
            Expr::Null => Type::Dynamic,
        }
    }

    /// Infers an expression and reports it if it does not convert to `expected`.
    pub(super) fn expect(&mut self, scope: &mut Scope, expr: &Expr, expected: &Type, what: &str) {
        let found = self.infer(scope, expr);
        if !converts(&found, expected) || !literal_converts(expr, expected) {
            self.fault(format!("{what} is {found}, not {expected}"), "give it a value of that type");
        }
    }

    fn infer_object(&mut self, scope: &mut Scope, entries: &Object) -> Type {
        let mut attributes = std::collections::BTreeMap::new();
        let mut is_open = false;
        for (idx, (key, value)) in entries.iter().enumerate() {
            let ty = self.infer(scope, value);
            let name = match key {
                ObjectKey::Identifier(name) => name.as_str().to_owned(),
                ObjectKey::Expression(Expr::String(name)) => name.clone(),
                ObjectKey::Expression(key) => {
                    self.expect(scope, key, &Type::String, "the key of an object");
                    is_open = true;
                    format!("({idx})")
                }
            };
            attributes.insert(name, ty);
        }
        let object = Type::object(attributes);
        if is_open { Type::map(element(&object).unwrap_or(Type::Dynamic)) } else { object }
    }

    fn infer_template(&mut self, scope: &mut Scope, template: &TemplateExpr) -> Type {
        let Some(template) = template.parts() else {
            self.fault("a template does not parse".to_owned(), "balance its markers");
            return Type::String;
        };
        if let [Element::Interpolation(sole)] = template.elements.as_slice() {
            return self.infer(scope, &sole.expr);
        }
        self.infer_elements(scope, &template);
        Type::String
    }

    fn infer_elements(&mut self, scope: &mut Scope, template: &Template) {
        for element in &template.elements {
            match element {
                Element::Literal(_) => {}
                Element::Interpolation(interpolation) => {
                    self.expect(scope, &interpolation.expr, &Type::String, "an interpolation");
                }
                Element::Directive(directive) => match directive.as_ref() {
                    Directive::If(directive) => {
                        self.expect(scope, &directive.cond_expr, &Type::Bool, "the condition of `%{if}`");
                        self.infer_elements(scope, &directive.true_template);
                        if let Some(template) = &directive.false_template {
                            self.infer_elements(scope, template);
                        }
                    }
                    Directive::For(directive) => {
                        let (key, value) = self.iterate(scope, &directive.collection_expr);
                        let depth = scope.variables.len();
                        if let Some(name) = &directive.key_var {
                            scope.variables.push((name.as_str().to_owned(), key));
                        }
                        scope.variables.push((directive.value_var.as_str().to_owned(), value));
                        self.infer_elements(scope, &directive.template);
                        scope.variables.truncate(depth);
                    }
                },
            }
        }
    }

    /// Returns the types of key and value of what is iterated over.
    fn iterate(&mut self, scope: &mut Scope, collection: &Expr) -> (Type, Type) {
        let ty = self.infer(scope, collection);
        let key = match &ty {
            Type::List(_) | Type::Tuple(_) => Type::Number,
            Type::Set(element) => element.as_ref().clone(),
            Type::Dynamic => Type::Dynamic,
            _ => Type::String,
        };
        let value = into_element(ty).unwrap_or_else(|ty| {
            self.fault(format!("`for` iterates over {ty}"), "iterate over a list, a set, or a map");
            Type::Dynamic
        });
        (key, value)
    }

    fn infer_for(&mut self, scope: &mut Scope, for_expr: &ForExpr) -> Type {
        let (key, value) = self.iterate(scope, &for_expr.collection_expr);
        let depth = scope.variables.len();
        if let Some(name) = &for_expr.key_var {
            scope.variables.push((name.as_str().to_owned(), key));
        }
        scope.variables.push((for_expr.value_var.as_str().to_owned(), value));
        if let Some(key) = &for_expr.key_expr {
            self.expect(scope, key, &Type::String, "the key of a `for` expression");
        }
        let value = self.infer(scope, &for_expr.value_expr);
        if let Some(condition) = &for_expr.cond_expr {
            self.expect(scope, condition, &Type::Bool, "the condition of a `for` expression");
        }
        scope.variables.truncate(depth);
        match (for_expr.key_expr.is_some(), for_expr.grouping) {
            (true, true) => Type::map(Type::list(value)),
            (true, false) => Type::map(value),
            (false, _) => Type::list(value),
        }
    }

    fn infer_operation(&mut self, scope: &mut Scope, operation: &Operation) -> Type {
        match operation {
            Operation::Unary(unary) => {
                let ty = match unary.operator {
                    UnaryOperator::Not => Type::Bool,
                    UnaryOperator::Neg => Type::Number,
                };
                self.expect(
                    scope,
                    &unary.expr,
                    &ty,
                    &format!("the operand of `{}`", unary.operator.as_str()),
                );
                ty
            }
            Operation::Binary(binary) => {
                let (operand, result) = match binary.operator {
                    BinaryOperator::Eq | BinaryOperator::NotEq => (Type::Dynamic, Type::Bool),
                    BinaryOperator::And | BinaryOperator::Or => (Type::Bool, Type::Bool),
                    BinaryOperator::Less
                    | BinaryOperator::LessEq
                    | BinaryOperator::Greater
                    | BinaryOperator::GreaterEq => (Type::Number, Type::Bool),
                    BinaryOperator::Plus
                    | BinaryOperator::Minus
                    | BinaryOperator::Mul
                    | BinaryOperator::Div
                    | BinaryOperator::Mod => (Type::Number, Type::Number),
                };
                let what = format!("an operand of `{}`", binary.operator.as_str());
                self.expect(scope, &binary.lhs_expr, &operand, &what);
                self.expect(scope, &binary.rhs_expr, &operand, &what);
                result
            }
        }
    }

    fn infer_call(&mut self, scope: &mut Scope, call: &FuncCall) -> Type {
        let arguments: Vec<Type> = call.args.iter().map(|argument| self.infer(scope, argument)).collect();
        let name = call.name.name.as_str();
        let Some(function) = functions::find(name).filter(|_| !call.name.is_namespaced()) else {
            self.fault(
                format!("there is no function `{}`", call.name),
                "correct its name, or add it to the table of functions",
            );
            return Type::Dynamic;
        };
        if !call.expand_final && !(function.min..=function.max).contains(&arguments.len()) {
            let count = match (function.min, function.max) {
                (min, max) if min == max => min.to_string(),
                (min, usize::MAX) => format!("at least {min}"),
                (min, max) => format!("{min} to {max}"),
            };
            self.fault(
                format!("`{name}` takes {count} arguments, found {}", arguments.len()),
                "pass as many as it takes",
            );
            return function.result(&arguments);
        }
        let n_plain = arguments.len() - usize::from(call.expand_final && !arguments.is_empty());
        for (idx, ty) in arguments.iter().enumerate().take(n_plain) {
            let parameter = function.parameter(idx);
            if !parameter.takes(ty) {
                self.fault(
                    format!("argument {} of `{name}` is {ty}, not {}", idx + 1, parameter.expected()),
                    "pass a value of that type",
                );
            }
        }
        if call.expand_final {
            let mut expanded = arguments;
            let last = expanded.pop().and_then(|last| element(&last)).unwrap_or(Type::Dynamic);
            expanded.push(last);
            return function.result(&expanded);
        }
        function.result(&arguments)
    }

    fn variable(&mut self, scope: &Scope, name: &str) -> Type {
        scope.variable(name).cloned().unwrap_or_else(|| self.unresolved(name))
    }

    pub(super) fn unresolved(&mut self, name: &str) -> Type {
        self.fault(format!("`{name}` refers to nothing"), "declare it, or correct the name");
        Type::Dynamic
    }

    fn infer_traversal(&mut self, scope: &mut Scope, traversal: &Traversal) -> Type {
        let operators = &traversal.operators;
        let Expr::Variable(root) = &traversal.expr else {
            let ty = self.infer(scope, &traversal.expr);
            return self.apply(scope, ty, operators);
        };
        if let Some(ty) = scope.variable(root.as_str()) {
            let (ty, rest) = attribute_of(ty, operators);
            return self.apply(scope, ty, rest);
        }
        let (first, rest) = match operators.split_first() {
            Some((TraversalOperator::GetAttr(name), rest)) => (name.as_str(), rest),
            _ => return self.unresolved(root.as_str()),
        };
        let (ty, rest) = match (root.as_str(), first) {
            ("var", name) => match self.variable_type(name) {
                Some(ty) => attribute_of(ty, rest),
                None => (self.unresolved(&format!("var.{name}")), rest),
            },
            ("local", name) => match self.local_type(name) {
                Some(ty) => attribute_of(ty, rest),
                None => (self.unresolved(&format!("local.{name}")), rest),
            },
            ("each", "key" | "value") => match &scope.each {
                Some(_) if first == "key" => (Type::String, rest),
                Some(value) => attribute_of(value, rest),
                None => {
                    self.fault(
                        format!("`each.{first}` stands where there is no `for_each`"),
                        "add `for_each`, or name the instance",
                    );
                    (Type::Dynamic, rest)
                }
            },
            ("self", attribute) => (self.own_attribute(scope, attribute), rest),
            ("path", "module" | "root" | "cwd") | ("terraform", "workspace") => (Type::String, rest),
            ("data", ty) => {
                let Some((TraversalOperator::GetAttr(name), rest)) = rest.split_first() else {
                    return self.unresolved(&format!("data.{ty}"));
                };
                return self.infer_resource(scope, true, ty, name.as_str(), rest);
            }
            (ty, name) => return self.infer_resource(scope, false, ty, name, rest),
        };
        self.apply(scope, ty, rest)
    }

    /// Returns the type of `self.<attribute>`.
    fn own_attribute(&mut self, scope: &Scope, attribute: &str) -> Type {
        let Some((is_data, ty)) = &scope.own else {
            self.fault(
                "`self` stands where there is no object yet".to_owned(),
                "use it in a postcondition only",
            );
            return Type::Dynamic;
        };
        let schema = if *is_data { self.schema.data(ty) } else { self.schema.resource(ty) };
        // An unknown type is reported where the resource stands.
        let Some(schema) = schema else { return Type::Dynamic };
        schema.part(attribute).unwrap_or_else(|| {
            self.fault(
                format!("`{ty}` has no attribute `{attribute}`"),
                "take one that the provider's schema has",
            );
            Type::Dynamic
        })
    }

    /// Infers a part of a resource without making the type of all of it.
    fn infer_resource(
        &mut self,
        scope: &mut Scope,
        is_data: bool,
        ty: &str,
        name: &str,
        operators: &[TraversalOperator],
    ) -> Type {
        let address = || if is_data { format!("data.{ty}.{name}") } else { format!("{ty}.{name}") };
        let Some(has_instances) = self.instances(is_data, ty, name) else {
            return self.unresolved(&address());
        };
        let schema = if is_data { self.schema.data(ty) } else { self.schema.resource(ty) };
        // An unknown type is reported where the resource stands.
        let Some(schema) = schema else { return Type::Dynamic };
        let (part, rest) = match (has_instances, operators) {
            (true, [TraversalOperator::Index(key), TraversalOperator::GetAttr(attribute), rest @ ..]) => {
                self.expect(scope, key, &Type::String, "the key of an instance");
                (schema.part(attribute.as_str()).ok_or(attribute), rest)
            }
            (true, [TraversalOperator::GetAttr(attribute), ..]) => {
                self.fault(
                    format!(
                        "`{}` has an instance for each key, so that `.{attribute}` names none of them",
                        address(),
                    ),
                    "name the instance: `[each.key]`",
                );
                return Type::Dynamic;
            }
            (true, _) => {
                let whole = Type::map(schema.ty());
                return self.apply(scope, whole, operators);
            }
            (false, [TraversalOperator::GetAttr(attribute), rest @ ..]) => {
                (schema.part(attribute.as_str()).ok_or(attribute), rest)
            }
            (false, _) => {
                let whole = schema.ty();
                return self.apply(scope, whole, operators);
            }
        };
        match part {
            Ok(part) => self.apply(scope, part, rest),
            Err(attribute) => {
                self.fault(
                    format!("`{}` has no attribute `{attribute}`", address()),
                    "take one that the provider's schema has",
                );
                Type::Dynamic
            }
        }
    }

    fn apply(&mut self, scope: &mut Scope, ty: Type, operators: &[TraversalOperator]) -> Type {
        let Some((operator, rest)) = operators.split_first() else { return ty };
        let part = match operator {
            TraversalOperator::GetAttr(name) => self.attribute(ty, name.as_str()),
            TraversalOperator::LegacyIndex(_) => into_element(ty).unwrap_or(Type::Dynamic),
            TraversalOperator::Index(key) => self.index(scope, &ty, key),
            TraversalOperator::AttrSplat | TraversalOperator::FullSplat => {
                let held = match ty {
                    Type::List(_) | Type::Set(_) | Type::Tuple(_) => {
                        into_element(ty).unwrap_or(Type::Dynamic)
                    }
                    _ => ty,
                };
                return Type::list(self.apply(scope, held, rest));
            }
        };
        self.apply(scope, part, rest)
    }

    fn attribute(&mut self, ty: Type, name: &str) -> Type {
        match ty {
            Type::Dynamic => Type::Dynamic,
            Type::Map(element) => *element,
            Type::Object { mut attributes, .. } => attributes.remove(name).unwrap_or_else(|| {
                let known: Vec<&str> = attributes.keys().map(String::as_str).take(8).collect();
                self.fault(
                    format!("an object with {} has no attribute `{name}`", known.join(", ")),
                    "take an attribute that it has",
                );
                Type::Dynamic
            }),
            other => {
                self.fault(format!("{other} has no attribute `{name}`"), "take a part of an object or a map");
                Type::Dynamic
            }
        }
    }

    fn index(&mut self, scope: &mut Scope, ty: &Type, key: &Expr) -> Type {
        let expected = match ty {
            Type::List(_) | Type::Tuple(_) => Type::Number,
            Type::Map(_) | Type::Object { .. } => Type::String,
            Type::Dynamic => Type::Dynamic,
            Type::Set(_) | Type::String | Type::Number | Type::Bool => {
                self.fault(format!("{ty} has no elements to index"), "convert it to a list or a map first");
                return Type::Dynamic;
            }
        };
        self.expect(scope, key, &expected, "the index");
        match (ty, key) {
            (Type::Object { .. }, Expr::String(name)) => self.attribute(ty.clone(), name),
            _ => element(ty).unwrap_or(Type::Dynamic),
        }
    }
}

/// Takes attributes of an object as far as it has them, and returns the type of what is reached and the operators left.
fn attribute_of<'o>(
    mut ty: &Type,
    mut operators: &'o [TraversalOperator],
) -> (Type, &'o [TraversalOperator]) {
    while let (Type::Object { attributes, .. }, [TraversalOperator::GetAttr(name), rest @ ..]) =
        (ty, operators)
        && let Some(attribute) = attributes.get(name.as_str())
    {
        (ty, operators) = (attribute, rest);
    }
    (ty.clone(), operators)
}

/// Returns whether a literal's text reads as the expected type.
fn literal_converts(expr: &Expr, expected: &Type) -> bool {
    match (expr, expected) {
        (Expr::String(text), Type::Number) => text.parse::<f64>().is_ok(),
        (Expr::String(text), Type::Bool) => matches!(text.as_str(), "true" | "false"),
        _ => true,
    }
}
