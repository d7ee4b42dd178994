//! Rivalry: how often what is declared was undone lately, and how far we stand back from whoever does it.
//!
//! ```text
//! corrections   1    2    3 ── contested ───────────────────────────────── over
//!                                rises 2, 4, 5, 5 … min apart │ 30 min quiet │
//!                                nothing is lowered                          │
//! ```
//!
//! Nothing of it is kept across a restart: a new process gives a rival the benefit of the doubt.

use jiff::{SignedDuration, Timestamp};

/// So many corrections within [`WITHIN`] make a contest.
const CORRECTIONS: usize = 3;

/// See [`CORRECTIONS`].
const WITHIN: SignedDuration = SignedDuration::from_hours(1);

/// The pause after the correction that began a contest; each further one doubles it, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: SignedDuration = SignedDuration::from_mins(2);

/// See [`FIRST_PAUSE`].
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(5);

/// How long nobody may have changed the bounds before a contest is over; each relapse doubles it, up to
/// [`LONGEST_QUIET`].
const QUIET: SignedDuration = SignedDuration::from_mins(30);

/// See [`QUIET`].
const LONGEST_QUIET: SignedDuration = SignedDuration::from_hours(8);

/// A contest that begins so soon after the one before is a relapse.
const RELAPSE: SignedDuration = SignedDuration::from_hours(24);

/// One target's rivals, as far as their doings and ours tell. Most targets never have one, and pay for none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rivalry(Option<Box<Record>>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Record {
    /// The last corrections, the latest first.
    corrections: [Option<Timestamp>; CORRECTIONS],
    contest: Option<Contest>,
    /// How often a contest followed within a day of the one before.
    relapses: u32,
    over: Option<Timestamp>,
}

/// Someone keeps undoing what is declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contest {
    /// How long nobody may have changed the bounds before it is over.
    pub quiet: SignedDuration,
    last_foreign_change: Timestamp,
    rests_until: Timestamp,
    pause: SignedDuration,
}

impl Contest {
    /// The earliest instant from which a look may end it.
    pub fn over_at(&self) -> Timestamp {
        later(self.last_foreign_change, self.quiet)
    }

    /// No correction leaves before this instant.
    pub fn rests_until(&self) -> Timestamp {
        self.rests_until
    }
}

impl Rivalry {
    /// The contest that is on, if one is.
    pub fn contest(&self) -> Option<&Contest> {
        self.0.as_ref()?.contest.as_ref()
    }

    /// AWS accepted a write that undoes a foreign change.
    pub fn corrected(&mut self, now: Timestamp) {
        self.0.get_or_insert_default().corrected(now);
    }

    /// A look that left at `asked` shows that someone else changed the bounds to what is not declared.
    pub fn saw_foreign_change(&mut self, asked: Timestamp) {
        if let Some(contest) = self.0.as_mut().and_then(|record| record.contest.as_mut()) {
            contest.last_foreign_change = contest.last_foreign_change.max(asked);
        }
    }

    /// A look that left at `asked` shows what was there before, or what is declared: after enough of it the contest is
    /// over.
    pub fn saw_no_change(&mut self, asked: Timestamp) {
        let Some(record) = &mut self.0 else { return };
        if record.contest.is_some_and(|contest| asked >= contest.over_at()) {
            **record = Record { relapses: record.relapses, over: Some(asked), ..Record::default() };
        }
    }

    /// Moves every instant with a clock that stepped back.
    pub fn shift(&mut self, by: SignedDuration) {
        if let Some(record) = &mut self.0 {
            record.shift(by);
        }
    }
}

impl Record {
    fn corrected(&mut self, now: Timestamp) {
        self.corrections.rotate_right(1);
        self.corrections[0] = Some(now);
        if let Some(contest) = &mut self.contest {
            contest.pause = contest.pause.saturating_mul(2).min(LONGEST_PAUSE);
            contest.rests_until = later(now, contest.pause);
        } else if self.is_worn_out(now) {
            self.begin(now);
        }
    }

    fn shift(&mut self, by: SignedDuration) {
        let back = |at: &mut Timestamp| *at = at.checked_sub(by).unwrap_or(*at);
        self.corrections.iter_mut().flatten().for_each(back);
        self.over.iter_mut().for_each(back);
        if let Some(contest) = &mut self.contest {
            back(&mut contest.last_foreign_change);
            back(&mut contest.rests_until);
        }
    }

    fn is_worn_out(&self, now: Timestamp) -> bool {
        self.corrections.iter().all(|at| at.is_some_and(|at| now.duration_since(at) < WITHIN))
    }

    fn begin(&mut self, now: Timestamp) {
        let is_relapse = self.over.is_some_and(|over| now.duration_since(over) < RELAPSE);
        self.relapses = if is_relapse { self.relapses + 1 } else { 0 };
        let quiet = QUIET.saturating_mul(1 << self.relapses.min(8)).min(LONGEST_QUIET);
        self.contest =
            Some(Contest { quiet, last_foreign_change: now, rests_until: later(now, FIRST_PAUSE), pause: FIRST_PAUSE });
    }
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(minute: i64) -> Timestamp {
        Timestamp::from_second(1_795_000_000 + minute * 60).expect("a timestamp")
    }

    fn corrected(minutes: &[i64]) -> Rivalry {
        let mut rivalry = Rivalry::default();
        minutes.iter().for_each(|at| rivalry.corrected(minute(*at)));
        rivalry
    }

    #[test]
    fn g14_three_corrections_within_an_hour_make_a_contest_and_three_in_more_do_not() {
        for (minutes, contested) in [(&[0, 10][..], false), (&[0, 10, 59], true), (&[0, 10, 60], false)] {
            assert_eq!(corrected(minutes).contest().is_some(), contested, "{minutes:?}");
        }
        assert!(corrected(&[0, 50, 70, 100]).contest().is_some(), "any three in a row");
    }

    #[test]
    fn g14_pauses_between_corrections_grow_from_two_minutes_to_five() {
        let mut rivalry = corrected(&[0, 1, 2]);
        let mut at = minute(2);
        let pauses = [120, 240, 300, 300].map(|_| {
            let until = rivalry.contest().expect("contested").rests_until();
            let pause = until.duration_since(at).as_secs();
            at = until;
            rivalry.corrected(at);
            pause
        });
        assert_eq!(pauses, [120, 240, 300, 300]);
    }

    #[test]
    fn g14_a_contest_is_over_at_the_first_look_half_an_hour_after_the_last_foreign_change() {
        let mut rivalry = corrected(&[0, 1, 2]);
        rivalry.saw_foreign_change(minute(10));
        rivalry.saw_no_change(minute(39));
        assert!(rivalry.contest().is_some());
        rivalry.saw_no_change(minute(40));
        assert!(rivalry.contest().is_none());
        rivalry.corrected(minute(41));
        assert!(rivalry.contest().is_none(), "the corrections of before no longer count");
    }

    #[test]
    fn g14_each_relapse_within_a_day_doubles_the_quiet_up_to_eight_hours_and_a_day_of_peace_forgives() {
        let mut rivalry = Rivalry::default();
        let mut at = 0;
        let mut quiets = Vec::new();
        for peace in [0, 60, 60, 60, 60, 60, 24 * 60] {
            at += peace;
            (0..3).for_each(|n| rivalry.corrected(minute(at + n)));
            let contest = *rivalry.contest().expect("contested");
            quiets.push(contest.quiet.as_mins());
            at += 2 + contest.quiet.as_mins();
            rivalry.saw_no_change(minute(at));
            assert!(rivalry.contest().is_none());
        }
        assert_eq!(quiets, [30, 60, 120, 240, 480, 480, 30]);
    }

    #[test]
    fn a_contest_that_begins_a_whole_day_after_the_one_before_is_no_relapse() {
        for (peace, quiet) in [(24 * 60 - 1, 60), (24 * 60, 30)] {
            let mut rivalry = Rivalry::default();
            (0..3).for_each(|n| rivalry.corrected(minute(n)));
            rivalry.saw_no_change(minute(32));
            (0..3).for_each(|n| rivalry.corrected(minute(32 + peace - 2 + n)));
            assert_eq!(rivalry.contest().expect("contested").quiet.as_mins(), quiet, "after {peace} minutes");
        }
    }
}
