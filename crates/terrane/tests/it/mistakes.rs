//! Mistakes of those who write topologies: each names the thing, the value, the bound, the cure, and the line.

use std::fs;
use std::process::Command;

/// A topology that compiles.
const GOOD: &str = r#"name = "shop"
base = "10.0.0.0/16"
zones = ["a", "b", "c"]
egress = { nat = "per-zone" }
tiers = [
  { name = "pub", access = "public", prefix_length = 24 },
  { name = "app", access = "private", prefix_length = 20 },
  { name = "db", access = "private", prefix_length = 24 },
]
flows = [
  { from = "internet", to = "pub", ports = [443] },
  { from = "pub", to = "app", ports = [8080] },
  { from = "app", to = "db", ports = [5432] },
]
"#;

/// A mistake, by the text that it replaces; the line that it is told of; and words that are said of it.
struct Mistake {
    good: &'static str,
    bad: &'static str,
    line: usize,
    says: &'static [&'static str],
}

const fn mistake(
    good: &'static str,
    bad: &'static str,
    line: usize,
    says: &'static [&'static str],
) -> Mistake {
    Mistake { good, bad, line, says }
}

const MISTAKES: [Mistake; 27] = [
    mistake("egress", "keepclear = []\negress", 4, &["`keepclear`", "did you mean `keep_clear`?"]),
    mistake("access = \"public\"", "acces = \"public\"", 6, &["`acces`", "did you mean `access`?"]),
    mistake("\"public\"", "\"publik\"", 6, &["`publik`", "did you mean `public`?"]),
    mistake(
        "= 20",
        "= \"20\"",
        7,
        &["\"20\"", "a whole number from 16 to 28", "without quotes: `prefix_length = 20`"],
    ),
    mistake(
        "= 20",
        "= \"/20\"",
        7,
        &["\"/20\"", "a whole number from 16 to 28", "without quotes: `prefix_length = 20`"],
    ),
    mistake("10.0.0.0/16", "10.0.5.0/16", 2, &["10.0.5.0/16", "10.0.0.0/16"]),
    mistake(
        "egress",
        "keep_clear = [{ name = \"office\", cidr = \"10.0.0.0/8\" }]\negress",
        2,
        &["10.0.0.0/16", "10.0.0.0/8"],
    ),
    mistake(
        "10.0.0.0/16",
        "10.0.0.0/22",
        7,
        &["10.0.0.0/22", "needs 4 × /20", "a shorter one for the range"],
    ),
    mistake("[443]", "443", 11, &["cannot be 443", "expected a list", "in brackets: `ports = [443]`"]),
    mistake("[443]", "[\"443:445\"]", 11, &["`443:445`", "from 0 to 65535", "30000-32767"]),
    mistake("[443]", "[\"https\"]", 11, &["`https`", "from 0 to 65535"]),
    mistake("[443]", "[70000]", 11, &["70000", "65535"]),
    mistake("[443]", "[\"445-443\"]", 11, &["445-443"]),
    mistake(
        "\"a\", \"b\", \"c\"",
        "\"us-east-1a\", \"b\", \"c\"",
        3,
        &["`us-east-1a`", "one letter from a to z"],
    ),
    mistake("\"a\", \"b\", \"c\"", "\"A\", \"b\", \"c\"", 3, &["`A`", "one letter from a to z"]),
    mistake("\"a\", \"b\", \"c\"", "\"a\", \"b\", \"a\"", 3, &["`a`"]),
    mistake("\"db\", access", "\"app\", access", 8, &["`app`"]),
    mistake("= 20", "= 99999999999999999999999", 7, &["99999999999999999999999", "from 16 to 28"]),
    mistake("= 20", "= 300", 7, &["300", "from 16 to 28"]),
    mistake("= 20", "= -1", 7, &["-1", "from 16 to 28"]),
    mistake("= 20", "= 30", 7, &["/30", "from 16 to 28"]),
    mistake("to = \"db\"", "to = \"bd\"", 13, &["`bd`", "`db`"]),
    mistake("\"shop\"", "\"Globex_Net\"", 1, &["`Globex_Net`"]),
    mistake("10.0.0.0/16", "8.8.0.0/16", 2, &["8.8.0.0/16"]),
    mistake("\"per-zone\"", "\"per_zone\"", 4, &["`per_zone`", "per-zone"]),
    mistake("ports = [443] }", "ports = [443], protocol = \"TCP\" }", 11, &["`TCP`", "known are `tcp`"]),
    mistake("= 20 }", "= 20", 8, &["the document is not TOML"]),
];

#[test]
fn each_mistake_is_told_with_all_that_helps() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("net.toml");
    let mut failures = Vec::new();
    for Mistake { good, bad, line, says } in MISTAKES {
        assert!(GOOD.contains(good), "{good}");
        fs::write(&file, GOOD.replacen(good, bad, 1)).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_terrane"))
            .args(["compile", "net.toml", "-o", "module"])
            .current_dir(directory.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let place = format!("--> net.toml:{line}:");
        let missing: Vec<&str> =
            says.iter().copied().chain([&*place]).filter(|words| !said.contains(words)).collect();
        if output.status.code() != Some(1) || !missing.is_empty() {
            failures.push(format!("{good} → {bad}: {:?} lacks {missing:?}\n{said}", output.status.code()));
        }
        assert!(!directory.path().join("module/vpc.tf").exists(), "{bad}: nothing is written");
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
