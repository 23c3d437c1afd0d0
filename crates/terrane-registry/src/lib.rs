//! Terraform module packages, stores, and a registry server.
