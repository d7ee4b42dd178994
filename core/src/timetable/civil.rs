//! Wall clock to instants, where the clock jumps.
//!
//! ```text
//! spring   local  01:59 ─┤03:00        02:00–03:00 is skipped: start and end are the instant of the jump
//! autumn   local  02:59 ─┤02:00 ─ 03:00  02:00–03:00 is doubled: a start is the earlier, an end the later
//! ```
//! Inside the timetable an instant is a count of seconds since the epoch, and a local time the same count as if the
//! place kept UTC. Every edge of a schedule lies on a whole second, and plain numbers keep an evaluation short.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

/// Seconds in a day whose clock does not jump.
pub(super) const DAY: i64 = 86_400;

/// Later than every instant: nothing happens any more.
pub(super) const NEVER: i64 = i64::MAX;

/// Which end of a half-open stretch a local time is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Edge {
    /// Where the clock shows the time twice, the earlier instant.
    Start,
    /// Where the clock shows the time twice, the later instant.
    End,
}

/// The instant at which a stretch that is written to start at `local` starts: the earlier where the clock shows that
/// time twice, the instant of the jump where the clock skips it.
pub fn start_instant(zone: &TimeZone, local: DateTime) -> Timestamp {
    timestamp(instant(zone, seconds_of(local), Edge::Start))
}

/// The instant at which a stretch that is written to end at `local` ends: the later where the clock shows that time
/// twice, the instant of the jump where the clock skips it.
pub fn end_instant(zone: &TimeZone, local: DateTime) -> Timestamp {
    timestamp(instant(zone, seconds_of(local), Edge::End))
}

fn instant(zone: &TimeZone, local: i64, edge: Edge) -> i64 {
    match zone.to_ambiguous_timestamp(datetime(local)).offset() {
        AmbiguousOffset::Unambiguous { offset } => local - seconds(offset),
        AmbiguousOffset::Fold { before, after } => match edge {
            Edge::Start => local - seconds(before),
            Edge::End => local - seconds(after),
        },
        AmbiguousOffset::Gap { before, after } => jump(zone, local - seconds(after), local - seconds(before)),
    }
}

/// The instant at which the clock jumped over a local time: it lies after `earliest` and not after `latest`, which are
/// that time read with the offsets of either side.
fn jump(zone: &TimeZone, earliest: i64, latest: i64) -> i64 {
    let near = zone.following(timestamp(earliest)).map(|jump| (jump.timestamp().as_second(), jump.offset()));
    let mut within = near.take_while(|(at, _)| *at <= latest);
    let forward = within.find(|(at, offset)| *offset > zone.to_offset(timestamp(at - 1)));
    forward.map_or(latest, |(at, _)| at)
}

/// A zone, read near one instant after another.
///
/// It remembers the stretch between two transitions, in which local time is instant plus offset: almost every question
/// falls into it.
#[derive(Clone, Debug)]
pub(super) struct Wall<'a> {
    zone: &'a TimeZone,
    offset: i64,
    from: i64,
    to: i64,
    /// The part of the stretch, `[safe_from, safe_to)`, whose local times the clock shows exactly once.
    safe_from: i64,
    safe_to: i64,
}

impl<'a> Wall<'a> {
    pub(super) fn new(zone: &'a TimeZone) -> Self {
        Wall { zone, offset: 0, from: 0, to: 0, safe_from: 0, safe_to: 0 }
    }

    /// What the clock shows at `at`.
    pub(super) fn local(&mut self, at: i64) -> i64 {
        if at < self.from || self.to <= at {
            self.settle(at);
        }
        at + self.offset
    }

    /// The instant of a local time.
    pub(super) fn instant(&self, local: i64, edge: Edge) -> i64 {
        let at = local - self.offset;
        if self.safe_from <= at && at < self.safe_to { at } else { instant(self.zone, local, edge) }
    }

    /// The first and the last date of which every local time is plainly instant plus offset, in the stretch around
    /// `at`; the last is `i64::MAX` where the clock never jumps again.
    pub(super) fn plain_days(&mut self, at: i64) -> Option<(i64, i64)> {
        self.local(at);
        let first = match self.safe_from {
            i64::MIN => i64::MIN,
            from => (from + self.offset - 1).div_euclid(DAY) + 1,
        };
        let last = match self.safe_to {
            NEVER => i64::MAX,
            to => (to + self.offset).div_euclid(DAY) - 1,
        };
        (first <= last).then_some((first, last))
    }

    fn settle(&mut self, at: i64) {
        let here = timestamp(at);
        self.offset = seconds(self.zone.to_offset(here));
        let (before, after) = self.around(here);
        (self.from, self.safe_from) = match before {
            Some(from) => (from, from + (self.offset - self.offset_before(from)).abs()),
            None => (i64::MIN, i64::MIN),
        };
        (self.to, self.safe_to) = match after {
            Some((to, next)) => (to, to - (self.offset - next).abs()),
            None => (NEVER, NEVER),
        };
    }

    /// The last transition by `here`, and the first after it with its offset.
    ///
    /// jiff's `preceding` goes by the zone's rule for the future alone where one is in force, and so misses a transition
    /// that was listed after the rule's own last one (Ciudad Juárez, November 2022); `following` sees every one.
    fn around(&self, here: Timestamp) -> (Option<i64>, Option<(i64, i64)>) {
        let next = Timestamp::from_second(here.as_second() + 1).unwrap_or(Timestamp::MAX);
        let mut before = self.zone.preceding(next).next().map(|jump| jump.timestamp());
        // A zone without a listed transition "begins" with time itself, and jiff follows that beginning for ever.
        let beginning = Timestamp::MIN.as_second() + 2 * DAY;
        if let Some(known) = before.filter(|known| known.as_second() > beginning) {
            let missed = self.zone.following(known).map(|jump| jump.timestamp());
            before = missed.take_while(|at| *at <= here).last().or(before);
        }
        let after = self.zone.following(here).next().filter(|jump| jump.timestamp() > here);
        let after = after.map(|jump| (jump.timestamp().as_second(), seconds(jump.offset())));
        (before.map(Timestamp::as_second), after)
    }

    fn offset_before(&self, transition: i64) -> i64 {
        seconds(self.zone.to_offset(timestamp(transition - 1)))
    }
}

fn seconds(offset: Offset) -> i64 {
    i64::from(offset.seconds())
}

/// An instant in whole seconds, rounded down: every edge lies on one, so nothing happens in between.
pub(super) fn second(at: Timestamp) -> i64 {
    at.as_second() - i64::from(at.subsec_nanosecond() < 0)
}

/// The instant, or the nearest that can be written.
pub(super) fn timestamp(second: i64) -> Timestamp {
    let clamped = second.clamp(Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
    Timestamp::from_second(clamped).expect("a clamped second is in range")
}

/// `None` for [`NEVER`].
pub(super) fn timestamp_or_never(second: i64) -> Option<Timestamp> {
    (second <= Timestamp::MAX.as_second()).then(|| timestamp(second))
}

/// Whole seconds, rounded down.
pub(super) fn elapsed(duration: SignedDuration) -> i64 {
    duration.as_secs()
}

fn datetime(local: i64) -> DateTime {
    Offset::UTC.to_datetime(timestamp(local))
}

/// A local time as seconds since 1970-01-01T00:00 on the same clock.
pub(super) fn seconds_of(local: DateTime) -> i64 {
    Offset::UTC.to_timestamp(local).map_or(Timestamp::MAX.as_second(), Timestamp::as_second)
}

/// Days since 1970-01-01.
pub(super) fn day_of(date: Date) -> i64 {
    seconds_of(date.to_datetime(Time::midnight())).div_euclid(DAY)
}

/// The last day that instants reach. Asking for that of [`Date::MAX`] would fail anew each time, and slowly.
pub(super) fn last_day() -> i64 {
    Timestamp::MAX.as_second().div_euclid(DAY)
}

/// The date as many days after 1970-01-01, or the nearest that can be written.
pub(super) fn date_of(day: i64) -> Date {
    datetime(day.saturating_mul(DAY)).date()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timetable::Zones;

    #[test]
    fn the_last_day_is_that_of_the_last_date() {
        assert_eq!(last_day(), day_of(Date::MAX));
    }

    #[test]
    fn a_transition_that_the_rule_for_the_future_does_not_know_is_seen() {
        let zone = Zones::embedded().get("America/Ciudad_Juarez").unwrap();
        let mut wall = Wall::new(&zone);
        let after: Timestamp = "2022-12-01T02:30:00Z".parse().unwrap();
        wall.local(after.as_second());
        assert_eq!(timestamp(wall.from).to_string(), "2022-11-30T06:00:00Z");
    }
}
