//! The plan as `plan` and `apply` print it: one row for every target, as JSON and as a diff for people.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::{ChangeCause, LeftAlone, Seen, Verdict, reachable};
use crate::ecs::EcsError;
use crate::model::{Site, TargetId, instant};
use crate::timetable::Decision;

/// The plan for every target at one instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The instant that is planned for.
    #[serde(serialize_with = "crate::model::instants::serialize")]
    pub at: Timestamp,
    /// Every target, sorted by account, region, cluster, then service.
    pub targets: Vec<Row>,
}

/// The plan for one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Its account and region, where they are not the controller's own.
    #[serde(flatten)]
    pub site: Site,
    /// The cluster's name.
    pub cluster: Arc<str>,
    /// The service's name.
    pub service: Arc<str>,
    /// One of [`Verdict::name`]'s words.
    pub verdict: &'static str,
    /// The bounds as seen; null where unknown or not there.
    pub from: Values,
    /// The bounds as they should be, as far as AWS accepts them; null where nothing is declared.
    pub to: Values,
    /// Whether the floor cannot go as high as declared.
    pub limited: bool,
    /// Why, in words.
    pub reason: String,
    /// What failed, if something did.
    pub error: Option<String>,
}

/// A pair of bounds, each null where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Values {
    /// `MinCapacity`.
    pub min: Option<u32>,
    /// `MaxCapacity`; null also where none is declared.
    pub max: Option<u32>,
}

impl Row {
    /// The row of one target.
    pub fn new(
        target: &TargetId,
        decision: Option<&Decision>,
        seen: &Seen,
        verdict: &Verdict,
        error: Option<&EcsError>,
    ) -> Self {
        Row {
            site: target.site.clone(),
            cluster: target.cluster.clone(),
            service: target.service.clone(),
            verdict: verdict.name(),
            from: seen.bounds().map_or(Values::default(), |live| Values { min: Some(live.min), max: Some(live.max) }),
            to: goal(decision, seen),
            limited: verdict.is_limited() || is_nudged_below(decision, verdict),
            reason: reason(decision, seen, verdict),
            error: error.map(ToString::to_string),
        }
    }

    /// The target whose row it is.
    pub fn target(&self) -> TargetId {
        TargetId::new(Arc::clone(&self.cluster), Arc::clone(&self.service)).at(self.site.clone())
    }
}

/// Whether a nudge is for less than is declared, because the live max is lower.
fn is_nudged_below(decision: Option<&Decision>, verdict: &Verdict) -> bool {
    match (decision, verdict) {
        (Some(decision), Verdict::Nudge(action)) => action.min < Some(decision.floor.min),
        _ => false,
    }
}

fn goal(decision: Option<&Decision>, seen: &Seen) -> Values {
    let Some(decision) = decision else { return Values::default() };
    let goal = seen.bounds().map_or(decision.floor, |live| reachable(decision.floor, live));
    Values { min: Some(goal.min), max: goal.max }
}

fn reason(decision: Option<&Decision>, seen: &Seen, verdict: &Verdict) -> String {
    let declared = decision.map(|decision| {
        let max = decision.floor.max.map(|max| format!(", max {max}")).unwrap_or_default();
        format!("{} of schedule {} declares min {}{max}", decision.cause, decision.schedule, decision.floor.min)
    });
    let declared = declared.unwrap_or_default();
    match verdict {
        Verdict::InSync => declared,
        Verdict::Change { cause: ChangeCause::Rise | ChangeCause::Fall, limited: false, .. } => declared,
        Verdict::Change { limited: true, .. } | Verdict::Limited => {
            let max = seen.bounds().map_or(0, |live| live.max);
            format!("{declared}, above the target's max {max}: raise the max, or declare one")
        }
        Verdict::Nudge(_) => {
            let desired = seen.service().map_or(0, |service| service.desired);
            format!("{declared}; desired is {desired}, and AWS lifts it only when the target is registered again")
        }
        Verdict::Withheld(why) => format!("{declared}; {why}"),
        Verdict::Paused => format!("{declared}; ScheduledScalingSuspended is set on the scalable target"),
        Verdict::Deferred(until) => {
            format!("{declared}; waits for a CODE_DEPLOY deployment, until {} at the latest", instant(*until))
        }
        Verdict::Contested(until) => {
            format!("{declared}; someone keeps undoing it, so that waits until {} at least", instant(*until))
        }
        Verdict::NotRegistered => {
            format!("{declared}; AWS has no such scalable target, and Baseload never creates one")
        }
        Verdict::LeftAlone(LeftAlone::NoSchedule) => "no schedule takes part at this instant".to_owned(),
        Verdict::LeftAlone(LeftAlone::NotAllowed) => "NotAllowed: it fits no --allow-target".to_owned(),
        Verdict::LeftAlone(LeftAlone::ExpressMode) => "ECS itself owns this scalable target (Express Mode)".to_owned(),
        Verdict::Unknown => format!("{declared}; AWS did not say what there is"),
    }
}

/// Whether a report tells what would be done or what was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tense {
    /// `plan`.
    WouldBe,
    /// `apply`.
    Done,
}

impl Report {
    /// Whether the plan for some target is not known.
    pub fn has_unknown(&self) -> bool {
        self.targets.iter().any(|row| row.verdict == Verdict::Unknown.name())
    }

    /// Whether some value would change.
    pub fn has_changes(&self) -> bool {
        self.targets.iter().any(|row| row.verdict == "change")
    }

    /// Whether something failed.
    pub fn has_errors(&self) -> bool {
        self.targets.iter().any(|row| row.error.is_some())
    }

    /// The report for people: what differs, line by line, and a count of everything.
    pub fn text(&self, tense: Tense) -> String {
        let mut text = String::new();
        let told: Vec<_> = self.targets.iter().filter(|row| is_worth_a_line(row)).collect();
        let widest = |column: fn(&Row) -> String| told.iter().map(|row| column(row).chars().count()).max().unwrap_or(0);
        let (width, what_width) = (widest(|row| row.target().to_string()), widest(what));
        for row in &told {
            let _ = writeln!(
                text,
                "{} {:width$}  {:what_width$}  {}",
                sign(row),
                row.target().to_string(),
                what(row),
                row.reason
            );
            if let Some(error) = &row.error {
                let _ = writeln!(text, "  {:width$}  error: {error}", "");
            }
        }
        if !told.is_empty() {
            text.push('\n');
        }
        let _ = writeln!(text, "{} at {}: {}.", title(tense), instant(self.at), self.counts(tense));
        text
    }

    fn counts(&self, tense: Tense) -> String {
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        let mut failed = 0;
        for row in &self.targets {
            let at = ORDER.iter().position(|(verdict, _, _)| *verdict == row.verdict);
            *counts.entry(at.unwrap_or(ORDER.len())).or_default() += 1;
            failed += usize::from(row.error.is_some());
        }
        let words = |(at, count): (usize, usize)| {
            let (_, would_be, done) = ORDER.get(at).copied().unwrap_or(("", "other", "other"));
            format!("{count} {}", if tense == Tense::WouldBe { would_be } else { done })
        };
        let mut parts: Vec<_> = counts.into_iter().map(words).collect();
        if failed > 0 {
            parts.push(format!("{failed} failed"));
        }
        if parts.is_empty() { "no targets".to_owned() } else { parts.join(", ") }
    }
}

/// Every verdict in the order in which it is counted, with its words before and after.
const ORDER: [(&str, &str, &str); 11] = [
    ("change", "to change", "changed"),
    ("nudge", "to nudge", "nudged"),
    ("limited", "limited", "limited"),
    ("withheld", "withheld", "withheld"),
    ("deferred", "deferred", "deferred"),
    ("contested", "contested", "contested"),
    ("paused", "paused", "paused"),
    ("notRegistered", "not registered", "not registered"),
    ("unknown", "unknown", "unknown"),
    ("leftAlone", "left alone", "left alone"),
    ("inSync", "in sync", "in sync"),
];

fn title(tense: Tense) -> &'static str {
    match tense {
        Tense::WouldBe => "Plan",
        Tense::Done => "Applied",
    }
}

fn is_worth_a_line(row: &Row) -> bool {
    row.error.is_some() || !matches!(row.verdict, "inSync" | "leftAlone")
}

fn sign(row: &Row) -> char {
    match row.verdict {
        _ if row.error.is_some() => '!',
        "change" => '~',
        "nudge" => '^',
        "unknown" => '?',
        "inSync" => '=',
        _ => '-',
    }
}

fn what(row: &Row) -> String {
    match row.verdict {
        "change" => {
            let min = arrow("min", row.from.min, row.to.min);
            let max = row.to.max.map(|_| arrow("max", row.from.max, row.to.max)).filter(|_| row.from.max != row.to.max);
            [Some(min).filter(|_| row.from.min != row.to.min), max].into_iter().flatten().collect::<Vec<_>>().join(", ")
        }
        "nudge" => format!("min {}", row.to.min.unwrap_or(0)),
        "limited" => "limited".to_owned(),
        "notRegistered" => "not registered".to_owned(),
        other => other.to_owned(),
    }
}

fn arrow(what: &str, from: Option<u32>, to: Option<u32>) -> String {
    let number = |value: Option<u32>| value.map_or_else(|| "?".to_owned(), |value| value.to_string());
    format!("{what} {} → {}", number(from), number(to))
}
