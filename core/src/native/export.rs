//! Schedules become scheduled actions, as far as those can say it, and the result is proved.
//!
//! The course of a target's floor over the span is cut into changes. Those that recur by the week become `cron(…)`
//! actions, bounded by a start and an end time wherever the next firing would be wrong; the rest become `at(…)` actions.
//! So every change is made, and nothing fires where the floor is another.

mod render;

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::expression::Expression;
use super::firing::{self, HasMax, State, follow};
use super::proof::{self, Course, Difference};
use super::{PROOF_DAYS, Refusal, ScheduledAction};
use crate::model::{Span, TargetId};
use crate::timetable::civil::start_instant;
use crate::timetable::{Cause, Recurrence, Schedule, Schedules, Segment, Zones};

pub use render::{cloudformation, described, terraform};

/// AWS's quota for scheduled actions of one target; it cannot be raised.
const MOST_ACTIONS: usize = 200;
/// How often an edge that most weeks lack must recur to be worth a `cron(…)` of its own.
const WORTH_A_CRON: usize = 3;
const WEEKS: usize = PROOF_DAYS as usize / 7;

/// What an export goes by.
#[derive(Clone, Copy, Debug)]
pub struct Export<'a> {
    /// The zones of the schedules.
    pub zones: &'a Zones,
    /// From when on the result is proved.
    pub now: Timestamp,
}

/// What came of an export.
#[derive(Clone, Debug)]
pub struct Exported {
    /// The actions of each target, and what holds when they begin.
    pub targets: Vec<(TargetId, State, Vec<ScheduledAction>)>,
    /// The span of the proof.
    pub span: Span,
    /// Where actions and schedules differ: the proof failed.
    pub differences: Vec<Difference>,
    /// What was not exported.
    pub refused: Vec<Refusal>,
    /// What native actions cannot say, and became of it.
    pub notes: Vec<String>,
}

/// Makes scheduled actions for `targets`, as far as they are in one account and region: a template is for one.
pub fn export(schedules: &Schedules, targets: &BTreeSet<TargetId>, settings: &Export<'_>) -> Exported {
    let to = settings.now.checked_add(SignedDuration::from_hours(PROOF_DAYS * 24)).unwrap_or(Timestamp::MAX);
    let span = Span { from: settings.now, to };
    let mut exported =
        Exported { targets: Vec::new(), span, differences: Vec::new(), refused: Vec::new(), notes: notes(schedules) };
    let site = targets.first().map(|target| &target.site);
    for target in targets {
        if site != Some(&target.site) {
            let reason = "a template is for one account and region, and this is another: name it with --target";
            exported.refused.push(Refusal::new(target.to_string(), reason));
            continue;
        }
        match Floors::of(schedules, target, span).actions(schedules, settings.zones) {
            Ok((floors, actions)) => exported.take(&floors, actions),
            Err(reason) => exported.refused.push(Refusal::new(target.to_string(), reason)),
        }
    }
    exported
}

impl Exported {
    fn take(&mut self, floors: &Floors<'_>, actions: Vec<ScheduledAction>) {
        let target = floors.target.clone();
        match floors.prove(&actions) {
            Ok(found) => self.differences.extend(found),
            Err(refusal) => return self.refused.push(refusal),
        }
        let dated = actions.iter().filter(|action| is_dated(action)).count();
        if dated > 0 {
            let (all, until) = (actions.len(), self.span.to.strftime("%Y-%m-%d"));
            self.notes.push(format!(
                "{target}: {dated} of {all} actions are dated and reach to {until}: export again before"
            ));
        }
        if floors.is_left_alone {
            self.notes.push(format!(
                "{target}: where no schedule takes part, the last floor stays: no action says otherwise"
            ));
        }
        self.targets.push((target, floors.state, actions));
    }
}

fn is_dated(action: &ScheduledAction) -> bool {
    action.end.is_some() || matches!(action.expression, Expression::At(_))
}

/// A change of what is set.
#[derive(Clone, Debug)]
struct Change {
    at: Timestamp,
    state: State,
    /// What the action that makes it is called.
    name: String,
}

/// The course of a target's floor.
struct Floors<'a> {
    target: &'a TargetId,
    span: Span,
    /// At the start of the span.
    state: State,
    changes: Vec<Change>,
    is_left_alone: bool,
}

/// An edge of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Edge {
    minute: u16,
    state: State,
}

impl<'a> Floors<'a> {
    fn of(schedules: &Schedules, target: &'a TargetId, span: Span) -> Floors<'a> {
        let segments = schedules.segments(target, span);
        let mut floors = Floors { target, span, state: State::default(), changes: Vec::new(), is_left_alone: false };
        let mut state = State::default();
        for Segment { span: run, decision } in segments {
            let Some(decision) = decision else {
                floors.is_left_alone = true;
                continue;
            };
            let next = State { min: Some(decision.floor.min), max: decision.floor.max.or(state.max) };
            if run.from == span.from {
                floors.state = next;
            } else if next != state {
                floors.changes.push(Change { at: run.from, state: next, name: name_of(&decision.cause) });
            }
            state = next;
        }
        floors
    }

    /// The fewest actions that say it, by the clock of one of the schedules.
    fn actions(self, schedules: &Schedules, zones: &Zones) -> Result<(Floors<'a>, Vec<ScheduledAction>), String> {
        let taking_part = schedules.iter().filter(|schedule| !schedule.suspend && schedule.matches(self.target));
        let names: BTreeSet<&str> = taking_part.filter_map(|schedule| schedule.zone.iana_name()).collect();
        let clocks = names.into_iter().filter_map(|name| Some((name, zones.get(name)?)));
        let fewest = clocks.map(|(name, zone)| self.actions_by(name, &zone)).min_by_key(Vec::len);
        let actions = fewest.ok_or("no schedule takes part")?;
        match actions.len() {
            0..=MOST_ACTIONS => Ok((self, named(actions))),
            many => Err(format!("it would take {many} actions; AWS allows {MOST_ACTIONS} on a target")),
        }
    }

    fn actions_by(&self, zone_name: &str, zone: &TimeZone) -> Vec<ScheduledAction> {
        let mut actions = Vec::new();
        let mut made: BTreeSet<Timestamp> = BTreeSet::new();
        for (edge, weekdays) in self.weekly_edges(zone) {
            let cron = self.action(zone_name, zone, cron_text(edge.minute, weekdays), edge.state);
            for run in self.right_runs(&cron) {
                let makes: Vec<&Change> = self
                    .changes
                    .iter()
                    .filter(|change| run.firings.contains(&change.at) && !made.contains(&change.at))
                    .collect();
                let (Some(first), true) = (makes.first(), run.is_worth_a_cron()) else { continue };
                actions.push(ScheduledAction {
                    name: first.name.as_str().into(),
                    start: run.start(),
                    end: run.end(),
                    ..cron.clone()
                });
                made.extend(run.firings);
            }
        }
        let single = self.changes.iter().filter(|change| !made.contains(&change.at));
        actions.extend(single.map(|change| self.single(zone_name, zone, change)));
        actions
    }

    /// The edges that recur by the week and the days on which they do: first those of most weeks, then those of some.
    fn weekly_edges(&self, zone: &TimeZone) -> Vec<(Edge, u8)> {
        let mut counts: BTreeMap<(Edge, i8), usize> = BTreeMap::new();
        for change in &self.changes {
            let local = zone.to_datetime(change.at);
            if local.second() == 0 && start_instant(zone, local) == change.at {
                let minute = local.hour() as u16 * 60 + local.minute() as u16;
                let edge = Edge { minute, state: change.state };
                *counts.entry((edge, local.weekday().to_monday_zero_offset())).or_default() += 1;
            }
        }
        let group = |wanted: &dyn Fn(usize) -> bool| {
            let mut weekdays: BTreeMap<Edge, u8> = BTreeMap::new();
            for ((edge, weekday), _) in counts.iter().filter(|(_, count)| wanted(**count)) {
                *weekdays.entry(*edge).or_default() |= 1 << weekday;
            }
            weekdays
        };
        let mostly = group(&|count| count * 2 >= WEEKS);
        let sometimes = group(&|count| (WORTH_A_CRON..WEEKS.div_ceil(2)).contains(&count));
        mostly.into_iter().chain(sometimes).collect()
    }

    /// The runs of firings that set what holds anyway or changes just then, between those that would set something else.
    fn right_runs(&self, cron: &ScheduledAction) -> Vec<Run> {
        let firings = firing::firings(cron, self.span);
        let is_right = |at: Timestamp| self.state_at(at) == State { min: cron.min, max: cron.max };
        let mut runs: Vec<Run> = Vec::new();
        let mut was_right = false;
        for (index, firing) in firings.iter().enumerate() {
            let right = is_right(firing.at);
            if right && !was_right {
                runs.push(Run { firings: Vec::new(), from_first: index == 0, to_last: false });
            }
            if let Some(run) = runs.last_mut().filter(|_| right) {
                run.firings.push(firing.at);
                run.to_last = index + 1 == firings.len();
            }
            was_right = right;
        }
        runs
    }

    fn state_at(&self, at: Timestamp) -> State {
        let later = self.changes.partition_point(|change| change.at <= at);
        later.checked_sub(1).map_or(self.state, |last| self.changes[last].state)
    }

    fn single(&self, zone_name: &str, zone: &TimeZone, change: &Change) -> ScheduledAction {
        let local = zone.to_datetime(change.at);
        let by_zone = start_instant(zone, local) == change.at;
        let (name, zone) = if by_zone { (zone_name, zone.clone()) } else { ("UTC", TimeZone::UTC) };
        let text = format!("at({})", zone.to_datetime(change.at).strftime("%Y-%m-%dT%H:%M:%S"));
        let action = self.action(name, &zone, text, change.state);
        ScheduledAction { name: change.name.as_str().into(), ..action }
    }

    fn action(&self, zone_name: &str, zone: &TimeZone, schedule: String, state: State) -> ScheduledAction {
        ScheduledAction {
            name: "".into(),
            target: self.target.clone(),
            expression: Expression::parse(&schedule).expect("an expression written here is understood here"),
            schedule: schedule.into(),
            zone_name: zone_name.into(),
            zone: zone.clone(),
            start: None,
            end: None,
            min: state.min,
            max: state.max,
        }
    }

    /// Runs the actions beside the schedules.
    fn prove(&self, actions: &[ScheduledAction]) -> Result<Vec<Difference>, Refusal> {
        let has_max = if self.state.max.is_some() { HasMax::Sometimes } else { HasMax::of(actions) };
        let stretches = follow(actions, self.span, self.state)?;
        let native: Course = stretches.iter().map(|stretch| (stretch.span, stretch.state.floor(has_max))).collect();
        let found = proof::differing(&native, &self.course(has_max)).into_iter();
        Ok(found
            .map(|(span, native, schedules)| Difference {
                target: self.target.clone(),
                from: span.from,
                to: span.to,
                native,
                schedules,
            })
            .collect())
    }

    fn course(&self, has_max: HasMax) -> Course {
        let starts = std::iter::once((self.span.from, self.state));
        let starts: Vec<_> = starts.chain(self.changes.iter().map(|change| (change.at, change.state))).collect();
        let ends = starts.iter().skip(1).map(|(at, _)| *at).chain([self.span.to]);
        let run =
            |((from, state), to): (&(Timestamp, State), Timestamp)| (Span { from: *from, to }, state.floor(has_max));
        starts.iter().zip(ends).map(run).collect()
    }
}

/// Firings in a row that are all right.
struct Run {
    firings: Vec<Timestamp>,
    /// Whether no wrong one stands before.
    from_first: bool,
    /// Whether no wrong one follows.
    to_last: bool,
}

impl Run {
    fn is_worth_a_cron(&self) -> bool {
        self.firings.len() > 1
    }

    /// AWS performs an action at its start time too: it is the first firing itself.
    fn start(&self) -> Option<Timestamp> {
        if self.from_first { None } else { self.firings.first().copied() }
    }

    /// A minute after the last firing, for AWS does not say whether one on the end time still counts.
    fn end(&self) -> Option<Timestamp> {
        let last = self.firings.last().filter(|_| !self.to_last)?;
        last.checked_add(SignedDuration::from_mins(1)).ok()
    }
}

fn cron_text(minute: u16, weekdays: u8) -> String {
    const NAMES: [&str; 7] = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];
    let (hour, minute) = (minute / 60, minute % 60);
    let days: Vec<&str> = (0..7).filter(|day| weekdays & 1 << day != 0).map(|day| NAMES[day]).collect();
    match weekdays {
        0x7f => format!("cron({minute} {hour} * * ? *)"),
        0x1f => format!("cron({minute} {hour} ? * MON-FRI *)"),
        _ => format!("cron({minute} {hour} ? * {} *)", days.join(",")),
    }
}

fn name_of(cause: &Cause) -> String {
    match cause {
        Cause::Default => "default".to_owned(),
        Cause::Window(name) | Cause::Override(name) => name.to_string(),
    }
}

/// Actions of one target need names of their own.
fn named(mut actions: Vec<ScheduledAction>) -> Vec<ScheduledAction> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut taken: BTreeSet<String> = actions.iter().map(|action| action.name.to_string()).collect();
    for action in &mut actions {
        let name = action.name.to_string();
        let count = counts.entry(name.clone()).or_default();
        *count += 1;
        if *count > 1 {
            let numbered = (*count..).map(|number| format!("{name}-{number}"));
            let free = numbered.into_iter().find(|name| !taken.contains(name)).expect("numbers do not run out");
            taken.insert(free.clone());
            action.name = free.into();
        }
    }
    actions
}

/// What no action can say, schedule by schedule.
fn notes(schedules: &Schedules) -> Vec<String> {
    let mut notes = vec![
        "nothing puts a floor back that someone else changed, or that a firing missed, until the next action fires"
            .to_owned(),
    ];
    for schedule in schedules.iter() {
        notes.extend(notes_on(schedule).into_iter().map(|note| format!("schedule `{}`: {note}", schedule.name)));
    }
    notes
}

fn notes_on(schedule: &Schedule) -> Vec<String> {
    let mut notes = Vec::new();
    let globs = schedule.targets.iter().filter(|pattern| !pattern.is_exact());
    notes.extend(globs.map(|glob| format!("actions have no globs: {glob} stands for nobody (see --target)")));
    if schedule.suspend {
        notes.push("it is suspended and left out".to_owned());
    }
    if !schedule.lead_time.is_zero() {
        notes.push("its lead time became earlier edges".to_owned());
    }
    if !schedule.defer_during_deployment.is_zero() {
        notes.push("no action waits for a deployment: deferDuringDeployment is left out".to_owned());
    }
    if schedule.priority != 0 {
        notes.push("its priority is folded into what holds on each target".to_owned());
    }
    for window in &schedule.windows {
        let by_calendar = window.dates.on.is_some() || !window.dates.except.is_empty();
        let is_cron = matches!(window.recurrence, Recurrence::Cron { .. });
        if by_calendar {
            notes.push(format!("window `{}`: its calendars became dated actions", window.name));
        } else if is_cron {
            notes.push(format!(
                "window `{}`: what of its cron does not recur by the week became dated actions",
                window.name
            ));
        }
    }
    notes
}

#[cfg(test)]
mod tests;
