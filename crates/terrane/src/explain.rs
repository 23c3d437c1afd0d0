//! `terrane explain`: the meaning of a code, and what to do about it.

use terrane_compiler::explain::{self, Entry, Kind};

use crate::exit::{Failure, print_json};

/// The arguments of `terrane explain`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A diagnostic such as range-overlap, a claim such as P1, or a rule of `terrane diff` such as R04; without one, all are listed
    code: Option<String>,
    /// Print the explanation, or all of them, as JSON
    #[arg(long)]
    json: bool,
}

/// Explains a code, or lists all of them.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let Some(code) = &args.code else { return list(args) };
    let entry = explain::find(code).map_err(|closest| unknown(code, &closest))?;
    if args.json {
        return print_json(&entry);
    }
    let Entry { code, severity, title, explanation, .. } = entry;
    let severity = severity.map_or_else(String::new, |severity| format!(" ({severity})"));
    println!("{code}{severity}: {title}\n\n{}", wrapped(explanation));
    Ok(())
}

fn list(args: &Args) -> Result<(), Failure> {
    let entries = explain::entries();
    if args.json {
        return print_json(&entries);
    }
    let width = entries.iter().map(|entry| entry.code.len()).max().unwrap_or_default();
    for (kind, heading) in
        [(Kind::Diagnostic, "diagnostics"), (Kind::Claim, "claims"), (Kind::Rule, "rules of `terrane diff`")]
    {
        println!("{heading}:");
        for entry in entries.iter().filter(|entry| entry.kind == kind) {
            println!("  {:width$}  {}", entry.code, entry.title);
        }
    }
    Ok(())
}

fn unknown(code: &str, closest: &[&str]) -> Failure {
    let closest: Vec<String> = closest.iter().map(|code| format!("`{code}`")).collect();
    let hint = if closest.is_empty() {
        "`terrane explain` lists all".to_owned()
    } else {
        format!("the closest are {}", closest.join(", "))
    };
    Failure::usage(format!("`{}` is not a known code; {hint}", code.escape_debug()))
}

/// Breaks a text into lines for a terminal.
fn wrapped(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= 100 => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}
