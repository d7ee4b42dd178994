//! One schedule at an instant: overrides over windows over the default, then the lead time.
//!
//! ```text
//! base   3 ───────┐1 ──────────┐3 ─────────
//! floor  3 ───────┐1 ───────┐3 ────────────     a rise comes early by the lead time, a fall does not
//!                           └ leadTime ┘
//! ```

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::civil::{DAY, Edge, NEVER, Wall, elapsed, seconds_of};
use super::occurrence::{Occurrence, Occurrences, Stretch};
use super::{Cause, MINUTES_A_WEEK, Override, Schedule, Window};
use crate::model::Floor;

/// A schedule's rules in order of precedence, ready to be evaluated.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) name: Arc<str>,
    pub(super) priority: i64,
    /// Seconds.
    pub(super) lead: i64,
    pub(super) default: Option<Floor>,
    /// Overrides first; in each kind the highest `min` first, then as declared.
    pub(super) items: Vec<Item>,
    pub(super) zone: TimeZone,
    /// The longest that windows hold without a pause where the clock does not jump, in seconds; [`NEVER`] where they
    /// hold all week. Looked up with a lead time only.
    longest_hold: i64,
}

/// A window or an override.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) cause: Cause,
    pub(super) floor: Floor,
    when: When,
}

#[derive(Clone, Debug)]
enum When {
    Once(Occurrence),
    Often(Box<Occurrences>),
}

/// What one schedule declares at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    /// Which of the items; their number stands for the default.
    pub(super) item: usize,
    pub(super) floor: Floor,
}

/// A claim and the instant up to which nothing changes it. The next run may make the same claim again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) claim: Option<Claim>,
    pub(super) until: i64,
}

impl Rules {
    pub(super) fn of(schedule: &Schedule) -> Self {
        let mut overrides: Vec<Item> =
            schedule.overrides.iter().filter_map(|item| Item::once(item, &schedule.zone)).collect();
        let mut windows: Vec<Item> = schedule.windows.iter().map(Item::often).collect();
        overrides.sort_by_key(|item| Reverse(item.floor.min));
        windows.sort_by_key(|item| Reverse(item.floor.min));
        let longest_hold = if schedule.lead_time.is_zero() { NEVER } else { longest_hold(&windows) };
        overrides.append(&mut windows);
        Rules {
            name: Arc::clone(&schedule.name),
            priority: schedule.priority,
            lead: elapsed(schedule.lead_time),
            default: schedule.default,
            items: overrides,
            zone: schedule.zone.clone(),
            longest_hold,
        }
    }

    /// Whether any of them declares a max.
    pub(super) fn declare_max(&self) -> bool {
        let mut floors = self.items.iter().map(|item| item.floor).chain(self.default);
        floors.any(|floor| floor.max.is_some())
    }

    pub(super) fn cause(&self, item: usize) -> Cause {
        self.items.get(item).map_or(Cause::Default, |item| item.cause.clone())
    }
}

impl Item {
    /// `None` where the clock skips the whole of it.
    fn once(item: &Override, zone: &TimeZone) -> Option<Self> {
        let wall = Wall::new(zone);
        let start = wall.instant(seconds_of(item.from), Edge::Start);
        let end = wall.instant(seconds_of(item.to), Edge::End);
        let when = When::Once(Occurrence { start, end });
        let cause = Cause::Override(Arc::clone(&item.name));
        (start < end).then_some(Item { cause, floor: item.floor, when })
    }

    fn often(window: &Window) -> Self {
        let cause = Cause::Window(Arc::clone(&window.name));
        Item { cause, floor: window.floor, when: When::Often(Box::new(Occurrences::of(window))) }
    }

    pub(super) fn is_override(&self) -> bool {
        matches!(self.when, When::Once(_))
    }

    /// How many days before an instant an occurrence that still holds may have started, as written.
    fn days_back(&self) -> i64 {
        match &self.when {
            When::Once(_) => 0,
            When::Often(occurrences) => occurrences.days_back(),
        }
    }

    fn stretch(&self, wall: &mut Wall<'_>, at: i64, lead: i64) -> Stretch {
        match &self.when {
            When::Once(occurrence) => occurrence.stretch(at, lead),
            When::Often(occurrences) => occurrences.stretch(wall, at, lead),
        }
    }

    fn next_held(&self, wall: &mut Wall<'_>, at: i64, lead: i64) -> i64 {
        match &self.when {
            When::Once(occurrence) if occurrence.end <= at => NEVER,
            When::Once(occurrence) => at.max(occurrence.start - lead),
            When::Often(occurrences) => occurrences.next_held(wall, at, lead),
        }
    }

    /// The occurrence that holds at `at`; where several do, the latest.
    pub(super) fn occurrence(&self, wall: &mut Wall<'_>, at: i64) -> Option<Occurrence> {
        match &self.when {
            When::Once(occurrence) => (occurrence.start <= at && at < occurrence.end).then_some(*occurrence),
            When::Often(occurrences) => occurrences.latest(wall, at, at),
        }
    }
}

/// A stretch that is over.
const UNKNOWN: Stretch = Stretch { on: false, until: i64::MIN };

/// A schedule followed forward through time.
#[derive(Clone, Debug)]
pub(super) struct Course<'a> {
    pub(super) rules: &'a Rules,
    wall: Wall<'a>,
    /// For each item, what is known of it; renewed when its end has passed.
    stretches: Vec<Stretch>,
    /// The same with the lead time; empty until asked for. Apart from `held_early`, because to know how far occurrences
    /// chain may take long.
    early: Vec<Stretch>,
    /// For each item, when it is held next, lead time included; renewed when that has passed. Empty until asked for.
    held_early: Vec<i64>,
    /// The base from the last instant asked for to the end of its lead time.
    runs: VecDeque<Run>,
}

impl<'a> Course<'a> {
    pub(super) fn new(rules: &'a Rules) -> Self {
        Course {
            rules,
            wall: Wall::new(&rules.zone),
            stretches: vec![UNKNOWN; rules.items.len()],
            early: Vec::new(),
            held_early: Vec::new(),
            runs: VecDeque::new(),
        }
    }

    /// What the schedule declares at `at`, which never goes back.
    pub(super) fn at(&mut self, at: i64) -> Run {
        if self.rules.lead == 0 {
            return self.base(at);
        }
        let last_until = self.look_ahead(at);
        let current = self.runs[0];
        let best = self.runs.iter().fold(current.claim, |best, run| higher(best, run.claim));
        let claim = best.map(|best| with_max_kept(best, current.claim));
        let next_comes_in_sight = if last_until == NEVER { NEVER } else { last_until - self.rules.lead };
        Run { claim, until: current.until.min(next_comes_in_sight) }
    }

    /// Brings the runs to cover `at` to the end of its lead time, both included, and says how far they reach.
    fn look_ahead(&mut self, at: i64) -> i64 {
        while self.runs.front().is_some_and(|run| run.until <= at) {
            self.runs.pop_front();
        }
        let mut reached = self.runs.back().map_or(at, |run| run.until);
        while self.runs.is_empty() || reached <= at + self.rules.lead {
            let run = self.base(reached);
            reached = run.until;
            self.runs.push_back(run);
        }
        reached
    }

    /// The first instant from `at` to the end of its lead time at which no less than `min` holds before the lead time.
    pub(super) fn reaches(&mut self, min: u32, at: i64) -> Option<i64> {
        let mut from = at;
        while from <= at + self.rules.lead {
            let run = self.base(from);
            if run.claim.is_some_and(|claim| claim.floor.min >= min) {
                return Some(from);
            }
            from = run.until;
        }
        None
    }

    /// What holds at `at` before the lead time.
    pub(super) fn base(&mut self, at: i64) -> Run {
        let (winner, until) = self.first_on(0, at);
        let Some(item) = winner else { return Run { claim: self.default_claim(), until } };
        let floor = self.rules.items[item].floor;
        if floor.max.is_some() || !self.rules.items[item].is_override() {
            return Run { claim: Some(Claim { item, floor }), until };
        }
        let (max, max_until) = self.max_beneath(item, at);
        let max = max.map(|max| max.max(floor.min));
        Run { claim: Some(Claim { item, floor: Floor { max, ..floor } }), until: until.min(max_until) }
    }

    fn default_claim(&self) -> Option<Claim> {
        self.rules.default.map(|floor| Claim { item: self.rules.items.len(), floor })
    }

    /// The max that would hold without the override `item`. Overrides without one that lie beneath it hand it on: their
    /// own `min` is no higher than that of `item`.
    fn max_beneath(&mut self, item: usize, at: i64) -> (Option<u32>, i64) {
        let mut until = NEVER;
        let mut beneath = item + 1;
        loop {
            let (winner, changes) = self.first_on(beneath, at);
            until = until.min(changes);
            let Some(winner) = winner else { return (self.rules.default.and_then(|floor| floor.max), until) };
            let next = &self.rules.items[winner];
            if next.floor.max.is_some() || !next.is_override() {
                return (next.floor.max, until);
            }
            beneath = winner + 1;
        }
    }

    /// The first item from `first` on that is in force at `at`, and until when that stays so.
    fn first_on(&mut self, first: usize, at: i64) -> (Option<usize>, i64) {
        let mut until = NEVER;
        for index in first..self.stretches.len() {
            if self.stretches[index].until <= at {
                self.stretches[index] = self.rules.items[index].stretch(&mut self.wall, at, 0);
            }
            let stretch = self.stretches[index];
            until = until.min(stretch.until);
            if stretch.on {
                return (Some(index), until);
            }
        }
        (None, until)
    }

    /// The first instant from `at` on at which an item whose index and floor disturb may count, lead time included.
    pub(super) fn disturbed(&mut self, at: i64, disturbs: impl Fn(usize, Floor) -> bool) -> i64 {
        self.held_early.resize(self.rules.items.len(), i64::MIN);
        let mut earliest = NEVER;
        for (index, item) in self.rules.items.iter().enumerate() {
            if disturbs(index, item.floor) {
                if self.held_early[index] < at {
                    self.held_early[index] = item.next_held(&mut self.wall, at, self.rules.lead);
                }
                earliest = earliest.min(self.held_early[index]);
            }
        }
        earliest
    }

    /// An instant up to which this claim, which holds at `at`, is sure to hold, however often the base changes beneath.
    pub(super) fn undisturbed(&mut self, at: i64, claim: Claim) -> i64 {
        let Some(item) = self.rules.items.get(claim.item) else { return self.default_undisturbed(at, claim) };
        let max_from_elsewhere = item.floor.max != claim.floor.max;
        if max_from_elsewhere && self.rules.lead > 0 {
            return at;
        }
        let disturbs = |floor: Floor| {
            let gives_other_max = floor.max.map(|max| max.max(claim.floor.min)) != claim.floor.max;
            let outbids_max = if max_from_elsewhere { gives_other_max } else { floor.max > claim.floor.max };
            floor.min >= claim.floor.min || outbids_max
        };
        if self.rules.default.is_some_and(disturbs) {
            return at;
        }
        let others = self.disturbed(at, |index, floor| {
            index != claim.item && (disturbs(floor) || self.rules.items[index].is_override())
        });
        self.early.resize(self.rules.items.len(), UNKNOWN);
        if self.early[claim.item].until <= at {
            self.early[claim.item] = item.stretch(&mut self.wall, at, self.rules.lead);
        }
        let held = self.early[claim.item];
        if held.on { held.until.min(others) } else { at }
    }

    /// The same for the default, which the lead time brings back at once where windows hold for no longer than it.
    fn default_undisturbed(&mut self, at: i64, claim: Claim) -> i64 {
        let lead = self.rules.lead;
        let Some((first_plain, last_plain)) = self.wall.plain_days(at) else { return at };
        let days_back = self.rules.items.iter().map(Item::days_back).max().unwrap_or(0);
        let settled = first_plain.saturating_add(days_back) <= self.wall.local(at).div_euclid(DAY);
        if self.rules.longest_hold > lead || !settled {
            return at;
        }
        let outbids = |floor: Floor| floor.min >= claim.floor.min || floor.max > claim.floor.max;
        let others = self.disturbed(at, |index, floor| outbids(floor) || self.rules.items[index].is_override());
        let next_jump = match last_plain {
            i64::MAX => NEVER,
            last => self.wall.instant((last + 1) * DAY, Edge::Start) - lead,
        };
        others.min(next_jump)
    }
}

/// See [`Rules::longest_hold`].
fn longest_hold(windows: &[Item]) -> i64 {
    let mut held_from = [0; MINUTES_A_WEEK];
    for item in windows {
        if let When::Often(occurrences) = &item.when {
            occurrences.mark_week(&mut held_from);
        }
    }
    let (mut held_until, mut since, mut longest) = (0, 0, 0);
    for week in [0, MINUTES_A_WEEK] {
        for (minute, length) in held_from.iter().enumerate().filter(|(_, length)| **length > 0) {
            let start = week + minute;
            if held_until < start {
                since = start;
            }
            held_until = held_until.max(start + length);
            longest = longest.max(held_until - since);
        }
    }
    if longest >= MINUTES_A_WEEK { NEVER } else { longest as i64 * 60 }
}

/// The claim with the higher `min`, the first where they tie.
fn higher(first: Option<Claim>, second: Option<Claim>) -> Option<Claim> {
    match (first, second) {
        (Some(a), Some(b)) if b.floor.min > a.floor.min => Some(b),
        (Some(a), _) => Some(a),
        (None, second) => second,
    }
}

/// A claim that is taken early keeps the max from falling early.
fn with_max_kept(claim: Claim, current: Option<Claim>) -> Claim {
    let kept = claim.floor.max.max(current.and_then(|current| current.floor.max));
    let max = kept.map(|max| max.max(claim.floor.min));
    Claim { floor: Floor { max, ..claim.floor }, ..claim }
}
