//! When a window's occurrences lie, and how far they chain.
//!
//! Both edges of an occurrence move forward with its written start, whatever the clock does, so among the occurrences
//! that have started by some instant the latest ends last. Everything here rests on that.

use jiff::Timestamp;

use super::civil::{DAY, Edge, NEVER, Wall, date_of, day_of, elapsed, last_day};
use super::{DateFilter, MINUTES_A_WEEK, Recurrence, Window};

/// One half-open stretch, in seconds since the epoch; never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Occurrence {
    pub(super) start: i64,
    pub(super) end: i64,
}

/// Whether something is in force, and the first later instant at which that changes, or [`NEVER`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) on: bool,
    pub(super) until: i64,
}

impl Occurrence {
    /// Whether it holds at `at`, taken early by `lead` seconds.
    pub(super) fn stretch(self, at: i64, lead: i64) -> Stretch {
        if at < self.start - lead {
            Stretch { on: false, until: self.start - lead }
        } else if at < self.end {
            Stretch { on: true, until: self.end }
        } else {
            Stretch { on: false, until: NEVER }
        }
    }
}

/// The Gregorian calendar repeats itself, weekdays and all, after as many days.
const CYCLE_DAYS: i64 = 146_097;

/// What holds for the whole of a cycle, after the last year that zone data list one by one, holds forever.
const FOREVER: i64 = (CYCLE_DAYS + 100 * 365) * DAY;

/// A window's occurrences, ready to be asked.
#[derive(Clone, Debug)]
pub(super) struct Occurrences {
    recurrence: Recurrence,
    dates: DateFilter,
    first_day: i64,
    last_day: i64,
    /// How many days before an instant an occurrence that still holds may have started, as written.
    days_back: i64,
    /// The longest pause, in seconds, between an end and the next start where every date matches and the clock does
    /// not jump; negative where they overlap.
    longest_pause: i64,
    /// Whether no date between the first and the last is left out but by `except`.
    every_day: bool,
}

impl Occurrences {
    pub(super) fn of(window: &Window) -> Self {
        let dates = window.dates.clone();
        let (days_back, longest_pause, every_time) = match &window.recurrence {
            Recurrence::Daily { from, to } => (2, minutes(*from) + DAY - ends_after(*from, *to), true),
            Recurrence::Cron { cron, duration } => (
                elapsed(*duration) / DAY + 2,
                minutes(cron.longest_pause()) - elapsed(*duration),
                cron.matches_every_date(),
            ),
        };
        Occurrences {
            first_day: dates.valid_from.map_or(i64::MIN, day_of),
            last_day: dates.valid_until.map_or(i64::MAX, day_of),
            days_back,
            longest_pause,
            every_day: every_time && dates.weekdays & 0x7f == 0x7f && dates.on.is_none(),
            recurrence: window.recurrence.clone(),
            dates,
        }
    }

    /// Whether occurrences hold at `at`, each taken early by `lead` seconds, and until when those chain.
    pub(super) fn stretch(&self, wall: &mut Wall<'_>, at: i64, lead: i64) -> Stretch {
        match self.latest(wall, at + lead, at) {
            Some(occurrence) => Stretch { on: true, until: self.chain(wall, occurrence.end, lead) },
            None => Stretch { on: false, until: self.next_start_early(wall, at, lead) },
        }
    }

    /// The first instant from `at` on at which an occurrence holds, taken early by `lead` seconds.
    pub(super) fn next_held(&self, wall: &mut Wall<'_>, at: i64, lead: i64) -> i64 {
        if self.latest(wall, at + lead, at).is_some() { at } else { self.next_start_early(wall, at, lead) }
    }

    fn next_start_early(&self, wall: &mut Wall<'_>, at: i64, lead: i64) -> i64 {
        match self.next_start(wall, at + lead) {
            NEVER => NEVER,
            start => start - lead,
        }
    }

    /// The latest occurrence that has started by `by` and still holds at `holds`, which is not after `by`.
    pub(super) fn latest(&self, wall: &mut Wall<'_>, by: i64, holds: i64) -> Option<Occurrence> {
        let earliest = wall.local(holds).div_euclid(DAY) - self.days_back;
        let newest = wall.local(by).div_euclid(DAY) + 1;
        for day in (earliest..=newest).rev() {
            let Some(minute) = self.minute_before(self.minutes_begun(wall, day, by)) else { continue };
            if !self.admits(day) {
                continue;
            }
            let occurrence = self.occurrence(wall, day, minute);
            if occurrence.start < occurrence.end {
                return (holds < occurrence.end).then_some(occurrence);
            }
        }
        None
    }

    /// The first start of an occurrence after `after`.
    fn next_start(&self, wall: &mut Wall<'_>, after: i64) -> i64 {
        let today = wall.local(after).div_euclid(DAY);
        let mut from = today;
        while let Some(day) = self.next_day(from) {
            // Where the clock goes back over midnight, minutes of tomorrow too have begun.
            let begun = if day <= today + 1 { self.minutes_begun(wall, day, after) } else { 0 };
            if let Some(minute) = self.minute_at_or_after(begun) {
                let Occurrence { start, end } = self.occurrence(wall, day, minute);
                if after < start && start < end {
                    return start;
                }
            }
            from = day + 1;
        }
        NEVER
    }

    /// Follows occurrences from the end of one as long as the next has started by then, `lead` taken off.
    fn chain(&self, wall: &mut Wall<'_>, first_end: i64, lead: i64) -> i64 {
        let mut end = first_end;
        loop {
            if self.longest_pause <= lead {
                match self.skip_plain_days(wall, end, lead) {
                    NEVER => return NEVER,
                    skipped => end = skipped,
                }
            }
            let Some(next) = self.latest(wall, end + lead, end) else { return end };
            end = next.end;
            if end >= Timestamp::MAX.as_second() || end - first_end > FOREVER && self.recurs_without_end() {
                return NEVER;
            }
        }
    }

    /// Where day chains to day: the end of the last occurrence in the run of matching dates around `end`, as far as
    /// the clock does not jump; [`NEVER`] where neither comes to an end.
    fn skip_plain_days(&self, wall: &mut Wall<'_>, end: i64, lead: i64) -> i64 {
        let Some((first_plain, last_plain)) = wall.plain_days(end) else { return end };
        // One second before its end the occurrence still holds, so this is the day to go on from.
        let today = wall.local(end - 1).div_euclid(DAY);
        let (Some(first), Some(last)) = (self.minute_at_or_after(0), self.minute_before(MINUTES_A_DAY)) else {
            return end;
        };
        let linked = today >= first_plain && self.occurrence(wall, today, first).start <= end + lead;
        match self.last_of_run(today, last_plain) {
            Some(_) if !linked => end,
            Some(i64::MAX) => NEVER,
            Some(day) => self.occurrence(wall, day, last).end.max(end),
            None => end,
        }
    }

    /// The last date of the run of matching ones from `day` on, or `limit` if it comes first.
    fn last_of_run(&self, day: i64, limit: i64) -> Option<i64> {
        if !self.admits(day) {
            return None;
        }
        let limit = limit.min(self.last_day);
        if self.every_day {
            let except = self.dates.except.iter().filter_map(|set| set.next(date_of(day))).min();
            return Some(except.map_or(limit, |date| limit.min(day_of(date) - 1)));
        }
        (day..limit.min(last_day())).find(|day| !self.admits(day + 1)).or(Some(limit))
    }

    fn recurs_without_end(&self) -> bool {
        self.last_day == i64::MAX && self.dates.on.is_none() && self.dates.except.is_empty()
    }

    /// Whether an occurrence may start on `day`, as written.
    fn admits(&self, day: i64) -> bool {
        if day < self.first_day || self.last_day < day || !self.admits_weekday(day) {
            return false;
        }
        let by_cron = match &self.recurrence {
            Recurrence::Daily { .. } => true,
            Recurrence::Cron { cron, .. } => cron.matches_date(date_of(day)),
        };
        by_cron && self.admits_by_calendar(day)
    }

    fn admits_weekday(&self, day: i64) -> bool {
        self.dates.weekdays & (1 << (day + THURSDAY).rem_euclid(7)) != 0
    }

    fn admits_by_calendar(&self, day: i64) -> bool {
        if self.dates.on.is_none() && self.dates.except.is_empty() {
            return true;
        }
        let date = date_of(day);
        let on = self.dates.on.as_ref().is_none_or(|sets| sets.iter().any(|set| set.contains(date)));
        on && !self.dates.except.iter().any(|set| set.contains(date))
    }

    /// The first matching date from `day` on. Each round lies at least a day after the last, so as many rounds as a
    /// cycle has days have seen every date that there is.
    fn next_day(&self, day: i64) -> Option<i64> {
        let mut day = day.max(self.first_day);
        let last = self.last_day.min(last_day());
        for _ in 0..=CYCLE_DAYS {
            if day > last {
                return None;
            }
            if self.admits(day) {
                return Some(day);
            }
            day = self.candidate(day + 1)?;
        }
        None
    }

    /// A date from `day` on before which none matches.
    fn candidate(&self, day: i64) -> Option<i64> {
        let mut day = day;
        if let Some(sets) = &self.dates.on {
            day = day_of(sets.iter().filter_map(|set| set.next(date_of(day))).min()?);
        }
        if let Recurrence::Cron { cron, .. } = &self.recurrence {
            day = day_of(cron.next_date(date_of(day))?);
        }
        Some(day)
    }

    fn occurrence(&self, wall: &Wall<'_>, day: i64, minute: u16) -> Occurrence {
        let start = wall.instant(day * DAY + minutes(minute), Edge::Start);
        let end = match &self.recurrence {
            Recurrence::Daily { from, to } => wall.instant(day * DAY + ends_after(*from, *to), Edge::End),
            Recurrence::Cron { duration, .. } => start + elapsed(*duration),
        };
        Occurrence { start, end }
    }

    /// How many of the day's minutes have begun by `by`, as starts of occurrences go.
    fn minutes_begun(&self, wall: &Wall<'_>, day: i64, by: i64) -> u16 {
        let midnight = day * DAY;
        let begun = |count: i64| wall.instant(midnight + (count - 1) * 60, Edge::Start) <= by;
        let plain = ((by - wall.instant(midnight, Edge::Start)).div_euclid(60) + 1).clamp(0, DAY / 60);
        if (plain == 0 || begun(plain)) && (plain == DAY / 60 || !begun(plain + 1)) {
            return plain as u16;
        }
        let (mut low, mut high) = (0, DAY / 60);
        while low < high {
            let middle = (low + high + 1) / 2;
            (low, high) = if begun(middle) { (middle, high) } else { (low, middle - 1) };
        }
        low as u16
    }

    /// How many days before an instant an occurrence that still holds may have started, as written.
    pub(super) fn days_back(&self) -> i64 {
        self.days_back
    }

    /// Raises, at each minute of the week at which an occurrence may start as written, the minutes for which something
    /// holds from there. Of the filters only the days of the week count, so dates that others leave out are in as well.
    pub(super) fn mark_week(&self, held_from: &mut [usize; MINUTES_A_WEEK]) {
        let seconds = match &self.recurrence {
            Recurrence::Daily { from, to } => ends_after(*from, *to) - minutes(*from),
            Recurrence::Cron { duration, .. } => elapsed(*duration),
        };
        let length = seconds.div_euclid(60) as usize;
        for day in (0..7).filter(|day| self.dates.weekdays & 1 << day != 0) {
            let mut next = self.minute_at_or_after(0);
            while let Some(minute) = next {
                let held = &mut held_from[day * super::MINUTES_A_DAY + usize::from(minute)];
                *held = length.max(*held);
                next = self.minute_at_or_after(minute + 1);
            }
        }
    }

    fn minute_before(&self, minute: u16) -> Option<u16> {
        match &self.recurrence {
            Recurrence::Daily { from, .. } => (*from < minute).then_some(*from),
            Recurrence::Cron { cron, .. } => cron.minute_before(minute),
        }
    }

    fn minute_at_or_after(&self, minute: u16) -> Option<u16> {
        match &self.recurrence {
            Recurrence::Daily { from, .. } => (*from >= minute).then_some(*from),
            Recurrence::Cron { cron, .. } => cron.minute_at_or_after(minute),
        }
    }
}

const MINUTES_A_DAY: u16 = 1440;

/// The weekday of 1970-01-01, counted from Monday.
const THURSDAY: i64 = 3;

fn minutes(count: u16) -> i64 {
    i64::from(count) * 60
}

/// How many seconds after midnight of its start a `from`/`to` window ends.
fn ends_after(from: u16, to: u16) -> i64 {
    if to > from { minutes(to) } else { minutes(to) + DAY }
}
