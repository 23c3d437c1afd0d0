//! Amazon MemoryDB.

use super::{SubnetGroupKind, USUAL};

pub(super) const KIND: SubnetGroupKind =
    SubnetGroupKind { name: "memorydb", title: "Amazon MemoryDB", resource_type: "aws_memorydb_subnet_group", ..USUAL };
