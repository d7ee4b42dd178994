//! `preview`: the timetable over a span.

use anyhow::Result;
use baseload_core::model::Span;
use baseload_core::render::{Preview, text};
use jiff::SignedDuration;

use super::{Exit, loader, refuse};
use crate::cli::{Output, PreviewArgs};
use crate::clock::Clock;
use crate::{about, output};

/// Prints every row of the source over the span.
///
/// # Errors
/// Only that the result cannot be printed.
pub(super) fn preview(args: PreviewArgs) -> Result<Exit> {
    let now = Clock::System.now();
    let from = args.from.unwrap_or(now);
    let end_of_span = || from.checked_add(SignedDuration::try_from(args.span)?);
    let Some(to) = args.to.or_else(|| end_of_span().ok()).filter(|to| *to > from) else {
        output::note("error: the span must end after it begins, and before the year 10000");
        return Ok(Exit::Bad);
    };
    let schedules = match loader(args.paths, args.limits.limits(), output::warn)?.read(now) {
        Ok(schedules) => schedules,
        Err(rejection) => return Ok(refuse(&rejection)),
    };
    let zones = about::zones()?;
    let preview = Preview::of(&schedules, Span { from, to }, zones.version());
    match args.output {
        Output::Json => output::result(&preview.to_json())?,
        Output::Text => output::result(&text::preview(&preview, &preview.zone(&schedules), output::stdout_colour()))?,
    }
    Ok(Exit::Fine)
}
