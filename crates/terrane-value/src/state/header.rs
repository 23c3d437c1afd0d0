//! What stands before the outputs: the format version, and what identifies a state.

use std::ops::Range;

use super::shown;
use crate::error::{Error, ErrorKind, Missing};
use crate::json::{self, Json, Members, SyntaxError};

/// What every state says about itself.
pub(super) struct Header {
    pub(super) format_version: u64,
    pub(super) terraform_version: Option<String>,
    pub(super) serial: u64,
    pub(super) lineage: String,
}

/// Finds the members of a whole state, in the order of checks that Terraform has.
pub(super) fn members(text: &[u8]) -> Result<Members, Error> {
    if text.is_empty() {
        return Err(ErrorKind::NotFound { reason: Missing::Empty }.into());
    }
    if text.starts_with(b"tfstate") {
        return Err(ErrorKind::LegacyBinary.into());
    }
    match json::top_level(text) {
        Ok(Some(members)) => Ok(members),
        Ok(None) => Err(ErrorKind::NotAnObject { found: outermost_kind(text) }.into()),
        Err(error) => Err(syntax_error(text, error)),
    }
}

/// Returns an error that says what the text may be instead.
pub(crate) fn syntax_error(text: &[u8], error: SyntaxError) -> Error {
    let hint = match text {
        [0xef, 0xbb, 0xbf, ..] => "the text starts with a UTF-8 byte order mark, which must go",
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "the text is UTF-16; a state is UTF-8",
        [0x1f, 0x8b, ..] => "the text is compressed with gzip; a state is stored as it is",
        _ if error.too_deep => "it nests more than 10000 levels deep",
        _ if error.truncated => "the text ends too early",
        _ => return ErrorKind::Syntax { offset: error.offset }.into(),
    };
    Error::new(ErrorKind::Syntax { offset: error.offset }).hinting(hint)
}

fn outermost_kind(text: &[u8]) -> &'static str {
    match text.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'[') => "array",
        Some(b'"') => "string",
        Some(b't' | b'f') => "bool",
        Some(b'n') => "null",
        _ => "number",
    }
}

/// Returns the places of all members of a name, first to last, ignoring case.
pub(super) fn places<'a>(members: &'a Members, name: &'a str) -> impl Iterator<Item = &'a Range<usize>> {
    members.iter().filter(move |(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, place)| place)
}

/// Returns the values of all members of a name, first to last, ignoring case.
pub(super) fn values(text: &[u8], members: &Members, name: &str) -> Result<Vec<Json>, Error> {
    places(members, name).map(|place| parsed(&text[place.clone()])).collect()
}

/// Parses a value of which the syntax is known to be right.
pub(super) fn parsed(text: &[u8]) -> Result<Json, Error> {
    Json::parse(text).map_err(|error| syntax_error(&[], error))
}

/// Returns the last value of a name that is not null.
fn value(text: &[u8], members: &Members, name: &str) -> Result<Option<Json>, Error> {
    Ok(values(text, members, name)?.into_iter().rfind(|json| *json != Json::Null))
}

pub(super) fn read(text: &[u8], members: &Members) -> Result<Header, Error> {
    let terraform_version = string(text, members, "terraform_version")?.filter(|version| !version.is_empty());
    let format_version = if shown::is_shown(members) {
        shown::check(text, members)?;
        4
    } else {
        format_version(text, members, terraform_version.as_deref())?
    };
    // A state of an old format holds no backend; only the cache of `terraform init` does.
    if format_version < 4
        && let Some(Json::Object(_)) = value(text, members, "backend")?
    {
        return Err(ErrorKind::BackendCache.into());
    }
    if let Some(version) = &terraform_version
        && !is_version(version)
    {
        let reason = format!("{version:?} is no version");
        return Err(ErrorKind::InvalidField { field: "terraform_version", reason }.into());
    }
    let serial = match &value(text, members, "serial")? {
        None => 0,
        Some(Json::Number(serial)) => serial.parse().map_err(|_| ErrorKind::InvalidField {
            field: "serial",
            reason: format!("a whole number from 0 to {} is required, found {serial}", u64::MAX),
        })?,
        Some(other) => return Err(wrong_kind("serial", "a number", other)),
    };
    let lineage = string(text, members, "lineage")?.unwrap_or_default();
    Ok(Header { format_version, terraform_version, serial, lineage })
}

fn format_version(text: &[u8], members: &Members, terraform_version: Option<&str>) -> Result<u64, Error> {
    let invalid = |found: String| Error::new(ErrorKind::InvalidVersion { found });
    let version = match &value(text, members, "version")? {
        None if members.iter().any(|(name, _)| name == "encryption_version") => {
            return Err(ErrorKind::Encrypted.into());
        }
        None => return Err(ErrorKind::MissingVersion.into()),
        Some(Json::Number(number)) => match number.parse::<u64>() {
            Ok(version) => version,
            Err(_) => return Err(invalid(format!("number {number}"))),
        },
        Some(other) => return Err(invalid(other.kind().to_owned())),
    };
    match version {
        1..=4 => Ok(version),
        _ => {
            let terraform_version = terraform_version.map(str::to_owned);
            Err(ErrorKind::UnsupportedVersion { version, terraform_version }.into())
        }
    }
}

fn string(text: &[u8], members: &Members, name: &'static str) -> Result<Option<String>, Error> {
    match &value(text, members, name)? {
        None => Ok(None),
        Some(Json::String(string)) => Ok(Some(string.clone())),
        Some(other) => Err(wrong_kind(name, "a string", other)),
    }
}

pub(super) fn wrong_kind(field: &'static str, expected: &str, found: &Json) -> Error {
    ErrorKind::InvalidField { field, reason: format!("{expected} is required, found {}", found.kind()) }
        .into()
}

/// Tells whether a text is a version as Terraform reads one: numbers with dots, then `-`, `+`, or a letter and more.
fn is_version(text: &str) -> bool {
    let text = text.strip_prefix('v').unwrap_or(text);
    let starts_suffix = |char: char| char.is_ascii_alphabetic() || "-+~".contains(char);
    let (numbers, suffix) = text.split_at(text.find(starts_suffix).unwrap_or(text.len()));
    let is_suffix = |char: char| char.is_ascii_alphanumeric() || "-+.~".contains(char);
    numbers.split('.').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
        && suffix.chars().all(is_suffix)
        && !["-", "+"].contains(&suffix)
}
