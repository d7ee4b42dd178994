//! Target tracking of CPU utilisation, as Application Auto Scaling does it for ECS.
//!
//! Once a minute every policy looks at the utilisation. Three minutes above the target scale out, in proportion to the
//! running count; fifteen minutes well below it scale in, one task at a time. With no task running there is no data, and
//! without data nothing ever scales: a floor of 0 is a door of one way.

use jiff::{SignedDuration, Timestamp};

use super::service::Service;
use super::traffic::LocalMinute;
use crate::ecs::DeploymentController;
use crate::model::TargetId;

/// AWS's default cooldown for ECS.
pub(super) const DEFAULT_COOLDOWN: SignedDuration = SignedDuration::from_secs(300);

const MINUTES_TO_SCALE_OUT: u32 = 3;
const MINUTES_TO_SCALE_IN: u32 = 15;
const SCALE_IN_BELOW: f64 = 0.9; // of the target

/// Whether a policy may take tasks away (`DisableScaleIn`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ScaleIn {
    Enabled,
    Disabled,
}

/// A target-tracking policy's settings and what its two alarms have seen.
#[derive(Clone, Debug)]
pub(super) struct Tracking {
    target_percent: f64,
    scale_in: ScaleIn,
    scale_in_cooldown: SignedDuration,
    minutes_above: u32,
    minutes_below: u32,
}

/// What the policies want: another desired count, and the cause that AWS writes into the activity.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Move {
    pub(super) desired: u32,
    pub(super) cause: String,
}

impl Tracking {
    /// A policy that has seen nothing yet. The target is in percent of CPU and positive.
    pub(super) fn new(target_percent: f64, scale_in: ScaleIn, scale_in_cooldown: SignedDuration) -> Self {
        Tracking { target_percent, scale_in, scale_in_cooldown, minutes_above: 0, minutes_below: 0 }
    }

    fn watch(&mut self, cpu_percent: f64) {
        let above = cpu_percent > self.target_percent;
        let below = cpu_percent < self.target_percent * SCALE_IN_BELOW;
        self.minutes_above = if above { self.minutes_above + 1 } else { 0 };
        self.minutes_below = if below { self.minutes_below + 1 } else { 0 };
    }

    fn forget(&mut self) {
        (self.minutes_above, self.minutes_below) = (0, 0);
    }

    /// The tasks that would bring the utilisation to the target.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a positive number of tasks, and a float's cast saturates"
    )]
    fn wanted(&self, running: u32, cpu_percent: f64) -> u32 {
        (f64::from(running) * cpu_percent / self.target_percent).ceil() as u32
    }
}

/// The alarm's name as AWS makes it up.
pub(super) fn alarm_name(target: &TargetId, policy: &str, side: &str) -> String {
    format!("TargetTracking-{}-Alarm{side}-{policy}", target.resource_id())
}

/// One minute's look at the service: what its policies make of the load, if anything.
pub(super) fn judge(target: &TargetId, service: &mut Service, minute: &LocalMinute, now: Timestamp) -> Option<Move> {
    let cpu_percent = cpu_percent(service, minute);
    let policies = &mut service.scaling.as_mut()?.policies;
    for tracking in policies.values_mut().filter_map(|policy| policy.tracking.as_mut()) {
        match cpu_percent {
            Some(percent) => tracking.watch(percent),
            None => tracking.forget(),
        }
    }
    let cpu_percent = cpu_percent?;
    scale_out(target, service, cpu_percent).or_else(|| scale_in(target, service, cpu_percent, now))
}

/// The average CPU utilisation, at most 100; `None` while no task runs.
fn cpu_percent(service: &Service, minute: &LocalMinute) -> Option<f64> {
    (service.running > 0).then(|| (100.0 * service.traffic.load(minute) / f64::from(service.running)).min(100.0))
}

/// Any policy may scale out. A larger scale-out interrupts the cooldown of the one before, as AWS says, and with maths
/// from the running count nothing but a larger one is ever asked for: no cooldown is kept.
fn scale_out(target: &TargetId, service: &mut Service, cpu_percent: f64) -> Option<Move> {
    let scaling = service.scaling.as_mut()?;
    let settings = scaling.settings;
    let (name, wanted) = scaling
        .policies
        .iter()
        .filter_map(|(name, policy)| Some((name, policy.tracking.as_ref()?)))
        .filter(|(_, tracking)| tracking.minutes_above >= MINUTES_TO_SCALE_OUT)
        .map(|(name, tracking)| (name, tracking.wanted(service.running, cpu_percent)))
        .max_by_key(|(_, wanted)| *wanted)?;
    let desired = wanted.max(settings.min).min(settings.max);
    if settings.suspended.scaling_out || desired <= service.desired {
        return None;
    }
    scaling.last_scale_in = None;
    Some(Move { desired, cause: cause(target, name, "High") })
}

/// All policies that may scale in must agree; deployments by ECS and CodeDeploy switch it off.
fn scale_in(target: &TargetId, service: &mut Service, cpu_percent: f64, now: Timestamp) -> Option<Move> {
    let held = service.deploying && service.deployment_controller != DeploymentController::External;
    let scaling = service.scaling.as_mut()?;
    let settings = scaling.settings;
    let voters = || {
        let policies = scaling.policies.iter().filter_map(|(name, policy)| Some((name, policy.tracking.as_ref()?)));
        policies.filter(|(_, tracking)| tracking.scale_in == ScaleIn::Enabled)
    };
    let (name, _) = voters().next()?;
    let cooldown = voters().map(|(_, tracking)| tracking.scale_in_cooldown).max()?;
    let cooling = scaling.last_scale_in.is_some_and(|last| now.duration_since(last) < cooldown);
    let agreed = voters().all(|(_, tracking)| tracking.minutes_below >= MINUTES_TO_SCALE_IN);
    let wanted = voters().map(|(_, tracking)| tracking.wanted(service.running, cpu_percent)).max()?;
    let desired = service.desired.saturating_sub(1).max(wanted).min(settings.max).max(settings.min);
    if held || settings.suspended.scaling_in || cooling || !agreed || desired >= service.desired {
        return None;
    }
    let cause = cause(target, name, "Low");
    scaling.last_scale_in = Some(now);
    Some(Move { desired, cause })
}

fn cause(target: &TargetId, policy: &str, side: &str) -> String {
    format!("monitor alarm {} in state ALARM triggered policy {policy}", alarm_name(target, policy, side))
}
