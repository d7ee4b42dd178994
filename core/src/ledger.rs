//! What the floors cost and what they save: task-time, added up from snapshot to snapshot.
//!
//! ```text
//!  tasks
//!    6 ┤···················  flat: the week's highest floor, day and night
//!    4 ┤      ╭─╮    ┌────┐
//!    3 ┤   ┌──╯ ╰────┘    │  what ran
//!    1 ┤───┘              └
//!          ├──binding─┤      desired stands at the floor: the policies would have gone lower
//! ```
//!
//! What a snapshot shows is taken to hold until the next one. Sums only rise: they outlive a change of the schedules, a
//! target takes its own with it when it goes, and those of the fleet keep what it brought.

use std::cmp::Ordering;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::model::{Span, TargetPattern};
use crate::status::{Status, TargetStatus};
use crate::timetable::{Reach, Schedules};

/// How far ahead the highest floor is looked for.
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How often it is looked for, under the same schedules for the same targets.
const RENEWAL: SignedDuration = SignedDuration::from_hours(1);

/// Sums of task-time and time, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// What would have run under a flat floor: the highest floor of the coming week, or what ran where that was more.
    pub flat: u64,
    /// What was declared.
    pub declared: u64,
    /// What ran.
    pub ran: u64,
    /// The time in which desired stood at or below the floor.
    pub binding: u64,
    /// The time in which desired stood above the floor, which changed nothing then.
    pub exceeded: u64,
}

impl Account {
    /// What `elapsed` milliseconds in this state add. What is unknown adds nothing.
    fn of(target: &TargetStatus, peak: Option<u32>, elapsed: u64) -> Account {
        let floor = target.floor.as_ref().map(|floor| floor.min);
        let tasks = |count: u32| u64::from(count) * elapsed;
        let running = target.counts.map(|counts| counts.running);
        let is_above = target.counts.zip(floor).map(|(counts, floor)| counts.desired > floor);
        Account {
            flat: running.map_or(0, |running| tasks(running.max(peak.unwrap_or(0)))),
            declared: floor.map_or(0, tasks),
            ran: running.map_or(0, tasks),
            binding: if is_above == Some(false) { elapsed } else { 0 },
            exceeded: if is_above == Some(true) { elapsed } else { 0 },
        }
    }

    fn add(&mut self, more: Account) {
        self.flat += more.flat;
        self.declared += more.declared;
        self.ran += more.ran;
        self.binding += more.binding;
        self.exceeded += more.exceeded;
    }
}

/// The accounts of every target and of the fleet.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    last: Option<Arc<Status>>,
    /// Of the last snapshot's targets, in their order.
    entries: Vec<Entry>,
    fleet: Account,
    looked: Option<Timestamp>,
}

/// One target's account.
#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    account: Account,
    /// The highest floor of the coming week; `None`: none will be declared, or nobody has looked yet.
    peak: Option<u32>,
}

impl Ledger {
    /// Adds what the last snapshot showed, up to the instant of this one. `schedules` are those in force.
    pub fn turn(&mut self, status: &Arc<Status>, schedules: Option<&Schedules>) {
        let is_known = self.last.as_ref().is_some_and(|last| is_alike(last, status));
        if let Some(last) = self.last.replace(Arc::clone(status)) {
            let elapsed = u64::try_from(status.at.duration_since(last.at).as_millis()).unwrap_or(0);
            // Several replicas see the same tasks: whoever leads counts them, so that the replicas' sums add up.
            if last.lease.as_ref().is_none_or(|standing| standing.leader) {
                self.spend(&last.targets, elapsed);
            }
            if !is_known {
                self.entries = in_order(&last.targets, &self.entries, &status.targets);
            }
        } else {
            self.entries = vec![Entry::default(); status.targets.len()];
        }
        let is_recent = self.looked.is_some_and(|looked| status.at.duration_since(looked) < RENEWAL);
        if let Some(schedules) = schedules
            && !(is_known && is_recent)
        {
            self.look_for_peaks(status, schedules);
        }
    }

    /// The accounts of these targets, in their order; an empty one for a target that is not known.
    pub fn accounts(&self, targets: &[Arc<TargetStatus>]) -> Vec<Account> {
        let known = self.last.as_ref().map_or(&[][..], |last| &last.targets);
        in_order(known, &self.entries, targets).into_iter().map(|entry| entry.account).collect()
    }

    /// The account of all targets, those that have left included.
    pub fn fleet(&self) -> Account {
        self.fleet
    }

    fn spend(&mut self, targets: &[Arc<TargetStatus>], elapsed: u64) {
        for (entry, target) in self.entries.iter_mut().zip(targets) {
            let spent = Account::of(target, entry.peak, elapsed);
            entry.account.add(spent);
            self.fleet.add(spent);
        }
    }

    fn look_for_peaks(&mut self, status: &Status, schedules: &Schedules) {
        self.looked = Some(status.at);
        let Ok(to) = status.at.checked_add(WEEK) else { return };
        let names: Vec<TargetPattern> = status.targets.iter().map(|target| TargetPattern::of(&target.id())).collect();
        let lanes = schedules.lanes(&names, Reach::Covering, Span { from: status.at, to });
        let peak = |segment: &crate::timetable::Segment| segment.decision.as_ref().map(|decision| decision.floor.min);
        let peaks: Vec<Option<u32>> =
            lanes.lanes.iter().map(|lane| lane.segments.iter().filter_map(peak).max()).collect();
        for (entry, lane) in self.entries.iter_mut().zip(lanes.of_rows) {
            entry.peak = peaks[lane];
        }
    }
}

/// Whether both have the same targets under the same revision. Most stand the same and are shared: no name is read then.
fn is_alike(a: &Status, b: &Status) -> bool {
    let is_same = |(a, b): (&Arc<TargetStatus>, &Arc<TargetStatus>)| Arc::ptr_eq(a, b) || by_name(a, b).is_eq();
    a.configuration.revision == b.configuration.revision
        && a.targets.len() == b.targets.len()
        && a.targets.iter().zip(&b.targets).all(is_same)
}

/// What is known of `targets`, of which `known` has entries; both are sorted by name.
fn in_order(known: &[Arc<TargetStatus>], entries: &[Entry], targets: &[Arc<TargetStatus>]) -> Vec<Entry> {
    let mut known = known.iter().zip(entries).peekable();
    let entry = |target: &Arc<TargetStatus>| {
        while known.next_if(|(name, _)| by_name(name, target) == Ordering::Less).is_some() {}
        let same = known.next_if(|(name, _)| by_name(name, target) == Ordering::Equal);
        same.map_or_else(Entry::default, |(_, entry)| *entry)
    };
    targets.iter().map(entry).collect()
}

fn by_name(a: &TargetStatus, b: &TargetStatus) -> Ordering {
    a.by_name().cmp(&b.by_name())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Site;
    use crate::status::{Conditions, ConfigurationStatus, Counts, FloorStatus};

    const HOUR: u64 = 3_600_000;

    fn target(service: &str, floor: u32, desired: u32, running: u32) -> TargetStatus {
        TargetStatus {
            site: Site::HOME,
            cluster: "shop".into(),
            service: service.into(),
            floor: Some(FloorStatus { min: floor, max: None, schedule: "web".into(), cause: "default".to_owned() }),
            next: None,
            observed: None,
            observed_at: None,
            counts: Some(Counts { desired, running, pending: 0 }),
            verdict: "inSync".into(),
            conditions: Conditions::default(),
            last_error: None,
            corrections: 0,
        }
    }

    fn at(hour: i64) -> Timestamp {
        "2026-11-20T00:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_hours(hour)
    }

    fn snapshot(hour: i64, revision: &str, targets: Vec<TargetStatus>) -> Arc<Status> {
        let configuration =
            ConfigurationStatus { revision: Some(revision.to_owned()), ..ConfigurationStatus::default() };
        Arc::new(Status {
            at: at(hour),
            heartbeat: at(hour),
            ready: true,
            stopping: false,
            dry_run: false,
            lease: None,
            configuration,
            sites: Vec::new(),
            targets: targets.into_iter().map(Arc::new).collect(),
        })
    }

    /// `day` tasks by day and one at night, for `shop/*`.
    fn schedules(day: u32) -> Schedules {
        let yaml = format!(
            "apiVersion: baseload/v1\nkind: ScalingSchedule\nmetadata: {{ name: web }}\nspec:\n  \
             targets: [{{ cluster: shop, service: \"*\" }}]\n  timezone: UTC\n  default: {{ min: {day} }}\n  \
             windows: [{{ name: night, from: \"00:00\", to: \"09:00\", min: 1 }}]\n"
        );
        let mut tree = crate::spec::Tree::default();
        tree.files.insert("web.yaml".into(), yaml.into_bytes());
        let zones = crate::timetable::Zones::embedded();
        crate::spec::load(&tree, &zones, &crate::spec::Limits::default(), at(0)).unwrap().schedules
    }

    #[test]
    fn what_a_snapshot_shows_holds_until_the_next() {
        let (mut ledger, schedules) = (Ledger::default(), schedules(6));
        ledger.turn(&snapshot(0, "a", vec![target("www", 1, 2, 2)]), Some(&schedules));
        ledger.turn(&snapshot(3, "a", vec![target("www", 1, 1, 1)]), Some(&schedules));
        ledger.turn(&snapshot(4, "a", vec![target("www", 1, 1, 1)]), Some(&schedules));
        let expected =
            Account { flat: 4 * 6 * HOUR, declared: 4 * HOUR, ran: 7 * HOUR, binding: HOUR, exceeded: 3 * HOUR };
        assert_eq!(ledger.fleet(), expected);
        assert_eq!(ledger.accounts(&snapshot(4, "a", vec![target("www", 1, 1, 1)]).targets), [expected]);
    }

    #[test]
    fn a_flat_floor_saves_nothing_while_more_runs_than_it_asks_for() {
        let (mut ledger, schedules) = (Ledger::default(), schedules(6));
        ledger.turn(&snapshot(10, "a", vec![target("www", 6, 8, 8)]), Some(&schedules));
        ledger.turn(&snapshot(11, "a", vec![target("www", 6, 8, 8)]), Some(&schedules));
        assert_eq!((ledger.fleet().flat, ledger.fleet().ran), (8 * HOUR, 8 * HOUR));
    }

    #[test]
    fn g24_sums_outlive_a_new_revision_and_a_target_takes_its_own_with_it() {
        let mut ledger = Ledger::default();
        let both = || vec![target("api", 2, 2, 2), target("www", 1, 1, 1)];
        ledger.turn(&snapshot(0, "a", both()), Some(&schedules(6)));
        ledger.turn(&snapshot(1, "b", vec![target("new", 1, 1, 1), target("www", 1, 1, 1)]), Some(&schedules(4)));
        let after = snapshot(2, "b", both());
        ledger.turn(&after, Some(&schedules(4)));
        let [api, www] = ledger.accounts(&after.targets)[..] else { panic!("two targets") };
        assert_eq!(api, Account::default(), "it left and came back");
        assert_eq!((www.flat, www.ran), ((6 + 4) * HOUR, 2 * HOUR));
        assert_eq!(ledger.fleet().ran, (2 + 1 + 1 + 1) * HOUR);
    }

    #[test]
    fn a_standby_counts_nothing_until_it_leads() {
        use crate::lease::Standing;
        let mut ledger = Ledger::default();
        let replica = |hour, leader| {
            let mut status = (*snapshot(hour, "a", vec![target("www", 1, 1, 1)])).clone();
            status.lease = Some(Standing { leader, holder: None, error: None });
            Arc::new(status)
        };
        ledger.turn(&replica(0, false), None);
        ledger.turn(&replica(5, true), None);
        assert_eq!(ledger.fleet(), Account::default());
        ledger.turn(&replica(6, true), None);
        assert_eq!(ledger.fleet().ran, HOUR);
    }

    #[test]
    fn what_is_unknown_and_a_clock_that_steps_back_add_nothing() {
        let mut ledger = Ledger::default();
        let unknown = || TargetStatus { floor: None, counts: None, ..target("www", 0, 0, 0) };
        ledger.turn(&snapshot(2, "a", vec![unknown()]), None);
        ledger.turn(&snapshot(3, "a", vec![target("www", 1, 1, 1)]), None);
        ledger.turn(&snapshot(2, "a", vec![unknown()]), None);
        assert_eq!(ledger.fleet(), Account::default());
    }
}
