//! The one way from a topology to a module, with the places to stop on it: [`Resolved`], [`Checked`], [`Compilation`].

use std::borrow::Borrow;

use semver::Version;
use terrane_contract::Contract;

use crate::address_plan::allocate;
use crate::declaration::Declaration;
use crate::diagnostics::{Diagnostics, Origin};
use crate::file_tree::FileTree;
use crate::floor;
use crate::ledger::Ledger;
use crate::module::{self, Module};
use crate::network::Network;
use crate::proof::{Proof, prove};
use crate::topology::Topology;
use crate::{digest, emit, features, lower, resolve};

/// A topology whose blocks are placed and whose defaults are explicit: what AWS will see.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The network.
    pub network: Network,
    /// The ledger with what was recorded on the way.
    pub ledger: Ledger,
    /// Problems that did not stop it.
    pub warnings: Diagnostics,
    /// The Terraform version that was asked for, and where.
    floor: (Option<(u64, u64)>, Origin),
}

/// A network that is proved and lowered: whatever is wrong with it is known, and nothing is written yet.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The network.
    pub network: Network,
    /// The ledger with what was recorded on the way.
    pub ledger: Ledger,
    /// What the network keeps apart, and what it lets through.
    pub proof: Proof,
    /// Terraform as data; it does not say yet which version it is.
    pub module: Module,
    /// Every problem of the topology; [`emit`](Checked::emit) refuses it if one of them is an error.
    pub found: Diagnostics,
}

/// Everything that a compilation yields.
#[derive(Clone, Debug)]
pub struct Compilation {
    /// The ledger with what this compilation recorded.
    pub ledger: Ledger,
    /// The network.
    pub network: Network,
    /// What it keeps apart, and what it lets through.
    pub proof: Proof,
    /// Terraform as data.
    pub module: Module,
    /// The module's interface.
    pub contract: Contract,
    /// The module's files.
    pub files: FileTree,
    /// Problems that did not stop the compilation.
    pub warnings: Diagnostics,
}

impl Resolved {
    /// Reads, allocates, and resolves a topology, with the ledger that was committed for it.
    ///
    /// # Errors
    ///
    /// Returns every problem that the failing stage finds, and all warnings before it.
    pub fn of(topology: &Topology, ledger: &Ledger) -> Result<Resolved, Diagnostics> {
        let declaration = Declaration::read(topology)?;
        let mut warnings = declaration.warnings.clone();
        let (plan, mut ledger) = warnings.before(allocate(&declaration, ledger))?;
        warnings.extend(plan.warnings.clone());
        let network = warnings.before(resolve::resolve(&declaration, &plan, &mut ledger))?;
        warnings.extend(features::warnings(&network));
        let floor = (declaration.terraform, topology.place("terraform").clone());
        Ok(Resolved { network, ledger, warnings, floor })
    }

    /// As [`of`](Resolved::of), where the texts of both inputs may be wrong already.
    ///
    /// # Errors
    ///
    /// Returns what is wrong with both.
    pub fn of_read(
        topology: Result<impl Borrow<Topology>, Diagnostics>,
        ledger: Result<Ledger, Diagnostics>,
    ) -> Result<Resolved, Diagnostics> {
        match ledger {
            Ok(ledger) => Resolved::of(topology?.borrow(), &ledger),
            Err(of_ledger) => {
                let of_topology = topology.and_then(|topology| Declaration::read(topology.borrow())).err();
                let mut found = of_topology.unwrap_or_default();
                found.extend(of_ledger);
                Err(found)
            }
        }
    }

    /// Proves the network, lowers it, and adds what both find to the problems.
    ///
    /// # Panics
    ///
    /// As [`compile`](crate::compile).
    #[must_use]
    pub fn check(self) -> Checked {
        let Resolved { network, ledger, warnings: mut found, floor: (asked, origin) } = self;
        let proof = prove(&network);
        let module = lower::lower(&network);
        found.extend(proof.diagnostics());
        found.extend(floor::check(asked, &origin, &module));
        Checked { network, ledger, proof, module, found }
    }
}

impl Checked {
    /// Writes the module's files for a version.
    ///
    /// # Errors
    ///
    /// Returns all problems if one of them is an error.
    ///
    /// # Panics
    ///
    /// As [`compile`](crate::compile).
    pub fn emit(self, version: &Version) -> Result<Compilation, Diagnostics> {
        self.emit_for(version, None)
    }

    /// As [`emit`](Checked::emit), for a registry: `address` is how callers name the module there, such as
    /// `modules.example.com/network/shop/aws`. Without one, the README shows a local path.
    ///
    /// # Errors
    ///
    /// As [`emit`](Checked::emit).
    ///
    /// # Panics
    ///
    /// As [`compile`](crate::compile).
    pub fn emit_for(self, version: &Version, address: Option<&str>) -> Result<Compilation, Diagnostics> {
        let Checked { network, ledger, proof, mut module, found: mut warnings } = self;
        let network = warnings.ok(network)?;
        emit::identify(&mut module, version, "");
        let contract = emit::contract(&network, &module, &module::checked(&module), &ledger);
        let json = emit::json(&contract);
        emit::identify(&mut module, version, &digest::short(&json));
        let source = emit::Source {
            network: &network,
            proof: &proof,
            module: &module,
            contract: &contract,
            ledger: &ledger,
            version,
            address,
        };
        let files = emit::emit(&source, json);
        Ok(Compilation { ledger, network, proof, module, contract, files, warnings })
    }
}
