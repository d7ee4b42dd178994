//! The only place that reads a clock. Everywhere else time is an argument.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use jiff::{SignedDuration, Timestamp};

/// A closure that tells the time, for those that only want to stamp something.
pub(crate) type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Where the time comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Clock {
    /// The wall clock.
    System,
    /// A clock that started at the wall clock's time and runs faster than it.
    Scaled {
        /// The wall clock's time at the start.
        start: Timestamp,
        /// The same moment on the monotonic clock.
        started: Instant,
        /// Simulated seconds in a real one, 1 or more.
        speed: f64,
    },
    /// A clock that stands still, to plan for another instant.
    Fixed(Timestamp),
}

impl Clock {
    /// A clock that starts now and runs `speed` times as fast as the wall clock.
    pub(crate) fn scaled(speed: f64) -> Clock {
        Clock::Scaled { start: wall_clock(), started: monotonic(), speed }
    }

    /// The time.
    pub(crate) fn now(self) -> Timestamp {
        match self {
            Clock::System => wall_clock(),
            Clock::Scaled { start, started, speed } => {
                let passed = SignedDuration::try_from(started.elapsed().mul_f64(speed)).unwrap_or(SignedDuration::MAX);
                start.checked_add(passed).unwrap_or(Timestamp::MAX)
            }
            Clock::Fixed(at) => at,
        }
    }

    /// How long to sleep, in real time, until the clock shows `at`.
    pub(crate) fn until(self, at: Timestamp) -> Duration {
        let ahead = Duration::try_from(at.duration_since(self.now())).unwrap_or(Duration::ZERO);
        self.real(ahead)
    }

    /// How much real time a stretch on this clock takes.
    pub(crate) fn real(self, stretch: Duration) -> Duration {
        match self {
            Clock::System | Clock::Fixed(_) => stretch,
            Clock::Scaled { speed, .. } => stretch.div_f64(speed),
        }
    }

    /// Whether it tells the time, rather than an instant that was chosen.
    pub(crate) fn is_running(self) -> bool {
        match self {
            Clock::System | Clock::Scaled { .. } => true,
            Clock::Fixed(_) => false,
        }
    }

    /// The clock as a closure.
    pub(crate) fn teller(self) -> Now {
        Arc::new(move || self.now())
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the wall clock")]
fn wall_clock() -> Timestamp {
    Timestamp::now()
}

/// How long ago a file system's stamp was; `None` where it lies in the future.
pub(crate) fn age(stamp: SystemTime) -> Option<Duration> {
    stamp.elapsed().ok()
}

/// The monotonic clock, for durations.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the monotonic clock")]
pub(crate) fn monotonic() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_ten_times_as_fast_waits_a_tenth_of_the_time() {
        let clock = Clock::scaled(10.0);
        assert_eq!(clock.real(Duration::from_secs(60)), Duration::from_secs(6));
        let ahead = clock.now().checked_add(SignedDuration::from_secs(10)).unwrap();
        assert!(clock.until(ahead) <= Duration::from_secs(1));
    }

    #[test]
    fn an_instant_that_has_passed_is_not_waited_for() {
        assert_eq!(Clock::Fixed(Timestamp::UNIX_EPOCH).until(Timestamp::UNIX_EPOCH), Duration::ZERO);
    }
}
