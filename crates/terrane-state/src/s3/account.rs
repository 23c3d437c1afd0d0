//! Whether the credentials belong to an account that the configuration admits.

use terrane_value::{Error, ErrorKind};

use super::connect::Aws;
use super::credentials;
use super::service::{self, Request};
use super::settings::Account;

/// Asks for the account only when a list is to be kept, and never ignores a list.
pub(crate) async fn check(settings: &Account, aws: &Aws) -> Result<(), Error> {
    if settings.allowed_accounts.is_empty() && settings.forbidden_accounts.is_empty() {
        return Ok(());
    }
    let account = if settings.may_ask_account { ask(settings, aws).await? } else { String::new() };
    let is_forbidden = settings.forbidden_accounts.contains(&account);
    let is_allowed = settings.allowed_accounts.is_empty() || settings.allowed_accounts.contains(&account);
    if account.is_empty() || is_forbidden || !is_allowed {
        return Err(ErrorKind::AccountNotAllowed { account }.into());
    }
    Ok(())
}

async fn ask(settings: &Account, aws: &Aws) -> Result<String, Error> {
    let sts = credentials::sts(settings, &aws.config, Some(aws.credentials.clone()));
    let endpoint = settings.endpoint("sts");
    let request =
        Request { bucket: "", region: &settings.sts_region, endpoint: &endpoint, gets_object: false };
    let identity = sts.get_caller_identity().send().await;
    let identity = identity.map_err(|error| service::explain(error, request).at("sts:GetCallerIdentity"))?;
    Ok(identity.account.unwrap_or_default())
}
