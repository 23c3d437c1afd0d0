//! What the workspace gives away besides modules: crates, and the program that cargo-dist builds.
//!
//! Only a workspace with a `dist-workspace.toml` has any of it.

mod built;

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::{
    error::{Error, ErrorKind, Result},
    files, modules, process,
    report::Counts,
    workspace::Workspace,
};

/// The configuration of cargo-dist.
const CONFIGURATION: &str = "dist-workspace.toml";
/// cargo-dist as a Python package, since its own installer comes from a web site that not every machine reaches.
const PACKAGE: &str = "astral-dev-toolchain-cargo-dist";

/// Checks that crates can be packaged, that the release workflow is as cargo-dist makes it, and that no tag of a module
/// releases the program.
///
/// `long` builds each crate from its package, and the program's archive for this machine, which is then checked.
pub(crate) fn check(workspace: &Workspace, long: bool) -> Result<Counts> {
    if !workspace.root().join(CONFIGURATION).is_file() {
        return Ok(Counts::default());
    }
    let mut passed = check_crates(workspace, long)?;
    let dist = Dist::find_or_install(workspace)?;
    dist.run(&["generate", "--check"])?;
    let planned = dist.planned()?;
    let [(_, version)] = planned.as_slice() else {
        let message = format!("`dist plan` would release {planned:?}, but one program is meant");
        return Err(Error::new(ErrorKind::Refused, message));
    };
    passed += 2;
    for module in modules::names(&workspace.modules())? {
        // With the program's own version, since every other is refused anyway.
        let tag = format!("{module}-v{version}");
        if dist.run(&["plan", &format!("--tag={tag}")]).is_ok() {
            return Err(Error::new(
                ErrorKind::Refused,
                format!("cargo-dist takes `{tag}`, a module's tag, for one of the program"),
            ));
        }
        passed += 1;
    }
    if long {
        passed += built::check(&dist.json(&["build"])?, version)?;
    }
    Ok(Counts { passed, ..Counts::default() })
}

/// Packages every crate as for the crates' registry; uploads nothing.
fn check_crates(workspace: &Workspace, long: bool) -> Result<usize> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(workspace.root());
    if long {
        command.args(["publish", "--workspace", "--dry-run", "--allow-dirty"]);
    } else {
        command.args(["package", "--workspace", "--no-verify", "--allow-dirty"]);
    }
    process::run(&mut command).map(|_| 1)
}

/// cargo-dist, in the version that the configuration names.
struct Dist<'a> {
    program: PathBuf,
    root: &'a Path,
}

impl<'a> Dist<'a> {
    /// Finds cargo-dist on `PATH`, or installs it into the workspace's cache.
    fn find_or_install(workspace: &'a Workspace) -> Result<Self> {
        let root = workspace.root();
        let version = version(root)?;
        let is_wanted = |program: &PathBuf| {
            let said = process::run(Command::new(program).arg("--version")).unwrap_or_default();
            said.trim().ends_with(&version)
        };
        let installed = workspace.cache().join("cargo-dist");
        let program = installed.join("bin/dist");
        if let Some(program) = process::find("dist").into_iter().chain([program.clone()]).find(is_wanted) {
            return Ok(Self { program, root });
        }
        let hint = |error| {
            let message = format!(
                "cargo-dist {version} is needed; `cargo install cargo-dist --locked --version {version}` builds it"
            );
            Error::new(ErrorKind::Program, message).because(error)
        };
        process::run(Command::new("python3").args(["-m", "venv"]).arg(&installed)).map_err(hint)?;
        let mut pip = Command::new(installed.join("bin/pip"));
        pip.args(["install", "--quiet", &format!("{PACKAGE}=={version}")]);
        process::run(&mut pip).map_err(hint)?;
        Ok(Self { program, root })
    }

    fn run(&self, arguments: &[&str]) -> Result<String> {
        process::run(Command::new(&self.program).args(arguments).current_dir(self.root))
    }

    /// Runs a command and returns the manifest that it prints.
    fn json(&self, arguments: &[&str]) -> Result<Value> {
        let text = self.run(&[arguments, &["--output-format=json"]].concat())?;
        serde_json::from_str(&text).map_err(|error| {
            let message = format!("`dist {} --output-format=json` wrote no JSON", arguments.join(" "));
            Error::new(ErrorKind::Program, message).because(error)
        })
    }

    /// Returns the names and versions of the programs that a release has.
    fn planned(&self) -> Result<Vec<(String, String)>> {
        let plan = self.json(&["plan"])?;
        let releases = plan["releases"].as_array().into_iter().flatten();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Ok(releases.map(|release| (text(&release["app_name"]), text(&release["app_version"]))).collect())
    }
}

/// Reads which cargo-dist the workspace wants.
fn version(root: &Path) -> Result<String> {
    let path = root.join(CONFIGURATION);
    let text = files::read(&path)?;
    let table: toml::Table = text.parse().map_err(|source| {
        Error::new(ErrorKind::Refused, format!("{} is not TOML", path.display())).because(source)
    })?;
    let version = table.get("dist").and_then(|dist| dist.get("cargo-dist-version")?.as_str());
    version.map(str::to_owned).ok_or_else(|| {
        Error::new(ErrorKind::Refused, format!("{} names no `cargo-dist-version`", path.display()))
    })
}
