//! The plan: what is declared against what was seen gives a verdict, for every target and every situation.
//!
//! Pure: nothing is sent from here, and the controller has no choices left when it sends. Three rules come from AWS and
//! cannot be told by comparing numbers: bounds are enforced only when a target is registered (so a *nudge* registers the
//! same values again), every registration cuts desired down to max (so some writes are *withheld*), and a minimum above
//! the live maximum is refused (so a floor is *limited*).

pub mod report;

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use crate::ecs::{Action, DeploymentController, ScalableTarget, ServiceCounts};
use crate::model::{Floor, TargetId};
use crate::timetable::Decision;

/// For this long after AWS accepted a value the same value is not sent again: a read may still show the one before.
pub const SETTLE: SignedDuration = SignedDuration::from_secs(90);

/// The shortest time between two nudges of one target.
pub const NUDGE_PAUSE: SignedDuration = SignedDuration::from_mins(5);

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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
}

/// What is true of the moment rather than of the target.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances {
    /// The instant that is planned for.
    pub now: Timestamp,
    /// A look older than this is no ground for lowering anything.
    pub fresh_for: SignedDuration,
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
        /// The write.
        action: Action,
        /// Why.
        cause: ChangeCause,
        /// Whether the floor was cut to the live maximum.
        limited: bool,
    },
    /// The same values again, so that AWS lifts desired to the floor.
    Nudge(Action),
    /// A write is due that would do harm, or for which the ground is missing.
    Withheld(Withheld),
    /// The floor stands at the live maximum and cannot go as high as declared.
    Limited,
    /// AWS's own switch, `ScheduledScalingSuspended`, is set on the target.
    Paused,
    /// A rise or nudge waits for a CODE_DEPLOY deployment, until this instant at the latest.
    Deferred(Timestamp),
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
    let goal = reachable(decision.floor, live);
    if is_met(goal, live) {
        return stand(target, decision, goal, seen, history, circumstances);
    }
    change(target, decision, goal, seen, history, circumstances)
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

/// Values are as they should be: is the service held there too?
fn stand(
    target: &TargetId,
    decision: &Decision,
    goal: Floor,
    seen: &Seen,
    history: &History,
    circumstances: &Circumstances,
) -> Verdict {
    if nudge_is_due(goal, seen, history, circumstances.now) {
        return match deferred_until(seen, history, circumstances) {
            Some(until) => Verdict::Deferred(until),
            None => Verdict::Nudge(Action { target: target.clone(), min: Some(goal.min), max: goal.max }),
        };
    }
    if goal.min < decision.floor.min { Verdict::Limited } else { Verdict::InSync }
}

/// AWS lifts desired to the minimum only when the target is registered, and its own lift takes seconds.
fn nudge_is_due(goal: Floor, seen: &Seen, history: &History, now: Timestamp) -> bool {
    let Some(Look { asked, value: Some(service) }) = seen.counts else { return false };
    let settled = history.lifting_until.is_none_or(|until| asked >= until);
    let rested = history.nudged.is_none_or(|nudged| now.duration_since(nudged) >= NUDGE_PAUSE);
    service.desired < goal.min && settled && rested
}

/// Values differ: what may be sent?
fn change(
    target: &TargetId,
    decision: &Decision,
    goal: Floor,
    seen: &Seen,
    history: &History,
    circumstances: &Circumstances,
) -> Verdict {
    let live = seen.bounds().expect("a change is planned against bounds that were seen");
    let falls = goal.min < live.min || goal.max.is_some_and(|max| max < live.max);
    let rises = goal.min > live.min;
    if goal.max.is_none() && desired_stands_above(live.max, decision.floor.min, seen) {
        return Verdict::Withheld(Withheld::DesiredAboveMax);
    }
    let may_lower = is_fresh(seen, history, circumstances);
    let (min, max) = match (falls && !may_lower, rises) {
        (false, _) => (Some(goal.min), goal.max),
        (true, true) => (Some(goal.min), None), // the max would fall: the rise of min goes alone
        (true, false) => return Verdict::Withheld(Withheld::NoFreshLook),
    };
    if rises && let Some(until) = deferred_until(seen, history, circumstances) {
        return Verdict::Deferred(until);
    }
    if let Some(why) = repeats_accepted(min, max, seen, history, circumstances.now) {
        return Verdict::Withheld(why);
    }
    let cause = if falls && may_lower { ChangeCause::Fall } else { ChangeCause::Rise };
    let action = Action { target: target.clone(), min, max };
    Verdict::Change { action, cause, limited: goal.min < decision.floor.min }
}

fn desired_stands_above(live_max: u32, floor: u32, seen: &Seen) -> bool {
    seen.service().is_some_and(|service| service.desired > live_max && service.desired >= floor)
}

fn is_fresh(seen: &Seen, history: &History, circumstances: &Circumstances) -> bool {
    let Some(look) = seen.target else { return false };
    let recent = circumstances.now.duration_since(look.asked) <= circumstances.fresh_for;
    recent && history.accepted.is_none_or(|accepted| look.asked >= accepted.at)
}

/// Why these values wait where they are those that AWS accepted last: only a look from long enough after shows that
/// someone undid them.
fn repeats_accepted(
    min: Option<u32>,
    max: Option<u32>,
    seen: &Seen,
    history: &History,
    now: Timestamp,
) -> Option<Withheld> {
    let accepted = history.accepted.filter(|accepted| accepted.min == min && accepted.max == max)?;
    if now.duration_since(accepted.at) < SETTLE {
        return Some(Withheld::JustAccepted);
    }
    let is_later = seen.target.is_some_and(|look| look.asked.duration_since(accepted.at) >= SETTLE);
    (!is_later).then_some(Withheld::StaleLook)
}

/// Until when a rise or nudge waits; `None`: it does not wait. CodeDeploy fails a deployment whose service is scaled
/// while it runs and does not settle within five minutes.
fn deferred_until(seen: &Seen, history: &History, circumstances: &Circumstances) -> Option<Timestamp> {
    if !is_deployed_by_code_deploy(seen) {
        return None;
    }
    let since = history.deferred_since.unwrap_or(circumstances.now);
    let until = since.checked_add(circumstances.defer_during_deployment).ok()?;
    (circumstances.now < until).then_some(until)
}

/// Whether a CODE_DEPLOY deployment was running when the service was last seen.
pub fn is_deployed_by_code_deploy(seen: &Seen) -> bool {
    seen.service()
        .is_some_and(|service| service.deploying && service.deployment_controller == DeploymentController::CodeDeploy)
}
