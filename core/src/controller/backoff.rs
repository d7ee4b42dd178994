//! When one target is tried again.

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

/// The failures of one target's writes or looks, and when the next may be tried. Most targets have none, and pay for none.
#[derive(Clone, Debug, Default)]
pub(super) struct Backoff(Option<Box<Failing>>);

#[derive(Clone, Debug)]
struct Failing {
    failures: u32,
    not_before: Option<Timestamp>,
    error: EcsError,
}

impl Backoff {
    /// Notes a failure and sets the time of the next try.
    pub(super) fn fail(&mut self, error: EcsError, now: Timestamp, jitter: &mut Jitter) {
        let failures = self.0.as_ref().map_or(0, |failing| failing.failures);
        let (first, cap) = pause(error.kind);
        let doubled = first.saturating_mul(1 << failures.min(16));
        let mut wait = jitter.spread(doubled.min(cap));
        if let Some(asked) = error.retry_after {
            wait = wait.max(SignedDuration::try_from(asked).unwrap_or(cap).min(cap));
        }
        let not_before = now.checked_add(wait).ok();
        self.0 = Some(Box::new(Failing { failures: failures.saturating_add(1), not_before, error }));
    }

    /// Forgets everything: the last try was good.
    pub(super) fn succeed(&mut self) {
        self.0 = None;
    }

    /// The failure that stands.
    pub(super) fn error(&self) -> Option<&EcsError> {
        self.0.as_ref().map(|failing| &failing.error)
    }

    /// The next try is no earlier than this.
    pub(super) fn not_before(&self) -> Option<Timestamp> {
        self.0.as_ref()?.not_before
    }

    /// A different floor is due: it does not inherit the pauses of the one before, but for those that concern no value.
    pub(super) fn renew(&mut self) {
        let Some(failing) = &mut self.0 else { return };
        if !matches!(failing.error.kind, ErrorKind::Throttled | ErrorKind::QuotaExceeded) {
            (failing.failures, failing.not_before) = (0, None);
        }
    }

    /// What remains of a pause after such a failure becomes a second at the most, so that those who waited do not all
    /// come at once. Another failure makes the pause as long as it would have become.
    pub(super) fn cut_short(&mut self, concerns: impl FnOnce(ErrorKind) -> bool, now: Timestamp, jitter: &mut Jitter) {
        let Some(failing) = &mut self.0 else { return };
        let Some(until) = failing.not_before.filter(|until| *until > now) else { return };
        if concerns(failing.error.kind) {
            let soon = now.checked_add(jitter.spread(SignedDuration::from_secs(1))).unwrap_or(until);
            failing.not_before = Some(until.min(soon));
        }
    }

    /// Whether a try is allowed.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        self.not_before().is_none_or(|at| at <= now)
    }

    /// Moves the pause with a clock that stepped back.
    pub(super) fn shift(&mut self, by: SignedDuration) {
        let Some(failing) = &mut self.0 else { return };
        failing.not_before = failing.not_before.and_then(|at| at.checked_sub(by).ok());
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

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::ecs::Operation;

    pub(in crate::controller) fn error(kind: ErrorKind) -> EcsError {
        EcsError {
            operation: Operation::RegisterScalableTarget,
            kind,
            code: String::new(),
            message: String::new(),
            retry_after: None,
        }
    }

    #[test]
    fn a_pause_of_nothing_is_nothing_and_each_is_between_half_and_all_of_it() {
        let mut jitter = Jitter::new(7);
        assert_eq!(jitter.spread(SignedDuration::ZERO), SignedDuration::ZERO);
        let spread: Vec<_> = (0..200).map(|_| jitter.spread(SignedDuration::from_millis(4)).as_millis()).collect();
        assert_eq!((spread.iter().min(), spread.iter().max()), (Some(&2), Some(&4)));
    }

    fn waits(kind: ErrorKind, failures: usize) -> Vec<i64> {
        let (mut backoff, mut jitter) = (Backoff::default(), Jitter::new(7));
        let now = Timestamp::UNIX_EPOCH;
        let wait =
            |backoff: &Backoff| backoff.not_before().expect("a failure sets a pause").duration_since(now).as_secs();
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
    fn a_pause_lasts_no_longer_where_the_clock_steps_back() {
        let (mut backoff, now, by) = (Backoff::default(), Timestamp::UNIX_EPOCH, SignedDuration::from_mins(10));
        backoff.fail(error(ErrorKind::Unavailable), now, &mut Jitter::new(7));
        let until = backoff.not_before().expect("a failure sets a pause");
        backoff.shift(by);
        assert_eq!(backoff.not_before(), Some(until - by));
    }

    #[test]
    fn what_remains_of_a_pause_can_be_cut_to_a_second_and_is_never_made_longer() {
        let (mut backoff, mut jitter) = (Backoff::default(), Jitter::new(7));
        let now = Timestamp::UNIX_EPOCH;
        (0..6).for_each(|_| backoff.fail(error(ErrorKind::Unavailable), now, &mut jitter));
        let until = backoff.not_before().expect("a failure sets a pause");
        backoff.cut_short(|kind| kind != ErrorKind::Unavailable, now, &mut jitter);
        assert_eq!(backoff.not_before(), Some(until), "another kind");
        backoff.cut_short(|_| true, until, &mut jitter);
        assert_eq!(backoff.not_before(), Some(until), "it is over");
        let just_before = until - SignedDuration::from_millis(100);
        backoff.cut_short(|_| true, just_before, &mut jitter);
        assert_eq!(backoff.not_before(), Some(until), "it is all but over");
        backoff.cut_short(|kind| kind == ErrorKind::Unavailable, now, &mut jitter);
        let soon = backoff.not_before().expect("some of it is left").duration_since(now).as_millis();
        assert!((500..=1_000).contains(&soon), "{soon} ms");
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
            assert_eq!(backoff.not_before().is_some(), inherits, "{kind:?}");
        }
    }

    /// The first numbers that splitmix64 gives for the seed 1234567, as published.
    #[test]
    fn jitter_is_splitmix64() {
        let mut jitter = Jitter::new(1_234_567);
        let published = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!([(); 3].map(|()| jitter.next()), published);
    }
}
