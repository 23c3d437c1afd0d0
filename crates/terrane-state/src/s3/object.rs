//! Gets one object, whole or in part, in one version.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use md5::{Digest as _, Md5};

use super::service::{self, Request};
use terrane_value::{Error, ErrorKind};

/// How often a body that ends too early is asked for, as Terraform does.
const BODY_ATTEMPTS: u32 = 4;

/// An object, and how to get it.
#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) client: aws_sdk_s3::Client,
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) region: String,
    pub(crate) version_id: Option<String>,
    pub(crate) customer_key: CustomerKey,
    pub(crate) moves: Moves,
}

/// Whether to go on in the region that S3 names for the bucket, and which it has named.
#[derive(Clone, Debug, Default)]
pub(crate) struct Moves {
    pub(crate) allowed: bool,
    found: OnceLock<String>,
}

impl Moves {
    pub(crate) fn allowed(allowed: bool) -> Moves {
        Moves { allowed, found: OnceLock::new() }
    }

    /// Takes note of the region that an error names; returns whether the request is worth another try.
    fn follow(&self, error: &Error) -> bool {
        match error.kind() {
            ErrorKind::WrongRegion { actual: Some(actual), .. } if self.allowed => {
                tracing::debug!(region = actual, "the bucket is in another region; going on there");
                self.found.set(actual.clone()).is_ok()
            }
            _ => false,
        }
    }

    /// Returns what differs from the client's configuration.
    pub(crate) fn config(&self) -> aws_sdk_s3::config::Builder {
        let config = aws_sdk_s3::config::Builder::new();
        match self.found.get() {
            Some(region) => config.region(aws_sdk_s3::config::Region::new(region.clone())),
            None => config,
        }
    }
}

/// A customer's encryption key, and whether to send it. `Debug` hides it.
#[derive(Default)]
pub(crate) struct CustomerKey {
    key: Option<String>,
    send: AtomicBool,
}

impl CustomerKey {
    /// Takes a key to send, or one to send only when the object turns out to need it.
    pub(crate) fn new(key: Option<String>, spare: Option<String>) -> CustomerKey {
        CustomerKey { send: AtomicBool::new(key.is_some()), key: key.or(spare) }
    }

    /// Starts to send a spare key; returns whether there was one that was not sent yet.
    fn unlock(&self) -> bool {
        self.key.is_some() && !self.send.swap(true, Ordering::Relaxed)
    }

    fn to_send(&self) -> Option<&String> {
        self.key.as_ref().filter(|_| self.send.load(Ordering::Relaxed))
    }
}

impl std::fmt::Debug for CustomerKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.key.is_some() { "(sensitive)" } else { "none" })
    }
}

/// Which bytes to get, and of which version.
#[derive(Clone, Debug, Default)]
pub(crate) struct Part {
    /// First and last byte.
    pub(crate) bytes: Option<(u64, u64)>,
    pub(crate) if_match: Option<String>,
    pub(crate) if_none_match: Option<String>,
}

/// What S3 answered.
#[derive(Debug)]
pub(crate) enum Answer {
    Bytes(Fetched),
    /// The object is the one that `if_none_match` names.
    NotModified,
    /// The object is no longer the one that `if_match` names.
    Changed,
    /// The object has no such bytes.
    OutOfRange,
}

#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) bytes: Vec<u8>,
    /// The size of the object.
    pub(crate) total: u64,
    pub(crate) etag: Option<String>,
    pub(crate) version_id: Option<String>,
}

impl Fetched {
    pub(crate) fn is_whole(&self) -> bool {
        self.total == self.bytes.len() as u64
    }
}

impl Object {
    /// Returns the place for messages.
    pub(crate) fn place(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.key)
    }

    /// Returns the object beside this one whose key has a suffix.
    pub(crate) fn beside(&self, suffix: &str) -> Object {
        Object {
            client: self.client.clone(),
            bucket: self.bucket.clone(),
            key: format!("{}{suffix}", self.key),
            region: self.region.clone(),
            version_id: None,
            customer_key: CustomerKey::default(),
            moves: self.moves.clone(),
        }
    }

    /// Gets a part of the object; a body that ends too early is asked for again.
    pub(crate) async fn get(&self, part: &Part) -> Result<Answer, Error> {
        let mut last = String::new();
        for _ in 0..BODY_ATTEMPTS {
            let output = match self.send(part).await? {
                Sent::Output(output) => output,
                Sent::Answer(answer) => return Ok(answer),
            };
            match collect(*output).await {
                Ok(fetched) => return Ok(Answer::Bytes(fetched)),
                Err(reason) => last = reason,
            }
        }
        let error = Error::new(ErrorKind::IncompleteBody { attempts: BODY_ATTEMPTS });
        Err(error.at(self.place()).because(last))
    }

    async fn send(&self, part: &Part) -> Result<Sent, Error> {
        loop {
            let key = self.customer_key.to_send();
            let sent = self
                .client
                .get_object()
                .bucket(&self.bucket)
                .key(&self.key)
                .set_version_id(self.version_id.clone())
                .set_range(part.bytes.map(|(first, last)| format!("bytes={first}-{last}")))
                .set_if_match(part.if_match.clone())
                .set_if_none_match(part.if_none_match.clone())
                .set_sse_customer_algorithm(key.map(|_| "AES256".to_owned()))
                .set_sse_customer_key(key.cloned())
                .set_sse_customer_key_md5(key.map(|key| key_fingerprint(key)))
                .customize()
                .config_override(self.moves.config())
                .send()
                .await;
            let error = match sent {
                Ok(output) => return Ok(Sent::Output(Box::new(output))),
                Err(error) => error,
            };
            match service::status(&error) {
                Some(304) => return Ok(Sent::Answer(Answer::NotModified)),
                Some(412) => return Ok(Sent::Answer(Answer::Changed)),
                Some(416) => return Ok(Sent::Answer(Answer::OutOfRange)),
                // Terraform fails here; the key is ours, and the bucket asks for it.
                Some(400) if asks_for_key(&error) && self.customer_key.unlock() => {}
                status => {
                    let error = self.explain(error, status);
                    if !self.moves.follow(&error) {
                        return Err(error);
                    }
                }
            }
        }
    }

    fn explain(
        &self,
        error: aws_sdk_s3::error::SdkError<
            aws_sdk_s3::operation::get_object::GetObjectError,
            aws_smithy_runtime_api::client::orchestrator::HttpResponse,
        >,
        status: Option<u16>,
    ) -> Error {
        let request = Request { bucket: &self.bucket, region: &self.region, gets_object: true };
        let asked_for_key = status == Some(400) && asks_for_key(&error);
        let error = service::explain(error, request).at(self.place());
        if asked_for_key && self.customer_key.to_send().is_none() {
            return error.hinting(
                "is the object encrypted with a customer's key? set `encrypt` and `sse_customer_key`",
            );
        }
        error
    }
}

enum Sent {
    Output(Box<GetObjectOutput>),
    Answer(Answer),
}

/// S3 names no other reason than a bad request where headers for a customer's key are missing.
fn asks_for_key<E: aws_sdk_s3::error::ProvideErrorMetadata, R>(
    error: &aws_sdk_s3::error::SdkError<E, R>,
) -> bool {
    let code = error.as_service_error().and_then(|error| error.code());
    matches!(code, None | Some("BadRequest" | "InvalidRequest" | "InvalidArgument"))
}

fn key_fingerprint(key: &str) -> String {
    BASE64.encode(Md5::digest(BASE64.decode(key).unwrap_or_default()))
}

async fn collect(output: GetObjectOutput) -> Result<Fetched, String> {
    let expected = output.content_length.and_then(|length| u64::try_from(length).ok());
    let total_of_range =
        output.content_range.as_deref().and_then(|range| range.rsplit_once('/')?.1.parse().ok());
    let (etag, version_id) = (output.e_tag, output.version_id);
    let mut body = output.body;
    let mut bytes = Vec::with_capacity(usize::try_from(expected.unwrap_or(0).min(1 << 26)).unwrap_or(0));
    while let Some(chunk) = body.next().await {
        bytes.extend_from_slice(&chunk.map_err(|error| error.to_string())?);
    }
    let length = bytes.len() as u64;
    if let Some(expected) = expected
        && expected != length
    {
        return Err(format!("{length} of {expected} bytes came"));
    }
    let version_id = version_id.filter(|id| id != "null");
    Ok(Fetched { total: total_of_range.unwrap_or(length), bytes, etag, version_id })
}
