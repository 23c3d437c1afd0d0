//! A workspace without Rust: a directory with `terrane.toml`, topologies in `topologies/`, and their modules in `modules/`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use terrane_compiler::topology::Topology;
use terrane_workspace::Workspace;
use terrane_workspace::workspace::SETTINGS;

use crate::exit::Failure;
use crate::files;

/// Returns the workspace around the current directory.
pub(crate) fn workspace() -> Result<Workspace, Failure> {
    Workspace::of_topologies(Path::new(".")).ok_or_else(|| {
        Failure::problems(format!(
            "there is no `{SETTINGS}` in the current directory or above it; go to a workspace of topologies, or make one with `terrane new --toml DIR`"
        ))
    })
}

/// Returns the files of its topologies, sorted by name.
pub(crate) fn paths(workspace: &Workspace) -> Result<Vec<PathBuf>, Failure> {
    let directory = workspace.topologies();
    let failed = |error| files::failed("read", &directory, error);
    let mut paths = Vec::new();
    for entry in fs::read_dir(&directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "toml" || extension == "json") {
            paths.push(path);
        }
    }
    paths.sort();
    if paths.is_empty() {
        let message = format!(
            "`{}` holds no topology; add a file whose name ends in .toml or .json",
            directory.display()
        );
        return Err(Failure::problems(message));
    }
    Ok(paths)
}

/// Reads every topology, prints what is wrong with those that cannot be read, and refuses a name that stands twice.
pub(crate) fn catalog(workspace: &Workspace) -> Result<Vec<Topology>, Failure> {
    let (mut catalog, mut problems) = (Vec::new(), Vec::new());
    let mut named: BTreeMap<String, PathBuf> = BTreeMap::new();
    for path in paths(workspace)? {
        match files::topology(&path, &files::read(&path)?) {
            Ok(topology) => {
                if let Some(other) = named.insert(topology.name.clone(), path.clone()) {
                    problems.push(Failure::problems(format!(
                        "`{}` and `{}` both declare the topology `{}`; give one of them another name",
                        other.display(),
                        path.display(),
                        topology.name
                    )));
                }
                catalog.push(topology);
            }
            Err(found) => {
                eprint!("{found}");
                problems.push(files::refused(&path, &found));
            }
        }
    }
    match Failure::all(problems) {
        Some(failure) => Err(failure),
        None => Ok(catalog),
    }
}
