//! Reads the sources again and again, and hands on whole, checked revisions or the reason why there is none.

mod state;

use std::path::PathBuf;
use std::sync::Arc;

use baseload_core::controller::{Refusal, Revision};
use baseload_core::diagnostic::{self, Colour, Diagnostic};
use baseload_core::guard::{self, Held};
use baseload_core::spec::{self, Limits, Loaded, Tree};
use baseload_core::timetable::{Schedules, Zones};
use jiff::Timestamp;

use self::state::State;
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
    /// The revision is good in itself, but takes away too much at once: someone must acknowledge that.
    Held,
}

impl Rejection {
    /// The diagnostics, or why a source could not be read.
    pub(crate) fn text(&self, colour: Colour) -> &str {
        match colour {
            Colour::Never => &self.plain,
            Colour::Ansi => &self.colourful,
        }
    }

    /// As the controller takes it.
    pub(crate) fn refusal(&self) -> Refusal {
        Refusal { reason: self.plain.clone(), held: self.cause == Cause::Held }
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

    /// Says what is wrong with the files of `tree`.
    pub(crate) fn refused(diagnostics: &[Diagnostic], tree: &Tree) -> Self {
        let text = |colour| diagnostic::text(diagnostics, &tree.files, colour);
        Rejection { plain: text(Colour::Never), colourful: text(Colour::Ansi), cause: Cause::BadEdit }
    }

    /// Says why the shrink guard holds a revision, and what lets it pass.
    fn held(held: &Held, in_force: &str) -> Self {
        let document = guard::acknowledgement(in_force);
        let plain = format!(
            "error: {held}\nhelp: if that is meant, add this document to the source, in the same review:\n\n---\n{document}"
        );
        Rejection { colourful: plain.clone(), plain, cause: Cause::Held }
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
    state: Option<State>,
    /// The share of targets or tasks that a new revision may take away at once; `None`: all of it.
    shrink_guard: Option<u8>,
    /// The last good revision.
    in_force: Option<Revision>,
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
        Loader { sources, zones, limits, state: None, shrink_guard: None, in_force: None, last: None }
    }

    /// The same, keeping each good revision in this folder, and beginning with the one kept there where none can be had.
    pub(crate) fn keeping_state(self, folder: Option<PathBuf>) -> Self {
        Loader { state: folder.map(State::new), ..self }
    }

    /// The same, holding revisions that take away more than this percentage at once.
    pub(crate) fn guarded(self, percent: u8) -> Self {
        Loader { shrink_guard: Some(percent), ..self }
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
    /// As long as no revision is in force, one that is no good makes way for the one that was kept, or else for the newest
    /// good one that a source's history has; it is then the next poll that says why.
    ///
    /// # Errors
    /// Why there is no good revision; the same again for as long as the sources stay as they are.
    pub(crate) fn poll(&mut self, now: Timestamp) -> Result<Option<Revision>, Rejection> {
        let versions: Result<Vec<_>, _> = self.sources.iter().map(Source::version).collect();
        let mut versions = match versions {
            Ok(versions) => versions,
            Err(trouble) => return self.instead_of(Rejection::unread(&trouble), None, now),
        };
        if let Some(last) = self.last.as_ref().filter(|last| last.versions == versions) {
            return last.outcome.clone().map(|()| None);
        }
        self.last = None;
        let read = self.read_versions(&mut versions, now).and_then(|good| self.not_held(good, now));
        match read {
            Ok(good) => {
                self.last = Some(Last { versions, outcome: Ok(()) });
                Ok(self.put_in_force(good))
            }
            Err(rejection) if rejection.cause == Cause::Unreachable => self.instead_of(rejection, None, now),
            Err(rejection) => self.instead_of(rejection, Some(versions), now),
        }
    }

    /// Holds a good revision that takes away too much of the one in force, or at the start of the one that was kept,
    /// unless it acknowledges that.
    fn not_held(&self, good: Good, now: Timestamp) -> Result<Good, Rejection> {
        let Some(percent) = self.shrink_guard else { return Ok(good) };
        let kept = || self.kept(now).map(|(_, kept)| kept.revision);
        let Some(before) = self.in_force.clone().or_else(kept) else { return Ok(good) };
        if before.digest == good.revision.digest || good.acknowledgements.contains(&before.digest) {
            return Ok(good);
        }
        match guard::judge(&before.schedules, &good.revision.schedules, now, percent) {
            Some(held) => Err(Rejection::held(&held, &before.digest)),
            None => Ok(good),
        }
    }

    /// What stands in for versions that are no good, while nothing is in force.
    fn instead_of(
        &mut self,
        rejection: Rejection,
        versions: Option<Vec<Version>>,
        now: Timestamp,
    ) -> Result<Option<Revision>, Rejection> {
        let stand_in = match self.in_force {
            Some(_) => None,
            None => self.kept(now).or_else(|| self.earlier(versions.as_deref()?, now)),
        };
        let lasting = match &stand_in {
            Some((note, _)) => rejection.clone().although(note),
            None => rejection.clone(),
        };
        self.last = versions.map(|versions| Last { versions, outcome: Err(lasting) });
        stand_in.map(|(_, good)| self.put_in_force(good)).ok_or(rejection)
    }

    /// Takes note of a good revision; `None`: it was in force already.
    fn put_in_force(&mut self, Good { revision, tree, .. }: Good) -> Option<Revision> {
        let is_same = |other: &Revision| (&other.id, &other.digest) == (&revision.id, &revision.digest);
        if self.in_force.as_ref().is_some_and(is_same) {
            return None;
        }
        self.in_force = Some(revision.clone());
        if let Some(Err(error)) = self.state.as_ref().map(|state| state.keep(&revision.id, &tree)) {
            tracing::warn!("a restart would not find this revision: {error:#}");
        }
        Some(revision)
    }

    /// Reads these versions, or those that are there by now, and checks them.
    fn read_versions(&self, versions: &mut [Version], now: Timestamp) -> Result<Good, Rejection> {
        let mut tree = Tree::default();
        for (source, version) in self.sources.iter().zip(versions.iter_mut()) {
            let read = source.read(version).map_err(|trouble| Rejection::unread(&trouble))?;
            *version = read.0;
            tracing::debug!(source = %source, commit = version.commit(), "read a source");
            merge(&mut tree, read.1);
        }
        let mut good = self.checked(tree, now)?;
        if let Some(commits) = commits(versions) {
            good.revision.id = commits;
        }
        Ok(good)
    }

    fn checked(&self, tree: Tree, now: Timestamp) -> Result<Good, Rejection> {
        match spec::load(&tree, &self.zones, &self.limits, now) {
            Ok(Loaded { schedules, warnings, acknowledgements, .. }) => {
                for warning in &warnings {
                    let text = diagnostic::text(std::slice::from_ref(warning), &tree.files, Colour::Never);
                    tracing::warn!(code = warning.code, "{}", text.trim_end());
                }
                let digest = tree.digest();
                let revision = Revision { id: digest.clone(), digest, schedules: Arc::new(schedules) };
                Ok(Good { revision, acknowledgements, tree })
            }
            Err(diagnostics) => Err(Rejection::refused(&diagnostics, &tree)),
        }
    }

    /// The revision that an earlier process kept.
    fn kept(&self, now: Timestamp) -> Option<(String, Good)> {
        let (id, tree) = self.state.as_ref()?.last()?;
        let mut good = self.checked(tree, now).ok()?;
        good.revision.id = id;
        Some(("note: in force is the last good revision, which was kept in the state folder\n".to_owned(), good))
    }

    /// The newest good revision in the history of one source, the others as they are.
    fn earlier(&self, versions: &[Version], now: Timestamp) -> Option<(String, Good)> {
        (0..self.sources.len()).find_map(|index| {
            let mut versions = versions.to_vec();
            for _ in 0..STEPS_BACK {
                versions[index] = self.sources[index].before(&versions[index]).ok().flatten()?;
                if let Ok(good) = self.read_versions(&mut versions, now) {
                    let commit = versions[index].commit().unwrap_or_default();
                    return Some((format!("note: in force is the newest good commit before it, {commit}\n"), good));
                }
            }
            None
        })
    }
}

/// A revision that may be in force, with its files.
struct Good {
    revision: Revision,
    /// The revisions that it may be put in the place of, whatever it takes away.
    acknowledgements: Vec<String>,
    tree: Tree,
}

/// What a revision is looked up by where each source has a commit; others have files only, whose digest will do.
fn commits(versions: &[Version]) -> Option<String> {
    let commits = versions.iter().map(Version::commit).collect::<Option<Vec<_>>>()?;
    Some(commits.join(","))
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
        let id = polled.map(|revision| revision.map(|revision| revision.digest));
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

    /// A schedule of as many targets, with this floor.
    fn schedule(targets: usize, min: u32) -> String {
        let targets: String = (0..targets).map(|n| format!("    - {{ cluster: shop, service: s{n} }}\n")).collect();
        format!(
            "apiVersion: baseload/v1\nkind: ScalingSchedule\nmetadata: {{ name: web }}\nspec:\n  targets:\n{targets}  \
             timezone: UTC\n  default: {{ min: {min} }}\n"
        )
    }

    #[test]
    fn f47_a_revision_that_takes_out_most_targets_is_held_until_the_source_acknowledges_it() {
        let folder = tempfile::tempdir().unwrap();
        let write = |text: &str| fs::write(folder.path().join("a.yaml"), text).unwrap();
        let mut loader = loader(folder.path()).guarded(50);
        write(&schedule(10, 3));
        let left = poll(&mut loader).unwrap().expect("the first reading is a new revision");

        let cut_off = schedule(4, 3);
        write(&cut_off);
        let held = poll(&mut loader).unwrap_err();
        assert!(held.contains("takes out 6 of 10 targets"), "{held}");
        assert!(held.contains(&format!("leaves: {left}")), "{held}");
        assert_eq!(poll(&mut loader), Err(held), "and stays held");

        write(&format!("{cut_off}---\n{}", guard::acknowledgement(&left)));
        assert!(poll(&mut loader).unwrap().is_some(), "acknowledged");

        let document = format!("---\n{}", guard::acknowledgement(&left));
        write(&format!("{}{document}", schedule(4, 9)));
        assert!(poll(&mut loader).unwrap().is_some(), "a rise is never held");
        write(&format!("{}{document}", schedule(4, 1)));
        assert!(poll(&mut loader).unwrap_err().contains("held by the shrink guard"), "the acknowledgement is spent");
    }
}
