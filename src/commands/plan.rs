//! `plan`: what would change in AWS now.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use baseload_core::controller::{Controller, Event, Revision, Settings};
use baseload_core::plan::report::{Report, Row, Tense};
use baseload_core::timetable::Schedules;
use jiff::Timestamp;

use super::{Exit, refuse};
use crate::aws::{Accounts, AwsConfig, Patience, Permit, Roles};
use crate::cli::{Output, PlanArgs};
use crate::clock::Clock;
use crate::driver::{self, Goal};
use crate::output;

/// How long AWS may take to say what there is.
const PATIENCE: Duration = Duration::from_secs(120);

/// Looks at AWS and prints the difference.
///
/// # Errors
/// Only that the result cannot be printed.
pub(super) async fn plan(args: PlanArgs) -> Result<Exit> {
    let clock = args.at.map_or(Clock::System, Clock::Fixed);
    let schedules = match args.source.loader(output::warn)?.read(clock.now()) {
        Ok(schedules) => schedules,
        Err(rejection) => return Ok(refuse(&rejection)),
    };
    let aws = connect(clock, args.source.limits.accounts.roles()?).await;
    let mut controller = once_controller(schedules.clone(), clock.now());
    driver::once(&mut controller, clock, &aws, Goal::Observed, PATIENCE).await;
    let report = report(&controller, clock.now());
    print(&report, args.output, Tense::WouldBe)?;
    warn_of_empty_globs(&schedules, &controller);
    Ok(match (report.has_unknown(), report.has_changes() && args.detailed_exitcode) {
        (true, _) => Exit::Failed,
        (false, true) => Exit::Differs,
        (false, false) => Exit::Fine,
    })
}

/// AWS, through the default chain, with nobody who counts calls.
pub(super) async fn connect(clock: Clock, roles: Roles) -> Accounts {
    let on_call = Arc::new(|_| {});
    let permit = Permit::unlimited();
    let config = AwsConfig { stand_in: None, patience: Patience::default(), clock, on_call, permit };
    Accounts::connect(config, roles).await
}

/// A controller that has its one configuration, will not look for another, and does not write yet.
pub(super) fn once_controller(schedules: Schedules, now: Timestamp) -> Controller {
    let settings = Settings {
        dry_run: true,
        survey: false,
        first_settle: jiff::SignedDuration::ZERO, // who asks once is told at once
        seed: seed(now),
        ..Settings::default()
    };
    let mut controller = Controller::new(settings, String::new());
    let revision = Revision { id: String::new(), digest: String::new(), schedules: Arc::new(schedules) };
    controller.handle(now, Event::Loaded(Ok(Some(revision))));
    controller
}

/// A seed for jitter: replicas that start together must not retry together.
pub(super) fn seed(now: Timestamp) -> u64 {
    u64::from(std::process::id()) << 32 | u64::from(now.subsec_nanosecond().unsigned_abs())
}

/// Where every target stands now.
pub(super) fn report(controller: &Controller, at: Timestamp) -> Report {
    let rows = controller.standings().map(|s| Row::new(s.target, s.decision, s.seen, s.verdict, s.error));
    Report { at, targets: rows.collect() }
}

/// Prints a report as asked.
///
/// # Errors
/// That stdout cannot be written to.
pub(super) fn print(report: &Report, output: Output, tense: Tense) -> Result<()> {
    match output {
        Output::Json => output::json(report)?,
        Output::Text => output::result(&report.text(tense))?,
    }
    Ok(())
}

/// A glob that fits nothing may be a slip of the pen.
pub(super) fn warn_of_empty_globs(schedules: &Schedules, controller: &Controller) {
    for row in schedules.rows().into_iter().filter(|row| !row.is_exact()) {
        if !controller.standings().any(|standing| row.matches(standing.target)) {
            output::warn(&format!("{row} matches no registered scalable target"));
        }
    }
}
