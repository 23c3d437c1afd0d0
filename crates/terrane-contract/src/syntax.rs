//! One shape for both of Terraform's syntaxes: `.tf` and `.tf.json` become [`Item`]s.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;
use terrane_hcl::expr::{Expr, ObjectKey, TemplateExpr};
use terrane_hcl::parse::{self, Content};

/// A problem found while reading a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file, as the caller named it.
    pub file: String,
    /// The line, where it is known (JSON files have none).
    pub line: Option<usize>,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.message),
            None => write!(f, "{}: {}", self.file, self.message),
        }
    }
}

/// Where an item stands.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) file: String,
    pub(crate) line: Option<usize>,
}

impl Place {
    pub(crate) fn problem(&self, message: impl Into<String>) -> Problem {
        Problem { file: self.file.clone(), line: self.line, message: message.into() }
    }
}

/// A block with its attributes and nested blocks.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) kind: String,
    pub(crate) labels: Vec<String>,
    pub(crate) attributes: BTreeMap<String, Expr>,
    pub(crate) blocks: Vec<Item>,
    pub(crate) place: Place,
}

impl Item {
    pub(crate) fn get(&self, name: &str) -> Option<&Expr> {
        self.attributes.get(name)
    }

    /// Calls a function for each argument of the block and of those inside.
    pub(crate) fn each_expression<'a>(&'a self, see: &mut dyn FnMut(&'a Expr)) {
        self.attributes.values().for_each(&mut *see);
        self.blocks.iter().for_each(|block| block.each_expression(see));
    }

    pub(crate) fn blocks<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Item> {
        self.blocks.iter().filter(move |block| block.kind == kind)
    }
}

/// Parses one file; the name decides the syntax.
///
/// # Errors
///
/// Returns why nothing of the file can be read; smaller problems are added to the others.
pub(crate) fn parse(file: &str, text: &str, problems: &mut Vec<Problem>) -> Result<Vec<Item>, Problem> {
    if file.ends_with(".json") {
        parse_json(file, text, problems)
    } else {
        parse_native(file, text, problems)
    }
}

fn parse_native(file: &str, text: &str, problems: &mut Vec<Problem>) -> Result<Vec<Item>, Problem> {
    match parse::file(text) {
        Ok(content) => Ok(native_block(file, "", Vec::new(), Some(1), content, problems).blocks),
        Err(error) => Err(Problem {
            file: file.to_owned(),
            line: Some(error.line),
            message: format!("syntax error: {}", error.message),
        }),
    }
}

fn native_block(
    file: &str,
    kind: &str,
    labels: Vec<String>,
    line: Option<usize>,
    content: Content,
    problems: &mut Vec<Problem>,
) -> Item {
    let place = Place { file: file.to_owned(), line };
    let mut item =
        Item { kind: kind.to_owned(), labels, attributes: BTreeMap::new(), blocks: Vec::new(), place };
    for parse::Attribute { name, value, line } in content.attributes {
        if item.attributes.insert(name.clone(), value).is_some() {
            let message = format!("argument `{name}` is set twice");
            problems.push(Problem { file: file.to_owned(), line, message });
        }
    }
    for parse::Block { kind, labels, line, content } in content.blocks {
        item.blocks.push(native_block(file, &kind, labels, line, content, problems));
    }
    item
}

/// How many labels a top-level block has in JSON, where nesting stands for labels.
const JSON_LABELS: [(&str, usize); 9] = [
    ("variable", 1),
    ("output", 1),
    ("resource", 2),
    ("data", 2),
    ("module", 1),
    ("provider", 1),
    ("terraform", 0),
    ("moved", 0),
    ("removed", 0),
];

/// Names that stand for nested blocks, not arguments, in JSON.
const JSON_BLOCKS: [&str; 5] =
    ["required_providers", "validation", "precondition", "postcondition", "lifecycle"];

fn parse_json(file: &str, text: &str, problems: &mut Vec<Problem>) -> Result<Vec<Item>, Problem> {
    let place = Place { file: file.to_owned(), line: None };
    let root: Value = match serde_json::from_str(text) {
        Ok(root) => root,
        Err(error) => {
            let line = Some(error.line());
            return Err(Problem { file: file.to_owned(), line, message: format!("syntax error: {error}") });
        }
    };
    let mut items = Vec::new();
    for object in one_or_many(&root) {
        let Some(object) = object.as_object() else {
            problems.push(place.problem("expected an object of Terraform blocks"));
            continue;
        };
        for (kind, value) in object {
            let Some((_, n_labels)) = JSON_LABELS.iter().find(|(name, _)| name == kind) else {
                if kind == "locals" {
                    json_block("locals", &[], value, &place, &mut items, problems);
                }
                continue;
            };
            json_labelled(kind, &mut Vec::new(), *n_labels, value, &place, &mut items, problems);
        }
    }
    Ok(items)
}

fn json_labelled(
    kind: &str,
    labels: &mut Vec<String>,
    missing: usize,
    value: &Value,
    place: &Place,
    items: &mut Vec<Item>,
    problems: &mut Vec<Problem>,
) {
    if missing == 0 {
        return json_block(kind, labels, value, place, items, problems);
    }
    for object in one_or_many(value) {
        let Some(object) = object.as_object() else {
            problems.push(place.problem(format!("`{kind}` needs an object of names, found {object}")));
            continue;
        };
        for (label, value) in object {
            labels.push(label.clone());
            json_labelled(kind, labels, missing - 1, value, place, items, problems);
            labels.pop();
        }
    }
}

fn json_block(
    kind: &str,
    labels: &[String],
    value: &Value,
    place: &Place,
    items: &mut Vec<Item>,
    problems: &mut Vec<Problem>,
) {
    for object in one_or_many(value) {
        let Some(object) = object.as_object() else {
            problems.push(place.problem(format!("`{kind}` needs an object, found {object}")));
            continue;
        };
        let mut item = Item {
            kind: kind.to_owned(),
            labels: labels.to_vec(),
            attributes: BTreeMap::new(),
            blocks: Vec::new(),
            place: place.clone(),
        };
        for (name, value) in object.iter().filter(|(name, _)| *name != "//") {
            if JSON_BLOCKS.contains(&name.as_str()) && kind != "locals" {
                json_block(name, &[], value, place, &mut item.blocks, problems);
                continue;
            }
            match json_expression(value, literal_argument(kind, name)) {
                Ok(expression) => drop(item.attributes.insert(name.clone(), expression)),
                Err(error) => problems.push(place.problem(format!("`{kind}` argument `{name}`: {error}"))),
            }
        }
        items.push(item);
    }
}

/// Whether JSON writes this argument as an expression or literally, not as a template.
fn literal_argument(kind: &str, name: &str) -> Reading {
    match (kind, name) {
        ("variable", "type") | ("moved" | "removed", "from" | "to") => Reading::Expr,
        ("variable", "default") => Reading::Literal,
        (_, "ignore_changes" | "configuration_aliases") => Reading::Expr,
        _ => Reading::Template,
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Reading {
    Expr,
    Literal,
    Template,
}

fn json_expression(value: &Value, reading: Reading) -> Result<Expr, String> {
    Ok(match value {
        Value::Null => Expr::Null,
        Value::Bool(value) => Expr::Bool(*value),
        Value::Number(number) => Expr::Number(number.clone()),
        Value::String(text) => json_string(text, reading)?,
        Value::Array(values) => {
            Expr::Array(values.iter().map(|value| json_expression(value, reading)).collect::<Result<_, _>>()?)
        }
        Value::Object(object) => Expr::Object(
            object
                .iter()
                .map(|(name, value)| {
                    let key = ObjectKey::Expression(Expr::String(name.clone()));
                    // Aliases are the one list of expressions inside an object.
                    let reading = if name == "configuration_aliases" { Reading::Expr } else { reading };
                    Ok((key, json_expression(value, reading)?))
                })
                .collect::<Result<_, String>>()?,
        ),
    })
}

fn json_string(text: &str, reading: Reading) -> Result<Expr, String> {
    let parse = |text: &str| {
        let invalid = |error: parse::SyntaxError| format!("invalid expression {text:?}: {}", error.message);
        parse::expression(text).map_err(invalid)
    };
    let inner = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    match (reading, inner) {
        (Reading::Expr, Some(inner)) => parse(inner),
        (Reading::Expr, None) => parse(text),
        (Reading::Template, Some(inner)) if parse(inner).is_ok() => parse(inner),
        (Reading::Template, _) if text.contains("${") || text.contains("%{") => {
            Ok(Expr::from(TemplateExpr::from(text)))
        }
        _ => Ok(Expr::String(text.to_owned())),
    }
}

fn one_or_many(value: &Value) -> &[Value] {
    match value {
        Value::Array(values) => values,
        other => std::slice::from_ref(other),
    }
}
