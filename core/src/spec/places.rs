//! Where the parts of a good schedule stand in their files, for findings that are made once all is read.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::diagnostic::Location;
use crate::spec::report::Report;
use crate::spec::yaml::Node;

/// Of every schedule of a source. Kept beside the timetable, which has no use for it.
#[derive(Clone, Debug, Default)]
pub struct Declared(pub(super) BTreeMap<Arc<str>, Places>);

/// Of one schedule.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    pub(super) name: Option<Location>,
    pub(super) default: Option<Part>,
    /// As the schedule's windows.
    pub(super) windows: Vec<Part>,
    /// As the schedule's overrides.
    pub(super) overrides: Vec<Part>,
}

/// Of a window, an override or a default; what a field is missing in stands for it.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) name: Location,
    pub(super) min: Location,
    /// `from` or `cron`.
    pub(super) start: Location,
    /// `to` or `duration`.
    pub(super) end: Location,
}

impl Part {
    pub(super) fn of(node: &Node<'_>, report: &Report<'_>) -> Part {
        let place = |fields: [&str; 2]| {
            let field = fields.into_iter().find_map(|field| node.member(field));
            report.location(field.map_or(&node.span, |field| &field.span))
        };
        Part {
            name: place(["name"; 2]),
            min: place(["min"; 2]),
            start: place(["from", "cron"]),
            end: place(["to", "duration"]),
        }
    }
}
