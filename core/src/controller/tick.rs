//! One tick: what is declared now, and the verdict on each target.

use std::panic::{AssertUnwindSafe, catch_unwind};

use jiff::{SignedDuration, Timestamp};

use super::clock::WallClock;
use super::row::Row;
use super::{Fact, Settings};
use crate::ecs::ScalableTarget;
use crate::model::{Span, TargetId};
use crate::plan::{self, Circumstances, LeftAlone, Verdict};
use crate::timetable::Board;

/// One tick's view of the world.
pub(super) struct Tick<'a> {
    pub(super) now: Timestamp,
    previous: Option<Timestamp>,
    board: &'a Board,
    /// A look that left before this is no ground for lowering anything.
    fresh_from: Timestamp,
    clock_is_trusted: bool,
    settings: &'a Settings,
}

impl<'a> Tick<'a> {
    pub(super) fn new(
        now: Timestamp,
        previous: Option<Timestamp>,
        board: &'a Board,
        clock: &WallClock,
        settings: &'a Settings,
    ) -> Self {
        let fresh_from = clock.fresh_from(now, settings.resync.saturating_mul(2));
        Tick { now, previous, board, fresh_from, clock_is_trusted: clock.is_trusted(), settings }
    }

    /// A panic in one target's path takes that target out and no other.
    pub(super) fn consider_contained(&self, target: &TargetId, row: &mut Row, facts: &mut Vec<Fact>) {
        if row.broken.is_some() {
            return;
        }
        let contained = catch_unwind(AssertUnwindSafe(|| self.consider(target, row, facts)));
        if let Err(panic) = contained {
            let message = panic_message(panic.as_ref());
            facts.push(Fact::Panicked { target: target.clone(), message: message.clone() });
            row.break_down(target, message, self.now, facts);
        }
    }

    fn consider(&self, target: &TargetId, row: &mut Row, facts: &mut Vec<Fact>) {
        if row.decided_in != self.board.turn() {
            row.decided_in = self.board.turn();
            self.decide(target, row, facts);
        }
        let circumstances = Circumstances {
            now: self.now,
            fresh_from: self.fresh_from,
            clock_is_trusted: self.clock_is_trusted,
            highest_soon: self.highest_soon(row),
            defer_during_deployment: self.defer_during_deployment(row),
        };
        let verdict = match row.decision {
            None if !self.board.schedules().allowed().admits(target) => Verdict::LeftAlone(LeftAlone::NotAllowed),
            _ => (self.settings.planner)(target, row.decision.as_ref(), &row.seen, &row.history, &circumstances),
        };
        let is_new = verdict != row.verdict;
        row.settle(target, verdict, self.now, facts);
        self.note_when_needed(row);
        if self.settings.dry_run
            && is_new
            && let Some(action) = row.verdict.action()
        {
            facts.push(row.would_apply(action.clone()));
        }
    }

    fn decide(&self, target: &TargetId, row: &mut Row, facts: &mut Vec<Fact>) {
        let decision = self.board.decide(&row.members);
        if decision != row.decision {
            let boundary = self.boundary(row);
            facts.push(Fact::Declared {
                target: target.clone(),
                before: row.decision.clone(),
                after: decision.clone(),
            });
            row.decide(decision, boundary);
        }
    }

    /// Only where a write waits for its turn does it matter how long it may.
    fn note_when_needed(&self, row: &mut Row) {
        if let (None, Some(_), Some(decision)) = (row.needed_at, row.verdict.action(), &row.decision) {
            row.needed_at = Some(self.board.needed_at(&row.members, decision, self.now));
        }
    }

    /// Only where someone else raised the minimum above what is declared does it matter what will be.
    fn highest_soon(&self, row: &Row) -> u32 {
        let declared = row.decision.as_ref().map_or(0, |decision| decision.floor.min);
        let raised = |live: &ScalableTarget| live.min > declared && row.history.would_correct(*live);
        let Some(to) = self.now.checked_add(plan::TWIN).ok().filter(|_| row.seen.bounds().as_ref().is_some_and(raised))
        else {
            return declared;
        };
        if self.board.stays_until(&row.members, to) {
            return declared;
        }
        let segments = self.board.segments(&row.members, Span { from: self.now, to });
        let minima = segments.iter().filter_map(|segment| Some(segment.decision.as_ref()?.floor.min));
        minima.max().unwrap_or(declared)
    }

    fn defer_during_deployment(&self, row: &Row) -> SignedDuration {
        if !plan::is_deployed_by_code_deploy(&row.seen) {
            return SignedDuration::ZERO;
        }
        let winner = row.decision.as_ref().and_then(|decision| self.board.schedules().get(&decision.schedule));
        winner.map_or(SignedDuration::ZERO, |schedule| schedule.defer_during_deployment)
    }

    /// The boundary at which what is declared now began, where it lies after the tick before.
    fn boundary(&self, row: &Row) -> Option<Timestamp> {
        let previous = self.previous?;
        let next_second = Timestamp::from_second(self.now.as_second() + 1).ok()?;
        let segments = self.board.segments(&row.members, Span { from: previous, to: next_second });
        segments.last().map(|segment| segment.span.from).filter(|from| *from > previous)
    }
}

/// What a panic said, from what was caught of it.
pub fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}
