//! Emit: files as data.

use std::collections::BTreeMap;

/// Files by their name relative to the module's directory, with `/` between the parts.
///
/// The same input gives the same bytes, on every machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileTree {
    files: BTreeMap<String, String>,
}

impl FileTree {
    /// Adds a file.
    ///
    /// # Panics
    ///
    /// Panics if there is a file of that name: two emitters never write the same file.
    pub(crate) fn add(&mut self, name: &str, text: String) {
        assert!(
            self.files.insert(name.to_owned(), text).is_none(),
            "two emitters wrote {name}, but each file has one"
        );
    }

    /// Returns the text of a file.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.files.get(name).map(String::as_str)
    }

    /// Iterates over names and texts, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(name, text)| (name.as_str(), text.as_str()))
    }
}
