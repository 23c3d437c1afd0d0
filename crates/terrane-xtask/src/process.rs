//! Runs other programs and keeps what they said.

use std::{
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::Mutex,
    thread,
};

use crate::error::{Error, ErrorKind, Result};

/// How many of a program's last lines an error repeats.
const LAST_LINES: usize = 40;

/// Runs a program to its end and returns its standard output.
///
/// # Errors
///
/// [`ErrorKind::Program`] if it cannot be started or ends with a failure; the message repeats the last lines it wrote.
pub fn run(command: &mut Command) -> Result<String> {
    let output = capture(command)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(failure(command, &output))
}

/// Runs a program to its end, whatever its exit code.
pub fn capture(command: &mut Command) -> Result<Output> {
    command.stdin(Stdio::null()).output().map_err(|source| {
        Error::new(ErrorKind::Program, format!("cannot run {}", command.get_program().display()))
            .because(source)
    })
}

/// What a program wrote, and whether it ended well.
#[derive(Debug)]
pub struct Said {
    /// Whether it ended well.
    pub success: bool,
    /// Its standard output and standard error, line by line as they came.
    pub text: String,
}

/// Runs a program to its end, shows what it writes as it writes it, and keeps it.
pub fn follow(command: &mut Command) -> Result<Said> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let cannot =
        |source: std::io::Error| Error::new(ErrorKind::Program, "cannot run a program").because(source);
    let mut child = command.spawn().map_err(cannot)?;
    let text = Mutex::new(String::new());
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    thread::scope(|scope| {
        scope.spawn(|| stdout.map(|from| relay(from, &text)));
        scope.spawn(|| stderr.map(|from| relay(from, &text)));
    });
    let status = child.wait().map_err(cannot)?;
    Ok(Said {
        success: status.success(),
        text: text.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()),
    })
}

/// Copies lines to standard error and into a text.
fn relay(from: impl Read, text: &Mutex<String>) {
    for line in BufReader::new(from).split(b'\n').map_while(std::result::Result::ok) {
        let line = String::from_utf8_lossy(&line);
        // Nobody may be listening any more; the text is what counts.
        let _ = writeln!(std::io::stderr(), "{line}");
        let mut text = text.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        text.push_str(&line);
        text.push('\n');
    }
}

/// Describes a program that ended with a failure.
pub fn failure(command: &Command, output: &Output) -> Error {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let said = if err.trim().is_empty() { out } else { err };
    Error::new(
        ErrorKind::Program,
        format!("`{}` failed ({})\n{}", shown(command), output.status, last_lines(&said)),
    )
}

/// Finds a program on `PATH`.
pub fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| is_executable(file))
}

/// Returns whether this run is a continuous integration run, where nothing may be skipped.
pub fn in_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false")
}

/// Returns the last lines of a text, for an error message.
pub fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.trim().lines().collect();
    lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
}

/// Writes a command as one would type it.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let mut words = vec![program.to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|arg| arg.to_string_lossy().into_owned()));
    words.join(" ")
}

fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_program_repeats_its_last_lines() {
        let error = run(Command::new("sh").args(["-c", "seq 1 100 >&2; exit 7"])).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Program);
        let message = error.to_string();
        assert!(message.ends_with("\n99\n100"), "{message}");
        assert!(!message.contains("\n60\n"), "{message}");
        assert!(message.contains("exit status: 7"), "{message}");
    }

    #[test]
    fn missing_program_is_named() {
        let error = run(&mut Command::new("no-such-program")).unwrap_err();
        assert!(error.to_string().contains("cannot run no-such-program"), "{error}");
    }
}
