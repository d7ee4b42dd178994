//! The adapter over a scripted server: what it sends, and what it makes of every kind of answer.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_credential_types::credential_fn::provide_credentials_fn;
use aws_sdk_ecs::config::{Credentials, SharedCredentialsProvider};
use baseload_core::ecs::{Answer, DeploymentController, Failure, ScalableTarget, ServiceCounts, Survey};
use baseload_core::model::TargetId;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use super::scripted::{Reply, Request, Scripted, connect, impatient, ok, refusal};
use super::*;

fn target(service: &str) -> TargetId {
    TargetId::new("shop", service)
}

fn many(count: usize) -> Vec<TargetId> {
    (0..count).map(|n| target(&format!("s{n}"))).collect()
}

fn entry(id: &str) -> Value {
    json!({"ServiceNamespace": "ecs", "ResourceId": id, "ScalableDimension": "ecs:service:DesiredCount",
           "MinCapacity": 1, "MaxCapacity": 4, "RoleARN": "r", "CreationTime": 1.5})
}

/// Describes whatever ids are asked for.
fn describe(request: &Request) -> Reply {
    let ids = request.body["ResourceIds"].as_array().expect("a question by ids has ids");
    let entries: Vec<Value> = ids.iter().filter_map(Value::as_str).map(entry).collect();
    ok(&json!({"ScalableTargets": entries}))
}

fn asks_for(request: &Request, service: &str) -> bool {
    let is = |id: &Value| id == &json!(format!("service/shop/{service}"));
    request.body["ResourceIds"].as_array().is_some_and(|ids| ids.iter().any(is))
}

async fn targets(aws: &Aws, query: Query) -> Answer<ScalableTarget> {
    match aws.observe(&query).await {
        Observation::Targets(answer) => answer,
        other => panic!("not an answer about targets: {other:?}"),
    }
}

async fn services(aws: &Aws, wanted: Vec<TargetId>) -> Answer<ServiceCounts> {
    match aws.observe(&Query::Services(wanted)).await {
        Observation::Services(answer) => answer,
        other => panic!("not an answer about services: {other:?}"),
    }
}

async fn survey(aws: &Aws, wanted: Vec<TargetId>) -> Answer<Survey> {
    match aws.observe(&Query::Survey(wanted)).await {
        Observation::Survey(answer) => answer,
        other => panic!("not an answer to a survey: {other:?}"),
    }
}

fn only_failure<T>(answer: &Answer<T>) -> &Failure {
    assert_eq!(answer.failed.len(), 1, "{:?}", answer.failed);
    &answer.failed[0]
}

fn write(min: Option<u32>, max: Option<u32>) -> Action {
    Action { target: target("www"), min, max }
}

async fn applied(reply: impl Fn() -> Reply + Send + Sync + 'static) -> (Result<(), EcsError>, usize) {
    let server = Scripted::start(move |_| reply()).await;
    let outcome = server.aws.apply(&write(Some(3), None)).await;
    (outcome, server.asked().len())
}

#[tokio::test]
async fn exact_targets_cost_a_call_for_every_fifty() {
    let server = Scripted::start(describe).await;
    let answer = targets(&server.aws, Query::Targets(many(120))).await;
    assert!(answer.failed.is_empty() && answer.found.values().flatten().count() == 120);
    let sizes = |request: &Request| request.body["ResourceIds"].as_array().map(Vec::len);
    let mut sizes: Vec<_> = server.asked().iter().filter_map(sizes).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [20, 50, 50]);
}

#[tokio::test]
async fn a_question_for_nobody_sends_nothing() {
    let server = Scripted::start(|_| Reply::Close).await;
    assert_eq!(targets(&server.aws, Query::Targets(Vec::new())).await, Answer::default());
    assert_eq!(services(&server.aws, Vec::new()).await, Answer::default());
    assert_eq!(survey(&server.aws, Vec::new()).await, Answer::default());
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn f7_an_id_absent_from_an_answered_batch_is_not_there() {
    let server = Scripted::start(|_| ok(&json!({"ScalableTargets": [entry("service/shop/s0")]}))).await;
    let answer = targets(&server.aws, Query::Targets(many(2))).await;
    let there = ScalableTarget { min: 1, max: 4, scheduled_scaling_suspended: false };
    assert_eq!(answer.found, [(target("s0"), Some(there)), (target("s1"), None)].into());
}

#[tokio::test]
async fn the_whole_namespace_is_asked_without_dimension_and_filtered_here() {
    let server = Scripted::start(|request| match request.body["NextToken"].as_str() {
        None => ok(&json!({"ScalableTargets": [entry("service/shop/s0")], "NextToken": "2"})),
        Some(_) => {
            let mut other = entry("service/shop/other");
            other["ScalableDimension"] = json!("ecs:service:Other");
            let mut paused = entry("service/shop/paused");
            paused["SuspendedState"] = json!({"ScheduledScalingSuspended": true});
            ok(&json!({"ScalableTargets": [entry("odd"), other, paused], "NextToken": null}))
        }
    })
    .await;
    let answer = targets(&server.aws, Query::AllTargets).await;
    let suspended = |seen: Option<ScalableTarget>| seen.map(|seen| seen.scheduled_scaling_suspended);
    let seen: Vec<_> = answer.found.into_iter().map(|(target, seen)| (target.to_string(), suspended(seen))).collect();
    assert_eq!(seen, [("shop/paused".to_owned(), Some(true)), ("shop/s0".to_owned(), Some(false))]);
    assert_eq!(server.asked()[0].body, json!({"ServiceNamespace": "ecs"}));
    assert!(answer.failed.is_empty());
}

#[tokio::test]
async fn f2_a_failed_page_keeps_what_was_read_and_says_nothing_of_the_rest() {
    let server = Scripted::start(|request| match request.body["NextToken"].as_str() {
        None => ok(&json!({"ScalableTargets": [entry("service/shop/s0")], "NextToken": "2"})),
        Some(_) => refusal(400, "ThrottlingException", "Rate exceeded"),
    })
    .await;
    let answer = targets(&server.aws, Query::AllTargets).await;
    assert_eq!(answer.found.len(), 1);
    let failure = only_failure(&answer);
    assert_eq!((failure.targets.as_deref(), failure.error.kind), (None, ErrorKind::Throttled));
    assert_eq!(server.asked().len(), 1 + 3);
}

#[tokio::test]
async fn f2_a_failed_batch_leaves_only_its_own_targets_unknown() {
    let server = Scripted::start(|request| match asks_for(request, "s60") {
        true => refusal(503, "ServiceUnavailable", "down"),
        false => describe(request),
    })
    .await;
    let answer = targets(&server.aws, Query::Targets(many(120))).await;
    assert_eq!(answer.found.len(), 70);
    let failure = only_failure(&answer);
    assert_eq!(failure.targets.as_deref(), Some(&many(120)[50..100]));
}

#[tokio::test]
async fn f2_a_read_that_fails_once_is_repeated_within_the_question() {
    let calls = AtomicUsize::new(0);
    let server = Scripted::start(move |request| match calls.fetch_add(1, Ordering::Relaxed) {
        0 => Reply::Close,
        _ => describe(request),
    })
    .await;
    let answer = targets(&server.aws, Query::Targets(many(1))).await;
    assert!(answer.failed.is_empty());
    let outcomes: Vec<_> = server.recorded().iter().map(|record| record.outcome).collect();
    assert_eq!(outcomes, [Err(ErrorKind::OutcomeUnknown), Ok(())]);
}

#[tokio::test]
async fn g13_a_name_that_aws_refuses_costs_nobody_else_an_answer() {
    let server = Scripted::start(|request| match asks_for(request, "s7") {
        true => refusal(400, "ValidationException", "1 validation error detected"),
        false => describe(request),
    })
    .await;
    let answer = targets(&server.aws, Query::Targets(many(50))).await;
    assert_eq!(answer.found.values().flatten().count(), 49);
    let failure = only_failure(&answer);
    assert_eq!((failure.targets.as_deref(), failure.error.kind), (Some(&[target("s7")][..]), ErrorKind::Invalid));
}

#[tokio::test]
async fn f3_answers_without_sense_are_unavailable_and_asked_again() {
    let missing = json!({"ScalableTargets": [{"ResourceId": "service/shop/s0", "MinCapacity": 1}]}).to_string();
    let negative = json!({"ScalableTargets": [entry("service/shop/s0")]}).to_string().replace(":4", ":-4");
    for (status, body) in [
        (500, ""),
        (502, "<html>Bad Gateway</html>"),
        (503, ""),
        (504, "upstream"),
        (200, "<html>hello</html>"),
        (200, r#"{"ScalableTargets":[{"Resou"#),
        (200, "{}"),
        (200, &missing),
        (200, &negative),
    ] {
        let reply = body.to_owned();
        let server = Scripted::start(move |_| Reply::Answer(status, "", reply.clone())).await;
        let answer = targets(&server.aws, Query::Targets(many(1))).await;
        assert_eq!(only_failure(&answer).error.kind, ErrorKind::Unavailable, "{status} {body}");
        assert_eq!((answer.found.len(), server.asked().len()), (0, 3), "{status} {body}");
    }
}

#[tokio::test]
async fn f3_a_huge_answer_is_cut_off() {
    let server = Scripted::start(|_| Reply::Zeros(100 << 20)).await;
    let answer = targets(&server.aws, Query::Targets(many(1))).await;
    let error = &only_failure(&answer).error;
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(error.message.contains("length limit exceeded"), "{}", error.message);
}

#[tokio::test]
async fn f4_a_refused_connection_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
    let address = listener.local_addr().expect("a bound listener has an address");
    drop(listener);
    let (aws, recorded) = connect(address, impatient()).await;
    let error = aws.apply(&write(Some(1), None)).await.expect_err("nobody listens");
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Unreachable, "ConnectFailure"), "{error}");
    let answer = targets(&aws, Query::AllTargets).await;
    assert_eq!(only_failure(&answer).error.kind, ErrorKind::Unreachable);
    assert_eq!(recorded.lock().expect("nobody panicked").len(), 1 + 3);
}

#[tokio::test]
async fn f4_a_server_that_speaks_no_tls_is_unreachable_and_told_as_such() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
    let address = listener.local_addr().expect("a bound listener has an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.expect("the client is there");
        }
    });
    let credentials = Credentials::new("id", "key", None, None, "test");
    let sdk = aws_config::defaults(BehaviorVersion::v2026_01_12()).credentials_provider(credentials);
    let sdk = sdk.region("eu-west-1").endpoint_url(format!("https://{address}")).load().await;
    let patience = Patience { pause: impatient().pause, ..Patience::default() };
    let (clock, on_call, permit) = (Clock::System, Arc::new(|_| ()), Permit::unlimited());
    let config = AwsConfig { stand_in: None, patience, clock, on_call, permit };
    let aws = Accounts::over(sdk, config, Roles::new()).home().await;
    let error = aws.apply(&write(Some(1), None)).await.expect_err("there is no TLS");
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Unreachable, "TlsFailure"), "{error}");
}

#[cfg(feature = "lease")]
#[tokio::test]
async fn without_a_lease_a_write_never_leaves_and_looks_go_on() {
    let server = Scripted::start(describe).await;
    let aws = Aws { permit: Permit::ended(), ..server.aws.clone() };
    let error = aws.apply(&write(Some(3), None)).await.expect_err("the permit has ended");
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Unreachable, "LeaseLost"), "{error}");
    assert!(error.message.contains("nothing was sent") && server.asked().is_empty(), "{error}");
    assert!(targets(&aws, Query::Targets(many(1))).await.failed.is_empty());
}

/// The adapter with its own ways of finding credentials, against a server that would answer.
async fn with_credentials(provider: SharedCredentialsProvider) -> Aws {
    let sdk = accounts::stand_in("http://127.0.0.1:9").into_builder().credentials_provider(provider).build();
    over(sdk, Roles::new()).home().await
}

/// Every account, by roles, over what the SDK found.
fn over(sdk: SdkConfig, roles: Roles) -> Accounts {
    let (patience, clock, on_call) = (impatient(), Clock::System, Arc::new(|_| ()));
    let config = AwsConfig { stand_in: None, patience, clock, on_call, permit: Permit::unlimited() };
    Accounts::over(sdk, config, roles)
}

#[tokio::test]
async fn f4_no_credentials_and_a_hanging_provider_are_told_as_such() {
    let none = SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new());
    let hanging = SharedCredentialsProvider::new(provide_credentials_fn(std::future::pending));
    for provider in [none, hanging] {
        let aws = with_credentials(provider).await;
        let error = aws.apply(&write(Some(1), None)).await.expect_err("there are no credentials");
        assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Credentials, "NoCredentials"), "{error}");
        let answer = targets(&aws, Query::AllTargets).await;
        assert_eq!(only_failure(&answer).error.kind, ErrorKind::Credentials);
    }
}

const ROLE: &str = "arn:aws:iam::111111111111:role/baseload";

fn prod() -> Site {
    Site::new("prod", "us-east-1")
}

/// Every account, over a scripted server: `prod` by its role, anything else with the credentials there are.
async fn accounts(server: &Scripted) -> Accounts {
    let roles = Roles::from([("prod".into(), Access::Role(ROLE.to_owned()))]);
    let sdk = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .region("eu-west-1")
        .endpoint_url(format!("http://{}", server.address))
        .credentials_provider(Credentials::new("id", "key", None, None, "test"));
    over(sdk.load().await, roles)
}

fn sts(status: u16, xml: &str) -> Reply {
    Reply::Answer(status, "content-type: text/xml\r\n", xml.to_owned())
}

#[tokio::test]
async fn a_role_is_assumed_once_and_what_is_found_is_of_its_account_and_region() {
    let server = Scripted::start(|request| match request.operation.as_str() {
        "AssumeRole" => sts(
            200,
            "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>theirs</AccessKeyId>\
             <SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>\
             <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>",
        ),
        _ => describe(request),
    })
    .await;
    let aws = accounts(&server).await.at(&prod()).await;
    let wanted = target("s0").at(prod());
    for _ in 0..2 {
        let answer = targets(&aws, Query::Targets(vec![wanted.clone()])).await;
        assert!(answer.found.contains_key(&wanted) && answer.failed.is_empty(), "{answer:?}");
    }
    let asked = server.asked();
    let assumed: Vec<_> = asked.iter().filter(|request| request.operation == "AssumeRole").collect();
    let form = assumed[0].body.as_str().expect("a form");
    assert!(
        assumed.len() == 1 && form.contains("role%2Fbaseload") && form.contains("RoleSessionName=baseload"),
        "{form}"
    );
    let ids = |request: &&Request| request.body["ResourceIds"].clone();
    let asked: Vec<_> = asked.iter().filter(|request| request.operation == "DescribeScalableTargets").collect();
    assert_eq!(asked.iter().map(ids).collect::<Vec<_>>(), [json!(["service/shop/s0"]), json!(["service/shop/s0"])]);
}

#[tokio::test]
async fn a_role_that_cannot_be_assumed_is_told_with_what_sts_said_and_stops_no_other_account() {
    let server = Scripted::start(|request| match request.operation.as_str() {
        "AssumeRole" => sts(
            403,
            "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User: x is not authorized to \
             perform: sts:AssumeRole on resource: r</Message></Error><RequestId>1</RequestId></ErrorResponse>",
        ),
        _ => describe(request),
    })
    .await;
    let accounts = accounts(&server).await;
    let answer = targets(&accounts.at(&prod()).await, Query::Targets(vec![target("s0").at(prod())])).await;
    let error = &only_failure(&answer).error;
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Credentials, "RoleNotAssumed"), "{error}");
    assert!(error.message.contains("not authorized to perform: sts:AssumeRole"), "{error}");
    let answer = targets(&accounts.home().await, Query::Targets(many(1))).await;
    assert!(answer.failed.is_empty(), "{answer:?}");
}

#[tokio::test]
async fn where_sts_does_not_answer_it_is_sts_that_cannot_be_reached() {
    let server = Scripted::start(|request| match request.operation.as_str() {
        "AssumeRole" => Reply::Close,
        _ => describe(request),
    })
    .await;
    let aws = accounts(&server).await.at(&prod()).await;
    let error = aws.apply(&write(Some(1), None)).await.expect_err("nobody gives out credentials");
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Unreachable, "StsUnreachable"), "{error}");
}

#[tokio::test]
async fn f4_without_a_region_nobody_can_be_reached() {
    let credentials = SharedCredentialsProvider::new(Credentials::new("id", "key", None, None, "test"));
    let version = BehaviorVersion::v2026_01_12();
    let sdk = SdkConfig::builder().behavior_version(version).credentials_provider(credentials).build();
    let aws = over(sdk, Roles::new()).home().await;
    let error = aws.apply(&write(Some(1), None)).await.expect_err("there is no region");
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Unreachable, "NoRegion"));
}

#[tokio::test]
async fn f4_a_question_ends_in_bounded_time_whatever_its_calls_take() {
    let patience = Patience { question: Duration::ZERO, ..Patience::default() };
    let server = Scripted::start_with(patience, describe).await;
    let answer = targets(&server.aws, Query::Targets(many(120))).await;
    assert!(answer.failed.len() == 3 && answer.failed.iter().all(|failure| failure.error.code == "OutOfTime"));
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn f3_a_proxy_that_speaks_html_is_understood_by_its_status() {
    for (status, kind) in [(429, ErrorKind::Throttled), (403, ErrorKind::Denied), (502, ErrorKind::OutcomeUnknown)] {
        let (outcome, _) = applied(move || Reply::Answer(status, "", "<html>".to_owned())).await;
        assert_eq!(outcome.map_err(|error| error.kind), Err(kind), "{status}");
    }
}

#[tokio::test]
async fn f4_a_server_that_says_nothing_is_given_up() {
    let server = Scripted::start_with(impatient(), |_| Reply::Hang).await;
    let answer = targets(&server.aws, Query::Targets(many(1))).await;
    let error = &only_failure(&answer).error;
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::OutcomeUnknown, "Timeout"));
    let outcome = server.aws.apply(&write(Some(1), None)).await.map_err(|error| error.kind);
    assert_eq!(outcome, Err(ErrorKind::OutcomeUnknown));
}

#[tokio::test]
async fn f5_a_write_whose_answer_never_came_or_made_no_sense_is_attempted_once_and_unknown() {
    let closed = applied(|| Reply::Close).await;
    let failed = applied(|| refusal(500, "InternalServiceException", "oops")).await;
    let html = applied(|| Reply::Answer(200, "", "<html>".to_owned())).await;
    for (outcome, sent) in [closed, failed, html] {
        assert_eq!((outcome.map_err(|error| error.kind), sent), (Err(ErrorKind::OutcomeUnknown), 1));
    }
}

#[tokio::test]
async fn f6_a_refused_write_is_attempted_once_and_told_by_its_kind() {
    for (code, message, expected) in [
        ("ConcurrentUpdateException", "You already have a pending update", ErrorKind::Conflict),
        ("LimitExceededException", "quota", ErrorKind::QuotaExceeded),
        ("ThrottlingException", "Rate exceeded", ErrorKind::Throttled),
        ("ValidationException", "User is missing the following permissions: ecs:UpdateService", ErrorKind::Denied),
        ("ValidationException", "ECS service doesn't exist: service/shop/www", ErrorKind::NotFound),
        ("ExpiredTokenException", "The security token is expired", ErrorKind::Credentials),
    ] {
        let (outcome, sent) = applied(move || refusal(400, code, message)).await;
        let error = outcome.expect_err("the write is refused");
        assert_eq!((error.kind, error.code.as_str(), error.message.as_str(), sent), (expected, code, message, 1));
    }
}

#[tokio::test]
async fn a_write_holds_what_the_action_names_and_nothing_else() {
    let named = json!({"ServiceNamespace": "ecs", "ResourceId": "service/shop/www",
                       "ScalableDimension": "ecs:service:DesiredCount"});
    for (action, min, max) in [
        (write(Some(0), None), Some(0), None),
        (write(Some(2), Some(7)), Some(2), Some(7)),
        (write(None, Some(7)), None, Some(7)),
    ] {
        let server = Scripted::start(|_| ok(&json!({}))).await;
        server.aws.apply(&action).await.expect("the server accepts everything");
        let mut expected = named.clone();
        let fields = [("MinCapacity", min), ("MaxCapacity", max)];
        for (field, value) in fields.into_iter().filter_map(|(field, value)| Some((field, value?))) {
            expected[field] = json!(value);
        }
        assert_eq!(server.asked()[0].body, expected);
    }
}

fn service(name: &str, status: &str) -> Value {
    json!({"serviceName": name, "status": status, "desiredCount": 3, "runningCount": 2, "pendingCount": 1,
           "deploymentController": {"type": "CODE_DEPLOY"}, "resourceManagementType": "ECS"})
}

#[tokio::test]
async fn services_cost_a_call_for_every_ten_of_a_cluster() {
    let server = Scripted::start(|request| {
        let names = request.body["services"].as_array().expect("a question has services");
        let described: Vec<Value> =
            names.iter().filter_map(Value::as_str).map(|name| service(name, "ACTIVE")).collect();
        ok(&json!({"services": described, "failures": []}))
    })
    .await;
    let mut wanted = many(23);
    wanted.extend((0..3).map(|n| TargetId::new("bank", format!("s{n}"))));
    let answer = services(&server.aws, wanted).await;
    assert_eq!((answer.found.values().flatten().count(), answer.failed.len()), (26, 0));
    assert_eq!(server.asked().len(), 3 + 1);
}

#[tokio::test]
async fn f7_a_missing_and_an_inactive_service_are_not_there_and_other_failures_stay_unknown() {
    let server = Scripted::start(|_| {
        let failures = json!([{"arn": "arn:aws:ecs:eu-west-1:1:service/shop/gone", "reason": "MISSING"},
                              {"arn": "arn:aws:ecs:eu-west-1:1:service/odd", "reason": "ODD"}]);
        ok(&json!({"services": [service("www", "ACTIVE"), service("old", "INACTIVE")], "failures": failures}))
    })
    .await;
    let wanted = ["www", "old", "gone", "odd", "forgotten"].map(target).to_vec();
    let answer = services(&server.aws, wanted).await;
    let counts = ServiceCounts {
        desired: 3,
        running: 2,
        pending: 1,
        deploying: false,
        deployment_controller: DeploymentController::CodeDeploy,
        express_mode: true,
    };
    assert_eq!(answer.found, [(target("www"), Some(counts)), (target("old"), None), (target("gone"), None)].into());
    let codes: Vec<_> = answer.failed.iter().map(|failure| failure.error.code.as_str()).collect();
    assert_eq!(codes, ["ODD", "LeftOut"]);
}

#[tokio::test]
async fn f7_services_of_a_cluster_that_is_not_there_are_not_there() {
    let server = Scripted::start(|_| refusal(400, "ClusterNotFoundException", "Cluster not found.")).await;
    let answer = services(&server.aws, many(2)).await;
    assert_eq!(answer.found, [(target("s0"), None), (target("s1"), None)].into());
}

#[tokio::test]
async fn a_survey_names_policies_and_scheduled_actions_and_drops_loose_matches() {
    let server = Scripted::start(|request| {
        let on = |service: &str| format!("service/shop/{service}");
        let policy = |service: &str, name: &str, kind: &str| {
            json!({"ResourceId": on(service), "PolicyName": name, "PolicyType": kind,
                   "ScalableDimension": "ecs:service:DesiredCount"})
        };
        match request.operation.as_str() {
            "DescribeScalingPolicies" => ok(&json!({"ScalingPolicies": [
                policy("s1", "cpu", "TargetTrackingScaling"),
                policy("s1", "forecast", "PredictiveScaling"),
                policy("s11", "other", "StepScaling"),
            ]})),
            _ => ok(&json!({"ScheduledActions": [{"ResourceId": on("s1"), "ScheduledActionName": "night"}]})),
        }
    })
    .await;
    let few = survey(&server.aws, vec![target("s0"), target("s1")]).await;
    assert_eq!(server.asked().len(), 2 * 2);
    assert!(server.asked().iter().all(|request| request.body["ResourceId"].is_string()));
    let text = |name: &str| vec![name.to_owned()];
    let found = Survey {
        policies: vec!["cpu".to_owned(), "forecast".to_owned()],
        predictive: text("forecast"),
        scheduled_actions: text("night"),
    };
    assert_eq!(few.found, [(target("s0"), Some(Survey::default())), (target("s1"), Some(found))].into());
    let all = survey(&server.aws, many(11)).await;
    assert_eq!((all.found.len(), server.asked().len()), (11, 2 * 2 + 2));
}

#[tokio::test]
async fn f2_a_survey_that_failed_by_half_is_unknown() {
    let server = Scripted::start(|request| match request.operation.as_str() {
        "DescribeScalingPolicies" => ok(&json!({"ScalingPolicies": []})),
        _ => refusal(400, "AccessDeniedException", "not authorized"),
    })
    .await;
    let answer = survey(&server.aws, many(1)).await;
    assert_eq!(only_failure(&answer).targets.as_deref(), Some(&many(1)[..]));
    assert_eq!(only_failure(&answer).error.kind, ErrorKind::Denied);
}

#[tokio::test]
async fn f21_every_call_is_recorded_with_what_the_date_of_its_answer_says_of_our_clock() {
    let date = "date: Sat, 21 Nov 2026 04:47:53 GMT\r\n";
    let server = Scripted::start(move |_| Reply::Answer(200, date, "{}".to_owned())).await;
    server.aws.apply(&write(Some(1), None)).await.expect("the server accepts everything");
    let record = server.recorded()[0].clone();
    assert_eq!((record.operation, record.outcome), (Operation::RegisterScalableTarget, Ok(())));
    // The test's clock stands still, so what the call took is what is not proved.
    let ahead = record.clock_ahead.expect("an answer has a date").as_secs();
    assert!((3_580..=3_599).contains(&ahead), "{ahead}");
    assert_eq!(server.aws.take_clock_ahead(), record.clock_ahead);
    assert_eq!(server.aws.take_clock_ahead(), None, "an old telling says nothing of the clock now");
}

#[tokio::test]
async fn where_aws_names_a_time_to_wait_it_is_told_and_not_cut_short() {
    let server = Scripted::start(|_| Reply::Answer(503, "retry-after: 7\r\n", String::new())).await;
    let answer = targets(&server.aws, Query::AllTargets).await;
    assert_eq!(only_failure(&answer).error.retry_after, Some(Duration::from_secs(7)));
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn reads_in_flight_are_bounded() {
    let server = Scripted::start(|_| Reply::Hang).await;
    let aws = server.aws.clone();
    let asking = tokio::spawn(async move { aws.observe(&Query::Targets(many(1000))).await });
    while server.asked().len() < READS_IN_FLIGHT {
        yield_now().await;
    }
    assert_eq!((server.asked().len(), server.aws.reads.available_permits()), (READS_IN_FLIGHT, 0));
    asking.abort();
}
