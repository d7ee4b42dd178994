//! What looking costs: a day of three thousand services that keep working hours in three time zones.

use std::collections::BTreeMap;

use baseload_core::ecs::Operation;
use baseload_core::sim::Sim;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::driver::{Stride, World};
use crate::scene::{id, schedule, service};

const SCHEDULES: usize = 30;
const TARGETS_OF_EACH: usize = 100;
const TARGETS: u64 = (SCHEDULES * TARGETS_OF_EACH) as u64;

/// A twentieth of 20 calls a second.
const FIVE_PERCENT_OF_A_DAY: u64 = 86_400;

/// Schedules as companies have them: a working day that begins between six and ten, in three zones, some with lead time,
/// some with a rush at noon.
fn timetable() -> String {
    (0..SCHEDULES)
        .map(|n| {
            let names: Vec<_> = (0..TARGETS_OF_EACH).map(|target| format!("s{n:02}-{target:02}")).collect();
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            let zone = ["Europe/Brussels", "America/New_York", "Asia/Tokyo"][n % 3];
            let (hour, minute) = (6 + n % 4, 15 * (n % 4));
            let noon = if n % 2 == 0 { "\n- { name: noon, from: \"11:45\", to: \"13:30\", min: 4 }" } else { "" };
            let lead = if n % 5 == 0 { "leadTime: 10m\n" } else { "" };
            let rest = format!(
                "{lead}default: {{ min: 1 }}\nwindows:\n\
                 - {{ name: day, days: [mon-fri], from: \"{hour:02}:{minute:02}\", to: \"19:00\", min: 3 }}{noon}"
            );
            schedule(&format!("s{n:02}"), &names, &rest).replace("timezone: UTC", &format!("timezone: {zone}"))
        })
        .collect()
}

fn company() -> World {
    let start: Timestamp = "2026-11-19T23:00:30Z".parse().expect("a timestamp");
    let mut sim = Sim::new(1, TimeZone::UTC, start);
    for n in 0..SCHEDULES {
        (0..TARGETS_OF_EACH).for_each(|target| sim.add_service(id(&format!("s{n:02}-{target:02}")), &service(1, 10)));
    }
    let mut world = World::new(sim, &timetable());
    world.run_for(30);
    world.stride = Stride::Every(10);
    world.run_for(29 * 60);
    world
}

#[test]
fn three_thousand_targets_cost_a_twentieth_of_a_quota_over_a_day() {
    let mut world = company();
    let before = world.sim.calls().clone();
    let mut most_counts_in_ten_seconds = 0;
    for _ in 0..8_640 {
        let counts = world.calls(Operation::DescribeServices);
        world.run_for(10);
        most_counts_in_ten_seconds = most_counts_in_ten_seconds.max(world.calls(Operation::DescribeServices) - counts);
    }
    let calls: BTreeMap<Operation, u64> = world
        .sim
        .calls()
        .iter()
        .map(|(operation, calls)| (*operation, calls - before.get(operation).unwrap_or(&0)))
        .collect();
    println!("| operation | calls a day |\n| --- | ---: |");
    calls.iter().for_each(|(operation, calls)| println!("| {operation:?} | {calls} |"));
    let asked: u64 =
        calls.iter().filter(|(op, _)| **op != Operation::RegisterScalableTarget).map(|(_, calls)| calls).sum();
    println!("| all but writes | {asked} |");
    assert!(asked <= FIVE_PERCENT_OF_A_DAY, "{calls:?}");
    assert!(most_counts_in_ten_seconds <= 40, "a fifth of 20 a second: {most_counts_in_ten_seconds}");
    assert_eq!(calls[&Operation::DescribeScalableTargets] % TARGETS.div_ceil(50), 0, "whole passes and nothing else");
    assert!(
        world.latenesses().iter().all(|late| *late < SignedDuration::from_secs(10)),
        "{:?}",
        world.latenesses().iter().max()
    );
    assert!(world.status().targets.iter().all(|target| target.verdict == "inSync"));
}

#[test]
fn a_fleet_that_is_cheap_to_look_at_is_looked_at_at_each_resync_day_and_night() {
    let mut world = crate::faults::fleet(120, |names| crate::scene::always(names, "min: 1"));
    world.run_for(600);
    let (passes, counts) = (world.calls(Operation::DescribeScalableTargets), world.calls(Operation::DescribeServices));
    world.run_for(3_600);
    assert_eq!(world.calls(Operation::DescribeScalableTargets) - passes, 60 * 3);
    assert_eq!(world.calls(Operation::DescribeServices) - counts, 60 * 12);
}

#[test]
fn of_many_targets_a_foreign_change_is_found_within_two_resyncs_and_then_every_resync_looks() {
    let mut world = company();
    world.run_to("2026-11-20T01:20:05Z");
    let is_quiet = |world: &mut World| {
        let before = world.calls(Operation::DescribeScalableTargets);
        world.run_for(240);
        world.calls(Operation::DescribeScalableTargets) - before
    };
    assert_eq!(is_quiet(&mut world), 2 * 60, "every second resync");
    let min = world.min("s00-00");
    world.rival("s00-00", &serde_json::json!({ "MinCapacity": min + 1 }));
    world.run_for(120);
    assert_eq!(world.min("s00-00"), min);
    let before = world.calls(Operation::DescribeScalableTargets);
    world.run_for(60);
    assert!(world.calls(Operation::DescribeScalableTargets) - before >= 60, "it is not quiet");
}

#[test]
fn before_a_boundary_looks_are_fresh_so_that_nothing_is_asked_for_at_it() {
    let mut world = company();
    world.run_to("2026-11-20T09:59:50Z"); // 19:00 in Tokyo
    world.stride = Stride::Second;
    world.run_to("2026-11-20T10:00:30Z");
    assert_eq!(world.min("s02-00"), 1);
    let passes = world.calls(Operation::DescribeScalableTargets);
    assert_eq!(passes % TARGETS.div_ceil(50), 0, "no look but whole passes: {passes}");
}
