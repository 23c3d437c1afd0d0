//! Tests across crates live in `tests/` beside this file; this library is empty.
