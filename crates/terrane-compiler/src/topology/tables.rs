//! The keys of the network itself; those of features are in their files.

use std::borrow::Cow;
use std::sync::LazyLock;

use super::{Dns, Flow, KeepClear, Need, SecondaryRange, Tier, Topology};
use crate::features;
use crate::keys::{Key, Table, located, read};

located!(SecondaryRange, Tier, Flow, KeepClear);

/// Returns the table of a whole document.
pub(crate) fn table() -> &'static Table {
    static TOPOLOGY: LazyLock<Table> = LazyLock::new(|| Table {
        title: "The network",
        about: "",
        keys: OWN
            .iter()
            .copied()
            .chain(features::ALL.iter().flat_map(|feature| feature.keys).copied())
            .collect(),
        read: read::<Topology>,
    });
    &TOPOLOGY
}

const OWN: &[Key] = &[
    Key::required("name", "the module's name, and how the names of all that it creates begin"),
    Key::new(
        "base",
        "the IPv4 range of the VPC: a /16 to a /28 in private space; the default of `cidr_block`",
        "required",
    ),
    Key::new(
        "zones",
        "zone letters, such as `[\"a\", \"b\", \"c\"]`; the module's caller maps them to availability zones",
        "required",
    ),
    Key::new(
        "tiers",
        "one subnet in each zone, or in those that it names, for each entry; see below",
        "required",
    )
    .many(&TIER),
    Key::new("description", "what the network is for", "empty"),
    Key::new("secondary", "ranges beside the base: `name` and `cidr` of each", "none").many(&SECONDARY),
    Key::new("flows", "what may talk to what; see below", "nothing may").many(&FLOW),
    Key::new("dns", "`support` and `hostnames` of the VPC", "both `true`").one(&DNS),
    Key::new("tags", "tags of everything, beside the caller's", "none"),
    Key::new(
        "keep_clear",
        "ranges elsewhere that no range here may overlap: `name` and `cidr` of each",
        "none",
    )
    .many(&KEEP_CLEAR),
    Key::new(
        "terraform",
        "the oldest Terraform that must be able to use the module, such as `\"1.5\"`",
        "what the module needs",
    ),
    Key::new("retired", "names that no tier may have again before the next major version", "none"),
    Key::new("reclaim", "tiers that were removed or have grown, whose old blocks are free again", "none"),
];

static DNS: Table = Table {
    title: "",
    about: "",
    keys: Cow::Borrowed(&[
        Key::new("support", "whether the Amazon DNS server answers", "`true`"),
        Key::new("hostnames", "whether instances get DNS names", "`true`"),
    ]),
    read: read::<Dns>,
};

static SECONDARY: Table = Table {
    title: "",
    about: "",
    keys: Cow::Borrowed(&[
        Key::required("name", "the name that tiers use for it"),
        Key::required("cidr", "the range"),
    ]),
    read: read::<SecondaryRange>,
};

static TIER: Table = Table {
    title: "A tier",
    about: "",
    keys: Cow::Borrowed(&[
        Key::required("name", "its name, such as `db`"),
        Key::required(
            "access",
            "`public`: its default route leads to the internet gateway; `private`: to a NAT gateway, if there is one; `isolated`: it has none",
        )
        .sample("private"),
        Key::new(
            "zones",
            "the zone letters that it has subnets in; its block keeps slots for the others, so that it can be in more of them later",
            "every zone",
        ),
        Key::new(
            "site",
            "`local-zone`: the caller maps the tier's letters to Local Zones, and no other tier has these letters; `outpost`: it is on the Outpost that the caller names in `outpost_arns`, in one zone",
            "in availability zones",
        ),
        Key::new(
            "route_table",
            "the name of its route table, which it shares with the tiers of the same access that name the same",
            "`public`, `private`, or `isolated`, by access",
        ),
        Key::new(
            "per_zone",
            "whether its route table is one for each zone",
            "`true` for private tiers",
        ),
        Key::new("range", "the secondary range that its addresses come from", "the base range"),
        Key::new("prefix_length", "the size of each subnet, 16 to 28", "this, `ranges`, or `need`")
            .within(16, 28),
        Key::new("generation", "2 and more: a new block, after it has outgrown the one before", "1"),
        Key::new("renamed_from", "names that it had before, oldest first; its subnets stay", "none"),
        Key::new(
            "ranges",
            "the range of each subnet by zone letter: `{ a = \"10.0.0.0/24\", b = \"10.0.1.0/24\" }`",
            "this, `prefix_length`, or `need`",
        ),
        Key::new(
            "need",
            "what each subnet must have room for; the compiler chooses the size and says why",
            "this, `prefix_length`, or `ranges`",
        )
        .one(&NEED),
        Key::new(
            "client_security_groups",
            "whether the module's caller may name security groups whose members may do what other tiers may do to it",
            "`false`",
        ),
        Key::new(
            "public_ips",
            "whether instances that start in a public tier get public addresses unless they say otherwise",
            "`false`",
        ),
        Key::new("tags", "tags of its subnets", "none"),
    ]),
    read: read::<Tier>,
};

static NEED: Table = Table {
    title: "",
    about: "`need` is of the network at its peak:",
    keys: Cow::Borrowed(&[
        Key::new("nodes", "Kubernetes nodes, over all zones", "0"),
        Key::new("growth_percent", "growth to plan for; 100 doubles the nodes", "0"),
        Key::new("pods_per_node", "pods on each node", "as many as fit"),
        Key::new(
            "cni",
            "`secondary-ip`, `prefix-delegation`, or, with pods in a tier of their own, `custom-secondary-ip`, `custom-prefix-delegation`",
            "`secondary-ip`",
        ),
        Key::new(
            "interfaces_per_node",
            "network interfaces that the instance type has",
            "required with pods",
        ),
        Key::new("addresses_per_interface", "IPv4 addresses of each of them", "required with pods"),
        Key::new("pods_only", "whether the tier holds pods of nodes in another tier", "`false`"),
        Key::new("instances", "databases, caches, machines in each zone", "0"),
        Key::new(
            "load_balancers",
            "application load balancers; each needs 8 free addresses in each zone",
            "0",
        ),
        Key::new("endpoints", "interface endpoints; each takes one address in each zone", "0"),
    ]),
    read: read::<Need>,
};

static FLOW: Table = Table {
    title: "A flow",
    about: "Flows are all that there is to say about security: network ACLs and security groups follow from them, and what no flow permits is denied.",
    keys: Cow::Borrowed(&[
        Key::new("from", "a tier, or `internet`", "required"),
        Key::new("to", "a tier, `internet`, or a gateway endpoint", "required"),
        Key::new("protocol", "`tcp`, `udp`, `icmp`, or `any`", "`tcp`"),
        Key::new("ports", "destination ports and ranges: `[443, \"30000-32767\"]`", "all"),
        Key::new(
            "client_addresses",
            "whether load balancers in `from` pass on the addresses of their clients, as Network Load Balancers do",
            "`false`",
        ),
        Key::new("purpose", "what it is for; it shows in comments and tables", "empty"),
    ]),
    read: read::<Flow>,
};

static KEEP_CLEAR: Table = Table {
    title: "",
    about: "",
    keys: Cow::Borrowed(&[Key::required("name", "whose range it is"), Key::required("cidr", "the range")]),
    read: read::<KeepClear>,
};
