//! AWS Database Migration Service.

use super::{SubnetGroupKind, USUAL};

pub(super) const KIND: SubnetGroupKind = SubnetGroupKind {
    name: "dms",
    title: "AWS Database Migration Service",
    resource_type: "aws_dms_replication_subnet_group",
    name_argument: "replication_subnet_group_id",
    description_argument: "replication_subnet_group_description",
    ..USUAL
};
