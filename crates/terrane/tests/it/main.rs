//! The commands of `terrane`, as a user runs them.
#![expect(clippy::unwrap_used, reason = "a test fails by unwrapping, in its helpers as well")]

mod bindings;
mod cases;
mod compile;
mod documented;
mod explain;
mod hosting;
mod majors;
#[path = "../../../terrane-state/tests/it/mem_s3.rs"]
#[expect(dead_code, reason = "the server is shared with the tests of terrane-state, which use more of it")]
mod mem_s3;
mod mistakes;
mod new;
mod plans;
mod prove;
mod refusals;
mod registry;
mod release;
mod revisions;
mod serving;
mod state;
mod tags;
mod usage;
