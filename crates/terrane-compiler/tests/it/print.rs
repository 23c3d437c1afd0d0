//! What the printer writes, `terraform fmt` leaves alone, and Terraform reads as it was meant.

use std::path::Path;

use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use terrane_compiler::module::print::print;
use terrane_compiler::module::syntax::Body;

use crate::{bodies, terraform};

/// Returns what `terraform fmt` says about a directory; empty if it would change nothing.
fn fmt(dir: &Path) -> String {
    let output = terraform::run(dir, &["fmt", "-check", "-diff", "-recursive", "-no-color"]);
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn fmt_one(body: &Body) -> String {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("main.tf"), print(body)).unwrap();
    fmt(dir.path())
}

#[test]
fn arbitrary_bodies_are_canonical() {
    if !terraform::is_installed() {
        return;
    }
    let mut runner = TestRunner::default();
    // Few at a time: the trees that shrink are large.
    for _ in 0..terraform::n_cases(2, 100) {
        check_bodies(&mut runner, 100);
    }
}

fn check_bodies(runner: &mut TestRunner, n_bodies: usize) {
    let mut trees: Vec<_> = (0..n_bodies).map(|_| bodies::body().new_tree(runner).unwrap()).collect();
    let dir = tempfile::tempdir().unwrap();
    for (idx, tree) in trees.iter().enumerate() {
        std::fs::write(dir.path().join(format!("{idx}.tf")), print(&tree.current())).unwrap();
    }
    let found = fmt(dir.path());
    if found.is_empty() {
        return;
    }
    // One body is enough, and the smaller the better.
    let Some(tree) = trees.iter_mut().find(|tree| !fmt_one(&tree.current()).is_empty()) else {
        panic!("terraform fmt finds fault with many bodies and with none: {found}");
    };
    let mut smallest = tree.current();
    let mut may_shrink = tree.simplify();
    for _ in 0..500 {
        if !may_shrink {
            break;
        }
        if fmt_one(&tree.current()).is_empty() {
            may_shrink = tree.complicate();
        } else {
            smallest = tree.current();
            may_shrink = tree.simplify();
        }
    }
    panic!("terraform fmt changes this: {smallest:#?}\n{}\n{}", print(&smallest), fmt_one(&smallest));
}
