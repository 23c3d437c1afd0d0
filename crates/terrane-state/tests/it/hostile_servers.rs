//! Servers that do not keep their word: no ETag, versions that change under one ETag, parts that nobody asked for,
//! bodies without end, and silence. None is read as a torn state, asked for ever, or waited for without bound.

use std::time::{Duration, Instant};

use terrane_state::{Error, ErrorKind, Reader};

use crate::script::{Reply, Request, Script};
use crate::setup::{STATE, arguments, builder, state_with};

/// A state whose outputs end after the first part, all of which say the same.
fn large(mark: &str) -> Vec<u8> {
    let mark = format!("{mark:->64}");
    let outputs: Vec<String> =
        (0..2000).map(|idx| format!(r#""o{idx}":{{"value":"{mark}","type":"string"}}"#)).collect();
    state_with(&format!("{{{}}}", outputs.join(","))).into_bytes()
}

/// Returns the first and the last byte that a request asks for.
fn range(request: &Request) -> Option<(usize, usize)> {
    let (first, last) = request.header("range")?.strip_prefix("bytes=")?.split_once('-')?;
    Some((first.parse().ok()?, last.parse().ok()?))
}

/// Answers as S3 does, with these headers.
fn answer(request: &Request, body: &[u8], headers: &[(&'static str, &str)]) -> Reply {
    let mut headers: Vec<(&'static str, String)> =
        headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    match range(request) {
        None => Reply::Full { status: 200, headers, body: body.to_vec() },
        Some((first, last)) => {
            let last = last.min(body.len() - 1);
            headers.push(("content-range", format!("bytes {first}-{last}/{}", body.len())));
            Reply::Full { status: 206, headers, body: body[first..=last].to_vec() }
        }
    }
}

async fn reader(script: &Script) -> Reader {
    builder(arguments(script.address)).connect().await.unwrap()
}

/// Reads the outputs at each depth and with the resources, and returns what each says.
async fn at_all_depths(script: &Script) -> Vec<Result<(), Error>> {
    let strict = builder(arguments(script.address)).strict().connect().await.unwrap();
    let lazy = reader(script).await;
    vec![lazy.read().await.map(drop), strict.read().await.map(drop), lazy.read_whole().await.map(drop)]
}

#[tokio::test]
async fn without_an_etag_the_object_is_read_in_one_part() {
    // Each answer is of another version, as if the object were replaced all the time.
    let script = Script::start(|count, request| answer(request, &large(&format!("v{count}")), &[])).await;
    let state = reader(&script).await.read().await.unwrap();
    let values: std::collections::BTreeSet<String> =
        state.iter().map(|(name, _)| state.output::<String>(name).unwrap()).collect();
    assert_eq!(values.len(), 1, "a mixture of {values:?}");
    let requests = script.requests();
    assert_eq!(requests.iter().map(range).collect::<Vec<_>>(), [Some((0, 65_535)), None]);
    assert!(at_all_depths(&script).await.iter().all(Result::is_ok));
}

#[tokio::test]
async fn one_etag_with_two_version_ids_is_two_versions() {
    let changing = |count: usize| if count < 3 { format!("v{count}") } else { "v3".to_owned() };
    let script = Script::start(move |count, request| {
        let version = changing(count);
        answer(request, &large(&version), &[("etag", "\"e\""), ("x-amz-version-id", &version)])
    })
    .await;
    let state = reader(&script).await.read().await.unwrap();
    assert_eq!(
        (state.version_id(), state.output::<String>("o0").unwrap().trim_start_matches('-')),
        (Some("v3"), "v3")
    );
    assert_eq!(state.output::<String>("o1999").unwrap().trim_start_matches('-'), "v3");
    let script = Script::start(move |count, request| {
        answer(request, &large("v"), &[("etag", "\"e\""), ("x-amz-version-id", &format!("v{count}"))])
    })
    .await;
    let error = reader(&script).await.read().await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::KeepsChanging { attempts: 4 });
}

/// Serves the first part as it should be, and all others with these headers and this body.
async fn after_the_first_part(
    headers: &'static [(&'static str, &'static str)],
    body: &'static [u8],
    status: u16,
) -> Script {
    Script::start(move |_, request| match range(request) {
        Some((1.., _)) => {
            let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned()));
            Reply::Full { status, headers: headers.collect(), body: body.to_vec() }
        }
        _ => answer(request, &large("v"), &[("etag", "\"e\"")]),
    })
    .await
}

#[tokio::test]
async fn an_answer_that_brings_nothing_is_an_error_after_four_attempts() {
    static HEADERS: &[(&str, &str)] = &[("etag", "\"e\""), ("content-range", "bytes 65536-192112/192113")];
    let total = large("v").len();
    let range = format!("bytes 65536-{}/{total}", total - 1);
    let headers: &'static [(&str, &str)] =
        Box::leak(Box::new([HEADERS[0], ("content-range", &*Box::leak(range.into_boxed_str()))]));
    let script = after_the_first_part(headers, b"", 206).await;
    let error = reader(&script).await.read().await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::IncompleteBody { attempts: 4 });
    assert_eq!(script.requests().len(), 1 + 4);
}

#[tokio::test]
async fn parts_that_nobody_asked_for_are_an_error_after_four_attempts() {
    for (range, body) in [
        ("bytes 0-65535/192113", &[b'x'; 65_536][..]),
        ("bytes 65537-65546/65547", b"0123456789"),
        ("bytes 65536-65545/10", b"0123456789"),
        ("bytes 65536-65545/*", b"0123456789"),
        ("odd", b"0123456789"),
    ] {
        let headers: &'static [(&str, &str)] =
            Box::leak(Box::new([("etag", "\"e\""), ("content-range", range)]));
        let script = after_the_first_part(headers, body, 206).await;
        let error = reader(&script).await.read().await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::UnexpectedBytes { attempts: 4 }, "{range}");
        assert_eq!(script.requests().len(), 1 + 4, "{range}");
    }
    // The whole in place of the second part.
    let script = after_the_first_part(&[("etag", "\"e\"")], &[b'x'; 300_000], 200).await;
    let error = reader(&script).await.read().await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::UnexpectedBytes { attempts: 4 });
}

#[tokio::test]
async fn a_part_is_never_read_beyond_what_was_asked_for() {
    let endless = |_: usize, _: &Request| Reply::Endless {
        status: 206,
        headers: vec![("etag", "\"e\"".to_owned()), ("content-range", "bytes 0-65535/100000".to_owned())],
    };
    let script = Script::start(endless).await;
    let error = reader(&script).await.read().await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::UnexpectedBytes { attempts: 4 });
    assert!(script.sent() < 64 * 1024 * 1024, "{} bytes were taken", script.sent());
}

#[tokio::test]
async fn a_body_without_end_is_refused_at_the_limit() {
    let endless =
        |_: usize, _: &Request| Reply::Endless { status: 200, headers: vec![("etag", "\"e\"".to_owned())] };
    let script = Script::start(endless).await;
    let limit = 4 * 1024 * 1024;
    let connect = |strict: bool| {
        let builder = builder(arguments(script.address)).max_bytes(limit);
        if strict { builder.strict() } else { builder }.connect()
    };
    let (lazy, strict) = (connect(false).await.unwrap(), connect(true).await.unwrap());
    for error in [
        lazy.read().await.unwrap_err(),
        strict.read().await.unwrap_err(),
        lazy.read_whole().await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), &ErrorKind::TooLarge { limit });
        assert!(error.to_string().contains("--max-bytes"), "{error}");
    }
    // One that says how long it is need not be begun.
    let script = Script::start(|_, request| answer(request, &large("v"), &[("etag", "\"e\"")])).await;
    let small = builder(arguments(script.address)).max_bytes(1000).connect().await.unwrap();
    assert_eq!(small.read_whole().await.unwrap_err().kind(), &ErrorKind::TooLarge { limit: 1000 });
}

#[tokio::test]
async fn silence_and_trickle_end_at_the_deadline() {
    let silent = Script::start(|_, _| Reply::Silence).await;
    let slow = Script::start(|_, _| Reply::Trickle {
        body: STATE.as_bytes().to_vec(),
        step: 1,
        pause: Duration::from_millis(100),
    })
    .await;
    let after = Duration::from_millis(500);
    for script in [&silent, &slow] {
        let reader = builder(arguments(script.address)).timeout(after).connect().await.unwrap();
        let start = Instant::now();
        let error = reader.read().await.unwrap_err();
        assert_eq!((error.kind(), error.is_transient()), (&ErrorKind::Timeout { after }, true));
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
        assert_eq!(reader.locks().await.unwrap_err().kind(), &ErrorKind::Timeout { after });
    }
}

#[tokio::test]
async fn a_list_of_workspaces_that_leads_to_itself_ends() {
    let page = "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>\
                <Contents><Key>env:/w/k</Key></Contents></ListBucketResult>";
    let script = Script::start(move |_, _| Reply::Full {
        status: 200,
        headers: vec![("content-type", "application/xml".to_owned())],
        body: page.as_bytes().to_vec(),
    })
    .await;
    assert_eq!(reader(&script).await.workspaces().await.unwrap(), ["default", "w"]);
    assert_eq!(script.requests().len(), 2);
}

#[tokio::test]
async fn what_cannot_be_reached_is_named_with_its_endpoint_and_cause() {
    // Nobody listens on a port that was just given back.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = builder(arguments(address)).connect().await.unwrap().read().await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Connection);
    let shown = format!("{error:?}");
    assert!(shown.starts_with("s3://b/k: the service could not be reached"), "{shown}");
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains(&format!("http://{address}")), "{cause}");
    assert!(cause.to_lowercase().contains("connect"), "{cause}");
    assert!(shown.contains(&cause), "{shown}");
    assert!(!shown.contains("Error {"), "{shown}");
}
