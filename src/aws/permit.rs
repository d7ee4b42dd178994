//! Until when writes may leave: what a lease gives, and what is asked at the moment of sending each.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::clock::monotonic;

/// A permission to write that ends by itself. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Permit {
    began: Instant,
    /// In milliseconds after `began`.
    ends: Arc<AtomicU64>,
}

impl Permit {
    /// A permit that never ends.
    pub(crate) fn unlimited() -> Permit {
        Permit { began: monotonic(), ends: Arc::new(AtomicU64::new(u64::MAX)) }
    }

    /// A permit that has ended, until it is [extended](Permit::extend).
    #[cfg_attr(not(feature = "lease"), expect(dead_code, reason = "only a lease limits writing"))]
    pub(crate) fn ended() -> Permit {
        Permit { began: monotonic(), ends: Arc::default() }
    }

    /// How long ago it was made: the clock that it ends by.
    #[cfg_attr(not(feature = "lease"), expect(dead_code, reason = "only a lease limits writing"))]
    pub(crate) fn age(&self) -> Duration {
        self.began.elapsed()
    }

    /// Sets the age at which it ends; `None`: now.
    #[cfg_attr(not(feature = "lease"), expect(dead_code, reason = "only a lease limits writing"))]
    pub(crate) fn extend(&self, until: Option<Duration>) {
        let millis = |until: Duration| u64::try_from(until.as_millis()).unwrap_or(u64::MAX);
        self.ends.store(until.map_or(0, millis), Ordering::Release);
    }

    /// Whether a write may leave at this moment.
    pub(crate) fn holds(&self) -> bool {
        self.began.elapsed().as_millis() < u128::from(self.ends.load(Ordering::Acquire))
    }
}

/// Why a write was not sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct NoPermit;

impl fmt::Display for NoPermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the lease ran out before the write could leave; nothing was sent")
    }
}

impl std::error::Error for NoPermit {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permit_holds_until_it_ends_and_can_be_taken_back() {
        let permit = Permit { began: monotonic(), ends: Arc::default() };
        assert!(!permit.holds() && Permit::unlimited().holds());
        let shared = permit.clone();
        permit.ends.store(60_000, Ordering::Release);
        assert!(shared.holds());
        shared.ends.store(0, Ordering::Release);
        assert!(!permit.holds());
    }
}
