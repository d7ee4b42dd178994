//! A finding about a schedule file, as data: what is wrong, where, and what to do about it. Renderers are dumb.

use std::sync::Arc;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The revision is refused.
    Error,
    /// The revision stands; someone should look.
    Warning,
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
