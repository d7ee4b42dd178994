//! The adversary: from a seed, hours of everything that can go wrong, with the witness looking on at every step; then
//! everyone lets go, and from then on every floor is what a judge of its own says, minute by minute.
//!
//! Half of the seeds have services in a second account, with faults, throttles and rivals of its own.
//!
//! One seed is one trace, byte for byte. A seed that fails prints the command that replays it. `BASELOAD_SEEDS` says how
//! many are run, `BASELOAD_FIRST_SEED` from which on, `BASELOAD_SEED` which one alone.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use baseload_core::controller::Settings;
use baseload_core::ecs::{DeploymentController, Operation};
use baseload_core::model::{Floor, Site};
use baseload_core::sim::{Family, Fault, Lasting, Rate, Scope, ServiceSpec, Sim};
use baseload_core::status::{ConditionKind, Truth};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::abroad::local;
use crate::dice::Dice;
use crate::driver::{Latency, Stride, World};
use crate::planted::Bug;
use crate::scene::{START, id, service};
use crate::timetable::{NAMES, Timetable};

/// How many seeds a plain run of the tests takes.
const SEEDS: u64 = 400;

/// How one seed is seen again, once its number is known.
const REPLAY: &str = "cargo test -p baseload-core --test world adversary_every -- --nocapture";

/// Longer than the longest pause after a refusal, which is 20 min.
const CONVALESCENCE: i64 = 25 * 60;

/// One account or two, and the replicas that all believe themselves alone with them.
struct Siege {
    dice: Dice,
    names: Vec<&'static str>,
    timetable: Timetable,
    /// The simulated accounts are with the first, but for the moments at which another acts.
    replicas: Vec<World>,
}

impl Siege {
    fn lay(seed: u64, bug: Option<Bug>) -> Siege {
        let mut dice = Dice(seed);
        let names = NAMES[..dice.count(2, 6) as usize].to_vec();
        let start: Timestamp = START.parse().expect("a timestamp");
        let start = start + SignedDuration::from_secs(dice.between(0, 7 * 86_400));
        let mut sim = Sim::new(seed, TimeZone::UTC, start);
        let mut elsewhere: BTreeMap<Site, Sim> = BTreeMap::new();
        for target in names.iter().map(|name| id(name)) {
            let account = match target.site.is_home() {
                true => &mut sim,
                false => elsewhere.entry(target.site.clone()).or_insert_with(|| Sim::new(!seed, TimeZone::UTC, start)),
            };
            account.add_service(local(&target), &invent_service(&mut dice));
        }
        let timetable = Timetable::invent(&mut dice, &names);
        let stride = Stride::Every(dice.pick(&[1, 1, 2, 5, 15]));
        let settings = Settings { seed, ..Settings::default() };
        let mut first = World::planted(sim, &timetable.yaml(), settings, bug);
        first.stride = stride;
        first.elsewhere = elsewhere;
        let mut siege = Siege { dice, names, timetable, replicas: vec![first] };
        if siege.dice.once_in(4) {
            siege.add_replica(seed, start, bug);
        }
        siege
    }

    /// Half of the replicas have another revision until the siege is over.
    fn add_replica(&mut self, seed: u64, start: Timestamp, bug: Option<Bug>) {
        let other = Timetable::invent(&mut self.dice, &self.names);
        let timetable = if self.dice.once_in(2) { &other } else { &self.timetable };
        let nowhere = Sim::new(0, TimeZone::UTC, start);
        let settings = Settings { seed: !seed, ..Settings::default() };
        let mut replica = World::planted(nowhere, &timetable.yaml(), settings, bug);
        replica.stride = self.replicas[0].stride;
        self.replicas.push(replica);
    }

    fn at(&self) -> Timestamp {
        self.replicas[0].at()
    }

    /// The account and region of a service.
    fn sim_of(&mut self, name: &str) -> &mut Sim {
        self.replicas[0].sim_at(&id(name).site)
    }

    fn run_until(&mut self, until: Timestamp) {
        while self.at() < until {
            let stops = self.replicas.iter().map(World::next_stop);
            let stop = stops.min().unwrap_or(until).min(until);
            for replica in 0..self.replicas.len() {
                self.with_sim(replica, |world| world.step(stop));
            }
        }
    }

    fn run_for(&mut self, seconds: i64) {
        self.run_until(self.at() + SignedDuration::from_secs(seconds));
    }

    /// Hands the accounts over to a replica for as long as it acts.
    fn with_sim(&mut self, replica: usize, act: impl FnOnce(&mut World)) {
        let (first, others) = self.replicas.split_first_mut().expect("a siege has a replica at least");
        let Some(other) = replica.checked_sub(1).map(|at| &mut others[at]) else { return act(first) };
        first.hand_accounts(other);
        act(other);
        other.hand_accounts(first);
    }

    fn name(&mut self) -> &'static str {
        self.dice.pick(&self.names.clone())
    }

    // Chaos.

    fn rage(&mut self) {
        let steps_clock = self.dice.once_in(2);
        let hours = self.dice.pick(&[1, 2, 2, 3, 4, 6, 12]);
        let end = self.at() + SignedDuration::from_hours(hours);
        while self.at() < end {
            match self.dice.between(0, 10) {
                0..=2 => self.cause_a_fault(),
                3..=5 => self.meddle(),
                6 => self.trouble_aws(),
                7 => self.contend(),
                8 if steps_clock => {
                    let seconds = self.dice.pick(&[-3600, -600, -100, -20, 20, 100, 600, 3600]);
                    self.trouble_one(|world, _| world.step_clock(seconds));
                }
                _ => self.trouble_a_process(),
            }
            let pause = self.dice.pick(&[1_000, 30_000, 120_000, 600_000, 1_800_000]);
            let next = self.at() + SignedDuration::from_millis(self.dice.between(100, pause));
            self.run_until(next);
        }
    }

    fn cause_a_fault(&mut self) {
        let codes = [
            "ThrottlingException",
            "InternalServiceException",
            "ConcurrentUpdateException",
            "AccessDeniedException",
            "ValidationException",
            "LimitExceededException",
            "ExpiredTokenException",
            "ServiceUnavailable",
        ];
        let fault = match self.dice.between(0, 3) {
            0 => Fault::LoseAnswer,
            1 => Fault::Unreachable,
            _ => Fault::refuse(self.dice.pick(&codes)),
        };
        let victim = self.name();
        let scope = match self.dice.between(0, 3) {
            0 => Scope::Everything,
            1 => Scope::WritesTo(local(&id(victim))),
            _ => Scope::Operation(self.dice.pick(&Operation::ALL)),
        };
        let lasting = match self.dice.between(0, 1) {
            0 => Lasting::Times(self.dice.count(1, 10)),
            _ => Lasting::Until(self.at() + SignedDuration::from_secs(self.dice.between(1, 3_000))),
        };
        self.sim_of(victim).inject(scope, fault, lasting);
    }

    /// Someone else's hands on AWS.
    fn meddle(&mut self) {
        let name = self.name();
        let (what, count) = (self.dice.between(0, 6), self.dice.count(0, 14));
        let is_registered = self.replicas[0].bounds(name).is_some();
        let world = &mut self.replicas[0];
        match what {
            0 if is_registered => world.deregister(name),
            1 if is_registered => world.scale_by_hand(name, count),
            2 if is_registered => {
                let suspended = count % 2 == 1;
                world.rival(name, &json!({ "SuspendedState": { "ScheduledScalingSuspended": suspended } }));
            }
            3 => world.sim_at(&id(name).site).begin_deployment(&local(&id(name))),
            4 => world.sim_at(&id(name).site).end_deployment(&local(&id(name))),
            _ => world.rival(name, &json!({ "MinCapacity": count / 2, "MaxCapacity": count / 2 + count % 5 })),
        }
    }

    /// Someone who never gives in: a loop that sets the same bounds again and again.
    fn contend(&mut self) {
        let (name, min) = (self.name(), self.dice.count(0, 9));
        let every = self.dice.pick(&[5, 30, 120, 300, 900]);
        for _ in 0..self.dice.between(3, (5400 / every).min(60)) {
            self.replicas[0].rival(name, &json!({ "MinCapacity": min, "MaxCapacity": 20 }));
            self.run_for(every);
        }
    }

    fn trouble_aws(&mut self) {
        let (stale, burst) = (self.dice.between(0, 60), self.dice.count(1, 5));
        let (trouble, name) = (self.dice.between(0, 2), self.name());
        let sim = self.sim_of(name);
        match trouble {
            0 => sim.set_stale_reads(SignedDuration::from_secs(stale)),
            1 => sim.limit(Family::AutoScaling, Some(Rate { burst, per_second: 1 })),
            _ => sim.limit(Family::AutoScaling, None),
        }
    }

    fn trouble_one(&mut self, trouble: impl FnOnce(&mut World, &mut Dice)) {
        let replica = self.dice.count(0, i64::try_from(self.replicas.len()).expect("a few") - 1) as usize;
        let mut dice = Dice(self.dice.roll());
        self.with_sim(replica, |world| trouble(world, &mut dice));
    }

    fn trouble_a_process(&mut self) {
        match self.dice.between(0, 5) {
            0 | 1 => self.trouble_one(|world, _| world.restart()),
            2 => self.trouble_one(|world, dice| world.fall_asleep(dice.between(1, 4_000))),
            3 => {
                self.timetable = Timetable::invent(&mut self.dice, &self.names);
                let yaml = self.timetable.yaml();
                self.trouble_one(|world, _| world.edit(&yaml));
            }
            4 => self.trouble_one(|world, _| world.edit_badly("a mistake")),
            _ => self.trouble_one(|world, dice| {
                let mut millis = |low, high| SignedDuration::from_millis(dice.between(low, high));
                world.latency = Latency { read: millis(10, 40_000), write: millis(10, 8_000), ..Latency::default() };
            }),
        }
    }

    // Peace.

    /// Everyone lets go, AWS is well, clocks are right, and all replicas have the same revision.
    fn heal(&mut self) {
        for sim in self.replicas[0].sims() {
            sim.clear_faults();
            sim.limit(Family::AutoScaling, None);
            sim.set_stale_reads(SignedDuration::ZERO);
        }
        for name in self.names.clone() {
            self.sim_of(name).end_deployment(&local(&id(name)));
            let suspended = json!({ "ScheduledScalingSuspended": false });
            let max = 30;
            self.replicas[0].rival(name, &json!({ "MaxCapacity": max, "MinCapacity": 1, "SuspendedState": suspended }));
        }
        let yaml = self.timetable.yaml();
        for replica in 0..self.replicas.len() {
            self.with_sim(replica, |world| {
                world.wake_up();
                world.latency = Latency::default();
                world.step_clock(-world.skew().as_secs());
                if !world.has_in_force(&yaml) {
                    world.edit(&yaml);
                }
            });
        }
    }

    /// Every minute of two hours every floor is right, or stands above it because someone contested it; and when nobody
    /// has for long enough, it is right.
    fn check_peace(&mut self) {
        let mut minute = (self.at().as_second() / 60 + 1) * 60;
        for _ in 0..120 {
            self.run_until(Timestamp::from_second(minute + 5).expect("a timestamp"));
            self.assert_right();
            minute += 60;
        }
        if self.names.clone().iter().any(|name| self.is_contested(name)) {
            self.replicas.iter_mut().for_each(|world| world.stride = Stride::Every(15));
            self.run_for(9 * 3600);
            let contested: Vec<_> = self.names.clone().into_iter().filter(|name| self.is_contested(name)).collect();
            assert!(contested.is_empty(), "{contested:?} are contested for ever");
            self.run_until(Timestamp::from_second((self.at().as_second() / 60 + 1) * 60 + 5).expect("a timestamp"));
            self.assert_right();
        }
    }

    fn is_contested(&mut self, name: &str) -> bool {
        self.replicas.iter_mut().any(|world| world.condition(name, ConditionKind::Contested) == Truth::True)
    }

    /// What someone else raised stays raised where it is declared within two minutes.
    fn is_due_soon(&self, name: &str, min: u32) -> bool {
        let soon = |minutes| self.timetable.floor(name, self.at() + SignedDuration::from_mins(minutes));
        (1..=2).any(|minutes| soon(minutes).is_some_and(|declared| declared.min >= min))
    }

    fn assert_right(&mut self) {
        for name in self.names.clone() {
            let Some(declared) = self.timetable.floor(name, self.at()) else { continue };
            let (min, max) = self.replicas[0].bounds(name).expect("everything was registered again");
            let Floor { min: floor, max: ceiling } = declared;
            // A write of before the peace may have arrived after it: a max that nobody declares any more limits the floor.
            let floor = if ceiling.is_none() { floor.min(max) } else { floor };
            let is_right = min == floor && ceiling.is_none_or(|ceiling| ceiling == max);
            let is_excused = min >= floor
                && ceiling.is_none_or(|ceiling| max >= ceiling)
                && (self.is_contested(name) || self.is_due_soon(name, min));
            let mut what = || self.replicas.iter_mut().map(|world| world.target(name)).collect::<Vec<_>>();
            assert!(is_right || is_excused, "{name} has {min}..{max}, declared {declared:?}: {:#?}", what());
        }
    }

    /// A number that differs wherever anything that was sent or told does.
    fn digest(&self) -> u64 {
        let mut digest = Digest(0xcbf2_9ce4_8422_2325);
        for world in &self.replicas {
            let _ = write!(digest, "{:?}{:?}", world.writes, world.facts);
        }
        digest.0
    }
}

/// FNV-1a over whatever is written to it.
struct Digest(u64);

impl std::fmt::Write for Digest {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Ok(())
    }
}

fn invent_service(dice: &mut Dice) -> ServiceSpec {
    ServiceSpec {
        cpu_target: dice.once_in(2).then_some(70),
        deployment_controller: dice.pick(&[DeploymentController::Ecs, DeploymentController::CodeDeploy]),
        ..service(1, 10)
    }
}

/// One seed from beginning to end; the digest of its trace.
fn play(seed: u64, bug: Option<Bug>) -> u64 {
    let mut siege = Siege::lay(seed, bug);
    siege.rage();
    siege.heal();
    siege.run_for(CONVALESCENCE);
    siege.check_peace();
    siege.digest()
}

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

#[test]
fn adversary_every_seed_survives_chaos_and_ends_with_every_floor_right() {
    let seeds = match from_environment("BASELOAD_SEED") {
        Some(seed) => seed..seed + 1,
        None => {
            let first = from_environment("BASELOAD_FIRST_SEED").unwrap_or(0);
            first..first + from_environment("BASELOAD_SEEDS").unwrap_or(SEEDS)
        }
    };
    let next = AtomicU64::new(seeds.start);
    let workers = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    if std::panic::catch_unwind(|| play(seed, None)).is_err() {
                        next.store(u64::MAX / 2, Ordering::Relaxed); // the other workers need not go on
                        panic!("replay: BASELOAD_SEED={seed} {REPLAY}");
                    }
                }
            });
        }
    });
}

#[test]
fn adversary_the_same_seed_gives_the_same_trace_byte_for_byte() {
    let seeds = 0..20;
    let once: Vec<_> = seeds.clone().map(|seed| play(seed, None)).collect();
    let again: Vec<_> = seeds.map(|seed| play(seed, None)).collect();
    assert_eq!(once, again);
    let distinct: std::collections::BTreeSet<_> = once.iter().collect();
    assert_eq!(distinct.len(), once.len(), "seeds differ");
}

/// Whether some seed finds a bug that is planted in every controller.
fn is_caught(bug: Bug) -> bool {
    (0..SEEDS).any(|seed| std::panic::catch_unwind(|| play(seed, Some(bug))).is_err())
}

macro_rules! planted {
    ($($name:ident: $bug:ident;)*) => {$(
        #[test]
        fn $name() {
            assert!(is_caught(Bug::$bug), "not within {SEEDS} seeds");
        }
    )*};
}

planted! {
    it_bites_a_planner_that_lowers_on_any_look: LowersOnAnyLook;
    it_bites_a_planner_that_sends_again_without_a_look: SendsAgainWithoutALook;
    it_bites_a_planner_that_ignores_suspension: IgnoresSuspension;
    it_bites_a_planner_that_forgets_its_nudges: ForgetsItsNudges;
    it_bites_a_planner_that_never_tires_of_a_rival: NeverTiresOfARival;
    it_bites_a_planner_that_trusts_any_clock: TrustsAnyClock;
    it_bites_a_planner_that_sends_a_max_that_nobody_declares: SendsAMaxThatNobodyDeclares;
    it_bites_a_planner_that_forgets_what_was_accepted: ForgetsWhatWasAccepted;
    it_bites_a_timetable_that_ends_windows_a_minute_late: EndsWindowsAMinuteLate;
    it_bites_a_timetable_that_forgets_the_lead_time: ForgetsTheLeadTime;
    it_bites_a_timetable_that_reads_every_time_as_utc: ReadsEveryTimeAsUtc;
    it_bites_a_timetable_that_mixes_up_priorities: MixesUpPriorities;
    it_bites_a_controller_that_waits_for_ever_for_a_failed_write: WaitsForEverForAFailedWrite;
    it_bites_a_controller_that_takes_an_unknown_outcome_for_a_refusal: TakesAnUnknownOutcomeForARefusal;
    it_bites_a_controller_that_takes_a_failed_read_for_absence: TakesAFailedReadForAbsence;
    it_bites_a_controller_that_retries_without_a_pause: RetriesWithoutAPause;
    it_bites_a_controller_that_takes_throttled_for_accepted: TakesThrottledForAccepted;
    it_bites_a_controller_that_takes_over_a_bad_edit: TakesOverABadEdit;
    it_bites_a_controller_that_misses_edits: MissesEdits;
    it_bites_a_controller_that_takes_arrival_for_departure: TakesArrivalForDeparture;
    it_bites_a_controller_that_mixes_up_accounts: MixesUpAccounts;
}
