//! What a good source holds that nobody means, seen over the year ahead. Only `validate` asks: the controller takes a
//! source as it is.
//!
//! - `wins`: rules that never win, windows and overrides that never come.
//! - `clock`: times that a change of the clock skips or doubles.
//! - `gap`: windows that miss each other by a minute.

mod clock;
mod gap;
mod wins;

use jiff::{SignedDuration, Timestamp};

use crate::diagnostic::{self, Diagnostic, Location, Severity};
use crate::model::{Floor, Span};
use crate::spec::Loaded;
use crate::spec::places::{Part, Places};
use crate::timetable::{Allowed, Schedule, Schedules};

/// A leap year: a rule that holds once a year is seen whenever one looks.
const DAYS_AHEAD: i64 = 366;

/// Reads a good source against the 366 days from `now` on. Schedules that are suspended are left out.
pub fn lint(loaded: &Loaded, now: Timestamp) -> Vec<Diagnostic> {
    let to = now.checked_add(SignedDuration::from_hours(24 * DAYS_AHEAD)).unwrap_or(Timestamp::MAX);
    let everywhere = loaded.schedules.clone().allowing(Allowed::default()); // what is left out here may be kept elsewhere
    let year = Year { loaded, timetable: &everywhere, span: Span { from: now, to } };
    let mut found = wins::findings(&year);
    for (schedule, places) in year.schedules() {
        found.extend(clock::findings(schedule, places, year.span));
        found.extend(gap::findings(schedule, places, year.span));
        found.extend(floors(schedule, places).filter(|(floor, _)| is_one_way(*floor)).map(|(_, at)| one_way(at)));
    }
    diagnostic::sort(&mut found);
    found
}

/// A source and the span that it is read against.
struct Year<'a> {
    loaded: &'a Loaded,
    timetable: &'a Schedules,
    span: Span,
}

impl<'a> Year<'a> {
    fn timetable(&self) -> &'a Schedules {
        self.timetable
    }

    /// Every schedule that takes part, with its places, in order of precedence.
    fn schedules(&self) -> impl Iterator<Item = (&'a Schedule, &'a Places)> + use<'a> {
        let declared = &self.loaded.declared;
        let taking_part = self.timetable.iter().filter(|schedule| !schedule.suspend);
        taking_part.filter_map(|schedule| Some((schedule, declared.0.get(&schedule.name)?)))
    }
}

fn warning(code: &'static str, at: &Location, message: String) -> Diagnostic {
    Diagnostic::new(Severity::Warning, code, Some(at.clone()), message)
}

fn floors<'a>(schedule: &'a Schedule, places: &'a Places) -> impl Iterator<Item = (Floor, &'a Part)> {
    let windows = schedule.windows.iter().map(|window| window.floor).zip(&places.windows);
    let overrides = schedule.overrides.iter().map(|over| over.floor).zip(&places.overrides);
    schedule.default.into_iter().zip(&places.default).chain(windows).chain(overrides)
}

/// Down to no task at all, and up again for whoever has something to measure: which then nobody has.
fn is_one_way(floor: Floor) -> bool {
    floor.min == 0 && floor.max != Some(0)
}

fn one_way(part: &Part) -> Diagnostic {
    let message = "a floor of 0 is a one-way door under a policy on CPU or memory: it scales in to 0 tasks, and with \
                   none left to measure it never scales out again";
    let mut finding = warning("one-way-floor", &part.min, message.to_owned());
    finding.help("write min: 1; or min: 0 with max: 0, to switch the service off whatever its policies want");
    finding
}

#[cfg(test)]
mod tests;
