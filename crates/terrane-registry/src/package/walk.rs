//! Which files of a directory are published.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use terrane_contract::Checkout;

use crate::Error;

/// The ignore list of Terraform, in the syntax of `.gitignore`: what it names is left out, and what it names with `!`
/// is published.
const IGNORE_FILE: &str = ".terraformignore";

/// The files of a module that are published, and what may not be.
pub(super) struct Selection {
    pub(super) files: BTreeMap<String, Vec<u8>>,
    pub(super) problems: Vec<String>,
}

/// Where the content of a file is.
enum Content {
    Read(Vec<u8>),
    At(PathBuf),
}

impl Content {
    fn read(self) -> Result<Vec<u8>, Error> {
        match self {
            Content::Read(bytes) => Ok(bytes),
            Content::At(path) => fs::read(&path)
                .map_err(|error| Error::unavailable(format!("cannot read `{}`", path.display()), error)),
        }
    }
}

/// Reads the files to publish from a directory.
pub(super) fn read(root: &Path) -> Result<Selection, Error> {
    let mut found = Found { root, files: BTreeMap::new(), odd: BTreeMap::new() };
    found.directory(root, "")?;
    select(found.files, found.odd)
}

/// Chooses the files to publish from those of a directory that was read elsewhere.
pub(super) fn choose(files: BTreeMap<String, Vec<u8>>) -> Result<Selection, Error> {
    select(files.into_iter().map(|(path, bytes)| (path, Content::Read(bytes))).collect(), BTreeMap::new())
}

/// The files below a directory, but in directories that Terraform does not look into.
struct Found<'a> {
    root: &'a Path,
    files: BTreeMap<String, Content>,
    /// Why a name cannot be published, by path.
    odd: BTreeMap<String, String>,
}

impl Found<'_> {
    fn directory(&mut self, path: &Path, prefix: &str) -> Result<(), Error> {
        let unreadable =
            |error: std::io::Error| Error::unavailable(format!("cannot read `{}`", path.display()), error);
        for entry in fs::read_dir(path).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let Ok(name) = entry.file_name().into_string() else {
                let name = format!("{prefix}{}", entry.file_name().display());
                self.odd.insert(name.clone(), format!("`{name}`: the name is not UTF-8"));
                continue;
            };
            let relative = format!("{prefix}{name}");
            let metadata = entry.path().symlink_metadata().map_err(unreadable)?;
            if metadata.is_dir() {
                if !name.starts_with('.') {
                    self.directory(&entry.path(), &format!("{relative}/"))?;
                }
                continue;
            }
            if let Some(problem) = odd_file(&relative, &metadata) {
                self.odd.insert(relative.clone(), problem);
                // Terraform follows a link; one that leads out of the module is nobody else's to read.
                let target = entry.path().canonicalize().ok().filter(|target| target.is_file());
                let root = self.root.canonicalize().map_err(unreadable)?;
                let Some(target) = target.filter(|target| target.starts_with(root)) else { continue };
                self.files.insert(relative, Content::At(target));
                continue;
            }
            self.files.insert(relative, Content::At(entry.path()));
        }
        Ok(())
    }
}

fn select(mut all: BTreeMap<String, Content>, odd: BTreeMap<String, String>) -> Result<Selection, Error> {
    let list = all.remove(IGNORE_FILE).map(Content::read).transpose()?;
    let ignore = match &list {
        Some(list) => ignore_list(&String::from_utf8_lossy(list))?,
        None => Gitignore::empty(),
    };
    let kind = |path: &str| match ignore.matched_path_or_any_parents(path, false) {
        ignore::Match::Ignore(_) => Kind::LeftOut,
        ignore::Match::Whitelist(_) => Kind::Published,
        ignore::Match::None => kind(path),
    };
    // It goes with what it chose, so that the same is chosen again.
    let files = list.map(|list| (IGNORE_FILE.to_owned(), list)).into_iter().collect();
    let mut selection = Selection { files, problems: Vec::new() };
    let mut others = BTreeMap::new();
    for (path, content) in all {
        match kind(&path) {
            Kind::Published => drop(selection.files.insert(path, content.read()?)),
            Kind::Secret => selection.problems.push(secret(&path)),
            Kind::Other => drop(others.insert(path, content)),
            Kind::LeftOut => {}
        }
    }
    // The code may read any other file.
    let read = Checkout::read("module", selection.files.clone()).paths_read();
    for (path, content) in others {
        if is_read(&read, &path) {
            selection.files.insert(path, content.read()?);
        }
    }
    let is_published = |path: &String| {
        selection.files.contains_key(path) || matches!(kind(path), Kind::Published | Kind::Secret)
    };
    selection.problems.extend(odd.into_iter().filter(|(path, _)| is_published(path)).map(|(_, why)| why));
    selection.problems.sort();
    Ok(selection)
}

fn is_read(starts: &BTreeSet<String>, path: &str) -> bool {
    starts.iter().any(|start| path.starts_with(start.as_str()))
}

fn ignore_list(text: &str) -> Result<Gitignore, Error> {
    let refused = |error: ignore::Error| Error::input(format!("`{IGNORE_FILE}` is refused: {error}"));
    let mut builder = GitignoreBuilder::new("");
    for line in text.lines() {
        builder.add_line(None, line).map_err(refused)?;
    }
    builder.build().map_err(refused)
}

fn odd_file(relative: &str, metadata: &fs::Metadata) -> Option<String> {
    if metadata.is_symlink() {
        return Some(format!("`{relative}`: is a symbolic link, which clients turn into an empty file"));
    }
    if !metadata.is_file() {
        return Some(format!("`{relative}`: is not a regular file"));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        if metadata.nlink() > 1 {
            return Some(format!("`{relative}`: is a hard link to a file elsewhere; copy it instead"));
        }
    }
    None
}

/// Returns why a path may not be in a package, if so.
pub(super) fn refusal(path: &str) -> Option<String> {
    let parts: Vec<&str> = path.split('/').collect();
    if path.starts_with('/') || path.contains('\\') || path.contains(|c: char| c.is_control()) {
        return Some(format!("`{}`: is not a relative path with `/`", path.escape_debug()));
    }
    if parts.iter().any(|part| part.is_empty() || *part == "." || *part == "..") {
        return Some(format!("`{path}`: leaves or repeats its directory"));
    }
    matches!(kind(path), Kind::Secret).then(|| secret(path))
}

fn secret(path: &str) -> String {
    format!(
        "`{path}`: states and variable files hold secrets and are never published; remove it, or name it in `{IGNORE_FILE}`"
    )
}

/// What is to be done with one file.
enum Kind {
    Published,
    LeftOut,
    /// Published if the code reads it.
    Other,
    /// Not to be published by mistake.
    Secret,
}

fn kind(path: &str) -> Kind {
    let name = path.rsplit('/').next().unwrap_or(path);
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let directories = || path.split('/').rev().skip(1);
    let is_hidden = path.split('/').any(|part| part.starts_with('.'));
    let is_state = name.ends_with(".tfstate") || name.contains(".tfstate.");
    let is_variables = name.ends_with(".tfvars") || name.ends_with(".tfvars.json");
    if is_state || (is_variables && !directories().any(|part| matches!(part, "examples" | "tests" | "test")))
    {
        return Kind::Secret;
    }
    let is_ours = matches!(path.split('/').next(), Some("tests" | "bindings")) && path.contains('/');
    let of_tools = matches!(name, "module.toml" | "ledger.toml") || name.ends_with(".tftest.hcl");
    if is_hidden || is_ours || of_tools || is_variables || extension == "rs" {
        return Kind::LeftOut;
    }
    let published = ["tf", "md", "svg", "png", "mmd", "tftpl", "tpl"].contains(&extension)
        || name.ends_with(".tf.json")
        || name == "contract.json"
        || ["LICENSE", "LICENCE", "NOTICE"].iter().any(|stem| {
            name == *stem || name.starts_with(&format!("{stem}-")) || name.starts_with(&format!("{stem}."))
        });
    if published { Kind::Published } else { Kind::Other }
}
