//! The snapshot: what the page, the API, the gauges and the `status` command all read. Data alone; it judges nothing.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Conditions;
use crate::ecs::EcsError;
use crate::lease::Standing;
use crate::model::{Floor, Site, TargetId};
use crate::timetable::Decision;

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
    /// Each account and region that has targets, the controller's own first.
    #[serde(default)]
    pub sites: Vec<SiteStatus>,
    /// Sorted by account, region, cluster, then service; each is shared with every snapshot in which it stands the same.
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
    /// Its account and region, where they are not the controller's own.
    #[serde(flatten)]
    pub site: Site,
    /// The cluster's name.
    pub cluster: Arc<str>,
    /// The service's name.
    pub service: Arc<str>,
    /// What is declared now; null where the target is left alone.
    pub floor: Option<FloorStatus>,
    /// The next change of what is declared; null: none will come. Shared by those who stand side by side and change alike.
    pub next: Option<Arc<NextStatus>>,
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

impl TargetStatus {
    /// The target whose state it is.
    pub fn id(&self) -> TargetId {
        TargetId::new(Arc::clone(&self.cluster), Arc::clone(&self.service)).at(self.site.clone())
    }

    /// What targets are sorted by: account and region, those at home first, then cluster, then service.
    pub fn by_name(&self) -> (&Site, &str, &str) {
        (&self.site, &self.cluster, &self.service)
    }
}

/// The state of one account and region: each has its own clients, its own pace and its own failures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SiteStatus {
    /// Which; neither account nor region: the controller's own.
    #[serde(flatten)]
    pub site: Site,
    /// How many of the targets are there.
    pub targets: usize,
    /// Which questions fail there, and how; empty: all are answered.
    pub failing: Vec<FailingQuestion>,
    /// Writes that are due and have not left.
    pub writes_waiting: usize,
    /// Writes that are under way.
    pub writes_in_flight: usize,
    /// Writes a second that are let through, as throttles taught; null: none has, lately.
    pub write_rate: Option<f64>,
}

/// A kind of question that fails.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FailingQuestion {
    /// AWS's name of the operation.
    pub operation: Cow<'static, str>,
    /// The kind of failure, as the metrics label it.
    pub outcome: Cow<'static, str>,
    /// The failure, as a person would read it.
    pub message: String,
}

impl From<&EcsError> for FailingQuestion {
    fn from(error: &EcsError) -> Self {
        FailingQuestion {
            operation: error.operation.name().into(),
            outcome: error.kind.name().into(),
            message: error.to_string(),
        }
    }
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
