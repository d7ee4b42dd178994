//! Random sources, biased to where timetables break: at the edges of the hour that a clock skips or shows twice.

use std::ops::Range;

use chrono::{Datelike, Days, NaiveDate, Weekday};

use crate::dates::{Calendars, starts};
use crate::oracle::{Minute, date_of};
use crate::source::{
    Calendar, Cron, Default, Ends, Event, Floor, Frequency, Item, Override, Rule, Schedule, Source, Style, Wall, Window,
};
use crate::zones::{Change, changes, offset};

/// A source, and the span over which to look at it.
pub struct Case {
    pub source: Source,
    pub span: Range<Minute>,
}

/// In minutes, ascending: over long spans the oracle is too slow for the later ones.
const LEADS: [usize; 13] = [0, 0, 0, 0, 1, 5, 10, 30, 60, 61, 90, 180, 1440];

/// The case of this number: always the same one.
pub fn case(number: u64) -> Case {
    let mut dice = Dice(number.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5851_F42D_4C95_7F2D);
    let change = *dice.pick(changes());
    let quiet = dice.chance(10); // far from any change of the clock
    let at = if quiet { change.at + 1440 * dice.between(20, 60) } else { change.at };
    let long = dice.chance(4);
    let after = if long { 40 * 1440 } else { dice.between(720, 2160) };
    let span = at - dice.between(720, 2160)..at + after;
    let leads = if long { &LEADS[..8] } else { &LEADS[..] };
    let mut author = Author { dice, change, date: date_of(at + offset(change.zone, at)), leads };
    let mut source = author.source();
    drop_contradictions(&mut source, date_of(span.end));
    Case { source, span }
}

/// Takes out windows whose filters go on for ever and never meet (`days: [sun]` on a calendar of Mondays): they are legal,
/// but the proof that they never start again leads through all years to come.
fn drop_contradictions(source: &mut Source, after: NaiveDate) {
    let later = after + Days::new(400);
    let calendars = Calendars::until(source, later + Days::new(800));
    let endless = |name: &String| {
        let calendar = source.calendars.iter().find(|calendar| calendar.name == *name);
        calendar.is_some_and(|c| c.events.iter().any(|e| matches!(&e.rule, Some(Rule { ends: Ends::Never, .. }))))
    };
    let kept = |w: &Window| {
        let ends = w.valid_until.is_some() || (!w.on.is_empty() && !w.on.iter().any(endless));
        ends || later.iter_days().take(800).any(|date| !starts(w, &calendars, date).is_empty())
    };
    let kept: Vec<Vec<_>> =
        source.schedules.iter().map(|s| s.windows.iter().filter(|w| kept(w)).cloned().collect()).collect();
    for (schedule, windows) in source.schedules.iter_mut().zip(kept) {
        schedule.windows = windows;
    }
}

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From `low` to `high`, both included.
    fn between(&mut self, low: i64, high: i64) -> i64 {
        low + (self.next() % (high - low + 1).unsigned_abs()).cast_signed()
    }

    fn small(&mut self, low: u32, high: u32) -> u32 {
        u32::try_from(self.between(low.into(), high.into())).expect("it lies between two of its kind")
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        let count = from.len() as u64;
        &from[(self.next() % count) as usize]
    }
}

/// Writes sources about one date in one zone.
struct Author {
    dice: Dice,
    change: Change,
    date: NaiveDate,
    /// The lead times to choose from.
    leads: &'static [usize],
}

impl Author {
    fn source(&mut self) -> Source {
        let style = Style {
            quoted: self.dice.chance(50),
            many_files: self.dice.chance(30),
            plain_minutes: self.dice.chance(50),
        };
        let calendars = (0..self.dice.between(0, 2)).map(|i| self.calendar(format!("calendar{i}"))).collect();
        let mut source = Source { schedules: Vec::new(), calendars, style };
        let mut names = vec!["c", "a", "b-2", "b"];
        for _ in 0..*self.dice.pick(&[1, 1, 1, 2, 2, 3]) {
            let name = names.remove(self.dice.small(0, names.len() as u32 - 1) as usize);
            let schedule = self.schedule(name, &source.calendars);
            source.schedules.push(schedule);
        }
        source
    }

    fn schedule(&mut self, name: &str, calendars: &[Calendar]) -> Schedule {
        let with_max = self.dice.chance(35);
        let mut windows: Vec<_> = (0..self.dice.between(1, 4)).map(|i| self.window(i, calendars, with_max)).collect();
        let default = match self.dice.between(0, 9) {
            0..=6 => Default::Floor(self.floor(with_max)),
            7..=8 => Default::Overlay,
            _ => {
                windows.extend(self.cover(with_max));
                Default::Absent
            }
        };
        let overrides = (0..*self.dice.pick(&[0, 0, 0, 1, 2, 3])).map(|i| self.one_off(i, with_max)).collect();
        Schedule {
            name: name.to_owned(),
            targets: self.targets(),
            zone: if self.dice.chance(90) { self.change.zone } else { self.dice.pick(changes()).zone },
            lead: *self.dice.pick(self.leads),
            priority: *self.dice.pick(&[0, 0, 0, 1, 5]),
            suspend: self.dice.chance(4),
            default,
            windows,
            overrides,
        }
    }

    fn targets(&mut self) -> Vec<(&'static str, &'static str)> {
        const PATTERNS: [(&str, &str); 8] = [
            ("shop", "www"),
            ("shop", "*"),
            ("sh?p", "www"),
            ("*", "w*w"),
            ("s*", "?w?"),
            ("*", "*"),
            ("shop", "api-*"),
            ("SHOP", "www"),
        ];
        let mut targets = vec![PATTERNS[0]];
        if self.dice.chance(50) {
            targets = vec![*self.dice.pick(&PATTERNS), *self.dice.pick(&PATTERNS)];
            targets.sort_unstable();
            targets.dedup();
        }
        targets
    }

    /// Windows that leave no minute of the week open, so that a schedule needs no default.
    fn cover(&mut self, with_max: bool) -> Vec<Window> {
        let seam = self.edge().clamp(1, 1439);
        let mut halves = vec![Window::clock("early", 0, seam, 0), Window::clock("late", seam, 1440, 0)];
        if self.dice.chance(50) {
            halves = vec![Window::clock("all-day", 0, 1440, 0)];
        }
        for half in &mut halves {
            half.floor = self.floor(with_max);
        }
        halves
    }

    fn floor(&mut self, with_max: bool) -> Floor {
        let min = self.dice.small(0, 6);
        Floor { min, max: with_max.then(|| min + self.dice.small(0, 4)) }
    }

    fn window(&mut self, index: i64, calendars: &[Calendar], with_max: bool) -> Window {
        let (from, to) = (self.edge(), self.edge_of_end());
        let mut window = if from == to || self.dice.chance(35) {
            let cron = self.cron();
            let duration = self.duration(&cron);
            Window::cron("", cron, duration, 0)
        } else {
            Window::clock("", from, to, 0)
        };
        window.name = format!("w{index}");
        window.floor = self.floor(with_max);
        if self.dice.chance(30) {
            let days: Vec<_> = (0..self.dice.between(1, 2)).map(|_| (self.weekday(), self.weekday())).collect();
            window.days = days;
        }
        self.restrict(&mut window, calendars);
        window
    }

    fn restrict(&mut self, window: &mut Window, calendars: &[Calendar]) {
        for names in [&mut window.on, &mut window.except] {
            if !calendars.is_empty() && self.dice.chance(20) {
                names.push(self.dice.pick(calendars).name.clone());
            }
        }
        if self.dice.chance(12) {
            window.valid_from = Some(self.near());
        }
        if self.dice.chance(12) {
            let until = self.near();
            window.valid_until = Some(window.valid_from.map_or(until, |from| from.max(until)));
        }
    }

    /// A minute of the day, often one where the clock changes.
    fn edge(&mut self) -> u32 {
        let Change { at, before, after, .. } = self.change;
        let edge = match self.dice.between(0, 9) {
            0..=2 => at + before,
            3..=4 => at + after,
            5 => at + (before + after) / 2,
            6 => 0,
            7 => self.dice.between(0, 47) * 30,
            _ => self.dice.between(0, 1439),
        };
        let jitter = *self.dice.pick(&[0, 0, 0, 0, 0, 1, -1, 15, -15, 30, -30, 60, -60]);
        u32::try_from((edge + jitter).rem_euclid(1440)).expect("a minute of the day is small")
    }

    /// As [`Self::edge`], or 24:00.
    fn edge_of_end(&mut self) -> u32 {
        if self.dice.chance(12) { 1440 } else { self.edge() }
    }

    /// A date close to the one that matters.
    fn near(&mut self) -> NaiveDate {
        let days = *self.dice.pick(&[-2, -1, -1, 0, 0, 0, 1, 1, 2, 9, -20]);
        self.date + chrono::Duration::days(days)
    }

    fn weekday(&mut self) -> Weekday {
        if self.dice.chance(50) { self.near().weekday() } else { self.date.weekday() }
    }

    fn one_off(&mut self, index: i64, with_max: bool) -> Override {
        let from = Wall { date: self.near(), minute: self.edge() };
        let mut to = Wall { date: from.date + Days::new(u64::from(self.dice.small(0, 2))), minute: self.edge_of_end() };
        if to <= from {
            to.date = from.date + Days::new(1);
            to.minute = to.minute.max(1);
        }
        let max_too = with_max && self.dice.chance(50);
        Override { name: format!("o{index}"), from, to, floor: self.floor(max_too) }
    }

    fn cron(&mut self) -> Cron {
        let (hour, minute) = (self.edge() / 60, self.edge() % 60);
        Cron {
            minute: self.field(minute, 0, 59, 60),
            hour: self.field(hour, 0, 23, 50),
            day_of_month: if self.dice.chance(75) { vec![Item::Any] } else { self.day_of_month() },
            month: if self.dice.chance(85) { vec![Item::Any] } else { self.field(self.date.month(), 1, 12, 50) },
            day_of_week: if self.dice.chance(70) { vec![Item::Any] } else { self.day_of_week() },
        }
    }

    /// A field that often holds `value`.
    fn field(&mut self, value: u32, first: u32, last: u32, plain: u64) -> Vec<Item> {
        if self.dice.chance(plain) {
            return vec![Item::One(value)];
        }
        let other = self.dice.small(first, last);
        let (low, high) = (value.min(other), value.max(other));
        match self.dice.between(0, 5) {
            0 => vec![Item::Any],
            1 => vec![Item::Every(self.dice.small(2, (last - first) / 2))],
            2 => vec![Item::One(other), Item::One(value)],
            3 => vec![Item::Range(low, high)],
            4 => vec![Item::Step(low, high, self.dice.small(1, 7))],
            _ => vec![Item::One(value), Item::Step(low, high, 3)],
        }
    }

    fn day_of_month(&mut self) -> Vec<Item> {
        let day = self.near().day();
        if self.dice.chance(20) { vec![Item::Last] } else { self.field(day, 1, 31, 40) }
    }

    fn day_of_week(&mut self) -> Vec<Item> {
        let date = self.near();
        let day = match date.weekday().num_days_from_sunday() {
            0 if self.dice.chance(50) => 7,
            day => day,
        };
        match self.dice.between(0, 5) {
            0 => vec![Item::LastWeekday(day)],
            1 => vec![Item::Nth(day, (date.day() - 1) / 7 + 1)],
            2 => vec![Item::Nth(day, self.dice.small(1, 5)), Item::One(3)],
            _ => self.field(day, 0, 7, 40),
        }
    }

    fn duration(&mut self, cron: &Cron) -> i64 {
        let dense = |field: &[Item]| !matches!(field, [Item::One(_)]);
        if dense(&cron.minute) {
            return *self.dice.pick(&[1, 1, 2, 5, 7, 15, 60, 120]);
        }
        *self.dice.pick(&[1, 15, 30, 45, 60, 61, 90, 120, 600, 1440, 2880, 10_080, 44_640])
    }

    fn calendar(&mut self, name: String) -> Calendar {
        let mut dates: Vec<_> = (0..self.dice.between(1, 4)).map(|_| self.near()).collect();
        dates.sort_unstable();
        dates.dedup();
        let events: Vec<_> = (0..*self.dice.pick(&[0, 0, 1, 2])).map(|_| self.event()).collect();
        if !events.is_empty() && self.dice.chance(40) {
            dates.clear();
        }
        Calendar { name, dates, events }
    }

    fn event(&mut self) -> Event {
        let mut start = self.near();
        let rule = self.dice.chance(60).then(|| {
            start = start - Days::new(u64::from(self.dice.small(0, 800)));
            let frequency = self.frequency(start);
            let ends = match self.dice.between(0, 3) {
                0 => Ends::After(self.dice.small(1, 60) as usize),
                1 => Ends::On(self.near().max(start)),
                _ => Ends::Never,
            };
            Rule { frequency, ends }
        });
        let days = self.dice.chance(60).then(|| u64::from(self.dice.small(1, 3)));
        let mut dates = |percent| if self.dice.chance(percent) { vec![self.near()] } else { Vec::new() };
        let (added, mut taken_out) = (dates(25), dates(25));
        let cancelled = self.dice.chance(8);
        let mut moved = Vec::new();
        if rule.is_some() && !cancelled && self.dice.chance(25) {
            moved.push((start, self.near()));
            taken_out.retain(|date| *date != start); // one instance is moved or taken out, not both
        }
        Event { start, days, rule, added, taken_out, moved, cancelled }
    }

    /// One that has `start` among its dates, as RFC 5545 wants it.
    fn frequency(&mut self, start: NaiveDate) -> Frequency {
        let interval = self.dice.between(1, 3);
        let nth = (start.day() as i32 - 1) / 7 + 1;
        let left = start.num_days_in_month() as i32 - start.day() as i32;
        match self.dice.between(0, 6) {
            0 => Frequency::Daily { interval },
            1 => Frequency::Weekly { interval, days: vec![start.weekday()] },
            2 => Frequency::Weekly { interval, days: vec![start.weekday(), start.weekday().succ()] },
            3 => Frequency::MonthlyOn { day: *self.dice.pick(&[start.day() as i32, -left - 1]) },
            4 => Frequency::MonthlyNth { nth, weekday: start.weekday() },
            5 => Frequency::MonthlyNth { nth: -left / 7 - 1, weekday: start.weekday() },
            _ => Frequency::Yearly,
        }
    }
}
