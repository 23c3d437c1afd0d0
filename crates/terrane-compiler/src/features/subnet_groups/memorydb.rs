//! Amazon MemoryDB.

use super::{Kind, USUAL};

pub(super) const KIND: Kind =
    Kind { name: "memorydb", title: "Amazon MemoryDB", resource_type: "aws_memorydb_subnet_group", ..USUAL };
