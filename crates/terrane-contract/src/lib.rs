//! The interface of a Terraform module, as data.
//!
//! [`Contract`] says what a module takes, gives, and manages.
//! [`Type`] is the type grammar that Terraform writes in states and schemas.
//!
//! [`Contract::from_files`] reads it from the files of any module, whoever wrote them.
//!
//! This crate does no I/O.

mod contract;
mod cty;
mod expression;
mod read;
mod syntax;

pub use contract::{
    Admitted, Contract, KeyKind, Managed, ModuleCall, Move, Output, Provider, SCHEMA_VERSION, Submodule,
    Variable,
};
pub use cty::{ParseTypeError, Type};
pub use expression::canonical;
pub use read::ReadError;
pub use syntax::Problem;
