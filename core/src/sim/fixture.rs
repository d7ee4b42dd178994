//! The world that the tests of the simulation play in: one cluster `shop` with one service `www`, early on a Wednesday.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{ServiceSpec, Sim, WireError};
use crate::ecs::{Action, EcsError};
use crate::model::TargetId;

pub(super) fn start() -> Timestamp {
    "2026-11-18T02:00:00Z".parse().expect("a timestamp")
}

pub(super) fn www() -> TargetId {
    TargetId::new("shop", "www")
}

pub(super) fn shop(seed: u64, www_spec: &ServiceSpec) -> Sim {
    let mut sim = Sim::new(seed, TimeZone::UTC, start());
    sim.add_service(www(), www_spec);
    sim
}

/// So many seconds after the time that the simulation has reached.
pub(super) fn after(sim: &Sim, seconds: i64) -> Timestamp {
    sim.now() + SignedDuration::from_secs(seconds)
}

pub(super) fn register(sim: &mut Sim, min: Option<u32>, max: Option<u32>) -> Result<(), EcsError> {
    let now = sim.now();
    sim.apply(&Action { target: www(), min, max }, now)
}

pub(super) fn scale_by_hand(sim: &mut Sim, desired: u32) {
    let body = json!({ "cluster": "shop", "service": "www", "desiredCount": desired });
    ecs(sim, "UpdateService", body).expect("www exists");
}

/// A call to ECS by somebody else.
#[expect(clippy::needless_pass_by_value, reason = "tests write bodies in place")]
pub(super) fn ecs(sim: &mut Sim, operation: &str, body: Value) -> Result<Value, WireError> {
    let now = sim.now();
    sim.foreign_call(&format!("AmazonEC2ContainerServiceV20141113.{operation}"), &body, now)
}

/// A call to Application Auto Scaling by somebody else, about `www` unless the body says otherwise.
pub(super) fn scaling(sim: &mut Sim, operation: &str, body: Value) -> Result<Value, WireError> {
    let mut whole = json!({ "ServiceNamespace": "ecs" });
    if !operation.starts_with("Describe") {
        whole["ResourceId"] = json!("service/shop/www");
        whole["ScalableDimension"] = json!("ecs:service:DesiredCount");
    }
    if let (Value::Object(whole), Value::Object(body)) = (&mut whole, body) {
        whole.extend(body);
    }
    let now = sim.now();
    sim.foreign_call(&format!("AnyScaleFrontendService.{operation}"), &whole, now)
}
