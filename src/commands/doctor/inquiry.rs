//! Everything that AWS is asked, and all it answered. Judges nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use baseload_core::ecs::{
    Action, Answer, EcsError, Observation, Operation, Query, ScalableTarget, ServiceCounts, Survey,
};
use baseload_core::model::{Site, TargetId, TargetPattern};
use baseload_core::timetable::Schedules;
use futures_util::future::join_all;

use crate::aws::{Access, Accounts, Aws, AwsConfig, CallRecord, Caller, Patience, Permit, Roles};
use crate::clock::Clock;

/// A service that nobody has: AWS must refuse to register it, and what it says shows how far the caller may go.
pub(super) const NOBODYS_SERVICE: &str = "baseload-doctor-asks-only";

/// The most clusters in which a write is tried.
const CLUSTERS_TRIED: usize = 10;

/// What the controller is meant to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To report what it would write.
    Look,
    /// To write.
    Write,
}

/// Answers to all that a controller would ask of one account in one region.
pub(super) struct Inquiry {
    /// Which.
    pub(super) site: Site,
    /// How it is reached.
    pub(super) access: Access,
    /// The region asked.
    pub(super) region: Option<String>,
    /// Whom AWS takes us for.
    pub(super) caller: Result<Caller, EcsError>,
    /// Scalable targets, declared ones only.
    pub(super) targets: Answer<ScalableTarget>,
    /// Services, likewise.
    pub(super) services: Answer<ServiceCounts>,
    /// What else is attached to them.
    pub(super) survey: Answer<Survey>,
    /// How the write in each cluster was refused; nothing where none was to be tried.
    pub(super) writes: Option<BTreeMap<Arc<str>, Result<(), EcsError>>>,
    /// Every call.
    pub(super) calls: Vec<CallRecord>,
    /// Whether it was asked for more than who we are.
    pub(super) is_asked: bool,
}

impl Inquiry {
    /// Asks everything once, wherever the schedules name targets. The controller's own account and region come first;
    /// where no schedule is for it, it is asked only who we are, for that is who assumes the roles of the others.
    pub(super) async fn hold_everywhere(schedules: &Schedules, purpose: Purpose, roles: Roles) -> Vec<Inquiry> {
        let calls = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&calls);
        let on_call = Arc::new(move |call: CallRecord| {
            record.lock().unwrap_or_else(PoisonError::into_inner).push(call);
        });
        let (patience, clock, permit) = (Patience::default(), Clock::System, Permit::unlimited());
        let config = AwsConfig { stand_in: None, patience, clock, on_call, permit };
        let accounts = Accounts::connect(config, roles).await;
        let mut named: BTreeSet<Site> = schedules.rows().into_iter().map(|row| row.site).collect();
        let is_home_named = named.is_empty() || named.contains(&Site::HOME);
        named.insert(Site::HOME);
        let inquiries = named.into_iter().map(async |site| match site.is_home() && !is_home_named {
            true => Inquiry::into_caller(&accounts).await,
            false => Inquiry::hold(&accounts, site, schedules, purpose).await,
        });
        let mut inquiries = join_all(inquiries).await;
        for call in std::mem::take(&mut *calls.lock().unwrap_or_else(PoisonError::into_inner)) {
            let asked = inquiries.iter_mut().find(|inquiry| inquiry.site == call.site);
            asked.expect("only these sites were asked").calls.push(call);
        }
        inquiries
    }

    async fn into_caller(accounts: &Accounts) -> Inquiry {
        let aws = accounts.home().await;
        Inquiry {
            site: Site::HOME,
            access: Access::Own,
            region: aws.region().map(str::to_owned),
            caller: aws.caller().await,
            targets: Answer::default(),
            services: Answer::default(),
            survey: Answer::default(),
            writes: None,
            calls: Vec::new(),
            is_asked: false,
        }
    }

    async fn hold(accounts: &Accounts, site: Site, schedules: &Schedules, purpose: Purpose) -> Inquiry {
        let aws = accounts.at(&site).await;
        let caller = aws.caller().await;
        let targets = ask_targets(&aws, &site, schedules).await;
        let known = known(&site, schedules, &targets);
        let services = match aws.observe(&Query::Services(known.clone())).await {
            Observation::Services(answer) => answer,
            other => unreachable!("a question for services is answered with services, not {other:?}"),
        };
        let survey = match aws.observe(&Query::Survey(known.clone())).await {
            Observation::Survey(answer) => answer,
            other => unreachable!("a survey is answered with a survey, not {other:?}"),
        };
        let writes = match purpose {
            Purpose::Look => None,
            Purpose::Write => Some(try_writes(&aws, &known).await),
        };
        let region = aws.region().map(str::to_owned);
        let (access, calls) = (accounts.access(&site), Vec::new());
        Inquiry { site, access, region, caller, targets, services, survey, writes, calls, is_asked: true }
    }

    /// Whether any answer about targets came at all.
    pub(super) fn has_answers(&self) -> bool {
        self.targets.failed.is_empty()
    }

    /// Every failure, of reads and of the writes that had to fail.
    pub(super) fn errors(&self) -> impl Iterator<Item = &EcsError> {
        let reads = self.targets.failed.iter().chain(&self.services.failed).chain(&self.survey.failed);
        let writes = self.writes.iter().flat_map(BTreeMap::values).filter_map(|write| write.as_ref().err());
        reads.map(|failure| &failure.error).chain(writes).chain(self.caller.as_ref().err())
    }

    /// Every outcome of an operation.
    pub(super) fn outcomes(&self, operation: Operation) -> impl Iterator<Item = &CallRecord> {
        self.calls.iter().filter(move |call| call.operation == operation)
    }
}

/// All declared targets; where there is a glob, or no schedule at all, in a listing of the namespace.
async fn ask_targets(aws: &Aws, site: &Site, schedules: &Schedules) -> Answer<ScalableTarget> {
    let rows: Vec<TargetPattern> = schedules.rows().into_iter().filter(|row| row.site == *site).collect();
    let exact: Vec<TargetId> = rows.iter().filter_map(TargetPattern::exact).collect();
    let by_listing = exact.len() < rows.len() || rows.is_empty();
    let query = if by_listing { Query::AllTargets } else { Query::Targets(exact.clone()) };
    let mut answer = match aws.observe(&query).await {
        Observation::Targets(answer) => answer,
        other => unreachable!("a question for targets is answered with targets, not {other:?}"),
    };
    answer.found.retain(|target, _| rows.iter().any(|row| row.matches(target)));
    if answer.failed.is_empty() {
        for target in exact {
            answer.found.entry(target).or_insert(None);
        }
    }
    answer
}

/// The targets that are worth further questions: those named, and those found.
fn known(site: &Site, schedules: &Schedules, targets: &Answer<ScalableTarget>) -> Vec<TargetId> {
    let exact = schedules.exact_targets().into_iter().filter(|target| target.site == *site);
    let mut known: BTreeSet<TargetId> = exact.collect();
    known.extend(targets.found.keys().cloned());
    known.into_iter().collect()
}

/// Registers nobody's service, without a single value, in each cluster.
async fn try_writes(aws: &Aws, known: &[TargetId]) -> BTreeMap<Arc<str>, Result<(), EcsError>> {
    let clusters: BTreeSet<&Arc<str>> = known.iter().map(|target| &target.cluster).collect();
    let tries = clusters.into_iter().take(CLUSTERS_TRIED).map(async |cluster| {
        let target = TargetId::new(Arc::clone(cluster), NOBODYS_SERVICE);
        (Arc::clone(cluster), aws.apply(&Action { target, min: None, max: None }).await)
    });
    join_all(tries).await.into_iter().collect()
}
