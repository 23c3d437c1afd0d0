//! What reads a state, again and again if need be: from S3, or from a file.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tracing::Instrument as _;

use crate::backend::{Backend, Found};
use crate::clock::{Clock, SystemClock};
use crate::encryption::Encryption;
use crate::environment::Environment;
use crate::file;
use crate::s3::arguments::S3Arguments;
use crate::s3::digest::Table;
use crate::s3::lock::{self, LockInfo};
use crate::s3::object::{CustomerKey, Moves, Object};
use crate::s3::settings::{self, ARGUMENT, Origins, Setting};
use crate::s3::source::{Depth, S3Source, Text};
use crate::s3::{account, connect, workspace};
use terrane_value::{Defaults, Json, State, WholeState};
use terrane_value::{Error, ErrorKind};

/// Reads one state. Cheap to clone, and safe to share.
#[derive(Clone, Debug)]
pub struct Reader {
    source: Arc<Source>,
    settings: Arc<[Setting]>,
    warnings: Arc<[String]>,
    strict: bool,
    encryption: Option<Arc<Encryption>>,
    kms: Option<aws_sdk_kms::Client>,
    defaults: Option<Arc<Defaults>>,
}

#[derive(Debug)]
enum Source {
    S3(Box<S3Source>),
    File(PathBuf),
}

/// Says what to read and how; made by [`Reader::builder`], [`Reader::at`], and [`Reader::remote_state`].
#[derive(Clone, Debug)]
#[must_use]
pub struct ReaderBuilder {
    what: What,
    workspace: Option<String>,
    environment: Environment,
    version_id: Option<String>,
    strict: bool,
    follows_region: bool,
    encryption: Option<Encryption>,
    clock: Option<Arc<dyn Clock>>,
    first_backoff: Duration,
    defaults: Option<Arc<Defaults>>,
}

/// What a builder was given.
#[derive(Clone, Debug)]
enum What {
    Backend(Backend),
    /// `s3://bucket/key`, a state file, or a Terraform directory.
    Uri(String),
}

impl ReaderBuilder {
    fn new(what: What) -> ReaderBuilder {
        ReaderBuilder {
            what,
            workspace: None,
            environment: Environment::process(),
            version_id: None,
            strict: false,
            follows_region: false,
            encryption: None,
            clock: None,
            first_backoff: Duration::from_secs(1),
            defaults: None,
        }
    }

    /// Reads the state of a workspace in place of the selected one, or of `default`.
    pub fn workspace(mut self, name: impl Into<String>) -> ReaderBuilder {
        self.workspace = Some(name.into());
        self
    }

    /// Reads one version of the object for ever. The digest of a pinned version is not checked: the table holds
    /// that of the newest.
    pub fn version_id(mut self, id: impl Into<String>) -> ReaderBuilder {
        self.version_id = Some(id.into());
        self
    }

    /// Takes environment variables from here in place of this process.
    pub fn environment(mut self, environment: Environment) -> ReaderBuilder {
        self.environment = environment;
        self
    }

    /// Reads and checks the whole state each time, as Terraform does: one output or resource that is wrong makes
    /// the state unreadable.
    pub fn strict(mut self) -> ReaderBuilder {
        self.strict = true;
        self
    }

    /// Goes on in the bucket's region where S3 says that it is not the configured one, in place of an error.
    pub fn follow_region(mut self) -> ReaderBuilder {
        self.follows_region = true;
        self
    }

    /// Decrypts a state that OpenTofu has encrypted.
    pub fn encryption(mut self, encryption: Encryption) -> ReaderBuilder {
        self.encryption = Some(encryption);
        self
    }

    /// Waits by another clock between two looks at a digest, and between two polls of a watch.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> ReaderBuilder {
        self.clock = Some(clock);
        self
    }

    /// Waits about this long before a failed request is sent for the second time, and twice as long each time
    /// after; one second unless told.
    pub fn first_backoff(mut self, duration: Duration) -> ReaderBuilder {
        self.first_backoff = duration;
        self
    }

    /// Resolves the configuration and makes the reader. Sends no request, except one to STS where accounts are
    /// allowed or forbidden.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] with all problems at once, [`ErrorKind::InvalidWorkspace`],
    /// [`ErrorKind::AccountNotAllowed`]; those of [`Backend::of_directory`].
    pub async fn connect(mut self) -> Result<Reader, Error> {
        let Found { backend, workspace, origins, warnings } = self.find()?;
        let encryption_from = self.find_encryption()?;
        for warning in &warnings {
            tracing::warn!(warning, "the configuration was read");
        }
        let mut reader = match backend {
            Backend::S3 { arguments, workspace } => self.connect_s3(&arguments, &workspace, &origins).await?,
            Backend::Local { path } => self.open_file(path, &workspace, &origins)?,
        };
        if let (Some(from), Some(encryption)) = (encryption_from, &self.encryption) {
            let mut settings = reader.settings.to_vec();
            settings.push(Setting::new("encryption", &encryption.names().join(", "), &from));
            reader.settings = settings.into();
        }
        reader.encryption = self.encryption.map(Arc::new);
        reader.warnings = warnings.into();
        reader.strict = self.strict;
        reader.defaults = self.defaults;
        Ok(reader)
    }

    /// Finds the backend that is meant, and who says so.
    fn find(&self) -> Result<Found, Error> {
        let named = self.workspace.as_deref();
        let uri = match &self.what {
            What::Backend(backend) => return Ok(given(backend.clone(), named)),
            What::Uri(uri) => uri,
        };
        // What looks like another URI and is no file is better called by its name than looked for.
        if uri.starts_with("s3://") || (uri.contains("://") && !Path::new(uri).exists()) {
            let arguments = Box::new(S3Arguments::from_uri(uri)?);
            let workspace = workspace::DEFAULT.to_owned();
            return Ok(given(Backend::S3 { arguments, workspace }, named));
        }
        named.map_or(Ok(()), workspace::check)?;
        match (Path::new(uri).is_dir(), named) {
            (true, Some(name)) => {
                let environment = self.environment.clone().with("TF_WORKSPACE", name);
                let mut found = Found::in_directory(uri.as_ref(), &environment)?;
                found.origins.workspace = ARGUMENT.to_owned();
                Ok(found)
            }
            (true, None) => Found::in_directory(uri.as_ref(), &self.environment),
            (false, Some(name)) => {
                let reason = format!("{uri} is a state file, which has no workspaces");
                Err(ErrorKind::InvalidWorkspace { name: name.to_owned(), reason }.into())
            }
            (false, None) => Ok(given(Backend::Local { path: uri.into() }, None)),
        }
    }

    /// Finds how the state is encrypted unless that was given, and returns who says so.
    fn find_encryption(&mut self) -> Result<Option<String>, Error> {
        if self.encryption.is_some() {
            return Ok(Some(ARGUMENT.to_owned()));
        }
        let What::Uri(uri) = &self.what else { return Ok(None) };
        let is_directory = Path::new(uri).is_dir() && !uri.starts_with("s3://");
        self.encryption = match is_directory {
            true => Encryption::of_directory(uri.as_ref(), &self.environment)?,
            false => Encryption::of_environment(&self.environment)?,
        };
        let from_directory = is_directory && self.environment.get("TF_ENCRYPTION").is_none();
        let from = if from_directory { uri.clone() } else { "TF_ENCRYPTION".to_owned() };
        Ok(self.encryption.as_ref().map(|_| from))
    }

    async fn connect_s3(
        &self,
        arguments: &S3Arguments,
        workspace: &str,
        origins: &Origins,
    ) -> Result<Reader, Error> {
        let mut settings = settings::resolve(arguments, &self.environment, workspace, origins)?;
        let aws = connect::aws(&mut settings, &self.environment, self.first_backoff).await?;
        account::check(&settings, &aws).await?;
        let table = settings.dynamodb_table.clone().map(|name| Table {
            client: connect::dynamodb(&settings, &aws),
            name,
            lock_id: format!("{}/{}", settings.bucket, settings.object),
        });
        let kms = self.encryption.as_ref().map(|_| connect::kms(&settings, &aws));
        let object = Object {
            client: connect::s3(&settings, &aws),
            bucket: settings.bucket,
            key: settings.object,
            region: settings.region,
            version_id: self.version_id.clone(),
            customer_key: CustomerKey::new(settings.customer_key, settings.spare_customer_key),
            moves: Moves::allowed(self.follows_region),
        };
        let clock = self.clock.clone().unwrap_or_else(SystemClock::start);
        let source = S3Source { object, table, prefix: settings.prefix, key: settings.key, clock };
        Ok(Reader {
            settings: settings.report.into(),
            kms,
            ..Reader::of_source(Source::S3(Box::new(source)))
        })
    }

    fn open_file(&self, path: PathBuf, workspace: &str, origins: &Origins) -> Result<Reader, Error> {
        if self.version_id.is_some() {
            let problem = format!("{} is a file, which has no versions to pin", path.display());
            return Err(ErrorKind::InvalidConfig { problems: vec![problem] }.into());
        }
        let mut settings = vec![
            Setting::new("backend", "local", &origins.arguments),
            Setting::new("path", &path.display().to_string(), &origins.arguments),
        ];
        if matches!(&self.what, What::Uri(uri) if Path::new(uri).is_dir()) {
            settings.push(Setting::new("workspace", workspace, &origins.workspace));
        }
        Ok(Reader { settings: settings.into(), ..Reader::from_file(path) })
    }
}

/// Returns a backend that was given as such.
fn given(backend: Backend, named: Option<&str>) -> Found {
    let backend = match (backend, named) {
        (Backend::S3 { arguments, .. }, Some(name)) => Backend::S3 { arguments, workspace: name.to_owned() },
        (backend, _) => backend,
    };
    let workspace = match &backend {
        Backend::S3 { workspace, .. } => workspace.clone(),
        Backend::Local { .. } => workspace::DEFAULT.to_owned(),
    };
    let is_default = named.is_none() && workspace == workspace::DEFAULT;
    let workspace_from = if is_default { "default" } else { ARGUMENT }.to_owned();
    let origins = Origins { arguments: ARGUMENT.to_owned(), workspace: workspace_from };
    Found { backend, workspace, origins, warnings: Vec::new() }
}

impl Reader {
    /// Starts from Terraform's arguments of the S3 backend, with the environment of this process.
    pub fn builder(arguments: S3Arguments) -> ReaderBuilder {
        let workspace = workspace::DEFAULT.to_owned();
        ReaderBuilder::new(What::Backend(Backend::S3 { arguments: Box::new(arguments), workspace }))
    }

    /// Starts from `s3://bucket/key`, a state file, or a Terraform directory, with the environment of this process.
    ///
    /// A state that OpenTofu has encrypted is decrypted as `TF_ENCRYPTION`, or the directory, says.
    pub fn at(uri: impl Into<String>) -> ReaderBuilder {
        ReaderBuilder::new(What::Uri(uri.into()))
    }

    /// Starts from the arguments of a `terraform_remote_state` data source as JSON: `backend`, `config`, `workspace`,
    /// and `defaults`, which stand for outputs that the state lacks.
    ///
    /// A state that does not exist is an error all the same, as in Terraform; see [`State::with_defaults`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`], [`ErrorKind::InvalidWorkspace`].
    pub fn remote_state(text: &str) -> Result<ReaderBuilder, Error> {
        let backend = Backend::of_remote_state(text)?;
        let defaults = Json::parse(text.as_bytes()).ok();
        let defaults = defaults.as_ref().and_then(|json| json.get("defaults")).map(Defaults::of);
        let defaults = defaults.transpose()?.map(Arc::new);
        Ok(ReaderBuilder { defaults, ..ReaderBuilder::new(What::Backend(backend)) })
    }

    /// Opens `s3://bucket/key`, a state file, or a Terraform directory: [`Reader::at`], and nothing else said.
    ///
    /// # Errors
    ///
    /// Those of [`ReaderBuilder::connect`].
    pub async fn open(uri: &str) -> Result<Reader, Error> {
        Reader::at(uri).connect().await
    }

    fn of_source(source: Source) -> Reader {
        Reader {
            source: Arc::new(source),
            settings: Arc::new([]),
            warnings: Arc::new([]),
            strict: false,
            encryption: None,
            kms: None,
            defaults: None,
        }
    }

    /// Decrypts what is read, for a reader of a file or of a foreign client.
    #[must_use]
    pub fn with_encryption(mut self, encryption: Encryption) -> Reader {
        self.encryption = Some(Arc::new(encryption));
        self
    }

    /// Reads a state file.
    pub fn from_file(path: impl Into<PathBuf>) -> Reader {
        Reader::of_source(Source::File(path.into()))
    }

    /// Reads an object with a client that the caller has configured; the digest table and the workspaces of a
    /// backend are unknown to it.
    pub fn from_client(
        client: aws_sdk_s3::Client,
        bucket: impl Into<String>,
        key: impl Into<String>,
    ) -> Reader {
        let key = key.into();
        let region = client.config().region().map(ToString::to_string).unwrap_or_default();
        let object = Object {
            client,
            bucket: bucket.into(),
            key: key.clone(),
            region,
            version_id: None,
            customer_key: CustomerKey::default(),
            moves: Moves::default(),
        };
        let clock = SystemClock::start();
        let source = S3Source { object, table: None, prefix: "env:".to_owned(), key, clock };
        Reader::of_source(Source::S3(Box::new(source)))
    }

    /// Reads the outputs.
    ///
    /// Where the text shows that the outputs are complete, its rest is not fetched.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if there is no state, and all kinds that tell why it cannot be reached or read.
    pub async fn read(&self) -> Result<State, Error> {
        let span = tracing::info_span!("read_state", state = %self.place());
        self.read_outputs().instrument(span).await.map(|state| self.complete(state))
    }

    /// Adds the defaults of a data source.
    fn complete(&self, state: State) -> State {
        match &self.defaults {
            Some(defaults) => state.or(defaults),
            None => state,
        }
    }

    async fn read_outputs(&self) -> Result<State, Error> {
        match &*self.source {
            Source::S3(source) if !self.strict && self.encryption.is_none() => {
                source.read_outputs(Text::state).await
            }
            Source::S3(source) if self.encryption.is_none() => {
                let state = source.read_text(Depth::Checked).await?.state()?;
                state.check_outputs()?;
                Ok(state)
            }
            Source::File(path) if self.strict && self.encryption.is_none() => {
                let state = file::check(path).await?.state()?;
                state.check_outputs()?;
                Ok(state)
            }
            _ if self.strict => {
                let whole = self.whole(self.text().await?)?;
                Ok(whole.into())
            }
            _ => self.text().await?.state(),
        }
    }

    /// Reads the outputs and the resources.
    ///
    /// # Errors
    ///
    /// Those of [`read`](Reader::read), and [`ErrorKind::InvalidResources`].
    pub async fn read_whole(&self) -> Result<WholeState, Error> {
        let span = tracing::info_span!("read_whole_state", state = %self.place());
        let whole = async { self.whole(self.text().await?) }.instrument(span).await?;
        Ok(match &self.defaults {
            Some(defaults) => whole.or(defaults),
            None => whole,
        })
    }

    /// Reads the outputs if the object is no longer the one that an ETag names.
    ///
    /// # Errors
    ///
    /// Those of [`read`](Reader::read).
    pub async fn read_if_changed(&self, etag: &str) -> Result<Option<State>, Error> {
        match &*self.source {
            Source::S3(source) => {
                let Some(text) = source.read_if_changed(etag).await? else { return Ok(None) };
                let text = self.decrypted(text).await?;
                let state = if self.strict { self.whole(text)?.into() } else { text.state()? };
                Ok(Some(self.complete(state)))
            }
            Source::File(_) => {
                let state = self.read().await?;
                Ok(Some(state).filter(|state| state.etag() != Some(etag)))
            }
        }
    }

    /// Lists the workspaces that have a state, `default` first.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AccessDenied`] if the bucket may not be listed, unless the prefix is Terraform's own: then
    /// `default` alone is returned, as in Terraform.
    pub async fn workspaces(&self) -> Result<Vec<String>, Error> {
        match &*self.source {
            Source::S3(source) => source.workspaces().await,
            Source::File(_) => Ok(vec![workspace::DEFAULT.to_owned()]),
        }
    }

    /// Returns the locks that someone holds: none, or one, or two where Terraform is told to keep two kinds.
    ///
    /// # Errors
    ///
    /// Those of reaching the service.
    pub async fn locks(&self) -> Result<Vec<LockInfo>, Error> {
        match &*self.source {
            Source::S3(source) => lock::held(&source.object, source.table.as_ref()).await,
            Source::File(_) => Ok(Vec::new()),
        }
    }

    /// Returns the configuration as it was resolved, and where each value came from. Secrets are hidden.
    pub fn settings(&self) -> &[Setting] {
        &self.settings
    }

    /// Returns what was noticed about the configuration, such as a `backend` block that is not the one with which
    /// `terraform init` ran.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Returns what is read, as `s3://bucket/key` or a path.
    pub fn place(&self) -> String {
        match &*self.source {
            Source::S3(source) => source.object.place(),
            Source::File(path) => path.display().to_string(),
        }
    }

    fn whole(&self, text: Text) -> Result<WholeState, Error> {
        let whole = text.whole()?;
        if self.strict {
            whole.check_outputs()?;
        }
        Ok(whole)
    }

    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        match &*self.source {
            Source::S3(source) => source.clock.clone(),
            Source::File(_) => SystemClock::start(),
        }
    }

    async fn text(&self) -> Result<Text, Error> {
        self.decrypted(self.stored_text().await?).await
    }

    async fn decrypted(&self, mut text: Text) -> Result<Text, Error> {
        if let Some(encryption) = &self.encryption {
            let opened = encryption.open(text.bytes, self.kms.as_ref()).await;
            text.bytes = opened.map_err(|error| error.at(self.place()))?;
        }
        Ok(text)
    }

    async fn stored_text(&self) -> Result<Text, Error> {
        match &*self.source {
            Source::S3(source) => source.read_text(Depth::Text).await,
            Source::File(path) => file::read(path).await,
        }
    }
}

/// Reads the outputs of `s3://bucket/key`, a state file, or a Terraform directory, once.
///
/// # Errors
///
/// Those of [`Reader::open`] and [`Reader::read`].
pub async fn read(uri: &str) -> Result<State, Error> {
    Reader::open(uri).await?.read().await
}
