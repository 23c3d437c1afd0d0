//! Where a registry keeps its objects.
//!
//! A [`Store`] is a map from keys to bytes with one strong operation: a write that happens only if
//! the object is still what the writer saw. Everything that publishing promises rests on it.

mod directory;
mod memory;
#[cfg(feature = "s3")]
mod s3;

use std::fmt;
use std::sync::Arc;

use crate::Error;

pub use directory::DirectoryStore;
pub use memory::MemoryStore;
#[cfg(feature = "s3")]
pub use s3::S3Store;

/// An object with what its store says about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// The content.
    pub bytes: Vec<u8>,
    /// Identifies the content for [`Expect::Unchanged`].
    pub tag: String,
    /// The content type under which a store serves it, where it has one.
    pub content_type: Option<String>,
    /// The content encoding under which a store serves it, where it has one.
    pub content_encoding: Option<String>,
}

/// What a store says of an object without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Its length in bytes.
    pub size: u64,
}

/// The condition of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect<'a> {
    /// The object does not exist.
    Absent,
    /// The object still has this tag.
    Unchanged(&'a str),
}

/// What a conditional write did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// The object is written.
    Written,
    /// The condition does not hold, and nothing changed.
    Refused,
}

/// A place for the objects of a registry, with conditional writes.
///
/// Calls block; the server makes them on threads of their own.
pub trait Store: fmt::Debug + Send + Sync {
    /// Reads an object.
    ///
    /// # Errors
    ///
    /// Fails when the store does; a missing object is `None`.
    fn get(&self, key: &str) -> Result<Option<Object>, Error>;

    /// Returns whether the store itself is there, whatever it holds.
    ///
    /// # Errors
    ///
    /// Fails when it is not, so that a missing object is not taken for one that was never published.
    fn check(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Returns the length of an object.
    ///
    /// # Errors
    ///
    /// As [`get`](Store::get).
    fn stat(&self, key: &str) -> Result<Option<Stat>, Error> {
        Ok(self.get(key)?.map(|object| Stat { size: object.bytes.len() as u64 }))
    }

    /// Reads at most `length` bytes of an object from `start` on.
    ///
    /// # Errors
    ///
    /// As [`get`](Store::get).
    fn read(&self, key: &str, start: u64, length: usize) -> Result<Option<Vec<u8>>, Error> {
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        Ok(self.get(key)?.map(|object| object.bytes.into_iter().skip(start).take(length).collect()))
    }

    /// Writes an object if a condition holds, as one step.
    ///
    /// # Errors
    ///
    /// Fails when the store does. The write may then have happened; the caller reads back to know.
    fn put(&self, key: &str, bytes: &[u8], expect: Expect<'_>) -> Result<Put, Error>;

    /// Removes an object; one that does not exist is fine.
    ///
    /// # Errors
    ///
    /// Fails when the store does.
    fn delete(&self, key: &str) -> Result<(), Error>;

    /// Returns the keys that start with a prefix, in order.
    ///
    /// # Errors
    ///
    /// Fails when the store does.
    fn list(&self, prefix: &str) -> Result<Vec<String>, Error>;
}

/// Returns the content type of an object by its key.
pub fn content_type(key: &str) -> &'static str {
    match key.rsplit('/').next().unwrap_or(key) {
        "versions"
        | "download"
        | "manifest.json"
        | "index.json"
        | "module.tar.gz.sigstore.json"
        | "terraform.json" => "application/json",
        "module.tar.gz" => "application/gzip",
        "registry.toml" => "text/plain; charset=utf-8",
        "get" | "index.html" => "text/html; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// Opens a store by its name: a directory, or `s3://bucket/prefix`.
///
/// # Errors
///
/// Refuses a name of neither kind, a file, and an S3 name that this program was built without support for.
pub fn open_store(name: &str) -> Result<Arc<dyn Store>, Error> {
    if name.starts_with("s3://") {
        #[cfg(feature = "s3")]
        return Ok(Arc::new(S3Store::open(name)?));
        #[cfg(not(feature = "s3"))]
        return Err(Error::input(format!("`{name}`: this program was built without S3 support")));
    }
    if name.is_empty() || name.contains("://") || name.starts_with("s3:") {
        return Err(Error::input(format!("`{name}` is neither a directory nor s3://bucket/prefix")));
    }
    if std::path::Path::new(name).is_file() {
        let message = format!("`{name}` is a file; name a directory or s3://bucket/prefix");
        return Err(Error::input(message));
    }
    Ok(Arc::new(DirectoryStore::new(name)))
}
