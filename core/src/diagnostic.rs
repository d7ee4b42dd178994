//! A finding about a schedule file, as data: what is wrong, where, and what to do about it. Renderers are dumb.
//!
//! [`text`] is for people, [`rows`] for programs and [`github`] for workflow annotations: all of them pure functions of
//! the findings and the files that they are about.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

mod machine;
mod place;
mod text;

pub use machine::{Related, Row, github, rows};
pub use place::position;
pub use text::{Colour, text};

/// Contents of files by path. Paths use `/`, as the user would type them.
pub type Files = BTreeMap<Arc<str>, Vec<u8>>;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The revision is refused.
    Error,
    /// The revision stands; someone should look.
    Warning,
}

impl Severity {
    /// The word that is printed.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }
}

/// A range of bytes in one file of the source.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// The file's path as the user would type it.
    pub file: Arc<str>,
    /// First byte, from 0.
    pub start: usize,
    /// First byte after; equal to `start` for a point.
    pub end: usize,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// A stable, kebab-case name of the rule, for instance `unknown-field`.
    pub code: &'static str,
    /// One sentence without a full stop: what is wrong.
    pub message: String,
    /// Where; `None` where the source as a whole is meant.
    pub location: Option<Location>,
    /// A few words that stand under the marked text.
    pub label: Option<String>,
    /// Other places that matter, with a few words each ("first declared here").
    pub related: Vec<(Location, String)>,
    /// What to do about it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// Begins a finding; what else is known of it is filled in by the methods below.
    pub fn new(
        severity: Severity,
        code: &'static str,
        location: Option<Location>,
        message: impl Into<String>,
    ) -> Diagnostic {
        Diagnostic { severity, code, message: message.into(), location, label: None, related: Vec::new(), help: None }
    }

    /// Sets the few words under the marked text.
    pub fn label(&mut self, label: impl Into<String>) -> &mut Diagnostic {
        self.label = Some(label.into());
        self
    }

    /// Says what to do about it.
    pub fn help(&mut self, help: impl Into<String>) -> &mut Diagnostic {
        self.help = Some(help.into());
        self
    }

    /// Points at another place that matters.
    pub fn related(&mut self, location: Location, words: impl Into<String>) -> &mut Diagnostic {
        self.related.push((location, words.into()));
        self
    }
}

/// Puts findings in the order of reading: errors before warnings, then by file and place. A finding that was made twice
/// (through a YAML alias) stays once.
pub fn sort(found: &mut Vec<Diagnostic>) {
    found.sort_by(|a, b| (a.severity, &a.location, a.code).cmp(&(b.severity, &b.location, b.code)));
    found.dedup();
}

/// "2 errors and 1 warning"; empty where nothing was found.
pub fn summary(found: &[Diagnostic]) -> String {
    let mut words = String::new();
    for severity in [Severity::Error, Severity::Warning] {
        let count = found.iter().filter(|d| d.severity == severity).count();
        if count > 0 {
            let (and, s) = (if words.is_empty() { "" } else { " and " }, if count == 1 { "" } else { "s" });
            write!(words, "{and}{count} {}{s}", severity.name()).expect("a string takes every write");
        }
    }
    words
}

/// Whether a terminal or a reader could be misled by the character: controls, text direction marks, invisible ones.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Makes text from a file fit to be shown: hidden characters become `\u{…}`.
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match is_hidden(c) {
            true => shown.extend(c.escape_default()),
            false => shown.push(c),
        }
    }
    shown
}

/// The same for text of several lines, which it leaves.
pub fn printable_lines(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(printable).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(severity: Severity, start: usize) -> Diagnostic {
        Diagnostic::new(severity, "x", Some(Location { file: "a.yaml".into(), start, end: start }), "m")
    }

    #[test]
    fn errors_come_before_warnings_and_each_finding_once() {
        let mut found = vec![
            finding(Severity::Warning, 1),
            finding(Severity::Error, 9),
            finding(Severity::Error, 2),
            finding(Severity::Error, 9),
        ];
        sort(&mut found);
        let order: Vec<_> = found.iter().map(|d| d.location.as_ref().map(|l| l.start)).collect();
        assert_eq!(order, [Some(2), Some(9), Some(1)]);
        assert_eq!(summary(&found), "2 errors and 1 warning");
    }

    #[test]
    fn escape_sequences_and_direction_marks_do_not_survive() {
        assert_eq!(printable("a\u{1b}[31m\u{202e}é"), "a\\u{1b}[31m\\u{202e}é");
    }
}
