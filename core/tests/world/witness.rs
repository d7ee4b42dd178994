//! What must hold whatever happens, checked at every step from the outside: from what was sent and told alone.

use std::collections::BTreeMap;

use baseload_core::controller::{ChangeKind, Controller, Event, Fact};
use baseload_core::ecs::{Action, EcsError, ErrorKind, Observation, Query, ScalableTarget, ServiceCounts};
use baseload_core::model::TargetId;
use baseload_core::spec::Limits;
use baseload_core::timetable::{Schedule, Schedules};
use jiff::{SignedDuration, Timestamp};

/// The most writes that leave for one target in an hour: retries pause for half a minute at most, and for half of that
/// where the jitter is short.
const WRITES_AN_HOUR: usize = 280;

/// How long after a step of the clock nothing is held against the controller but the number of its writes.
const DAZE: SignedDuration = SignedDuration::from_mins(5);

/// What one target's controller was told, all in true time.
#[derive(Clone, Debug, Default)]
struct Known {
    /// The last answered look at the bounds, and when its question left.
    look: Option<(Timestamp, Option<ScalableTarget>)>,
    counts: Option<ServiceCounts>,
    /// The last accepted write, and when the acceptance arrived.
    accepted: Option<(Timestamp, Action)>,
    in_flight: Option<Action>,
    /// A write's outcome is unknown since then.
    unknown_since: Option<Timestamp>,
    sent: Vec<Timestamp>,
    declared: usize,
    scheduled: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct Witness {
    resync: SignedDuration,
    known: BTreeMap<TargetId, Known>,
    schedules: Option<Schedules>,
    /// When the clock last stepped. For a while after, ages by the wall and true ages differ by what no process can know.
    stepped: Option<Timestamp>,
}

impl Witness {
    pub(crate) fn new(resync: SignedDuration) -> Self {
        Witness { resync, known: BTreeMap::new(), schedules: None, stepped: None }
    }

    pub(crate) fn configured(&mut self, schedules: &Schedules) {
        self.schedules = Some(schedules.clone());
    }

    pub(crate) fn restarted(&mut self) {
        self.known.clear();
    }

    pub(crate) fn clock_stepped(&mut self, at: Timestamp) {
        self.stepped = Some(at);
    }

    /// A write leaves.
    pub(crate) fn sent(&mut self, action: &Action, at: Timestamp) {
        let schedules = self.schedules.as_ref().expect("a write needs a configuration");
        let target = &action.target;
        assert!(schedules.iter().any(|schedule| schedule.matches(target)), "{target} is nobody's: {action:?}");
        let min = action.min.expect("every write says min");
        let cap = Limits::default().max_floor;
        assert!(min <= cap && action.max.is_none_or(|max| max <= cap && min <= max), "above the cap: {action:?}");
        let declares_max = schedules.iter().filter(|schedule| schedule.matches(target)).any(declares_max);
        assert!(action.max.is_none() || declares_max, "a max that nobody declares: {action:?}");
        let known = self.known.entry(target.clone()).or_default();
        assert!(known.in_flight.is_none(), "two writes under way for {target}: {action:?}");
        if self.stepped.is_none_or(|stepped| at.duration_since(stepped) > DAZE) {
            known.check(action, self.resync, at);
        }
        known.in_flight = Some(action.clone());
        known.sent.push(at);
    }

    /// An answer arrives. One to a question from before the clock stepped back has no age and counts for nothing.
    pub(crate) fn told(&mut self, event: &Event, left: Timestamp, wall: Timestamp, at: Timestamp) {
        match event {
            Event::Observed { asked, query, observation } if *asked <= wall => self.saw(left, query, observation),
            Event::Applied { action, outcome } => self.applied(action, outcome.as_ref().err(), at),
            Event::Observed { .. } | Event::Loaded(_) | Event::Due(_) | Event::Shutdown => {}
        }
    }

    fn saw(&mut self, at: Timestamp, query: &Query, observation: &Observation) {
        match observation {
            Observation::Targets(answer) => {
                for (target, value) in &answer.found {
                    self.known.entry(target.clone()).or_default().saw(at, *value);
                }
                if *query == Query::AllTargets && answer.failed.is_empty() {
                    let missing = self.known.iter_mut().filter(|(target, _)| !answer.found.contains_key(*target));
                    missing.for_each(|(_, known)| known.saw(at, None));
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
        known.in_flight = None;
        match error {
            None => {
                known.accepted = Some((at, action.clone()));
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
    pub(crate) fn heard(&mut self, fact: &Fact) {
        match fact {
            Fact::Declared { target, .. } => self.known.entry(target.clone()).or_default().declared += 1,
            Fact::Accepted { target, kind: ChangeKind::Scheduled, .. } => {
                let known = self.known.entry(target.clone()).or_default();
                known.scheduled += 1;
            }
            Fact::Panicked { target, message } => {
                assert!(message.contains("planted"), "{target} panicked: {message}");
            }
            _ => {}
        }
    }

    /// A step is over.
    pub(crate) fn stepped(&mut self, controller: &Controller, at: Timestamp) {
        let in_flight = self.known.values().filter(|known| known.in_flight.is_some()).count();
        assert_eq!(controller.writes_in_flight(), in_flight, "what is under way is miscounted");
        let hour_ago = at - SignedDuration::from_hours(1);
        for (target, known) in &mut self.known {
            if known.sent.len() > WRITES_AN_HOUR {
                known.sent.retain(|sent| *sent > hour_ago);
                assert!(known.sent.len() <= WRITES_AN_HOUR, "{target}: too many writes in an hour");
            }
        }
    }
}

fn declares_max(schedule: &Schedule) -> bool {
    let windows = schedule.windows.iter().map(|window| window.floor.max);
    let overrides = schedule.overrides.iter().map(|one_off| one_off.floor.max);
    windows.chain(overrides).chain(schedule.default.map(|floor| floor.max)).any(|max| max.is_some())
}

impl Known {
    fn saw(&mut self, asked: Timestamp, value: Option<ScalableTarget>) {
        let is_old = self.accepted.as_ref().is_some_and(|(accepted, _)| asked < *accepted)
            || self.look.is_some_and(|(before, _)| asked < before);
        if self.in_flight.is_some() || is_old {
            return;
        }
        self.look = Some((asked, value));
        self.unknown_since.take_if(|since| asked >= *since);
    }

    /// What must hold of a write that leaves.
    fn check(&self, action: &Action, resync: SignedDuration, at: Timestamp) {
        assert!(self.unknown_since.is_none(), "sent again before a look: {action:?}");
        let Some((asked, Some(live))) = self.look else { panic!("{action:?} to what nobody has seen registered") };
        assert!(!live.scheduled_scaling_suspended, "{action:?} although paused");
        let express = self.counts.is_some_and(|service| service.express_mode);
        assert!(!express, "{action:?} to a service of Express Mode");
        let changes = action.min.is_some_and(|min| min != live.min) || action.max.is_some_and(|max| max != live.max);
        let below = self.counts.is_some_and(|service| action.min.is_some_and(|min| service.desired < min));
        assert!(changes || below, "nothing to do, and yet {action:?}");
        let lowers = action.min.is_some_and(|min| min < live.min) || action.max.is_some_and(|max| max < live.max);
        let accepted = self.accepted.as_ref();
        let is_fresh = at.duration_since(asked) <= resync * 2 && accepted.is_none_or(|(at, _)| asked >= *at);
        assert!(!lowers || is_fresh, "{action:?} lowers on an old look of {asked} at {at}");
        let again = accepted.is_some_and(|(when, before)| {
            *before == *action && at.duration_since(*when) < SignedDuration::from_secs(90)
        });
        assert!(!again, "{action:?} again within 90 s of its acceptance");
    }
}
