//! Golden cases, real-Terraform end-to-end tests, and contracts across crates: see `tests/it`.
//!
//! The pages in `docs/` are compiled here.

#[cfg(doctest)]
#[doc = include_str!("../../docs/remote-state.md")]
pub struct RemoteState;
