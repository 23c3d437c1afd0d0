//! The JSON Schema of documents: keys from the tables, and types by trying what can be read.

use serde_json::{Map, Value, json};

use super::{Child, Key, Table};

/// Texts of which a key that takes text reads one, whatever it must look like.
const TEXTS: [&str; 3] = ["?", "10.0.0.0/16", "a"];
/// How deep lists and maps are tried inside each other.
const DEPTH: usize = 2;

type Reads<'a> = &'a dyn Fn(Value) -> Result<(), String>;

impl Table {
    /// Returns the schema of such a table.
    pub(crate) fn schema(&self) -> Map<String, Value> {
        let properties: Map<String, Value> =
            self.keys.iter().map(|key| (key.name.to_owned(), self.property(key))).collect();
        let required: Vec<&str> =
            self.keys.iter().filter(|key| key.is_always_written()).map(|key| key.name).collect();
        let mut schema = Map::from_iter([
            ("type".to_owned(), json!("object")),
            ("additionalProperties".to_owned(), json!(false)),
            ("properties".to_owned(), Value::Object(properties)),
        ]);
        if !required.is_empty() {
            schema.insert("required".to_owned(), json!(required));
        }
        schema
    }

    fn property(&self, key: &Key) -> Value {
        let mut schema = match key.child {
            Some(Child::One(table)) => table.schema(),
            Some(Child::Many(table)) => Map::from_iter([
                ("type".to_owned(), json!("array")),
                ("items".to_owned(), json!(table.schema())),
            ]),
            None => types(&|value| self.reads(key.name, value), 0),
        };
        if let Some((least, most)) = key.bounds {
            schema.insert("minimum".to_owned(), json!(least));
            schema.insert("maximum".to_owned(), json!(most));
        }
        schema.insert("description".to_owned(), json!(format!("{} (default: {})", key.means, key.default)));
        Value::Object(schema)
    }
}

/// Returns the schema of the values that can be read; it has no `type` and no `enum` where there is none.
fn types(reads: Reads<'_>, depth: usize) -> Map<String, Value> {
    let mut found: Vec<Value> = Vec::new();
    for (name, sample) in [("boolean", json!(true)), ("integer", json!(20))] {
        if reads(sample).is_ok() {
            found.push(json!({ "type": name }));
        }
    }
    let texts: Vec<Result<(), String>> = TEXTS.iter().map(|text| reads(json!(text))).collect();
    if texts.iter().any(Result::is_ok) {
        found.push(json!({ "type": "string" }));
    } else if let Some(names) = texts[0].as_ref().err().and_then(|problem| variants(problem)) {
        found.push(json!({ "enum": names }));
    }
    if depth < DEPTH && reads(json!([])).is_ok() {
        let items = types(&|value| reads(json!([value])), depth + 1);
        found.push(json!({ "type": "array", "items": items }));
    }
    if depth < DEPTH && reads(json!({})).is_ok() {
        let values = types(&|value| reads(json!({ "a": value })), depth + 1);
        found.push(json!({ "type": "object", "additionalProperties": values }));
    }
    match <[Value; 1]>::try_from(found) {
        Ok([Value::Object(only)]) => only,
        Ok(_) => Map::new(),
        Err(several) => Map::from_iter([("anyOf".to_owned(), Value::Array(several))]),
    }
}

/// Returns the names that a parser says it knows.
fn variants(problem: &str) -> Option<Vec<&str>> {
    problem.starts_with("unknown variant").then(|| problem.split('`').skip(3).step_by(2).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    /// Returns the paths at which a schema admits nothing or says nothing of the type.
    fn vague(schema: &Value, path: &str, found: &mut Vec<String>) {
        let is_vague = schema["type"].is_null() && schema["enum"].is_null() && schema["anyOf"].is_null();
        if is_vague || schema["anyOf"].as_array().is_some_and(Vec::is_empty) {
            found.push(path.to_owned());
        }
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            vague(property, &format!("{path}.{name}"), found);
        }
        for part in ["items", "additionalProperties"] {
            if schema[part].is_object() {
                vague(&schema[part], &format!("{path}[]"), found);
            }
        }
        schema["anyOf"].as_array().into_iter().flatten().for_each(|one| vague(one, path, found));
    }

    #[test]
    fn every_key_has_a_type() {
        let mut found = Vec::new();
        let schema = Value::Object(crate::topology::table().schema());
        vague(&schema, "", &mut found);
        assert!(found.is_empty(), "{found:?}");
        let tier = &schema["properties"]["tiers"]["items"]["properties"];
        assert_eq!(tier["access"]["enum"].as_array().map(Vec::len), Some(3), "{}", tier["access"]);
        assert_eq!(
            (&tier["prefix_length"]["minimum"], &tier["prefix_length"]["maximum"]),
            (&16.into(), &28.into())
        );
        assert_eq!(schema["required"], serde_json::json!(["name", "base", "zones", "tiers"]));
    }
}
