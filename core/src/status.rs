//! What a target's state is called: conditions in the style of Kubernetes, and the snapshot that every reader shares.
//!
//! The page, the API, the gauges and the `status` command all read one [`Status`]; none of them can touch the
//! controller.

use std::borrow::Cow;
use std::ops::Deref;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ecs::EcsError;
use crate::lease::Standing;
use crate::model::Floor;
use crate::plan::rivalry::Rivalry;
use crate::plan::{LeftAlone, Seen, Verdict};
use crate::timetable::Decision;

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
            "no scalable target; it is picked up when someone registers it (Baseload never creates one)",
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

/// A snapshot of everything that the controller knows: the body of `/api/v1/status`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The instant of the snapshot.
    #[serde(with = "crate::model::instants")]
    pub at: Timestamp,
    /// The last tick.
    #[serde(with = "crate::model::instants")]
    pub heartbeat: Timestamp,
    /// Whether a configuration is in force and every target was asked once, answered or not.
    pub ready: bool,
    /// Whether the controller is on its way out.
    pub stopping: bool,
    /// Whether writes are only reported.
    pub dry_run: bool,
    /// Where this replica stands among several; null: it is the only one.
    #[serde(default)]
    pub lease: Option<Standing>,
    /// The schedules in force and the last attempt to change them.
    pub configuration: ConfigurationStatus,
    /// Sorted by cluster, then service; each is shared with every snapshot in which it stands the same.
    pub targets: Vec<Arc<TargetStatus>>,
}

/// The state of the configuration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigurationStatus {
    /// Where it comes from.
    pub source: String,
    /// The revision in force: the commit where it comes from git, else the digest.
    pub revision: Option<String>,
    /// The digest of its files, as `diff` prints it and an Acknowledgement names it.
    pub digest: Option<String>,
    /// Since when it has been in force.
    #[serde(with = "crate::model::instants::option")]
    pub since: Option<Timestamp>,
    /// Whether the last attempt to load was good.
    pub last_reload_successful: bool,
    /// When the last attempt was made.
    #[serde(with = "crate::model::instants::option")]
    pub last_attempt: Option<Timestamp>,
    /// When an attempt was last good, whether or not it brought something new.
    #[serde(with = "crate::model::instants::option")]
    pub last_success: Option<Timestamp>,
    /// The diagnostics of the last attempt, where it failed, as a person would read them.
    pub last_error: Option<String>,
    /// Whether the last attempt was good in itself, but held by the shrink guard until it is acknowledged.
    pub held: bool,
    /// How many schedules are in force.
    pub schedules: usize,
}

/// The state of one target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TargetStatus {
    /// The cluster's name.
    pub cluster: Arc<str>,
    /// The service's name.
    pub service: Arc<str>,
    /// What is declared now; null where the target is left alone.
    pub floor: Option<FloorStatus>,
    /// The next change of what is declared; null: none will come.
    pub next: Option<NextStatus>,
    /// The bounds as last seen; null where AWS has not answered or has no such target.
    pub observed: Option<Bounds>,
    /// When the question left that `observed` answers.
    #[serde(with = "crate::model::instants::option")]
    pub observed_at: Option<Timestamp>,
    /// The counts as last seen.
    pub counts: Option<Counts>,
    /// The verdict's stable word.
    pub verdict: Cow<'static, str>,
    /// Every condition.
    pub conditions: Conditions,
    /// The failure that stands.
    pub last_error: Option<String>,
    /// Accepted writes that undid a foreign change, since the start.
    pub corrections: u64,
}

/// A declared floor and who declares it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FloorStatus {
    /// Tasks.
    pub min: u32,
    /// Tasks; null where no max is declared.
    pub max: Option<u32>,
    /// The schedule that won.
    pub schedule: Arc<str>,
    /// `default`, `window/NAME` or `override/NAME`.
    pub cause: String,
}

impl From<&Decision> for FloorStatus {
    fn from(decision: &Decision) -> Self {
        let Floor { min, max } = decision.floor;
        FloorStatus { min, max, schedule: decision.schedule.clone(), cause: decision.cause.to_string() }
    }
}

/// The next change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NextStatus {
    /// When.
    #[serde(with = "crate::model::instants")]
    pub at: Timestamp,
    /// To what; null: the target will be left alone.
    pub floor: Option<FloorStatus>,
}

/// Live bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// `MinCapacity`.
    pub min: u32,
    /// `MaxCapacity`.
    pub max: u32,
}

/// Live counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// `desiredCount`.
    pub desired: u32,
    /// `runningCount`.
    pub running: u32,
    /// `pendingCount`.
    pub pending: u32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecs::{Action, DeploymentController, ErrorKind, Operation, ScalableTarget, ServiceCounts, Survey};
    use crate::model::TargetId;
    use crate::plan::{ChangeCause, Look, Withheld};
    use crate::timetable::Cause;

    fn decision(min: u32, max: Option<u32>) -> Decision {
        Decision { floor: Floor { min, max }, schedule: "web".into(), cause: Cause::Default }
    }

    fn seen(min: u32, max: u32, desired: u32, running: u32) -> Seen {
        let asked = Timestamp::UNIX_EPOCH;
        let counts = ServiceCounts {
            desired,
            running,
            pending: 0,
            deploying: false,
            deployment_controller: DeploymentController::Ecs,
            express_mode: false,
        };
        let bounds = ScalableTarget { min, max, scheduled_scaling_suspended: false };
        Seen { target: Some(Look { asked, value: Some(bounds) }), counts: Some(Look { asked, value: Some(counts) }) }
    }

    fn error(kind: ErrorKind) -> EcsError {
        EcsError {
            operation: Operation::RegisterScalableTarget,
            kind,
            code: "Code".to_owned(),
            message: "words".to_owned(),
            retry_after: None,
        }
    }

    fn rise() -> Verdict {
        let action = Action { target: TargetId::new("shop", "www"), min: Some(3), max: None };
        Verdict::Change { action, cause: ChangeCause::Rise, limited: false }
    }

    static NOBODY: std::sync::LazyLock<Rivalry> = std::sync::LazyLock::new(Rivalry::default);

    /// All is well under a floor of 3, unless the test says otherwise.
    fn judged<'a>(decision: &'a Decision, seen: &'a Seen, verdict: &'a Verdict) -> Judged<'a> {
        let rivalry = &NOBODY;
        Judged { decision: Some(decision), seen, verdict, error: None, survey: None, rivalry, broken: None }
    }

    fn value(kind: ConditionKind, judged: &Judged<'_>) -> (Truth, &'static str) {
        let finding = judge(kind, judged);
        (finding.status, finding.reason)
    }

    #[test]
    fn synced_follows_the_verdict_and_names_the_failure_that_stands() {
        use Truth::{False, True, Unknown};
        let (declared, seen) = (decision(3, None), seen(3, 10, 3, 3));
        let denied = error(ErrorKind::Denied);
        let deferred = Verdict::Deferred(Timestamp::UNIX_EPOCH);
        for (verdict, failed, expected) in [
            (Verdict::InSync, false, (True, "InSync")),
            (Verdict::InSync, true, (True, "Denied")),
            (rise(), false, (False, "ChangeDue")),
            (rise(), true, (False, "Denied")),
            (Verdict::Withheld(Withheld::NoFreshLook), false, (False, "Withheld")),
            (Verdict::Withheld(Withheld::NoFreshLook), true, (False, "Denied")),
            (Verdict::Limited, false, (False, "Limited")),
            (Verdict::Paused, false, (True, "InSync")),
            (deferred, false, (True, "InSync")),
            (Verdict::Contested(Timestamp::UNIX_EPOCH), false, (False, "Contested")),
            (Verdict::NotRegistered, false, (False, "NotRegistered")),
            (Verdict::LeftAlone(LeftAlone::NoSchedule), false, (True, "NothingDeclared")),
            (Verdict::LeftAlone(LeftAlone::NotAllowed), false, (Unknown, "NotAllowed")),
            (Verdict::LeftAlone(LeftAlone::ExpressMode), false, (Unknown, "ExpressMode")),
            (Verdict::Unknown, false, (Unknown, NOT_ASKED)),
            (Verdict::Unknown, true, (Unknown, "Denied")),
        ] {
            let judged = Judged { error: failed.then_some(&denied), ..judged(&declared, &seen, &verdict) };
            assert_eq!(value(ConditionKind::Synced, &judged), expected, "{verdict:?}, failed: {failed}");
        }
    }

    #[test]
    fn a_paused_or_deferred_target_is_synced_only_where_it_is_as_declared() {
        let (declared, seen) = (decision(5, None), seen(3, 10, 3, 3));
        for verdict in [Verdict::Paused, Verdict::Deferred(Timestamp::UNIX_EPOCH)] {
            assert_eq!(value(ConditionKind::Synced, &judged(&declared, &seen, &verdict)).0, Truth::False);
        }
    }

    #[test]
    fn held_is_about_desired_and_ready_about_running() {
        use Truth::{False, True};
        let declared = decision(3, None);
        for (desired, running, held, ready) in
            [(3, 3, True, True), (3, 2, True, False), (2, 2, False, False), (2, 3, False, True), (9, 9, True, True)]
        {
            let seen = seen(3, 10, desired, running);
            let judged = judged(&declared, &seen, &Verdict::InSync);
            let values = (value(ConditionKind::Held, &judged).0, value(ConditionKind::Ready, &judged).0);
            assert_eq!(values, (held, ready), "desired {desired}, running {running}");
        }
    }

    #[test]
    fn what_was_never_asked_is_unknown_and_never_false() {
        let (declared, nothing) = (decision(3, None), Seen::default());
        let judged = judged(&declared, &nothing, &Verdict::Unknown);
        for kind in ConditionKind::ALL.into_iter().filter(|kind| *kind != ConditionKind::Contested) {
            assert_eq!(value(kind, &judged), (Truth::Unknown, NOT_ASKED), "{kind:?}");
        }
    }

    #[test]
    fn a_service_or_target_that_is_not_there_is_false_and_not_unknown() {
        let asked = Timestamp::UNIX_EPOCH;
        let gone = Seen { target: Some(Look { asked, value: None }), counts: Some(Look { asked, value: None }) };
        let declared = decision(3, None);
        let judged = judged(&declared, &gone, &Verdict::NotRegistered);
        assert_eq!(value(ConditionKind::Registered, &judged), (Truth::False, "NotRegistered"));
        assert_eq!(value(ConditionKind::Held, &judged), (Truth::False, "NoService"));
    }

    #[test]
    fn limited_is_a_floor_above_a_max_that_nobody_declares() {
        for (min, max, expected) in [(10, None, Truth::False), (11, None, Truth::True), (11, Some(20), Truth::False)] {
            let (declared, seen) = (decision(min, max), seen(3, 10, 3, 3));
            assert_eq!(value(ConditionKind::Limited, &judged(&declared, &seen, &Verdict::InSync)).0, expected);
        }
    }

    #[test]
    fn a_survey_tells_of_policies_and_rivals() {
        use Truth::{False, True};
        let survey = |policies: &[&str], predictive: &[&str], actions: &[&str]| {
            let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
            Survey { policies: owned(policies), predictive: owned(predictive), scheduled_actions: owned(actions) }
        };
        let (declared, seen) = (decision(3, None), seen(3, 10, 3, 3));
        for (survey, policy, rival) in [
            (survey(&[], &[], &[]), (False, "NoPolicy"), (False, "NoRival")),
            (survey(&["cpu"], &[], &[]), (True, "PolicyAttached"), (False, "NoRival")),
            (survey(&["ai"], &["ai"], &[]), (True, "PolicyAttached"), (True, "PredictiveScaling")),
            (survey(&[], &[], &["night"]), (False, "NoPolicy"), (True, "ScheduledActions")),
        ] {
            let judged = Judged { survey: Some(&survey), ..judged(&declared, &seen, &Verdict::InSync) };
            assert_eq!(value(ConditionKind::PolicyAttached, &judged), policy);
            assert_eq!(value(ConditionKind::RivalSchedule, &judged), rival);
        }
    }

    #[test]
    fn g14_a_contest_names_whom_aws_knows_of() {
        let (declared, seen) = (decision(3, None), seen(3, 10, 3, 3));
        let mut rivalry = Rivalry::default();
        (1..=3).for_each(|second| rivalry.corrected(Timestamp::from_second(second).expect("a timestamp")));
        let survey = Survey { scheduled_actions: vec!["night".to_owned()], ..Survey::default() };
        let judged = Judged { rivalry: &rivalry, survey: Some(&survey), ..judged(&declared, &seen, &Verdict::InSync) };
        let finding = judge(ConditionKind::Contested, &judged);
        assert_eq!((finding.status, finding.reason), (Truth::True, "KeepsChanging"));
        assert!(finding.message.contains("30 min") && finding.message.contains("night"), "{}", finding.message);
    }

    #[test]
    fn f32_a_panic_leaves_synced_unknown_and_says_what_it_said() {
        let (declared, seen) = (decision(3, None), seen(3, 10, 3, 3));
        let judged = Judged { broken: Some("index out of bounds"), ..judged(&declared, &seen, &Verdict::Unknown) };
        let finding = judge(ConditionKind::Synced, &judged);
        assert_eq!((finding.status, finding.reason), (Truth::Unknown, "InternalError"));
        assert!(finding.message.contains("index out of bounds"));
    }

    #[test]
    fn a_transition_moves_since_and_a_new_reason_alone_does_not() {
        let at = |second| Timestamp::from_second(second).expect("a timestamp");
        let (declared, seen) = (decision(3, None), seen(3, 10, 3, 3));
        let (rise, denied) = (rise(), error(ErrorKind::Denied));
        let mut conditions = Conditions::default();
        conditions.update(&judged(&declared, &seen, &rise), at(1));
        let again = conditions.update(&Judged { error: Some(&denied), ..judged(&declared, &seen, &rise) }, at(2));
        assert_eq!(again, []);
        assert_eq!((conditions.0[0].since, &*conditions.0[0].reason), (at(1), "Denied"));
        let changed = conditions.update(&judged(&declared, &seen, &Verdict::InSync), at(3));
        assert_eq!(
            changed.iter().map(|c| (c.kind, c.status, c.since)).collect::<Vec<_>>(),
            [(ConditionKind::Synced, Truth::True, at(3))]
        );
    }

    #[test]
    fn conditions_that_begin_unknown_are_no_news() {
        let (declared, nothing) = (decision(3, None), Seen::default());
        let news = Conditions::default().update(&judged(&declared, &nothing, &Verdict::Unknown), Timestamp::UNIX_EPOCH);
        assert!(news.iter().all(|condition| condition.status != Truth::Unknown), "{news:?}");
    }
}
