//! What crosses the port to AWS: the questions, the answers, the one write, and the errors with what to do about them.
//!
//! The adapter that speaks the wire, the simulated ECS and the controller meet on these types alone.
//! Three things stay apart everywhere: *not asked* (no entry), *asked and not there* (`None`) and *asked and failed*
//! (an entry in `failed`).

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::model::TargetId;

/// A scalable target as Application Auto Scaling describes it (namespace `ecs`, dimension `ecs:service:DesiredCount`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScalableTarget {
    /// `MinCapacity`.
    pub min: u32,
    /// `MaxCapacity`.
    pub max: u32,
    /// `SuspendedState.ScheduledScalingSuspended`; absent on the wire means false.
    pub scheduled_scaling_suspended: bool,
}

/// How ECS rolls out the service's deployments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeploymentController {
    /// ECS itself: rolling, or its own blue/green.
    Ecs,
    /// CodeDeploy, which fails a deployment that is scaled while it runs.
    CodeDeploy,
    /// A third party's.
    External,
}

/// What `DescribeServices` says of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceCounts {
    /// `desiredCount`.
    pub desired: u32,
    /// `runningCount`.
    pub running: u32,
    /// `pendingCount`.
    pub pending: u32,
    /// Whether a deployment is under way (more than one, or a primary that has not completed).
    pub deploying: bool,
    /// Who deploys.
    pub deployment_controller: DeploymentController,
    /// Whether ECS itself owns the scalable target (Express Mode, `resourceManagementType` `ECS`).
    pub express_mode: bool,
}

/// Who else decides over the target's capacity, from `DescribeScalingPolicies` and `DescribeScheduledActions`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// Names of the scaling policies, of every type.
    pub policies: Vec<String>,
    /// Names of those policies that are predictive.
    pub predictive: Vec<String>,
    /// Names of AWS's own scheduled actions on the target.
    pub scheduled_actions: Vec<String>,
}

/// A question for AWS. The adapter batches and pages; it never decides what to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Query {
    /// `DescribeScalableTargets` for exactly these.
    Targets(Vec<TargetId>),
    /// `DescribeScalableTargets` for the whole namespace, where a glob needs it.
    AllTargets,
    /// `DescribeServices` for these.
    Services(Vec<TargetId>),
    /// Policies and scheduled actions of these.
    Survey(Vec<TargetId>),
}

/// An answer, target by target. A key is there only if that target's question was answered; `None` says "not there".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<T> {
    /// What was answered.
    pub found: BTreeMap<TargetId, Option<T>>,
    /// Which questions failed, and how.
    pub failed: Vec<Failure>,
}

impl<T> Default for Answer<T> {
    fn default() -> Self {
        Answer { found: BTreeMap::new(), failed: Vec::new() }
    }
}

/// A question that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Whose question it was; `None` for the listing of the whole namespace, which then says nothing of anyone missing.
    pub targets: Option<Vec<TargetId>>,
    /// What went wrong.
    pub error: EcsError,
}

/// What came back for a [`Query`], variant by variant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observation {
    /// To [`Query::Targets`] and [`Query::AllTargets`]. A listing that ended well has every registered target in `found`.
    Targets(Answer<ScalableTarget>),
    /// To [`Query::Services`].
    Services(Answer<ServiceCounts>),
    /// To [`Query::Survey`].
    Survey(Answer<Survey>),
}

impl Observation {
    /// The answer to a question that failed as a whole.
    pub fn failed(query: &Query, error: impl FnOnce(Operation) -> EcsError) -> Self {
        fn all<T>(targets: Option<&Vec<TargetId>>, error: EcsError) -> Answer<T> {
            Answer { found: BTreeMap::new(), failed: vec![Failure { targets: targets.cloned(), error }] }
        }
        match query {
            Query::AllTargets => Observation::Targets(all(None, error(Operation::DescribeScalableTargets))),
            Query::Targets(ids) => Observation::Targets(all(Some(ids), error(Operation::DescribeScalableTargets))),
            Query::Services(ids) => Observation::Services(all(Some(ids), error(Operation::DescribeServices))),
            Query::Survey(ids) => Observation::Survey(all(Some(ids), error(Operation::DescribeScalingPolicies))),
        }
    }
}

/// The one write: `RegisterScalableTarget` with these fields and no others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// Which target.
    pub target: TargetId,
    /// `MinCapacity`, sent where given.
    pub min: Option<u32>,
    /// `MaxCapacity`, sent where given.
    pub max: Option<u32>,
}

/// The operations that Baseload calls, as AWS names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// Application Auto Scaling.
    DescribeScalableTargets,
    /// Application Auto Scaling.
    RegisterScalableTarget,
    /// Application Auto Scaling.
    DescribeScalingPolicies,
    /// Application Auto Scaling.
    DescribeScheduledActions,
    /// ECS.
    DescribeServices,
    /// STS; `doctor` alone asks it who is calling.
    GetCallerIdentity,
}

impl Operation {
    /// All of them, for metrics that exist from the start.
    pub const ALL: [Operation; 6] = [
        Operation::DescribeScalableTargets,
        Operation::RegisterScalableTarget,
        Operation::DescribeScalingPolicies,
        Operation::DescribeScheduledActions,
        Operation::DescribeServices,
        Operation::GetCallerIdentity,
    ];

    /// AWS's name.
    pub fn name(self) -> &'static str {
        match self {
            Operation::DescribeScalableTargets => "DescribeScalableTargets",
            Operation::RegisterScalableTarget => "RegisterScalableTarget",
            Operation::DescribeScalingPolicies => "DescribeScalingPolicies",
            Operation::DescribeScheduledActions => "DescribeScheduledActions",
            Operation::DescribeServices => "DescribeServices",
            Operation::GetCallerIdentity => "GetCallerIdentity",
        }
    }

    /// What a caller must be allowed for it, as IAM writes that, the operation's own permission first.
    ///
    /// Application Auto Scaling lets nobody register a target who could not do by themselves what it will do for them:
    /// it tries the others in its caller's name.
    pub fn permissions(self) -> &'static [&'static str] {
        match self {
            Operation::DescribeScalableTargets => &["application-autoscaling:DescribeScalableTargets"],
            Operation::RegisterScalableTarget => &[
                "application-autoscaling:RegisterScalableTarget",
                "ecs:DescribeServices",
                "ecs:UpdateService",
                "cloudwatch:DescribeAlarms",
                "cloudwatch:PutMetricAlarm",
                "cloudwatch:DeleteAlarms",
            ],
            Operation::DescribeScalingPolicies => &["application-autoscaling:DescribeScalingPolicies"],
            Operation::DescribeScheduledActions => &["application-autoscaling:DescribeScheduledActions"],
            Operation::DescribeServices => &["ecs:DescribeServices"],
            Operation::GetCallerIdentity => &[], // everyone may ask who they are
        }
    }
}

/// How far the wall clock is ahead of AWS's (negative: behind), as far as one answer proves it: it was made between
/// `sent` and `received` by our clock, in the second that began at `date` by AWS's. Zero where both may be equal. An answer
/// that was under way for so long, or during so far a leap of the clock, that any clock would pass for a good one, speaks
/// for none: `None` where both may be equal, and otherwise as far as it may be.
///
/// The answer `took` so long by a clock that nobody steps. By the wall clock alone an answer that took an hour, in which
/// the clock stepped back by an hour, would look quick and prove it right. A clock that nobody steps may stand still while
/// the machine sleeps, so the wall clock is heard where by it the answer took longer.
pub fn clock_ahead(
    sent: Timestamp,
    received: Timestamp,
    took: SignedDuration,
    date: Timestamp,
) -> Option<SignedDuration> {
    let sent = sent.min(received.checked_sub(took).unwrap_or(Timestamp::MIN));
    let at_least = sent.duration_since(date) - SignedDuration::from_secs(1);
    let at_most = received.duration_since(date);
    let is_vague = received.duration_since(sent) > LONGEST_PROOF;
    match (at_least.is_positive(), at_most.is_negative()) {
        (true, false) => Some(if is_vague { at_most } else { at_least }),
        (_, true) => Some(if is_vague { at_least } else { at_most }),
        (false, false) => (!is_vague).then_some(SignedDuration::ZERO),
    }
}

/// An answer that was under way for longer says nothing good of the clock. Attempts are given up long before.
const LONGEST_PROOF: SignedDuration = SignedDuration::from_secs(30);

/// What kind of failure it was: whose fault, and so what to do next. Also the `outcome` label of the call metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ErrorKind {
    /// Too many calls; the call did nothing.
    Throttled,
    /// AWS's side failed, or its answer made no sense; a read may be repeated.
    Unavailable,
    /// No connection, no name, no TLS: the request never left.
    Unreachable,
    /// The request left and no answer came: it may have taken effect.
    OutcomeUnknown,
    /// Another update of the same target is pending (`ConcurrentUpdateException`).
    Conflict,
    /// A quota is used up (`LimitExceededException`); permanent until someone raises it.
    QuotaExceeded,
    /// A permission is missing, also where AWS says so in a `ValidationException`.
    Denied,
    /// No credentials, or expired ones.
    Credentials,
    /// The service or its scalable target is not there.
    NotFound,
    /// AWS refuses these values.
    Invalid,
}

impl ErrorKind {
    /// All of them, for metrics that exist from the start.
    pub const ALL: [ErrorKind; 10] = [
        ErrorKind::Throttled,
        ErrorKind::Unavailable,
        ErrorKind::Unreachable,
        ErrorKind::OutcomeUnknown,
        ErrorKind::Conflict,
        ErrorKind::QuotaExceeded,
        ErrorKind::Denied,
        ErrorKind::Credentials,
        ErrorKind::NotFound,
        ErrorKind::Invalid,
    ];

    /// A stable word for metrics and JSON.
    pub fn name(self) -> &'static str {
        match self {
            ErrorKind::Throttled => "throttled",
            ErrorKind::Unavailable => "unavailable",
            ErrorKind::Unreachable => "unreachable",
            ErrorKind::OutcomeUnknown => "outcome_unknown",
            ErrorKind::Conflict => "conflict",
            ErrorKind::QuotaExceeded => "quota_exceeded",
            ErrorKind::Denied => "denied",
            ErrorKind::Credentials => "credentials",
            ErrorKind::NotFound => "not_found",
            ErrorKind::Invalid => "invalid",
        }
    }

    /// Whether trying again soon may help; otherwise someone must act first.
    pub fn is_passing(self) -> bool {
        match self {
            ErrorKind::Throttled
            | ErrorKind::Unavailable
            | ErrorKind::Unreachable
            | ErrorKind::OutcomeUnknown
            | ErrorKind::Conflict => true,
            ErrorKind::QuotaExceeded
            | ErrorKind::Denied
            | ErrorKind::Credentials
            | ErrorKind::NotFound
            | ErrorKind::Invalid => false,
        }
    }

    /// Whether the same read is worth repeating within the same cycle.
    pub fn read_may_be_repeated(self) -> bool {
        self.is_passing()
    }
}

/// A failed call, fit to be shown: it never holds a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EcsError {
    /// Which call.
    pub operation: Operation,
    /// What kind of failure.
    pub kind: ErrorKind,
    /// AWS's error code, or ours where no answer came (`Timeout`, `DispatchFailure`).
    pub code: String,
    /// AWS's message, cut to a bounded length.
    pub message: String,
    /// How long AWS asked us to wait, where it said so.
    pub retry_after: Option<Duration>,
}

impl std::fmt::Display for EcsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}: {}", self.operation.name(), self.code, self.message)
    }
}

impl std::error::Error for EcsError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f21_an_answer_proves_of_the_clock_no_more_than_its_travelling_time_and_the_second_allow() {
        let at = |millis: i64| Timestamp::from_millisecond(1_795_000_000_000 + millis).expect("a timestamp");
        for (sent, received, took, ahead) in [
            (100, 300, 200, Some(0)),
            (1_500, 1_900, 400, Some(500)), // a second is whole: half of it is proved
            (-300, -100, 200, Some(-100)),
            (-200, 4_000, 4_200, Some(0)),
            (3_600_000, 3_605_000, 5_000, Some(3_599_000)),
            (0, -600_000, 100, Some(-600_000)), // the clock stepped back meanwhile
            (0, 30_001, 30_001, None),
            (-140_000, -100_000, 40_000, Some(-141_000)), // at least 100 s behind, and that is no better than it is
            (140_000, 180_000, 40_000, Some(180_000)),
            (-3_600_000, 1_000, 3_601_000, None), // the process stood still
            (-3_600_000, 1_000, 200, None),       // the machine slept, or the clock was an hour behind until just now
            (-3_590_000, -3_580_000, 10_000, Some(-3_580_000)),
            // The same by the wall clock, but it stepped back by an hour, and the answer took an hour.
            (-130_000, -100_000, 3_630_000, Some(-3_731_000)),
        ] {
            let took = SignedDuration::from_millis(took);
            let proved = clock_ahead(at(sent), at(received), took, at(0)).map(|ahead| ahead.as_millis());
            assert_eq!(proved, ahead, "{sent} to {received}, in {took}");
        }
    }
}
