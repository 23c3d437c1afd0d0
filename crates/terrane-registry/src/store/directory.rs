//! A store in a directory, whose layout a web server can serve as it is.

use std::fs::{self, File};
use std::io::{ErrorKind as IoKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::{Expect, Object, Put, Stat, Store};
use crate::package::sha256_hex;
use crate::{Error, ErrorKind};

/// Objects as files below a root.
///
/// A write goes to a temporary file that is synced and renamed, under a lock that all writers take.
/// The operating system releases the lock when its holder dies. Readers need no lock.
/// A link below the root is refused, wherever it leads.
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

    /// Refuses a path that a link below the root is part of.
    fn check_links(&self, path: &Path) -> Result<(), Error> {
        let inside = path.strip_prefix(&self.root).unwrap_or(path);
        let mut place = self.root.clone();
        for part in inside.components() {
            place.push(part);
            match place.symlink_metadata() {
                Ok(metadata) if metadata.is_symlink() => {
                    let message =
                        format!("`{}` is a link, which no registry makes; remove it", place.display());
                    return Err(Error::new(ErrorKind::Damaged, message));
                }
                Ok(_) => {}
                // What is not there leads nowhere.
                Err(_) => return Ok(()),
            }
        }
        Ok(())
    }

    /// Opens the file of a key, if there is one.
    fn open(&self, key: &str) -> Result<Option<(PathBuf, File)>, Error> {
        let path = self.path(key)?;
        self.check_links(&path)?;
        match File::open(&path) {
            Ok(file) if file.metadata().is_ok_and(|metadata| metadata.is_dir()) => Ok(None),
            Ok(file) => Ok(Some((path, file))),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(failed("read", &path, error)),
        }
    }

    fn lock(&self) -> Result<File, Error> {
        let work = self.root.join(WORK);
        fs::create_dir_all(&work).map_err(|error| failed("create", &work, error))?;
        let path = work.join("lock");
        self.check_links(&path)?;
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(|error| failed("open", &path, error))?;
        file.lock().map_err(|error| failed("lock", &path, error))?;
        Ok(file)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), Error> {
        let parent = path.parent().unwrap_or(&self.root);
        self.check_links(path)?;
        fs::create_dir_all(parent).map_err(|error| failed("create", parent, error))?;
        // One writer at a time holds the lock, so one name is enough.
        let unfinished = self.root.join(WORK).join("unfinished");
        self.check_links(&unfinished)?;
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

fn is_absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), IoKind::NotFound | IoKind::NotADirectory | IoKind::IsADirectory)
}

impl Store for DirectoryStore {
    fn get(&self, key: &str) -> Result<Option<Object>, Error> {
        let Some((path, mut file)) = self.open(key)? else { return Ok(None) };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|error| failed("read", &path, error))?;
        Ok(Some(Object { tag: sha256_hex(&bytes), bytes, content_type: None, content_encoding: None }))
    }

    fn check(&self) -> Result<(), Error> {
        if self.root.is_dir() {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Unavailable,
            format!("the directory `{}` is not there", self.root.display()),
        ))
    }

    fn stat(&self, key: &str) -> Result<Option<Stat>, Error> {
        let Some((path, file)) = self.open(key)? else { return Ok(None) };
        let metadata = file.metadata().map_err(|error| failed("read", &path, error))?;
        Ok(Some(Stat { size: metadata.len() }))
    }

    fn read(&self, key: &str, start: u64, length: usize) -> Result<Option<Vec<u8>>, Error> {
        let Some((path, mut file)) = self.open(key)? else { return Ok(None) };
        let mut bytes = Vec::with_capacity(length);
        file.seek(SeekFrom::Start(start))
            .and_then(|_| file.take(length as u64).read_to_end(&mut bytes))
            .map_err(|error| failed("read", &path, error))?;
        Ok(Some(bytes))
    }

    fn put(&self, key: &str, bytes: &[u8], expect: Expect<'_>) -> Result<Put, Error> {
        let path = self.path(key)?;
        let _lock = self.lock()?;
        let holds = match (expect, self.get(key)?) {
            (Expect::Absent, found) => found.is_none(),
            (Expect::Unchanged(tag), found) => found.is_some_and(|found| found.tag == tag),
        };
        if !holds {
            return Ok(Put::Refused);
        }
        self.write(&path, bytes)?;
        Ok(Put::Written)
    }

    fn delete(&self, key: &str) -> Result<(), Error> {
        let path = self.path(key)?;
        self.check_links(path.parent().unwrap_or(&self.root))?;
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
        self.check_links(&root)?;
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
