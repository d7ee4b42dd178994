//! When to try again: backoff for one target, and how many writes may be under way for all of them.
//!
//! AWS publishes no rate for Application Auto Scaling, and every caller of the account shares it. So the pacer measures
//! what is let through.

use jiff::{SignedDuration, Timestamp};

use crate::ecs::{EcsError, ErrorKind};

/// A small deterministic generator (SplitMix64) for jitter; nothing secret hangs on it.
#[derive(Clone, Debug)]
pub(super) struct Jitter(u64);

impl Jitter {
    /// The same seed gives the same sequence.
    pub(super) fn new(seed: u64) -> Self {
        Jitter(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Between half of `whole` and all of it, so that targets that failed together do not return together.
    pub(super) fn spread(&mut self, whole: SignedDuration) -> SignedDuration {
        let millis = u64::try_from(whole.as_millis()).unwrap_or(0);
        let spread = millis / 2 + self.next() % (millis / 2 + 1);
        SignedDuration::from_millis(i64::try_from(spread).unwrap_or(i64::MAX))
    }
}

/// The failures of one target's writes, and when the next may be tried.
#[derive(Clone, Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
    /// No earlier than this.
    pub(super) not_before: Option<Timestamp>,
    /// The failure that stands.
    pub(super) error: Option<Box<EcsError>>,
}

impl Backoff {
    /// Notes a failure and sets the time of the next try.
    pub(super) fn fail(&mut self, error: EcsError, now: Timestamp, jitter: &mut Jitter) {
        let (first, cap) = pause(error.kind);
        let doubled = first.saturating_mul(1 << self.failures.min(16));
        let mut wait = jitter.spread(doubled.min(cap));
        if let Some(asked) = error.retry_after {
            wait = wait.max(SignedDuration::try_from(asked).unwrap_or(cap).min(cap));
        }
        self.failures = self.failures.saturating_add(1);
        self.not_before = now.checked_add(wait).ok();
        self.error = Some(Box::new(error));
    }

    /// Forgets everything: the last try was good.
    pub(super) fn succeed(&mut self) {
        *self = Backoff::default();
    }

    /// A different floor is due: it does not inherit the pauses of the one before, but for those that concern no value.
    pub(super) fn renew(&mut self) {
        let concerns_any_value = self
            .error
            .as_ref()
            .is_some_and(|error| matches!(error.kind, ErrorKind::Throttled | ErrorKind::QuotaExceeded));
        if !concerns_any_value {
            self.failures = 0;
            self.not_before = None;
        }
    }

    /// Whether a try is allowed.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        self.not_before.is_none_or(|at| at <= now)
    }

    /// Moves the pause with a clock that stepped back.
    pub(super) fn shift(&mut self, by: SignedDuration) {
        self.not_before = self.not_before.and_then(|at| at.checked_sub(by).ok());
    }
}

/// The first pause after a failure of this kind, and the longest.
fn pause(kind: ErrorKind) -> (SignedDuration, SignedDuration) {
    let seconds = SignedDuration::from_secs;
    match kind {
        ErrorKind::Throttled | ErrorKind::Conflict => (seconds(1), seconds(30)),
        ErrorKind::Unavailable | ErrorKind::Unreachable | ErrorKind::OutcomeUnknown | ErrorKind::Credentials => {
            (seconds(2), seconds(60))
        }
        ErrorKind::Denied | ErrorKind::NotFound | ErrorKind::Invalid => (seconds(30), seconds(300)),
        ErrorKind::QuotaExceeded => (seconds(1200), seconds(1200)), // ten minutes at least, after the jitter
    }
}

/// How many writes may be under way at once, and how fast they leave, learned from what AWS lets through.
///
/// AWS keeps a token bucket: whatever its size, at each throttle it is empty. So what was accepted between two throttles
/// is what it regained in that time, and the rate is known. Pauses cost nothing, because the bucket fills meanwhile.
#[derive(Clone, Debug, Default)]
pub(super) struct Pacer {
    in_flight: usize,
    /// After a throttle nothing leaves before this.
    hold_until: Option<Timestamp>,
    /// Where the rate is known, the next write leaves no earlier than this.
    next_at: Option<Timestamp>,
    learned: Option<Learned>,
}

/// What throttles taught.
#[derive(Clone, Copy, Debug)]
struct Learned {
    /// When the bucket was empty, and what was accepted since then.
    empty_at: Timestamp,
    accepted: u32,
    last_throttle: Timestamp,
    throttles: u32,
    accepted_since_throttle: u32,
    /// Writes a second, once enough was accepted between two throttles to tell.
    rate: Option<f64>,
}

/// The most writes that are ever under way at once; as many may be throttled before the first answer says so.
const WIDEST: usize = 8;

/// So many at first while the rate is being learned, and one more for every few that are accepted.
const CAREFUL: usize = 2;

/// So many accepted writes between two throttles tell the rate well enough.
const ENOUGH: u32 = 16;

/// A little below the rate that was measured, so that the bucket does not run dry again at once.
const MARGIN: f64 = 0.98;

/// How much faster writes leave for every second without a throttle: the limit may have been raised.
const GROWTH: f64 = 0.003;

/// After so long without a throttle the bucket is taken to have filled up, and what was learned is forgotten.
const MEMORY: SignedDuration = SignedDuration::from_mins(5);

impl Pacer {
    /// Whether another write may leave now.
    pub(super) fn admits(&self, now: Timestamp) -> bool {
        self.in_flight < self.width(now) && self.held_until().is_none_or(|at| at <= now)
    }

    fn width(&self, now: Timestamp) -> usize {
        match self.learned_at(now) {
            Some(Learned { rate: None, accepted_since_throttle, .. }) => {
                (CAREFUL + accepted_since_throttle as usize / 8).min(WIDEST)
            }
            Some(Learned { rate: Some(_), .. }) | None => WIDEST,
        }
    }

    fn learned_at(&self, now: Timestamp) -> Option<Learned> {
        self.learned.filter(|learned| now.duration_since(learned.last_throttle) < MEMORY)
    }

    /// Until when everything waits, where it does.
    pub(super) fn held_until(&self) -> Option<Timestamp> {
        self.hold_until.max(self.next_at)
    }

    /// How many are under way.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// A write leaves, and the next one keeps its distance where the rate is known.
    pub(super) fn sent(&mut self, now: Timestamp) {
        self.in_flight += 1;
        let distance = self.learned_at(now).and_then(|learned| learned.distance(now));
        self.next_at = distance.and_then(|distance| now.checked_add(distance).ok());
    }

    /// A write came back.
    pub(super) fn returned(&mut self, outcome: Result<(), ErrorKind>, now: Timestamp, jitter: &mut Jitter) {
        self.in_flight = self.in_flight.saturating_sub(1);
        match outcome {
            Ok(()) => self.learned.iter_mut().for_each(Learned::note_accepted),
            Err(ErrorKind::Throttled) => self.throttled(now, jitter),
            Err(_) => {}
        }
    }

    /// What comes back throttled during the pause had left before it, and teaches nothing new.
    fn throttled(&mut self, now: Timestamp, jitter: &mut Jitter) {
        if self.hold_until.is_some_and(|at| now < at) {
            return;
        }
        let learned = self.learned_at(now).map_or_else(|| Learned::first(now), |before| before.throttled(now));
        self.learned = Some(learned);
        self.hold_until = now.checked_add(jitter.spread(learned.pause())).ok();
    }

    /// Moves every instant with a clock that stepped back.
    pub(super) fn shift(&mut self, by: SignedDuration) {
        let back = |at: &mut Timestamp| *at = at.checked_sub(by).unwrap_or(*at);
        self.hold_until.iter_mut().for_each(back);
        self.next_at.iter_mut().for_each(back);
        if let Some(learned) = &mut self.learned {
            back(&mut learned.empty_at);
            back(&mut learned.last_throttle);
        }
    }
}

impl Learned {
    fn first(now: Timestamp) -> Self {
        Learned { empty_at: now, accepted: 0, last_throttle: now, throttles: 1, accepted_since_throttle: 0, rate: None }
    }

    fn note_accepted(&mut self) {
        self.accepted += 1;
        self.accepted_since_throttle += 1;
    }

    /// The bucket is empty again: measures where enough was accepted, else goes on counting from where it was.
    fn throttled(self, now: Timestamp) -> Self {
        let counted = Learned {
            last_throttle: now,
            throttles: self.throttles.saturating_add(1),
            accepted_since_throttle: 0,
            ..self
        };
        let seconds = now.duration_since(self.empty_at).as_secs_f64();
        if self.accepted < ENOUGH || seconds <= 0.0 {
            return counted;
        }
        let rate = Some(MARGIN * f64::from(self.accepted) / seconds);
        Learned { empty_at: now, accepted: 0, rate, ..counted }
    }

    /// Longer and longer while the rate is not known, so that soon enough is accepted between two throttles to tell it.
    fn pause(&self) -> SignedDuration {
        match self.rate {
            Some(_) => SignedDuration::from_secs(1),
            None => SignedDuration::from_secs(1 << (self.throttles - 1).min(3)),
        }
    }

    fn distance(&self, now: Timestamp) -> Option<SignedDuration> {
        let seconds = now.duration_since(self.last_throttle).as_secs_f64();
        let rate = self.rate? * (1.0 + GROWTH * seconds);
        SignedDuration::try_from_secs_f64(1.0 / rate).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecs::Operation;

    fn error(kind: ErrorKind) -> EcsError {
        EcsError {
            operation: Operation::RegisterScalableTarget,
            kind,
            code: String::new(),
            message: String::new(),
            retry_after: None,
        }
    }

    fn waits(kind: ErrorKind, failures: usize) -> Vec<i64> {
        let (mut backoff, mut jitter) = (Backoff::default(), Jitter::new(7));
        let now = Timestamp::UNIX_EPOCH;
        let wait =
            |backoff: &Backoff| backoff.not_before.expect("a failure sets a pause").duration_since(now).as_secs();
        (0..failures)
            .map(|_| {
                backoff.fail(error(kind), now, &mut jitter);
                wait(&backoff)
            })
            .collect()
    }

    #[test]
    fn pauses_grow_to_a_cap_and_never_fall_under_half_of_it() {
        let waits = waits(ErrorKind::Unavailable, 12);
        assert!(waits[0] <= 2, "{waits:?}");
        assert!(waits[11] >= 30 && waits[11] <= 60, "{waits:?}");
    }

    #[test]
    fn f6_a_used_up_quota_waits_ten_minutes_from_the_start() {
        assert!(waits(ErrorKind::QuotaExceeded, 3).iter().all(|wait| (600..=1200).contains(wait)));
    }

    #[test]
    fn a_new_floor_does_not_inherit_a_refusal_but_does_inherit_a_throttle() {
        for (kind, inherits) in [(ErrorKind::Invalid, false), (ErrorKind::Throttled, true)] {
            let mut backoff = Backoff::default();
            backoff.fail(error(kind), Timestamp::UNIX_EPOCH, &mut Jitter::new(1));
            backoff.renew();
            assert_eq!(backoff.not_before.is_some(), inherits, "{kind:?}");
        }
    }

    fn accept(pacer: &mut Pacer, count: usize, now: Timestamp, jitter: &mut Jitter) {
        for _ in 0..count {
            pacer.sent(now);
            pacer.returned(Ok(()), now, jitter);
        }
    }

    fn throttle(pacer: &mut Pacer, now: Timestamp, jitter: &mut Jitter) {
        pacer.sent(now);
        pacer.returned(Err(ErrorKind::Throttled), now, jitter);
    }

    #[test]
    fn after_a_throttle_everything_holds_for_a_moment_and_then_goes_two_at_a_time() {
        let (mut pacer, mut jitter, now) = (Pacer::default(), Jitter::new(1), Timestamp::UNIX_EPOCH);
        throttle(&mut pacer, now, &mut jitter);
        assert!(!pacer.admits(now));
        let later = pacer.held_until().expect("a throttle holds");
        for _ in 0..CAREFUL {
            assert!(pacer.admits(later));
            pacer.sent(later);
        }
        assert!(!pacer.admits(later), "two are under way");
    }

    #[test]
    fn what_was_accepted_between_two_throttles_tells_the_rate() {
        let (mut pacer, mut jitter, start) = (Pacer::default(), Jitter::new(1), Timestamp::UNIX_EPOCH);
        throttle(&mut pacer, start, &mut jitter);
        let later = start + SignedDuration::from_secs(10);
        accept(&mut pacer, 50, later, &mut jitter);
        throttle(&mut pacer, later, &mut jitter);
        let now = pacer.held_until().expect("a throttle holds");
        pacer.sent(now);
        let distance = pacer.held_until().expect("the next keeps its distance").duration_since(now);
        assert!((200..=206).contains(&distance.as_millis()), "a little less than five a second: {distance}");
    }

    #[test]
    fn what_was_learned_is_forgotten_after_five_quiet_minutes() {
        let (mut pacer, mut jitter, start) = (Pacer::default(), Jitter::new(1), Timestamp::UNIX_EPOCH);
        throttle(&mut pacer, start, &mut jitter);
        let later = start + MEMORY;
        for _ in 0..WIDEST {
            assert!(pacer.admits(later));
            pacer.sent(later);
        }
    }
}
