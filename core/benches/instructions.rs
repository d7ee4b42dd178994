//! One workload, once, for `benches/instructions.py` to count the instructions of: `instructions WORKLOAD TIMES`. With 0
//! times it only prepares, so that the difference is the work alone.

#[path = "shared/settle.rs"]
mod settle;

use std::hint::black_box;
use std::sync::Arc;

use baseload_core::controller::{Chore, Controller, Event, Revision, Settings};
use baseload_core::sim::{ServiceSpec, Sim};
use baseload_core::spec::{Limits, Tree, load};
use baseload_core::timetable::{Board, Schedules, Zones};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use settle::settle;

const TARGETS: usize = 3_000;
const TARGETS_OF_EACH: usize = 10;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, workload, times, ..] = &arguments[..] else { return };
    let times: usize = times.parse().expect("a number of times");
    match workload.as_str() {
        "load" => loads(times),
        "decide" => decides(times),
        "tick" => ticks(times),
        "status" => statuses(times),
        "pass" => passes(times),
        "edit" => edits(times),
        "burst" => bursts(times),
        "steady" => steadies(times),
        other => panic!("{other} is no workload"),
    }
}

fn start() -> Timestamp {
    "2026-11-20T09:30:00Z".parse().expect("an instant")
}

fn tree(targets: usize) -> Tree {
    tree_of(targets, 3)
}

/// Schedules of ten targets each, whose floor is this by day.
fn tree_of(targets: usize, min: u32) -> Tree {
    let name = |schedule: usize, n: usize| format!("{{ cluster: shop, service: s{schedule:03}-{n} }}");
    let yaml = |schedule: usize| {
        let targets: Vec<_> = (0..TARGETS_OF_EACH).map(|n| name(schedule, n)).collect();
        format!(
            "apiVersion: baseload/v1\nkind: ScalingSchedule\nmetadata: {{ name: s{schedule} }}\nspec:\n  \
             targets: [{}]\n  timezone: Europe/Brussels\n  leadTime: 5m\n  default: {{ min: {min} }}\n  windows:\n    \
             - {{ name: night, from: \"00:30\", to: \"09:00\", min: 1 }}\n    \
             - {{ name: friday, days: [fri], from: \"14:00\", to: \"00:30\", min: 6 }}\n",
            targets.join(", ")
        )
    };
    let files = (0..targets / TARGETS_OF_EACH).map(|n| (format!("{n:04}.yaml").into(), yaml(n).into_bytes()));
    Tree { files: files.collect() }
}

fn schedules(tree: &Tree) -> Arc<Schedules> {
    let loaded = load(tree, &Zones::embedded(), &Limits::default(), start());
    Arc::new(loaded.expect("the schedules are good").schedules)
}

/// Each time 1,000 targets in 100 files, every check included.
fn loads(times: usize) {
    let tree = tree(1_000);
    for _ in 0..times {
        black_box(schedules(black_box(&tree)));
    }
}

/// Each time the floors of all targets at one instant.
fn decides(times: usize) {
    let schedules = schedules(&tree(TARGETS));
    let board = Board::new(Arc::clone(&schedules), start());
    let members: Vec<_> = schedules.exact_targets().iter().map(|target| board.members(target)).collect();
    for _ in 0..times {
        members.iter().for_each(|members| drop(black_box(board.decide(members))));
    }
}

/// Each time the search for a change that never comes, beneath thousands of boundaries that change nothing.
fn steadies(times: usize) {
    let yaml = "apiVersion: baseload/v1\nkind: ScalingSchedule\nmetadata: { name: steady }\nspec:\n  \
                targets: [{ cluster: shop, service: www }]\n  timezone: Europe/Brussels\n  leadTime: 24h\n  \
                default: { min: 1 }\n  windows:\n    \
                - { name: early, from: \"15:30\", to: \"14:00\", min: 4 }\n    \
                - { name: late, from: \"08:30\", to: \"14:00\", min: 4 }\n";
    let tree = Tree { files: [("steady.yaml".into(), yaml.as_bytes().to_vec())].into() };
    let schedules = schedules(&tree);
    let target = schedules.exact_targets().pop_first().expect("one target");
    for _ in 0..times {
        black_box(schedules.decide(black_box(&target), start()));
    }
}

/// A controller whose targets are all as they should be.
fn settled() -> (Controller, Sim, Timestamp) {
    let (tree, mut now) = (tree(TARGETS), start());
    let mut sim = Sim::new(1, TimeZone::UTC, now);
    let spec = ServiceSpec { desired: 3, bounds: Some((3, 10)), cpu_target: None, ..ServiceSpec::default() };
    let schedules = schedules(&tree);
    schedules.exact_targets().into_iter().for_each(|target| sim.add_service(target, &spec));
    let mut controller = Controller::new(Settings { survey: false, ..Settings::default() }, "bench".to_owned());
    let revision = Revision { id: "bench".to_owned(), digest: tree.digest(), schedules };
    controller.handle(now, Event::Loaded(Ok(Some(revision))));
    for _ in 0..3 {
        now += SignedDuration::from_secs(10);
        pass(&mut controller, &mut sim, now);
    }
    (controller, sim, now)
}

/// Each time a new revision that says the same of every target.
fn edits(times: usize) {
    let (mut controller, _, now) = settled();
    let schedules = schedules(&tree(TARGETS));
    for n in 0..times {
        let revision = Revision { id: n.to_string(), digest: n.to_string(), schedules: Arc::clone(&schedules) };
        controller.handle(now, Event::Loaded(Ok(Some(revision))));
        controller.tick(now);
    }
    drop(black_box(controller.drain_facts()));
}

/// Each time every floor moves, and each write is answered by itself.
fn bursts(times: usize) {
    let (mut controller, mut sim, mut now) = settled();
    let floors = [4, 3].map(|min| schedules(&tree_of(TARGETS, min)));
    for n in 0..times {
        let (id, schedules) = (n.to_string(), Arc::clone(&floors[n % 2]));
        controller.handle(now, Event::Loaded(Ok(Some(Revision { digest: id.clone(), id, schedules }))));
        now += SignedDuration::from_secs(120);
        pass(&mut controller, &mut sim, now);
    }
}

/// Looks at everything, and answers until nothing more is asked.
fn pass(controller: &mut Controller, sim: &mut Sim, now: Timestamp) {
    controller.handle(now, Event::Due(Chore::Resync));
    settle(controller, sim, now);
    drop(black_box(controller.drain_facts()));
}

/// Each time a second in which nothing is due.
fn ticks(times: usize) {
    let (mut controller, _, mut now) = settled();
    for _ in 0..times {
        now += SignedDuration::from_secs(1);
        controller.tick(black_box(now));
    }
    drop(black_box(controller.drain_facts()));
}

/// Each time the snapshot that pages and metrics are made from.
fn statuses(times: usize) {
    let (mut controller, _, now) = settled();
    for _ in 0..times {
        black_box(controller.status(now));
    }
}

/// Each time a steady pass: every target asked for and found as it should be. The simulated ECS's own work is in it.
fn passes(times: usize) {
    let (mut controller, mut sim, mut now) = settled();
    for _ in 0..times {
        now += SignedDuration::from_secs(60);
        pass(&mut controller, &mut sim, now);
    }
}
