//! `terrane diff` over git revisions, and over checkouts as they are.

use std::path::Path;
use std::process::Command;

use crate::registry::check;

fn git(root: &Path, arguments: &[&str]) {
    let output = Command::new("git")
        .args(["-c", "user.name=a", "-c", "user.email=a@example.test", "-c", "commit.gpgsign=false"])
        .args(arguments)
        .current_dir(root)
        .output()
        .expect("git runs");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

#[test]
fn git_revisions_are_compared_without_a_work_tree() {
    let root = tempfile::tempdir().unwrap();
    let repository = root.path().join("repository");
    std::fs::create_dir(&repository).unwrap();
    git(&repository, &["init", "--quiet", "-b", "main"]);
    write(&repository, "m/main.tf", "resource \"a\" \"b\" {\n  x = file(\"${path.module}/p.json\")\n}\n");
    write(&repository, "m/p.json", "{}");
    git(&repository, &["add", "-A"]);
    git(&repository, &["commit", "--quiet", "-m", "one"]);
    git(&repository, &["tag", "v1.0.0"]);
    write(&repository, "m/p.json", "[]");
    git(&repository, &["commit", "--quiet", "-am", "two"]);
    // What is not committed is not compared.
    write(&repository, "m/main.tf", "locals {}\n");
    let directory = repository.join("m").display().to_string();
    let text = check(&["diff", "v1.0.0..HEAD", "--", &directory], 0, 0);
    assert!(text.contains("minor R15 a.b") && text.contains("p.json"), "{text}");
    assert_eq!(text, check(&["diff", "v1.0.0..", "--", &directory], 0, 0));
    assert_eq!(text, check(&["diff", "v1.0.0", "HEAD", "--", &directory], 0, 0));
    check(&["diff", "v2.0.0..HEAD", "--", &directory], 0, 1);
}

/// Nothing beside the module keeps a checkout from being compared.
#[test]
fn checkouts_are_compared_as_they_were_cloned() {
    let root = tempfile::tempdir().unwrap();
    for (name, n) in [("old", 1), ("new", 2)] {
        let root = root.path().join(name);
        write(&root, "main.tf", &format!("resource \"a\" \"b\" {{\n  n = {n}\n}}\n"));
        for path in
            [".editorconfig", ".github/ci.yml", "Makefile", "policy.json", ".terraform/x.json", "a.tfvars"]
        {
            write(&root, path, "x");
        }
    }
    let side = |name: &str| root.path().join(name).display().to_string();
    let text = check(&["diff", &side("old"), &side("new")], 0, 0);
    assert!(text.starts_with("minor R15 a.b") && text.ends_with("required bump: minor\n"), "{text}");
    assert_eq!(check(&["diff", &side("old"), &side("old")], 0, 0), "required bump: none\n");
}
