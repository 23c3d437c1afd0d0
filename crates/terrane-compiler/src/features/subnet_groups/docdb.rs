//! Amazon DocumentDB.

use super::{Kind, USUAL};

pub(super) const KIND: Kind = Kind {
    name: "docdb",
    title: "Amazon DocumentDB",
    resource_type: "aws_docdb_subnet_group",
    // RDS, DocumentDB, and Neptune keep their groups in one name space.
    suffix: "-docdb",
    ..USUAL
};
