//! Outputs of the formats 1 to 3, which Terraform before 0.12 wrote.
//!
//! They say no types that Terraform still trusts, so types are implied from the values: a non-empty array whose
//! elements have one type is a list, else a tuple; likewise objects become maps.

use crate::cty::Type;

use super::{Outputs, header};
use crate::decode;
use crate::error::Error;
use crate::json::{Json, Members};
use crate::value::{Output, Value};

pub(super) fn outputs(text: &[u8], members: &Members, format_version: u64) -> Result<Outputs, Error> {
    let mut outputs = Outputs::new();
    for modules in header::values(text, members, "modules")? {
        if modules == Json::Null {
            continue;
        }
        let Some(modules) = modules.as_array() else {
            return Err(header::wrong_kind("modules", "an array", &modules));
        };
        for module in modules.iter().filter(|module| is_root(module, format_version)) {
            let found = module.get("outputs").and_then(Json::as_object).unwrap_or_default();
            outputs
                .extend(found.iter().map(|(name, json)| (name.clone(), output(name, json, format_version))));
        }
    }
    Ok(outputs)
}

/// Returns the members of an object as outputs whose types nobody declared.
pub(super) fn untyped_outputs(json: &Json) -> Result<Outputs, String> {
    let members = json.as_object().ok_or_else(|| format!("an object is required, found {}", json.kind()))?;
    let output = |(name, value): &(String, Json)| {
        let value = decode::decode_untyped(value).map_err(|error| format!("`{name}`: {}", error.reason))?;
        let ty = implied_type(&value);
        Ok((name.clone(), Ok(Output { value, ty, sensitive: false, deprecated: None })))
    };
    members.iter().map(output).collect()
}

fn is_root(module: &Json, format_version: u64) -> bool {
    match module.get("path").and_then(Json::as_array) {
        Some([only]) => only.as_str() == Some("root"),
        Some([]) | None => format_version == 1,
        Some(_) => false,
    }
}

fn output(name: &str, json: &Json, format_version: u64) -> Result<Output, String> {
    let (value, sensitive) = match format_version {
        1 => (Some(json), false),
        _ => (json.member("value"), json.get("sensitive") == Some(&Json::Bool(true))),
    };
    let value = value.ok_or_else(|| format!("output {name:?}: it has no value"))?;
    let untyped = decode::decode_untyped(value)
        .map_err(|error| format!("output {name:?}: {}{}", error.reason, error.path))?;
    let ty = simplify(&implied_type(&untyped));
    let value = decode::decode(value, &ty)
        .map_err(|error| format!("output {name:?}: {}{}", error.reason, error.path))?;
    Ok(Output { value, ty, sensitive, deprecated: None })
}

fn implied_type(value: &Value) -> Type {
    match value {
        Value::Null => Type::Dynamic,
        Value::Bool(_) => Type::Bool,
        Value::Number(_) => Type::Number,
        Value::String(_) => Type::String,
        Value::List(elements) | Value::Set(elements) | Value::Tuple(elements) => {
            Type::Tuple(elements.iter().map(implied_type).collect())
        }
        Value::Map(members) | Value::Object(members) => {
            Type::object(members.iter().map(|(name, value)| (name.clone(), implied_type(value))))
        }
    }
}

/// Turns tuples and objects of one type into lists and maps. Types are compared before the inner ones are simplified,
/// so that `[["a"],["b","c"]]` stays a tuple.
fn simplify(ty: &Type) -> Type {
    match ty {
        Type::Tuple(types) => match types.split_first() {
            Some((first, rest)) if rest.iter().all(|other| other == first) => Type::list(simplify(first)),
            _ => Type::Tuple(types.iter().map(simplify).collect()),
        },
        Type::Object { attributes, .. } => {
            let mut types = attributes.values();
            match types.next() {
                Some(first) if types.all(|other| other == first) => Type::map(simplify(first)),
                _ => Type::object(attributes.iter().map(|(name, ty)| (name.clone(), simplify(ty)))),
            }
        }
        other => other.clone(),
    }
}
