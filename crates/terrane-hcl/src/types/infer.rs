//! The type of each expression.

use terrane_value::Type;

use super::convert::{converts, element, held, into_element, unify};
use super::{Certainty, Names, functions};
use crate::expr::{
    BinaryOperator, Directive, Element, Expr, ForExpr, FuncCall, Object, ObjectKey, Operation, Template,
    TemplateExpr, Traversal, TraversalOperator, UnaryOperator,
};

/// Variables of the `for` expressions around a place, the innermost last.
#[derive(Clone, Debug, Default)]
pub struct Scope(Vec<(String, Type)>);

impl Scope {
    /// Returns the type of a variable of a `for` expression.
    fn variable(&self, name: &str) -> Option<&Type> {
        self.0.iter().rev().find(|(variable, _)| variable == name).map(|(_, ty)| ty)
    }
}

/// Returns the type of an expression.
pub fn infer<N: Names>(names: &mut N, scope: &mut Scope, expr: &Expr) -> Type {
    match expr {
        Expr::Bool(_) => Type::Bool,
        Expr::Number(_) => Type::Number,
        Expr::String(_) => Type::String,
        Expr::Array(elements) => {
            Type::Tuple(elements.iter().map(|element| infer(names, scope, element)).collect())
        }
        Expr::Object(entries) => infer_object(names, scope, entries),
        Expr::TemplateExpr(template) => infer_template(names, scope, template),
        Expr::Variable(name) => variable(names, scope, name.as_str()),
        Expr::Traversal(traversal) => infer_traversal(names, scope, traversal),
        Expr::FuncCall(call) => infer_call(names, scope, call),
        Expr::Parenthesis(inner) => infer(names, scope, inner),
        Expr::Conditional(conditional) => {
            expect(names, scope, &conditional.cond_expr, &Type::Bool, "the condition of `?`");
            let branches =
                [&conditional.true_expr, &conditional.false_expr].map(|it| infer(names, scope, it));
            match (&conditional.true_expr, &conditional.false_expr) {
                // `null` has the type of the other branch.
                (Expr::Null, _) => return branches[1].clone(),
                (_, Expr::Null) => return branches[0].clone(),
                _ => {}
            }
            unify(&branches, N::CERTAINTY).unwrap_or_else(|| {
                names.fault(
                    format!("the branches of `?` are {} and {}", branches[0], branches[1]),
                    "give both branches one type",
                );
                Type::Dynamic
            })
        }
        Expr::Operation(operation) => infer_operation(names, scope, operation),
        Expr::ForExpr(for_expr) => infer_for(names, scope, for_expr),
        // It has every type.
        Expr::Null => Type::Dynamic,
    }
}

/// Infers an expression and reports it if it does not convert to `expected`.
pub fn expect<N: Names>(names: &mut N, scope: &mut Scope, expr: &Expr, expected: &Type, what: &str) {
    let found = infer(names, scope, expr);
    if !converts(&found, expected, Certainty::Possible) || !literal_converts(expr, expected) {
        names.fault(format!("{what} is {found}, not {expected}"), "give it a value of that type");
    }
}

fn infer_object<N: Names>(names: &mut N, scope: &mut Scope, entries: &Object) -> Type {
    let mut attributes = std::collections::BTreeMap::new();
    let mut is_open = false;
    for (idx, (key, value)) in entries.iter().enumerate() {
        let ty = infer(names, scope, value);
        let name = match key {
            ObjectKey::Identifier(name) => name.as_str().to_owned(),
            ObjectKey::Expression(Expr::String(name)) => name.clone(),
            ObjectKey::Expression(key) => {
                expect(names, scope, key, &Type::String, "the key of an object");
                is_open = true;
                format!("({idx})")
            }
        };
        attributes.insert(name, ty);
    }
    let object = Type::object(attributes);
    match N::CERTAINTY {
        _ if !is_open => object,
        // It is an object whose keys the values decide.
        Certainty::Certain => Type::Dynamic,
        Certainty::Possible => Type::map(element(&object, N::CERTAINTY).unwrap_or(Type::Dynamic)),
    }
}

fn infer_template<N: Names>(names: &mut N, scope: &mut Scope, template: &TemplateExpr) -> Type {
    let Some(template) = template.parts() else {
        names.fault("a template does not parse".to_owned(), "balance its markers");
        return Type::String;
    };
    if let [Element::Interpolation(sole)] = template.elements.as_slice() {
        return infer(names, scope, &sole.expr);
    }
    infer_elements(names, scope, &template);
    Type::String
}

fn infer_elements<N: Names>(names: &mut N, scope: &mut Scope, template: &Template) {
    for element in &template.elements {
        match element {
            Element::Literal(_) => {}
            Element::Interpolation(interpolation) => {
                expect(names, scope, &interpolation.expr, &Type::String, "an interpolation");
            }
            Element::Directive(directive) => match directive.as_ref() {
                Directive::If(directive) => {
                    expect(names, scope, &directive.cond_expr, &Type::Bool, "the condition of `%{if}`");
                    infer_elements(names, scope, &directive.true_template);
                    if let Some(template) = &directive.false_template {
                        infer_elements(names, scope, template);
                    }
                }
                Directive::For(directive) => {
                    let (key, value) = iterate(names, scope, &directive.collection_expr);
                    let depth = scope.0.len();
                    if let Some(name) = &directive.key_var {
                        scope.0.push((name.as_str().to_owned(), key));
                    }
                    scope.0.push((directive.value_var.as_str().to_owned(), value));
                    infer_elements(names, scope, &directive.template);
                    scope.0.truncate(depth);
                }
            },
        }
    }
}

/// Returns the types of key and value of what is iterated over.
fn iterate<N: Names>(names: &mut N, scope: &mut Scope, collection: &Expr) -> (Type, Type) {
    let ty = infer(names, scope, collection);
    let key = match &ty {
        Type::List(_) | Type::Tuple(_) => Type::Number,
        Type::Set(element) => element.as_ref().clone(),
        Type::Dynamic => Type::Dynamic,
        _ => Type::String,
    };
    let value = into_element(ty, N::CERTAINTY).unwrap_or_else(|ty| {
        names.fault(format!("`for` iterates over {ty}"), "iterate over a list, a set, or a map");
        Type::Dynamic
    });
    (key, value)
}

fn infer_for<N: Names>(names: &mut N, scope: &mut Scope, for_expr: &ForExpr) -> Type {
    let (key, value) = iterate(names, scope, &for_expr.collection_expr);
    let depth = scope.0.len();
    if let Some(name) = &for_expr.key_var {
        scope.0.push((name.as_str().to_owned(), key));
    }
    scope.0.push((for_expr.value_var.as_str().to_owned(), value));
    if let Some(key) = &for_expr.key_expr {
        expect(names, scope, key, &Type::String, "the key of a `for` expression");
    }
    let value = infer(names, scope, &for_expr.value_expr);
    if let Some(condition) = &for_expr.cond_expr {
        expect(names, scope, condition, &Type::Bool, "the condition of a `for` expression");
    }
    scope.0.truncate(depth);
    match (for_expr.key_expr.is_some(), for_expr.grouping) {
        // It is a tuple or an object, of which the values decide how much it has.
        _ if N::CERTAINTY == Certainty::Certain => Type::Dynamic,
        (true, true) => Type::map(Type::list(value)),
        (true, false) => Type::map(value),
        (false, _) => Type::list(value),
    }
}

fn infer_operation<N: Names>(names: &mut N, scope: &mut Scope, operation: &Operation) -> Type {
    match operation {
        Operation::Unary(unary) => {
            let ty = match unary.operator {
                UnaryOperator::Not => Type::Bool,
                UnaryOperator::Neg => Type::Number,
            };
            expect(names, scope, &unary.expr, &ty, &format!("the operand of `{}`", unary.operator.as_str()));
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
            expect(names, scope, &binary.lhs_expr, &operand, &what);
            expect(names, scope, &binary.rhs_expr, &operand, &what);
            result
        }
    }
}

fn variable<N: Names>(names: &mut N, scope: &mut Scope, name: &str) -> Type {
    match scope.variable(name) {
        Some(ty) => ty.clone(),
        None => names.reach(scope, name, &[]).0,
    }
}

fn infer_traversal<N: Names>(names: &mut N, scope: &mut Scope, traversal: &Traversal) -> Type {
    let operators = &traversal.operators;
    let (ty, rest) = match &traversal.expr {
        Expr::Variable(root) => match scope.variable(root.as_str()) {
            Some(ty) => attribute_of(ty, operators),
            None => names.reach(scope, root.as_str(), operators),
        },
        other => (infer(names, scope, other), operators.as_slice()),
    };
    apply(names, scope, ty, rest)
}

fn infer_call<N: Names>(names: &mut N, scope: &mut Scope, call: &FuncCall) -> Type {
    let arguments: Vec<Type> = call.args.iter().map(|argument| infer(names, scope, argument)).collect();
    let name = call.name.name.as_str();
    let Some(function) = functions::find(name).filter(|_| !call.name.is_namespaced()) else {
        names.fault(
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
        names.fault(
            format!("`{name}` takes {count} arguments, found {}", arguments.len()),
            "pass as many as it takes",
        );
        return function.result(&arguments, N::CERTAINTY);
    }
    let n_plain = arguments.len() - usize::from(call.expand_final && !arguments.is_empty());
    for (idx, ty) in arguments.iter().enumerate().take(n_plain) {
        let parameter = function.parameter(idx);
        if !parameter.takes(ty) {
            names.fault(
                format!("argument {} of `{name}` is {ty}, not {}", idx + 1, parameter.expected()),
                "pass a value of that type",
            );
        }
    }
    if call.expand_final {
        if N::CERTAINTY == Certainty::Certain && !function.is_fixed() {
            return Type::Dynamic;
        }
        let mut expanded = arguments;
        let last = expanded.pop().and_then(|last| element(&last, N::CERTAINTY)).unwrap_or(Type::Dynamic);
        expanded.push(last);
        return function.result(&expanded, N::CERTAINTY);
    }
    function.result(&arguments, N::CERTAINTY)
}

/// Returns the type of the part of a value that operators reach.
pub fn apply<N: Names>(names: &mut N, scope: &mut Scope, ty: Type, operators: &[TraversalOperator]) -> Type {
    let Some((operator, rest)) = operators.split_first() else { return ty };
    let part = match operator {
        TraversalOperator::GetAttr(name) => attribute(names, ty, name.as_str()),
        TraversalOperator::LegacyIndex(number) => index(names, scope, &ty, &Expr::from(*number)),
        TraversalOperator::Index(key) => index(names, scope, &ty, key),
        TraversalOperator::AttrSplat | TraversalOperator::FullSplat => {
            return match ty {
                Type::List(held) | Type::Set(held) => Type::list(apply(names, scope, *held, rest)),
                Type::Tuple(elements) if N::CERTAINTY == Certainty::Certain => {
                    Type::Tuple(elements.into_iter().map(|ty| apply(names, scope, ty, rest)).collect())
                }
                Type::Dynamic if N::CERTAINTY == Certainty::Certain => Type::Dynamic,
                Type::Tuple(_) => {
                    let held = into_element(ty, N::CERTAINTY).unwrap_or(Type::Dynamic);
                    Type::list(apply(names, scope, held, rest))
                }
                // What is not null is a tuple of one.
                _ if N::CERTAINTY == Certainty::Certain => Type::Dynamic,
                _ => Type::list(apply(names, scope, ty, rest)),
            };
        }
    };
    apply(names, scope, part, rest)
}

fn attribute<N: Names>(names: &mut N, ty: Type, name: &str) -> Type {
    match ty {
        Type::Dynamic => Type::Dynamic,
        Type::Map(element) => *element,
        Type::Object { mut attributes, .. } => attributes.remove(name).unwrap_or_else(|| {
            let known: Vec<&str> = attributes.keys().map(String::as_str).take(8).collect();
            names.fault(
                format!("an object with {} has no attribute `{name}`", known.join(", ")),
                "take an attribute that it has",
            );
            Type::Dynamic
        }),
        other => {
            names.fault(format!("{other} has no attribute `{name}`"), "take a part of an object or a map");
            Type::Dynamic
        }
    }
}

fn index<N: Names>(names: &mut N, scope: &mut Scope, ty: &Type, key: &Expr) -> Type {
    let expected = match ty {
        Type::List(_) | Type::Tuple(_) => Type::Number,
        Type::Map(_) | Type::Object { .. } => Type::String,
        Type::Dynamic => Type::Dynamic,
        Type::Set(_) | Type::String | Type::Number | Type::Bool => {
            names.fault(format!("{ty} has no elements to index"), "convert it to a list or a map first");
            return Type::Dynamic;
        }
    };
    expect(names, scope, key, &expected, "the index");
    match (ty, key) {
        (Type::Object { .. }, Expr::String(name)) => attribute(names, ty.clone(), name),
        (Type::Tuple(elements), Expr::Number(number)) => {
            let idx = number.as_u64().and_then(|idx| usize::try_from(idx).ok());
            idx.and_then(|idx| elements.get(idx)).cloned().unwrap_or(Type::Dynamic)
        }
        _ => held(ty, N::CERTAINTY).unwrap_or(Type::Dynamic),
    }
}

/// Takes attributes of an object as far as it has them, and returns the type of what is reached and the operators left.
pub fn attribute_of<'o>(
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
