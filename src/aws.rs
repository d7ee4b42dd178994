//! The only door to AWS: it batches, pages, merges and classifies, over the types of the core's port.
//!
//! Nothing here decides, skips, clamps, orders or retries across targets. A read is repeated within its call budget; the
//! write is attempted exactly once.

mod accounts;
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

pub(crate) use accounts::{Access, Accounts, Roles};
use aws_config::SdkConfig;
use aws_sdk_ecs::config::http::HttpResponse;
use aws_sdk_ecs::error::{ProvideErrorMetadata, SdkError};
use baseload_core::ecs::{Action, EcsError, ErrorKind, Observation, Operation, Query, clock_ahead};
use baseload_core::model::Site;
pub(crate) use identity::Caller;
use jiff::SignedDuration;
pub(crate) use permit::Permit;
use tokio::sync::Semaphore;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep};
use watch::Watch;

use crate::clock::Clock;

/// How many reads are in flight at once.
const READS_IN_FLIGHT: usize = 8;

/// How often a read is attempted within one question.
const READ_ATTEMPTS: u32 = 3;

/// One call that was made, for counters, histograms and the clock's skew.
#[derive(Clone, Debug)]
pub(crate) struct CallRecord {
    /// Whom it was put to.
    pub(crate) site: Site,
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
#[derive(Clone)]
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
    /// Writes leave only while it holds.
    pub(crate) permit: Permit,
}

/// The clients for one account and region. Cloning is cheap: all clones share connections and limits.
#[derive(Clone)]
pub(crate) struct Aws {
    site: Site,
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
    fn over(sdk: &SdkConfig, site: Site, config: AwsConfig) -> Aws {
        Aws {
            site,
            scaling: aws_sdk_applicationautoscaling::Client::new(sdk),
            ecs: aws_sdk_ecs::Client::new(sdk),
            sts: aws_sdk_sts::Client::new(sdk),
            region: sdk.region().map(ToString::to_string),
            reads: Arc::new(Semaphore::new(READS_IN_FLIGHT)),
            patience: config.patience,
            asking_until: None,
            clock: config.clock,
            clock_ahead: Arc::default(),
            on_call: config.on_call,
            permit: config.permit,
        }
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
        // Boxed, or all that wait for it carry its 20 KiB about.
        let answer = Box::pin(send(watch.clone())).await;
        let answer = answer.map_err(|failed| classify::error(operation, watch.sent(), &failed));
        let outcome = answer.as_ref().map(|_| ()).map_err(|error| error.kind);
        let (received, took) = (self.clock.now(), begun.elapsed());
        let signed = SignedDuration::try_from(took).unwrap_or(SignedDuration::MAX);
        let clock_ahead = watch.date().and_then(|date| clock_ahead(sent, received, signed, date));
        if clock_ahead.is_some() {
            *self.clock_ahead.lock().unwrap_or_else(PoisonError::into_inner) = clock_ahead;
        }
        let site = self.site.clone();
        (self.on_call)(CallRecord { site, operation, outcome, duration: took, clock_ahead });
        // The connection goes back to its pool in a task of its own. Whoever calls next before that opens another.
        yield_now().await;
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
