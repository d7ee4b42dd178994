//! ECS: clusters and services, as much of them as capacity is about.

use serde_json::{Value, json};

use super::super::service::{Service, ServiceSpec, Status};
use super::super::traffic::Traffic;
use super::super::{DEPLOYMENT_TIME, Event, Sim, chance};
use super::fields::Fields;
use super::page::{self, Page, PageError};
use super::{OWNER, WireError, epoch_seconds};
use crate::ecs::DeploymentController;
use crate::model::TargetId;

const MOST_SERVICES: usize = 10;
const MOST_CLUSTERS: usize = 100;

impl Sim {
    pub(super) fn create_cluster(&mut self, fields: &Fields<'_>) -> Result<Value, WireError> {
        let name = fields.text("clusterName")?.unwrap_or("default");
        self.clusters.insert(name.into());
        Ok(json!({ "cluster": self.cluster_json(name) }))
    }

    pub(super) fn describe_clusters(&mut self, fields: &Fields<'_>) -> Result<Value, WireError> {
        let mut asked = fields.texts("clusters")?;
        check_length(asked.len(), MOST_CLUSTERS, "clusters")?;
        if asked.is_empty() {
            asked.push("default");
        }
        let (found, missing): (Vec<_>, Vec<_>) =
            asked.into_iter().map(short_name).partition(|name| self.clusters.contains(*name));
        let clusters: Vec<_> = found.into_iter().map(|name| self.cluster_json(name)).collect();
        let failures: Vec<_> = missing.into_iter().map(|name| missing_json(&cluster_arn(name))).collect();
        Ok(json!({ "clusters": clusters, "failures": failures }))
    }

    pub(super) fn list_clusters(&mut self, fields: &Fields<'_>) -> Result<Value, WireError> {
        let clusters = self.clusters.iter().map(|name| (cluster_arn(name), ()));
        let (items, token) = ecs_page(fields, 100)?.cut(clusters.collect());
        let arns = items.into_iter().map(|(arn, ())| json!(arn)).collect();
        Ok(page::answer("clusterArns", arns, "nextToken", token))
    }

    /// A new service has no scalable target, whatever one of the same name had before.
    pub(super) fn create_service(&mut self, fields: &Fields<'_>) -> Result<Value, WireError> {
        let id = TargetId::new(self.named_cluster(fields)?, fields.required("serviceName")?);
        if self.active(&id).is_some() {
            return Err(invalid_parameter("Creation of service was not idempotent."));
        }
        let desired = fields.capacity("desiredCount")?.unwrap_or(0);
        let controller = fields.object("deploymentController")?;
        let controller = controller.map_or(Ok(None), |controller| controller.text("type"))?;
        let spec =
            ServiceSpec { desired: 0, deployment_controller: read_controller(controller)?, ..Default::default() };
        let traffic = Traffic::new(self.seed, &id.to_string());
        let now = self.now;
        let service = self.services.entry(id.clone()).or_insert_with(|| Service::new(&spec, traffic, now));
        service.recreate(&spec, now);
        self.set_desired(&id, desired);
        self.service_answer(&id)
    }

    /// A human's hand: the desired count goes where it is told, whatever the bounds say.
    pub(super) fn update_service(&mut self, fields: &Fields<'_>) -> Result<Value, WireError> {
        let (id, now) = (self.named_service(fields)?, self.now);
        if let Some(desired) = fields.capacity("desiredCount")? {
            if let Some(service) = self.active_mut(&id) {
                service.activities.overrule(now);
            }
            self.set_desired(&id, desired);
        }
        if fields.flag("forceNewDeployment")?.unwrap_or(false) {
            self.begin_deployment(&id);
            self.schedule(now + DEPLOYMENT_TIME, Event::DeploymentEnds(id.clone(), now));
        }
        self.service_answer(&id)
    }

    pub(super) fn delete_service(&mut self, fields: &Fields<'_>) -> Result<Value, WireError> {
        let (id, now) = (self.named_service(fields)?, self.now);
        let force = fields.flag("force")?.unwrap_or(false);
        if let Some(service) = self.active_mut(&id) {
            if service.desired > 0 && !force {
                return Err(invalid_parameter("The service cannot be stopped while it is scaled above 0."));
            }
            service.delete(now);
        }
        self.service_answer(&id)
    }

    pub(super) fn describe_services(&mut self, fields: &Fields<'_>) -> Result<Value, WireError> {
        let cluster = self.named_cluster(fields)?;
        let names = fields.texts("services")?;
        if names.is_empty() {
            return Err(invalid_parameter("Services cannot be empty."));
        }
        check_length(names.len(), MOST_SERVICES, "services")?;
        let (mut services, mut failures) = (Vec::new(), Vec::new());
        for name in names {
            let id = TargetId::new(cluster, short_name(name));
            match self.services.get(&id) {
                Some(service) => services.push(service_json(&id, service)),
                None => failures.push(missing_json(&service_arn(&id))),
            }
        }
        Ok(json!({ "services": services, "failures": failures }))
    }

    pub(super) fn list_services(&mut self, fields: &Fields<'_>) -> Result<Value, WireError> {
        let cluster = self.named_cluster(fields)?;
        let managed_by = fields.text("resourceManagementType")?;
        let services = self.services.iter().filter(|(id, service)| {
            let asked = managed_by.is_none_or(|kind| kind == management(service));
            *id.cluster == *cluster && service.status == Status::Active && asked
        });
        let (items, token) = ecs_page(fields, 10)?.cut(services.map(|(id, _)| (service_arn(id), ())).collect());
        let arns = items.into_iter().map(|(arn, ())| json!(arn)).collect();
        Ok(page::answer("serviceArns", arns, "nextToken", token))
    }

    fn named_cluster<'a>(&self, fields: &Fields<'a>) -> Result<&'a str, WireError> {
        let name = short_name(fields.text("cluster")?.unwrap_or("default"));
        let known = self.clusters.contains(name).then_some(name);
        known.ok_or_else(|| WireError::new(400, "ClusterNotFoundException", "Cluster not found."))
    }

    fn named_service(&self, fields: &Fields<'_>) -> Result<TargetId, WireError> {
        let id = TargetId::new(self.named_cluster(fields)?, short_name(fields.required("service")?));
        match self.services.get(&id).map(|service| service.status) {
            Some(Status::Active) => Ok(id),
            Some(Status::Inactive) => Err(WireError::new(400, "ServiceNotActiveException", "Service was not ACTIVE.")),
            None => Err(WireError::new(400, "ServiceNotFoundException", "Service not found.")),
        }
    }

    fn service_answer(&self, id: &TargetId) -> Result<Value, WireError> {
        let service = self.services.get(id);
        let service = service.ok_or_else(|| WireError::new(400, "ServiceNotFoundException", "Service not found."))?;
        Ok(json!({ "service": service_json(id, service) }))
    }

    fn cluster_json(&self, name: &str) -> Value {
        let services =
            self.services.iter().filter(|(id, service)| *id.cluster == *name && service.status == Status::Active);
        let (count, running, pending) =
            services.fold((0_u32, 0_u32, 0_u32), |(count, running, pending), (_, service)| {
                (count + 1, running + service.running, pending + service.pending())
            });
        json!({
            "clusterArn": cluster_arn(name),
            "clusterName": name,
            "status": "ACTIVE",
            "activeServicesCount": count,
            "runningTasksCount": running,
            "pendingTasksCount": pending,
            "registeredContainerInstancesCount": 0,
        })
    }
}

fn service_json(id: &TargetId, service: &Service) -> Value {
    let controller = match service.deployment_controller {
        DeploymentController::Ecs => "ECS",
        DeploymentController::CodeDeploy => "CODE_DEPLOY",
        DeploymentController::External => "EXTERNAL",
    };
    let status = match service.status {
        Status::Active => "ACTIVE",
        Status::Inactive => "INACTIVE",
    };
    let (deployments, task_sets) = rollouts(id, service);
    json!({
        "serviceArn": service_arn(id),
        "serviceName": &*id.service,
        "clusterArn": cluster_arn(&id.cluster),
        "status": status,
        "desiredCount": service.desired,
        "runningCount": service.running,
        "pendingCount": service.pending(),
        "launchType": "FARGATE",
        "schedulingStrategy": "REPLICA",
        "resourceManagementType": management(service),
        "deploymentController": { "type": controller },
        "deployments": deployments,
        "taskSets": task_sets,
        "loadBalancers": [],
        "events": [],
        "createdAt": epoch_seconds(service.created),
    })
}

/// What rolls out: ECS's own controller lists deployments, the other two list task sets and leave deployments empty.
fn rollouts(id: &TargetId, service: &Service) -> (Vec<Value>, Vec<Value>) {
    if service.status == Status::Inactive {
        return (Vec::new(), Vec::new());
    }
    let rollouts = if service.deployment.is_some() { ["PRIMARY", "ACTIVE"].as_slice() } else { &["PRIMARY"] };
    let deployment = |status: &&str| deployment_json(id, service, status);
    let task_set = |status: &&str| task_set_json(id, service, status);
    match service.deployment_controller {
        DeploymentController::Ecs => (rollouts.iter().map(deployment).collect(), Vec::new()),
        DeploymentController::CodeDeploy | DeploymentController::External => {
            (Vec::new(), rollouts.iter().map(task_set).collect())
        }
    }
}

/// The primary deployment is the newer one; it carries the counts.
fn deployment_json(id: &TargetId, service: &Service, status: &str) -> Value {
    let primary = status == "PRIMARY";
    let state = if service.deployment.is_some() && primary { "IN_PROGRESS" } else { "COMPLETED" };
    let (desired, running, pending) =
        if primary { (service.desired, service.running, service.pending()) } else { (0, 0, 0) };
    let (id, created) = rollout(id, service, status);
    json!({
        "id": format!("ecs-svc/{id}"),
        "status": status,
        "desiredCount": desired,
        "runningCount": running,
        "pendingCount": pending,
        "failedTasks": 0,
        "createdAt": created,
        "updatedAt": created,
        "launchType": "FARGATE",
        "rolloutState": state,
    })
}

/// The primary task set serves production and carries the counts; during a deployment an active one stands beside it.
fn task_set_json(id: &TargetId, service: &Service, status: &str) -> Value {
    let primary = status == "PRIMARY";
    let (running, pending) = if primary { (service.running, service.pending()) } else { (0, 0) };
    let stability = if service.deployment.is_some() && !primary { "STABILIZING" } else { "STEADY_STATE" };
    let (id, created) = rollout(id, service, status);
    json!({
        "id": format!("ecs-svc/{id}"),
        "status": status,
        "computedDesiredCount": running + pending,
        "runningCount": running,
        "pendingCount": pending,
        "createdAt": created,
        "updatedAt": created,
        "launchType": "FARGATE",
        "stabilityStatus": stability,
    })
}

fn rollout(id: &TargetId, service: &Service, status: &str) -> (u64, Value) {
    let newer = service.deployment_controller == DeploymentController::Ecs && status == "PRIMARY";
    let created = service.deployment.filter(|_| newer).unwrap_or(service.created);
    let name = chance::fingerprint(&id.to_string());
    let number = chance::draw(name, &[created.as_millisecond().unsigned_abs(), chance::fingerprint(status)]);
    (number, epoch_seconds(created))
}

fn management(service: &Service) -> &'static str {
    if service.express_mode { "ECS" } else { "CUSTOMER" }
}

fn read_controller(kind: Option<&str>) -> Result<DeploymentController, WireError> {
    match kind {
        None | Some("ECS") => Ok(DeploymentController::Ecs),
        Some("CODE_DEPLOY") => Ok(DeploymentController::CodeDeploy),
        Some("EXTERNAL") => Ok(DeploymentController::External),
        Some(other) => Err(invalid_parameter(&format!("Invalid deployment controller type: {other}"))),
    }
}

/// A page of ECS: 1 to 100 items.
fn ecs_page(fields: &Fields<'_>, default: usize) -> Result<Page, WireError> {
    let (length, token) = (fields.integer("maxResults")?, fields.text("nextToken")?);
    Page::new(length, default, 1..=100, token).map_err(PageError::of_ecs)
}

fn check_length(length: usize, most: usize, key: &str) -> Result<(), WireError> {
    if length > most {
        return Err(invalid_parameter(&format!("{key} can have at most {most} items.")));
    }
    Ok(())
}

fn invalid_parameter(message: &str) -> WireError {
    WireError::new(400, "InvalidParameterException", message)
}

/// The name at the end of an ARN, or the name itself.
fn short_name(name_or_arn: &str) -> &str {
    name_or_arn.rsplit('/').next().unwrap_or(name_or_arn)
}

fn missing_json(arn: &str) -> Value {
    json!({ "arn": arn, "reason": "MISSING" })
}

fn cluster_arn(name: &str) -> String {
    format!("arn:aws:ecs:{OWNER}:cluster/{name}")
}

fn service_arn(id: &TargetId) -> String {
    format!("arn:aws:ecs:{OWNER}:service/{id}")
}

#[cfg(test)]
mod tests {
    use super::super::super::fixture::{after, ecs, scale_by_hand, shop, www};
    use super::*;

    fn described(sim: &mut Sim) -> Value {
        let answer = ecs(sim, "DescribeServices", json!({ "cluster": "shop", "services": ["www"] })).unwrap();
        answer["services"][0].clone()
    }

    #[test]
    fn services_are_found_by_name_and_by_arn_and_strangers_are_missing() {
        let mut sim = shop(1, &ServiceSpec::default());
        let names = ["www", "arn:aws:ecs:us-east-1:1:service/shop/www", "nope"];
        let body = json!({ "cluster": "arn:aws:ecs:us-east-1:1:cluster/shop", "services": names });
        let answer = ecs(&mut sim, "DescribeServices", body).unwrap();
        assert_eq!(answer["services"].as_array().unwrap().len(), 2);
        assert_eq!(answer["failures"][0]["reason"], "MISSING");
    }

    #[test]
    fn ten_services_are_answered_and_eleven_refused() {
        let mut sim = shop(1, &ServiceSpec::default());
        let body = |count: usize| json!({ "cluster": "shop", "services": vec!["www"; count] });
        assert!(ecs(&mut sim, "DescribeServices", body(10)).is_ok());
        let error = ecs(&mut sim, "DescribeServices", body(11)).expect_err("too many");
        assert_eq!(error.code, "InvalidParameterException");
    }

    #[test]
    fn an_unknown_cluster_is_an_error_and_not_an_empty_answer() {
        let mut sim = shop(1, &ServiceSpec::default());
        let body = json!({ "cluster": "nope", "services": ["www"] });
        let error = ecs(&mut sim, "DescribeServices", body).expect_err("no such cluster");
        assert_eq!(error.code, "ClusterNotFoundException");
    }

    #[test]
    fn f18_a_deployment_by_ecs_shows_in_deployments_and_one_by_codedeploy_in_task_sets() {
        for (controller, shown, hidden) in [
            (DeploymentController::Ecs, "deployments", "taskSets"),
            (DeploymentController::CodeDeploy, "taskSets", "deployments"),
            (DeploymentController::External, "taskSets", "deployments"),
        ] {
            let mut sim = shop(1, &ServiceSpec { deployment_controller: controller, ..ServiceSpec::default() });
            assert_eq!(described(&mut sim)[shown].as_array().unwrap().len(), 1);
            sim.begin_deployment(&www());
            assert_eq!(described(&mut sim)[shown].as_array().unwrap().len(), 2);
            assert_eq!(described(&mut sim)[hidden], json!([]));
            sim.end_deployment(&www());
            assert_eq!(described(&mut sim)[shown].as_array().unwrap().len(), 1);
        }
    }

    #[test]
    fn a_forced_deployment_is_in_progress_for_three_minutes() {
        let mut sim = shop(1, &ServiceSpec::default());
        ecs(&mut sim, "UpdateService", json!({ "cluster": "shop", "service": "www", "forceNewDeployment": true }))
            .unwrap();
        assert_eq!(described(&mut sim)["deployments"][0]["rolloutState"], "IN_PROGRESS");
        sim.advance(after(&sim, 180));
        assert_eq!(described(&mut sim)["deployments"][0]["rolloutState"], "COMPLETED");
    }

    #[test]
    fn a_service_above_zero_is_deleted_by_force_alone_and_stays_inactive() {
        let mut sim = shop(1, &ServiceSpec::default());
        let body = |force: bool| json!({ "cluster": "shop", "service": "www", "force": force });
        assert_eq!(ecs(&mut sim, "DeleteService", body(false)).expect_err("1 task").code, "InvalidParameterException");
        ecs(&mut sim, "DeleteService", body(true)).unwrap();
        assert_eq!(described(&mut sim)["status"], "INACTIVE");
        assert_eq!(described(&mut sim)["runningCount"], 0);
        assert_eq!(ecs(&mut sim, "DeleteService", body(true)).expect_err("gone").code, "ServiceNotActiveException");
    }

    #[test]
    fn a_hand_sets_the_desired_count_beyond_the_bounds() {
        let mut sim = shop(1, &ServiceSpec { bounds: Some((2, 4)), cpu_target: None, ..ServiceSpec::default() });
        for desired in [0, 9] {
            scale_by_hand(&mut sim, desired);
            sim.advance(after(&sim, 600));
            assert_eq!(described(&mut sim)["desiredCount"], desired);
        }
    }

    #[test]
    fn an_express_mode_service_says_that_ecs_manages_it() {
        let mut sim = shop(1, &ServiceSpec { express_mode: true, ..ServiceSpec::default() });
        assert_eq!(described(&mut sim)["resourceManagementType"], "ECS");
        let ours = json!({ "cluster": "shop", "resourceManagementType": "CUSTOMER" });
        assert_eq!(ecs(&mut sim, "ListServices", ours).unwrap(), json!({ "serviceArns": [] }));
    }

    #[test]
    fn lists_come_in_pages() {
        let mut sim = shop(1, &ServiceSpec::default());
        for n in 0..11 {
            sim.add_service(TargetId::new("shop", format!("s{n}")), &ServiceSpec::default());
        }
        let first = ecs(&mut sim, "ListServices", json!({ "cluster": "shop" })).unwrap();
        assert_eq!(first["serviceArns"].as_array().unwrap().len(), 10);
        let rest = json!({ "cluster": "shop", "nextToken": first["nextToken"] });
        let rest = ecs(&mut sim, "ListServices", rest).unwrap();
        assert_eq!(rest["serviceArns"].as_array().unwrap().len(), 2);
        assert!(rest["nextToken"].is_null());
    }

    #[test]
    fn a_cluster_counts_its_tasks() {
        let mut sim = shop(1, &ServiceSpec { desired: 3, ..ServiceSpec::default() });
        ecs(&mut sim, "CreateCluster", json!({ "clusterName": "lab" })).unwrap();
        let answer = ecs(&mut sim, "DescribeClusters", json!({ "clusters": ["shop", "lab", "nope"] })).unwrap();
        assert_eq!(answer["clusters"][0]["runningTasksCount"], 3);
        assert_eq!(answer["clusters"][1]["activeServicesCount"], 0);
        assert_eq!(answer["failures"][0]["reason"], "MISSING");
    }
}
