//! What reads a state, again and again if need be, from wherever it is kept.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use terrane_value::{Defaults, Depth, Error, ErrorKind, Intake, Json, Origin, State, WholeState};
use tracing::Instrument as _;

use crate::arguments::S3Arguments;
use crate::backend::{Backend, Found};
use crate::clock::{Clock, SystemClock};
use crate::encryption::{Encryption, Kms};
use crate::environment::Environment;
use crate::lock::LockInfo;
use crate::setting::{ARGUMENT, Origins, Setting};
use crate::source::{self, File, Opened, Options, Source};
use crate::workspace;

/// The greatest size of a state that is read unless told otherwise, in bytes.
const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// How long it may take to find out how a place is reached, unless somebody says.
const OPENING: Duration = Duration::from_secs(120);

/// Reads one state. Cheap to clone, and safe to share.
#[derive(Clone, Debug)]
pub struct Reader {
    source: Arc<dyn Source>,
    settings: Arc<[Setting]>,
    warnings: Arc<[String]>,
    strict: bool,
    encryption: Option<Arc<Encryption>>,
    kms: Option<Kms>,
    defaults: Option<Arc<Defaults>>,
    clock: Arc<dyn Clock>,
    max_bytes: u64,
    timeout: Option<Duration>,
}

/// Says what to read and how; made by [`Reader::builder`], [`Reader::at`], and [`Reader::remote_state`].
#[derive(Clone, Debug)]
#[must_use]
pub struct ReaderBuilder {
    what: What,
    options: Options,
    strict: bool,
    encryption: Option<Encryption>,
    defaults: Option<Arc<Defaults>>,
    max_bytes: u64,
    timeout: Option<Duration>,
}

/// What a builder was given.
#[derive(Clone, Debug)]
enum What {
    Backend(Backend),
    /// Whatever a kind of source takes.
    Uri(String),
}

impl ReaderBuilder {
    fn new(what: What) -> ReaderBuilder {
        ReaderBuilder {
            what,
            options: Options::new(Environment::process()),
            strict: false,
            encryption: None,
            defaults: None,
            max_bytes: MAX_BYTES,
            timeout: None,
        }
    }

    /// Reads the state of a workspace in place of the selected one, or of `default`.
    pub fn workspace(mut self, name: impl Into<String>) -> ReaderBuilder {
        self.options.workspace = Some(name.into());
        self
    }

    /// Reads one version of the object for ever. The digest of a pinned version is not checked: the table holds
    /// that of the newest.
    pub fn version_id(mut self, id: impl Into<String>) -> ReaderBuilder {
        self.options.version_id = Some(id.into());
        self
    }

    /// Takes environment variables from here in place of this process.
    pub fn environment(mut self, environment: Environment) -> ReaderBuilder {
        self.options.environment = environment;
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
        self.options.follows_region = true;
        self
    }

    /// Decrypts a state that OpenTofu has encrypted.
    pub fn encryption(mut self, encryption: Encryption) -> ReaderBuilder {
        self.encryption = Some(encryption);
        self
    }

    /// Waits by another clock between two looks at a digest, and between two polls of a watch.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> ReaderBuilder {
        self.options.clock = clock;
        self
    }

    /// Waits about this long before a failed request is sent for the second time, and twice as long each time
    /// after; one second unless told.
    pub fn first_backoff(mut self, duration: Duration) -> ReaderBuilder {
        self.options.first_backoff = duration;
        self
    }

    /// Gives up a read after this long, the connection and all attempts included. Unless told, a read from S3 has two
    /// minutes, and one of a file or of standard input has no bound.
    pub fn timeout(mut self, duration: Duration) -> ReaderBuilder {
        self.timeout = Some(duration);
        self
    }

    /// Refuses a state of more than this many bytes; 256 MiB unless told.
    pub fn max_bytes(mut self, bytes: u64) -> ReaderBuilder {
        self.max_bytes = bytes;
        self
    }

    /// Speaks to S3 in this region, whatever a backend or the environment says.
    pub fn region(mut self, region: impl Into<String>) -> ReaderBuilder {
        self.options.overrides.region = Some(region.into());
        self
    }

    /// Takes credentials from this profile, whatever a backend or the environment says.
    pub fn profile(mut self, profile: impl Into<String>) -> ReaderBuilder {
        self.options.overrides.profile = Some(profile.into());
        self
    }

    /// Takes on this role, whatever a backend says.
    pub fn role_arn(mut self, arn: impl Into<String>) -> ReaderBuilder {
        self.options.overrides.role_arn = Some(arn.into());
        self
    }

    /// Speaks to S3 at this URL, with the bucket in the path, whatever a backend or the environment says.
    pub fn endpoint(mut self, url: impl Into<String>) -> ReaderBuilder {
        self.options.overrides.endpoint = Some(url.into());
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
        let encryption_from = self.find_encryption()?;
        self.options.is_encrypted = self.encryption.is_some();
        let opening = async {
            match &self.what {
                What::Uri(uri) => source::open(uri, &self.options).await,
                What::Backend(backend) => {
                    let found = given(backend.clone(), self.options.workspace.as_deref());
                    source::open_backend(found, &self.options).await
                }
            }
        };
        let limit = self.timeout.unwrap_or(OPENING);
        let opened = tokio::time::timeout(limit, opening).await;
        let mut opened = opened.map_err(|_| Error::new(ErrorKind::Timeout { after: limit }))??;
        for warning in &opened.warnings {
            tracing::warn!(warning, "the configuration was read");
        }
        if let (Some(from), Some(encryption)) = (encryption_from, &self.encryption) {
            opened.settings.push(Setting::new("encryption", &encryption.names().join(", "), &from));
        }
        Ok(Reader {
            strict: self.strict,
            encryption: self.encryption.map(Arc::new),
            defaults: self.defaults,
            max_bytes: self.max_bytes,
            timeout: self.timeout.or(opened.timeout),
            ..Reader::of(opened, self.options.clock)
        })
    }

    /// Finds how the state is encrypted unless that was given, and returns who says so.
    fn find_encryption(&mut self) -> Result<Option<String>, Error> {
        if self.encryption.is_some() {
            return Ok(Some(ARGUMENT.to_owned()));
        }
        let What::Uri(uri) = &self.what else { return Ok(None) };
        let environment = &self.options.environment;
        let is_directory = source::is_directory(uri);
        self.encryption = match is_directory {
            true => Encryption::of_directory(uri.as_ref(), environment)?,
            false => Encryption::of_environment(environment)?,
        };
        let from_directory = is_directory && environment.get("TF_ENCRYPTION").is_none();
        let from = if from_directory { uri.clone() } else { "TF_ENCRYPTION".to_owned() };
        Ok(self.encryption.as_ref().map(|_| from))
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
    Found { backend, workspace_dir: None, workspace, origins, warnings: Vec::new() }
}

impl Reader {
    /// Starts from Terraform's arguments of the S3 backend, with the environment of this process.
    pub fn builder(arguments: S3Arguments) -> ReaderBuilder {
        let workspace = workspace::DEFAULT.to_owned();
        ReaderBuilder::new(What::Backend(Backend::S3 { arguments: Box::new(arguments), workspace }))
    }

    /// Starts from `s3://bucket/key`, a state file, a Terraform directory, or `-` for standard input, with the
    /// environment of this process.
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

    /// Reads states from a source of the caller's own.
    pub fn from_source(source: impl Source + 'static) -> Reader {
        Reader::of(Opened::new(source), SystemClock::start())
    }

    fn of(opened: Opened, clock: Arc<dyn Clock>) -> Reader {
        Reader {
            source: opened.source,
            settings: opened.settings.into(),
            warnings: opened.warnings.into(),
            strict: false,
            encryption: None,
            kms: opened.kms,
            defaults: None,
            clock,
            max_bytes: MAX_BYTES,
            timeout: opened.timeout,
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
        Reader::from_source(File::new(path.into()))
    }

    /// Reads an object with a client that the caller has configured; the digest table and the workspaces of a
    /// backend are unknown to it.
    #[cfg(feature = "s3")]
    pub fn from_client(
        client: aws_sdk_s3::Client,
        bucket: impl Into<String>,
        key: impl Into<String>,
    ) -> Reader {
        let clock = SystemClock::start();
        Reader::of(crate::s3::of_client(client, bucket.into(), key.into(), clock.clone()), clock)
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
        let state = self.read_unless(None).instrument(span).await?;
        state.ok_or_else(|| self.unasked())
    }

    /// Reads the outputs and the resources.
    ///
    /// # Errors
    ///
    /// Those of [`read`](Reader::read), and [`ErrorKind::InvalidResources`].
    pub async fn read_whole(&self) -> Result<WholeState, Error> {
        let span = tracing::info_span!("read_whole_state", state = %self.place());
        let reading = async {
            let taken = self.take(Depth::Whole, None).await?;
            let (intake, origin) = taken.ok_or_else(|| self.unasked())?;
            self.whole(intake, origin).await
        };
        let whole = reading.instrument(span).await?;
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
        self.read_unless(Some(etag)).await
    }

    /// Returns how much of the state must be read for its outputs.
    fn depth(&self) -> Depth {
        match (self.encryption.is_some(), self.strict) {
            (true, _) => Depth::Whole,
            (false, true) => Depth::Checked,
            (false, false) => Depth::Outputs,
        }
    }

    async fn read_unless(&self, etag: Option<&str>) -> Result<Option<State>, Error> {
        let Some((intake, origin)) = self.take(self.depth(), etag).await? else { return Ok(None) };
        let state = match (self.encryption.is_some(), self.strict) {
            (false, _) => intake.state(origin)?,
            (true, true) => self.whole(intake, origin).await?.into(),
            (true, false) => {
                let text = self.decrypted(intake.into_text()).await?;
                State::parse(&text).map_err(|error| error.at(self.place()))?.with_origin(origin)
            }
        };
        Ok(Some(match &self.defaults {
            Some(defaults) => state.or(defaults),
            None => state,
        }))
    }

    /// Takes the text from the source, as deep as is needed; `None` if it is the one with an ETag.
    async fn take(&self, depth: Depth, unless: Option<&str>) -> Result<Option<(Intake, Origin)>, Error> {
        let mut intake = Intake::new(depth, self.max_bytes);
        let origin = self.in_time(self.source.read(&mut intake, unless)).await?;
        Ok(origin.map(|origin| (intake, origin)))
    }

    async fn whole(&self, intake: Intake, origin: Origin) -> Result<WholeState, Error> {
        let text = self.decrypted(intake.into_text()).await?;
        let whole = WholeState::parse(&text).map_err(|error| error.at(self.place()))?.with_origin(origin);
        if self.strict {
            whole.check_outputs()?;
        }
        Ok(whole)
    }

    async fn decrypted(&self, text: Vec<u8>) -> Result<Vec<u8>, Error> {
        match &self.encryption {
            Some(encryption) => {
                let opened = encryption.open(text, self.kms.as_ref()).await;
                opened.map_err(|error| error.at(self.place()))
            }
            None => Ok(text),
        }
    }

    /// Waits for a source, as long as it may take.
    async fn in_time<T>(&self, answer: source::Answer<'_, T>) -> Result<T, Error> {
        let Some(after) = self.timeout else { return answer.await };
        match tokio::time::timeout(after, answer).await {
            Ok(answer) => answer,
            Err(_) => Err(Error::new(ErrorKind::Timeout { after })
                .at(self.place())
                .hinting("a state that takes longer needs `timeout`, or --timeout")),
        }
    }

    fn unasked(&self) -> Error {
        let reason = "the source says \"not modified\", which was not asked".to_owned();
        Error::new(ErrorKind::Io { reason }).at(self.place())
    }

    /// Lists the workspaces that have a state, `default` first.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AccessDenied`] if the bucket may not be listed, unless the prefix is Terraform's own: then
    /// `default` alone is returned, as in Terraform.
    pub async fn workspaces(&self) -> Result<Vec<String>, Error> {
        self.in_time(self.source.workspaces()).await
    }

    /// Returns the locks that someone holds: none, or one, or two where Terraform is told to keep two kinds.
    ///
    /// # Errors
    ///
    /// Those of reaching the service.
    pub async fn locks(&self) -> Result<Vec<LockInfo>, Error> {
        self.in_time(self.source.locks()).await
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
        self.source.place()
    }

    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        self.clock.clone()
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
