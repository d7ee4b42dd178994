use std::sync::LazyLock;

use super::*;
use crate::diagnostic::{Colour, Files, rows, text};
use crate::spec::{Limits, Tree, load};
use crate::timetable::Zones;

static ZONES: LazyLock<Zones> = LazyLock::new(Zones::embedded);

fn now() -> Timestamp {
    "2026-11-21T00:00:00Z".parse().expect("an instant")
}

/// A schedule `NAME` for `shop/SERVICE` in Brussels, by the lines of its spec after that.
fn schedule(name: &str, service: &str, rest: &[&str]) -> String {
    let mut text = format!(
        "apiVersion: baseload/v1\nkind: ScalingSchedule\nmetadata: {{ name: {name} }}\nspec:\n  \
         targets: [{{ cluster: shop, service: \"{service}\" }}]\n  timezone: Europe/Brussels\n"
    );
    rest.iter().for_each(|line| text += &format!("  {line}\n"));
    text
}

/// `CODE LINE: MESSAGE` of each finding.
fn findings(documents: &[String]) -> Vec<String> {
    let tree = Tree { files: Files::from([("a.yaml".into(), documents.join("---\n").into_bytes())]) };
    let loaded = load(&tree, &ZONES, &Limits::default(), now());
    let loaded = loaded.unwrap_or_else(|found| panic!("{}", text(&found, &tree.files, Colour::Never)));
    let found = lint(&loaded, now());
    let rows = rows(&found, &tree.files).into_iter();
    rows.map(|row| format!("{} {}: {}", row.code, row.line.unwrap_or(0), row.message)).collect()
}

fn codes(documents: &[String]) -> Vec<String> {
    let codes = findings(documents).into_iter().filter_map(|found| Some(found.split_once(':')?.0.to_owned()));
    codes.collect()
}

fn web(rest: &[&str]) -> Vec<String> {
    vec![schedule("web", "www", rest)]
}

#[test]
fn a_window_below_another_that_always_holds_never_wins() {
    let low = "- { name: low, from: 10:00, to: 11:00, min: 4 }";
    let high = "- { name: high, from: 09:00, to: 12:00, min: 5 }";
    let found = findings(&web(&["default: { min: 3 }", "windows:", low, high]));
    assert_eq!(found, ["never-wins 9: the window `low` never wins in the coming 366 days: another rule always holds"]);
    let only_on_sundays = "- { name: high, days: [sun], from: 09:00, to: 12:00, min: 5 }";
    assert!(codes(&web(&["default: { min: 3 }", "windows:", low, only_on_sundays])).is_empty());
}

#[test]
fn a_window_that_wins_on_one_day_of_the_year_is_left_in_peace() {
    let low = "- { name: low, from: 10:00, to: 11:00, min: 4 }";
    let high = "- { name: high, from: 09:00, to: 12:00, min: 5, validUntil: 2027-11-20 }";
    assert!(codes(&web(&["default: { min: 3 }", "windows:", low, high])).is_empty());
}

#[test]
fn a_schedule_that_loses_everywhere_is_named_once() {
    let rest = ["default: { min: 3 }", "windows:", "- { name: day, from: 10:00, to: 11:00, min: 4 }"];
    let strong = schedule("strong", "*", &["default: { min: 1 }", "priority: 1"]);
    let found = findings(&[schedule("web", "www", &rest), strong.clone()]);
    assert_eq!(
        found,
        ["never-wins 3: the schedule `web` never wins in the coming 366 days: another rule always holds"]
    );
    assert_eq!(codes(&[schedule("web", "w*", &rest), strong]), ["never-wins 3"]);
}

#[test]
fn a_glob_may_match_services_that_no_other_schedule_names() {
    let glob = schedule("all", "api-*", &["default: { min: 1 }"]);
    let exact = schedule("one", "api-a", &["default: { min: 2 }", "priority: 1"]);
    let narrower = schedule("some", "api-??", &["default: { min: 2 }", "priority: 1"]);
    assert!(codes(&[glob, exact, narrower]).is_empty());
}

#[test]
fn a_default_that_has_to_be_there_is_no_mistake() {
    let always = "- { name: always, cron: \"0 0 * * *\", duration: 25h, min: 2 }";
    assert!(codes(&web(&["default: { min: 1 }", "windows:", always])).is_empty());
    let whole_day = "- { name: always, from: 00:00, to: 24:00, min: 2 }";
    assert_eq!(codes(&web(&["default: { min: 1 }", "windows:", whole_day])), ["never-wins 7"]);
}

#[test]
fn windows_and_overrides_whose_time_is_past_are_named() {
    let windows = ["- { name: sale, from: 08:00, to: 09:00, validUntil: 2026-11-19, min: 5 }"];
    let overrides = [
        "- { name: past, from: 2026-11-01T06:00, to: 2026-11-02T00:00, min: 9 }",
        "- { name: coming, from: 2027-12-01T06:00, to: 2027-12-02T00:00, min: 9 }",
    ];
    let rest = [&["default: { min: 3 }", "windows:"], &windows[..], &["overrides:"], &overrides[..]].concat();
    assert_eq!(
        findings(&web(&rest)),
        [
            "never-occurs 9: the window `sale` does not occur in the coming 366 days",
            "override-over 11: the override `past` is over: it ended on 2026-11-02 at 00:00"
        ]
    );
}

#[test]
fn edges_inside_a_clock_change_say_when_and_what_happens() {
    let rest = [
        "default: { min: 3 }",
        "windows:",
        "- { name: a, from: 02:30, to: 04:00, min: 4 }",
        "- { name: b, days: [sat], from: 22:00, to: 02:00, min: 5 }",
        "- { name: c, days: [mon-sat], from: 02:30, to: 02:45, min: 6 }",
        "- { name: d, cron: \"15 2 * * sun\", duration: 1h, min: 7 }",
        "- { name: e, from: 03:00, to: 05:00, validUntil: 2027-01-31, min: 8 }",
    ];
    assert_eq!(
        findings(&web(&rest)),
        [
            "clock-change 9: on 2027-03-28 the clock skips 02:30: this starts as it jumps to 03:00",
            "clock-change 9: on 2027-10-31 the clock shows 02:30 twice: this starts at the first",
            "clock-change 10: on 2027-03-28 the clock skips 02:00: this ends as it jumps to 03:00",
            "clock-change 10: on 2027-10-31 the clock shows 02:00 twice: this ends at the second",
            "clock-change 12: on 2027-03-28 the clock skips 02:15: this starts as it jumps to 03:00",
            "clock-change 12: on 2027-10-31 the clock shows 02:15 twice: this starts at the first",
        ]
    );
}

#[test]
fn a_midnight_that_is_skipped_ends_the_day_before() {
    let whole_day = "- { name: a, days: [sat], from: 12:00, to: 24:00, min: 4 }";
    let documents = web(&["default: { min: 3 }", "windows:", whole_day]);
    let santiago = documents[0].replace("Europe/Brussels", "America/Santiago");
    let found = findings(&[santiago]);
    assert!(found.iter().any(|found| found.contains("the clock skips 00:00: this ends")), "{found:?}");
}

#[test]
fn a_floor_of_0_is_a_one_way_door_unless_the_service_is_switched_off() {
    assert_eq!(codes(&web(&["default: { min: 0 }"])), ["one-way-floor 7"]);
    assert_eq!(codes(&web(&["default: { min: 0, max: 4 }"])), ["one-way-floor 7"]);
    assert!(codes(&web(&["default: { min: 0, max: 0 }"])).is_empty());
}

#[test]
fn windows_a_minute_apart_are_named() {
    let night = "- { name: night, from: 00:30, to: 08:59, min: 1 }";
    let day = "- { name: day, days: [fri], from: 09:00, to: 17:00, min: 4 }";
    let rest = |night: &'static str, day: &'static str| web(&["default: { min: 3 }", "windows:", night, day]);
    assert_eq!(
        findings(&rest(night, day)),
        ["one-minute-gap 9: a minute is missing between this end and the start of `day`"]
    );
    let weekend = "- { name: night, days: [sat, sun], from: 00:30, to: 08:59, min: 1 }";
    assert!(codes(&rest(weekend, day)).is_empty());
    let all_day = "- { name: all, from: 00:00, to: 23:59, min: 4 }";
    assert_eq!(codes(&web(&["default: { min: 3 }", "windows:", all_day])), ["one-minute-gap 9"]);
}

#[test]
fn a_schedule_that_is_suspended_is_left_out() {
    assert!(codes(&web(&["suspend: true", "default: { min: 0 }"])).is_empty());
}
