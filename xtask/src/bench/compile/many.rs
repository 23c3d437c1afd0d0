//! Many networks: a thousand distinct ones, and ones that grow.

use std::{collections::BTreeSet, fmt::Write as _, time::Duration};

use terrane_compiler::{
    document, testing,
    topology::{Flow, Tier, Topology},
};

use super::{Terrane, empty};
use crate::{
    bench::measure::{self, Contender, duration, median},
    error::Result,
};

/// How many distinct networks are compiled.
const DISTINCT: usize = 1_000;
/// How often each growing network is compiled.
const ROUNDS: usize = 21;
/// Tiers and zones of the growing networks.
const SIZES: [(usize, usize); 6] = [(2, 2), (4, 3), (8, 3), (8, 6), (16, 6), (32, 6)];
const LETTERS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// Compiles a thousand distinct random networks, one process each, and says what that took.
pub(super) fn distinct(terrane: &Terrane) -> Result<String> {
    let mut seen = BTreeSet::new();
    let topologies = (0..).map(testing::topology).filter(|topology| seen.insert(document::to_toml(topology)));
    let (mut runs, mut idle) = (Vec::new(), Vec::new());
    for (idx, topology) in topologies.take(DISTINCT).enumerate() {
        let mut command = terrane.compile(&format!("distinct-{idx}"), &topology)?;
        idle.push(measure::time(&mut empty().command)?);
        runs.push(measure::time(&mut command)?);
    }
    let (all, slowest): (Duration, Duration) =
        (runs.iter().sum(), runs.iter().max().copied().unwrap_or_default());
    Ok(format!(
        "{DISTINCT} distinct random networks, one process each: median {}, slowest {}, {} in all; an empty process beside them: median {}.\n",
        duration(median(runs)),
        duration(slowest),
        duration(all),
        duration(median(idle)),
    ))
}

/// Compiles networks of more and more tiers and zones, and returns what a subnet costs.
pub(super) fn growing(terrane: &Terrane) -> Result<String> {
    let mut contenders = vec![empty()];
    for (n_tiers, n_zones) in SIZES {
        let command = terrane.compile(&format!("grid-{n_tiers}-{n_zones}"), &grid(n_tiers, n_zones))?;
        contenders.push(Contender { name: format!("{n_tiers} × {n_zones}"), command });
    }
    let measured = measure::measure(contenders, ROUNDS)?;
    let Some((empty, grown)) = measured.split_first() else { return Ok(String::new()) };
    let mut text = "| tiers × zones | median | above an empty process, per subnet | peak memory |\n|---|---:|---:|---:|\n".to_owned();
    for (row, (n_tiers, n_zones)) in grown.iter().zip(SIZES) {
        let above = row.median.saturating_sub(empty.median).as_secs_f64() * 1e6 / (n_tiers * n_zones) as f64;
        let peak = row.peak.map_or_else(|| "–".to_owned(), measure::mebibytes);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "| {} | {} | {above:.0} µs | {peak} |", row.name, duration(row.median));
    }
    Ok(text)
}

/// Returns a network of isolated tiers, each of which talks to the next one.
fn grid(n_tiers: usize, n_zones: usize) -> Topology {
    let name = |tier: usize| format!("tier-{tier}");
    let mut topology = Topology::new(&format!("grid-{n_tiers}-{n_zones}"))
        .base("10.0.0.0/16")
        .zones(LETTERS.into_iter().take(n_zones));
    for tier in 0..n_tiers {
        topology = topology.tier(Tier::isolated(&name(tier)).prefix_length(26));
    }
    for tier in 1..n_tiers {
        topology = topology.flow(Flow::tcp([443]).from(&name(tier - 1)).to(&name(tier)));
    }
    topology
}
