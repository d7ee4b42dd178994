//! Five-field cron expressions, as rules over local dates and minutes.

use std::ops::Range;

/// A checked expression.
#[derive(Clone, Debug)]
pub struct Cron {}

/// Placeholder.
pub struct CronError {
    /// Words.
    pub message: String,
    /// Bytes.
    pub range: Range<usize>,
    /// Advice.
    pub help: Option<String>,
}

impl Cron {
    /// Placeholder.
    ///
    /// # Errors
    /// Not five fields.
    pub fn parse(text: &str) -> Result<Cron, CronError> {
        if text.split_whitespace().count() == 5 {
            Ok(Cron {})
        } else {
            Err(CronError { message: "not five fields".to_owned(), range: 0..text.len(), help: None })
        }
    }

    /// Placeholder.
    pub fn never_matches(&self) -> bool {
        false
    }

    /// Placeholder.
    pub fn both_day_fields_set(&self) -> bool {
        false
    }
}
