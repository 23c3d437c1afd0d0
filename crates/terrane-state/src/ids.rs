//! Identifiers of AWS, each a type of its own, so that a subnet is not taken for a VPC.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, de};

/// A text is not an identifier of the kind that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseIdError {
    kind: &'static str,
    prefix: &'static str,
}

impl fmt::Display for ParseIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.prefix.is_empty() {
            return write!(f, "expected {} (text that is not blank)", self.kind);
        }
        write!(f, "expected {} (`{}` and more letters or digits)", self.kind, self.prefix)
    }
}

impl std::error::Error for ParseIdError {}

fn parse(text: &str, kind: &'static str, prefix: &'static str) -> Result<String, ParseIdError> {
    let rest = text.strip_prefix(prefix).filter(|rest| {
        !rest.trim().is_empty()
            && (prefix.is_empty()
                || rest.chars().all(|char| char.is_ascii_alphanumeric() || "-_.:/*+=@".contains(char)))
    });
    match rest {
        Some(_) => Ok(text.to_owned()),
        None => Err(ParseIdError { kind, prefix }),
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident, $kind:literal, $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Returns the text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<$name, ParseIdError> {
                parse(text, $kind, $prefix).map($name)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.0)
            }
        }
    )*};
}

ids! {
    /// A VPC, such as `vpc-0a1b2c3d`.
    VpcId, "a VPC id", "vpc-";
    /// A subnet, such as `subnet-0a1b2c3d`.
    SubnetId, "a subnet id", "subnet-";
    /// A security group, such as `sg-0a1b2c3d`.
    SecurityGroupId, "a security group id", "sg-";
    /// A route table, such as `rtb-0a1b2c3d`.
    RouteTableId, "a route table id", "rtb-";
    /// A NAT gateway, such as `nat-0a1b2c3d`.
    NatGatewayId, "a NAT gateway id", "nat-";
    /// An internet gateway, such as `igw-0a1b2c3d`.
    InternetGatewayId, "an internet gateway id", "igw-";
    /// An egress-only internet gateway, such as `eigw-0a1b2c3d`.
    EgressOnlyInternetGatewayId, "an egress-only internet gateway id", "eigw-";
    /// The allocation of an elastic IP, such as `eipalloc-0a1b2c3d`.
    AllocationId, "an elastic IP allocation id", "eipalloc-";
    /// A network ACL, such as `acl-0a1b2c3d`.
    NetworkAclId, "a network ACL id", "acl-";
    /// A VPC endpoint, such as `vpce-0a1b2c3d`.
    VpcEndpointId, "a VPC endpoint id", "vpce-";
    /// A peering connection, such as `pcx-0a1b2c3d`.
    PeeringConnectionId, "a peering connection id", "pcx-";
    /// A transit gateway, such as `tgw-0a1b2c3d`.
    TransitGatewayId, "a transit gateway id", "tgw-";
    /// A prefix list, such as `pl-0a1b2c3d`.
    PrefixListId, "a prefix list id", "pl-";
    /// A flow log, such as `fl-0a1b2c3d`.
    FlowLogId, "a flow log id", "fl-";
    /// An Amazon resource name, such as `arn:aws:ec2:eu-west-1:123456789012:vpc/vpc-0a1b2c3d`.
    Arn, "an ARN", "arn:";
    /// The name of an availability zone, such as `eu-west-1a`.
    AvailabilityZone, "an availability zone", "";
    /// The name of a subnet group of RDS, ElastiCache, or another service.
    SubnetGroupName, "a subnet group name", "";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subnet_is_not_taken_for_a_vpc() {
        assert_eq!("vpc-123".parse::<VpcId>().unwrap().as_str(), "vpc-123");
        for text in ["subnet-1", "vpc-", "", "vpc- 1", "VPC-1"] {
            let error = text.parse::<VpcId>().unwrap_err();
            assert_eq!(error.to_string(), "expected a VPC id (`vpc-` and more letters or digits)");
        }
        assert!(" ".parse::<AvailabilityZone>().is_err());
    }
}
