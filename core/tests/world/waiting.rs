//! What is under way or due, for those who wait until a pass is over: `plan` and `apply`.

use baseload_core::controller::{Chore, Event};
use baseload_core::ecs::Operation;
use baseload_core::sim::{Fault, Lasting, Scope, Sim};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::driver::World;
use crate::scene::{account_of, always, id, office_hours, service, www};

const WRITE: Scope = Scope::Operation(Operation::RegisterScalableTarget);

/// Looks that take a second, so that between them one can be seen under way.
fn slow() -> World {
    let mut world = www();
    world.latency.read = SignedDuration::from_secs(1);
    world.run_for(110); // between two resyncs
    assert!(!world.controller.has_questions(), "all is answered");
    world
}

#[test]
fn a_look_that_is_due_or_under_way_is_waited_for_until_it_is_answered() {
    for chore in [Chore::Resync, Chore::Glance, Chore::Survey] {
        let mut world = slow();
        let wall = world.wall();
        world.controller.handle(wall, Event::Due(chore));
        assert!(world.controller.has_questions(), "{chore:?} is due");
        world.run_until(world.at() + SignedDuration::from_millis(500));
        let at_rest = [Chore::Glance].contains(&chore); // who is well is not looked at in between
        assert_eq!(world.controller.has_questions(), !at_rest, "{chore:?} is under way");
        world.run_until(world.at() + SignedDuration::from_millis(4_000));
        assert!(!world.controller.has_questions(), "{chore:?} is answered");
    }
}

#[test]
fn a_look_at_a_single_target_is_waited_for_too() {
    let others: Vec<_> = (0..100).map(|n| format!("s{n:03}")).collect();
    let others: Vec<_> = others.iter().map(String::as_str).collect();
    let services: Vec<_> = others.iter().chain(&["www"]).map(|name| (*name, service(1, 10))).collect();
    let mut world = World::new(account_of(&services), &(office_hours(&["www"]) + &always(&others, "min: 1")));
    world.latency.read = SignedDuration::from_secs(1);
    world.run_to("2026-11-20T07:59:58Z");
    world.sim.inject(WRITE, Fault::refuse("ObjectNotFoundException"), Lasting::Times(1));
    world.run_to("2026-11-20T08:00:01.1Z"); // the resync of 08:00 took a second
    assert!(world.controller.has_questions(), "whether it is there must be seen");
}

/// The write of 08:00 finds no target, and 0.2 s later it alone is looked at, which takes so long. Resyncs are at 25 s of
/// each minute, glances at 5, 15, 25 s.
fn looked_at_alone(seconds: i64) -> World {
    let mut sim = Sim::new(1, TimeZone::UTC, "2026-11-20T07:30:25Z".parse().expect("a timestamp"));
    sim.add_service(id("www"), &service(1, 10));
    let mut world = World::new(sim, &office_hours(&["www"]));
    world.run_to("2026-11-20T07:59:59Z");
    world.latency.read = SignedDuration::from_secs(seconds);
    world.sim.inject(WRITE, Fault::refuse("ObjectNotFoundException"), Lasting::Times(1));
    world.run_to("2026-11-20T08:00:00.7Z");
    world
}

#[test]
fn a_look_at_a_single_target_that_left_before_the_clock_stepped_back_is_asked_for_again() {
    for (step, calls) in [(0, 1), (-1, 2)] {
        let mut world = looked_at_alone(4);
        let before = world.calls(Operation::DescribeScalableTargets);
        world.step_clock(step);
        world.run_for(12);
        assert_eq!(world.calls(Operation::DescribeScalableTargets) - before, calls, "{step}");
    }
}

#[test]
fn a_look_at_a_single_target_leaves_at_once_where_nothing_else_is_asked() {
    let mut world = looked_at_alone(1);
    assert!(world.controller.has_questions(), "whether it is there is being looked at");
    world.run_to("2026-11-20T08:00:01.5Z");
    assert!(!world.controller.has_questions());
}

#[test]
fn writes_are_waited_for_while_a_pause_may_end_well_and_not_for_what_a_person_must_mend() {
    for (code, is_waited_for) in [("ThrottlingException", true), ("AccessDeniedException", false)] {
        let mut world = www();
        world.run_to("2026-11-20T07:59:00Z");
        assert!(!world.controller.has_writes(), "nothing is due");
        world.sim.inject(WRITE, Fault::refuse(code), Lasting::Until(Timestamp::MAX));
        world.run_until("2026-11-20T08:00:00.1Z".parse().expect("a timestamp"));
        assert!(world.controller.has_writes(), "{code}: it is under way");
        world.run_to("2026-11-20T08:00:10Z");
        assert_eq!(world.controller.has_writes(), is_waited_for, "{code}");
    }
}

#[test]
fn a_write_whose_fate_is_unknown_is_waited_for_until_a_look_shows_it() {
    let mut world = World::new(account_of(&[("www", service(1, 10))]), &always(&["www"], "min: 3"));
    world.sim.inject(WRITE, Fault::LoseAnswer, Lasting::Times(1));
    world.run_for(1);
    world.latency.read = SignedDuration::from_secs(2);
    world.run_for(5);
    assert_eq!((world.min("www"), world.verdict("www")), (3, "withheld".to_owned()));
    assert!(world.controller.has_writes(), "only a look can tell");
    world.run_for(60);
    assert!(!world.controller.has_writes());
}
