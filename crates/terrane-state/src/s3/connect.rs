//! From settings to clients of AWS.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;

use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_sdk_s3::config::ResponseChecksumValidation;
use aws_sdk_s3::config::retry::{RetryPartition, TokenBucket};
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_async::time::SharedTimeSource;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::os_shim_internal::{Env, Fs};
use aws_types::region::Region;

use super::arguments::S3Arguments;
use super::causes::causes;
use super::settings::{self, ARGUMENT, Origins, Settings};
use super::{account, credentials, http};
use crate::environment::Environment;
use terrane_value::{Error, ErrorKind};

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
pub(crate) async fn aws(
    settings: &mut Settings,
    environment: &Environment,
    first_backoff: Duration,
) -> Result<Aws, Error> {
    let http_client = http::client(settings)?;
    let files = profile_files(settings);
    add_profile_endpoints(settings, environment, &files).await?;
    let base = ProviderConfig::without_region()
        .with_region(Some(Region::new(settings.sts_region.clone())))
        .with_use_fips(Some(settings.fips))
        .with_use_dual_stack(Some(settings.dualstack))
        .with_http_client(http_client.clone());
    let config = shared(settings, http_client, first_backoff);
    let credentials = credentials::provider(settings, &config, &base, &files)?;
    Ok(Aws { config, credentials })
}

fn shared(settings: &Settings, http_client: SharedHttpClient, first_backoff: Duration) -> SdkConfig {
    let retries = if settings.adaptive { RetryConfig::adaptive() } else { RetryConfig::standard() };
    let retries = retries
        .with_max_attempts(settings.attempts)
        .with_initial_backoff(first_backoff)
        .with_max_backoff(Duration::from_secs(20));
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(10))
        .read_timeout(Duration::from_secs(30))
        .build();
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(settings.region.clone()))
        .http_client(http_client)
        .retry_config(retries)
        .timeout_config(timeouts)
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .time_source(SharedTimeSource::default())
        .use_fips(settings.fips)
        .use_dual_stack(settings.dualstack)
        .build()
}

fn profile_files(settings: &Settings) -> EnvConfigFiles {
    use EnvConfigFileKind::{Config, Credentials};
    let mut files = EnvConfigFiles::builder();
    files = match settings.config_files.as_slice() {
        [] => files.include_default_config_file(true),
        given => given.iter().fold(files, |files, path| files.with_file(Config, path)),
    };
    files = match settings.credentials_files.as_slice() {
        [] => files.include_default_credentials_file(true),
        given => given.iter().fold(files, |files, path| files.with_file(Credentials, path)),
    };
    files.build()
}

/// Takes endpoints from the profile for services that no argument or variable gives one.
async fn add_profile_endpoints(
    settings: &mut Settings,
    environment: &Environment,
    files: &EnvConfigFiles,
) -> Result<(), Error> {
    let variables: HashMap<String, String> = environment.to_map();
    if variables.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS").is_some_and(|value| value == "true") {
        return Ok(());
    }
    let selected = settings.profile.clone().map(Cow::Owned);
    let loaded = aws_config::profile::load(&Fs::real(), &Env::from(variables), files, selected).await;
    let profiles = match loaded {
        Ok(profiles) => profiles,
        // Only who names files must have them.
        Err(_) if settings.config_files.is_empty() && settings.credentials_files.is_empty() => return Ok(()),
        Err(error) => {
            let reason = causes(&error);
            return Err(ErrorKind::InvalidConfig { problems: vec![format!("shared files: {reason}")] }.into());
        }
    };
    if let Some(endpoint) = profiles.get("endpoint_url") {
        for service in ["s3", "dynamodb", "iam", "sts", "sso", "kms"] {
            if !settings.endpoints.contains_key(service) {
                settings.endpoints.insert(service, endpoint.to_owned());
                settings.note(&format!("endpoints.{service}"), endpoint, "profile");
            }
        }
    }
    Ok(())
}

/// Lets each request have all its attempts, as Terraform does. By default the AWS crates stop trying again in a whole
/// process after many failures, which a watch that runs for months would run into.
pub(crate) fn unlimited_retries() -> RetryPartition {
    RetryPartition::custom("terrane-state").token_bucket(TokenBucket::unlimited()).build()
}

/// Makes the client of S3.
pub(crate) fn s3(settings: &Settings, aws: &Aws) -> aws_sdk_s3::Client {
    let mut config = aws_sdk_s3::config::Builder::from(&aws.config)
        .credentials_provider(aws.credentials.clone())
        .force_path_style(settings.path_style)
        .retry_partition(unlimited_retries());
    if !settings.check_bodies {
        config.set_response_checksum_validation(Some(ResponseChecksumValidation::WhenRequired));
    }
    config.set_endpoint_url(settings.endpoints.get("s3").cloned());
    aws_sdk_s3::Client::from_conf(config.build())
}

/// Makes the client of DynamoDB.
pub(crate) fn dynamodb(settings: &Settings, aws: &Aws) -> aws_sdk_dynamodb::Client {
    let mut config =
        aws_sdk_dynamodb::config::Builder::from(&aws.config).credentials_provider(aws.credentials.clone());
    config = config.retry_partition(unlimited_retries());
    config.set_endpoint_url(settings.endpoints.get("dynamodb").cloned());
    aws_sdk_dynamodb::Client::from_conf(config.build())
}

/// Makes the client of KMS.
pub(crate) fn kms(settings: &Settings, aws: &Aws) -> aws_sdk_kms::Client {
    let mut config =
        aws_sdk_kms::config::Builder::from(&aws.config).credentials_provider(aws.credentials.clone());
    config = config.retry_partition(unlimited_retries());
    config.set_endpoint_url(settings.endpoints.get("kms").cloned());
    aws_sdk_kms::Client::from_conf(config.build())
}

/// Makes a client of KMS from arguments of its own, which are those of the S3 backend without a bucket and key.
pub(crate) async fn kms_alone(
    arguments: &S3Arguments,
    environment: &Environment,
) -> Result<aws_sdk_kms::Client, Error> {
    let arguments =
        S3Arguments { bucket: Some("-".to_owned()), key: Some("-".to_owned()), ..arguments.clone() };
    let origins = Origins { arguments: ARGUMENT.to_owned(), workspace: "default".to_owned() };
    let mut settings = settings::resolve(&arguments, environment, super::workspace::DEFAULT, &origins)?;
    let aws = aws(&mut settings, environment, Duration::from_secs(1)).await?;
    account::check(&settings, &aws).await?;
    Ok(kms(&settings, &aws))
}
