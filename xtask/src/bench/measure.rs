//! Times whole processes against one another, on a machine that has other things to do.
//!
//! All contenders run in turn, round after round, each round in the opposite order of the one before, so that a busy
//! minute slows all of them alike; the medians then compare fairly even where they are not small.

use std::{
    ffi::OsStr,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    error::{Error, ErrorKind, Result},
    files, process,
};

/// How many runs of a process its peak memory is taken from.
const MEMORY_RUNS: usize = 3;

/// A process to be measured.
#[derive(Debug)]
pub(crate) struct Contender {
    /// How the table calls it.
    pub(crate) name: String,
    /// It must do the same each time it runs, and end well.
    pub(crate) command: Command,
}

/// What a process took.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Measured {
    /// How the table calls it.
    pub(crate) name: String,
    /// The middle run, by wall clock.
    pub(crate) median: Duration,
    /// The fastest run.
    pub(crate) min: Duration,
    /// The most memory that was resident at once, in KiB; `None` where GNU `time` is not installed.
    pub(crate) peak: Option<u64>,
}

/// Runs every contender once to warm up, then `rounds` times, interleaved.
///
/// # Errors
///
/// [`ErrorKind::Program`] if one cannot be started or fails.
pub(crate) fn measure(mut contenders: Vec<Contender>, rounds: usize) -> Result<Vec<Measured>> {
    let runs = clock(&mut contenders, rounds)?;
    let memory = Memory::find();
    contenders
        .into_iter()
        .zip(runs)
        .map(|(contender, runs)| {
            let peak = memory.as_ref().map(|memory| memory.peak(&contender.command)).transpose()?;
            Ok(summary(contender.name, runs, peak))
        })
        .collect()
}

/// Runs contenders as [`measure`] does, and returns how long each run of each took.
pub(crate) fn clock(contenders: &mut [Contender], rounds: usize) -> Result<Vec<Vec<Duration>>> {
    for contender in contenders.iter_mut() {
        process::run(&mut contender.command)?;
    }
    let mut runs = vec![Vec::with_capacity(rounds); contenders.len()];
    for round in 0..rounds {
        let mut order: Vec<usize> = (0..contenders.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for idx in order {
            runs[idx].push(time(&mut contenders[idx].command)?);
        }
    }
    Ok(runs)
}

/// Runs a process to its end and returns how long it took.
pub(crate) fn time(command: &mut Command) -> Result<Duration> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let status = command.status();
    let took = start.elapsed();
    match status {
        Ok(status) if status.success() => Ok(took),
        // It ended well before; run it again for what it has to say.
        _ => process::run(command).map(|_| took),
    }
}

/// Returns the middle one of some values; zero if there is none.
pub(crate) fn median<T: Copy + Ord + Default>(mut values: Vec<T>) -> T {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn summary(name: String, runs: Vec<Duration>, peak: Option<u64>) -> Measured {
    let min = runs.iter().min().copied().unwrap_or_default();
    Measured { name, median: median(runs), min, peak }
}

/// GNU `time`, which knows how much memory a process took.
///
/// The system says so only to the parent, and counts a large parent in; this one is small.
struct Memory {
    program: PathBuf,
}

impl Memory {
    fn find() -> Option<Self> {
        let memory = process::find("time").map(|program| Self { program });
        let works = memory.as_ref().is_some_and(|memory| memory.once(&Command::new("true")).is_ok());
        if !works {
            eprintln!("skipped: peak memory, as GNU time is not installed");
        }
        memory.filter(|_| works)
    }

    /// Returns the peak memory of a process in KiB, the median of a few runs.
    fn peak(&self, command: &Command) -> Result<u64> {
        (0..MEMORY_RUNS).map(|_| self.once(command)).collect::<Result<_>>().map(median)
    }

    fn once(&self, of: &Command) -> Result<u64> {
        let file = tempfile::NamedTempFile::new()
            .map_err(|source| Error::file("make", Path::new("a temporary file"), source))?;
        let mut command = Command::new(&self.program);
        command.args([OsStr::new("-f"), OsStr::new("%M"), OsStr::new("-o"), file.path().as_os_str()]);
        command.arg(of.get_program()).args(of.get_args());
        if let Some(dir) = of.get_current_dir() {
            command.current_dir(dir);
        }
        for (name, value) in of.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        process::run(&mut command)?;
        let text = files::read(file.path())?;
        let kib = text.lines().last().and_then(|line| line.trim().parse().ok());
        kib.ok_or_else(|| Error::new(ErrorKind::Program, format!("`time -f %M` wrote {text:?}")))
    }
}

/// Returns a Markdown table; times and memory are also shown as multiples of the row called `base`.
pub(crate) fn markdown(measured: &[Measured], base: &str) -> String {
    let mut text = format!(
        "| process | median | fastest | × {base} | peak memory | × {base} |\n|---|---:|---:|---:|---:|---:|\n"
    );
    let base = measured.iter().find(|row| row.name == base);
    for row in measured {
        let times =
            ratio(row.median.as_secs_f64(), base.map(|base| base.median.as_secs_f64()).unwrap_or_default());
        let (memory, memories) = match (row.peak, base.and_then(|base| base.peak)) {
            (Some(peak), base) => (mebibytes(peak), ratio(peak as f64, base.unwrap_or(0) as f64)),
            (None, _) => ("–".to_owned(), "–".to_owned()),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "| {} | {} | {} | {times} | {memory} | {memories} |",
            row.name,
            duration(row.median),
            duration(row.min),
        );
    }
    text
}

/// Says how and when the figures were taken; `how` begins a sentence.
pub(crate) fn conditions(how: &str, versions: &[String]) -> Result<String> {
    let date = process::run(Command::new("date").args(["-u", "+%F"]))?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let load = fs::read_to_string("/proc/loadavg").ok();
    let load = load.as_deref().and_then(|text| text.split(' ').next());
    let load = load.map(|load| format!(", load {load}")).unwrap_or_default();
    let versions: String = versions.iter().map(|version| format!("; {version}")).collect();
    Ok(format!("{how} on {cores} cores{load}; {}{versions}.\n", date.trim()))
}

/// Writes a duration with three digits or so.
pub(crate) fn duration(duration: Duration) -> String {
    let ms = duration.as_secs_f64() * 1e3;
    match ms {
        _ if ms >= 1e3 => format!("{:.2} s", ms / 1e3),
        _ if ms >= 100.0 => format!("{ms:.0} ms"),
        _ if ms >= 10.0 => format!("{ms:.1} ms"),
        _ => format!("{ms:.2} ms"),
    }
}

/// Writes a size of memory in KiB as MiB.
pub(crate) fn mebibytes(kib: u64) -> String {
    format!("{:.1} MiB", kib as f64 / 1024.0)
}

fn ratio(value: f64, base: f64) -> String {
    match value / base {
        ratio if !ratio.is_finite() => "–".to_owned(),
        ratio if ratio >= 100.0 => format!("{ratio:.0}"),
        ratio if ratio >= 10.0 => format!("{ratio:.1}"),
        ratio => format!("{ratio:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(name: &str, script: &str) -> Contender {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Contender { name: name.to_owned(), command }
    }

    #[test]
    fn slower_and_larger_process_is_seen_as_such() {
        let large = "x=$(head -c 4000000 /dev/zero | tr '\\0' x); sleep 0.05; : \"$x\"";
        let measured = measure(vec![shell("small", ":"), shell("large", large)], 3).unwrap();
        let [small, large] = measured.as_slice() else { panic!("two contenders") };
        assert!(large.median > small.median + Duration::from_millis(40), "{measured:?}");
        if let (Some(small), Some(large)) = (small.peak, large.peak) {
            assert!(large > small + 3_000, "{measured:?}");
        }
    }

    #[test]
    fn every_round_turns_the_order() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let say = |word: &str| shell(word, &format!("printf {word} >> {}", log.display()));
        measure(vec![say("a"), say("b")], 3).unwrap();
        let text = fs::read_to_string(log).unwrap();
        assert!(text.starts_with("ababbaab"), "{text}");
    }

    #[test]
    fn failing_process_is_an_error_that_says_what_it_said() {
        let error = measure(vec![shell("bad", "echo no such thing >&2; exit 3")], 1).unwrap_err();
        assert!(error.to_string().contains("no such thing"), "{error}");
    }

    #[test]
    fn table_compares_with_the_base() {
        let row = |name: &str, ms, peak| Measured {
            name: name.to_owned(),
            median: Duration::from_millis(ms),
            min: Duration::from_millis(ms),
            peak,
        };
        let table = markdown(&[row("ours", 4, Some(2048)), row("theirs", 1800, Some(204_800))], "ours");
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines[2], "| ours | 4.00 ms | 4.00 ms | 1.00 | 2.0 MiB | 1.00 |");
        assert_eq!(lines[3], "| theirs | 1.80 s | 1.80 s | 450 | 200.0 MiB | 100 |");
        let unknown = markdown(&[row("ours", 4, None)], "ours");
        assert!(unknown.ends_with("| 1.00 | – | – |\n"), "{unknown}");
    }
}
