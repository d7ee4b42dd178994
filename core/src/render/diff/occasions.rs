//! Stretches of time as people say them: the same hours on many days are told once.

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::model::Span;
use crate::render::words::{clock_change, local_time};

/// So many days are named one by one.
const NAMED_DAYS: usize = 3;

/// One stretch, or the same hours on several days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Occasion {
    /// `09:00–14:00`; empty where `days` says it all.
    pub(super) hours: String,
    /// `20 days from Mon 23 Nov to Fri 18 Dec (Mon–Fri)`, `all the time`.
    pub(super) days: String,
}

enum Draft {
    Daily { hours: String, days: Vec<Date> },
    Single(Span),
}

/// Folds `spans`, which lie in order within `whole`, on the clock of `zone`.
pub(super) fn occasions(spans: &[Span], whole: Span, zone: &TimeZone) -> Vec<Occasion> {
    if spans == [whole] {
        return vec![Occasion { hours: String::new(), days: "all the time".to_owned() }];
    }
    let mut drafts: Vec<Draft> = Vec::new();
    for span in spans {
        let Some((hours, day)) = daily(*span, whole, zone) else {
            drafts.push(Draft::Single(*span));
            continue;
        };
        let known = drafts.iter_mut().find_map(|draft| match draft {
            Draft::Daily { hours: known, days } if *known == hours => Some(days),
            Draft::Daily { .. } | Draft::Single(_) => None,
        });
        match known {
            Some(days) => days.push(day),
            None => drafts.push(Draft::Daily { hours, days: vec![day] }),
        }
    }
    drafts.into_iter().map(|draft| told(draft, zone)).collect()
}

/// The hours and the day of a stretch that may come again: shorter than a day, on days whose clock does not change, and
/// not cut by the ends of what is compared.
fn daily(span: Span, whole: Span, zone: &TimeZone) -> Option<(String, Date)> {
    let local = |at: Timestamp| at.to_zoned(zone.clone());
    let (from, to) = (local(span.from), local(span.to));
    let is_cut = span.from == whole.from || span.to == whole.to;
    let is_long = span.to.duration_since(span.from) >= SignedDuration::from_hours(24);
    let is_odd = [from.date(), to.date()].into_iter().any(|day| clock_change(day, zone).is_some());
    let hours = format!("{}–{}", from.strftime("%H:%M"), to.strftime("%H:%M"));
    (!is_cut && !is_long && !is_odd).then(|| (hours, from.date()))
}

fn told(draft: Draft, zone: &TimeZone) -> Occasion {
    match draft {
        Draft::Daily { hours, days } => Occasion { hours, days: days_told(&days) },
        Draft::Single(Span { from, to }) => {
            let days = format!("{} to {}", local_time(from, zone), local_time(to, zone));
            Occasion { hours: String::new(), days: days.replace("  ", " ") }
        }
    }
}

fn days_told(days: &[Date]) -> String {
    let day = |day: &Date| day.strftime("%a %-d %b").to_string();
    let (Some(first), Some(last)) = (days.first(), days.last()) else { return String::new() };
    if days.len() <= NAMED_DAYS {
        return days.iter().map(day).collect::<Vec<_>>().join(", ");
    }
    format!("{} days from {} to {}{}", days.len(), day(first), day(last), weekdays(days))
}

/// ` (Mon–Thu, Sat)`; nothing where there are days of every name.
fn weekdays(days: &[Date]) -> String {
    const NAMES: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let offsets: BTreeSet<_> = days.iter().map(|day| day.weekday().to_monday_zero_offset()).collect();
    let among = NAMES.iter().zip(0..).map(|(name, offset)| (*name, offsets.contains(&offset))).collect::<Vec<_>>();
    let runs = among.chunk_by(|one, other| one.1 == other.1).filter(|run| run[0].1);
    let told = runs.map(|run| match run {
        [(first, _), .., (last, _)] => format!("{first}–{last}"),
        _ => run[0].0.to_owned(),
    });
    if offsets.len() == NAMES.len() { String::new() } else { format!(" ({})", told.collect::<Vec<_>>().join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timetable::Zones;

    fn span(from: &str, to: &str) -> Span {
        let at = |text: &str| text.parse().expect("an instant");
        Span { from: at(from), to: at(to) }
    }

    fn said(spans: &[Span]) -> Vec<String> {
        let zone = Zones::embedded().get("Europe/Brussels").expect("a zone");
        let whole = span("2026-10-01T00:00:00Z", "2026-12-01T00:00:00Z");
        let told = occasions(spans, whole, &zone);
        told.into_iter().map(|it| format!("{} {}", it.hours, it.days).trim().to_owned()).collect()
    }

    fn mornings(days: &[u8]) -> Vec<Span> {
        let morning = |day: &u8| span(&format!("2026-11-{day:02}T08:00:00Z"), &format!("2026-11-{day:02}T09:30:00Z"));
        days.iter().map(morning).collect()
    }

    #[test]
    fn the_same_hours_on_many_days_are_one_occasion() {
        assert_eq!(said(&mornings(&[2, 3, 4, 5, 6])), ["09:00–10:30 5 days from Mon 2 Nov to Fri 6 Nov (Mon–Fri)"]);
        assert_eq!(said(&mornings(&[6, 13, 20, 27])), ["09:00–10:30 4 days from Fri 6 Nov to Fri 27 Nov (Fri)"]);
        assert_eq!(said(&mornings(&[2, 4, 5, 9])), ["09:00–10:30 4 days from Mon 2 Nov to Mon 9 Nov (Mon, Wed–Thu)"]);
        assert_eq!(said(&mornings(&[2, 3, 4, 5, 6, 7, 8])), ["09:00–10:30 7 days from Mon 2 Nov to Sun 8 Nov"]);
        assert_eq!(said(&mornings(&[6, 13])), ["09:00–10:30 Fri 6 Nov, Fri 13 Nov"]);
    }

    #[test]
    fn long_stretches_and_the_whole_are_told_as_such() {
        assert_eq!(said(&[span("2026-10-01T00:00:00Z", "2026-12-01T00:00:00Z")]), ["all the time"]);
        assert_eq!(
            said(&[span("2026-11-06T08:00:00Z", "2026-11-08T08:00:00Z")]),
            ["Fri 6 Nov 09:00 to Sun 8 Nov 09:00"]
        );
    }

    #[test]
    fn on_a_day_whose_clock_changes_the_offset_tells_the_hours_apart() {
        assert_eq!(
            said(&[span("2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z")]),
            ["Sun 25 Oct 02:30 +02:00 to Sun 25 Oct 02:30 +01:00"]
        );
    }
}
