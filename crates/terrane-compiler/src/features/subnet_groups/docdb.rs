//! Amazon DocumentDB.

use super::{SubnetGroupKind, USUAL};

pub(super) const KIND: SubnetGroupKind = SubnetGroupKind {
    name: "docdb",
    title: "Amazon DocumentDB",
    resource_type: "aws_docdb_subnet_group",
    // RDS, DocumentDB, and Neptune keep their groups in one name space.
    suffix: "-docdb",
    ..USUAL
};
