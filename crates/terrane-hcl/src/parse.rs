//! The parser: texts become data.

mod convert;
mod layout;
mod markers;

use std::fmt;
use std::str::FromStr;

use hcl::edit::Span as _;
use hcl::edit::structure::{Body, Structure};
use hcl::eval::{Context, Evaluate as _};
use serde_json::Value;

use crate::expr::{Element, Expr, Identifier, Interpolation, Strip, Template, TemplateExpr};
use crate::expr::{Traversal, TraversalOperator};
use crate::print;

/// Why a text is not HCL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong there.
    pub message: String,
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

impl std::error::Error for SyntaxError {}

impl SyntaxError {
    fn of(error: &hcl::edit::parser::Error) -> SyntaxError {
        SyntaxError { line: error.location().line(), message: error.message().to_owned() }
    }
}

/// The content of a file or a block, with the lines where it stands.
#[derive(Clone, Debug, Default)]
pub struct Content {
    /// The arguments, in the order written.
    pub attributes: Vec<Attribute>,
    /// The blocks, in the order written.
    pub blocks: Vec<Block>,
}

/// `name = value`.
#[derive(Clone, Debug)]
pub struct Attribute {
    /// The name.
    pub name: String,
    /// The value.
    pub value: Expr,
    /// The line, counted from 1, where it is known.
    pub line: Option<usize>,
}

/// A block with its content.
#[derive(Clone, Debug)]
pub struct Block {
    /// Its keyword.
    pub kind: String,
    /// Its labels, unquoted.
    pub labels: Vec<String>,
    /// The line, counted from 1, where it is known.
    pub line: Option<usize>,
    /// Its content.
    pub content: Content,
}

/// Reads a file; a byte order mark before it is skipped.
///
/// # Errors
///
/// Returns the first error of syntax.
pub fn file(text: &str) -> Result<Content, SyntaxError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let body =
        hcl::edit::parser::parse_body(&layout::prepare(text)).map_err(|error| SyntaxError::of(&error))?;
    Ok(content(text, body))
}

fn content(text: &str, body: Body) -> Content {
    let line = |span: Option<std::ops::Range<usize>>| span.map(|span| line_of(text, span.start));
    let mut content = Content::default();
    for structure in body {
        match structure {
            Structure::Attribute(attribute) => content.attributes.push(Attribute {
                line: line(attribute.span()),
                name: attribute.key.as_str().to_owned(),
                value: convert::expression(attribute.value.into()),
            }),
            Structure::Block(block) => content.blocks.push(Block {
                line: line(block.span()),
                kind: block.ident.as_str().to_owned(),
                labels: block.labels.iter().map(|label| label.as_str().to_owned()).collect(),
                content: self::content(text, block.body),
            }),
        }
    }
    content
}

fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes()[..offset.min(text.len())].iter().filter(|byte| **byte == b'\n').count() + 1
}

/// Reads an expression.
///
/// # Errors
///
/// Returns the first error of syntax.
pub fn expression(text: &str) -> Result<Expr, SyntaxError> {
    if let Some(path) = path(text) {
        return Ok(path);
    }
    let expression = hcl::edit::parser::parse_expr(text).map_err(|error| SyntaxError::of(&error))?;
    Ok(convert::expression(expression.into()))
}

impl FromStr for Expr {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Expr, SyntaxError> {
        expression(text)
    }
}

/// Returns `root.name.name`, as two in three expressions are, which need no parser.
fn path(text: &str) -> Option<Expr> {
    let is_name = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && !matches!(part, "null" | "true" | "false")
    };
    if !text.split('.').all(is_name) {
        return None;
    }
    let mut names = text.split('.').map(Identifier::unchecked);
    let root = Expr::Variable(names.next()?);
    let operators: Vec<_> = names.map(TraversalOperator::GetAttr).collect();
    Some(if operators.is_empty() { root } else { Expr::from(Traversal::new(root, operators)) })
}

/// Reads the parts of a template; `None` if it is none.
pub(crate) fn template(template: &TemplateExpr) -> Option<Template> {
    of_paths(template.text()).or_else(|| markers::parse(template))
}

/// Returns a template that interpolates nothing but paths, as most do, which need no parser.
fn of_paths(text: &str) -> Option<Template> {
    if text.contains("$${") || text.contains("%{") {
        return None;
    }
    let literal = |text: &str| (!text.is_empty()).then(|| Element::Literal(text.to_owned()));
    let mut pieces = text.split("${");
    let mut elements: Vec<Element> = pieces.next().and_then(literal).into_iter().collect();
    for piece in pieces {
        let (inner, after) = piece.split_once('}')?;
        elements.push(Element::Interpolation(Interpolation { expr: path(inner)?, strip: Strip::NONE }));
        elements.extend(literal(after));
    }
    Some(Template { elements })
}

/// Returns what an expression is that names nothing: a literal, or an operation on literals.
pub fn constant(expression: &Expr) -> Option<Value> {
    match expression {
        Expr::Null => Some(Value::Null),
        Expr::Bool(value) => Some(Value::Bool(*value)),
        Expr::Number(number) => Some(Value::Number(number.clone())),
        Expr::String(text) => Some(Value::String(text.clone())),
        other => {
            let parsed: hcl::Expression = print::expression(other).parse().ok()?;
            serde_json::to_value(parsed.evaluate(&Context::new()).ok()?).ok()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_what_the_parser_says() {
        let parsed = |text: &str| convert::expression(hcl::edit::parser::parse_expr(text).unwrap().into());
        for text in ["plan", "aws_vpc.this", "each.value.protocol", "a1.b2_c", "nullable", "local.blocks.app"]
        {
            assert_eq!(path(text), Some(parsed(text)), "{text}");
        }
        for text in ["", ".", "a.", "null", "true", "1.5", "a.0", "a.*", "a[0]", "a-b", "a b", "x.null", "é"]
        {
            assert_eq!(path(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_template_without_markers_is_what_its_parser_says() {
        for text in ["", "text", "a\nb\n", "100 %", "$ {", "$", "%", "\\n \" \\", "é {} }", "$$ %% {"] {
            let template = TemplateExpr::from(text);
            assert_eq!(template.parts(), markers::parse(&template), "{text:?}");
        }
        assert_eq!(TemplateExpr::from("${").parts(), None);
    }

    #[test]
    fn what_stands_where_is_told() {
        let content = file("\u{feff}a = 1\n\nb \"c\" {\n  d = [\n    2,\n  ]\n}\n").unwrap();
        assert_eq!((content.attributes[0].name.as_str(), content.attributes[0].line), ("a", Some(1)));
        let block = &content.blocks[0];
        assert_eq!(
            (block.kind.as_str(), block.labels.as_slice(), block.line),
            ("b", &["c".to_owned()][..], Some(3))
        );
        let inner = &block.content.attributes[0];
        assert_eq!((inner.value.to_string().as_str(), inner.line), ("[2]", Some(4)));
        assert_eq!(file("a = \n").unwrap_err().line, 1);
        assert_eq!(expression("a +").unwrap_err().line, 1);
    }

    #[test]
    fn a_constant_names_nothing() {
        let constant = |text: &str| constant(&text.parse().unwrap());
        assert_eq!(
            constant("{ a = [1, -2], \"b\" = null }"),
            Some(serde_json::json!({"a": [1, -2], "b": null}))
        );
        assert_eq!(constant("60 * 60"), Some(3600.into()));
        assert_eq!(constant("\"$${x}\""), Some("${x}".into()));
        for text in ["var.a", "[var.a]", "upper(\"a\")", "\"${var.a}\""] {
            assert_eq!(constant(text), None, "{text}");
        }
    }
}
