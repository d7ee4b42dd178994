//! `import`: AWS's own scheduled actions become schedules.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use baseload_core::model::{TargetId, instant};
use baseload_core::native::{self, Declarations, Import, Imported, PROOF_DAYS};
use serde_json::json;

use super::validate::counted;
use super::{Exit, plan};
use crate::aws::Roles;
use crate::cli::{ImportArgs, ImportOutput};
use crate::clock::Clock;
use crate::{about, output};

/// Reads, imports, proves and prints.
///
/// # Errors
/// That AWS cannot be read, or the result not be printed.
pub(super) async fn import(args: ImportArgs) -> Result<Exit> {
    let declarations = match &args.from_file {
        None => read_aws().await?,
        Some(file) => match read_file(file) {
            Ok(declarations) => declarations,
            Err(error) => {
                output::note(&format!("error: {error:#}"));
                return Ok(Exit::Bad);
            }
        },
    };
    let declarations = only_wanted(declarations, &args);
    let zones = about::zones()?;
    let limits = args.limits.limits();
    let import = Import { zones: &zones, limits: &limits, now: Clock::System.now() };
    let imported = output::while_working("importing and proving", || native::import(&declarations, &import));
    match args.output {
        ImportOutput::Yaml => output::result(&imported.text)?,
        ImportOutput::Json => output::json(&row(&imported, zones.version()))?,
    }
    report(&imported, zones.version());
    let is_whole = imported.differences.is_empty() && imported.refused.is_empty();
    Ok(if is_whole { Exit::Fine } else { Exit::Failed })
}

async fn read_aws() -> Result<Declarations> {
    let aws = plan::connect(Clock::System, Roles::new()).await.home().await;
    Ok(aws.native_schedules().await?)
}

fn read_file(file: &Path) -> Result<Declarations> {
    let shown = || file.display().to_string();
    let mut text = String::new();
    if file == Path::new("-") {
        std::io::stdin().read_to_string(&mut text).with_context(shown)?;
    } else {
        text = std::fs::read_to_string(file).with_context(shown)?;
    }
    Declarations::parse(&text).map_err(|reason| anyhow!("{}: {reason}", shown()))
}

fn only_wanted(mut declarations: Declarations, args: &ImportArgs) -> Declarations {
    let wanted = |resource_id: &str| {
        let target = TargetId::from_resource_id(resource_id);
        args.targets.is_empty()
            || target.is_some_and(|target| args.targets.iter().any(|pattern| pattern.matches(&target)))
    };
    declarations.actions.retain(|action| wanted(&action.resource_id));
    declarations
}

fn row(imported: &Imported, tzdb: &str) -> serde_json::Value {
    let refused = imported.refused.iter().map(|refused| json!({"subject": refused.subject, "reason": refused.reason}));
    json!({
        "yaml": imported.text,
        "schedules": imported.schedules,
        "targets": imported.targets,
        "from": instant(imported.span.from),
        "to": instant(imported.span.to),
        "differences": imported.differences,
        "refused": refused.collect::<Vec<_>>(),
        "notes": imported.notes,
        "tzdb": tzdb,
    })
}

fn report(imported: &Imported, tzdb: &str) {
    imported.notes.iter().for_each(|note| output::note(&format!("note: {note}")));
    imported.refused.iter().for_each(|refused| output::note(&format!("not imported: {refused}")));
    super::export::differences(&imported.differences);
    let (schedules, targets) = (imported.schedules, imported.targets);
    output::note(&match (schedules, imported.differences.len()) {
        (0, _) => "nothing was imported".to_owned(),
        (_, 0) => format!(
            "proved: {} for {}, to the instant as the actions, over {PROOF_DAYS} days from {} (tzdb {tzdb})",
            counted(schedules, "schedule"),
            counted(targets, "target"),
            instant(imported.span.from)
        ),
        (_, differing) => format!("not proved: {differing} stretches differ within {PROOF_DAYS} days (tzdb {tzdb})"),
    });
}
