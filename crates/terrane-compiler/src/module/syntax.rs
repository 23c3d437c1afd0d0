//! Terraform's syntax as data: blocks, arguments, and expressions, with the comments and blank lines that people read.

mod markers;

use std::str::FromStr as _;

use hcl::expr::{
    BinaryOp, BinaryOperator, Conditional, ForExpr, FuncCall, Heredoc, HeredocStripMode, ObjectKey,
    Operation, TemplateExpr, Traversal, TraversalOperator,
};
use hcl::template::{Directive, Element, Template};

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
    if let Some(path) = path(text) {
        return path;
    }
    match Expr::from_str(text) {
        // The parser leaves room for more operators, and larger ones, than there are; a clone does not.
        Ok(expr) => expr.clone(),
        Err(error) => panic!("the compiler wrote an expression that is none: {text}\n{error}"),
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
    let mut names = text.split('.').map(hcl::Identifier::unchecked);
    let root = Expr::Variable(names.next()?.into());
    let operators: Vec<_> = names.map(TraversalOperator::GetAttr).collect();
    Some(if operators.is_empty() { root } else { Expr::from(Traversal::new(root, operators)) })
}

/// Returns a string literal that means exactly `text`, whatever it contains.
pub fn string(text: &str) -> Expr {
    Expr::String(text.to_owned())
}

/// Returns a string with `${ }` in it; what a user wrote may stand there only if it needs no escapes.
pub fn template(text: impl Into<String>) -> Expr {
    Expr::from(TemplateExpr::from(text.into()))
}

/// Returns a text for people: a string if it has one line, and a heredoc, which ends in a newline, if it has several.
pub fn paragraph(text: &str) -> Expr {
    if !text.trim_end().contains('\n') {
        return string(text);
    }
    let template = text.trim_end().replace("${", "$${").replace("%{", "%%{") + "\n";
    let delimiter = hcl::Identifier::sanitized("EOT");
    Expr::from(Heredoc::new(delimiter, template).with_strip_mode(HeredocStripMode::Indent))
}

/// Returns an object with identifier keys in the given order; `for`, which would begin another expression, is quoted.
pub fn object<K: AsRef<str>>(entries: impl IntoIterator<Item = (K, Expr)>) -> Expr {
    Expr::Object(
        entries
            .into_iter()
            .map(|(key, value)| match key.as_ref() {
                "for" => (ObjectKey::Expression(string("for")), value),
                key => (ObjectKey::Identifier(hcl::Identifier::sanitized(key)), value),
            })
            .collect(),
    )
}

/// Returns an object with quoted keys in the given order.
pub fn table(entries: impl IntoIterator<Item = (String, Expr)>) -> Expr {
    Expr::Object(
        entries.into_iter().map(|(key, value)| (ObjectKey::Expression(Expr::String(key)), value)).collect(),
    )
}

/// Returns the reference `root.name`.
pub fn reference(root: &str, name: &str) -> Expr {
    let root = Expr::Variable(hcl::Identifier::sanitized(root).into());
    Expr::from(Traversal::builder(root).attr(hcl::Identifier::sanitized(name)).build())
}

/// Returns a call of a function.
pub fn call(name: &str, arguments: impl IntoIterator<Item = Expr>) -> Expr {
    let mut call = FuncCall::builder(hcl::Identifier::sanitized(name));
    for argument in arguments {
        call = call.arg(argument);
    }
    Expr::from(call.build())
}

/// Returns the text of an object's key.
pub(crate) fn key_text(key: &ObjectKey) -> String {
    match key {
        ObjectKey::Expression(Expr::String(text)) => text.clone(),
        other => other.to_string(),
    }
}

/// Returns `left == right`.
pub fn equal(left: Expr, right: Expr) -> Expr {
    Expr::from(Operation::Binary(BinaryOp::new(left, BinaryOperator::Eq, right)))
}

/// Returns `condition ? yes : no`.
pub fn conditional(condition: Expr, yes: Expr, no: Expr) -> Expr {
    Expr::from(Conditional::new(condition, yes, no))
}

/// Returns `[for it in collection : it.attribute]`.
pub fn each(it: &str, collection: Expr, attribute: &str) -> Expr {
    Expr::from(ForExpr::new(hcl::Identifier::sanitized(it), collection, reference(it, attribute)))
}

/// Returns `{ for letter, it in collection : letter => it.attribute }`.
pub fn by_letter(it: &str, collection: Expr, attribute: &str) -> Expr {
    let [letter, value] = ["letter", it].map(hcl::Identifier::sanitized);
    Expr::from(
        ForExpr::new(value, collection, reference(it, attribute))
            .with_key_expr(Expr::Variable(letter.clone().into()))
            .with_key_var(letter),
    )
}

/// Returns whether `predicate` holds for the expression or for one inside it, templates included.
pub fn any(expr: &Expr, predicate: &mut dyn FnMut(&Expr) -> bool) -> bool {
    if predicate(expr) {
        return true;
    }
    let mut found = false;
    each_part(expr, &mut |part| found = found || any(part, predicate));
    found
}

/// Calls `f` for each expression that stands directly inside `expr`, in the order written.
pub fn each_part(expr: &Expr, f: &mut dyn FnMut(&Expr)) {
    match expr {
        Expr::Array(elements) => elements.iter().for_each(f),
        Expr::Object(entries) => {
            for (key, value) in entries {
                if let ObjectKey::Expression(key) = key {
                    f(key);
                }
                f(value);
            }
        }
        Expr::TemplateExpr(template) => {
            if has_markers(template)
                && let Some(template) = parts_of(template)
            {
                each_part_of_template(&template, f);
            }
        }
        Expr::Traversal(traversal) => {
            f(&traversal.expr);
            for operator in &traversal.operators {
                if let TraversalOperator::Index(key) = operator {
                    f(key);
                }
            }
        }
        Expr::FuncCall(call) => call.args.iter().for_each(f),
        Expr::Parenthesis(inner) => f(inner),
        Expr::Conditional(conditional) => {
            f(&conditional.cond_expr);
            f(&conditional.true_expr);
            f(&conditional.false_expr);
        }
        Expr::Operation(operation) => match operation.as_ref() {
            Operation::Unary(unary) => f(&unary.expr),
            Operation::Binary(binary) => {
                f(&binary.lhs_expr);
                f(&binary.rhs_expr);
            }
        },
        Expr::ForExpr(for_expr) => {
            f(&for_expr.collection_expr);
            for_expr.key_expr.iter().for_each(&mut *f);
            f(&for_expr.value_expr);
            for_expr.cond_expr.iter().for_each(f);
        }
        // The rest has no parts.
        _ => {}
    }
}

/// Returns the literals, interpolations, and directives of a template, or `None` if it does not parse.
pub(super) fn parts_of(template: &TemplateExpr) -> Option<Template> {
    if has_markers(template) {
        return markers::parse(template);
    }
    let text = text_of(template);
    Some(if text.is_empty() { Template::new() } else { Template::new().add_literal(text) })
}

/// Returns whether a template can be more than text: most are descriptions, which need no parser.
fn has_markers(template: &TemplateExpr) -> bool {
    let text = text_of(template);
    text.contains("${") || text.contains("%{")
}

fn text_of(template: &TemplateExpr) -> &str {
    let (TemplateExpr::QuotedString(text) | TemplateExpr::Heredoc(Heredoc { template: text, .. })) = template;
    text
}

fn each_part_of_template(template: &Template, f: &mut dyn FnMut(&Expr)) {
    for element in template.elements() {
        match element {
            Element::Literal(_) => {}
            Element::Interpolation(interpolation) => f(&interpolation.expr),
            Element::Directive(directive) => match directive.as_ref() {
                Directive::If(directive) => {
                    f(&directive.cond_expr);
                    each_part_of_template(&directive.true_template, f);
                    if let Some(template) = &directive.false_template {
                        each_part_of_template(template, f);
                    }
                }
                Directive::For(directive) => {
                    f(&directive.collection_expr);
                    each_part_of_template(&directive.template, f);
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use hcl::TemplateExpr;
    use hcl::template::Template;

    use super::{Expr, parts_of, path};

    #[test]
    fn a_path_is_what_the_parser_says() {
        for text in ["plan", "aws_vpc.this", "each.value.protocol", "a1.b2_c", "nullable", "local.blocks.app"]
        {
            assert_eq!(path(text), Some(text.parse::<Expr>().unwrap()), "{text}");
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
            let parsed = Template::from_expr(&template).unwrap();
            assert_eq!(parts_of(&template), Some(parsed), "{text:?}");
        }
        assert_eq!(parts_of(&TemplateExpr::from("${")), None);
    }
}
