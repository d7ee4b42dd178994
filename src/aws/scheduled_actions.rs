//! AWS's own scheduled actions in full, for `import`: `DescribeScheduledActions`, and what stands on their targets now.

use aws_sdk_applicationautoscaling::primitives::DateTime;
use aws_sdk_applicationautoscaling::types::{ScalableDimension, ScheduledAction, ServiceNamespace};
use baseload_core::ecs::{EcsError, Operation};
use baseload_core::native::{Declarations, Declared, State};
use futures_util::future::join;
use jiff::Timestamp;
use tokio::time::Instant;

use super::{Aws, pages};

impl Aws {
    /// Every scheduled action of an ECS service in the account and region.
    ///
    /// # Errors
    /// Why one of the two listings broke off: half of the actions would make a wrong timetable.
    pub(crate) async fn native_schedules(&self) -> Result<Declarations, EcsError> {
        let asking = Aws { asking_until: Some(Instant::now() + self.patience.question), ..self.clone() };
        let (actions, targets) = join(asking.all_scheduled_actions(), asking.all_targets()).await;
        let actions = actions?;
        if let Some(failure) = targets.failed.into_iter().next() {
            return Err(failure.error);
        }
        let states = targets.found.into_iter().filter_map(|(target, seen)| {
            let seen = seen?;
            Some((target, State { min: Some(seen.min), max: Some(seen.max) }))
        });
        Ok(Declarations { actions, current: states.collect(), refused: Vec::new() })
    }

    async fn all_scheduled_actions(&self) -> Result<Vec<Declared>, EcsError> {
        let operation = Operation::DescribeScheduledActions;
        let page = |token: Option<String>| {
            let request = self.scaling.describe_scheduled_actions();
            let request = request.service_namespace(ServiceNamespace::Ecs).set_next_token(token);
            async move {
                let send = |watch| request.clone().customize().interceptor(watch).send();
                let answer = self.read(operation, send).await?;
                let ours = answer.scheduled_actions().iter().filter(|action| is_ours(action));
                Ok((ours.map(declared).collect(), answer.next_token.clone()))
            }
        };
        let listing = pages::follow(operation, page).await;
        listing.broken_off.map_or(Ok(listing.entries), Err)
    }
}

fn is_ours(action: &ScheduledAction) -> bool {
    action.scalable_dimension().is_none_or(|dimension| dimension == &ScalableDimension::EcsServiceDesiredCount)
}

fn declared(action: &ScheduledAction) -> Declared {
    let set = action.scalable_target_action();
    Declared {
        name: action.scheduled_action_name().to_owned(),
        resource_id: action.resource_id().to_owned(),
        schedule: action.schedule().to_owned(),
        timezone: action.timezone().map(str::to_owned),
        start: action.start_time().and_then(instant),
        end: action.end_time().and_then(instant),
        min: set.and_then(|set| set.min_capacity()).map(i64::from),
        max: set.and_then(|set| set.max_capacity()).map(i64::from),
    }
}

fn instant(at: &DateTime) -> Option<Timestamp> {
    Timestamp::from_second(at.secs()).ok()
}
