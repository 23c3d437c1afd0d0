//! `terrane new DIR`: a workspace for the networks of another team.

use std::fs;
use std::path::{Path, PathBuf};

use terrane_registry::Settings;

use crate::console;
use crate::exit::{Failure, both};
use crate::files;

/// The files of a workspace by path; `@NAME@` stands for a value.
const FILES: [(&str, &str); 14] = [
    (".cargo/config.toml", include_str!("new/cargo-config.toml.in")),
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

/// The crates of Terrane that a workspace depends on.
const CRATES: [&str; 3] = ["terrane-compiler", "terrane-state", "terrane-xtask"];

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The directory to make
    directory: PathBuf,
    /// The namespace of its modules in a registry; by default the directory's name
    #[arg(long)]
    namespace: Option<String>,
    /// The host of the registry that it releases to
    #[arg(long, default_value = "modules.example.com")]
    host: String,
    /// A checkout of Terrane to depend on; by default the one around the current directory, else the published crates
    #[arg(long, value_name = "DIR")]
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
    for (path, template) in FILES {
        files::write(&directory.join(path), &filled(template, &args.host, &namespace, checkout.as_deref()))?;
    }
    let from = match checkout {
        Some(path) => format!("on Terrane in {}", path.display()),
        None => {
            format!("on the published crates {}; --terrane-path names a checkout", env!("CARGO_PKG_VERSION"))
        }
    };
    console::note(format_args!(
        "made {}, {from}\nnext: cd there, `git init`, and as its README says",
        named.display()
    ));
    Ok(())
}

fn filled(template: &str, host: &str, namespace: &str, checkout: Option<&Path>) -> String {
    // A crate's name starts with a letter.
    let crate_name = if namespace.starts_with(|c: char| c.is_ascii_digit()) { "n" } else { "" };
    let mut text = template
        .replace("@HOST@", host)
        .replace("@NAMESPACE_@", &format!("{crate_name}{namespace}"))
        .replace("@NAMESPACE@", namespace);
    for name in CRATES {
        text = text.replace(&format!("@{name}@"), &dependency(name, checkout));
    }
    text
}

/// Returns the right side of a dependency on a crate of Terrane.
fn dependency(name: &str, checkout: Option<&Path>) -> String {
    // Structs of outputs need no S3, so whoever reads turns it on.
    let features = if name == "terrane-state" { ", default-features = false" } else { "" };
    let version = env!("CARGO_PKG_VERSION");
    match checkout {
        Some(root) => {
            let path = root.join("crates").join(name);
            format!("{{ path = {:?}, version = \"{version}\"{features} }}", path.display().to_string())
        }
        None => format!("{{ version = \"{version}\"{features} }}"),
    }
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
