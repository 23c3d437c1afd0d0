//! What must exist, from the topology alone.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::Ipv4Net;
use terrane_compiler::topology::{Access, NatMode, Tier, Topology};

use super::{
    Findings, REGION,
    observed::{Observed, WayOut, named},
};
use crate::aws::{Subnet, SubnetGroupKind, Tags, Vpc};

/// One applied topology among everything that exists.
struct Scene<'a> {
    topology: &'a Topology,
    name: &'a str,
    letters: &'a [String],
    observed: &'a Observed,
    vpc: &'a Vpc,
}

pub(super) fn check(
    topology: &Topology,
    name: &str,
    letters: &[String],
    observed: &Observed,
    findings: &mut Findings,
) {
    let vpc = observed.vpc(name);
    findings.expect(vpc.is_some(), || format!("there is no VPC named `{name}`"));
    let Some(vpc) = vpc else { return };
    let scene = Scene { topology, name, letters, observed, vpc };
    scene.vpc(findings);
    scene.subnets(findings);
    scene.gateways(findings);
    scene.routes(findings);
    scene.endpoints(findings);
    scene.subnet_groups(findings);
    scene.tags(findings);
    if topology.features.close_defaults {
        scene.closed_defaults(findings);
    }
}

/// Returns the name that a tier's objects in AWS carry: the first one it had.
pub(super) fn first_name(tier: &Tier) -> &str {
    tier.renamed_from.first().unwrap_or(&tier.name)
}

/// Returns the public tier that holds the NAT gateways.
pub(super) fn nat_tier(topology: &Topology) -> Option<&Tier> {
    let public = || topology.tiers.iter().filter(|tier| tier.access == Access::Public);
    match &topology.features.egress.tier {
        Some(name) => public().find(|tier| tier.name == *name),
        None => public().next(),
    }
}

impl<'a> Scene<'a> {
    /// Returns the letters with a NAT gateway.
    fn nat_letters(&self) -> Vec<&'a str> {
        match self.topology.features.egress.nat {
            NatMode::None => Vec::new(),
            NatMode::PerZone => self.letters.iter().map(String::as_str).collect(),
            NatMode::Single => {
                let home = self
                    .topology
                    .features
                    .egress
                    .home
                    .as_deref()
                    .or(self.letters.first().map(String::as_str));
                home.into_iter().collect()
            }
        }
    }

    fn subnet(&self, tier: &Tier, letter: &str) -> Option<&'a Subnet> {
        self.observed.subnet(&self.vpc.id, &format!("{}-{}-{letter}", self.name, tier.name))
    }

    fn tier_subnets(&self, tier: &Tier) -> Vec<(&'a str, &'a Subnet)> {
        self.letters.iter().filter_map(|letter| Some((letter.as_str(), self.subnet(tier, letter)?))).collect()
    }

    fn vpc(&self, findings: &mut Findings) {
        let topology = self.topology;
        findings.equal("the VPC's range", self.vpc.cidr.as_str(), topology.base.as_str());
        let mut ranges: BTreeSet<String> =
            topology.secondary.iter().map(|range| range.cidr.clone()).collect();
        ranges.insert(topology.base.clone());
        findings.equal("the set of the VPC's ranges", &self.vpc.cidrs, &ranges);
        let dns = self
            .observed
            .dns
            .iter()
            .find(|(id, ..)| *id == self.vpc.id)
            .map(|(_, support, names)| (*support, *names));
        findings.equal("DNS (support, hostnames)", dns, Some((topology.dns.support, topology.dns.hostnames)));
    }

    fn subnets(&self, findings: &mut Findings) {
        let all: Vec<&Subnet> =
            self.observed.subnets.iter().filter(|subnet| subnet.vpc == self.vpc.id).collect();
        findings.equal("the number of subnets", all.len(), self.topology.tiers.len() * self.letters.len());
        for tier in &self.topology.tiers {
            for letter in self.letters {
                let found = self.subnet(tier, letter);
                findings.expect(found.is_some(), || {
                    format!("tier `{}` has no subnet in zone {letter}", tier.name)
                });
                if let Some(subnet) = found {
                    self.one_subnet(tier, letter, subnet, findings);
                }
            }
        }
        let nets: Vec<Ipv4Net> = all.iter().filter_map(|subnet| subnet.cidr.parse().ok()).collect();
        for (idx, first) in nets.iter().enumerate() {
            for second in &nets[idx + 1..] {
                let apart = !first.contains(second) && !second.contains(first);
                findings.expect(apart, || format!("subnets {first} and {second} overlap"));
            }
        }
    }

    fn one_subnet(&self, tier: &Tier, letter: &str, subnet: &Subnet, findings: &mut Findings) {
        let what = |part: &str| format!("{part} of subnet {}-{letter}", tier.name);
        findings.equal(&what("the zone"), &subnet.zone, &format!("{REGION}{letter}"));
        findings.equal(&what("public addressing"), subnet.public_addresses, tier.access == Access::Public);
        let range = match &tier.range {
            Some(name) => self
                .topology
                .secondary
                .iter()
                .find(|range| range.name == *name)
                .map(|range| range.cidr.as_str()),
            None => Some(self.topology.base.as_str()),
        };
        let inside =
            range.and_then(|range| range.parse::<Ipv4Net>().ok()).zip(subnet.cidr.parse::<Ipv4Net>().ok());
        findings.expect(inside.is_some_and(|(range, net)| range.contains(&net)), || {
            format!("{} is {}, outside of {range:?}", what("the range"), subnet.cidr)
        });
        if let Some(length) = tier.prefix_length {
            findings.expect(subnet.cidr.ends_with(&format!("/{length}")), || {
                format!("{} is {}, declared is a /{length}", what("the range"), subnet.cidr)
            });
        }
        if let Some(pinned) = tier.ranges.as_ref().and_then(|ranges| ranges.get(letter)) {
            findings.equal(&what("the range"), &subnet.cidr, pinned);
        }
    }

    fn gateways(&self, findings: &mut Findings) {
        let public = self.topology.tiers.iter().any(|tier| tier.access == Access::Public);
        let gateways =
            self.observed.internet_gateways.iter().filter(|gateway| gateway.vpcs.contains(&self.vpc.id));
        findings.equal("the number of internet gateways", gateways.count(), usize::from(public));

        let nats: Vec<_> = self.observed.nat_gateways.iter().filter(|nat| nat.vpc == self.vpc.id).collect();
        let tier = nat_tier(self.topology);
        let declared: BTreeSet<&str> = self
            .nat_letters()
            .into_iter()
            .filter_map(|letter| Some(self.subnet(tier?, letter)?.id.as_str()))
            .collect();
        findings.equal("the number of NAT gateways", nats.len(), self.nat_letters().len());
        findings.equal(
            "the set of subnets with a NAT gateway",
            nats.iter().map(|nat| nat.subnet.as_str()).collect(),
            declared,
        );
        let allocations: BTreeSet<&str> =
            nats.iter().flat_map(|nat| nat.allocations.iter().map(String::as_str)).collect();
        findings.equal("the number of elastic IPs of NAT gateways", allocations.len(), nats.len());
        for allocation in allocations {
            let address = self.observed.addresses.iter().find(|address| address.allocation == allocation);
            findings.expect(address.is_some_and(|address| address.associated), || {
                format!("elastic IP {allocation} is not in use")
            });
        }
    }

    fn routes(&self, findings: &mut Findings) {
        let mut tables: BTreeMap<&str, BTreeSet<(Access, Option<&str>)>> = BTreeMap::new();
        for tier in &self.topology.tiers {
            for (letter, subnet) in self.tier_subnets(tier) {
                let what = format!("{}-{letter}", tier.name);
                let way = self.observed.way_out(subnet);
                let right = match (tier.access, self.topology.features.egress.nat) {
                    (Access::Public, _) => way == WayOut::InternetGateway,
                    (Access::Private, NatMode::PerZone) => self.leads_to_nat_of(&way, letter),
                    (Access::Private, NatMode::Single) => {
                        self.nat_letters().iter().all(|home| self.leads_to_nat_of(&way, home))
                    }
                    (Access::Private, NatMode::None) | (Access::Isolated, _) => way == WayOut::None,
                };
                findings.expect(right, || format!("the default route of {what} leads to {way:?}"));
                let Some(table) = self.observed.route_table(subnet) else { continue };
                findings.expect(!table.main, || format!("{what} is in the main route table"));
                findings.expect(table.routes.iter().all(|route| route.active), || {
                    format!("{what} has a route that leads nowhere")
                });
                let zone = (tier.access == Access::Private).then_some(letter);
                tables.entry(table.id.as_str()).or_default().insert((tier.access, zone));
            }
        }
        for (table, users) in tables {
            findings.expect(users.len() == 1, || format!("route table {table} is shared by {users:?}"));
        }
    }

    fn leads_to_nat_of(&self, way: &WayOut<'_>, letter: &str) -> bool {
        let home = nat_tier(self.topology).and_then(|tier| self.subnet(tier, letter));
        matches!(way, WayOut::Nat(nat) if home.is_some_and(|home| home.id == nat.subnet))
    }

    fn endpoints(&self, findings: &mut Findings) {
        let all: Vec<_> =
            self.observed.endpoints.iter().filter(|endpoint| endpoint.vpc == self.vpc.id).collect();
        findings.equal("the number of endpoints", all.len(), self.topology.features.endpoints.len());
        for service in &self.topology.features.endpoints {
            let endpoint =
                all.iter().find(|endpoint| endpoint.service == format!("com.amazonaws.{REGION}.{service}"));
            findings.expect(endpoint.is_some_and(|endpoint| endpoint.kind == "Gateway"), || {
                format!("there is no gateway endpoint for {service}")
            });
            let users = self.topology.tiers.iter().filter(|tier| {
                self.topology.flows.iter().any(|flow| flow.from == tier.name && flow.to == *service)
            });
            let tables: BTreeSet<&str> = users
                .flat_map(|tier| self.tier_subnets(tier))
                .filter_map(|(_, subnet)| Some(self.observed.route_table(subnet)?.id.as_str()))
                .collect();
            let found = endpoint.map(|endpoint| endpoint.route_tables.iter().map(String::as_str).collect());
            findings.equal(&format!("the set of route tables of endpoint {service}"), found, Some(tables));
        }
    }

    fn subnet_groups(&self, findings: &mut Findings) {
        for group in &self.topology.features.subnet_groups {
            let kind = match group.kind.as_str() {
                "rds" | "docdb" | "neptune" => SubnetGroupKind::Rds,
                "elasticache" => SubnetGroupKind::Elasticache,
                "redshift" => SubnetGroupKind::Redshift,
                "memorydb" => SubnetGroupKind::Memorydb,
                // The emulator has no faithful API for the others; they are held by plan.
                _ => continue,
            };
            let Some(tier) = self.topology.tiers.iter().find(|tier| tier.name == group.tier) else {
                continue;
            };
            let declared: BTreeSet<&str> =
                self.tier_subnets(tier).into_iter().map(|(_, subnet)| subnet.id.as_str()).collect();
            let same = |found: &&crate::aws::SubnetGroup| {
                found.kind == kind && found.subnets.iter().map(String::as_str).eq(declared.iter().copied())
            };
            let declared_here =
                self.topology.features.subnet_groups.iter().filter(|other| other.tier == group.tier);
            let wanted = declared_here
                .filter(|other| {
                    kind == SubnetGroupKind::Rds && ["rds", "docdb", "neptune"].contains(&other.kind.as_str())
                        || other.kind == group.kind
                })
                .count();
            let found = self.observed.subnet_groups.iter().filter(same).count();
            findings.equal(
                &format!("the number of {:?} groups over the subnets of `{}`", kind, tier.name),
                found,
                wanted,
            );
        }
    }

    fn tags(&self, findings: &mut Findings) {
        let mut check = |what: &str, found: &Tags, declared: &BTreeMap<String, String>| {
            for (key, value) in declared {
                findings.expect(found.get(key) == Some(value), || {
                    format!("tag `{key}` of {what} is {:?}, declared is {value:?}", found.get(key))
                });
            }
        };
        check("the VPC", &self.vpc.tags, &self.topology.tags);
        let in_vpc = |vpc: &String| *vpc == self.vpc.id;
        self.observed
            .route_tables
            .iter()
            .filter(|table| in_vpc(&table.vpc) && !table.main)
            .for_each(|table| check("a route table", &table.tags, &self.topology.tags));
        self.observed
            .nat_gateways
            .iter()
            .filter(|nat| in_vpc(&nat.vpc))
            .for_each(|nat| check("a NAT gateway", &nat.tags, &self.topology.tags));
        self.observed
            .network_acls
            .iter()
            .filter(|acl| in_vpc(&acl.vpc) && !acl.default)
            .for_each(|acl| check("a network ACL", &acl.tags, &self.topology.tags));
        for tier in &self.topology.tiers {
            let mut declared = self.topology.tags.clone();
            declared.extend(tier.tags.clone());
            declared.extend(self.eks_tags(tier));
            for (letter, subnet) in self.tier_subnets(tier) {
                check(&format!("subnet {}-{letter}", tier.name), &subnet.tags, &declared);
            }
        }
    }

    /// Returns the tags that load balancer controllers and Karpenter read on a tier's subnets.
    fn eks_tags(&self, tier: &Tier) -> BTreeMap<String, String> {
        let mut tags = BTreeMap::new();
        let Some(eks) = &self.topology.features.eks else { return tags };
        let mut tag = |key: &str, value: &str| tags.insert(key.to_owned(), value.to_owned());
        if eks.load_balancers.as_ref() == Some(&tier.name) {
            tag("kubernetes.io/role/elb", "1");
        }
        if eks.nodes == tier.name {
            tag("kubernetes.io/role/internal-elb", "1");
            if let Some(cluster) = &eks.karpenter {
                tag("karpenter.sh/discovery", cluster);
            }
            for cluster in &eks.clusters {
                tag(&format!("kubernetes.io/cluster/{cluster}"), "shared");
            }
        }
        tags
    }

    fn closed_defaults(&self, findings: &mut Findings) {
        let observed = self.observed;
        let main = observed.route_tables.iter().find(|table| table.vpc == self.vpc.id && table.main);
        findings.expect(
            main.is_some_and(|table| {
                table.routes.iter().all(|route| route.target == "local") && table.subnets.is_empty()
            }),
            || format!("the main route table is not closed: {main:?}"),
        );
        let acl = observed.network_acls.iter().find(|acl| acl.vpc == self.vpc.id && acl.default);
        findings.expect(
            acl.is_some_and(|acl| acl.entries.iter().all(|entry| !entry.allow) && acl.subnets.is_empty()),
            || format!("the default network ACL is not closed: {acl:?}"),
        );
        let group = observed.security_group(&self.vpc.id, "default");
        let rules = observed
            .security_group_rules
            .iter()
            .filter(|rule| group.is_some_and(|group| group.id == rule.group))
            .count();
        findings.expect(group.is_some() && rules == 0, || {
            format!("the default security group has {rules} rules")
        });
        findings.expect(main.is_some_and(|table| !named(&table.tags, self.name)), || {
            "the main route table has the VPC's name".to_owned()
        });
    }
}
