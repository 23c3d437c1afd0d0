//! What releases ask of git.

use std::path::PathBuf;

use terrane_registry::{Error, ErrorKind, Git, Package};

/// What a release does with a repository.
pub(crate) trait Releasing {
    fn directory(&self) -> Result<PathBuf, Error>;

    /// Refuses to commit where nobody would find the commit, or in nobody's name; says both at once.
    fn check_can_commit(&self) -> Result<(), Error>;

    /// Refuses a tree with changes outside some directories of the workspace, each written with `/` at its end.
    fn check_clean(&self, but: &[String]) -> Result<(), Error>;

    fn show(&self, commit: &str, path: &str) -> Result<Option<String>, Error>;

    fn last_commit(&self, path: &str) -> Result<Option<String>, Error>;

    fn commit_all(&self, message: &str) -> Result<(), Error>;

    /// Returns whether a tag is on this commit already; one on another commit is refused.
    fn is_tagged(&self, tag: &str, commit: &str) -> Result<bool, Error>;

    /// Makes an annotated tag; one that exists must be on the same commit.
    fn tag(&self, tag: &str, commit: &str, message: &str) -> Result<(), Error>;

    /// Reads a directory of a commit as a package, whatever the working tree looks like.
    fn package(&self, commit: &str, directory: &str) -> Result<Package, Error>;
}

impl Releasing for Git<'_> {
    fn directory(&self) -> Result<PathBuf, Error> {
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

    fn check_can_commit(&self) -> Result<(), Error> {
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

    fn check_clean(&self, but: &[String]) -> Result<(), Error> {
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

    fn show(&self, commit: &str, path: &str) -> Result<Option<String>, Error> {
        let object = format!("{commit}:./{path}");
        if !self.output(&["cat-file", "-e", &object])?.status.success() {
            return Ok(None);
        }
        Ok(Some(String::from_utf8_lossy(&self.bytes(&["show", &object])?).into_owned()))
    }

    fn last_commit(&self, path: &str) -> Result<Option<String>, Error> {
        let commit = self.text(&["log", "-n1", "--format=%H", "--", path])?;
        Ok(Some(commit).filter(|commit| !commit.is_empty()))
    }

    fn commit_all(&self, message: &str) -> Result<(), Error> {
        self.bytes(&["add", "-A"])?;
        self.bytes(&["commit", "--quiet", "-m", message]).map(drop)
    }

    fn is_tagged(&self, tag: &str, commit: &str) -> Result<bool, Error> {
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

    fn tag(&self, tag: &str, commit: &str, message: &str) -> Result<(), Error> {
        match self.is_tagged(tag, commit)? {
            true => Ok(()),
            false => self.bytes(&["tag", "-a", tag, "-m", message, commit]).map(drop),
        }
    }

    fn package(&self, commit: &str, directory: &str) -> Result<Package, Error> {
        Package::from_tree(self.files(&format!("{commit}:./{directory}")).map_err(|error| {
            Error::input(format!(
                "`{directory}` is not committed; compile the module and commit it ({error})"
            ))
        })?)
    }
}
