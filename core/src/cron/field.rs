//! Reads the fields of a cron expression, with a message for every dialect that is not this one.

use std::ops::{Range, RangeInclusive};

use super::{CronError, LAST_IN_MONTH, MonthDays, Weekdays};

/// A part of the expression and where it stands in it.
#[derive(Clone, Copy)]
pub(super) struct Part<'a> {
    text: &'a str,
    start: usize,
}

/// What a field may hold.
struct Domain {
    name: &'static str,
    values: RangeInclusive<u8>,
    /// Numbered from the first value on.
    names: &'static [&'static str],
}

const MINUTE: Domain = Domain { name: "minute", values: 0..=59, names: &[] };
const HOUR: Domain = Domain { name: "hour", values: 0..=23, names: &[] };
const MONTH_DAY: Domain = Domain { name: "day of month", values: 1..=31, names: &[] };
const MONTH: Domain = Domain {
    name: "month",
    values: 1..=12,
    names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
};
const WEEKDAY: Domain =
    Domain { name: "day of week", values: 0..=7, names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"] };

const NICKNAMES: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

impl<'a> Part<'a> {
    fn range(self) -> Range<usize> {
        self.start..self.start + self.text.len()
    }

    fn slice(self, range: Range<usize>) -> Part<'a> {
        Part { text: &self.text[range.clone()], start: self.start + range.start }
    }

    /// What stands before and after the first `separator`.
    fn split(self, separator: char) -> Option<(Part<'a>, Part<'a>)> {
        let at = self.text.find(separator)?;
        Some((self.slice(0..at), self.slice(at + 1..self.text.len())))
    }

    /// The items of a list.
    fn items(self) -> impl Iterator<Item = Part<'a>> {
        let mut start = self.start;
        self.text.split(',').map(move |text| {
            let item = Part { text, start };
            start += text.len() + 1;
            item
        })
    }

    fn error(self, message: String) -> CronError {
        CronError { message, range: self.range(), help: None }
    }

    fn error_with(self, message: String, help: impl Into<String>) -> CronError {
        CronError { message, range: self.range(), help: Some(help.into()) }
    }
}

/// The five fields of an expression.
pub(super) fn split(text: &str) -> Result<[Part<'_>; 5], CronError> {
    let whole = Part { text, start: 0 };
    let base = text.as_ptr() as usize;
    let parts: Vec<Part<'_>> =
        text.split_ascii_whitespace().map(|part| Part { text: part, start: part.as_ptr() as usize - base }).collect();
    if let Some(nickname) = parts.first().filter(|part| part.text.starts_with('@')) {
        return Err(no_nickname(*nickname));
    }
    <[Part<'_>; 5]>::try_from(parts).map_err(|parts| wrong_count(whole, parts.len()))
}

fn no_nickname(part: Part<'_>) -> CronError {
    let known = NICKNAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(part.text));
    let help = match known {
        Some((_, fields)) => format!("write `{fields}`"),
        None => "write five fields: minute, hour, day of month, month, day of week".to_owned(),
    };
    part.error_with(format!("nicknames such as `{}` are not supported", part.text), help)
}

fn wrong_count(whole: Part<'_>, count: usize) -> CronError {
    let help = match count {
        6 => "leave out the seconds (or the year): minute, hour, day of month, month, day of week",
        _ => "write minute, hour, day of month, month, day of week, such as `45 11 * * mon-fri`",
    };
    whole.error_with(format!("a cron expression has five fields, this one has {count}"), help)
}

/// Bit 0 is the full hour.
pub(super) fn minutes(field: Part<'_>) -> Result<u64, CronError> {
    plain(field, &MINUTE)
}

/// Bit 0 is midnight.
pub(super) fn hours(field: Part<'_>) -> Result<u32, CronError> {
    Ok(plain(field, &HOUR)? as u32)
}

/// Bit 1 is January.
pub(super) fn months(field: Part<'_>) -> Result<u16, CronError> {
    Ok(plain(field, &MONTH)? as u16)
}

pub(super) fn month_days(field: Part<'_>) -> Result<MonthDays, CronError> {
    let mut days = MonthDays { starred: field.text.starts_with('*'), ..MonthDays::default() };
    for item in field.items() {
        if item.text.eq_ignore_ascii_case("l") {
            days.last = true;
        } else if item.text.to_ascii_lowercase().contains(['l', 'w']) {
            let help =
                "`L` alone is the last day of the month; days relative to it and nearest weekdays do not exist here";
            return Err(item.error_with(format!("`{}` is not supported in day of month", item.text), help));
        } else {
            days.days |= values(item, &MONTH_DAY)? as u32;
        }
    }
    Ok(days)
}

pub(super) fn weekdays(field: Part<'_>) -> Result<Weekdays, CronError> {
    let mut weekdays = Weekdays { starred: field.text.starts_with('*'), ..Weekdays::default() };
    for item in field.items() {
        if let Some((weekday, ordinal)) = item.split('#') {
            weekdays.in_month[weekday_number(weekday)?] |= 1 << (nth(ordinal)? - 1);
        } else if let Some(weekday) = before_last(item) {
            weekdays.in_month[weekday_number(weekday)?] |= LAST_IN_MONTH;
        } else {
            let bits = values(item, &WEEKDAY)?;
            weekdays.every |= (bits | bits >> 7) as u8 & 0x7f;
        }
    }
    Ok(weekdays)
}

/// What stands before a final `L`.
fn before_last(item: Part<'_>) -> Option<Part<'_>> {
    item.text.ends_with(['l', 'L']).then(|| item.slice(0..item.text.len() - 1))
}

fn weekday_number(part: Part<'_>) -> Result<usize, CronError> {
    if part.text.is_empty() {
        let help = "write the weekday before `L` or `#`: `5L` is the last Friday, `5#2` the second";
        return Err(part.error_with("day of week lacks a weekday".to_owned(), help));
    }
    Ok(usize::from(value(part, &WEEKDAY)? % 7))
}

fn nth(part: Part<'_>) -> Result<u8, CronError> {
    match part.text.parse() {
        Ok(nth @ 1..=5) => Ok(nth),
        _ => Err(part.error_with(format!("`#{}` is not 1 to 5", part.text), "`5#2` is the second Friday of the month")),
    }
}

fn plain(field: Part<'_>, domain: &Domain) -> Result<u64, CronError> {
    let mut bits = 0;
    for item in field.items() {
        bits |= values(item, domain)?;
    }
    Ok(bits)
}

/// One item of a list, as a set of values.
fn values(item: Part<'_>, domain: &Domain) -> Result<u64, CronError> {
    let (range, step) = match item.split('/') {
        Some((range, step)) => (range, Some(step)),
        None => (item, None),
    };
    let (low, high) = if range.text == "*" {
        (*domain.values.start(), *domain.values.end())
    } else if let Some((low, high)) = range.split('-') {
        ends(range, low, high, domain)?
    } else if let Some(step) = step {
        let help = format!("write `{}-{}/{}`", range.text, domain.values.end(), step.text);
        return Err(item.error_with("a step needs a range or `*` before it".to_owned(), help));
    } else {
        let only = value(range, domain)?;
        (only, only)
    };
    let step = step.map_or(Ok(1), step_size)?;
    Ok((low..=high).step_by(step).fold(0, |bits, value| bits | 1 << value))
}

/// Both ends of a range; `sun` at its end is 7, as it is the end of a week.
fn ends(range: Part<'_>, low: Part<'_>, high: Part<'_>, domain: &Domain) -> Result<(u8, u8), CronError> {
    let first = value(low, domain)?;
    let last = match value(high, domain)? {
        0 if high.text.eq_ignore_ascii_case("sun") => 7,
        last => last,
    };
    if first > last {
        let (start, end) = (domain.values.start(), domain.values.end());
        let help = format!("write two: `{}-{end},{start}-{}`", low.text, high.text);
        return Err(range.error_with(format!("the range `{}` runs backwards", range.text), help));
    }
    Ok((first, last))
}

fn step_size(part: Part<'_>) -> Result<usize, CronError> {
    match part.text.parse::<u8>() {
        Ok(step @ 1..) if is_number(part) => Ok(usize::from(step)),
        _ => Err(part.error(format!("`{}` is not a step: a whole number from 1", part.text))),
    }
}

fn value(part: Part<'_>, domain: &Domain) -> Result<u8, CronError> {
    if let Some(index) = domain.names.iter().position(|name| name.eq_ignore_ascii_case(part.text)) {
        return Ok(domain.values.start() + index as u8);
    }
    let number = if is_number(part) { part.text.parse::<u8>().ok() } else { None };
    number.filter(|number| domain.values.contains(number)).ok_or_else(|| not_a_value(part, domain))
}

fn is_number(part: Part<'_>) -> bool {
    part.text.bytes().all(|byte| byte.is_ascii_digit())
}

fn not_a_value(part: Part<'_>, domain: &Domain) -> CronError {
    let (name, low, high) = (domain.name, domain.values.start(), domain.values.end());
    if part.text == "?" {
        return part.error_with(format!("`?` is not supported in {name}"), "write `*`");
    }
    let expected = match domain.names {
        [] => format!("{low} to {high}"),
        [first, .., last] => format!("{low} to {high} or {first} to {last}"),
        [only] => format!("{low} to {high} or {only}"),
    };
    let found = if part.text.is_empty() { "nothing".to_owned() } else { format!("`{}`", part.text) };
    part.error(format!("{name} is {expected}, not {found}"))
}
