//! The command line as programs and manuals see it.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Output};

fn terrane(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_terrane")).args(arguments).output().unwrap()
}

#[track_caller]
fn printed(arguments: &[&str]) -> String {
    let output = terrane(arguments);
    assert!(output.status.success(), "{arguments:?}\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Returns the commands that a help text lists.
fn commands(arguments: &[&str]) -> BTreeSet<String> {
    let help = printed(arguments);
    let Some((_, list)) = help.split_once("Commands:\n") else { return BTreeSet::new() };
    let lines = list.lines().take_while(|line| !line.is_empty());
    let names = lines.filter_map(|line| line.strip_prefix("  ")?.split(' ').next().map(str::to_owned));
    names.filter(|name| !name.is_empty() && name != "help").collect()
}

#[test]
fn every_shell_is_told_every_command() {
    let all = commands(&["-h"]);
    assert!(all.len() > 8, "{all:?}");
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = printed(&["completions", shell]);
        for command in &all {
            assert!(script.contains(command.as_str()), "{shell}: {command}");
        }
        assert!(script.contains("allow-destroy"), "{shell}");
    }
    assert_eq!(terrane(&["completions", "tcsh"]).status.code(), Some(2));
}

#[test]
fn every_command_has_a_manual_page() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().join("share/man1");
    printed(&["man", &place.display().to_string()]);
    let mut expected = BTreeSet::from(["terrane.1".to_owned()]);
    for command in commands(&["-h"]) {
        expected.extend(commands(&[&command, "-h"]).iter().map(|own| format!("terrane-{command}-{own}.1")));
        expected.insert(format!("terrane-{command}.1"));
    }
    let names = fs::read_dir(&place).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(names.collect::<BTreeSet<_>>(), expected);
    let page = fs::read_to_string(place.join("terrane-compile.1")).unwrap();
    assert!(page.starts_with(".ie") && page.contains(".TH terrane-compile 1"), "{page}");
    assert!(page.contains("allow\\-destroy"), "{page}");
}

#[test]
fn the_version_names_its_commit() {
    let text = printed(&["--version"]);
    let (version, built) = text.trim().split_once(" (").unwrap();
    assert_eq!(version, concat!("terrane ", env!("CARGO_PKG_VERSION")));
    let (commit, day) = built.trim_end_matches(')').split_once(' ').unwrap();
    assert!(commit.len() >= 9 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()), "{text}");
    assert_eq!(day.split('-').map(str::len).collect::<Vec<_>>(), [4, 2, 2], "{text}");
}
