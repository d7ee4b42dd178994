//! When scheduled actions fire, and what holds between their firings.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::expression::{Expression, Fields};
use super::{Refusal, ScheduledAction};
use crate::model::{Floor, Span};
use crate::timetable::civil::start_instant;

/// How far back the last firing of a cron expression is looked for: from one leap day to the one after next.
const DAYS_BACK: usize = 8 * 366 + 1;

/// What was set last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct State {
    /// The minimum; `None`: not known.
    pub min: Option<u32>,
    /// The maximum; `None`: not known, or no action ever sets it.
    pub max: Option<u32>,
}

/// A maximal run of one state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// The run, cut to the span asked for.
    pub span: Span,
    /// What holds.
    pub state: State,
}

/// One firing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Firing<'a> {
    pub(super) at: Timestamp,
    /// What the action's clock was meant to show: it orders those that a jump of the clock throws together.
    pub(super) local: DateTime,
    pub(super) action: &'a ScheduledAction,
}

/// What the actions of one target have set by `at`, over what stood before all of them.
pub fn state_at(actions: &[ScheduledAction], at: Timestamp, before: State) -> State {
    let mut last: Vec<Firing<'_>> = actions.iter().filter_map(|action| last_firing(action, at)).collect();
    last.sort_by_key(|firing| (firing.at, firing.local));
    last.iter().fold(before, |state, firing| state.after(firing.action))
}

/// What holds over `span` where `state` holds at its start.
///
/// # Errors
/// Where two actions say different things at one instant, or one would set a minimum above the maximum: AWS promises no
/// order for the first and fails the second.
pub fn follow(actions: &[ScheduledAction], span: Span, state: State) -> Result<Vec<Stretch>, Refusal> {
    let mut firings: Vec<Firing<'_>> = actions.iter().flat_map(|action| firings(action, span)).collect();
    firings.sort_by_key(|firing| (firing.at, firing.local));
    if let Some(pair) = firings.windows(2).find(|pair| pair[0].contradicts(&pair[1])) {
        return Err(contradiction(&pair[0], &pair[1]));
    }
    let mut stretches = vec![Stretch { span, state }];
    for (index, firing) in firings.iter().enumerate() {
        let last = stretches.last_mut().expect("there is one stretch from the start");
        let next = last.state.after(firing.action);
        let is_settled = firings.get(index + 1).is_none_or(|later| later.at > firing.at);
        if is_settled && next.is_upside_down() {
            return Err(upside_down(firing, next));
        }
        if last.span.from == firing.at {
            last.state = next;
        } else if next != last.state {
            last.span.to = firing.at;
            stretches.push(Stretch { span: Span { from: firing.at, to: span.to }, state: next });
        }
    }
    stretches.dedup_by(|later, earlier| {
        let same = later.state == earlier.state;
        if same {
            earlier.span.to = later.span.to;
        }
        same
    });
    Ok(stretches)
}

impl State {
    pub(super) fn after(self, action: &ScheduledAction) -> State {
        State { min: action.min.or(self.min), max: action.max.or(self.max) }
    }

    fn is_upside_down(self) -> bool {
        matches!((self.min, self.max), (Some(min), Some(max)) if min > max)
    }

    /// The floor, where all of it is known that is ever set.
    pub(super) fn floor(self, has_max: HasMax) -> Option<Floor> {
        match has_max {
            HasMax::Never => Some(Floor { min: self.min?, max: None }),
            HasMax::Sometimes => Some(Floor { min: self.min?, max: Some(self.max?) }),
        }
    }
}

/// Whether any action of a target sets its maximum.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum HasMax {
    Never,
    Sometimes,
}

impl HasMax {
    pub(super) fn of(actions: &[ScheduledAction]) -> HasMax {
        if actions.iter().any(|action| action.max.is_some()) { HasMax::Sometimes } else { HasMax::Never }
    }
}

impl Firing<'_> {
    fn contradicts(&self, next: &Firing<'_>) -> bool {
        let differ = |a: Option<u32>, b: Option<u32>| matches!((a, b), (Some(a), Some(b)) if a != b);
        let (a, b) = (self.action, next.action);
        let unordered = self.at == next.at && (self.local == next.local || a.zone_name != b.zone_name);
        unordered && (differ(a.min, b.min) || differ(a.max, b.max))
    }
}

fn contradiction(one: &Firing<'_>, other: &Firing<'_>) -> Refusal {
    let (a, b, at) = (&one.action.name, &other.action.name, one.at);
    let reason = format!("`{a}` and `{b}` fire both at {at} and differ; AWS does not say which of them comes last");
    Refusal::new(one.action.target.to_string(), reason)
}

fn upside_down(firing: &Firing<'_>, state: State) -> Refusal {
    let (name, at) = (&firing.action.name, firing.at);
    let (min, max) = (state.min.unwrap_or_default(), state.max.unwrap_or_default());
    let reason = format!("`{name}` fails at {at}: the minimum would be {min} and the maximum {max}");
    Refusal::new(firing.action.target.to_string(), reason)
}

/// Every firing in the half-open span.
pub(super) fn firings(action: &ScheduledAction, span: Span) -> Vec<Firing<'_>> {
    let mut found: Vec<Firing<'_>> = match &action.expression {
        Expression::Cron(fields) => cron_firings(action, fields, span).collect(),
        Expression::Rate(seconds) => rate_firings(action, *seconds, span).collect(),
        Expression::At(local) => at_firing(action, *local).into_iter().collect(),
    };
    found.extend(start_firing(action));
    found.retain(|firing| span.from <= firing.at && firing.at < span.to);
    found
}

/// The last firing that is not after `at`.
pub(super) fn last_firing(action: &ScheduledAction, at: Timestamp) -> Option<Firing<'_>> {
    let until = action.end.map_or(at, |end| end.min(at));
    let recurring = match &action.expression {
        Expression::Cron(fields) => last_cron_firing(action, fields, until),
        Expression::Rate(seconds) => last_rate_firing(action, *seconds, until),
        Expression::At(local) => at_firing(action, *local),
    };
    let found = recurring.into_iter().chain(start_firing(action)).filter(|firing| firing.at <= at);
    found.max_by_key(|firing| (firing.at, firing.local))
}

/// AWS performs a recurring action once at its start time, whatever its recurrence says.
fn start_firing(action: &ScheduledAction) -> Option<Firing<'_>> {
    match action.expression {
        Expression::Cron(_) | Expression::Rate(_) => Some(firing_at(action, action.start?)),
        Expression::At(_) => None,
    }
}

fn at_firing(action: &ScheduledAction, local: DateTime) -> Option<Firing<'_>> {
    let at = start_instant(&action.zone, local);
    within_bounds(action, at).then_some(Firing { at, local, action })
}

fn firing_at(action: &ScheduledAction, at: Timestamp) -> Firing<'_> {
    Firing { at, local: action.zone.to_datetime(at), action }
}

fn within_bounds(action: &ScheduledAction, at: Timestamp) -> bool {
    action.start.is_none_or(|start| start <= at) && action.end.is_none_or(|end| at <= end)
}

fn rate_firings(action: &ScheduledAction, seconds: i64, span: Span) -> impl Iterator<Item = Firing<'_>> {
    let before = last_rate_firing(action, seconds, span.from).map(|firing| firing.at);
    let first = before.or(action.start);
    let step = SignedDuration::from_secs(seconds);
    let all = std::iter::successors(first, move |at| at.checked_add(step).ok().filter(|at| *at < span.to));
    all.filter(|at| within_bounds(action, *at)).map(|at| firing_at(action, at))
}

fn last_rate_firing(action: &ScheduledAction, seconds: i64, at: Timestamp) -> Option<Firing<'_>> {
    let start = action.start?;
    let elapsed = at.as_second() - start.as_second();
    let last = start.as_second() + elapsed.div_euclid(seconds) * seconds;
    (elapsed >= 0).then(|| Timestamp::from_second(last).ok().map(|at| firing_at(action, at))).flatten()
}

fn cron_firings<'a>(action: &'a ScheduledAction, fields: &'a Fields, span: Span) -> impl Iterator<Item = Firing<'a>> {
    let first = action.start.map_or(span.from, |start| start.max(span.from));
    let last = action.end.map_or(span.to, |end| end.min(span.to));
    let (first, last) = (date_before(&action.zone, first), date_after(&action.zone, last));
    let dates = std::iter::successors(Some(first), |date| date.tomorrow().ok()).take_while(move |date| *date <= last);
    dates.flat_map(move |date| cron_firings_on(action, fields, date))
}

fn cron_firings_on<'a>(
    action: &'a ScheduledAction,
    fields: &'a Fields,
    date: Date,
) -> impl DoubleEndedIterator<Item = Firing<'a>> {
    let minutes = fields.matches_date(date).then(|| fields.minutes_of_day()).into_iter().flatten();
    let firing = move |minute: u16| {
        let local = date.to_datetime(time(minute));
        Firing { at: start_instant(&action.zone, local), local, action }
    };
    minutes.map(firing).filter(move |firing| within_bounds(action, firing.at))
}

fn last_cron_firing<'a>(action: &'a ScheduledAction, fields: &'a Fields, at: Timestamp) -> Option<Firing<'a>> {
    let first = date_after(&action.zone, at);
    let dates = std::iter::successors(Some(first), |date| date.yesterday().ok()).take(DAYS_BACK);
    let since = action.start.map(|start| date_before(&action.zone, start));
    let dates = dates.take_while(|date| since.is_none_or(|since| *date >= since));
    dates.flat_map(|date| cron_firings_on(action, fields, date).rev()).find(|firing| firing.at <= at)
}

/// The local date before the one at `at`: a jump of the clock may carry a local time over midnight.
fn date_before(zone: &TimeZone, at: Timestamp) -> Date {
    let date = zone.to_datetime(at).date();
    date.yesterday().unwrap_or(date)
}

fn date_after(zone: &TimeZone, at: Timestamp) -> Date {
    let date = zone.to_datetime(at).date();
    date.tomorrow().unwrap_or(date)
}

/// The time of day so many minutes after local midnight, 0 to 1439.
pub(super) fn time(minute: u16) -> Time {
    Time::constant((minute / 60) as i8, (minute % 60) as i8, 0, 0)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::native::Declared;
    use crate::timetable::Zones;

    /// An action on shop/www in Brussels that sets a minimum.
    pub(in crate::native) fn action(name: &str, schedule: &str, min: i64) -> ScheduledAction {
        read(&declared(name, schedule, min))
    }

    pub(in crate::native) fn declared(name: &str, schedule: &str, min: i64) -> Declared {
        Declared {
            name: name.into(),
            resource_id: "service/shop/www".into(),
            schedule: schedule.into(),
            timezone: Some("Europe/Brussels".into()),
            min: Some(min),
            ..Declared::default()
        }
    }

    pub(in crate::native) fn read(declared: &Declared) -> ScheduledAction {
        ScheduledAction::read(declared, &Zones::embedded()).expect("the action is understood")
    }

    pub(in crate::native) fn span(from: &str, to: &str) -> Span {
        Span { from: from.parse().expect("an instant"), to: to.parse().expect("an instant") }
    }

    fn fired(action: &ScheduledAction, from: &str, to: &str) -> Vec<String> {
        firings(action, span(from, to)).iter().map(|firing| firing.at.to_string()).collect()
    }

    #[test]
    fn a_time_that_the_clock_skips_fires_at_the_jump_and_one_shown_twice_fires_once() {
        let night = action("night", "cron(30 2 * * ? *)", 1);
        assert_eq!(
            fired(&night, "2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z"),
            ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]
        );
        assert_eq!(
            fired(&night, "2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z"),
            ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]
        );
    }

    #[test]
    fn a_start_time_is_a_firing_and_an_end_time_the_last_possible_one() {
        let start = "2026-12-01T05:00:00Z".parse().ok();
        let end = "2026-12-02T08:00:00Z".parse().ok();
        let bounded = read(&Declared { start, end, ..declared("day", "cron(0 9 * * ? *)", 3) });
        assert_eq!(
            fired(&bounded, "2026-11-01T00:00:00Z", "2027-01-01T00:00:00Z"),
            ["2026-12-01T08:00:00Z", "2026-12-02T08:00:00Z", "2026-12-01T05:00:00Z"]
        );
    }

    #[test]
    fn a_rate_counts_from_its_start_time() {
        let start = "2026-12-01T05:30:00Z".parse().ok();
        let end = "2026-12-02T12:00:00Z".parse().ok();
        let bounded = read(&Declared { start, end, ..declared("often", "rate(12 hours)", 3) });
        let fired: std::collections::BTreeSet<_> =
            fired(&bounded, "2026-12-01T06:00:00Z", "2027-01-01T00:00:00Z").into_iter().collect();
        assert_eq!(fired.into_iter().collect::<Vec<_>>(), ["2026-12-01T17:30:00Z", "2026-12-02T05:30:00Z"]);
    }

    #[test]
    fn the_state_is_what_the_last_firing_said_even_years_ago() {
        let actions = [action("leap", "cron(0 0 29 2 ? *)", 4), action("once", "at(2023-05-01T00:00:00)", 2)];
        let at = |text: &str| state_at(&actions, text.parse().expect("an instant"), State::default()).min;
        assert_eq!(at("2022-01-01T00:00:00Z"), Some(4));
        assert_eq!(at("2023-06-01T00:00:00Z"), Some(2));
        assert_eq!(at("2027-12-01T00:00:00Z"), Some(4));
        let once = &actions[1..];
        assert_eq!(state_at(once, "2022-01-01T00:00:00Z".parse().expect("an instant"), State::default()).min, None);
    }

    #[test]
    fn a_later_edge_ends_what_a_one_off_began() {
        let actions = [action("sale", "at(2026-11-27T06:00:00)", 12), action("day", "cron(0 9 * * ? *)", 3)];
        let span = span("2026-11-27T00:00:00Z", "2026-11-28T00:00:00Z");
        let stretches = follow(&actions, span, State { min: Some(3), max: None }).expect("they do not contradict");
        let floors: Vec<_> =
            stretches.iter().map(|stretch| (stretch.span.from.to_string(), stretch.state.min)).collect();
        let expected = [("2026-11-27T00:00:00Z", 3), ("2026-11-27T05:00:00Z", 12), ("2026-11-27T08:00:00Z", 3)];
        assert_eq!(floors, expected.map(|(at, min)| (at.to_owned(), Some(min))));
    }

    #[test]
    fn actions_that_contradict_each_other_or_fail_are_named() {
        let span = span("2026-11-27T00:00:00Z", "2026-11-30T00:00:00Z");
        let reason = |actions: &[ScheduledAction]| {
            follow(actions, span, State::default()).map_err(|refusal| refusal.to_string()).expect_err("it is refused")
        };
        let both = [action("day", "cron(0 9 * * ? *)", 3), action("weekend", "cron(0 9 ? * SAT *)", 2)];
        assert!(reason(&both).contains("`day` and `weekend` fire both at 2026-11-28T08:00:00Z"), "{}", reason(&both));
        let cap = read(&Declared { min: None, max: Some(2), ..declared("cap", "cron(0 8 * * ? *)", 0) });
        let failing = [cap, action("day", "cron(0 9 * * ? *)", 3)];
        assert!(reason(&failing).contains("the minimum would be 3 and the maximum 2"), "{}", reason(&failing));
    }

    #[test]
    fn two_times_that_one_jump_throws_together_keep_their_order() {
        let actions = [action("two", "cron(0 2 * * ? *)", 1), action("half", "cron(30 2 * * ? *)", 3)];
        let span = span("2026-03-29T00:00:00Z", "2026-03-29T12:00:00Z");
        let stretches = follow(&actions, span, State { min: Some(9), max: None }).expect("the clock orders them");
        assert_eq!(stretches.iter().map(|stretch| stretch.state.min).collect::<Vec<_>>(), [Some(9), Some(3)]);
    }
}
