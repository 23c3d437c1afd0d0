//! Amazon S3.

pub(super) const KIND: super::Kind = super::Kind { name: "s3", title: "Amazon S3" };
