//! `export`: schedules become AWS's own scheduled actions.

use std::collections::BTreeSet;

use anyhow::Result;
use baseload_core::model::{Floor, instant};
use baseload_core::native::{self, Difference, Export, Exported, PROOF_DAYS};
use baseload_core::spec::Limits;

use super::validate::counted;
use super::{Exit, loader, refuse};
use crate::cli::{ExportArgs, ExportOutput, ExportTo};
use crate::clock::Clock;
use crate::{about, output};

/// Exports, proves and prints.
///
/// # Errors
/// Only that the result cannot be printed.
pub(super) fn export(args: ExportArgs) -> Result<Exit> {
    let ExportTo::ScheduledActions = args.to;
    let now = Clock::System.now();
    let limits = Limits { accounts: args.accounts.names(), ..args.limits.limits() };
    let schedules = match loader(args.paths, limits, output::warn)?.read(now) {
        Ok(schedules) => schedules,
        Err(rejection) => return Ok(refuse(&rejection)),
    };
    let zones = about::zones()?;
    let targets: BTreeSet<_> =
        if args.targets.is_empty() { schedules.exact_targets() } else { args.targets.into_iter().collect() };
    let export = Export { zones: &zones, now };
    let exported = output::while_working("exporting and proving", || native::export(&schedules, &targets, &export));
    match args.output {
        ExportOutput::Terraform => output::result(&native::terraform(&exported))?,
        ExportOutput::Cloudformation => output::result(&native::cloudformation(&exported))?,
        ExportOutput::Json => output::json(&native::described(&exported))?,
    }
    report(&exported, zones.version());
    let is_whole = exported.differences.is_empty() && exported.refused.is_empty();
    Ok(if is_whole { Exit::Fine } else { Exit::Failed })
}

fn report(exported: &Exported, tzdb: &str) {
    exported.notes.iter().for_each(|note| output::note(&format!("note: {note}")));
    exported.refused.iter().for_each(|refused| output::note(&format!("not exported: {refused}")));
    differences(&exported.differences);
    let (targets, differing) = (exported.targets.len(), exported.differences.len());
    let actions: usize = exported.targets.iter().map(|(.., actions)| actions.len()).sum();
    output::note(&match (targets, differing) {
        (0, _) => "nothing was exported".to_owned(),
        (_, 0) => format!(
            "proved: {} on {}, to the instant as the schedules, over {PROOF_DAYS} days from {} (tzdb {tzdb})",
            counted(actions, "action"),
            counted(targets, "target"),
            instant(exported.span.from)
        ),
        (_, differing) => format!("not proved: {differing} stretches differ within {PROOF_DAYS} days (tzdb {tzdb})"),
    });
}

/// Prints where a proof failed.
pub(super) fn differences(found: &[Difference]) {
    for difference in found {
        let (from, to) = (instant(difference.from), instant(difference.to));
        let native = floor(difference.native);
        let schedules = difference.schedules.map_or_else(|| "nothing".to_owned(), floor);
        output::note(&format!(
            "differs: {} from {from} to {to}: actions {native}, schedules {schedules}",
            difference.target
        ));
    }
}

fn floor(floor: Floor) -> String {
    match floor.max {
        None => format!("min {}", floor.min),
        Some(max) => format!("min {} max {max}", floor.min),
    }
}
