//! Five-field cron expressions, as rules over local dates and minutes.

/// A checked expression.
#[derive(Clone, Debug)]
pub struct Cron {}
