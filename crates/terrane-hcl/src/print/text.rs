//! Strings and templates, escaped exactly.

use std::fmt::Write as _;

use super::INDENT;
use super::expression::{Precedence, parenthesise, write, write_for_variables, write_keyword};
use crate::expr::{
    Directive, Element, Expr, ForDirective, HeredocStripMode, IfDirective, Strip, Template, TemplateExpr,
};

pub(super) fn pad(out: &mut String, columns: usize) {
    pad_at(out, out.len(), columns);
}

/// Inserts spaces.
pub(super) fn pad_at(out: &mut String, at: usize, columns: usize) {
    const SPACES: &str = "                                ";
    let mut rest = columns;
    while rest > 0 {
        let n = rest.min(SPACES.len());
        out.insert_str(at, &SPACES[..n]);
        rest -= n;
    }
}

/// Returns how wide a text is.
pub(super) fn columns(text: &str) -> usize {
    text.chars().count()
}

/// Writes a string literal that means exactly `text`.
pub(super) fn write_quoted(out: &mut String, text: &str) {
    out.push('"');
    write_escaped(out, text);
    out.push('"');
}

/// Escapes the characters from `start` on that may combine with others, all of which stand in string literals,
/// so that the text is as many columns wide as it has characters, and what follows can be aligned.
pub(super) fn escape_what_combines(out: &mut String, start: usize) {
    if out[start..].chars().all(stands_alone) {
        return;
    }
    for c in out.split_off(start).chars() {
        if stands_alone(c) {
            out.push(c);
        } else {
            write_code_point(out, c);
        }
    }
}

fn write_escaped(out: &mut String, text: &str) {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\' | b'$' | b'%')) {
        out.push_str(text);
        return;
    }
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '$' | '%' if chars.peek() == Some(&'{') => out.extend([c, c]),
            ' '..='~' => out.push(c),
            _ if is_printable(c) => out.push(c),
            _ => write_code_point(out, c),
        }
    }
}

fn write_code_point(out: &mut String, c: char) {
    let code = u32::from(c);
    let written = if code > 0xffff { write!(out, "\\U{code:08x}") } else { write!(out, "\\u{code:04x}") };
    written.expect("a String takes all text");
}

/// Returns whether a person can read the character where it stands.
fn is_printable(c: char) -> bool {
    c.escape_debug().len() == 1
}

/// Returns whether the character is always a grapheme of its own: letters of scripts that combine nothing.
fn stands_alone(c: char) -> bool {
    matches!(c,
        ' '..='~'
        | '\u{a1}'..='\u{ac}' | '\u{ae}'..='\u{2ff}' // Latin
        | '\u{391}'..='\u{3a1}' | '\u{3a3}'..='\u{3ff}' // Greek
        | '\u{400}'..='\u{481}' | '\u{48a}'..='\u{52f}' // Cyrillic
        | '\u{2010}'..='\u{2027}' | '\u{20ac}' // dashes and quotes
        | '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fa}' // Kana
        | '\u{4e00}'..='\u{9fff}' // Han
        | '\u{ac00}'..='\u{d7a3}') // Hangul
}

/// Writes a template in quotes, or the expression that is all of it, which means the same.
pub(super) fn write_template(out: &mut String, expr: &TemplateExpr) {
    let template = expr.parts();
    if let Some(inner) = template.as_ref().and_then(|template| sole_expression(expr, template)) {
        write(out, inner, Precedence::CONDITIONAL);
        return;
    }
    out.push('"');
    match &template {
        Some(template) => write_elements(out, &template.elements, Literals::Quoted),
        // What the parser does not read is left to Terraform to judge.
        None => out.push_str(expr.text()),
    }
    out.push('"');
}

/// Returns the expression that is all of the template, as `x` is in `"${x}"`: the template means the same without quotes.
pub(super) fn sole_interpolation(expr: &TemplateExpr) -> Option<Expr> {
    if !is_in_one_marker(expr) {
        return None;
    }
    sole_expression(expr, &expr.parts()?).cloned()
}

fn sole_expression<'a>(expr: &TemplateExpr, template: &'a Template) -> Option<&'a Expr> {
    match template.elements.as_slice() {
        [Element::Interpolation(interpolation)] if is_in_one_marker(expr) => Some(&interpolation.expr),
        _ => None,
    }
}

/// Returns whether the template begins and ends as one that is an interpolation and nothing else.
fn is_in_one_marker(expr: &TemplateExpr) -> bool {
    let text = expr.text();
    text.starts_with("${") && text.ends_with('}')
}

/// Writes a heredoc as it stands after `=`; returns whether `value` is one that a quoted string alone cannot replace.
pub(super) fn write_heredoc(out: &mut String, value: &Expr, indent: usize) -> bool {
    let Expr::TemplateExpr(template) = value else { return false };
    let TemplateExpr::Heredoc(heredoc) = template.as_ref() else { return false };
    let text = &heredoc.template;
    let delimiter = heredoc.delimiter.as_str();
    let is_delimiter = |line: &str| line.trim() == delimiter;
    if !text.ends_with('\n') || text.contains('\r') || text.lines().any(is_delimiter) {
        return false;
    }
    let Some(template) = template.parts() else { return false };
    if template.elements.windows(2).any(|pair| swallows_marker(&pair[0], &pair[1])) {
        return false;
    }
    let mut content = String::new();
    write_elements(&mut content, &template.elements, Literals::Raw);

    if heredoc.strip == HeredocStripMode::Indent && can_be_indented(&content, &template) {
        out.extend(["<<-", delimiter]);
        for line in content.split_terminator('\n') {
            out.push('\n');
            if !line.is_empty() {
                pad(out, indent + INDENT);
                out.push_str(line);
            }
        }
        out.push('\n');
    } else {
        out.extend(["<<", delimiter, "\n", content.as_str()]);
    }
    pad(out, indent);
    out.push_str(delimiter);
    true
}

/// Terraform takes from each line what the least indented line has: that must be what the printer added.
fn can_be_indented(content: &str, template: &Template) -> bool {
    let is_indented = |line: &str| line.starts_with(char::is_whitespace);
    let is_whitespace = |line: &str| !line.is_empty() && line.trim().is_empty();
    // What combines with the indentation would be taken away with it.
    let combines = |line: &str| line.starts_with(|c: char| !stands_alone(c) && !c.is_whitespace());
    template.elements.iter().all(|element| !matches!(element, Element::Directive(_)))
        && content.lines().any(|line| !line.is_empty() && !is_indented(line))
        && !content.lines().any(|line| is_whitespace(line) || combines(line))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Literals {
    Quoted,
    Raw,
}

fn write_elements(out: &mut String, elements: &[Element], literals: Literals) {
    for (idx, element) in elements.iter().enumerate() {
        match element {
            Element::Literal(text) => {
                let swallows = elements.get(idx + 1).is_some_and(|next| swallows_marker(element, next));
                write_literal(out, text, swallows, literals);
            }
            Element::Interpolation(interpolation) => {
                write_marked(out, "${", interpolation.strip, |out| {
                    write_interpolated(out, &interpolation.expr)
                });
            }
            Element::Directive(directive) => write_directive(out, directive, literals),
        }
    }
}

fn write_literal(out: &mut String, text: &str, swallows: bool, literals: Literals) {
    match (literals, text.char_indices().next_back()) {
        (Literals::Quoted, Some((last, c))) if swallows => {
            write_escaped(out, &text[..last]);
            write_code_point(out, c);
        }
        (Literals::Quoted, _) => write_escaped(out, text),
        (Literals::Raw, _) => out.push_str(&text.replace("${", "$${").replace("%{", "%%{")),
    }
}

/// Returns whether the last character of a literal would make an escape of the marker that follows it, as in `$${x}`.
fn swallows_marker(element: &Element, next: &Element) -> bool {
    match (element, next) {
        (Element::Literal(text), Element::Interpolation(_)) => text.ends_with('$'),
        (Element::Literal(text), Element::Directive(_)) => text.ends_with('%'),
        _ => false,
    }
}

/// Writes the expression as it stands right after `${`, where a leading `-` would be taken for a subtraction.
fn write_interpolated(out: &mut String, expr: &Expr) {
    let start = out.len();
    write(out, expr, Precedence::CONDITIONAL);
    if out[start..].starts_with('-') {
        parenthesise(out, start);
    }
}

fn write_marked(out: &mut String, marker: &str, strip: Strip, write_content: impl FnOnce(&mut String)) {
    out.push_str(marker);
    if strip.start {
        out.push('~');
    }
    let start = out.len();
    write_content(out);
    if out[start..].starts_with('{') {
        out.insert(start, ' ');
    }
    if out.ends_with('}') {
        out.push(' ');
    }
    out.push_str(if strip.end { "~}" } else { "}" });
}

fn write_directive(out: &mut String, directive: &Directive, literals: Literals) {
    match directive {
        Directive::If(directive) => write_if(out, directive, literals),
        Directive::For(directive) => write_for(out, directive, literals),
    }
}

fn write_if(out: &mut String, directive: &IfDirective, literals: Literals) {
    write_marked(out, "%{", directive.if_strip, |out| write_keyword(out, "if", &directive.cond_expr));
    write_elements(out, &directive.true_template.elements, literals);
    if let Some(template) = &directive.false_template {
        write_marked(out, "%{", directive.else_strip, |out| out.push_str("else"));
        write_elements(out, &template.elements, literals);
    }
    write_marked(out, "%{", directive.endif_strip, |out| out.push_str("endif"));
}

fn write_for(out: &mut String, directive: &ForDirective, literals: Literals) {
    write_marked(out, "%{", directive.for_strip, |out| {
        write_for_variables(out, directive.key_var.as_ref(), &directive.value_var);
        write_keyword(out, "in", &directive.collection_expr);
    });
    write_elements(out, &directive.template.elements, literals);
    write_marked(out, "%{", directive.endfor_strip, |out| out.push_str("endfor"));
}
