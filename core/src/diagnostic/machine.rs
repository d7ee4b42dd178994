//! Findings for programs: rows for JSON, and GitHub's workflow annotations.

use std::fmt::Write as _;

use serde::Serialize;

use super::place::{position, text_of};
use super::{Diagnostic, Files, Location, printable};

/// A finding as JSON shows it. Lines and columns count from 1, columns in characters; the end is the first column after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// `error` or `warning`.
    pub severity: &'static str,
    /// The rule's stable name.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// Null, like the four numbers, where the source as a whole is meant.
    pub file: Option<String>,
    /// Where it starts.
    pub line: Option<usize>,
    /// Where it starts.
    pub column: Option<usize>,
    /// Where it ends.
    pub end_line: Option<usize>,
    /// Where it ends.
    pub end_column: Option<usize>,
    /// A few words on the marked text.
    pub label: Option<String>,
    /// What to do about it.
    pub help: Option<String>,
    /// Other places that matter.
    pub related: Vec<Related>,
}

/// Another place that matters to a [`Row`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Related {
    /// Why it matters.
    pub message: String,
    /// Which file.
    pub file: String,
    /// Where it starts.
    pub line: usize,
    /// Where it starts.
    pub column: usize,
    /// Where it ends.
    pub end_line: usize,
    /// Where it ends.
    pub end_column: usize,
}

/// Turns findings into rows, in their order.
pub fn rows(found: &[Diagnostic], files: &Files) -> Vec<Row> {
    found.iter().map(|finding| row(finding, files)).collect()
}

fn row(finding: &Diagnostic, files: &Files) -> Row {
    let place = finding.location.as_ref().map(|location| related(location, String::new(), files));
    Row {
        severity: finding.severity.name(),
        code: finding.code,
        message: finding.message.clone(),
        file: place.as_ref().map(|p| p.file.clone()),
        line: place.as_ref().map(|p| p.line),
        column: place.as_ref().map(|p| p.column),
        end_line: place.as_ref().map(|p| p.end_line),
        end_column: place.as_ref().map(|p| p.end_column),
        label: finding.label.clone(),
        help: finding.help.clone(),
        related: finding.related.iter().map(|(place, words)| related(place, words.clone(), files)).collect(),
    }
}

fn related(location: &Location, message: String, files: &Files) -> Related {
    let text = text_of(files, location);
    let (line, column) = position(&text, location.start);
    let (end_line, end_column) = position(&text, location.end);
    Related { message, file: location.file.to_string(), line, column, end_line, end_column }
}

/// Renders findings as GitHub workflow commands, a line each: `::error file=…,line=…,col=…,endLine=…,title=…::message`.
pub fn github(found: &[Diagnostic], files: &Files) -> String {
    let mut lines = String::new();
    for row in rows(found, files) {
        let mut message = printable(&row.message);
        if let Some(label) = &row.label {
            write!(message, ": {}", printable(label)).expect("a string takes every write");
        }
        if let Some(help) = &row.help {
            write!(message, "\nhelp: {}", printable(help)).expect("a string takes every write");
        }
        let (properties, message) = (properties(&row), escaped(&message));
        writeln!(lines, "::{} {properties}::{message}", row.severity).expect("a string takes every write");
    }
    lines
}

fn properties(row: &Row) -> String {
    let mut list = String::new();
    if let (Some(file), Some(line), Some(column)) = (&row.file, row.line, row.column) {
        let (file, end_line) = (escaped_property(file), row.end_line.unwrap_or(line));
        write!(list, "file={file},line={line},col={column},endLine={end_line},").expect("a string takes every write");
        // GitHub drops an annotation whose end column is not after its column.
        if let Some(end) = row.end_column.filter(|&end| end_line == line && end > column) {
            write!(list, "endColumn={end},").expect("a string takes every write");
        }
    }
    list + "title=" + &escaped_property(row.code)
}

fn escaped(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn escaped_property(text: &str) -> String {
    escaped(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::super::Severity;
    use super::*;

    fn finding(file: &str) -> (Diagnostic, Files) {
        let location = Location { file: file.into(), start: 4, end: 7 };
        let mut finding = Diagnostic::new(Severity::Error, "bad-time", Some(location), "50% off\n::error::x");
        finding.help("write 07:30");
        (finding, Files::from([(file.into(), "é\nab: c\n".into())]))
    }

    #[test]
    fn a_workflow_command_cannot_be_broken_out_of() {
        let (finding, files) = finding("a:b,c\n.yaml");
        assert_eq!(
            github(&[finding], &files),
            "::error file=a%3Ab%2Cc%0A.yaml,line=2,col=2,endLine=2,endColumn=5,title=bad-time\
             ::50%25 off\\n::error::x%0Ahelp: write 07:30\n"
        );
    }

    #[test]
    fn an_annotation_says_what_was_meant() {
        let mut finding = Diagnostic::new(Severity::Error, "unknown-field", None, "a window has no field `form`");
        finding.label("did you mean `from`?");
        let command = "::error title=unknown-field::a window has no field `form`: did you mean `from`?\n";
        assert_eq!(github(&[finding], &Files::new()), command);
    }

    #[test]
    fn a_row_has_lines_and_columns_and_nulls_where_there_is_no_place() {
        let (finding, files) = finding("a.yaml");
        let whole = Diagnostic::new(Severity::Warning, "x", None, "m");
        let json = serde_json::to_value(rows(&[finding, whole], &files)).expect("rows are plain data");
        assert_eq!((&json[0]["line"], &json[0]["column"], &json[0]["endColumn"]), (&2.into(), &2.into(), &5.into()));
        assert!(json[1]["file"].is_null() && json[1]["line"].is_null());
    }
}
