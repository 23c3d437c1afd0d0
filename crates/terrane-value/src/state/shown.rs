//! What `terraform show -json` prints of a state: outputs and resources with their values as Terraform shows them.

use super::whole::{self, Instance, InstanceKey, Mode, Resource};
use super::{Outputs, header};
use crate::decode;
use crate::error::{Error, ErrorKind};
use crate::json::{Json, Members};

/// Returns whether a text is not a state file but what Terraform shows of one, or of a plan.
pub(super) fn is_shown(members: &Members) -> bool {
    let has = |name: &str| members.iter().any(|(other, _)| other == name);
    has("format_version") && !has("version")
}

/// Refuses plans, and versions of the format that are not known.
pub(super) fn check(text: &[u8], members: &Members) -> Result<(), Error> {
    if members.iter().any(|(name, _)| name == "planned_values" || name == "resource_changes") {
        return Err(Error::new(ErrorKind::Plan).hinting("`terrane prove --plan` reads plans"));
    }
    let versions = header::values(text, members, "format_version")?;
    let version = versions.last().and_then(Json::as_str).unwrap_or_default();
    match version.split('.').next() {
        Some("0" | "1") => Ok(()),
        _ => {
            let reason = format!("{version:?} is not a known version of what `terraform show -json` prints");
            Err(ErrorKind::InvalidField { field: "format_version", reason }.into())
        }
    }
}

/// Returns the root module, and the outputs, as far as there are any.
fn values(text: &[u8], members: &Members) -> Result<Json, Error> {
    let values = header::values(text, members, "values")?.into_iter().next_back().unwrap_or_default();
    match values {
        Json::Object(_) | Json::Null => Ok(values),
        other => Err(header::wrong_kind("values", "an object", &other)),
    }
}

pub(super) fn outputs(text: &[u8], members: &Members) -> Result<Outputs, Error> {
    let values = values(text, members)?;
    let outputs = values.get("outputs").and_then(Json::as_object).unwrap_or_default();
    Ok(outputs.iter().map(|(name, json)| (name.clone(), super::output_or_untyped(name, json))).collect())
}

pub(super) fn resources(text: &[u8], members: &Members) -> Result<Vec<Resource>, Error> {
    let values = values(text, members)?;
    let mut resources: Vec<Resource> = Vec::new();
    let mut problems = Vec::new();
    let mut modules: Vec<&Json> = values.get("root_module").into_iter().collect();
    while let Some(module) = modules.pop() {
        let address = module.get("address").and_then(Json::as_str);
        for json in module.get("resources").and_then(Json::as_array).unwrap_or_default() {
            match resource(address, json) {
                Ok(found) => add(&mut resources, found),
                Err(reason) => {
                    let name = json.get("address").and_then(Json::as_str).unwrap_or("a resource");
                    problems.push(format!("{name}: {reason}"));
                }
            }
        }
        let children = module.get("child_modules").and_then(Json::as_array).unwrap_or_default();
        modules.extend(children.iter().rev());
    }
    if problems.is_empty() { Ok(resources) } else { Err(ErrorKind::InvalidResources { problems }.into()) }
}

/// Puts instances of one block together; Terraform shows them one after another.
fn add(resources: &mut Vec<Resource>, found: Resource) {
    match resources.last_mut() {
        Some(last) if last.address() == found.address() => last.instances.extend(found.instances),
        _ => resources.push(found),
    }
}

fn resource(module: Option<&str>, json: &Json) -> Result<Resource, String> {
    let text = |name: &str| json.get(name).and_then(Json::as_str);
    let required = |name: &str| text(name).ok_or_else(|| format!("`{name}` must be a string"));
    let mode = match required("mode")? {
        "managed" => Mode::Managed,
        "data" => Mode::Data,
        other => return Err(format!("unknown mode {other:?}")),
    };
    let (ty, name) = (required("type")?, required("name")?);
    let key = match json.get("index") {
        None => None,
        Some(Json::String(name)) => Some(InstanceKey::Name(name.clone())),
        Some(Json::Number(idx)) => {
            Some(InstanceKey::Index(idx.parse().map_err(|_| "`index` must be a whole number".to_owned())?))
        }
        Some(other) => return Err(format!("`index` must be a string or number, found {}", other.kind())),
    };
    let suffix = key.as_ref().map(ToString::to_string).unwrap_or_default();
    let none = Json::Null;
    let values = json.get("values").unwrap_or(&none);
    let schema_version = match json.get("schema_version") {
        Some(Json::Number(version)) => version.parse().unwrap_or_default(),
        _ => 0,
    };
    let dependencies = json.get("depends_on").and_then(Json::as_array).unwrap_or_default();
    Ok(Resource {
        module: module.map(str::to_owned),
        mode,
        ty: ty.to_owned(),
        name: name.to_owned(),
        provider: text("provider_name").unwrap_or_default().to_owned(),
        instances: vec![Instance {
            address: format!("{}{suffix}", whole::address(module, mode, ty, name)),
            key,
            tainted: json.get("tainted") == Some(&Json::Bool(true)),
            deposed: text("deposed_key").map(str::to_owned),
            schema_version,
            attributes: decode::decode_untyped(values).map_err(|error| error.reason().to_owned())?,
            dependencies: dependencies.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
            is_flat: false,
        }],
    })
}
