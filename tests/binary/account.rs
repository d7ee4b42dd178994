//! An AWS of one test's own: a region in the moto that all tests share, behind a [`Tap`].

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::http;
use crate::support::Moto;
use crate::tap::Tap;

/// The moto that all tests share, in regions of their own.
pub(crate) static MOTO: LazyLock<Moto> = LazyLock::new(Moto::start);

/// One region of AWS.
pub(crate) struct Account {
    /// Stands between the binary and AWS; what a test does itself goes past it.
    pub(crate) tap: Tap,
    region: String,
    endpoint: String,
    /// `None`: the account of whoever has moto's own credentials.
    number: Option<&'static str>,
}

impl Account {
    /// A region without services.
    pub(crate) fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let region = format!("test-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let tap = Tap::start(moto());
        let endpoint = format!("http://{}", tap.address);
        Account { tap, region, endpoint, number: None }.prepared()
    }

    /// Another account, by its twelve digits, in a region of AWS's. Whoever assumes any role there may do anything there.
    pub(crate) fn numbered(number: &'static str, region: &str) -> Self {
        let tap = Tap::start(moto());
        let endpoint = format!("http://{}", tap.address);
        Account { tap, region: region.to_owned(), endpoint, number: Some(number) }.prepared()
    }

    fn prepared(self) -> Self {
        let container = json!({ "name": "c", "image": "i", "memory": 64 });
        self.ecs("RegisterTaskDefinition", &json!({ "family": "task", "containerDefinitions": [container] }));
        self
    }

    /// A region in which these services are registered between 1 and 10. Each wants 10 tasks: moto never moves that number,
    /// and a service below its floor would be another story.
    pub(crate) fn with(targets: &[&str]) -> Self {
        Account::new().having(targets)
    }

    /// The same with these services, too.
    pub(crate) fn having(self, targets: &[&str]) -> Self {
        for target in targets {
            self.create_service(target, 10);
            self.register(target, 1, 10);
        }
        self
    }

    /// The same region behind a tap of its own.
    pub(crate) fn beside(&self) -> Self {
        let tap = Tap::start(moto());
        let endpoint = format!("http://{}", tap.address);
        Account { tap, region: self.region.clone(), endpoint, number: self.number }
    }

    /// What sends any AWS client here.
    pub(crate) fn environment(&self) -> [(&str, &str); 4] {
        [
            ("AWS_ENDPOINT_URL", &self.endpoint),
            ("AWS_REGION", &self.region),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
        ]
    }

    /// Creates a service that wants `desired` tasks, and its cluster.
    pub(crate) fn create_service(&self, target: &str, desired: u32) {
        let (cluster, service) = target.split_once('/').expect("a target is cluster/service");
        self.ecs("CreateCluster", &json!({ "clusterName": cluster }));
        let wanted =
            json!({ "cluster": cluster, "serviceName": service, "taskDefinition": "task", "desiredCount": desired });
        self.ecs("CreateService", &wanted);
    }

    /// Registers a service as anyone but Baseload would: with both bounds.
    pub(crate) fn register(&self, target: &str, min: u32, max: u32) {
        let mut wanted = scalable_target(target);
        wanted["MinCapacity"] = min.into();
        wanted["MaxCapacity"] = max.into();
        self.scaling("RegisterScalableTarget", &wanted);
    }

    pub(crate) fn deregister(&self, target: &str) {
        self.scaling("DeregisterScalableTarget", &scalable_target(target));
    }

    /// The live minimum and maximum; `None` where the target is not registered.
    pub(crate) fn bounds(&self, target: &str) -> Option<(u64, u64)> {
        let asked = json!({ "ServiceNamespace": "ecs", "ResourceIds": [format!("service/{target}")] });
        let answer = self.scaling("DescribeScalableTargets", &asked);
        let live = answer["ScalableTargets"].get(0)?;
        Some((live["MinCapacity"].as_u64()?, live["MaxCapacity"].as_u64()?))
    }

    pub(crate) fn ecs(&self, operation: &str, body: &Value) -> Value {
        self.call("ecs", "AmazonEC2ContainerServiceV20141113", operation, body)
    }

    pub(crate) fn scaling(&self, operation: &str, body: &Value) -> Value {
        self.call("application-autoscaling", "AnyScaleFrontendService", operation, body)
    }

    pub(crate) fn dynamodb(&self, operation: &str, body: &Value) -> Value {
        self.call("dynamodb", "DynamoDB_20120810", operation, body)
    }

    fn call(&self, service: &str, api: &str, operation: &str, body: &Value) -> Value {
        let scope = format!("test/20260101/{}/{service}/aws4_request", self.region);
        let account = self.number.map(|number| format!("x-moto-account-id: {number}\r\n")).unwrap_or_default();
        let headers = format!(
            "{account}X-Amz-Target: {api}.{operation}\r\nContent-Type: application/x-amz-json-1.1\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0\r\n"
        );
        let answer = http::ask(moto(), "POST", "/", &headers, &body.to_string()).expect("moto answers");
        assert_eq!(answer.code, 200, "{operation}: {answer:?}");
        serde_json::from_str(&answer.body).expect("moto answers in JSON")
    }
}

fn moto() -> &'static str {
    MOTO.endpoint.strip_prefix("http://").expect("moto is served over plain HTTP")
}

fn scalable_target(target: &str) -> Value {
    json!({
        "ServiceNamespace": "ecs",
        "ResourceId": format!("service/{target}"),
        "ScalableDimension": "ecs:service:DesiredCount",
    })
}
