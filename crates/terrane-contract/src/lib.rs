//! The interface of a Terraform module, as data.
//!
//! [`Contract`] says what a module takes, gives, and manages.
//! [`Type`] is the type grammar that Terraform writes in states and schemas.
//!
//! This crate does no I/O.

mod contract;
mod cty;

pub use contract::{
    Admitted, Contract, KeyKind, Managed, ModuleCall, Move, Output, Provider, SCHEMA_VERSION, Submodule,
    Variable,
};
pub use cty::{ParseTypeError, Type};
