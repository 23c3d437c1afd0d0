//! Tests of the compiler through its public interface, some against the real Terraform.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(clippy::disallowed_methods, reason = "tests run programs and read the environment")]
#![expect(clippy::disallowed_macros, reason = "a skipped test says so")]

mod allocation;
mod bodies;
mod docs;
mod err_cases;
mod flow_edits;
mod places;
mod print;
mod random;
mod terraform;

/// Returns how many cases a test tries: `short` as a rule, `long` under `cargo xtask test --long`.
fn cases(short: u32, long: u32) -> u32 {
    if std::env::var_os("TERRANE_LONG").is_some_and(|value| value != "0") { long } else { short }
}
