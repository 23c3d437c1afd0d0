//! Lower: the Terraform module as data.
//!
//! A [`Module`] knows Terraform and nothing of networks.
//! [`print()`] turns its blocks into text that `terraform fmt` leaves alone, and
//! [`typecheck`] holds it against the excerpt of the provider's schema, so that what leaves the
//! compiler has only references that resolve and only attributes that exist.

pub mod fault;
pub mod language;
pub mod print;
pub mod rules;
pub mod schema;
pub mod syntax;
pub mod typecheck;

use std::collections::BTreeMap;
use std::fmt::Arguments;

use terrane_contract::{Holds, Type};

use self::syntax::{Body, Expr, Item};

/// A Terraform module.
///
/// - Names are unique among variables, locals, outputs, and per resource type.
/// - Order is the order of the emitted files, and is the same for the same network.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Module {
    /// The module's name, such as `kubernetes-network`.
    pub name: String,
    /// Required providers by local name.
    pub providers: BTreeMap<String, ProviderRequirement>,
    /// Input variables.
    pub variables: Vec<Variable>,
    /// Local values.
    pub locals: Vec<Local>,
    /// Data sources.
    pub data: Vec<Resource>,
    /// Managed resources.
    pub resources: Vec<Resource>,
    /// Output values.
    pub outputs: Vec<Output>,
    /// Renames that states may still have to follow; kept for ever.
    pub moved: Vec<Moved>,
}

/// Returns what a module's expressions are, once every check of it has passed.
///
/// # Panics
///
/// Panics if the compiler has written a module that Terraform or AWS would refuse.
pub(crate) fn checked(module: &Module) -> typecheck::Typed {
    let (typed, mut faults) = match typecheck::check(module, schema::Schema::aws()) {
        Ok(typed) => (Some(typed), Vec::new()),
        Err(faults) => (None, faults),
    };
    faults.extend(rules::check(module));
    let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert!(faults.is_empty(), "the compiler wrote a module that is not valid:\n{}", faults.join("\n"));
    typed.expect("a module without faults has types")
}

impl Module {
    /// Returns the variable with this name.
    pub fn variable_mut(&mut self, name: &str) -> Option<&mut Variable> {
        self.variables.iter_mut().find(|variable| variable.name == name)
    }

    /// Returns the managed resource of this type and name.
    pub fn resource_mut(&mut self, ty: &str, name: &str) -> Option<&mut Resource> {
        self.resources.iter_mut().find(|resource| resource.ty == ty && resource.name == name)
    }

    /// Calls `f` with each expression and the address of what it belongs to, such as `var.zones` or `aws_subnet.app`.
    pub fn each_expression(&self, f: &mut dyn FnMut(Arguments<'_>, &Expr)) {
        for variable in &self.variables {
            let address = format_args!("var.{}", variable.name);
            variable.default.iter().for_each(|default| f(address, default));
            each_condition(address, &variable.validations, f);
        }
        for local in &self.locals {
            f(format_args!("local.{}", local.name), &local.value);
        }
        for (prefix, resources) in [("data.", &self.data), ("", &self.resources)] {
            for resource in resources {
                let address = format_args!("{prefix}{}.{}", resource.ty, resource.name);
                resource.for_each.iter().for_each(|for_each| f(address, for_each));
                each_argument(address, &resource.body, f);
                each_condition(address, &resource.preconditions, f);
                each_condition(address, &resource.postconditions, f);
            }
        }
        for output in &self.outputs {
            f(format_args!("output.{}", output.name), &output.value);
        }
    }
}

fn each_argument(address: Arguments<'_>, body: &Body, f: &mut dyn FnMut(Arguments<'_>, &Expr)) {
    for item in &body.items {
        match item {
            Item::Argument(_, value) => f(address, value),
            Item::Block(block) => each_argument(address, &block.body, f),
            Item::Comment(_) | Item::Blank => {}
        }
    }
}

fn each_condition(address: Arguments<'_>, conditions: &[Condition], f: &mut dyn FnMut(Arguments<'_>, &Expr)) {
    for condition in conditions {
        f(address, &condition.condition);
        f(address, &condition.error_message);
    }
}

/// One entry of `required_providers`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderRequirement {
    /// The source address, such as `hashicorp/aws`.
    pub source: String,
    /// The version constraint.
    pub version: String,
}

/// The files that a person would have written, in the order they would be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum File {
    /// `vpc.tf`: the VPC, its ranges, and its subnets.
    Vpc,
    /// `gateways.tf`: internet gateway, elastic IPs, NAT gateways, endpoints.
    Gateways,
    /// `routes.tf`: route tables and routes.
    Routes,
    /// `subnet_groups.tf`: groups of subnets for databases and caches.
    SubnetGroups,
    /// `security.tf`: network ACLs and security groups.
    Security,
}

impl File {
    /// All files, in order.
    pub const ALL: [File; 5] = [File::Vpc, File::Gateways, File::Routes, File::SubnetGroups, File::Security];

    /// Returns the file's name.
    pub fn name(self) -> &'static str {
        match self {
            File::Vpc => "vpc.tf",
            File::Gateways => "gateways.tf",
            File::Routes => "routes.tf",
            File::SubnetGroups => "subnet_groups.tf",
            File::Security => "security.tf",
        }
    }
}

/// An input variable.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its type constraint.
    pub ty: Type,
    /// What it is for.
    pub description: String,
    /// Its default; `None` makes it required.
    pub default: Option<Expr>,
    /// Whether `null` may be passed.
    pub nullable: bool,
    /// What its value must satisfy.
    pub validations: Vec<Condition>,
}

/// A condition with the message for whoever breaks it.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// A bool expression.
    pub condition: Expr,
    /// A string expression.
    pub error_message: Expr,
}

/// A local value.
#[derive(Clone, Debug, PartialEq)]
pub struct Local {
    /// The file it stands in.
    pub file: File,
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Expr,
    /// A comment above it; empty for none.
    pub comment: String,
}

/// A managed resource or a data source.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    /// The file it stands in.
    pub file: File,
    /// Its type, such as `aws_subnet`.
    pub ty: String,
    /// Its name.
    pub name: String,
    /// A comment above it; empty for none.
    pub comment: String,
    /// The `for_each` expression, if it has instances by key.
    pub for_each: Option<Expr>,
    /// Its arguments and nested blocks, without the meta-arguments.
    pub body: Body,
    /// Conditions checked before it is planned.
    pub preconditions: Vec<Condition>,
    /// Conditions that hold once it exists; `self` is what exists.
    pub postconditions: Vec<Condition>,
    /// Whether Terraform refuses to destroy it.
    pub prevent_destroy: bool,
    /// Arguments whose changes are left alone, whoever makes them, such as `subnet_ids`.
    pub ignore_changes: Vec<String>,
    /// What must exist before it and is not referred to in its arguments, such as `aws_internet_gateway.this`.
    pub depends_on: Vec<Expr>,
}

impl Resource {
    /// Returns a resource or data source with these arguments and nothing else.
    pub fn new(file: File, ty: &str, name: &str, body: Body) -> Resource {
        Resource {
            file,
            ty: ty.to_owned(),
            name: name.to_owned(),
            comment: String::new(),
            for_each: None,
            body,
            preconditions: Vec::new(),
            postconditions: Vec::new(),
            prevent_destroy: false,
            ignore_changes: Vec::new(),
            depends_on: Vec::new(),
        }
    }

    /// Gives it an instance for each entry of a map.
    #[must_use]
    pub fn for_each(mut self, map: Expr) -> Resource {
        self.for_each = Some(map);
        self
    }

    /// Puts a comment above it.
    #[must_use]
    pub fn comment(mut self, text: &str) -> Resource {
        text.clone_into(&mut self.comment);
        self
    }

    /// Makes it wait for another resource that its arguments do not refer to.
    #[must_use]
    pub fn depends_on(mut self, ty: &str, name: &str) -> Resource {
        self.depends_on.push(syntax::reference(ty, name));
        self
    }

    /// Leaves changes of these arguments alone once it exists.
    #[must_use]
    pub fn ignore_changes<const N: usize>(mut self, arguments: [&str; N]) -> Resource {
        self.ignore_changes.extend(arguments.map(str::to_owned));
        self
    }

    /// Returns `type.name`.
    pub fn address(&self) -> String {
        [self.ty.as_str(), ".", &self.name].concat()
    }
}

/// An output value.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// Its name.
    pub name: String,
    /// What it is.
    pub description: String,
    /// What the strings in it are.
    pub holds: Option<Holds>,
    /// Its value.
    pub value: Expr,
}

/// A rename of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The address it had.
    pub from: String,
    /// The address it has.
    pub to: String,
}
