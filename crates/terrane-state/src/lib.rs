//! Terraform remote state as typed Rust values.
