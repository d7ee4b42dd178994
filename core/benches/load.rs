//! What it costs to read a large source: medians, each beside plain parsing of the same text in the same run.
#![expect(clippy::print_stdout, reason = "a bench prints its medians")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use baseload_core::spec::{Limits, Tree, lint, load};
use baseload_core::timetable::{Board, Zones};
use jiff::Timestamp;
use saphyr_parser::Parser;

const TARGETS: usize = 10_000;
const ROUNDS: usize = 7;

fn main() {
    let zones = Zones::embedded();
    let now: Timestamp = "2026-11-21T00:00:00Z".parse().expect("the instant is well-formed");
    let zone = "Europe/Brussels";
    let misspelt: Vec<String> = (0..5).map(|_| many(1_000, 1, "Europe/Brusels")).collect();
    for (what, tree) in [
        ("10,000 targets in one schedule", tree(&[many(1, TARGETS, zone)])),
        (
            "1,000 schedules of 10 targets",
            tree(&[many(500, 10, zone), many(500, 10, zone).replace("name: s", "name: t")]),
        ),
        ("5,000 misspelt zones", tree(&misspelt)),
    ] {
        let parsing = median(|| parse(&tree));
        let loading = median(|| drop(black_box(load(&tree, &zones, &Limits::default(), now))));
        println!("{what:<44} {loading:>9.1?}  {:>5.2} x plain parsing", loading.as_secs_f64() / parsing.as_secs_f64());
        let Ok(loaded) = load(&tree, &zones, &Limits::default(), now) else { continue };
        println!("{:<44} {:>9.1?}", "  a lint over the year ahead", median(|| drop(black_box(lint(&loaded, now)))));
        let (targets, board) = (loaded.schedules.exact_targets(), Board::new(loaded.schedules.into(), now));
        let members = || targets.iter().for_each(|target| drop(black_box(board.members(target))));
        println!("{:<44} {:>9.1?}", "  the members of each target", median(members));
    }
    println!("{:<44} {:>9}", "peak of resident memory", peak());
}

/// So many schedules of so many targets with three windows each.
fn many(schedules: usize, targets: usize, zone: &str) -> String {
    let mut text = String::new();
    for schedule in 0..schedules {
        write!(text, "---\napiVersion: baseload/v1\nkind: ScalingSchedule\nmetadata: {{ name: s{schedule} }}\nspec:\n  targets:\n")
            .expect("a string takes every write");
        for target in 0..targets {
            writeln!(text, "    - {{ cluster: shop, service: service-{schedule}-{target} }}").expect("as above");
        }
        writeln!(text, "  timezone: {zone}\n{REST}").expect("as above");
    }
    text
}

const REST: &str = "  leadTime: 5m
  default: { min: 3 }
  windows:
    - { name: night, from: \"00:30\", to: \"09:00\", min: 1 }
    - { name: friday, days: [fri], from: \"14:00\", to: \"00:30\", min: 6 }
    - { name: lunch, days: [mon-fri], cron: \"45 11 * * *\", duration: 2h, min: 4 }";

fn tree(texts: &[String]) -> Tree {
    let files = texts.iter().enumerate();
    Tree { files: files.map(|(index, text)| (format!("{index}.yaml").into(), text.clone().into_bytes())).collect() }
}

fn parse(tree: &Tree) {
    for bytes in tree.files.values() {
        let text = std::str::from_utf8(bytes).expect("the text was made above");
        black_box(Parser::new_from_str(text).filter(Result::is_ok).count());
    }
}

#[expect(clippy::disallowed_methods, reason = "a bench measures elapsed time")]
fn median(mut work: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        })
        .collect();
    times.sort();
    times[ROUNDS / 2]
}

/// As Linux counts it, this bench's own texts included.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or_else(|| "unknown".to_owned(), |line| line.trim().to_owned())
}
