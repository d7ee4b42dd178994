//! Collects the findings about one file.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Location, Severity, printable};

/// A source with more mistakes than this is not one that someone mistyped; nor does anyone read as many warnings.
const MOST_FINDINGS: usize = 500;
/// How many mistakes are held against all that may have been meant; further ones are reported without.
const MOST_SUGGESTIONS: usize = 300;
/// How much of a value a message repeats.
const EXCERPT_CHARS: usize = 60;

/// How much may still be said about a source, and what was left out because it may not.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    errors_left: usize,
    warnings_left: usize,
    suggestions_left: usize,
    errors_dropped: usize,
    warnings_dropped: usize,
}

impl Room {
    /// Of a source that nothing has been said about.
    pub(super) fn of_a_source() -> Room {
        Room {
            errors_left: MOST_FINDINGS,
            warnings_left: MOST_FINDINGS,
            suggestions_left: MOST_SUGGESTIONS,
            errors_dropped: 0,
            warnings_dropped: 0,
        }
    }

    /// Whether there is room for one more finding; one that there is no room for is counted.
    pub(super) fn take(&mut self, severity: Severity) -> bool {
        let (left, dropped) = match severity {
            Severity::Error => (&mut self.errors_left, &mut self.errors_dropped),
            Severity::Warning => (&mut self.warnings_left, &mut self.warnings_dropped),
        };
        let has_room = *left > 0;
        *left = left.saturating_sub(1);
        *dropped += usize::from(!has_room);
        has_room
    }

    /// Whether a mistake was left out already: to read on would show nothing more.
    pub(super) fn is_full(&self) -> bool {
        self.errors_dropped > 0
    }

    /// What is to be said, at the place of the last finding, of those that were left out: they count as what they are.
    pub(super) fn left_out(&self, last: Option<Location>) -> Option<Diagnostic> {
        let (severity, count, what) = match (self.errors_dropped, self.warnings_dropped) {
            (0, 0) => return None,
            (0, warnings) => (Severity::Warning, warnings, "more warnings are not shown"),
            (errors, warnings) => (Severity::Error, errors + warnings, "more findings, at least, are not shown"),
        };
        let message = format!("{count} {what}");
        Some(Diagnostic::new(severity, "too-many-findings", last, message))
    }
}

/// The findings about one file so far.
pub(super) struct Report<'t> {
    file: Arc<str>,
    text: &'t str,
    found: Vec<Diagnostic>,
    errors: usize,
    spare: Diagnostic,
    room: Room,
    refused: BTreeSet<(usize, usize)>,
}

impl<'t> Report<'t> {
    /// `room`: what the files before have left.
    pub(super) fn new(file: Arc<str>, text: &'t str, room: Room) -> Self {
        let spare = Diagnostic::new(Severity::Error, "too-many-findings", None, "");
        Report { file, text, found: Vec::new(), errors: 0, spare, room, refused: BTreeSet::new() }
    }

    /// Adds an error; the returned finding takes a help and a label.
    pub(super) fn error(
        &mut self,
        code: &'static str,
        span: &Range<usize>,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.errors += 1;
        self.add(Severity::Error, code, span, message)
    }

    /// Adds a warning.
    pub(super) fn warning(
        &mut self,
        code: &'static str,
        span: &Range<usize>,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.add(Severity::Warning, code, span, message)
    }

    fn add(
        &mut self,
        severity: Severity,
        code: &'static str,
        span: &Range<usize>,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        let superfluous = self.refused.contains(&(span.start, span.end));
        if superfluous || !self.room.take(severity) {
            return &mut self.spare; // takes whatever the caller adds, and is never shown
        }
        self.found.push(Diagnostic::new(severity, code, Some(self.location(span)), message));
        self.found.last_mut().expect("a finding was just pushed")
    }

    /// Adds a finding about another file, which this one names.
    pub(super) fn elsewhere(&mut self, finding: Diagnostic) {
        if self.room.take(finding.severity) {
            self.found.push(finding);
        }
    }

    /// Says that a value was refused outright: what else may be wrong with it is not worth a word.
    pub(super) fn refuse(&mut self, code: &'static str, span: &Range<usize>, message: &str, help: &str) {
        self.error(code, span, message).help(help);
        self.refused.insert((span.start, span.end));
    }

    /// Whether a mistake was left out already.
    pub(super) fn is_full(&self) -> bool {
        self.room.is_full()
    }

    /// How many errors there were so far: a checker compares before and after to know whether a part is sound.
    pub(super) fn errors(&self) -> usize {
        self.errors
    }

    /// The place of a span, cut to its first line: that is what a reader needs to see.
    pub(super) fn location(&self, span: &Range<usize>) -> Location {
        let marked = self.text.get(span.clone()).unwrap_or("");
        let first_line = marked.lines().next().unwrap_or("").trim_end();
        let end = if marked.is_empty() { span.end.min(self.text.len()) } else { span.start + first_line.len() };
        Location { file: self.file.clone(), start: span.start, end: end.max(span.start) }
    }

    /// The file's own text of a span.
    pub(super) fn source(&self, span: &Range<usize>) -> &'t str {
        self.text.get(span.clone()).unwrap_or("")
    }

    /// The candidate that someone most likely meant; to look for it is costly, so that many mistakes get none.
    pub(super) fn closest<'c>(&mut self, word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
        self.room.suggestions_left = self.room.suggestions_left.checked_sub(1)?;
        closest(word, candidates)
    }

    /// How often it may still look for what was meant.
    pub(super) fn suggestions_left(&self) -> usize {
        self.room.suggestions_left
    }

    /// Everything that was found, and the room for what is found in other files.
    pub(super) fn finish(self) -> (Vec<Diagnostic>, Room) {
        (self.found, self.room)
    }
}

/// A value as a message repeats it: visible characters only, and not too many.
pub(super) fn excerpt(text: &str) -> String {
    let cut: String = text.chars().take(EXCERPT_CHARS).collect();
    let more = if cut.len() < text.len() { "…" } else { "" };
    printable(&cut) + more
}

/// The candidate that someone most likely meant.
pub(super) fn closest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    if word.len() > 64 {
        return None;
    }
    let lower = word.to_lowercase();
    let likeness = |candidate: &str| strsim::jaro_winkler(&lower, &candidate.to_lowercase());
    candidates
        .into_iter()
        .map(|candidate| (likeness(candidate), candidate))
        .filter(|&(likeness, _)| likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(a.1)))
        .map(|(_, candidate)| candidate)
}
