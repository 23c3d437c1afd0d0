//! The resources of a plan or a state, and what their attributes refer to.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde_json::Value;
use terrane_value::{InstanceKey, Mode, Resource};

use super::Given;
use super::closed_world::is_something;
use super::references::{Leaf, Leaves, leaves};
use crate::names::Cidr;

/// One instance of a resource.
pub(super) struct Instance<'a> {
    /// The address of its module with a dot at the end; empty for the root module.
    pub(super) module: String,
    /// The module's calls, without indices.
    pub(super) calls: Vec<String>,
    pub(super) ty: &'a str,
    pub(super) name: &'a str,
    key: Cow<'a, Value>,
    values: Cow<'a, Value>,
    /// What the configuration says of each attribute; null in a state.
    expressions: &'a Value,
}

/// What an attribute refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// This instance.
    One(usize),
    /// Nothing: the attribute is not set.
    Absent,
    /// Something that the document does not tell, and why.
    Unknown(String),
}

/// What an attribute that refers to something unknown may still mean.
#[derive(Clone, Debug, PartialEq, Eq)]
enum May {
    /// Any instance.
    Anything,
    /// One of these.
    These(Vec<usize>),
}

/// The rows of a type by what one of their attributes refers to.
#[derive(Debug, Default)]
pub(super) struct Rows {
    by: BTreeMap<usize, Vec<usize>>,
    maybe: BTreeMap<usize, Vec<(usize, String)>>,
    anything: Vec<(usize, String)>,
}

impl Rows {
    /// Returns the rows that refer to an instance.
    pub(super) fn of(&self, instance: usize) -> &[usize] {
        self.by.get(&instance).map_or(&[], Vec::as_slice)
    }

    /// Iterates over the rows that may refer to an instance, with why that is not known.
    pub(super) fn maybe(&self, instance: usize) -> impl Iterator<Item = &(usize, String)> {
        self.maybe.get(&instance).into_iter().flatten().chain(&self.anything)
    }
}

type RowsKey = (&'static str, &'static str);

/// Everything that a document holds.
pub(super) struct Document<'a> {
    instances: Vec<Instance<'a>>,
    by_type: BTreeMap<&'a str, Vec<usize>>,
    by_id: BTreeMap<String, Vec<usize>>,
    /// VPCs by what AWS made with them.
    by_default: BTreeMap<String, usize>,
    by_block: BTreeMap<(&'a str, &'a str, Vec<String>), Vec<usize>>,
    configuration: &'a Value,
    changes: &'a Value,
    keys_mean_themselves: bool,
    rows: RefCell<BTreeMap<RowsKey, Rc<Rows>>>,
    superseded: RefCell<BTreeMap<&'static str, Rc<Vec<&'a Value>>>>,
    /// The letter of the NAT gateway through which a zone letter leaves, where a compiled module says so.
    nat_homes: BTreeMap<String, String>,
}

impl<'a> Document<'a> {
    /// Reads a plan or a state.
    ///
    /// `keys_mean_themselves` if each reference beside `each.key` is known to take the instance of that very key.
    pub(super) fn read(given: Given<'a>, keys_mean_themselves: bool) -> Result<Document<'a>, String> {
        let mut instances = Vec::new();
        let document = match given {
            Given::Document(document) => document,
            Given::Resources(resources) => {
                of_resources(resources, &mut instances);
                &Value::Null
            }
        };
        let roots = [&document["planned_values"]["root_module"], &document["values"]["root_module"]];
        if let Some(root) = roots.into_iter().find(|root| root.is_object()) {
            of_module(root, &[], &mut instances);
        } else if document["version"] == 4 {
            of_state(document, &mut instances);
        } else if !matches!(given, Given::Resources(_)) {
            return Err("is neither a state of version 4 nor what `terraform show -json` prints".to_owned());
        }
        let configuration = &document["configuration"]["root_module"];
        let mut expressions = BTreeMap::new();
        expressions_of(configuration, &[], &mut expressions);
        let mut by_type: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        let mut by_default: BTreeMap<String, usize> = BTreeMap::new();
        let mut by_id: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut by_block: BTreeMap<(&str, &str, Vec<String>), Vec<usize>> = BTreeMap::new();
        for (idx, instance) in instances.iter_mut().enumerate() {
            if instance.ty == "aws_vpc" {
                let defaults = DEFAULTS.iter().filter_map(|attribute| instance.values[attribute].as_str());
                by_default.extend(defaults.filter(|id| !id.is_empty()).map(|id| (id.to_owned(), idx)));
            }
            by_type.entry(instance.ty).or_default().push(idx);
            if let Some(id) = instance.values["id"].as_str() {
                by_id.entry(id.to_owned()).or_default().push(idx);
            }
            let block = (instance.ty, instance.name, instance.calls.clone());
            instance.expressions = expressions.get(&block).copied().unwrap_or(&Value::Null);
            by_block.entry(block).or_default().push(idx);
        }
        Ok(Document {
            instances,
            by_type,
            by_id,
            by_block,
            by_default,
            configuration,
            changes: &document["resource_changes"],
            keys_mean_themselves,
            rows: RefCell::default(),
            superseded: RefCell::default(),
            nat_homes: BTreeMap::new(),
        })
    }

    /// Says through which letter's NAT gateway each letter leaves: a plan shows that there is such a map, and not the map.
    pub(super) fn with_nat_homes(self, nat_homes: BTreeMap<String, String>) -> Document<'a> {
        Document { nat_homes, ..self }
    }

    /// Returns whether a compiled module is read, of which is known how it writes references and names.
    pub(super) fn is_compiled(&self) -> bool {
        self.keys_mean_themselves
    }

    /// Returns whether it is a plan, which leaves out what is not known yet.
    pub(super) fn is_plan(&self) -> bool {
        self.configuration.is_object()
    }

    /// Iterates over all instances.
    pub(super) fn all(&self) -> std::ops::Range<usize> {
        0..self.instances.len()
    }

    /// Returns the instances of a type.
    pub(super) fn of(&self, ty: &str) -> &[usize] {
        self.by_type.get(ty).map_or(&[], Vec::as_slice)
    }

    /// Returns the type of an instance.
    pub(super) fn ty(&self, instance: usize) -> &'a str {
        self.instances[instance].ty
    }

    /// Returns the name of an instance's block.
    pub(super) fn name(&self, instance: usize) -> &'a str {
        self.instances[instance].name
    }

    /// Returns the address of an instance's module; empty for the root module.
    pub(super) fn module(&self, instance: usize) -> &str {
        self.instances[instance].module.trim_end_matches('.')
    }

    /// Returns the address of an instance.
    pub(super) fn address(&self, idx: usize) -> String {
        let instance = &self.instances[idx];
        match &*instance.key {
            Value::Null => format!("{}{}.{}", instance.module, instance.ty, instance.name),
            key => format!("{}{}.{}[{key}]", instance.module, instance.ty, instance.name),
        }
    }

    /// Returns the attributes of an instance.
    pub(super) fn values(&self, instance: usize) -> &Value {
        &self.instances[instance].values
    }

    /// Returns an attribute that is text and not empty.
    pub(super) fn text(&self, instance: usize, attribute: &str) -> Option<&str> {
        self.values(instance)[attribute].as_str().filter(|text| !text.is_empty())
    }

    /// Returns an attribute that is an IPv4 range.
    pub(super) fn cidr(&self, instance: usize, attribute: &str) -> Option<Cidr> {
        Cidr::parse(self.text(instance, attribute)?).ok()
    }

    /// Returns whether an attribute is set by the configuration but not known yet.
    pub(super) fn is_open(&self, instance: usize, attribute: &str) -> bool {
        self.values(instance).get(attribute).is_none() && !self.expression(instance, attribute).is_null()
    }

    /// Returns whether an attribute has a value, or will have one that is not known yet.
    pub(super) fn is_set(&self, instance: usize, attribute: &str) -> bool {
        is_something(&self.values(instance)[attribute]) || self.is_open(instance, attribute)
    }

    /// Returns whether the configuration gives an attribute; no state does.
    pub(super) fn is_given(&self, instance: usize, attribute: &str) -> bool {
        !self.expression(instance, attribute).is_null()
    }

    /// Returns the instances of one of these types with an id.
    fn ids(&self, id: &str, types: &[&str]) -> Vec<usize> {
        let found = self.by_id.get(id).into_iter().flatten().copied();
        found.filter(|idx| types.contains(&self.instances[*idx].ty)).collect()
    }

    /// Returns the instance of one of these types with an id.
    pub(super) fn with_id(&self, id: &str, types: &[&str]) -> Target {
        self.meant_by_id(id, types).0
    }

    fn meant_by_id(&self, id: &str, types: &[&str]) -> (Target, May) {
        let found = self.ids(id, types);
        let target = match found.as_slice() {
            [one] => Target::One(*one),
            [] => Target::Unknown(format!("`{id}` is not in the document")),
            several => Target::Unknown(format!("{} instances have the id `{id}`", several.len())),
        };
        (target, May::These(found))
    }

    /// Returns the VPC of an instance.
    pub(super) fn vpc_of(&self, instance: usize) -> Target {
        self.meant_vpc(instance).0
    }

    /// Returns the VPC of an instance; and, where it is not known, whether it may be this one.
    pub(super) fn may_be_in(&self, instance: usize, vpc: usize) -> Option<String> {
        match self.meant_vpc(instance) {
            (Target::Unknown(why), May::Anything) => Some(why),
            (Target::Unknown(why), May::These(these)) => these.contains(&vpc).then_some(why),
            (Target::One(_) | Target::Absent, _) => None,
        }
    }

    fn meant_vpc(&self, instance: usize) -> (Target, May) {
        let mut own = instance;
        // Ranges may name each other, and those of a broken document in a circle.
        for _ in &self.instances {
            let attribute = match self.ty(own) {
                "aws_vpc" => return (Target::One(own), May::These(vec![own])),
                "aws_default_route_table" if self.text(own, "vpc_id").is_none() => "default_route_table_id",
                "aws_default_network_acl" if self.text(own, "vpc_id").is_none() => "default_network_acl_id",
                _ => "vpc_id",
            };
            if let Some(vpc) = self.text(own, attribute).and_then(|id| self.by_default.get(id)) {
                return (Target::One(*vpc), May::These(vec![*vpc]));
            }
            match self.meant(own, attribute, &["aws_vpc", "aws_vpc_ipv4_cidr_block_association"]) {
                (Target::One(other), _) => own = other,
                meant => return meant,
            }
        }
        (Target::Unknown(format!("{} leads to no VPC", self.address(instance))), May::Anything)
    }

    /// Returns the instance of one of these types that an attribute refers to.
    pub(super) fn target(&self, instance: usize, attribute: &str, types: &[&str]) -> Target {
        self.meant(instance, attribute, types).0
    }

    fn meant(&self, instance: usize, attribute: &str, types: &[&str]) -> (Target, May) {
        let nothing = || (Target::Absent, May::These(Vec::new()));
        match &self.values(instance)[attribute] {
            Value::String(id) if id.is_empty() => return nothing(),
            Value::String(id) => return self.meant_by_id(id, types),
            Value::Null if self.values(instance).get(attribute).is_some() => return nothing(),
            _ => {}
        }
        if self.is_given(instance, attribute) { self.referred(instance, attribute, types) } else { nothing() }
    }

    /// Returns what each element of a list of ids refers to.
    fn meant_list(&self, instance: usize, attribute: &str, types: &[&str]) -> Vec<(Target, May)> {
        match &self.values(instance)[attribute] {
            Value::Array(ids) => ids
                .iter()
                .flat_map(|id| match id.as_str() {
                    Some(id) => vec![self.meant_by_id(id, types)],
                    None => self.referred_by_list(instance, attribute, types),
                })
                .collect(),
            _ if self.is_open(instance, attribute) => self.referred_by_list(instance, attribute, types),
            _ => Vec::new(),
        }
    }

    /// Returns the rows of a type by what an attribute, or each element of it, refers to.
    pub(super) fn rows(&self, ty: &'static str, attribute: &'static str, types: &[&str]) -> Rc<Rows> {
        if let Some(rows) = self.rows.borrow().get(&(ty, attribute)) {
            return Rc::clone(rows);
        }
        let mut rows = Rows::default();
        for row in self.of(ty) {
            let list = self.values(*row)[attribute].is_array() || attribute.ends_with("_ids");
            let meant = if list {
                self.meant_list(*row, attribute, types)
            } else {
                vec![self.meant(*row, attribute, types)]
            };
            for (target, may) in meant {
                match (target, may) {
                    (Target::One(one), _) => rows.by.entry(one).or_default().push(*row),
                    (Target::Absent, _) => {}
                    (Target::Unknown(why), May::Anything) => rows.anything.push((*row, why)),
                    (Target::Unknown(why), May::These(these)) => {
                        for one in these {
                            rows.maybe.entry(one).or_default().push((*row, why.clone()));
                        }
                    }
                }
            }
        }
        let rows = Rc::new(rows);
        self.rows.borrow_mut().insert((ty, attribute), Rc::clone(&rows));
        rows
    }

    /// Returns what the rows of a type were before a plan changed or deleted them.
    pub(super) fn superseded(&self, ty: &'static str) -> Rc<Vec<&'a Value>> {
        let mut known = self.superseded.borrow_mut();
        let before = known.entry(ty).or_insert_with(|| {
            let changes = self.changes.as_array().into_iter().flatten();
            let of_type = changes.filter(|change| change["type"] == ty && change["mode"] == "managed");
            let changed = of_type.filter(|change| {
                let actions = change["change"]["actions"].as_array().into_iter().flatten();
                actions.into_iter().any(|action| action == "delete" || action == "update")
            });
            Rc::new(changed.map(|change| &change["change"]["before"]).collect())
        });
        Rc::clone(before)
    }

    /// Returns the names of an instance's attributes that have a value or are given by the configuration.
    pub(super) fn attributes(&self, instance: usize) -> Vec<&str> {
        let instance = &self.instances[instance];
        let (values, given) = (instance.values.as_object(), instance.expressions.as_object());
        let mut names: Vec<&str> =
            values.into_iter().chain(given).flat_map(|map| map.keys()).map(String::as_str).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Returns the name of something that an instance sets, anywhere in its attributes, if one is such a name.
    pub(super) fn touching(&self, instance: usize, is_such: &dyn Fn(&str) -> bool) -> Option<String> {
        let instance = &self.instances[instance];
        first_such(&instance.values, is_such).or_else(|| {
            let given = instance.expressions.as_object()?;
            given.keys().find(|name| is_such(name) && instance.values.get(name.as_str()).is_none()).cloned()
        })
    }

    /// Returns whether the attributes with these names, anywhere in an instance, mention another, or may.
    pub(super) fn mentions(&self, instance: usize, names: &BTreeSet<String>, other: usize) -> bool {
        let named = |name: &str| names.contains(name);
        if self.touching(instance, &named).is_none() {
            return false;
        }
        self.named(instance, &named).is_none_or(|all| all.contains(&other))
    }

    /// Returns every resource that an instance names, by id or by reference, and itself if others name it so;
    /// `None` if something with such a name is not known and could mean any.
    pub(super) fn named(&self, instance: usize, is_such: &dyn Fn(&str) -> bool) -> Option<Vec<usize>> {
        let own = &self.instances[instance];
        let mut named = vec![];
        self.ids_in(&own.values, &mut named);
        let mut known = true;
        for (attribute, expression) in own.expressions.as_object().into_iter().flatten() {
            let mut lists = Vec::new();
            references_in(attribute, expression, &own.values[attribute], &mut lists);
            for (name, references, is_open) in lists {
                let Leaves { leaves, other, .. } = self.leaves(instance, references);
                named.extend(leaves.iter().flat_map(|leaf| self.matching(leaf)));
                known &= !(is_open && is_such(name) && (other || leaves.is_empty()));
            }
        }
        named.retain(|idx| *idx != instance);
        if matches!(own.ty, "aws_vpc" | "aws_subnet") {
            named.push(instance);
        }
        named.sort_unstable();
        named.dedup();
        known.then_some(named)
    }

    fn ids_in(&self, value: &Value, named: &mut Vec<usize>) {
        match value {
            Value::String(id) => named.extend(self.by_id.get(id.as_str()).into_iter().flatten()),
            Value::Array(list) => list.iter().for_each(|value| self.ids_in(value, named)),
            Value::Object(map) => map.values().for_each(|value| self.ids_in(value, named)),
            _ => {}
        }
    }

    fn matching(&self, leaf: &Leaf<'_>) -> Vec<usize> {
        let block = (leaf.ty, leaf.name, leaf.calls.clone());
        let instances = self.by_block.get(&block).into_iter().flatten().copied();
        instances
            .filter(|idx| leaf.module.as_ref().is_none_or(|module| self.instances[*idx].module == *module))
            .collect()
    }

    fn leaves(&self, instance: usize, references: &'a Value) -> Leaves<'a> {
        let own = &self.instances[instance];
        let mut found = leaves(self.configuration, &own.calls, Some(&own.module), references);
        // A local of that name is the map of a compiled module only where its network has such a map.
        found.other |= found.homes && self.nat_homes.is_empty();
        found
    }

    /// Returns what a list refers to whose ids are not known; in a compiled module, a block that is named without a key
    /// stands for all of its instances.
    fn referred_by_list(&self, instance: usize, attribute: &str, types: &[&str]) -> Vec<(Target, May)> {
        let references = &self.expression(instance, attribute)["references"];
        let Leaves { leaves, each, homes, other, ambiguous } = self.leaves(instance, references);
        let whole = leaves.iter().all(|leaf| leaf.index.is_none() && types.contains(&leaf.ty));
        if !self.keys_mean_themselves || each || homes || other || ambiguous || leaves.is_empty() || !whole {
            return vec![self.referred(instance, attribute, types)];
        }
        let mut all: Vec<usize> = leaves.iter().flat_map(|leaf| self.matching(leaf)).collect();
        all.sort_unstable();
        all.dedup();
        all.into_iter().map(|one| (Target::One(one), May::These(vec![one]))).collect()
    }

    fn referred(&self, instance: usize, attribute: &str, types: &[&str]) -> (Target, May) {
        let own = &self.instances[instance];
        let references = &self.expression(instance, attribute)["references"];
        let Leaves { leaves, each, homes, other, ambiguous } = self.leaves(instance, references);
        let unknown = |why: &str| Target::Unknown(format!("it refers to {}{why}", quoted(references)));
        if other || leaves.is_empty() || leaves.iter().any(|leaf| !types.contains(&leaf.ty)) {
            return (unknown(""), May::Anything);
        }
        let blocks: Vec<Vec<usize>> = leaves.iter().map(|leaf| self.matching(leaf)).collect();
        let mut all: Vec<usize> = blocks.iter().flatten().copied().collect();
        all.sort_unstable();
        all.dedup();
        let same_block = leaves.iter().all(|leaf| {
            (leaf.ty, leaf.name, &leaf.calls) == (leaves[0].ty, leaves[0].name, &leaves[0].calls)
        });
        let mut found = all.clone();
        let mut indices: Vec<&str> = leaves.iter().filter_map(|leaf| leaf.index).collect();
        indices.sort_unstable();
        indices.dedup();
        if let ([index], false, false) = (indices.as_slice(), each || homes, ambiguous) {
            let index: Option<Value> = serde_json::from_str(index).ok();
            found.retain(|idx| index.as_ref() == Some(&*self.instances[*idx].key));
        } else if self.keys_mean_themselves && each && !ambiguous && indices.is_empty() {
            let key = own.key.as_str().unwrap_or_default();
            let other = self.nat_homes.get(key).filter(|_| homes).map(String::as_str);
            found.retain(|idx| match other {
                Some(other) => self.instances[*idx].key.as_str() == Some(other),
                None => self.instances[*idx].key == own.key,
            });
        }
        match found.as_slice() {
            [one] if same_block => (Target::One(*one), May::These(vec![*one])),
            _ => {
                let why = format!(", which can mean any of {} instances", all.len());
                (unknown(&why), May::These(all))
            }
        }
    }

    fn expression(&self, instance: usize, attribute: &str) -> &'a Value {
        &self.instances[instance].expressions[attribute]
    }
}

/// The identifiers of what AWS makes with a VPC, among its attributes.
const DEFAULTS: [&str; 3] = ["default_route_table_id", "main_route_table_id", "default_network_acl_id"];

/// Collects what a configuration says of each resource.
fn expressions_of<'a>(
    module: &'a Value,
    calls: &[String],
    found: &mut BTreeMap<(&'a str, &'a str, Vec<String>), &'a Value>,
) {
    for resource in module["resources"].as_array().into_iter().flatten() {
        if let (Some(ty), Some(name)) = (resource["type"].as_str(), resource["name"].as_str())
            && resource["mode"] != "data"
        {
            found.insert((ty, name, calls.to_vec()), &resource["expressions"]);
        }
    }
    for (call, called) in module["module_calls"].as_object().into_iter().flatten() {
        let calls: Vec<String> = calls.iter().cloned().chain([call.clone()]).collect();
        expressions_of(&called["module"], &calls, found);
    }
}

/// Returns the name of a field with a value, anywhere in these, if one is such a name.
fn first_such(value: &Value, is_such: &dyn Fn(&str) -> bool) -> Option<String> {
    match value {
        Value::Object(map) => map.iter().find_map(|(name, value)| {
            let own = is_such(name) && is_something(value);
            if own { Some(name.clone()) } else { first_such(value, is_such) }
        }),
        Value::Array(list) => list.iter().find_map(|value| first_such(value, is_such)),
        _ => None,
    }
}

/// Collects the references of an expression and of the blocks in it: the name of each attribute, its references, and
/// whether its value is not known.
fn references_in<'v>(
    name: &'v str,
    expression: &'v Value,
    value: &Value,
    found: &mut Vec<(&'v str, &'v Value, bool)>,
) {
    match expression {
        Value::Object(map) if map.contains_key("references") => {
            found.push((name, &expression["references"], value.is_null()));
        }
        Value::Object(map) => {
            for (name, expression) in map {
                references_in(name, expression, &value[name.as_str()], found);
            }
        }
        Value::Array(list) => {
            for (idx, expression) in list.iter().enumerate() {
                references_in(name, expression, &value[idx], found);
            }
        }
        _ => {}
    }
}

fn quoted(references: &Value) -> String {
    let texts: Vec<&str> = references.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    // A reference to an attribute is followed by one to its resource, which says no more.
    let whole: Vec<String> = texts
        .iter()
        .filter(|text| !texts.iter().any(|other| other.len() > text.len() && other.starts_with(**text)))
        .map(|text| format!("`{text}`"))
        .collect();
    if whole.is_empty() { "nothing that the document names".to_owned() } else { whole.join(", ") }
}

fn of_module<'a>(module: &'a Value, calls: &[String], instances: &mut Vec<Instance<'a>>) {
    let address = module["address"].as_str().map(|address| format!("{address}.")).unwrap_or_default();
    for resource in module["resources"].as_array().into_iter().flatten() {
        let (Some(ty), Some(name)) = (resource["type"].as_str(), resource["name"].as_str()) else { continue };
        if resource["mode"] == "managed" {
            instances.push(Instance {
                module: address.clone(),
                calls: calls.to_vec(),
                ty,
                name,
                key: Cow::Borrowed(&resource["index"]),
                values: Cow::Borrowed(&resource["values"]),
                expressions: &Value::Null,
            });
        }
    }
    for child in module["child_modules"].as_array().into_iter().flatten() {
        let calls: Vec<String> = calls.iter().cloned().chain(last_call(child)).collect();
        of_module(child, &calls, instances);
    }
}

/// Returns the name of a module's call: the last part of its address without the index.
fn last_call(module: &Value) -> Option<String> {
    let address = module["address"].as_str()?;
    let bare = if address.ends_with(']') { &address[..address.rfind('[')?] } else { address };
    bare.rsplit('.').next().map(str::to_owned)
}

fn of_state<'a>(document: &'a Value, instances: &mut Vec<Instance<'a>>) {
    for resource in document["resources"].as_array().into_iter().flatten() {
        let (Some(ty), Some(name)) = (resource["type"].as_str(), resource["name"].as_str()) else { continue };
        if resource["mode"] != "managed" {
            continue;
        }
        let module = resource["module"].as_str().map(|module| format!("{module}.")).unwrap_or_default();
        for instance in resource["instances"].as_array().into_iter().flatten() {
            // A deposed object waits for its destruction.
            if instance.get("deposed").is_none_or(Value::is_null) {
                instances.push(Instance {
                    module: module.clone(),
                    calls: Vec::new(),
                    ty,
                    name,
                    key: Cow::Borrowed(&instance["index_key"]),
                    values: Cow::Borrowed(&instance["attributes"]),
                    expressions: &Value::Null,
                });
            }
        }
    }
}

fn of_resources<'a>(resources: &'a [Resource], instances: &mut Vec<Instance<'a>>) {
    for resource in resources.iter().filter(|resource| resource.mode() == Mode::Managed) {
        let module = resource.module().map(|module| format!("{module}.")).unwrap_or_default();
        // A deposed object waits for its destruction.
        for instance in resource.instances().iter().filter(|instance| instance.deposed().is_none()) {
            let key = match instance.key() {
                Some(InstanceKey::Index(idx)) => (*idx).into(),
                Some(InstanceKey::Name(name)) => name.as_str().into(),
                _ => Value::Null,
            };
            instances.push(Instance {
                module: module.clone(),
                calls: Vec::new(),
                ty: resource.ty(),
                name: resource.name(),
                key: Cow::Owned(key),
                values: Cow::Owned(match instance.is_flat() {
                    true => typed("", instance.attributes().to_serde_json()),
                    false => instance.attributes().to_serde_json(),
                }),
                expressions: &Value::Null,
            });
        }
    }
}

/// The attributes that are numbers, of the resources that are read here.
const NUMBERS: [&str; 6] = ["from_port", "to_port", "icmp_type", "icmp_code", "rule_no", "rule_number"];

/// Returns attributes that Terraform before 0.12 stored as text, with the types of the provider.
fn typed(name: &str, value: Value) -> Value {
    match value {
        Value::String(text) => match (text.as_str(), text.parse::<i64>()) {
            ("true", _) => true.into(),
            ("false", _) => false.into(),
            (_, Ok(number)) if NUMBERS.contains(&name) => number.into(),
            _ => text.into(),
        },
        Value::Array(elements) => elements.into_iter().map(|element| typed(name, element)).collect(),
        // The values of tags are text, whatever they say.
        Value::Object(members) if name != "tags" => members
            .into_iter()
            .map(|(name, value)| {
                let value = typed(&name, value);
                (name, value)
            })
            .collect(),
        value => value,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_zone_without_a_nat_gateway_has_that_of_its_fallback_if_one_is_declared() {
        let gateway =
            |key: &str| json!({"mode": "managed", "type": "aws_nat_gateway", "name": "this", "index": key});
        let route = |key: &str| json!({"mode": "managed", "type": "aws_route", "name": "nat", "index": key, "values": {}});
        let references = json!(["aws_nat_gateway.this", "local.nat_homes", "each.key"]);
        let expressions = json!({"nat_gateway_id": {"references": references}});
        let plan = json!({
            "planned_values": {"root_module": {"resources": [gateway("a"), gateway("b"), route("b"), route("c")]}},
            "configuration": {"root_module": {
                "resources": [{"mode": "managed", "type": "aws_route", "name": "nat", "expressions": expressions}],
            }},
        });
        let leads = |compiled: bool, homes: &[(&str, &str)]| {
            let homes = homes.iter().map(|(zone, home)| ((*zone).to_owned(), (*home).to_owned()));
            let document = Document::read((&plan).into(), compiled).unwrap().with_nat_homes(homes.collect());
            [2, 3].map(|route| match document.target(route, "nat_gateway_id", &["aws_nat_gateway"]) {
                Target::One(gateway) => Some(gateway),
                Target::Absent | Target::Unknown(_) => None,
            })
        };
        assert_eq!(leads(true, &[("c", "a")]), [Some(1), Some(0)]);
        assert_eq!(leads(true, &[]), [None, None], "the network has no such map");
        assert_eq!(leads(false, &[]), [None, None], "somebody else wrote it");
    }

    #[test]
    fn a_block_in_a_list_stands_for_all_of_its_instances_in_a_compiled_module_alone() {
        let subnet =
            |key: &str| json!({"mode": "managed", "type": "aws_subnet", "name": "app", "index": key});
        let acl = json!({"mode": "managed", "type": "aws_network_acl", "name": "app", "values": {}});
        let references = |references: Value| {
            let expressions = json!({"subnet_ids": {"references": references}});
            json!({
                "planned_values": {"root_module": {"resources": [subnet("a"), subnet("b"), &acl]}},
                "configuration": {"root_module": {
                    "resources": [{"mode": "managed", "type": "aws_network_acl", "name": "app", "expressions": expressions}],
                }},
            })
        };
        let subnets = |compiled: bool, named: Value| {
            let plan = references(named);
            let document = Document::read((&plan).into(), compiled).unwrap();
            let rows = document.rows("aws_network_acl", "subnet_ids", &["aws_subnet"]);
            [0, 1].map(|subnet| rows.of(subnet).len())
        };
        assert_eq!(subnets(true, json!(["aws_subnet.app"])), [1, 1]);
        assert_eq!(subnets(false, json!(["aws_subnet.app"])), [0, 0], "somebody else wrote it");
        assert_eq!(subnets(true, json!(["aws_subnet.app", "local.some"])), [0, 0]);
        assert_eq!(subnets(true, json!(["aws_subnet.app[\"a\"].id", "aws_subnet.app"])), [1, 0]);
    }

    #[test]
    fn ranges_that_name_each_other_lead_to_their_vpc_or_nowhere() {
        let range = |name: &str, vpc_id: &str| {
            json!({
                "mode": "managed", "type": "aws_vpc_ipv4_cidr_block_association", "name": name,
                "instances": [{"attributes": {"id": name, "vpc_id": vpc_id}}],
            })
        };
        let vpc = json!({
            "mode": "managed", "type": "aws_vpc", "name": "v", "instances": [{"attributes": {"id": "vpc-1"}}],
        });
        let state = |first: Value, second: Value| {
            let resources = [&vpc, &first, &second];
            json!({"version": 4, "resources": resources})
        };
        let chain = state(range("a", "b"), range("b", "vpc-1"));
        assert_eq!(Document::read((&chain).into(), false).unwrap().vpc_of(1), Target::One(0));
        let circle = state(range("a", "b"), range("b", "a"));
        assert!(matches!(Document::read((&circle).into(), false).unwrap().vpc_of(1), Target::Unknown(_)));
    }
}
