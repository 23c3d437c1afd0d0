//! The defaults of the VPC, emptied.

use super::Scene;
use crate::e2e::{Findings, observed::named};

pub(super) fn check(scene: &Scene<'_>, findings: &mut Findings) {
    if !scene.topology.features.close_defaults {
        return;
    }
    let observed = scene.observed;
    let main = observed.route_tables.iter().find(|table| table.vpc == scene.vpc.id && table.main);
    findings.expect(
        main.is_some_and(|table| {
            table.routes.iter().all(|route| route.target == "local") && table.subnets.is_empty()
        }),
        || format!("the main route table is not closed: {main:?}"),
    );
    let acl = observed.network_acls.iter().find(|acl| acl.vpc == scene.vpc.id && acl.default);
    findings.expect(
        acl.is_some_and(|acl| acl.entries.iter().all(|entry| !entry.allow) && acl.subnets.is_empty()),
        || format!("the default network ACL is not closed: {acl:?}"),
    );
    let group = observed.security_group(&scene.vpc.id, "default");
    let rules = observed
        .security_group_rules
        .iter()
        .filter(|rule| group.is_some_and(|group| group.id == rule.group))
        .count();
    findings
        .expect(group.is_some() && rules == 0, || format!("the default security group has {rules} rules"));
    findings.expect(main.is_some_and(|table| !named(&table.tags, scene.name)), || {
        "the main route table has the VPC's name".to_owned()
    });
}
