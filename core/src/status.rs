//! What a target's state is called: conditions in the style of Kubernetes, and the snapshot that every reader shares.
//!
//! The page, the API, the gauges and the `status` command all read one [`Status`]; none of them can touch the
//! controller.

mod snapshot;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Deref;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ecs::EcsError;
use crate::plan::rivalry::Rivalry;
use crate::plan::{LeftAlone, Seen, Verdict};
use crate::timetable::Decision;

pub use snapshot::{
    Bounds, ConfigurationStatus, Counts, FailingQuestion, FloorStatus, NextStatus, SiteStatus, Status, TargetStatus,
};

/// The kinds of condition a target has. Every target has every one of them, `Unknown` at first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ConditionKind {
    /// The minimum, and the maximum where declared, are as they should be.
    Synced,
    /// Desired is at or above the floor.
    Held,
    /// Running is at or above the floor.
    Ready,
    /// AWS has the scalable target.
    Registered,
    /// The floor is cut to the live maximum.
    Limited,
    /// `ScheduledScalingSuspended` is set.
    Paused,
    /// Someone else keeps changing the bounds.
    Contested,
    /// A scaling policy is there; without one nothing will ever scale the service in again.
    PolicyAttached,
    /// Native scheduled actions or predictive scaling decide over the same target.
    RivalSchedule,
}

impl ConditionKind {
    /// All of them, in the order in which they are shown.
    pub const ALL: [ConditionKind; 9] = [
        ConditionKind::Synced,
        ConditionKind::Held,
        ConditionKind::Ready,
        ConditionKind::Registered,
        ConditionKind::Limited,
        ConditionKind::Paused,
        ConditionKind::Contested,
        ConditionKind::PolicyAttached,
        ConditionKind::RivalSchedule,
    ];

    /// The name as it is shown and labelled.
    pub fn name(self) -> &'static str {
        match self {
            ConditionKind::Synced => "Synced",
            ConditionKind::Held => "Held",
            ConditionKind::Ready => "Ready",
            ConditionKind::Registered => "Registered",
            ConditionKind::Limited => "Limited",
            ConditionKind::Paused => "Paused",
            ConditionKind::Contested => "Contested",
            ConditionKind::PolicyAttached => "PolicyAttached",
            ConditionKind::RivalSchedule => "RivalSchedule",
        }
    }

    /// Which truth an operator wishes for: someone should look where the opposite is found.
    pub fn is_well_when(self) -> Truth {
        match self {
            ConditionKind::Synced
            | ConditionKind::Held
            | ConditionKind::Ready
            | ConditionKind::Registered
            | ConditionKind::PolicyAttached => Truth::True,
            ConditionKind::Limited
            | ConditionKind::Paused
            | ConditionKind::Contested
            | ConditionKind::RivalSchedule => Truth::False,
        }
    }
}

/// The three values of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Truth {
    /// It holds.
    True,
    /// It does not.
    False,
    /// Not known; never the same as false.
    Unknown,
}

impl Truth {
    /// All three, for gauges.
    pub const ALL: [Truth; 3] = [Truth::True, Truth::False, Truth::Unknown];

    /// The word, as in Kubernetes.
    pub fn name(self) -> &'static str {
        match self {
            Truth::True => "True",
            Truth::False => "False",
            Truth::Unknown => "Unknown",
        }
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Truth::True } else { Truth::False }
    }
}

/// One condition of one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// Which.
    #[serde(rename = "type")]
    pub kind: ConditionKind,
    /// Its value.
    pub status: Truth,
    /// One word in CamelCase, for machines.
    pub reason: Cow<'static, str>,
    /// A sentence for people; may be empty.
    pub message: Cow<'static, str>,
    /// Since when the value has been this.
    #[serde(with = "crate::model::instants")]
    pub since: Timestamp,
}

/// The reason of what is not known because AWS was not asked yet, or has not answered.
const NOT_ASKED: &str = "NotAsked";

impl Condition {
    fn unknown(kind: ConditionKind, since: Timestamp) -> Self {
        Condition { kind, status: Truth::Unknown, reason: NOT_ASKED.into(), message: "".into(), since }
    }

    fn says(&self, finding: &Finding) -> bool {
        (self.status, &*self.reason, &self.message) == (finding.status, finding.reason, &finding.message)
    }

    /// Takes a finding over; whether that changes the value, and is worth telling: that what was never known turns out
    /// well is what everybody expects, of each of thousands of targets.
    fn take(&mut self, Finding { status, reason, message }: Finding, now: Timestamp) -> bool {
        let is_transition = self.status != status;
        let was_expected = self.reason == NOT_ASKED && status == self.kind.is_well_when();
        let since = if is_transition { now } else { self.since };
        *self = Condition { kind: self.kind, status, reason: reason.into(), message, since };
        is_transition && !was_expected
    }
}

/// The value of a condition at one moment, before it is held against the one before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    status: Truth,
    reason: &'static str,
    message: Cow<'static, str>,
}

fn finding(status: impl Into<Truth>, reason: &'static str, message: impl Into<Cow<'static, str>>) -> Finding {
    Finding { status: status.into(), reason, message: message.into() }
}

/// Everything that the conditions of a target are judged by.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'a> {
    /// What is declared.
    pub decision: Option<&'a Decision>,
    /// What was seen.
    pub seen: &'a Seen,
    /// The verdict.
    pub verdict: &'a Verdict,
    /// The failure that stands, if the last call for the target failed.
    pub error: Option<&'a EcsError>,
    /// What else is attached to the target, once it was surveyed.
    pub survey: Option<&'a crate::ecs::Survey>,
    /// How often what is declared was undone lately.
    pub rivalry: &'a Rivalry,
    /// The words of a panic in this target's path, if there was one.
    pub broken: Option<&'a str>,
}

/// Judges one condition.
pub fn judge(kind: ConditionKind, judged: &Judged<'_>) -> Finding {
    match kind {
        ConditionKind::Synced => synced(judged),
        ConditionKind::Held => counted(judged, "desired", |service| service.desired),
        ConditionKind::Ready => counted(judged, "running", |service| service.running),
        ConditionKind::Registered => registered(judged),
        ConditionKind::Limited => limited(judged),
        ConditionKind::Paused => paused(judged),
        ConditionKind::Contested => contested(judged),
        ConditionKind::PolicyAttached => policy_attached(judged),
        ConditionKind::RivalSchedule => rival_schedule(judged),
    }
}

fn synced(judged: &Judged<'_>) -> Finding {
    if let Some(panic) = judged.broken {
        return finding(
            Truth::Unknown,
            "InternalError",
            format!("planning this target panicked, please report it: {panic}"),
        );
    }
    let failed = judged.error.map(|error| (failure_reason(error), error.to_string()));
    match (judged.verdict, failed) {
        (Verdict::InSync | Verdict::Nudge(_), None) => finding(true, "InSync", ""),
        (Verdict::InSync | Verdict::Nudge(_), Some((reason, message))) => finding(true, reason, message),
        (Verdict::LeftAlone(LeftAlone::NoSchedule), _) => {
            finding(true, "NothingDeclared", "no schedule takes part now")
        }
        (Verdict::LeftAlone(LeftAlone::NotAllowed), _) => {
            finding(Truth::Unknown, "NotAllowed", "the operator does not allow this target (--allow-target)")
        }
        (Verdict::LeftAlone(LeftAlone::ExpressMode), _) => {
            finding(Truth::Unknown, "ExpressMode", "ECS owns this scalable target (Express Mode)")
        }
        (Verdict::Unknown, Some((reason, message))) => finding(Truth::Unknown, reason, message),
        (Verdict::Unknown, None) => finding(Truth::Unknown, NOT_ASKED, "AWS has not answered yet"),
        (Verdict::Change { .. }, Some((reason, message))) => finding(false, reason, message),
        (Verdict::Change { .. }, None) => finding(false, "ChangeDue", "a write is due"),
        (Verdict::Limited, _) => finding(false, "Limited", "the floor stands at the target's max"),
        (Verdict::Paused, _) => match is_as_declared(judged) {
            true => finding(true, "InSync", ""),
            false => finding(false, "Paused", "ScheduledScalingSuspended is set on the scalable target"),
        },
        (Verdict::Deferred(_), _) => match is_as_declared(judged) {
            true => finding(true, "InSync", ""),
            false => finding(false, "Deferred", "waits for a CODE_DEPLOY deployment"),
        },
        (Verdict::Contested(_), _) => finding(false, "Contested", "someone keeps undoing what is declared"),
        (Verdict::NotRegistered, _) => finding(false, "NotRegistered", "AWS has no such scalable target"),
        (Verdict::Withheld(_), Some((reason, message))) => finding(false, reason, message),
        (Verdict::Withheld(why), None) => finding(false, "Withheld", why.to_string()),
    }
}

fn is_as_declared(judged: &Judged<'_>) -> bool {
    match (judged.decision, judged.seen.bounds()) {
        (Some(decision), Some(live)) => crate::plan::is_met(decision.floor, live),
        _ => false,
    }
}

/// A word for the failure that stands.
fn failure_reason(error: &EcsError) -> &'static str {
    use crate::ecs::ErrorKind as Kind;
    match error.kind {
        Kind::Throttled => "Throttled",
        Kind::Unavailable => "Unavailable",
        Kind::Unreachable => "Unreachable",
        Kind::OutcomeUnknown => "OutcomeUnknown",
        Kind::Conflict => "ConcurrentUpdate",
        Kind::QuotaExceeded => "QuotaExceeded",
        Kind::Denied => "Denied",
        Kind::Credentials => "Credentials",
        Kind::NotFound => "NotFound",
        Kind::Invalid => "Invalid",
    }
}

fn counted(judged: &Judged<'_>, what: &str, count: impl Fn(crate::ecs::ServiceCounts) -> u32) -> Finding {
    let Some(decision) = judged.decision else { return finding(true, "NothingDeclared", "") };
    let Some(look) = judged.seen.counts else { return finding(Truth::Unknown, NOT_ASKED, "") };
    let Some(service) = look.value else { return finding(false, "NoService", "ECS has no such service") };
    let (have, floor) = (count(service), decision.floor.min);
    match have >= floor {
        true => finding(true, "AtOrAboveFloor", ""),
        false => finding(false, "BelowFloor", format!("{what} is {have}, the floor {floor}")),
    }
}

fn registered(judged: &Judged<'_>) -> Finding {
    match (judged.seen.target, judged.error) {
        (Some(look), _) if look.value.is_some() => finding(true, "Registered", ""),
        (Some(_), _) => finding(
            false,
            "NotRegistered",
            "no scalable target of this name here: check the region and the names, or register it (Baseload never does)",
        ),
        (None, Some(error)) => finding(Truth::Unknown, failure_reason(error), error.to_string()),
        (None, None) => finding(Truth::Unknown, NOT_ASKED, ""),
    }
}

fn limited(judged: &Judged<'_>) -> Finding {
    let Some(decision) = judged.decision else { return finding(false, "NothingDeclared", "") };
    let Some(live) = judged.seen.bounds() else { return finding(Truth::Unknown, NOT_ASKED, "") };
    match decision.floor.max.is_none() && decision.floor.min > live.max {
        true => finding(
            true,
            "AboveMax",
            format!("the floor {} is above the target's max {}; raise the max", decision.floor.min, live.max),
        ),
        false => finding(false, "WithinMax", ""),
    }
}

fn paused(judged: &Judged<'_>) -> Finding {
    match judged.seen.bounds() {
        Some(live) if live.scheduled_scaling_suspended => {
            finding(true, "ScheduledScalingSuspended", "ScheduledScalingSuspended is set on the scalable target")
        }
        Some(_) => finding(false, "NotSuspended", ""),
        None => finding(Truth::Unknown, NOT_ASKED, ""),
    }
}

fn contested(judged: &Judged<'_>) -> Finding {
    let Some(contest) = judged.rivalry.contest() else { return finding(false, "NoRival", "") };
    let minutes = contest.quiet.as_mins();
    let what = format!(
        "corrected three times within an hour: nothing is lowered before {minutes} min without a foreign change"
    );
    match suspects(judged.survey) {
        Some(suspects) => finding(true, "KeepsChanging", format!("{what}; {suspects}")),
        None => finding(true, "KeepsChanging", what),
    }
}

/// Who else decides over the target by a rule that AWS knows of.
fn suspects(survey: Option<&crate::ecs::Survey>) -> Option<String> {
    let survey = survey?;
    match (survey.scheduled_actions.as_slice(), survey.predictive.as_slice()) {
        ([], []) => None,
        ([], policies) => Some(format!("predictive scaling may be what raises its max: {}", policies.join(", "))),
        (actions, _) => Some(format!("AWS's own scheduled actions on it: {}", actions.join(", "))),
    }
}

fn policy_attached(judged: &Judged<'_>) -> Finding {
    match judged.survey {
        None => finding(Truth::Unknown, NOT_ASKED, ""),
        Some(survey) if survey.policies.is_empty() => {
            finding(false, "NoPolicy", "no scaling policy: nothing will ever scale this service back in")
        }
        Some(survey) => finding(true, "PolicyAttached", survey.policies.join(", ")),
    }
}

fn rival_schedule(judged: &Judged<'_>) -> Finding {
    let Some(survey) = judged.survey else { return finding(Truth::Unknown, NOT_ASKED, "") };
    if !survey.scheduled_actions.is_empty() {
        return finding(true, "ScheduledActions", survey.scheduled_actions.join(", "));
    }
    if !survey.predictive.is_empty() {
        return finding(true, "PredictiveScaling", survey.predictive.join(", "));
    }
    finding(false, "NoRival", "")
}

/// The conditions of one target, with the instants of their last transitions, in the order of [`ConditionKind::ALL`];
/// empty before the first update. A clone shares them: thousands stand the same from one snapshot to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Conditions(Arc<[Condition]>);

impl Conditions {
    /// Holds the findings against what stood before, and returns the conditions whose value changed in a way that is
    /// worth telling.
    pub fn update(&mut self, judged: &Judged<'_>, now: Timestamp) -> Vec<Condition> {
        if self.0.is_empty() {
            self.0 = ConditionKind::ALL.map(|kind| Condition::unknown(kind, now)).into();
        }
        let mut changed = Vec::new();
        for (at, kind) in ConditionKind::ALL.into_iter().enumerate() {
            let finding = judge(kind, judged);
            if self.0[at].says(&finding) {
                continue;
            }
            let condition = &mut Arc::make_mut(&mut self.0)[at];
            if condition.take(finding, now) {
                changed.push(condition.clone());
            }
        }
        changed
    }

    /// Shares the other's memory where both are the same; otherwise these are the ones to share from now on.
    pub(crate) fn share(&mut self, other: &mut Conditions) {
        if Arc::ptr_eq(&self.0, &other.0) {
            return; // as at every tick but the first after a change
        }
        match *self == *other {
            true => *self = other.clone(),
            false => *other = self.clone(),
        }
    }

    /// The value of one of them.
    pub fn status(&self, kind: ConditionKind) -> Truth {
        self.0.iter().find(|condition| condition.kind == kind).map_or(Truth::Unknown, |condition| condition.status)
    }
}

impl Deref for Conditions {
    type Target = [Condition];

    fn deref(&self) -> &[Condition] {
        &self.0
    }
}

impl FromIterator<Condition> for Conditions {
    fn from_iter<I: IntoIterator<Item = Condition>>(conditions: I) -> Self {
        Conditions(conditions.into_iter().collect())
    }
}
