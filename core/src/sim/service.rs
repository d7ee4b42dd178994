//! The ECS side of the model: services, their tasks and their deployments.

use std::collections::BTreeSet;
use std::ops::Range;

use jiff::Timestamp;

use super::scaling::{Activities, Scaling, Settings};
use super::traffic::Traffic;
use crate::ecs::{DeploymentController, ServiceCounts};

/// ECS's quota of tasks per service; a greater desired count stands, but no more tasks start.
const TASKS_PER_SERVICE: u32 = 5_000;

/// What a service is like when it is added to the simulation.
#[derive(Clone, Debug)]
pub struct ServiceSpec {
    /// The desired count; as many tasks run from the start.
    pub desired: u32,
    /// `(MinCapacity, MaxCapacity)` of its scalable target; `None` leaves it unregistered.
    pub bounds: Option<(u32, u32)>,
    /// The CPU utilisation, in percent, that a target-tracking policy holds; `None` attaches no policy.
    pub cpu_target: Option<u32>,
    /// Who deploys.
    pub deployment_controller: DeploymentController,
    /// Whether ECS Express Mode manages the service (`resourceManagementType` `ECS`).
    pub express_mode: bool,
}

impl Default for ServiceSpec {
    /// One task, bounds 1 to 10, a policy that holds 70 % CPU, deployed by ECS.
    fn default() -> Self {
        ServiceSpec {
            desired: 1,
            bounds: Some((1, 10)),
            cpu_target: Some(70),
            deployment_controller: DeploymentController::Ecs,
            express_mode: false,
        }
    }
}

/// Whether ECS still runs the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// It runs.
    Active,
    /// It was deleted, and is still described by name.
    Inactive,
}

/// What readers still see after a write, and until when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stale {
    pub(super) until: Timestamp,
    pub(super) was: Option<Settings>,
}

/// One service and everything that hangs on it: deleting it takes its scalable target along.
#[derive(Clone, Debug)]
pub(super) struct Service {
    pub(super) status: Status,
    pub(super) desired: u32,
    pub(super) running: u32,
    starting: BTreeSet<u64>, // numbers of the tasks that are pending
    next_task: u64,
    pub(super) deployment: Option<Timestamp>, // when the one that is under way began
    pub(super) deployment_controller: DeploymentController,
    pub(super) express_mode: bool,
    pub(super) created: Timestamp,
    pub(super) traffic: Traffic,
    pub(super) scaling: Option<Scaling>,
    pub(super) stale: Option<Stale>,
    pub(super) activities: Activities,
}

impl Service {
    /// A service without a scalable target, all of its tasks running.
    pub(super) fn new(spec: &ServiceSpec, traffic: Traffic, now: Timestamp) -> Self {
        Service {
            status: Status::Active,
            desired: spec.desired,
            running: spec.desired.min(TASKS_PER_SERVICE),
            starting: BTreeSet::new(),
            next_task: 0,
            deployment: None,
            deployment_controller: spec.deployment_controller,
            express_mode: spec.express_mode,
            created: now,
            traffic,
            scaling: None,
            stale: None,
            activities: Activities::default(),
        }
    }

    /// Deletes the service: its tasks stop, its scalable target goes with all that hangs on it.
    pub(super) fn delete(&mut self, now: Timestamp) {
        self.set_desired(0, now);
        self.status = Status::Inactive;
        self.deployment = None;
        self.scaling = None;
        self.stale = None;
    }

    /// Creates it anew under the same name, with all tasks yet to start.
    pub(super) fn recreate(&mut self, spec: &ServiceSpec, now: Timestamp) {
        self.status = Status::Active;
        self.deployment_controller = spec.deployment_controller;
        self.express_mode = spec.express_mode;
        self.created = now;
    }

    /// Sets the desired count. Surplus tasks stop at once, pending ones first; returns the numbers of those that start.
    pub(super) fn set_desired(&mut self, desired: u32, now: Timestamp) -> Range<u64> {
        self.desired = desired;
        let wanted = desired.min(TASKS_PER_SERVICE);
        let present = self.running + self.pending();
        let first = self.next_task;
        self.next_task += u64::from(wanted.saturating_sub(present));
        self.starting.extend(first..self.next_task);
        for _ in wanted..present {
            if self.starting.pop_last().is_none() {
                self.running -= 1;
            }
        }
        self.close_activity_if_steady(now);
        first..self.next_task
    }

    /// The task of this number is up; nothing happens where it was stopped before.
    pub(super) fn task_started(&mut self, task: u64, now: Timestamp) {
        if self.starting.remove(&task) {
            self.running += 1;
            self.close_activity_if_steady(now);
        }
    }

    /// Tasks on their way up.
    pub(super) fn pending(&self) -> u32 {
        u32::try_from(self.starting.len()).expect("a service never has more than its quota of tasks")
    }

    /// Whether a policy watches the service, so that its minutes matter.
    pub(super) fn is_tracked(&self) -> bool {
        self.scaling.as_ref().is_some_and(|scaling| scaling.policies.values().any(|policy| policy.tracking.is_some()))
    }

    /// The counts as the port carries them.
    pub(super) fn counts(&self) -> ServiceCounts {
        ServiceCounts {
            desired: self.desired,
            running: self.running,
            pending: self.pending(),
            deploying: self.deployment.is_some(),
            deployment_controller: self.deployment_controller,
            express_mode: self.express_mode,
        }
    }

    /// The scalable target's settings as a reader sees them now: for a while after a write, perhaps the old ones.
    pub(super) fn visible_settings(&self, now: Timestamp) -> Option<Settings> {
        match self.stale {
            Some(stale) if now < stale.until => stale.was,
            Some(_) | None => self.scaling.as_ref().map(|scaling| scaling.settings),
        }
    }

    fn close_activity_if_steady(&mut self, now: Timestamp) {
        if self.running == self.desired && self.starting.is_empty() {
            self.activities.succeed(now);
        }
    }
}
