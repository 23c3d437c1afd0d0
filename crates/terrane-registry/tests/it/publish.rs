//! A3, A6, A7, A10, A15, A17 (store), A21, and the gate.

use std::io::{Read as _, Write as _};
use std::thread;
use std::time::Duration;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use terrane_registry::{
    Allowance, DirectoryStore, Error, ErrorKind, Expect, MemoryStore, ModuleName, Object, Package, Published,
    Put, Registry, Settings, Store, parse_version,
};

use crate::common::{name, network, package, publish, publish_allowing, settings, snapshot, variant};

fn versions(store: &dyn Store, module: &ModuleName) -> Vec<String> {
    let registry = Registry::open(store).expect("a registry");
    registry.index(module).expect("a list").listed.iter().map(ToString::to_string).collect()
}

/// Runs a case on each store.
fn on_each_store(case: impl Fn(&dyn Store)) {
    case(&MemoryStore::default());
    let root = tempfile::tempdir().expect("writable");
    case(&DirectoryStore::new(root.path()));
}

#[test]
fn a02_publishing_the_same_tree_again_changes_nothing() {
    on_each_store(|store| {
        assert!(matches!(publish(store, &network(), "1.0.0", &variant(0)), Ok(Published::New(_))));
        let before = snapshot(store);
        assert!(matches!(publish(store, &network(), "1.0.0", &variant(0)), Ok(Published::Already(_))));
        assert_eq!(snapshot(store), before);
    });
}

/// D02: an older program may have compressed the same tree otherwise; what it wrote stays.
#[test]
fn a02_d02_other_bytes_of_the_same_tree_are_the_same_version() {
    let archive = "v1/modules/acme/network/aws/1.0.0/module.tar.gz";
    on_each_store(|store| {
        // The claim of a publish that another program began.
        let stored = tar_gz(&variant(0), Compression::none());
        assert_ne!(stored, variant(0).tar_gz().unwrap());
        assert_eq!(store.put(archive, &stored, Expect::Absent).unwrap(), Put::Written);
        let Ok(Published::New(manifest)) = publish(store, &network(), "1.0.0", &variant(0)) else {
            panic!("it completes what was begun")
        };
        assert_eq!(manifest.size, stored.len() as u64);
        assert_eq!(Registry::open(store).unwrap().fsck().unwrap(), []);
        let before = snapshot(store);
        let again = publish(store, &network(), "1.0.0", &variant(0));
        assert!(matches!(&again, Ok(Published::Already(found)) if *found == manifest), "{again:?}");
        assert_eq!(snapshot(store), before, "and nothing of it changes");
    });
}

/// The archive of a package as another program would write it.
fn tar_gz(package: &Package, compression: Compression) -> Vec<u8> {
    let tar = package.tar_gz().unwrap();
    let mut plain = Vec::new();
    GzDecoder::new(tar.as_slice()).read_to_end(&mut plain).unwrap();
    let mut encoder = GzEncoder::new(Vec::new(), compression);
    encoder.write_all(&plain).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a03_other_bytes_under_a_published_version_are_refused() {
    on_each_store(|store| {
        publish(store, &network(), "1.0.0", &variant(0)).unwrap();
        let before = snapshot(store);
        let error = publish(store, &network(), "1.0.0", &variant(1)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Taken);
        for digest in [variant(0).tree_digest(), variant(1).tree_digest()] {
            assert!(error.to_string().contains(&digest), "{error}");
        }
        assert_eq!(snapshot(store), before);
    });
}

fn n_races() -> usize {
    if crate::common::is_long() { 200 } else { 20 }
}

#[test]
fn a06_of_two_publishers_of_one_version_exactly_one_wins() {
    for race in 0..n_races() {
        on_each_store(|store| {
            let attempts: Vec<_> = thread::scope(|scope| {
                let threads: Vec<_> = (0..2)
                    .map(|n| scope.spawn(move || publish(store, &network(), "1.0.0", &variant(n))))
                    .collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            let winners: Vec<usize> = (0..2).filter(|n| attempts[*n].is_ok()).collect();
            assert_eq!(winners.len(), 1, "race {race}: {attempts:?}");
            let archive = store.get("v1/modules/acme/network/aws/1.0.0/module.tar.gz").unwrap().unwrap();
            assert_eq!(archive.bytes, variant(winners[0]).tar_gz().unwrap());
            assert_eq!(Registry::open(store).unwrap().fsck().unwrap(), []);
        });
    }
}

#[test]
fn a07_publishers_of_different_versions_lose_no_update() {
    let publish_at_once = |store: &dyn Store| {
        let numbers = ["1.0.0", "1.0.1", "1.0.2", "1.0.3"];
        thread::scope(|scope| {
            for (n, version) in numbers.into_iter().enumerate() {
                scope.spawn(move || publish(store, &network(), version, &variant(n)).unwrap());
            }
        });
        assert_eq!(versions(store, &network()), numbers);
    };
    for _ in 0..n_races() {
        on_each_store(publish_at_once);
        // Without a pause between reading and writing, publishers hardly ever meet.
        publish_at_once(&Overtaken::default());
    }
}

/// A store whose readers of version lists are slow to write.
#[derive(Debug, Default)]
struct Overtaken(MemoryStore);

impl Store for Overtaken {
    fn get(&self, key: &str) -> Result<Option<Object>, Error> {
        let object = self.0.get(key);
        if key.ends_with("/versions") {
            thread::sleep(Duration::from_millis(2));
        }
        object
    }

    fn put(&self, key: &str, bytes: &[u8], expect: Expect<'_>) -> Result<Put, Error> {
        self.0.put(key, bytes, expect)
    }

    fn delete(&self, key: &str) -> Result<(), Error> {
        self.0.delete(key)
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>, Error> {
        self.0.list(prefix)
    }
}

#[test]
fn a10_versions_that_clients_spell_differently_are_refused() {
    for text in ["v1.2.0", "1.2", "1.2.0+meta", "01.2.0", "1.2.0.1", "", "1.2.0-", "latest"] {
        let error = parse_version(text).expect_err(text);
        assert!(error.to_string().contains("X.Y.Z"), "{error}");
    }
    assert!(parse_version("1.2.0-rc.1").is_ok());
}

#[test]
fn a15_names_that_begin_alike_have_lists_of_their_own() {
    on_each_store(|store| {
        let modules = ["acme/net/aws", "acme/net/awscc", "acme/net-x/aws"].map(name);
        for (n, module) in modules.iter().enumerate() {
            publish(store, module, &format!("1.0.{n}"), &variant(n)).unwrap();
        }
        for (n, module) in modules.iter().enumerate() {
            assert_eq!(versions(store, module), [format!("1.0.{n}")]);
        }
        assert_eq!(Registry::open(store).unwrap().modules().unwrap().len(), 3);
    });
}

#[test]
fn a17_a_yanked_version_is_hidden_and_its_number_stays_taken() {
    on_each_store(|store| {
        for (n, version) in ["1.2.0", "1.3.0"].into_iter().enumerate() {
            publish(store, &network(), version, &variant(n)).unwrap();
        }
        let before = snapshot(store);
        let registry = Registry::open(store).unwrap();
        let version = parse_version("1.3.0").unwrap();
        registry.yank(&network(), &version).unwrap();
        assert_eq!(versions(store, &network()), ["1.2.0"]);
        for n in [1, 2] {
            let error = publish(store, &network(), "1.3.0", &variant(n)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Taken, "{error}");
        }
        assert_eq!(registry.fsck().unwrap(), []);
        registry.unyank(&network(), &version).unwrap();
        assert_eq!(snapshot(store), before);

        let unknown = registry.yank(&network(), &parse_version("9.0.0").unwrap()).unwrap_err();
        assert_eq!(unknown.kind(), ErrorKind::NotFound);
    });
}

const TWO: &str = "variable \"a\" { default = 1 }\nvariable \"b\" { default = 1 }\n";
const ONE: &str = "variable \"a\" { default = 1 }\n";

#[test]
fn a21_a_version_that_hides_a_breaking_change_is_refused() {
    let store = MemoryStore::default();
    publish(&store, &network(), "1.0.0", &package(TWO)).unwrap();
    for version in ["1.0.1", "1.1.0"] {
        let error = publish(&store, &network(), version, &package(ONE)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Gate);
        assert!(error.to_string().contains("V03 needs major: var.b"), "{error}");
        assert!(error.to_string().contains("release it as 2.0.0"), "{error}");
    }
    publish(&store, &network(), "2.0.0", &package(ONE)).unwrap();
}

#[test]
fn a21_an_allowance_is_recorded_and_expires() {
    let text = "[[allow]]\nrule = \"V03\"\naddress = \"var.b\"\nreason = \"nobody set it\"\nmajor = 1\n";
    let allow = Allowance::parse_file(text).unwrap();
    let store = MemoryStore::default();
    publish(&store, &network(), "1.0.0", &package(TWO)).unwrap();
    assert!(publish_allowing(&store, &network(), "1.0.1", &package(ONE), &allow).is_err(), "still minor");
    let Published::New(manifest) =
        publish_allowing(&store, &network(), "1.1.0", &package(ONE), &allow).unwrap()
    else {
        panic!("it is new")
    };
    assert_eq!(manifest.accepted, allow);

    let expired: Vec<Allowance> = allow.into_iter().map(|entry| Allowance { major: 0, ..entry }).collect();
    let store = MemoryStore::default();
    publish(&store, &network(), "1.0.0", &package(TWO)).unwrap();
    assert!(publish_allowing(&store, &network(), "1.1.0", &package(ONE), &expired).is_err());

    assert!(Allowance::parse_file(&text.replace("nobody set it", " ")).is_err(), "a reason is needed");
}

/// R15: an argument that contracts know nothing of changes what stands, so it is more than a patch.
#[test]
fn a21_changed_arguments_of_a_resource_need_a_minor_version() {
    let input = |n: usize| package(&format!("resource \"terraform_data\" \"a\" {{\n  input = {n}\n}}\n"));
    let store = MemoryStore::default();
    publish(&store, &network(), "1.0.0", &input(1)).unwrap();
    let error = publish(&store, &network(), "1.0.1", &input(2)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Gate);
    assert!(error.to_string().contains("R15 needs minor: terraform_data.a"), "{error}");
    publish(&store, &network(), "1.1.0", &input(2)).unwrap();
}

#[test]
fn a_release_without_change_is_refused() {
    let store = MemoryStore::default();
    publish(&store, &network(), "1.0.0", &variant(0)).unwrap();
    let error = publish(&store, &network(), "1.0.1", &variant(0)).unwrap_err();
    assert!(error.to_string().contains("nothing changed since 1.0.0"), "{error}");
}

#[test]
fn before_1_0_0_a_minor_version_carries_a_breaking_change() {
    let store = MemoryStore::default();
    publish(&store, &network(), "0.1.0", &package(TWO)).unwrap();
    assert!(publish(&store, &network(), "0.1.1", &package(ONE)).is_err());
    publish(&store, &network(), "0.2.0", &package(ONE)).unwrap();
    publish(&store, &network(), "0.2.1", &package(TWO)).unwrap();
}

#[test]
fn what_terraform_refuses_has_no_version() {
    let store = MemoryStore::default();
    let bad = package("provider \"aws\" {\n  region = \"x\"\n}\n");
    let error = publish(&store, &network(), "1.0.0", &bad).unwrap_err();
    assert!(error.to_string().contains("P08"), "{error}");
    assert_eq!(store.list("v1/").unwrap(), Vec::<String>::new());
}

#[test]
fn a_store_belongs_to_one_host_and_namespace() {
    on_each_store(|store| {
        publish(store, &network(), "1.0.0", &variant(0)).unwrap();
        for other in [Settings::new("other.example.test", "acme"), Settings::new("modules.example.test", "b")]
        {
            let error = Registry::open_or_create(store, &other.unwrap()).unwrap_err();
            assert!(error.to_string().contains("belongs to host `modules.example.test`"), "{error}");
        }
        assert!(Registry::open_or_create(store, &settings()).is_ok());
        assert!(publish(store, &name("other/network/aws"), "1.0.0", &variant(0)).is_err());
    });
    for host in ["localhost", "", "a b.c", "x.y/z"] {
        assert!(Settings::new(host, "acme").is_err(), "{host}");
    }
}

/// States of a version would name another one for ever.
#[test]
fn a_module_is_published_as_the_version_it_was_compiled_as() {
    let store = MemoryStore::default();
    let compiled = package(
        "output \"terrane\" {\n  value = { module = \"network\", version = \"1.0.0\", fingerprint = \"0\" }\n}\n",
    );
    let error = publish(&store, &network(), "1.0.1", &compiled).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Input);
    let message = error.to_string();
    assert!(
        message.contains("compiled as 1.0.0") && message.contains("hint: compile it as 1.0.1"),
        "{message}"
    );
    publish(&store, &network(), "1.0.0", &compiled).unwrap();
}

/// A cause is said by `source`, and once.
#[test]
fn an_error_and_its_cause_are_said_once() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let store = terrane_registry::DirectoryStore::new(file.path());
    let error = store.put("a", b"x", terrane_registry::Expect::Absent).unwrap_err();
    let cause = std::error::Error::source(&error).expect("a cause").to_string();
    assert!(!error.to_string().contains(&cause), "{error}");
    assert_eq!(error.chain(), format!("{error}: {cause}"));
}
