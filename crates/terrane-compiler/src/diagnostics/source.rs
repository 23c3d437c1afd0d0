//! The text of a document with the places of its parts, and excerpts of it.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

/// Columns of an excerpt; a longer line is shown around its mark.
const WIDTH: usize = 120;
/// Columns of a tab.
const TAB: usize = 4;

/// The text of a document with the places of its parts.
#[derive(Debug, Default)]
pub struct Source {
    name: String,
    text: String,
    parts: BTreeMap<String, Spans>,
}

/// Where a part of a document stands in its text, in bytes.
#[derive(Clone, Debug)]
pub(crate) struct Spans {
    /// Its key; an element of a list has none.
    pub(crate) key: Option<Range<usize>>,
    /// Its value; that of a table with a header may be the header alone.
    pub(crate) value: Range<usize>,
    /// Whether its value is a table or a list of tables.
    pub(crate) is_table: bool,
}

impl Spans {
    /// Returns the bytes that a caret marks: a plain value, or the key of a table.
    pub(crate) fn focus(&self) -> Range<usize> {
        match &self.key {
            Some(key) if self.is_table => key.clone(),
            Some(_) | None => self.value.clone(),
        }
    }
}

impl Source {
    /// Returns a text of a name, which may be empty, with the parts that are at these paths.
    pub(crate) fn new(name: &str, text: &str, parts: BTreeMap<String, Spans>) -> Source {
        Source { name: name.to_owned(), text: text.to_owned(), parts }
    }

    /// Returns a file whose text is not at hand.
    pub(crate) fn named(name: &str) -> Source {
        Source::new(name, "", BTreeMap::new())
    }

    /// Returns where the part at a path stands, or else the smallest part around it.
    pub(crate) fn around(&self, path: &str) -> Option<&Spans> {
        let mut path = path;
        loop {
            if let Some(spans) = self.parts.get(path) {
                return Some(spans);
            }
            path = &path[..path.rfind(['[', '.'])?];
        }
    }

    /// Returns the file's name, empty for a text that has none.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns where the part at a path stands.
    pub(crate) fn spans(&self, path: &str) -> Option<&Spans> {
        self.parts.get(path)
    }

    /// Returns the paths of its parts.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.parts.keys().map(String::as_str)
    }

    /// Returns the line and the column of a byte, counted from 1; columns are characters.
    pub(crate) fn position(&self, byte: usize) -> (usize, usize) {
        let (number, start, _) = self.line(byte);
        let before = self.text.get(start..self.boundary(byte)).unwrap_or_default();
        (number, before.chars().count() + 1)
    }

    /// Returns the number of the line of a byte, the byte at which it begins, and its text.
    fn line(&self, byte: usize) -> (usize, usize, &str) {
        let before = &self.text[..self.boundary(byte)];
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        let rest = &self.text[start..];
        let line = rest.split('\n').next().unwrap_or_default();
        (before.matches('\n').count() + 1, start, line.strip_suffix('\r').unwrap_or(line))
    }

    /// Returns the closest byte at or before one at which a character begins.
    fn boundary(&self, byte: usize) -> usize {
        self.text.floor_char_boundary(byte.min(self.text.len()))
    }

    /// Writes the line in which a range begins, and marks the part of the range that is in it.
    ///
    /// Nothing is written of an empty text.
    pub(crate) fn excerpt(&self, range: &Range<usize>, f: &mut impl fmt::Write) -> fmt::Result {
        if self.text.is_empty() {
            return Ok(());
        }
        let (number, start, line) = self.line(range.start);
        let (from, to) = (self.boundary(range.start) - start, self.boundary(range.end).max(start) - start);
        let mut shown = Shown::default();
        for (byte, character) in line.char_indices() {
            shown.push(character, (from..to).contains(&byte));
        }
        // The end of a line is marked where nothing of it is: something is missing there.
        if !shown.marks.contains(&true) {
            let column = shown.columns(&line[..from.min(line.len())]);
            shown.mark(column);
        }
        let (text, marks) = shown.window();
        let gutter = number.to_string().len().max(2);
        let line = format!("{number:gutter$} | {text}");
        write!(f, "\n{:gutter$} |\n{}\n{:gutter$} | {marks}", "", line.trim_end(), "")
    }
}

/// A line as a terminal shows it, and which of its columns are marked.
#[derive(Default)]
struct Shown {
    /// Each column's text; the second column of a wide character is empty.
    columns: Vec<String>,
    marks: Vec<bool>,
}

impl Shown {
    fn push(&mut self, character: char, marked: bool) {
        let width = width(character);
        match (character, width) {
            ('\t', _) => self.columns.extend(std::iter::repeat_n(" ".to_owned(), width)),
            // A mark on the character before it.
            (_, 0) => {
                if let Some(last) = self.columns.last_mut() {
                    last.push(character);
                }
            }
            _ => {
                let plain = if is_hidden(character) { char::REPLACEMENT_CHARACTER } else { character };
                self.columns.push(plain.to_string());
                self.columns.extend(std::iter::repeat_n(String::new(), width - 1));
            }
        }
        self.marks.resize(self.columns.len(), marked);
    }

    fn columns(&self, text: &str) -> usize {
        text.chars().map(width).sum()
    }

    fn mark(&mut self, column: usize) {
        while self.columns.len() <= column {
            self.columns.push(" ".to_owned());
            self.marks.push(false);
        }
        self.marks[column] = true;
    }

    /// Returns the line and its marks, or the part around the first mark if the line is long.
    fn window(&self) -> (String, String) {
        let first = self.marks.iter().position(|mark| *mark).unwrap_or(0);
        let start = if self.columns.len() <= WIDTH { 0 } else { first.saturating_sub(WIDTH / 3) };
        let end = self.columns.len().min(start + WIDTH);
        let (left, right) =
            (if start > 0 { "…" } else { "" }, if end < self.columns.len() { "…" } else { "" });
        let text = format!("{left}{}{right}", self.columns[start..end].concat());
        let marks = self.marks[start..end].iter().map(|mark| if *mark { '^' } else { ' ' });
        let marks: String = left.chars().map(|_| ' ').chain(marks).collect();
        (text.trim_end().to_owned(), marks.trim_end().to_owned())
    }
}

/// Returns whether a terminal would act on a character, or lay out what follows otherwise.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Returns how many columns of a terminal a character takes: two for those of East Asia and for pictures.
fn width(character: char) -> usize {
    match character {
        '\t' => TAB,
        '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' | '\u{fe00}'..='\u{fe0f}' => 0,
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f300}'..='\u{1faff}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, range: Range<usize>, position: (usize, usize), expected: &str) {
        let source = Source::new("net.toml", text, BTreeMap::new());
        let mut shown = String::new();
        source.excerpt(&range, &mut shown).unwrap();
        assert_eq!((source.position(range.start), shown.as_str()), (position, expected));
    }

    #[test]
    fn the_marked_part_of_a_line_is_shown() {
        check("a = 1\nb = 22\n", 10..12, (2, 5), "\n   |\n 2 | b = 22\n   |     ^^");
        check("a = 1\r\nb = 22\r\n", 11..13, (2, 5), "\n   |\n 2 | b = 22\n   |     ^^");
    }

    #[test]
    fn columns_are_characters_and_carets_stand_below_them() {
        check("ä = \"ü\" # é", 5..9, (1, 5), "\n   |\n 1 | ä = \"ü\" # é\n   |     ^^^");
        check("\tb = 1", 5..6, (1, 6), "\n   |\n 1 |     b = 1\n   |         ^");
        check("\"東京\" = 1", 11..12, (1, 8), "\n   |\n 1 | \"東京\" = 1\n   |          ^");
        check("e\u{301} = 1", 6..7, (1, 6), "\n   |\n 1 | e\u{301} = 1\n   |     ^");
    }

    #[test]
    fn a_value_over_several_lines_is_marked_in_its_first() {
        check("a = [\n  1,\n]\n", 4..12, (1, 5), "\n   |\n 1 | a = [\n   |     ^");
    }

    #[test]
    fn the_end_of_a_line_and_of_a_text_can_be_marked() {
        check("a =\nb = 1", 3..3, (1, 4), "\n   |\n 1 | a =\n   |    ^");
        check("a = 1\n", 6..6, (2, 1), "\n   |\n 2 |\n   | ^");
        check("a", 5..9, (1, 2), "\n   |\n 1 | a\n   |  ^");
        check("", 0..0, (1, 1), "");
    }

    #[test]
    fn bytes_inside_of_characters_and_reversed_ranges_are_no_trouble() {
        check("ä = 1", 1..1, (1, 1), "\n   |\n 1 | ä = 1\n   | ^");
        #[expect(clippy::reversed_empty_ranges, reason = "a range that a parser could get wrong")]
        check("abc\nd", 4..1, (2, 1), "\n   |\n 2 | d\n   | ^");
    }

    #[test]
    fn a_terminal_is_sent_no_controls() {
        check("a = \u{1b}[2J\u{202e}", 4..5, (1, 5), "\n   |\n 1 | a = \u{fffd}[2J\u{fffd}\n   |     ^");
    }

    #[test]
    fn a_long_line_is_shown_around_its_mark() {
        let text = format!("{}!{}", "x".repeat(300), "y".repeat(300));
        let source = Source::new("", &text, BTreeMap::new());
        let mut shown = String::new();
        source.excerpt(&(300..301), &mut shown).unwrap();
        let lines: Vec<&str> = shown.lines().collect();
        let (line, marks) = (lines[2], lines[3]);
        assert!(line.contains("…xxx") && line.ends_with("yyy…") && line.chars().count() < 130, "{shown}");
        let at = |text: &str, mark: char| text.chars().position(|c| c == mark);
        assert_eq!(at(line, '!'), at(marks, '^'), "{shown}");
    }
}
