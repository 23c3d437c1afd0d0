//! Looks into expressions.

use super::{Directive, Element, Expr, ObjectKey, Operation, Template, TraversalOperator};

/// Returns whether `predicate` holds for the expression or for one inside it, templates included.
pub fn any(expr: &Expr, predicate: &mut dyn FnMut(&Expr) -> bool) -> bool {
    if predicate(expr) {
        return true;
    }
    let mut found = false;
    each_part(expr, &mut |part| found = found || any(part, predicate));
    found
}

/// Calls `f` for each expression that stands directly inside `expr`, in the order written.
pub fn each_part(expr: &Expr, f: &mut dyn FnMut(&Expr)) {
    match expr {
        Expr::Array(elements) => elements.iter().for_each(f),
        Expr::Object(entries) => {
            for (key, value) in entries {
                if let ObjectKey::Expression(key) = key {
                    f(key);
                }
                f(value);
            }
        }
        Expr::TemplateExpr(template) => {
            if template.has_markers()
                && let Some(template) = template.parts()
            {
                each_part_of_template(&template, f);
            }
        }
        Expr::Traversal(traversal) => {
            f(&traversal.expr);
            for operator in &traversal.operators {
                if let TraversalOperator::Index(key) = operator {
                    f(key);
                }
            }
        }
        Expr::FuncCall(call) => call.args.iter().for_each(f),
        Expr::Parenthesis(inner) => f(inner),
        Expr::Conditional(conditional) => {
            f(&conditional.cond_expr);
            f(&conditional.true_expr);
            f(&conditional.false_expr);
        }
        Expr::Operation(operation) => match operation.as_ref() {
            Operation::Unary(unary) => f(&unary.expr),
            Operation::Binary(binary) => {
                f(&binary.lhs_expr);
                f(&binary.rhs_expr);
            }
        },
        Expr::ForExpr(for_expr) => {
            f(&for_expr.collection_expr);
            for_expr.key_expr.iter().for_each(&mut *f);
            f(&for_expr.value_expr);
            for_expr.cond_expr.iter().for_each(f);
        }
        Expr::Null | Expr::Bool(_) | Expr::Number(_) | Expr::String(_) | Expr::Variable(_) => {}
    }
}

fn each_part_of_template(template: &Template, f: &mut dyn FnMut(&Expr)) {
    for element in &template.elements {
        match element {
            Element::Literal(_) => {}
            Element::Interpolation(interpolation) => f(&interpolation.expr),
            Element::Directive(directive) => match directive.as_ref() {
                Directive::If(directive) => {
                    f(&directive.cond_expr);
                    each_part_of_template(&directive.true_template, f);
                    if let Some(template) = &directive.false_template {
                        each_part_of_template(template, f);
                    }
                }
                Directive::For(directive) => {
                    f(&directive.collection_expr);
                    each_part_of_template(&directive.template, f);
                }
            },
        }
    }
}
