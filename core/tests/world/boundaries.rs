//! Boundaries: floors change on the instant, once each, straight to what holds now.

use std::sync::Arc;

use baseload_core::controller::{ChangeKind, Fact};
use baseload_core::ecs::Operation;
use jiff::SignedDuration;

use crate::driver::World;
use crate::scene::{account_of, always, id, office_hours, schedule, service, www};

#[test]
fn a_day_has_one_write_at_each_boundary_and_both_on_the_instant() {
    let mut world = www();
    world.run_to("2026-11-21T06:00:00Z");
    let writes: Vec<_> = world.writes.iter().map(|write| (write.wall.to_string(), write.action.min)).collect();
    let expected = [("2026-11-20T08:00:00Z", 3), ("2026-11-20T18:00:00Z", 1)];
    assert_eq!(writes, expected.map(|(at, min)| (at.to_owned(), Some(min))));
    assert_eq!(world.min("www"), 1);
}

#[test]
fn g8_at_a_seam_between_two_windows_the_base_is_never_written() {
    let windows = "default: { min: 1 }
        windows:
        - { name: a, from: \"08:00\", to: \"18:00\", min: 3 }
        - { name: b, from: \"18:00\", to: \"22:00\", min: 6 }";
    let mut world = World::new(account_of(&[("www", service(1, 10))]), &schedule("seam", &["www"], windows));
    world.run_to("2026-11-20T17:59:59Z");
    assert_eq!(world.min("www"), 3);
    world.run_to("2026-11-21T06:00:00Z");
    assert_eq!(world.minima("www"), [Some(3), Some(6), Some(1)]);
}

#[test]
fn a_gap_of_a_minute_between_two_windows_is_a_gap() {
    let windows = "default: { min: 1 }
        windows:
        - { name: a, from: \"08:00\", to: \"18:00\", min: 3 }
        - { name: b, from: \"18:01\", to: \"22:00\", min: 3 }";
    let mut world = World::new(account_of(&[("www", service(1, 10))]), &schedule("gap", &["www"], windows));
    world.run_to("2026-11-20T18:00:30Z");
    assert_eq!(world.min("www"), 1, "what we set ourselves nobody raised early");
    world.run_to("2026-11-20T18:01:30Z");
    assert_eq!(world.min("www"), 3);
}

#[test]
fn g9_a_floor_below_desired_is_registered_all_the_same_and_desired_is_not_touched() {
    let mut spec = service(1, 10);
    spec.desired = 5;
    let mut world = World::new(account_of(&[("www", spec)]), &office_hours(&["www"]));
    world.run_to("2026-11-20T08:01:00Z");
    assert_eq!((world.min("www"), world.desired("www")), (3, 5));
    world.run_to("2026-11-20T18:01:00Z");
    assert_eq!((world.min("www"), world.desired("www")), (1, 5));
}

#[test]
fn g10_started_within_a_window_one_write_goes_straight_to_the_floor_of_now() {
    let mut world = World::new(account_of(&[("www", service(1, 10))]), &always(&["www"], "min: 4"));
    world.run_for(30);
    assert_eq!(world.minima("www"), [Some(4)]);
}

#[test]
fn g15_a_restart_takes_the_floor_from_the_schedule_and_never_from_what_it_sees() {
    let mut world = www();
    world.run_to("2026-11-20T06:59:00Z");
    world.rival("www", &serde_json::json!({ "MinCapacity": 2 }));
    world.restart();
    world.run_to("2026-11-20T07:01:00Z");
    assert_eq!(world.min("www"), 1);
    world.run_to("2026-11-20T08:00:01Z");
    assert_eq!(world.min("www"), 3);
}

#[test]
fn g22_an_edit_just_before_the_boundary_holds_at_the_boundary() {
    let mut world = www();
    world.run_to("2026-11-20T07:59:00Z");
    world.edit(&office_hours(&["www"]).replace("min: 3", "min: 5"));
    world.run_to("2026-11-20T08:10:00Z");
    assert_eq!(world.minima("www"), [Some(5)]);
}

#[test]
fn a_bad_edit_changes_nothing_but_what_is_told_and_is_told_once() {
    let mut world = www();
    world.edit_badly("a mistake");
    world.edit_badly("a mistake");
    world.run_to("2026-11-20T08:01:00Z");
    assert_eq!(world.min("www"), 3);
    assert_eq!(world.count_facts(|fact| matches!(fact, Fact::ConfigurationRejected { .. })), 1);
    let configuration = world.status().configuration;
    assert!(!configuration.last_reload_successful && world.status().ready);
    assert_eq!(configuration.last_error.as_deref(), Some("a mistake"));
}

#[test]
fn a_rise_does_not_wait_for_a_look_that_takes_fifty_seconds() {
    let mut world = www();
    world.run_to("2026-11-20T07:59:30Z");
    world.latency.read = SignedDuration::from_secs(50);
    world.run_to("2026-11-20T08:00:01Z");
    assert!(world.is_waiting());
    assert_eq!(world.min("www"), 3);
    assert_eq!(world.writes[0].wall.to_string(), "2026-11-20T08:00:00Z");
}

#[test]
fn a_fall_without_a_fresh_look_triggers_one_at_once_and_follows_it() {
    let mut world = www();
    world.run_to("2026-11-20T17:59:30Z");
    world.rival("www", &serde_json::json!({ "MinCapacity": 1 }));
    world.run_to("2026-11-20T17:59:59Z"); // seen at the resync of 17:59:00 at the latest
    world.latency.read = SignedDuration::from_secs(2);
    world.edit(&always(&["www"], "min: 2"));
    world.run_to("2026-11-20T18:00:00Z");
    world.forget();
    world.edit(&always(&["www"], "min: 1"));
    let asked = world.calls(Operation::DescribeScalableTargets);
    world.run_for(10);
    assert!(world.calls(Operation::DescribeScalableTargets) > asked);
    assert_eq!(world.min("www"), 1);
}

#[test]
fn a_fall_right_after_our_own_rise_looks_once_and_falls() {
    let mut world = www();
    world.run_to("2026-11-20T08:00:02Z");
    let asked = world.calls(Operation::DescribeScalableTargets);
    world.edit(&always(&["www"], "min: 2"));
    world.run_for(2);
    assert_eq!(world.min("www"), 2);
    assert_eq!(world.calls(Operation::DescribeScalableTargets), asked + 1);
}

#[test]
fn a_fall_looks_at_once_even_while_an_older_look_is_on_its_way() {
    let mut world = www();
    world.run_to("2026-11-20T07:59:40Z");
    world.latency.read = SignedDuration::from_secs(40);
    world.run_to("2026-11-20T08:00:02Z"); // the resync of 08:00:00 left before the rise was accepted
    world.latency.read = SignedDuration::from_millis(100);
    world.edit(&always(&["www"], "min: 2"));
    world.run_for(3);
    assert_eq!(world.min("www"), 2);
    world.run_for(60);
    assert_eq!((world.min("www"), world.verdict("www").as_str()), (2, "inSync"));
}

#[test]
fn rises_leave_before_falls_and_the_largest_shortfall_leaves_first() {
    let services = [("a", service(9, 20)), ("b", service(1, 20)), ("c", service(1, 20)), ("d", service(5, 20))];
    let at_eight = |name: &str, before: u32, after: u32| {
        let rest = format!(
            "default: {{ min: {before} }}
             windows: [{{ name: day, from: \"08:00\", to: \"18:00\", min: {after} }}]"
        );
        schedule(name, &[name], &rest)
    };
    let yaml = at_eight("a", 9, 1) + &at_eight("b", 1, 3) + &at_eight("c", 1, 8) + &at_eight("d", 5, 6);
    let mut world = World::new(account_of(&services), &yaml);
    world.run_to("2026-11-20T08:00:05Z");
    let order: Vec<_> = world.writes.iter().map(|write| write.action.target.service.to_string()).collect();
    assert_eq!(order, ["c", "b", "d", "a"]);
}

#[test]
fn a_rise_that_takes_longer_than_the_next_boundary_is_followed_by_what_that_one_says() {
    let windows = "default: { min: 1 }
        windows:
        - { name: a, from: \"08:00\", to: \"08:01\", min: 3 }
        - { name: b, from: \"08:01\", to: \"22:00\", min: 6 }";
    let mut world = World::new(account_of(&[("www", service(1, 10))]), &schedule("fast", &["www"], windows));
    world.run_to("2026-11-20T07:59:00Z");
    world.latency.write = SignedDuration::from_secs(90);
    world.run_to("2026-11-20T08:05:00Z");
    assert_eq!(world.minima("www"), [Some(3), Some(6)]);
    let kinds: Vec<_> = world
        .facts
        .iter()
        .filter_map(|(_, fact)| match fact {
            Fact::Accepted { kind, decision, lateness, .. } => {
                Some((*kind, decision.as_ref()?.floor.min, lateness.map(|late| late.as_secs())))
            }
            _ => None,
        })
        .collect();
    assert_eq!(kinds, [(ChangeKind::Scheduled, 3, Some(90)), (ChangeKind::Scheduled, 6, Some(120))]);
}

#[test]
fn lateness_is_told_of_writes_that_a_boundary_asked_for_and_of_no_others() {
    let mut world = World::new(account_of(&[("www", service(2, 10))]), &office_hours(&["www"]));
    world.run_for(60); // at the start: no boundary
    world.edit(&office_hours(&["www"]).replace("min: 1", "min: 2")); // by a new configuration: none
    world.run_for(60);
    world.rival("www", &serde_json::json!({ "MinCapacity": 1 })); // a correction
    world.run_for(180);
    assert_eq!(world.minima("www").len(), 3);
    assert_eq!(world.latenesses(), []);
    world.run_to("2026-11-20T18:01:00Z");
    let late = world.latenesses();
    assert_eq!(late.len(), 2);
    assert!(late.iter().all(|late| *late < SignedDuration::from_secs(1)), "{late:?}");
}

#[test]
fn a_floor_that_someone_else_held_up_is_not_late() {
    let mut world = www();
    world.run_to("2026-11-20T07:50:00Z");
    world.rival("www", &serde_json::json!({ "SuspendedState": { "ScheduledScalingSuspended": true } }));
    world.run_to("2026-11-20T09:00:00Z");
    world.rival("www", &serde_json::json!({ "SuspendedState": { "ScheduledScalingSuspended": false } }));
    world.run_to("2026-11-20T09:02:00Z");
    assert_eq!(world.min("www"), 3);
    assert_eq!(world.latenesses(), []);
}

#[test]
fn a_rise_is_followed_by_word_that_its_tasks_run() {
    let mut world = www();
    world.run_to("2026-11-20T08:03:00Z");
    let ready: Vec<_> = world
        .facts
        .iter()
        .filter_map(|(_, fact)| match fact {
            Fact::TasksReady { target, floor, after } => Some((target.clone(), *floor, after.as_secs())),
            _ => None,
        })
        .collect();
    let [(target, 3, after)] = &ready[..] else { panic!("{ready:?}") };
    assert_eq!(*target, id("www"));
    assert!((25..=75).contains(after), "tasks start within a minute, a glance comes every 10 s: {after}");
}

#[test]
fn a_dry_run_says_once_what_it_would_write_and_writes_nothing() {
    let settings = baseload_core::controller::Settings { dry_run: true, ..Default::default() };
    let sim = account_of(&[("www", service(1, 10))]);
    let mut world = World::with(sim, &office_hours(&["www"]), settings);
    world.run_to("2026-11-20T17:00:00Z");
    assert_eq!(world.writes, []);
    assert_eq!(world.count_facts(|fact| matches!(fact, Fact::WouldApply { .. })), 1);
    assert_eq!(world.calls(Operation::RegisterScalableTarget), 0);
}

#[test]
fn f31_after_a_shutdown_nothing_new_is_sent_and_what_is_under_way_comes_back() {
    let services: Vec<(String, _)> = (0..30).map(|n| (format!("s{n:02}"), service(1, 10))).collect();
    let services: Vec<_> = services.iter().map(|(name, spec)| (name.as_str(), spec.clone())).collect();
    let names: Vec<_> = services.iter().map(|(name, _)| *name).collect();
    let mut world = World::new(account_of(&services), &office_hours(&names));
    world.run_to("2026-11-20T08:00:00Z");
    let under_way = world.controller.writes_in_flight();
    assert!(under_way > 0 && under_way < 30, "{under_way}");
    world.shut_down();
    world.run_for(60);
    assert_eq!(world.writes.len(), under_way);
    assert_eq!(world.controller.writes_in_flight(), 0);
    assert_eq!(world.count_facts(|fact| matches!(fact, Fact::Accepted { .. })), under_way);
    assert!(world.status().stopping && !world.status().ready);
}

#[test]
fn a_month_of_two_boundaries_a_day_is_two_writes_a_day() {
    let mut world = www();
    world.stride = crate::driver::Stride::SecondUntil(world.at());
    world.run_for(30 * 86_400);
    assert_eq!(world.writes.len(), 60);
    assert!(world.latenesses().iter().all(|late| *late < SignedDuration::from_secs(1)));
}

#[test]
fn what_comes_next_is_kept_once_for_neighbours_that_change_alike() {
    let services = [("a1", service(1, 10)), ("a2", service(1, 10)), ("b", service(1, 10))];
    let later = "default: { min: 1 }
        windows:
        - { name: late, from: \"20:00\", to: \"21:00\", min: 3 }";
    let mut world = World::new(account_of(&services), &(office_hours(&["a1", "a2"]) + &schedule("b", &["b"], later)));
    world.run_for(60);
    let next = |world: &mut World| ["a1", "a2", "b"].map(|name| world.target(name).next.expect("it changes today"));
    let [first, second, other] = next(&mut world);
    assert!(Arc::ptr_eq(&first, &second) && first != other);
    world.run_to("2026-11-20T08:00:01Z");
    let [first, second, other] = next(&mut world);
    assert_eq!(
        (first.at, &first, other.at),
        ("2026-11-20T18:00:00Z".parse().unwrap(), &second, "2026-11-20T20:00:00Z".parse().unwrap())
    );
}
