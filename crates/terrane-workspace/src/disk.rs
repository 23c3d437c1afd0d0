//! The steps by which a directory changes, so that tests can make each of them fail.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

/// What writes need of a disk.
pub trait Disk {
    /// Makes a file with this content.
    ///
    /// # Errors
    ///
    /// As the operating system says, as for each step.
    fn create(&self, path: &Path, text: &str) -> io::Result<()>;

    /// Makes a file with this content and waits until it is on the disk.
    ///
    /// # Errors
    ///
    /// As the operating system says.
    fn create_durably(&self, path: &Path, text: &str) -> io::Result<()>;

    /// Puts a file in the place of another, in one step.
    ///
    /// # Errors
    ///
    /// As the operating system says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    ///
    /// As the operating system says.
    fn remove(&self, path: &Path) -> io::Result<()>;
}

/// The disk of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn create(&self, path: &Path, text: &str) -> io::Result<()> {
        fs::write(path, text)
    }

    fn create_durably(&self, path: &Path, text: &str) -> io::Result<()> {
        let mut file = File::create(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }
}
