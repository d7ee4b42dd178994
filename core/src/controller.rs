//! The controller: a state machine of events in, effects and facts out. `now` is always an argument.
//!
//! The shell has one loop: it waits for an event or for [`Controller::wake_at`], hands both over ([`Controller::handle`],
//! [`Controller::tick`]), carries out every effect that [`Controller::poll`] yields, and tells the facts to the log and the
//! metrics. Everything is level-triggered: no timer belongs to a boundary, every tick asks the timetable afresh.
//!
//! What holds whatever happens: at most one write is in flight for a target; a boundary does not wait for a look (a
//! rise is planned against what was last seen); a target that fails, or panics, stops no other.

mod backoff;
mod clock;
mod domain;
mod fact;
mod look;
mod outage;
mod pace;
mod row;
mod standby;
mod tick;
mod urgency;
mod write;

pub use fact::{ChangeKind, ClockTrust, Fact};
pub use tick::panic_message;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use self::clock::WallClock;
use self::domain::Domain;
use self::row::Row;
use self::tick::Tick;
use crate::ecs::{Action, EcsError, Observation, Query};
use crate::lease::Standing as LeaseStanding;
use crate::model::{Site, TargetId, TargetPattern};
use crate::plan::{self, Circumstances, History, Seen, Verdict};
use crate::status::{ConfigurationStatus, NextStatus, Status};
use crate::timetable::{Board, Decision, Members, Schedules};

/// How the controller is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How often everything is looked at, but for many targets in quiet, which are looked at half as often; a look older
    /// than twice this is no ground for lowering.
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
        /// Whom it was put to.
        site: Site,
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
    /// An answer of AWS's told the time there; to be handed over before that answer.
    ClockCompared {
        /// How far the wall clock is ahead of AWS's, see [`crate::ecs::clock_ahead`].
        ahead: SignedDuration,
    },
    /// Where this replica stands among several. Until the first of these every controller writes.
    Lease(LeaseStanding),
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
    Observe {
        /// Whom to ask: one account in one region.
        site: Site,
        /// The question, about targets of that site alone.
        query: Query,
    },
    /// Write to AWS and answer with [`Event::Applied`].
    Apply(Action),
}

/// The time between two glances at the services where something is due or wrong.
pub const GLANCE: SignedDuration = SignedDuration::from_secs(10);

/// The state machine; see the module.
#[derive(Debug)]
pub struct Controller {
    settings: Settings,
    configuration: ConfigurationStatus,
    /// The revision in force, at the last tick; `None`: there is none yet.
    board: Option<Board>,
    /// One for each account and region that the revision names.
    domains: BTreeMap<Site, Domain>,
    facts: Vec<Fact>,
    clock: WallClock,
    load: Load,
    was_ready: bool,
    /// Where this replica stands; `None`: it is the only one.
    lease: Option<LeaseStanding>,
    last_tick: Option<Timestamp>,
    stopping: bool,
    changed: bool,
}

/// Whether the source is to be read, and whether it is being read.
#[derive(Clone, Copy, Debug, Default)]
struct Load {
    due: bool,
    busy: bool,
}

impl Controller {
    /// A controller without a configuration: hand it [`Event::Loaded`], or [`Chore::Load`] to make it ask.
    pub fn new(settings: Settings, source: String) -> Self {
        Controller {
            settings,
            configuration: ConfigurationStatus { source, ..ConfigurationStatus::default() },
            board: None,
            domains: BTreeMap::new(),
            facts: Vec::new(),
            clock: WallClock::new(),
            load: Load::default(),
            last_tick: None,
            was_ready: false,
            lease: None,
            stopping: false,
            changed: true,
        }
    }

    /// Takes in an event. Effects and facts may follow: poll for them.
    pub fn handle(&mut self, now: Timestamp, event: Event) {
        self.follow_clock(now);
        self.changed |= !matches!(event, Event::ClockCompared { .. });
        match event {
            Event::Loaded(outcome) => self.loaded(outcome, now),
            Event::Observed { asked, site, query, observation } => {
                let Some(domain) = self.domains.get_mut(&site) else { return };
                let surroundings = (self.board.as_ref(), &self.settings);
                domain.observed(asked, &query, observation, surroundings, now, &mut self.facts);
            }
            Event::Applied { action, outcome } => {
                let Some(domain) = self.domains.get_mut(&action.target.site) else { return };
                domain.applied(&action, outcome, now, &mut self.facts);
            }
            Event::ClockCompared { ahead } => {
                let changed = self.clock.compare(ahead);
                changed.iter().for_each(|_| self.domains.values_mut().for_each(Domain::doubt_all));
                self.facts.extend(changed);
            }
            Event::Lease(standing) => self.stand(standing),
            Event::Due(chore) => self.note_due(chore, now),
            Event::Shutdown => self.stopping = true,
        }
    }

    /// Asks the timetable and the plan about every target at the instant `now`. To be called once every whole second,
    /// and after events, before polling. Within a second only those are asked about of whom something new is known.
    pub fn tick(&mut self, now: Timestamp) {
        self.follow_clock(now);
        let previous = self.last_tick.replace(now);
        let Some(board) = &mut self.board else { return };
        board.advance(now);
        if previous.is_none_or(|previous| previous.as_second() != now.as_second()) {
            self.domains.values_mut().for_each(Domain::doubt_all);
        }
        let tick = Tick::new(now, previous, board, &self.clock, &self.settings);
        self.domains.values_mut().for_each(|domain| domain.tick(&tick, &mut self.facts));
        self.was_ready = self.is_ready();
        self.changed |= !self.facts.is_empty();
    }

    /// The next thing to do, until there is none.
    pub fn poll(&mut self, now: Timestamp) -> Option<Effect> {
        if self.stopping {
            return None;
        }
        if self.load.due && !self.load.busy {
            self.load = Load { due: false, busy: true };
            return Some(Effect::Load);
        }
        self.next_write(now).map(Effect::Apply).or_else(|| self.next_question(now))
    }

    fn next_write(&mut self, now: Timestamp) -> Option<Action> {
        if self.settings.dry_run || self.stands_by() {
            return None;
        }
        let tick = Tick::new(now, self.last_tick, self.board.as_ref()?, &self.clock, &self.settings);
        self.domains.values_mut().find_map(|domain| domain.next_write(&tick, &mut self.facts))
    }

    fn next_question(&mut self, now: Timestamp) -> Option<Effect> {
        self.board.as_ref()?;
        let surroundings = (self.board.as_ref(), &self.settings);
        self.domains.iter_mut().find_map(|(site, domain)| {
            let query = domain.next_question(surroundings, now)?;
            Some(Effect::Observe { site: site.clone(), query })
        })
    }

    /// The next thing to tell, until there is none.
    pub fn drain_facts(&mut self) -> Vec<Fact> {
        std::mem::take(&mut self.facts)
    }

    /// When [`Controller::tick`] and [`Controller::poll`] are next worth a call without an event: the next whole second,
    /// or earlier where throttled writes may go on.
    pub fn wake_at(&self, now: Timestamp) -> Timestamp {
        let next_second = Timestamp::from_second(now.as_second() + 1).unwrap_or(Timestamp::MAX);
        let held = self.domains.values().filter_map(Domain::held_until).filter(|at| *at > now);
        held.min().map_or(next_second, |at| at.min(next_second))
    }

    /// Whether something was decided, learned or done since the last snapshot.
    pub fn has_changed(&self) -> bool {
        self.changed
    }

    /// Of how many targets AWS was asked once, answered or not.
    pub fn asked(&self) -> usize {
        self.rows().filter(|(_, row)| row.asked).count()
    }

    /// How many writes are under way.
    pub fn writes_in_flight(&self) -> usize {
        self.domains.values().map(|domain| domain.pacer.in_flight()).sum()
    }

    /// The schedules in force; `None`: there are none yet.
    pub fn schedules(&self) -> Option<&Arc<Schedules>> {
        self.board.as_ref().map(Board::schedules)
    }

    /// Whether something is being asked, or will be without a further event.
    pub fn has_questions(&self) -> bool {
        self.domains.values().any(Domain::has_questions)
    }

    /// Whether something is being written, or will be as soon as a pause is over. What only a person can mend is not
    /// waited for.
    pub fn has_writes(&self) -> bool {
        self.writes_in_flight() > 0 || self.domains.values().any(Domain::has_writes) // the first is known without a search
    }

    /// Whether a configuration is in force and every target was asked once, answered or not. Once ready, a later
    /// configuration does not take it back.
    pub fn is_ready(&self) -> bool {
        self.was_ready || (self.board.is_some() && self.domains.values().all(Domain::is_ready))
    }

    /// Every target with its verdict, its declared decision, what was seen, and the failure that stands.
    pub fn standings(&self) -> impl Iterator<Item = Standing<'_>> {
        self.rows().map(|(target, row)| Standing {
            target,
            decision: row.decision.as_ref(),
            seen: &row.seen,
            verdict: &row.verdict,
            error: row.standing_error(),
            in_flight: row.in_flight.is_some(),
        })
    }

    fn rows(&self) -> impl Iterator<Item = (&TargetId, &Row)> {
        self.domains.values().flat_map(|domain| &domain.rows).map(|(target, row)| (target, &**row))
    }

    /// Ends a dry run: from here on writes are sent.
    pub fn allow_writes(&mut self) {
        self.settings.dry_run = false;
    }

    /// The snapshot that every reader shares.
    pub fn status(&mut self, now: Timestamp) -> Status {
        self.changed = false;
        let board = self.board.as_ref();
        let sites = self.domains.values().map(|domain| domain.status(now)).collect();
        let targets = self.domains.values_mut().flat_map(|domain| domain.targets(board, now)).collect();
        Status {
            at: now,
            heartbeat: self.last_tick.unwrap_or(now),
            ready: self.is_ready() && !self.stopping,
            stopping: self.stopping,
            dry_run: self.settings.dry_run,
            lease: self.lease.clone(),
            configuration: self.configuration.clone(),
            sites,
            targets,
        }
    }

    fn note_due(&mut self, chore: Chore, now: Timestamp) {
        self.load.due |= chore == Chore::Load;
        let surroundings = (self.board.as_ref(), &self.settings);
        self.domains.values_mut().for_each(|domain| domain.note_due(chore, surroundings, now));
    }

    /// Keeps ages what they were when the wall clock steps back. A step forward is taken as time that passed.
    fn follow_clock(&mut self, now: Timestamp) {
        let Some(by) = self.clock.follow(now) else { return };
        self.domains.values_mut().for_each(|domain| domain.shift(by));
        self.last_tick = self.last_tick.map(|_| now);
        if by >= SignedDuration::from_secs(1) {
            self.facts.push(Fact::ClockSteppedBack { by });
        }
    }

    // Configuration.

    fn loaded(&mut self, outcome: Result<Option<Revision>, Refusal>, now: Timestamp) {
        self.load.busy = false;
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
        let mut named: BTreeMap<Site, Vec<TargetPattern>> = BTreeMap::new();
        for row in board.schedules().rows() {
            named.entry(row.site.clone()).or_default().push(row);
        }
        for site in named.keys().filter(|site| !self.domains.contains_key(*site)).cloned().collect::<Vec<_>>() {
            self.domains.insert(site.clone(), Domain::new(site, self.settings.seed));
        }
        self.domains.retain(|site, domain| {
            let here = named.remove(site);
            let stays = here.is_some();
            domain.take_over(&board, here.unwrap_or_default(), &self.settings, &mut self.facts);
            stays || !domain.rows.is_empty()
        });
        self.board = Some(board);
        self.last_tick = None; // no tick under the revision before can tell when a floor of this one began
    }
}

/// The next instant at which what is declared differs. The timetable gives up on a difference after thousands of changes
/// underneath that change nothing, and says how far it came; going on a few times is enough for every sane schedule.
fn next_of(board: &Board, members: &Members, now: Timestamp) -> Option<NextStatus> {
    let mut ruling = board.rule(members, now);
    for _ in 0..4 {
        let at = ruling.until?;
        let next = board.rule(members, at);
        if next.decision != ruling.decision {
            return Some(NextStatus { at, floor: next.decision.as_ref().map(Into::into) });
        }
        ruling = next;
    }
    None
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
