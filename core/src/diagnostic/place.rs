//! From bytes to lines and columns, in files that may not even be UTF-8.

use std::borrow::Cow;

use super::{Files, Location};

/// Line and column of a byte, both from 1, columns in characters. A byte order mark is no character, and what lies
/// beyond the end counts as the end.
pub fn position(text: &str, byte: usize) -> (usize, usize) {
    let before = &text[..boundary(text, byte)];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = before[line_start..].trim_start_matches('\u{feff}').chars().count();
    (before.matches('\n').count() + 1, column + 1)
}

/// One line of a file with the marked part in it; everything before the first invalid byte keeps its place.
pub(super) struct Line<'a> {
    /// From 1.
    pub(super) number: usize,
    /// Of the mark, from 1, in characters.
    pub(super) column: usize,
    /// What stands before the mark.
    pub(super) before: &'a str,
    /// What is marked, to the end of its line at most.
    pub(super) marked: &'a str,
    /// The rest of the line.
    pub(super) after: &'a str,
}

/// The file's text, for showing only: invalid bytes become `U+FFFD`.
pub(super) fn text_of<'a>(files: &'a Files, location: &Location) -> Cow<'a, str> {
    files.get(&location.file).map_or(Cow::Borrowed(""), |bytes| String::from_utf8_lossy(bytes))
}

/// Cuts out the line that `location` begins in.
pub(super) fn line<'a>(text: &'a str, location: &Location) -> Line<'a> {
    let start = boundary(text, location.start);
    let (number, column) = position(text, start);
    let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let line_end = text[start..].find('\n').map_or(text.len(), |newline| start + newline);
    let end = boundary(text, location.end).clamp(start, line_end);
    Line {
        number,
        column,
        before: text[line_start..start].trim_start_matches('\u{feff}'),
        marked: &text[start..end],
        after: text[end..line_end].trim_end(),
    }
}

fn boundary(text: &str, byte: usize) -> usize {
    let byte = byte.min(text.len());
    (byte..=text.len()).find(|&b| text.is_char_boundary(b)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_from_one() {
        let text = "\u{feff}é: 1\r\nß: 2\n";
        assert_eq!(position(text, 0), (1, 1));
        assert_eq!(position(text, 3), (1, 1));
        assert_eq!(position(text, 5), (1, 2));
        assert_eq!(position(text, 12), (2, 2));
        assert_eq!(position(text, 999), (3, 1));
    }

    #[test]
    fn a_mark_ends_with_its_line() {
        let location = Location { file: "a".into(), start: 3, end: 9 };
        let line = line("ab\ncdef\ngh", &location);
        assert_eq!((line.number, line.before, line.marked, line.after), (2, "", "cdef", ""));
    }
}
