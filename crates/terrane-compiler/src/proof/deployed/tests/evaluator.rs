//! An evaluator of states that shares no code with the reading: one packet at a time, from the JSON.
//!
//! What it cannot know it takes to open a way. That makes it a judge of one question alone: may a packet arrive?

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use serde_json::Value;

/// What a packet is beside its addresses: the protocol's number, and a port or an ICMP type and code.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    protocol: u8,
    a: u16,
    b: u16,
}

pub(super) const KINDS: [Kind; 9] = [
    Kind { protocol: 6, a: 22, b: 0 },
    Kind { protocol: 6, a: 443, b: 0 },
    Kind { protocol: 6, a: 40_000, b: 0 },
    Kind { protocol: 17, a: 53, b: 0 },
    Kind { protocol: 17, a: 40_000, b: 0 },
    Kind { protocol: 1, a: 8, b: 0 },
    Kind { protocol: 1, a: 0, b: 0 },
    Kind { protocol: 1, a: 3, b: 4 },
    Kind { protocol: 50, a: 0, b: 0 },
];

const OUTSIDE: [Ipv4Addr; 3] =
    [Ipv4Addr::new(8, 8, 8, 8), Ipv4Addr::new(1, 1, 1, 1), Ipv4Addr::new(203, 0, 114, 9)];

/// The resources of a state.
pub(super) struct Reality<'a>(Vec<(&'a str, &'a Value)>);

impl<'a> Reality<'a> {
    pub(super) fn of(state: &'a Value) -> Reality<'a> {
        let mut all = Vec::new();
        for resource in state["resources"].as_array().into_iter().flatten() {
            for instance in resource["instances"].as_array().into_iter().flatten() {
                all.push((resource["type"].as_str().unwrap_or_default(), &instance["attributes"]));
            }
        }
        Reality(all)
    }

    fn all(&self, ty: &str) -> impl Iterator<Item = &'a Value> {
        self.0.iter().filter(move |(own, _)| *own == ty).map(|(_, attributes)| *attributes)
    }

    /// Returns whether a packet of the internet may arrive in a subnet.
    pub(super) fn internet_arrives(&self, subnet: &str) -> bool {
        if self.somebody_is_let_in(subnet) || self.version_6_arrives(subnet) {
            return true;
        }
        let Some(address) = self.host_in(subnet) else { return true };
        OUTSIDE.iter().any(|outside| {
            self.leads_out(subnet, *outside)
                && KINDS.iter().any(|kind| self.acl_passes(subnet, false, *outside, *kind))
                && address != *outside
        })
    }

    /// Returns whether a packet of one subnet may arrive in another.
    pub(super) fn neighbour_arrives(&self, from: &str, to: &str) -> bool {
        let (Some(source), Some(destination)) = (self.host_in(from), self.host_in(to)) else { return true };
        if self.has_version_6(from) && self.has_version_6(to) && self.acl_passes_version_6(to) {
            return true;
        }
        self.stays_inside(from, destination)
            && KINDS.iter().any(|kind| {
                self.acl_passes(from, true, destination, *kind) && self.acl_passes(to, false, source, *kind)
            })
    }

    /// Returns whether the table of a subnet may lead to an internet gateway.
    pub(super) fn may_be_public(&self, subnet: &str) -> bool {
        self.tables(subnet).is_none_or(|tables| {
            tables.iter().any(|table| {
                self.routes(table).iter().any(|route| {
                    let target = Target::of(route);
                    matches!(target, Target::Internet | Target::Unknown)
                })
            })
        })
    }

    fn host_in(&self, subnet: &str) -> Option<Ipv4Addr> {
        let found = self.all("aws_subnet").find(|attributes| attributes["id"] == subnet)?;
        if found["vpc_id"] != "vpc-1" {
            return None;
        }
        let net: Ipv4Net = found["cidr_block"].as_str()?.parse().ok()?;
        net.hosts().nth(8)
    }

    /// Returns the tables of a subnet; `None` if it has the VPC's main one, of which no state tells.
    fn tables(&self, subnet: &str) -> Option<Vec<&'a str>> {
        let associations = self.all("aws_route_table_association").filter(|row| row["subnet_id"] == subnet);
        let tables: Vec<&str> = associations.filter_map(|row| row["route_table_id"].as_str()).collect();
        (!tables.is_empty()).then_some(tables)
    }

    fn routes(&self, table: &str) -> Vec<&'a Value> {
        let separate = self.all("aws_route").filter(|route| route["route_table_id"] == table);
        let tables = self.all("aws_route_table").chain(self.all("aws_default_route_table"));
        let inline = tables
            .filter(|row| row["id"] == table)
            .flat_map(|row| row["route"].as_array().into_iter().flatten());
        separate.chain(inline).collect()
    }

    /// Returns whether somebody writes routes into a table by themselves.
    fn is_written(&self, table: &str) -> bool {
        let names = |value: &Value| match value {
            Value::String(id) => id == table,
            Value::Array(ids) => ids.iter().any(|id| id == table),
            _ => false,
        };
        let propagating = self.all("aws_route_table").chain(self.all("aws_default_route_table")).any(|row| {
            row["id"] == table && row["propagating_vgws"].as_array().is_some_and(|list| !list.is_empty())
        });
        let writers = [
            ("aws_vpn_gateway_route_propagation", "route_table_id"),
            ("aws_vpc_route_server_propagation", "route_table_id"),
        ];
        propagating || writers.iter().any(|(ty, field)| self.all(ty).any(|row| names(&row[*field])))
    }

    /// Returns whether a subnet's table may lead an address outside to a gateway through which the internet comes in.
    fn leads_out(&self, subnet: &str, outside: Ipv4Addr) -> bool {
        let Some(tables) = self.tables(subnet) else { return true };
        tables.iter().any(|table| {
            let routes = self.routes(table);
            let by_list = routes.iter().any(|route| {
                let list = text(route, "destination_prefix_list_id");
                let target = Target::of(route);
                list.is_some()
                    && !matches!(target, Target::Nat | Target::Local)
                    && !self.is_gateway_endpoint(route)
            });
            let by_range = self.longest(&routes, outside).iter().any(|route| {
                matches!(Target::of(route), Target::Internet | Target::Elsewhere | Target::Unknown)
            });
            by_list || by_range || self.is_written(table)
        })
    }

    fn is_gateway_endpoint(&self, route: &Value) -> bool {
        let id = text(route, "vpc_endpoint_id").or(text(route, "gateway_id"));
        self.all("aws_vpc_endpoint").any(|endpoint| {
            id.is_some_and(|id| endpoint["id"] == id)
                && matches!(endpoint["vpc_endpoint_type"].as_str(), None | Some("Gateway"))
        })
    }

    /// Returns the routes with the longest range that holds an address; one whose range cannot be read is among them.
    fn longest(&self, routes: &[&'a Value], address: Ipv4Addr) -> Vec<&'a Value> {
        let range = |route: &Value| {
            text(route, "destination_cidr_block").or(text(route, "cidr_block")).map(str::to_owned)
        };
        let length = |route: &&Value| match range(route) {
            None => 0,
            Some(range) => match range.parse::<Ipv4Net>() {
                Ok(net) if net.contains(&address) => 1 + u32::from(net.prefix_len()),
                Ok(_) => 0,
                Err(_) => 99,
            },
        };
        let most = routes.iter().map(length).filter(|length| *length < 99).max().unwrap_or(0);
        routes
            .iter()
            .copied()
            .filter(|route| length(route) == 99 || (most > 0 && length(route) == most))
            .collect()
    }

    fn stays_inside(&self, subnet: &str, address: Ipv4Addr) -> bool {
        let Some(tables) = self.tables(subnet) else { return true };
        tables.iter().any(|table| {
            let routes = self.routes(table);
            let longest = self.longest(&routes, address);
            let longer = longest.iter().filter(|route| {
                let range =
                    text(route, "destination_cidr_block").or(text(route, "cidr_block")).unwrap_or_default();
                range.parse::<Ipv4Net>().is_ok_and(|net| net.prefix_len() > 16)
            });
            let mut longer = longer.peekable();
            longer.peek().is_none()
                || longer.any(|route| !matches!(Target::of(route), Target::Nowhere | Target::Nat))
        })
    }

    /// Returns the rules of a subnet's ACLs in one direction; `None` for the ACL that AWS makes.
    fn acls(&self, subnet: &str) -> Vec<&'a str> {
        let holds =
            |row: &&Value| row["subnet_ids"].as_array().is_some_and(|ids| ids.iter().any(|id| id == subnet));
        let owners = self.all("aws_network_acl").filter(holds).filter_map(|row| row["id"].as_str());
        let associated = self.all("aws_network_acl_association").filter(|row| row["subnet_id"] == subnet);
        owners.chain(associated.filter_map(|row| row["network_acl_id"].as_str())).collect()
    }

    fn rules(&self, acl: &str, egress: bool) -> Vec<&'a Value> {
        let field = if egress { "egress" } else { "ingress" };
        let inline = self.all("aws_network_acl").filter(|row| row["id"] == acl);
        let inline = inline.flat_map(|row| row[field].as_array().into_iter().flatten());
        let separate = self.all("aws_network_acl_rule").filter(|row| row["network_acl_id"] == acl);
        let separate = separate.filter(|row| (row["egress"] == true) == egress);
        inline.chain(separate).collect()
    }

    fn acl_passes(&self, subnet: &str, egress: bool, other: Ipv4Addr, kind: Kind) -> bool {
        let acls = self.acls(subnet);
        if acls.is_empty() {
            return true;
        }
        acls.iter().any(|acl| {
            let mut rules = self.rules(acl, egress);
            rules.sort_by_key(|rule| number(rule).unwrap_or_default());
            let Some(first) = rules.iter().find(|rule| matches(rule, other, kind)) else { return false };
            // Where one number stands twice, either may be the one that is there.
            let beside =
                rules.iter().filter(|same| number(same) == number(first) && matches(same, other, kind));
            let mut actions = beside.map(|rule| text(rule, "rule_action").or(text(rule, "action")));
            actions.any(|action| action.is_none_or(|action| !action.eq_ignore_ascii_case("deny")))
        })
    }

    fn has_version_6(&self, subnet: &str) -> bool {
        self.all("aws_subnet").any(|row| {
            row["id"] == subnet && (text(row, "ipv6_cidr_block").is_some() || row["ipv6_native"] == true)
        })
    }

    fn acl_passes_version_6(&self, subnet: &str) -> bool {
        let acls = self.acls(subnet);
        let allows = |rule: &&Value| text(rule, "ipv6_cidr_block").is_some() && rule["action"] != "deny";
        acls.is_empty() || acls.iter().any(|acl| self.rules(acl, false).iter().any(allows))
    }

    fn version_6_arrives(&self, subnet: &str) -> bool {
        let routed = self.tables(subnet).is_none_or(|tables| {
            tables.iter().any(|table| {
                self.routes(table).iter().any(|route| {
                    let v6 = text(route, "destination_ipv6_cidr_block").or(text(route, "ipv6_cidr_block"));
                    v6.is_some() && text(route, "gateway_id").is_some_and(|id| id.starts_with("igw-"))
                })
            })
        });
        self.has_version_6(subnet) && routed && self.acl_passes_version_6(subnet)
    }

    /// Returns whether a service lets somebody outside into the subnet, or into the VPC, past its routes.
    fn somebody_is_let_in(&self, subnet: &str) -> bool {
        let places = [subnet, "vpc-1"];
        let doors = [
            ("aws_ec2_client_vpn_network_association", "subnet_id"),
            ("aws_ec2_instance_connect_endpoint", "subnet_id"),
            ("aws_vpclattice_service_network_vpc_association", "vpc_identifier"),
        ];
        doors
            .iter()
            .any(|(ty, field)| self.all(ty).any(|row| places.iter().any(|place| row[*field] == *place)))
    }
}

/// Where a route leads.
enum Target {
    Internet,
    Nat,
    Local,
    /// Something that is neither, through which the internet may come.
    Elsewhere,
    Unknown,
    Nowhere,
}

impl Target {
    fn of(route: &Value) -> Target {
        if let Some(id) = text(route, "gateway_id") {
            return match id {
                "local" => Target::Local,
                id if id.starts_with("igw-") => Target::Internet,
                _ => Target::Elsewhere,
            };
        }
        if let Some(id) = text(route, "nat_gateway_id") {
            return if id == "nat-1" { Target::Nat } else { Target::Elsewhere };
        }
        let named = [
            "transit_gateway_id",
            "vpc_peering_connection_id",
            "network_interface_id",
            "vpc_endpoint_id",
            "carrier_gateway_id",
            "local_gateway_id",
            "core_network_arn",
            "instance_id",
        ];
        if named.iter().any(|field| text(route, field).is_some()) {
            return Target::Elsewhere;
        }
        let other = route.as_object().into_iter().flatten().any(|(name, value)| {
            (name.ends_with("_id") || name.ends_with("_arn"))
                && ![
                    "route_table_id",
                    "destination_prefix_list_id",
                    "egress_only_gateway_id",
                    "instance_owner_id",
                ]
                .contains(&name.as_str())
                && value.as_str().is_some_and(|text| !text.is_empty())
        });
        if other { Target::Unknown } else { Target::Nowhere }
    }
}

fn text<'v>(value: &'v Value, field: &str) -> Option<&'v str> {
    value[field].as_str().filter(|text| !text.is_empty())
}

fn number(rule: &Value) -> Option<i64> {
    rule["rule_number"].as_i64().or(rule["rule_no"].as_i64())
}

/// Returns whether an ACL rule matches a packet; a rule that cannot be read matches if it allows.
fn matches(rule: &Value, other: Ipv4Addr, kind: Kind) -> bool {
    let action = text(rule, "rule_action").or(text(rule, "action"));
    let unreadable = !action.is_some_and(|action| action.eq_ignore_ascii_case("deny"));
    let Some(range) = text(rule, "cidr_block") else { return false };
    let Ok(range) = range.parse::<Ipv4Net>() else { return unreadable };
    if !range.contains(&other) {
        return false;
    }
    let Some(protocol) = text(rule, "protocol") else { return unreadable };
    let protocol = match protocol.to_lowercase().as_str() {
        "all" | "-1" => return true,
        "tcp" => 6,
        "udp" => 17,
        "icmp" => 1,
        "esp" => 50,
        "icmpv6" => 58,
        digits => match digits.parse::<u8>() {
            Ok(number) => number,
            Err(_) => return unreadable,
        },
    };
    if protocol != kind.protocol {
        return false;
    }
    let int = |field: &str| rule[field].as_i64().or_else(|| rule[field].as_str()?.parse().ok()).unwrap_or(0);
    match protocol {
        6 | 17 => int("from_port") <= i64::from(kind.a) && i64::from(kind.a) <= int("to_port"),
        1 => {
            let is = |field: &str, value: u16| int(field) == -1 || int(field) == i64::from(value);
            is("icmp_type", kind.a) && is("icmp_code", kind.b)
        }
        _ => true,
    }
}
