//! What a release asks of git.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Error, ErrorKind, Package};

pub(super) struct Git<'a> {
    pub(super) root: &'a Path,
}

impl Git<'_> {
    fn output(&self, arguments: &[&str]) -> Result<std::process::Output, Error> {
        Command::new("git")
            .args(arguments)
            .current_dir(self.root)
            .output()
            .map_err(|error| Error::unavailable("git cannot be run", error))
    }

    fn bytes(&self, arguments: &[&str]) -> Result<Vec<u8>, Error> {
        let output = self.output(arguments)?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let text = String::from_utf8_lossy(&output.stderr);
        Err(Error::new(
            ErrorKind::Unavailable,
            format!("`git {}` failed: {}", arguments.join(" "), text.trim()),
        ))
    }

    fn text(&self, arguments: &[&str]) -> Result<String, Error> {
        Ok(String::from_utf8_lossy(&self.bytes(arguments)?).trim_end().to_owned())
    }

    pub(super) fn directory(&self) -> Result<PathBuf, Error> {
        Ok(self.root.join(self.text(&["rev-parse", "--git-dir"])?))
    }

    pub(super) fn check_clean(&self) -> Result<(), Error> {
        let status = self.text(&["status", "--porcelain"])?;
        if status.is_empty() {
            return Ok(());
        }
        Err(Error::input(format!("a release starts from a clean tree; commit or stash:\n{status}")))
    }

    pub(super) fn show(&self, commit: &str, path: &str) -> Result<Option<String>, Error> {
        let object = format!("{commit}:./{path}");
        if !self.output(&["cat-file", "-e", &object])?.status.success() {
            return Ok(None);
        }
        Ok(Some(String::from_utf8_lossy(&self.bytes(&["show", &object])?).into_owned()))
    }

    pub(super) fn last_commit(&self, path: &str) -> Result<Option<String>, Error> {
        let commit = self.text(&["log", "-n1", "--format=%H", "--", path])?;
        Ok(Some(commit).filter(|commit| !commit.is_empty()))
    }

    pub(super) fn commit_all(&self, message: &str) -> Result<(), Error> {
        self.bytes(&["add", "-A"])?;
        self.bytes(&["commit", "--quiet", "-m", message]).map(drop)
    }

    pub(super) fn has_tag(&self, tag: &str) -> Result<bool, Error> {
        let tag = format!("refs/tags/{tag}");
        Ok(self.output(&["rev-parse", "--verify", "--quiet", &tag])?.status.success())
    }

    /// Makes an annotated tag; one that exists must be on the same commit.
    pub(super) fn tag(&self, tag: &str, commit: &str, message: &str) -> Result<(), Error> {
        let existing =
            self.output(&["rev-parse", "--verify", "--quiet", &format!("refs/tags/{tag}^{{commit}}")])?;
        if existing.status.success() {
            let found = String::from_utf8_lossy(&existing.stdout).trim().to_owned();
            if found == commit {
                return Ok(());
            }
            return Err(Error::new(
                ErrorKind::Taken,
                format!("the tag `{tag}` is on {found}, not on {commit}"),
            ));
        }
        self.bytes(&["tag", "-a", tag, "-m", message, commit]).map(drop)
    }

    /// Reads a directory of a commit as a package, whatever the working tree looks like.
    pub(super) fn package(&self, commit: &str, directory: &str) -> Result<Package, Error> {
        let listing = self.bytes(&["ls-tree", "-r", "-z", &format!("{commit}:./{directory}")]);
        let listing = listing.map_err(|error| {
            Error::input(format!(
                "`{directory}` is not committed; compile the module and commit it ({error})"
            ))
        })?;
        let mut files = BTreeMap::new();
        for entry in String::from_utf8_lossy(&listing).split('\0').filter(|entry| !entry.is_empty()) {
            let Some((meta, path)) = entry.split_once('\t') else { continue };
            let words: Vec<&str> = meta.split(' ').collect();
            match words.as_slice() {
                ["100644" | "100755", "blob", id] => {
                    files.insert(path.to_owned(), self.bytes(&["cat-file", "blob", id])?);
                }
                _ => return Err(Error::input(format!("`{directory}/{path}` is not a regular file"))),
            }
        }
        Package::from_tree(files)
    }
}
