//! Reading states over real sockets, and the 64 conformance cases; each test names the cases that it covers.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod backend;
mod cases;
mod contract;
mod digest;
mod encryption;
mod facade;
mod faults;
mod format;
mod hostile;
mod hostile_servers;
mod line;
mod mem_s3;
mod places;
mod races;
mod reading;
mod resources;
mod script;
mod setup;
mod sources;
mod terraform;
mod tls;
mod typed;
mod values;
mod watching;
