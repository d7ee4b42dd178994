//! The soak: the controller over the simulated ECS for simulated weeks, with one call in a hundred failing, someone who
//! meddles and configurations that change; all that must hold is looked at, and memory must not grow.
//!
//! A program of its own, because what is measured is what the process holds. `BASELOAD_SOAK_DAYS` and
//! `BASELOAD_SOAK_TARGETS` make it long and large: `make soak`.

#![expect(dead_code, reason = "the world's other tests ask more of it")]

#[path = "world/abroad.rs"]
mod abroad;
#[path = "world/dice.rs"]
mod dice;
#[path = "world/driver.rs"]
mod driver;
#[path = "world/planted.rs"]
mod planted;
#[path = "world/scene.rs"]
mod scene;
#[path = "world/witness.rs"]
mod witness;

use baseload_core::ecs::Operation;
use baseload_core::sim::{Fault, Lasting, Scope, ServiceSpec};
use serde_json::json;

use crate::dice::Dice;
use crate::driver::{Stride, World};
use crate::scene::{account_of, id, schedule, service};

const DAYS: usize = 4;
const TARGETS: usize = 40;
const TARGETS_OF_EACH: usize = 100;

/// How often memory is looked at.
const SAMPLES: usize = 8;

fn from_environment(name: &str, otherwise: usize) -> usize {
    std::env::var(name).map_or(otherwise, |value| value.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

fn name(target: usize) -> String {
    format!("s{target:04}")
}

/// Schedules whose windows lie apart; each revision has its own floors.
fn yaml(targets: usize, revision: usize) -> String {
    let names: Vec<String> = (0..targets).map(name).collect();
    let one = |(at, names): (usize, &[String])| {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let (from, to, min) = (at % 12, 12 + at % 11, 3 + (at + revision) % 3);
        let rest = format!(
            "default: {{ min: 1 }}
             windows: [{{ name: day, from: \"{from:02}:17\", to: \"{to:02}:43\", min: {min} }}]"
        );
        schedule(&format!("part-{at}"), &names, &rest)
    };
    names.chunks(TARGETS_OF_EACH).enumerate().map(one).collect()
}

/// What this process holds in memory, in KiB; `None` where nobody tells.
fn resident_kib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}

/// One in a hundred of the calls since the last time fails next.
struct Luck {
    calls: u64,
    owed: u64,
}

impl Luck {
    fn spoil(&mut self, world: &mut World, dice: &mut Dice) {
        let calls = Operation::ALL.map(|operation| world.calls(operation)).iter().sum::<u64>();
        self.owed += calls - self.calls;
        self.calls = calls;
        let codes =
            ["ThrottlingException", "InternalServiceException", "ConcurrentUpdateException", "ExpiredTokenException"];
        for _ in 0..self.owed / 100 {
            let fault = match dice.between(0, 3) {
                0 => Fault::LoseAnswer,
                1 => Fault::Unreachable,
                _ => Fault::refuse(dice.pick(&codes)),
            };
            let scope = Scope::Operation(dice.pick(&Operation::ALL));
            let scope = if dice.once_in(2) { Scope::Everything } else { scope };
            world.sim.inject(scope, fault, Lasting::Times(1));
        }
        self.owed %= 100;
    }
}

/// AWS keeps what was done to a service for six weeks, and so does the simulation: not what is measured here.
fn forget_activities(world: &mut World, names: &[String]) {
    for name in names {
        let spec = ServiceSpec { desired: world.desired(name), ..service(1, 10) };
        world.sim.add_service(id(name), &ServiceSpec { bounds: world.bounds(name), ..spec });
    }
    world.forget();
}

/// The least squares' slope of what was measured at equal distances.
fn slope(measured: &[f64]) -> f64 {
    let count = measured.len() as f64;
    let middle = (count - 1.0) / 2.0;
    let mean = measured.iter().sum::<f64>() / count;
    let steps = (0..measured.len()).map(|at| at as f64 - middle);
    let (up, over) = steps
        .zip(measured)
        .fold((0.0, 0.0), |(up, over), (step, value)| (up + step * (value - mean), over + step * step));
    up / over
}

#[test]
fn memory_stays_flat_while_one_call_in_a_hundred_fails_and_every_floor_is_right_in_the_end() {
    let (days, targets) =
        (from_environment("BASELOAD_SOAK_DAYS", DAYS), from_environment("BASELOAD_SOAK_TARGETS", TARGETS));
    let names: Vec<String> = (0..targets).map(name).collect();
    let services: Vec<_> = names.iter().map(|name| (name.as_str(), service(1, 10))).collect();
    let mut world = World::new(account_of(&services), &yaml(targets, 0));
    world.stride = Stride::Every(if targets > 1_000 { 20 } else { 5 }); // windows begin and end on minutes
    let (mut dice, mut luck) = (Dice(1), Luck { calls: 0, owed: 0 });
    let mut measured = Vec::new();
    for sample in 0..SAMPLES {
        for minute in 0..days * 24 * 60 / SAMPLES {
            luck.spoil(&mut world, &mut dice);
            if minute % 60 == 30 {
                let (victim, min) = (&names[dice.roll() as usize % targets], dice.count(0, 9));
                world.rival(victim, &json!({ "MinCapacity": min }));
                forget_activities(&mut world, &names);
            }
            world.run_for(60);
        }
        world.edit(&yaml(targets, sample + 1));
        measured.extend(resident_kib());
        println!(
            "{:>5.1} days: {:>8} KiB",
            (sample + 1) as f64 * days as f64 / SAMPLES as f64,
            measured.last().unwrap_or(&0.0)
        );
    }
    let calls: u64 = Operation::ALL.map(|operation| world.calls(operation)).iter().sum();
    println!("{targets} targets, {calls} calls, one in a hundred failed");

    world.sim.clear_faults();
    world.run_for(9 * 3600); // longer than any contest, and past the day's boundaries
    let off: Vec<_> = world.status().targets.iter().filter(|target| target.verdict != "inSync").cloned().collect();
    assert!(off.is_empty(), "{off:#?}");

    let Some((first, settled)) = measured.split_first() else { return };
    let by_sample = slope(settled);
    println!(
        "from the second sample on: {by_sample:+.1} KiB a sample, {:+.1} KiB a week",
        by_sample * SAMPLES as f64 * 7.0 / days as f64
    );
    let grown = settled.last().unwrap_or(first) - settled.first().unwrap_or(first);
    assert!(grown < 1024.0 + first / 50.0, "memory grew by {grown} KiB: {measured:?}");
}
