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
/// Up to how many targets are surveyed one by one.
const SURVEYED_ONE_BY_ONE: usize = 10;

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

    /// Asks for the policies and scheduled actions of a few targets one by one, and lists the namespace for many. AWS
    /// does not tell a target with neither from one that is not registered.
    fn survey(&mut self, ids: &[TargetId], now: Timestamp) -> Answer<Survey> {
        let few = ids.len() <= SURVEYED_ONE_BY_ONE;
        let batch = if few { 1 } else { ids.len() };
        let mut answer = Answer::default();
        for batch in ids.chunks(batch) {
            for (api, operation) in [
                (Api::DescribeScalingPolicies, Operation::DescribeScalingPolicies),
                (Api::DescribeScheduledActions, Operation::DescribeScheduledActions),
            ] {
                let pages = if few { 1 } else { self.survey_pages(api) };
                let result = (0..pages).try_for_each(|_| self.admit(api, None, now, |_| Ok(())));
                let surveys = || batch.iter().map(|id| (id.clone(), Some(self.surveyed(id)))).collect();
                answer.enter(operation, batch, result.map(|()| surveys()));
            }
        }
        for id in answer.failed.iter().filter_map(|failure| failure.targets.as_ref()).flatten() {
            answer.found.remove(id);
        }
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
        CallError::Refused(refusal) => (kind_of(operation, &refusal), refusal.code, refusal.message),
        CallError::AnswerLost => (ErrorKind::OutcomeUnknown, "Timeout".to_owned(), "no answer came".to_owned()),
        CallError::Unreachable => (ErrorKind::Unreachable, "DispatchFailure".to_owned(), "no connection".to_owned()),
    };
    EcsError { operation, kind, code, message, retry_after: None }
}

/// What a refusal means, as far as the simulation gives it or tests inject it. A write that failed on AWS's own side may
/// have taken effect, for all that its caller knows.
fn kind_of(operation: Operation, refusal: &WireError) -> ErrorKind {
    match refusal.code.as_str() {
        "ThrottlingException" => ErrorKind::Throttled,
        "ConcurrentUpdateException" => ErrorKind::Conflict,
        "LimitExceededException" => ErrorKind::QuotaExceeded,
        "AccessDeniedException" => ErrorKind::Denied,
        "ExpiredTokenException" | "UnrecognizedClientException" => ErrorKind::Credentials,
        "ObjectNotFoundException" | "ClusterNotFoundException" | "ServiceNotFoundException" => ErrorKind::NotFound,
        "ValidationException" => kind_of_validation(&refusal.message),
        _ if refusal.status < 500 => ErrorKind::Invalid,
        _ if operation == Operation::RegisterScalableTarget => ErrorKind::OutcomeUnknown,
        _ => ErrorKind::Unavailable,
    }
}

fn kind_of_validation(message: &str) -> ErrorKind {
    if message.contains("missing the following permissions") {
        return ErrorKind::Denied;
    }
    let gone = message.contains("ECS service doesn't exist") || message.contains("new scalable target");
    if gone { ErrorKind::NotFound } else { ErrorKind::Invalid }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{after, register, scaling, shop, start, www};
    use super::super::{Family, Fault, Lasting, Rate, Scope, ServiceSpec};
    use super::*;
    use serde_json::json;

    fn many(count: usize) -> (Sim, Vec<TargetId>) {
        let mut sim = shop(1, &ServiceSpec::default());
        let ids: Vec<_> = (1..count).map(|n| TargetId::new("shop", format!("s{n:04}"))).chain([www()]).collect();
        for id in &ids {
            sim.add_service(id.clone(), &ServiceSpec::default());
        }
        (sim, ids)
    }

    fn targets(observation: Observation) -> Answer<ScalableTarget> {
        match observation {
            Observation::Targets(answer) => answer,
            other => panic!("asked for targets, got {other:?}"),
        }
    }

    #[test]
    fn targets_are_asked_for_by_fifties_and_services_by_tens() {
        let (mut sim, ids) = many(101);
        let answer = targets(sim.observe(&Query::Targets(ids.clone()), start()));
        assert_eq!((answer.found.len(), answer.failed.len()), (101, 0));
        sim.observe(&Query::Services(ids), start());
        assert_eq!(sim.calls()[&Operation::DescribeScalableTargets], 3);
        assert_eq!(sim.calls()[&Operation::DescribeServices], 11);
    }

    #[test]
    fn the_whole_list_comes_in_pages_of_fifty() {
        for (count, calls) in [(50, 1), (51, 2), (100, 2), (120, 3)] {
            let (mut sim, ids) = many(count);
            let answer = targets(sim.observe(&Query::AllTargets, start()));
            assert_eq!(answer.found.into_keys().collect::<Vec<_>>(), ids, "both are sorted");
            assert_eq!(sim.calls()[&Operation::DescribeScalableTargets], calls);
        }
    }

    #[test]
    fn a_target_that_is_not_registered_was_asked_for_and_is_not_there() {
        let mut sim = shop(1, &ServiceSpec { bounds: None, ..ServiceSpec::default() });
        let answer = targets(sim.observe(&Query::Targets(vec![www()]), start()));
        assert_eq!(answer.found[&www()], None);
    }

    #[test]
    fn f2_a_failed_batch_fails_its_own_targets_and_no_others() {
        let (mut sim, ids) = many(120);
        sim.fail_next(Operation::DescribeScalableTargets, "ThrottlingException");
        let answer = targets(sim.observe(&Query::Targets(ids.clone()), start()));
        assert_eq!(answer.failed.len(), 1);
        assert_eq!(answer.failed[0].targets.as_deref(), Some(&ids[..50]));
        assert_eq!(answer.failed[0].error.kind, ErrorKind::Throttled);
        assert_eq!(answer.found.len(), 70);
    }

    #[test]
    fn f2_a_failed_listing_says_so_of_the_namespace() {
        let (mut sim, _) = many(120);
        sim.fail_next(Operation::DescribeScalableTargets, "InternalServiceException");
        let answer = targets(sim.observe(&Query::AllTargets, start()));
        assert_eq!((answer.failed[0].targets.as_ref(), answer.failed[0].error.kind), (None, ErrorKind::Unavailable));
    }

    #[test]
    fn f5_a_lost_answer_leaves_the_write_done_and_its_outcome_unknown() {
        let mut sim = shop(1, &ServiceSpec::default());
        sim.inject(Scope::WritesTo(www()), Fault::LoseAnswer, Lasting::Times(1));
        assert_eq!(register(&mut sim, Some(3), None).unwrap_err().kind, ErrorKind::OutcomeUnknown);
        assert_eq!(sim.bounds(&www()), Some((3, 10)));
    }

    #[test]
    fn f6_a_conflict_meets_one_target_and_passes() {
        let (mut sim, ids) = many(2);
        sim.inject(Scope::WritesTo(www()), Fault::refuse("ConcurrentUpdateException"), Lasting::Times(2));
        let other = Action { target: ids[0].clone(), min: Some(2), max: None };
        assert_eq!(sim.apply(&other, start()), Ok(()));
        for _ in 0..2 {
            assert_eq!(register(&mut sim, Some(3), None).unwrap_err().kind, ErrorKind::Conflict);
        }
        assert_eq!(register(&mut sim, Some(3), None), Ok(()));
    }

    #[test]
    fn f20_an_outage_ends_at_its_instant() {
        let mut sim = shop(1, &ServiceSpec::default());
        let end = after(&sim, 3600);
        sim.inject(Scope::Everything, Fault::Unreachable, Lasting::Until(end));
        assert_eq!(register(&mut sim, Some(3), None).unwrap_err().kind, ErrorKind::Unreachable);
        assert_eq!(sim.bounds(&www()), Some((1, 10)), "the call never arrived");
        sim.advance(end);
        assert_eq!(register(&mut sim, Some(3), None), Ok(()));
    }

    #[test]
    fn f1_a_bucket_of_fifty_that_regains_five_a_second_lets_just_so_many_through() {
        let mut sim = shop(1, &ServiceSpec::default());
        sim.limit(Family::AutoScaling, Some(Rate { burst: 50, per_second: 5 }));
        let burst = |sim: &mut Sim| (0..100).filter(|_| register(sim, Some(1), None).is_ok()).count();
        assert_eq!(burst(&mut sim), 50);
        sim.advance(after(&sim, 2));
        assert_eq!(burst(&mut sim), 10);
        assert_eq!(register(&mut sim, Some(1), None).unwrap_err().kind, ErrorKind::Throttled);
        sim.limit(Family::AutoScaling, None);
        assert_eq!(burst(&mut sim), 100);
    }

    #[test]
    fn f10_a_missing_permission_is_told_from_other_validation_errors_by_its_message() {
        let mut sim = shop(1, &ServiceSpec::default());
        let message = "User is missing the following permissions: ecs:UpdateService";
        let refusal = WireError::new(400, "ValidationException", message);
        sim.inject(Scope::Everything, Fault::Refuse(refusal), Lasting::Times(1));
        assert_eq!(register(&mut sim, Some(1), None).unwrap_err().kind, ErrorKind::Denied);
        assert_eq!(register(&mut sim, Some(11), None).unwrap_err().kind, ErrorKind::Invalid);
    }

    #[test]
    fn a_survey_names_policies_and_rivals() {
        let mut sim = shop(1, &ServiceSpec::default());
        let action = json!({
            "ScheduledActionName": "night", "Schedule": "rate(1 day)", "ScalableTargetAction": { "MinCapacity": 1 },
        });
        scaling(&mut sim, "PutScheduledAction", action).unwrap();
        let predictive = json!({
            "PolicyName": "oracle", "PolicyType": "PredictiveScaling", "PredictiveScalingPolicyConfiguration": {},
        });
        scaling(&mut sim, "PutScalingPolicy", predictive).unwrap();
        let expected = Survey {
            policies: vec!["cpu".to_owned(), "oracle".to_owned()],
            predictive: vec!["oracle".to_owned()],
            scheduled_actions: vec!["night".to_owned()],
        };
        let Observation::Survey(answer) = sim.observe(&Query::Survey(vec![www()]), start()) else { panic!("a survey") };
        assert_eq!(answer.found[&www()], Some(expected));
    }

    #[test]
    fn a_few_targets_are_surveyed_one_by_one_and_many_by_listing_the_namespace() {
        for (count, calls) in [(10, 10), (11, 1)] {
            let (mut sim, ids) = many(count);
            sim.observe(&Query::Survey(ids), start());
            assert_eq!(sim.calls()[&Operation::DescribeScalingPolicies], calls);
            assert_eq!(sim.calls()[&Operation::DescribeScheduledActions], calls);
        }
    }

    #[test]
    fn a_survey_that_fails_half_way_says_nothing_of_its_target() {
        let (mut sim, ids) = many(2);
        sim.fail_next(Operation::DescribeScheduledActions, "ThrottlingException");
        let Observation::Survey(answer) = sim.observe(&Query::Survey(ids.clone()), start()) else { panic!("a survey") };
        assert_eq!(answer.failed[0].targets.as_deref(), Some(&ids[..1]));
        assert_eq!(answer.found.into_keys().collect::<Vec<_>>(), ids[1..]);
    }

    #[test]
    fn f7_a_lone_minimum_for_a_target_that_has_gone_finds_nothing() {
        let mut sim = shop(1, &ServiceSpec { bounds: None, ..ServiceSpec::default() });
        assert_eq!(register(&mut sim, Some(3), None).unwrap_err().kind, ErrorKind::NotFound);
        assert_eq!(sim.bounds(&www()), None);
    }

    #[test]
    fn a_write_that_fails_on_aws_s_side_has_an_unknown_outcome() {
        let mut sim = shop(1, &ServiceSpec::default());
        sim.fail_next(Operation::RegisterScalableTarget, "InternalServiceException");
        assert_eq!(register(&mut sim, Some(3), None).unwrap_err().kind, ErrorKind::OutcomeUnknown);
    }

    #[test]
    fn a_foreign_call_is_neither_counted_nor_failed_nor_throttled() {
        let mut sim = shop(1, &ServiceSpec::default());
        sim.inject(Scope::Everything, Fault::Unreachable, Lasting::Times(1));
        sim.limit(Family::AutoScaling, Some(Rate { burst: 0, per_second: 0 }));
        scaling(&mut sim, "RegisterScalableTarget", json!({ "MinCapacity": 2 })).unwrap();
        assert!(sim.calls().is_empty());
    }
}
