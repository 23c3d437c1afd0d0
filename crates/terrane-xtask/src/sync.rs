//! Makes a directory hold exactly the generated files, or says how it differs.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::{Path, PathBuf},
};

use crate::{
    error::{Error, Result},
    files,
};

/// A file that is not as it would be generated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The file.
    pub path: PathBuf,
    /// How it differs.
    pub kind: DifferenceKind,
}

/// How a file differs from what would be generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DifferenceKind {
    /// It does not exist.
    Missing,
    /// It has other content.
    Changed,
    /// It exists, and nothing generates it.
    Stale,
}

impl Difference {
    /// Says what was done about it.
    pub fn mended(&self) -> String {
        let what = match self.kind {
            DifferenceKind::Missing => "added",
            DifferenceKind::Changed => "changed",
            DifferenceKind::Stale => "removed",
        };
        format!("{what}: {}", self.path.display())
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            DifferenceKind::Missing => "missing",
            DifferenceKind::Changed => "changed",
            DifferenceKind::Stale => "stale",
        };
        write!(f, "{kind}: {}", self.path.display())
    }
}

/// Compares a directory with the files it should hold, by path inside it; files named in `kept` at its top are left alone.
///
/// # Errors
///
/// [`ErrorKind::File`](crate::ErrorKind::File).
pub fn compare(dir: &Path, files: &BTreeMap<String, String>, kept: &[&str]) -> Result<Vec<Difference>> {
    let mut differences = Vec::new();
    for (name, text) in files {
        let path = dir.join(name);
        let kind = match std::fs::read(&path) {
            Ok(found) if found == text.as_bytes() => continue,
            Ok(_) => DifferenceKind::Changed,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => DifferenceKind::Missing,
            Err(error) => return Err(Error::file("read", &path, error)),
        };
        differences.push(Difference { path, kind });
    }
    for name in present(dir, dir)? {
        if !files.contains_key(&name) && !kept.contains(&name.as_str()) {
            differences.push(Difference { path: dir.join(name), kind: DifferenceKind::Stale });
        }
    }
    Ok(differences)
}

/// Makes a directory hold the files, and removes what is stale.
///
/// # Errors
///
/// [`ErrorKind::File`](crate::ErrorKind::File).
pub fn write(dir: &Path, files: &BTreeMap<String, String>, kept: &[&str]) -> Result<Vec<Difference>> {
    let differences = compare(dir, files, kept)?;
    for Difference { path, kind } in &differences {
        if *kind == DifferenceKind::Stale {
            std::fs::remove_file(path).map_err(|source| Error::file("remove", path, source))?;
            remove_empty_parents(path, dir);
            continue;
        }
        let name = path.strip_prefix(dir).ok().and_then(Path::to_str).unwrap_or_default();
        let text = files.get(name).map(String::as_str).unwrap_or_default();
        files::write(path, text)?;
    }
    Ok(differences)
}

/// Reads every file of a directory, without what Terraform leaves there.
///
/// # Errors
///
/// [`ErrorKind::File`](crate::ErrorKind::File).
pub fn read(dir: &Path) -> Result<BTreeMap<String, String>> {
    let read = |name: String| {
        let path = dir.join(&name);
        Ok((name, files::read(&path)?))
    };
    present(dir, dir)?.into_iter().map(read).collect()
}

/// Returns the paths of all files under a directory, without what Terraform leaves there.
fn present(dir: &Path, top: &Path) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    if !dir.exists() {
        return Ok(found);
    }
    for entry in std::fs::read_dir(dir).map_err(|source| Error::file("read", dir, source))? {
        let path = entry.map_err(|source| Error::file("read", dir, source))?.path();
        if path.is_dir() {
            if path.file_name().is_none_or(|name| name != ".terraform") {
                found.extend(present(&path, top)?);
            }
        } else if let Some(name) = path.strip_prefix(top).ok().and_then(Path::to_str)
            && !name.ends_with(".terraform.lock.hcl")
        {
            found.insert(name.to_owned());
        }
    }
    Ok(found)
}

fn remove_empty_parents(path: &Path, top: &Path) {
    for dir in path.ancestors().skip(1).take_while(|dir| *dir != top) {
        // A directory that is not empty stays, and so do those around it.
        if std::fs::remove_dir(dir).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
        entries.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn written_directory_equals_its_files_and_keeps_what_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in [("module.toml", "v"), ("old/stale.tf", "x"), ("a.tf", "old")] {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let files = tree(&[("a.tf", "new"), ("tests/b.hcl", "b")]);
        let kinds = |differences: Vec<Difference>| -> Vec<DifferenceKind> {
            differences.iter().map(|one| one.kind).collect()
        };

        let found = compare(dir.path(), &files, &["module.toml"]).unwrap();
        assert_eq!(kinds(found), [DifferenceKind::Changed, DifferenceKind::Missing, DifferenceKind::Stale]);
        assert_eq!(
            std::fs::read_to_string(dir.path().join("a.tf")).unwrap(),
            "old",
            "comparing writes nothing"
        );

        write(dir.path(), &files, &["module.toml"]).unwrap();
        assert_eq!(compare(dir.path(), &files, &["module.toml"]).unwrap(), []);
        assert_eq!(std::fs::read_to_string(dir.path().join("a.tf")).unwrap(), "new");
        assert!(dir.path().join("module.toml").exists());
        assert!(!dir.path().join("old").exists());
    }
}
