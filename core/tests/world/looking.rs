//! What is asked, how often, and what a steady state costs.

use std::sync::Arc;

use baseload_core::controller::{Fact, Settings};
use baseload_core::ecs::Operation;
use baseload_core::status::TargetStatus;
use jiff::{SignedDuration, Timestamp};

use crate::driver::World;
use crate::faults::fleet;
use crate::scene::{account, account_of, always, id, office_hours, schedule, service};

#[test]
fn a_steady_reconcile_asks_one_call_for_fifty_targets_and_writes_nothing() {
    for (count, calls) in [(1, 1), (50, 1), (51, 2), (120, 3)] {
        let mut world = fleet(count, office_hours);
        world.run_for(120);
        let before = world.calls(Operation::DescribeScalableTargets);
        world.run_for(60);
        assert_eq!(world.calls(Operation::DescribeScalableTargets) - before, calls, "{count} targets");
        assert_eq!(world.calls(Operation::RegisterScalableTarget), 0, "{count} targets");
    }
}

#[test]
fn a_change_makes_exactly_one_write_for_each_target_that_changes() {
    for count in [1, 50, 51, 120] {
        let mut world = fleet(count, |names| {
            let (changing, staying) = names.split_at(names.len().div_ceil(2));
            match staying {
                [] => office_hours(changing),
                staying => office_hours(changing) + &always(staying, "min: 1"),
            }
        });
        world.run_to("2026-11-20T08:10:00Z");
        let changing = count.div_ceil(2);
        assert_eq!(world.calls(Operation::RegisterScalableTarget), u64::try_from(changing).unwrap());
        assert_eq!(world.writes.len(), changing);
    }
}

#[test]
fn services_that_are_well_are_counted_once_a_resync_and_not_at_glances() {
    let mut world = fleet(20, office_hours);
    world.run_for(120);
    let before = world.calls(Operation::DescribeServices);
    world.run_for(600);
    assert_eq!(world.calls(Operation::DescribeServices) - before, 20, "ten resyncs of two calls");
}

#[test]
fn services_that_are_not_well_are_counted_before_those_that_are() {
    let (well, ill): (Vec<_>, Vec<_>) = (0..1000).map(|n| format!("s{n:03}")).partition(|name| name.as_str() < "s900");
    let in_words = |names: &[String], floor: &str| {
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        always(&names, floor).replace("always", &names[0][..2])
    };
    let mut sim = account();
    well.iter().for_each(|name| sim.add_service(id(name), &service(1, 20)));
    ill.iter().for_each(|name| sim.add_service(id(name), &service(12, 20)));
    let mut world = World::new(sim, &(in_words(&well, "min: 1") + &in_words(&ill, "min: 12")));
    let scale = |world: &mut World, at: i64, desired: u32| {
        world.run_for(at);
        ill.iter().for_each(|name| world.scale_by_hand(name, desired));
    };
    scale(&mut world, 0, 4);
    scale(&mut world, 115, 5); // they were nudged, and will not be so soon again
    scale(&mut world, 100, 6);
    world.run_for(8); // the glance in which the counts of all others are due, of whom it asks for four hundred
    let counted = |target: &TargetStatus| target.counts.is_some_and(|counts| counts.desired == 6);
    assert_eq!(world.status().targets.iter().filter(|target| counted(target)).count(), 100);
}

#[test]
fn where_a_resync_comes_sooner_than_a_glance_services_are_counted_with_it() {
    let settings = Settings { resync: SignedDuration::from_secs(2), ..Settings::default() };
    let mut world = World::with(account_of(&[("www", service(1, 10))]), &always(&["www"], "min: 1"), settings);
    world.run_for(30);
    let before = world.calls(Operation::DescribeServices);
    world.run_for(60);
    assert!(world.calls(Operation::DescribeServices) - before >= 15, "glances alone are six");
}

#[test]
fn everything_is_surveyed_at_the_start_and_once_an_hour() {
    let mut world = fleet(3, office_hours);
    world.run_for(60);
    let at_start = world.calls(Operation::DescribeScalingPolicies);
    assert_eq!(at_start, 3);
    world.run_for(3540);
    assert_eq!(world.calls(Operation::DescribeScalingPolicies), 3);
    world.run_for(60);
    assert_eq!(world.calls(Operation::DescribeScalingPolicies), 6);
}

#[test]
fn what_is_not_to_be_surveyed_is_never_surveyed() {
    let settings = Settings { survey: false, ..Settings::default() };
    let mut world = World::with(account_of(&[("www", service(1, 10))]), &always(&["www"], "min: 1"), settings);
    world.run_for(3_700);
    assert_eq!(world.calls(Operation::DescribeScalingPolicies), 0);
}

#[test]
fn a_survey_that_fails_is_tried_again_after_a_rest() {
    let mut world = fleet(1, office_hours);
    world.sim.fail_next(Operation::DescribeScalingPolicies, "ThrottlingException");
    world.run_for(240);
    assert_eq!(world.calls(Operation::DescribeScalingPolicies), 1);
    world.run_for(180);
    assert_eq!(world.calls(Operation::DescribeScalingPolicies), 2);
    assert_eq!(world.count_facts(|fact| matches!(fact, Fact::LookRecovered { .. })), 1);
}

#[test]
fn nothing_is_told_twice_in_a_quiet_day() {
    let mut world = fleet(2, |names| always(names, "min: 1"));
    world.run_for(120);
    world.forget();
    world.run_for(86_400);
    assert_eq!(world.facts, []);
}

#[test]
fn an_answer_that_was_overtaken_by_a_later_one_does_not_bring_back_the_past() {
    let mut sim = account_of(&[("www", service(1, 10))]);
    sim.fail_next(Operation::DescribeScalableTargets, "ThrottlingException");
    let mut world = World::new(sim, &always(&["www"], "min: 1"));
    world.run_until(world.at() + SignedDuration::from_millis(300));
    world.latency.read = SignedDuration::from_secs(80);
    world.run_for(45); // asked again, and seen by AWS half way
    world.rival("www", &serde_json::json!({ "MaxCapacity": 20 }));
    world.latency.read = SignedDuration::from_millis(100);
    world.run_for(20); // the resync asks and is answered first
    assert_eq!(world.target("www").observed.map(|bounds| bounds.max), Some(20));
    world.run_for(30);
    assert_eq!(world.target("www").observed.map(|bounds| bounds.max), Some(20));
}

#[test]
fn what_stands_the_same_is_shared_from_one_snapshot_to_the_next() {
    let mut world = fleet(2, office_hours);
    world.run_for(120);
    let (before, after) = (world.status(), world.status());
    assert!(before.targets.iter().zip(&after.targets).all(|(before, after)| Arc::ptr_eq(before, after)));
    world.rival("s001", &serde_json::json!({ "MaxCapacity": 20 }));
    world.run_for(61);
    let later = world.status();
    assert_eq!(later.targets[1].observed.map(|bounds| bounds.max), Some(20));
}

/// Enough targets for every second pass to be skipped in quiet, with a resync of ten seconds.
fn many_at_office_hours() -> World {
    let settings = Settings { resync: SignedDuration::from_secs(10), ..Settings::default() };
    let names: Vec<_> = (0..400).map(|n| format!("s{n:03}")).collect();
    let mut sim = account();
    names.iter().for_each(|name| sim.add_service(id(name), &service(1, 10)));
    World::with(sim, &office_hours(&names.iter().map(String::as_str).collect::<Vec<_>>()), settings)
}

#[test]
fn no_pass_is_skipped_just_before_a_boundary_nor_while_a_change_is_fresh() {
    let mut world = many_at_office_hours();
    let passes = |world: &mut World, from: &str, seconds: i64| {
        world.run_to(from);
        let before = world.calls(Operation::DescribeScalableTargets);
        world.run_for(seconds);
        (world.calls(Operation::DescribeScalableTargets) - before) / 8
    };
    assert_eq!(passes(&mut world, "2026-11-20T07:50:05Z", 60), 3, "in quiet every second one is enough");
    assert_eq!(passes(&mut world, "2026-11-20T07:59:35Z", 20), 2, "before a boundary");
    assert_eq!(passes(&mut world, "2026-11-20T08:01:05Z", 50), 5, "while the change is fresh");
    assert_eq!(passes(&mut world, "2026-11-20T08:04:05Z", 60), 3, "quiet again");
}

#[test]
fn before_a_floor_changes_the_counts_of_its_services_are_no_older_than_two_minutes() {
    let names: Vec<_> = (0..1000).map(|n| format!("s{n:03}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let (changing, staying) = names.split_at(20);
    let hours = || (8..20).map(|hour| (hour, (hour - 8) * 2)); // the questions have a rhythm of their own
    let window =
        |(hour, minute)| format!("{{ name: h{hour}, from: \"{hour:02}:{minute:02}\", to: \"{hour:02}:45\", min: 2 }}");
    let windows: Vec<_> = hours().map(window).collect();
    let by_the_hour = schedule("hours", changing, &format!("default: {{ min: 1 }}\nwindows: [{}]", windows.join(", ")));
    let mut sim = account();
    names.iter().for_each(|name| sim.add_service(id(name), &service(1, 20)));
    let mut world = World::new(sim, &(by_the_hour + &always(staying, "min: 1")));
    for (hour, minute) in hours() {
        let boundary: Timestamp = format!("2026-11-20T{hour:02}:{minute:02}:00Z").parse().unwrap();
        world.run_until(boundary - SignedDuration::from_secs(135));
        let desired = 3 + hour % 2;
        changing.iter().for_each(|name| world.scale_by_hand(name, desired));
        world.run_until(boundary - SignedDuration::from_secs(1));
        let counted = |name: &&&str| world.target(name).counts.is_some_and(|counts| counts.desired == desired);
        assert_eq!(changing.iter().filter(counted).count(), 20, "before {boundary}");
    }
}
