//! One state in S3: the read sequence.

use std::sync::Arc;
use std::time::Duration;

use super::digest::{self, Digest, Stored, Table};
use super::object::{Answer, Fetched, Object, Part};
use super::service::{self, Request};
use super::workspace;
use crate::clock::Clock;
use terrane_value::pieces::Checker;
use terrane_value::pieces::{self as prefix, Prefix};
use terrane_value::{Error, ErrorKind, Missing};
use terrane_value::{Origin, State, WholeState};

/// The first part of a state that is asked for; most outputs end before it does.
const FIRST_PART: u64 = 64 * 1024;

/// How much of a state that is checked as a whole is held at a time.
const CHECKED_PART: u64 = 4 * 1024 * 1024;

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

/// The bytes of one version of the object.
#[derive(Debug)]
pub(crate) struct Text {
    pub(crate) bytes: Vec<u8>,
    pub(crate) origin: Origin,
    /// The MD5 of the object, where it is not that of `bytes`.
    pub(crate) digest: Option<String>,
}

/// What is made of the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Its text.
    Text,
    /// A text with the same outputs, after all of it was checked piece by piece.
    Checked,
}

impl S3Source {
    /// Reads the outputs from the first bytes if they tell; `whole` reads the rest.
    pub(crate) async fn read_outputs(
        &self,
        whole: impl Fn(Text) -> Result<State, Error>,
    ) -> Result<State, Error> {
        if self.has_digest() {
            return whole(self.read_text(Depth::Text).await?);
        }
        for _ in 0..READ_ATTEMPTS {
            match self.read_from_start(&whole).await? {
                Some(state) => return Ok(state),
                None => tracing::debug!("the object was replaced between two parts; reading it anew"),
            }
        }
        Err(Error::new(ErrorKind::KeepsChanging { attempts: READ_ATTEMPTS }).at(self.object.place()))
    }

    /// Returns `None` if the object was replaced between two requests.
    async fn read_from_start(
        &self,
        whole: &impl Fn(Text) -> Result<State, Error>,
    ) -> Result<Option<State>, Error> {
        let first = Part { bytes: Some((0, FIRST_PART - 1)), ..Part::default() };
        let mut fetched = match self.object.get(&first).await? {
            Answer::Bytes(fetched) => fetched,
            Answer::OutOfRange => return Err(self.missing(Missing::Empty)),
            Answer::Changed | Answer::NotModified => return Ok(None),
        };
        let mut next_size = 4 * FIRST_PART;
        loop {
            if fetched.is_whole() {
                return whole(self.text(fetched)).map(Some);
            }
            match prefix::read(&fetched.bytes) {
                Prefix::Complete(state) => {
                    tracing::debug!(bytes = fetched.bytes.len(), total = fetched.total, "outputs read early");
                    let origin = self.origin(&fetched);
                    return (*state)
                        .map(|state| Some(state.with_origin(origin)))
                        .map_err(|e| e.at(self.object.place()));
                }
                Prefix::TooShort => {}
                Prefix::NeedsWhole => next_size = fetched.total,
            }
            if !self.append(&mut fetched, next_size).await? {
                return Ok(None);
            }
            next_size = next_size.saturating_mul(2);
        }
    }

    /// Gets the next bytes of the same version; returns whether there still is that version.
    async fn append(&self, fetched: &mut Fetched, size: u64) -> Result<bool, Error> {
        let start = fetched.bytes.len() as u64;
        let end = fetched.total.min(start.saturating_add(size)) - 1;
        let part = Part { bytes: Some((start, end)), if_match: fetched.etag.clone(), if_none_match: None };
        match self.object.get(&part).await {
            Ok(Answer::Bytes(more)) if more.etag == fetched.etag && more.total == fetched.total => {
                fetched.bytes.extend(more.bytes);
                Ok(true)
            }
            Ok(_) => Ok(false),
            // Deleted meanwhile: the next round says so.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Reads the whole object, and checks its digest if there is one to check.
    pub(crate) async fn read_text(&self, depth: Depth) -> Result<Text, Error> {
        match (&self.table, self.object.version_id.is_some()) {
            (Some(table), false) => self.read_with_digest(table, depth).await,
            _ => self.read_once(depth).await,
        }
    }

    /// Reads the whole object if it is not the one that an ETag names.
    pub(crate) async fn read_if_changed(&self, etag: &str) -> Result<Option<Text>, Error> {
        let part = Part { if_none_match: Some(etag.to_owned()), ..Part::default() };
        match self.object.get(&part).await? {
            Answer::NotModified => Ok(None),
            _ if self.has_digest() => self.read_text(Depth::Text).await.map(Some),
            Answer::Bytes(fetched) if fetched.bytes.is_empty() => Err(self.missing(Missing::Empty)),
            Answer::Bytes(fetched) => Ok(Some(self.text(fetched))),
            Answer::Changed | Answer::OutOfRange => self.read_text(Depth::Text).await.map(Some),
        }
    }

    async fn read_once(&self, depth: Depth) -> Result<Text, Error> {
        if depth == Depth::Checked {
            return self.read_in_parts().await;
        }
        match self.object.get(&Part::default()).await? {
            Answer::Bytes(fetched) if !fetched.bytes.is_empty() => Ok(self.text(fetched)),
            _ => Err(self.missing(Missing::Empty)),
        }
    }

    /// Checks the object part by part, and starts anew if it is replaced meanwhile.
    async fn read_in_parts(&self) -> Result<Text, Error> {
        for _ in 0..READ_ATTEMPTS {
            if let Some(text) = self.read_parts().await? {
                return Ok(text);
            }
        }
        Err(Error::new(ErrorKind::KeepsChanging { attempts: READ_ATTEMPTS }).at(self.object.place()))
    }

    /// Returns `None` if the object was replaced between two requests.
    async fn read_parts(&self) -> Result<Option<Text>, Error> {
        let mut checker = Checker::new();
        let mut digest = self.has_digest().then(Digest::new);
        let mut part = Part { bytes: Some((0, CHECKED_PART - 1)), ..Part::default() };
        let mut read = 0;
        loop {
            let fetched = match self.object.get(&part).await {
                Ok(Answer::Bytes(fetched)) if part.if_match.is_none() || fetched.etag == part.if_match => {
                    fetched
                }
                Ok(Answer::OutOfRange) if read == 0 => return Err(self.missing(Missing::Empty)),
                Ok(_) => return Ok(None),
                // Deleted meanwhile: the next round says so.
                Err(error) if read > 0 && matches!(error.kind(), ErrorKind::NotFound { .. }) => {
                    return Ok(None);
                }
                Err(error) => return Err(error),
            };
            if fetched.total == 0 {
                return Err(self.missing(Missing::Empty));
            }
            read += fetched.bytes.len() as u64;
            if let Some(digest) = &mut digest {
                digest.update(&fetched.bytes);
            }
            let last = read >= fetched.total;
            checker.push(&fetched.bytes, last).map_err(|error| error.at(self.object.place()))?;
            if last {
                let origin = self.origin(&fetched);
                let bytes = checker.finish().map_err(|error| error.at(self.object.place()))?;
                return Ok(Some(Text { bytes, origin, digest: digest.map(Digest::finish) }));
            }
            part.bytes = Some((read, fetched.total.min(read + CHECKED_PART) - 1));
            part.if_match = fetched.etag;
        }
    }

    async fn read_with_digest(&self, table: &Table, depth: Depth) -> Result<Text, Error> {
        let start = self.clock.now();
        loop {
            let text = match self.read_once(depth).await {
                Ok(text) => Ok(text),
                Err(error) if matches!(error.kind(), ErrorKind::NotFound { .. }) => Err(error),
                Err(error) => return Err(error),
            };
            let stored = match table.digest().await {
                Stored::Digest(digest) => digest,
                Stored::Nothing(reason) => {
                    tracing::warn!(reason, "the state was not checked against a digest");
                    return text.map(|mut text| {
                        text.origin.warnings.push(reason);
                        text
                    });
                }
            };
            let calculated = text.as_ref().map(Text::digest).unwrap_or_default();
            if calculated == stored {
                return text;
            }
            if self.clock.now().saturating_sub(start) >= DIGEST_WINDOW {
                let (bucket, key) = (self.object.bucket.clone(), self.object.key.clone());
                return Err(ErrorKind::ChecksumMismatch { bucket, key, calculated, stored }.into());
            }
            self.clock.sleep(DIGEST_STEP).await;
        }
    }

    /// Lists the workspaces that have a state, `default` first.
    pub(crate) async fn workspaces(&self) -> Result<Vec<String>, Error> {
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
                .set_continuation_token(token)
                .customize()
                .config_override(self.object.moves.config())
                .send()
                .await;
            let page = match page {
                Ok(page) => page,
                Err(error) => {
                    let request = Request {
                        bucket: &self.object.bucket,
                        region: &self.object.region,
                        gets_object: false,
                    };
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
                keys.filter_map(|key| workspace::of_object(key, &self.prefix, &self.key)).map(str::to_owned),
            );
            token = page.next_continuation_token;
            if token.is_none() {
                break;
            }
        }
        names.remove(workspace::DEFAULT);
        Ok(std::iter::once(workspace::DEFAULT.to_owned()).chain(names).collect())
    }

    fn has_digest(&self) -> bool {
        self.table.is_some() && self.object.version_id.is_none()
    }

    fn missing(&self, reason: Missing) -> Error {
        Error::new(ErrorKind::NotFound { reason }).at(self.object.place())
    }

    fn origin(&self, fetched: &Fetched) -> Origin {
        let mut origin = Origin::at(self.object.place());
        origin.etag = fetched.etag.clone();
        origin.version_id = fetched.version_id.clone();
        origin
    }

    fn text(&self, fetched: Fetched) -> Text {
        Text { origin: self.origin(&fetched), bytes: fetched.bytes, digest: None }
    }
}

impl Text {
    fn digest(&self) -> String {
        self.digest.clone().unwrap_or_else(|| digest::of(&self.bytes))
    }

    /// Parses the text with its resources.
    pub(crate) fn whole(self) -> Result<WholeState, Error> {
        let place = self.origin.place.clone().unwrap_or_default();
        let whole = WholeState::parse(&self.bytes).map_err(|error| error.at(place))?;
        Ok(whole.with_origin(self.origin))
    }

    /// Parses the outputs of the text.
    pub(crate) fn state(self) -> Result<State, Error> {
        let place = self.origin.place.clone().unwrap_or_default();
        let state = State::parse(&self.bytes).map_err(|error| error.at(place))?;
        Ok(state.with_origin(self.origin))
    }
}
