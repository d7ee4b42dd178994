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
    let held = service.deployment.is_some() && service.deployment_controller != DeploymentController::External;
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

#[cfg(test)]
mod tests {
    use super::super::fixture::{after, register, scale_by_hand, scaling, shop, start, www};
    use super::super::{ServiceSpec, Sim};
    use super::*;
    use serde_json::json;

    fn at(time: &str) -> Timestamp {
        format!("2026-11-18T{time}:00Z").parse().unwrap()
    }

    fn desired(sim: &mut Sim, now: Timestamp) -> u32 {
        sim.advance(now);
        sim.service(&www()).unwrap().desired
    }

    fn latest_cause(sim: &mut Sim) -> String {
        let answer = scaling(sim, "DescribeScalingActivities", json!({ "MaxResults": 1 })).unwrap();
        answer["ScalingActivities"][0]["Cause"].as_str().unwrap_or_default().to_owned()
    }

    #[test]
    fn target_tracking_follows_lunch_and_dinner_and_comes_down_at_night() {
        let mut sim = shop(3, &ServiceSpec::default());
        let [morning, lunch, afternoon, dinner, late] = ["05:00", "12:30", "16:00", "19:20", "23:59"].map(at);
        let morning = desired(&mut sim, morning);
        let lunch = desired(&mut sim, lunch);
        let afternoon = desired(&mut sim, afternoon);
        let dinner = desired(&mut sim, dinner);
        let late = desired(&mut sim, late);
        assert_eq!(morning, 1);
        assert!(
            lunch > morning && afternoon < lunch && dinner > afternoon && late < dinner,
            "{lunch} {afternoon} {dinner} {late}"
        );
    }

    #[test]
    fn utilisation_stays_near_the_target_once_the_policy_has_acted() {
        let mut sim = shop(3, &ServiceSpec::default());
        sim.advance(at("19:20"));
        let cpu = cpu_percent(&sim.services[&www()], &LocalMinute::at(at("19:20"), &jiff::tz::TimeZone::UTC)).unwrap();
        assert!((50.0..80.0).contains(&cpu), "{cpu}");
    }

    #[test]
    fn lowering_the_minimum_scales_nothing_in_until_the_policy_does_a_quarter_of_an_hour_later() {
        let mut sim = shop(1, &ServiceSpec { desired: 4, bounds: Some((4, 10)), ..ServiceSpec::default() });
        sim.advance(at("02:05"));
        register(&mut sim, Some(1), None).unwrap();
        assert_eq!(desired(&mut sim, at("02:14")), 4);
        assert_eq!(desired(&mut sim, at("02:15")), 3);
        assert!(latest_cause(&mut sim).contains("AlarmLow-cpu in state ALARM triggered policy cpu"));
        assert_eq!(desired(&mut sim, at("02:19")), 3);
        assert_eq!(desired(&mut sim, at("02:20")), 2);
    }

    #[test]
    fn lowering_the_minimum_of_a_service_without_policies_scales_nothing_in_ever() {
        let spec = ServiceSpec { desired: 4, bounds: Some((4, 10)), cpu_target: None, ..ServiceSpec::default() };
        let mut sim = shop(1, &spec);
        register(&mut sim, Some(1), None).unwrap();
        assert_eq!(desired(&mut sim, at("23:00")), 4);
    }

    #[test]
    fn a_floor_of_zero_is_a_door_of_one_way() {
        let mut sim = shop(1, &ServiceSpec { desired: 0, bounds: Some((0, 10)), ..ServiceSpec::default() });
        assert_eq!(desired(&mut sim, at("19:30")), 0);
        register(&mut sim, Some(1), None).unwrap();
        let now = after(&sim, 600);
        assert!(desired(&mut sim, now) > 1, "with a task there is data again");
    }

    #[test]
    fn a_policy_stays_within_the_bounds() {
        let mut sim = shop(3, &ServiceSpec { desired: 2, bounds: Some((2, 3)), ..ServiceSpec::default() });
        assert_eq!(desired(&mut sim, at("05:00")), 2);
        assert_eq!(desired(&mut sim, at("19:20")), 3);
    }

    #[test]
    fn suspended_scaling_stays_where_it_is_and_a_suspended_schedule_suspends_no_policy() {
        for (flag, dinner) in [
            ("DynamicScalingOutSuspended", 1..=1),
            ("DynamicScalingInSuspended", 2..=10),
            ("ScheduledScalingSuspended", 2..=10),
        ] {
            let mut sim = shop(3, &ServiceSpec::default());
            scaling(&mut sim, "RegisterScalableTarget", json!({ "SuspendedState": { flag: true } })).unwrap();
            assert!(dinner.contains(&desired(&mut sim, at("19:20"))), "{flag}");
        }
        let mut sim = shop(3, &ServiceSpec { desired: 5, ..ServiceSpec::default() });
        let suspend = json!({ "SuspendedState": { "DynamicScalingInSuspended": true } });
        scaling(&mut sim, "RegisterScalableTarget", suspend).unwrap();
        assert_eq!(desired(&mut sim, at("06:00")), 5);
    }

    #[test]
    fn f18_a_deployment_switches_scale_in_off_unless_a_third_party_deploys() {
        for (controller, expected) in
            [(DeploymentController::Ecs, 4), (DeploymentController::CodeDeploy, 4), (DeploymentController::External, 1)]
        {
            let spec = ServiceSpec { desired: 4, deployment_controller: controller, ..ServiceSpec::default() };
            let mut sim = shop(1, &spec);
            sim.begin_deployment(&www());
            assert_eq!(desired(&mut sim, at("05:00")), expected, "{controller:?}");
            sim.end_deployment(&www());
            assert_eq!(desired(&mut sim, at("06:00")), 1);
        }
    }

    #[test]
    fn scaling_out_lifts_a_hand_set_count_to_the_minimum_first_and_scaling_in_leaves_it() {
        let mut sim = shop(3, &ServiceSpec { desired: 6, bounds: Some((6, 10)), ..ServiceSpec::default() });
        scale_by_hand(&mut sim, 2);
        assert_eq!(desired(&mut sim, at("05:00")), 2);
        assert!(desired(&mut sim, at("19:20")) >= 6);
    }

    #[test]
    fn scaling_in_brings_a_hand_set_count_above_the_maximum_back_to_it() {
        let mut sim = shop(1, &ServiceSpec { bounds: Some((1, 5)), ..ServiceSpec::default() });
        scale_by_hand(&mut sim, 9);
        assert_eq!(desired(&mut sim, start() + SignedDuration::from_mins(17)), 5);
    }

    #[test]
    fn a_policy_with_scale_in_disabled_only_scales_out() {
        let mut sim = shop(3, &ServiceSpec { cpu_target: None, ..ServiceSpec::default() });
        let body = json!({
            "PolicyName": "up", "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": {
                "TargetValue": 70, "DisableScaleIn": true,
                "PredefinedMetricSpecification": { "PredefinedMetricType": "ECSServiceAverageCPUUtilization" },
            },
        });
        scaling(&mut sim, "PutScalingPolicy", body).unwrap();
        let dinner = desired(&mut sim, at("20:00"));
        assert!(dinner > 1);
        assert_eq!(desired(&mut sim, at("23:59")), dinner);
    }
}
