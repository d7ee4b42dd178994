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

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn cron(text: &str) -> Cron {
        Cron::parse(text).unwrap()
    }

    fn dates_in_2026(text: &str) -> Vec<String> {
        let cron = cron(text);
        let first = date(2026, 1, 1);
        let year = first.series(jiff::Span::new().days(1)).take(365);
        year.filter(|date| cron.matches_date(*date)).map(|date| date.strftime("%m-%d").to_string()).collect()
    }

    #[test]
    fn names_numbers_and_both_sundays_are_alike() {
        let sundays = dates_in_2026("0 0 * * 0");
        assert_eq!(sundays.len(), 52);
        assert_eq!(dates_in_2026("0 0 * * 7"), sundays);
        assert_eq!(dates_in_2026("0 0 * * Sun"), sundays);
        assert_eq!(dates_in_2026("0 0 1 JAN,dec *"), ["01-01", "12-01"]);
        assert_eq!(dates_in_2026("0 0 1-7 3 sat-sun"), dates_in_2026("0 0 1-7 3 6-7"));
    }

    #[test]
    fn the_last_day_follows_the_length_of_the_month() {
        assert_eq!(dates_in_2026("0 0 L 2,4 *"), ["02-28", "04-30"]);
    }

    #[test]
    fn the_last_and_the_nth_weekday_of_a_month_are_found() {
        assert_eq!(dates_in_2026("0 0 * 1-3 5L"), ["01-30", "02-27", "03-27"]);
        assert_eq!(dates_in_2026("0 0 * 1-2 fri#2"), ["01-09", "02-13"]);
        assert_eq!(dates_in_2026("0 0 * * 5#5"), ["01-30", "05-29", "07-31", "10-30"]);
    }

    #[test]
    fn both_day_fields_match_either_unless_one_begins_with_a_star() {
        assert!(cron("0 9 13 * 5").both_day_fields_set());
        assert_eq!(dates_in_2026("0 9 13 2 5"), ["02-06", "02-13", "02-20", "02-27"]);
        assert!(!cron("0 9 */10 * 5").both_day_fields_set());
        assert_eq!(dates_in_2026("0 9 */10 1-5 5"), ["05-01"]);
    }

    #[test]
    fn times_of_day_are_found_in_either_direction() {
        let cron = cron("10-30/10,50 8,20 * * *");
        assert_eq!(cron.minute_at_or_after(0), Some(8 * 60 + 10));
        assert_eq!(cron.minute_at_or_after(8 * 60 + 31), Some(8 * 60 + 50));
        assert_eq!(cron.minute_at_or_after(20 * 60 + 51), None);
        assert_eq!(cron.minute_before(1440), Some(20 * 60 + 50));
        assert_eq!(cron.minute_before(20 * 60 + 10), Some(8 * 60 + 50));
        assert_eq!(cron.minute_before(8 * 60 + 10), None);
    }

    #[test]
    fn dates_that_never_come_are_known() {
        for (text, never) in
            [("0 0 31 2 *", true), ("0 0 30,31 2 *", true), ("0 0 29 2 *", false), ("0 0 31 4 1", false)]
        {
            assert_eq!(cron(text).never_matches(), never, "{text}");
        }
    }

    #[test]
    fn the_next_date_is_found_over_centuries_and_not_past_the_end_of_time() {
        assert_eq!(cron("0 0 29 2 *").next_date(date(2096, 3, 1)), Some(date(2104, 2, 29)));
        assert_eq!(cron("0 0 31 12 *").next_date(date(2026, 11, 20)), Some(date(2026, 12, 31)));
        assert_eq!(cron("0 0 1 1 *").next_date(date(9999, 6, 1)), None);
    }

    #[test]
    fn other_dialects_are_refused_with_what_to_write_instead() {
        for (text, bytes, message, help) in [
            ("0 0 12 * * *", "0 0 12 * * *", "has 6", "leave out the seconds"),
            ("@daily", "@daily", "nicknames", "`0 0 * * *`"),
            ("@reboot", "@reboot", "nicknames", "five fields"),
            ("0 0 ? * 1", "?", "`?` is not supported", "`*`"),
            ("0 0 15W * *", "15W", "`15W` is not supported", "last day"),
            ("0 0 L-3 * *", "L-3", "`L-3` is not supported", "last day"),
            ("0 0 * * fri-mon", "fri-mon", "runs backwards", "fri-7,0-mon"),
            ("0 22-6 * * *", "22-6", "runs backwards", "22-23,0-6"),
            ("5/15 * * * *", "5/15", "a step needs", "`5-59/15`"),
            ("0 0 * * L", "", "lacks a weekday", "5L"),
            ("0 0 * * 5#6", "6", "`#6` is not 1 to 5", "5#2"),
        ] {
            let error = Cron::parse(text).unwrap_err();
            assert!(error.message.contains(message), "{text}: {error}");
            assert!(error.help.as_ref().is_some_and(|text| text.contains(help)), "{text}: {:?}", error.help);
            assert_eq!(&text[error.range], bytes, "{text}");
        }
    }

    #[test]
    fn values_out_of_range_are_refused_where_they_stand() {
        for (text, bytes) in [
            ("60 0 * * *", "60"),
            ("0 24 * * *", "24"),
            ("0 0 0 * *", "0"),
            ("0 0 * 13 *", "13"),
            ("0 0 * * 8", "8"),
            ("0 0 * foo *", "foo"),
            ("*/0 0 * * *", "0"),
            ("1,,2 0 * * *", ""),
            ("-5 0 * * *", ""),
            ("+5 0 * * *", "+5"),
            ("0 0 1\u{fc} * *", "1\u{fc}"),
        ] {
            assert_eq!(&text[Cron::parse(text).unwrap_err().range], bytes, "{text}");
        }
    }

    #[test]
    fn the_text_is_kept_as_written() {
        assert_eq!(cron("45 11 * * MON-fri").to_string(), "45 11 * * MON-fri");
    }
}
