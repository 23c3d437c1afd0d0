//! Places that hold no state of their own, or only part of what says where it is; and what counts beside a URI.

use std::fs;
use std::path::Path;

use terrane_state::{Environment, Error, ErrorKind, LockKind, Reader, ReaderBuilder};

use crate::mem_s3::MemS3;
use crate::setup::STATE;

fn at(path: &Path) -> ReaderBuilder {
    Reader::at(path.display().to_string()).environment(Environment::empty())
}

async fn error(path: &Path) -> Error {
    match at(path).connect().await {
        Ok(reader) => reader.read().await.unwrap_err(),
        Err(error) => error,
    }
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[tokio::test]
async fn the_cache_of_terraform_init_given_as_a_file_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let cache = dir.path().join(".terraform/terraform.tfstate");
    write(&cache, r#"{"version":3,"backend":{"type":"s3","config":{"bucket":"b","key":"k"},"hash":1}}"#);
    let error = error(&cache).await;
    assert_eq!(error.kind(), &ErrorKind::BackendCache);
    assert!(error.to_string().contains("give the directory of the configuration"), "{error}");
}

#[tokio::test]
async fn a_partial_backend_says_what_completes_it() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("main.tf"), "terraform {\n  backend \"s3\" {}\n}\n");
    let error = error(dir.path()).await;
    let text = error.to_string();
    assert!(text.contains("backend \"s3\" is partial: `bucket` and `key` is not set"), "{text}");
    assert!(error.hint().unwrap().contains("-backend-config"), "{text}");
    assert!(error.place().unwrap().ends_with("main.tf"), "{text}");
}

#[tokio::test]
async fn a_directory_of_terragrunt_leads_to_where_it_ran() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("terragrunt.hcl"), "");
    let text = error(dir.path()).await.to_string();
    assert!(text.contains("terragrunt state pull"), "{text}");
    let ran = dir.path().join(".terragrunt-cache/a/b");
    write(&ran.join(".terraform/terraform.tfstate"), "{}");
    let text = error(dir.path()).await.to_string();
    assert!(text.contains(&ran.display().to_string()), "{text}");
}

#[tokio::test]
async fn workspaces_of_a_local_backend_are_listed_without_a_default_state() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["dev", "prod"] {
        write(&dir.path().join(format!("terraform.tfstate.d/{name}/terraform.tfstate")), STATE);
    }
    let reader = at(dir.path()).connect().await.unwrap();
    assert_eq!(reader.workspaces().await.unwrap(), ["default", "dev", "prod"]);
    let error = reader.read().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NotFound { .. }));
    assert_eq!(error.hint(), Some("there are the workspaces dev, prod"));
    let dev = at(dir.path()).workspace("dev").connect().await.unwrap();
    assert_eq!(dev.read().await.unwrap().output::<String>("a").unwrap(), "x");
    assert_eq!(dev.workspaces().await.unwrap(), ["default", "dev", "prod"]);
    // The backend may say where they are.
    write(
        &dir.path().join("main.tf"),
        "terraform {\n  backend \"local\" {\n    workspace_dir = \"w\"\n  }\n}\n",
    );
    write(&dir.path().join("w/qa/terraform.tfstate"), STATE);
    assert_eq!(at(dir.path()).connect().await.unwrap().workspaces().await.unwrap(), ["default", "qa"]);
}

#[tokio::test]
async fn the_lock_of_a_local_state_is_seen() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("terraform.tfstate"), STATE);
    let reader = at(dir.path()).connect().await.unwrap();
    assert_eq!(reader.locks().await.unwrap(), []);
    let record = r#"{"ID":"1","Operation":"OperationTypeApply","Who":"me@here","Created":"2026-01-01T00:00:00Z","Path":"terraform.tfstate"}"#;
    write(&dir.path().join(".terraform.tfstate.lock.info"), record);
    let locks = reader.locks().await.unwrap();
    assert_eq!((locks.len(), locks[0].kind, locks[0].who.as_str()), (1, LockKind::File, "me@here"));
}

#[tokio::test]
async fn options_beside_a_uri_count_before_the_environment() {
    let (server, address) = MemS3::start().await;
    server.put("b", "k", STATE);
    let file = tempfile::NamedTempFile::new().unwrap();
    let profiles =
        "[profile p]\nregion = eu-west-1\naws_access_key_id = test\naws_secret_access_key = test\n";
    fs::write(file.path(), profiles).unwrap();
    let environment = Environment::empty()
        .with("AWS_CONFIG_FILE", file.path().to_str().unwrap())
        .with("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
        .with("AWS_EC2_METADATA_DISABLED", "true");
    let open = || {
        Reader::at("s3://b/k")
            .environment(environment.clone())
            .endpoint(format!("http://{address}"))
            .profile("p")
    };
    let reader = open().connect().await.unwrap();
    assert_eq!(reader.read().await.unwrap().output::<String>("a").unwrap(), "x");
    let setting = |reader: &Reader, name: &str| {
        let found = reader.settings().iter().find(|setting| setting.name == name).unwrap();
        (found.value.clone(), found.source.clone())
    };
    // Beside a URI the region of the profile will do, unless one is given.
    assert_eq!(setting(&reader, "region"), ("eu-west-1".to_owned(), "profile".to_owned()));
    let reader =
        open().region("us-east-1").role_arn("arn:aws:iam::123456789012:role/r").connect().await.unwrap();
    assert_eq!(setting(&reader, "region"), ("us-east-1".to_owned(), "argument".to_owned()));
    assert_eq!(setting(&reader, "assume_role.role_arn").0, "arn:aws:iam::123456789012:role/r");
}

#[tokio::test]
async fn options_of_s3_are_refused_beside_a_file() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = at(file.path()).region("us-east-1").profile("p").connect().await.unwrap_err();
    let ErrorKind::InvalidConfig { problems } = error.kind() else { panic!("{error}") };
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(problems[0].contains("`region` is for states in S3"), "{problems:?}");
}

#[test]
fn without_s3_the_tree_holds_neither_aws_nor_an_http_client() {
    let tree = |features: &[&str]| {
        let tree = std::process::Command::new(env!("CARGO"))
            .args([
                "tree",
                "--package",
                "terrane-state",
                "--edges",
                "normal",
                "--prefix",
                "none",
                "--offline",
            ])
            .args(features)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
        String::from_utf8(tree.stdout).unwrap()
    };
    let is_aws =
        |line: &&str| line.starts_with("aws-") || line.starts_with("hyper") || line.starts_with("rustls");
    let light = tree(&["--no-default-features", "--features", "blocking"]);
    assert_eq!(light.lines().filter(is_aws).collect::<Vec<_>>(), Vec::<&str>::new());
    assert!(light.lines().any(|line| line.starts_with("tokio ")), "{light}");
    // The check can fail.
    assert!(tree(&[]).lines().any(|line| is_aws(&line)));
}
