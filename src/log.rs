//! What the log says: one line for each fact, or one for many of a kind.
//!
//! INFO is a change that an operator can see, WARN what someone should look at today, ERROR that the controller cannot
//! do its work. What another line says already, or what passes by itself, is DEBUG. Messages are constant; everything
//! that varies is a field. The time is the controller's, which runs fast in a simulation.

mod format;
mod line;

use std::collections::BTreeSet;
use std::io::IsTerminal;

use anyhow::{Context, Result};
use baseload_core::controller::Fact;
use baseload_core::diagnostic::Colour;
use baseload_core::model::TargetId;
use baseload_core::status::ConditionKind;
use clap::ValueEnum;
use tracing_subscriber::filter::{FilterExt, LevelFilter, Targets};
use tracing_subscriber::prelude::*;

use self::format::{ClockTime, Plain};
use self::line::{Line, lines_of};
use crate::clock::Now;
use crate::output;

/// How lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// One object a line.
    Json,
}

/// Sends the log to stderr from now on: INFO and above, of libraries ERROR alone, unless `BASELOAD_LOG` says otherwise
/// (`debug`, `info,baseload=debug`, …). Without a format it is text on a terminal and JSON elsewhere. `now` tells the time of
/// each line. Libraries say nothing below INFO, whatever the filter: what AWS's SDK says there quotes access keys and
/// requests. What they warn of is told in lines of our own, once and in our words.
///
/// # Errors
/// Where `BASELOAD_LOG` cannot be read as a filter.
pub(crate) fn init(format: Option<Format>, now: Now) -> Result<()> {
    let filter = std::env::var("BASELOAD_LOG").unwrap_or_default();
    let filter = match filter.is_empty() {
        true => Targets::new().with_default(LevelFilter::ERROR).with_target("baseload", LevelFilter::INFO),
        false => filter.parse().context("BASELOAD_LOG is not a filter such as `debug` or `info,baseload=debug`")?,
    };
    let log = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let by_reader = if std::io::stderr().is_terminal() { Format::Text } else { Format::Json };
    let log = match format.unwrap_or(by_reader) {
        Format::Text => log.with_ansi(output::stderr_colour() == Colour::Ansi).event_format(Plain { now }).boxed(),
        Format::Json => log.json().flatten_event(true).with_target(false).with_timer(ClockTime { now }).boxed(),
    };
    let discreet = Targets::new().with_default(LevelFilter::INFO).with_target("baseload", LevelFilter::TRACE);
    tracing_subscriber::registry().with(log.with_filter(filter.and(discreet))).init();
    Ok(())
}

/// Tells facts to the log. It remembers of what it warned, so that it can say when that is over, and the revision in
/// force, which stands on the line of every decision.
#[derive(Debug, Default)]
pub(crate) struct Teller {
    warned: BTreeSet<(TargetId, ConditionKind)>,
    revision: Option<String>,
}

impl Teller {
    /// Tells facts that came together: one line each, but a single one where more than five are of a kind; what that
    /// one leaves out is DEBUG.
    pub(crate) fn tell_all(&mut self, facts: &[Fact]) {
        let lines = facts.iter().map(|fact| self.line(fact)).filter(Line::is_read).collect();
        lines_of(lines).for_each(|line| line.write());
    }

    fn line(&mut self, fact: &Fact) -> Line {
        if let Fact::ConfigurationLoaded { revision, .. } = fact {
            self.revision = Some(revision.clone());
        }
        let line = Line::of(fact, &mut self.warned);
        if line.is_read() && line.is_decision() { line.under(self.revision.as_deref()) } else { line }
    }
}

#[cfg(test)]
mod tests {
    use baseload_core::model::Floor;
    use baseload_core::timetable::{Cause, Decision};

    use super::format::tests::logged;
    use super::*;

    fn declared(service: usize) -> Fact {
        let decision = |min| {
            let floor = Floor { min, max: None };
            Some(Decision { floor, schedule: "web".into(), cause: Cause::Window("day".into()) })
        };
        let target = TargetId::new("shop", format!("www-{service}"));
        Fact::Declared { target, before: decision(1), after: decision(3) }
    }

    #[test]
    fn facts_become_lines() {
        let revision = "3f2a90c1d7e65b48".to_owned();
        let loaded = Fact::ConfigurationLoaded { digest: revision.clone(), revision, schedules: 1 };
        let rejected = Fact::ConfigurationRejected { reason: "web.yaml:3:5: unknown field\nhelp: min".to_owned() };
        let text = logged(|| Teller::default().tell_all(&[loaded, declared(1), rejected]));
        let expected = "\
2026-11-21T05:00:00Z INFO  schedules in force        revision=3f2a90c1d7e6 schedules=1
2026-11-21T05:00:00Z INFO  floor declared            target=shop/www-1 from=1 to=3 schedule=web cause=window/day revision=3f2a90c1d7e6
2026-11-21T05:00:00Z WARN  schedules refused
    reason:
    | web.yaml:3:5: unknown field
    | help: min
";
        assert_eq!(text, expected);
    }

    #[test]
    fn many_facts_of_a_kind_become_one_line() {
        let facts: Vec<Fact> = (0..300).map(declared).collect();
        let text = logged(|| Teller::default().tell_all(&facts));
        let expected = "\
2026-11-21T05:00:00Z INFO  floor declared            target=shop/www-0 targets=300 from=1 to=3 schedule=web cause=window/day
";
        assert_eq!(text, expected);
    }
}
