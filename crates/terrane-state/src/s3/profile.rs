//! What a profile adds to arguments and variables: endpoints, and for some readers the region.

use std::borrow::Cow;
use std::collections::HashMap;

use aws_config::profile::ProfileSet;
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_types::os_shim_internal::{Env, Fs};

use super::causes::causes;
use super::settings::{Account, RegionOf, Resolver};

/// Returns the files in which profiles stand.
pub(super) fn files(account: &Account) -> EnvConfigFiles {
    use EnvConfigFileKind::{Config, Credentials};
    let mut files = EnvConfigFiles::builder();
    files = match account.config_files.as_slice() {
        [] => files.include_default_config_file(true),
        given => given.iter().fold(files, |files, path| files.with_file(Config, path)),
    };
    files = match account.credentials_files.as_slice() {
        [] => files.include_default_credentials_file(true),
        given => given.iter().fold(files, |files, path| files.with_file(Credentials, path)),
    };
    files.build()
}

impl Resolver<'_> {
    /// Reads the profiles; none where there are no files.
    pub(super) async fn read_profile(&mut self, account: &Account) -> Option<ProfileSet> {
        let variables: HashMap<String, String> = self.environment.to_map();
        let selected = account.profile.clone().map(Cow::Owned);
        let files = files(account);
        match aws_config::profile::load(&Fs::real(), &Env::from(variables), &files, selected).await {
            Ok(profiles) => Some(profiles),
            // Only who names files must have them.
            Err(_) if account.config_files.is_empty() && account.credentials_files.is_empty() => None,
            Err(error) => {
                self.problem(format!("shared files: {}", causes(&error)));
                None
            }
        }
    }

    /// Takes the endpoint of a profile for services that no argument or variable gives one.
    pub(super) fn add_endpoints(&mut self, account: &mut Account, profile: &Option<ProfileSet>) {
        if self.environment.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") == Some("true") {
            return;
        }
        let Some(endpoint) = profile.as_ref().and_then(|profile| profile.get("endpoint_url")) else { return };
        for service in ["s3", "dynamodb", "iam", "sts", "sso", "kms"] {
            if !account.endpoints.contains_key(service) {
                account.endpoints.insert(service, endpoint.to_owned());
                self.note(&format!("endpoints.{service}"), endpoint, "profile");
            }
        }
    }

    /// Returns the region of a profile, where that may be taken.
    pub(super) fn region_of(&mut self, profile: &Option<ProfileSet>, region: RegionOf) -> String {
        let of_profile = profile.as_ref().and_then(|profile| profile.get("region"));
        match (region, of_profile) {
            (RegionOf::AnyProfile, Some(name)) => {
                self.note("region", name, "profile");
                return name.to_owned();
            }
            (RegionOf::AnyProfile, None) => {
                self.problem("`region` is required: set it, AWS_REGION, AWS_DEFAULT_REGION, or that of a profile");
            }
            (RegionOf::Configuration, _) => self.problem(
                "`region` is required: set it, AWS_REGION, or AWS_DEFAULT_REGION (as in Terraform, a profile's is \
                 not used)",
            ),
        }
        String::new()
    }
}
