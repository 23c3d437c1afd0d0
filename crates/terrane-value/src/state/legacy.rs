//! The formats 1 to 3, which Terraform before 0.12 wrote.
//!
//! Outputs say no types that Terraform still trusts, so types are implied from the values: a non-empty array whose
//! elements have one type is a list, else a tuple; likewise objects become maps. Attributes of resources are flat text,
//! which [`flat`](super::flat) folds.

use std::collections::BTreeMap;

use super::whole::{self, Instance, InstanceKey, Mode, Resource};
use super::{Outputs, flat, header};
use crate::cty::Type;
use crate::decode;
use crate::error::{Error, ErrorKind};
use crate::json::{Json, Members};
use crate::value::{Output, Value};

pub(super) fn outputs(text: &[u8], members: &Members, format_version: u64) -> Result<Outputs, Error> {
    let mut outputs = Outputs::new();
    for module in modules(text, members)?.iter().filter(|module| is_root(module, format_version)) {
        let found = module.get("outputs").and_then(Json::as_object).unwrap_or_default();
        outputs.extend(found.iter().map(|(name, json)| (name.clone(), output(name, json, format_version))));
    }
    Ok(outputs)
}

fn modules(text: &[u8], members: &Members) -> Result<Vec<Json>, Error> {
    let mut all = Vec::new();
    for modules in header::values(text, members, "modules")? {
        match modules.as_array() {
            Some(modules) => all.extend_from_slice(modules),
            None if modules == Json::Null => {}
            None => return Err(header::wrong_kind("modules", "an array", &modules)),
        }
    }
    Ok(all)
}

/// Returns the resources of all modules, one for each block, in the order of the text.
pub(super) fn resources(text: &[u8], members: &Members) -> Result<Vec<Resource>, Error> {
    let mut resources: Vec<Resource> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut problems = Vec::new();
    for module in modules(text, members)? {
        let path = module.get("path").and_then(Json::as_array).unwrap_or_default();
        let calls: Vec<String> =
            path.iter().skip(1).filter_map(Json::as_str).map(|call| format!("module.{call}")).collect();
        let module_address = Some(calls.join(".")).filter(|address| !address.is_empty());
        for (key, json) in module.get("resources").and_then(Json::as_object).unwrap_or_default() {
            let found = match read_resource(module_address.as_deref(), key, json) {
                Ok(found) => found,
                Err(reason) => {
                    problems.push(format!("resource {key:?}: {reason}"));
                    continue;
                }
            };
            match places.get(&found.address()) {
                Some(place) => resources[*place].instances.extend(found.instances),
                None => {
                    places.insert(found.address(), resources.len());
                    resources.push(found);
                }
            }
        }
    }
    if problems.is_empty() { Ok(resources) } else { Err(ErrorKind::InvalidResources { problems }.into()) }
}

/// Reads `[data.]TYPE.NAME[.INDEX]` and its object.
fn read_resource(module: Option<&str>, key: &str, json: &Json) -> Result<Resource, String> {
    let (mode, rest) = match key.strip_prefix("data.") {
        Some(rest) => (Mode::Data, rest),
        None => (Mode::Managed, key),
    };
    let parts: Vec<&str> = rest.split('.').collect();
    let (ty, name, idx) = match parts.as_slice() {
        [ty, name] => (*ty, *name, None),
        [ty, name, idx] => {
            (*ty, *name, Some(idx.parse::<u64>().map_err(|_| "its index is not a whole number")?))
        }
        _ => return Err("it is not TYPE.NAME or TYPE.NAME.INDEX".to_owned()),
    };
    if json.as_object().is_none() {
        return Err(format!("an object is required, found {}", json.kind()));
    }
    let instance_key = idx.map(InstanceKey::Index);
    let suffix = instance_key.as_ref().map(ToString::to_string).unwrap_or_default();
    let address = format!("{}{suffix}", whole::address(module, mode, ty, name));
    let dependencies = json.get("depends_on").and_then(Json::as_array).unwrap_or_default();
    let dependencies: Vec<String> = dependencies.iter().filter_map(Json::as_str).map(str::to_owned).collect();
    let instance = |object: &Json, deposed: Option<String>| Instance {
        address: address.clone(),
        key: instance_key.clone(),
        tainted: object.get("tainted") == Some(&Json::Bool(true)),
        deposed,
        schema_version: schema_version(object),
        attributes: attributes(object),
        dependencies: dependencies.clone(),
        is_flat: true,
    };
    let mut instances: Vec<Instance> = json
        .get("primary")
        .filter(|object| object.as_object().is_some())
        .map(|object| instance(object, None))
        .into_iter()
        .collect();
    let deposed = json.get("deposed").and_then(Json::as_array).unwrap_or_default();
    // The keys are ours: these formats have none.
    instances
        .extend(deposed.iter().enumerate().map(|(idx, object)| instance(object, Some(format!("{idx:08x}")))));
    Ok(Resource {
        module: module.map(str::to_owned),
        mode,
        ty: ty.to_owned(),
        name: name.to_owned(),
        provider: json.get("provider").and_then(Json::as_str).unwrap_or_default().to_owned(),
        instances,
    })
}

fn schema_version(object: &Json) -> u64 {
    let version = object.get("meta").and_then(|meta| meta.get("schema_version"));
    match version {
        Some(Json::String(text) | Json::Number(text)) => text.parse().unwrap_or_default(),
        _ => 0,
    }
}

/// Returns the attributes of an object, its id among them.
fn attributes(object: &Json) -> Value {
    let mut attributes = flat::attributes(object.get("attributes").unwrap_or(&Json::Null));
    if let (Value::Object(members), Some(id)) = (&mut attributes, object.get("id").and_then(Json::as_str)) {
        members.entry("id".to_owned()).or_insert_with(|| Value::String(id.to_owned()));
    }
    attributes
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

pub(super) fn implied_type(value: &Value) -> Type {
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
