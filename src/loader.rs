//! Reads the source again and again, and hands on whole, checked revisions or the reason why there is none.

use std::time::Duration;

use baseload_core::controller::Revision;
use baseload_core::diagnostic::{self, Diagnostic};
use baseload_core::spec::{self, Limits, Loaded, Tree};
use baseload_core::timetable::Zones;
use jiff::Timestamp;

use crate::source::{Fingerprint, Source};

/// A file that is being written is read again after this long, until two readings agree.
const SETTLE: Duration = Duration::from_millis(100);

/// How many readings are tried before the source is said to be unstable.
const READINGS: usize = 20;

/// Why there is no revision: what a person should read, plain or in colour.
#[derive(Debug)]
pub(crate) struct Rejection {
    /// The diagnostics, or why the source could not be read. Without colour.
    pub(crate) reason: String,
    /// The same in colour, for a terminal.
    pub(crate) colourful: String,
}

/// A source with what is known of its last reading.
#[derive(Debug)]
pub(crate) struct Loader {
    source: Source,
    zones: Zones,
    limits: Limits,
    last: Option<Last>,
}

#[derive(Debug)]
struct Last {
    fingerprint: Fingerprint,
    outcome: Result<String, String>,
}

impl Loader {
    /// A loader that has read nothing yet.
    pub(crate) fn new(source: Source, zones: Zones, limits: Limits) -> Self {
        Loader { source, zones, limits, last: None }
    }

    /// Reads the source once and checks it.
    ///
    /// # Errors
    /// Every diagnostic at once, or why a file cannot be read.
    pub(crate) fn read(&self, now: Timestamp) -> Result<(Tree, Loaded), Rejection> {
        let tree = self.source.read().map_err(|error| Rejection::unreadable(&error))?;
        match spec::load(&tree, &self.zones, &self.limits, now) {
            Ok(loaded) => Ok((tree, loaded)),
            Err(diagnostics) => Err(Rejection::refused(&diagnostics, &tree)),
        }
    }

    /// Reads the source if it changed since the last reading; `Ok(None)`: what was read last still stands. Blocks.
    ///
    /// # Errors
    /// The reason as a person would read it; the same again while the source stays as it is.
    pub(crate) fn poll(&mut self, now: Timestamp) -> Result<Option<Revision>, String> {
        let fingerprint = self.source.fingerprint().map_err(|error| format!("{error:#}"))?;
        if let Some(last) = self.last.as_ref().filter(|last| last.fingerprint == fingerprint) {
            return last.outcome.clone().map(|_| None);
        }
        let in_force = self.last.take().and_then(|last| last.outcome.ok());
        let (fingerprint, tree) = self.read_stable()?;
        let outcome = self.check(&tree, now);
        let id = outcome.as_ref().map(|revision| revision.id.clone()).map_err(Clone::clone);
        self.last = Some(Last { fingerprint, outcome: id });
        let revision = outcome?;
        Ok((in_force.as_ref() != Some(&revision.id)).then_some(revision))
    }

    fn read_stable(&self) -> Result<(Fingerprint, Tree), String> {
        let mut before: Option<(Fingerprint, Tree)> = None;
        for _ in 0..READINGS {
            let read = self.source.fingerprint().and_then(|fingerprint| Ok((fingerprint, self.source.read()?)));
            let read = read.map_err(|error| format!("{error:#}"))?;
            match before {
                Some(before) if before == read => return Ok(read),
                _ => before = Some(read),
            }
            std::thread::sleep(SETTLE);
        }
        Err(format!("{}: the files keep changing while they are read", self.source))
    }

    fn check(&self, tree: &Tree, now: Timestamp) -> Result<Revision, String> {
        match spec::load(tree, &self.zones, &self.limits, now) {
            Ok(Loaded { schedules, warnings, .. }) => {
                for warning in &warnings {
                    warn(warning, tree);
                }
                Ok(Revision { id: tree.digest(), schedules })
            }
            Err(diagnostics) => Err(Rejection::refused(&diagnostics, tree).reason),
        }
    }
}

fn warn(warning: &Diagnostic, tree: &Tree) {
    let at = diagnostic::place(warning, tree).unwrap_or_default();
    tracing::warn!(at, code = warning.code, "{}", warning.message);
}

impl Rejection {
    fn unreadable(error: &anyhow::Error) -> Self {
        let reason = format!("error: {error:#}\n");
        Rejection { colourful: reason.clone(), reason }
    }

    fn refused(diagnostics: &[Diagnostic], tree: &Tree) -> Self {
        Rejection {
            reason: diagnostic::text(diagnostics, tree, false),
            colourful: diagnostic::text(diagnostics, tree, true),
        }
    }
}
