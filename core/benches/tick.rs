//! What a tick costs when nothing is due: 3,000 settled targets under 300 schedules. Prints the median in microseconds.

#[path = "shared/settle.rs"]
mod settle;

use std::hint::black_box;
use std::time::Instant;

use baseload_core::controller::{Chore, Controller, Event, Revision, Settings};
use baseload_core::model::TargetId;
use baseload_core::sim::{ServiceSpec, Sim};
use baseload_core::spec::{self, Limits, Tree};
use baseload_core::timetable::Zones;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use settle::settle;

const SCHEDULES: usize = 300;
const TARGETS_OF_EACH: usize = 10;
const TICKS: usize = 2_000;

fn start() -> Timestamp {
    "2026-11-20T09:00:00Z".parse().expect("a timestamp")
}

fn service(schedule: usize, target: usize) -> String {
    format!("s{schedule:03}-{target}")
}

fn yaml(schedule: usize) -> String {
    let targets = (0..TARGETS_OF_EACH).map(|n| format!("{{ cluster: shop, service: {} }}", service(schedule, n)));
    let targets: Vec<_> = targets.collect();
    format!(
        "apiVersion: baseload/v1\nkind: ScalingSchedule\nmetadata: {{ name: s{schedule} }}\nspec:\n  \
         targets: [{}]\n  timezone: Europe/Brussels\n  default: {{ min: 3 }}\n  windows:\n    \
         - {{ name: night, from: \"00:30\", to: \"09:00\", min: 1 }}\n    \
         - {{ name: friday, days: [fri], from: \"14:00\", to: \"00:30\", min: 6 }}\n",
        targets.join(", ")
    )
}

fn revision() -> Revision {
    let mut tree = Tree::default();
    let files = (0..SCHEDULES).map(|n| (format!("{n}.yaml").into(), yaml(n).into_bytes()));
    tree.files.extend(files);
    let loaded = spec::load(&tree, &Zones::embedded(), &Limits::default(), start()).expect("the schedules are good");
    Revision { id: "bench".to_owned(), digest: tree.digest(), schedules: loaded.schedules.into() }
}

fn account() -> Sim {
    let mut sim = Sim::new(1, TimeZone::UTC, start());
    let spec = ServiceSpec { desired: 3, bounds: Some((3, 10)), cpu_target: None, ..ServiceSpec::default() };
    for schedule in 0..SCHEDULES {
        for target in 0..TARGETS_OF_EACH {
            sim.add_service(TargetId::new("shop", service(schedule, target)), &spec);
        }
    }
    sim
}

#[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
fn measure(controller: &mut Controller, mut now: Timestamp) -> f64 {
    let mut micros: Vec<f64> = (0..TICKS)
        .map(|_| {
            now += SignedDuration::from_secs(1);
            let began = Instant::now();
            controller.tick(black_box(now));
            began.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    micros.sort_by(f64::total_cmp);
    micros[TICKS / 2]
}

#[expect(clippy::print_stdout, reason = "a bench prints what it measured")]
fn main() {
    let (mut sim, mut now) = (account(), start());
    let mut controller = Controller::new(Settings { survey: false, ..Settings::default() }, "bench".to_owned());
    controller.handle(now, Event::Loaded(Ok(Some(revision()))));
    for _ in 0..3 {
        now += SignedDuration::from_secs(10);
        controller.handle(now, Event::Due(Chore::Resync));
        settle(&mut controller, &mut sim, now);
    }
    controller.drain_facts();
    let median = measure(&mut controller, now);
    assert!(controller.drain_facts().is_empty(), "the targets were to be settled");
    println!("{} targets: {median:.1} us a tick (median of {TICKS})", SCHEDULES * TARGETS_OF_EACH);
}
