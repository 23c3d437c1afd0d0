//! Reading from S3 as Terraform's `backend "s3"` is configured. Strictly read-only.
//!
//! [`arguments`] holds what the user says, [`settings`] what that means, [`connect`] makes clients of it, and
//! [`object`] gets one consistent object.

pub(crate) mod account;
pub(crate) mod arguments;
mod causes;
pub(crate) mod connect;
pub(crate) mod credentials;
pub(crate) mod digest;
pub(crate) mod http;
pub(crate) mod lock;
pub(crate) mod object;
pub(crate) mod role;
pub(crate) mod service;
pub(crate) mod settings;
pub(crate) mod source;
pub(crate) mod unverified;
pub(crate) mod workspace;

/// The regions of AWS: <https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html>, and
/// those of its other partitions.
const REGIONS: [&str; 46] = [
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "cn-north-1",
    "cn-northwest-1",
    "eu-central-1",
    "eu-central-2",
    "eu-isoe-west-1",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eusc-de-east-1",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-iso-east-1",
    "us-iso-west-1",
    "us-isob-east-1",
    "us-isob-west-1",
    "us-isof-east-1",
    "us-isof-south-1",
    "us-west-1",
    "us-west-2",
];
