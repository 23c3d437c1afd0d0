//! Strings that have expressions in them.

use super::{Expr, Identifier};

/// A string in quotes or as a heredoc, as text: its markers are not read yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateExpr {
    /// In quotes, without them; escapes are resolved, and `$${` and `%%{` are not.
    QuotedString(String),
    /// As a heredoc.
    Heredoc(Heredoc),
}

impl TemplateExpr {
    /// Returns the text with its markers.
    pub fn text(&self) -> &str {
        let (TemplateExpr::QuotedString(text) | TemplateExpr::Heredoc(Heredoc { template: text, .. })) = self;
        text
    }

    /// Returns whether it can be more than text: most are descriptions, which need no parser.
    pub(crate) fn has_markers(&self) -> bool {
        let text = self.text();
        text.contains("${") || text.contains("%{")
    }

    /// Returns the literals, interpolations, and directives, or `None` if it does not parse.
    pub fn parts(&self) -> Option<Template> {
        if self.has_markers() {
            return crate::parse::template(self);
        }
        let text = self.text();
        let literal = (!text.is_empty()).then(|| Element::Literal(text.to_owned()));
        Some(Template { elements: literal.into_iter().collect() })
    }
}

impl From<&str> for TemplateExpr {
    fn from(text: &str) -> TemplateExpr {
        TemplateExpr::QuotedString(text.to_owned())
    }
}

impl From<String> for TemplateExpr {
    fn from(text: String) -> TemplateExpr {
        TemplateExpr::QuotedString(text)
    }
}

/// A heredoc.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heredoc {
    /// The word that ends it.
    pub delimiter: Identifier,
    /// Its text, with its markers.
    pub template: String,
    /// What is done with its indentation.
    pub strip: HeredocStripMode,
}

/// What is done with the indentation of a heredoc.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeredocStripMode {
    /// It is part of the text: `<<`.
    None,
    /// What all lines share is taken away: `<<-`.
    Indent,
}

/// The parts of a template.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    /// The parts, in the order written.
    pub elements: Vec<Element>,
}

/// A part of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Element {
    /// Text, by what it means.
    Literal(String),
    /// `${ }`.
    Interpolation(Interpolation),
    /// `%{ }`.
    Directive(Box<Directive>),
}

/// `${ }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interpolation {
    /// The expression.
    pub expr: Expr,
    /// Which spaces around it are taken away.
    pub strip: Strip,
}

/// `%{ }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Directive {
    /// `%{ if }`.
    If(IfDirective),
    /// `%{ for }`.
    For(ForDirective),
}

/// `%{ if a }b%{ else }c%{ endif }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IfDirective {
    /// The condition.
    pub cond_expr: Expr,
    /// The text where it holds.
    pub true_template: Template,
    /// The text where it does not.
    pub false_template: Option<Template>,
    /// The spaces around `if`.
    pub if_strip: Strip,
    /// The spaces around `else`.
    pub else_strip: Strip,
    /// The spaces around `endif`.
    pub endif_strip: Strip,
}

/// `%{ for a, b in c }d%{ endfor }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForDirective {
    /// The name of the key, where it has one.
    pub key_var: Option<Identifier>,
    /// The name of the value.
    pub value_var: Identifier,
    /// The collection.
    pub collection_expr: Expr,
    /// The text of each.
    pub template: Template,
    /// The spaces around `for`.
    pub for_strip: Strip,
    /// The spaces around `endfor`.
    pub endfor_strip: Strip,
}

/// On which sides of a marker spaces are taken away, by `~`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strip {
    /// Before it.
    pub start: bool,
    /// After it.
    pub end: bool,
}

impl Strip {
    /// On neither side.
    pub const NONE: Strip = Strip { start: false, end: false };
}
