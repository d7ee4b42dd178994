//! What an evaluation costs: medians, each beside a plain loop of arithmetic timed in the same run.
#![expect(clippy::print_stdout, reason = "a bench prints its medians")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use baseload_core::cron::Cron;
use baseload_core::model::{Floor, Pattern, Site, Span, TargetId, TargetPattern};
use baseload_core::timetable::{Board, DateFilter, Members, Recurrence, Schedule, Schedules, Window, Zones};
use jiff::{SignedDuration, Timestamp};

const TARGETS: usize = 1_000;

fn main() {
    let schedules = Arc::new(Schedules::new((0..TARGETS).map(schedule).collect()));
    let targets: Vec<TargetId> = schedules.exact_targets().into_iter().collect();
    let now: Timestamp = "2026-11-20T12:00:00Z".parse().expect("the instant is well-formed");
    let board = Board::new(Arc::clone(&schedules), now);
    let members: Vec<Members> = targets.iter().map(|target| board.members(target)).collect();
    let year = Span { from: now, to: now + SignedDuration::from_hours(365 * 24) };

    let baseline = median(101, TARGETS, || {
        black_box((0..black_box(TARGETS as u64)).fold(1_u64, |sum, n| sum.wrapping_mul(31).rotate_left(7) ^ n));
    });
    let report = |what: &str, each: Duration| {
        let ratio = each.as_secs_f64() / baseline.as_secs_f64().max(1e-12);
        println!("{what:<44} {each:>12.1?}  {ratio:>10.0} x baseline");
    };
    report("baseline, one round of arithmetic", baseline);
    report(
        "board.decide, one target",
        median(101, TARGETS, || members.iter().for_each(|m| drop(black_box(board.decide(m))))),
    );
    let one = Arc::new(Schedules::new(vec![schedule(0)]));
    report("decide with until, one of one schedule", median(101, 1, || drop(black_box(one.decide(&targets[0], now)))));
    report(
        "decide with until, one of 1,000 schedules",
        median(11, 1, || drop(black_box(schedules.decide(&targets[7], now)))),
    );
    for (what, awkward) in awkward() {
        let awkward = Schedules::new(vec![awkward]);
        report(what, median(5, 1, || drop(black_box(awkward.decide(&targets[0], now)))));
    }
    let whole = median(5, 1, || {
        let count: usize = targets.iter().map(|target| schedules.segments(target, year).len()).sum();
        black_box(count);
    });
    report("a year's segments of 1,000 targets", whole);
}

#[expect(clippy::disallowed_methods, reason = "a bench measures elapsed time")]
fn median(rounds: usize, per_round: usize, mut work: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..rounds)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        })
        .collect();
    times.sort();
    times[rounds / 2] / u32::try_from(per_round).expect("a round has few items")
}

/// Night 1, day 3, Friday afternoon 6, lunch 4; each target in one of four zones.
fn schedule(index: usize) -> Schedule {
    let zones = ["Europe/Brussels", "America/New_York", "Asia/Kolkata", "UTC"];
    let target = TargetPattern {
        site: Site::HOME,
        cluster: Pattern::new("shop"),
        service: Pattern::new(format!("service-{index}")),
    };
    Schedule {
        name: format!("schedule-{index}").into(),
        targets: vec![target],
        zone: Zones::embedded().get(zones[index % zones.len()]).expect("the zone is embedded"),
        lead_time: SignedDuration::from_mins(5),
        priority: 0,
        suspend: false,
        defer_during_deployment: SignedDuration::ZERO,
        default: Some(Floor { min: 3, max: None }),
        windows: vec![
            window("night", 0b111_1111, 30, 9 * 60, 1),
            window("friday", 0b001_0000, 14 * 60, 30, 6),
            window("lunch", 0b001_1111, 11 * 60 + 45, 13 * 60 + 45, 4),
        ],
        overrides: vec![],
    }
}

/// Schedules whose next change takes a proof that there is none.
fn awkward() -> [(&'static str, Schedule); 4] {
    let only = |window: Window| Schedule { windows: vec![window], lead_time: SignedDuration::ZERO, ..schedule(0) };
    let cron = |text: &str, minutes: i64| {
        let cron = Cron::parse(text).expect("the expression is well-formed");
        let duration = SignedDuration::from_mins(minutes);
        Window { recurrence: Recurrence::Cron { cron, duration }, ..window("w", 0b111_1111, 0, 1, 6) }
    };
    let bridged = Schedule { lead_time: SignedDuration::from_hours(12), ..only(window("w", 0b111_1111, 30, 540, 1)) };
    [
        ("decide, a day that never ends", only(window("w", 0b111_1111, 0, 1440, 6))),
        ("decide, 90 minutes every 5 minutes", only(cron("*/5 * * * *", 90))),
        ("decide, a date that never comes", only(cron("0 0 31 2 *", 60))),
        ("decide, a pause that lead time bridges", bridged),
    ]
}

fn window(name: &str, weekdays: u8, from: u16, to: u16, min: u32) -> Window {
    let dates = DateFilter { weekdays, on: None, except: vec![], valid_from: None, valid_until: None };
    Window { name: name.into(), recurrence: Recurrence::Daily { from, to }, dates, floor: Floor { min, max: None } }
}
