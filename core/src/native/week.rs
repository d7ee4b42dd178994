//! The weekly pattern of recurring actions, as windows.
//!
//! ```text
//! edges    night 1      day 3             friday 6   night 1
//!          ├────────────┤──────────────────┤─────────┤────── …   each holds until the next
//! windows  ├───night────┤     (default)    ├─friday──┤
//! ```
//! While actions begin or end (`StartTime`, `EndTime`) there are several patterns, one after the other.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::ScheduledAction;
use super::document::{Start, Window};
use super::expression::{Expression, Fields};
use super::firing::{HasMax, State, Stretch};
use crate::model::{Floor, Span};

const DAY: u16 = 24 * 60;
const WEEK: u16 = 7 * DAY;

/// What actions do over a span, and in whose local time it is to be said.
#[derive(Clone, Copy)]
pub(super) struct Pattern<'a> {
    pub(super) actions: &'a [ScheduledAction],
    pub(super) stretches: &'a [Stretch],
    pub(super) zone: &'a TimeZone,
    pub(super) has_max: HasMax,
    pub(super) span: Span,
}

/// A change within the week, in minutes after Monday's midnight.
struct Edge<'a> {
    minute: u16,
    state: State,
    action: &'a ScheduledAction,
}

/// The part of a run between two edges that starts on one day and lasts less than it, or all of it.
struct Piece<'a> {
    day: u8,
    from: u16,
    to: u16,
    floor: Floor,
    action: Option<&'a ScheduledAction>,
}

impl<'a> Pattern<'a> {
    /// Windows for the whole of every week of the span, the most frequent first.
    pub(super) fn windows(&self) -> Vec<Window> {
        let mut windows: Vec<Window> = Vec::new();
        let mut last_epoch: Vec<usize> = Vec::new();
        for epoch in self.epochs() {
            let mut this_epoch = Vec::new();
            for window in self.windows_of(epoch) {
                let goes_on = last_epoch.iter().find(|index| windows[**index].continues_as(&window));
                let index = goes_on.copied().unwrap_or(windows.len());
                match windows.get_mut(index) {
                    Some(earlier) => earlier.valid_until = window.valid_until,
                    None => windows.push(window),
                }
                this_epoch.push(index);
            }
            last_epoch = this_epoch;
        }
        windows.sort_by_key(|window| std::cmp::Reverse(window.days.count_ones()));
        windows
    }

    /// The stretches in which the same weekly actions are in force.
    fn epochs(&self) -> Vec<Span> {
        let after = |end: Timestamp| end.checked_add(SignedDuration::from_secs(1)).unwrap_or(end);
        let ends = self.weekly().filter_map(|(action, _)| action.end.map(after));
        let mut edges: Vec<Timestamp> = self.weekly().filter_map(|(action, _)| action.start).chain(ends).collect();
        edges.retain(|edge| self.span.from < *edge && *edge < self.span.to);
        edges.extend([self.span.from, self.span.to]);
        edges.sort_unstable();
        edges.dedup();
        edges.windows(2).map(|pair| Span { from: pair[0], to: pair[1] }).collect()
    }

    fn weekly(&self) -> impl Iterator<Item = (&'a ScheduledAction, &'a Fields)> {
        self.actions.iter().filter_map(|action| match &action.expression {
            Expression::Cron(fields) if fields.weekdays().is_some() => Some((action, fields)),
            Expression::Cron(_) | Expression::Rate(_) | Expression::At(_) => None,
        })
    }

    fn windows_of(&self, epoch: Span) -> Vec<Window> {
        let mut windows: Vec<Window> = Vec::new();
        for piece in self.pieces(epoch) {
            let window = self.window(&piece, epoch);
            match windows.iter_mut().find(|known| known.start == window.start && known.floor == window.floor) {
                Some(known) => known.days |= window.days,
                None => windows.push(window),
            }
        }
        windows
    }

    fn window(&self, piece: &Piece<'_>, epoch: Span) -> Window {
        let starts_after = |edge: Timestamp| self.first_date_from(edge, piece.from);
        Window {
            name: piece.action.map_or_else(String::new, |action| action.name.to_string()),
            note: piece.action.map_or_else(String::new, |action| action.schedule.to_string()),
            days: 1 << piece.day,
            start: Start::Daily { from: piece.from, to: piece.to },
            valid_from: (epoch.from > self.span.from).then(|| starts_after(epoch.from)),
            valid_until: (epoch.to < self.span.to).then(|| before(starts_after(epoch.to))),
            floor: piece.floor,
        }
    }

    /// The first date on which this minute of the day is not before `edge`.
    fn first_date_from(&self, edge: Timestamp, minute: u16) -> Date {
        let local = self.zone.to_datetime(edge);
        let is_past = super::firing::time(minute) < local.time();
        if is_past { local.date().tomorrow().unwrap_or(local.date()) } else { local.date() }
    }

    fn pieces(&self, epoch: Span) -> Vec<Piece<'a>> {
        let edges = self.edges(epoch);
        if edges.is_empty() {
            return self.constant(epoch);
        }
        let mut pieces = Vec::new();
        let runs = edges.iter().zip(edges.iter().skip(1).map(|next| next.minute).chain([WEEK + edges[0].minute]));
        for (edge, until) in runs {
            let Some(floor) = edge.state.floor(self.has_max) else { continue };
            pieces.extend(split(edge.minute, until).map(|(day, from, to)| Piece {
                day,
                from,
                to,
                floor,
                action: Some(edge.action),
            }));
        }
        pieces
    }

    /// Every day as a whole, where nothing changes by the week.
    fn constant(&self, epoch: Span) -> Vec<Piece<'a>> {
        let state = self.stretches.iter().rev().find(|stretch| stretch.span.from < epoch.to).map(|last| last.state);
        let floor = state.and_then(|state| state.floor(self.has_max));
        let days = 0..if floor.is_some() { 7 } else { 0 };
        days.zip(std::iter::repeat(floor).flatten())
            .map(|(day, floor)| Piece { day, from: 0, to: DAY, floor, action: None })
            .collect()
    }

    /// The changes of the week, those that change nothing left out.
    fn edges(&self, epoch: Span) -> Vec<Edge<'a>> {
        let in_force = |action: &ScheduledAction| {
            action.start.is_none_or(|start| start <= epoch.from) && action.end.is_none_or(|end| end >= epoch.from)
        };
        let mut firings: Vec<(u16, &ScheduledAction)> = Vec::new();
        for (action, fields) in self.weekly().filter(|(action, _)| in_force(action)) {
            let weekdays = fields.weekdays().unwrap_or_default();
            for day in (0..7_u16).filter(|day| weekdays & 1 << day != 0) {
                firings.extend(fields.minutes_of_day().map(|minute| (day * DAY + minute, action)));
            }
        }
        firings.sort_by_key(|(minute, _)| *minute);
        let at_first = self.stretches.iter().find(|stretch| epoch.from < stretch.span.to).map(|first| first.state);
        let before = firings.iter().fold(at_first.unwrap_or_default(), |state, (_, action)| state.after(action));
        changes(&firings, before)
    }
}

/// The firings that change the state which stands before the first of them.
fn changes<'a>(firings: &[(u16, &'a ScheduledAction)], before: State) -> Vec<Edge<'a>> {
    let mut edges: Vec<Edge<'a>> = Vec::new();
    let mut state = before;
    for &(minute, action) in firings {
        let next = state.after(action);
        if next != state {
            edges.retain(|edge| edge.minute != minute);
            edges.push(Edge { minute, state: next, action });
        }
        state = next;
    }
    edges
}

/// A run within the week, cut at midnights where it lasts a day or longer.
fn split(from: u16, until: u16) -> impl Iterator<Item = (u8, u16, u16)> {
    let day_of = |minute: u16| (minute / DAY % 7) as u8;
    let is_short = until - from < DAY;
    let mut next = from;
    std::iter::from_fn(move || {
        if next >= until {
            return None;
        }
        let begin = next;
        let midnight = (begin / DAY + 1) * DAY;
        next = if is_short { until } else { until.min(midnight) };
        let to = match next % DAY {
            0 => DAY,
            minute => minute,
        };
        Some((day_of(begin), begin % DAY, to))
    })
}

fn before(date: Date) -> Date {
    date.yesterday().unwrap_or(date)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(from: u16, until: u16) -> Vec<(u8, u16, u16)> {
        split(from, until).collect()
    }

    #[test]
    fn a_run_of_less_than_a_day_stays_whole_over_midnight() {
        assert_eq!(pieces(22 * 60, 30 * 60), [(0, 22 * 60, 6 * 60)]);
        assert_eq!(pieces(22 * 60, DAY), [(0, 22 * 60, DAY)]);
    }

    #[test]
    fn a_longer_run_is_cut_at_midnights_and_wraps_around_the_week() {
        let friday_evening = 4 * DAY + 20 * 60;
        let monday_morning = WEEK + 7 * 60;
        let expected = [(4, 20 * 60, DAY), (5, 0, DAY), (6, 0, DAY), (0, 0, 7 * 60)];
        assert_eq!(pieces(friday_evening, monday_morning), expected);
        assert_eq!(pieces(9 * 60, DAY + 9 * 60), [(0, 9 * 60, DAY), (1, 0, 9 * 60)]);
        assert_eq!(pieces(DAY, 2 * DAY), [(1, 0, DAY)]);
    }
}
