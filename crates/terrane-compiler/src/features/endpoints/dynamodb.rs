//! Amazon DynamoDB.

pub(super) const KIND: super::EndpointKind = super::EndpointKind { name: "dynamodb", title: "Amazon DynamoDB" };
