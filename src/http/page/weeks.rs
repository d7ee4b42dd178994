//! The pictures of what is to come: a strip for each row of the table, drawn once for all targets that share it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use baseload_core::model::{Span, TargetPattern};
use baseload_core::render::svg;
use baseload_core::status::{Status, TargetStatus};
use baseload_core::timetable::{Lane, Reach, Schedules};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, PreEscaped, html};

use super::words::Clocks;

/// How much of the past a strip shows.
const BEHIND: SignedDuration = SignedDuration::from_hours(12);

/// How much a strip shows in all.
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The last strips that were drawn: they stay the same for an hour, or until the schedules or the targets change.
#[derive(Debug, Default)]
pub(crate) struct Almanac(Mutex<Option<Arc<Weeks>>>);

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

/// The strips of many targets.
#[derive(Debug)]
pub(super) struct Weeks {
    schedules: Arc<Schedules>,
    rows: Vec<TargetPattern>,
    span: Span,
    /// The names and lines of days, for each zone.
    days: Vec<String>,
    strips: Vec<Strip>,
    of_rows: Vec<usize>,
}

#[derive(Debug)]
struct Strip {
    drawn: String,
    told: String,
    days: usize,
}

impl Weeks {
    fn of(status: &Status, schedules: &Arc<Schedules>) -> Weeks {
        let span = span(status.at);
        let clocks = Clocks::of(schedules);
        let rows: Vec<TargetPattern> = status.targets.iter().map(|target| pattern(target)).collect();
        let lanes = schedules.lanes(&rows, Reach::Covering, span);
        let (mut days, mut known) = (Vec::new(), BTreeMap::new());
        let strip = |lane: &Lane| {
            let zone = zone(lane, &clocks);
            let name = zone.iana_name().unwrap_or("UTC");
            let index = *known.entry(name).or_insert_with(|| {
                days.push(svg::strip_days(span, zone));
                days.len() - 1
            });
            Strip { drawn: svg::strip(&lane.segments, span), told: told(lane, name), days: index }
        };
        let strips = lanes.lanes.iter().map(strip).collect();
        Weeks { schedules: Arc::clone(schedules), rows, span, days, strips, of_rows: lanes.of_rows }
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
        let view_box = view_box();
        let lanes: BTreeSet<usize> = rows.map(|row| self.of_rows[row]).collect();
        html! {
            svg.definitions aria-hidden="true" width="0" height="0" {
                @for (index, days) in self.days.iter().enumerate() {
                    symbol.tt.tt-strip id={ "d" (index) } viewBox=(view_box) { (PreEscaped(days)) }
                }
                @for lane in lanes {
                    symbol.tt.tt-strip id={ "t" (lane) } viewBox=(view_box) { (PreEscaped(&self.strips[lane].drawn)) }
                }
                symbol.tt.tt-strip id="now" viewBox=(view_box) { (PreEscaped(svg::strip_now(now, self.span))) }
            }
        }
    }

    /// The strip of the target at `row`.
    pub(super) fn strip(&self, row: usize) -> Markup {
        let lane = self.of_rows[row];
        let strip = &self.strips[lane];
        html! {
            svg role="img" viewBox=(view_box()) {
                title { (strip.told) }
                use href={ "#d" (strip.days) } {}
                use href={ "#t" (lane) } {}
                use href="#now" {}
            }
        }
    }
}

fn view_box() -> String {
    let (width, height) = svg::STRIP;
    format!("0 0 {width} {height}")
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
