//! How a target fares, in one word, and which targets are asked for.

use baseload_core::status::{Condition, ConditionKind, TargetStatus, Truth};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

/// How long after a boundary the write, AWS and new tasks may take before someone should look.
const CATCHING_UP_FOR: SignedDuration = SignedDuration::from_mins(5);

/// How a target fares, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// Its floor does not hold: the bound, desired or running is not what it should be, or AWS has no such target.
    Failing,
    /// The floor holds, and something is not as an operator wishes.
    Attention,
    /// The floor rose a moment ago, and the write or the tasks are on their way.
    CatchingUp,
    /// Something that matters is not known.
    Unknown,
    /// All is well.
    Holding,
    /// Nothing is declared, and nothing is wrong.
    LeftAlone,
}

impl Standing {
    /// All of them, in their order.
    pub(super) const ALL: [Standing; 6] = [
        Standing::Failing,
        Standing::Attention,
        Standing::CatchingUp,
        Standing::Unknown,
        Standing::Holding,
        Standing::LeftAlone,
    ];

    /// Judges a target by its conditions.
    pub(super) fn of(target: &TargetStatus, now: Timestamp) -> Standing {
        use ConditionKind::{Held, Paused, Ready, Registered, Synced};
        let unwell: Vec<&Condition> = target.conditions.iter().filter(|condition| is_unwell(condition)).collect();
        let matters = |kind: ConditionKind| matches!(kind, Synced | Held | Registered | Ready);
        let is_unknown = |condition: &Condition| condition.status == Truth::Unknown && matters(condition.kind);
        let is_well = unwell.is_empty() && target.last_error.is_none();
        match () {
            () if !is_well && is_catching_up(target, &unwell, now) => Standing::CatchingUp,
            () if unwell.iter().any(|condition| condition.kind == Paused) => Standing::Attention, // someone's wish
            () if unwell.iter().any(|condition| matters(condition.kind) && !waits(condition)) => Standing::Failing,
            () if !is_well => Standing::Attention,
            () if target.conditions.iter().any(is_unknown) => Standing::Unknown,
            () if target.floor.is_none() => Standing::LeftAlone,
            () => Standing::Holding,
        }
    }

    /// As it is shown.
    pub(super) fn label(self) -> &'static str {
        match self {
            Standing::Failing => "Failing",
            Standing::Attention => "Attention",
            Standing::CatchingUp => "Catching up",
            Standing::Unknown => "Unknown",
            Standing::LeftAlone => "Left alone",
            Standing::Holding => "Holding",
        }
    }

    /// As it is asked for, and as the style knows it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Standing::Failing => "failing",
            Standing::Attention => "attention",
            Standing::CatchingUp => "catching-up",
            Standing::Unknown => "unknown",
            Standing::LeftAlone => "left-alone",
            Standing::Holding => "holding",
        }
    }

    /// A sign that says the same without colour.
    pub(super) fn sign(self) -> &'static str {
        match self {
            Standing::Failing => "✕",
            Standing::Attention => "!",
            Standing::CatchingUp => "↑",
            Standing::Unknown => "?",
            Standing::LeftAlone => "–",
            Standing::Holding => "✓",
        }
    }
}

/// Whether all that is not well is what the first minutes after a boundary look like.
fn is_catching_up(target: &TargetStatus, unwell: &[&Condition], now: Timestamp) -> bool {
    let is_usual = |condition: &&Condition| matches!(&*condition.reason, "ChangeDue" | "BelowFloor");
    let is_young = |condition: &&Condition| now.duration_since(condition.since) < CATCHING_UP_FOR;
    target.last_error.is_none() && unwell.iter().all(|condition| is_usual(condition) && is_young(condition))
}

/// Whether it is not well only because a change waits for its time, and nobody has to do anything.
fn waits(condition: &Condition) -> bool {
    matches!(&*condition.reason, "Deferred" | "Withheld")
}

/// Whether an operator wishes it otherwise.
pub(super) fn is_unwell(condition: &Condition) -> bool {
    condition.status != Truth::Unknown && condition.status != condition.kind.is_well_when()
}

/// The conditions that are not well, without those that only follow from another of them.
pub(super) fn troubles(target: &TargetStatus) -> Vec<&Condition> {
    use ConditionKind::{Contested, Held, Limited, Paused, Ready, Registered, Synced};
    let unwell: Vec<&Condition> = target.conditions.iter().filter(|condition| is_unwell(condition)).collect();
    let any = |kinds: &[ConditionKind]| unwell.iter().any(|condition| kinds.contains(&condition.kind));
    let is_explained = any(&[Registered, Limited, Paused, Contested]);
    let is_below = any(&[Held]);
    let follows = |kind| match kind {
        Synced | Held => is_explained,
        Ready => is_explained || is_below,
        Registered | Limited | Paused | Contested | ConditionKind::PolicyAttached | ConditionKind::RivalSchedule => {
            false
        }
    };
    unwell.into_iter().filter(|condition| !follows(condition.kind)).collect()
}

/// Which targets are asked for, by the query of the page's address. What is not understood is not asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wish {
    /// Part of a target's name, its account and region included, or of its schedule's, in any case.
    pub(super) q: String,
    /// The word of a standing.
    pub(super) state: String,
    /// The name of a condition: those for which it is not well, or not known.
    pub(super) condition: String,
}

impl Wish {
    /// The standing that is asked for.
    pub(super) fn standing(&self) -> Option<Standing> {
        Standing::ALL.into_iter().find(|standing| standing.word() == self.state)
    }

    /// The condition that is asked for.
    pub(super) fn kind(&self) -> Option<ConditionKind> {
        ConditionKind::ALL.into_iter().find(|kind| kind.name() == self.condition)
    }

    /// Whether `target` fits all but the standing.
    pub(super) fn fits(&self, target: &TargetStatus) -> bool {
        let is_named = || {
            let part = self.q.trim().to_lowercase();
            let name = target.id().to_string().to_lowercase();
            let schedule = target.floor.as_ref().map_or("", |floor| &floor.schedule);
            name.contains(&part) || schedule.to_lowercase().contains(&part)
        };
        let is_condition = |kind| target.conditions.iter().any(|c| c.kind == kind && c.status != kind.is_well_when());
        (self.q.trim().is_empty() || is_named()) && self.kind().is_none_or(is_condition)
    }
}
