//! Application Auto Scaling: scaling policies. Those that track the CPU act in the simulation, the others are only kept.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::super::scaling::Policy;
use super::super::tracking::{self, ScaleIn, Tracking};
use super::super::{Sim, chance};
use super::autoscaling::{
    asked_name, auto_scaling_page, check_ids, extended, item_key, named_target, not_found, resource_json, uuid,
};
use super::fields::{Fields, constraint};
use super::page;
use super::{OWNER, WireError, epoch_seconds};
use crate::model::TargetId;

/// The metric whose policies act in the simulation.
pub(in super::super) const CPU_METRIC: &str = "ECSServiceAverageCPUUtilization";

impl Sim {
    pub(super) fn put_scaling_policy(&mut self, fields: &Fields<'_>) -> Result<Value, WireError> {
        let (target, now) = (named_target(fields)?, self.now);
        let name = fields.required("PolicyName")?;
        let policies = &mut self.registered_mut(&target)?.policies;
        let before = policies.get(name);
        let kind = fields.text("PolicyType")?.or(before.map(|policy| policy.kind.as_str())).unwrap_or("StepScaling");
        let key = configuration_key(kind)?;
        let configuration = fields.raw(key).or(before.map(|policy| &policy.configuration));
        let configuration = configuration.cloned().ok_or_else(|| constraint("null", key, "Member must not be null"))?;
        let tracking = if kind == "TargetTrackingScaling" { tracking_of(&configuration)? } else { None };
        let created = before.map_or(now, |policy| policy.created);
        let policy = Policy { kind: kind.to_owned(), configuration, created, tracking };
        let answer = json!({ "PolicyARN": policy_arn(&target, name), "Alarms": alarms(&target, name, &policy) });
        policies.insert(name.to_owned(), policy);
        Ok(answer)
    }

    pub(super) fn delete_scaling_policy(&mut self, fields: &Fields<'_>) -> Result<Value, WireError> {
        let target = named_target(fields)?;
        let name = fields.required("PolicyName")?;
        let removed = self.registered_mut(&target)?.policies.remove(name);
        removed.map(|_| json!({})).ok_or_else(|| not_found(&format!("No scaling policy found for {name}"), &target))
    }

    pub(super) fn describe_scaling_policies(&mut self, fields: &Fields<'_>) -> Result<Value, WireError> {
        let names = fields.texts("PolicyNames")?;
        check_ids("PolicyNames", &names)?;
        let page = auto_scaling_page(fields)?;
        let mut items = Vec::new();
        for (id, scaling) in self.asked_scalings(fields)? {
            let policies = scaling.policies.iter().filter(|(name, _)| asked_name(&names, name));
            items.extend(policies.map(|(name, policy)| (item_key(id, name), (id, name, policy))));
        }
        let (items, token) = page.cut(items);
        let items = items.into_iter().map(|(_, (id, name, policy))| policy_json(id, name, policy));
        Ok(page::answer("ScalingPolicies", items.collect(), "NextToken", token))
    }
}

fn configuration_key(kind: &str) -> Result<&'static str, WireError> {
    match kind {
        "TargetTrackingScaling" => Ok("TargetTrackingScalingPolicyConfiguration"),
        "StepScaling" => Ok("StepScalingPolicyConfiguration"),
        "PredictiveScaling" => Ok("PredictiveScalingPolicyConfiguration"),
        _ => Err(constraint(kind, "PolicyType", "Member must satisfy enum value set")),
    }
}

/// What a target-tracking configuration makes of the CPU; `None` where it looks at another metric, and never acts here.
fn tracking_of(configuration: &Value) -> Result<Option<Tracking>, WireError> {
    let fields = Fields::of(configuration)?;
    let target = fields.number("TargetValue")?.filter(|target| *target > 0.0);
    let target = target.ok_or_else(|| WireError::validation("TargetValue must be greater than 0"))?;
    let metric = fields.object("PredefinedMetricSpecification")?;
    let metric = metric.map_or(Ok(None), |metric| metric.text("PredefinedMetricType"))?;
    let scale_in = if fields.flag("DisableScaleIn")?.unwrap_or(false) { ScaleIn::Disabled } else { ScaleIn::Enabled };
    let cooldown = fields.capacity("ScaleInCooldown")?.map(|seconds| SignedDuration::from_secs(i64::from(seconds)));
    let cooldown = cooldown.unwrap_or(tracking::DEFAULT_COOLDOWN);
    Ok((metric == Some(CPU_METRIC)).then(|| Tracking::new(target, scale_in, cooldown)))
}

fn policy_json(id: &TargetId, name: &str, policy: &Policy) -> Value {
    let key = configuration_key(&policy.kind).expect("a policy is stored with a type that was checked");
    let more = json!({
        "PolicyARN": policy_arn(id, name),
        "PolicyName": name,
        "PolicyType": policy.kind,
        key: policy.configuration,
        "Alarms": alarms(id, name, policy),
        "CreationTime": epoch_seconds(policy.created),
    });
    extended(resource_json(id), more)
}

fn alarms(id: &TargetId, policy: &str, settings: &Policy) -> Vec<Value> {
    let sides = if settings.kind == "TargetTrackingScaling" { ["High", "Low"].as_slice() } else { &[] };
    let name = |side: &&str| tracking::alarm_name(id, policy, side);
    let alarm =
        |name: String| json!({ "AlarmARN": format!("arn:aws:cloudwatch:{OWNER}:alarm:{name}"), "AlarmName": name });
    sides.iter().map(name).map(alarm).collect()
}

fn policy_arn(id: &TargetId, name: &str) -> String {
    let opaque = chance::fingerprint(&item_key(id, name));
    let policy = uuid(opaque, chance::draw(opaque, &[]));
    format!("arn:aws:autoscaling:{OWNER}:scalingPolicy:{policy}:resource/ecs/{}:policyName/{name}", id.resource_id())
}

#[cfg(test)]
mod tests {
    use super::super::super::ServiceSpec;
    use super::super::super::fixture::{scaling, shop};
    use super::*;

    #[test]
    fn a_policy_is_described_as_it_was_put() {
        let mut sim = shop(1, &ServiceSpec { cpu_target: None, ..ServiceSpec::default() });
        let configuration = json!({
            "TargetValue": 60.0, "PredefinedMetricSpecification": { "PredefinedMetricType": CPU_METRIC },
        });
        let body = json!({
            "PolicyName": "mine", "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": configuration,
        });
        let put = scaling(&mut sim, "PutScalingPolicy", body).unwrap();
        let answer = scaling(&mut sim, "DescribeScalingPolicies", json!({ "PolicyNames": ["mine", "yours"] })).unwrap();
        let policy = &answer["ScalingPolicies"][0];
        assert_eq!(policy["TargetTrackingScalingPolicyConfiguration"], configuration);
        assert_eq!(policy["PolicyARN"], put["PolicyARN"]);
        scaling(&mut sim, "DeleteScalingPolicy", json!({ "PolicyName": "mine" })).unwrap();
        let answer = scaling(&mut sim, "DescribeScalingPolicies", json!({})).unwrap();
        assert_eq!(answer, json!({ "ScalingPolicies": [] }));
    }

    #[test]
    fn a_policy_of_another_type_or_without_a_configuration_is_refused() {
        let mut sim = shop(1, &ServiceSpec::default());
        for body in [
            json!({ "PolicyName": "x", "PolicyType": "Magic" }),
            json!({ "PolicyName": "x", "PolicyType": "TargetTrackingScaling" }),
            json!({
                "PolicyName": "x", "PolicyType": "TargetTrackingScaling",
                "TargetTrackingScalingPolicyConfiguration": { "TargetValue": 0 },
            }),
        ] {
            assert_eq!(scaling(&mut sim, "PutScalingPolicy", body).expect_err("refused").code, "ValidationException");
        }
    }
}
