//! From settings to clients of AWS.

use std::time::Duration;

use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_s3::config::ResponseChecksumValidation;
use aws_sdk_s3::config::retry::{RetryPartition, TokenBucket};
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_async::time::SharedTimeSource;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::region::Region;

use terrane_value::Error;

use super::settings::Account;
use super::{credentials, http, profile};

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(5);

/// How long the first byte of an answer may take, and each byte after another.
const READ: Duration = Duration::from_secs(10);

/// The configuration that all clients of a reader share.
pub(crate) struct Aws {
    pub(crate) config: SdkConfig,
    pub(crate) credentials: SharedCredentialsProvider,
}

impl std::fmt::Debug for Aws {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Aws").finish_non_exhaustive()
    }
}

/// Makes the shared configuration.
pub(crate) fn aws(account: &Account, first_backoff: Duration) -> Result<Aws, Error> {
    let http_client = http::client(account)?;
    let base = ProviderConfig::without_region()
        .with_region(Some(Region::new(account.sts_region.clone())))
        .with_use_fips(Some(account.fips))
        .with_use_dual_stack(Some(account.dualstack))
        .with_http_client(http_client.clone());
    let config = shared(account, http_client, first_backoff);
    let credentials = credentials::provider(account, &config, &base, &profile::files(account))?;
    Ok(Aws { config, credentials })
}

fn shared(account: &Account, http_client: SharedHttpClient, first_backoff: Duration) -> SdkConfig {
    let retries = if account.adaptive { RetryConfig::adaptive() } else { RetryConfig::standard() };
    let retries = retries
        .with_max_attempts(account.attempts)
        .with_initial_backoff(first_backoff)
        .with_max_backoff(Duration::from_secs(20));
    let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT).read_timeout(READ).build();
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(account.region.clone()))
        .http_client(http_client)
        .retry_config(retries)
        .timeout_config(timeouts)
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .time_source(SharedTimeSource::default())
        .use_fips(account.fips)
        .use_dual_stack(account.dualstack)
        .build()
}

/// Lets each request have all its attempts, as Terraform does. By default the AWS crates stop trying again in a whole
/// process after many failures, which a watch that runs for months would run into.
pub(crate) fn unlimited_retries() -> RetryPartition {
    RetryPartition::custom("terrane-state").token_bucket(TokenBucket::unlimited()).build()
}

/// Makes the client of S3.
pub(crate) fn s3(account: &Account, aws: &Aws) -> aws_sdk_s3::Client {
    let mut config = aws_sdk_s3::config::Builder::from(&aws.config)
        .credentials_provider(aws.credentials.clone())
        .force_path_style(account.path_style)
        .retry_partition(unlimited_retries());
    if !account.check_bodies {
        config.set_response_checksum_validation(Some(ResponseChecksumValidation::WhenRequired));
    }
    config.set_endpoint_url(account.endpoints.get("s3").cloned());
    aws_sdk_s3::Client::from_conf(config.build())
}

/// Makes the client of DynamoDB.
pub(crate) fn dynamodb(account: &Account, aws: &Aws) -> aws_sdk_dynamodb::Client {
    let mut config =
        aws_sdk_dynamodb::config::Builder::from(&aws.config).credentials_provider(aws.credentials.clone());
    config = config.retry_partition(unlimited_retries());
    config.set_endpoint_url(account.endpoints.get("dynamodb").cloned());
    aws_sdk_dynamodb::Client::from_conf(config.build())
}

/// Makes the client of KMS.
pub(crate) fn kms(account: &Account, aws: &Aws) -> aws_sdk_kms::Client {
    let mut config =
        aws_sdk_kms::config::Builder::from(&aws.config).credentials_provider(aws.credentials.clone());
    config = config.retry_partition(unlimited_retries());
    config.set_endpoint_url(account.endpoints.get("kms").cloned());
    aws_sdk_kms::Client::from_conf(config.build())
}
