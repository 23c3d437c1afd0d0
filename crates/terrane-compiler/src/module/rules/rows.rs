//! The instances of a resource whose `for_each` is a table in the module itself, and the elements of lists made of one.

use terrane_hcl::expr::{BinaryOperator, ForExpr, Identifier, ObjectKey, Operation, TraversalOperator};

use super::graph::Graph;
use crate::module::Resource;
use crate::module::syntax::{Body, Expr};

/// One instance or element, with the arguments that can be told from the module alone.
#[derive(Clone)]
pub(super) struct Row<'m> {
    arguments: Arguments<'m>,
    entry: Option<Entry<'m>>,
    /// Where it stands in its resource.
    place: String,
}

#[derive(Clone, Copy)]
enum Arguments<'m> {
    Body(&'m Body),
    Object(&'m Expr),
}

/// The entry of a table, with the names that its parts have in the arguments.
#[derive(Clone, Copy)]
struct Entry<'m> {
    names: Names<'m>,
    key: &'m ObjectKey,
    value: &'m Expr,
}

#[derive(Clone, Copy)]
enum Names<'m> {
    /// `each.key` and `each.value`.
    Each,
    /// The variables of a `for` expression.
    Loop(Option<&'m Identifier>, &'m Identifier),
}

/// Returns an instance for each entry of the table, or one without a key.
pub(super) fn rows(resource: &Resource) -> Vec<Row<'_>> {
    let arguments = Arguments::Body(&resource.body);
    match &resource.for_each {
        Some(Expr::Object(entries)) => entries
            .iter()
            .map(|(key, value)| Row {
                arguments,
                entry: Some(Entry { names: Names::Each, key, value }),
                place: format!("[\"{}\"].", key.text()),
            })
            .collect(),
        _ => vec![Row { arguments, entry: None, place: String::new() }],
    }
}

/// Returns the elements of a list that an argument is: written out, or made of a table by a `for` expression.
pub(super) fn elements<'m>(graph: &Graph<'m>, resource: &'m Resource, argument: &str) -> Vec<Row<'m>> {
    match resource.body.get(argument) {
        Some(Expr::Array(elements)) => elements
            .iter()
            .enumerate()
            .map(|(idx, element)| Row {
                arguments: Arguments::Object(element),
                entry: None,
                place: format!("{argument}[{idx}]."),
            })
            .collect(),
        Some(Expr::ForExpr(each)) => made_of(graph, each, argument),
        _ => Vec::new(),
    }
}

fn made_of<'m>(graph: &Graph<'m>, each: &'m ForExpr, argument: &str) -> Vec<Row<'m>> {
    let Some(Expr::Object(entries)) = graph.table(&each.collection_expr) else { return Vec::new() };
    let row = |(key, value): &'m (ObjectKey, Expr)| Row {
        arguments: Arguments::Object(&each.value_expr),
        entry: Some(Entry { names: Names::Loop(each.key_var.as_ref(), &each.value_var), key, value }),
        place: format!("{argument}[\"{}\"].", key.text()),
    };
    entries.iter().map(row).collect()
}

impl<'m> Row<'m> {
    /// Returns the literal that an argument has in this row.
    pub(super) fn get(&self, argument: &str) -> Option<&'m Expr> {
        self.evaluate(match self.arguments {
            Arguments::Body(body) => body.get(argument)?,
            Arguments::Object(object) => attribute(object, argument)?,
        })
    }

    /// Returns the whole number that an argument has in this row.
    pub(super) fn number(&self, argument: &str) -> Option<i64> {
        match self.get(argument)? {
            Expr::Number(number) => number.as_i64(),
            Expr::String(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// Names an argument of this row.
    pub(super) fn path(&self, argument: &str) -> String {
        format!("{}{argument}", self.place)
    }

    fn evaluate(&self, expr: &'m Expr) -> Option<&'m Expr> {
        match expr {
            Expr::Null | Expr::Bool(_) | Expr::Number(_) | Expr::String(_) => Some(expr),
            Expr::Parenthesis(inner) => self.evaluate(inner),
            Expr::Variable(name) => self.key(name),
            Expr::Traversal(traversal) => self.part(&traversal.expr, &traversal.operators),
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

    /// Returns the key of the entry, if that has this name.
    fn key(&self, name: &Identifier) -> Option<&'m Expr> {
        match (self.entry?, self.entry?.key) {
            (Entry { names: Names::Loop(Some(key), _), .. }, ObjectKey::Expression(text)) if key == name => {
                Some(text)
            }
            _ => None,
        }
    }

    /// Returns the part of the entry's value that the operators take.
    fn part(&self, root: &Expr, operators: &'m [TraversalOperator]) -> Option<&'m Expr> {
        let Expr::Variable(root) = root else { return None };
        let Entry { names, value, .. } = self.entry?;
        let operators = match (names, operators) {
            (Names::Each, [TraversalOperator::GetAttr(name), rest @ ..])
                if root.as_str() == "each" && name.as_str() == "value" =>
            {
                rest
            }
            (Names::Loop(_, name), operators) if root == name => operators,
            _ => return None,
        };
        let part = operators.iter().try_fold(value, |value, operator| match operator {
            TraversalOperator::GetAttr(name) => attribute(value, name.as_str()),
            _ => None,
        });
        self.evaluate(part?)
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
