//! Builds expressions.

use super::{
    BinaryOp, BinaryOperator, Conditional, Expr, ForExpr, FuncCall, FuncName, Heredoc, HeredocStripMode,
    Identifier, ObjectKey, TemplateExpr, Traversal, TraversalOperator,
};

/// Reads an expression that the program itself has written.
///
/// Only names that are already valid identifiers may be put into `text`;
/// whatever a user wrote enters an expression through [`string()`].
///
/// # Panics
///
/// Panics if `text` is not an expression, which is a bug of the program and not of its input.
#[track_caller]
pub fn expr(text: &str) -> Expr {
    match crate::parse::expression(text) {
        Ok(expr) => expr,
        Err(error) => panic!("this was written as an expression and is none: {text}\n{error}"),
    }
}

/// Returns a string literal that means exactly `text`, whatever it contains.
pub fn string(text: &str) -> Expr {
    Expr::String(text.to_owned())
}

/// Returns a string with `${ }` in it; what a user wrote may stand there only if it needs no escapes.
pub fn template(text: impl Into<String>) -> Expr {
    Expr::from(TemplateExpr::from(text.into()))
}

/// Returns a text for people: a string if it has one line, and a heredoc, which ends in a newline, if it has several.
pub fn paragraph(text: &str) -> Expr {
    if !text.trim_end().contains('\n') {
        return string(text);
    }
    let template = text.trim_end().replace("${", "$${").replace("%{", "%%{") + "\n";
    let delimiter = Identifier::sanitized("EOT");
    Expr::from(Heredoc { delimiter, template, strip: HeredocStripMode::Indent })
}

/// Returns an object with identifier keys in the given order; `for`, which would begin another expression, is quoted.
pub fn object<K: AsRef<str>>(entries: impl IntoIterator<Item = (K, Expr)>) -> Expr {
    Expr::Object(
        entries
            .into_iter()
            .map(|(key, value)| match key.as_ref() {
                "for" => (ObjectKey::Expression(string("for")), value),
                key => (ObjectKey::Identifier(Identifier::sanitized(key)), value),
            })
            .collect(),
    )
}

/// Returns an object with quoted keys in the given order.
pub fn table(entries: impl IntoIterator<Item = (String, Expr)>) -> Expr {
    Expr::Object(
        entries.into_iter().map(|(key, value)| (ObjectKey::Expression(Expr::String(key)), value)).collect(),
    )
}

/// Returns the reference `root.name`.
pub fn reference(root: &str, name: &str) -> Expr {
    let root = Expr::Variable(Identifier::sanitized(root));
    Expr::from(Traversal::new(root, [TraversalOperator::GetAttr(Identifier::sanitized(name))]))
}

/// Returns a call of a function.
pub fn call(name: &str, arguments: impl IntoIterator<Item = Expr>) -> Expr {
    Expr::from(FuncCall {
        name: FuncName { namespace: Vec::new(), name: Identifier::sanitized(name) },
        args: arguments.into_iter().collect(),
        expand_final: false,
    })
}

/// Returns `left == right`.
pub fn equal(left: Expr, right: Expr) -> Expr {
    Expr::from(BinaryOp { lhs_expr: left, operator: BinaryOperator::Eq, rhs_expr: right })
}

/// Returns `condition ? yes : no`.
pub fn conditional(condition: Expr, yes: Expr, no: Expr) -> Expr {
    Expr::from(Conditional { cond_expr: condition, true_expr: yes, false_expr: no })
}

/// Returns `[for it in collection : it.attribute]`.
pub fn each(it: &str, collection: Expr, attribute: &str) -> Expr {
    Expr::from(for_each(it, collection, attribute))
}

/// Returns `{ for letter, it in collection : letter => it.attribute }`.
pub fn by_letter(it: &str, collection: Expr, attribute: &str) -> Expr {
    let letter = Identifier::sanitized("letter");
    Expr::from(ForExpr {
        key_expr: Some(Expr::Variable(letter.clone())),
        key_var: Some(letter),
        ..for_each(it, collection, attribute)
    })
}

fn for_each(it: &str, collection: Expr, attribute: &str) -> ForExpr {
    ForExpr {
        key_var: None,
        value_var: Identifier::sanitized(it),
        collection_expr: collection,
        key_expr: None,
        value_expr: reference(it, attribute),
        grouping: false,
        cond_expr: None,
    }
}
