//! Flow logs: one for the VPC or for each subnet of the tiers, to the declared destination, and no others.

use std::collections::BTreeSet;

use terrane_compiler::topology::{FlowLog, LogDestination, LoggedTraffic};

use super::Scene;
use crate::{aws, e2e::Findings};

pub(super) fn check(scene: &Scene<'_>, findings: &mut Findings) {
    let subnets = scene.observed.subnets.iter().filter(|subnet| subnet.vpc == scene.vpc.id);
    let own: BTreeSet<&str> =
        subnets.map(|subnet| subnet.id.as_str()).chain([scene.vpc.id.as_str()]).collect();
    let found: Vec<&aws::FlowLog> =
        scene.observed.flow_logs.iter().filter(|log| own.contains(log.resource.as_str())).collect();
    let declared: Vec<(&FlowLog, &str)> = scene
        .topology
        .features
        .flow_logs
        .iter()
        .flat_map(|log| resources(scene, log).into_iter().map(move |resource| (log, resource)))
        .collect();
    findings.equal("the number of flow logs", found.len(), declared.len());
    for (log, resource) in declared {
        let same = found.iter().any(|found| found.resource == resource && is(log, found));
        findings.expect(same, || {
            format!("no flow log of {resource} is as `{}` is declared: {found:?}", log.name)
        });
    }
}

/// Returns what a flow log records: the VPC, or the subnets of its tiers.
fn resources<'a>(scene: &Scene<'a>, log: &FlowLog) -> Vec<&'a str> {
    if log.tiers.is_empty() {
        return vec![&scene.vpc.id];
    }
    let tiers = scene.topology.tiers.iter().filter(|tier| log.tiers.contains(&tier.name));
    tiers.flat_map(|tier| scene.tier_subnets(tier)).map(|(_, subnet)| subnet.id.as_str()).collect()
}

fn is(declared: &FlowLog, found: &aws::FlowLog) -> bool {
    let (kind, service) = match declared.to {
        LogDestination::Cloudwatch => ("cloud-watch-logs", ":logs:"),
        LogDestination::S3 => ("s3", ":s3:"),
        LogDestination::Firehose => ("kinesis-data-firehose", ":firehose:"),
    };
    let traffic = match declared.traffic {
        LoggedTraffic::All => "ALL",
        LoggedTraffic::Accept => "ACCEPT",
        LoggedTraffic::Reject => "REJECT",
    };
    let fields: Vec<String> = declared.fields.iter().map(|field| format!("${{{field}}}")).collect();
    found.destination_type == kind
        && found.destination.contains(service)
        && found.traffic == traffic
        && found.role.is_empty() == (declared.to != LogDestination::Cloudwatch)
        && declared.interval.is_none_or(|interval| found.interval == interval.to_string())
        && (fields.is_empty() || found.format == fields.join(" "))
}
