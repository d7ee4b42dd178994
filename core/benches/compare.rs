//! How long it takes to compare two revisions over four weeks, and to judge one by the shrink guard, in milliseconds.
//!
//! `cargo bench -p baseload-core --bench compare`
#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a bench reads the clock and prints")]

use std::fmt::Write;
use std::hint::black_box;
use std::time::Instant;

use baseload_core::model::Span;
use baseload_core::spec::{Limits, Tree, load};
use baseload_core::timetable::{Schedules, Zones};
use baseload_core::{compare, guard};
use jiff::Timestamp;

const TARGETS: usize = 3_000;

/// `schedules` of them share the targets; the night ends at `night_ends`.
fn revision(schedules: usize, night_ends: &str, now: Timestamp) -> Schedules {
    let mut text = String::new();
    for schedule in 0..schedules {
        write!(
            text,
            "---\napiVersion: baseload/v1\nkind: ScalingSchedule\nmetadata: {{ name: s{schedule} }}\nspec:\n  \
             timezone: Europe/Brussels\n  leadTime: 5m\n  default: {{ min: 3 }}\n  windows:\n  \
             - {{ name: night, from: 00:30, to: {night_ends}, min: 1 }}\n  \
             - {{ name: friday, days: [fri], from: 14:00, to: 00:30, min: 6 }}\n  targets:\n"
        )
        .expect("a String takes everything");
        for target in (0..TARGETS).filter(|target| target % schedules == schedule) {
            writeln!(text, "  - {{ cluster: shop, service: service-{target} }}").expect("a String takes everything");
        }
    }
    let tree = Tree { files: [("a.yaml".into(), text.into_bytes())].into() };
    load(&tree, &Zones::embedded(), &Limits::default(), now).expect("a good source").schedules
}

fn main() {
    let now: Timestamp = "2026-11-21T00:00:00Z".parse().expect("an instant");
    let span = Span { from: now, to: "2026-12-19T00:00:00Z".parse().expect("an instant") };
    for schedules in [1, 300, 3_000] {
        let (old, new) = (revision(schedules, "09:00", now), revision(schedules, "07:30", now));
        let start = Instant::now();
        black_box(compare::compare(&old, &new, span));
        let compared = start.elapsed();
        let start = Instant::now();
        black_box(guard::judge(&old, &new, now, 50));
        let judged = start.elapsed();
        println!(
            "{TARGETS} targets in {schedules} schedules: compare {:.1} ms, guard {:.1} ms",
            compared.as_secs_f64() * 1e3,
            judged.as_secs_f64() * 1e3
        );
    }
}
