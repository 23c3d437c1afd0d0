//! Skips a JSON file with serde_json alone, `FILE reader` as it comes or `FILE slice` from memory: what a strict
//! reading of a state is compared with.
//!
//! `cargo xtask bench strict` runs it. It stands in this crate because this one has few dependencies to build.

use std::fs::File;
use std::io::BufReader;
use std::process::ExitCode;

use serde::de::IgnoredAny;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let [file, how] = arguments.as_slice() else {
        println!("skipped: `cargo xtask bench strict` says what to read");
        return ExitCode::SUCCESS;
    };
    match skip(file, how) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{file}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn skip(file: &str, how: &str) -> Result<(), Box<dyn std::error::Error>> {
    match how {
        "reader" => serde_json::from_reader::<_, IgnoredAny>(BufReader::new(File::open(file)?))?,
        "slice" => serde_json::from_slice(&std::fs::read(file)?)?,
        other => return Err(format!("`{other}` is neither `reader` nor `slice`").into()),
    };
    Ok(())
}
