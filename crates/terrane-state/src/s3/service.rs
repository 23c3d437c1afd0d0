//! From what a service answers to an [`Error`].

use std::error::Error as _;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use super::causes::causes;
use terrane_value::{Error, ErrorKind, Missing};

/// What was asked, as far as messages need it.
#[derive(Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) bucket: &'a str,
    pub(crate) region: &'a str,
    /// Where the service is spoken to.
    pub(crate) endpoint: &'a str,
    /// Whether an absent object is answered with "denied" to who may not list the bucket.
    pub(crate) gets_object: bool,
}

/// Returns the HTTP status of an answer that is an error.
pub(crate) fn status<E>(error: &SdkError<E, HttpResponse>) -> Option<u16> {
    Some(error.raw_response()?.status().as_u16())
}

/// Says what an error of the AWS crates means for who reads a state.
pub(crate) fn explain<E>(error: SdkError<E, HttpResponse>, request: Request<'_>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    if let SdkError::ServiceError(service) = &error {
        let code = service.err().code().map(str::to_owned);
        let raw = service.raw();
        let kind = service_kind(raw, code.as_deref(), request);
        let message = service.err().message().unwrap_or_default();
        let detail = [code.as_deref().unwrap_or_default(), message].join(" ");
        return Error::new(kind).because(detail.trim().to_owned());
    }
    if let Some(kind) = credentials_kind(&error) {
        return Error::new(kind);
    }
    let kind = match (&error, status(&error)) {
        (SdkError::ResponseError(_), Some(status)) => ErrorKind::Unavailable { status, code: None },
        _ => ErrorKind::Connection,
    };
    let reason = causes(&error);
    match kind {
        ErrorKind::Connection => Error::new(kind).because(format!("{}: {reason}", request.endpoint)),
        kind => Error::new(kind).because(reason),
    }
}

/// Finds a failed credentials provider among the causes.
fn credentials_kind<E>(error: &SdkError<E, HttpResponse>) -> Option<ErrorKind>
where
    E: std::error::Error + Send + Sync + 'static,
{
    let mut cause = error.source();
    while let Some(error) = cause {
        if error.is::<CredentialsError>() {
            let reason = causes(error);
            return Some(ErrorKind::Credentials { reason });
        }
        cause = error.source();
    }
    None
}

fn service_kind(raw: &HttpResponse, code: Option<&str>, request: Request<'_>) -> ErrorKind {
    let status = raw.status().as_u16();
    match (status, code) {
        (_, Some("NoSuchBucket")) => ErrorKind::BucketNotFound { bucket: request.bucket.to_owned() },
        (404 | 405, _) if raw.headers().get("x-amz-delete-marker") == Some("true") => {
            ErrorKind::NotFound { reason: Missing::Deleted }
        }
        (_, Some("NoSuchKey" | "NoSuchVersion")) | (404, _) => {
            ErrorKind::NotFound { reason: Missing::Absent }
        }
        (301 | 307, _) | (_, Some("PermanentRedirect" | "AuthorizationHeaderMalformed")) => {
            wrong_region(raw, request)
        }
        (_, Some("ExpiredToken" | "ExpiredTokenException" | "RequestExpired")) => {
            ErrorKind::ExpiredCredentials
        }
        (_, Some("RequestTimeTooSkewed")) => ErrorKind::ClockSkew,
        (
            _,
            Some(code @ ("InvalidAccessKeyId" | "SignatureDoesNotMatch" | "InvalidToken" | "NotSignedUp")),
        ) => ErrorKind::Credentials { reason: code.to_owned() },
        (403 | 401, _) | (_, Some("AccessDeniedException")) => {
            ErrorKind::AccessDenied { maybe_missing: request.gets_object }
        }
        (429, _) | (_, Some("SlowDown" | "Throttling" | "ThrottlingException" | "RequestLimitExceeded")) => {
            ErrorKind::Throttled
        }
        (status, code) => ErrorKind::Unavailable { status, code: code.map(str::to_owned) },
    }
}

fn wrong_region(raw: &HttpResponse, request: Request<'_>) -> ErrorKind {
    let header = raw.headers().get("x-amz-bucket-region").map(str::to_owned);
    let in_body = || {
        let body = String::from_utf8_lossy(raw.body().bytes()?).into_owned();
        let (_, rest) = body.split_once("<Region>")?;
        let (region, _) = rest.split_once("</Region>")?;
        Some(region.trim().to_owned())
    };
    ErrorKind::WrongRegion { expected: request.region.to_owned(), actual: header.or_else(in_body) }
}
