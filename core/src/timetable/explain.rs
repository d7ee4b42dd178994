//! Why a floor holds: every schedule that matches, what is in play in it, who won and why the others lost, as data.

use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Serialize, Serializer};

use super::civil::{NEVER, Wall, second, timestamp, timestamp_or_never};
use super::contest::{Contest, Outcome};
use super::rules::{Claim, Course, Rules};
use super::{Cause, Decision, Schedule, Schedules};
use crate::model::{Floor, TargetId, TargetPattern};

/// All that led to the floor of one target at one instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// Whose floor it is.
    pub target: TargetId,
    /// The instant in question.
    #[serde(serialize_with = "crate::model::instants::serialize")]
    pub at: Timestamp,
    /// What holds; `None`: the target is left alone.
    pub decision: Option<Decision>,
    /// The schedule that filled in the max, where the winner declares none.
    pub max_from: Option<Arc<str>>,
    /// When the decision differs next, or until when it is known to stay where thousands of changes beneath it change
    /// nothing; `None`: never.
    #[serde(serialize_with = "crate::model::instants::option::serialize")]
    pub until: Option<Timestamp>,
    /// What holds from then on; the same as now where no more is known.
    pub next: Option<Decision>,
    /// Every schedule that matches the target, in order of precedence; empty where none does.
    pub schedules: Vec<Competitor>,
}

/// One matching schedule at that instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Competitor {
    /// Its name.
    pub schedule: Arc<str>,
    /// The first of its patterns that fits the target.
    #[serde(serialize_with = "serialize_pattern")]
    pub matched_by: TargetPattern,
    /// Where its wall clock hangs; its name in JSON.
    #[serde(serialize_with = "serialize_zone")]
    pub timezone: TimeZone,
    /// Higher wins.
    pub priority: i64,
    /// How much earlier rises take effect; in seconds in JSON.
    #[serde(rename = "leadTimeSeconds", serialize_with = "serialize_seconds")]
    pub lead_time: SignedDuration,
    /// What it declares outside its windows; `None`: nothing.
    pub default: Option<Floor>,
    /// Its windows and overrides that are active, in order of precedence.
    pub in_play: Vec<InPlay>,
    /// What it declares before the lead time; `None`: nothing.
    pub base: Option<Decision>,
    /// What it declares, lead time included; `None`: nothing.
    pub rule: Option<Decision>,
    /// Set where the rule is a later decision, taken early.
    pub early: Option<EarlyRise>,
    /// How it fared against the other schedules.
    pub standing: Standing,
}

/// A window or an override that is active.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InPlay {
    /// Which one.
    pub cause: Cause,
    /// What it declares.
    pub floor: Floor,
    /// The start of its occurrence; where several hold, of the latest.
    #[serde(serialize_with = "crate::model::instants::serialize")]
    pub from: Timestamp,
    /// The end of that occurrence, exclusive.
    #[serde(serialize_with = "crate::model::instants::serialize")]
    pub to: Timestamp,
    /// Why it does not make the base; `None`: it does.
    pub outranked: Option<Outranked>,
}

/// Why an active window or override does not make its schedule's base.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Outranked {
    /// It is a window, and an override is active.
    ByOverride,
    /// Another of its kind has the higher `min`.
    ByHigherMin,
    /// Another of its kind with the same `min` is declared first.
    ByEarlierDeclaration,
}

/// A later decision that the lead time brings forward.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EarlyRise {
    /// When it would hold without lead time.
    #[serde(serialize_with = "crate::model::instants::serialize")]
    pub due: Timestamp,
}

/// How a schedule fared against the others that match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Standing {
    /// Its rule holds.
    Wins,
    /// The operator does not allow the target, whatever any schedule says.
    NotAllowed,
    /// It takes no part, as it says.
    Suspended,
    /// An overlay outside its windows and overrides.
    OutsideItsWindows,
    /// The winner has the higher priority.
    LowerPriority,
    /// The winner has the same priority and a higher `min`.
    LowerMin,
    /// The winner has the same priority and `min`, and a name that sorts first.
    LaterName,
}

impl Schedules {
    /// Why what holds for `target` at `at` holds.
    pub fn explain(&self, target: &TargetId, at: Timestamp) -> Explanation {
        let mut contest = Contest::new(&self.rules, self.taking_part(target), second(at));
        let outcome = contest.outcome();
        let until = contest.advance();
        let next = if until == NEVER { None } else { contest.outcome() };
        let pairs = self.schedules.iter().zip(&self.rules);
        let schedules = pairs.filter_map(|(schedule, rules)| {
            let matched_by = schedule.targets.iter().find(|pattern| pattern.matches(target))?;
            Some(self.competitor(schedule, rules, matched_by, second(at), outcome))
        });
        let mut schedules: Vec<_> = schedules.collect();
        if !self.allowed.admits(target) {
            schedules.iter_mut().for_each(|competitor| competitor.standing = Standing::NotAllowed);
        }
        Explanation {
            target: target.clone(),
            at,
            decision: outcome.map(|outcome| self.decision(outcome)),
            max_from: outcome.and_then(|outcome| outcome.max_from).map(|giver| Arc::clone(&self.rules[giver].name)),
            until: timestamp_or_never(until),
            next: next.map(|outcome| self.decision(outcome)),
            schedules,
        }
    }

    fn competitor(
        &self,
        schedule: &Schedule,
        rules: &Rules,
        matched_by: &TargetPattern,
        at: i64,
        outcome: Option<Outcome>,
    ) -> Competitor {
        let base = Course::new(rules).base(at).claim;
        let rule = Course::new(rules).at(at).claim;
        let decision = |claim: Claim| Decision {
            floor: claim.floor,
            schedule: Arc::clone(&rules.name),
            cause: rules.cause(claim.item),
        };
        Competitor {
            schedule: Arc::clone(&rules.name),
            matched_by: matched_by.clone(),
            timezone: schedule.zone.clone(),
            priority: schedule.priority,
            lead_time: schedule.lead_time,
            default: schedule.default,
            in_play: in_play(rules, at),
            base: base.map(decision),
            rule: rule.map(decision),
            early: early_rise(rules, at, base, rule),
            standing: if schedule.suspend { Standing::Suspended } else { self.standing(rules, rule, outcome) },
        }
    }

    fn standing(&self, rules: &Rules, rule: Option<Claim>, outcome: Option<Outcome>) -> Standing {
        let (Some(claim), Some(outcome)) = (rule, outcome) else { return Standing::OutsideItsWindows };
        let winner = &self.rules[outcome.schedule];
        if rules.name == winner.name {
            Standing::Wins
        } else if rules.priority < winner.priority {
            Standing::LowerPriority
        } else if claim.floor.min < outcome.floor.min {
            Standing::LowerMin
        } else {
            Standing::LaterName
        }
    }
}

fn in_play(rules: &Rules, at: i64) -> Vec<InPlay> {
    let mut wall = Wall::new(&rules.zone);
    let active = rules.items.iter().filter_map(|item| Some((item, item.occurrence(&mut wall, at)?)));
    let active: Vec<_> = active.collect();
    let rows = active.iter().enumerate().map(|(index, (item, occurrence))| {
        let winner = active[0].0;
        let outranked = if index == 0 {
            None
        } else if winner.is_override() && !item.is_override() {
            Some(Outranked::ByOverride)
        } else if item.floor.min < winner.floor.min {
            Some(Outranked::ByHigherMin)
        } else {
            Some(Outranked::ByEarlierDeclaration)
        };
        let (from, to) = (timestamp(occurrence.start), timestamp(occurrence.end));
        InPlay { cause: item.cause.clone(), floor: item.floor, from, to, outranked }
    });
    rows.collect()
}

/// When the rule that differs from the base would hold by itself.
fn early_rise(rules: &Rules, at: i64, base: Option<Claim>, rule: Option<Claim>) -> Option<EarlyRise> {
    let rule = rule.filter(|rule| base.is_none_or(|base| base.item != rule.item))?;
    let mut course = Course::new(rules);
    let mut due = at;
    while due <= at + rules.lead {
        let run = course.base(due);
        if run.claim.is_some_and(|claim| claim.item == rule.item) {
            return Some(EarlyRise { due: timestamp(due) });
        }
        due = run.until;
    }
    None
}

fn serialize_pattern<S: Serializer>(pattern: &TargetPattern, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(pattern)
}

fn serialize_zone<S: Serializer>(zone: &TimeZone, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(zone.iana_name().unwrap_or("UTC"))
}

fn serialize_seconds<S: Serializer>(duration: &SignedDuration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i64(duration.as_secs())
}
