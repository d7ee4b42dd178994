//! Overrides without a `max` whose `min` stands above the max beneath them: they lift it, which nobody wrote down.

use jiff::{SignedDuration, Timestamp};

use crate::diagnostic::{Diagnostic, Location, Severity};
use crate::model::{TargetId, TargetPattern};
use crate::spec::places::Part;
use crate::timetable::civil::{end_instant, start_instant};
use crate::timetable::{Override, Schedule, Schedules};

/// How many changes beneath one override are looked at. A timetable repeats itself long before that.
const MOST_CHANGES: usize = 200;

/// Warns of each such override, at the place of its `min`.
pub(super) fn lifted_maxima(schedule: &Schedule, places: &[Part]) -> Vec<Diagnostic> {
    let declared = schedule.windows.iter().map(|window| window.floor).chain(schedule.default);
    let maxima = declared.chain(schedule.overrides.iter().map(|over| over.floor)).filter_map(|floor| floor.max);
    let Some(lowest) = maxima.min() else { return Vec::new() };
    let target = TargetId::new("any", "any");
    let beneath = beneath(schedule, &target);
    let candidates = schedule.overrides.iter().zip(places);
    candidates
        .filter(|(over, _)| over.floor.max.is_none() && over.floor.min > lowest)
        .filter_map(|(over, place)| {
            let max = max_above_which_it_rises(over, schedule, &beneath, &target)?;
            Some(warning(over.floor.min, max, &place.min))
        })
        .collect()
}

/// The schedule as it would be without its overrides that have no max.
fn beneath(schedule: &Schedule, target: &TargetId) -> Schedules {
    let mut beneath = schedule.clone();
    beneath.overrides.retain(|over| over.floor.max.is_some());
    beneath.suspend = false;
    beneath.lead_time = SignedDuration::ZERO;
    beneath.targets = vec![TargetPattern::of(target)];
    Schedules::new(vec![beneath])
}

/// The first max during the override that its `min` is above.
fn max_above_which_it_rises(
    over: &Override,
    schedule: &Schedule,
    beneath: &Schedules,
    target: &TargetId,
) -> Option<u32> {
    let end = end_instant(&schedule.zone, over.to);
    let mut at: Timestamp = start_instant(&schedule.zone, over.from);
    for _ in 0..MOST_CHANGES {
        let ruling = beneath.decide(target, at);
        let max = ruling.decision.and_then(|decision| decision.floor.max);
        if max.is_some_and(|max| over.floor.min > max) {
            return max;
        }
        at = ruling.until.filter(|until| *until < end)?;
    }
    None
}

fn warning(min: u32, max: u32, place: &Location) -> Diagnostic {
    let message = format!("`min` {min} is above the max beneath it, {max}: the max rises with it");
    let mut finding = Diagnostic::new(Severity::Warning, "max-lifted", Some(place.clone()), message);
    finding.help("declare the `max` that this override shall have");
    finding
}
