//! A preview for a pull request: strips to look at, and the changes in a table to open.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::Preview;
use super::blocks::{days, groups};
use super::text;
use super::words::{cause, figure, local_time, zone_name};
use crate::diagnostic::printable;
use crate::model::TargetPattern;
use crate::timetable::Segment;

/// So many targets of a block are named.
const MOST_NAMES: usize = 6;

/// A longer span has no strips, only changes.
const MOST_STRIPS: usize = 15;

/// So many changes of a block are listed.
const MOST_CHANGES: usize = 100;

/// Blocks are added as long as the comment stays below this; GitHub refuses one of more than 65,536 characters.
const MOST_BYTES: usize = 56_000;

impl Preview {
    /// A section of Markdown as GitHub has it, in the wall-clock time of `zone`; short enough for one comment.
    pub fn to_markdown(&self, zone: &TimeZone) -> String {
        let told = |at: Timestamp| at.to_zoned(zone.clone()).strftime("%a %-d %b %Y %H:%M").to_string();
        let span = format!("{} to {}", told(self.span.from), told(self.span.to));
        let mut out = format!("**Capacity floors**, {span}. Times are {}, by tzdb {}.\n", zone_name(zone), self.tzdb);
        let groups = groups(&self.rows);
        for (index, (targets, segments)) in groups.iter().enumerate() {
            let block = self.block(targets, segments, zone);
            if out.len() + block.len() > MOST_BYTES {
                let left = groups.len() - index;
                out += &format!("\n… and {left} more timetables: `baseload preview` shows them all.\n");
                break;
            }
            out += &block;
        }
        if self.rows.is_empty() {
            out += "\nNo schedule names any target.\n";
        }
        out
    }

    fn block(&self, targets: &[&TargetPattern], segments: &[Segment], zone: &TimeZone) -> String {
        let mut out = format!("\n{}\n", names(targets));
        let days = days(self.span, zone);
        if days.len() <= MOST_STRIPS {
            out += &format!("\n```text\n{}```\n", text::picture(&days, zone, segments));
        }
        out + &changes(segments, zone)
    }
}

fn names(targets: &[&TargetPattern]) -> String {
    let code = |target: &&TargetPattern| format!("`{}`", printable(&target.to_string()).replace('`', "'"));
    let named: Vec<String> = targets.iter().take(MOST_NAMES).map(code).collect();
    let named = named.join(", ");
    match targets.len().saturating_sub(MOST_NAMES) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

fn changes(segments: &[Segment], zone: &TimeZone) -> String {
    let pairs = segments.windows(2);
    let count = pairs.len();
    if count == 0 {
        return "\nNothing changes.\n".to_owned();
    }
    let mut out = format!(
        "\n<details><summary>{count} changes</summary>\n\n| when | floor | from then on |\n| --- | ---: | --- |\n"
    );
    for pair in pairs.take(MOST_CHANGES) {
        let (when, floors) =
            (local_time(pair[1].span.from, zone), format!("{} → {}", floor(&pair[0]), floor(&pair[1])));
        out += &format!("| {when} | {floors} | {} |\n", why(&pair[1]));
    }
    if count > MOST_CHANGES {
        out += &format!("| … and {} more | | |\n", count - MOST_CHANGES);
    }
    out + "\n</details>\n"
}

fn floor(segment: &Segment) -> String {
    segment.decision.as_ref().map_or("–".to_owned(), |held| figure(held.floor))
}

/// Names of windows and schedules are DNS labels: nothing in them is Markdown.
fn why(segment: &Segment) -> String {
    match &segment.decision {
        Some(held) => printable(&format!("{} of schedule {}", cause(&held.cause), held.schedule)),
        None => "left alone: no schedule takes part".to_owned(),
    }
}
