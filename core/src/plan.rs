//! The plan: what is declared against what was seen gives a verdict, for every target and every situation.
//!
//! Pure: nothing is sent from here, and the controller has no choices left when it sends. Three rules come from AWS and
//! cannot be told by comparing numbers: bounds are enforced only when a target is registered (so a *nudge* registers the
//! same values again), every registration cuts desired down to max (so some writes are *withheld*), and a minimum above
//! the live maximum is refused (so a floor is *limited*).

pub mod report;
pub mod rivalry;

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

    fn action(&self, min: Option<u32>, max: Option<u32>) -> Action {
        Action { target: self.target.clone(), min, max }
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
        clock_is_trusted: bool,
        highest_soon: u32,
    }

    fn case(decision: Decision) -> Case {
        let seen = Seen {
            target: Some(Look { asked: ago(1), value: Some(live(3, 10)) }),
            counts: Some(Look { asked: ago(1), value: Some(running(5)) }),
        };
        let (history, defer, highest_soon) = (History::default(), SignedDuration::ZERO, decision.floor.min);
        Case { decision: Some(decision), seen, history, defer, clock_is_trusted: true, highest_soon }
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
                fresh_from: ago(120),
                clock_is_trusted: self.clock_is_trusted,
                highest_soon: self.highest_soon,
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
    fn where_the_one_may_not_fall_yet_a_rise_of_the_other_goes_alone() {
        let old = |min, max| case(floor(min, Some(max))).live(live(3, 10), ago(300)).verdict();
        assert_eq!(old(5, 8), change(5, None, ChangeCause::Rise));
        assert_eq!(old(3, 8), Verdict::Withheld(Withheld::NoFreshLook));
        assert_eq!(old(5, 12), change(5, Some(12), ChangeCause::Rise));
        let max_alone = Action { target: www(), min: None, max: Some(12) };
        assert_eq!(old(1, 12), Verdict::Change { action: max_alone, cause: ChangeCause::Rise, limited: false });
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

    /// Corrected three times, the last time a minute ago; before that the bounds were `held`.
    fn contested(mut case: Case, held: u32) -> Case {
        case.history.held = Some(Floor { min: held, max: None });
        [180, 120, 60].into_iter().for_each(|seconds| case.history.rivalry.corrected(ago(seconds)));
        case
    }

    #[test]
    fn g14_a_contested_target_is_corrected_upwards_only_and_only_after_its_pause() {
        let pause_ends = Verdict::Contested(ago(-60));
        let contest_ends = Verdict::Contested(ago(60 - 1800));
        for (min, held, expected) in [
            (5, Some(5), pause_ends),
            (5, None, change(5, None, ChangeCause::Rise)), // newly due
            (1, Some(1), contest_ends.clone()),
            (1, None, contest_ends),
        ] {
            let mut case = contested(case(floor(min, None)), min);
            case.history.held = held.map(|min| Floor { min, max: None });
            assert_eq!(case.verdict(), expected, "{min} {held:?}");
        }
        let mut rested = contested(case(floor(5, None)), 5);
        rested.history.rivalry.shift(SignedDuration::from_secs(60));
        assert_eq!(rested.verdict(), change(5, None, ChangeCause::Rise));
    }

    #[test]
    fn f21_with_a_clock_that_is_not_trusted_nothing_is_lowered_and_everything_is_raised() {
        let withheld = Verdict::Withheld(Withheld::ClockNotTrusted);
        for (declared, expected) in [
            (floor(1, None), withheld.clone()),
            (floor(3, Some(8)), withheld),
            (floor(5, None), change(5, None, ChangeCause::Rise)),
            (floor(5, Some(8)), change(5, None, ChangeCause::Rise)),
        ] {
            let mut case = case(declared.clone());
            case.clock_is_trusted = false;
            assert_eq!(case.verdict(), expected, "{declared:?}");
        }
    }

    #[test]
    fn f34_what_a_replica_raised_a_moment_early_is_not_lowered_in_between() {
        for (held, highest_soon, expected) in [
            (Some(1), 3, Verdict::Withheld(Withheld::RiseIsNear)),
            (Some(1), 2, change(1, None, ChangeCause::Fall)),
            (None, 3, change(1, None, ChangeCause::Fall)),
        ] {
            let mut case = case(floor(1, None));
            case.history.held = held.map(|min| Floor { min, max: None });
            case.highest_soon = highest_soon;
            assert_eq!(case.verdict(), expected, "{held:?} {highest_soon}");
        }
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
            (Verdict::Contested(ago(0)), "contested"),
            (Verdict::NotRegistered, "notRegistered"),
            (Verdict::LeftAlone(LeftAlone::ExpressMode), "leftAlone"),
            (Verdict::Unknown, "unknown"),
        ];
        for (verdict, word) in words {
            assert_eq!(verdict.name(), word);
        }
    }
}
