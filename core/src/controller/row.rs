//! What the controller keeps for one target, and what it does with it.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::backoff::{Backoff, Jitter};
use super::urgency::{Class, Urgency};
use super::{ChangeKind, Fact};
use crate::ecs::{Action, EcsError, ErrorKind, ScalableTarget, ServiceCounts, Survey};
use crate::model::{Floor, TargetId};
use crate::plan::{self, Accepted, ChangeCause, History, Look, Seen, Verdict, Withheld};
use crate::status::{Bounds, ConditionKind, Conditions, Counts, Judged, NextStatus, TargetStatus, Truth};
use crate::timetable::{Decision, Members};

/// A write that is under way, with what was true when it left.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    action: Action,
    kind: ChangeKind,
    decision: Option<Decision>,
    boundary: Option<Timestamp>,
}

/// A rise that AWS accepted and whose tasks have not all been seen running.
#[derive(Clone, Copy, Debug)]
struct Rise {
    floor: u32,
    at: Timestamp,
}

/// One target's state.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) members: Members,
    /// Whether a schedule names it exactly, so that it has a row be it there or not.
    pub(super) named: bool,
    /// How long counts prove nothing after the target was first seen.
    first_settle: SignedDuration,
    pub(super) decision: Option<Decision>,
    /// The board's turn when that was decided; 0: not under this configuration.
    pub(super) decided_in: u64,
    /// The boundary that brought the decision; `None` where it came otherwise (start, new configuration).
    pub(super) boundary: Option<Timestamp>,
    /// When the decision would hold without lead time, once a write waited for its turn.
    pub(super) needed_at: Option<Timestamp>,
    pub(super) seen: Seen,
    survey: Option<Survey>,
    /// Whether nobody has looked yet at what else is attached, or lately enough.
    pub(super) survey_due: bool,
    pub(super) history: History,
    pub(super) verdict: Verdict,
    pub(super) conditions: Conditions,
    pub(super) writes: Backoff,
    pub(super) looks: Backoff,
    pub(super) in_flight: Option<Box<Sent>>,
    /// Where it stands in the queue of writes, as of the last tick.
    pub(super) queued: Option<Urgency>,
    /// Whether it was asked for once, answered or not.
    pub(super) asked: bool,
    /// Whether its service was asked for once, answered or not: nothing is written before, because Express Mode and a
    /// desired count above the max forbid it.
    pub(super) counted: bool,
    /// No schedule names it any more; it goes when its write has come back.
    pub(super) leaving: bool,
    /// A question about this very target is under way, beside those about all.
    pub(super) looking: bool,
    /// A write was told that the target is not there, and nobody has looked since.
    doubted: bool,
    /// The bounds as the last write or look left them, max only where it is declared: what differs later, someone else
    /// did.
    believed: Option<Floor>,
    raised: Option<Rise>,
    pub(super) corrections: u64,
    /// Set where planning this target panicked: it is out until the next configuration.
    pub(super) broken: Option<String>,
    /// What is declared next, kept until it is reached.
    pub(super) next: Option<Option<Arc<NextStatus>>>,
    /// Whether conditions must be judged anew.
    dirty: bool,
    /// This row in the last snapshot, while it stands the same.
    snapshot: Option<Arc<TargetStatus>>,
}

impl Row {
    pub(super) fn new(members: Members, first_settle: SignedDuration) -> Self {
        Row {
            members,
            named: false,
            first_settle,
            decision: None,
            decided_in: 0,
            boundary: None,
            needed_at: None,
            seen: Seen::default(),
            survey: None,
            survey_due: true,
            history: History::default(),
            verdict: Verdict::Unknown,
            conditions: Conditions::default(),
            writes: Backoff::default(),
            looks: Backoff::default(),
            in_flight: None,
            queued: None,
            asked: false,
            counted: false,
            leaving: false,
            looking: false,
            doubted: false,
            believed: None,
            raised: None,
            corrections: 0,
            broken: None,
            next: None,
            dirty: true,
            snapshot: None,
        }
    }

    /// A new configuration is in force, in which these schedules count.
    pub(super) fn join(&mut self, members: Members) {
        self.members = members;
        self.decided_in = 0;
        self.next = None;
        self.broken = None;
        self.dirty = true;
    }

    /// Takes over a decision that differs from the one before.
    pub(super) fn decide(&mut self, decision: Option<Decision>, boundary: Option<Timestamp>) {
        let floor_differs = self.decision.as_ref().map(|d| d.floor) != decision.as_ref().map(|d| d.floor);
        if floor_differs {
            self.history.held = None;
            self.raised = None;
            self.boundary = boundary;
            self.writes.renew();
        }
        self.decision = decision;
        self.needed_at = None;
        self.next = None;
        self.dirty = true;
    }

    /// Settles on a verdict, and reports the conditions that changed with it.
    pub(super) fn settle(&mut self, target: &TargetId, verdict: Verdict, now: Timestamp, facts: &mut Vec<Fact>) {
        self.note_deferral(&verdict, now);
        if matches!(verdict, Verdict::InSync | Verdict::Limited) && self.writes.error().is_some() {
            self.writes.succeed(); // whatever failed is no longer due
            self.dirty = true;
        }
        if matches!(verdict, Verdict::InSync | Verdict::Limited | Verdict::Nudge(_)) {
            self.history.held = self.live_floor();
        }
        if !may_still_be_late(&verdict) {
            self.boundary = None;
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
        self.snapshot = None;
        let judged = Judged {
            decision: self.decision.as_ref(),
            seen: &self.seen,
            verdict: &self.verdict,
            error: self.writes.error().or_else(|| self.looks.error()),
            survey: self.survey.as_ref(),
            rivalry: &self.history.rivalry,
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
        let overtaken_by_write = self.history.accepted.is_some_and(|accepted| asked < accepted.at);
        let overtaken_by_look = self.seen.target.is_some_and(|look| asked < look.asked);
        if self.in_flight.is_some() || overtaken_by_write || overtaken_by_look {
            return;
        }
        let before = self.seen.target.replace(Look { asked, value });
        self.doubted = false;
        self.note_lift(before.and_then(|look| look.value), asked);
        self.note_foreign_change(asked);
        if self.history.outcome_unknown.is_some_and(|sent| asked >= sent) {
            self.history.outcome_unknown = None;
        }
        if value.is_none() {
            self.survey = None; // a service that is made anew has none of the old one's policies
            self.survey_due = true;
            self.history.held = None;
        }
    }

    /// The live bounds, max only where it is declared.
    fn live_floor(&self) -> Option<Floor> {
        let live = self.seen.bounds()?;
        let declares_max = self.decision.as_ref().is_some_and(|decision| decision.floor.max.is_some());
        Some(Floor { min: live.min, max: declares_max.then_some(live.max) })
    }

    /// What a look shows that is not what was there before is someone else's doing; soon after our own write it may be
    /// the time before that, and says nothing. Whoever sets what is declared undoes nothing: a twin, whose falls come
    /// while ours wait.
    fn note_foreign_change(&mut self, asked: Timestamp) {
        let (Some(believed), Some(live)) = (self.believed, self.seen.bounds()) else {
            self.believed = self.live_floor();
            return;
        };
        let is_settled = self.history.accepted.is_none_or(|accepted| asked.duration_since(accepted.at) >= plan::SETTLE);
        if plan::is_met(believed, live) {
            self.history.rivalry.saw_no_change(asked);
        } else if is_settled {
            match self.decision.as_ref().is_some_and(|decision| plan::is_met(decision.floor, live)) {
                true => self.history.rivalry.saw_no_change(asked),
                false => self.history.rivalry.saw_foreign_change(asked),
            }
            self.believed = self.live_floor();
        }
    }

    /// What was not sent stays believed as it was: a look that was too early to count may have shown otherwise.
    fn believe_written(&mut self, action: &Action) {
        let Some(live) = self.live_floor() else { return };
        let before = self.believed.unwrap_or(live);
        let max = live.max.map(|max| action.max.or(before.max).unwrap_or(max));
        self.believed = Some(Floor { min: action.min.unwrap_or(before.min), max });
    }

    /// Whoever moved the bounds, AWS is lifting desired to them.
    fn note_lift(&mut self, before: Option<ScalableTarget>, asked: Timestamp) {
        let settle = match before {
            None => self.first_settle,
            Some(_) => plan::SETTLE,
        };
        if self.seen.bounds().map(bounds) != before.map(bounds) {
            self.history.lifting_until = asked.checked_add(settle).ok();
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
        self.counted = true;
        self.dirty = true;
        let Some(Rise { floor, at }) = self.raised else { return };
        if asked >= at && value.is_some_and(|service| service.running >= floor) {
            self.raised = None;
            facts.push(Fact::TasksReady { target: target.clone(), floor, after: now.duration_since(at) });
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

    /// Where a neighbour's conditions are the same, one copy serves both: most targets of a fleet are as they should be,
    /// since the same moment. Conditions that a snapshot has shown were held against the neighbour's before.
    pub(super) fn share_conditions(&mut self, neighbour: &mut Conditions) {
        if self.snapshot.is_none() {
            self.conditions.share(neighbour);
        }
    }

    /// The failure that stands: of a write, or else of a look.
    pub(super) fn standing_error(&self) -> Option<&EcsError> {
        self.writes.error().or_else(|| self.looks.error())
    }

    /// Why the write that is due is due.
    pub(super) fn kind_of_change(&self) -> ChangeKind {
        match &self.verdict {
            Verdict::Nudge(_) => ChangeKind::Nudge,
            Verdict::Change { .. } if self.seen.bounds().is_some_and(|live| self.history.would_correct(live)) => {
                ChangeKind::Correction
            }
            _ => ChangeKind::Scheduled,
        }
    }

    /// Whether a write may leave now, if one is due.
    pub(super) fn may_write(&self, now: Timestamp) -> bool {
        self.in_flight.is_none() && self.counted && self.writes.is_over(now)
    }

    /// The write that is due leaves.
    pub(super) fn send(&mut self, now: Timestamp) -> Option<Action> {
        let action = self.verdict.action()?.clone();
        let kind = self.kind_of_change();
        if kind == ChangeKind::Nudge {
            self.history.nudged = Some(now);
        }
        let boundary = if kind == ChangeKind::Scheduled { self.boundary } else { None };
        self.in_flight =
            Some(Box::new(Sent { action: action.clone(), kind, decision: self.decision.clone(), boundary }));
        Some(action)
    }

    /// What a dry run tells of the write that is due.
    pub(super) fn would_apply(&self, action: Action) -> Fact {
        let before = self.seen.bounds().map(bounds);
        Fact::WouldApply { action, kind: self.kind_of_change(), before, decision: self.decision.clone() }
    }

    /// AWS accepted a write.
    pub(super) fn accepted(&mut self, sent: Sent, now: Timestamp) -> Fact {
        let Sent { action, kind, decision, boundary } = sent;
        let before = self.seen.bounds().map(bounds);
        self.history.accepted = Some(Accepted { min: action.min, max: action.max, at: now });
        self.history.lifting_until = now.checked_add(plan::SETTLE).ok();
        self.history.outcome_unknown = None;
        self.writes.succeed();
        // Not a new look: what we were told is as old as it was, only our own write is known to be there now.
        self.seen.target =
            self.seen.target.map(|look| Look { value: look.value.map(|live| merged(live, &action)), ..look });
        self.believe_written(&action);
        self.history.deferred_since = None; // what comes next waits its own time
        self.dirty = true;
        if kind == ChangeKind::Correction {
            self.corrections += 1;
            let was_contested = self.history.rivalry.contest().is_some();
            self.history.rivalry.corrected(now);
            self.survey_due |= !was_contested && self.history.rivalry.contest().is_some(); // who may it be?
        }
        if let Some(floor) = action.min.filter(|min| before.is_some_and(|live| *min > live.min)) {
            self.raised = Some(Rise { floor, at: now });
        }
        if self.boundary == boundary {
            self.boundary = None; // otherwise the next boundary came while the write was under way
        }
        let lateness = boundary.map(|boundary| now.duration_since(boundary));
        Fact::Accepted { target: action.target.clone(), action, kind, before, decision, lateness }
    }

    /// A write failed.
    pub(super) fn refused(&mut self, error: EcsError, now: Timestamp, jitter: &mut Jitter) {
        match error.kind {
            ErrorKind::OutcomeUnknown => self.history.outcome_unknown = Some(now),
            ErrorKind::NotFound => self.doubted = true,
            _ => {}
        }
        self.writes.fail(error, now, jitter);
        self.dirty = true;
    }

    /// Whether this very target is to be looked at before the next look at all of them, be it after a pause.
    pub(super) fn wants_look(&self) -> bool {
        let never_answered = self.asked && self.seen.target.is_none();
        let due = self.verdict.needs_look() || self.doubted || never_answered;
        due && !self.looking && self.in_flight.is_none()
    }

    /// Whether the answer to a question that left at `asked` will do as a look: no write of ours came after it, and it
    /// is not from before the clock stepped back.
    pub(super) fn is_served_by(&self, asked: Timestamp, now: Timestamp) -> bool {
        let after_writes = self.history.accepted.is_none_or(|accepted| asked >= accepted.at)
            && self.history.outcome_unknown.is_none_or(|sent| asked >= sent);
        asked <= now && after_writes
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
        let may_help = self.writes.error().is_none_or(|error| error.kind.is_passing());
        let due = self.verdict.action().is_some() || self.verdict.needs_look();
        self.in_flight.is_some() || (due && may_help)
    }

    /// How urgent the write is that may leave now, if one may.
    pub(super) fn urgency_now(&self, now: Timestamp) -> Option<Urgency> {
        if self.may_write(now) { self.urgency(now) } else { None }
    }

    /// How urgent the write is that is due, if one is.
    fn urgency(&self, now: Timestamp) -> Option<Urgency> {
        let action = self.verdict.action()?;
        let have = match &self.verdict {
            Verdict::Nudge(_) => self.seen.service().map_or(0, |service| service.desired),
            _ => self.seen.bounds().map_or(0, |live| live.min),
        };
        let shortfall = action.min.map_or(0, |min| min.saturating_sub(have));
        let class = match &self.verdict {
            Verdict::Change { cause: ChangeCause::Rise, .. } => Class::Rise,
            Verdict::Nudge(_) => Class::Nudge,
            _ if shortfall > 0 => Class::Rise, // the minimum rises while the maximum falls
            _ => Class::Fall,
        };
        Some(Urgency::new(class, self.needed_at, shortfall, now))
    }

    /// Moves every instant that is kept with a clock that stepped back, so that ages stay what they were.
    pub(super) fn shift(&mut self, by: SignedDuration) {
        let back = |at: &mut Timestamp| *at = at.checked_sub(by).unwrap_or(*at);
        self.seen.target.iter_mut().for_each(|look| back(&mut look.asked));
        self.seen.counts.iter_mut().for_each(|look| back(&mut look.asked));
        self.history.accepted.iter_mut().for_each(|accepted| back(&mut accepted.at));
        self.history.lifting_until.iter_mut().for_each(back);
        self.history.nudged.iter_mut().for_each(back);
        self.history.deferred_since.iter_mut().for_each(back);
        self.history.outcome_unknown.iter_mut().for_each(back);
        self.history.rivalry.shift(by);
        self.raised.iter_mut().for_each(|rise| back(&mut rise.at));
        self.boundary = None;
        self.needed_at = None;
        self.next = None;
        self.writes.shift(by);
        self.looks.shift(by);
    }

    /// The target's part of the snapshot. `next` is asked for where it is not known, and shared with the neighbour where
    /// it is the same.
    pub(super) fn status(
        &mut self,
        target: &TargetId,
        next: impl FnOnce(&Members) -> Option<NextStatus>,
        neighbour: &mut Option<Arc<NextStatus>>,
    ) -> Arc<TargetStatus> {
        if self.next.is_none() {
            let next = next(&self.members);
            if neighbour.as_deref() != next.as_ref() {
                *neighbour = next.map(Arc::new);
            }
            self.next = Some(neighbour.clone());
            self.snapshot = None;
        }
        match &self.snapshot {
            Some(same) if !self.dirty => Arc::clone(same),
            _ => Arc::clone(self.snapshot.insert(Arc::new(self.describe(target)))),
        }
    }

    fn describe(&self, target: &TargetId) -> TargetStatus {
        TargetStatus {
            site: target.site.clone(),
            cluster: target.cluster.clone(),
            service: target.service.clone(),
            floor: self.decision.as_ref().map(Into::into),
            next: self.next.clone().flatten(),
            observed: self.seen.bounds().map(bounds),
            observed_at: self.seen.target.map(|look| look.asked),
            counts: self.seen.service().map(|service| Counts {
                desired: service.desired,
                running: service.running,
                pending: service.pending,
            }),
            verdict: self.verdict.name().into(),
            conditions: self.conditions.clone(),
            last_error: self.standing_error().map(ToString::to_string),
            corrections: self.corrections,
        }
    }
}

fn bounds(live: ScalableTarget) -> Bounds {
    Bounds { min: live.min, max: live.max }
}

/// Whether the time that passes is ours: where someone else holds a target, or nothing is left to do, no write that
/// comes later is late.
fn may_still_be_late(verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Change { .. } | Verdict::Nudge(_) | Verdict::Deferred(_) | Verdict::Unknown => true,
        Verdict::Withheld(why) => *why != Withheld::DesiredAboveMax,
        Verdict::InSync
        | Verdict::Limited
        | Verdict::Paused
        | Verdict::Contested(_)
        | Verdict::NotRegistered
        | Verdict::LeftAlone(_) => false,
    }
}

/// What AWS holds once it has accepted `action`: fields that were not sent stay as they were.
fn merged(live: ScalableTarget, action: &Action) -> ScalableTarget {
    ScalableTarget { min: action.min.unwrap_or(live.min), max: action.max.unwrap_or(live.max), ..live }
}
