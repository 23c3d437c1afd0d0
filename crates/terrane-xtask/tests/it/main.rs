//! The test machinery itself, on a small network written by hand.

#[cfg(test)]
mod on_emulator;
