//! `diff`: how two sources' timetables differ, and what the shrink guard will say.

use anyhow::Result;
use baseload_core::compare::{self, BeforeAndAfter};
use baseload_core::guard;
use baseload_core::model::Span;
use baseload_core::render::diff::{Acknowledged, Diff, Guard};
use baseload_core::spec::Loaded;
use jiff::{SignedDuration, Timestamp};

use super::{Exit, loader, refuse};
use crate::cli::{DiffArgs, DiffOutput};
use crate::clock::Clock;
use crate::loader::{Loader, Rejection};
use crate::{about, output};

/// A good source, and its digest.
struct Side {
    loaded: Loaded,
    digest: String,
}

/// Compares two sources and prints how they differ.
///
/// # Errors
/// Only that the result cannot be printed.
pub(super) fn diff(args: &DiffArgs) -> Result<Exit> {
    let now = Clock::System.now();
    let from = Timestamp::from_second(args.from.unwrap_or(now).as_second())?;
    let Ok(to) = from.checked_add(SignedDuration::try_from(args.span)?) else {
        output::note("error: the span ends beyond the end of time: choose an earlier --from or a shorter --for");
        return Ok(Exit::Bad);
    };
    let limits = args.limits.limits();
    let old = side("OLD", &args.old, &loader(vec![args.old.clone()], limits.clone(), output::warn)?, now);
    let new = side("NEW", &args.new, &loader(vec![args.new.clone()], limits, |_| ())?, now);
    let (Some(old), Some(new)) = (old, new) else { return Ok(Exit::Bad) };
    print(&old, &new, Span { from, to }, now, args)?;
    Ok(Exit::Fine)
}

/// Reads a source; `None`: it is bad, and was told so.
fn side(which: &str, source: &str, loader: &Loader, now: Timestamp) -> Option<Side> {
    let checked = match loader.check(now) {
        Ok(checked) => checked,
        Err(unreadable) => return told(which, source, &unreadable),
    };
    let digest = checked.tree.digest();
    match checked.outcome {
        Ok(loaded) => Some(Side { loaded, digest }),
        Err(diagnostics) => told(which, source, &Rejection::refused(&diagnostics, &checked.tree)),
    }
}

fn told(which: &str, source: &str, rejection: &Rejection) -> Option<Side> {
    refuse(rejection);
    output::note(&format!("error: {which} ({source}) is no good source of schedules"));
    None
}

fn print(old: &Side, new: &Side, span: Span, now: Timestamp, args: &DiffArgs) -> Result<()> {
    let schedules = BeforeAndAfter { before: &old.loaded.schedules, after: &new.loaded.schedules };
    let comparison = output::while_working("comparing", || compare::compare(schedules.before, schedules.after, span));
    let percent = args.guard.shrink_guard;
    let guard = Guard {
        percent,
        held: guard::judge(schedules.before, schedules.after, now, percent),
        acknowledged: Acknowledged::among(&new.loaded.acknowledgements, &old.digest),
    };
    let zones = about::zones()?;
    let diff = Diff {
        comparison: &comparison,
        schedules,
        revisions: BeforeAndAfter { before: &old.digest, after: &new.digest },
        guard,
        tzdb: zones.version(),
    };
    output::result(&match args.output {
        DiffOutput::Text => diff.to_text(),
        DiffOutput::Json => diff.to_json(),
        DiffOutput::Markdown => diff.to_markdown(),
    })?;
    Ok(())
}
