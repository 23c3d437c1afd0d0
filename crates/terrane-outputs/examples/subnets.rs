//! Prints each subnet of a network: its range, its zone, its route table, and the address that it shows to the internet.
//!
//! ```sh
//! cargo run --example subnets -- s3://acme-state/network.tfstate network
//! ```

use std::error::Error;

use terrane_outputs::kubernetes_network::v1::KubernetesNetwork;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let [_, uri, output] = &std::env::args().collect::<Vec<_>>()[..] else {
        return Err("usage: subnets URI OUTPUT".into());
    };
    let state = terrane_state::read(uri).await?;
    let network: KubernetesNetwork = state.module(output)?;

    for (tier, subnets) in &network.subnet_ids {
        for (letter, subnet) in subnets {
            let range = network.subnet_cidr_blocks[tier][letter];
            let zone = &network.availability_zones[letter];
            let table = match tier.as_str() {
                "pub" => &network.public_route_table_id,
                _ => &network.private_route_table_ids[letter],
            };
            let address = network.nat_public_ips[letter];
            println!("{tier} {letter} {subnet} {range} {zone} {table} {address}");
        }
    }
    Ok(())
}
