//! What the names in a module's expressions stand for.

use terrane_contract::Type;
use terrane_hcl::expr::TraversalOperator;
use terrane_hcl::types::{self, Certainty, Names, Scope, attribute_of};

use super::Checker;

impl Names for Checker<'_> {
    const CERTAINTY: Certainty = Certainty::Possible;

    fn reach<'o>(
        &mut self,
        scope: &mut Scope,
        root: &str,
        operators: &'o [TraversalOperator],
    ) -> (Type, &'o [TraversalOperator]) {
        let (first, rest) = match operators.split_first() {
            Some((TraversalOperator::GetAttr(name), rest)) => (name.as_str(), rest),
            _ => return (self.unresolved(root), &[]),
        };
        match (root, first) {
            ("var", name) => match self.variable_type(name) {
                Some(ty) => attribute_of(ty, rest),
                None => (self.unresolved(&format!("var.{name}")), rest),
            },
            ("local", name) => match self.local_type(name) {
                Some(ty) => attribute_of(ty, rest),
                None => (self.unresolved(&format!("local.{name}")), rest),
            },
            ("each", "key" | "value") => match &self.surroundings.each {
                Some(_) if first == "key" => (Type::String, rest),
                Some(value) => attribute_of(value, rest),
                None => {
                    self.fault(
                        format!("`each.{first}` stands where there is no `for_each`"),
                        "add `for_each`, or name the instance",
                    );
                    (Type::Dynamic, rest)
                }
            },
            ("self", attribute) => (self.own_attribute(attribute), rest),
            ("path", "module" | "root" | "cwd") | ("terraform", "workspace") => (Type::String, rest),
            ("data", ty) => match rest.split_first() {
                Some((TraversalOperator::GetAttr(name), rest)) => {
                    self.resource(scope, true, ty, name.as_str(), rest)
                }
                _ => (self.unresolved(&format!("data.{ty}")), &[]),
            },
            (ty, name) => self.resource(scope, false, ty, name, rest),
        }
    }

    fn fault(&mut self, message: String, hint: &str) {
        Checker::fault(self, message, hint);
    }
}

impl Checker<'_> {
    fn unresolved(&mut self, name: &str) -> Type {
        self.fault(format!("`{name}` refers to nothing"), "declare it, or correct the name");
        Type::Dynamic
    }

    /// Returns the type of `self.<attribute>`.
    fn own_attribute(&mut self, attribute: &str) -> Type {
        let Some((is_data, ty)) = self.surroundings.own.clone() else {
            self.fault(
                "`self` stands where there is no object yet".to_owned(),
                "use it in a postcondition only",
            );
            return Type::Dynamic;
        };
        let schema = if is_data { self.schema.data(&ty) } else { self.schema.resource(&ty) };
        // An unknown type is reported where the resource stands.
        let Some(schema) = schema else { return Type::Dynamic };
        schema.part(attribute).unwrap_or_else(|| {
            self.fault(
                format!("`{ty}` has no attribute `{attribute}`"),
                "take one that the provider's schema has",
            );
            Type::Dynamic
        })
    }

    /// Reaches a part of a resource without making the type of all of it.
    fn resource<'o>(
        &mut self,
        scope: &mut Scope,
        is_data: bool,
        ty: &str,
        name: &str,
        operators: &'o [TraversalOperator],
    ) -> (Type, &'o [TraversalOperator]) {
        let address = || if is_data { format!("data.{ty}.{name}") } else { format!("{ty}.{name}") };
        let Some(has_instances) = self.instances(is_data, ty, name) else {
            return (self.unresolved(&address()), &[]);
        };
        let schema = if is_data { self.schema.data(ty) } else { self.schema.resource(ty) };
        // An unknown type is reported where the resource stands.
        let Some(schema) = schema else { return (Type::Dynamic, &[]) };
        let (attribute, rest) = match (has_instances, operators) {
            (true, [TraversalOperator::Index(key), TraversalOperator::GetAttr(attribute), rest @ ..]) => {
                types::expect(self, scope, key, &Type::String, "the key of an instance");
                (attribute, rest)
            }
            (true, [TraversalOperator::GetAttr(attribute), ..]) => {
                self.fault(
                    format!(
                        "`{}` has an instance for each key, so that `.{attribute}` names none of them",
                        address(),
                    ),
                    "name the instance: `[each.key]`",
                );
                return (Type::Dynamic, &[]);
            }
            (true, _) => return (Type::map(schema.ty()), operators),
            (false, [TraversalOperator::GetAttr(attribute), rest @ ..]) => (attribute, rest),
            (false, _) => return (schema.ty(), operators),
        };
        match schema.part(attribute.as_str()) {
            Some(part) => (part, rest),
            None => {
                self.fault(
                    format!("`{}` has no attribute `{attribute}`", address()),
                    "take one that the provider's schema has",
                );
                (Type::Dynamic, &[])
            }
        }
    }
}
