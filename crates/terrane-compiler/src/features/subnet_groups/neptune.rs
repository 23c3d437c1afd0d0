//! Amazon Neptune.

use super::{Kind, USUAL};

pub(super) const KIND: Kind = Kind {
    name: "neptune",
    title: "Amazon Neptune",
    resource_type: "aws_neptune_subnet_group",
    // RDS, DocumentDB, and Neptune keep their groups in one name space.
    suffix: "-neptune",
    ..USUAL
};
