//! On which dates a recurrence rule of RFC 5545 has an occurrence.
//!
//! For whole days a rule is a conjunction of questions about the date alone; only `BYSETPOS` needs the other dates of
//! the same period. So membership is answered without expanding anything, and a search walks from period to period.

use jiff::civil::{Date, Weekday};

use super::{days_between, plus_days};

/// How long a period is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frequency {
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

/// A rule and the date from which it counts. An empty list restricts nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) start: Date,
    /// Inclusive; `None` recurs without end.
    pub(super) until: Option<Date>,
    pub(super) frequency: Frequency,
    /// Every how many periods; at least 1.
    pub(super) interval: i64,
    pub(super) week_start: Weekday,
    /// 1 to 12.
    pub(super) months: Vec<i16>,
    /// ±1 to ±53.
    pub(super) weeks: Vec<i16>,
    /// ±1 to ±366.
    pub(super) year_days: Vec<i16>,
    /// ±1 to ±31.
    pub(super) month_days: Vec<i16>,
    /// With the ordinal within the month or year, ±1 to ±53; 0 is every one.
    pub(super) weekdays: Vec<(i16, Weekday)>,
    /// ±1 to ±366.
    pub(super) set_positions: Vec<i16>,
}

impl Rule {
    /// A rule without restrictions.
    pub(super) fn new(start: Date, frequency: Frequency) -> Self {
        Rule {
            start,
            until: None,
            frequency,
            interval: 1,
            week_start: Weekday::Monday,
            months: Vec::new(),
            weeks: Vec::new(),
            year_days: Vec::new(),
            month_days: Vec::new(),
            weekdays: Vec::new(),
            set_positions: Vec::new(),
        }
    }

    /// The same rule with what it leaves open taken from its start: `FREQ=YEARLY` alone means the start's day and month.
    pub(super) fn completed(mut self) -> Self {
        let has_days = !(self.year_days.is_empty() && self.month_days.is_empty() && self.weekdays.is_empty());
        if has_days {
            return self;
        }
        match self.frequency {
            Frequency::Daily => {}
            Frequency::Weekly => self.weekdays.push((0, self.start.weekday())),
            Frequency::Yearly if !self.weeks.is_empty() => self.weekdays.push((0, self.start.weekday())),
            Frequency::Monthly => self.month_days.push(self.start.day().into()),
            Frequency::Yearly => {
                if self.months.is_empty() {
                    self.months.push(self.start.month().into());
                }
                self.month_days.push(self.start.day().into());
            }
        }
        self
    }

    /// Whether an occurrence starts on `date`.
    pub(super) fn occurs_on(&self, date: Date) -> bool {
        let in_range = self.start <= date && self.until.is_none_or(|until| date <= until);
        if !in_range || !self.matches(date) {
            return false;
        }
        let periods = self.periods_until(date);
        let aligned = periods % self.interval == 0;
        aligned && (self.set_positions.is_empty() || self.dates_in(periods / self.interval).contains(&date))
    }

    /// The first occurrence that is not before `from`.
    pub(super) fn next(&self, from: Date) -> Option<Date> {
        let from = from.max(self.start);
        let first = (self.periods_until(from) + self.interval - 1) / self.interval;
        let found = (first..=first + self.cycle())
            .map_while(|turn| Some((self.period(turn)?, turn)))
            .take_while(|(period, _)| self.until.is_none_or(|until| *period <= until))
            .find_map(|(_, turn)| self.dates_in(turn).into_iter().find(|date| *date >= from))?;
        self.until.is_none_or(|until| found <= until).then_some(found)
    }

    /// The last occurrence that is not after `from`.
    pub(super) fn previous(&self, from: Date) -> Option<Date> {
        let from = self.until.map_or(from, |until| from.min(until));
        if from < self.start {
            return None;
        }
        let last = self.periods_until(from) / self.interval;
        let found = (0..=last)
            .rev()
            .take(usize::try_from(self.cycle()).expect("a cycle's length is a small positive number") + 1)
            .find_map(|turn| self.dates_in(turn).into_iter().rfind(|date| *date <= from))?;
        (found >= self.start).then_some(found)
    }

    /// After how many turns dates and weekdays fall in the same way again: the Gregorian calendar repeats itself every
    /// 400 years, which are whole weeks. A search that went so far in vain would go on in vain.
    fn cycle(&self) -> i64 {
        match self.frequency {
            Frequency::Daily => 146_097,
            Frequency::Weekly => 20_871,
            Frequency::Monthly => 4_800,
            Frequency::Yearly => 400,
        }
    }

    /// How many periods lie between the start's and that of `date`, which is not before the start.
    fn periods_until(&self, date: Date) -> i64 {
        let (start, end) = (self.start, date);
        match self.frequency {
            Frequency::Daily => days_between(start, end),
            Frequency::Weekly => (days_between(start, end) + self.days_into_week(start)) / 7,
            Frequency::Monthly => months(end) - months(start),
            Frequency::Yearly => i64::from(end.year()) - i64::from(start.year()),
        }
    }

    /// The first day of the period in which the rule takes its `turn`-th turn; the start's period is turn 0.
    fn period(&self, turn: i64) -> Option<Date> {
        let periods = turn.checked_mul(self.interval)?;
        match self.frequency {
            Frequency::Daily => later(self.start, periods),
            Frequency::Weekly => {
                later(self.start, periods.checked_mul(7)?.checked_sub(self.days_into_week(self.start))?)
            }
            Frequency::Monthly => {
                let month = months(self.start).checked_add(periods)?;
                let year = i16::try_from(month.div_euclid(12)).ok()?;
                Date::new(year, i8::try_from(month.rem_euclid(12) + 1).ok()?, 1).ok()
            }
            Frequency::Yearly => {
                Date::new(i16::try_from(i64::from(self.start.year()).checked_add(periods)?).ok()?, 1, 1).ok()
            }
        }
    }

    /// The dates that the rule picks from one period, in order, whether or not they lie in its range.
    fn dates_in(&self, turn: i64) -> Vec<Date> {
        let Some(first) = self.period(turn) else { return Vec::new() };
        let last = match self.frequency {
            Frequency::Daily => first,
            Frequency::Weekly => plus_days(first, 6).unwrap_or(Date::MAX),
            Frequency::Monthly => first.last_of_month(),
            Frequency::Yearly => first.last_of_year(),
        };
        let days = std::iter::successors(Some(first), |date| date.tomorrow().ok()).take_while(|date| *date <= last);
        let dates: Vec<Date> = days.filter(|date| self.matches(*date)).collect();
        if self.set_positions.is_empty() { dates } else { pick(&dates, &self.set_positions) }
    }

    /// Whether `date` satisfies every list but the set positions.
    fn matches(&self, date: Date) -> bool {
        let (year_day, month_day) = (date.day_of_year(), i16::from(date.day()));
        self.matches_weekday(date)
            && lists(&self.months, date.month().into(), 0)
            && lists(&self.month_days, month_day, month_day - i16::from(date.days_in_month()) - 1)
            && lists(&self.year_days, year_day, year_day - date.days_in_year() - 1)
            && (self.weeks.is_empty() || self.matches_week(date))
    }

    fn matches_weekday(&self, date: Date) -> bool {
        let weekday = date.weekday();
        self.weekdays.is_empty()
            || self
                .weekdays
                .iter()
                .any(|(ordinal, day)| *day == weekday && (*ordinal == 0 || self.has_ordinal(date, *ordinal)))
    }

    /// Whether `date` is the so-manieth of its weekday, within the year where nothing narrows that to a month.
    fn has_ordinal(&self, date: Date, ordinal: i16) -> bool {
        let of_year = self.frequency == Frequency::Yearly && self.months.is_empty();
        let (day, days) = if of_year {
            (date.day_of_year(), date.days_in_year())
        } else {
            (date.day().into(), date.days_in_month().into())
        };
        ordinal == (day - 1) / 7 + 1 || ordinal == (day - days) / 7 - 1
    }

    /// Whether the week of `date` is listed. A week belongs to the year that has most of its days, so its fourth.
    fn matches_week(&self, date: Date) -> bool {
        let fourth = plus_days(date, 3 - self.days_into_week(date));
        fourth.is_some_and(|fourth| {
            let (day, days) = (fourth.day_of_year(), fourth.days_in_year());
            lists(&self.weeks, (day - 1) / 7 + 1, (day - days) / 7 - 1)
        })
    }

    fn days_into_week(&self, date: Date) -> i64 {
        date.weekday().since(self.week_start).into()
    }
}

/// Whether a list restricts nothing or names a position, counted from the front or, negative, from the back.
fn lists(list: &[i16], front: i16, back: i16) -> bool {
    list.is_empty() || list.binary_search(&front).is_ok() || list.binary_search(&back).is_ok()
}

fn pick(dates: &[Date], positions: &[i16]) -> Vec<Date> {
    let at = |position: &i16| {
        let distance = usize::from(position.unsigned_abs());
        let index = if *position > 0 { distance.checked_sub(1) } else { dates.len().checked_sub(distance) };
        index.and_then(|index| dates.get(index)).copied()
    };
    let mut picked: Vec<Date> = positions.iter().filter_map(at).collect();
    picked.sort_unstable();
    picked.dedup();
    picked
}

/// The date so many days later, where the number may be far beyond any calendar.
fn later(date: Date, days: i64) -> Option<Date> {
    const ALL_DAYS: i64 = 20_000 * 366; // more than there are from the first date to the last
    if days.abs() < ALL_DAYS { plus_days(date, days) } else { None }
}

/// Months since the year 0.
fn months(date: Date) -> i64 {
    i64::from(date.year()) * 12 + i64::from(date.month()) - 1
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn weeks_from_monday_are_those_of_iso_8601() {
        let mut day = date(1995, 1, 1);
        while day < date(2030, 1, 1) {
            let week = day.iso_week_date();
            let from_the_end = week.week() - week.weeks_in_year() - 1;
            for number in [i16::from(week.week()), i16::from(from_the_end)] {
                let rule = Rule { weeks: vec![number], ..Rule::new(day, Frequency::Yearly) };
                assert!(rule.matches(day), "{day} in week {number}");
            }
            let other = Rule { weeks: vec![i16::from(week.week()) % 53 + 1], ..Rule::new(day, Frequency::Yearly) };
            assert!(!other.matches(day), "{day}");
            day = day.tomorrow().expect("far from the end of time");
        }
    }
}
