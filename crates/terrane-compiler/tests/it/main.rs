//! Tests of the compiler through its public interface.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod allocation;
