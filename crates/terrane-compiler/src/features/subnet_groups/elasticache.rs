//! Amazon ElastiCache.

use super::{SubnetGroupKind, USUAL};

pub(super) const KIND: SubnetGroupKind = SubnetGroupKind {
    name: "elasticache",
    title: "Amazon ElastiCache",
    resource_type: "aws_elasticache_subnet_group",
    ..USUAL
};
