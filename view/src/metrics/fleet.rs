//! The sums over all targets: the only gauges of the very large, and what CloudWatch is told.

use std::sync::Arc;

use baseload_core::status::{ConditionKind, TargetStatus, Truth};
use jiff::Timestamp;

use super::scrape::status_of;

/// What one snapshot adds up to. A sum is `None` where nothing of it is known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fleet {
    /// How many targets.
    pub targets: u64,
    /// How many have a condition, by [`ConditionKind::ALL`] and [`Truth::ALL`].
    conditions: [[u64; 3]; 9],
    /// Tasks declared.
    pub floor: Option<u64>,
    /// Tasks desired.
    pub desired: Option<u64>,
    /// Tasks running.
    pub running: Option<u64>,
    /// Tasks that desired lacks, target by target.
    pub desired_shortfall: Option<u64>,
    /// Tasks that running lacks, target by target.
    pub running_shortfall: Option<u64>,
    /// The next change of any target.
    pub next_change: Option<Timestamp>,
    /// The oldest of what was seen.
    pub oldest_observation: Option<Timestamp>,
}

impl Fleet {
    /// Adds up these targets.
    pub fn of(targets: &[Arc<TargetStatus>]) -> Fleet {
        let mut fleet = Fleet::default();
        for target in targets {
            fleet.add(target);
        }
        fleet
    }

    fn add(&mut self, target: &TargetStatus) {
        self.targets += 1;
        for (kind, by_status) in ConditionKind::ALL.into_iter().zip(&mut self.conditions) {
            by_status[place_of(status_of(&target.conditions, kind))] += 1;
        }
        add(&mut self.floor, target.floor.as_ref().map(|floor| floor.min));
        add(&mut self.desired, target.counts.map(|counts| counts.desired));
        add(&mut self.running, target.counts.map(|counts| counts.running));
        add(&mut self.desired_shortfall, desired_shortfall(target));
        add(&mut self.running_shortfall, running_shortfall(target));
        self.next_change = earlier(self.next_change, target.next.as_ref().map(|next| next.at));
        self.oldest_observation = earlier(self.oldest_observation, target.observed_at);
    }

    /// How many targets have the condition with this status.
    pub fn with(&self, kind: ConditionKind, status: Truth) -> u64 {
        let found = ConditionKind::ALL.into_iter().zip(&self.conditions).find(|(of, _)| *of == kind);
        found.map_or(0, |(_, by_status)| by_status[place_of(status)])
    }
}

/// How many tasks desired is below the floor, where both are known.
pub(super) fn desired_shortfall(target: &TargetStatus) -> Option<u32> {
    Some(target.floor.as_ref()?.min.saturating_sub(target.counts?.desired))
}

/// How many tasks running is below the floor, where both are known.
pub(super) fn running_shortfall(target: &TargetStatus) -> Option<u32> {
    Some(target.floor.as_ref()?.min.saturating_sub(target.counts?.running))
}

fn place_of(status: Truth) -> usize {
    match status {
        Truth::True => 0,
        Truth::False => 1,
        Truth::Unknown => 2,
    }
}

fn add(sum: &mut Option<u64>, more: Option<u32>) {
    if let Some(more) = more {
        *sum = Some(sum.unwrap_or(0) + u64::from(more));
    }
}

fn earlier(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    a.into_iter().chain(b).min()
}
