//! What EC2 says of a network.

use std::collections::BTreeSet;

use ipnet::Ipv4Net;
use roxmltree::Node;

use super::{Api, Aws, Tags, flag, items, optional, tags, text, texts};
use crate::error::Result;

const EC2: Api =
    Api { service: "ec2", version: "2016-11-15", page_parameter: "NextToken", page_tag: "nextToken" };

/// A VPC.
#[derive(Clone, Debug)]
pub struct Vpc {
    /// Its id.
    pub id: String,
    /// Its first range.
    pub cidr: String,
    /// Every IPv4 range, the first one included.
    pub cidrs: BTreeSet<String>,
    /// Its tags.
    pub tags: Tags,
}

/// A subnet.
#[derive(Clone, Debug)]
pub struct Subnet {
    /// Its id.
    pub id: String,
    /// The VPC it is in.
    pub vpc: String,
    /// Its range.
    pub cidr: String,
    /// The name of its availability zone.
    pub zone: String,
    /// Whether instances get a public address.
    pub public_addresses: bool,
    /// Its tags.
    pub tags: Tags,
}

/// A route table.
#[derive(Clone, Debug)]
pub struct RouteTable {
    /// Its id.
    pub id: String,
    /// The VPC it is in.
    pub vpc: String,
    /// Whether subnets without a table of their own use it.
    pub main: bool,
    /// The subnets that are associated with it.
    pub subnets: BTreeSet<String>,
    /// Its routes.
    pub routes: Vec<Route>,
    /// Its tags.
    pub tags: Tags,
}

/// A route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The range or prefix list that it is for.
    pub destination: String,
    /// The id of what it leads to: `local`, or a gateway, a NAT gateway, an interface, a peering.
    pub target: String,
    /// Whether its target exists.
    pub active: bool,
}

/// A NAT gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NatGateway {
    /// Its id.
    pub id: String,
    /// The VPC it is in.
    pub vpc: String,
    /// The subnet it is in.
    pub subnet: String,
    /// `available`, `deleted`, and so on.
    pub state: String,
    /// The elastic IPs it uses.
    pub allocations: BTreeSet<String>,
    /// Its tags.
    pub tags: Tags,
}

/// An elastic IP.
#[derive(Clone, Debug)]
pub struct Address {
    /// Its id.
    pub allocation: String,
    /// The address.
    pub public_ip: String,
    /// Whether something uses it.
    pub associated: bool,
    /// Its tags.
    pub tags: Tags,
}

/// An internet gateway.
#[derive(Clone, Debug)]
pub struct InternetGateway {
    /// Its id.
    pub id: String,
    /// The VPCs it is attached to.
    pub vpcs: BTreeSet<String>,
    /// Its tags.
    pub tags: Tags,
}

/// A network ACL.
#[derive(Clone, Debug)]
pub struct NetworkAcl {
    /// Its id.
    pub id: String,
    /// The VPC it is in.
    pub vpc: String,
    /// Whether subnets without an ACL of their own use it.
    pub default: bool,
    /// The subnets that are associated with it.
    pub subnets: BTreeSet<String>,
    /// Its entries, both directions.
    pub entries: Vec<AclEntry>,
    /// Its tags.
    pub tags: Tags,
}

/// An entry of a network ACL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AclEntry {
    /// Its rule number; the lowest that matches decides.
    pub number: u32,
    /// Whether it is for packets that leave the subnet.
    pub egress: bool,
    /// Whether it allows.
    pub allow: bool,
    /// The protocol number, `-1` for all.
    pub protocol: i32,
    /// The peers it is for; IPv4 only.
    pub cidr: Option<Ipv4Net>,
    /// The destination ports it is for; `None` for all.
    pub ports: Option<(u16, u16)>,
}

/// A security group.
#[derive(Clone, Debug)]
pub struct SecurityGroup {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The VPC it is in.
    pub vpc: String,
    /// Its tags.
    pub tags: Tags,
}

/// A rule of a security group.
#[derive(Clone, Debug)]
pub struct SecurityGroupRule {
    /// The security group it belongs to.
    pub group: String,
    /// Whether it is for traffic that leaves.
    pub egress: bool,
    /// `tcp`, `udp`, `icmp`, or `-1` for all.
    pub protocol: String,
    /// The ports it is for, `-1` for all.
    pub ports: (i32, i32),
    /// The peer: a range, a prefix list id, or a security group id.
    pub peer: String,
}

/// A VPC endpoint.
#[derive(Clone, Debug)]
pub struct VpcEndpoint {
    /// Its id.
    pub id: String,
    /// The VPC it is in.
    pub vpc: String,
    /// The service, such as `com.amazonaws.us-west-2.s3`.
    pub service: String,
    /// `Gateway` or `Interface`.
    pub kind: String,
    /// The route tables of a gateway endpoint.
    pub route_tables: BTreeSet<String>,
    /// The subnets of an interface endpoint.
    pub subnets: BTreeSet<String>,
}

/// A flow log.
#[derive(Clone, Debug)]
pub struct FlowLog {
    /// Its id.
    pub id: String,
    /// The VPC or the subnet whose traffic it records.
    pub resource: String,
    /// `ALL`, `ACCEPT`, or `REJECT`.
    pub traffic: String,
    /// `cloud-watch-logs`, `s3`, or `kinesis-data-firehose`.
    pub destination_type: String,
    /// The ARN of its destination.
    pub destination: String,
    /// The role that writes to a log group; empty for other destinations.
    pub role: String,
    /// The seconds that one record may span.
    pub interval: String,
    /// The format of a record.
    pub format: String,
}

impl Aws {
    /// Describes every VPC.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Service`](crate::ErrorKind::Service), as for each call here.
    pub fn vpcs(&self) -> Result<Vec<Vpc>> {
        self.ec2("DescribeVpcs", "vpcSet", |item| Vpc {
            id: text(item, "vpcId"),
            cidr: text(item, "cidrBlock"),
            cidrs: texts(item, "cidrBlockAssociationSet", "cidrBlock").into_iter().collect(),
            tags: tags(item),
        })
    }

    /// Returns an attribute of a VPC, `enableDnsSupport` or `enableDnsHostnames`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Service`](crate::ErrorKind::Service).
    pub fn vpc_attribute(&self, vpc: &str, attribute: &str) -> Result<bool> {
        let values =
            self.query(EC2, "DescribeVpcAttribute", &[("VpcId", vpc), ("Attribute", attribute)], |root| {
                vec![super::child(root, attribute).is_some_and(|node| flag(node, "value"))]
            })?;
        Ok(values == [true])
    }

    /// Describes every subnet.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Service`](crate::ErrorKind::Service).
    pub fn subnets(&self) -> Result<Vec<Subnet>> {
        self.ec2("DescribeSubnets", "subnetSet", |item| Subnet {
            id: text(item, "subnetId"),
            vpc: text(item, "vpcId"),
            cidr: text(item, "cidrBlock"),
            zone: text(item, "availabilityZone"),
            public_addresses: flag(item, "mapPublicIpOnLaunch"),
            tags: tags(item),
        })
    }

    /// Describes every route table.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Service`](crate::ErrorKind::Service).
    pub fn route_tables(&self) -> Result<Vec<RouteTable>> {
        self.ec2("DescribeRouteTables", "routeTableSet", |item| RouteTable {
            id: text(item, "routeTableId"),
            vpc: text(item, "vpcId"),
            main: items(item, "associationSet").into_iter().any(|association| flag(association, "main")),
            subnets: texts(item, "associationSet", "subnetId").into_iter().collect(),
            routes: items(item, "routeSet").into_iter().map(route).collect(),
            tags: tags(item),
        })
    }

    /// Describes every NAT gateway, deleted ones included.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Service`](crate::ErrorKind::Service).
    pub fn nat_gateways(&self) -> Result<Vec<NatGateway>> {
        self.ec2("DescribeNatGateways", "natGatewaySet", |item| NatGateway {
            id: text(item, "natGatewayId"),
            vpc: text(item, "vpcId"),
            subnet: text(item, "subnetId"),
            state: text(item, "state"),
            allocations: texts(item, "natGatewayAddressSet", "allocationId").into_iter().collect(),
            tags: tags(item),
        })
    }

    /// Describes every elastic IP.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Service`](crate::ErrorKind::Service).
    pub fn addresses(&self) -> Result<Vec<Address>> {
        self.ec2("DescribeAddresses", "addressesSet", |item| Address {
            allocation: text(item, "allocationId"),
            public_ip: text(item, "publicIp"),
            associated: optional(item, "associationId").is_some(),
            tags: tags(item),
        })
    }

    /// Describes every internet gateway.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Service`](crate::ErrorKind::Service).
    pub fn internet_gateways(&self) -> Result<Vec<InternetGateway>> {
        self.ec2("DescribeInternetGateways", "internetGatewaySet", |item| InternetGateway {
            id: text(item, "internetGatewayId"),
            vpcs: texts(item, "attachmentSet", "vpcId").into_iter().collect(),
            tags: tags(item),
        })
    }

    /// Describes every network ACL.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Service`](crate::ErrorKind::Service).
    pub fn network_acls(&self) -> Result<Vec<NetworkAcl>> {
        self.ec2("DescribeNetworkAcls", "networkAclSet", |item| NetworkAcl {
            id: text(item, "networkAclId"),
            vpc: text(item, "vpcId"),
            default: flag(item, "default"),
            subnets: texts(item, "associationSet", "subnetId").into_iter().collect(),
            entries: items(item, "entrySet").into_iter().map(acl_entry).collect(),
            tags: tags(item),
        })
    }

    /// Describes every security group.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Service`](crate::ErrorKind::Service).
    pub fn security_groups(&self) -> Result<Vec<SecurityGroup>> {
        self.ec2("DescribeSecurityGroups", "securityGroupInfo", |item| SecurityGroup {
            id: text(item, "groupId"),
            name: text(item, "groupName"),
            vpc: text(item, "vpcId"),
            tags: tags(item),
        })
    }

    /// Describes every rule of every security group.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Service`](crate::ErrorKind::Service).
    pub fn security_group_rules(&self) -> Result<Vec<SecurityGroupRule>> {
        self.ec2("DescribeSecurityGroupRules", "securityGroupRuleSet", |item| SecurityGroupRule {
            group: text(item, "groupId"),
            egress: flag(item, "isEgress"),
            protocol: text(item, "ipProtocol"),
            ports: (number(item, "fromPort").unwrap_or(-1), number(item, "toPort").unwrap_or(-1)),
            peer: ["cidrIpv4", "cidrIpv6", "prefixListId"]
                .into_iter()
                .find_map(|name| optional(item, name))
                .or_else(|| super::child(item, "referencedGroupInfo").map(|group| text(group, "groupId")))
                .unwrap_or_default(),
        })
    }

    /// Describes every VPC endpoint.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Service`](crate::ErrorKind::Service).
    pub fn vpc_endpoints(&self) -> Result<Vec<VpcEndpoint>> {
        self.ec2("DescribeVpcEndpoints", "vpcEndpointSet", |item| VpcEndpoint {
            id: text(item, "vpcEndpointId"),
            vpc: text(item, "vpcId"),
            service: text(item, "serviceName"),
            kind: text(item, "vpcEndpointType"),
            route_tables: plain_texts(item, "routeTableIdSet"),
            subnets: plain_texts(item, "subnetIdSet"),
        })
    }

    /// Describes every flow log.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Service`](crate::ErrorKind::Service).
    pub fn flow_logs(&self) -> Result<Vec<FlowLog>> {
        self.ec2("DescribeFlowLogs", "flowLogSet", |item| FlowLog {
            id: text(item, "flowLogId"),
            resource: text(item, "resourceId"),
            traffic: text(item, "trafficType"),
            destination_type: text(item, "logDestinationType"),
            destination: text(item, "logDestination"),
            role: text(item, "deliverLogsPermissionArn"),
            interval: text(item, "maxAggregationInterval"),
            format: text(item, "logFormat"),
        })
    }

    fn ec2<T>(&self, action: &str, list: &str, read: impl Fn(Node<'_, '_>) -> T) -> Result<Vec<T>> {
        self.query(EC2, action, &[], |root| items(root, list).into_iter().map(&read).collect())
    }
}

impl NetworkAcl {
    /// Returns whether the ACL lets a packet through: the entry with the lowest number that matches decides.
    ///
    /// `protocol` is a protocol number such as 6 for TCP; `peer` is the other end of the packet, seen from the subnet.
    pub fn allows(&self, egress: bool, protocol: i32, peer: std::net::Ipv4Addr, port: u16) -> bool {
        let matching = self.entries.iter().filter(|entry| {
            entry.egress == egress
                && (entry.protocol == -1 || entry.protocol == protocol)
                && entry.cidr.is_some_and(|cidr| cidr.contains(&peer))
                && entry.ports.is_none_or(|(from, to)| (from..=to).contains(&port))
        });
        matching.min_by_key(|entry| entry.number).is_some_and(|entry| entry.allow)
    }
}

fn route(item: Node<'_, '_>) -> Route {
    let first = |names: &[&str]| names.iter().find_map(|name| optional(item, name)).unwrap_or_default();
    Route {
        destination: first(&["destinationCidrBlock", "destinationIpv6CidrBlock", "destinationPrefixListId"]),
        target: first(&[
            "natGatewayId",
            "gatewayId",
            "egressOnlyInternetGatewayId",
            "transitGatewayId",
            "vpcPeeringConnectionId",
            "networkInterfaceId",
        ]),
        active: text(item, "state") == "active",
    }
}

fn acl_entry(item: Node<'_, '_>) -> AclEntry {
    let range = super::child(item, "portRange");
    let port = |name| range.and_then(|range| number(range, name)).and_then(|port| u16::try_from(port).ok());
    let protocol = number(item, "protocol").unwrap_or(-1);
    AclEntry {
        number: number(item, "ruleNumber").and_then(|number| u32::try_from(number).ok()).unwrap_or_default(),
        egress: flag(item, "egress"),
        allow: text(item, "ruleAction") == "allow",
        protocol,
        cidr: text(item, "cidrBlock").parse().ok(),
        // Ports of a rule for every protocol mean nothing, whatever was sent.
        ports: port("from").zip(port("to")).filter(|_| protocol != -1),
    }
}

/// Returns the text of each element of a child list.
fn plain_texts(item: Node<'_, '_>, list: &str) -> BTreeSet<String> {
    items(item, list).into_iter().filter_map(|node| node.text().map(str::to_owned)).collect()
}

fn number(item: Node<'_, '_>, name: &str) -> Option<i32> {
    text(item, name).parse().ok()
}
