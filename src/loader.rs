//! Reads the sources again and again, and hands on whole, checked revisions or the reason why there is none.

use baseload_core::controller::Revision;
use baseload_core::diagnostic::{self, Colour, Diagnostic};
use baseload_core::spec::{self, Limits, Loaded, Tree};
use baseload_core::timetable::{Schedules, Zones};
use jiff::Timestamp;

use crate::source::{Source, Trouble, Version};

/// How many commits are stepped back at the start, where the newest is no good.
const STEPS_BACK: usize = 20;

/// Sources that could be read, and what was found in them.
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
    cause: Cause,
}

/// Whose fault it is that there is no revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Someone wrote what cannot be used; it stays so until they write again.
    BadEdit,
    /// A remote source could not be asked; that may pass by itself.
    Unreachable,
}

impl Rejection {
    /// The diagnostics, or why a source could not be read.
    pub(crate) fn text(&self, colour: Colour) -> &str {
        match colour {
            Colour::Never => &self.plain,
            Colour::Ansi => &self.colourful,
        }
    }

    /// Whose fault it is.
    pub(crate) fn cause(&self) -> Cause {
        self.cause
    }

    fn unread(trouble: &Trouble) -> Self {
        let (error, cause) = match trouble {
            Trouble::Unreachable(error) => (error, Cause::Unreachable),
            Trouble::Bad(error) => (error, Cause::BadEdit),
        };
        let plain = format!("error: {error:#}\n");
        Rejection { colourful: plain.clone(), plain, cause }
    }

    fn refused(diagnostics: &[Diagnostic], tree: &Tree) -> Self {
        let text = |colour| diagnostic::text(diagnostics, &tree.files, colour);
        Rejection { plain: text(Colour::Never), colourful: text(Colour::Ansi), cause: Cause::BadEdit }
    }

    /// The same, with what is in force instead.
    fn although(mut self, note: &str) -> Self {
        self.plain += note;
        self.colourful += note;
        self
    }
}

/// Sources that make one configuration, with what is known of their last reading.
#[derive(Debug)]
pub(crate) struct Loader {
    sources: Vec<Source>,
    zones: Zones,
    limits: Limits,
    /// The last good revision.
    in_force: Option<String>,
    last: Option<Last>,
}

/// The last reading.
#[derive(Debug)]
struct Last {
    versions: Vec<Version>,
    outcome: Result<(), Rejection>,
}

impl Loader {
    /// A loader that has read nothing yet.
    pub(crate) fn new(sources: Vec<Source>, zones: Zones, limits: Limits) -> Self {
        Loader { sources, zones, limits, in_force: None, last: None }
    }

    /// Where the schedules come from.
    pub(crate) fn source(&self) -> String {
        self.sources.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
    }

    /// Whether a look at the sources takes others' work, so that it is done at leisure.
    pub(crate) fn is_remote(&self) -> bool {
        self.sources.iter().any(Source::is_remote)
    }

    /// Reads the sources once and checks them.
    ///
    /// # Errors
    /// Why a file cannot be read.
    pub(crate) fn check(&self, now: Timestamp) -> Result<Checked, Rejection> {
        let mut tree = Tree::default();
        for source in &self.sources {
            merge(&mut tree, source.read_now().map_err(|trouble| Rejection::unread(&trouble))?);
        }
        let outcome = spec::load(&tree, &self.zones, &self.limits, now);
        Ok(Checked { tree, outcome })
    }

    /// Reads the sources once, for their schedules.
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

    /// Reads the sources if one changed since the last reading; `Ok(None)`: what was read last still stands. Blocks.
    ///
    /// As long as no revision is in force, one that is no good makes way for the newest good one that a source's history
    /// has; it is then the next poll that says why.
    ///
    /// # Errors
    /// Why there is no good revision; the same again for as long as the sources stay as they are.
    pub(crate) fn poll(&mut self, now: Timestamp) -> Result<Option<Revision>, Rejection> {
        let versions: Result<Vec<_>, _> = self.sources.iter().map(Source::version).collect();
        let mut versions = versions.map_err(|trouble| Rejection::unread(&trouble))?;
        if let Some(last) = self.last.as_ref().filter(|last| last.versions == versions) {
            return last.outcome.clone().map(|()| None);
        }
        self.last = None;
        let mut outcome = self.revision(&mut versions, now);
        if let Err(rejection) = &outcome
            && rejection.cause == Cause::Unreachable
        {
            return outcome.map(Some);
        }
        let mut lasting = outcome.as_ref().map(|_| ()).map_err(Clone::clone);
        if let Err(rejection) = &outcome
            && self.in_force.is_none()
            && let Some((version, earlier)) = self.earlier(&versions, now)
        {
            let note = format!("note: in force is the newest good commit before it, {version}\n");
            lasting = Err(rejection.clone().although(&note));
            outcome = Ok(earlier);
        }
        self.last = Some(Last { versions, outcome: lasting });
        let revision = outcome?;
        let is_new = self.in_force.replace(revision.id.clone()).as_ref() != Some(&revision.id);
        Ok(is_new.then_some(revision))
    }

    /// Reads these versions, or those that are there by now, and checks them.
    fn revision(&self, versions: &mut [Version], now: Timestamp) -> Result<Revision, Rejection> {
        let mut tree = Tree::default();
        for (source, version) in self.sources.iter().zip(versions) {
            let read = source.read(version).map_err(|trouble| Rejection::unread(&trouble))?;
            *version = read.0;
            tracing::debug!(source = %source, version = %version, "read a source");
            merge(&mut tree, read.1);
        }
        match spec::load(&tree, &self.zones, &self.limits, now) {
            Ok(Loaded { schedules, warnings, .. }) => {
                for warning in &warnings {
                    let text = diagnostic::text(std::slice::from_ref(warning), &tree.files, Colour::Never);
                    tracing::warn!(code = warning.code, "{}", text.trim_end());
                }
                Ok(Revision { id: tree.digest(), schedules })
            }
            Err(diagnostics) => Err(Rejection::refused(&diagnostics, &tree)),
        }
    }

    /// The newest good revision in the history of one source, the others as they are.
    fn earlier(&self, versions: &[Version], now: Timestamp) -> Option<(Version, Revision)> {
        (0..self.sources.len()).find_map(|index| {
            let mut versions = versions.to_vec();
            for _ in 0..STEPS_BACK {
                versions[index] = self.sources[index].before(&versions[index]).ok().flatten()?;
                if let Ok(revision) = self.revision(&mut versions, now) {
                    return Some((versions.swap_remove(index), revision));
                }
            }
            None
        })
    }
}

fn merge(tree: &mut Tree, other: Tree) {
    tree.files.extend(other.files);
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
        Loader::new(vec![Source::parse(folder.to_str().unwrap()).unwrap()], Zones::embedded(), Limits::default())
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
