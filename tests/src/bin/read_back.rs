//! Reads every network of a state in S3 through `terrane-outputs`, and checks what it reads against the emulator's API.
//!
//! `read_back URI ENDPOINT` knows where the state and the emulator are, and nothing of how the networks were made.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt::Debug;
use std::net::Ipv4Addr;
use std::process::ExitCode;

use ipnet::Ipv4Net;
use terrane_outputs::isolated_databases::v1::IsolatedDatabases;
use terrane_outputs::kubernetes_network::v1::KubernetesNetwork;
use terrane_outputs::platform_network::v1::PlatformNetwork;
use terrane_outputs::public_network::v1::PublicNetwork;
use terrane_outputs::single_nat_network::v1::SingleNatNetwork;
use terrane_state::{
    AvailabilityZone, InternetGatewayId, NatGatewayId, RouteTableId, State, SubnetId, VpcId,
};
use terrane_xtask::aws::{Address, Aws, NatGateway, RouteTable, Subnet};

/// By zone letter.
type ByZone<T> = BTreeMap<String, T>;

/// What the outputs of any of our modules say; what a module does not have is empty.
struct Network {
    vpc_id: VpcId,
    subnet_ids: BTreeMap<String, ByZone<SubnetId>>,
    subnet_cidr_blocks: BTreeMap<String, ByZone<Ipv4Net>>,
    availability_zones: ByZone<AvailabilityZone>,
    internet_gateway_id: Option<InternetGatewayId>,
    public_route_table_id: Option<RouteTableId>,
    private_route_table_ids: ByZone<RouteTableId>,
    isolated_route_table_id: Option<RouteTableId>,
    nat_gateway_ids: ByZone<NatGatewayId>,
    nat_public_ips: ByZone<Ipv4Addr>,
}

/// A network of the fields that all modules have, and those that are named.
macro_rules! network {
    ($outputs:ident: some $($some:ident)*; all $($all:ident)*) => {
        Network {
            $($some: Some($outputs.$some),)*
            $($all: $outputs.$all,)*
            ..Network {
                vpc_id: $outputs.vpc_id,
                subnet_ids: $outputs.subnet_ids,
                subnet_cidr_blocks: $outputs.subnet_cidr_blocks,
                availability_zones: $outputs.availability_zones,
                internet_gateway_id: None,
                public_route_table_id: None,
                private_route_table_ids: ByZone::new(),
                isolated_route_table_id: None,
                nat_gateway_ids: ByZone::new(),
                nat_public_ips: ByZone::new(),
            }
        }
    };
}

impl Network {
    /// Reads an output of the state as the struct of the module that it says it is.
    fn read(state: &State, output: &str) -> Result<Network, Box<dyn Error>> {
        let module = state.value_at(&format!("{output}.terrane.module"))?.as_str().unwrap_or_default();
        Ok(match module {
            "isolated-databases" => {
                let outputs: IsolatedDatabases = state.module(output)?;
                network!(outputs: some isolated_route_table_id; all)
            }
            "kubernetes-network" => {
                let outputs: KubernetesNetwork = state.module(output)?;
                network!(outputs: some internet_gateway_id public_route_table_id;
                    all private_route_table_ids nat_gateway_ids nat_public_ips)
            }
            "platform-network" => {
                let outputs: PlatformNetwork = state.module(output)?;
                network!(outputs: some internet_gateway_id public_route_table_id isolated_route_table_id;
                    all private_route_table_ids nat_gateway_ids nat_public_ips)
            }
            "public-network" => {
                let outputs: PublicNetwork = state.module(output)?;
                network!(outputs: some internet_gateway_id public_route_table_id; all)
            }
            "single-nat-network" => {
                let outputs: SingleNatNetwork = state.module(output)?;
                network!(outputs: some internet_gateway_id public_route_table_id;
                    all private_route_table_ids nat_gateway_ids nat_public_ips)
            }
            other => return Err(format!("output `{output}` is of an unknown module `{other}`").into()),
        })
    }
}

/// What the emulator says exists.
struct Api {
    subnets: Vec<Subnet>,
    route_tables: Vec<RouteTable>,
    nat_gateways: Vec<NatGateway>,
    addresses: Vec<Address>,
}

impl Api {
    fn ask(aws: &Aws) -> Result<Api, Box<dyn Error>> {
        Ok(Api {
            subnets: aws.subnets()?,
            route_tables: aws.route_tables()?,
            nat_gateways: aws.nat_gateways()?,
            addresses: aws.addresses()?,
        })
    }

    /// Returns the addresses that a NAT gateway shows to the outside.
    fn addresses_of(&self, nat: &NatGateway) -> BTreeSet<String> {
        let shown = self.addresses.iter().filter(|address| nat.allocations.contains(&address.allocation));
        shown.map(|address| address.public_ip.clone()).collect()
    }
}

/// Statements compared, and those that do not hold.
#[derive(Default)]
struct Findings {
    compared: usize,
    problems: Vec<String>,
}

impl Findings {
    fn equal<T: PartialEq + Debug>(&mut self, what: &str, in_state: T, in_aws: T) {
        self.compared += 1;
        if in_state != in_aws {
            self.problems.push(format!("{what} is {in_state:?} in the state, and {in_aws:?} in AWS"));
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let [_, uri, endpoint] = &std::env::args().collect::<Vec<_>>()[..] else {
        return Err("usage: read_back URI ENDPOINT".into());
    };
    let state = terrane_state::read(uri).await?;
    let api = Api::ask(&Aws::new(endpoint, terrane_xtask::e2e::REGION))?;
    let mut findings = Findings::default();
    for (output, _) in state.iter() {
        check(output, &Network::read(&state, output)?, &api, &mut findings);
    }
    for problem in &findings.problems {
        eprintln!("{problem}");
    }
    println!("{} statements compared", findings.compared);
    Ok(if findings.problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn check(name: &str, network: &Network, api: &Api, findings: &mut Findings) {
    let vpc = network.vpc_id.as_str();
    let mut ids = BTreeSet::new();
    for (tier, subnets) in &network.subnet_ids {
        for (letter, id) in subnets {
            let place = format!("{name}: subnet {tier}-{letter}");
            ids.insert(id.as_str());
            match api.subnets.iter().find(|subnet| subnet.id == id.as_str()) {
                Some(subnet) => check_subnet(&place, network, (tier, letter), subnet, api, findings),
                None => findings.equal(&place, Some(id.as_str()), None),
            }
        }
    }
    let in_aws = api.subnets.iter().filter(|subnet| subnet.vpc == vpc);
    findings.equal(
        &format!("{name}: the set of subnets"),
        ids,
        in_aws.map(|subnet| subnet.id.as_str()).collect(),
    );
    let in_aws = api.nat_gateways.iter().filter(|nat| nat.vpc == vpc);
    let ids = network.nat_gateway_ids.values().map(NatGatewayId::as_str);
    findings.equal(
        &format!("{name}: the set of NAT gateways"),
        ids.collect::<BTreeSet<_>>(),
        in_aws.map(|nat| nat.id.as_str()).collect(),
    );
}

fn check_subnet(
    place: &str,
    network: &Network,
    (tier, letter): (&str, &str),
    subnet: &Subnet,
    api: &Api,
    findings: &mut Findings,
) {
    findings.equal(&format!("{place}: VPC"), network.vpc_id.as_str(), &subnet.vpc);
    let range = network.subnet_cidr_blocks.get(tier).and_then(|ranges| ranges.get(letter));
    findings.equal(&format!("{place}: range"), range.map(ToString::to_string), Some(subnet.cidr.clone()));
    let zone = network.availability_zones.get(letter).map(AvailabilityZone::as_str);
    findings.equal(&format!("{place}: zone"), zone, Some(&subnet.zone));
    let Some(table) = api.route_tables.iter().find(|table| table.subnets.contains(&subnet.id)) else {
        return findings.equal(&format!("{place}: has a route table"), true, false);
    };
    // What the table does, not what it is called, says which output must name it.
    let target =
        table.routes.iter().find(|route| route.destination == "0.0.0.0/0").map(|route| &*route.target);
    let nat = api.nat_gateways.iter().find(|nat| Some(&*nat.id) == target);
    let output = match (target, nat) {
        (None, _) => network.isolated_route_table_id.as_ref(),
        (Some(_), Some(_)) => network.private_route_table_ids.get(letter),
        (Some(_), None) => network.public_route_table_id.as_ref(),
    };
    findings.equal(&format!("{place}: route table"), output.map(RouteTableId::as_str), Some(&table.id));
    let Some(nat) = nat else {
        let gateway = target.and(network.internet_gateway_id.as_ref()).map(InternetGatewayId::as_str);
        return findings.equal(&format!("{place}: way out"), gateway, target);
    };
    // One NAT gateway serves its own zone, or all of them.
    let serves = |ids: &ByZone<NatGatewayId>| {
        ids.iter().find(|(_, id)| id.as_str() == nat.id).map(|(home, _)| home.clone())
    };
    let home = serves(&network.nat_gateway_ids);
    findings.equal(&format!("{place}: NAT gateway in the state"), home.is_some(), true);
    if network.nat_gateway_ids.len() > 1 {
        findings.equal(&format!("{place}: zone of its NAT gateway"), home.as_deref(), Some(letter));
    }
    let address = home.and_then(|home| network.nat_public_ips.get(&home)).map(ToString::to_string);
    findings.equal(&format!("{place}: NAT address"), address.into_iter().collect(), api.addresses_of(nat));
}
