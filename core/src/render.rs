//! Timetables and explanations, told to people and to programs. Pure: what is told comes in as data, out comes text.
//!
//! - [`Preview`] is what `preview` shows; [`Preview::to_json`] is its stable form for programs.
//! - [`text`]: the same as a strip for each day, for a terminal of 80 columns.
//! - [`svg`]: the same as pictures; [`Preview::to_svg`] is a whole document. [`Preview::to_html`], [`Preview::to_markdown`]
//!   and [`Preview::to_ics`]: a page to paste, a section of a pull request, a calendar to subscribe to.
//! - [`explain`]: why one floor holds, in sentences.
//! - [`diff`]: how two revisions differ, as text, JSON and Markdown.

pub mod diff;
pub mod explain;
pub mod svg;
pub mod text;

mod blocks;
mod html;
mod ics;
mod markdown;
mod strip;
mod words;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};

pub use self::blocks::days;
pub use self::words::push_number;
use crate::model::{Site, Span, TargetPattern};
use crate::timetable::{Cause, Schedules, Segment};

/// A stretch of the timetable, target by target.
#[derive(Clone, Debug)]
pub struct Preview {
    /// The stretch.
    pub span: Span,
    /// Every target or glob, in the order to show them, with its segments: they fill the span without holes.
    pub rows: Vec<(TargetPattern, Vec<Segment>)>,
    /// The edition of the zone database that turned wall clocks into instants, such as `2026e`.
    pub tzdb: String,
}

impl Preview {
    /// Follows every row of `schedules` through `span`.
    pub fn of(schedules: &Schedules, span: Span, tzdb: impl Into<String>) -> Self {
        let with_segments = |row: TargetPattern| {
            let segments = schedules.segments_of_row(&row, span);
            (row, segments)
        };
        Preview { span, rows: schedules.rows().into_iter().map(with_segments).collect(), tzdb: tzdb.into() }
    }

    /// The zone in which to show it where nobody asks for another: that of the schedule that decides first.
    pub fn zone(&self, schedules: &Schedules) -> TimeZone {
        let mut decisions = self.rows.iter().flat_map(|(_, segments)| segments).filter_map(|s| s.decision.as_ref());
        let first = decisions.next();
        let named = first.and_then(|first| schedules.iter().find(|schedule| schedule.name == first.schedule));
        named.or(schedules.iter().next()).map_or(TimeZone::UTC, |schedule| schedule.zone.clone())
    }

    /// The form for programs, indented, with a newline at its end.
    pub fn to_json(&self) -> String {
        let mut json = serde_json::to_string_pretty(self).expect("a preview holds only what JSON can say");
        json.push('\n');
        json
    }
}

impl Serialize for Preview {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Document<'a> {
            #[serde(serialize_with = "crate::model::instants::serialize")]
            from: Timestamp,
            #[serde(serialize_with = "crate::model::instants::serialize")]
            to: Timestamp,
            targets: Vec<Row<'a>>,
            tzdb: &'a str,
        }
        let targets = self.rows.iter().map(|(target, segments)| Row {
            site: &target.site,
            cluster: target.cluster.as_str(),
            service: target.service.as_str(),
            segments: SegmentRows(segments),
        });
        let Span { from, to } = self.span;
        Document { from, to, targets: targets.collect(), tzdb: &self.tzdb }.serialize(serializer)
    }
}

#[derive(Serialize)]
struct Row<'a> {
    #[serde(flatten)]
    site: &'a Site,
    cluster: &'a str,
    service: &'a str,
    segments: SegmentRows<'a>,
}

struct SegmentRows<'a>(&'a [Segment]);

impl Serialize for SegmentRows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut rows = serializer.serialize_seq(Some(self.0.len()))?;
        for segment in self.0 {
            rows.serialize_element(&SegmentRow::of(segment))?;
        }
        rows.end()
    }
}

#[derive(Serialize)]
struct SegmentRow<'a> {
    #[serde(serialize_with = "crate::model::instants::serialize")]
    from: Timestamp,
    #[serde(serialize_with = "crate::model::instants::serialize")]
    to: Timestamp,
    min: Option<u32>,
    max: Option<u32>,
    schedule: Option<&'a str>,
    #[serde(serialize_with = "serialize_cause")]
    cause: Option<&'a Cause>,
}

impl<'a> SegmentRow<'a> {
    fn of(segment: &'a Segment) -> Self {
        let decision = segment.decision.as_ref();
        SegmentRow {
            from: segment.span.from,
            to: segment.span.to,
            min: decision.map(|decision| decision.floor.min),
            max: decision.and_then(|decision| decision.floor.max),
            schedule: decision.map(|decision| &*decision.schedule),
            cause: decision.map(|decision| &decision.cause),
        }
    }
}

fn serialize_cause<S: Serializer>(cause: &Option<&Cause>, serializer: S) -> Result<S::Ok, S::Error> {
    match cause {
        Some(cause) => serializer.collect_str(cause),
        None => serializer.serialize_str("none"),
    }
}
