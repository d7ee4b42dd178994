//! Many rises at one boundary, against token buckets that the controller does not know.

use baseload_core::controller::Fact;
use baseload_core::ecs::{ErrorKind, Operation};
use baseload_core::sim::{Family, Fault, Lasting, Rate, Scope, Sim};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::driver::{Latency, Stride, World};
use crate::scene::{account_of, id, office_hours, schedule, service};

/// The boundary of [`office_hours`].
const BOUNDARY: &str = "2026-11-20T08:00:00Z";

/// What AWS lets through: at first, and from so many seconds after the boundary on.
#[derive(Clone, Copy)]
struct Quota {
    name: &'static str,
    first: Option<Rate>,
    then: Option<(i64, Rate)>,
}

const fn rate(burst: u32, per_second: u32) -> Rate {
    Rate { burst, per_second }
}

const QUOTAS: [Quota; 5] = [
    Quota { name: "unlimited", first: None, then: None },
    Quota { name: "50 and 5/s", first: Some(rate(50, 5)), then: None },
    Quota { name: "20 and 2/s", first: Some(rate(20, 2)), then: None },
    Quota { name: "100 and 20/s, a tenth from 5 s on", first: Some(rate(100, 20)), then: Some((5, rate(10, 2))) },
    Quota { name: "20 and 2/s, 100 and 20/s from 5 s on", first: Some(rate(20, 2)), then: Some((5, rate(100, 20))) },
];

impl Quota {
    /// The least time in which so many writes can land, in seconds: what the bucket holds goes at once, the rest as it
    /// regains. After a change that holds for what is left then, of which `landed` says how many had landed.
    fn bound(&self, writes: u32, latency: f64, landed: u32) -> f64 {
        let drained =
            |rate: Rate, writes: u32| f64::from(writes.saturating_sub(rate.burst)) / f64::from(rate.per_second);
        let travel = 1.0 + latency; // a tick and a round trip
        let Some(first) = self.first else { return travel + caution(writes, latency) };
        let alone = drained(first, writes) + travel + caution(writes.min(first.burst), latency);
        match self.then {
            Some((at, then)) if landed < writes => {
                // That a limit was raised is noticed by trying, which may fail once in twenty writes.
                let raised = then.per_second > first.per_second;
                let notice = if raised { 20.0 / f64::from(first.per_second) } else { 0.0 };
                let changed = at as f64 + notice + drained(then, writes - landed) + travel;
                if raised { alone.min(changed) } else { changed }
            }
            _ => alone,
        }
    }
}

/// Who does not know whether there is a bucket, and may be throttled ten times or in one write of twenty, has no more
/// than that under way at once: so many more round trips it takes.
fn caution(writes: u32, latency: f64) -> f64 {
    let at_once = (writes / 20).max(10);
    f64::from(writes.div_ceil(at_once).saturating_sub(1)) * latency
}

/// How a burst went.
struct Outcome {
    /// How many had landed when the quota changed.
    landed: u32,
    /// From the boundary to the last acceptance, in seconds.
    took: f64,
    writes: usize,
    throttled: usize,
}

/// So many services that rise from 1 to 3 at the boundary, a minute and a half before it.
fn before_the_boundary(count: u32, latency: SignedDuration) -> World {
    let names: Vec<_> = (0..count).map(|n| format!("s{n:04}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let start: Timestamp = BOUNDARY.parse().expect("a timestamp");
    let mut sim = Sim::new(1, TimeZone::UTC, start - SignedDuration::from_secs(90));
    names.iter().for_each(|name| sim.add_service(id(name), &service(1, 10)));
    let mut world = World::new(sim, &office_hours(&names));
    world.latency = Latency { read: latency, write: latency, ..world.latency };
    world.run_for(80);
    world
}

fn play(quota: &Quota, count: u32, latency: SignedDuration) -> Outcome {
    let mut world = before_the_boundary(count, latency);
    world.sim.limit(Family::AutoScaling, quota.first);
    let boundary: Timestamp = BOUNDARY.parse().expect("a timestamp");
    let mut landed = 0;
    if let Some((at, then)) = quota.then {
        world.run_until(boundary + SignedDuration::from_secs(at));
        landed = u32::try_from(world.count_accepted()).expect("a few");
        world.sim.limit(Family::AutoScaling, Some(then));
    }
    let patience = boundary + SignedDuration::from_secs_f64(2.0 * quota.bound(count, 0.2, landed) + 30.0);
    while world.at() < patience && world.count_accepted() < count as usize {
        world.run_for(1);
    }
    assert_eq!(world.count_accepted(), count as usize, "{}: {count} at {latency}", quota.name);
    let failed = |fact: &Fact| matches!(fact, Fact::Refused { error, .. } if error.kind != ErrorKind::Throttled);
    assert_eq!(world.count_facts(failed), 0, "{}: {count} at {latency}", quota.name);
    assert!(world.status().targets.iter().all(|target| target.verdict == "inSync"), "{}: {count}", quota.name);
    let last = world.facts.iter().rfind(|(_, fact)| matches!(fact, Fact::Accepted { .. }));
    let took = last.expect("some were accepted").0.duration_since(boundary).as_secs_f64();
    Outcome {
        landed,
        took,
        writes: world.writes.len(),
        throttled: world.count_facts(|fact| matches!(fact, Fact::Refused { .. })),
    }
}

impl World {
    fn count_accepted(&self) -> usize {
        self.count_facts(|fact| matches!(fact, Fact::Accepted { .. }))
    }
}

/// Plays every size of burst against one quota, prints how they went, and asserts that all went well.
#[expect(clippy::print_stdout, reason = "the table is for whoever runs this with --nocapture")]
fn hold_to_the_bound(quota: &Quota) {
    let mut misses = Vec::new();
    for count in [10, 50, 100, 300, 1000] {
        for millis in [20, 200] {
            let latency = SignedDuration::from_millis(millis);
            let Outcome { landed, took, writes, throttled } = play(quota, count, latency);
            let bound = quota.bound(count, latency.as_secs_f64(), landed);
            let ratio = took / bound;
            let is_few = throttled * 20 <= writes || throttled <= 10;
            let row = format!(
                "| {} | {count} | {millis} ms | {took:.1} s | {bound:.1} s | {ratio:.2} | {throttled} of {writes} |",
                quota.name
            );
            println!("{row}{}", if ratio <= 1.10 && is_few { "" } else { " MISS" });
            if ratio > 1.10 || !is_few {
                misses.push(row);
            }
        }
    }
    assert!(misses.is_empty(), "{misses:#?}");
}

#[test]
fn f1_a_burst_without_a_limit_goes_at_once() {
    hold_to_the_bound(&QUOTAS[0]);
}

#[test]
fn f1_a_burst_drains_a_bucket_of_fifty_that_regains_five_a_second() {
    hold_to_the_bound(&QUOTAS[1]);
}

#[test]
fn f1_a_burst_drains_a_bucket_of_twenty_that_regains_two_a_second() {
    hold_to_the_bound(&QUOTAS[2]);
}

#[test]
fn f1_a_burst_goes_on_where_the_quota_falls_to_a_tenth() {
    hold_to_the_bound(&QUOTAS[3]);
}

#[test]
fn f1_a_burst_speeds_up_where_the_quota_is_raised() {
    hold_to_the_bound(&QUOTAS[4]);
}

#[test]
fn what_aws_let_through_at_once_on_one_day_goes_at_once_on_the_next() {
    let mut world = before_the_boundary(100, SignedDuration::from_millis(200));
    let latest = |world: &World| world.latenesses().into_iter().max().expect("some were late");
    let days: Vec<_> = (0..3)
        .map(|_| {
            world.stride = Stride::Second;
            world.run_for(60);
            let late = latest(&world);
            world.stride = Stride::Every(60);
            world.run_for(86_400 - 60 - 100);
            world.forget();
            world.stride = Stride::Second;
            world.run_for(100);
            late.as_millis()
        })
        .collect();
    assert!(days[0] > 3_000, "nothing is known on the first day: {days:?}");
    assert!(days[2] <= 1_100, "{days:?}");
}

/// So many services that have lead time and so many that have none; the names of the first sort first.
fn with_and_without_lead(count: usize) -> World {
    let names = |letter: char| (0..count).map(|n| format!("{letter}{n:03}")).collect::<Vec<_>>();
    let (leading, plain) = (names('a'), names('b'));
    let start: Timestamp = BOUNDARY.parse().expect("a timestamp");
    let mut sim = Sim::new(1, TimeZone::UTC, start - SignedDuration::from_secs(90));
    leading.iter().chain(&plain).for_each(|name| sim.add_service(id(name), &service(1, 10)));
    let in_words = |names: &[String], rest: &str| {
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        schedule(&names[0][..1], &names, rest)
    };
    // The larger shortfall is with those that may wait.
    let early = "leadTime: 10m
        default: { min: 1 }
        windows: [{ name: day, from: \"08:10\", to: \"18:00\", min: 5 }]";
    let sharp = "default: { min: 1 }
        windows: [{ name: day, from: \"08:00\", to: \"18:00\", min: 3 }]";
    World::new(sim, &(in_words(&leading, early) + &in_words(&plain, sharp)))
}

#[test]
fn lead_time_gives_way_to_what_is_due_and_is_up_before_it_is_needed() {
    let mut world = with_and_without_lead(300);
    world.run_to("2026-11-20T07:59:50Z");
    world.sim.limit(Family::AutoScaling, Some(rate(50, 5)));
    let up = |world: &World, letter: char, min: u32| {
        (0..300).filter(|n| world.min(&format!("{letter}{n:03}")) == min).count()
    };
    world.run_to("2026-11-20T08:00:45Z");
    assert!(up(&world, 'a', 5) <= 15, "{} of those that may wait went first", up(&world, 'a', 5));
    world.run_to("2026-11-20T08:00:56Z"); // 50 s are the least, and a tenth
    assert_eq!(up(&world, 'b', 3), 300);
    world.run_to("2026-11-20T08:02:03Z"); // 110 s are
    assert_eq!(up(&world, 'a', 5), 300, "long before 08:10");
}

#[test]
fn what_has_lead_time_is_as_urgent_as_the_rest_once_it_is_needed() {
    let mut world = with_and_without_lead(100);
    world.run_to("2026-11-20T07:59:50Z");
    let outage = Lasting::Until("2026-11-20T08:10:00Z".parse().expect("a timestamp"));
    let writes = Scope::Operation(Operation::RegisterScalableTarget);
    world.sim.inject(writes, Fault::refuse("ThrottlingException"), outage);
    world.run_to("2026-11-20T08:10:00Z");
    world.sim.limit(Family::AutoScaling, Some(rate(20, 2)));
    world.forget();
    world.run_to("2026-11-20T08:12:40Z");
    let accepted: Vec<_> = world
        .facts
        .iter()
        .filter_map(|(_, fact)| match fact {
            Fact::Accepted { action, .. } => Some(action.target.service.starts_with('a')),
            _ => None,
        })
        .collect();
    assert_eq!(accepted.len(), 200);
    let leading_first = accepted[..100].iter().filter(|leading| **leading).count();
    assert!(leading_first >= 80, "the larger shortfall goes first: {leading_first} of a hundred");
}

/// By day one floor, by night another.
fn night_and_day(name: &str, night: &str, day: &str) -> String {
    let rest = format!("default: {{ {night} }}\nwindows: [{{ name: day, from: \"08:00\", to: \"18:00\", {day} }}]");
    schedule(name, &[name], &rest)
}

#[test]
fn where_a_minimum_rises_while_its_maximum_falls_it_goes_among_the_rises_by_its_shortfall() {
    let rises = night_and_day("a-rises", "min: 1", "min: 2");
    let both = night_and_day("b-both", "min: 1, max: 10", "min: 3, max: 5");
    let sim = account_of(&[("a-rises", service(1, 10)), ("b-both", service(1, 10))]);
    let mut world = World::new(sim, &(rises + &both));
    world.run_to("2026-11-20T07:59:00Z");
    world.forget();
    world.run_to("2026-11-20T08:01:00Z");
    let order: Vec<_> = world.writes.iter().map(|write| &*write.action.target.service).collect();
    assert_eq!(order, ["b-both", "a-rises"]);
}

#[test]
fn looks_at_all_wait_while_rises_wait_for_five_minutes_at_most_and_not_for_falls() {
    let mut world = before_the_boundary(750, SignedDuration::from_millis(20));
    let passes = |world: &mut World, from: &str, to: &str| {
        world.run_to(from);
        let before = world.calls(Operation::DescribeScalableTargets);
        world.run_to(to);
        (world.calls(Operation::DescribeScalableTargets) - before) / 15
    };
    world.run_to("2026-11-20T07:59:50Z");
    world.sim.limit(Family::AutoScaling, Some(rate(50, 2)));
    assert_eq!(passes(&mut world, "2026-11-20T08:00:10Z", "2026-11-20T08:04:30Z"), 0, "rises wait");
    assert_eq!(passes(&mut world, "2026-11-20T08:04:30Z", "2026-11-20T08:05:30Z"), 1, "but not for ever");
    world.run_to("2026-11-20T17:59:30Z");
    let passed = passes(&mut world, "2026-11-20T18:00:10Z", "2026-11-20T18:04:30Z");
    assert!(passed >= 4, "falls wait: {passed}");
}
