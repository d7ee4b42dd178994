//! `validate`: every mistake at once.

use anyhow::Result;
use baseload_core::diagnostic::{self, Severity};

use super::{Exit, loader};
use crate::cli::{ValidateArgs, ValidateOutput};
use crate::clock::Clock;
use crate::output;

/// Checks the schedules and says what was found.
///
/// # Errors
/// Only that the result cannot be printed.
pub(super) fn validate(args: ValidateArgs) -> Result<Exit> {
    let loader = loader(args.paths, args.limits.max_floor)?;
    let checked = match loader.check(Clock::System.now()) {
        Ok(checked) => checked,
        Err(unreadable) => return Ok(super::refuse(&unreadable)),
    };
    let (found, tree) = (&checked.diagnostics, &checked.tree);
    match args.output {
        ValidateOutput::Json => output::json(&diagnostic::rows(found, tree))?,
        ValidateOutput::Github => output::result(&diagnostic::github(found, tree))?,
        ValidateOutput::Text => {
            output::note(&diagnostic::text(found, tree, output::stderr_is_colourful()));
            if let Some(schedules) = &checked.schedules {
                let targets = schedules.rows().len();
                output::result(&format!("ok: {} schedules, {targets} targets\n", schedules.len()))?;
            }
        }
    }
    let is_bad = found.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
    Ok(if is_bad { Exit::Bad } else { Exit::Fine })
}
