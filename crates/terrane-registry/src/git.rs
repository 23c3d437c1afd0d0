//! What releases and exports ask of git.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::{Error, ErrorKind, Package};

pub(crate) struct Git<'a> {
    pub(crate) root: &'a Path,
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
        Err(refused(arguments, &output.stderr))
    }

    fn text(&self, arguments: &[&str]) -> Result<String, Error> {
        Ok(String::from_utf8_lossy(&self.bytes(arguments)?).trim_end().to_owned())
    }

    pub(crate) fn directory(&self) -> Result<PathBuf, Error> {
        let output = self.output(&["rev-parse", "--git-dir"])?;
        if output.status.success() {
            return Ok(self.root.join(String::from_utf8_lossy(&output.stdout).trim_end()));
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(Error::input(format!(
            "`{}` is in no git repository that can be used, and a release commits and tags ({}); `git init` makes one",
            self.root.display(),
            said.trim()
        )))
    }

    /// Refuses to commit where nobody would find the commit, or in nobody's name; says both at once.
    pub(crate) fn check_can_commit(&self) -> Result<(), Error> {
        let mut problems = Vec::new();
        if !self.output(&["symbolic-ref", "--quiet", "HEAD"])?.status.success() {
            let head = self.text(&["rev-parse", "HEAD"])?;
            problems.push(format!(
                "HEAD is detached at {head}, and a release is a commit on a branch; `git switch` to one"
            ));
        }
        for (variable, who) in [("GIT_AUTHOR_IDENT", "author"), ("GIT_COMMITTER_IDENT", "committer")] {
            if !self.output(&["var", variable])?.status.success() {
                let message = "set `user.name` and `user.email` with `git config`";
                problems.push(format!("git knows no {who} for the commit of the release; {message}"));
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(Error::input(problems.join("\n"))) }
    }

    /// Refuses a tree with changes outside some directories of the workspace, each written with `/` at its end.
    pub(crate) fn check_clean(&self, but: &[String]) -> Result<(), Error> {
        let workspace = self.text(&["rev-parse", "--show-prefix"])?;
        let status = self.bytes(&["status", "--porcelain", "-z", "--no-renames", "--untracked-files=all"])?;
        let status = String::from_utf8_lossy(&status);
        let is_own = |line: &&str| {
            let path = line.get(3..).and_then(|path| path.strip_prefix(workspace.as_str()));
            path.is_some_and(|path| but.iter().any(|directory| path.starts_with(directory.as_str())))
        };
        let foreign: Vec<&str> =
            status.split('\0').filter(|line| !line.is_empty() && !is_own(line)).collect();
        if foreign.is_empty() {
            return Ok(());
        }
        let message = format!("a release starts from a clean tree; commit or stash:\n{}", foreign.join("\n"));
        Err(Error::input(message))
    }

    pub(crate) fn show(&self, commit: &str, path: &str) -> Result<Option<String>, Error> {
        let object = format!("{commit}:./{path}");
        if !self.output(&["cat-file", "-e", &object])?.status.success() {
            return Ok(None);
        }
        Ok(Some(String::from_utf8_lossy(&self.bytes(&["show", &object])?).into_owned()))
    }

    pub(crate) fn last_commit(&self, path: &str) -> Result<Option<String>, Error> {
        let commit = self.text(&["log", "-n1", "--format=%H", "--", path])?;
        Ok(Some(commit).filter(|commit| !commit.is_empty()))
    }

    pub(crate) fn commit_all(&self, message: &str) -> Result<(), Error> {
        self.bytes(&["add", "-A"])?;
        self.bytes(&["commit", "--quiet", "-m", message]).map(drop)
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

    pub(crate) fn has_tag(&self, tag: &str) -> Result<bool, Error> {
        let tag = format!("refs/tags/{tag}");
        Ok(self.output(&["rev-parse", "--verify", "--quiet", &tag])?.status.success())
    }

    /// Returns whether a tag is on this commit already; one on another commit is refused.
    pub(crate) fn is_tagged(&self, tag: &str, commit: &str) -> Result<bool, Error> {
        let existing =
            self.output(&["rev-parse", "--verify", "--quiet", &format!("refs/tags/{tag}^{{commit}}")])?;
        let found = String::from_utf8_lossy(&existing.stdout).trim().to_owned();
        if existing.status.success() && found != commit {
            let message = format!(
                "the tag `{tag}` is on {found}, not on {commit}; remove it (`git tag -d {tag}`), or release another version"
            );
            return Err(Error::new(ErrorKind::Taken, message));
        }
        Ok(existing.status.success())
    }

    /// Makes an annotated tag; one that exists must be on the same commit.
    pub(crate) fn tag(&self, tag: &str, commit: &str, message: &str) -> Result<(), Error> {
        match self.is_tagged(tag, commit)? {
            true => Ok(()),
            false => self.bytes(&["tag", "-a", tag, "-m", message, commit]).map(drop),
        }
    }

    /// Reads a directory of a commit as a package, whatever the working tree looks like.
    pub(crate) fn package(&self, commit: &str, directory: &str) -> Result<Package, Error> {
        Package::from_tree(self.files(&format!("{commit}:./{directory}")).map_err(|error| {
            Error::input(format!(
                "`{directory}` is not committed; compile the module and commit it ({error})"
            ))
        })?)
    }

    /// Reads every file of a commit or of a directory in one, written `COMMIT:./DIRECTORY`.
    pub(crate) fn files(&self, tree: &str) -> Result<BTreeMap<String, Vec<u8>>, Error> {
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
