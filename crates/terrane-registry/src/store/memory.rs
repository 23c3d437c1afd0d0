//! A store in memory, for tests and dry runs.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Expect, Object, Put, Store, content_type};
use crate::Error;
use crate::package::sha256_hex;

/// Objects in memory.
#[derive(Debug, Default)]
pub struct MemoryStore {
    objects: Mutex<BTreeMap<String, Vec<u8>>>,
}

impl MemoryStore {
    fn objects(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        // Each write is one insert, so a panic elsewhere leaves nothing half done.
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn get(&self, key: &str) -> Result<Option<Object>, Error> {
        Ok(self.objects().get(key).map(|bytes| Object {
            bytes: bytes.clone(),
            tag: sha256_hex(bytes),
            content_type: Some(content_type(key).to_owned()),
            content_encoding: None,
        }))
    }

    fn put(&self, key: &str, bytes: &[u8], expect: Expect<'_>) -> Result<Put, Error> {
        let mut objects = self.objects();
        let holds = match (expect, objects.get(key)) {
            (Expect::Absent, found) => found.is_none(),
            (Expect::Unchanged(tag), found) => found.is_some_and(|bytes| sha256_hex(bytes) == tag),
        };
        if holds {
            objects.insert(key.to_owned(), bytes.to_vec());
        }
        Ok(if holds { Put::Written } else { Put::Refused })
    }

    fn delete(&self, key: &str) -> Result<(), Error> {
        self.objects().remove(key);
        Ok(())
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>, Error> {
        Ok(self.objects().keys().filter(|key| key.starts_with(prefix)).cloned().collect())
    }
}
