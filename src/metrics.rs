//! Counters and histograms, fed by facts and calls. What is drawn from the snapshot is the matter of
//! [`baseload_view::metrics`], which also declares every metric.
//!
//! [`emf`] tells CloudWatch the sums of the fleet.

pub(crate) mod emf;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use baseload_core::controller::{ChangeKind, Fact};
use baseload_core::ecs::{Action, ErrorKind, Operation};
use baseload_core::ledger::Ledger;
use baseload_core::model::Site;
use baseload_core::status::{Bounds, Status};
use baseload_core::timetable::Schedules;
use baseload_view::metrics::table::{self, Kind, Metric};
pub(crate) use baseload_view::metrics::{Detail, Scrape};
use jiff::SignedDuration;
use prometheus::proto::MetricFamily;
use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry, TextEncoder,
};

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
    /// Those that have series of their own.
    sites: Mutex<BTreeSet<Site>>,
    /// A reader takes a share, so that it never keeps the loop waiting.
    ledger: Mutex<Arc<Ledger>>,
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
            sites: Mutex::default(),
            ledger: Mutex::default(),
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
        self.start_site(&Site::HOME);
        for (kind, direction) in KINDS_OF_WRITE {
            self.writes.with_label_values(&[kind_name(kind), direction]);
        }
    }

    /// Brings the series of an account and region into being with its first call, for a counter that begins at 1 has not
    /// risen to Prometheus.
    fn start_site(&self, site: &Site) {
        if !self.sites.lock().unwrap_or_else(PoisonError::into_inner).insert(site.clone()) {
            return;
        }
        let [account, region] = names_of(site);
        for operation in Operation::ALL.map(Operation::name) {
            self.aws_call_duration.with_label_values(&[account, region, operation]);
            for outcome in std::iter::once("ok").chain(ErrorKind::ALL.map(ErrorKind::name)) {
                self.aws_calls.with_label_values(&[account, region, operation, outcome]);
            }
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
    pub(crate) fn aws_call(
        &self,
        site: &Site,
        operation: Operation,
        outcome: Result<(), ErrorKind>,
        duration: Duration,
    ) {
        self.start_site(site);
        let [account, region] = names_of(site);
        let outcome = outcome.map_or_else(ErrorKind::name, |()| "ok");
        self.aws_calls.with_label_values(&[account, region, operation.name(), outcome]).inc();
        let duration = duration.as_secs_f64();
        self.aws_call_duration.with_label_values(&[account, region, operation.name()]).observe(duration);
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
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut ledger).turn(status, schedules);
    }

    /// Everything in Prometheus's text format, version 0.0.4, in pieces; gauges of targets and configuration as of
    /// `status`.
    pub(crate) fn scrape(&self, status: Arc<Status>) -> Scrape {
        baseload_view::metrics::scrape(self.counters(), status, &self.ledger(), self.detail)
    }

    /// What the registry has, as text, with room for what comes after it.
    fn counters(&self) -> String {
        let mut text = String::with_capacity(64 * 1024);
        TextEncoder::new()
            .encode_utf8(&without_empty_labels(self.registry.gather()), &mut text)
            .expect("a registry never gathers an empty family, and a String takes any text");
        text
    }

    /// The counters that CloudWatch is told the growth of.
    fn totals(&self) -> Totals {
        let sites = self.sites.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let calls = |site: &Site, operation: Operation, outcome: &str| {
            let [account, region] = names_of(site);
            self.aws_calls.with_label_values(&[account, region, operation.name(), outcome]).get()
        };
        let outcome = |outcome: &str| {
            sites.iter().flat_map(|site| Operation::ALL.map(|operation| calls(site, operation, outcome))).sum()
        };
        let corrections = ["rise", "fall"]
            .map(|direction| self.writes.with_label_values(&[kind_name(ChangeKind::Correction), direction]).get());
        let account = self.ledger().fleet();
        Totals {
            corrections: corrections.iter().sum(),
            throttled: outcome(ErrorKind::Throttled.name()),
            denied: outcome(ErrorKind::Denied.name()),
            flat: account.flat,
            ran: account.ran,
        }
    }

    fn ledger(&self) -> Arc<Ledger> {
        Arc::clone(&self.ledger.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A site in labels: empty at home.
fn names_of(site: &Site) -> [&str; 2] {
    [site.account(), site.region()].map(|name| name.map_or("", |name| name))
}

/// To Prometheus an empty label is none, and to people it is noise.
fn without_empty_labels(mut families: Vec<MetricFamily>) -> Vec<MetricFamily> {
    for metric in families.iter_mut().flat_map(|family| family.mut_metric()) {
        let labels = metric.take_label().into_iter().filter(|label| !label.value().is_empty());
        metric.set_label(labels.collect());
    }
    families
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

#[cfg(test)]
mod tests;
