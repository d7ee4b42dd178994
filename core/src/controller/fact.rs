//! What the controller tells: the log, the counters and the histograms are fed by these alone.

use jiff::{SignedDuration, Timestamp};

use crate::ecs::{Action, EcsError, Operation};
use crate::model::{Site, TargetId};
use crate::status::{Bounds, Condition};
use crate::timetable::Decision;

/// What a write was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// The timetable, or a new configuration, asks for it.
    Scheduled,
    /// It undoes someone else's change.
    Correction,
    /// It changes nothing and makes AWS lift desired.
    Nudge,
}

/// How far the wall clock is from AWS's, as its answers tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClockTrust {
    /// Within half a minute.
    InStep,
    /// Further off than half a minute, within two.
    Off,
    /// Further off than two minutes: nothing is lowered.
    NotTrusted,
}

/// Something worth telling: the log and the counters are fed by these alone.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// A configuration came into force.
    ConfigurationLoaded {
        /// What people look it up by: a commit or the digest.
        revision: String,
        /// The digest of its files.
        digest: String,
        /// How many schedules it has.
        schedules: usize,
    },
    /// A configuration was refused; what was in force stays.
    ConfigurationRejected {
        /// The diagnostics, as a person would read them.
        reason: String,
    },
    /// What is declared for a target changed.
    Declared {
        /// The target.
        target: TargetId,
        /// What was declared.
        before: Option<Decision>,
        /// What is declared.
        after: Option<Decision>,
    },
    /// A target left the schedules and keeps the floor it has.
    Released {
        /// The target.
        target: TargetId,
    },
    /// AWS accepted a write.
    Accepted {
        /// The target.
        target: TargetId,
        /// What was sent.
        action: Action,
        /// What for.
        kind: ChangeKind,
        /// The bounds before, where they were known.
        before: Option<Bounds>,
        /// What is declared.
        decision: Option<Decision>,
        /// From the boundary to the acceptance, where a boundary asked for the write.
        lateness: Option<SignedDuration>,
    },
    /// A write would be sent, were this not a dry run.
    WouldApply {
        /// What would be sent.
        action: Action,
        /// What for.
        kind: ChangeKind,
        /// The bounds as they are, where they are known.
        before: Option<Bounds>,
        /// What is declared.
        decision: Option<Decision>,
    },
    /// A write failed.
    Refused {
        /// The target.
        target: TargetId,
        /// How.
        error: EcsError,
        /// Whether the same kind of failure stood before.
        repeated: bool,
        /// When the next try is allowed.
        retry_at: Option<Timestamp>,
    },
    /// After a rise the floor's tasks are running.
    TasksReady {
        /// The target.
        target: TargetId,
        /// The floor.
        floor: u32,
        /// From the acceptance of the rise.
        after: SignedDuration,
    },
    /// A condition changed its value.
    ConditionChanged {
        /// The target.
        target: TargetId,
        /// The condition as it is now.
        condition: Condition,
    },
    /// Questions of this kind began to fail.
    LookFailed {
        /// Where.
        site: Site,
        /// How many targets the failure leaves without an answer; `None`: the listing of all.
        targets: Option<usize>,
        /// The first failure.
        error: EcsError,
    },
    /// Questions of this kind are answered again.
    LookRecovered {
        /// Where.
        site: Site,
        /// Which.
        operation: Operation,
    },
    /// Planning a target panicked; it is left alone until the next configuration.
    Panicked {
        /// The target.
        target: TargetId,
        /// What the panic said.
        message: String,
    },
    /// This replica may write from now on, or may no longer.
    Leadership {
        /// Whether it may.
        leader: bool,
        /// Who holds the lease, as far as is known.
        holder: Option<String>,
    },
    /// The lease's store cannot be asked.
    LeaseFailed {
        /// Why, and what to do.
        error: String,
    },
    /// The lease's store answers again.
    LeaseRecovered,
    /// The wall clock stepped back.
    ClockSteppedBack {
        /// By how much.
        by: SignedDuration,
    },
    /// The wall clock and AWS's went apart, or came together again.
    ClockCompared {
        /// How far ours is ahead; negative: behind.
        ahead: SignedDuration,
        /// What that means.
        trust: ClockTrust,
    },
}
