//! Terraform's functions: what they take and what they give.

use terrane_contract::Type;

use super::convert::{element, unify};

/// What one function takes and gives.
pub(super) struct Function {
    pub(super) name: &'static str,
    /// What it takes; the last is what each further argument must be if `max` is more.
    takes: &'static [Parameter],
    pub(super) min: usize,
    pub(super) max: usize,
    gives: Gives,
}

#[derive(Clone, Copy)]
pub(super) enum Parameter {
    String,
    Number,
    Any,
    Strings,
    Bools,
    Sequence,
    Mapping,
    Collection,
}

#[derive(Clone, Copy)]
enum Gives {
    String,
    Number,
    Bool,
    Strings,
    Any,
    /// What the arguments have in common.
    Common,
    /// What the first argument holds.
    Element,
    /// A list of what the first argument holds.
    List,
    Set,
    Map,
    Merged,
    Flat,
    Concatenated,
    Setproduct,
}

const MANY: usize = usize::MAX;

const fn f(
    name: &'static str,
    takes: &'static [Parameter],
    min: usize,
    max: usize,
    gives: Gives,
) -> Function {
    Function { name, takes, min, max, gives }
}

use Parameter::{Any, Bools, Collection, Mapping, Number, Sequence, String, Strings};

/// The functions that modules may use, by name.
const FUNCTIONS: &[Function] = &[
    f("abs", &[Number], 1, 1, Gives::Number),
    f("alltrue", &[Bools], 1, 1, Gives::Bool),
    f("anytrue", &[Bools], 1, 1, Gives::Bool),
    f("can", &[Any], 1, 1, Gives::Bool),
    f("ceil", &[Number], 1, 1, Gives::Number),
    f("cidrhost", &[String, Number], 2, 2, Gives::String),
    f("cidrnetmask", &[String], 1, 1, Gives::String),
    f("cidrsubnet", &[String, Number, Number], 3, 3, Gives::String),
    f("cidrsubnets", &[String, Number], 2, MANY, Gives::Strings),
    f("coalesce", &[Any], 1, MANY, Gives::Common),
    f("compact", &[Strings], 1, 1, Gives::Strings),
    f("concat", &[Sequence], 1, MANY, Gives::Concatenated),
    f("contains", &[Sequence, Any], 2, 2, Gives::Bool),
    f("distinct", &[Sequence], 1, 1, Gives::List),
    f("element", &[Sequence, Number], 2, 2, Gives::Element),
    f("endswith", &[String, String], 2, 2, Gives::Bool),
    f("flatten", &[Sequence], 1, 1, Gives::Flat),
    f("floor", &[Number], 1, 1, Gives::Number),
    f("format", &[String, Any], 1, MANY, Gives::String),
    f("formatlist", &[String, Any], 1, MANY, Gives::Strings),
    f("index", &[Sequence, Any], 2, 2, Gives::Number),
    f("join", &[String, Strings], 2, MANY, Gives::String),
    f("jsonencode", &[Any], 1, 1, Gives::String),
    f("keys", &[Mapping], 1, 1, Gives::Strings),
    f("length", &[Collection], 1, 1, Gives::Number),
    f("log", &[Number, Number], 2, 2, Gives::Number),
    f("lookup", &[Mapping, String, Any], 2, 3, Gives::Element),
    f("lower", &[String], 1, 1, Gives::String),
    f("max", &[Number], 1, MANY, Gives::Number),
    f("merge", &[Mapping], 1, MANY, Gives::Merged),
    f("min", &[Number], 1, MANY, Gives::Number),
    f("one", &[Sequence], 1, 1, Gives::Element),
    f("pow", &[Number, Number], 2, 2, Gives::Number),
    f("range", &[Number], 1, 3, Gives::Any),
    f("regex", &[String, String], 2, 2, Gives::Any),
    f("replace", &[String, String, String], 3, 3, Gives::String),
    f("reverse", &[Sequence], 1, 1, Gives::List),
    f("setintersection", &[Sequence], 1, MANY, Gives::Set),
    f("setproduct", &[Sequence], 1, MANY, Gives::Setproduct),
    f("setsubtract", &[Sequence, Sequence], 2, 2, Gives::Set),
    f("setunion", &[Sequence], 1, MANY, Gives::Set),
    f("slice", &[Sequence, Number, Number], 3, 3, Gives::List),
    f("sort", &[Strings], 1, 1, Gives::Strings),
    f("split", &[String, String], 2, 2, Gives::Strings),
    f("startswith", &[String, String], 2, 2, Gives::Bool),
    f("strcontains", &[String, String], 2, 2, Gives::Bool),
    f("substr", &[String, Number, Number], 3, 3, Gives::String),
    f("sum", &[Sequence], 1, 1, Gives::Number),
    f("tobool", &[Any], 1, 1, Gives::Bool),
    f("tolist", &[Sequence], 1, 1, Gives::List),
    f("tomap", &[Mapping], 1, 1, Gives::Map),
    f("tonumber", &[Any], 1, 1, Gives::Number),
    f("toset", &[Sequence], 1, 1, Gives::Set),
    f("tostring", &[Any], 1, 1, Gives::String),
    f("trimprefix", &[String, String], 2, 2, Gives::String),
    f("trimspace", &[String], 1, 1, Gives::String),
    f("trimsuffix", &[String, String], 2, 2, Gives::String),
    f("try", &[Any], 1, MANY, Gives::Common),
    f("upper", &[String], 1, 1, Gives::String),
    f("values", &[Mapping], 1, 1, Gives::List),
    f("zipmap", &[Strings, Sequence], 2, 2, Gives::Any),
];

/// Returns the function with this name.
pub(super) fn find(name: &str) -> Option<&'static Function> {
    FUNCTIONS.binary_search_by(|function| function.name.cmp(name)).ok().map(|idx| &FUNCTIONS[idx])
}

impl Function {
    /// Returns what the argument at `idx` must be.
    pub(super) fn parameter(&self, idx: usize) -> Parameter {
        self.takes[idx.min(self.takes.len() - 1)]
    }

    /// Returns the type of a call with arguments of these types.
    pub(super) fn result(&self, arguments: &[Type]) -> Type {
        let first = arguments.first().unwrap_or(&Type::Dynamic);
        let held = || element(first).unwrap_or(Type::Dynamic);
        match self.gives {
            Gives::String => Type::String,
            Gives::Number => Type::Number,
            Gives::Bool => Type::Bool,
            Gives::Strings => Type::list(Type::String),
            Gives::Any => Type::Dynamic,
            Gives::Common => unify(arguments).unwrap_or(Type::Dynamic),
            Gives::Element => held(),
            Gives::List => Type::list(held()),
            Gives::Set => Type::set(held()),
            Gives::Map => Type::map(held()),
            Gives::Merged => merged(arguments),
            Gives::Flat => match held() {
                inner @ (Type::List(_) | Type::Set(_) | Type::Tuple(_)) => {
                    Type::list(element(&inner).unwrap_or(Type::Dynamic))
                }
                other => Type::list(other),
            },
            Gives::Concatenated => {
                let held: Vec<Type> = arguments.iter().filter_map(element).collect();
                Type::list(unify(&held).unwrap_or(Type::Dynamic))
            }
            Gives::Setproduct => {
                let held: Vec<Type> = arguments.iter().filter_map(element).collect();
                Type::set(Type::list(unify(&held).unwrap_or(Type::Dynamic)))
            }
        }
    }
}

/// Objects merge to an object, and with a map among them to a map.
fn merged(arguments: &[Type]) -> Type {
    let mut all = std::collections::BTreeMap::new();
    for argument in arguments {
        match argument {
            Type::Object { attributes, .. } => all.extend(attributes.clone()),
            _ => {
                let held: Vec<Type> = arguments.iter().filter_map(element).collect();
                return unify(&held).map_or(Type::Dynamic, Type::map);
            }
        }
    }
    Type::object(all)
}

impl Parameter {
    /// Returns whether an argument may have this type.
    pub(super) fn takes(self, ty: &Type) -> bool {
        let is_sequence = matches!(ty, Type::Dynamic | Type::List(_) | Type::Set(_) | Type::Tuple(_));
        let is_mapping = matches!(ty, Type::Dynamic | Type::Map(_) | Type::Object { .. });
        match self {
            Parameter::String => super::convert::converts(ty, &Type::String),
            Parameter::Number => super::convert::converts(ty, &Type::Number),
            Parameter::Any => true,
            Parameter::Strings => is_sequence && super::convert::converts(ty, &Type::list(Type::String)),
            Parameter::Bools => is_sequence && super::convert::converts(ty, &Type::list(Type::Bool)),
            Parameter::Sequence => is_sequence,
            Parameter::Mapping => is_mapping,
            Parameter::Collection => is_sequence || is_mapping || *ty == Type::String,
        }
    }

    /// Names what an argument must be.
    pub(super) fn expected(self) -> &'static str {
        match self {
            Parameter::String => "string",
            Parameter::Number => "number",
            Parameter::Any => "any",
            Parameter::Strings => "list of string",
            Parameter::Bools => "list of bool",
            Parameter::Sequence => "list or set",
            Parameter::Mapping => "map or object",
            Parameter::Collection => "list, set, map, or string",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::FUNCTIONS;

    #[test]
    fn functions_are_sorted_by_name() {
        assert!(FUNCTIONS.is_sorted_by_key(|function| function.name));
    }
}
