//! Cases 35–39: the digest in DynamoDB.

use std::sync::Arc;
use std::time::Duration;

use terrane_state::{ErrorKind, Missing, Reader, ReaderBuilder};

use crate::mem_s3::MemS3;
use crate::script::{Reply, Script};
use crate::setup::{STATE, TestClock, arguments, builder};

/// The MD5 of [`STATE`], by md5sum.
const DIGEST: &str = "1457ec0257a3b6cccc217d413cd12171";

fn item(digest: &str) -> Reply {
    Reply::json(200, &format!(r#"{{"Item":{{"LockID":{{"S":"b/k-md5"}},"Digest":{{"S":"{digest}"}}}}}}"#))
}

struct Checked {
    s3: MemS3,
    table: Script,
    clock: Arc<TestClock>,
    reader: Reader,
}

async fn checked(reply: impl Fn() -> Reply + Send + Sync + 'static) -> Checked {
    checked_by(reply, |builder| builder).await
}

async fn checked_by(
    reply: impl Fn() -> Reply + Send + Sync + 'static,
    finish: impl Fn(ReaderBuilder) -> ReaderBuilder,
) -> Checked {
    let (s3, address) = MemS3::start().await;
    let table = Script::start(move |_, _| reply()).await;
    let clock = TestClock::new();
    let mut arguments = arguments(address);
    arguments.dynamodb_table = Some("locks".to_owned());
    arguments.dynamodb_endpoint = Some(table.url());
    let reader = finish(builder(arguments)).clock(clock.clone()).connect().await.unwrap();
    Checked { s3, table, clock, reader }
}

#[tokio::test]
async fn case_35_a_digest_that_matches() {
    let test = checked(|| item(&DIGEST.to_uppercase())).await;
    test.s3.put("b", "k", STATE);
    let state = test.reader.read().await.unwrap();
    assert_eq!((state.output::<String>("a").unwrap().as_str(), state.warnings()), ("x", &[][..]));
    assert_eq!(test.s3.requests(), ["GET k"]);
    let request = &test.table.requests()[0];
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/"));
    assert_eq!(request.header("x-amz-target"), Some("DynamoDB_20120810.GetItem"));
    let body: serde_json::Value = serde_json::from_str(&request.body).unwrap();
    assert_eq!(body["Key"]["LockID"]["S"], "b/k-md5");
    assert_eq!(body["ConsistentRead"], true);
}

#[tokio::test]
async fn case_35_strict_readers_check_the_digest_too() {
    let test = checked_by(|| item(DIGEST), ReaderBuilder::strict).await;
    test.s3.put("b", "k", STATE);
    test.reader.read().await.unwrap();
    test.s3.put("b", "k", STATE.replace("\"x\"", "\"y\""));
    let error = test.reader.read().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::ChecksumMismatch { .. }), "{error}");
}

#[tokio::test]
async fn case_52_a_pinned_version_has_no_digest() {
    let test = checked_by(|| item(DIGEST), |builder| builder.version_id("v2")).await;
    test.s3.put("b", "k", STATE.replace("\"x\"", "\"old\""));
    test.s3.put("b", "k", STATE);
    assert_eq!(test.reader.read().await.unwrap().output::<String>("a").unwrap(), "old");
    assert_eq!(test.table.requests().len(), 0);
}

#[tokio::test]
async fn case_36_no_usable_digest_is_a_warning() {
    let denied = r#"{"__type":"com.amazonaws.dynamodb.v20120810#AccessDeniedException","message":"no"}"#;
    for reply in [Reply::json(200, "{}"), item("zz"), Reply::json(400, denied)] {
        let test = checked(move || reply.clone()).await;
        test.s3.put("b", "k", STATE);
        let state = test.reader.read().await.unwrap();
        assert_eq!(state.warnings().len(), 1);
        assert!(state.warnings()[0].contains("\"locks\""), "{:?}", state.warnings());
    }
}

#[tokio::test]
async fn case_37_a_digest_that_never_matches() {
    let stored = "0".repeat(32);
    let test = checked(|| item(&"0".repeat(32))).await;
    test.s3.put("b", "k", STATE);
    let error = test.reader.read().await.unwrap_err();
    let (bucket, key) = ("b".to_owned(), "k".to_owned());
    assert_eq!(
        error.kind(),
        &ErrorKind::ChecksumMismatch { bucket, key, calculated: DIGEST.to_owned(), stored }
    );
    assert!(error.to_string().contains(&format!("set the Digest value in the table to {DIGEST}")));
    assert_eq!((test.s3.requests().len(), test.clock.elapsed()), (6, Duration::from_secs(10)));
}

#[tokio::test]
async fn case_38_a_state_that_comes_late() {
    let test = checked(|| item(DIGEST)).await;
    test.s3.put("b", "k", STATE.replace('x', "old"));
    test.s3.put_before(3, "k", STATE.as_bytes().to_vec());
    assert_eq!(test.reader.read().await.unwrap().output::<String>("a").unwrap(), "x");
    assert_eq!((test.s3.requests().len(), test.clock.elapsed()), (3, Duration::from_secs(4)));
}

#[tokio::test]
async fn case_39_a_digest_without_a_state() {
    let test = checked(|| item(DIGEST)).await;
    let error = test.reader.read().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::ChecksumMismatch { calculated, .. } if calculated.is_empty()));
    let test = checked(|| Reply::json(200, "{}")).await;
    let error = test.reader.read().await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::NotFound { reason: Missing::Absent });
}

#[tokio::test]
async fn locks_in_the_table_are_shown() {
    let info = r#"{\"ID\":\"7\",\"Operation\":\"OperationTypePlan\",\"Who\":\"bob@host\"}"#;
    let reply =
        Reply::json(200, &format!(r#"{{"Item":{{"LockID":{{"S":"b/k"}},"Info":{{"S":"{info}"}}}}}}"#));
    let test = checked(move || reply.clone()).await;
    let locks = test.reader.locks().await.unwrap();
    assert_eq!((locks.len(), locks[0].id.as_str(), locks[0].who.as_str()), (1, "7", "bob@host"));
}
