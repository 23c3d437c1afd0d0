//! The commands of `terrane`, as a user runs them.
#![expect(clippy::unwrap_used, reason = "a test fails by unwrapping, in its helpers as well")]

mod new;
mod registry;
mod release;
mod serving;
