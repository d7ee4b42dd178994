//! A preview for a terminal: a strip for each day, or, for more than two weeks, the list of segments.
//!
//! Targets that share every segment share one block, so that three thousand alike read like one.

use std::fmt::Write;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::blocks::{days, decisions, groups, peak};
use super::words::{clock_change, figure, local_time, zone_name};
use super::{Preview, strip};
use crate::diagnostic::{Colour, printable};
use crate::model::{Floor, Span, TargetPattern};
use crate::timetable::Segment;

const WIDTH: usize = 80;
const TITLE_LINES: usize = 3; // of target names above a block
const MOST_STRIPS: usize = 15; // two weeks that begin in the middle of a day
const MOST_CHANGES: usize = 28; // four a day in a week

/// Tells `preview` in the wall-clock time of `zone`.
pub fn preview(preview: &Preview, zone: &TimeZone, ink: Colour) -> String {
    let mut out = header(preview, zone);
    let days = days(preview.span, zone);
    for (targets, segments) in groups(&preview.rows) {
        out.push('\n');
        out.push_str(&title(&targets, ink));
        if days.len() <= MOST_STRIPS {
            strips(&mut out, &days, zone, segments, ink);
            legend(&mut out, segments);
            changes(&mut out, segments, zone);
        } else {
            listing(&mut out, segments, zone);
        }
    }
    if preview.rows.is_empty() {
        out.push_str("\nNo schedule names any target.\n");
    }
    out
}

fn header(preview: &Preview, zone: &TimeZone) -> String {
    let told = |at: Timestamp| at.to_zoned(zone.clone()).strftime("%a %e %b %Y %H:%M").to_string();
    let Span { from, to } = preview.span;
    format!("{} to {}\nTimes are {}, by tzdb {}.\n", told(from), told(to), zone_name(zone), preview.tzdb)
}

/// The names of a block's targets, over three lines at most.
fn title(targets: &[&TargetPattern], ink: Colour) -> String {
    let names: Vec<String> = targets.iter().map(|target| printable(&target.to_string())).collect();
    let mut lines = vec![if names.len() > 1 { format!("{} targets:", names.len()) } else { String::new() }];
    for (index, name) in names.iter().enumerate() {
        let rest = format!(" and {} more", names.len() - index);
        let comma = if index + 1 < names.len() { "," } else { "" };
        let is_last_line = lines.len() == TITLE_LINES;
        let line = lines.last_mut().expect("a title has a line from the start");
        let separator = if line.is_empty() { "" } else { " " };
        if line.len() + separator.len() + name.len() + comma.len() + rest.len() <= WIDTH || line.is_empty() {
            write!(line, "{separator}{name}{comma}").expect("a String takes everything");
        } else if is_last_line {
            let shortened = line.trim_end_matches(',').len();
            line.truncate(shortened);
            line.push_str(&rest);
            break;
        } else {
            lines.push(format!("  {name}{comma}"));
        }
    }
    let bold = |line: String| match ink {
        Colour::Never => format!("{line}\n"),
        Colour::Ansi => format!("\u{1b}[1m{line}\u{1b}[0m\n"),
    };
    lines.into_iter().map(bold).collect()
}

/// The strips and what their floors come from, without colour.
pub(super) fn picture(days: &[Date], zone: &TimeZone, segments: &[Segment]) -> String {
    let mut out = String::new();
    strips(&mut out, days, zone, segments, Colour::Never);
    legend(&mut out, segments);
    out
}

fn strips(out: &mut String, days: &[Date], zone: &TimeZone, segments: &[Segment], ink: Colour) {
    let peak = peak(segments);
    let mut notes = Vec::new();
    line(out, &format!("{:12}{}", "", strip::SCALE));
    for day in days {
        let change = clock_change(*day, zone);
        let mark = change.as_ref().map_or(String::new(), |change| format!("  {}", hours(change.length)));
        let strip = strip::draw(*day, zone, segments, peak, ink);
        line(out, &format!("{}  {strip}{mark}", day.strftime("%a %e %b")));
        if let Some(change) = change {
            let (from, to) = &change.between;
            let short = change.length < SignedDuration::from_hours(24);
            let what = if short { "is skipped (×)" } else { "comes twice; the higher floor is drawn" };
            notes.push(format!("{}: {from}–{to} {what}.", day.strftime("%a %e %b")));
        }
    }
    notes.iter().for_each(|note| line(out, note));
}

/// `25h`, `23h 30m`.
fn hours(duration: SignedDuration) -> String {
    match (duration.as_hours(), duration.as_mins() % 60) {
        (hours, 0) => format!("{hours}h"),
        (hours, minutes) => format!("{hours}h {minutes}m"),
    }
}

/// One line for each decision of the block, lowest floor first.
fn legend(out: &mut String, segments: &[Segment]) {
    for decision in decisions(segments) {
        match decision {
            Some(held) => line(
                out,
                &format!(
                    "{:>12}  {}",
                    figure(held.floor),
                    printable(&format!("{}, schedule {}", held.cause, held.schedule))
                ),
            ),
            None => line(out, &format!("{:>12}  left alone: no schedule takes part", "·")),
        }
    }
}

/// Where one segment ends and the next begins, as long as that is short.
fn changes(out: &mut String, segments: &[Segment], zone: &TimeZone) {
    let pairs = segments.windows(2);
    let count = pairs.len();
    line(out, if count == 0 { "Nothing changes." } else { "Changes:" });
    for pair in pairs.take(MOST_CHANGES) {
        let figures = format!("{} → {}", held(&pair[0]), held(&pair[1]));
        line(out, &format!("  {:23} {figures:12} {}", local_time(pair[1].span.from, zone), cause(&pair[1])));
    }
    if count > MOST_CHANGES {
        line(out, &format!("  … and {} more; -o json lists them all", count - MOST_CHANGES));
    }
}

/// Every segment on a line of its own.
fn listing(out: &mut String, segments: &[Segment], zone: &TimeZone) {
    for segment in segments {
        let from = segment.span.from.to_zoned(zone.clone()).strftime("%a %e %b %Y %H:%M %:z").to_string();
        line(out, &format!("  from {from}  {:>8}  {}", held(segment), cause(segment)));
    }
}

fn held(segment: &Segment) -> String {
    let floor: Option<Floor> = segment.decision.as_ref().map(|decision| decision.floor);
    floor.map_or("·".to_owned(), figure)
}

fn cause(segment: &Segment) -> String {
    match &segment.decision {
        Some(decision) => printable(&format!("{}, {}", decision.cause, decision.schedule)),
        None => "left alone".to_owned(),
    }
}

fn line(out: &mut String, text: &str) {
    out.push_str(text.trim_end());
    out.push('\n');
}
