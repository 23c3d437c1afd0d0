//! A14, A16, A18, A20, and the server itself, without Terraform.

use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use sha2::{Digest as _, Sha256};
use terrane_registry::{DirectoryStore, Expect, Registry, Server, Store, Tokens, parse_version};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::common::{network, publish, variant};

/// A server on a port of its own, until it is dropped.
pub(crate) struct Running {
    pub(crate) port: u16,
    pub(crate) log: Arc<Mutex<Vec<String>>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Running {
    pub(crate) fn start(store: Arc<dyn Store>, configure: impl FnOnce(Server) -> Server) -> Running {
        let log: Arc<Mutex<Vec<String>>> = Arc::default();
        let sink = Arc::clone(&log);
        let server =
            configure(Server::new(store, Arc::new(move |line| sink.lock().unwrap().push(line.to_owned()))));
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            runtime.block_on(server.run(listener, async { drop(stopped.await) })).unwrap();
        });
        Running { port, log, stop: Some(stop), thread: Some(thread) }
    }

    pub(crate) fn get(&self, path: &str, token: Option<&str>) -> (u16, Option<String>, String) {
        let (status, header, body) = self.bytes(path, token);
        (status, header, String::from_utf8_lossy(&body).into_owned())
    }

    pub(crate) fn bytes(&self, path: &str, token: Option<&str>) -> (u16, Option<String>, Vec<u8>) {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut request = agent.get(format!("http://127.0.0.1:{}{path}", self.port));
        if let Some(token) = token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let mut response = request.call().unwrap();
        let header =
            response.headers().get("X-Terraform-Get").map(|value| value.to_str().unwrap().to_owned());
        let body = response.body_mut().read_to_vec().unwrap();
        (response.status().as_u16(), header, body)
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

pub(crate) fn directory_with(versions: &[&str]) -> (tempfile::TempDir, Arc<dyn Store>) {
    let root = tempfile::tempdir().unwrap();
    let store = DirectoryStore::new(root.path().join("registry"));
    for (n, version) in versions.iter().enumerate() {
        publish(&store, &network(), version, &variant(n)).unwrap();
    }
    (root, Arc::new(store))
}

const NETWORK: &str = "/v1/modules/acme/network/aws";

#[test]
fn a14_paths_of_clients_reach_no_file() {
    let (root, store) = directory_with(&["1.0.0"]);
    std::fs::write(root.path().join("secret"), "secret").unwrap();
    let server = Running::start(store, |server| server);
    let long = "x".repeat(65);
    for path in [
        "/v1/modules/..%2f..%2fetc/x/aws/versions",
        "/v1/modules/../../secret",
        "/v1/modules/acme/network/aws/../../../../../secret",
        "/v1/modules/acme/network/aws/1.0.0/..%2f..%2fversions",
        "/v1/modules/acme/network%00/aws/versions",
        "/v1/modules//network/aws/versions",
        "/v1/modules/acme//network/aws/versions",
        "/v1/modules/Acme/network/aws/versions",
        "/v1/modules/acme/network/AWS/versions",
        "/v1/modules/acme/network/aws/v1.0.0/download",
        "/v1/modules/acme/network/aws/1.0.0/manifest.json.tmp",
        "/registry.toml",
        "/.terrane/lock",
        "//",
        &format!("/v1/modules/{long}/network/aws/versions"),
        &format!("/v1/modules/acme/network/{long}/versions"),
    ] {
        let (status, _, body) = server.get(path, None);
        assert!(matches!(status, 400 | 404), "{path}: {status}");
        assert!(!body.contains("secret"), "{path}");
    }
    assert_eq!(server.get(&format!("{NETWORK}/versions"), None).0, 200);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// A key that a path could be made of never leaves the root.
    #[test]
    fn a14_a_directory_store_never_leaves_its_root(parts in proptest::collection::vec("(\\.\\.|\\.|[a-z%/\\\\\0]{0,4}|/etc|a|b)", 0..6), up in "(\\.\\./){0,3}") {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("secret"), "secret").unwrap();
        // What does not exist leads nowhere.
        std::fs::create_dir_all(root.path().join("a/b/a/b")).unwrap();
        let store = DirectoryStore::new(root.path().join("a/b"));
        for key in [format!("{}/{up}secret", parts.join("/")), format!("{up}secret"), parts.join("/")] {
            if let Ok(Some(object)) = store.get(&key) {
                prop_assert!(object.bytes != b"secret", "{key:?}");
            }
        }
        let refused = store.put(&format!("{up}../secret"), b"other", Expect::Absent);
        prop_assert!(refused.is_err(), "{refused:?}");
        prop_assert_eq!(std::fs::read(root.path().join("secret")).unwrap(), b"secret");
    }
}

#[test]
fn a16_what_is_unknown_is_not_found() {
    let (_root, store) = directory_with(&["1.0.0"]);
    let server = Running::start(store, |server| server);
    for path in ["/v1/modules/acme/other/aws/versions", "/v1/modules/acme/network/aws/9.0.0/download"] {
        assert_eq!(server.get(path, None).0, 404, "{path}");
    }
    let (_root, empty) = directory_with(&[]);
    let server = Running::start(empty, |server| server);
    assert_eq!(server.get(&format!("{NETWORK}/versions"), None).0, 404);
    assert_eq!(server.get("/healthz", None).0, 200);
}

/// How OpenTofu from 1.6 reads a `download` answer: a body wins over the header, and has to be JSON.
fn opentofu_location(status: u16, header: Option<&str>, body: &str) -> Result<String, String> {
    if status == 204 {
        return header.map(str::to_owned).ok_or_else(|| "no header".to_owned());
    }
    let value: serde_json::Value = serde_json::from_str(body).map_err(|error| error.to_string())?;
    match value.get("use_registry_credentials") {
        None | Some(serde_json::Value::Bool(_)) => {}
        Some(other) => return Err(format!("{other} is no boolean")),
    }
    let location = value["location"].as_str().map(str::to_owned);
    location.or_else(|| header.map(str::to_owned)).ok_or_else(|| "no location".to_owned())
}

#[test]
fn a18_the_download_answer_suits_both_clients() {
    let (_root, store) = directory_with(&["1.0.0"]);
    let version = parse_version("1.0.0").unwrap();
    let manifest = Registry::open(store.as_ref()).unwrap().manifest(&network(), &version).unwrap().unwrap();
    let server = Running::start(Arc::clone(&store), |server| server);
    let (status, header, body) = server.get(&format!("{NETWORK}/1.0.0/download"), None);
    let expected = format!("./module.tar.gz?checksum=sha256:{}", manifest.sha256);
    assert_eq!((status, header.as_deref()), (200, Some(expected.as_str())));
    assert_eq!(opentofu_location(status, header.as_deref(), &body), Ok(expected.clone()));

    // The object for static hosting says the same to OpenTofu; Terraform follows the constant header to `get`.
    let object = |file: &str| {
        let key = format!("v1/modules/acme/network/aws/1.0.0/{file}");
        String::from_utf8(store.get(&key).unwrap().unwrap().bytes).unwrap()
    };
    assert_eq!(opentofu_location(200, Some("./get"), &object("download")), Ok(expected));
    let page = format!(
        "https://modules.example.test/v1/modules/acme/network/aws/1.0.0/module.tar.gz?checksum=sha256:{}",
        manifest.sha256
    );
    assert!(object("get").contains(&format!("<meta name=\"terraform-get\" content=\"{page}\">")));

    assert!(opentofu_location(200, Some("x"), "").is_err(), "the emulator is as strict as the client");
    assert!(opentofu_location(200, None, r#"{"location":"x","use_registry_credentials":null}"#).is_err());
}

/// A11: OpenTofu follows the location in the body, and checks its digest.
#[test]
fn a11_a_client_that_reads_the_body_refuses_a_changed_archive() {
    let (root, store) = directory_with(&["1.0.0"]);
    let server = Running::start(store, |server| server);
    let install = || {
        let (status, header, body) = server.get(&format!("{NETWORK}/1.0.0/download"), None);
        let location = opentofu_location(status, header.as_deref(), &body).unwrap();
        let (file, checksum) = location.split_once("?checksum=sha256:").unwrap();
        let (_, _, archive) =
            server.bytes(&format!("{NETWORK}/1.0.0/{}", file.trim_start_matches("./")), None);
        let found: String = Sha256::digest(&archive).iter().map(|byte| format!("{byte:02x}")).collect();
        if found == checksum { Ok(()) } else { Err(found) }
    };
    assert_eq!(install(), Ok(()));
    let archive = root.path().join("registry/v1/modules/acme/network/aws/1.0.0/module.tar.gz");
    let mut bytes = std::fs::read(&archive).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&archive, bytes).unwrap();
    assert!(install().is_err());
}

#[test]
fn a20_a_private_server_asks_for_a_token_and_keeps_it_to_itself() {
    let (_root, store) = directory_with(&["1.0.0"]);
    let token = "a-long-enough-token";
    let tokens = Tokens::parse(&format!("acme {token}\nother another-long-token\n")).unwrap();
    let server = Running::start(store, |server| server.with_tokens(tokens));
    for path in ["versions", "1.0.0/download", "1.0.0/module.tar.gz"] {
        let path = format!("{NETWORK}/{path}");
        assert_eq!(server.get(&path, None).0, 401, "{path}");
        assert_eq!(server.get(&path, Some("wrong-token-wrong")).0, 401, "{path}");
        assert_eq!(server.get(&path, Some("another-long-token")).0, 401, "{path}");
        assert_eq!(server.get(&path, Some(token)).0, 200, "{path}");
    }
    // Clients send no token for the archive, so the location carries a signature.
    let (_, location, _) = server.get(&format!("{NETWORK}/1.0.0/download"), Some(token));
    let location = location.unwrap();
    let query = location.split_once('?').unwrap().1;
    assert_eq!(server.get(&format!("{NETWORK}/1.0.0/module.tar.gz?{query}"), None).0, 200);
    assert_eq!(server.get(&format!("{NETWORK}/1.0.1/module.tar.gz?{query}"), None).0, 401);
    let log = server.lines().join("\n");
    assert!(log.contains("GET /v1/modules/acme/network/aws/versions 401"), "{log}");
    assert!(!log.contains(token) && !log.contains("signature"), "{log}");
    assert_eq!(server.get("/healthz", None).0, 200);
}

#[test]
fn metrics_count_answers_by_route_and_status() {
    let (_root, store) = directory_with(&["1.0.0"]);
    let server = Running::start(store, |server| server);
    for _ in 0..3 {
        server.get(&format!("{NETWORK}/versions"), None);
    }
    server.get("/nothing", None);
    let (_, _, metrics) = server.get("/metrics", None);
    assert!(metrics.contains("requests_total{route=\"versions\",status=\"200\"} 3"), "{metrics}");
    assert!(metrics.contains("requests_total{route=\"other\",status=\"404\"} 1"), "{metrics}");
}
