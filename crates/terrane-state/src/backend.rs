//! Where the state of a Terraform directory is, without running Terraform. Nothing is written.
//!
//! The cache that `terraform init` leaves is asked first: it is complete. Without one, the `backend` block of the
//! configuration is read, as far as it holds constants.

pub(crate) mod block;

use std::path::{Path, PathBuf};

use crate::environment::Environment;
use crate::error::{Error, ErrorKind};
use crate::json::Json;
use crate::s3::arguments::S3Arguments;
use crate::s3::settings::Origins;
use crate::s3::workspace;

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
    /// In a file of the directory: no backend is configured.
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
    /// [`ErrorKind::InvalidConfig`] for a backend other than `s3`, and for what Terraform would refuse too;
    /// [`ErrorKind::InvalidWorkspace`].
    pub fn of_directory(directory: &Path, environment: &Environment) -> Result<Backend, Error> {
        Found::in_directory(directory, environment).map(|found| found.backend)
    }

    /// Reads the arguments of a `terraform_remote_state` data source as JSON: `backend`, `config`, `workspace`.
    ///
    /// As in Terraform, neither `TF_WORKSPACE` nor the selected workspace counts. `defaults` are not applied: a
    /// state that does not exist is an error.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`].
    pub fn of_remote_state(text: &str) -> Result<Backend, Error> {
        let json = Json::parse(text.as_bytes()).map_err(|_| invalid("the data source is not JSON"))?;
        check_type(json.get("backend").and_then(Json::as_str).unwrap_or_default())?;
        let config = json.get("config").ok_or_else(|| invalid("`config` is required"))?;
        let workspace = json.get("workspace").and_then(Json::as_str).unwrap_or(workspace::DEFAULT).to_owned();
        workspace::check(&workspace)?;
        Ok(Backend::S3 { arguments: Box::new(S3Arguments::from_tree(config)?), workspace })
    }
}

/// The backend of a directory, and where it is configured.
pub(crate) struct Found {
    pub(crate) backend: Backend,
    pub(crate) origins: Origins,
}

impl Found {
    pub(crate) fn in_directory(directory: &Path, environment: &Environment) -> Result<Found, Error> {
        let data_dir = directory.join(environment.get("TF_DATA_DIR").unwrap_or(".terraform"));
        let (workspace, workspace_from) = selected_workspace(&data_dir, environment)?;
        let cache = data_dir.join("terraform.tfstate");
        let place = cache.display().to_string();
        let cached = match read_if_there(&cache)? {
            Some(text) => cached_arguments(&text).map_err(|error| error.at(place.clone()))?,
            None => None,
        };
        let found = match cached {
            Some(arguments) => Some((arguments, place)),
            None => block::of_directory(directory)?,
        };
        if let Some((arguments, arguments_from)) = found {
            let backend = Backend::S3 { arguments: Box::new(arguments), workspace };
            return Ok(Found {
                backend,
                origins: Origins { arguments: arguments_from, workspace: workspace_from },
            });
        }
        let path = match workspace.as_str() {
            workspace::DEFAULT => directory.join("terraform.tfstate"),
            name => directory.join("terraform.tfstate.d").join(name).join("terraform.tfstate"),
        };
        if path.is_file() {
            let origins = Origins { arguments: "default".to_owned(), workspace: workspace_from };
            return Ok(Found { backend: Backend::Local { path }, origins });
        }
        Err(invalid("no backend is configured, and there is no local state")
            .at(directory.display().to_string()))
    }
}

pub(crate) fn invalid(problem: impl Into<String>) -> Error {
    ErrorKind::InvalidConfig { problems: vec![problem.into()] }.into()
}

fn check_type(name: &str) -> Result<(), Error> {
    match name {
        "s3" => Ok(()),
        other => Err(invalid(format!("backend {other:?} is not supported, only \"s3\" is"))),
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
fn cached_arguments(text: &[u8]) -> Result<Option<S3Arguments>, Error> {
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
    check_type(backend.get("type").and_then(Json::as_str).unwrap_or_default())?;
    let config = backend.get("config").ok_or_else(|| invalid("the backend cache has no config"))?;
    S3Arguments::from_tree(config).map(Some)
}
