//! A2 (packages), A13, and the archive formats.

use std::fs;
use std::path::Path;
use std::process::Command;

use terrane_registry::Package;

use crate::common::{package, package_of};

fn write(root: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().expect("below the root")).expect("writable");
        fs::write(path, text).expect("writable");
    }
}

#[track_caller]
fn check_refused(prepare: impl Fn(&Path), expected: &str) {
    let root = tempfile::tempdir().expect("writable");
    write(root.path(), &[("main.tf", "locals {}\n")]);
    prepare(root.path());
    let error = Package::from_directory(root.path()).expect_err(expected).to_string();
    assert!(error.contains(expected), "{error}");
}

/// A2: nothing of the machine reaches the bytes.
#[test]
#[cfg(unix)]
fn a02_the_same_files_are_the_same_bytes_wherever_they_are() {
    use std::os::unix::fs::PermissionsExt as _;
    let files = [("main.tf", "locals {}\n"), ("README.md", "# m\n"), ("modules/s/main.tf", "locals {}\n")];
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(one.path(), &files);
    let nested = two.path().join("a/much/longer/path");
    fs::create_dir_all(&nested).unwrap();
    let reversed: Vec<_> = files.iter().rev().copied().collect();
    write(&nested, &reversed);
    fs::set_permissions(nested.join("main.tf"), fs::Permissions::from_mode(0o700)).unwrap();
    let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    fs::File::options().write(true).open(nested.join("main.tf")).unwrap().set_modified(old).unwrap();

    let (one, two) =
        (Package::from_directory(one.path()).unwrap(), Package::from_directory(&nested).unwrap());
    assert_eq!(one.tree_digest(), two.tree_digest());
    assert_eq!(one.tar_gz().unwrap(), two.tar_gz().unwrap());
    assert_eq!(one.zip().unwrap(), two.zip().unwrap());
}

/// The digest is a fixed fact of the files: another version of this crate may not change it.
#[test]
fn the_tree_digest_is_the_one_of_go_modules() {
    let package = package("locals {}\n");
    // printf 'locals {}\n' | sha256sum, then the same over "HEX  main.tf\n", in base64.
    assert_eq!(package.tree_digest(), "h1:Abm8UyrdbMw3sTiS+rQaTeXoV1UOyXUF+fHhB2ZYt1I=");
}

#[test]
fn archives_are_read_by_other_programs() {
    let package = package_of(&[("main.tf", "locals {}\n"), ("modules/s/main.tf", "locals {\n  a = 1\n}\n")]);
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("m.tar.gz"), package.tar_gz().unwrap()).unwrap();
    fs::write(root.path().join("m.zip"), package.zip().unwrap()).unwrap();
    let programs = [
        ("tar", vec!["-xzf", "m.tar.gz", "-C", "tar"]),
        ("python3", vec!["-m", "zipfile", "-e", "m.zip", "zip"]),
    ];
    for (program, arguments) in programs {
        let target = root.path().join(arguments.last().expect("a target"));
        fs::create_dir(&target).unwrap();
        let status = Command::new(program).args(&arguments).current_dir(root.path()).status();
        let Ok(status) = status else {
            assert!(std::env::var_os("CI").is_none(), "{program} not found");
            eprintln!("skipped: {program} not found");
            continue;
        };
        assert!(status.success());
        assert_eq!(Package::from_directory(&target).unwrap(), package, "{program}");
    }
    assert_eq!(Package::from_tar_gz(&package.tar_gz().unwrap()).unwrap(), package);
}

/// A13: what the module has, and no package may, is named.
#[test]
#[cfg(unix)]
fn a13_what_may_not_be_published_is_refused_by_path() {
    use std::os::unix::fs::symlink;
    check_refused(|root| symlink("main.tf", root.join("link.tf")).unwrap(), "`link.tf`: is a symbolic link");
    check_refused(
        |root| fs::hard_link(root.join("main.tf"), root.join("b.tf")).unwrap(),
        "`b.tf`: is a hard link",
    );
    check_refused(
        |root| assert!(Command::new("mkfifo").arg(root.join("pipe.tf")).status().unwrap().success()),
        "`pipe.tf`: is not a regular file",
    );
    check_refused(|root| write(root, &[("terraform.tfstate", "{}")]), "`terraform.tfstate`");
    check_refused(
        |root| write(root, &[("a/terraform.tfstate.backup", "{}")]),
        "`a/terraform.tfstate.backup`",
    );
    check_refused(|root| write(root, &[("prod.tfvars", "")]), "`prod.tfvars`");
    check_refused(|root| write(root, &[("Main.tf", "")]), "differ by case alone");
    let large = "x".repeat(17 << 20);
    check_refused(|root| write(root, &[("README.md", &large)]), "bytes altogether");

    let root = tempfile::tempdir().unwrap();
    write(root.path(), &[("README.md", "")]);
    assert!(Package::from_directory(root.path()).unwrap_err().to_string().contains("no Terraform file"));
}

/// A checkout as it was cloned: what no module needs is left out, and what the code reads is carried.
#[test]
#[cfg(unix)]
fn a_checkout_is_published_as_it_is() {
    let root = tempfile::tempdir().unwrap();
    let main = "resource \"a\" \"b\" {\n  x = file(\"${path.module}/policy.json\")\n  \
                y = templatefile(\"${path.module}/files/${var.n}.sh\", {})\n}\n";
    write(
        root.path(),
        &[
            ("main.tf", main),
            ("policy.json", "{}"),
            ("other.json", "{}"),
            ("files/a.sh", "a"),
            ("Makefile", "all:"),
            (".editorconfig", ""),
            (".env", "SECRET=1"),
            (".github/workflows/ci.yml", ""),
            (".terraform/modules/modules.json", "{}"),
            (".pre-commit-config.yaml", ""),
            ("examples/e/main.tf", "locals {}\n"),
            ("examples/e/terraform.tfvars", "a = 1"),
            ("tests/t.tftest.hcl", ""),
            ("LICENSE", ""),
        ],
    );
    std::os::unix::fs::symlink("/etc", root.path().join("etc")).unwrap();
    let paths = |root: &Path| {
        let package = Package::from_directory(root).unwrap_or_else(|error| panic!("{error}"));
        package.files().keys().cloned().collect::<Vec<_>>()
    };
    let published = ["LICENSE", "examples/e/main.tf", "files/a.sh", "main.tf", "policy.json"];
    assert_eq!(paths(root.path()), published);
    // The list can be changed, and what it chose chooses the same again.
    write(root.path(), &[(".terraformignore", "examples/\n!other.json\n"), ("prod.tfvars", "")]);
    assert!(Package::from_directory(root.path()).unwrap_err().to_string().contains("`prod.tfvars`"));
    write(root.path(), &[(".terraformignore", "examples/\n*.tfvars\n!other.json\n")]);
    let chosen = [".terraformignore", "LICENSE", "files/a.sh", "main.tf", "other.json", "policy.json"];
    assert_eq!(paths(root.path()), chosen);
    let package = Package::from_directory(root.path()).unwrap();
    assert_eq!(Package::from_tree(package.files().clone()).unwrap(), package);
}

#[test]
fn a13_paths_that_leave_the_package_are_refused() {
    for path in ["../main.tf", "/main.tf", "a/../main.tf", "a//main.tf", "./main.tf", "a\\main.tf", "a\nb.tf"]
    {
        let files = [(path.to_owned(), Vec::new()), ("main.tf".to_owned(), Vec::new())];
        assert!(Package::from_files(files.into()).is_err(), "{path:?}");
    }
}

#[test]
fn an_archive_with_links_or_damage_is_no_package() {
    let bytes = package("locals {}\n").tar_gz().unwrap();
    for length in [0, 10, bytes.len() / 2, bytes.len() - 9] {
        assert!(Package::from_tar_gz(&bytes[..length]).is_err(), "{length} bytes");
    }
    for idx in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[idx] ^= 0x10;
        // Any outcome but a panic will do: the digests tell whether it is the same tree.
        let _ = Package::from_tar_gz(&flipped);
    }
}
