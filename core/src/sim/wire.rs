//! The simulation in AWS's JSON 1.1: a target header and a body in, a body or an AWS error out.

use std::fmt;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Sim;
use super::faults::{Family, Fault};
use crate::ecs::Operation;
use crate::model::TargetId;

mod autoscaling;
mod containers;
mod fields;
mod page;
mod policies;
mod scheduled;

use fields::Fields;

pub(super) use policies::CPU_METRIC;

/// The simulated account and region, as they stand in ARNs.
const OWNER: &str = "eu-central-1:000000000000";

const AUTO_SCALING: &str = "AnyScaleFrontendService";
const ECS: &str = "AmazonEC2ContainerServiceV20141113";

/// An error as AWS answers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireError {
    /// The HTTP status.
    pub status: u16,
    /// AWS's error code, the `__type` of the body.
    pub code: String,
    /// AWS's message.
    pub message: String,
}

impl WireError {
    /// An error of this status, code and message.
    pub fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        WireError { status, code: code.to_owned(), message: message.into() }
    }

    pub(super) fn validation(message: impl Into<String>) -> Self {
        WireError::new(400, "ValidationException", message)
    }

    /// The body of the answer. The two services spell the message's key as their models do.
    pub fn body(&self, target_header: &str) -> Value {
        let key = if target_header.starts_with(AUTO_SCALING) { "Message" } else { "message" };
        json!({ "__type": self.code, key: self.message })
    }
}

/// How a call fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallError {
    /// AWS says so.
    Refused(WireError),
    /// The call took effect, and no answer comes.
    AnswerLost,
    /// The call never arrived, and no answer comes.
    Unreachable,
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallError::Refused(error) => write!(f, "{}: {}", error.code, error.message),
            CallError::AnswerLost => f.write_str("no answer came"),
            CallError::Unreachable => f.write_str("no connection"),
        }
    }
}

impl std::error::Error for CallError {}

impl From<WireError> for CallError {
    fn from(error: WireError) -> Self {
        CallError::Refused(error)
    }
}

/// The operations that the simulation knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Api {
    RegisterScalableTarget,
    DeregisterScalableTarget,
    DescribeScalableTargets,
    DescribeScalingActivities,
    PutScalingPolicy,
    DeleteScalingPolicy,
    DescribeScalingPolicies,
    PutScheduledAction,
    DeleteScheduledAction,
    DescribeScheduledActions,
    CreateCluster,
    DescribeClusters,
    ListClusters,
    CreateService,
    UpdateService,
    DeleteService,
    DescribeServices,
    ListServices,
}

impl Api {
    fn from_header(header: &str) -> Option<Self> {
        let (service, operation) = header.split_once('.')?;
        match (service, operation) {
            (AUTO_SCALING, "RegisterScalableTarget") => Some(Api::RegisterScalableTarget),
            (AUTO_SCALING, "DeregisterScalableTarget") => Some(Api::DeregisterScalableTarget),
            (AUTO_SCALING, "DescribeScalableTargets") => Some(Api::DescribeScalableTargets),
            (AUTO_SCALING, "DescribeScalingActivities") => Some(Api::DescribeScalingActivities),
            (AUTO_SCALING, "PutScalingPolicy") => Some(Api::PutScalingPolicy),
            (AUTO_SCALING, "DeleteScalingPolicy") => Some(Api::DeleteScalingPolicy),
            (AUTO_SCALING, "DescribeScalingPolicies") => Some(Api::DescribeScalingPolicies),
            (AUTO_SCALING, "PutScheduledAction") => Some(Api::PutScheduledAction),
            (AUTO_SCALING, "DeleteScheduledAction") => Some(Api::DeleteScheduledAction),
            (AUTO_SCALING, "DescribeScheduledActions") => Some(Api::DescribeScheduledActions),
            (ECS, "CreateCluster") => Some(Api::CreateCluster),
            (ECS, "DescribeClusters") => Some(Api::DescribeClusters),
            (ECS, "ListClusters") => Some(Api::ListClusters),
            (ECS, "CreateService") => Some(Api::CreateService),
            (ECS, "UpdateService") => Some(Api::UpdateService),
            (ECS, "DeleteService") => Some(Api::DeleteService),
            (ECS, "DescribeServices") => Some(Api::DescribeServices),
            (ECS, "ListServices") => Some(Api::ListServices),
            _ => None,
        }
    }

    /// The operation in the port's terms; `None` for those that Baseload never calls.
    pub(super) fn operation(self) -> Option<Operation> {
        match self {
            Api::RegisterScalableTarget => Some(Operation::RegisterScalableTarget),
            Api::DescribeScalableTargets => Some(Operation::DescribeScalableTargets),
            Api::DescribeScalingPolicies => Some(Operation::DescribeScalingPolicies),
            Api::DescribeScheduledActions => Some(Operation::DescribeScheduledActions),
            Api::DescribeServices => Some(Operation::DescribeServices),
            Api::DeregisterScalableTarget
            | Api::DescribeScalingActivities
            | Api::PutScalingPolicy
            | Api::DeleteScalingPolicy
            | Api::PutScheduledAction
            | Api::DeleteScheduledAction
            | Api::CreateCluster
            | Api::DescribeClusters
            | Api::ListClusters
            | Api::CreateService
            | Api::UpdateService
            | Api::DeleteService
            | Api::ListServices => None,
        }
    }

    fn family(self) -> Family {
        match self {
            Api::RegisterScalableTarget
            | Api::DeregisterScalableTarget
            | Api::DescribeScalableTargets
            | Api::DescribeScalingActivities
            | Api::PutScalingPolicy
            | Api::DeleteScalingPolicy
            | Api::DescribeScalingPolicies
            | Api::PutScheduledAction
            | Api::DeleteScheduledAction
            | Api::DescribeScheduledActions => Family::AutoScaling,
            Api::DescribeServices | Api::ListServices => Family::ServiceRead,
            Api::CreateService | Api::UpdateService | Api::DeleteService => Family::ServiceModify,
            Api::DescribeClusters | Api::ListClusters => Family::ClusterRead,
            Api::CreateCluster => Family::ClusterModify,
        }
    }
}

impl Sim {
    /// Answers one call of AWS's JSON protocol; `target_header` is the value of `X-Amz-Target`.
    ///
    /// # Errors
    /// What AWS refuses, and the faults in force.
    pub fn call(&mut self, target_header: &str, body: &Value, now: Timestamp) -> Result<Value, CallError> {
        let api = Api::from_header(target_header).ok_or_else(unknown_operation)?;
        let target = body["ResourceId"].as_str().and_then(TargetId::from_resource_id);
        self.admit(api, target.as_ref(), now, |sim| sim.dispatch(api, body))
    }

    /// A call by somebody else: the console, Terraform, a deploy tool. It is not counted, meets no fault and is never throttled.
    ///
    /// # Errors
    /// What AWS refuses.
    pub fn foreign_call(&mut self, target_header: &str, body: &Value, now: Timestamp) -> Result<Value, WireError> {
        let api = Api::from_header(target_header).ok_or_else(unknown_operation)?;
        self.advance(now);
        self.dispatch(api, body)
    }

    /// What every call of ours goes through: the clock, the count, the faults, the rate limit, and then the work.
    pub(super) fn admit<T>(
        &mut self,
        api: Api,
        target: Option<&TargetId>,
        now: Timestamp,
        work: impl FnOnce(&mut Sim) -> Result<T, WireError>,
    ) -> Result<T, CallError> {
        self.advance(now);
        if let Some(operation) = api.operation() {
            *self.calls.entry(operation).or_default() += 1;
        }
        let fault = self.faults.meet(api, target, self.now);
        match fault {
            Some(Fault::Refuse(error)) => return Err(CallError::Refused(error)),
            Some(Fault::Unreachable) => return Err(CallError::Unreachable),
            Some(Fault::LoseAnswer) | None => {}
        }
        if !self.buckets.admit(api.family(), self.now) {
            return Err(WireError::new(400, "ThrottlingException", "Rate exceeded").into());
        }
        let answer = work(self);
        if fault.is_some() {
            return Err(CallError::AnswerLost);
        }
        Ok(answer?)
    }

    fn dispatch(&mut self, api: Api, body: &Value) -> Result<Value, WireError> {
        let fields = Fields::of(body)?;
        match api {
            Api::RegisterScalableTarget => self.register_scalable_target(&fields),
            Api::DeregisterScalableTarget => self.deregister_scalable_target(&fields),
            Api::DescribeScalableTargets => self.describe_scalable_targets(&fields),
            Api::DescribeScalingActivities => self.describe_scaling_activities(&fields),
            Api::PutScalingPolicy => self.put_scaling_policy(&fields),
            Api::DeleteScalingPolicy => self.delete_scaling_policy(&fields),
            Api::DescribeScalingPolicies => self.describe_scaling_policies(&fields),
            Api::PutScheduledAction => self.put_scheduled_action(&fields),
            Api::DeleteScheduledAction => self.delete_scheduled_action(&fields),
            Api::DescribeScheduledActions => self.describe_scheduled_actions(&fields),
            Api::CreateCluster => self.create_cluster(&fields),
            Api::DescribeClusters => self.describe_clusters(&fields),
            Api::ListClusters => self.list_clusters(&fields),
            Api::CreateService => self.create_service(&fields),
            Api::UpdateService => self.update_service(&fields),
            Api::DeleteService => self.delete_service(&fields),
            Api::DescribeServices => self.describe_services(&fields),
            Api::ListServices => self.list_services(&fields),
        }
    }
}

/// An instant as the protocol writes it: seconds since the epoch, with a fraction.
fn epoch_seconds(at: Timestamp) -> Value {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit a double's 53 bits")]
    let seconds = at.as_millisecond() as f64 / 1000.0;
    json!(seconds)
}

fn unknown_operation() -> WireError {
    WireError::new(400, "UnknownOperationException", "The requested operation is not recognized by the service.")
}
