//! For programs: every row and every stretch. The shape is part of the contract; the command's `--help` documents it.

use jiff::Timestamp;
use serde::Serialize;

use super::{Acknowledged, Diff};
use crate::compare::{Change, Effect, Row, TaskTime};
use crate::guard::{self, Held};
use crate::model::{Site, Span};
use crate::timetable::{Cause, Decision};

pub(super) fn json(diff: &Diff<'_>) -> String {
    let mut json = serde_json::to_string_pretty(&document(diff)).expect("a difference holds only what JSON can say");
    json.push('\n');
    json
}

fn document<'a>(diff: &'a Diff<'_>) -> Document<'a> {
    let Span { from, to } = diff.comparison.span;
    let total = diff.comparison.total;
    let revision = |revision, time: TaskTime| RevisionRow {
        revision,
        task_hours: time.task_hours(),
        left_alone_hours: time.left_alone_hours(),
    };
    Document {
        from,
        to,
        old: revision(diff.revisions.before, total.before),
        new: revision(diff.revisions.after, total.after),
        targets: diff.comparison.rows.iter().map(TargetRow::of).collect(),
        guard: GuardRow {
            percent: diff.guard.percent,
            held: diff.guard.holds(),
            acknowledged: diff.guard.acknowledged == Acknowledged::Yes,
            reasons: diff.guard.held.as_ref().map_or(Vec::new(), Held::reasons),
            acknowledgement: diff.guard.holds().then(|| guard::acknowledgement(diff.revisions.before)),
        },
        tzdb: diff.tzdb,
    }
}

#[derive(Serialize)]
struct Document<'a> {
    #[serde(serialize_with = "crate::model::instants::serialize")]
    from: Timestamp,
    #[serde(serialize_with = "crate::model::instants::serialize")]
    to: Timestamp,
    old: RevisionRow<'a>,
    new: RevisionRow<'a>,
    targets: Vec<TargetRow<'a>>,
    guard: GuardRow,
    tzdb: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RevisionRow<'a> {
    revision: &'a str,
    task_hours: f64,
    left_alone_hours: f64,
}

#[derive(Serialize)]
struct GuardRow {
    percent: u8,
    held: bool,
    acknowledged: bool,
    reasons: Vec<String>,
    acknowledgement: Option<String>,
}

#[derive(Serialize)]
struct TargetRow<'a> {
    #[serde(flatten)]
    site: &'a Site,
    cluster: &'a str,
    service: &'a str,
    effect: Effect,
    before: TimeRow,
    after: TimeRow,
    changes: Vec<ChangeRow<'a>>,
}

impl<'a> TargetRow<'a> {
    fn of(row: &'a Row) -> Self {
        TargetRow {
            site: &row.target.site,
            cluster: row.target.cluster.as_str(),
            service: row.target.service.as_str(),
            effect: row.effect,
            before: TimeRow::of(row.time.before),
            after: TimeRow::of(row.time.after),
            changes: row.changes.iter().map(ChangeRow::of).collect(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TimeRow {
    task_hours: f64,
    left_alone_hours: f64,
}

impl TimeRow {
    fn of(time: TaskTime) -> Self {
        TimeRow { task_hours: time.task_hours(), left_alone_hours: time.left_alone_hours() }
    }
}

#[derive(Serialize)]
struct ChangeRow<'a> {
    #[serde(serialize_with = "crate::model::instants::serialize")]
    from: Timestamp,
    #[serde(serialize_with = "crate::model::instants::serialize")]
    to: Timestamp,
    before: DecisionRow<'a>,
    after: DecisionRow<'a>,
}

impl<'a> ChangeRow<'a> {
    fn of(change: &'a Change) -> Self {
        let Change { span, before, after } = change;
        let row = |decision: &'a Option<Decision>| DecisionRow::of(decision.as_ref());
        ChangeRow { from: span.from, to: span.to, before: row(before), after: row(after) }
    }
}

#[derive(Serialize)]
struct DecisionRow<'a> {
    min: Option<u32>,
    max: Option<u32>,
    schedule: Option<&'a str>,
    #[serde(serialize_with = "crate::render::serialize_cause")]
    cause: Option<&'a Cause>,
}

impl<'a> DecisionRow<'a> {
    fn of(decision: Option<&'a Decision>) -> Self {
        DecisionRow {
            min: decision.map(|decision| decision.floor.min),
            max: decision.and_then(|decision| decision.floor.max),
            schedule: decision.map(|decision| &*decision.schedule),
            cause: decision.map(|decision| &decision.cause),
        }
    }
}
