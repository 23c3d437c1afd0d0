//! Cases 48–50: a service that fails, and connections that break.

use std::time::Duration;

use terrane_state::{ErrorKind, S3Arguments};

use crate::contract;
use crate::line::{self, Fault};
use crate::mem_s3::MemS3;
use crate::script::{Reply, Script};
use crate::setup::{STATE, arguments, builder, state_with};

#[tokio::test]
async fn case_48_throttling_is_waited_for() {
    let script =
        Script::start(|count, _| if count < 2 { Reply::error(503, "SlowDown") } else { Reply::ok(STATE) })
            .await;
    let reader = builder(arguments(script.address)).connect().await.unwrap();
    assert_eq!(reader.read().await.unwrap().output::<String>("a").unwrap(), "x");
    for (max_retries, attempts) in [(Some(3), 3), (Some(1), 1), (Some(0), 3), (None, 5)] {
        let script = Script::start(|_, _| Reply::error(503, "SlowDown")).await;
        let mut arguments = arguments(script.address);
        arguments.max_retries = max_retries;
        let error = builder(arguments).connect().await.unwrap().read().await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Throttled);
        assert!(error.is_transient());
        assert_eq!(script.requests().len(), attempts, "max_retries = {max_retries:?}");
    }
}

#[tokio::test]
async fn broken_connections_are_tried_again() {
    let script = Script::start(|count, _| match count {
        0 => Reply::Reset,
        1 => Reply::error(500, "InternalError"),
        _ => Reply::ok(STATE),
    })
    .await;
    let reader = builder(arguments(script.address)).connect().await.unwrap();
    reader.read().await.unwrap();
    assert_eq!(script.requests().len(), 3);
    // Nobody listens on a port that was just given back.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = builder(arguments(address)).connect().await.unwrap().read().await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Connection);
}

#[tokio::test]
async fn case_49_a_body_cut_short_is_read_again() {
    let cut = || Reply::Cut { body: STATE.as_bytes().to_vec(), sent: 50 };
    let script = Script::start(move |count, _| if count < 2 { cut() } else { Reply::ok(STATE) }).await;
    let reader = builder(arguments(script.address)).connect().await.unwrap();
    assert_eq!(reader.read_whole().await.unwrap().output::<String>("a").unwrap(), "x");
    let script = Script::start(move |_, _| cut()).await;
    let reader = builder(arguments(script.address)).connect().await.unwrap();
    for error in [reader.read().await.unwrap_err(), reader.read_whole().await.unwrap_err()] {
        assert_eq!(error.kind(), &ErrorKind::IncompleteBody { attempts: 4 });
    }
    assert_eq!(script.requests().len(), 8);
}

#[tokio::test]
async fn a_body_that_stalls_is_read_again() {
    let stall = || Reply::Stall { body: STATE.as_bytes().to_vec(), sent: 50 };
    let script = Script::start(move |count, _| if count < 1 { stall() } else { Reply::ok(STATE) }).await;
    let reader = builder(arguments(script.address)).connect().await.unwrap();
    assert_eq!(reader.read().await.unwrap().output::<String>("a").unwrap(), "x");
    assert_eq!(script.requests().len(), 2);
}

#[tokio::test]
async fn a_body_that_comes_slowly_is_waited_for() {
    let trickle = || Reply::Trickle { body: STATE.into(), step: 20, pause: Duration::from_millis(60) };
    let script = Script::start(move |_, _| trickle()).await;
    let reader = builder(arguments(script.address)).connect().await.unwrap();
    assert_eq!(reader.read().await.unwrap().output::<String>("a").unwrap(), "x");
    assert_eq!(script.requests().len(), 1);
}

#[tokio::test]
async fn expired_credentials_are_told_at_once() {
    for (status, code) in [(400, "ExpiredToken"), (403, "ExpiredToken"), (403, "RequestExpired")] {
        let script = Script::start(move |_, _| Reply::error(status, code)).await;
        let reader = builder(arguments(script.address)).connect().await.unwrap();
        let error = reader.read().await.unwrap_err();
        assert_eq!((error.kind(), error.is_transient()), (&ErrorKind::ExpiredCredentials, false));
        assert_eq!(script.requests().len(), 1);
    }
}

/// A state of about 10 MB whose outputs and last resource say the same.
fn large(mark: &str) -> String {
    let instance = format!(r#"{{"attributes":{{"pad":"{}"}}}}"#, "p".repeat(5000));
    let resource = |name: &str| {
        format!(r#"{{"mode":"managed","type":"t","name":"{name}","provider":"p","instances":[{instance}]}}"#)
    };
    let resources: Vec<String> = (0..2000).map(|idx| resource(&format!("n{idx}"))).collect();
    state_with(&format!(r#"{{"a":{{"value":"{mark}","type":"string"}}}}"#))
        .replace("[]", &format!("[{},{}]", resources.join(","), resource(mark)))
}

#[tokio::test]
async fn case_50_strict_reading_in_parts_sees_one_version() {
    let (server, address) = MemS3::start().await;
    server.put("b", "k", large("v1"));
    let reader = builder(arguments(address)).strict().connect().await.unwrap();
    let state = reader.read().await.unwrap();
    assert_eq!((state.output::<String>("a").unwrap().as_str(), state.version_id()), ("v1", Some("v2")));
    let parts = ["GET k bytes=0-4194303", "GET k bytes=4194304-8388607"];
    assert_eq!((server.requests().len(), &server.requests()[..2]), (3, &parts.map(str::to_owned)[..]));
    // Replaced by one that is wrong at its end: a reader that mixed the two would not see it, or not say v2.
    server.put_before(5, "k", large("v2").replace("\"name\":\"v2\"", "\"name\":7").into_bytes());
    let error = reader.read().await.unwrap_err();
    let ErrorKind::InvalidResources { problems } = error.kind() else { panic!("{error}") };
    assert_eq!(problems, &["resource 2000: `name` must be a string"]);
    assert_eq!(server.requests().len(), 3 + 2 + 3);
}

/// Reads a large state, which stands at `arguments`, over lines with faults.
async fn check_lines(arguments: &S3Arguments) {
    const FAULTS: &[Fault] = &[Fault::Reset, Fault::Cut(40), Fault::Cut(60_000), Fault::Cut(3_000_000)];
    let endpoint = arguments.endpoint.as_deref().unwrap();
    let server = endpoint.trim_start_matches("http://").parse().unwrap();
    let connect = async |faults, for_ever, strict: bool| {
        let mut arguments = arguments.clone();
        arguments.endpoint = Some(format!("http://{}", line::open(server, faults, for_ever).await));
        let builder = builder(arguments);
        if strict { builder.strict() } else { builder }.connect().await.unwrap()
    };
    for strict in [false, true] {
        let reader = connect(FAULTS, false, strict).await;
        assert_eq!(reader.read().await.unwrap().output::<String>("a").unwrap(), "v1");
        let reader = connect(FAULTS, false, strict).await;
        assert_eq!(reader.read_whole().await.unwrap().resources().len(), 2001);
        let error = connect(&[Fault::Cut(60_000)], true, strict).await.read().await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::IncompleteBody { attempts: 4 });
        let error = connect(&[Fault::Reset], true, strict).await.read().await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Connection);
    }
}

#[tokio::test]
async fn a_bad_line_is_survived() {
    let (server, address) = MemS3::start().await;
    server.put("b", "k", large("v1"));
    check_lines(&arguments(address)).await;
}

#[tokio::test]
async fn a_bad_line_to_a_second_server_is_survived() {
    let Some((client, arguments)) = contract::second_bucket("terrane-line").await else { return };
    let body = large("v1").into_bytes().into();
    client.put_object().bucket("terrane-line").key("k").body(body).send().await.unwrap();
    check_lines(&arguments).await;
}
