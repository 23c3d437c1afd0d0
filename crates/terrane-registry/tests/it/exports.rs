//! A26, and the other layouts that versions are exported to.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use terrane_registry::{
    DirectoryStore, ErrorKind, Exported, Format, MemoryStore, Package, Registry, parse_version,
};

use crate::common::{name, network, package_of, publish, variant};
use crate::terraform::{Root, available};

/// A registry with two modules, and a yanked version, which no export shows.
fn registry_with(versions: &[&str]) -> MemoryStore {
    let store = MemoryStore::default();
    for (n, version) in versions.iter().enumerate() {
        publish(&store, &network(), version, &variant(n)).unwrap();
    }
    publish(&store, &name("acme/other/aws"), "0.1.0", &variant(50)).unwrap();
    publish(&store, &network(), "9.0.0", &variant(99)).unwrap();
    Registry::open(&store).unwrap().yank(&network(), &parse_version("9.0.0").unwrap()).unwrap();
    store
}

fn export(store: &MemoryStore, format: Format, to: &Path) -> Vec<Exported> {
    let registry = Registry::open(store).unwrap();
    let exported = registry.export(format, &to.display().to_string(), None).unwrap();
    assert_eq!(registry.export(format, &to.display().to_string(), None).unwrap(), exported, "run again");
    exported
}

/// Exports again from a registry that has other bytes under the same version.
#[track_caller]
fn check_other_content_is_refused(format: Format, to: &Path) {
    let other = MemoryStore::default();
    publish(&other, &network(), "1.0.0", &variant(7)).unwrap();
    let error = Registry::open(&other).unwrap().export(format, &to.display().to_string(), None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Taken, "{error}");
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn boring_registry_finds_each_archive_under_its_key() {
    let target = tempfile::tempdir().unwrap();
    let exported = export(&registry_with(&["1.0.0", "1.1.0"]), Format::Boring, target.path());
    assert_eq!(exported.len(), 3, "{exported:?}");
    let key = "modules/acme/network/aws/acme-network-aws-1.1.0.tar.gz";
    assert_eq!(exported[1].place, key);
    assert_eq!(fs::read(target.path().join(key)).unwrap(), variant(1).tar_gz().unwrap());
    assert!(!target.path().join(key.replace("1.1.0", "9.0.0")).exists());
    check_other_content_is_refused(Format::Boring, target.path());
}

/// Reads a blob by its descriptor as an OCI client does, and checks digest and size.
fn blob(layout: &Path, descriptor: &Value) -> Vec<u8> {
    let digest = descriptor["digest"].as_str().unwrap().strip_prefix("sha256:").unwrap();
    let bytes = fs::read(layout.join("blobs/sha256").join(digest)).unwrap();
    let found: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!((found.as_str(), bytes.len() as u64), (digest, descriptor["size"].as_u64().unwrap()));
    bytes
}

/// A26: what OpenTofu asks of a module in an OCI registry.
#[test]
fn a26_oci_layout_has_one_zip_for_each_version() {
    let target = tempfile::tempdir().unwrap();
    export(&registry_with(&["1.0.0", "1.1.0"]), Format::Oci, target.path());
    let layout = target.path().join("acme/network/aws");
    assert_eq!(json(&layout.join("oci-layout"))["imageLayoutVersion"], "1.0.0");
    let index = json(&layout.join("index.json"));
    assert_eq!(index["mediaType"], "application/vnd.oci.image.index.v1+json");
    let manifests = index["manifests"].as_array().unwrap();
    for (n, (entry, version)) in manifests.iter().zip(["1.0.0", "1.1.0"]).enumerate() {
        assert_eq!(entry["annotations"]["org.opencontainers.image.ref.name"], version);
        let manifest: Value = serde_json::from_slice(&blob(&layout, entry)).unwrap();
        assert_eq!(manifest["mediaType"], entry["mediaType"]);
        assert_eq!(manifest["artifactType"], "application/vnd.opentofu.modulepkg");
        assert_eq!(blob(&layout, &manifest["config"]), b"{}");
        let layers = manifest["layers"].as_array().unwrap();
        assert_eq!((layers.len(), &layers[0]["mediaType"]), (1, &"archive/zip".into()));
        let zip = target.path().join(format!("{n}.zip"));
        fs::write(&zip, blob(&layout, &layers[0])).unwrap();
        assert_eq!(unzipped(&zip).tree_digest(), variant(n).tree_digest());
    }
    assert_eq!(manifests.len(), 2);
    check_other_content_is_refused(Format::Oci, target.path());
}

fn unzipped(zip: &Path) -> Package {
    let directory = zip.with_extension("");
    let unzip =
        Command::new("python3").args(["-m", "zipfile", "-e"]).args([zip, &directory]).status().unwrap();
    assert!(unzip.success());
    Package::from_directory(&directory).unwrap()
}

fn git(root: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git").args(arguments).current_dir(root).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn git_mirror_is_installed_by_terraform_at_each_tag() {
    let target = tempfile::tempdir().unwrap();
    let repository = target.path().join("terraform-aws-network.git");
    for name in ["terraform-aws-network.git", "terraform-aws-other.git"] {
        git(target.path(), &["init", "--quiet", "--bare", "-b", "main", name]);
        git(&target.path().join(name), &["config", "user.name", "t"]);
        git(&target.path().join(name), &["config", "user.email", "t@example.test"]);
    }
    let store = registry_with(&["1.0.0", "1.1.0"]);
    export(&store, Format::Git, target.path());
    // A later version joins those that stand, and each tag holds exactly its files.
    let more = package_of(&[("main.tf", "resource \"terraform_data\" \"a\" {}\n"), ("NOTES.md", "later\n")]);
    publish(&store, &network(), "1.2.0", &more).unwrap();
    publish(&store, &network(), "1.3.0", &variant(3)).unwrap();
    export(&store, Format::Git, target.path());
    assert_eq!(git(&repository, &["tag"]), "v1.0.0\nv1.1.0\nv1.2.0\nv1.3.0\n");
    assert_eq!(git(&repository, &["log", "--format=%s", "main"]).lines().count(), 4);
    assert_eq!(git(&repository, &["cat-file", "-t", "v1.0.0"]), "tag\n");
    git(&repository, &["fsck", "--strict"]);

    if available() {
        for (version, expected) in [("1.0.0", variant(0)), ("1.2.0", more), ("1.3.0", variant(3))] {
            let root = Root::new(0);
            root.call(&format!("git::file://{}?ref=v{version}", repository.display()), None).init(&[]);
            let installed = root.path().join(".terraform/modules/m");
            // The clone is what Terraform makes of it; the package is what it holds.
            fs::remove_dir_all(installed.join(".git")).unwrap();
            assert_eq!(Package::from_directory(&installed).unwrap(), expected);
        }
    }
    check_other_content_is_refused(Format::Git, target.path());
}

#[test]
fn exports_of_nothing_and_of_damage_are_refused() {
    let target = tempfile::tempdir().unwrap();
    let to = target.path().display().to_string();
    let source = tempfile::tempdir().unwrap();
    let store = DirectoryStore::new(source.path());
    publish(&store, &network(), "1.0.0", &variant(0)).unwrap();
    let registry = Registry::open(&store).unwrap();
    let kind = |format, to: &str, module: Option<&str>| {
        let module = module.map(name);
        registry.export(format, to, module.as_ref()).unwrap_err().kind()
    };
    assert_eq!(kind(Format::Boring, &to, Some("acme/unknown/aws")), ErrorKind::NotFound);
    assert_eq!(kind(Format::Git, "s3://bucket/prefix", None), ErrorKind::Input);
    assert!("tar".parse::<Format>().unwrap_err().to_string().contains("`boring`, `oci`, `git`"));
    fs::write(source.path().join("v1/modules/acme/network/aws/1.0.0/module.tar.gz"), "other").unwrap();
    for format in [Format::Boring, Format::Oci, Format::Git] {
        assert_eq!(kind(format, &to, None), ErrorKind::Damaged);
    }
    assert_eq!(fs::read_dir(target.path()).unwrap().count(), 0, "nothing was written");
}
