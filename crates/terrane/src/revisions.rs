//! Reads directories of git revisions, without a work tree.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::exit::Failure;

/// Splits `OLD..NEW`; a side that is left out is `HEAD`.
pub(crate) fn range(text: &str) -> Option<(&str, &str)> {
    let (old, new) = text.split_once("..")?;
    // Three dots mean the merge base to git, and paths may hold two.
    let is_revision = |text: &str| !text.starts_with(['.', '/']) && !text.ends_with('/');
    (is_revision(old) && is_revision(new)).then_some((or_head(old), or_head(new)))
}

fn or_head(text: &str) -> &str {
    if text.is_empty() { "HEAD" } else { text }
}

/// Reads every file of a directory as of a revision; a link is read as what it leads to in the directory.
pub(crate) fn files(directory: &Path, revision: &str) -> Result<BTreeMap<String, Vec<u8>>, Failure> {
    // A directory that is gone from the work tree, or of a repository without one, is named from where we are.
    let (place, tree) = match directory.is_dir() {
        true => (directory, revision.to_owned()),
        false => (Path::new("."), format!("{revision}:{}", directory.display())),
    };
    let commit = git(place, &["rev-parse", "--verify", "--quiet", &format!("{revision}^{{commit}}")])?;
    if !commit.status.success() {
        let message = format!("`{revision}` names no commit in the repository of `{}`", place.display());
        return Err(Failure::problems(message));
    }
    let listing = git(place, &["ls-tree", "-r", "-z", &tree])?;
    if !listing.status.success() {
        let said = String::from_utf8_lossy(&listing.stderr);
        return Err(Failure::problems(format!(
            "`{}` cannot be read as of `{revision}`: {}",
            directory.display(),
            said.trim()
        )));
    }
    let mut entries = Vec::new();
    for entry in listing.stdout.split(|byte| *byte == 0).filter(|entry| !entry.is_empty()) {
        let entry = String::from_utf8_lossy(entry).into_owned();
        let Some((meta, path)) = entry.split_once('\t') else { continue };
        let words: Vec<&str> = meta.split(' ').collect();
        if let [mode, "blob", id] = words.as_slice() {
            entries.push((path.to_owned(), (*mode == "120000"), (*id).to_owned()));
        }
    }
    let contents = blobs(place, &entries.iter().map(|(.., id)| id.as_str()).collect::<Vec<_>>())?;
    let mut files = BTreeMap::new();
    let mut links = Vec::new();
    for ((path, is_link, _), bytes) in entries.into_iter().zip(contents) {
        if is_link {
            links.push((path, String::from_utf8_lossy(&bytes).into_owned()));
        } else {
            files.insert(path, bytes);
        }
    }
    for (path, target) in links {
        let found = followed(&path, &target).and_then(|target| files.get(&target).cloned());
        files.extend(found.map(|bytes| (path, bytes)));
    }
    if files.is_empty() {
        return Err(Failure::problems(format!(
            "`{}` holds no files as of `{revision}`",
            directory.display()
        )));
    }
    Ok(files)
}

/// Returns the path to which a link leads, if that is in the same tree.
fn followed(link: &str, target: &str) -> Option<String> {
    if target.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = link.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

fn git(place: &Path, arguments: &[&str]) -> Result<Output, Failure> {
    Command::new("git")
        .args(arguments)
        .current_dir(place)
        .output()
        .map_err(|error| Failure::service("git cannot be run", error))
}

/// Reads objects by one process.
fn blobs(place: &Path, ids: &[&str]) -> Result<Vec<Vec<u8>>, Failure> {
    let failed = |error: std::io::Error| Failure::service("git cannot be run", error);
    let mut child = Command::new("git")
        .args(["cat-file", "--batch"])
        .current_dir(place)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let wanted: String = ids.iter().map(|id| format!("{id}\n")).collect();
    let mut stdin = child.stdin.take();
    let writer = std::thread::spawn(move || {
        stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(wanted.as_bytes()))
    });
    let output = child.wait_with_output().map_err(failed)?;
    let _ = writer.join();
    let damaged = || Failure::service("git", "it answers otherwise than `cat-file --batch` should");
    let mut rest = output.stdout.as_slice();
    let mut contents = Vec::with_capacity(ids.len());
    for _ in ids {
        let end = rest.iter().position(|byte| *byte == b'\n').ok_or_else(damaged)?;
        let head = String::from_utf8_lossy(&rest[..end]).into_owned();
        let size: usize = head.rsplit(' ').next().and_then(|size| size.parse().ok()).ok_or_else(damaged)?;
        contents.push(rest.get(end + 1..end + 1 + size).ok_or_else(damaged)?.to_vec());
        rest = rest.get(end + 2 + size..).ok_or_else(damaged)?;
    }
    Ok(contents)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_told_from_paths() {
        assert_eq!(range("v1.2.0..HEAD"), Some(("v1.2.0", "HEAD")));
        assert_eq!(range("v1.2.0.."), Some(("v1.2.0", "HEAD")));
        assert_eq!(range("..main"), Some(("HEAD", "main")));
        for path in ["../old", "a/../b", "modules/m", "./..", "..", "a...b"] {
            let found = range(path);
            assert!(path == ".." || found.is_none(), "{path}: {found:?}");
        }
        assert_eq!(followed("a/b.tf", "../c/d.tf").as_deref(), Some("c/d.tf"));
        assert_eq!(followed("b.tf", "../c"), None);
    }
}
