//! How OpenTofu is told to encrypt: `encryption` blocks of a configuration, and `TF_ENCRYPTION`, which wins.
//!
//! Blocks become a tree of the form that OpenTofu's JSON syntax has:
//! `{"method": {"aes_gcm": {"new": {"keys": "${key_provider.pbkdf2.a}"}}}}`.

use std::path::Path;

use serde_json::{Map, Value};
use terrane_hcl::expr::{Expr, TraversalOperator};
use terrane_hcl::parse::{self, Content};

use super::{Encryption, KeyKind, KeyProvider, Method, OwnKms, Secret};
use crate::arguments::S3Arguments;
use crate::backend::block;
use crate::environment::Environment;
use terrane_value::{Error, ErrorKind};

type Tree = Map<String, Value>;

/// The variable that holds an encryption configuration.
const VARIABLE: &str = "TF_ENCRYPTION";

/// What `key_provider "aws_kms"` takes beside the key: the same as the S3 backend, and what concerns writing only.
const KMS_ARGUMENTS: [&str; 30] = [
    "kms_key_id",
    "key_spec",
    "encrypted_metadata_alias",
    "access_key",
    "secret_key",
    "token",
    "profile",
    "region",
    "sts_region",
    "endpoints",
    "shared_config_files",
    "shared_credentials_files",
    "assume_role",
    "assume_role_with_web_identity",
    "allowed_account_ids",
    "forbidden_account_ids",
    "custom_ca_bundle",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "insecure",
    "max_retries",
    "retry_mode",
    "use_dualstack_endpoint",
    "use_fips_endpoint",
    "ec2_metadata_service_endpoint",
    "ec2_metadata_service_endpoint_mode",
    "skip_credentials_validation",
    "skip_metadata_api_check",
    "skip_requesting_account_id",
];

/// How many key providers may hand on to one another.
const LONGEST_CHAIN: usize = 8;

impl Encryption {
    /// Reads how the state of a directory is encrypted: the `encryption` blocks of its configuration and, over them,
    /// `TF_ENCRYPTION`, as OpenTofu does; `None` if neither says anything about states.
    ///
    /// A variable has the value of `TF_VAR_name`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] with all problems at once; those of reading the directory.
    pub fn of_directory(directory: &Path, environment: &Environment) -> Result<Option<Encryption>, Error> {
        let tree = configured(directory, environment)?;
        let Some(target) = tree.get("state") else { return Ok(None) };
        resolve(&tree, target, environment).map(Some)
    }

    /// Reads how a directory says that the state of one of its `terraform_remote_state` data sources is encrypted;
    /// `None` if it says nothing. As in OpenTofu, what it says about its own state does not count.
    ///
    /// # Errors
    ///
    /// Those of [`of_directory`](Encryption::of_directory).
    pub fn of_remote_state(
        directory: &Path,
        environment: &Environment,
        name: &str,
    ) -> Result<Option<Encryption>, Error> {
        let tree = configured(directory, environment)?;
        let sources = tree.get("remote_state_data_sources");
        let named = sources.and_then(|sources| sources.get("remote_state_data_source")?.get(name));
        let Some(target) = named.or_else(|| sources?.get("default")) else { return Ok(None) };
        resolve(&tree, target, environment).map(Some)
    }

    /// Reads `TF_ENCRYPTION` alone; `None` if it is not set, or says nothing about states.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`].
    pub fn of_environment(environment: &Environment) -> Result<Option<Encryption>, Error> {
        let tree = from_environment(environment)?;
        let Some(target) = tree.get("state") else { return Ok(None) };
        resolve(&tree, target, environment).map(Some)
    }

    /// Reads what stands inside an `encryption` block, in HCL or JSON, as `TF_ENCRYPTION` holds it.
    ///
    /// A variable has the value of `TF_VAR_name`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`], also if the text says nothing about states.
    pub fn from_text(text: &str, environment: &Environment) -> Result<Encryption, Error> {
        let tree = parsed(text)?;
        let target = tree.get("state").ok_or_else(|| invalid("the `state` block is missing"))?;
        resolve(&tree, target, environment)
    }
}

fn invalid(problem: impl Into<String>) -> Error {
    ErrorKind::InvalidConfig { problems: vec![problem.into()] }.into()
}

fn configured(directory: &Path, environment: &Environment) -> Result<Tree, Error> {
    let mut tree = Tree::new();
    for path in block::configuration_files(directory)? {
        let place = path.display().to_string();
        let text = std::fs::read_to_string(&path)
            .map_err(|error| Error::new(ErrorKind::Io { reason: error.to_string() }).at(place.clone()))?;
        // Files without one need not be understood.
        if text.contains("encryption") {
            let found = if place.ends_with(".json") { from_json(&text) } else { from_hcl(&text) };
            merge(&mut tree, found.map_err(|error| error.at(place))?);
        }
    }
    merge(&mut tree, from_environment(environment)?);
    Ok(tree)
}

fn from_environment(environment: &Environment) -> Result<Tree, Error> {
    let Some(text) = environment.get(VARIABLE) else { return Ok(Tree::new()) };
    parsed(text).map_err(|error| error.at(VARIABLE))
}

fn parsed(text: &str) -> Result<Tree, Error> {
    match text.trim_start().starts_with('{') {
        true => Ok(object(&parse_json(text)?)),
        // The text may hold a passphrase, so the message does not repeat any of it.
        false => tree(&parse::file(text).map_err(|_| invalid("it is not HCL"))?),
    }
}

fn parse_json(text: &str) -> Result<Value, Error> {
    // The text may hold a passphrase, so the message does not repeat any of it.
    serde_json::from_str(text).map_err(|error| invalid(format!("it is not JSON, at line {}", error.line())))
}

fn from_json(text: &str) -> Result<Tree, Error> {
    let json = object(&parse_json(text)?);
    let terraform = json.get("terraform").map(object).unwrap_or_default();
    Ok(terraform.get("encryption").map(object).unwrap_or_default())
}

fn from_hcl(text: &str) -> Result<Tree, Error> {
    let content = parse::file(text).map_err(|error| invalid(format!("not HCL: {error}")))?;
    let mut found = Tree::new();
    for terraform in content.blocks.iter().filter(|block| block.kind == "terraform") {
        for encryption in terraform.content.blocks.iter().filter(|block| block.kind == "encryption") {
            merge(&mut found, tree(&encryption.content)?);
        }
    }
    Ok(found)
}

/// Returns the members of an object, or of all objects in an array, as JSON configurations may wrap a block.
fn object(value: &Value) -> Tree {
    let mut found = Tree::new();
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let is_block = |elements: &Vec<Value>| elements.iter().all(Value::is_object);
                let value = match value.as_array() {
                    Some(elements) if !elements.is_empty() && is_block(elements) => object(value).into(),
                    _ => value.clone(),
                };
                merge(&mut found, Tree::from_iter([(name.clone(), value)]));
            }
        }
        Value::Array(elements) => elements.iter().for_each(|element| merge(&mut found, object(element))),
        _ => {}
    }
    found
}

/// Puts one tree over another.
fn merge(tree: &mut Tree, over: Tree) {
    for (name, value) in over {
        match (tree.get_mut(&name), value) {
            (Some(Value::Object(below)), Value::Object(over)) => merge(below, over),
            (_, value) => drop(tree.insert(name, value)),
        }
    }
}

fn tree(content: &Content) -> Result<Tree, Error> {
    let mut found = Tree::new();
    for attribute in &content.attributes {
        found.insert(attribute.name.clone(), constant(&attribute.value, &attribute.name)?);
    }
    for block in &content.blocks {
        let inner = Value::Object(tree(&block.content)?);
        let labels = block.labels.iter().rev();
        let labelled =
            labels.fold(inner, |inner, label| Value::Object(Tree::from_iter([(label.clone(), inner)])));
        merge(&mut found, Tree::from_iter([(block.kind.clone(), labelled)]));
    }
    Ok(found)
}

/// Returns a constant as it is, and a reference as `${a.b.c}`.
fn constant(expression: &Expr, argument: &str) -> Result<Value, Error> {
    let unsupported = || invalid(format!("`{argument}` must be a constant, a variable, or a reference"));
    Ok(match expression {
        Expr::Null => Value::Null,
        Expr::Bool(value) => (*value).into(),
        Expr::Number(number) => Value::Number(number.clone()),
        Expr::String(text) => text.clone().into(),
        Expr::Parenthesis(inner) => constant(inner, argument)?,
        Expr::Array(elements) => {
            elements.iter().map(|element| constant(element, argument)).collect::<Result<_, _>>()?
        }
        Expr::Traversal(traversal) => {
            let Expr::Variable(first) = &traversal.expr else { return Err(unsupported()) };
            let mut path = first.to_string();
            for operator in &traversal.operators {
                let TraversalOperator::GetAttr(name) = operator else { return Err(unsupported()) };
                path = format!("{path}.{name}");
            }
            format!("${{{path}}}").into()
        }
        _ => return Err(unsupported()),
    })
}

/// Returns what a reference names, split at its dots.
fn reference(value: Option<&Value>) -> Option<Vec<&str>> {
    let text = value?.as_str()?;
    let text = text.strip_prefix("${").and_then(|text| text.strip_suffix('}')).unwrap_or(text);
    Some(text.split('.').collect())
}

fn resolve(tree: &Tree, target: &Value, environment: &Environment) -> Result<Encryption, Error> {
    let mut resolver = Resolver { tree, environment, problems: Vec::new() };
    let encryption = resolver.target(target);
    if resolver.problems.is_empty() {
        Ok(encryption)
    } else {
        Err(ErrorKind::InvalidConfig { problems: resolver.problems }.into())
    }
}

struct Resolver<'a> {
    tree: &'a Tree,
    environment: &'a Environment,
    problems: Vec<String>,
}

impl<'a> Resolver<'a> {
    fn problem(&mut self, problem: impl Into<String>) {
        self.problems.push(problem.into());
    }

    /// Reads the method of a target, and those of its fallbacks after it.
    fn target(&mut self, target: &Value) -> Encryption {
        let mut encryption = Encryption { methods: Vec::new(), unencrypted: false };
        let mut enforced = false;
        let mut next = Some(target);
        while let Some(target) = next {
            enforced |= target.get("enforced") == Some(&Value::Bool(true));
            match reference(target.get("method")).as_deref() {
                Some(["method", ty, name]) => self.method(ty, name, &mut encryption),
                _ => self.problem("`method` must be a reference such as method.aes_gcm.name"),
            }
            next = target.get("fallback");
        }
        if enforced && encryption.unencrypted {
            self.problem("`enforced` does not go with the method `unencrypted`");
        }
        encryption
    }

    fn declared(&mut self, kind: &str, ty: &str, name: &str) -> Option<&'a Value> {
        let found = self.tree.get(kind).and_then(|kinds| kinds.get(ty)?.get(name));
        if found.is_none() {
            self.problem(format!("{kind}.{ty}.{name} is not declared"));
        }
        found
    }

    fn method(&mut self, ty: &str, name: &str, encryption: &mut Encryption) {
        let place = format!("method.{ty}.{name}");
        if !["aes_gcm", "unencrypted"].contains(&ty) {
            return self.problem(unsupported(&place, "aes_gcm and unencrypted"));
        }
        let Some(method) = self.declared("method", ty, name) else { return };
        if ty == "unencrypted" {
            encryption.unencrypted = true;
            return;
        }
        self.check_names(&place, method, &["keys", "aad"]);
        let aad = match method.get("aad") {
            None | Some(Value::Null) => Some(Vec::new()),
            Some(aad) => aad.as_array().and_then(|bytes| {
                bytes.iter().map(|byte| byte.as_u64()?.try_into().ok()).collect::<Option<Vec<u8>>>()
            }),
        };
        let Some(aad) = aad else {
            return self.problem(format!("`{place}.aad` must be a list of numbers from 0 to 255"));
        };
        if let Some(key) = self.key(&format!("{place}.keys"), method.get("keys"), 0) {
            encryption.methods.push(Method { key, aad });
        }
    }

    fn key(&mut self, from: &str, value: Option<&Value>, depth: usize) -> Option<KeyProvider> {
        let parts = reference(value);
        let Some(["key_provider", ty, name]) = parts.as_deref() else {
            self.problem(format!("`{from}` must be a reference such as key_provider.pbkdf2.name"));
            return None;
        };
        let place = format!("key_provider.{ty}.{name}");
        if !["pbkdf2", "aws_kms"].contains(ty) {
            self.problem(unsupported(&place, "pbkdf2 and aws_kms"));
            return None;
        }
        if depth == LONGEST_CHAIN {
            self.problem(format!("`{from}` is a chain of more than {LONGEST_CHAIN} key providers"));
            return None;
        }
        let provider = self.declared("key_provider", ty, name)?;
        let kind = match *ty {
            "pbkdf2" => KeyKind::Pbkdf2 { secret: self.secret(&place, provider, depth)? },
            _ => self.kms(&place, provider)?,
        };
        let alias = provider.get("encrypted_metadata_alias").and_then(Value::as_str);
        Some(KeyProvider { meta_key: alias.unwrap_or(&place).to_owned(), kind })
    }

    fn secret(&mut self, place: &str, provider: &Value, depth: usize) -> Option<Secret> {
        // The last four concern writing: a state says itself how it was written.
        let names = [
            "passphrase",
            "chain",
            "encrypted_metadata_alias",
            "key_length",
            "iterations",
            "hash_function",
            "salt_length",
        ];
        self.check_names(place, provider, &names);
        match (provider.get("passphrase"), provider.get("chain")) {
            (Some(passphrase), None) => {
                let passphrase = self.text(&format!("{place}.passphrase"), passphrase)?;
                match super::check_passphrase(place, &passphrase) {
                    Ok(()) => Some(Secret::Passphrase(passphrase)),
                    Err(problem) => {
                        self.problem(problem);
                        None
                    }
                }
            }
            (None, chain @ Some(_)) => {
                let key = self.key(&format!("{place}.chain"), chain, depth + 1)?;
                Some(Secret::Chain(Box::new(key)))
            }
            _ => {
                self.problem(format!("exactly one of `{place}.passphrase` and `.chain` must be set"));
                None
            }
        }
    }

    fn kms(&mut self, place: &str, provider: &Value) -> Option<KeyKind> {
        self.check_names(place, provider, &KMS_ARGUMENTS);
        let Some(key_id) = provider.get("kms_key_id") else {
            self.problem(format!("`{place}.kms_key_id` is required"));
            return None;
        };
        let key_id = self.text(&format!("{place}.kms_key_id"), key_id);
        let mut arguments = Tree::new();
        for (name, value) in provider.as_object().into_iter().flatten() {
            if !KMS_ARGUMENTS[..3].contains(&name.as_str()) && !value.is_null() {
                arguments.insert(name.clone(), self.known(&format!("{place}.{name}"), value)?);
            }
        }
        let bare = arguments.keys().all(|name| name == "region");
        match S3Arguments::from_json(&Value::Object(arguments).to_string()) {
            Ok(arguments) => {
                let environment = self.environment.clone();
                Some(KeyKind::AwsKms {
                    key_id: key_id?,
                    own: Some(Box::new(OwnKms { arguments, environment, bare })),
                })
            }
            Err(error) => {
                self.problem(format!("{place}: {error}"));
                None
            }
        }
    }

    /// Returns a value with those of the variables that are named in it.
    fn known(&mut self, place: &str, value: &Value) -> Option<Value> {
        Some(match value {
            Value::String(_) => self.text(place, value)?.into(),
            Value::Array(elements) => {
                elements.iter().map(|element| self.known(place, element)).collect::<Option<_>>()?
            }
            Value::Object(members) => {
                let known = members.iter().map(|(name, value)| {
                    Some((name.clone(), self.known(&format!("{place}.{name}"), value)?))
                });
                Value::Object(known.collect::<Option<_>>()?)
            }
            other => other.clone(),
        })
    }

    fn check_names(&mut self, place: &str, value: &Value, known: &[&str]) {
        for name in value.as_object().into_iter().flat_map(Map::keys) {
            if !known.contains(&name.as_str()) {
                self.problem(format!("`{place}.{name}` is not supported; known are {}", known.join(", ")));
            }
        }
    }

    /// Returns a text, or the value of the variable that is named in its place.
    fn text(&mut self, place: &str, value: &Value) -> Option<String> {
        let parts = reference(Some(value));
        match (value.as_str(), parts.as_deref()) {
            (Some(text), Some(["var", name])) if text.starts_with("${") => {
                let variable = format!("TF_VAR_{name}");
                let found = self.environment.get(&variable).map(str::to_owned);
                if found.is_none() {
                    self.problem(format!("`{place}` is a variable: set {variable}"));
                }
                found
            }
            (Some(text), _) if !text.contains("${") => Some(text.to_owned()),
            _ => {
                self.problem(format!("`{place}` must be a text, or a variable"));
                None
            }
        }
    }
}

fn unsupported(place: &str, known: &str) -> String {
    format!("{place} is not supported, only {known} are; `tofu state pull` decrypts such a state")
}
