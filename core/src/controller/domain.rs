//! One account and region: its targets, its questions, its pace. What fails or is throttled in one concerns no other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::backoff::Jitter;
use super::look::Surroundings;
use super::outage::Outages;
use super::pace::Pacer;
use super::row::Row;
use super::tick::Tick;
use super::urgency::Urgency;
use super::{Chore, Fact, GLANCE, Settings, next_of};
use crate::ecs::{EcsError, Operation, Query};
use crate::model::{Site, TargetId, TargetPattern};
use crate::status::{Conditions, SiteStatus, TargetStatus};
use crate::timetable::{Board, Members};

/// Of so many targets it costs less to ask about all than to keep a list.
const MOST_IN_DOUBT: usize = 256;

/// All that belongs to one site, see the module.
#[derive(Debug)]
pub(super) struct Domain {
    pub(super) site: Site,
    /// The globs of the revision in force.
    pub(super) globs: Vec<TargetPattern>,
    /// Boxed, because a map's nodes are half empty.
    pub(super) rows: BTreeMap<TargetId, Box<Row>>,
    pub(super) queue: BTreeSet<(Urgency, TargetId)>,
    pub(super) doubted: Doubted,
    /// Whether somebody may want a look of its own, as far as the last tick knew.
    pub(super) look_wanted: bool,
    pub(super) pacer: Pacer,
    pub(super) jitter: Jitter,
    pub(super) due: Due,
    pub(super) busy: Busy,
    pub(super) failing: BTreeMap<Operation, EcsError>,
    pub(super) outages: Outages,
    /// Whether all targets were asked for under the revision in force, answered or not.
    pub(super) listed: bool,
    pub(super) survey_pause: Option<Timestamp>,
    /// When every target was last asked for.
    pub(super) last_pass: Option<Timestamp>,
    /// When a bound last moved, by our hand or another's.
    pub(super) stirred: Option<Timestamp>,
}

/// Whose verdict may be another than at the last tick: those of whom something new is known.
#[derive(Debug)]
pub(super) enum Doubted {
    All,
    These(Vec<TargetId>),
}

impl Doubted {
    pub(super) fn add(&mut self, target: &TargetId) {
        match self {
            Doubted::These(targets) if targets.len() < MOST_IN_DOUBT => targets.push(target.clone()),
            _ => *self = Doubted::All,
        }
    }
}

/// What is to be asked as soon as nothing of the kind is under way.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Due {
    pub(super) targets: bool,
    pub(super) counts: Option<SignedDuration>, // the time until the next round, which is its budget
    pub(super) survey: bool,
}

/// What is under way.
#[derive(Clone, Debug, Default)]
pub(super) struct Busy {
    /// The question about all targets, and when it left.
    pub(super) targets: Option<(Timestamp, Query)>,
    /// How many questions about some targets are.
    pub(super) singled_out: usize,
    /// Of those about targets, whether the one about all left before the clock stepped back, and how many of the others
    /// did: when they left, nobody knows any more.
    pub(super) outdated: (bool, usize),
    pub(super) counts: bool,
    pub(super) survey: bool,
}

impl Domain {
    pub(super) fn new(site: Site, seed: u64) -> Self {
        Domain {
            jitter: Jitter::new(seed_of(&site, seed)),
            site,
            globs: Vec::new(),
            rows: BTreeMap::new(),
            queue: BTreeSet::new(),
            doubted: Doubted::All,
            look_wanted: false,
            pacer: Pacer::default(),
            due: Due::default(),
            busy: Busy::default(),
            failing: BTreeMap::new(),
            outages: Outages::default(),
            listed: false,
            survey_pause: None,
            last_pass: None,
            stirred: None,
        }
    }

    /// Asks the timetable and the plan about every target that is in doubt, and puts those that are to be written into
    /// order.
    pub(super) fn tick(&mut self, tick: &Tick<'_>, facts: &mut Vec<Fact>) {
        match std::mem::replace(&mut self.doubted, Doubted::These(Vec::new())) {
            Doubted::All => self.consider_all(tick, facts),
            Doubted::These(targets) => targets.iter().for_each(|target| self.consider(target, tick, facts)),
        }
    }

    fn consider_all(&mut self, tick: &Tick<'_>, facts: &mut Vec<Fact>) {
        self.queue.clear();
        self.look_wanted = false;
        let probes = self.outages.want_a_probe(tick.now);
        let mut neighbour = Conditions::default();
        for (target, row) in &mut self.rows {
            tick.consider_contained(target, row, facts);
            row.share_conditions(&mut neighbour);
            row.queued = row.urgency_now(tick.now);
            self.queue.extend(row.queued.map(|urgency| (urgency, target.clone())));
            self.look_wanted |= row.wants_look() && (probes || row.looks.is_over(tick.now));
        }
    }

    fn consider(&mut self, target: &TargetId, tick: &Tick<'_>, facts: &mut Vec<Fact>) {
        let Some(row) = self.rows.get_mut(target) else { return };
        tick.consider_contained(target, row, facts);
        let urgency = row.urgency_now(tick.now);
        if let Some(before) = row.queued.filter(|before| Some(*before) != urgency) {
            self.queue.remove(&(before, target.clone()));
        }
        row.queued = urgency;
        self.queue.extend(urgency.map(|urgency| (urgency, target.clone())));
        self.look_wanted |= row.wants_look() && row.looks.is_over(tick.now);
    }

    /// The next tick asks about every target.
    pub(super) fn doubt_all(&mut self) {
        self.doubted = Doubted::All;
    }

    /// When throttled writes may go on; `None`: nothing waits for that.
    pub(super) fn held_until(&self) -> Option<Timestamp> {
        self.pacer.held_until().filter(|_| !self.queue.is_empty())
    }

    pub(super) fn is_ready(&self) -> bool {
        self.listed && self.rows.values().all(|row| row.asked)
    }

    pub(super) fn has_questions(&self) -> bool {
        let due = self.due.targets || self.due.counts.is_some() || self.due.survey;
        let busy = self.busy.targets.is_some() || self.busy.singled_out > 0 || self.busy.counts || self.busy.survey;
        due || busy
    }

    pub(super) fn has_writes(&self) -> bool {
        self.rows.values().any(|row| row.is_moving())
    }

    /// `Chore::Load` is nothing that a single site could do.
    pub(super) fn note_due(&mut self, chore: Chore, surroundings: Surroundings<'_>, now: Timestamp) {
        match chore {
            Chore::Resync => {
                self.due.targets |= !self.may_skip_a_pass(surroundings, now);
                let (_, Settings { resync, .. }) = surroundings;
                self.due.counts = self.due.counts.or(Some(*resync).filter(|resync| *resync < GLANCE));
            }
            Chore::Glance => self.due.counts = self.due.counts.or(Some(GLANCE)),
            Chore::Survey => {
                self.rows.values_mut().for_each(|row| row.survey_due = true);
                self.due.survey = true;
            }
            Chore::Load => {}
        }
    }

    /// Keeps ages what they were when the wall clock steps back.
    pub(super) fn shift(&mut self, by: SignedDuration) {
        self.rows.values_mut().for_each(|row| row.shift(by));
        self.busy.outdated = (self.busy.targets.is_some(), self.busy.singled_out);
        self.doubt_all();
        self.pacer.shift(by);
        self.outages.shift(by);
        self.survey_pause = self.survey_pause.and_then(|until| until.checked_sub(by).ok());
        self.last_pass = self.last_pass.and_then(|at| at.checked_sub(by).ok());
        self.stirred = self.stirred.and_then(|at| at.checked_sub(by).ok());
    }

    /// Takes over what a new revision says of this site: lets go of every target that no schedule names any more, once
    /// its write has come back, and looks at all that are left. `named` is whom the revision names here.
    pub(super) fn take_over(
        &mut self,
        board: &Board,
        named: Vec<TargetPattern>,
        settings: &Settings,
        facts: &mut Vec<Fact>,
    ) {
        let exact: BTreeSet<TargetId> = named.iter().filter_map(TargetPattern::exact).collect();
        self.globs = named.into_iter().filter(|row| !row.is_exact()).collect();
        self.release_targets(board, &exact, facts);
        for target in exact {
            let row = |target: &TargetId| Box::new(Row::new(board.members(target), settings.first_settle));
            self.rows.entry(target).or_insert_with_key(row).named = true;
        }
        self.listed = false;
        self.doubt_all();
        self.due = Due { targets: true, counts: Some(settings.resync), survey: true };
    }

    /// Those that stay learn who counts for them now.
    fn release_targets(&mut self, board: &Board, exact: &BTreeSet<TargetId>, facts: &mut Vec<Fact>) {
        self.rows.retain(|target, row| {
            row.join(board.members(target));
            row.named = exact.contains(target);
            let stays = row.named || self.globs.iter().any(|glob| glob.matches(target));
            if !stays && !row.leaving {
                facts.push(Fact::Released { target: target.clone() });
            }
            row.leaving = !stays;
            stays || row.in_flight.is_some()
        });
    }

    /// This site's part of the snapshot.
    pub(super) fn status(&self, now: Timestamp) -> SiteStatus {
        SiteStatus {
            site: self.site.clone(),
            targets: self.rows.len(),
            failing: self.failing.values().map(Into::into).collect(),
            writes_waiting: self.queue.len(),
            writes_in_flight: self.pacer.in_flight(),
            write_rate: self.pacer.rate(now),
        }
    }

    /// Its targets' part of the snapshot.
    pub(super) fn targets(&mut self, board: Option<&Board>, now: Timestamp) -> impl Iterator<Item = Arc<TargetStatus>> {
        let next = move |members: &Members| next_of(board?, members, now);
        let mut neighbour = None;
        self.rows.iter_mut().map(move |(target, row)| row.status(target, next, &mut neighbour))
    }
}

/// Sites that fail together must not come back together.
fn seed_of(site: &Site, seed: u64) -> u64 {
    if site.is_home() {
        return seed;
    }
    let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3); // FNV-1a
    site.to_string().bytes().fold(seed ^ 0xcbf2_9ce4_8422_2325, fold)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_site_has_a_seed_of_its_own_and_home_has_that_of_the_process() {
        assert_eq!(seed_of(&Site::HOME, 7), 7);
        let site = Site::new("prod", "eu-west-1");
        assert_eq!(seed_of(&site, 0), 0x1760_d438_2dc0_8917, "FNV-1a of prod/eu-west-1");
        assert_ne!(seed_of(&site, 0), seed_of(&site, 1));
    }
}
