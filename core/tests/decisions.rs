//! What every version has decided, for a fixed set of schedules and stretches of time: a release that changes a floor
//! changes a file here, and so cannot do it unnoticed.
//!
//! The files are named after the version that first decided so, and stay. A decision that is to differ gets a new file in
//! a commit that says why. The stretches are past, so that new zone rules do not move them.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::fmt::Write;
use std::path::Path;

use baseload_core::model::{Span, TargetId};
use baseload_core::spec::{self, Limits, Tree};
use baseload_core::timetable::{Schedules, Segment, Zones};
use jiff::Timestamp;

/// Clock changes of both kinds in both hemispheres, a leap day, the end of a year.
const STRETCHES: [(&str, &str); 6] = [
    ("2024-02-27T00:00:00Z", "2024-03-02T00:00:00Z"),
    ("2024-03-08T00:00:00Z", "2024-03-12T00:00:00Z"),
    ("2024-03-29T00:00:00Z", "2024-04-08T00:00:00Z"),
    ("2024-10-03T00:00:00Z", "2024-10-08T00:00:00Z"),
    ("2024-10-25T00:00:00Z", "2024-11-05T00:00:00Z"),
    ("2024-12-23T00:00:00Z", "2025-01-03T00:00:00Z"),
];

fn schedules() -> Schedules {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/decisions.yaml");
    let mut tree = Tree::default();
    tree.files.insert("decisions.yaml".into(), std::fs::read(file).unwrap());
    let now: Timestamp = "2024-01-01T00:00:00Z".parse().unwrap();
    spec::load(&tree, &Zones::embedded(), &Limits::default(), now).unwrap().schedules
}

fn line(segment: &Segment) -> String {
    let Span { from, to } = segment.span;
    let Some(decision) = &segment.decision else { return format!("  {from} {to} left alone") };
    let max = decision.floor.max.map_or_else(String::new, |max| format!("..{max}"));
    format!("  {from} {to} {}{max} {} {}", decision.floor.min, decision.schedule, decision.cause)
}

fn decisions() -> String {
    let schedules = schedules();
    let mut text = String::new();
    let by_glob = TargetId::new("shop", "api-orders");
    for target in schedules.exact_targets().into_iter().chain([by_glob]) {
        writeln!(text, "{target}").unwrap();
        for (from, to) in STRETCHES {
            let span = Span { from: from.parse().unwrap(), to: to.parse().unwrap() };
            schedules.segments(&target, span).iter().for_each(|segment| writeln!(text, "{}", line(segment)).unwrap());
        }
    }
    text
}

#[test]
fn no_release_changes_a_floor_unnoticed() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/decisions-0.1.txt");
    let found = decisions();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, &found).unwrap();
    }
    assert_eq!(found, std::fs::read_to_string(&file).unwrap_or_default(), "{}", file.display());
}
