//! Writing: which write leaves next, and what its outcome changes.

use jiff::Timestamp;

use super::Fact;
use super::domain::Domain;
use super::outage::Door;
use super::tick::Tick;
use crate::ecs::{Action, EcsError};

impl Domain {
    pub(super) fn next_write(&mut self, tick: &Tick<'_>, facts: &mut Vec<Fact>) -> Option<Action> {
        if !self.pacer.admits(tick.now, self.queue.len()) {
            return None;
        }
        let action = self.next_in_queue(tick, facts)?;
        self.pacer.sent(tick.now, self.queue.len());
        Some(action)
    }

    /// The most urgent write that is still due: who waits may have left, and a look may have become too old to lower on.
    fn next_in_queue(&mut self, tick: &Tick<'_>, facts: &mut Vec<Fact>) -> Option<Action> {
        loop {
            let (_, target) = self.queue.pop_first()?;
            let Some(row) = self.rows.get_mut(&target) else { continue };
            row.queued = None;
            tick.consider_contained(&target, row, facts);
            if row.may_write(tick.now)
                && let Some(action) = row.send(tick.now)
            {
                return Some(action);
            }
        }
    }

    pub(super) fn applied(
        &mut self,
        action: &Action,
        outcome: Result<(), EcsError>,
        now: Timestamp,
        facts: &mut Vec<Fact>,
    ) {
        let kind = outcome.as_ref().copied().map_err(|error| error.kind);
        self.pacer.returned(kind, now, &mut self.jitter);
        self.note_outcome(Door::Writes, kind, now);
        let Some(row) = self.rows.get_mut(&action.target) else { return };
        self.doubted.add(&action.target);
        let Some(sent) = row.in_flight.take() else { return };
        match outcome {
            Ok(()) => {
                facts.push(row.accepted(*sent, now));
                self.stirred = Some(now);
                self.due.survey |= row.survey_due;
            }
            Err(error) => {
                let repeated = row.writes.error().is_some_and(|before| before.kind == error.kind);
                row.refused(error.clone(), now, &mut self.jitter);
                let retry_at = row.writes.not_before();
                facts.push(Fact::Refused { target: action.target.clone(), error, repeated, retry_at });
            }
        }
        if row.leaving {
            self.rows.remove(&action.target);
        }
    }
}
