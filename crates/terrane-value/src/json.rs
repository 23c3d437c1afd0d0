//! JSON as Terraform reads it, without recursion.
//!
//! Terraform parses states with Go's `encoding/json`, which differs from `serde_json` where a state reader can
//! notice: lone surrogates and invalid UTF-8 become U+FFFD, documents may nest 10 000 levels deep, numbers are kept
//! as text, and errors name a byte offset. [`Events`] is the one tokenizer; [`Json::parse`] builds a tree from it
//! and [`top_level`] only finds where the members of the outermost object stand.

mod print;
mod text;

use std::borrow::Cow;
use std::ops::Range;

pub(crate) use print::{Layout, print};

/// The deepest nesting that Terraform reads.
pub(crate) const MAX_NESTING: usize = 10_000;

/// Where and how a text stops being JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// Bytes read up to and with the offending one.
    pub offset: usize,
    /// Whether the text merely ended too early.
    pub truncated: bool,
    /// Whether the nesting exceeds [`MAX_NESTING`].
    pub too_deep: bool,
}

impl SyntaxError {
    /// Returns the error as one of a text that begins so many bytes earlier.
    pub(crate) fn after(mut self, bytes: usize) -> SyntaxError {
        self.offset += bytes;
        self
    }
}

/// One token with meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Null,
    Bool(bool),
    /// The literal's place.
    Number(Range<usize>),
    /// The place between the quotes.
    String(Range<usize>),
    /// The name's place between the quotes.
    Key(Range<usize>),
    BeginArray,
    EndArray,
    BeginObject,
    EndObject,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Expect {
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    CommaOrEnd,
    Nothing,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Container {
    Array,
    Object,
}

/// Reads one JSON value as a sequence of events.
pub(crate) struct Events<'a> {
    bytes: &'a [u8],
    pos: usize,
    stack: Vec<Container>,
    /// How many levels this text may nest.
    limit: usize,
    expect: Expect,
}

impl<'a> Events<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Events<'a> {
        Events::nested(bytes, 0)
    }

    /// Reads a value that stands inside `depth` arrays and objects of a larger text.
    pub(crate) fn nested(bytes: &'a [u8], depth: usize) -> Events<'a> {
        Events { bytes, pos: 0, stack: Vec::new(), limit: MAX_NESTING - depth, expect: Expect::Value }
    }

    /// Returns how many bytes were read.
    pub(crate) fn position(&self) -> usize {
        self.pos
    }

    /// Returns the number of open arrays and objects.
    pub(crate) fn depth(&self) -> usize {
        self.stack.len()
    }

    /// Returns the next event, or `None` after the value is complete.
    pub(crate) fn next(&mut self) -> Result<Option<Event>, SyntaxError> {
        loop {
            self.skip_whitespace();
            match self.expect {
                Expect::Nothing => return Ok(None),
                Expect::Value => return self.value().map(Some),
                Expect::ValueOrEnd if self.peek() == Some(b']') => return Ok(Some(self.end())),
                Expect::ValueOrEnd => return self.value().map(Some),
                Expect::KeyOrEnd if self.peek() == Some(b'}') => return Ok(Some(self.end())),
                Expect::Key | Expect::KeyOrEnd => return self.key().map(Event::Key).map(Some),
                Expect::CommaOrEnd => {
                    if let Some(end) = self.comma_or_end()? {
                        return Ok(Some(end));
                    }
                }
            }
        }
    }

    /// Returns the name of the next member, between its quotes, of the object that is open, or `None` at its end.
    pub(crate) fn next_key(&mut self) -> Result<Option<&'a [u8]>, SyntaxError> {
        self.skip_whitespace();
        match (self.expect, self.peek()) {
            (Expect::KeyOrEnd | Expect::CommaOrEnd, Some(b'}')) => {
                self.end();
                return Ok(None);
            }
            (Expect::CommaOrEnd, Some(b',')) => {
                self.pos += 1;
                self.skip_whitespace();
            }
            (Expect::CommaOrEnd, _) => return Err(self.unexpected()),
            _ => {}
        }
        let place = self.key()?;
        Ok(Some(&self.bytes[place]))
    }

    /// Reads what follows the value, which must be whitespace.
    pub(crate) fn finish(mut self) -> Result<(), SyntaxError> {
        self.skip_whitespace();
        if self.pos == self.bytes.len() { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Skips the value that comes next and returns its text.
    pub(crate) fn value_text(&mut self) -> Result<&'a [u8], SyntaxError> {
        let place = self.skip_value()?;
        Ok(&self.bytes[place])
    }

    /// Skips the value that comes next and returns its place.
    ///
    /// This is [`next`](Self::next) in a loop, without telling what there is: most of a state is only skipped.
    pub(crate) fn skip_value(&mut self) -> Result<Range<usize>, SyntaxError> {
        self.skip_whitespace();
        let start = self.pos;
        let depth = self.depth();
        loop {
            self.skip_whitespace();
            match self.peek() {
                Some(b'{') => {
                    self.begin(Container::Object)?;
                    self.skip_whitespace();
                    if self.peek() != Some(b'}') {
                        self.key()?;
                        continue;
                    }
                    self.end();
                }
                Some(b'[') => {
                    self.begin(Container::Array)?;
                    self.skip_whitespace();
                    if self.peek() != Some(b']') {
                        continue;
                    }
                    self.end();
                }
                Some(b'"') => {
                    self.string()?;
                }
                _ => {
                    self.value()?;
                }
            }
            if self.skip_ends(depth)? {
                self.after_value();
                return Ok(start..self.pos);
            }
        }
    }

    /// Skips what follows a value, up to where another must begin; returns whether nothing more is open.
    fn skip_ends(&mut self, depth: usize) -> Result<bool, SyntaxError> {
        while self.stack.len() > depth {
            self.skip_whitespace();
            match (self.peek(), self.stack.last()) {
                (Some(b','), Some(Container::Array)) => {
                    self.pos += 1;
                    return Ok(false);
                }
                (Some(b','), _) => {
                    self.pos += 1;
                    self.skip_whitespace();
                    self.key()?;
                    return Ok(false);
                }
                (Some(b']'), Some(Container::Array)) | (Some(b'}'), Some(Container::Object)) => {
                    self.end();
                }
                _ => return Err(self.unexpected()),
            }
        }
        Ok(true)
    }

    /// Reads until no more than some arrays and objects are open.
    pub(crate) fn close(&mut self, depth: usize) -> Result<(), SyntaxError> {
        while self.depth() > depth {
            self.next()?;
        }
        Ok(())
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.pos).copied()
    }

    #[inline]
    fn skip_whitespace(&mut self) {
        if self.peek().is_some_and(|byte| byte > b' ') {
            return;
        }
        loop {
            // Most of it is indentation.
            while let Some(chunk) = self.bytes[self.pos..].first_chunk::<8>() {
                let n_spaces = first_other(u64::from_le_bytes(*chunk), b' ');
                self.pos += n_spaces;
                if n_spaces < 8 {
                    break;
                }
            }
            if !matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
                return;
            }
            self.pos += 1;
        }
    }

    fn unexpected(&self) -> SyntaxError {
        match self.peek() {
            Some(_) => SyntaxError { offset: self.pos + 1, truncated: false, too_deep: false },
            None => SyntaxError { offset: self.bytes.len(), truncated: true, too_deep: false },
        }
    }

    fn expect_byte(&mut self, byte: u8) -> Result<(), SyntaxError> {
        if self.peek() != Some(byte) {
            return Err(self.unexpected());
        }
        self.pos += 1;
        Ok(())
    }

    fn after_value(&mut self) {
        self.expect = if self.stack.is_empty() { Expect::Nothing } else { Expect::CommaOrEnd };
    }

    fn value(&mut self) -> Result<Event, SyntaxError> {
        let event = match self.peek() {
            Some(b'[') => return self.begin(Container::Array),
            Some(b'{') => return self.begin(Container::Object),
            Some(b'"') => Event::String(self.string()?),
            Some(b'-' | b'0'..=b'9') => Event::Number(self.number()?),
            Some(b't') => self.literal(b"true", Event::Bool(true))?,
            Some(b'f') => self.literal(b"false", Event::Bool(false))?,
            Some(b'n') => self.literal(b"null", Event::Null)?,
            _ => return Err(self.unexpected()),
        };
        self.after_value();
        Ok(event)
    }

    fn begin(&mut self, container: Container) -> Result<Event, SyntaxError> {
        if self.stack.len() == self.limit {
            return Err(SyntaxError { offset: self.pos + 1, truncated: false, too_deep: true });
        }
        self.pos += 1;
        self.stack.push(container);
        Ok(match container {
            Container::Array => {
                self.expect = Expect::ValueOrEnd;
                Event::BeginArray
            }
            Container::Object => {
                self.expect = Expect::KeyOrEnd;
                Event::BeginObject
            }
        })
    }

    fn end(&mut self) -> Event {
        self.pos += 1;
        let container = self.stack.pop();
        self.after_value();
        if container == Some(Container::Array) { Event::EndArray } else { Event::EndObject }
    }

    fn comma_or_end(&mut self) -> Result<Option<Event>, SyntaxError> {
        let container = self.stack.last().copied();
        match (self.peek(), container) {
            (Some(b','), Some(container)) => {
                self.pos += 1;
                self.expect = if container == Container::Array { Expect::Value } else { Expect::Key };
                Ok(None)
            }
            (Some(b']'), Some(Container::Array)) | (Some(b'}'), Some(Container::Object)) => {
                Ok(Some(self.end()))
            }
            _ => Err(self.unexpected()),
        }
    }

    fn key(&mut self) -> Result<Range<usize>, SyntaxError> {
        if self.peek() != Some(b'"') {
            return Err(self.unexpected());
        }
        let key = self.string()?;
        self.skip_whitespace();
        self.expect_byte(b':')?;
        self.expect = Expect::Value;
        Ok(key)
    }

    fn string(&mut self) -> Result<Range<usize>, SyntaxError> {
        self.pos += 1;
        let start = self.pos;
        loop {
            self.skip_plain();
            match self.peek() {
                Some(b'"') => {
                    self.pos += 1;
                    return Ok(start..self.pos - 1);
                }
                Some(b'\\') => self.escape()?,
                Some(0..=0x1f) | None => return Err(self.unexpected()),
                Some(_) => self.pos += 1,
            }
        }
    }

    /// Skips what ends no string, eight bytes at a time.
    fn skip_plain(&mut self) {
        while let Some(chunk) = self.bytes[self.pos..].first_chunk::<8>() {
            match first_special(u64::from_le_bytes(*chunk)) {
                8 => self.pos += 8,
                idx => {
                    self.pos += idx;
                    return;
                }
            }
        }
    }

    fn escape(&mut self) -> Result<(), SyntaxError> {
        self.pos += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.pos += 1,
            Some(b'u') => {
                self.pos += 1;
                for _ in 0..4 {
                    if !self.peek().is_some_and(|byte| byte.is_ascii_hexdigit()) {
                        return Err(self.unexpected());
                    }
                    self.pos += 1;
                }
            }
            _ => return Err(self.unexpected()),
        }
        Ok(())
    }

    fn number(&mut self) -> Result<Range<usize>, SyntaxError> {
        let start = self.pos;
        if self.peek() == Some(b'-') {
            self.pos += 1;
        }
        if self.peek() == Some(b'0') {
            self.pos += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.pos += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.pos += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.pos += 1;
            }
            self.digits()?;
        }
        Ok(start..self.pos)
    }

    fn digits(&mut self) -> Result<(), SyntaxError> {
        if !self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return Err(self.unexpected());
        }
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.pos += 1;
        }
        Ok(())
    }

    fn literal(&mut self, word: &[u8], event: Event) -> Result<Event, SyntaxError> {
        for byte in word {
            self.expect_byte(*byte)?;
        }
        Ok(event)
    }
}

const ONES: u64 = 0x0101_0101_0101_0101;

/// Returns the place of the first of eight bytes that is not a certain one, or 8.
fn first_other(word: u64, byte: u8) -> usize {
    ((word ^ (ONES * u64::from(byte))).trailing_zeros() / 8) as usize
}

/// Returns the place of the first quote, backslash, or control character in eight bytes, or 8.
fn first_special(word: u64) -> usize {
    const TOPS: u64 = ONES << 7;
    // The top bit of the first byte that is below a bound is set; bits above it mean nothing.
    let below = |word: u64, bound: u64| word.wrapping_sub(ONES * bound) & !word & TOPS;
    // Flipping one bit swaps a quote with a space, which then comes right after the control characters.
    let quote_or_control = below(word ^ (ONES * 0x02), 0x21);
    let backslash = below(word ^ (ONES * u64::from(b'\\')), 1);
    ((quote_or_control | backslash).trailing_zeros() / 8) as usize
}

/// A parsed JSON value.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Json {
    /// `null`.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// The literal text.
    Number(String),
    /// A string, unescaped.
    String(String),
    /// The elements of an array.
    Array(Vec<Json>),
    /// Members in the order of the text, repeated names included.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Parses a whole text.
    ///
    /// # Errors
    ///
    /// Where and how the text stops being JSON.
    pub fn parse(bytes: &[u8]) -> Result<Json, SyntaxError> {
        let mut events = Events::new(bytes);
        let mut open: Vec<(Json, String)> = Vec::new();
        let mut key = String::new();
        let mut root = Json::Null;
        while let Some(event) = events.next()? {
            let done = match event {
                Event::Key(place) => {
                    key = text::unescape(&bytes[place]).into_owned();
                    continue;
                }
                Event::BeginArray => {
                    open.push((Json::Array(Vec::new()), std::mem::take(&mut key)));
                    continue;
                }
                Event::BeginObject => {
                    open.push((Json::Object(Vec::new()), std::mem::take(&mut key)));
                    continue;
                }
                Event::EndArray | Event::EndObject => {
                    let (done, name) = open.pop().expect("an end follows its beginning");
                    key = name;
                    done
                }
                Event::Null => Json::Null,
                Event::Bool(value) => Json::Bool(value),
                Event::Number(place) => Json::Number(String::from_utf8_lossy(&bytes[place]).into_owned()),
                Event::String(place) => Json::String(text::unescape(&bytes[place]).into_owned()),
            };
            match open.last_mut() {
                None => root = done,
                Some((Json::Object(members), _)) => members.push((std::mem::take(&mut key), done)),
                Some((Json::Array(elements), _)) => elements.push(done),
                Some(_) => unreachable!("only containers are open"),
            }
        }
        events.finish()?;
        Ok(root)
    }

    /// Returns the member of an object as Go would match it: ignoring case, the last one winning; a null is absent.
    pub fn get(&self, name: &str) -> Option<&Json> {
        match self.member(name) {
            Some(Json::Null) | None => None,
            Some(value) => Some(value),
        }
    }

    /// Returns the member of an object, which may be a null.
    pub fn member(&self, name: &str) -> Option<&Json> {
        let Json::Object(members) = self else { return None };
        members.iter().rev().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Returns the text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Json::String(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the elements of an array.
    pub fn as_array(&self) -> Option<&[Json]> {
        match self {
            Json::Array(elements) => Some(elements),
            _ => None,
        }
    }

    /// Returns the members of an object.
    pub fn as_object(&self) -> Option<&[(String, Json)]> {
        match self {
            Json::Object(members) => Some(members),
            _ => None,
        }
    }

    /// Returns what kind of JSON this is, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Json::Null => "null",
            Json::Bool(_) => "bool",
            Json::Number(_) => "number",
            Json::String(_) => "string",
            Json::Array(_) => "array",
            Json::Object(_) => "object",
        }
    }

    /// Returns how many arrays and objects stand inside each other.
    pub(crate) fn nesting(&self) -> usize {
        let mut deepest = 0;
        let mut rest = vec![(self, 0)];
        while let Some((json, depth)) = rest.pop() {
            deepest = deepest.max(depth);
            match json {
                Json::Array(elements) => rest.extend(elements.iter().map(|element| (element, depth + 1))),
                Json::Object(members) => rest.extend(members.iter().map(|(_, value)| (value, depth + 1))),
                _ => {}
            }
        }
        deepest
    }
}

impl Drop for Json {
    /// Takes nested values apart one by one: a document may nest deeper than a stack is large.
    fn drop(&mut self) {
        let mut rest = Vec::new();
        take_children(self, &mut rest);
        while let Some(mut json) = rest.pop() {
            take_children(&mut json, &mut rest);
        }
    }
}

fn take_children(json: &mut Json, rest: &mut Vec<Json>) {
    match json {
        Json::Array(elements) => rest.append(elements),
        Json::Object(members) => rest.extend(members.drain(..).map(|(_, value)| value)),
        _ => {}
    }
}

/// Members of the outermost object with the places of their values.
pub(crate) type Members = Vec<(String, Range<usize>)>;

/// Returns the members of the outermost object with the places of their values, or `None` for any other value.
///
/// The whole text is checked.
pub(crate) fn top_level(bytes: &[u8]) -> Result<Option<Members>, SyntaxError> {
    let mut events = Events::new(bytes);
    let mut members = Vec::new();
    if events.next()? != Some(Event::BeginObject) {
        while events.next()?.is_some() {}
        events.finish()?;
        return Ok(None);
    }
    while let Some(event) = events.next()? {
        if let Event::Key(place) = event {
            members.push((text::unescape(&bytes[place]).into_owned(), events.skip_value()?));
        }
    }
    events.finish()?;
    Ok(Some(members))
}

/// Returns the text between two quotes of a JSON text, unescaped.
pub(crate) fn unescape(raw: &[u8]) -> Cow<'_, str> {
    text::unescape(raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_error(text: &[u8], offset: usize, truncated: bool) {
        let error = Json::parse(text).unwrap_err();
        assert_eq!((error.offset, error.truncated), (offset, truncated));
        assert_eq!(top_level(text).unwrap_err(), error);
    }

    #[test]
    fn errors_name_the_byte_after_which_they_are_known() {
        check_error(b"", 0, true);
        check_error(b"\n", 1, true);
        check_error(b"\xef\xbb\xbf{}", 1, false);
        check_error(b"{}{}", 3, false);
        check_error(b"[01]", 3, false);
        check_error(b"{\"a\":\"b\x01\"}", 8, false);
        check_error(b"{\"a\":tru}", 9, false);
        check_error(b"[1,]", 4, false);
        check_error(b"[1", 2, true);
        check_error(br#"["\x"]"#, 4, false);
    }

    #[test]
    fn members_match_as_in_go() {
        let json = Json::parse(br#"{"A":1,"a":null,"b":2,"B":3}"#).unwrap();
        assert_eq!(json.get("a"), None);
        assert_eq!(json.get("b"), Some(&Json::Number("3".into())));
    }

    #[test]
    fn nesting_stops_at_the_limit_without_overflow() {
        let nested = |depth: usize| [vec![b'['; depth], vec![b']'; depth]].concat();
        let json = Json::parse(&nested(MAX_NESTING)).unwrap();
        assert_eq!(json.nesting(), MAX_NESTING - 1);
        drop(json);
        let error = Json::parse(&nested(MAX_NESTING + 1)).unwrap_err();
        assert!(error.too_deep);
    }

    #[test]
    fn strings_end_where_they_end() {
        for length in 0..20 {
            for special in [&b"\""[..], b"\\n", b"\x1f", b"\x80"] {
                let text = [b"[\"", &b"x".repeat(length)[..], special, b"\xff\x7f!\"]"].concat();
                let naive = |text: &[u8]| {
                    let quote = text[2..].iter().position(|byte| *byte == b'"' || *byte < 0x20);
                    2 + quote.unwrap_or_default()
                };
                let mut events = Events::new(&text);
                events.next().unwrap();
                match events.next() {
                    Ok(Some(Event::String(place))) => assert_eq!(place, 2..naive(&text)),
                    other => assert_eq!(other.unwrap_err().offset, naive(&text) + 1),
                }
            }
        }
    }

    #[test]
    fn places_of_members_hold_their_values() {
        let text = br#" {"a" : [1, {"b":2}] , "c":"d"} "#;
        let members = top_level(text).unwrap().unwrap();
        let texts: Vec<_> = members.iter().map(|(key, place)| (key.as_str(), &text[place.clone()])).collect();
        assert_eq!(texts, [("a", &br#"[1, {"b":2}]"#[..]), ("c", &br#""d""#[..])]);
        assert_eq!(top_level(b"[]").unwrap(), None);
    }
}
