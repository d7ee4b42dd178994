//! One local day as 48 columns of half an hour each.
//!
//! A column stands for a wall-clock time, so that the columns of all days line up, and shows what holds in the middle
//! of its half hour. A half hour that the clock skips is crossed out; of one that it shows twice, the higher floor.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::{AmbiguousOffset, TimeZone};

use super::words::figure;
use crate::diagnostic::Colour;
use crate::model::Floor;
use crate::timetable::Segment;

const COLUMNS: i8 = 48;
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The line above the strips, aligned with their columns.
pub(super) const SCALE: &str = "00    03    06    09    12    15    18    21    24";

/// What one column shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    /// Before or after the span.
    Outside,
    /// A half hour that the clock skips.
    Skipped,
    /// Nobody declares anything.
    LeftAlone,
    /// A declared floor.
    Declared(Floor),
}

/// Draws the day; blocks are as high as the floor is, next to `peak`.
pub(super) fn draw(date: Date, zone: &TimeZone, segments: &[Segment], peak: u32, ink: Colour) -> String {
    let columns: Vec<Column> = (0..COLUMNS).map(|half_hour| column(date, half_hour, zone, segments)).collect();
    let runs = columns.chunk_by(|a, b| a == b);
    runs.map(|run| draw_run(run[0], run.len(), peak, ink)).collect()
}

fn column(date: Date, half_hour: i8, zone: &TimeZone, segments: &[Segment]) -> Column {
    let middle = date.at(half_hour / 2, half_hour % 2 * 30 + 15, 0, 0);
    let at = |offset: jiff::tz::Offset| offset.to_timestamp(middle).map_or(Column::Outside, |at| held_at(at, segments));
    match zone.to_ambiguous_timestamp(middle).offset() {
        AmbiguousOffset::Unambiguous { offset } => at(offset),
        AmbiguousOffset::Gap { .. } => Column::Skipped,
        AmbiguousOffset::Fold { before, after } => higher(at(before), at(after)),
    }
}

fn held_at(at: Timestamp, segments: &[Segment]) -> Column {
    let segment = segments.get(segments.partition_point(|segment| segment.span.to <= at));
    match segment.filter(|segment| segment.span.from <= at) {
        None => Column::Outside,
        Some(segment) => segment.decision.as_ref().map_or(Column::LeftAlone, |held| Column::Declared(held.floor)),
    }
}

fn higher(first: Column, second: Column) -> Column {
    match (first, second) {
        (Column::Declared(a), Column::Declared(b)) => Column::Declared(if b.min > a.min { b } else { a }),
        (Column::Declared(_), _) | (Column::LeftAlone, Column::Outside) => first,
        (_, second) => second,
    }
}

/// A run of equal columns: the floor in digits where there is room for it, then blocks of its height. At least one
/// block ends the run, or the digits of two runs would read as one number.
fn draw_run(column: Column, columns: usize, peak: u32, ink: Colour) -> String {
    match column {
        Column::Outside => " ".repeat(columns),
        Column::Skipped => "×".repeat(columns),
        Column::LeftAlone => "·".repeat(columns),
        Column::Declared(floor) => {
            let label = Some(figure(floor)).filter(|label| label.len() < columns).unwrap_or_default();
            let block = block(floor.min, peak);
            let drawn = format!("{label}{}", block.to_string().repeat(columns - label.len()));
            paint(&drawn, floor.min, peak, ink)
        }
    }
}

fn block(min: u32, peak: u32) -> char {
    let eighths = (u64::from(min) * 8).div_ceil(u64::from(peak.max(1)));
    let index = usize::try_from(eighths.saturating_sub(1)).unwrap_or(usize::MAX);
    if min == 0 { '_' } else { BLOCKS[index.min(BLOCKS.len() - 1)] }
}

fn paint(text: &str, min: u32, peak: u32, ink: Colour) -> String {
    const CYAN: u8 = 36;
    const GREEN: u8 = 32;
    const YELLOW: u8 = 33;
    let colour = match u64::from(min) * 3 / u64::from(peak.max(1)) {
        0 => CYAN,
        1 => GREEN,
        _ => YELLOW,
    };
    match ink {
        Colour::Never => text.to_owned(),
        Colour::Ansi => format!("\u{1b}[{colour}m{text}\u{1b}[0m"),
    }
}
