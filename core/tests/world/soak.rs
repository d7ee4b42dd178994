//! Chaos, then heal: a day of everything that can go wrong, from a seed, with the witness looking on at every step; and
//! once it is over, every floor is right.

use baseload_core::controller::Settings;
use baseload_core::ecs::{DeploymentController, Operation};
use baseload_core::sim::{Family, Fault, Lasting, Rate, Scope, ServiceSpec};
use jiff::SignedDuration;
use serde_json::json;

use crate::driver::{Latency, Stride, World};
use crate::scene::{account, id, schedule, service};

/// A small generator (SplitMix64): the same seed, the same chaos.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From `low` up to and including `high`.
    fn between(&mut self, low: i64, high: i64) -> i64 {
        let width = u64::try_from(high - low + 1).expect("a range of at least one");
        low + i64::try_from(self.roll() % width).expect("less than the width")
    }

    fn count(&mut self, low: i64, high: i64) -> u32 {
        u32::try_from(self.between(low, high)).expect("a small number")
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.roll()).expect("64 bits") % from.len()]
    }
}

const NAMES: [&str; 4] = ["www", "api", "dev", "odd"];

/// Schedules for all four, one of which declares its max, with windows at odd times.
fn chaotic_schedules(dice: &mut Dice) -> String {
    let mut time = |from: i64, to: i64| format!("{:02}:{:02}", dice.between(from, to), dice.between(0, 59));
    let (a, b, c, d) = (time(0, 5), time(6, 11), time(12, 17), time(18, 23));
    let mins: Vec<_> = (0..4).map(|_| dice.between(0, 8)).collect();
    let [low, mid, high, other] = mins[..] else { unreachable!("four were rolled") };
    let www = format!(
        "default: {{ min: {low} }}
         windows:
         - {{ name: a, from: \"{a}\", to: \"{c}\", min: {mid} }}
         - {{ name: b, from: \"{b}\", to: \"{d}\", min: {high} }}"
    );
    let dev = format!(
        "deferDuringDeployment: 10m
         default: {{ min: 1, max: {} }}
         windows: [{{ name: off, from: \"{d}\", to: \"{b}\", min: 0, max: 0 }}]",
        other + 1
    );
    schedule("web", &["www", "api"], &www)
        + &schedule("dev", &["dev"], &dev)
        + &schedule("odd", &["odd"], &www.replace("default", "leadTime: 7m\ndefault"))
}

fn chaotic_world(seed: u64, dice: &mut Dice) -> World {
    let mut sim = account();
    for name in NAMES {
        let spec = ServiceSpec {
            cpu_target: (dice.between(0, 1) == 0).then_some(70),
            deployment_controller: dice.pick(&[DeploymentController::Ecs, DeploymentController::CodeDeploy]),
            ..service(1, 10)
        };
        sim.add_service(id(name), &spec);
    }
    let yaml = chaotic_schedules(dice);
    World::with(sim, &yaml, Settings { seed, ..Settings::default() })
}

fn cause_a_fault(world: &mut World, dice: &mut Dice) {
    let codes = [
        "ThrottlingException",
        "InternalServiceException",
        "ConcurrentUpdateException",
        "AccessDeniedException",
        "ValidationException",
        "LimitExceededException",
        "ExpiredTokenException",
        "ServiceUnavailable",
    ];
    let fault = match dice.between(0, 3) {
        0 => Fault::LoseAnswer,
        1 => Fault::Unreachable,
        _ => Fault::refuse(dice.pick(&codes)),
    };
    let scope = match dice.between(0, 3) {
        0 => Scope::Everything,
        1 => Scope::WritesTo(id(dice.pick(&NAMES))),
        _ => Scope::Operation(dice.pick(&Operation::ALL)),
    };
    let lasting = match dice.between(0, 1) {
        0 => Lasting::Times(dice.count(1, 10)),
        _ => Lasting::Until(world.at() + SignedDuration::from_secs(dice.between(1, 3_000))),
    };
    world.sim.inject(scope, fault, lasting);
}

/// Someone else's hands on AWS.
fn meddle(world: &mut World, dice: &mut Dice) {
    let name = dice.pick(&NAMES);
    let is_registered = world.bounds(name).is_some();
    match dice.between(0, 5) {
        0 if is_registered => world.deregister(name),
        1 if is_registered => world.scale_by_hand(name, dice.count(0, 14)),
        2 if is_registered => {
            let suspended = dice.between(0, 1) == 1;
            world.rival(name, &json!({ "SuspendedState": { "ScheduledScalingSuspended": suspended } }));
        }
        3 => world.sim.begin_deployment(&id(name)),
        4 => world.sim.end_deployment(&id(name)),
        _ => {
            let min = dice.count(0, 9);
            world.rival(name, &json!({ "MinCapacity": min, "MaxCapacity": min + dice.count(0, 9) }));
        }
    }
}

fn trouble_the_process(world: &mut World, dice: &mut Dice) {
    match dice.between(0, 4) {
        0 => world.restart(),
        1 => world.sleep(dice.between(1, 4_000)),
        2 => {
            let yaml = chaotic_schedules(dice);
            world.edit(&yaml);
        }
        3 => world.edit_badly("a mistake"),
        _ => {
            let mut millis = |low, high| SignedDuration::from_millis(dice.between(low, high));
            world.latency = Latency { read: millis(10, 40_000), write: millis(10, 8_000), ..Latency::default() };
        }
    }
}

fn trouble_aws(world: &mut World, dice: &mut Dice) {
    match dice.between(0, 2) {
        0 => world.sim.set_stale_reads(SignedDuration::from_secs(dice.between(0, 60))),
        1 => world.sim.limit(Family::AutoScaling, Some(Rate { burst: dice.count(1, 5), per_second: 1 })),
        _ => world.sim.limit(Family::AutoScaling, None),
    }
}

/// So many hours of it. The clock is stepped by every other seed: ages are then beyond what a witness can judge.
fn chaos(world: &mut World, dice: &mut Dice, hours: i64) {
    let steps_clock = dice.between(0, 1) == 1;
    let end = world.at() + SignedDuration::from_hours(hours);
    while world.at() < end {
        match dice.between(0, 9) {
            0..=2 => cause_a_fault(world, dice),
            3..=5 => meddle(world, dice),
            6..=7 => trouble_the_process(world, dice),
            8 if steps_clock => world.step_clock(dice.between(-900, 900)),
            _ => trouble_aws(world, dice),
        }
        world.stride = Stride::SecondUntil(world.at() + SignedDuration::from_secs(20));
        let next = world.at() + SignedDuration::from_millis(dice.between(100, 2_400_000));
        world.run_until(next);
    }
}

/// Everyone lets go, and AWS is well.
fn heal(world: &mut World) {
    world.sim.clear_faults();
    world.sim.limit(Family::AutoScaling, None);
    world.sim.set_stale_reads(SignedDuration::ZERO);
    world.latency = Latency::default();
    for name in NAMES {
        world.sim.end_deployment(&id(name));
        let suspended = json!({ "ScheduledScalingSuspended": false });
        world.rival(name, &json!({ "MinCapacity": 1, "MaxCapacity": 30, "SuspendedState": suspended }));
    }
}

/// Longer than the longest pause after a refusal, which is 20 min.
const CONVALESCENCE: i64 = 25 * 60;

fn chaos_then_heal(seed: u64, hours: i64) -> World {
    let mut dice = Dice(seed);
    let mut world = chaotic_world(seed, &mut dice);
    chaos(&mut world, &mut dice, hours);
    heal(&mut world);
    world.run_for(CONVALESCENCE);
    world
}

fn soak(seeds: std::ops::Range<u64>) {
    for seed in seeds {
        let world = chaos_then_heal(seed, 24);
        assert_eq!(world.wrong(), Vec::<String>::new(), "seed {seed}");
    }
}

#[test]
fn chaos_then_heal_ends_with_every_floor_right_first_fifty() {
    soak(0..50);
}

#[test]
fn chaos_then_heal_ends_with_every_floor_right_second_fifty() {
    soak(50..100);
}

#[test]
fn chaos_then_heal_ends_with_every_floor_right_third_fifty() {
    soak(100..150);
}

#[test]
fn chaos_then_heal_ends_with_every_floor_right_last_fifty() {
    soak(150..200);
}

#[test]
fn the_same_seed_gives_the_same_trace_byte_for_byte() {
    let trace = |seed| {
        let world = chaos_then_heal(seed, 24);
        format!("{:?}\n{:?}", world.writes, world.facts)
    };
    assert_eq!(trace(7), trace(7));
    assert_ne!(trace(7), trace(8));
}

#[test]
fn a_month_of_two_boundaries_a_day_is_two_writes_a_day() {
    let mut world = crate::scene::www();
    world.stride = Stride::SecondUntil(world.at());
    world.run_for(30 * 86_400);
    assert_eq!(world.writes.len(), 60);
    assert!(world.latenesses().iter().all(|late| *late < SignedDuration::from_secs(1)));
}
