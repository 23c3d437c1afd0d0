//! What only the whole shows: modules under real Terraform, and contracts across crates.

#[cfg(test)]
mod architecture;
#[cfg(test)]
mod churn;
#[cfg(test)]
mod contracts;
#[cfg(test)]
mod features;
#[cfg(test)]
mod flow_logs;
#[cfg(test)]
mod golden;
mod orders;
#[cfg(test)]
mod proof;
#[cfg(test)]
mod random;
#[cfg(test)]
mod read_back;
#[cfg(test)]
mod state;
#[cfg(test)]
mod zones;
