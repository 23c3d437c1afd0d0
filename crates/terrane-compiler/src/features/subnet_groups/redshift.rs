//! Amazon Redshift.

use super::{Kind, USUAL};

pub(super) const KIND: Kind =
    Kind { name: "redshift", title: "Amazon Redshift", resource_type: "aws_redshift_subnet_group", ..USUAL };
