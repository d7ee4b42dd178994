//! Calendars: sets of local dates, from lists and from ICS files (RFC 5545), some of them without end.
//!
//! A date here floats: it is the whole local day, wherever the schedule that asks has its clock. Explicit dates are
//! kept sorted; a recurring event stays a rule and is asked date by date, so that a set without end costs no memory.

pub mod ics;

mod content_line;
mod event;
mod recurrence;
mod rrule;

use std::sync::Arc;

use jiff::SignedDuration;
use jiff::civil::Date;

use recurrence::Rule;

/// A set of local dates, possibly without end. Cloning is cheap: the dates are shared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DateSet {
    dates: Arc<[Date]>, // sorted, without duplicates
    series: Arc<[Series]>,
}

impl DateSet {
    /// Builds the set of exactly these dates.
    pub fn from_dates(dates: impl IntoIterator<Item = Date>) -> Self {
        DateSet::new(dates.into_iter().collect(), Vec::new())
    }

    fn new(mut dates: Vec<Date>, series: Vec<Series>) -> Self {
        dates.sort_unstable();
        dates.dedup();
        DateSet { dates: dates.into(), series: series.into() }
    }

    /// Every date that is in either set.
    pub fn union(&self, other: &DateSet) -> DateSet {
        let dates = self.dates.iter().chain(other.dates.iter()).copied().collect();
        DateSet::new(dates, self.series.iter().chain(other.series.iter()).cloned().collect())
    }

    /// Whether `date` is a member.
    pub fn contains(&self, date: Date) -> bool {
        self.dates.binary_search(&date).is_ok() || self.series.iter().any(|series| series.contains(date))
    }

    /// The first member that is not before `from`; `None` where there is none until the year 9999 ends.
    pub fn next(&self, from: Date) -> Option<Date> {
        let listed = self.dates.get(self.dates.partition_point(|date| *date < from)).copied();
        self.series.iter().filter_map(|series| series.next(from)).chain(listed).min()
    }

    /// The last member; `None` where the set is empty or endless.
    pub fn last(&self) -> Option<Date> {
        if self.is_endless() {
            return None;
        }
        self.series.iter().filter_map(Series::last).chain(self.dates.last().copied()).max()
    }

    /// Whether some event in it recurs without end.
    pub fn is_endless(&self) -> bool {
        self.series.iter().any(|series| series.rule.until.is_none())
    }

    /// Whether no date is a member.
    pub fn is_empty(&self) -> bool {
        self.next(Date::MIN).is_none()
    }
}

/// A recurring event of one or more whole days.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Series {
    rule: Rule,
    days: u16,           // how many dates each occurrence covers, from its start on; at least 1
    except: Arc<[Date]>, // sorted starts at which the rule's occurrence is cancelled or moved
}

impl Series {
    fn contains(&self, date: Date) -> bool {
        let starts = (0..self.days).map_while(|days| plus_days(date, -i64::from(days)));
        starts.into_iter().any(|start| !self.is_excepted(start) && self.rule.occurs_on(start))
    }

    fn next(&self, from: Date) -> Option<Date> {
        // The earliest start whose occurrence still reaches `from`.
        let reaching = plus_days(from, 1 - i64::from(self.days)).unwrap_or(Date::MIN);
        let mut start = self.rule.next(reaching)?;
        while self.is_excepted(start) {
            start = self.rule.next(start.tomorrow().ok()?)?;
        }
        Some(start.max(from))
    }

    fn last(&self) -> Option<Date> {
        let mut start = self.rule.previous(self.rule.until?)?;
        while self.is_excepted(start) {
            start = self.rule.previous(start.yesterday().ok()?)?;
        }
        Some(plus_days(start, i64::from(self.days) - 1).unwrap_or(Date::MAX))
    }

    fn is_excepted(&self, start: Date) -> bool {
        self.except.binary_search(&start).is_ok()
    }
}

/// The date so many days later, or earlier if negative; `None` outside the years that can be told.
fn plus_days(date: Date, days: i64) -> Option<Date> {
    date.checked_add(SignedDuration::from_hours(24 * days)).ok()
}

/// How many days `end` is after `start`.
fn days_between(start: Date, end: Date) -> i64 {
    end.duration_since(start).as_hours() / 24
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::recurrence::Frequency;
    use super::*;

    fn yearly(until: Option<Date>, days: u16, except: &[Date]) -> DateSet {
        let rule = Rule { until, ..Rule::new(date(2026, 12, 24), Frequency::Yearly) };
        DateSet::new(Vec::new(), vec![Series { rule: rule.completed(), days, except: except.into() }])
    }

    #[test]
    fn listed_dates_are_members_in_any_order() {
        let set = DateSet::from_dates([date(2027, 1, 1), date(2026, 12, 25), date(2027, 1, 1)]);
        assert!(set.contains(date(2026, 12, 25)) && !set.contains(date(2026, 12, 26)));
        assert_eq!(set.next(date(2026, 12, 26)), Some(date(2027, 1, 1)));
        assert_eq!(set.next(date(2027, 1, 2)), None);
        assert_eq!(set.last(), Some(date(2027, 1, 1)));
    }

    #[test]
    fn the_default_set_is_empty() {
        assert!(DateSet::default().is_empty() && !DateSet::default().is_endless());
        assert_eq!(DateSet::default().last(), None);
    }

    #[test]
    fn an_endless_set_has_no_last_date() {
        let set = yearly(None, 1, &[]);
        assert!(set.is_endless() && !set.is_empty());
        assert_eq!(set.last(), None);
        assert_eq!(set.next(date(9998, 12, 25)), Some(date(9999, 12, 24)));
        assert_eq!(set.next(date(9999, 12, 25)), None);
    }

    #[test]
    fn each_day_of_an_occurrence_is_a_member() {
        let set = yearly(None, 10, &[]);
        assert!(set.contains(date(2026, 12, 24)) && set.contains(date(2027, 1, 2)) && !set.contains(date(2027, 1, 3)));
        assert_eq!(set.next(date(2026, 12, 30)), Some(date(2026, 12, 30)));
        assert_eq!(set.next(date(2027, 1, 3)), Some(date(2027, 12, 24)));
    }

    #[test]
    fn an_excepted_occurrence_is_passed_over_in_both_directions() {
        let set = yearly(Some(date(2029, 12, 31)), 2, &[date(2026, 12, 24), date(2029, 12, 24)]);
        assert_eq!(set.next(date(2026, 1, 1)), Some(date(2027, 12, 24)));
        assert!(!set.contains(date(2026, 12, 25)));
        assert_eq!(set.last(), Some(date(2028, 12, 25)));
    }

    #[test]
    fn a_union_has_the_members_of_both() {
        let set = yearly(None, 1, &[]).union(&DateSet::from_dates([date(2026, 5, 1)]));
        assert!(set.is_endless() && set.contains(date(2026, 5, 1)) && set.contains(date(2030, 12, 24)));
        assert_eq!(set.next(date(2026, 5, 2)), Some(date(2026, 12, 24)));
    }
}
