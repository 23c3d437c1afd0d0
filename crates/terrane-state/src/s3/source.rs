//! One state in S3: the read sequence.

use std::sync::Arc;
use std::time::Duration;

use terrane_value::{Depth, Error, ErrorKind, Intake, Missing, Origin, Wants};

use super::digest::{Digest, Stored, Table};
use super::object::{Answer as Got, Fetched, Object, Part};
use super::service::{self, Request};
use super::{lock, workspaces};
use crate::clock::Clock;
use crate::lock::LockInfo;
use crate::source::{Answer, Source};
use crate::workspace;

/// How often reading starts anew when the object is replaced meanwhile.
const READ_ATTEMPTS: u32 = 4;

/// Terraform waits so long between two looks at a digest that does not match…
const DIGEST_STEP: Duration = Duration::from_secs(2);

/// …and gives up after this time.
const DIGEST_WINDOW: Duration = Duration::from_secs(10);

/// A state in S3.
#[derive(Debug)]
pub(crate) struct S3Source {
    pub(crate) object: Object,
    pub(crate) table: Option<Table>,
    pub(crate) prefix: String,
    pub(crate) key: String,
    pub(crate) clock: Arc<dyn Clock>,
}

/// How one pass over the object ended.
enum Pass {
    /// The intake has what it wants.
    Read(Origin),
    /// The object is the one that `unless` names.
    NotModified,
    /// The object was replaced between two requests.
    Replaced,
    /// S3 names no ETag, so that parts might be of different versions.
    WithoutEtag,
}

/// What tells one version of the object from another.
#[derive(PartialEq)]
struct Version {
    etag: Option<String>,
    version_id: Option<String>,
    total: u64,
}

impl Version {
    fn of(fetched: &Fetched) -> Version {
        Version { etag: fetched.etag.clone(), version_id: fetched.version_id.clone(), total: fetched.total }
    }
}

impl Source for S3Source {
    fn place(&self) -> String {
        self.object.place()
    }

    fn read<'a>(&'a self, intake: &'a mut Intake, unless: Option<&'a str>) -> Answer<'a, Option<Origin>> {
        Box::pin(async move {
            match &self.table {
                // The table holds the digest of the newest version.
                Some(table) if self.object.version_id.is_none() => {
                    self.read_with_digest(table, intake, unless).await
                }
                _ => self.read_version(intake, unless, &mut None).await,
            }
        })
    }

    fn workspaces(&self) -> Answer<'_, Vec<String>> {
        Box::pin(self.list_workspaces())
    }

    fn locks(&self) -> Answer<'_, Vec<LockInfo>> {
        Box::pin(lock::held(&self.object, self.table.as_ref()))
    }
}

impl S3Source {
    /// Reads one version of the object, and starts anew if it is replaced meanwhile.
    async fn read_version(
        &self,
        intake: &mut Intake,
        unless: Option<&str>,
        digest: &mut Option<Digest>,
    ) -> Result<Option<Origin>, Error> {
        for _ in 0..READ_ATTEMPTS {
            intake.restart();
            digest.iter_mut().for_each(|digest| *digest = Digest::new());
            match self.pass(intake, unless, digest).await? {
                Pass::Read(origin) => return Ok(Some(origin)),
                Pass::NotModified => return Ok(None),
                Pass::Replaced => {
                    tracing::debug!("the object was replaced between two parts; reading it anew");
                }
                Pass::WithoutEtag => {
                    tracing::debug!("S3 names no ETag; reading the object in one part");
                    intake.take_all();
                }
            }
        }
        Err(Error::new(ErrorKind::KeepsChanging { attempts: READ_ATTEMPTS }).at(self.place()))
    }

    async fn pass(
        &self,
        intake: &mut Intake,
        unless: Option<&str>,
        digest: &mut Option<Digest>,
    ) -> Result<Pass, Error> {
        let mut version: Option<Version> = None;
        loop {
            let part = next_part(intake, version.as_ref(), unless);
            let is_first = version.is_none();
            let fetched = match self.object.get(&part, intake.limit()).await {
                Ok(Got::Bytes(fetched)) => fetched,
                Ok(Got::NotModified) if is_first => return Ok(Pass::NotModified),
                // Only an object without bytes has no first one.
                Ok(Got::OutOfRange) if is_first => return Err(self.missing(Missing::Empty)),
                Ok(_) => return Ok(Pass::Replaced),
                // Deleted meanwhile: the next pass says so.
                Err(error) if !is_first && matches!(error.kind(), ErrorKind::NotFound { .. }) => {
                    return Ok(Pass::Replaced);
                }
                Err(error) => return Err(error),
            };
            let found = Version::of(&fetched);
            if version.as_ref().is_some_and(|version| *version != found) {
                return Ok(Pass::Replaced);
            }
            let is_last = intake.taken() + fetched.bytes.len() as u64 >= fetched.total;
            if !is_last && found.etag.is_none() {
                return Ok(Pass::WithoutEtag);
            }
            if let Some(digest) = digest {
                digest.update(&fetched.bytes);
            }
            intake.push(fetched.bytes, is_last).map_err(|error| error.at(self.place()))?;
            if intake.wants() == Wants::Nothing {
                if intake.taken() == 0 {
                    return Err(self.missing(Missing::Empty));
                }
                if intake.taken() < found.total {
                    tracing::debug!(bytes = intake.taken(), total = found.total, "outputs read early");
                }
                return Ok(Pass::Read(self.origin(&found)));
            }
            version = Some(found);
        }
    }

    async fn read_with_digest(
        &self,
        table: &Table,
        intake: &mut Intake,
        unless: Option<&str>,
    ) -> Result<Option<Origin>, Error> {
        // The digest is that of the whole object.
        if intake.depth() == Depth::Outputs {
            intake.take_all();
        }
        let start = self.clock.now();
        loop {
            let mut digest = Some(Digest::new());
            let read = match self.read_version(intake, unless, &mut digest).await {
                Ok(None) => return Ok(None),
                Ok(Some(origin)) => Ok(origin),
                Err(error) if matches!(error.kind(), ErrorKind::NotFound { .. }) => Err(error),
                Err(error) => return Err(error),
            };
            let stored = match table.digest().await {
                Stored::Digest(digest) => digest,
                Stored::Nothing(reason) => {
                    tracing::warn!(reason, "the state was not checked against a digest");
                    return read.map(|mut origin| {
                        origin.warnings.push(reason);
                        Some(origin)
                    });
                }
            };
            let calculated = match (&read, digest) {
                (Ok(_), Some(digest)) => digest.finish(),
                _ => String::new(),
            };
            if calculated == stored {
                return read.map(Some);
            }
            if self.clock.now().saturating_sub(start) >= DIGEST_WINDOW {
                let (bucket, key) = (self.object.bucket.clone(), self.object.key.clone());
                return Err(ErrorKind::ChecksumMismatch { bucket, key, calculated, stored }.into());
            }
            self.clock.sleep(DIGEST_STEP).await;
        }
    }

    /// Lists the workspaces that have a state, `default` first.
    async fn list_workspaces(&self) -> Result<Vec<String>, Error> {
        let prefix = if self.prefix.is_empty() { String::new() } else { format!("{}/", self.prefix) };
        let mut names = std::collections::BTreeSet::new();
        let mut token = None;
        loop {
            let page = self
                .object
                .client
                .list_objects_v2()
                .bucket(&self.object.bucket)
                .prefix(&prefix)
                .max_keys(1000)
                .set_continuation_token(token.clone())
                .customize()
                .config_override(self.object.moves.config())
                .send()
                .await;
            let page = match page {
                Ok(page) => page,
                Err(error) => {
                    let request = Request { gets_object: false, ..self.object.request() };
                    let place = format!("listing s3://{}/{prefix}", self.object.bucket);
                    let error = service::explain(error, request).at(place);
                    let denied = matches!(error.kind(), ErrorKind::AccessDenied { .. });
                    if denied && self.prefix == "env:" {
                        break;
                    }
                    return Err(error);
                }
            };
            let keys = page.contents().iter().filter_map(|object| object.key());
            names.extend(
                keys.filter_map(|key| workspaces::of_object(key, &self.prefix, &self.key)).map(str::to_owned),
            );
            // A page that names itself as the next one would be listed for ever.
            let next = page.next_continuation_token;
            if next.is_none() || next == token {
                break;
            }
            token = next;
        }
        names.remove(workspace::DEFAULT);
        Ok(std::iter::once(workspace::DEFAULT.to_owned()).chain(names).collect())
    }

    fn missing(&self, reason: Missing) -> Error {
        Error::new(ErrorKind::NotFound { reason }).at(self.place())
    }

    fn origin(&self, version: &Version) -> Origin {
        let mut origin = Origin::at(self.place());
        origin.etag = version.etag.clone();
        origin.version_id = version.version_id.clone();
        origin
    }
}

/// Returns which bytes to ask for next.
fn next_part(intake: &Intake, version: Option<&Version>, unless: Option<&str>) -> Part {
    let start = intake.taken();
    let last_of_all = |version: &Version| version.total.saturating_sub(1);
    let bytes = match (intake.wants(), version) {
        (Wants::Bytes(size), None) => Some((start, start + size.max(1) - 1)),
        (_, None) => None,
        (Wants::Bytes(size), Some(version)) => {
            Some((start, last_of_all(version).min(start.saturating_add(size.max(1)) - 1)))
        }
        (_, Some(version)) => Some((start, last_of_all(version))),
    };
    Part {
        bytes,
        if_match: version.and_then(|version| version.etag.clone()),
        if_none_match: unless.filter(|_| version.is_none()).map(str::to_owned),
    }
}
