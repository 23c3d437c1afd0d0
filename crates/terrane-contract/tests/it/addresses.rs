//! Address rules, each confirmed by what Terraform plans over a state of the old version.

use std::path::Path;
use std::process::Command;

use terrane_contract::{Bump, Checkout};

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
    /// So many instances of the old state are changed where they stand, and none is destroyed.
    Changes(usize),
    /// Terraform refuses the configuration.
    Refused,
}

macro_rules! main {
    ($text:literal) => {
        &[("main.tf", $text)]
    };
}

const SUB: (&str, &str) = ("modules/s/main.tf", "resource \"terraform_data\" \"a\" {}\n");
const INPUT_SUB: (&str, &str) = (
    "modules/s/main.tf",
    "variable \"n\" {\n  default = 1\n}\nresource \"terraform_data\" \"a\" {\n  input = var.n\n}\noutput \"o\" {\n  value = 1\n}\n",
);
const OTHER_OUTPUT_SUB: (&str, &str) = (
    "modules/s/main.tf",
    "variable \"n\" {\n  default = 1\n}\nresource \"terraform_data\" \"a\" {\n  input = var.n\n}\noutput \"o\" {\n  value = 1 + 1\n}\n",
);
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
        rules: &["R05", "R13"],
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
        rules: &["R06", "R13"],
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
        rules: &["R07", "R13"],
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
        new: main!(
            "resource \"terracurl_data\" \"a\" {}\nmoved {\n  from = terraform_data.a\n  to   = terracurl_data.a\n}\n"
        ),
        rules: &["R09"],
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
    // Keys through local values.
    Case {
        old: main!("locals {\n  n = 2\n}\nresource \"terraform_data\" \"a\" {\n  count = local.n\n}\n"),
        new: main!("locals {\n  n = 1\n}\nresource \"terraform_data\" \"a\" {\n  count = local.n\n}\n"),
        rules: &["R07"],
        bump: Bump::Major,
        plan: Plan::Destroys(1),
    },
    Case {
        old: main!(
            "locals {\n  m = { x = 1, y = 2 }\n}\nresource \"terraform_data\" \"a\" {\n  for_each = local.m\n}\n"
        ),
        new: main!(
            "locals {\n  m = { x = 1, z = 2 }\n}\nresource \"terraform_data\" \"a\" {\n  for_each = local.m\n}\n"
        ),
        rules: &["R07", "R13"],
        bump: Bump::Major,
        plan: Plan::Destroys(1),
    },
    // The same keys, written otherwise.
    Case {
        old: main!(
            "resource \"terraform_data\" \"a\" {\n  for_each = toset([\"x\", \"y\"])\n  input    = each.value\n}\n"
        ),
        new: main!(
            "locals {\n  all = [\"y\", \"x\", \"z\"]\n}\nresource \"terraform_data\" \"a\" {\n  for_each = { for k in local.all : \"${k}\" => k if k != \"z\" }\n  input    = each.value\n}\n"
        ),
        rules: &["D01"],
        bump: Bump::Patch,
        plan: Plan::Changes(0),
    },
    // Whether the keys are the same depends on the callers: with this default one is destroyed, with the next none.
    Case {
        old: main!(
            "variable \"m\" {\n  default = { x = \"1\", y = \"2\" }\n}\nresource \"terraform_data\" \"a\" {\n  for_each = { for k, v in var.m : k => v }\n}\n"
        ),
        new: main!(
            "variable \"m\" {\n  default = { x = \"1\", y = \"2\" }\n}\nresource \"terraform_data\" \"a\" {\n  for_each = { for k, v in var.m : k => v if v != \"1\" }\n}\n"
        ),
        rules: &["U03"],
        bump: Bump::Minor,
        plan: Plan::Destroys(1),
    },
    Case {
        old: main!(
            "variable \"m\" {\n  default = { x = \"1\", y = \"2\" }\n}\nresource \"terraform_data\" \"a\" {\n  for_each = { for k, v in var.m : k => v }\n}\n"
        ),
        new: main!(
            "variable \"m\" {\n  default = { x = \"1\", y = \"2\" }\n}\nresource \"terraform_data\" \"a\" {\n  for_each = { for k, v in var.m : k => v if v != \"3\" }\n}\n"
        ),
        rules: &["U03"],
        bump: Bump::Minor,
        plan: Plan::Destroys(0),
    },
    Case {
        old: main!(
            "variable \"m\" {\n  default = { x = \"1\", y = \"2\" }\n}\nresource \"terraform_data\" \"a\" {\n  for_each = var.m\n}\n"
        ),
        new: main!(
            "variable \"m\" {\n  default = { x = \"1\", y = \"2\" }\n}\nresource \"terraform_data\" \"a\" {\n  for_each = { for k, v in var.m : \"a-${k}\" => v }\n}\n"
        ),
        rules: &["R07"],
        bump: Bump::Major,
        plan: Plan::Destroys(2),
    },
    // A variable that no caller of the old version set.
    Case {
        old: main!(
            "variable \"on\" {\n  default = true\n}\nresource \"terraform_data\" \"a\" {\n  count = var.on ? 1 : 0\n}\n"
        ),
        new: main!(
            "variable \"on\" {\n  default = true\n}\nvariable \"too\" {\n  default = true\n}\nresource \"terraform_data\" \"a\" {\n  count = var.on && var.too ? 1 : 0\n}\n"
        ),
        rules: &["V02"],
        bump: Bump::Minor,
        plan: Plan::Changes(0),
    },
    // Arguments, of a resource, through a local value by the part that is used, and of a call.
    Case {
        old: main!(
            "locals {\n  b = { app = { n = 1 } }\n}\nresource \"terraform_data\" \"a\" {\n  input = local.b.app.n\n}\n"
        ),
        new: main!(
            "locals {\n  b = { app = { n = 1 }, new = {} }\n}\nresource \"terraform_data\" \"a\" {\n  input = local.b.app.n\n}\n"
        ),
        rules: &["D01"],
        bump: Bump::Patch,
        plan: Plan::Changes(0),
    },
    Case {
        old: main!(
            "locals {\n  b = { app = { n = 1 } }\n}\nresource \"terraform_data\" \"a\" {\n  input = local.b.app.n\n}\n"
        ),
        new: main!(
            "locals {\n  b = { app = { n = 2 } }\n}\nresource \"terraform_data\" \"a\" {\n  input = local.b.app.n\n}\n"
        ),
        rules: &["R15"],
        bump: Bump::Minor,
        plan: Plan::Changes(1),
    },
    Case {
        old: &[("main.tf", "module \"s\" {\n  source = \"./modules/s\"\n  n      = 1\n}\n"), INPUT_SUB],
        new: &[("main.tf", "module \"s\" {\n  source = \"./modules/s\"\n  n      = 2\n}\n"), INPUT_SUB],
        rules: &["R15"],
        bump: Bump::Minor,
        plan: Plan::Changes(1),
    },
    // The value of an output that the package itself uses.
    Case {
        old: &[
            (
                "main.tf",
                "module \"s\" {\n  source = \"./modules/s\"\n}\nresource \"terraform_data\" \"b\" {\n  input = module.s.o\n}\n",
            ),
            INPUT_SUB,
        ],
        new: &[
            (
                "main.tf",
                "module \"s\" {\n  source = \"./modules/s\"\n}\nresource \"terraform_data\" \"b\" {\n  input = module.s.o\n}\n",
            ),
            OTHER_OUTPUT_SUB,
        ],
        rules: &["O12"],
        bump: Bump::Minor,
        plan: Plan::Changes(1),
    },
    // Values of a `for_each` that arguments use, and a file that they read.
    Case {
        old: main!(
            "resource \"terraform_data\" \"a\" {\n  for_each = { x = { n = 1, m = 1 } }\n  input    = each.value.n\n}\n"
        ),
        new: main!(
            "resource \"terraform_data\" \"a\" {\n  for_each = { x = { n = 2, m = 1 } }\n  input    = each.value.n\n}\n"
        ),
        rules: &["R15"],
        bump: Bump::Minor,
        plan: Plan::Changes(1),
    },
    Case {
        old: main!(
            "resource \"terraform_data\" \"a\" {\n  for_each = { x = { n = 1, m = 1 } }\n  input    = each.value.n\n}\n"
        ),
        new: main!(
            "resource \"terraform_data\" \"a\" {\n  for_each = { x = { n = 1, m = 2 } }\n  input    = each.value.n\n}\n"
        ),
        rules: &["D01"],
        bump: Bump::Patch,
        plan: Plan::Changes(0),
    },
    Case {
        old: &[
            (
                "main.tf",
                "resource \"terraform_data\" \"a\" {\n  input = file(\"${path.module}/policies/p.json\")\n}\n",
            ),
            ("policies/p.json", "{}"),
        ],
        new: &[
            (
                "main.tf",
                "resource \"terraform_data\" \"a\" {\n  input = file(\"${path.module}/policies/p.json\")\n}\n",
            ),
            ("policies/p.json", "[]"),
        ],
        rules: &["R15"],
        bump: Bump::Minor,
        plan: Plan::Changes(1),
    },
    // A condition that what stands does not meet.
    Case {
        old: main!("resource \"terraform_data\" \"a\" {\n  input = 1\n}\n"),
        new: main!(
            "resource \"terraform_data\" \"a\" {\n  input = 1\n  lifecycle {\n    postcondition {\n      condition     = self.input == 2\n      error_message = \"no\"\n    }\n  }\n}\n"
        ),
        rules: &["R18"],
        bump: Bump::Major,
        plan: Plan::Refused,
    },
    // Out of an instance of a call that is single now.
    Case {
        old: &[
            ("main.tf", "module \"n\" {\n  source   = \"./modules/s\"\n  for_each = toset([\"a\"])\n}\n"),
            SUB,
        ],
        new: &[
            (
                "main.tf",
                "module \"n\" {\n  source = \"./modules/s\"\n}\nmoved {\n  from = module.n[\"a\"].terraform_data.a\n  to   = module.n.terraform_data.a\n}\n",
            ),
            SUB,
        ],
        rules: &["R03"],
        bump: Bump::Minor,
        plan: Plan::Destroys(0),
    },
    Case {
        old: &[
            ("main.tf", "module \"n\" {\n  source   = \"./modules/s\"\n  for_each = toset([\"a\"])\n}\n"),
            SUB,
        ],
        new: &[
            ("main.tf", "module \"n\" {\n  source   = \"./modules/s\"\n  for_each = toset([\"b\"])\n}\n"),
            SUB,
        ],
        rules: &["R07", "R13"],
        bump: Bump::Major,
        plan: Plan::Destroys(1),
    },
    // What Terraform accepts, and what this program has to read as it does.
    Case {
        old: main!(
            "variable \"m\" {\n  default  = { x = true, x = false, y = true }\n  nullable = \"false\"\n}\nresource \"terraform_data\" \"a\" {\n  for_each = { for k, v in var.m : k => v &&\n    true ? 1 :\n    2 }\n  input = each.value\n}\n"
        ),
        new: main!(
            "variable \"m\" {\n  default  = { x = false, y = true }\n  nullable = false\n}\nresource \"terraform_data\" \"a\" {\n  for_each = { for k, v in var.m : k => v && true ? 1 : 2 }\n  input = each.value\n}\n"
        ),
        rules: &["D01"],
        bump: Bump::Patch,
        plan: Plan::Changes(0),
    },
];

fn read(files: &[(&str, &str)]) -> Checkout {
    let files = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()));
    let checkout = Checkout::read("m", files.collect());
    assert!(checkout.problems().is_empty(), "{:?}", checkout.problems());
    checkout
}

#[test]
fn address_changes_fire_their_rules() {
    for case in CASES {
        let diff = read(case.new).changes_since(&read(case.old));
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

/// Writes a module for each set of files, and a root that calls all of them.
fn write(directory: &Path, modules: &[&[(&str, &str)]]) {
    let put = |path: &Path, text: &str| {
        std::fs::create_dir_all(path.parent().expect("a file has a directory"))
            .and_then(|()| std::fs::write(path, text))
            .expect("the directory is writable");
    };
    put(
        &directory.join("terraformrc"),
        "provider_installation {\n  filesystem_mirror {\n    path = \"/nonexistent\"\n  }\n}\n",
    );
    let mut root = String::new();
    for (n, files) in modules.iter().enumerate() {
        let module = directory.join(format!("m{n}"));
        let _ = std::fs::remove_dir_all(&module);
        for (name, text) in *files {
            put(&module.join(name), text);
        }
        root.push_str(&format!("module \"m{n}\" {{\n  source = \"./m{n}\"\n}}\n"));
    }
    put(&directory.join("main.tf"), &root);
}

/// Makes a state of these modules.
pub(crate) fn apply(directory: &Path, modules: &[&[(&str, &str)]]) -> Option<()> {
    write(directory, modules);
    again(directory)
}

/// Applies what stands in a directory.
pub(crate) fn again(directory: &Path) -> Option<()> {
    for arguments in [&["init", "-input=false"][..], &["apply", "-auto-approve", "-input=false"]] {
        let output = terraform(directory, arguments)?;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}\n{said}");
    }
    Some(())
}

/// Returns what Terraform plans for each module: how many instances it destroys, and how many it changes.
fn plan(directory: &Path, modules: &[&[(&str, &str)]]) -> Option<Result<Vec<(usize, usize)>, String>> {
    write(directory, modules);
    for arguments in [&["init", "-input=false"][..], &["plan", "-input=false", "-out=plan.bin"]] {
        let output = terraform(directory, arguments)?;
        if !output.status.success() {
            return Some(Err(String::from_utf8_lossy(&output.stderr).into_owned()));
        }
    }
    let shown = terraform(directory, &["show", "-json", "plan.bin"])?;
    let plan: serde_json::Value = serde_json::from_slice(&shown.stdout).expect("a plan in JSON");
    let mut counts = vec![(0, 0); modules.len()];
    for change in plan["resource_changes"].as_array().into_iter().flatten() {
        let address = change["address"].as_str().expect("a change has an address");
        let n =
            address.strip_prefix("module.m").and_then(|rest| rest.split('.').next()?.parse::<usize>().ok());
        let count = &mut counts[n.expect("a change is in one of the modules")];
        for action in change["change"]["actions"].as_array().into_iter().flatten() {
            match action.as_str() {
                Some("delete") => count.0 += 1,
                Some("update") => count.1 += 1,
                _ => {}
            }
        }
    }
    Some(Ok(counts))
}

#[test]
fn terraform_does_what_the_rules_predict() {
    let (refused, planned): (Vec<&Case>, Vec<&Case>) =
        CASES.iter().partition(|case| case.plan == Plan::Refused);
    let directory = tempfile::tempdir().unwrap();
    let old: Vec<_> = planned.iter().map(|case| case.old).collect();
    let new: Vec<_> = planned.iter().map(|case| case.new).collect();
    if apply(directory.path(), &old).is_none() {
        return;
    }
    let counts = plan(directory.path(), &new).unwrap().unwrap_or_else(|error| panic!("{error}"));
    for (case, (destroyed, changed)) in planned.iter().zip(counts) {
        let predicted = match case.plan {
            Plan::Destroys(n) => destroyed == n,
            Plan::Changes(n) => (destroyed, changed) == (0, n),
            Plan::Refused => false,
        };
        let plan = case.plan;
        assert!(
            predicted,
            "{plan:?}: {destroyed} destroyed, {changed} changed\n{:?}\n=>\n{:?}",
            case.old, case.new
        );
    }
    for case in refused {
        let directory = tempfile::tempdir().unwrap();
        apply(directory.path(), &[case.old]);
        let planned = plan(directory.path(), &[case.new]).unwrap();
        assert!(planned.is_err(), "{:?} => {:?}: {planned:?}", case.old, case.new);
    }
}

/// R10: who still has `a` in the state loses it when `a` to `b` is dropped from the chain.
#[test]
fn a_dropped_move_destroys_for_those_who_skipped_a_version() {
    let first = &[("main.tf", "resource \"terraform_data\" \"a\" {}\n")][..];
    let third = |has_r10: bool| {
        let is_third = |found: &&Case| {
            found.rules.contains(&"R03")
                && found.rules.contains(&"R10") == has_r10
                && found.old[0].1.contains("moved")
        };
        CASES.iter().find(is_third).expect("the table holds the case").new
    };
    let directory = tempfile::tempdir().unwrap();
    if apply(directory.path(), &[first, first]).is_none() {
        return;
    }
    let planned = plan(directory.path(), &[third(true), third(false)]).unwrap();
    assert_eq!(planned, Ok(vec![(1, 0), (0, 0)]));
}
