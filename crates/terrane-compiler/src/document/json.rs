//! Where the parts of a JSON text stand, which `serde_json` does not say.

use super::{Parts, join};
use crate::diagnostics::Spans;

/// Returns where the parts of a JSON text stand, by path.
///
/// The text is known to be JSON; of another, some parts are found.
pub(super) fn parts(text: &str) -> Parts {
    let mut scan = Scan { text, at: 0, parts: Parts::new() };
    scan.value("");
    scan.parts
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
    parts: Parts,
}

impl Scan<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Goes to the next byte that is neither white space nor one of the separators.
    fn skip(&mut self, separators: &[u8]) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace() || separators.contains(&byte)) {
            self.at += 1;
        }
    }

    /// Reads a value, whose parts are under this path, and returns whether it is an object or a list of objects.
    ///
    /// As deep as `serde_json` reads, which is 128 levels.
    fn value(&mut self, path: &str) -> bool {
        self.skip(b"");
        match self.peek() {
            Some(b'{') => {
                self.object(path);
                true
            }
            Some(b'[') => self.array(path),
            Some(b'"') => {
                self.string();
                false
            }
            _ => {
                while self.peek().is_some_and(|byte| !byte.is_ascii_whitespace() && !b",]}".contains(&byte)) {
                    self.at += 1;
                }
                false
            }
        }
    }

    fn object(&mut self, path: &str) {
        self.at += 1;
        loop {
            self.skip(b",");
            if self.peek() != Some(b'"') {
                break;
            }
            let start = self.at;
            self.string();
            let key = start..self.at;
            let Ok(name) = serde_json::from_str::<String>(&self.text[key.clone()]) else { break };
            self.skip(b":");
            let (path, start) = (join(path, &name), self.at);
            let is_table = self.value(&path);
            self.parts.insert(path, Spans { key: Some(key), value: start..self.at, is_table });
        }
        self.at += 1;
    }

    fn array(&mut self, path: &str) -> bool {
        self.at += 1;
        let mut has_tables = false;
        for idx in 0_usize.. {
            self.skip(b",");
            if self.peek().is_none_or(|byte| byte == b']') {
                break;
            }
            let (path, start) = (format!("{path}[{idx}]"), self.at);
            let is_table = self.value(&path);
            if self.at == start {
                break;
            }
            has_tables |= is_table;
            self.parts.insert(path, Spans { key: None, value: start..self.at, is_table });
        }
        self.at += 1;
        has_tables
    }

    /// Passes a string.
    fn string(&mut self) {
        self.at += 1;
        while let Some(byte) = self.peek() {
            self.at += 1;
            match byte {
                b'"' => return,
                b'\\' => self.at += 1,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[track_caller]
    fn check(text: &str, expected: &[(&str, &str, &str)]) {
        let parts = parts(text);
        let found: Vec<(&str, &str, &str)> = parts
            .iter()
            .map(|(path, spans)| {
                let key = spans.key.clone().map_or("", |key| &text[key]);
                (path.as_str(), key, &text[spans.value.clone()])
            })
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn keys_elements_and_values_are_found() {
        check(
            "{ \"a\" : [1, {\"b\":null}],\n\"c\": {} }",
            &[
                ("a", "\"a\"", "[1, {\"b\":null}]"),
                ("a[0]", "", "1"),
                ("a[1]", "", "{\"b\":null}"),
                ("a[1].b", "\"b\"", "null"),
                ("c", "\"c\"", "{}"),
            ],
        );
    }

    #[test]
    fn strings_hold_anything() {
        check(
            r#"{"\u00e4\"]": "}\\", "ü": "\"", "": [[]]}"#,
            &[
                ("", r#""""#, "[[]]"),
                ("[0]", "", "[]"),
                ("ä\"]", r#""\u00e4\"]""#, r#""}\\""#),
                ("ü", "\"ü\"", r#""\"""#),
            ],
        );
    }

    #[test]
    fn texts_that_are_not_json_end() {
        for text in ["", "{", "[", "[}", "{\"a\"", "{\"a\":", "\"\\", "[1,]", "{]", "[:", "{\"a\" 1}", "]["] {
            let _ = parts(text);
        }
    }
}
