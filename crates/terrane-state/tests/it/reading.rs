//! Cases 1–6, 10, 33–34, 40–53: getting the object.

use terrane_state::{ErrorKind, Missing, Reader};

use crate::mem_s3::MemS3;
use crate::script::{Reply, Script};
use crate::setup::{STATE, arguments, builder, state_with, with_text};

async fn kind_of(reader: &Reader) -> ErrorKind {
    reader.read().await.unwrap_err().kind().clone()
}

#[tokio::test]
async fn case_01_one_request_reads_a_state() {
    let (server, reader) = with_text(STATE).await;
    let state = reader.read().await.unwrap();
    assert_eq!(state.output::<String>("a").unwrap(), "x");
    assert_eq!((state.serial(), state.lineage(), state.version_id()), (3, "0a1b", Some("v2")));
    assert_eq!(server.requests(), ["GET k bytes=0-65535"]);
}

#[tokio::test]
async fn cases_02_to_04_no_state() {
    let (server, reader) = with_text("").await;
    assert_eq!(kind_of(&reader).await, ErrorKind::NotFound { reason: Missing::Empty });
    assert_eq!(
        reader.read_whole().await.unwrap_err().kind(),
        &ErrorKind::NotFound { reason: Missing::Empty }
    );
    server.delete("b", "k");
    assert_eq!(kind_of(&reader).await, ErrorKind::NotFound { reason: Missing::Deleted });
    let (_, address) = MemS3::start().await;
    let reader = builder(arguments(address)).connect().await.unwrap();
    assert_eq!(kind_of(&reader).await, ErrorKind::NotFound { reason: Missing::Absent });
    let error = reader.read().await.unwrap_err().to_string();
    assert_eq!(error, "s3://b/k: no state was found");
}

#[tokio::test]
async fn case_05_deleted_between_two_parts() {
    let script = Script::start(|count, _| match count {
        0 => {
            let part = Reply::Full { status: 206, headers: vec![], body: STATE.as_bytes()[..40].to_vec() };
            part.with("content-range", "bytes 0-39/100000").with("etag", "\"e1\"")
        }
        _ => Reply::error(404, "NoSuchKey"),
    })
    .await;
    let reader = builder(arguments(script.address)).connect().await.unwrap();
    assert_eq!(kind_of(&reader).await, ErrorKind::NotFound { reason: Missing::Absent });
}

#[tokio::test]
async fn case_10_gzip_is_not_unpacked() {
    let script = Script::start(|_, _| Reply::ok(b"\x1f\x8b\x08\0").with("content-encoding", "gzip")).await;
    let reader = builder(arguments(script.address)).connect().await.unwrap();
    let error = reader.read().await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Syntax { offset: 1 });
    assert!(error.to_string().contains("gzip"), "{error}");
}

#[tokio::test]
async fn case_40_workspaces_have_objects_of_their_own() {
    for (prefix, object) in [(None, "/b/env%3A/w1/k"), (Some("pp"), "/b/pp/w1/k"), (Some(""), "/b/w1/k")] {
        let script = Script::start(|_, _| Reply::ok(STATE)).await;
        let mut arguments = arguments(script.address);
        arguments.workspace_key_prefix = prefix.map(str::to_owned);
        let reader = builder(arguments).workspace("w1").connect().await.unwrap();
        reader.read().await.unwrap();
        let target = script.requests()[0].target.clone();
        assert_eq!(target.split('?').next().unwrap(), object);
    }
}

#[tokio::test]
async fn case_41_workspace_names_are_checked() {
    let (_, address) = MemS3::start().await;
    for name in ["a/b", "../x", "", "a b", ".."] {
        let error = builder(arguments(address)).workspace(name).connect().await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::InvalidWorkspace { .. }), "{name:?}: {error}");
    }
}

#[tokio::test]
async fn case_42_an_absent_workspace_is_not_made() {
    let (server, address) = MemS3::start().await;
    let reader = builder(arguments(address)).workspace("ghost").connect().await.unwrap();
    assert_eq!(kind_of(&reader).await, ErrorKind::NotFound { reason: Missing::Absent });
    assert_eq!(server.requests(), ["GET env:/ghost/k bytes=0-65535"]);
}

#[tokio::test]
async fn case_43_keys_are_checked_before_any_request() {
    for key in ["/k", "k/", "a//b", " "] {
        let (server, address) = MemS3::start().await;
        let mut arguments = arguments(address);
        arguments.key = Some(key.to_owned());
        let error = builder(arguments).connect().await.unwrap_err();
        let ErrorKind::InvalidConfig { problems } = error.kind() else { panic!("{error}") };
        assert!(problems[0].contains("`key`"), "{problems:?}");
        assert!(server.requests().is_empty());
    }
}

#[tokio::test]
async fn case_44_workspaces_are_listed_over_pages() {
    let (server, address) = MemS3::start().await;
    for idx in 0..2500 {
        server.put("b", &format!("env:/w{idx:04}/k"), STATE);
    }
    for key in ["env:/w/other", "env:/w/k.tflock", "env:/default/k", "env:/a/b/k", "w/k"] {
        server.put("b", key, STATE);
    }
    let reader = builder(arguments(address)).connect().await.unwrap();
    let names = reader.workspaces().await.unwrap();
    assert_eq!(names.len(), 2501);
    assert_eq!((names[0].as_str(), names[1].as_str(), names[2500].as_str()), ("default", "w0000", "w2499"));
    assert_eq!(server.requests(), ["LIST env:/"; 3]);
}

#[tokio::test]
async fn case_45_a_denied_listing() {
    let script = Script::start(|_, _| Reply::error(403, "AccessDenied")).await;
    let reader = builder(arguments(script.address)).connect().await.unwrap();
    assert_eq!(reader.workspaces().await.unwrap(), ["default"]);
    let mut arguments = arguments(script.address);
    arguments.workspace_key_prefix = Some("pp".to_owned());
    let reader = builder(arguments).connect().await.unwrap();
    let error = reader.workspaces().await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::AccessDenied { maybe_missing: false });
}

#[tokio::test]
async fn cases_46_47_53_refusals() {
    let expected = "us-east-1".to_owned();
    let malformed = "<Error><Code>AuthorizationHeaderMalformed</Code><Message>m</Message><Region>eu-west-1</Region></Error>";
    for (reply, kind) in [
        (Reply::error(403, "AccessDenied"), ErrorKind::AccessDenied { maybe_missing: true }),
        (Reply::error(404, "NoSuchBucket"), ErrorKind::BucketNotFound { bucket: "b".to_owned() }),
        (
            Reply::error(301, "PermanentRedirect").with("x-amz-bucket-region", "eu-west-1"),
            ErrorKind::WrongRegion { expected: expected.clone(), actual: Some("eu-west-1".to_owned()) },
        ),
        (
            Reply::Full { status: 400, headers: vec![], body: malformed.as_bytes().to_vec() },
            ErrorKind::WrongRegion { expected, actual: Some("eu-west-1".to_owned()) },
        ),
        (Reply::error(400, "ExpiredToken"), ErrorKind::ExpiredCredentials),
        (Reply::error(403, "RequestTimeTooSkewed"), ErrorKind::ClockSkew),
    ] {
        let script = Script::start(move |_, _| reply.clone()).await;
        let reader = builder(arguments(script.address)).connect().await.unwrap();
        assert_eq!(kind_of(&reader).await, kind);
        assert_eq!(script.requests().len(), 1);
    }
}

#[tokio::test]
async fn case_47_the_region_of_the_bucket_is_followed_when_allowed() {
    let moved = |_: usize, request: &crate::script::Request| match request.header("authorization") {
        Some(signed) if signed.contains("/eu-west-1/s3/") => Reply::ok(STATE),
        _ => Reply::error(301, "PermanentRedirect").with("x-amz-bucket-region", "eu-west-1"),
    };
    let script = Script::start(moved).await;
    let reader = builder(arguments(script.address)).follow_region().connect().await.unwrap();
    for requests in [2, 3] {
        assert_eq!(reader.read().await.unwrap().output::<String>("a").unwrap(), "x");
        assert_eq!(script.requests().len(), requests);
    }
    // It follows once: a service that never agrees is an error.
    let script =
        Script::start(|_, _| Reply::error(301, "PermanentRedirect").with("x-amz-bucket-region", "eu-west-1"))
            .await;
    let reader = builder(arguments(script.address)).follow_region().connect().await.unwrap();
    assert!(matches!(kind_of(&reader).await, ErrorKind::WrongRegion { .. }));
    assert_eq!(script.requests().len(), 2);
}

#[tokio::test]
async fn case_50_a_replaced_object_is_never_mixed() {
    let state = |value: &str| {
        let filler = "f".repeat(400_000);
        state_with(&format!(
            r#"{{"a":{{"value":"{value}","type":"string"}},"m":{{"value":"{filler}","type":"string"}},"z":{{"value":"{value}","type":"string"}}}}"#
        ))
    };
    for replaced_before in 1..=5 {
        let (server, reader) = with_text(state("v1")).await;
        server.put_before(replaced_before, "k", state("v2").into_bytes());
        let outputs: std::collections::BTreeMap<String, String> =
            reader.read().await.unwrap().outputs().unwrap();
        assert_eq!(outputs["a"], outputs["z"]);
        let newest = if replaced_before <= 3 { "v2" } else { "v1" };
        assert_eq!(
            outputs["a"],
            newest,
            "replaced before request {replaced_before}: {:?}",
            server.requests()
        );
    }
}

#[tokio::test]
async fn early_exit_leaves_the_resources_unread() {
    let resources = format!(r#"[{{"mode":"managed","pad":"{}"}}]"#, "r".repeat(3_000_000));
    let text = state_with(r#"{"a":{"value":"x","type":"string"}}"#).replace("[]", &resources);
    let (server, reader) = with_text(&text).await;
    assert_eq!(reader.read().await.unwrap().output::<String>("a").unwrap(), "x");
    assert_eq!(server.requests(), ["GET k bytes=0-65535"]);

    // Another order of keys proves nothing about what follows: everything is read.
    let (server, reader) = with_text(text.replace(r#""serial":1,"#, "")).await;
    assert_eq!(reader.read().await.unwrap().output::<String>("a").unwrap(), "x");
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn case_51_customer_keys() {
    let key = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
    let other = "MTEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
    let (server, address) = MemS3::start().await;
    server.put("b", "k", STATE);
    server.encrypt("b", "k", key);
    let with_key = |key: &str, encrypt: Option<bool>| {
        let mut arguments = arguments(address);
        arguments.sse_customer_key = Some(key.to_owned());
        arguments.encrypt = encrypt;
        builder(arguments)
    };
    for encrypt in [Some(true), None] {
        let reader = with_key(key, encrypt).connect().await.unwrap();
        assert_eq!(reader.read().await.unwrap().output::<String>("a").unwrap(), "x");
    }
    let reader = with_key(other, Some(true)).connect().await.unwrap();
    assert_eq!(kind_of(&reader).await, ErrorKind::AccessDenied { maybe_missing: true });
    let error = with_key(&key[1..], Some(true)).connect().await.unwrap_err().to_string();
    assert!(error.contains("sse_customer_key must be 44 characters in length, found 43"), "{error}");
    assert!(!error.contains(&key[1..]));
    let error = builder(arguments(address)).connect().await.unwrap().read().await.unwrap_err().to_string();
    assert!(error.contains("set `encrypt` and `sse_customer_key`"), "{error}");

    let environment = terrane_state::Environment::empty().with("AWS_SSE_CUSTOMER_KEY", key);
    let mut encrypted = arguments(address);
    encrypted.encrypt = Some(true);
    builder(encrypted).environment(environment.clone()).connect().await.unwrap().read().await.unwrap();

    let script = Script::start(|_, _| Reply::ok(STATE)).await;
    let reader = builder(arguments(script.address)).environment(environment).connect().await.unwrap();
    reader.read().await.unwrap();
    let request = script.requests()[0].clone();
    assert_eq!(request.header("x-amz-server-side-encryption-customer-key"), None);
}

#[tokio::test]
async fn case_52_a_version_can_be_pinned() {
    let (server, address) = MemS3::start().await;
    let old = server.put("b", "k", STATE);
    server.put("b", "k", STATE.replace("\"x\"", "\"new\""));
    let reader = builder(arguments(address)).version_id(&old).connect().await.unwrap();
    let state = reader.read().await.unwrap();
    assert_eq!(
        (state.output::<String>("a").unwrap().as_str(), state.version_id()),
        ("x", Some(old.as_str()))
    );
}

#[tokio::test]
async fn cases_33_34_what_is_not_asked_for_may_be_wrong() {
    let text = state_with(r#"{"a":{"value":"x","type":"string"},"b":{"value":1,"type":"zzz"}}"#)
        .replace("\"resources\":[]", r#""resources":[{"mode":"zzz","type":"t","name":"n"}]"#);
    let (server, address) = MemS3::start().await;
    server.put("b", "k", &text);
    let state = builder(arguments(address)).connect().await.unwrap().read().await.unwrap();
    assert_eq!(state.output::<String>("a").unwrap(), "x");
    let error = state.output::<u8>("b").unwrap_err();
    assert_eq!(
        error.to_string(),
        r#"s3://b/k: invalid outputs: output "b": invalid type: invalid primitive type name "zzz""#
    );
    let strict = builder(arguments(address)).strict().connect().await.unwrap();
    assert!(matches!(strict.read().await.unwrap_err().kind(), ErrorKind::InvalidResources { .. }));
    server.put("b", "k", text.replace("\"mode\":\"zzz\"", "\"mode\":\"data\""));
    let ErrorKind::InvalidOutputs { problems } = kind_of(&strict).await else { panic!() };
    assert_eq!(problems.len(), 1);
}

#[tokio::test]
async fn case_64_locks_are_shown_and_do_not_block() {
    let (server, reader) = with_text(STATE).await;
    assert_eq!(reader.locks().await.unwrap(), []);
    server.put(
        "b",
        "k.tflock",
        r#"{"ID":"1-2","Operation":"OperationTypeApply","Info":"","Who":"ann@host","Version":"1.11.4","Created":"2026-01-01T00:00:00Z","Path":"b/k"}"#,
    );
    reader.read().await.unwrap();
    let locks = reader.locks().await.unwrap();
    assert_eq!((locks.len(), locks[0].who.as_str(), locks[0].id.as_str()), (1, "ann@host", "1-2"));
}
