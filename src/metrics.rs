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

use baseload_core::controller::{ChangeKind, Fact, Pacing};
use baseload_core::ecs::{Action, ErrorKind, Operation};
use baseload_core::ledger::Ledger;
use baseload_core::status::{Bounds, ConditionKind, ConfigurationStatus, Status, Truth};
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
    pacing: Pacing,
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
    pub(crate) fn note(&self, status: &Arc<Status>, schedules: Option<&Schedules>, pacing: Pacing) {
        let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        let books = Arc::make_mut(&mut books);
        books.pacing = pacing;
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
        write_configuration(&mut text, &status.configuration);
        write_pacing(&mut text, books.pacing);
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

fn write_pacing(text: &mut String, pacing: Pacing) {
    let thousandths = |rate: f64| Value::Thousandths((rate * 1000.0).round() as u64);
    write_single(text, &table::WRITE_RATE, pacing.rate.map(thousandths));
    write_single(text, &table::WRITES_WAITING, count(pacing.waiting));
    write_single(text, &table::WRITES_IN_FLIGHT, count(pacing.in_flight));
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
mod tests {
    use std::collections::BTreeSet;

    use baseload_core::model::TargetId;
    use baseload_core::status::{Condition, Conditions, Counts, FloorStatus, NextStatus, TargetStatus};
    use jiff::Timestamp;

    use super::table::TABLE;
    use super::*;

    fn target(cluster: &str, service: &str) -> TargetStatus {
        TargetStatus {
            cluster: cluster.into(),
            service: service.into(),
            floor: None,
            next: None,
            observed: None,
            observed_at: None,
            counts: None,
            verdict: "unknown".into(),
            conditions: Conditions::default(),
            last_error: None,
            corrections: 0,
        }
    }

    fn known_target() -> TargetStatus {
        let floor = |min| Some(FloorStatus { min, max: None, schedule: "web".into(), cause: "default".to_owned() });
        TargetStatus {
            floor: floor(3),
            next: Some(NextStatus { at: Timestamp::UNIX_EPOCH, floor: floor(1) }),
            observed: Some(Bounds { min: 2, max: 10 }),
            observed_at: Some(Timestamp::UNIX_EPOCH),
            counts: Some(Counts { desired: 5, running: 2, pending: 3 }),
            conditions: Conditions::from_iter([condition(ConditionKind::Ready, Truth::False)]),
            corrections: 7,
            ..target("shop", "www")
        }
    }

    fn condition(kind: ConditionKind, status: Truth) -> Condition {
        Condition { kind, status, reason: "".into(), message: "".into(), since: Timestamp::UNIX_EPOCH }
    }

    fn status(targets: Vec<TargetStatus>) -> Status {
        Status {
            at: Timestamp::UNIX_EPOCH,
            heartbeat: Timestamp::UNIX_EPOCH,
            ready: true,
            stopping: false,
            dry_run: false,
            configuration: ConfigurationStatus { source: "./schedules".to_owned(), ..ConfigurationStatus::default() },
            targets: targets.into_iter().map(Arc::new).collect(),
        }
    }

    fn render(metrics: &Metrics, status: Status) -> String {
        metrics.scrape(Arc::new(status)).collect()
    }

    fn scrape(metrics: &Metrics, targets: Vec<TargetStatus>) -> String {
        render(metrics, status(targets))
    }

    fn metrics() -> Metrics {
        Metrics::new("0.1.0", "2026e")
    }

    fn has(text: &str, line: &str) -> bool {
        text.lines().any(|found| found == line)
    }

    #[test]
    fn every_operation_and_outcome_has_a_series_from_the_start() {
        let text = scrape(&metrics(), Vec::new());
        for operation in Operation::ALL.map(Operation::name) {
            for outcome in std::iter::once("ok").chain(ErrorKind::ALL.map(ErrorKind::name)) {
                let line = format!(r#"baseload_aws_calls_total{{operation="{operation}",outcome="{outcome}"}} 0"#);
                assert!(has(&text, &line), "{line}");
            }
            let line = format!(r#"baseload_aws_call_duration_seconds_count{{operation="{operation}"}} 0"#);
            assert!(has(&text, &line), "{line}");
        }
        assert!(has(&text, "baseload_boundary_lateness_seconds_count 0"));
        assert!(has(&text, "baseload_time_to_ready_seconds_count 0"));
        assert!(has(&text, "baseload_target_panics_total 0"));
        assert!(has(&text, r#"baseload_build_info{tzdb="2026e",version="0.1.0"} 1"#));
    }

    #[test]
    fn a_target_shows_everything_that_is_known_of_it() {
        let text = scrape(&metrics(), vec![known_target()]);
        for (name, value) in [
            ("floor", 3),
            ("min_capacity", 2),
            ("max_capacity", 10),
            ("desired_count", 5),
            ("running_count", 2),
            ("desired_shortfall", 0),
            ("running_shortfall", 1),
            ("next_change_timestamp_seconds", 0),
            ("next_floor", 1),
            ("observation_timestamp_seconds", 0),
            ("corrections_total", 7),
        ] {
            let line = format!(r#"baseload_{name}{{cluster="shop",service="www"}} {value}"#);
            assert!(has(&text, &line), "{line}");
        }
    }

    #[test]
    fn a_gauge_of_something_unknown_is_absent() {
        let text = scrape(&metrics(), vec![target("shop", "www")]);
        for name in ["floor", "min_capacity", "desired_count", "next_change_timestamp_seconds", "next_floor"] {
            assert!(!text.contains(&format!("baseload_{name}{{")), "{name}");
        }
        for name in ["config_info", "config_last_reload_success_timestamp_seconds", "clock_skew_seconds"] {
            assert!(!text.contains(&format!("baseload_{name}")), "{name}");
        }
        assert!(has(&text, r#"baseload_corrections_total{cluster="shop",service="www"} 0"#));
    }

    #[test]
    fn the_fleet_is_summed_up_also_where_no_target_is_shown() {
        let metrics = metrics().showing(Detail::Fleet);
        let other = TargetStatus { service: "api".into(), ..known_target() };
        let text = scrape(&metrics, vec![other, known_target()]);
        for line in [
            "baseload_targets 2",
            "baseload_fleet_floor_tasks 6",
            "baseload_fleet_running_shortfall 2",
            r#"baseload_targets_by_condition{condition="Ready",status="False"} 2"#,
            r#"baseload_targets_by_condition{condition="Synced",status="Unknown"} 2"#,
        ] {
            assert!(has(&text, line), "{line}");
        }
        assert!(!text.contains("service="));
    }

    #[test]
    fn task_time_is_counted_from_snapshot_to_snapshot() {
        let metrics = metrics();
        for second in [0, 90] {
            let at = Timestamp::from_second(second).unwrap();
            metrics.note(&Arc::new(Status { at, ..status(vec![known_target()]) }), None, Pacing::default());
        }
        let text = scrape(&metrics, vec![known_target()]);
        for line in [
            r#"baseload_declared_task_seconds_total{cluster="shop",service="www"} 270"#,
            r#"baseload_running_task_seconds_total{cluster="shop",service="www"} 180"#,
            r#"baseload_floor_exceeded_seconds_total{cluster="shop",service="www"} 90"#,
            r#"baseload_floor_binding_seconds_total{cluster="shop",service="www"} 0"#,
            "baseload_fleet_declared_task_seconds_total 270",
        ] {
            assert!(has(&text, line), "{line}");
        }
    }

    #[test]
    fn accepted_writes_are_told_apart_by_what_for_and_which_way() {
        let metrics = metrics();
        let accepted = |kind, min, max| {
            let target = TargetId::new("shop", "www");
            let action = Action { target: target.clone(), min, max };
            let before = Some(Bounds { min: 2, max: 10 });
            Fact::Accepted { target, action, kind, before, decision: None, lateness: None }
        };
        metrics.record(&accepted(ChangeKind::Correction, Some(3), None));
        metrics.record(&accepted(ChangeKind::Correction, Some(2), Some(4)));
        metrics.record(&accepted(ChangeKind::Nudge, Some(2), None));
        let text = scrape(&metrics, Vec::new());
        for (kind, direction, count) in
            [("correction", "rise", 1), ("correction", "fall", 1), ("nudge", "same", 1), ("scheduled", "rise", 0)]
        {
            let line = format!(r#"baseload_writes_total{{direction="{direction}",kind="{kind}"}} {count}"#);
            assert!(has(&text, &line), "{line}");
        }
    }

    #[test]
    fn a_large_scrape_comes_in_pieces_that_are_whole_lines_of_grouped_families() {
        let targets = (0..200).map(|n| TargetStatus { service: format!("s-{n:03}").into(), ..known_target() });
        let pieces: Vec<String> = metrics().scrape(Arc::new(status(targets.collect()))).collect();
        assert!(pieces.len() > 5 && pieces.iter().all(|piece| piece.ends_with('\n')), "{}", pieces.len());
        let text = pieces.concat();
        assert_eq!(text.matches("# TYPE baseload_condition gauge").count(), 1);
        assert_eq!(text.matches("baseload_condition{").count(), 200 * 27);
        assert_eq!(text.lines().filter(|line| line.contains("service=\"s-007\"")).count(), 43);
    }

    #[test]
    fn g24_a_targets_series_go_with_it_and_the_counters_keep_counting() {
        let metrics = metrics();
        metrics.aws_call(Operation::DescribeServices, Err(ErrorKind::Denied), Duration::from_millis(30));
        assert!(scrape(&metrics, vec![known_target()]).contains(r#"service="www""#));
        let text = scrape(&metrics, Vec::new());
        assert!(!text.contains(r#"service="www""#));
        assert!(has(&text, r#"baseload_aws_calls_total{operation="DescribeServices",outcome="denied"} 1"#));
    }

    #[test]
    fn exactly_one_status_of_a_condition_is_one() {
        let text = scrape(&metrics(), vec![known_target()]);
        let line = |condition: &str, status: &str, value: u8| {
            format!(
                r#"baseload_condition{{cluster="shop",service="www",condition="{condition}",status="{status}"}} {value}"#
            )
        };
        for (status, value) in [("True", 0), ("False", 1), ("Unknown", 0)] {
            assert!(has(&text, &line("Ready", status, value)));
        }
        assert!(has(&text, &line("Synced", "Unknown", 1)), "a condition that was never judged is unknown");
        assert_eq!(text.matches("baseload_condition{").count(), 27);
    }

    #[test]
    fn names_with_quotes_backslashes_and_line_ends_are_escaped() {
        let text = scrape(&metrics(), vec![target("a\"b", "c\\d\ne")]);
        assert!(has(&text, r#"baseload_corrections_total{cluster="a\"b",service="c\\d\ne"} 0"#));
    }

    #[test]
    fn facts_feed_the_histograms_and_the_panics() {
        let metrics = metrics();
        let target = TargetId::new("shop", "www");
        metrics.record(&Fact::TasksReady { target: target.clone(), floor: 3, after: SignedDuration::from_secs(40) });
        metrics.record(&Fact::Panicked { target, message: "boom".to_owned() });
        let text = scrape(&metrics, Vec::new());
        assert!(has(&text, r#"baseload_time_to_ready_seconds_bucket{le="30"} 0"#));
        assert!(has(&text, r#"baseload_time_to_ready_seconds_bucket{le="45"} 1"#));
        assert!(has(&text, "baseload_target_panics_total 1"));
    }

    #[test]
    fn the_configuration_in_force_is_named() {
        let configuration = ConfigurationStatus {
            source: "./schedules".to_owned(),
            revision: Some("3f2a".to_owned()),
            last_reload_successful: false,
            last_success: Some(Timestamp::UNIX_EPOCH),
            ..ConfigurationStatus::default()
        };
        let text = render(&metrics(), Status { configuration, ..status(Vec::new()) });
        assert!(has(&text, r#"baseload_config_info{revision="3f2a",source="./schedules"} 1"#));
        assert!(has(&text, "baseload_config_last_reload_successful 0"));
        assert!(has(&text, "baseload_config_last_reload_success_timestamp_seconds 0"));
        assert!(has(&text, "baseload_config_held 0"));
    }

    #[test]
    fn the_clocks_skew_shows_once_it_is_known() {
        let metrics = metrics();
        metrics.clock_skew(SignedDuration::from_millis(-1500));
        metrics.clock_skew(SignedDuration::from_millis(-2500));
        assert!(has(&scrape(&metrics, Vec::new()), "baseload_clock_skew_seconds -2.5"));
    }

    #[test]
    fn every_family_is_in_the_table_and_every_row_of_the_table_is_rendered() {
        let metrics = metrics().resynced_every(Duration::from_secs(60));
        metrics.clock_skew(SignedDuration::ZERO);
        metrics.note(&Arc::new(status(Vec::new())), None, Pacing { rate: Some(2.5), waiting: 3, in_flight: 1 });
        let configuration = ConfigurationStatus {
            revision: Some("3f2a".to_owned()),
            last_success: Some(Timestamp::UNIX_EPOCH),
            since: Some(Timestamp::UNIX_EPOCH),
            ..ConfigurationStatus::default()
        };
        let text = render(&metrics, Status { configuration, ..status(vec![known_target()]) });
        let families = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
        let ours: BTreeSet<&str> = families.filter(|name| !name.starts_with("process_")).collect();
        assert_eq!(ours, TABLE.iter().map(|metric| metric.name).collect::<BTreeSet<_>>());
    }
}
