//! A4, A5, A11 (store), A24: crashes and failures at each write.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

use terrane_registry::{
    Error, ErrorKind, Expect, MemoryStore, Object, Package, Published, Put, Registry, Store, parse_version,
};

use crate::common::{Death, FaultyStore, Killed, network, publish, settings, variant};

/// Publishes until the n-th write kills it; returns whether it lived to the end.
fn publish_until(store: &MemoryStore, version: &str, package: &Package, fatal: usize, death: Death) -> bool {
    let faulty = FaultyStore::new(store, fatal, death);
    match catch_unwind(AssertUnwindSafe(|| publish(&faulty, &network(), version, package))) {
        Ok(result) => {
            result.expect("nothing else is wrong");
            true
        }
        Err(panic) => {
            assert!(panic.is::<Killed>(), "the process was killed by the store alone");
            false
        }
    }
}

/// What every client needs: each listed version is whole.
fn check_listed_versions_are_complete(store: &MemoryStore, expected_old: &str) {
    let Ok(registry) = Registry::open(store) else {
        assert_eq!(expected_old, "", "a registry that was there stays there");
        return;
    };
    let listed = registry.index(&network()).unwrap().listed;
    if !expected_old.is_empty() {
        assert!(listed.contains(&parse_version(expected_old).unwrap()));
    }
    for version in listed {
        assert_eq!(registry.verify(&network(), &version).unwrap(), []);
    }
}

fn each_crash(case: impl Fn(MemoryStore, &str)) -> usize {
    let silence = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !info.payload().is::<Killed>() {
            silence(info);
        }
    }));
    let mut n_crashes = 0;
    for death in [Death::Before, Death::After] {
        // A fresh store and one with an older version: the first publish makes the registry, too.
        for old in ["", "1.0.0"] {
            for fatal in 0.. {
                let store = MemoryStore::default();
                if !old.is_empty() {
                    publish(&store, &network(), old, &variant(0)).unwrap();
                }
                if publish_until(&store, "1.1.0", &variant(1), fatal, death) {
                    break;
                }
                n_crashes += 1;
                check_listed_versions_are_complete(&store, old);
                case(store, old);
            }
        }
    }
    n_crashes
}

#[test]
fn a04_a05_a_crash_at_any_write_is_completed_by_the_same_tree() {
    let n_crashes = each_crash(|store, old| {
        publish(&store, &network(), "1.1.0", &variant(1)).unwrap();
        check_listed_versions_are_complete(&store, old);
        assert_eq!(Registry::open(&store).unwrap().fsck().unwrap(), []);
        assert_eq!(
            Registry::open(&store).unwrap().index(&network()).unwrap().listed.len(),
            1 + usize::from(!old.is_empty())
        );
    });
    // Ten writes of a publish, each before and after, over a fresh and a used store.
    assert!(n_crashes >= 38, "{n_crashes}");
}

#[test]
fn a05_after_a_crash_another_tree_is_refused_until_the_claim_is_given_up() {
    let refusals = AtomicUsize::new(0);
    each_crash(|store, old| {
        let version = parse_version("1.1.0").unwrap();
        let claimed = store.get("v1/modules/acme/network/aws/1.1.0/module.tar.gz").unwrap().is_some();
        let result = publish(&store, &network(), "1.1.0", &variant(2));
        if !claimed {
            result.unwrap();
            return;
        }
        refusals.fetch_add(1, Ordering::SeqCst);
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Taken);
        assert!(error.to_string().contains(&format!("claimed by {}", variant(1).tree_digest())), "{error}");
        assert!(error.to_string().contains("fsck --abandon"), "{error}");
        let registry = Registry::open(&store).unwrap();
        if registry.index(&network()).unwrap().listed.contains(&version) {
            assert!(registry.abandon(&network(), &version).is_err(), "what is published cannot be given up");
            return;
        }
        let faults = registry.fsck().unwrap();
        assert!(faults.iter().any(|fault| fault.message.contains("--abandon")), "{faults:?}");
        registry.abandon(&network(), &version).unwrap();
        publish(&store, &network(), "1.1.0", &variant(2)).unwrap();
        check_listed_versions_are_complete(&store, old);
    });
    assert!(refusals.load(Ordering::SeqCst) >= 10);
}

/// A11: what the store lost or changed is found.
#[test]
fn a11_fsck_finds_every_damaged_object() {
    let pristine = MemoryStore::default();
    publish(&pristine, &network(), "1.0.0", &variant(0)).unwrap();
    let keys = pristine.list("").unwrap();
    assert_eq!(keys.len(), 11);
    for key in keys.iter().filter(|key| *key != "registry.toml") {
        for truncate in [true, false] {
            let store = MemoryStore::default();
            publish(&store, &network(), "1.0.0", &variant(0)).unwrap();
            let object = store.get(key).unwrap().unwrap();
            let mut bytes = object.bytes.clone();
            if truncate {
                bytes.truncate(bytes.len() / 2);
            } else {
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
            }
            assert_eq!(store.put(key, &bytes, Expect::Unchanged(&object.tag)).unwrap(), Put::Written);
            let faults = Registry::open(&store).unwrap().fsck().unwrap();
            assert!(!faults.is_empty(), "{key}, truncated: {truncate}");
        }
        let store = MemoryStore::default();
        publish(&store, &network(), "1.0.0", &variant(0)).unwrap();
        store.delete(key).unwrap();
        assert!(!Registry::open(&store).unwrap().fsck().unwrap().is_empty(), "{key} is missing");
    }
}

/// How [`FlakyStore`] fails each of its first writes.
#[derive(Clone, Copy, Debug)]
enum Failure {
    /// `503`: nothing happened.
    Refused,
    /// A timeout after the service had written.
    Unclear,
    /// `409`: somebody else was writing.
    Conflict,
}

/// Fails the first write of each object, and then works.
#[derive(Debug)]
struct FlakyStore {
    inner: MemoryStore,
    failure: Failure,
    failed: std::sync::Mutex<std::collections::BTreeSet<String>>,
}

impl Store for FlakyStore {
    fn get(&self, key: &str) -> Result<Option<Object>, Error> {
        self.inner.get(key)
    }

    fn put(&self, key: &str, bytes: &[u8], expect: Expect<'_>) -> Result<Put, Error> {
        let first = self.failed.lock().expect("no panic").insert(key.to_owned());
        if !first {
            return self.inner.put(key, bytes, expect);
        }
        match self.failure {
            Failure::Conflict => return Ok(Put::Refused),
            Failure::Refused => {}
            Failure::Unclear => drop(self.inner.put(key, bytes, expect)?),
        }
        Err(unavailable())
    }

    fn delete(&self, key: &str) -> Result<(), Error> {
        self.inner.delete(key)
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>, Error> {
        self.inner.list(prefix)
    }
}

/// A real error of kind `Unavailable`, as a directory that is a file gives it.
fn unavailable() -> Error {
    let file = tempfile::NamedTempFile::new().expect("writable");
    let store = terrane_registry::DirectoryStore::new(file.path());
    let error = store.put("x", b"", Expect::Absent).expect_err("a file is no directory");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    error
}

#[test]
fn a24_failures_of_the_store_are_retried_and_unclear_ones_read_back() {
    for failure in [Failure::Refused, Failure::Unclear, Failure::Conflict] {
        let store = FlakyStore { inner: MemoryStore::default(), failure, failed: Default::default() };
        let published = publish(&store, &network(), "1.0.0", &variant(0))
            .unwrap_or_else(|error| panic!("{failure:?}: {error}"));
        assert!(matches!(published, Published::New(_)), "{failure:?}");
        assert_eq!(Registry::open_or_create(&store, &settings()).unwrap().fsck().unwrap(), [], "{failure:?}");
    }
}
