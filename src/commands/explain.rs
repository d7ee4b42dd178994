//! `explain`: why a target has the floor it has.

use anyhow::Result;
use baseload_core::render;

use super::{Exit, refuse};
use crate::cli::{ExplainArgs, Output};
use crate::clock::Clock;
use crate::{about, output};

/// Prints the windows in play, who won and why, and the next change.
///
/// # Errors
/// Only that the result cannot be printed.
pub(super) fn explain(args: &ExplainArgs) -> Result<Exit> {
    let now = Clock::System.now();
    let schedules = match args.source.loader(output::warn)?.read(now) {
        Ok(schedules) => schedules,
        Err(rejection) => return Ok(refuse(&rejection)),
    };
    let explanation = schedules.explain(&args.target, args.at.unwrap_or(now));
    match args.output {
        Output::Json => output::json(&explanation)?,
        Output::Text => {
            let zones = about::zones()?;
            output::result(&render::explain::text(&explanation, zones.version()))?;
        }
    }
    Ok(Exit::Fine)
}
