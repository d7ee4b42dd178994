//! From files to [`Schedules`]: reads every document, reports every mistake at once, and yields nothing half-checked.
//!
//! The way of a file: `yaml` makes marked nodes of its text, `document` tells the kinds apart, `schedule` and `window`
//! check the fields (`fields` is the table of them; `value`, `time` and `name` read what stands in them), and `source`
//! checks what holds between documents, across files.

mod cover;
mod document;
mod fields;
mod name;
mod path;
mod report;
mod schedule;
mod source;
mod time;
mod value;
mod window;
mod yaml;

use std::fmt::Write as _;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::diagnostic::{self, Diagnostic, Files};
use crate::timetable::Schedules;
use crate::timetable::Zones;
use schedule::Context;
use source::Source;

/// The files of one revision of a source: YAML files, and the calendars they name. Paths use `/`, as the user would type
/// them. Which files belong to it (no hidden ones) is the reader's business.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    /// Contents by path.
    pub files: Files,
}

impl Tree {
    /// The revision's identity: 64 hexadecimal digits over paths and contents. Folders that all files share do not
    /// count, so a revision is the same wherever it is checked out.
    pub fn digest(&self) -> String {
        let shared = path::common_folder(self.files.keys().map(|path| &**path));
        let mut hash = Sha256::new();
        for (path, content) in &self.files {
            for part in [&path.as_bytes()[shared.len()..], content] {
                hash.update((part.len() as u64).to_be_bytes()); // so that no two trees run together to the same bytes
                hash.update(part);
            }
        }
        hash.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
            write!(text, "{byte:02x}").expect("a string takes every write");
            text
        })
    }
}

/// What the operator allows, whatever the schedules say.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The greatest `min` or `max` that a schedule may declare.
    pub max_floor: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { max_floor: 1000 }
    }
}

/// A source that was read whole and found good.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The schedules of every file.
    pub schedules: Schedules,
    /// What someone should look at.
    pub warnings: Vec<Diagnostic>,
    /// The digests of revisions that may be left although the shrink guard would hold this one.
    pub acknowledgements: Vec<String>,
}

/// Reads and checks a whole source. `now` decides only which calendars are past.
///
/// # Errors
/// Every mistake in every file, and the warnings after them, in the order of reading.
pub fn load(tree: &Tree, zones: &Zones, limits: &Limits, now: Timestamp) -> Result<Loaded, Vec<Diagnostic>> {
    match Source::read(tree, Context { zones, limits }, now).finish() {
        Ok((schedules, mut warnings, acknowledgements)) => {
            diagnostic::sort(&mut warnings);
            Ok(Loaded { schedules, warnings, acknowledgements })
        }
        Err(mut found) => {
            diagnostic::sort(&mut found);
            Err(found)
        }
    }
}
