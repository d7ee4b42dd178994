//! What one controller takes for more targets than one account may have: 3,000 at home, 10,000 at home, and 100,000 in
//! 50 accounts, by globs, because a source may name 10,000 at most. Memory is the core's own: timetable, rows and snapshot, without clients and connections.
//!
//! `cargo bench -p baseload-core --bench fleet`; with `json` as an argument, a line of JSON for each fleet.
#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::fmt::Write as _;
use std::hint::black_box;

use baseload_core::controller::{Chore, Controller, Effect, Event, Revision, Settings};
use baseload_core::ecs::{Answer, Observation, Query, ScalableTarget};
use baseload_core::model::{Site, TargetId};
use baseload_core::spec::{Limits, Tree, load};
use baseload_core::timetable::Zones;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

/// Of each schedule that names them, and of each that says so by a glob.
const NAMED: usize = 10;
const BY_GLOB: usize = 100;
const TICKS: usize = 61;

/// Schedules of ten targets or of a hundred, spread over the accounts; without accounts, all at home.
fn tree(accounts: usize, targets: usize) -> Tree {
    let mut tree = Tree::default();
    for schedule in 0..targets / if accounts > 0 { BY_GLOB } else { NAMED } {
        let named = || (0..NAMED).map(|n| format!("{{ cluster: shop, service: s{schedule:05}-{n} }}"));
        let names: Vec<_> = match accounts {
            0 => named().collect(),
            _ => vec![format!("{{ cluster: shop, service: \"s{schedule:05}-*\" }}")],
        };
        let mut text = format!(
            "apiVersion: baseload/v1\nkind: ScalingSchedule\nmetadata: {{ name: s{schedule} }}\nspec:\n  targets: [{}]\n  \
             timezone: Europe/Brussels\n  default: {{ min: 3 }}\n  windows:\n    \
             - {{ name: night, from: \"00:30\", to: \"09:00\", min: 1 }}\n    \
             - {{ name: friday, days: [fri], from: \"14:00\", to: \"00:30\", min: 6 }}\n",
            names.join(", ")
        );
        if accounts > 0 {
            let account = schedule % accounts;
            writeln!(text, "  aws: {{ account: a{account:02}, region: eu-west-1 }}")
                .expect("a String takes everything");
        }
        tree.files.insert(format!("{schedule:05}.yaml").into(), text.into_bytes());
    }
    tree
}

/// What is registered in one of the accounts.
fn registered(site: &Site, accounts: usize, targets: usize) -> Vec<TargetId> {
    let schedules = (0..targets / BY_GLOB).filter(|schedule| {
        accounts > 0 && site.account().is_some_and(|account| **account == *format!("a{:02}", schedule % accounts))
    });
    let names = schedules.flat_map(|schedule| (0..BY_GLOB).map(move |n| format!("s{schedule:05}-{n}")));
    names.map(|service| TargetId::new("shop", service).at(site.clone())).collect()
}

/// Answers that every target has the floor that it is to have; counts and surveys are not asked for by the reads that
/// a pass counts.
fn settle(controller: &mut Controller, (accounts, targets): (usize, usize), now: Timestamp) -> usize {
    let mut reads = 0;
    controller.tick(now);
    while let Some(effect) = controller.poll(now) {
        let Effect::Observe { site, query } = effect else { continue };
        let observation = match &query {
            Query::Targets(asked) => seen(asked, &mut reads),
            Query::AllTargets => seen(&registered(&site, accounts, targets), &mut reads),
            Query::Services(_) => Observation::Services(Answer::default()),
            Query::Survey(_) => Observation::Survey(Answer::default()),
        };
        controller.handle(now, Event::Observed { asked: now, site, query, observation });
    }
    controller.tick(now);
    reads
}

fn seen(targets: &[TargetId], reads: &mut usize) -> Observation {
    *reads += targets.len().div_ceil(50);
    let seen = ScalableTarget { min: 3, max: 10, scheduled_scaling_suspended: false };
    let found = targets.iter().map(|target| (target.clone(), Some(seen))).collect();
    Observation::Targets(Answer { found, failed: Vec::new() })
}

/// Processor time of this thread so far, to the nanosecond: a busy machine makes it no longer. Linux only.
fn processor_s() -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    told.split(' ').next().and_then(|nanos| nanos.parse().ok()).map_or(f64::NAN, |nanos: f64| nanos / 1e9)
}

/// As Linux counts it, in bytes.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse().ok()).map_or(f64::NAN, |kib: f64| kib * 1024.0)
}

fn main() {
    let as_json = std::env::args().any(|argument| argument == "json");
    let mut now: Timestamp = "2026-11-20T09:30:00Z".parse().expect("an instant");
    for (accounts, targets) in [(0, 3_000), (0, 10_000), (50, 100_000)] {
        let names = (0..accounts).map(|n| format!("a{n:02}").into()).collect();
        let limits = Limits { accounts: names, ..Limits::default() };
        let before = resident();
        let source = tree(accounts, targets);
        let began = processor_s();
        let schedules = load(&source, &Zones::embedded(), &limits, now).expect("the schedules are good").schedules;
        let loaded_s = processor_s() - began;
        drop(source);
        let mut controller = Controller::new(Settings { survey: false, ..Settings::default() }, "bench".to_owned());
        let revision = Revision { id: "bench".to_owned(), digest: "bench".to_owned(), schedules: schedules.into() };
        controller.handle(now, Event::Loaded(Ok(Some(revision))));
        settle(&mut controller, (accounts, targets), now);
        // In quiet every second pass is left out where passes are dear.
        let (mut reads, mut pass_s) = (0, 0.0_f64);
        for _ in 0..2 {
            now += SignedDuration::from_secs(60);
            controller.handle(now, Event::Due(Chore::Resync));
            let began = processor_s();
            reads = reads.max(settle(&mut controller, (accounts, targets), now));
            pass_s = pass_s.max(processor_s() - began);
        }
        controller.drain_facts();
        // The kernel counts in steps that are longer than a tick takes: the mean of many.
        let began = processor_s();
        for _ in 0..TICKS {
            now += SignedDuration::from_secs(1);
            controller.tick(black_box(now));
        }
        let tick_s = (processor_s() - began) / TICKS as f64;
        let began = processor_s();
        let status = black_box(controller.status(now));
        let (status_s, mib) = (processor_s() - began, (resident() - before) / 1048576.0);
        drop(status);
        match as_json {
            true => println!(
                "{}",
                json!({ "accounts": accounts.max(1), "targets": targets, "load_s": loaded_s, "tick_s": tick_s, "pass_s": pass_s, "status_s": status_s, "reads": reads, "mib": mib })
            ),
            false => println!(
                "{targets:>7} targets in {:>2} accounts: load {loaded_s:.2} s, {reads} reads a pass, tick {:.2} ms, pass {:.0} ms, snapshot {:.0} ms, {mib:.0} MiB",
                accounts.max(1),
                tick_s * 1e3,
                pass_s * 1e3,
                status_s * 1e3
            ),
        }
    }
}
