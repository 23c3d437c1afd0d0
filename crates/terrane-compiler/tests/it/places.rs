//! Places of problems in documents of every form.

use serde_json::Value;
use terrane_compiler::declaration::Declaration;
use terrane_compiler::diagnostics::Diagnostics;
use terrane_compiler::document;

fn problems(name: &str, text: &str) -> Diagnostics {
    let read = document::read(name, text);
    let declared = read.and_then(|topology| Declaration::read(&topology));
    declared.map_or_else(|found| found, |declared| declared.warnings)
}

/// Holds the places, the codes, and the marked texts of a document's problems.
#[track_caller]
fn check(name: &str, text: &str, expected: &[&str]) {
    let found = problems(name, text);
    let fields = serde_json::to_value(&found).unwrap();
    let fields = fields.as_array().unwrap().iter().map(|problem| {
        let [path, code] = ["path", "code"].map(|key| problem[key].as_str().unwrap_or("-").to_owned());
        format!("{}:{} {path} {code}", problem["line"], problem["column"])
    });
    let printed = found.to_string();
    let marks = printed.trim_end().split("\n\n").map(marked);
    let problems: Vec<String> =
        fields.zip(marks).map(|(place, marked)| format!("{place} {marked}")).collect();
    assert_eq!(problems, expected, "{printed}");
}

/// Returns the text above the carets of a printed problem.
fn marked(problem: &str) -> String {
    let lines: Vec<&str> = problem.lines().collect();
    let is_mark = |line: &&str| line.trim_start_matches([' ', '|']).starts_with('^');
    let at = lines.iter().position(is_mark).unwrap_or_else(|| panic!("nothing is marked:\n{problem}"));
    let above = lines[at - 1].chars().zip(lines[at].chars());
    above.filter(|(_, mark)| *mark == '^').map(|(above, _)| above).collect()
}

const TIER: &str = "[[tiers]]\nname = \"app\"\naccess = \"private\"\nprefix_length = 24\n";

#[test]
fn a_value_or_a_key_is_marked() {
    let text = format!("name = \"Shop\"\nbase = \"10.0.0.0/16\"\nzones = [\"a\", \"?\"]\nbsae = 1\n{TIER}");
    check(
        "net.toml",
        &text,
        &["1:8 name invalid-name \"Shop\"", "3:15 zones[1] invalid-zone \"?\"", "4:1 bsae unknown-key bsae"],
    );
}

#[test]
fn line_ends_marks_and_characters_of_any_kind_are_counted() {
    let text = format!(
        "\u{feff}name = \"shop\"\r\nbase = \"10.0.0.0/16\"\r\nzones = [\"a\"]\r\ndescription = \"é\" # ü\r\n\
         tags = {{ \"größe\" = \"ok\", \"é!\" = \"x\" }}\r\n{}",
        TIER.replace('\n', "\r\n")
    );
    check("net.toml", &text, &["5:26 tags.é! invalid-tag \"é!\""]);
    let tabs = format!("name = \"shop\"\nbase =\t\"10.0.0.0/16\"\nzones =\t[\t\"ab\" ]\n{TIER}");
    check("net.toml", &tabs, &["3:11 zones[0] invalid-zone \"ab\""]);
}

#[test]
fn tables_in_every_notation_have_places() {
    let dotted =
        "name = \"shop\"\nbase = \"10.0.0.0/16\"\nzones = [\"a\"]\ndns.hostname = true\ndns.support = 1\n";
    check(
        "net.toml",
        &format!("{dotted}{TIER}"),
        &["4:5 dns.hostname unknown-key hostname", "5:15 dns.support wrong-type 1"],
    );
    let inline = "name = \"shop\"\nbase = \"10.0.0.0/16\"\nzones = [\"a\"]\ntiers = [\n  \
                  { name = \"app\", access = \"private\", prefix_length = 30 },\n  { name = \"db\" },\n]\n";
    check(
        "net.toml",
        inline,
        &["5:55 tiers[0].prefix_length tier-prefix-length 30", "6:3 tiers[1] missing-key { name = \"db\" }"],
    );
}

#[test]
fn a_value_over_several_lines_is_marked_where_it_begins() {
    let text = format!("name = \"shop\"\nbase = [\n  \"10.0.0.0/16\",\n]\nzones = [\"a\"]\n{TIER}");
    check("net.toml", &text, &["2:8 base wrong-type ["]);
    let text = format!("name = \"shop\"\nbase = \"\"\"\n10.0.0.0/16\n\"\"\"\nzones = [\"a\"]\n{TIER}");
    check("net.toml", &text, &["2:8 base invalid-range \"\"\""]);
}

#[test]
fn json_has_places_too() {
    let text = r#"{
  "name": "shop",
  "base": "10.0.0.0/16", "zones": ["a", "b\u0063"],
  "tiers": [{ "name": "app", "access": "private", "prefix_length": 30 }],
  "é": 1
}
"#;
    check(
        "net.json",
        text,
        &[
            "3:41 zones[1] invalid-zone \"b\\u0063\"",
            "4:68 tiers[0].prefix_length tier-prefix-length 30",
            "5:3 é unknown-key \"é\"",
        ],
    );
    check("net.json", "{\n  \"name\": \"shop\",\n}\n", &["3:1 - document-syntax }"]);
}

#[test]
fn syntax_is_reported_once_and_any_text_has_an_answer() {
    let text = "name = \"shop\"\ntiers = [\n  { name = \"app\", access = \"private\"\n  { name = \"db\" },\n]\nzones = [\"a\"]\n";
    let found = document::read("net.toml", text).unwrap_err();
    assert_eq!(found.iter().count(), 1, "{found}");
    let odd = [
        "",
        "\u{feff}",
        "=",
        "é",
        "[",
        "a = \"",
        "a = '''\n",
        "\r",
        "[[",
        "{",
        "\0",
        "a = {\n",
        "a.b\n",
        "\u{1f600}",
    ];
    for text in odd {
        for name in ["net.toml", "net.json", ""] {
            let found = document::read(name, text).unwrap_err();
            assert!(!found.to_string().is_empty());
            let _: Value = serde_json::to_value(&found).unwrap();
        }
    }
}

#[test]
fn zones_that_are_misnamed_have_no_consequences() {
    let text = "name = \"shop\"\nbase = \"10.0.0.0/16\"\nzones = [\"us-east-1a\", \"us-east-1b\"]\n\
                [[tiers]]\nname = \"app\"\naccess = \"private\"\nneed = { instances = 20 }\n\
                [[subnet_groups]]\nkind = \"rds\"\ntier = \"app\"\n[eks]\nnodes = \"app\"\n";
    check(
        "net.toml",
        text,
        &[
            "3:10 zones[0] invalid-zone \"us-east-1a\"",
            "3:24 zones[1] invalid-zone \"us-east-1b\"",
            "12:9 eks.nodes eks-nodes-offline \"app\"",
        ],
    );
}
