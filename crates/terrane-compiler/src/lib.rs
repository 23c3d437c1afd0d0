//! Compiles a network declared in Rust into a Terraform module.
