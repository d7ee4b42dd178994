//! What it takes to show 3,000 targets: a scrape, a page, and the first page of an hour, whose strips are not drawn yet.
//! Prints the means of processor time. Linux only: it reads `/proc`.
//!
//! The text of a scrape is measured without the process's counters, and a page before it is compressed.

use std::hint::black_box;
use std::sync::Arc;

use baseload_core::ledger::Ledger;
use baseload_core::model::Site;
use baseload_core::spec::{self, Limits, Tree};
use baseload_core::status::{
    Bounds, Condition, ConditionKind, Conditions, ConfigurationStatus, Counts, FloorStatus, NextStatus, Status,
    TargetStatus,
};
use baseload_core::timetable::{Schedules, Zones};
use baseload_view::metrics::{self, Detail};
use baseload_view::page::{self, About, Almanac, View, Wish};
use jiff::Timestamp;

const TARGETS: usize = 3_000;
const RUNS: u32 = 50;

fn now() -> Timestamp {
    "2026-11-20T09:12:34Z".parse().expect("a timestamp")
}

/// The service of the target at `index`, of one of `schedules`.
fn service(index: usize, schedules: usize) -> String {
    format!("s{:04}-{}", index % schedules, index / schedules)
}

/// Its nights end and its weekends begin at times of their own.
fn yaml(schedule: usize, schedules: usize) -> String {
    let (hour, minute) = (6 + schedule / 60 % 5, schedule % 60);
    let targets = (schedule..TARGETS).step_by(schedules);
    let targets: Vec<_> = targets.map(|n| format!("{{ cluster: shop, service: {} }}", service(n, schedules))).collect();
    format!(
        "apiVersion: baseload/v1\nkind: ScalingSchedule\nmetadata: {{ name: s{schedule} }}\nspec:\n  \
         targets: [{}]\n  \
         timezone: Europe/Brussels\n  default: {{ min: {} }}\n  windows:\n    \
         - {{ name: night, from: \"00:30\", to: \"{hour:02}:{minute:02}\", min: 1 }}\n    \
         - {{ name: weekend, days: [fri], from: \"14:{minute:02}\", to: \"00:30\", min: 9 }}\n",
        targets.join(", "),
        2 + schedule / 300
    )
}

fn schedules(count: usize) -> Arc<Schedules> {
    let mut tree = Tree::default();
    tree.files.extend((0..count).map(|n| (format!("{n}.yaml").into(), yaml(n, count).into_bytes())));
    let loaded = spec::load(&tree, &Zones::embedded(), &Limits::default(), now()).expect("the schedules are good");
    loaded.schedules.into()
}

fn condition(kind: ConditionKind) -> Condition {
    let message = match kind {
        ConditionKind::PolicyAttached => "cpu-target",
        _ => "",
    };
    Condition { kind, status: kind.is_well_when(), reason: "AsItShould".into(), message: message.into(), since: now() }
}

/// One of the targets of one of `schedules` schedules.
fn target(index: usize, schedules: usize, conditions: &Conditions) -> TargetStatus {
    let schedule: Arc<str> = format!("s{}", index % schedules).into();
    let floor = |min, cause: &str| FloorStatus { min, max: None, schedule: schedule.clone(), cause: cause.to_owned() };
    TargetStatus {
        site: Site::HOME,
        cluster: "shop".into(),
        service: service(index, schedules).into(),
        floor: Some(floor(3, "default")),
        next: Some(
            NextStatus {
                at: "2026-11-20T13:00:00Z".parse().expect("a timestamp"),
                floor: Some(floor(9, "window/weekend")),
            }
            .into(),
        ),
        observed: Some(Bounds { min: 3, max: 20 }),
        observed_at: Some(now()),
        counts: Some(Counts { desired: 4, running: 4, pending: 0 }),
        verdict: "inSync".into(),
        conditions: conditions.clone(),
        last_error: None,
        corrections: 0,
    }
}

fn status(schedules: usize) -> Arc<Status> {
    let conditions = Conditions::from_iter(ConditionKind::ALL.map(condition));
    let mut targets: Vec<_> = (0..TARGETS).map(|n| Arc::new(target(n, schedules, &conditions))).collect();
    targets.sort_by(|a, b| (&a.cluster, &a.service).cmp(&(&b.cluster, &b.service)));
    Arc::new(Status {
        at: now(),
        heartbeat: now(),
        ready: true,
        stopping: false,
        dry_run: false,
        lease: None,
        sites: Vec::new(),
        configuration: ConfigurationStatus { source: "./schedules".to_owned(), ..ConfigurationStatus::default() },
        targets,
    })
}

fn ledger(status: &Arc<Status>, schedules: &Schedules) -> Ledger {
    let mut ledger = Ledger::default();
    for second in [0, 90] {
        let at = now() + jiff::SignedDuration::from_secs(second);
        ledger.turn(&Arc::new(Status { at, ..(**status).clone() }), Some(schedules));
    }
    ledger
}

/// What runs, and how many bytes it makes.
struct Piece<'a>(&'static str, Box<dyn Fn() -> usize + 'a>);

/// The processor time that this thread has taken, in milliseconds: others may keep the machine busy.
fn processor_ms() -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux tells");
    let nanoseconds = told.split(' ').next().and_then(|first| first.parse::<f64>().ok());
    nanoseconds.expect("the first number is the time on a processor") / 1e6
}

/// What one of `runs` takes, and how many bytes it makes. Linux counts in steps of some milliseconds, so all are timed
/// together.
fn mean_ms(run: &dyn Fn() -> usize, runs: u32) -> (f64, usize) {
    let before = processor_ms();
    let bytes = (0..runs).map(|_| one_run(run)).max().unwrap_or(0);
    ((processor_ms() - before) / f64::from(runs), bytes)
}

/// Not inlined, so that a profiler can be told to look at nothing else.
#[inline(never)]
fn one_run(run: &dyn Fn() -> usize) -> usize {
    black_box(run())
}

/// `cargo bench -p baseload-view -- WORD` runs what has the word in its name, and once only: for a profiler.
#[expect(clippy::print_stdout, reason = "a bench prints what it measured")]
fn main() {
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let about = About { version: "0.1.0".to_owned(), tzdb: "2026e".to_owned(), simulator: None };
    let of = |count: usize| (status(count), schedules(count));
    let (few, many) = (of(300), of(TARGETS));
    let (few_drawn, many_drawn) = (Almanac::default(), Almanac::default());
    let page = |(status, schedules): &(Arc<Status>, Arc<Schedules>), almanac: &Almanac| {
        page::fleet(&View { status, schedules, almanac, about: &about }, &Wish::default()).len()
    };
    page(&few, &few_drawn);
    page(&many, &many_drawn);
    let ledger = ledger(&few.0, &few.1);
    let pieces = [
        Piece(
            "scrape",
            Box::new(|| {
                metrics::scrape(String::new(), few.0.clone(), &ledger, Detail::Targets).map(|piece| piece.len()).sum()
            }),
        ),
        Piece("page, 300 schedules", Box::new(|| page(&few, &few_drawn))),
        Piece("page, 3000 schedules", Box::new(|| page(&many, &many_drawn))),
        Piece("first page of an hour, 300 schedules", Box::new(|| page(&few, &Almanac::default()))),
        Piece("first page of an hour, 3000 schedules", Box::new(|| page(&many, &Almanac::default()))),
    ];
    let runs = if wanted.is_some() { 1 } else { RUNS };
    for Piece(name, run) in
        pieces.iter().filter(|piece| wanted.as_ref().is_none_or(|word| piece.0.contains(word.as_str())))
    {
        let (ms, bytes) = mean_ms(run, runs);
        println!("{name}: {ms:.2} ms, {:.2} MB", bytes as f64 / 1e6);
    }
}
