//! The Application Auto Scaling side of the model: a scalable target, what hangs on it, and its scaling activities.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::tracking::Tracking;

/// How long AWS keeps scaling activities: six weeks.
const ACTIVITIES_KEPT: SignedDuration = SignedDuration::from_hours(6 * 7 * 24);

/// `SuspendedState`: which activities AWS does not start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Suspended {
    pub(super) scaling_in: bool,
    pub(super) scaling_out: bool,
    pub(super) scheduled: bool,
}

/// What `RegisterScalableTarget` sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) min: u32,
    pub(super) max: u32,
    pub(super) suspended: Suspended,
}

/// A registered scalable target.
#[derive(Clone, Debug)]
pub(super) struct Scaling {
    pub(super) settings: Settings,
    pub(super) created: Timestamp,
    pub(super) policies: BTreeMap<String, Policy>,
    pub(super) scheduled_actions: BTreeMap<String, ScheduledAction>,
    pub(super) last_scale_in: Option<Timestamp>,
}

impl Scaling {
    /// A target without policies and scheduled actions.
    pub(super) fn new(settings: Settings, now: Timestamp) -> Self {
        Scaling {
            settings,
            created: now,
            policies: BTreeMap::new(),
            scheduled_actions: BTreeMap::new(),
            last_scale_in: None,
        }
    }
}

/// A scaling policy of any type.
#[derive(Clone, Debug)]
pub(super) struct Policy {
    /// `TargetTrackingScaling`, `StepScaling` or `PredictiveScaling`.
    pub(super) kind: String,
    /// Given back as it came.
    pub(super) configuration: Value,
    pub(super) created: Timestamp,
    /// Where the policy acts in this simulation: target tracking of CPU utilisation.
    pub(super) tracking: Option<Tracking>,
}

/// One of AWS's own scheduled actions. The simulation keeps and describes it, and never fires it.
#[derive(Clone, Debug)]
pub(super) struct ScheduledAction {
    pub(super) schedule: String,
    pub(super) timezone: Option<String>,
    /// `StartTime` and `EndTime`, given back as they came.
    pub(super) start_time: Option<Value>,
    pub(super) end_time: Option<Value>,
    pub(super) min: Option<u32>,
    pub(super) max: Option<u32>,
    pub(super) created: Timestamp,
}

/// How a scaling activity stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    InProgress,
    Successful,
    Overridden,
}

impl Outcome {
    /// AWS's `StatusCode`.
    pub(super) fn code(self) -> &'static str {
        match self {
            Outcome::InProgress => "InProgress",
            Outcome::Successful => "Successful",
            Outcome::Overridden => "Overridden",
        }
    }

    /// AWS's `StatusMessage` for a move to this desired count.
    pub(super) fn message(self, desired: u32) -> String {
        match self {
            Outcome::InProgress => {
                format!("Successfully set desired count to {desired}. Waiting for change to be fulfilled by ecs.")
            }
            Outcome::Successful => {
                format!("Successfully set desired count to {desired}. Change successfully fulfilled by ecs.")
            }
            Outcome::Overridden => {
                format!("Successfully set desired count to {desired}. Change was overridden by a newer one.")
            }
        }
    }
}

/// One move of the desired count by Application Auto Scaling.
#[derive(Clone, Debug)]
pub(super) struct Activity {
    pub(super) number: u64,
    pub(super) desired: u32,
    pub(super) cause: String,
    pub(super) start: Timestamp,
    pub(super) end: Option<Timestamp>,
    pub(super) outcome: Outcome,
}

/// A service's scaling activities, oldest first; at most the last one is in progress.
#[derive(Clone, Debug, Default)]
pub(super) struct Activities(VecDeque<Activity>);

impl Activities {
    /// Begins a new activity, which overrides the one in progress.
    pub(super) fn begin(&mut self, number: u64, desired: u32, cause: String, now: Timestamp) {
        self.end(Outcome::Overridden, now);
        while self.0.front().is_some_and(|oldest| now.duration_since(oldest.start) > ACTIVITIES_KEPT) {
            self.0.pop_front();
        }
        self.0.push_back(Activity { number, desired, cause, start: now, end: None, outcome: Outcome::InProgress });
    }

    /// Another writer moved the desired count while an activity was in progress.
    pub(super) fn overrule(&mut self, now: Timestamp) {
        self.end(Outcome::Overridden, now);
    }

    /// The service has reached its desired count.
    pub(super) fn succeed(&mut self, now: Timestamp) {
        self.end(Outcome::Successful, now);
    }

    /// All of them, oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Activity> {
        self.0.iter()
    }

    fn end(&mut self, outcome: Outcome, now: Timestamp) {
        if let Some(last) = self.0.back_mut().filter(|last| last.end.is_none()) {
            last.end = Some(now);
            last.outcome = outcome;
        }
    }
}
