//! The commands: each resolves what was typed, asks the core, and prints.

mod apply;
mod explain;
mod plan;
mod preview;
mod run;
mod status;
mod validate;

use anyhow::Result;
use clap::CommandFactory;

use crate::cli::{Cli, Command, SourceArgs};
use crate::loader::Rejection;
use crate::{about, output};
use baseload_core::spec::Limits;

/// How a command ended, and so the process's exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 0
    Fine = 0,
    /// 1: failed while running.
    Failed = 1,
    /// 2: bad schedules or usage.
    Bad = 2,
    /// 3: there are differences, and `--detailed-exitcode` asks.
    Differs = 3,
}

/// Carries out a command.
///
/// # Errors
/// Whatever made it fail while running; the process then exits with 1.
pub(crate) fn dispatch(command: Command) -> Result<Exit> {
    match command {
        Command::Run(args) => runtime()?.block_on(run::run(args)),
        Command::Plan(args) => runtime()?.block_on(plan::plan(args)),
        Command::Apply(args) => runtime()?.block_on(apply::apply(args)),
        Command::Validate(args) => validate::validate(args),
        Command::Preview(args) => preview::preview(args),
        Command::Explain(args) => explain::explain(&args),
        Command::Status(args) => runtime()?.block_on(status::status(args)),
        Command::Healthcheck(args) => runtime()?.block_on(status::healthcheck(args)),
        Command::Completions { shell } => completions(shell),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

fn completions(shell: clap_complete::Shell) -> Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "baseload", &mut script);
    output::result(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Fine)
}

impl SourceArgs {
    fn loader(&self, warn: impl Fn(&str)) -> Result<crate::loader::Loader> {
        loader(self.schedules.clone(), self.limits.max_floor, warn)
    }
}

/// What will read these paths. `warn` is told what an operator should know beforehand.
fn loader(paths: Vec<std::path::PathBuf>, max_floor: u32, warn: impl Fn(&str)) -> Result<crate::loader::Loader> {
    let (source, zones) = (crate::source::Source::new(paths), about::zones()?);
    if let Some(warning) = about::age_of(&zones) {
        warn(&warning);
    }
    Ok(crate::loader::Loader::new(source, zones, Limits { max_floor }))
}

/// Tells why there are no schedules to work with.
fn refuse(rejection: &Rejection) -> Exit {
    output::note(rejection.text(output::stderr_colour()));
    Exit::Bad
}
