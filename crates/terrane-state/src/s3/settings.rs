//! From arguments and environment to settings: what counts, where it came from, and all that is wrong with it.

use std::collections::BTreeMap;
use std::time::Duration;

use terrane_value::{Error, ErrorKind};

use super::place::Place;
use super::regions::REGIONS;
use super::role::{Role, WebRole, WebToken, go_duration};
use crate::arguments::S3Arguments;
use crate::environment::Environment;
use crate::setting::{ARGUMENT, HIDDEN, Origins, Setting};
use crate::workspace;

/// Where the first credentials come from.
#[derive(Clone)]
pub(crate) enum Credentials {
    Static {
        access_key: String,
        secret_key: String,
        token: Option<String>,
    },
    WebIdentity(Box<WebRole>),
    /// A profile that was asked for by argument.
    Profile(String),
    /// A profile if there is one, else the machine.
    ProfileOrMachine(Option<String>),
}

/// How AWS is reached, and as whom.
#[derive(Clone)]
pub(crate) struct Account {
    pub(crate) region: String,
    pub(crate) sts_region: String,
    /// By service: `s3`, `dynamodb`, `iam`, `sts`, `sso`, `kms`.
    pub(crate) endpoints: BTreeMap<&'static str, String>,
    pub(crate) path_style: bool,
    pub(crate) fips: bool,
    pub(crate) dualstack: bool,
    pub(crate) credentials: Credentials,
    pub(crate) role: Option<Role>,
    pub(crate) profile: Option<String>,
    pub(crate) config_files: Vec<String>,
    pub(crate) credentials_files: Vec<String>,
    /// Whether checksums that S3 sends along are held against the body.
    pub(crate) check_bodies: bool,
    pub(crate) ca_bundle: Option<String>,
    /// Whether any server is taken for the one that was meant.
    pub(crate) insecure: bool,
    pub(crate) proxy: Option<String>,
    pub(crate) no_proxy: Option<String>,
    pub(crate) attempts: u32,
    pub(crate) adaptive: bool,
    pub(crate) metadata_endpoint: Option<String>,
    pub(crate) metadata_ipv6: bool,
    pub(crate) no_metadata: bool,
    pub(crate) allowed_accounts: Vec<String>,
    pub(crate) forbidden_accounts: Vec<String>,
    pub(crate) may_ask_account: bool,
}

impl Account {
    /// Returns where a service is spoken to, for messages.
    pub(crate) fn endpoint(&self, service: &str) -> String {
        self.endpoints.get(service).cloned().unwrap_or_else(|| format!("{service} in {}", self.region))
    }
}

/// What a reader of a state needs to know.
pub(crate) struct Settings {
    pub(crate) account: Account,
    pub(crate) place: Place,
    pub(crate) report: Vec<Setting>,
}

/// Where a region may come from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum RegionOf {
    /// The arguments and the environment, as in Terraform.
    Configuration,
    /// A profile, too.
    AnyProfile,
}

/// The deprecated argument and the environment variables of each endpoint, in order of precedence.
const ENDPOINTS: [(&str, &str, &[&str]); 6] = [
    ("s3", "endpoint", &["AWS_ENDPOINT_URL_S3", "AWS_S3_ENDPOINT", "AWS_ENDPOINT_URL"]),
    (
        "dynamodb",
        "dynamodb_endpoint",
        &["AWS_ENDPOINT_URL_DYNAMODB", "AWS_DYNAMODB_ENDPOINT", "AWS_ENDPOINT_URL"],
    ),
    ("iam", "iam_endpoint", &["AWS_ENDPOINT_URL_IAM", "AWS_IAM_ENDPOINT", "AWS_ENDPOINT_URL"]),
    ("sts", "sts_endpoint", &["AWS_ENDPOINT_URL_STS", "AWS_STS_ENDPOINT", "AWS_ENDPOINT_URL"]),
    ("sso", "", &["AWS_ENDPOINT_URL_SSO", "AWS_ENDPOINT_URL"]),
    ("kms", "", &["AWS_ENDPOINT_URL_KMS", "AWS_ENDPOINT_URL"]),
];

const TOKEN_FILE: &str = "assume_role_with_web_identity.web_identity_token_file";
const SESSION_NAME: &str = "assume_role_with_web_identity.session_name";

/// Resolves arguments, and reports everything that is wrong with them at once.
pub(crate) async fn resolve(
    arguments: &S3Arguments,
    environment: &Environment,
    workspace: &str,
    origins: &Origins,
    region: RegionOf,
) -> Result<Settings, Error> {
    workspace::check(workspace)?;
    let mut resolver = Resolver::new(environment, origins);
    let place = resolver.place(arguments, workspace);
    let account = resolver.account(arguments, region).await;
    let report = resolver.report()?;
    Ok(Settings { account, place, report })
}

/// Resolves how AWS is reached, without an object.
pub(crate) async fn account(
    arguments: &S3Arguments,
    environment: &Environment,
    region: RegionOf,
) -> Result<Account, Error> {
    let origins = Origins { arguments: ARGUMENT.to_owned(), workspace: String::new() };
    let mut resolver = Resolver::new(environment, &origins);
    let account = resolver.account(arguments, region).await;
    resolver.report()?;
    Ok(account)
}

pub(super) struct Resolver<'a> {
    pub(super) environment: &'a Environment,
    pub(super) origins: &'a Origins,
    problems: Vec<String>,
    pub(super) report: Vec<Setting>,
}

impl<'a> Resolver<'a> {
    fn new(environment: &'a Environment, origins: &'a Origins) -> Resolver<'a> {
        Resolver { environment, origins, problems: Vec::new(), report: Vec::new() }
    }

    /// Returns what was noted, or all problems.
    fn report(self) -> Result<Vec<Setting>, Error> {
        match self.problems.as_slice() {
            [] => Ok(self.report),
            _ => Err(ErrorKind::InvalidConfig { problems: self.problems }.into()),
        }
    }

    /// Resolves how AWS is reached; the profile adds what neither arguments nor variables say.
    async fn account(&mut self, arguments: &S3Arguments, region: RegionOf) -> Account {
        let mut account = self.account_without_profile(arguments);
        let profile = self.read_profile(&account).await;
        self.add_endpoints(&mut account, &profile);
        if account.region.is_empty() {
            account.region = self.region_of(&profile, region);
        }
        if account.sts_region.is_empty() {
            account.sts_region.clone_from(&account.region);
        }
        account
    }

    fn account_without_profile(&mut self, arguments: &S3Arguments) -> Account {
        let region = self.region(arguments);
        let endpoints = self.endpoints(arguments);
        let fips = self.flag("use_fips_endpoint", arguments.use_fips_endpoint, Some("AWS_USE_FIPS_ENDPOINT"));
        let dualstack = self.flag(
            "use_dualstack_endpoint",
            arguments.use_dualstack_endpoint,
            Some("AWS_USE_DUALSTACK_ENDPOINT"),
        );
        let (metadata_endpoint, metadata_ipv6) = self.metadata(arguments);
        let (attempts, adaptive) = self.retries(arguments);
        self.accounts(arguments);
        let proxy = self.proxy(arguments, endpoints.get("s3"));
        let insecure = self.flag("insecure", arguments.insecure, None);
        if insecure && proxy.as_ref().is_some_and(|url| url.starts_with("https://")) {
            self.problem(
                "`insecure` does not go with a proxy that is itself reached by HTTPS; \
                 name the certificates in `custom_ca_bundle`",
            );
        }
        Account {
            path_style: self.path_style(arguments),
            credentials: self.credentials(arguments),
            role: self.role(arguments),
            profile: self.profile(arguments),
            config_files: self.files(
                "shared_config_files",
                &arguments.shared_config_files,
                "AWS_CONFIG_FILE",
            ),
            credentials_files: self.credentials_files(arguments),
            check_bodies: !self.flag("skip_s3_checksum", arguments.skip_s3_checksum, None),
            ca_bundle: self
                .text("custom_ca_bundle", &arguments.custom_ca_bundle, &["AWS_CA_BUNDLE"])
                .map(home),
            no_proxy: self.text("no_proxy", &arguments.no_proxy, &["NO_PROXY", "no_proxy"]),
            sts_region: self.text("sts_region", &arguments.sts_region, &[]).unwrap_or_default(),
            no_metadata: self.no_metadata(arguments),
            allowed_accounts: arguments.allowed_account_ids.iter().flatten().cloned().collect(),
            forbidden_accounts: arguments.forbidden_account_ids.iter().flatten().cloned().collect(),
            may_ask_account: !(arguments.skip_credentials_validation == Some(true)
                && arguments.skip_requesting_account_id == Some(true)),
            proxy,
            insecure,
            region,
            endpoints,
            fips,
            dualstack,
            attempts,
            adaptive,
            metadata_endpoint,
            metadata_ipv6,
        }
    }

    pub(super) fn problem(&mut self, problem: impl Into<String>) {
        self.problems.push(problem.into());
    }

    pub(super) fn note(&mut self, name: &str, value: &str, source: &str) {
        let source = if source == ARGUMENT { &self.origins.arguments } else { source };
        self.report.push(Setting::new(name, value, source));
    }

    /// Notes the parts of a role that are not noted yet.
    fn note_role(&mut self, argument: &str, role: &Role) {
        for (name, value) in role.parts() {
            let name = format!("{argument}.{name}");
            if !self.report.iter().any(|setting| setting.name == name) {
                self.note(&name, &value, ARGUMENT);
            }
        }
    }

    /// Returns the argument, else the first of some variables, and notes which.
    pub(super) fn text(
        &mut self,
        name: &str,
        argument: &Option<String>,
        variables: &[&'static str],
    ) -> Option<String> {
        let (value, source) = match argument.as_deref().filter(|value| !value.is_empty()) {
            Some(value) => (value, ARGUMENT),
            None => {
                let (variable, value) = self.environment.first(variables)?;
                (value, variable)
            }
        };
        let value = value.to_owned();
        self.note(name, &value, source);
        Some(value)
    }

    pub(super) fn flag(
        &mut self,
        name: &str,
        argument: Option<bool>,
        variable: Option<&'static str>,
    ) -> bool {
        let (value, source) = match (argument, variable.and_then(|name| self.environment.first(&[name]))) {
            (Some(value), _) => (value, ARGUMENT),
            (None, Some((variable, text))) => match text.to_ascii_lowercase().as_str() {
                "true" | "1" => (true, variable),
                "false" | "0" => (false, variable),
                _ => {
                    self.problem(format!("the environment variable {variable} must be true or false"));
                    return false;
                }
            },
            (None, None) => return false,
        };
        self.note(name, &value.to_string(), source);
        value
    }

    /// Returns the region that arguments or variables give, or nothing.
    fn region(&mut self, arguments: &S3Arguments) -> String {
        let region = self.text("region", &arguments.region, &["AWS_REGION", "AWS_DEFAULT_REGION"]);
        let Some(region) = region else { return String::new() };
        let from_argument = arguments.region.as_ref().is_some_and(|region| !region.is_empty());
        if from_argument
            && arguments.skip_region_validation != Some(true)
            && !REGIONS.contains(&region.as_str())
        {
            self.problem(format!(
                "`region` {region:?} is not a known AWS region; `skip_region_validation` admits it"
            ));
        }
        region
    }

    fn endpoints(&mut self, arguments: &S3Arguments) -> BTreeMap<&'static str, String> {
        let given = arguments.endpoints.clone().unwrap_or_default();
        let mut endpoints = BTreeMap::new();
        for (service, old_name, variables) in ENDPOINTS {
            let (new, old) = match service {
                "s3" => (&given.s3, &arguments.endpoint),
                "dynamodb" => (&given.dynamodb, &arguments.dynamodb_endpoint),
                "iam" => (&given.iam, &arguments.iam_endpoint),
                "sts" => (&given.sts, &arguments.sts_endpoint),
                "sso" => (&given.sso, &None),
                _ => (&None, &None),
            };
            if new.is_some() && old.is_some() {
                self.problem(format!("only one of endpoints.{service}, {old_name} can be set"));
            }
            let argument = new.clone().or_else(|| old.clone());
            let name = match service {
                "s3" => "endpoints.s3",
                "dynamodb" => "endpoints.dynamodb",
                "iam" => "endpoints.iam",
                "sts" => "endpoints.sts",
                "sso" => "endpoints.sso",
                _ => "endpoints.kms",
            };
            if let Some(endpoint) = self.text(name, &argument, variables) {
                let whole = if endpoint.contains("://") { endpoint } else { format!("https://{endpoint}") };
                endpoints.insert(service, whole);
            }
        }
        endpoints
    }

    fn path_style(&mut self, arguments: &S3Arguments) -> bool {
        if arguments.use_path_style.is_some() && arguments.force_path_style.is_some() {
            self.problem("only one of use_path_style, force_path_style can be set");
        }
        self.flag("use_path_style", arguments.use_path_style.or(arguments.force_path_style), None)
    }

    fn profile(&mut self, arguments: &S3Arguments) -> Option<String> {
        self.text("profile", &arguments.profile, &["AWS_PROFILE"])
    }

    fn credentials(&mut self, arguments: &S3Arguments) -> Credentials {
        let set = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let (access_key, secret_key, token) =
            (set(&arguments.access_key), set(&arguments.secret_key), set(&arguments.token));
        if access_key.is_some() || secret_key.is_some() || token.is_some() {
            for (name, value) in [("access_key", &access_key), ("secret_key", &secret_key), ("token", &token)]
            {
                if value.is_some() {
                    self.note(name, HIDDEN, ARGUMENT);
                }
            }
            if access_key.is_none() || secret_key.is_none() {
                self.problem("`access_key` and `secret_key` must both be set");
            }
            return Credentials::Static {
                access_key: access_key.unwrap_or_default(),
                secret_key: secret_key.unwrap_or_default(),
                token,
            };
        }
        if let Some(web) = self.web_identity(arguments) {
            return web;
        }
        if let Some(profile) = set(&arguments.profile) {
            return Credentials::Profile(profile);
        }
        let environment = self.environment;
        let access_key = environment.first(&["AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY"]);
        let secret_key = environment.first(&["AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY"]);
        if let (Some((access_name, access_key)), Some((secret_name, secret_key))) = (access_key, secret_key) {
            let token = environment.get("AWS_SESSION_TOKEN").map(str::to_owned);
            self.note("access_key", HIDDEN, access_name);
            self.note("secret_key", HIDDEN, secret_name);
            if token.is_some() {
                self.note("token", HIDDEN, "AWS_SESSION_TOKEN");
            }
            return Credentials::Static {
                access_key: access_key.to_owned(),
                secret_key: secret_key.to_owned(),
                token,
            };
        }
        if let (Some(file), Some(arn)) =
            (environment.get("AWS_WEB_IDENTITY_TOKEN_FILE"), environment.get("AWS_ROLE_ARN"))
        {
            let role = Role {
                session_name: environment.get("AWS_ROLE_SESSION_NAME").map(str::to_owned),
                ..Role::new(arn)
            };
            let token = WebToken::File(file.to_owned());
            self.note("assume_role_with_web_identity.role_arn", arn, "AWS_ROLE_ARN");
            self.note(TOKEN_FILE, file, "AWS_WEB_IDENTITY_TOKEN_FILE");
            if let Some(name) = &role.session_name {
                self.note(SESSION_NAME, name, "AWS_ROLE_SESSION_NAME");
            }
            return Credentials::WebIdentity(Box::new(WebRole { role, token }));
        }
        self.note("credentials", "of the profile, else of the container or instance", "default");
        Credentials::ProfileOrMachine(environment.get("AWS_PROFILE").map(str::to_owned))
    }

    fn web_identity(&mut self, arguments: &S3Arguments) -> Option<Credentials> {
        let web = arguments.assume_role_with_web_identity.as_ref()?;
        let argument = "assume_role_with_web_identity";
        let arn = self.text("assume_role_with_web_identity.role_arn", &web.role_arn, &["AWS_ROLE_ARN"]);
        if arn.is_none() {
            self.problem(format!("`{argument}.role_arn` is required"));
        }
        let given = (web.web_identity_token.as_ref(), web.web_identity_token_file.as_ref());
        let (text, file) = match given {
            (None, None) => {
                let text = self.environment.get("AWS_WEB_IDENTITY_TOKEN").map(str::to_owned);
                let unless_text: &[&str] =
                    if text.is_some() { &[] } else { &["AWS_WEB_IDENTITY_TOKEN_FILE"] };
                (text, self.text(TOKEN_FILE, &None, unless_text))
            }
            (text, _) => (text.cloned(), self.text(TOKEN_FILE, &web.web_identity_token_file, &[])),
        };
        if text.is_some() {
            let source = if given.0.is_some() { ARGUMENT } else { "AWS_WEB_IDENTITY_TOKEN" };
            self.note("assume_role_with_web_identity.web_identity_token", HIDDEN, source);
        }
        let token = match (text, file) {
            (Some(text), None) => Some(WebToken::Text(text)),
            (None, Some(file)) => Some(WebToken::File(home(file))),
            _ => None,
        };
        let Some(token) = token else {
            self.problem(format!(
                "exactly one of `{argument}.web_identity_token` and `.web_identity_token_file` must be set"
            ));
            return Some(Credentials::ProfileOrMachine(None));
        };
        let role = Role {
            session_name: self.text(SESSION_NAME, &web.session_name, &["AWS_ROLE_SESSION_NAME"]),
            duration: self.duration(argument, web.duration.as_deref()),
            policy: web.policy.clone(),
            policy_arns: web.policy_arns.iter().flatten().cloned().collect(),
            ..Role::new(&arn.unwrap_or_default())
        };
        self.note_role(argument, &role);
        Some(Credentials::WebIdentity(Box::new(WebRole { role, token })))
    }

    fn role(&mut self, arguments: &S3Arguments) -> Option<Role> {
        let role = self.any_role(arguments)?;
        self.note_role("assume_role", &role);
        Some(role)
    }

    fn any_role(&mut self, arguments: &S3Arguments) -> Option<Role> {
        if arguments.assume_role.is_some() && arguments.role_arn.is_some() {
            self.problem("only one of assume_role, role_arn can be set");
        }
        if let Some(arn) = &arguments.role_arn {
            return Some(Role {
                session_name: arguments.session_name.clone(),
                duration: arguments
                    .assume_role_duration_seconds
                    .map(|seconds| Duration::from_secs(seconds.into())),
                external_id: arguments.external_id.clone(),
                policy: arguments.assume_role_policy.clone(),
                policy_arns: arguments.assume_role_policy_arns.iter().flatten().cloned().collect(),
                tags: arguments.assume_role_tags.clone().unwrap_or_default(),
                transitive_tag_keys: arguments
                    .assume_role_transitive_tag_keys
                    .iter()
                    .flatten()
                    .cloned()
                    .collect(),
                ..Role::new(arn)
            });
        }
        let role = arguments.assume_role.as_ref()?;
        let Some(arn) = role.role_arn.as_deref().filter(|arn| !arn.is_empty()) else {
            self.problem("`assume_role.role_arn` is required");
            return None;
        };
        Some(Role {
            session_name: role.session_name.clone(),
            duration: self.duration("assume_role", role.duration.as_deref()),
            external_id: role.external_id.clone(),
            policy: role.policy.clone(),
            policy_arns: role.policy_arns.iter().flatten().cloned().collect(),
            source_identity: role.source_identity.clone(),
            tags: role.tags.clone().unwrap_or_default(),
            transitive_tag_keys: role.transitive_tag_keys.iter().flatten().cloned().collect(),
            ..Role::new(arn)
        })
    }

    fn duration(&mut self, argument: &str, text: Option<&str>) -> Option<Duration> {
        let text = text.filter(|text| !text.is_empty())?;
        match go_duration(text) {
            Some(Duration::ZERO) => None,
            Some(duration) if (900..=43_200).contains(&duration.as_secs()) => Some(duration),
            Some(_) => {
                self.problem(format!("`{argument}.duration` must be between 15m and 12h, found {text:?}"));
                None
            }
            None => {
                self.problem(format!(
                    "`{argument}.duration` must be a duration such as \"1h30m\", found {text:?}"
                ));
                None
            }
        }
    }

    fn files(
        &mut self,
        name: &str,
        argument: &Option<std::collections::BTreeSet<String>>,
        variable: &'static str,
    ) -> Vec<String> {
        let terraform_variable =
            if name == "shared_config_files" { "AWS_SHARED_CONFIG_FILE" } else { variable };
        let (files, source) = match argument {
            Some(files) if !files.is_empty() => (files.iter().cloned().collect(), ARGUMENT),
            _ => match self.environment.first(&[terraform_variable, variable]) {
                Some((variable, file)) => (vec![file.to_owned()], variable),
                None => return Vec::new(),
            },
        };
        let files: Vec<String> = files.into_iter().map(home).collect();
        self.note(name, &files.join(", "), source);
        files
    }

    fn credentials_files(&mut self, arguments: &S3Arguments) -> Vec<String> {
        if arguments.shared_credentials_file.is_some() && arguments.shared_credentials_files.is_some() {
            self.problem("only one of shared_credentials_files, shared_credentials_file can be set");
        }
        let single = arguments.shared_credentials_file.clone().map(|file| [file].into());
        let files = arguments.shared_credentials_files.clone().or(single);
        self.files("shared_credentials_files", &files, "AWS_SHARED_CREDENTIALS_FILE")
    }

    /// Chooses the proxy for the scheme of the S3 endpoint; the HTTP proxy serves HTTPS too unless that has its own.
    fn proxy(&mut self, arguments: &S3Arguments, s3_endpoint: Option<&String>) -> Option<String> {
        let is_http = s3_endpoint.is_some_and(|endpoint| endpoint.starts_with("http://"));
        let http =
            |this: &mut Self| this.text("http_proxy", &arguments.http_proxy, &["HTTP_PROXY", "http_proxy"]);
        if is_http {
            return http(self);
        }
        if arguments.https_proxy.as_deref() == Some("") {
            self.note("https_proxy", "", ARGUMENT);
            return None;
        }
        match self.text("https_proxy", &arguments.https_proxy, &["HTTPS_PROXY", "https_proxy"]) {
            Some(proxy) => Some(proxy),
            None => http(self),
        }
    }

    fn retries(&mut self, arguments: &S3Arguments) -> (u32, bool) {
        // Terraform's number is one of attempts, and it hands zero to the AWS SDK, whose default is three.
        let attempts = match arguments.max_retries {
            None => 5,
            Some(0) => 3,
            Some(attempts) => attempts,
        };
        let source = if arguments.max_retries.is_some() { ARGUMENT } else { "default" };
        self.note("max_retries", &attempts.to_string(), source);
        let mode = self.text("retry_mode", &arguments.retry_mode, &["AWS_RETRY_MODE"]);
        let adaptive = match mode.as_deref() {
            None | Some("standard") => false,
            Some("adaptive") => true,
            Some(other) => {
                self.problem(format!("`retry_mode` must be \"standard\" or \"adaptive\", found {other:?}"));
                false
            }
        };
        (attempts, adaptive)
    }

    fn metadata(&mut self, arguments: &S3Arguments) -> (Option<String>, bool) {
        let endpoint = self.text(
            "ec2_metadata_service_endpoint",
            &arguments.ec2_metadata_service_endpoint,
            &["AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_METADATA_URL"],
        );
        let mode = self.text(
            "ec2_metadata_service_endpoint_mode",
            &arguments.ec2_metadata_service_endpoint_mode,
            &["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"],
        );
        match mode.as_deref().map(str::to_ascii_lowercase).as_deref() {
            None | Some("ipv4") => (endpoint, false),
            Some("ipv6") => (endpoint, true),
            Some(_) => {
                self.problem("`ec2_metadata_service_endpoint_mode` must be \"IPv4\" or \"IPv6\"");
                (endpoint, false)
            }
        }
    }

    fn no_metadata(&mut self, arguments: &S3Arguments) -> bool {
        let (name, variable) = ("skip_metadata_api_check", "AWS_EC2_METADATA_DISABLED");
        if arguments.skip_metadata_api_check.is_some() {
            return self.flag(name, arguments.skip_metadata_api_check, None);
        }
        // Whatever else the variable says counts as false, as in the SDKs of AWS.
        let skip = self.environment.get(variable).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        if skip {
            self.note(name, "true", variable);
        }
        skip
    }

    fn accounts(&mut self, arguments: &S3Arguments) {
        if arguments.allowed_account_ids.is_some() && arguments.forbidden_account_ids.is_some() {
            self.problem("only one of allowed_account_ids, forbidden_account_ids can be set");
        }
        for (name, flag) in [
            ("skip_credentials_validation", arguments.skip_credentials_validation),
            ("skip_requesting_account_id", arguments.skip_requesting_account_id),
            ("skip_region_validation", arguments.skip_region_validation),
        ] {
            self.flag(name, flag, None);
        }
        for (name, ids) in [
            ("allowed_account_ids", &arguments.allowed_account_ids),
            ("forbidden_account_ids", &arguments.forbidden_account_ids),
        ] {
            if let Some(ids) = ids {
                let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
                self.note(name, &ids.join(", "), ARGUMENT);
            }
        }
    }
}

/// Expands a leading `~`.
fn home(path: String) -> String {
    match (path.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest).to_string_lossy().into_owned(),
        _ => path,
    }
}
