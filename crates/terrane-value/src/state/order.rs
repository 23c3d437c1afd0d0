//! The order in which Terraform lists resources.

use std::collections::BTreeSet;

use super::whole::{Instance, InstanceKey, Mode, Resource};

/// Returns the addresses of all instances, deposed ones included, each once.
pub(super) fn addresses(resources: &[Resource]) -> Vec<&str> {
    let mut listed: Vec<(Place<'_>, &str)> = resources
        .iter()
        .flat_map(|resource| {
            resource.instances.iter().map(move |instance| (place(resource, instance), instance.address()))
        })
        .collect();
    listed.sort();
    let mut seen = BTreeSet::new();
    listed.into_iter().map(|(_, address)| address).filter(|address| seen.insert(*address)).collect()
}

/// What Terraform compares, in this order: how many modules stand around, which, whether it is managed, then type,
/// name, and key; no key before numbers, numbers before names.
type Place<'a> = (usize, Vec<(&'a str, Option<Key<'a>>)>, bool, &'a str, &'a str, Option<Key<'a>>);

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Key<'a> {
    Index(u64),
    Name(std::borrow::Cow<'a, str>),
}

fn place<'a>(resource: &'a Resource, instance: &'a Instance) -> Place<'a> {
    let modules = resource.module.as_deref().map(modules).unwrap_or_default();
    let key = instance.key.as_ref().map(|key| match key {
        InstanceKey::Index(idx) => Key::Index(*idx),
        InstanceKey::Name(name) => Key::Name(name.into()),
    });
    (modules.len(), modules, resource.mode == Mode::Managed, &resource.ty, &resource.name, key)
}

/// Takes the address of a module apart, which is known to be right.
fn modules(address: &str) -> Vec<(&str, Option<Key<'_>>)> {
    let mut modules = Vec::new();
    let mut rest = address;
    while let Some(after) = rest.strip_prefix("module.") {
        let end = after.find(['.', '[']).unwrap_or(after.len());
        let (name, mut tail) = after.split_at(end);
        let mut key = None;
        if let Some(inner) = tail.strip_prefix('[') {
            if inner.starts_with('"') {
                let mut stream = serde_json::Deserializer::from_str(inner).into_iter::<String>();
                key = stream.next().and_then(Result::ok).map(|name| Key::Name(name.into()));
                tail = inner.get(stream.byte_offset() + 1..).unwrap_or_default();
            } else {
                let (idx, after) = inner.split_once(']').unwrap_or((inner, ""));
                key = idx.parse().ok().map(Key::Index);
                tail = after;
            }
        }
        modules.push((name, key));
        rest = tail.strip_prefix('.').unwrap_or_default();
    }
    modules
}
