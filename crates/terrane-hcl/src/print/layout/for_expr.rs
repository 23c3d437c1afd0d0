//! `for` expressions on several lines.

use super::{
    Place, begin_line, bracketed, broken, has_object, is_bracketed, layout, nests_objects, replace_from,
};
use crate::expr::{Expr, ForExpr};
use crate::print::expression::{
    Precedence, for_grouping, guard_after_arrow, set_apart, write, write_for_intro, write_for_key,
    write_for_value, write_for_variables, write_keyword,
};
use crate::print::text;

/// Breaks a `for` expression at its brackets; inside them, its parts have a line each where they do not fit on one.
pub(super) fn break_for(out: &mut String, for_expr: &ForExpr, place: Place) {
    let brackets = if for_expr.key_expr.is_some() { ["{", "}"] } else { ["[", "]"] };
    bracketed(out, brackets, place, [for_expr], |out, for_expr| {
        write_for_lines(out, for_expr, place.inner(0))
    });
}

fn write_for_lines(out: &mut String, for_expr: &ForExpr, place: Place) {
    let value = &for_expr.value_expr;
    let start = out.len();
    write_for_intro(out, for_expr);
    out.push(' ');
    write_for_key(out, for_expr);
    let head_end = out.len();
    write_for_value(out, for_expr);
    let is_one_line = place.fits(&out[start..]) && !nests_objects(value);
    if !is_one_line {
        out.truncate(head_end);
        let head = &out[start..];
        if is_bracketed(value) && place.fits(head) && !has_object_in_head(for_expr) {
            let after_head = place.after(text::columns(head));
            if !broken(out, value, after_head) {
                write(out, value, Precedence::CONDITIONAL);
            }
            out.push_str(for_grouping(for_expr));
        } else {
            out.truncate(start);
            layout_for_intro(out, for_expr, place);
            begin_line(out, place.indent);
            layout_for_value(out, for_expr, place);
        }
    }
    if let Some(condition) = &for_expr.cond_expr {
        let end = out.len();
        out.push(' ');
        write_keyword(out, "if", condition);
        if !is_one_line || !place.fits(&out[start..]) {
            out.truncate(end);
            begin_line(out, place.indent);
            layout_condition(out, condition, place);
        }
    }
}

fn has_object_in_head(for_expr: &ForExpr) -> bool {
    has_object(&for_expr.collection_expr) || for_expr.key_expr.as_ref().is_some_and(has_object)
}

fn layout_for_intro(out: &mut String, for_expr: &ForExpr, place: Place) {
    let start = out.len();
    write_for_intro(out, for_expr);
    if place.fits(&out[start..]) {
        return;
    }
    replace_from(out, start, |out| {
        let head = out.len();
        write_for_variables(out, for_expr.key_var.as_ref(), &for_expr.value_var);
        let place = place.after(text::columns(&out[head..]));
        let is_broken = broken_keyword(out, "in", &for_expr.collection_expr, place);
        if is_broken {
            out.push_str(" :");
        } else {
            out.truncate(head);
        }
        is_broken
    });
}

fn layout_for_value(out: &mut String, for_expr: &ForExpr, place: Place) {
    let start = out.len();
    write_for_key(out, for_expr);
    let value = out.len();
    let after_key = place.after(text::columns(&out[start..]));
    // A `=` in the key forbids a bracket that the line leaves open.
    if for_expr.key_expr.as_ref().is_some_and(has_object) {
        write(out, &for_expr.value_expr, Precedence::CONDITIONAL);
    } else {
        layout(out, &for_expr.value_expr, after_key);
    }
    guard_after_arrow(out, for_expr, value);
    out.push_str(for_grouping(for_expr));
}

fn layout_condition(out: &mut String, condition: &Expr, place: Place) {
    let start = out.len();
    write_keyword(out, "if", condition);
    if !place.fits(&out[start..]) {
        replace_from(out, start, |out| broken_keyword(out, "if", condition, place));
    }
}

fn broken_keyword(out: &mut String, keyword: &str, expr: &Expr, place: Place) -> bool {
    let start = out.len();
    out.push_str(keyword);
    let end = out.len();
    let is_broken = broken(out, expr, place.after(keyword.len() + 1));
    if is_broken {
        set_apart(out, keyword, end);
    } else {
        out.truncate(start);
    }
    is_broken
}
