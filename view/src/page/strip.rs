//! A small picture of a week, for a row of a table: the steps of the floors, the days, and the present.
//!
//! The look of its classes is in [`baseload_core::render::svg::STYLE`].

use std::fmt::Write;

use baseload_core::model::Span;
use baseload_core::render::svg::scaled;
use baseload_core::render::{days, push_number};
use baseload_core::timetable::Segment;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// The view box of a strip's coordinates.
pub(super) const VIEW_BOX: &str = "0 0 1008 132";

const WIDTH: u32 = 1008;
const BASE: u32 = 100; // below it stand the names of the days
const HEIGHT: u32 = 84; // of the highest floor
const LONGEST_STEP: usize = 14; // bytes of a path
const LEAST_DAY: u32 = 64; // a day cut to less has no room for its name
const LEAST_LABEL: u32 = 26; // a strip's step narrower than that has no room for its floor

/// The steps of `segments` across `span`. What goes into an element `svg` or `symbol` with the view box of [`VIEW_BOX`].
/// Thousands are drawn for one page, so nothing here goes through the formatter.
pub(super) fn strip(segments: &[Segment], span: Span) -> String {
    let floors = segments.iter().filter_map(|segment| segment.decision.as_ref()).map(|held| held.floor.min);
    let mut steps = Steps { peak: floors.max().unwrap_or(0), ..Steps::default() };
    steps.area.reserve(segments.len() * LONGEST_STEP);
    steps.edge.reserve(segments.len() * LONGEST_STEP);
    for segment in segments {
        let (from, to) = (x_of(segment.span.from, span), x_of(segment.span.to, span));
        match &segment.decision {
            Some(held) => steps.floor(held.floor.min, from, to),
            None => steps.alone(from, to),
        }
    }
    steps.drawn()
}

/// A strip while it is drawn, from left to right.
#[derive(Default)]
struct Steps {
    peak: u32,
    area: String,
    edge: String,
    alone: String,
    labels: String,
    labelled: Vec<u32>,
    /// Where the area ends so far and does not go back to its base yet.
    open: Option<u32>,
}

impl Steps {
    fn floor(&mut self, min: u32, from: u32, to: u32) {
        let top = BASE - scaled(min, self.peak, HEIGHT);
        if self.open != Some(from) {
            self.close();
            step(&mut self.area, "M", from);
            step(&mut self.area, " ", BASE);
        }
        step(&mut self.area, "V", top);
        step(&mut self.area, "H", to);
        self.open = Some(to);
        step(&mut self.edge, "M", from);
        step(&mut self.edge, " ", top);
        step(&mut self.edge, "H", to);
        if to - from >= LEAST_LABEL && !self.labelled.contains(&min) {
            self.labelled.push(min);
            let y = if top < 34 { top + 30 } else { top - 8 }; // within the step, or above it
            step(&mut self.labels, "<text x=\"", from + 6);
            step(&mut self.labels, "\" y=\"", y);
            step(&mut self.labels, "\">", min);
            self.labels.push_str("</text>");
        }
    }

    fn alone(&mut self, from: u32, to: u32) {
        step(&mut self.alone, "M", from);
        step(&mut self.alone, " ", BASE);
        step(&mut self.alone, "H", to);
    }

    fn close(&mut self) {
        if self.open.take().is_some() {
            step(&mut self.area, "V", BASE);
            self.area.push('Z');
        }
    }

    fn drawn(mut self) -> String {
        self.close();
        let room = self.area.len() + self.edge.len() + self.alone.len() + self.labels.len() + 160;
        let mut out = String::with_capacity(room);
        for (class, path) in [("area", &self.area), ("edge", &self.edge), ("alone", &self.alone)] {
            if !path.is_empty() {
                for text in ["<path class=\"tt-", class, "\" d=\"", path, "\"/>"] {
                    out.push_str(text);
                }
            }
        }
        for text in ["<g class=\"tt-floors\">", &self.labels, "</g>"] {
            out.push_str(text);
        }
        out
    }
}

/// What leads to a number, and the number.
fn step(out: &mut String, lead: &str, number: u32) {
    out.push_str(lead);
    push_number(out, number.into());
}

/// The line of the present in a [`strip`] of `span`, and a veil over what is past.
pub(super) fn now_line(now: Timestamp, span: Span) -> String {
    let x = x_of(now, span);
    format!("<path class=\"tt-past\" d=\"M0 0H{x}V{BASE}H0Z\"/><path class=\"tt-now\" d=\"M{x} 0V{}\"/>", BASE + 6)
}

/// A line and a name for each local day, for every [`strip`] of `span` in `zone`.
pub(super) fn day_lines(span: Span, zone: &TimeZone) -> String {
    let mut path = String::new();
    let mut labels = String::new();
    for day in days(span, zone) {
        let midnight = |day: Date| day.to_zoned(zone.clone()).map(|midnight| midnight.timestamp());
        let (Ok(start), Ok(end)) = (midnight(day), day.tomorrow().and_then(midnight)) else { continue };
        let (left, right) = (x_of(start, span), x_of(end, span));
        if start > span.from {
            let _ = write!(path, "M{left} 8V{}", BASE + 26); // a String takes any text
        }
        if right - left >= LEAST_DAY {
            let _ = write!(labels, "<text x=\"{}\" y=\"126\">{}</text>", left + 6, day.strftime("%a"));
        }
    }
    format!(
        "<path class=\"tt-day\" d=\"{path}\"/><path class=\"tt-base\" d=\"M0 {BASE}H{WIDTH}\"/>\
         <g class=\"tt-days\">{labels}</g>"
    )
}

fn x_of(at: Timestamp, span: Span) -> u32 {
    let seconds = |from: Timestamp, to: Timestamp| to.as_second().saturating_sub(from.as_second()).max(0);
    let whole = seconds(span.from, span.to).max(1);
    let x = seconds(span.from, at).min(whole) * i64::from(WIDTH) / whole;
    u32::try_from(x).expect("it is within the strip")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use baseload_core::model::Floor;
    use baseload_core::timetable::{Cause, Decision};
    use jiff::SignedDuration;

    use super::*;

    fn at(hours: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hours)
    }

    /// Floors with the hours at which they end, from the first hour of a week on.
    fn drawn(floors: &[(Option<u32>, i64)]) -> String {
        let mut from = 0;
        let segment = |(min, to): &(Option<u32>, i64)| {
            let span = Span { from: at(from), to: at(*to) };
            from = *to;
            let floor = min.map(|min| Floor { min, max: None });
            let decision = floor.map(|floor| Decision { floor, schedule: Arc::from("s"), cause: Cause::Default });
            Segment { span, decision }
        };
        let segments: Vec<Segment> = floors.iter().map(segment).collect();
        strip(&segments, Span { from: at(0), to: at(7 * 24) })
    }

    #[test]
    fn steps_that_meet_are_one_area_with_a_line_on_each() {
        let strip = drawn(&[(Some(4), 84), (Some(1), 168)]);
        assert!(strip.contains(r#"class="tt-area" d="M0 100V16H504V58H1008V100Z""#), "{strip}");
        assert!(strip.contains(r#"class="tt-edge" d="M0 16H504M504 58H1008""#), "{strip}");
    }

    #[test]
    fn what_is_left_alone_parts_the_area_and_has_a_line_of_its_own() {
        let strip = drawn(&[(Some(4), 42), (None, 84), (Some(4), 168)]);
        assert!(strip.contains(r#"class="tt-area" d="M0 100V16H252V100ZM504 100V16H1008V100Z""#), "{strip}");
        assert!(strip.contains(r#"class="tt-alone" d="M252 100H504""#), "{strip}");
    }

    #[test]
    fn each_floor_is_told_once_where_there_is_room() {
        let strip = drawn(&[(Some(4), 84), (Some(9), 85), (Some(1), 120), (Some(4), 168)]);
        let labels: Vec<&str> =
            strip.split("</text>").filter_map(|text| text.rsplit_once('>')).map(|it| it.1).collect();
        assert_eq!(labels, ["4", "1", ""], "{strip}");
    }
}
