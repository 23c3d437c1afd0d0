//! What the database and cache services say of their subnet groups.

use std::collections::BTreeSet;

use roxmltree::Node;

use super::{Api, Aws, items, text, texts};
use crate::error::Result;

/// A kind of subnet group, by the API that describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SubnetGroupKind {
    /// RDS; Neptune and DocumentDB groups live in the same API.
    Rds,
    /// ElastiCache.
    Elasticache,
    /// Redshift.
    Redshift,
    /// MemoryDB.
    Memorydb,
}

/// A subnet group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SubnetGroup {
    /// Its kind.
    pub kind: SubnetGroupKind,
    /// Its name.
    pub name: String,
    /// The VPC it is in.
    pub vpc: String,
    /// Its subnets.
    pub subnets: BTreeSet<String>,
}

const RDS: Api = Api { service: "rds", version: "2014-10-31", page_parameter: "Marker", page_tag: "Marker" };
const ELASTICACHE: Api = Api { service: "elasticache", version: "2015-02-02", ..RDS };
const REDSHIFT: Api = Api { service: "redshift", version: "2012-12-01", ..RDS };

impl Aws {
    /// Describes every subnet group of every kind.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Service`](crate::ErrorKind::Service).
    pub fn subnet_groups(&self) -> Result<Vec<SubnetGroup>> {
        let mut groups = self.groups(
            RDS,
            SubnetGroupKind::Rds,
            "DescribeDBSubnetGroups",
            "DBSubnetGroups",
            "DBSubnetGroupName",
        )?;
        groups.extend(self.groups(
            ELASTICACHE,
            SubnetGroupKind::Elasticache,
            "DescribeCacheSubnetGroups",
            "CacheSubnetGroups",
            "CacheSubnetGroupName",
        )?);
        groups.extend(self.groups(
            REDSHIFT,
            SubnetGroupKind::Redshift,
            "DescribeClusterSubnetGroups",
            "ClusterSubnetGroups",
            "ClusterSubnetGroupName",
        )?);
        groups.extend(self.memorydb_groups()?);
        groups.sort();
        Ok(groups)
    }

    fn groups(
        &self,
        api: Api,
        kind: SubnetGroupKind,
        action: &str,
        list: &str,
        name: &str,
    ) -> Result<Vec<SubnetGroup>> {
        self.query(api, action, &[], |root| {
            let result =
                root.children().find(|node| node.is_element() && node.tag_name().name().ends_with("Result"));
            result
                .map(|result| items(result, list).into_iter().map(|item| group(kind, name, item)).collect())
                .unwrap_or_default()
        })
    }

    fn memorydb_groups(&self) -> Result<Vec<SubnetGroup>> {
        let answer = self.json("memorydb", "AmazonMemoryDB.DescribeSubnetGroups")?;
        let groups = answer["SubnetGroups"].as_array().into_iter().flatten();
        let string = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        Ok(groups
            .map(|item| SubnetGroup {
                kind: SubnetGroupKind::Memorydb,
                name: string(&item["Name"]),
                vpc: string(&item["VpcId"]),
                subnets: item["Subnets"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(|subnet| string(&subnet["Identifier"]))
                    .collect(),
            })
            .collect())
    }
}

fn group(kind: SubnetGroupKind, name: &str, item: Node<'_, '_>) -> SubnetGroup {
    SubnetGroup {
        kind,
        name: text(item, name),
        vpc: text(item, "VpcId"),
        subnets: texts(item, "Subnets", "SubnetIdentifier").into_iter().collect(),
    }
}
