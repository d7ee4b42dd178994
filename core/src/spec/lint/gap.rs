//! Windows that end at 08:59 where another starts at 09:00: ends are exclusive, so a minute falls between them.

use jiff::SignedDuration;
use jiff::civil::Date;

use super::{DAYS_AHEAD, warning};
use crate::diagnostic::Diagnostic;
use crate::model::Span;
use crate::spec::places::Places;
use crate::spec::time::DAY_MINUTES;
use crate::timetable::{Recurrence, Schedule, Window};

/// Each end that lies a minute before the start of another window of the schedule, or of the same one a day later.
pub(super) fn findings(schedule: &Schedule, places: &Places, span: Span) -> Vec<Diagnostic> {
    let today = span.from.to_zoned(schedule.zone.clone()).date();
    let mut found = Vec::new();
    for (ending, place) in schedule.windows.iter().zip(&places.windows) {
        let missed = schedule.windows.iter().zip(&places.windows).find(|(other, _)| misses(ending, other, today));
        let Some((starting, start)) = missed else { continue };
        let message = format!("a minute is missing between this end and the start of `{}`", starting.name);
        let mut finding = warning("one-minute-gap", &place.end, message);
        finding.help(
            "an end is exclusive: write the very time at which the next window starts, or \"24:00\" for midnight",
        );
        finding.related(start.start.clone(), "the next window starts here");
        found.push(finding);
    }
    found
}

/// Whether on some date of the coming year `other` starts a minute after `ending` has ended.
fn misses(ending: &Window, other: &Window, today: Date) -> bool {
    let (Recurrence::Daily { from, to }, Recurrence::Daily { from: next, .. }) =
        (&ending.recurrence, &other.recurrence)
    else {
        return false;
    };
    let end = if to > from { *to } else { *to + DAY_MINUTES };
    if (end + 1) % DAY_MINUTES != *next {
        return false;
    }
    let days_later = i64::from((end + 1) / DAY_MINUTES);
    let dates = (-1..=DAYS_AHEAD).filter_map(|day| plus(today, day));
    let mut ends = dates.filter(|date| ending.dates.admits(*date));
    ends.any(|date| plus(date, days_later).is_some_and(|date| other.dates.admits(date)))
}

fn plus(date: Date, days: i64) -> Option<Date> {
    date.checked_add(SignedDuration::from_hours(24 * days)).ok()
}
