//! Checks a whole state as it arrives, and keeps what its outputs need.
//!
//! No more than one resource, or one other member, is held at a time, so that a state of any size is checked in
//! little memory.

use std::ops::Range;

use super::header;
use super::resource::{self, Raw};
use crate::error::{Error, ErrorKind};
use crate::json::{self, Event, Events, SyntaxError};

/// The members that are kept; all others are only checked to be JSON.
const KEPT: [&str; 12] = [
    "version",
    "terraform_version",
    "serial",
    "lineage",
    "outputs",
    "modules",
    "backend",
    "encryption_version",
    "format_version",
    "values",
    "planned_values",
    "resource_changes",
];

/// How many wrong resources are named.
const MOST_PROBLEMS: usize = 100;

/// Takes the text of a state piece by piece.
pub(crate) struct Checker {
    /// What came and is not done with.
    window: Vec<u8>,
    /// How much of the window is done with.
    at: usize,
    /// How many bytes came before the window.
    gone: usize,
    /// How long the window must be to be looked at: a long value is not looked through with each piece of it.
    enough: usize,
    stage: Stage,
    /// A state of its own with the members that are kept.
    kept: Vec<u8>,
    n_resources: usize,
    problems: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Start,
    /// The text is no object; reading it as a state tells what it is.
    Odd,
    MemberOrEnd,
    Member,
    CommaOrEnd,
    ResourceOrEnd,
    Resource,
    ResourceCommaOrEnd,
    End,
}

/// Whether there was enough text to go on.
#[derive(PartialEq, Eq)]
enum Step {
    Done,
    NeedsMore,
}

impl Checker {
    /// Begins with an empty text.
    pub(crate) fn new() -> Checker {
        Checker {
            window: Vec::new(),
            at: 0,
            gone: 0,
            enough: 0,
            stage: Stage::Start,
            kept: b"{".to_vec(),
            n_resources: 0,
            problems: Vec::new(),
        }
    }

    /// Takes the next bytes of the text and checks as far as they tell; `last` says that none follow.
    pub(crate) fn push(&mut self, bytes: &[u8], last: bool) -> Result<(), Error> {
        self.window.drain(..self.at);
        self.gone += self.at;
        self.at = 0;
        self.window.extend_from_slice(bytes);
        if self.window.len() < self.enough && !last {
            return Ok(());
        }
        loop {
            match self.step(last) {
                Ok(Step::Done) => {}
                Ok(Step::NeedsMore) => {
                    self.enough = 2 * (self.window.len() - self.at);
                    return Ok(());
                }
                Err(Failure::Syntax(mut error)) => {
                    error.offset += self.gone + self.at;
                    let start = if self.gone == 0 { self.window.as_slice() } else { &[] };
                    return Err(header::syntax_error(start, error));
                }
                Err(Failure::State(error)) => return Err(error),
            }
        }
    }

    /// Returns a state with the same outputs.
    pub(crate) fn finish(mut self) -> Result<Vec<u8>, Error> {
        if !self.problems.is_empty() {
            return Err(ErrorKind::InvalidResources { problems: self.problems }.into());
        }
        if self.stage == Stage::Odd {
            return Ok(self.window);
        }
        self.kept.push(b'}');
        Ok(self.kept)
    }

    fn step(&mut self, last: bool) -> Result<Step, Failure> {
        if self.stage == Stage::Odd {
            return Ok(Step::NeedsMore);
        }
        let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        self.at += self.window[self.at..].iter().take_while(|byte| blank(byte)).count();
        let Some(first) = self.window.get(self.at).copied() else {
            return match self.stage {
                Stage::End => Ok(Step::NeedsMore),
                _ if last => Err(truncated(0)),
                _ => Ok(Step::NeedsMore),
            };
        };
        match (self.stage, first) {
            (Stage::Start, b'{') => self.take(1, Stage::MemberOrEnd),
            (Stage::Start, _) => {
                self.stage = Stage::Odd;
                self.at = 0;
            }
            (Stage::MemberOrEnd | Stage::CommaOrEnd, b'}') => self.take(1, Stage::End),
            (Stage::CommaOrEnd, b',') => self.take(1, Stage::Member),
            (Stage::MemberOrEnd | Stage::Member, b'"') => return self.member(last),
            (Stage::ResourceOrEnd | Stage::ResourceCommaOrEnd, b']') => self.take(1, Stage::CommaOrEnd),
            (Stage::ResourceCommaOrEnd, b',') => self.take(1, Stage::Resource),
            (Stage::ResourceOrEnd | Stage::Resource, _) => return self.resource(last),
            _ => return Err(unexpected(0)),
        }
        Ok(Step::Done)
    }

    fn take(&mut self, count: usize, next: Stage) {
        self.at += count;
        self.stage = next;
    }

    /// Reads a name and its value, or of the resources only where they begin.
    fn member(&mut self, last: bool) -> Result<Step, Failure> {
        let text = &self.window[self.at..];
        // A name is read as the first member of an object, so that the colon is read as well.
        let mut events = Events::nested(text, 1);
        let name = match more(events.next(), last)? {
            Some(Some(Event::String(name))) => name,
            Some(_) => return Err(unexpected(0)),
            None => return Ok(Step::NeedsMore),
        };
        let after_name = name.end + 1;
        let colon = after_name + blanks(&text[after_name..]);
        match text.get(colon) {
            Some(b':') => {}
            Some(_) => return Err(unexpected(colon)),
            None if last => return Err(truncated(colon)),
            None => return Ok(Step::NeedsMore),
        }
        let start = colon + 1 + blanks(&text[colon + 1..]);
        let name = json::unescape(&text[name]).into_owned();
        if name.eq_ignore_ascii_case("resources") && text.get(start) == Some(&b'[') {
            self.take(start + 1, Stage::ResourceOrEnd);
            return Ok(Step::Done);
        }
        let mut events = Events::nested(&text[start..], 1);
        let Some(place) = more(events.skip_value().map_err(|error| error.after(start)), last)? else {
            return Ok(Step::NeedsMore);
        };
        let place = start + place.start..start + place.end;
        // A number may go on in the next piece.
        if place.end == text.len() && !last {
            return Ok(Step::NeedsMore);
        }
        self.keep(&name, place.clone())?;
        self.take(place.end, Stage::CommaOrEnd);
        Ok(Step::Done)
    }

    fn keep(&mut self, name: &str, place: Range<usize>) -> Result<(), Failure> {
        let value = &self.window[self.at..][place];
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        if let Some(name) = KEPT.into_iter().find(|kept| is(kept)) {
            if self.kept.len() > 1 {
                self.kept.push(b',');
            }
            self.kept.extend_from_slice(format!("\"{name}\":").as_bytes());
            self.kept.extend_from_slice(value);
        } else if is("check_results") {
            let json = header::parsed(value).map_err(Failure::State)?;
            self.problems.extend(resource::check_results(&json));
        } else if is("resources") && value != b"null" {
            let json = header::parsed(value).map_err(Failure::State)?;
            return Err(Failure::State(header::wrong_kind("resources", "an array", &json)));
        }
        Ok(())
    }

    fn resource(&mut self, last: bool) -> Result<Step, Failure> {
        let text = &self.window[self.at..];
        let mut events = Events::nested(text, 2);
        let Some(raw) = more(read_resource(&mut events), last)? else { return Ok(Step::NeedsMore) };
        let end = events.position();
        if end == text.len() && !last {
            return Ok(Step::NeedsMore);
        }
        if let Err(reason) = raw.check()
            && self.problems.len() < MOST_PROBLEMS
        {
            self.problems.push(format!("resource {}: {reason}", self.n_resources));
        }
        self.n_resources += 1;
        self.take(end, Stage::ResourceCommaOrEnd);
        Ok(Step::Done)
    }
}

fn read_resource<'a>(events: &mut Events<'a>) -> Result<Raw<'a>, SyntaxError> {
    if events.next()? == Some(Event::BeginObject) {
        return resource::scan(events);
    }
    events.close(0)?;
    Ok(Raw::default())
}

/// Why a text is refused.
enum Failure {
    /// With an offset from where the checker is.
    Syntax(SyntaxError),
    State(Error),
}

/// Returns `None` where a text ends too early and more may come.
fn more<T>(found: Result<T, SyntaxError>, last: bool) -> Result<Option<T>, Failure> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.truncated && !last => Ok(None),
        Err(error) => Err(Failure::Syntax(error)),
    }
}

fn blanks(text: &[u8]) -> usize {
    text.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count()
}

fn unexpected(at: usize) -> Failure {
    Failure::Syntax(SyntaxError { offset: at + 1, truncated: false, too_deep: false })
}

fn truncated(at: usize) -> Failure {
    Failure::Syntax(SyntaxError { offset: at, truncated: true, too_deep: false })
}

#[cfg(test)]
mod tests {
    use super::super::{State, WholeState};
    use super::*;

    /// Checks a text in pieces, as a strict reader does.
    fn checked<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Result<State, Error> {
        let mut checker = Checker::new();
        for piece in pieces {
            checker.push(piece, false)?;
        }
        checker.push(&[], true)?;
        State::parse(&checker.finish()?)
    }

    const STATE: &str = r#" {"version":4 , "terraform_version":"1.11.4","SERIAL":12,"lineage":"l","outputs":{"a":{"value":"x\"\u00e9","type":"string"}},
        "resources":[{"mode":"managed","type":"t","name":"n","instances":[{"index_key":0,"attributes":{"id":[1,2e3,{}]}},{"index_key":1}]},
        {"module":"module.m","mode":"data","type":"t","name":"n","provider":null}],"check_results":null,"more":[[],"]}"]} "#;

    #[test]
    fn pieces_of_any_length_say_the_same() {
        let texts = [
            STATE.to_owned(),
            STATE.replace("\"data\"", "\"zzz\""),
            STATE.replace("\"module.m\"", "\"m\""),
            STATE.replace("\"index_key\":1", "\"index_key\":0"),
            STATE.replace(
                "\"check_results\":null",
                r#""check_results":[{"object_kind":"var","config_addr":"x"}]"#,
            ),
            STATE.replace("2e3", "2e"),
            STATE.replace(",\"check", ",,\"check"),
            STATE.replace("\"more\":", "\"more\" "),
            STATE.replace("}]", "]"),
            STATE.replace("[1,2e3,{}]", "[1,2e3,{]}"),
            STATE.replace("[1,2e3,{}]", "[1 2e3,{}]"),
            STATE.replace("},{\"index", "}{\"index"),
            STATE.replace("\"instances\":[", "\"instances\" ["),
            STATE.replace("\\u00e9", "\\u00g9"),
            STATE.replace("\"l\"", "\"l\n\""),
            STATE.replace("null,\"more", "nul,\"more"),
            STATE.replace(",\"name\"", ",\"NAME\":7,\"name\""),
            STATE.replace(",\"name\"", ",\"name\":\"n\",\"NAME\":7,\"é\""),
            STATE.replace("\"resources\":[", "\"resources\":3,\"r\":["),
            STATE.replace("[{\"mode", "[7,{\"mode"),
            STATE.replace("4 ,", "5,"),
            format!("{STATE}x"),
            STATE[..STATE.len() - 2].to_owned(),
            STATE[..STATE.len() / 2].to_owned(),
            "[1,2]".to_owned(),
            "{\"version\":4}".to_owned(),
            "{}".to_owned(),
            "\u{feff}{}".to_owned(),
            "{1}".to_owned(),
            "7".to_owned(),
            " \n".to_owned(),
        ];
        for text in texts {
            let expected = WholeState::parse(text.as_bytes()).map(|whole| whole.to_json());
            let expected = expected.map_err(|error| error.to_string());
            let check = |found: Result<State, Error>, how: String| {
                let found = found.map(|state| state.to_json()).map_err(|error| error.to_string());
                assert_eq!(found, expected, "{how}: {text}");
            };
            for length in [1, 2, 3, 7, 64, text.len()] {
                check(checked(text.as_bytes().chunks(length)), format!("pieces of {length} bytes"));
            }
            for border in 0..text.len() {
                let (left, right) = text.as_bytes().split_at(border);
                check(checked([left, right].into_iter()), format!("a border after {border} bytes"));
            }
        }
    }

    /// All sequences of up to so many tokens.
    fn sequences(most: usize) -> Vec<String> {
        let tokens = ["{", "}", "[", "]", ",", ":", r#""a""#, "1", "null"];
        let mut all = vec![String::new()];
        let mut longest = all.clone();
        for _ in 0..most {
            longest = longest.iter().flat_map(|text| tokens.map(|token| format!("{text}{token}"))).collect();
            all.extend_from_slice(&longest);
        }
        all
    }

    #[test]
    fn what_is_no_json_is_refused_wherever_it_stands() {
        let places = [
            (r#"{"version":4"#, "}"),
            (r#"{"version":4,"a":"#, ""),
            (r#"{"version":4,"resources":["#, "]}"),
            (r#"{"version":4,"resources":[{"a":1"#, "}]}"),
            (r#"{"version":4,"resources":[{"instances":["#, "]}]}"),
            (r#"{"version":4,"resources":[{"instances":[{"attributes":{"a":[]"#, "}}]}]}"),
        ];
        let sequences = sequences(4);
        for (before, after) in places {
            for sequence in &sequences {
                let text = format!("{before}{sequence}{after}");
                let expected = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
                let whole = WholeState::parse(text.as_bytes()).map(|whole| whole.to_json());
                let is_json =
                    !matches!(&whole, Err(error) if matches!(error.kind(), ErrorKind::Syntax { .. }));
                assert_eq!(is_json, expected, "{text}");
                let by_pieces = checked(text.as_bytes().chunks(7)).map(|state| state.to_json());
                let told = |found: Result<String, Error>| found.map_err(|error| error.to_string());
                assert_eq!(told(by_pieces), told(whole), "{text}");
            }
        }
    }
}
