//! Which object holds a state, and how it is encrypted and guarded there.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::settings::Resolver;
use super::workspaces;
use crate::arguments::S3Arguments;
use crate::setting::{ARGUMENT, HIDDEN, Setting};

/// The object of one workspace.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) object: String,
    pub(crate) prefix: String,
    /// The key for each request.
    pub(crate) customer_key: Option<String>,
    /// A key at hand that `encrypt` does not allow to send.
    pub(crate) spare_customer_key: Option<String>,
    pub(crate) dynamodb_table: Option<String>,
}

impl Resolver<'_> {
    /// Resolves what concerns the object alone.
    pub(super) fn place(&mut self, arguments: &S3Arguments, workspace: &str) -> Place {
        let bucket = self.bucket(arguments);
        let key = self.key(arguments);
        let prefix = self.prefix(arguments);
        let object = workspaces::object_key(&prefix, workspace, &key);
        self.report.push(Setting::new("workspace", workspace, &self.origins.workspace));
        self.note("object", &object, "workspace and key");
        self.kms_key_id(arguments);
        let (customer_key, spare_customer_key) = self.customer_keys(arguments);
        let dynamodb_table = self.text("dynamodb_table", &arguments.dynamodb_table, &[]);
        Place { bucket, key, object, prefix, customer_key, spare_customer_key, dynamodb_table }
    }

    fn bucket(&mut self, arguments: &S3Arguments) -> String {
        let bucket = arguments.bucket.clone().unwrap_or_default();
        if bucket.trim().is_empty() {
            self.problem("`bucket` is required");
        }
        self.note("bucket", &bucket, ARGUMENT);
        bucket
    }

    fn key(&mut self, arguments: &S3Arguments) -> String {
        let key = arguments.key.clone().unwrap_or_default();
        if key.trim().is_empty() {
            self.problem("`key` is required");
        }
        if key.starts_with('/') || key.ends_with('/') {
            self.problem(format!("`key` must not start or end with \"/\", found {key:?}"));
        }
        if key.contains("//") {
            self.problem(format!("`key` must not contain \"//\", found {key:?}"));
        }
        self.note("key", &key, ARGUMENT);
        key
    }

    fn prefix(&mut self, arguments: &S3Arguments) -> String {
        let (prefix, source) = match &arguments.workspace_key_prefix {
            Some(prefix) => (prefix.as_str(), ARGUMENT),
            None => ("env:", "default"),
        };
        if prefix.starts_with('/') || prefix.ends_with('/') {
            self.problem(format!(
                "`workspace_key_prefix` must not start or end with \"/\", found {prefix:?}"
            ));
        }
        self.note("workspace_key_prefix", prefix, source);
        prefix.to_owned()
    }

    /// Checks what only writing uses, so that a mistake shows before Terraform finds it.
    fn kms_key_id(&mut self, arguments: &S3Arguments) {
        let Some(id) = arguments.kms_key_id.as_deref().filter(|id| !id.is_empty()) else { return };
        self.note("kms_key_id", id, ARGUMENT);
        if !is_kms_key_id(id) {
            self.problem(format!(
                "`kms_key_id` must be a key's id, alias, or ARN (such as \"alias/state\"), found {id:?}"
            ));
        }
    }

    fn customer_keys(&mut self, arguments: &S3Arguments) -> (Option<String>, Option<String>) {
        let from_argument = arguments.sse_customer_key.clone().filter(|key| !key.is_empty());
        let from_environment = self.environment.get("AWS_SSE_CUSTOMER_KEY").map(str::to_owned);
        let variable = "AWS_SSE_CUSTOMER_KEY";
        let (key, name, source) = match (from_argument, from_environment) {
            (Some(key), _) => (key, "sse_customer_key", ARGUMENT),
            (None, Some(key)) => (key, "the environment variable \"AWS_SSE_CUSTOMER_KEY\"", variable),
            (None, None) => return (None, None),
        };
        if arguments.kms_key_id.as_ref().is_some_and(|id| !id.is_empty()) {
            self.problem(format!("only one of kms_key_id, {name} can be set"));
        }
        if key.len() != 44 {
            self.problem(format!("{name} must be 44 characters in length, found {}", key.len()));
        } else if BASE64.decode(&key).map(|key| key.len()) != Ok(32) {
            self.problem(format!("{name} must be 32 bytes in base64"));
        }
        self.note("sse_customer_key", HIDDEN, source);
        self.flag("encrypt", arguments.encrypt, None);
        if arguments.encrypt == Some(true) { (Some(key), None) } else { (None, Some(key)) }
    }
}

/// Tells whether a text names a KMS key: a UUID, `mrk-…`, `alias/…`, or the ARN of one of these.
fn is_kms_key_id(text: &str) -> bool {
    let id = match text.strip_prefix("arn:") {
        // arn:PARTITION:kms:REGION:ACCOUNT:RESOURCE
        Some(rest) => match rest.splitn(5, ':').collect::<Vec<_>>().as_slice() {
            [_, "kms", _, _, resource] => {
                return resource.strip_prefix("key/").is_some_and(is_key) || is_alias(resource);
            }
            _ => return false,
        },
        None => text,
    };
    is_key(id) || is_alias(id)
}

fn is_key(text: &str) -> bool {
    let is_hex =
        |text: &str, length: usize| text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let groups: Vec<&str> = text.split('-').collect();
    match groups.as_slice() {
        ["mrk", id] => is_hex(id, 32),
        [a, b, c, d, e] => is_hex(a, 8) && is_hex(b, 4) && is_hex(c, 4) && is_hex(d, 4) && is_hex(e, 12),
        _ => false,
    }
}

fn is_alias(text: &str) -> bool {
    let is_name = |char: char| char.is_ascii_alphanumeric() || "/_-".contains(char);
    text.strip_prefix("alias/").is_some_and(|name| !name.is_empty() && name.chars().all(is_name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kms_keys_have_ids_aliases_and_arns() {
        let (uuid, mrk) = ("12345678-1234-1234-1234-1234567890ab", "mrk-1234567890abcdef1234567890abcdef");
        let arn = |resource: &str| format!("arn:aws-cn:kms:cn-north-1:123456789012:{resource}");
        for id in [uuid, mrk, "alias/state", &arn(&format!("key/{uuid}")), &arn("alias/aws/s3")] {
            assert!(is_kms_key_id(id), "{id:?}");
        }
        for id in ["state", "alias/", "key/x", &uuid[1..], &arn("key/x"), &arn(uuid), "arn:aws:s3:::b"] {
            assert!(!is_kms_key_id(id), "{id:?}");
        }
    }
}
