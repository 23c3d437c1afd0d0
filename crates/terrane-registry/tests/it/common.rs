//! What the cases share: modules, publications, and stores that fail.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use terrane_registry::{
    Allowance, Error, Expect, MemoryStore, ModuleName, Object, Package, Publication, Published, Put,
    Registry, Settings, Store, parse_version,
};

pub(crate) const HOST: &str = "modules.example.test";

pub(crate) fn settings() -> Settings {
    Settings::new(HOST, "acme").expect("a good host")
}

pub(crate) fn name(text: &str) -> ModuleName {
    ModuleName::parse(text).expect("a good name")
}

pub(crate) fn network() -> ModuleName {
    name("acme/network/aws")
}

/// Whether more cases are tried, as `cargo xtask test --long` does.
pub(crate) fn is_long() -> bool {
    std::env::var_os("TERRANE_LONG").is_some_and(|value| value != "0")
}

/// A module of one file.
pub(crate) fn package(main: &str) -> Package {
    package_of(&[("main.tf", main)])
}

pub(crate) fn package_of(files: &[(&str, &str)]) -> Package {
    let files: BTreeMap<String, Vec<u8>> =
        files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect();
    Package::from_files(files).unwrap_or_else(|error| panic!("{error}"))
}

/// A module that differs from others by a comment, and so by its tree alone.
pub(crate) fn variant(n: usize) -> Package {
    package(&format!("# {n}\nresource \"terraform_data\" \"a\" {{}}\n"))
}

pub(crate) fn publish(
    store: &dyn Store,
    module: &ModuleName,
    version: &str,
    package: &Package,
) -> Result<Published, Error> {
    publish_allowing(store, module, version, package, &[])
}

pub(crate) fn publish_allowing(
    store: &dyn Store,
    module: &ModuleName,
    version: &str,
    package: &Package,
    allow: &[Allowance],
) -> Result<Published, Error> {
    let registry = Registry::open_or_create(store, &settings())?;
    let version = parse_version(version)?;
    registry.publish(&Publication { module, version: &version, package, allow, commit: Some("0123abc") })
}

/// Every object of a store, for comparison.
pub(crate) fn snapshot(store: &dyn Store) -> BTreeMap<String, Vec<u8>> {
    let keys = store.list("").expect("the store works");
    keys.into_iter()
        .map(|key| {
            let object = store.get(&key).expect("the store works").expect("a listed object exists");
            (key, object.bytes)
        })
        .collect()
}

/// When a write of [`FaultyStore`] dies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Death {
    /// The write did not happen.
    Before,
    /// The write happened.
    After,
}

/// A store whose process is killed at its n-th write: nothing works from then on.
#[derive(Debug)]
pub(crate) struct FaultyStore<'a> {
    inner: &'a MemoryStore,
    fatal: usize,
    death: Death,
    n_writes: AtomicUsize,
}

impl<'a> FaultyStore<'a> {
    pub(crate) fn new(inner: &'a MemoryStore, fatal: usize, death: Death) -> Self {
        FaultyStore { inner, fatal, death, n_writes: AtomicUsize::new(0) }
    }

    fn check_alive(&self) {
        if self.n_writes.load(Ordering::SeqCst) > self.fatal {
            std::panic::panic_any(Killed);
        }
    }
}

/// What a killed publish unwinds with.
#[derive(Debug)]
pub(crate) struct Killed;

impl Store for FaultyStore<'_> {
    fn get(&self, key: &str) -> Result<Option<Object>, Error> {
        self.check_alive();
        self.inner.get(key)
    }

    fn put(&self, key: &str, bytes: &[u8], expect: Expect<'_>) -> Result<Put, Error> {
        self.check_alive();
        let write = self.n_writes.fetch_add(1, Ordering::SeqCst);
        if write != self.fatal {
            return self.inner.put(key, bytes, expect);
        }
        if self.death == Death::After {
            self.inner.put(key, bytes, expect)?;
        }
        self.n_writes.fetch_add(1, Ordering::SeqCst);
        std::panic::panic_any(Killed)
    }

    fn delete(&self, key: &str) -> Result<(), Error> {
        self.check_alive();
        self.inner.delete(key)
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>, Error> {
        self.check_alive();
        self.inner.list(prefix)
    }
}
