//! The builder: one method for each thing that an author can say; those about features are in their files.

use std::collections::BTreeMap;

use super::{
    Access, CniMode, Dns, Flow, FlowProtocol, KeepClear, Keys, Need, Ports, SecondaryRange, Site, Tier,
    Topology,
};
use crate::diagnostics::{Origin, Places};

impl Topology {
    /// Returns a topology with a name and nothing else.
    #[track_caller]
    pub fn new(name: &str) -> Topology {
        Topology {
            name: name.to_owned(),
            description: String::new(),
            terraform: None,
            base: String::new(),
            zones: Vec::new(),
            dns: Dns::default(),
            tags: BTreeMap::new(),
            secondary: Vec::new(),
            tiers: Vec::new(),
            flows: Vec::new(),
            keep_clear: Vec::new(),
            retired: Vec::new(),
            reclaim: Vec::new(),
            features: Keys::default(),
            origin: Origin::caller(),
            places: Places::default(),
        }
    }

    /// Says what the network is for.
    #[must_use]
    pub fn description(mut self, text: &str) -> Topology {
        text.clone_into(&mut self.description);
        self
    }

    /// Asks for a module that this Terraform version can use.
    #[must_use]
    #[track_caller]
    pub fn terraform(mut self, version: &str) -> Topology {
        self.places.insert("terraform", Origin::caller());
        self.terraform = Some(version.to_owned());
        self
    }

    /// Sets the base range: a /16 to a /28 in private space.
    #[must_use]
    #[track_caller]
    pub fn base(mut self, cidr: &str) -> Topology {
        self.places.insert("base", Origin::caller());
        cidr.clone_into(&mut self.base);
        self
    }

    /// Adds a range beside the base range.
    #[must_use]
    #[track_caller]
    pub fn secondary(mut self, name: &str, cidr: &str) -> Topology {
        self.secondary.push(SecondaryRange {
            name: name.to_owned(),
            cidr: cidr.to_owned(),
            origin: Origin::caller(),
        });
        self
    }

    /// Sets the zone letters.
    #[must_use]
    #[track_caller]
    pub fn zones<'a>(mut self, letters: impl IntoIterator<Item = &'a str>) -> Topology {
        self.places.insert("zones", Origin::caller());
        self.zones = letters.into_iter().map(str::to_owned).collect();
        self
    }

    /// Adds a tier.
    #[must_use]
    pub fn tier(mut self, tier: Tier) -> Topology {
        self.tiers.push(tier);
        self
    }

    /// Permits a flow.
    #[must_use]
    pub fn flow(mut self, flow: Flow) -> Topology {
        self.flows.push(flow);
        self
    }

    /// Keeps the network clear of a range elsewhere.
    #[must_use]
    #[track_caller]
    pub fn keep_clear(mut self, name: &str, cidr: &str) -> Topology {
        self.keep_clear.push(KeepClear {
            name: name.to_owned(),
            cidr: cidr.to_owned(),
            origin: Origin::caller(),
        });
        self
    }

    /// Sets the VPC's DNS settings.
    #[must_use]
    #[track_caller]
    pub fn dns(mut self, support: bool, hostnames: bool) -> Topology {
        self.places.insert("dns", Origin::caller());
        self.dns = Dns { support, hostnames };
        self
    }

    /// Adds a tag to everything that takes tags.
    #[must_use]
    #[track_caller]
    pub fn tag(mut self, key: &str, value: &str) -> Topology {
        self.places.insert(&format!("tags.{key}"), Origin::caller());
        self.tags.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Says that no tier may have this name before the next major version.
    #[must_use]
    pub fn retire(mut self, name: &str) -> Topology {
        self.retired.push(name.to_owned());
        self
    }

    /// Frees the blocks that the ledger keeps for a tier that was removed, or for its earlier generations.
    #[must_use]
    #[track_caller]
    pub fn reclaim(mut self, tier: &str) -> Topology {
        self.places.insert(&format!("reclaim[{}]", self.reclaim.len()), Origin::caller());
        self.reclaim.push(tier.to_owned());
        self
    }

    /// Returns where the value at a path was declared, such as `zones[1]`.
    pub(crate) fn place(&self, path: &str) -> &Origin {
        self.places.get(path).unwrap_or(&self.origin)
    }
}

impl Tier {
    #[track_caller]
    fn new(name: &str, access: Access) -> Tier {
        Tier {
            name: name.to_owned(),
            access,
            zones: None,
            site: None,
            route_table: None,
            per_zone: None,
            range: None,
            prefix_length: None,
            generation: 1,
            renamed_from: Vec::new(),
            ranges: None,
            need: None,
            client_security_groups: false,
            public_ips: false,
            tags: BTreeMap::new(),
            origin: Origin::caller(),
        }
    }

    /// Returns a tier whose default route leads to the internet gateway.
    #[track_caller]
    pub fn public(name: &str) -> Tier {
        Tier::new(name, Access::Public)
    }

    /// Returns a tier whose default route leads to a NAT gateway, if the network has one.
    #[track_caller]
    pub fn private(name: &str) -> Tier {
        Tier::new(name, Access::Private)
    }

    /// Returns a tier that has no default route.
    #[track_caller]
    pub fn isolated(name: &str) -> Tier {
        Tier::new(name, Access::Isolated)
    }

    /// Gives it subnets in these zones alone. Its block keeps a slot for each of the others.
    #[must_use]
    pub fn zones<'a>(mut self, letters: impl IntoIterator<Item = &'a str>) -> Tier {
        self.zones = Some(letters.into_iter().map(str::to_owned).collect());
        self
    }

    /// Puts it in Local Zones or on an Outpost.
    #[must_use]
    pub fn site(mut self, site: Site) -> Tier {
        self.site = Some(site);
        self
    }

    /// Gives it a route table of this name, which it shares with the tiers that name the same.
    #[must_use]
    pub fn route_table(mut self, name: &str) -> Tier {
        self.route_table = Some(name.to_owned());
        self
    }

    /// Says whether its route table is one for each zone.
    #[must_use]
    pub fn per_zone(mut self, per_zone: bool) -> Tier {
        self.per_zone = Some(per_zone);
        self
    }

    /// Sizes each subnet by prefix length, 16 to 28.
    #[must_use]
    pub fn prefix_length(mut self, length: u8) -> Tier {
        self.prefix_length = Some(length);
        self
    }

    /// Gives the range of each subnet by zone letter.
    #[must_use]
    pub fn ranges<'a>(mut self, ranges: impl IntoIterator<Item = (&'a str, &'a str)>) -> Tier {
        self.ranges =
            Some(ranges.into_iter().map(|(letter, cidr)| (letter.to_owned(), cidr.to_owned())).collect());
        self
    }

    /// Sizes each subnet by what it must have room for.
    #[must_use]
    pub fn need(mut self, need: Need) -> Tier {
        self.need = Some(need);
        self
    }

    /// Takes the tier's addresses from a secondary range.
    #[must_use]
    pub fn in_range(mut self, name: &str) -> Tier {
        self.range = Some(name.to_owned());
        self
    }

    /// Lets the module's caller name security groups, such as that of an EKS cluster, whose members may do to this tier
    /// what members of other tiers are declared to do.
    #[must_use]
    pub fn client_security_groups(mut self) -> Tier {
        self.client_security_groups = true;
        self
    }

    /// Gives instances that start in a public tier public addresses, unless they say otherwise.
    ///
    /// Load balancers and NAT gateways need no such default: they bring addresses of their own.
    #[must_use]
    pub fn public_ips(mut self) -> Tier {
        self.public_ips = true;
        self
    }

    /// Says which name the tier had before.
    #[must_use]
    pub fn renamed_from(mut self, name: &str) -> Tier {
        self.renamed_from.push(name.to_owned());
        self
    }

    /// Asks for a new block, after the tier has outgrown the one before.
    #[must_use]
    pub fn generation(mut self, generation: u32) -> Tier {
        self.generation = generation;
        self
    }

    /// Adds a tag to the tier's subnets.
    #[must_use]
    pub fn tag(mut self, key: &str, value: &str) -> Tier {
        self.tags.insert(key.to_owned(), value.to_owned());
        self
    }
}

impl Need {
    /// Returns the need of this many Kubernetes nodes over all zones.
    pub fn nodes(count: u32) -> Need {
        Need { nodes: Some(count), ..Need::default() }
    }

    /// Returns the need of this many instances per zone.
    pub fn instances(count: u32) -> Need {
        Need { instances: Some(count), ..Need::default() }
    }

    /// Sets the expected growth in percent; 100 doubles the nodes.
    #[must_use]
    pub fn growth_percent(mut self, percent: u32) -> Need {
        self.growth_percent = Some(percent);
        self
    }

    /// Sets the node's instance type: its network interfaces, and the IPv4 addresses of each.
    #[must_use]
    pub fn instance_type(mut self, interfaces: u32, addresses: u32) -> Need {
        self.interfaces_per_node = Some(interfaces);
        self.addresses_per_interface = Some(addresses);
        self
    }

    /// Sets how pods get their addresses.
    #[must_use]
    pub fn cni(mut self, mode: CniMode) -> Need {
        self.cni = Some(mode);
        self
    }

    /// Sets the pods per node; the most the node can hold otherwise.
    #[must_use]
    pub fn pods_per_node(mut self, pods: u32) -> Need {
        self.pods_per_node = Some(pods);
        self
    }

    /// Says that this tier holds the pods of nodes that live in another tier.
    #[must_use]
    pub fn pods_only(mut self) -> Need {
        self.pods_only = true;
        self
    }

    /// Adds application load balancers.
    #[must_use]
    pub fn load_balancers(mut self, count: u32) -> Need {
        self.load_balancers = Some(count);
        self
    }

    /// Adds interface endpoints.
    #[must_use]
    pub fn endpoints(mut self, count: u32) -> Need {
        self.endpoints = Some(count);
        self
    }
}

impl Flow {
    #[track_caller]
    fn new(protocol: FlowProtocol, ports: Vec<Ports>) -> Flow {
        Flow {
            from: String::new(),
            to: String::new(),
            protocol,
            ports,
            client_addresses: false,
            purpose: String::new(),
            origin: Origin::caller(),
        }
    }

    /// Returns a flow to these TCP ports; none means all.
    #[track_caller]
    pub fn tcp<P: Into<Ports>>(ports: impl IntoIterator<Item = P>) -> Flow {
        Flow::new(FlowProtocol::Tcp, ports.into_iter().map(Into::into).collect())
    }

    /// Returns a flow to these UDP ports; none means all.
    #[track_caller]
    pub fn udp<P: Into<Ports>>(ports: impl IntoIterator<Item = P>) -> Flow {
        Flow::new(FlowProtocol::Udp, ports.into_iter().map(Into::into).collect())
    }

    /// Returns a flow of ICMP messages of every type.
    #[track_caller]
    pub fn icmp() -> Flow {
        Flow::new(FlowProtocol::Icmp, Vec::new())
    }

    /// Returns a flow of every protocol.
    #[track_caller]
    pub fn any() -> Flow {
        Flow::new(FlowProtocol::Any, Vec::new())
    }

    /// Names the tier that opens connections, or `internet`.
    #[must_use]
    pub fn from(mut self, tier: &str) -> Flow {
        tier.clone_into(&mut self.from);
        self
    }

    /// Names the tier that accepts them, `internet`, or a gateway endpoint.
    #[must_use]
    pub fn to(mut self, tier: &str) -> Flow {
        tier.clone_into(&mut self.to);
        self
    }

    /// Lets the members of a tier talk to each other.
    #[must_use]
    pub fn within(self, tier: &str) -> Flow {
        self.from(tier).to(tier)
    }

    /// Says that load balancers pass on the addresses of their clients on the internet, as Network Load Balancers do:
    /// network ACLs of the targets then see those. Security groups still see the load balancer's group.
    #[must_use]
    pub fn client_addresses(mut self) -> Flow {
        self.client_addresses = true;
        self
    }

    /// Says what it is for.
    #[must_use]
    pub fn purpose(mut self, text: &str) -> Flow {
        text.clone_into(&mut self.purpose);
        self
    }
}
