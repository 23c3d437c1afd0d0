//! Cases 60–63: states that OpenTofu has encrypted.

use std::sync::LazyLock;

use aes_gcm::aead::consts::U12;
use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes128Gcm, Aes256Gcm, AesGcm};
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
static QUICK: LazyLock<String> = LazyLock::new(|| sealed(32, &[]));

/// The plain text of the fixture, encrypted under a key of so many bytes, with more bytes authenticated.
fn sealed(key_length: usize, aad: &[u8]) -> String {
    let (salt, mut key) = ([7; 32], vec![0; key_length]);
    pbkdf2::pbkdf2_hmac::<sha2::Sha256>(PASSPHRASE.as_bytes(), &salt, 2, &mut key);
    let nonce = [9; 12];
    let payload = Payload { msg: PLAIN.as_bytes(), aad };
    let sealed = match key_length {
        16 => Aes128Gcm::new_from_slice(&key).unwrap().encrypt(&nonce.into(), payload),
        24 => AesGcm::<aes::Aes192, U12>::new_from_slice(&key).unwrap().encrypt(&nonce.into(), payload),
        _ => {
            key.resize(32, 0);
            Aes256Gcm::new_from_slice(&key).unwrap().encrypt(&nonce.into(), payload)
        }
    };
    let meta = format!(
        r#"{{"salt":"{}","iterations":2,"hash_function":"sha256","key_length":{key_length}}}"#,
        BASE64.encode(salt)
    );
    let mut envelope: serde_json::Value = serde_json::from_str(ENCRYPTED).unwrap();
    envelope["meta"] = serde_json::json!({ format!("key_provider.pbkdf2.{NAME}"): BASE64.encode(meta) });
    envelope["encrypted_data"] = BASE64.encode([&nonce[..], &sealed.unwrap()].concat()).into();
    envelope.to_string()
}

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
async fn keys_of_each_length_open_what_they_have_sealed() {
    for length in [16, 24, 32] {
        assert_eq!(read(&sealed(length, &[]), right()).await.unwrap().serial(), 3, "{length}");
    }
    let error = read(&sealed(20, &[]), right()).await.unwrap_err().to_string();
    assert!(error.contains("AES needs a key of 16, 24, or 32 bytes, found 20"), "{error}");
}

#[tokio::test]
async fn what_is_authenticated_beside_the_state_counts() {
    let text = sealed(32, &[1, 2, 255]);
    let with_aad = |aad: &str| {
        let block = format!(
            "key_provider \"pbkdf2\" \"{NAME}\" {{\n  passphrase = \"{PASSPHRASE}\"\n}}\nmethod \"aes_gcm\" \"m\" {{\n  keys = key_provider.pbkdf2.{NAME}\n  aad = {aad}\n}}\nstate {{\n  method = method.aes_gcm.m\n}}\n"
        );
        Encryption::from_text(&block, &Environment::empty()).unwrap()
    };
    assert_eq!(read(&text, with_aad("[1, 2, 255]")).await.unwrap().serial(), 3);
    assert_eq!(kind(&text, with_aad("[1, 2, 254]")).await, ErrorKind::DecryptFailed);
    assert_eq!(kind(&text, right()).await, ErrorKind::DecryptFailed);
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

/// How OpenTofu is told of the fixture's key.
const BLOCK: &str = r#"
  key_provider "pbkdf2" "foo" {
    passphrase = var.passphrase
    iterations = 600000
  }
  key_provider "pbkdf2" "old" {
    passphrase = "an-older-passphrase-of-ours"
  }
  method "aes_gcm" "new" {
    keys = key_provider.pbkdf2.foo
  }
  method "aes_gcm" "old" {
    keys = key_provider.pbkdf2.old
    aad  = [1, 2, 255]
  }
  method "unencrypted" "none" {}
  state {
    method = method.aes_gcm.old
    fallback {
      method = method.aes_gcm.new
    }
  }
  remote_state_data_sources {
    remote_state_data_source "network" {
      method = method.aes_gcm.new
    }
  }
"#;

fn with_passphrase() -> Environment {
    Environment::empty().with("TF_VAR_passphrase", PASSPHRASE)
}

fn directory(block: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let text = format!("terraform {{\n  encryption {{{block}}}\n}}\n");
    std::fs::write(directory.path().join("main.tf"), text).unwrap();
    directory
}

#[tokio::test]
async fn what_opentofu_is_told_is_understood() {
    let directory = directory(BLOCK);
    let configured = |environment: &Environment| Encryption::of_directory(directory.path(), environment);
    let encryption = configured(&with_passphrase()).unwrap().unwrap();
    assert!(!format!("{encryption:?}").contains(PASSPHRASE));
    assert_eq!(read(&QUICK, encryption).await.unwrap().output::<String>("vpc_id").unwrap(), "vpc-123");
    let error = configured(&Environment::empty()).unwrap_err().to_string();
    assert!(
        error.contains("`key_provider.pbkdf2.foo.passphrase` is a variable: set TF_VAR_passphrase"),
        "{error}"
    );

    // The environment's configuration wins, in HCL and in JSON.
    let over = r#"key_provider "pbkdf2" "foo" { passphrase = "wrong-horse-battery-staple" }"#;
    let wrong = configured(&with_passphrase().with("TF_ENCRYPTION", over)).unwrap().unwrap();
    assert_eq!(kind(&QUICK, wrong).await, ErrorKind::DecryptFailed);
    let json = r#"{"method":{"unencrypted":{"none":[{}]}},"state":{"fallback":{"fallback":{"method":"${method.unencrypted.none}"}}}}"#;
    let plain = configured(&with_passphrase().with("TF_ENCRYPTION", json)).unwrap().unwrap();
    read(STATE, plain).await.unwrap();
    let alone = with_passphrase().with("TF_ENCRYPTION", BLOCK);
    let alone = Encryption::of_environment(&alone).unwrap().unwrap();
    read(&QUICK, alone).await.unwrap();
    assert!(Encryption::of_environment(&with_passphrase()).unwrap().is_none());

    let of_source =
        |name: &str| Encryption::of_remote_state(directory.path(), &with_passphrase(), name).unwrap();
    read(&QUICK, of_source("network").unwrap()).await.unwrap();
    assert!(of_source("other").is_none());
}

#[test]
fn what_is_not_supported_is_all_named() {
    let block = BLOCK.replace("method.aes_gcm.new\n    }\n  }\n  remote", "method.external.x\n fallback {\n method = method.aes_gcm.kms\n fallback {\n method = method.unencrypted.none\n enforced = true\n }\n }\n }\n  }\n  remote");
    let block =
        block + "method \"aes_gcm\" \"kms\" {\n keys = key_provider.gcp_kms.k\n aad = [256]\n more = 1\n }\n";
    let block = block.replace("\"an-older-passphrase-of-ours\"", "\"short\"");
    let directory = directory(&block);
    let error = Encryption::of_directory(directory.path(), &with_passphrase()).unwrap_err();
    let ErrorKind::InvalidConfig { problems } = error.kind() else { panic!("{error}") };
    for (problem, part) in problems.iter().zip([
        "key_provider.pbkdf2.old must have at least 16 bytes, found 5",
        "method.external.x is not supported",
        "`method.aes_gcm.kms.more` is not supported",
        "`method.aes_gcm.kms.aad` must be a list of numbers",
        "`enforced` does not go with",
    ]) {
        assert!(problem.contains(part), "{problem} is not {part}");
    }
    assert_eq!(problems.len(), 5, "{problems:#?}");
    let gcp = BLOCK.replace("= key_provider.pbkdf2.foo", "= key_provider.gcp_kms.k");
    let directory = self::directory(&gcp);
    let error = Encryption::of_directory(directory.path(), &with_passphrase()).unwrap_err().to_string();
    assert!(
        error.contains("key_provider.gcp_kms.k is not supported, only pbkdf2 and aws_kms are"),
        "{error}"
    );
    let chain =
        BLOCK.replace("passphrase = \"an-older-passphrase-of-ours\"", "chain = key_provider.pbkdf2.old");
    let directory = self::directory(&chain);
    let error = Encryption::of_directory(directory.path(), &with_passphrase()).unwrap_err().to_string();
    assert!(error.contains("a chain of more than 8 key providers"), "{error}");
}

/// What KMS hands out for the fixture when its key is one of KMS, and the fixture then.
fn with_kms() -> (String, String) {
    // The key that pbkdf2 derives in the fixture.
    let key = [
        0x22, 0x58, 0x72, 0x36, 0x71, 0x98, 0x76, 0x01, 0x37, 0xe0, 0xa1, 0x85, 0x80, 0x43, 0x34, 0x47, 0xbb,
        0xf5, 0x78, 0xfb, 0xe2, 0xb8, 0x7f, 0xf3, 0x6a, 0xef, 0x3c, 0x17, 0x5f, 0xe5, 0x70, 0x9c_u8,
    ];
    let meta = BASE64.encode(r#"{"ciphertext_blob":"AQID","encryption_context":{"env":"prod"}}"#);
    let mut envelope: serde_json::Value = serde_json::from_str(ENCRYPTED).unwrap();
    envelope["meta"] = serde_json::json!({ "key_provider.aws_kms.main": meta });
    (format!(r#"{{"KeyId":"k","Plaintext":"{}"}}"#, BASE64.encode(key)), envelope.to_string())
}

#[tokio::test]
async fn case_63_a_kms_key_needs_decrypt_alone() {
    let (answer, text) = with_kms();
    let kms = Script::start(move |_, _| Reply::json(200, &answer)).await;
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

#[tokio::test]
async fn a_kms_key_is_reached_as_its_own_arguments_say() {
    let (answer, text) = with_kms();
    let kms = Script::start(move |_, _| Reply::json(200, &answer)).await;
    let sts = Script::start(|_, request| {
        let body = if request.body.contains("AssumeRole") {
            "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><Credentials><AccessKeyId>AKIDROLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2100-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
        } else {
            "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
        };
        Reply::Full { status: 200, headers: vec![], body: body.as_bytes().to_vec() }
    })
    .await;
    let block = |arguments: &str| {
        format!(
            r#"
            key_provider "aws_kms" "main" {{
              kms_key_id = "alias/state"
              key_spec   = "AES_256"
              {arguments}
            }}
            method "aes_gcm" "kms" {{
              keys = key_provider.aws_kms.main
            }}
            state {{
              method = method.aes_gcm.kms
            }}"#
        )
    };
    let environment = Environment::empty()
        .with("AWS_ENDPOINT_URL_KMS", kms.url())
        .with("AWS_ACCESS_KEY_ID", "AKIDENV")
        .with("AWS_SECRET_ACCESS_KEY", "s")
        .with("TF_VAR_role", "arn:aws:iam::123456789012:role/reader");
    let own = format!(
        r#"region = "eu-west-1"
           assume_role {{
             role_arn = var.role
           }}
           endpoints {{
             sts = "{}"
           }}
           allowed_account_ids = ["123456789012"]"#,
        sts.url()
    );
    // A file has no backend whose credentials could serve.
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &text).unwrap();
    let path = file.path().display().to_string();
    let read = async |text: &str| {
        let environment = environment.clone().with("TF_ENCRYPTION", text);
        let reader = Reader::at(&path).environment(environment).connect().await?;
        reader.read().await
    };
    let signer = |idx: usize| kms.requests()[idx].header("authorization").unwrap().to_owned();
    assert_eq!(read(&block(&own)).await.unwrap().output::<String>("vpc_id").unwrap(), "vpc-123");
    assert!(signer(0).contains("AKIDROLE/") && signer(0).contains("/eu-west-1/kms/"), "{}", signer(0));
    read(&block("region = \"us-west-2\"")).await.unwrap();
    assert!(signer(1).contains("AKIDENV/") && signer(1).contains("/us-west-2/kms/"), "{}", signer(1));
    let error = read(&block(&own.replace("[\"123456789012\"]", "[\"1\"]"))).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::AccountNotAllowed { account: "123456789012".to_owned() });
    let error = read(&block("")).await.unwrap_err().to_string();
    assert!(error.contains("key_provider.aws_kms.main") && error.contains("`region` is required"), "{error}");
    for (argument, problem) in [
        ("bucket = \"b\"", "`key_provider.aws_kms.main.bucket` is not supported"),
        ("max_retries = [1]", "`max_retries`: number is required, found array"),
        ("profile = var.none", "is a variable: set TF_VAR_none"),
    ] {
        let error = Encryption::from_text(&block(argument), &environment).unwrap_err().to_string();
        assert!(error.contains(problem), "{error}");
    }
    assert_eq!(kms.requests().len(), 2);
    // With nothing of its own but a region, the reader's credentials do.
    let s3 = Script::start(move |_, _| Reply::ok(&text)).await;
    let encryption = Encryption::from_text(&block("region = \"us-west-1\""), &environment).unwrap();
    let reader = builder(arguments(s3.address)).environment(environment).encryption(encryption);
    reader.connect().await.unwrap().read().await.unwrap();
    assert!(signer(2).contains("test/") && signer(2).contains("/us-west-1/kms/"), "{}", signer(2));
}
