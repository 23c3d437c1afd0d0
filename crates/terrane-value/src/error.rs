//! What can go wrong, for programs ([`ErrorKind`]) and for people (`Display`).

use std::fmt;
use std::time::Duration;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why a state could not be read, or an output not be had as the type that was asked for.
///
/// Messages name the object, the output, and the path inside it; they never hold a value from the state, nor a
/// secret from the configuration.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    /// What was read: an object, a file, a directory.
    place: Option<String>,
    /// What to do.
    hint: Option<String>,
    source: Option<Source>,
}

impl Error {
    /// Makes an error of a kind; sources of states report what they meet with it.
    pub fn new(kind: ErrorKind) -> Error {
        Error(Box::new(Inner { kind, place: None, hint: None, source: None }))
    }

    /// Returns the error with what was read, unless an inner layer has said so.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Error {
        self.0.place.get_or_insert_with(|| place.into());
        self
    }

    /// Returns the error with what to do about it.
    #[must_use]
    pub fn hinting(mut self, hint: impl Into<String>) -> Error {
        self.0.hint = Some(hint.into());
        self
    }

    /// Returns the error with its cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<Source>) -> Error {
        self.0.source = Some(source.into());
        self
    }

    /// Returns what went wrong, as data.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// Returns what was read: an object, a file, a directory.
    pub fn place(&self) -> Option<&str> {
        self.0.place.as_deref()
    }

    /// Returns what to do about it.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// Returns whether a later try may succeed without any change by a person.
    pub fn is_transient(&self) -> bool {
        matches!(
            self.kind(),
            ErrorKind::Throttled
                | ErrorKind::Unavailable { .. }
                | ErrorKind::Connection
                | ErrorKind::IncompleteBody { .. }
                | ErrorKind::UnexpectedBytes { .. }
                | ErrorKind::Timeout { .. }
                | ErrorKind::KeepsChanging { .. }
                | ErrorKind::ChecksumMismatch { .. }
        )
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Error {
        Error::new(kind)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.0.place {
            write!(f, "{place}: ")?;
        }
        write!(f, "{}", self.0.kind)?;
        match &self.0.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

/// Shows what `Display` does and the causes below it, since `main` prints the errors it returns by `Debug`.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            write!(f, "\n\ncaused by: {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn std::error::Error + 'static))
    }
}

/// Why there is no state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Missing {
    /// No object has this key.
    Absent,
    /// The object holds no bytes.
    Empty,
    /// The newest version of the object is a delete marker.
    Deleted,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The configuration has problems; all of them are listed.
    InvalidConfig {
        /// One sentence each, naming the argument.
        problems: Vec<String>,
    },
    /// A workspace name is not one that Terraform would make.
    InvalidWorkspace {
        /// The name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no state.
    NotFound {
        /// In which way.
        reason: Missing,
    },
    /// The bucket does not exist.
    BucketNotFound {
        /// Its name.
        bucket: String,
    },
    /// The service refused.
    AccessDenied {
        /// Whether the object may just be absent: S3 says "denied" for both to who may not list the bucket.
        maybe_missing: bool,
    },
    /// Credentials are missing or not valid.
    Credentials {
        /// What the service or provider said about them.
        reason: String,
    },
    /// Credentials were valid once.
    ExpiredCredentials,
    /// The clock of this machine is too far from that of the service.
    ClockSkew,
    /// The bucket is in another region.
    WrongRegion {
        /// The region that was asked.
        expected: String,
        /// The region of the bucket, where the service tells.
        actual: Option<String>,
    },
    /// The credentials belong to an account that the configuration does not admit.
    AccountNotAllowed {
        /// The account, empty when the configuration forbids to ask.
        account: String,
    },
    /// The digest in DynamoDB is not that of the object.
    ChecksumMismatch {
        /// The bucket.
        bucket: String,
        /// The object.
        key: String,
        /// The MD5 of the object in hex, empty when there is none.
        calculated: String,
        /// The digest in the table.
        stored: String,
    },
    /// The service asks to slow down, after all attempts.
    Throttled,
    /// The service answered with an error.
    Unavailable {
        /// The HTTP status.
        status: u16,
        /// The service's error code.
        code: Option<String>,
    },
    /// The service could not be reached, or did not answer in time.
    Connection,
    /// The body ended too early in every attempt.
    IncompleteBody {
        /// How often it was asked for.
        attempts: u32,
    },
    /// Every answer held other bytes than were asked for.
    UnexpectedBytes {
        /// How often they were asked for.
        attempts: u32,
    },
    /// The read took longer than it may.
    Timeout {
        /// How long it may take.
        after: Duration,
    },
    /// The text is longer than is read.
    TooLarge {
        /// The greatest size, in bytes.
        limit: u64,
    },
    /// The object was replaced during every attempt.
    KeepsChanging {
        /// How often it was asked for.
        attempts: u32,
    },
    /// A file could not be read.
    Io {
        /// What the system said.
        reason: String,
    },
    /// The text is not JSON.
    Syntax {
        /// Bytes read up to and with the offending one.
        offset: usize,
    },
    /// The text is JSON, but not an object.
    NotAnObject {
        /// What it is instead.
        found: &'static str,
    },
    /// What `terraform init` keeps about a backend, which is not a state.
    BackendCache,
    /// A plan, which is not a state.
    Plan,
    /// A state of Terraform before 0.7, which is not JSON.
    LegacyBinary,
    /// The state does not say its format version.
    MissingVersion,
    /// The format version is no whole number.
    InvalidVersion {
        /// What it is instead.
        found: String,
    },
    /// No Terraform wrote or writes this format version.
    UnsupportedVersion {
        /// The format version.
        version: u64,
        /// The Terraform version that the state names.
        terraform_version: Option<String>,
    },
    /// A field of the state is not what it must be.
    InvalidField {
        /// Its name.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// Outputs of the state cannot be decoded.
    InvalidOutputs {
        /// One sentence for each, naming it.
        problems: Vec<String>,
    },
    /// Resources of the state cannot be read.
    InvalidResources {
        /// One sentence for each, naming it.
        problems: Vec<String>,
    },
    /// The state is encrypted and no encryption is configured.
    Encrypted,
    /// The state is not encrypted, though the configuration demands it.
    NotEncrypted,
    /// The encrypted state's version is unknown.
    EncryptionVersion {
        /// What it is.
        found: String,
    },
    /// The encrypted state has no data for any configured key.
    NoDecryptionKey,
    /// No configured method opens the encrypted state.
    DecryptFailed,
    /// The outside of an encrypted state contradicts its inside.
    EncryptionMetadata {
        /// `serial` or `lineage`.
        field: &'static str,
        /// What stands outside.
        outer: String,
        /// What stands inside.
        inner: String,
    },
    /// The state has no such output. Terraform stores no output that is null.
    MissingOutput {
        /// The output, or the path below one.
        name: String,
        /// The module version that brought the output.
        since: Option<String>,
        /// The module version that the state names.
        state_has: Option<String>,
    },
    /// An output that must have a value is null.
    NullOutput {
        /// The output, or the path below one.
        name: String,
    },
    /// An output is not of the type that was asked for.
    TypeMismatch {
        /// The output and the path inside it.
        path: String,
        /// The type that was asked for.
        expected: String,
        /// The type that was found.
        found: String,
    },
    /// The state was written by another module than was asked for.
    WrongModule {
        /// The module and major version that was asked for.
        expected: String,
        /// What the state names.
        found: String,
    },
    /// A state of another lineage took the place of the one that was watched.
    LineageChanged {
        /// The lineage so far.
        before: String,
        /// The lineage now.
        after: String,
    },
    /// The resource address is malformed, or the state has no such resource.
    Address {
        /// The address.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use ErrorKind::*;
        match self {
            InvalidConfig { problems } => write!(f, "invalid configuration: {}", problems.join("; ")),
            InvalidWorkspace { name, reason } => write!(f, "invalid workspace name {name:?}: {reason}"),
            NotFound { reason: Missing::Absent } => f.write_str("no state was found"),
            NotFound { reason: Missing::Empty } => f.write_str("no state was found: the object is empty"),
            NotFound { reason: Missing::Deleted } => {
                f.write_str("no state was found: the object was deleted")
            }
            BucketNotFound { bucket } => write_bucket_not_found(f, bucket),
            AccessDenied { maybe_missing: true } => {
                f.write_str("access denied, or absent: without s3:ListBucket the two look the same")
            }
            AccessDenied { maybe_missing: false } => f.write_str("access denied"),
            Credentials { reason } => {
                write!(
                    f,
                    "no usable credentials: {reason}; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
                )
            }
            ExpiredCredentials => f.write_str("the credentials have expired"),
            ClockSkew => f.write_str("the clock of this machine is too far from that of the service"),
            WrongRegion { expected, actual: Some(actual) } => {
                write!(f, "requested bucket from {expected:?}, actual location {actual:?}")
            }
            WrongRegion { expected, actual: None } => {
                write!(f, "requested bucket from {expected:?}, but it is in another region")
            }
            AccountNotAllowed { account } => write!(f, "AWS account ID not allowed: {account}"),
            ChecksumMismatch { bucket, key, calculated, stored } => {
                write_checksum_mismatch(f, bucket, key, calculated, stored)
            }
            Throttled => f.write_str("the service asks to slow down"),
            Unavailable { status, code: Some(code) } => write!(f, "the service failed with {status} {code}"),
            Unavailable { status, code: None } => write!(f, "the service failed with {status}"),
            Connection => f.write_str("the service could not be reached"),
            IncompleteBody { attempts } => {
                write!(f, "the body ended too early in each of {attempts} attempts")
            }
            UnexpectedBytes { attempts } => {
                write!(f, "other bytes than were asked for came in each of {attempts} attempts")
            }
            Timeout { after } => write!(f, "the read was not done within {} s", after.as_secs_f64()),
            TooLarge { limit } => write!(
                f,
                "the text is longer than {limit} bytes; raise the limit (`max_bytes`, --max-bytes) if a state of that \
                 size is expected"
            ),
            KeepsChanging { attempts } => {
                write!(f, "the object was replaced during each of {attempts} attempts")
            }
            Io { reason } => f.write_str(reason),
            Syntax { offset } => {
                write!(f, "the state could not be parsed as JSON: syntax error at byte offset {offset}")
            }
            NotAnObject { found } => write!(f, "a state is a JSON object, found {found}"),
            BackendCache => f.write_str(
                "this is the cache in which `terraform init` keeps the backend, not a state; give the directory of the \
                 configuration",
            ),
            Plan => f.write_str("this is a plan, not a state"),
            LegacyBinary => f.write_str("a state in the binary format of Terraform before 0.7"),
            MissingVersion => f.write_str("the state does not have a `version`, which says its format"),
            InvalidVersion { found } => {
                write!(f, "the format version is {found}, a positive whole number is required")
            }
            UnsupportedVersion { version: 0, .. } => {
                f.write_str("the format version is 0, which no Terraform ever wrote")
            }
            UnsupportedVersion { version, terraform_version } => {
                write!(f, "the format version is {version}, which is newer than 4")?;
                terraform_version
                    .as_ref()
                    .map_or(Ok(()), |by| write!(f, "; it was written by Terraform {by}"))
            }
            InvalidField { field, reason } => write!(f, "invalid field `{field}`: {reason}"),
            InvalidOutputs { problems } => write!(f, "invalid outputs: {}", problems.join("; ")),
            InvalidResources { problems } => write!(f, "invalid resources: {}", problems.join("; ")),
            Encrypted => f.write_str("the state is encrypted, and no encryption is configured"),
            NotEncrypted => {
                f.write_str("the state is not encrypted, and the `unencrypted` method is not configured")
            }
            EncryptionVersion { found } => {
                write!(f, "the encrypted state has version {found:?}, only \"v0\" is known")
            }
            NoDecryptionKey => f.write_str("the encrypted state names none of the configured key providers"),
            DecryptFailed => f.write_str("no configured method decrypts the state"),
            EncryptionMetadata { field, outer, inner } => {
                write!(f, "the encrypted state's {field} is {outer} outside and {inner} inside")
            }
            MissingOutput { name, since, state_has } => {
                write!(f, "no output `{name}` in the state")?;
                since.as_ref().map_or(Ok(()), |since| write!(f, "; it came with version {since}"))?;
                state_has.as_ref().map_or(Ok(()), |has| write!(f, "; the state was written by version {has}"))
            }
            NullOutput { name } => write!(f, "output `{name}` is null"),
            TypeMismatch { path, expected, found } => {
                write!(f, "output `{path}` is not as expected: expected {expected}, found {found}")
            }
            WrongModule { expected, found } => write!(f, "expected outputs of {expected}, found {found}"),
            LineageChanged { before, after } => {
                write!(f, "the state was replaced: lineage {before:?} became {after:?}")
            }
            Address { address, reason } => write!(f, "`{address}`: {reason}"),
        }
    }
}

fn write_bucket_not_found(f: &mut fmt::Formatter<'_>, bucket: &str) -> fmt::Result {
    write!(
        f,
        "S3 bucket {bucket:?} does not exist; if it was created within the last minute, wait for a minute or two"
    )
}

fn write_checksum_mismatch(
    f: &mut fmt::Formatter<'_>,
    bucket: &str,
    key: &str,
    calculated: &str,
    stored: &str,
) -> fmt::Result {
    write!(
        f,
        "the state is not the one whose checksum DynamoDB holds\n\n\
         Bucket: {bucket}\nKey:    {key}\nCalculated checksum: {calculated}\nStored checksum:     {stored}\n\n\
         S3 may be slow to show the last update: wait for a minute or two and try again. If it persists, check \
         the state by hand and "
    )?;
    if calculated.is_empty() {
        f.write_str("remove the Digest value from the table")
    } else {
        write!(f, "set the Digest value in the table to {calculated}")
    }
}
