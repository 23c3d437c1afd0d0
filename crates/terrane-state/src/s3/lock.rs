//! The locks of a state in S3: an object beside it, or an item of a table.

use aws_sdk_dynamodb::types::AttributeValue;
use terrane_value::{Error, ErrorKind};

use super::digest::Table;
use super::object::{Answer, Object, Part};
use super::service::{self, Request};
use crate::lock::{self, LockInfo, LockKind};

/// The most that is read of a lock, in bytes; Terraform writes less than one thousand.
const MOST_BYTES: u64 = 1 << 20;

/// Returns the locks that are held now.
pub(crate) async fn held(object: &Object, table: Option<&Table>) -> Result<Vec<LockInfo>, Error> {
    let mut locks = Vec::new();
    let file = object.beside(".tflock");
    match file.get(&Part::default(), MOST_BYTES).await {
        Ok(Answer::Bytes(fetched)) => {
            locks.push(lock::parse(&fetched.bytes, LockKind::Object, &file.place())?)
        }
        Ok(_) => {}
        Err(error) if matches!(error.kind(), ErrorKind::NotFound { .. }) => {}
        Err(error) => return Err(error),
    }
    if let Some(table) = table
        && let Some(info) = table_item(table, object).await?
    {
        locks.push(lock::parse(info.as_bytes(), LockKind::Table, &format!("table {:?}", table.name))?);
    }
    Ok(locks)
}

async fn table_item(table: &Table, object: &Object) -> Result<Option<String>, Error> {
    let request = Request { gets_object: false, ..object.request() };
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
