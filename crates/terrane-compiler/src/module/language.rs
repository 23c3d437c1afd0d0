//! Which Terraform brought what: the lowest version that a module runs on follows from what it uses.

use std::collections::BTreeMap;
use std::fmt;

use terrane_contract::Type;

use super::syntax::{Expr, any};
use super::{Module, Moved, Variable};

/// A version of Terraform, such as 1.9.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// The first number.
    pub major: u32,
    /// The second number.
    pub minor: u32,
}

impl Version {
    /// The lowest version that any module asks for.
    pub const FLOOR: Version = Version::new(1, 5);

    /// Returns `major.minor`.
    pub const fn new(major: u32, minor: u32) -> Version {
        Version { major, minor }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// Something of Terraform's language that a module uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feature {
    /// What it is, such as ``the function `startswith` ``.
    pub name: String,
    /// The version that brought it.
    pub since: Version,
    /// The first place that uses it, such as `var.zones`.
    pub used_by: String,
}

/// Returns the lowest version that has everything the module uses, and at least [`Version::FLOOR`].
pub fn required_version(module: &Module) -> Version {
    features(module).iter().map(|feature| feature.since).fold(Version::FLOOR, Version::max)
}

/// Returns what the module uses that `version` does not have, the newest first.
pub fn features_newer_than(module: &Module, version: Version) -> Vec<Feature> {
    let mut features = features(module);
    features.retain(|feature| feature.since > version);
    features
}

/// Functions that are younger than Terraform 1.0.
const FUNCTIONS: &[(&str, Version)] = &[
    ("base64gunzip", Version::new(1, 11)),
    ("endswith", Version::new(1, 3)),
    ("ephemeralasnull", Version::new(1, 10)),
    ("issensitive", Version::new(1, 8)),
    ("plantimestamp", Version::new(1, 5)),
    ("startswith", Version::new(1, 3)),
    ("strcontains", Version::new(1, 5)),
    ("templatestring", Version::new(1, 9)),
    ("timecmp", Version::new(1, 3)),
];

/// Returns what the module uses, the newest first.
fn features(module: &Module) -> Vec<Feature> {
    let mut used = Used::default();
    for variable in &module.variables {
        used.variable(variable);
    }
    for resource in module.data.iter().chain(&module.resources) {
        if !(resource.preconditions.is_empty() && resource.postconditions.is_empty()) {
            let place = format_args!("{}.{}", resource.ty, resource.name);
            used.add("preconditions and postconditions", Version::new(1, 2), place);
        }
    }
    for moved in &module.moved {
        used.moved(moved);
    }
    module.each_expression(&mut |place, expr| used.functions(place, expr));

    let mut features: Vec<Feature> = used.features.into_values().collect();
    features.sort_by(|a, b| b.since.cmp(&a.since).then_with(|| a.name.cmp(&b.name)));
    features
}

#[derive(Default)]
struct Used {
    features: BTreeMap<String, Feature>,
}

impl Used {
    fn add(&mut self, name: &str, since: Version, place: fmt::Arguments<'_>) {
        if !self.features.contains_key(name) {
            let feature = Feature { name: name.to_owned(), since, used_by: place.to_string() };
            self.features.insert(name.to_owned(), feature);
        }
    }

    fn variable(&mut self, variable: &Variable) {
        let place = format_args!("var.{}", variable.name);
        if !variable.nullable {
            self.add("variables that refuse null", Version::new(1, 1), place);
        }
        if has_optional(&variable.ty) {
            self.add("optional object attributes", Version::new(1, 3), place);
        }
        for validation in &variable.validations {
            for expr in [&validation.condition, &validation.error_message] {
                if any(expr, &mut |expr| refers_beyond(expr, &variable.name)) {
                    self.add("validations that refer to other objects", Version::new(1, 9), place);
                }
            }
        }
    }

    fn moved(&mut self, moved: &Moved) {
        let place = format_args!("moved {}", moved.from);
        self.add("`moved` blocks", Version::new(1, 1), place);
        let ty = |address: &str| address.split('.').next().map(str::to_owned);
        if ty(&moved.from) != ty(&moved.to) {
            self.add("`moved` blocks between resource types", Version::new(1, 8), place);
        }
    }

    fn functions(&mut self, place: fmt::Arguments<'_>, expr: &Expr) {
        any(expr, &mut |expr| {
            if let Expr::FuncCall(call) = expr {
                if call.name.is_namespaced() {
                    self.add("functions of providers", Version::new(1, 8), place);
                } else if let Some((name, since)) =
                    FUNCTIONS.iter().find(|(name, _)| *name == call.name.name.as_str())
                {
                    self.add(&format!("the function `{name}`"), *since, place);
                }
            }
            false
        });
    }
}

fn has_optional(ty: &Type) -> bool {
    match ty {
        Type::String | Type::Number | Type::Bool | Type::Dynamic => false,
        Type::List(element) | Type::Set(element) | Type::Map(element) => has_optional(element),
        Type::Tuple(elements) => elements.iter().any(has_optional),
        Type::Object { attributes, optional } => {
            !optional.is_empty() || attributes.values().any(has_optional)
        }
    }
}

/// Returns whether the expression is a reference to something other than the variable `name`.
fn refers_beyond(expr: &Expr, name: &str) -> bool {
    let Expr::Traversal(traversal) = expr else { return false };
    let Expr::Variable(root) = &traversal.expr else { return false };
    match (root.as_str(), traversal.operators.first()) {
        ("var", Some(terrane_hcl::expr::TraversalOperator::GetAttr(attribute))) => attribute.as_str() != name,
        ("local" | "data" | "path" | "module" | "terraform", _) => true,
        (root, Some(_)) => root.starts_with("aws_"),
        (_, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::syntax::{expr, string};
    use crate::module::{Condition, File, Local};

    fn module() -> Module {
        Module { name: "test".to_owned(), ..Module::default() }
    }

    fn variable(condition: &str) -> Variable {
        Variable {
            name: "zones".to_owned(),
            ty: Type::map(Type::String),
            description: String::new(),
            default: None,
            nullable: true,
            validations: vec![Condition { condition: expr(condition), error_message: string("No.") }],
        }
    }

    #[track_caller]
    fn check(module: &Module, required: &str, features: &[&str]) {
        assert_eq!(required_version(module).to_string(), required);
        let newer = features_newer_than(module, Version::new(1, 0));
        let names: Vec<String> = newer
            .iter()
            .map(|feature| format!("{} {} {}", feature.since, feature.name, feature.used_by))
            .collect();
        assert_eq!(names, features);
    }

    #[test]
    fn a_module_that_uses_nothing_new_asks_for_the_floor() {
        check(&module(), "1.5", &[]);
        let own = Module { variables: vec![variable("length(var.zones) > 1")], ..module() };
        check(&own, "1.5", &[]);
    }

    #[test]
    fn a_validation_across_variables_asks_for_1_9() {
        for condition in ["length(var.zones) > var.least", "length(var.zones) > local.least"] {
            let module = Module { variables: vec![variable(condition)], ..module() };
            check(&module, "1.9", &["1.9 validations that refer to other objects var.zones"]);
        }
    }

    #[test]
    fn names_of_a_for_expression_are_no_other_objects() {
        let condition = "alltrue([for zone in var.zones : zone.name != \"\"])";
        check(&Module { variables: vec![variable(condition)], ..module() }, "1.5", &[]);
    }

    #[test]
    fn functions_are_found_inside_templates_and_the_newest_comes_first() {
        let local = |name: &str, text: &str| Local {
            file: File::Vpc,
            name: name.to_owned(),
            value: expr(text),
            comment: String::new(),
        };
        let locals =
            vec![local("a", "startswith(\"a\", \"b\")"), local("b", "\"x${templatestring(\"a\", {})}\"")];
        check(
            &Module { locals, ..module() },
            "1.9",
            &["1.9 the function `templatestring` local.b", "1.3 the function `startswith` local.a"],
        );
    }

    #[test]
    fn moves_between_types_ask_for_1_8() {
        let moved = |from: &str, to: &str| Moved { from: from.to_owned(), to: to.to_owned() };
        let same = Module { moved: vec![moved("aws_vpc.a", "aws_vpc.b")], ..module() };
        check(&same, "1.5", &["1.1 `moved` blocks moved aws_vpc.a"]);
        let other = Module { moved: vec![moved("aws_vpc.a", "aws_eip.b")], ..module() };
        assert_eq!(required_version(&other), Version::new(1, 8));
    }
}
