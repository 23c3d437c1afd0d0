//! The same reader for programs without async.
//!
//! ```no_run
//! let state = terrane_state::blocking::read("s3://acme-state/network.tfstate")?;
//! let vpc_id: terrane_state::VpcId = state.output("vpc_id")?;
//! # Ok::<(), terrane_state::Error>(())
//! ```

use std::sync::Arc;

use tokio::runtime::Runtime;

use crate::lock::LockInfo;
use crate::reader::ReaderBuilder;
use terrane_value::{Error, ErrorKind};
use terrane_value::{State, WholeState};

/// Reads one state, keeping the calling thread waiting. Must not be used inside an async task.
#[derive(Clone, Debug)]
pub struct Reader {
    reader: crate::Reader,
    runtime: Arc<Runtime>,
}

fn runtime() -> Result<Arc<Runtime>, Error> {
    let built = tokio::runtime::Builder::new_current_thread().enable_all().build();
    built.map(Arc::new).map_err(|error| ErrorKind::Io { reason: error.to_string() }.into())
}

impl Reader {
    /// Opens `s3://bucket/key`, a state file, or a Terraform directory.
    ///
    /// # Errors
    ///
    /// Those of [`crate::Reader::open`].
    pub fn open(uri: &str) -> Result<Reader, Error> {
        let runtime = runtime()?;
        Ok(Reader { reader: runtime.block_on(crate::Reader::open(uri))?, runtime })
    }

    /// Makes the reader that a builder describes.
    ///
    /// # Errors
    ///
    /// Those of [`ReaderBuilder::connect`].
    pub fn connect(builder: ReaderBuilder) -> Result<Reader, Error> {
        let runtime = runtime()?;
        Ok(Reader { reader: runtime.block_on(builder.connect())?, runtime })
    }

    /// Reads the outputs.
    ///
    /// # Errors
    ///
    /// Those of [`crate::Reader::read`].
    pub fn read(&self) -> Result<State, Error> {
        self.runtime.block_on(self.reader.read())
    }

    /// Reads the outputs and the resources.
    ///
    /// # Errors
    ///
    /// Those of [`crate::Reader::read_whole`].
    pub fn read_whole(&self) -> Result<WholeState, Error> {
        self.runtime.block_on(self.reader.read_whole())
    }

    /// Lists the workspaces that have a state.
    ///
    /// # Errors
    ///
    /// Those of [`crate::Reader::workspaces`].
    pub fn workspaces(&self) -> Result<Vec<String>, Error> {
        self.runtime.block_on(self.reader.workspaces())
    }

    /// Returns the locks that someone holds.
    ///
    /// # Errors
    ///
    /// Those of [`crate::Reader::locks`].
    pub fn locks(&self) -> Result<Vec<LockInfo>, Error> {
        self.runtime.block_on(self.reader.locks())
    }
}

/// Reads the outputs of `s3://bucket/key`, a state file, or a Terraform directory, once.
///
/// # Errors
///
/// Those of [`Reader::open`] and [`Reader::read`].
pub fn read(uri: &str) -> Result<State, Error> {
    Reader::open(uri)?.read()
}
