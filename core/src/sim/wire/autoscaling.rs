//! Application Auto Scaling: scalable targets and scaling activities.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::chance;
use super::super::scaling::{Activity, Scaling, Settings};
use super::super::{Registration, Sim};
use super::fields::{Fields, constraint};
use super::page::{self, Page, PageError};
use super::{OWNER, WireError, epoch_seconds};
use crate::model::TargetId;

const DIMENSION: &str = "ecs:service:DesiredCount";
const MOST_IDS: usize = 50;

impl Sim {
    pub(super) fn register_scalable_target(&mut self, fields: &Fields<'_>) -> Result<Value, WireError> {
        let target = named_target(fields)?;
        let suspended = fields.object("SuspendedState")?;
        let flag = |key| suspended.as_ref().map_or(Ok(None), |suspended| suspended.flag(key));
        let registration = Registration {
            min: fields.capacity("MinCapacity")?,
            max: fields.capacity("MaxCapacity")?,
            scaling_in: flag("DynamicScalingInSuspended")?,
            scaling_out: flag("DynamicScalingOutSuspended")?,
            scheduled: flag("ScheduledScalingSuspended")?,
            target: target.clone(),
        };
        self.register(registration)?;
        Ok(json!({ "ScalableTargetARN": target_arn(&target) }))
    }

    pub(super) fn deregister_scalable_target(&mut self, fields: &Fields<'_>) -> Result<Value, WireError> {
        let target = named_target(fields)?;
        self.registered_mut(&target)?;
        if let Some(service) = self.active_mut(&target) {
            service.scaling = None;
            service.stale = None;
        }
        Ok(json!({}))
    }

    pub(super) fn describe_scalable_targets(&mut self, fields: &Fields<'_>) -> Result<Value, WireError> {
        let ids = fields.texts("ResourceIds")?;
        check_ids("ResourceIds", &ids)?;
        check_dimension(fields, !ids.is_empty())?;
        let page = auto_scaling_page(fields)?;
        if fields.required("ServiceNamespace")? != "ecs" {
            return Ok(page::answer("ScalableTargets", Vec::new(), "NextToken", None));
        }
        let named: BTreeSet<TargetId> =
            ids.iter().filter_map(|resource| TargetId::from_resource_id(resource)).collect();
        let services: Vec<_> = match ids.is_empty() {
            true => self.services.iter().collect(),
            false => named.iter().filter_map(|id| self.services.get_key_value(id)).collect(),
        };
        let shown = services.into_iter().filter_map(|(id, service)| {
            Some((id.resource_id(), (id, service.visible_settings(self.now)?, service.scaling.as_ref()?)))
        });
        let (items, token) = page.cut(shown.collect());
        let items = items.into_iter().map(|(_, (id, settings, scaling))| target_json(id, settings, scaling));
        Ok(page::answer("ScalableTargets", items.collect(), "NextToken", token))
    }

    /// Newest first.
    pub(super) fn describe_scaling_activities(&mut self, fields: &Fields<'_>) -> Result<Value, WireError> {
        let resource = fields.text("ResourceId")?;
        check_dimension(fields, resource.is_some())?;
        let page = auto_scaling_page(fields)?;
        let ours = fields.required("ServiceNamespace")? == "ecs";
        let services = self.services.iter().filter(|(id, _)| ours && resource.is_none_or(|r| r == id.resource_id()));
        let activities = services.flat_map(|(id, service)| service.activities.iter().map(move |done| (id, done)));
        let newest_first = |activity: &Activity| format!("{:020}", u64::MAX - activity.number);
        let (items, token) = page.cut(activities.map(|(id, done)| (newest_first(done), (id, done))).collect());
        let items = items.into_iter().map(|(_, (id, activity))| activity_json(self.seed, id, activity));
        Ok(page::answer("ScalingActivities", items.collect(), "NextToken", token))
    }

    /// The scalable target of this name.
    pub(super) fn registered_mut(&mut self, target: &TargetId) -> Result<&mut Scaling, WireError> {
        let scaling = self.active_mut(target).and_then(|service| service.scaling.as_mut());
        scaling.ok_or_else(|| not_found("No scalable target registered", target))
    }

    /// The scalable targets that `ServiceNamespace`, `ResourceId` and `ScalableDimension` ask for.
    pub(super) fn asked_scalings(&self, fields: &Fields<'_>) -> Result<Vec<(&TargetId, &Scaling)>, WireError> {
        let resource = fields.text("ResourceId")?;
        check_dimension(fields, resource.is_some())?;
        if fields.required("ServiceNamespace")? != "ecs" {
            return Ok(Vec::new());
        }
        let scalings = self.services.iter().filter_map(|(id, service)| Some((id, service.scaling.as_ref()?)));
        Ok(scalings.filter(|(id, _)| resource.is_none_or(|resource| resource == id.resource_id())).collect())
    }
}

/// The target that a write names by namespace, resource id and dimension, all three of them.
pub(super) fn named_target(fields: &Fields<'_>) -> Result<TargetId, WireError> {
    let namespace = fields.required("ServiceNamespace")?;
    let resource = fields.required("ResourceId")?;
    let dimension = fields.required("ScalableDimension")?;
    let target = TargetId::from_resource_id(resource).filter(|_| namespace == "ecs" && dimension == DIMENSION);
    let message = "Unsupported service namespace, resource type or scalable dimension";
    target.ok_or_else(|| WireError::validation(message))
}

/// A page of Application Auto Scaling: 1 to 50 items, 50 unless told.
pub(super) fn auto_scaling_page(fields: &Fields<'_>) -> Result<Page, WireError> {
    let (length, token) = (fields.integer("MaxResults")?, fields.text("NextToken")?);
    Page::new(length, 50, 1..=50, token).map_err(PageError::of_auto_scaling)
}

/// `ObjectNotFoundException` as AWS words it.
pub(super) fn not_found(what: &str, target: &TargetId) -> WireError {
    let resource = target.resource_id();
    let message =
        format!("{what} for service namespace: ecs, resource ID: {resource}, scalable dimension: {DIMENSION}");
    WireError::new(400, "ObjectNotFoundException", message)
}

/// A list of ids or names has 50 entries at most.
pub(super) fn check_ids(key: &str, ids: &[&str]) -> Result<(), WireError> {
    if ids.len() > MOST_IDS {
        return Err(constraint(&format!("{ids:?}"), key, "Member must have length less than or equal to 50"));
    }
    Ok(())
}

/// Whether a list of names asks for this one; an empty list asks for all.
pub(super) fn asked_name(names: &[&str], name: &str) -> bool {
    names.is_empty() || names.contains(&name)
}

/// Orders what hangs on targets by target, then name.
pub(super) fn item_key(target: &TargetId, name: &str) -> String {
    format!("{target} {name}")
}

/// The fields that every description repeats.
pub(super) fn resource_json(target: &TargetId) -> Value {
    json!({ "ServiceNamespace": "ecs", "ResourceId": target.resource_id(), "ScalableDimension": DIMENSION })
}

/// Adds fields to an object.
pub(super) fn extended(mut object: Value, more: Value) -> Value {
    if let (Value::Object(object), Value::Object(more)) = (&mut object, more) {
        object.extend(more);
    }
    object
}

/// A dimension narrows resource ids and means nothing without them.
fn check_dimension(fields: &Fields<'_>, ids: bool) -> Result<(), WireError> {
    match fields.text("ScalableDimension")? {
        Some(_) if !ids => {
            Err(WireError::validation("If you specify a scalable dimension, you must also specify a resource ID"))
        }
        Some(dimension) if dimension != DIMENSION => {
            Err(WireError::validation("Unsupported service namespace, resource type or scalable dimension"))
        }
        Some(_) | None => Ok(()),
    }
}

fn target_json(id: &TargetId, settings: Settings, scaling: &Scaling) -> Value {
    let more = json!({
        "MinCapacity": settings.min,
        "MaxCapacity": settings.max,
        "RoleARN": "arn:aws:iam::000000000000:role/aws-service-role/ecs.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_ECSService",
        "CreationTime": epoch_seconds(scaling.created),
        "ScalableTargetARN": target_arn(id),
        "SuspendedState": {
            "DynamicScalingInSuspended": settings.suspended.scaling_in,
            "DynamicScalingOutSuspended": settings.suspended.scaling_out,
            "ScheduledScalingSuspended": settings.suspended.scheduled,
        },
    });
    extended(resource_json(id), more)
}

fn activity_json(seed: u64, id: &TargetId, activity: &Activity) -> Value {
    let desired = activity.desired;
    let mut more = json!({
        "ActivityId": uuid(chance::draw(seed, &[activity.number, 1]), chance::draw(seed, &[activity.number, 2])),
        "Description": format!("Setting desired count to {desired}."),
        "Cause": activity.cause,
        "StartTime": epoch_seconds(activity.start),
        "StatusCode": activity.outcome.code(),
        "StatusMessage": activity.outcome.message(desired),
    });
    if let Some(end) = activity.end {
        more["EndTime"] = epoch_seconds(end);
    }
    extended(resource_json(id), more)
}

/// 128 bits in the form of a UUID.
pub(super) fn uuid(high: u64, low: u64) -> String {
    let digits = format!("{high:016x}{low:016x}");
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

fn target_arn(id: &TargetId) -> String {
    let opaque = chance::fingerprint(&id.to_string());
    format!("arn:aws:application-autoscaling:{OWNER}:scalable-target/0ec5{opaque:016x}")
}

#[cfg(test)]
mod tests {
    use super::super::super::ServiceSpec;
    use super::super::super::fixture::{after, ecs, scaling, shop, www};
    use super::*;
    use jiff::SignedDuration;

    fn described(sim: &mut Sim) -> Value {
        let answer = scaling(sim, "DescribeScalableTargets", json!({ "ResourceIds": ["service/shop/www"] })).unwrap();
        answer["ScalableTargets"][0].clone()
    }

    fn unregistered() -> Sim {
        shop(1, &ServiceSpec { bounds: None, ..ServiceSpec::default() })
    }

    fn refusal(result: Result<Value, WireError>) -> (String, String) {
        let error = result.expect_err("this is refused");
        (error.code, error.message)
    }

    #[test]
    fn g12_a_minimum_above_the_maximum_is_refused_against_the_merged_values() {
        let mut sim = shop(1, &ServiceSpec { bounds: Some((1, 4)), ..ServiceSpec::default() });
        for body in
            [json!({ "MinCapacity": 5 }), json!({ "MaxCapacity": 0 }), json!({ "MinCapacity": 3, "MaxCapacity": 2 })]
        {
            let (code, message) = refusal(scaling(&mut sim, "RegisterScalableTarget", body));
            assert_eq!(code, "ValidationException");
            assert_eq!(message, "Maximum capacity cannot be less than minimum capacity");
        }
        assert_eq!(sim.bounds(&www()), Some((1, 4)));
        scaling(&mut sim, "RegisterScalableTarget", json!({ "MinCapacity": 5, "MaxCapacity": 10 })).unwrap();
        assert_eq!(sim.bounds(&www()), Some((5, 10)));
    }

    #[test]
    fn what_a_registration_does_not_name_stays() {
        let mut sim = shop(1, &ServiceSpec { bounds: Some((1, 9)), ..ServiceSpec::default() });
        let suspend = json!({ "SuspendedState": { "ScheduledScalingSuspended": true } });
        scaling(&mut sim, "RegisterScalableTarget", suspend).unwrap();
        let suspend = json!({ "SuspendedState": { "DynamicScalingInSuspended": true }, "MinCapacity": 2 });
        scaling(&mut sim, "RegisterScalableTarget", suspend).unwrap();
        let target = described(&mut sim);
        assert_eq!((&target["MinCapacity"], &target["MaxCapacity"]), (&json!(2), &json!(9)));
        let expected = json!({
            "DynamicScalingInSuspended": true, "DynamicScalingOutSuspended": false, "ScheduledScalingSuspended": true,
        });
        assert_eq!(target["SuspendedState"], expected);
    }

    #[test]
    fn a_new_target_needs_both_bounds_so_that_a_lone_minimum_never_creates_one() {
        let mut sim = unregistered();
        let (code, _) = refusal(scaling(&mut sim, "RegisterScalableTarget", json!({ "MinCapacity": 1 })));
        assert_eq!((code.as_str(), sim.bounds(&www())), ("ValidationException", None));
        scaling(&mut sim, "RegisterScalableTarget", json!({ "MinCapacity": 1, "MaxCapacity": 2 })).unwrap();
        assert_eq!(sim.bounds(&www()), Some((1, 2)));
    }

    #[test]
    fn f7_a_service_that_does_not_exist_cannot_be_registered() {
        let mut sim = unregistered();
        let body = json!({ "ResourceId": "service/shop/nope", "MinCapacity": 1, "MaxCapacity": 2 });
        let (code, message) = refusal(scaling(&mut sim, "RegisterScalableTarget", body));
        assert_eq!(code, "ValidationException");
        assert!(message.starts_with("ECS service doesn't exist"), "{message}");
    }

    #[test]
    fn negative_fractional_and_worded_capacities_are_refused() {
        let mut sim = shop(1, &ServiceSpec::default());
        for (min, expected) in [
            (json!(-1), "ValidationException"),
            (json!(1.5), "SerializationException"),
            (json!("1"), "SerializationException"),
            (json!(4_294_967_296_u64), "SerializationException"),
        ] {
            let (code, _) = refusal(scaling(&mut sim, "RegisterScalableTarget", json!({ "MinCapacity": min })));
            assert_eq!(code, expected, "{min}");
        }
    }

    #[test]
    fn fifty_ids_are_answered_and_fifty_one_refused() {
        let mut sim = shop(1, &ServiceSpec::default());
        let ids = |count: usize| (0..count).map(|n| format!("service/shop/s{n}")).collect::<Vec<_>>();
        let fifty = scaling(&mut sim, "DescribeScalableTargets", json!({ "ResourceIds": ids(50) })).unwrap();
        assert_eq!(fifty, json!({ "ScalableTargets": [] }));
        let (code, message) = refusal(scaling(&mut sim, "DescribeScalableTargets", json!({ "ResourceIds": ids(51) })));
        assert_eq!(code, "ValidationException");
        assert!(message.contains("less than or equal to 50"), "{message}");
    }

    #[test]
    fn a_dimension_without_resource_ids_is_refused() {
        let mut sim = shop(1, &ServiceSpec::default());
        let body = json!({ "ScalableDimension": "ecs:service:DesiredCount" });
        assert_eq!(refusal(scaling(&mut sim, "DescribeScalableTargets", body)).0, "ValidationException");
    }

    #[test]
    fn pages_show_every_target_once_also_where_one_goes_between_two_pages() {
        let mut sim = shop(1, &ServiceSpec::default());
        for n in 0..120 {
            sim.add_service(TargetId::new(format!("c{}", n % 3), format!("s{n}")), &ServiceSpec::default());
        }
        let (mut seen, mut token) = (Vec::new(), Value::Null);
        loop {
            let body = json!({ "MaxResults": 50, "NextToken": token });
            let page = scaling(&mut sim, "DescribeScalableTargets", body).unwrap();
            let ids = page["ScalableTargets"].as_array().unwrap().iter();
            seen.extend(ids.map(|target| target["ResourceId"].as_str().unwrap().to_owned()));
            token = page["NextToken"].clone();
            if token.is_null() {
                break;
            }
            let last = json!({ "ResourceId": seen.last().unwrap() });
            scaling(&mut sim, "DeregisterScalableTarget", last).unwrap();
        }
        let count = seen.len();
        seen.dedup();
        assert_eq!((count, seen.len()), (121, 121));
    }

    #[test]
    fn a_token_that_was_never_given_out_and_a_page_of_0_or_51_are_refused() {
        let mut sim = shop(1, &ServiceSpec::default());
        for (body, expected) in [
            (json!({ "NextToken": "nonsense" }), "InvalidNextTokenException"),
            (json!({ "MaxResults": 0 }), "ValidationException"),
            (json!({ "MaxResults": 51 }), "ValidationException"),
        ] {
            assert_eq!(refusal(scaling(&mut sim, "DescribeScalableTargets", body)).0, expected);
        }
    }

    #[test]
    fn a_rise_that_moves_capacity_is_an_activity_and_a_fall_is_none() {
        let mut sim = shop(1, &ServiceSpec { cpu_target: None, ..ServiceSpec::default() });
        for min in [3, 1] {
            scaling(&mut sim, "RegisterScalableTarget", json!({ "MinCapacity": min })).unwrap();
            sim.advance(after(&sim, 120));
        }
        let answer = scaling(&mut sim, "DescribeScalingActivities", json!({})).unwrap();
        let activities = answer["ScalingActivities"].as_array().unwrap();
        assert_eq!(activities.len(), 1);
        assert_eq!(activities[0]["Cause"], "minimum capacity was set to 3");
        assert_eq!(activities[0]["Description"], "Setting desired count to 3.");
        assert_eq!(activities[0]["StatusCode"], "Successful");
    }

    #[test]
    fn activities_come_newest_first_and_a_newer_one_overrides_the_one_in_progress() {
        let mut sim = shop(1, &ServiceSpec { cpu_target: None, ..ServiceSpec::default() });
        for min in [3, 5] {
            scaling(&mut sim, "RegisterScalableTarget", json!({ "MinCapacity": min })).unwrap();
            sim.advance(after(&sim, 1));
        }
        let answer = scaling(&mut sim, "DescribeScalingActivities", json!({ "MaxResults": 1 })).unwrap();
        assert_eq!(answer["ScalingActivities"][0]["Cause"], "minimum capacity was set to 5");
        let rest = json!({ "NextToken": answer["NextToken"] });
        let rest = scaling(&mut sim, "DescribeScalingActivities", rest).unwrap();
        assert_eq!(rest["ScalingActivities"][0]["StatusCode"], "Overridden");
        assert!(rest["NextToken"].is_null());
    }

    #[test]
    fn deregistering_takes_policies_and_scheduled_actions_along() {
        let mut sim = shop(1, &ServiceSpec::default());
        scaling(&mut sim, "DeregisterScalableTarget", json!({})).unwrap();
        let (code, _) = refusal(scaling(&mut sim, "DeregisterScalableTarget", json!({})));
        assert_eq!(code, "ObjectNotFoundException");
        scaling(&mut sim, "RegisterScalableTarget", json!({ "MinCapacity": 1, "MaxCapacity": 2 })).unwrap();
        let policies = scaling(&mut sim, "DescribeScalingPolicies", json!({})).unwrap();
        assert_eq!(policies, json!({ "ScalingPolicies": [] }));
    }

    #[test]
    fn f7_a_service_takes_its_scalable_target_along_and_does_not_bring_it_back() {
        let mut sim = shop(1, &ServiceSpec::default());
        ecs(&mut sim, "DeleteService", json!({ "cluster": "shop", "service": "www", "force": true })).unwrap();
        assert_eq!(described(&mut sim), Value::Null);
        ecs(&mut sim, "CreateService", json!({ "cluster": "shop", "serviceName": "www", "desiredCount": 2 })).unwrap();
        assert_eq!(described(&mut sim), Value::Null);
    }

    #[test]
    fn f16_a_stale_read_shows_the_bounds_of_before_the_write_for_a_while() {
        let mut sim = shop(1, &ServiceSpec::default());
        sim.set_stale_reads(SignedDuration::from_secs(30));
        scaling(&mut sim, "RegisterScalableTarget", json!({ "MinCapacity": 3 })).unwrap();
        sim.advance(after(&sim, 29));
        assert_eq!(described(&mut sim)["MinCapacity"], 1);
        sim.advance(after(&sim, 1));
        assert_eq!(described(&mut sim)["MinCapacity"], 3);
    }
}
