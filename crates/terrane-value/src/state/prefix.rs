//! Reads outputs from the first part of a state.
//!
//! Terraform and OpenTofu write `version, terraform_version, serial, lineage, outputs, resources` in this order. When
//! a text begins exactly so, the outputs are known before the resources are read. Anything else needs the whole.

use super::State;
use crate::error::Error;
use crate::json::{self, Event, Events, Members, SyntaxError};

const ORDER: [&str; 6] = ["version", "terraform_version", "serial", "lineage", "outputs", "resources"];

/// What the first part of a state tells.
pub(crate) enum Prefix {
    /// The outputs are complete, or are known to be wrong.
    Complete(Box<Result<State, Error>>),
    /// A longer part may hold the outputs.
    TooShort,
    /// Only the whole state tells.
    NeedsWhole,
}

/// Reads the outputs from the first part of a state.
pub(crate) fn read(text: &[u8]) -> Prefix {
    match members_before_resources(text) {
        Ok(Some(members)) => Prefix::Complete(Box::new(State::from_members(text, &members))),
        Ok(None) => Prefix::NeedsWhole,
        Err(SyntaxError { truncated: true, .. }) => Prefix::TooShort,
        Err(_) => Prefix::NeedsWhole,
    }
}

fn members_before_resources(text: &[u8]) -> Result<Option<Members>, SyntaxError> {
    let mut events = Events::new(text);
    if events.next()? != Some(Event::BeginObject) {
        return Ok(None);
    }
    let mut members = Members::new();
    for expected in ORDER {
        match events.next()? {
            Some(Event::Key(place)) if json::unescape(&text[place.clone()]) == expected => {
                if expected == "resources" {
                    return Ok(Some(members));
                }
                members.push((expected.to_owned(), events.skip_value()?));
            }
            _ => return Ok(None),
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATE: &str = r#"{"version":4,"terraform_version":"1.11.4","serial":7,"lineage":"l","outputs":{"a":{"value":"x","type":"string"}},"resources":[{"#;

    #[test]
    fn outputs_are_known_once_the_resources_begin() {
        let begin = STATE.find("[{").unwrap();
        for end in begin..=STATE.len() {
            let Prefix::Complete(state) = read(&STATE.as_bytes()[..end]) else { panic!("{end}") };
            assert_eq!(state.unwrap().output::<String>("a").unwrap(), "x");
        }
        for end in 0..begin {
            assert!(matches!(read(&STATE.as_bytes()[..end]), Prefix::TooShort), "{end}");
        }
    }

    #[test]
    fn another_order_needs_the_whole() {
        for text in [
            STATE.replace("\"serial\":7,", ""),
            STATE.replace("\"outputs\"", "\"Outputs\""),
            STATE.replace("\"lineage\":\"l\"", "\"lineage\":\"l\",\"lineage\":\"m\""),
            STATE.replace("\"resources\"", "\"outputs\""),
            STATE.replace("{\"version\":4", "[{\"version\":4"),
            STATE.replace("\"serial\":7", "\"serial\":07"),
        ] {
            assert!(matches!(read(text.as_bytes()), Prefix::NeedsWhole), "{text}");
        }
    }
}
