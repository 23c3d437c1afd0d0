//! Amazon Redshift.

use super::{SubnetGroupKind, USUAL};

pub(super) const KIND: SubnetGroupKind =
    SubnetGroupKind { name: "redshift", title: "Amazon Redshift", resource_type: "aws_redshift_subnet_group", ..USUAL };
