//! A28: tags of the program and tags of modules are kept apart, and what both publish is described.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use terrane_registry::{MemoryStore, ModuleName, Settings, parse_version};
use terrane_workspace::Release;
use terrane_xtask::Workspace;

fn root() -> PathBuf {
    Workspace::find().unwrap().root().to_owned()
}

/// Reads the patterns under `tags:` of a workflow.
fn patterns(workflow: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(workflow).unwrap();
    let (_, tags) = text.split_once("    tags:\n").unwrap();
    let listed = tags.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    let patterns = listed.map_while(|line| line.strip_prefix("- "));
    patterns.map(|pattern| pattern.trim_matches(['\'', '"']).to_owned()).collect()
}

/// Returns whether a tag starts a workflow: the last pattern that matches decides, and `!` takes back.
fn starts(patterns: &[String], tag: &str) -> bool {
    let tag: Vec<char> = tag.chars().collect();
    patterns.iter().fold(false, |started, pattern| match pattern.strip_prefix('!') {
        Some(pattern) => started && !matches(&pattern.chars().collect::<Vec<_>>(), &tag),
        None => started || matches(&pattern.chars().collect::<Vec<_>>(), &tag),
    })
}

/// Matches by the rules of GitHub's filters: `*` stops at a slash, `**` does not, `?` and `+` repeat what precedes them.
fn matches(pattern: &[char], text: &[char]) -> bool {
    let Some((first, mut rest)) = pattern.split_first() else { return text.is_empty() };
    if *first == '*' {
        let any = rest.first() == Some(&'*');
        let rest = if any { &rest[1..] } else { rest };
        return (0..=text.len())
            .take_while(|n| any || !text[..*n].contains(&'/'))
            .any(|n| matches(rest, &text[n..]));
    }
    let mut set = vec![(*first, *first)];
    if *first == '[' {
        let end = rest.iter().position(|c| *c == ']').unwrap();
        set = rest[..end].chunks(3).map(|range| (range[0], range[range.len() - 1])).collect();
        rest = &rest[end + 1..];
    }
    let is_in = |c: &char| set.iter().any(|(low, high)| (low..=high).contains(&c));
    let (least, most) = match rest.first() {
        Some('+') => (1, text.len()),
        Some('?') => (0, 1),
        _ => (1, 1),
    };
    let rest = if matches!(rest.first(), Some('+' | '?')) { &rest[1..] } else { rest };
    let run = text.iter().take(most).take_while(|c| is_in(c)).count();
    (least..=run).any(|n| matches(rest, &text[n..]))
}

#[test]
fn patterns_match_as_on_github() {
    let starts = |pattern: &str, tag: &str| starts(&[pattern.to_owned()], tag);
    assert!(starts("v[0-9]+.[0-9]+*", "v1.20.3-rc.1") && !starts("v[0-9]+.[0-9]+*", "v1x2"));
    assert!(starts("*.js", "a.js") && !starts("*.js", "a/b.js") && starts("**.js", "a/b.js"));
    assert!(starts("ab?c", "ac") && starts("ab?c", "abc") && !starts("ab?c", "abbc"));
}

/// Without the namespace, a module's tag would start a release of the program.
#[test]
fn a28_a_tag_starts_one_workflow() {
    let workflows = root().join(".github/workflows");
    let program = patterns(&workflows.join("terrane-v-release.yml"));
    let modules = patterns(&workflows.join("publish-modules.yml"));
    let settings = Settings::new("modules.example.test", "acme").unwrap();
    let mut names: Vec<String> = terrane_catalog::all().into_iter().map(|topology| topology.name).collect();
    // cargo-dist's pattern takes `terrane-vpc-v1.0.0` too, and no pattern of its own can be given to it.
    assert!(names.iter().all(|name| !name.starts_with("terrane-v")), "{names:?}");
    names.extend(["v1", "terrane-network", "net-v2", "topology"].map(str::to_owned));
    for name in names {
        let module = ModuleName::new("acme", &name, "aws").unwrap();
        let release = Release::new(&root(), module, Arc::new(MemoryStore::default()), settings.clone());
        for version in ["0.1.0", "1.0.0", "10.20.30", "2.0.0-rc.1"] {
            let tag = release.tag(&parse_version(version).unwrap());
            assert!(starts(&modules, &tag) && !starts(&program, &tag), "{tag}");
        }
    }
    for tag in ["terrane-v0.1.0", "terrane-v1.20.3", "terrane-v2.0.0-rc.1"] {
        assert!(starts(&program, tag) && !starts(&modules, tag), "{tag}");
    }
    for tag in ["v1.0.0", "1.0.0", "nightly"] {
        assert!(!starts(&program, tag) && !starts(&modules, tag), "{tag}");
    }
}

#[test]
fn every_published_crate_is_described_and_shares_no_name_with_a_module() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let modules = terrane_catalog::all();
    let mut n_published = 0;
    for package in packages {
        let name = package["name"].as_str().unwrap();
        assert!(modules.iter().all(|topology| topology.name != name), "{name}");
        if package["publish"].is_array() {
            continue;
        }
        n_published += 1;
        for field in ["description", "license", "repository", "homepage", "readme"] {
            assert!(package[field].as_str().is_some_and(|text| !text.is_empty()), "{name} has no {field}");
        }
        let n_keywords = package["keywords"].as_array().unwrap().len();
        assert!((1..=5).contains(&n_keywords), "{name} has {n_keywords} keywords");
        for dependency in package["dependencies"].as_array().unwrap() {
            // A development dependency on itself is left out of the package.
            let itself = dependency["name"] == package["name"];
            let ours = dependency["path"].is_string() && !itself;
            assert!(!ours || dependency["req"] != "*", "{name}: {} has no version", dependency["name"]);
        }
    }
    assert!(n_published >= 8, "{n_published}");
}

/// A tag of an action can be moved to other code, a commit cannot: in every workflow, also in those for new workspaces.
#[test]
fn every_action_is_named_by_its_commit() {
    let mut files = vec![root().join("crates/terrane/src/new/ci.yml.in")];
    let workflows = std::fs::read_dir(root().join(".github/workflows")).unwrap();
    files.extend(workflows.map(|entry| entry.unwrap().path()));
    let mut n_actions = 0;
    for file in files {
        for line in std::fs::read_to_string(&file).unwrap().lines() {
            let Some((_, action)) = line.split_once("uses:") else { continue };
            let action = action.split('#').next().unwrap_or_default().trim().trim_matches('"');
            // A workflow of this repository is of the same commit.
            if action.starts_with("./") {
                continue;
            }
            let commit = action.split_once('@').map_or("", |(_, commit)| commit);
            let is_commit = commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
            assert!(is_commit, "{}: {action}", file.display());
            n_actions += 1;
        }
    }
    assert!(n_actions > 20, "{n_actions}");
}

/// Every command of a workflow that resolves dependencies takes those of the lock file.
#[test]
fn workflows_build_what_the_lock_file_says() {
    for entry in std::fs::read_dir(root().join(".github/workflows")).unwrap() {
        let path = entry.unwrap().path();
        // That of cargo-dist is not ours to write, and builds with `--locked` by itself.
        if path.ends_with("terrane-v-release.yml") {
            continue;
        }
        for line in std::fs::read_to_string(&path).unwrap().lines() {
            let runs =
                ["cargo build", "cargo run", "cargo test", "cargo install", "cargo deny", "cargo xtask"];
            if runs.iter().any(|run| line.contains(run)) && !line.trim_start().starts_with('#') {
                assert!(line.contains("--locked"), "{}: {line}", path.display());
            }
        }
    }
}
