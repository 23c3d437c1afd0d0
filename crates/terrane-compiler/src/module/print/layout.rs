//! Where lines are broken, and how `=` is aligned.
//!
//! `terraform fmt` keeps line breaks and sets indentation and spaces by rules on each line,
//! so each layout here is one that those rules keep:
//! the brackets that one line opens are closed by one line,
//! and no line has a `=` before the bracket that it leaves open, except the one of its own argument.

use hcl::expr::{BinaryOp, Conditional, ForExpr, FuncCall, ObjectKey, Operation, TemplateExpr};

use super::expression::{
    Precedence, expression, follows_arrow, for_grouping, for_intro, for_key, is_traversable, keyword, write,
    write_function_name, write_key, write_operators,
};
use super::{INDENT, MAX_COLUMNS, MAX_ROW_COLUMNS, text};
use crate::module::syntax::{Expr, any};

/// The value of an argument, laid out.
pub(super) struct Lines {
    pub(super) text: String,
    /// Whether its `=` is aligned with those of its neighbours.
    pub(super) aligned: bool,
}

/// Lays out the value of an argument.
pub(super) fn argument(indent: usize, name_columns: usize, value: &Expr) -> Lines {
    let column = indent + name_columns + " = ".len();
    heredoc_argument(indent, value).unwrap_or_else(|| lines(layout(value, Place { indent, column, tail: 0 })))
}

/// Lays out the value of an argument on several lines if it has several parts.
pub(super) fn broken_argument(indent: usize, name_columns: usize, value: &Expr) -> Lines {
    let column = indent + name_columns + " = ".len();
    heredoc_argument(indent, value).unwrap_or_else(|| {
        let place = Place { indent, column, tail: 0 };
        lines(broken(value, place).unwrap_or_else(|| expression(value)))
    })
}

fn lines(text: String) -> Lines {
    let aligned = !text.contains('\n');
    Lines { text, aligned }
}

fn heredoc_argument(indent: usize, value: &Expr) -> Option<Lines> {
    let Expr::TemplateExpr(template) = value else { return None };
    let TemplateExpr::Heredoc(heredoc) = template.as_ref() else { return None };
    text::heredoc(heredoc, indent).map(|text| Lines { text, aligned: true })
}

/// Writes arguments, with the `=` of neighbours on one line each in one column.
pub(super) fn write_assignments(out: &mut String, indent: usize, arguments: &[(String, Lines)]) {
    for group in arguments.chunk_by(|a, b| a.1.aligned && b.1.aligned) {
        let width = group.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
        for (name, lines) in group {
            text::pad(out, indent);
            out.push_str(name);
            text::pad(out, width - name.chars().count());
            out.extend([" = ", &lines.text, "\n"]);
        }
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
        self.column + text.chars().count() + self.tail <= MAX_COLUMNS
    }
}

fn layout(expr: &Expr, place: Place) -> String {
    layout_within(expr, Precedence::CONDITIONAL, place)
}

fn layout_within(expr: &Expr, least: Precedence, place: Place) -> String {
    let mut line = String::with_capacity(MAX_COLUMNS);
    write(&mut line, expr, least);
    // A line with one brace nests nothing.
    let may_nest = || line.bytes().filter(|&byte| byte == b'{').count() > 1;
    if place.fits(&line) && !(may_nest() && nests_objects(expr)) {
        return line;
    }
    broken(expr, place).unwrap_or(line)
}

/// Returns whether an object stands inside an object.
fn nests_objects(expr: &Expr) -> bool {
    let is_object = |expr: &Expr| matches!(expr, Expr::Object(entries) if !entries.is_empty());
    any(expr, &mut |expr| match expr {
        Expr::Object(entries) => entries.iter().any(|(_, value)| any(value, &mut |inner| is_object(inner))),
        _ => false,
    })
}

fn has_object(expr: &Expr) -> bool {
    any(expr, &mut |expr| matches!(expr, Expr::Object(entries) if !entries.is_empty()))
}

/// Lays an expression out on several lines, or returns `None` if it has no bracket to break at.
fn broken(expr: &Expr, place: Place) -> Option<String> {
    match expr {
        Expr::Array(elements) if !elements.is_empty() => Some(broken_array(elements, place)),
        Expr::Object(entries) if !entries.is_empty() => Some(broken_object(entries.iter(), place)),
        Expr::FuncCall(call) if !call.args.is_empty() => Some(broken_call(call, place)),
        Expr::ForExpr(for_expr) => Some(broken_for(for_expr, place)),
        Expr::Conditional(conditional) => Some(broken_conditional(conditional, place)),
        Expr::Operation(operation) => match operation.as_ref() {
            Operation::Binary(binary) => Some(broken_binary(binary, place)),
            Operation::Unary(unary) => {
                let operator = unary.operator.as_str();
                Some(format!("{operator}{}", broken(&unary.expr, place.after(operator.len()))?))
            }
        },
        Expr::Parenthesis(inner) => {
            let text = broken(inner, place.after(1))?;
            Some(if text.starts_with('(') { text } else { format!("({text})") })
        }
        Expr::Traversal(traversal) if is_traversable(&traversal.expr) => {
            let mut text = broken(&traversal.expr, place)?;
            write_operators(&mut text, 0, &traversal.operators);
            Some(text)
        }
        Expr::TemplateExpr(template) => broken(&text::sole_interpolation(template)?, place),
        _ => None,
    }
}

/// Writes `open`, indented lines, and `close`.
fn bracketed(open: &str, lines: impl IntoIterator<Item = String>, close: &str, place: Place) -> String {
    let mut out = format!("{open}\n");
    for line in lines {
        text::pad(&mut out, place.indent + INDENT);
        out.extend([line.as_str(), "\n"]);
    }
    text::pad(&mut out, place.indent);
    out.push_str(close);
    out
}

fn broken_array(elements: &[Expr], place: Place) -> String {
    let inner = place.inner(",".len());
    bracketed("[", elements.iter().map(|element| layout(element, inner) + ","), "]", place)
}

fn broken_object<'a>(entries: impl Iterator<Item = (&'a ObjectKey, &'a Expr)>, place: Place) -> String {
    let indent = place.indent + INDENT;
    let entries: Vec<_> = entries.collect();
    let is_table = is_table(&entries);
    let assignments: Vec<_> = entries
        .into_iter()
        .map(|(key, value)| {
            let name = key_text(key);
            let mut lines = if is_table {
                row(indent, name.chars().count(), value)
            } else {
                argument(indent, name.chars().count(), value)
            };
            lines.aligned &= !matches!(key, ObjectKey::Expression(key) if has_object(key));
            (name, lines)
        })
        .collect();
    let mut out = "{\n".to_owned();
    write_assignments(&mut out, indent, &assignments);
    text::pad(&mut out, place.indent);
    out.push('}');
    out
}

/// Returns whether the values are several flat objects with the same keys: rows, which are read as lines of a table.
fn is_table(entries: &[(&ObjectKey, &Expr)]) -> bool {
    fn columns<'a>((_, value): &'a (&ObjectKey, &Expr)) -> Option<Vec<&'a ObjectKey>> {
        match value {
            Expr::Object(row) if !row.is_empty() && !row.values().any(has_object) => {
                Some(row.keys().collect())
            }
            _ => None,
        }
    }
    let first = entries.first().and_then(columns);
    entries.len() > 1 && first.is_some() && entries.iter().all(|entry| columns(entry) == first)
}

/// Lays out a row of a table on one line, which may be longer than others, since its columns repeat those above.
fn row(indent: usize, name_columns: usize, value: &Expr) -> Lines {
    let text = expression(value);
    if indent + name_columns + " = ".len() + text.chars().count() <= MAX_ROW_COLUMNS {
        lines(text)
    } else {
        argument(indent, name_columns, value)
    }
}

/// Returns a key whose columns are its characters: what may combine stands in a string, and is escaped there.
fn key_text(key: &ObjectKey) -> String {
    let mut name = String::new();
    write_key(&mut name, key);
    text::with_columns_of_chars(name)
}

/// Opens the last argument's bracket on the first line where the others fit before it;
/// otherwise each argument has its line.
fn broken_call(call: &FuncCall, place: Place) -> String {
    let expand = if call.expand_final { "..." } else { "" };
    if let Some((last, others)) = call.args.split_last()
        && (is_bracketed(last) || (others.is_empty() && matches!(last, Expr::FuncCall(_))))
        && !others.iter().any(has_object)
    {
        let mut head = String::new();
        write_function_name(&mut head, call);
        for other in others {
            head.push_str(&expression(other));
            head.push_str(", ");
        }
        if (Place { tail: 1, ..place }).fits(&head)
            && let Some(last) = broken(last, place.after(head.chars().count()))
        {
            return format!("{head}{last}{expand})");
        }
    }
    let mut name = String::new();
    write_function_name(&mut name, call);
    let n_args = call.args.len();
    let arguments = call.args.iter().enumerate().map(|(idx, argument)| {
        let end = if idx + 1 == n_args && call.expand_final { expand } else { "," };
        layout(argument, place.inner(end.len())) + end
    });
    bracketed(&name, arguments, ")", place)
}

fn is_bracketed(expr: &Expr) -> bool {
    matches!(expr, Expr::Array(_) | Expr::Object(_) | Expr::ForExpr(_))
}

fn broken_for(for_expr: &ForExpr, place: Place) -> String {
    let (open, close) = if for_expr.key_expr.is_some() { ("{", "}") } else { ("[", "]") };
    bracketed(open, for_lines(for_expr, place.inner(0)), close, place)
}

fn for_lines(for_expr: &ForExpr, place: Place) -> Vec<String> {
    let (intro, key, grouping) = (for_intro(for_expr), for_key(for_expr), for_grouping(for_expr));
    let value = &for_expr.value_expr;
    let head = format!("{intro} {key}");
    let line = format!("{head}{}{grouping}", follows_arrow(for_expr, expression(value)));
    let is_one_line = place.fits(&line) && !nests_objects(value);
    let mut lines = Vec::new();
    if is_one_line {
        lines.push(line);
    } else if is_bracketed(value) && place.fits(&head) && !has_object_in_head(for_expr) {
        let after_head = place.after(head.chars().count());
        lines.push(format!(
            "{head}{}{grouping}",
            broken(value, after_head).unwrap_or_else(|| expression(value))
        ));
    } else {
        lines.push(layout_intro(for_expr, intro, place));
        // A `=` in the key forbids a bracket that the line leaves open.
        let has_object_in_key = for_expr.key_expr.as_ref().is_some_and(has_object);
        let value = if has_object_in_key {
            expression(value)
        } else {
            layout(value, place.after(key.chars().count()))
        };
        lines.push(format!("{key}{}{grouping}", follows_arrow(for_expr, value)));
    }
    if let Some(condition) = &for_expr.cond_expr {
        let text = keyword("if", condition);
        match lines.last_mut() {
            Some(line) if is_one_line && place.fits(&format!("{line} {text}")) => {
                line.extend([" ", text.as_str()]);
            }
            _ if place.fits(&text) => lines.push(text),
            _ => lines.push(broken_keyword("if", condition, place).unwrap_or(text)),
        }
    }
    lines
}

fn has_object_in_head(for_expr: &ForExpr) -> bool {
    has_object(&for_expr.collection_expr) || for_expr.key_expr.as_ref().is_some_and(has_object)
}

fn layout_intro(for_expr: &ForExpr, intro: String, place: Place) -> String {
    if place.fits(&intro) {
        return intro;
    }
    let key = for_expr.key_var.as_ref().map_or(String::new(), |key| format!("{key}, "));
    let head = format!("for {key}{} ", for_expr.value_var);
    match broken_keyword("in", &for_expr.collection_expr, place.after(head.chars().count())) {
        Some(collection) => format!("{head}{collection} :"),
        None => intro,
    }
}

fn broken_keyword(keyword: &str, expr: &Expr, place: Place) -> Option<String> {
    let text = broken(expr, place.after(keyword.len() + 1))?;
    Some(match text.chars().next() {
        Some('(') => format!("{keyword}{text}"),
        Some('-') => format!("{keyword}({text})"),
        Some('[') if keyword == "if" => format!("{keyword}({text})"),
        _ => format!("{keyword} {text}"),
    })
}

fn broken_conditional(conditional: &Conditional, place: Place) -> String {
    let branch = |mark: &str, expr| format!("{mark} {}", layout(expr, place.inner(0).after(2)));
    let condition = layout_within(&conditional.cond_expr, Precedence::OR, place.inner(0));
    let lines = [condition, branch("?", &conditional.true_expr), branch(":", &conditional.false_expr)];
    bracketed("(", lines, ")", place)
}

/// Breaks after each operator of one precedence: `a &&`, `b &&`, `c`.
fn broken_binary(binary: &BinaryOp, place: Place) -> String {
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
    let lines = operands.iter().rev().map(|(operand, least, operator)| {
        let place = place.inner(if operator.is_empty() { 0 } else { operator.len() + 1 });
        let text = layout_within(operand, *least, place);
        if operator.is_empty() { text } else { format!("{text} {operator}") }
    });
    bracketed("(", lines, ")", place)
}
