//! The tags of network ACLs; the traffic that they let through is held by `flows`.

use super::Scene;
use crate::{aws::NetworkAcl, e2e::Findings};

pub(super) fn check(scene: &Scene<'_>, findings: &mut Findings) {
    let own = |acl: &&NetworkAcl| acl.vpc == scene.vpc.id && !acl.default;
    for acl in scene.observed.network_acls.iter().filter(own) {
        scene.check_tags("a network ACL", &acl.tags, findings);
    }
}
