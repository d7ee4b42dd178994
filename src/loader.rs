//! Reads the source again and again, and hands on whole, checked revisions or the reason why there is none.

use std::time::Duration;

use anyhow::anyhow;
use baseload_core::controller::Revision;
use baseload_core::diagnostic::{self, Colour, Diagnostic};
use baseload_core::spec::{self, Limits, Loaded, Tree};
use baseload_core::timetable::{Schedules, Zones};
use jiff::Timestamp;

use crate::source::{Fingerprint, Source};

/// A file that is being written is read again after this long, until two readings agree.
const SETTLE: Duration = Duration::from_millis(100);

/// How many readings are tried before the source is said to be unstable.
const READINGS: usize = 20;

/// A source that could be read, and what was found in it.
#[derive(Debug)]
pub(crate) struct Checked {
    /// The files.
    pub(crate) tree: Tree,
    /// The schedules with their warnings, or every diagnostic.
    pub(crate) outcome: Result<Loaded, Vec<Diagnostic>>,
}

/// Why there is no revision: what a person should read, plain or in colour.
#[derive(Clone, Debug)]
pub(crate) struct Rejection {
    plain: String,
    colourful: String,
}

impl Rejection {
    /// The diagnostics, or why the source could not be read.
    pub(crate) fn text(&self, colour: Colour) -> &str {
        match colour {
            Colour::Never => &self.plain,
            Colour::Ansi => &self.colourful,
        }
    }

    fn unreadable(error: &anyhow::Error) -> Self {
        let plain = format!("error: {error:#}\n");
        Rejection { colourful: plain.clone(), plain }
    }

    /// Says what is wrong with the files of `tree`.
    pub(crate) fn refused(diagnostics: &[Diagnostic], tree: &Tree) -> Self {
        let text = |colour| diagnostic::text(diagnostics, &tree.files, colour);
        Rejection { plain: text(Colour::Never), colourful: text(Colour::Ansi) }
    }
}

/// A source with what is known of its last reading.
#[derive(Debug)]
pub(crate) struct Loader {
    source: Source,
    zones: Zones,
    limits: Limits,
    /// The last good revision.
    in_force: Option<String>,
    last: Option<Last>,
}

/// The last reading.
#[derive(Debug)]
struct Last {
    fingerprint: Fingerprint,
    outcome: Result<(), Rejection>,
}

impl Loader {
    /// A loader that has read nothing yet.
    pub(crate) fn new(source: Source, zones: Zones, limits: Limits) -> Self {
        Loader { source, zones, limits, in_force: None, last: None }
    }

    /// Where the schedules come from.
    pub(crate) fn source(&self) -> String {
        self.source.to_string()
    }

    /// Reads the source once and checks it.
    ///
    /// # Errors
    /// Why a file cannot be read.
    pub(crate) fn check(&self, now: Timestamp) -> Result<Checked, Rejection> {
        let tree = self.source.read().map_err(|error| Rejection::unreadable(&error))?;
        let outcome = spec::load(&tree, &self.zones, &self.limits, now);
        Ok(Checked { tree, outcome })
    }

    /// Reads the source once, for its schedules.
    ///
    /// # Errors
    /// Every diagnostic at once, or why a file cannot be read.
    pub(crate) fn read(&self, now: Timestamp) -> Result<Schedules, Rejection> {
        let Checked { tree, outcome } = self.check(now)?;
        match outcome {
            Ok(loaded) => Ok(loaded.schedules),
            Err(diagnostics) => Err(Rejection::refused(&diagnostics, &tree)),
        }
    }

    /// Reads the source if it changed since the last reading; `Ok(None)`: what was read last still stands. Blocks.
    ///
    /// # Errors
    /// Why there is no good revision; the same again for as long as the source stays as it is.
    pub(crate) fn poll(&mut self, now: Timestamp) -> Result<Option<Revision>, Rejection> {
        let fingerprint = self.source.fingerprint().map_err(|error| Rejection::unreadable(&error))?;
        if let Some(last) = self.last.as_ref().filter(|last| last.fingerprint == fingerprint) {
            return last.outcome.clone().map(|()| None);
        }
        self.last = None;
        let (fingerprint, tree) = self.read_stable()?;
        let outcome = self.revision(&tree, now);
        self.last = Some(Last { fingerprint, outcome: outcome.as_ref().map(|_| ()).map_err(Clone::clone) });
        let revision = outcome?;
        let is_new = self.in_force.replace(revision.id.clone()).as_ref() != Some(&revision.id);
        Ok(is_new.then_some(revision))
    }

    fn read_stable(&self) -> Result<(Fingerprint, Tree), Rejection> {
        let mut before: Option<(Fingerprint, Tree)> = None;
        for _ in 0..READINGS {
            let read = self.source.fingerprint().and_then(|fingerprint| Ok((fingerprint, self.source.read()?)));
            let read = read.map_err(|error| Rejection::unreadable(&error))?;
            if before.as_ref() == Some(&read) {
                return Ok(read);
            }
            before = Some(read);
            std::thread::sleep(SETTLE);
        }
        Err(Rejection::unreadable(&anyhow!("{}: the files keep changing while they are read", self.source)))
    }

    fn revision(&self, tree: &Tree, now: Timestamp) -> Result<Revision, Rejection> {
        match spec::load(tree, &self.zones, &self.limits, now) {
            Ok(Loaded { schedules, warnings, .. }) => {
                for warning in &warnings {
                    let text = diagnostic::text(std::slice::from_ref(warning), &tree.files, Colour::Never);
                    tracing::warn!(code = warning.code, "{}", text.trim_end());
                }
                Ok(Revision { id: tree.digest(), schedules })
            }
            Err(diagnostics) => Err(Rejection::refused(&diagnostics, tree)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    const GOOD: &str = include_str!("../schedules/webshop.yaml");

    fn poll(loader: &mut Loader) -> Result<Option<String>, String> {
        let polled = loader.poll("2026-11-21T00:00:00Z".parse().unwrap());
        let id = polled.map(|revision| revision.map(|revision| revision.id));
        id.map_err(|rejection| rejection.text(Colour::Never).to_owned())
    }

    fn loader(folder: &Path) -> Loader {
        Loader::new(Source::new(vec![folder.to_owned()]), Zones::embedded(), Limits::default())
    }

    #[test]
    fn f62_bad_good_bad_is_seen_each_time_and_said_for_as_long_as_it_stands() {
        let folder = tempfile::tempdir().unwrap();
        let write = |text: &str| fs::write(folder.path().join("a.yaml"), text).unwrap();
        let mut loader = loader(folder.path());
        write(GOOD);
        assert!(poll(&mut loader).unwrap().is_some(), "the first reading is a new revision");
        assert_eq!(poll(&mut loader), Ok(None));
        write("kind: Nonsense");
        let refused = poll(&mut loader).unwrap_err();
        assert!(refused.contains("a.yaml:1"), "{refused}");
        assert_eq!(poll(&mut loader), Err(refused));
        write(GOOD);
        assert_eq!(poll(&mut loader), Ok(None), "what was in force all the time is no new revision");
    }

    #[test]
    fn f45_a_folder_that_vanishes_or_is_emptied_is_a_bad_edit() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.yaml");
        fs::write(&file, GOOD).unwrap();
        let mut loader = loader(folder.path());
        assert!(poll(&mut loader).is_ok());
        fs::remove_file(&file).unwrap();
        assert!(poll(&mut loader).is_err());
        drop(folder);
        assert!(poll(&mut loader).is_err());
    }
}
