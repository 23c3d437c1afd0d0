//! What cargo-dist built, taken as a user takes it: checked against its checksum, unpacked, and run.

use std::{path::PathBuf, process::Command};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{
    error::{Error, ErrorKind, Result},
    files, process,
};

/// Checks everything that the manifest of a build names, and returns how many things held.
///
/// # Errors
///
/// [`ErrorKind::Refused`] with all that is wrong: an archive for this machine is missing, a file is not as its checksum
/// says, or the program of an archive does not say that it is `version`.
pub(super) fn check(manifest: &Value, version: &str) -> Result<usize> {
    let artifacts: Vec<Artifact> = manifest["artifacts"]
        .as_object()
        .into_iter()
        .flat_map(|artifacts| artifacts.values().filter_map(Artifact::of))
        .collect();
    let mut problems = Vec::new();
    let mut passed = 0;
    let mut note = |checked: Result<()>| match checked {
        Ok(()) => passed += 1,
        Err(problem) => problems.push(problem.to_string()),
    };
    for artifact in &artifacts {
        note(artifact.check_sum());
        if let Some(program) = &artifact.program {
            note(artifact.check_program(program, version));
        }
    }
    if !artifacts.iter().any(|artifact| artifact.program.is_some()) {
        problems.push("`dist build` made no archive with a program".to_owned());
    }
    if problems.is_empty() { Ok(passed) } else { Err(Error::new(ErrorKind::Refused, problems.join("\n"))) }
}

/// A file that users download, with its checksum beside it.
struct Artifact {
    path: PathBuf,
    /// The name of the file that holds its checksum.
    checksum: String,
    /// The program inside, if it is an archive of one.
    program: Option<String>,
}

impl Artifact {
    /// Reads a built artifact; `None` for one without a checksum, such as a checksum.
    fn of(artifact: &Value) -> Option<Artifact> {
        let checksum = artifact["checksum"].as_str()?.to_owned();
        // A file that was planned and not built has no path; its name then is one that does not exist.
        let path = artifact["path"].as_str().or(artifact["name"].as_str())?;
        let assets = artifact["assets"].as_array().into_iter().flatten();
        let program =
            assets.filter(|asset| asset["kind"] == "executable").find_map(|asset| asset["path"].as_str());
        Some(Artifact { path: path.into(), checksum, program: program.map(str::to_owned) })
    }

    fn check_sum(&self) -> Result<()> {
        let beside = self.path.with_file_name(&self.checksum);
        let text = files::read(&beside)?;
        let bytes = std::fs::read(&self.path).map_err(|source| Error::file("read", &self.path, source))?;
        let found: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        // As `sha256sum --check` reads it: the digest, and the file that it is of.
        let expected = text.lines().find_map(|line| {
            let (digest, file) = line.split_once(' ')?;
            (file.trim_start_matches([' ', '*']) == name).then_some(digest)
        });
        match expected {
            Some(expected) if expected == found => Ok(()),
            Some(expected) => {
                Err(self.refused(format!("has the SHA-256 {found}, but {} says {expected}", self.checksum)))
            }
            None => Err(self.refused(format!("is not named in {}", self.checksum))),
        }
    }

    /// Unpacks the archive and asks the program what it is.
    fn check_program(&self, program: &str, version: &str) -> Result<()> {
        let directory = files::scratch()?;
        process::run(Command::new("tar").arg("-xzf").arg(&self.path).arg("-C").arg(directory.path()))?;
        let stem = self.path.file_name().unwrap_or_default().to_string_lossy();
        let stem = stem.trim_end_matches(".tar.gz");
        let said = process::run(Command::new(directory.path().join(stem).join(program)).arg("--version"))?;
        let expected = format!("{program} {version}");
        if said.trim() == expected {
            return Ok(());
        }
        Err(self.refused(format!("has a program that says `{}`, but `{expected}` was planned", said.trim())))
    }

    fn refused(&self, what: String) -> Error {
        Error::new(ErrorKind::Refused, format!("{} {what}", self.path.display()))
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use serde_json::json;

    use super::*;

    /// A build as cargo-dist leaves it, of a program that says this.
    fn build(directory: &Path, says: &str) -> Value {
        let inside = directory.join("shop-x86_64");
        fs::create_dir(&inside).unwrap();
        fs::write(inside.join("shop"), format!("#!/bin/sh\necho '{says}'\n")).unwrap();
        process::run(Command::new("chmod").arg("+x").arg(inside.join("shop"))).unwrap();
        let archive = directory.join("shop-x86_64.tar.gz");
        process::run(
            Command::new("tar").arg("-czf").arg(&archive).arg("-C").arg(directory).arg("shop-x86_64"),
        )
        .unwrap();
        let digest: String =
            Sha256::digest(fs::read(&archive).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect();
        fs::write(directory.join("shop.sha256"), format!("{digest} *shop-x86_64.tar.gz\n\n")).unwrap();
        json!({ "artifacts": {
            "shop-x86_64.tar.gz": {
                "path": archive,
                "checksum": "shop.sha256",
                "assets": [{ "kind": "readme", "path": "README.md" }, { "kind": "executable", "path": "shop" }],
            },
            "shop.sha256": { "path": directory.join("shop.sha256"), "kind": "checksum" },
        } })
    }

    #[track_caller]
    fn refuse(manifest: &Value, expected: &[&str]) {
        let problems = check(manifest, "1.2.3").unwrap_err().to_string();
        for expected in expected {
            assert!(problems.contains(expected), "{expected}: {problems}");
        }
    }

    #[test]
    fn whole_build_is_taken_and_damaged_one_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let manifest = build(directory.path(), "shop 1.2.3");
        assert_eq!(check(&manifest, "1.2.3").unwrap(), 2);

        let archive = directory.path().join("shop-x86_64.tar.gz");
        let mut bytes = fs::read(&archive).unwrap();
        bytes[20] ^= 1;
        fs::write(&archive, bytes).unwrap();
        refuse(&manifest, &["shop-x86_64.tar.gz has the SHA-256", "shop.sha256 says", "tar -xzf"]);

        fs::write(directory.path().join("shop.sha256"), "00 *another.tar.gz\n").unwrap();
        refuse(&manifest, &["is not named in shop.sha256"]);
        fs::remove_file(&archive).unwrap();
        refuse(&manifest, &["cannot read", "shop-x86_64.tar.gz"]);
    }

    #[test]
    fn program_of_another_version_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let manifest = build(directory.path(), "shop 1.2.30");
        refuse(&manifest, &["says `shop 1.2.30`, but `shop 1.2.3` was planned"]);
    }

    #[test]
    fn build_without_a_program_is_refused() {
        refuse(&json!({ "artifacts": {} }), &["made no archive with a program"]);
    }
}
