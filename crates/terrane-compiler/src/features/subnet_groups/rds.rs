//! Amazon RDS.

use super::{Kind, USUAL};

pub(super) const KIND: Kind =
    Kind { name: "rds", title: "Amazon RDS", resource_type: "aws_db_subnet_group", ..USUAL };
