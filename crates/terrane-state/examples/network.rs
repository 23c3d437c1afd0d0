//! Reads a network that a Terraform root re-exports with `output "network" { value = module.network }`:
//!
//! ```sh
//! AWS_REGION=eu-west-1 cargo run --example network -- s3://acme-state/network.tfstate
//! ```

use std::collections::BTreeMap;

use terrane_state::{SubnetId, VpcId};

#[derive(Debug, serde::Deserialize)]
struct Network {
    vpc_id: VpcId,
    cidr_block: Option<ipnet::Ipv4Net>,
    subnet_ids: Option<BTreeMap<String, BTreeMap<String, SubnetId>>>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let uri =
        std::env::args().nth(1).ok_or("usage: network s3://bucket/key, a state file, or a directory")?;
    let state = terrane_state::read(&uri).await?;
    let network: Network = state.outputs_of("network")?;
    println!("{} {:?}", network.vpc_id, network.cidr_block);
    for (tier, subnets) in network.subnet_ids.unwrap_or_default() {
        println!("{tier}: {subnets:?}");
    }
    Ok(())
}
