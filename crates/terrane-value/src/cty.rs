//! Terraform's types: the grammar of states and provider schemas, and its spelling in HCL.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::Error as _;
use serde::ser::{SerializeSeq as _, Serializer};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// A type of Terraform's type system.
///
/// JSON spells it as Terraform does in states and provider schemas
/// (`"string"`, `["list","string"]`, `["object",{"a":"number"}]`);
/// `Display` spells it as a type constraint in HCL (`list(string)`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Type {
    /// `"string"`.
    String,
    /// `"number"`.
    Number,
    /// `"bool"`.
    Bool,
    /// `"dynamic"`, spelled `any` in HCL: a type that is not known.
    Dynamic,
    /// `["list", T]`.
    List(Box<Type>),
    /// `["set", T]`.
    Set(Box<Type>),
    /// `["map", T]`.
    Map(Box<Type>),
    /// `["tuple", [T, ...]]`.
    Tuple(Vec<Type>),
    /// `["object", {name: T, ...}]`, with the names of optional attributes as a third member.
    Object {
        /// Attribute types by name.
        attributes: BTreeMap<String, Type>,
        /// Names of the attributes that a caller may leave out.
        optional: BTreeSet<String>,
    },
}

/// Why a JSON value is not a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseTypeError(String);

impl fmt::Display for ParseTypeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ParseTypeError {}

impl Type {
    /// Returns `list(element)`.
    pub fn list(element: Type) -> Type {
        Type::List(Box::new(element))
    }

    /// Returns `set(element)`.
    pub fn set(element: Type) -> Type {
        Type::Set(Box::new(element))
    }

    /// Returns `map(element)`.
    pub fn map(element: Type) -> Type {
        Type::Map(Box::new(element))
    }

    /// Returns an object type in which every attribute is required.
    pub fn object<K: Into<String>>(attributes: impl IntoIterator<Item = (K, Type)>) -> Type {
        Type::Object {
            attributes: attributes.into_iter().map(|(name, ty)| (name.into(), ty)).collect(),
            optional: BTreeSet::new(),
        }
    }

    /// Reads the JSON spelling.
    ///
    /// # Errors
    ///
    /// Returns an error that names the part that is no type.
    pub fn from_json(value: &Value) -> Result<Type, ParseTypeError> {
        match value {
            Value::String(name) => match name.as_str() {
                "string" => Ok(Type::String),
                "number" => Ok(Type::Number),
                "bool" => Ok(Type::Bool),
                "dynamic" => Ok(Type::Dynamic),
                other => Err(ParseTypeError(format!("invalid primitive type name {other:?}"))),
            },
            Value::Array(parts) => Self::from_json_parts(parts),
            other => Err(ParseTypeError(format!("expected a type, found {other}"))),
        }
    }

    fn from_json_parts(parts: &[Value]) -> Result<Type, ParseTypeError> {
        let kind = parts.first().and_then(Value::as_str).unwrap_or_default();
        match (kind, &parts[parts.len().min(1)..]) {
            ("list", [element]) => Ok(Type::list(Type::from_json(element)?)),
            ("set", [element]) => Ok(Type::set(Type::from_json(element)?)),
            ("map", [element]) => Ok(Type::map(Type::from_json(element)?)),
            ("tuple", [Value::Array(elements)]) => {
                Ok(Type::Tuple(elements.iter().map(Type::from_json).collect::<Result<_, _>>()?))
            }
            ("object", [Value::Object(attributes)]) => Type::from_json_object(attributes, &[]),
            ("object", [Value::Object(attributes), Value::Array(optional)]) => {
                Type::from_json_object(attributes, optional)
            }
            _ => Err(ParseTypeError(format!("invalid type {}", Value::from(parts.to_vec())))),
        }
    }

    fn from_json_object(
        attributes: &serde_json::Map<String, Value>,
        optional: &[Value],
    ) -> Result<Type, ParseTypeError> {
        let attributes = attributes
            .iter()
            .map(|(name, ty)| Ok((name.clone(), Type::from_json(ty)?)))
            .collect::<Result<BTreeMap<_, _>, ParseTypeError>>()?;
        let optional = optional
            .iter()
            .map(|name| match name.as_str() {
                Some(name) if attributes.contains_key(name) => Ok(name.to_owned()),
                _ => Err(ParseTypeError(format!("optional attribute {name} is not an attribute"))),
            })
            .collect::<Result<_, _>>()?;
        Ok(Type::Object { attributes, optional })
    }

    /// Returns the JSON spelling.
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self).expect("a type holds strings, arrays, and objects only")
    }
}

impl Serialize for Type {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let pair = |serializer: S, kind: &str, element: &Type| {
            let mut seq = serializer.serialize_seq(Some(2))?;
            seq.serialize_element(kind)?;
            seq.serialize_element(element)?;
            seq.end()
        };
        match self {
            Type::String => serializer.serialize_str("string"),
            Type::Number => serializer.serialize_str("number"),
            Type::Bool => serializer.serialize_str("bool"),
            Type::Dynamic => serializer.serialize_str("dynamic"),
            Type::List(element) => pair(serializer, "list", element),
            Type::Set(element) => pair(serializer, "set", element),
            Type::Map(element) => pair(serializer, "map", element),
            Type::Tuple(elements) => {
                let mut seq = serializer.serialize_seq(Some(2))?;
                seq.serialize_element("tuple")?;
                seq.serialize_element(elements)?;
                seq.end()
            }
            Type::Object { attributes, optional } => {
                let mut seq = serializer.serialize_seq(None)?;
                seq.serialize_element("object")?;
                seq.serialize_element(attributes)?;
                if !optional.is_empty() {
                    seq.serialize_element(optional)?;
                }
                seq.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Type {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Type, D::Error> {
        Type::from_json(&Value::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::String => f.write_str("string"),
            Type::Number => f.write_str("number"),
            Type::Bool => f.write_str("bool"),
            Type::Dynamic => f.write_str("any"),
            Type::List(element) => write!(f, "list({element})"),
            Type::Set(element) => write!(f, "set({element})"),
            Type::Map(element) => write!(f, "map({element})"),
            Type::Tuple(elements) => {
                f.write_str("tuple([")?;
                for (idx, element) in elements.iter().enumerate() {
                    write!(f, "{}{element}", if idx == 0 { "" } else { ", " })?;
                }
                f.write_str("])")
            }
            Type::Object { attributes, optional } => {
                f.write_str("object({")?;
                for (idx, (name, ty)) in attributes.iter().enumerate() {
                    f.write_str(if idx == 0 { " " } else { ", " })?;
                    if optional.contains(name) {
                        write!(f, "{name} = optional({ty})")?;
                    } else {
                        write!(f, "{name} = {ty}")?;
                    }
                }
                f.write_str(if attributes.is_empty() { "})" } else { " })" })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(json: &str, hcl: &str) {
        let value: Value = serde_json::from_str(json).unwrap();
        let ty = Type::from_json(&value).unwrap();
        assert_eq!(ty.to_string(), hcl);
        assert_eq!(ty.to_json(), value);
    }

    #[test]
    fn types_are_spelled_as_terraform_spells_them() {
        check(r#""string""#, "string");
        check(r#""dynamic""#, "any");
        check(r#"["list",["map","number"]]"#, "list(map(number))");
        check(r#"["tuple",["bool",["set","string"]]]"#, "tuple([bool, set(string)])");
        check(r#"["object",{}]"#, "object({})");
        check(r#"["object",{"a":"string","b":"bool"},["b"]]"#, "object({ a = string, b = optional(bool) })");
    }

    #[test]
    fn what_is_no_type_is_refused() {
        for json in [
            r#""zzz""#,
            r#"["list"]"#,
            r#"["list","string","x"]"#,
            "[]",
            "3",
            r#"["object",{"a":"string"},["b"]]"#,
        ] {
            let value: Value = serde_json::from_str(json).unwrap();
            assert!(Type::from_json(&value).is_err(), "{json}");
        }
    }
}
