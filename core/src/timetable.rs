//! The timetable: which floor a schedule declares at an instant, until when, and why.
//!
//! Pure functions of the schedules and an instant. Nothing here knows AWS, and nothing here reads a clock.

pub mod civil;

use std::sync::Arc;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::calendar::DateSet;
use crate::cron::Cron;
use crate::model::{Floor, Span, TargetId, TargetPattern};

/// A checked source: every schedule of one revision. Built by [`crate::spec::load`] alone.
#[derive(Clone, Debug, Default)]
pub struct Schedules {
    schedules: Vec<Schedule>, // sorted by precedence: highest priority first, then name
}

impl Schedules {
    /// Placeholder.
    pub fn new(schedules: Vec<Schedule>) -> Schedules {
        Schedules { schedules }
    }

    /// Placeholder.
    pub fn iter(&self) -> impl Iterator<Item = &Schedule> {
        self.schedules.iter()
    }
}

/// One `ScalingSchedule`.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// Unique in the source.
    pub name: Arc<str>,
    /// Whom it is for; never empty.
    pub targets: Vec<TargetPattern>,
    /// Where its wall clock hangs.
    pub zone: TimeZone,
    /// How much earlier rises take effect, 0 to 24 h.
    pub lead_time: SignedDuration,
    /// Higher wins over lower, whatever the floors.
    pub priority: i64,
    /// Whether it takes no part at all.
    pub suspend: bool,
    /// The longest that a rise waits for a CODE_DEPLOY deployment.
    pub defer_during_deployment: SignedDuration,
    /// Outside every window and override; `None` makes the schedule an overlay.
    pub default: Option<Floor>,
    /// In the order of their declaration.
    pub windows: Vec<Window>,
    /// In the order of their declaration.
    pub overrides: Vec<Override>,
}

/// A recurring stretch of time with its floor.
#[derive(Clone, Debug)]
pub struct Window {
    /// Unique among the schedule's windows.
    pub name: Arc<str>,
    /// When its occurrences start and how long they last.
    pub recurrence: Recurrence,
    /// On which local dates an occurrence may start.
    pub dates: DateFilter,
    /// What it declares.
    pub floor: Floor,
}

/// When a window starts on an admitted date, and how it ends.
#[derive(Clone, Debug)]
pub enum Recurrence {
    /// From one wall-clock time to another, in minutes after local midnight; `to` ≤ `from` lies on the next day,
    /// 1440 is midnight at the end of the day.
    Daily {
        /// 0 to 1439.
        from: u16,
        /// 0 to 1440, never equal to `from`.
        to: u16,
    },
    /// At every local time that matches, for a stretch of elapsed time.
    Cron {
        /// When occurrences start.
        cron: Cron,
        /// How long each lasts, 1 minute to 31 days.
        duration: SignedDuration,
    },
}

/// The local dates on which an occurrence may *start*, as written.
#[derive(Clone, Debug)]
pub struct DateFilter {
    /// Bit 0 is Monday.
    pub weekdays: u8,
    /// In any of these calendars; `None` admits every date.
    pub on: Option<Vec<Arc<DateSet>>>,
    /// In none of these calendars.
    pub except: Vec<Arc<DateSet>>,
    /// First admitted date.
    pub valid_from: Option<Date>,
    /// Last admitted date.
    pub valid_until: Option<Date>,
}

/// A one-off stretch of time with its floor, above every window.
#[derive(Clone, Debug)]
pub struct Override {
    /// Unique among the schedule's overrides.
    pub name: Arc<str>,
    /// Local start.
    pub from: DateTime,
    /// Local end, later than `from`.
    pub to: DateTime,
    /// What it declares; without `max`, the max that holds beneath it.
    pub floor: Floor,
}

/// What made a floor hold. Printed as `default`, `window/NAME`, `override/NAME`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// Outside every window.
    Default,
    /// The window of this name.
    Window(Arc<str>),
    /// The override of this name.
    Override(Arc<str>),
}

/// The floor that holds, and who says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What is declared.
    pub floor: Floor,
    /// The schedule that won.
    pub schedule: Arc<str>,
    /// Its reason.
    pub cause: Cause,
}

/// What holds at an instant, and the half-open span around it in which the same holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruling {
    /// `None`: the target is left alone.
    pub decision: Option<Decision>,
    /// The first later instant at which the decision differs; `None`: never.
    pub until: Option<Timestamp>,
}

/// A maximal run of one decision within a span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The run, cut to the span asked for.
    pub span: Span,
    /// `None`: the target is left alone.
    pub decision: Option<Decision>,
}

/// PLACEHOLDER until the timetable lands.
#[derive(Clone, Debug, Default)]
pub struct Members(Box<[u32]>);
impl Members {
    /// x
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
/// PLACEHOLDER
#[derive(Clone, Debug, Default)]
pub struct Board;
impl Board {
    /// x
    pub fn advance(&mut self, _schedules: &Schedules, _at: Timestamp) {}
    /// x
    pub fn decide(&self, _schedules: &Schedules, _members: &Members) -> Option<Decision> {
        None
    }
}
impl Schedules {
    /// x
    pub fn len(&self) -> usize {
        self.schedules.len()
    }
    /// x
    pub fn members(&self, _target: &TargetId) -> Members {
        Members::default()
    }
    /// x
    pub fn exact_targets(&self) -> std::collections::BTreeSet<TargetId> {
        Default::default()
    }
    /// x
    pub fn has_globs(&self) -> bool {
        false
    }
    /// x
    pub fn decide(&self, _target: &TargetId, _at: Timestamp) -> Ruling {
        Ruling { decision: None, until: None }
    }
    /// x
    pub fn segments(&self, _target: &TargetId, _span: Span) -> Vec<Segment> {
        Vec::new()
    }
    /// x
    pub fn defer_during_deployment(&self, _decision: Option<&Decision>) -> SignedDuration {
        SignedDuration::ZERO
    }
}
impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Cause::Default => f.write_str("default"),
            Cause::Window(name) => write!(f, "window/{name}"),
            Cause::Override(name) => write!(f, "override/{name}"),
        }
    }
}
