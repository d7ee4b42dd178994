//! `status` and `healthcheck`: what the running controller says.

use anyhow::{Context, Result, bail};
use baseload_core::diagnostic::{printable, printable_lines};
use baseload_core::status::{ConditionKind, Status, TargetStatus, Truth};
use comfy_table::Table;
use comfy_table::presets::NOTHING;

use super::Exit;
use crate::cli::{Output, ServerArgs, StatusArgs};
use crate::{client, output};

/// Prints the controller's table, once or until interrupted. Once the controller has answered, `--watch` outlives its
/// restarts.
///
/// # Errors
/// That the controller cannot be asked.
pub(super) async fn status(args: StatusArgs) -> Result<Exit> {
    show(&args, &ask(&args).await?)?;
    if !args.watch {
        return Ok(Exit::Fine);
    }
    loop {
        tokio::select! {
            () = tokio::time::sleep(args.interval) => {}
            _ = tokio::signal::ctrl_c() => return Ok(Exit::Fine),
        }
        match ask(&args).await {
            Ok(answer) => show(&args, &answer)?,
            Err(error) => output::note(&format!("{error:#}")),
        }
    }
}

/// What the controller says, as it is printed.
async fn ask(args: &StatusArgs) -> Result<String> {
    let answer = client::get(&args.server.server, "/api/v1/status").await?;
    if answer.code != 200 {
        bail!("{} answers with status {}", args.server.server, answer.code);
    }
    if args.output == Output::Json {
        return Ok(answer.body + "\n");
    }
    let status: Status = serde_json::from_str(&answer.body).context("the answer is not a controller's status")?;
    Ok(match output::terminal().filter(|_| args.watch) {
        Some(size) => picture(status, size),
        None => table(&status),
    })
}

fn show(args: &StatusArgs, text: &str) -> Result<()> {
    let is_picture = args.watch && args.output == Output::Text && output::terminal().is_some();
    let shown = if is_picture { output::redraw(text) } else { output::result(text) };
    Ok(shown?)
}

/// The table cut to a terminal of so many columns and rows, with the targets that are not well first.
fn picture(mut status: Status, (width, height): (usize, usize)) -> String {
    status.targets.sort_by_key(|target| conditions(target) == WELL);
    let text = table(&status);
    let cut = |line: &str| line.chars().take(width).collect::<String>();
    let mut lines: Vec<String> = text.lines().map(cut).collect();
    let over = lines.len().saturating_sub(height);
    if over > 0 && height > 1 {
        lines.truncate(height - 1);
        lines.push(cut(&format!("… and {} more", over + 1)));
    }
    lines.join("\n")
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
    let rows: String = table.lines().map(|line| format!("{}\n", printable(line.trim_end()))).collect();
    format!("{}\n{rows}", printable_lines(&heading(status)) + "\n")
}

fn heading(status: &Status) -> String {
    let configuration = &status.configuration;
    let revision = configuration.revision.as_deref().map_or("none", |revision| &revision[..revision.len().min(12)]);
    let mut heading = format!("revision {revision} of {}, {} schedules", configuration.source, configuration.schedules);
    if status.dry_run {
        heading += ", dry run: nothing is written";
    }
    if let Some(standing) = status.lease.as_ref().filter(|standing| !standing.leader) {
        let holder = standing.holder.as_deref().unwrap_or("nobody that is known");
        heading += &format!(", standby: {holder} holds the lease, nothing is written from here");
    }
    if let Some(error) = &configuration.last_error {
        heading +=
            &format!("\nthe source as it is now is refused, the revision above stays in force:\n{}", error.trim_end());
    }
    for site in &status.sites {
        for question in &site.failing {
            heading += &format!("\n{}: {} fails: {}", site.site, question.operation, question.message);
        }
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
        target.id().to_string(),
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

/// What the last column says where nothing is to be said.
const WELL: &str = "ok";

/// What is not as an operator wishes; [`WELL`] where nothing is.
fn conditions(target: &TargetStatus) -> String {
    let unwell = target.conditions.iter().filter(|condition| condition.status != condition.kind.is_well_when());
    let words: Vec<_> = unwell
        .filter(|condition| condition.kind != ConditionKind::PolicyAttached || condition.status != Truth::Unknown)
        .filter(|condition| condition.kind != ConditionKind::RivalSchedule || condition.status != Truth::Unknown)
        .map(|condition| format!("{}={} ({})", condition.kind.name(), condition.status.name(), condition.reason))
        .collect();
    if words.is_empty() { WELL.to_owned() } else { words.join(" ") }
}
