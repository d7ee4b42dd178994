//! `validate`: every mistake at once, and what nobody means in the year ahead.

use anyhow::Result;
use baseload_core::diagnostic::{self, Diagnostic, Severity};
use baseload_core::spec;
use jiff::Timestamp;

use super::{Exit, loader};
use crate::cli::{ValidateArgs, ValidateOutput};
use crate::clock::Clock;
use crate::loader::Checked;
use crate::output;

/// Checks the schedules and says what was found.
///
/// # Errors
/// Only that the result cannot be printed.
pub(super) fn validate(args: ValidateArgs) -> Result<Exit> {
    let now = Clock::System.now();
    let checked = match loader(args.paths, args.limits.limits(), output::warn)?.check(now) {
        Ok(checked) => checked,
        Err(unreadable) => return Ok(super::refuse(&unreadable)),
    };
    let found = output::while_working("reading the year ahead", || findings(&checked, args.strict, now));
    print(args.output, &found, &checked)?;
    let is_refused = found.iter().any(|finding| finding.severity == Severity::Error);
    Ok(if is_refused { Exit::Bad } else { Exit::Fine })
}

/// Everything that was found; good schedules are read against the year ahead.
fn findings(checked: &Checked, strict: bool, now: Timestamp) -> Vec<Diagnostic> {
    let mut found = match &checked.outcome {
        Ok(loaded) => [loaded.warnings.clone(), spec::lint(loaded, now)].concat(),
        Err(diagnostics) => diagnostics.clone(),
    };
    if strict {
        found.iter_mut().for_each(|finding| finding.severity = Severity::Error);
    }
    diagnostic::sort(&mut found);
    found
}

fn print(form: ValidateOutput, found: &[Diagnostic], checked: &Checked) -> std::io::Result<()> {
    let files = &checked.tree.files;
    match form {
        ValidateOutput::Json => return output::json(&diagnostic::rows(found, files)),
        ValidateOutput::Github => return output::result(&diagnostic::github(found, files)),
        ValidateOutput::Text if found.is_empty() => {}
        ValidateOutput::Text => {
            output::note(&diagnostic::text(found, files, output::stderr_colour()));
            output::note(&diagnostic::summary(found));
        }
    }
    match &checked.outcome {
        Ok(loaded) if found.iter().all(|finding| finding.severity != Severity::Error) => {
            let (schedules, targets) = (loaded.schedules.iter().count(), loaded.schedules.rows().len());
            output::result(&format!("ok: {}, {}\n", counted(schedules, "schedule"), counted(targets, "target")))
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

pub(super) fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}
