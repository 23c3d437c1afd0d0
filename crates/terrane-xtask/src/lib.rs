//! The xtask commands of a Terrane workspace.

mod error;
mod process;
mod workspace;

pub mod aws;
pub mod emulator;
pub mod terraform;

pub use error::{Error, ErrorKind, Result};
pub use workspace::Workspace;
