//! The lease: which of several replicas may write. A state machine over one record in a store that can write on a
//! condition; the store is the shell's.
//!
//! ```text
//! holder    renews ── 2 s ── renews ── 2 s ── renews for the last time
//!                                             ├──── may write, 7 s ────┤
//! standby                    looks every second ├──── sees the same record, 12 s ────┤ takes over
//! ```
//!
//! No two wall clocks are compared. The holder counts from the moment its last renewal was *sent*, a standby from the
//! moment it first *saw* the record that stands, so that the holder always stops first; between the two lies the time
//! that a write may be under way. Every write of the record makes its beat one greater, on the condition that it is still
//! the record that was seen: an answer that was lost, or a process that stood still, finds itself overtaken.
//!
//! Where there is no record, someone may have deleted it under its holder: whoever writes one there has only claimed the
//! lease, and waits as a standby does before it renews and writes.

use std::time::Duration;

use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// How far a clock that neither stops nor steps has come since the process began.
pub type Moment = Duration;

/// How often the holder renews.
pub const RENEWAL: Duration = Duration::from_secs(2);

/// How long a renewal lets its sender write, from the moment it was sent.
pub const RIGHT: Duration = Duration::from_secs(7);

/// How long a standby must have seen the same record before it takes over: [`RIGHT`], and the five seconds that a write
/// may take which left at its very end.
pub const PATIENCE: Duration = Duration::from_secs(12);

/// How often a standby looks.
pub const LOOK: Duration = Duration::from_secs(1);

/// The longest that an answer of the store is waited for.
pub const ANSWER: Duration = Duration::from_secs(2);

/// How soon the next request follows where what was found asks for one at once.
const SOON: Duration = Duration::from_millis(100);

/// The longest pause after a failure.
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// The form of [`Record`] that is written. A later one may add to it, and keeps what is there.
const FORM: u32 = 1;

/// What a role must be allowed on the table.
pub const PERMISSIONS: [&str; 2] = ["dynamodb:GetItem", "dynamodb:PutItem"];

/// What the store holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Which form the record has.
    pub version: u32,
    /// Who holds the lease, a name that no other process ever has; empty: it was given back.
    pub owner: String,
    /// One greater with every write.
    pub beat: u64,
}

/// What to ask of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Read the record, as it is after all writes that were accepted.
    Read,
    /// Write `record` where `expected` stands still, owner and beat; `None`: where nothing stands.
    Write {
        /// What was last seen.
        expected: Option<Record>,
        /// What shall be there.
        record: Record,
    },
}

/// What the store says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The record is written.
    Written,
    /// This is there: the answer to a read, and to a write whose condition does not hold.
    Found(Option<Record>),
    /// There was no answer, or none of use; a write may have taken effect. Says why, and what to do.
    Failed(String),
}

/// Where a replica stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    /// Whether it may write.
    pub leader: bool,
    /// Who holds the lease, as far as is known.
    pub holder: Option<String>,
    /// Why the store could not be asked the last time.
    pub error: Option<String>,
}

/// A record, and since when it was seen to be there.
#[derive(Clone, Debug)]
struct Sighting {
    record: Option<Record>,
    since: Moment,
}

/// One replica's part; see the module.
#[derive(Clone, Debug)]
pub struct Lease {
    me: String,
    /// From 0 to 1: keeps replicas that fail together from coming back together.
    phase: f64,
    seen: Option<Sighting>,
    may_write_until: Option<Moment>,
    asked: Option<(Moment, Request)>,
    next: Moment,
    failures: u32,
    error: Option<String>,
    /// The greatest beat that this replica wrote, so that none is ever used twice.
    last_beat: u64,
    /// The greatest beat that it wrote where there was no record.
    last_claim: u64,
}

impl Lease {
    /// A replica that knows nothing yet. `me` must be no other process's name, ever, and not empty.
    pub fn new(me: String, phase: f64) -> Lease {
        let phase = phase.clamp(0.0, 1.0);
        let (seen, may_write_until, asked, error) = (None, None, None, None);
        let (last_beat, last_claim) = (0, 0);
        Lease { me, phase, seen, may_write_until, asked, next: Moment::ZERO, failures: 0, error, last_beat, last_claim }
    }

    /// The request that is due, to be sent at once and answered before the next.
    pub fn poll(&mut self, now: Moment) -> Option<Request> {
        if self.asked.is_some() || now < self.next {
            return None;
        }
        let request = match self.seen.clone() {
            Some(seen) if self.may_follow(&seen, now) => self.following(seen.record, self.me.clone()),
            Some(_) | None => Request::Read,
        };
        self.asked = Some((now, request.clone()));
        Some(request)
    }

    /// Takes in the answer to the last request.
    pub fn answered(&mut self, now: Moment, answer: Answer) {
        let Some((sent, request)) = self.asked.take() else { return };
        match (answer, request) {
            (Answer::Written, Request::Write { expected, record }) => self.wrote(sent, now, expected.as_ref(), record),
            (Answer::Found(record), Request::Read | Request::Write { .. }) => self.found(now, record),
            (Answer::Failed(error), Request::Read | Request::Write { .. }) => self.failed(now, error),
            (Answer::Written, Request::Read) => self.failed(now, "a read was answered as a write".to_owned()),
        }
    }

    /// When [`Lease::poll`] or [`Lease::standing`] next says something new without an answer.
    pub fn wake_at(&self, now: Moment) -> Moment {
        let due = if self.asked.is_some() { Moment::MAX } else { self.next };
        let lapse = self.may_write_until.filter(|until| *until > now);
        due.min(lapse.unwrap_or(Moment::MAX))
    }

    /// Until when this replica may write; a moment that has passed is none.
    pub fn may_write_until(&self) -> Option<Moment> {
        self.may_write_until
    }

    /// Where this replica stands.
    pub fn standing(&self, now: Moment) -> Standing {
        let leader = self.may_write_until.is_some_and(|until| now < until);
        let owner = self.seen.as_ref().and_then(|seen| Some(&seen.record.as_ref()?.owner));
        let known = owner.filter(|owner| !owner.is_empty() && (leader || **owner != self.me));
        Standing { leader, holder: known.cloned(), error: self.error.clone() }
    }

    /// Stops writing for good. The answer is the request that tells the others, where there is something to tell: to be
    /// called again after its answer, which may show that there still is.
    pub fn release(&mut self, now: Moment) -> Option<Request> {
        self.may_write_until = None;
        self.next = Moment::MAX;
        let held = self.seen.clone().filter(|seen| self.is_mine(seen) && !self.is_claim(seen))?;
        let request = self.following(held.record, String::new());
        self.asked = Some((now, request.clone()));
        Some(request)
    }

    fn wrote(&mut self, sent: Moment, now: Moment, expected: Option<&Record>, record: Record) {
        let seen = self.saw(now, Some(record));
        if expected.is_none() {
            self.next = now + LOOK;
        } else if self.is_mine(&seen) {
            self.may_write_until = Some(sent + RIGHT);
            self.next = sent + RENEWAL;
        }
    }

    fn found(&mut self, now: Moment, record: Option<Record>) {
        let seen = self.saw(now, record);
        let ripe = if self.may_follow(&seen, now) { now } else { seen.since + PATIENCE };
        self.next = (now + LOOK).min(ripe).max(now + SOON);
        if !self.is_mine(&seen) {
            self.may_write_until = None;
        }
    }

    /// Nothing was learned: what was seen stands, since when it did. Whoever may write goes on until that is over.
    fn failed(&mut self, now: Moment, error: String) {
        self.failures += 1;
        self.error = Some(error);
        let pause = LOOK.saturating_mul(1 << self.failures.saturating_sub(1).min(4)).min(LONGEST_PAUSE);
        self.next = now + pause.mul_f64(0.5 + self.phase / 2.0);
    }

    /// The same record as before keeps the moment at which it was first seen.
    fn saw(&mut self, now: Moment, record: Option<Record>) -> Sighting {
        self.failures = 0;
        self.error = None;
        let since = self.seen.as_ref().filter(|seen| seen.record == record).map_or(now, |seen| seen.since);
        self.seen.insert(Sighting { record, since }).clone()
    }

    /// Whether its successor may be written now, as far as this replica knows; the store has the last word.
    fn may_follow(&self, seen: &Sighting, now: Moment) -> bool {
        let Some(record) = &seen.record else { return true };
        let was_given_back = record.owner.is_empty();
        let is_held = self.is_mine(seen) && !self.is_claim(seen);
        was_given_back || is_held || now >= seen.since + PATIENCE
    }

    fn is_mine(&self, seen: &Sighting) -> bool {
        seen.record.as_ref().is_some_and(|record| record.owner == self.me)
    }

    /// Whether this replica may have written it where there was nothing.
    fn is_claim(&self, seen: &Sighting) -> bool {
        seen.record.as_ref().is_some_and(|record| record.beat <= self.last_claim)
    }

    fn following(&mut self, expected: Option<Record>, owner: String) -> Request {
        let beat = expected.as_ref().map_or(0, |record| record.beat).max(self.last_beat).saturating_add(1);
        self.last_beat = beat;
        if expected.is_none() {
            self.last_claim = beat;
        }
        Request::Write { expected, record: Record { version: FORM, owner, beat } }
    }
}
