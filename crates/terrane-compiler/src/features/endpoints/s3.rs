//! Amazon S3.

pub(super) const KIND: super::EndpointKind = super::EndpointKind { name: "s3", title: "Amazon S3" };
