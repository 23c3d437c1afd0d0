//! The table of diagnostics: a row for each kind of problem, with its explanation.
//!
//! Problems of topologies, ledgers, and proofs have their rows here. Those that a feature reports have them in its files.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::diagnostics::Severity;

/// A kind of problem: a row of the table of diagnostics.
///
/// Codes are made by `codes!` alone, and are equal if their names are.
#[derive(Clone, Copy)]
pub struct Code(&'static Row);

/// What the table says of a kind of problem.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) severity: Severity,
    pub(crate) judged: Judged,
    pub(crate) title: &'static str,
    pub(crate) explanation: &'static str,
}

/// Whether a problem is reported beside those of the structure of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judged {
    /// It is not: a mended structure could make it untrue.
    No,
    /// It is: a part of the document shows it by itself, or beside parts of its kind.
    ByItself,
    /// It is where the names of all tiers, ranges, and endpoints can be read.
    ByNames,
}

impl Code {
    pub(crate) const fn new(row: &'static Row) -> Code {
        Code(row)
    }

    /// Returns its name in kebab case, which is the same for ever.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// Returns whether it stops the compilation.
    pub fn severity(self) -> Severity {
        self.0.severity
    }

    /// Returns the problem in a line.
    pub fn title(self) -> &'static str {
        self.0.title
    }

    /// Returns the reason why it is a problem, the bound with its source, and the remedy.
    pub fn explanation(self) -> &'static str {
        self.0.explanation
    }

    /// Returns whether it is reported beside problems of a document's structure.
    pub(crate) fn judged(self) -> Judged {
        self.0.judged
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl PartialEq for Code {
    fn eq(&self, other: &Code) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Code {}

impl PartialEq<str> for Code {
    fn eq(&self, other: &str) -> bool {
        self.name() == other
    }
}

impl PartialEq<&str> for Code {
    fn eq(&self, other: &&str) -> bool {
        self.name() == *other
    }
}

/// Adds rows to the table, each as a constant of [`Code`], and a list of them.
///
/// A row is `CONSTANT = "name", severity[, judged]: "title", "explanation";`, where `judged` is a variant of [`Judged`].
macro_rules! codes {
    (
        $(#[$doc:meta])* $visible:vis const $list:ident;
        $($code:ident = $name:literal, $severity:ident $(, $judged:ident)?: $title:literal, $explanation:literal;)*
    ) => {
        impl crate::diagnostics::Code {
            $(
                #[doc = $title]
                pub(crate) const $code: crate::diagnostics::Code =
                    crate::diagnostics::Code::new(&crate::diagnostics::Row {
                        name: $name,
                        severity: crate::diagnostics::Severity::$severity,
                        judged: crate::diagnostics::codes!(@judged $($judged)?),
                        title: $title,
                        explanation: $explanation,
                    });
            )*
        }

        $(#[$doc])*
        $visible const $list: &[crate::diagnostics::Code] = &[$(crate::diagnostics::Code::$code),*];
    };
    (@judged) => { crate::diagnostics::Judged::No };
    (@judged $judged:ident) => { crate::diagnostics::Judged::$judged };
}
pub(crate) use codes;

codes! {
    /// The problems that no feature owns.
    pub(crate) const GENERAL;

    // The text of a document, and its structure.
    DOCUMENT_SYNTAX = "document-syntax", Error:
        "The document is not valid TOML or JSON",
        "A topology is a TOML document, or a JSON one if its name ends in `.json`. The line and column are where the parser gave up; the mistake is there or shortly before, such as a bracket or quote that is never closed. Nothing else is reported until the text can be parsed. TOML is described at <https://toml.io>.";
    UNKNOWN_KEY = "unknown-key", Error:
        "A table has a key that topologies do not have",
        "Every key of a document must be known, so that a misspelt one is never ignored in silence. The hint names the closest known key, or all keys of the table. All of them are listed with their meaning in `docs/topology.md`.";
    MISSING_KEY = "missing-key", Error:
        "A table lacks a key that it must have",
        "Some keys have no default: every topology has a `name`, every tier a `name` and an `access`. Add the key to the table. `docs/topology.md` marks the required keys of each table.";
    WRONG_TYPE = "wrong-type", Error:
        "A value has a type that its key does not take",
        "A number was written as a string, one value where a list belongs, or a value where a table belongs. The message says which values the key takes. Write the value as `docs/topology.md` shows it: numbers without quotes, lists in brackets.";
    UNKNOWN_VALUE = "unknown-value", Error:
        "A key has a value that is not among those it takes",
        "Keys such as `access`, `nat`, and `protocol` take one of a few words. The hint names the closest one, or all of them. Words are written in lower case, with hyphens.";

    // The network as a whole.
    INVALID_NAME = "invalid-name", Error, ByItself:
        "A name has characters or a length that names cannot have",
        "Names of networks, tiers, ranges, route tables, and flow logs become names of resources in AWS and identifiers in Terraform. A name has lower-case letters, digits, and single hyphens, begins with a letter, does not end with a hyphen, and has a bounded length that the hint gives. Choose a name of that form.";
    RESERVED_NAME = "reserved-name", Error, ByItself:
        "A name already means something else",
        "`internet` and the names of gateway endpoints are ends of flows, `vpc` is the base range among a module's outputs, and AWS refuses security groups or subnet groups that are named `default` or begin with `sg-`. A tier, range, or network of such a name would be ambiguous, or would fail when it is applied. Choose another name.";
    NO_BASE = "no-base", Error:
        "The network has no base range",
        "Every VPC has one IPv4 range from the start, and all blocks of tiers are counted from it. Declare `base`, a /16 to a /28 of private space such as 10.0.0.0/16. Callers of the module can still choose another base of the same length.";
    NO_ZONES = "no-zones", Error:
        "The network has no zones",
        "Subnets lie in availability zones, so a network without zones has no subnets. Declare the letters of its zones, such as `zones = [\"a\", \"b\", \"c\"]`. The caller of the module maps letters to availability zones.";
    INVALID_ZONE = "invalid-zone", Error, ByItself:
        "A zone is not one letter from a to z",
        "Zones are named by one lower-case letter, not by the name or id of an availability zone, so that a module works in every region. The caller of the module maps each letter to a zone. Write `a` in place of `us-east-1a`.";
    UNUSUAL_ZONE = "unusual-zone", Warning, ByItself:
        "A zone letter is one that no region has",
        "The region with the most availability zones, us-east-1, names them a to f: <https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-availability-zones.html>. By default a letter stands for the zone of the region that ends in it, so the module could not be applied until its caller maps the letter to another zone. Take a letter from a to f. Letters of tiers in Local Zones, which the caller always maps, may be any.";
    DUPLICATE_ZONE = "duplicate-zone", Error, ByItself:
        "A zone letter is named twice in one list",
        "Each letter stands for one availability zone and has one slot in the block of each tier, so naming it twice adds nothing and usually hides a missing zone. Name each letter once.";
    NO_TIERS = "no-tiers", Error:
        "The network has no tiers",
        "A tier is a group of subnets, one in each zone. A network without tiers would be an empty VPC, in which nothing can be placed. Declare at least one.";
    DNS_HOSTNAMES_WITHOUT_SUPPORT = "dns-hostnames-without-support", Error, ByItself:
        "DNS hostnames are on while DNS support is off",
        "AWS gives hosts DNS hostnames only in a VPC whose DNS support is on, and refuses the other combination. Turn `dns.support` on, or `dns.hostnames` off.";
    INVALID_TERRAFORM_VERSION = "invalid-terraform-version", Error, ByItself:
        "The Terraform version is not a major and a minor number",
        "`terraform` names the oldest Terraform that the module must work with. Patch releases do not change the language, so the version is written as two numbers, such as 1.5.";
    TERRAFORM_TOO_OLD = "terraform-too-old", Error:
        "The module needs a newer Terraform than the topology asks for",
        "Some features of the Terraform language came later than the version in `terraform`, and this module uses them. The hint lists each such feature, with the version that has it and the part of the module that uses it. Ask for the newer version, or leave out the parts of the topology that need it.";
    RETIRED_NAME = "retired-name", Error:
        "A tier has a name that is retired",
        "`retired` lists names that no tier may have before the next major version, so that an output never changes its meaning for callers in between. Choose another name, or release a new major version and drop the name from `retired`.";

    // Ranges.
    INVALID_RANGE = "invalid-range", Error, ByItself:
        "A range is not an IPv4 range in canonical form",
        "A range is the first address and a prefix length, such as 10.0.0.0/16, without address bits behind the prefix. AWS would silently change 10.0.1.0/16 to 10.0.0.0/16, and Terraform would then report a difference for ever. Write the range as the message gives it.";
    RANGE_SIZE = "range-size", Error, ByItself:
        "A range of the VPC is larger or smaller than AWS takes",
        "AWS takes ranges from a /16 to a /28: <https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html>. If a /16 is too small, add secondary ranges.";
    RANGE_NOT_PRIVATE = "range-not-private", Error:
        "A range of the VPC is outside private space",
        "A VPC with public addresses hides those addresses of the internet from its hosts, and AWS restricts which ones it takes. Take a range in one of the private spaces that the message lists, such as 10.0.0.0/8, 172.16.0.0/12, or 192.168.0.0/16, or in the shared space 100.64.0.0/10.";
    RANGE_OVERLAP = "range-overlap", Error:
        "Two ranges of the VPC share addresses",
        "Every address of a VPC belongs to one of its ranges, and AWS refuses a range that overlaps another. Take ranges that share no address.";
    RANGE_ASSOCIATION = "range-association", Error:
        "AWS does not take both ranges in one VPC",
        "AWS restricts which ranges can be added to a VPC that has another, by the private space of each: <https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html#add-cidr-block-restrictions>. The message names the rule. Take a range of the same space or of 100.64.0.0/10; where the order alone is wrong, the hint says which one to declare first.";
    DUPLICATE_RANGE = "duplicate-range", Error, ByItself:
        "Two ranges of the VPC have the same name",
        "Tiers name the range that they take addresses from, and the ledger records blocks under that name. Give each secondary range a name of its own; the base range is `base`.";
    DOCKER_RANGE = "docker-range", Warning, ByItself:
        "A range overlaps the bridge network of Docker",
        "Docker gives its bridge 172.17.0.0/16 by default. A host with such a bridge sends packets for these addresses to its own containers, and cannot reach the part of the VPC that has them. Take another range, or configure the bridge on every host.";
    KEEP_CLEAR_OVERLAP = "keep-clear-overlap", Error:
        "A range of the VPC overlaps one that it must keep clear of",
        "`keep_clear` lists ranges elsewhere that this network will be connected to. Two networks that share addresses cannot be routed to each other. Move the range, or make it smaller.";
    TOO_MANY_RANGES = "too-many-ranges", Error:
        "The VPC has more ranges than AWS can allow",
        "AWS allows 5 ranges in a VPC by default and raises that to 50 on request: <https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html>. Take fewer and larger ranges.";

    // Tiers: names.
    DUPLICATE_TIER = "duplicate-tier", Error, ByItself:
        "Two tiers have the same name",
        "Resources, outputs, flows, and the ledger name a tier by its name, so each needs one of its own. A tier over several zones is declared once: it has a subnet in every zone.";
    RENAMED_TWICE = "renamed-twice", Error, ByItself:
        "An earlier name of a tier is claimed twice",
        "`renamed_from` moves the subnets of the earlier name to the tier, and they can move to one tier only. Name each earlier name once, at the tier that takes over the subnets.";
    RENAMED_FROM_DECLARED = "renamed-from-declared", Error:
        "A tier is renamed from a name that another tier has",
        "`renamed_from` says that the subnets of the earlier name now belong to this tier. While a tier of that name is declared, the subnets belong to it. Drop the rename, or the other tier.";
    RENAME_OF_TWO = "rename-of-two", Error:
        "The ledger has blocks under both names of a renamed tier",
        "A rename moves the recorded block of the earlier name to the new one, but the new name has a recorded block already, perhaps of a tier that was removed. Choose a name that the ledger does not have, or reclaim the block of the new name in a release before the rename.";

    // Tiers: zones, sites, route tables.
    TIER_WITHOUT_ZONES = "tier-without-zones", Error:
        "A tier has an empty list of zones",
        "`zones` of a tier limits it to some zones of the network; an empty list would leave it without any subnet. Name one zone or more, or leave the key out for every zone.";
    TIER_UNKNOWN_ZONE = "tier-unknown-zone", Error:
        "A tier names a zone that the network does not have",
        "A tier can have subnets only in zones of the network. Name one of those, or add the letter to the network's `zones`.";
    PUBLIC_IPS_OF_A_CLOSED_TIER = "public-ips-of-a-closed-tier", Error:
        "A tier that is not public gives its instances public addresses",
        "`public_ips` makes AWS give a public address to each instance that starts in the tier. Private and isolated tiers have no route to the internet gateway, so the address would cost money and lead nowhere. Drop the key, or make the tier public.";
    SITE_ZONES = "site-zones", Error:
        "A tier at a site has zones that the site cannot have",
        "An Outpost belongs to one availability zone, so its tier names that one alone. A Local Zone is a zone of its own, so its letter belongs to tiers in Local Zones only, and the tier names its zones: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSubnet.html>. Change the `zones` of the tiers that the message names.";
    ROUTE_TABLE_ACCESS = "route-table-access", Error:
        "Tiers of different access share a route table",
        "The access of a tier is the default route of its table: to the internet gateway, to NAT gateways, or none. Tiers with one table have one default route, so all of them need the same access. Give one of the tiers a table of another name; `public`, `private`, and `isolated` are the tables of their own access.";
    ROUTE_TABLE_PER_ZONE = "route-table-per-zone", Error:
        "A route table cannot be both one for all zones and one for each",
        "Tiers that share a route table share its shape, and a table has one default route, so that it cannot lead to NAT gateways in several zones. Write the same `per_zone` at all tiers of the table, give a tier a table of its own, or choose `nat = \"single\"`.";

    // Tiers: sizes.
    TIER_SIZE_MISSING = "tier-size-missing", Error, ByItself:
        "A tier has no size",
        "The compiler places a block for each tier and must know how large its subnets are. Give the tier a `prefix_length`, a `need` from which the length is computed, or explicit `ranges`.";
    TIER_SIZE_CONFLICT = "tier-size-conflict", Error, ByItself:
        "A tier has explicit ranges and another size",
        "Explicit `ranges` fix the size and place of every subnet, so a `prefix_length` or a `need` beside them could only contradict them. Keep one of them.";
    TIER_PREFIX_LENGTH = "tier-prefix-length", Error, ByItself:
        "A subnet is larger or smaller than AWS takes",
        "AWS takes subnets from a /16 to a /28: <https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html>. Take a prefix length from 16 to 28.";
    INVALID_NEED = "invalid-need", Error, ByItself:
        "The need of a tier says too little or contradicts itself",
        "A `need` is the number of nodes, instances, load balancers, and endpoints at the peak, from which the size of subnets is computed. Pods take addresses from the interfaces of their nodes, so a need with pods says how many interfaces a node has and how many addresses each of them holds. The message says which part is missing; `docs/topology.md` explains each key.";
    NEED_EXCEEDS_SIZE = "need-exceeds-size", Error:
        "The need of a tier does not fit its prefix length",
        "The tier declares both a need and a prefix length, and a subnet of that length has too few addresses. The need counts the share of a zone after another zone is lost, room for an upgrade of nodes, and the 5 addresses that AWS keeps in each subnet; load balancers take subnets of a /27 or larger. Take the prefix length of the hint, or leave it out.";
    NEED_TOO_LARGE = "need-too-large", Error:
        "The need of a tier fits no subnet",
        "The largest subnet of AWS is a /16 with 65536 addresses, and the need comes to more in each zone. Spread the need over several tiers, or let pods have a tier of their own.";
    INVALID_GENERATION = "invalid-generation", Error, ByItself:
        "A generation is 0",
        "`generation` counts the blocks that a tier has had, beginning with 1. Raising it gives the tier new subnets in a new block. Leave it out for the first.";
    UNKNOWN_RANGE = "unknown-range", Error, ByNames:
        "A tier takes its addresses from a range that is not declared",
        "`range` names the base range or one of the secondary ranges of the network. The hint names the closest one. Declare the range, or correct its name.";
    PINNED_UNKNOWN_ZONE = "pinned-unknown-zone", Error:
        "An explicit range is for a zone that the tier does not have",
        "Explicit `ranges` map each zone letter of the tier to the range of its subnet. Drop the range, or declare the zone.";
    PINNED_MISSING_ZONE = "pinned-missing-zone", Error:
        "A zone of the tier has no explicit range",
        "With explicit `ranges`, the compiler places no subnet of the tier by itself, so every zone needs a range. Add one for the zone that the message names.";
    PINNED_OUTSIDE = "pinned-outside", Error:
        "An explicit range is outside the range that the tier takes addresses from",
        "A subnet is a part of a range of its VPC. Take a part of the range in the message, or name another one with `range`.";
    PINNED_OVERLAP = "pinned-overlap", Error:
        "Two explicit ranges share addresses",
        "AWS refuses subnets that overlap. Take ranges that share no address.";
    PINNED_TAKEN = "pinned-taken", Error:
        "An explicit range overlaps a block that the ledger keeps",
        "The ledger keeps the block of every tier that was compiled, that of a removed tier until it is reclaimed, since its subnets may still stand. Take another range, or reclaim the block if its tier is gone.";

    // Flows.
    FLOW_END_MISSING = "flow-end-missing", Error:
        "A flow has an end without a name",
        "A flow leads from one end to another, and each is a tier, `internet`, or a gateway endpoint. Name both.";
    UNKNOWN_PEER = "unknown-peer", Error, ByNames:
        "A flow names an end that is not declared",
        "The ends of a flow are tiers of the network, `internet`, and gateway endpoints. The hint names the closest one. Declare the tier, or correct the name.";
    DUPLICATE_FLOW = "duplicate-flow", Error:
        "A flow permits a port that an earlier flow permits",
        "Two flows with the same ends and protocol share a port. The rules for it would be the same, and dropping one of the flows would not close the port. Declare each permission once.";
    FLOW_FROM_ENDPOINT = "flow-from-endpoint", Error:
        "A flow begins at a gateway endpoint",
        "A gateway endpoint is a route to a service of AWS, which answers requests and opens no connections. Swap the ends of the flow.";
    FLOW_WITHOUT_TIER = "flow-without-tier", Error:
        "Neither end of a flow is a tier",
        "Rules belong to the subnets of tiers, so a flow that touches none of them would permit nothing. Name a tier at one end.";
    FLOW_FROM_INTERNET = "flow-from-internet", Error:
        "A flow leads from the internet to a tier that is not public",
        "Only public tiers have a route to the internet gateway, so packets of the internet never arrive in a private or isolated one. Let the flow end at a public tier, such as one with load balancers, and declare another flow from there.";
    FLOW_ISOLATED = "flow-isolated", Error:
        "A flow leads from an isolated tier to the internet",
        "An isolated tier has no default route. Make the tier private, or reach services of AWS through a gateway endpoint.";
    FLOW_WITHOUT_EGRESS = "flow-without-egress", Error:
        "A flow leads from a private tier to the internet, but the network has no NAT gateway",
        "A private tier reaches the internet through NAT gateways only, and this topology declares none. Choose an egress with NAT gateways, or drop the flow.";
    CLIENT_ADDRESSES = "client-addresses", Error:
        "A flow passes on addresses of clients where no load balancer can",
        "`client_addresses` admits packets with the addresses of internet clients to the targets of a load balancer that keeps them. That is possible for tcp and udp, from a public tier that a flow from `internet` reaches, to a tier that is not public. Drop the key, or let the flow begin at the tier of the load balancers.";
    PORTS_WITHOUT_PROTOCOL = "ports-without-protocol", Error, ByItself:
        "A flow names ports for a protocol that has none",
        "Only tcp and udp have ports. Drop the ports, or choose one of these protocols.";
    INVALID_PORT = "invalid-port", Error, ByItself:
        "A port is not a number from 0 to 65535, or a range of them",
        "Ports are whole numbers from 0 to 65535, and ranges are written as \"30000-32767\" with the lower port first. Names of services, such as https, are not known.";
    DUPLICATE_PORT = "duplicate-port", Error, ByItself:
        "A flow names a port twice",
        "A port stands twice in the list, or lies in a range of the same list, which is often a mistyped number. Name each port once.";

    // References and tags.
    UNKNOWN_TIER = "unknown-tier", Error, ByNames:
        "A part of the topology names a tier that is not declared",
        "Features such as EKS, subnet groups, and egress name the tiers that they use. The hint names the closest tier. Declare the tier, or correct the name.";
    INVALID_TAG = "invalid-tag", Error, ByItself:
        "A tag has a key or a value that AWS does not take",
        "Keys have up to 128 characters and values up to 256, of letters, digits, spaces, and _ . : / = + - @; keys that begin with `aws:` belong to AWS: <https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html>. Change the key or the value that the message names.";
    RESERVED_TAG = "reserved-tag", Error, ByItself:
        "A tag is one that the module or a controller in a cluster owns",
        "The module sets `Name`, and controllers of EKS find subnets by tags of their own. A declared tag of such a key would overwrite the former, or lead controllers to the wrong subnets. Leave the tag to the module.";
    TOO_MANY_TAGS = "too-many-tags", Error, ByItself:
        "Resources would have more tags than AWS allows",
        "AWS allows 50 tags on a resource: <https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html>. A subnet has the tags of its network and of its tier, and those that the module sets, one for each cluster among them. Declare at most as many as the hint says.";

    // Quotas.
    QUOTA_SUBNETS = "quota-subnets", Warning:
        "The network has more subnets than AWS allows by default",
        "AWS allows 200 subnets in a VPC unless the quota L-407747CB is raised: <https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html>. Have it raised before the module is applied, or declare fewer tiers or zones.";
    QUOTA_NETWORK_ACLS = "quota-network-acls", Warning:
        "The network has more network ACLs than AWS allows by default",
        "The module has one network ACL for each tier, and AWS allows 200 in a VPC unless the quota is raised: <https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html>. Have it raised before the module is applied, or declare fewer tiers.";
    QUOTA_RANGES = "quota-ranges", Warning:
        "The network has more ranges than AWS allows by default",
        "AWS allows 5 ranges in a VPC unless the quota L-83CA0A9D is raised, to 50 at most: <https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html>. Have it raised before the module is applied, or take fewer and larger ranges.";
    QUOTA_SECURITY_GROUP_RULES = "quota-security-group-rules", Warning:
        "A security group may have more rules than AWS allows by default",
        "AWS allows 60 rules in each direction of a security group unless the quota is raised: <https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html>. Each range of ports of each flow counts as one. Merge neighbouring ports into ranges, or have the quota raised before the module is applied.";
    QUOTA_NETWORK_INTERFACES = "quota-network-interfaces", Warning:
        "The needs of tiers come to more network interfaces than AWS allows by default",
        "AWS allows 5000 network interfaces in a region unless the quota L-DF5E4CA3 is raised: <https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html>. The number counts every instance, load balancer, endpoint, and interface of a node that tiers declare, in all zones. Have the quota raised before the nodes start.";
    QUOTA_ADDRESS_USAGE = "quota-address-usage", Warning:
        "The needs of tiers come to more network address usage than AWS allows by default",
        "AWS counts units of address usage in each VPC and allows 64000 unless that is raised, to 256000 at most: <https://docs.aws.amazon.com/vpc/latest/userguide/network-address-usage.html>. Let pods have addresses by prefix, which counts sixteen as one, or split the network.";
    ADDRESS_USAGE = "address-usage", Error:
        "The needs of tiers come to more network address usage than AWS can allow",
        "AWS raises the limit of network address usage in a VPC to 256000 units and no further: <https://docs.aws.amazon.com/vpc/latest/userguide/network-address-usage.html>. Let pods have addresses by prefix, which counts sixteen as one, or split the network.";

    // Allocation.
    RANGE_FULL = "range-full", Error:
        "A range has no free block for a tier",
        "The block of a tier is one aligned part of its range, with a slot for each zone and spare ones; the ledger keeps all other blocks where they are. The message compares the size of the block with what is free in all and in one piece. Take a longer prefix length for the tier, a larger or secondary range, or reclaim blocks of removed tiers.";
    ZONE_WITHOUT_SLOT = "zone-without-slot", Error:
        "A new zone has no slot in the blocks of tiers",
        "When a network is first compiled, every block gets a fixed number of slots, at least one of them spare, and each slot belongs to a zone letter; blocks cannot get more slots without moving subnets. Name the new zone by a letter with a spare slot, since letters map to any availability zone. Where none is left, declare a second network.";
    TIER_HEADROOM = "tier-headroom", Warning:
        "A tier keeps larger subnets than it needs",
        "The need of the tier shrank, or its subnets were larger from the start. A subnet cannot shrink in AWS, so the recorded block stays, with more free addresses than are needed. Nothing has to be done.";
    TIER_OUTGROWN = "tier-outgrown", Error:
        "The need of a tier has outgrown its recorded block",
        "The subnets of the tier stand in the block that the ledger records, and a subnet cannot grow in AWS. Declare the need as it was, or raise `generation`, which gives the tier new subnets in a new block.";
    TIER_RESIZED = "tier-resized", Error:
        "The size or place of a tier differs from its recorded block",
        "The ledger records where the subnets of the tier stand, and AWS neither resizes nor moves a subnet. Declare the tier as it was, or raise `generation`, which gives it new subnets in a new block.";
    RECLAIM_TOO_EARLY = "reclaim-too-early", Error:
        "A block is reclaimed in the edit that removes its subnets",
        "Subnets of a tier that is removed, or has another generation, stand until the edit is applied, and they keep their network ACL as long as the ledger reserves the block. Reclaiming it at once would take the ACL away first, which leaves the subnets in the default one, and could give their addresses to others. Remove the tier, compile, and apply; reclaim the block in a later edit.";
    NOTHING_TO_RECLAIM = "nothing-to-reclaim", Error:
        "A tier to reclaim has no reserved block",
        "`reclaim` frees the blocks of removed tiers, and of earlier generations of declared ones, so that others can take their addresses. The ledger reserves none under this name. Correct the name, or drop it from `reclaim`.";

    // The ledger.
    LEDGER_SYNTAX = "ledger-syntax", Error:
        "The ledger cannot be read",
        "`ledger.toml` records which block belongs to which tier, and is written by the compiler. It is not valid TOML, or lacks a part: an edit or an unfinished merge is the usual reason. Restore it from version control, or compile with `--recover-ledger`, which rebuilds it from the module's contract.";
    LEDGER_VERSION = "ledger-version", Error:
        "The ledger was written by another release of Terrane",
        "The format of the ledger has a version, and this compiler reads one of them. Compile with the release that wrote the ledger, or a later one.";
    LEDGER_INCOMPLETE = "ledger-incomplete", Error:
        "The ledger is not as it was written",
        "The ledger begins with the number of its entries and a digest of them, and they do not match the rest: lines were lost or changed. Compiling with it could move standing subnets. Restore the file from version control, or compile with `--recover-ledger`; after a merge, take the ledger of the branch that was applied.";
    LEDGER_MOVED = "ledger-moved", Error:
        "The ledger and the contract of the module disagree",
        "One compilation writes both files, so a live block or slot that lies elsewhere in one of them means that it was changed since. Restore `ledger.toml` and `contract.json` from the same commit, or compile with `--recover-ledger`, which trusts the contract.";
    LEDGER_OF_ANOTHER_BASE = "ledger-of-another-base", Error:
        "A range has another prefix length than the ledger records",
        "Blocks are recorded as parts of a range of one prefix length, and would be other addresses in a range of another length. Declare the recorded length, and give other ranges of that length to the module's variable. For a new network, start without a ledger.";
    LEDGER_NAME = "ledger-name", Error:
        "The ledger has a name that no range or tier can have",
        "The compiler writes valid names only, so the ledger was edited. Undo the edit.";
    LEDGER_RANGE = "ledger-range", Error:
        "The ledger has a range that cannot be, or lacks one",
        "A range of a VPC is a /16 to a /28, and every block lies in a range that the ledger lists. The compiler writes nothing else, so the ledger was edited. Undo the edit.";
    LEDGER_SLOT = "ledger-slot", Error:
        "The ledger has a zone letter or slot that cannot be",
        "Every zone letter has a slot of its own, numbered from 0. Two letters with one slot come from a merge of branches that each added a zone: take the ledger of the branch that was applied, and compile again. Otherwise undo the edit.";
    LEDGER_BLOCK = "ledger-block", Error:
        "The ledger has a block that cannot be",
        "A block is the part `netnum` of 2^`newbits` equal parts of its range, or one such part for each zone, and its subnets are a /16 to a /28. Undo edits of the ledger, or compile with `--recover-ledger`.";
    LEDGER_DUPLICATE = "ledger-duplicate", Error:
        "The ledger has two blocks for one tier",
        "A generation of a tier has one block in its range. Two usually come from a merge of branches that both added the tier: take the ledger of the branch that was applied, and compile again.";
    LEDGER_OVERLAP = "ledger-overlap", Error:
        "Two blocks of the ledger share addresses",
        "Branches that each add a tier may take the same free block, and the merged ledger then has it twice. Take the ledger of the branch that was applied, and compile again: the other tier gets a new block.";
    LEDGER_RULE_NUMBER = "ledger-rule-number", Error:
        "The ledger has a rule number that cannot be, or has one twice",
        "The ledger numbers the rules of network ACLs in each direction, from 100 to 999, each number once; a direction is `ingress` or `egress`. Numbers that two rules share usually come from a merge: take the ledger of the branch that was applied, and compile again. Otherwise undo the edit.";
    CONTRACT_WITHOUT_ADDRESSES = "contract-without-addresses", Error:
        "The contract records no addresses from which a ledger could be rebuilt",
        "`--recover-ledger` rebuilds the ledger from the addresses in the `contract.json` of a compiled module. This contract has none, as those of modules that were written by hand. Recover from the contract of a module that Terrane compiled.";

    // The proof.
    PROOF_REFUTED = "proof-refuted", Error:
        "A claim about the network does not hold",
        "The compiler proves claims of each network before it writes a module, and found a counterexample for this one. The message names the claim, and the hint a packet that shows it. `terrane explain` with the code of the claim, such as P1, says more.";
    PROOF_UNKNOWN = "proof-unknown", Warning:
        "A claim about the network could not be decided",
        "The compiler proves claims of each network for every base range that the module admits, and could neither prove nor refute this one. The message names the claim and the reason. `terrane explain` with the code of the claim, such as P1, says more.";
}
