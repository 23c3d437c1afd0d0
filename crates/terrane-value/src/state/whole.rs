//! A state with its resources.

use std::fmt;
use std::ops::Deref;

use serde::de::DeserializeOwned;

use super::resource::{self, Raw};
use super::{Defaults, Origin, State, header, legacy, order, shown};
use crate::de::{self, Problem};
use crate::error::{Error, ErrorKind};
use crate::json::{Event, Events, Members};
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
    pub(super) module: Option<String>,
    pub(super) mode: Mode,
    pub(super) ty: String,
    pub(super) name: String,
    pub(super) provider: String,
    pub(super) instances: Vec<Instance>,
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
    pub(super) address: String,
    pub(super) key: Option<InstanceKey>,
    pub(super) tainted: bool,
    pub(super) deposed: Option<String>,
    pub(super) schema_version: u64,
    pub(super) attributes: Value,
    pub(super) dependencies: Vec<String>,
    pub(super) is_flat: bool,
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
        let resources = match state.format_version {
            1..=3 => legacy::resources(text, &members)?,
            _ if shown::is_shown(&members) => shown::resources(text, &members)?,
            _ => resources(text, &members)?,
        };
        Ok(WholeState { state, resources })
    }

    /// Says where the state came from; errors name the place.
    #[must_use]
    pub fn with_origin(self, origin: Origin) -> WholeState {
        WholeState { state: self.state.with_origin(origin), ..self }
    }

    /// Adds outputs that the state lacks.
    #[must_use]
    pub fn or(self, defaults: &Defaults) -> WholeState {
        WholeState { state: self.state.or(defaults), ..self }
    }

    /// Returns all resources, as the state orders them.
    pub fn resources(&self) -> &[Resource] {
        &self.resources
    }

    /// Returns all instances, those that wait for their destruction included.
    pub fn instances(&self) -> impl Iterator<Item = &Instance> {
        self.resources.iter().flat_map(Resource::instances)
    }

    /// Returns the addresses of all instances in the order of `terraform state list`: modules by depth, data sources
    /// first, then by type, name, and key.
    pub fn list(&self) -> Vec<&str> {
        order::addresses(&self.resources)
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
        address(self.module.as_deref(), self.mode, &self.ty, &self.name)
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

    /// Returns whether the attributes are those of Terraform before 0.12, in which each leaf is text: `"true"`, `"80"`.
    pub fn is_flat(&self) -> bool {
        self.is_flat
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
            InstanceKey::Name(name) => write!(f, "[\"{}\"]", escaped(name)),
        }
    }
}

/// Escapes a text as Terraform does between the quotes of an address.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(char) = rest.next() {
        match char {
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            '"' | '\\' => escaped.extend(['\\', char]),
            // A sign before a brace would begin a template.
            '$' | '%' if rest.peek() == Some(&'{') => escaped.extend([char, char]),
            char if is_printable(char) => escaped.push(char),
            char if u32::from(char) < 0x1_0000 => escaped.push_str(&format!("\\u{:04x}", u32::from(char))),
            char => escaped.push_str(&format!("\\U{:08x}", u32::from(char))),
        }
    }
    escaped
}

fn is_printable(char: char) -> bool {
    // After another character, a combining mark counts as printable, too.
    ['a', char].iter().collect::<String>().escape_debug().count() == 2
}

/// Returns the address of a resource block.
pub(super) fn address(module: Option<&str>, mode: Mode, ty: &str, name: &str) -> String {
    let module = module.map(|module| format!("{module}.")).unwrap_or_default();
    let mode = if mode == Mode::Data { "data." } else { "" };
    format!("{module}{mode}{ty}.{name}")
}

fn resources(text: &[u8], members: &Members) -> Result<Vec<Resource>, Error> {
    let mut resources = Vec::new();
    let mut problems = Vec::new();
    for place in header::places(members, "resources") {
        let text = &text[place.clone()];
        let mut events = Events::nested(text, 1);
        let whole_text = |error| header::syntax_error(&[], error);
        match events.next().map_err(whole_text)? {
            Some(Event::BeginArray) => {}
            Some(Event::Null) => continue,
            _ => return Err(header::wrong_kind("resources", "an array", &header::parsed(text)?)),
        }
        for idx in 0.. {
            let raw = match events.next().map_err(whole_text)? {
                Some(Event::BeginObject) => resource::scan(&mut events).map_err(whole_text)?,
                Some(Event::EndArray) | None => break,
                Some(_) => {
                    events.close(1).map_err(whole_text)?;
                    Raw::default()
                }
            };
            match raw.resource() {
                Ok(resource) => resources.push(resource),
                Err(reason) => problems.push(format!("resource {idx}: {reason}")),
            }
        }
    }
    for json in header::values(text, members, "check_results")? {
        problems.extend(resource::check_results(&json));
    }
    if problems.is_empty() { Ok(resources) } else { Err(ErrorKind::InvalidResources { problems }.into()) }
}
