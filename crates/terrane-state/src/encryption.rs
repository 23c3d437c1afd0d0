//! States that OpenTofu has encrypted: method `aes_gcm` with keys of `pbkdf2` or `aws_kms`.
//!
//! Reading needs no more than the right to decrypt: with a KMS key that is `kms:Decrypt` alone.

mod config;

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;

use aes_gcm::aead::consts::U12;
use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes128Gcm, Aes256Gcm, AesGcm};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;

use crate::arguments::S3Arguments;
use crate::environment::Environment;
use crate::s3;
use terrane_value::Json;
use terrane_value::{Error, ErrorKind};

pub(crate) use s3::kms::Kms;

/// The shortest passphrase that OpenTofu takes.
const SHORTEST_PASSPHRASE: usize = 16;

/// More rounds than these, a minute or so, would only be asked for to keep a reader busy.
const MOST_ITERATIONS: u32 = 50_000_000;

/// The nonce before the ciphertext and the tag after it.
const NONCE_AND_TAG: usize = 12 + 16;

/// Which methods to try on an encrypted state, in order.
///
/// # Examples
///
/// ```
/// use terrane_state::Encryption;
///
/// // As in OpenTofu: the new passphrase, else the KMS key of before, else a state that was never encrypted.
/// let encryption = Encryption::pbkdf2("current", "correct-horse-battery-staple")?
///     .fallback(Encryption::aws_kms("before", "alias/state"))
///     .fallback_unencrypted();
/// # Ok::<(), terrane_state::Error>(())
/// ```
#[derive(Clone)]
pub struct Encryption {
    methods: Vec<Method>,
    unencrypted: bool,
}

/// AES-GCM with a key, and what is authenticated beside the state.
#[derive(Clone)]
struct Method {
    key: KeyProvider,
    aad: Vec<u8>,
}

#[derive(Clone)]
struct KeyProvider {
    /// The name of its data in an encrypted state.
    meta_key: String,
    kind: KeyKind,
}

#[derive(Clone)]
enum KeyKind {
    Pbkdf2 { secret: Secret },
    AwsKms { key_id: String, own: Option<Box<OwnKms>> },
}

/// How a configuration reaches KMS, where it says so apart from the state's backend.
#[derive(Clone)]
#[cfg_attr(not(feature = "s3"), expect(dead_code, reason = "without S3 there is no client to configure"))]
pub(crate) struct OwnKms {
    pub(crate) arguments: S3Arguments,
    pub(crate) environment: Environment,
    /// Whether it names a region at most, so that the credentials of the state's reader do.
    pub(crate) bare: bool,
}

/// What a key is derived from.
#[derive(Clone)]
enum Secret {
    Passphrase(String),
    /// The key of another provider.
    Chain(Box<KeyProvider>),
}

impl fmt::Debug for Encryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Encryption").field(&self.names()).finish()
    }
}

impl Encryption {
    /// Tries the key provider `key_provider "pbkdf2" "NAME"`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] for a passphrase shorter than OpenTofu takes.
    pub fn pbkdf2(name: &str, passphrase: impl Into<String>) -> Result<Encryption, Error> {
        let passphrase = passphrase.into();
        let meta_key = format!("key_provider.pbkdf2.{name}");
        check_passphrase(&meta_key, &passphrase)
            .map_err(|problem| ErrorKind::InvalidConfig { problems: vec![problem] })?;
        Ok(Encryption::only(meta_key, KeyKind::Pbkdf2 { secret: Secret::Passphrase(passphrase) }))
    }

    /// Tries the key provider `key_provider "aws_kms" "NAME"`, with the credentials and region of the reader.
    pub fn aws_kms(name: &str, kms_key_id: impl Into<String>) -> Encryption {
        let key_id = kms_key_id.into();
        Encryption::only(format!("key_provider.aws_kms.{name}"), KeyKind::AwsKms { key_id, own: None })
    }

    fn only(meta_key: String, kind: KeyKind) -> Encryption {
        let key = KeyProvider { meta_key, kind };
        Encryption { methods: vec![Method { key, aad: Vec::new() }], unencrypted: false }
    }

    /// Returns what is tried, by name.
    pub(crate) fn names(&self) -> Vec<&str> {
        let keys = self.methods.iter().map(|method| method.key.meta_key.as_str());
        keys.chain(self.unencrypted.then_some("unencrypted")).collect()
    }

    /// Names the data of the last key provider as its `encrypted_metadata_alias` does.
    pub fn metadata_alias(mut self, alias: impl Into<String>) -> Encryption {
        if let Some(last) = self.methods.last_mut() {
            last.key.meta_key = alias.into();
        }
        self
    }

    /// Tries other methods after these.
    pub fn fallback(mut self, other: Encryption) -> Encryption {
        self.methods.extend(other.methods);
        self.unencrypted |= other.unencrypted;
        self
    }

    /// Accepts a state that is not encrypted.
    pub fn fallback_unencrypted(mut self) -> Encryption {
        self.unencrypted = true;
        self
    }

    /// Returns the text of a state, decrypted if it is encrypted.
    pub(crate) async fn open(&self, text: Vec<u8>, kms: Option<&Kms>) -> Result<Vec<u8>, Error> {
        let Some(envelope) = Envelope::parse(&text)? else {
            return if self.unencrypted { Ok(text) } else { Err(ErrorKind::NotEncrypted.into()) };
        };
        let mut found_key = false;
        for method in &self.methods {
            let Some(key) = method.key.key(&envelope, kms).await? else { continue };
            found_key = true;
            if let Some(plain) = decrypt(&key, &envelope.data, &method.aad) {
                envelope.check(&plain)?;
                return Ok(plain);
            }
        }
        if found_key {
            return Err(ErrorKind::DecryptFailed.into());
        }
        let names: Vec<&str> = envelope.meta.keys().map(String::as_str).collect();
        Err(Error::new(ErrorKind::NoDecryptionKey).hinting(format!("it names {}", names.join(", "))))
    }
}

struct Envelope {
    serial: Option<String>,
    lineage: Option<String>,
    /// What each key provider needs to make its key again, as JSON.
    meta: BTreeMap<String, Vec<u8>>,
    data: Vec<u8>,
}

impl Envelope {
    /// Returns `None` for a text that is not encrypted, or no JSON at all.
    fn parse(text: &[u8]) -> Result<Option<Envelope>, Error> {
        let Ok(json) = Json::parse(text) else { return Ok(None) };
        match json.get("encryption_version").and_then(Json::as_str) {
            None | Some("") => return Ok(None),
            Some("v0") => {}
            Some(other) => return Err(ErrorKind::EncryptionVersion { found: other.to_owned() }.into()),
        }
        let mut meta = BTreeMap::new();
        for (name, value) in json.get("meta").and_then(Json::as_object).unwrap_or_default() {
            meta.insert(name.clone(), bytes(Some(value), "meta")?);
        }
        let text = |name: &str| match json.get(name) {
            Some(Json::String(text) | Json::Number(text)) => Some(text.clone()),
            _ => None,
        };
        let data = bytes(json.get("encrypted_data"), "encrypted_data")?;
        Ok(Some(Envelope { serial: text("serial"), lineage: text("lineage"), meta, data }))
    }

    /// Compares what stands outside, where nothing protects it, with the inside.
    fn check(&self, plain: &[u8]) -> Result<(), Error> {
        let Ok(inner) = Json::parse(plain) else { return Ok(()) };
        for (field, outer) in [("serial", &self.serial), ("lineage", &self.lineage)] {
            let (Some(outer), Some(Json::String(inner) | Json::Number(inner))) = (outer, inner.get(field))
            else {
                continue;
            };
            if outer != inner {
                let (outer, inner) = (outer.clone(), inner.clone());
                return Err(ErrorKind::EncryptionMetadata { field, outer, inner }.into());
            }
        }
        Ok(())
    }
}

fn bytes(json: Option<&Json>, field: &'static str) -> Result<Vec<u8>, Error> {
    let text = json.and_then(Json::as_str).unwrap_or_default();
    BASE64
        .decode(text)
        .map_err(|_| ErrorKind::InvalidField { field, reason: "it is not base64".to_owned() }.into())
}

#[derive(Deserialize)]
struct Pbkdf2Meta {
    salt: String,
    iterations: u32,
    hash_function: String,
    key_length: usize,
}

#[derive(Deserialize)]
struct KmsMeta {
    ciphertext_blob: String,
    #[serde(default)]
    encryption_context: BTreeMap<String, String>,
}

/// A key that is on its way; a provider may wait for another.
type FoundKey<'a> = Pin<Box<dyn Future<Output = Result<Option<Vec<u8>>, Error>> + Send + 'a>>;

impl KeyProvider {
    /// Returns the key that opens a state, or `None` if the state holds nothing for this provider.
    fn key<'a>(&'a self, envelope: &'a Envelope, kms: Option<&'a Kms>) -> FoundKey<'a> {
        Box::pin(async move {
            let Some(meta) = envelope.meta.get(&self.meta_key) else { return Ok(None) };
            let secret = match &self.kind {
                KeyKind::Pbkdf2 { secret: Secret::Passphrase(passphrase) } => passphrase.clone().into_bytes(),
                KeyKind::Pbkdf2 { secret: Secret::Chain(provider) } => {
                    match provider.key(envelope, kms).await? {
                        Some(key) => key,
                        None => return Ok(None),
                    }
                }
                KeyKind::AwsKms { .. } => Vec::new(),
            };
            self.derive(secret, meta, kms).await.map(Some)
        })
    }

    async fn derive(&self, secret: Vec<u8>, meta: &[u8], kms: Option<&Kms>) -> Result<Vec<u8>, Error> {
        let wrong = |reason: String| {
            Error::new(ErrorKind::InvalidField {
                field: "meta",
                reason: format!("{}: {reason}", self.meta_key),
            })
        };
        match &self.kind {
            KeyKind::Pbkdf2 { .. } => {
                let meta: Pbkdf2Meta =
                    serde_json::from_slice(meta).map_err(|_| wrong("it is not that of pbkdf2".to_owned()))?;
                let salt =
                    BASE64.decode(&meta.salt).map_err(|_| wrong("its salt is not base64".to_owned()))?;
                if ![16, 24, 32].contains(&meta.key_length) {
                    return Err(wrong(format!(
                        "AES needs a key of 16, 24, or 32 bytes, found {}",
                        meta.key_length
                    )));
                }
                if meta.iterations > MOST_ITERATIONS {
                    return Err(wrong(format!(
                        "it asks for {} iterations, where at most {MOST_ITERATIONS} are done",
                        meta.iterations
                    )));
                }
                let derive = match meta.hash_function.as_str() {
                    "sha512" => pbkdf2::pbkdf2_hmac::<sha2::Sha512>,
                    "sha256" => pbkdf2::pbkdf2_hmac::<sha2::Sha256>,
                    other => return Err(wrong(format!("unknown hash function {other:?}"))),
                };
                // Hundreds of thousands of rounds would keep other tasks waiting.
                let key = tokio::task::spawn_blocking(move || {
                    let mut key = vec![0; meta.key_length];
                    derive(&secret, &salt, meta.iterations, &mut key);
                    key
                });
                key.await.map_err(|error| wrong(error.to_string()))
            }
            KeyKind::AwsKms { key_id, own } => {
                let meta: KmsMeta = serde_json::from_slice(meta)
                    .map_err(|_| wrong("it is not that of aws_kms".to_owned()))?;
                let blob = BASE64
                    .decode(&meta.ciphertext_blob)
                    .map_err(|_| wrong("its key is not base64".to_owned()))?;
                let key = s3::kms::open(key_id, blob, meta.encryption_context, own.as_deref(), kms).await;
                key.map_err(|error| error.at(self.meta_key.clone()))
            }
        }
    }
}

#[cfg(feature = "s3")]
pub(crate) fn without_client() -> Error {
    let problem =
        "aws_kms needs a reader with a region and credentials, not one of a file or a foreign client";
    ErrorKind::InvalidConfig { problems: vec![problem.to_owned()] }.into()
}

fn check_passphrase(place: &str, passphrase: &str) -> Result<(), String> {
    match passphrase.len() {
        length if length < SHORTEST_PASSPHRASE => Err(format!(
            "the passphrase of {place} must have at least {SHORTEST_PASSPHRASE} bytes, found {length}"
        )),
        _ => Ok(()),
    }
}

fn decrypt(key: &[u8], data: &[u8], aad: &[u8]) -> Option<Vec<u8>> {
    if data.len() < NONCE_AND_TAG {
        return None;
    }
    let (nonce, ciphertext) = data.split_at(12);
    let nonce = nonce.try_into().ok()?;
    let ciphertext = Payload { msg: ciphertext, aad };
    match key.len() {
        16 => Aes128Gcm::new_from_slice(key).ok()?.decrypt(nonce, ciphertext).ok(),
        24 => AesGcm::<aes::Aes192, U12>::new_from_slice(key).ok()?.decrypt(nonce, ciphertext).ok(),
        32 => Aes256Gcm::new_from_slice(key).ok()?.decrypt(nonce, ciphertext).ok(),
        _ => None,
    }
}
