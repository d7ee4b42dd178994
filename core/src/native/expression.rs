//! AWS's dialect for when a scheduled action fires: `cron(…)` with six fields, `rate(…)` and `at(…)`.
//!
//! What AWS documents is read, and nothing else: an expression that could mean two things is refused.

use jiff::civil::{Date, DateTime};

/// When a scheduled action fires, before any zone comes in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// At every local minute that matches.
    Cron(Fields),
    /// Every so many seconds, 60 or more.
    Rate(i64),
    /// Once, at this local time.
    At(DateTime),
}

/// The six fields of a `cron(…)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fields {
    minutes: u64,
    hours: u64,
    months: u64,
    days: Days,
    /// In order; empty: every year.
    years: Vec<i16>,
}

/// The two day fields, of which exactly one says something.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Days {
    /// Bit 1 is the first of the month.
    OfMonth(u64),
    /// `L` in day-of-month.
    LastOfMonth,
    /// `15W`: the weekday nearest to that day, within its month.
    NearestWeekday(i8),
    /// Bit 1 is Sunday.
    OfWeek(u64),
    /// `6L`: the last such day of the month; Sunday is 1.
    LastOfWeek(i8),
    /// `6#2`: the second such day of the month.
    Nth(i8, i8),
}

/// One field: its name, its least and greatest value, and names for values.
struct Domain {
    name: &'static str,
    low: u16,
    high: u16,
    names: &'static [&'static str],
}

const MINUTE: Domain = Domain { name: "minutes", low: 0, high: 59, names: &[] };
const HOUR: Domain = Domain { name: "hours", low: 0, high: 23, names: &[] };
const MONTH_DAY: Domain = Domain { name: "day of month", low: 1, high: 31, names: &[] };
const MONTH: Domain = Domain {
    name: "month",
    low: 1,
    high: 12,
    names: &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
};
const WEEKDAY: Domain =
    Domain { name: "day of week", low: 1, high: 7, names: &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"] };
const YEAR: Domain = Domain { name: "year", low: 1970, high: 2199, names: &[] };

const EVERY_MONTH: u64 = 0b1_1111_1111_1110;
const EVERY_MONTH_DAY: u64 = 0xffff_fffe;

impl Expression {
    /// Reads an expression as AWS prints it.
    ///
    /// # Errors
    /// In one sentence without a full stop, what is not understood.
    pub fn parse(text: &str) -> Result<Expression, String> {
        let text = text.trim();
        let inside = |name: &str| text.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')').map(str::trim);
        if let Some(fields) = inside("cron") {
            return Ok(Expression::Cron(Fields::parse(fields)?));
        }
        if let Some(rate) = inside("rate") {
            return rate_seconds(rate).map(Expression::Rate);
        }
        if let Some(at) = inside("at") {
            return local_time(at).map(Expression::At);
        }
        Err(format!("`{text}` is none of cron(…), rate(…) and at(…)"))
    }
}

fn rate_seconds(text: &str) -> Result<i64, String> {
    let refused = || format!("`rate({text})` is not a whole number from 1 and minutes, hours or days");
    let (value, unit) = text.split_once(char::is_whitespace).ok_or_else(refused)?;
    let unit = match unit.trim() {
        "minute" | "minutes" => 60,
        "hour" | "hours" => 3_600,
        "day" | "days" => 86_400,
        _ => return Err(refused()),
    };
    let is_number = value.bytes().all(|byte| byte.is_ascii_digit());
    let value = value.parse::<i64>().ok().filter(|value| is_number && *value >= 1);
    value.and_then(|value| value.checked_mul(unit)).ok_or_else(refused)
}

fn local_time(text: &str) -> Result<DateTime, String> {
    let shaped = text.len() == "yyyy-mm-ddThh:mm:ss".len() && text.as_bytes()[10] == b'T';
    let read = || text.parse::<DateTime>().ok();
    shaped.then(read).flatten().ok_or_else(|| format!("`at({text})` is not at(yyyy-mm-ddThh:mm:ss)"))
}

impl Fields {
    fn parse(text: &str) -> Result<Fields, String> {
        let parts: Vec<&str> = text.split_whitespace().collect();
        let [minute, hour, month_day, month, weekday, year] = parts[..] else {
            let count = parts.len();
            return Err(format!("`cron({text})` has {count} fields; AWS's dialect has six, the last of them the year"));
        };
        Ok(Fields {
            minutes: set(minute, &MINUTE)?,
            hours: set(hour, &HOUR)?,
            days: Days::parse(month_day, weekday)?,
            months: set(month, &MONTH)?,
            years: years(year)?,
        })
    }

    /// Whether some minute of `date` matches.
    pub fn matches_date(&self, date: Date) -> bool {
        let year = self.years.is_empty() || self.years.contains(&date.year());
        year && self.months & 1 << date.month() != 0 && self.days.contain(date)
    }

    /// The matching minutes of a matching date, counted from local midnight, in order.
    pub fn minutes_of_day(&self) -> impl DoubleEndedIterator<Item = u16> + '_ {
        let hours = (0..24_u16).filter(|hour| self.hours & 1 << hour != 0);
        hours.flat_map(|hour| {
            (0..60_u16).filter(|minute| self.minutes & 1 << minute != 0).map(move |minute| hour * 60 + minute)
        })
    }

    /// Whether it goes on for ever: no year is named.
    pub fn is_endless(&self) -> bool {
        self.years.is_empty()
    }

    /// The days of the week on which it matches, bit 0 being Monday, where the date does not matter otherwise.
    pub fn weekdays(&self) -> Option<u8> {
        if self.months != EVERY_MONTH || !self.years.is_empty() {
            return None;
        }
        match self.days {
            Days::OfMonth(EVERY_MONTH_DAY) => Some(0x7f),
            Days::OfWeek(days) => {
                let (sunday, others) = (days >> 1 & 1, days >> 2);
                Some((others | sunday << 6) as u8)
            }
            Days::OfMonth(_) | Days::LastOfMonth | Days::NearestWeekday(_) | Days::LastOfWeek(_) | Days::Nth(..) => {
                None
            }
        }
    }

    /// The same days in five-field cron, for one time of day. `None` for nearest weekdays and years, which it cannot say.
    pub fn five_fields(&self, minute_of_day: u16) -> Option<String> {
        if !self.years.is_empty() {
            return None;
        }
        let (hour, minute) = (minute_of_day / 60, minute_of_day % 60);
        let months = if self.months == EVERY_MONTH { "*".to_owned() } else { listed(self.months) };
        let (month_day, weekday) = match self.days {
            Days::OfMonth(EVERY_MONTH_DAY) => ("*".to_owned(), "*".to_owned()),
            Days::OfMonth(days) => (listed(days), "*".to_owned()),
            Days::LastOfMonth => ("L".to_owned(), "*".to_owned()),
            Days::OfWeek(days) => ("*".to_owned(), listed(days >> 1)),
            Days::LastOfWeek(day) => ("*".to_owned(), format!("{}L", day - 1)),
            Days::Nth(day, nth) => ("*".to_owned(), format!("{}#{nth}", day - 1)),
            Days::NearestWeekday(_) => return None,
        };
        Some(format!("{minute} {hour} {month_day} {months} {weekday}"))
    }
}

fn listed(bits: u64) -> String {
    let values: Vec<String> = (0..64).filter(|bit| bits & 1 << bit != 0).map(|bit: u8| bit.to_string()).collect();
    values.join(",")
}

impl Days {
    fn parse(month_day: &str, weekday: &str) -> Result<Days, String> {
        match (month_day, weekday) {
            ("?", "?") => Err("day of month and day of week are both `?`; one must say which days".to_owned()),
            ("?", _) => Days::of_week(weekday),
            (_, "?") => Days::of_month(month_day),
            _ => Err(format!("neither day of month (`{month_day}`) nor day of week (`{weekday}`) is `?`; one must be")),
        }
    }

    fn of_month(text: &str) -> Result<Days, String> {
        if text.eq_ignore_ascii_case("L") {
            return Ok(Days::LastOfMonth);
        }
        match text.strip_suffix(['W', 'w']) {
            Some(day) => Ok(Days::NearestWeekday(value(day, &MONTH_DAY)? as i8)),
            None => set(text, &MONTH_DAY).map(Days::OfMonth),
        }
    }

    fn of_week(text: &str) -> Result<Days, String> {
        if text.eq_ignore_ascii_case("L") {
            return Ok(Days::OfWeek(1 << WEEKDAY.high));
        }
        if let Some((day, nth)) = text.split_once('#') {
            let nth = number(nth).filter(|nth| (1..=5).contains(nth));
            let nth = nth.ok_or_else(|| format!("`{text}` in day of week is not a day, `#` and 1 to 5"))?;
            return Ok(Days::Nth(value(day, &WEEKDAY)? as i8, nth as i8));
        }
        match text.strip_suffix(['L', 'l']) {
            Some(day) => Ok(Days::LastOfWeek(value(day, &WEEKDAY)? as i8)),
            None if text.contains('/') => Err(format!("`{text}` in day of week: AWS documents no steps there")),
            None => set(text, &WEEKDAY).map(Days::OfWeek),
        }
    }

    fn contain(&self, date: Date) -> bool {
        let weekday = date.weekday().to_sunday_one_offset();
        match *self {
            Days::OfMonth(days) => days & 1 << date.day() != 0,
            Days::LastOfMonth => date.day() == date.days_in_month(),
            Days::NearestWeekday(day) => nearest_weekday(date, day) == Some(date.day()),
            Days::OfWeek(days) => days & 1 << weekday != 0,
            Days::LastOfWeek(last) => weekday == last && date.day() + 7 > date.days_in_month(),
            Days::Nth(day, nth) => weekday == day && (date.day() - 1) / 7 + 1 == nth,
        }
    }
}

/// The day from Monday to Friday that is nearest to `day` without leaving the month; `None` where the month lacks it.
fn nearest_weekday(month: Date, day: i8) -> Option<i8> {
    let meant = Date::new(month.year(), month.month(), day).ok()?;
    Some(match meant.weekday().to_monday_one_offset() {
        6 if day == 1 => 3,
        6 => day - 1,
        7 if day == month.days_in_month() => day - 2,
        7 => day + 1,
        _ => day,
    })
}

/// A list of values, ranges and steps, as bits.
fn set(text: &str, domain: &Domain) -> Result<u64, String> {
    text.split(',').try_fold(0, |bits, item| {
        let (low, high, step) = item_of(item, domain)?;
        Ok((low..=high).step_by(step).fold(bits, |bits, value| bits | 1 << value))
    })
}

fn years(text: &str) -> Result<Vec<i16>, String> {
    if text == "*" {
        return Ok(Vec::new());
    }
    let mut years = Vec::new();
    for item in text.split(',') {
        let (low, high, step) = item_of(item, &YEAR)?;
        years.extend((low..=high).step_by(step).map(|year| year as i16));
    }
    years.sort_unstable();
    years.dedup();
    Ok(years)
}

/// First and last value, and the step between.
fn item_of(item: &str, domain: &Domain) -> Result<(u16, u16, usize), String> {
    let (range, step) = match item.split_once('/') {
        Some((range, step)) => {
            let step = number(step).filter(|step| *step >= 1);
            (
                range,
                Some(step.ok_or_else(|| format!("`{item}` in {}: the step is a whole number from 1", domain.name))?),
            )
        }
        None => (item, None),
    };
    let (low, high) = match range.split_once('-') {
        _ if range == "*" => (domain.low, domain.high),
        Some((low, high)) => (value(low, domain)?, value(high, domain)?),
        None if step.is_some() => (value(range, domain)?, domain.high),
        None => (value(range, domain)?, value(range, domain)?),
    };
    if low > high {
        return Err(format!("`{range}` in {} runs backwards", domain.name));
    }
    Ok((low, high, step.map_or(1, usize::from)))
}

fn value(text: &str, domain: &Domain) -> Result<u16, String> {
    let named = domain.names.iter().position(|name| name.eq_ignore_ascii_case(text));
    let value = named.map(|index| domain.low + index as u16).or_else(|| number(text));
    let value = value.filter(|value| (domain.low..=domain.high).contains(value));
    value.ok_or_else(|| format!("`{text}` in {} is not {} to {}", domain.name, domain.low, domain.high))
}

fn number(text: &str) -> Option<u16> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn fields(text: &str) -> Fields {
        match Expression::parse(text) {
            Ok(Expression::Cron(fields)) => fields,
            other => panic!("{text}: {other:?}"),
        }
    }

    fn dates_in_2026(text: &str) -> Vec<String> {
        let fields = fields(text);
        let year = date(2026, 1, 1).series(jiff::Span::new().days(1)).take(365);
        year.filter(|date| fields.matches_date(*date)).map(|date| date.strftime("%m-%d").to_string()).collect()
    }

    fn times(text: &str) -> Vec<u16> {
        fields(text).minutes_of_day().collect()
    }

    #[test]
    fn each_way_to_name_days_finds_the_days_that_aws_means() {
        for (text, dates) in [
            ("cron(0 9 ? 1 SUN *)", &["01-04", "01-11", "01-18", "01-25"][..]),
            ("cron(0 9 ? 1 1 *)", &["01-04", "01-11", "01-18", "01-25"]),
            ("cron(0 9 ? JAN mon-tue *)", &["01-05", "01-06", "01-12", "01-13", "01-19", "01-20", "01-26", "01-27"]),
            ("cron(0 9 ? 2 L *)", &["02-07", "02-14", "02-21", "02-28"]),
            ("cron(0 9 ? 1-3 6L *)", &["01-30", "02-27", "03-27"]),
            ("cron(0 9 ? 1-2 FRI#2 *)", &["01-09", "02-13"]),
            ("cron(0 9 L 2,4 ? *)", &["02-28", "04-30"]),
            ("cron(0 9 10/10 4 ? *)", &["04-10", "04-20", "04-30"]),
            ("cron(0 9 */15 4 ? *)", &["04-01", "04-16"]),
            ("cron(0 9 1-10/4 4 ? *)", &["04-01", "04-05", "04-09"]),
            ("cron(0 9 31 * ? 2025)", &[]),
            ("cron(0 9 1 1 ? 2026-2028/2)", &["01-01"]),
        ] {
            assert_eq!(dates_in_2026(text), dates, "{text}");
        }
    }

    #[test]
    fn the_nearest_weekday_never_leaves_its_month() {
        for (text, dates) in [
            ("cron(0 9 1W 8,11 ? *)", &["08-03", "11-02"][..]), // a Saturday and a Sunday
            ("cron(0 9 31W 1,5 ? *)", &["01-30", "05-29"]),     // a Saturday and a Sunday
            ("cron(0 9 15W 2,8 ? *)", &["02-16", "08-14"]),     // a Sunday and a Saturday
            ("cron(0 9 30W 2 ? *)", &[]),
        ] {
            assert_eq!(dates_in_2026(text), dates, "{text}");
        }
    }

    #[test]
    fn times_of_day_are_lists_ranges_and_steps() {
        assert_eq!(times("cron(30 0 * * ? *)"), [30]);
        assert_eq!(times("cron(0/20 8,20 * * ? *)"), [480, 500, 520, 1200, 1220, 1240]);
        assert_eq!(times("cron(5-10/5 9 * * ? *)"), [545, 550]);
        assert_eq!(times("cron(* * * * ? *)").len(), 1440);
    }

    #[test]
    fn days_of_the_week_are_known_only_where_nothing_else_counts() {
        assert_eq!(fields("cron(0 9 * * ? *)").weekdays(), Some(0x7f));
        assert_eq!(fields("cron(0 9 1/1 * ? *)").weekdays(), Some(0x7f));
        assert_eq!(fields("cron(0 9 ? * MON,SUN *)").weekdays(), Some(0b100_0001));
        assert_eq!(fields("cron(0 9 ? * 2-6 *)").weekdays(), Some(0b001_1111));
        for text in ["cron(0 9 1 * ? *)", "cron(0 9 ? 6 MON *)", "cron(0 9 ? * MON 2027)", "cron(0 9 ? * MON#1 *)"] {
            assert_eq!(fields(text).weekdays(), None, "{text}");
        }
    }

    #[test]
    fn what_five_fields_can_say_is_said_with_sunday_as_zero() {
        for (text, five) in [
            ("cron(0 9 L * ? *)", Some("5 9 L * *")),
            ("cron(0 9 1,15 6 ? *)", Some("5 9 1,15 6 *")),
            ("cron(0 9 ? * SUN#2 *)", Some("5 9 * * 0#2")),
            ("cron(0 9 ? * 6L *)", Some("5 9 * * 5L")),
            ("cron(0 9 ? 7 SUN,SAT *)", Some("5 9 * 7 0,6")),
            ("cron(0 9 15W * ? *)", None),
            ("cron(0 9 1 * ? 2027)", None),
        ] {
            assert_eq!(fields(text).five_fields(9 * 60 + 5).as_deref(), five, "{text}");
        }
    }

    #[test]
    fn rates_and_single_instants_are_read() {
        for (text, seconds) in [("rate(1 minute)", 60), ("rate(12 hours)", 43_200), ("rate( 7  days )", 604_800)] {
            assert_eq!(Expression::parse(text), Ok(Expression::Rate(seconds)), "{text}");
        }
        let at = date(2026, 11, 27).at(6, 0, 30, 0);
        assert_eq!(Expression::parse("at(2026-11-27T06:00:30)"), Ok(Expression::At(at)));
    }

    #[test]
    fn what_aws_does_not_document_is_refused_with_the_reason() {
        for (text, reason) in [
            ("0 9 * * ? *", "none of cron(…)"),
            ("cron(0 9 * * ?)", "has 5 fields"),
            ("cron(0 0 9 * * ? *)", "has 7 fields"),
            ("cron(0 9 * * * *)", "one must be"),
            ("cron(0 9 1 * MON *)", "one must be"),
            ("cron(0 9 ? * ? *)", "both `?`"),
            ("cron(60 9 * * ? *)", "`60` in minutes"),
            ("cron(0 24 * * ? *)", "`24` in hours"),
            ("cron(0 9 0 * ? *)", "`0` in day of month"),
            ("cron(0 9 ? * 0 *)", "`0` in day of week"),
            ("cron(0 9 ? * MON/2 *)", "no steps"),
            ("cron(0 9 ? * MON#6 *)", "1 to 5"),
            ("cron(0 9 ? * MON#1,FRI#2 *)", "1 to 5"),
            ("cron(0 9 LW * ? *)", "`L` in day of month"),
            ("cron(0 9 L-3 * ? *)", "`L` in day of month"),
            ("cron(0 9 1,15W * ? *)", "`1,15` in day of month"),
            ("cron(0 9 ? * FRI-MON *)", "runs backwards"),
            ("cron(0 9 * 13 ? *)", "`13` in month"),
            ("cron(0 9 * * ? 1969)", "`1969` in year"),
            ("cron(*/0 9 * * ? *)", "the step"),
            ("cron(,5 9 * * ? *)", "`` in minutes"),
            ("cron(+5 9 * * ? *)", "`+5` in minutes"),
            ("rate(0 minutes)", "whole number"),
            ("rate(5 weeks)", "whole number"),
            ("rate(1.5 hours)", "whole number"),
            ("rate(99999999999999999 days)", "whole number"),
            ("at(2026-11-27T06:00)", "yyyy-mm-dd"),
            ("at(2026-11-27 06:00:00)", "yyyy-mm-dd"),
            ("at(2026-02-30T06:00:00)", "yyyy-mm-dd"),
            ("at(2026-11-27T06:00:00Z)", "yyyy-mm-dd"),
        ] {
            let refused = Expression::parse(text).expect_err(text);
            assert!(refused.contains(reason), "{text}: {refused}");
        }
    }
}
