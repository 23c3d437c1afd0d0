//! The resources of a plan or a state, and what their attributes refer to.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use terrane_value::{InstanceKey, Mode, Resource};

use super::Given;
use crate::names::Cidr;

/// One instance of a resource.
struct Instance<'a> {
    /// The address of its module with a dot at the end; empty for the root module.
    module: String,
    /// The module's calls, without indices.
    calls: Vec<String>,
    ty: &'a str,
    name: &'a str,
    key: Cow<'a, Value>,
    values: Cow<'a, Value>,
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

/// Everything that a document holds.
pub(super) struct Document<'a> {
    instances: Vec<Instance<'a>>,
    by_id: BTreeMap<String, Vec<usize>>,
    configuration: &'a Value,
    keys_mean_themselves: bool,
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
        let mut by_id: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (idx, instance) in instances.iter().enumerate() {
            if let Some(id) = instance.values["id"].as_str() {
                by_id.entry(id.to_owned()).or_default().push(idx);
            }
        }
        let configuration = &document["configuration"]["root_module"];
        Ok(Document { instances, by_id, configuration, keys_mean_themselves })
    }

    /// Returns the instances of a type.
    pub(super) fn of(&self, ty: &str) -> Vec<usize> {
        (0..self.instances.len()).filter(|idx| self.instances[*idx].ty == ty).collect()
    }

    /// Returns the type of an instance.
    pub(super) fn ty(&self, instance: usize) -> &str {
        self.instances[instance].ty
    }

    /// Returns the name of an instance's block.
    pub(super) fn name(&self, instance: usize) -> &str {
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

    /// Returns the instance of one of these types with an id.
    pub(super) fn with_id(&self, id: &str, types: &[&str]) -> Target {
        let found: Vec<usize> = self
            .by_id
            .get(id)
            .into_iter()
            .flatten()
            .copied()
            .filter(|idx| types.contains(&self.instances[*idx].ty))
            .collect();
        match found.as_slice() {
            [one] => Target::One(*one),
            _ => Target::Unknown(format!("`{id}` is not in the document")),
        }
    }

    /// Returns the VPC of an instance.
    pub(super) fn vpc_of(&self, instance: usize) -> Target {
        let mut own = instance;
        // Ranges may name each other, and those of a broken document in a circle.
        for _ in &self.instances {
            let attribute = match self.ty(own) {
                "aws_vpc" => return Target::One(own),
                "aws_default_route_table" if self.text(own, "vpc_id").is_none() => "default_route_table_id",
                "aws_default_network_acl" if self.text(own, "vpc_id").is_none() => "default_network_acl_id",
                _ => "vpc_id",
            };
            match self.target(own, attribute, &["aws_vpc", "aws_vpc_ipv4_cidr_block_association"]) {
                Target::One(other) => own = other,
                target => return target,
            }
        }
        Target::Unknown(format!("{} leads to no VPC", self.address(instance)))
    }

    /// Returns the instance of one of these types that an attribute refers to.
    pub(super) fn target(&self, instance: usize, attribute: &str, types: &[&str]) -> Target {
        match &self.values(instance)[attribute] {
            Value::String(id) if id.is_empty() => return Target::Absent,
            Value::String(id) => return self.with_id(id, types),
            Value::Null if self.values(instance).get(attribute).is_some() => return Target::Absent,
            _ => {}
        }
        let expression = self.expression(instance, attribute);
        if expression.is_null() {
            return Target::Absent;
        }
        self.referred(instance, &expression["references"], types)
    }

    /// Returns the instances of one of these types that a list of ids names.
    pub(super) fn targets(&self, instance: usize, attribute: &str, types: &[&str]) -> Vec<Target> {
        match &self.values(instance)[attribute] {
            Value::Array(ids) => ids
                .iter()
                .map(|id| match id.as_str() {
                    Some(id) => self.with_id(id, types),
                    None => {
                        self.referred(instance, &self.expression(instance, attribute)["references"], types)
                    }
                })
                .collect(),
            _ if self.is_open(instance, attribute) => {
                vec![self.referred(instance, &self.expression(instance, attribute)["references"], types)]
            }
            _ => Vec::new(),
        }
    }

    /// Returns whether an attribute that refers to one of these types cannot mean `candidate`.
    pub(super) fn excludes(
        &self,
        instance: usize,
        attribute: &str,
        types: &[&str],
        candidate: usize,
    ) -> bool {
        let (own, other) = (&self.instances[instance], &self.instances[candidate]);
        if let (Some(id), Some(known)) = (self.text(instance, attribute), self.text(candidate, "id")) {
            return id != known;
        }
        let references = &self.expression(instance, attribute)["references"];
        let mut named = references.as_array().into_iter().flatten().filter_map(Value::as_str).peekable();
        let is_other = |text: &str| {
            matches!(text, "each.key" | "count.index")
                || reference(text).is_some_and(|(ty, name, _)| {
                    types.contains(&ty)
                        && (ty != other.ty || name != other.name || own.module != other.module)
                })
        };
        named.peek().is_some() && named.all(is_other)
    }

    fn referred(&self, instance: usize, references: &Value, types: &[&str]) -> Target {
        let own = &self.instances[instance];
        let texts: Vec<&str> =
            references.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let unknown = |why: &str| Target::Unknown(format!("it refers to {}{why}", quoted(&texts)));
        let mut resources: BTreeSet<(&str, &str)> = BTreeSet::new();
        let mut indices: BTreeSet<&str> = BTreeSet::new();
        let (mut each, mut other) = (false, false);
        for text in &texts {
            match *text {
                "each.key" => each = true,
                // The object that holds the key or value is listed beside it.
                "each.value" | "count.index" => other = true,
                text if text.starts_with("each.value") => other = true,
                text => match reference(text) {
                    Some((ty, name, index)) if types.contains(&ty) => {
                        resources.insert((ty, name));
                        indices.extend(index);
                    }
                    _ => return unknown(""),
                },
            }
        }
        let mut resources = resources.into_iter();
        let (Some((ty, name)), None) = (resources.next(), resources.next()) else { return unknown("") };
        let same = |idx: &usize| {
            let found = &self.instances[*idx];
            found.ty == ty && found.name == name && found.module == own.module
        };
        let mut found: Vec<usize> = (0..self.instances.len()).filter(same).collect();
        let n_instances = found.len();
        if let Some(index) = indices.first().filter(|_| indices.len() == 1 && !each && !other) {
            let index: Option<Value> = serde_json::from_str(index).ok();
            found.retain(|idx| index.as_ref() == Some(&*self.instances[*idx].key));
        } else if self.keys_mean_themselves && each && !other && indices.is_empty() {
            found.retain(|idx| self.instances[*idx].key == own.key);
        }
        match found.as_slice() {
            [one] => Target::One(*one),
            _ => unknown(&format!(", which can mean any of {n_instances} instances")),
        }
    }

    fn expression(&self, instance: usize, attribute: &str) -> &Value {
        let own = &self.instances[instance];
        let module = own
            .calls
            .iter()
            .fold(self.configuration, |module, call| &module["module_calls"][call.as_str()]["module"]);
        let found = module["resources"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|resource| resource["type"] == own.ty && resource["name"] == own.name);
        found.map_or(&Value::Null, |resource| &resource["expressions"][attribute])
    }
}

/// Reads `type.name`, `type.name.attribute`, or either with an index.
fn reference(text: &str) -> Option<(&str, &str, Option<&str>)> {
    let (ty, rest) = text.split_once('.')?;
    let end = rest.find(['.', '[']).unwrap_or(rest.len());
    let (name, rest) = rest.split_at(end);
    let index = rest.strip_prefix('[').and_then(|rest| rest.split(']').next());
    Some((ty, name, index))
}

fn quoted(texts: &[&str]) -> String {
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
                values: Cow::Owned(instance.attributes().to_serde_json()),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
