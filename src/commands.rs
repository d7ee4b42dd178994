//! The commands: each resolves what was typed, asks the core, and prints.

mod apply;
mod diff;
mod doctor;
mod explain;
mod export;
mod import;
mod plan;
mod preview;
mod run;
mod schema;
mod status;
mod validate;

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::Result;
use clap::CommandFactory;

use crate::aws::Roles;
use crate::cli::{Account, AccountArgs, Cli, Command, FloorArgs, LimitArgs, SourceArgs};
use crate::loader::{Cause, Rejection};
use crate::{about, output};
use baseload_core::spec::Limits;
use baseload_core::timetable::Allowed;

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

/// Something was typed that means nothing.
#[derive(Debug)]
pub(crate) struct Usage(String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// Carries out a command.
///
/// # Errors
/// Whatever made it fail while running; the process then exits with 1.
pub(crate) fn dispatch(command: Command) -> Result<Exit> {
    if asks_aws(&command) {
        refuse_empty_variables()?;
    }
    match command {
        Command::Run(args) => {
            let runtime = runtime()?;
            let exit = runtime.block_on(run::run(args));
            runtime.shutdown_background(); // a slow server of schedules does not hold up a stop
            exit
        }
        Command::Plan(args) => runtime()?.block_on(plan::plan(args)),
        Command::Apply(args) => runtime()?.block_on(apply::apply(args)),
        Command::Validate(args) => validate::validate(args),
        Command::Preview(args) => preview::preview(args),
        Command::Explain(args) => explain::explain(&args),
        Command::Doctor(args) => runtime()?.block_on(doctor::doctor(args)),
        Command::Schema => schema::schema(),
        Command::Import(args) => runtime()?.block_on(import::import(args)),
        Command::Export(args) => export::export(args),
        Command::Diff(args) => diff::diff(&args),
        Command::Status(args) => runtime()?.block_on(status::status(args)),
        Command::Healthcheck(args) => runtime()?.block_on(status::healthcheck(args)),
        Command::Completions { shell } => completions(shell),
    }
}

fn asks_aws(command: &Command) -> bool {
    match command {
        Command::Run(args) => !args.simulate,
        Command::Import(args) => args.from_file.is_none(),
        Command::Plan(_) | Command::Apply(_) | Command::Doctor(_) => true,
        _ => false,
    }
}

/// Refuses what says where AWS is and is set to nothing, as templates leave it: the SDK takes the nothing for a region or an
/// address, and panics.
fn refuse_empty_variables() -> Result<(), Usage> {
    let is_place = |name: &str| name == "AWS_REGION" || name.starts_with("AWS_ENDPOINT_URL");
    let set = std::env::vars_os().filter(|(_, value)| value.is_empty()).filter_map(|(name, _)| name.into_string().ok());
    set.filter(|name| is_place(name))
        .min()
        .map_or(Ok(()), |name| Err(Usage(format!("{name} is set to nothing: unset it, or give it a value"))))
}

/// One thread waits for everything; what takes time (reading sources, rendering pages) has threads of its own. A quarter
/// of a CPU has no use for more, and each thread that works would keep memory of its own.
fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

fn completions(shell: clap_complete::Shell) -> Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "baseload", &mut script);
    output::result(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Fine)
}

impl SourceArgs {
    fn loader(&self, warn: impl Fn(&str)) -> Result<crate::loader::Loader> {
        loader(self.schedules.clone(), self.limits.limits(), warn)
    }
}

impl LimitArgs {
    fn limits(&self) -> Limits {
        let accounts = self.accounts.names();
        Limits { allowed: Allowed::only(&self.allowed), accounts, ..self.floors.limits() }
    }
}

impl AccountArgs {
    /// Which accounts schedules may name.
    fn names(&self) -> BTreeSet<Arc<str>> {
        self.accounts.iter().map(|account| Arc::clone(&account.name)).collect()
    }

    /// How each is reached, for those who ask AWS.
    ///
    /// # Errors
    /// An account of which that is not said, or said twice.
    fn roles(&self) -> Result<Roles> {
        let mut roles = Roles::new();
        for Account { name, access } in &self.accounts {
            let Some(access) = access else {
                let advice = format!("--account {name}=ROLE_ARN, or {name}=own for the credentials of Baseload itself");
                return Err(Usage(format!("it is not said how the account `{name}` is reached: {advice}")).into());
            };
            if roles.insert(Arc::clone(name), access.clone()).is_some_and(|before| before != *access) {
                return Err(Usage(format!("--account says two things of `{name}`")).into());
            }
        }
        Ok(roles)
    }
}

impl FloorArgs {
    fn limits(&self) -> Limits {
        Limits { max_floor: self.max_floor, ..Limits::default() }
    }
}

/// What will read these sources. `warn` is told what an operator should know beforehand.
fn loader(sources: Vec<String>, limits: Limits, warn: impl Fn(&str)) -> Result<crate::loader::Loader> {
    let parse = |text: String| crate::source::Source::parse(&text).map_err(|error| Usage(format!("{error:#}")));
    let sources = sources.into_iter().map(parse).collect::<Result<_, _>>()?;
    let zones = about::zones()?;
    if let Some(warning) = about::age_of(&zones) {
        warn(&warning);
    }
    Ok(crate::loader::Loader::new(sources, zones, limits))
}

/// Tells why there are no schedules to work with.
fn refuse(rejection: &Rejection) -> Exit {
    output::note(rejection.text(output::stderr_colour()));
    match rejection.cause() {
        Cause::BadEdit | Cause::Held => Exit::Bad,
        Cause::Unreachable => Exit::Failed,
    }
}
