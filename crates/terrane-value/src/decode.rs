//! From JSON and a type to a value, by Terraform's rules.

use std::collections::{BTreeMap, BTreeSet};

use crate::cty::Type;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use crate::json::Json;
use crate::number::Number;
use crate::path::Path;
use crate::value::{MAX_DEPTH, Value};

/// Why some JSON is no value of its type. Never holds the value.
#[derive(Debug)]
pub struct DecodeError {
    pub(crate) path: Path,
    pub(crate) reason: String,
}

impl DecodeError {
    /// Returns where inside the value it is, such as `.subnets["a"][0]`; empty for the value itself.
    pub fn path(&self) -> String {
        self.path.to_string()
    }

    /// Returns what is wrong there.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    fn new(reason: impl Into<String>) -> DecodeError {
        DecodeError { path: Path::default(), reason: reason.into() }
    }

    fn expected(what: &str, found: &Json) -> DecodeError {
        DecodeError::new(format!("{what} is required, found {}", found.kind()))
    }

    fn inside(mut self, step: impl FnOnce(&mut Path)) -> DecodeError {
        step(&mut self.path);
        self
    }
}

/// Reads a type.
pub(crate) fn decode_type(json: &Json) -> Result<Type, String> {
    // A tuple or object takes two levels of JSON for one of its type.
    check_depth(json, 2 * MAX_DEPTH)?;
    Type::from_json(&to_serde(json)).map_err(|error| error.to_string())
}

/// Reads a value of a type, converting as Terraform does: `"true"` is a bool, and null is of every type.
///
/// # Errors
///
/// Says where the JSON is not of the type.
pub fn decode(json: &Json, ty: &Type) -> Result<Value, DecodeError> {
    check_depth(json, MAX_DEPTH).map_err(DecodeError::new)?;
    decode_value(json, ty)
}

/// Reads JSON for which nothing says a type: arrays become tuples and objects stay objects.
pub(crate) fn decode_untyped(json: &Json) -> Result<Value, DecodeError> {
    check_depth(json, MAX_DEPTH).map_err(DecodeError::new)?;
    Ok(untyped(json))
}

fn check_depth(json: &Json, bound: usize) -> Result<(), String> {
    match json.nesting() {
        depth if depth > bound => Err(format!("nested {depth} levels deep, where at most {bound} are read")),
        _ => Ok(()),
    }
}

fn to_serde(json: &Json) -> serde_json::Value {
    match json {
        Json::Null => serde_json::Value::Null,
        Json::Bool(value) => (*value).into(),
        Json::Number(text) | Json::String(text) => text.as_str().into(),
        Json::Array(elements) => elements.iter().map(to_serde).collect(),
        Json::Object(members) => members.iter().map(|(key, value)| (key.clone(), to_serde(value))).collect(),
    }
}

fn untyped(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(text) => text.parse().map_or_else(|_| Value::String(text.clone()), Value::Number),
        Json::String(text) => Value::String(normalize(text)),
        Json::Array(elements) => Value::Tuple(elements.iter().map(untyped).collect()),
        Json::Object(members) => {
            Value::Object(members.iter().map(|(key, value)| (normalize(key), untyped(value))).collect())
        }
    }
}

fn decode_value(json: &Json, ty: &Type) -> Result<Value, DecodeError> {
    if *json == Json::Null {
        return Ok(Value::Null);
    }
    match ty {
        Type::String => decode_string(json),
        Type::Number => decode_number(json),
        Type::Bool => decode_bool(json),
        Type::Dynamic => decode_dynamic(json),
        Type::List(element) => Ok(Value::List(decode_elements(json, element, "a list")?)),
        Type::Set(element) => {
            let elements = decode_elements(json, element, "a set")?;
            Ok(Value::Set(if is_primitive(element) { sorted(elements) } else { distinct(elements) }))
        }
        Type::Map(element) => decode_map(json, element),
        Type::Tuple(types) => decode_tuple(json, types),
        Type::Object { attributes, .. } => decode_object(json, attributes),
    }
}

fn is_primitive(ty: &Type) -> bool {
    matches!(ty, Type::String | Type::Number | Type::Bool)
}

/// Orders elements as Terraform does, null last, each once.
fn sorted(mut elements: Vec<Value>) -> Vec<Value> {
    elements.sort_by(|a, b| (*a == Value::Null, a).cmp(&(*b == Value::Null, b)));
    elements.dedup();
    elements
}

/// Keeps the first of equal elements. Terraform orders objects and collections by rules of its own, so the order in
/// which it wrote them stays.
fn distinct(mut elements: Vec<Value>) -> Vec<Value> {
    let mut seen = BTreeSet::new();
    elements.retain(|element| seen.insert(element.clone()));
    elements
}

fn normalize(text: &str) -> String {
    if is_nfc_quick(text.chars()) == IsNormalized::Yes { text.to_owned() } else { text.nfc().collect() }
}

fn decode_string(json: &Json) -> Result<Value, DecodeError> {
    match json {
        Json::String(text) => Ok(Value::String(normalize(text))),
        Json::Number(text) => Ok(Value::String(text.clone())),
        Json::Bool(value) => Ok(Value::String(value.to_string())),
        other => Err(DecodeError::expected("string", other)),
    }
}

fn decode_number(json: &Json) -> Result<Value, DecodeError> {
    match json {
        Json::Number(text) | Json::String(text) => match text.parse::<Number>() {
            Ok(number) => Ok(Value::Number(number)),
            Err(_) if matches!(json, Json::String(_)) => {
                Err(DecodeError::new("a number is required, found a string that is no decimal number"))
            }
            Err(_) => Err(DecodeError::new("a number is required, found one whose exponent is out of range")),
        },
        other => Err(DecodeError::expected("number", other)),
    }
}

fn decode_bool(json: &Json) -> Result<Value, DecodeError> {
    match json {
        Json::Bool(value) => Ok(Value::Bool(*value)),
        Json::String(text) => match text.as_str() {
            "true" | "1" => Ok(Value::Bool(true)),
            "false" | "0" => Ok(Value::Bool(false)),
            _ => Err(DecodeError::new("bool is required, found a string that is neither true nor false")),
        },
        other => Err(DecodeError::expected("bool", other)),
    }
}

/// Reads `{"value": …, "type": …}`.
fn decode_dynamic(json: &Json) -> Result<Value, DecodeError> {
    let wrapper = "an object with exactly `value` and `type` is required for a value of dynamic type";
    let Json::Object(members) = json else {
        return Err(DecodeError::new(format!("{wrapper}, found {}", json.kind())));
    };
    let member = |name: &str| members.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value);
    let (Some(value), Some(ty)) = (member("value"), member("type")) else {
        return Err(DecodeError::new(wrapper));
    };
    if members.iter().any(|(key, _)| key != "value" && key != "type") {
        return Err(DecodeError::new(wrapper));
    }
    let ty = decode_type(ty).map_err(|error| DecodeError::new(format!("invalid dynamic type: {error}")))?;
    decode_value(value, &ty)
}

fn decode_elements(json: &Json, ty: &Type, what: &str) -> Result<Vec<Value>, DecodeError> {
    let Some(elements) = json.as_array() else { return Err(DecodeError::expected(what, json)) };
    if *ty == Type::Dynamic {
        check_one_type(elements)?;
    }
    elements
        .iter()
        .enumerate()
        .map(|(idx, element)| decode_value(element, ty).map_err(|e| e.inside(|path| path.under_index(idx))))
        .collect()
}

/// Refuses elements of several dynamic types, which no list, set, or map can hold.
fn check_one_type<'a>(elements: impl IntoIterator<Item = &'a Json>) -> Result<(), DecodeError> {
    let mut first: Option<Type> = None;
    for ty in elements.into_iter().filter_map(|element| element.get("type")) {
        let Ok(ty) = decode_type(ty) else { continue };
        match &first {
            Some(first) if *first != ty => {
                return Err(DecodeError::new(format!(
                    "all elements must have the same type, found {first} and {ty}"
                )));
            }
            _ => first = Some(ty),
        }
    }
    Ok(())
}

fn decode_tuple(json: &Json, types: &[Type]) -> Result<Value, DecodeError> {
    let Some(elements) = json.as_array() else { return Err(DecodeError::expected("a tuple", json)) };
    if elements.len() != types.len() {
        let (found, bound) = (elements.len(), types.len());
        return Err(DecodeError::new(format!("a tuple of {bound} elements is required, found {found}")));
    }
    let values = elements.iter().zip(types).enumerate().map(|(idx, (element, ty))| {
        decode_value(element, ty).map_err(|error| error.inside(|path| path.under_index(idx)))
    });
    Ok(Value::Tuple(values.collect::<Result<_, _>>()?))
}

fn decode_map(json: &Json, ty: &Type) -> Result<Value, DecodeError> {
    let Some(members) = json.as_object() else { return Err(DecodeError::expected("a map", json)) };
    if *ty == Type::Dynamic {
        check_one_type(members.iter().map(|(_, value)| value))?;
    }
    let values = members.iter().map(|(key, value)| {
        let value = decode_value(value, ty).map_err(|error| error.inside(|path| path.under_name(key)))?;
        Ok((normalize(key), value))
    });
    Ok(Value::Map(values.collect::<Result<_, _>>()?))
}

fn decode_object(json: &Json, types: &BTreeMap<String, Type>) -> Result<Value, DecodeError> {
    let Some(members) = json.as_object() else { return Err(DecodeError::expected("an object", json)) };
    let mut values: BTreeMap<String, Value> =
        types.keys().map(|name| (normalize(name), Value::Null)).collect();
    for (name, value) in members {
        let Some(ty) = types.get(name) else {
            return Err(DecodeError::new(format!("unsupported attribute {name:?}")));
        };
        let value = decode_value(value, ty).map_err(|error| error.inside(|path| path.under_name(name)))?;
        values.insert(normalize(name), value);
    }
    Ok(Value::Object(values))
}
