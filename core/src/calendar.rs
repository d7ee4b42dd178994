//! Calendars: sets of local dates, from lists and from ICS files (RFC 5545), some of them without end.

/// A set of local dates.
#[derive(Clone, Debug, Default)]
pub struct DateSet {}
