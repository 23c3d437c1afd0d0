//! `tests/*.tftest.hcl`: the module's own tests, which run without AWS and assert this topology's exact numbers.

use std::collections::BTreeMap;

use terrane_contract::Admitted;

use super::Source;
use crate::family::Address;
use crate::features;
use crate::module::Resource;
use crate::module::print::{self, Writer};
use crate::module::syntax::{self, Body, Expr, by_letter, call, equal, object, reference, string};
use crate::names::{Cidr, Zone};
use crate::network::Network;

/// Returns the test files.
pub(super) fn files(source: &Source<'_>) -> BTreeMap<String, String> {
    let file = |write_runs: fn(&mut Writer, &Source<'_>)| {
        let mut file = print::begin(&source.module.name);
        write_mock_provider(&mut file, source.network);
        write_required_variables(&mut file, source);
        write_runs(&mut file, source);
        file.finish()
    };
    BTreeMap::from([
        ("tests/declared.tftest.hcl".to_owned(), file(write_declared)),
        ("tests/zones.tftest.hcl".to_owned(), file(write_zones)),
        ("tests/ranges.tftest.hcl".to_owned(), file(write_ranges)),
        ("tests/rejections.tftest.hcl".to_owned(), file(write_rejections)),
    ])
}

/// The VPC that the mocked provider makes, whose ARN names the region.
const VPC_ARN: &str = "arn:aws:ec2:eu-west-1:123456789012:vpc/vpc-0123456789abcdef0";

fn write_mock_provider(file: &mut Writer, network: &Network) {
    let letters: Vec<Zone> = network.slots.keys().copied().collect();
    let ids = (1..=letters.len()).map(|idx| string(&format!("euw1-az{idx}"))).collect();
    file.blank();
    file.labelled_block("mock_provider", &["aws"], |provider| {
        provider.labelled_block("mock_data", &["aws_availability_zones"], |zones| {
            zones.argument("defaults", &region(&letters, ids));
        });
        provider.blank();
        provider.labelled_block("mock_resource", &["aws_vpc"], |vpc| {
            vpc.argument("defaults", &object([("arn", string(VPC_ARN))]));
        });
    });
}

/// Returns what a region has for these letters.
fn region(letters: &[Zone], ids: Vec<Expr>) -> Expr {
    let names = letters.iter().map(|letter| string(&format!("eu-west-1{letter}"))).collect();
    object([("names", Expr::Array(names)), ("zone_ids", Expr::Array(ids))])
}

/// Gives a value to each variable that has no default.
fn write_required_variables(file: &mut Writer, source: &Source<'_>) {
    let values: Vec<(&str, Expr)> =
        features::ALL.iter().flat_map(|feature| (feature.test_values)(source.network)).collect();
    if !values.is_empty() {
        file.blank();
        file.block("variables", |variables| {
            for (name, value) in &values {
                variables.argument(name, value);
            }
        });
    }
}

fn write_run(file: &mut Writer, name: &str, variables: &Body, write_checks: impl FnOnce(&mut Writer)) {
    file.blank();
    file.labelled_block("run", &[name], |run| {
        run.argument("command", &syntax::name("plan"));
        if !variables.items.is_empty() {
            run.blank();
            run.block("variables", |it| it.body(variables));
        }
        write_checks(run);
    });
}

fn write_assertion(run: &mut Writer, condition: &Expr, message: &str) {
    run.blank();
    run.block("assert", |assert| {
        assert.argument("condition", condition);
        assert.argument("error_message", &string(message));
    });
}

/// Returns how many things, in words.
fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// Returns how many instances a resource has when these zones are passed.
fn instances(network: &Network, resource: &Resource, zones: &[Zone]) -> Option<usize> {
    let for_each = resource.for_each.as_ref()?;
    if let Some(rows) = rows(for_each) {
        return Some(rows);
    }
    let letters = features::letters(network, for_each)?;
    Some(letters.iter().filter(|letter| zones.contains(letter)).count())
}

/// Returns the number of entries of a literal object.
fn rows(expr: &Expr) -> Option<usize> {
    match expr {
        Expr::Object(rows) => Some(rows.len()),
        _ => None,
    }
}

/// Returns whether the instances of a resource are written out, so that no zone changes their number.
fn has_rows(resource: &Resource) -> bool {
    resource.for_each.as_ref().and_then(rows).is_some()
}

/// Asserts the number of instances of each of these resources that has instances by key.
fn write_counts<'a>(
    run: &mut Writer,
    source: &Source<'_>,
    resources: impl Iterator<Item = &'a Resource>,
    zones: &[Zone],
) {
    for resource in resources {
        if let Some(count) = instances(source.network, resource, zones) {
            let found = call("length", [reference(&resource.ty, &resource.name)]);
            let message = format!("{} must have {}.", resource.address(), counted(count, "instance"));
            write_assertion(run, &equal(found, Expr::Number(count.into())), &message);
        }
    }
}

/// Asserts the range of every subnet in these zones, the VPC's ranges being these.
fn write_subnets(run: &mut Writer, network: &Network, zones: &[Zone], bases: &[Cidr]) {
    for (idx, tier) in network.tiers.iter().enumerate() {
        let expected = zones.iter().filter_map(|zone| {
            let range = bases[tier.range].subnet(network.subnet(idx, *zone)?)?;
            Some((zone.to_string(), string(&range.to_string())))
        });
        let subnets = reference("aws_subnet", &tier.name.identifier());
        let found = by_letter("subnet", subnets, "cidr_block");
        let message = format!("The subnets of {} must lie where the ledger says.", tier.name);
        write_assertion(run, &equal(found, object(expected)), &message);
    }
}

fn defaults(network: &Network) -> Vec<Cidr> {
    network.ranges.iter().map(|range| range.default).collect()
}

fn write_declared(file: &mut Writer, source: &Source<'_>) {
    let network = source.network;
    write_run(file, "is_the_declared_network", &Body::new(), |run| {
        write_counts(run, source, source.module.resources.iter(), &network.zones);
        write_subnets(run, network, &network.zones, &defaults(network));
    });
}

/// Passes a value for each of these letters as `zones`.
fn zone_map(zones: &[Zone], value: impl Fn(usize, Zone) -> String) -> Body {
    let entries = zones.iter().enumerate().map(|(idx, zone)| (zone.to_string(), string(&value(idx, *zone))));
    Body::new().arg("zones", object(entries))
}

/// Passes letters with the availability zones that the mocked provider has for them.
pub(crate) fn own_zones(zones: &[Zone]) -> Body {
    zone_map(zones, |_, zone| format!("eu-west-1{zone}"))
}

/// Fewer, gapped, and spare letters: nothing that stays moves.
fn write_zones(file: &mut Writer, source: &Source<'_>) {
    let network = source.network;
    let all: Vec<Zone> = network.slots.keys().copied().collect();
    let mut sets: Vec<(&str, Vec<Zone>)> = Vec::new();
    if all.len() > network.zones.len() {
        sets.push(("every_letter_has_a_place", all.clone()));
    }
    if all.len() > 2 {
        sets.push(("a_zone_in_the_middle_is_gone", vec![all[0], all[2]]));
    }
    sets.push(("the_fewest_zones", all[..network.min_zones.count.min(all.len())].to_vec()));
    for (name, zones) in sets.into_iter().filter(|(_, zones)| is_allowed(network, zones)) {
        write_run(file, name, &own_zones(&zones), |run| {
            let by_zone = source.module.resources.iter().filter(|resource| !has_rows(resource));
            write_counts(run, source, by_zone, &zones);
            write_subnets(run, network, &zones, &defaults(network));
        });
    }
}

/// Returns whether a caller may pass these letters.
fn is_allowed(network: &Network, zones: &[Zone]) -> bool {
    let count = |tier: usize| zones.iter().filter(|zone| network.tiers[tier].is_in(**zone)).count();
    let fallbacks = network.nat_fallbacks();
    zones.len() >= network.min_zones.count
        && network.homes.iter().all(|home| zones.contains(home))
        && features::tier_zones(network).iter().all(|need| count(need.tier) >= need.count)
        && zones.iter().all(|zone| fallbacks.get(zone).is_none_or(|home| zones.contains(home)))
}

/// The largest and the smallest admitted range, in each address space.
fn write_ranges(file: &mut Writer, source: &Source<'_>) {
    let network = source.network;
    let base = &network.ranges[0];
    let keeps_clear = |range: Cidr| {
        !network.keep_clear.iter().any(|clear| clear.cidr.overlaps(range))
            && !network.ranges[1..].iter().any(|other| other.default.overlaps(range))
    };
    let (min, max) = (base.admitted.min_prefix_length, base.admitted.max_prefix_length);
    let lengths: &[(&str, u8)] = if min == max {
        &[("a_range", min)]
    } else {
        &[("the_largest_range", min), ("the_smallest_range", max)]
    };
    for (name, length) in lengths {
        for (space_idx, space) in base.admitted.within.iter().enumerate() {
            let Some(range) = Cidr::of_net(*space)
                .and_then(|space| Cidr::around(space.first(), *length))
                .filter(|range| space.contains(&range.net()) && keeps_clear(*range))
            else {
                continue;
            };
            let mut bases = defaults(network);
            bases[0] = range;
            let name = format!("{name}_in_space_{}", space_idx + 1);
            let variables = Body::new().arg("cidr_block", string(&range.to_string()));
            write_run(file, &name, &variables, |run| write_subnets(run, network, &network.zones, &bases));
        }
    }
}

/// Variables that the module must refuse.
#[derive(Clone, Debug)]
pub(crate) struct Rejection {
    /// The name of the test.
    name: String,
    variables: Body,
    /// The address of what refuses them: a variable, or a resource with a condition.
    checked: String,
    /// The availability zones of the region, where they are not those of every test.
    region: Option<Expr>,
}

impl Rejection {
    pub(crate) fn new(name: &str, variables: Body, checked: &str) -> Rejection {
        Rejection { name: name.to_owned(), variables, checked: checked.to_owned(), region: None }
    }

    /// Gives the region availability zones with these letters and ids.
    #[must_use]
    pub(crate) fn in_region(self, letters: &[Zone], ids: Vec<Expr>) -> Rejection {
        Rejection { region: Some(region(letters, ids)), ..self }
    }
}

/// What must be refused, and by which check: first by the variables themselves, then by the plan.
fn write_rejections(file: &mut Writer, source: &Source<'_>) {
    let network = source.network;
    let of_features = features::ALL.iter().flat_map(|feature| (feature.rejections)(network));
    let (by_variables, by_plan): (Vec<Rejection>, Vec<Rejection>) =
        of_features.partition(|rejection| rejection.checked.starts_with("var."));
    let all_zones: Vec<Zone> = network.slots.keys().copied().collect();
    let ids = all_zones.iter().skip(1).map(|letter| string(&format!("euw1-az-{letter}"))).collect();
    let a_zone_less =
        (network.local_zones().is_empty() && network.zones.first() == all_zones.first()).then(|| {
            Rejection::new("a_letter_that_the_region_lacks", Body::new(), "aws_vpc.this")
                .in_region(&all_zones[1..], ids)
        });
    let other_region = Rejection::new(
        "availability_zones_of_another_region",
        zone_map(&network.zones, |_, zone| format!("us-east-1{zone}")),
        "aws_vpc.this",
    );
    let all = rejected_ranges(network)
        .into_iter()
        .chain(rejected_zones(network))
        .chain(by_variables)
        .chain([other_region])
        .chain(a_zone_less)
        .chain(by_plan)
        .chain(rejected_overlaps(network));
    for rejection in all {
        write_run(file, &rejection.name, &rejection.variables, |run| {
            if let Some(region) = &rejection.region {
                run.blank();
                run.block("override_data", |zones| {
                    zones.argument("target", &syntax::address("data.aws_availability_zones.region"));
                    zones.argument("values", region);
                });
            }
            run.blank();
            run.argument("expect_failures", &Expr::Array(vec![syntax::address(&rejection.checked)]));
        });
    }
}

fn rejected_ranges(network: &Network) -> Vec<Rejection> {
    let name = Body::new().arg("name", string("Net_Work-"));
    let of_groups = Body::new().arg("name", string("sg-net"));
    let mut rejected = vec![
        Rejection::new("a_name_that_aws_refuses", name, "var.name"),
        Rejection::new("a_name_that_aws_refuses_for_security_groups", of_groups, "var.name"),
    ];
    for range in &network.ranges {
        let mut bad = |what: &str, value: &str| {
            rejected.push(Rejection::new(
                &format!("{}_{what}", range.variable),
                Body::new().arg(&range.variable, string(value)),
                &format!("var.{}", range.variable),
            ));
        };
        let first = range.default.first().ip();
        bad("that_is_no_range", "10.0.0.0");
        bad("in_public_space", &format!("8.0.0.0/{}", range.admitted.min_prefix_length));
        bad("that_is_too_large", &format!("{first}/{}", range.admitted.min_prefix_length - 1));
        bad("that_is_too_small", &format!("{first}/{}", range.admitted.max_prefix_length + 1));
        if let Some(host) = range.default.first().after(1) {
            bad("with_host_bits", &format!("{}/{}", host.ip(), range.default.prefix_length()));
        }
    }
    rejected
}

fn rejected_zones(network: &Network) -> Vec<Rejection> {
    let mut rejected = Vec::new();
    let mut reject =
        |name: &str, variables: Body| rejected.push(Rejection::new(name, variables, "var.zones"));
    let letters: Vec<Zone> = network.slots.keys().copied().collect();
    if let Some(unknown) = Zone::all().find(|zone| !network.slots.contains_key(zone)) {
        let mut zones = network.zones.clone();
        zones.push(unknown);
        reject("a_letter_without_a_slot", own_zones(&zones));
    }
    if letters.len() > 1 {
        let twice = two_letters_on_one_zone(&network.zones, &letters);
        reject("two_letters_on_one_availability_zone", twice);
    }
    if network.min_zones.count > 1 {
        reject("too_few_zones", own_zones(&network.zones[..network.min_zones.count - 1]));
    }
    for need in features::tier_zones(network) {
        let tier = &network.tiers[need.tier];
        let own = letters.iter().copied().filter(|zone| tier.is_in(*zone)).take(need.count - 1);
        let others = letters.iter().copied().filter(|zone| !tier.is_in(*zone));
        let zones: Vec<Zone> = others.chain(own).collect();
        if zones.len() >= network.min_zones.count {
            reject(&format!("too_few_zones_of_{}", tier.name.identifier()), own_zones(&zones));
        }
    }
    rejected
}

fn rejected_overlaps(network: &Network) -> impl Iterator<Item = Rejection> {
    let Admitted { min_prefix_length, max_prefix_length, within } = &network.ranges[0].admitted;
    network.keep_clear.iter().enumerate().filter_map(move |(idx, clear)| {
        let length = clear.cidr.prefix_length().clamp(*min_prefix_length, *max_prefix_length);
        let range = Cidr::around(clear.cidr.first(), length)?;
        within.iter().any(|space| space.contains(&range.net())).then(|| {
            Rejection::new(
                &format!("a_range_that_must_stay_clear_{}", idx + 1),
                Body::new().arg("cidr_block", string(&range.to_string())),
                "aws_vpc.this",
            )
        })
    })
}

fn two_letters_on_one_zone(zones: &[Zone], letters: &[Zone]) -> Body {
    let used: Vec<Zone> = if zones.len() > 1 { zones.to_vec() } else { letters[..2].to_vec() };
    zone_map(&used, |_, _| "eu-west-1a".to_owned())
}

#[cfg(test)]
mod tests {
    use crate::ledger::Ledger;
    use crate::topology::{Egress, Flow, Tier, Topology};

    /// How many rules clients bring is the caller's to say; how many gateways there are is not.
    #[test]
    fn counts_are_of_what_the_topology_decides() {
        let topology = Topology::new("net")
            .base("10.8.0.0/16")
            .zones(["a", "b"])
            .tier(Tier::public("pub").prefix_length(24))
            .tier(Tier::private("app").prefix_length(24))
            .tier(Tier::isolated("db").prefix_length(24).client_security_groups())
            .egress(Egress::single_nat("b"))
            .flow(Flow::tcp([5432]).from("app").to("db"));
        let version = semver::Version::new(1, 0, 0);
        let compiled = crate::compile(&topology, &Ledger::default(), &version).unwrap();
        let text = compiled.files.get("tests/declared.tftest.hcl").unwrap();
        for (resource, count) in [("aws_nat_gateway.this", 1), ("aws_eip.nat", 1), ("aws_subnet.db", 2)] {
            assert!(text.contains(&format!("length({resource}) == {count}")), "{resource} in {text}");
        }
        assert!(!text.contains("db__clients"), "{text}");
    }
}
