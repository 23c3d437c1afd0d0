//! The networks that Terrane publishes, one file each.
//!
//! A new network is one file with a function and one line in [`all`].

mod isolated_databases;
mod kubernetes_network;
mod platform_network;
mod public_network;
mod single_nat_network;

pub use isolated_databases::isolated_databases;
pub use kubernetes_network::kubernetes_network;
pub use platform_network::platform_network;
pub use public_network::public_network;
pub use single_nat_network::single_nat_network;

use terrane_compiler::topology::Topology;

/// Returns every network of the catalog, sorted by name.
pub fn all() -> Vec<Topology> {
    vec![
        isolated_databases(),
        kubernetes_network(),
        platform_network(),
        public_network(),
        single_nat_network(),
    ]
}
