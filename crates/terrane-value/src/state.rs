//! A state: its outputs as typed values, and where it came from.

pub(crate) mod checker;
mod flat;
mod header;
mod legacy;
mod order;
pub(crate) mod prefix;
mod resource;
mod shown;
mod whole;

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

use crate::de::{self, DeError, Problem};
use crate::decode;
use crate::error::{Error, ErrorKind};
use crate::json::{self, Json, Members};
use crate::value::{Output, Value};

pub use self::whole::{Instance, InstanceKey, Mode, Resource, WholeState};

/// The outputs of one state, and what identifies the state.
///
/// An output that cannot be decoded does not keep others from being read; it is an error when it is asked for.
#[derive(Clone, Debug)]
pub struct State {
    pub(crate) format_version: u64,
    pub(crate) terraform_version: Option<String>,
    pub(crate) serial: u64,
    pub(crate) lineage: String,
    pub(crate) outputs: Outputs,
    pub(crate) origin: Origin,
}

/// Outputs by name, or why one cannot be decoded.
type Outputs = BTreeMap<String, Result<Output, String>>;

impl Default for State {
    /// Returns a state without outputs, as one that was never written.
    fn default() -> State {
        State {
            format_version: 4,
            terraform_version: None,
            serial: 0,
            lineage: String::new(),
            outputs: Outputs::new(),
            origin: Origin::default(),
        }
    }
}

/// Where a state came from; the source that was read fills it in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Origin {
    /// What was read, as messages name it: `s3://bucket/key`, or a path.
    pub place: Option<String>,
    /// What changes with the bytes: the ETag of an object, or a digest of a file.
    pub etag: Option<String>,
    /// The version of the object, in a bucket that keeps versions.
    pub version_id: Option<String>,
    /// What was noticed and did not prevent reading.
    pub warnings: Vec<String>,
}

impl Origin {
    /// Names what was read.
    pub fn at(place: impl Into<String>) -> Origin {
        Origin { place: Some(place.into()), ..Origin::default() }
    }
}

/// Outputs that stand for those that a state lacks: the `defaults` of a `terraform_remote_state` data source.
#[derive(Clone, Debug, Default)]
pub struct Defaults(Outputs);

impl Defaults {
    /// Reads a JSON object.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] for a text that is not a JSON object.
    pub fn parse(text: &str) -> Result<Defaults, Error> {
        let json = Json::parse(text.as_bytes()).map_err(|_| invalid_defaults("they are not JSON"))?;
        Defaults::of(&json)
    }

    /// Reads a JSON object that is parsed already.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] for any other JSON.
    pub fn of(json: &Json) -> Result<Defaults, Error> {
        legacy::untyped_outputs(json).map(Defaults).map_err(invalid_defaults)
    }
}

impl State {
    /// Reads the text of a state, as far as its outputs need it.
    ///
    /// Resources are only checked to be JSON; [`WholeState::parse`] reads them too.
    ///
    /// # Errors
    ///
    /// The kinds that tell what is wrong with the text: [`ErrorKind::Syntax`] and those after it.
    pub fn parse(text: &[u8]) -> Result<State, Error> {
        let members = header::members(text)?;
        State::from_members(text, &members)
    }

    /// Reads a state of which `text` may be a first part.
    pub(crate) fn from_members(text: &[u8], members: &Members) -> Result<State, Error> {
        let header = header::read(text, members)?;
        let outputs = match header.format_version {
            1..=3 => legacy::outputs(text, members, header.format_version)?,
            _ if shown::is_shown(members) => shown::outputs(text, members)?,
            _ => outputs(text, members)?,
        };
        Ok(State {
            format_version: header.format_version,
            terraform_version: header.terraform_version,
            serial: header.serial,
            lineage: header.lineage,
            outputs,
            origin: Origin::default(),
        })
    }

    /// Adds outputs that the state lacks, from a JSON object, as the `defaults` of a `terraform_remote_state` data
    /// source do. What the state says wins, even null.
    ///
    /// Terraform has no defaults for a state that does not exist; `State::default().with_defaults(…)` is one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] for a text that is no JSON object.
    ///
    /// # Examples
    ///
    /// ```
    /// let state = terrane_value::State::parse(br#"{"version":4,"outputs":{"a":{"value":"x","type":"string"}}}"#)?;
    /// let state = state.with_defaults(r#"{"a": "y", "b": [1]}"#)?;
    /// assert_eq!((state.output("a")?, state.output("b")?), ("x".to_owned(), vec![1]));
    /// # Ok::<(), terrane_value::Error>(())
    /// ```
    pub fn with_defaults(self, defaults: &str) -> Result<State, Error> {
        Ok(self.or(&Defaults::parse(defaults)?))
    }

    /// Adds outputs that the state lacks, as [`with_defaults`](State::with_defaults) does.
    #[must_use]
    pub fn or(mut self, defaults: &Defaults) -> State {
        for (name, output) in &defaults.0 {
            self.outputs.entry(name.clone()).or_insert_with(|| output.clone());
        }
        self
    }

    /// Says where the state came from; errors name the place.
    #[must_use]
    pub fn with_origin(self, origin: Origin) -> State {
        State { origin, ..self }
    }

    /// Returns one output as a Rust type.
    ///
    /// `T` may be any type that implements serde's `Deserialize`: `String`, numbers, `Vec`, maps, your own structs,
    /// the ids of `terrane-state`, `Option` of these (`None` for an output that is absent or null), [`Value`], or
    /// [`Sensitive`](crate::Sensitive).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MissingOutput`], [`ErrorKind::NullOutput`], [`ErrorKind::TypeMismatch`],
    /// [`ErrorKind::InvalidOutputs`].
    ///
    /// # Examples
    ///
    /// ```
    /// use terrane_value::State;
    ///
    /// let state = State::parse(br#"{"version":4,"outputs":{"vpc_id":{"value":"vpc-123","type":"string"}}}"#)?;
    /// let vpc_id: String = state.output("vpc_id")?;
    /// let zone: Option<String> = state.output("zone")?;
    /// assert_eq!((vpc_id.as_str(), zone), ("vpc-123", None));
    /// # Ok::<(), terrane_value::Error>(())
    /// ```
    pub fn output<T: DeserializeOwned>(&self, name: &str) -> Result<T, Error> {
        match self.find(name)? {
            Some(output) => {
                de::from_value(&output.value).map_err(|error| self.typed_error(error, name, output.sensitive))
            }
            // Only types that accept null, such as `Option`, accept an absent output.
            None => de::from_value(&Value::Null).map_err(|_| self.missing(name.to_owned())),
        }
    }

    /// Returns all outputs as one Rust struct or map; outputs that it does not name are ignored.
    ///
    /// # Errors
    ///
    /// Those of [`output`](State::output).
    pub fn outputs<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let readable = self
            .outputs
            .iter()
            .filter_map(|(name, output)| Some((name.as_str(), &output.as_ref().ok()?.value)));
        de::from_members(readable).map_err(|error| {
            if let Problem::Missing { field } = &error.problem
                && let Some(Err(problem)) = self.outputs.get(field)
            {
                return self.invalid(vec![problem.clone()]);
            }
            let sensitive = self.outputs.values().flatten().any(|output| output.sensitive);
            self.typed_error(error, "", sensitive)
        })
    }

    /// Returns the attributes of one object output as a Rust struct or map.
    ///
    /// A state holds the outputs of the root module only. A root that calls a module hands all of its outputs on
    /// with `output "network" { value = module.network }`; this reads them.
    ///
    /// # Errors
    ///
    /// Those of [`output`](State::output).
    pub fn outputs_of<T: DeserializeOwned>(&self, name: &str) -> Result<T, Error> {
        let Some(output) = self.find(name)? else { return Err(self.missing(name.to_owned())) };
        match &output.value {
            Value::Null => Err(self.error(ErrorKind::NullOutput { name: name.to_owned() })),
            Value::Object(_) | Value::Map(_) => self.output(name),
            other => Err(self.error(ErrorKind::TypeMismatch {
                path: name.to_owned(),
                expected: "an object, as in `value = module.NAME`".to_owned(),
                found: other.kind().to_owned(),
            })),
        }
    }

    /// Returns one output with its declared type, or `None` if the state has none of this name.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidOutputs`] if it cannot be decoded.
    pub fn get(&self, name: &str) -> Result<Option<&Output>, Error> {
        self.find(name)
    }

    /// Returns the names of all outputs, sorted, and each as it was decoded.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Result<&Output, Error>)> {
        self.outputs.iter().map(|(name, output)| {
            (name.as_str(), output.as_ref().map_err(|problem| self.invalid(vec![problem.clone()])))
        })
    }

    /// Returns an error that names each output that cannot be decoded, if there is one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidOutputs`].
    pub fn check_outputs(&self) -> Result<(), Error> {
        let problems: Vec<String> =
            self.outputs.values().filter_map(|output| output.as_ref().err().cloned()).collect();
        if problems.is_empty() { Ok(()) } else { Err(self.invalid(problems)) }
    }

    /// Returns the outputs as `terraform output -json` prints them, values of sensitive outputs included.
    pub fn to_json(&self) -> String {
        let outputs = self.outputs.iter().filter_map(|(name, output)| {
            let output = output.as_ref().ok()?;
            let ty = Json::parse(output.ty.to_json().to_string().as_bytes()).ok()?;
            let members = vec![
                ("sensitive".to_owned(), Json::Bool(output.sensitive)),
                ("type".to_owned(), ty),
                ("value".to_owned(), output.value.to_tree()),
            ];
            Some((name.clone(), Json::Object(members)))
        });
        json::print(&Json::Object(outputs.collect()), json::Layout::Indented)
    }

    /// Returns the version of the state format: 4, or 1 to 3 for what Terraform before 0.12 wrote. What
    /// `terraform show -json` prints counts as 4; it has neither serial nor lineage.
    pub fn format_version(&self) -> u64 {
        self.format_version
    }

    /// Returns the version of Terraform or OpenTofu that wrote the state.
    pub fn terraform_version(&self) -> Option<&str> {
        self.terraform_version.as_deref()
    }

    /// Returns the number that grows by one with each change of the state.
    pub fn serial(&self) -> u64 {
        self.serial
    }

    /// Returns the id that the state keeps for as long as it is the same state.
    pub fn lineage(&self) -> &str {
        &self.lineage
    }

    /// Returns what was read, as `s3://bucket/key` or a path.
    pub fn place(&self) -> Option<&str> {
        self.origin.place.as_deref()
    }

    /// Returns the ETag of the object that was read. It changes with the bytes, but is not always their MD5.
    pub fn etag(&self) -> Option<&str> {
        self.origin.etag.as_deref()
    }

    /// Returns the version of the object that was read, in a bucket that keeps versions.
    pub fn version_id(&self) -> Option<&str> {
        self.origin.version_id.as_deref()
    }

    /// Returns what was noticed and did not prevent reading, such as a digest table that cannot be read.
    pub fn warnings(&self) -> &[String] {
        &self.origin.warnings
    }

    fn find(&self, name: &str) -> Result<Option<&Output>, Error> {
        match self.outputs.get(name) {
            Some(Ok(output)) => Ok(Some(output)),
            Some(Err(problem)) => Err(self.invalid(vec![problem.clone()])),
            None => Ok(None),
        }
    }

    fn missing(&self, name: String) -> Error {
        self.error(ErrorKind::MissingOutput { name, since: None, state_has: None })
            .hinting("Terraform stores no output that is null; was it renamed, or never applied?")
    }

    fn invalid(&self, problems: Vec<String>) -> Error {
        self.error(ErrorKind::InvalidOutputs { problems })
    }

    /// Returns an error about this state, which names its place.
    pub fn error(&self, kind: ErrorKind) -> Error {
        match &self.origin.place {
            Some(place) => Error::new(kind).at(place.clone()),
            None => Error::new(kind),
        }
    }

    /// Names the output, and the path inside it, in what serde reported.
    fn typed_error(&self, error: DeError, name: &str, sensitive: bool) -> Error {
        let path = format!("{name}{}", error.path);
        let path = path.strip_prefix('.').unwrap_or(&path).to_owned();
        match error.problem {
            Problem::Null => self.error(ErrorKind::NullOutput { name: path }),
            Problem::Missing { field } if path.is_empty() => self.missing(field),
            Problem::Missing { field } => {
                let name = format!("{path}.{field}");
                self.error(ErrorKind::MissingOutput { name, since: None, state_has: None })
            }
            Problem::Mismatch { expected, found } => {
                self.error(ErrorKind::TypeMismatch { path, expected, found })
            }
            Problem::Custom(message) => {
                let message = message.strip_prefix("expected ").unwrap_or(&message).to_owned();
                let expected = if sensitive { "a value that the type accepts".to_owned() } else { message };
                self.error(ErrorKind::TypeMismatch { path, expected, found: "another value".to_owned() })
            }
        }
    }
}

fn invalid_defaults(reason: impl std::fmt::Display) -> Error {
    ErrorKind::InvalidConfig { problems: vec![format!("`defaults`: {reason}")] }.into()
}

/// Decodes the outputs of a state of format 4; repeated `outputs` merge, as in Go.
fn outputs(text: &[u8], members: &Members) -> Result<Outputs, Error> {
    let mut outputs = Outputs::new();
    for json in header::values(text, members, "outputs")? {
        match json.as_object() {
            Some(members) => {
                outputs.extend(members.iter().map(|(name, json)| (name.clone(), output(name, json))));
            }
            None if json == Json::Null => {}
            None => {
                let reason = format!("an object is required, found {}", json.kind());
                return Err(ErrorKind::InvalidField { field: "outputs", reason }.into());
            }
        }
    }
    Ok(outputs)
}

/// Reads an output whose type an older Terraform does not say.
fn output_or_untyped(name: &str, json: &Json) -> Result<Output, String> {
    match (json.get("type"), json.member("value")) {
        (None, Some(value)) => {
            let value = decode::decode_untyped(value)
                .map_err(|error| format!("output {name:?}: {}", error.reason()))?;
            let sensitive = json.get("sensitive") == Some(&Json::Bool(true));
            Ok(Output { ty: legacy::implied_type(&value), value, sensitive, deprecated: None })
        }
        _ => output(name, json),
    }
}

fn output(name: &str, json: &Json) -> Result<Output, String> {
    let problem = |reason: String| format!("output {name:?}: {reason}");
    if json.as_object().is_none() {
        return Err(problem(format!("an object is required, found {}", json.kind())));
    }
    let ty = json.get("type").ok_or_else(|| problem("it has no type".to_owned()))?;
    let ty = decode::decode_type(ty).map_err(|reason| problem(format!("invalid type: {reason}")))?;
    let value = json.member("value").ok_or_else(|| problem("it has no value".to_owned()))?;
    let value = decode::decode(value, &ty)
        .map_err(|error| problem(format!("invalid value at {name}{}: {}", error.path, error.reason)))?;
    let sensitive = match json.get("sensitive") {
        None => false,
        Some(Json::Bool(sensitive)) => *sensitive,
        Some(other) => return Err(problem(format!("`sensitive` must be a bool, found {}", other.kind()))),
    };
    let deprecated = json.get("deprecated").and_then(Json::as_str).map(str::to_owned);
    Ok(Output { value, ty, sensitive, deprecated })
}
