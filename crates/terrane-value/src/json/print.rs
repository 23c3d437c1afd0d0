//! Prints JSON as Terraform prints it: numbers by their text, `<`, `>`, `&`, U+2028 and U+2029 escaped.

use super::Json;

/// How lines are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// All on one line.
    Compact,
    /// Two spaces for each level.
    Indented,
}

/// Returns the text of a value, without a final newline.
///
/// The value's nesting is bounded by its caller, see [`crate::value::MAX_DEPTH`].
pub(crate) fn print(json: &Json, layout: Layout) -> String {
    let mut text = String::new();
    print_value(json, layout, 0, &mut text);
    text
}

fn print_value(json: &Json, layout: Layout, depth: usize, text: &mut String) {
    match json {
        Json::Null => text.push_str("null"),
        Json::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
        Json::Number(number) => text.push_str(number),
        Json::String(string) => print_string(string, text),
        Json::Array(elements) => {
            print_members('[', ']', elements, layout, depth, text, |element, text| {
                print_value(element, layout, depth + 1, text);
            });
        }
        Json::Object(members) => {
            print_members('{', '}', members, layout, depth, text, |(key, value), text| {
                print_string(key, text);
                text.push_str(if layout == Layout::Compact { ":" } else { ": " });
                print_value(value, layout, depth + 1, text);
            });
        }
    }
}

fn print_members<T>(
    open: char,
    close: char,
    members: &[T],
    layout: Layout,
    depth: usize,
    text: &mut String,
    mut print_member: impl FnMut(&T, &mut String),
) {
    text.push(open);
    for (idx, member) in members.iter().enumerate() {
        if idx > 0 {
            text.push(',');
        }
        new_line(layout, depth + 1, text);
        print_member(member, text);
    }
    if !members.is_empty() {
        new_line(layout, depth, text);
    }
    text.push(close);
}

fn new_line(layout: Layout, depth: usize, text: &mut String) {
    if layout == Layout::Indented {
        text.push('\n');
        text.extend(std::iter::repeat_n("  ", depth));
    }
}

fn print_string(string: &str, text: &mut String) {
    text.push('"');
    for char in string.chars() {
        match char {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                text.push_str(&format!("\\u{:04x}", u32::from(char)));
            }
            other => text.push(other),
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printing_and_parsing_are_inverse() {
        let text = "{\n  \"a\": [\n    1.50e2,\n    \"\\u003c\\n\"\n  ],\n  \"b\": {},\n  \"c\": []\n}";
        let json = Json::parse(text.as_bytes()).unwrap();
        assert_eq!(print(&json, Layout::Indented), text);
        assert_eq!(print(&json, Layout::Compact), r#"{"a":[1.50e2,"\u003c\n"],"b":{},"c":[]}"#);
    }
}
