//! An outage is over for everyone as soon as it is for one: nobody sits out the pause that it brought.

use jiff::{SignedDuration, Timestamp};

use super::domain::Domain;
use crate::ecs::ErrorKind;

/// Where some calls fail and some do not, everyone is let go no more often than this, so that pauses are pauses.
const REST: SignedDuration = SignedDuration::from_mins(1);

/// While looks fail for everyone, one is tried at least this often, whoever pauses: the end of an outage is soon known.
const PROBE: SignedDuration = SignedDuration::from_secs(5);

/// What kind of call tells of an outage. Writes may fail where looks do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    Looks,
    Writes,
}

/// Whether calls of a kind fail for a reason that is no single target's.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Outage {
    is_on: bool,
    ended: Option<Timestamp>,
}

impl Outage {
    /// Notes how a call ended; whether an outage is over by it.
    fn note(&mut self, outcome: Result<(), ErrorKind>, now: Timestamp) -> bool {
        match outcome {
            Err(kind) => self.is_on |= is_everyones(kind),
            Ok(()) if self.is_on && self.ended.is_none_or(|at| now.duration_since(at) >= REST) => {
                *self = Outage { is_on: false, ended: Some(now) };
                return true;
            }
            Ok(()) => {}
        }
        false
    }
}

impl Domain {
    /// Notes how a call ended, and where an outage is over by it lets those go that pause because of it: all for whom the
    /// same door was shut, and those who write as well where it was the way to AWS that was cut.
    pub(super) fn note_outcome(&mut self, door: Door, outcome: Result<(), ErrorKind>, now: Timestamp) {
        let outage = match door {
            Door::Looks => &mut self.outages.looks,
            Door::Writes => &mut self.outages.writes,
        };
        if !outage.note(outcome, now) {
            return;
        }
        let may_write = |kind| if door == Door::Writes { is_everyones(kind) } else { is_on_the_way(kind) };
        self.doubt_all();
        for row in self.rows.values_mut() {
            row.looks.cut_short(is_everyones, now, &mut self.jitter);
            row.writes.cut_short(may_write, now, &mut self.jitter);
        }
    }
}

/// The outages of one site, by the kind of call.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Outages {
    looks: Outage,
    writes: Outage,
    /// When targets were last looked at before the next look at all of them.
    probed: Option<Timestamp>,
}

impl Outages {
    /// Whether somebody who pauses is to be looked at all the same, to see whether AWS answers again.
    pub(super) fn want_a_probe(&self, now: Timestamp) -> bool {
        self.looks.is_on && self.probed.is_none_or(|at| now.duration_since(at) >= PROBE)
    }

    /// Somebody is looked at.
    pub(super) fn probe(&mut self, now: Timestamp) {
        self.probed = Some(now);
    }

    /// Moves what is kept with a clock that stepped back.
    pub(super) fn shift(&mut self, by: SignedDuration) {
        [&mut self.looks.ended, &mut self.writes.ended, &mut self.probed]
            .into_iter()
            .for_each(|at| *at = at.and_then(|at| at.checked_sub(by).ok()));
    }
}

/// Whether a failure says something of AWS, or of the way to it, and not of a target.
fn is_everyones(kind: ErrorKind) -> bool {
    is_on_the_way(kind) || kind == ErrorKind::Unavailable
}

fn is_on_the_way(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Unreachable | ErrorKind::OutcomeUnknown | ErrorKind::Credentials)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controller::backoff::tests::error;
    use crate::controller::row::Row;
    use crate::model::{Site, TargetId};
    use crate::timetable::{Board, Schedules};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    #[test]
    fn an_outage_is_over_once_and_where_calls_fail_now_and_then_once_a_minute_at_the_most() {
        let mut outage = Outage::default();
        assert!(!outage.note(Ok(()), NOW), "there was none");
        assert!(!outage.note(Err(ErrorKind::Unavailable), NOW));
        assert!(outage.note(Ok(()), NOW));
        assert!(!outage.note(Ok(()), NOW));
        outage.note(Err(ErrorKind::Unavailable), NOW);
        assert!(!outage.note(Ok(()), NOW + REST - SignedDuration::from_secs(1)));
        assert!(outage.note(Ok(()), NOW + REST), "it is not forgotten");
    }

    #[test]
    fn when_writes_come_through_again_those_go_who_pause_because_aws_failed_and_looks_let_go_only_what_was_cut_off() {
        for (door, kind, goes) in [
            (Door::Writes, ErrorKind::Unavailable, true),
            (Door::Writes, ErrorKind::Unreachable, true),
            (Door::Writes, ErrorKind::Denied, false),
            (Door::Looks, ErrorKind::Unavailable, false),
            (Door::Looks, ErrorKind::Unreachable, true),
        ] {
            let (mut domain, target) = (Domain::new(Site::HOME, 0), TargetId::new("shop", "www"));
            let members = Board::new(Schedules::default().into(), NOW).members(&target);
            let mut row = Row::new(members, SignedDuration::ZERO);
            for _ in 0..9 {
                row.writes.fail(error(kind), NOW, &mut domain.jitter);
            }
            domain.rows.insert(target.clone(), Box::new(row));
            domain.note_outcome(door, Err(ErrorKind::Unavailable), NOW);
            domain.note_outcome(door, Ok(()), NOW);
            assert_eq!(
                domain.rows[&target].writes.is_over(NOW + SignedDuration::from_secs(1)),
                goes,
                "{door:?} {kind:?}"
            );
        }
    }

    #[test]
    fn what_is_one_targets_own_failure_is_no_outage() {
        for kind in
            [ErrorKind::Invalid, ErrorKind::NotFound, ErrorKind::Denied, ErrorKind::Conflict, ErrorKind::Throttled]
        {
            let mut outage = Outage::default();
            outage.note(Err(kind), NOW);
            assert!(!outage.note(Ok(()), NOW), "{kind:?}");
        }
    }

    #[test]
    fn while_looks_fail_somebody_is_looked_at_every_so_often_and_a_step_back_of_the_clock_changes_no_age() {
        let (second, start) = (SignedDuration::from_secs(1), Timestamp::UNIX_EPOCH);
        let mut outages = Outages::default();
        assert!(!outages.want_a_probe(start), "nothing fails");
        outages.looks.note(Err(ErrorKind::Unreachable), start);
        assert!(outages.want_a_probe(start));
        outages.probe(start);
        assert!(!outages.want_a_probe(start + PROBE - second) && outages.want_a_probe(start + PROBE));
        outages.shift(second * 50);
        let start = start - second * 50;
        assert!(!outages.want_a_probe(start + PROBE - second) && outages.want_a_probe(start + PROBE));
    }
}
