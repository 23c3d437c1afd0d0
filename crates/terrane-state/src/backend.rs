//! Where the state of a Terraform directory is, without running Terraform. Nothing is written.
//!
//! The cache that `terraform init` leaves is asked first: it is complete. Without one, the `backend` block of the
//! configuration is read, as far as it holds constants.

pub(crate) mod block;

use std::path::{Path, PathBuf};

use terrane_value::{Error, ErrorKind, Json, Type, Value};

use crate::arguments::{self, S3Arguments};
use crate::environment::Environment;
use crate::setting::Origins;
use crate::workspace;

/// Where a state is, as a Terraform directory or configuration says.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Backend {
    /// In S3.
    S3 {
        /// The backend's arguments.
        arguments: Box<S3Arguments>,
        /// The workspace that is selected.
        workspace: String,
    },
    /// In a file: `backend "local"`, or no backend at all.
    Local {
        /// The file.
        path: PathBuf,
    },
}

impl Backend {
    /// Finds the backend of a directory in which `terraform init` has run, or could run.
    ///
    /// `TF_DATA_DIR` and `TF_WORKSPACE` of the environment count as they do for Terraform.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] for a backend other than `s3` and `local`, and for what Terraform would refuse too;
    /// [`ErrorKind::InvalidWorkspace`].
    pub fn of_directory(directory: &Path, environment: &Environment) -> Result<Backend, Error> {
        Found::in_directory(directory, environment).map(|found| found.backend)
    }

    /// Reads the arguments of a `terraform_remote_state` data source as JSON: `backend`, `config`, `workspace`.
    ///
    /// As in Terraform, neither `TF_WORKSPACE` nor the selected workspace counts, and a file is relative to where the
    /// program runs. [`Reader::remote_state`](crate::Reader::remote_state) applies `defaults` as well.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`].
    pub fn of_remote_state(text: &str) -> Result<Backend, Error> {
        let json = Json::parse(text.as_bytes()).map_err(|_| invalid("the data source is not JSON"))?;
        let ty = json.get("backend").and_then(Json::as_str).unwrap_or_default().to_owned();
        check_type(&ty)?;
        let arguments = json.get("config").ok_or_else(|| invalid("`config` is required"))?.clone();
        let workspace = json.get("workspace").and_then(Json::as_str).unwrap_or(workspace::DEFAULT);
        workspace::check(workspace)?;
        Written { ty, arguments, place: String::new() }.backend(Path::new(""), workspace)
    }
}

/// A backend as somebody has configured it.
pub(crate) struct Written {
    ty: String,
    arguments: Json,
    /// Where.
    place: String,
}

impl Written {
    fn backend(&self, directory: &Path, workspace: &str) -> Result<Backend, Error> {
        if self.ty == "s3" {
            let arguments = Box::new(S3Arguments::from_tree(&self.arguments)?);
            return Ok(Backend::S3 { arguments, workspace: workspace.to_owned() });
        }
        let values = self.values()?;
        let text = |name: &str, default: &str| {
            directory
                .join(values.get(name).and_then(Value::as_str).filter(|t| !t.is_empty()).unwrap_or(default))
        };
        Ok(Backend::Local {
            path: match workspace {
                workspace::DEFAULT => text("path", LOCAL_STATE),
                name => self.workspace_dir(directory)?.join(name).join(LOCAL_STATE),
            },
        })
    }

    /// Returns where a local backend keeps the states of all workspaces but `default`.
    fn workspace_dir(&self, directory: &Path) -> Result<PathBuf, Error> {
        let values = self.values()?;
        let given = values.get("workspace_dir").and_then(Value::as_str).filter(|text| !text.is_empty());
        Ok(directory.join(given.unwrap_or("terraform.tfstate.d")))
    }

    /// Returns which arguments an object cannot be found without, and nobody has written.
    fn missing(&self) -> Vec<&'static str> {
        let is_missing = |name: &&str| self.arguments.get(name).is_none();
        if self.ty == "s3" { ["bucket", "key"].into_iter().filter(is_missing).collect() } else { Vec::new() }
    }

    /// Returns all arguments of the backend with their values.
    fn values(&self) -> Result<Value, Error> {
        match self.ty.as_str() {
            "s3" => arguments::values(&self.arguments),
            _ => terrane_value::decode(&self.arguments, &local_arguments())
                .map_err(|error| invalid(format!("backend \"local\": {}", error.reason()))),
        }
    }

    /// Says how the configuration differs from what `terraform init` was told, which Terraform goes by.
    fn difference(&self, cached: &Written) -> Option<String> {
        let what = if self.ty == cached.ty {
            let (Ok(Value::Object(ours)), Ok(theirs)) = (self.values(), cached.values()) else { return None };
            let differs = |(name, value): &(String, Value)| {
                *value != Value::Null && theirs.get(name).is_none_or(|other| other != value)
            };
            let names: Vec<String> =
                ours.into_iter().filter(differs).map(|(name, _)| format!("`{name}`")).collect();
            if names.is_empty() {
                return None;
            }
            names.join(", ")
        } else {
            "the backend".to_owned()
        };
        let (place, cache) = (&self.place, &cached.place);
        Some(format!(
            "{what} in {place} is not what {cache} says, which counts: run `terraform init`, unless -backend-config differs on purpose"
        ))
    }
}

/// The file of a local state.
const LOCAL_STATE: &str = "terraform.tfstate";

fn local_arguments() -> Type {
    Type::object([("path", Type::String), ("workspace_dir", Type::String)])
}

/// The backend of a directory, and where it is configured.
pub(crate) struct Found {
    pub(crate) backend: Backend,
    /// Where a local backend keeps the states of workspaces.
    pub(crate) workspace_dir: Option<PathBuf>,
    pub(crate) workspace: String,
    pub(crate) origins: Origins,
    pub(crate) warnings: Vec<String>,
}

impl Found {
    pub(crate) fn in_directory(directory: &Path, environment: &Environment) -> Result<Found, Error> {
        let data_dir = directory.join(environment.get("TF_DATA_DIR").unwrap_or(".terraform"));
        let (workspace, workspace_from) = selected_workspace(&data_dir, environment)?;
        let cache = data_dir.join("terraform.tfstate");
        let place = cache.display().to_string();
        let cached = match read_if_there(&cache)? {
            Some(text) => cached(&text, &place).map_err(|error| error.at(place.clone()))?,
            None => None,
        };
        let mut warnings = Vec::new();
        let written = match cached {
            Some(cached) => {
                // What the cache says is enough; a configuration that cannot be compared is no fault.
                let written = block::of_directory(directory).ok().flatten();
                warnings.extend(written.and_then(|written| written.difference(&cached)));
                Some(cached)
            }
            None => block::of_directory(directory)?,
        };
        let (written, from) = match written {
            Some(written) => {
                let place = written.place.clone();
                (written, place)
            }
            None => {
                let arguments = Json::Object(Vec::new());
                let none = Written { ty: "local".to_owned(), arguments, place: String::new() };
                (none, "default".to_owned())
            }
        };
        let at =
            |error: Error| if written.place.is_empty() { error } else { error.at(written.place.clone()) };
        let backend = written.backend(directory, &workspace).map_err(at)?;
        // A misspelt argument was told about already.
        if !written.missing().is_empty() {
            return Err(partial(&written));
        }
        let workspace_dir = match written.ty.as_str() {
            "local" => Some(written.workspace_dir(directory).map_err(at)?),
            _ => None,
        };
        if let (Backend::Local { path }, Some(others)) = (&backend, &workspace_dir)
            && written.place.is_empty()
            && !path.is_file()
            && !others.is_dir()
        {
            return Err(without_backend(directory));
        }
        let origins = Origins { arguments: from, workspace: workspace_from };
        Ok(Found { backend, workspace_dir, workspace, origins, warnings })
    }
}

/// Says how a backend is completed of which a part is given to `terraform init` alone.
fn partial(written: &Written) -> Error {
    let missing: Vec<String> = written.missing().iter().map(|name| format!("`{name}`")).collect();
    let Written { ty, place, .. } = written;
    invalid(format!("backend {ty:?} is partial: {} is not set", missing.join(" and ")))
        .at(place.clone())
        .hinting("run `terraform init` with its -backend-config, whose cache is read, or name the state as s3://bucket/key")
}

/// Says where the state may be of a directory that has neither a backend nor a local state.
fn without_backend(directory: &Path) -> Error {
    let error = invalid("no backend is configured, and there is no local state");
    let error = error.at(directory.display().to_string());
    if !TERRAGRUNT.iter().any(|name| directory.join(name).is_file()) {
        return error;
    }
    let hint = match terragrunt_working_directories(directory).as_slice() {
        [] => "Terragrunt makes the backend when it runs: `terragrunt state pull | terrane state … -`"
            .to_owned(),
        found => format!("Terragrunt keeps the backend where it ran: give {}", found.join(", or ")),
    };
    error.hinting(hint)
}

/// The configuration files of Terragrunt.
const TERRAGRUNT: [&str; 2] = ["terragrunt.hcl", "terragrunt.hcl.json"];

/// Returns the directories in which Terragrunt has run `terraform init` for a directory.
fn terragrunt_working_directories(directory: &Path) -> Vec<String> {
    let below = |path: PathBuf| {
        let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect::<Vec<_>>()
    };
    let roots = below(directory.join(".terragrunt-cache")).into_iter().flat_map(below);
    let initialised = roots.filter(|path| path.join(".terraform/terraform.tfstate").is_file());
    let mut found: Vec<String> = initialised.map(|path| path.display().to_string()).collect();
    found.sort();
    found
}

pub(crate) fn invalid(problem: impl Into<String>) -> Error {
    ErrorKind::InvalidConfig { problems: vec![problem.into()] }.into()
}

fn check_type(name: &str) -> Result<(), Error> {
    match name {
        "s3" | "local" => Ok(()),
        other => Err(invalid(format!("backend {other:?} is not supported, only \"s3\" and \"local\" are"))
            .hinting("`terraform state pull` reads any backend; give what it prints as a file, or as `-`")),
    }
}

fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    match std::fs::read(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            Err(Error::new(ErrorKind::Io { reason: error.to_string() }).at(path.display().to_string()))
        }
    }
}

/// Returns the name of the workspace, and who says so.
fn selected_workspace(data_dir: &Path, environment: &Environment) -> Result<(String, String), Error> {
    let file = data_dir.join("environment");
    let (name, source) = match environment.get("TF_WORKSPACE") {
        Some(name) => (name.to_owned(), "TF_WORKSPACE".to_owned()),
        None => {
            let text = read_if_there(&file)?.unwrap_or_default();
            (String::from_utf8_lossy(&text).trim().to_owned(), file.display().to_string())
        }
    };
    if name.is_empty() {
        return Ok((workspace::DEFAULT.to_owned(), "default".to_owned()));
    }
    workspace::check(&name)?;
    Ok((name, source))
}

/// Reads the cache of `terraform init`; `None` if it names no backend.
fn cached(text: &[u8], place: &str) -> Result<Option<Written>, Error> {
    let json = Json::parse(text).map_err(|error| {
        invalid(format!("the backend cache is not JSON: syntax error at byte offset {}", error.offset))
    })?;
    match json.get("version") {
        None => return Err(invalid("the backend cache has no format version number")),
        Some(Json::Number(version)) if version == "0" => {
            return Err(invalid("the backend cache has no format version number"));
        }
        Some(Json::Number(version)) if version == "3" => {}
        Some(Json::Number(version)) if version == "4" => {
            return Err(invalid(
                "this is a state, not the backend cache that belongs here; is TF_DATA_DIR right?",
            ));
        }
        Some(_) => {
            return Err(invalid("the backend cache has an unsupported format version, only 3 is known"));
        }
    }
    if json.get("state_store").is_some() {
        return Err(invalid("a state store of a provider is not supported, only backend \"s3\" is"));
    }
    let Some(backend) = json.get("backend") else {
        return match json.get("remote") {
            Some(_) => Err(invalid("the configuration is one of Terraform before 0.9; run `terraform init`")),
            None => Ok(None),
        };
    };
    let ty = backend.get("type").and_then(Json::as_str).unwrap_or_default().to_owned();
    check_type(&ty)?;
    let arguments = backend.get("config").ok_or_else(|| invalid("the backend cache has no config"))?.clone();
    Ok(Some(Written { ty, arguments, place: place.to_owned() }))
}
