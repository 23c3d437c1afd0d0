//! Runs the parts of a check one after another and says how each went, with its minutes.

use std::{
    fmt,
    time::{Duration, Instant},
};

use crate::error::Result;

/// How many checks went how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Checks that held.
    pub passed: usize,
    /// Checks that did not.
    pub failed: usize,
    /// Checks that were not made.
    pub skipped: usize,
}

/// The parts that have run so far.
#[derive(Debug, Default)]
pub struct Report {
    parts: Vec<(String, Duration, Counts)>,
}

impl Counts {
    /// One check that held.
    pub const PASSED: Counts = Counts { passed: 1, failed: 0, skipped: 0 };
    /// One check that was not made.
    pub const SKIPPED: Counts = Counts { passed: 0, failed: 0, skipped: 1 };
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

impl Report {
    /// Runs one part; an error counts as one failed check, and is printed.
    pub fn part(&mut self, name: &str, run: impl FnOnce() -> Result<Counts>) {
        eprintln!("== {name}");
        let start = Instant::now();
        let counts = run().unwrap_or_else(|error| {
            eprintln!("error: {name}: {}", error.chain());
            Counts { failed: 1, ..Counts::default() }
        });
        let took = start.elapsed();
        eprintln!("== {name}: {counts} ({})\n", minutes(took));
        self.parts.push((name.to_owned(), took, counts));
    }

    /// Prints one line for each part, then the sum as the last line, and returns the sum.
    pub fn finish(self) -> Counts {
        let mut sum = Counts::default();
        for (name, took, counts) in self.parts {
            println!("{name:<24} {:>9}  {counts}", minutes(took));
            sum += counts;
        }
        println!("{sum}");
        sum
    }
}

/// Writes a duration in minutes, such as `1.5 min`.
fn minutes(took: Duration) -> String {
    format!("{:.1} min", took.as_secs_f64() / 60.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, ErrorKind};

    #[test]
    fn failed_part_counts_once_and_others_still_run() {
        let mut report = Report::default();
        report.part("first", || Err(Error::new(ErrorKind::Program, "broken")));
        report.part("second", || Ok(Counts { passed: 3, failed: 0, skipped: 1 }));
        assert_eq!(report.finish(), Counts { passed: 3, failed: 1, skipped: 1 });
    }
}
