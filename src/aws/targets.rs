//! Scalable targets: `DescribeScalableTargets` by ids or whole, and the one write.

use aws_sdk_applicationautoscaling::types::{ScalableDimension, ScalableTarget as Described, ServiceNamespace};
use baseload_core::ecs::{Action, Answer, EcsError, ErrorKind, Failure, Operation, ScalableTarget};
use baseload_core::model::TargetId;
use futures_util::future::join_all;

use super::pages::{self, Listing};
use super::{Aws, classify};

/// The most resource ids of one call.
const IDS_PER_CALL: usize = 50;

type Entry = (TargetId, ScalableTarget);

impl Aws {
    /// Asks for exactly these, 50 a call. A failed call leaves its own targets unknown, no others.
    pub(super) async fn targets(&self, wanted: &[TargetId]) -> Answer<ScalableTarget> {
        let answers = join_all(wanted.chunks(IDS_PER_CALL).map(|batch| self.batch(batch))).await;
        answers.into_iter().fold(Answer::default(), merge)
    }

    /// Lists the whole namespace, page after page.
    pub(super) async fn all_targets(&self) -> Answer<ScalableTarget> {
        let listing = self.list_targets(None).await;
        let found = listing.entries.into_iter().map(|(target, described)| (target, Some(described))).collect();
        let failed = listing.broken_off.map(|error| Failure { targets: None, error });
        Answer { found, failed: failed.into_iter().collect() }
    }

    /// One batch of ids. AWS refuses a call as a whole for one name that it does not accept: such a batch is halved
    /// until the name stands alone, so that it costs nobody else an answer.
    async fn batch(&self, batch: &[TargetId]) -> Answer<ScalableTarget> {
        let mut answer = Answer::default();
        let mut open = vec![batch];
        while let Some(part) = open.pop() {
            let listing = self.list_targets(Some(part)).await;
            let refused = listing.broken_off.as_ref().is_some_and(|error| error.kind == ErrorKind::Invalid);
            if refused && part.len() > 1 {
                let (left, right) = part.split_at(part.len() / 2);
                open.extend([right, left]);
            } else {
                answer = merge(answer, answer_to(part, listing));
            }
        }
        answer
    }

    async fn list_targets(&self, ids: Option<&[TargetId]>) -> Listing<Entry> {
        let operation = Operation::DescribeScalableTargets;
        let ids: Option<Vec<String>> = ids.map(|ids| ids.iter().map(TargetId::resource_id).collect());
        let page = |token: Option<String>| {
            let request = self
                .scaling
                .describe_scalable_targets()
                .service_namespace(ServiceNamespace::Ecs)
                .set_scalable_dimension(ids.is_some().then_some(ScalableDimension::EcsServiceDesiredCount))
                .set_resource_ids(ids.clone())
                .set_next_token(token);
            async move {
                let send = |watch| request.clone().customize().interceptor(watch).send();
                let answer = self.read(operation, send).await?;
                let here = |described| entry(described).map(|(target, seen)| (target.at(self.site.clone()), seen));
                let entries = answer.scalable_targets().iter().filter_map(here).collect();
                Ok((entries, answer.next_token))
            }
        };
        pages::follow(operation, page).await
    }

    /// Registers the target with what the action names and nothing else, in one attempt.
    pub(super) async fn register(&self, action: &Action) -> Result<(), EcsError> {
        let (min, max) = (capacity(action.min)?, capacity(action.max)?);
        let request = self
            .scaling
            .register_scalable_target()
            .service_namespace(ServiceNamespace::Ecs)
            .resource_id(action.target.resource_id())
            .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
            .set_min_capacity(min)
            .set_max_capacity(max);
        let send = |watch| request.customize().interceptor(watch).send();
        self.call(Operation::RegisterScalableTarget, send).await.map(|_| ())
    }
}

/// The wire's signed number; what does not fit is refused here as AWS would refuse it.
fn capacity(count: Option<u32>) -> Result<Option<i32>, EcsError> {
    let refuse = |_| EcsError {
        kind: ErrorKind::Invalid,
        ..classify::unusable(Operation::RegisterScalableTarget, "CapacityTooLarge", "a capacity is above 2147483647")
    };
    count.map(i32::try_from).transpose().map_err(refuse)
}

/// Reads one entry, as if it were at home. Resource ids that are no service's (another dimension, a foreign form) are none of ours.
fn entry(described: &Described) -> Option<Entry> {
    let ours = described.scalable_dimension() == &ScalableDimension::EcsServiceDesiredCount;
    let target = ours.then(|| TargetId::from_resource_id(described.resource_id()))??;
    let suspended = described.suspended_state().and_then(|state| state.scheduled_scaling_suspended());
    let seen = ScalableTarget {
        min: described.min_capacity().unsigned_abs(), // the watch lets no negative count through
        max: described.max_capacity().unsigned_abs(),
        scheduled_scaling_suspended: suspended.unwrap_or(false),
    };
    Some((target, seen))
}

/// What a listing says of the batch it was asked for: who is absent is not there, unless the listing broke off.
fn answer_to(batch: &[TargetId], listing: Listing<Entry>) -> Answer<ScalableTarget> {
    let mut answer = Answer::default();
    for (target, seen) in listing.entries {
        if batch.contains(&target) {
            answer.found.insert(target, Some(seen));
        }
    }
    let absent: Vec<TargetId> = batch.iter().filter(|target| !answer.found.contains_key(target)).cloned().collect();
    match listing.broken_off {
        None => answer.found.extend(absent.into_iter().map(|target| (target, None))),
        Some(_) if absent.is_empty() => {}
        Some(error) => answer.failed.push(Failure { targets: Some(absent), error }),
    }
    answer
}

/// Both answers in one.
pub(super) fn merge<T>(mut all: Answer<T>, more: Answer<T>) -> Answer<T> {
    all.found.extend(more.found);
    all.failed.extend(more.failed);
    all
}
