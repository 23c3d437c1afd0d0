//! DynamoDB Accelerator.

use super::{SubnetGroupKind, USUAL};

pub(super) const KIND: SubnetGroupKind = SubnetGroupKind {
    name: "dax",
    title: "DynamoDB Accelerator",
    resource_type: "aws_dax_subnet_group",
    tags: false,
    ..USUAL
};
