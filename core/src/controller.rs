//! The controller: a state machine of events in, effects and facts out. `now` is always an argument.
//!
//! The shell has one loop: it waits for an event or for [`Controller::wake_at`], hands both over ([`Controller::handle`],
//! [`Controller::tick`]), carries out every effect that [`Controller::poll`] yields, and tells the facts to the log and the
//! metrics. Everything is level-triggered: no timer belongs to a boundary, every tick asks the timetable afresh.
//!
//! What holds whatever happens: at most one write is in flight for a target; a boundary does not wait for a look (a
//! rise is planned against what was last seen); a target that fails, or panics, stops no other.

mod fact;
mod pace;
mod row;

pub use fact::{ChangeKind, Fact};

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use self::pace::{Jitter, Pacer};
use self::row::{Row, Urgency};
use crate::ecs::{
    Action, Answer, EcsError, Failure, Observation, Operation, Query, ScalableTarget, ServiceCounts, Survey,
};
use crate::model::{Span, TargetId, TargetPattern};
use crate::plan::{self, Circumstances, History, LeftAlone, Seen, Verdict};
use crate::status::{ConfigurationStatus, NextStatus, Status};
use crate::timetable::{Board, Decision, Schedules};

/// How the controller is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How often everything is looked at; a look older than twice this is no ground for lowering.
    pub resync: SignedDuration,
    /// Whether writes are only reported.
    pub dry_run: bool,
    /// Whether to ask who else decides over the targets.
    pub survey: bool,
    /// How long a service that is below its floor when its target is first seen is left for AWS to lift, which may be
    /// about to: an earlier process may have written a moment ago.
    pub first_settle: SignedDuration,
    /// Seeds the jitter of retries.
    pub seed: u64,
    /// Decides on one target; [`plan::verdict`] everywhere but in tests of what a panic does.
    pub planner: Planner,
}

/// The signature of [`plan::verdict`].
pub type Planner = fn(&TargetId, Option<&Decision>, &Seen, &History, &Circumstances) -> Verdict;

impl Default for Settings {
    fn default() -> Self {
        Settings {
            resync: SignedDuration::from_secs(60),
            dry_run: false,
            survey: true,
            first_settle: plan::SETTLE,
            seed: 0,
            planner: plan::verdict,
        }
    }
}

/// A source that was read and found good.
#[derive(Clone, Debug)]
pub struct Revision {
    /// What people look it up by: a commit where it has one, else the digest.
    pub id: String,
    /// What it is known by wherever it is read from: a digest of its files.
    pub digest: String,
    /// What it says.
    pub schedules: Arc<Schedules>,
}

/// Why there is no new revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// As a person would read it.
    pub reason: String,
    /// Whether the shrink guard holds a revision that is good in itself.
    pub held: bool,
}

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// The source was read: a new revision, the same as before (`None`), or the reason why there is none.
    Loaded(Result<Option<Revision>, Refusal>),
    /// AWS answered a question that left at `asked`.
    Observed {
        /// When the question left.
        asked: Timestamp,
        /// The question.
        query: Query,
        /// The answer.
        observation: Observation,
    },
    /// AWS answered a write.
    Applied {
        /// The write.
        action: Action,
        /// Whether it was accepted.
        outcome: Result<(), EcsError>,
    },
    /// A recurring chore is due.
    Due(Chore),
    /// Nothing new is to be sent.
    Shutdown,
}

/// The recurring chores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chore {
    /// Look at every target.
    Resync,
    /// Look at the counts of the services where something is due or wrong.
    Glance,
    /// See what else decides over the targets.
    Survey,
    /// Read the source.
    Load,
}

/// Something to be done by the shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Read the source and answer with [`Event::Loaded`].
    Load,
    /// Ask AWS and answer with [`Event::Observed`].
    Observe(Query),
    /// Write to AWS and answer with [`Event::Applied`].
    Apply(Action),
}

/// How many services are asked for at a resync and at a glance, at the most: a fifth of ECS's quota for reading services
/// (20 calls a second of 10 services each), over the time until the next one.
const COUNTS_PER_SECOND: i64 = 40;

/// How long a survey that failed rests before it is tried again.
const SURVEY_PAUSE: SignedDuration = SignedDuration::from_mins(5);

/// The time between two glances at the services where something is due or wrong.
pub const GLANCE: SignedDuration = SignedDuration::from_secs(10);

/// The state machine; see the module.
#[derive(Debug)]
pub struct Controller {
    settings: Settings,
    configuration: ConfigurationStatus,
    /// The revision in force, at the last tick; `None`: there is none yet.
    board: Option<Board>,
    /// The globs of that revision.
    globs: Vec<TargetPattern>,
    rows: BTreeMap<TargetId, Row>,
    queue: BTreeSet<(Urgency, TargetId)>,
    facts: Vec<Fact>,
    pacer: Pacer,
    jitter: Jitter,
    due: Due,
    busy: Busy,
    failing: BTreeMap<Operation, EcsError>,
    listed: bool,
    was_ready: bool,
    survey_pause: Option<Timestamp>,
    last_tick: Option<Timestamp>,
    stopping: bool,
    changed: bool,
}

/// What is to be asked as soon as nothing of the kind is under way.
#[derive(Clone, Copy, Debug, Default)]
struct Due {
    load: bool,
    targets: bool,
    counts: Option<SignedDuration>, // the time until the next round, which is its budget
    survey: bool,
}

/// What is under way.
#[derive(Clone, Debug, Default)]
struct Busy {
    load: bool,
    /// The question about all targets, and when it left.
    targets: Option<(Timestamp, Query)>,
    counts: bool,
    survey: bool,
}

impl Controller {
    /// A controller without a configuration: hand it [`Event::Loaded`], or [`Chore::Load`] to make it ask.
    pub fn new(settings: Settings, source: String) -> Self {
        let jitter = Jitter::new(settings.seed);
        Controller {
            settings,
            configuration: ConfigurationStatus { source, ..ConfigurationStatus::default() },
            board: None,
            globs: Vec::new(),
            rows: BTreeMap::new(),
            queue: BTreeSet::new(),
            facts: Vec::new(),
            pacer: Pacer::default(),
            jitter,
            due: Due::default(),
            busy: Busy::default(),
            failing: BTreeMap::new(),
            listed: false,
            survey_pause: None,
            last_tick: None,
            was_ready: false,
            stopping: false,
            changed: true,
        }
    }

    /// Takes in an event. Effects and facts may follow: poll for them.
    pub fn handle(&mut self, now: Timestamp, event: Event) {
        self.follow_clock(now);
        self.changed = true;
        match event {
            Event::Loaded(outcome) => self.loaded(outcome, now),
            Event::Observed { asked, query, observation } => self.observed(asked, &query, observation, now),
            Event::Applied { action, outcome } => self.applied(&action, outcome, now),
            Event::Due(chore) => self.note_due(chore),
            Event::Shutdown => self.stopping = true,
        }
    }

    /// Asks the timetable and the plan about every target at the instant `now`. To be called once every whole second,
    /// and after events, before polling.
    pub fn tick(&mut self, now: Timestamp) {
        self.follow_clock(now);
        let previous = self.last_tick.replace(now);
        let Some(board) = &mut self.board else { return };
        board.advance(now);
        let tick = Tick { now, previous, board, settings: &self.settings };
        self.queue.clear();
        for (target, row) in &mut self.rows {
            tick.consider_contained(target, row, &mut self.facts);
            if row.may_write(now)
                && let Some(urgency) = row.urgency()
            {
                self.queue.insert((urgency, target.clone()));
            }
        }
        self.was_ready = self.is_ready();
        self.changed |= !self.facts.is_empty();
    }

    /// The next thing to do, until there is none.
    pub fn poll(&mut self, now: Timestamp) -> Option<Effect> {
        if self.stopping {
            return None;
        }
        if self.due.load && !self.busy.load {
            self.due.load = false;
            self.busy.load = true;
            return Some(Effect::Load);
        }
        self.board.as_ref()?;
        self.next_write(now).map(Effect::Apply).or_else(|| self.next_question(now).map(Effect::Observe))
    }

    /// The next thing to tell, until there is none.
    pub fn drain_facts(&mut self) -> Vec<Fact> {
        std::mem::take(&mut self.facts)
    }

    /// When [`Controller::tick`] and [`Controller::poll`] are next worth a call without an event: the next whole second,
    /// or earlier where throttled writes may go on.
    pub fn wake_at(&self, now: Timestamp) -> Timestamp {
        let next_second = Timestamp::from_second(now.as_second() + 1).unwrap_or(Timestamp::MAX);
        match self.pacer.held_until() {
            Some(at) if at > now && !self.queue.is_empty() => at.min(next_second),
            _ => next_second,
        }
    }

    /// Whether something was decided, learned or done since the last snapshot.
    pub fn has_changed(&self) -> bool {
        self.changed
    }

    /// How many writes are under way.
    pub fn writes_in_flight(&self) -> usize {
        self.pacer.in_flight()
    }

    /// Whether something is being asked, or will be without a further event.
    pub fn has_questions(&self) -> bool {
        let due = self.due.targets || self.due.counts.is_some() || self.due.survey;
        let busy = self.busy.targets.is_some() || self.busy.counts || self.busy.survey;
        due || busy || self.rows.values().any(|row| row.looking)
    }

    /// Whether something is being written, or will be as soon as a pause is over. What only a person can mend is not
    /// waited for.
    pub fn has_writes(&self) -> bool {
        self.rows.values().any(Row::is_moving)
    }

    /// Whether a configuration is in force and every target was asked once, answered or not. Once ready, a later
    /// configuration does not take it back.
    pub fn is_ready(&self) -> bool {
        self.was_ready || (self.board.is_some() && self.listed && self.rows.values().all(|row| row.asked))
    }

    /// Every target with its verdict, its declared decision, what was seen, and the failure that stands.
    pub fn standings(&self) -> impl Iterator<Item = Standing<'_>> {
        self.rows.iter().map(|(target, row)| Standing {
            target,
            decision: row.decision.as_ref(),
            seen: &row.seen,
            verdict: &row.verdict,
            error: row.writes.error.as_ref().or(row.looks.error.as_ref()),
            in_flight: row.in_flight.is_some(),
        })
    }

    /// Ends a dry run: from here on writes are sent.
    pub fn allow_writes(&mut self) {
        self.settings.dry_run = false;
    }

    /// The snapshot that every reader shares.
    pub fn status(&mut self, now: Timestamp) -> Status {
        self.changed = false;
        let next = |target: &TargetId| next_of(self.board.as_ref()?.schedules(), target, now);
        let targets = self.rows.iter_mut().map(|(target, row)| row.status(target, || next(target))).collect();
        Status {
            at: now,
            heartbeat: self.last_tick.unwrap_or(now),
            ready: self.is_ready() && !self.stopping,
            stopping: self.stopping,
            dry_run: self.settings.dry_run,
            configuration: self.configuration.clone(),
            targets,
        }
    }

    fn note_due(&mut self, chore: Chore) {
        match chore {
            Chore::Resync => {
                self.due.targets = true;
                self.due.counts = Some(self.settings.resync);
            }
            Chore::Glance => self.due.counts = self.due.counts.or(Some(GLANCE)),
            Chore::Survey => {
                self.rows.values_mut().for_each(|row| row.survey_due = true);
                self.due.survey = true;
            }
            Chore::Load => self.due.load = true,
        }
    }

    /// Keeps ages what they were when the wall clock steps back. A step forward is taken as time that passed.
    fn follow_clock(&mut self, now: Timestamp) {
        let Some(last) = self.last_tick.filter(|last| now < *last) else { return };
        let by = last.duration_since(now);
        self.rows.values_mut().for_each(|row| row.shift(by));
        self.pacer.shift(by);
        self.survey_pause = self.survey_pause.and_then(|until| until.checked_sub(by).ok());
        self.last_tick = Some(now);
        if by >= SignedDuration::from_secs(1) {
            self.facts.push(Fact::ClockSteppedBack { by });
        }
    }

    // Configuration.

    fn loaded(&mut self, outcome: Result<Option<Revision>, Refusal>, now: Timestamp) {
        self.busy.load = false;
        self.configuration.last_attempt = Some(now);
        match outcome {
            Ok(revision) => {
                self.configuration.last_reload_successful = true;
                self.configuration.last_success = Some(now);
                self.configuration.last_error = None;
                self.configuration.held = false;
                if let Some(revision) = revision {
                    self.take_over(revision, now);
                }
            }
            Err(Refusal { reason, held }) => {
                self.configuration.held = held;
                let repeated = self.configuration.last_error.as_ref() == Some(&reason);
                self.configuration.last_reload_successful = false;
                self.configuration.last_error = Some(reason.clone());
                if !repeated {
                    self.facts.push(Fact::ConfigurationRejected { reason });
                }
            }
        }
    }

    fn take_over(&mut self, Revision { id, digest, schedules }: Revision, now: Timestamp) {
        let count = schedules.iter().count();
        let is_in_force = self.configuration.digest.replace(digest.clone()).is_some_and(|before| before == digest);
        self.configuration.revision = Some(id.clone());
        self.facts.push(Fact::ConfigurationLoaded { revision: id, digest, schedules: count });
        if is_in_force {
            return; // another commit of the same files
        }
        self.configuration.since = Some(now);
        self.configuration.schedules = count;
        let board = Board::new(schedules, now);
        self.release_targets(&board);
        for target in board.schedules().exact_targets() {
            let row = |target: &TargetId| Row::new(board.members(target), self.settings.first_settle);
            self.rows.entry(target).or_insert_with_key(row);
        }
        self.globs = board.schedules().rows().into_iter().filter(|row| !row.is_exact()).collect();
        self.board = Some(board);
        self.listed = false;
        self.last_tick = None; // no tick under the revision before can tell when a floor of this one began
        self.due.targets = true;
        self.due.counts = Some(self.settings.resync);
        self.due.survey = true;
    }

    /// Lets go of every target that no schedule names any more, once its write has come back; the others learn who
    /// counts for them now.
    fn release_targets(&mut self, board: &Board) {
        let facts = &mut self.facts;
        self.rows.retain(|target, row| {
            row.join(board.members(target));
            let stays = board.schedules().iter().any(|schedule| schedule.matches(target));
            if !stays && !row.leaving {
                facts.push(Fact::Released { target: target.clone() });
            }
            row.leaving = !stays;
            stays || row.in_flight.is_some()
        });
    }

    // Looking.

    fn next_question(&mut self, now: Timestamp) -> Option<Query> {
        if self.due.targets && self.busy.targets.is_none() {
            self.due.targets = false;
            let question = self.question_about_all();
            self.busy.targets = Some((now, question.clone()));
            return Some(question);
        }
        self.question_about_some(now)
            .or_else(|| self.question_about_counts())
            .or_else(|| self.question_about_others(now))
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

    fn question_about_counts(&mut self) -> Option<Query> {
        if self.busy.counts || self.busy.targets.is_some() {
            return None;
        }
        let budget = self.due.counts.take()?;
        let everyone = budget >= self.settings.resync;
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

    fn question_about_others(&mut self, now: Timestamp) -> Option<Query> {
        let rests = self.survey_pause.is_some_and(|until| now < until);
        self.due.survey &= self.settings.survey;
        if !self.due.survey || rests || self.busy.survey || self.busy.targets.is_some() {
            return None;
        }
        self.due.survey = false;
        let unknown = self.rows.iter().filter(|(_, row)| row.seen.bounds().is_some() && row.survey_due);
        let targets: Vec<_> = unknown.map(|(target, _)| target.clone()).collect();
        self.busy.survey = !targets.is_empty();
        (!targets.is_empty()).then_some(Query::Survey(targets))
    }

    fn observed(&mut self, asked: Timestamp, query: &Query, observation: Observation, now: Timestamp) {
        if asked > now {
            return self.ask_again(query);
        }
        match observation {
            Observation::Targets(answer) => self.saw_targets(asked, query, answer, now),
            Observation::Services(answer) => {
                self.busy.counts = false;
                self.note_health(Operation::DescribeServices, &answer.failed);
                self.saw_counts(asked, answer, now);
            }
            Observation::Survey(answer) => {
                self.busy.survey = false;
                self.note_health(Operation::DescribeScalingPolicies, &answer.failed);
                let pause = if answer.failed.is_empty() { None } else { now.checked_add(SURVEY_PAUSE).ok() };
                self.survey_pause = pause;
                self.saw_surveys(answer);
            }
        }
    }

    /// The clock stepped back while the question was under way: the answer has no age, so it counts for nothing.
    fn ask_again(&mut self, query: &Query) {
        match query {
            Query::Targets(_) | Query::AllTargets => {
                self.busy.targets.take_if(|(_, busy)| busy == query);
                self.rows.values_mut().for_each(|row| row.looking = false);
                self.due.targets = true;
            }
            Query::Services(_) => {
                self.busy.counts = false;
                self.due.counts = Some(self.settings.resync);
            }
            Query::Survey(_) => {
                self.busy.survey = false;
                self.due.survey = true;
            }
        }
    }

    fn saw_targets(&mut self, asked: Timestamp, query: &Query, answer: Answer<ScalableTarget>, now: Timestamp) {
        self.note_health(Operation::DescribeScalableTargets, &answer.failed);
        self.listed |= self.busy.targets.take_if(|(_, busy)| busy == query).is_some();
        for Failure { targets, error } in &answer.failed {
            match targets {
                Some(targets) => self.look_failed(targets, error, now),
                None => self.look_failed_for_missing(&answer, error, now),
            }
        }
        if *query == Query::AllTargets {
            self.follow_listing(asked, &answer);
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
    fn follow_listing(&mut self, asked: Timestamp, answer: &Answer<ScalableTarget>) {
        let Some(board) = &self.board else { return };
        let registered = answer.found.iter().filter_map(|(target, value)| value.map(|_| target));
        for target in registered {
            if !self.rows.contains_key(target) && self.globs.iter().any(|glob| glob.matches(target)) {
                let row = Row::new(board.members(target), self.settings.first_settle);
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

    fn saw_counts(&mut self, asked: Timestamp, answer: Answer<ServiceCounts>, now: Timestamp) {
        for target in answer.failed.iter().filter_map(|failure| failure.targets.as_ref()).flatten() {
            if let Some(row) = self.rows.get_mut(target) {
                row.counted = true;
            }
        }
        for (target, value) in answer.found {
            if let Some(row) = self.rows.get_mut(&target) {
                row.saw_counts(&target, asked, value, now, &mut self.facts);
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
    fn note_health(&mut self, operation: Operation, failed: &[Failure]) {
        let Some(first) = failed.first() else {
            if let Some(error) = self.failing.remove(&operation) {
                self.facts.push(Fact::LookRecovered { operation: error.operation });
            }
            return;
        };
        let before = self.failing.insert(operation, first.error.clone());
        if before.is_none_or(|before| before.kind != first.error.kind) {
            let counted: Option<Vec<usize>> = failed.iter().map(|f| f.targets.as_ref().map(Vec::len)).collect();
            let targets = counted.map(|lengths| lengths.iter().sum());
            self.facts.push(Fact::LookFailed { targets, error: first.error.clone() });
        }
    }

    // Writing.

    fn next_write(&mut self, now: Timestamp) -> Option<Action> {
        if self.settings.dry_run || !self.pacer.admits(now) {
            return None;
        }
        let (_, target) = self.queue.pop_first()?;
        let action = self.rows.get_mut(&target)?.send(now)?;
        self.pacer.sent(now);
        Some(action)
    }

    fn applied(&mut self, action: &Action, outcome: Result<(), EcsError>, now: Timestamp) {
        let kind = outcome.as_ref().copied().map_err(|error| error.kind);
        self.pacer.returned(kind, now, &mut self.jitter);
        let Some(row) = self.rows.get_mut(&action.target) else { return };
        let Some(sent) = row.in_flight.take() else { return };
        match outcome {
            Ok(()) => self.facts.push(row.accepted(sent, now)),
            Err(error) => {
                let repeated = row.writes.error.as_ref().is_some_and(|before| before.kind == error.kind);
                row.refused(error.clone(), now, &mut self.jitter);
                let retry_at = row.writes.not_before;
                self.facts.push(Fact::Refused { target: action.target.clone(), error, repeated, retry_at });
            }
        }
        if row.leaving {
            self.rows.remove(&action.target);
        }
    }
}

/// One tick's view of the world.
struct Tick<'a> {
    now: Timestamp,
    previous: Option<Timestamp>,
    board: &'a Board,
    settings: &'a Settings,
}

impl Tick<'_> {
    /// A panic in one target's path takes that target out and no other.
    fn consider_contained(&self, target: &TargetId, row: &mut Row, facts: &mut Vec<Fact>) {
        if row.broken.is_some() {
            return;
        }
        let contained = catch_unwind(AssertUnwindSafe(|| self.consider(target, row, facts)));
        if let Err(panic) = contained {
            let message = panic_message(panic.as_ref());
            facts.push(Fact::Panicked { target: target.clone(), message: message.clone() });
            row.break_down(target, message, self.now, facts);
        }
    }

    fn consider(&self, target: &TargetId, row: &mut Row, facts: &mut Vec<Fact>) {
        let decision = self.board.decide(&row.members);
        if decision != row.decision {
            let boundary = self.boundary(target);
            facts.push(Fact::Declared {
                target: target.clone(),
                before: row.decision.clone(),
                after: decision.clone(),
            });
            row.decide(decision, boundary);
        }
        let circumstances = Circumstances {
            now: self.now,
            fresh_for: self.settings.resync.saturating_mul(2),
            defer_during_deployment: self.defer_during_deployment(row),
        };
        let verdict = match row.decision {
            None if !self.board.schedules().allowed().admits(target) => Verdict::LeftAlone(LeftAlone::NotAllowed),
            _ => (self.settings.planner)(target, row.decision.as_ref(), &row.seen, &row.history, &circumstances),
        };
        let is_new = verdict != row.verdict;
        row.settle(target, verdict, self.now, facts);
        if self.settings.dry_run
            && is_new
            && let Some(action) = row.verdict.action()
        {
            facts.push(Fact::WouldApply { action: action.clone(), kind: row.kind_of_change() });
        }
    }

    fn defer_during_deployment(&self, row: &Row) -> SignedDuration {
        if !plan::is_deployed_by_code_deploy(&row.seen) {
            return SignedDuration::ZERO;
        }
        let winner = row.decision.as_ref().and_then(|decision| self.board.schedules().get(&decision.schedule));
        winner.map_or(SignedDuration::ZERO, |schedule| schedule.defer_during_deployment)
    }

    /// The boundary at which what is declared now began, where it lies after the tick before.
    fn boundary(&self, target: &TargetId) -> Option<Timestamp> {
        let previous = self.previous?;
        let next_second = Timestamp::from_second(self.now.as_second() + 1).ok()?;
        let segments = self.board.schedules().segments(target, Span { from: previous, to: next_second });
        segments.last().map(|segment| segment.span.from).filter(|from| *from > previous)
    }
}

/// The next instant at which what is declared differs. The timetable gives up on a difference after thousands of changes
/// underneath that change nothing, and says how far it came; going on a few times is enough for every sane schedule.
fn next_of(schedules: &Schedules, target: &TargetId, now: Timestamp) -> Option<NextStatus> {
    let mut ruling = schedules.decide(target, now);
    for _ in 0..4 {
        let at = ruling.until?;
        let next = schedules.decide(target, at);
        if next.decision != ruling.decision {
            return Some(NextStatus { at, floor: next.decision.as_ref().map(Into::into) });
        }
        ruling = next;
    }
    None
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}

/// Where a target stands, for those who print it.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// The target.
    pub target: &'a TargetId,
    /// What is declared.
    pub decision: Option<&'a Decision>,
    /// What was seen.
    pub seen: &'a Seen,
    /// The verdict.
    pub verdict: &'a Verdict,
    /// The failure that stands.
    pub error: Option<&'a EcsError>,
    /// Whether a write is under way.
    pub in_flight: bool,
}
