//! Reading from S3 as Terraform's `backend "s3"` is configured. Strictly read-only.
//!
//! [`settings`] says what the arguments and the environment mean, [`connect`] makes clients of it, and [`object`] gets
//! one consistent object.

pub(crate) mod account;
mod causes;
pub(crate) mod connect;
pub(crate) mod credentials;
pub(crate) mod digest;
pub(crate) mod http;
pub(crate) mod kms;
mod lock;
pub(crate) mod object;
mod place;
mod profile;
mod regions;
pub(crate) mod role;
pub(crate) mod service;
pub(crate) mod settings;
pub(crate) mod source;
pub(crate) mod unverified;
mod workspaces;

use std::sync::Arc;
use std::time::Duration;

use terrane_value::Error;

use crate::arguments::S3Arguments;
use crate::clock::Clock;
use crate::environment::Environment;
use crate::setting::{ARGUMENT, Origins};
use crate::source::{Answer, Kind, Opened, Options};
use crate::workspace;
use digest::Table;
use object::{CustomerKey, Moves, Object};
use settings::{RegionOf, Settings};
use source::S3Source;

pub(crate) const KIND: Kind = Kind { takes: |uri| uri.starts_with("s3://"), open: open_uri };

/// How long one read may take, unless somebody says.
const TIMEOUT: Duration = Duration::from_secs(120);

fn open_uri<'a>(uri: &'a str, options: &'a Options) -> Answer<'a, Opened> {
    Box::pin(async move {
        let arguments = S3Arguments::from_uri(uri)?;
        let (workspace, from) = match &options.workspace {
            Some(name) => (name.as_str(), ARGUMENT),
            None => (workspace::DEFAULT, "default"),
        };
        let origins = Origins { arguments: ARGUMENT.to_owned(), workspace: from.to_owned() };
        open_in(&arguments, workspace, &origins, options, RegionOf::AnyProfile).await
    })
}

/// Opens the state of a workspace of a backend.
pub(crate) async fn open(
    arguments: &S3Arguments,
    workspace: &str,
    origins: &Origins,
    options: &Options,
) -> Result<Opened, Error> {
    open_in(arguments, workspace, origins, options, RegionOf::Configuration).await
}

async fn open_in(
    arguments: &S3Arguments,
    workspace: &str,
    origins: &Origins,
    options: &Options,
    region: RegionOf,
) -> Result<Opened, Error> {
    let arguments = options.overrides.over(arguments);
    let Settings { account, place, report } =
        settings::resolve(&arguments, &options.environment, workspace, origins, region).await?;
    let aws = connect::aws(&account, options.first_backoff)?;
    account::check(&account, &aws).await?;
    let table = place.dynamodb_table.map(|name| Table {
        client: connect::dynamodb(&account, &aws),
        name,
        lock_id: format!("{}/{}", place.bucket, place.object),
    });
    let kms = options.is_encrypted.then(|| connect::kms(&account, &aws));
    let object = Object {
        client: connect::s3(&account, &aws),
        bucket: place.bucket,
        key: place.object,
        endpoint: account.endpoint("s3"),
        region: account.region,
        version_id: options.version_id.clone(),
        customer_key: CustomerKey::new(place.customer_key, place.spare_customer_key),
        moves: Moves::allowed(options.follows_region),
    };
    let source =
        S3Source { object, table, prefix: place.prefix, key: place.key, clock: options.clock.clone() };
    Ok(Opened { settings: report, kms, timeout: Some(TIMEOUT), ..Opened::new(source) })
}

/// Returns a source for an object behind a client that the caller has configured.
pub(crate) fn of_client(
    client: aws_sdk_s3::Client,
    bucket: String,
    key: String,
    clock: Arc<dyn Clock>,
) -> Opened {
    let region = client.config().region().map(ToString::to_string).unwrap_or_default();
    let object = Object {
        client,
        bucket,
        key: key.clone(),
        endpoint: "the client's endpoint".to_owned(),
        region,
        version_id: None,
        customer_key: CustomerKey::default(),
        moves: Moves::default(),
    };
    let source = S3Source { object, table: None, prefix: "env:".to_owned(), key, clock };
    Opened { timeout: Some(TIMEOUT), ..Opened::new(source) }
}

/// Makes a client of S3 from the arguments that say how AWS is reached, and the environment, as readers of states do.
///
/// A custom endpoint is spoken to with the bucket in the path, and the region may be that of the profile.
///
/// # Errors
///
/// [`ErrorKind::InvalidConfig`](crate::ErrorKind::InvalidConfig) with all problems at once, and
/// [`ErrorKind::AccountNotAllowed`](crate::ErrorKind::AccountNotAllowed).
pub async fn s3_client(
    arguments: &S3Arguments,
    environment: &Environment,
) -> Result<aws_sdk_s3::Client, Error> {
    let mut account = settings::account(arguments, environment, RegionOf::AnyProfile).await?;
    account.path_style |= account.endpoints.contains_key("s3");
    let aws = connect::aws(&account, Duration::from_secs(1))?;
    account::check(&account, &aws).await?;
    Ok(connect::s3(&account, &aws))
}
