//! A value that does not show itself.

use std::fmt;

use serde::{Deserialize, Deserializer};

/// A value that `Debug` and `Display` hide.
///
/// # Examples
///
/// ```
/// use serde::Deserialize;
/// use terrane_value::{Sensitive, State};
///
/// #[derive(Debug, Deserialize)]
/// struct Database {
///     password: Sensitive<String>,
/// }
///
/// let text = br#"{"version":4,"outputs":{"password":{"value":"hunter2","type":"string","sensitive":true}}}"#;
/// let database: Database = State::parse(text)?.outputs()?;
/// assert_eq!(format!("{database:?}"), "Database { password: (sensitive) }");
/// assert_eq!(database.password.expose(), "hunter2");
/// # Ok::<(), terrane_value::Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sensitive<T>(T);

impl<T> Sensitive<T> {
    /// Hides a value.
    pub fn new(value: T) -> Sensitive<T> {
        Sensitive(value)
    }

    /// Returns the value in clear.
    pub fn expose(&self) -> &T {
        &self.0
    }

    /// Returns the value in clear, consuming the wrapper.
    pub fn into_exposed(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for Sensitive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(sensitive)")
    }
}

impl<T> fmt::Display for Sensitive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(sensitive)")
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Sensitive<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Sensitive<T>, D::Error> {
        T::deserialize(deserializer).map(Sensitive)
    }
}
