//! Calendars: sets of local dates, from lists and from ICS files (RFC 5545), some of them without end.

use std::collections::BTreeSet;

use jiff::civil::Date;

/// A set of local dates.
#[derive(Clone, Debug, Default)]
pub struct DateSet {
    dates: BTreeSet<Date>,
}

impl DateSet {
    /// Whether `date` is a member.
    pub fn contains(&self, date: Date) -> bool {
        self.dates.contains(&date)
    }

    /// The first member that is not before `from`.
    pub fn next(&self, from: Date) -> Option<Date> {
        self.dates.range(from..).next().copied()
    }

    /// The last member.
    pub fn last(&self) -> Option<Date> {
        self.dates.last().copied()
    }

    /// The set of these dates.
    pub fn from_dates(dates: impl IntoIterator<Item = Date>) -> DateSet {
        DateSet { dates: dates.into_iter().collect() }
    }
}
