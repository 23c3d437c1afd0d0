//! Roots that consume the reference network: from a server over a directory, from one over S3, and from a static host.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use terrane_registry::{DirectoryStore, Package, Store as _, content_type};
use terrane_xtask::Workspace;
use terrane_xtask::terraform::Terraform;

use crate::registry::{FakeS3, check};
use crate::serving::Serving;

const HOST: &str = "modules.example.test";
const MODULE: &str = "acme/kubernetes-network/aws";

fn module() -> PathBuf {
    Workspace::find().unwrap().modules().join("kubernetes-network")
}

/// Publishes the reference network as the versions 1.0.0 and 2.0.0, of which roots must take the first.
fn publish(store: &str, port: u16, more: &[&str]) {
    let directory = module().display().to_string();
    let next = tempfile::tempdir().unwrap();
    copy(&module(), next.path());
    // As it would be compiled for its next version.
    let outputs = next.path().join("outputs.tf");
    let text = fs::read_to_string(&outputs).unwrap();
    assert!(text.contains("\"1.0.0\""), "{text}");
    fs::write(outputs, text.replace("\"1.0.0\"", "\"2.0.0\"")).unwrap();
    for (directory, version) in [(directory, "1.0.0"), (next.path().display().to_string(), "2.0.0")] {
        let arguments = ["registry", "publish", &directory, "--to", store, "--module", MODULE];
        check(&[&arguments[..], &["--version", version, "--host", HOST], more].concat(), port, 0);
    }
}

fn copy(from: &Path, to: &Path) {
    for (path, bytes) in Package::from_directory(from).unwrap().files() {
        let path = to.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

/// Runs a real `terraform init` of a root that calls the network, and checks what it installed.
fn consume(terraform: &Terraform, modules: &str) {
    let directory = tempfile::tempdir().unwrap();
    let call =
        format!("module \"network\" {{\n  source  = \"{HOST}/{MODULE}\"\n  version = \"~> 1.0\"\n}}\n");
    fs::write(directory.path().join("main.tf"), call).unwrap();
    let settings = directory.path().join("terraformrc");
    terraform.with_registry(HOST, modules, &settings).unwrap().root(directory.path()).init().unwrap();
    let installed = Package::from_directory(&directory.path().join(".terraform/modules/network")).unwrap();
    let published = Package::from_directory(&module()).unwrap();
    assert_eq!(installed.tree_digest(), published.tree_digest(), "{modules}");
}

#[test]
fn reference_network_is_consumed_from_a_directory_from_s3_and_from_a_static_host() {
    let Some(terraform) = Terraform::find_or_skip(&Workspace::find().unwrap().cache()).unwrap() else {
        return;
    };
    let root = tempfile::tempdir().unwrap();
    let directory = root.path().join("registry");
    publish(&directory.display().to_string(), 0, &[]);
    consume(&terraform, &Serving::start(&directory).modules());

    let port = FakeS3::start();
    publish("s3://modules/some/prefix", port, &[]);
    consume(&terraform, &Serving::start_on_s3("s3://modules/some/prefix", port).modules());

    let files = root.path().join("files");
    let configuration = Configuration::documented();
    let url = format!("http://127.0.0.1:{}", configuration.clone().serve(&files));
    publish(&files.display().to_string(), 0, &["--url", &url]);
    consume(&terraform, &format!("{url}/v1/modules/"));
    check(&["registry", "doctor", &url, MODULE], 0, 0);

    // Without what the page says, neither works.
    let bare = Configuration { value: String::new(), ..configuration };
    let url = format!("http://127.0.0.1:{}", bare.serve(&files));
    assert!(check(&["registry", "doctor", &url, MODULE], 0, 1).contains("lacks the header"));
}

/// The page's Terraform is valid, by the real provider.
#[test]
fn documented_configuration_is_valid() {
    let Some(terraform) = Terraform::find_or_skip(&Workspace::find().unwrap().cache()).unwrap() else {
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("main.tf"), block("hcl")).unwrap();
    terraform.check_format(directory.path()).unwrap();
    let root = terraform.root(directory.path());
    root.init().unwrap();
    root.validate().unwrap();
}

fn block(language: &str) -> String {
    let page = fs::read_to_string(Workspace::find().unwrap().root().join("docs/static-hosting.md")).unwrap();
    let (_, rest) = page.split_once(&format!("```{language}\n")).unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

/// What the page says a host adds to files.
#[derive(Clone)]
struct Configuration {
    /// A CloudFront path pattern.
    paths: String,
    header: String,
    value: String,
}

impl Configuration {
    fn documented() -> Configuration {
        let text = block("hcl");
        let value = |name: &str| {
            let line = text.lines().map(str::trim).find(|line| line.split(' ').next() == Some(name));
            line.unwrap().split('"').nth(1).unwrap().to_owned()
        };
        let configuration =
            Configuration { paths: value("path_pattern"), header: value("header"), value: value("value") };
        assert!(
            block("nginx").contains(&format!("add_header {} {};", configuration.header, configuration.value))
        );
        configuration
    }

    /// Serves files on a free port until the process ends.
    fn serve(self, root: &Path) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let store = DirectoryStore::new(root);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
                let request = lines.next().unwrap_or_default();
                lines.take_while(|line| !line.is_empty()).for_each(drop);
                let (head, body) = self.answer(&store, &request);
                let _ = stream.write_all(head.as_bytes());
                if request.starts_with("GET") {
                    let _ = stream.write_all(&body);
                }
            }
        });
        port
    }

    fn answer(&self, store: &DirectoryStore, request: &str) -> (String, Vec<u8>) {
        let path = request.split(' ').nth(1).unwrap_or_default().split('?').next().unwrap_or_default();
        let key = path.trim_start_matches('/');
        let (status, body) = match store.get(key) {
            Ok(Some(object)) => ("200 OK", object.bytes),
            _ => ("404 Not Found", Vec::new()),
        };
        let (before, after) = self.paths.split_once('*').unwrap();
        let has_header = path.starts_with(before) && path.ends_with(after) && !self.value.is_empty();
        let header = if has_header { format!("{}: {}\r\n", self.header, self.value) } else { String::new() };
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n{header}\r\n",
            content_type(key),
            body.len()
        );
        (head, body)
    }
}
