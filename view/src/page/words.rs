//! Times, names and figures as the pages tell them.
//!
//! What holds no character that means something in HTML says so, and is not looked through for one: there are thousands
//! on a page.

use std::collections::BTreeMap;
use std::fmt::Write;

use baseload_core::model::instant;
use baseload_core::status::{FloorStatus, TargetStatus};
use baseload_core::timetable::Schedules;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, PreEscaped, html};

/// The clocks that schedules go by.
pub(super) struct Clocks<'a>(BTreeMap<&'a str, &'a TimeZone>);

impl<'a> Clocks<'a> {
    pub(super) fn of(schedules: &'a Schedules) -> Self {
        Clocks(schedules.iter().map(|schedule| (&*schedule.name, &schedule.zone)).collect())
    }

    /// The clock of the schedule of this name; UTC where there is none any more.
    pub(super) fn of_schedule(&self, name: Option<&str>) -> &'a TimeZone {
        const UTC: &TimeZone = &TimeZone::UTC;
        name.and_then(|name| self.0.get(name)).copied().unwrap_or(UTC)
    }
}

/// `08:00:12 UTC`, for a moment that is just past.
pub(super) fn clock_time(at: Timestamp) -> String {
    at.strftime("%H:%M:%S UTC").to_string()
}

/// `Sat 09:00 CET`, with the date where that is not within a week of `now`; programs and pointers get the instant.
pub(super) fn local(at: Timestamp, now: Timestamp, zone: &TimeZone) -> Markup {
    let is_near = at.duration_since(now).abs() < SignedDuration::from_hours(6 * 24);
    let format = if is_near { "%a %H:%M %Z" } else { "%a %-d %b %H:%M %Z" };
    let instant = PreEscaped(instant(at));
    html! { time datetime=(instant) title=(instant) { (PreEscaped(at.to_zoned(zone.clone()).strftime(format).to_string())) } }
}

/// How far off an instant is, either way, in its two largest units: `in 3 h 20 min`, `2 d 4 h ago`.
pub(super) fn away(now: Timestamp, at: Timestamp) -> Markup {
    let ahead = at.duration_since(now);
    let length = length(ahead.abs());
    PreEscaped(match (ahead.abs().as_mins(), ahead.is_positive()) {
        (0, true) => "within a minute".to_owned(),
        (0, false) => "just now".to_owned(),
        (_, true) => format!("in {length}"),
        (_, false) => format!("{length} ago"),
    })
}

fn length(duration: SignedDuration) -> String {
    let minutes = duration.as_mins();
    let (days, hours, minutes) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes} min"),
        (0, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

/// `3`, `1..4` where a max is declared.
pub(super) fn figure(floor: &FloorStatus) -> String {
    match floor.max {
        Some(max) => format!("{}..{max}", floor.min),
        None => floor.min.to_string(),
    }
}

/// `window night`, `override black-friday`, `default`.
pub(super) fn cause(floor: &FloorStatus) -> String {
    floor.cause.replacen('/', " ", 1)
}

/// A count, or a mark that it is not known.
pub(super) fn count(count: Option<u32>) -> Markup {
    html! {
        @match count {
            Some(count) => (count),
            None => span.quiet title="not known" { span aria-hidden="true" { "–" } span.unseen { "not known" } },
        }
    }
}

/// `1 target`, `3,000 targets`.
pub(super) fn targets(count: usize) -> String {
    format!("{} {}", grouped(count as u64), if count == 1 { "target" } else { "targets" })
}

/// A number with its thousands apart: `12,345`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A revision as people say it.
pub(super) fn short(revision: &str) -> &str {
    revision.get(..12).unwrap_or(revision)
}

/// Where a target's page is.
pub(super) fn path_of(target: &TargetStatus) -> Markup {
    let mut path = String::from("/targets");
    let elsewhere = [target.site.account(), target.site.region()];
    for part in elsewhere.into_iter().flatten().chain([&target.cluster, &target.service]) {
        path.push('/');
        encode(&mut path, part);
    }
    PreEscaped(path)
}

/// A target's name, what tells it from its neighbours the loudest.
pub(super) fn name(target: &TargetStatus) -> Markup {
    html! { span.quiet { (place(target)) "/" } wbr; (target.service) }
}

/// `shop`, or `prod/eu-west-1/shop` where that is elsewhere.
fn place(target: &TargetStatus) -> Markup {
    html! {
        @if !target.site.is_home() { (target.site.to_string()) "/" wbr; }
        (target.cluster)
    }
}

/// Adds one part of a path or query, with everything escaped that could mean something there.
pub(super) fn encode(out: &mut String, part: &str) {
    for byte in part.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            _ => write!(out, "%{byte:02X}").expect("a String takes everything"),
        }
    }
}
