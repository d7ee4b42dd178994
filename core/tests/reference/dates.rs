//! On which local dates, and at which local minutes, a window starts: asked of one date at a time.

use std::collections::BTreeSet;

use chrono::{Datelike, Days, NaiveDate, Weekday};

use crate::source::{Calendar, Cron, Ends, Event, Frequency, Item, Source, When, Window};

/// Every date of each calendar up to a horizon.
pub struct Calendars<'a>(Vec<(&'a str, BTreeSet<NaiveDate>)>);

impl<'a> Calendars<'a> {
    pub fn until(source: &'a Source, horizon: NaiveDate) -> Self {
        Calendars(source.calendars.iter().map(|c| (c.name.as_str(), dates(c, horizon))).collect())
    }

    fn any(&self, names: &[String], date: NaiveDate) -> bool {
        names.iter().any(|name| self.0.iter().any(|(other, dates)| other == name && dates.contains(&date)))
    }
}

/// The local minutes of `date` at which occurrences of `window` start, as written.
pub fn starts(window: &Window, calendars: &Calendars, date: NaiveDate) -> Vec<u32> {
    if !admits(window, calendars, date) {
        return Vec::new();
    }
    match &window.when {
        When::Clock { from, .. } => vec![*from],
        When::Cron { cron, .. } if cron_date(cron, date) => (0..1440).filter(|&m| cron_time(cron, m)).collect(),
        When::Cron { .. } => Vec::new(),
    }
}

fn admits(window: &Window, calendars: &Calendars, date: NaiveDate) -> bool {
    let weekday = window.days.is_empty() || window.days.iter().any(|&(a, b)| between(a, b, date.weekday()));
    let on = window.on.is_empty() || calendars.any(&window.on, date);
    let except = calendars.any(&window.except, date);
    let valid = window.valid_from.is_none_or(|d| d <= date) && window.valid_until.is_none_or(|d| date <= d);
    weekday && on && !except && valid
}

/// Whether one meets `day` on the way from `first` to `last`.
fn between(first: Weekday, last: Weekday, day: Weekday) -> bool {
    let mut at = first;
    loop {
        if at == day {
            return true;
        }
        if at == last {
            return false;
        }
        at = at.succ();
    }
}

fn cron_time(cron: &Cron, minute: u32) -> bool {
    listed(&cron.hour, 0, minute / 60) && listed(&cron.minute, 0, minute % 60)
}

fn cron_date(cron: &Cron, date: NaiveDate) -> bool {
    let day = cron.day_of_month.iter().any(|&item| match item {
        Item::Last => is_last_of_month(date),
        item => fits(item, 1, date.day()),
    });
    let weekday = cron.day_of_week.iter().any(|&item| day_of_week(item, date));
    let starred = |field: &[Item]| matches!(field[0], Item::Any | Item::Every(_));
    let both = starred(&cron.day_of_month) || starred(&cron.day_of_week);
    listed(&cron.month, 1, date.month()) && if both { day && weekday } else { day || weekday }
}

fn day_of_week(item: Item, date: NaiveDate) -> bool {
    let today = date.weekday().num_days_from_sunday();
    match item {
        Item::LastWeekday(day) => today == day % 7 && (date + Days::new(7)).month() != date.month(),
        Item::Nth(day, n) => today == day % 7 && (date.day() - 1) / 7 + 1 == n,
        item => fits(item, 0, today) || (today == 0 && fits(item, 0, 7)), // Sunday is 0 and 7
    }
}

fn listed(field: &[Item], first: u32, value: u32) -> bool {
    field.iter().any(|&item| fits(item, first, value))
}

/// `first` is the least value of the field, from where `*/n` counts.
fn fits(item: Item, first: u32, value: u32) -> bool {
    match item {
        Item::Any => true,
        Item::Every(n) => (value - first).is_multiple_of(n),
        Item::One(a) => value == a,
        Item::Range(a, b) => a <= value && value <= b,
        Item::Step(a, b, n) => a <= value && value <= b && (value - a).is_multiple_of(n),
        Item::Last | Item::LastWeekday(_) | Item::Nth(..) => unreachable!("{item:?} stands in a field of days alone"),
    }
}

fn is_last_of_month(date: NaiveDate) -> bool {
    (date + Days::new(1)).month() != date.month()
}

/// Every date of the calendar up to the horizon, and a few after it.
pub fn dates(calendar: &Calendar, horizon: NaiveDate) -> BTreeSet<NaiveDate> {
    let events = calendar.events.iter().filter(|e| !e.cancelled);
    calendar.dates.iter().copied().chain(events.flat_map(|e| event(e, horizon))).collect()
}

/// The dates that the event's instances cover.
fn event(event: &Event, horizon: NaiveDate) -> Vec<NaiveDate> {
    let mut starts: BTreeSet<NaiveDate> = ruled(event, horizon).into_iter().collect();
    starts.extend(&event.added);
    starts.retain(|start| !event.taken_out.contains(start) && event.moved.iter().all(|(was, _)| was != start));
    starts.extend(event.moved.iter().map(|(_, is)| is));
    starts.into_iter().flat_map(|start| start.iter_days().take(event.days.unwrap_or(1) as usize)).collect()
}

/// The first dates of the instances that DTSTART and RRULE give.
fn ruled(event: &Event, horizon: NaiveDate) -> Vec<NaiveDate> {
    let Some(rule) = &event.rule else { return vec![event.start] };
    let matching = event.start.iter_days().take_while(|&d| d <= horizon).filter(|&d| recurs(event, &rule.frequency, d));
    match rule.ends {
        Ends::Never => matching.collect(),
        Ends::After(count) => matching.take(count).collect(),
        Ends::On(last) => matching.take_while(|&date| date <= last).collect(),
    }
}

fn recurs(event: &Event, frequency: &Frequency, date: NaiveDate) -> bool {
    match frequency {
        Frequency::Daily { interval } => (date - event.start).num_days() % interval == 0,
        Frequency::Weekly { interval, days } => {
            let weeks = (monday(date) - monday(event.start)).num_days() / 7;
            weeks % interval == 0 && days.contains(&date.weekday())
        }
        Frequency::MonthlyOn { day } => day_number(date, *day) == *day,
        Frequency::MonthlyNth { nth, weekday } => {
            date.weekday() == *weekday && (day_number(date, *nth).abs() - 1) / 7 + 1 == nth.abs()
        }
        Frequency::Yearly => (date.month(), date.day()) == (event.start.month(), event.start.day()),
    }
}

fn monday(date: NaiveDate) -> NaiveDate {
    date - Days::new(u64::from(date.weekday().num_days_from_monday()))
}

/// The day of the month, counted from the side that `like` is counted from: 1.. or ..-1.
fn day_number(date: NaiveDate, like: i32) -> i32 {
    let day = date.day() as i32;
    if like > 0 { day } else { day - date.num_days_in_month() as i32 - 1 }
}
