//! The `backend` block of a configuration, in `.tf` and `.tf.json`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use terrane_hcl::expr::Expr;
use terrane_hcl::parse::{self, Block};
use terrane_value::{Error, ErrorKind, Json};

use super::{Written, check_type, invalid, read_if_there};

/// Reads the block of a directory; one in an override file replaces the other as a whole.
pub(super) fn of_directory(directory: &Path) -> Result<Option<Written>, Error> {
    let (overrides, files): (Vec<PathBuf>, Vec<PathBuf>) =
        configuration_files(directory)?.into_iter().partition(|path| is_override(path));
    let mut found: Vec<Written> = Vec::new();
    for path in files {
        found.extend(blocks(&path)?);
    }
    if let [first, second, ..] = found.as_slice() {
        let (first, second) = (&first.place, &second.place);
        return Err(invalid(format!("two backend blocks, in {first} and {second}, where one is allowed")));
    }
    for path in overrides {
        found.extend(blocks(&path)?);
    }
    Ok(found.pop())
}

/// What the names of configuration files end with.
const SUFFIXES: [&str; 4] = [".tf", ".tf.json", ".tofu", ".tofu.json"];

pub(crate) fn configuration_files(directory: &Path) -> Result<Vec<PathBuf>, Error> {
    let io = |error: std::io::Error| {
        Error::new(ErrorKind::Io { reason: error.to_string() }).at(directory.display().to_string())
    };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(io)? {
        let path = entry.map_err(io)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_ignored =
            name.starts_with('.') || name.ends_with('~') || (name.starts_with('#') && name.ends_with('#'));
        if !is_ignored && SUFFIXES.iter().any(|suffix| name.ends_with(suffix)) && path.is_file() {
            paths.push(path);
        }
    }
    // OpenTofu's own files take the place of Terraform's of the same name.
    let hidden: BTreeSet<PathBuf> = paths
        .iter()
        .filter_map(|path| {
            let name = path.file_name()?.to_str()?;
            let stem = name.strip_suffix(".tofu").map(|stem| format!("{stem}.tf"));
            let stem = stem.or_else(|| Some(format!("{}.tf.json", name.strip_suffix(".tofu.json")?)));
            Some(path.with_file_name(stem?))
        })
        .collect();
    paths.retain(|path| !hidden.contains(path));
    paths.sort();
    Ok(paths)
}

fn is_override(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let stem = name.trim_end_matches(".json").trim_end_matches(".tf").trim_end_matches(".tofu");
    stem == "override" || stem.ends_with("_override")
}

/// The type and the arguments of a block.
type TypedBlock = (String, Json);

/// Returns each `backend` block in a file.
fn blocks(path: &Path) -> Result<Vec<Written>, Error> {
    let place = path.display().to_string();
    let text = read_if_there(path)?.unwrap_or_default();
    let found = if place.ends_with(".json") { json_blocks(&text) } else { hcl_blocks(&text) };
    let found = found.map_err(|error| error.at(place.clone()))?;
    Ok(found.into_iter().map(|(ty, arguments)| Written { ty, arguments, place: place.clone() }).collect())
}

fn json_blocks(text: &[u8]) -> Result<Vec<TypedBlock>, Error> {
    let json = Json::parse(text)
        .map_err(|error| invalid(format!("not JSON: syntax error at byte offset {}", error.offset)))?;
    let mut found = Vec::new();
    for terraform in one_or_many(json.get("terraform")) {
        if terraform.get("cloud").is_some() {
            check_type("cloud")?;
        }
        for backend in one_or_many(terraform.get("backend")) {
            for (name, arguments) in backend.as_object().unwrap_or_default() {
                check_type(name)?;
                for arguments in one_or_many(Some(arguments)) {
                    check_constants(arguments)?;
                    found.push((name.clone(), arguments.clone()));
                }
            }
        }
    }
    Ok(found)
}

/// Refuses templates, which Terraform would evaluate.
fn check_constants(arguments: &Json) -> Result<(), Error> {
    for (name, value) in arguments.as_object().unwrap_or_default() {
        let mut rest = vec![value];
        while let Some(json) = rest.pop() {
            match json {
                Json::String(text) if is_template(text) => return Err(not_constant(name)),
                Json::Array(elements) => rest.extend(elements),
                Json::Object(members) => rest.extend(members.iter().map(|(_, value)| value)),
                _ => {}
            }
        }
    }
    Ok(())
}

fn is_template(text: &str) -> bool {
    text.contains("${") || text.contains("%{")
}

/// JSON configurations may wrap a block in an array.
fn one_or_many(json: Option<&Json>) -> &[Json] {
    match json {
        None => &[],
        Some(Json::Array(many)) => many,
        Some(one) => std::slice::from_ref(one),
    }
}

fn hcl_blocks(text: &[u8]) -> Result<Vec<TypedBlock>, Error> {
    let text = String::from_utf8_lossy(text);
    // Files without a backend need not be understood.
    if !text.contains("backend") && !text.contains("cloud") {
        return Ok(Vec::new());
    }
    let content = parse::file(&text).map_err(|error| invalid(format!("not HCL: {error}")))?;
    let mut found = Vec::new();
    for terraform in content.blocks.iter().filter(|block| block.kind == "terraform") {
        for block in &terraform.content.blocks {
            match block.kind.as_str() {
                "cloud" => check_type("cloud")?,
                "backend" => {
                    let ty = block.labels.first().map_or("", String::as_str);
                    check_type(ty)?;
                    found.push((ty.to_owned(), arguments(block)?));
                }
                _ => {}
            }
        }
    }
    Ok(found)
}

fn arguments(block: &Block) -> Result<Json, Error> {
    if let Some(inner) = block.content.blocks.first() {
        let name = &inner.kind;
        return Err(invalid(format!("`{name}` is an argument, not a block: write `{name} = {{ … }}`")));
    }
    let members = block.content.attributes.iter().map(|attribute| {
        let value = constant(&attribute.value, &attribute.name)?;
        Ok((attribute.name.clone(), value))
    });
    Ok(Json::Object(members.collect::<Result<_, Error>>()?))
}

fn constant(expression: &Expr, argument: &str) -> Result<Json, Error> {
    Ok(match expression {
        Expr::Null => Json::Null,
        Expr::Bool(value) => Json::Bool(*value),
        Expr::Number(number) => Json::Number(number.to_string()),
        Expr::String(text) => Json::String(text.clone()),
        Expr::Parenthesis(inner) => return constant(inner, argument),
        Expr::Array(elements) => {
            Json::Array(elements.iter().map(|element| constant(element, argument)).collect::<Result<_, _>>()?)
        }
        Expr::Object(members) => Json::Object(
            members
                .iter()
                .map(|(key, value)| {
                    let name = key.name().ok_or_else(|| not_constant(argument))?;
                    Ok((name.to_owned(), constant(value, argument)?))
                })
                .collect::<Result<_, Error>>()?,
        ),
        _ => return Err(not_constant(argument)),
    })
}

fn not_constant(argument: &str) -> Error {
    invalid(format!(
        "`{argument}` must be a constant; run `terraform init` and read its cache, or give the value"
    ))
}
