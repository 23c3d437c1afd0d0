//! One resource as the text of a state has it, and the rules that it must follow.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::flat;
use super::whole::{self, Instance, InstanceKey, Mode, Resource};
use crate::decode::{self, DecodeError};
use crate::json::{self, Event, Events, Json, SyntaxError};
use crate::value::Value;

/// What a resource says, before any rule is applied.
#[derive(Default)]
pub(super) struct Raw<'a> {
    module: Field<'a>,
    mode: Field<'a>,
    ty: Field<'a>,
    name: Field<'a>,
    provider: Field<'a>,
    instances: Vec<RawInstance<'a>>,
}

#[derive(Default)]
struct RawInstance<'a> {
    index_key: Field<'a>,
    status: Field<'a>,
    deposed: Field<'a>,
    schema_version: Field<'a>,
    sensitive_attributes: Field<'a>,
    dependencies: Field<'a>,
    attributes: Field<'a>,
    /// The attributes of a provider before Terraform 0.12.
    flat: Field<'a>,
}

/// The text of a member's value; that of null where there is no such member.
///
/// - Its syntax is right.
#[derive(Clone, Copy)]
struct Field<'a>(&'a [u8]);

/// A resource that follows the rules.
struct Checked<'a> {
    module: Option<Cow<'a, str>>,
    mode: Mode,
    ty: Cow<'a, str>,
    name: Cow<'a, str>,
    /// The text between its quotes.
    provider: &'a [u8],
    instances: Vec<CheckedInstance<'a>>,
}

struct CheckedInstance<'a> {
    key: Option<InstanceKey>,
    tainted: bool,
    deposed: Option<Cow<'a, str>>,
    schema_version: u64,
}

/// Reads a resource whose `{` was just read. Names match as in Go, the last of a name wins.
pub(super) fn scan<'a>(events: &mut Events<'a>) -> Result<Raw<'a>, SyntaxError> {
    let mut raw = Raw::default();
    members(events, |name, events| {
        let field = match name {
            b"module" => &mut raw.module,
            b"mode" => &mut raw.mode,
            b"type" => &mut raw.ty,
            b"name" => &mut raw.name,
            b"provider" => &mut raw.provider,
            b"instances" => {
                raw.instances = instances(events)?;
                return Ok(());
            }
            _ => return events.skip_value().map(drop),
        };
        *field = Field(events.value_text()?);
        Ok(())
    })?;
    Ok(raw)
}

fn instances<'a>(events: &mut Events<'a>) -> Result<Vec<RawInstance<'a>>, SyntaxError> {
    let mut instances = Vec::new();
    let depth = events.depth();
    if events.next()? != Some(Event::BeginArray) {
        events.close(depth)?;
        return Ok(instances);
    }
    while events.depth() > depth {
        match events.next()? {
            Some(Event::BeginObject) => instances.push(instance(events)?),
            Some(Event::EndArray) => break,
            _ => {
                events.close(depth + 1)?;
                instances.push(RawInstance::default());
            }
        }
    }
    Ok(instances)
}

fn instance<'a>(events: &mut Events<'a>) -> Result<RawInstance<'a>, SyntaxError> {
    let mut raw = RawInstance::default();
    members(events, |name, events| {
        let field = match name {
            b"index_key" => &mut raw.index_key,
            b"status" => &mut raw.status,
            b"deposed" => &mut raw.deposed,
            b"schema_version" => &mut raw.schema_version,
            b"sensitive_attributes" => &mut raw.sensitive_attributes,
            b"dependencies" | b"depends_on" => &mut raw.dependencies,
            b"attributes" => &mut raw.attributes,
            b"attributes_flat" => &mut raw.flat,
            _ => return events.skip_value().map(drop),
        };
        *field = Field(events.value_text()?);
        Ok(())
    })?;
    Ok(raw)
}

/// Calls a function for each member of the object that was just begun, until it ends.
fn members<'a>(
    events: &mut Events<'a>,
    mut read: impl FnMut(&[u8], &mut Events<'a>) -> Result<(), SyntaxError>,
) -> Result<(), SyntaxError> {
    while let Some(name) = events.next_key()? {
        // As nearly all names are.
        if name.iter().all(|byte| byte.is_ascii_lowercase() || *byte == b'_') {
            read(name, events)?;
        } else {
            read(json::unescape(name).to_ascii_lowercase().as_bytes(), events)?;
        }
    }
    Ok(())
}

impl<'a> Raw<'a> {
    /// Applies Terraform's rules.
    pub(super) fn resource(&self) -> Result<Resource, String> {
        let checked = self.checked()?;
        let address = checked.address();
        let instances = self.instances.iter().zip(checked.instances);
        Ok(Resource {
            instances: instances
                .map(|(raw, checked)| raw.instance(checked, &address))
                .collect::<Result<_, _>>()?,
            module: checked.module.map(Cow::into_owned),
            mode: checked.mode,
            ty: checked.ty.into_owned(),
            name: checked.name.into_owned(),
            provider: json::unescape(checked.provider).into_owned(),
        })
    }

    /// Applies the rules and keeps nothing.
    pub(super) fn check(&self) -> Result<(), String> {
        self.checked().map(drop)
    }

    fn checked(&self) -> Result<Checked<'a>, String> {
        let mode = match &*self.mode.required("mode")? {
            "managed" => Mode::Managed,
            "data" => Mode::Data,
            other => return Err(format!("unknown mode {other:?}")),
        };
        let module = self.module.optional("module")?;
        if let Some(module) = module.as_ref().filter(|module| !is_module_address(module)) {
            return Err(format!("{module:?} is no address of a module, such as \"module.network\""));
        }
        let mut checked = Checked {
            module,
            mode,
            ty: self.ty.required("type")?,
            name: self.name.required("name")?,
            provider: self.provider.optional_raw("provider")?,
            instances: Vec::with_capacity(self.instances.len()),
        };
        for raw in &self.instances {
            let instance = raw.checked().map_err(|reason| format!("{}: {reason}", checked.address()))?;
            checked.instances.push(instance);
        }
        match checked.twice() {
            Some(twice) => Err(format!("{}{}: it occurs twice", checked.address(), twice.suffix())),
            None => Ok(checked),
        }
    }
}

impl<'a> Checked<'a> {
    fn address(&self) -> String {
        whole::address(self.module.as_deref(), self.mode, &self.ty, &self.name)
    }

    /// Returns an instance that stands where another does.
    fn twice(&self) -> Option<&CheckedInstance<'a>> {
        let mut seen = BTreeSet::new();
        self.instances.iter().find(|instance| !seen.insert((&instance.key, &instance.deposed)))
    }
}

impl CheckedInstance<'_> {
    /// Returns what the address of the instance has after that of its resource.
    fn suffix(&self) -> String {
        self.key.as_ref().map(InstanceKey::to_string).unwrap_or_default()
    }
}

impl<'a> RawInstance<'a> {
    fn checked(&self) -> Result<CheckedInstance<'a>, String> {
        let key = self.key()?;
        let tainted = match self.status.optional("status")?.as_deref() {
            None => false,
            Some("tainted") => true,
            Some(other) => return Err(format!("unknown status {other:?}")),
        };
        let deposed = self.deposed.optional("deposed")?;
        if deposed.as_ref().is_some_and(|key| key.len() != 8) {
            return Err("`deposed` must have 8 characters".to_owned());
        }
        if !matches!(self.sensitive_attributes.0, b"[]" | b"null") {
            check_paths(&self.sensitive_attributes.json())?;
        }
        let schema_version = match self.schema_version.number() {
            Some(version) => version.parse().map_err(|_| "`schema_version` must be a whole number")?,
            None => 0,
        };
        Ok(CheckedInstance { key, tainted, deposed, schema_version })
    }

    fn key(&self) -> Result<Option<InstanceKey>, String> {
        let key = &self.index_key;
        match (key.string(), key.number()) {
            (Some(name), _) => Ok(Some(InstanceKey::Name(name.into_owned()))),
            (None, Some(idx)) => match idx.parse() {
                Ok(idx) => Ok(Some(InstanceKey::Index(idx))),
                Err(_) => Err("`index_key` must be a whole number".to_owned()),
            },
            _ if key.is_null() => Ok(None),
            _ => Err(format!("`index_key` must be a string or number, found {}", key.json().kind())),
        }
    }

    fn instance(&self, checked: CheckedInstance<'_>, resource: &str) -> Result<Instance, String> {
        let address = format!("{resource}{}", checked.suffix());
        let is_flat = self.attributes.is_null() && !self.flat.is_null();
        let attributes = match is_flat {
            true => Ok(flat::attributes(&self.flat.json())),
            false => attributes(&self.attributes.json()),
        };
        let dependencies = self.dependencies.json();
        let dependencies = dependencies.as_array().unwrap_or_default().iter();
        Ok(Instance {
            attributes: attributes.map_err(|error| format!("{address}: {}", error.reason))?,
            address,
            key: checked.key,
            tainted: checked.tainted,
            deposed: checked.deposed.map(Cow::into_owned),
            schema_version: checked.schema_version,
            dependencies: dependencies.filter_map(|address| address.as_str().map(str::to_owned)).collect(),
            is_flat,
        })
    }
}

/// Reads attributes, of which no types are known; one of dynamic type stands with its type, and loses it here.
fn attributes(json: &Json) -> Result<Value, DecodeError> {
    let mut attributes = decode::decode_untyped(json)?;
    if let Value::Object(values) = &mut attributes {
        for (name, json) in json.as_object().unwrap_or_default() {
            if let (Some(unwrapped), Some(value)) = (dynamic(json), values.get_mut(name)) {
                *value = unwrapped;
            }
        }
    }
    Ok(attributes)
}

/// Returns the value in `{"value": …, "type": …}`, if it is of that type.
fn dynamic(json: &Json) -> Option<Value> {
    let members = json.as_object().filter(|members| members.len() == 2)?;
    let member = |name: &str| members.iter().find(|(other, _)| other == name).map(|(_, value)| value);
    let ty = decode::decode_type(member("type")?).ok()?;
    decode::decode(member("value")?, &ty).ok()
}

impl Default for Field<'_> {
    fn default() -> Self {
        Field(b"null")
    }
}

impl<'a> Field<'a> {
    fn json(self) -> Json {
        Json::parse(self.0).expect("its syntax is right")
    }

    fn is_null(self) -> bool {
        self.0 == b"null"
    }

    fn number(self) -> Option<&'a str> {
        match self.0.first()? {
            b'-' | b'0'..=b'9' => std::str::from_utf8(self.0).ok(),
            _ => None,
        }
    }

    /// Returns the text between the quotes of a string.
    fn quoted(self) -> Option<&'a [u8]> {
        self.0.strip_prefix(b"\"")?.strip_suffix(b"\"")
    }

    fn string(self) -> Option<Cow<'a, str>> {
        self.quoted().map(json::unescape)
    }

    fn required(self, name: &str) -> Result<Cow<'a, str>, String> {
        self.string().ok_or_else(|| format!("`{name}` must be a string"))
    }

    /// Returns a string that is not empty.
    fn optional(self, name: &str) -> Result<Option<Cow<'a, str>>, String> {
        match self.optional_raw(name)? {
            [] => Ok(None),
            quoted => Ok(Some(json::unescape(quoted))),
        }
    }

    /// Returns the text between the quotes of a string, or nothing for null.
    fn optional_raw(self, name: &str) -> Result<&'a [u8], String> {
        match self.quoted() {
            Some(quoted) => Ok(quoted),
            None if self.is_null() => Ok(b""),
            None => Err(format!("`{name}` must be a string, found {}", self.json().kind())),
        }
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

    /// Applies the rules to a resource with some more members, two instances, and more members in the first of them.
    fn checked(of_resource: &str, of_instance: &str) -> Result<(), String> {
        let text = format!(
            r#"{{"mode":"managed","type":"t","name":"n"{of_resource},"instances":[{{"a":1{of_instance}}},{{"deposed":"00000001"}}]}}"#
        );
        let mut events = Events::new(text.as_bytes());
        events.next().unwrap();
        let raw = scan(&mut events).unwrap();
        raw.resource().map(drop)
    }

    #[test]
    fn resources_follow_the_rules() {
        for (of_resource, of_instance) in [
            (r#","provider":null,"module":"","more":[]"#, r#","index_key":null,"status":null"#),
            (r#","module":"module.m[0]","each":"list""#, r#","index_key":0,"schema_version":1"#),
            (r#","provider":"provider[\"p\"]""#, r#","index_key":"\u00e9","status":"tainted""#),
            ("", r#","deposed":"00000002","sensitive_attributes":[ ]"#),
            ("", r#","sensitive_attributes":[[{"type":"get_attr","value":"x"}]]"#),
        ] {
            assert_eq!(checked(of_resource, of_instance), Ok(()), "{of_resource} {of_instance}");
        }
        for (of_resource, of_instance, expected) in [
            (r#","mode":"zzz""#, "", r#"unknown mode "zzz""#),
            (r#","Mode":null"#, "", "`mode` must be a string"),
            (r#","type":7"#, "", "`type` must be a string"),
            (r#","n\u0061me":[]"#, "", "`name` must be a string"),
            (r#","module":"m""#, "", r#""m" is no address of a module, such as "module.network""#),
            (r#","provider":{}"#, "", "`provider` must be a string, found object"),
            ("", r#","index_key":true"#, "t.n: `index_key` must be a string or number, found bool"),
            ("", r#","index_key":-1"#, "t.n: `index_key` must be a whole number"),
            ("", r#","schema_version":1.5"#, "t.n: `schema_version` must be a whole number"),
            ("", r#","status":"odd""#, r#"t.n: unknown status "odd""#),
            ("", r#","deposed":"1""#, "t.n: `deposed` must have 8 characters"),
            ("", r#","deposed":"00000001""#, "t.n: it occurs twice"),
            (
                "",
                r#","sensitive_attributes":[7]"#,
                "t.n: `sensitive_attributes`: a path is an array of steps",
            ),
        ] {
            let error = checked(of_resource, of_instance).unwrap_err();
            assert_eq!(error, expected, "{of_resource} {of_instance}");
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
