//! The loop: networks applied by roots that call modules by `source`, read back from S3 by programs of their own.

use std::process::{Command, Output};

use terrane_xtask::{
    Workspace,
    e2e::{self, Applied, Call},
    emulator::Emulators,
    terraform::Terraform,
};

/// Where [`e2e::apply`] has the state kept.
const STATE: &str = "s3://states/network/terraform.tfstate";

const READ_BACK: &str = env!("CARGO_BIN_EXE_read_back");

/// Lets a program that knows the state's place alone read every network, and compare it with the emulator's API.
///
/// Returns how many statements it compared.
pub(crate) fn check(applied: &Applied) -> usize {
    let endpoint = applied.emulator.endpoint();
    let said = run(READ_BACK, &[STATE, endpoint], endpoint).unwrap();
    let (n_compared, rest) = said.split_once(' ').unwrap();
    assert_eq!(rest, "statements compared\n");
    n_compared.parse().unwrap()
}

/// Runs a program with no more than the credentials to read, and returns what it says: what it found, or what is wrong.
fn run(program: &str, arguments: &[&str], endpoint: &str) -> Result<String, String> {
    let mut command = Command::new(program);
    command.args(arguments).envs([
        ("AWS_ENDPOINT_URL_S3", endpoint),
        ("AWS_REGION", e2e::REGION),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ]);
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    if status.success() { Ok(text(stdout)) } else { Err(text(stderr)) }
}

#[test]
fn each_module_of_the_catalog_is_read_back_as_it_exists() {
    let workspace = Workspace::find().unwrap();
    let Some(terraform) = Terraform::find_or_skip(&workspace.cache()).unwrap() else { return };
    let calls: Vec<Call> =
        terrane_catalog::all().iter().map(|topology| Call::of(&workspace, &topology.name)).collect();
    let applied = e2e::apply(&terraform, &Emulators::install(&workspace.cache()).unwrap(), &calls).unwrap();
    let subnets =
        applied.observe().unwrap().subnets.into_iter().filter(|subnet| !subnet.tags.is_empty()).count();
    // VPC, range, zone, route table, and way out, for each subnet of each network.
    assert!(check(&applied) >= 5 * subnets);
    let endpoint = applied.emulator.endpoint();
    let said = run(env!("CARGO_BIN_EXE_subnets"), &[STATE, "kubernetes_network"], endpoint).unwrap();
    assert_eq!(said.lines().count(), 9, "{said}");
    every_lie_is_found(&applied);
}

/// The comparison itself is tried, with states that say what is not so.
fn every_lie_is_found(applied: &Applied) {
    let endpoint = applied.emulator.endpoint();
    let truth = applied.root.state_pull().unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    for (place, lie, problem) in [
        ("kubernetes_network/value/vpc_id", "vpc-0", "subnet app-a: VPC is"),
        ("kubernetes_network/value/subnet_ids/app/a", "subnet-0", "the set of subnets is"),
        ("kubernetes_network/value/subnet_cidr_blocks/app/a", "10.9.0.0/24", "subnet app-a: range is"),
        ("kubernetes_network/value/availability_zones/b", "us-east-1f", "subnet db-b: zone is"),
        ("kubernetes_network/value/private_route_table_ids/b", "rtb-0", "subnet app-b: route table is"),
        ("kubernetes_network/value/nat_public_ips/c", "192.0.2.1", "subnet app-c: NAT address is"),
        ("single_nat_network/value/nat_gateway_ids/a", "nat-0", "subnet app-b: NAT gateway in the state is"),
        ("public_network/value/internet_gateway_id", "igw-0", "subnet web-a: way out is"),
        ("isolated_databases/value/isolated_route_table_id", "rtb-0", "subnet db-a: route table is"),
        ("platform_network/value/public_route_table_id", "rtb-0", "subnet edge-a: route table is"),
    ] {
        let mut state = truth.clone();
        let told = state.pointer_mut(&format!("/outputs/{place}")).unwrap_or_else(|| panic!("no {place}"));
        *told = lie.into();
        std::fs::write(path, state.to_string()).unwrap();
        let found = run(READ_BACK, &[path, endpoint], endpoint).unwrap_err();
        assert!(found.contains(problem), "{place}: {found}");
    }
}
