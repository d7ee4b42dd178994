//! The shrink guard: whether a new revision takes away so much at once that someone should say so first.
//!
//! Exact, not sampled: between two boundaries of either revision no sum of floors can change, so looking at each boundary
//! is looking at every instant. A file cut off in the middle, a folder lost in a merge and a slip of a digit look like
//! any other edit; what gives them away is how much they take.

use std::collections::BTreeSet;
use std::fmt;

use jiff::{SignedDuration, Timestamp};

use crate::model::{Span, TargetPattern, instant};
use crate::timetable::{Lanes, Reach, Schedules};

/// How far ahead floors are added up.
const HORIZON: SignedDuration = SignedDuration::from_hours(28 * 24);

/// So many targets may always go at once.
const FEW_TARGETS: usize = 3;

/// So many tasks may always go at once.
const FEW_TASKS: u64 = 10;

/// At most so many targets are named in a reason.
const NAMED: usize = 5;

/// Why a revision is held: at least one of the two reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The share that may go at once, in percent.
    pub percent: u8,
    /// Too many targets are taken out.
    pub taken_out: Option<TakenOut>,
    /// The declared floors fall too far.
    pub fall: Option<Fall>,
}

/// Targets that no schedule takes part for any more: removed, or suspended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenOut {
    /// Which, sorted by cluster, then service; a glob counts as one.
    pub targets: Vec<TargetPattern>,
    /// Of how many that the revision in force keeps.
    pub of: usize,
}

/// An instant at which the sum of the declared floors is lower than in the revision in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fall {
    /// The first instant of the deepest fall.
    pub at: Timestamp,
    /// The sum in the revision in force, in tasks; a glob's floor counts once.
    pub before: u64,
    /// The sum in the new revision.
    pub after: u64,
}

/// Holds `new` against the revision in force, over the 28 days from `now`. `percent` is the share that may go at once,
/// 0 to 100; 100 lets everything pass. `None`: nothing speaks against it.
///
/// Both revisions are asked about the targets and globs of either, so that a list of names that a glob replaces is not
/// gone. How many services a glob fits is not known here: it is one target.
pub fn judge(in_force: &Schedules, new: &Schedules, now: Timestamp, percent: u8) -> Option<Held> {
    let rows: BTreeSet<TargetPattern> = in_force.rows().into_iter().chain(new.rows()).collect();
    let span = Span { from: now, to: now.checked_add(HORIZON).unwrap_or(Timestamp::MAX) };
    let before = in_force.lanes(&rows, Reach::Covering, span);
    let after = new.lanes(&rows, Reach::Covering, span);
    let own: BTreeSet<TargetPattern> = in_force.rows().into_iter().collect();
    let taken_out = taken_out(rows.iter().zip(pairs(&before, &after)).filter(|(row, _)| own.contains(row)));
    let taken_out = Some(taken_out).filter(|taken| {
        let gone = taken.targets.len();
        gone > FEW_TARGETS && exceeds(gone as u64, taken.of as u64, percent)
    });
    let fall = deepest_fall(&before, &after, |fall| {
        let tasks = fall.before.saturating_sub(fall.after);
        tasks > FEW_TASKS && exceeds(tasks, fall.before, percent)
    });
    (taken_out.is_some() || fall.is_some()).then_some(Held { percent, taken_out, fall })
}

/// The document that lets a held revision pass: added to its source, in the same review, it names the revision that is
/// left, and so is spent once that is no longer the one in force.
pub fn acknowledgement(digest_in_force: &str) -> String {
    let name = digest_in_force.get(..12).unwrap_or(digest_in_force);
    format!(
        "apiVersion: baseload/v1\nkind: Acknowledgement\nmetadata:\n  name: leaves-{name}\n\
         spec:\n  leaves: {digest_in_force}\n"
    )
}

fn exceeds(part: u64, whole: u64, percent: u8) -> bool {
    u128::from(part) * 100 > u128::from(whole) * u128::from(percent)
}

/// For each row, whether a schedule takes part before and after.
fn pairs(before: &Lanes, after: &Lanes) -> impl Iterator<Item = (bool, bool)> {
    let is_governed = |lanes: &Lanes, row: usize| lanes.lanes[lanes.of_rows[row]].is_governed;
    (0..before.of_rows.len()).map(move |row| (is_governed(before, row), is_governed(after, row)))
}

fn taken_out<'a>(rows: impl Iterator<Item = (&'a TargetPattern, (bool, bool))>) -> TakenOut {
    let kept: Vec<_> = rows.filter(|(_, (before, _))| *before).collect();
    let targets = kept.iter().filter(|(_, (_, after))| !after).map(|(row, _)| (*row).clone()).collect();
    TakenOut { targets, of: kept.len() }
}

/// The deepest of the falls that count, the earliest of those alike.
fn deepest_fall(before: &Lanes, after: &Lanes, counts: impl Fn(&Fall) -> bool) -> Option<Fall> {
    let (mut sum_before, mut sum_after) = (0, 0);
    let mut deepest: Option<Fall> = None;
    let steps = steps(before, after);
    for at_once in steps.chunk_by(|one, other| one.at == other.at) {
        for step in at_once {
            sum_before += step.before;
            sum_after += step.after;
        }
        let fall = Fall { at: at_once[0].at, before: tasks(sum_before), after: tasks(sum_after) };
        let depth = |fall: &Fall| fall.before.saturating_sub(fall.after);
        if counts(&fall) && deepest.is_none_or(|deepest| depth(&fall) > depth(&deepest)) {
            deepest = Some(fall);
        }
    }
    deepest
}

/// By how much the sums change at an instant.
struct Step {
    at: Timestamp,
    before: i64,
    after: i64,
}

/// Every change of every row's floor, in the order of time.
fn steps(before: &Lanes, after: &Lanes) -> Vec<Step> {
    let olds = rises_and_falls(before).map(|(at, by)| Step { at, before: by, after: 0 });
    let news = rises_and_falls(after).map(|(at, by)| Step { at, before: 0, after: by });
    let mut steps: Vec<Step> = olds.chain(news).collect();
    steps.sort_by_key(|step| step.at);
    steps
}

fn rises_and_falls(lanes: &Lanes) -> impl Iterator<Item = (Timestamp, i64)> {
    let mut rows = vec![0_i64; lanes.lanes.len()];
    lanes.of_rows.iter().for_each(|lane| rows[*lane] += 1);
    lanes.lanes.iter().zip(rows).flat_map(|(lane, rows)| {
        let mut held = 0;
        lane.segments.iter().map(move |segment| {
            let floor = segment.decision.as_ref().map_or(0, |decision| i64::from(decision.floor.min));
            (segment.span.from, rows * (floor - std::mem::replace(&mut held, floor)))
        })
    })
}

fn tasks(sum: i64) -> u64 {
    u64::try_from(sum).expect("no floor is below zero, so no sum of them is")
}

impl Held {
    /// Each reason as a sentence, with its numbers.
    pub fn reasons(&self) -> Vec<String> {
        let targets = self.taken_out.as_ref().map(|taken| taken.told(self.percent));
        let floors = self.fall.as_ref().map(|fall| fall.told(self.percent));
        targets.into_iter().chain(floors).collect()
    }
}

impl TakenOut {
    fn told(&self, percent: u8) -> String {
        let TakenOut { targets, of } = self;
        let gone = targets.len();
        let share = share(gone as u64, *of as u64);
        let named: Vec<String> = targets.iter().take(NAMED).map(ToString::to_string).collect();
        let more = if gone > NAMED { format!(" and {} more", gone - NAMED) } else { String::new() };
        format!(
            "it takes out {gone} of {of} targets ({share} %; {percent} % may go at once): {}{more}",
            named.join(", ")
        )
    }
}

impl Fall {
    fn told(&self, percent: u8) -> String {
        let Fall { at, before, after } = *self;
        let share = share(before - after, before);
        format!(
            "at {} the declared floors add up to {after} tasks instead of {before}: {} fewer ({share} %; {percent} % may go \
             at once)",
            instant(at),
            before - after
        )
    }
}

/// In percent, to a tenth, rounded up: what is over a limit never reads as if it were on it.
fn share(part: u64, whole: u64) -> String {
    let tenths = (u128::from(part) * 1000).div_ceil(u128::from(whole.max(1)));
    match (tenths / 10, tenths % 10) {
        (percent, 0) => percent.to_string(),
        (percent, tenth) => format!("{percent}.{tenth}"),
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "held by the shrink guard: {}", self.reasons().join("; and "))
    }
}
