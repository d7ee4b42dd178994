//! The text that Prometheus reads of a snapshot.
//!
//! Every metric is declared once, in [`table`]. Gauges of targets are never stored: each scrape writes them anew from
//! the snapshot it is given, so that a target's series go with the target and what is unknown has no sample.

pub mod table;

mod fleet;
mod scrape;

use std::sync::Arc;

use baseload_core::ledger::Ledger;
use baseload_core::status::{ConditionKind, ConfigurationStatus, SiteStatus, Status, Truth};

pub use self::fleet::Fleet;
pub use self::scrape::Scrape;
use self::scrape::{Value, instant, write_by_site, write_header, write_labelled, write_single};

/// Whose gauges a scrape shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Those of every target, and the fleet's.
    Targets,
    /// The fleet's alone.
    Fleet,
}

/// Everything in Prometheus's text format, version 0.0.4, in pieces: the `counters`, which are in it already, then the
/// gauges as of `status`.
pub fn scrape(counters: String, status: Arc<Status>, ledger: &Ledger, detail: Detail) -> Scrape {
    let mut head = counters;
    write_head(&mut head, &status, ledger);
    let accounts = match detail {
        Detail::Targets => ledger.accounts(&status.targets),
        Detail::Fleet => Vec::new(),
    };
    Scrape::new(head, status, accounts)
}

/// What does not belong to a target.
fn write_head(text: &mut String, status: &Status, ledger: &Ledger) {
    write_single(text, &table::HEARTBEAT, instant(status.heartbeat));
    let leader = status.lease.as_ref().is_none_or(|standing| standing.leader);
    write_single(text, &table::LEADER, Some(Value::Whole(u64::from(leader))));
    write_configuration(text, &status.configuration);
    write_pacing(text, &status.sites);
    write_fleet(text, &Fleet::of(&status.targets));
    write_account(text, ledger);
}

fn write_configuration(text: &mut String, configuration: &ConfigurationStatus) {
    let flag = |is_set: bool| Some(Value::Whole(u64::from(is_set)));
    write_single(text, &table::RELOAD_SUCCESSFUL, flag(configuration.last_reload_successful));
    write_single(text, &table::RELOAD_SUCCESS_TIME, configuration.last_success.and_then(instant));
    write_single(text, &table::IN_FORCE_TIME, configuration.since.and_then(instant));
    write_single(text, &table::CONFIG_HELD, flag(configuration.held));
    if let Some(revision) = &configuration.revision {
        write_header(text, &table::CONFIG_INFO);
        write_labelled(text, &table::CONFIG_INFO, &[revision, &configuration.source], 1);
    }
}

/// Each account and region has a pace of its own.
fn write_pacing(text: &mut String, sites: &[SiteStatus]) {
    let thousandths = |rate: f64| Value::Thousandths((rate * 1000.0).round() as u64);
    write_by_site(text, &table::WRITE_RATE, sites, |site| site.write_rate.map(thousandths));
    write_by_site(text, &table::WRITES_WAITING, sites, |site| count(site.writes_waiting));
    write_by_site(text, &table::WRITES_IN_FLIGHT, sites, |site| count(site.writes_in_flight));
}

fn count(number: usize) -> Option<Value> {
    u64::try_from(number).ok().map(Value::Whole)
}

fn write_fleet(text: &mut String, fleet: &Fleet) {
    write_single(text, &table::TARGETS, Some(Value::Whole(fleet.targets)));
    write_header(text, &table::TARGETS_BY_CONDITION);
    for kind in ConditionKind::ALL {
        for status in Truth::ALL {
            let labels = [kind.name(), status.name()];
            write_labelled(text, &table::TARGETS_BY_CONDITION, &labels, fleet.with(kind, status));
        }
    }
    for (metric, sum) in [
        (&table::FLEET_FLOOR, fleet.floor),
        (&table::FLEET_DESIRED, fleet.desired),
        (&table::FLEET_RUNNING, fleet.running),
        (&table::FLEET_DESIRED_SHORTFALL, fleet.desired_shortfall),
        (&table::FLEET_RUNNING_SHORTFALL, fleet.running_shortfall),
    ] {
        write_single(text, metric, sum.map(Value::Whole));
    }
    write_single(text, &table::FLEET_NEXT_CHANGE, fleet.next_change.and_then(instant));
    write_single(text, &table::FLEET_OBSERVATION, fleet.oldest_observation.and_then(instant));
}

fn write_account(text: &mut String, ledger: &Ledger) {
    let account = ledger.fleet();
    for (metric, sum) in [
        (&table::FLEET_FLAT, account.flat),
        (&table::FLEET_DECLARED, account.declared),
        (&table::FLEET_RAN, account.ran),
        (&table::FLEET_BINDING, account.binding),
        (&table::FLEET_EXCEEDED, account.exceeded),
    ] {
        write_single(text, metric, Some(Value::Thousandths(sum)));
    }
}
