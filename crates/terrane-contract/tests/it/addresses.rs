//! Address rules, each confirmed by what Terraform plans over a state of the old version.

use std::path::Path;
use std::process::Command;

use terrane_contract::{Bump, Contract, diff};

/// One change of addresses.
pub(crate) struct Case {
    pub(crate) old: &'static [(&'static str, &'static str)],
    pub(crate) new: &'static [(&'static str, &'static str)],
    pub(crate) rules: &'static [&'static str],
    pub(crate) bump: Bump,
    /// What Terraform plans.
    plan: Plan,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Plan {
    /// So many instances of the old state are destroyed.
    Destroys(usize),
    /// Terraform refuses the configuration.
    Refused,
}

macro_rules! main {
    ($text:literal) => {
        &[("main.tf", $text)]
    };
}

const SUB: (&str, &str) = ("modules/s/main.tf", "resource \"terraform_data\" \"a\" {}\n");
const EMPTY_SUB: (&str, &str) = ("modules/s/main.tf", "locals {}\n");

pub(crate) const CASES: &[Case] = &[
    Case {
        old: main!("resource \"terraform_data\" \"a\" {}\n"),
        new: main!("locals {\n  x = 1\n}\noutput \"x\" {\n  value = 1\n}\n"),
        rules: &["O02", "R01"],
        bump: Bump::Major,
        plan: Plan::Destroys(1),
    },
    Case {
        old: main!("resource \"terraform_data\" \"a\" {}\n"),
        new: main!("removed {\n  from = terraform_data.a\n  lifecycle {\n    destroy = false\n  }\n}\n"),
        rules: &["R02"],
        bump: Bump::Major,
        plan: Plan::Destroys(0),
    },
    Case {
        old: main!("resource \"terraform_data\" \"a\" {}\n"),
        new: main!(
            "resource \"terraform_data\" \"b\" {}\nmoved {\n  from = terraform_data.a\n  to   = terraform_data.b\n}\n"
        ),
        rules: &["R03"],
        bump: Bump::Minor,
        plan: Plan::Destroys(0),
    },
    Case {
        old: main!("resource \"terraform_data\" \"a\" {}\n"),
        new: main!("resource \"terraform_data\" \"b\" {}\n"),
        rules: &["R04", "R13"],
        bump: Bump::Major,
        plan: Plan::Destroys(1),
    },
    Case {
        old: main!("resource \"terraform_data\" \"a\" {}\n"),
        new: main!("resource \"terraform_data\" \"a\" {\n  count = 2\n}\n"),
        rules: &["R05"],
        bump: Bump::Minor,
        plan: Plan::Destroys(0),
    },
    Case {
        old: main!("resource \"terraform_data\" \"a\" {\n  count = true ? 1 : 0\n}\n"),
        new: main!("resource \"terraform_data\" \"a\" {}\n"),
        rules: &["R05"],
        bump: Bump::Minor,
        plan: Plan::Destroys(0),
    },
    Case {
        old: main!("resource \"terraform_data\" \"a\" {}\n"),
        new: main!("resource \"terraform_data\" \"a\" {\n  for_each = toset([\"x\"])\n}\n"),
        rules: &["R06"],
        bump: Bump::Major,
        plan: Plan::Destroys(1),
    },
    Case {
        old: main!("resource \"terraform_data\" \"a\" {}\n"),
        new: main!(
            "resource \"terraform_data\" \"a\" {\n  for_each = toset([\"x\"])\n}\nmoved {\n  from = terraform_data.a\n  to   = terraform_data.a[\"x\"]\n}\n"
        ),
        rules: &["R06"],
        bump: Bump::Minor,
        plan: Plan::Destroys(0),
    },
    Case {
        old: main!("resource \"terraform_data\" \"a\" {\n  count = 2\n}\n"),
        new: main!(
            "resource \"terraform_data\" \"a\" {\n  for_each = toset([\"x\", \"y\"])\n}\nmoved {\n  from = terraform_data.a[0]\n  to   = terraform_data.a[\"x\"]\n}\nmoved {\n  from = terraform_data.a[1]\n  to   = terraform_data.a[\"y\"]\n}\n"
        ),
        rules: &["R06", "R06"],
        bump: Bump::Minor,
        plan: Plan::Destroys(0),
    },
    Case {
        old: main!("resource \"terraform_data\" \"a\" {\n  for_each = toset([\"x\", \"y\"])\n}\n"),
        new: main!("resource \"terraform_data\" \"a\" {\n  for_each = toset([\"x\", \"z\"])\n}\n"),
        rules: &["R07"],
        bump: Bump::Major,
        plan: Plan::Destroys(1),
    },
    Case {
        old: main!("resource \"terraform_data\" \"a\" {\n  count = 2\n}\n"),
        new: main!("resource \"terraform_data\" \"a\" {}\n"),
        rules: &["R05", "R07"],
        bump: Bump::Major,
        plan: Plan::Destroys(1),
    },
    Case {
        old: main!("resource \"terraform_data\" \"a\" {}\n"),
        new: &[("main.tf", "module \"s\" {\n  source = \"./modules/s\"\n}\n"), SUB],
        rules: &["R08", "R13"],
        bump: Bump::Major,
        plan: Plan::Destroys(1),
    },
    Case {
        old: main!("resource \"terraform_data\" \"a\" {}\n"),
        new: &[
            (
                "main.tf",
                "module \"s\" {\n  source = \"./modules/s\"\n}\nmoved {\n  from = terraform_data.a\n  to   = module.s.terraform_data.a\n}\n",
            ),
            SUB,
        ],
        rules: &["R08"],
        bump: Bump::Minor,
        plan: Plan::Destroys(0),
    },
    Case {
        old: &[("main.tf", "module \"s\" {\n  source = \"./modules/s\"\n  count  = 2\n}\n"), SUB],
        new: &[
            (
                "main.tf",
                "module \"t\" {\n  source = \"./modules/s\"\n  count  = 2\n}\nmoved {\n  from = module.s\n  to   = module.t\n}\n",
            ),
            (
                "modules/s/main.tf",
                "resource \"terraform_data\" \"b\" {}\nmoved {\n  from = terraform_data.a\n  to   = terraform_data.b\n}\n",
            ),
        ],
        rules: &["R08", "R08"],
        bump: Bump::Minor,
        plan: Plan::Destroys(0),
    },
    Case {
        old: main!("resource \"terraform_data\" \"a\" {}\n"),
        new: main!("resource \"terracurl_data\" \"a\" {}\n"),
        rules: &["R09", "R13"],
        bump: Bump::Major,
        // The other provider does not exist.
        plan: Plan::Refused,
    },
    Case {
        old: main!(
            "resource \"terraform_data\" \"b\" {}\nmoved {\n  from = terraform_data.a\n  to   = terraform_data.b\n}\n"
        ),
        new: main!(
            "resource \"terraform_data\" \"c\" {}\nmoved {\n  from = terraform_data.b\n  to   = terraform_data.c\n}\n"
        ),
        rules: &["R03", "R10"],
        bump: Bump::Major,
        // The state here is of the version that declared `b`; see the test below for one of `a`.
        plan: Plan::Destroys(0),
    },
    Case {
        old: main!(
            "resource \"terraform_data\" \"b\" {}\nmoved {\n  from = terraform_data.a\n  to   = terraform_data.b\n}\n"
        ),
        new: main!(
            "resource \"terraform_data\" \"c\" {}\nmoved {\n  from = terraform_data.b\n  to   = terraform_data.c\n}\nmoved {\n  from = terraform_data.a\n  to   = terraform_data.b\n}\n"
        ),
        rules: &["R03"],
        bump: Bump::Minor,
        plan: Plan::Destroys(0),
    },
    Case {
        old: main!("resource \"terraform_data\" \"a\" {}\n"),
        new: main!(
            "resource \"terraform_data\" \"a\" {}\nresource \"terraform_data\" \"b\" {}\nmoved {\n  from = terraform_data.a\n  to   = terraform_data.b\n}\n"
        ),
        rules: &["R03", "R11"],
        bump: Bump::Refused,
        plan: Plan::Refused,
    },
    Case {
        old: main!("resource \"terraform_data\" \"a\" {}\n"),
        new: main!(
            "resource \"terraform_data\" \"b\" {}\nresource \"terraform_data\" \"c\" {}\nmoved {\n  from = terraform_data.a\n  to   = terraform_data.b\n}\nmoved {\n  from = terraform_data.a\n  to   = terraform_data.c\n}\n"
        ),
        rules: &["R03", "R11", "R13"],
        bump: Bump::Refused,
        plan: Plan::Refused,
    },
    Case {
        old: main!("resource \"terraform_data\" \"z\" {}\n"),
        new: main!(
            "resource \"terraform_data\" \"z\" {}\nmoved {\n  from = terraform_data.a\n  to   = terraform_data.b\n}\nmoved {\n  from = terraform_data.b\n  to   = terraform_data.a\n}\n"
        ),
        rules: &["R11", "R11"],
        bump: Bump::Refused,
        plan: Plan::Refused,
    },
    Case {
        old: main!("resource \"terraform_data\" \"a\" {}\n"),
        new: main!("moved {\n  from = terraform_data.a\n  to   = terraform_data.b\n}\n"),
        rules: &["R12"],
        bump: Bump::Major,
        plan: Plan::Destroys(1),
    },
    Case {
        old: &[("main.tf", "module \"s\" {\n  source = \"./modules/s\"\n}\n"), SUB],
        new: &[("main.tf", "module \"s\" {\n  source = \"./modules/s\"\n}\n"), EMPTY_SUB],
        rules: &["R01"],
        bump: Bump::Major,
        plan: Plan::Destroys(1),
    },
];

fn read(files: &[(&str, &str)]) -> Contract {
    Contract::from_files("m", files.iter().copied()).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn address_changes_fire_their_rules() {
    for case in CASES {
        let diff = diff(&read(case.old), &read(case.new));
        let mut found: Vec<&str> = diff.findings.iter().map(|finding| finding.rule.as_str()).collect();
        found.sort_unstable();
        assert_eq!(found, case.rules, "{:?}\n{:#?}", case.new, diff.findings);
        assert_eq!(diff.required_bump, case.bump, "{:?}", case.new);
    }
}

/// Terraform in a directory of its own, which needs no network: the provider is built in.
fn terraform(directory: &Path, arguments: &[&str]) -> Option<std::process::Output> {
    let output = Command::new("terraform")
        .args(arguments)
        .current_dir(directory)
        .env("CHECKPOINT_DISABLE", "1")
        .env("TF_IN_AUTOMATION", "1")
        .env("TF_CLI_CONFIG_FILE", directory.join("terraformrc"))
        .output();
    match output {
        Ok(output) => Some(output),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && std::env::var_os("CI").is_none() => {
            eprintln!("skipped: terraform not found");
            None
        }
        Err(error) => panic!("terraform cannot be run: {error}"),
    }
}

fn write(directory: &Path, files: &[(&str, &str)]) {
    for stale in ["main.tf", "modules/s/main.tf"] {
        let _ = std::fs::remove_file(directory.join(stale));
    }
    std::fs::write(
        directory.join("terraformrc"),
        "provider_installation {\n  filesystem_mirror {\n    path = \"/nonexistent\"\n  }\n}\n",
    )
    .expect("the directory is writable");
    for (name, text) in files {
        let path = directory.join(name);
        std::fs::create_dir_all(path.parent().expect("a file has a directory"))
            .expect("the directory is writable");
        std::fs::write(path, text).expect("the directory is writable");
    }
}

fn apply(directory: &Path, files: &[(&str, &str)]) -> Option<()> {
    write(directory, files);
    for arguments in [&["init", "-input=false"][..], &["apply", "-auto-approve", "-input=false"]] {
        let output = terraform(directory, arguments)?;
        assert!(
            output.status.success(),
            "{arguments:?} {files:?}\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Some(())
}

fn plan(directory: &Path, files: &[(&str, &str)]) -> Option<Plan> {
    write(directory, files);
    if !terraform(directory, &["init", "-input=false"])?.status.success() {
        return Some(Plan::Refused);
    }
    let output = terraform(directory, &["plan", "-input=false", "-out=plan.bin"])?;
    if !output.status.success() {
        return Some(Plan::Refused);
    }
    let shown = terraform(directory, &["show", "-json", "plan.bin"])?;
    let plan: serde_json::Value = serde_json::from_slice(&shown.stdout).expect("a plan in JSON");
    let changes = plan["resource_changes"].as_array().cloned().unwrap_or_default();
    let destroys = changes.iter().filter(|change| {
        change["change"]["actions"]
            .as_array()
            .is_some_and(|actions| actions.iter().any(|action| action == "delete"))
    });
    Some(Plan::Destroys(destroys.count()))
}

#[test]
fn terraform_destroys_what_the_rules_predict() {
    for case in CASES {
        let directory = tempfile::tempdir().unwrap();
        if apply(directory.path(), case.old).is_none() {
            return;
        }
        assert_eq!(plan(directory.path(), case.new), Some(case.plan), "{:?} => {:?}", case.old, case.new);
    }
}

/// R10: who still has `a` in the state loses it when `a` to `b` is dropped from the chain.
#[test]
fn a_dropped_move_destroys_for_those_who_skipped_a_version() {
    let first = &[("main.tf", "resource \"terraform_data\" \"a\" {}\n")][..];
    for (case, expected) in [("R10", 1), ("R03", 0)] {
        let directory = tempfile::tempdir().unwrap();
        if apply(directory.path(), first).is_none() {
            return;
        }
        let third = CASES
            .iter()
            .find(|found| {
                found.rules.contains(&"R03")
                    && found.rules.contains(&"R10") == (case == "R10")
                    && found.old[0].1.contains("moved")
            })
            .expect("the table holds the case");
        assert_eq!(plan(directory.path(), third.new), Some(Plan::Destroys(expected)), "{case}");
    }
}
