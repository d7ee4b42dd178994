//! Calendars: sets of local dates, from lists and from ICS files (RFC 5545), some of them without end.

pub mod ics;

use jiff::civil::Date;

/// A set of local dates.
#[derive(Clone, Debug, Default)]
pub struct DateSet(Vec<Date>);

impl DateSet {
    /// Builds the set of exactly these dates.
    pub fn from_dates(dates: impl IntoIterator<Item = Date>) -> Self {
        DateSet(dates.into_iter().collect())
    }

    /// Every date that is in either set.
    pub fn union(&self, other: &DateSet) -> DateSet {
        DateSet(self.0.iter().chain(&other.0).copied().collect())
    }

    /// The last member; `None` where the set is empty or endless.
    pub fn last(&self) -> Option<Date> {
        self.0.iter().max().copied()
    }
}
