//! One resource as the text of a state has it, and the rules that it must follow.

use std::ops::Range;

use super::whole::{Instance, InstanceKey, Mode, Resource};
use crate::decode;
use crate::json::{self, Event, Events, Json, SyntaxError};
use crate::value::Value;

/// What a resource says, before any rule is applied. Attributes are only known by their place.
#[derive(Default)]
pub(super) struct Raw {
    module: Json,
    mode: Json,
    ty: Json,
    name: Json,
    provider: Json,
    instances: Vec<RawInstance>,
}

#[derive(Default)]
struct RawInstance {
    index_key: Json,
    status: Json,
    deposed: Json,
    schema_version: Json,
    sensitive_attributes: Json,
    dependencies: Json,
    attributes: Option<Range<usize>>,
    /// The attributes of a provider before Terraform 0.12.
    flat: Option<Range<usize>>,
}

/// What of a resource is looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// What the rules are about.
    #[cfg_attr(not(feature = "s3"), expect(dead_code, reason = "only readers of S3 check without keeping"))]
    Head,
    /// Everything.
    All,
}

/// Reads a resource whose `{` was just read. Names match as in Go, the last of a name wins.
pub(super) fn scan(events: &mut Events<'_>, text: &[u8], keep: Keep) -> Result<Raw, SyntaxError> {
    let mut raw = Raw::default();
    members(events, text, |name, events| {
        let field = match name {
            "module" => &mut raw.module,
            "mode" => &mut raw.mode,
            "type" => &mut raw.ty,
            "name" => &mut raw.name,
            "provider" => &mut raw.provider,
            "instances" => {
                raw.instances = instances(events, text, keep)?;
                return Ok(());
            }
            _ => return events.skip_value().map(drop),
        };
        *field = value(events, text)?;
        Ok(())
    })?;
    Ok(raw)
}

fn instances(events: &mut Events<'_>, text: &[u8], keep: Keep) -> Result<Vec<RawInstance>, SyntaxError> {
    let mut instances = Vec::new();
    let depth = events.depth();
    if events.next()? != Some(Event::BeginArray) {
        events.close(depth)?;
        return Ok(instances);
    }
    while events.depth() > depth {
        match events.next()? {
            Some(Event::BeginObject) => instances.push(instance(events, text, keep)?),
            Some(Event::EndArray) => break,
            _ => {
                events.close(depth + 1)?;
                instances.push(RawInstance::default());
            }
        }
    }
    Ok(instances)
}

fn instance(events: &mut Events<'_>, text: &[u8], keep: Keep) -> Result<RawInstance, SyntaxError> {
    let mut raw = RawInstance::default();
    members(events, text, |name, events| {
        let field = match name {
            "index_key" => &mut raw.index_key,
            "status" => &mut raw.status,
            "deposed" => &mut raw.deposed,
            "schema_version" => &mut raw.schema_version,
            "sensitive_attributes" => &mut raw.sensitive_attributes,
            "dependencies" | "depends_on" if keep == Keep::All => &mut raw.dependencies,
            "attributes" => {
                raw.attributes = Some(events.skip_value()?);
                return Ok(());
            }
            "attributes_flat" => {
                raw.flat = Some(events.skip_value()?);
                return Ok(());
            }
            _ => return events.skip_value().map(drop),
        };
        *field = value(events, text)?;
        Ok(())
    })?;
    Ok(raw)
}

/// Calls a function for each member of the object that was just begun, until it ends.
fn members<'a>(
    events: &mut Events<'a>,
    text: &[u8],
    mut read: impl FnMut(&str, &mut Events<'a>) -> Result<(), SyntaxError>,
) -> Result<(), SyntaxError> {
    while let Some(Event::Key(place)) = events.next()? {
        let raw = &text[place];
        match std::str::from_utf8(raw) {
            // As nearly all names are.
            Ok(name) if name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') => {
                read(name, events)?
            }
            _ => read(&json::unescape(raw).to_ascii_lowercase(), events)?,
        }
    }
    Ok(())
}

fn value(events: &mut Events<'_>, text: &[u8]) -> Result<Json, SyntaxError> {
    let place = events.skip_value()?;
    match &text[place] {
        b"[]" => Ok(Json::Array(Vec::new())),
        value => Json::parse(value),
    }
}

impl Raw {
    /// Applies Terraform's rules; `text` is what the resource was read from, for the attributes.
    pub(super) fn resource(&self, text: &[u8]) -> Result<Resource, String> {
        let mut resource = self.head()?;
        let address = resource.address();
        for raw in &self.instances {
            let mut instance = raw.instance(&address).map_err(|reason| format!("{address}: {reason}"))?;
            let attributes = raw.attributes.as_ref().filter(|place| &text[(*place).clone()] != b"null");
            if let Some(place) = attributes.or(raw.flat.as_ref()) {
                instance.attributes = attributes_of(&text[place.clone()])
                    .map_err(|reason| format!("{}: {reason}", instance.address))?;
            }
            add(&mut resource, instance)?;
        }
        Ok(resource)
    }

    /// Applies the rules and keeps nothing.
    pub(super) fn check(&self) -> Result<(), String> {
        let mut resource = self.head()?;
        let address = resource.address();
        for raw in &self.instances {
            let instance = raw.instance(&address).map_err(|reason| format!("{address}: {reason}"))?;
            add(&mut resource, instance)?;
        }
        Ok(())
    }

    fn head(&self) -> Result<Resource, String> {
        let mode = match required(&self.mode, "mode")? {
            "managed" => Mode::Managed,
            "data" => Mode::Data,
            other => return Err(format!("unknown mode {other:?}")),
        };
        let module = optional(&self.module, "module")?;
        if let Some(module) = module.as_ref().filter(|module| !is_module_address(module)) {
            return Err(format!("{module:?} is no address of a module, such as \"module.network\""));
        }
        Ok(Resource {
            module,
            mode,
            ty: required(&self.ty, "type")?.to_owned(),
            name: required(&self.name, "name")?.to_owned(),
            provider: optional(&self.provider, "provider")?.unwrap_or_default(),
            instances: Vec::new(),
        })
    }
}

fn add(resource: &mut Resource, instance: Instance) -> Result<(), String> {
    let is_same = |other: &Instance| (&other.key, &other.deposed) == (&instance.key, &instance.deposed);
    if resource.instances.iter().any(is_same) {
        return Err(format!("{}: it occurs twice", instance.address));
    }
    resource.instances.push(instance);
    Ok(())
}

impl RawInstance {
    fn instance(&self, resource: &str) -> Result<Instance, String> {
        let key = match &self.index_key {
            Json::Null => None,
            Json::String(name) => Some(InstanceKey::Name(name.clone())),
            Json::Number(idx) => Some(InstanceKey::Index(
                idx.parse().map_err(|_| "`index_key` must be a whole number".to_owned())?,
            )),
            other => {
                return Err(format!("`index_key` must be a string or number, found {}", other.kind()));
            }
        };
        let tainted = match optional(&self.status, "status")?.as_deref() {
            None => false,
            Some("tainted") => true,
            Some(other) => return Err(format!("unknown status {other:?}")),
        };
        let deposed = optional(&self.deposed, "deposed")?;
        if deposed.as_ref().is_some_and(|key| key.len() != 8) {
            return Err("`deposed` must have 8 characters".to_owned());
        }
        check_paths(&self.sensitive_attributes)?;
        let schema_version = match &self.schema_version {
            Json::Number(version) => {
                version.parse().map_err(|_| "`schema_version` must be a whole number")?
            }
            _ => 0,
        };
        let dependencies = self.dependencies.as_array().unwrap_or_default();
        Ok(Instance {
            address: format!("{resource}{}", key.as_ref().map(InstanceKey::to_string).unwrap_or_default()),
            key,
            tainted,
            deposed,
            schema_version,
            attributes: Value::Null,
            dependencies: dependencies
                .iter()
                .filter_map(|address| address.as_str().map(str::to_owned))
                .collect(),
        })
    }
}

fn attributes_of(text: &[u8]) -> Result<Value, String> {
    let json = Json::parse(text).map_err(|_| "the attributes are not JSON".to_owned())?;
    decode::decode_untyped(&json).map_err(|error| error.reason)
}

fn required<'a>(json: &'a Json, name: &str) -> Result<&'a str, String> {
    json.as_str().ok_or_else(|| format!("`{name}` must be a string"))
}

fn optional(json: &Json, name: &str) -> Result<Option<String>, String> {
    match json {
        Json::Null => Ok(None),
        Json::String(text) if text.is_empty() => Ok(None),
        Json::String(text) => Ok(Some(text.clone())),
        other => Err(format!("`{name}` must be a string, found {}", other.kind())),
    }
}

/// Checks the paths of sensitive attributes: lists of `{"type": "get_attr"|"index", "value": …}`.
fn check_paths(json: &Json) -> Result<(), String> {
    let wrong = |what: &str| Err(format!("`sensitive_attributes`: {what}"));
    let paths = match json {
        Json::Null => return Ok(()),
        Json::Array(paths) => paths,
        other => return wrong(&format!("an array of paths is required, found {}", other.kind())),
    };
    for path in paths {
        let Some(steps) = path.as_array() else { return wrong("a path is an array of steps") };
        for step in steps {
            match (step.get("type").and_then(Json::as_str), step.member("value")) {
                (Some("get_attr"), Some(Json::String(_))) => {}
                (Some("index"), Some(key)) => {
                    let ty = key.get("type").map(decode::decode_type);
                    let (Some(Ok(ty)), Some(key)) = (ty, key.member("value")) else {
                        return wrong("an index is an object with `type` and `value`");
                    };
                    if decode::decode(key, &ty).is_err() {
                        return wrong("the value of an index is not of its type");
                    }
                }
                _ => return wrong("a step has the type `get_attr` and a name, or `index` and a key"),
            }
        }
    }
    Ok(())
}

/// Returns what is wrong with the results of checks. Kinds of objects that are not known are passed over.
pub(super) fn check_results(json: &Json) -> Vec<String> {
    let mut problems = Vec::new();
    for (idx, result) in json.as_array().unwrap_or_default().iter().enumerate() {
        let prefix = match result.get("object_kind").and_then(Json::as_str) {
            Some("resource") => "",
            Some("output") => "output.",
            Some("check") => "check.",
            Some("var") => "var.",
            _ => continue,
        };
        let address = result.get("config_addr").and_then(Json::as_str).unwrap_or_default();
        if !is_check_address(address, prefix) {
            problems.push(format!("check result {idx}: {address:?} is no address of its kind"));
        }
    }
    problems
}

fn is_check_address(address: &str, prefix: &str) -> bool {
    let mut rest = address;
    while let Some(after) = rest.strip_prefix("module.") {
        let Some((name, after)) = after.split_once('.') else { return false };
        if !is_name(name) {
            return false;
        }
        rest = after;
    }
    match prefix {
        "" => {
            let resource = rest.strip_prefix("data.").unwrap_or(rest);
            resource.split_once('.').is_some_and(|(ty, name)| is_name(ty) && is_name(name))
        }
        prefix => rest.strip_prefix(prefix).is_some_and(is_name),
    }
}

/// Tells whether a text is the address of a module instance, such as `module.a["x"].module.b[0]`.
fn is_module_address(text: &str) -> bool {
    let mut rest = text;
    loop {
        let Some(after) = rest.strip_prefix("module.") else { return false };
        let end = after.find(['.', '[']).unwrap_or(after.len());
        if !is_name(&after[..end]) {
            return false;
        }
        rest = &after[end..];
        if let Some(key) = rest.strip_prefix('[') {
            let Some(after) = after_key(key) else { return false };
            rest = after;
        }
        match rest.strip_prefix('.') {
            Some(after) => rest = after,
            None => return rest.is_empty(),
        }
    }
}

/// Returns what follows an instance key and its closing bracket.
fn after_key(text: &str) -> Option<&str> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (idx, after) = text.split_once(']')?;
        return idx.parse::<u64>().ok().map(|_| after);
    };
    let mut escaped = false;
    let end = quoted.find(|char| {
        let ends = char == '"' && !escaped;
        escaped = char == '\\' && !escaped;
        ends
    })?;
    quoted[end + 1..].strip_prefix(']')
}

fn is_name(text: &str) -> bool {
    text.starts_with(|char: char| char.is_alphabetic() || char == '_')
        && text.chars().all(|char| char.is_alphanumeric() || "_-".contains(char))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_have_addresses() {
        for text in ["module.a", "module.a[0]", r#"module.a["x.\"]y"].module.b-2"#, "module.été"] {
            assert!(is_module_address(text), "{text}");
        }
        for text in ["a", "module.", "module.a.", "module.a[", "module.a[x]", "module.a[0]b", "module.1"] {
            assert!(!is_module_address(text), "{text}");
        }
    }

    #[test]
    fn results_of_checks_name_what_they_check() {
        let json = |kind: &str, address: &str| {
            Json::parse(format!(r#"[{{"object_kind":"{kind}","config_addr":"{address}"}}]"#).as_bytes())
                .unwrap()
        };
        for (kind, address) in [
            ("resource", "module.m.data.aws_ami.x"),
            ("output", "output.a"),
            ("check", "module.m.check.c"),
            ("var", "var.v"),
            ("odd", "?"),
        ] {
            assert_eq!(check_results(&json(kind, address)).len(), 0, "{address}");
        }
        for (kind, address) in
            [("resource", "aws_vpc"), ("output", "a"), ("check", "module.m"), ("var", "var.")]
        {
            assert_eq!(check_results(&json(kind, address)).len(), 1, "{address}");
        }
    }
}
