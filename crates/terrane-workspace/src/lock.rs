//! One writer at a time: a lock file in the directory, held by the operating system, which ends with its process.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorKind, Result};

/// The lock file of a directory; it is there only while somebody writes, or after somebody was killed.
pub(crate) const FILE: &str = ".terrane.lock";

/// How long a writer waits for another one, which needs seconds at most.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a writer sleeps before it looks again.
const PAUSE: Duration = Duration::from_millis(20);

/// A directory that nobody else writes to.
#[derive(Debug)]
pub(crate) struct Lock {
    path: PathBuf,
    /// Directories that were made for it, the innermost first; they go with it if nothing was put into them.
    made: Vec<PathBuf>,
    /// Held open: the lock ends when it is closed, by a kill as well.
    _file: File,
}

impl Lock {
    /// Takes the lock of a directory, which is made if there is none, and waits while another process has it.
    pub(crate) fn take(directory: &Path) -> Result<Lock> {
        Lock::take_within(directory, PATIENCE)
    }

    fn take_within(directory: &Path, patience: Duration) -> Result<Lock> {
        let path = directory.join(FILE);
        let (start, mut said) = (Instant::now(), false);
        let missing = |dir: &&Path| !dir.as_os_str().is_empty() && !dir.exists();
        let made: Vec<PathBuf> = directory.ancestors().take_while(missing).map(Path::to_owned).collect();
        loop {
            // Another writer may have removed a directory that it left empty.
            match fs::create_dir_all(directory) {
                // It went between the look that found it and the one that asked what it is.
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && !directory.is_file() => {
                    continue;
                }
                made => made.map_err(|source| Error::file("make", directory, source))?,
            }
            let file = match open(&path) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                opened => opened.map_err(|source| Error::file("open", &path, source))?,
            };
            match file.try_lock() {
                // The one before removed its file when it was done, and a lock on that one is worth nothing.
                Ok(()) if !is_at(&file, &path) => continue,
                Ok(()) => return Ok(Lock { path, made, _file: file }),
                Err(TryLockError::Error(source)) => return Err(Error::file("lock", &path, source)),
                Err(TryLockError::WouldBlock) => {}
            }
            if start.elapsed() >= patience {
                let message = format!(
                    "another process has been writing to {} for {} s; wait for it to end, or end it (it holds {})",
                    directory.display(),
                    patience.as_secs(),
                    path.display()
                );
                return Err(Error::new(ErrorKind::File, message));
            }
            if !said {
                eprintln!("waiting: another process writes to {}", directory.display());
                said = true;
            }
            std::thread::sleep(PAUSE);
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Removed while it is held, so that nobody takes the file of this lock for one of theirs.
        let _ = fs::remove_file(&self.path);
        // A directory that is not empty stays, and so do those around it.
        let _ = self.made.iter().try_for_each(fs::remove_dir);
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    // A link would have somebody else's file opened.
    if path.is_symlink() {
        fs::remove_file(path)?;
    }
    File::options().create(true).truncate(false).read(true).write(true).open(path)
}

/// Returns whether an open file is still the one at a path.
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let there = fs::symlink_metadata(path).map(|data| (data.dev(), data.ino()));
    let held = file.metadata().map(|data| (data.dev(), data.ino()));
    matches!((there, held), (Ok(there), Ok(held)) if there == held)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_refused_while_it_is_held_and_leaves_nothing_behind() {
        let directory = tempfile::tempdir().unwrap();
        let held = Lock::take(directory.path()).unwrap();
        let refused = Lock::take_within(directory.path(), Duration::from_millis(50)).unwrap_err();
        assert!(refused.to_string().contains("another process has been writing to"), "{refused}");
        drop(held);
        assert!(!directory.path().join(FILE).exists());
        drop(Lock::take_within(directory.path(), Duration::ZERO).unwrap());
        drop(Lock::take(&directory.path().join("a/b")).unwrap());
        assert!(!directory.path().join("a").exists(), "what was made for nothing goes");
    }

    #[test]
    fn the_file_of_a_killed_process_blocks_nobody() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(FILE), "").unwrap();
        drop(Lock::take_within(directory.path(), Duration::ZERO).unwrap());
        assert!(!directory.path().join(FILE).exists());
    }

    #[test]
    fn writers_in_threads_take_turns() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("counted");
        let count = directory.path().join("count");
        fs::write(&count, "0").unwrap();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..25 {
                        let _lock = Lock::take(&place).unwrap();
                        let seen: u32 = fs::read_to_string(&count).unwrap().parse().unwrap();
                        fs::write(&count, (seen + 1).to_string()).unwrap();
                    }
                });
            }
        });
        assert_eq!(fs::read_to_string(&count).unwrap(), "200");
    }
}
