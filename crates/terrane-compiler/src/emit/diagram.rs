//! The picture of a network: a Mermaid flow chart that code forges draw.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::features;
use crate::names::Zone;
use crate::network::Network;

/// The lines of a chart; each feature draws its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Picture {
    /// Nodes outside the VPC.
    pub(crate) outside: Vec<String>,
    /// Nodes of the VPC that are in no zone.
    pub(crate) vpc: Vec<String>,
    /// Nodes beyond the VPC to which it is attached, and the edges between them.
    pub(crate) beyond: Vec<String>,
    /// Edges that no zone has a part in.
    pub(crate) edges: Vec<String>,
    zones: BTreeMap<Zone, PictureOfZone>,
}

/// The lines about one zone.
#[derive(Clone, Debug, Default)]
pub(crate) struct PictureOfZone {
    /// Nodes in it.
    pub(crate) nodes: Vec<String>,
    /// Edges that begin in it.
    pub(crate) edges: Vec<String>,
}

impl Picture {
    /// Returns the lines about a zone.
    pub(crate) fn zone(&mut self, zone: Zone) -> &mut PictureOfZone {
        self.zones.entry(zone).or_default()
    }
}

/// Returns the chart: the zones with their subnets, the gateways, and the default routes.
pub(super) fn diagram(network: &Network) -> String {
    let mut picture = Picture::default();
    for feature in features::ALL {
        (feature.draw)(network, &mut picture);
    }
    let mut text = String::from("flowchart TB\n");
    let mut lines = |indent: &str, lines: &[String]| {
        for line in lines {
            let _ = writeln!(text, "{indent}{line}");
        }
    };
    lines("  ", &picture.outside);
    lines("  ", &[format!("subgraph vpc[\"VPC {}\"]", network.ranges[0].default)]);
    lines("    ", &picture.vpc);
    for (zone, part) in &picture.zones {
        lines("    ", &[format!("subgraph zone_{zone}[\"zone {zone}\"]")]);
        lines("      ", &part.nodes);
        lines("    ", &["end".to_owned()]);
    }
    lines("  ", &["end".to_owned()]);
    lines("  ", &picture.beyond);
    lines("  ", &picture.edges);
    for part in picture.zones.values() {
        lines("  ", &part.edges);
    }
    text
}
