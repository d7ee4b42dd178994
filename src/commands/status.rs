//! `status` and `healthcheck`: what the running controller says.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use baseload_core::status::{ConditionKind, Status, TargetStatus, Truth};
use comfy_table::Table;
use comfy_table::presets::NOTHING;

use super::Exit;
use crate::cli::{Output, ServerArgs, StatusArgs};
use crate::{client, output};

/// How often `--watch` prints.
const PACE: Duration = Duration::from_secs(2);

/// Prints the controller's table, once or until interrupted.
///
/// # Errors
/// That the controller cannot be asked.
pub(super) async fn status(args: StatusArgs) -> Result<Exit> {
    loop {
        print(&args).await?;
        if !args.watch {
            return Ok(Exit::Fine);
        }
        tokio::select! {
            () = tokio::time::sleep(PACE) => {}
            _ = tokio::signal::ctrl_c() => return Ok(Exit::Fine),
        }
    }
}

async fn print(args: &StatusArgs) -> Result<()> {
    let answer = client::get(&args.server.server, "/api/v1/status").await?;
    if answer.code != 200 {
        bail!("{} answers with status {}", args.server.server, answer.code);
    }
    if args.output == Output::Json {
        return Ok(output::result(&(answer.body + "\n"))?);
    }
    let status: Status = serde_json::from_str(&answer.body).context("the answer is not a controller's status")?;
    if args.watch {
        output::clear()?;
    }
    Ok(output::result(&table(&status))?)
}

/// The controller is live if `/livez` says so.
///
/// # Errors
/// That the controller cannot be asked.
pub(super) async fn healthcheck(args: ServerArgs) -> Result<Exit> {
    let answer = client::get(&args.server, "/livez").await?;
    if answer.code == 200 {
        return Ok(Exit::Fine);
    }
    output::note(&format!("not live: {}", answer.body.trim()));
    Ok(Exit::Failed)
}

fn table(status: &Status) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_header(["TARGET", "FLOOR", "MIN", "DESIRED", "RUNNING", "MAX", "CAUSE", "NEXT", "CONDITIONS"]);
    for target in &status.targets {
        table.add_row(row(target));
    }
    let rows: String = table.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    format!("{}\n{rows}", heading(status))
}

fn heading(status: &Status) -> String {
    let configuration = &status.configuration;
    let revision = configuration.revision.as_deref().map_or("none", |revision| &revision[..revision.len().min(12)]);
    let mut heading = format!("revision {revision} of {}, {} schedules", configuration.source, configuration.schedules);
    if status.dry_run {
        heading += ", dry run: nothing is written";
    }
    if let Some(error) = &configuration.last_error {
        heading +=
            &format!("\nthe source as it is now is refused, the revision above stays in force:\n{}", error.trim_end());
    }
    heading + "\n"
}

fn row(target: &TargetStatus) -> [String; 9] {
    let number = |value: Option<u32>| value.map_or_else(|| "?".to_owned(), |value| value.to_string());
    let floor = target.floor.as_ref();
    let next = target.next.as_ref().map(|next| {
        let to = next.floor.as_ref().map_or_else(|| "left alone".to_owned(), |floor| floor.min.to_string());
        format!("{to} at {}", baseload_core::model::instant(next.at))
    });
    [
        format!("{}/{}", target.cluster, target.service),
        floor.map_or_else(|| "-".to_owned(), |floor| floor.min.to_string()),
        number(target.observed.map(|bounds| bounds.min)),
        number(target.counts.map(|counts| counts.desired)),
        number(target.counts.map(|counts| counts.running)),
        number(target.observed.map(|bounds| bounds.max)),
        floor.map_or_else(|| "-".to_owned(), |floor| format!("{} {}", floor.schedule, floor.cause)),
        next.unwrap_or_else(|| "-".to_owned()),
        conditions(target),
    ]
}

/// What is not as an operator wishes; `ok` where nothing is.
fn conditions(target: &TargetStatus) -> String {
    let unwell = target.conditions.iter().filter(|condition| condition.status != condition.kind.is_well_when());
    let words: Vec<_> = unwell
        .filter(|condition| condition.kind != ConditionKind::PolicyAttached || condition.status != Truth::Unknown)
        .filter(|condition| condition.kind != ConditionKind::RivalSchedule || condition.status != Truth::Unknown)
        .map(|condition| format!("{}={} ({})", condition.kind.name(), condition.status.name(), condition.reason))
        .collect();
    if words.is_empty() { "ok".to_owned() } else { words.join(" ") }
}
