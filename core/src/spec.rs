//! From files to [`Schedules`]: reads every document, reports every mistake at once, and yields nothing half-checked.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::timetable::Schedules;

/// The files of one revision of a source: YAML files, and the calendars they name. Paths use `/`, as the user would type them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    /// Contents by path.
    pub files: BTreeMap<Arc<str>, Vec<u8>>,
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
    pub warnings: Vec<crate::diagnostic::Diagnostic>,
}
