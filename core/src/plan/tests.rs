//! Cases of the plan: what is declared, what was seen and what happened before, and the verdict.

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

fn write(min: u32, max: Option<u32>) -> Box<Action> {
    Box::new(Action { target: www(), min: Some(min), max })
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
        let case = case(floor(declared.0, declared.1)).live(live(seen.0, seen.1), ago(1)).counts(running(10), ago(1));
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
    assert_eq!(old(1, 12), Verdict::Change { action: max_alone.into(), cause: ChangeCause::Rise, limited: false });
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
    let deploying = |desired| ServiceCounts { deploying: true, deployment_controller: controller, ..running(desired) };
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
    let mut higher_max = case(floor(3, Some(20))).counts(deploying(5), ago(1));
    higher_max.defer = SignedDuration::from_secs(600);
    assert_eq!(higher_max.verdict(), change(3, Some(20), ChangeCause::Rise), "no task is started by it");
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
        assert_eq!(verdict.is_limited(), word == "limited", "{word}");
    }
}
