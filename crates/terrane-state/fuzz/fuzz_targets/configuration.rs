//! Any text is read or refused as the configuration of a directory: its backend block, its encryption, or its cache.

#![no_main]

use libfuzzer_sys::fuzz_target;
use terrane_state::{Backend, Encryption, Environment, Reader, S3Arguments};

fuzz_target!(|text: &[u8]| {
    let Some((first, text)) = text.split_first() else { return };
    let names = ["main.tf", "main.tf.json", ".terraform/terraform.tfstate"];
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join(names[usize::from(*first) % names.len()]);
    std::fs::create_dir(dir.path().join(".terraform")).expect("writable");
    std::fs::write(path, text).expect("writable");
    let _ = Backend::of_directory(dir.path(), &Environment::empty());
    let _ = Encryption::of_directory(dir.path(), &Environment::empty());
    if let Ok(text) = std::str::from_utf8(text) {
        let _ = (Reader::remote_state(text), S3Arguments::from_json(text));
        let _ = Encryption::from_text(text, &Environment::empty());
    }
});
