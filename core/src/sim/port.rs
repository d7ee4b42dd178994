//! The simulation in the types of the port, batched as the wire demands: 50 targets a call, 10 services a call.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::wire::{Api, CallError, WireError};
use super::{Registration, Sim};
use crate::ecs::{
    Action, Answer, EcsError, ErrorKind, Failure, Observation, Operation, Query, ScalableTarget, ServiceCounts, Survey,
};
use crate::model::TargetId;

/// Targets a call of Application Auto Scaling; the size of a page, too.
const TARGETS_PER_CALL: usize = 50;
/// Services a call of `DescribeServices`.
const SERVICES_PER_CALL: usize = 10;

impl Sim {
    /// Answers a query with as many calls as AWS would need, each counted, each with its own luck. No call is repeated.
    pub fn observe(&mut self, query: &Query, now: Timestamp) -> Observation {
        match query {
            Query::Targets(ids) => Observation::Targets(self.observe_targets(ids, now)),
            Query::AllTargets => Observation::Targets(self.observe_all_targets(now)),
            Query::Services(ids) => Observation::Services(self.observe_services(ids, now)),
            Query::Survey(ids) => Observation::Survey(self.survey(ids, now)),
        }
    }

    /// Carries out one write.
    ///
    /// # Errors
    /// What AWS refuses, and the faults in force; after [`ErrorKind::OutcomeUnknown`] the write may have taken effect.
    pub fn apply(&mut self, action: &Action, now: Timestamp) -> Result<(), EcsError> {
        let registration = Registration {
            target: action.target.clone(),
            min: action.min,
            max: action.max,
            scaling_in: None,
            scaling_out: None,
            scheduled: None,
        };
        let work = |sim: &mut Sim| sim.register(registration);
        self.admit(Api::RegisterScalableTarget, Some(&action.target), now, work)
            .map_err(|error| ecs_error(Operation::RegisterScalableTarget, error))
    }

    fn observe_targets(&mut self, ids: &[TargetId], now: Timestamp) -> Answer<ScalableTarget> {
        let mut answer = Answer::default();
        for batch in ids.chunks(TARGETS_PER_CALL) {
            let work = |sim: &mut Sim| -> Result<Vec<_>, WireError> {
                Ok(batch.iter().map(|id| (id.clone(), sim.visible_target(id))).collect())
            };
            answer.enter(
                Operation::DescribeScalableTargets,
                batch,
                self.admit(Api::DescribeScalableTargets, None, now, work),
            );
        }
        answer
    }

    fn observe_all_targets(&mut self, now: Timestamp) -> Answer<ScalableTarget> {
        let mut answer = Answer::default();
        let mut last: Option<TargetId> = None;
        loop {
            let work = |sim: &mut Sim| -> Result<_, WireError> { Ok(sim.page_after(last.as_ref())) };
            match self.admit(Api::DescribeScalableTargets, None, now, work) {
                Ok(page) => {
                    let complete = page.len() <= TARGETS_PER_CALL; // the one beyond the page tells that there are more
                    let page = page.into_iter().take(TARGETS_PER_CALL);
                    answer.found.extend(page.map(|(id, target)| (id, Some(target))));
                    if complete {
                        return answer;
                    }
                    last = answer.found.keys().next_back().cloned();
                }
                Err(error) => {
                    let error = ecs_error(Operation::DescribeScalableTargets, error);
                    answer.failed.push(Failure { targets: None, error });
                    return answer;
                }
            }
        }
    }

    fn page_after(&self, last: Option<&TargetId>) -> Vec<(TargetId, ScalableTarget)> {
        let rest = self.services.keys().filter(|id| last.is_none_or(|last| *id > last));
        rest.filter_map(|id| Some((id.clone(), self.visible_target(id)?))).take(TARGETS_PER_CALL + 1).collect()
    }

    fn observe_services(&mut self, ids: &[TargetId], now: Timestamp) -> Answer<ServiceCounts> {
        let mut by_cluster: BTreeMap<&str, Vec<TargetId>> = BTreeMap::new();
        for id in ids {
            by_cluster.entry(&*id.cluster).or_default().push(id.clone());
        }
        let mut answer = Answer::default();
        for batch in by_cluster.values().flat_map(|ids| ids.chunks(SERVICES_PER_CALL)) {
            let work = |sim: &mut Sim| -> Result<Vec<_>, WireError> {
                Ok(batch.iter().map(|id| (id.clone(), sim.service(id))).collect())
            };
            answer.enter(Operation::DescribeServices, batch, self.admit(Api::DescribeServices, None, now, work));
        }
        answer
    }

    /// Lists the namespace's policies, then its scheduled actions, and picks out those asked for. AWS does not tell a
    /// target with neither from one that is not registered.
    fn survey(&mut self, ids: &[TargetId], now: Timestamp) -> Answer<Survey> {
        let mut answer = Answer::default();
        for (api, operation) in [
            (Api::DescribeScalingPolicies, Operation::DescribeScalingPolicies),
            (Api::DescribeScheduledActions, Operation::DescribeScheduledActions),
        ] {
            for _ in 0..self.survey_pages(api) {
                if let Err(error) = self.admit(api, None, now, |_| Ok(())) {
                    let error = ecs_error(operation, error);
                    answer.failed.push(Failure { targets: Some(ids.to_vec()), error });
                    return answer;
                }
            }
        }
        answer.found = ids.iter().map(|id| (id.clone(), Some(self.surveyed(id)))).collect();
        answer
    }

    fn survey_pages(&self, api: Api) -> usize {
        let scalings = self.services.values().filter_map(|service| service.scaling.as_ref());
        let items: usize = match api {
            Api::DescribeScalingPolicies => scalings.map(|scaling| scaling.policies.len()).sum(),
            _ => scalings.map(|scaling| scaling.scheduled_actions.len()).sum(),
        };
        items.div_ceil(TARGETS_PER_CALL).max(1)
    }

    fn surveyed(&self, id: &TargetId) -> Survey {
        let Some(scaling) = self.active(id).and_then(|service| service.scaling.as_ref()) else {
            return Survey::default();
        };
        let predictive = scaling.policies.iter().filter(|(_, policy)| policy.kind == "PredictiveScaling");
        Survey {
            policies: scaling.policies.keys().cloned().collect(),
            predictive: predictive.map(|(name, _)| name.clone()).collect(),
            scheduled_actions: scaling.scheduled_actions.keys().cloned().collect(),
        }
    }

    fn visible_target(&self, id: &TargetId) -> Option<ScalableTarget> {
        let settings = self.active(id)?.visible_settings(self.now)?;
        let scheduled_scaling_suspended = settings.suspended.scheduled;
        Some(ScalableTarget { min: settings.min, max: settings.max, scheduled_scaling_suspended })
    }
}

impl<T> Answer<T> {
    fn enter(
        &mut self,
        operation: Operation,
        batch: &[TargetId],
        result: Result<Vec<(TargetId, Option<T>)>, CallError>,
    ) {
        match result {
            Ok(found) => self.found.extend(found),
            Err(error) => {
                let error = ecs_error(operation, error);
                self.failed.push(Failure { targets: Some(batch.to_vec()), error });
            }
        }
    }
}

fn ecs_error(operation: Operation, error: CallError) -> EcsError {
    let (kind, code, message) = match error {
        CallError::Refused(refusal) => (kind_of(&refusal), refusal.code, refusal.message),
        CallError::AnswerLost => (ErrorKind::OutcomeUnknown, "Timeout".to_owned(), "no answer came".to_owned()),
        CallError::Unreachable => (ErrorKind::Unreachable, "DispatchFailure".to_owned(), "no connection".to_owned()),
    };
    EcsError { operation, kind, code, message, retry_after: None }
}

fn kind_of(refusal: &WireError) -> ErrorKind {
    match refusal.code.as_str() {
        "ThrottlingException" => ErrorKind::Throttled,
        "ConcurrentUpdateException" => ErrorKind::Conflict,
        "LimitExceededException" => ErrorKind::QuotaExceeded,
        "AccessDeniedException" => ErrorKind::Denied,
        "ExpiredTokenException" | "UnrecognizedClientException" => ErrorKind::Credentials,
        "ObjectNotFoundException" | "ClusterNotFoundException" | "ServiceNotFoundException" => ErrorKind::NotFound,
        "ValidationException" if refusal.message.contains("missing the following permissions") => ErrorKind::Denied,
        "ValidationException" if refusal.message.contains("ECS service doesn't exist") => ErrorKind::NotFound,
        _ if refusal.status >= 500 => ErrorKind::Unavailable,
        _ => ErrorKind::Invalid,
    }
}
