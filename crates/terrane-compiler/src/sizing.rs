//! The sizing model: from nodes, pods, and instances to addresses per zone.
//!
//! Counts of a [`Need`] are of the whole network at its peak.
//! A zone gets its share after the loss of one zone, room for the surge of an upgrade, and what AWS takes.

use crate::diagnostics::{Code, Diagnostics, Origin, report};
use crate::family::{Address, V4};
use crate::names::PrefixLength;
use crate::topology::{CniMode, Need};

/// AWS keeps the first four addresses and the last of each subnet:
/// <https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html>.
pub const RESERVED_ADDRESSES: u32 = 5;

/// Returns how many addresses of a subnet of this prefix length AWS leaves to its owner.
pub(crate) fn usable<A: Address>(prefix_length: u8) -> u64 {
    let left = A::addresses(prefix_length).saturating_sub(RESERVED_ADDRESSES.into());
    u64::try_from(left).unwrap_or(u64::MAX)
}

/// Addresses that the control plane of EKS asks to be free in each of its subnets:
/// <https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html>.
pub const CONTROL_PLANE_ADDRESSES: u32 = 16;

/// Free addresses that an application load balancer needs in each subnet:
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html>.
pub const LOAD_BALANCER_ADDRESSES: u32 = 8;

/// The longest prefix length of a subnet that takes an application load balancer, from the same page.
pub(crate) const LOAD_BALANCER_LENGTH: u8 = 27;

/// More nodes during an upgrade than at its start, in each zone:
/// <https://docs.aws.amazon.com/eks/latest/userguide/managed-node-update-behavior.html>.
const SURGE_NODES: u64 = 2;

/// Addresses in one prefix of a network interface.
const PREFIX_ADDRESSES: u64 = 16;

/// The longest prefix length that a subnet may have, and the shortest.
pub(crate) const SUBNET_LENGTHS: std::ops::RangeInclusive<u8> =
    PrefixLength::MIN.get()..=PrefixLength::MAX.get();

/// What one subnet must have room for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    /// Addresses, AWS's own five included.
    pub addresses: u64,
    /// Aligned blocks of sixteen addresses among them.
    pub prefixes: u64,
    /// Network interfaces that hold them.
    pub interfaces: u64,
    /// The longest prefix length that what lives there takes.
    pub longest: u8,
    /// How the numbers came about.
    pub reason: String,
}

impl Room {
    /// Returns the longest prefix length that has the room; `None` if a /16 has not.
    pub fn prefix_length(&self) -> Option<PrefixLength> {
        SUBNET_LENGTHS.rev().find(|length| self.fits(*length)).and_then(PrefixLength::new)
    }

    /// Returns whether a subnet of this prefix length has the room.
    pub fn fits(&self, length: u8) -> bool {
        let size = V4::addresses(length);
        // The first sixteen addresses and the last hold AWS's own, so that they are never whole prefixes.
        let prefixes = (size / u128::from(PREFIX_ADDRESSES)).saturating_sub(2);
        length <= self.longest && u128::from(self.addresses) <= size && u128::from(self.prefixes) <= prefixes
    }
}

/// Returns what each subnet of a tier must have room for.
///
/// `control_plane` says that interfaces of an EKS control plane live in the tier too.
///
/// Reports each part of the need that says too little or too much.
pub(crate) fn room(
    need: &Need,
    zones: usize,
    control_plane: bool,
    subject: &str,
    origin: &Origin,
    found: &mut Diagnostics,
) -> Option<Room> {
    let problems = problems(need);
    for (message, hint) in &problems {
        report!(found, Code::INVALID_NEED, origin, "the need of {subject} {message}"; "{hint}");
    }
    if !problems.is_empty() {
        return None;
    }
    let mut reason = Vec::new();
    let mut addresses = u64::from(RESERVED_ADDRESSES);
    let (mut prefixes, mut interfaces) = (0, 0);
    if let Some(nodes) = need.nodes {
        let nodes = nodes_per_zone(nodes, need.growth_percent.unwrap_or(0), zones);
        let node = per_node(need);
        addresses = addresses.saturating_add(nodes.saturating_mul(node.addresses));
        prefixes = nodes.saturating_mul(node.prefixes);
        interfaces = nodes.saturating_mul(node.interfaces);
        reason.push(share(nodes, "node", node.addresses));
    }
    let parts = [
        (u64::from(need.instances.unwrap_or(0)), 1, "instance"),
        (u64::from(need.load_balancers.unwrap_or(0)), LOAD_BALANCER_ADDRESSES, "load balancer"),
        (u64::from(need.endpoints.unwrap_or(0)), 1, "endpoint"),
        (u64::from(control_plane), CONTROL_PLANE_ADDRESSES, "control plane"),
    ];
    for (count, each, what) in parts.into_iter().filter(|(count, ..)| *count > 0) {
        addresses = addresses.saturating_add(count * u64::from(each));
        interfaces = interfaces.saturating_add(count);
        reason.push(share(count, what, each.into()));
    }
    reason.push(format!("{RESERVED_ADDRESSES} that AWS keeps"));
    let balances = need.load_balancers.is_some_and(|count| count > 0);
    let longest = if balances { LOAD_BALANCER_LENGTH } else { *SUBNET_LENGTHS.end() };
    Some(Room { addresses, prefixes, interfaces, longest, reason: reason.join(" + ") })
}

/// Returns in words how many addresses things take, such as `2 load balancers × 8`.
fn share(count: u64, what: &str, each: u64) -> String {
    let plural = if count == 1 { "" } else { "s" };
    let times = if each == 1 { String::new() } else { format!(" × {each}") };
    format!("{count} {what}{plural}{times}")
}

/// Nodes of one zone at the peak when another zone is lost, and during an upgrade.
fn nodes_per_zone(nodes: u32, growth_percent: u32, zones: usize) -> u64 {
    let grown = u64::from(nodes).saturating_mul(100 + u64::from(growth_percent)).div_ceil(100);
    let remaining = zones.saturating_sub(1).max(1) as u64;
    grown.div_ceil(remaining) + SURGE_NODES
}

struct PerNode {
    addresses: u64,
    prefixes: u64,
    interfaces: u64,
}

/// Addresses that one node takes from the tier, with the CNI's default of one warm interface or prefix.
fn per_node(need: &Need) -> PerNode {
    let interfaces = u64::from(need.interfaces_per_node.unwrap_or(0));
    let slots = u64::from(need.addresses_per_interface.unwrap_or(0)).saturating_sub(1);
    let cni = need.cni.unwrap_or(CniMode::SecondaryIp);
    let custom = matches!(cni, CniMode::CustomSecondaryIp | CniMode::CustomPrefixDelegation);
    if (custom && !need.pods_only) || slots == 0 {
        return PerNode { addresses: 1, prefixes: 0, interfaces: 1 };
    }
    let usable = if custom { interfaces.saturating_sub(1) } else { interfaces };
    match cni {
        CniMode::PrefixDelegation | CniMode::CustomPrefixDelegation => {
            let most = usable.saturating_mul(slots);
            let pods = u64::from(need.pods_per_node.unwrap_or(110))
                .min(most.saturating_mul(PREFIX_ADDRESSES).saturating_add(2));
            let prefixes = (pods.div_ceil(PREFIX_ADDRESSES) + 1).min(most);
            let used = prefixes.div_ceil(slots).max(1);
            PerNode { addresses: PREFIX_ADDRESSES * prefixes + used, prefixes, interfaces: used }
        }
        CniMode::SecondaryIp | CniMode::CustomSecondaryIp => {
            let pods = u64::from(need.pods_per_node.unwrap_or(u32::MAX))
                .min(usable.saturating_mul(slots).saturating_add(2));
            let used = if pods == 0 { 1 } else { usable.min(pods.div_ceil(slots) + 1) };
            PerNode { addresses: used * (slots + 1), prefixes: 0, interfaces: used }
        }
    }
}

/// Returns what is wrong with a need, each as the end of a sentence, with what to do.
fn problems(need: &Need) -> Vec<(&'static str, &'static str)> {
    let mut problems = Vec::new();
    let counts = [need.nodes, need.instances, need.load_balancers, need.endpoints];
    if counts.iter().flatten().all(|count| *count == 0) {
        problems.push(("counts nothing", "set nodes, instances, load_balancers, or endpoints to 1 or more"));
    }
    let of_nodes = need.growth_percent.is_some()
        || need.pods_per_node.is_some()
        || need.cni.is_some()
        || need.interfaces_per_node.is_some()
        || need.addresses_per_interface.is_some()
        || need.pods_only;
    if of_nodes && need.nodes.is_none() {
        problems.push(("describes nodes but does not say how many", "set nodes"));
    }
    let custom = matches!(need.cni, Some(CniMode::CustomSecondaryIp | CniMode::CustomPrefixDelegation));
    if need.pods_only && !custom {
        problems.push((
            "is of pods only, but its CNI mode keeps pods in the nodes' subnets",
            "set cni to custom-secondary-ip or custom-prefix-delegation",
        ));
    }
    let pods_here = need.nodes.is_some() && (!custom || need.pods_only);
    let least_interfaces = if custom { 2 } else { 1 };
    if pods_here && need.interfaces_per_node.is_none_or(|count| count < least_interfaces) {
        problems.push((
            "has pods, but no interfaces to hold their addresses",
            "set interfaces_per_node to the number of network interfaces of the nodes' instance type, 4 for m6i.xlarge; 2 at least where pods have a tier of their own",
        ));
    }
    if pods_here && need.addresses_per_interface.is_none_or(|count| count < 2) {
        problems.push((
            "has pods, but no addresses on each interface",
            "set addresses_per_interface to the IPv4 addresses per interface of the nodes' instance type, 15 for m6i.xlarge",
        ));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn m6i_xlarge(cni: CniMode) -> Need {
        Need::nodes(120).growth_percent(100).instance_type(4, 15).cni(cni)
    }

    #[track_caller]
    fn check(need: &Need, control_plane: bool, addresses: u64, length: u8) {
        let mut found = Diagnostics::default();
        let room = room(need, 3, control_plane, "tier `t`", &Origin::Unknown, &mut found)
            .unwrap_or_else(|| panic!("{found}"));
        assert_eq!(
            (room.addresses, room.prefix_length()),
            (addresses, PrefixLength::new(length)),
            "{}",
            room.reason
        );
    }

    #[test]
    fn worked_example_of_120_nodes() {
        let fixed = |need: Need| need.load_balancers(1).endpoints(10);
        check(&fixed(m6i_xlarge(CniMode::SecondaryIp)), true, 7_359, 19);
        check(&fixed(m6i_xlarge(CniMode::PrefixDelegation)), true, 15_777, 18);
        check(&fixed(m6i_xlarge(CniMode::CustomPrefixDelegation)), true, 161, 24);
        check(&m6i_xlarge(CniMode::CustomSecondaryIp).pods_only(), false, 5_495, 19);
        check(&m6i_xlarge(CniMode::CustomPrefixDelegation).pods_only(), false, 15_743, 18);
    }

    #[test]
    fn whole_prefixes_can_need_more_than_addresses_do() {
        let room =
            Room { addresses: 16 * 15 + 5, prefixes: 15, interfaces: 1, longest: 28, reason: String::new() };
        assert_eq!(room.prefix_length(), PrefixLength::new(23));
    }

    #[test]
    fn the_largest_numbers_need_too_much_and_no_less() {
        for cni in [CniMode::SecondaryIp, CniMode::PrefixDelegation] {
            let most = u32::MAX;
            let need = Need::nodes(most).growth_percent(most).instance_type(most, most).pods_per_node(most);
            let found = &mut Diagnostics::default();
            let room = room(&need.cni(cni), 3, false, "tier `t`", &Origin::Unknown, found).unwrap();
            assert_eq!(room.prefix_length(), None, "{}", room.reason);
        }
    }

    #[test]
    fn instances_count_per_zone() {
        check(&Need::instances(20), false, 25, 27);
        check(&Need::instances(1), false, 6, 28);
    }

    #[test]
    fn a_load_balancer_takes_no_subnet_as_small_as_its_addresses() {
        check(&Need::default().load_balancers(1), false, 13, 27);
    }

    #[test]
    fn interfaces_are_counted_as_far_as_they_are_used() {
        let interfaces = |need: &Need| {
            let found = &mut Diagnostics::default();
            room(need, 3, false, "tier `t`", &Origin::Unknown, found).map(|room| room.interfaces)
        };
        // 122 nodes a zone: 4 interfaces each for all pods, 3 for the pods of 2 interfaces and a warm one.
        assert_eq!(interfaces(&m6i_xlarge(CniMode::SecondaryIp)), Some(122 * 4));
        assert_eq!(interfaces(&m6i_xlarge(CniMode::SecondaryIp).pods_per_node(28)), Some(122 * 3));
        assert_eq!(interfaces(&m6i_xlarge(CniMode::CustomPrefixDelegation)), Some(122));
        assert_eq!(interfaces(&Need::instances(7).endpoints(2)), Some(9));
    }
}
