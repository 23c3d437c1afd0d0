//! One text for expressions that differ in how they are written alone.

use super::expression;
use crate::expr::{Expr, Identifier, ObjectKey, Operation, TraversalOperator};

/// Returns an expression as HCL on one line, the same text for the same expression.
///
/// Line breaks, alignment, comments, quotes around object keys, and parentheses around a whole value do not matter.
///
/// # Examples
///
/// ```
/// let expression: terrane_hcl::expr::Expr = "length(var.zones)   >  1".parse().unwrap();
/// assert_eq!(terrane_hcl::print::canonical(&expression), "length(var.zones) > 1");
/// ```
pub fn canonical(expr: &Expr) -> String {
    let mut expr = expr.clone();
    bare(&mut expr);
    expression(&expr)
}

/// Takes the parentheses off an expression that stands by itself, where no operator could bind to a part of it.
fn bare(expression: &mut Expr) {
    while let Expr::Parenthesis(inner) = expression {
        *expression = std::mem::replace(inner.as_mut(), Expr::Null);
    }
    operand(expression);
}

/// Leaves an operand its parentheses, and takes them off what stands by itself inside.
fn operand(expression: &mut Expr) {
    match expression {
        Expr::Parenthesis(inner) => bare(inner),
        Expr::Array(elements) => elements.iter_mut().for_each(bare),
        Expr::Object(members) => members.iter_mut().for_each(|(key, value)| {
            plain_key(key);
            bare(value);
        }),
        Expr::FuncCall(call) => call.args.iter_mut().for_each(bare),
        Expr::ForExpr(each) => {
            bare(&mut each.collection_expr);
            each.key_expr.iter_mut().for_each(bare);
            bare(&mut each.value_expr);
            each.cond_expr.iter_mut().for_each(bare);
        }
        Expr::Operation(operation) => match operation.as_mut() {
            Operation::Unary(unary) => operand(&mut unary.expr),
            Operation::Binary(binary) => {
                operand(&mut binary.lhs_expr);
                operand(&mut binary.rhs_expr);
            }
        },
        Expr::Conditional(conditional) => {
            operand(&mut conditional.cond_expr);
            operand(&mut conditional.true_expr);
            operand(&mut conditional.false_expr);
        }
        Expr::Traversal(traversal) => {
            operand(&mut traversal.expr);
            for operator in &mut traversal.operators {
                if let TraversalOperator::Index(index) = operator {
                    bare(index);
                }
            }
        }
        Expr::Null
        | Expr::Bool(_)
        | Expr::Number(_)
        | Expr::String(_)
        | Expr::TemplateExpr(_)
        | Expr::Variable(_) => {}
    }
}

/// Takes the quotes off a key that needs none.
fn plain_key(key: &mut ObjectKey) {
    match key {
        ObjectKey::Expression(Expr::String(text)) if Identifier::is_valid(text) => {
            *key = ObjectKey::Identifier(Identifier::unchecked(text));
        }
        ObjectKey::Expression(key) => bare(key),
        ObjectKey::Identifier(_) => {}
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
