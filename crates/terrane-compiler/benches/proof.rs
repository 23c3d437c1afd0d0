//! Times proofs of networks that grow in subnets and in rules, and prints a Markdown table.
//!
//! `cargo xtask bench proof` runs it; `cargo bench -p terrane-compiler` does too.

#![expect(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "a benchmark takes time and prints; the compiler does neither"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use terrane_compiler::Resolved;
use terrane_compiler::ledger::Ledger;
use terrane_compiler::network::Network;
use terrane_compiler::proof::prove;
use terrane_compiler::topology::{Flow, Tier, Topology};

/// How often each network is proved.
const ROUNDS: u32 = 31;

/// Tiers, zones, and how many other tiers each tier talks to.
const NETWORKS: [(usize, usize, usize); 8] =
    [(10, 4, 4), (25, 4, 4), (50, 4, 4), (50, 1, 8), (50, 2, 8), (50, 4, 2), (50, 4, 8), (100, 2, 8)];

/// How large a network is, and what its proof took.
struct Row {
    subnets: usize,
    acls: usize,
    rules: usize,
    processor: Option<Duration>,
    fastest: Duration,
}

fn main() {
    let rows: Vec<Row> = NETWORKS.map(row).into();
    println!("| subnets | ACLs | rules | processor time | wall clock, fastest |");
    println!("|---:|---:|---:|---:|---:|");
    for Row { subnets, acls, rules, processor, fastest } in &rows {
        println!(
            "| {subnets} | {acls} | {rules} | {} | {:.2} ms |",
            processor.map_or_else(|| "–".to_owned(), |took| format!("{:.2} ms", milliseconds(took))),
            milliseconds(*fastest),
        );
    }
    println!("\n```text");
    println!("against subnets, with 50 ACLs and 1700 rules");
    plot(rows.iter().filter(|row| (row.acls, row.rules) == (50, 1700)), |row| row.subnets);
    println!("against rules, with 50 ACLs and 200 subnets");
    plot(rows.iter().filter(|row| (row.acls, row.subnets) == (50, 200)), |row| row.rules);
    println!("```");
}

/// Prints a bar for each row, a quarter of a millisecond to the block.
fn plot<'a>(rows: impl Iterator<Item = &'a Row>, size: fn(&Row) -> usize) {
    let mut rows: Vec<&Row> = rows.collect();
    rows.sort_by_key(|row| size(row));
    for row in rows {
        let took = milliseconds(row.processor.unwrap_or(row.fastest));
        println!("{:>6} {} {took:.2} ms", size(row), "█".repeat((took * 4.0).ceil() as usize));
    }
}

fn row((tiers, zones, peers): (usize, usize, usize)) -> Row {
    let network = network(tiers, zones, peers);
    let (processor, fastest) = time(&network);
    Row {
        subnets: tiers * network.zones.len(),
        acls: network.acls.len(),
        rules: network.acls.iter().map(|acl| acl.rules.len()).sum(),
        processor,
        fastest,
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// Returns the mean processor time of a proof, and the wall clock time of the fastest one.
fn time(network: &Network) -> (Option<Duration>, Duration) {
    let before = processor_time();
    let runs = (0..ROUNDS).map(|_| {
        let start = Instant::now();
        black_box(prove(black_box(network)));
        start.elapsed()
    });
    let fastest = runs.min().unwrap_or_default();
    let took = before.zip(processor_time()).map(|(before, after)| (after - before) / ROUNDS);
    (took, fastest)
}

/// Returns how long this process has had a processor, which other processes do not disturb; Linux alone says so.
fn processor_time() -> Option<Duration> {
    // What runs now is counted when it next gives way.
    std::thread::sleep(Duration::from_millis(1));
    let text = std::fs::read_to_string("/proc/self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

/// Returns a ring of isolated tiers, each of which talks to itself and to the next ones.
fn network(tiers: usize, zones: usize, peers: usize) -> Network {
    let name = |tier: usize| format!("tier-{}", tier % tiers);
    let letters = ["a", "b", "c", "d"];
    let mut topology = Topology::new("ring").base("10.0.0.0/16").zones(letters.into_iter().take(zones));
    for tier in 0..tiers {
        topology = topology
            .tier(Tier::isolated(&name(tier)).prefix_length(27))
            .flow(Flow::any().within(&name(tier)));
        for peer in 1..=peers {
            let port = 8000 + i64::try_from(peer).expect("few peers");
            topology = topology.flow(Flow::tcp([port]).from(&name(tier)).to(&name(tier + peer)));
        }
    }
    Resolved::of(&topology, &Ledger::default()).unwrap_or_else(|problems| panic!("{problems}")).network
}
