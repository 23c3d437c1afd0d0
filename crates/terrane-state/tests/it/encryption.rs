//! Cases 60–63: states that OpenTofu has encrypted.

use std::sync::LazyLock;

use aes_gcm::Aes256Gcm;
use aes_gcm::aead::{Aead as _, KeyInit as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use terrane_state::{Encryption, Environment, Error, ErrorKind, Reader, State};

use crate::script::{Reply, Script};
use crate::setup::{STATE, arguments, builder, with_text};

const ENCRYPTED: &str = include_str!("../fixtures/tofu-pbkdf2-aesgcm.tfstate");
const PLAIN: &str = include_str!("../fixtures/tofu-pbkdf2-aesgcm.plain.tfstate");
const PASSPHRASE: &str = "correct-horse-battery-staple";

/// The name of the key provider in the fixture.
const NAME: &str = "foo";

/// The plain text of the fixture, encrypted under a key of two rounds in place of 600 000.
static QUICK: LazyLock<String> = LazyLock::new(|| {
    let (salt, mut key) = ([7; 32], [0; 32]);
    pbkdf2::pbkdf2_hmac::<sha2::Sha256>(PASSPHRASE.as_bytes(), &salt, 2, &mut key);
    let nonce = [9; 12];
    let sealed = Aes256Gcm::new_from_slice(&key).unwrap().encrypt(&nonce.into(), PLAIN.as_bytes()).unwrap();
    let meta = format!(
        r#"{{"salt":"{}","iterations":2,"hash_function":"sha256","key_length":32}}"#,
        BASE64.encode(salt)
    );
    let mut envelope: serde_json::Value = serde_json::from_str(ENCRYPTED).unwrap();
    envelope["meta"] = serde_json::json!({ format!("key_provider.pbkdf2.{NAME}"): BASE64.encode(meta) });
    envelope["encrypted_data"] = BASE64.encode([&nonce[..], &sealed].concat()).into();
    envelope.to_string()
});

fn right() -> Encryption {
    Encryption::pbkdf2(NAME, PASSPHRASE).unwrap()
}

fn wrong() -> Encryption {
    Encryption::pbkdf2(NAME, "wrong-horse-battery-staple").unwrap()
}

async fn read(text: &str, encryption: Encryption) -> Result<State, Error> {
    with_text(text).await.1.with_encryption(encryption).read().await
}

async fn kind(text: &str, encryption: Encryption) -> ErrorKind {
    read(text, encryption).await.unwrap_err().kind().clone()
}

#[tokio::test]
async fn case_60_passphrases() {
    let state = read(ENCRYPTED, right()).await.unwrap();
    assert_eq!(state.output::<String>("vpc_id").unwrap(), "vpc-123");
    assert_eq!(state.to_json(), State::parse(PLAIN.as_bytes()).unwrap().to_json());
    let error = Encryption::pbkdf2(NAME, "123456789012345").unwrap_err();
    assert!(error.to_string().contains("at least 16 bytes, found 15"), "{error}");
    assert_eq!(kind(&QUICK, wrong()).await, ErrorKind::DecryptFailed);
    assert!(!format!("{:?}", right()).contains(PASSPHRASE));
}

#[tokio::test]
async fn case_61_damaged_envelopes() {
    let serial = State::parse(PLAIN.as_bytes()).unwrap().serial().to_string();
    let other = QUICK.replacen(&format!("\"serial\":{serial}"), "\"serial\":99", 1);
    assert_ne!(other, *QUICK);
    let mismatch = ErrorKind::EncryptionMetadata { field: "serial", outer: "99".to_owned(), inner: serial };
    assert_eq!(kind(&other, right()).await, mismatch);
    let version = QUICK.replace("\"v0\"", "\"v1\"");
    assert_eq!(kind(&version, right()).await, ErrorKind::EncryptionVersion { found: "v1".to_owned() });
    let other_name = Encryption::pbkdf2("other", PASSPHRASE).unwrap();
    assert_eq!(kind(&QUICK, other_name.clone()).await, ErrorKind::NoDecryptionKey);
    let alias = other_name.metadata_alias(format!("key_provider.pbkdf2.{NAME}"));
    read(&QUICK, alias).await.unwrap();
    let start = QUICK.find("\"encrypted_data\":\"").unwrap() + 18;
    let end = start + QUICK[start..].find('"').unwrap();
    let short = QUICK.replace(&QUICK[start..end], "AAAAAAAAAAAAAAAAAAAAAA==");
    assert_eq!(kind(&short, right()).await, ErrorKind::DecryptFailed);
}

#[tokio::test]
async fn case_62_what_is_configured_counts() {
    let (_, reader) = with_text(ENCRYPTED).await;
    assert_eq!(reader.read().await.unwrap_err().kind(), &ErrorKind::Encrypted);
    assert_eq!(reader.read_whole().await.unwrap_err().kind(), &ErrorKind::Encrypted);
    assert_eq!(kind(STATE, right()).await, ErrorKind::NotEncrypted);
    read(STATE, right().fallback_unencrypted()).await.unwrap();
    read(&QUICK, wrong().fallback(right()).fallback_unencrypted()).await.unwrap();
}

#[tokio::test]
async fn case_63_a_kms_key_needs_decrypt_alone() {
    // The key that pbkdf2 derives in the fixture, as KMS would hand it out.
    let key = [
        0x22, 0x58, 0x72, 0x36, 0x71, 0x98, 0x76, 0x01, 0x37, 0xe0, 0xa1, 0x85, 0x80, 0x43, 0x34, 0x47, 0xbb,
        0xf5, 0x78, 0xfb, 0xe2, 0xb8, 0x7f, 0xf3, 0x6a, 0xef, 0x3c, 0x17, 0x5f, 0xe5, 0x70, 0x9c_u8,
    ];
    let answer = format!(r#"{{"KeyId":"k","Plaintext":"{}"}}"#, BASE64.encode(key));
    let kms = Script::start(move |_, _| Reply::json(200, &answer)).await;
    let meta = BASE64.encode(r#"{"ciphertext_blob":"AQID","encryption_context":{"env":"prod"}}"#);
    let mut envelope: serde_json::Value = serde_json::from_str(ENCRYPTED).unwrap();
    envelope["meta"] = serde_json::json!({ "key_provider.aws_kms.main": meta });
    let text = envelope.to_string();
    let s3 = Script::start(move |_, _| Reply::ok(&text)).await;
    let environment = Environment::empty().with("AWS_ENDPOINT_URL_KMS", kms.url());
    let encryption = Encryption::aws_kms("main", "alias/state");
    let reader: Reader = builder(arguments(s3.address))
        .environment(environment)
        .encryption(encryption)
        .connect()
        .await
        .unwrap();
    assert_eq!(reader.read().await.unwrap().output::<String>("vpc_id").unwrap(), "vpc-123");
    let requests = kms.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].header("x-amz-target"), Some("TrentService.Decrypt"));
    let body: serde_json::Value = serde_json::from_str(&requests[0].body).unwrap();
    assert_eq!(body["EncryptionContext"]["env"], "prod");
    assert_eq!((&body["CiphertextBlob"], &body["KeyId"]), (&"AQID".into(), &"alias/state".into()));
}
