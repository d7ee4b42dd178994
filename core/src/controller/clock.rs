//! The wall clock, as far as it can be trusted: its leaps, and how far AWS's answers say it is off.

use jiff::{SignedDuration, Timestamp};

use super::Fact;
use super::fact::ClockTrust;
use crate::plan::TWIN;

/// Further off than this is worth a warning.
const NOTICEABLE: SignedDuration = SignedDuration::from_secs(30);

/// Further off than this, or leaping by more, nothing is lowered by it.
const TOLERABLE: SignedDuration = TWIN;

/// So much nearer it must come before the verdict on it gets better, so that a clock on the edge is told of once.
const SLACK: SignedDuration = SignedDuration::from_secs(5);

/// What is known of the wall clock.
#[derive(Clone, Debug)]
pub(super) struct WallClock {
    last: Option<Timestamp>,
    /// The last leap: what was seen before it has an age that nobody knows.
    leapt: Option<Timestamp>,
    trust: ClockTrust,
}

impl WallClock {
    /// A clock of which nothing bad is known.
    pub(super) fn new() -> Self {
        WallClock { last: None, leapt: None, trust: ClockTrust::InStep }
    }

    /// Reads the clock anew. The answer is by how much it stepped back, where it did. A gap ahead may be a step, or a
    /// process that stood still.
    pub(super) fn follow(&mut self, now: Timestamp) -> Option<SignedDuration> {
        let last = self.last.replace(now)?;
        if now.duration_since(last).abs() > TOLERABLE {
            self.leapt = Some(now);
        }
        (now < last).then(|| last.duration_since(now))
    }

    /// The earliest instant from which a look is `fresh_for` old at the most, and has an age at all.
    pub(super) fn fresh_from(&self, now: Timestamp, fresh_for: SignedDuration) -> Timestamp {
        let from = now.checked_sub(fresh_for).unwrap_or(Timestamp::MIN);
        self.leapt.map_or(from, |leapt| from.max(leapt.min(now)))
    }

    /// An answer of AWS's shows that the clock is `ahead`; negative: behind.
    pub(super) fn compare(&mut self, ahead: SignedDuration) -> Option<Fact> {
        let distance = ahead.abs();
        let judged = judge(distance);
        let settled = if judged < self.trust { judge(distance.saturating_add(SLACK)) } else { judged };
        (std::mem::replace(&mut self.trust, settled) != settled)
            .then_some(Fact::ClockCompared { ahead, trust: settled })
    }

    /// Whether anything may be lowered by it. Before the first comparison nothing speaks against it.
    pub(super) fn is_trusted(&self) -> bool {
        self.trust != ClockTrust::NotTrusted
    }
}

fn judge(distance: SignedDuration) -> ClockTrust {
    match distance {
        distance if distance > TOLERABLE => ClockTrust::NotTrusted,
        distance if distance > NOTICEABLE => ClockTrust::Off,
        _ => ClockTrust::InStep,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f21_a_clock_is_told_of_beyond_thirty_seconds_not_trusted_beyond_two_minutes_and_not_told_of_twice() {
        use ClockTrust::{InStep, NotTrusted, Off};
        let mut clock = WallClock::new();
        let told = [0, 30, 31, 40, 120, -31, 28, 24, -121, 118, 110, 10].map(|seconds| {
            match clock.compare(SignedDuration::from_secs(seconds)) {
                Some(Fact::ClockCompared { trust, .. }) => Some(trust),
                _ => None,
            }
        });
        let expected = [
            None,
            None,
            Some(Off),
            None,
            None,
            None,
            None,
            Some(InStep),
            Some(NotTrusted),
            None,
            Some(Off),
            Some(InStep),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn after_a_leap_what_was_seen_before_is_not_fresh() {
        let at = |second| Timestamp::from_second(second).expect("a timestamp");
        let fresh_for = SignedDuration::from_secs(1000);
        for (now, fresh_from) in
            [(10_100, 9_100), (10_120, 9_120), (10_121, 10_121), (9_990, 8_990), (9_880, 8_880), (9_879, 9_879)]
        {
            let mut clock = WallClock::new();
            clock.follow(at(10_000));
            clock.follow(at(now));
            assert_eq!(clock.fresh_from(at(now), fresh_for), at(fresh_from), "{now}");
        }
    }
}
