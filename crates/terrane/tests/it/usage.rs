//! The command line as programs and manuals see it.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};

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

const SHOP: &str = "name = \"shop\"\nbase = \"172.17.0.0/16\"\nzones = [\"a\", \"b\"]\n\n[[tiers]]\nname = \"app\"\naccess = \"private\"\nprefix_length = 24\n";

/// Runs the program with a text as its standard input and settings of colours; returns what it printed, and its code.
fn with_input(arguments: &[&str], input: &[u8], settings: &[(&str, &str)]) -> (String, String, Option<i32>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_terrane"));
    command
        .args(arguments)
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR_FORCE")
        .envs(settings.iter().copied());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr), output.status.code())
}

#[test]
fn a_topology_comes_from_standard_input() {
    let directory = tempfile::tempdir().unwrap();
    let module = directory.path().join("module").display().to_string();
    let (_, stderr, code) = with_input(&["compile", "-", "-o", &module], SHOP.as_bytes(), &[]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stderr.contains("<stdin>:2:8 (base)"), "{stderr}");
    let json = r#"{"name": "shop", "base": "10.0.0.0/16", "zones": ["a"], "tiers": []}"#;
    let (_, stderr, code) = with_input(&["prove", "-"], json.as_bytes(), &[]);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("error[no-tiers]") && stderr.contains("`<stdin>` is not a network"), "{stderr}");
}

#[test]
fn texts_that_are_none_are_refused_with_their_line() {
    for (input, words) in [
        (b"name = \"shop\"\n# \xe4\n".as_slice(), "line 2 has the byte 0xe4; save it as UTF-8"),
        (b"\xff\xfen\0a\0".as_slice(), "it is UTF-16; save it as UTF-8"),
    ] {
        let (_, stderr, code) = with_input(&["prove", "-"], input, &[]);
        assert_eq!(code, Some(1), "{stderr}");
        assert!(stderr.contains(words), "{stderr}");
    }
    let (_, stderr, code) = with_input(&["prove", "shop.yaml"], b"", &[]);
    assert_eq!(code, Some(1));
    assert!(
        stderr.contains("ends in .yaml, but a topology is TOML or JSON; name it `shop.toml`"),
        "{stderr}"
    );
}

#[test]
fn colours_are_for_terminals_and_for_those_who_ask() {
    let prove = |settings: &[(&str, &str)]| {
        let (stdout, stderr, _) = with_input(&["prove", "-"], SHOP.as_bytes(), settings);
        (stdout.contains('\u{1b}'), stderr.contains('\u{1b}'))
    };
    assert_eq!(prove(&[]), (false, false));
    assert_eq!(prove(&[("CLICOLOR_FORCE", "1")]), (true, true));
    assert_eq!(prove(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]), (false, false));
}

#[test]
fn the_quiet_hear_only_what_is_wrong() {
    let directory = tempfile::tempdir().unwrap();
    let module = directory.path().join("module").display().to_string();
    let compile = ["compile", "-", "-o", &module, "--quiet"];
    let (stdout, stderr, code) = with_input(&compile, SHOP.as_bytes(), &[]);
    assert_eq!((stdout.as_str(), stderr.as_str(), code), ("", "", Some(0)));
    let (_, stderr, code) = with_input(&compile, SHOP.replace("24", "30").as_bytes(), &[]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("error[tier-prefix-length]") && !stderr.contains("warning["), "{stderr}");
    let (stdout, stderr, _) = with_input(&["-q", "prove", "-"], SHOP.as_bytes(), &[]);
    assert!(
        stdout.lines().count() == 1 && stdout.starts_with("shop: ") && stderr.is_empty(),
        "{stdout}{stderr}"
    );
}

#[test]
fn a_proof_begins_with_its_sum_and_what_is_wrong() {
    let (stdout, _, _) = with_input(&["prove", "-"], SHOP.as_bytes(), &[]);
    let lines: Vec<&str> = stdout.lines().collect();
    assert!(lines[0].starts_with("shop: ") && lines[0].ends_with(" 0 refuted"), "{stdout}");
    let of = |status: &str| lines[3..].iter().position(|line| line.starts_with(status));
    let (residual, proved) = (of("RESIDUAL"), of("PROVED"));
    assert!(proved.is_some() && (residual.is_none() || residual < proved), "{stdout}");

    let (stdout, _, _) = with_input(&["prove", "-", "--only", "proved,p6"], SHOP.as_bytes(), &[]);
    let verdicts: Vec<&str> = stdout.lines().skip(3).filter(|line| !line.starts_with(' ')).collect();
    assert!(!verdicts.is_empty() && verdicts.iter().all(|line| line.starts_with("PROVED   P6 ")), "{stdout}");
    let (_, stderr, code) = with_input(&["prove", "-", "--only", "p99"], SHOP.as_bytes(), &[]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("take some of refuted, unknown, residual, proved, P1"), "{stderr}");
}

#[test]
fn the_first_topology_compiles_as_it_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let (file, module) = (path("shop.toml"), path("modules/shop"));
    let (_, stderr, code) = with_input(&["init", &file], b"", &[]);
    assert_eq!(code, Some(0), "{stderr}");
    let (_, stderr, code) = with_input(&["compile", &file, "-o", &module], b"", &[]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(!stderr.contains("warning") && fs::exists(path("modules/shop/vpc.tf")).unwrap(), "{stderr}");
    let (_, stderr, code) = with_input(&["init", &file], b"", &[]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("exists; name another file"), "{stderr}");
    let (_, stderr, code) = with_input(&["init", &path("Web Shop.toml")], b"", &[]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("--name") && !fs::exists(path("Web Shop.toml")).unwrap(), "{stderr}");
    let (_, _, code) = with_input(&["init", &path("Web Shop.toml"), "--name", "web-shop"], b"", &[]);
    assert_eq!(code, Some(0));
}

#[test]
fn problems_of_a_compilation_are_sarif() {
    let wrong = SHOP.replace("24", "30");
    let (stdout, _, code) = with_input(&["compile", "-", "-o", "unused", "--sarif"], wrong.as_bytes(), &[]);
    assert_eq!(code, Some(1));
    let sarif: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    let driver = &sarif["runs"][0]["tool"]["driver"];
    assert_eq!(driver["version"], env!("CARGO_PKG_VERSION"), "{driver}");
    assert!(driver["informationUri"].as_str().is_some_and(|uri| uri.starts_with("https://")), "{driver}");
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert!(results.iter().any(|result| result["ruleId"] == "tier-prefix-length"), "{stdout}");
}
