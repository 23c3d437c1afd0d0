//! Where lines are broken, and how `=` is aligned.
//!
//! `terraform fmt` keeps line breaks and sets indentation and spaces by rules on each line,
//! so each layout here is one that those rules keep:
//! the brackets that one line opens are closed by one line,
//! and no line has a `=` before the bracket that it leaves open, except the one of its own argument.
//!
//! All is written to the end of the text; what turns out not to fit is taken back.

mod for_expr;

use super::assignments::Assignments;
use super::expression::{
    Precedence, is_traversable, parenthesise, write, write_function_name, write_key, write_operators,
};
use super::{INDENT, MAX_COLUMNS, MAX_ROW_COLUMNS, text};
use crate::expr::{BinaryOp, Conditional, Expr, FuncCall, Object, ObjectKey, Operation, any};

/// Lays out the value of an argument, and returns whether its `=` is aligned with those of its neighbours.
pub(super) fn argument(out: &mut String, indent: usize, name_columns: usize, value: &Expr) -> bool {
    let column = indent + name_columns + " = ".len();
    let start = out.len();
    text::write_heredoc(out, value, indent) || {
        layout(out, value, Place { indent, column, tail: 0 });
        !out[start..].contains('\n')
    }
}

/// Lays out the value of an argument on several lines if it has several parts.
pub(super) fn broken_argument(out: &mut String, indent: usize, name_columns: usize, value: &Expr) -> bool {
    let column = indent + name_columns + " = ".len();
    let start = out.len();
    text::write_heredoc(out, value, indent) || {
        if !broken(out, value, Place { indent, column, tail: 0 }) {
            write(out, value, Precedence::CONDITIONAL);
        }
        !out[start..].contains('\n')
    }
}

/// Where an expression is written.
#[derive(Clone, Copy)]
struct Place {
    /// The indentation of the line it begins on.
    indent: usize,
    /// The column it begins at.
    column: usize,
    /// How many columns follow it on its last line.
    tail: usize,
}

impl Place {
    /// Returns the beginning of a line one level deeper.
    fn inner(self, tail: usize) -> Place {
        let indent = self.indent + INDENT;
        Place { indent, column: indent, tail }
    }

    /// Returns the place after `columns` more on the same line.
    fn after(self, columns: usize) -> Place {
        Place { column: self.column + columns, ..self }
    }

    fn fits(self, text: &str) -> bool {
        self.column + text::columns(text) + self.tail <= MAX_COLUMNS
    }
}

fn layout(out: &mut String, expr: &Expr, place: Place) {
    layout_within(out, expr, Precedence::CONDITIONAL, place);
}

fn layout_within(out: &mut String, expr: &Expr, least: Precedence, place: Place) {
    if has_object_value(expr) && broken(out, expr, place) {
        return;
    }
    let start = out.len();
    write(out, expr, least);
    let line = &out[start..];
    // An object opens with a space after its brace, which one line has twice if it nests any.
    let may_nest = || line.as_bytes().windows(2).filter(|&pair| pair == b"{ ").count() > 1;
    if !place.fits(line) || (may_nest() && nests_objects(expr)) {
        replace_from(out, start, |out| broken(out, expr, place));
    }
}

/// Replaces the text from `start` on by what `write_other` writes, if it writes anything.
fn replace_from(out: &mut String, start: usize, write_other: impl FnOnce(&mut String) -> bool) {
    let end = out.len();
    if write_other(out) {
        out.drain(start..end);
    }
}

/// Returns whether the expression is an object of objects, which no line holds, however short.
fn has_object_value(expr: &Expr) -> bool {
    matches!(expr, Expr::Object(entries) if entries.values().any(is_object))
}

fn is_object(expr: &Expr) -> bool {
    matches!(expr, Expr::Object(entries) if !entries.is_empty())
}

/// Returns whether an object stands inside an object.
fn nests_objects(expr: &Expr) -> bool {
    any(expr, &mut |expr| match expr {
        Expr::Object(entries) => entries.iter().any(|(_, value)| any(value, &mut is_object)),
        _ => false,
    })
}

fn has_object(expr: &Expr) -> bool {
    any(expr, &mut is_object)
}

/// Lays an expression out on several lines, or returns `false` if it has no bracket to break at.
fn broken(out: &mut String, expr: &Expr, place: Place) -> bool {
    let start = out.len();
    let is_broken = break_at_bracket(out, expr, place);
    if !is_broken {
        out.truncate(start);
    }
    is_broken
}

fn break_at_bracket(out: &mut String, expr: &Expr, place: Place) -> bool {
    match expr {
        Expr::Array(elements) if !elements.is_empty() => break_array(out, elements, place),
        Expr::Object(entries) if !entries.is_empty() => break_object(out, entries, place),
        Expr::FuncCall(call) if !call.args.is_empty() => break_call(out, call, place),
        Expr::ForExpr(for_expr) => for_expr::break_for(out, for_expr, place),
        Expr::Conditional(conditional) => break_conditional(out, conditional, place),
        Expr::Operation(operation) => match operation.as_ref() {
            Operation::Binary(binary) => break_binary(out, binary, place),
            Operation::Unary(unary) => {
                let operator = unary.operator.as_str();
                out.push_str(operator);
                return broken(out, &unary.expr, place.after(operator.len()));
            }
        },
        Expr::Parenthesis(inner) => {
            let start = out.len();
            if !broken(out, inner, place.after(1)) {
                return false;
            }
            if !out[start..].starts_with('(') {
                parenthesise(out, start);
            }
        }
        Expr::Traversal(traversal) if is_traversable(&traversal.expr) => {
            let start = out.len();
            if !broken(out, &traversal.expr, place) {
                return false;
            }
            write_operators(out, start, &traversal.operators);
        }
        Expr::TemplateExpr(template) => {
            return text::sole_interpolation(template).is_some_and(|inner| broken(out, &inner, place));
        }
        _ => return false,
    }
    true
}

/// Writes `open`, an indented line for each part, and `close`.
fn bracketed<T>(
    out: &mut String,
    brackets: [&str; 2],
    place: Place,
    parts: impl IntoIterator<Item = T>,
    write_part: impl Fn(&mut String, T),
) {
    let [open, close] = brackets;
    out.push_str(open);
    for part in parts {
        begin_line(out, place.indent + INDENT);
        write_part(out, part);
    }
    begin_line(out, place.indent);
    out.push_str(close);
}

fn begin_line(out: &mut String, indent: usize) {
    out.push('\n');
    text::pad(out, indent);
}

fn break_array(out: &mut String, elements: &[Expr], place: Place) {
    let inner = place.inner(",".len());
    bracketed(out, ["[", "]"], place, elements, |out, element| {
        layout(out, element, inner);
        out.push(',');
    });
}

fn break_object(out: &mut String, entries: &Object, place: Place) {
    let indent = place.indent + INDENT;
    let layout_value = if is_table(entries) { row } else { argument };
    out.push_str("{\n");
    let mut assignments = Assignments::default();
    for (key, value) in entries {
        let has_object_in_key = matches!(key, ObjectKey::Expression(key) if has_object(key));
        assignments.add(
            out,
            indent,
            |out| write_aligned_key(out, key),
            |out, columns| layout_value(out, indent, columns, value) && !has_object_in_key,
        );
    }
    assignments.align(out);
    text::pad(out, place.indent);
    out.push('}');
}

/// Returns whether the values are several flat objects with the same keys: rows, which are read as lines of a table.
fn is_table(entries: &Object) -> bool {
    let mut rows = entries.values().map(|value| match value {
        Expr::Object(row) if !row.is_empty() && !row.values().any(has_object) => Some(row),
        _ => None,
    });
    let Some(Some(first)) = rows.next() else { return false };
    entries.len() > 1 && rows.all(|row| row.is_some_and(|row| row.keys().eq(first.keys())))
}

/// Lays out a row of a table on one line, which may be longer than others, since its columns repeat those above.
fn row(out: &mut String, indent: usize, name_columns: usize, value: &Expr) -> bool {
    let start = out.len();
    write(out, value, Precedence::CONDITIONAL);
    if indent + name_columns + " = ".len() + text::columns(&out[start..]) <= MAX_ROW_COLUMNS {
        return !out[start..].contains('\n');
    }
    out.truncate(start);
    argument(out, indent, name_columns, value)
}

/// Writes a key whose columns are its characters: what may combine stands in a string, and is escaped there.
fn write_aligned_key(out: &mut String, key: &ObjectKey) {
    let start = out.len();
    write_key(out, key);
    text::escape_what_combines(out, start);
}

/// Opens the last argument's bracket on the first line where the others fit before it;
/// otherwise each argument has its line.
fn break_call(out: &mut String, call: &FuncCall, place: Place) {
    let expand = if call.expand_final { "..." } else { "" };
    let start = out.len();
    write_function_name(out, call);
    if let Some((last, others)) = call.args.split_last()
        && (is_bracketed(last) || (others.is_empty() && matches!(last, Expr::FuncCall(_))))
        && !others.iter().any(has_object)
    {
        let name_end = out.len();
        for other in others {
            write(out, other, Precedence::CONDITIONAL);
            out.push_str(", ");
        }
        let head = &out[start..];
        let fits = Place { tail: 1, ..place }.fits(head);
        let after_head = place.after(text::columns(head));
        if fits && broken(out, last, after_head) {
            out.extend([expand, ")"]);
            return;
        }
        out.truncate(name_end);
    }
    let n_args = call.args.len();
    bracketed(out, ["", ")"], place, call.args.iter().enumerate(), |out, (idx, argument)| {
        let end = if idx + 1 == n_args && call.expand_final { expand } else { "," };
        layout(out, argument, place.inner(end.len()));
        out.push_str(end);
    });
}

fn is_bracketed(expr: &Expr) -> bool {
    matches!(expr, Expr::Array(_) | Expr::Object(_) | Expr::ForExpr(_))
}

fn break_conditional(out: &mut String, conditional: &Conditional, place: Place) {
    let lines = [
        ("", Precedence::OR, &conditional.cond_expr),
        ("? ", Precedence::CONDITIONAL, &conditional.true_expr),
        (": ", Precedence::CONDITIONAL, &conditional.false_expr),
    ];
    bracketed(out, ["(", ")"], place, lines, |out, (mark, least, expr)| {
        out.push_str(mark);
        layout_within(out, expr, least, place.inner(0).after(mark.len()));
    });
}

/// Breaks after each operator of one precedence: `a &&`, `b &&`, `c`.
fn break_binary(out: &mut String, binary: &BinaryOp, place: Place) {
    let precedence = Precedence::of_operator(binary.operator);
    let mut operands = vec![(&binary.rhs_expr, precedence.tighter(), "")];
    let mut rest = binary;
    loop {
        let operator = rest.operator.as_str();
        match &rest.lhs_expr {
            Expr::Operation(operation) if Precedence::of(&rest.lhs_expr) == precedence => {
                let Operation::Binary(inner) = operation.as_ref() else {
                    unreachable!("a binary operator's precedence")
                };
                operands.push((&inner.rhs_expr, precedence.tighter(), operator));
                rest = inner;
            }
            leftmost => {
                operands.push((leftmost, precedence, operator));
                break;
            }
        }
    }
    bracketed(out, ["(", ")"], place, operands.iter().rev(), |out, &(operand, least, operator)| {
        let tail = if operator.is_empty() { 0 } else { operator.len() + 1 };
        layout_within(out, operand, least, place.inner(tail));
        if !operator.is_empty() {
            out.extend([" ", operator]);
        }
    });
}
