//! `terrane new DIR`: a workspace for the networks of another team.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use terrane_registry::Settings;
use terrane_workspace::{LedgerSource, Workspace};

use crate::console;
use crate::exit::{Failure, both};
use crate::files;

/// Files by path; `@NAME@` stands for a value.
type Files = &'static [(&'static str, &'static str)];

/// The files of a workspace in Rust.
const RUST: Files = &[
    (".cargo/config.toml", include_str!("new/cargo-config.toml.in")),
    (".gitattributes", include_str!("new/gitattributes.in")),
    (".github/workflows/ci.yml", include_str!("new/ci.yml.in")),
    (".gitignore", include_str!("new/gitignore.in")),
    ("Cargo.toml", include_str!("new/workspace.toml.in")),
    ("README.md", include_str!("new/README.md.in")),
    ("catalog/Cargo.toml", include_str!("new/catalog.toml.in")),
    ("catalog/src/lib.rs", include_str!("new/catalog.rs.in")),
    ("catalog/src/network.rs", include_str!("new/network.rs.in")),
    ("outputs/Cargo.toml", include_str!("new/outputs.toml.in")),
    ("outputs/src/lib.rs", include_str!("new/outputs.rs.in")),
    ("rust-toolchain.toml", include_str!("new/rust-toolchain.toml.in")),
    ("rustfmt.toml", include_str!("new/rustfmt.toml.in")),
    ("xtask/Cargo.toml", include_str!("new/xtask.toml.in")),
    ("xtask/src/main.rs", include_str!("new/xtask.rs.in")),
];

/// The files of a workspace without Rust.
const TOML: Files = &[
    (".gitattributes", include_str!("new/toml-gitattributes.in")),
    (".github/workflows/ci.yml", include_str!("new/toml-ci.yml.in")),
    (".gitignore", include_str!("new/toml-gitignore.in")),
    ("README.md", include_str!("new/toml-README.md.in")),
    ("terrane.toml", include_str!("new/terrane.toml.in")),
    ("topologies/network.toml", NETWORK),
];

/// The network to start from; `new/network.rs.in` declares the same.
pub(crate) const NETWORK: &str = include_str!("new/network.toml.in");

/// The crates of Terrane that a workspace depends on.
const CRATES: [&str; 3] = ["terrane-compiler", "terrane-state", "terrane-xtask"];

/// Where the crates are until they are published.
const REPOSITORY: &str = "https://github.com/terrane-dev/terrane";

/// The tag of this version there.
const TAG: &str = concat!("terrane-v", env!("CARGO_PKG_VERSION"));

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The directory to make
    directory: PathBuf,
    /// Topologies as TOML, and no Rust
    #[arg(long)]
    toml: bool,
    /// The namespace of its modules in a registry; by default the directory's name
    #[arg(long)]
    namespace: Option<String>,
    /// The host of the registry that it releases to
    #[arg(long, default_value = "modules.example.com")]
    host: String,
    /// A checkout of Terrane whose crates are taken on this machine; by default the one around the current directory
    #[arg(long, value_name = "DIR", conflicts_with = "toml")]
    terrane_path: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let directory = &args.directory;
    // `.` has a name only as an absolute path; a directory that is still to be made has no such path.
    let named = fs::canonicalize(directory).unwrap_or_else(|_| directory.clone());
    let name = named.file_name().map(|name| name.to_string_lossy().to_lowercase());
    let namespace = args.namespace.clone().or(name).unwrap_or_default();
    let hint = |option: &'static str| {
        move |error| Failure::problems(format!("{error}; name another with --{option}"))
    };
    // One after the other, so that a bad namespace does not hide a bad host.
    both(
        Settings::new("modules.example.com", &namespace).map_err(hint("namespace")),
        Settings::new(&args.host, "network").map_err(hint("host")),
    )?;
    if fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_some()) {
        let message =
            format!("`{}` is not empty; name a directory that is, or a new one", directory.display());
        return Err(Failure::problems(message));
    }
    let checkout = match &args.terrane_path {
        Some(path) => Some(checked(path)?),
        None => std::env::current_dir().ok().and_then(|current| around(&current)),
    };
    let checkout = checkout.filter(|_| !args.toml);
    for (path, template) in if args.toml { TOML } else { RUST } {
        files::write(&directory.join(path), &filled(template, &args.host, &namespace))?;
    }
    console::note(format_args!(
        "made {}{}",
        directory.display(),
        if args.toml { ", topologies in TOML" } else { "" }
    ));
    if !args.toml {
        console::note(format_args!("its crates come from the tag {TAG} of {REPOSITORY}"));
    }
    if let Some(checkout) = &checkout {
        take_from(checkout, directory)?;
        console::note(format_args!(
            "on this machine alone, they come from {}, by .cargo/checkout.toml",
            checkout.display()
        ));
    }
    compile(directory)?;
    version_control(directory);
    let command = if args.toml { "terrane compile" } else { "cargo xtask compile" };
    console::note(format_args!(
        "next: cd {}, edit the network, and `{command}`; README.md says the rest",
        directory.display()
    ));
    Ok(())
}

/// Compiles the network to start from, as its workspace will.
fn compile(directory: &Path) -> Result<(), Failure> {
    let network = terrane_compiler::document::from_toml(NETWORK)
        .map_err(|found| Failure::problems(format!("the first network does not compile\n{found}")))?;
    let written = terrane_xtask::compile::write(&Workspace::at(directory), &[&network], LedgerSource::File)?;
    console::note(format_args!(
        "compiled the network `{}`: {} files in modules/ to look at",
        network.name,
        written.len()
    ));
    Ok(())
}

/// Puts the directory under git, unless it is already, as `cargo new` does.
fn version_control(directory: &Path) {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").arg("-C").arg(directory).args(arguments).output();
        output.is_ok_and(|output| output.status.success())
    };
    if git(&["rev-parse", "--is-inside-work-tree"]) {
        return;
    }
    if git(&["init", "--quiet", "--initial-branch=main"]) {
        console::note(format_args!("put under git; nothing is committed yet"));
    } else {
        console::note(format_args!("warning: `git init` failed; a release needs the directory under git"));
    }
}

fn filled(template: &str, host: &str, namespace: &str) -> String {
    // A crate's name starts with a letter.
    let crate_name = if namespace.starts_with(|c: char| c.is_ascii_digit()) { "n" } else { "" };
    let mut text = template
        .replace("@HOST@", host)
        .replace("@TAG@", TAG)
        .replace("@NAMESPACE_@", &format!("{crate_name}{namespace}"))
        .replace("@NAMESPACE@", namespace);
    for name in CRATES {
        text = text.replace(&format!("@{name}@"), &dependency(name));
    }
    text
}

/// Returns the right side of a dependency on a crate of Terrane.
fn dependency(name: &str) -> String {
    // Structs of outputs need no S3, so whoever reads turns it on.
    let features = if name == "terrane-state" { ", default-features = false" } else { "" };
    format!("{{ git = {REPOSITORY:?}, tag = {TAG:?}{features} }}")
}

/// Takes the crates of a workspace from a checkout, by files that name it and are not committed, and the versions of
/// all others from its lock file.
fn take_from(checkout: &Path, directory: &Path) -> Result<(), Failure> {
    let mut patch = format!("[patch.{REPOSITORY:?}]\n");
    for name in CRATES {
        let path = checkout.join("crates").join(name).display().to_string();
        patch += &format!("{name} = {{ path = {path:?} }}\n");
    }
    files::write(&directory.join(".cargo/checkout.toml"), &patch)?;
    let manifest = files::read(&directory.join("outputs/Cargo.toml"))?;
    let outputs = manifest.lines().find_map(|line| line.strip_prefix("name = ")).unwrap_or_default();
    let lock = files::read(&checkout.join("Cargo.lock"))?;
    files::write(&directory.join("Cargo.lock"), &locked(&lock, outputs))
}

/// Returns the lock file of a checkout for a workspace of its own; Cargo drops from it what is not needed.
///
/// Without one, Cargo would ask for the tag although the crates are here.
fn locked(lock: &str, outputs: &str) -> String {
    const ENTRY: &str = "[[package]]\n";
    let mut entries = lock.split(ENTRY);
    let mut text = entries.next().unwrap_or_default().to_owned();
    for entry in entries.filter(|entry| !entry.starts_with("name = \"xtask\"\n")) {
        text = text + ENTRY + entry.trim_end() + "\n\n";
    }
    let own: [(&str, &[&str]); 3] = [
        ("\"catalog\"", &["terrane-compiler"]),
        (outputs, &["ipnet", "serde", "terrane-state"]),
        ("\"xtask\"", &["catalog", "terrane-xtask"]),
    ];
    for (name, dependencies) in own {
        let dependencies: String = dependencies.iter().map(|name| format!(" \"{name}\",\n")).collect();
        text += &format!("{ENTRY}name = {name}\nversion = \"0.1.0\"\ndependencies = [\n{dependencies}]\n\n");
    }
    text
}

fn around(start: &Path) -> Option<PathBuf> {
    start.ancestors().find(|directory| is_checkout(directory)).map(Path::to_owned)
}

fn is_checkout(directory: &Path) -> bool {
    CRATES.iter().all(|name| directory.join("crates").join(name).join("Cargo.toml").is_file())
}

fn checked(path: &Path) -> Result<PathBuf, Failure> {
    let path = fs::canonicalize(path).map_err(|error| files::failed("read", path, error))?;
    if is_checkout(&path) {
        return Ok(path);
    }
    Err(Failure::problems(format!(
        "`{}` is no checkout of Terrane: it has no crates/{}",
        path.display(),
        CRATES[0]
    )))
}
