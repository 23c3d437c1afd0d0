//! The MD5 that Terraform keeps of each state in a DynamoDB table.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use md5::{Digest as _, Md5};

use super::causes::causes;
use crate::hex::hex;

/// A table, and the name under which it holds things about one state.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) client: Client,
    pub(crate) name: String,
    /// `bucket/key`.
    pub(crate) lock_id: String,
}

/// What the table says about a state.
pub(crate) enum Stored {
    /// The digest in lower-case hex.
    Digest(String),
    /// Nothing usable, and why. Terraform reads on with a warning, and so do we.
    Nothing(String),
}

/// An MD5 of bytes that come in parts.
pub(crate) struct Digest(Md5);

impl Digest {
    pub(crate) fn new() -> Digest {
        Digest(Md5::new())
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(crate) fn finish(self) -> String {
        hex(&self.0.finalize())
    }
}

impl Table {
    /// Gets the digest.
    pub(crate) async fn digest(&self) -> Stored {
        let (table, id) = (&self.name, format!("{}-md5", self.lock_id));
        let sent = self
            .client
            .get_item()
            .table_name(table)
            .key("LockID", AttributeValue::S(id.clone()))
            .consistent_read(true)
            .projection_expression("LockID, Digest")
            .send()
            .await;
        let item = match sent {
            Ok(output) => output.item,
            Err(error) => {
                let reason = causes(&error);
                return Stored::Nothing(format!("the digest in table {table:?} could not be read: {reason}"));
            }
        };
        match item.as_ref().and_then(|item| item.get("Digest")) {
            Some(AttributeValue::S(digest))
                if digest.len() == 32 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()) =>
            {
                Stored::Digest(digest.to_ascii_lowercase())
            }
            Some(_) => Stored::Nothing(format!("the digest of {id:?} in table {table:?} is no MD5 in hex")),
            None => Stored::Nothing(format!("table {table:?} holds no digest of {id:?}")),
        }
    }
}
