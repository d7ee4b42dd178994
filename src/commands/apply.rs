//! `apply`: one reconcile.

use anyhow::Result;
use baseload_core::plan::report::Tense;

use super::plan::{connect, once_controller, print, report, warn_of_empty_globs};
use super::{Exit, refuse};
use crate::cli::ApplyArgs;
use crate::clock::{Clock, monotonic};
use crate::driver::{self, Goal};
use crate::output;

/// Looks at AWS, writes what is due, and prints what was done.
///
/// # Errors
/// Only that the result cannot be printed.
pub(super) async fn apply(args: ApplyArgs) -> Result<Exit> {
    let clock = Clock::System;
    let schedules = match args.source.loader(output::warn)?.read(clock.now()) {
        Ok(schedules) => schedules,
        Err(rejection) => return Ok(refuse(&rejection)),
    };
    let (aws, started) = (connect(clock, args.source.limits.accounts.roles()?).await, monotonic());
    let mut controller = once_controller(schedules.clone(), clock.now());
    driver::once(&mut controller, clock, &aws, Goal::Observed, args.timeout).await;
    let mut done = report(&controller, clock.now());

    controller.allow_writes();
    let left = args.timeout.saturating_sub(started.elapsed());
    let in_time = driver::once(&mut controller, clock, &aws, Goal::Applied, left).await;
    for standing in controller.standings() {
        let Ok(at) = done.targets.binary_search_by_key(standing.target, |row| row.target()) else { continue };
        let row = &mut done.targets[at];
        row.error = standing.error.map(ToString::to_string);
        if row.error.is_none() && !in_time && (standing.in_flight || standing.verdict.action().is_some()) {
            row.error = Some(format!("not accepted within {} s", args.timeout.as_secs()));
        }
    }
    print(&done, args.output, Tense::Done)?;
    warn_of_empty_globs(&schedules, &controller);
    if !in_time {
        output::note("error: the time given by --timeout is over");
    }
    let failed = done.has_errors() || done.has_unknown() || !in_time;
    Ok(if failed { Exit::Failed } else { Exit::Fine })
}
