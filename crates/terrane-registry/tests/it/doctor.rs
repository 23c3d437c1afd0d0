//! A12: what a badly configured host does wrong is found before users find it.

use std::sync::Arc;

use terrane_registry::{
    DirectoryStore, Publication, Registry, Settings, Store, Tokens, doctor, parse_version,
};

use crate::common::{HOST, network, variant};
use crate::serve::{Running, directory_with};
use crate::statically::Host;

/// A registry behind a static host of some configuration.
fn faults(configure: impl FnOnce(Host) -> Host, damage: impl FnOnce(&std::path::Path)) -> Vec<String> {
    let directory = tempfile::tempdir().unwrap();
    let host = configure(Host::new(directory.path()));
    let port = host.start();
    let url = format!("http://127.0.0.1:{port}");
    let settings = Settings { url: Some(url.clone()), ..Settings::new(HOST, "acme").unwrap() };
    let store = DirectoryStore::new(directory.path());
    let (package, version) = (variant(0), parse_version("1.0.0").unwrap());
    let registry = Registry::open_or_create(&store, &settings).unwrap();
    let publication =
        Publication { module: &network(), version: &version, package: &package, allow: &[], commit: None };
    registry.publish(&publication).unwrap();
    damage(directory.path());
    doctor(&url, &network(), None).unwrap().iter().map(ToString::to_string).collect()
}

#[track_caller]
fn check(found: &[String], expected: &str) {
    assert!(found.iter().any(|fault| fault.contains(expected)), "{expected:?} in {found:#?}");
}

#[test]
fn a12_a_well_configured_host_has_no_faults() {
    assert_eq!(faults(|host| host, |_| {}), Vec::<String>::new());
    let (_root, store) = directory_with(&["1.0.0", "1.1.0"]);
    let server = Running::start(store, |server| server);
    assert_eq!(doctor(&format!("http://127.0.0.1:{}", server.port), &network(), None).unwrap(), []);
}

#[test]
fn a12_the_doctor_follows_signed_locations_of_a_private_server() {
    let (_root, store) = directory_with(&["1.0.0"]);
    let tokens = Tokens::parse("acme a-long-enough-token\n").unwrap();
    let server = Running::start(Arc::clone(&store), |server| server.with_tokens(tokens));
    let url = format!("http://127.0.0.1:{}", server.port);
    assert!(!doctor(&url, &network(), None).unwrap().is_empty());
    let faults = doctor(&url, &network(), Some("a-long-enough-token")).unwrap();
    assert_eq!(faults, []);
}

#[test]
fn a12_each_mistake_of_a_static_host_is_named() {
    check(
        &faults(|host| host.with_type("terraform.json", "application/octet-stream"), |_| {}),
        "clients insist on",
    );
    for file in ["terraform.json", "versions", "download", "get", "module.tar.gz"] {
        let found = faults(|host| host.with_header(file, "Content-Encoding: br"), |_| {});
        assert_eq!(found.len(), 1, "{file}: {found:#?}");
        check(&found, "has the content encoding `br`");
    }
    check(&faults(Host::without_header, |_| {}), "lacks the header");
    let constant =
        |host: Host| host.without_header().with_header("download", "X-Terraform-Get: ./module.tar.gz");
    check(&faults(constant, |_| {}), "leads Terraform and OpenTofu to different places");
    check(
        &faults(|host| host.with_header("/get", "X-Terraform-Get: ./get"), |_| {}),
        "belongs on `download` alone",
    );
    let for_ever = "Cache-Control: public, max-age=31536000, immutable";
    check(&faults(|host| host.with_header("versions", for_ever), |_| {}), "cached for ever");
    check(&faults(|host| host.with_missing("403 Forbidden"), |_| {}), "answers 403 for an unknown module");
}

#[test]
fn a12_each_damaged_file_of_a_static_host_is_named() {
    let version = "v1/modules/acme/network/aws/1.0.0";
    for (file, text, expected) in [
        (".well-known/terraform.json", "{}", "does not say where `modules.v1` is"),
        ("v1/modules/acme/network/aws/versions", "x", "aws/versions: "),
        (&format!("{version}/download"), "x", "OpenTofu fails"),
        (
            &format!("{version}/download"),
            "{\"location\": \"./module.tar.gz\"}",
            "has no checksum in its location",
        ),
        (&format!("{version}/get"), "x", "does not lead to"),
        (&format!("{version}/module.tar.gz"), "x", "promises sha256"),
    ] {
        check(&faults(|host| host, |root| std::fs::write(root.join(file), text).unwrap()), expected);
    }
    for file in ["terraform.json", "versions", "download", "get", "module.tar.gz"] {
        let path = match file {
            "terraform.json" => ".well-known/terraform.json".to_owned(),
            "versions" => "v1/modules/acme/network/aws/versions".to_owned(),
            file => format!("{version}/{file}"),
        };
        let found = faults(|host| host, |root| std::fs::remove_file(root.join(&path)).unwrap());
        assert_eq!(found.len(), 1, "{found:#?}");
        check(&found, &path);
        check(&found, "answers 404, not 200");
    }
}

#[test]
fn what_cannot_be_reached_is_an_error() {
    assert!(doctor("http://127.0.0.1:1", &network(), None).is_err());
    assert!(doctor("modules.example.test", &network(), None).is_err());
    let store: Arc<dyn Store> = Arc::new(DirectoryStore::new("/nonexistent"));
    assert!(Registry::open(store.as_ref()).is_err());
}
