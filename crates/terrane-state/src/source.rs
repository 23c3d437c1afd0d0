//! Where states are kept: each kind of place is one file that implements [`Source`] and has a line in [`KINDS`].

mod directory;
mod file;
mod stdin;

use std::fmt;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use terrane_value::{Error, Intake, Origin};

use crate::arguments::Overrides;
use crate::backend::{Backend, Found};
use crate::clock::{Clock, SystemClock};
use crate::encryption::Kms;
use crate::environment::Environment;
use crate::lock::LockInfo;
use crate::setting::Setting;
use crate::workspace;

pub(crate) use file::File;

/// An answer that a source may have to wait for.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// A place that holds a state.
///
/// Implement it to read states from elsewhere, and hand it to [`Reader::from_source`](crate::Reader::from_source).
///
/// # Examples
///
/// ```
/// use terrane_state::{Answer, Intake, Origin, Reader, Source};
///
/// /// A state that the program holds already.
/// #[derive(Debug)]
/// struct Held(Vec<u8>);
///
/// impl Source for Held {
///     fn place(&self) -> String {
///         "memory".to_owned()
///     }
///
///     fn read<'a>(&'a self, intake: &'a mut Intake, _unless: Option<&'a str>) -> Answer<'a, Option<Origin>> {
///         Box::pin(async move {
///             intake.push(self.0.clone(), true)?;
///             Ok(Some(Origin::at(self.place())))
///         })
///     }
/// }
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let reader = Reader::from_source(Held(br#"{"version":4,"outputs":{}}"#.to_vec()));
/// assert_eq!(reader.read().await?.iter().count(), 0);
/// # Ok::<(), terrane_state::Error>(()) }).unwrap();
/// ```
pub trait Source: fmt::Debug + Send + Sync {
    /// Returns the place as messages name it.
    fn place(&self) -> String;

    /// Pushes the text of one version of the state into an intake until that [wants](Intake::wants) no more, and says
    /// where the text came from. Returns `None` where the state is still the one with the ETag `unless`.
    ///
    /// An implementation that finds the state replaced while it reads [restarts](Intake::restart) the intake.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) where there is no state, those of [`Intake::push`], and why the place cannot be read.
    fn read<'a>(&'a self, intake: &'a mut Intake, unless: Option<&'a str>) -> Answer<'a, Option<Origin>>;

    /// Lists the workspaces that have a state, `default` first.
    ///
    /// # Errors
    ///
    /// Why they cannot be listed.
    fn workspaces(&self) -> Answer<'_, Vec<String>> {
        Box::pin(std::future::ready(Ok(vec![workspace::DEFAULT.to_owned()])))
    }

    /// Returns the locks that someone holds.
    ///
    /// # Errors
    ///
    /// Why it cannot be told.
    fn locks(&self) -> Answer<'_, Vec<LockInfo>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }
}

/// What a reader was told beside the place, as far as sources need it.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) workspace: Option<String>,
    pub(crate) environment: Environment,
    pub(crate) version_id: Option<String>,
    pub(crate) follows_region: bool,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) first_backoff: Duration,
    /// Arguments that count before those of a URI or a directory.
    pub(crate) overrides: Overrides,
    /// Whether something may have to be decrypted.
    pub(crate) is_encrypted: bool,
}

impl Options {
    pub(crate) fn new(environment: Environment) -> Options {
        Options {
            workspace: None,
            environment,
            version_id: None,
            follows_region: false,
            clock: SystemClock::start(),
            first_backoff: Duration::from_secs(1),
            overrides: Overrides::default(),
            is_encrypted: false,
        }
    }

    /// Returns one problem for each option that only S3 knows.
    pub(crate) fn foreign_to(&self, place: &str) -> Vec<String> {
        let given = self.overrides.names();
        given.iter().map(|name| format!("`{name}` is for states in S3, and {place} is not in S3")).collect()
    }
}

/// A source, and how it was configured.
pub(crate) struct Opened {
    pub(crate) source: Arc<dyn Source>,
    pub(crate) settings: Vec<Setting>,
    pub(crate) warnings: Vec<String>,
    pub(crate) kms: Option<Kms>,
    /// How long one read may take, unless somebody says.
    pub(crate) timeout: Option<Duration>,
}

impl Opened {
    pub(crate) fn new(source: impl Source + 'static) -> Opened {
        let (settings, warnings) = (Vec::new(), Vec::new());
        Opened { source: Arc::new(source), settings, warnings, kms: None, timeout: None }
    }
}

/// A kind of place.
pub(crate) struct Kind {
    /// Whether a URI is of this kind.
    pub(crate) takes: fn(&str) -> bool,
    pub(crate) open: for<'a> fn(&'a str, &'a Options) -> Answer<'a, Opened>,
}

/// All kinds; the first that takes a URI opens it.
const KINDS: [Kind; 4] = [stdin::KIND, crate::s3::KIND, directory::KIND, file::KIND];

/// Opens what a URI names.
pub(crate) async fn open(uri: &str, options: &Options) -> Result<Opened, Error> {
    match KINDS.iter().find(|kind| (kind.takes)(uri)) {
        Some(kind) => (kind.open)(uri, options).await,
        None => unreachable!("whatever is nothing else is taken for a file"),
    }
}

/// Opens a backend.
pub(crate) async fn open_backend(found: Found, options: &Options) -> Result<Opened, Error> {
    let Found { backend, workspace_dir, workspace, origins, warnings } = found;
    let opened = match backend {
        Backend::S3 { arguments, workspace } => {
            crate::s3::open(&arguments, &workspace, &origins, options).await?
        }
        Backend::Local { path } => {
            let workspaces = workspace_dir.map(|directory| (directory, workspace.as_str()));
            file::open(path, workspaces, &origins, options)?
        }
    };
    Ok(Opened { warnings, ..opened })
}

/// Returns whether a path names a directory.
pub(crate) fn is_directory(uri: &str) -> bool {
    uri != stdin::URI && !uri.starts_with("s3://") && Path::new(uri).is_dir()
}
