//! A second witness: the rules of the timetable, written again on chrono and chrono-tz, in the most naive way there is.
//!
//! The product computes boundaries; the oracle asks every minute what holds. Sources go to the product as YAML text, so
//! that its parser is a part of what is compared. The number of random sources is that of `BASELOAD_REFERENCE_CASES`.

#![expect(unreachable_pub, reason = "a test has no outside: `pub` is what a module gives to the others")]

#[path = "reference/compare.rs"]
mod compare;
#[path = "reference/dates.rs"]
mod dates;
#[path = "reference/named.rs"]
mod named;
#[path = "reference/oracle.rs"]
mod oracle;
#[path = "reference/random.rs"]
mod random;
#[path = "reference/shrink.rs"]
mod shrink;
#[path = "reference/source.rs"]
mod source;
#[path = "reference/sweep.rs"]
mod sweep;
#[path = "reference/yaml.rs"]
mod yaml;
#[path = "reference/zones.rs"]
mod zones;

use baseload_core::calendar::ics;
use chrono::{Datelike, Days};
use random::{Case, case};

/// How many random sources are compared where the environment does not say.
const CASES: u64 = 200;

#[test]
fn random_timetables_equal_the_oracle_minute_by_minute() {
    let cases =
        std::env::var("BASELOAD_REFERENCE_CASES").map_or(CASES, |text| text.parse().expect("a number of cases"));
    let first = std::env::var("BASELOAD_REFERENCE_FIRST").map_or(0, |text| text.parse().expect("a number of a case"));
    let mut compared = 0;
    for number in first..first + cases {
        let Case { source, span } = case(number);
        if !compare::comparable(&source, &span) {
            continue;
        }
        compared += 1;
        shrink::assert_same(source, span, 61, &format!("case {number}"));
    }
    assert!(compared * 10 >= cases * 8, "only {compared} of {cases} cases lie where the databases agree");
}

#[test]
fn random_ics_files_give_the_dates_that_the_oracle_counts_out() {
    let calendars = (0..2 * CASES).flat_map(|number| case(number).source.calendars);
    for mut calendar in calendars.filter(|calendar| !calendar.events.is_empty()) {
        calendar.dates.clear();
        let text = yaml::ics(&calendar.events);
        let (read, _) = ics::parse(text.as_bytes()).unwrap_or_else(|errors| panic!("{errors:?}\n{text}"));
        let first = calendar.events[0].start - Days::new(40);
        let horizon = first + Days::new(1500);
        let expected = dates::dates(&calendar, horizon);
        for date in first.iter_days().take_while(|date| *date < horizon) {
            let civil = jiff::civil::date(date.year() as i16, date.month() as i8, date.day() as i8);
            assert_eq!(read.contains(civil), expected.contains(&date), "{date}\n{text}");
        }
    }
}
