//! The clock and the process: steps, sleep, death.

use baseload_core::controller::{ClockTrust, Fact};
use jiff::SignedDuration;

use crate::driver::World;
use crate::scene::{account_of, always, service, www};

#[test]
fn g10_a_clock_that_steps_back_ten_minutes_replays_nothing_and_wedges_nothing() {
    let mut world = www();
    world.run_to("2026-11-20T07:50:00Z");
    world.step_clock(-600);
    world.run_to("2026-11-20T08:09:59Z"); // the wall shows 07:59:59
    assert_eq!(world.writes, []);
    assert_eq!(world.count_facts(|fact| matches!(fact, Fact::ClockSteppedBack { .. })), 1);
    world.run_to("2026-11-20T08:10:01Z");
    assert_eq!(world.min("www"), 3);
}

#[test]
fn g10_a_clock_that_steps_back_over_a_boundary_to_the_right_time_follows_what_it_shows() {
    let mut world = ten_minutes_ahead();
    world.run_to("2026-11-20T07:55:00Z"); // the wall shows 08:05:00
    assert_eq!(world.min("www"), 3);
    world.step_clock(-600);
    world.run_for(30);
    assert_eq!(world.min("www"), 1);
    world.run_to("2026-11-20T08:20:00Z");
    assert_eq!(world.min("www"), 3);
    assert_eq!(world.minima("www"), [Some(3), Some(1), Some(3)]);
}

#[test]
fn a_step_back_is_no_boundary_that_a_write_could_be_late_for() {
    let mut world = ten_minutes_ahead();
    world.run_to("2026-11-20T07:55:00Z");
    world.forget();
    world.step_clock(-600);
    world.run_for(60);
    assert_eq!((world.min("www"), world.latenesses()), (1, vec![]));
}

#[test]
fn a_clock_that_steps_forward_over_a_boundary_goes_straight_to_what_it_shows() {
    let mut world = www();
    world.run_to("2026-11-20T07:30:00Z");
    world.step_clock(3600);
    world.run_for(2);
    assert_eq!(world.min("www"), 3);
}

#[test]
fn ages_stay_what_they_were_when_the_clock_steps_back() {
    let mut world = www();
    world.run_to("2026-11-20T08:00:05Z"); // raised five seconds ago
    world.step_clock(-120);
    world.rival("www", &serde_json::json!({ "MinCapacity": 2 }));
    world.run_for(240); // 90 s after the acceptance, by any clock that runs, the same value may be sent again
    world.step_clock(120);
    world.run_for(70);
    assert_eq!(world.min("www"), 3);
}

#[test]
fn an_answer_from_before_the_clock_stepped_back_is_asked_for_again() {
    let mut world = ten_minutes_ahead();
    world.run_to("2026-11-20T17:48:30Z");
    world.latency.read = SignedDuration::from_secs(20);
    world.run_to("2026-11-20T17:49:05Z"); // the question of 17:49:00 is on its way
    world.step_clock(-600);
    world.latency.read = SignedDuration::from_millis(100);
    world.run_for(30);
    assert_eq!(world.verdict("www"), "inSync");
    let seen = world.target("www").observed_at.expect("www was looked at");
    assert!(seen <= world.wall(), "{seen} is still to come");
    world.run_to("2026-11-20T18:01:00Z");
    assert_eq!(world.min("www"), 1);
}

#[test]
fn a_look_that_a_write_overtook_counts_for_nothing_although_the_clock_stepped_back_meanwhile() {
    let mut world = World::new(account_of(&[("www", service(1, 10))]), &always(&["www"], "min: 1"));
    world.run_to("2026-11-20T06:39:55Z");
    world.latency.read = SignedDuration::from_secs(50);
    world.run_to("2026-11-20T06:40:27Z"); // the look of 06:40:00 has seen 1, and is on its way back
    world.edit(&always(&["www"], "min: 3"));
    world.run_for(3);
    assert_eq!(world.min("www"), 3);
    world.step_clock(-30); // the write seems to be of 06:39:57 now, before the look
    world.run_for(25);
    assert_eq!(world.target("www").observed.map(|bounds| bounds.min), Some(3));
    assert_eq!(world.writes.len(), 1);
}

/// `www` under a clock that is wrong, and knows it.
fn ten_minutes_ahead() -> World {
    let mut world = www();
    world.step_clock(600);
    world
}

fn told_of_the_clock(world: &World) -> Vec<ClockTrust> {
    let told = world.facts.iter().filter_map(|(_, fact)| match fact {
        Fact::ClockCompared { trust, .. } => Some(*trust),
        _ => None,
    });
    told.collect()
}

#[test]
fn f21_with_a_clock_an_hour_off_nothing_is_lowered_until_it_is_right_again() {
    for seconds in [-3600, 3600] {
        let mut world = www();
        world.run_to("2026-11-20T09:30:00Z");
        world.forget();
        world.step_clock(seconds);
        world.run_to("2026-11-20T19:30:00Z"); // by either clock the office is closed
        assert_eq!((world.min("www"), world.verdict("www")), (3, "withheld".to_owned()), "{seconds}");
        world.step_clock(-seconds);
        world.run_for(70);
        assert_eq!(world.min("www"), 1, "{seconds}");
        assert_eq!(told_of_the_clock(&world), [ClockTrust::NotTrusted, ClockTrust::InStep], "{seconds}");
    }
}

#[test]
fn f21_with_a_clock_an_hour_off_floors_are_raised_all_the_same() {
    let mut world = www();
    world.step_clock(3600);
    world.run_to("2026-11-20T07:00:01Z");
    assert_eq!(world.min("www"), 3);
}

#[test]
fn f21_a_clock_a_minute_off_is_told_of_and_followed() {
    let mut world = www();
    world.step_clock(60);
    world.run_to("2026-11-20T18:00:00Z");
    assert_eq!((world.min("www"), told_of_the_clock(&world)), (1, vec![ClockTrust::Off]));
}

#[test]
fn f27_after_ten_minutes_of_sleep_across_a_boundary_the_floor_is_right_within_two_seconds() {
    let mut world = www();
    world.run_to("2026-11-20T07:55:00Z");
    world.sleep(600);
    world.run_for(2);
    assert_eq!(world.min("www"), 3);
    assert_eq!(world.minima("www"), [Some(3)]);
    let late: Vec<_> = world.latenesses().iter().map(SignedDuration::as_secs).collect();
    assert_eq!(late, [300], "five minutes after the boundary");
}

#[test]
fn f27_after_sleep_across_a_fall_it_looks_and_then_falls_within_two_seconds() {
    let mut world = www();
    world.run_to("2026-11-20T17:55:00Z");
    world.sleep(600);
    world.run_for(2);
    assert_eq!(world.min("www"), 1);
}

#[test]
fn three_days_of_sleep_write_nothing_in_between() {
    let mut world = www();
    world.run_to("2026-11-20T07:00:00Z");
    world.sleep(3 * 86_400 + 7_200);
    world.run_for(2);
    assert_eq!(world.minima("www"), [Some(3)]);
}

#[test]
fn f29_killed_at_any_moment_around_a_boundary_it_ends_at_the_same_floor_with_one_write_that_takes_effect() {
    for tenths in 0..40 {
        let mut world = www();
        world.latency.write = SignedDuration::from_millis(1500);
        world.run_to("2026-11-20T07:59:58Z");
        world.run_until(world.at() + SignedDuration::from_millis(tenths * 100));
        world.restart();
        world.run_to("2026-11-20T08:01:00Z");
        assert_eq!(world.min("www"), 3, "killed after {tenths} tenths");
        assert!(world.writes.len() <= 1, "killed after {tenths} tenths: {:?}", world.writes);
    }
}

#[test]
fn f29_a_restart_when_all_is_well_writes_nothing() {
    let mut world = www();
    world.run_to("2026-11-20T09:00:00Z");
    world.forget();
    for _ in 0..10 {
        world.restart();
        world.run_for(7);
    }
    world.run_for(300);
    assert_eq!(world.writes, []);
}

#[test]
fn a_restart_into_an_edit_that_lowers_looks_first() {
    let mut world = www();
    world.run_to("2026-11-20T09:00:00Z");
    world.edit(&always(&["www"], "min: 2"));
    world.restart();
    world.run_for(3);
    assert_eq!(world.min("www"), 2);
}
