//! The diagnostics of egress and NAT gateways.

use crate::diagnostics::codes;

codes! {
    /// The problems that this feature reports.
    pub(super) const CODES;

    EGRESS_WITHOUT_NAT = "egress-without-nat", Error:
        "Egress has settings of NAT gateways but no NAT gateway",
        "`home`, `zones`, `fallback`, `tier`, and `bring_elastic_ips` describe NAT gateways, and `nat` is \"none\", so they would have no effect. Choose another `nat`, or drop the setting.";
    NAT_UNUSED = "nat-unused", Warning:
        "The network pays for NAT gateways that no tier uses",
        "Only private tiers reach the internet through NAT gateways, and this network has none. A NAT gateway costs money for every hour that it stands. Choose egress none, or make a tier private.";
    NAT_HOME_MISSING = "nat-home-missing", Error:
        "A single NAT gateway has no home zone",
        "With `nat = \"single\"` one NAT gateway serves every zone, and it stands in a subnet of one of them. Name that zone as `home`.";
    NAT_HOME_UNKNOWN = "nat-home-unknown", Error:
        "The home zone of the NAT gateway is not a zone of the network",
        "The NAT gateway stands in a subnet, and subnets lie in zones of the network only. Name one of the zones in the hint.";
    NAT_HOME_UNUSED = "nat-home-unused", Error:
        "A home zone is named although NAT gateways are in several zones",
        "`home` is the zone of a single NAT gateway. With \"per-zone\" and \"zones\" it would have no effect. Drop it, or choose `nat = \"single\"`.";
    NAT_TIER_NOT_PUBLIC = "nat-tier-not-public", Error:
        "NAT gateways are in a tier that is not public",
        "A NAT gateway reaches the internet through the internet gateway, to which only the route tables of public tiers lead. Name one of the public tiers in the hint.";
    NAT_TIER_AMBIGUOUS = "nat-tier-ambiguous", Error:
        "Several public tiers could hold the NAT gateways",
        "The compiler does not choose among public tiers, since a NAT gateway that moves to another subnet is replaced, with its address unless that is kept apart. Name the tier as `tier` of egress.";
    NAT_WITHOUT_PUBLIC_TIER = "nat-without-public-tier", Error:
        "NAT gateways have no public tier to stand in",
        "A NAT gateway stands in a public subnet, and this network has none. Declare a public tier, which may be as small as a /28, or choose egress none.";
    NAT_ZONES_MISSING = "nat-zones-missing", Error:
        "NAT gateways are in some zones, but none is named",
        "With `nat = \"zones\"` the list `zones` of egress says where NAT gateways stand. Name at least one zone, or choose \"per-zone\" for all of them.";
    NAT_ZONES_UNUSED = "nat-zones-unused", Error:
        "Egress names zones that its mode does not use",
        "`zones` of egress is for `nat = \"zones\"` alone; with another mode it would have no effect. Choose that mode, or drop the list.";
    NAT_ZONE_UNKNOWN = "nat-zone-unknown", Error:
        "Egress names a zone that the network does not have",
        "NAT gateways, and the zones that fall back to them, are in zones of the network. Name one of the letters in the hint, or declare the zone.";
    NAT_ZONE_WITHOUT_TIER = "nat-zone-without-tier", Error:
        "A NAT gateway is in a zone where its tier has no subnet",
        "The public tier that holds the NAT gateways is limited to some zones, and a gateway needs a subnet of it. Put the gateways in zones of that tier, or add the zone to the tier.";
    NAT_ZONE_WITHOUT_FALLBACK = "nat-zone-without-fallback", Error:
        "A zone with private subnets has neither a NAT gateway nor a fallback",
        "Private subnets of a zone without a NAT gateway leave through that of another zone, which costs traffic between zones and makes one depend on the other. The topology says which one: add the zone to `fallback`, or give it a gateway.";
    NAT_FALLBACK_UNUSED = "nat-fallback-unused", Error:
        "A fallback is declared for a zone that does not need one",
        "A zone that has a NAT gateway, or no private subnets, never falls back to another zone. Drop the fallback.";
    NAT_FALLBACK_WITHOUT_GATEWAY = "nat-fallback-without-gateway", Error:
        "A zone falls back to one without a NAT gateway",
        "The fallback of a zone is the zone whose NAT gateway its private subnets use. Name a zone that has one.";
    SITE_NAT = "site-nat", Error:
        "NAT gateways are in a Local Zone or on an Outpost",
        "A NAT gateway at a site needs an elastic IP of the site, which the module cannot make: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNatGateway.html>. Put the gateways in a public tier of the region; private subnets of the site use those through a fallback.";
    QUOTA_ELASTIC_IPS = "quota-elastic-ips", Warning:
        "The network has more elastic IPs than AWS allows by default",
        "Each NAT gateway has an elastic IP, and AWS allows 5 in a region unless the quota L-0263D0A3 is raised: <https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html>. Have it raised before the module is applied, or use fewer gateways.";
}
