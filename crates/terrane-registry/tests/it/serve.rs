//! A14, A16, A18, A20, and the server itself, without Terraform.

use std::io::{Read as _, Write as _};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use sha2::{Digest as _, Sha256};
use terrane_registry::{
    DirectoryStore, Error, ErrorKind, Expect, Limits, Object, Put, Registry, Server, Stat, Store, Tokens,
    parse_version,
};
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
    let (root, empty) = directory_with(&[]);
    std::fs::create_dir(root.path().join("registry")).unwrap();
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

/// Takes note of what is read of archives: whole, and in pieces.
#[derive(Debug)]
struct Watched {
    inner: DirectoryStore,
    n_whole: AtomicUsize,
    n_bytes: AtomicUsize,
    largest: AtomicUsize,
}

impl Store for Watched {
    fn get(&self, key: &str) -> Result<Option<Object>, Error> {
        if key.ends_with("module.tar.gz") {
            self.n_whole.fetch_add(1, Ordering::SeqCst);
        }
        self.inner.get(key)
    }

    fn check(&self) -> Result<(), Error> {
        self.inner.check()
    }

    fn stat(&self, key: &str) -> Result<Option<Stat>, Error> {
        self.inner.stat(key)
    }

    fn read(&self, key: &str, start: u64, length: usize) -> Result<Option<Vec<u8>>, Error> {
        let read = self.inner.read(key, start, length)?;
        let n = read.as_ref().map_or(0, Vec::len);
        self.n_bytes.fetch_add(n, Ordering::SeqCst);
        self.largest.fetch_max(n, Ordering::SeqCst);
        Ok(read)
    }

    fn put(&self, key: &str, bytes: &[u8], expect: Expect<'_>) -> Result<Put, Error> {
        self.inner.put(key, bytes, expect)
    }

    fn delete(&self, key: &str) -> Result<(), Error> {
        self.inner.delete(key)
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>, Error> {
        self.inner.list(prefix)
    }
}

const ARCHIVE: &str = "/v1/modules/acme/network/aws/1.0.0/module.tar.gz";

/// A registry whose archive has so many bytes.
fn with_archive(bytes: &[u8]) -> (tempfile::TempDir, Arc<Watched>) {
    let (root, _) = directory_with(&["1.0.0"]);
    std::fs::write(root.path().join("registry").join(&ARCHIVE[1..]), bytes).unwrap();
    let inner = DirectoryStore::new(root.path().join("registry"));
    let (n_whole, n_bytes, largest) = Default::default();
    (root, Arc::new(Watched { inner, n_whole, n_bytes, largest }))
}

/// Sends a request and leaves the answer unread.
fn ask(port: u16, head: &str) -> std::net::TcpStream {
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    write!(stream, "{head} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    stream
}

fn answer(mut stream: std::net::TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    // A connection that the server broke off may end with an error.
    let _ = stream.read_to_end(&mut bytes);
    bytes
}

/// E5: clients that take nothing hold neither an archive in memory nor a place for ever.
#[test]
fn clients_that_do_not_read_are_left() {
    let archive = vec![7; 32 << 20];
    let (_root, store) = with_archive(&archive);
    let limits = Limits { connections: 2, write_timeout: Duration::from_millis(300) };
    let server =
        Running::start(Arc::clone(&store) as Arc<dyn Store>, move |server| server.with_limits(limits));
    let idle: Vec<_> = (0..2).map(|_| ask(server.port, &format!("GET {ARCHIVE}"))).collect();
    // Both places are taken; the third client waits until the first are left.
    let healthy = answer(ask(server.port, "GET /healthz"));
    assert!(healthy.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&healthy));
    assert_eq!(store.n_whole.load(Ordering::SeqCst), 0, "no archive was read as a whole");
    assert!(store.largest.load(Ordering::SeqCst) <= 64 << 10);
    assert!(store.n_bytes.load(Ordering::SeqCst) < 2 * archive.len(), "what nobody takes is not read");
    // One of the two was left; the other may have begun later, and would be served on if it read now.
    std::thread::sleep(limits.write_timeout * 5);
    for stream in idle {
        assert!(answer(stream).len() < archive.len(), "the server has broken off");
    }
    // Whoever reads gets all of it.
    let whole = answer(ask(server.port, &format!("GET {ARCHIVE}")));
    assert!(whole.ends_with(&archive[..1 << 20]) && whole.len() > archive.len());
}

#[test]
fn archives_have_a_length_a_tag_and_ranges() {
    let (root, _) = directory_with(&["1.0.0"]);
    let inner = DirectoryStore::new(root.path().join("registry"));
    let (n_whole, n_bytes, largest) = Default::default();
    let store = Arc::new(Watched { inner, n_whole, n_bytes, largest });
    let bytes = store.inner.get(&ARCHIVE[1..]).unwrap().unwrap().bytes;
    let server = Running::start(Arc::clone(&store) as Arc<dyn Store>, |server| server);
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let url = format!("http://127.0.0.1:{}{ARCHIVE}", server.port);
    let header = |response: &ureq::http::Response<ureq::Body>, name: &str| {
        response.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    };

    let head = agent.head(&url).call().unwrap();
    assert_eq!(header(&head, "Content-Length"), bytes.len().to_string());
    assert_eq!(header(&head, "Accept-Ranges"), "bytes");
    let tag = header(&head, "ETag");
    let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(tag, format!("\"{digest}\""));
    assert_eq!((store.n_whole.load(Ordering::SeqCst), store.n_bytes.load(Ordering::SeqCst)), (0, 0));

    let same = agent.get(&url).header("If-None-Match", &tag).call().unwrap();
    assert_eq!((same.status().as_u16(), store.n_bytes.load(Ordering::SeqCst)), (304, 0));
    let get = |name: &str, value: &str, range: &str| {
        let mut response = agent.get(&url).header(name, value).header("Range", range).call().unwrap();
        let body = response.body_mut().read_to_vec().unwrap();
        (response.status().as_u16(), header(&response, "Content-Range"), body)
    };
    let size = bytes.len();
    let part = get("If-Range", &tag, "bytes=2-5");
    assert_eq!(part, (206, format!("bytes 2-5/{size}"), bytes[2..6].to_vec()));
    assert_eq!(
        get("X", "x", "bytes=-3"),
        (206, format!("bytes {}-{}/{size}", size - 3, size - 1), bytes[size - 3..].to_vec())
    );
    assert_eq!(get("If-Range", "\"other\"", "bytes=2-5").0, 200);
    let (status, range, _) = get("X", "x", "bytes=9999999-");
    assert_eq!((status, range), (416, format!("bytes */{size}")));
    // The other answers have tags as well.
    let url = format!("http://127.0.0.1:{}{NETWORK}/versions", server.port);
    let first = agent.get(&url).call().unwrap();
    let again = agent.get(&url).header("If-None-Match", header(&first, "ETag")).call().unwrap();
    assert_eq!(again.status().as_u16(), 304);
}

/// E6: a store that is gone is not an empty one.
#[test]
fn a_store_that_vanished_is_no_empty_registry() {
    let (root, store) = directory_with(&["1.0.0"]);
    let server = Running::start(store, |server| server);
    assert_eq!(server.get("/healthz", None).0, 200);
    std::fs::rename(root.path().join("registry"), root.path().join("elsewhere")).unwrap();
    for path in ["/healthz", "/", "/index.json", &format!("{NETWORK}/versions"), ARCHIVE] {
        assert_eq!(server.get(path, None).0, 503, "{path}");
    }
    std::fs::rename(root.path().join("elsewhere"), root.path().join("registry")).unwrap();
    assert_eq!(server.get("/healthz", None).0, 200);
}

/// E7: what a link leads to is none of the registry's, to read or to write.
#[test]
#[cfg(unix)]
fn links_in_a_store_are_refused() {
    use std::os::unix::fs::symlink;
    let (root, store) = directory_with(&["1.0.0"]);
    let secret = root.path().join("secret");
    std::fs::write(&secret, "secret").unwrap();
    let file = |path: &str| root.path().join("registry").join(path);
    let page = "v1/modules/acme/network/aws/1.0.0/index.html";
    std::fs::remove_file(file(page)).unwrap();
    symlink(&secret, file(page)).unwrap();
    std::fs::create_dir(root.path().join("outside")).unwrap();
    symlink(root.path().join("outside"), file("v1/modules/acme/other")).unwrap();
    for key in [page, "v1/modules/acme/other/aws/versions"] {
        assert_eq!(store.get(key).unwrap_err().kind(), ErrorKind::Damaged, "{key}");
        assert_eq!(store.stat(key).unwrap_err().kind(), ErrorKind::Damaged, "{key}");
        assert_eq!(store.put(key, b"x", Expect::Absent).unwrap_err().kind(), ErrorKind::Damaged, "{key}");
    }
    assert_eq!(std::fs::read(&secret).unwrap(), b"secret");
    assert!(std::fs::read_dir(root.path().join("outside")).unwrap().next().is_none());
    // One at the place of unfinished writes would be written through.
    let _ = std::fs::remove_file(file(".terrane/unfinished"));
    symlink(&secret, file(".terrane/unfinished")).unwrap();
    assert!(store.put("v1/modules/acme/new/aws/versions", b"x", Expect::Absent).is_err());
    assert_eq!(std::fs::read(&secret).unwrap(), b"secret");
    let faults = Registry::open(store.as_ref()).unwrap().fsck().unwrap();
    assert!(
        faults.iter().any(|fault| fault.key == page && fault.message.contains("is a link")),
        "{faults:?}"
    );
    let server = Running::start(store, |server| server);
    let (status, _, body) = server.get(&format!("/{page}"), None);
    assert!(status == 500 && !body.contains("secret"), "{status} {body}");
}

/// E8: clients would take a damaged version list for an empty one.
#[test]
fn a_damaged_version_list_is_an_error() {
    let (root, store) = directory_with(&["1.0.0"]);
    let server = Running::start(store, |server| server);
    let path = root.path().join("registry/v1/modules/acme/network/aws/versions");
    for text in [
        "",
        "{",
        "{}",
        "[]",
        "{\"modules\":[]}",
        "{\"modules\":[{}]}",
        "{\"modules\":[{\"versions\":[{\"version\":1}]}]}",
    ] {
        std::fs::write(&path, text).unwrap();
        let (status, _, body) = server.get(&format!("{NETWORK}/versions"), None);
        assert_eq!(status, 500, "{text}");
        assert!(body.contains("the version list is damaged") && body.contains("fsck"), "{body}");
        assert_eq!(server.get(&format!("{NETWORK}/1.0.0/download"), None).0, 500, "{text}");
    }
}

#[test]
fn answers_say_what_a_browser_may_do_with_them() {
    let (_root, store) = directory_with(&["1.0.0"]);
    let server = Running::start(store, |server| server);
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let get = |path: &str, accept: &str| {
        let url = format!("http://127.0.0.1:{}{path}", server.port);
        agent.get(url).header("Accept", accept).call().unwrap()
    };
    for path in ["/", &format!("{NETWORK}/versions"), ARCHIVE, "/nothing", "/index.json"] {
        assert_eq!(get(path, "*/*").headers()["X-Content-Type-Options"], "nosniff", "{path}");
    }
    for (path, status) in [("/", 200), ("/nothing", 404)] {
        let response = get(path, "text/html,*/*");
        assert_eq!(response.status().as_u16(), status);
        let policy = response.headers()["Content-Security-Policy"].to_str().unwrap().to_owned();
        for part in ["default-src 'none'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"]
        {
            assert!(policy.contains(part), "{policy}");
        }
        assert_eq!(response.headers()["Content-Type"], "text/html; charset=utf-8", "{path}");
    }
    // Programs get what they can read.
    assert_eq!(get("/nothing", "application/json").headers()["Content-Type"], "application/json");
    let (_, _, list) = server.get("/index.json", None);
    let list: serde_json::Value = serde_json::from_str(&list).unwrap();
    assert_eq!(list, serde_json::json!({"modules": ["acme/network/aws"]}));
}
