//! A1, A8, A9, A11, A16 to A20, A25 with the real `terraform`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use terrane_registry::{
    DirectoryStore, Package, Publication, Registry, Settings, Tokens, doctor, parse_version,
};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::common::{HOST, network, package_of, publish, variant};
use crate::serve::{Running, directory_with};
use crate::statically::Host;

/// Whether there is a `terraform` to ask; CI insists.
pub(crate) fn available() -> bool {
    match Command::new("terraform").arg("version").env("CHECKPOINT_DISABLE", "1").output() {
        Ok(_) => true,
        Err(error) if std::env::var_os("CI").is_none() => {
            eprintln!("skipped: terraform not found: {error}");
            false
        }
        Err(error) => panic!("terraform cannot be run: {error}"),
    }
}

/// A root module that calls one from a registry.
pub(crate) struct Root {
    directory: tempfile::TempDir,
    environment: Vec<(String, String)>,
}

impl Root {
    pub(crate) fn new(port: u16) -> Root {
        let root = Root { directory: tempfile::tempdir().unwrap(), environment: Vec::new() };
        let config = format!(
            "host \"{HOST}\" {{\n  services = {{ \"modules.v1\" = \"http://127.0.0.1:{port}/v1/modules/\" }}\n}}\n"
        );
        fs::write(root.path().join("terraformrc"), config).unwrap();
        root
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn call(&self, source: &str, version: Option<&str>) -> &Self {
        let version = version.map_or(String::new(), |version| format!("  version = \"{version}\"\n"));
        fs::write(
            self.path().join("main.tf"),
            format!("module \"m\" {{\n  source = \"{source}\"\n{version}}}\n"),
        )
        .unwrap();
        self
    }

    fn terraform(&self, arguments: &[&str]) -> Output {
        Command::new("terraform")
            .args(arguments)
            .current_dir(self.path())
            .env("CHECKPOINT_DISABLE", "1")
            .env("TF_CLI_CONFIG_FILE", self.path().join("terraformrc"))
            .env("TF_REGISTRY_DISCOVERY_RETRY", "0")
            .envs(self.environment.iter().cloned())
            .output()
            .unwrap()
    }

    #[track_caller]
    pub(crate) fn init(&self, arguments: &[&str]) -> String {
        let output = self.terraform(&[&["init", "-no-color", "-input=false"], arguments].concat());
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{text}");
        self.installed()
    }

    #[track_caller]
    fn init_fails(&self, expected: &str) {
        let output = self.terraform(&["init", "-no-color", "-input=false"]);
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        let words =
            |text: &str| text.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ");
        assert!(!output.status.success() && words(&text).contains(expected), "{expected:?} in {text}");
    }

    fn installed(&self) -> String {
        let text = fs::read_to_string(self.path().join(".terraform/modules/modules.json")).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let module = value["Modules"].as_array().unwrap().iter().find(|module| module["Key"] == "m").unwrap();
        module["Version"].as_str().unwrap_or_default().to_owned()
    }
}

fn source() -> String {
    format!("{HOST}/acme/network/aws")
}

#[test]
fn a01_terraform_installs_exactly_what_was_published() {
    if !available() {
        return;
    }
    let (_root, store) = directory_with(&["1.0.0"]);
    let server = Running::start(Arc::clone(&store), |server| server);
    let root = Root::new(server.port);
    assert_eq!(root.call(&source(), Some("~> 1.0")).init(&[]), "1.0.0");
    let installed = Package::from_directory(&root.path().join(".terraform/modules/m")).unwrap();
    let manifest = Registry::open(store.as_ref())
        .unwrap()
        .manifest(&network(), &parse_version("1.0.0").unwrap())
        .unwrap()
        .unwrap();
    assert_eq!(installed.tree_digest(), manifest.h1);
}

#[test]
fn a08_constraints_choose_among_the_listed_versions() {
    if !available() {
        return;
    }
    let (_root, store) = directory_with(&["1.2.0", "1.2.3", "1.10.0", "2.0.0", "2.1.0-rc.1"]);
    let server = Running::start(store, |server| server);
    for (constraint, expected) in [
        (Some("~> 1.2"), "1.10.0"),
        (Some("~> 1.2.0"), "1.2.3"),
        (None, "2.0.0"),
        (Some("2.1.0-rc.1"), "2.1.0-rc.1"),
    ] {
        let root = Root::new(server.port);
        assert_eq!(root.call(&source(), constraint).init(&[]), expected, "{constraint:?}");
    }
    Root::new(server.port)
        .call(&source(), Some("~> 2.1.0-rc.1"))
        .init_fails("Unresolvable module version constraint");
}

#[test]
fn a09_a_newer_version_comes_with_upgrade_alone() {
    if !available() {
        return;
    }
    let (_root, store) = directory_with(&["1.2.0"]);
    let server = Running::start(Arc::clone(&store), |server| server);
    let root = Root::new(server.port);
    assert_eq!(root.call(&source(), Some("~> 1.0")).init(&[]), "1.2.0");
    publish(store.as_ref(), &network(), "1.3.0", &variant(7)).unwrap();
    let n_requests = server.lines().len();
    assert_eq!(root.init(&[]), "1.2.0");
    assert_eq!(server.lines().len(), n_requests, "no request");
    assert_eq!(root.init(&["-upgrade"]), "1.3.0");
}

#[test]
fn a11_a_changed_archive_is_refused_by_the_client() {
    if !available() {
        return;
    }
    let (root, store) = directory_with(&["1.0.0"]);
    let archive = root.path().join("registry/v1/modules/acme/network/aws/1.0.0/module.tar.gz");
    let bytes = fs::read(&archive).unwrap();
    let server = Running::start(store, |server| server);
    let mut flipped = bytes.clone();
    flipped[bytes.len() / 2] ^= 1;
    for damaged in [flipped, bytes[..bytes.len() / 2].to_vec()] {
        fs::write(&archive, damaged).unwrap();
        Root::new(server.port).call(&source(), None).init_fails("Checksums did not match");
    }
}

/// A12: the mistake that `aws s3 sync --content-encoding gzip` makes.
#[test]
fn a12_an_encoded_archive_breaks_the_client_as_the_doctor_says() {
    if !available() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let port = Host::new(directory.path()).with_header("module.tar.gz", "Content-Encoding: gzip").start();
    let url = format!("http://127.0.0.1:{port}");
    let settings = Settings { url: Some(url.clone()), ..Settings::new(HOST, "acme").unwrap() };
    let store = DirectoryStore::new(directory.path());
    let (package, version) = (variant(0), parse_version("1.0.0").unwrap());
    let registry = Registry::open_or_create(&store, &settings).unwrap();
    let publication =
        Publication { module: &network(), version: &version, package: &package, allow: &[], commit: None };
    registry.publish(&publication).unwrap();
    Root::new(port).call(&source(), None).init_fails("Checksums did not match");
    let faults = doctor(&url, &network(), None).unwrap();
    assert!(faults.iter().any(|fault| fault.message.contains("content encoding `gzip`")), "{faults:?}");
}

#[test]
fn a16_terraform_says_that_an_unknown_module_cannot_be_found() {
    if !available() {
        return;
    }
    let (_root, store) = directory_with(&["1.0.0"]);
    let server = Running::start(store, |server| server);
    let root = Root::new(server.port);
    root.call(&format!("{HOST}/acme/other/aws"), None).init_fails("cannot be found in the module registry");
}

#[test]
fn a17_a_yanked_version_stays_where_it_is_installed() {
    if !available() {
        return;
    }
    let (_root, store) = directory_with(&["1.2.0", "1.3.0"]);
    let server = Running::start(Arc::clone(&store), |server| server);
    let root = Root::new(server.port);
    assert_eq!(root.call(&source(), Some("~> 1.0")).init(&[]), "1.3.0");
    let version = parse_version("1.3.0").unwrap();
    Registry::open(store.as_ref()).unwrap().yank(&network(), &version).unwrap();
    assert_eq!(root.init(&[]), "1.3.0");
    assert_eq!(root.init(&["-upgrade"]), "1.2.0");
    Root::new(server.port)
        .call(&source(), Some("1.3.0"))
        .init_fails("Unresolvable module version constraint");
    Registry::open(store.as_ref()).unwrap().unyank(&network(), &version).unwrap();
    assert_eq!(root.init(&["-upgrade"]), "1.3.0");
}

/// A18: a static host with one constant header, and the digest is still enforced.
#[test]
fn a18_terraform_installs_from_a_static_host_with_one_header() {
    if !available() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let port = Host::new(directory.path()).start();
    let settings =
        Settings { url: Some(format!("http://127.0.0.1:{port}")), ..Settings::new(HOST, "acme").unwrap() };
    let store = DirectoryStore::new(directory.path());
    let registry = Registry::open_or_create(&store, &settings).unwrap();
    for (n, version) in ["1.0.0", "1.1.0"].into_iter().enumerate() {
        let version = parse_version(version).unwrap();
        let package = variant(n);
        let publication = Publication {
            module: &network(),
            version: &version,
            package: &package,
            allow: &[],
            commit: None,
        };
        registry.publish(&publication).unwrap();
    }
    let root = Root::new(port);
    assert_eq!(root.call(&source(), Some("~> 1.0")).init(&[]), "1.1.0");
    let installed = Package::from_directory(&root.path().join(".terraform/modules/m")).unwrap();
    assert_eq!(installed.tree_digest(), variant(1).tree_digest());

    let archive = directory.path().join("v1/modules/acme/network/aws/1.1.0/module.tar.gz");
    fs::write(archive, variant(2).tar_gz().unwrap()).unwrap();
    Root::new(port).call(&source(), Some("~> 1.0")).init_fails("Checksums did not match");
}

#[test]
fn a19_submodules_resolve_inside_the_package() {
    if !available() {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let store = DirectoryStore::new(root.path());
    let package = package_of(&[
        ("main.tf", "module \"inner\" {\n  source = \"./modules/sub\"\n}\n"),
        ("modules/sub/main.tf", "resource \"terraform_data\" \"a\" {}\n"),
    ]);
    publish(&store, &network(), "1.0.0", &package).unwrap();
    let server = Running::start(Arc::new(store), |server| server);
    assert_eq!(Root::new(server.port).call(&source(), None).init(&[]), "1.0.0");
    assert_eq!(Root::new(server.port).call(&format!("{}//modules/sub", source()), None).init(&[]), "1.0.0");
}

#[test]
fn a20_a_token_from_the_environment_opens_a_private_server() {
    if !available() {
        return;
    }
    let (_root, store) = directory_with(&["1.0.0"]);
    let tokens = Tokens::parse("acme a-long-enough-token\n").unwrap();
    let server = Running::start(store, |server| server.with_tokens(tokens));
    let mut root = Root::new(server.port);
    root.call(&source(), None).init_fails("401");
    let variable = format!("TF_TOKEN_{}", HOST.replace('.', "_"));
    root.environment = vec![(variable.clone(), "wrong-wrong-wrong".to_owned())];
    root.init_fails("401");
    root.environment = vec![(variable, "a-long-enough-token".to_owned())];
    assert_eq!(root.init(&[]), "1.0.0");
}

/// Makes a certificate for this machine's address; `None` where there is no openssl.
fn certificate(directory: &Path) -> Option<(PathBuf, Vec<u8>, Vec<u8>)> {
    let (key, chain) = (directory.join("key.pem"), directory.join("chain.pem"));
    let arguments = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=registry \
                     -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE";
    let openssl = Command::new("openssl")
        .args(arguments.split_whitespace())
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&chain)
        .output();
    let Ok(openssl) = openssl else {
        assert!(std::env::var_os("CI").is_none(), "openssl cannot be run");
        eprintln!("skipped: openssl not found");
        return None;
    };
    assert!(openssl.status.success(), "{}", String::from_utf8_lossy(&openssl.stderr));
    let (chain_pem, key_pem) = (fs::read(&chain).unwrap(), fs::read(&key).unwrap());
    Some((chain, chain_pem, key_pem))
}

/// A25: discovery over TLS, with a certificate for the address.
#[test]
fn a25_terraform_discovers_the_server_over_tls() {
    let keys = tempfile::tempdir().unwrap();
    let Some((chain, chain_pem, key_pem)) = certificate(keys.path()).filter(|_| available()) else { return };
    let (_root, store) = directory_with(&["1.0.0"]);
    let server = Running::start(store, |server| server.with_tls(&chain_pem, &key_pem).unwrap());
    let mut root = Root::new(server.port);
    root.environment = vec![("SSL_CERT_FILE".to_owned(), chain.display().to_string())];
    let source = format!("127.0.0.1:{}/acme/network/aws", server.port);
    assert_eq!(root.call(&source, Some("~> 1.0")).init(&[]), "1.0.0");
    assert!(server.lines().iter().any(|line| line.contains("/.well-known/terraform.json 200")));
}

/// A25: where `modules.v1` is may be said absolutely or relatively, with a slash at its end or without.
#[test]
fn a25_each_way_to_write_the_address_of_modules_is_found() {
    let keys = tempfile::tempdir().unwrap();
    let Some((chain, chain_pem, key_pem)) = certificate(keys.path()).filter(|_| available()) else { return };
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let certificates = CertificateDer::pem_slice_iter(&chain_pem).map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_slice(&key_pem).unwrap();
    let config = config.with_no_client_auth().with_single_cert(certificates, key).unwrap();

    let directory = tempfile::tempdir().unwrap();
    let port = Host::new(directory.path()).with_tls(config).start();
    let plain = Host::new(directory.path()).start();
    let url = format!("https://127.0.0.1:{port}");
    let settings = Settings { url: Some(url.clone()), ..Settings::new(HOST, "acme").unwrap() };
    let store = DirectoryStore::new(directory.path());
    let (package, version) = (variant(0), parse_version("1.0.0").unwrap());
    let publication =
        Publication { module: &network(), version: &version, package: &package, allow: &[], commit: None };
    Registry::open_or_create(&store, &settings).unwrap().publish(&publication).unwrap();

    let trust = vec![("SSL_CERT_FILE".to_owned(), chain.display().to_string())];
    let discovered = format!("127.0.0.1:{port}/acme/network/aws");
    let places = ["/v1/modules/", "/v1/modules", "../v1/modules/", "../v1/modules"].map(str::to_owned);
    for place in places.into_iter().chain([format!("{url}/v1/modules/"), format!("{url}/v1/modules")]) {
        let document = format!("{{\"modules.v1\": {place:?}}}");
        fs::write(directory.path().join(".well-known/terraform.json"), document).unwrap();
        let mut root = Root::new(0);
        root.environment.clone_from(&trust);
        assert_eq!(root.call(&discovered, Some("~> 1.0")).init(&[]), "1.0.0", "{place}");
        if !place.contains("://") {
            let faults = doctor(&format!("http://127.0.0.1:{plain}"), &network(), None).unwrap();
            let faults: Vec<_> = faults.iter().filter(|fault| !fault.key.ends_with("/get")).collect();
            assert!(faults.is_empty(), "{place}: {faults:?}");
        }
    }
    // A host that the caller's own settings name.
    let mut root = Root::new(0);
    let services =
        format!("host \"{HOST}\" {{\n  services = {{ \"modules.v1\" = \"{url}/v1/modules\" }}\n}}\n");
    fs::write(root.path().join("terraformrc"), services).unwrap();
    root.environment = trust;
    assert_eq!(root.call(&source(), None).init(&[]), "1.0.0");
}
