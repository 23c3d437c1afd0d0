//! The interface of a Terraform module, as data.
//!
//! [`Contract`] says what a module takes, gives, and manages.
//! [`Type`] is the type grammar that Terraform writes in states and schemas.
//!
//! [`Contract::from_files`] reads it from the files of any module, whoever wrote them.
//!
//! [`diff`] says what changed between two contracts, and the version bump that it needs;
//! [`Checkout::changes_since`] says more, of modules whose files are there.
//!
//! This crate does no I/O.

mod address;
mod addresses;
mod agree;
mod bindings;
mod checkout;
mod code;
mod contract;
mod diff;
mod expression;
mod normal;
mod range;
mod read;
mod syntax;

pub use addresses::{AddressBlock, Addresses, BlockState};
pub use bindings::{module_bindings, module_struct, output_bindings};
pub use checkout::Checkout;
pub use contract::{
    Admitted, Contract, Holds, KeyKind, Managed, ModuleCall, Move, Output, Provider, SCHEMA_VERSION,
    Submodule, Variable,
};
pub use diff::{Bump, Diff, Finding, RULES, Rule, diff, refused};
pub use expression::canonical;
pub use read::ReadError;
pub use syntax::Problem;
pub use terrane_value::{ParseTypeError, Type};
