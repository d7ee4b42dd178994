//! A schedule file, whatever its bytes, is refused with printable findings or keeps what a timetable promises.

#![no_main]

use std::sync::LazyLock;

use baseload_core::diagnostic::{self, Colour};
use baseload_core::model::Span;
use baseload_core::spec::{self, Limits, Loaded, Tree};
use baseload_core::timetable::Zones;
use jiff::{SignedDuration, Timestamp};
use libfuzzer_sys::fuzz_target;

static ZONES: LazyLock<Zones> = LazyLock::new(Zones::embedded);

/// A week in which Brussels' clocks go back.
const FROM: i64 = 1_792_713_600; // 2026-10-23T00:00:00Z

/// More rows say nothing new, and each costs time.
const ROWS: usize = 3;

fuzz_target!(|content: &[u8]| {
    let tree = Tree { files: [("a.yaml".into(), content.to_vec())].into() };
    let now = Timestamp::from_second(FROM).expect("an instant of our time");
    let found = match spec::load(&tree, &ZONES, &Limits::default(), now) {
        Ok(loaded) => {
            check(&loaded, now);
            [loaded.warnings.clone(), spec::lint(&loaded, now)].concat()
        }
        Err(found) => {
            assert!(!found.is_empty(), "a refusal without a reason");
            found
        }
    };
    diagnostic::text(&found, &tree.files, Colour::Ansi);
    diagnostic::github(&found, &tree.files);
    diagnostic::rows(&found, &tree.files);
});

/// Segments are maximal, in order and without holes, and say what is decided at their first instant.
fn check(loaded: &Loaded, from: Timestamp) {
    let span = Span { from, to: from + SignedDuration::from_hours(7 * 24) };
    for row in loaded.schedules.rows().iter().take(ROWS) {
        let segments = loaded.schedules.segments_of_row(row, span);
        assert_eq!(segments.first().map(|first| first.span.from), Some(span.from));
        assert_eq!(segments.last().map(|last| last.span.to), Some(span.to));
        for pair in segments.windows(2) {
            assert_eq!(pair[0].span.to, pair[1].span.from);
            assert_ne!(pair[0].decision, pair[1].decision);
        }
        let Some(target) = row.exact() else { continue };
        for segment in &segments {
            assert_eq!(loaded.schedules.decide(&target, segment.span.from).decision, segment.decision);
        }
    }
}
