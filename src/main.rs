//! Baseload: scheduled capacity floors for Amazon ECS services.

mod about;
mod aws;
mod chores;
mod cli;
mod client;
mod clock;
mod commands;
mod driver;
mod http;
#[cfg(feature = "lease")]
mod lease;
mod loader;
mod log;
mod metrics;
mod output;
mod remedy;
mod simulation;
mod simulator;
mod source;

use std::process::ExitCode;

use clap::Parser;

use crate::commands::Exit;

fn main() -> ExitCode {
    let exit = commands::dispatch(cli::Cli::parse().command).unwrap_or_else(|error| {
        output::note(&format!("error: {error:#}"));
        if error.is::<commands::Usage>() { Exit::Bad } else { Exit::Failed }
    });
    ExitCode::from(exit as u8)
}
