//! The reader without async, and what it tells a subscriber.

use std::io::Write;
use std::sync::{Arc, Mutex};

use terrane_state::{ErrorKind, blocking};

use crate::mem_s3::MemS3;
use crate::setup::{STATE, arguments, builder, state_with};

#[test]
fn programs_without_async_read_too() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (server, address) = runtime.block_on(MemS3::start());
    server.put("b", "k", STATE);
    server.put("b", "env:/w/k", STATE);
    let reader = blocking::Reader::connect(builder(arguments(address))).unwrap();
    assert_eq!(reader.read().unwrap().output::<String>("a").unwrap(), "x");
    assert_eq!(reader.read_whole().unwrap().resources().len(), 0);
    assert_eq!(reader.workspaces().unwrap(), ["default", "w"]);
    assert_eq!(reader.locks().unwrap(), []);
    // Many threads share it.
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(reader.clone().read().unwrap().serial(), 3));
        }
    });
    server.delete("b", "k");
    assert!(matches!(reader.read().unwrap_err().kind(), ErrorKind::NotFound { .. }));

    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), STATE).unwrap();
    let state = blocking::read(file.path().to_str().unwrap()).unwrap();
    assert_eq!(state.output::<String>("a").unwrap(), "x");
}

/// Keeps what is written.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn spans_name_the_state_and_hold_no_value() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::DEBUG)
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::NEW)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let text = state_with(
        r#"{"a":{"value":"hunter2","type":"string","sensitive":true},"b":{"value":3,"type":"zzz"}}"#,
    );
    let text = text.replace("[]", &format!("[{}]", " ".repeat(100_000)));
    let (server, address) = MemS3::start().await;
    server.put("b", "k", text);
    let mut arguments = arguments(address);
    arguments.token = Some("topsecret-token".to_owned());
    arguments.secret_key = Some("test".to_owned());
    let reader = builder(arguments).connect().await.unwrap();
    reader.read().await.unwrap();
    reader.read_whole().await.unwrap();
    let said = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(said.contains("read_state{state=s3://b/k}"), "{said}");
    assert!(said.contains("read_whole_state{state=s3://b/k}"), "{said}");
    assert!(said.contains("outputs read early bytes=65536"), "{said}");
    let ours: String = said.lines().filter(|line| line.contains("terrane_state")).collect();
    assert!(!said.contains("hunter2") && !ours.contains("topsecret"), "{said}");
}
