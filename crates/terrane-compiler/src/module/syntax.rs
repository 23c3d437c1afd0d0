//! Terraform's syntax as data: blocks, arguments, and expressions, with the comments and blank lines that people read.

use std::str::FromStr as _;

/// A Terraform expression.
pub type Expr = hcl::Expression;

/// The content of a block, or of a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Body {
    /// Items in the order they are printed.
    pub items: Vec<Item>,
}

/// One item of a body.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// `name = value`.
    Argument(String, Expr),
    /// A nested block.
    Block(Block),
    /// A comment of one or more lines, without the `#`.
    Comment(String),
    /// A blank line.
    Blank,
}

/// A block such as `resource "aws_vpc" "this" { ... }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// Its keyword.
    pub kind: String,
    /// Its labels, unquoted.
    pub labels: Vec<String>,
    /// Its content.
    pub body: Body,
}

impl Body {
    /// Returns an empty body.
    pub fn new() -> Body {
        Body::default()
    }

    /// Appends an argument.
    #[must_use]
    pub fn arg(mut self, name: &str, value: Expr) -> Body {
        self.items.push(Item::Argument(name.to_owned(), value));
        self
    }

    /// Appends an argument whose value is written as Terraform text; see [`expr()`].
    #[must_use]
    pub fn hcl(self, name: &str, text: &str) -> Body {
        self.arg(name, expr(text))
    }

    /// Appends a blank line.
    #[must_use]
    pub fn blank(mut self) -> Body {
        self.items.push(Item::Blank);
        self
    }

    /// Appends a comment.
    #[must_use]
    pub fn comment(mut self, text: &str) -> Body {
        self.items.push(Item::Comment(text.to_owned()));
        self
    }

    /// Appends a nested block without labels.
    #[must_use]
    pub fn block(mut self, kind: &str, body: Body) -> Body {
        self.items.push(Item::Block(Block { kind: kind.to_owned(), labels: Vec::new(), body }));
        self
    }

    /// Returns the value of an argument.
    pub fn get(&self, name: &str) -> Option<&Expr> {
        self.items.iter().find_map(|item| match item {
            Item::Argument(argument, value) if argument == name => Some(value),
            _ => None,
        })
    }
}

/// Reads an expression that the compiler itself has written.
///
/// Only names that are already valid identifiers may be put into `text`;
/// whatever a user wrote enters an expression through [`string()`].
///
/// # Panics
///
/// Panics if `text` is not an expression, which is a bug of the compiler and not of its input.
#[track_caller]
pub fn expr(text: &str) -> Expr {
    match Expr::from_str(text) {
        Ok(expr) => expr,
        Err(error) => panic!("the compiler wrote an expression that is none: {text}\n{error}"),
    }
}

/// Returns a string literal that means exactly `text`, whatever it contains.
pub fn string(text: &str) -> Expr {
    Expr::String(text.to_owned())
}

/// Returns an object with identifier keys in the given order.
pub fn object<'a>(entries: impl IntoIterator<Item = (&'a str, Expr)>) -> Expr {
    Expr::Object(
        entries
            .into_iter()
            .map(|(key, value)| (hcl::ObjectKey::Identifier(hcl::Identifier::sanitized(key)), value))
            .collect(),
    )
}

/// Returns an object with quoted keys in the given order.
pub fn table(entries: impl IntoIterator<Item = (String, Expr)>) -> Expr {
    Expr::Object(
        entries
            .into_iter()
            .map(|(key, value)| (hcl::ObjectKey::Expression(Expr::String(key)), value))
            .collect(),
    )
}
