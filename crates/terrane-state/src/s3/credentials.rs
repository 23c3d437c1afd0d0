//! Who reads: credentials in Terraform's order of precedence, and the role on top.

use std::path::PathBuf;
use std::time::SystemTime;

use aws_config::ecs::EcsCredentialsProvider;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::Credentials as Keys;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_runtime::env_config::file::EnvConfigFiles;
use aws_sdk_sts::types::{PolicyDescriptorType, Tag};
use aws_types::region::Region;

use super::causes::causes;
use super::role::{Role, WebRole, WebToken};
use super::settings::{Account, Credentials};
use terrane_value::{Error, ErrorKind};

/// A role taken on with other credentials, or with a token.
#[derive(Debug)]
struct RoleProvider {
    sts: aws_sdk_sts::Client,
    request: RoleRequest,
}

enum RoleRequest {
    Credentials(Box<Role>),
    Token(Box<WebRole>),
}

impl std::fmt::Debug for RoleRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            RoleRequest::Credentials(role) => f.write_str(&role.arn),
            RoleRequest::Token(web) => f.write_str(&web.role.arn),
        }
    }
}

/// Makes the provider that signs requests.
pub(crate) fn provider(
    account: &Account,
    aws: &aws_config::SdkConfig,
    base: &ProviderConfig,
    files: &EnvConfigFiles,
) -> Result<SharedCredentialsProvider, Error> {
    let profile = |name: Option<&String>| {
        let mut builder =
            ProfileFileCredentialsProvider::builder().configure(base).profile_files(files.clone());
        if let Some(name) = name {
            builder = builder.profile_name(name);
        }
        builder.build()
    };
    let first = match &account.credentials {
        Credentials::Static { access_key, secret_key, token } => {
            let keys = Keys::new(access_key, secret_key, token.clone(), None, "terrane-state");
            SharedCredentialsProvider::new(keys)
        }
        Credentials::WebIdentity(web) => SharedCredentialsProvider::new(RoleProvider {
            sts: sts(account, aws, None),
            request: RoleRequest::Token(web.clone()),
        }),
        Credentials::Profile(name) => SharedCredentialsProvider::new(profile(Some(name))),
        Credentials::ProfileOrMachine(name) => {
            let chain = CredentialsProviderChain::first_try("Profile", profile(name.as_ref()))
                .or_else("EcsContainer", EcsCredentialsProvider::builder().configure(base).build());
            SharedCredentialsProvider::new(if account.no_metadata {
                chain
            } else {
                chain.or_else("Ec2InstanceMetadata", instance_metadata(account, base)?)
            })
        }
    };
    Ok(match &account.role {
        None => first,
        Some(role) => SharedCredentialsProvider::new(RoleProvider {
            sts: sts(account, aws, Some(first)),
            request: RoleRequest::Credentials(Box::new(role.clone())),
        }),
    })
}

fn instance_metadata(account: &Account, base: &ProviderConfig) -> Result<ImdsCredentialsProvider, Error> {
    let mut client = aws_config::imds::Client::builder().configure(base);
    if let Some(endpoint) = &account.metadata_endpoint {
        client = client.endpoint(endpoint).map_err(|error| ErrorKind::InvalidConfig {
            problems: vec![format!("`ec2_metadata_service_endpoint` {endpoint:?}: {error}")],
        })?;
    }
    if account.metadata_ipv6 {
        client = client.endpoint_mode(aws_config::imds::client::EndpointMode::IpV6);
    }
    Ok(ImdsCredentialsProvider::builder().configure(base).imds_client(client.build()).build())
}

/// Makes a client of STS, without credentials for a token's sake or with those at hand.
pub(crate) fn sts(
    account: &Account,
    aws: &aws_config::SdkConfig,
    credentials: Option<SharedCredentialsProvider>,
) -> aws_sdk_sts::Client {
    let mut config = aws_sdk_sts::config::Builder::from(aws).region(Region::new(account.sts_region.clone()));
    config.set_endpoint_url(account.endpoints.get("sts").cloned());
    config.set_credentials_provider(credentials);
    config = config.retry_partition(super::connect::unlimited_retries());
    aws_sdk_sts::Client::from_conf(config.build())
}

impl ProvideCredentials for RoleProvider {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.take_on())
    }
}

impl RoleProvider {
    async fn take_on(&self) -> Result<Keys, CredentialsError> {
        let (credentials, arn) = match &self.request {
            RoleRequest::Credentials(role) => (self.with_credentials(role).await?, &role.arn),
            RoleRequest::Token(web) => (self.with_token(web).await?, &web.role.arn),
        };
        let credentials = credentials.ok_or_else(|| {
            CredentialsError::provider_error(format!("STS answered without credentials for {arn}"))
        })?;
        let expires = SystemTime::try_from(*credentials.expiration()).ok();
        Ok(Keys::new(
            credentials.access_key_id(),
            credentials.secret_access_key(),
            Some(credentials.session_token().to_owned()),
            expires,
            "AssumeRole",
        ))
    }

    async fn with_credentials(
        &self,
        role: &Role,
    ) -> Result<Option<aws_sdk_sts::types::Credentials>, CredentialsError> {
        let tag = |(key, value): (&String, &String)| Tag::builder().key(key).value(value).build();
        let tags = role.tags.iter().map(tag).collect::<Result<Vec<_>, _>>();
        let answer = self
            .sts
            .assume_role()
            .role_arn(&role.arn)
            .role_session_name(session_name(role))
            .set_duration_seconds(seconds(role))
            .set_external_id(role.external_id.clone())
            .set_policy(role.policy.clone())
            .set_policy_arns(policy_arns(role))
            .set_source_identity(role.source_identity.clone())
            .set_tags(
                Some(tags.map_err(CredentialsError::invalid_configuration)?).filter(|tags| !tags.is_empty()),
            )
            .set_transitive_tag_keys(Some(role.transitive_tag_keys.clone()).filter(|keys| !keys.is_empty()))
            .send()
            .await;
        Ok(answer.map_err(|error| refused(&role.arn, error))?.credentials)
    }

    async fn with_token(
        &self,
        web: &WebRole,
    ) -> Result<Option<aws_sdk_sts::types::Credentials>, CredentialsError> {
        let token = match &web.token {
            WebToken::Text(token) => token.clone(),
            WebToken::File(path) => std::fs::read_to_string(PathBuf::from(path)).map_err(|error| {
                CredentialsError::invalid_configuration(format!(
                    "the web identity token file {path:?}: {error}"
                ))
            })?,
        };
        let answer = self
            .sts
            .assume_role_with_web_identity()
            .role_arn(&web.role.arn)
            .role_session_name(session_name(&web.role))
            .web_identity_token(token)
            .set_duration_seconds(seconds(&web.role))
            .set_policy(web.role.policy.clone())
            .set_policy_arns(policy_arns(&web.role))
            .send()
            .await;
        Ok(answer.map_err(|error| refused(&web.role.arn, error))?.credentials)
    }
}

fn refused<E: std::error::Error + Send + Sync + 'static>(arn: &str, error: E) -> CredentialsError {
    let reason = causes(&error);
    CredentialsError::provider_error(format!("the role {arn} could not be assumed: {reason}"))
}

fn session_name(role: &Role) -> String {
    role.session_name.clone().unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        format!("terrane-state-{}", now.as_millis())
    })
}

fn seconds(role: &Role) -> Option<i32> {
    role.duration.and_then(|duration| i32::try_from(duration.as_secs()).ok())
}

fn policy_arns(role: &Role) -> Option<Vec<PolicyDescriptorType>> {
    let arns = role.policy_arns.iter().map(|arn| PolicyDescriptorType::builder().arn(arn).build());
    Some(arns.collect::<Vec<_>>()).filter(|arns| !arns.is_empty())
}
