//! The only door to AWS: it batches, pages, merges and classifies, over the types of the core's port.
//!
//! Nothing here decides, skips, clamps, orders or retries across targets. A read is repeated within its call budget; the
//! write is attempted exactly once.

mod classify;
mod identity;
mod pages;
mod permit;
mod scheduled_actions;
mod services;
mod survey;
mod targets;
mod watch;

#[cfg(test)]
mod moto_tests;
#[cfg(test)]
mod scripted;
#[cfg(test)]
mod wire_tests;

use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_config::identity::IdentityCache;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_sdk_ecs::config::http::HttpResponse;
use aws_sdk_ecs::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_ecs::error::{ProvideErrorMetadata, SdkError};
use baseload_core::ecs::{Action, EcsError, ErrorKind, Observation, Operation, Query, clock_ahead};
pub(crate) use identity::Caller;
use jiff::SignedDuration;
pub(crate) use permit::Permit;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};
use watch::Watch;

use crate::clock::Clock;

/// How many reads are in flight at once.
const READS_IN_FLIGHT: usize = 8;

/// How often a read is attempted within one question.
const READ_ATTEMPTS: u32 = 3;

/// One call that was made, for counters, histograms and the clock's skew.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallRecord {
    /// Which operation.
    pub(crate) operation: Operation,
    /// How it ended.
    pub(crate) outcome: Result<(), ErrorKind>,
    /// From the request to its answer, credentials included.
    pub(crate) duration: Duration,
    /// How far our clock is ahead of AWS's, as far as the answer's `Date` header proves it.
    pub(crate) clock_ahead: Option<SignedDuration>,
}

/// Called after every attempt, from whichever task made it: it must not block.
pub(crate) type OnCall = Arc<dyn Fn(CallRecord) + Send + Sync>;

/// How long AWS may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// To establish a connection.
    pub(crate) connect: Duration,
    /// For one attempt, connection and credentials included.
    pub(crate) attempt: Duration,
    /// To find credentials; below `attempt`, so that a hanging provider is told from a hanging service.
    pub(crate) credentials: Duration,
    /// The longest pause before the first repetition of a read; the next may be twice as long.
    pub(crate) pause: Duration,
    /// For one whole question, however many calls it takes: after that no further call is begun for it.
    pub(crate) question: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Patience {
            connect: Duration::from_secs(3),
            attempt: Duration::from_secs(5),
            credentials: Duration::from_secs(4),
            pause: Duration::from_millis(200),
            question: Duration::from_secs(60),
        }
    }
}

/// Where AWS is and who is told about calls.
pub(crate) struct AwsConfig {
    /// A server on loopback that stands in for AWS, as `http://HOST:PORT`: neither credentials nor region nor proxy are
    /// looked up then. `None` is AWS itself, through the SDK's default chain.
    pub(crate) stand_in: Option<String>,
    /// How long AWS may take.
    pub(crate) patience: Patience,
    /// What AWS's clock is compared with.
    pub(crate) clock: Clock,
    /// Who is told about every call.
    pub(crate) on_call: OnCall,
}

/// The clients for one account and region. Cloning is cheap: all clones share connections and limits.
#[derive(Clone)]
pub(crate) struct Aws {
    scaling: aws_sdk_applicationautoscaling::Client,
    ecs: aws_sdk_ecs::Client,
    sts: aws_sdk_sts::Client,
    region: Option<String>,
    reads: Arc<Semaphore>,
    patience: Patience,
    asking_until: Option<Instant>,
    clock: Clock,
    clock_ahead: Arc<Mutex<Option<SignedDuration>>>,
    on_call: OnCall,
    permit: Permit,
}

impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aws").finish_non_exhaustive()
    }
}

impl Aws {
    /// Prepares the clients; nothing is sent yet but what finding the region takes. Without credentials or a region it
    /// is the calls that fail, so that both may turn up later.
    pub(crate) async fn connect(config: AwsConfig) -> Aws {
        let sdk = match &config.stand_in {
            Some(endpoint) => stand_in(endpoint),
            None => aws_config::defaults(BehaviorVersion::v2026_01_12()).app_name(app_name()).load().await,
        };
        Aws::over(sdk, config)
    }

    /// The same over a configuration of the SDK that is there already.
    pub(crate) fn over(sdk: SdkConfig, config: AwsConfig) -> Aws {
        let patience = config.patience;
        let sdk = sdk
            .into_builder()
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts(patience))
            .identity_cache(IdentityCache::lazy().load_timeout(patience.credentials).build())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled()) // an attempt is bounded as a whole
            .build();
        Aws {
            scaling: aws_sdk_applicationautoscaling::Client::new(&sdk),
            ecs: aws_sdk_ecs::Client::new(&sdk),
            sts: aws_sdk_sts::Client::new(&sdk),
            region: sdk.region().map(ToString::to_string),
            reads: Arc::new(Semaphore::new(READS_IN_FLIGHT)),
            patience,
            asking_until: None,
            clock: config.clock,
            clock_ahead: Arc::default(),
            on_call: config.on_call,
            permit: Permit::unlimited(),
        }
    }

    /// The same, whose writes leave only while the permit holds.
    #[cfg(feature = "lease")]
    pub(crate) fn permitted_by(self, permit: Permit) -> Aws {
        Aws { permit, ..self }
    }

    /// Asks. Whatever fails is said in the answer, target by target.
    pub(crate) async fn observe(&self, query: &Query) -> Observation {
        let asking = Aws { asking_until: Some(Instant::now() + self.patience.question), ..self.clone() };
        match query {
            Query::Targets(wanted) => Observation::Targets(asking.targets(wanted).await),
            Query::AllTargets => Observation::Targets(asking.all_targets().await),
            Query::Services(wanted) => Observation::Services(asking.services(wanted).await),
            Query::Survey(wanted) => Observation::Survey(asking.survey(wanted).await),
        }
    }

    /// Writes, in exactly one attempt.
    ///
    /// # Errors
    /// With [`ErrorKind::OutcomeUnknown`] the write may have taken effect all the same; with any other kind it has not.
    pub(crate) async fn apply(&self, action: &Action) -> Result<(), EcsError> {
        self.register(action).await
    }

    /// How far our clock is ahead of AWS's, as the last answer told it. Each telling is handed out once: the clock may
    /// have leapt since.
    pub(crate) fn take_clock_ahead(&self) -> Option<SignedDuration> {
        self.clock_ahead.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// One read, repeated where that is worth it: not when AWS names a time to wait, which is the caller's to keep.
    async fn read<T, E, F>(&self, operation: Operation, send: impl Fn(Watch) -> F) -> Result<T, EcsError>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + Error + 'static,
    {
        let mut attempt = 1;
        loop {
            let slot = self.reads.acquire().await.expect("the semaphore is never closed");
            if self.asking_until.is_some_and(|until| Instant::now() >= until) {
                return Err(classify::unusable(operation, "OutOfTime", "the question took too long as a whole"));
            }
            let answer = self.call(operation, &send).await;
            drop(slot);
            match answer {
                Err(error) if attempt < READ_ATTEMPTS && worth_repeating(&error) => {}
                answer => return answer,
            }
            sleep(jittered(self.patience.pause * attempt)).await;
            attempt += 1;
        }
    }

    /// One attempt, recorded.
    async fn call<T, E, F>(&self, operation: Operation, send: impl FnOnce(Watch) -> F) -> Result<T, EcsError>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + Error + 'static,
    {
        let watch = Watch::new(operation, self.permit.clone());
        let (begun, sent) = (Instant::now(), self.clock.now());
        let answer = send(watch.clone()).await;
        let answer = answer.map_err(|failed| classify::error(operation, watch.sent(), &failed));
        let outcome = answer.as_ref().map(|_| ()).map_err(|error| error.kind);
        let clock_ahead = watch.date().and_then(|date| clock_ahead(sent, self.clock.now(), date));
        if clock_ahead.is_some() {
            *self.clock_ahead.lock().unwrap_or_else(PoisonError::into_inner) = clock_ahead;
        }
        (self.on_call)(CallRecord { operation, outcome, duration: begun.elapsed(), clock_ahead });
        answer
    }
}

fn worth_repeating(error: &EcsError) -> bool {
    error.kind.read_may_be_repeated() && error.retry_after.is_none()
}

/// Half of the pause to all of it, so that those who failed together do not come back together.
fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(0.5 + fastrand::f64() / 2.0)
}

fn timeouts(patience: Patience) -> TimeoutConfig {
    TimeoutConfig::builder().connect_timeout(patience.connect).operation_attempt_timeout(patience.attempt).build()
}

/// Stands in the user agent, and so in CloudTrail.
fn app_name() -> AppName {
    AppName::new("baseload").expect("the name holds only letters")
}

fn stand_in(endpoint: &str) -> SdkConfig {
    let credentials = Credentials::new("stand-in", "stand-in", None, None, "stand-in");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .region(Region::from_static("eu-west-1"))
        .endpoint_url(endpoint)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}
