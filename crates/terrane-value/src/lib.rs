//! Terraform's types, values, and states as data.
//!
//! ```
//! let text = br#"{"version":4,"outputs":{"vpc_id":{"value":"vpc-123","type":"string"}}}"#;
//! let state = terrane_value::State::parse(text)?;
//! assert_eq!(state.output::<String>("vpc_id")?, "vpc-123");
//! # Ok::<(), terrane_value::Error>(())
//! ```
//!
//! - [`Type`] is the type grammar of states and provider schemas; [`Value`] and [`Number`] lose nothing.
//! - [`State`] is what a state says of its outputs; [`WholeState`] has the [`Resource`]s too.
//! - [`Json`] reads JSON as Terraform does: members by any case, numbers as text, any nesting.
//! - [`Intake`] takes the text of a state piece by piece, as deep as is asked for.
//!
//! This crate does no I/O. `terrane-state` reads states from where they are kept.
//!
//! The reader is stricter than Terraform in one respect: nesting depth, see [`MAX_DEPTH`].

mod cty;
mod de;
mod decode;
mod error;
mod intake;
mod json;
mod module;
mod number;
mod path;
mod select;
mod sensitive;
mod state;
mod value;

pub use cty::{ParseTypeError, Type};
pub use de::{DeError, from_value};
pub use decode::{DecodeError, decode};
pub use error::{Error, ErrorKind, Missing};
pub use intake::{Depth, Intake, Wants};
pub use json::{Json, SyntaxError};
pub use module::ModuleOutputs;
pub use number::{Number, ParseNumberError};
pub use sensitive::Sensitive;
pub use state::{Defaults, Instance, InstanceKey, Mode, Origin, Resource, State, WholeState};
pub use value::{MAX_DEPTH, Output, Value};
