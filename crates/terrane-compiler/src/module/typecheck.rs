//! Every reference resolves, every argument exists, and every type fits.
//!
//! [`check`] infers the type of each expression of a module, and collects what Terraform would refuse.
//! What it accepts, `terraform validate` accepts; what only values can tell is left to Terraform.

mod names;

use std::collections::{BTreeMap, BTreeSet};

use terrane_contract::Type;
use terrane_hcl::types::{self, Certainty, Scope};

use super::fault::Fault;
use super::language::{self, Version};
use super::schema::{Block, NestedBlock, Schema};
use super::syntax::{Body, Expr, Item};
use super::{Condition, Local, Module, Resource};

/// What the check found out about a module without faults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typed {
    /// The type of each output.
    pub outputs: BTreeMap<String, Type>,
    /// The type of each local value.
    pub locals: BTreeMap<String, Type>,
    /// The lowest version of Terraform that has what the module uses.
    pub required_version: Version,
}

/// Checks a module against Terraform's rules and a provider's schema.
///
/// # Errors
///
/// Returns everything that is wrong, in the order of the module.
pub fn check(module: &Module, schema: &Schema) -> Result<Typed, Vec<Fault>> {
    let mut checker = Checker {
        module,
        schema,
        locals: module.locals.iter().map(|local| (local.name.as_str(), (local, Progress::Waiting))).collect(),
        faults: Vec::new(),
        address: String::new(),
        argument: String::new(),
        surroundings: Surroundings::default(),
    };
    checker.check_names();
    checker.check_variables();
    for local in &module.locals {
        checker.local_type(&local.name);
    }
    for resource in &module.data {
        checker.check_resource(resource, true);
    }
    for resource in &module.resources {
        checker.check_resource(resource, false);
    }
    checker.check_moved();
    let outputs = checker.check_outputs();
    if !checker.faults.is_empty() {
        return Err(checker.faults);
    }
    let locals = checker
        .locals
        .into_iter()
        .map(|(name, (_, progress))| match progress {
            Progress::Done(ty) => (name.to_owned(), ty),
            Progress::Waiting | Progress::Running => (name.to_owned(), Type::Dynamic),
        })
        .collect();
    Ok(Typed { outputs, locals, required_version: language::required_version(module) })
}

/// How far the type of a local is known.
enum Progress {
    Waiting,
    Running,
    Done(Type),
}

struct Checker<'m> {
    module: &'m Module,
    schema: &'m Schema,
    locals: BTreeMap<&'m str, (&'m Local, Progress)>,
    faults: Vec<Fault>,
    /// Where the expression that is looked at stands.
    address: String,
    argument: String,
    surroundings: Surroundings,
}

/// What the place of an expression gives it beside the module's own names.
#[derive(Default)]
struct Surroundings {
    /// The type of `each.value`, where the resource has `for_each`.
    each: Option<Type>,
    /// Whose attributes `self` has, in a postcondition: whether it is a data source, and its type.
    own: Option<(bool, String)>,
}

impl<'m> Checker<'m> {
    fn fault(&mut self, message: String, hint: &str) {
        self.faults.push(Fault {
            address: self.address.clone(),
            argument: self.argument.clone(),
            message,
            hint: hint.to_owned(),
        });
    }

    fn enter(&mut self, address: &str, argument: &str) {
        address.clone_into(&mut self.address);
        argument.clone_into(&mut self.argument);
    }

    /// Returns the type of an expression.
    fn infer(&mut self, expr: &Expr) -> Type {
        types::infer(self, &mut Scope::default(), expr)
    }

    /// Reports an expression that does not convert to `expected`.
    fn expect(&mut self, expr: &Expr, expected: &Type, what: &str) {
        types::expect(self, &mut Scope::default(), expr, expected, what);
    }

    fn check_names(&mut self) {
        let module = self.module;
        let names = (module.variables.iter().map(|variable| ("var.", "", &variable.name)))
            .chain(module.locals.iter().map(|local| ("local.", "", &local.name)))
            .chain(module.outputs.iter().map(|output| ("output.", "", &output.name)))
            .chain(module.data.iter().map(|resource| ("data.", resource.ty.as_str(), &resource.name)))
            .chain(module.resources.iter().map(|resource| ("", resource.ty.as_str(), &resource.name)));
        let mut seen = BTreeSet::new();
        for (kind, ty, name) in names {
            if !seen.insert((kind, ty, name)) {
                self.enter(&format!("{kind}{}", join(ty, name)), "");
                self.fault("it is declared twice".to_owned(), "give one of them another name");
            }
        }
    }

    fn check_variables(&mut self) {
        let module = self.module;
        for variable in &module.variables {
            let address = format!("var.{}", variable.name);
            if let Some(default) = &variable.default {
                self.enter(&address, "default");
                self.expect(default, &variable.ty, "the default");
            }
            self.check_conditions(&address, "validation", &variable.validations);
        }
    }

    fn check_conditions(&mut self, address: &str, block: &str, conditions: &[Condition]) {
        for condition in conditions {
            self.enter(address, &format!("{block}.condition"));
            self.expect(&condition.condition, &Type::Bool, "the condition");
            self.enter(address, &format!("{block}.error_message"));
            self.expect(&condition.error_message, &Type::String, "the message");
        }
    }

    fn variable_type(&self, name: &str) -> Option<&'m Type> {
        self.module.variables.iter().find(|variable| variable.name == name).map(|variable| &variable.ty)
    }

    fn local_type(&mut self, name: &str) -> Option<&Type> {
        let (local, progress) = self.locals.get_mut(name)?;
        match progress {
            Progress::Done(_) => {}
            Progress::Running => self.fault(
                format!("`local.{name}` needs its own value through this"),
                "break the cycle of local values",
            ),
            Progress::Waiting => {
                *progress = Progress::Running;
                let local = *local;
                self.infer_local(local);
            }
        }
        match self.locals.get(name)? {
            (_, Progress::Done(ty)) => Some(ty),
            (_, Progress::Waiting | Progress::Running) => Some(&Type::Dynamic),
        }
    }

    fn infer_local(&mut self, local: &'m Local) {
        let outer = (
            std::mem::replace(&mut self.address, format!("local.{}", local.name)),
            std::mem::take(&mut self.argument),
        );
        let surroundings = std::mem::take(&mut self.surroundings);
        let ty = self.infer(&local.value);
        self.surroundings = surroundings;
        (self.address, self.argument) = outer;
        self.locals.insert(&local.name, (local, Progress::Done(ty)));
    }

    /// Returns whether a resource has instances by key, or `None` if there is none of that name.
    fn instances(&self, is_data: bool, ty: &str, name: &str) -> Option<bool> {
        let resources = if is_data { &self.module.data } else { &self.module.resources };
        let resource = resources.iter().find(|resource| resource.ty == ty && resource.name == name)?;
        Some(resource.for_each.is_some())
    }

    fn check_resource(&mut self, resource: &Resource, is_data: bool) {
        let address = if is_data { format!("data.{}", resource.address()) } else { resource.address() };
        if let Some(for_each) = &resource.for_each {
            self.enter(&address, "for_each");
            self.surroundings.each = Some(self.check_for_each(for_each));
        }
        let block = if is_data { self.schema.data(&resource.ty) } else { self.schema.resource(&resource.ty) };
        match block {
            Some(block) => {
                self.check_body(&address, "", &resource.body, block);
                self.check_ignored(&address, resource, block);
            }
            None => {
                self.enter(&address, "");
                self.fault(
                    format!("the provider's schema has no type `{}`", resource.ty),
                    "correct the type, or add it to the list of the excerpt and refresh that",
                );
            }
        }
        self.check_conditions(&address, "lifecycle.precondition", &resource.preconditions);
        self.surroundings.own = Some((is_data, resource.ty.clone()));
        self.check_conditions(&address, "lifecycle.postcondition", &resource.postconditions);
        self.surroundings = Surroundings::default();
        self.enter(&address, "depends_on");
        for target in &resource.depends_on {
            self.infer(target);
        }
    }

    fn check_ignored(&mut self, address: &str, resource: &Resource, block: &Block) {
        self.enter(address, "lifecycle.ignore_changes");
        for name in &resource.ignore_changes {
            if !block.attributes.contains_key(name) && !block.blocks.contains_key(name) {
                self.fault(
                    format!("there is no argument `{name}`"),
                    "take one that the provider's schema has",
                );
            }
        }
    }

    /// Returns the type of `each.value`.
    fn check_for_each(&mut self, for_each: &Expr) -> Type {
        match self.infer(for_each) {
            Type::Set(element) if matches!(*element, Type::String | Type::Dynamic) => Type::String,
            ty @ (Type::Map(_) | Type::Object { .. } | Type::Dynamic) => {
                types::element(&ty, Certainty::Possible).unwrap_or(Type::Dynamic)
            }
            other => {
                self.fault(
                    format!("the value is {other}, not a map or a set of strings"),
                    "convert it with `toset`, or give a map",
                );
                Type::Dynamic
            }
        }
    }

    fn check_body(&mut self, address: &str, path: &str, body: &Body, block: &Block) {
        let mut arguments = BTreeSet::new();
        let mut blocks: BTreeMap<&str, u64> = BTreeMap::new();
        for item in &body.items {
            match item {
                Item::Argument(name, value) => {
                    self.enter(address, &join(path, name));
                    if !arguments.insert(name.as_str()) {
                        self.fault("it is set twice".to_owned(), "set it once");
                    }
                    self.check_argument(name, value, block);
                }
                Item::Block(nested) => {
                    let path = join(path, &nested.kind);
                    self.enter(address, &path);
                    *blocks.entry(&nested.kind).or_default() += 1;
                    match block.blocks.get(&nested.kind) {
                        Some(kind) => self.check_body(address, &path, &nested.body, &kind.block),
                        None => self.fault(
                            format!("there is no block `{}`", nested.kind),
                            "take one that the provider's schema has",
                        ),
                    }
                }
                Item::Comment(_) | Item::Blank => {}
            }
        }
        self.enter(address, path);
        for (name, _) in block.attributes.iter().filter(|(_, attribute)| attribute.required) {
            if !arguments.contains(name.as_str()) {
                self.fault(format!("the required argument `{name}` is missing"), "set it");
            }
        }
        for (name, kind) in &block.blocks {
            self.check_count(name, kind, blocks.get(name.as_str()).copied().unwrap_or_default());
        }
    }

    fn check_argument(&mut self, name: &str, value: &Expr, block: &Block) {
        match block.attributes.get(name) {
            Some(attribute) if attribute.required || attribute.optional => {
                self.expect(value, &attribute.ty, "the value");
            }
            Some(_) => self
                .fault(format!("the provider computes `{name}`, so that it cannot be set"), "leave it out"),
            None => {
                let hint = match block.blocks.contains_key(name) {
                    true => "write it as a block",
                    false => "take one that the provider's schema has",
                };
                self.fault(format!("there is no argument `{name}`"), hint);
            }
        }
    }

    fn check_count(&mut self, name: &str, kind: &NestedBlock, found: u64) {
        let max = match kind.nesting {
            super::schema::Nesting::Single | super::schema::Nesting::Group => 1,
            _ if kind.max == 0 => u64::MAX,
            _ => kind.max,
        };
        if found < kind.min {
            self.fault(
                format!("there must be at least {} blocks `{name}`, found {found}", kind.min),
                "add what is missing",
            );
        }
        if found > max {
            self.fault(
                format!("there may be {max} blocks `{name}`, found {found}"),
                "remove what is too many",
            );
        }
    }

    fn check_moved(&mut self) {
        let module = self.module;
        for moved in &module.moved {
            let exists =
                |address: &str| module.resources.iter().any(|resource| resource.address() == address);
            self.enter(&format!("moved {}", moved.from), "");
            if exists(&moved.from) {
                self.fault("it still exists".to_owned(), "move only what is gone");
            }
        }
    }

    fn check_outputs(&mut self) -> BTreeMap<String, Type> {
        let module = self.module;
        let mut outputs = BTreeMap::new();
        for output in &module.outputs {
            self.enter(&format!("output.{}", output.name), "value");
            if matches!(output.value, Expr::ForExpr(_)) {
                self.fault(
                    "its type depends on how many elements it has".to_owned(),
                    "convert it with `tolist`, `toset`, or `tomap`",
                );
            }
            let ty = self.infer(&output.value);
            outputs.insert(output.name.clone(), ty);
        }
        outputs
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

#[cfg(test)]
mod tests;
