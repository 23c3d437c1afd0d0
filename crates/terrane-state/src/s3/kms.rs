//! Keys of encrypted states that KMS opens.

use std::collections::BTreeMap;
use std::time::Duration;

use terrane_value::Error;

use super::service::{self, Request};
use super::settings::{self, RegionOf};
use super::{account, connect};
use crate::encryption::OwnKms;

/// A client of KMS.
pub(crate) type Kms = aws_sdk_kms::Client;

/// Opens a key, with a client of its own configuration or with that of the state's reader.
pub(crate) async fn open(
    key_id: &str,
    blob: Vec<u8>,
    context: BTreeMap<String, String>,
    own: Option<&OwnKms>,
    readers: Option<&Kms>,
) -> Result<Vec<u8>, Error> {
    let client = match own {
        Some(own) => client(own, readers).await?,
        None => readers.cloned().ok_or_else(crate::encryption::without_client)?,
    };
    let request = Request { bucket: "", region: "", endpoint: "kms", gets_object: false };
    let answer = client
        .decrypt()
        .key_id(key_id)
        .ciphertext_blob(blob.into())
        .set_encryption_context((!context.is_empty()).then(|| context.into_iter().collect()))
        .send()
        .await
        .map_err(|error| service::explain(error, request).at(format!("kms:Decrypt with {key_id}")))?;
    Ok(answer.plaintext.map(|plain| plain.into_inner()).unwrap_or_default())
}

async fn client(own: &OwnKms, readers: Option<&Kms>) -> Result<Kms, Error> {
    if let (true, Some(readers)) = (own.bare, readers) {
        let config = readers.config().to_builder();
        let config = match own.arguments.region.clone() {
            Some(region) => config.region(aws_sdk_kms::config::Region::new(region)),
            None => config,
        };
        return Ok(Kms::from_conf(config.build()));
    }
    let account = settings::account(&own.arguments, &own.environment, RegionOf::Configuration).await?;
    let aws = connect::aws(&account, Duration::from_secs(1))?;
    account::check(&account, &aws).await?;
    Ok(connect::kms(&account, &aws))
}
