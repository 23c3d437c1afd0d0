//! What the printer writes, `terraform fmt` leaves alone, and Terraform reads as it was meant.

use std::path::Path;

use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use terrane_hcl::body::{Block, Body, Item};
use terrane_hcl::expr::{
    Expr, Heredoc, HeredocStripMode, Identifier, TemplateExpr, Traversal, TraversalOperator, string,
};
use terrane_hcl::print::print;

use crate::{bodies, cases, terraform};

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
    for _ in 0..cases(2, 100) {
        check_bodies(&mut runner, 100);
    }
}

/// `terraform fmt` drops a key that is nothing but one of these words.
#[test]
fn keywords_as_keys_are_canonical() {
    if !terraform::is_installed() {
        return;
    }
    let mut body = Body::new();
    for (idx, word) in ["null", "true", "false"].into_iter().enumerate() {
        let plain = if word == "null" { Expr::Null } else { Expr::Bool(word == "true") };
        let template = |text: String| Expr::from(TemplateExpr::from(text));
        let keys = [plain, template(format!("${{{word}}}")), template(format!("${{\"${{{word}}}\"}}"))];
        for (form, key) in keys.into_iter().enumerate() {
            let list = Expr::Variable(Identifier::sanitized("list"));
            let element = Traversal::new(list, [TraversalOperator::Index(key)]);
            body = body.arg(&format!("x{idx}_{form}"), element.into());
        }
    }
    assert_eq!(fmt_one(&body), "");
    assert_eq!(print(&body).matches("list[(null)]").count(), 3, "{}", print(&body));
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

#[test]
fn terraform_reads_strings_as_they_were_meant() {
    if !terraform::is_installed() {
        return;
    }
    let parts = [
        "$",
        "%",
        "{",
        "}",
        "${x}",
        "%{ if x }",
        "\"",
        "\\",
        "\n",
        "\r",
        "\t",
        "ß",
        "漢",
        "\u{200d}",
        "\u{0}",
        "#",
        "~",
    ];
    let texts: Vec<String> =
        parts.iter().flat_map(|a| parts.iter().map(move |b| format!("{a}{b}"))).collect();
    let in_template = |text: &str| text.replace("${", "$${").replace("%{", "%%{");
    let mut body = Body::new();
    for (idx, text) in texts.iter().enumerate() {
        let mut values = vec![string(text)];
        // At the end of a template's literal, these would make an escape of the marker.
        if !text.ends_with(['$', '%']) {
            values.push(TemplateExpr::from(format!("{}${{\"x\"}}", in_template(text))).into());
        }
        if !text.contains(['\r', '\u{0}']) {
            let heredoc = Heredoc {
                delimiter: Identifier::sanitized("EOT"),
                template: format!("{}\n", in_template(text)),
                strip: HeredocStripMode::Indent,
            };
            values.push(heredoc.into());
        }
        for (form, value) in values.into_iter().enumerate() {
            let labels = vec![format!("o{idx}_{form}")];
            let output = Block { kind: "output".to_owned(), labels, body: Body::new().arg("value", value) };
            body.items.push(Item::Block(output));
        }
    }
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("main.tf"), print(&body)).unwrap();
    let applied = terraform::run(dir.path(), &["apply", "-auto-approve", "-no-color"]);
    assert!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
    let state = std::fs::read_to_string(dir.path().join("terraform.tfstate")).unwrap();
    let state: serde_json::Value = serde_json::from_str(&state).unwrap();
    let mut n_read = 0;
    for (name, output) in state["outputs"].as_object().unwrap() {
        let (idx, form) = name[1..].split_once('_').unwrap();
        let text = &texts[idx.parse::<usize>().unwrap()];
        let read = output["value"].as_str().unwrap();
        let is_meant = read == text || read == format!("{text}x") || read == format!("{text}\n");
        assert!(is_meant, "{text:?} was read as {read:?} in form {form}");
        n_read += 1;
    }
    assert!(n_read > texts.len());
}
