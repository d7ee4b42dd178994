//! The two databases of time zones, and where they agree.
//!
//! chrono-tz compiles in an older release than the product does. They can only be compared where both know the same
//! clocks.

use std::ops::Range;
use std::sync::LazyLock;

use baseload_core::timetable::Zones;
use chrono::{Offset, TimeZone};
use chrono_tz::{TZ_VARIANTS, Tz};
use jiff::Timestamp;
use jiff::tz::TimeZone as JiffZone;

use crate::compare::instant;
use crate::oracle::Minute;

/// The product's own zones.
pub fn embedded() -> &'static Zones {
    static ZONES: LazyLock<Zones> = LazyLock::new(Zones::embedded);
    &ZONES
}

/// A change of a zone's clock: both sides' offsets from UTC in minutes.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    pub zone: Tz,
    pub at: Minute,
    pub before: i64,
    pub after: i64,
}

/// All changes of all zones that both databases name, 2000 to 2040, in the order of the zones' names.
pub fn changes() -> &'static [Change] {
    static CHANGES: LazyLock<Vec<Change>> = LazyLock::new(|| TZ_VARIANTS.iter().flat_map(|&z| changes_of(z)).collect());
    &CHANGES
}

/// Whether both databases show the same clock over the whole of `span`.
pub fn agree(zone: Tz, span: &Range<Minute>) -> bool {
    let Some(theirs) = newer(zone) else { return false };
    let changes = following(&theirs, span).flat_map(|at| [at - 1, at]);
    let hours = (span.start..span.end).step_by(60);
    hours.chain(changes).all(|minute| offset(zone, minute) == offset_of(&theirs, minute))
}

/// The zone's offset from UTC in minutes, by chrono-tz.
pub fn offset(zone: Tz, minute: Minute) -> i64 {
    let at = chrono::DateTime::from_timestamp(minute * 60, 0).expect("minutes of this century are instants");
    i64::from(zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc()) / 60
}

fn offset_of(zone: &JiffZone, minute: Minute) -> i64 {
    i64::from(zone.to_offset(instant(minute)).seconds()) / 60
}

fn newer(zone: Tz) -> Option<JiffZone> {
    embedded().get(zone.name())
}

fn changes_of(zone: Tz) -> Vec<Change> {
    let Some(theirs) = newer(zone) else { return Vec::new() };
    let years = minute_of("2000-01-01T00:00Z")..minute_of("2040-01-01T00:00Z");
    let change = |at| Change { zone, at, before: offset_of(&theirs, at - 1), after: offset_of(&theirs, at) };
    following(&theirs, &years).map(change).filter(|change| change.before != change.after).collect()
}

fn following(zone: &JiffZone, span: &Range<Minute>) -> impl Iterator<Item = Minute> {
    let end = instant(span.end);
    let transitions = zone.following(instant(span.start)).map(|t| t.timestamp()).take_while(move |at| *at < end);
    transitions.map(|at| at.as_second().div_euclid(60)).collect::<Vec<_>>().into_iter()
}

/// Reads an RFC 3339 instant.
pub fn minute_of(text: &str) -> Minute {
    text.parse::<Timestamp>().expect("an instant").as_second() / 60
}
