//! Following a state, and sharing it.

use std::time::Duration;

use futures_util::StreamExt;
use terrane_state::{Change, ErrorKind};

use crate::mem_s3::MemS3;
use crate::script::{Reply, Script};
use crate::setup::{STATE, TestClock, arguments, builder, with_text};

fn state(serial: u64, lineage: &str) -> String {
    STATE.replace("\"serial\": 3", &format!("\"serial\": {serial}")).replace("0a1b", lineage)
}

#[tokio::test]
async fn a_watch_tells_what_changed() {
    let (server, address) = MemS3::start().await;
    server.put("b", "k", state(1, "l"));
    let clock = TestClock::new();
    let reader = builder(arguments(address)).clock(clock.clone()).connect().await.unwrap();
    let mut watch = reader.watch(Duration::from_secs(5));
    assert_eq!(watch.next().await.unwrap().change, Change::First);
    assert_eq!(clock.elapsed(), Duration::ZERO);
    let before = server.requests().len();
    server.put_before(before + 4, "k", state(4, "l").into_bytes());
    let update = watch.next().await.unwrap();
    assert_eq!((update.change, update.state.serial()), (Change::Newer { skipped: 2 }, 4));
    assert_eq!(clock.elapsed(), Duration::from_secs(20));
    server.put("b", "k", state(2, "l"));
    assert_eq!(watch.next().await.unwrap().change, Change::Rewritten);
    server.put("b", "k", state(9, "m"));
    let update = StreamExt::next(&mut watch).await.unwrap().unwrap();
    assert_eq!(update.change, Change::Replaced { before: "l".to_owned() });
}

#[tokio::test]
async fn a_watch_survives_faults() {
    let script = Script::start(|count, _| match count {
        0 => Reply::ok(state(1, "l")),
        1 | 2 => Reply::error(503, "SlowDown"),
        3 | 4 => Reply::error(403, "AccessDenied"),
        5 => Reply::Full { status: 304, headers: vec![], body: vec![] },
        _ => Reply::Full {
            status: 200,
            headers: vec![("etag", "\"e2\"".to_owned())],
            body: state(2, "l").into_bytes(),
        },
    })
    .await;
    let clock = TestClock::new();
    let mut arguments = arguments(script.address);
    arguments.max_retries = Some(1);
    let reader = builder(arguments).clock(clock.clone()).connect().await.unwrap();
    let mut watch = reader.watch(Duration::from_secs(1));
    watch.next().await.unwrap();
    // Throttling passes unseen; the refusal is told once.
    let error = watch.next().await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::AccessDenied { maybe_missing: true });
    assert_eq!(watch.next().await.unwrap().change, Change::Newer { skipped: 0 });
    // 1 + 2 + 4 s until the refusal is told, 8 + 16 s until it is over, 1 s as ever.
    assert_eq!((script.requests().len(), clock.elapsed()), (7, Duration::from_secs(32)));
}

#[tokio::test]
async fn a_cache_is_read_once_for_all() {
    let (server, reader) = with_text(STATE).await;
    let cache = reader.cache(Duration::from_secs(3600));
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let cache = cache.clone();
            tokio::spawn(async move { cache.get().await.unwrap().serial() })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), 3);
    }
    assert_eq!(server.requests().len(), 1);

    let cache = reader.cache(Duration::ZERO);
    cache.get().await.unwrap();
    cache.get().await.unwrap();
    server.put("b", "k", state(1, "other"));
    let error = cache.get().await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::LineageChanged { before, after } if before == "0a1b" && after == "other")
    );
    assert_eq!(cache.get().await.unwrap().lineage(), "other");
}
