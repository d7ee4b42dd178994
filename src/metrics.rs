//! What Prometheus reads: counters and histograms fed by facts and calls, and gauges drawn from the status snapshot.
//!
//! Every metric is declared once, in [`table`]. Gauges of targets are never stored: each scrape writes them anew from
//! the snapshot it is given ([`scrape`]), so that a target's series go with the target and what is unknown has no sample.
//! [`emf`] tells CloudWatch the sums of the fleet.

pub(crate) mod emf;
mod fleet;
mod scrape;
mod table;

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use baseload_core::controller::{ChangeKind, Fact};
use baseload_core::ecs::{Action, ErrorKind, Operation};
use baseload_core::ledger::Ledger;
use baseload_core::status::{Bounds, ConditionKind, ConfigurationStatus, SiteStatus, Status, Truth};
use baseload_core::timetable::Schedules;
use jiff::SignedDuration;
use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry, TextEncoder,
};

use self::fleet::Fleet;
use self::scrape::{Scrape, Value, instant, write_header, write_labelled, write_single};
use self::table::{Kind, Metric};

/// Whose gauges a scrape shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Detail {
    /// Those of every target, and the fleet's.
    Targets,
    /// The fleet's alone.
    Fleet,
}

/// The counters and histograms of the process, in a registry of their own, and the last of what the loop noted.
#[derive(Debug)]
pub(crate) struct Metrics {
    detail: Detail,
    registry: Registry,
    boundary_lateness: Histogram,
    time_to_ready: Histogram,
    writes: IntCounterVec,
    target_panics: IntCounter,
    aws_calls: IntCounterVec,
    aws_call_duration: HistogramVec,
    tick_lateness: Histogram,
    loop_duration: Histogram,
    clock_skew: OnceLock<Gauge>,
    books: Mutex<Arc<Books>>,
}

/// What the loop notes with each snapshot. A reader takes a share, so that it never keeps the loop waiting.
#[derive(Clone, Debug, Default)]
struct Books {
    ledger: Ledger,
}

/// Every kind of accepted write, with the directions that it may have.
const KINDS_OF_WRITE: [(ChangeKind, &str); 6] = [
    (ChangeKind::Scheduled, "rise"),
    (ChangeKind::Scheduled, "fall"),
    (ChangeKind::Correction, "rise"),
    (ChangeKind::Correction, "fall"),
    (ChangeKind::Nudge, "same"),
    (ChangeKind::Scheduled, "same"),
];

impl Metrics {
    /// Everything at zero, with a series for every operation and outcome. `version` and `tzdb` label
    /// `baseload_build_info`.
    pub(crate) fn new(version: &str, tzdb: &str) -> Metrics {
        let registry = Registry::new();
        let metrics = Metrics {
            detail: Detail::Targets,
            boundary_lateness: histogram(&registry, &table::BOUNDARY_LATENESS).with_label_values::<&str>(&[]),
            time_to_ready: histogram(&registry, &table::TIME_TO_READY).with_label_values::<&str>(&[]),
            writes: counter(&registry, &table::WRITES),
            target_panics: counter(&registry, &table::TARGET_PANICS).with_label_values::<&str>(&[]),
            aws_calls: counter(&registry, &table::AWS_CALLS),
            aws_call_duration: histogram(&registry, &table::AWS_CALL_DURATION),
            tick_lateness: histogram(&registry, &table::TICK_LATENESS).with_label_values::<&str>(&[]),
            loop_duration: histogram(&registry, &table::LOOP_DURATION).with_label_values::<&str>(&[]),
            clock_skew: OnceLock::new(),
            books: Mutex::default(),
            registry,
        };
        gauge(&metrics.registry, &table::BUILD_INFO).with_label_values(&[version, tzdb]).set(1.0);
        metrics.start_series();
        register_process(&metrics.registry);
        metrics
    }

    /// The same, showing this much.
    pub(crate) fn showing(self, detail: Detail) -> Metrics {
        Metrics { detail, ..self }
    }

    /// The same, saying how often every target is looked at.
    pub(crate) fn resynced_every(self, interval: Duration) -> Metrics {
        gauge(&self.registry, &table::RESYNC).with_label_values::<&str>(&[]).set(interval.as_secs_f64());
        self
    }

    /// Brings every series into being whose labels are known beforehand.
    fn start_series(&self) {
        for operation in Operation::ALL {
            self.aws_call_duration.with_label_values(&[operation.name()]);
            for outcome in std::iter::once("ok").chain(ErrorKind::ALL.map(ErrorKind::name)) {
                self.aws_calls.with_label_values(&[operation.name(), outcome]);
            }
        }
        for (kind, direction) in KINDS_OF_WRITE {
            self.writes.with_label_values(&[kind_name(kind), direction]);
        }
    }

    /// Counts a fact, where a counter or a histogram wants it.
    pub(crate) fn record(&self, fact: &Fact) {
        match fact {
            Fact::Accepted { action, kind, before, lateness, .. } => {
                self.writes.with_label_values(&[kind_name(*kind), direction(action, *before)]).inc();
                lateness.iter().for_each(|lateness| self.boundary_lateness.observe(seconds(*lateness)));
            }
            Fact::TasksReady { after, .. } => self.time_to_ready.observe(seconds(*after)),
            Fact::Panicked { .. } => self.target_panics.inc(),
            Fact::ConfigurationLoaded { .. }
            | Fact::ConfigurationRejected { .. }
            | Fact::Declared { .. }
            | Fact::Released { .. }
            | Fact::WouldApply { .. }
            | Fact::Refused { .. }
            | Fact::ConditionChanged { .. }
            | Fact::LookFailed { .. }
            | Fact::LookRecovered { .. }
            | Fact::Leadership { .. }
            | Fact::LeaseFailed { .. }
            | Fact::LeaseRecovered
            | Fact::ClockSteppedBack { .. }
            | Fact::ClockCompared { .. } => {}
        }
    }

    /// Counts one call to AWS: a page or an attempt, not the question that needed several.
    pub(crate) fn aws_call(&self, operation: Operation, outcome: Result<(), ErrorKind>, duration: Duration) {
        let outcome = outcome.map_or_else(ErrorKind::name, |()| "ok");
        self.aws_calls.with_label_values(&[operation.name(), outcome]).inc();
        self.aws_call_duration.with_label_values(&[operation.name()]).observe(duration.as_secs_f64());
    }

    /// Counts a tick of the loop that came `lateness` after its whole second.
    pub(crate) fn tick(&self, lateness: Duration) {
        self.tick_lateness.observe(lateness.as_secs_f64());
    }

    /// Counts a turn of the loop.
    pub(crate) fn turn(&self, duration: Duration) {
        self.loop_duration.observe(duration.as_secs_f64());
    }

    /// Notes how far the wall clock is ahead of AWS's; negative where it is behind.
    pub(crate) fn clock_skew(&self, ahead: SignedDuration) {
        let family = || gauge(&self.registry, &table::CLOCK_SKEW).with_label_values::<&str>(&[]);
        self.clock_skew.get_or_init(family).set(ahead.as_secs_f64());
    }

    /// Notes a snapshot, under these schedules: task-time is counted from one to the next.
    pub(crate) fn note(&self, status: &Arc<Status>, schedules: Option<&Schedules>) {
        let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        let books = Arc::make_mut(&mut books);
        books.ledger.turn(status, schedules);
    }

    /// Everything in Prometheus's text format, version 0.0.4, in pieces; gauges of targets and configuration as of
    /// `status`.
    pub(crate) fn scrape(&self, status: Arc<Status>) -> Scrape {
        let books = self.books();
        let head = self.head(&status, &books);
        let accounts = match self.detail {
            Detail::Targets => books.ledger.accounts(&status.targets),
            Detail::Fleet => Vec::new(),
        };
        Scrape::new(head, status, accounts)
    }

    /// The counters that CloudWatch is told the growth of.
    fn totals(&self) -> Totals {
        let outcome = |outcome: &str| {
            Operation::ALL.iter().map(|of| self.aws_calls.with_label_values(&[of.name(), outcome]).get()).sum()
        };
        let corrections = ["rise", "fall"]
            .map(|direction| self.writes.with_label_values(&[kind_name(ChangeKind::Correction), direction]).get());
        let account = self.books().ledger.fleet();
        Totals {
            corrections: corrections.iter().sum(),
            throttled: outcome(ErrorKind::Throttled.name()),
            denied: outcome(ErrorKind::Denied.name()),
            flat: account.flat,
            ran: account.ran,
        }
    }

    fn books(&self) -> Arc<Books> {
        Arc::clone(&self.books.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn head(&self, status: &Status, books: &Books) -> String {
        let mut text = String::with_capacity(64 * 1024);
        TextEncoder::new()
            .encode_utf8(&self.registry.gather(), &mut text)
            .expect("a registry never gathers an empty family, and a String takes any text");
        write_single(&mut text, &table::HEARTBEAT, instant(status.heartbeat));
        let leader = status.lease.as_ref().is_none_or(|standing| standing.leader);
        write_single(&mut text, &table::LEADER, Some(Value::Whole(u64::from(leader))));
        write_configuration(&mut text, &status.configuration);
        write_pacing(&mut text, &status.sites);
        write_fleet(&mut text, &Fleet::of(&status.targets));
        write_account(&mut text, &books.ledger);
        text
    }
}

/// Counters as they stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Totals {
    corrections: u64,
    throttled: u64,
    denied: u64,
    /// Task-milliseconds.
    flat: u64,
    /// Task-milliseconds.
    ran: u64,
}

/// Which way a write moves the bounds: the minimum where it moves, else the maximum.
fn direction(action: &Action, before: Option<Bounds>) -> &'static str {
    let moves = |to: Option<u32>, from: Option<u32>| to.zip(from).filter(|(to, from)| to != from);
    let moved = moves(action.min, before.map(|live| live.min)).or(moves(action.max, before.map(|live| live.max)));
    match moved {
        Some((to, from)) if to > from => "rise",
        Some(_) => "fall",
        None => "same",
    }
}

fn kind_name(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Scheduled => "scheduled",
        ChangeKind::Correction => "correction",
        ChangeKind::Nudge => "nudge",
    }
}

fn counter(registry: &Registry, metric: &Metric) -> IntCounterVec {
    let family = IntCounterVec::new(Opts::new(metric.name, metric.help), metric.labels);
    register(registry, family.expect("the names in the table are valid"))
}

fn gauge(registry: &Registry, metric: &Metric) -> GaugeVec {
    let family = GaugeVec::new(Opts::new(metric.name, metric.help), metric.labels);
    register(registry, family.expect("the names in the table are valid"))
}

fn histogram(registry: &Registry, metric: &Metric) -> HistogramVec {
    let Kind::Histogram(buckets) = metric.kind else { unreachable!("only histograms are asked for as such") };
    let options = HistogramOpts::new(metric.name, metric.help).buckets(buckets.to_vec());
    let family = HistogramVec::new(options, metric.labels);
    register(registry, family.expect("the names in the table are valid"))
}

#[cfg(target_os = "linux")]
fn register_process(registry: &Registry) {
    let process = prometheus::process_collector::ProcessCollector::for_self();
    registry.register(Box::new(process)).expect("no name in the table begins with process_");
}

/// Elsewhere the crate has no collector for the process.
#[cfg(not(target_os = "linux"))]
fn register_process(_registry: &Registry) {}

/// Hands over a clone, which shares its samples with the collector that is returned.
fn register<C: prometheus::core::Collector + Clone + 'static>(registry: &Registry, collector: C) -> C {
    registry.register(Box::new(collector.clone())).expect("the table names every metric once");
    collector
}

fn seconds(duration: SignedDuration) -> f64 {
    duration.as_secs_f64().max(0.0)
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

fn write_pacing(text: &mut String, sites: &[SiteStatus]) {
    let thousandths = |rate: f64| Value::Thousandths((rate * 1000.0).round() as u64);
    let slowest = sites.iter().filter_map(|site| site.write_rate).min_by(f64::total_cmp);
    write_single(text, &table::WRITE_RATE, slowest.map(thousandths));
    write_single(text, &table::WRITES_WAITING, count(sites.iter().map(|site| site.writes_waiting).sum()));
    write_single(text, &table::WRITES_IN_FLIGHT, count(sites.iter().map(|site| site.writes_in_flight).sum()));
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

#[cfg(test)]
mod tests;
