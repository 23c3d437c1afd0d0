//! Terraform remote state as typed Rust values.
//!
//! ```no_run
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
//! - A [`Source`] is a place that holds a state; S3, a file, a directory, and standard input are there.
//! - A [`State`] gives outputs as Rust types; a [`WholeState`] has the resources too.
//! - [`VpcId`], [`SubnetId`] and their kin keep ids apart; [`Sensitive`] hides; [`Value`] and [`Number`] lose nothing.
//! - An [`Error`] tells people by its text and programs by its [`kind`](Error::kind). It never holds a value.
//!
//! # Safer than Terraform
//!
//! One read sees one version of the object, even when it is replaced meanwhile. Nothing is ever written: a workspace
//! that does not exist is an error, where Terraform makes an empty state. Outputs that are not asked for may be
//! wrong. Sensitive outputs stay marked. An account list that cannot be checked is an error. The reader is stricter than
//! Terraform in one respect: nesting depth, see [`MAX_DEPTH`].

#![cfg_attr(docsrs, feature(doc_cfg))]

mod arguments;
mod backend;
#[cfg(feature = "blocking")]
#[cfg_attr(docsrs, doc(cfg(feature = "blocking")))]
pub mod blocking;
mod clock;
mod encryption;
mod environment;
mod hex;
mod ids;
mod lock;
mod reader;
#[cfg(feature = "s3")]
mod s3;
#[cfg(not(feature = "s3"))]
#[path = "s3_absent.rs"]
mod s3;
mod setting;
mod source;
mod watch;
mod workspace;

pub use arguments::{AssumeRole, AssumeRoleWithWebIdentity, Endpoints, S3Arguments};
pub use backend::Backend;
pub use clock::Clock;
pub use encryption::Encryption;
pub use environment::Environment;
pub use ids::{
    AllocationId, Arn, AvailabilityZone, EgressOnlyInternetGatewayId, FlowLogId, InternetGatewayId,
    NatGatewayId, NetworkAclId, ParseIdError, PeeringConnectionId, PrefixListId, RouteTableId,
    SecurityGroupId, SubnetGroupName, SubnetId, TransitGatewayId, VpcEndpointId, VpcId,
};
pub use lock::{LockInfo, LockKind};
pub use reader::{Reader, ReaderBuilder, read};
#[cfg(feature = "s3")]
#[cfg_attr(docsrs, doc(cfg(feature = "s3")))]
pub use s3::s3_client;
pub use setting::Setting;
pub use source::{Answer, Source};
pub use terrane_value::{
    Depth, Error, ErrorKind, Instance, InstanceKey, Intake, MAX_DEPTH, Missing, Mode, ModuleOutputs, Number,
    Origin, Output, ParseNumberError, Resource, Sensitive, State, Type, Value, Wants, WholeState,
};
pub use watch::{Cache, Change, Update, Watch};

#[cfg(all(doctest, feature = "s3"))]
#[doc = include_str!("../README.md")]
struct Readme;
