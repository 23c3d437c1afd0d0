//! Terraform module packages, stores, and a registry server.
//!
//! [`Package`] is what is published: files with a digest that does not depend on where they were built.
//! [`Registry`] publishes it into a [`Store`] such that a version is complete and never changes once clients see it.
//! [`Server`] speaks the module registry protocol to Terraform and OpenTofu over any store.

mod error;
mod name;

mod package;

mod store;

mod doctor;
mod export;
mod fsck;
mod git;
mod layout;
mod page;
mod publish;
mod registry;
mod signature;

mod serve;

pub use doctor::doctor;
pub use error::{Error, ErrorKind};
pub use export::{Exported, Format};
pub use fsck::Fault;
pub use git::Git;
pub use layout::{Allowance, Index, Manifest};
pub use name::{ModuleName, parse_version};
pub use package::Package;
pub use publish::{Publication, Published, choose};
pub use registry::{Registry, Settings};
pub use serve::{AccessLog, Limits, Server, Tokens};
pub use signature::Trust;
#[cfg(feature = "s3")]
pub use store::S3Store;
pub use store::{DirectoryStore, Expect, MemoryStore, Object, Put, Stat, Store, content_type, open_store};
