//! How late floors are at a boundary, and how a burst lands against AWS's token buckets, in virtual time: the controller
//! over the simulated ECS, each call a round trip of 20 ms, each tick on its whole second. The same numbers on every run.
//!
//! `cargo bench -p baseload-core --bench boundaries`; with `json` as an argument, a line of JSON for each measurement.
#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::collections::BTreeMap;

use baseload_core::controller::{Chore, Controller, Effect, Event, Fact, GLANCE, Revision, Settings};
use baseload_core::ecs::{ErrorKind, Operation};
use baseload_core::model::TargetId;
use baseload_core::sim::{Family, Rate, ServiceSpec, Sim};
use baseload_core::spec::{self, Limits, Tree};
use baseload_core::timetable::Zones;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

/// There and back.
const ROUND_TRIP: SignedDuration = SignedDuration::from_millis(20);

/// Boundaries of which the lateness is taken, for each K.
const BOUNDARIES: usize = 10_000;

/// After so long a burst that has not landed is given up.
const PATIENCE: SignedDuration = SignedDuration::from_mins(30);

enum Travelling {
    There(Effect, Timestamp),
    Back(Event),
}

struct World {
    sim: Sim,
    controller: Controller,
    at: Timestamp,
    travelling: BTreeMap<(Timestamp, u64), Travelling>,
    sent: u64,
    next_resync: Timestamp,
    next_glance: Timestamp,
    throttles: usize,
    latenesses: Vec<f64>,
}

fn instant(text: &str) -> Timestamp {
    text.parse().expect("the instant is well-formed")
}

/// So many services at floor 1, with a schedule that asks for another floor at each hour.
fn world(targets: usize, bucket: Option<Rate>) -> World {
    let start = instant("2026-11-20T06:59:00Z");
    let mut sim = Sim::new(1, TimeZone::UTC, start);
    let spec = ServiceSpec { desired: 1, bounds: Some((1, 100)), cpu_target: None, ..ServiceSpec::default() };
    let ids: Vec<_> = (0..targets).map(|n| TargetId::new("shop", format!("s{n:05}"))).collect();
    ids.iter().for_each(|id| sim.add_service(id.clone(), &spec));
    sim.limit(Family::AutoScaling, bucket);
    let names: Vec<_> = (0..targets).map(|n| format!("{{ cluster: shop, service: s{n:05} }}")).collect();
    let windows: Vec<_> = (0..24)
        .filter(|hour| hour % 2 == 1)
        .map(|hour| format!("{{ name: h{hour}, from: \"{hour:02}:00\", to: \"{:02}:00\", min: 3 }}", (hour + 1) % 24))
        .collect();
    let text = format!(
        "apiVersion: baseload/v1\nkind: ScalingSchedule\nmetadata: {{ name: hours }}\nspec:\n  targets: [{}]\n  \
         timezone: UTC\n  default: {{ min: 1 }}\n  windows: [{}]\n",
        names.join(", "),
        windows.join(", ")
    );
    let mut tree = Tree::default();
    tree.files.insert("hours.yaml".into(), text.into_bytes());
    let loaded = spec::load(&tree, &Zones::embedded(), &Limits::default(), start).expect("the schedule is good");
    let revision = Revision { id: "bench".to_owned(), digest: tree.digest(), schedules: loaded.schedules.into() };
    let settings = Settings { survey: false, ..Settings::default() };
    let mut controller = Controller::new(settings, "bench".to_owned());
    controller.handle(start, Event::Loaded(Ok(Some(revision))));
    World {
        sim,
        controller,
        at: start,
        travelling: BTreeMap::new(),
        sent: 0,
        next_resync: start,
        next_glance: start + GLANCE,
        throttles: 0,
        latenesses: Vec::new(),
    }
}

impl World {
    fn run_until(&mut self, until: Timestamp) {
        while self.at < until {
            self.at = self.next_stop().min(until);
            self.arrive();
            self.turn();
        }
    }

    /// The next whole second, arrival, or moment that the controller asked for.
    fn next_stop(&self) -> Timestamp {
        // Far from every boundary, which are on whole hours, time passes in strides.
        let stride = if (60..3480).contains(&self.at.as_second().rem_euclid(3600)) { 20 } else { 1 };
        let second =
            Timestamp::from_second((self.at.as_second() / stride + 1) * stride).expect("a second of this century");
        let arrival = self.travelling.first_key_value().map_or(second, |((at, _), _)| *at);
        let woken = if stride == 1 { self.controller.wake_at(self.at) } else { second };
        let soonest = self.at + SignedDuration::from_millis(1);
        second.min(arrival).min(woken).max(soonest)
    }

    fn arrive(&mut self) {
        self.sim.advance(self.at);
        while let Some(entry) = self.travelling.first_entry().filter(|entry| entry.key().0 <= self.at) {
            match entry.remove() {
                Travelling::There(effect, asked) => self.reach(effect, asked),
                Travelling::Back(event) => {
                    self.throttles += usize::from(is_throttled(&event));
                    self.controller.handle(self.at, event);
                }
            }
        }
    }

    fn reach(&mut self, effect: Effect, asked: Timestamp) {
        let at = self.at;
        let event = match effect {
            Effect::Load => Event::Loaded(Ok(None)),
            Effect::Observe { site, query } => {
                Event::Observed { asked, site, observation: self.sim.observe(&query, at), query }
            }
            Effect::Apply(action) => Event::Applied { outcome: self.sim.apply(&action, at), action },
        };
        self.depart(Travelling::Back(event));
    }

    fn depart(&mut self, what: Travelling) {
        self.sent += 1;
        self.travelling.insert((self.at + ROUND_TRIP / 2, self.sent), what);
    }

    fn turn(&mut self) {
        for (chore, due, every) in [
            (Chore::Resync, &mut self.next_resync, Settings::default().resync),
            (Chore::Glance, &mut self.next_glance, GLANCE),
        ] {
            if *due <= self.at {
                *due = self.at + every;
                self.controller.handle(self.at, Event::Due(chore));
            }
        }
        self.controller.tick(self.at);
        while let Some(effect) = self.controller.poll(self.at) {
            self.depart(Travelling::There(effect, self.at));
        }
        for fact in self.controller.drain_facts() {
            if let Fact::Accepted { lateness: Some(late), .. } = fact {
                self.latenesses.push(late.as_secs_f64());
            }
        }
    }
}

fn is_throttled(event: &Event) -> bool {
    matches!(event, Event::Applied { outcome: Err(error), .. } if error.kind == ErrorKind::Throttled)
}

/// The lateness of so many boundaries with `targets` of them at once: from the boundary to the accepted answer.
fn lateness(targets: usize, bucket: Option<Rate>) -> Vec<f64> {
    let mut world = world(targets, bucket);
    while world.latenesses.len() < BOUNDARIES {
        let next_hour = (world.at.as_second() / 3600 + 1) * 3600;
        let soon = Timestamp::from_second(next_hour + 120).expect("a second of this century");
        world.run_until(soon);
    }
    world.latenesses.truncate(BOUNDARIES);
    world.latenesses.sort_by(f64::total_cmp);
    world.latenesses
}

struct Burst {
    landed: usize,
    last: f64,
    writes: u64,
    throttles: usize,
}

/// All targets rise at one boundary.
fn burst(targets: usize, bucket: Option<Rate>) -> Burst {
    let boundary = instant("2026-11-20T07:00:00Z");
    let mut world = world(targets, bucket);
    world.run_until(boundary - SignedDuration::from_millis(1));
    world.sim.limit(Family::AutoScaling, bucket); // a full bucket, whatever the looks before took out
    while world.latenesses.len() < targets && world.at < boundary + PATIENCE {
        world.run_until(world.at + SignedDuration::from_millis(100));
    }
    Burst {
        landed: world.latenesses.len(),
        last: world.latenesses.iter().copied().fold(0.0, f64::max),
        writes: world.sim.calls().get(&Operation::RegisterScalableTarget).copied().unwrap_or(0),
        throttles: world.throttles,
    }
}

/// What the bucket itself takes, and one tick and one round trip.
fn bound(targets: usize, bucket: Option<Rate>) -> f64 {
    let beyond = bucket.map_or(0.0, |rate| {
        let beyond = targets.saturating_sub(rate.burst as usize);
        beyond as f64 / f64::from(rate.per_second)
    });
    beyond + ROUND_TRIP.as_secs_f64()
}

fn main() {
    let as_json = std::env::args().any(|argument| argument == "json");
    let buckets = [
        ("unlimited", None),
        ("50/5", Some(Rate { burst: 50, per_second: 5 })),
        ("20/2", Some(Rate { burst: 20, per_second: 2 })),
    ];
    for (targets, name, bucket) in [(1, "unlimited", None), (20, "50/5", buckets[1].1), (50, "unlimited", None)] {
        let late = lateness(targets, bucket);
        let at = |share: f64| late[((late.len() - 1) as f64 * share).round() as usize];
        let (p50, p99, max) = (at(0.5), at(0.99), at(1.0));
        match as_json {
            true => println!(
                "{}",
                json!({ "lateness": targets, "bucket": name, "n": late.len(), "p50": p50, "p99": p99, "max": max })
            ),
            false => println!(
                "lateness, {targets:>3} at once, bucket {name}: p50 {:.0} ms, p99 {:.0} ms, max {:.0} ms of {}",
                p50 * 1e3,
                p99 * 1e3,
                max * 1e3,
                late.len()
            ),
        }
    }
    for (name, bucket) in buckets {
        for targets in [10, 50, 100, 300, 1000] {
            let Burst { landed, last, writes, throttles } = burst(targets, bucket);
            let bound = bound(targets, bucket);
            match as_json {
                true => println!(
                    "{}",
                    json!({ "burst": targets, "bucket": name, "landed": landed, "last": last, "bound": bound, "writes": writes, "throttles": throttles })
                ),
                false => println!(
                    "burst, {targets:>4} at once, bucket {name:>9}: {landed} landed, the last after {last:.2} s, {:.2} x its bound, {throttles} throttles",
                    last / (bound + 1.0)
                ),
            }
        }
    }
}
