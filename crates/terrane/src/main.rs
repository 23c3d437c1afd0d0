//! The `terrane` command line.
fn main() {}
