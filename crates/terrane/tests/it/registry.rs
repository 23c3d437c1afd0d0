//! `terrane diff` and `terrane registry`, over a directory and over S3.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output};

use crate::serving::on_s3;

const ONE: &str = "variable \"a\" {\n  default = 1\n}\n";
const TWO: &str = "variable \"a\" {\n  default = 1\n}\nvariable \"b\" {\n  default = 1\n}\n";

/// A public key that has signed nothing.
const KEY: &str = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE7qB2eP2PpSusKFZdSLhAWdb73DQh5v6rN3MtIoWTd8ObNAcPSlBriFHg15c7DOyBNPRLT9UkBgltkuBiHtaicQ==\n-----END PUBLIC KEY-----\n";

fn terrane(arguments: &[&str], port: u16) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_terrane"));
    on_s3(&mut command, port).args(arguments).output().expect("the program was built")
}

#[track_caller]
pub(crate) fn check(arguments: &[&str], port: u16, code: i32) -> String {
    let output = terrane(arguments, port);
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{text}");
    text
}

fn module(root: &Path, name: &str, main: &str) -> String {
    let directory = root.join(name);
    fs::create_dir_all(&directory).expect("writable");
    fs::write(directory.join("main.tf"), main).expect("writable");
    directory.display().to_string()
}

#[test]
fn diff_says_what_changed_and_its_exit_code_what_is_too_much() {
    let root = tempfile::tempdir().unwrap();
    let (one, two) = (module(root.path(), "one", ONE), module(root.path(), "two", TWO));
    assert!(check(&["diff", &one, &two, "--at-most", "minor"], 0, 0).contains("minor V02 var.b"));
    assert!(check(&["diff", &two, &one, "--at-most", "minor"], 0, 1).contains("major V03 var.b"));
    let json: serde_json::Value =
        serde_json::from_str(&check(&["diff", &two, &one, "--json"], 0, 0)).unwrap();
    assert_eq!((&json["required_bump"], &json["findings"][0]["rule"]), (&"major".into(), &"V03".into()));
    check(&["diff", &one], 0, 2);
    check(&["diff", &one, "/nonexistent.json"], 0, 4);
}

/// Each wrong argument is named with what was found, and all of them at once.
#[test]
fn wrong_arguments_are_all_named() {
    let root = tempfile::tempdir().unwrap();
    let path = |name: &str| root.path().join(name).display().to_string();
    let one = module(root.path(), "one", ONE);
    let (store, file, name) = (path("registry"), path("one/main.tf"), "acme/network/aws");
    let to_store = ["registry", "publish", &one, "--to", &store, "--module", name, "--version", "1.0.0"];
    check(&[&to_store[..], &["--host", "modules.example.test"]].concat(), 0, 0);
    #[track_caller]
    fn refuse(arguments: &[&str], code: i32, expected: &[&str]) {
        let text = check(arguments, 0, code);
        for expected in expected {
            assert!(text.contains(expected), "{expected}: {text}");
        }
        assert_eq!(text.matches("error: ").count(), expected.len(), "{text}");
    }
    refuse(
        &["registry", "publish", &path("none"), "--to", "s3:/x", "--module", "Acme/k/aws", "--version", "v1"]
            .iter()
            .copied()
            .chain(["--host", "localhost", "--allow", &path("allow.toml")])
            .collect::<Vec<_>>(),
        1,
        &["\"Acme\"", "\"v1\"", "\"localhost\"", "`s3:/x`", "/none`", "/allow.toml`"],
    );
    let (missing, hint) = (format!("`{}`: no registry here", path("empty")), "--host HOST");
    for arguments in [&["list"][..], &["fsck"], &["export", "--format", "oci", "--to", "x"]] {
        let text = check(&[&["registry"], arguments, &[&path("empty")]].concat(), 0, 1);
        assert!(text.contains(&missing) && text.contains(hint), "{arguments:?}: {text}");
    }
    refuse(&["registry", "list", &file], 1, &["main.tf` is a file"]);
    refuse(&["registry", "list", ""], 1, &["`` is neither"]);
    refuse(&["registry", "list", &store, "acme/other/aws"], 1, &["acme/other/aws has no versions in"]);
    refuse(&["registry", "yank", &file, "network", "1"], 1, &["is a file", "\"network\"", "\"1\""]);
    refuse(&["registry", "fsck", &store, "--abandon", "acme/network/aws@3.0.0"], 1, &["is not claimed"]);
    refuse(
        &["registry", "verify", &store, "network", "1.0", "--key", &file],
        1,
        &["\"network\"", "\"1.0\"", "main.tf`: no public key in PEM"],
    );
    refuse(
        &["registry", "export", &store, "--format", "tar", "--to", "x", "--module", "network"],
        1,
        &["\"tar\"", "\"network\""],
    );
    refuse(&["registry", "serve", &store, "--tokens", &file], 1, &["main.tf`: line 1"]);
    refuse(
        &["registry", "serve", &store, "--tls-cert", &file, "--tls-key", &file],
        1,
        &["no certificate in PEM"],
    );
    refuse(&["diff", &path("none"), &path("nothing")], 4, &["/none`", "/nothing`"]);
    fs::write(root.path().join("cut.json"), "{").unwrap();
    refuse(&["diff", &path("cut.json"), &file], 1, &["cut.json`: EOF", "main.tf`: the archive is damaged"]);
}

/// `terrane … | head`: whoever reads has gone.
#[test]
fn output_that_nobody_takes_is_no_panic() {
    let root = tempfile::tempdir().unwrap();
    let (one, two) = (module(root.path(), "one", ONE), module(root.path(), "two", TWO));
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = Command::new(env!("CARGO_BIN_EXE_terrane"));
    let output = command.args(["diff", &one, &two]).stdout(writer).output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr)), (Some(4), "".into()));
}

/// A package or a directory need not be named like the module whose contract lies in it.
#[test]
fn diff_takes_packages_and_directories_of_any_name() {
    let root = tempfile::tempdir().unwrap();
    let module = terrane_xtask::Workspace::find().unwrap().modules().join("kubernetes-network");
    let package = terrane_registry::Package::from_directory(&module).unwrap();
    let archive = root.path().join("old.tar.gz");
    fs::write(&archive, package.tar_gz().unwrap()).unwrap();
    let copy = root.path().join("copy");
    for (path, bytes) in package.files() {
        fs::create_dir_all(copy.join(path).parent().unwrap()).unwrap();
        fs::write(copy.join(path), bytes).unwrap();
    }
    let [module, archive, copy] = [&module, &archive, &copy].map(|path| path.display().to_string());
    for (old, new) in [(&archive, &module), (&module, &copy)] {
        assert_eq!(check(&["diff", old, new], 0, 0), "required bump: none\n");
    }
}

/// The whole life of a registry; `store` is a directory or an S3 name.
fn live(store: &str, port: u16) {
    let root = tempfile::tempdir().unwrap();
    let (one, two) = (module(root.path(), "one", ONE), module(root.path(), "two", TWO));
    let name = "acme/network/aws";
    let publish = |directory: &str, version: &str, code: i32| {
        let arguments =
            ["registry", "publish", directory, "--to", store, "--module", name, "--version", version];
        check(&[&arguments[..], &["--host", "modules.example.test"]].concat(), port, code)
    };
    assert!(publish(&two, "1.0.0", 0).contains("published acme/network/aws 1.0.0\nh1:"));
    assert!(publish(&two, "1.0.0", 0).contains("already published"));
    assert!(publish(&one, "1.0.0", 1).contains("is claimed by h1:"));
    assert!(publish(&one, "1.1.0", 1).contains("V03 needs major"));
    publish(&one, "2.0.0", 0);
    assert_eq!(check(&["registry", "list", store], port, 0), "acme/network/aws\n");
    check(&["registry", "yank", store, name, "2.0.0"], port, 0);
    assert_eq!(check(&["registry", "list", store, name], port, 0), "1.0.0\n2.0.0 yanked\n");
    check(&["registry", "yank", store, name, "2.0.0", "--undo"], port, 0);
    assert_eq!(check(&["registry", "fsck", store, "--json"], port, 0), "[]\n");
    assert!(check(&["registry", "fsck", store], port, 0).contains("every object of `"));
    let verified = check(&["registry", "verify", store, name, "2.0.0"], port, 0);
    assert!(verified.ends_with(" 2.0.0 is what was published\n"), "{verified}");
    check(&["registry", "verify", store, name, "3.0.0"], port, 1);
    let key = root.path().join("key.pem");
    fs::write(&key, KEY).expect("writable");
    let unsigned =
        check(&["registry", "verify", store, name, "2.0.0", "--key", &key.display().to_string()], port, 1);
    assert!(unsigned.contains("2.0.0/module.tar.gz.sigstore.json: is missing"), "{unsigned}");
    let mirror = root.path().join("mirror").display().to_string();
    let exported = check(&["registry", "export", store, "--format", "boring", "--to", &mirror], port, 0);
    assert!(exported.starts_with(&format!("{name} 1.0.0 modules/{name}/acme-network-aws-1.0.0.tar.gz\n")));
    check(&["registry", "export", store, "--format", "tar", "--to", &mirror], port, 1);
    check(&["registry", "fsck", store, "--abandon", "acme/network/aws@2.0.0"], port, 1);
}

/// A2: another checkout, another umask, another time zone, and the same bytes.
#[test]
fn a02_a_package_is_the_same_wherever_it_is_built() {
    let root = tempfile::tempdir().unwrap();
    let module = terrane_xtask::Workspace::find().unwrap().modules().join("kubernetes-network");
    let built = |path: &str, umask: &str, zone: &str| {
        let checkout = root.path().join(path);
        let store = root.path().join("never-written");
        let script = r#"umask "$1" && mkdir -p "$2" && cp -R "$3/." "$2" && exec "$4" registry publish "$2" \
            --to "$5" --module acme/kubernetes-network/aws --version 1.0.0 --host modules.example.test --dry-run --json"#;
        let output = Command::new("sh")
            .args(["-c", script, "sh", umask])
            .args([checkout.as_path(), module.as_path(), Path::new(env!("CARGO_BIN_EXE_terrane"))])
            .arg(store)
            .env("TZ", zone)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let manifest: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        (manifest["h1"].clone(), manifest["sha256"].clone())
    };
    let first = built("one", "022", "UTC");
    assert!(first.0.is_string() && first.1.is_string(), "{first:?}");
    assert_eq!(built("two/much/deeper", "077", "Asia/Tokyo"), first);
}

#[test]
fn a_registry_lives_in_a_directory() {
    let root = tempfile::tempdir().unwrap();
    live(&root.path().join("registry").display().to_string(), 0);
}

#[test]
fn a_registry_lives_in_s3() {
    let port = FakeS3::start();
    live("s3://modules/some/prefix", port);
    let missing = check(&["registry", "list", "s3://modules/other"], port, 1);
    assert!(missing.contains("no registry here"), "{missing}");
}

/// A24: what S3 answers on a bad day, to the first write of each object that decides something.
#[test]
fn a24_faults_of_s3_are_outlived_or_named() {
    let root = tempfile::tempdir().unwrap();
    let one = module(root.path(), "one", ONE);
    let store = "s3://modules/some/prefix";
    let name = "acme/network/aws";
    let publish = ["registry", "publish", &one, "--to", store, "--module", name, "--version", "1.0.0"];
    let publish = [&publish[..], &["--host", "modules.example.test"]].concat();
    // A race may go on for longer than a failure does.
    let busy = [(Fault::Status(412, ""), 1), (Fault::Status(409, ""), 9)];
    for (fault, times) in busy.into_iter().chain([(Fault::Status(503, ""), 3), (Fault::Silence, 1)]) {
        let port = FakeS3 { fault: Some((fault, times)), ..FakeS3::default() }.serve();
        assert!(check(&publish, port, 0).contains("published acme/network/aws 1.0.0"), "{fault:?}");
        assert_eq!(check(&["registry", "list", store, name], port, 0), "1.0.0\n", "{fault:?}");
        assert_eq!(check(&["registry", "fsck", store, "--json"], port, 0), "[]\n", "{fault:?}");
    }
    // The clock does not mend itself: one attempt, and the reason.
    let port =
        FakeS3 { fault: Some((Fault::Status(403, "RequestTimeTooSkewed"), 1)), ..FakeS3::default() }.serve();
    let skewed = check(&publish, port, 4);
    let expected =
        "1.0.0/module.tar.gz`: S3 answers 403 RequestTimeTooSkewed\nhint: the clock of this machine";
    assert!(
        skewed.contains(expected) && skewed.contains("cannot write `s3://modules/some/prefix/"),
        "{skewed}"
    );
    check(&publish, port, 4);
    assert!(check(&publish, port, 0).contains("published"), "each attempt had one answer");
}

/// What a bucket answers to the first writes of an archive and of a version list.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// A status with a code, and nothing is written.
    Status(u16, &'static str),
    /// Nothing, after it has written.
    Silence,
}

/// Returns the first and the last byte of a range such as `bytes=0-9`.
fn span(range: &str) -> (usize, usize) {
    let bytes = range.strip_prefix("bytes=").and_then(|bytes| bytes.split_once('-'));
    let (from, to) = bytes.expect("a range of bytes");
    (from.parse().expect("a number"), to.parse().expect("a number"))
}

/// As much of S3 as a store needs: conditional writes and ranges, one request at a time.
#[derive(Default)]
pub(crate) struct FakeS3 {
    objects: BTreeMap<String, (Vec<u8>, String)>,
    n_writes: usize,
    /// With how many writes of an object it happens.
    fault: Option<(Fault, usize)>,
    failed: BTreeMap<String, usize>,
}

impl FakeS3 {
    pub(crate) fn start() -> u16 {
        FakeS3::default().serve()
    }

    fn serve(self) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        std::thread::spawn(move || {
            let mut bucket = self;
            for stream in listener.incoming().map_while(Result::ok) {
                let _ = bucket.answer(stream);
            }
        });
        port
    }

    fn answer(&mut self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut first = String::new();
        reader.read_line(&mut first)?;
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            headers.insert(name.to_lowercase(), value.to_owned());
        }
        let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let mut words = first.split(' ');
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let decides = path.ends_with("/module.tar.gz") || path.ends_with("/versions");
        let fault = self.fault.filter(|_| method == "PUT" && decides).and_then(|(fault, times)| {
            let n_failed = self.failed.entry(path.to_owned()).or_default();
            *n_failed += 1;
            (*n_failed <= times).then_some(fault)
        });
        if let Some(Fault::Status(status, code)) = fault {
            let body = format!("<Error><Code>{code}</Code></Error>");
            let length = body.len();
            return write!(
                stream,
                "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
        }
        let (status, head, body) = self.respond(method, path, query, &headers, body);
        if fault == Some(Fault::Silence) {
            return Ok(());
        }
        let length = body.len();
        write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n{head}\r\n")?;
        if method == "HEAD" { Ok(()) } else { stream.write_all(&body) }
    }

    fn respond(
        &mut self,
        method: &str,
        path: &str,
        query: &str,
        headers: &BTreeMap<String, String>,
        body: Vec<u8>,
    ) -> (u16, String, Vec<u8>) {
        let key = path.trim_start_matches("/modules/").to_owned();
        let tag = |n: usize| format!("\"{n}\"");
        match method {
            "GET" if query.contains("list-type=2") => {
                let prefix =
                    query.split('&').find_map(|pair| pair.strip_prefix("prefix=")).unwrap_or_default();
                let prefix = prefix.replace("%2F", "/");
                let keys = self.objects.keys().filter(|key| key.starts_with(&prefix));
                let contents: String =
                    keys.map(|key| format!("<Contents><Key>{key}</Key></Contents>")).collect();
                let xml = format!(
                    "<ListBucketResult><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>"
                );
                (200, "Content-Type: application/xml\r\n".to_owned(), xml.into_bytes())
            }
            "GET" | "HEAD" => match self.objects.get(&key) {
                Some((bytes, head)) => match headers.get("range").map(|range| span(range)) {
                    Some((from, _)) if from >= bytes.len() => (416, String::new(), Vec::new()),
                    Some((from, to)) => (206, head.clone(), bytes[from..(to + 1).min(bytes.len())].to_vec()),
                    None => (200, head.clone(), bytes.clone()),
                },
                None => (404, String::new(), b"<Error><Code>NoSuchKey</Code></Error>".to_vec()),
            },
            "PUT" => {
                let found = self.objects.get(&key);
                let unchanged = headers.get("if-match").is_none_or(|expected| {
                    found.is_some_and(|(_, head)| head.contains(&format!("ETag: {expected}\r\n")))
                });
                if (headers.contains_key("if-none-match") && found.is_some()) || !unchanged {
                    return (412, String::new(), b"<Error><Code>PreconditionFailed</Code></Error>".to_vec());
                }
                assert!(
                    headers.contains_key("if-none-match") || headers.contains_key("if-match"),
                    "no blind write"
                );
                self.n_writes += 1;
                let content_type = headers.get("content-type").cloned().unwrap_or_default();
                let head = format!("ETag: {}\r\nContent-Type: {content_type}\r\n", tag(self.n_writes));
                self.objects.insert(key, (body, head.clone()));
                (200, head, Vec::new())
            }
            "DELETE" => {
                self.objects.remove(&key);
                (204, String::new(), Vec::new())
            }
            _ => (405, String::new(), Vec::new()),
        }
    }
}
