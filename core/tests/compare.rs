//! How revisions are held against each other: `diff` as it is printed, word for word (`UPDATE_GOLDEN=1` writes the files
//! anew: read the difference), and the shrink guard, also against a walk through every minute.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

#[path = "compare/guard.rs"]
mod guard_tests;

use std::path::Path;

use baseload_core::compare::{BeforeAndAfter, Comparison, Effect, compare};
use baseload_core::guard;
use baseload_core::model::Span;
use baseload_core::render::diff::{Acknowledged, Diff, Guard};
use baseload_core::spec::{Limits, Tree, load};
use baseload_core::timetable::{Schedules, Zones};
use jiff::Timestamp;

const NOW: &str = "2026-11-21T00:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn weeks() -> Span {
    Span { from: at(NOW), to: at("2026-12-19T00:00:00Z") }
}

/// One schedule for each text: its name, its targets between blanks, and the rest of its spec.
fn schedules(parts: &[(&str, &str, &str)]) -> Schedules {
    let target = |target: &str| {
        let (cluster, service) = target.split_once('/').unwrap();
        format!("{{ cluster: \"{cluster}\", service: \"{service}\" }}")
    };
    let document = |(name, targets, spec): &(&str, &str, &str)| {
        let targets: Vec<String> = targets.split(' ').map(target).collect();
        format!(
            "---\napiVersion: baseload/v1\nkind: ScalingSchedule\nmetadata: {{ name: {name} }}\nspec:\n  \
             timezone: Europe/Brussels\n  targets: [{}]\n  {spec}\n",
            targets.join(", ")
        )
    };
    let text: String = parts.iter().map(document).collect();
    let tree = Tree { files: [("a.yaml".into(), text.clone().into_bytes())].into() };
    match load(&tree, &Zones::embedded(), &Limits::default(), at(NOW)) {
        Ok(loaded) => loaded.schedules,
        Err(found) => panic!("{found:?}\n{text}"),
    }
}

fn flat(min: u32) -> String {
    format!("default: {{ min: {min} }}")
}

fn effects(comparison: &Comparison) -> Vec<(String, Effect)> {
    comparison.rows.iter().map(|row| (row.target.to_string(), row.effect)).collect()
}

fn assert_golden(name: &str, found: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, found).unwrap();
    }
    let expected = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(found, expected, "{}", file.display());
}

const NIGHT_AND_FRIDAY: &str = "default: { min: 3 }\n  windows:\n  - { name: night, from: 00:30, to: 09:00, min: 1 }\n  \
                                - { name: friday, days: [fri], from: 14:00, to: 00:30, min: 6 }";

fn before() -> Schedules {
    schedules(&[
        ("web", "shop/www shop/api", NIGHT_AND_FRIDAY),
        ("batch", "shop/batch-a shop/batch-b shop/batch-c shop/batch-d", &flat(5)),
        ("jobs", "jobs/*", &flat(2)),
        ("sale", "shop/www", "default: none\n  suspend: true"),
    ])
}

fn after() -> Schedules {
    let night = NIGHT_AND_FRIDAY.replace("09:00", "07:30").replace("min: 6", "min: 8");
    schedules(&[
        ("web", "shop/www shop/api", &night),
        ("jobs-renamed", "jobs/*", &flat(2)),
        (
            "dev",
            "dev/www",
            "default: none\n  overrides: [{ name: demo, from: 2026-11-25T09:00, to: 2026-11-26T12:00, min: 1, max: 4 }]",
        ),
    ])
}

fn with_diff(old: &Schedules, new: &Schedules, acknowledged: Acknowledged, told: impl Fn(&Diff<'_>)) {
    let comparison = compare(old, new, weeks());
    let guard = Guard { percent: 50, held: guard::judge(old, new, at(NOW), 50), acknowledged };
    let (old_digest, new_digest) = ("0123456789abcdef".repeat(4), "f".repeat(64));
    told(&Diff {
        comparison: &comparison,
        schedules: BeforeAndAfter { before: old, after: new },
        revisions: BeforeAndAfter { before: &old_digest, after: &new_digest },
        guard,
        tzdb: "2026e",
    });
}

#[test]
fn the_difference_is_told_in_every_form() {
    with_diff(&before(), &after(), Acknowledged::No, |diff| {
        let text = diff.to_text();
        assert_eq!(text.lines().find(|line| line.chars().count() > 80), None);
        assert_golden("diff.txt", &text);
        assert_golden("diff.md", &diff.to_markdown());
    });
    let (old, new) = (schedules(&[("web", "a/b c/*", &flat(1))]), schedules(&[("web", "a/b", &flat(2))]));
    with_diff(&old, &new, Acknowledged::No, |diff| assert_golden("diff.json", &diff.to_json()));
}

#[test]
fn what_does_not_differ_is_said_in_a_line() {
    with_diff(&before(), &before(), Acknowledged::No, |diff| assert_golden("diff-none.txt", &diff.to_text()));
}

#[test]
fn an_acknowledgement_makes_it_pass_and_one_of_another_revision_does_not() {
    with_diff(&before(), &after(), Acknowledged::Yes, |diff| {
        assert!(!diff.guard.holds());
        assert!(!diff.to_markdown().contains("kind: Acknowledgement"));
        assert!(diff.to_text().contains("because it acknowledges"));
    });
    with_diff(&before(), &after(), Acknowledged::Another, |diff| {
        assert!(diff.guard.holds());
        assert!(diff.to_text().contains("names another"));
    });
}

#[test]
fn a_comment_stays_within_githubs_limit_whatever_differs() {
    let names: Vec<String> = (0..400).map(|number| format!("a-long-name-of-a-schedule-{number}")).collect();
    let targets: Vec<String> = (0..400).map(|number| format!("a-long-cluster/a-long-service-{number}")).collect();
    let all = |spec: &str| {
        let parts: Vec<_> =
            names.iter().zip(&targets).map(|(name, target)| (name.as_str(), target.as_str(), spec)).collect();
        schedules(&parts)
    };
    with_diff(&all(&flat(3)), &all(NIGHT_AND_FRIDAY), Acknowledged::No, |diff| {
        let markdown = diff.to_markdown();
        assert!(markdown.chars().count() < 65_536, "{}", markdown.len());
        assert!(markdown.contains("more groups of targets"));
    });
}

#[test]
fn an_exact_target_that_a_glob_takes_over_is_not_removed() {
    let (old, new) = (schedules(&[("a", "shop/www", &flat(3))]), schedules(&[("b", "shop/*", &flat(3))]));
    let there = compare(&old, &new, weeks());
    assert_eq!(effects(&there), [("shop/*".to_owned(), Effect::Added), ("shop/www".to_owned(), Effect::OtherCause)]);
    let back = compare(&new, &old, weeks());
    assert_eq!(effects(&back)[0], ("shop/*".to_owned(), Effect::Removed));
}

#[test]
fn suspending_and_resuming_are_neither_removing_nor_adding() {
    let on = schedules(&[("a", "shop/www", &flat(3)), ("b", "shop/api", &flat(1))]);
    let off = schedules(&[("a", "shop/www", &(flat(3) + "\n  suspend: true")), ("b", "shop/api", &flat(1))]);
    assert_eq!(effects(&compare(&on, &off, weeks()))[1].1, Effect::Suspended);
    assert_eq!(effects(&compare(&off, &on, weeks()))[1].1, Effect::Resumed);
    assert_eq!(effects(&compare(&off, &off, weeks()))[1].1, Effect::Unchanged);
}

#[test]
fn task_hours_are_exact_through_a_change_of_the_clock_and_count_nothing_where_a_target_is_left_alone() {
    let spring = Span { from: at("2027-03-27T23:00:00Z"), to: at("2027-03-28T22:00:00Z") };
    let night =
        schedules(&[("a", "shop/www", "default: none\n  windows: [{ name: n, from: 00:00, to: 06:00, min: 4 }]")]);
    let comparison = compare(&night, &night, spring);
    assert_eq!(comparison.total.before.task_hours(), 20.0, "the night has five hours");
    assert_eq!(comparison.total.before.left_alone_hours(), 18.0);
}

#[test]
fn changes_are_maximal_runs_of_one_pair_in_order() {
    let (old, new) = (schedules(&[("a", "shop/www", NIGHT_AND_FRIDAY)]), schedules(&[("a", "shop/www", &flat(3))]));
    let comparison = compare(&old, &new, weeks());
    let changes = &comparison.rows[0].changes;
    assert_eq!(changes.len(), 28 + 1 + 4, "each night, the first of them cut by the end, and four Fridays");
    for pair in changes.windows(2) {
        assert!(pair[0].span.to <= pair[1].span.from);
        assert_ne!((&pair[0].before, pair[0].span.to), (&pair[1].before, pair[1].span.from));
    }
}
