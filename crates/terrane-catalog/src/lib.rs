//! The networks that Terrane publishes, one Rust file each.
