//! AWS does not answer for a while: what it costs meanwhile, and how soon floors are right once it answers again.

use baseload_core::controller::Fact;
use baseload_core::ecs::Operation;
use baseload_core::sim::{Fault, Lasting, Scope};
use jiff::{SignedDuration, Timestamp};

use crate::driver::{Stride, World};
use crate::faults::{at_floor, fleet};
use crate::scene::{office_hours, schedule};

const FLEET: usize = 200;

fn instant(text: &str) -> Timestamp {
    text.parse().expect("a timestamp")
}

/// Floors are to rise at 08:00, and AWS is gone from 07:50 until `until`.
fn across_the_boundary(fault: Fault, until: &str) -> World {
    let mut world = fleet(FLEET, office_hours);
    world.run_to("2026-11-20T07:50:00Z");
    world.sim.inject(Scope::Everything, fault, Lasting::Until(instant(until)));
    world.run_to(until);
    world
}

#[test]
fn f20_once_aws_answers_again_nobody_sits_out_the_pause_that_the_outage_brought() {
    for fault in [Fault::Unreachable, Fault::refuse("ServiceUnavailable"), Fault::LoseAnswer] {
        let mut world = across_the_boundary(fault.clone(), "2026-11-20T08:10:00Z");
        world.run_for(7); // the first to try again, the answers that are still awaited, and a second for all others
        assert_eq!(at_floor(&world, FLEET, 3), FLEET, "{fault:?}");
        let in_sync = world.status().targets.iter().filter(|target| target.verdict == "inSync").count();
        assert_eq!(in_sync, FLEET, "{fault:?}");
    }
}

#[test]
fn f20_few_targets_too_are_right_within_seconds_after_a_long_outage() {
    for minute in [10, 11, 12, 13] {
        let mut world = fleet(3, office_hours);
        world.run_to("2026-11-20T07:50:00Z");
        let until = instant(&format!("2026-11-20T08:{minute}:17Z"));
        world.sim.inject(Scope::Everything, Fault::refuse("ServiceUnavailable"), Lasting::Until(until));
        world.run_until(until + SignedDuration::from_secs(8));
        assert_eq!(at_floor(&world, 3, 3), 3, "{until}");
    }
}

#[test]
fn f20_where_only_some_calls_fail_each_target_still_pauses_as_its_own_failures_say() {
    let mut world = fleet(FLEET, office_hours);
    world.run_to("2026-11-20T07:59:30Z");
    for n in 0..FLEET / 2 {
        let writes = Scope::WritesTo(crate::scene::id(&format!("s{n:03}")));
        world.sim.inject(writes, Fault::refuse("ServiceUnavailable"), Lasting::Until(Timestamp::MAX));
    }
    world.run_to("2026-11-20T08:30:00Z");
    world.forget();
    world.run_for(600);
    let each = world.writes.len() / (FLEET / 2);
    assert!((10..=30).contains(&each), "pauses of half a minute to a minute: {each}");
}

#[test]
fn f5_those_whose_answers_were_lost_together_are_looked_at_together() {
    let mut world = fleet(FLEET, office_hours);
    world.run_to("2026-11-20T18:10:00Z"); // all of them fell at once: AWS is known to let that through
    world.stride = Stride::Every(20);
    world.run_to("2026-11-21T07:59:40Z");
    world.stride = Stride::Second;
    world.forget();
    let lost = Lasting::Until(instant("2026-11-21T08:00:30Z"));
    world.sim.inject(Scope::Operation(Operation::RegisterScalableTarget), Fault::LoseAnswer, lost);
    world.latency.spread = SignedDuration::from_millis(300);
    let before = world.calls(Operation::DescribeScalableTargets);
    world.run_to("2026-11-21T08:01:30Z");
    assert_eq!(at_floor(&world, FLEET, 3), FLEET);
    let unknown = world.count_facts(|fact| matches!(fact, Fact::Refused { .. }));
    let looks = world.calls(Operation::DescribeScalableTargets) - before;
    assert!(unknown >= FLEET / 2, "{unknown}");
    assert!(looks <= 40, "{looks} calls over {unknown} lost answers, two passes of 4 included");
}

#[test]
fn f20_an_outage_costs_no_more_calls_than_quiet_does() {
    let mut world = fleet(FLEET, office_hours);
    world.run_to("2026-11-20T10:00:00Z");
    let down = Lasting::Until(instant("2026-11-20T11:00:00Z"));
    world.sim.inject(Scope::Everything, Fault::refuse("ServiceUnavailable"), down);
    let before = world.calls(Operation::DescribeScalableTargets);
    world.run_until(world.at() + SignedDuration::from_mins(60));
    let an_hour = world.calls(Operation::DescribeScalableTargets) - before;
    assert!(an_hour <= 2 * 60 * 4, "{an_hour} calls; a pass a minute is 240");
}

#[test]
fn a_fall_that_waited_for_its_turn_does_not_leave_on_a_look_that_became_too_old_meanwhile() {
    let mut world = fleet(30, |names| {
        schedule(
            "dawn",
            names,
            "default: { min: 1 }\nwindows: [{ name: dawn, from: \"05:00\", to: \"06:40\", min: 3 }]",
        )
    });
    world.run_to("2026-11-20T06:36:00Z");
    world.restart(); // nothing is known of what AWS lets through: ten writes at a time
    world.run_to("2026-11-20T06:38:30Z");
    world.latency.read = SignedDuration::from_secs(100); // the look of 06:39 comes back at 06:40:40
    world.run_to("2026-11-20T06:40:05Z");
    let fallen = at_floor(&world, 30, 1);
    assert!((1..30).contains(&fallen), "the look of 06:38 serves until 06:40: {fallen}");
    world.run_to("2026-11-20T06:43:00Z");
    assert_eq!(at_floor(&world, 30, 1), 30);
}
