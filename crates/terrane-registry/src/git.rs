//! Git, run as a program.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::{Error, ErrorKind, Package};

/// A repository, by a directory in it.
#[derive(Clone, Copy, Debug)]
pub struct Git<'a> {
    /// Where git runs.
    pub root: &'a Path,
}

impl Git<'_> {
    /// Runs git to its end, whatever its exit code.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] if there is no git.
    pub fn output(&self, arguments: &[&str]) -> Result<std::process::Output, Error> {
        Command::new("git")
            .args(arguments)
            .current_dir(self.root)
            .output()
            .map_err(|error| Error::unavailable("git cannot be run", error))
    }

    /// Runs git and returns what it prints.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] with git's words.
    pub fn bytes(&self, arguments: &[&str]) -> Result<Vec<u8>, Error> {
        let output = self.output(arguments)?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        Err(refused(arguments, &output.stderr))
    }

    /// Runs git and returns what it prints, as text without the end of its last line.
    ///
    /// # Errors
    ///
    /// As [`bytes`](Git::bytes).
    pub fn text(&self, arguments: &[&str]) -> Result<String, Error> {
        Ok(String::from_utf8_lossy(&self.bytes(arguments)?).trim_end().to_owned())
    }

    pub(crate) fn init_bare(&self) -> Result<(), Error> {
        self.bytes(&["init", "--quiet", "--bare", "-b", "main"]).map(drop)
    }

    /// Adds a commit of exactly these files to the branch `main` and tags it, as one step and without a working tree.
    pub(crate) fn import(&self, package: &Package, tag: &str, message: &str) -> Result<(), Error> {
        let person = self.text(&["var", "GIT_COMMITTER_IDENT"])?;
        let message = format!("data {}\n{message}\n", message.len());
        let mut stream =
            format!("commit refs/heads/main\nmark :1\ncommitter {person}\n{message}").into_bytes();
        if self.output(&["rev-parse", "--verify", "--quiet", "refs/heads/main"])?.status.success() {
            stream.extend_from_slice(b"from refs/heads/main^0\n");
        }
        stream.extend_from_slice(b"deleteall\n");
        for (path, bytes) in package.files() {
            let head = format!("M 100644 inline {path}\ndata {}\n", bytes.len());
            stream.extend_from_slice(head.as_bytes());
            stream.extend_from_slice(bytes);
            stream.push(b'\n');
        }
        let tag = format!("tag {tag}\nfrom :1\ntagger {person}\n{message}done\n");
        stream.extend_from_slice(tag.as_bytes());
        self.feed(&["fast-import", "--quiet", "--done"], &stream)
    }

    fn feed(&self, arguments: &[&str], input: &[u8]) -> Result<(), Error> {
        let failed = |error| Error::unavailable("git cannot be run", error);
        let mut child = Command::new("git")
            .args(arguments)
            .current_dir(self.root)
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        // A git that gives up early says why on its standard error.
        let written = child.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(input));
        let output = child.wait_with_output().map_err(failed)?;
        if output.status.success() {
            return written.map_err(failed);
        }
        Err(refused(arguments, &output.stderr))
    }

    /// Returns whether there is a tag.
    ///
    /// # Errors
    ///
    /// As [`output`](Git::output).
    pub fn has_tag(&self, tag: &str) -> Result<bool, Error> {
        let tag = format!("refs/tags/{tag}");
        Ok(self.output(&["rev-parse", "--verify", "--quiet", &tag])?.status.success())
    }

    /// Reads every file of a commit or of a directory in one, written `COMMIT:./DIRECTORY`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Input`] if one of them is not a regular file; else as [`bytes`](Git::bytes).
    pub fn files(&self, tree: &str) -> Result<BTreeMap<String, Vec<u8>>, Error> {
        let listing = self.bytes(&["ls-tree", "-r", "-z", tree])?;
        let mut files = BTreeMap::new();
        for entry in String::from_utf8_lossy(&listing).split('\0').filter(|entry| !entry.is_empty()) {
            let Some((meta, path)) = entry.split_once('\t') else { continue };
            let words: Vec<&str> = meta.split(' ').collect();
            match words.as_slice() {
                ["100644" | "100755", "blob", id] => {
                    files.insert(path.to_owned(), self.bytes(&["cat-file", "blob", id])?);
                }
                _ => return Err(Error::input(format!("`{path}` in {tree} is not a regular file"))),
            }
        }
        Ok(files)
    }
}

fn refused(arguments: &[&str], problems: &[u8]) -> Error {
    let text = String::from_utf8_lossy(problems);
    Error::new(ErrorKind::Unavailable, format!("`git {}` failed: {}", arguments.join(" "), text.trim()))
}
