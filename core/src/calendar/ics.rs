//! (in the making)

use super::DateSet;

/// Placeholder.
pub struct IcsWarning {
    /// Line.
    pub line: usize,
    /// Words.
    pub message: String,
}

/// Placeholder.
pub struct IcsError {
    /// Line.
    pub line: usize,
    /// Words.
    pub message: String,
}

/// Placeholder.
///
/// # Errors
/// Without BEGIN:VCALENDAR.
pub fn parse(bytes: &[u8]) -> Result<(DateSet, Vec<IcsWarning>), Vec<IcsError>> {
    if bytes.starts_with(b"BEGIN:VCALENDAR") {
        Ok((DateSet::default(), Vec::new()))
    } else {
        Err(vec![IcsError { line: 1, message: "no VCALENDAR".to_owned() }])
    }
}
