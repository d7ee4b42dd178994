//! A simulated ECS with Application Auto Scaling: a pure function of its seed, the calls made and the time.
//!
//! It keeps AWS's rules where they matter to whoever moves capacity bounds: what a registration refuses, that bounds are
//! enforced at registration and never after, that lowering a minimum only permits policies to scale in, that tasks take
//! half a minute to start. Target tracking follows a daily traffic of the simulation's own. Nothing fails unless a
//! [`Fault`] says so, and nothing is throttled unless a [`Rate`] does.
//!
//! Time is an argument of everything; the model catches up with it, event by event, at the next call. Time that runs
//! backwards is taken as standing still. Three doors lead in: [`Sim::observe`] and [`Sim::apply`] in the types of
//! [`crate::ecs`], [`Sim::call`] in AWS's JSON, and [`Sim::foreign_call`] for everybody else's hands.
//!
//! It does not fire AWS's own scheduled actions, forecast, place tasks on instances, or check credentials.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::ecs::{Operation, ServiceCounts};
use crate::model::TargetId;

mod chance;
mod faults;
#[cfg(test)]
mod fixture;
mod port;
mod scaling;
mod service;
mod tracking;
mod traffic;
mod wire;

pub use faults::{Family, Fault, Lasting, Rate, Scope};
pub use service::ServiceSpec;
pub use wire::{CallError, WireError};

use faults::{Buckets, Faults};
use scaling::{Policy, Scaling, Settings, Suspended};
use service::{Service, Stale, Status};
use tracking::{Move, ScaleIn, Tracking};
use traffic::{LocalMinute, Traffic};

/// From an accepted registration to the desired count being moved inside the bounds.
const ENFORCEMENT_DELAY: SignedDuration = SignedDuration::from_millis(400);

/// How long a rolling deployment takes that `UpdateService` began.
const DEPLOYMENT_TIME: SignedDuration = SignedDuration::from_secs(180);

/// How fast a Fargate task starts, in milliseconds, from the fastest to the slowest.
const TASK_START_MS: (u64, u64) = (25_000, 60_000);

/// The simulated account and region. Cloning it forks the world.
#[derive(Clone, Debug)]
pub struct Sim {
    seed: u64,
    zone: TimeZone,
    now: Timestamp,
    next_minute: Timestamp,
    clusters: BTreeSet<Arc<str>>,
    services: BTreeMap<TargetId, Service>,
    events: BTreeMap<(Timestamp, u64), Event>,
    numbers: u64, // handed out so far, to events and activities
    faults: Faults,
    buckets: Buckets,
    stale_for: SignedDuration,
    calls: BTreeMap<Operation, u64>,
}

/// What happens by itself, later.
#[derive(Clone, Debug)]
enum Event {
    EnforceBounds(TargetId),
    TaskStarted(TargetId, u64),
    DeploymentEnds(TargetId, Timestamp), // the one that began then
}

/// `RegisterScalableTarget`: what is given is changed, the rest stays.
#[derive(Clone, Debug)]
struct Registration {
    target: TargetId,
    min: Option<u32>,
    max: Option<u32>,
    scaling_in: Option<bool>,
    scaling_out: Option<bool>,
    scheduled: Option<bool>,
}

impl Sim {
    /// An empty account at `start`, whose customers live by the wall clock of `zone`.
    pub fn new(seed: u64, zone: TimeZone, start: Timestamp) -> Self {
        Sim {
            seed,
            zone,
            now: start,
            next_minute: minute_after(start),
            clusters: BTreeSet::new(),
            services: BTreeMap::new(),
            events: BTreeMap::new(),
            numbers: 0,
            faults: Faults::default(),
            buckets: Buckets::default(),
            stale_for: SignedDuration::ZERO,
            calls: BTreeMap::new(),
        }
    }

    /// Adds a service, and its cluster where that is new; one of the same name is replaced.
    pub fn add_service(&mut self, id: TargetId, spec: &ServiceSpec) {
        let traffic = Traffic::new(self.seed, &id.to_string());
        let mut service = Service::new(spec, traffic, self.now);
        service.scaling = spec.bounds.map(|(min, max)| {
            let mut scaling = Scaling::new(Settings { min, max, suspended: Suspended::default() }, self.now);
            scaling.policies.extend(spec.cpu_target.map(|percent| cpu_policy(percent, self.now)));
            scaling
        });
        self.clusters.insert(id.cluster.clone());
        self.services.insert(id, service);
    }

    /// Lets everything happen that is due up to and including `to`.
    pub fn advance(&mut self, to: Timestamp) {
        if to >= self.next_minute && !self.services.values().any(Service::is_tracked) {
            self.next_minute = minute_after(to);
        }
        loop {
            let event = self.events.first_key_value().map(|(key, _)| *key);
            match event {
                Some(key) if key.0 <= to && key.0 <= self.next_minute => {
                    self.now = self.now.max(key.0);
                    let event = self.events.remove(&key).expect("the key was read a moment ago");
                    self.happen(&event);
                }
                _ if self.next_minute <= to => {
                    self.now = self.now.max(self.next_minute);
                    self.next_minute = minute_after(self.now);
                    self.evaluate_policies();
                }
                _ => break,
            }
        }
        self.now = self.now.max(to);
    }

    /// Makes calls fail from now on.
    pub fn inject(&mut self, scope: Scope, fault: Fault, lasting: Lasting) {
        self.faults.add(scope, fault, lasting);
    }

    /// Makes the next call of the operation be refused with this code of AWS's.
    pub fn fail_next(&mut self, operation: Operation, code: &str) {
        self.inject(Scope::Operation(operation), Fault::refuse(code), Lasting::Times(1));
    }

    /// Ends all faults.
    pub fn clear_faults(&mut self) {
        self.faults.clear();
    }

    /// Limits a family's calls to a rate, beginning with a full bucket; `None` lifts the limit.
    pub fn limit(&mut self, family: Family, rate: Option<Rate>) {
        self.buckets.limit(family, rate, self.now);
    }

    /// Lets `DescribeScalableTargets` show the settings of before a write for so long after it.
    pub fn set_stale_reads(&mut self, stale_for: SignedDuration) {
        self.stale_for = stale_for;
    }

    /// How often each operation was called by way of [`Sim::observe`], [`Sim::apply`] and [`Sim::call`], failed calls included.
    pub fn calls(&self) -> &BTreeMap<Operation, u64> {
        &self.calls
    }

    /// Puts a service into a deployment that lasts until [`Sim::end_deployment`]. Nothing happens where it does not exist.
    pub fn begin_deployment(&mut self, id: &TargetId) {
        let now = self.now;
        if let Some(service) = self.services.get_mut(id) {
            service.deployment = Some(now);
        }
    }

    /// Ends a service's deployment.
    pub fn end_deployment(&mut self, id: &TargetId) {
        if let Some(service) = self.services.get_mut(id) {
            service.deployment = None;
        }
    }

    /// What is true of a service as of the last [`Sim::advance`] or call, whatever a reader would see; `None` if it is not there.
    pub fn service(&self, id: &TargetId) -> Option<ServiceCounts> {
        self.active(id).map(Service::counts)
    }

    /// The true `(MinCapacity, MaxCapacity)`, whatever a reader would see; `None` if the target is not registered.
    pub fn bounds(&self, id: &TargetId) -> Option<(u32, u32)> {
        let settings = self.active(id)?.scaling.as_ref()?.settings;
        Some((settings.min, settings.max))
    }

    /// The time that the model has reached.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    fn active(&self, id: &TargetId) -> Option<&Service> {
        self.services.get(id).filter(|service| service.status == Status::Active)
    }

    fn active_mut(&mut self, id: &TargetId) -> Option<&mut Service> {
        self.services.get_mut(id).filter(|service| service.status == Status::Active)
    }

    fn schedule(&mut self, at: Timestamp, event: Event) {
        self.numbers += 1;
        self.events.insert((at, self.numbers), event);
    }

    fn happen(&mut self, event: &Event) {
        let now = self.now;
        match event {
            Event::EnforceBounds(id) => self.enforce_bounds(id),
            Event::TaskStarted(id, task) => {
                if let Some(service) = self.services.get_mut(id) {
                    service.task_started(*task, now);
                }
            }
            Event::DeploymentEnds(id, began) => {
                if self.services.get(id).is_some_and(|service| service.deployment == Some(*began)) {
                    self.end_deployment(id);
                }
            }
        }
    }

    /// The one moment at which AWS looks at the bounds: shortly after a registration.
    fn enforce_bounds(&mut self, id: &TargetId) {
        let Some((min, max)) = self.bounds(id) else { return };
        let Some(desired) = self.active(id).map(|service| service.desired) else { return };
        if desired < min {
            self.auto_scale(id, Move { desired: min, cause: format!("minimum capacity was set to {min}") });
        } else if desired > max {
            self.auto_scale(id, Move { desired: max, cause: format!("maximum capacity was set to {max}") });
        }
    }

    fn evaluate_policies(&mut self) {
        let (now, minute) = (self.now, LocalMinute::at(self.now, &self.zone));
        let judged = self.services.iter_mut();
        let moves: Vec<(TargetId, Move)> = judged
            .filter_map(|(id, service)| Some((id.clone(), tracking::judge(id, service, &minute, now)?)))
            .collect();
        for (id, wanted) in moves {
            self.auto_scale(&id, wanted);
        }
    }

    /// Application Auto Scaling moves the desired count, and records an activity.
    fn auto_scale(&mut self, id: &TargetId, wanted: Move) {
        self.numbers += 1;
        let (number, now) = (self.numbers, self.now);
        if let Some(service) = self.active_mut(id) {
            service.activities.begin(number, wanted.desired, wanted.cause, now);
        }
        self.set_desired(id, wanted.desired);
    }

    fn set_desired(&mut self, id: &TargetId, desired: u32) {
        let now = self.now;
        let Some(service) = self.active_mut(id) else { return };
        let name = chance::fingerprint(&id.to_string());
        for task in service.set_desired(desired, now) {
            let millis = chance::between(TASK_START_MS.0, TASK_START_MS.1, self.seed, &[name, task]);
            let wait = SignedDuration::from_millis(i64::try_from(millis).expect("a task starts within a minute"));
            self.schedule(now + wait, Event::TaskStarted(id.clone(), task));
        }
    }

    /// `RegisterScalableTarget`: merges, checks the merged values, and has the bounds enforced.
    fn register(&mut self, registration: Registration) -> Result<(), WireError> {
        let (now, stale_for) = (self.now, self.stale_for);
        let id = registration.target.clone();
        let missing = || WireError::validation(format!("ECS service doesn't exist: {}", id.resource_id()));
        let service = self.active_mut(&id).ok_or_else(missing)?;
        let settings = registration.merge(service.scaling.as_ref().map(|scaling| scaling.settings))?;
        if stale_for > SignedDuration::ZERO {
            let was = service.visible_settings(now);
            service.stale = Some(Stale { until: now + stale_for, was });
        }
        match &mut service.scaling {
            Some(scaling) => scaling.settings = settings,
            None => service.scaling = Some(Scaling::new(settings, now)),
        }
        self.schedule(now + ENFORCEMENT_DELAY, Event::EnforceBounds(registration.target));
        Ok(())
    }
}

impl Registration {
    /// The settings after the registration, given those of before; AWS checks the result, not what was sent.
    fn merge(&self, before: Option<Settings>) -> Result<Settings, WireError> {
        let min = self.min.or(before.map(|settings| settings.min));
        let max = self.max.or(before.map(|settings| settings.max));
        let (Some(min), Some(max)) = (min, max) else {
            let message = "MinCapacity and MaxCapacity are both required to register a new scalable target";
            return Err(WireError::validation(message));
        };
        if min > max {
            return Err(WireError::validation("Maximum capacity cannot be less than minimum capacity"));
        }
        let suspended = before.map_or(Suspended::default(), |settings| settings.suspended);
        let suspended = Suspended {
            scaling_in: self.scaling_in.unwrap_or(suspended.scaling_in),
            scaling_out: self.scaling_out.unwrap_or(suspended.scaling_out),
            scheduled: self.scheduled.unwrap_or(suspended.scheduled),
        };
        Ok(Settings { min, max, suspended })
    }
}

fn minute_after(at: Timestamp) -> Timestamp {
    let second = (at.as_second().div_euclid(60) + 1) * 60;
    Timestamp::from_second(second).expect("simulated time stays far from the end of time")
}

/// A target-tracking policy as the ECS console would create it, under the name `cpu`.
fn cpu_policy(percent: u32, now: Timestamp) -> (String, Policy) {
    let configuration = serde_json::json!({
        "TargetValue": f64::from(percent),
        "PredefinedMetricSpecification": { "PredefinedMetricType": wire::CPU_METRIC },
    });
    let tracking = Tracking::new(f64::from(percent), ScaleIn::Enabled, tracking::DEFAULT_COOLDOWN);
    let kind = "TargetTrackingScaling".to_owned();
    ("cpu".to_owned(), Policy { kind, configuration, created: now, tracking: Some(tracking) })
}

#[cfg(test)]
mod tests {
    use super::fixture::{after, register, shop, start, www};
    use super::*;
    use crate::ecs::{Action, Query};

    /// Twelve hours of calls and of traffic, written out.
    fn trace(seed: u64) -> String {
        let mut sim = shop(seed, &ServiceSpec::default());
        let mut lines = Vec::new();
        for minute in 0..720 {
            let now = after(&sim, 60);
            if minute % 240 == 100 {
                let action = Action { target: www(), min: Some(minute / 240 + 1), max: None };
                lines.push(format!("{:?}", sim.apply(&action, now)));
            }
            lines.push(format!("{:?}", sim.observe(&Query::Services(vec![www()]), now)));
        }
        let now = sim.now();
        let activities = "AnyScaleFrontendService.DescribeScalingActivities";
        let activities = sim.call(activities, &serde_json::json!({ "ServiceNamespace": "ecs" }), now);
        lines.push(activities.unwrap().to_string());
        lines.join("\n")
    }

    #[test]
    fn the_same_seed_gives_the_same_trace_byte_for_byte_and_another_seed_another() {
        assert_eq!(trace(1), trace(1));
        assert_ne!(trace(1), trace(2));
    }

    #[test]
    fn how_often_time_is_looked_at_changes_nothing() {
        let mut often = shop(1, &ServiceSpec::default());
        let mut once = often.clone();
        for second in 0..20_000 {
            often.advance(start() + SignedDuration::from_secs(second));
        }
        once.advance(often.now());
        assert_eq!(format!("{often:?}"), format!("{once:?}"));
    }

    #[test]
    fn a_registration_lifts_desired_to_the_minimum_within_a_second() {
        let mut sim = shop(1, &ServiceSpec::default());
        register(&mut sim, Some(4), None).unwrap();
        assert_eq!(sim.service(&www()).unwrap().desired, 1);
        sim.advance(after(&sim, 1));
        assert_eq!(sim.service(&www()).unwrap().desired, 4);
    }

    #[test]
    fn a_registration_cuts_desired_to_the_maximum_within_a_second() {
        let mut sim = shop(1, &ServiceSpec { desired: 8, ..ServiceSpec::default() });
        register(&mut sim, None, Some(3)).unwrap();
        sim.advance(after(&sim, 1));
        let counts = sim.service(&www()).unwrap();
        assert_eq!((counts.desired, counts.running), (3, 3));
    }

    #[test]
    fn tasks_take_between_25_and_60_seconds_to_start() {
        let mut sim = shop(1, &ServiceSpec::default());
        register(&mut sim, Some(6), None).unwrap();
        sim.advance(after(&sim, 25));
        let counts = sim.service(&www()).unwrap();
        assert_eq!((counts.running, counts.pending), (1, 5));
        sim.advance(after(&sim, 36));
        let counts = sim.service(&www()).unwrap();
        assert_eq!((counts.running, counts.pending), (6, 0));
    }

    #[test]
    fn a_task_that_is_cancelled_while_it_starts_never_runs() {
        let mut sim = shop(1, &ServiceSpec { cpu_target: None, ..ServiceSpec::default() });
        register(&mut sim, Some(6), None).unwrap();
        sim.advance(after(&sim, 5));
        register(&mut sim, Some(1), Some(1)).unwrap();
        sim.advance(after(&sim, 300));
        let counts = sim.service(&www()).unwrap();
        assert_eq!((counts.desired, counts.running, counts.pending), (1, 1, 0));
    }

    #[test]
    fn g11_a_desired_count_set_below_the_minimum_by_hand_stays_until_the_same_minimum_is_registered_again() {
        let spec = ServiceSpec { desired: 5, bounds: Some((5, 10)), cpu_target: None, ..ServiceSpec::default() };
        let mut sim = shop(1, &spec);
        fixture::scale_by_hand(&mut sim, 2);
        sim.advance(after(&sim, 3600));
        assert_eq!(sim.service(&www()).unwrap().desired, 2);
        register(&mut sim, Some(5), None).unwrap();
        sim.advance(after(&sim, 1));
        assert_eq!(sim.service(&www()).unwrap().desired, 5);
    }

    #[test]
    fn time_that_runs_backwards_stands_still() {
        let mut sim = shop(1, &ServiceSpec::default());
        let now = after(&sim, 60);
        sim.advance(now);
        sim.advance(start());
        assert_eq!(sim.now(), now);
    }
}
