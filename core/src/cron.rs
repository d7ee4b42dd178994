//! Five-field cron expressions, as rules over local dates and minutes of the day.
//!
//! The dialect is Vixie's with names, steps over ranges, `L` in day-of-month, and `5L` and `5#2` in day-of-week.
//! Nothing here knows a time zone: see [`crate::timetable`] for how local times become instants.

mod field;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use jiff::civil::Date;

/// A checked expression.
#[derive(Clone, Debug)]
pub struct Cron {
    text: Arc<str>,
    minutes: u64,
    hours: u32,
    months: u16,
    month_days: MonthDays,
    weekdays: Weekdays,
}

/// The day-of-month field. Bit 1 is the first.
#[derive(Clone, Copy, Debug, Default)]
struct MonthDays {
    days: u32,
    last: bool,
    starred: bool,
}

/// The day-of-week field. Bit 0 and index 0 are Sunday.
#[derive(Clone, Copy, Debug, Default)]
struct Weekdays {
    every: u8,
    /// For each weekday: bit n-1 is `#n`, bit 5 is `L`.
    in_month: [u8; 7],
    starred: bool,
}

const LAST_IN_MONTH: u8 = 1 << 5;

/// What is wrong with an expression, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CronError {
    /// What is wrong, in lower case and without a full stop.
    pub message: String,
    /// The bytes of the text it is about.
    pub range: Range<usize>,
    /// What to write instead, where that is clear.
    pub help: Option<String>,
}

impl fmt::Display for CronError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for CronError {}

/// The Gregorian calendar repeats itself, weekdays and all, after as many months.
const MONTHS_IN_CYCLE: u32 = 400 * 12;

impl Cron {
    /// Reads five fields: minute, hour, day of month, month, day of week.
    ///
    /// # Errors
    /// The first mistake from the left, with its bytes in `text`.
    pub fn parse(text: &str) -> Result<Cron, CronError> {
        let [minute, hour, day, month, weekday] = field::split(text)?;
        Ok(Cron {
            text: text.into(),
            minutes: field::minutes(minute)?,
            hours: field::hours(hour)?,
            month_days: field::month_days(day)?,
            months: field::months(month)?,
            weekdays: field::weekdays(weekday)?,
        })
    }

    /// The minutes past the hour at which it matches; bit 0 is the full hour.
    pub fn minutes(&self) -> u64 {
        self.minutes
    }

    /// The hours at which it matches; bit 0 is midnight.
    pub fn hours(&self) -> u32 {
        self.hours
    }

    /// Whether day-of-month and day-of-week are both restricted, so that *either* matches, which few people expect.
    pub fn both_day_fields_set(&self) -> bool {
        !self.month_days.starred && !self.weekdays.starred
    }

    /// Whether there is no date at all on which it matches, such as 31 February.
    pub fn never_matches(&self) -> bool {
        self.next_date(Date::constant(2000, 1, 1)).is_none()
    }

    /// Whether it matches on every date there is.
    pub fn matches_every_date(&self) -> bool {
        const EVERY_DAY: u32 = 0xffff_fffe;
        let days = self.month_days.days == EVERY_DAY;
        let weekdays = self.weekdays.every == 0x7f;
        let either = self.both_day_fields_set() && (days || weekdays);
        self.months == 0x1ffe && (days && weekdays || either)
    }

    /// Whether it matches on some minute of this date.
    pub fn matches_date(&self, date: Date) -> bool {
        if self.months & (1 << date.month()) == 0 {
            return false;
        }
        let by_day = self.month_days.contain(date);
        let by_weekday = self.weekdays.contain(date);
        if self.both_day_fields_set() { by_day || by_weekday } else { by_day && by_weekday }
    }

    /// The first matching date that is not before `from`; `None` where there is none up to year 9999.
    pub fn next_date(&self, from: Date) -> Option<Date> {
        let mut date = from;
        for _ in 0..=MONTHS_IN_CYCLE {
            if self.months & (1 << date.month()) != 0
                && let Some(found) = self.next_in_month(date)
            {
                return Some(found);
            }
            date = first_of_next_month(date)?;
        }
        None
    }

    fn next_in_month(&self, from: Date) -> Option<Date> {
        (from.day()..=from.days_in_month())
            .map(|day| Date::constant(from.year(), from.month(), day))
            .find(|date| self.matches_date(*date))
    }

    /// The first matching minute of a matching day that is not before `minute`, both counted from local midnight.
    pub fn minute_at_or_after(&self, minute: u16) -> Option<u16> {
        let (hour, past) = (minute / 60, minute % 60);
        if hour > 23 {
            return None;
        }
        let rest = self.minutes & (u64::MAX << past);
        if self.hours & (1 << hour) != 0 && rest != 0 {
            return Some(hour * 60 + low_bit(rest));
        }
        let later = u64::from(self.hours) & (u64::MAX << (hour + 1));
        (later != 0).then(|| low_bit(later) * 60 + low_bit(self.minutes))
    }

    /// The last matching minute of a matching day that is before `minute`, both counted from local midnight.
    pub fn minute_before(&self, minute: u16) -> Option<u16> {
        let last = minute.min(1440).checked_sub(1)?;
        let (hour, past) = (last / 60, last % 60);
        let rest = self.minutes & (u64::MAX >> (63 - past));
        if self.hours & (1 << hour) != 0 && rest != 0 {
            return Some(hour * 60 + high_bit(rest));
        }
        let earlier = u64::from(self.hours) & ((1 << hour) - 1);
        (earlier != 0).then(|| high_bit(earlier) * 60 + high_bit(self.minutes))
    }

    /// The longest pause between two matching minutes, in minutes, if every date matches: 1440 where there is one time.
    pub(crate) fn longest_pause(&self) -> u16 {
        let first = low_bit(u64::from(self.hours)) * 60 + low_bit(self.minutes);
        let mut longest = 0;
        let mut last = first;
        while let Some(next) = self.minute_at_or_after(last + 1) {
            longest = longest.max(next - last);
            last = next;
        }
        longest.max(first + 1440 - last)
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl MonthDays {
    fn contain(&self, date: Date) -> bool {
        self.days & (1 << date.day()) != 0 || self.last && date.day() == date.days_in_month()
    }
}

impl Weekdays {
    fn contain(&self, date: Date) -> bool {
        let weekday = date.weekday().to_sunday_zero_offset() as usize;
        if self.every & (1 << weekday) != 0 {
            return true;
        }
        let nth = 1 << ((date.day() - 1) / 7);
        let last = if date.day() + 7 > date.days_in_month() { LAST_IN_MONTH } else { 0 };
        self.in_month[weekday] & (nth | last) != 0
    }
}

fn first_of_next_month(date: Date) -> Option<Date> {
    date.last_of_month().tomorrow().ok()
}

fn low_bit(bits: u64) -> u16 {
    bits.trailing_zeros() as u16
}

fn high_bit(bits: u64) -> u16 {
    63 - bits.leading_zeros() as u16
}
