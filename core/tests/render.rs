//! What `preview` and `explain` print, word for word. `UPDATE_GOLDEN=1` writes the files anew: read the difference.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::path::Path;

use baseload_core::diagnostic::Colour;
use baseload_core::model::{Floor, Pattern, Site, Span, TargetId, TargetPattern};
use baseload_core::render::{Preview, explain, text};
use baseload_core::timetable::{DateFilter, Override, Recurrence, Schedule, Schedules, Window, Zones};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// Also holds the text to the width of a terminal.
fn assert_golden(name: &str, found: &str) {
    assert_eq!(found.lines().find(|line| line.chars().count() > 80), None, "{name}");
    assert_golden_document(name, found);
}

fn assert_golden_document(name: &str, found: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, found).unwrap();
    }
    let expected = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(found, expected, "{}", file.display());
}

fn zone(name: &str) -> TimeZone {
    Zones::embedded().get(name).unwrap()
}

fn floor(min: u32) -> Floor {
    Floor { min, max: None }
}

fn range(min: u32, max: u32) -> Floor {
    Floor { min, max: Some(max) }
}

const EVERY_DAY: u8 = 0x7f;
const FRIDAY: u8 = 1 << 4;

/// A window between two hours of the day, given in minutes.
fn window(name: &str, weekdays: u8, (from, to): (u16, u16), floor: Floor) -> Window {
    let dates = DateFilter { weekdays, on: None, except: vec![], valid_from: None, valid_until: None };
    Window { name: name.into(), recurrence: Recurrence::Daily { from, to }, dates, floor }
}

fn target(text: &str) -> TargetPattern {
    let (cluster, service) = text.split_once('/').unwrap();
    TargetPattern { site: Site::HOME, cluster: Pattern::new(cluster), service: Pattern::new(service) }
}

fn schedule(name: &str, targets: &[&str], default: Option<Floor>, windows: Vec<Window>) -> Schedule {
    Schedule {
        name: name.into(),
        targets: targets.iter().map(|text| target(text)).collect(),
        zone: zone("Europe/Brussels"),
        lead_time: SignedDuration::ZERO,
        priority: 0,
        suspend: false,
        defer_during_deployment: SignedDuration::ZERO,
        default,
        windows,
        overrides: vec![],
    }
}

/// Night 1, day 3, Friday afternoon 6, with five minutes of lead time.
fn web(targets: &[&str]) -> Schedule {
    let night = window("night", EVERY_DAY, (30, 9 * 60), floor(1));
    let friday = window("friday", FRIDAY, (14 * 60, 30), floor(6));
    let lead_time = SignedDuration::from_mins(5);
    Schedule { lead_time, ..schedule("web", targets, Some(floor(3)), vec![night, friday]) }
}

fn black_friday() -> Schedule {
    let at = |text: &str| text.parse::<DateTime>().unwrap();
    let (from, to) = (at("2026-11-27T06:00"), at("2026-11-28T02:00"));
    let overrides = vec![Override { name: "black-friday".into(), from, to, floor: floor(12) }];
    Schedule { priority: 10, overrides, ..schedule("sale", &["shop/*"], None, vec![]) }
}

fn span(from: &str, to: &str) -> Span {
    Span { from: from.parse().unwrap(), to: to.parse().unwrap() }
}

fn preview(schedules: Vec<Schedule>, span: Span) -> String {
    let schedules = Schedules::new(schedules);
    let preview = Preview::of(&schedules, span, "2026e");
    text::preview(&preview, &preview.zone(&schedules), Colour::Never)
}

fn explanation(schedules: Vec<Schedule>, at: &str) -> String {
    let at: Timestamp = at.parse().unwrap();
    explain::text(&Schedules::new(schedules).explain(&TargetId::new("shop", "www"), at), "2026e")
}

#[test]
fn json_has_the_documented_shape() {
    let schedules = Schedules::new(vec![web(&["shop/www"]), black_friday()]);
    let preview = Preview::of(&schedules, span("2026-11-27T00:00:00Z", "2026-11-29T00:00:00Z"), "2026e");
    assert_golden("preview.json", &preview.to_json());
}

#[test]
fn a_week_is_a_strip_for_each_day() {
    let week = span("2026-11-22T23:00:00Z", "2026-11-29T23:00:00Z");
    assert_golden("preview-week.txt", &preview(vec![web(&["shop/www"]), black_friday()], week));
}

#[test]
fn targets_alike_share_a_block() {
    let names: Vec<String> = (1..=3000).map(|number| format!("shop/api-{number:04}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let off = window("off", EVERY_DAY, (20 * 60, 7 * 60), range(0, 0));
    let dev = schedule("dev", &["dev/*"], Some(range(1, 4)), vec![off]);
    let days = span("2026-11-23T09:20:00Z", "2026-11-25T09:20:00Z");
    assert_golden("preview-groups.txt", &preview(vec![web(&names), dev], days));
}

#[test]
fn days_on_which_the_clock_changes_say_so() {
    let spring = span("2026-03-27T23:00:00Z", "2026-03-30T22:00:00Z");
    assert_golden("preview-spring.txt", &preview(vec![web(&["shop/www"])], spring));
    let early = window("early", EVERY_DAY, (60, 2 * 60 + 30), floor(2));
    let autumn = span("2026-10-23T22:00:00Z", "2026-10-26T23:00:00Z");
    assert_golden(
        "preview-autumn.txt",
        &preview(vec![schedule("web", &["shop/www"], Some(floor(1)), vec![early])], autumn),
    );
}

#[test]
fn more_than_two_weeks_are_a_list() {
    let weeks = span("2026-11-20T00:00:00Z", "2026-12-06T00:00:00Z");
    assert_golden("preview-list.txt", &preview(vec![web(&["shop/www"])], weeks));
}

#[test]
fn without_schedules_there_is_nothing_to_show() {
    assert_golden("preview-empty.txt", &preview(vec![], span("2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z")));
}

/// Day, night, Friday and Black Friday, on the three days around it.
fn around_black_friday() -> (Schedules, Preview) {
    let schedules = Schedules::new(vec![web(&["shop/www"]), black_friday()]);
    let preview = Preview::of(&schedules, span("2026-11-25T23:00:00Z", "2026-11-28T23:00:00Z"), "2026e");
    (schedules, preview)
}

#[test]
fn a_picture_reads_by_itself() {
    let (schedules, preview) = around_black_friday();
    assert_golden_document("preview.svg", &preview.to_svg(&preview.zone(&schedules)));
}

#[test]
fn a_page_holds_the_picture_its_legend_and_every_change() {
    let (schedules, preview) = around_black_friday();
    assert_golden_document("preview.html", &preview.to_html(&preview.zone(&schedules)));
}

#[test]
fn markdown_holds_strips_and_changes_to_open() {
    let (schedules, preview) = around_black_friday();
    assert_golden_document("preview.md", &preview.to_markdown(&preview.zone(&schedules)));
}

#[test]
fn markdown_for_very_many_timetables_fits_one_comment() {
    let lone =
        |number: u32| schedule(&format!("s-{number}"), &[&format!("shop/{number}")], Some(floor(number)), vec![]);
    let schedules = Schedules::new((0..1000).map(lone).collect());
    let week = span("2026-11-22T23:00:00Z", "2026-11-29T23:00:00Z");
    let markdown = Preview::of(&schedules, week, "2026e").to_markdown(&TimeZone::UTC);
    assert!(markdown.len() < 65_536 && markdown.contains("more timetables"), "{} bytes", markdown.len());
}

#[test]
fn a_calendar_has_an_event_for_each_stretch_off_the_default() {
    let (schedules, preview) = around_black_friday();
    assert_golden_document("preview.ics", &preview.to_ics(&schedules));
}

#[test]
fn an_event_is_the_same_whichever_rendering_holds_it() {
    let schedules = Schedules::new(vec![web(&["shop/www"])]);
    let event = |from: &str, to: &str| {
        let calendar = Preview::of(&schedules, span(from, to), "2026e").to_ics(&schedules);
        let uid = calendar.find("BEGIN:VEVENT\r\nUID:20261127T125500Z/").expect("Friday afternoon is in it");
        calendar[uid..].split_once("END:VEVENT").unwrap().0.to_owned()
    };
    let whole = event("2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z");
    assert!(whole.contains("DTEND:20261127T233000Z"));
    assert_eq!(event("2026-11-27T15:00:00Z", "2026-11-30T00:00:00Z"), whole);
    assert_eq!(event("2026-11-20T00:00:00Z", "2026-11-27T15:00:00Z"), whole);
}

/// Names that a checked source could not hold: whoever writes them out must not rely on that.
fn hostile() -> (Schedules, Preview) {
    let name = "a\"'</title><script>alert(1)</script>\u{1b}[31m\n`|";
    let schedules = Schedules::new(vec![schedule(name, &[&format!("shop/{name}")], Some(floor(1)), vec![])]);
    let day = span("2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z");
    let preview = Preview::of(&schedules, day, "2026e");
    (schedules, preview)
}

#[test]
fn f65_markup_in_names_stays_text_in_every_document() {
    let (schedules, preview) = hostile();
    let zone = preview.zone(&schedules);
    for document in [preview.to_svg(&zone), preview.to_html(&zone)] {
        assert!(!document.contains("<script") && !document.contains('\u{1b}'), "{document}");
        assert!(document.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    }
    let others = preview.to_markdown(&zone) + &preview.to_ics(&schedules);
    assert!(!others.contains('\u{1b}') && !others.contains("31m\n"), "{others}");
}

#[test]
fn pictures_show_what_the_clock_skips_and_of_what_comes_twice_the_higher_floor() {
    let early = window("early", EVERY_DAY, (60, 2 * 60 + 30), floor(2));
    let schedules = Schedules::new(vec![schedule("web", &["shop/www"], Some(floor(1)), vec![early])]);
    let zone = zone("Europe/Brussels");
    let picture = |from: &str, to: &str| {
        let preview = Preview::of(&schedules, span(from, to), "2026e");
        preview.to_svg(&zone)
    };
    let spring = picture("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z");
    assert!(spring.contains(r#"<rect class="tt-skip" x="152""#) && spring.contains(">23h<"), "{spring}");
    let autumn = picture("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z");
    // From 01:00 to 03:00: the second 02:30 ends the window, and covers what the first hour showed.
    assert!(autumn.contains(r#"<rect class="tt-area" x="122" y="30" width="59""#), "{autumn}");
    assert!(autumn.contains(">25h<"));
}

#[test]
fn colour_changes_nothing_but_the_colour() {
    let schedules = Schedules::new(vec![web(&["shop/www"]), black_friday()]);
    let preview = Preview::of(&schedules, span("2026-11-27T00:00:00Z", "2026-11-29T00:00:00Z"), "2026e");
    let zone = preview.zone(&schedules);
    let coloured = text::preview(&preview, &zone, Colour::Ansi);
    let mut pieces = coloured.split('\u{1b}');
    let mut stripped = pieces.next().unwrap().to_owned();
    pieces.for_each(|piece| stripped.push_str(piece.split_once('m').unwrap().1));
    assert_eq!(stripped, text::preview(&preview, &zone, Colour::Never));
}

#[test]
fn a_rise_taken_early_is_explained() {
    assert_golden("explain-early.txt", &explanation(vec![web(&["shop/www"])], "2026-11-23T07:57:00Z"));
}

#[test]
fn schedules_that_compete_are_explained() {
    let suspended = Schedule { suspend: true, ..schedule("old", &["shop/w?w"], Some(floor(9)), vec![]) };
    let bounded = schedule("bounded", &["*/www"], Some(range(1, 8)), vec![]);
    let all = vec![web(&["shop/www"]), black_friday(), suspended, bounded];
    assert_golden("explain-contest.txt", &explanation(all, "2026-11-27T23:10:00Z"));
}

#[test]
fn what_is_set_aside_within_a_schedule_says_for_what() {
    let day = |name, min| window(name, EVERY_DAY, (8 * 60, 18 * 60), floor(min));
    let windows = vec![day("low", 2), day("first", 4), day("second", 4)];
    let text = explanation(vec![schedule("web", &["shop/www"], None, windows)], "2026-11-23T12:00:00Z");
    for line in [
        "window first is active, at least 4 tasks: it applies",
        "window second is active, at least 4 tasks: set aside, another with the same floor is declared first",
        "window low is active, at least 2 tasks: set aside, another asks for more",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
}

/// Two windows of one floor, a pause that the lead time bridges: every boundary might be a change, and none is.
#[test]
fn a_floor_that_stays_beneath_thousands_of_boundaries_is_explained_as_far_as_it_was_followed() {
    let early = window("early", EVERY_DAY, (15 * 60 + 30, 14 * 60), floor(4));
    let late = window("late", EVERY_DAY, (8 * 60 + 30, 14 * 60), floor(4));
    let steady = Schedule {
        lead_time: SignedDuration::from_hours(24),
        ..schedule("steady", &["shop/www"], Some(floor(1)), vec![early, late])
    };
    let text = explanation(vec![steady], "2026-11-23T07:57:00Z");
    assert!(text.contains("\nThis stays so until ") && text.contains(" at least.\n"), "{text}");
    assert!(!text.contains("Next change"), "{text}");
}

#[test]
fn a_target_that_nobody_names_is_explained() {
    assert_golden("explain-nobody.txt", &explanation(vec![web(&["shop/api"])], "2026-11-23T07:57:00Z"));
}

#[test]
fn a_target_that_overlays_leave_alone_is_explained() {
    assert_golden("explain-left-alone.txt", &explanation(vec![black_friday()], "2026-11-23T07:57:00Z"));
}
