//! What every picture of a timetable is put together from: targets that share theirs, local days, and what holds in them.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::model::{Span, TargetPattern};
use crate::timetable::{Cause, Decision, Segment};

/// The local days that the span touches.
pub fn days(span: Span, zone: &TimeZone) -> Vec<Date> {
    let date = |at: Timestamp| at.to_zoned(zone.clone()).date();
    let last = date((span.to - SignedDuration::from_nanos(1)).max(span.from));
    let days = std::iter::successors(Some(date(span.from)), |day| day.tomorrow().ok());
    days.take_while(|day| *day <= last).collect()
}

/// Targets with equal segments, together; in the order in which the first of each comes.
pub(super) fn groups(rows: &[(TargetPattern, Vec<Segment>)]) -> Vec<(Vec<&TargetPattern>, &[Segment])> {
    let mut groups: Vec<(Vec<&TargetPattern>, &[Segment])> = Vec::new();
    let mut known = BTreeMap::new();
    for (target, segments) in rows {
        let next = groups.len();
        let index = *known.entry(segments.iter().map(sort_key).collect::<Vec<_>>()).or_insert(next);
        if index == next {
            groups.push((Vec::new(), segments));
        }
        groups[index].0.push(target);
    }
    groups
}

type SortKey<'a> = (Timestamp, Timestamp, Option<(u32, Option<u32>, &'a str, &'a Cause)>);

fn sort_key(segment: &Segment) -> SortKey<'_> {
    let decision = segment.decision.as_ref();
    let key = |decision: &'_ Decision| (decision.floor.min, decision.floor.max);
    let names = decision.map(|decision| (key(decision), &*decision.schedule, &decision.cause));
    (segment.span.from, segment.span.to, names.map(|((min, max), schedule, cause)| (min, max, schedule, cause)))
}

/// Each decision of a block once, lowest floor first; `None` before all, where the target is left alone.
pub(super) fn decisions(segments: &[Segment]) -> Vec<Option<&Decision>> {
    let mut decisions: Vec<Option<&Decision>> = segments.iter().map(|segment| segment.decision.as_ref()).collect();
    decisions.sort_by_key(|decision| decision.map(|d| (d.floor.min, d.floor.max, &d.cause, &d.schedule)));
    decisions.dedup();
    decisions
}

/// The highest floor of a block; 0 where nothing is declared.
pub(super) fn peak(segments: &[Segment]) -> u32 {
    segments.iter().filter_map(|segment| segment.decision.as_ref()).map(|held| held.floor.min).max().unwrap_or(0)
}

/// `shop/api, shop/www and 3 more`, with at most `most` names.
pub(super) fn names(targets: &[&TargetPattern], most: usize) -> String {
    let named: Vec<String> = targets.iter().take(most).map(|target| target.to_string()).collect();
    let named = named.join(", ");
    match targets.len().saturating_sub(most) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

/// A stretch of one local day, in minutes of its wall clock, 0 to 1440.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    pub(super) from: i32,
    pub(super) to: i32,
    pub(super) content: Content<'a>,
}

/// What a piece shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content<'a> {
    /// What is declared; `None`: the target is left alone.
    Held(Option<&'a Decision>),
    /// Wall-clock time that the clock jumps over.
    Skipped,
}

/// One local day of a timetable, from midnight to midnight, as the clock on the wall shows it. Of a stretch that the clock
/// shows twice, the higher floor.
pub(super) fn pieces<'a>(date: Date, zone: &TimeZone, segments: &'a [Segment]) -> Vec<Piece<'a>> {
    let mut pieces: Vec<Piece<'a>> = Vec::new();
    let mut reached = 0;
    for run in offset_runs(date, zone) {
        let offset = zone.to_offset(run.from);
        let minute = |at: Timestamp| minutes_into(date, offset.to_datetime(at));
        if minute(run.from) > reached {
            pieces.push(Piece { from: reached, to: minute(run.from), content: Content::Skipped });
        }
        reached = minute(run.to);
        let first = segments.partition_point(|segment| segment.span.to <= run.from);
        for segment in segments[first..].iter().take_while(|segment| segment.span.from < run.to) {
            let (from, to) = (minute(segment.span.from.max(run.from)), minute(segment.span.to.min(run.to)));
            pieces.push(Piece { from, to, content: Content::Held(segment.decision.as_ref()) });
        }
    }
    if reached < MINUTES_A_DAY {
        pieces.push(Piece { from: reached, to: MINUTES_A_DAY, content: Content::Skipped });
    }
    flattened(&pieces)
}

/// The same without overlaps, with pieces that show the same joined.
fn flattened<'a>(pieces: &[Piece<'a>]) -> Vec<Piece<'a>> {
    let mut edges: Vec<i32> = pieces.iter().flat_map(|piece| [piece.from, piece.to]).collect();
    edges.sort_unstable();
    edges.dedup();
    let mut flat: Vec<Piece<'a>> = Vec::new();
    for edge in edges.windows(2) {
        let covers = |piece: &&Piece<'a>| piece.from <= edge[0] && edge[1] <= piece.to;
        let Some(shown) = pieces.iter().filter(covers).max_by_key(|piece| height(piece.content)) else { continue };
        match flat.last_mut().filter(|last| last.to == edge[0] && last.content == shown.content) {
            Some(last) => last.to = edge[1],
            None => flat.push(Piece { from: edge[0], to: edge[1], content: shown.content }),
        }
    }
    flat
}

const MINUTES_A_DAY: i32 = 24 * 60;

/// The stretches of one offset from UTC that make up a local day.
fn offset_runs(date: Date, zone: &TimeZone) -> Vec<Span> {
    let midnight = |date: Date| date.to_zoned(zone.clone()).map(|midnight| midnight.timestamp());
    let (Ok(from), Ok(to)) = (midnight(date), date.tomorrow().and_then(midnight)) else { return Vec::new() };
    let transitions = zone.following(from).map(|transition| transition.timestamp()).take_while(|at| *at < to);
    let edges: Vec<Timestamp> = [from].into_iter().chain(transitions).chain([to]).collect();
    edges.windows(2).map(|edge| Span { from: edge[0], to: edge[1] }).filter(|run| run.from < run.to).collect()
}

/// Minutes from the day's midnight, kept within the day.
fn minutes_into(date: Date, local: jiff::civil::DateTime) -> i32 {
    let minutes = local.duration_since(date.at(0, 0, 0, 0)).as_mins();
    i32::try_from(minutes.clamp(0, MINUTES_A_DAY.into())).expect("a day has 1440 minutes")
}

fn height(content: Content<'_>) -> Option<u32> {
    match content {
        Content::Held(Some(decision)) => Some(decision.floor.min),
        Content::Held(None) | Content::Skipped => None,
    }
}
