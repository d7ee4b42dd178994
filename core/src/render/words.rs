//! The words that previews and explanations share: floors, causes, local times, lengths of time.

use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneTransition};
use jiff::{SignedDuration, Timestamp};

use crate::diagnostic::printable;
use crate::model::{Floor, instant};
use crate::timetable::Cause;

/// `3`, or `1..4` where a max is declared.
pub(super) fn figure(floor: Floor) -> String {
    match floor.max {
        Some(max) => format!("{}..{max}", floor.min),
        None => floor.min.to_string(),
    }
}

/// Writes a number. What `write!` would do, in a fraction of the time: most of a scrape and of a picture is numbers and
/// what stands around them. Inlined, so that a caller that is compiled for speed has it fast.
#[inline]
pub fn push_number(text: &mut String, mut number: u64) {
    let mut digits = [0_u8; 20];
    let mut first = digits.len();
    while number > 0 || first == digits.len() {
        first -= 1;
        digits[first] = b'0' + (number % 10) as u8;
        number /= 10;
    }
    digits[first..].iter().for_each(|digit| text.push(char::from(*digit)));
}

/// `at least 3 tasks`, or `1 to 4 tasks` where a max is declared.
pub(super) fn tasks(floor: Floor) -> String {
    let unit = |count| if count == 1 { "task" } else { "tasks" };
    match floor.max {
        None => format!("at least {} {}", floor.min, unit(floor.min)),
        Some(max) if max == floor.min => format!("exactly {max} {}", unit(max)),
        Some(max) => format!("{} to {max} {}", floor.min, unit(max)),
    }
}

/// `window night`, `override black-friday`, `the default`.
pub(super) fn cause(cause: &Cause) -> String {
    match cause {
        Cause::Default => "the default".to_owned(),
        Cause::Window(name) => format!("window {name}"),
        Cause::Override(name) => format!("override {name}"),
    }
}

/// Text for HTML and SVG, in an element or in an attribute between double quotes. What would hide in it is made visible.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in printable(text).chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

/// `Europe/Brussels`; a zone without a name can only be UTC.
pub(super) fn zone_name(zone: &TimeZone) -> &str {
    zone.iana_name().unwrap_or("UTC")
}

/// `Mon 23 Nov 2026 08:55 +01:00 (2026-11-23T07:55:00Z)`.
pub(super) fn moment(at: Timestamp, zone: &TimeZone) -> String {
    format!("{} ({})", at.to_zoned(zone.clone()).strftime("%a %e %b %Y %H:%M %:z"), instant(at))
}

/// `Mon 23 Nov 08:55`, with the offset on a day whose clock changes: it may show that time twice.
pub(super) fn local_time(at: Timestamp, zone: &TimeZone) -> String {
    let local = at.to_zoned(zone.clone());
    let format = if clock_change(local.date(), zone).is_some() { "%a %e %b %H:%M %:z" } else { "%a %e %b %H:%M" };
    local.strftime(format).to_string()
}

/// `1d 2h 30m`, without what is zero; `0m` for nothing.
pub(super) fn length(duration: SignedDuration) -> String {
    let minutes = duration.as_secs() / 60;
    let parts = [(minutes / 1440, "d"), (minutes / 60 % 24, "h"), (minutes % 60, "m"), (duration.as_secs() % 60, "s")];
    let told: Vec<String> =
        parts.iter().filter(|(count, _)| *count != 0).map(|(count, unit)| format!("{count}{unit}")).collect();
    if told.is_empty() { "0m".to_owned() } else { told.join(" ") }
}

/// A local day that is not 24 hours long.
pub(super) struct ClockChange {
    /// What the day really lasts.
    pub(super) length: SignedDuration,
    /// The local times between which the clock jumps: the skipped or doubled stretch, in order.
    pub(super) between: (String, String),
}

/// The change of the clock that makes `date` longer or shorter than others, if one does.
pub(super) fn clock_change(date: Date, zone: &TimeZone) -> Option<ClockChange> {
    let start = date.to_zoned(zone.clone()).ok()?.timestamp();
    let end = date.tomorrow().ok()?.to_zoned(zone.clone()).ok()?.timestamp();
    let length = end.duration_since(start);
    if length == SignedDuration::from_hours(24) {
        return None;
    }
    // A jump at midnight itself belongs to the day that it shortens, so look from just before.
    let transition = zone.following(start - SignedDuration::from_secs(1)).next()?;
    Some(ClockChange { length, between: jump(&transition, zone) })
}

fn jump(transition: &TimeZoneTransition<'_>, zone: &TimeZone) -> (String, String) {
    let at = transition.timestamp();
    let before = zone.to_offset(at - SignedDuration::from_secs(1)).to_datetime(at);
    let after = transition.offset().to_datetime(at);
    let told = |time: jiff::civil::DateTime| time.strftime("%H:%M").to_string();
    (told(before.min(after)), told(before.max(after)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floors_are_told_in_tasks() {
        assert_eq!(tasks(Floor { min: 1, max: None }), "at least 1 task");
        assert_eq!(tasks(Floor { min: 0, max: Some(0) }), "exactly 0 tasks");
        assert_eq!(tasks(Floor { min: 1, max: Some(4) }), "1 to 4 tasks");
        assert_eq!(figure(Floor { min: 1, max: Some(4) }), "1..4");
    }

    #[test]
    fn numbers_are_written_as_rust_would() {
        for number in [0, 7, 10, 10_203, u64::MAX] {
            let mut text = String::new();
            push_number(&mut text, number);
            assert_eq!(text, number.to_string());
        }
    }

    #[test]
    fn lengths_leave_out_what_is_zero() {
        assert_eq!(length(SignedDuration::from_mins(26 * 60 + 5)), "1d 2h 5m");
        assert_eq!(length(SignedDuration::ZERO), "0m");
        assert_eq!(length(SignedDuration::from_secs(90)), "1m 30s");
    }
}
