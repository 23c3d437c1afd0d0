//! A30: what grows with the number of versions and modules, and what does not.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use terrane_registry::{Error, Expect, MemoryStore, ModuleName, Object, Put, Registry, Store};

use crate::common::{is_long, name, publish, variant};
use crate::serve::Running;

/// Modules and versions of each.
fn size() -> (usize, usize) {
    if is_long() { (200, 2_000) } else { (20, 500) }
}

/// Counts the requests to a store.
#[derive(Debug, Default)]
struct Counting {
    inner: MemoryStore,
    n_requests: AtomicUsize,
}

impl Counting {
    fn count<T>(&self, case: impl FnOnce() -> T) -> (T, usize) {
        let before = self.n_requests.load(Ordering::SeqCst);
        let value = case();
        (value, self.n_requests.load(Ordering::SeqCst) - before)
    }

    fn inner(&self) -> &MemoryStore {
        self.n_requests.fetch_add(1, Ordering::SeqCst);
        &self.inner
    }
}

impl Store for Counting {
    fn get(&self, key: &str) -> Result<Option<Object>, Error> {
        self.inner().get(key)
    }

    fn put(&self, key: &str, bytes: &[u8], expect: Expect<'_>) -> Result<Put, Error> {
        self.inner().put(key, bytes, expect)
    }

    fn delete(&self, key: &str) -> Result<(), Error> {
        self.inner().delete(key)
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>, Error> {
        self.inner().list(prefix)
    }
}

fn module(n: usize) -> ModuleName {
    name(&format!("acme/network-{n}/aws"))
}

/// Fills the lists of all modules up to a number of versions; a first and a last one are published.
fn fill(store: &MemoryStore, n_modules: usize, n_versions: usize) {
    for n in 0..n_modules {
        publish(store, &module(n), "1.0.0", &variant(0)).unwrap();
        publish(store, &module(n), &format!("1.{n_versions}.0"), &variant(1)).unwrap();
        let key = format!("v1/modules/{}/versions", module(n));
        let object = store.get(&key).unwrap().unwrap();
        let mut list: serde_json::Value = serde_json::from_slice(&object.bytes).unwrap();
        let versions = list["modules"][0]["versions"].as_array_mut().unwrap();
        let between = (1..n_versions - 1).map(|minor| serde_json::json!({"version": format!("1.{minor}.0")}));
        versions.splice(1..1, between);
        let text = serde_json::to_vec(&list).unwrap();
        assert_eq!(store.put(&key, &text, Expect::Unchanged(&object.tag)).unwrap(), Put::Written);
        let registry = Registry::open(store).unwrap();
        assert_eq!(registry.index(&module(n)).unwrap().listed.len(), n_versions);
    }
}

#[test]
fn a30_many_versions_cost_no_more_requests_than_one() {
    let few = Counting::default();
    fill(&few.inner, 1, 3);
    let (published, n_few) = few.count(|| publish(&few, &module(0), "1.9.0", &variant(2)));
    published.unwrap();

    let (n_modules, n_versions) = size();
    let many = Arc::new(Counting::default());
    fill(&many.inner, n_modules, n_versions);
    let next = format!("1.{}.0", n_versions + 1);
    let (published, n_many) = many.count(|| publish(many.as_ref(), &module(0), &next, &variant(2)));
    published.unwrap();
    assert_eq!(n_many, n_few, "requests of a publish");

    let server = Running::start(many.clone(), |server| server);
    let path = |n: usize| format!("/v1/modules/{}/versions", module(n));
    let ((status, _, body), n_requests) = many.count(|| server.get(&path(1), None));
    assert_eq!((status, n_requests), (200, 1), "one object, whatever is in it");
    assert_eq!(body.matches("\"version\"").count(), n_versions);

    let mut took: Vec<Duration> = (0..1_000)
        .map(|n| {
            let start = Instant::now();
            assert_eq!(server.get(&path(n % n_modules), None).0, 200);
            start.elapsed()
        })
        .collect();
    took.sort();
    let (median, p99) = (took[500], took[990]);
    eprintln!("versions of {n_versions} × {n_modules}: median {median:?}, p99 {p99:?}");
    // Unoptimized, and beside other tests; `cargo xtask bench registry` holds the 99th of 100 to 10 ms.
    assert!(median < Duration::from_millis(100), "median {median:?}");
}
