//! Collects the findings about one file.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Location, Severity, printable};

/// A file with more findings than this is not a schedule that someone mistyped.
const MOST_FINDINGS: usize = 500;
/// How much of a value a message repeats.
const EXCERPT_CHARS: usize = 60;

/// The findings about one file so far.
pub(super) struct Report<'t> {
    file: Arc<str>,
    text: &'t str,
    found: Vec<Diagnostic>,
    errors: usize,
    dropped: usize,
    spare: Diagnostic,
    suggestions_left: usize,
    refused: BTreeSet<(usize, usize)>,
}

impl<'t> Report<'t> {
    /// `suggestions_left`: how often it may look for what was meant.
    pub(super) fn new(file: Arc<str>, text: &'t str, suggestions_left: usize) -> Self {
        let spare = Diagnostic::new(Severity::Error, "too-many-findings", None, "");
        let (found, refused) = (Vec::new(), BTreeSet::new());
        Report { file, text, found, errors: 0, dropped: 0, spare, suggestions_left, refused }
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
        if superfluous || self.found.len() >= MOST_FINDINGS {
            self.dropped += usize::from(!superfluous);
            return &mut self.spare; // takes whatever the caller adds, and is never shown
        }
        self.found.push(Diagnostic::new(severity, code, Some(self.location(span)), message));
        self.found.last_mut().expect("a finding was just pushed")
    }

    /// Says that a value was refused outright: what else may be wrong with it is not worth a word.
    pub(super) fn refuse(&mut self, code: &'static str, span: &Range<usize>, message: &str, help: &str) {
        self.error(code, span, message).help(help);
        self.refused.insert((span.start, span.end));
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
        self.suggestions_left = self.suggestions_left.checked_sub(1)?;
        closest(word, candidates)
    }

    /// How often another report may still look for what was meant.
    pub(super) fn suggestions_left(&self) -> usize {
        self.suggestions_left
    }

    /// Everything that was found.
    pub(super) fn finish(mut self) -> Vec<Diagnostic> {
        if self.dropped > 0 {
            let message = format!("{} more findings in this file are not shown", self.dropped);
            let end = Location { file: self.file, start: self.text.len(), end: self.text.len() };
            self.found.push(Diagnostic::new(Severity::Error, "too-many-findings", Some(end), message));
        }
        self.found
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
