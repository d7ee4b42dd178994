//! Times of day that a change of the clock skips or shows twice, on dates of the coming year on which they count.

use jiff::civil::{Date, DateTime, Time};
use jiff::{SignedDuration, Timestamp};

use super::warning;
use crate::diagnostic::{Diagnostic, Location};
use crate::model::Span;
use crate::spec::places::{Part, Places};
use crate::timetable::{Override, Recurrence, Schedule, Window};

/// Local times, `[from, to)`, that the clock skips, or shows twice.
struct Change {
    from: DateTime,
    to: DateTime,
    what: What,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Skipped,
    Doubled,
}

/// Which end of a stretch a time is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Edge {
    Start,
    End,
}

/// Each edge of each window and override that lies inside a change.
pub(super) fn findings(schedule: &Schedule, places: &Places, span: Span) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for change in changes(schedule, span) {
        let mut add = |edge, at: Option<DateTime>, place: &Location| {
            found.extend(at.map(|at| finding(&change, edge, at, place)));
        };
        for (window, Part { start, end, .. }) in schedule.windows.iter().zip(&places.windows) {
            add(Edge::Start, start_within(window, &change), start);
            add(Edge::End, end_within(window, &change), end);
        }
        for (Override { from, to, .. }, Part { start, end, .. }) in schedule.overrides.iter().zip(&places.overrides) {
            add(Edge::Start, Some(*from).filter(|at| change.contains(*at)), start);
            add(Edge::End, Some(*to).filter(|at| change.contains(*at)), end);
        }
    }
    found
}

fn changes(schedule: &Schedule, span: Span) -> impl Iterator<Item = Change> {
    let offset_before = |at: Timestamp| schedule.zone.to_offset(at - SignedDuration::from_secs(1));
    // A zone without a listed transition "begins" with time itself, and jiff follows that beginning for ever.
    let in_span = move |at: Timestamp| span.from < at && at < span.to;
    let jumps = schedule.zone.following(span.from).take_while(move |jump| in_span(jump.timestamp()));
    jumps.filter_map(move |jump| {
        let at = jump.timestamp();
        let (old, new) = (offset_before(at).to_datetime(at), jump.offset().to_datetime(at));
        match old.cmp(&new) {
            std::cmp::Ordering::Less => Some(Change { from: old, to: new, what: What::Skipped }),
            std::cmp::Ordering::Equal => None,
            std::cmp::Ordering::Greater => Some(Change { from: new, to: old, what: What::Doubled }),
        }
    })
}

impl Change {
    fn contains(&self, at: DateTime) -> bool {
        self.from <= at && at < self.to
    }

    /// The dates that it touches.
    fn dates(&self) -> impl Iterator<Item = Date> + use<> {
        let last = self.to.date();
        self.from.date().series(jiff::Span::new().days(1)).take_while(move |date| *date <= last)
    }
}

/// The first written start of the window inside the change.
fn start_within(window: &Window, change: &Change) -> Option<DateTime> {
    let dates = change.dates().filter(|date| window.dates.admits(*date));
    let mut starts = dates.filter_map(|date| match &window.recurrence {
        Recurrence::Daily { from, .. } => minutes_into(date, *from),
        Recurrence::Cron { cron, .. } => {
            let first = if date == change.from.date() { change.from.time() } else { Time::midnight() };
            let minute = cron.minute_at_or_after(minute_of(first)).filter(|_| cron.matches_date(date))?;
            minutes_into(date, minute)
        }
    });
    starts.find(|at| change.contains(*at))
}

/// The written end of the window inside the change. A cron window ends by elapsed time, which no change touches.
fn end_within(window: &Window, change: &Change) -> Option<DateTime> {
    let Recurrence::Daily { from, to } = &window.recurrence else { return None };
    let mut ends = change.dates().filter_map(|date| {
        // Midnight at the end of a day is written on the day before.
        [date.yesterday().ok(), Some(date)].into_iter().flatten().find_map(|start| {
            let last = if to > from { start } else { start.tomorrow().ok()? };
            minutes_into(last, *to).filter(|end| change.contains(*end) && window.dates.admits(start))
        })
    });
    ends.next()
}

fn minutes_into(date: Date, minutes: u16) -> Option<DateTime> {
    date.to_datetime(Time::midnight()).checked_add(SignedDuration::from_mins(i64::from(minutes))).ok()
}

/// Rounded up: the first whole minute from there on.
fn minute_of(time: Time) -> u16 {
    let minutes = time.hour().unsigned_abs() as u16 * 60 + u16::from(time.minute().unsigned_abs());
    minutes + u16::from(time.second() > 0)
}

fn finding(change: &Change, edge: Edge, at: DateTime, place: &Location) -> Diagnostic {
    let (date, time) = (at.date(), at.strftime("%H:%M"));
    let jump = change.to.strftime("%H:%M");
    let verb = match edge {
        Edge::Start => "starts",
        Edge::End => "ends",
    };
    let message = match (change.what, edge) {
        (What::Skipped, _) => format!("on {date} the clock skips {time}: this {verb} as it jumps to {jump}"),
        (What::Doubled, Edge::Start) => format!("on {date} the clock shows {time} twice: this starts at the first"),
        (What::Doubled, Edge::End) => format!("on {date} the clock shows {time} twice: this ends at the second"),
    };
    let mut finding = warning("clock-change", place, message);
    let (from, to) = (change.from.strftime("%H:%M"), change.to.strftime("%H:%M"));
    finding.help(format!("a time outside {from}–{to} is the same on every day; or leave it, if that is what you mean"));
    finding
}
