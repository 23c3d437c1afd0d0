//! The environment variables that a configuration may depend on.

use std::collections::BTreeMap;
use std::fmt;

/// A snapshot of environment variables.
///
/// Readers take the process's unless told otherwise; a test or a server with many tenants passes its own.
/// `Debug` shows names only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Returns the variables of this process. Those that are not Unicode are left out.
    pub fn process() -> Environment {
        let variables = std::env::vars_os();
        Environment(
            variables
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .collect(),
        )
    }

    /// Returns no variables.
    pub fn empty() -> Environment {
        Environment::default()
    }

    /// Returns the environment with one more variable.
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Environment {
        self.0.insert(name.into(), value.into());
        self
    }

    /// Returns a variable that is set and not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    #[cfg(feature = "s3")]
    /// Returns the first of some variables that is set and not empty, with its name.
    pub(crate) fn first<'a>(&'a self, names: &[&'static str]) -> Option<(&'static str, &'a str)> {
        names.iter().find_map(|name| Some((*name, self.get(name)?)))
    }

    #[cfg(feature = "s3")]
    pub(crate) fn to_map(&self) -> std::collections::HashMap<String, String> {
        self.0.clone().into_iter().collect()
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
