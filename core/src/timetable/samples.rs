//! Schedules for the tests, in few words.

use std::sync::Arc;

use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, Timestamp};

use super::{DateFilter, Decision, Override, Recurrence, Schedule, Schedules, Window, Zones};
use crate::calendar::DateSet;
use crate::cron::Cron;
use crate::model::{Floor, Pattern, Site, Span, TargetId, TargetPattern};

pub(super) const EVERY_DAY: u8 = 0x7f;

/// Bits from words: `mon`, `fri`, in order and without ranges.
pub(super) fn days(names: &str) -> u8 {
    let week = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    names.split(' ').map(|name| 1 << week.iter().position(|day| *day == name).unwrap()).sum()
}

pub(super) fn floor(min: u32) -> Floor {
    Floor { min, max: None }
}

pub(super) fn range(min: u32, max: u32) -> Floor {
    Floor { min, max: Some(max) }
}

fn minute(text: &str) -> u16 {
    let (hour, minute) = text.split_once(':').unwrap();
    hour.parse::<u16>().unwrap() * 60 + minute.parse::<u16>().unwrap()
}

fn window(name: &str, recurrence: Recurrence, floor: Floor) -> Window {
    let dates = DateFilter { weekdays: EVERY_DAY, on: None, except: vec![], valid_from: None, valid_until: None };
    Window { name: name.into(), recurrence, dates, floor }
}

/// A daily window, `HH:MM-HH:MM`.
pub(super) fn daily(name: &str, times: &str, floor: Floor) -> Window {
    let (from, to) = times.split_once('-').unwrap();
    window(name, Recurrence::Daily { from: minute(from), to: minute(to) }, floor)
}

pub(super) fn cron(name: &str, text: &str, minutes: i64, floor: Floor) -> Window {
    let duration = SignedDuration::from_mins(minutes);
    window(name, Recurrence::Cron { cron: Cron::parse(text).unwrap(), duration }, floor)
}

impl Window {
    pub(super) fn on_days(mut self, names: &str) -> Self {
        self.dates.weekdays = days(names);
        self
    }

    pub(super) fn on(mut self, dates: &[&str]) -> Self {
        self.dates.on = Some(vec![calendar(dates)]);
        self
    }

    pub(super) fn except(mut self, dates: &[&str]) -> Self {
        self.dates.except = vec![calendar(dates)];
        self
    }

    pub(super) fn valid(mut self, from: &str, until: &str) -> Self {
        self.dates.valid_from = Some(date(from));
        self.dates.valid_until = Some(date(until));
        self
    }
}

fn calendar(dates: &[&str]) -> Arc<DateSet> {
    Arc::new(DateSet::from_dates(dates.iter().map(|text| date(text))))
}

fn date(text: &str) -> Date {
    text.parse().unwrap()
}

pub(super) fn schedule(name: &str, zone: &str, default: Option<Floor>) -> Schedule {
    Schedule {
        name: name.into(),
        targets: vec![pattern("shop/www")],
        zone: Zones::embedded().get(zone).unwrap(),
        lead_time: SignedDuration::ZERO,
        priority: 0,
        suspend: false,
        defer_during_deployment: SignedDuration::ZERO,
        default,
        windows: vec![],
        overrides: vec![],
    }
}

pub(super) fn pattern(text: &str) -> TargetPattern {
    let (cluster, service) = text.split_once('/').unwrap();
    TargetPattern { site: Site::HOME, cluster: Pattern::new(cluster), service: Pattern::new(service) }
}

impl Schedule {
    pub(super) fn with(mut self, window: Window) -> Self {
        self.windows.push(window);
        self
    }

    pub(super) fn once(mut self, name: &str, from: &str, to: &str, floor: Floor) -> Self {
        let local = |text: &str| text.parse::<DateTime>().unwrap();
        self.overrides.push(Override { name: name.into(), from: local(from), to: local(to), floor });
        self
    }

    pub(super) fn lead(mut self, minutes: i64) -> Self {
        self.lead_time = SignedDuration::from_mins(minutes);
        self
    }

    pub(super) fn priority(mut self, priority: i64) -> Self {
        self.priority = priority;
        self
    }

    pub(super) fn for_target(mut self, text: &str) -> Self {
        self.targets = vec![pattern(text)];
        self
    }

    pub(super) fn suspended(mut self) -> Self {
        self.suspend = true;
        self
    }

    pub(super) fn alone(self) -> Schedules {
        Schedules::new(vec![self])
    }
}

pub(super) fn www() -> TargetId {
    TargetId::new("shop", "www")
}

/// An instant: RFC 3339, with an offset.
pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

impl Schedules {
    /// `MIN`, or `MIN..MAX`, or `-` where the target is left alone.
    pub(super) fn shown(&self, instant: &str) -> String {
        shown(self.decide(&www(), at(instant)).decision.as_ref())
    }

    /// `min cause` of each segment with its start, in UTC.
    pub(super) fn story(&self, from: &str, to: &str) -> Vec<String> {
        let segments = self.segments(&www(), Span { from: at(from), to: at(to) });
        segments.iter().map(|segment| format!("{} {}", segment.span.from, shown(segment.decision.as_ref()))).collect()
    }
}

pub(super) fn shown(decision: Option<&Decision>) -> String {
    match decision {
        None => "-".to_owned(),
        Some(Decision { floor: Floor { min, max: None }, .. }) => min.to_string(),
        Some(Decision { floor: Floor { min, max: Some(max) }, .. }) => format!("{min}..{max}"),
    }
}
