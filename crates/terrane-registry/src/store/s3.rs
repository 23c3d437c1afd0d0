//! A store in an S3 bucket, with S3's own conditional writes.

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use terrane_state::{Environment, S3Arguments, s3_client};
use tokio::runtime::Runtime;

use super::{Expect, Object, Put, Stat, Store, content_type};
use crate::{Error, ErrorKind};

/// Objects below a prefix of a bucket.
///
/// Region, credentials, endpoint, proxy, and certificates come from where readers of states take them: the environment
/// and the profile. A custom endpoint is spoken to with the bucket in the path.
#[derive(Debug)]
pub struct S3Store {
    client: Client,
    bucket: String,
    /// Empty, or with a slash at the end.
    prefix: String,
    runtime: Runtime,
}

impl S3Store {
    /// Opens `s3://bucket/prefix`.
    ///
    /// # Errors
    ///
    /// Refuses a name without a bucket, and an environment that names no region.
    pub fn open(name: &str) -> Result<S3Store, Error> {
        let rest = name.strip_prefix("s3://").unwrap_or_default();
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(Error::input(format!("`{name}` is not s3://bucket/prefix")));
        }
        let prefix = prefix.trim_matches('/');
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        let runtime = Runtime::new().map_err(|error| Error::unavailable("cannot speak to S3", error))?;
        let client = runtime.block_on(s3_client(&S3Arguments::default(), &Environment::process()));
        let client = client.map_err(|error| Error::input(format!("`{name}`: {error}")))?;
        Ok(S3Store { client, bucket: bucket.to_owned(), prefix, runtime })
    }

    fn key(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    /// Returns the full name of an object, for an error.
    fn name(&self, key: &str) -> String {
        format!("s3://{}/{}{key}", self.bucket, self.prefix)
    }
}

fn failed<E>(what: String, error: &SdkError<E>) -> Error
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let kind = match status(error) {
        400 | 401 | 403 => ErrorKind::Denied,
        _ => ErrorKind::Unavailable,
    };
    let hint = match error.code() {
        Some("RequestTimeTooSkewed") => "\nhint: the clock of this machine is wrong; set it, and run again",
        Some("ExpiredToken") => "\nhint: the credentials have expired; renew them, and run again",
        _ => "",
    };
    Error::new(kind, format!("{what}: {}{hint}", said(error)))
}

/// Returns what S3 answered, or why there is no answer.
fn said<E>(error: &SdkError<E>) -> String
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    if error.raw_response().is_some() {
        let code = error.code().unwrap_or_default();
        let message = error.message().map_or_else(String::new, |message| format!(": {message}"));
        return format!("S3 answers {} {code}", status(error)).trim_end().to_owned() + &message;
    }
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn status<E>(error: &SdkError<E>) -> u16 {
    error.raw_response().map_or(0, |response| response.status().as_u16())
}

impl Store for S3Store {
    fn get(&self, key: &str) -> Result<Option<Object>, Error> {
        let request = self.client.get_object().bucket(&self.bucket).key(self.key(key));
        self.runtime.block_on(async {
            let output = match request.send().await {
                Ok(output) => output,
                Err(error) if status(&error) == 404 && !is_missing_bucket(&error) => return Ok(None),
                Err(error) => return Err(failed(format!("cannot read `{}`", self.name(key)), &error)),
            };
            let tag = output.e_tag().unwrap_or_default().to_owned();
            let (content_type, content_encoding) =
                (output.content_type().map(str::to_owned), output.content_encoding().map(str::to_owned));
            let body = output.body.collect().await;
            let body =
                body.map_err(|error| Error::unavailable(format!("cannot read `{}`", self.name(key)), error))?;
            Ok(Some(Object { bytes: body.to_vec(), tag, content_type, content_encoding }))
        })
    }

    fn stat(&self, key: &str) -> Result<Option<Stat>, Error> {
        let request = self.client.head_object().bucket(&self.bucket).key(self.key(key));
        match self.runtime.block_on(request.send()) {
            Ok(output) => Ok(Some(Stat {
                size: output.content_length().and_then(|size| size.try_into().ok()).unwrap_or(0),
            })),
            Err(error) if status(&error) == 404 => Ok(None),
            Err(error) => Err(failed(format!("cannot read `{}`", self.name(key)), &error)),
        }
    }

    fn read(&self, key: &str, start: u64, length: usize) -> Result<Option<Vec<u8>>, Error> {
        let range = format!("bytes={start}-{}", start.saturating_add((length as u64).saturating_sub(1)));
        let request = self.client.get_object().bucket(&self.bucket).key(self.key(key)).range(range);
        self.runtime.block_on(async {
            let output = match request.send().await {
                Ok(output) => output,
                Err(error) if status(&error) == 404 && !is_missing_bucket(&error) => return Ok(None),
                // Nothing is left from there on.
                Err(error) if status(&error) == 416 => return Ok(Some(Vec::new())),
                Err(error) => return Err(failed(format!("cannot read `{}`", self.name(key)), &error)),
            };
            let body = output.body.collect().await;
            let body =
                body.map_err(|error| Error::unavailable(format!("cannot read `{}`", self.name(key)), error))?;
            Ok(Some(body.to_vec()))
        })
    }

    fn put(&self, key: &str, bytes: &[u8], expect: Expect<'_>) -> Result<Put, Error> {
        let cache = if matches!(key.rsplit('/').next(), Some("versions" | "index.html" | "index.json")) {
            "no-cache"
        } else {
            "public, max-age=31536000, immutable"
        };
        let request = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(self.key(key))
            .content_type(content_type(key))
            .cache_control(cache)
            .body(ByteStream::from(bytes.to_vec()));
        let request = match expect {
            Expect::Absent => request.if_none_match("*"),
            Expect::Unchanged(tag) => request.if_match(tag),
        };
        match self.runtime.block_on(request.send()) {
            Ok(_) => Ok(Put::Written),
            // 412: the condition does not hold. 409: somebody is writing now. 404: what should be unchanged is gone.
            Err(error)
                if matches!((status(&error), expect), (412 | 409, _) | (404, Expect::Unchanged(_))) =>
            {
                Ok(Put::Refused)
            }
            Err(error) => Err(failed(format!("cannot write `{}`", self.name(key)), &error)),
        }
    }

    fn delete(&self, key: &str) -> Result<(), Error> {
        let request = self.client.delete_object().bucket(&self.bucket).key(self.key(key));
        match self.runtime.block_on(request.send()) {
            Ok(_) => Ok(()),
            Err(error) => Err(failed(format!("cannot remove `{}`", self.name(key)), &error)),
        }
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>, Error> {
        let request = self.client.list_objects_v2().bucket(&self.bucket).prefix(self.key(prefix));
        let mut pages = request.into_paginator().send();
        self.runtime.block_on(async {
            let mut keys = Vec::new();
            while let Some(page) = pages.next().await {
                let page =
                    page.map_err(|error| failed(format!("cannot list `{}`", self.name(prefix)), &error))?;
                let found =
                    page.contents().iter().filter_map(|object| object.key()?.strip_prefix(&self.prefix));
                keys.extend(found.map(str::to_owned));
            }
            keys.sort();
            Ok(keys)
        })
    }
}

fn is_missing_bucket(error: &SdkError<aws_sdk_s3::operation::get_object::GetObjectError>) -> bool {
    error.code() == Some("NoSuchBucket")
}
