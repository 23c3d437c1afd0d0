//! Takes the text of a state piece by piece, as deep as is asked for.

use crate::error::{Error, ErrorKind, Missing};
use crate::state::checker::Checker;
use crate::state::prefix::{self, Prefix};
use crate::state::{Origin, State};

/// How much of a state is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// The outputs; a first part of the text is enough where it shows that they are complete.
    Outputs,
    /// The outputs, after all of the text was checked. No more than one resource is held at a time.
    Checked,
    /// The whole text.
    Whole,
}

/// What an [`Intake`] needs next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wants {
    /// Nothing: the rest of the text is of no interest.
    Nothing,
    /// About this many bytes more.
    Bytes(u64),
    /// All that is left.
    Rest,
}

/// The first part that is asked for where the outputs are wanted, in bytes; most outputs end before it does.
const FIRST_PART: u64 = 64 * 1024;

/// How much of a text that is checked piece by piece is asked for at a time, in bytes.
const CHECKED_PART: u64 = 4 * 1024 * 1024;

/// Takes the text of one state, piece by piece, from whatever source.
///
/// # Examples
///
/// ```
/// use terrane_value::{Depth, Intake, Origin, Wants};
///
/// let text = br#"{"version":4,"outputs":{"a":{"value":"x","type":"string"}}}"#;
/// let mut intake = Intake::new(Depth::Checked, 1 << 20);
/// assert!(matches!(intake.wants(), Wants::Bytes(_)));
/// let (first, second) = text.split_at(20);
/// intake.push(first.to_vec(), false)?;
/// intake.push(second.to_vec(), true)?;
/// assert_eq!(intake.state(Origin::at("memory"))?.output::<String>("a")?, "x");
/// # Ok::<(), terrane_value::Error>(())
/// ```
pub struct Intake {
    depth: Depth,
    limit: u64,
    taken: u64,
    /// Whether the last piece came.
    ended: bool,
    held: Vec<u8>,
    checker: Checker,
    /// The outputs, where a first part told them.
    early: Option<State>,
    next: Wants,
    /// Whether all is taken in one part.
    all: bool,
}

impl std::fmt::Debug for Intake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Intake")
            .field("depth", &self.depth)
            .field("taken", &self.taken)
            .finish_non_exhaustive()
    }
}

impl Intake {
    /// Begins to take a text of at most `limit` bytes.
    pub fn new(depth: Depth, limit: u64) -> Intake {
        Intake {
            depth,
            limit,
            taken: 0,
            ended: false,
            held: Vec::new(),
            checker: Checker::new(),
            early: None,
            next: match depth {
                Depth::Outputs => Wants::Bytes(FIRST_PART),
                Depth::Checked => Wants::Bytes(CHECKED_PART),
                Depth::Whole => Wants::Rest,
            },
            all: false,
        }
    }

    /// Returns how much of the state is read.
    pub fn depth(&self) -> Depth {
        self.depth
    }

    /// Asks for the whole text, in one part, whatever the depth: for sources that cannot stop early, or cannot tell
    /// that two parts are of one version.
    pub fn take_all(&mut self) {
        self.all = true;
        self.next = Wants::Rest;
    }

    /// Forgets what came: the text is sent anew from its beginning.
    pub fn restart(&mut self) {
        let all = self.all;
        *self = Intake::new(self.depth, self.limit);
        if all {
            self.take_all();
        }
    }

    /// Returns what is needed next. A source may always send more, up to the whole text.
    pub fn wants(&self) -> Wants {
        if self.ended || self.early.is_some() { Wants::Nothing } else { self.next }
    }

    /// Returns the greatest size of a text, in bytes.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Returns how many bytes came.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// Takes the next bytes; `last` says that none follow.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooLarge`], and what can be told already to be wrong with the text.
    pub fn push(&mut self, bytes: Vec<u8>, last: bool) -> Result<(), Error> {
        self.taken = self.taken.saturating_add(bytes.len() as u64);
        self.ended = last;
        if self.taken > self.limit {
            return Err(ErrorKind::TooLarge { limit: self.limit }.into());
        }
        if self.depth == Depth::Checked {
            return if self.taken == 0 { Ok(()) } else { self.checker.push(&bytes, last) };
        }
        if self.held.is_empty() {
            self.held = bytes;
        } else {
            self.held.extend_from_slice(&bytes);
        }
        if self.depth == Depth::Outputs && !last && !self.all && self.early.is_none() {
            self.next = match prefix::read(&self.held) {
                Prefix::Complete(state) => {
                    self.early = Some((*state)?);
                    Wants::Nothing
                }
                Prefix::TooShort => Wants::Bytes(4 * self.taken),
                Prefix::NeedsWhole => Wants::Rest,
            };
        }
        Ok(())
    }

    /// Returns the state that came.
    ///
    /// # Errors
    ///
    /// All kinds that tell what is wrong with the text; none of its outputs may be wrong where all was checked.
    pub fn state(self, origin: Origin) -> Result<State, Error> {
        let place = origin.place.clone().unwrap_or_default();
        self.read().map(|state| state.with_origin(origin)).map_err(|error| error.at(place))
    }

    fn read(self) -> Result<State, Error> {
        if let Some(state) = self.early {
            return Ok(state);
        }
        if self.taken == 0 {
            return Err(ErrorKind::NotFound { reason: Missing::Empty }.into());
        }
        if self.depth != Depth::Checked {
            return State::parse(&self.held);
        }
        let state = State::parse(&self.checker.finish()?)?;
        state.check_outputs()?;
        Ok(state)
    }

    /// Returns the text as far as it was held: all of it at depth [`Whole`](Depth::Whole).
    pub fn into_text(self) -> Vec<u8> {
        self.held
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATE: &str = r#"{"version":4,"terraform_version":"1.11.4","serial":7,"lineage":"l","outputs":{"a":{"value":"x","type":"string"}},"resources":[],"check_results":null}"#;

    fn taken(depth: Depth, text: &str, length: usize) -> Result<String, Error> {
        let mut intake = Intake::new(depth, 1000);
        let pieces: Vec<&[u8]> = text.as_bytes().chunks(length).collect();
        for (idx, piece) in pieces.iter().enumerate() {
            if intake.wants() == Wants::Nothing {
                break;
            }
            intake.push(piece.to_vec(), idx + 1 == pieces.len())?;
        }
        intake.state(Origin::at("here"))?.output("a")
    }

    #[test]
    fn all_depths_give_the_same_outputs_however_the_text_is_cut() {
        for depth in [Depth::Outputs, Depth::Checked, Depth::Whole] {
            for length in 1..=STATE.len() {
                assert_eq!(taken(depth, STATE, length).unwrap(), "x", "{depth:?}, pieces of {length} bytes");
            }
        }
    }

    #[test]
    fn a_first_part_is_enough_for_the_outputs_alone() {
        let broken = STATE.replace("[]", "[?]");
        let length = broken.find("?").unwrap();
        assert_eq!(taken(Depth::Outputs, &broken, length).unwrap(), "x");
        assert!(taken(Depth::Checked, &broken, length).is_err());
        assert!(taken(Depth::Whole, &broken, length).is_err());
    }

    #[test]
    fn a_text_beyond_the_limit_is_refused_at_every_depth() {
        let long = STATE.replace("\"l\"", &format!("\"{}\"", "l".repeat(1000)));
        for depth in [Depth::Outputs, Depth::Checked, Depth::Whole] {
            let error = taken(depth, &long, 400).unwrap_err();
            assert_eq!(error.kind(), &ErrorKind::TooLarge { limit: 1000 }, "{depth:?}");
        }
    }

    #[test]
    fn no_bytes_at_all_are_an_empty_state_at_every_depth() {
        for depth in [Depth::Outputs, Depth::Checked, Depth::Whole] {
            let mut intake = Intake::new(depth, 1000);
            intake.push(Vec::new(), true).unwrap();
            let error = intake.state(Origin::at("here")).unwrap_err();
            assert_eq!(error.kind(), &ErrorKind::NotFound { reason: Missing::Empty }, "{depth:?}");
        }
    }

    #[test]
    fn a_restart_forgets_what_came() {
        let mut intake = Intake::new(Depth::Checked, 1000);
        intake.take_all();
        intake.push(b"{\"version\":4,".to_vec(), false).unwrap();
        intake.restart();
        assert_eq!(intake.wants(), Wants::Rest);
        intake.push(STATE.as_bytes().to_vec(), true).unwrap();
        assert_eq!(intake.taken(), STATE.len() as u64);
        assert_eq!(intake.state(Origin::at("here")).unwrap().output::<String>("a").unwrap(), "x");
    }
}
