//! ICS files (RFC 5545): the dates of their all-day events, recurring ones included.
//!
//! Only `VEVENT`s count, and of those only what says *when*. Whatever would change the dates and is not understood is
//! an error rather than a guess. Everything is bounded, because a calendar often comes from somebody else.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;

use super::event::{Event, read_events};
use super::recurrence::Rule;
use super::{DateSet, Series, days_between, rrule};

const MAX_BYTES: usize = 1024 * 1024;
const MAX_RECURRING_EVENTS: usize = 500; // each is asked for each date
const MAX_DATES: usize = 200_000; // listed, or of rules with a COUNT
const MAX_SEARCHED_DAYS: i64 = 10_000_000; // between the occurrences of rules with a COUNT
const MAX_DAYS_OF_RECURRING_EVENT: u16 = 366;
const MAX_FINDINGS: usize = 100;

/// Something that was read in a way its author may not have meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IcsWarning {
    /// From 1, as an editor counts.
    pub line: usize,
    /// A sentence without a full stop.
    pub message: String,
}

/// Something for which the file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IcsError {
    /// From 1, as an editor counts.
    pub line: usize,
    /// A sentence without a full stop.
    pub message: String,
}

/// Reads the dates of a file's all-day events, and what is odd about it.
///
/// # Errors
/// Everything that is wrong with the file, the first hundred findings at most; never an empty list.
pub fn parse(bytes: &[u8]) -> Result<(DateSet, Vec<IcsWarning>), Vec<IcsError>> {
    if bytes.len() > MAX_BYTES {
        return Err(vec![IcsError { line: 1, message: "the file is larger than 1 MiB".to_owned() }]);
    }
    let mut findings = Findings::default();
    let events = read_events(bytes, &mut findings);
    warn_of_timed_events(&events, &mut findings);
    let set = dates_of(&events, &mut findings);
    findings.errors.sort_by_key(|error| error.line);
    if findings.errors.is_empty() { Ok((set, findings.warnings)) } else { Err(findings.errors) }
}

/// What is found while reading, errors and warnings apart; bounded.
#[derive(Default)]
pub(super) struct Findings {
    errors: Vec<IcsError>,
    warnings: Vec<IcsWarning>,
}

impl Findings {
    pub(super) fn error(&mut self, line: usize, message: impl Into<String>) {
        if self.errors.len() < MAX_FINDINGS {
            self.errors.push(IcsError { line, message: message.into() });
        }
    }

    pub(super) fn warning(&mut self, line: usize, message: impl Into<String>) {
        if self.warnings.len() < MAX_FINDINGS {
            self.warnings.push(IcsWarning { line, message: message.into() });
        }
    }

    fn absorb(&mut self, other: &Findings) {
        other.errors.iter().for_each(|found| self.error(found.line, found.message.as_str()));
        other.warnings.iter().for_each(|found| self.warning(found.line, found.message.as_str()));
    }
}

fn warn_of_timed_events(events: &[Event], findings: &mut Findings) {
    let timed = || events.iter().filter(|event| event.is_timed() && !event.cancelled);
    if let Some(first) = timed().next() {
        let message = match timed().count() {
            1 => "1 event has a time of day and is ignored: only all-day events give dates".to_owned(),
            count => format!("{count} events have a time of day and are ignored: only all-day events give dates"),
        };
        findings.warning(first.line, message);
    }
}

/// The dates of all events together.
fn dates_of(events: &[Event], findings: &mut Findings) -> DateSet {
    let replaced = replaced_starts(events, findings);
    let mut expansion = Expansion { dates: Vec::new(), series: Vec::new(), days_left: MAX_SEARCHED_DAYS };
    for event in events.iter().filter(|event| !event.is_timed()) {
        findings.absorb(&event.findings);
        if event.cancelled || !event.findings.errors.is_empty() {
            continue;
        }
        // An event that itself replaces an occurrence is not replaced in turn.
        let uid = if event.replaces.is_none() { event.uid.as_deref() } else { None };
        let replaced = uid.and_then(|uid| replaced.get(uid)).map_or(&[][..], Vec::as_slice);
        if let Err((line, message)) = expansion.take(event, replaced, findings) {
            findings.error(line, message);
        }
        if expansion.series.len() > MAX_RECURRING_EVENTS {
            findings.error(event.line, format!("more than {MAX_RECURRING_EVENTS} events recur"));
        }
        if expansion.series.len() > MAX_RECURRING_EVENTS || findings.errors.len() >= MAX_FINDINGS {
            break; // each vain search for a date costs milliseconds
        }
    }
    DateSet::new(expansion.dates, expansion.series)
}

/// By UID, the starts that another event of the same UID moves or cancels.
fn replaced_starts<'a>(events: &'a [Event], findings: &mut Findings) -> BTreeMap<&'a str, Vec<Date>> {
    let mut replaced: BTreeMap<&str, Vec<Date>> = BTreeMap::new();
    for event in events {
        match (&event.uid, event.replaces) {
            (Some(uid), Some(date)) => replaced.entry(uid).or_default().push(date),
            (None, Some(_)) if !event.is_timed() => {
                findings.error(event.line, "RECURRENCE-ID needs a UID, to say which event it changes");
            }
            (Some(_) | None, None) | (None, Some(_)) => {}
        }
    }
    replaced
}

/// What the events read so far come to.
struct Expansion {
    dates: Vec<Date>,
    series: Vec<Series>,
    days_left: i64, // of those that rules with a COUNT may search
}

/// One event's occurrences while its rules are read.
struct Occurrences {
    first: Date,
    days: i64, // that each of them covers
    except: Arc<[Date]>,
    starts: Vec<Date>, // listed ones; what recurs goes to the expansion's series
}

/// What is wrong, and in which line.
type Located = (usize, String);

impl Expansion {
    /// Adds an event, without the occurrences that others replace.
    fn take(&mut self, event: &Event, replaced: &[Date], findings: &mut Findings) -> Result<(), Located> {
        let at_event = |message| (event.line, message);
        let first = event.start.ok_or_else(|| at_event("the event has no DTSTART".to_owned()))?.date;
        let days = days_of(event, first, findings).map_err(at_event)?;
        let mut except: Vec<Date> = event.except.iter().chain(replaced).copied().collect();
        except.sort_unstable();
        let mut starts = event.extra_starts.clone();
        starts.push(first);
        let mut occurrences = Occurrences { first, days, except: except.into(), starts };
        for (line, text) in &event.rules {
            self.take_rule(*line, text, &mut occurrences, findings).map_err(|message| (*line, message))?;
        }
        self.add_dates(&occurrences).map_err(at_event)
    }

    /// Adds one rule of an event: as a series, or, where it is counted, as so many starts.
    fn take_rule(
        &mut self,
        line: usize,
        text: &str,
        occurrences: &mut Occurrences,
        findings: &mut Findings,
    ) -> Result<(), String> {
        let first = occurrences.first;
        let parsed = rrule::parse(text, first)?;
        parsed.warnings.into_iter().for_each(|warning| findings.warning(line, warning));
        let ends_before_it_starts = parsed.rule.until.is_some_and(|until| until < first);
        if !ends_before_it_starts && parsed.rule.next(first).is_none() {
            return Err("RRULE: no date ever satisfies all of it".to_owned());
        }
        let in_step = parsed.rule.occurs_on(first);
        if !in_step {
            findings.warning(line, "DTSTART is not among the dates of its RRULE; it counts all the same");
        }
        if let Some(count) = parsed.count {
            // DTSTART is the first of those counted, in step or not.
            return self.expand(&parsed.rule, if in_step { count } else { count - 1 }, &mut occurrences.starts);
        }
        let days = u16::try_from(occurrences.days).ok().filter(|days| *days <= MAX_DAYS_OF_RECURRING_EVENT);
        let days = days.ok_or(format!("an event that recurs may last {MAX_DAYS_OF_RECURRING_EVENT} days at most"))?;
        self.series.push(Series { rule: parsed.rule, days, except: Arc::clone(&occurrences.except) });
        Ok(())
    }

    fn expand(&mut self, rule: &Rule, count: u32, starts: &mut Vec<Date>) -> Result<(), String> {
        let mut from = rule.start;
        for _ in 0..count {
            let Some(date) = rule.next(from) else { return Ok(()) };
            self.days_left -= days_between(from, date) + 1;
            if starts.len() >= MAX_DATES || self.days_left < 0 {
                return Err("RRULE: the COUNT reaches too far; use UNTIL, or a rule without an end".to_owned());
            }
            starts.push(date);
            let Ok(tomorrow) = date.tomorrow() else { return Ok(()) };
            from = tomorrow;
        }
        Ok(())
    }

    fn add_dates(&mut self, occurrences: &Occurrences) -> Result<(), String> {
        let days = usize::try_from(occurrences.days).expect("an event lasts at least a day");
        let room = MAX_DATES.saturating_sub(self.dates.len());
        if occurrences.starts.len().saturating_mul(days) > room {
            return Err(format!("the events come to more than {MAX_DATES} dates"));
        }
        for start in &occurrences.starts {
            if occurrences.except.binary_search(start).is_err() {
                let dates = std::iter::successors(Some(*start), |date| date.tomorrow().ok());
                self.dates.extend(dates.take(days));
            }
        }
        Ok(())
    }
}

/// How many dates an all-day event covers; at least 1.
fn days_of(event: &Event, start: Date, findings: &mut Findings) -> Result<i64, String> {
    match (event.end, event.duration_days) {
        (Some(_), Some(_)) => Err("DTEND and DURATION exclude each other".to_owned()),
        (None, None) => Ok(1),
        (None, Some(days)) if days >= 1 => Ok(days),
        (None, Some(_)) => Err("the DURATION of an all-day event is a number of days or weeks, such as P2D".to_owned()),
        (Some((_, end)), None) if end.has_time => Err("DTSTART is a date, so DTEND must be one".to_owned()),
        (Some((_, end)), None) if end.date < start => Err("DTEND is before DTSTART".to_owned()),
        (Some((line, end)), None) if end.date == start => {
            findings.warning(line, "DTEND equals DTSTART, but names the day after the last; taken as one day");
            Ok(1)
        }
        (Some((_, end)), None) => Ok(days_between(start, end.date)),
    }
}

/// The beginning of a text that is quoted in a message.
pub(super) fn shorten(text: &str) -> String {
    const SHOWN: usize = 40;
    let start: String = text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(SHOWN).collect();
    if text.chars().nth(SHOWN).is_some() { format!("{start}…") } else { start }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    /// A calendar whose events have these lines; the first line of the first event is line 3.
    fn calendar(events: &[&[&str]]) -> String {
        let events: String =
            events.iter().map(|lines| format!("BEGIN:VEVENT\r\n{}\r\nEND:VEVENT\r\n", lines.join("\r\n"))).collect();
        format!("BEGIN:VCALENDAR\r\n{events}END:VCALENDAR\r\n")
    }

    fn read(events: &[&[&str]]) -> (DateSet, Vec<IcsWarning>) {
        parse(calendar(events).as_bytes()).expect("the calendar is well formed")
    }

    fn dates(events: &[&[&str]]) -> Vec<String> {
        let (set, warnings) = read(events);
        assert_eq!(warnings, []);
        listed(&set)
    }

    /// The first dozen members.
    fn listed(set: &DateSet) -> Vec<String> {
        let next = |date: &Date| set.next(date.tomorrow().ok()?);
        std::iter::successors(set.next(Date::MIN), next).take(12).map(|date| date.to_string()).collect()
    }

    fn errors(events: &[&[&str]]) -> Vec<(usize, String)> {
        let errors = parse(calendar(events).as_bytes()).expect_err("the calendar has errors");
        errors.into_iter().map(|error| (error.line, error.message)).collect()
    }

    fn warnings(events: &[&[&str]]) -> Vec<(usize, String)> {
        read(events).1.into_iter().map(|warning| (warning.line, warning.message)).collect()
    }

    #[test]
    fn an_event_without_an_end_is_one_day_with_or_without_the_value_parameter() {
        assert_eq!(dates(&[&["DTSTART;VALUE=DATE:20261225"], &["dtstart:20270101"]]), ["2026-12-25", "2027-01-01"]);
    }

    #[test]
    fn the_end_is_exclusive() {
        let expected = ["2026-12-24", "2026-12-25"];
        assert_eq!(dates(&[&["DTSTART;VALUE=DATE:20261224", "DTEND;VALUE=DATE:20261226"]]), expected);
        assert_eq!(dates(&[&["DTSTART;VALUE=DATE:20261224", "DURATION:P2D"]]), expected);
        assert_eq!(dates(&[&["DTSTART;VALUE=DATE:20261224", "DURATION:P1W"]]).len(), 7);
    }

    #[test]
    fn a_recurring_event_gives_each_of_its_dates_without_end() {
        let (set, _) = read(&[&["DTSTART:20261225", "DTEND:20261227", "RRULE:FREQ=YEARLY"]]);
        assert!(set.is_endless() && set.contains(date(2100, 12, 26)) && !set.contains(date(2100, 12, 27)));
        assert_eq!(set.next(date(2026, 12, 27)), Some(date(2027, 12, 25)));
    }

    #[test]
    fn a_counted_rule_and_a_rule_with_an_end_have_a_last_date() {
        for end in ["COUNT=3", "UNTIL=20281225", "UNTIL=20291224"] {
            let (set, _) = read(&[&["DTSTART:20261225", &format!("RRULE:FREQ=YEARLY;{end}")]]);
            assert_eq!((set.last(), set.is_endless()), (Some(date(2028, 12, 25)), false), "{end}");
        }
    }

    #[test]
    fn listed_occurrences_join_and_excepted_ones_leave() {
        let lines =
            ["DTSTART:20260101", "RRULE:FREQ=DAILY;COUNT=4", "RDATE;VALUE=DATE:20260201,20260203", "EXDATE:20260102"];
        assert_eq!(dates(&[&lines]), ["2026-01-01", "2026-01-03", "2026-01-04", "2026-02-01", "2026-02-03"]);
        assert_eq!(dates(&[&["DTSTART:20260101", "EXDATE:20260101"]]), [""; 0]);
    }

    #[test]
    fn an_exception_to_a_count_is_counted_and_one_to_an_endless_rule_holds() {
        let lines = ["DTSTART:20260101", "RRULE:FREQ=DAILY;COUNT=2", "EXDATE:20260101"];
        assert_eq!(dates(&[&lines]), ["2026-01-02"]);
        let (set, _) = read(&[&["DTSTART:20260101", "DURATION:P2D", "RRULE:FREQ=YEARLY", "EXDATE:20270101"]]);
        assert!(!set.contains(date(2027, 1, 1)) && !set.contains(date(2027, 1, 2)) && set.contains(date(2028, 1, 2)));
    }

    #[test]
    fn a_single_occurrence_is_moved_or_cancelled_by_an_event_of_the_same_uid() {
        let master = ["UID:a", "DTSTART:20260101", "RRULE:FREQ=YEARLY;COUNT=4"];
        let moved = ["UID:a", "RECURRENCE-ID;VALUE=DATE:20270101", "DTSTART:20270104"];
        let cancelled = ["UID:a", "RECURRENCE-ID:20280101", "STATUS:CANCELLED"];
        let of_another = ["UID:b", "RECURRENCE-ID:20290101", "DTSTART:20290105"];
        assert_eq!(
            dates(&[&cancelled, &master, &moved, &of_another]),
            ["2026-01-01", "2027-01-04", "2029-01-01", "2029-01-05"]
        );
    }

    #[test]
    fn an_occurrence_that_is_given_a_time_of_day_leaves_the_dates() {
        let master = ["UID:a", "DTSTART:20260101", "RRULE:FREQ=YEARLY;COUNT=2"];
        let timed = ["UID:a", "RECURRENCE-ID:20270101", "DTSTART:20270101T090000"];
        assert_eq!(listed(&read(&[&master, &timed]).0), ["2026-01-01"]);
    }

    #[test]
    fn cancelled_events_are_skipped() {
        assert_eq!(dates(&[&["DTSTART:20260101", "STATUS:cancelled"], &["DTSTART:20260102"]]), ["2026-01-02"]);
    }

    #[test]
    fn timed_events_are_ignored_with_one_warning_whatever_else_they_say() {
        let timed = ["DTSTART;TZID=\"Europe/Brussels\":20260101T090000", "RDATE;VALUE=PERIOD:20260101T090000Z/PT1H"];
        let found = warnings(&[&["DTSTART:20260102"], &timed, &["DTSTART:20260101T090000Z", "RRULE:FREQ=HOURLY"]]);
        assert_eq!(
            found,
            [(5, "2 events have a time of day and are ignored: only all-day events give dates".to_owned())]
        );
    }

    #[test]
    fn other_components_are_skipped_even_within_an_event() {
        let text = "BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nBEGIN:STANDARD\nDTSTART:19961027T030000\nRRULE:FREQ=YEARLY\n\
                    END:STANDARD\nEND:VTIMEZONE\nBEGIN:VEVENT\nBEGIN:VALARM\nDURATION:nonsense\nEND:VALARM\n\
                    DTSTART:20260101\nEND:VEVENT\nEND:VCALENDAR";
        let (set, warnings) = parse(text.as_bytes()).unwrap();
        assert_eq!((listed(&set), warnings), (vec!["2026-01-01".to_owned()], vec![]));
    }

    #[test]
    fn a_start_beside_its_rule_is_the_first_occurrence_all_the_same() {
        let event = ["DTSTART:20260102", "RRULE:FREQ=MONTHLY;BYMONTHDAY=1;COUNT=3"];
        assert_eq!(listed(&read(&[&event]).0), ["2026-01-02", "2026-02-01", "2026-03-01"]);
        let expected = (4, "DTSTART is not among the dates of its RRULE; it counts all the same".to_owned());
        assert_eq!(warnings(&[&event]), [expected]);
    }

    #[test]
    fn what_is_odd_but_clear_is_a_warning() {
        for (lines, expected) in [
            (
                ["DTSTART:20260101", "DTEND:20260101"],
                "DTEND equals DTSTART, but names the day after the last; taken as one day",
            ),
            (
                ["DTSTART:20260101", "EXDATE:20260201T000000"],
                "EXDATE has a time, of which an all-day event makes no use",
            ),
            (
                ["DTSTART:20260101", "RRULE:FREQ=DAILY;UNTIL=20260201T000000Z"],
                "UNTIL has a time, of which an all-day event makes no use",
            ),
            (["DTSTART:20260101", "RRULE:FREQ=DAILY;BYHOUR=9"], "BYHOUR is ignored: an all-day event has no time"),
        ] {
            assert_eq!(warnings(&[&lines]), [(4, expected.to_owned())]);
        }
    }

    #[test]
    fn mistakes_in_an_event_are_found_all_at_once_with_their_lines() {
        let first = ["DTSTART:20261325", "RDATE:20260101/20260102"];
        let second = ["DTSTART:20260102", "DTEND:20260101"];
        let expected = [
            (3, "`20261325` is no date for DTSTART; write YYYYMMDD"),
            (4, "a period in RDATE is not supported; write dates, YYYYMMDD"),
            (6, "DTEND is before DTSTART"),
            (10, "the event has no DTSTART"),
            (15, "EXRULE is not supported; list the dates in EXDATE"),
        ];
        let found = errors(&[&first, &second, &["SUMMARY:x"], &["DTSTART:20260101", "EXRULE:FREQ=DAILY"]]);
        assert_eq!(found, expected.map(|(line, message)| (line, message.to_owned())));
    }

    #[test]
    fn a_rule_that_never_comes_true_is_an_error() {
        let found = errors(&[&["DTSTART:20260101", "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"]]);
        assert_eq!(found, [(4, "RRULE: no date ever satisfies all of it".to_owned())]);
    }

    #[test]
    fn a_rule_that_ends_before_it_starts_leaves_the_first_occurrence() {
        let (set, warnings) = read(&[&["DTSTART:20260101", "RRULE:FREQ=DAILY;UNTIL=20251231"]]);
        assert_eq!((listed(&set), warnings.len()), (vec!["2026-01-01".to_owned()], 1));
    }

    #[test]
    fn mistakes_in_the_structure_are_errors() {
        for (text, line, message) in [
            ("", 1, "not an ICS file: there is no BEGIN:VCALENDAR"),
            ("hello", 1, "`hello` is not of the form NAME:VALUE"),
            ("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20260101", 3, "VEVENT is never closed: is the file cut off?"),
            ("BEGIN:VCALENDAR\nEND:VEVENT", 2, "END:VEVENT closes VCALENDAR"),
            ("DTSTART:20260101", 1, "a property outside BEGIN:VCALENDAR and END:VCALENDAR"),
        ] {
            let errors = parse(text.as_bytes()).expect_err("the structure is broken");
            assert_eq!(errors[0], IcsError { line, message: message.to_owned() }, "{text:?}");
        }
    }

    #[test]
    fn too_much_of_anything_is_refused() {
        assert_eq!(parse(&vec![b' '; MAX_BYTES + 1]).unwrap_err()[0].message, "the file is larger than 1 MiB");
        let many = vec![&["DTSTART:20260101", "RRULE:FREQ=YEARLY"][..]; MAX_RECURRING_EVENTS + 1];
        assert_eq!(errors(&many)[0].1, "more than 500 events recur");
        assert_eq!(
            errors(&[&["DTSTART:00010101", "DTEND:99990101"]])[0].1,
            "the events come to more than 200000 dates"
        );
        let far = "RRULE:FREQ=DAILY;COUNT=4000000000";
        assert!(errors(&[&["DTSTART:00010101", far]])[0].1.contains("reaches too far"));
        let long = ["DTSTART:20260101", "DURATION:P400D", "RRULE:FREQ=YEARLY"];
        assert_eq!(errors(&[&long])[0].1, "an event that recurs may last 366 days at most");
    }

    const SAMPLE: &str = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTART;VALUE=DATE:20261225\r\nDTEND:20261227\r\n\
        RRULE:FREQ=YEARLY;INTERVAL=2;BYMONTH=1,12;BYDAY=-1MO,2TU;BYSETPOS=1,-1;UNTIL=20401231\r\nEXDATE:20281225\r\n\
        END:VEVENT\r\nBEGIN:VEVENT\r\nUID:a\r\nRECURRENCE-ID:20261225\r\nDTSTART:20261226\r\nDURATION:P1W\r\n\
        RDATE:20270101,\r\n 20270103\r\nRRULE:FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=5\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

    /// Asks everything that could go wrong; a panic is the failure.
    fn exercise(bytes: &[u8]) {
        match parse(bytes) {
            Ok((set, _)) => {
                let from = set.next(Date::MIN).and_then(|first| set.next(first)).unwrap_or(Date::MAX);
                assert!(set.is_empty() || set.contains(from));
                assert!(set.last().is_none_or(|last| set.contains(last) && from <= last));
            }
            Err(errors) => assert!(!errors.is_empty()),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_bytes_whatever_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            exercise(&bytes);
        }

        #[test]
        fn no_mutation_of_a_good_file_makes_it_panic(
            edits in prop::collection::vec((0..SAMPLE.len(), "[0-9A-Z:;=,\r\n -]|\\PC", 0..3_usize), 1..6)
        ) {
            let mut text = SAMPLE.as_bytes().to_vec();
            for (at, new, removed) in &edits {
                let at = (*at).min(text.len());
                let end = (at + removed).min(text.len());
                text.splice(at..end, new.bytes());
            }
            exercise(&text);
        }
    }
}
