//! How many writes may be under way for all targets together, and how fast they leave.
//!
//! AWS publishes no rate for Application Auto Scaling, and every caller of the account shares it. So the pacer measures
//! what is let through.

use jiff::{SignedDuration, Timestamp};

use super::backoff::Jitter;
use crate::ecs::ErrorKind;

/// How many writes may be under way at once, and how fast they leave, learned from what AWS lets through.
///
/// AWS keeps a token bucket: whatever its size, at each throttle it is empty. So what was accepted between two throttles
/// is what it regained in that time, and the rate is known. Pauses cost nothing, because the bucket fills meanwhile.
///
/// A throttle is the only thing that teaches, so a few are spent on purpose: as many as one in twenty writes, or ten,
/// and no more. What the first emptying of the bucket leaves of those is spread over the writes that still wait: now and
/// then they leave faster until one is throttled, which uses what the estimate had left in the bucket, measures anew, and
/// finds a limit that was raised.
#[derive(Clone, Debug, Default)]
pub(super) struct Pacer {
    in_flight: usize,
    /// After a throttle nothing leaves before this.
    hold_until: Option<Timestamp>,
    /// Where the rate is known, the next write leaves no earlier than this.
    next_at: Option<Timestamp>,
    learned: Option<Learned>,
    burst: Burst,
    proven: Proven,
}

/// The writes that left without a pause worth the name.
#[derive(Clone, Copy, Debug, Default)]
struct Burst {
    sent: usize,
    throttled: usize,
    /// Accepted since the last throttle.
    clear: usize,
    last_sent: Option<Timestamp>,
}

/// What was let through in one second when nothing was throttled: a rested bucket is sure to hold that.
#[derive(Clone, Copy, Debug, Default)]
struct Proven {
    most: usize,
    accepted: usize,
    since: Option<Timestamp>,
}

/// What throttles taught.
#[derive(Clone, Copy, Debug)]
struct Learned {
    /// The longest time back in which the rate was the same, as far as is known. The bucket was empty when it began.
    steady: Stretch,
    /// Since the last throttle.
    recent: Stretch,
    /// Throttles in a row with nothing accepted in between.
    futile: u32,
    /// Writes a second, once something was accepted between two throttles.
    rate: Option<f64>,
}

/// A time that began with an empty bucket, and what was accepted in it.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    from: Timestamp,
    accepted: u32,
}

/// So many throttles are put up with, however few writes there are.
const FEW: usize = 10;

/// And one in so many writes, where that is more.
const ONE_IN: usize = 20;

/// As wide as that grows with the number of writes: more than this helps no burst that AWS is known to bear.
const WIDEST: usize = 50;

/// More are never under way at once, whatever was let through before: each holds a connection of some 50 KiB for a minute
/// and a half, and a task may have 64 MiB and 1,024 descriptors. At 200 ms there and back it is a thousand writes a second.
const MOST: usize = 200;

/// A burst is over after so long without a write.
const BREATH: SignedDuration = SignedDuration::from_secs(60);

/// What was learned is of no use after so long in which nothing waited.
const LULL: SignedDuration = SignedDuration::from_secs(10);

/// How much faster writes leave in order to find the end of the bucket.
const HASTE: f64 = 0.5;

/// So many accepted writes beyond what the rate explains are more than a bucket that was empty once can hold.
const SURE: f64 = 4.0;

/// After so long without a throttle the bucket is taken to have filled up, and what was learned is forgotten.
const MEMORY: SignedDuration = SignedDuration::from_mins(5);

/// Of what is shared with everyone else in the account, one second is what may be left unused before it is looked for.
const SECOND: SignedDuration = SignedDuration::from_secs(1);

impl Pacer {
    /// Whether another write may leave now, where so many wait.
    pub(super) fn admits(&self, now: Timestamp, waiting: usize) -> bool {
        self.in_flight < self.width(now, waiting).min(MOST) && self.held_until().is_none_or(|at| at <= now)
    }

    fn width(&self, now: Timestamp, waiting: usize) -> usize {
        let burst = self.burst_at(now);
        let left = burst.tolerated(waiting).saturating_sub(burst.throttled);
        let careful = (left / 2).clamp(2, WIDEST);
        match self.learned_at(now) {
            None if burst.sent < self.proven.most => self.proven.most,
            None => (careful + burst.clear / ONE_IN).min(left).max(careful),
            Some(Learned { rate: None, recent, .. }) => 1 + (recent.accepted as usize / 8).min(careful),
            Some(Learned { rate: Some(rate), .. }) => careful.max(rate.ceil() as usize), // a second's worth
        }
    }

    fn burst_at(&self, now: Timestamp) -> Burst {
        let goes_on = |last: Timestamp| now.duration_since(last) < BREATH;
        if self.burst.last_sent.is_some_and(goes_on) { self.burst } else { Burst::default() }
    }

    fn learned_at(&self, now: Timestamp) -> Option<Learned> {
        self.learned.filter(|learned| now.duration_since(learned.recent.from) < MEMORY)
    }

    /// Until when everything waits, where it does.
    pub(super) fn held_until(&self) -> Option<Timestamp> {
        self.hold_until.max(self.next_at)
    }

    /// How many are under way.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// How many writes a second are let through; `None` while no throttle has taught it.
    pub(super) fn rate(&self, now: Timestamp) -> Option<f64> {
        self.learned_at(now)?.rate
    }

    /// A write leaves while so many others wait, and the next one keeps its distance where the rate is known.
    pub(super) fn sent(&mut self, now: Timestamp, waiting: usize) {
        self.in_flight += 1;
        self.forget_after_a_lull(now);
        self.burst = self.burst_at(now);
        self.burst.sent += 1;
        self.burst.last_sent = Some(now);
        let left = (self.burst.tolerated(waiting) * 4 / 5).saturating_sub(self.burst.throttled); // some come unsought
        let pace = self.learned_at(now).and_then(|learned| learned.pace(now, waiting, left));
        let distance = pace.and_then(|pace| SignedDuration::try_from_secs_f64(1.0 / pace).ok());
        // Who wakes a little late does not fall behind.
        let due = |distance| self.next_at.map_or(now, |due| due.clamp(now - distance / 2, now));
        self.next_at = distance.and_then(|distance| due(distance).checked_add(distance).ok());
    }

    /// Where nothing left although it might have, the bucket has regained nobody knows what, and counting is of no use.
    fn forget_after_a_lull(&mut self, now: Timestamp) {
        let might_have_left = self.burst.last_sent.max(self.held_until());
        if might_have_left.is_some_and(|at| now.duration_since(at) > LULL) {
            self.learned = None;
        }
    }

    /// A write came back.
    pub(super) fn returned(&mut self, outcome: Result<(), ErrorKind>, now: Timestamp, jitter: &mut Jitter) {
        self.in_flight = self.in_flight.saturating_sub(1);
        match outcome {
            Ok(()) => self.accepted(now),
            Err(ErrorKind::Throttled) => self.throttled(now, jitter),
            Err(_) => {}
        }
    }

    /// So many calls that only read were let through: they use the same bucket.
    pub(super) fn read(&mut self, calls: usize, now: Timestamp) {
        let Some(rate) = self.rate(now) else { return };
        let calls = u32::try_from(calls).unwrap_or(u32::MAX);
        self.learned.iter_mut().for_each(|learned| learned.note_accepted(calls));
        let regained_in = SignedDuration::try_from_secs_f64(f64::from(calls) / rate).unwrap_or(MEMORY);
        self.next_at = self.next_at.unwrap_or(now).checked_add(regained_in.min(MEMORY)).ok();
    }

    fn accepted(&mut self, now: Timestamp) {
        self.burst.clear += 1;
        match &mut self.learned {
            None => self.proven.note_accepted(now),
            Some(learned) => {
                learned.note_accepted(1);
                self.learned.take_if(|learned| learned.is_exceeded(now)); // the limit was raised: nothing is known
            }
        }
    }

    /// What comes back throttled during the pause had left before it, and teaches nothing new.
    fn throttled(&mut self, now: Timestamp, jitter: &mut Jitter) {
        self.burst.throttled += 1;
        self.burst.clear = 0;
        if self.hold_until.is_some_and(|at| now < at) {
            return;
        }
        self.proven.note_throttled();
        let in_flight = u32::try_from(self.in_flight).unwrap_or(u32::MAX);
        let learned =
            self.learned_at(now).map_or_else(|| Learned::first(now), |before| before.throttled(now, in_flight));
        self.learned = Some(learned);
        self.hold_until = now.checked_add(jitter.spread(learned.pause())).ok();
    }

    /// Moves every instant with a clock that stepped back.
    pub(super) fn shift(&mut self, by: SignedDuration) {
        let back = |at: &mut Timestamp| *at = at.checked_sub(by).unwrap_or(*at);
        self.hold_until.iter_mut().for_each(back);
        self.next_at.iter_mut().for_each(back);
        self.burst.last_sent.iter_mut().for_each(back);
        self.proven.since.iter_mut().for_each(back);
        if let Some(learned) = &mut self.learned {
            back(&mut learned.steady.from);
            back(&mut learned.recent.from);
        }
    }
}

impl Burst {
    /// How many throttles are put up with, where so many writes still wait.
    fn tolerated(&self, waiting: usize) -> usize {
        FEW.max((self.sent + waiting) / ONE_IN)
    }
}

impl Proven {
    fn note_accepted(&mut self, now: Timestamp) {
        if self.since.is_none_or(|since| now.duration_since(since) >= SECOND) {
            *self = Proven { accepted: 0, since: Some(now), ..*self };
        }
        self.accepted += 1;
        self.most = self.most.max(self.accepted);
    }

    fn note_throttled(&mut self) {
        self.most = self.most.min(self.accepted);
    }
}

impl Stretch {
    fn empty(at: Timestamp) -> Self {
        Stretch { from: at, accepted: 0 }
    }

    fn seconds(self, now: Timestamp) -> f64 {
        now.duration_since(self.from).as_secs_f64().max(0.001)
    }
}

impl Learned {
    fn first(now: Timestamp) -> Self {
        Learned { steady: Stretch::empty(now), recent: Stretch::empty(now), futile: 0, rate: None }
    }

    fn note_accepted(&mut self, calls: u32) {
        self.steady.accepted += calls;
        self.recent.accepted += calls;
        self.futile = 0;
    }

    /// The bucket is empty again. What it regained since it last was bounds the rate from both sides, to within the one
    /// token that it may have had left; the longer the rate has stayed, the closer it is known.
    fn throttled(self, now: Timestamp, in_flight: u32) -> Self {
        let Stretch { accepted, .. } = self.recent;
        let seconds = self.recent.seconds(now);
        let highest = f64::from(accepted + 1 + in_flight) / seconds;
        let begun_anew = Learned { steady: Stretch::empty(now), ..self.after_throttle(now) };
        match self.rate {
            Some(rate) if rate > highest => Learned { rate: Some((f64::from(accepted) + 0.5) / seconds), ..begun_anew },
            None if accepted == 0 => begun_anew,
            _ => {
                let rate = (f64::from(self.steady.accepted) + 0.5) / self.steady.seconds(now);
                Learned { rate: Some(rate), ..self.after_throttle(now) }
            }
        }
    }

    fn after_throttle(self, now: Timestamp) -> Self {
        Learned { recent: Stretch::empty(now), futile: self.futile + 1, ..self }
    }

    /// Longer and longer while nothing is let through.
    fn pause(&self) -> SignedDuration {
        SignedDuration::from_secs(1 << self.futile.saturating_sub(1).min(3))
    }

    /// How much more was accepted since the last throttle than the rate explains.
    fn unexplained(&self, now: Timestamp) -> f64 {
        self.rate.map_or(0.0, |rate| f64::from(self.recent.accepted) - rate * self.recent.seconds(now))
    }

    fn is_exceeded(&self, now: Timestamp) -> bool {
        self.unexplained(now) > SURE
    }

    /// How many writes a second leave now, where so many wait and so many throttles may yet be spent on them.
    fn pace(&self, now: Timestamp, waiting: usize, throttles_left: usize) -> Option<f64> {
        let rate = self.rate?;
        let measured = (self.steady.accepted - self.recent.accepted) as usize;
        let spacing = match waiting.checked_div(throttles_left) {
            Some(spacing) => spacing.min(measured).max(4),
            None => measured.max(ONE_IN),
        };
        if (self.recent.accepted as usize) < spacing {
            return Some(rate);
        }
        Some(rate * (1.0 + HASTE + self.unexplained(now).max(0.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accept(pacer: &mut Pacer, count: usize, now: Timestamp, jitter: &mut Jitter) {
        for _ in 0..count {
            pacer.sent(now, 0);
            pacer.returned(Ok(()), now, jitter);
        }
    }

    fn throttle(pacer: &mut Pacer, now: Timestamp, jitter: &mut Jitter) {
        pacer.sent(now, 0);
        pacer.returned(Err(ErrorKind::Throttled), now, jitter);
    }

    #[test]
    fn however_much_was_let_through_at_once_each_write_under_way_costs_a_connection() {
        let (mut pacer, mut jitter, now) = (Pacer::default(), Jitter::new(1), Timestamp::UNIX_EPOCH);
        accept(&mut pacer, 2_000, now, &mut jitter);
        let next_day = now + SignedDuration::from_hours(24);
        for _ in 0..MOST {
            assert!(pacer.admits(next_day, 2_000), "{} are under way", pacer.in_flight());
            pacer.sent(next_day, 2_000);
        }
        assert!(!pacer.admits(next_day, 2_000));
    }

    #[test]
    fn writes_are_held_no_longer_where_the_clock_steps_back() {
        let (mut pacer, _, now) = measured(50);
        distance_after_a_write(&mut pacer, now, 100);
        let (until, by) = (pacer.held_until().expect("the next keeps its distance"), SignedDuration::from_mins(10));
        pacer.shift(by);
        assert_eq!(pacer.held_until(), Some(until - by));
        assert!(pacer.rate(now - by).is_some_and(|rate| (4.9..=5.1).contains(&rate)), "what was learned stays");
    }

    #[test]
    fn after_a_throttle_everything_holds_for_a_moment_and_then_goes_one_at_a_time() {
        let (mut pacer, mut jitter, now) = (Pacer::default(), Jitter::new(1), Timestamp::UNIX_EPOCH);
        throttle(&mut pacer, now, &mut jitter);
        assert!(!pacer.admits(now, 100));
        let later = pacer.held_until().expect("a throttle holds");
        assert!(pacer.admits(later, 100));
        pacer.sent(later, 100);
        assert!(!pacer.admits(later, 100), "one is under way");
    }

    /// Ten seconds between two throttles, with so many writes accepted.
    fn measured(accepted: usize) -> (Pacer, Jitter, Timestamp) {
        let (mut pacer, mut jitter, start) = (Pacer::default(), Jitter::new(1), Timestamp::UNIX_EPOCH);
        throttle(&mut pacer, start, &mut jitter);
        let later = start + SignedDuration::from_secs(10);
        accept(&mut pacer, accepted, later, &mut jitter);
        throttle(&mut pacer, later, &mut jitter);
        let now = pacer.held_until().expect("a throttle holds");
        (pacer, jitter, now)
    }

    fn distance_after_a_write(pacer: &mut Pacer, now: Timestamp, waiting: usize) -> SignedDuration {
        pacer.sent(now, waiting);
        pacer.held_until().expect("the next keeps its distance").duration_since(now)
    }

    #[test]
    fn what_was_accepted_between_two_throttles_tells_the_rate() {
        let (mut pacer, _, now) = measured(50);
        assert!(pacer.rate(now).is_some_and(|rate| (4.9..=5.1).contains(&rate)), "{:?}", pacer.rate(now));
        let distance = distance_after_a_write(&mut pacer, now, 100).as_millis();
        assert!((190..=205).contains(&distance), "five a second: {distance}");
    }

    #[test]
    fn reads_use_the_same_bucket_and_the_next_write_waits_for_what_they_took() {
        let (mut pacer, _, now) = measured(50);
        distance_after_a_write(&mut pacer, now, 100);
        pacer.read(10, now);
        let wait = pacer.held_until().expect("reads hold").duration_since(now).as_millis();
        assert!((2_100..=2_250).contains(&wait), "ten calls are two seconds: {wait}");
    }

    #[test]
    fn a_rate_that_fell_to_a_tenth_is_known_after_two_throttles() {
        let (mut pacer, mut jitter, now) = measured(200);
        throttle(&mut pacer, now, &mut jitter);
        let later = now + SignedDuration::from_secs(1);
        accept(&mut pacer, 2, later, &mut jitter);
        throttle(&mut pacer, later, &mut jitter);
        assert!(pacer.rate(later).is_some_and(|rate| rate < 3.0), "{:?}", pacer.rate(later));
    }

    #[test]
    fn how_far_a_rate_fell_is_told_by_the_time_it_took_to_find_out() {
        let (mut pacer, mut jitter, _) = measured(200);
        let later = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(15); // five after the last throttle
        accept(&mut pacer, 8, later, &mut jitter);
        throttle(&mut pacer, later, &mut jitter);
        assert!(pacer.rate(later).is_some_and(|rate| (1.6..1.8).contains(&rate)), "{:?}", pacer.rate(later));
    }

    #[test]
    fn more_than_the_rate_explains_means_that_the_limit_was_raised() {
        let (mut pacer, mut jitter, now) = measured(20);
        let later = now + SignedDuration::from_secs(1);
        accept(&mut pacer, 10, later, &mut jitter);
        assert_eq!(pacer.rate(later), None);
        assert!(pacer.admits(later, 100));
    }

    #[test]
    fn what_is_sought_is_a_share_of_the_rate_above_it() {
        let (mut pacer, mut jitter, now) = measured(1_000);
        accept(&mut pacer, 450, now + SignedDuration::from_secs(5), &mut jitter);
        let later = pacer.held_until().expect("the rate is known");
        let distance = distance_after_a_write(&mut pacer, later, 100).as_micros();
        assert!((6_600..=6_700).contains(&distance), "half as many again as a hundred a second: {distance}");
    }

    #[test]
    fn throttles_are_sought_faster_and_no_further_than_a_twentieth_of_the_writes() {
        for (throttled, sought) in [(2, true), (60, false)] {
            let (mut pacer, mut jitter, now) = measured(20);
            pacer.burst.throttled = throttled;
            let seconds = SignedDuration::from_secs(5);
            accept(&mut pacer, 12, now + seconds, &mut jitter);
            let later = pacer.held_until().expect("the rate is known");
            let distance = distance_after_a_write(&mut pacer, later, 40).as_millis();
            assert_eq!(distance < 400, sought, "two a second, {throttled} throttled: {distance}");
        }
    }

    #[test]
    fn after_a_lull_what_was_accepted_since_the_last_throttle_tells_nothing() {
        let (mut pacer, mut jitter, now) = measured(50);
        let later = now + SignedDuration::from_mins(4);
        accept(&mut pacer, 1, later, &mut jitter);
        assert_eq!(pacer.rate(later), None);
    }

    #[test]
    fn minutes_in_which_nothing_was_let_through_do_not_count_into_the_rate() {
        let (mut pacer, mut jitter, mut now) = (Pacer::default(), Jitter::new(1), Timestamp::UNIX_EPOCH);
        for _ in 0..60 {
            throttle(&mut pacer, now, &mut jitter);
            now = pacer.held_until().expect("a throttle holds");
        }
        accept(&mut pacer, 10, now, &mut jitter);
        now += SignedDuration::from_secs(2);
        throttle(&mut pacer, now, &mut jitter);
        assert!(pacer.rate(now).is_some_and(|rate| rate > 0.9), "{:?}", pacer.rate(now));
    }

    #[test]
    fn what_was_learned_is_forgotten_after_five_quiet_minutes() {
        let (mut pacer, mut jitter, start) = (Pacer::default(), Jitter::new(1), Timestamp::UNIX_EPOCH);
        throttle(&mut pacer, start, &mut jitter);
        let later = start + MEMORY;
        for _ in 0..FEW / 2 {
            assert!(pacer.admits(later, 0));
            pacer.sent(later, 0);
        }
    }

    #[test]
    fn as_many_as_a_rested_bucket_once_held_leave_at_once_and_then_a_few_on_trial() {
        let (mut pacer, mut jitter, start) = (Pacer::default(), Jitter::new(1), Timestamp::UNIX_EPOCH);
        accept(&mut pacer, 40, start, &mut jitter);
        assert_eq!(at_once(&mut pacer, start), 40);
    }

    /// What a pacer that has rested for a day lets go at once.
    fn at_once(pacer: &mut Pacer, start: Timestamp) -> usize {
        let next_day = start + SignedDuration::from_hours(24);
        let admitted = (0..200).take_while(|_| {
            let admitted = pacer.admits(next_day, 0);
            pacer.sent(next_day, 0);
            admitted
        });
        admitted.count()
    }

    #[test]
    fn a_rested_bucket_is_known_by_what_went_through_within_one_second() {
        let (mut pacer, mut jitter, start) = (Pacer::default(), Jitter::new(1), Timestamp::UNIX_EPOCH);
        accept(&mut pacer, 40, start, &mut jitter);
        accept(&mut pacer, 30, start + SignedDuration::from_secs(1), &mut jitter);
        assert_eq!(at_once(&mut pacer, start), 40, "seconds are not added up");
    }

    #[test]
    fn a_throttle_shows_that_a_rested_bucket_holds_no_more_than_went_through_before_it() {
        let (mut pacer, mut jitter, start) = (Pacer::default(), Jitter::new(1), Timestamp::UNIX_EPOCH);
        accept(&mut pacer, 40, start, &mut jitter);
        let later = start + SignedDuration::from_hours(1);
        accept(&mut pacer, 25, later, &mut jitter);
        throttle(&mut pacer, later, &mut jitter);
        assert_eq!(at_once(&mut pacer, later), 25);
    }

    #[test]
    fn while_nothing_is_let_through_pauses_double_to_eight_seconds() {
        let (mut pacer, mut jitter, mut now) = (Pacer::default(), Jitter::new(1), Timestamp::UNIX_EPOCH);
        for whole in [1, 1, 2, 4, 8, 8].map(SignedDuration::from_secs) {
            throttle(&mut pacer, now, &mut jitter);
            let until = pacer.held_until().expect("a throttle holds");
            let pause = until.duration_since(now);
            assert!(whole / 2 <= pause && pause <= whole, "{pause} of {whole}");
            now = until;
        }
    }

    #[test]
    fn a_burst_is_over_and_a_lesson_forgotten_at_the_instant_and_four_writes_too_many_prove_nothing_yet() {
        let (mut pacer, mut jitter, now) = (Pacer::default(), Jitter::new(1), Timestamp::UNIX_EPOCH);
        let instant = SignedDuration::from_nanos(1);
        throttle(&mut pacer, now, &mut jitter);
        assert_eq!((pacer.burst_at(now + BREATH - instant).sent, pacer.burst_at(now + BREATH).sent), (1, 0));
        assert!(pacer.learned_at(now + MEMORY - instant).is_some() && pacer.learned_at(now + MEMORY).is_none());
        let recent = |accepted| Stretch { from: now, accepted };
        let learned = |accepted| Learned { steady: recent(0), recent: recent(accepted), futile: 0, rate: Some(1.0) };
        let later = now + SignedDuration::from_secs(2); // in which the rate explains two
        assert!(!learned(6).is_exceeded(later) && learned(7).is_exceeded(later));
    }
}
