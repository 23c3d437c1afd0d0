//! Terraform remote state as typed Rust values.
//!
//! ```no_run
//! # #[cfg(feature = "s3")]
//! # async fn example() -> Result<(), terrane_state::Error> {
//! #[derive(serde::Deserialize)]
//! struct Network { vpc_id: terrane_state::VpcId, app_subnet_ids: Vec<terrane_state::SubnetId> }
//!
//! let state = terrane_state::read("s3://acme-state/network.tfstate").await?;
//! let network: Network = state.outputs_of("network")?;
//! # Ok(()) }
//! ```
//!
//! - [`read`] reads once; a [`Reader`] reads again and again, lists workspaces, and shows locks. It never writes.
//! - [`Reader::builder`] takes [`S3Arguments`]: the arguments of Terraform's `backend "s3"` under their own names.
//! - A [`State`] gives outputs as Rust types; a [`WholeState`] has the resources too.
//! - [`VpcId`], [`SubnetId`] and their kin keep ids apart; [`Sensitive`] hides; [`Value`] and [`Number`] lose nothing.
//! - An [`Error`] tells people by its text and programs by its [`kind`](Error::kind). It never holds a value.
//!
//! # Safer than Terraform
//!
//! One read sees one version of the object, even when it is replaced meanwhile. Nothing is ever written: a workspace
//! that does not exist is an error, where Terraform makes an empty state. Outputs that are not asked for may be
//! wrong. Sensitive outputs stay marked. An account list that cannot be checked is an error. See [`MAX_DEPTH`] for
//! the one place where this reader takes less than Terraform.

#[cfg(feature = "s3")]
mod backend;
#[cfg(feature = "blocking")]
pub mod blocking;
#[cfg(feature = "s3")]
mod clock;
#[cfg(feature = "s3")]
mod encryption;
#[cfg(feature = "s3")]
mod environment;
#[cfg(feature = "s3")]
mod file;
mod ids;
#[cfg(feature = "s3")]
mod reader;
#[cfg(feature = "s3")]
mod s3;
#[cfg(feature = "s3")]
mod watch;

#[cfg(feature = "s3")]
pub use backend::Backend;
#[cfg(feature = "s3")]
pub use clock::Clock;
#[cfg(feature = "s3")]
pub use encryption::Encryption;
#[cfg(feature = "s3")]
pub use environment::Environment;
pub use ids::{
    AllocationId, Arn, AvailabilityZone, EgressOnlyInternetGatewayId, FlowLogId, InternetGatewayId,
    NatGatewayId, NetworkAclId, ParseIdError, PeeringConnectionId, PrefixListId, RouteTableId,
    SecurityGroupId, SubnetGroupName, SubnetId, TransitGatewayId, VpcEndpointId, VpcId,
};
#[cfg(feature = "s3")]
pub use reader::{Reader, ReaderBuilder, read};
#[cfg(feature = "s3")]
pub use s3::arguments::{AssumeRole, AssumeRoleWithWebIdentity, Endpoints, S3Arguments};
#[cfg(feature = "s3")]
pub use s3::lock::{LockInfo, LockKind};
#[cfg(feature = "s3")]
pub use s3::settings::Setting;
pub use terrane_value::{
    Error, ErrorKind, Instance, InstanceKey, MAX_DEPTH, Missing, Mode, ModuleOutputs, Number, Origin, Output,
    ParseNumberError, Resource, Sensitive, State, Type, Value, WholeState,
};
#[cfg(feature = "s3")]
pub use watch::{Cache, Change, Update, Watch};

#[cfg(all(doctest, feature = "s3"))]
#[doc = include_str!("../README.md")]
struct Readme;
