//! `doctor`: tries everything that a controller needs, harmlessly, and names the one thing to change where one fails.
//!
//! Nothing is written: whether AWS would take a write is asked with one that it must refuse, for a service that is not
//! there.

mod account;
mod check;
mod inquiry;
#[cfg(feature = "lease")]
mod lease;
mod targets;

use anyhow::Result;
use baseload_core::timetable::Schedules;
use jiff::Timestamp;

use self::check::{Check, Verdict};
use self::inquiry::{Inquiry, Purpose};
use super::Exit;
use super::validate::counted;
use crate::cli::{DoctorArgs, Output, SourceArgs};
use crate::clock::Clock;
use crate::loader::Cause;
use crate::{about, output};

/// Checks everything and prints a verdict and, where one is due, a remedy for each.
///
/// # Errors
/// That the result cannot be printed, or that a source is not written as one.
pub(super) async fn doctor(args: DoctorArgs) -> Result<Exit> {
    let mut checks = vec![zone_data()];
    let (read, schedules) = schedules(&args.source, Clock::System.now())?;
    let is_bad_edit = matches!(schedules, Err(Some(Cause::BadEdit | Cause::Held)));
    checks.push(read);
    let schedules = schedules.unwrap_or_else(|_| Schedules::new(Vec::new()));
    let purpose = if args.dry_run { Purpose::Look } else { Purpose::Write };
    #[cfg(feature = "lease")]
    let lease = match args.lease.lease.filter(|_| !args.dry_run) {
        Some(place) => Some(lease::check(place).await),
        None => None,
    };
    #[cfg(not(feature = "lease"))]
    let lease = None;
    let roles = args.source.limits.accounts.roles()?;
    for inquiry in Inquiry::hold_everywhere(&schedules, purpose, roles).await {
        let mut found = account::checks(&inquiry);
        found.extend(lease.clone().filter(|_| inquiry.site.is_home()));
        if !schedules.is_empty() && inquiry.is_asked && inquiry.has_answers() {
            found.extend(targets::checks(&inquiry, &schedules, Clock::System.now()));
        }
        checks.extend(found.into_iter().map(|check| check.at(&inquiry.site)));
    }
    match args.output {
        Output::Json => output::json(&check::json(&checks))?,
        Output::Text => output::result(&check::text(&checks))?,
    }
    Ok(match check::worst(&checks) {
        _ if is_bad_edit => Exit::Bad,
        Verdict::Fail => Exit::Failed,
        Verdict::Ok | Verdict::Warn => Exit::Fine,
    })
}

fn zone_data() -> Check {
    const NAME: &str = "zone data";
    match about::zones() {
        Err(error) => Check::fail(NAME, format!("{error:#}"), "unset TZDIR to use the embedded rules"),
        Ok(zones) => match about::age_of(&zones) {
            Some(age) => Check::warn(NAME, age, "update that folder, or unset TZDIR to use the embedded rules"),
            None => Check::ok(NAME, format!("tzdb {}, {}", zones.version(), zones.origin())),
        },
    }
}

/// Reads the sources; where they are no good, says whose fault it is, unless it is the zone data's.
fn schedules(source: &SourceArgs, now: Timestamp) -> Result<(Check, Result<Schedules, Option<Cause>>)> {
    const NAME: &str = "schedules";
    if about::zones().is_err() {
        return Ok((Check::fail(NAME, "not read for want of zone data", "mend the zone data first"), Err(None)));
    }
    let loader = source.loader(|_age_of_zone_data_is_said_already| {})?;
    Ok(match loader.read(now) {
        Ok(schedules) => {
            let (exact, globs) = (schedules.exact_targets().len(), schedules.rows());
            let globs = globs.iter().filter(|row| !row.is_exact()).count();
            let counts = [(schedules.iter().count(), "schedule"), (exact, "target"), (globs, "pattern")];
            let counts = counts.map(|(count, what)| counted(count, what)).join(", ");
            (Check::ok(NAME, format!("{}: {counts}", loader.source())), Ok(schedules))
        }
        Err(rejection) => {
            let text = rejection.text(baseload_core::diagnostic::Colour::Never);
            let text = text.trim().trim_start_matches("error: ").to_owned();
            let remedy = match rejection.cause() {
                Cause::BadEdit => "mend the source; `baseload validate` checks it alone",
                Cause::Unreachable => "check the address, the way there and what it is asked with",
                Cause::Held => "see the message",
            };
            (Check::fail(NAME, text, remedy), Err(Some(rejection.cause())))
        }
    })
}
