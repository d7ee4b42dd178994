//! Timetables as SVG: a picture with a row for each day, and a whole document.
//!
//! Only elements, classes and numbers are written; [`STYLE`] gives the classes their look, light and dark. Text is
//! escaped, and nothing is drawn from outside.

use std::fmt::Write;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::Preview;
use super::blocks::{Content, Piece, days, decisions, groups, names, peak, pieces};
use super::words::{clock_change, escaped, figure, zone_name};
use crate::model::Span;
use crate::timetable::{Decision, Segment};

/// How the pictures look: once in every document that holds one.
pub const STYLE: &str = include_str!("svg.css");

/// `height` where `min` is the peak. Heights grow as the square root does, so that one Black Friday does not press the
/// rest of the week to the ground.
#[inline]
pub fn scaled(min: u32, peak: u32, height: u32) -> u32 {
    let square = u64::from(height) * u64::from(height) * u64::from(min) / u64::from(peak.max(1));
    u32::try_from(square).map_or(height, |square| square.isqrt().min(height))
}

const LEFT: i32 = 92; // of the first hour
const DAY_WIDTH: i32 = 720; // half a unit a minute
const WIDTH: i32 = LEFT + DAY_WIDTH + 44;
const SCALE_HEIGHT: i32 = 24;
const ROW_HEIGHT: i32 = 40;
const BAR_HEIGHT: u32 = 30;

/// The most days that are drawn; a longer span ends with a line that says so.
const MOST_DAYS: usize = 100;

/// A picture with a row for each local day of `span`, and the line of the present where `now` is within it: an element
/// `svg` that `label` describes.
pub fn timetable(segments: &[Segment], span: Span, zone: &TimeZone, now: Option<Timestamp>, label: &str) -> String {
    let (body, height) = day_rows(segments, span, zone, now);
    let label = escaped(label);
    format!(
        "<svg class=\"tt\" role=\"img\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\">\
         <title>{label}</title>{body}</svg>"
    )
}

/// The rows, and how high they are together.
fn day_rows(segments: &[Segment], span: Span, zone: &TimeZone, now: Option<Timestamp>) -> (String, i32) {
    let mut out = String::new();
    let mut days = days(span, zone);
    let more = days.len().saturating_sub(MOST_DAYS);
    days.truncate(MOST_DAYS);
    let bottom = SCALE_HEIGHT + ROW_HEIGHT * i32::try_from(days.len()).expect("so many days are not drawn");
    hour_lines(&mut out, bottom);
    let peak = peak(segments);
    for (row, day) in (0..).zip(&days) {
        let base = SCALE_HEIGHT + ROW_HEIGHT * (row + 1) - 4;
        day_row(&mut out, *day, zone, segments, peak, base);
        if let Some(now) = now.filter(|now| now.to_zoned(zone.clone()).date() == *day) {
            now_line(&mut out, now, zone, base);
        }
    }
    if more > 0 {
        put(
            &mut out,
            format_args!("<text class=\"tt-quiet\" x=\"{LEFT}\" y=\"{}\">… and {more} more days</text>", bottom + 18),
        );
        return (out, bottom + 28);
    }
    (out, bottom + 4)
}

fn hour_lines(out: &mut String, bottom: i32) {
    let mut path = String::new();
    for hour in (0..=24).step_by(3) {
        let x = LEFT + hour * 30;
        put(&mut path, format_args!("M{x} {SCALE_HEIGHT}V{bottom}"));
        put(out, format_args!("<text class=\"tt-hour\" x=\"{x}\" y=\"15\">{hour:02}</text>"));
    }
    put(out, format_args!("<path class=\"tt-day\" d=\"{path}\"/>"));
}

fn day_row(out: &mut String, day: Date, zone: &TimeZone, segments: &[Segment], peak: u32, base: i32) {
    let name = day.strftime("%a %-d %b");
    put(out, format_args!("<text class=\"tt-date\" x=\"0\" y=\"{}\">{name}</text>", base - 6));
    put(out, format_args!("<path class=\"tt-base\" d=\"M{LEFT} {base}h{DAY_WIDTH}\"/>"));
    for piece in pieces(day, zone, segments) {
        bar(out, &piece, peak, base);
    }
    if let Some(change) = clock_change(day, zone) {
        let (x, y, length) = (LEFT + DAY_WIDTH + 6, base - 6, told_hours(change.length));
        put(out, format_args!("<text class=\"tt-quiet\" x=\"{x}\" y=\"{y}\">{length}</text>"));
    }
}

/// `25h`: what a day whose clock changes lasts, to half an hour.
fn told_hours(length: SignedDuration) -> String {
    let half = if length.as_mins() % 60 >= 30 { "½" } else { "" };
    format!("{}{half}h", length.as_hours())
}

fn bar(out: &mut String, piece: &Piece<'_>, peak: u32, base: i32) {
    let (x, width) = (LEFT + piece.from / 2, (piece.to - piece.from + 1) / 2);
    if width <= 0 {
        return;
    }
    match piece.content {
        Content::Skipped => {
            let top = base - BAR_HEIGHT.cast_signed();
            put(
                out,
                format_args!(
                    "<rect class=\"tt-skip\" x=\"{x}\" y=\"{top}\" width=\"{width}\" height=\"{BAR_HEIGHT}\"/>"
                ),
            );
        }
        Content::Held(None) => put(out, format_args!("<path class=\"tt-alone\" d=\"M{x} {base}h{width}\"/>")),
        Content::Held(Some(held)) => floor_bar(out, held, (x, width), peak, base),
    }
}

fn floor_bar(out: &mut String, held: &Decision, (x, width): (i32, i32), peak: u32, base: i32) {
    let height = scaled(held.floor.min, peak, BAR_HEIGHT).cast_signed();
    let top = base - height;
    let shown = width - i32::from(width > 2); // a gap between neighbours
    put(out, format_args!("<rect class=\"tt-area\" x=\"{x}\" y=\"{top}\" width=\"{shown}\" height=\"{height}\"/>"));
    put(out, format_args!("<path class=\"tt-edge\" d=\"M{x} {top}h{shown}\"/>"));
    let label = figure(held.floor);
    let needed = 10 + 8 * i32::try_from(label.len()).expect("a floor has few digits");
    if width >= needed {
        // Within the bar where it is high enough, above it otherwise.
        let y = if height >= 20 { top + 15 } else { top - 5 };
        put(out, format_args!("<text class=\"tt-floor\" x=\"{}\" y=\"{y}\">{label}</text>", x + 5));
    }
}

fn now_line(out: &mut String, now: Timestamp, zone: &TimeZone, base: i32) {
    let local = now.to_zoned(zone.clone());
    let x = LEFT + i32::from(local.hour()) * 30 + i32::from(local.minute()) / 2;
    put(out, format_args!("<path class=\"tt-now\" d=\"M{x} {}V{}\"/>", base - 34, base + 3));
    put(out, format_args!("<circle class=\"tt-dot\" cx=\"{x}\" cy=\"{}\" r=\"3.5\"/>", base - 34));
}

const MARGIN: i32 = 24;
const MOST_NAMES: usize = 6;
const LINE: i32 = 20;

impl Preview {
    /// The whole preview as one SVG document that reads by itself: targets alike share a picture, with the clock of
    /// `zone` and a line for each floor that says where it comes from.
    pub fn to_svg(&self, zone: &TimeZone) -> String {
        let mut body = String::new();
        let mut y = MARGIN + 18;
        let told = |at: Timestamp| at.to_zoned(zone.clone()).strftime("%a %-d %b %Y %H:%M").to_string();
        let title = format!("{} to {}", told(self.span.from), told(self.span.to));
        put(&mut body, format_args!("<text class=\"tt-title\" x=\"{MARGIN}\" y=\"{y}\">{title}</text>"));
        y += 22;
        let clock = format!("Times are {}, by tzdb {}", escaped(zone_name(zone)), escaped(&self.tzdb));
        put(&mut body, format_args!("<text class=\"tt-quiet\" x=\"{MARGIN}\" y=\"{y}\">{clock}</text>"));
        for (targets, segments) in groups(&self.rows) {
            y += 40;
            let names = escaped(&names(&targets, MOST_NAMES));
            put(&mut body, format_args!("<text class=\"tt-name\" x=\"{MARGIN}\" y=\"{y}\">{names}</text>"));
            let (rows, height) = day_rows(segments, self.span, zone, None);
            put(&mut body, format_args!("<g transform=\"translate({MARGIN} {})\">{rows}</g>", y + 10));
            y = legend(&mut body, segments, y + 10 + height);
        }
        if self.rows.is_empty() {
            y += 40;
            put(
                &mut body,
                format_args!("<text class=\"tt-name\" x=\"{MARGIN}\" y=\"{y}\">No schedule names any target.</text>"),
            );
        }
        let (width, height) = (WIDTH + 2 * MARGIN, y + MARGIN);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"tt tt-paper\" role=\"img\" viewBox=\"0 0 {width} {height}\" \
             width=\"{width}\" height=\"{height}\">\n<title>Capacity floors, {title}</title>\n<style>{STYLE}</style>\n\
             <rect class=\"tt-ground\" width=\"{width}\" height=\"{height}\"/>\n{body}\n</svg>\n"
        )
    }
}

/// A line for each decision; returns how far down it came.
fn legend(out: &mut String, segments: &[Segment], mut y: i32) -> i32 {
    for decision in decisions(segments) {
        y += LINE;
        let (floor, why) = match decision {
            Some(held) => (figure(held.floor), escaped(&format!("{} of schedule {}", held.cause, held.schedule))),
            None => ("–".to_owned(), "left alone: no schedule takes part".to_owned()),
        };
        let (figures, words) = (MARGIN + LEFT - 12, MARGIN + LEFT);
        put(out, format_args!("<text class=\"tt-floor\" text-anchor=\"end\" x=\"{figures}\" y=\"{y}\">{floor}</text>"));
        put(out, format_args!("<text class=\"tt-why\" x=\"{words}\" y=\"{y}\">{why}</text>"));
    }
    y
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a String takes everything");
}
