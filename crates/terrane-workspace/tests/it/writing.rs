//! A module's directory holds one compilation, whatever happens to the process that writes it.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use semver::Version;
use terrane_compiler::ledger::Ledger;
use terrane_compiler::topology::{Flow, SubnetGroup, Tier, Topology};
use terrane_compiler::{Compilation, compile};
use terrane_workspace::{Disk, ErrorKind, LedgerSource, ModuleDir, RealDisk, UNRELEASED, Whose};

use crate::available;

/// The file that Terraform refuses, while others are moved.
const GUARD: &str = "compiling.tf";

fn small() -> Topology {
    Topology::new("shop")
        .base("10.0.0.0/16")
        .zones(["a", "b"])
        .tier(Tier::isolated("app").prefix_length(24))
        .tier(Tier::isolated("db").prefix_length(26))
        .flow(Flow::tcp([5432]).from("app").to("db"))
}

/// An edit that writes most files, adds one, and takes a block.
fn grown() -> Topology {
    small()
        .tier(Tier::public("web").prefix_length(24))
        .flow(Flow::tcp([443]).from("web").to("app"))
        .subnet_group(SubnetGroup::new("rds", "db"))
}

fn compiled(topology: &Topology, ledger: &Ledger, version: &Version) -> Compilation {
    compile(topology, ledger, version).unwrap_or_else(|found| panic!("{found}"))
}

fn module(path: &Path) -> ModuleDir {
    ModuleDir::at(path, Whose::Ours)
}

/// Compiles into a directory as every command does: lock, ledger, compilation, files.
fn compile_into(path: &Path, topology: &Topology, disk: &dyn Disk) -> terrane_workspace::Result<()> {
    let module = module(path);
    let locked = module.lock()?;
    let ledger = module.ledger(LedgerSource::File)?.unwrap_or_else(|found| panic!("{found}"));
    locked.write_on(disk, &compiled(topology, &ledger, &UNRELEASED)).map(drop)
}

fn contents(dir: &Path) -> BTreeMap<PathBuf, String> {
    let (mut found, mut open) = (BTreeMap::new(), vec![dir.to_owned()]);
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let text = fs::read_to_string(&path).unwrap();
                found.insert(path.strip_prefix(dir).unwrap().to_owned(), text);
            }
        }
    }
    found
}

/// A disk that stops at its n-th step: by an error, or by the end of the process.
struct Failing {
    left: Cell<usize>,
    kill: bool,
}

impl Failing {
    /// Ends at the step that fails; `half` is a file that it leaves half written.
    fn step(&self, half: Option<&Path>) -> io::Result<()> {
        match self.left.get() {
            0 if self.kill => {
                let _ = half.map(|path| fs::write(path, "half"));
                std::process::abort()
            }
            0 => Err(io::ErrorKind::StorageFull.into()),
            left => {
                self.left.set(left - 1);
                Ok(())
            }
        }
    }
}

impl Disk for Failing {
    fn create(&self, path: &Path, text: &str) -> io::Result<()> {
        self.step(Some(path))?;
        RealDisk.create(path, text)
    }

    fn create_durably(&self, path: &Path, text: &str) -> io::Result<()> {
        self.step(Some(path))?;
        RealDisk.create_durably(path, text)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step(None)?;
        RealDisk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        if self.left.get() == 0 && !self.kill {
            // What is written on a full disk can still be removed.
            return RealDisk.remove(path);
        }
        self.step(None)?;
        RealDisk.remove(path)
    }
}

/// Returns what the directory holds after `grown` is compiled over `small`, and what it held before.
fn ends(scratch: &Path) -> [BTreeMap<PathBuf, String>; 2] {
    let path = scratch.join("reference");
    compile_into(&path, &small(), &RealDisk).unwrap();
    let before = contents(&path);
    compile_into(&path, &grown(), &RealDisk).unwrap();
    [before, contents(&path)]
}

/// Judges a directory that a writer left in the middle: it is one of the two compilations, or everybody sees that it is not.
fn judge(path: &Path, [before, after]: &[BTreeMap<PathBuf, String>; 2], step: usize) -> bool {
    let mut found = contents(path);
    let ledger = fs::read_to_string(path.join("ledger.toml")).unwrap();
    let (old, new) = (&before[Path::new("ledger.toml")], &after[Path::new("ledger.toml")]);
    assert!(ledger == *old || ledger == *new, "step {step}: half a ledger:\n{ledger}");
    let is_guarded = found.contains_key(Path::new(GUARD));
    found.retain(|name, _| {
        !name.to_str().unwrap().ends_with(".terrane-new") && !name.ends_with(".terrane.lock")
    });
    let is_whole = found == *before || found == *after;
    assert!(is_whole || is_guarded, "step {step}: a mixture that nobody sees: {:?}", found.keys());
    if ledger == *new && !is_guarded {
        assert_eq!(found, *after, "step {step}: the ledger is written last");
    }
    is_guarded
}

#[test]
fn a_full_disk_leaves_the_directory_as_it_was_or_says_that_it_is_not() {
    let scratch = tempfile::tempdir().unwrap();
    let ends = ends(scratch.path());
    let (mut failed, mut guarded) = (0, 0);
    for step in 0.. {
        let path = scratch.path().join(format!("full-{step}"));
        compile_into(&path, &small(), &RealDisk).unwrap();
        let disk = Failing { left: Cell::new(step), kill: false };
        let Err(error) = compile_into(&path, &grown(), &disk) else { break };
        failed += 1;
        assert_eq!(error.kind(), ErrorKind::File, "{error}");
        let is_guarded = judge(&path, &ends, step);
        let says = error.to_string().contains("until the module is compiled again");
        assert_eq!(says, is_guarded, "step {step}: {error}");
        if is_guarded {
            guarded += 1;
        } else {
            assert!(contents(&path) == ends[0], "step {step}: nothing is left beside the files");
        }
        compile_into(&path, &grown(), &RealDisk).unwrap();
        assert!(contents(&path) == ends[1], "step {step}: the next compilation mends it");
    }
    assert!(failed > 30 && guarded > 10, "{failed} steps failed, {guarded} in the middle");
}

/// Names the directory, and the step at which to die, to a copy of this program that compiles into it.
const KILLED: &str = "TERRANE_TEST_KILLED";

#[test]
fn a_kill_at_any_step_leaves_no_mixture_that_nobody_sees() {
    if let Ok(order) = std::env::var(KILLED) {
        let (step, path) = order.split_once(' ').unwrap();
        let disk = Failing { left: Cell::new(step.parse().unwrap()), kill: true };
        compile_into(Path::new(path), &grown(), &disk).unwrap();
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let ends = ends(scratch.path());
    let path = scratch.path().join("killed");
    let (mut killed, mut guarded) = (0, 0);
    for step in 0.. {
        let _ = fs::remove_dir_all(&path);
        compile_into(&path, &small(), &RealDisk).unwrap();
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "writing::a_kill_at_any_step_leaves_no_mixture_that_nobody_sees"])
            .env(KILLED, format!("{step} {}", path.display()))
            .output()
            .unwrap();
        if output.status.success() {
            break;
        }
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&output.status), Some(6), "{output:?}");
        killed += 1;
        guarded += usize::from(judge(&path, &ends, step));
        let differences =
            module(&path).compare(&compiled(&small(), &Ledger::default(), &UNRELEASED)).unwrap();
        assert!(!differences.is_empty(), "step {step}: `--check` sees it");
        // The lock of the killed process is in nobody's way, and what it left goes.
        compile_into(&path, &grown(), &RealDisk).unwrap();
        assert!(contents(&path) == ends[1], "step {step}");
    }
    assert_eq!(contents(&path), ends[1], "the last one was not killed");
    assert!(killed > 30 && guarded > 10, "{killed} killed, {guarded} in the middle");
}

/// Names the directory and the version to a copy of this program that compiles into it again and again.
const RACING: &str = "TERRANE_TEST_RACING";

#[test]
fn two_compilations_at_once_leave_files_of_one() {
    if let Ok(order) = std::env::var(RACING) {
        let (version, path) = order.split_once(' ').unwrap();
        let version: Version = version.parse().unwrap();
        let module = module(Path::new(path));
        for _ in 0..8 {
            let locked = module.lock().unwrap();
            let ledger = module.ledger(LedgerSource::File).unwrap().unwrap();
            locked.write(&compiled(&grown(), &ledger, &version)).unwrap();
        }
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("module");
    let versions = ["1.0.0", "2.0.0"];
    let racers: Vec<_> = versions
        .map(|version| {
            Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "writing::two_compilations_at_once_leave_files_of_one"])
                .env(RACING, format!("{version} {}", path.display()))
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::null())
                .spawn()
                .unwrap()
        })
        .into();
    for mut racer in racers {
        assert!(racer.wait().unwrap().success());
    }
    let differs = |version: &str| {
        let wanted = compiled(&grown(), &Ledger::default(), &version.parse().unwrap());
        !module(&path).compare(&wanted).unwrap().is_empty()
    };
    assert_eq!(
        versions.map(differs).iter().filter(|differs| **differs).count(),
        1,
        "the files are of one version"
    );
}

#[test]
fn links_that_lead_out_are_refused_and_nothing_is_written() {
    let scratch = tempfile::tempdir().unwrap();
    let outside = scratch.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("vpc.tf"), "theirs").unwrap();
    for (link, to) in
        [("vpc.tf", "vpc.tf"), ("ledger.toml", "vpc.tf"), ("examples", ""), ("module.toml", "none")]
    {
        let path = scratch.path().join(format!("with-{link}"));
        fs::create_dir(&path).unwrap();
        std::os::unix::fs::symlink(outside.join(to), path.join(link)).unwrap();
        let module = module(&path);
        let error = module.version().and_then(|_| compile_into(&path, &small(), &RealDisk)).expect_err(link);
        assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
        let says = error.to_string();
        assert!(says.contains(&format!("{} is a link to", path.join(link).display())), "{says}");
        assert_eq!(fs::read_dir(&path).unwrap().count(), 1, "nothing is written");
    }
    assert_eq!(contents(&outside).into_values().collect::<Vec<_>>(), ["theirs"]);

    // A link inside the directory is replaced by the file.
    let path = scratch.path().join("inside");
    compile_into(&path, &small(), &RealDisk).unwrap();
    let expected = contents(&path);
    fs::rename(path.join("vpc.tf"), path.join("other.tf")).unwrap();
    std::os::unix::fs::symlink("other.tf", path.join("vpc.tf")).unwrap();
    compile_into(&path, &small(), &RealDisk).unwrap();
    assert_eq!(contents(&path), expected);
    assert!(!path.join("vpc.tf").is_symlink());
}

/// What a kill leaves among the files is refused by Terraform itself, so that nobody plans with it.
#[test]
fn terraform_plans_nothing_with_files_of_two_compilations() {
    if !available() {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("module");
    fs::create_dir(&path).unwrap();
    fs::write(
        path.join("main.tf"),
        "terraform {\n  required_version = \">= 1.0\"\n}\n\noutput \"a\" {\n  value = 1\n}\n",
    )
    .unwrap();
    let init = || {
        let output = Command::new("terraform")
            .args(["init", "-backend=false", "-input=false", "-no-color"])
            .current_dir(&path)
            .env("CHECKPOINT_DISABLE", "1")
            .output()
            .unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert!(init().0);
    compile_into(&scratch.path().join("other"), &small(), &RealDisk).unwrap();
    let disk = Failing { left: Cell::new(20), kill: false };
    compile_into(&scratch.path().join("other"), &grown(), &disk).unwrap_err();
    fs::copy(scratch.path().join("other").join(GUARD), path.join(GUARD)).unwrap();
    let (is_fine, says) = init();
    assert!(
        !is_fine && says.contains("Unsupported Terraform Core version") && says.contains(GUARD),
        "{says}"
    );
}

/// A merge or a full disk cuts a ledger at the end of a table: what is left is a good ledger of a smaller network.
#[test]
fn a_ledger_that_was_cut_is_refused_wherever_it_was_cut() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("module");
    compile_into(&path, &grown(), &RealDisk).unwrap();
    let whole = fs::read_to_string(path.join("ledger.toml")).unwrap();
    let refused = |text: &str| {
        fs::write(path.join("ledger.toml"), text).unwrap();
        module(&path).ledger(LedgerSource::File).unwrap().err().map(|found| found.to_string())
    };
    assert_eq!(refused(&whole), None);
    let ends: Vec<usize> =
        whole.match_indices('\n').map(|(at, _)| at + 1).filter(|at| *at < whole.len()).collect();
    assert!(ends.len() > 30);
    for end in ends {
        assert!(refused(&whole[..end]).is_some(), "cut after {:?}", &whole[..end]);
    }

    // Without its digest, as after a merge, the contract still tells where the live blocks are.
    let unsealed: String =
        whole.lines().filter(|line| !line.starts_with("digest = ")).map(|line| format!("{line}\n")).collect();
    assert_eq!(refused(&unsealed), None);
    let (before, after) = unsealed.split_once("[[blocks]]\nrange = \"base\"\ntier = \"db\"").unwrap();
    let (_, after) = after.split_once("\n\n").unwrap();
    let says = refused(&format!("{before}{after}")).unwrap();
    assert!(
        says.contains("ledger-moved") && says.contains("tier `db`") && says.contains("nowhere"),
        "{says}"
    );
    let edited = unsealed.replacen("netnum = 0", "netnum = 5", 1);
    assert!(refused(&edited).unwrap().contains("part 5 of"), "a block that was moved by hand");
}
