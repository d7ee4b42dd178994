//! Reads the text of an `RRULE` (RFC 5545 §3.3.10), as far as whole days are concerned.

use jiff::civil::{Date, Weekday};

use super::event::parse_date;
use super::ics::shorten;
use super::recurrence::{Frequency, Rule};

/// A rule as it was written.
#[derive(Debug)]
pub(super) struct Parsed {
    /// Without its count: a counted rule is to be expanded.
    pub(super) rule: Rule,
    /// How many occurrences there are, at least 1.
    pub(super) count: Option<u32>,
    /// What was read in spite of the standard, and how.
    pub(super) warnings: Vec<String>,
}

/// Reads a rule whose first occurrence is `start`.
///
/// # Errors
/// The first thing that is wrong with the rule, as a sentence.
pub(super) fn parse(text: &str, start: Date) -> Result<Parsed, String> {
    let parts = split(text)?;
    let frequency = match parts.iter().find(|(name, _)| name == "FREQ") {
        Some((_, value)) => parse_frequency(value)?,
        None => return Err("RRULE has no FREQ".to_owned()),
    };
    let mut parsed = Parsed { rule: Rule::new(start, frequency), count: None, warnings: Vec::new() };
    for (name, value) in &parts {
        take_part(&mut parsed, name, value)?;
    }
    check(&parsed)?;
    parsed.rule = parsed.rule.completed();
    Ok(parsed)
}

/// The parts in upper case, each name once.
fn split(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut parts: Vec<(String, String)> = Vec::new();
    for part in text.trim_end_matches(';').split(';') {
        let upper = part.to_ascii_uppercase();
        let (name, value) =
            upper.split_once('=').ok_or_else(|| format!("RRULE: `{}` is not NAME=VALUE", shorten(part)))?;
        if parts.iter().any(|(seen, _)| seen == name) {
            return Err(format!("RRULE: `{}` stands twice", shorten(name)));
        }
        parts.push((name.to_owned(), value.to_owned()));
        if parts.len() > 32 {
            return Err("RRULE has more than 32 parts".to_owned());
        }
    }
    Ok(parts)
}

fn take_part(parsed: &mut Parsed, name: &str, value: &str) -> Result<(), String> {
    let rule = &mut parsed.rule;
    match name {
        "FREQ" => {}
        "INTERVAL" => rule.interval = parse_positive(name, value)?.into(),
        "COUNT" => parsed.count = Some(parse_positive(name, value)?),
        "UNTIL" => {
            let until = parse_date(value).ok_or_else(|| wrong(name, value))?;
            if until.has_time {
                parsed.warnings.push("UNTIL has a time, of which an all-day event makes no use".to_owned());
            }
            rule.until = Some(until.date);
        }
        "WKST" => rule.week_start = parse_weekday(value).ok_or_else(|| wrong(name, value))?,
        "BYMONTH" => rule.months = parse_numbers(name, value, 12, Sign::Positive)?,
        "BYWEEKNO" => rule.weeks = parse_numbers(name, value, 53, Sign::Either)?,
        "BYYEARDAY" => rule.year_days = parse_numbers(name, value, 366, Sign::Either)?,
        "BYMONTHDAY" => rule.month_days = parse_numbers(name, value, 31, Sign::Either)?,
        "BYSETPOS" => rule.set_positions = parse_numbers(name, value, 366, Sign::Either)?,
        "BYDAY" => {
            let parse = |item: &str| parse_ordinal_weekday(item).ok_or_else(|| wrong(name, item));
            rule.weekdays = parse_list(value, parse)?;
        }
        "BYHOUR" | "BYMINUTE" | "BYSECOND" => {
            parsed.warnings.push(format!("{name} is ignored: an all-day event has no time"));
        }
        _ => return Err(format!("RRULE: `{}` is not supported", shorten(name))),
    }
    Ok(())
}

/// Refuses what the standard forbids and no two readers understand alike.
fn check(parsed: &Parsed) -> Result<(), String> {
    let rule = &parsed.rule;
    let yearly = rule.frequency == Frequency::Yearly;
    let has_ordinals = rule.weekdays.iter().any(|(ordinal, _)| *ordinal != 0);
    let nothing_to_pick_from =
        [&rule.months, &rule.weeks, &rule.year_days, &rule.month_days].iter().all(|l| l.is_empty())
            && rule.weekdays.is_empty();
    let refused = [
        (parsed.count.is_some() && rule.until.is_some(), "COUNT and UNTIL exclude each other"),
        (!rule.weeks.is_empty() && !yearly, "BYWEEKNO needs FREQ=YEARLY"),
        (!rule.year_days.is_empty() && !yearly, "BYYEARDAY needs FREQ=YEARLY"),
        (
            !rule.month_days.is_empty() && rule.frequency == Frequency::Weekly,
            "BYMONTHDAY cannot stand in a weekly rule",
        ),
        (
            has_ordinals && !(yearly || rule.frequency == Frequency::Monthly),
            "BYDAY with a number needs FREQ=MONTHLY or FREQ=YEARLY",
        ),
        (has_ordinals && !rule.weeks.is_empty(), "BYDAY with a number cannot stand beside BYWEEKNO"),
        (!rule.set_positions.is_empty() && nothing_to_pick_from, "BYSETPOS needs another BY… part"),
    ];
    match refused.iter().find(|(applies, _)| *applies) {
        Some((_, message)) => Err(format!("RRULE: {message}")),
        None => Ok(()),
    }
}

fn parse_frequency(value: &str) -> Result<Frequency, String> {
    match value {
        "DAILY" => Ok(Frequency::Daily),
        "WEEKLY" => Ok(Frequency::Weekly),
        "MONTHLY" => Ok(Frequency::Monthly),
        "YEARLY" => Ok(Frequency::Yearly),
        "HOURLY" | "MINUTELY" | "SECONDLY" => Err(format!("RRULE: FREQ={value} makes no sense for an all-day event")),
        _ => Err(wrong("FREQ", value)),
    }
}

fn parse_positive(name: &str, value: &str) -> Result<u32, String> {
    match parse_digits(value) {
        Some(number) if number > 0 => Ok(number),
        Some(_) | None => Err(wrong(name, value)),
    }
}

/// Whether a list takes numbers that count from the end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    Positive,
    Either,
}

/// Numbers in ascending order.
fn parse_numbers(name: &str, value: &str, max: i16, sign: Sign) -> Result<Vec<i16>, String> {
    let mut numbers = parse_list(value, |item| {
        let number = parse_signed(item, max).filter(|number| *number > 0 || sign == Sign::Either);
        number.ok_or_else(|| wrong(name, item))
    })?;
    numbers.sort_unstable();
    Ok(numbers)
}

/// A list without duplicates, so that the longest line ends up as short as its range.
fn parse_list<T: PartialEq>(value: &str, parse: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    let mut list = Vec::new();
    for item in value.split(',') {
        let item = parse(item.trim())?;
        if !list.contains(&item) {
            list.push(item);
        }
    }
    Ok(list)
}

/// A number from ±1 to ±`max`.
fn parse_signed(text: &str, max: i16) -> Option<i16> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let number = i16::try_from(parse_digits(digits)?).ok().filter(|number| (1..=max).contains(number))?;
    Some(if negative { -number } else { number })
}

fn parse_digits(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

fn parse_ordinal_weekday(text: &str) -> Option<(i16, Weekday)> {
    let (ordinal, name) = text.split_at_checked(text.len().checked_sub(2)?)?;
    let weekday = parse_weekday(name)?;
    if ordinal.is_empty() { Some((0, weekday)) } else { Some((parse_signed(ordinal, 53)?, weekday)) }
}

fn parse_weekday(text: &str) -> Option<Weekday> {
    match text {
        "MO" => Some(Weekday::Monday),
        "TU" => Some(Weekday::Tuesday),
        "WE" => Some(Weekday::Wednesday),
        "TH" => Some(Weekday::Thursday),
        "FR" => Some(Weekday::Friday),
        "SA" => Some(Weekday::Saturday),
        "SU" => Some(Weekday::Sunday),
        _ => None,
    }
}

fn wrong(name: &str, value: &str) -> String {
    format!("RRULE: `{}` is no value for {name}", shorten(value))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;
    use proptest::sample::{select, subsequence};

    use super::super::plus_days;
    use super::*;

    fn occurrences(text: &str, start: Date, most: usize) -> Vec<Date> {
        let parsed = parse(text, start).unwrap_or_else(|message| panic!("{text}: {message}"));
        let next = |date: &Date| parsed.rule.next(date.tomorrow().ok()?);
        let count = parsed.count.map_or(most, |count| most.min(count as usize));
        std::iter::successors(parsed.rule.next(start), next).take(count).collect()
    }

    fn assert_occurrences(text: &str, start: Date, expected: &[&str]) {
        let found: Vec<String> = occurrences(text, start, expected.len()).iter().map(|date| date.to_string()).collect();
        assert_eq!(found, expected, "{text} from {start}");
    }

    #[test]
    fn the_examples_of_the_standard_come_out_as_printed_there() {
        let from = date(1997, 9, 2);
        for (text, start, expected) in [
            (
                "FREQ=DAILY;INTERVAL=10;COUNT=5",
                from,
                &["1997-09-02", "1997-09-12", "1997-09-22", "1997-10-02", "1997-10-12"][..],
            ),
            (
                "FREQ=WEEKLY;COUNT=4;WKST=SU;BYDAY=TU,TH",
                from,
                &["1997-09-02", "1997-09-04", "1997-09-09", "1997-09-11"],
            ),
            (
                "FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH",
                from,
                &[
                    "1997-09-02",
                    "1997-09-04",
                    "1997-09-16",
                    "1997-09-18",
                    "1997-09-30",
                    "1997-10-02",
                    "1997-10-14",
                    "1997-10-16",
                ],
            ),
            ("FREQ=MONTHLY;COUNT=3;BYDAY=1FR", date(1997, 9, 5), &["1997-09-05", "1997-10-03", "1997-11-07"]),
            (
                "FREQ=MONTHLY;INTERVAL=2;COUNT=4;BYDAY=1SU,-1SU",
                date(1997, 9, 7),
                &["1997-09-07", "1997-09-28", "1997-11-02", "1997-11-30"],
            ),
            (
                "FREQ=MONTHLY;BYMONTHDAY=-3",
                date(1997, 9, 28),
                &["1997-09-28", "1997-10-29", "1997-11-28", "1997-12-29"],
            ),
            (
                "FREQ=YEARLY;COUNT=4;BYMONTH=6,7",
                date(1997, 6, 10),
                &["1997-06-10", "1997-07-10", "1998-06-10", "1998-07-10"],
            ),
            (
                "FREQ=YEARLY;INTERVAL=3;COUNT=5;BYYEARDAY=1,100,200",
                date(1997, 1, 1),
                &["1997-01-01", "1997-04-10", "1997-07-19", "2000-01-01", "2000-04-09"],
            ),
            ("FREQ=YEARLY;BYDAY=20MO", date(1997, 5, 19), &["1997-05-19", "1998-05-18", "1999-05-17"]),
            ("FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", date(1997, 5, 12), &["1997-05-12", "1998-05-11", "1999-05-17"]),
            ("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", from, &["1998-02-13", "1998-03-13", "1998-11-13", "1999-08-13"]),
            (
                "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8",
                date(1996, 11, 5),
                &["1996-11-05", "2000-11-07", "2004-11-02"],
            ),
            (
                "FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3",
                date(1997, 9, 4),
                &["1997-09-04", "1997-10-07", "1997-11-06"],
            ),
            (
                "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2",
                date(1997, 9, 29),
                &["1997-09-29", "1997-10-30", "1997-11-27"],
            ),
            (
                "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO",
                date(1997, 8, 5),
                &["1997-08-05", "1997-08-10", "1997-08-19", "1997-08-24"],
            ),
            (
                "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU",
                date(1997, 8, 5),
                &["1997-08-05", "1997-08-17", "1997-08-19", "1997-08-31"],
            ),
            ("FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=3", date(2007, 1, 15), &["2007-01-15", "2007-01-30", "2007-02-15"]),
        ] {
            assert_occurrences(text, start, expected);
        }
    }

    #[test]
    fn a_day_that_a_month_or_year_lacks_is_left_out() {
        assert_occurrences("FREQ=MONTHLY", date(2026, 1, 31), &["2026-01-31", "2026-03-31", "2026-05-31"]);
        assert_occurrences("FREQ=YEARLY", date(2096, 2, 29), &["2096-02-29", "2104-02-29"]);
    }

    #[test]
    fn a_rule_that_never_matches_says_so_promptly() {
        for text in [
            "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
            "FREQ=YEARLY;BYYEARDAY=40;BYMONTHDAY=1",
            "FREQ=YEARLY;INTERVAL=4294967295",
        ] {
            let rule = parse(text, date(2026, 1, 1)).unwrap().rule;
            assert_eq!(rule.next(date(2026, 1, 2)), None, "{text}");
        }
    }

    #[test]
    fn what_the_standard_forbids_is_an_error() {
        for (text, message) in [
            ("COUNT=1", "RRULE has no FREQ"),
            ("FREQ=FORTNIGHTLY", "RRULE: `FORTNIGHTLY` is no value for FREQ"),
            ("FREQ=HOURLY", "RRULE: FREQ=HOURLY makes no sense for an all-day event"),
            ("FREQ=DAILY;COUNT=0", "RRULE: `0` is no value for COUNT"),
            ("FREQ=DAILY;INTERVAL=-1", "RRULE: `-1` is no value for INTERVAL"),
            ("FREQ=DAILY;COUNT=1;UNTIL=20260101", "RRULE: COUNT and UNTIL exclude each other"),
            ("FREQ=DAILY;FREQ=DAILY", "RRULE: `FREQ` stands twice"),
            ("FREQ=DAILY;BYMONTH=-1", "RRULE: `-1` is no value for BYMONTH"),
            ("FREQ=WEEKLY;BYDAY=1MO", "RRULE: BYDAY with a number needs FREQ=MONTHLY or FREQ=YEARLY"),
            ("FREQ=MONTHLY;BYDAY=MO,XX", "RRULE: `XX` is no value for BYDAY"),
            ("FREQ=YEARLY;BYSETPOS=1", "RRULE: BYSETPOS needs another BY… part"),
            ("FREQ=YEARLY;RSCALE=HEBREW", "RRULE: `RSCALE` is not supported"),
            ("FREQ", "RRULE: `FREQ` is not NAME=VALUE"),
        ] {
            assert_eq!(parse(text, date(2026, 1, 1)).expect_err(text), message);
        }
    }

    fn numbers(low: i16, high: i16) -> impl Strategy<Value = Vec<String>> {
        let number = (low..=high).prop_filter("not zero", |number| *number != 0);
        prop::collection::vec(number.prop_map(|number| number.to_string()), 1..4)
    }

    fn weekdays(ordinals: std::ops::RangeInclusive<i16>) -> impl Strategy<Value = Vec<String>> {
        let days = subsequence(vec!["MO", "TU", "WE", "TH", "FR", "SA", "SU"], 1..5);
        (days, ordinals).prop_map(|(days, ordinal)| {
            let ordinal = if ordinal == 0 { String::new() } else { ordinal.to_string() };
            days.into_iter().map(|day| format!("{ordinal}{day}")).collect()
        })
    }

    fn part(name: &'static str, values: impl Strategy<Value = Vec<String>>) -> impl Strategy<Value = String> {
        prop::option::weighted(0.4, values)
            .prop_map(move |list| list.map_or(String::new(), |list| format!(";{name}={}", list.join(","))))
    }

    /// Rules that the standard allows and on whose meaning readers agree: not so for a week that lies in two years.
    fn rule_text() -> impl Strategy<Value = String> {
        let yearly = prop_oneof![
            (part("BYMONTH", numbers(1, 12)), part("BYMONTHDAY", numbers(-31, 31)), part("BYDAY", weekdays(-4..=5)))
                .prop_map(|(a, b, c)| format!("FREQ=YEARLY{a}{b}{c}")),
            (part("BYYEARDAY", numbers(-366, 366)), part("BYDAY", weekdays(0..=0)))
                .prop_map(|(a, b)| format!("FREQ=YEARLY{a}{b}")),
            (numbers(2, 51), weekdays(0..=0)).prop_map(|(a, b)| format!(
                "FREQ=YEARLY;BYWEEKNO={};BYDAY={}",
                a.join(","),
                b.join(",")
            )),
        ];
        let monthly =
            (part("BYMONTH", numbers(1, 12)), part("BYMONTHDAY", numbers(-31, 31)), part("BYDAY", weekdays(-4..=5)))
                .prop_map(|(a, b, c)| format!("FREQ=MONTHLY{a}{b}{c}"));
        let weekly = (part("BYMONTH", numbers(1, 12)), part("BYDAY", weekdays(0..=0)))
            .prop_map(|(a, b)| format!("FREQ=WEEKLY{a}{b}"));
        let daily =
            (part("BYMONTH", numbers(1, 12)), part("BYMONTHDAY", numbers(-31, 31)), part("BYDAY", weekdays(0..=0)))
                .prop_map(|(a, b, c)| format!("FREQ=DAILY{a}{b}{c}"));
        let frequency = prop_oneof![yearly, monthly, weekly, daily];
        let week_start = select(vec!["MO", "SU", "WE"]);
        (frequency, 1..6_u32, week_start, prop::option::weighted(0.3, numbers(-4, 4))).prop_map(
            |(rule, interval, week_start, positions)| {
                // Readers disagree whether the days before the start belong to the first week's set.
                let pickable = rule.contains(";BY") && !rule.contains("WEEKLY");
                let positions =
                    positions.filter(|_| pickable).map_or(String::new(), |p| format!(";BYSETPOS={}", p.join(",")));
                format!("{rule};INTERVAL={interval};WKST={week_start}{positions}")
            },
        )
    }

    /// What the `rrule` crate makes of the same rule, told as midnights in UTC.
    fn by_another_reader(text: &str, start: Date, until: Date) -> Vec<Date> {
        let day = |date: Date| date.strftime("%Y%m%dT000000Z").to_string();
        let source = format!("DTSTART:{}\nRRULE:{text};UNTIL={}", day(start), day(until));
        let set: rrule::RRuleSet = source.parse().unwrap_or_else(|error| panic!("{source}: {error}"));
        let told = set.all(u16::MAX).dates;
        told.iter().map(|at| at.format("%Y-%m-%d").to_string().parse().expect("a date")).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn another_reader_of_the_standard_finds_the_same_dates(text in rule_text(), year in 1990_i16..2040, day in 0..366_i64) {
            let start = plus_days(date(year, 1, 1), day).unwrap();
            let until = plus_days(start, 2500).unwrap();
            let ours = occurrences(&format!("{text};UNTIL={}", until.strftime("%Y%m%d")), start, usize::MAX);
            prop_assert_eq!(ours, by_another_reader(&text, start, until));
        }

        #[test]
        fn asking_date_by_date_forwards_and_backwards_is_the_same(text in rule_text(), day in 0..366_i64) {
            let start = plus_days(date(2026, 1, 1), day).unwrap();
            let until = plus_days(start, 900).unwrap();
            let rule = Rule { until: Some(until), ..parse(&text, start).unwrap().rule };
            let found = |date: &Date| rule.occurs_on(*date);
            let every = || std::iter::successors(Some(start), |date| date.tomorrow().ok()).take(901);
            let onwards = std::iter::successors(rule.next(start), |date| rule.next(date.tomorrow().ok()?));
            prop_assert_eq!(onwards.collect::<Vec<Date>>(), every().filter(found).collect::<Vec<Date>>());
            prop_assert_eq!(rule.previous(Date::MAX), every().filter(found).last());
        }
    }
}
