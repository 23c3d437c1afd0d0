//! Amazon DynamoDB.

pub(super) const KIND: super::Kind = super::Kind { name: "dynamodb", title: "Amazon DynamoDB" };
