//! Mistakes that other schedulers shipped, by their case ids: the answers are written here by hand.

use chrono::{NaiveDate, Weekday};
use chrono_tz::Tz;

use crate::compare::{compare, instant, runs, text};
use crate::oracle::{Cause, lists, verdicts};
use crate::source::{Calendar, Cron, Schedule, Source, Window};
use crate::zones::minute_of;

/// Asserts that the answers for `shop/www` are these until `to`, each from its instant on: the oracle's and the product's.
fn assert_answers(source: &Source, answers: &[(&str, u32)], to: &str) {
    let from = minute_of(answers.first().expect("there is an answer").0);
    let span = from..minute_of(to);
    let verdicts = verdicts(source, span.clone(), |s| lists(s, "shop", "www"));
    let floors = runs(&verdicts, from).into_iter().map(|(at, _, verdict)| (at, verdict.expect("it is not an overlay")));
    let said: Vec<_> = floors.map(|(at, verdict)| (instant(at), verdict.floor.min)).collect();
    let expected: Vec<_> = answers.iter().map(|(at, min)| (instant(minute_of(at)), *min)).collect();
    assert_eq!(said, expected, "the oracle on\n{}", text(source));
    compare(source, span, 1).unwrap_or_else(|failure| panic!("{}\n{failure}", text(source)));
}

/// One schedule with a default and these windows.
fn source(zone: Tz, default: u32, windows: Vec<Window>) -> Source {
    Source::of(vec![Schedule::new(zone, default, windows)])
}

const fn at(hour: u32, minute: u32) -> u32 {
    hour * 60 + minute
}

#[test]
fn g1_a_window_whose_end_is_skipped_lasts_until_the_jump() {
    let night = || vec![Window::clock("night", at(20, 0), at(2, 30), 6)];
    assert_answers(
        &source(Tz::Europe__Berlin, 1, night()),
        &[
            ("2026-03-28T12:00+01:00", 1),
            ("2026-03-28T20:00+01:00", 6),
            ("2026-03-29T03:00+02:00", 1),
            ("2026-03-29T20:00+02:00", 6),
        ],
        "2026-03-29T23:00+02:00",
    );
    assert_answers(
        &source(Tz::America__New_York, 1, night()),
        &[("2026-03-07T12:00-05:00", 1), ("2026-03-07T20:00-05:00", 6), ("2026-03-08T03:00-04:00", 1)],
        "2026-03-08T20:00-04:00",
    );
}

#[test]
fn g2_a_window_whose_start_is_skipped_begins_with_the_jump() {
    assert_answers(
        &source(Tz::America__New_York, 1, vec![Window::clock("w", at(2, 30), at(8, 0), 6)]),
        &[
            ("2026-03-07T12:00-05:00", 1),
            ("2026-03-08T03:00-04:00", 6),
            ("2026-03-08T08:00-04:00", 1),
            ("2026-03-09T02:30-04:00", 6),
        ],
        "2026-03-09T08:00-04:00",
    );
}

#[test]
fn g3_a_window_in_the_repeated_hour_runs_once() {
    assert_answers(
        &source(Tz::America__New_York, 1, vec![Window::clock("w", at(1, 15), at(1, 45), 6)]),
        &[("2026-11-01T00:00-04:00", 1), ("2026-11-01T01:15-04:00", 6), ("2026-11-01T01:45-05:00", 1)],
        "2026-11-01T12:00-05:00",
    );
    assert_answers(
        &source(Tz::America__New_York, 1, vec![Window::cron("w", Cron::daily(1, 15), 30, 6)]),
        &[("2026-11-01T00:00-04:00", 1), ("2026-11-01T01:15-04:00", 6), ("2026-11-01T01:45-04:00", 1)],
        "2026-11-01T12:00-05:00",
    );
}

#[test]
fn g4_working_days_leave_the_weekend_alone() {
    let window = Window::clock("work", at(6, 30), at(22, 10), 3).on_days(Weekday::Mon, Weekday::Fri);
    assert_answers(
        &source(Tz::Europe__Prague, 0, vec![window]),
        &[("2026-06-05T12:00+02:00", 3), ("2026-06-05T22:10+02:00", 0), ("2026-06-08T06:30+02:00", 3)],
        "2026-06-08T12:00+02:00",
    );
}

#[test]
fn g5_an_overnight_window_goes_on_after_midnight() {
    let window = Window::clock("friday", at(22, 0), at(2, 0), 6).on_days(Weekday::Fri, Weekday::Fri);
    assert_answers(
        &source(Tz::Europe__Berlin, 1, vec![window]),
        &[("2026-06-05T01:00+02:00", 1), ("2026-06-05T22:00+02:00", 6), ("2026-06-06T02:00+02:00", 1)],
        "2026-06-07T00:00+02:00",
    );
}

#[test]
fn g6_a_night_belongs_to_the_day_on_which_it_starts() {
    let night = |first, last| {
        let window = Window::clock("night", at(22, 0), at(6, 0), 6).on_days(first, last);
        source(Tz::Europe__Berlin, 1, vec![window])
    };
    let friday_night = [("2026-06-05T12:00+02:00", 1), ("2026-06-05T22:00+02:00", 6), ("2026-06-06T06:00+02:00", 1)];
    let monday_night = [("2026-06-08T22:00+02:00", 6), ("2026-06-09T06:00+02:00", 1)];
    assert_answers(
        &night(Weekday::Mon, Weekday::Fri),
        &[&friday_night[..], &monday_night[..]].concat(),
        "2026-06-09T12:00+02:00",
    );
    let weekend = [
        ("2026-06-06T22:00+02:00", 6),
        ("2026-06-07T06:00+02:00", 1),
        ("2026-06-07T22:00+02:00", 6),
        ("2026-06-08T06:00+02:00", 1),
    ];
    assert_answers(
        &night(Weekday::Fri, Weekday::Mon),
        &[&friday_night[..], &weekend[..], &monday_night[..]].concat(),
        "2026-06-10T00:00+02:00",
    );
    assert_answers(
        &night(Weekday::Sun, Weekday::Fri),
        &[&friday_night[..], &weekend[2..], &monday_night[..]].concat(),
        "2026-06-09T12:00+02:00",
    );
}

#[test]
fn g7_the_weekday_is_that_of_the_schedules_zone() {
    let window = Window::clock("work", at(6, 30), at(19, 30), 3).on_days(Weekday::Mon, Weekday::Fri);
    let nights = ["08", "09", "10", "11"].map(|day| (format!("2026-06-{day}T07:30Z"), format!("2026-06-{day}T18:30Z")));
    let mut answers = vec![("2026-06-07T00:00Z", 0), ("2026-06-07T18:30Z", 3)];
    answers.extend(nights.iter().flat_map(|(off, on)| [(off.as_str(), 0), (on.as_str(), 3)]));
    answers.push(("2026-06-12T07:30Z", 0));
    assert_answers(&source(Tz::Pacific__Auckland, 0, vec![window]), &answers, "2026-06-14T18:30Z");
}

#[test]
fn g17_a_holiday_is_a_local_day_and_leaves_the_night_before_it_whole() {
    let all_day = Window { on: vec!["holidays".to_owned()], ..Window::clock("holiday", 0, 1440, 2) };
    let night = Window { except: vec!["holidays".to_owned()], ..Window::clock("night", at(22, 0), at(6, 0), 6) };
    let mut source = source(Tz::Europe__Berlin, 1, vec![all_day, night]);
    let dates = NaiveDate::from_ymd_opt(2026, 11, 15).into_iter().collect();
    source.calendars.push(Calendar { name: "holidays".to_owned(), dates, events: Vec::new() });
    assert_answers(
        &source,
        &[
            ("2026-11-14T12:00+01:00", 1),
            ("2026-11-14T22:00+01:00", 6),
            ("2026-11-15T06:00+01:00", 2),
            ("2026-11-16T00:00+01:00", 1),
            ("2026-11-16T22:00+01:00", 6),
        ],
        "2026-11-17T06:00+01:00",
    );
}

#[test]
fn g20_a_weekly_window_keeps_its_wall_clock_through_the_year() {
    let window = Window::clock("tea", at(17, 0), at(18, 0), 6).on_days(Weekday::Fri, Weekday::Fri);
    let source = source(Tz::America__New_York, 1, vec![window]);
    let (from, to) = (minute_of("2026-01-01T00:00-05:00"), minute_of("2027-01-01T00:00-05:00"));
    let verdicts = verdicts(&source, from..to, |_| true);
    let on = runs(&verdicts, from).into_iter().filter(|(_, _, v)| v.is_some_and(|v| v.cause == Cause::Window("tea")));
    let utc_hours: Vec<_> = on.map(|(at, _, _)| (at.rem_euclid(1440) / 60, at)).collect();
    assert_eq!(utc_hours.len(), 52);
    for (hour, at) in utc_hours {
        let summer = minute_of("2026-03-08T07:00Z")..minute_of("2026-11-01T06:00Z");
        assert_eq!(hour, if summer.contains(&at) { 21 } else { 22 }, "{}", instant(at));
    }
    compare(&source, from..to, 1440).unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn g25_a_lead_reaches_back_over_midnight_into_another_weekday() {
    let window = Window::clock("saturday", at(0, 5), at(12, 0), 6).on_days(Weekday::Sat, Weekday::Sat);
    let mut source = source(Tz::Europe__Berlin, 1, vec![window]);
    source.schedules[0].lead = 10;
    assert_answers(
        &source,
        &[("2026-06-05T12:00+02:00", 1), ("2026-06-05T23:55+02:00", 6), ("2026-06-06T12:00+02:00", 1)],
        "2026-06-07T00:00+02:00",
    );
}

#[test]
fn a_floor_that_a_long_lead_never_lets_fall_holds_for_ever() {
    let mut source = source(Tz::America__Moncton, 2, vec![Window::clock("w", at(4, 0), at(1, 30), 0)]);
    source.schedules[0].lead = 1440;
    assert_answers(&source, &[("2007-03-12T00:00Z", 2)], "2007-03-12T12:00Z");
}
