//! Blocks and arguments as data, with the comments and blank lines that people read.

use crate::expr::{Expr, expr};

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

impl Item {
    /// Returns a nested block.
    pub fn block(kind: &str, labels: &[&str], body: Body) -> Item {
        Item::Block(Block::new(kind, labels, body))
    }
}

impl Block {
    /// Returns a block with labels.
    pub fn new(kind: &str, labels: &[&str], body: Body) -> Block {
        let labels = labels.iter().map(|&label| label.to_owned()).collect();
        Block { kind: kind.to_owned(), labels, body }
    }
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

    /// Appends an argument whose value is written as text; see [`expr()`].
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
        self.items.push(Item::Block(Block::new(kind, &[], body)));
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
