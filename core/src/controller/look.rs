//! Looking: which questions are asked, and what their answers change.

use jiff::{SignedDuration, Timestamp};

use super::domain::Domain;
use super::outage::Door;
use super::row::Row;
use super::{Fact, GLANCE, Settings};
use crate::ecs::{Answer, EcsError, Failure, Observation, Operation, Query, ScalableTarget, ServiceCounts, Survey};
use crate::model::TargetId;
use crate::timetable::Board;

/// How many services are asked for at once, at the most: a fifth of ECS's quota for reading services (20 calls a second
/// of 10 services each), over the time until the next question.
const COUNTS_PER_SECOND: i64 = 40;

/// How many targets a call of Application Auto Scaling answers for, and how many services one of ECS.
const TARGETS_PER_CALL: usize = 50;
const SERVICES_PER_CALL: usize = 10;

/// How many questions about some targets are under way at once. Those who come to want one meanwhile share the next; and
/// one that hangs does not hold them up.
const SINGLED_OUT: usize = 2;

/// How many calls a second looking may cost in quiet, a twentieth of the 20 a second that are taken for a quota: the most
/// for passes, and for passes and counts together. The rest is for surveys, and for when it is not quiet.
const PASS_SHARE: f64 = 0.6;
const QUIET_SHARE: f64 = 0.8;

/// For so long after a bound moved, whoever moved it, it is not quiet.
const STIR: SignedDuration = SignedDuration::from_mins(2);

/// For so long before a target's floor may change its counts are not to be older than that.
const NEAR: SignedDuration = SignedDuration::from_mins(2);

/// How much longer than the time between two passes a pass waits while rises do.
const PATIENCE: SignedDuration = SignedDuration::from_mins(4);

/// How long a survey that failed rests before it is tried again.
const SURVEY_PAUSE: SignedDuration = SignedDuration::from_mins(5);

/// What a domain is set in: the schedules in force, and how the controller is set up.
pub(super) type Surroundings<'a> = (Option<&'a Board>, &'a Settings);

impl Domain {
    pub(super) fn next_question(&mut self, (board, settings): Surroundings<'_>, now: Timestamp) -> Option<Query> {
        if self.due.targets && self.busy.targets.is_none() && !self.yields_to_rises(settings, now) {
            self.due.targets = false;
            let question = self.question_about_all();
            self.busy.targets = Some((now, question.clone()));
            self.last_pass = Some(now);
            return Some(question);
        }
        self.question_about_some(now)
            .or_else(|| self.question_about_counts(board, settings, now))
            .or_else(|| self.question_about_others(settings, now))
    }

    /// Reads and writes share one bucket: while rises wait, whatever is not needed for them waits too, for a while.
    fn yields_to_rises(&self, settings: &Settings, now: Timestamp) -> bool {
        let is_patient = self.last_pass.is_some_and(|last| now.duration_since(last) < settings.resync + PATIENCE);
        is_patient && self.queue.first().is_some_and(|(urgency, _)| urgency.is_rise())
    }

    /// Whether this resync may pass without a look at every target. Where a pass is cheap every one looks; where there are
    /// many targets, every second one is enough in quiet. No look gets older by that than may serve for lowering.
    pub(super) fn may_skip_a_pass(&self, (board, settings): Surroundings<'_>, now: Timestamp) -> bool {
        let next = now.saturating_add(settings.resync + GLANCE).unwrap_or(Timestamp::MAX);
        let is_dear = self.pass_rate(settings) > PASS_SHARE;
        let has_looked = self.last_pass.is_some_and(|last| now.duration_since(last) <= settings.resync * 3 / 2);
        let is_stirred = self.stirred.is_some_and(|at| now.duration_since(at) < STIR);
        let is_near = board.and_then(Board::changes_at).is_some_and(|at| at <= next);
        is_dear && has_looked && !is_stirred && !is_near && self.failing.is_empty()
    }

    /// How many calls a second it costs to look at every target at each resync.
    fn pass_rate(&self, settings: &Settings) -> f64 {
        self.rows.len().div_ceil(TARGETS_PER_CALL) as f64 / settings.resync.as_secs_f64().max(1.0)
    }

    /// How old the counts of a service may get that is as it should be: as long as one resync, or as many take for which
    /// the calls that passes leave are enough.
    fn counts_keep(&self, settings: &Settings) -> SignedDuration {
        let calls = self.rows.len().div_ceil(SERVICES_PER_CALL) as f64;
        let spare = QUIET_SHARE - self.pass_rate(settings).min(PASS_SHARE);
        SignedDuration::try_from_secs_f64(calls / spare).map_or(settings.resync, |keep| keep.max(settings.resync))
    }

    fn question_about_all(&self) -> Query {
        match self.globs.is_empty() {
            false => Query::AllTargets,
            true => Query::Targets(self.rows.keys().cloned().collect()),
        }
    }

    /// Where a look at some targets is due, those come along that wait for one until later: the call costs the same.
    fn question_about_some(&mut self, now: Timestamp) -> Option<Query> {
        if !self.look_wanted || self.busy.singled_out >= SINGLED_OUT {
            return None;
        }
        let on_its_way = self.busy.targets.as_ref().map(|(asked, _)| *asked);
        let wanting = |row: &Row| row.wants_look() && !on_its_way.is_some_and(|asked| row.is_served_by(asked, now));
        let mut targets: Vec<_> = self.rows.iter_mut().filter(|(_, row)| wanting(row)).collect();
        let probe = usize::from(self.outages.want_a_probe(now)).min(targets.len());
        let due = targets.iter().filter(|(_, row)| row.looks.is_over(now)).count().max(probe);
        if due == 0 {
            self.look_wanted = false;
            return None;
        }
        targets.sort_by_key(|(_, row)| row.looks.not_before().filter(|at| *at > now));
        targets.truncate(due.next_multiple_of(TARGETS_PER_CALL));
        targets.iter_mut().for_each(|(_, row)| row.looking = true);
        self.busy.singled_out += 1;
        self.outages.probe(now);
        Some(Query::Targets(targets.into_iter().map(|(target, _)| target.clone()).collect()))
    }

    fn question_about_counts(&mut self, board: Option<&Board>, settings: &Settings, now: Timestamp) -> Option<Query> {
        if self.busy.counts || self.busy.targets.is_some() {
            return None;
        }
        let budget = self.due.counts.take()?;
        let keep = self.counts_keep(settings);
        let asked = |row: &Row| row.seen.counts.map(|look| look.asked);
        let mut wanted: Vec<_> = self
            .rows
            .iter()
            .filter(|(_, row)| row.seen.bounds().is_some() && wants_counts(row, board, keep, now))
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
        if asked > now || self.left_before_a_step_back(query) {
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

    /// Whether the clock stepped back while this question about targets was under way, be it to a time that is later than
    /// when it left.
    fn left_before_a_step_back(&self, query: &Query) -> bool {
        let (about_all, others) = self.busy.outdated;
        match query {
            Query::Targets(_) | Query::AllTargets if self.is_about_all(query) => about_all,
            Query::Targets(_) | Query::AllTargets => others > 0,
            Query::Services(_) | Query::Survey(_) => false,
        }
    }

    fn is_about_all(&self, query: &Query) -> bool {
        self.busy.targets.as_ref().is_some_and(|(_, busy)| busy == query)
    }

    /// The clock stepped back while the question was under way: the answer has no age, so it counts for nothing.
    fn ask_again(&mut self, query: &Query, settings: &Settings) {
        match query {
            Query::Targets(_) | Query::AllTargets => {
                self.came_back(query);
                self.rows.values_mut().for_each(|row| row.looking = false);
                self.doubt_all();
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

    /// A question about targets is no longer under way; whether it was about all of them.
    fn came_back(&mut self, query: &Query) -> bool {
        let about_all = self.is_about_all(query);
        match about_all {
            true => (self.busy.targets, self.busy.outdated.0) = (None, false),
            false => {
                self.busy.singled_out = self.busy.singled_out.saturating_sub(1);
                self.busy.outdated.1 = self.busy.outdated.1.saturating_sub(1);
            }
        }
        about_all
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
        self.listed |= self.came_back(query);
        let failed = answer.failed.first().map_or(Ok(()), |failure| Err(failure.error.kind));
        self.note_outcome(Door::Looks, failed, now);
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
                self.doubted.add(&target);
                let before = row.seen.bounds();
                row.saw_target(asked, value);
                if before.is_some() && row.seen.bounds() != before {
                    self.stirred = Some(now);
                }
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
                self.doubted.add(target);
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
        self.doubt_all();
        let registered = answer.found.iter().filter_map(|(target, value)| value.map(|_| target));
        for target in registered {
            if !self.rows.contains_key(target) && self.globs.iter().any(|glob| glob.matches(target)) {
                let row = Box::new(Row::new(board.members(target), settings.first_settle));
                self.rows.insert(target.clone(), row);
            }
        }
        if answer.failed.is_empty() {
            let is_listed = |target: &TargetId| answer.found.contains_key(target);
            self.rows.retain(|target, row| is_listed(target) || row.named || row.in_flight.is_some());
            let missing = self.rows.iter_mut().filter(|(target, _)| !is_listed(target));
            missing.for_each(|(_, row)| row.saw_target(asked, None));
        }
    }

    fn saw_counts(&mut self, asked: Timestamp, answer: Answer<ServiceCounts>, now: Timestamp, facts: &mut Vec<Fact>) {
        for target in answer.failed.iter().filter_map(|failure| failure.targets.as_ref()).flatten() {
            if let Some(row) = self.rows.get_mut(target) {
                self.doubted.add(target);
                row.counted = true;
            }
        }
        for (target, value) in answer.found {
            if let Some(row) = self.rows.get_mut(&target) {
                self.doubted.add(&target);
                row.saw_counts(&target, asked, value, now, facts);
            }
        }
    }

    fn saw_surveys(&mut self, answer: Answer<Survey>) {
        for (target, survey) in answer.found {
            if let Some(row) = self.rows.get_mut(&target) {
                self.doubted.add(&target);
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

/// Whether it is time to ask for a service's counts: something is due or wrong, or will be due soon, or it is long ago.
fn wants_counts(row: &Row, board: Option<&Board>, keep: SignedDuration, now: Timestamp) -> bool {
    let Some(age) = row.seen.counts.map(|look| now.duration_since(look.asked)) else { return true };
    let changes_at = || board?.changes_at_for(&row.members);
    let is_near = || changes_at().is_some_and(|at| at.duration_since(now) <= NEAR);
    row.counts_matter() || age >= keep || (age >= NEAR && is_near())
}
