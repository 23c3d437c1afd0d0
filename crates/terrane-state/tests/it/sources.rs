//! Cases 57–59: where the configuration comes from.

use std::path::Path;

use terrane_state::{Backend, Environment, ErrorKind, Reader};

use crate::mem_s3::MemS3;
use crate::setup::{STATE, arguments, builder};

fn write(directory: &Path, name: &str, text: &str) {
    let path = directory.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn cache(endpoint: &str) -> String {
    format!(
        r#"{{"version":3,"terraform_version":"1.11.4","backend":{{"type":"s3","hash":1,"config":{{
            "bucket":"b","key":"k","region":"us-east-1","access_key":"test","secret_key":"test","use_path_style":true,
            "endpoints":{{"s3":"{endpoint}","dynamodb":null}},"profile":null,"max_retries":null,"assume_role":null,
            "allowed_account_ids":[],"skip_s3_checksum":null}}}}}}"#
    )
}

fn workspace(directory: &Path, environment: &Environment) -> Result<String, terrane_state::Error> {
    match Backend::of_directory(directory, environment)? {
        Backend::S3 { workspace, .. } => Ok(workspace),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn case_57_the_cache_of_init() {
    let (server, address) = MemS3::start().await;
    server.put("b", "env:/w1/k", STATE);
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), ".terraform/terraform.tfstate", &cache(&format!("http://{address}")));
    write(directory.path(), ".terraform/environment", "w1\n");
    let Backend::S3 { arguments: found, workspace } =
        Backend::of_directory(directory.path(), &Environment::empty()).unwrap()
    else {
        panic!()
    };
    let reader = builder(*found).workspace(workspace).connect().await.unwrap();
    reader.read().await.unwrap();
    builder(arguments(address)).workspace("w1").connect().await.unwrap().read().await.unwrap();
    let requests = server.requests();
    assert_eq!((requests.len(), &requests[0]), (2, &requests[1]));
}

#[test]
fn case_58_workspaces_and_data_directories() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), ".terraform/terraform.tfstate", &cache("http://a"));
    write(directory.path(), ".terraform/environment", "w1");
    write(directory.path(), "moved/terraform.tfstate", &cache("http://a"));
    write(directory.path(), "moved/environment", "w2");
    let of = |environment: Environment| workspace(directory.path(), &environment);
    assert_eq!(of(Environment::empty().with("TF_WORKSPACE", "other")).unwrap(), "other");
    let error = of(Environment::empty().with("TF_WORKSPACE", "a b")).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::InvalidWorkspace { .. }));
    assert_eq!(of(Environment::empty().with("TF_DATA_DIR", "moved")).unwrap(), "w2");
    assert_eq!(of(Environment::empty()).unwrap(), "w1");
}

#[test]
fn case_59_caches_that_are_none() {
    let mut messages = std::collections::BTreeSet::new();
    for (text, expected) in [
        (r#"{"version":4,"serial":1}"#, "this is a state"),
        (r#"{"version":3,"backend":{"type":"gcs","config":{}}}"#, "\"gcs\" is not supported"),
        (r#"{"version":3}"#, "no backend is configured"),
        (r#"{"version":3,"state_store":{}}"#, "a state store"),
        (r#"{"backend":{}}"#, "no format version number"),
        (r#"{"version":2}"#, "unsupported format version"),
        (r#"{"version":0}"#, "no format version number"),
        (r#"{"version":3,"remote":{"type":"s3"}}"#, "before 0.9"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), ".terraform/terraform.tfstate", text);
        let error = workspace(directory.path(), &Environment::empty()).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::InvalidConfig { .. }));
        assert!(error.to_string().contains(expected), "{error}");
        messages.insert(format!("{:?}", error.kind()));
    }
    assert_eq!(messages.len(), 7);
}

#[track_caller]
fn check_files(files: &[(&str, &str)], expected: Result<(&str, &str), &str>) {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        write(directory.path(), name, text);
    }
    let found = Backend::of_directory(directory.path(), &Environment::empty());
    match (found, expected) {
        (Ok(Backend::S3 { arguments, .. }), Ok((bucket, key))) => {
            assert_eq!((arguments.bucket.as_deref(), arguments.key.as_deref()), (Some(bucket), Some(key)));
        }
        (Err(error), Err(expected)) => assert!(error.to_string().contains(expected), "{error}"),
        (found, expected) => panic!("{found:?} is not {expected:?}"),
    }
}

#[test]
fn backend_blocks_are_read_from_the_configuration() {
    let main = "terraform {\n  backend \"s3\" {\n    bucket = \"b\"\n    key = \"k\"\n    endpoints = { s3 = \"http://x\" }\n    encrypt = true\n  }\n}\n";
    check_files(&[("main.tf", main), ("net.tf", "resource \"aws_vpc\" \"a\" {}\n")], Ok(("b", "k")));
    let json = r#"{"terraform":{"backend":{"s3":{"bucket":"jb","key":"jk"}}}}"#;
    check_files(&[("main.tf.json", json)], Ok(("jb", "jk")));
    check_files(&[("main.tf", main), ("main_override.tf.json", json)], Ok(("jb", "jk")));
    check_files(&[("main.tf", main), (".hidden.tf", main), ("old.tf~", main)], Ok(("b", "k")));
    check_files(&[("a.tf", main), ("b.tf.json", json)], Err("two backend blocks"));
    check_files(&[("main.tf", &main.replace("\"b\"", "var.bucket"))], Err("`bucket` must be a constant"));
    check_files(&[("main.tf", &main.replace("\"b\"", "\"${var.b}\""))], Err("`bucket` must be a constant"));
    check_files(&[("main.tf", &main.replace("\"s3\"", "\"gcs\""))], Err("\"gcs\" is not supported"));
    check_files(
        &[("main.tf", &main.replace("endpoints = {", "assume_role {").replace(", encrypt", ""))],
        Err("main.tf"),
    );
    check_files(&[("main.tf", &main.replace("bucket", "buckets"))], Err("unsupported attribute \"buckets\""));
    check_files(&[("main.tf", "terraform {\n  backend \"s3\" {")], Err("not HCL"));
    let template = json.replace("jk", "${var.env}/k");
    check_files(&[("main.tf.json", &template)], Err("`key` must be a constant"));
    // OpenTofu's files hide Terraform's of the same name.
    let tofu = main.replace("\"b\"", "\"tb\"");
    check_files(&[("main.tf", main), ("main.tofu", &tofu)], Ok(("tb", "k")));
    check_files(&[("main.tf", main), ("other.tofu", &tofu)], Err("two backend blocks"));
}

#[tokio::test]
async fn local_states_and_files_are_read() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "terraform.tfstate", STATE);
    let found = Backend::of_directory(directory.path(), &Environment::empty()).unwrap();
    let path = directory.path().join("terraform.tfstate");
    assert_eq!(found, Backend::Local { path: path.clone() });
    let reader = Reader::from_file(&path);
    let state = reader.read().await.unwrap();
    assert_eq!(state.output::<String>("a").unwrap(), "x");
    assert!(reader.read_if_changed(state.etag().unwrap()).await.unwrap().is_none());
    let error = Reader::from_file("/nowhere/x").read().await.unwrap_err();
    assert_eq!(error.to_string(), "/nowhere/x: no state was found");
}

fn local(directory: &Path, environment: &Environment) -> std::path::PathBuf {
    match Backend::of_directory(directory, environment).unwrap() {
        Backend::Local { path } => path,
        other => panic!("{other:?}"),
    }
}

#[test]
fn local_backends_name_their_files() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let workspace = Environment::empty().with("TF_WORKSPACE", "w1");
    write(directory.path(), "main.tf", "terraform {\n  backend \"local\" {}\n}\n");
    assert_eq!(local(directory.path(), &Environment::empty()), at("terraform.tfstate"));
    assert_eq!(local(directory.path(), &workspace), at("terraform.tfstate.d/w1/terraform.tfstate"));
    let block = "terraform {\n  backend \"local\" {\n    path = \"net/x.tfstate\"\n    workspace_dir = \"spaces\"\n  }\n}\n";
    write(directory.path(), "main.tf", block);
    assert_eq!(local(directory.path(), &Environment::empty()), at("net/x.tfstate"));
    assert_eq!(local(directory.path(), &workspace), at("spaces/w1/terraform.tfstate"));
    let cache =
        r#"{"version":3,"backend":{"type":"local","config":{"path":"cached.tfstate","workspace_dir":null}}}"#;
    write(directory.path(), ".terraform/terraform.tfstate", cache);
    assert_eq!(local(directory.path(), &Environment::empty()), at("cached.tfstate"));
    write(directory.path(), ".terraform/terraform.tfstate", &cache.replace("path", "paths"));
    let error = Backend::of_directory(directory.path(), &Environment::empty()).unwrap_err().to_string();
    assert!(error.contains("backend \"local\": unsupported attribute \"paths\""), "{error}");
}

#[test]
fn hcp_terraform_is_no_place_that_is_read() {
    let main = "terraform {\n  cloud {\n    organization = \"acme\"\n  }\n}\n";
    // A state that was left behind is not taken for the one in the cloud.
    check_files(&[("main.tf", main), ("terraform.tfstate", STATE)], Err("\"cloud\" is not supported"));
    let json = r#"{"terraform":{"cloud":{"organization":"acme"}}}"#;
    check_files(&[("main.tf.json", json), ("terraform.tfstate", STATE)], Err("\"cloud\" is not supported"));
}

#[tokio::test]
async fn a_configuration_that_init_has_not_seen_is_told_about() {
    let directory = tempfile::tempdir().unwrap();
    let warnings = async || {
        let reader = Reader::at(directory.path().display().to_string());
        reader.environment(Environment::empty()).connect().await.unwrap().warnings().to_vec()
    };
    write(directory.path(), ".terraform/terraform.tfstate", &cache("http://127.0.0.1:1"));
    assert_eq!(warnings().await, [""; 0]);
    let block = |arguments: &str| format!("terraform {{\n  backend \"s3\" {{\n{arguments}\n  }}\n}}\n");
    // As `terraform init` has seen it; what it was told beside is no difference.
    write(directory.path(), "main.tf", &block("bucket = \"b\"\nkey = \"k\"\nuse_path_style = \"true\""));
    assert_eq!(warnings().await, [""; 0]);
    write(directory.path(), "main.tf", &block("bucket = \"b\"\nkey = \"new\"\nsecret_key = \"hunter2\""));
    let found = warnings().await;
    assert!(
        found[0].starts_with("`key`, `secret_key` in ") && found[0].contains("main.tf is not"),
        "{found:?}"
    );
    assert!(found[0].contains("run `terraform init`") && !found[0].contains("hunter2"), "{found:?}");
    write(directory.path(), "main.tf", &block("").replace("s3", "local"));
    assert!(warnings().await[0].starts_with("the backend in "));
    // What only Terraform or OpenTofu understands cannot be compared.
    write(directory.path(), "main.tf", &block("key = var.key"));
    assert_eq!(warnings().await, [""; 0]);
}

#[tokio::test]
async fn defaults_of_a_data_source_stand_for_what_the_state_lacks() {
    let (server, address) = MemS3::start().await;
    let state =
        r#"{"version":4,"outputs":{"a":{"value":"x","type":"string"},"n":{"value":null,"type":"dynamic"}}}"#;
    server.put("b", "env:/w/k", state);
    let text = format!(
        r#"{{"backend":"s3","workspace":"w","defaults":{{"a":"y","n":1,"more":["z",true]}},"config":{{
            "bucket":"b","key":"k","region":"us-east-1","access_key":"test","secret_key":"test",
            "use_path_style":true,"endpoints":{{"s3":"http://{address}"}}}}}}"#
    );
    let connect = async |text: &str| {
        let builder = Reader::remote_state(text).unwrap().environment(Environment::empty());
        builder.connect().await.unwrap()
    };
    let reader = connect(&text).await;
    let whole = reader.read_whole().await.unwrap();
    for state in [&reader.read().await.unwrap(), &*whole] {
        assert_eq!(state.output::<String>("a").unwrap(), "x");
        assert_eq!(state.output::<Option<u8>>("n").unwrap(), None);
        assert_eq!(state.output::<(String, bool)>("more").unwrap(), ("z".to_owned(), true));
    }
    let changed = reader.read_if_changed("\"other\"").await.unwrap().unwrap();
    assert_eq!(changed.iter().count(), 3);
    // They do not stand for a state, unless the program says so.
    let absent = connect(&text.replace("\"w\"", "\"absent\"")).await.read().await.unwrap_err();
    assert!(matches!(absent.kind(), ErrorKind::NotFound { .. }));
    let state = terrane_state::State::default().with_defaults(r#"{"a":"y"}"#).unwrap();
    assert_eq!(state.output::<String>("a").unwrap(), "y");
    let error =
        Reader::remote_state(&text.replace(r#"{"a":"y","n":1,"more":["z",true]}"#, "[]")).unwrap_err();
    assert!(error.to_string().contains("`defaults`: an object is required, found array"), "{error}");

    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "x.tfstate", STATE);
    let path = directory.path().join("x.tfstate");
    let text = format!(r#"{{"backend":"local","config":{{"path":{path:?}}}}}"#);
    assert_eq!(connect(&text).await.read().await.unwrap().serial(), 3);
}

#[test]
fn remote_state_data_sources_are_understood() {
    let text = r#"{"backend":"s3","workspace":"w","config":{"bucket":"b","key":"k","encrypt":"true"}}"#;
    let Backend::S3 { arguments, workspace } = Backend::of_remote_state(text).unwrap() else { panic!() };
    assert_eq!((arguments.encrypt, workspace.as_str()), (Some(true), "w"));
    assert!(Backend::of_remote_state(&text.replace("\"w\"", "\"../x\"")).is_err());
    assert!(Backend::of_remote_state(&text.replace("\"s3\"", "\"http\"")).is_err());
}

#[tokio::test]
async fn a_client_of_the_caller_reads_too() {
    let (server, address) = MemS3::start().await;
    server.put("b", "k", STATE);
    let keys = aws_sdk_s3::config::Credentials::new("test", "test", None, None, "test");
    let config = aws_sdk_s3::Config::builder()
        .behavior_version_latest()
        .region(aws_sdk_s3::config::Region::new("us-east-1"))
        .credentials_provider(keys)
        .endpoint_url(format!("http://{address}"))
        .force_path_style(true)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    let reader = Reader::from_client(aws_sdk_s3::Client::from_conf(config), "b", "k");
    assert_eq!(reader.read().await.unwrap().output::<String>("a").unwrap(), "x");
}
