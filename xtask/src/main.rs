//! The catalog of this workspace, handed to the xtask commands.

use std::process::ExitCode;

fn main() -> ExitCode {
    terrane_xtask::main(&terrane_catalog::all())
}
