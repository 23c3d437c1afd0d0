//! Words for people on standard error: in colours where a terminal shows them, and fewer with `--quiet`.
//!
//! Colours follow `NO_COLOR`, `CLICOLOR_FORCE`, and `TERM`.

use std::fmt::Display;
use std::sync::atomic::{AtomicBool, Ordering};

use anstyle::{AnsiColor, Style};
use terrane_compiler::diagnostics::{Diagnostics, Severity};

/// Whether only what is wrong is said.
static QUIET: AtomicBool = AtomicBool::new(false);

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const PLACE: Style = AnsiColor::Blue.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();
const GOOD: Style = AnsiColor::Green.on_default();
const STRONG: Style = Style::new().bold();

/// Says nothing from here on but what is wrong.
pub(crate) fn be_quiet() {
    QUIET.store(true, Ordering::Relaxed);
}

/// Returns whether only what is wrong is to be said.
pub(crate) fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// Says how it went.
pub(crate) fn note(text: impl Display) {
    if !is_quiet() {
        say(&text.to_string());
    }
}

/// Says what may be wrong.
pub(crate) fn warn(text: impl Display) {
    note(format_args!("warning: {text}"));
}

/// Says what stopped the command.
pub(crate) fn fail(text: impl Display) {
    say(&format!("error: {text}"));
}

/// Says what is wrong with an input, and what may be.
pub(crate) fn diagnostics(found: &Diagnostics) {
    let mut shown = Diagnostics::default();
    let is_shown = |severity| severity == Severity::Error || !is_quiet();
    found.iter().filter(|item| is_shown(item.severity())).for_each(|item| shown.push(item.clone()));
    for line in shown.to_string().lines() {
        say(line);
    }
}

/// Prints lines of a proof to standard output.
pub(crate) fn print(text: impl Display) {
    let text = text.to_string();
    let lines: Vec<String> = text.lines().map(painted).collect();
    anstream::println!("{}", lines.join("\n"));
}

fn say(text: &str) {
    let lines: Vec<String> = text.lines().map(painted).collect();
    anstream::eprintln!("{}", lines.join("\n"));
}

/// Paints a line by the word that it begins with.
fn painted(line: &str) -> String {
    let paint = |style: Style, end: usize| format!("{style}{}{style:#}{}", &line[..end], &line[end..]);
    let head = |word: &str| {
        let rest = line.strip_prefix(word)?;
        (rest.starts_with(": ") || rest.starts_with('[')).then(|| line.find(": ").unwrap_or(line.len()))
    };
    if let Some(end) = head("error") {
        return paint(ERROR, end);
    }
    if let Some(end) = head("warning") {
        return paint(WARNING, end);
    }
    for (start, style) in [
        ("REFUTED", ERROR),
        ("UNKNOWN", WARNING),
        ("RESIDUAL", HINT),
        ("PROVED", GOOD),
        ("  --> ", PLACE),
        ("  hint:", HINT),
        ("hint:", HINT),
    ] {
        if line.starts_with(start) {
            return paint(style, start.len());
        }
    }
    excerpt(line).unwrap_or_else(|| line.to_owned())
}

/// Paints the margin of an excerpt, and its carets.
fn excerpt(line: &str) -> Option<String> {
    let (margin, text) = line.split_once(" |")?;
    if !margin.chars().all(|c| c == ' ' || c.is_ascii_digit()) || margin.len() < 2 {
        return None;
    }
    let is_mark = margin.trim().is_empty() && text.contains('^');
    let text = if is_mark { format!("{ERROR}{text}{ERROR:#}") } else { text.to_owned() };
    Some(format!("{PLACE}{margin} |{PLACE:#}{text}"))
}

/// Returns a name as a heading.
pub(crate) fn strong(text: &str) -> String {
    format!("{STRONG}{text}{STRONG:#}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, parts: &[&str]) {
        let painted = painted(line);
        assert_eq!(anstream::adapter::strip_str(&painted).to_string(), line);
        let found: Vec<&str> = painted
            .split('\u{1b}')
            .filter_map(|part| part.split_once('m').map(|(_, text)| text))
            .filter(|text| !text.is_empty())
            .collect();
        assert_eq!(found, parts, "{painted:?}");
    }

    #[test]
    fn a_line_is_painted_by_how_it_begins() {
        check("error[no-tiers]: network `a: b` has none", &["error[no-tiers]", ": network `a: b` has none"]);
        check("warning: `a` has 1 warning", &["warning", ": `a` has 1 warning"]);
        check("  --> a.toml:1:1", &["  --> ", "a.toml:1:1"]);
        check(" 8 | a = 1", &[" 8 |", " a = 1"]);
        check("   |    ^^", &["   |", "    ^^"]);
        check("PROVED   P1  app: ok", &["PROVED", "   P1  app: ok"]);
        check("errors are not painted", &[]);
        check("a | b", &[]);
    }
}
