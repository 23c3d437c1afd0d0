//! Amazon ElastiCache.

use super::{Kind, USUAL};

pub(super) const KIND: Kind = Kind {
    name: "elasticache",
    title: "Amazon ElastiCache",
    resource_type: "aws_elasticache_subnet_group",
    ..USUAL
};
