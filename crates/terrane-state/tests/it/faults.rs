//! Cases 48, 49: a service that fails, and connections that break.

use terrane_state::ErrorKind;

use crate::script::{Reply, Script};
use crate::setup::{STATE, arguments, builder};

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
