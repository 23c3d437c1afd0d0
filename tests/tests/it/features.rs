//! A feature owns its whole life: the rest of the compiler, and the other features, know none by name.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use terrane_xtask::Workspace;

/// What is found of one feature in the source of the compiler.
struct Feature {
    name: String,
    /// The key that it adds to topologies.
    key: Option<String>,
    /// Its line in the list.
    line: String,
}

fn compiler(workspace: &Workspace) -> PathBuf {
    workspace.root().join("crates/terrane-compiler")
}

/// Reads the list of features.
fn features(workspace: &Workspace) -> Vec<Feature> {
    let text = fs::read_to_string(compiler(workspace).join("src/features.rs")).unwrap();
    let (_, list) = text.split_once("\nfeatures! {\n").unwrap();
    let (list, _) = list.split_once("\n}\n").unwrap();
    let feature = |line: &str| {
        let words: Vec<&str> = line.split([' ', ',', '{', ':']).filter(|word| !word.is_empty()).collect();
        Feature {
            name: words[0].to_owned(),
            key: line.contains('{').then(|| words[1].to_owned()),
            line: format!("{line}\n"),
        }
    };
    list.lines().map(feature).collect()
}

/// Returns the files of a directory, by their paths in it.
fn sources(dir: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(next) = dirs.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
            } else {
                let name = path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned();
                found.insert(name, fs::read_to_string(path).unwrap());
            }
        }
    }
    found
}

/// Returns the places where a file names a feature, its key, or its module, outside of the tests at its end.
fn named(text: &str, feature: &Feature) -> Vec<String> {
    let product = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let mut patterns = vec![format!("features::{}", feature.name), format!("super::{}", feature.name)];
    patterns.extend(feature.key.iter().map(|key| format!("features.{key}")));
    let is_end = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    let names = |line: &&str| {
        patterns.iter().any(|pattern| {
            line.match_indices(pattern.as_str()).any(|(at, found)| is_end(&line[at + found.len()..]))
        })
    };
    product.lines().filter(names).map(str::to_owned).collect()
}

#[test]
fn a_feature_is_named_in_its_own_files_alone() {
    let workspace = Workspace::find().unwrap();
    let features = features(&workspace);
    assert!(features.len() >= 11, "{} features", features.len());
    let mut wrong = Vec::new();
    for (path, text) in sources(&compiler(&workspace).join("src")) {
        // Random topologies and the networks of proofs are users of the language, as catalogs are.
        if !path.ends_with(".rs") || path == "testing.rs" || path.starts_with("proof/tests") {
            continue;
        }
        for feature in &features {
            let own = format!("features/{}", feature.name);
            if !path.starts_with(&own) {
                wrong.extend(named(&text, feature).into_iter().map(|line| format!("{path}: {line}")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Copies the compiler, takes features out of the copy, file and line, and returns what Cargo says of the rest.
fn check_without(workspace: &Workspace, taken: &[&Feature]) -> Result<(), String> {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    let copy = root.join("crates/terrane-compiler");
    for (path, text) in sources(&compiler(workspace).join("src")) {
        let path = copy.join("src").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    fs::create_dir(copy.join("schema")).unwrap();
    fs::copy(compiler(workspace).join("schema/aws.json"), copy.join("schema/aws.json")).unwrap();
    let manifest = fs::read_to_string(compiler(workspace).join("Cargo.toml")).unwrap();
    let (manifest, _) = manifest.split_once("[dev-dependencies]").unwrap();
    fs::write(copy.join("Cargo.toml"), manifest).unwrap();
    let shared = fs::read_to_string(workspace.root().join("Cargo.toml")).unwrap();
    let crates = workspace.root().join("crates");
    let shared = shared
        .replace(r#"members = ["crates/*", "xtask", "tests"]"#, r#"members = ["crates/terrane-compiler"]"#)
        .replace(r#"path = "crates/"#, &format!("path = \"{}/", crates.display()));
    fs::write(root.join("Cargo.toml"), shared).unwrap();
    fs::copy(workspace.root().join("Cargo.lock"), root.join("Cargo.lock")).unwrap();

    let list = copy.join("src/features.rs");
    let mut text = fs::read_to_string(&list).unwrap();
    for feature in taken {
        text = text.replace(&feature.line, "");
        let own = copy.join("src/features").join(&feature.name);
        fs::remove_file(own.with_extension("rs")).unwrap();
        if own.is_dir() {
            fs::remove_dir_all(own).unwrap();
        }
    }
    fs::write(&list, text).unwrap();

    // What is built of other crates is shared with the workspace.
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace.root().join("target"), PathBuf::from);
    let output = Command::new(env!("CARGO"))
        .args(["check", "--quiet", "--offline", "--package", "terrane-compiler"])
        .current_dir(root)
        .env("CARGO_TARGET_DIR", target)
        .output()
        .unwrap();
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// Nobody outside names a feature, so that the compiler builds without any; and none names another, so that it builds
/// without each.
#[test]
fn the_compiler_builds_without_any_feature_and_without_each() {
    let workspace = Workspace::find().unwrap();
    let features = features(&workspace);
    let all: Vec<&Feature> = features.iter().collect();
    let one_by_one = if terrane_xtask::is_long() { all.as_slice() } else { &[] };
    for taken in std::iter::once(all.clone()).chain(one_by_one.iter().map(|feature| vec![*feature])) {
        let names: Vec<&str> = taken.iter().map(|feature| feature.name.as_str()).collect();
        if let Err(problem) = check_without(&workspace, &taken) {
            panic!("without {}, the compiler does not build:\n{problem}", names.join(", "));
        }
    }
}
