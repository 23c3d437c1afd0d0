//! Where compiled modules live: a module's directory with its ledger and its version, written whole or not at all, and
//! the releases that come out of a workspace.
//!
//! The command line, the xtask commands, and through them every workspace that `terrane new` makes share this one
//! driver. It reads and writes files, runs git and Terraform, and knows no network.

mod changes;
mod directory;
mod disk;
pub mod error;
pub mod files;
mod git;
mod lock;
mod module;
mod release;
mod version;
pub mod workspace;

pub use changes::Change;
pub use directory::{Difference, DifferenceKind, Directory, Locked, Whose};
pub use disk::{Disk, RealDisk};
pub use error::{Error, ErrorKind, Result};
pub use module::{LedgerSource, LockedModule, ModuleDir};
pub use release::{Plan, Release};
pub use version::{UNRELEASED, version};
pub use workspace::Workspace;
