//! DynamoDB Accelerator.

use super::{Kind, USUAL};

pub(super) const KIND: Kind = Kind {
    name: "dax",
    title: "DynamoDB Accelerator",
    resource_type: "aws_dax_subnet_group",
    tags: false,
    ..USUAL
};
