//! What must hold whatever happens, checked at every step from the outside: from what was sent and told alone.

use std::collections::BTreeMap;

use baseload_core::controller::{ChangeKind, Controller, Event, Fact};
use baseload_core::ecs::{Action, EcsError, ErrorKind, Observation, Query, ScalableTarget, ServiceCounts};
use baseload_core::model::{Site, TargetId};
use baseload_core::spec::Limits;
use baseload_core::status::{Condition, ConditionKind, Truth};
use baseload_core::timetable::{Schedule, Schedules};
use jiff::{SignedDuration, Timestamp};

/// The most writes that leave for one target in an hour: retries pause for half a minute at most, and for half of that
/// where the jitter is short.
const WRITES_AN_HOUR: usize = 280;

/// So long after a write a read may show the time before it.
const SETTLE: SignedDuration = SignedDuration::from_secs(90);

/// How long after a step of the clock nothing is held against the controller but the number of its writes.
const DAZE: SignedDuration = SignedDuration::from_mins(5);

/// What one target's controller was told, all in true time.
#[derive(Clone, Debug, Default)]
struct Known {
    /// The last answered look at the bounds, and when its question left.
    look: Option<(Timestamp, Option<ScalableTarget>)>,
    /// Whether the controller may have held that look for nothing.
    is_doubtful: bool,
    counts: Option<ServiceCounts>,
    /// The last accepted write, and when the acceptance arrived.
    last_accepted: Option<(Timestamp, Action)>,
    in_flight: Option<Action>,
    last_nudge: Option<Timestamp>,
    /// A write's outcome is unknown since then.
    unknown_since: Option<Timestamp>,
    sent: Vec<Timestamp>,
    /// Writes that AWS accepted, those of them that were no nudges, and those that the controller told of.
    accepted: usize,
    accepted_changes: usize,
    told_accepted: usize,
    /// How many writes there was reason for: a floor that is declared anew and a difference that a look shows are one
    /// each, or two while a max is declared, for min may rise before max may fall.
    reasons: usize,
    declares_max: bool,
    rival: Rival,
}

/// What others do to a target, as far as looks and corrections tell.
#[derive(Clone, Debug, Default)]
struct Rival {
    /// The minimum as the last write or look left it, and the one that is declared.
    believed: Option<u32>,
    declared: Option<u32>,
    last_change: Option<Timestamp>,
    corrections: Vec<Timestamp>,
    is_contested: bool,
}

/// The most corrections of one target in an hour: three, then pauses of 2, 4, 5, 5 … minutes.
const CORRECTIONS_AN_HOUR: usize = 17;

#[derive(Clone, Debug)]
pub(crate) struct Witness {
    resync: SignedDuration,
    known: BTreeMap<TargetId, Known>,
    /// How many writes are under way for all of them.
    in_flight: usize,
    schedules: Option<Schedules>,
    /// When the clock last stepped. For a while after, ages by the wall and true ages differ by what no process can know.
    stepped: Option<Timestamp>,
    /// When it last did so backwards, under the controller's eyes: what left before that may count for nothing.
    stepped_back: Option<Timestamp>,
    /// How far the wall clock is ahead of true time, and whether AWS has said so since.
    skew: SignedDuration,
    skew_is_known: bool,
}

impl Witness {
    pub(crate) fn new(resync: SignedDuration) -> Self {
        Witness {
            resync,
            known: BTreeMap::new(),
            in_flight: 0,
            schedules: None,
            stepped: None,
            stepped_back: None,
            skew: SignedDuration::ZERO,
            skew_is_known: false,
        }
    }

    pub(crate) fn configured(&mut self, schedules: &Schedules) {
        self.schedules = Some(schedules.clone());
    }

    pub(crate) fn restarted(&mut self) {
        self.known.clear();
        self.in_flight = 0;
        self.skew_is_known = false;
    }

    pub(crate) fn clock_stepped(&mut self, at: Timestamp, skew: SignedDuration) {
        (self.stepped, self.skew, self.skew_is_known) = (Some(at), skew, false);
        for known in self.known.values_mut() {
            let declared = known.rival.declared;
            (known.rival, known.last_nudge) = (Rival { declared, ..Rival::default() }, None); // an hour by the wall is no longer an hour
        }
    }

    pub(crate) fn clock_stepped_back(&mut self, at: Timestamp) {
        self.stepped_back = Some(at);
    }

    /// Who falls asleep in a daze wakes up in it: nothing was learned meanwhile.
    pub(crate) fn falls_asleep(&mut self, at: Timestamp, until: Timestamp) {
        if self.stepped.is_some_and(|stepped| at.duration_since(stepped) <= DAZE) {
            self.stepped = Some(until);
        }
    }

    /// Sleep is over, before its time perhaps.
    pub(crate) fn woken(&mut self, at: Timestamp) {
        self.stepped = self.stepped.map(|stepped| stepped.min(at));
    }

    /// An answer to a question that left at `left` told AWS's time.
    pub(crate) fn dated(&mut self, left: Timestamp) {
        self.skew_is_known |= self.stepped.is_none_or(|stepped| left >= stepped);
    }

    /// A write leaves.
    pub(crate) fn sent(&mut self, action: &Action, at: Timestamp) {
        let schedules = self.schedules.as_ref().expect("a write needs a configuration");
        let target = &action.target;
        assert!(schedules.iter().any(|schedule| schedule.matches(target)), "{target} is nobody's: {action:?}");
        let (min, cap) = (action.min.unwrap_or(0), Limits::default().max_floor);
        assert!(min <= cap && action.max.is_none_or(|max| max <= cap && min <= max), "above the cap: {action:?}");
        assert!(action.min.is_some() || action.max.is_some(), "nothing is said: {action:?}");
        let declares_max = schedules.iter().filter(|schedule| schedule.matches(target)).any(declares_max);
        assert!(action.max.is_none() || declares_max, "a max that nobody declares: {action:?}");
        let known = self.known.entry(target.clone()).or_default();
        assert!(known.in_flight.is_none(), "two writes under way for {target}: {action:?}");
        let lowers = known.lowers(action) && !known.is_doubtful;
        assert!(!(lowers && known.rival.is_contested), "{action:?} lowers what is contested");
        let is_off = self.skew.abs() > SignedDuration::from_secs(126);
        assert!(!(lowers && is_off && self.skew_is_known), "{action:?} lowers by a clock that is {} off", self.skew);
        if !known.is_doubtful && self.stepped.is_none_or(|stepped| at.duration_since(stepped) > DAZE) {
            known.check(action, self.resync, at);
        }
        known.in_flight = Some(action.clone());
        self.in_flight += 1;
        known.note_sent(target, at);
    }

    /// An answer arrives. One to a question from before the clock stepped back has no age and counts for nothing.
    pub(crate) fn told(&mut self, event: &Event, left: Timestamp, wall: Timestamp, at: Timestamp) {
        match event {
            Event::Observed { asked, site, query, observation } if *asked <= wall => {
                self.saw(left, site, query, observation);
            }
            Event::Applied { action, outcome } => self.applied(action, outcome.as_ref().err(), at),
            Event::Observed { .. }
            | Event::ClockCompared { .. }
            | Event::Loaded(_)
            | Event::Due(_)
            | Event::Lease(_)
            | Event::Shutdown => {}
        }
    }

    fn saw(&mut self, at: Timestamp, site: &Site, query: &Query, observation: &Observation) {
        let counts_for_sure = self.stepped_back.is_none_or(|stepped| at >= stepped);
        match observation {
            Observation::Targets(answer) => {
                for (target, value) in &answer.found {
                    self.known.entry(target.clone()).or_default().saw(at, *value, counts_for_sure);
                }
                if *query == Query::AllTargets && answer.failed.is_empty() {
                    let there = self.known.iter_mut().filter(|(target, _)| target.site == *site);
                    let missing = there.filter(|(target, _)| !answer.found.contains_key(*target));
                    missing.for_each(|(_, known)| known.saw(at, None, counts_for_sure));
                }
            }
            Observation::Services(answer) => {
                for (target, value) in &answer.found {
                    self.known.entry(target.clone()).or_default().counts = *value;
                }
            }
            Observation::Survey(_) => {}
        }
    }

    fn applied(&mut self, action: &Action, error: Option<&EcsError>, at: Timestamp) {
        let Some(known) = self.known.get_mut(&action.target) else { return };
        self.in_flight -= usize::from(known.in_flight.take().is_some());
        match error {
            None => {
                known.accepted_changes += usize::from(known.changes(action));
                let most = known.reasons;
                assert!(known.accepted_changes <= most, "{action:?}: more writes than reasons for one ({most})");
                known.accepted += 1;
                known.last_accepted = Some((at, action.clone()));
                known.rival.believed = action.min.or(known.rival.believed);
                known.unknown_since = None;
                if let Some((_, Some(live))) = &mut known.look {
                    live.min = action.min.unwrap_or(live.min);
                    live.max = action.max.unwrap_or(live.max);
                }
            }
            Some(error) if error.kind == ErrorKind::OutcomeUnknown => {
                known.unknown_since = Some(at);
            }
            Some(_) => {}
        }
    }

    /// A fact is told.
    pub(crate) fn heard(&mut self, fact: &Fact, at: Timestamp) {
        match fact {
            Fact::Declared { target, after, .. } => {
                let known = self.known.entry(target.clone()).or_default();
                known.declares_max = after.as_ref().is_some_and(|decision| decision.floor.max.is_some());
                known.rival.declared = after.as_ref().map(|decision| decision.floor.min);
                known.note_reason();
            }
            Fact::Accepted { target, kind, .. } => {
                let known = self.known.entry(target.clone()).or_default();
                known.told_accepted += 1;
                assert!(known.told_accepted <= known.accepted, "{target}: told of a write that AWS did not accept");
                if *kind == ChangeKind::Correction {
                    known.rival.corrected(at);
                }
            }
            Fact::ConditionChanged { target, condition } => self.condition_changed(target, condition, at),
            Fact::Panicked { target, message } => {
                assert!(message.contains("planted"), "{target} panicked: {message}");
            }
            _ => {}
        }
    }

    fn condition_changed(&mut self, target: &TargetId, condition: &Condition, at: Timestamp) {
        let Some(known) = self.known.get_mut(target) else { return };
        match (condition.kind, condition.status) {
            (ConditionKind::Contested, Truth::False) => known.rival.end_contest(at),
            (ConditionKind::Registered, Truth::False) => {
                assert!(matches!(known.look, Some((_, None))), "{target} is not registered, but nobody said so");
            }
            _ => {}
        }
    }

    /// A step is over.
    pub(crate) fn stepped(&self, controller: &Controller) {
        assert_eq!(controller.writes_in_flight(), self.in_flight, "what is under way is miscounted");
    }
}

fn declares_max(schedule: &Schedule) -> bool {
    let windows = schedule.windows.iter().map(|window| window.floor.max);
    let overrides = schedule.overrides.iter().map(|one_off| one_off.floor.max);
    windows.chain(overrides).chain(schedule.default.map(|floor| floor.max)).any(|max| max.is_some())
}

impl Known {
    fn saw(&mut self, asked: Timestamp, value: Option<ScalableTarget>, counts_for_sure: bool) {
        let is_old = self.last_accepted.as_ref().is_some_and(|(accepted, _)| asked < *accepted)
            || self.look.is_some_and(|(before, _)| asked < before);
        if self.in_flight.is_some() || is_old {
            return;
        }
        if self.look.is_none_or(|(_, before)| before != value) {
            self.note_reason();
        }
        self.note_foreign_change(asked, value);
        (self.look, self.is_doubtful) = (Some((asked, value)), !counts_for_sure);
        self.unknown_since.take_if(|since| asked >= *since);
    }

    /// As the controller must: a look from within a minute and a half of a write may show the time before it, and who
    /// sets what is declared undoes nothing.
    fn note_foreign_change(&mut self, asked: Timestamp, value: Option<ScalableTarget>) {
        let min = value.map(|live| live.min);
        let (Some(min), Some(believed)) = (min, self.rival.believed) else {
            self.rival.believed = min;
            return;
        };
        let settled = self.last_accepted.as_ref().is_none_or(|(at, _)| asked.duration_since(*at) >= SETTLE);
        if min != believed && settled {
            self.rival.believed = Some(min);
            if self.rival.declared != Some(min) {
                self.rival.last_change = Some(asked);
            }
        }
    }

    fn note_reason(&mut self) {
        self.reasons += if self.declares_max { 2 } else { 1 };
    }

    fn note_sent(&mut self, target: &TargetId, at: Timestamp) {
        let hour_ago = at - SignedDuration::from_hours(1);
        self.sent.retain(|sent| *sent > hour_ago);
        self.sent.push(at);
        assert!(self.sent.len() <= WRITES_AN_HOUR, "{target}: too many writes in an hour");
    }

    /// The same values again are a nudge, and those keep their distance.
    fn note_nudge(&mut self, action: &Action, at: Timestamp) {
        if !self.changes(action) {
            let rested = self.last_nudge.is_none_or(|last| at.duration_since(last) >= SignedDuration::from_mins(5));
            assert!(rested, "{action:?} again within five minutes");
            self.last_nudge = Some(at);
        }
    }

    fn changes(&self, action: &Action) -> bool {
        let Some((_, Some(live))) = self.look else { return false };
        action.min.is_some_and(|min| min != live.min) || action.max.is_some_and(|max| max != live.max)
    }

    fn lowers(&self, action: &Action) -> bool {
        let Some((_, Some(live))) = self.look else { return false };
        action.min.is_some_and(|min| min < live.min) || action.max.is_some_and(|max| max < live.max)
    }

    /// What must hold of a write that leaves.
    fn check(&mut self, action: &Action, resync: SignedDuration, at: Timestamp) {
        self.note_nudge(action, at);
        assert!(self.unknown_since.is_none(), "sent again before a look: {action:?}");
        let Some((asked, Some(live))) = self.look else { panic!("{action:?} to what nobody has seen registered") };
        assert!(!live.scheduled_scaling_suspended, "{action:?} although paused");
        let express = self.counts.is_some_and(|service| service.express_mode);
        assert!(!express, "{action:?} to a service of Express Mode");
        let changes = self.changes(action);
        let below = self.counts.is_some_and(|service| action.min.is_some_and(|min| service.desired < min));
        assert!(changes || below, "nothing to do, and yet {action:?}");
        let lowers = self.lowers(action);
        let accepted = self.last_accepted.as_ref();
        let is_fresh = at.duration_since(asked) <= resync * 2 && accepted.is_none_or(|(at, _)| asked >= *at);
        assert!(!lowers || is_fresh, "{action:?} lowers on an old look of {asked} at {at}");
        let again = accepted.is_some_and(|(when, before)| {
            *before == *action && at.duration_since(*when) < SignedDuration::from_secs(90)
        });
        assert!(!again, "{action:?} again within 90 s of its acceptance");
    }
}

impl Rival {
    fn corrected(&mut self, at: Timestamp) {
        self.corrections.push(at);
        let hour_ago = at - SignedDuration::from_hours(1);
        self.corrections.retain(|correction| *correction > hour_ago);
        assert!(self.corrections.len() <= CORRECTIONS_AN_HOUR, "too many corrections in an hour");
        self.is_contested |= self.corrections.len() >= 3;
    }

    fn end_contest(&mut self, at: Timestamp) {
        let quiet = self.last_change.is_none_or(|change| at.duration_since(change) >= SignedDuration::from_mins(30));
        assert!(
            quiet || !self.is_contested,
            "a contest is over at {at} after a foreign change at {:?}",
            self.last_change
        );
        *self = Rival { believed: self.believed, declared: self.declared, ..Rival::default() };
    }
}
