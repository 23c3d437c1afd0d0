//! Everything that an emulator says exists, at one moment.

use crate::{
    aws::{
        Address, Aws, FlowLog, InternetGateway, NatGateway, NetworkAcl, RouteTable, SecurityGroup,
        SecurityGroupRule, Subnet, SubnetGroup, Tags, Vpc, VpcEndpoint,
    },
    error::Result,
};

/// Everything that an emulator says exists.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields are lists of what their names say")]
pub struct Observed {
    pub vpcs: Vec<Vpc>,
    pub dns: Vec<(String, bool, bool)>,
    pub subnets: Vec<Subnet>,
    pub route_tables: Vec<RouteTable>,
    pub nat_gateways: Vec<NatGateway>,
    pub addresses: Vec<Address>,
    pub internet_gateways: Vec<InternetGateway>,
    pub network_acls: Vec<NetworkAcl>,
    pub security_groups: Vec<SecurityGroup>,
    pub security_group_rules: Vec<SecurityGroupRule>,
    pub endpoints: Vec<VpcEndpoint>,
    pub subnet_groups: Vec<SubnetGroup>,
    pub flow_logs: Vec<FlowLog>,
}

/// Where a subnet's packets to the internet go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum WayOut<'a> {
    /// To an internet gateway that is attached to the subnet's VPC.
    InternetGateway,
    /// To this NAT gateway.
    Nat(&'a NatGateway),
    /// Nowhere.
    None,
    /// To something that does not exist, or not there.
    Broken(String),
}

impl Observed {
    pub(crate) fn of(aws: &Aws) -> Result<Self> {
        let vpcs = aws.vpcs()?;
        let mut dns = Vec::new();
        for vpc in &vpcs {
            dns.push((
                vpc.id.clone(),
                aws.vpc_attribute(&vpc.id, "enableDnsSupport")?,
                aws.vpc_attribute(&vpc.id, "enableDnsHostnames")?,
            ));
        }
        let mut nat_gateways = aws.nat_gateways()?;
        nat_gateways.retain(|nat| nat.state == "available");
        Ok(Self {
            vpcs,
            dns,
            subnets: aws.subnets()?,
            route_tables: aws.route_tables()?,
            nat_gateways,
            addresses: aws.addresses()?,
            internet_gateways: aws.internet_gateways()?,
            network_acls: aws.network_acls()?,
            security_groups: aws.security_groups()?,
            security_group_rules: aws.security_group_rules()?,
            endpoints: aws.vpc_endpoints()?,
            subnet_groups: aws.subnet_groups()?,
            flow_logs: aws.flow_logs()?,
        })
    }

    /// Returns the VPC with this name.
    pub(crate) fn vpc(&self, name: &str) -> Option<&Vpc> {
        self.vpcs.iter().find(|vpc| named(&vpc.tags, name))
    }

    /// Returns the subnet with this name in a VPC.
    pub fn subnet(&self, vpc: &str, name: &str) -> Option<&Subnet> {
        self.subnets.iter().find(|subnet| subnet.vpc == vpc && named(&subnet.tags, name))
    }

    /// Returns the route table that a subnet is associated with.
    pub fn route_table(&self, subnet: &Subnet) -> Option<&RouteTable> {
        self.route_tables.iter().find(|table| table.subnets.contains(&subnet.id))
    }

    /// Returns the network ACL of a subnet.
    pub(crate) fn acl(&self, subnet: &Subnet) -> Option<&NetworkAcl> {
        self.network_acls.iter().find(|acl| acl.subnets.contains(&subnet.id))
    }

    /// Returns the security group with this name in a VPC.
    pub(crate) fn security_group(&self, vpc: &str, name: &str) -> Option<&SecurityGroup> {
        self.security_groups.iter().find(|group| group.vpc == vpc && group.name == name)
    }

    /// Returns where a subnet's packets to the internet go.
    pub(crate) fn way_out(&self, subnet: &Subnet) -> WayOut<'_> {
        let Some(table) = self.route_table(subnet) else {
            return WayOut::Broken("no route table".to_owned());
        };
        let Some(route) = table.routes.iter().find(|route| route.destination == "0.0.0.0/0") else {
            return WayOut::None;
        };
        let attached =
            |gateway: &&InternetGateway| gateway.id == route.target && gateway.vpcs.contains(&subnet.vpc);
        if let Some(nat) =
            self.nat_gateways.iter().find(|nat| nat.id == route.target && nat.vpc == subnet.vpc)
        {
            WayOut::Nat(nat)
        } else if self.internet_gateways.iter().any(|gateway| attached(&gateway)) {
            WayOut::InternetGateway
        } else {
            WayOut::Broken(route.target.clone())
        }
    }
}

/// Returns whether the tag `Name` says so.
pub(crate) fn named(tags: &Tags, name: &str) -> bool {
    tags.get("Name").is_some_and(|found| found == name)
}
