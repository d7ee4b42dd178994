//! The pictures of what is to come: a strip for each row of the table, drawn once for all targets that share it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use baseload_core::model::{Span, TargetPattern};
use baseload_core::status::{Status, TargetStatus};
use baseload_core::timetable::{Lane, Reach, Schedules};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, PreEscaped, html};

use super::strip::{self, VIEW_BOX};
use super::words::Clocks;

/// How much of the past a strip shows.
const BEHIND: SignedDuration = SignedDuration::from_hours(12);

/// How much a strip shows in all.
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The last strips that were drawn: they stay the same for an hour, or until the schedules or the targets change.
#[derive(Debug, Default)]
pub struct Almanac(Mutex<Option<Arc<Weeks>>>);

impl Almanac {
    /// The strips of all targets of `status`, in their order.
    pub(super) fn weeks(&self, status: &Status, schedules: &Arc<Schedules>) -> Arc<Weeks> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let drawn = last.take().filter(|weeks| weeks.fit(status, schedules));
        let weeks = drawn.unwrap_or_else(|| Arc::new(Weeks::of(status, schedules)));
        *last = Some(Arc::clone(&weeks));
        weeks
    }
}

/// The strips of many targets. Many differ in nothing that a week of a hundred pixels shows, so each drawing is kept once.
#[derive(Debug)]
pub(super) struct Weeks {
    schedules: Arc<Schedules>,
    rows: Vec<TargetPattern>,
    span: Span,
    /// The names and lines of days, for each zone.
    days: Vec<String>,
    drawings: Vec<String>,
    strips: Vec<Strip>,
    of_rows: Vec<usize>,
}

/// What all targets have for which the same schedules count.
#[derive(Debug)]
struct Strip {
    /// Which of the drawings.
    drawing: usize,
    /// Which of the days.
    days: usize,
    told: Markup,
}

impl Weeks {
    fn of(status: &Status, schedules: &Arc<Schedules>) -> Weeks {
        let span = span(status.at);
        let clocks = Clocks::of(schedules);
        let rows: Vec<TargetPattern> = status.targets.iter().map(|target| pattern(target)).collect();
        let lanes = schedules.lanes(&rows, Reach::Covering, span);
        let (mut days, mut zones, mut drawn) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        let strip = |lane: &Lane| {
            let zone = zone(lane, &clocks);
            let name = zone.iana_name().unwrap_or("UTC");
            let index = *zones.entry(name).or_insert_with(|| {
                days.push(strip::day_lines(span, zone));
                days.len() - 1
            });
            let next = drawn.len();
            let drawing = *drawn.entry(strip::strip(&lane.segments, span)).or_insert(next);
            Strip { drawing, days: index, told: html! { (told(lane, name)) } }
        };
        let strips = lanes.lanes.iter().map(strip).collect();
        let drawings = in_order(drawn);
        Weeks { schedules: Arc::clone(schedules), rows, span, days, drawings, strips, of_rows: lanes.of_rows }
    }

    /// Whether they are what [`Weeks::of`] would draw.
    fn fit(&self, status: &Status, schedules: &Arc<Schedules>) -> bool {
        let is_row =
            |(row, target): (&TargetPattern, &Arc<TargetStatus>)| row.exact().is_some_and(|row| row == target.id());
        Arc::ptr_eq(&self.schedules, schedules)
            && self.span == span(status.at)
            && self.rows.len() == status.targets.len()
            && self.rows.iter().zip(&status.targets).all(is_row)
    }

    /// What the strips of these rows refer to: once on the page, unseen. The classes stand where the style finds them in
    /// a copy too.
    pub(super) fn definitions(&self, rows: impl Iterator<Item = usize>, now: Timestamp) -> Markup {
        let drawings: BTreeSet<usize> = rows.map(|row| self.strips[self.of_rows[row]].drawing).collect();
        html! {
            svg.definitions aria-hidden="true" width="0" height="0" {
                @for (index, days) in self.days.iter().enumerate() {
                    symbol.tt.tt-strip id={ "d" (index) } viewBox=(VIEW_BOX) { (PreEscaped(days)) }
                }
                @for index in drawings {
                    symbol.tt.tt-strip id={ "t" (index) } viewBox=(VIEW_BOX) { (PreEscaped(&self.drawings[index])) }
                }
                symbol.tt.tt-strip id="now" viewBox=(VIEW_BOX) { (PreEscaped(strip::now_line(now, self.span))) }
            }
        }
    }

    /// The strip of the target at `row`.
    pub(super) fn strip(&self, row: usize) -> Markup {
        let strip = &self.strips[self.of_rows[row]];
        html! {
            svg role="img" viewBox=(VIEW_BOX) {
                title { (strip.told) }
                use href={ "#d" (strip.days) } {}
                use href={ "#t" (strip.drawing) } {}
                use href="#now" {}
            }
        }
    }
}

/// From the whole hour half a day ago.
fn span(now: Timestamp) -> Span {
    let hour = SignedDuration::from_secs(now.as_second().rem_euclid(3600) + BEHIND.as_secs());
    let add = |at: Timestamp, by| at.saturating_add(by).expect("a duration of hours needs no calendar");
    let from = add(Timestamp::from_second(now.as_second()).unwrap_or(now), -hour);
    Span { from, to: add(from, WEEK) }
}

fn pattern(target: &TargetStatus) -> TargetPattern {
    TargetPattern::of(&target.id())
}

/// Each key at the place that is its value.
fn in_order(places: BTreeMap<String, usize>) -> Vec<String> {
    let mut ordered: Vec<(String, usize)> = places.into_iter().collect();
    ordered.sort_unstable_by_key(|(_, place)| *place);
    ordered.into_iter().map(|(text, _)| text).collect()
}

/// The clock of the schedule that decides first.
fn zone<'a>(lane: &Lane, clocks: &Clocks<'a>) -> &'a TimeZone {
    let first = lane.segments.iter().find_map(|segment| segment.decision.as_ref());
    clocks.of_schedule(first.map(|held| &*held.schedule))
}

/// The strip in words: what it shows of floors, and on which clock.
fn told(lane: &Lane, zone: &str) -> String {
    let floors = lane.segments.iter().filter_map(|segment| segment.decision.as_ref()).map(|held| held.floor.min);
    let floors: BTreeSet<u32> = floors.collect();
    let changes = match lane.segments.len() {
        0 | 1 => "never changes".to_owned(),
        2 => "changes once".to_owned(),
        more => format!("changes {} times", more - 1),
    };
    match (floors.first(), floors.last()) {
        (Some(low), Some(high)) if low == high => format!("This week: the floor, {low}, {changes} ({zone})"),
        (Some(low), Some(high)) => format!("This week: a floor from {low} to {high} that {changes} ({zone})"),
        _ => "This week: left alone".to_owned(),
    }
}
