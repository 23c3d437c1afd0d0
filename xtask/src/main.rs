//! The catalog of this workspace, handed to the xtask commands.
fn main() {}
