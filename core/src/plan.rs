//! The plan: what is declared against what was seen gives a verdict, for every target and every situation.
//!
//! Pure: nothing is sent from here, and the controller has no choices left when it sends. Three rules come from AWS and
//! cannot be told by comparing numbers: bounds are enforced only when a target is registered (so a *nudge* registers the
//! same values again), every registration cuts desired down to max (so some writes are *withheld*), and a minimum above
//! the live maximum is refused (so a floor is *limited*).

pub mod report;
pub mod rivalry;

#[cfg(test)]
mod tests;

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use self::rivalry::Rivalry;
use crate::ecs::{Action, DeploymentController, ScalableTarget, ServiceCounts};
use crate::model::{Floor, TargetId};
use crate::timetable::Decision;

/// For this long after AWS accepted a value the same value is not sent again: a read may still show the one before.
pub const SETTLE: SignedDuration = SignedDuration::from_secs(90);

/// The shortest time between two nudges of one target.
pub const NUDGE_PAUSE: SignedDuration = SignedDuration::from_mins(5);

/// How far ahead the clock of another replica may be that we take for a twin and not for a rival; also how far our clock
/// may be from AWS's before nothing is lowered by it.
pub const TWIN: SignedDuration = SignedDuration::from_mins(2);

/// An answer from AWS, with the instant at which the question left. `value` is `None` where the thing is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look<T> {
    /// When the question left; the answer may be older than its arrival, never older than this.
    pub asked: Timestamp,
    /// What was answered.
    pub value: Option<T>,
}

/// What is known of a target. No look: never answered, which is neither zero nor absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Its bounds.
    pub target: Option<Look<ScalableTarget>>,
    /// Its service's counts.
    pub counts: Option<Look<ServiceCounts>>,
}

impl Seen {
    /// The registered bounds, where they are known and there.
    pub fn bounds(&self) -> Option<ScalableTarget> {
        self.target.and_then(|look| look.value)
    }

    /// The service's counts, where they are known and there.
    pub fn service(&self) -> Option<ServiceCounts> {
        self.counts.and_then(|look| look.value)
    }
}

/// A write that AWS accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// `MinCapacity` as sent.
    pub min: Option<u32>,
    /// `MaxCapacity` as sent.
    pub max: Option<u32>,
    /// When the acceptance arrived.
    pub at: Timestamp,
}

/// What was done to a target before, as far as it bears on what may be done next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// The last accepted write, nudges included.
    pub accepted: Option<Accepted>,
    /// Until then AWS may still be lifting desired after a registration, whoever sent it: a count that was read before
    /// proves nothing.
    pub lifting_until: Option<Timestamp>,
    /// The last nudge that was sent, accepted or not.
    pub nudged: Option<Timestamp>,
    /// Since when a rise or nudge waits for a CODE_DEPLOY deployment.
    pub deferred_since: Option<Timestamp>,
    /// The last write that may or may not have taken effect: nothing is sent before a later look.
    pub outcome_unknown: Option<Timestamp>,
    /// The bounds when they were last as they should be under this floor, max only where it is declared: a difference is
    /// someone else's doing.
    pub held: Option<Floor>,
    /// How often what is declared was undone lately.
    pub rivalry: Rivalry,
}

impl History {
    /// Whether bringing `live` to what is declared undoes someone else's change, rather than follows the timetable.
    pub fn would_correct(&self, live: ScalableTarget) -> bool {
        self.held.is_some_and(|held| !is_met(held, live))
    }
}

/// What is true of the moment rather than of the target.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances {
    /// The instant that is planned for.
    pub now: Timestamp,
    /// A look that left before this is no ground for lowering anything.
    pub fresh_from: Timestamp,
    /// Whether our clock and AWS's agree well enough to lower anything by it.
    pub clock_is_trusted: bool,
    /// The highest minimum that is declared between now and [`TWIN`] ahead.
    pub highest_soon: u32,
    /// The longest that this target's rises wait for a CODE_DEPLOY deployment.
    pub defer_during_deployment: SignedDuration,
}

/// The verdict on one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As declared.
    InSync,
    /// A write that changes a value.
    Change {
        /// The write. Rare, so the verdicts of all others are not as large.
        action: Box<Action>,
        /// Why.
        cause: ChangeCause,
        /// Whether the floor was cut to the live maximum.
        limited: bool,
    },
    /// The same values again, so that AWS lifts desired to the floor.
    Nudge(Box<Action>),
    /// A write is due that would do harm, or for which the ground is missing.
    Withheld(Withheld),
    /// The floor stands at the live maximum and cannot go as high as declared.
    Limited,
    /// AWS's own switch, `ScheduledScalingSuspended`, is set on the target.
    Paused,
    /// A rise or nudge waits for a CODE_DEPLOY deployment, until this instant at the latest.
    Deferred(Timestamp),
    /// Someone keeps undoing what is declared: a fall waits until that is over, a correction until its pause is. Not
    /// before this instant.
    Contested(Timestamp),
    /// AWS has no such scalable target.
    NotRegistered,
    /// No schedule takes part now, or someone else owns the target.
    LeftAlone(LeftAlone),
    /// AWS has not answered yet.
    Unknown,
}

/// Which way a change goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeCause {
    /// Nothing falls.
    Rise,
    /// The minimum or the maximum falls.
    Fall,
}

/// Why a due write is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withheld {
    /// Desired stands above the live maximum; any registration would cut it and stop tasks.
    DesiredAboveMax,
    /// The same values were accepted so lately that the look may show the time before.
    JustAccepted,
    /// Lowering needs a look that is fresh; it has been asked for.
    NoFreshLook,
    /// Lowering needs a clock that agrees with AWS's.
    ClockNotTrusted,
    /// Someone raised the minimum to what is declared in a moment: a replica whose clock is ahead of ours.
    RiseIsNear,
    /// The last write may have taken effect; a look must say so first.
    OutcomeUnknown,
    /// The same values were accepted lately, and the look is from so soon after that it may show the time before.
    StaleLook,
}

/// Why a target is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftAlone {
    /// No schedule takes part at this instant.
    NoSchedule,
    /// The operator does not allow it, whatever the schedules say.
    NotAllowed,
    /// ECS itself owns the scalable target (Express Mode).
    ExpressMode,
}

impl Verdict {
    /// The stable word of the command line's JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Verdict::InSync => "inSync",
            Verdict::Change { .. } => "change",
            Verdict::Nudge(_) => "nudge",
            Verdict::Withheld(_) => "withheld",
            Verdict::Limited => "limited",
            Verdict::Paused => "paused",
            Verdict::Deferred(_) => "deferred",
            Verdict::Contested(_) => "contested",
            Verdict::NotRegistered => "notRegistered",
            Verdict::LeftAlone(_) => "leftAlone",
            Verdict::Unknown => "unknown",
        }
    }

    /// What the verdict would send.
    pub fn action(&self) -> Option<&Action> {
        match self {
            Verdict::Change { action, .. } | Verdict::Nudge(action) => Some(action),
            _ => None,
        }
    }

    /// Whether the floor cannot go as high as declared.
    pub fn is_limited(&self) -> bool {
        matches!(self, Verdict::Limited | Verdict::Change { limited: true, .. })
    }

    /// Whether only a new look at the target can move things on.
    pub fn needs_look(&self) -> bool {
        matches!(self, Verdict::Withheld(Withheld::NoFreshLook | Withheld::OutcomeUnknown | Withheld::StaleLook))
    }
}

impl fmt::Display for Withheld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Withheld::DesiredAboveMax => {
                "desired stands above the target's max, and any write would make AWS cut it and stop tasks"
            }
            Withheld::JustAccepted => "AWS accepted the same values moments ago, and its answer may be from before",
            Withheld::NoFreshLook => "lowering waits for a fresh look at the target",
            Withheld::ClockNotTrusted => {
                "lowering waits for a clock to be trusted: ours and AWS's differ by more than two minutes"
            }
            Withheld::RiseIsNear => {
                "someone raised the minimum to what is declared within two minutes: it is not lowered in between"
            }
            Withheld::OutcomeUnknown => "the last write may have taken effect; a look decides",
            Withheld::StaleLook => {
                "AWS accepted the same values lately, and its answer may be from before; a look decides"
            }
        })
    }
}

/// The verdict on `target`: total, whatever is declared and whatever was seen.
pub fn verdict(
    target: &TargetId,
    decision: Option<&Decision>,
    seen: &Seen,
    history: &History,
    circumstances: &Circumstances,
) -> Verdict {
    let Some(decision) = decision else { return Verdict::LeftAlone(LeftAlone::NoSchedule) };
    let Some(look) = seen.target else { return Verdict::Unknown };
    let Some(live) = look.value else { return Verdict::NotRegistered };
    if seen.service().is_some_and(|service| service.express_mode) {
        return Verdict::LeftAlone(LeftAlone::ExpressMode);
    }
    if live.scheduled_scaling_suspended {
        return Verdict::Paused;
    }
    if history.outcome_unknown.is_some_and(|sent| look.asked < sent) {
        return Verdict::Withheld(Withheld::OutcomeUnknown);
    }
    Situation { target, decision, live, seen, history, circumstances }.verdict()
}

/// The declared floor, cut to what AWS accepts: without a declared max the live one is the ceiling.
pub fn reachable(declared: Floor, live: ScalableTarget) -> Floor {
    match declared.max {
        Some(_) => declared,
        None => Floor { min: declared.min.min(live.max), max: None },
    }
}

/// Whether the live bounds are the goal's, where the goal declares them.
pub fn is_met(goal: Floor, live: ScalableTarget) -> bool {
    goal.min == live.min && goal.max.is_none_or(|max| max == live.max)
}

/// A target that is there, ours, and has a floor.
struct Situation<'a> {
    target: &'a TargetId,
    decision: &'a Decision,
    live: ScalableTarget,
    seen: &'a Seen,
    history: &'a History,
    circumstances: &'a Circumstances,
}

impl Situation<'_> {
    fn verdict(&self) -> Verdict {
        let goal = reachable(self.decision.floor, self.live);
        if is_met(goal, self.live) { self.stand(goal) } else { self.change(goal) }
    }

    /// Values are as they should be: is the service held there too?
    fn stand(&self, goal: Floor) -> Verdict {
        if self.nudge_is_due(goal) {
            return match self.deferred_until() {
                Some(until) => Verdict::Deferred(until),
                None => Verdict::Nudge(self.action(Some(goal.min), goal.max)),
            };
        }
        if goal.min < self.decision.floor.min { Verdict::Limited } else { Verdict::InSync }
    }

    /// AWS lifts desired to the minimum only when the target is registered, and its own lift takes seconds.
    fn nudge_is_due(&self, goal: Floor) -> bool {
        let Some(Look { asked, value: Some(service) }) = self.seen.counts else { return false };
        let settled = self.history.lifting_until.is_none_or(|until| asked >= until);
        let now = self.circumstances.now;
        let rested = self.history.nudged.is_none_or(|nudged| now.duration_since(nudged) >= NUDGE_PAUSE);
        service.desired < goal.min && settled && rested
    }

    /// Values differ: what may be sent?
    fn change(&self, goal: Floor) -> Verdict {
        let falls = goal.min < self.live.min || goal.max.is_some_and(|max| max < self.live.max);
        let rises = goal.min > self.live.min || goal.max.is_some_and(|max| max > self.live.max);
        if goal.max.is_none() && self.desired_stands_above_max() {
            return Verdict::Withheld(Withheld::DesiredAboveMax);
        }
        let obstacle = if falls { self.obstacle_to_lowering(goal) } else { None };
        let (min, max) = match obstacle {
            None => (Some(goal.min), goal.max),
            Some(_) if goal.min > self.live.min => (Some(goal.min), None), // the max would fall: min rises alone
            Some(_) if rises => (None, goal.max),                          // and here the min would fall
            Some(obstacle) => return obstacle,
        };
        if rises && let Some(until) = self.correction_rests_until() {
            return Verdict::Contested(until);
        }
        if goal.min > self.live.min
            && let Some(until) = self.deferred_until()
        {
            return Verdict::Deferred(until);
        }
        if let Some(why) = self.repeats_accepted(min, max) {
            return Verdict::Withheld(why);
        }
        let cause = if falls && obstacle.is_none() { ChangeCause::Fall } else { ChangeCause::Rise };
        Verdict::Change { action: self.action(min, max), cause, limited: goal.min < self.decision.floor.min }
    }

    /// The verdict where nothing may be lowered, minimum or maximum; `None`: it may.
    fn obstacle_to_lowering(&self, goal: Floor) -> Option<Verdict> {
        if let Some(contest) = self.history.rivalry.contest() {
            return Some(Verdict::Contested(contest.over_at()));
        }
        let raised_early = goal.min < self.live.min && self.live.min <= self.circumstances.highest_soon;
        let why = match () {
            () if !self.circumstances.clock_is_trusted => Withheld::ClockNotTrusted,
            () if raised_early && self.history.would_correct(self.live) => Withheld::RiseIsNear,
            () if !self.is_fresh() => Withheld::NoFreshLook,
            () => return None,
        };
        Some(Verdict::Withheld(why))
    }

    /// Where someone keeps undoing what is declared, we undo that in turn only so often. What the timetable asks for anew
    /// is no correction.
    fn correction_rests_until(&self) -> Option<Timestamp> {
        let contest = self.history.rivalry.contest().filter(|_| self.history.would_correct(self.live))?;
        (self.circumstances.now < contest.rests_until()).then(|| contest.rests_until())
    }

    fn action(&self, min: Option<u32>, max: Option<u32>) -> Box<Action> {
        Box::new(Action { target: self.target.clone(), min, max })
    }

    fn desired_stands_above_max(&self) -> bool {
        let (max, floor) = (self.live.max, self.decision.floor.min);
        self.seen.service().is_some_and(|service| service.desired > max && service.desired >= floor)
    }

    fn is_fresh(&self) -> bool {
        let Some(look) = self.seen.target else { return false };
        look.asked >= self.circumstances.fresh_from
            && self.history.accepted.is_none_or(|accepted| look.asked >= accepted.at)
    }

    /// Why these values wait where they are those that AWS accepted last: only a look from long enough after shows that
    /// someone undid them.
    fn repeats_accepted(&self, min: Option<u32>, max: Option<u32>) -> Option<Withheld> {
        let accepted = self.history.accepted.filter(|accepted| accepted.min == min && accepted.max == max)?;
        if self.circumstances.now.duration_since(accepted.at) < SETTLE {
            return Some(Withheld::JustAccepted);
        }
        let is_later = self.seen.target.is_some_and(|look| look.asked.duration_since(accepted.at) >= SETTLE);
        (!is_later).then_some(Withheld::StaleLook)
    }

    /// Until when a rise or nudge waits; `None`: it does not wait. CodeDeploy fails a deployment whose service is
    /// scaled while it runs and does not settle within five minutes.
    fn deferred_until(&self) -> Option<Timestamp> {
        if !is_deployed_by_code_deploy(self.seen) {
            return None;
        }
        let since = self.history.deferred_since.unwrap_or(self.circumstances.now);
        let until = since.checked_add(self.circumstances.defer_during_deployment).ok()?;
        (self.circumstances.now < until).then_some(until)
    }
}

/// Whether a CODE_DEPLOY deployment was running when the service was last seen.
pub fn is_deployed_by_code_deploy(seen: &Seen) -> bool {
    seen.service()
        .is_some_and(|service| service.deploying && service.deployment_controller == DeploymentController::CodeDeploy)
}
