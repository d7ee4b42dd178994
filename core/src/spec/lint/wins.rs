//! Rules that never win in the coming year, and windows and overrides that never come.
//!
//! The timetable itself is asked, so that whatever decides a floor decides here. To win for one target is enough. A
//! glob is represented by a service that only it and wider globs name: others that match could only take more part.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::{Year, warning};
use crate::diagnostic::{Diagnostic, Location};
use crate::model::{Floor, Pattern, Span, TargetId, TargetPattern};
use crate::spec::places::Places;
use crate::timetable::civil::{end_instant, start_instant};
use crate::timetable::{Cause, Override, Recurrence, Schedule, Schedules, Window};

/// How many segments are looked at before the rest is given the benefit of the doubt.
const MOST_SEGMENTS: usize = 3_000_000;
/// Most rules win within two weeks.
const FIRST_LOOK: SignedDuration = SignedDuration::from_hours(14 * 24);

/// What is known of one schedule.
struct Candidate<'a> {
    schedule: &'a Schedule,
    places: &'a Places,
    /// Rules that come but have not been seen to win, with the first instant at which they would.
    waiting: BTreeMap<Cause, Timestamp>,
    rules: usize,
    /// Some target that it is for.
    target: Option<TargetId>,
}

/// The findings about every schedule.
pub(super) fn findings(year: &Year<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut candidates: BTreeMap<Arc<str>, Candidate<'_>> = year
        .schedules()
        .map(|(schedule, places)| (schedule.name.clone(), candidate(schedule, places, year.span, &mut found)))
        .collect();
    if watch_all(year, &mut candidates) {
        for candidate in candidates.values() {
            found.extend(candidate.never_won(year));
        }
    }
    found
}

fn candidate<'a>(schedule: &'a Schedule, places: &'a Places, span: Span, found: &mut Vec<Diagnostic>) -> Candidate<'a> {
    let mut waiting = BTreeMap::new();
    for (window, place) in schedule.windows.iter().zip(&places.windows) {
        match first_start(schedule, window, span) {
            Some(at) => drop(waiting.insert(Cause::Window(window.name.clone()), at)),
            None => found.extend(never_comes(window, &place.name)),
        }
    }
    for (over, place) in schedule.overrides.iter().zip(&places.overrides) {
        match coming(over, schedule, span, &place.name) {
            Ok(Some(at)) => drop(waiting.insert(Cause::Override(over.name.clone()), at)),
            Ok(None) => {}
            Err(finding) => found.push(*finding),
        }
    }
    if schedule.default.is_some() && !is_formal(schedule, span) {
        waiting.insert(Cause::Default, span.from);
    }
    Candidate { schedule, places, rules: waiting.len(), waiting, target: None }
}

/// The first instant of the span at which the window is open, whatever else holds then.
fn first_start(schedule: &Schedule, window: &Window, span: Span) -> Option<Timestamp> {
    let alone = alone(schedule, None, vec![window.clone()]);
    first(&alone, span, |cause| matches!(cause, Cause::Window(_)))
}

/// Whether the default is there only because it has to be: the schedule's own windows, of a kind that does not count as
/// cover, leave no room for it.
fn is_formal(schedule: &Schedule, span: Span) -> bool {
    let has_room = || {
        let alone = alone(schedule, schedule.default, schedule.windows.clone());
        first(&alone, span, |cause| *cause == Cause::Default).is_some()
    };
    let without = Schedule { default: None, ..schedule.clone() };
    without.is_overlay() && !has_room()
}

/// A schedule of these parts and nothing else.
fn alone(schedule: &Schedule, default: Option<Floor>, windows: Vec<Window>) -> Schedules {
    let targets = vec![anywhere()];
    let lead_time = SignedDuration::ZERO;
    let overrides = Vec::new();
    Schedules::new(vec![Schedule { targets, default, windows, overrides, lead_time, ..schedule.clone() }])
}

fn anywhere() -> TargetPattern {
    TargetPattern::of(&TargetId::new("any", "any"))
}

fn first(schedules: &Schedules, span: Span, wanted: impl Fn(&Cause) -> bool) -> Option<Timestamp> {
    let target = TargetId::new("any", "any");
    looks(span).find_map(|look| {
        let segments = schedules.segments(&target, look).into_iter();
        let mut wanted = segments.filter(|segment| segment.decision.as_ref().is_some_and(|it| wanted(&it.cause)));
        wanted.next().map(|segment| segment.span.from)
    })
}

/// The span in parts, each twice as long as the one before: most questions are answered by the first.
fn looks(span: Span) -> impl Iterator<Item = Span> {
    let mut length = FIRST_LOOK;
    let mut next = span.from;
    std::iter::from_fn(move || {
        let from = next;
        next = from.checked_add(length).unwrap_or(Timestamp::MAX).min(span.to);
        length *= 2;
        (from < next).then_some(Span { from, to: next })
    })
}

fn never_comes(window: &Window, place: &Location) -> Option<Diagnostic> {
    if matches!(&window.recurrence, Recurrence::Cron { cron, .. } if cron.never_matches()) {
        return None; // it was reported when it was read
    }
    let message = format!("the window `{}` does not occur in the coming 366 days", window.name);
    let mut finding = warning("never-occurs", place, message);
    finding.help("look at its days, its calendars, `validFrom` and `validUntil`; remove it where its time is past");
    Some(finding)
}

/// When an override begins to hold within the span; `None` where it lies after.
fn coming(
    over: &Override,
    schedule: &Schedule,
    span: Span,
    place: &Location,
) -> Result<Option<Timestamp>, Box<Diagnostic>> {
    let (from, to) = (start_instant(&schedule.zone, over.from), end_instant(&schedule.zone, over.to));
    let refuse = |code, message: String, help: &str| {
        let mut finding = warning(code, place, message);
        finding.help(help);
        Err(Box::new(finding))
    };
    if from >= to {
        let message = format!("the override `{}` does not take place: the clock skips all of it", over.name);
        return refuse("never-occurs", message, "give it an end after the clock's jump");
    }
    if to <= span.from {
        let message = format!("the override `{}` is over: it ended on {}", over.name, over.to.strftime("%F at %H:%M"));
        return refuse("override-over", message, "remove it");
    }
    Ok((from < span.to).then_some(from.max(span.from)))
}

/// Follows every distinct set of schedules that meet on a target. `false`: there was too much to follow.
fn watch_all(year: &Year<'_>, candidates: &mut BTreeMap<Arc<str>, Candidate<'_>>) -> bool {
    let timetable = year.timetable();
    let names: Vec<&Arc<str>> = timetable.iter().map(|schedule| &schedule.name).collect();
    let mut seen = BTreeSet::new();
    let mut budget = MOST_SEGMENTS;
    for row in timetable.rows() {
        let target = row.exact().unwrap_or_else(|| witness(&row));
        let members: Vec<usize> = timetable.taking_part(&target).collect();
        if !seen.insert(members.clone()) {
            continue;
        }
        let members: Vec<&Arc<str>> = members.into_iter().map(|member| names[member]).collect();
        for name in &members {
            if let Some(candidate) = candidates.get_mut(*name) {
                candidate.target.get_or_insert_with(|| target.clone());
            }
        }
        watch(year, &target, &members, candidates, &mut budget);
    }
    budget > 0
}

/// A service that the glob matches, and no pattern but those that match whatever it does: names hold no dots.
fn witness(glob: &TargetPattern) -> TargetId {
    let long_run = ".".repeat(300); // longer than any pattern, so that no row of `?` fits it
    let name = |pattern: &Pattern| pattern.as_str().replace('?', ".").replace('*', &long_run);
    TargetId::new(name(&glob.cluster), name(&glob.service)).at(glob.site.clone())
}

/// Strikes the rules out that win for this target.
fn watch(
    year: &Year<'_>,
    target: &TargetId,
    members: &[&Arc<str>],
    candidates: &mut BTreeMap<Arc<str>, Candidate<'_>>,
    budget: &mut usize,
) {
    let waits = |candidates: &BTreeMap<Arc<str>, Candidate<'_>>| {
        members.iter().filter_map(|name| candidates.get(*name)).any(|candidate| !candidate.waiting.is_empty())
    };
    for look in looks(year.span) {
        if !waits(candidates) || *budget == 0 {
            return;
        }
        let segments = year.timetable().segments(target, look);
        *budget = budget.saturating_sub(segments.len());
        for decision in segments.into_iter().filter_map(|segment| segment.decision) {
            if let Some(candidate) = candidates.get_mut(&decision.schedule) {
                candidate.waiting.remove(&decision.cause);
            }
        }
    }
}

impl Candidate<'_> {
    /// A finding for each rule that did not win, or one for the schedule where none of several did.
    fn never_won(&self, year: &Year<'_>) -> Vec<Diagnostic> {
        let Some(name) = &self.places.name else { return Vec::new() };
        if self.rules > 1 && self.waiting.len() == self.rules {
            let what = format!("the schedule `{}`", self.schedule.name);
            return self.waiting.values().next().map(|at| self.lost(&what, name, *at, year)).into_iter().collect();
        }
        let findings = self.waiting.iter().filter_map(|(cause, at)| {
            let what = match cause {
                Cause::Default => "the default".to_owned(),
                Cause::Window(name) => format!("the window `{name}`"),
                Cause::Override(name) => format!("the override `{name}`"),
            };
            Some(self.lost(&what, place_of(cause, self.schedule, self.places)?, *at, year))
        });
        findings.collect()
    }

    /// `at`: when it would hold.
    fn lost(&self, what: &str, place: &Location, at: Timestamp, year: &Year<'_>) -> Diagnostic {
        let mut finding = warning(
            "never-wins",
            place,
            format!("{what} never wins in the coming 366 days: another rule always holds"),
        );
        finding.help(
            "a higher `priority` wins, then an override over a window, then the highest `min`; remove what is no use",
        );
        let decision = self.target.as_ref().and_then(|target| year.timetable().decide(target, at).decision);
        let winner = decision.as_ref().and_then(|it| year.schedules().find(|(other, _)| other.name == it.schedule));
        if let (Some(decision), Some((schedule, places))) = (decision, winner)
            && let Some(winning) = place_of(&decision.cause, schedule, places)
        {
            finding.related(winning.clone(), format!("{} of `{}` holds instead", decision.cause, schedule.name));
        }
        finding
    }
}

fn place_of<'a>(cause: &Cause, schedule: &Schedule, places: &'a Places) -> Option<&'a Location> {
    let place = match cause {
        Cause::Default => places.default.as_ref(),
        Cause::Window(name) => places.windows.get(schedule.windows.iter().position(|window| window.name == *name)?),
        Cause::Override(name) => places.overrides.get(schedule.overrides.iter().position(|over| over.name == *name)?),
    };
    place.map(|place| &place.name)
}
