//! The arguments of Terraform's `backend "s3"`, under Terraform's names.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Deserialize;
use terrane_value::{Error, ErrorKind, Json, Type, Value};

const STRINGS: [&str; 40] = [
    "bucket",
    "key",
    "region",
    "access_key",
    "secret_key",
    "token",
    "profile",
    "shared_credentials_file",
    "endpoint",
    "dynamodb_endpoint",
    "iam_endpoint",
    "sts_endpoint",
    "sts_region",
    "retry_mode",
    "sse_customer_key",
    "kms_key_id",
    "acl",
    "dynamodb_table",
    "workspace_key_prefix",
    "custom_ca_bundle",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "ec2_metadata_service_endpoint",
    "ec2_metadata_service_endpoint_mode",
    "role_arn",
    "session_name",
    "external_id",
    "assume_role_policy",
    "encrypt",
    "use_path_style",
    "force_path_style",
    "use_fips_endpoint",
    "use_dualstack_endpoint",
    "use_lockfile",
    "insecure",
    "skip_credentials_validation",
    "skip_requesting_account_id",
    "skip_metadata_api_check",
    "skip_region_validation",
];

/// What tells Terraform where a state is, as fields.
///
/// Each field is the argument of the same name in `backend "s3"`; `None` leaves it unset. Arguments that OpenTofu has
/// and Terraform dropped (`role_arn` and its kin) are understood; those that only concern writing are accepted and
/// ignored. `Debug` hides secrets.
///
/// # Examples
///
/// ```
/// use terrane_state::S3Arguments;
///
/// let mut arguments = S3Arguments::new("acme-state", "network.tfstate")
///     .with_region("eu-west-1")
///     .with_dynamodb_table("terraform-locks");
/// arguments.max_retries = Some(3);
/// ```
#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the fields are Terraform's arguments, documented by Terraform")]
pub struct S3Arguments {
    pub bucket: Option<String>,
    pub key: Option<String>,
    pub region: Option<String>,
    pub access_key: Option<String>,
    pub secret_key: Option<String>,
    pub token: Option<String>,
    pub profile: Option<String>,
    pub shared_config_files: Option<BTreeSet<String>>,
    pub shared_credentials_files: Option<BTreeSet<String>>,
    pub shared_credentials_file: Option<String>,
    pub assume_role: Option<AssumeRole>,
    pub assume_role_with_web_identity: Option<AssumeRoleWithWebIdentity>,
    pub allowed_account_ids: Option<BTreeSet<String>>,
    pub forbidden_account_ids: Option<BTreeSet<String>>,
    pub endpoints: Option<Endpoints>,
    pub endpoint: Option<String>,
    pub dynamodb_endpoint: Option<String>,
    pub iam_endpoint: Option<String>,
    pub sts_endpoint: Option<String>,
    pub sts_region: Option<String>,
    pub use_path_style: Option<bool>,
    pub force_path_style: Option<bool>,
    pub use_fips_endpoint: Option<bool>,
    pub use_dualstack_endpoint: Option<bool>,
    pub encrypt: Option<bool>,
    pub sse_customer_key: Option<String>,
    pub kms_key_id: Option<String>,
    pub dynamodb_table: Option<String>,
    pub use_lockfile: Option<bool>,
    pub skip_s3_checksum: Option<bool>,
    pub workspace_key_prefix: Option<String>,
    pub custom_ca_bundle: Option<String>,
    pub http_proxy: Option<String>,
    pub https_proxy: Option<String>,
    pub no_proxy: Option<String>,
    pub insecure: Option<bool>,
    pub max_retries: Option<u32>,
    pub retry_mode: Option<String>,
    pub ec2_metadata_service_endpoint: Option<String>,
    pub ec2_metadata_service_endpoint_mode: Option<String>,
    pub skip_credentials_validation: Option<bool>,
    pub skip_requesting_account_id: Option<bool>,
    pub skip_metadata_api_check: Option<bool>,
    pub skip_region_validation: Option<bool>,
    pub role_arn: Option<String>,
    pub session_name: Option<String>,
    pub external_id: Option<String>,
    pub assume_role_duration_seconds: Option<u32>,
    pub assume_role_policy: Option<String>,
    pub assume_role_policy_arns: Option<BTreeSet<String>>,
    pub assume_role_tags: Option<BTreeMap<String, String>>,
    pub assume_role_transitive_tag_keys: Option<BTreeSet<String>>,
}

/// The argument `assume_role`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the fields are Terraform's arguments, documented by Terraform")]
pub struct AssumeRole {
    pub role_arn: Option<String>,
    pub duration: Option<String>,
    pub external_id: Option<String>,
    pub policy: Option<String>,
    pub policy_arns: Option<BTreeSet<String>>,
    pub session_name: Option<String>,
    pub source_identity: Option<String>,
    pub tags: Option<BTreeMap<String, String>>,
    pub transitive_tag_keys: Option<BTreeSet<String>>,
}

/// The argument `assume_role_with_web_identity`. `Debug` hides the token.
#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the fields are Terraform's arguments, documented by Terraform")]
pub struct AssumeRoleWithWebIdentity {
    pub role_arn: Option<String>,
    pub duration: Option<String>,
    pub policy: Option<String>,
    pub policy_arns: Option<BTreeSet<String>>,
    pub session_name: Option<String>,
    pub web_identity_token: Option<String>,
    pub web_identity_token_file: Option<String>,
}

/// The argument `endpoints`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the fields are Terraform's arguments, documented by Terraform")]
pub struct Endpoints {
    pub s3: Option<String>,
    pub dynamodb: Option<String>,
    pub iam: Option<String>,
    pub sts: Option<String>,
    pub sso: Option<String>,
}

/// Arguments that count before those of a URI, a directory, and the environment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overrides {
    pub(crate) region: Option<String>,
    pub(crate) profile: Option<String>,
    pub(crate) role_arn: Option<String>,
    pub(crate) endpoint: Option<String>,
}

impl Overrides {
    /// Returns the names of those that are set.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        let all = [
            ("region", &self.region),
            ("profile", &self.profile),
            ("role_arn", &self.role_arn),
            ("endpoint", &self.endpoint),
        ];
        all.into_iter().filter(|(_, value)| value.is_some()).map(|(name, _)| name).collect()
    }

    /// Puts them over other arguments.
    #[cfg(feature = "s3")]
    pub(crate) fn over(&self, arguments: &S3Arguments) -> S3Arguments {
        let mut arguments = arguments.clone();
        arguments.region = self.region.clone().or(arguments.region);
        if self.profile.is_some() {
            // Whatever else names credentials would count before a profile.
            (arguments.access_key, arguments.secret_key, arguments.token) = (None, None, None);
            arguments.assume_role_with_web_identity = None;
            arguments.profile.clone_from(&self.profile);
        }
        if let Some(arn) = &self.role_arn {
            arguments.role_arn = None;
            arguments.assume_role = Some(AssumeRole { role_arn: Some(arn.clone()), ..AssumeRole::default() });
        }
        if let Some(url) = &self.endpoint {
            arguments.endpoint = None;
            arguments.endpoints.get_or_insert_default().s3 = Some(url.clone());
            arguments.use_path_style = arguments.use_path_style.or(arguments.force_path_style).or(Some(true));
            arguments.force_path_style = None;
        }
        arguments
    }
}

macro_rules! setters {
    ($($method:ident $field:ident $name:literal;)*) => {
        $(
            #[doc = concat!("Sets `", $name, "`.")]
            #[must_use]
            pub fn $method(mut self, value: impl Into<String>) -> S3Arguments {
                self.$field = Some(value.into());
                self
            }
        )*
    };
}

/// The arguments that most programs set; all others are fields.
impl S3Arguments {
    setters! {
        with_region region "region";
        with_profile profile "profile";
        with_dynamodb_table dynamodb_table "dynamodb_table";
        with_workspace_key_prefix workspace_key_prefix "workspace_key_prefix";
        with_sse_customer_key sse_customer_key "sse_customer_key";
        with_custom_ca_bundle custom_ca_bundle "custom_ca_bundle";
    }

    /// Sets `access_key` and `secret_key`.
    #[must_use]
    pub fn with_keys(mut self, access_key: impl Into<String>, secret_key: impl Into<String>) -> S3Arguments {
        self.access_key = Some(access_key.into());
        self.secret_key = Some(secret_key.into());
        self
    }

    /// Sets `assume_role.role_arn`.
    #[must_use]
    pub fn with_role(mut self, arn: impl Into<String>) -> S3Arguments {
        self.assume_role.get_or_insert_default().role_arn = Some(arn.into());
        self
    }

    /// Sets `endpoints.s3`, and puts the bucket into the path.
    #[must_use]
    pub fn with_endpoint(mut self, url: impl Into<String>) -> S3Arguments {
        self.endpoints.get_or_insert_default().s3 = Some(url.into());
        self.use_path_style = Some(true);
        self
    }
}

impl S3Arguments {
    /// Names a bucket and a key, and leaves all else to the environment and Terraform's defaults.
    pub fn new(bucket: impl Into<String>, key: impl Into<String>) -> S3Arguments {
        S3Arguments { bucket: Some(bucket.into()), key: Some(key.into()), ..S3Arguments::default() }
    }

    /// Reads `s3://bucket/key`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] if the text is of another form.
    pub fn from_uri(uri: &str) -> Result<S3Arguments, Error> {
        match uri.strip_prefix("s3://").and_then(|rest| rest.split_once('/')) {
            Some((bucket, key)) if !bucket.is_empty() && !key.is_empty() => Ok(S3Arguments::new(bucket, key)),
            _ => {
                Err(ErrorKind::InvalidConfig { problems: vec![format!("{uri:?} is not s3://bucket/key")] }
                    .into())
            }
        }
    }

    /// Reads the arguments as JSON, such as the `config` of a `terraform_remote_state` data source.
    ///
    /// Values are converted as Terraform does: `"true"` is a bool, and null is unset.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] for what is no argument, or has the wrong type.
    pub fn from_json(text: &str) -> Result<S3Arguments, Error> {
        let json = Json::parse(text.as_bytes()).map_err(|error| {
            invalid(format!("the configuration is not JSON: syntax error at byte offset {}", error.offset))
        })?;
        S3Arguments::from_tree(&json)
    }

    pub(crate) fn from_tree(json: &Json) -> Result<S3Arguments, Error> {
        terrane_value::from_value(&values(json)?).map_err(|error| {
            let path = error.path();
            let path = path.strip_prefix('.').unwrap_or(&path);
            invalid(format!("`{path}` does not have the right type"))
        })
    }
}

/// Returns every argument with its value; one that is not set is null.
pub(crate) fn values(json: &Json) -> Result<Value, Error> {
    terrane_value::decode(json, &schema()).map_err(|error| {
        let path = error.path();
        match path.strip_prefix('.') {
            Some(path) => invalid(format!("`{path}`: {}", error.reason())),
            None => invalid(error.reason().to_owned()),
        }
    })
}

fn invalid(problem: String) -> Error {
    ErrorKind::InvalidConfig { problems: vec![problem] }.into()
}

fn schema() -> Type {
    let is_bool = |name: &str| {
        name.starts_with("skip_")
            || name.starts_with("use_")
            || ["encrypt", "force_path_style", "insecure"].contains(&name)
    };
    let strings = || Type::set(Type::String);
    let tags = || Type::map(Type::String);
    let texts = |names: &[&str]| -> Vec<(String, Type)> {
        names.iter().map(|name| ((*name).to_owned(), Type::String)).collect()
    };
    let mut role =
        texts(&["role_arn", "duration", "external_id", "policy", "session_name", "source_identity"]);
    role.extend([
        ("policy_arns".to_owned(), strings()),
        ("tags".to_owned(), tags()),
        ("transitive_tag_keys".to_owned(), strings()),
    ]);
    let mut web = texts(&[
        "role_arn",
        "duration",
        "policy",
        "session_name",
        "web_identity_token",
        "web_identity_token_file",
    ]);
    web.push(("policy_arns".to_owned(), strings()));
    let mut all: Vec<(String, Type)> = STRINGS
        .iter()
        .map(|name| ((*name).to_owned(), if is_bool(name) { Type::Bool } else { Type::String }))
        .collect();
    all.extend(
        [
            ("skip_s3_checksum", Type::Bool),
            ("max_retries", Type::Number),
            ("assume_role_duration_seconds", Type::Number),
            ("shared_config_files", strings()),
            ("shared_credentials_files", strings()),
            ("allowed_account_ids", strings()),
            ("forbidden_account_ids", strings()),
            ("assume_role_policy_arns", strings()),
            ("assume_role_transitive_tag_keys", strings()),
            ("assume_role_tags", tags()),
            ("state_tags", tags()),
            ("lock_tags", tags()),
            ("assume_role", Type::object(role)),
            ("assume_role_with_web_identity", Type::object(web)),
            ("endpoints", Type::object(texts(&["s3", "dynamodb", "iam", "sts", "sso"]))),
        ]
        .map(|(name, ty)| (name.to_owned(), ty)),
    );
    Type::object(all)
}

impl fmt::Debug for S3Arguments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Arguments")
            .field("bucket", &self.bucket)
            .field("key", &self.key)
            .field("region", &self.region)
            .field("profile", &self.profile)
            .field("endpoints", &self.endpoints)
            .field("dynamodb_table", &self.dynamodb_table)
            .field("workspace_key_prefix", &self.workspace_key_prefix)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for AssumeRoleWithWebIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssumeRoleWithWebIdentity")
            .field("role_arn", &self.role_arn)
            .field("session_name", &self.session_name)
            .field("web_identity_token_file", &self.web_identity_token_file)
            .finish_non_exhaustive()
    }
}
