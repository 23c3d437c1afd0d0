//! What most tests begin with: bucket `b`, key `k`, and a state whose output `a` is `"x"`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use terrane_state::{Clock, Environment, Error, Reader, ReaderBuilder, S3Arguments, State};

use crate::mem_s3::MemS3;

/// The base state of the conformance cases.
pub(crate) const STATE: &str = r#"{
  "version": 4,
  "terraform_version": "1.11.4",
  "serial": 3,
  "lineage": "0a1b",
  "outputs": {
    "a": {
      "value": "x",
      "type": "string"
    }
  },
  "resources": [],
  "check_results": null
}
"#;

/// Returns how many cases a test tries: more of them where `TERRANE_LONG` is set.
pub(crate) fn cases(short: u32, long: u32) -> u32 {
    if std::env::var_os("TERRANE_LONG").is_some_and(|value| value != "0") { long } else { short }
}

/// Arguments for a server at an address.
pub(crate) fn arguments(address: SocketAddr) -> S3Arguments {
    let mut arguments = S3Arguments::new("b", "k");
    arguments.region = Some("us-east-1".to_owned());
    arguments.access_key = Some("test".to_owned());
    arguments.secret_key = Some("test".to_owned());
    arguments.endpoint = Some(format!("http://{address}"));
    arguments.use_path_style = Some(true);
    arguments
}

/// A builder that knows no environment and does not wait long.
pub(crate) fn builder(arguments: S3Arguments) -> ReaderBuilder {
    Reader::builder(arguments).environment(Environment::empty()).first_backoff(Duration::from_millis(1))
}

/// A server whose `k` holds a text, and a reader of it.
pub(crate) async fn with_text(text: impl AsRef<[u8]>) -> (MemS3, Reader) {
    let (server, address) = MemS3::start().await;
    server.put("b", "k", text);
    (server, builder(arguments(address)).connect().await.unwrap())
}

/// A state of format 4 with the given outputs.
pub(crate) fn state_with(outputs: &str) -> String {
    format!(
        r#"{{"version":4,"terraform_version":"1.11.4","serial":1,"lineage":"l","outputs":{outputs},"resources":[]}}"#
    )
}

/// Parses a state with one output `a`.
pub(crate) fn parse_output(value: &str, ty: &str) -> Result<State, Error> {
    let state = State::parse(state_with(&format!(r#"{{"a":{{"value":{value},"type":{ty}}}}}"#)).as_bytes())?;
    state.get("a")?;
    Ok(state)
}

/// A clock whose time passes only while someone sleeps.
#[derive(Debug, Default)]
pub(crate) struct TestClock(AtomicU64);

impl TestClock {
    pub(crate) fn new() -> Arc<TestClock> {
        Arc::default()
    }

    pub(crate) fn elapsed(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Relaxed))
    }
}

impl Clock for TestClock {
    fn now(&self) -> Duration {
        self.elapsed()
    }

    fn sleep(&self, duration: Duration) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
        self.0.fetch_add(duration.as_millis() as u64, Ordering::Relaxed);
        Box::pin(tokio::task::yield_now())
    }
}
