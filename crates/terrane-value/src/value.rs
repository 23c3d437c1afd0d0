//! Values of Terraform's types.

use std::collections::BTreeMap;
use std::fmt;

use crate::cty::Type;
use serde::Deserialize;

use crate::json::{self, Json, Layout};
use crate::number::Number;

/// The deepest nesting of an output's value or type that is decoded.
///
/// Terraform has no such bound below its 10 000 levels of JSON; this one keeps a hostile state from overflowing the
/// stack of the program that reads it, including when the program copies or drops the value.
pub const MAX_DEPTH: usize = 400;

/// The name under which our deserializer hands out a value as it is; see [`crate::de`].
pub(crate) const VALUE_NAME: &str = "$terrane_value::Value";

/// A value whose Rust type is not known when the program is compiled.
///
/// Use it as a field of your own struct where an output may be of any type.
///
/// `Debug` shows the contents. Ask [`Output::sensitive`] before you print a value, or read it as a
/// [`Sensitive`](crate::Sensitive), which never shows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename = "$terrane_value::Value")]
#[non_exhaustive]
pub enum Value {
    /// No value, of any type.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A decimal number of any size.
    Number(Number),
    /// Text in Unicode's normal form C.
    String(String),
    /// Elements of one type, in order.
    List(Vec<Value>),
    /// Distinct elements of one type, sorted.
    Set(Vec<Value>),
    /// Elements that each have a type of their own.
    Tuple(Vec<Value>),
    /// Elements of one type by name.
    Map(BTreeMap<String, Value>),
    /// Attributes that each have a type of their own.
    Object(BTreeMap<String, Value>),
}

impl Value {
    /// Returns what kind of value this is, in Terraform's words.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::List(_) => "list",
            Value::Set(_) => "set",
            Value::Tuple(_) => "tuple",
            Value::Map(_) => "map",
            Value::Object(_) => "object",
        }
    }

    /// Returns the attribute or element of an object or map.
    pub fn get(&self, name: &str) -> Option<&Value> {
        match self {
            Value::Map(members) | Value::Object(members) => members.get(name),
            _ => None,
        }
    }

    /// Returns an element of a list, set, or tuple.
    pub fn at(&self, idx: usize) -> Option<&Value> {
        match self {
            Value::List(elements) | Value::Set(elements) | Value::Tuple(elements) => elements.get(idx),
            _ => None,
        }
    }

    /// Returns the text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the value as JSON on one line, numbers by their text.
    pub fn to_json(&self) -> String {
        json::print(&self.to_tree(), Layout::Compact)
    }

    /// Returns the value as JSON on lines of its own, two spaces for each level.
    pub fn to_json_pretty(&self) -> String {
        json::print(&self.to_tree(), Layout::Indented)
    }

    /// Returns the value as JSON data. A number that is neither a whole number of 64 bits nor a finite `f64` becomes
    /// its text.
    pub fn to_serde_json(&self) -> serde_json::Value {
        match self {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Number(number) => {
                serde_json::from_str(&number.to_json()).unwrap_or_else(|_| number.as_str().into())
            }
            Value::String(text) => text.as_str().into(),
            Value::List(elements) | Value::Set(elements) | Value::Tuple(elements) => {
                elements.iter().map(Value::to_serde_json).collect()
            }
            Value::Map(members) | Value::Object(members) => {
                members.iter().map(|(name, value)| (name.clone(), value.to_serde_json())).collect()
            }
        }
    }

    pub(crate) fn to_tree(&self) -> Json {
        match self {
            Value::Null => Json::Null,
            Value::Bool(value) => Json::Bool(*value),
            Value::Number(number) => Json::Number(number.to_json()),
            Value::String(text) => Json::String(text.clone()),
            Value::List(elements) | Value::Set(elements) | Value::Tuple(elements) => {
                Json::Array(elements.iter().map(Value::to_tree).collect())
            }
            Value::Map(members) | Value::Object(members) => {
                Json::Object(members.iter().map(|(key, value)| (key.clone(), value.to_tree())).collect())
            }
        }
    }
}

/// One root output of a state: its value, its type, and whether Terraform was told to hide it.
///
/// `Debug` hides the value of a sensitive output.
#[derive(Clone, PartialEq)]
pub struct Output {
    pub(crate) value: Value,
    pub(crate) ty: Type,
    pub(crate) sensitive: bool,
    pub(crate) deprecated: Option<String>,
}

impl Output {
    /// Returns the value, in clear even if it is sensitive.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Returns the type that the state declares for the value.
    pub fn ty(&self) -> &Type {
        &self.ty
    }

    /// Returns the declared type as the value bears it out: an attribute that is null is optional, and the type of an
    /// element that is null is unknown.
    pub fn observed_type(&self) -> Type {
        observed(&self.ty, &[&self.value])
    }

    /// Returns whether the configuration marks the output as sensitive.
    pub fn sensitive(&self) -> bool {
        self.sensitive
    }

    /// Returns why the output is deprecated, where OpenTofu says so.
    pub fn deprecated(&self) -> Option<&str> {
        self.deprecated.as_deref()
    }
}

/// Returns a type as some values of it bear it out.
fn observed(ty: &Type, values: &[&Value]) -> Type {
    match ty {
        Type::String | Type::Number | Type::Bool | Type::Dynamic => ty.clone(),
        Type::List(inner) => Type::list(observed_element(inner, parts(values))),
        Type::Set(inner) => Type::set(observed_element(inner, parts(values))),
        Type::Map(inner) => Type::map(observed_element(inner, parts(values))),
        Type::Tuple(inner) => {
            let at = |idx| values.iter().filter_map(|value| value.at(idx)).collect();
            Type::Tuple(inner.iter().enumerate().map(|(idx, ty)| observed_element(ty, at(idx))).collect())
        }
        Type::Object { attributes, optional } => {
            let (mut observed_attributes, mut optional) = (BTreeMap::new(), optional.clone());
            for (name, ty) in attributes {
                let (null, known): (Vec<&Value>, Vec<&Value>) = values
                    .iter()
                    .filter_map(|value| value.get(name))
                    .partition(|value| **value == Value::Null);
                if !null.is_empty() {
                    optional.insert(name.clone());
                }
                observed_attributes.insert(name.clone(), observed(ty, &known));
            }
            Type::Object { attributes: observed_attributes, optional }
        }
    }
}

/// An element has no place for null beside its type.
fn observed_element(ty: &Type, values: Vec<&Value>) -> Type {
    if values.contains(&&Value::Null) { Type::Dynamic } else { observed(ty, &values) }
}

/// Returns the elements of all values.
fn parts<'a>(values: &[&'a Value]) -> Vec<&'a Value> {
    let parts = values.iter().flat_map(|value| match value {
        Value::List(elements) | Value::Set(elements) => elements.iter().collect(),
        Value::Map(members) => members.values().collect::<Vec<_>>(),
        _ => Vec::new(),
    });
    parts.collect()
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Output");
        debug.field("type", &format_args!("{}", self.ty));
        if self.sensitive {
            debug.field("value", &format_args!("(sensitive)"));
        } else {
            debug.field("value", &self.value);
        }
        debug.field("sensitive", &self.sensitive).finish()
    }
}

impl fmt::Display for Output {
    /// Shows the value as JSON, or `(sensitive)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.sensitive { f.write_str("(sensitive)") } else { f.write_str(&self.value.to_json()) }
    }
}
