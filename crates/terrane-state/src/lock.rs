//! Who holds the lock of a state. Reading never waits for it.

use serde::Deserialize;
use terrane_value::{Error, ErrorKind};

/// Where a lock is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LockKind {
    /// In an object beside the state.
    Object,
    /// In a DynamoDB table.
    Table,
    /// In a file beside the state.
    File,
}

/// A lock that someone holds, as Terraform records it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LockInfo {
    /// Where the lock is kept.
    pub kind: LockKind,
    /// The id that `terraform force-unlock` takes.
    pub id: String,
    /// What is being done, such as `OperationTypeApply`.
    pub operation: String,
    /// More about it.
    pub info: String,
    /// `user@host`.
    pub who: String,
    /// The version of Terraform or OpenTofu.
    pub version: String,
    /// Since when, in RFC 3339.
    pub created: String,
    /// The state, as `bucket/key`.
    pub path: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Record {
    #[serde(rename = "ID")]
    id: String,
    operation: String,
    info: String,
    who: String,
    version: String,
    created: String,
    path: String,
}

/// Reads what Terraform records of a lock.
pub(crate) fn parse(text: &[u8], kind: LockKind, place: &str) -> Result<LockInfo, Error> {
    let record: Record = serde_json::from_slice(text).map_err(|_| {
        let reason = "a lock is a JSON object with ID, Operation, Who, and others".to_owned();
        Error::new(ErrorKind::InvalidField { field: "lock", reason }).at(place)
    })?;
    let Record { id, operation, info, who, version, created, path } = record;
    Ok(LockInfo { kind, id, operation, info, who, version, created, path })
}
