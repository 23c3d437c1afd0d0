//! The acceptance cases A1 to A30 of a module registry, by number, and what they rest on.

#![expect(clippy::unwrap_used, reason = "a test fails by unwrapping, in its helpers as well")]

mod common;
mod doctor;
mod exports;
mod faults;
mod package;
mod pages;
mod publish;
mod scale;
mod serve;
mod signature;
mod statically;
mod terraform;
