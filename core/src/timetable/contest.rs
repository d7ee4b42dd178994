//! Several schedules for one target: who wins, whose max fills in, and when the outcome differs.

use super::civil::{DAY, NEVER};
use super::rules::{Claim, Course, Rules, Run};
use crate::model::Floor;

/// What holds for a target: whose claim won, and the floor with its max filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    /// The schedule's index.
    pub(super) schedule: usize,
    pub(super) item: usize,
    pub(super) floor: Floor,
    /// The index of the schedule that gave the max, where it is another's.
    pub(super) max_from: Option<usize>,
}

/// A schedule that takes part, as the contest sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entrant {
    pub(super) schedule: usize,
    pub(super) priority: i64,
    pub(super) claim: Claim,
}

impl Entrant {
    /// The first of two that rank alike wins, so entrants are given in order of precedence.
    fn rank(&self) -> (i64, u32) {
        (self.priority, self.claim.floor.min)
    }
}

/// Decides among those that take part, given in order of precedence: highest priority first, then by name.
pub(super) fn outcome(entrants: impl Iterator<Item = Entrant>) -> Option<Outcome> {
    let mut winner: Option<Entrant> = None;
    let mut giver: Option<Entrant> = None;
    for entrant in entrants {
        if winner.is_none_or(|best| entrant.rank() > best.rank()) {
            winner = Some(entrant);
        }
        if entrant.claim.floor.max.is_some() && giver.is_none_or(|best| entrant.rank() > best.rank()) {
            giver = Some(entrant);
        }
    }
    let Entrant { schedule, claim, .. } = winner?;
    let Floor { min, max } = claim.floor;
    let given = if max.is_none() { giver } else { None };
    let filled = max.or_else(|| given?.claim.floor.max.map(|max| max.max(min)));
    let floor = Floor { min, max: filled };
    Some(Outcome { schedule, item: claim.item, floor, max_from: given.map(|giver| giver.schedule) })
}

/// A target's outcome followed forward through time.
pub(super) struct Contest<'a> {
    courses: Vec<(usize, Course<'a>, Run)>,
    at: i64,
    outcome: Option<Outcome>,
}

/// So many changes without a difference are followed one by one before a leap over them is sought.
const STEPS_BEFORE_A_LEAP: u32 = 16;

/// So many changes without a difference are followed at all: a decade of two a day.
const MOST_STEPS: u32 = 8_192;

/// A leap this long passes over no change at all, not just over those up to the next jump of the clock.
const LONG_LEAP: i64 = 2 * 365 * DAY;

/// What two jumps of the clock a year have not changed for so long, they never will: by then each has fallen on every
/// weekday of every kind of year.
const CENTURY: i64 = 100 * 365 * DAY;

impl<'a> Contest<'a> {
    /// Starts at `at` with the schedules `members`, given in order of precedence.
    pub(super) fn new(rules: &'a [Rules], members: impl Iterator<Item = usize>, at: i64) -> Self {
        let unknown = Run { claim: None, until: i64::MIN };
        let courses = members.map(|index| (index, Course::new(&rules[index]), unknown)).collect();
        let mut contest = Contest { courses, at, outcome: None };
        contest.seek(at);
        contest
    }

    pub(super) fn outcome(&self) -> Option<Outcome> {
        self.outcome
    }

    /// Goes on to the first later instant at which the decision differs, and returns it, or [`NEVER`].
    ///
    /// Where thousands of changes lie beneath a decision that stays, and no leap over them is found, it returns the
    /// instant reached, although the decision is still the same there.
    pub(super) fn advance(&mut self) -> i64 {
        let held = self.outcome;
        let mut followed_since = self.at;
        for step in 0..MOST_STEPS {
            let mut next = self.next_step();
            if step >= STEPS_BEFORE_A_LEAP && next != NEVER {
                next = next.max(self.undisturbed());
            }
            if next == NEVER || self.at - followed_since > CENTURY {
                return NEVER;
            }
            if next - self.at > LONG_LEAP {
                followed_since = next;
            }
            self.seek(next);
            if !same_decision(held, self.outcome) {
                return next;
            }
        }
        self.at
    }

    fn seek(&mut self, at: i64) {
        self.at = at;
        for (_, course, run) in &mut self.courses {
            if run.until <= at {
                *run = course.at(at);
            }
        }
        self.outcome = outcome(self.courses.iter().filter_map(|(schedule, course, run)| {
            Some(Entrant { schedule: *schedule, priority: course.rules.priority, claim: run.claim? })
        }));
    }

    /// The next instant at which a claim that counts may change.
    fn next_step(&self) -> i64 {
        let matters = |course: &Course<'_>| match self.outcome {
            None => true,
            Some(outcome) => course.rules.priority >= self.priority_of(outcome) || self.may_give_max(outcome),
        };
        let runs = self.courses.iter().filter(|(_, course, _)| matters(course));
        runs.map(|(_, _, run)| run.until).min().unwrap_or(NEVER)
    }

    fn priority_of(&self, outcome: Outcome) -> i64 {
        let winner = self.courses.iter().find(|(schedule, ..)| *schedule == outcome.schedule);
        winner.map_or(i64::MIN, |(_, course, _)| course.rules.priority)
    }

    fn may_give_max(&self, outcome: Outcome) -> bool {
        outcome.max_from.is_some() || outcome.floor.max.is_none()
    }

    /// An instant up to which the decision is sure to stay, however often claims change beneath it.
    fn undisturbed(&mut self) -> i64 {
        let Some(outcome) = self.outcome else { return self.at };
        let priority = self.priority_of(outcome);
        let at = self.at;
        let mut until = if self.may_give_max(outcome) { self.max_undisturbed(outcome) } else { NEVER };
        for (schedule, course, run) in &mut self.courses {
            let safe = if *schedule == outcome.schedule {
                run.claim.map_or(at, |claim| course.undisturbed(at, claim)).max(run.until)
            } else if course.rules.priority < priority {
                NEVER
            } else {
                let first = *schedule < outcome.schedule;
                let beats = |floor: Floor| {
                    course.rules.priority > priority
                        || floor.min > outcome.floor.min
                        || first && floor.min == outcome.floor.min
                };
                if course.rules.default.is_some_and(beats) { run.until } else { course.disturbed(at, |_, f| beats(f)) }
            };
            until = until.min(safe);
        }
        until
    }

    /// An instant up to which every other schedule that may give a max is sure to give the same.
    fn max_undisturbed(&mut self, outcome: Outcome) -> i64 {
        let at = self.at;
        let mut until = NEVER;
        let mut surely_given = outcome.floor.max.is_none();
        for (schedule, course, _) in &mut self.courses {
            let rules = course.rules;
            if *schedule == outcome.schedule || !rules.declare_max() {
                continue;
            }
            if rules.default.is_some_and(|floor| gives_other_max(floor, outcome.floor)) {
                return at;
            }
            surely_given |= rules.default.is_some();
            until = until.min(course.disturbed(at, |_, floor| gives_other_max(floor, outcome.floor)));
        }
        if surely_given { until } else { at }
    }
}

/// Whether an item of `floor` may fill in another max than `filled` has. One without a max hands on another's, but no
/// less than its own `min`.
fn gives_other_max(floor: Floor, filled: Floor) -> bool {
    match floor.max {
        Some(max) => Some(max.max(filled.min)) != filled.max,
        None => Some(floor.min) > filled.max,
    }
}

/// Whether two outcomes are one decision; who gave the max is no part of it.
fn same_decision(a: Option<Outcome>, b: Option<Outcome>) -> bool {
    let decision = |outcome: Outcome| (outcome.schedule, outcome.item, outcome.floor);
    a.map(decision) == b.map(decision)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_max_may_come_from_a_max_or_from_a_minimum_above_what_is_filled_in() {
        let filled = Floor { min: 3, max: Some(4) };
        let cases = [
            (Floor { min: 1, max: Some(4) }, false),
            (Floor { min: 1, max: Some(6) }, true),
            (Floor { min: 1, max: Some(2) }, true), // no less than the minimum that won: 3
            (Floor { min: 4, max: None }, false),
            (Floor { min: 5, max: None }, true),
        ];
        for (floor, differs) in cases {
            assert_eq!(gives_other_max(floor, filled), differs, "{floor:?}");
        }
        assert!(!gives_other_max(Floor { min: 1, max: Some(2) }, Floor { min: 3, max: Some(3) }), "that is 3 too");
    }
}
