//! Scheduled actions become schedules, and the result is proved: read back, it is run beside the actions.
//!
//! The weekly pattern becomes windows, other endless recurrences become cron windows, and whatever then still differs
//! within the span becomes overrides. Where that takes too many of them, the target is refused.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::declared::Declarations;
use super::document::{Draft, Override, Start, Window};
use super::expression::Expression;
use super::firing::{self, HasMax, State, Stretch, follow, state_at};
use super::proof::{self, Course, Difference};
use super::week::Pattern;
use super::{PROOF_DAYS, Refusal, ScheduledAction};
use crate::model::{Floor, Span, TargetId, instant};
use crate::spec::{self, Limits, Tree};
use crate::timetable::civil::{end_instant, start_instant};
use crate::timetable::{Schedules, Zones};

/// More overrides than this nobody would keep up.
const MOST_OVERRIDES: usize = 100;
/// The most windows that a schedule may have.
const MOST_WINDOWS: usize = 64;
/// How many floors are tried as the default.
const MOST_DEFAULTS: usize = 6;
/// The longest that a cron window may last, in minutes.
const LONGEST_MINUTES: i64 = 31 * 24 * 60;

/// What an import goes by.
#[derive(Clone, Copy, Debug)]
pub struct Import<'a> {
    /// The zones that actions may name.
    pub zones: &'a Zones,
    /// What schedules may declare.
    pub limits: &'a Limits,
    /// From when on the result is proved.
    pub now: Timestamp,
}

/// What came of an import.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The schedules, as YAML; empty where there are none.
    pub text: String,
    /// How many schedules.
    pub schedules: usize,
    /// How many targets they hold.
    pub targets: usize,
    /// The span of the proof.
    pub span: Span,
    /// Where actions and schedules differ: the proof failed.
    pub differences: Vec<Difference>,
    /// What was not imported.
    pub refused: Vec<Refusal>,
    /// What someone should know.
    pub notes: Vec<String>,
}

/// Makes schedules of all that was declared, one for all targets with the same timetable.
pub fn import(declarations: &Declarations, settings: &Import<'_>) -> Imported {
    let span = settings.span();
    let mut imported = Imported {
        text: String::new(),
        schedules: 0,
        targets: 0,
        span,
        differences: Vec::new(),
        refused: declarations.refused.clone(),
        notes: Vec::new(),
    };
    let mut names = BTreeSet::new();
    for mut group in groups(declarations, settings, &mut imported.refused) {
        let first = group.targets.first().expect("a group has at least one target");
        let by_service = slug(&first.service, "service");
        let by_both = || slug(&format!("{}-{}", first.cluster, first.service), "service");
        group.name = unique(&if names.contains(&by_service) { by_both() } else { by_service }, &mut names);
        match group.draft(settings, span) {
            Ok(proved) => imported.take(&group, &proved),
            Err(reason) => {
                let refused = group.targets.iter().map(|target| Refusal::new(target.to_string(), reason.clone()));
                imported.refused.extend(refused);
            }
        }
    }
    imported
}

impl Imported {
    fn take(&mut self, group: &Group, proved: &Proved) {
        if !self.text.is_empty() {
            self.text.push_str("---\n");
        }
        self.text.push_str(&proved.draft.text());
        self.schedules += 1;
        self.targets += group.targets.len();
        for target in &group.targets {
            let found = proved.differing.iter();
            self.differences.extend(found.map(|(span, native, schedules)| Difference {
                target: target.clone(),
                from: span.from,
                to: span.to,
                native: *native,
                schedules: *schedules,
            }));
        }
        if let Some(until) = proved.unknown_until {
            self.notes.push(format!(
                "schedule `{}`: what holds until {} is not known, and what it declares until then is not proved",
                proved.draft.name,
                instant(until)
            ));
        }
        if !proved.draft.overrides.is_empty() && group.actions.iter().any(is_endless_beyond_the_week) {
            self.notes.push(format!(
                "schedule `{}`: some overrides stand for actions that recur for ever, and end with the proof on {}: \
                 import again before",
                proved.draft.name,
                self.span.to.strftime("%Y-%m-%d")
            ));
        }
    }
}

impl Import<'_> {
    /// From the beginning of this minute, for schedules know no seconds.
    fn span(&self) -> Span {
        let minute = self.now.as_second().div_euclid(60) * 60;
        let from = Timestamp::from_second(minute).unwrap_or(self.now);
        let to = from.checked_add(SignedDuration::from_hours(PROOF_DAYS * 24)).unwrap_or(Timestamp::MAX);
        Span { from, to }
    }

    fn load(&self, draft: &Draft) -> Result<Schedules, String> {
        let files = [("imported.yaml".into(), draft.text().into_bytes())];
        let loaded = spec::load(&Tree { files: files.into() }, self.zones, self.limits, self.now);
        let first = |found: Vec<crate::diagnostic::Diagnostic>| found.first().map(|finding| finding.message.clone());
        loaded.map(|loaded| loaded.schedules).map_err(|found| first(found).unwrap_or_default())
    }
}

/// Targets on which the same actions fire, whatever they are called.
struct Group {
    name: String,
    targets: Vec<TargetId>,
    actions: Vec<ScheduledAction>,
    state: State,
}

/// A schedule and what its proof found.
struct Proved {
    draft: Draft,
    differing: Vec<(Span, Floor, Option<Floor>)>,
    /// Until when the actions leave open what holds.
    unknown_until: Option<Timestamp>,
}

fn groups(declarations: &Declarations, settings: &Import<'_>, refused: &mut Vec<Refusal>) -> Vec<Group> {
    let mut targets: BTreeMap<TargetId, Result<Vec<ScheduledAction>, ()>> = BTreeMap::new();
    for declared in &declarations.actions {
        let read = ScheduledAction::read(declared, settings.zones);
        let target = TargetId::from_resource_id(&declared.resource_id);
        if let Some(target) = target {
            let actions = targets.entry(target).or_insert_with(|| Ok(Vec::new()));
            match (&read, actions) {
                (Ok(action), Ok(actions)) => actions.push(action.clone()),
                (_, actions) => *actions = Err(()),
            }
        }
        refused.extend(read.err());
    }
    let mut groups: Vec<(Vec<String>, Group)> = Vec::new();
    for (target, actions) in targets {
        let Ok(actions) = actions else {
            refused.push(Refusal::new(target.to_string(), "left as it is: not all of its actions are understood"));
            continue;
        };
        let before = declarations.current.get(&target).copied().unwrap_or_default();
        let mut state = state_at(&actions, settings.span().from, before);
        if HasMax::of(&actions) == HasMax::Never {
            state.max = None;
        }
        let mut key: Vec<String> = actions.iter().map(signature).collect();
        key.sort_unstable();
        key.push(format!("{state:?}"));
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, group)) => group.targets.push(target),
            None => {
                groups.push((key, Group { name: String::new(), targets: vec![target], actions, state }));
            }
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

/// All of an action but its name and target.
fn signature(action: &ScheduledAction) -> String {
    let ScheduledAction { schedule, zone_name, start, end, min, max, .. } = action;
    format!("{schedule} {zone_name} {start:?} {end:?} {min:?} {max:?}")
}

impl Group {
    /// The schedule that is nearest to what the actions do; exact, where any is.
    fn draft(&self, settings: &Import<'_>, span: Span) -> Result<Proved, String> {
        let stretches = follow(&self.actions, span, self.state).map_err(|refusal| refusal.reason)?;
        whole_minutes(&stretches)?;
        let has_max = HasMax::of(&self.actions);
        let native: Course = stretches.iter().map(|stretch| (stretch.span, stretch.state.floor(has_max))).collect();
        let (zone_name, zone) = self.zone(span.from)?;
        let windows = Pattern { actions: &self.actions, stretches: &stretches, zone, has_max, span }.windows();
        let cron_windows = self.cron_windows(&stretches, has_max, span);
        let mut best: Option<Proved> = None;
        for default in by_time_held(&native).into_iter().take(MOST_DEFAULTS) {
            let kept = windows.iter().chain(&cron_windows).filter(|window| window.floor != default).cloned();
            let draft = Draft {
                name: self.name.clone(),
                origin: self.origin(),
                targets: self.targets.clone(),
                zone: zone_name.to_owned(),
                default,
                windows: self.named(kept.collect()),
                overrides: Vec::new(),
            };
            let proved = self.with_overrides(draft, &native, zone, settings)?;
            if best.as_ref().is_none_or(|best| proved.cost() < best.cost()) {
                best = Some(proved);
            }
            if best.as_ref().is_some_and(|best| best.cost() == (0, 0)) {
                break;
            }
        }
        let best = best.ok_or("no action ever sets its minimum, and what it is now is not known".to_owned())?;
        match best.draft.overrides.len() {
            0..=MOST_OVERRIDES => Ok(best),
            many => Err(format!("it would take {many} overrides: its actions do not repeat by the week")),
        }
    }

    /// The one zone of all that recurs without end; one-off actions follow it.
    fn zone(&self, from: Timestamp) -> Result<(&str, &TimeZone), String> {
        let goes_on = |action: &&ScheduledAction| action.end.is_none_or(|end| from <= end);
        let is_cron = |action: &&ScheduledAction| matches!(action.expression, Expression::Cron(_));
        let recurring = self.actions.iter().filter(goes_on).filter(is_cron);
        let names: BTreeSet<&str> = recurring.clone().map(|action| &*action.zone_name).collect();
        if names.len() > 1 {
            let names: Vec<&str> = names.into_iter().collect();
            return Err(format!("its actions recur in several time zones, {}; a schedule has one", names.join(", ")));
        }
        let leading = recurring.chain(&self.actions).next().expect("a group has at least one action");
        Ok((&leading.zone_name, &leading.zone))
    }

    /// Fills what differs within the span, and proves the whole.
    fn with_overrides(
        &self,
        mut draft: Draft,
        native: &Course,
        zone: &TimeZone,
        settings: &Import<'_>,
    ) -> Result<Proved, String> {
        if draft.windows.len() > MOST_WINDOWS {
            let count = draft.windows.len();
            return Err(format!("it would take {count} windows; a schedule may have {MOST_WINDOWS}"));
        }
        let differing = self.differing(&draft, native, settings)?;
        let overrides = differing.iter().filter_map(|(span, floor, _)| self.one_off(*span, *floor, zone));
        draft.overrides = self.named_overrides(overrides.collect());
        let open = native.iter().take_while(|(_, floor)| floor.is_none());
        let unknown_until = open.last().map(|(span, _)| span.to);
        if draft.overrides.is_empty() || draft.overrides.len() > MOST_OVERRIDES {
            return Ok(Proved { draft, differing, unknown_until });
        }
        let differing = self.differing(&draft, native, settings)?;
        Ok(Proved { draft, differing, unknown_until })
    }

    fn differing(
        &self,
        draft: &Draft,
        native: &Course,
        settings: &Import<'_>,
    ) -> Result<Vec<(Span, Floor, Option<Floor>)>, String> {
        let schedules = settings.load(draft)?;
        let target = self.targets.first().expect("a group has at least one target");
        Ok(proof::differing(native, &proof::declared(&schedules, target, settings.span())))
    }

    fn named(&self, mut windows: Vec<Window>) -> Vec<Window> {
        let mut taken = BTreeSet::new();
        windows.iter_mut().for_each(|window| window.name = unique(&self.short(&window.name, "all-day"), &mut taken));
        windows
    }

    fn named_overrides(&self, mut overrides: Vec<Override>) -> Vec<Override> {
        let mut taken = BTreeSet::new();
        overrides
            .iter_mut()
            .for_each(|one_off| one_off.name = unique(&self.short(&one_off.name, "change"), &mut taken));
        overrides
    }

    /// An action's name without that of its service: `www-night` opens the window `night`.
    fn short(&self, action: &str, otherwise: &str) -> String {
        let service = self.targets.first().map_or("", |target| &target.service);
        let rest = action.strip_prefix(service).map(|rest| slug(rest, "")).filter(|rest| !rest.is_empty());
        rest.unwrap_or_else(|| slug(action, otherwise))
    }

    /// `None` where local time cannot say it: within an hour that the clock shows twice.
    fn one_off(&self, span: Span, floor: Floor, zone: &TimeZone) -> Option<Override> {
        let (from, to) = (zone.to_datetime(span.from), zone.to_datetime(span.to));
        let is_exact = start_instant(zone, from) == span.from && end_instant(zone, to) == span.to;
        let cause = self.last_action(span.from);
        let name = cause.map_or_else(|| "until-now".to_owned(), |action| action.name.to_string());
        let note = cause.map_or_else(String::new, |action| action.schedule.to_string());
        (from < to && is_exact).then_some(Override { name, note, from, to, floor })
    }

    fn last_action(&self, at: Timestamp) -> Option<&ScheduledAction> {
        let last = self.actions.iter().filter_map(|action| firing::last_firing(action, at));
        last.max_by_key(|firing| (firing.at, firing.local)).map(|firing| firing.action)
    }

    /// Windows for what recurs without end, but not by the week, where it lasts equally long each time.
    fn cron_windows(&self, stretches: &[Stretch], has_max: HasMax, span: Span) -> Vec<Window> {
        let mut windows = Vec::new();
        for action in self.actions.iter().filter(|action| is_endless_beyond_the_week(action)) {
            let Expression::Cron(fields) = &action.expression else { continue };
            let firings = firing::firings(action, span);
            for minute in fields.minutes_of_day() {
                let Some(cron) = fields.five_fields(minute) else { continue };
                let on_time = firings.iter().filter(|firing| firing.local.time() == firing::time(minute));
                let runs = on_time.filter_map(|firing| run_from(stretches, firing.at, has_max, span));
                let Some((minutes, floor)) = most_frequent(runs) else { continue };
                let (name, note) = (action.name.to_string(), action.schedule.to_string());
                let start = Start::Cron { cron, minutes };
                windows.push(Window { name, note, days: 0x7f, start, valid_from: None, valid_until: None, floor });
            }
        }
        windows
    }

    /// The actions it was made from, as lines of a table.
    fn origin(&self) -> Vec<String> {
        let names = self.actions.iter().map(|action| action.name.len()).max().unwrap_or_default();
        let expressions = self.actions.iter().map(|action| action.schedule.len()).max().unwrap_or_default();
        let mut lines = vec!["Imported from these scheduled actions:".to_owned()];
        for action in &self.actions {
            let mut line = format!("  {:names$}  {:expressions$}  {}", action.name, action.schedule, action.zone_name);
            let said = [("min", action.min), ("max", action.max)].map(|(what, value)| value.map(|value| (what, value)));
            said.iter().flatten().for_each(|(what, value)| line.push_str(&format!("  {what} {value}")));
            let bounds = [("from", action.start), ("until", action.end)];
            bounds.iter().for_each(|(what, at)| line.extend(at.map(|at| format!("  {what} {at}"))));
            lines.push(line);
        }
        lines
    }
}

impl Proved {
    /// What is wrong first, then what is unwieldy.
    fn cost(&self) -> (usize, usize) {
        (self.differing.len(), self.draft.overrides.len())
    }
}

fn is_endless_beyond_the_week(action: &ScheduledAction) -> bool {
    action.end.is_none()
        && match &action.expression {
            Expression::Cron(fields) => fields.is_endless() && fields.weekdays().is_none(),
            Expression::Rate(_) => true,
            Expression::At(_) => false,
        }
}

fn whole_minutes(stretches: &[Stretch]) -> Result<(), String> {
    let odd = stretches.iter().find(|stretch| stretch.span.from.as_second() % 60 != 0);
    odd.map_or(Ok(()), |odd| Err(format!("it changes at {}; schedules know whole minutes", odd.span.from)))
}

/// How long what a firing set stays, in minutes, and what it is. `None` where that reaches over the end of the span.
fn run_from(stretches: &[Stretch], at: Timestamp, has_max: HasMax, span: Span) -> Option<(i64, Floor)> {
    let run = stretches.iter().find(|stretch| stretch.span.from <= at && at < stretch.span.to)?;
    let minutes = (run.span.to.as_second() - at.as_second()) / 60;
    let fits = run.span.to < span.to && minutes <= LONGEST_MINUTES;
    fits.then(|| run.state.floor(has_max).map(|floor| (minutes, floor))).flatten()
}

fn most_frequent(runs: impl Iterator<Item = (i64, Floor)>) -> Option<(i64, Floor)> {
    let mut counts: Vec<((i64, Floor), usize)> = Vec::new();
    for run in runs {
        match counts.iter_mut().find(|(known, _)| *known == run) {
            Some((_, count)) => *count += 1,
            None => counts.push((run, 1)),
        }
    }
    counts.into_iter().max_by_key(|(_, count)| *count).map(|(run, _)| run)
}

/// The floors of a course, the one that holds longest first.
fn by_time_held(course: &Course) -> Vec<Floor> {
    let mut held: Vec<(Floor, i64)> = Vec::new();
    for (span, floor) in course.iter().filter_map(|(span, floor)| Some((span, (*floor)?))) {
        let seconds = span.to.as_second() - span.from.as_second();
        match held.iter_mut().find(|(known, _)| *known == floor) {
            Some((_, sum)) => *sum += seconds,
            None => held.push((floor, seconds)),
        }
    }
    held.sort_by_key(|(_, seconds)| std::cmp::Reverse(*seconds));
    held.into_iter().map(|(floor, _)| floor).collect()
}

/// A DNS label that looks like `text`, with room for a number after it.
fn slug(text: &str, otherwise: &str) -> String {
    let lower = text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' });
    let cut: String = lower.collect::<String>().trim_matches('-').chars().take(56).collect();
    let cut = cut.trim_matches('-');
    if cut.is_empty() { otherwise.to_owned() } else { cut.to_owned() }
}

fn unique(name: &str, taken: &mut BTreeSet<String>) -> String {
    let numbered = (2..).map(|number: usize| format!("{name}-{number}"));
    let mut names = std::iter::once(name.to_owned()).chain(numbered);
    let free = names.find(|name| !taken.contains(name)).expect("numbers do not run out");
    taken.insert(free.clone());
    free
}

#[cfg(test)]
mod tests;
