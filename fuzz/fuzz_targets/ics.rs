//! An ICS file, whatever its bytes, is refused or becomes a set of dates that agrees with itself.

#![no_main]

use baseload_core::calendar::{DateSet, ics};
use jiff::civil::{Date, date};
use libfuzzer_sys::fuzz_target;

/// More members say nothing new.
const MEMBERS: usize = 50;

fuzz_target!(|content: &[u8]| match ics::parse(content) {
    Ok((dates, _warnings)) => check(&dates),
    Err(errors) => assert!(!errors.is_empty(), "a refusal without a reason"),
});

/// The next member is one, is not before what was asked for, and has no member between.
fn check(dates: &DateSet) {
    let mut from = date(2026, 1, 1);
    for _ in 0..MEMBERS {
        let Some(next) = dates.next(from) else { break };
        assert!(next >= from && dates.contains(next), "{next} after {from}");
        let between = from.series(jiff::Span::new().days(1)).take_while(|day| *day < next).take(MEMBERS);
        assert!(between.into_iter().all(|day| !dates.contains(day)), "a member between {from} and {next}");
        let Ok(after) = next.tomorrow() else { break };
        from = after;
    }
    match dates.last() {
        Some(last) => {
            assert!(dates.contains(last) && !dates.is_endless() && !dates.is_empty());
            assert_eq!(last.tomorrow().ok().and_then(|after| dates.next(after)), None, "a member after the last");
        }
        None => assert!(dates.is_endless() || dates.next(Date::MIN).is_none(), "members, but no last one"),
    }
}
