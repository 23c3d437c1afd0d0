//! Terraform's functions: what they take and what they give.

use terrane_value::Type;

use super::Certainty;
use super::convert::{converts, element, unify};

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
    Numbers,
    Any,
    /// What the arguments have in common.
    Common,
    /// The first argument, or the next one if it fails.
    First,
    /// What the first argument holds.
    Element,
    /// A list of what the first argument holds.
    List,
    /// The first argument with other elements: a list, or a tuple of a length that the values decide.
    Sequence,
    /// The keys of a map, or as many as an object has.
    Keys,
    /// The values of a map, or those of an object.
    Values,
    /// A set of what the arguments hold.
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
    f("base64encode", &[String], 1, 1, Gives::String),
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
    f("keys", &[Mapping], 1, 1, Gives::Keys),
    f("length", &[Collection], 1, 1, Gives::Number),
    f("log", &[Number, Number], 2, 2, Gives::Number),
    f("lookup", &[Mapping, String, Any], 2, 3, Gives::Element),
    f("lower", &[String], 1, 1, Gives::String),
    f("max", &[Number], 1, MANY, Gives::Number),
    f("md5", &[String], 1, 1, Gives::String),
    f("merge", &[Mapping], 1, MANY, Gives::Merged),
    f("min", &[Number], 1, MANY, Gives::Number),
    f("one", &[Sequence], 1, 1, Gives::Element),
    f("parseint", &[String, Number], 2, 2, Gives::Number),
    f("pow", &[Number, Number], 2, 2, Gives::Number),
    f("range", &[Number], 1, 3, Gives::Numbers),
    f("regex", &[String, String], 2, 2, Gives::Any),
    f("replace", &[String, String, String], 3, 3, Gives::String),
    f("reverse", &[Sequence], 1, 1, Gives::Sequence),
    f("setintersection", &[Sequence], 1, MANY, Gives::Set),
    f("setproduct", &[Sequence], 1, MANY, Gives::Setproduct),
    f("setsubtract", &[Sequence, Sequence], 2, 2, Gives::Set),
    f("setunion", &[Sequence], 1, MANY, Gives::Set),
    f("sha256", &[String], 1, 1, Gives::String),
    f("slice", &[Sequence, Number, Number], 3, 3, Gives::Sequence),
    f("sort", &[Strings], 1, 1, Gives::Strings),
    f("split", &[String, String], 2, 2, Gives::Strings),
    f("startswith", &[String, String], 2, 2, Gives::Bool),
    f("strcontains", &[String, String], 2, 2, Gives::Bool),
    f("substr", &[String, Number, Number], 3, 3, Gives::String),
    f("sum", &[Sequence], 1, 1, Gives::Number),
    f("title", &[String], 1, 1, Gives::String),
    f("tobool", &[Any], 1, 1, Gives::Bool),
    f("tolist", &[Sequence], 1, 1, Gives::List),
    f("tomap", &[Mapping], 1, 1, Gives::Map),
    f("tonumber", &[Any], 1, 1, Gives::Number),
    f("toset", &[Sequence], 1, 1, Gives::Set),
    f("tostring", &[Any], 1, 1, Gives::String),
    f("trimprefix", &[String, String], 2, 2, Gives::String),
    f("trimspace", &[String], 1, 1, Gives::String),
    f("trimsuffix", &[String, String], 2, 2, Gives::String),
    f("try", &[Any], 1, MANY, Gives::First),
    f("upper", &[String], 1, 1, Gives::String),
    f("values", &[Mapping], 1, 1, Gives::Values),
    f("yamlencode", &[Any], 1, 1, Gives::String),
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

    /// Returns whether calls have one type, whatever the arguments are.
    pub(super) fn is_fixed(&self) -> bool {
        matches!(self.gives, Gives::String | Gives::Number | Gives::Bool | Gives::Strings | Gives::Numbers)
    }

    /// Returns the type of a call with arguments of these types.
    pub(super) fn result(&self, arguments: &[Type], certainty: Certainty) -> Type {
        let first = arguments.first().unwrap_or(&Type::Dynamic);
        let held = || element(first, certainty).unwrap_or(Type::Dynamic);
        // The likeliest type, where the values decide.
        let likely = |ty: &dyn Fn() -> Type| match certainty {
            Certainty::Possible => ty(),
            Certainty::Certain => Type::Dynamic,
        };
        let common = || {
            let held: Vec<Type> = arguments.iter().filter_map(|ty| element(ty, certainty)).collect();
            unify(&held, certainty).unwrap_or(Type::Dynamic)
        };
        let is_list = matches!(first, Type::List(_));
        match self.gives {
            Gives::String => Type::String,
            Gives::Number => Type::Number,
            Gives::Bool => Type::Bool,
            Gives::Strings => Type::list(Type::String),
            Gives::Numbers => Type::list(Type::Number),
            Gives::Any => Type::Dynamic,
            Gives::Common => unify(arguments, certainty).unwrap_or(Type::Dynamic),
            Gives::First if arguments.iter().all(|ty| ty == first) => first.clone(),
            Gives::First => likely(&|| unify(arguments, certainty).unwrap_or(Type::Dynamic)),
            Gives::Element => super::convert::held(first, certainty).unwrap_or(Type::Dynamic),
            Gives::List => Type::list(held()),
            Gives::Sequence if is_list => first.clone(),
            Gives::Sequence => likely(&|| Type::list(held())),
            Gives::Keys if matches!(first, Type::Map(_)) => Type::list(Type::String),
            Gives::Keys => likely(&|| Type::list(Type::String)),
            Gives::Values if matches!(first, Type::Map(_)) => Type::list(held()),
            Gives::Values => likely(&|| Type::list(held())),
            Gives::Set => Type::set(common()),
            Gives::Map => Type::map(held()),
            Gives::Merged => merged(arguments, certainty),
            Gives::Flat => likely(&|| match held() {
                inner @ (Type::List(_) | Type::Set(_) | Type::Tuple(_)) => {
                    Type::list(element(&inner, certainty).unwrap_or(Type::Dynamic))
                }
                other => Type::list(other),
            }),
            Gives::Concatenated if is_list && arguments.iter().all(|ty| ty == first) => first.clone(),
            Gives::Concatenated => likely(&|| Type::list(common())),
            Gives::Setproduct => likely(&|| Type::set(Type::list(common()))),
        }
    }
}

/// Objects merge to an object, and with a map among them to what the values decide.
fn merged(arguments: &[Type], certainty: Certainty) -> Type {
    let mut all = std::collections::BTreeMap::new();
    for argument in arguments {
        match argument {
            Type::Object { attributes, .. } => all.extend(attributes.clone()),
            _ if certainty == Certainty::Certain => return Type::Dynamic,
            _ => {
                let held: Vec<Type> = arguments.iter().filter_map(|ty| element(ty, certainty)).collect();
                return unify(&held, certainty).map_or(Type::Dynamic, Type::map);
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
            Parameter::String => converts(ty, &Type::String, Certainty::Possible),
            Parameter::Number => converts(ty, &Type::Number, Certainty::Possible),
            Parameter::Any => true,
            Parameter::Strings => is_sequence && converts(ty, &Type::list(Type::String), Certainty::Possible),
            Parameter::Bools => is_sequence && converts(ty, &Type::list(Type::Bool), Certainty::Possible),
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
