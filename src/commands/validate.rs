//! `validate`: every mistake at once.

use anyhow::Result;
use baseload_core::diagnostic;

use super::{Exit, loader};
use crate::cli::{ValidateArgs, ValidateOutput};
use crate::clock::Clock;
use crate::output;

/// Checks the schedules and says what was found.
///
/// # Errors
/// Only that the result cannot be printed.
pub(super) fn validate(args: ValidateArgs) -> Result<Exit> {
    let loader = loader(args.paths, args.limits.max_floor, output::warn)?;
    let checked = match loader.check(Clock::System.now()) {
        Ok(checked) => checked,
        Err(unreadable) => return Ok(super::refuse(&unreadable)),
    };
    let found = match &checked.outcome {
        Ok(loaded) => &loaded.warnings,
        Err(diagnostics) => diagnostics,
    };
    let files = &checked.tree.files;
    match args.output {
        ValidateOutput::Json => output::json(&diagnostic::rows(found, files))?,
        ValidateOutput::Github => output::result(&diagnostic::github(found, files))?,
        ValidateOutput::Text => {
            if !found.is_empty() {
                output::note(&diagnostic::text(found, files, output::stderr_colour()));
                output::note(&diagnostic::summary(found));
            }
        }
    }
    let Ok(loaded) = &checked.outcome else { return Ok(Exit::Bad) };
    if args.output == ValidateOutput::Text {
        let (schedules, targets) = (loaded.schedules.iter().count(), loaded.schedules.rows().len());
        output::result(&format!("ok: {}, {}\n", counted(schedules, "schedule"), counted(targets, "target")))?;
    }
    Ok(Exit::Fine)
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}
