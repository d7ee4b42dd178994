//! Services: `DescribeServices`, cluster by cluster, ten a call.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_ecs::operation::describe_services::DescribeServicesOutput;
use aws_sdk_ecs::types::{
    Deployment, DeploymentControllerType, DeploymentRolloutState, Failure as Left, ResourceManagementType, Service,
};
use baseload_core::ecs::{Answer, DeploymentController, EcsError, ErrorKind, Failure, Operation, ServiceCounts};
use baseload_core::model::TargetId;
use futures_util::future::join_all;

use super::targets::merge;
use super::{Aws, classify};

/// The most services of one call.
const SERVICES_PER_CALL: usize = 10;

impl Aws {
    /// Asks for these services. A failed call leaves its own services unknown, no others.
    pub(super) async fn services(&self, wanted: &[TargetId]) -> Answer<ServiceCounts> {
        let mut clusters: BTreeMap<&Arc<str>, Vec<TargetId>> = BTreeMap::new();
        for target in wanted {
            clusters.entry(&target.cluster).or_default().push(target.clone());
        }
        let batches = clusters.values().flat_map(|services| services.chunks(SERVICES_PER_CALL));
        let answers = join_all(batches.map(|batch| self.services_of_cluster(batch))).await;
        answers.into_iter().fold(Answer::default(), merge)
    }

    /// One call for services of one cluster, halved where AWS refuses a name in it, as for targets. A cluster that is
    /// not there has no services: then none of them is there either.
    async fn services_of_cluster(&self, batch: &[TargetId]) -> Answer<ServiceCounts> {
        let mut answer = Answer::default();
        let mut open = vec![batch];
        while let Some(part) = open.pop() {
            let more = match self.describe_services(part).await {
                Ok(described) => answer_to(part, &described),
                Err(error) if error.kind == ErrorKind::NotFound => absent(part),
                Err(error) if error.kind == ErrorKind::Invalid && part.len() > 1 => {
                    let (left, right) = part.split_at(part.len() / 2);
                    open.extend([right, left]);
                    continue;
                }
                Err(error) => failed(part.to_vec(), error),
            };
            answer = merge(answer, more);
        }
        answer
    }

    async fn describe_services(&self, batch: &[TargetId]) -> Result<DescribeServicesOutput, EcsError> {
        let cluster = batch.first().map(|target| target.cluster.to_string());
        let names = batch.iter().map(|target| target.service.to_string()).collect();
        let request = self.ecs.describe_services().set_cluster(cluster).set_services(Some(names));
        let send = |watch| request.clone().customize().interceptor(watch).send();
        self.read(Operation::DescribeServices, send).await
    }
}

fn answer_to(batch: &[TargetId], described: &DescribeServicesOutput) -> Answer<ServiceCounts> {
    batch.iter().map(|target| answer_for(target, described)).fold(Answer::default(), merge)
}

fn answer_for(target: &TargetId, described: &DescribeServicesOutput) -> Answer<ServiceCounts> {
    let name = Some(&*target.service);
    if let Some(service) = described.services().iter().find(|service| service.service_name() == name) {
        let there = service.status() != Some("INACTIVE");
        let found = BTreeMap::from([(target.clone(), there.then(|| counts(service)))]);
        return Answer { found, failed: Vec::new() };
    }
    match described.failures().iter().find(|left| name_in(left) == name) {
        Some(left) if left.reason() == Some("MISSING") => absent(std::slice::from_ref(target)),
        Some(left) => failed(vec![target.clone()], not_described(left)),
        None => failed(vec![target.clone()], left_out()),
    }
}

/// The service's name, which ends the ARN of a failure in every form of it.
fn name_in(left: &Left) -> Option<&str> {
    left.arn()?.rsplit('/').next()
}

fn not_described(left: &Left) -> EcsError {
    let (reason, detail) = (left.reason().unwrap_or("Failure"), left.detail().unwrap_or("(no detail)"));
    classify::unusable(Operation::DescribeServices, reason, detail)
}

fn left_out() -> EcsError {
    classify::unusable(Operation::DescribeServices, "LeftOut", "the answer does not mention the service")
}

fn absent(targets: &[TargetId]) -> Answer<ServiceCounts> {
    let found = targets.iter().map(|target| (target.clone(), None)).collect();
    Answer { found, failed: Vec::new() }
}

fn failed(targets: Vec<TargetId>, error: EcsError) -> Answer<ServiceCounts> {
    let failure = Failure { targets: Some(targets), error };
    Answer { found: BTreeMap::new(), failed: vec![failure] }
}

/// Reads one service; the watch lets no negative count through.
fn counts(service: &Service) -> ServiceCounts {
    ServiceCounts {
        desired: service.desired_count().unsigned_abs(),
        running: service.running_count().unsigned_abs(),
        pending: service.pending_count().unsigned_abs(),
        deploying: deploying(service),
        deployment_controller: deployment_controller(service),
        express_mode: service.resource_management_type() == Some(&ResourceManagementType::Ecs),
    }
}

/// More than one deployment, or one still rolling out; with CodeDeploy, more than one task set. A rollout that failed
/// is not under way.
fn deploying(service: &Service) -> bool {
    let rolling = |deployment: &Deployment| deployment.rollout_state() == Some(&DeploymentRolloutState::InProgress);
    service.deployments().len() > 1 || service.deployments().iter().any(rolling) || service.task_sets().len() > 1
}

/// ECS is the default; a type unknown to us is somebody else's.
fn deployment_controller(service: &Service) -> DeploymentController {
    match service.deployment_controller().map(|controller| controller.r#type()) {
        None | Some(DeploymentControllerType::Ecs) => DeploymentController::Ecs,
        Some(DeploymentControllerType::CodeDeploy) => DeploymentController::CodeDeploy,
        Some(_) => DeploymentController::External,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(states: &[DeploymentRolloutState]) -> Service {
        let deployment = |state: &DeploymentRolloutState| Deployment::builder().rollout_state(state.clone()).build();
        Service::builder().set_deployments(Some(states.iter().map(deployment).collect())).build()
    }

    #[test]
    fn f18_a_deployment_is_under_way_while_there_are_two_or_one_in_progress() {
        use DeploymentRolloutState::{Completed, Failed, InProgress};
        for (states, expected) in [
            (&[Completed][..], false),
            (&[InProgress][..], true),
            (&[Failed][..], false),
            (&[Completed, Completed][..], true),
            (&[][..], false),
        ] {
            assert_eq!(deploying(&with(states)), expected, "{states:?}");
        }
    }
}
