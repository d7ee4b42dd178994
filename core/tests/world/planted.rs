//! Bugs, to see whether the adversary finds them.
//!
//! Each is told by its outward behaviour, at the seams that the controller has anyway: its planner, what it makes of its
//! schedules, what it hears, what it sends. So the product carries no trace of them, nothing is compiled twice, and a
//! bug stays planted however the code around it is rewritten. What that cannot show is whether the tests would notice a
//! slip in a given line; mutation testing is for that.

use baseload_core::controller::{Effect, Event, Planner};
use baseload_core::ecs::{EcsError, ErrorKind, Observation};
use baseload_core::model::{Site, TargetId};
use baseload_core::plan::rivalry::Rivalry;
use baseload_core::plan::{self, Circumstances, History, Seen, Verdict};
use baseload_core::timetable::Decision;
use jiff::Timestamp;

use crate::abroad::{localised, told_of};

/// What is wrong with a controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bug {
    // The planner's.
    LowersOnAnyLook,
    SendsAgainWithoutALook,
    IgnoresSuspension,
    ForgetsItsNudges,
    NeverTiresOfARival,
    TrustsAnyClock,
    SendsAMaxThatNobodyDeclares,
    ForgetsWhatWasAccepted,
    // The timetable's.
    EndsWindowsAMinuteLate,
    ForgetsTheLeadTime,
    ReadsEveryTimeAsUtc,
    MixesUpPriorities,
    // The retries'.
    WaitsForEverForAFailedWrite,
    TakesAnUnknownOutcomeForARefusal,
    TakesAFailedReadForAbsence,
    // The pacing's.
    RetriesWithoutAPause,
    TakesThrottledForAccepted,
    // The reload's.
    TakesOverABadEdit,
    MissesEdits,
    // The looks'.
    TakesArrivalForDeparture,
    MixesUpAccounts,
}

impl Bug {
    /// The planner of a controller with this bug, where it is the planner's.
    pub(crate) fn planner(self) -> Option<Planner> {
        match self {
            Bug::LowersOnAnyLook => Some(|target, decision, seen, history, circumstances| {
                let fresh_from = Timestamp::MIN;
                plan::verdict(target, decision, seen, history, &Circumstances { fresh_from, ..*circumstances })
            }),
            Bug::SendsAgainWithoutALook => Some(|target, decision, seen, history, circumstances| {
                let history = History { outcome_unknown: None, ..history.clone() };
                plan::verdict(target, decision, seen, &history, circumstances)
            }),
            Bug::IgnoresSuspension => Some(ignore_suspension),
            Bug::ForgetsItsNudges => Some(|target, decision, seen, history, circumstances| {
                let history = History { nudged: None, ..history.clone() };
                plan::verdict(target, decision, seen, &history, circumstances)
            }),
            Bug::NeverTiresOfARival => Some(|target, decision, seen, history, circumstances| {
                let history = History { rivalry: Rivalry::default(), ..history.clone() };
                plan::verdict(target, decision, seen, &history, circumstances)
            }),
            Bug::TrustsAnyClock => Some(|target, decision, seen, history, circumstances| {
                let circumstances = Circumstances { clock_is_trusted: true, ..*circumstances };
                plan::verdict(target, decision, seen, history, &circumstances)
            }),
            Bug::SendsAMaxThatNobodyDeclares => Some(send_the_live_max),
            Bug::ForgetsWhatWasAccepted => Some(|target, decision, seen, history, circumstances| {
                let history = History { accepted: None, ..history.clone() };
                plan::verdict(target, decision, seen, &history, circumstances)
            }),
            _ => None,
        }
    }

    /// What a controller with this bug makes of schedules, where it is the timetable's.
    pub(crate) fn misreads(self, yaml: &str) -> Option<String> {
        match self {
            Bug::EndsWindowsAMinuteLate => Some(end_windows_a_minute_late(yaml)),
            Bug::ForgetsTheLeadTime => Some(without_lines(yaml, "leadTime")),
            Bug::ReadsEveryTimeAsUtc => Some(yaml.replace("Asia/Tokyo", "UTC").replace("Asia/Kolkata", "UTC")),
            Bug::MixesUpPriorities => Some(
                yaml.replace("priority: 1", "priority: x")
                    .replace("priority: -1", "priority: 1")
                    .replace("priority: x", "priority: -1"),
            ),
            _ => None,
        }
    }

    /// What a controller with this bug takes an event for; `None`: it does not notice.
    pub(crate) fn mishears(self, event: Event, wall: Timestamp) -> Option<Event> {
        match (self, event) {
            (Bug::WaitsForEverForAFailedWrite, Event::Applied { outcome: Err(_), .. }) => None,
            (Bug::TakesAnUnknownOutcomeForARefusal, Event::Applied { action, outcome: Err(error) })
                if error.kind == ErrorKind::OutcomeUnknown =>
            {
                Some(Event::Applied { action, outcome: Err(EcsError { kind: ErrorKind::Conflict, ..error }) })
            }
            (Bug::TakesThrottledForAccepted, Event::Applied { action, outcome: Err(error) })
                if error.kind == ErrorKind::Throttled =>
            {
                Some(Event::Applied { action, outcome: Ok(()) })
            }
            (Bug::TakesAFailedReadForAbsence, Event::Observed { asked, site, query, observation }) => {
                Some(Event::Observed { asked, site, query, observation: without_failures(observation) })
            }
            (Bug::TakesArrivalForDeparture, Event::Observed { site, query, observation, .. }) => {
                Some(Event::Observed { asked: wall, site, query, observation })
            }
            (Bug::MixesUpAccounts, Event::Observed { asked, query, observation, .. }) => {
                let (site, query) = (Site::HOME, localised(&query));
                Some(Event::Observed { asked, query, observation: told_of(&site, observation), site })
            }
            (Bug::TakesOverABadEdit, Event::Loaded(Err(refusal))) => {
                let yaml = crate::scene::always(&["www"], "min: 2");
                let schedules = crate::driver::schedules(&yaml, &crate::driver::limits(), wall).into();
                let (id, digest) = (refusal.reason.clone(), refusal.reason);
                let revision = baseload_core::controller::Revision { id, digest, schedules };
                Some(Event::Loaded(Ok(Some(revision))))
            }
            (Bug::MissesEdits, Event::Loaded(Ok(Some(revision)))) if revision.id != "edit-1" => {
                Some(Event::Loaded(Ok(None)))
            }
            (_, event) => Some(event),
        }
    }

    /// What a controller with this bug does at once when it hears an event.
    pub(crate) fn blunders(self, event: &Event) -> Option<Effect> {
        match (self, event) {
            (Bug::RetriesWithoutAPause, Event::Applied { action, outcome: Err(_) }) => {
                Some(Effect::Apply(action.clone()))
            }
            _ => None,
        }
    }
}

fn ignore_suspension(
    target: &TargetId,
    decision: Option<&Decision>,
    seen: &Seen,
    history: &History,
    circumstances: &Circumstances,
) -> Verdict {
    let mut seen = *seen;
    if let Some(live) = seen.target.as_mut().and_then(|look| look.value.as_mut()) {
        live.scheduled_scaling_suspended = false;
    }
    plan::verdict(target, decision, &seen, history, circumstances)
}

fn send_the_live_max(
    target: &TargetId,
    decision: Option<&Decision>,
    seen: &Seen,
    history: &History,
    circumstances: &Circumstances,
) -> Verdict {
    match plan::verdict(target, decision, seen, history, circumstances) {
        Verdict::Change { mut action, cause, limited } => {
            action.max = action.max.or_else(|| seen.bounds().map(|live| live.max));
            Verdict::Change { action, cause, limited }
        }
        verdict => verdict,
    }
}

fn without_lines(yaml: &str, word: &str) -> String {
    yaml.lines().filter(|line| !line.contains(word)).map(|line| format!("{line}\n")).collect()
}

/// `to: "09:58"` becomes `to: "09:59"`, where that is not another window's business.
fn end_windows_a_minute_late(yaml: &str) -> String {
    let mut parts = yaml.split("to: \"");
    let mut late = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (time, rest) = part.split_at(5);
        let minutes: u32 = time[3..].parse().expect("minutes");
        late += &match minutes {
            59 => format!("to: \"{time}{rest}"),
            _ if time.starts_with("24") => format!("to: \"{time}{rest}"),
            _ => format!("to: \"{}:{:02}{rest}", &time[..2], minutes + 1),
        };
    }
    late
}

/// Whatever failed was asked about, and is taken not to be there.
fn without_failures(observation: Observation) -> Observation {
    match observation {
        Observation::Targets(mut answer) => {
            for failure in std::mem::take(&mut answer.failed) {
                answer.found.extend(failure.targets.into_iter().flatten().map(|target| (target, None)));
            }
            Observation::Targets(answer)
        }
        other => other,
    }
}
