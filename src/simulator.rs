//! The simulated ECS behind AWS's own wire protocol, so that any AWS client can talk to it: Baseload's adapter in a demo
//! or a test, the `aws` command in the hands of whoever wants to play the rival.
//!
//! It speaks JSON 1.1 for Application Auto Scaling and ECS, asks for no credentials, and keeps everything in memory.
//! What it answers is the model's business; this is the envelope.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use baseload_core::model::Site;
use baseload_core::sim::{CallError, Sim, WireError};
use jiff::Timestamp;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The greatest request body, in bytes; the largest request that a client sends is a list of 50 names.
const BODY_LIMIT: usize = 1024 * 1024;

/// Tells the simulated time.
pub(crate) type SimClock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A simulated ECS that is being served. Dropping it closes the door to new connections.
pub(crate) struct Simulator {
    address: SocketAddr,
    door: Arc<Door>,
    server: JoinHandle<()>,
}

impl Simulator {
    /// Serves `sim`, which is the controller's own account and region, at `listen`; port 0 picks a free one. The `Date` of every answer is the clock's.
    ///
    /// # Errors
    /// What binding the address runs into.
    pub(crate) async fn start(listen: SocketAddr, sim: Sim, clock: SimClock) -> io::Result<Simulator> {
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let (home, elsewhere) = (Mutex::new(sim), Mutex::default());
        let door = Arc::new(Door { home, elsewhere, clock, requests: AtomicU64::new(0) });
        let router = Router::new().route("/", post(answer)).layer(DefaultBodyLimit::max(BODY_LIMIT));
        let router = router.with_state(Arc::clone(&door));
        let server = tokio::spawn(async move {
            // axum's accept loop ends with the task alone: it survives every error of a single connection.
            let _ended = axum::serve(listener, router).await;
        });
        Ok(Simulator { address, door, server })
    }

    /// What to give to AWS clients as their endpoint.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The model of the controller's own account and region, for whoever shares the process. No call there is answered
    /// while the guard is held.
    pub(crate) fn sim(&self) -> MutexGuard<'_, Sim> {
        lock(&self.door.home)
    }

    /// The models of all others. A call is for one of them where it is signed with the account's name for an access key
    /// id, for its region.
    pub(crate) fn elsewhere(&self) -> MutexGuard<'_, BTreeMap<Site, Sim>> {
        lock(&self.door.elsewhere)
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.server.abort();
    }
}

struct Door {
    home: Mutex<Sim>,
    elsewhere: Mutex<BTreeMap<Site, Sim>>,
    clock: SimClock,
    requests: AtomicU64,
}

impl Door {
    /// Hands a call to the model it is for.
    fn call(&self, site: Option<&Site>, target: &str, body: &Value, now: Timestamp) -> Result<Value, CallError> {
        let mut elsewhere = lock(&self.elsewhere);
        if let Some(sim) = site.and_then(|site| elsewhere.get_mut(site)) {
            return sim.call(target, body, now);
        }
        drop(elsewhere);
        lock(&self.home).call(target, body, now)
    }
}

/// Whom a call is signed for, by the scope of its signature: `Credential=ID/DATE/REGION/SERVICE/aws4_request`.
fn signed_for(headers: &HeaderMap) -> Option<Site> {
    let signature = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (_, scope) = signature.split_once("Credential=")?;
    let mut parts = scope.split('/');
    let (id, region) = (parts.next()?, parts.nth(1)?);
    Some(Site::new(id, region))
}

/// A panic in one call is that call's; the model itself changes in whole steps.
fn lock<T>(model: &Mutex<T>) -> MutexGuard<'_, T> {
    model.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn answer(State(door): State<Arc<Door>>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let now = (door.clock)();
    let site = signed_for(&headers);
    let outcome = read_body(&body).and_then(|body| door.call(site.as_ref(), target, &body, now));
    let request = door.requests.fetch_add(1, Ordering::Relaxed);
    match outcome {
        Ok(value) => envelope(StatusCode::OK, &value, now, request),
        Err(CallError::Refused(error)) => refusal(&error, target, now, request),
        // The client's own patience ends this; it hangs up, and the call is dropped here.
        Err(CallError::AnswerLost | CallError::Unreachable) => std::future::pending().await,
    }
}

fn read_body(body: &[u8]) -> Result<Value, CallError> {
    let unreadable = |_| WireError::new(400, "SerializationException", "the body is not JSON");
    Ok(serde_json::from_slice(body).map_err(unreadable)?)
}

fn refusal(error: &WireError, target: &str, now: Timestamp, request: u64) -> Response {
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = envelope(status, &error.body(target), now, request);
    if let Ok(code) = error.code.parse() {
        response.headers_mut().insert("x-amzn-errortype", code);
    }
    response
}

fn envelope(status: StatusCode, body: &Value, now: Timestamp, request: u64) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/x-amz-json-1.1".to_owned()),
        (header::DATE, now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()),
        (header::HeaderName::from_static("x-amzn-requestid"), format!("00000000-0000-4000-8000-{request:012x}")),
    ];
    (status, headers, body.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_applicationautoscaling::Client as Scaling;
    use aws_sdk_applicationautoscaling::config::{BehaviorVersion, Credentials, Region, retry, timeout};
    use aws_sdk_applicationautoscaling::types::{
        MetricType, PolicyType, PredefinedMetricSpecification, ScalableDimension, ScalableTargetAction,
        ServiceNamespace, TargetTrackingScalingPolicyConfiguration,
    };
    use aws_sdk_ecs::Client as Ecs;
    use baseload_core::ecs::Operation;
    use baseload_core::model::TargetId;
    use baseload_core::sim::{Fault, Lasting, Scope, ServiceSpec};
    use jiff::SignedDuration;
    use jiff::tz::TimeZone;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    const RESOURCE: &str = "service/shop/www";

    fn start_time() -> Timestamp {
        "2026-11-18T02:00:00Z".parse().unwrap()
    }

    fn www() -> TargetId {
        TargetId::new("shop", "www")
    }

    struct World {
        simulator: Simulator,
        scaling: Scaling,
        ecs: Ecs,
        clock: Arc<Mutex<Timestamp>>,
    }

    impl World {
        /// One cluster `shop` with `services` more services beside `www`, and a clock that stands until it is set.
        async fn new(services: usize) -> World {
            let mut sim = Sim::new(1, TimeZone::UTC, start_time());
            sim.add_service(www(), &ServiceSpec::default());
            for n in 0..services {
                sim.add_service(TargetId::new("shop", format!("s{n:03}")), &ServiceSpec::default());
            }
            let clock = Arc::new(Mutex::new(start_time()));
            let hand = Arc::clone(&clock);
            let listen = SocketAddr::from(([127, 0, 0, 1], 0));
            let simulator = Simulator::start(listen, sim, Arc::new(move || *hand.lock().unwrap())).await.unwrap();
            let credentials = Credentials::new("id", "secret", None, None, "simulator");
            let timeouts =
                timeout::TimeoutConfig::builder().operation_attempt_timeout(Duration::from_millis(300)).build();
            let scaling = aws_sdk_applicationautoscaling::Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(Region::new("eu-central-1"))
                .endpoint_url(simulator.endpoint())
                .credentials_provider(credentials.clone())
                .retry_config(retry::RetryConfig::disabled())
                .timeout_config(timeouts)
                .build();
            let ecs = aws_sdk_ecs::Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(Region::new("eu-central-1"))
                .endpoint_url(simulator.endpoint())
                .credentials_provider(credentials)
                .build();
            World { simulator, scaling: Scaling::from_conf(scaling), ecs: Ecs::from_conf(ecs), clock }
        }

        fn pass(&self, seconds: i64) {
            *self.clock.lock().unwrap() += SignedDuration::from_secs(seconds);
        }

        fn register(
            &self,
        ) -> aws_sdk_applicationautoscaling::operation::register_scalable_target::builders::RegisterScalableTargetFluentBuilder
        {
            let register = self.scaling.register_scalable_target().service_namespace(ServiceNamespace::Ecs);
            register.resource_id(RESOURCE).scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
        }

        async fn raw(&self, request: &str) -> String {
            let mut connection = tokio::net::TcpStream::connect(self.simulator.address).await.unwrap();
            connection.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            connection.read_to_string(&mut answer).await.unwrap();
            answer
        }
    }

    fn post_request(target: &str, body: &str) -> String {
        let length = body.len();
        format!(
            "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Amz-Target: {target}\r\nContent-Length: {length}\r\n\r\n{body}"
        )
    }

    #[tokio::test]
    async fn the_sdk_raises_a_floor_and_sees_the_tasks_come_up() {
        let world = World::new(0).await;
        let answer = world.register().min_capacity(3).send().await.unwrap();
        assert!(answer.scalable_target_arn().unwrap().starts_with("arn:aws:application-autoscaling:"));
        world.pass(90);
        let services = world.ecs.describe_services().cluster("shop").services("www").send().await.unwrap();
        let service = &services.services()[0];
        assert_eq!((service.desired_count(), service.running_count(), service.pending_count()), (3, 3, 0));
        assert_eq!(service.deployments()[0].rollout_state().unwrap().as_str(), "COMPLETED");
        let targets = world.scaling.describe_scalable_targets().service_namespace(ServiceNamespace::Ecs);
        let targets = targets.resource_ids(RESOURCE).send().await.unwrap();
        let target = &targets.scalable_targets()[0];
        assert_eq!((target.min_capacity(), target.max_capacity()), (3, 10));
        assert_eq!(target.creation_time().secs(), start_time().as_second());
        assert_eq!(target.suspended_state().unwrap().scheduled_scaling_suspended(), Some(false));
    }

    #[tokio::test]
    async fn the_sdk_reads_the_code_and_the_message_of_a_refusal() {
        let world = World::new(0).await;
        let error = world.register().min_capacity(11).send().await.unwrap_err().into_service_error();
        assert!(error.is_validation_exception());
        assert_eq!(error.meta().message(), Some("Maximum capacity cannot be less than minimum capacity"));
        let error = world.ecs.describe_services().cluster("nope").services("www").send().await.unwrap_err();
        assert!(error.into_service_error().is_cluster_not_found_exception());
    }

    #[tokio::test]
    async fn the_sdk_s_paginator_walks_every_page() {
        let world = World::new(120).await;
        let pages = world.scaling.describe_scalable_targets().service_namespace(ServiceNamespace::Ecs).into_paginator();
        let all = pages.items().send().collect::<Result<Vec<_>, _>>().await.unwrap();
        assert_eq!(all.len(), 121);
        assert_eq!(world.simulator.sim().calls()[&Operation::DescribeScalableTargets], 3);
        let services = world.ecs.list_services().cluster("shop").into_paginator();
        let services = services.items().send().collect::<Result<Vec<_>, _>>().await.unwrap();
        assert_eq!(services.len(), 121);
    }

    #[tokio::test]
    async fn the_sdk_reads_policies_scheduled_actions_and_activities() {
        let world = World::new(0).await;
        let action = world.scaling.put_scheduled_action().service_namespace(ServiceNamespace::Ecs);
        let action = action.resource_id(RESOURCE).scalable_dimension(ScalableDimension::EcsServiceDesiredCount);
        let bounds = ScalableTargetAction::builder().min_capacity(0).build();
        let action = action.scheduled_action_name("night").schedule("cron(0 22 * * ? *)");
        let action = action.start_time(aws_sdk_applicationautoscaling::primitives::DateTime::from_secs(1_800_000_000));
        action.scalable_target_action(bounds).send().await.unwrap();
        let actions = world.scaling.describe_scheduled_actions().service_namespace(ServiceNamespace::Ecs);
        let actions = actions.send().await.unwrap();
        let action = &actions.scheduled_actions()[0];
        assert_eq!(action.scalable_target_action().unwrap().min_capacity(), Some(0));
        assert_eq!(action.scalable_target_action().unwrap().max_capacity(), None);
        assert_eq!(action.start_time().unwrap().secs(), 1_800_000_000);

        let metric = PredefinedMetricSpecification::builder()
            .predefined_metric_type(MetricType::EcsServiceAverageCpuUtilization)
            .build()
            .unwrap();
        let tracking = TargetTrackingScalingPolicyConfiguration::builder().target_value(50.0);
        let tracking = tracking.predefined_metric_specification(metric).build().unwrap();
        let policy = world.scaling.put_scaling_policy().service_namespace(ServiceNamespace::Ecs).policy_name("mine");
        let policy = policy.resource_id(RESOURCE).scalable_dimension(ScalableDimension::EcsServiceDesiredCount);
        let policy = policy.policy_type(PolicyType::TargetTrackingScaling);
        let put = policy.target_tracking_scaling_policy_configuration(tracking).send().await.unwrap();
        assert_eq!(put.alarms().len(), 2);
        let policies = world.scaling.describe_scaling_policies().service_namespace(ServiceNamespace::Ecs);
        let policies = policies.resource_id(RESOURCE).send().await.unwrap();
        let names: Vec<_> = policies.scaling_policies().iter().map(|policy| policy.policy_name()).collect();
        assert_eq!(names, ["cpu", "mine"]);

        world.register().min_capacity(2).send().await.unwrap();
        world.pass(90);
        let activities = world.scaling.describe_scaling_activities().service_namespace(ServiceNamespace::Ecs);
        let activities = activities.send().await.unwrap();
        assert_eq!(activities.scaling_activities()[0].cause(), "minimum capacity was set to 2");
    }

    #[tokio::test]
    async fn a_rival_s_hand_is_served_too() {
        let world = World::new(0).await;
        world.ecs.update_service().cluster("shop").service("www").desired_count(7).send().await.unwrap();
        assert_eq!(world.simulator.sim().service(&www()).unwrap().desired, 7);
        world.ecs.create_service().cluster("shop").service_name("new").desired_count(1).send().await.unwrap();
        let listed = world.ecs.list_clusters().send().await.unwrap();
        assert_eq!(listed.cluster_arns().len(), 1);
        let clusters = world.ecs.describe_clusters().clusters("shop").send().await.unwrap();
        assert_eq!(clusters.clusters()[0].active_services_count(), 2);
        world.ecs.delete_service().cluster("shop").service("new").force(true).send().await.unwrap();
    }

    #[tokio::test]
    async fn f5_a_lost_answer_keeps_the_client_waiting_and_the_write_stands() {
        let world = World::new(0).await;
        world.simulator.sim().inject(Scope::WritesTo(www()), Fault::LoseAnswer, Lasting::Times(1));
        let error = world.register().min_capacity(3).send().await.unwrap_err();
        assert!(matches!(error, aws_sdk_applicationautoscaling::error::SdkError::TimeoutError(_)), "{error:?}");
        assert_eq!(world.simulator.sim().bounds(&www()), Some((3, 10)));
    }

    #[tokio::test]
    async fn answers_carry_the_simulated_date_a_request_id_and_aws_s_content_type() {
        let world = World::new(0).await;
        let request = post_request("AmazonEC2ContainerServiceV20141113.ListClusters", "{}");
        let answer = world.raw(&request).await.to_lowercase();
        for line in [
            "http/1.1 200 ok",
            "date: wed, 18 nov 2026 02:00:00 gmt",
            "x-amzn-requestid: 00000000-0000-4000-8000-000000000000",
            "content-type: application/x-amz-json-1.1",
        ] {
            assert!(answer.contains(line), "{line} in {answer}");
        }
        assert_eq!(answer.matches("date:").count(), 1);
    }

    #[tokio::test]
    async fn an_unknown_operation_and_a_body_that_is_no_json_are_refused_as_aws_does() {
        let world = World::new(0).await;
        for (target, body, code) in [
            ("AnyScaleFrontendService.Nope", "{}", "UnknownOperationException"),
            ("AmazonEC2ContainerServiceV20141113.RegisterScalableTarget", "{}", "UnknownOperationException"),
            ("AnyScaleFrontendService.DescribeScalableTargets", "{", "SerializationException"),
            ("AnyScaleFrontendService.DescribeScalableTargets", "[]", "SerializationException"),
        ] {
            let answer = world.raw(&post_request(target, body)).await;
            assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
            assert!(answer.contains(&format!("\"__type\":\"{code}\"")), "{answer}");
            assert!(answer.contains(&format!("x-amzn-errortype: {code}")), "{answer}");
        }
    }

    #[tokio::test]
    async fn a_body_of_more_than_a_mebibyte_is_refused() {
        let world = World::new(0).await;
        let body = " ".repeat(BODY_LIMIT + 1);
        let answer = world.raw(&post_request("AnyScaleFrontendService.DescribeScalableTargets", &body)).await;
        assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    }
}
