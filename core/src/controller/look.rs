//! Looking: which questions are asked, and what their answers change.

use jiff::{SignedDuration, Timestamp};

use super::domain::Domain;
use super::row::Row;
use super::{Fact, GLANCE, Settings};
use crate::ecs::{Answer, EcsError, Failure, Observation, Operation, Query, ScalableTarget, ServiceCounts, Survey};
use crate::model::TargetId;
use crate::timetable::Board;

/// How many services are asked for at a resync and at a glance, at the most: a fifth of ECS's quota for reading services
/// (20 calls a second of 10 services each), over the time until the next one.
const COUNTS_PER_SECOND: i64 = 40;

/// How much longer than the time between two passes a pass waits while rises do.
const PATIENCE: SignedDuration = SignedDuration::from_mins(4);

/// How many targets a call of Application Auto Scaling answers for.
const TARGETS_PER_CALL: usize = 50;

/// How long a survey that failed rests before it is tried again.
const SURVEY_PAUSE: SignedDuration = SignedDuration::from_mins(5);

/// What a domain is set in: the schedules in force, and how the controller is set up.
type Surroundings<'a> = (Option<&'a Board>, &'a Settings);

impl Domain {
    pub(super) fn next_question(&mut self, settings: &Settings, now: Timestamp) -> Option<Query> {
        if self.due.targets && self.busy.targets.is_none() && !self.yields_to_rises(settings, now) {
            self.due.targets = false;
            let question = self.question_about_all();
            self.busy.targets = Some((now, question.clone()));
            self.last_pass = Some(now);
            return Some(question);
        }
        self.question_about_some(now)
            .or_else(|| self.question_about_counts(settings))
            .or_else(|| self.question_about_others(settings, now))
    }

    /// Reads and writes share one bucket: while rises wait, whatever is not needed for them waits too, for a while.
    fn yields_to_rises(&self, settings: &Settings, now: Timestamp) -> bool {
        let is_patient = self.last_pass.is_some_and(|last| now.duration_since(last) < settings.resync + PATIENCE);
        is_patient && self.queue.first().is_some_and(|(urgency, _)| urgency.is_rise())
    }

    fn question_about_all(&self) -> Query {
        match self.globs.is_empty() {
            false => Query::AllTargets,
            true => Query::Targets(self.rows.keys().cloned().collect()),
        }
    }

    fn question_about_some(&mut self, now: Timestamp) -> Option<Query> {
        let on_its_way = self.busy.targets.as_ref().map(|(asked, _)| *asked);
        let wanting = self
            .rows
            .iter_mut()
            .filter(|(_, row)| row.wants_look(now) && !on_its_way.is_some_and(|asked| row.is_served_by(asked, now)));
        let targets: Vec<_> = wanting
            .map(|(target, row)| {
                row.looking = true;
                target.clone()
            })
            .collect();
        (!targets.is_empty()).then_some(Query::Targets(targets))
    }

    fn question_about_counts(&mut self, settings: &Settings) -> Option<Query> {
        if self.busy.counts || self.busy.targets.is_some() {
            return None;
        }
        let budget = self.due.counts.take()?;
        let everyone = budget >= settings.resync;
        let asked = |row: &Row| row.seen.counts.map(|look| look.asked);
        let mut wanted: Vec<_> = self
            .rows
            .iter()
            .filter(|(_, row)| row.seen.bounds().is_some() && (everyone || row.counts_matter()))
            .map(|(target, row)| (row.verdict.action().is_none(), !row.counts_matter(), asked(row), target))
            .collect();
        wanted.sort();
        let most = usize::try_from(budget.as_secs().max(1) * COUNTS_PER_SECOND).unwrap_or(usize::MAX);
        let targets: Vec<_> = wanted.into_iter().take(most).map(|(_, _, _, target)| target.clone()).collect();
        self.busy.counts = !targets.is_empty();
        (!targets.is_empty()).then_some(Query::Services(targets))
    }

    fn question_about_others(&mut self, settings: &Settings, now: Timestamp) -> Option<Query> {
        let rests = self.survey_pause.is_some_and(|until| now < until);
        self.due.survey &= settings.survey;
        if !self.due.survey || rests || self.busy.survey || self.busy.targets.is_some() {
            return None;
        }
        self.due.survey = false;
        let unknown = self.rows.iter().filter(|(_, row)| row.seen.bounds().is_some() && row.survey_due);
        let targets: Vec<_> = unknown.map(|(target, _)| target.clone()).collect();
        self.busy.survey = !targets.is_empty();
        (!targets.is_empty()).then_some(Query::Survey(targets))
    }

    pub(super) fn observed(
        &mut self,
        asked: Timestamp,
        query: &Query,
        observation: Observation,
        (board, settings): Surroundings<'_>,
        now: Timestamp,
        facts: &mut Vec<Fact>,
    ) {
        if asked > now {
            return self.ask_again(query, settings);
        }
        match observation {
            Observation::Targets(answer) => {
                self.note_health(Operation::DescribeScalableTargets, &answer.failed, facts);
                self.saw_targets(asked, query, answer, (board, settings), now);
            }
            Observation::Services(answer) => {
                self.busy.counts = false;
                self.note_health(Operation::DescribeServices, &answer.failed, facts);
                self.saw_counts(asked, answer, now, facts);
            }
            Observation::Survey(answer) => {
                self.busy.survey = false;
                self.note_health(Operation::DescribeScalingPolicies, &answer.failed, facts);
                let pause = if answer.failed.is_empty() { None } else { now.checked_add(SURVEY_PAUSE).ok() };
                self.survey_pause = pause;
                self.saw_surveys(answer);
            }
        }
    }

    /// The clock stepped back while the question was under way: the answer has no age, so it counts for nothing.
    fn ask_again(&mut self, query: &Query, settings: &Settings) {
        match query {
            Query::Targets(_) | Query::AllTargets => {
                self.busy.targets.take_if(|(_, busy)| busy == query);
                self.rows.values_mut().for_each(|row| row.looking = false);
                self.due.targets = true;
            }
            Query::Services(_) => {
                self.busy.counts = false;
                self.due.counts = Some(settings.resync);
            }
            Query::Survey(_) => {
                self.busy.survey = false;
                self.due.survey = true;
            }
        }
    }

    fn saw_targets(
        &mut self,
        asked: Timestamp,
        query: &Query,
        answer: Answer<ScalableTarget>,
        surroundings: Surroundings<'_>,
        now: Timestamp,
    ) {
        self.pacer.read(answer.found.len().div_ceil(TARGETS_PER_CALL), now);
        self.listed |= self.busy.targets.take_if(|(_, busy)| busy == query).is_some();
        for Failure { targets, error } in &answer.failed {
            match targets {
                Some(targets) => self.look_failed(targets, error, now),
                None => self.look_failed_for_missing(&answer, error, now),
            }
        }
        if *query == Query::AllTargets {
            self.follow_listing(asked, &answer, surroundings);
        }
        for (target, value) in answer.found {
            if let Some(row) = self.rows.get_mut(&target) {
                row.saw_target(asked, value);
                self.due.survey |= value.is_some() && row.survey_due;
                if value.is_some() && !row.counted {
                    self.due.counts = self.due.counts.or(Some(GLANCE));
                }
            }
        }
    }

    fn look_failed(&mut self, targets: &[TargetId], error: &EcsError, now: Timestamp) {
        for target in targets {
            if let Some(row) = self.rows.get_mut(target) {
                row.look_failed(error.clone(), now, &mut self.jitter);
            }
        }
    }

    /// A listing that broke off says nothing of those that it had not come to.
    fn look_failed_for_missing(&mut self, answer: &Answer<ScalableTarget>, error: &EcsError, now: Timestamp) {
        let missing: Vec<_> = self.rows.keys().filter(|target| !answer.found.contains_key(*target)).cloned().collect();
        self.look_failed(&missing, error, now);
    }

    /// Brings the rows of globs in line with what is registered, and tells exact targets that are not in a whole
    /// listing that they are not there.
    fn follow_listing(&mut self, asked: Timestamp, answer: &Answer<ScalableTarget>, surroundings: Surroundings<'_>) {
        let (Some(board), settings) = surroundings else { return };
        let registered = answer.found.iter().filter_map(|(target, value)| value.map(|_| target));
        for target in registered {
            if !self.rows.contains_key(target) && self.globs.iter().any(|glob| glob.matches(target)) {
                let row = Box::new(Row::new(board.members(target), settings.first_settle));
                self.rows.insert(target.clone(), row);
            }
        }
        if answer.failed.is_empty() {
            let exact = board.schedules().exact_targets();
            let is_listed = |target: &TargetId| answer.found.contains_key(target);
            self.rows.retain(|target, row| is_listed(target) || exact.contains(target) || row.in_flight.is_some());
            let missing = self.rows.iter_mut().filter(|(target, _)| !is_listed(target));
            missing.for_each(|(_, row)| row.saw_target(asked, None));
        }
    }

    fn saw_counts(&mut self, asked: Timestamp, answer: Answer<ServiceCounts>, now: Timestamp, facts: &mut Vec<Fact>) {
        for target in answer.failed.iter().filter_map(|failure| failure.targets.as_ref()).flatten() {
            if let Some(row) = self.rows.get_mut(target) {
                row.counted = true;
            }
        }
        for (target, value) in answer.found {
            if let Some(row) = self.rows.get_mut(&target) {
                row.saw_counts(&target, asked, value, now, facts);
            }
        }
    }

    fn saw_surveys(&mut self, answer: Answer<Survey>) {
        for (target, survey) in answer.found {
            if let Some(row) = self.rows.get_mut(&target) {
                row.saw_survey(survey);
            }
        }
    }

    /// Tells when questions of a kind begin to fail and when they are answered again, and nothing in between.
    fn note_health(&mut self, operation: Operation, failed: &[Failure], facts: &mut Vec<Fact>) {
        let Some(first) = failed.first() else {
            if let Some(error) = self.failing.remove(&operation) {
                facts.push(Fact::LookRecovered { site: self.site.clone(), operation: error.operation });
            }
            return;
        };
        let before = self.failing.insert(operation, first.error.clone());
        if before.is_none_or(|before| before.kind != first.error.kind) {
            let counted: Option<Vec<usize>> = failed.iter().map(|f| f.targets.as_ref().map(Vec::len)).collect();
            let targets = counted.map(|lengths| lengths.iter().sum());
            facts.push(Fact::LookFailed { site: self.site.clone(), targets, error: first.error.clone() });
        }
    }
}
