//! Who holds the lock of a state. Reading never waits for it.

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Deserialize;

use super::digest::Table;
use super::object::{Answer, Object, Part};
use super::service::{self, Request};
use terrane_value::{Error, ErrorKind};

/// Where a lock is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LockKind {
    /// In an object beside the state.
    Object,
    /// In a DynamoDB table.
    Table,
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

/// Returns the locks that are held now.
pub(crate) async fn held(object: &Object, table: Option<&Table>) -> Result<Vec<LockInfo>, Error> {
    let mut locks = Vec::new();
    let file = object.beside(".tflock");
    match file.get(&Part::default()).await {
        Ok(Answer::Bytes(fetched)) => locks.push(parse(&fetched.bytes, LockKind::Object, &file.place())?),
        Ok(_) => {}
        Err(error) if matches!(error.kind(), ErrorKind::NotFound { .. }) => {}
        Err(error) => return Err(error),
    }
    if let Some(table) = table
        && let Some(info) = table_item(table, object).await?
    {
        locks.push(parse(info.as_bytes(), LockKind::Table, &format!("table {:?}", table.name))?);
    }
    Ok(locks)
}

async fn table_item(table: &Table, object: &Object) -> Result<Option<String>, Error> {
    let request = Request { bucket: &object.bucket, region: &object.region, gets_object: false };
    let item = table
        .client
        .get_item()
        .table_name(&table.name)
        .key("LockID", AttributeValue::S(table.lock_id.clone()))
        .consistent_read(true)
        .projection_expression("LockID, Info")
        .send()
        .await
        .map_err(|error| service::explain(error, request).at(format!("table {:?}", table.name)))?
        .item;
    Ok(item.and_then(|mut item| item.remove("Info")?.as_s().ok().cloned()))
}

fn parse(text: &[u8], kind: LockKind, place: &str) -> Result<LockInfo, Error> {
    let record: Record = serde_json::from_slice(text).map_err(|_| {
        let reason = "a lock is a JSON object with ID, Operation, Who, and others".to_owned();
        Error::new(ErrorKind::InvalidField { field: "lock", reason }).at(place)
    })?;
    let Record { id, operation, info, who, version, created, path } = record;
    Ok(LockInfo { kind, id, operation, info, who, version, created, path })
}
