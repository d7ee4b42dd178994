//! The timetable: which floor a schedule declares at an instant, until when, and why.
//!
//! Pure functions of the schedules and an instant. Nothing here knows AWS, and nothing here reads a clock.
//!
//! - `civil`, `zones`: wall clock to instants, and where zone rules come from.
//! - `occurrence`: when windows recur, and how far their occurrences chain.
//! - `rules`: one schedule; `contest`: several for one target.
//! - `index`: which schedules take part for which target; `allowed`: for which none may.
//! - `board`: every schedule at the current instant, for the controller's tick; `lanes`: thousands of targets through a
//!   span; `explain`: the reasons, as data.

#[cfg(test)]
mod agreement;
mod allowed;
mod board;
pub mod civil;
mod contest;
mod explain;
mod index;
mod lanes;
mod occurrence;
mod rules;
mod zones;

#[cfg(test)]
mod cases;
#[cfg(test)]
mod edges;
#[cfg(test)]
mod samples;

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Serialize, Serializer};

use crate::calendar::DateSet;
use crate::cron::Cron;
use crate::model::{Floor, Span, TargetId, TargetPattern};

pub use allowed::{Allowance, Allowed};
pub use board::{Board, Members};
pub use explain::{Competitor, EarlyRise, Explanation, InPlay, Outranked, Standing};
pub use lanes::{Lane, Lanes, Reach};
pub use zones::{Zones, version_of_zi};

use civil::{NEVER, second, timestamp, timestamp_or_never};
use contest::{Contest, Outcome};
use index::Index;
use rules::Rules;

/// A checked source: every schedule of one revision. Built by [`crate::spec::load`] alone.
#[derive(Clone, Debug, Default)]
pub struct Schedules {
    schedules: Vec<Schedule>, // sorted by precedence: highest priority first, then name
    rules: Vec<Rules>,        // of the schedule at the same index
    index: Index,
    allowed: Allowed,
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

/// The floor that holds, and who says so. In JSON: `min`, `max`, `schedule`, `cause`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// What is declared.
    #[serde(flatten)]
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
    /// The first later instant at which the decision differs, or until when it is known to stay where thousands of changes
    /// beneath it change nothing; `None`: never.
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

impl Schedules {
    /// Takes checked schedules in any order.
    pub fn new(mut schedules: Vec<Schedule>) -> Self {
        schedules.sort_by(|a, b| (Reverse(a.priority), &a.name).cmp(&(Reverse(b.priority), &b.name)));
        let rules = schedules.iter().map(Rules::of).collect();
        let index = Index::of(&schedules);
        Schedules { schedules, rules, index, allowed: Allowed::default() }
    }

    /// The same where no schedule takes part for a target that the operator does not allow.
    pub fn allowing(self, allowed: Allowed) -> Self {
        Schedules { allowed, ..self }
    }

    /// Whom the operator allows.
    pub fn allowed(&self) -> &Allowed {
        &self.allowed
    }

    /// Every schedule in order of precedence: highest priority first, then by name.
    pub fn iter(&self) -> impl Iterator<Item = &Schedule> {
        self.schedules.iter()
    }

    /// The schedule of this name.
    pub fn get(&self, name: &str) -> Option<&Schedule> {
        self.schedules.iter().find(|schedule| *schedule.name == *name)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.schedules.is_empty()
    }

    /// Every target that a schedule names exactly, suspended ones included.
    pub fn exact_targets(&self) -> BTreeSet<TargetId> {
        self.patterns().filter_map(TargetPattern::exact).collect()
    }

    /// Whether any schedule names targets by a glob.
    pub fn has_globs(&self) -> bool {
        self.patterns().any(|pattern| !pattern.is_exact())
    }

    /// Each distinct exact target and each distinct glob once, sorted by cluster, then service.
    pub fn rows(&self) -> Vec<TargetPattern> {
        let rows: BTreeSet<&TargetPattern> = self.patterns().collect();
        rows.into_iter().cloned().collect()
    }

    fn patterns(&self) -> impl Iterator<Item = &TargetPattern> {
        self.schedules.iter().flat_map(|schedule| &schedule.targets)
    }

    /// Whether schedules take part for `target`, and each of them only inside its windows and overrides.
    pub fn overlays_only(&self, target: &TargetId) -> bool {
        let mut taking_part = self.taking_part(target).map(|index| &self.schedules[index]).peekable();
        taking_part.peek().is_some() && taking_part.all(Schedule::is_overlay)
    }

    /// What holds for `target` at `at`, and until when.
    pub fn decide(&self, target: &TargetId, at: Timestamp) -> Ruling {
        self.rule(self.taking_part(target), at)
    }

    fn rule(&self, members: impl Iterator<Item = usize>, at: Timestamp) -> Ruling {
        let mut contest = Contest::new(&self.rules, members, second(at));
        let decision = contest.outcome().map(|outcome| self.decision(outcome));
        Ruling { decision, until: timestamp_or_never(contest.advance()) }
    }

    /// The maximal runs of one decision for `target` within `span`, in order and without holes.
    pub fn segments(&self, target: &TargetId, span: Span) -> Vec<Segment> {
        self.follow(self.taking_part(target), span)
    }

    /// The same for one of the [`rows`](Self::rows): an exact one counts every schedule that matches it by name or
    /// glob, a glob only those that list that very pattern.
    pub fn segments_of_row(&self, row: &TargetPattern, span: Span) -> Vec<Segment> {
        match row.exact() {
            Some(target) => self.segments(&target, span),
            None if !self.allowed.admits_any_of(row) => self.follow([].into_iter(), span),
            None => self.follow(self.index.listing(row), span),
        }
    }

    fn follow(&self, members: impl Iterator<Item = usize>, span: Span) -> Vec<Segment> {
        let mut segments: Vec<Segment> = Vec::new();
        let mut from = span.from;
        let mut contest = Contest::new(&self.rules, members, second(from));
        while from < span.to {
            let decision = contest.outcome().map(|outcome| self.decision(outcome));
            let to = match contest.advance() {
                NEVER => span.to,
                next => timestamp(next).min(span.to),
            };
            match segments.last_mut() {
                Some(last) if last.decision == decision => last.span.to = to,
                _ => segments.push(Segment { span: Span { from, to }, decision }),
            }
            from = to;
        }
        segments
    }

    /// The schedules that take part for `target`, in order of precedence.
    pub(crate) fn taking_part(&self, target: &TargetId) -> impl Iterator<Item = usize> + use<> {
        let places = if self.allowed.admits(target) { self.index.taking_part(target) } else { Vec::new() };
        places.into_iter()
    }

    fn decision(&self, outcome: Outcome) -> Decision {
        let rules = &self.rules[outcome.schedule];
        Decision { floor: outcome.floor, schedule: Arc::clone(&rules.name), cause: rules.cause(outcome.item) }
    }
}

impl Schedule {
    /// Whether any of its patterns fits `target`.
    pub fn matches(&self, target: &TargetId) -> bool {
        self.targets.iter().any(|pattern| pattern.matches(target))
    }

    /// Whether there are instants at which it takes no part: it has no default, and its windows, as written and without
    /// date filters, leave some of the week uncovered.
    pub fn is_overlay(&self) -> bool {
        self.default.is_none() && !self.windows_cover_the_week()
    }

    fn windows_cover_the_week(&self) -> bool {
        let mut covered = [false; MINUTES_A_WEEK];
        for window in &self.windows {
            let Recurrence::Daily { from, to } = window.recurrence else { continue };
            let (from, to) = (usize::from(from), usize::from(to));
            let length = if to > from { to - from } else { to + MINUTES_A_DAY - from };
            for day in (0..7).filter(|day| window.dates.is_weekly() && window.dates.weekdays & 1 << day != 0) {
                (0..length).for_each(|minute| covered[(day * MINUTES_A_DAY + from + minute) % MINUTES_A_WEEK] = true);
            }
        }
        covered.iter().all(|covered| *covered)
    }
}

impl DateFilter {
    /// Whether an occurrence may start on `date`, as written.
    pub(crate) fn admits(&self, date: Date) -> bool {
        let is_valid =
            self.valid_from.is_none_or(|from| from <= date) && self.valid_until.is_none_or(|until| date <= until);
        let is_its_day = self.weekdays & 1 << date.weekday().to_monday_zero_offset() != 0;
        let any = |calendars: &[Arc<DateSet>]| calendars.iter().any(|calendar| calendar.contains(date));
        is_valid && is_its_day && self.on.as_deref().is_none_or(any) && !any(&self.except)
    }

    /// Whether it looks at nothing but the day of the week.
    fn is_weekly(&self) -> bool {
        self.on.is_none() && self.except.is_empty() && self.valid_from.is_none() && self.valid_until.is_none()
    }
}

const MINUTES_A_DAY: usize = 24 * 60;
const MINUTES_A_WEEK: usize = 7 * MINUTES_A_DAY;

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Default => f.write_str("default"),
            Cause::Window(name) => write!(f, "window/{name}"),
            Cause::Override(name) => write!(f, "override/{name}"),
        }
    }
}

impl Serialize for Cause {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
