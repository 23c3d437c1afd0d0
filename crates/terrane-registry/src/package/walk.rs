//! Which files of a directory are published.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::Error;

/// What is to be done with one file.
enum Verdict {
    Publish,
    LeaveOut,
    Refuse,
}

pub(super) fn read(root: &Path) -> Result<BTreeMap<String, Vec<u8>>, Error> {
    let mut files = BTreeMap::new();
    let mut problems = Vec::new();
    directory(root, "", &mut files, &mut problems)?;
    if problems.is_empty() { Ok(files) } else { Err(Error::input(problems.join("\n"))) }
}

fn directory(
    path: &Path,
    prefix: &str,
    files: &mut BTreeMap<String, Vec<u8>>,
    problems: &mut Vec<String>,
) -> Result<(), Error> {
    let unreadable =
        |error: std::io::Error| Error::unavailable(format!("cannot read `{}`", path.display()), error);
    let mut entries =
        fs::read_dir(path).map_err(unreadable)?.collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let Ok(name) = entry.file_name().into_string() else {
            problems.push(format!("`{prefix}{}`: the name is not UTF-8", entry.file_name().display()));
            continue;
        };
        let relative = format!("{prefix}{name}");
        let metadata = entry.path().symlink_metadata().map_err(unreadable)?;
        if metadata.is_dir() {
            if is_left_out_directory(&relative) {
                continue;
            }
            if name.starts_with('.') {
                problems.push(format!("`{relative}/`: hidden directories are not published; remove it"));
                continue;
            }
            directory(&entry.path(), &format!("{relative}/"), files, problems)?;
            continue;
        }
        if let Some(problem) = odd_file(&relative, &metadata) {
            problems.push(problem);
            continue;
        }
        match verdict(&relative) {
            Verdict::Publish => drop(files.insert(relative, fs::read(entry.path()).map_err(unreadable)?)),
            Verdict::LeaveOut => {}
            Verdict::Refuse => problems.extend(refusal(&relative)),
        }
    }
    Ok(())
}

fn odd_file(relative: &str, metadata: &fs::Metadata) -> Option<String> {
    if metadata.is_symlink() {
        return Some(format!("`{relative}`: is a symbolic link, which clients turn into an empty file"));
    }
    if !metadata.is_file() {
        return Some(format!("`{relative}`: is not a regular file"));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        if metadata.nlink() > 1 {
            return Some(format!("`{relative}`: is a hard link to a file elsewhere; copy it instead"));
        }
    }
    None
}

/// Returns why a path may not be in a package, if so.
pub(super) fn refusal(path: &str) -> Option<String> {
    let parts: Vec<&str> = path.split('/').collect();
    if path.starts_with('/') || path.contains('\\') || path.contains(|c: char| c.is_control()) {
        return Some(format!("`{}`: is no relative path with `/`", path.escape_debug()));
    }
    if parts.iter().any(|part| part.is_empty() || *part == "." || *part == "..") {
        return Some(format!("`{path}`: leaves or repeats its directory"));
    }
    match verdict(path) {
        Verdict::Publish => None,
        Verdict::LeaveOut | Verdict::Refuse => Some(format!(
            "`{path}`: is not of a kind that is published; remove it from the module's directory"
        )),
    }
}

/// Whether a file of a module's directory is known, and not published.
pub(super) fn is_left_out(path: &str) -> bool {
    let directory = path.split('/').next().unwrap_or_default();
    (path.contains('/') && is_left_out_directory(directory)) || matches!(verdict(path), Verdict::LeaveOut)
}

fn is_left_out_directory(relative: &str) -> bool {
    relative == "tests" || relative == "bindings"
}

fn verdict(path: &str) -> Verdict {
    let name = path.rsplit('/').next().unwrap_or(path);
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let left_out = [
        "module.toml",
        "ledger.toml",
        ".semver-allow.toml",
        ".terraform-docs.yml",
        ".tflint.hcl",
        ".checkov.yaml",
        ".gitignore",
        ".gitattributes",
        ".terraform.lock.hcl",
    ];
    if left_out.contains(&name) || name.ends_with(".tftest.hcl") || extension == "rs" {
        return Verdict::LeaveOut;
    }
    if path.split('/').any(|part| part.starts_with('.')) {
        return Verdict::Refuse;
    }
    let published = ["tf", "md", "svg", "png", "mmd", "tftpl", "tpl"].contains(&extension)
        || name.ends_with(".tf.json")
        || name == "contract.json"
        || ["LICENSE", "LICENCE", "NOTICE"]
            .iter()
            .any(|stem| name == *stem || name.starts_with(&format!("{stem}-")));
    if published { Verdict::Publish } else { Verdict::Refuse }
}
