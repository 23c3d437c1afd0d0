//! Cases 54–56, and the other arguments of the backend.

use terrane_state::{Environment, ErrorKind, S3Arguments, Setting};

use crate::mem_s3::MemS3;
use crate::script::{Reply, Script};
use crate::setup::{STATE, arguments, builder};

const IDENTITY: &str = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";

async fn problems(arguments: S3Arguments, environment: Environment) -> Vec<String> {
    let error = builder(arguments).environment(environment).connect().await.unwrap_err();
    match error.kind() {
        ErrorKind::InvalidConfig { problems } => problems.clone(),
        other => panic!("{other:?}"),
    }
}

async fn settings(arguments: S3Arguments, environment: Environment) -> Vec<Setting> {
    builder(arguments).environment(environment).connect().await.unwrap().settings().to_vec()
}

fn setting<'a>(settings: &'a [Setting], name: &str) -> (&'a str, &'a str) {
    let found = settings.iter().find(|setting| setting.name == name).unwrap();
    (&found.value, &found.source)
}

#[tokio::test]
async fn case_54_accounts() {
    let (server, address) = MemS3::start().await;
    server.put("b", "k", STATE);
    let sts = Script::start(|_, _| Reply::Full {
        status: 200,
        headers: vec![],
        body: IDENTITY.as_bytes().to_vec(),
    })
    .await;
    let with_ids = |allowed: &[&str], forbidden: &[&str]| {
        let mut arguments = arguments(address);
        let ids =
            |ids: &[&str]| Some(ids.iter().map(|id| (*id).to_owned()).collect()).filter(|_| !ids.is_empty());
        (arguments.allowed_account_ids, arguments.forbidden_account_ids) = (ids(allowed), ids(forbidden));
        arguments.sts_endpoint = Some(sts.url());
        arguments
    };
    let refused = |account: &str| ErrorKind::AccountNotAllowed { account: account.to_owned() };
    builder(with_ids(&["123456789012"], &[])).connect().await.unwrap().read().await.unwrap();
    assert_eq!(sts.requests().len(), 1);
    let error = builder(with_ids(&["000000000000"], &[])).connect().await.unwrap_err();
    assert_eq!(error.kind(), &refused("123456789012"));
    let error = builder(with_ids(&[], &["123456789012"])).connect().await.unwrap_err();
    assert_eq!(error.kind(), &refused("123456789012"));
    let mut unasked = with_ids(&["123456789012"], &[]);
    unasked.skip_credentials_validation = Some(true);
    unasked.skip_requesting_account_id = Some(true);
    assert_eq!(builder(unasked).connect().await.unwrap_err().kind(), &refused(""));
    // Without a list nobody asks.
    let before = sts.requests().len();
    builder(with_ids(&[], &[])).connect().await.unwrap();
    assert_eq!(sts.requests().len(), before);
}

#[tokio::test]
async fn case_55_regions() {
    let without = || S3Arguments::new("b", "k");
    let environment = Environment::empty().with("AWS_DEFAULT_REGION", "eu-west-1");
    assert_eq!(
        setting(&settings(without(), environment).await, "region"),
        ("eu-west-1", "AWS_DEFAULT_REGION")
    );
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "[default]\nregion = eu-west-1\n").unwrap();
    let environment = Environment::empty().with("AWS_SHARED_CONFIG_FILE", file.path().to_str().unwrap());
    assert!(problems(without(), environment).await[0].contains("`region` is required"));
    let mut odd = without();
    odd.region = Some("zz-nope-1".to_owned());
    assert!(
        problems(odd.clone(), Environment::empty()).await[0]
            .contains("\"zz-nope-1\" is not a known AWS region")
    );
    odd.skip_region_validation = Some(true);
    settings(odd, Environment::empty()).await;
    let environment = Environment::empty().with("AWS_REGION", "zz-nope-1");
    assert_eq!(setting(&settings(without(), environment).await, "region"), ("zz-nope-1", "AWS_REGION"));
}

#[tokio::test]
async fn case_56_endpoints() {
    let variables = ["AWS_ENDPOINT_URL_S3", "AWS_S3_ENDPOINT", "AWS_ENDPOINT_URL"];
    for first in 0..=variables.len() {
        let script = Script::start(|_, _| Reply::ok(STATE)).await;
        let mut arguments = arguments(script.address);
        arguments.endpoint = None;
        let mut environment = Environment::empty();
        for (idx, name) in variables.iter().enumerate() {
            // Before the first, set and empty means unset; after it, another place.
            let value = match idx + 1 {
                place if place < first => String::new(),
                place if place == first => script.url(),
                _ => "http://127.0.0.1:1".to_owned(),
            };
            environment = environment.with(*name, value);
        }
        if first == 0 {
            let endpoints = format!(r#"{{"endpoints":{{"s3":"{}"}}}}"#, script.url());
            arguments.endpoints = S3Arguments::from_json(&endpoints).unwrap().endpoints;
        }
        let reader = builder(arguments).environment(environment).connect().await.unwrap();
        reader.read().await.unwrap();
        assert_eq!(script.requests().len(), 1, "source {first}");
    }
}

#[tokio::test]
async fn an_endpoint_in_the_profile_counts_last() {
    let script = Script::start(|_, _| Reply::ok(STATE)).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let text = format!(
        "[profile p]\naws_access_key_id = from-profile\naws_secret_access_key = s\nendpoint_url = {}\n",
        script.url()
    );
    std::fs::write(file.path(), text).unwrap();
    let mut arguments = S3Arguments::new("b", "k");
    arguments.region = Some("us-east-1".to_owned());
    arguments.profile = Some("p".to_owned());
    arguments.use_path_style = Some(true);
    arguments.shared_config_files = Some([file.path().to_str().unwrap().to_owned()].into());
    // A profile that is asked for beats keys in the environment.
    let environment = Environment::empty().with("AWS_ACCESS_KEY_ID", "e").with("AWS_SECRET_ACCESS_KEY", "e");
    let reader = builder(arguments).environment(environment).connect().await.unwrap();
    reader.read().await.unwrap();
    let signed = script.requests()[0].header("authorization").unwrap().to_owned();
    assert!(signed.contains("Credential=from-profile/"), "{signed}");
}

const ROLE: &str = "<Credentials><AccessKeyId>from-role</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>";

#[tokio::test]
async fn roles_are_taken_on() {
    let sts = Script::start(|_, request| {
        let action = if request.body.contains("WebIdentity") { "AssumeRoleWithWebIdentity" } else { "AssumeRole" };
        let body = format!("<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{action}Result>{ROLE}</{action}Result></{action}Response>");
        Reply::Full { status: 200, headers: vec![], body: body.into_bytes() }
    })
    .await;
    let s3 = Script::start(|_, _| Reply::ok(STATE)).await;
    let token = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(token.path(), "token-in-file").unwrap();
    let role = r#""assume_role":{"role_arn":"arn:aws:iam::1:role/r","external_id":"x1","duration":"1h30m","session_name":"me","tags":{"k":"v"}}"#;
    let old_role = r#""role_arn":"arn:aws:iam::1:role/r","external_id":"x1","session_name":"me","assume_role_duration_seconds":5400,"assume_role_tags":{"k":"v"}"#;
    let web = format!(
        r#""assume_role_with_web_identity":{{"role_arn":"arn:aws:iam::1:role/r","session_name":"me","web_identity_token_file":{:?}}}"#,
        token.path()
    );
    for (json, expected) in [
        (
            role.to_owned(),
            vec!["Action=AssumeRole&", "ExternalId=x1", "DurationSeconds=5400", "Tags.member.1.Key=k"],
        ),
        (
            old_role.to_owned(),
            vec!["Action=AssumeRole&", "ExternalId=x1", "DurationSeconds=5400", "Tags.member.1.Key=k"],
        ),
        (
            web,
            vec!["Action=AssumeRoleWithWebIdentity&", "WebIdentityToken=token-in-file", "RoleSessionName=me"],
        ),
    ] {
        let text = format!(
            r#"{{"bucket":"b","key":"k","region":"us-east-1","use_path_style":"true","endpoints":{{"s3":"{}","sts":"{}"}},{json}}}"#,
            s3.url(),
            sts.url()
        );
        let environment =
            Environment::empty().with("AWS_ACCESS_KEY_ID", "env").with("AWS_SECRET_ACCESS_KEY", "env");
        let reader =
            builder(S3Arguments::from_json(&text).unwrap()).environment(environment).connect().await.unwrap();
        reader.read().await.unwrap();
        let request = sts.requests().pop().unwrap();
        for part in expected {
            assert!(request.body.contains(part), "{part}: {}", request.body);
        }
        assert_eq!(request.header("authorization").is_some(), !request.body.contains("WebIdentity"));
        let signed = s3.requests().pop().unwrap();
        assert!(signed.header("authorization").unwrap().contains("Credential=from-role/"));
    }
}

#[tokio::test]
async fn all_problems_are_reported_at_once() {
    let text = r#"{"key":"/k","region":"eu-nowhere-9","workspace_key_prefix":"/p","use_path_style":true,"force_path_style":false,
        "endpoint":"http://a","endpoints":{"s3":"http://b"},"sse_customer_key":"short","kms_key_id":"id","retry_mode":"odd",
        "assume_role":{"duration":"1m"},"access_key":"topsecret","allowed_account_ids":["1"],"forbidden_account_ids":["2"]}"#;
    let arguments = S3Arguments::from_json(text).unwrap();
    assert!(!format!("{arguments:?}").contains("topsecret"));
    let problems = problems(arguments, Environment::empty()).await;
    assert_eq!(problems.len(), 13, "{problems:#?}");
    assert!(!problems.join("").contains("topsecret"));
}

/// The AWS crates by themselves stop trying again after some 35 failures in a process.
#[tokio::test]
async fn every_request_has_all_its_attempts() {
    let script = Script::start(|_, _| Reply::error(503, "SlowDown")).await;
    let reader = builder(arguments(script.address)).connect().await.unwrap();
    for readings in 1..=60 {
        assert_eq!(reader.read().await.unwrap_err().kind(), &ErrorKind::Throttled);
        assert_eq!(script.requests().len(), 5 * readings);
    }
}

#[tokio::test]
async fn checksums_of_a_body_count_unless_told() {
    let wrong = || Reply::ok(STATE).with("x-amz-checksum-crc32", "AAAAAA==");
    let script = Script::start(move |_, _| wrong()).await;
    let mut arguments = arguments(script.address);
    let reader = builder(arguments.clone()).connect().await.unwrap();
    let error = reader.read().await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::IncompleteBody { attempts: 4 });
    arguments.skip_s3_checksum = Some(true);
    builder(arguments).connect().await.unwrap().read().await.unwrap();
}

#[test]
fn what_is_no_argument_is_refused() {
    let message = |text: &str| S3Arguments::from_json(text).unwrap_err().to_string();
    assert!(message(r#"{"buckets":"b"}"#).contains("unsupported attribute \"buckets\""));
    assert!(message(r#"{"endpoints":{"s4":"x"}}"#).contains("`endpoints`: unsupported attribute \"s4\""));
    assert!(message(r#"{"encrypt":"yes"}"#).contains("`encrypt`: bool is required"));
    assert!(message(r#"{"max_retries":"-1"}"#).contains("`max_retries` does not have the right type"));
    assert!(S3Arguments::from_uri("s3://b").is_err());
}

#[tokio::test]
async fn a_proxy_gets_the_request() {
    let proxy = Script::start(|_, _| Reply::ok(STATE)).await;
    let mut arguments = S3Arguments::new("b", "k");
    arguments.region = Some("us-east-1".to_owned());
    arguments.access_key = Some("test".to_owned());
    arguments.secret_key = Some("test".to_owned());
    arguments.use_path_style = Some(true);
    arguments.endpoint = Some("http://s3.invalid".to_owned());
    arguments.http_proxy = Some(proxy.url());
    builder(arguments.clone()).connect().await.unwrap().read().await.unwrap();
    assert!(proxy.requests()[0].target.starts_with("http://s3.invalid/b/k"));
    arguments.no_proxy = Some("s3.invalid".to_owned());
    arguments.max_retries = Some(1);
    let error = builder(arguments).connect().await.unwrap().read().await.unwrap_err();
    assert_eq!((error.kind(), proxy.requests().len()), (&ErrorKind::Connection, 1));
}
