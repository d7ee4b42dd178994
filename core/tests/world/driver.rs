//! The world: a controller, the simulated ECS, and the time between a call and its answer.
//!
//! Two clocks: true time, by which the simulation lives and calls travel, and the controller's wall clock, which a test
//! may step. A call reaches AWS half way through its latency; what AWS does then is what the answer tells.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use baseload_core::controller::{Chore, Controller, Effect, Event, Fact, GLANCE, Refusal, Revision, Settings};
use baseload_core::ecs::{Action, Answer, EcsError, Observation, Operation, clock_ahead};
use baseload_core::model::Site;
use baseload_core::sim::Sim;
use baseload_core::spec::{self, Limits, Tree};
use baseload_core::status::{ConditionKind, Status, TargetStatus, Truth};
use baseload_core::timetable::{Schedules, Zones};
use jiff::{SignedDuration, Timestamp};

use crate::abroad::{local, localised, told_of};
use crate::planted::Bug;
use crate::witness::Witness;

/// How long calls take there and back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Latency {
    pub(crate) read: SignedDuration,
    pub(crate) write: SignedDuration,
    /// After which the caller of a call without an answer gives up.
    pub(crate) timeout: SignedDuration,
    /// How much longer a call may be on its way than another that left with it.
    pub(crate) spread: SignedDuration,
}

impl Default for Latency {
    fn default() -> Self {
        Latency {
            read: SignedDuration::from_millis(120),
            write: SignedDuration::from_millis(200),
            timeout: SignedDuration::from_secs(5),
            spread: SignedDuration::ZERO,
        }
    }
}

/// A write as it left, by the controller's clock and in true time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Write {
    pub(crate) action: Action,
    pub(crate) wall: Timestamp,
    pub(crate) at: Timestamp,
}

/// A call on its way; `left` is the true time at which it left, `asked` the same by the controller's clock.
#[derive(Clone, Debug)]
enum Travelling {
    There {
        effect: Effect,
        asked: Timestamp,
        left: Timestamp,
        latency: SignedDuration,
    },
    /// `date` is AWS's clock when it answered, where it did.
    Back {
        event: Event,
        asked: Timestamp,
        left: Timestamp,
        date: Option<Timestamp>,
    },
}

/// How finely time passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stride {
    /// A tick each second, as in life.
    Second,
    /// A tick each second for so long, in true time, and then every twentieth: boundaries are on whole minutes.
    SecondUntil(Timestamp),
    /// A tick every so many seconds.
    Every(i64),
}

pub(crate) struct World {
    pub(crate) sim: Sim,
    /// The accounts and regions beside the controller's own.
    pub(crate) elsewhere: BTreeMap<Site, Sim>,
    pub(crate) controller: Controller,
    pub(crate) latency: Latency,
    pub(crate) settings: Settings,
    /// What the operator grants.
    pub(crate) limits: Limits,
    pub(crate) stride: Stride,
    pub(crate) writes: Vec<Write>,
    pub(crate) facts: Vec<(Timestamp, Fact)>,
    pub(crate) witness: Witness,
    /// A bug that this controller has, seen from outside.
    pub(crate) planted: Option<Bug>,
    /// What the controller was given last.
    schedules: Option<Revision>,
    yaml: String,
    edits: usize,
    asleep_until: Timestamp,
    at: Timestamp,
    skew: SignedDuration, // the wall clock's, against true time
    travelling: BTreeMap<(Timestamp, u64), Travelling>,
    sent: u64,
    next_resync: Timestamp,
    next_glance: Timestamp,
    next_survey: Timestamp,
}

static ZONES: LazyLock<Zones> = LazyLock::new(Zones::embedded);

/// Every account of the scenes may be named, and every target.
pub(crate) fn limits() -> Limits {
    Limits { accounts: ["prod", "test"].map(Into::into).into(), ..Limits::default() }
}

/// Reads one file of schedules that must be good.
pub(crate) fn schedules(yaml: &str, limits: &Limits, now: Timestamp) -> Schedules {
    let mut tree = Tree::default();
    tree.files.insert("world.yaml".into(), yaml.as_bytes().to_vec());
    match spec::load(&tree, &ZONES, limits, now) {
        Ok(loaded) => loaded.schedules,
        Err(mistakes) => panic!("the test's schedules are wrong: {mistakes:?}\n{yaml}"),
    }
}

impl World {
    /// A controller that starts now, with these schedules, over this account.
    pub(crate) fn new(sim: Sim, yaml: &str) -> Self {
        World::with(sim, yaml, Settings::default())
    }

    pub(crate) fn with(sim: Sim, yaml: &str, settings: Settings) -> Self {
        World::planted(sim, yaml, settings, None)
    }

    pub(crate) fn planted(sim: Sim, yaml: &str, mut settings: Settings, planted: Option<Bug>) -> Self {
        if let Some(planner) = planted.and_then(Bug::planner) {
            settings.planner = planner;
        }
        let at = sim.now();
        let mut world = World {
            controller: Controller::new(settings.clone(), "test".to_owned()),
            latency: Latency::default(),
            witness: Witness::new(settings.resync),
            settings,
            limits: limits(),
            stride: Stride::Second,
            writes: Vec::new(),
            facts: Vec::new(),
            planted,
            schedules: None,
            yaml: String::new(),
            edits: 0,
            asleep_until: at,
            at,
            skew: SignedDuration::ZERO,
            travelling: BTreeMap::new(),
            sent: 0,
            next_resync: at,
            next_glance: at,
            next_survey: at,
            sim,
            elsewhere: BTreeMap::new(),
        };
        world.start_chores();
        world.edit(yaml);
        world
    }

    fn start_chores(&mut self) {
        self.next_resync = self.at + self.settings.resync;
        self.next_glance = self.at + GLANCE;
        self.next_survey = self.at + SignedDuration::from_hours(1);
    }

    /// True time.
    pub(crate) fn at(&self) -> Timestamp {
        self.at
    }

    /// What the controller's clock shows.
    pub(crate) fn wall(&self) -> Timestamp {
        self.at + self.skew
    }

    /// Lets time pass until the true time `until`.
    pub(crate) fn run_until(&mut self, until: Timestamp) {
        while self.at < until {
            let stop = self.next_stop().min(until);
            self.step(stop);
        }
    }

    /// It is `stop`, the next stop at the latest.
    pub(crate) fn step(&mut self, stop: Timestamp) {
        self.at = stop;
        self.arrive();
        self.turn();
    }

    /// Lets time pass until an instant of today or later, written as `2026-11-20T08:00:00Z`.
    pub(crate) fn run_to(&mut self, until: &str) {
        self.run_until(until.parse().expect("a timestamp"));
    }

    pub(crate) fn run_for(&mut self, seconds: i64) {
        self.run_until(self.at + SignedDuration::from_secs(seconds));
    }

    /// When something is next to be done.
    pub(crate) fn next_stop(&self) -> Timestamp {
        if self.is_asleep() {
            let arrival = self.travelling.first_key_value().map_or(Timestamp::MAX, |((at, _), _)| *at);
            return arrival.min(self.asleep_until);
        }
        let second = next_multiple(self.wall(), self.stride_seconds()) - self.skew;
        let woken = self.controller.wake_at(self.wall()) - self.skew;
        let arrival = self.travelling.first_key_value().map_or(Timestamp::MAX, |((at, _), _)| *at);
        let is_early = woken < next_multiple(self.wall(), 1) - self.skew;
        let stop = second.min(arrival);
        if is_early { stop.min(woken) } else { stop }
    }

    fn stride_seconds(&self) -> i64 {
        match self.stride {
            Stride::SecondUntil(until) if self.at >= until => 20,
            Stride::Every(seconds) => seconds,
            Stride::Second | Stride::SecondUntil(_) => 1,
        }
    }

    /// Everything that travels and is due by now comes to its end.
    fn arrive(&mut self) {
        let at = self.at;
        self.sims().for_each(|sim| sim.advance(at));
        while let Some(entry) = self.travelling.first_entry().filter(|entry| entry.key().0 <= self.at) {
            match entry.remove() {
                Travelling::There { effect, asked, left, latency } => self.reach(effect, asked, left, latency),
                back @ Travelling::Back { .. } if self.is_asleep() => {
                    self.depart(self.asleep_until.duration_since(self.at), back);
                }
                Travelling::Back { event, asked, left, date } => {
                    let wall = self.wall();
                    if let Some(ahead) =
                        date.and_then(|date| clock_ahead(asked, wall, self.at.duration_since(left), date))
                    {
                        self.witness.dated(left);
                        self.hear(Event::ClockCompared { ahead });
                    }
                    self.witness.told(&event, left, wall, self.at);
                    self.hear(event);
                }
            }
        }
    }

    /// The controller is told, as far as it listens.
    fn hear(&mut self, event: Event) {
        let wall = self.wall();
        let heard = match self.planted {
            None => Some(event),
            Some(bug) => {
                bug.blunders(&event).into_iter().for_each(|effect| self.carry_out(effect));
                bug.mishears(event, wall)
            }
        };
        if let Some(event) = heard {
            self.controller.handle(wall, event);
        }
    }

    /// A call reaches AWS, and its answer leaves.
    fn reach(&mut self, effect: Effect, asked: Timestamp, left: Timestamp, latency: SignedDuration) {
        let (event, answered) = match effect {
            Effect::Load => {
                let event = Event::Loaded(Ok(None));
                return self.depart(latency / 2, Travelling::Back { event, asked, left, date: None });
            }
            Effect::Observe { site, query } => {
                let at = self.at;
                let observation = self.sim_at(&site).observe(&localised(&query), at);
                let observation = told_of(&site, observation);
                let answered = tells_the_time(&observation);
                (Event::Observed { asked, site, query, observation }, answered)
            }
            Effect::Apply(action) => {
                let outcome = self.write(&action);
                let answered = outcome.as_ref().err().is_none_or(is_from_aws);
                (Event::Applied { action, outcome }, answered)
            }
        };
        let is_lost = matches!(&event, Event::Applied { outcome: Err(error), .. } if error.code == "Timeout");
        let back = if is_lost { self.latency.timeout } else { latency / 2 };
        let date = answered.then(|| Timestamp::from_second(self.at.as_second()).expect("a second of today"));
        self.depart(back, Travelling::Back { event, asked, left, date });
    }

    /// Every account and region that there is.
    pub(crate) fn sims(&mut self) -> impl Iterator<Item = &mut Sim> {
        std::iter::once(&mut self.sim).chain(self.elsewhere.values_mut())
    }

    /// From here on all accounts are with the other.
    pub(crate) fn hand_accounts(&mut self, other: &mut World) {
        std::mem::swap(&mut self.sim, &mut other.sim);
        std::mem::swap(&mut self.elsewhere, &mut other.elsewhere);
    }

    /// The account and region of its name.
    pub(crate) fn sim_at(&mut self, site: &Site) -> &mut Sim {
        match site.is_home() {
            true => &mut self.sim,
            false => self.elsewhere.get_mut(site).expect("the scene has every account that its schedules name"),
        }
    }

    fn write(&mut self, action: &Action) -> Result<(), EcsError> {
        let (at, sim) = (self.at, self.sim_at(&action.target.site));
        let action = &Action { target: local(&action.target), ..action.clone() };
        let existed = sim.bounds(&action.target).is_some();
        let outcome = sim.apply(action, at);
        // AWS takes a pair for a registration where somebody deregistered the target since it was last seen.
        let created = !existed && sim.bounds(&action.target).is_some();
        assert!(!created || (action.min.is_some() && action.max.is_some()), "{action:?} created a scalable target");
        outcome
    }

    fn depart(&mut self, after: SignedDuration, what: Travelling) {
        self.sent += 1;
        self.travelling.insert((self.at + after, self.sent), what);
    }

    /// What the shell's loop does each time it wakes.
    fn turn(&mut self) {
        if self.is_asleep() {
            return;
        }
        self.do_chores();
        let wall = self.wall();
        self.controller.tick(wall);
        self.listen();
        while let Some(effect) = self.controller.poll(wall) {
            self.carry_out(effect);
        }
        self.listen();
        self.witness.stepped(&self.controller);
    }

    fn listen(&mut self) {
        for fact in self.controller.drain_facts() {
            self.witness.heard(&fact, self.at);
            self.facts.push((self.at, fact));
        }
    }

    fn do_chores(&mut self) {
        let wall = self.wall();
        let chores = [
            (Chore::Resync, &mut self.next_resync, self.settings.resync),
            (Chore::Glance, &mut self.next_glance, GLANCE),
            (Chore::Survey, &mut self.next_survey, SignedDuration::from_hours(1)),
        ];
        for (chore, due, every) in chores {
            if *due <= self.at {
                *due = self.at + every;
                self.controller.handle(wall, Event::Due(chore));
            }
        }
    }

    /// How far the wall clock is ahead of true time.
    pub(crate) fn skew(&self) -> SignedDuration {
        self.skew
    }

    fn carry_out(&mut self, effect: Effect) {
        let (wall, at) = (self.wall(), self.at);
        let latency = match &effect {
            Effect::Apply(action) => {
                self.witness.sent(action, at);
                self.writes.push(Write { action: action.clone(), wall, at });
                self.latency.write
            }
            Effect::Load | Effect::Observe { .. } => self.latency.read,
        };
        let latency = latency + self.latency.spread * i32::try_from(self.sent % 16).expect("a few") / 16;
        self.depart(latency / 2, Travelling::There { effect, asked: wall, left: at, latency });
    }

    // What happens to the process.

    /// New schedules come into force.
    pub(crate) fn edit(&mut self, yaml: &str) {
        self.edits += 1;
        self.yaml = yaml.to_owned();
        let revision = self.read(yaml);
        self.witness.configured(&revision.schedules);
        let made =
            self.planted.and_then(|bug| bug.misreads(yaml)).map_or_else(|| revision.clone(), |yaml| self.read(&yaml));
        self.schedules = Some(made.clone());
        self.hear(Event::Loaded(Ok(Some(made))));
        self.turn();
    }

    /// Whether these are the schedules of the last edit.
    pub(crate) fn has_in_force(&self, yaml: &str) -> bool {
        self.yaml == yaml
    }

    fn read(&self, yaml: &str) -> Revision {
        let id = format!("edit-{}", self.edits);
        Revision { digest: id.clone(), id, schedules: schedules(yaml, &self.limits, self.at).into() }
    }

    /// A bad edit.
    pub(crate) fn edit_badly(&mut self, reason: &str) {
        self.hear(Event::Loaded(Err(Refusal { reason: reason.to_owned(), held: false })));
        self.turn();
        let in_force = self.status().configuration.revision;
        assert_eq!(
            in_force,
            Some(format!("edit-{}", self.edits)),
            "a bad edit is not in force, and the last good one is"
        );
    }

    /// The process is killed, with whatever it had under way, and starts anew. Calls that had left reach AWS all the same.
    pub(crate) fn restart(&mut self) {
        let mut travelling = std::mem::take(&mut self.travelling);
        travelling.retain(|_, what| matches!(what, Travelling::There { effect: Effect::Apply(_), .. }));
        for (_, what) in travelling {
            if let Travelling::There { effect: Effect::Apply(action), .. } = what {
                let _ = self.write(&action); // whoever asked is dead
            }
        }
        self.witness.restarted();
        self.controller = Controller::new(self.settings.clone(), "test".to_owned());
        self.start_chores();
        let revision = self.schedules.clone().expect("a world has schedules from its beginning");
        self.asleep_until = self.at;
        self.hear(Event::Loaded(Ok(Some(revision))));
        self.turn();
    }

    /// The process stands still; what was sent goes on.
    pub(crate) fn sleep(&mut self, seconds: i64) {
        self.fall_asleep(seconds);
        self.run_until(self.asleep_until);
    }

    /// The process stands still for so long, while time is let pass.
    pub(crate) fn fall_asleep(&mut self, seconds: i64) {
        self.asleep_until = self.at + SignedDuration::from_secs(seconds);
        self.witness.falls_asleep(self.at, self.asleep_until);
    }

    /// The process goes on at once, and finds what came meanwhile.
    pub(crate) fn wake_up(&mut self) {
        self.asleep_until = self.at;
        self.witness.woken(self.at);
        for ((due, _), what) in std::mem::take(&mut self.travelling) {
            let after = match &what {
                Travelling::There { .. } => due.duration_since(self.at),
                Travelling::Back { .. } => SignedDuration::ZERO,
            };
            self.depart(after, what);
        }
    }

    fn is_asleep(&self) -> bool {
        self.at < self.asleep_until
    }

    /// The wall clock steps, forward or back.
    pub(crate) fn step_clock(&mut self, seconds: i64) {
        self.skew += SignedDuration::from_secs(seconds);
        // Whoever sleeps through it feels it on waking.
        self.witness.clock_stepped(self.at.max(self.asleep_until), self.skew);
        if seconds < 0 && !self.is_asleep() {
            self.witness.clock_stepped_back(self.at);
        }
        self.turn();
    }

    pub(crate) fn shut_down(&mut self) {
        let wall = self.wall();
        self.controller.handle(wall, Event::Shutdown);
        self.turn();
    }

    /// Whether something was sent and has not come back.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.travelling.is_empty()
    }

    // What can be seen.

    pub(crate) fn status(&mut self) -> Status {
        let wall = self.wall();
        self.controller.status(wall)
    }

    pub(crate) fn target(&mut self, name: &str) -> TargetStatus {
        let id = crate::scene::id(name);
        let found = self.status().targets.into_iter().find(|target| target.id() == id);
        found.map_or_else(|| panic!("{name} has no row"), |target| (*target).clone())
    }

    pub(crate) fn condition(&mut self, name: &str, kind: ConditionKind) -> Truth {
        let target = self.target(name);
        target.conditions.iter().find(|condition| condition.kind == kind).map_or(Truth::Unknown, |found| found.status)
    }

    pub(crate) fn reason(&mut self, name: &str, kind: ConditionKind) -> String {
        let target = self.target(name);
        let found = target.conditions.iter().find(|condition| condition.kind == kind);
        found.map_or_else(String::new, |found| found.reason.to_string())
    }

    pub(crate) fn verdict(&mut self, name: &str) -> String {
        self.target(name).verdict.into_owned()
    }

    /// The true bounds.
    pub(crate) fn bounds(&self, name: &str) -> Option<(u32, u32)> {
        let id = crate::scene::id(name);
        self.elsewhere.get(&id.site).unwrap_or(&self.sim).bounds(&local(&id))
    }

    pub(crate) fn min(&self, name: &str) -> u32 {
        self.bounds(name).unwrap_or_else(|| panic!("{name} is not registered")).0
    }

    pub(crate) fn desired(&self, name: &str) -> u32 {
        self.sim.service(&crate::scene::id(name)).unwrap_or_else(|| panic!("{name} is not there")).desired
    }

    pub(crate) fn calls(&self, operation: Operation) -> u64 {
        self.sim.calls().get(&operation).copied().unwrap_or(0)
    }

    /// The minima that were sent to a target, in order.
    pub(crate) fn minima(&self, name: &str) -> Vec<Option<u32>> {
        let id = crate::scene::id(name);
        self.writes.iter().filter(|write| write.action.target == id).map(|write| write.action.min).collect()
    }

    /// Forgets the writes and facts so far.
    pub(crate) fn forget(&mut self) {
        self.writes.clear();
        self.facts.clear();
    }

    pub(crate) fn count_facts(&self, fits: impl Fn(&Fact) -> bool) -> usize {
        self.facts.iter().filter(|(_, fact)| fits(fact)).count()
    }

    /// The latenesses that were told of a target's writes.
    pub(crate) fn latenesses(&self) -> Vec<SignedDuration> {
        let lateness = |fact: &Fact| match fact {
            Fact::Accepted { lateness, .. } => *lateness,
            _ => None,
        };
        self.facts.iter().filter_map(|(_, fact)| lateness(fact)).collect()
    }
}

/// Whether some part of an answer came from AWS, refusal or not, and so told the time there.
fn tells_the_time(observation: &Observation) -> bool {
    fn any<T>(answer: &Answer<T>) -> bool {
        !answer.found.is_empty()
            || answer.failed.is_empty()
            || answer.failed.iter().any(|failure| is_from_aws(&failure.error))
    }
    match observation {
        Observation::Targets(answer) => any(answer),
        Observation::Services(answer) => any(answer),
        Observation::Survey(answer) => any(answer),
    }
}

fn is_from_aws(error: &EcsError) -> bool {
    error.code != "Timeout" && error.code != "DispatchFailure"
}

fn next_multiple(at: Timestamp, seconds: i64) -> Timestamp {
    let next = (at.as_second().div_euclid(seconds) + 1) * seconds;
    Timestamp::from_second(next).expect("virtual time stays far from the end of time")
}
