//! Texts that nobody meant as a state or configuration: whatever they are, reading ends, and never in a panic.
//!
//! The same functions are the targets of `cargo fuzz` in `../fuzz`, which takes these seeds.

use std::path::Path;

use proptest::prelude::*;
use terrane_state::{Backend, Encryption, Environment, Reader, S3Arguments, State, WholeState};

use crate::setup::{STATE, cases};

const SEEDS: [&str; 4] = [
    STATE,
    include_str!("../fixtures/tofu-pbkdf2-aesgcm.tfstate"),
    include_str!("../fixtures/hostile/state/every-part.json"),
    include_str!("../fixtures/hostile/state/version-3.json"),
];

/// After the number of the file that each stands for.
const CONFIGURATIONS: [&str; 3] = [
    include_str!("../fixtures/hostile/configuration/block"),
    include_str!("../fixtures/hostile/configuration/block-json"),
    include_str!("../fixtures/hostile/configuration/cache"),
];

/// Pieces that mean something to a reader.
const PIECES: [&str; 24] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "null",
    "true",
    "-1",
    "1e9999",
    "4",
    "\"version\"",
    "\"outputs\"",
    "\"type\"",
    "\"dynamic\"",
    "[\"list\",",
    "[\"set\",",
    "[\"object\",{",
    "\\u0000",
    "\\ud800",
    "\u{feff}",
    "\"encryption_version\"",
    "=",
];

/// One change of a text: where, how much goes, and what comes.
type Edit = (prop::sample::Index, usize, Vec<u8>);

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let piece = prop_oneof![
        4 => prop::sample::select(PIECES.to_vec()).prop_map(|piece| piece.as_bytes().to_vec()),
        2 => prop::collection::vec(any::<u8>(), 0..4),
        1 => (prop::sample::select(vec!["[", "{\"a\":", "[\"list\","]), 1..2000_usize)
            .prop_map(|(piece, n)| piece.repeat(n).into_bytes()),
    ];
    prop::collection::vec((any::<prop::sample::Index>(), 0..12_usize, piece), 1..6)
}

fn edited(seed: &str, edits: &[Edit]) -> Vec<u8> {
    let mut text = seed.as_bytes().to_vec();
    for (at, n_gone, come) in edits {
        let start = at.index(text.len() + 1);
        let end = (start + n_gone).min(text.len());
        text.splice(start..end, come.iter().copied());
    }
    text
}

fn config(n: u32) -> ProptestConfig {
    ProptestConfig { cases: n, failure_persistence: None, ..ProptestConfig::default() }
}

/// Does what a program does with a state.
fn read_as_state(text: &[u8]) {
    let whole = WholeState::parse(text);
    let Ok(state) = State::parse(text) else {
        assert!(whole.is_err(), "the whole was read, its outputs were not");
        return;
    };
    // What was read can be printed, and reads the same again.
    let printed: std::collections::BTreeMap<String, serde::de::IgnoredAny> =
        serde_json::from_str(&state.to_json()).unwrap();
    assert_eq!(printed.len(), state.iter().filter(|(_, output)| output.is_ok()).count());
    for (name, output) in state.iter() {
        let _ = (output.map(ToString::to_string), state.value_at(name).map(|value| value.to_json()));
    }
    if let Ok(whole) = whole {
        whole.instances().for_each(|instance| drop(whole.value_at(instance.address())));
    }
}

/// Reads a text as the configuration of a directory: as the file of a number, and as what else it may be.
fn read_as_configuration(directory: &Path, file: usize, text: &[u8]) {
    let path = directory.join(["main.tf", "main.tf.json", ".terraform/terraform.tfstate"][file]);
    std::fs::create_dir_all(directory.join(".terraform")).unwrap();
    std::fs::write(&path, text).unwrap();
    let _ = Backend::of_directory(directory, &Environment::empty());
    let _ = Encryption::of_directory(directory, &Environment::empty());
    std::fs::remove_file(path).unwrap();
    if let Ok(text) = std::str::from_utf8(text) {
        let _ = (Reader::remote_state(text), S3Arguments::from_json(text));
        let _ = Encryption::from_text(text, &Environment::empty());
    }
}

#[test]
fn any_text_is_read_or_refused_as_a_state() {
    let mut runner = proptest::test_runner::TestRunner::new(config(cases(3000, 300_000)));
    let texts = (prop::sample::select(SEEDS.to_vec()), edits());
    let run = runner.run(&texts, |(seed, edits)| {
        read_as_state(&edited(seed, &edits));
        Ok(())
    });
    run.unwrap();
}

#[test]
fn any_text_is_read_or_refused_as_a_configuration() {
    let dir = tempfile::tempdir().unwrap();
    let mut runner = proptest::test_runner::TestRunner::new(config(cases(1000, 100_000)));
    let run = runner.run(&(0..CONFIGURATIONS.len(), edits()), |(idx, edits)| {
        read_as_configuration(dir.path(), idx, &edited(&CONFIGURATIONS[idx][1..], &edits));
        Ok(())
    });
    run.unwrap();
}

/// Returns texts that fuzzing found to take ways of their own, one in base64 on each line.
fn found_by_fuzzing(seeds: &str) -> Vec<Vec<u8>> {
    use base64::Engine as _;
    seeds.lines().map(|line| base64::engine::general_purpose::STANDARD.decode(line).unwrap()).collect()
}

#[test]
fn what_fuzzing_found_is_read_or_refused() {
    let states = found_by_fuzzing(include_str!("../fixtures/hostile/state.seeds"));
    assert!(states.len() > 400);
    states.iter().for_each(|text| read_as_state(text));
    let configurations = found_by_fuzzing(include_str!("../fixtures/hostile/configuration.seeds"));
    assert!(configurations.len() > 100);
    let dir = tempfile::tempdir().unwrap();
    for seed in &configurations {
        read_as_configuration(dir.path(), usize::from(seed[0]) % 3, &seed[1..]);
    }
}
