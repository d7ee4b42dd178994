//! `schema`: the fields of schedule files, for editors and CI.

use anyhow::Result;
use baseload_core::spec::json_schema;

use super::Exit;
use crate::output;

/// Prints the JSON Schema.
///
/// # Errors
/// Only that the result cannot be printed.
pub(super) fn schema() -> Result<Exit> {
    output::result(&json_schema())?;
    Ok(Exit::Fine)
}
