//! Where clocks jump in odd ways, and where a change lies far away or nowhere at all.

use super::samples::*;
use super::*;

fn day_window(zone: &str, times: &str) -> Schedules {
    schedule("s", zone, Some(floor(1))).with(daily("w", times, floor(6))).alone()
}

#[test]
fn a_date_that_begins_twice_has_its_windows_once() {
    // St John's fell back at 00:01 to 23:01 of the day before.
    let story = ["2010-11-07T00:00:00Z 1", "2010-11-07T02:20:00Z 6", "2010-11-07T04:30:00Z 1"];
    let late = day_window("America/St_Johns", "23:50-01:00");
    assert_eq!(late.story("2010-11-07T00:00:00Z", "2010-11-08T00:00:00Z"), story);
    let first = day_window("America/St_Johns", "00:00-01:00");
    let story = ["2010-11-07T00:00:00Z 1", "2010-11-07T02:30:00Z 6", "2010-11-07T04:30:00Z 1"];
    assert_eq!(first.story("2010-11-07T00:00:00Z", "2010-11-08T00:00:00Z"), story);
}

#[test]
fn a_date_that_is_skipped_has_no_windows() {
    // Apia went from 29 to 31 December 2011.
    let story =
        ["2011-12-29T12:00:00Z 1", "2011-12-29T20:00:00Z 6", "2011-12-30T06:00:00Z 1", "2011-12-30T20:00:00Z 6"];
    let apia = day_window("Pacific/Apia", "10:00-20:00");
    assert_eq!(apia.story("2011-12-29T12:00:00Z", "2011-12-31T00:00:00Z"), story);
}

#[test]
fn a_night_that_is_written_into_a_skipped_date_goes_over_into_the_next_ones() {
    // That of the 29th ends at the jump, where that of the 30th, moved there, starts.
    let story = ["2011-12-30T06:00:00Z 6", "2011-12-30T12:00:00Z 1", "2011-12-31T06:00:00Z 6"];
    let apia = day_window("Pacific/Apia", "20:00-02:00");
    assert_eq!(apia.story("2011-12-30T06:00:00Z", "2011-12-31T07:00:00Z"), story);
}

#[test]
fn a_jump_of_half_an_hour_is_met_at_its_instant() {
    // Lord Howe: 02:00 to 02:30 in October, at 15:30 UTC.
    let story = ["2026-10-03T12:00:00Z 1", "2026-10-03T15:30:00Z 6", "2026-10-03T16:00:00Z 1"];
    let howe = day_window("Australia/Lord_Howe", "02:15-03:00");
    assert_eq!(howe.story("2026-10-03T12:00:00Z", "2026-10-04T12:00:00Z"), story);
}

#[test]
fn a_jump_of_two_hours_is_met_at_its_instant() {
    // Troll: 01:00 to 03:00 in March, at 01:00 UTC.
    let story = ["2026-03-28T12:00:00Z 1", "2026-03-29T01:00:00Z 6", "2026-03-29T02:00:00Z 1"];
    let troll = day_window("Antarctica/Troll", "01:30-04:00");
    assert_eq!(troll.story("2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z"), story);
}

#[test]
fn a_midnight_that_is_skipped_starts_the_day_at_the_jump() {
    // Beirut: 00:00 to 01:00 on 29 March 2026, at 22:00 UTC.
    let story = ["2026-03-28T12:00:00Z 1", "2026-03-28T22:00:00Z 6", "2026-03-29T05:00:00Z 1"];
    let beirut = day_window("Asia/Beirut", "00:00-08:00");
    assert_eq!(beirut.story("2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z"), story);
}

#[test]
fn a_winter_time_that_counts_as_saving_is_like_any_other() {
    // Dublin, 25 October 2026: 01:00 to 02:00 is doubled.
    let story = ["2026-10-24T20:00:00Z 1", "2026-10-25T00:30:00Z 6", "2026-10-25T01:45:00Z 1"];
    let dublin = day_window("Europe/Dublin", "01:30-01:45");
    assert_eq!(dublin.story("2026-10-24T20:00:00Z", "2026-10-25T20:00:00Z"), story);
}

#[test]
fn a_window_that_lies_in_the_skipped_hour_is_no_occurrence() {
    let spring = day_window("Europe/Berlin", "02:10-02:50");
    let story = ["2026-03-28T12:00:00Z 1", "2026-03-30T00:10:00Z 6", "2026-03-30T00:50:00Z 1"];
    assert_eq!(spring.story("2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z"), story);
}

fn until(schedule: Schedule, instant: &str) -> Option<String> {
    schedule.alone().decide(&www(), at(instant)).until.map(|until| until.to_string())
}

const NOW: &str = "2026-11-20T12:00:00Z";

#[test]
fn a_change_decades_away_is_found() {
    let far = daily("w", "08:00-09:00", floor(6)).valid("2060-02-01", "2060-02-02");
    let far = schedule("s", "Europe/Brussels", Some(floor(1))).with(far);
    assert_eq!(until(far.clone(), NOW).as_deref(), Some("2060-02-01T07:00:00Z"));
    assert_eq!(until(far, "2060-02-02T08:00:00Z"), None);
}

#[test]
fn a_leap_day_is_found_across_a_century_without_one() {
    let leap = schedule("s", "UTC", Some(floor(1))).with(cron("w", "0 0 29 2 *", 60, floor(6)));
    assert_eq!(until(leap, "2096-03-01T00:00:00Z").as_deref(), Some("2104-02-29T00:00:00Z"));
}

#[test]
fn filters_that_exclude_each_other_end_the_search() {
    let never = cron("w", "0 0 * * 1", 60, floor(6)).on_days("tue");
    assert_eq!(until(schedule("s", "UTC", Some(floor(1))).with(never), NOW), None);
    let gone = daily("w", "08:00-09:00", floor(6)).on(&["2020-01-01"]);
    assert_eq!(until(schedule("s", "UTC", Some(floor(1))).with(gone), NOW), None);
}

#[test]
fn occurrences_that_chain_forever_never_end() {
    for (text, minutes) in [("*/5 * * * *", 5), ("*/5 * * * *", 60), ("* * * * *", 1), ("0 0 * * 1", 7 * 1440)] {
        let chain = schedule("s", "UTC", Some(floor(1))).with(cron("w", text, minutes, floor(6)));
        assert_eq!(until(chain, NOW), None, "{text} for {minutes} min");
    }
    for zone in ["UTC", "Europe/Brussels"] {
        let all_day = schedule("s", zone, Some(floor(1))).with(daily("w", "00:00-24:00", floor(6)));
        assert_eq!(until(all_day, NOW), None);
        let overlapping = schedule("s", zone, Some(floor(1))).with(cron("w", "*/5 * * * *", 90, floor(6)));
        assert_eq!(until(overlapping, NOW), None);
    }
}

#[test]
fn minutes_that_chain_break_in_the_second_pass_of_a_repeated_hour() {
    let minutely = schedule("s", "Europe/Brussels", Some(floor(1))).with(cron("w", "* * * * *", 1, floor(6)));
    assert_eq!(until(minutely.clone(), NOW).as_deref(), Some("2027-10-31T01:00:00Z"));
    assert_eq!(until(minutely, "2027-10-31T01:30:00Z").as_deref(), Some("2027-10-31T02:00:00Z"));
}

#[test]
fn a_week_of_elapsed_time_leaves_an_hour_in_autumn() {
    let weekly = schedule("s", "Europe/Brussels", Some(floor(1))).with(cron("w", "0 0 * * 1", 7 * 1440, floor(6)));
    assert_eq!(until(weekly, NOW).as_deref(), Some("2027-10-31T22:00:00Z"));
}

#[test]
fn a_chain_ends_where_its_dates_do() {
    let month = daily("w", "00:00-24:00", floor(6)).valid("2026-11-01", "2027-04-30");
    let month = schedule("s", "Europe/Brussels", Some(floor(1))).with(month);
    assert_eq!(until(month, NOW).as_deref(), Some("2027-04-30T22:00:00Z"));
    let holidays = cron("w", "*/5 * * * *", 5, floor(6)).except(&["2026-12-25"]);
    let holidays = schedule("s", "UTC", Some(floor(1))).with(holidays);
    assert_eq!(until(holidays, NOW).as_deref(), Some("2026-12-25T00:00:00Z"));
    let weekdays = daily("w", "00:00-24:00", floor(6)).on_days("mon tue wed thu fri");
    let weekdays = schedule("s", "UTC", Some(floor(1))).with(weekdays);
    assert_eq!(until(weekdays, NOW).as_deref(), Some("2026-11-21T00:00:00Z"));
}

#[test]
fn a_pause_that_the_lead_time_bridges_is_no_change() {
    let bridged = schedule("s", "UTC", Some(floor(1))).with(daily("w", "09:00-17:00", floor(6))).lead(16 * 60);
    assert_eq!(until(bridged.clone(), NOW), None);
    let once = bridged.with(daily("sale", "09:00-10:00", floor(9)).valid("2060-01-01", "2060-01-01"));
    assert_eq!(until(once, NOW).as_deref(), Some("2059-12-31T17:00:00Z"));
}

#[test]
fn a_max_that_is_kept_in_a_bridged_pause_is_a_change_however_late_it_comes() {
    let bridged = schedule("s", "UTC", Some(floor(1))).with(daily("w", "09:00-17:00", range(6, 8))).lead(16 * 60);
    assert_eq!(until(bridged.clone(), NOW), None);
    let once = bridged.with(daily("wide", "18:00-19:00", range(2, 10)).valid("2060-01-01", "2060-01-01"));
    assert_eq!(until(once, NOW).as_deref(), Some("2060-01-01T18:00:00Z"));
}

#[test]
fn a_default_that_the_lead_time_brings_back_at_once_is_no_change() {
    for zone in ["UTC", "Europe/Brussels"] {
        let always = schedule("s", zone, Some(floor(3))).with(daily("night", "00:30-09:00", floor(1))).lead(12 * 60);
        assert_eq!(until(always, NOW), None);
    }
    let flicker = schedule("s", "UTC", Some(floor(3))).with(cron("w", "*/5 * * * *", 1, floor(2))).lead(10);
    assert_eq!(until(flicker, NOW), None);
}

#[test]
fn windows_that_together_outlast_the_lead_time_are_found_however_late_they_meet() {
    let evenings = daily("evening", "16:00-24:00", floor(1));
    let night = daily("night", "00:00-08:00", floor(1)).on_days("tue").valid("2027-06-01", "2027-06-01");
    let web = schedule("s", "UTC", Some(floor(3))).with(evenings).with(night).lead(10 * 60);
    assert_eq!(until(web, NOW).as_deref(), Some("2027-05-31T16:00:00Z"));
}

#[test]
fn a_lower_schedule_that_flickers_is_no_change() {
    let flicker = |min| schedule("b", "UTC", Some(floor(1))).with(cron("w", "*/2 * * * *", 1, floor(min)));
    let high = schedule("a", "UTC", Some(floor(10)));
    let ruling = Schedules::new(vec![high.clone(), flicker(2)]).decide(&www(), at(NOW));
    assert_eq!(ruling.until, None);
    let peak = daily("peak", "08:00-09:00", floor(20)).valid("2060-01-01", "2060-01-01");
    let ruling = Schedules::new(vec![high, flicker(2).with(peak)]).decide(&www(), at(NOW));
    assert_eq!(ruling.until, Some(at("2060-01-01T08:00:00Z")));
}

#[test]
fn what_might_have_changed_something_once_does_not_stand_in_the_way_later() {
    let bridged = schedule("s", "UTC", Some(floor(1))).with(daily("w", "09:00-17:00", floor(6))).lead(16 * 60);
    let twin = daily("twin", "10:00-11:00", floor(6)).valid("2027-02-01", "2027-02-01");
    let sale = daily("sale", "09:00-10:00", floor(9)).valid("2060-01-01", "2060-01-01");
    assert_eq!(until(bridged.with(twin).with(sale), NOW).as_deref(), Some("2059-12-31T17:00:00Z"));
}

#[test]
fn a_max_that_is_filled_in_alike_by_all_is_no_change() {
    let giver = schedule("b", "UTC", Some(range(1, 4))).with(cron("w", "*/2 * * * *", 1, range(2, 4)));
    let high = schedule("a", "UTC", Some(floor(3))).priority(1);
    let ruling = Schedules::new(vec![high, giver]).decide(&www(), at(NOW));
    assert_eq!((shown(ruling.decision.as_ref()).as_str(), ruling.until), ("3..4", None));
}

#[test]
fn the_ends_of_time_are_no_trouble() {
    let web = schedule("s", "Europe/Brussels", Some(floor(1)))
        .with(daily("w", "09:00-17:00", floor(6)))
        .with(cron("c", "*/5 * * * *", 31 * 1440, floor(3)))
        .lead(24 * 60)
        .alone();
    for instant in [Timestamp::MIN, Timestamp::MAX] {
        assert!(web.decide(&www(), instant).decision.is_some());
    }
}
