//! From values to Rust types, through serde.
//!
//! Two types of ours, [`Value`] and [`Number`](crate::Number), are asked for by name and get what they need without
//! loss; all others get what serde's data model holds, with checked numbers. Errors carry the path, and never a
//! value: what serde would quote is described by its type, and a custom message that quotes it is withheld.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::{StrDeserializer, StringDeserializer};
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, EnumAccess, IntoDeserializer as _, MapAccess, SeqAccess,
    Unexpected, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use crate::number::{NUMBER_NAME, Number};
use crate::path::Path;
use crate::value::{VALUE_NAME, Value};

/// Why a value is not of the Rust type that was asked for.
#[derive(Debug)]
pub struct DeError {
    pub(crate) path: Path,
    pub(crate) problem: Problem,
}

#[derive(Debug)]
pub(crate) enum Problem {
    Mismatch { expected: String, found: String },
    Missing { field: String },
    Null,
    Custom(String),
}

impl DeError {
    /// Returns where inside the value it is, such as `.subnets["a"][0]`; empty for the value itself.
    pub fn path(&self) -> String {
        self.path.to_string()
    }

    fn new(problem: Problem) -> DeError {
        DeError { path: Path::default(), problem }
    }

    fn mismatch(expected: impl Into<String>, found: impl Into<String>) -> DeError {
        DeError::new(Problem::Mismatch { expected: expected.into(), found: found.into() })
    }

    /// Withholds a message that quotes a part of the value it is about.
    fn without(mut self, value: &Value) -> DeError {
        if let Problem::Custom(message) = &mut self.problem
            && quotes(message, value)
        {
            *message =
                "a value that the type accepts (its message quotes the value and is withheld)".to_owned();
        }
        self
    }
}

impl fmt::Display for DeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at {}", self.problem, self.path)
    }
}

impl std::error::Error for DeError {}

impl de::Error for DeError {
    fn custom<T: fmt::Display>(message: T) -> DeError {
        DeError::new(Problem::Custom(message.to_string()))
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn de::Expected) -> DeError {
        match found {
            Unexpected::Unit | Unexpected::Option => DeError::new(Problem::Null),
            found => DeError::mismatch(expected.to_string(), describe(found)),
        }
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn de::Expected) -> DeError {
        DeError::mismatch(expected.to_string(), format!("another {}", describe(found)))
    }

    fn invalid_length(length: usize, expected: &dyn de::Expected) -> DeError {
        DeError::mismatch(expected.to_string(), format!("{length} elements"))
    }

    fn unknown_variant(_variant: &str, expected: &'static [&'static str]) -> DeError {
        DeError::mismatch(format!("one of {}", expected.join(", ")), "another string")
    }

    fn unknown_field(field: &str, _expected: &'static [&'static str]) -> DeError {
        DeError::mismatch("no further attribute", format!("attribute {field:?}"))
    }

    fn missing_field(field: &'static str) -> DeError {
        DeError::new(Problem::Missing { field: field.to_owned() })
    }
}

fn quotes(message: &str, value: &Value) -> bool {
    let quoted = |text: &str| !text.is_empty() && message.contains(text);
    match value {
        Value::Null | Value::Bool(_) => false,
        Value::Number(number) => quoted(number.as_str()),
        Value::String(text) => quoted(text),
        Value::List(elements) | Value::Set(elements) | Value::Tuple(elements) => {
            elements.iter().any(|element| quotes(message, element))
        }
        Value::Map(members) | Value::Object(members) => {
            members.values().any(|member| quotes(message, member))
        }
    }
}

fn describe(found: Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "bool",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => "number",
        Unexpected::Char(_) | Unexpected::Str(_) => "string",
        Unexpected::Unit | Unexpected::Option => "null",
        Unexpected::Seq => "list",
        Unexpected::Map | Unexpected::StructVariant | Unexpected::NewtypeStruct => "object",
        _ => "another type",
    }
}

/// Reads a value as a Rust type.
///
/// # Errors
///
/// Says where the value is not of the type, without showing the value.
pub fn from_value<T: DeserializeOwned>(value: &Value) -> Result<T, DeError> {
    read(value, std::marker::PhantomData)
}

fn read<'de, T: DeserializeSeed<'de>>(value: &'de Value, seed: T) -> Result<T::Value, DeError> {
    seed.deserialize(ValueReader(value)).map_err(|error| error.without(value))
}

/// Reads named values as one Rust struct or map.
pub(crate) fn from_members<'de, T, I>(members: I) -> Result<T, DeError>
where
    T: de::Deserialize<'de>,
    I: Iterator<Item = (&'de str, &'de Value)>,
{
    T::deserialize(MembersReader { members, value: None })
}

#[derive(Clone, Copy)]
struct ValueReader<'de>(&'de Value);

impl<'de> ValueReader<'de> {
    fn found(self, expected: &dyn de::Expected) -> DeError {
        match self.0 {
            Value::Null => DeError::new(Problem::Null),
            value => DeError::mismatch(expected.to_string(), value.kind()),
        }
    }

    /// Hands a number to a visitor in the form that `convert` gives it, if it fits.
    fn number<V: Visitor<'de>, N>(
        self,
        visitor: V,
        name: &str,
        convert: impl Fn(&Number) -> Option<N>,
        visit: impl Fn(V, N) -> Result<V::Value, DeError>,
    ) -> Result<V::Value, DeError> {
        let Value::Number(number) = self.0 else { return Err(self.found(&visitor)) };
        match convert(number) {
            Some(converted) => visit(visitor, converted),
            None => Err(DeError::mismatch(name, "a number that does not fit")),
        }
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $convert:ident $name:literal;)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
            self.number(visitor, $name, Number::$convert, |visitor, number| visitor.$visit(number))
        })*
    };
}

impl<'de> de::Deserializer<'de> for ValueReader<'de> {
    type Error = DeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(number) => visit_number(number, visitor),
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::List(elements) | Value::Set(elements) | Value::Tuple(elements) => {
                visit_elements(elements, visitor)
            }
            Value::Map(members) | Value::Object(members) => visit_members(members, visitor),
        }
    }

    numbers! {
        deserialize_i8 visit_i64 as_i64 "a whole number (i8)";
        deserialize_i16 visit_i64 as_i64 "a whole number (i16)";
        deserialize_i32 visit_i64 as_i64 "a whole number (i32)";
        deserialize_i64 visit_i64 as_i64 "a whole number (i64)";
        deserialize_i128 visit_i128 as_i128 "a whole number (i128)";
        deserialize_u8 visit_u64 as_u64 "a whole number (u8)";
        deserialize_u16 visit_u64 as_u64 "a whole number (u16)";
        deserialize_u32 visit_u64 as_u64 "a whole number (u32)";
        deserialize_u64 visit_u64 as_u64 "a whole number (u64)";
        deserialize_u128 visit_u128 as_u128 "a whole number (u128)";
        deserialize_f32 visit_f64 as_f64 "a number within the range of f32";
        deserialize_f64 visit_f64 as_f64 "a number within the range of f64";
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        if *self.0 == Value::Null { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DeError> {
        match self.0 {
            Value::Number(number) if name == NUMBER_NAME => {
                visitor.visit_newtype_struct(StrDeserializer::new(number.as_str()))
            }
            _ if name == NUMBER_NAME => Err(self.found(&"a number")),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeError> {
        if name == VALUE_NAME {
            return visitor.visit_enum(AsIs(self.0));
        }
        match self.0 {
            Value::String(text) => {
                let variant: StringDeserializer<DeError> = text.clone().into_deserializer();
                visitor.visit_enum(variant)
            }
            Value::Map(members) | Value::Object(members) if members.len() == 1 => {
                let (variant, value) = members.iter().next().expect("there is one member");
                visitor.visit_enum(Variant { variant, value })
            }
            _ => Err(self.found(&visitor)),
        }
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.deserialize_any(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool char str string byte_buf unit unit_struct seq tuple tuple_struct map struct identifier
    }
}

fn visit_number<'de, V: Visitor<'de>>(number: &Number, visitor: V) -> Result<V::Value, DeError> {
    if let Some(number) = number.as_u64() {
        visitor.visit_u64(number)
    } else if let Some(number) = number.as_i64() {
        visitor.visit_i64(number)
    } else if let Some(number) = number.as_f64() {
        visitor.visit_f64(number)
    } else {
        Err(DeError::mismatch("a number within the range of f64", "a number that does not fit"))
    }
}

fn visit_elements<'de, V: Visitor<'de>>(elements: &'de [Value], visitor: V) -> Result<V::Value, DeError> {
    let mut access = Elements { elements: elements.iter(), idx: 0 };
    let visited = visitor.visit_seq(&mut access)?;
    match access.elements.len() {
        0 => Ok(visited),
        _ => {
            Err(DeError::mismatch(format!("{} elements", access.idx), format!("{} elements", elements.len())))
        }
    }
}

fn visit_members<'de, V: Visitor<'de>>(
    members: &'de BTreeMap<String, Value>,
    visitor: V,
) -> Result<V::Value, DeError> {
    visitor.visit_map(MembersReader {
        members: members.iter().map(|(name, value)| (name.as_str(), value)),
        value: None,
    })
}

struct Elements<'de> {
    elements: std::slice::Iter<'de, Value>,
    idx: usize,
}

impl<'de> SeqAccess<'de> for &mut Elements<'de> {
    type Error = DeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, DeError> {
        let Some(element) = self.elements.next() else { return Ok(None) };
        let idx = self.idx;
        self.idx += 1;
        read(element, seed).map(Some).map_err(|mut error| {
            error.path.under_index(idx);
            error
        })
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.elements.len())
    }
}

struct MembersReader<'de, I> {
    members: I,
    value: Option<(&'de str, &'de Value)>,
}

impl<'de, I: Iterator<Item = (&'de str, &'de Value)>> MapAccess<'de> for MembersReader<'de, I> {
    type Error = DeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, DeError> {
        self.value = self.members.next();
        let Some((name, _)) = self.value else { return Ok(None) };
        seed.deserialize(Name(name)).map(Some).map_err(|mut error| {
            error.path.under_name(name);
            error
        })
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, DeError> {
        let (name, value) = self.value.take().expect("serde asks for a value after its name");
        read(value, seed).map_err(|mut error| {
            error.path.under_name(name);
            error
        })
    }
}

impl<'de, I: Iterator<Item = (&'de str, &'de Value)>> de::Deserializer<'de> for MembersReader<'de, I> {
    type Error = DeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_map(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// A member's name, which may be wanted as a number, an enum, or a newtype.
struct Name<'de>(&'de str);

macro_rules! name_numbers {
    ($($method:ident $visit:ident;)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
            match self.0.parse() {
                Ok(number) => visitor.$visit(number),
                Err(_) => visitor.visit_borrowed_str(self.0),
            }
        })*
    };
}

impl<'de> de::Deserializer<'de> for Name<'de> {
    type Error = DeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_borrowed_str(self.0)
    }

    name_numbers! {
        deserialize_i8 visit_i8; deserialize_i16 visit_i16; deserialize_i32 visit_i32; deserialize_i64 visit_i64;
        deserialize_u8 visit_u8; deserialize_u16 visit_u16; deserialize_u32 visit_u32; deserialize_u64 visit_u64;
        deserialize_bool visit_bool;
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeError> {
        visitor.visit_enum(StrDeserializer::new(self.0))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_some(self)
    }

    forward_to_deserialize_any! {
        i128 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct
        identifier ignored_any
    }
}

struct Variant<'de> {
    variant: &'de str,
    value: &'de Value,
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = DeError;
    type Variant = Content<'de>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Content<'de>), DeError> {
        Ok((seed.deserialize(StrDeserializer::new(self.variant))?, Content(self.value)))
    }
}

struct Content<'de>(&'de Value);

impl<'de> VariantAccess<'de> for Content<'de> {
    type Error = DeError;

    fn unit_variant(self) -> Result<(), DeError> {
        de::Deserialize::deserialize(ValueReader(self.0))
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, DeError> {
        seed.deserialize(ValueReader(self.0))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _length: usize, visitor: V) -> Result<V::Value, DeError> {
        de::Deserializer::deserialize_any(ValueReader(self.0), visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeError> {
        de::Deserializer::deserialize_any(ValueReader(self.0), visitor)
    }
}

/// Presents a value as the variant of [`Value`] that it is.
struct AsIs<'de>(&'de Value);

impl<'de> EnumAccess<'de> for AsIs<'de> {
    type Error = DeError;
    type Variant = AsIs<'de>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, AsIs<'de>), DeError> {
        let variant = match self.0 {
            Value::Null => "Null",
            Value::Bool(_) => "Bool",
            Value::Number(_) => "Number",
            Value::String(_) => "String",
            Value::List(_) => "List",
            Value::Set(_) => "Set",
            Value::Tuple(_) => "Tuple",
            Value::Map(_) => "Map",
            Value::Object(_) => "Object",
        };
        Ok((seed.deserialize(StrDeserializer::new(variant))?, self))
    }
}

impl<'de> VariantAccess<'de> for AsIs<'de> {
    type Error = DeError;

    fn unit_variant(self) -> Result<(), DeError> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, DeError> {
        seed.deserialize(ValueReader(self.0))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _length: usize, visitor: V) -> Result<V::Value, DeError> {
        de::Deserializer::deserialize_any(ValueReader(self.0), visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeError> {
        de::Deserializer::deserialize_any(ValueReader(self.0), visitor)
    }
}
