//! The picture of a network: a Mermaid flow chart that code forges draw.

use std::fmt::Write as _;

use crate::network::{Network, Target};

/// Returns the chart: the zones with their subnets, the gateways, and the default routes.
pub(crate) fn diagram(network: &Network) -> String {
    let mut text = String::from("flowchart TB\n");
    if network.internet_gateway {
        text.push_str("  internet((internet))\n");
    }
    let _ = writeln!(text, "  subgraph vpc[\"VPC {}\"]", network.ranges[0].default);
    if network.internet_gateway {
        text.push_str("    igw[internet gateway]\n");
    }
    for zone in &network.zones {
        let _ = writeln!(text, "    subgraph zone_{zone}[\"zone {zone}\"]");
        for (idx, tier) in network.tiers.iter().enumerate() {
            if let Some(block) = network.subnet(idx, *zone) {
                let range = network.place(tier.range, block);
                let _ = writeln!(
                    text,
                    "      {}_{zone}[\"{}-{zone}<br/>{range}\"]",
                    tier.name.identifier(),
                    tier.name
                );
            }
        }
        if has_nat(network, *zone) {
            let _ = writeln!(text, "      nat_{zone}([NAT gateway])");
        }
        text.push_str("    end\n");
    }
    text.push_str("  end\n");
    places(network, &mut text);
    routes(network, &mut text);
    text
}

/// Draws what leads to places, and the places behind it.
fn places(network: &Network, text: &mut String) {
    for (idx, attachment) in network.attachments.iter().enumerate() {
        let id = attachment.name.identifier();
        let _ = writeln!(text, "  {id}_attachment{{{{{}}}}}", attachment.name);
        for place in network.places.iter().filter(|place| place.via == Some(idx)) {
            let ranges: Vec<String> = place.ranges.iter().map(ToString::to_string).collect();
            let own = place.name.identifier();
            let _ = writeln!(text, "  {own}_place[[\"{}<br/>{}\"]]", place.name, ranges.join("<br/>"));
            let _ = writeln!(text, "  {id}_attachment <--> {own}_place");
        }
    }
}

fn has_nat(network: &Network, zone: crate::names::Zone) -> bool {
    network.nat.as_ref().is_some_and(|nat| nat.home.is_none_or(|home| home == zone))
}

fn routes(network: &Network, text: &mut String) {
    if network.internet_gateway {
        text.push_str("  igw <--> internet\n");
    }
    for zone in &network.zones {
        if has_nat(network, *zone) {
            let _ = writeln!(text, "  nat_{zone} --> igw");
        }
        for tier in &network.tiers {
            let id = tier.name.identifier();
            for route in &network.route_tables[tier.route_table].routes {
                let _ = match route.target {
                    Target::InternetGateway => writeln!(text, "  {id}_{zone} <--> igw"),
                    Target::NatOfZone => writeln!(text, "  {id}_{zone} --> nat_{zone}"),
                    Target::NatOfHome(home) => writeln!(text, "  {id}_{zone} --> nat_{home}"),
                    Target::Attachment(attachment) => {
                        let name = network.attachments[attachment].name.identifier();
                        writeln!(text, "  {id}_{zone} <--> {name}_attachment")
                    }
                };
            }
        }
    }
}
