//! Types of expressions, as Terraform finds them.
//!
//! [`infer`] walks an expression; what its names stand for is the matter of a [`Names`].

mod convert;
mod functions;
mod infer;

use terrane_value::Type;

pub use self::convert::{converts, element};
pub use self::infer::{Scope, apply, attribute_of, expect, infer};
use crate::expr::{Expr, TraversalOperator, call, name, object};

/// Returns a type as a type constraint, such as `map(string)`.
pub fn constraint(ty: &Type) -> Expr {
    let of = |name: &str, element: &Type| call(name, [constraint(element)]);
    match ty {
        Type::String => name("string"),
        Type::Number => name("number"),
        Type::Bool => name("bool"),
        Type::Dynamic => name("any"),
        Type::List(element) => of("list", element),
        Type::Set(element) => of("set", element),
        Type::Map(element) => of("map", element),
        Type::Tuple(elements) => call("tuple", [Expr::Array(elements.iter().map(constraint).collect())]),
        Type::Object { attributes, optional } => {
            let attribute = |(name, ty): (&String, &Type)| match optional.contains(name) {
                true => (name.clone(), call("optional", [constraint(ty)])),
                false => (name.clone(), constraint(ty)),
            };
            call("object", [object(attributes.iter().map(attribute))])
        }
    }
}

/// How sure an answer must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// It is right for some values: a check by it refuses only what Terraform always refuses.
    Possible,
    /// It is right for all values; a type that depends on them is [`Type::Dynamic`].
    Certain,
}

/// Knows what the names in expressions stand for, and takes note of what is wrong with them.
pub trait Names {
    /// How sure types must be.
    const CERTAINTY: Certainty;

    /// Returns the type of what a name and the first operators reach, and the operators left.
    fn reach<'o>(
        &mut self,
        scope: &mut Scope,
        root: &str,
        operators: &'o [TraversalOperator],
    ) -> (Type, &'o [TraversalOperator]);

    /// Takes note of something that Terraform refuses, and of a cure.
    fn fault(&mut self, message: String, hint: &str);
}
