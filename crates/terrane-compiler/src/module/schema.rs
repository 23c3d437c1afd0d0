//! The excerpt of the provider's schema that modules are checked against.
//!
//! `schema/aws.json` has one line for each type, so that a compilation parses only the types it uses.
//! `cargo xtask schema` makes it anew with [`excerpt`] from the installed provider.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{LazyLock, OnceLock};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use terrane_contract::Type;

use crate::features;

/// The types of data sources of the excerpt.
pub const DATA: &[&str] =
    &["aws_availability_zone", "aws_availability_zones", "aws_prefix_list", "aws_region"];

/// What a provider says of its types, as far as the excerpt has it.
#[derive(Debug)]
pub struct Schema {
    resources: BTreeMap<&'static str, Entry>,
    data: BTreeMap<&'static str, Entry>,
}

/// One line of the excerpt, parsed when it is first asked for.
#[derive(Debug)]
struct Entry {
    line: &'static str,
    block: OnceLock<Block>,
}

impl Schema {
    /// Returns the schema of hashicorp/aws.
    pub fn aws() -> &'static Schema {
        static AWS: LazyLock<Schema> = LazyLock::new(|| Schema::new(include_str!("../../schema/aws.json")));
        &AWS
    }

    fn new(text: &'static str) -> Schema {
        let mut schema = Schema { resources: BTreeMap::new(), data: BTreeMap::new() };
        let mut entries = &mut schema.data;
        for line in text.lines() {
            if line.starts_with("\"resources\"") {
                entries = &mut schema.resources;
            }
            let line = line.trim_end_matches(',');
            if let Some((name, block)) = line.strip_prefix('"').and_then(|line| line.split_once("\":{\"")) {
                // The block keeps its opening `{"`.
                let block = &line[line.len() - block.len() - 2..];
                entries.insert(name, Entry { line: block, block: OnceLock::new() });
            }
        }
        schema
    }

    /// Returns what a resource type takes and gives.
    pub fn resource(&self, ty: &str) -> Option<&Block> {
        self.resources.get(ty).map(Entry::block)
    }

    /// Returns what a data source takes and gives.
    pub fn data(&self, ty: &str) -> Option<&Block> {
        self.data.get(ty).map(Entry::block)
    }
}

impl Entry {
    fn block(&self) -> &Block {
        self.block.get_or_init(|| {
            serde_json::from_str(self.line).expect("the committed excerpt is tested to parse")
        })
    }
}

/// What a resource type, a data source, or a nested block takes and gives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// Attributes by name.
    pub attributes: BTreeMap<String, Attribute>,
    /// Nested blocks by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub blocks: BTreeMap<String, NestedBlock>,
}

/// One attribute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(String, Type)", into = "(String, Type)")]
pub struct Attribute {
    /// Its type.
    pub ty: Type,
    /// Whether it must be set.
    pub required: bool,
    /// Whether it may be set.
    pub optional: bool,
    /// Whether the provider gives it a value where none is set.
    pub computed: bool,
    /// Whether the provider warns of it.
    pub deprecated: bool,
}

impl From<(String, Type)> for Attribute {
    fn from((flags, ty): (String, Type)) -> Attribute {
        Attribute {
            ty,
            required: flags.contains('r'),
            optional: flags.contains('o'),
            computed: flags.contains('c'),
            deprecated: flags.contains('d'),
        }
    }
}

impl From<Attribute> for (String, Type) {
    fn from(attribute: Attribute) -> (String, Type) {
        let flags = [
            (attribute.required, 'r'),
            (attribute.optional, 'o'),
            (attribute.computed, 'c'),
            (attribute.deprecated, 'd'),
        ];
        (flags.into_iter().filter(|(is_set, _)| *is_set).map(|(_, flag)| flag).collect(), attribute.ty)
    }
}

/// One kind of nested block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NestedBlock {
    /// How several of them are held.
    pub nesting: Nesting,
    /// How many there must be.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub min: u64,
    /// How many there may be; 0 for any number.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub max: u64,
    /// What each takes and gives.
    #[serde(flatten)]
    pub block: Block,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// How the nested blocks of one kind are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Nesting {
    /// At most one, as an object.
    Single,
    /// At most one, as an object that is there even if the block is not.
    Group,
    /// A list of objects.
    List,
    /// A set of objects.
    Set,
    /// A map of objects by label.
    Map,
}

impl Block {
    /// Returns the type of a whole instance.
    pub fn ty(&self) -> Type {
        let attributes = self.attributes.iter().map(|(name, attribute)| (name.clone(), attribute.ty.clone()));
        let blocks = self.blocks.iter().map(|(name, nested)| (name.clone(), nested.ty()));
        Type::object(attributes.chain(blocks))
    }

    /// Returns the type of one part of an instance, without making that of the whole.
    pub fn part(&self, name: &str) -> Option<Type> {
        match self.attributes.get(name) {
            Some(attribute) => Some(attribute.ty.clone()),
            None => self.blocks.get(name).map(NestedBlock::ty),
        }
    }
}

impl NestedBlock {
    fn ty(&self) -> Type {
        let object = self.block.ty();
        match self.nesting {
            Nesting::Single | Nesting::Group => object,
            Nesting::List => Type::list(object),
            Nesting::Set => Type::set(object),
            Nesting::Map => Type::map(object),
        }
    }
}

/// Why no excerpt can be made.
#[derive(Debug)]
pub struct ExcerptError(String);

impl fmt::Display for ExcerptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ExcerptError {}

/// Makes the excerpt from what `terraform providers schema -json` prints.
///
/// # Errors
///
/// Returns an error that names the part that is missing or has another form than Terraform gives it.
pub fn excerpt(provider_schema_json: &str) -> Result<String, ExcerptError> {
    let schemas: Value = serde_json::from_str(provider_schema_json)
        .map_err(|error| ExcerptError(format!("the provider schema is no JSON: {error}")))?;
    let provider = schemas["provider_schemas"]
        .as_object()
        .and_then(|providers| providers.iter().find(|(name, _)| name.ends_with("/hashicorp/aws")))
        .map(|(_, provider)| provider)
        .ok_or_else(|| ExcerptError("the provider schema has no hashicorp/aws".to_owned()))?;
    let data = excerpt_of(&provider["data_source_schemas"], DATA.iter().copied())?;
    let resources = &provider["resource_schemas"];
    let groups = resources
        .as_object()
        .into_iter()
        .flat_map(Map::keys)
        .map(String::as_str)
        .filter(|ty| is_subnet_group(ty));
    let types: BTreeSet<&str> =
        features::ALL.iter().flat_map(|feature| (feature.types)()).chain(groups).collect();
    let resources = excerpt_of(resources, types)?;
    Ok(format!("{{\n\"data\":{{\n{data}\n}},\n\"resources\":{{\n{resources}\n}}\n}}\n"))
}

/// Returns whether a resource type is a group of subnets, of which a topology may ask for any.
fn is_subnet_group(ty: &str) -> bool {
    ty.starts_with("aws_") && ty.ends_with("_subnet_group")
}

fn excerpt_of<'a>(schemas: &Value, types: impl IntoIterator<Item = &'a str>) -> Result<String, ExcerptError> {
    let lines: Result<Vec<String>, ExcerptError> = types
        .into_iter()
        .map(|ty| {
            let block = schemas
                .get(ty)
                .ok_or_else(|| ExcerptError(format!("the provider schema has no {ty}")))
                .and_then(|schema| excerpt_of_block(&schema["block"], ty))?;
            let block =
                serde_json::to_string(&block).expect("a block holds strings, numbers, and types only");
            Ok(format!("\"{ty}\":{block}"))
        })
        .collect();
    lines.map(|lines| lines.join(",\n"))
}

fn excerpt_of_block(block: &Value, place: &str) -> Result<Block, ExcerptError> {
    let mut excerpt = Block::default();
    for (name, attribute) in block["attributes"].as_object().into_iter().flatten() {
        let place = format!("{place}.{name}");
        let is = |flag: &str| attribute[flag].as_bool().unwrap_or_default();
        let ty = Type::from_json(&attribute["type"])
            .map_err(|error| ExcerptError(format!("{place} in the provider schema: {error}")))?;
        let attribute = Attribute {
            ty,
            required: is("required"),
            optional: is("optional"),
            computed: is("computed"),
            deprecated: is("deprecated"),
        };
        excerpt.attributes.insert(name.clone(), attribute);
    }
    for (name, nested) in block["block_types"].as_object().into_iter().flatten() {
        let place = format!("{place}.{name}");
        let nesting = Nesting::deserialize(&nested["nesting_mode"])
            .map_err(|error| ExcerptError(format!("{place} in the provider schema: {error}")))?;
        let count = |bound: &str| nested[bound].as_u64().unwrap_or_default();
        let block = excerpt_of_block(&nested["block"], &place)?;
        let nested = NestedBlock { nesting, min: count("min_items"), max: count("max_items"), block };
        excerpt.blocks.insert(name.clone(), nested);
    }
    Ok(excerpt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_type_is_in_the_committed_excerpt() {
        for ty in features::ALL.iter().flat_map(|feature| (feature.types)()) {
            assert!(!Schema::aws().resource(ty).unwrap().attributes.is_empty(), "{ty}");
        }
        for ty in DATA {
            assert!(!Schema::aws().data(ty).unwrap().attributes.is_empty(), "{ty}");
        }
        assert!(Schema::aws().resource("aws_instance").is_none());
    }

    #[test]
    fn the_committed_excerpt_is_json_and_has_nothing_more() {
        let text: Value = serde_json::from_str(include_str!("../../schema/aws.json")).unwrap();
        let names = |part: &str| text[part].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        let types: BTreeSet<&str> = features::ALL.iter().flat_map(|feature| (feature.types)()).collect();
        let (groups, others): (Vec<String>, Vec<String>) =
            names("resources").into_iter().partition(|ty| is_subnet_group(ty));
        assert!(others.iter().eq(types.iter().filter(|ty| !is_subnet_group(ty))), "{others:?}");
        assert!(groups.is_sorted() && groups.len() >= 8, "{groups:?}");
        assert_eq!(names("data"), DATA);
    }

    #[test]
    fn flags_types_and_blocks_survive() {
        let subnet = Schema::aws().resource("aws_subnet").unwrap();
        assert!(subnet.attributes["vpc_id"].required);
        let zone = &subnet.attributes["availability_zone"];
        assert!(zone.optional && zone.computed && !zone.required && !zone.deprecated);
        assert_eq!(subnet.attributes["tags"].ty, Type::map(Type::String));
        assert_eq!(subnet.blocks["timeouts"].nesting, Nesting::Single);
    }

    #[test]
    fn what_is_no_schema_is_refused_by_name() {
        let check = |json: &str, message: &str| {
            assert!(excerpt(json).unwrap_err().to_string().contains(message), "{json}");
        };
        check("x", "no JSON");
        check("{}", "no hashicorp/aws");
        check(r#"{"provider_schemas":{"r/hashicorp/aws":{}}}"#, "no aws_availability_zone");
    }
}
