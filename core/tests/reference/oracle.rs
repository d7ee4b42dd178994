//! The rules, read word by word and asked minute by minute, on chrono and chrono-tz.
//!
//! All boundaries lie on whole minutes (every zone since 2000 keeps to them), so what holds at a minute holds through it.

use std::ops::Range;

use chrono::{DateTime, Days, Duration, LocalResult, NaiveDate, NaiveDateTime, TimeZone};
use chrono_tz::{GapInfo, Tz};

use crate::dates::{Calendars, starts};
use crate::source::{Default, Floor, Override, Schedule, Source, Wall, When, Window};

/// Minutes since 1970-01-01T00:00Z.
pub type Minute = i64;

/// What holds, and who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict<'a> {
    pub floor: Floor,
    pub schedule: &'a str,
    pub cause: Cause<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause<'a> {
    Default,
    Window(&'a str),
    Override(&'a str),
}

/// The verdict at every minute of `span`, over the schedules that `takes_part` lets in.
pub fn verdicts<'a>(
    source: &'a Source,
    span: Range<Minute>,
    takes_part: impl Fn(&Schedule) -> bool,
) -> Vec<Option<Verdict<'a>>> {
    let calendars = Calendars::until(source, date_of(span.end) + Days::new(6));
    let taking_part = source.schedules.iter().filter(|s| !s.suspend && takes_part(s));
    let each: Vec<_> = taking_part.map(|s| (s.priority, of_schedule(s, &calendars, span.clone()))).collect();
    (0..length(&span)).map(|i| winner(each.iter().filter_map(|(p, all)| Some((*p, all[i]?))).collect())).collect()
}

/// Whether the schedule lists a pattern that `cluster`/`service` fits.
pub fn lists(schedule: &Schedule, cluster: &str, service: &str) -> bool {
    schedule
        .targets
        .iter()
        .any(|(c, s)| glob(c.as_bytes(), cluster.as_bytes()) && glob(s.as_bytes(), service.as_bytes()))
}

fn glob(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern.split_first(), name.split_first()) {
        (None, rest) => rest.is_none(),
        (Some((b'*', after)), None) => glob(after, name),
        (Some((b'*', after)), Some((_, rest))) => glob(after, name) || glob(pattern, rest),
        (Some(_), None) => false,
        (Some((p, after)), Some((n, rest))) => (*p == b'?' || p == n) && glob(after, rest),
    }
}

/// Several schedules: the highest priority, then the highest min, then the name that sorts first.
fn winner(mut all: Vec<(i64, Verdict)>) -> Option<Verdict> {
    all.sort_by(|(p, a), (q, b)| q.cmp(p).then(b.floor.min.cmp(&a.floor.min)).then(a.schedule.cmp(b.schedule)));
    let mut won = all.first()?.1;
    if won.floor.max.is_none() {
        won.floor.max = all.iter().find_map(|(_, v)| v.floor.max).map(|max| max.max(won.floor.min));
    }
    Some(won)
}

/// One schedule's decisions, lead time included.
fn of_schedule<'a>(schedule: &'a Schedule, calendars: &Calendars, span: Range<Minute>) -> Vec<Option<Verdict<'a>>> {
    let horizon = span.start..span.end + schedule.lead as Minute;
    let painted = Painted::new(schedule, calendars, horizon.clone());
    let bases: Vec<_> = (0..length(&horizon)).map(|i| painted.base(i, &mut Vec::new())).collect();
    let mins: Vec<_> = bases.iter().map(|base| base.map_or(-1, |v| i64::from(v.floor.min))).collect();
    (0..length(&span))
        .map(|i| early(bases[i], i + first_of_the_highest(&mins[i..=i + schedule.lead]), &bases))
        .collect()
}

/// A tie keeps what comes first, and first of all comes base(t) itself.
fn first_of_the_highest(mins: &[i64]) -> usize {
    let mut best = 0;
    for (i, min) in mins.iter().enumerate() {
        if *min > mins[best] {
            best = i;
        }
    }
    best
}

/// What holds now where `bases[won]` has the highest min among all that come within the lead.
fn early<'a>(now: Option<Verdict<'a>>, won: usize, bases: &[Option<Verdict<'a>>]) -> Option<Verdict<'a>> {
    let mut verdict = bases[won]?;
    if bases[won] != now {
        let larger = verdict.floor.max.max(now.and_then(|v| v.floor.max));
        verdict.floor.max = larger.map(|max| max.max(verdict.floor.min));
    }
    Some(verdict)
}

/// Which windows and overrides are active at each minute.
struct Painted<'a> {
    schedule: &'a Schedule,
    windows: Vec<Vec<bool>>,
    overrides: Vec<Vec<bool>>,
}

impl<'a> Painted<'a> {
    fn new(schedule: &'a Schedule, calendars: &Calendars, span: Range<Minute>) -> Self {
        let of_window = |w| paint(&occurrences(w, schedule.zone, calendars, &span), &span);
        let of_override = |o: &Override| paint(&one_off(o, schedule.zone), &span);
        Painted {
            schedule,
            windows: schedule.windows.iter().map(of_window).collect(),
            overrides: schedule.overrides.iter().map(of_override).collect(),
        }
    }

    /// What holds at the `i`th minute without lead time, in a world without the overrides in `without`.
    fn base(&self, i: usize, without: &mut Vec<usize>) -> Option<Verdict<'a>> {
        let schedule = self.schedule;
        let verdict = |floor, cause| Some(Verdict { floor, schedule: schedule.name.as_str(), cause });
        let overrides = schedule.overrides.iter().map(|o| o.floor.min).enumerate();
        if let Some(o) = first_highest(overrides.filter(|(o, _)| self.overrides[*o][i] && !without.contains(o))) {
            let Floor { min, max } = schedule.overrides[o].floor;
            without.push(o);
            let beneath = self.base(i, without).and_then(|v| v.floor.max).map(|max| max.max(min));
            return verdict(Floor { min, max: max.or(beneath) }, Cause::Override(&schedule.overrides[o].name));
        }
        let windows = schedule.windows.iter().map(|w| w.floor.min).enumerate();
        if let Some(w) = first_highest(windows.filter(|(w, _)| self.windows[*w][i])) {
            return verdict(schedule.windows[w].floor, Cause::Window(&schedule.windows[w].name));
        }
        match schedule.default {
            Default::Floor(floor) => verdict(floor, Cause::Default),
            Default::Overlay | Default::Absent => None,
        }
    }
}

fn first_highest(of: impl Iterator<Item = (usize, u32)>) -> Option<usize> {
    of.fold(None, |best: Option<(usize, u32)>, next| match best {
        Some((_, min)) if min >= next.1 => best,
        _ => Some(next),
    })
    .map(|(index, _)| index)
}

fn paint(intervals: &[Range<Minute>], span: &Range<Minute>) -> Vec<bool> {
    let mut active = vec![false; length(span)];
    for interval in intervals {
        for minute in interval.start.max(span.start)..interval.end.min(span.end) {
            active[(minute - span.start) as usize] = true;
        }
    }
    active
}

fn one_off(one: &Override, zone: Tz) -> Vec<Range<Minute>> {
    std::iter::once(start(zone, one.from)..end(zone, one.to)).collect()
}

/// Every occurrence that can touch `span`: they last 31 days at most.
fn occurrences(window: &Window, zone: Tz, calendars: &Calendars, span: &Range<Minute>) -> Vec<Range<Minute>> {
    let back = match window.when {
        When::Clock { .. } => 0,
        When::Cron { duration, .. } => duration,
    };
    let dates = date_of(span.start - back) - Days::new(4)..=date_of(span.end) + Days::new(3);
    let mut found = Vec::new();
    for date in dates.start().iter_days().take_while(|date| dates.contains(date)) {
        for minute in starts(window, calendars, date) {
            found.push(occurrence(&window.when, zone, Wall { date, minute }));
        }
    }
    found
}

/// The interval of the occurrence that starts at `from`; empty where the clock skips the whole of it.
fn occurrence(when: &When, zone: Tz, from: Wall) -> Range<Minute> {
    match *when {
        When::Clock { from: minute, to } => {
            let date = if to < minute { from.date + Days::new(1) } else { from.date };
            start(zone, from)..end(zone, Wall { date, minute: to })
        }
        When::Cron { duration, .. } => {
            let start = start(zone, from);
            start..start + duration
        }
    }
}

/// A local start as an instant: shown twice, the earlier; skipped, the instant of the jump.
fn start(zone: Tz, wall: Wall) -> Minute {
    match zone.from_local_datetime(&naive(wall)) {
        LocalResult::Single(at) => whole_minute(&at),
        LocalResult::Ambiguous(a, b) => whole_minute(&a.min(b)),
        LocalResult::None => jump(zone, naive(wall)),
    }
}

/// A local end as an instant: shown twice, the later; skipped, the instant of the jump.
fn end(zone: Tz, wall: Wall) -> Minute {
    match zone.from_local_datetime(&naive(wall)) {
        LocalResult::Single(at) => whole_minute(&at),
        LocalResult::Ambiguous(a, b) => whole_minute(&a.max(b)),
        LocalResult::None => jump(zone, naive(wall)),
    }
}

fn jump(zone: Tz, skipped: NaiveDateTime) -> Minute {
    let gap = GapInfo::new(&skipped, &zone).expect("a local time without an instant lies in a gap");
    whole_minute(&gap.end.expect("gaps of this century end"))
}

fn naive(wall: Wall) -> NaiveDateTime {
    wall.date.and_hms_opt(0, 0, 0).expect("midnight is a time") + Duration::minutes(i64::from(wall.minute))
}

fn whole_minute(at: &DateTime<Tz>) -> Minute {
    assert_eq!(at.timestamp() % 60, 0, "{at} is not a whole minute");
    at.timestamp() / 60
}

/// The date in UTC: the local one differs by a day at most.
pub fn date_of(minute: Minute) -> NaiveDate {
    DateTime::from_timestamp(minute * 60, 0).expect("minutes of this century are dates").date_naive()
}

fn length(span: &Range<Minute>) -> usize {
    usize::try_from(span.end - span.start).expect("a span does not end before it starts")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No tables of gaps and folds: which instants show this wall clock?
    fn showing(zone: Tz, wall: Wall) -> Vec<Minute> {
        let utc = naive(wall).and_utc().timestamp() / 60;
        (utc - 26 * 60..utc + 26 * 60).filter(|m| shown(zone, *m) == naive(wall)).collect()
    }

    fn shown(zone: Tz, minute: Minute) -> NaiveDateTime {
        zone.timestamp_opt(minute * 60, 0).single().expect("an instant has one local time").naive_local()
    }

    #[test]
    fn local_times_around_every_kind_of_change_are_what_the_clock_shows() {
        for (zone, (y, m, d)) in [
            (Tz::Europe__Berlin, (2026, 3, 29)),
            (Tz::Europe__Berlin, (2026, 10, 25)),
            (Tz::Europe__Dublin, (2026, 10, 25)),
            (Tz::Australia__Lord_Howe, (2026, 4, 5)),
            (Tz::Australia__Lord_Howe, (2026, 10, 4)),
            (Tz::America__Havana, (2025, 3, 9)),
            (Tz::America__St_Johns, (2010, 11, 7)),
            (Tz::America__Asuncion, (2022, 3, 27)),
            (Tz::Antarctica__Troll, (2026, 3, 29)),
            (Tz::Pacific__Apia, (2011, 12, 30)),
        ] {
            let date = NaiveDate::from_ymd_opt(y, m, d).expect("a date");
            for minute in (0..1440).step_by(15) {
                let wall = Wall { date, minute };
                let (start, end) = (start(zone, wall), end(zone, wall));
                match showing(zone, wall)[..] {
                    [] => {
                        assert_eq!(start, end);
                        assert!(
                            shown(zone, start - 1) < naive(wall) && naive(wall) < shown(zone, start),
                            "{zone} {wall:?}"
                        );
                    }
                    [once] => assert_eq!((start, end), (once, once), "{zone} {wall:?}"),
                    [first, second] => assert_eq!((start, end), (first, second), "{zone} {wall:?}"),
                    ref more => panic!("{zone} shows {wall:?} at {more:?}"),
                }
            }
        }
    }
}
