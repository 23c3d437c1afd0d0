//! What refers to what in a module, through local values.

use std::collections::{BTreeMap, BTreeSet};

use terrane_hcl::expr::TraversalOperator;

use super::rows::attribute;
use crate::module::syntax::{Body, Expr, Item, any};
use crate::module::{Module, Resource};

/// A module with the references between its resources.
pub(super) struct Graph<'m> {
    pub(super) module: &'m Module,
    /// What each resource refers to.
    direct: BTreeMap<String, BTreeSet<String>>,
}

impl<'m> Graph<'m> {
    pub(super) fn new(module: &'m Module) -> Graph<'m> {
        let mut graph = Graph { module, direct: BTreeMap::new() };
        graph.direct =
            module.resources.iter().map(|resource| (resource.address(), graph.direct(resource))).collect();
        graph
    }

    /// Returns the resources of one type.
    pub(super) fn of<'g>(&'g self, ty: &'g str) -> impl Iterator<Item = &'m Resource> + use<'g, 'm> {
        self.module.resources.iter().filter(move |resource| resource.ty == ty)
    }

    pub(super) fn get(&self, address: &str) -> Option<&'m Resource> {
        self.module.resources.iter().find(|resource| resource.address() == address)
    }

    /// Returns whether Terraform makes `resource` after what is at `address`.
    pub(super) fn waits_for(&self, resource: &Resource, address: &str) -> bool {
        self.waits(resource).contains(address)
    }

    pub(super) fn waits_for_type(&self, resource: &Resource, ty: &str) -> bool {
        self.waits(resource).iter().any(|address| address.split('.').next() == Some(ty))
    }

    /// Returns what a resource waits for, directly and through others.
    fn waits(&self, resource: &Resource) -> BTreeSet<&str> {
        let mut seen = BTreeSet::new();
        let start = resource.address();
        let mut open = vec![start.as_str()];
        while let Some(address) = open.pop() {
            for next in self.direct.get(address).into_iter().flatten() {
                if seen.insert(next.as_str()) {
                    open.push(next);
                }
            }
        }
        seen
    }

    /// Returns the addresses of one type that an argument refers to.
    pub(super) fn referred(&self, resource: &Resource, argument: &str, ty: &str) -> Vec<String> {
        let references = resource.body.get(argument).map(|value| self.references(value)).unwrap_or_default();
        references.into_iter().filter(|address| address.split('.').next() == Some(ty)).collect()
    }

    /// Returns the names of the variables that an argument refers to.
    pub(super) fn variables(&self, resource: &Resource, argument: &str) -> Vec<String> {
        let references = resource.body.get(argument).map(|value| self.references(value)).unwrap_or_default();
        references.into_iter().filter_map(|address| address.strip_prefix("var.").map(str::to_owned)).collect()
    }

    /// Returns the literal that an expression is: itself, or the local value that it names.
    pub(super) fn table(&self, expr: &'m Expr) -> Option<&'m Expr> {
        let Expr::Traversal(traversal) = expr else { return Some(expr) };
        match (&traversal.expr, traversal.operators.as_slice()) {
            (Expr::Variable(root), [TraversalOperator::GetAttr(name)]) if root.as_str() == "local" => {
                self.module.locals.iter().find(|local| local.name == name.as_str()).map(|local| &local.value)
            }
            _ => None,
        }
    }

    /// Returns the default of a variable.
    pub(super) fn default(&self, variable: &str) -> Option<&'m Expr> {
        self.module.variables.iter().find(|it| it.name == variable)?.default.as_ref()
    }

    fn direct(&self, resource: &Resource) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        self.collect_body(&resource.body, &mut found);
        for expr in resource.for_each.iter().chain(&resource.depends_on) {
            self.collect(expr, &mut found);
        }
        found
    }

    fn collect_body(&self, body: &Body, found: &mut BTreeSet<String>) {
        for item in &body.items {
            match item {
                Item::Argument(_, value) => self.collect(value, found),
                Item::Block(block) => self.collect_body(&block.body, found),
                Item::Comment(_) | Item::Blank => {}
            }
        }
    }

    fn references(&self, expr: &Expr) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        self.collect(expr, &mut found);
        found
    }

    /// Collects `type.name` and `var.name` of what an expression refers to, through the parts of local objects it takes.
    fn collect(&self, expr: &Expr, found: &mut BTreeSet<String>) {
        any(expr, &mut |expr| {
            let Expr::Traversal(traversal) = expr else { return false };
            let Expr::Variable(root) = &traversal.expr else { return false };
            let Some(TraversalOperator::GetAttr(name)) = traversal.operators.first() else { return false };
            match root.as_str() {
                // What its entries refer to stands in the table of `for_each`.
                "each" => {}
                "local" => self.collect_local(name.as_str(), &traversal.operators[1..], found),
                root => {
                    found.insert([root, ".", name.as_str()].concat());
                }
            }
            false
        });
    }

    fn collect_local(&self, name: &str, operators: &[TraversalOperator], found: &mut BTreeSet<String>) {
        let Some(local) = self.module.locals.iter().find(|local| local.name == name) else { return };
        let place = match operators.first() {
            Some(TraversalOperator::GetAttr(part)) => ["local.", name, ".", part.as_str()].concat(),
            _ => ["local.", name].concat(),
        };
        // Each local is followed once, so that a cycle, which the type check reports, ends here.
        if found.insert(place) {
            self.collect(part(&local.value, operators), found);
        }
    }
}

/// Returns the part of a literal object that the operators take, as far as it can be told.
fn part<'e>(value: &'e Expr, operators: &[TraversalOperator]) -> &'e Expr {
    let Some(TraversalOperator::GetAttr(name)) = operators.first() else { return value };
    attribute(value, name.as_str()).unwrap_or(value)
}
