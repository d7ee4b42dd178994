//! The world: a controller, the simulated ECS, and the time between a call and its answer.
//!
//! Two clocks: true time, by which the simulation lives and calls travel, and the controller's wall clock, which a test
//! may step. A call reaches AWS half way through its latency; what AWS does then is what the answer tells.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use baseload_core::controller::{Chore, Controller, Effect, Event, Fact, GLANCE, Refusal, Revision, Settings};
use baseload_core::ecs::{Action, EcsError, Operation};
use baseload_core::model::TargetId;
use baseload_core::sim::Sim;
use baseload_core::spec::{self, Limits, Tree};
use baseload_core::status::{ConditionKind, Status, TargetStatus, Truth};
use baseload_core::timetable::{Schedules, Zones};
use jiff::{SignedDuration, Timestamp};

use crate::witness::Witness;

/// How long calls take there and back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Latency {
    pub(crate) read: SignedDuration,
    pub(crate) write: SignedDuration,
    /// After which the caller of a call without an answer gives up.
    pub(crate) timeout: SignedDuration,
}

impl Default for Latency {
    fn default() -> Self {
        Latency {
            read: SignedDuration::from_millis(120),
            write: SignedDuration::from_millis(200),
            timeout: SignedDuration::from_secs(5),
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
    There { effect: Effect, asked: Timestamp, left: Timestamp, latency: SignedDuration },
    Back { event: Event, left: Timestamp },
}

/// How finely time passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stride {
    /// A tick each second, as in life.
    Second,
    /// A tick each second for so long, in true time, and then every twentieth: boundaries are on whole minutes.
    SecondUntil(Timestamp),
}

pub(crate) struct World {
    pub(crate) sim: Sim,
    pub(crate) controller: Controller,
    pub(crate) latency: Latency,
    pub(crate) settings: Settings,
    pub(crate) stride: Stride,
    pub(crate) writes: Vec<Write>,
    pub(crate) facts: Vec<(Timestamp, Fact)>,
    pub(crate) witness: Witness,
    schedules: Option<Revision>,
    at: Timestamp,
    skew: SignedDuration, // the wall clock's, against true time
    travelling: BTreeMap<(Timestamp, u64), Travelling>,
    sent: u64,
    next_resync: Timestamp,
    next_glance: Timestamp,
    next_survey: Timestamp,
}

static ZONES: LazyLock<Zones> = LazyLock::new(Zones::embedded);

fn tree(yaml: &str) -> Tree {
    Tree { files: [("world.yaml".into(), yaml.as_bytes().to_vec())].into() }
}

/// Reads one file of schedules that must be good.
pub(crate) fn schedules(yaml: &str, now: Timestamp) -> Schedules {
    match spec::load(&tree(yaml), &ZONES, &Limits::default(), now) {
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
        let at = sim.now();
        let mut world = World {
            controller: Controller::new(settings.clone(), "test".to_owned()),
            latency: Latency::default(),
            witness: Witness::new(settings.resync),
            settings,
            stride: Stride::Second,
            writes: Vec::new(),
            facts: Vec::new(),
            schedules: None,
            at,
            skew: SignedDuration::ZERO,
            travelling: BTreeMap::new(),
            sent: 0,
            next_resync: at,
            next_glance: at,
            next_survey: at,
            sim,
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
            let next = self.next_stop().min(until);
            self.at = next;
            self.arrive();
            self.turn();
        }
    }

    /// Lets time pass until an instant of today or later, written as `2026-11-20T08:00:00Z`.
    pub(crate) fn run_to(&mut self, until: &str) {
        self.run_until(until.parse().expect("a timestamp"));
    }

    pub(crate) fn run_for(&mut self, seconds: i64) {
        self.run_until(self.at + SignedDuration::from_secs(seconds));
    }

    fn next_stop(&self) -> Timestamp {
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
            Stride::Second | Stride::SecondUntil(_) => 1,
        }
    }

    /// Everything that travels and is due by now comes to its end.
    fn arrive(&mut self) {
        self.sim.advance(self.at);
        while let Some(entry) = self.travelling.first_entry().filter(|entry| entry.key().0 <= self.at) {
            match entry.remove() {
                Travelling::There { effect, asked, left, latency } => self.reach(effect, asked, left, latency),
                Travelling::Back { event, left } => {
                    let wall = self.wall();
                    self.witness.told(&event, left, wall, self.at);
                    self.controller.handle(wall, event);
                }
            }
        }
    }

    /// A call reaches AWS, and its answer leaves.
    fn reach(&mut self, effect: Effect, asked: Timestamp, left: Timestamp, latency: SignedDuration) {
        let (event, answered) = match effect {
            Effect::Load => (Event::Loaded(Ok(None)), true),
            Effect::Observe(query) => {
                let observation = self.sim.observe(&query, self.at);
                (Event::Observed { asked, query, observation }, true)
            }
            Effect::Apply(action) => {
                let outcome = self.write(&action);
                let answered = !matches!(&outcome, Err(error) if error.code == "Timeout");
                (Event::Applied { action, outcome }, answered)
            }
        };
        let back = if answered { latency / 2 } else { self.latency.timeout };
        self.depart(back, Travelling::Back { event, left });
    }

    fn write(&mut self, action: &Action) -> Result<(), EcsError> {
        let existed = self.sim.bounds(&action.target).is_some();
        let outcome = self.sim.apply(action, self.at);
        // AWS takes a pair for a registration where somebody deregistered the target since it was last seen.
        let created = !existed && self.sim.bounds(&action.target).is_some();
        assert!(!created || (action.min.is_some() && action.max.is_some()), "{action:?} created a scalable target");
        outcome
    }

    fn depart(&mut self, after: SignedDuration, what: Travelling) {
        self.sent += 1;
        self.travelling.insert((self.at + after, self.sent), what);
    }

    /// What the shell's loop does each time it wakes.
    fn turn(&mut self) {
        self.do_chores();
        let wall = self.wall();
        self.controller.tick(wall);
        while let Some(effect) = self.controller.poll(wall) {
            self.carry_out(effect);
        }
        for fact in self.controller.drain_facts() {
            self.witness.heard(&fact);
            self.facts.push((self.at, fact));
        }
        self.witness.stepped(&self.controller, self.at);
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

    fn carry_out(&mut self, effect: Effect) {
        let (wall, at) = (self.wall(), self.at);
        let latency = match &effect {
            Effect::Apply(action) => {
                self.witness.sent(action, at);
                self.writes.push(Write { action: action.clone(), wall, at });
                self.latency.write
            }
            Effect::Load | Effect::Observe(_) => self.latency.read,
        };
        self.depart(latency / 2, Travelling::There { effect, asked: wall, left: at, latency });
    }

    // What happens to the process.

    /// New schedules come into force.
    pub(crate) fn edit(&mut self, yaml: &str) {
        let (id, digest) = (format!("{:x}", yaml.len()), tree(yaml).digest());
        let revision = Revision { id, digest, schedules: schedules(yaml, self.at).into() };
        self.witness.configured(&revision.schedules);
        self.schedules = Some(revision.clone());
        let wall = self.wall();
        self.controller.handle(wall, Event::Loaded(Ok(Some(revision))));
        self.turn();
    }

    /// A bad edit.
    pub(crate) fn edit_badly(&mut self, reason: &str) {
        let wall = self.wall();
        self.controller.handle(wall, Event::Loaded(Err(Refusal { reason: reason.to_owned(), held: false })));
        self.turn();
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
        let wall = self.wall();
        self.controller.handle(wall, Event::Loaded(Ok(Some(revision))));
        self.turn();
    }

    /// The process stands still; what was sent goes on.
    pub(crate) fn sleep(&mut self, seconds: i64) {
        let wakes = self.at + SignedDuration::from_secs(seconds);
        while let Some(((at, _), _)) = self.travelling.first_key_value()
            && *at <= wakes
            && self.travelling.values().any(|what| matches!(what, Travelling::There { .. }))
        {
            let ((at, _), what) = self.travelling.pop_first().expect("the key was read a moment ago");
            self.at = at;
            match what {
                Travelling::There { effect, asked, left, latency } => self.reach(effect, asked, left, latency),
                Travelling::Back { .. } => self.depart(wakes.duration_since(at), what),
            }
        }
        self.at = wakes;
        self.arrive();
        self.turn();
    }

    /// The wall clock steps, forward or back.
    pub(crate) fn step_clock(&mut self, seconds: i64) {
        self.skew += SignedDuration::from_secs(seconds);
        self.witness.clock_stepped(self.at);
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
        let found = self.status().targets.into_iter().find(|t| t.cluster == id.cluster && t.service == id.service);
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
        self.target(name).verdict
    }

    /// The true bounds.
    pub(crate) fn bounds(&self, name: &str) -> Option<(u32, u32)> {
        self.sim.bounds(&crate::scene::id(name))
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

    /// The targets whose true floor is not what the schedules say now, as text.
    pub(crate) fn wrong(&self) -> Vec<String> {
        let schedules = &self.schedules.as_ref().expect("a world has schedules from its beginning").schedules;
        let wrong = |target: &TargetId| {
            let floor = schedules.decide(target, self.wall()).decision?.floor;
            let (min, max) = self.sim.bounds(target)?;
            let right = min == floor.min && floor.max.is_none_or(|declared| declared == max);
            (!right).then(|| format!("{target}: {min}..{max}, declared {floor:?}"))
        };
        schedules.exact_targets().iter().filter_map(wrong).collect()
    }
}

fn next_multiple(at: Timestamp, seconds: i64) -> Timestamp {
    let next = (at.as_second().div_euclid(seconds) + 1) * seconds;
    Timestamp::from_second(next).expect("virtual time stays far from the end of time")
}
