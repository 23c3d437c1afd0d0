//! `terrane release`: a module of a workspace without Rust, from a clean git tree to a published and tagged version.
//!
//! The same two parts as `cargo xtask release` has, over the topologies in TOML.

use terrane_xtask::ReleaseArgs;

use crate::exit::Failure;
use crate::topologies;

pub(crate) fn run(args: ReleaseArgs) -> Result<(), Failure> {
    let workspace = topologies::workspace()?;
    let catalog = topologies::catalog(&workspace)?;
    terrane_xtask::execute(terrane_xtask::Command::Release(args), &workspace, &catalog)?;
    Ok(())
}
