//! Amazon Neptune.

use super::{SubnetGroupKind, USUAL};

pub(super) const KIND: SubnetGroupKind = SubnetGroupKind {
    name: "neptune",
    title: "Amazon Neptune",
    resource_type: "aws_neptune_subnet_group",
    // RDS, DocumentDB, and Neptune keep their groups in one name space.
    suffix: "-neptune",
    ..USUAL
};
