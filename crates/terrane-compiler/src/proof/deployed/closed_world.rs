//! Plans and states as a closed world: what each attribute of each resource type means to claims about a VPC.
//!
//! `closed_world.toml` classifies the attributes; [`unclassified`] holds it to the names of the provider's schema.
//! What is set and not modelled makes the claims UNKNOWN that it can touch.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;

use super::document::{Document, Target};
use crate::proof::facts::Facts;

static WORLD: LazyLock<ClosedWorld> = LazyLock::new(|| {
    let table: Table = toml::from_str(include_str!("closed_world.toml")).expect("a test reads the table");
    ClosedWorld::of(table)
});

/// The table as it is written: lists are words with spaces between.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    touching: String,
    always: String,
    hosts: Hosts,
    foreign: BTreeMap<String, String>,
    shapes: BTreeMap<String, ShapeTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hosts {
    names: String,
    types: String,
    writes: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ShapeTable {
    #[serde(default)]
    modelled: String,
    #[serde(default)]
    unknown: String,
    #[serde(default)]
    irrelevant: BTreeMap<String, String>,
}

/// What is known of each resource type.
pub(super) struct ClosedWorld {
    touching: Vec<String>,
    always: BTreeSet<String>,
    host_names: BTreeSet<String>,
    hosts: BTreeSet<String>,
    writes: BTreeMap<String, BTreeSet<String>>,
    foreign: BTreeSet<String>,
    shapes: BTreeMap<String, Shape>,
}

struct Shape {
    /// Attributes that are read, or on which no claim depends.
    known: BTreeSet<String>,
    /// Attributes that make claims unknown.
    unknown: BTreeSet<String>,
    /// Whether the proof reads anything of it.
    is_modelled: bool,
}

/// Something that is set and not modelled.
pub(super) struct Unread {
    /// What it is, and why it matters.
    pub(super) why: String,
    /// Whether it may change what the proof reads of a VPC, beside leading packets past it.
    pub(super) whole: bool,
    /// What it names; `None` if it may name anything.
    named: Option<Vec<usize>>,
    /// Whether it names anything at all, in the document or not.
    is_placed: bool,
}

fn words(text: &str) -> BTreeSet<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

impl ClosedWorld {
    /// Returns the table.
    pub(super) fn get() -> &'static ClosedWorld {
        &WORLD
    }

    fn of(table: Table) -> ClosedWorld {
        let shape = |shape: ShapeTable| {
            let modelled = words(&shape.modelled);
            let irrelevant = shape.irrelevant.values().flat_map(|list| words(list));
            Shape {
                is_modelled: !modelled.is_empty(),
                known: modelled.iter().cloned().chain(irrelevant).collect(),
                unknown: words(&shape.unknown),
            }
        };
        ClosedWorld {
            touching: words(&table.touching).into_iter().collect(),
            always: words(&table.always),
            host_names: words(&table.hosts.names),
            hosts: words(&table.hosts.types),
            writes: table.hosts.writes.into_iter().map(|(ty, names)| (ty, words(&names))).collect(),
            foreign: table.foreign.into_keys().collect(),
            shapes: table.shapes.into_iter().map(|(ty, table)| (ty, shape(table))).collect(),
        }
    }

    fn touches(&self, attribute: &str) -> bool {
        self.touching.iter().any(|part| attribute.contains(part.as_str()))
    }

    /// Returns an attribute of a resource that is set and not modelled.
    pub(super) fn unknown_attribute(&self, document: &Document<'_>, instance: usize) -> Option<String> {
        let shape = self.shapes.get(document.ty(instance))?;
        let given = document.attributes(instance);
        given.into_iter().filter(|name| !self.always.contains(*name)).find_map(|name| {
            let nested = || self.unknown_nested(shape, name, &document.values(instance)[name]);
            if shape.known.contains(name) {
                nested()
            } else {
                document.is_set(instance, name).then(|| name.to_owned())
            }
        })
    }

    /// Returns what a block that is read has beside what is read of it.
    fn unknown_nested(&self, shape: &Shape, block: &str, value: &Value) -> Option<String> {
        let prefix = format!("{block}.");
        let is_read =
            shape.known.range(prefix.clone()..).next().is_some_and(|name| name.starts_with(&prefix));
        let rows = value.as_array().filter(|_| is_read)?;
        rows.iter().filter_map(Value::as_object).flatten().find_map(|(field, value)| {
            let name = format!("{prefix}{field}");
            (!shape.known.contains(&name) && is_something(value)).then_some(name)
        })
    }

    /// Returns what of a resource is set and not modelled, in words.
    pub(super) fn unknown_of(&self, document: &Document<'_>, instance: usize) -> Vec<String> {
        let unknown = self.unknown_attribute(document, instance).into_iter();
        unknown.map(|name| not_modelled(document, instance, &name)).collect()
    }

    /// Returns whether a service may write rules into a group by itself.
    pub(super) fn is_written(&self, document: &Document<'_>, group: usize) -> bool {
        self.writes
            .iter()
            .any(|(ty, names)| document.of(ty).iter().any(|host| document.mentions(*host, names, group)))
    }

    /// Returns everything in a document that is set and not modelled.
    pub(super) fn unread(&self, document: &Document<'_>) -> Vec<Unread> {
        document.all().filter_map(|instance| self.unread_of(document, instance)).collect()
    }

    fn unread_of(&self, document: &Document<'_>, instance: usize) -> Option<Unread> {
        let ty = document.ty(instance);
        if self.hosts.contains(ty) || self.foreign.contains(ty) || IN_PLACE.contains(&ty) {
            return None;
        }
        let touches = |name: &str| self.touches(name);
        let (why, whole) = match self.shapes.get(ty) {
            Some(shape) => {
                let name = self.unknown_attribute(document, instance)?;
                (not_modelled(document, instance, &name), shape.is_modelled)
            }
            None => {
                let name = document.touching(instance, &touches)?;
                let address = document.address(instance);
                (format!("{address} has {name}, and nothing is known of resources of type {ty}"), true)
            }
        };
        let named = document.named(instance, &touches);
        let is_placed = document.touching(instance, &touches).is_some();
        Some(Unread { why, whole, named, is_placed })
    }
}

fn not_modelled(document: &Document<'_>, instance: usize, attribute: &str) -> String {
    format!("{} has {attribute}, which is not modelled", document.address(instance))
}

/// Returns whether a value is more than nothing: neither null, nor empty, nor false or zero.
pub(super) fn is_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(value) => value.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
    }
}

/// Types whose reading itself tells what is not modelled, for exactly what they change.
const IN_PLACE: [&str; 9] = [
    "aws_route",
    "aws_route_table",
    "aws_default_route_table",
    "aws_network_acl",
    "aws_default_network_acl",
    "aws_network_acl_rule",
    "aws_security_group_rule",
    "aws_vpc_security_group_ingress_rule",
    "aws_vpc_security_group_egress_rule",
];

/// What of a VPC stands where.
pub(super) struct Scope {
    vpc: usize,
    subnets: BTreeMap<usize, usize>,
    /// Subnets by the address of their route table or ACL.
    users: BTreeMap<String, BTreeSet<usize>>,
}

impl Scope {
    /// Returns where the parts of a VPC are, whose subnets are given in the order of [`Facts::subnets`].
    pub(super) fn of(document: &Document<'_>, vpc: usize, subnets: &[usize], facts: &Facts) -> Scope {
        let mut users: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
        for (idx, subnet) in facts.subnets.iter().enumerate() {
            let table = subnet.table.map(|table| facts.tables[table].name.clone());
            let acl = subnet.acl.map(|acl| facts.acls[acl].name.clone());
            for name in table.into_iter().chain(acl) {
                users.entry(name).or_default().insert(idx);
            }
        }
        debug_assert_eq!(document.ty(vpc), "aws_vpc");
        Scope {
            vpc,
            subnets: subnets.iter().enumerate().map(|(idx, subnet)| (*subnet, idx)).collect(),
            users,
        }
    }

    /// Returns the subnets that something can touch, `Some(None)` for all; `None` if it is about another VPC.
    pub(super) fn touched(
        &self,
        document: &Document<'_>,
        unread: &Unread,
    ) -> Option<Option<BTreeSet<usize>>> {
        let Some(named) = &unread.named else { return Some(None) };
        if named.is_empty() && !unread.is_placed {
            return Some(None);
        }
        let mut touched = BTreeSet::new();
        let mut seen: BTreeSet<usize> = named.iter().copied().collect();
        let mut queue = named.clone();
        while let Some(idx) = queue.pop() {
            match document.ty(idx) {
                "aws_vpc" if idx == self.vpc => return Some(None),
                "aws_vpc" => {}
                "aws_subnet" => touched.extend(self.subnets.get(&idx)),
                "aws_route_table"
                | "aws_default_route_table"
                | "aws_network_acl"
                | "aws_default_network_acl" => {
                    touched.extend(self.users.get(&document.address(idx)).into_iter().flatten());
                }
                "aws_security_group" | "aws_default_security_group" => {
                    if document.vpc_of(idx) == Target::One(self.vpc)
                        || document.may_be_in(idx, self.vpc).is_some()
                    {
                        return Some(None);
                    }
                }
                // A host, an endpoint, a load balancer: where it stands.
                _ => match document.named(idx, &|name| ClosedWorld::get().touches(name)) {
                    Some(more) => queue.extend(more.into_iter().filter(|idx| seen.insert(*idx))),
                    None => return Some(None),
                },
            }
        }
        (!touched.is_empty()).then_some(Some(touched))
    }
}

/// Returns the names of a provider's schema that the table is held to: a line for each type that touches a VPC or is
/// in the table, with its attributes and blocks.
///
/// # Errors
///
/// Returns what is wrong with the schema, as what `terraform providers schema -json` prints.
pub fn schema_names(provider_schema_json: &str) -> Result<String, String> {
    let schemas: Value = serde_json::from_str(provider_schema_json)
        .map_err(|error| format!("the provider schema is no JSON: {error}"))?;
    let providers = schemas["provider_schemas"].as_object().into_iter().flatten();
    let provider = providers.into_iter().find(|(name, _)| name.ends_with("/hashicorp/aws"));
    let resources = provider
        .and_then(|(_, provider)| provider["resource_schemas"].as_object())
        .ok_or("the provider schema has no hashicorp/aws")?;
    let world = ClosedWorld::get();
    let mut types: Vec<&String> = resources.keys().collect();
    types.sort_unstable();
    let mut text = String::new();
    for ty in types {
        let mut names = BTreeSet::new();
        paths(&resources[ty.as_str()]["block"], "", &mut names);
        let touches = |path: &String| world.touches(path.rsplit('.').next().unwrap_or(path));
        let kept: Vec<&str> = if world.shapes.contains_key(ty) {
            names.iter().filter(|path| path.matches('.').count() < 2).map(String::as_str).collect()
        } else {
            names.iter().filter(|path| touches(path)).map(String::as_str).collect()
        };
        if !kept.is_empty() {
            text.push_str(&format!("{ty}: {}\n", kept.join(" ")));
        }
    }
    Ok(text)
}

/// Collects the names of a block's attributes and blocks, with those of what they hold.
fn paths(block: &Value, prefix: &str, names: &mut BTreeSet<String>) {
    for (name, attribute) in block["attributes"].as_object().into_iter().flatten() {
        names.insert(format!("{prefix}{name}"));
        let mut ty = &attribute["type"];
        while ty[0] == "set" || ty[0] == "list" || ty[0] == "map" {
            ty = &ty[1];
        }
        let object = if ty[0] == "object" { ty[1].as_object() } else { None };
        let nested = attribute["nested_type"]["attributes"].as_object();
        let fields = object.into_iter().chain(nested).flat_map(serde_json::Map::keys);
        names.extend(fields.map(|field| format!("{prefix}{name}.{field}")));
    }
    for (name, nested) in block["block_types"].as_object().into_iter().flatten() {
        names.insert(format!("{prefix}{name}"));
        paths(&nested["block"], &format!("{prefix}{name}."), names);
    }
}

/// Returns what of these names the table does not classify, or classifies although it is not there.
///
/// `names` are lines as [`schema_names`] gives them.
pub fn unclassified(names: &str) -> Vec<String> {
    let world = ClosedWorld::get();
    let mut found = Vec::new();
    let lines: BTreeMap<&str, BTreeSet<&str>> = names
        .lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(ty, names)| (ty, names.split_whitespace().collect()))
        .collect();
    for (ty, names) in &lines {
        let classes =
            [world.shapes.contains_key(*ty), world.hosts.contains(*ty), world.foreign.contains(*ty)];
        match classes.iter().filter(|class| **class).count() {
            0 => found.push(format!("{ty} stands nowhere")),
            1 => {}
            _ => found.push(format!("{ty} stands twice")),
        }
        if let Some(shape) = world.shapes.get(*ty) {
            found.extend(
                names
                    .iter()
                    .filter(|name| !world.is_classified(shape, name))
                    .map(|name| format!("{ty}.{name}")),
            );
            let gone = shape.known.iter().chain(&shape.unknown).filter(|name| !names.contains(name.as_str()));
            found.extend(gone.map(|name| format!("{ty}.{name} is not in the schema")));
        } else if world.hosts.contains(*ty) {
            let last = |name: &&&str| !world.host_names.contains(name.rsplit('.').next().unwrap_or(name));
            found.extend(names.iter().filter(last).map(|name| format!("{ty}.{name} of a host")));
        }
    }
    let listed = world.shapes.keys().chain(&world.hosts).chain(&world.foreign);
    let gone = listed.filter(|ty| !lines.contains_key(ty.as_str()));
    found.extend(gone.map(|ty| format!("{ty} is not in the schema")));
    found
}

impl ClosedWorld {
    /// Returns whether a name is classified in exactly one way; what a block holds is classified with the block,
    /// unless something in the block is classified by itself.
    fn is_classified(&self, shape: &Shape, name: &str) -> bool {
        let by_itself = |name: &str| {
            let classes =
                [self.always.contains(name), shape.known.contains(name), shape.unknown.contains(name)];
            classes.iter().filter(|class| **class).count() == 1
        };
        if by_itself(name) {
            return true;
        }
        let Some((block, _)) = name.split_once('.') else { return false };
        let prefix = format!("{block}.");
        let apart = shape.known.iter().chain(&shape.unknown).any(|other| other.starts_with(&prefix));
        !apart && by_itself(block)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: &str = include_str!("../../../schema/vpc-names.txt");

    #[test]
    #[expect(clippy::disallowed_macros, reason = "the counts are for people")]
    fn every_name_of_the_provider_is_classified() {
        let found = unclassified(NAMES);
        assert!(found.is_empty(), "{found:#?}");
        let world = ClosedWorld::get();
        let attributes: usize =
            world.shapes.values().map(|shape| shape.known.len() + shape.unknown.len()).sum();
        println!(
            "{} shapes with {attributes} attributes, {} hosts; foreign by exception: {:?}",
            world.shapes.len(),
            world.hosts.len(),
            world.foreign
        );
        assert!((80..=150).contains(&world.shapes.len()), "{}", world.shapes.len());
    }

    #[test]
    fn a_name_that_the_provider_brings_is_found() {
        let found = |line: &str| {
            let mut lines: Vec<&str> =
                NAMES.lines().filter(|old| old.split(':').next() != line.split(':').next()).collect();
            lines.push(line);
            unclassified(&lines.join("\n"))
        };
        let route = NAMES.lines().find(|line| line.starts_with("aws_route: ")).unwrap();
        assert_eq!(found(&format!("{route} odb_network_arn")), ["aws_route.odb_network_arn"]);
        assert_eq!(found("aws_odb_network_peering: vpc_id"), ["aws_odb_network_peering stands nowhere"]);
        let table = NAMES.lines().find(|line| line.starts_with("aws_route_table: ")).unwrap();
        assert_eq!(
            found(&format!("{table} route.odb_network_arn")),
            ["aws_route_table.route.odb_network_arn"]
        );
        let host = NAMES.lines().find(|line| line.starts_with("aws_lb: ")).unwrap();
        assert_eq!(found(&format!("{host} edge_route_table_id")), ["aws_lb.edge_route_table_id of a host"]);
        let gone = found("aws_vpn_gateway_route_propagation: id route_table_id");
        assert_eq!(gone, ["aws_vpn_gateway_route_propagation.vpn_gateway_id is not in the schema"]);
    }
}
