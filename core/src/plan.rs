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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timetable::Cause;

    /// A Friday evening; the exact instant means nothing.
    const NOW: i64 = 1_795_000_000;

    fn ago(seconds: i64) -> Timestamp {
        Timestamp::from_second(NOW - seconds).expect("a timestamp")
    }

    fn millis_ago(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(NOW * 1000 - millis).expect("a timestamp")
    }

    fn www() -> TargetId {
        TargetId::new("shop", "www")
    }

    fn floor(min: u32, max: Option<u32>) -> Decision {
        Decision { floor: Floor { min, max }, schedule: "web".into(), cause: Cause::Default }
    }

    fn live(min: u32, max: u32) -> ScalableTarget {
        ScalableTarget { min, max, scheduled_scaling_suspended: false }
    }

    fn running(desired: u32) -> ServiceCounts {
        ServiceCounts {
            desired,
            running: desired,
            pending: 0,
            deploying: false,
            deployment_controller: DeploymentController::Ecs,
            express_mode: false,
        }
    }

    /// A case: bounds of 3 to 10 and 5 tasks, both seen a second ago, under a floor of 3, unless the test says otherwise.
    struct Case {
        decision: Option<Decision>,
        seen: Seen,
        history: History,
        defer: SignedDuration,
    }

    fn case(decision: Decision) -> Case {
        let seen = Seen {
            target: Some(Look { asked: ago(1), value: Some(live(3, 10)) }),
            counts: Some(Look { asked: ago(1), value: Some(running(5)) }),
        };
        Case { decision: Some(decision), seen, history: History::default(), defer: SignedDuration::ZERO }
    }

    impl Case {
        fn live(mut self, target: ScalableTarget, asked: Timestamp) -> Self {
            self.seen.target = Some(Look { asked, value: Some(target) });
            self
        }

        fn counts(mut self, counts: ServiceCounts, asked: Timestamp) -> Self {
            self.seen.counts = Some(Look { asked, value: Some(counts) });
            self
        }

        fn accepted(mut self, min: u32, max: Option<u32>, at: Timestamp) -> Self {
            self.history.accepted = Some(Accepted { min: Some(min), max, at });
            self
        }

        fn verdict(&self) -> Verdict {
            let circumstances = Circumstances {
                now: ago(0),
                fresh_for: SignedDuration::from_secs(120),
                defer_during_deployment: self.defer,
            };
            verdict(&www(), self.decision.as_ref(), &self.seen, &self.history, &circumstances)
        }
    }

    fn write(min: u32, max: Option<u32>) -> Action {
        Action { target: www(), min: Some(min), max }
    }

    fn change(min: u32, max: Option<u32>, cause: ChangeCause) -> Verdict {
        Verdict::Change { action: write(min, max), cause, limited: false }
    }

    #[test]
    fn declared_against_seen_gives_a_verdict_for_every_pair() {
        use ChangeCause::{Fall, Rise};
        let limited = Verdict::Change { action: write(10, None), cause: Rise, limited: true };
        for (declared, seen, expected) in [
            ((3, None), (3, 10), Verdict::InSync),
            ((5, None), (3, 10), change(5, None, Rise)),
            ((1, None), (3, 10), change(1, None, Fall)),
            ((0, None), (3, 10), change(0, None, Fall)),
            ((12, None), (3, 10), limited),
            ((12, None), (10, 10), Verdict::Limited),
            ((3, Some(10)), (3, 10), Verdict::InSync),
            ((3, Some(8)), (3, 10), change(3, Some(8), Fall)),
            ((3, Some(12)), (3, 10), change(3, Some(12), Rise)),
            ((12, Some(20)), (3, 10), change(12, Some(20), Rise)),
            ((0, Some(0)), (3, 10), change(0, Some(0), Fall)),
            ((5, Some(8)), (3, 10), change(5, Some(8), Fall)),
        ] {
            let case =
                case(floor(declared.0, declared.1)).live(live(seen.0, seen.1), ago(1)).counts(running(10), ago(1));
            assert_eq!(case.verdict(), expected, "{declared:?} over {seen:?}");
        }
    }

    #[test]
    fn what_is_not_known_or_not_there_or_not_ours_has_a_verdict_of_its_own() {
        let mut nothing_declared = case(floor(3, None));
        nothing_declared.decision = None;
        let mut never_seen = case(floor(3, None));
        never_seen.seen = Seen::default();
        let mut gone = case(floor(3, None));
        gone.seen.target = Some(Look { asked: ago(1), value: None });
        let express = case(floor(9, None)).counts(ServiceCounts { express_mode: true, ..running(5) }, ago(1));
        let suspended = ScalableTarget { scheduled_scaling_suspended: true, ..live(3, 10) };
        let paused = case(floor(9, None)).live(suspended, ago(1));
        for (case, expected) in [
            (nothing_declared, Verdict::LeftAlone(LeftAlone::NoSchedule)),
            (never_seen, Verdict::Unknown),
            (gone, Verdict::NotRegistered),
            (express, Verdict::LeftAlone(LeftAlone::ExpressMode)),
            (paused, Verdict::Paused),
        ] {
            assert_eq!(case.verdict(), expected);
        }
    }

    #[test]
    fn lowering_needs_a_look_no_older_than_is_fresh_and_raising_does_not() {
        use ChangeCause::{Fall, Rise};
        for (min, asked, expected) in [
            (1, ago(120), change(1, None, Fall)),
            (1, millis_ago(120_001), Verdict::Withheld(Withheld::NoFreshLook)),
            (5, ago(86_400), change(5, None, Rise)),
        ] {
            assert_eq!(case(floor(min, None)).live(live(3, 10), asked).verdict(), expected, "{min} at {asked}");
        }
    }

    #[test]
    fn lowering_needs_a_look_from_after_our_last_accepted_write() {
        for (accepted, expected) in [
            (ago(2), change(1, None, ChangeCause::Fall)),
            (ago(1), change(1, None, ChangeCause::Fall)),
            (millis_ago(999), Verdict::Withheld(Withheld::NoFreshLook)),
        ] {
            assert_eq!(case(floor(1, None)).accepted(3, None, accepted).verdict(), expected, "{accepted}");
        }
    }

    #[test]
    fn where_the_max_may_not_fall_yet_a_rise_of_min_goes_alone() {
        let old = |min, max| case(floor(min, Some(max))).live(live(3, 10), ago(300)).verdict();
        assert_eq!(old(5, 8), change(5, None, ChangeCause::Rise));
        assert_eq!(old(3, 8), Verdict::Withheld(Withheld::NoFreshLook));
        assert_eq!(old(5, 12), change(5, Some(12), ChangeCause::Rise));
    }

    #[test]
    fn f16_the_values_accepted_last_are_not_sent_again_for_ninety_seconds_and_then_on_a_later_look_only() {
        use Withheld::{JustAccepted, StaleLook};
        for (accepted, looked, expected) in [
            (ago(89), ago(1), Verdict::Withheld(JustAccepted)),
            (millis_ago(89_999), ago(0), Verdict::Withheld(JustAccepted)),
            (ago(90), ago(1), Verdict::Withheld(StaleLook)),
            (ago(90), ago(0), change(5, None, ChangeCause::Rise)),
            (ago(600), ago(511), Verdict::Withheld(StaleLook)),
            (ago(600), ago(510), change(5, None, ChangeCause::Rise)),
        ] {
            let case = case(floor(5, None)).accepted(5, None, accepted).live(live(3, 10), looked);
            assert_eq!(case.verdict(), expected, "accepted {accepted}, looked {looked}");
        }
        let different = case(floor(5, None)).accepted(4, None, ago(1));
        assert_eq!(different.verdict(), change(5, None, ChangeCause::Rise));
    }

    #[test]
    fn f5_a_write_of_unknown_outcome_waits_for_a_look_from_after_it() {
        for (unknown_since, expected) in
            [(ago(0), Verdict::Withheld(Withheld::OutcomeUnknown)), (ago(1), change(5, None, ChangeCause::Rise))]
        {
            let mut case = case(floor(5, None));
            case.history.outcome_unknown = Some(unknown_since);
            assert_eq!(case.verdict(), expected);
        }
    }

    #[test]
    fn g11_a_nudge_needs_counts_from_after_the_lift_and_five_minutes_since_the_last_one() {
        let nudge = Verdict::Nudge(write(3, None));
        for (desired, lifting_until, nudged, expected) in [
            (2, None, None, &nudge),
            (3, None, None, &Verdict::InSync),
            (2, Some(ago(1)), None, &nudge),
            (2, Some(millis_ago(999)), None, &Verdict::InSync),
            (2, None, Some(ago(300)), &nudge),
            (2, None, Some(millis_ago(299_999)), &Verdict::InSync),
        ] {
            let mut case = case(floor(3, None)).counts(running(desired), ago(1));
            (case.history.lifting_until, case.history.nudged) = (lifting_until, nudged);
            assert_eq!(case.verdict(), *expected, "{desired} {lifting_until:?} {nudged:?}");
        }
    }

    #[test]
    fn a_nudge_sends_the_pair_where_the_max_is_declared_and_the_live_max_where_the_floor_is_limited() {
        let declared = case(floor(3, Some(10))).counts(running(1), ago(1));
        assert_eq!(declared.verdict(), Verdict::Nudge(write(3, Some(10))));
        let limited = case(floor(12, None)).live(live(10, 10), ago(1)).counts(running(1), ago(1));
        assert_eq!(limited.verdict(), Verdict::Nudge(write(10, None)));
    }

    #[test]
    fn a_write_that_would_cut_a_count_set_by_hand_is_withheld_while_the_count_is_at_the_floor() {
        use ChangeCause::{Fall, Rise};
        let withheld = Verdict::Withheld(Withheld::DesiredAboveMax);
        let limited = Verdict::Change { action: write(10, None), cause: Rise, limited: true };
        for (declared, desired, expected) in [
            (floor(5, None), 11, &withheld),
            (floor(1, None), 11, &withheld),
            (floor(5, None), 10, &change(5, None, Rise)),
            (floor(20, None), 15, &limited),
            (floor(5, Some(8)), 15, &change(5, Some(8), Fall)),
        ] {
            let case = case(declared.clone()).counts(running(desired), ago(1));
            assert_eq!(case.verdict(), *expected, "{declared:?}, desired {desired}");
        }
    }

    #[test]
    fn f18_rises_and_nudges_wait_for_code_deploy_as_long_as_asked_and_falls_do_not() {
        let controller = DeploymentController::CodeDeploy;
        let deploying =
            |desired| ServiceCounts { deploying: true, deployment_controller: controller, ..running(desired) };
        let deferred = Verdict::Deferred(ago(-300));
        for (min, desired, since, defer, expected) in [
            (5, 5, 300, 600, &deferred),
            (3, 1, 300, 600, &deferred),
            (5, 5, 600, 600, &change(5, None, ChangeCause::Rise)),
            (5, 5, 300, 0, &change(5, None, ChangeCause::Rise)),
            (1, 5, 300, 600, &change(1, None, ChangeCause::Fall)),
        ] {
            let mut case = case(floor(min, None)).counts(deploying(desired), ago(1));
            case.history.deferred_since = Some(ago(since));
            case.defer = SignedDuration::from_secs(defer);
            assert_eq!(case.verdict(), *expected, "{min} {since} {defer}");
        }
        let mut rolling = case(floor(5, None)).counts(ServiceCounts { deploying: true, ..running(5) }, ago(1));
        rolling.defer = SignedDuration::from_secs(600);
        assert_eq!(rolling.verdict(), change(5, None, ChangeCause::Rise));
    }

    #[test]
    fn every_verdict_has_its_word() {
        let words = [
            (Verdict::InSync, "inSync"),
            (change(1, None, ChangeCause::Fall), "change"),
            (Verdict::Nudge(write(1, None)), "nudge"),
            (Verdict::Withheld(Withheld::NoFreshLook), "withheld"),
            (Verdict::Limited, "limited"),
            (Verdict::Paused, "paused"),
            (Verdict::Deferred(ago(0)), "deferred"),
            (Verdict::NotRegistered, "notRegistered"),
            (Verdict::LeftAlone(LeftAlone::ExpressMode), "leftAlone"),
            (Verdict::Unknown, "unknown"),
        ];
        for (verdict, word) in words {
            assert_eq!(verdict.name(), word);
        }
    }
}
