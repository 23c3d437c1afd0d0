//! The instances of a resource whose `for_each` is a table in the module itself.

use terrane_hcl::expr::{BinaryOperator, ObjectKey, Operation, TraversalOperator};

use crate::module::Resource;
use crate::module::syntax::Expr;

/// One instance, with the arguments that can be told from the module alone.
#[derive(Clone, Copy)]
pub(super) struct Row<'m> {
    resource: &'m Resource,
    key: Option<&'m ObjectKey>,
    value: Option<&'m Expr>,
}

/// Returns an instance for each entry of the table, or one without a key.
pub(super) fn rows(resource: &Resource) -> Vec<Row<'_>> {
    match &resource.for_each {
        Some(Expr::Object(entries)) => {
            entries.iter().map(|(key, value)| Row { resource, key: Some(key), value: Some(value) }).collect()
        }
        _ => vec![Row { resource, key: None, value: None }],
    }
}

impl<'m> Row<'m> {
    /// Returns the literal that an argument has in this instance.
    pub(super) fn get(&self, argument: &str) -> Option<&'m Expr> {
        self.evaluate(self.resource.body.get(argument)?)
    }

    /// Returns the whole number that an argument has in this instance.
    pub(super) fn number(&self, argument: &str) -> Option<i64> {
        match self.get(argument)? {
            Expr::Number(number) => number.as_i64(),
            Expr::String(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// Names an argument of this instance.
    pub(super) fn path(&self, argument: &str) -> String {
        match self.key {
            Some(key) => format!("[\"{}\"].{argument}", key.text()),
            None => argument.to_owned(),
        }
    }

    fn evaluate(&self, expr: &'m Expr) -> Option<&'m Expr> {
        match expr {
            Expr::Null | Expr::Bool(_) | Expr::Number(_) | Expr::String(_) => Some(expr),
            Expr::Parenthesis(inner) => self.evaluate(inner),
            Expr::Traversal(traversal) => {
                let mut operators = traversal.operators.iter();
                let is_each = matches!(&traversal.expr, Expr::Variable(root) if root.as_str() == "each");
                let is_value = matches!(operators.next(), Some(TraversalOperator::GetAttr(name)) if name.as_str() == "value");
                if !is_each || !is_value {
                    return None;
                }
                let value = operators.try_fold(self.value?, |value, operator| match operator {
                    TraversalOperator::GetAttr(name) => attribute(value, name.as_str()),
                    _ => None,
                })?;
                self.evaluate(value)
            }
            Expr::Conditional(conditional) => {
                let branch = if self.holds(&conditional.cond_expr)? {
                    &conditional.true_expr
                } else {
                    &conditional.false_expr
                };
                self.evaluate(branch)
            }
            _ => None,
        }
    }

    fn holds(&self, condition: &'m Expr) -> Option<bool> {
        let Expr::Operation(operation) = condition else { return None };
        let Operation::Binary(binary) = operation.as_ref() else { return None };
        let (left, right) = (self.evaluate(&binary.lhs_expr)?, self.evaluate(&binary.rhs_expr)?);
        match binary.operator {
            BinaryOperator::Eq => Some(left == right),
            BinaryOperator::NotEq => Some(left != right),
            _ => None,
        }
    }
}

/// Returns what a literal object has under a name.
pub(super) fn attribute<'m>(object: &'m Expr, name: &str) -> Option<&'m Expr> {
    let Expr::Object(entries) = object else { return None };
    entries.iter().find(|(key, _)| key.name() == Some(name)).map(|(_, value)| value)
}
