//! Which write leaves first where not all can.

use std::cmp::Reverse;

use jiff::Timestamp;

/// What the queue is sorted by; smaller is more urgent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Urgency {
    class: Class,
    /// When the floor is really needed, where that is later than now: lead time gives way to what is due.
    needed_at: Option<Timestamp>,
    shortfall: Reverse<u32>,
}

/// What a write does, in order of urgency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// A floor rises.
    Rise,
    /// The same values again, so that AWS lifts desired.
    Nudge,
    /// Something falls.
    Fall,
}

impl Urgency {
    /// A write that is `shortfall` tasks short; what was needed before `now` is needed now.
    pub(super) fn new(class: Class, needed_at: Option<Timestamp>, shortfall: u32, now: Timestamp) -> Self {
        Urgency { class, needed_at: needed_at.filter(|at| *at > now), shortfall: Reverse(shortfall) }
    }

    /// Whether a floor rises.
    pub(super) fn is_rise(self) -> bool {
        self.class == Class::Rise
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    #[test]
    fn rises_go_before_falls_the_earlier_needed_first_what_is_overdue_by_the_largest_shortfall() {
        let now = Timestamp::UNIX_EPOCH;
        let at = |seconds| Some(now + SignedDuration::from_secs(seconds));
        let in_order = [
            Urgency::new(Class::Rise, at(-60), 5, now),
            Urgency::new(Class::Rise, None, 4, now),
            Urgency::new(Class::Rise, at(0), 3, now),
            Urgency::new(Class::Rise, at(60), 1, now),
            Urgency::new(Class::Rise, at(600), 50, now),
            Urgency::new(Class::Nudge, None, 9, now),
            Urgency::new(Class::Fall, None, 0, now),
        ];
        assert!(in_order.is_sorted(), "{in_order:?}");
    }
}
