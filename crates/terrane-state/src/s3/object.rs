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
    /// Where S3 is spoken to, for messages.
    pub(crate) endpoint: String,
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
            endpoint: self.endpoint.clone(),
            version_id: None,
            customer_key: CustomerKey::default(),
            moves: self.moves.clone(),
        }
    }

    /// Returns what was asked, for messages.
    pub(crate) fn request(&self) -> Request<'_> {
        Request { bucket: &self.bucket, region: &self.region, endpoint: &self.endpoint, gets_object: true }
    }

    /// Gets a part of the object, of at most `limit` bytes. An answer that is not the part, and a body that ends too
    /// early, is asked for again.
    pub(crate) async fn get(&self, part: &Part, limit: u64) -> Result<Answer, Error> {
        let mut fault = Fault::Incomplete(String::new());
        for _ in 0..BODY_ATTEMPTS {
            let output = match self.send(part).await? {
                Sent::Output(output) => output,
                Sent::Answer(answer) => return Ok(answer),
            };
            fault = match collect(*output, part, limit).await {
                Ok(answer) => return Ok(answer),
                Err(Fault::TooLarge) => {
                    return Err(Error::new(ErrorKind::TooLarge { limit }).at(self.place()));
                }
                Err(fault) => fault,
            };
        }
        let (kind, reason) = match fault {
            Fault::Unasked(reason) => (ErrorKind::UnexpectedBytes { attempts: BODY_ATTEMPTS }, reason),
            Fault::Incomplete(reason) => (ErrorKind::IncompleteBody { attempts: BODY_ATTEMPTS }, reason),
            Fault::TooLarge => (ErrorKind::TooLarge { limit }, String::new()),
        };
        Err(Error::new(kind).at(self.place()).because(reason))
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
        let asked_for_key = status == Some(400) && asks_for_key(&error);
        let error = service::explain(error, self.request()).at(self.place());
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

/// Why an answer cannot be used.
enum Fault {
    /// It holds other bytes than were asked for.
    Unasked(String),
    Incomplete(String),
    TooLarge,
}

/// Reads the body of an answer, never more of it than was asked for.
async fn collect(output: GetObjectOutput, part: &Part, limit: u64) -> Result<Answer, Fault> {
    let promised = output.content_length.and_then(|length| u64::try_from(length).ok());
    let (expected, total) = match (part.bytes, output.content_range.as_deref()) {
        (Some(asked), Some(range)) => {
            let (length, total) = part_of(asked, range)?;
            (Some(length), Some(total))
        }
        // Another version may be sent whole where its parts are of no use.
        (Some((1.., _)), None) if part.if_match.is_some() && output.e_tag != part.if_match => {
            return Ok(Answer::Changed);
        }
        (Some((first @ 1.., last)), None) => {
            return Err(Fault::Unasked(format!("bytes {first}-{last} were asked for, and no part was sent")));
        }
        (None, Some(range)) => {
            return Err(Fault::Unasked(format!("the whole was asked for, and {range:?} was sent")));
        }
        (_, None) => (promised, None),
    };
    if expected.is_some_and(|expected| expected > limit) {
        return Err(Fault::TooLarge);
    }
    let most = expected.unwrap_or(limit);
    let mut body = output.body;
    let mut bytes = Vec::with_capacity(usize::try_from(expected.unwrap_or(0).min(1 << 26)).unwrap_or(0));
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|error| Fault::Incomplete(super::causes::causes(&error)))?;
        if (bytes.len() + chunk.len()) as u64 > most {
            return Err(match expected {
                Some(expected) => Fault::Unasked(format!("more than the {expected} bytes of the part came")),
                None => Fault::TooLarge,
            });
        }
        bytes.extend_from_slice(&chunk);
    }
    let length = bytes.len() as u64;
    if let Some(expected) = expected
        && expected != length
    {
        return Err(Fault::Incomplete(format!("{length} of {expected} bytes came")));
    }
    let version_id = output.version_id.filter(|id| id != "null");
    Ok(Answer::Bytes(Fetched { total: total.unwrap_or(length), bytes, etag: output.e_tag, version_id }))
}

/// Returns the length of the part that a `Content-Range` names, and that of the whole, if it is the part that was
/// asked for or what there is of it.
fn part_of((first, last): (u64, u64), range: &str) -> Result<(u64, u64), Fault> {
    let read = || {
        let (bytes, total) = range.trim().strip_prefix("bytes ")?.split_once('/')?;
        let (start, end) = bytes.split_once('-')?;
        Some((start.parse::<u64>().ok()?, end.parse::<u64>().ok()?, total.parse::<u64>().ok()?))
    };
    match read() {
        Some((start, end, total))
            if start == first && end == last.min(total.saturating_sub(1)) && end >= start =>
        {
            Ok((end - start + 1, total))
        }
        _ => Err(Fault::Unasked(format!("bytes {first}-{last} were asked for, and {range:?} was sent"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_the_one_that_was_asked_for() {
        for (range, expected) in [("bytes 10-19/100", (10, 100)), ("bytes 10-14/15", (5, 15))] {
            assert_eq!(part_of((10, 19), range).ok(), Some(expected), "{range}");
        }
        for range in [
            "bytes 0-19/100",
            "bytes 11-19/100",
            "bytes 10-20/100",
            "bytes 10-18/100",
            "bytes 10-19/15",
            "bytes 10-9/10",
            "bytes 10-19/*",
            "bytes */100",
            "10-19/100",
            "",
        ] {
            assert!(part_of((10, 19), range).is_err(), "{range}");
        }
    }
}
