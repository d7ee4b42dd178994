//! What goes wrong at AWS: one target's trouble is its own, and what passes is overcome.

use baseload_core::controller::{Fact, Settings};
use baseload_core::ecs::{ErrorKind, Operation};
use baseload_core::model::TargetId;
use baseload_core::plan::{self, Circumstances, History, Seen, Verdict};
use baseload_core::sim::{Family, Fault, Lasting, Rate, Scope, ServiceSpec};
use baseload_core::status::{ConditionKind, Truth};
use baseload_core::timetable::Decision;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::driver::{Stride, World};
use crate::scene::{account, account_of, always, id, office_hours, service, www};

const WRITE: Scope = Scope::Operation(Operation::RegisterScalableTarget);
const LOOK: Scope = Scope::Operation(Operation::DescribeScalableTargets);

fn instant(text: &str) -> Timestamp {
    text.parse().expect("a timestamp")
}

/// So many services `s000`…, all between 1 and 10, under the same schedule.
pub(crate) fn fleet(count: usize, yaml: impl Fn(&[&str]) -> String) -> World {
    let names: Vec<_> = (0..count).map(|n| format!("s{n:03}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let mut sim = account();
    names.iter().for_each(|name| sim.add_service(id(name), &service(1, 10)));
    World::new(sim, &yaml(&names))
}

pub(crate) fn at_floor(world: &World, count: usize, floor: u32) -> usize {
    (0..count).filter(|n| world.min(&format!("s{n:03}")) == floor).count()
}

#[test]
fn g13_one_target_that_is_always_refused_stops_none_of_the_others() {
    let mut world = fleet(120, office_hours);
    let denied = Fault::refuse("ValidationException");
    world.sim.inject(Scope::WritesTo(id("s007")), denied, Lasting::Until(Timestamp::MAX));
    world.run_to("2026-11-20T08:05:00Z");
    assert_eq!(at_floor(&world, 120, 3), 119);
    assert_eq!(world.reason("s007", ConditionKind::Synced), "Invalid");
    let to_others = world.writes.iter().filter(|write| write.action.target != id("s007")).count();
    assert_eq!(to_others, 119);
}

#[test]
fn f2_targets_whose_read_fails_keep_what_was_seen_may_be_raised_and_are_never_lowered() {
    let mut world = www();
    world.run_to("2026-11-20T07:50:00Z");
    world.sim.inject(LOOK, Fault::refuse("ThrottlingException"), Lasting::Until(instant("2026-11-20T19:00:00Z")));
    world.run_to("2026-11-20T08:00:01Z");
    assert_eq!(world.min("www"), 3);
    world.run_to("2026-11-20T18:30:00Z");
    assert_eq!((world.min("www"), world.verdict("www")), (3, "withheld".to_owned()));
    assert_eq!(world.count_facts(|fact| matches!(fact, Fact::LookFailed { .. })), 1);
    world.run_to("2026-11-20T19:01:30Z");
    assert_eq!(world.min("www"), 1);
    assert_eq!(world.count_facts(|fact| matches!(fact, Fact::LookRecovered { .. })), 1);
}

#[test]
fn f2_a_failed_page_leaves_its_own_targets_unknown_and_the_others_go_on() {
    let mut world = fleet(60, |names| always(names, "min: 3"));
    world.sim.inject(LOOK, Fault::refuse("ThrottlingException"), Lasting::Times(1));
    world.latency.write = SignedDuration::from_millis(40);
    world.run_until(world.at() + SignedDuration::from_millis(500));
    assert_eq!(at_floor(&world, 60, 3), 10, "the second call was answered");
    world.run_for(10);
    assert_eq!(at_floor(&world, 60, 3), 60);
}

#[test]
fn f2_a_listing_that_breaks_off_says_nothing_of_those_it_had_not_come_to() {
    let mut world = fleet(60, |_| always(&["shop/s*"], "min: 3"));
    world.run_for(61);
    assert_eq!(at_floor(&world, 60, 3), 60);
    world.sim.inject(LOOK, Fault::refuse("ThrottlingException"), Lasting::Times(1));
    let failing =
        |world: &mut World| world.status().targets.iter().filter(|target| target.last_error.is_some()).count();
    let most_failing = (0..61).map(|_| {
        world.run_for(1);
        failing(&mut world)
    });
    assert_eq!(most_failing.max(), Some(60), "each of them says so");
    assert_eq!(world.status().targets.len(), 60);
}

#[test]
fn f5_after_a_lost_answer_it_looks_before_it_sends_again() {
    let mut world = www();
    world.run_to("2026-11-20T07:59:30Z");
    world.sim.inject(WRITE, Fault::LoseAnswer, Lasting::Times(1));
    world.run_to("2026-11-20T08:02:00Z");
    assert_eq!((world.min("www"), world.writes.len()), (3, 1), "the look says that the write took effect");
    assert_eq!(world.verdict("www"), "inSync");
}

#[test]
fn f5_a_write_that_never_arrived_is_sent_again_after_the_look() {
    let mut world = www();
    world.run_to("2026-11-20T07:59:30Z");
    world.sim.inject(WRITE, Fault::refuse("InternalServiceException"), Lasting::Times(1));
    world.run_to("2026-11-20T08:00:10Z");
    assert_eq!((world.min("www"), world.writes.len()), (3, 2));
}

#[test]
fn f6_a_conflict_is_tried_again_by_its_own_target_alone() {
    let mut world = fleet(10, office_hours);
    let fault = Fault::refuse("ConcurrentUpdateException");
    world.sim.inject(Scope::WritesTo(id("s003")), fault, Lasting::Times(3));
    world.run_to("2026-11-20T08:00:02Z");
    assert!(at_floor(&world, 10, 3) >= 9);
    world.run_to("2026-11-20T08:00:20Z");
    assert_eq!((at_floor(&world, 10, 3), world.writes.len()), (10, 13));
}

#[test]
fn f6_a_used_up_quota_is_left_alone_for_ten_minutes() {
    let mut world = www();
    world.run_to("2026-11-20T07:59:30Z");
    world.sim.inject(WRITE, Fault::refuse("LimitExceededException"), Lasting::Times(1));
    world.run_to("2026-11-20T08:09:59Z");
    assert_eq!(world.writes.len(), 1);
    assert_eq!(world.reason("www", ConditionKind::Synced), "QuotaExceeded");
    world.run_to("2026-11-20T08:21:00Z");
    assert_eq!((world.writes.len(), world.min("www")), (2, 3));
}

fn transitions(world: &World, kind: ConditionKind) -> Vec<Truth> {
    let of = |fact: &Fact| match fact {
        Fact::ConditionChanged { condition, .. } if condition.kind == kind => Some(condition.status),
        _ => None,
    };
    world.facts.iter().filter_map(|(_, fact)| of(fact)).collect()
}

#[test]
fn f7_a_target_that_is_deregistered_is_reported_once_never_created_and_picked_up_when_it_is_back() {
    let mut world = www();
    world.run_to("2026-11-20T07:00:00Z");
    world.forget();
    world.deregister("www");
    world.run_to("2026-11-20T12:00:00Z");
    assert_eq!((world.bounds("www"), world.verdict("www")), (None, "notRegistered".to_owned()));
    world.rival("www", &json!({ "MinCapacity": 1, "MaxCapacity": 10 }));
    world.run_to("2026-11-20T12:01:05Z");
    assert_eq!(world.min("www"), 3);
    assert_eq!(transitions(&world, ConditionKind::Registered), [Truth::False, Truth::True]);
}

#[test]
fn f7_a_target_that_goes_between_two_looks_costs_one_refused_write_and_one_look() {
    let mut world = www();
    world.run_to("2026-11-20T07:59:30Z");
    world.deregister("www");
    let asked = world.calls(Operation::DescribeScalableTargets);
    world.run_to("2026-11-20T08:00:50Z");
    assert_eq!((world.writes.len(), world.verdict("www")), (1, "notRegistered".to_owned()));
    assert!(world.calls(Operation::DescribeScalableTargets) <= asked + 3);
}

#[test]
fn f7_a_spurious_refusal_of_a_service_that_is_there_does_not_set_off_a_storm_of_looks() {
    let mut world = www();
    world.run_to("2026-11-20T07:59:30Z");
    let gone = baseload_core::sim::WireError::new(400, "ValidationException", "ECS service doesn't exist: www");
    world.sim.inject(WRITE, Fault::Refuse(gone), Lasting::Until(instant("2026-11-20T08:01:00Z")));
    let asked = world.calls(Operation::DescribeScalableTargets);
    world.run_to("2026-11-20T08:03:00Z");
    assert_eq!(world.min("www"), 3);
    let looks = world.calls(Operation::DescribeScalableTargets) - asked;
    assert!(looks <= 8, "{looks} looks");
}

#[test]
fn f7_a_deleted_service_is_noticed_and_a_new_one_of_its_name_is_brought_up() {
    let mut world = www();
    world.run_to("2026-11-20T09:00:00Z");
    world.delete_service("www");
    world.run_for(120);
    assert_eq!(world.condition("www", ConditionKind::Registered), Truth::False);
    let spec = ServiceSpec { bounds: Some((1, 5)), ..service(1, 5) };
    world.sim.add_service(id("www"), &spec);
    world.run_for(70);
    assert_eq!(world.bounds("www"), Some((3, 5)));
}

#[test]
fn f10_a_missing_permission_is_named_by_every_target_and_tried_again_slowly() {
    let mut world = fleet(5, office_hours);
    world.run_to("2026-11-20T07:59:30Z");
    world.sim.inject(WRITE, Fault::refuse("AccessDeniedException"), Lasting::Until(instant("2026-11-20T09:00:00Z")));
    world.run_to("2026-11-20T08:59:00Z");
    assert!((0..5).all(|n| world.reason(&format!("s{n:03}"), ConditionKind::Synced) == "Denied"));
    assert!(world.writes.len() <= 5 * 30, "{}", world.writes.len());
    let first_time = |fact: &Fact| matches!(fact, Fact::Refused { repeated: false, .. });
    assert_eq!(world.count_facts(first_time), 5);
    world.run_to("2026-11-20T09:06:00Z");
    assert_eq!(at_floor(&world, 5, 3), 5);
}

#[test]
fn f10_a_permission_to_read_counts_that_is_missing_stops_no_rise() {
    let sim = account_of(&[("www", service(1, 10))]);
    let mut world = World::new(sim, &always(&["www"], "min: 3"));
    let scope = Scope::Operation(Operation::DescribeServices);
    world.sim.inject(scope, Fault::refuse("AccessDeniedException"), Lasting::Until(Timestamp::MAX));
    world.run_for(30);
    assert_eq!(world.min("www"), 3);
}

#[test]
fn f16_on_a_stale_read_the_same_value_is_not_sent_again_within_ninety_seconds() {
    let mut world = www();
    world.run_to("2026-11-20T07:59:00Z");
    world.sim.set_stale_reads(SignedDuration::from_secs(80));
    world.run_to("2026-11-20T08:10:00Z");
    assert_eq!((world.min("www"), world.writes.len()), (3, 1));
}

#[test]
fn f16_on_a_stale_read_a_different_value_is_sent() {
    let mut world = www();
    world.run_to("2026-11-20T07:59:00Z");
    world.sim.set_stale_reads(SignedDuration::from_secs(80));
    world.run_to("2026-11-20T08:00:30Z");
    world.edit(&always(&["www"], "min: 5"));
    world.run_for(2);
    assert_eq!(world.min("www"), 5);
}

#[test]
fn f20_after_an_outage_across_two_boundaries_it_goes_straight_to_the_current_floor() {
    let yaml = crate::scene::schedule(
        "steps",
        &["www"],
        "default: { min: 1 }
         windows:
         - { name: a, from: \"08:00\", to: \"08:30\", min: 3 }
         - { name: b, from: \"08:30\", to: \"20:00\", min: 6 }",
    );
    let mut world = World::new(account_of(&[("www", service(1, 10))]), &yaml);
    world.run_to("2026-11-20T07:50:00Z");
    let until = Lasting::Until(instant("2026-11-20T08:50:00Z"));
    world.sim.inject(Scope::Everything, Fault::refuse("ServiceUnavailable"), until);
    world.run_to("2026-11-20T08:52:00Z");
    assert_eq!(world.min("www"), 6);
    let accepted: Vec<_> = world.facts.iter().filter(|(_, fact)| matches!(fact, Fact::Accepted { .. })).collect();
    assert_eq!(accepted.len(), 1);
}

#[test]
fn f20_ready_needs_every_target_to_be_asked_not_answered() {
    let mut sim = account_of(&[("www", service(1, 10))]);
    sim.inject(Scope::Everything, Fault::refuse("ServiceUnavailable"), Lasting::Until(Timestamp::MAX));
    let mut world = World::new(sim, &office_hours(&["www"]));
    assert!(!world.controller.is_ready());
    world.run_for(10);
    assert!(world.controller.is_ready());
    assert_eq!(world.verdict("www"), "unknown");
}

fn panics_over_s001(
    target: &TargetId,
    decision: Option<&Decision>,
    seen: &Seen,
    history: &History,
    circumstances: &Circumstances,
) -> Verdict {
    assert!(&*target.service != "s001", "planted");
    plan::verdict(target, decision, seen, history, circumstances)
}

#[test]
fn f32_a_panic_in_one_targets_path_is_contained_told_once_and_shown() {
    let names = ["s000", "s001", "s002"];
    let sim = account_of(&names.map(|name| (name, service(1, 10))));
    let settings = Settings { planner: panics_over_s001, ..Settings::default() };
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let mut world = World::with(sim, &always(&names, "min: 3"), settings);
    world.run_for(300);
    std::panic::set_hook(hook);
    assert_eq!((world.min("s000"), world.min("s001"), world.min("s002")), (3, 1, 3));
    assert_eq!(world.count_facts(|fact| matches!(fact, Fact::Panicked { .. })), 1);
    assert_eq!(world.reason("s001", ConditionKind::Synced), "InternalError");
}

#[test]
fn a_failure_that_is_over_is_no_longer_shown() {
    let mut world = www();
    world.run_to("2026-11-20T07:59:30Z");
    world.sim.inject(WRITE, Fault::refuse("ConcurrentUpdateException"), Lasting::Times(1));
    world.run_to("2026-11-20T08:00:00Z");
    world.run_for(1);
    world.run_for(60);
    assert_eq!(world.target("www").last_error, None);
    assert_eq!(world.condition("www", ConditionKind::Synced), Truth::True);
}

#[test]
fn a_question_that_fails_as_a_whole_is_told_once_for_all_its_targets() {
    let mut world = fleet(3, office_hours);
    world.run_for(59);
    let scope = Scope::Operation(Operation::DescribeServices);
    world.sim.inject(scope, Fault::refuse("ThrottlingException"), Lasting::Times(5));
    world.run_for(600);
    let failed = |fact: &Fact| matches!(fact, Fact::LookFailed { targets: Some(3), error, .. } if error.kind == ErrorKind::Throttled);
    assert_eq!(world.count_facts(failed), 1);
}

#[test]
fn f1_three_hundred_rises_drain_a_bucket_at_its_rate_with_few_throttles_and_none_is_marked_failed() {
    for latency in [60, 200, 400] {
        let mut world = fleet(300, office_hours);
        world.latency.write = SignedDuration::from_millis(latency);
        world.stride = Stride::SecondUntil(world.at());
        world.run_to("2026-11-20T07:59:59Z");
        world.stride = Stride::Second;
        world.sim.limit(Family::AutoScaling, Some(Rate { burst: 50, per_second: 5 }));
        world.run_to("2026-11-20T08:00:55Z");
        let throttled = world.count_facts(|fact| matches!(fact, Fact::Refused { .. }));
        assert_eq!(at_floor(&world, 300, 3), 300, "with {latency} ms, {throttled} throttled");
        assert!(throttled * 20 <= world.writes.len(), "with {latency} ms: {throttled} of {}", world.writes.len());
    }
}
