//! Amazon RDS.

use super::{SubnetGroupKind, USUAL};

pub(super) const KIND: SubnetGroupKind =
    SubnetGroupKind { name: "rds", title: "Amazon RDS", resource_type: "aws_db_subnet_group", ..USUAL };
