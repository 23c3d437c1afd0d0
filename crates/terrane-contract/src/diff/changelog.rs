//! The changes as people read them: the network first, then what callers write and read, then addresses in few words.

use std::collections::{BTreeMap, BTreeSet};

use super::{Bump, Diff, Finding};
use crate::addresses::BlockState;
use crate::{Addresses, Contract};

impl Diff {
    /// Returns one line for each change, as Markdown without bullets.
    ///
    /// Tiers and traffic come first, where both contracts say where their tiers lie. Addresses of one rule share a line.
    pub fn changelog(&self, old: &Contract, new: &Contract) -> Vec<String> {
        let mut lines = topology(old, new);
        let is_shown = |finding: &&Finding| finding.bump > Bump::None;
        let is_address = |finding: &&Finding| finding.rule.starts_with(['R', 'U']);
        for finding in self.findings.iter().filter(is_shown).filter(|finding| !is_address(finding)) {
            let line = format!("`{}`: {} ({})", finding.address, finding.message, finding.rule);
            lines.push(marked(finding.bump, &line));
        }
        let mut folded: BTreeMap<(std::cmp::Reverse<Bump>, &str), Vec<&Finding>> = BTreeMap::new();
        for finding in self.findings.iter().filter(is_shown).filter(is_address) {
            folded.entry((std::cmp::Reverse(finding.bump), &finding.rule)).or_default().push(finding);
        }
        for ((bump, rule), findings) in folded {
            lines.push(marked(bump.0, &fold(rule, &findings)));
        }
        lines
    }
}

fn marked(bump: Bump, line: &str) -> String {
    if bump >= Bump::Major { format!("**breaking** {line}") } else { line.to_owned() }
}

/// Returns one line for the findings of one rule.
fn fold(rule: &str, findings: &[&Finding]) -> String {
    /// Addresses that a line names.
    const MAX_NAMED: usize = 6;
    if let [only] = findings {
        return format!("`{}`: {} ({rule})", only.address, only.message);
    }
    let addresses: BTreeSet<&str> = findings.iter().map(|finding| finding.address.as_str()).collect();
    let mut named: Vec<String> =
        addresses.iter().take(MAX_NAMED).map(|address| format!("`{address}`")).collect();
    if addresses.len() > MAX_NAMED {
        named.push(format!("{} more", addresses.len() - MAX_NAMED));
    }
    let what = match rule {
        "R01" => "are destroyed",
        "R02" => "are forgotten, and not destroyed",
        "R03" | "R08" => "are moved",
        "R04" => "are destroyed, and may have successors that need `moved` blocks",
        "R05" => "are moved by Terraform itself",
        "R06" | "R07" => "lose instances, which are destroyed",
        "R13" => "are new",
        "R14" => "lie elsewhere, so their subnets are replaced",
        "R15" => "have other arguments",
        "R17" => "are data sources that are new, gone, or read something else",
        "R18" => "have other conditions",
        "U03" => "may have other instances, which a plan over a state of the old version shows",
        _ => "changed",
    };
    format!("{} {what} ({rule})", named.join(", "))
}

/// Says what changed of a compiled network: its tiers, and what their network ACLs let through.
fn topology(old: &Contract, new: &Contract) -> Vec<String> {
    let (Some(before), Some(after)) = (&old.addresses, &new.addresses) else { return Vec::new() };
    let (were, are) = (tiers(before), tiers(after));
    let mut lines = Vec::new();
    let renamed: BTreeMap<&str, &str> = new
        .moved
        .iter()
        .filter(|block| !old.moved.contains(block))
        .filter_map(|block| {
            Some((block.from.strip_prefix("aws_subnet.")?, block.to.strip_prefix("aws_subnet.")?))
        })
        .collect();
    for tier in are.keys().filter(|tier| !were.contains_key(*tier)) {
        match renamed.iter().find(|(_, to)| *to == tier) {
            Some((from, _)) => lines.push(format!("The tier `{from}` is now called `{tier}`.")),
            None => lines.push(format!("The tier `{tier}` is new.")),
        }
    }
    for tier in were.keys().filter(|tier| !are.contains_key(*tier) && !renamed.contains_key(*tier)) {
        lines.push(format!("**breaking** The tier `{tier}` is gone."));
    }
    for (tier, generations) in &are {
        if let Some(new) = were.get(tier).and_then(|were| generations.difference(were).max()) {
            lines.push(format!("The tier `{tier}` has a generation {new} of its subnets."));
        }
    }
    for tier in are.keys().filter(|tier| were.contains_key(*tier)) {
        let (before, after) = (traffic(before, tier), traffic(after, tier));
        lines.extend(after.difference(&before).map(|way| format!("`{tier}` may {way}.")));
        lines.extend(before.difference(&after).map(|way| format!("`{tier}` may no longer {way}.")));
    }
    lines
}

/// Returns the generations of each tier that stands.
fn tiers(addresses: &Addresses) -> BTreeMap<&str, BTreeSet<u32>> {
    let mut tiers: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
    for block in addresses.blocks.iter().filter(|block| block.state == BlockState::Live) {
        tiers.entry(&block.tier).or_default().insert(block.generation);
    }
    tiers
}

/// Returns what a tier may send and receive, without the replies to that; numbers of rules say nothing.
fn traffic(addresses: &Addresses, tier: &str) -> BTreeSet<String> {
    let rules = |direction: &str| {
        let rules = addresses.rules.get(tier).and_then(|directions| directions.get(direction));
        let allowed = rules.into_iter().flatten().filter_map(|(rule, _)| {
            // `allow tcp 443 db`: what, and then who.
            rule.strip_prefix("allow ")?.rsplit_once(' ')
        });
        allowed.collect::<BTreeSet<(&str, &str)>>()
    };
    let is_reply = |(what, who): &(&str, &str), other: &BTreeSet<(&str, &str)>| {
        let ephemeral = what.ends_with(" 1024-65535") || *what == "icmp 3/4";
        ephemeral && other.iter().any(|(theirs, peer)| peer == who && !theirs.ends_with(" 1024-65535"))
    };
    let (sent, received) = (rules("egress"), rules("ingress"));
    let name = |who: &str| if who == "0.0.0.0/0" { "the internet".to_owned() } else { format!("`{who}`") };
    let out = sent.iter().filter(|rule| !is_reply(rule, &received));
    let ways = out.map(|(what, who)| format!("send {what} to {}", name(who)));
    let into = received.iter().filter(|rule| !is_reply(rule, &sent));
    ways.chain(into.map(|(what, who)| format!("receive {what} from {}", name(who)))).collect()
}
