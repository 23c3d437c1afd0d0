//! The commands of this workspace: see `lib.rs`.

use std::process::ExitCode;

fn main() -> ExitCode {
    xtask::main()
}
