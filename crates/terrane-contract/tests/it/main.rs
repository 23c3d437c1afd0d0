//! Contracts read from Terraform files, and what differs between two of them.

mod addresses;
mod diff;
mod read;
mod types;
