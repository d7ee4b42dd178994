//! Who else decides: `DescribeScalingPolicies` and `DescribeScheduledActions`.

use std::collections::BTreeMap;

use aws_sdk_applicationautoscaling::types::{PolicyType, ScalableDimension, ServiceNamespace};
use baseload_core::ecs::{Answer, EcsError, Failure, Operation, Survey};
use baseload_core::model::TargetId;
use futures_util::future::{join, join_all};

use super::Aws;
use super::pages::{self, Listing};
use super::targets::merge;

/// Up to how many targets are asked one by one. For more, listing the namespace takes fewer calls unless the account
/// holds many services that are not ours.
const ONE_BY_ONE_UP_TO: usize = 10;

/// Something that was found on a target.
struct Finding {
    target: TargetId,
    what: What,
}

enum What {
    Policy { name: String, predictive: bool },
    ScheduledAction { name: String },
}

impl Aws {
    /// Looks for policies and scheduled actions of these. A target is answered only if both of its listings ended well.
    pub(super) async fn survey(&self, wanted: &[TargetId]) -> Answer<Survey> {
        match wanted {
            [] => Answer::default(),
            few if few.len() <= ONE_BY_ONE_UP_TO => {
                let one_by_one = few.iter().map(std::slice::from_ref);
                let answers = join_all(one_by_one.map(|one| self.survey_in(one, one.first()))).await;
                answers.into_iter().fold(Answer::default(), merge)
            }
            many => self.survey_in(many, None).await,
        }
    }

    /// Surveys `wanted` in the listings of one target, or of the whole namespace.
    async fn survey_in(&self, wanted: &[TargetId], listed: Option<&TargetId>) -> Answer<Survey> {
        let id = listed.map(TargetId::resource_id);
        let (policies, actions) = join(self.policies(id.clone()), self.scheduled_actions(id)).await;
        match policies.broken_off.or(actions.broken_off) {
            Some(error) => failed(wanted, error),
            None => surveyed(wanted, policies.entries.into_iter().chain(actions.entries)),
        }
    }

    async fn policies(&self, resource_id: Option<String>) -> Listing<Finding> {
        let operation = Operation::DescribeScalingPolicies;
        let page = |token: Option<String>| {
            let request = self
                .scaling
                .describe_scaling_policies()
                .service_namespace(ServiceNamespace::Ecs)
                .set_resource_id(resource_id.clone())
                .set_next_token(token);
            async move {
                let send = |watch| request.clone().customize().interceptor(watch).send();
                let answer = self.read(operation, send).await?;
                let entries = answer.scaling_policies().iter().filter_map(|policy| {
                    let predictive = policy.policy_type() == &PolicyType::PredictiveScaling;
                    let what = What::Policy { name: policy.policy_name().to_owned(), predictive };
                    self.finding(policy.resource_id(), Some(policy.scalable_dimension()), what)
                });
                Ok((entries.collect(), answer.next_token.clone()))
            }
        };
        pages::follow(operation, page).await
    }

    async fn scheduled_actions(&self, resource_id: Option<String>) -> Listing<Finding> {
        let operation = Operation::DescribeScheduledActions;
        let page = |token: Option<String>| {
            let request = self
                .scaling
                .describe_scheduled_actions()
                .service_namespace(ServiceNamespace::Ecs)
                .set_resource_id(resource_id.clone())
                .set_next_token(token);
            async move {
                let send = |watch| request.clone().customize().interceptor(watch).send();
                let answer = self.read(operation, send).await?;
                let entries = answer.scheduled_actions().iter().filter_map(|action| {
                    let what = What::ScheduledAction { name: action.scheduled_action_name().to_owned() };
                    self.finding(action.resource_id(), action.scalable_dimension(), what)
                });
                Ok((entries.collect(), answer.next_token.clone()))
            }
        };
        pages::follow(operation, page).await
    }

    fn finding(&self, resource_id: &str, dimension: Option<&ScalableDimension>, what: What) -> Option<Finding> {
        let ours = dimension.is_none_or(|dimension| dimension == &ScalableDimension::EcsServiceDesiredCount);
        let target = ours.then(|| TargetId::from_resource_id(resource_id))??;
        Some(Finding { target: target.at(self.site.clone()), what })
    }
}

/// Sorts the findings to their targets. What belongs to others is dropped: a server may match ids loosely.
fn surveyed(wanted: &[TargetId], findings: impl Iterator<Item = Finding>) -> Answer<Survey> {
    let mut surveys: BTreeMap<TargetId, Survey> =
        wanted.iter().map(|target| (target.clone(), Survey::default())).collect();
    for Finding { target, what } in findings {
        let Some(survey) = surveys.get_mut(&target) else { continue };
        match what {
            What::Policy { name, predictive } => {
                survey.predictive.extend(predictive.then(|| name.clone()));
                survey.policies.push(name);
            }
            What::ScheduledAction { name } => survey.scheduled_actions.push(name),
        }
    }
    surveys.values_mut().for_each(|survey| survey.policies.shrink_to_fit()); // most have one policy, and room for four
    let found = surveys.into_iter().map(|(target, survey)| (target, Some(survey))).collect();
    Answer { found, failed: Vec::new() }
}

fn failed(wanted: &[TargetId], error: EcsError) -> Answer<Survey> {
    let failure = Failure { targets: Some(wanted.to_vec()), error };
    Answer { found: BTreeMap::new(), failed: vec![failure] }
}
