//! Makes a file's text readable for a parser that is stricter than Terraform.
//!
//! Two things are valid in Terraform that `hcl-edit` refuses:
//!
//! - an expression that goes on after the end of a line inside a `for` object;
//! - an object that sets one key twice, of which the last one counts.
//!
//! The prepared text is as long as the original, so that what stands at an offset of one stands there in the other.

use std::collections::BTreeMap;
use std::ops::Range;

/// Returns a text of the same length in which line ends and comments that mean nothing are blank,
/// and so is every object item whose key is set again.
pub(super) fn prepare(text: &str) -> String {
    let mut scanner = Scanner::new(text);
    scanner.run();
    let mut bytes = text.as_bytes().to_vec();
    for range in &scanner.blank {
        bytes[range.clone()].fill(b' ');
    }
    for range in &scanner.overridden {
        for byte in bytes[range.clone()].iter_mut().filter(|byte| **byte != b'\n') {
            *byte = b' ';
        }
    }
    // Whole comments and items are blanked, so no character is cut.
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// What surrounds the scanner.
enum Context {
    /// A file or the body of a block; whether the value of an argument has begun.
    Body { in_value: bool },
    /// Parentheses, brackets, a `for` object, or an interpolation: line ends mean nothing.
    Free,
    /// An object, whose items end with a line or a comma.
    Object(Items),
}

/// The items of an object so far.
#[derive(Default)]
struct Items {
    /// Where the current item starts, and where its key ends.
    start: Option<usize>,
    key_end: Option<usize>,
    /// Where the last item of each key is.
    by_key: BTreeMap<String, Range<usize>>,
}

struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    contexts: Vec<Context>,
    /// Ranges that become spaces.
    blank: Vec<Range<usize>>,
    /// Items that a later one overrides.
    overridden: Vec<Range<usize>>,
}

impl<'a> Scanner<'a> {
    fn new(text: &'a str) -> Scanner<'a> {
        Scanner {
            text,
            bytes: text.as_bytes(),
            at: 0,
            contexts: vec![Context::Body { in_value: false }],
            blank: Vec::new(),
            overridden: Vec::new(),
        }
    }

    fn starts_with(&self, token: &str) -> bool {
        self.bytes[self.at..].starts_with(token.as_bytes())
    }

    fn is_free(&self) -> bool {
        matches!(self.contexts.last(), Some(Context::Free))
    }

    fn run(&mut self) {
        while self.at < self.bytes.len() {
            self.step();
        }
    }

    /// Passes over at least one byte.
    fn step(&mut self) {
        match self.bytes[self.at] {
            b'\n' => self.line_end(),
            b' ' | b'\t' | b'\r' => self.at += 1,
            b'#' => self.comment(),
            b'/' if self.starts_with("//") || self.starts_with("/*") => self.comment(),
            b'"' => {
                self.begin_item();
                self.string();
            }
            b'<' if self.starts_with("<<") => {
                self.begin_item();
                self.heredoc();
            }
            b'(' | b'[' => {
                self.begin_item();
                self.contexts.push(Context::Free);
                self.at += 1;
            }
            b'{' => self.open_brace(),
            b')' | b']' | b'}' => self.close(),
            b'=' | b':' => self.assign(),
            b',' => {
                let end = self.at + 1;
                if let Some(Context::Object(_)) = self.contexts.last() {
                    self.end_item(end);
                }
                self.at = end;
            }
            _ => {
                self.begin_item();
                self.at += 1;
            }
        }
    }

    fn line_end(&mut self) {
        let at = self.at;
        self.at += 1;
        match self.contexts.last_mut() {
            Some(Context::Free) => self.blank.push(at..at + 1),
            Some(Context::Body { in_value }) => *in_value = false,
            Some(Context::Object(_)) => self.end_item(at),
            _ => {}
        }
    }

    fn comment(&mut self) {
        let start = self.at;
        let rest = &self.text[start..];
        let length = if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else {
            rest.find('\n').unwrap_or(rest.len())
        };
        self.at += length;
        if self.is_free() {
            self.blank.push(start..self.at);
        }
    }

    /// Passes over a quoted string, up to its end or to an interpolation.
    fn string(&mut self) {
        self.at += 1;
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b'\\' => self.at = self.bytes.len().min(self.at + 2),
                b'"' => {
                    self.at += 1;
                    return;
                }
                // A string ends with its line; the parser says so.
                b'\n' => return,
                b'$' | b'%' if self.bytes.get(self.at + 1) == Some(&byte) => {
                    let escapes = self.bytes.get(self.at + 2) == Some(&b'{');
                    self.at += if escapes { 3 } else { 1 };
                }
                b'$' | b'%' if self.bytes.get(self.at + 1) == Some(&b'{') => {
                    self.at += 2;
                    self.interpolation();
                }
                _ => self.at += 1,
            }
        }
    }

    /// Scans an interpolation in a string to its end.
    fn interpolation(&mut self) {
        let depth = self.contexts.len();
        self.contexts.push(Context::Free);
        while self.contexts.len() > depth && self.at < self.bytes.len() {
            self.step();
        }
    }

    fn heredoc(&mut self) {
        let rest = &self.text[self.at + 2..];
        let rest = rest.strip_prefix('-').unwrap_or(rest);
        let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
        let name = &rest[..rest.find(|c| !is_name(c)).unwrap_or(rest.len())];
        let Some(body) =
            rest[name.len()..].strip_prefix("\r\n").or_else(|| rest[name.len()..].strip_prefix('\n'))
        else {
            self.at += 2;
            return;
        };
        let mut at = self.text.len() - body.len();
        self.at = self.text.len();
        for line in body.split_inclusive('\n') {
            if line.trim() == name {
                self.at = at + line.trim_end().len();
                // The end of its last line belongs to it.
                if self.is_free() && self.bytes.get(self.at) == Some(&b'\n') {
                    self.at += 1;
                }
                return;
            }
            at += line.len();
        }
    }

    fn open_brace(&mut self) {
        self.begin_item();
        self.at += 1;
        let context = match self.contexts.last() {
            Some(Context::Body { in_value: false }) => Context::Body { in_value: false },
            _ if self.is_for_object() => Context::Free,
            _ => Context::Object(Items::default()),
        };
        self.contexts.push(context);
    }

    /// Whether `for` follows, as the word that begins a `for` object and not as a key.
    fn is_for_object(&self) -> bool {
        let mut rest = self.text[self.at..].trim_start();
        while rest.starts_with(['#', '/']) {
            let end = if rest.starts_with("/*") { rest.find("*/").map(|at| at + 2) } else { rest.find('\n') };
            rest = rest[end.unwrap_or(rest.len())..].trim_start();
        }
        let Some(rest) = rest.strip_prefix("for") else { return false };
        rest.starts_with(|c: char| c.is_whitespace() || c == '#' || c == '/')
            && !rest.trim_start().starts_with(['=', ':'])
    }

    fn close(&mut self) {
        let end = self.at;
        if let Some(Context::Object(_)) = self.contexts.last() {
            self.end_item(end);
        }
        // One brace too many is the parser's to report.
        if self.contexts.len() > 1 {
            self.contexts.pop();
        }
        self.at += 1;
    }

    /// `=` or `:`, which end a key, and begin a value; `==`, `=>`, and `::` do neither.
    fn assign(&mut self) {
        let at = self.at;
        if ["==", "=>", "::"].iter().any(|operator| self.starts_with(operator)) {
            self.at += 2;
            return;
        }
        self.at += 1;
        match self.contexts.last_mut() {
            Some(Context::Body { in_value }) => *in_value = true,
            Some(Context::Object(items)) if items.start.is_some() => {
                items.key_end.get_or_insert(at);
            }
            _ => {}
        }
    }

    fn begin_item(&mut self) {
        let at = self.at;
        if let Some(Context::Object(items)) = self.contexts.last_mut() {
            items.start.get_or_insert(at);
        }
    }

    /// Ends the current item of the object, whose text ends before `end`.
    fn end_item(&mut self, end: usize) {
        let text = self.text;
        let Some(Context::Object(items)) = self.contexts.last_mut() else { return };
        // A line may end before a key's `=`; the item goes on.
        let (Some(start), Some(key_end)) = (items.start, items.key_end) else { return };
        (items.start, items.key_end) = (None, None);
        let key = text[start..key_end].trim();
        let plain = key.strip_prefix('"').and_then(|key| key.strip_suffix('"'));
        let key = plain.filter(|key| !key.contains(['"', '$', '%', '\\'])).unwrap_or(key);
        if let Some(earlier) = items.by_key.insert(key.to_owned(), start..end) {
            self.overridden.push(earlier);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<hcl::Body, String> {
        hcl::edit::parser::parse_body(&prepare(text)).map(Into::into).map_err(|error| error.to_string())
    }

    #[test]
    fn terraform_reads_these_and_so_does_the_parser() {
        for text in [
            "locals {\n  a = { for k, v in var.x : k => v.on &&\n    v.off }\n}\n",
            "locals {\n  a = { for k, v in var.x : k => v.on # why\n    ? 1 :\n    2 if v.a ||\n v.b }\n}\n",
            "locals {\n  a = [\n    for v in var.x : v\n      == 1\n  ]\n}\n",
            "locals {\n  a = { x = 1, \"x\" = 2\n    y = { x = 3 }\n    x = \"é${{ b = 1\n b = 2 }.b}\" }\n}\n",
            "locals {\n  a = f(<<EOT\n{ a = 1, a = 2\n  EOT\n  , { a = \"}\" })\n  b = <<-X\n  ${f(\n1)}\n  X\n}\n",
            "a \"b\" {\n  c = 1 // {\n  /* { */\n  d { e = { \"for\" = 1 } }\n}\n",
        ] {
            assert_eq!(prepare(text).len(), text.len());
            parsed(text).unwrap_or_else(|error| panic!("{text}\n{error}\n{}", prepare(text)));
        }
    }

    #[test]
    fn the_last_of_two_equal_keys_counts() {
        let twice = parsed("locals {\n  a = { x = 1, y = 2\n    \"x\" = 3\n    x = 4 }\n}\n");
        assert_eq!(twice, parsed("locals {\n  a = { y = 2, x = 4 }\n}\n"));
        let apart = "locals {\n  a = { x = { x = 1 }, (x) = 2 }\n}\n";
        assert_eq!(prepare(apart), apart);
    }

    #[test]
    fn what_needs_nothing_stays_as_it_is() {
        let text = "resource \"a\" \"b\" {\n  x = {\n    k = \"$${x\" # c\n    l = \"%%{\"\n  }\n  y = 1 == 2 ? 3 : 4\n}\n";
        assert_eq!(prepare(text), text);
    }
}
