//! Scenes in few words: services, schedules and other people's hands.

use baseload_core::model::TargetId;
use baseload_core::sim::{ServiceSpec, Sim};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::driver::World;

/// Friday, 20 November 2026, half past six in the morning, UTC.
pub(crate) const START: &str = "2026-11-20T06:30:00Z";

/// `www` for `shop/www`, or both names.
pub(crate) fn id(name: &str) -> TargetId {
    TargetId::parse(name).unwrap_or_else(|| TargetId::new("shop", name))
}

/// A service without a policy, so that nobody but the test moves its count: one task, registered at these bounds.
pub(crate) fn service(min: u32, max: u32) -> ServiceSpec {
    ServiceSpec { desired: min.max(1), bounds: Some((min, max)), cpu_target: None, ..ServiceSpec::default() }
}

pub(crate) fn account() -> Sim {
    let start: Timestamp = START.parse().expect("a timestamp");
    Sim::new(1, TimeZone::UTC, start)
}

/// An account with these services.
pub(crate) fn account_of(services: &[(&str, ServiceSpec)]) -> Sim {
    let mut sim = account();
    for (name, spec) in services {
        sim.add_service(id(name), spec);
    }
    sim
}

/// One schedule in UTC: name, targets as `shop/www`, all of one account and region, and the rest of its spec as YAML, one
/// field a line.
pub(crate) fn schedule(name: &str, targets: &[&str], rest: &str) -> String {
    let site = targets.first().map(|target| id(target).site).unwrap_or_default();
    let targets: Vec<_> = targets
        .iter()
        .map(|target| {
            let TargetId { cluster, service, .. } = id(target);
            format!("{{ cluster: \"{cluster}\", service: \"{service}\" }}")
        })
        .collect();
    let rest: String = rest.lines().map(|line| format!("  {}\n", line.trim())).collect();
    let rest = rest.replace("  - {", "    - {");
    let aws = site.account().zip(site.region());
    let aws = aws.map(|(account, region)| format!("  aws: {{ account: {account}, region: {region} }}\n"));
    let rest = aws.unwrap_or_default() + &rest;
    format!(
        "apiVersion: baseload/v1\nkind: ScalingSchedule\nmetadata: {{ name: {name} }}\nspec:\n  targets: [{}]\n  timezone: UTC\n{rest}---\n",
        targets.join(", ")
    )
}

/// The default is 1 and a window from 08:00 to 18:00 asks for 3.
pub(crate) fn office_hours(targets: &[&str]) -> String {
    schedule(
        "office",
        targets,
        "default: { min: 1 }
         windows: [{ name: day, from: \"08:00\", to: \"18:00\", min: 3 }]",
    )
}

/// Always this floor.
pub(crate) fn always(targets: &[&str], floor: &str) -> String {
    schedule("always", targets, &format!("default: {{ {floor} }}"))
}

/// `www` under [`office_hours`], between 1 and 10.
pub(crate) fn www() -> World {
    World::new(account_of(&[("www", service(1, 10))]), &office_hours(&["www"]))
}

impl World {
    /// Someone else registers the target.
    pub(crate) fn rival(&mut self, name: &str, fields: &Value) {
        let mut body = json!({
            "ServiceNamespace": "ecs",
            "ResourceId": id(name).resource_id(),
            "ScalableDimension": "ecs:service:DesiredCount",
        });
        let fields = fields.as_object().expect("fields are an object").clone();
        body.as_object_mut().expect("the body is an object").extend(fields);
        self.foreign(name, "AnyScaleFrontendService.RegisterScalableTarget", &body);
    }

    pub(crate) fn deregister(&mut self, name: &str) {
        let body = json!({
            "ServiceNamespace": "ecs",
            "ResourceId": id(name).resource_id(),
            "ScalableDimension": "ecs:service:DesiredCount",
        });
        self.foreign(name, "AnyScaleFrontendService.DeregisterScalableTarget", &body);
    }

    /// Someone sets the desired count by hand.
    pub(crate) fn scale_by_hand(&mut self, name: &str, desired: u32) {
        let TargetId { cluster, service, .. } = id(name);
        let body = json!({ "cluster": &*cluster, "service": &*service, "desiredCount": desired });
        self.foreign(name, "AmazonEC2ContainerServiceV20141113.UpdateService", &body);
    }

    pub(crate) fn delete_service(&mut self, name: &str) {
        let TargetId { cluster, service, .. } = id(name);
        let body = json!({ "cluster": &*cluster, "service": &*service, "force": true });
        self.foreign(name, "AmazonEC2ContainerServiceV20141113.DeleteService", &body);
    }

    /// In the account of the target of this name.
    fn foreign(&mut self, name: &str, call: &str, body: &Value) {
        let at = self.at();
        self.sim_at(&id(name).site).foreign_call(call, body, at).unwrap_or_else(|error| panic!("{call}: {error:?}"));
    }
}
