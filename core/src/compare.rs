//! How two revisions differ over a span: which targets come and go, what changes when and why, and task-hours.
//!
//! Pure data; [`crate::render::diff`] tells it. Rows are those of a preview: each exact target and each glob of either
//! revision once. How many services a glob fits is not known here, so it counts as one.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::{Span, TargetId, TargetPattern};
use crate::timetable::{Decision, Lanes, Reach, Schedules, Segment};

/// How two revisions differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The span that was compared.
    pub span: Span,
    /// Every row of either revision, sorted by cluster, then service.
    pub rows: Vec<Row>,
    /// What all rows come to.
    pub total: BeforeAndAfter<TaskTime>,
}

/// How a target or glob differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The target or glob.
    pub target: TargetPattern,
    /// What happens to it.
    pub effect: Effect,
    /// What it comes to.
    pub time: BeforeAndAfter<TaskTime>,
    /// The maximal runs in which one decision takes the place of another, in order.
    pub changes: Arc<[Change]>,
    /// Rows of one number share their changes, and what they come to.
    pub alike: usize,
}

/// What happens to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Effect {
    /// No schedule matched it before, and now one does.
    Added,
    /// A schedule matched it, and now none does: it keeps the floor it has.
    Removed,
    /// Every schedule that matches it is suspended now: it keeps the floor it has.
    Suspended,
    /// Every schedule that matched it was suspended before, and now one is not.
    Resumed,
    /// Its floor differs at some instant of the span.
    Changed,
    /// Its floor is the same throughout, but another schedule or cause gives it at some instant.
    OtherCause,
    /// Nothing differs within the span.
    Unchanged,
}

/// A stretch in which the decision differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The stretch.
    pub span: Span,
    /// What held; `None`: the target was left alone.
    pub before: Option<Decision>,
    /// What holds instead; `None`: the target is left alone.
    pub after: Option<Decision>,
}

/// The same thing of the old revision and of the new one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BeforeAndAfter<T> {
    /// Of the old revision.
    pub before: T,
    /// Of the new one.
    pub after: T,
}

/// Floors added up over time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TaskTime {
    /// Each declared `min`, times the seconds for which it holds.
    pub task_seconds: u128,
    /// The seconds for which the row is left alone; they count nothing above.
    pub left_alone_seconds: u128,
}

impl Comparison {
    /// The rows of which something is worth telling.
    pub fn differing(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.effect != Effect::Unchanged)
    }
}

impl Change {
    /// Whether it is the floor that differs, not only who gives it and why.
    pub fn is_of_floor(&self) -> bool {
        let floor = |decision: &Option<Decision>| decision.as_ref().map(|decision| decision.floor);
        floor(&self.before) != floor(&self.after)
    }
}

impl TaskTime {
    /// Task-hours, to a thousandth.
    pub fn task_hours(self) -> f64 {
        hours(self.task_seconds)
    }

    /// The hours for which a row is left alone, to a thousandth.
    pub fn left_alone_hours(self) -> f64 {
        hours(self.left_alone_seconds)
    }

    fn of(segments: &[Segment]) -> Self {
        segments.iter().fold(TaskTime::default(), |mut sum, Segment { span, decision }| {
            let seconds = seconds(*span);
            match decision {
                Some(decision) => sum.task_seconds += u128::from(decision.floor.min) * seconds,
                None => sum.left_alone_seconds += seconds,
            }
            sum
        })
    }
}

impl std::ops::AddAssign for TaskTime {
    fn add_assign(&mut self, other: Self) {
        self.task_seconds += other.task_seconds;
        self.left_alone_seconds += other.left_alone_seconds;
    }
}

#[expect(clippy::cast_precision_loss, reason = "a thousandth of an hour is all that is promised")]
fn hours(seconds: u128) -> f64 {
    (seconds as f64 / 3.6).round() / 1000.0
}

fn seconds(span: Span) -> u128 {
    u128::try_from(span.to.as_second() - span.from.as_second()).unwrap_or(0)
}

/// Follows every row of both revisions through `span`, and says where they differ.
pub fn compare(old: &Schedules, new: &Schedules, span: Span) -> Comparison {
    let targets: BTreeSet<TargetPattern> = old.rows().into_iter().chain(new.rows()).collect();
    let before = old.lanes(&targets, Reach::Listed, span);
    let after = new.lanes(&targets, Reach::Listed, span);
    let suspended = BeforeAndAfter { before: Suspended::of(old), after: Suspended::of(new) };
    let mut known = BTreeMap::new();
    let mut rows = Vec::with_capacity(targets.len());
    let mut total = BeforeAndAfter::<TaskTime>::default();
    for (index, target) in targets.into_iter().enumerate() {
        let pair = (before.of_rows[index], after.of_rows[index]);
        let alike = known.len();
        let (alike, time, changes) = known.entry(pair).or_insert_with(|| difference(&before, &after, pair, alike));
        let presence = BeforeAndAfter {
            before: presence(&suspended.before, &target, before.lanes[pair.0].is_governed),
            after: presence(&suspended.after, &target, after.lanes[pair.1].is_governed),
        };
        total.before += time.before;
        total.after += time.after;
        rows.push(Row {
            target,
            effect: effect(presence, changes),
            time: *time,
            changes: Arc::clone(changes),
            alike: *alike,
        });
    }
    Comparison { span, rows, total }
}

fn difference(
    before: &Lanes,
    after: &Lanes,
    (old, new): (usize, usize),
    alike: usize,
) -> (usize, BeforeAndAfter<TaskTime>, Arc<[Change]>) {
    let (old, new) = (&before.lanes[old].segments, &after.lanes[new].segments);
    (alike, BeforeAndAfter { before: TaskTime::of(old), after: TaskTime::of(new) }, changes(old, new).into())
}

/// Walks two courses of one span side by side.
///
/// ```text
/// old  ├──── 3 ────┼── 1 ──┼─── 3 ───┤
/// new  ├─ 3 ─┼── 1 ────┼────── 3 ────┤
///            └ 3→1 ┘   └1→3┘
/// ```
fn changes(old: &[Segment], new: &[Segment]) -> Vec<Change> {
    let mut found: Vec<Change> = Vec::new();
    let (mut old, mut new) = (old.iter().peekable(), new.iter().peekable());
    while let (Some(before), Some(after)) = (old.peek(), new.peek()) {
        let span = Span { from: before.span.from.max(after.span.from), to: before.span.to.min(after.span.to) };
        if before.decision != after.decision {
            add(&mut found, Change { span, before: before.decision.clone(), after: after.decision.clone() });
        }
        let order = before.span.to.cmp(&after.span.to);
        if order != Ordering::Greater {
            old.next();
        }
        if order != Ordering::Less {
            new.next();
        }
    }
    found
}

fn add(found: &mut Vec<Change>, change: Change) {
    let continues = |last: &Change, from: Timestamp| {
        last.span.to == from && last.before == change.before && last.after == change.after
    };
    match found.last_mut() {
        Some(last) if continues(last, change.span.from) => last.span.to = change.span.to,
        _ => found.push(change),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    Absent,
    Suspended,
    Governed,
}

/// What the suspended schedules of a revision list.
struct Suspended<'a> {
    listed: BTreeSet<&'a TargetPattern>,
    globs: Vec<&'a TargetPattern>,
}

impl<'a> Suspended<'a> {
    fn of(schedules: &'a Schedules) -> Self {
        let listed: BTreeSet<_> =
            schedules.iter().filter(|schedule| schedule.suspend).flat_map(|it| &it.targets).collect();
        Suspended { globs: listed.iter().copied().filter(|pattern| !pattern.is_exact()).collect(), listed }
    }

    fn count_for(&self, row: &TargetPattern) -> bool {
        let is_matched = |target: &TargetId| self.globs.iter().any(|glob| glob.matches(target));
        self.listed.contains(row) || row.exact().is_some_and(|target| is_matched(&target))
    }
}

fn presence(suspended: &Suspended<'_>, row: &TargetPattern, is_governed: bool) -> Presence {
    match is_governed {
        true => Presence::Governed,
        false if suspended.count_for(row) => Presence::Suspended,
        false => Presence::Absent,
    }
}

fn effect(presence: BeforeAndAfter<Presence>, changes: &[Change]) -> Effect {
    match (presence.before, presence.after) {
        (Presence::Absent, Presence::Governed) => Effect::Added,
        (Presence::Suspended, Presence::Governed) => Effect::Resumed,
        (Presence::Governed, Presence::Suspended) => Effect::Suspended,
        (Presence::Governed, Presence::Absent) => Effect::Removed,
        (Presence::Governed, Presence::Governed) if changes.iter().any(Change::is_of_floor) => Effect::Changed,
        (Presence::Governed, Presence::Governed) if !changes.is_empty() => Effect::OtherCause,
        (Presence::Governed, Presence::Governed)
        | (Presence::Absent | Presence::Suspended, Presence::Absent | Presence::Suspended) => Effect::Unchanged,
    }
}
