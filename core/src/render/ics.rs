//! A preview as a calendar (RFC 5545): one event for each stretch with another floor than the schedule's default.
//!
//! Nothing in it depends on when it is made but the span itself: whoever subscribes gets the same event, under the same
//! UID, from every rendering that holds it.

use jiff::{SignedDuration, Timestamp};

use super::Preview;
use super::blocks::{groups, names};
use super::words::{cause, tasks};
use crate::diagnostic::printable;
use crate::model::{Span, TargetPattern};
use crate::timetable::{Decision, Schedules, Segment};

/// So many targets are named in an event's title; its description names more.
const MOST_IN_TITLE: usize = 3;
const MOST_IN_DESCRIPTION: usize = 100;

/// How far around the span stretches are followed, so that one which the span cuts shows with its true ends: the longest
/// that a window can last.
const AROUND: SignedDuration = SignedDuration::from_hours(31 * 24);

/// The longest line, in octets, without its end.
const LINE: usize = 75;

impl Preview {
    /// The calendar; `schedules` are those that the preview is of.
    pub fn to_ics(&self, schedules: &Schedules) -> String {
        let mut out = Lines::default();
        for line in ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Baseload//Preview//EN", "CALSCALE:GREGORIAN"] {
            out.add(line);
        }
        out.add("X-WR-CALNAME:Capacity floors");
        let around = Span { from: saturating(self.span.from, -AROUND), to: saturating(self.span.to, AROUND) };
        for (targets, segments) in groups(&Preview::of(schedules, around, "").rows) {
            for segment in segments.iter().filter(|segment| overlap(segment.span, self.span)) {
                if let Some(held) = segment.decision.as_ref().filter(|held| differs(held, schedules)) {
                    event(&mut out, &targets, segment, held);
                }
            }
        }
        out.add("END:VCALENDAR");
        out.0
    }
}

fn saturating(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).expect("a duration of hours needs no calendar")
}

fn overlap(a: Span, b: Span) -> bool {
    a.from < b.to && b.from < a.to
}

fn differs(held: &Decision, schedules: &Schedules) -> bool {
    let default = schedules.get(&held.schedule).and_then(|schedule| schedule.default);
    default != Some(held.floor)
}

fn event(out: &mut Lines, targets: &[&TargetPattern], segment: &Segment, held: &Decision) {
    let start = utc(segment.span.from);
    let uid = format!("{start}/{}/{}/{}@baseload", targets[0], held.schedule, held.cause);
    let title = format!("{}: {}", tasks(held.floor), names(targets, MOST_IN_TITLE));
    let all = names(targets, MOST_IN_DESCRIPTION);
    let description = format!("Floor by {} of schedule {}.\nTargets: {all}", cause(&held.cause), held.schedule);
    out.add("BEGIN:VEVENT");
    out.add(&format!("UID:{}", escaped(&uid)));
    // A stamp that moved with every rendering would make every rendering news.
    out.add(&format!("DTSTAMP:{start}"));
    out.add(&format!("DTSTART:{start}"));
    out.add(&format!("DTEND:{}", utc(segment.span.to)));
    out.add(&format!("SUMMARY:{}", escaped(&title)));
    out.add(&format!("DESCRIPTION:{}", escaped(&description)));
    out.add("TRANSP:TRANSPARENT");
    out.add("END:VEVENT");
}

fn utc(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// A value of the type TEXT.
fn escaped(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(printable).collect();
    lines.join("\n").replace('\\', "\\\\").replace(';', "\\;").replace(',', "\\,").replace('\n', "\\n")
}

/// Lines that end in CRLF, folded where they are too long, never within a character.
#[derive(Default)]
struct Lines(String);

impl Lines {
    fn add(&mut self, line: &str) {
        let mut room = LINE;
        for c in line.chars() {
            if c.len_utf8() > room {
                self.0.push_str("\r\n ");
                room = LINE - 1;
            }
            self.0.push(c);
            room -= c.len_utf8();
        }
        self.0.push_str("\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_folded_at_75_octets_and_never_within_a_character() {
        let mut lines = Lines::default();
        lines.add(&"é".repeat(100));
        let folded: Vec<&str> = lines.0.split("\r\n").collect();
        assert!(folded.iter().all(|line| line.len() <= LINE), "{folded:?}");
        assert_eq!(lines.0.replace("\r\n ", ""), "é".repeat(100) + "\r\n");
    }

    #[test]
    fn separators_line_ends_and_hidden_characters_are_escaped() {
        assert_eq!(escaped("a,b;c\\d\ne\u{1b}"), "a\\,b\\;c\\\\d\\ne\\\\u{1b}");
    }
}
