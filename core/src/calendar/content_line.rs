//! Content lines of RFC 5545 §3.1: unfolding, and the split into name, parameters and value.

/// A logical line, put together again from the physical lines over which it was folded.
#[derive(Debug)]
pub(super) struct Unfolded {
    /// Of its first physical line, from 1.
    pub(super) line: usize,
    /// What is not UTF-8 is replaced: it can only stand in texts for people.
    pub(super) text: String,
}

/// Puts folded lines together again; blank lines are dropped. Takes CRLF and LF alike, and a byte order mark.
pub(super) fn unfold(bytes: &[u8]) -> Vec<Unfolded> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut lines: Vec<(usize, Vec<u8>)> = Vec::new();
    for (index, physical) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let physical = physical.strip_suffix(b"\r").unwrap_or(physical);
        match (physical.split_first(), lines.last_mut()) {
            (None, _) => {}
            // A character may be folded in its middle, so decoding has to wait.
            (Some((b' ' | b'\t', rest)), Some((_, line))) => line.extend_from_slice(rest),
            (Some(_), _) => lines.push((index + 1, physical.to_vec())),
        }
    }
    let decode =
        |(line, bytes): (usize, Vec<u8>)| Unfolded { line, text: String::from_utf8_lossy(&bytes).into_owned() };
    lines.into_iter().map(decode).filter(|line| !line.text.trim().is_empty()).collect()
}

/// A property: `NAME;PARAM=value;PARAM="quoted":VALUE`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Property<'a> {
    /// In upper case.
    pub(super) name: String,
    parameters: Vec<(&'a str, &'a str)>,
    /// As written.
    pub(super) value: &'a str,
}

impl<'a> Property<'a> {
    /// The value of the first parameter of that name, without its quotes.
    pub(super) fn parameter(&self, name: &str) -> Option<&'a str> {
        self.parameters.iter().find(|(parameter, _)| parameter.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }

    /// Splits a logical line; `None` where it is not a content line.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (head, value) = split_unquoted(text, b':')?;
        let mut rest = head;
        let mut pieces = Vec::new();
        while let Some((piece, tail)) = split_unquoted(rest, b';') {
            pieces.push(piece);
            rest = tail;
        }
        pieces.push(rest);
        let (name, parameters) = pieces.split_first()?;
        let parameters = parameters.iter().map(|piece| split_parameter(piece)).collect::<Option<Vec<_>>>()?;
        is_name(name).then(|| Property { name: name.to_ascii_uppercase(), parameters, value: value.trim() })
    }
}

fn split_parameter(piece: &str) -> Option<(&str, &str)> {
    let (name, value) = piece.split_once('=')?;
    let unquoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
    is_name(name).then_some((name, unquoted))
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Splits at the first `separator` outside double quotes.
fn split_unquoted(text: &str, separator: u8) -> Option<(&str, &str)> {
    let mut quoted = false;
    let at = text.bytes().position(|byte| {
        quoted ^= byte == b'"';
        byte == separator && !quoted
    })?;
    Some((&text[..at], &text[at + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(input: &[u8]) -> Vec<(usize, String)> {
        unfold(input).into_iter().map(|line| (line.line, line.text)).collect()
    }

    #[test]
    fn folded_lines_become_one_that_keeps_the_number_of_the_first() {
        let unfolded = texts(b"\xef\xbb\xbfA:1\r\n  2\r\n\t3\r\n\nB:4\n");
        assert_eq!(unfolded, [(1, "A:1 23".to_owned()), (5, "B:4".to_owned())]);
    }

    #[test]
    fn a_character_folded_in_its_middle_is_whole_again() {
        assert_eq!(texts(b"A:caf\xc3\r\n \xa9"), [(1, "A:café".to_owned())]);
    }

    #[test]
    fn separators_within_quotes_separate_nothing() {
        let property = Property::parse(r#"x-a;B="1:2;3";c=4:V:W"#).unwrap();
        assert_eq!((property.name.as_str(), property.value), ("X-A", "V:W"));
        assert_eq!((property.parameter("b"), property.parameter("C")), (Some("1:2;3"), Some("4")));
    }

    #[test]
    fn what_has_no_colon_or_no_name_is_no_content_line() {
        for text in ["SUMMARY", ":x", "A B:x", "A;B:x", "A;=1:x", "A;B=\"1:x"] {
            assert_eq!(Property::parse(text), None, "{text}");
        }
    }
}
