//! Whatever AWS answers, each target that was asked for is answered or failed, once, and what is shown of it is bounded.
//!
//! The code is the binary's, compiled in as it is, and so is the SDK's reading of answers; only the connection is not.

#![no_main]
#![expect(dead_code, unused_imports, reason = "the binary calls more of the adapter than the target does")]
#![expect(unexpected_cfgs, reason = "a lease is none of the target's features")]

#[path = "../../src"]
mod shell {
    pub(crate) mod aws;
    pub(crate) mod clock;
}

use std::cell::OnceCell;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_ecs::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use baseload_core::ecs::{Action, Answer, EcsError, Observation, Query};
use baseload_core::model::TargetId;
use libfuzzer_sys::fuzz_target;
use shell::aws::{Accounts, Aws, AwsConfig, Patience, Permit, Roles};
use shell::clock; // where the adapter looks for it
use tokio::runtime::{Builder, Runtime};

/// Between two answers.
const SEAM: &[u8] = b"\n\n";

thread_local! {
    static ADAPTER: OnceCell<Adapter> = const { OnceCell::new() };
}

fuzz_target!(|bytes: &[u8]| {
    let Some((question, answers)) = bytes.split_first() else { return };
    ADAPTER.with(|adapter| adapter.get_or_init(Adapter::new).ask(*question, answers));
});

/// The adapter over a connection that answers what it is told to, in a time that passes as soon as all wait for it.
struct Adapter {
    runtime: Runtime,
    aws: Aws,
    line: Line,
}

impl Adapter {
    fn new() -> Adapter {
        let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime");
        let line = Line::default();
        let connector = line.clone();
        let credentials = Credentials::new("fuzz", "fuzz", None, None, "fuzz");
        let sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .http_client(http_client_fn(move |_, _| SharedHttpConnector::new(connector.clone())))
            .region(Region::from_static("eu-west-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build();
        let config = AwsConfig {
            stand_in: None,
            patience: Patience::default(),
            clock: clock::Clock::System,
            on_call: Arc::new(|_| ()),
            permit: Permit::unlimited(),
        };
        let accounts = Accounts::over(sdk, config, Roles::new());
        let aws = runtime.block_on(accounts.home());
        Adapter { runtime, aws, line }
    }

    fn ask(&self, question: u8, answers: &[u8]) {
        self.line.tell(answers);
        self.runtime.block_on(async {
            match question % 8 {
                0 => self.observe(Query::Targets(targets(3))).await,
                1 => self.observe(Query::Targets(targets(60))).await,
                2 => self.observe(Query::AllTargets).await,
                3 => self.observe(Query::Services(targets(3))).await,
                4 => self.observe(Query::Survey(targets(2))).await,
                5 => self.observe(Query::Survey(targets(12))).await,
                6 => self.write().await,
                _ => {
                    let caller = self.aws.caller().await;
                    caller.err().iter().for_each(check_error);
                }
            }
        });
    }

    async fn observe(&self, query: Query) {
        let wanted = match &query {
            Query::Targets(wanted) | Query::Services(wanted) | Query::Survey(wanted) => Some(wanted.as_slice()),
            Query::AllTargets => None,
        };
        match self.aws.observe(&query).await {
            Observation::Targets(answer) => check(wanted, &answer),
            Observation::Services(answer) => check(wanted, &answer),
            Observation::Survey(answer) => check(wanted, &answer),
        }
    }

    async fn write(&self) {
        let action = Action { target: targets(1).remove(0), min: Some(3), max: None };
        let outcome = self.aws.apply(&action).await;
        assert_eq!(self.line.asked(), 1, "a write is attempted once");
        outcome.err().iter().for_each(check_error);
    }
}

/// `s0`, `s1` … in two clusters.
fn targets(count: usize) -> Vec<TargetId> {
    (0..count).map(|n| TargetId::new(["shop", "blog"][n % 2], format!("s{n}"))).collect()
}

/// Each target that was wanted is in the answer once; a listing of all is of whom it likes.
fn check<T>(wanted: Option<&[TargetId]>, answer: &Answer<T>) {
    let mut times: BTreeMap<&TargetId, usize> = answer.found.keys().map(|target| (target, 1)).collect();
    for failure in &answer.failed {
        check_error(&failure.error);
        assert_eq!(failure.targets.is_none(), wanted.is_none(), "a failure says whose it is");
        for target in failure.targets.iter().flatten() {
            *times.entry(target).or_default() += 1;
        }
    }
    if let Some(wanted) = wanted {
        let expected: BTreeMap<&TargetId, usize> = wanted.iter().map(|target| (target, 1)).collect();
        assert_eq!(times, expected);
    }
}

/// Fit to be shown: a line, not too long.
fn check_error(error: &EcsError) {
    for text in [&error.code, &error.message] {
        assert!(text.chars().count() <= 301 && !text.chars().any(char::is_control), "{text:?}");
    }
}

/// A connection to AWS, and what comes over it.
#[derive(Clone, Debug, Default)]
struct Line(Arc<Mutex<Script>>);

#[derive(Debug, Default)]
struct Script {
    answers: VecDeque<Vec<u8>>,
    asked: usize,
}

impl Line {
    fn tell(&self, mut answers: &[u8]) {
        let mut script = self.0.lock().expect("nobody panics while holding it");
        *script = Script::default();
        while let Some(seam) = answers.windows(SEAM.len()).position(|window| window == SEAM) {
            script.answers.push_back(answers[..seam].to_vec());
            answers = &answers[seam + SEAM.len()..];
        }
        script.answers.push_back(answers.to_vec());
    }

    fn asked(&self) -> usize {
        self.0.lock().expect("nobody panics while holding it").asked
    }
}

impl HttpConnector for Line {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        let mut script = self.0.lock().expect("nobody panics while holding it");
        script.asked += 1;
        let answer = script.answers.pop_front().map(|bytes| response(&bytes));
        HttpConnectorFuture::ready(answer.ok_or_else(|| ConnectorError::io("nobody is there".into())))
    }
}

/// Three digits of a status and headers of one letter, `d`ate and `r`etry-after, up to the end of the line; then the
/// body. What does not begin with a status is a body.
fn response(bytes: &[u8]) -> HttpResponse {
    let status = bytes.get(..3).and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<u16>().ok());
    let Some(status) = status.and_then(|status| status.try_into().ok()) else {
        return HttpResponse::new(200.try_into().expect("a status"), SdkBody::from(bytes.to_vec()));
    };
    let (head, body) = match bytes.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&bytes[3..end], &bytes[end + 1..]),
        None => (&bytes[3..], &[][..]),
    };
    let mut response = HttpResponse::new(status, SdkBody::from(body.to_vec()));
    for field in head.split(|byte| *byte == b';').filter_map(|field| std::str::from_utf8(field).ok()) {
        let (name, value) = match field.split_at_checked(1) {
            Some(("d", value)) => ("date", value),
            Some(("r", value)) => ("retry-after", value),
            Some(("e", value)) => ("x-amzn-errortype", value),
            _ => continue,
        };
        let _ = response.headers_mut().try_insert(name, value.to_owned());
    }
    response
}
