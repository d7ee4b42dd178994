//! What each condition says of what is seen.

use super::*;
use crate::ecs::{Action, DeploymentController, ErrorKind, Operation, ScalableTarget, ServiceCounts, Survey};
use crate::model::{Floor, TargetId};
use crate::plan::{ChangeCause, Look, Withheld};
use crate::timetable::Cause;

fn decision(min: u32, max: Option<u32>) -> Decision {
    Decision { floor: Floor { min, max }, schedule: "web".into(), cause: Cause::Default }
}

fn seen(min: u32, max: u32, desired: u32, running: u32) -> Seen {
    let asked = Timestamp::UNIX_EPOCH;
    let counts = ServiceCounts {
        desired,
        running,
        pending: 0,
        deploying: false,
        deployment_controller: DeploymentController::Ecs,
        express_mode: false,
    };
    let bounds = ScalableTarget { min, max, scheduled_scaling_suspended: false };
    Seen { target: Some(Look { asked, value: Some(bounds) }), counts: Some(Look { asked, value: Some(counts) }) }
}

fn error(kind: ErrorKind) -> EcsError {
    EcsError {
        operation: Operation::RegisterScalableTarget,
        kind,
        code: "Code".to_owned(),
        message: "words".to_owned(),
        retry_after: None,
    }
}

fn rise() -> Verdict {
    let action = Action { target: TargetId::new("shop", "www"), min: Some(3), max: None };
    Verdict::Change { action: action.into(), cause: ChangeCause::Rise, limited: false }
}

static NOBODY: std::sync::LazyLock<Rivalry> = std::sync::LazyLock::new(Rivalry::default);

/// All is well under a floor of 3, unless the test says otherwise.
fn judged<'a>(decision: &'a Decision, seen: &'a Seen, verdict: &'a Verdict) -> Judged<'a> {
    let rivalry = &NOBODY;
    Judged { decision: Some(decision), seen, verdict, error: None, survey: None, rivalry, broken: None }
}

fn value(kind: ConditionKind, judged: &Judged<'_>) -> (Truth, &'static str) {
    let finding = judge(kind, judged);
    (finding.status, finding.reason)
}

#[test]
fn synced_follows_the_verdict_and_names_the_failure_that_stands() {
    use Truth::{False, True, Unknown};
    let (declared, seen) = (decision(3, None), seen(3, 10, 3, 3));
    let denied = error(ErrorKind::Denied);
    let deferred = Verdict::Deferred(Timestamp::UNIX_EPOCH);
    for (verdict, failed, expected) in [
        (Verdict::InSync, false, (True, "InSync")),
        (Verdict::InSync, true, (True, "Denied")),
        (rise(), false, (False, "ChangeDue")),
        (rise(), true, (False, "Denied")),
        (Verdict::Withheld(Withheld::NoFreshLook), false, (False, "Withheld")),
        (Verdict::Withheld(Withheld::NoFreshLook), true, (False, "Denied")),
        (Verdict::Limited, false, (False, "Limited")),
        (Verdict::Paused, false, (True, "InSync")),
        (deferred, false, (True, "InSync")),
        (Verdict::Contested(Timestamp::UNIX_EPOCH), false, (False, "Contested")),
        (Verdict::NotRegistered, false, (False, "NotRegistered")),
        (Verdict::LeftAlone(LeftAlone::NoSchedule), false, (True, "NothingDeclared")),
        (Verdict::LeftAlone(LeftAlone::NotAllowed), false, (Unknown, "NotAllowed")),
        (Verdict::LeftAlone(LeftAlone::ExpressMode), false, (Unknown, "ExpressMode")),
        (Verdict::Unknown, false, (Unknown, NOT_ASKED)),
        (Verdict::Unknown, true, (Unknown, "Denied")),
    ] {
        let judged = Judged { error: failed.then_some(&denied), ..judged(&declared, &seen, &verdict) };
        assert_eq!(value(ConditionKind::Synced, &judged), expected, "{verdict:?}, failed: {failed}");
    }
}

#[test]
fn a_paused_or_deferred_target_is_synced_only_where_it_is_as_declared() {
    let (declared, seen) = (decision(5, None), seen(3, 10, 3, 3));
    for verdict in [Verdict::Paused, Verdict::Deferred(Timestamp::UNIX_EPOCH)] {
        assert_eq!(value(ConditionKind::Synced, &judged(&declared, &seen, &verdict)).0, Truth::False);
    }
}

#[test]
fn held_is_about_desired_and_ready_about_running() {
    use Truth::{False, True};
    let declared = decision(3, None);
    for (desired, running, held, ready) in
        [(3, 3, True, True), (3, 2, True, False), (2, 2, False, False), (2, 3, False, True), (9, 9, True, True)]
    {
        let seen = seen(3, 10, desired, running);
        let judged = judged(&declared, &seen, &Verdict::InSync);
        let values = (value(ConditionKind::Held, &judged).0, value(ConditionKind::Ready, &judged).0);
        assert_eq!(values, (held, ready), "desired {desired}, running {running}");
    }
}

#[test]
fn what_was_never_asked_is_unknown_and_never_false() {
    let (declared, nothing) = (decision(3, None), Seen::default());
    let judged = judged(&declared, &nothing, &Verdict::Unknown);
    for kind in ConditionKind::ALL.into_iter().filter(|kind| *kind != ConditionKind::Contested) {
        assert_eq!(value(kind, &judged), (Truth::Unknown, NOT_ASKED), "{kind:?}");
    }
}

#[test]
fn a_service_or_target_that_is_not_there_is_false_and_not_unknown() {
    let asked = Timestamp::UNIX_EPOCH;
    let gone = Seen { target: Some(Look { asked, value: None }), counts: Some(Look { asked, value: None }) };
    let declared = decision(3, None);
    let judged = judged(&declared, &gone, &Verdict::NotRegistered);
    assert_eq!(value(ConditionKind::Registered, &judged), (Truth::False, "NotRegistered"));
    assert_eq!(value(ConditionKind::Held, &judged), (Truth::False, "NoService"));
}

#[test]
fn limited_is_a_floor_above_a_max_that_nobody_declares() {
    for (min, max, expected) in [(10, None, Truth::False), (11, None, Truth::True), (11, Some(20), Truth::False)] {
        let (declared, seen) = (decision(min, max), seen(3, 10, 3, 3));
        assert_eq!(value(ConditionKind::Limited, &judged(&declared, &seen, &Verdict::InSync)).0, expected);
    }
}

#[test]
fn a_survey_tells_of_policies_and_rivals() {
    use Truth::{False, True};
    let survey = |policies: &[&str], predictive: &[&str], actions: &[&str]| {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Survey { policies: owned(policies), predictive: owned(predictive), scheduled_actions: owned(actions) }
    };
    let (declared, seen) = (decision(3, None), seen(3, 10, 3, 3));
    for (survey, policy, rival) in [
        (survey(&[], &[], &[]), (False, "NoPolicy"), (False, "NoRival")),
        (survey(&["cpu"], &[], &[]), (True, "PolicyAttached"), (False, "NoRival")),
        (survey(&["ai"], &["ai"], &[]), (True, "PolicyAttached"), (True, "PredictiveScaling")),
        (survey(&[], &[], &["night"]), (False, "NoPolicy"), (True, "ScheduledActions")),
    ] {
        let judged = Judged { survey: Some(&survey), ..judged(&declared, &seen, &Verdict::InSync) };
        assert_eq!(value(ConditionKind::PolicyAttached, &judged), policy);
        assert_eq!(value(ConditionKind::RivalSchedule, &judged), rival);
    }
}

#[test]
fn g14_a_contest_names_whom_aws_knows_of() {
    let (declared, seen) = (decision(3, None), seen(3, 10, 3, 3));
    let mut rivalry = Rivalry::default();
    (1..=3).for_each(|second| rivalry.corrected(Timestamp::from_second(second).expect("a timestamp")));
    let survey = Survey { scheduled_actions: vec!["night".to_owned()], ..Survey::default() };
    let judged = Judged { rivalry: &rivalry, survey: Some(&survey), ..judged(&declared, &seen, &Verdict::InSync) };
    let finding = judge(ConditionKind::Contested, &judged);
    assert_eq!((finding.status, finding.reason), (Truth::True, "KeepsChanging"));
    assert!(finding.message.contains("30 min") && finding.message.contains("night"), "{}", finding.message);
}

#[test]
fn f32_a_panic_leaves_synced_unknown_and_says_what_it_said() {
    let (declared, seen) = (decision(3, None), seen(3, 10, 3, 3));
    let judged = Judged { broken: Some("index out of bounds"), ..judged(&declared, &seen, &Verdict::Unknown) };
    let finding = judge(ConditionKind::Synced, &judged);
    assert_eq!((finding.status, finding.reason), (Truth::Unknown, "InternalError"));
    assert!(finding.message.contains("index out of bounds"));
}

#[test]
fn a_transition_moves_since_and_a_new_reason_alone_does_not() {
    let at = |second| Timestamp::from_second(second).expect("a timestamp");
    let (declared, seen) = (decision(3, None), seen(3, 10, 3, 3));
    let (rise, denied) = (rise(), error(ErrorKind::Denied));
    let mut conditions = Conditions::default();
    conditions.update(&judged(&declared, &seen, &rise), at(1));
    let again = conditions.update(&Judged { error: Some(&denied), ..judged(&declared, &seen, &rise) }, at(2));
    assert_eq!(again, []);
    assert_eq!((conditions.0[0].since, &*conditions.0[0].reason), (at(1), "Denied"));
    let changed = conditions.update(&judged(&declared, &seen, &Verdict::InSync), at(3));
    assert_eq!(
        changed.iter().map(|c| (c.kind, c.status, c.since)).collect::<Vec<_>>(),
        [(ConditionKind::Synced, Truth::True, at(3))]
    );
}

#[test]
fn conditions_that_begin_unknown_are_no_news() {
    let (declared, nothing) = (decision(3, None), Seen::default());
    let news = Conditions::default().update(&judged(&declared, &nothing, &Verdict::Unknown), Timestamp::UNIX_EPOCH);
    assert!(news.iter().all(|condition| condition.status != Truth::Unknown), "{news:?}");
}

#[test]
fn what_was_never_known_and_turns_out_well_is_not_told_and_what_turns_out_unwell_is() {
    let (declared, nothing) = (decision(3, None), Seen::default());
    for (running, told) in [(3, &[][..]), (1, &[ConditionKind::Ready][..])] {
        let mut conditions = Conditions::default();
        conditions.update(&judged(&declared, &nothing, &Verdict::Unknown), Timestamp::UNIX_EPOCH);
        let seen = seen(3, 10, 3, running);
        let changed = conditions.update(&judged(&declared, &seen, &Verdict::InSync), Timestamp::UNIX_EPOCH);
        let kinds: Vec<_> = changed.iter().map(|condition| condition.kind).collect();
        assert_eq!(kinds, told, "{running} running");
    }
}

#[test]
fn conditions_are_shared_only_where_they_are_the_same() {
    let (declared, nothing) = (decision(3, None), Seen::default());
    let judged_at = |second| {
        let mut conditions = Conditions::default();
        let at = Timestamp::from_second(second).expect("a timestamp");
        conditions.update(&judged(&declared, &nothing, &Verdict::Unknown), at);
        conditions
    };
    let (mut neighbour, mut alike, mut later) = (judged_at(1), judged_at(1), judged_at(2));
    alike.share(&mut neighbour);
    assert!(Arc::ptr_eq(&alike.0, &neighbour.0));
    later.share(&mut neighbour);
    assert_eq!(later, judged_at(2), "another's conditions are never taken over");
    assert_eq!(neighbour, later);
}
