//! A state with its resources.

use std::fmt;
use std::ops::Deref;

use serde::de::DeserializeOwned;

use super::{State, header};
use crate::de::{self, Problem};
use crate::decode;
use crate::error::{Error, ErrorKind};
use crate::json::{Json, Members};
use crate::value::Value;

/// A state with its resources; the outputs are those of the [`State`] it dereferences to.
#[derive(Clone, Debug)]
pub struct WholeState {
    pub(crate) state: State,
    resources: Vec<Resource>,
}

/// Who decides about a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Mode {
    /// Terraform makes and destroys it.
    Managed,
    /// Terraform only reads it.
    Data,
}

/// One resource block and its instances.
#[derive(Clone, Debug)]
pub struct Resource {
    module: Option<String>,
    mode: Mode,
    ty: String,
    name: String,
    provider: String,
    instances: Vec<Instance>,
}

/// The key of an instance under `count` or `for_each`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum InstanceKey {
    /// The number under `count`.
    Index(u64),
    /// The key under `for_each`.
    Name(String),
}

/// One real object of a resource. `Debug` hides its attributes, which may be secret.
#[derive(Clone)]
pub struct Instance {
    address: String,
    key: Option<InstanceKey>,
    tainted: bool,
    deposed: Option<String>,
    schema_version: u64,
    attributes: Value,
    dependencies: Vec<String>,
}

impl WholeState {
    /// Reads the text of a state with its resources, checking all of it.
    ///
    /// # Errors
    ///
    /// Those of [`State::parse`], and [`ErrorKind::InvalidResources`].
    pub fn parse(text: &[u8]) -> Result<WholeState, Error> {
        let members = header::members(text)?;
        let state = State::from_members(text, &members)?;
        let resources = if state.format_version == 4 { resources(text, &members)? } else { Vec::new() };
        Ok(WholeState { state, resources })
    }

    /// Returns all resources, as the state orders them.
    pub fn resources(&self) -> &[Resource] {
        &self.resources
    }

    /// Returns all instances, those that wait for their destruction included.
    pub fn instances(&self) -> impl Iterator<Item = &Instance> {
        self.resources.iter().flat_map(Resource::instances)
    }

    /// Returns the current instance at an address, such as `module.network.aws_subnet.app["a"]`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Address`] if the state has none, with the addresses that come close.
    pub fn instance(&self, address: &str) -> Result<&Instance, Error> {
        let current = || self.instances().filter(|instance| instance.deposed.is_none());
        if let Some(instance) = current().find(|instance| instance.address == address) {
            return Ok(instance);
        }
        let stem = |address: &str| {
            address
                .strip_suffix(']')
                .and_then(|rest| rest.rsplit_once('['))
                .map_or_else(|| address.to_owned(), |(stem, _)| stem.to_owned())
        };
        let near: Vec<&str> =
            current().map(Instance::address).filter(|other| stem(other) == stem(address)).take(10).collect();
        let reason = match near.as_slice() {
            [] => "the state has no such resource".to_owned(),
            near => format!("the state has no such instance; it has {}", near.join(", ")),
        };
        Err(self.state.error(ErrorKind::Address { address: address.to_owned(), reason }))
    }
}

impl Deref for WholeState {
    type Target = State;

    fn deref(&self) -> &State {
        &self.state
    }
}

impl From<WholeState> for State {
    fn from(whole: WholeState) -> State {
        whole.state
    }
}

impl Resource {
    /// Returns the address of the block, such as `module.network.aws_subnet.app`.
    pub fn address(&self) -> String {
        let module = self.module.as_ref().map(|module| format!("{module}.")).unwrap_or_default();
        let mode = if self.mode == Mode::Data { "data." } else { "" };
        format!("{module}{mode}{}.{}", self.ty, self.name)
    }

    /// Returns the address of the module instance, or `None` in the root module.
    pub fn module(&self) -> Option<&str> {
        self.module.as_deref()
    }

    /// Returns who decides about the resource.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Returns the resource type, such as `aws_subnet`.
    pub fn ty(&self) -> &str {
        &self.ty
    }

    /// Returns the name of the block.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the provider's address as the state spells it.
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// Returns the instances.
    pub fn instances(&self) -> &[Instance] {
        &self.instances
    }
}

impl Instance {
    /// Returns the address, such as `aws_subnet.app["a"]`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Returns the key under `count` or `for_each`.
    pub fn key(&self) -> Option<&InstanceKey> {
        self.key.as_ref()
    }

    /// Returns whether the next apply will replace it.
    pub fn tainted(&self) -> bool {
        self.tainted
    }

    /// Returns the key of an instance that was replaced and waits for its destruction.
    pub fn deposed(&self) -> Option<&str> {
        self.deposed.as_deref()
    }

    /// Returns the version of the provider's schema that the attributes follow.
    pub fn schema_version(&self) -> u64 {
        self.schema_version
    }

    /// Returns the addresses that the resource depends on.
    pub fn dependencies(&self) -> &[String] {
        &self.dependencies
    }

    /// Returns all attributes, secret ones in clear. A state holds no types for them: arrays are tuples.
    pub fn attributes(&self) -> &Value {
        &self.attributes
    }

    /// Returns one attribute as a Rust type.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MissingOutput`], [`ErrorKind::NullOutput`], or [`ErrorKind::TypeMismatch`], each naming the
    /// address and the attribute.
    pub fn attribute<T: DeserializeOwned>(&self, name: &str) -> Result<T, Error> {
        let place = format!("{}.{name}", self.address);
        let Some(value) = self.attributes.get(name) else {
            return Err(ErrorKind::MissingOutput { name: place, since: None, state_has: None }.into());
        };
        de::from_value(value).map_err(|error| {
            let path = format!("{place}{}", error.path);
            let kind = match error.problem {
                Problem::Null => ErrorKind::NullOutput { name: path },
                Problem::Missing { field } => {
                    ErrorKind::MissingOutput { name: format!("{path}.{field}"), since: None, state_has: None }
                }
                Problem::Mismatch { expected, found } => ErrorKind::TypeMismatch { path, expected, found },
                // An attribute may be secret without the state saying so: the message is withheld.
                Problem::Custom(_) => ErrorKind::TypeMismatch {
                    path,
                    expected: "a value that the type accepts".to_owned(),
                    found: "another value".to_owned(),
                },
            };
            kind.into()
        })
    }
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instance")
            .field("address", &self.address)
            .field("tainted", &self.tainted)
            .field("deposed", &self.deposed)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for InstanceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InstanceKey::Index(idx) => write!(f, "[{idx}]"),
            InstanceKey::Name(name) => {
                let escaped = name.replace('\\', "\\\\").replace('"', "\\\"");
                write!(f, "[\"{escaped}\"]")
            }
        }
    }
}

fn resources(text: &[u8], members: &Members) -> Result<Vec<Resource>, Error> {
    let mut resources = Vec::new();
    let mut problems = Vec::new();
    for json in header::values(text, members, "resources")?.iter().filter(|json| **json != Json::Null) {
        let Some(elements) = json.as_array() else {
            return Err(header::wrong_kind("resources", "an array", json));
        };
        for (idx, element) in elements.iter().enumerate() {
            match resource(element) {
                Ok(resource) => resources.push(resource),
                Err(reason) => problems.push(format!("resource {idx}: {reason}")),
            }
        }
    }
    if problems.is_empty() { Ok(resources) } else { Err(ErrorKind::InvalidResources { problems }.into()) }
}

fn resource(json: &Json) -> Result<Resource, String> {
    let mode = match required(json, "mode")? {
        "managed" => Mode::Managed,
        "data" => Mode::Data,
        other => return Err(format!("unknown mode {other:?}")),
    };
    let mut resource = Resource {
        module: optional(json, "module")?,
        mode,
        ty: required(json, "type")?.to_owned(),
        name: required(json, "name")?.to_owned(),
        provider: optional(json, "provider")?.unwrap_or_default(),
        instances: Vec::new(),
    };
    let address = resource.address();
    for json in json.get("instances").and_then(Json::as_array).unwrap_or_default() {
        let instance = instance(&address, json).map_err(|reason| format!("{address}: {reason}"))?;
        let is_same = |other: &Instance| (&other.key, &other.deposed) == (&instance.key, &instance.deposed);
        if resource.instances.iter().any(is_same) {
            return Err(format!("{}: it occurs twice", instance.address));
        }
        resource.instances.push(instance);
    }
    Ok(resource)
}

fn required<'a>(json: &'a Json, name: &str) -> Result<&'a str, String> {
    json.get(name).and_then(Json::as_str).ok_or_else(|| format!("`{name}` must be a string"))
}

fn optional(json: &Json, name: &str) -> Result<Option<String>, String> {
    match json.get(name) {
        None => Ok(None),
        Some(Json::String(text)) if text.is_empty() => Ok(None),
        Some(Json::String(text)) => Ok(Some(text.clone())),
        Some(other) => Err(format!("`{name}` must be a string, found {}", other.kind())),
    }
}

fn instance(resource: &str, json: &Json) -> Result<Instance, String> {
    let key = match json.get("index_key") {
        None => None,
        Some(Json::String(name)) => Some(InstanceKey::Name(name.clone())),
        Some(Json::Number(idx)) => Some(InstanceKey::Index(
            idx.parse().map_err(|_| "`index_key` must be a whole number".to_owned())?,
        )),
        Some(other) => return Err(format!("`index_key` must be a string or number, found {}", other.kind())),
    };
    let tainted = match optional(json, "status")?.as_deref() {
        None => false,
        Some("tainted") => true,
        Some(other) => return Err(format!("unknown status {other:?}")),
    };
    let deposed = optional(json, "deposed")?;
    if deposed.as_ref().is_some_and(|key| key.len() != 8) {
        return Err("`deposed` must have 8 characters".to_owned());
    }
    let attributes = match json.get("attributes").or_else(|| json.get("attributes_flat")) {
        Some(attributes) => decode::decode_untyped(attributes).map_err(|error| error.reason)?,
        None => Value::Null,
    };
    let schema_version = match json.get("schema_version") {
        Some(Json::Number(version)) => {
            version.parse().map_err(|_| "`schema_version` must be a whole number")?
        }
        _ => 0,
    };
    let dependencies = json.get("dependencies").or_else(|| json.get("depends_on"));
    Ok(Instance {
        address: format!("{resource}{}", key.as_ref().map(InstanceKey::to_string).unwrap_or_default()),
        key,
        tainted,
        deposed,
        schema_version,
        attributes,
        dependencies: dependencies
            .and_then(Json::as_array)
            .unwrap_or_default()
            .iter()
            .filter_map(|address| address.as_str().map(str::to_owned))
            .collect(),
    })
}
