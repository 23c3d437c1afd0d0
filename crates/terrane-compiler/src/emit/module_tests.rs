//! `tests/*.tftest.hcl`: the module's own tests, which run without AWS and assert this topology's exact numbers.

use std::collections::BTreeMap;

use super::Source;
use crate::family::Address;
use crate::module::Resource;
use crate::module::print::{self, Writer};
use crate::module::syntax::{Body, Expr, by_letter, call, equal, expr, object, reference, string};
use crate::names::{Cidr, Zone};
use crate::network::Network;

/// Returns the test files.
pub(super) fn files(source: &Source<'_>) -> BTreeMap<String, String> {
    let file = |write_runs: fn(&mut Writer, &Source<'_>)| {
        let mut file = print::begin(&source.module.name);
        write_mock_provider(&mut file);
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

fn write_mock_provider(file: &mut Writer) {
    file.blank();
    file.labelled_block("mock_provider", &["aws"], |provider| {
        provider.labelled_block("mock_data", &["aws_region"], |region| {
            region.argument("defaults", &object([("id", string("eu-west-1"))]));
        });
    });
}

/// Gives a value to each variable that has no default.
fn write_required_variables(file: &mut Writer, source: &Source<'_>) {
    if source.network.nat.as_ref().is_some_and(|nat| nat.bring_elastic_ips) {
        let letters = source.network.slots.keys();
        let ids = letters.map(|letter| (letter.to_string(), string(&format!("eipalloc-{letter}"))));
        file.blank();
        file.block("variables", |variables| variables.argument("elastic_ip_allocation_ids", &object(ids)));
    }
}

fn write_run(file: &mut Writer, name: &str, variables: &Body, write_checks: impl FnOnce(&mut Writer)) {
    file.blank();
    file.labelled_block("run", &[name], |run| {
        run.argument("command", &expr("plan"));
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

/// Returns how many instances a resource has when `n_zones` zones are passed.
fn instances(network: &Network, resource: &Resource, n_zones: usize) -> Option<usize> {
    let for_each = resource.for_each.as_ref()?;
    if let Some(rows) = rows(for_each) {
        return Some(rows);
    }
    let home = network.nat.as_ref().and_then(|nat| nat.home);
    match (print::expression(for_each).as_str(), home) {
        ("local.zones", _) => Some(n_zones),
        (_, Some(_)) if ["aws_eip", "aws_nat_gateway"].contains(&resource.ty.as_str()) => Some(1),
        _ => None,
    }
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
    n_zones: usize,
) {
    for resource in resources {
        if let Some(count) = instances(source.network, resource, n_zones) {
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
        write_counts(run, source, source.module.resources.iter(), network.zones.len());
        write_subnets(run, network, &network.zones, &defaults(network));
    });
}

/// Passes a value for each of these letters as `zones`.
fn zone_map(zones: &[Zone], value: impl Fn(usize, Zone) -> String) -> Body {
    let entries = zones.iter().enumerate().map(|(idx, zone)| (zone.to_string(), string(&value(idx, *zone))));
    Body::new().arg("zones", object(entries))
}

/// Passes letters with the availability zones that the mocked provider has for them.
fn own_zones(zones: &[Zone]) -> Body {
    zone_map(zones, |_, zone| format!("eu-west-1{zone}"))
}

/// Fewer, gapped, and spare letters: nothing that stays moves.
fn write_zones(file: &mut Writer, source: &Source<'_>) {
    let network = source.network;
    let home = network.nat.as_ref().and_then(|nat| nat.home);
    let all: Vec<Zone> = network.slots.keys().copied().collect();
    let allowed = |zones: &[Zone]| {
        zones.len() >= network.min_zones.count && home.is_none_or(|home| zones.contains(&home))
    };
    let mut sets: Vec<(&str, Vec<Zone>)> = Vec::new();
    if all.len() > network.zones.len() {
        sets.push(("every_letter_has_a_place", all.clone()));
    }
    if all.len() > 2 {
        sets.push(("a_zone_in_the_middle_is_gone", vec![all[0], all[2]]));
    }
    sets.push(("the_fewest_zones", all[..network.min_zones.count.min(all.len())].to_vec()));
    for (name, zones) in sets.into_iter().filter(|(_, zones)| allowed(zones)) {
        write_run(file, name, &own_zones(&zones), |run| {
            let by_zone = source.module.resources.iter().filter(|resource| !has_rows(resource));
            write_counts(run, source, by_zone, zones.len());
            write_subnets(run, network, &zones, &defaults(network));
        });
    }
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

/// What must be refused, and by which check.
fn write_rejections(file: &mut Writer, source: &Source<'_>) {
    let network = source.network;
    let mut reject = |name: &str, variables: Body, checked: &str| {
        write_run(file, name, &variables, |run| {
            run.blank();
            run.argument("expect_failures", &Expr::Array(vec![expr(checked)]));
        });
    };
    reject("a_name_that_aws_refuses", Body::new().arg("name", string("Net_Work-")), "var.name");
    for range in &network.ranges {
        let checked = format!("var.{}", range.variable);
        let mut bad = |what: &str, value: &str| {
            reject(
                &format!("{}_{what}", range.variable),
                Body::new().arg(&range.variable, string(value)),
                &checked,
            );
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
    let letters: Vec<Zone> = network.slots.keys().copied().collect();
    if let Some(unknown) = Zone::all().find(|zone| !network.slots.contains_key(zone)) {
        let mut zones = network.zones.clone();
        zones.push(unknown);
        reject("a_letter_without_a_slot", own_zones(&zones), "var.zones");
    }
    if letters.len() > 1 {
        let twice = two_letters_on_one_zone(&network.zones, &letters);
        reject("two_letters_on_one_availability_zone", twice, "var.zones");
    }
    if network.min_zones.count > 1 {
        reject("too_few_zones", own_zones(&network.zones[..network.min_zones.count - 1]), "var.zones");
    }
    if let Some(home) = network.nat.as_ref().and_then(|nat| nat.home) {
        let zones: Vec<Zone> = letters.iter().copied().filter(|letter| *letter != home).collect();
        if zones.len() >= network.min_zones.count {
            reject("without_the_home_of_the_nat_gateway", own_zones(&zones), "var.zones");
        }
    }
    reject(
        "availability_zones_of_another_region",
        zone_map(&network.zones, |_, zone| format!("us-east-1{zone}")),
        "aws_vpc.this",
    );
    if let Some(eks) = &network.eks
        && let Some(refused) = eks.refused_zones.first()
    {
        reject(
            "an_availability_zone_without_eks",
            zone_map(&network.zones, |idx, _| match idx {
                0 => refused.clone(),
                _ => format!("euw1-az{idx}"),
            }),
            &format!("aws_subnet.{}", network.tiers[eks.control_plane].name.identifier()),
        );
    }
    for (idx, clear) in network.keep_clear.iter().enumerate() {
        let base = &network.ranges[0];
        let length = clear
            .cidr
            .prefix_length()
            .clamp(base.admitted.min_prefix_length, base.admitted.max_prefix_length);
        let range = Cidr::around(clear.cidr.first(), length);
        if let Some(range) =
            range.filter(|range| base.admitted.within.iter().any(|space| space.contains(&range.net())))
        {
            reject(
                &format!("a_range_that_must_stay_clear_{}", idx + 1),
                Body::new().arg("cidr_block", string(&range.to_string())),
                "aws_vpc.this",
            );
        }
    }
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
