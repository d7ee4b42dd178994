//! Times of day, dates, local date-times, durations and days of the week, each in exactly one notation.

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime};

use crate::spec::report::{Report, excerpt};
use crate::spec::value::{is_digits, items, literal};
use crate::spec::yaml::Node;

/// Minutes of a whole day, and of midnight at its end.
pub(super) const DAY_MINUTES: u16 = 24 * 60;
/// Monday first, as in the bits of a filter.
pub(super) const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const LONG_DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// Whether `24:00`, midnight at the end of the day, may be written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum EndOfDay {
    Allowed,
    Refused,
}

/// `HH:MM` as minutes after midnight.
pub(super) fn time_of_day(node: &Node<'_>, field: &str, end: EndOfDay, report: &mut Report<'_>) -> Option<u16> {
    let written = literal(node, field, "a time such as \"07:30\"", report)?;
    match minutes(written, end) {
        Ok(minutes) => Some(minutes),
        Err(why) => {
            let message = format!("\"{}\" is no time of day", excerpt(written));
            report.error("bad-time", &node.span, message).help(why);
            None
        }
    }
}

fn minutes(written: &str, end: EndOfDay) -> Result<u16, String> {
    let parts: Vec<&str> = written.split(':').collect();
    let (hour, minute) = match parts[..] {
        [hour, minute] if is_digits(hour) && is_digits(minute) && hour.len() <= 2 && minute.len() <= 2 => {
            (hour, minute)
        }
        [hour, minute, second] if [hour, minute, second].iter().all(|part| is_digits(part)) => {
            return Err(format!("times have no seconds: write \"{hour:0>2}:{minute:0>2}\""));
        }
        _ => return Err("write hours and minutes on a 24-hour clock, such as \"07:30\"".to_owned()),
    };
    let number = |digits: &str| digits.parse::<u16>().expect("one or two digits were counted");
    let time = number(hour) * 60 + number(minute);
    let midnight = time == DAY_MINUTES;
    match () {
        () if number(minute) > 59 => Err("minutes go from 00 to 59".to_owned()),
        () if midnight && end == EndOfDay::Refused => {
            Err("a day starts at \"00:00\"; only `to` may be \"24:00\"".to_owned())
        }
        () if time > DAY_MINUTES => Err("hours go from 00 to 23".to_owned()),
        () if hour.len() < 2 || minute.len() < 2 => Err(format!("write two digits each: \"{hour:0>2}:{minute:0>2}\"")),
        () => Ok(time),
    }
}

/// `YYYY-MM-DD`.
pub(super) fn date(node: &Node<'_>, field: &str, report: &mut Report<'_>) -> Option<Date> {
    let written = literal(node, field, "a date such as 2026-12-25", report)?;
    match parse_date(written) {
        Ok(date) => Some(date),
        Err(why) => {
            report.error("bad-date", &node.span, format!("\"{}\" is no date", excerpt(written))).help(why);
            None
        }
    }
}

fn parse_date(written: &str) -> Result<Date, &'static str> {
    const FORM: &str = "write year, month and day such as 2026-12-25";
    let parts: Vec<&str> = written.split('-').collect();
    let [year, month, day] = parts[..] else { return Err(FORM) };
    if ![(year, 4), (month, 2), (day, 2)].iter().all(|(part, length)| is_digits(part) && part.len() == *length) {
        return Err(FORM);
    }
    let day = day.parse().map_err(|_| FORM)?;
    Date::new(year.parse().map_err(|_| FORM)?, month.parse().map_err(|_| FORM)?, day)
        .map_err(|_| "the calendar has no such day")
}

/// `YYYY-MM-DDTHH:MM`, on the schedule's own clock.
pub(super) fn date_time(node: &Node<'_>, field: &str, end: EndOfDay, report: &mut Report<'_>) -> Option<DateTime> {
    let written = literal(node, field, "a local date and time such as 2026-11-27T06:00", report)?;
    match parse_date_time(written, end) {
        Ok(at) => Some(at),
        Err(why) => {
            let message = format!("\"{}\" is no local date and time", excerpt(written));
            report.error("bad-date-time", &node.span, message).help(why);
            None
        }
    }
}

fn parse_date_time(written: &str, end: EndOfDay) -> Result<DateTime, String> {
    let Some((date, time)) = written.split_once('T') else {
        return Err("write date, `T` and time, such as 2026-11-27T06:00".to_owned());
    };
    if time.contains(['Z', 'z', '+', '-']) {
        return Err("leave the offset out: the time is local in the schedule's `timezone`".to_owned());
    }
    let date = parse_date(date)?;
    let minutes = minutes(time, end)?;
    if minutes == DAY_MINUTES {
        return date
            .tomorrow()
            .map(|next| next.to_datetime(jiff::civil::Time::midnight()))
            .map_err(|_| "the calendar ends there".to_owned());
    }
    let (hour, minute) = (minutes / 60, minutes % 60);
    let small = |n: u16| i8::try_from(n).expect("hours and minutes are below 60");
    Ok(date.at(small(hour), small(minute), 0, 0))
}

/// How long a duration may be.
pub(super) struct Bounds {
    pub(super) least_minutes: i64,
    pub(super) most_minutes: i64,
    /// As a message says it.
    pub(super) words: &'static str,
}

/// Of a cron window.
pub(super) const WINDOW_LENGTH: Bounds = Bounds { least_minutes: 1, most_minutes: 31 * 24 * 60, words: "1m to 31d" };
/// Of lead times and deferrals.
pub(super) const UP_TO_A_DAY: Bounds = Bounds { least_minutes: 0, most_minutes: 24 * 60, words: "0m to 24h" };

/// `90m`, `10h30m`, `2d`: days, hours and minutes, in this order.
pub(super) fn duration(
    node: &Node<'_>,
    field: &str,
    bounds: &Bounds,
    report: &mut Report<'_>,
) -> Option<SignedDuration> {
    let written = literal(node, field, "a duration such as 10h30m", report)?;
    let minutes = match parse_duration(written) {
        Ok(minutes) => minutes,
        Err(why) => {
            let message = format!("\"{}\" is no duration", excerpt(written));
            report.error("bad-duration", &node.span, message).help(why);
            return None;
        }
    };
    if !(bounds.least_minutes..=bounds.most_minutes).contains(&minutes) {
        let message = format!("`{field}` must be from {}", bounds.words);
        report.error("out-of-range", &node.span, message);
        return None;
    }
    Some(SignedDuration::from_mins(minutes))
}

fn parse_duration(written: &str) -> Result<i64, String> {
    const FORM: &str = "write days, hours and minutes in this order, such as 2d, 10h30m or 90m";
    if written == "0" {
        return Ok(0);
    }
    if is_digits(written) {
        return Err(format!("it needs a unit: {}m for minutes, {}h for hours", excerpt(written), excerpt(written)));
    }
    let (mut rest, mut total) = (written, 0_i64);
    for (unit, unit_minutes) in [('d', 24 * 60), ('h', 60), ('m', 1)] {
        let Some((number, after)) = rest.split_once(unit) else { continue };
        if !is_digits(number) || number.len() > 6 {
            return Err(FORM.to_owned());
        }
        total += number.parse::<i64>().map_err(|_| FORM)? * unit_minutes;
        rest = after;
    }
    if rest.is_empty() && !written.is_empty() { Ok(total) } else { Err(FORM.to_owned()) }
}

/// A list of days and ranges as bits, Monday the lowest. A range may wrap: `sat-mon` is three days.
pub(super) fn weekdays(node: &Node<'_>, report: &mut Report<'_>) -> Option<u8> {
    let mut bits = 0;
    for item in items(node, "days", report)? {
        bits |= literal(item, "days", "a day such as mon", report)
            .and_then(|written| days_of(written, item, report))
            .unwrap_or(0);
    }
    (bits != 0).then_some(bits)
}

fn days_of(written: &str, node: &Node<'_>, report: &mut Report<'_>) -> Option<u8> {
    let (first, last) = written.split_once('-').unwrap_or((written, written));
    let day = |name: &str| DAYS.iter().position(|day| *day == name);
    if let (Some(first), Some(last)) = (day(first), day(last)) {
        let length = (last + 7 - first) % 7;
        return Some((0..=length).fold(0, |bits, i| bits | 1 << ((first + i) % 7)));
    }
    let message = format!("\"{}\" is no day of the week", excerpt(written));
    let meant = (nearest_day(first, report), nearest_day(last, report));
    let finding = report.error("bad-day", &node.span, message);
    finding.help("days are mon, tue, wed, thu, fri, sat, sun and ranges such as mon-fri");
    if let (Some(first), Some(last)) = meant {
        let meant = if first == last { first.to_owned() } else { format!("{first}-{last}") };
        finding.label(format!("did you mean `{meant}`?"));
    }
    None
}

fn nearest_day(name: &str, report: &mut Report<'_>) -> Option<&'static str> {
    let meant = report.closest(name, DAYS.into_iter().chain(LONG_DAYS))?;
    DAYS.into_iter().find(|day| meant.starts_with(day))
}
