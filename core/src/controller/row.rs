//! What the controller keeps for one target, and what it does with it.

use jiff::{SignedDuration, Timestamp};

use super::pace::{Backoff, Jitter};
use super::{ChangeKind, Fact};
use crate::ecs::{Action, EcsError, ErrorKind, ScalableTarget, ServiceCounts, Survey};
use crate::model::{Floor, TargetId};
use crate::plan::{self, Accepted, ChangeCause, History, Look, Seen, Verdict};
use crate::status::{Bounds, ConditionKind, Conditions, Counts, Judged, NextStatus, TargetStatus, Truth};
use crate::timetable::{Decision, Members};

/// One target's state.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) members: Members,
    pub(super) decision: Option<Decision>,
    /// The boundary that brought the decision; `None` where it came otherwise (start, new configuration).
    pub(super) boundary: Option<Timestamp>,
    pub(super) seen: Seen,
    survey: Option<Survey>,
    /// Whether nobody has looked yet at what else is attached, or lately enough.
    pub(super) survey_due: bool,
    pub(super) history: History,
    pub(super) verdict: Verdict,
    pub(super) conditions: Conditions,
    pub(super) writes: Backoff,
    pub(super) looks: Backoff,
    pub(super) in_flight: Option<Action>,
    /// Whether it was asked for once, answered or not.
    pub(super) asked: bool,
    /// A question about this very target is under way, beside those about all.
    pub(super) looking: bool,
    /// The floor that was last seen, or accepted, as declared: a difference from it is someone else's doing.
    held: Option<Floor>,
    /// When a rise was accepted whose tasks have not all been seen running.
    raised: Option<Timestamp>,
    pub(super) corrections: u64,
    /// Set where planning this target panicked: it is out until the next configuration.
    pub(super) broken: Option<String>,
    /// What is declared next, kept until it is reached.
    pub(super) next: Option<Option<NextStatus>>,
    /// Whether conditions must be judged anew.
    dirty: bool,
}

impl Row {
    pub(super) fn new(members: Members) -> Self {
        Row {
            members,
            decision: None,
            boundary: None,
            seen: Seen::default(),
            survey: None,
            survey_due: true,
            history: History::default(),
            verdict: Verdict::Unknown,
            conditions: Conditions::default(),
            writes: Backoff::default(),
            looks: Backoff::default(),
            in_flight: None,
            asked: false,
            looking: false,
            held: None,
            raised: None,
            corrections: 0,
            broken: None,
            next: None,
            dirty: true,
        }
    }

    /// A new configuration is in force, in which these schedules count.
    pub(super) fn join(&mut self, members: Members) {
        self.members = members;
        self.next = None;
        self.broken = None;
        self.dirty = true;
    }

    /// Takes over a decision that differs from the one before.
    pub(super) fn decide(&mut self, decision: Option<Decision>, boundary: Option<Timestamp>) {
        let floor_differs = self.decision.as_ref().map(|d| d.floor) != decision.as_ref().map(|d| d.floor);
        if floor_differs {
            self.held = None;
            self.boundary = boundary;
            self.writes.renew();
        }
        self.decision = decision;
        self.next = None;
        self.dirty = true;
    }

    /// Settles on a verdict, and reports the conditions that changed with it.
    pub(super) fn settle(&mut self, target: &TargetId, verdict: Verdict, now: Timestamp, facts: &mut Vec<Fact>) {
        self.note_deferral(&verdict, now);
        if matches!(verdict, Verdict::InSync | Verdict::Limited) && self.writes.error.is_some() {
            self.writes.succeed(); // whatever failed is no longer due
            self.dirty = true;
        }
        if matches!(verdict, Verdict::InSync | Verdict::Limited | Verdict::Nudge(_)) {
            self.held = self.decision.as_ref().map(|decision| decision.floor);
        }
        if self.dirty || verdict != self.verdict {
            self.verdict = verdict;
            self.judge(target, now, facts);
        }
    }

    /// Takes the target out after a panic in its path.
    pub(super) fn break_down(&mut self, target: &TargetId, panic: String, now: Timestamp, facts: &mut Vec<Fact>) {
        self.broken = Some(panic);
        self.verdict = Verdict::Unknown;
        self.judge(target, now, facts);
    }

    fn note_deferral(&mut self, verdict: &Verdict, now: Timestamp) {
        if matches!(verdict, Verdict::Deferred(_)) {
            self.history.deferred_since.get_or_insert(now);
        } else if !plan::is_deployed_by_code_deploy(&self.seen) {
            self.history.deferred_since = None;
        }
    }

    fn judge(&mut self, target: &TargetId, now: Timestamp, facts: &mut Vec<Fact>) {
        self.dirty = false;
        let judged = Judged {
            decision: self.decision.as_ref(),
            seen: &self.seen,
            verdict: &self.verdict,
            error: self.writes.error.as_ref().or(self.looks.error.as_ref()),
            survey: self.survey.as_ref(),
            broken: self.broken.as_deref(),
        };
        let changed = self.conditions.update(&judged, now);
        facts.extend(changed.into_iter().map(|condition| Fact::ConditionChanged { target: target.clone(), condition }));
    }

    /// Takes in a look at the bounds, unless a write has overtaken it.
    pub(super) fn saw_target(&mut self, asked: Timestamp, value: Option<ScalableTarget>) {
        self.asked = true;
        self.looking = false;
        self.looks.succeed();
        self.dirty = true;
        let overtaken = self.history.accepted.is_some_and(|accepted| asked < accepted.at);
        if self.in_flight.is_some() || overtaken {
            return;
        }
        self.seen.target = Some(Look { asked, value });
        if self.history.outcome_unknown.is_some_and(|sent| asked >= sent) {
            self.history.outcome_unknown = None;
        }
        if value.is_none() {
            self.survey = None; // a service that is made anew has none of the old one's policies
            self.survey_due = true;
        }
    }

    /// Takes in a look at the service's counts.
    pub(super) fn saw_counts(
        &mut self,
        target: &TargetId,
        asked: Timestamp,
        value: Option<ServiceCounts>,
        now: Timestamp,
        facts: &mut Vec<Fact>,
    ) {
        self.seen.counts = Some(Look { asked, value });
        self.dirty = true;
        let floor = self.decision.as_ref().map_or(0, |decision| decision.floor.min);
        let Some(raised) = self.raised else { return };
        if asked >= raised && value.is_some_and(|service| service.running >= floor) {
            self.raised = None;
            facts.push(Fact::TasksReady { target: target.clone(), floor, after: now.duration_since(raised) });
        }
    }

    /// Takes in what else is attached to the target.
    pub(super) fn saw_survey(&mut self, survey: Option<Survey>) {
        self.survey = Some(survey.unwrap_or_default());
        self.survey_due = false;
        self.dirty = true;
    }

    /// Notes that a look failed; what was seen before stays, and grows older.
    pub(super) fn look_failed(&mut self, error: EcsError, now: Timestamp, jitter: &mut Jitter) {
        self.asked = true;
        self.looking = false;
        self.looks.fail(error, now, jitter);
        self.dirty = true;
    }

    /// Why the write that is due is due.
    pub(super) fn kind_of_change(&self) -> ChangeKind {
        let declared = self.decision.as_ref().map(|decision| decision.floor);
        match &self.verdict {
            Verdict::Nudge(_) => ChangeKind::Nudge,
            Verdict::Change { .. } if self.held.is_some() && self.held == declared => ChangeKind::Correction,
            _ => ChangeKind::Scheduled,
        }
    }

    /// AWS accepted a write.
    pub(super) fn accepted(&mut self, target: &TargetId, action: &Action, now: Timestamp) -> Fact {
        let kind = self.kind_of_change();
        let look = self.seen.target;
        let before = self.seen.bounds();
        self.history.accepted = Some(Accepted { min: action.min, max: action.max, at: now });
        self.history.outcome_unknown = None;
        self.writes.succeed();
        // Not a new look: what we were told is as old as it was, only our own write is known to be there now.
        self.seen.target = look.map(|look| Look { value: look.value.map(|live| merged(live, action)), ..look });
        self.held = self.decision.as_ref().map(|decision| decision.floor);
        self.dirty = true;
        if kind == ChangeKind::Correction {
            self.corrections += 1;
        }
        if before.is_some_and(|live| action.min.is_some_and(|min| min > live.min)) {
            self.raised = Some(now);
        }
        let boundary = if kind == ChangeKind::Scheduled { self.boundary.take() } else { None };
        Fact::Accepted {
            target: target.clone(),
            action: action.clone(),
            kind,
            before: before.map(|live| Bounds { min: live.min, max: live.max }),
            decision: self.decision.clone(),
            lateness: boundary.map(|boundary| now.duration_since(boundary)),
        }
    }

    /// A write failed.
    pub(super) fn refused(&mut self, error: EcsError, now: Timestamp, jitter: &mut Jitter) {
        match error.kind {
            ErrorKind::OutcomeUnknown => self.history.outcome_unknown = Some(now),
            ErrorKind::NotFound => self.looks.not_before = None,
            _ => {}
        }
        self.writes.fail(error, now, jitter);
        self.dirty = true;
    }

    /// Whether a look at this very target is due, before the next one at all of them.
    pub(super) fn wants_look(&self, now: Timestamp) -> bool {
        let vanished = self.writes.error.as_ref().is_some_and(|error| {
            error.kind == ErrorKind::NotFound && self.seen.bounds().is_some() && self.in_flight.is_none()
        });
        let never_answered = self.asked && self.seen.target.is_none();
        !self.looking && self.looks.is_over(now) && (self.verdict.needs_look() || vanished || never_answered)
    }

    /// Whether the service's counts matter now: something is due, or not as it should be.
    pub(super) fn counts_matter(&self) -> bool {
        let well = self.conditions.status(ConditionKind::Held) == Truth::True
            && self.conditions.status(ConditionKind::Ready) == Truth::True;
        let settled = matches!(self.verdict, Verdict::InSync | Verdict::LeftAlone(_) | Verdict::NotRegistered);
        self.raised.is_some() || !well || !settled
    }

    /// Whether a write is under way, or will be as soon as a pause is over.
    pub(super) fn is_moving(&self) -> bool {
        let may_help = self.writes.error.as_ref().is_none_or(|error| error.kind.is_passing());
        let due = self.verdict.action().is_some() || self.verdict.needs_look();
        self.in_flight.is_some() || (due && may_help)
    }

    /// What the pacer sorts by: rises first, then nudges, then falls; the largest shortfall first.
    pub(super) fn urgency(&self) -> Option<Urgency> {
        let action = self.verdict.action()?;
        let have = match &self.verdict {
            Verdict::Nudge(_) => self.seen.service().map_or(0, |service| service.desired),
            _ => self.seen.bounds().map_or(0, |live| live.min),
        };
        let shortfall = action.min.map_or(0, |min| min.saturating_sub(have));
        let class = match &self.verdict {
            Verdict::Change { cause: ChangeCause::Rise, .. } => 0,
            Verdict::Nudge(_) => 1,
            _ if shortfall > 0 => 0, // the minimum rises while the maximum falls
            _ => 2,
        };
        Some((class, u32::MAX - shortfall))
    }

    /// Moves every instant that is kept with a clock that stepped back, so that ages stay what they were.
    pub(super) fn shift(&mut self, by: SignedDuration) {
        let back = |at: &mut Timestamp| *at = at.checked_sub(by).unwrap_or(*at);
        self.seen.target.iter_mut().for_each(|look| back(&mut look.asked));
        self.seen.counts.iter_mut().for_each(|look| back(&mut look.asked));
        self.history.accepted.iter_mut().for_each(|accepted| back(&mut accepted.at));
        self.history.nudged.iter_mut().for_each(back);
        self.history.deferred_since.iter_mut().for_each(back);
        self.history.outcome_unknown.iter_mut().for_each(back);
        self.raised.iter_mut().for_each(back);
        self.boundary = None;
        self.next = None;
        self.writes.shift(by);
        self.looks.shift(by);
    }

    /// The target's part of the snapshot.
    pub(super) fn status(&self, target: &TargetId) -> TargetStatus {
        let error = self.writes.error.as_ref().or(self.looks.error.as_ref());
        TargetStatus {
            cluster: target.cluster.clone(),
            service: target.service.clone(),
            floor: self.decision.as_ref().map(Into::into),
            next: self.next.clone().flatten(),
            observed: self.seen.bounds().map(|live| Bounds { min: live.min, max: live.max }),
            observed_at: self.seen.target.map(|look| look.asked),
            counts: self.seen.service().map(|service| Counts {
                desired: service.desired,
                running: service.running,
                pending: service.pending,
            }),
            verdict: self.verdict.name().to_owned(),
            conditions: self.conditions.as_slice().to_vec(),
            last_error: error.map(ToString::to_string),
            corrections: self.corrections,
        }
    }
}

/// Smaller is more urgent.
pub(super) type Urgency = (u8, u32);

/// What AWS holds once it has accepted `action`: fields that were not sent stay as they were.
fn merged(live: ScalableTarget, action: &Action) -> ScalableTarget {
    ScalableTarget { min: action.min.unwrap_or(live.min), max: action.max.unwrap_or(live.max), ..live }
}
