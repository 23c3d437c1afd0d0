//! Expressions on one line, with the parentheses that precedence asks for.

use std::fmt::Write as _;

use super::{MAX_COLUMNS, text};
use crate::expr::{
    BinaryOperator, Conditional, Expr, ForExpr, FuncCall, Identifier, Number, ObjectKey, Operation,
    Traversal, TraversalOperator,
};

/// Prints an expression on one line, as contracts and documents quote it.
///
/// A heredoc is printed as the quoted string that means the same.
pub fn expression(expr: &Expr) -> String {
    let mut out = String::with_capacity(MAX_COLUMNS);
    write(&mut out, expr, Precedence::CONDITIONAL);
    out
}

/// Prints the key of an object's member.
pub(crate) fn key(key: &ObjectKey) -> String {
    let mut out = String::new();
    write_key(&mut out, key);
    out
}

/// How tightly an expression holds together; what stands inside a tighter one needs parentheses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Precedence(u8);

impl Precedence {
    pub(super) const CONDITIONAL: Precedence = Precedence(0);
    pub(super) const OR: Precedence = Precedence(1);
    const UNARY: Precedence = Precedence(7);
    const TERM: Precedence = Precedence(8);

    pub(super) fn of(expr: &Expr) -> Precedence {
        match expr {
            Expr::Conditional(_) => Precedence::CONDITIONAL,
            Expr::Operation(operation) => match operation.as_ref() {
                Operation::Unary(_) => Precedence::UNARY,
                Operation::Binary(binary) => Precedence::of_operator(binary.operator),
            },
            Expr::Number(number) if number.as_f64().is_some_and(|number| number < 0.0) => Precedence::UNARY,
            Expr::TemplateExpr(template) => match text::sole_interpolation(template) {
                Some(inner) => Precedence::of(&inner),
                None => Precedence::TERM,
            },
            _ => Precedence::TERM,
        }
    }

    pub(super) fn of_operator(operator: BinaryOperator) -> Precedence {
        match operator {
            BinaryOperator::Or => Precedence::OR,
            BinaryOperator::And => Precedence(2),
            BinaryOperator::Eq | BinaryOperator::NotEq => Precedence(3),
            BinaryOperator::LessEq
            | BinaryOperator::GreaterEq
            | BinaryOperator::Less
            | BinaryOperator::Greater => Precedence(4),
            BinaryOperator::Plus | BinaryOperator::Minus => Precedence(5),
            BinaryOperator::Mul | BinaryOperator::Div | BinaryOperator::Mod => Precedence(6),
        }
    }

    pub(super) fn tighter(self) -> Precedence {
        Precedence(self.0 + 1)
    }
}

pub(super) fn write(out: &mut String, expr: &Expr, least: Precedence) {
    let needs_parentheses = least > Precedence::CONDITIONAL && Precedence::of(expr) < least;
    if needs_parentheses {
        out.push('(');
    }
    match expr {
        Expr::Null => out.push_str("null"),
        Expr::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Expr::Number(number) => write_number(out, number),
        Expr::String(text) => text::write_quoted(out, text),
        Expr::Array(elements) => {
            out.push('[');
            write_list(out, elements);
            out.push(']');
        }
        Expr::Object(entries) if entries.is_empty() => out.push_str("{}"),
        Expr::Object(entries) => {
            for (idx, (key, value)) in entries.iter().enumerate() {
                out.push_str(if idx == 0 { "{ " } else { ", " });
                write_key(out, key);
                out.push_str(" = ");
                write(out, value, Precedence::CONDITIONAL);
            }
            out.push_str(" }");
        }
        Expr::TemplateExpr(template) => text::write_template(out, template),
        Expr::Variable(name) => out.push_str(name.as_str()),
        Expr::Traversal(traversal) => write_traversal(out, traversal),
        Expr::FuncCall(call) => write_call(out, call),
        Expr::Parenthesis(inner) => {
            out.push('(');
            write(out, inner, Precedence::CONDITIONAL);
            out.push(')');
        }
        Expr::Conditional(conditional) => write_conditional(out, conditional),
        Expr::Operation(operation) => write_operation(out, operation),
        Expr::ForExpr(for_expr) => write_for(out, for_expr),
    }
    if needs_parentheses {
        out.push(')');
    }
}

fn write_number(out: &mut String, number: &Number) {
    let written = match (number.as_i64(), number.as_u64(), number.as_f64()) {
        (Some(number), _, _) => write!(out, "{number}"),
        (_, Some(number), _) => write!(out, "{number}"),
        (_, _, Some(number)) if (1e-7..1e21).contains(&number.abs()) => write!(out, "{number}"),
        (_, _, Some(number)) => write!(out, "{number:e}"),
        (None, None, None) => write!(out, "{number}"),
    };
    written.expect("a String takes all text");
}

fn write_list(out: &mut String, elements: &[Expr]) {
    for (idx, element) in elements.iter().enumerate() {
        if idx > 0 {
            out.push_str(", ");
        }
        write(out, element, Precedence::CONDITIONAL);
    }
}

pub(super) fn write_key(out: &mut String, key: &ObjectKey) {
    match key {
        ObjectKey::Identifier(name) if is_plain_key(name.as_str()) => out.push_str(name.as_str()),
        ObjectKey::Identifier(name) => text::write_quoted(out, name.as_str()),
        ObjectKey::Expression(Expr::String(text)) => text::write_quoted(out, text),
        ObjectKey::Expression(expr @ Expr::Parenthesis(_)) => write(out, expr, Precedence::CONDITIONAL),
        ObjectKey::Expression(expr) => {
            out.push('(');
            write(out, expr, Precedence::CONDITIONAL);
            out.push(')');
        }
    }
}

/// Returns whether a key needs no quotes: `{ for = 1 }` would begin a `for` expression.
fn is_plain_key(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
        && !matches!(name, "for" | "null" | "true" | "false")
}

fn write_traversal(out: &mut String, traversal: &Traversal) {
    let start = out.len();
    if is_traversable(&traversal.expr) {
        write(out, &traversal.expr, Precedence::CONDITIONAL);
    } else {
        out.push('(');
        write(out, &traversal.expr, Precedence::CONDITIONAL);
        out.push(')');
    }
    write_operators(out, start, &traversal.operators);
}

/// Returns whether `.name` and `[key]` can follow the expression and then mean its parts.
pub(super) fn is_traversable(expr: &Expr) -> bool {
    match expr {
        Expr::Variable(_)
        | Expr::FuncCall(_)
        | Expr::Parenthesis(_)
        | Expr::Array(_)
        | Expr::Object(_)
        | Expr::ForExpr(_) => true,
        // After a splat, each operator would mean a part of every element.
        Expr::Traversal(inner) => {
            let is_splat =
                |operator| matches!(operator, &TraversalOperator::AttrSplat | &TraversalOperator::FullSplat);
            !inner.operators.iter().any(is_splat)
        }
        _ => false,
    }
}

/// Writes the operators after the expression that begins at `start`.
///
/// `x.*.a` is written as `x[*].a`, which means the same and which `terraform fmt` does not mistake for a product.
pub(super) fn write_operators(out: &mut String, start: usize, operators: &[TraversalOperator]) {
    let mut after_attribute_splat = false;
    for operator in operators {
        // An attribute splat ends before the first bracket, where a full one would go on.
        let is_attribute =
            matches!(operator, TraversalOperator::GetAttr(_) | TraversalOperator::LegacyIndex(_));
        if after_attribute_splat && !is_attribute {
            parenthesise(out, start);
            after_attribute_splat = false;
        }
        match operator {
            TraversalOperator::AttrSplat => {
                after_attribute_splat = true;
                out.push_str("[*]");
            }
            TraversalOperator::FullSplat => out.push_str("[*]"),
            TraversalOperator::GetAttr(name) => out.extend([".", name.as_str()]),
            TraversalOperator::LegacyIndex(idx) => out.push_str(&format!("[{idx}]")),
            TraversalOperator::Index(key) => {
                out.push('[');
                let at = out.len();
                write(out, key, Precedence::CONDITIONAL);
                // `terraform fmt` loses these here, whatever they were made of.
                if matches!(&out[at..], "null" | "true" | "false") {
                    parenthesise(out, at);
                }
                out.push(']');
            }
        }
    }
}

pub(super) fn write_call(out: &mut String, call: &FuncCall) {
    write_function_name(out, call);
    write_list(out, &call.args);
    out.push_str(if call.expand_final && !call.args.is_empty() { "...)" } else { ")" });
}

/// Writes everything before the first argument.
pub(super) fn write_function_name(out: &mut String, call: &FuncCall) {
    for part in &call.name.namespace {
        out.extend([part.as_str(), "::"]);
    }
    out.extend([call.name.name.as_str(), "("]);
}

fn write_conditional(out: &mut String, conditional: &Conditional) {
    write(out, &conditional.cond_expr, Precedence::OR);
    out.push_str(" ? ");
    write(out, &conditional.true_expr, Precedence::CONDITIONAL);
    out.push_str(" : ");
    write(out, &conditional.false_expr, Precedence::CONDITIONAL);
}

fn write_operation(out: &mut String, operation: &Operation) {
    match operation {
        Operation::Unary(unary) => {
            out.push_str(unary.operator.as_str());
            write(out, &unary.expr, Precedence::UNARY);
        }
        Operation::Binary(binary) => {
            let precedence = Precedence::of_operator(binary.operator);
            write(out, &binary.lhs_expr, precedence);
            out.extend([" ", binary.operator.as_str(), " "]);
            write(out, &binary.rhs_expr, precedence.tighter());
        }
    }
}

fn write_for(out: &mut String, for_expr: &ForExpr) {
    let (open, close) = if for_expr.key_expr.is_some() { ("{ ", " }") } else { ("[", "]") };
    out.push_str(open);
    write_for_intro(out, for_expr);
    out.push(' ');
    write_for_key(out, for_expr);
    write_for_value(out, for_expr);
    if let Some(condition) = &for_expr.cond_expr {
        out.push(' ');
        write_keyword(out, "if", condition);
    }
    out.push_str(close);
}

/// Writes `for k, v in collection :`.
pub(super) fn write_for_intro(out: &mut String, for_expr: &ForExpr) {
    write_for_variables(out, for_expr.key_var.as_ref(), &for_expr.value_var);
    write_keyword(out, "in", &for_expr.collection_expr);
    out.push_str(" :");
}

/// Writes `for k, v` and a space.
pub(super) fn write_for_variables(out: &mut String, key: Option<&Identifier>, value: &Identifier) {
    out.push_str("for ");
    if let Some(key) = key {
        out.extend([key.as_str(), ", "]);
    }
    out.extend([value.as_str(), " "]);
}

/// Writes `key => `, or nothing for a list.
pub(super) fn write_for_key(out: &mut String, for_expr: &ForExpr) {
    if let Some(key) = &for_expr.key_expr {
        write(out, key, Precedence::CONDITIONAL);
        out.push_str(" => ");
    }
}

/// Writes the value, and what groups it.
pub(super) fn write_for_value(out: &mut String, for_expr: &ForExpr) {
    let start = out.len();
    write(out, &for_expr.value_expr, Precedence::CONDITIONAL);
    guard_after_arrow(out, for_expr, start);
    out.push_str(for_grouping(for_expr));
}

/// Puts a value that begins at `start` into parentheses if its `-` would be taken for a subtraction after `=>`.
pub(super) fn guard_after_arrow(out: &mut String, for_expr: &ForExpr, start: usize) {
    if for_expr.key_expr.is_some() && out[start..].starts_with('-') {
        parenthesise(out, start);
    }
}

pub(super) fn for_grouping(for_expr: &ForExpr) -> &'static str {
    if for_expr.grouping && for_expr.key_expr.is_some() { "..." } else { "" }
}

/// Writes `in x` or `if x`.
pub(super) fn write_keyword(out: &mut String, keyword: &str, expr: &Expr) {
    out.push_str(keyword);
    let end = out.len();
    write(out, expr, Precedence::CONDITIONAL);
    set_apart(out, keyword, end);
}

/// Sets the expression that begins at `start` apart from the keyword before it, as `terraform fmt` does:
/// it takes `in (` and `if [` for a call and an index, and `if -` for a subtraction.
pub(super) fn set_apart(out: &mut String, keyword: &str, start: usize) {
    match out[start..].chars().next() {
        Some('(') => {}
        Some('-') => parenthesise(out, start),
        Some('[') if keyword == "if" => parenthesise(out, start),
        _ => out.insert(start, ' '),
    }
}

/// Puts parentheses around the text from `start` on.
pub(super) fn parenthesise(out: &mut String, start: usize) {
    out.insert(start, '(');
    out.push(')');
}
