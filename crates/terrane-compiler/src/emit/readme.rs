//! `README.md` and `PROOF.md` of a module: what a person needs to use it, from the same data as the module.

use std::fmt::Write as _;

use super::{Source, diagram, terraform_docs};
use crate::family::V4;
use crate::module::print;
use crate::network::Network;
use crate::proof;
use crate::sizing::usable;

/// Returns the README.
pub(super) fn readme(source: &Source<'_>) -> String {
    let Source { network, module, contract, version, .. } = source;
    let mut text = format!("# {}\n\n", module.name);
    let _ = writeln!(text, "<!-- {} -->\n", print::origin(&module.name));
    if !network.description.is_empty() {
        let _ = writeln!(text, "{}\n", network.description);
    }
    let _ = writeln!(text, "```mermaid\n{}```\n", diagram::diagram(network));
    usage(source, &mut text);
    addresses(network, &mut text);
    flows(network, &mut text);
    let _ = writeln!(text, "{}", terraform_docs::block(contract));
    let _ = writeln!(
        text,
        "## Proof\n\n{}.\nThe whole argument is in [PROOF.md](PROOF.md).\n\n{}",
        proof::summary(source.proof),
        proof::overview(source.proof)
    );
    let _ = writeln!(text, "## Changing it\n\n{}", CHANGING);
    let _ = writeln!(text, "\nVersion {version}.");
    text
}

const CHANGING: &str = "\
- A zone letter keeps its addresses for ever: letters that come and go touch only their own subnets.
- Changing the base range of a live network replaces all of it.
- A tier that is removed keeps its block reserved in `ledger.toml`, so that it can come back.
- State holds root outputs only, so re-export the module as above to read it from elsewhere.";

fn usage(source: &Source<'_>, text: &mut String) {
    let Source { network, module, version, .. } = source;
    let call = match source.address {
        Some(address) => {
            format!("  source  = \"{address}\"\n  version = \"~> {}.{}\"\n", version.major, version.minor)
        }
        None => format!("  source = \"./modules/{}\" # the path of this directory\n", module.name),
    };
    let _ = writeln!(
        text,
        "## Usage\n\n```hcl\nmodule \"network\" {{\n{call}\n  cidr_block = \"{}\"\n}}\n\n# State holds root outputs only: this one line makes every output of the module readable from elsewhere.\noutput \"network\" {{\n  value = module.network\n}}\n```\n",
        network.ranges[0].default
    );
    let required: Vec<String> = module
        .variables
        .iter()
        .filter(|variable| variable.default.is_none())
        .map(|variable| format!("`{}`", variable.name))
        .collect();
    if !required.is_empty() {
        let _ = writeln!(text, "You must also set {}.\n", required.join(", "));
    }
}

fn addresses(network: &Network, text: &mut String) {
    text.push_str("## Addresses\n\nWith the default ranges:\n\n| tier | access | zone | subnet | usable addresses |\n|---|---|---|---|--:|\n");
    for (idx, tier) in network.tiers.iter().enumerate() {
        for zone in &network.zones {
            if let Some(block) = network.subnet(idx, *zone) {
                let range = network.place(tier.range, block);
                let usable = usable::<V4>(range.prefix_length());
                let _ = writeln!(text, "| {} | {} | {zone} | {range} | {usable} |", tier.name, tier.access);
            }
        }
    }
    let spare: Vec<String> = network
        .slots
        .keys()
        .filter(|letter| !network.zones.contains(letter))
        .map(|letter| format!("`{letter}`"))
        .collect();
    if !spare.is_empty() {
        let _ = writeln!(text, "\nEach tier has spare room for {}.", zones(&spare));
    }
    for range in &network.ranges {
        let within: Vec<String> = range.admitted.within.iter().map(ToString::to_string).collect();
        let _ = writeln!(
            text,
            "\n`{}` may be {} in {}; all that is said here holds for each of them, in proportion.",
            range.variable,
            range.sizes(),
            within.join(", ")
        );
    }
    text.push('\n');
}

fn zones(letters: &[String]) -> String {
    if letters.len() == 1 { format!("zone {}", letters[0]) } else { format!("zones {}", letters.join(", ")) }
}

fn flows(network: &Network, text: &mut String) {
    if network.flows.is_empty() {
        text.push_str("## Flows\n\nNone is declared: nothing may talk to anything.\n\n");
        return;
    }
    text.push_str("## Flows\n\nOnly these, and the replies to them:\n\n| flow | traffic |\n|---|---|\n");
    for flow in &network.flows {
        let traffic: Vec<String> = flow.traffic().iter().map(ToString::to_string).collect();
        let _ = writeln!(text, "| {} | {} |", network.describe(flow), traffic.join(", "));
    }
    text.push('\n');
}

/// Returns `PROOF.md`.
pub(super) fn proof(source: &Source<'_>) -> String {
    let name = &source.module.name;
    format!(
        "# What `{name}` keeps apart, and what it lets through\n\n<!-- {} -->\n\n{}",
        print::origin(name),
        proof::markdown(source.proof)
    )
}
