//! A store in a directory, whose layout a web server can serve as it is.

use std::fs::{self, File};
use std::io::{ErrorKind as IoKind, Write as _};
use std::path::{Path, PathBuf};

use super::{Expect, Object, Put, Store};
use crate::package::sha256_hex;
use crate::{Error, ErrorKind};

/// Objects as files below a root.
///
/// A write goes to a temporary file that is synced and renamed, under a lock that all writers take.
/// The operating system releases the lock when its holder dies. Readers need no lock.
#[derive(Debug)]
pub struct DirectoryStore {
    root: PathBuf,
}

/// Holds the lock and unfinished writes; no object has this name.
const WORK: &str = ".terrane";

impl DirectoryStore {
    /// Opens a directory, which the first write creates.
    pub fn new(root: impl Into<PathBuf>) -> DirectoryStore {
        DirectoryStore { root: root.into() }
    }

    fn path(&self, key: &str) -> Result<PathBuf, Error> {
        let plain = |part: &str| {
            !part.is_empty()
                && part != "."
                && part != ".."
                && !part.contains(['\\', '\0', ':'])
                && part != WORK
        };
        if key.split('/').all(plain) {
            return Ok(self.root.join(key));
        }
        Err(Error::new(ErrorKind::NotFound, format!("{:?} is no key of a registry", key)))
    }

    fn lock(&self) -> Result<File, Error> {
        let work = self.root.join(WORK);
        fs::create_dir_all(&work).map_err(|error| failed("create", &work, error))?;
        let path = work.join("lock");
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(|error| failed("open", &path, error))?;
        file.lock().map_err(|error| failed("lock", &path, error))?;
        Ok(file)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), Error> {
        let parent = path.parent().unwrap_or(&self.root);
        fs::create_dir_all(parent).map_err(|error| failed("create", parent, error))?;
        // One writer at a time holds the lock, so one name is enough.
        let unfinished = self.root.join(WORK).join("unfinished");
        let written = File::create(&unfinished).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        });
        written.map_err(|error| failed("write", &unfinished, error))?;
        fs::rename(&unfinished, path).map_err(|error| failed("write", path, error))?;
        // The rename itself must survive a power cut, too.
        File::open(parent)
            .and_then(|directory| directory.sync_all())
            .map_err(|error| failed("sync", parent, error))
    }
}

fn failed(what: &str, path: &Path, error: std::io::Error) -> Error {
    Error::unavailable(format!("cannot {what} `{}`", path.display()), error)
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error)
            if matches!(error.kind(), IoKind::NotFound | IoKind::NotADirectory | IoKind::IsADirectory) =>
        {
            Ok(None)
        }
        Err(error) => Err(failed("read", path, error)),
    }
}

impl Store for DirectoryStore {
    fn get(&self, key: &str) -> Result<Option<Object>, Error> {
        let bytes = read(&self.path(key)?)?;
        Ok(bytes.map(|bytes| Object {
            tag: sha256_hex(&bytes),
            bytes,
            content_type: None,
            content_encoding: None,
        }))
    }

    fn put(&self, key: &str, bytes: &[u8], expect: Expect<'_>) -> Result<Put, Error> {
        let path = self.path(key)?;
        let _lock = self.lock()?;
        let holds = match (expect, read(&path)?) {
            (Expect::Absent, found) => found.is_none(),
            (Expect::Unchanged(tag), found) => found.is_some_and(|found| sha256_hex(&found) == tag),
        };
        if !holds {
            return Ok(Put::Refused);
        }
        self.write(&path, bytes)?;
        Ok(Put::Written)
    }

    fn delete(&self, key: &str) -> Result<(), Error> {
        let path = self.path(key)?;
        let _lock = self.lock()?;
        match fs::remove_file(&path) {
            Err(error) if error.kind() != IoKind::NotFound => Err(failed("remove", &path, error)),
            _ => Ok(()),
        }
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>, Error> {
        let mut keys = Vec::new();
        // The prefix may end inside a name; its directory bounds the walk.
        let start = prefix.rsplit_once('/').map_or("", |(directory, _)| directory);
        let root = if start.is_empty() { self.root.clone() } else { self.path(start)? };
        let mut pending = vec![(root, start.to_owned())];
        while let Some((directory, name)) = pending.pop() {
            let entries = match fs::read_dir(&directory) {
                Ok(entries) => entries,
                Err(error) if error.kind() == IoKind::NotFound => continue,
                Err(error) => return Err(failed("list", &directory, error)),
            };
            for entry in entries {
                let entry = entry.map_err(|error| failed("list", &directory, error))?;
                let Ok(file_name) = entry.file_name().into_string() else { continue };
                if file_name == WORK {
                    continue;
                }
                let key = if name.is_empty() { file_name } else { format!("{name}/{file_name}") };
                if entry.file_type().map_err(|error| failed("list", &directory, error))?.is_dir() {
                    pending.push((entry.path(), key));
                } else if key.starts_with(prefix) {
                    keys.push(key);
                }
            }
        }
        keys.sort();
        Ok(keys)
    }
}
