//! CDK for Terraform, installed from npm, with the wiring of the reference network.
//!
//! It makes the same subnets, gateways, routes, and groups, and no policy, proof, or documents.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::{bench::measure::Contender, error::Result, files, process, workspace::Workspace};

/// What is installed, as the package file below pins it.
pub(super) const VERSIONS: &str = "CDK for Terraform 0.21.0 with @cdktf/provider-aws 21.22.1";

const FILES: [(&str, &str); 2] = [
    ("package.json", include_str!("../fixtures/cdktf/package.json")),
    ("reference.js", include_str!("../fixtures/cdktf/reference.js")),
];

/// An installed CDK for Terraform.
pub(super) struct Cdktf {
    dir: PathBuf,
}

/// Installs it into the cache; says why and returns `None` where that cannot be done.
pub(super) fn install(workspace: &Workspace) -> Result<Option<Cdktf>> {
    if let Some(missing) = ["node", "npm"].into_iter().find(|program| process::find(program).is_none()) {
        eprintln!("skipped: CDK for Terraform, as {missing} is not installed");
        return Ok(None);
    }
    let dir = workspace.cache().join("bench/cdktf");
    for (name, text) in FILES {
        files::write(&dir.join(name), text)?;
    }
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"])
        .current_dir(&dir);
    match process::run(&mut npm) {
        Ok(_) => Ok(Some(Cdktf { dir })),
        Err(error) => {
            eprintln!("skipped: CDK for Terraform, as it cannot be installed: {error}");
            Ok(None)
        }
    }
}

impl Cdktf {
    /// Returns both ways in which people load the provider.
    pub(super) fn contenders(&self, scratch: &Path) -> [Contender; 2] {
        [("single", "single constructs"), ("whole", "the whole provider")].map(|(style, loads)| {
            let mut command = Command::new("node");
            command.arg("reference.js").arg(style).arg(scratch.join(format!("cdktf-{style}")));
            command.current_dir(&self.dir).env("CHECKPOINT_DISABLE", "1");
            Contender { name: format!("CDK for Terraform, loading {loads}"), command }
        })
    }
}
