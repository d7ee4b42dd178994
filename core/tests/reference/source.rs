//! What a user can write, as plain data: the same sources that the product reads as YAML.

use chrono::{NaiveDate, Weekday};
use chrono_tz::Tz;

/// Every document of one source.
#[derive(Clone, Debug, Default)]
pub struct Source {
    pub schedules: Vec<Schedule>,
    pub calendars: Vec<Calendar>,
    /// How it is written down; never what it means.
    pub style: Style,
}

/// The freedoms that YAML leaves to who writes it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    /// Times and dates stand in quotes.
    pub quoted: bool,
    /// Every document is a file of its own.
    pub many_files: bool,
    /// Durations in minutes alone (`90m`), else in days, hours and minutes (`1h30m`).
    pub plain_minutes: bool,
}

#[derive(Clone, Debug)]
pub struct Schedule {
    pub name: String,
    /// Pairs of cluster and service, each a name or a glob.
    pub targets: Vec<(&'static str, &'static str)>,
    pub zone: Tz,
    /// In minutes, 0 to 1440.
    pub lead: usize,
    pub priority: i64,
    pub suspend: bool,
    pub default: Default,
    pub windows: Vec<Window>,
    pub overrides: Vec<Override>,
}

/// What stands behind `default:`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Default {
    Floor(Floor),
    /// `default: none`, an overlay.
    Overlay,
    /// Left out: the windows cover the week.
    Absent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Floor {
    pub min: u32,
    pub max: Option<u32>,
}

#[derive(Clone, Debug)]
pub struct Window {
    pub name: String,
    pub when: When,
    /// Each from one weekday to another, wrapping; empty: every day.
    pub days: Vec<(Weekday, Weekday)>,
    /// Names of calendars.
    pub on: Vec<String>,
    /// Names of calendars.
    pub except: Vec<String>,
    pub valid_from: Option<NaiveDate>,
    pub valid_until: Option<NaiveDate>,
    pub floor: Floor,
}

#[derive(Clone, Debug)]
pub enum When {
    /// Minutes after local midnight; `to` up to 1440 for `24:00`.
    Clock { from: u32, to: u32 },
    /// `duration` in minutes.
    Cron { cron: Cron, duration: i64 },
}

/// The five fields, each a list.
#[derive(Clone, Debug)]
pub struct Cron {
    pub minute: Vec<Item>,
    pub hour: Vec<Item>,
    pub day_of_month: Vec<Item>,
    pub month: Vec<Item>,
    pub day_of_week: Vec<Item>,
}

/// One entry of a cron field's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// `*`
    Any,
    /// `*/n`
    Every(u32),
    /// `a`
    One(u32),
    /// `a-b`
    Range(u32, u32),
    /// `a-b/n`
    Step(u32, u32, u32),
    /// `L`: the last day of the month.
    Last,
    /// `5L`: the month's last such weekday.
    LastWeekday(u32),
    /// `5#2`: the month's second such weekday.
    Nth(u32, u32),
}

#[derive(Clone, Debug)]
pub struct Override {
    pub name: String,
    pub from: Wall,
    pub to: Wall,
    pub floor: Floor,
}

/// A local date and minutes after its midnight, 0 to 1440.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wall {
    pub date: NaiveDate,
    pub minute: u32,
}

#[derive(Clone, Debug)]
pub struct Calendar {
    pub name: String,
    pub dates: Vec<NaiveDate>,
    pub events: Vec<Event>,
}

/// An all-day event of an ICS file.
#[derive(Clone, Debug)]
pub struct Event {
    pub start: NaiveDate,
    /// `None`: without DTEND.
    pub days: Option<u64>,
    pub rule: Option<Rule>,
    pub added: Vec<NaiveDate>,
    pub taken_out: Vec<NaiveDate>,
    /// Single instances moved to another date by RECURRENCE-ID.
    pub moved: Vec<(NaiveDate, NaiveDate)>,
    pub cancelled: bool,
}

#[derive(Clone, Debug)]
pub struct Rule {
    pub frequency: Frequency,
    pub ends: Ends,
}

#[derive(Clone, Debug)]
pub enum Frequency {
    Daily {
        interval: i64,
    },
    Weekly {
        interval: i64,
        days: Vec<Weekday>,
    },
    /// A negative day counts from the month's end.
    MonthlyOn {
        day: i32,
    },
    /// The nth such weekday, negative from the month's end.
    MonthlyNth {
        nth: i32,
        weekday: Weekday,
    },
    Yearly,
}

#[derive(Clone, Copy, Debug)]
pub enum Ends {
    Never,
    After(usize),
    On(NaiveDate),
}

impl Source {
    /// A source of these schedules alone.
    pub fn of(schedules: Vec<Schedule>) -> Self {
        Source { schedules, ..Source::default() }
    }
}

impl Schedule {
    /// A schedule for `shop/www` that declares `min` and nothing else.
    pub fn new(zone: Tz, min: u32, windows: Vec<Window>) -> Self {
        Schedule {
            name: "web".to_owned(),
            targets: vec![("shop", "www")],
            zone,
            lead: 0,
            priority: 0,
            suspend: false,
            default: Default::Floor(Floor { min, max: None }),
            windows,
            overrides: Vec::new(),
        }
    }
}

impl Window {
    /// A window on every day, from and to a minute after midnight.
    pub fn clock(name: &str, from: u32, to: u32, min: u32) -> Self {
        Window::new(name, When::Clock { from, to }, min)
    }

    /// A window that begins at every local time that matches and lasts `duration` minutes.
    pub fn cron(name: &str, cron: Cron, duration: i64, min: u32) -> Self {
        Window::new(name, When::Cron { cron, duration }, min)
    }

    /// The same window on the days from `first` to `last` alone.
    pub fn on_days(mut self, first: Weekday, last: Weekday) -> Self {
        self.days.push((first, last));
        self
    }

    fn new(name: &str, when: When, min: u32) -> Self {
        Window {
            name: name.to_owned(),
            when,
            days: Vec::new(),
            on: Vec::new(),
            except: Vec::new(),
            valid_from: None,
            valid_until: None,
            floor: Floor { min, max: None },
        }
    }
}

impl Cron {
    /// `MINUTE HOUR * * *`
    pub fn daily(hour: u32, minute: u32) -> Self {
        Cron {
            minute: vec![Item::One(minute)],
            hour: vec![Item::One(hour)],
            day_of_month: vec![Item::Any],
            month: vec![Item::Any],
            day_of_week: vec![Item::Any],
        }
    }
}
