//! An account knows its own targets by cluster and service alone; the controller by account and region besides.

use baseload_core::ecs::{Answer, Failure, Observation, Query};
use baseload_core::model::{Site, TargetId};

/// A target by the name that its own account has for it.
pub(crate) fn local(target: &TargetId) -> TargetId {
    target.clone().at(Site::HOME)
}

/// A question as it is put to an account.
pub(crate) fn localised(query: &Query) -> Query {
    let local = |targets: &[TargetId]| targets.iter().map(local).collect();
    match query {
        Query::Targets(targets) => Query::Targets(local(targets)),
        Query::AllTargets => Query::AllTargets,
        Query::Services(targets) => Query::Services(local(targets)),
        Query::Survey(targets) => Query::Survey(local(targets)),
    }
}

/// An answer as it is told of `site`.
pub(crate) fn told_of(site: &Site, observation: Observation) -> Observation {
    match observation {
        Observation::Targets(answer) => Observation::Targets(answer_of(site, answer)),
        Observation::Services(answer) => Observation::Services(answer_of(site, answer)),
        Observation::Survey(answer) => Observation::Survey(answer_of(site, answer)),
    }
}

fn answer_of<T>(site: &Site, Answer { found, failed }: Answer<T>) -> Answer<T> {
    let abroad = |target: TargetId| target.at(site.clone());
    let found = found.into_iter().map(|(target, value)| (abroad(target), value)).collect();
    let failed = failed.into_iter().map(|Failure { targets, error }| {
        let targets = targets.map(|targets| targets.into_iter().map(abroad).collect());
        Failure { targets, error }
    });
    Answer { found, failed: failed.collect() }
}
