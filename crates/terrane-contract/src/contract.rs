//! What a module takes, gives, and manages.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Addresses, Type};

/// The version of the `contract.json` schema that this crate writes.
pub const SCHEMA_VERSION: u32 = 1;

/// The interface of one Terraform module.
///
/// Everything is sorted by name, so that equal interfaces are equal bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contract {
    /// The version of this schema, [`SCHEMA_VERSION`]; another one is not read.
    #[serde(deserialize_with = "known_version")]
    pub schema_version: u32,
    /// The module's name, such as `kubernetes-network`.
    pub module: String,
    /// The Terraform versions the module accepts, such as `>= 1.5`.
    pub required_version: Option<String>,
    /// Required providers by local name.
    pub providers: BTreeMap<String, Provider>,
    /// Input variables by name.
    pub variables: BTreeMap<String, Variable>,
    /// Outputs by name.
    pub outputs: BTreeMap<String, Output>,
    /// Managed resources by address inside the module, such as `aws_subnet.app`.
    pub resources: BTreeMap<String, Managed>,
    /// Addresses of data sources.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub data: BTreeSet<String>,
    /// `moved` blocks, in file order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub moved: Vec<Move>,
    /// Addresses that a `removed` block forgets without destroying.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub removed: BTreeSet<String>,
    /// Calls of other modules by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub modules: BTreeMap<String, ModuleCall>,
    /// Modules in the same package, by directory, such as `modules/endpoints`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub submodules: BTreeMap<String, Submodule>,
    /// Providers that the module configures itself, which it should leave to its caller.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub configured_providers: BTreeSet<String>,
    /// The base ranges that the module admits, by the variable that takes them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub admitted: BTreeMap<String, Admitted>,
    /// Where its tiers lie; `None` for a module that was written by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addresses: Option<Addresses>,
}

fn known_version<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let found = u32::deserialize(deserializer)?;
    if found == SCHEMA_VERSION {
        return Ok(found);
    }
    Err(serde::de::Error::custom(format!(
        "schema_version is {found}, and this program reads {SCHEMA_VERSION}; use the release that wrote it, or a later one"
    )))
}

/// One required provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provider {
    /// The source address, such as `hashicorp/aws`.
    pub source: String,
    /// The version constraint, such as `>= 5.0, < 7.0`.
    pub version: Option<String>,
    /// Names of `configuration_aliases`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub aliases: BTreeSet<String>,
}

/// One input variable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Variable {
    /// The type constraint; [`Type::Dynamic`] when none is given.
    #[serde(rename = "type")]
    pub ty: Type,
    /// The default as JSON; `None` makes the variable required.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "present")]
    pub default: Option<Value>,
    /// Whether `null` reaches the module's body.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub nullable: bool,
    /// Whether Terraform hides the value.
    #[serde(default, skip_serializing_if = "is_no")]
    pub sensitive: bool,
    /// Whether the value is left out of state and plan.
    #[serde(default, skip_serializing_if = "is_no")]
    pub ephemeral: bool,
    /// The `condition` of each validation, as canonical HCL.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub validations: Vec<String>,
    /// The defaults of `optional(type, default)` by attribute path, such as `nodes[*].size`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attribute_defaults: BTreeMap<String, Value>,
    /// Whether the value must be known before planning (`const`, Terraform 1.15).
    #[serde(default, rename = "const", skip_serializing_if = "is_no")]
    pub constant: bool,
    /// The notice to callers that still set a deprecated variable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deprecated: Option<String>,
    /// What the variable is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
}

/// One output value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// The type; [`Type::Dynamic`] where it is not known.
    #[serde(rename = "type")]
    pub ty: Type,
    /// Whether the module itself declares the type (Terraform 1.15).
    #[serde(default, skip_serializing_if = "is_no")]
    pub declared: bool,
    /// Whether Terraform hides the value.
    #[serde(default, skip_serializing_if = "is_no")]
    pub sensitive: bool,
    /// Whether the value is left out of state and plan.
    #[serde(default, skip_serializing_if = "is_no")]
    pub ephemeral: bool,
    /// Whether the value may be null, so that the output may be absent from a state.
    #[serde(default, skip_serializing_if = "is_no")]
    pub nullable: bool,
    /// What the strings in the value are, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holds: Option<Holds>,
    /// The module version that first had this output; `None` before the first release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<semver::Version>,
    /// The `condition` of each precondition, as canonical HCL.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub preconditions: Vec<String>,
    /// What the output is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
}

/// What the strings in an output are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Holds {
    /// Amazon Resource Names.
    Arn,
    /// Names of availability zones.
    AvailabilityZone,
    /// Ids of internet gateways.
    InternetGatewayId,
    /// IPv4 addresses.
    Ipv4Address,
    /// IPv4 ranges.
    Ipv4Range,
    /// Ids of NAT gateways.
    NatGatewayId,
    /// Ids of network ACLs.
    NetworkAclId,
    /// Ids of route tables.
    RouteTableId,
    /// Ids of security groups.
    SecurityGroupId,
    /// Names of subnet groups.
    SubnetGroupName,
    /// Ids of subnets.
    SubnetId,
    /// Ids of VPC endpoints.
    VpcEndpointId,
    /// Ids of VPCs.
    VpcId,
}

impl Holds {
    /// Returns the name of the Rust type.
    pub fn rust_name(self) -> &'static str {
        match self {
            Holds::Arn => "Arn",
            Holds::AvailabilityZone => "AvailabilityZone",
            Holds::InternetGatewayId => "InternetGatewayId",
            Holds::Ipv4Address => "Ipv4Addr",
            Holds::Ipv4Range => "Ipv4Net",
            Holds::NatGatewayId => "NatGatewayId",
            Holds::NetworkAclId => "NetworkAclId",
            Holds::RouteTableId => "RouteTableId",
            Holds::SecurityGroupId => "SecurityGroupId",
            Holds::SubnetGroupName => "SubnetGroupName",
            Holds::SubnetId => "SubnetId",
            Holds::VpcEndpointId => "VpcEndpointId",
            Holds::VpcId => "VpcId",
        }
    }
}

/// One managed resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Managed {
    /// How its instances are told apart.
    pub keys: KeyKind,
    /// The `for_each` or `count` expression as canonical HCL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat: Option<String>,
    /// The literal instance keys, where the expression names them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub literal_keys: BTreeSet<String>,
    /// Whether Terraform refuses to destroy an instance.
    #[serde(default, skip_serializing_if = "is_no")]
    pub prevent_destroy: bool,
    /// Whether a replacement is made before the old instance goes.
    #[serde(default, skip_serializing_if = "is_no")]
    pub create_before_destroy: bool,
    /// The arguments whose changes Terraform ignores, as canonical HCL.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub ignore_changes: BTreeSet<String>,
}

/// One call of another module.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleCall {
    /// The source address, such as `./modules/endpoints`.
    pub source: String,
    /// The version constraint of a registry module.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// How the instances are told apart.
    pub keys: KeyKind,
    /// The `for_each` or `count` expression as canonical HCL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat: Option<String>,
    /// The literal instance keys, where the expression names them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub literal_keys: BTreeSet<String>,
}

/// A module in the same package.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Submodule {
    /// Whether it has a README, which makes it part of the package's interface.
    pub public: bool,
    /// Its own interface.
    pub contract: Contract,
}

/// How the instances of a resource are told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    /// One instance without a key.
    #[default]
    None,
    /// Instances by number.
    Count,
    /// Instances by string.
    ForEach,
}

/// One `moved` block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// The address it had.
    pub from: String,
    /// The address it has.
    pub to: String,
}

/// The base ranges that a variable admits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admitted {
    /// The shortest admitted prefix length.
    pub min_prefix_length: u8,
    /// The longest admitted prefix length.
    pub max_prefix_length: u8,
    /// The address spaces in which the range may lie, such as `10.0.0.0/8`, all of one family.
    pub within: Vec<ipnet::IpNet>,
}

impl Contract {
    /// Returns the contract of a module that takes, gives, and manages nothing.
    pub fn new(module: &str) -> Contract {
        Contract {
            schema_version: SCHEMA_VERSION,
            module: module.to_owned(),
            required_version: None,
            providers: BTreeMap::new(),
            variables: BTreeMap::new(),
            outputs: BTreeMap::new(),
            resources: BTreeMap::new(),
            data: BTreeSet::new(),
            moved: Vec::new(),
            removed: BTreeSet::new(),
            modules: BTreeMap::new(),
            submodules: BTreeMap::new(),
            configured_providers: BTreeSet::new(),
            admitted: BTreeMap::new(),
            addresses: None,
        }
    }
}

impl Variable {
    /// Returns a required variable of a type.
    pub fn new(ty: Type) -> Variable {
        Variable {
            ty,
            default: None,
            nullable: true,
            sensitive: false,
            ephemeral: false,
            validations: Vec::new(),
            attribute_defaults: BTreeMap::new(),
            constant: false,
            deprecated: None,
            description: String::new(),
        }
    }
}

impl Output {
    /// Returns an output of a type.
    pub fn new(ty: Type) -> Output {
        Output {
            ty,
            declared: false,
            sensitive: false,
            ephemeral: false,
            nullable: false,
            holds: None,
            since: None,
            preconditions: Vec::new(),
            description: String::new(),
        }
    }
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_yes(value: &bool) -> bool {
    *value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_no(value: &bool) -> bool {
    !*value
}

/// Keeps `default = null` apart from the absence of a default.
mod present {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use serde_json::Value;

    pub(super) fn serialize<S: Serializer>(value: &Option<Value>, serializer: S) -> Result<S::Ok, S::Error> {
        value.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
        Value::deserialize(deserializer).map(Some)
    }
}
