//! What Prometheus reads: counters and histograms fed by facts and calls, and gauges drawn from the status snapshot.
//!
//! Every metric is declared once, in [`TABLE`]. Gauges of targets are never stored: each scrape writes them anew from
//! the snapshot it is given, so that a target's series go with the target and what is unknown has no sample. They are
//! written as text directly, because a scrape of thousands of targets is a hundred thousand lines.

use std::fmt::{Display, Write};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use baseload_core::controller::Fact;
use baseload_core::ecs::{ErrorKind, Operation};
use baseload_core::status::{Condition, ConditionKind, ConfigurationStatus, Status, TargetStatus, Truth};
use jiff::{SignedDuration, Timestamp};
use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry, TextEncoder,
};

/// One metric, as it is declared.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Metric {
    /// The whole name, with the prefix.
    pub(crate) name: &'static str,
    /// What it measures, in one sentence without a full stop.
    pub(crate) help: &'static str,
    /// What its samples are.
    pub(crate) kind: Kind,
    /// The names of its labels.
    pub(crate) labels: &'static [&'static str],
}

/// What the samples of a metric are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// Only ever rises.
    Counter,
    /// Rises and falls.
    Gauge,
    /// Counts by upper bounds, in the metric's unit.
    Histogram(&'static [f64]),
}

macro_rules! metrics {
    ($($constant:ident: $kind:expr, $name:literal, [$($label:literal),*], $help:literal;)*) => {
        $(const $constant: Metric = Metric { name: $name, help: $help, kind: $kind, labels: &[$($label),*] };)*

        /// Every metric but those of the process (`process_…`), which the prometheus crate names.
        #[cfg(test)]
        pub(crate) const TABLE: &[Metric] = &[$($constant),*];
    };
}

metrics! {
    FLOOR: Kind::Gauge, "baseload_floor", ["cluster", "service"],
        "The minimum that the schedules declare now, in tasks; absent where the target is left alone";
    MIN_CAPACITY: Kind::Gauge, "baseload_min_capacity", ["cluster", "service"],
        "MinCapacity of the scalable target as last seen, in tasks";
    MAX_CAPACITY: Kind::Gauge, "baseload_max_capacity", ["cluster", "service"],
        "MaxCapacity of the scalable target as last seen, in tasks";
    DESIRED_COUNT: Kind::Gauge, "baseload_desired_count", ["cluster", "service"],
        "Desired tasks of the service as last seen";
    RUNNING_COUNT: Kind::Gauge, "baseload_running_count", ["cluster", "service"],
        "Running tasks of the service as last seen";
    NEXT_CHANGE: Kind::Gauge, "baseload_next_change_timestamp_seconds", ["cluster", "service"],
        "When what the schedules declare changes next; absent where it never does";
    NEXT_FLOOR: Kind::Gauge, "baseload_next_floor", ["cluster", "service"],
        "The minimum declared from the next change on, in tasks; absent where the target is then left alone";
    CONDITION: Kind::Gauge, "baseload_condition", ["cluster", "service", "condition", "status"],
        "Whether the condition has this status (1) or another (0)";
    CORRECTIONS: Kind::Counter, "baseload_corrections_total", ["cluster", "service"],
        "Accepted writes that undid a foreign change";
    BOUNDARY_LATENESS: Kind::Histogram(&LATENESS_SECONDS), "baseload_boundary_lateness_seconds", [],
        "From the instant at which a floor began to hold to its acceptance by AWS";
    TIME_TO_READY: Kind::Histogram(&READY_SECONDS), "baseload_time_to_ready_seconds", [],
        "From the acceptance of a raised floor to as many tasks running";
    TARGET_PANICS: Kind::Counter, "baseload_target_panics_total", [],
        "Targets that were taken out because planning them panicked";
    AWS_CALLS: Kind::Counter, "baseload_aws_calls_total", ["operation", "outcome"],
        "Calls to AWS, by how they ended";
    AWS_CALL_DURATION: Kind::Histogram(&CALL_SECONDS), "baseload_aws_call_duration_seconds", ["operation"],
        "How long calls to AWS took";
    TICK_LATENESS: Kind::Histogram(&TICK_SECONDS), "baseload_tick_lateness_seconds", [],
        "From the whole second of the wall clock to the evaluation of the schedules for it";
    RELOAD_SUCCESSFUL: Kind::Gauge, "baseload_config_last_reload_successful", [],
        "Whether the last attempt to load the schedules succeeded (1) or not (0)";
    RELOAD_SUCCESS_TIME: Kind::Gauge, "baseload_config_last_reload_success_timestamp_seconds", [],
        "When the schedules were last loaded successfully, changed or not";
    CONFIG_HELD: Kind::Gauge, "baseload_config_held", [],
        "Whether a new revision waits for an acknowledgement (1) or not (0)";
    CONFIG_INFO: Kind::Gauge, "baseload_config_info", ["revision", "source"],
        "The revision in force and where it comes from; always 1";
    HEARTBEAT: Kind::Gauge, "baseload_heartbeat_timestamp_seconds", [],
        "When the schedules were last evaluated";
    CLOCK_SKEW: Kind::Gauge, "baseload_clock_skew_seconds", [],
        "How far the wall clock is ahead of the time in AWS's answers; absent until one was seen";
    BUILD_INFO: Kind::Gauge, "baseload_build_info", ["version", "tzdb"],
        "The version of Baseload and of its time zone rules; always 1";
}

const LATENESS_SECONDS: [f64; 14] =
    [0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0];
const READY_SECONDS: [f64; 12] = [5.0, 10.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0, 300.0, 600.0, 1800.0];
const CALL_SECONDS: [f64; 10] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
const TICK_SECONDS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 30.0];

/// About what one target's lines take, so that a scrape allocates once.
const BYTES_PER_TARGET: usize = 4096;

/// The counters and histograms of the process, in a registry of their own.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    boundary_lateness: Histogram,
    time_to_ready: Histogram,
    target_panics: IntCounter,
    aws_calls: IntCounterVec,
    aws_call_duration: HistogramVec,
    tick_lateness: Histogram,
    clock_skew: OnceLock<Gauge>,
}

impl Metrics {
    /// Everything at zero, with a series for every operation and outcome. `version` and `tzdb` label
    /// `baseload_build_info`.
    pub(crate) fn new(version: &str, tzdb: &str) -> Metrics {
        let registry = Registry::new();
        let metrics = Metrics {
            boundary_lateness: histogram(&registry, &BOUNDARY_LATENESS).with_label_values::<&str>(&[]),
            time_to_ready: histogram(&registry, &TIME_TO_READY).with_label_values::<&str>(&[]),
            target_panics: counter(&registry, &TARGET_PANICS).with_label_values::<&str>(&[]),
            aws_calls: counter(&registry, &AWS_CALLS),
            aws_call_duration: histogram(&registry, &AWS_CALL_DURATION),
            tick_lateness: histogram(&registry, &TICK_LATENESS).with_label_values::<&str>(&[]),
            clock_skew: OnceLock::new(),
            registry,
        };
        gauge(&metrics.registry, &BUILD_INFO).with_label_values(&[version, tzdb]).set(1.0);
        metrics.start_calls();
        register_process(&metrics.registry);
        metrics
    }

    /// Brings every series of the calls into being.
    fn start_calls(&self) {
        for operation in Operation::ALL {
            self.aws_call_duration.with_label_values(&[operation.name()]);
            for outcome in std::iter::once("ok").chain(ErrorKind::ALL.map(ErrorKind::name)) {
                self.aws_calls.with_label_values(&[operation.name(), outcome]);
            }
        }
    }

    /// Counts a fact, where a counter or a histogram wants it.
    pub(crate) fn record(&self, fact: &Fact) {
        match fact {
            Fact::Accepted { lateness: Some(lateness), .. } => self.boundary_lateness.observe(seconds(*lateness)),
            Fact::TasksReady { after, .. } => self.time_to_ready.observe(seconds(*after)),
            Fact::Panicked { .. } => self.target_panics.inc(),
            Fact::Accepted { lateness: None, .. }
            | Fact::ConfigurationLoaded { .. }
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

    /// Notes how far the wall clock is ahead of AWS's; negative where it is behind.
    pub(crate) fn clock_skew(&self, ahead: SignedDuration) {
        let skew = self.clock_skew.get_or_init(|| gauge(&self.registry, &CLOCK_SKEW).with_label_values::<&str>(&[]));
        skew.set(ahead.as_secs_f64());
    }

    /// Everything in Prometheus's text format, version 0.0.4; gauges of targets and configuration as of `status`.
    pub(crate) fn render(&self, status: &Status) -> String {
        let mut text = String::with_capacity(16 * 1024 + status.targets.len() * BYTES_PER_TARGET);
        TextEncoder::new()
            .encode_utf8(&self.registry.gather(), &mut text)
            .expect("a registry never gathers an empty family, and a String takes any text");
        write_single(&mut text, &HEARTBEAT, Some(unix(status.heartbeat)));
        write_configuration(&mut text, &status.configuration);
        write_targets(&mut text, &status.targets);
        text
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

fn unix(at: Timestamp) -> i64 {
    at.as_second()
}

fn write_configuration(text: &mut String, configuration: &ConfigurationStatus) {
    write_single(text, &RELOAD_SUCCESSFUL, Some(u8::from(configuration.last_reload_successful)));
    write_single(text, &RELOAD_SUCCESS_TIME, configuration.last_success.map(unix));
    write_single(text, &CONFIG_HELD, Some(u8::from(configuration.held)));
    if let Some(revision) = &configuration.revision {
        write_header(text, &CONFIG_INFO);
        let labels = labels(&CONFIG_INFO, &[revision, &configuration.source]);
        write_sample(text, &CONFIG_INFO, &labels, 1);
    }
}

fn write_targets(text: &mut String, targets: &[Arc<TargetStatus>]) {
    let labelled: Vec<(String, &TargetStatus)> =
        targets.iter().map(|target| (labels(&FLOOR, &[&target.cluster, &target.service]), &**target)).collect();
    write_family(text, &FLOOR, &labelled, |target| target.floor.as_ref().map(|floor| floor.min));
    write_family(text, &MIN_CAPACITY, &labelled, |target| target.observed.map(|bounds| bounds.min));
    write_family(text, &MAX_CAPACITY, &labelled, |target| target.observed.map(|bounds| bounds.max));
    write_family(text, &DESIRED_COUNT, &labelled, |target| target.counts.map(|counts| counts.desired));
    write_family(text, &RUNNING_COUNT, &labelled, |target| target.counts.map(|counts| counts.running));
    write_family(text, &NEXT_CHANGE, &labelled, |target| target.next.as_ref().map(|next| unix(next.at)));
    write_family(text, &NEXT_FLOOR, &labelled, |target| Some(target.next.as_ref()?.floor.as_ref()?.min));
    write_family(text, &CORRECTIONS, &labelled, |target| Some(target.corrections));
    write_conditions(text, &labelled);
}

/// Writes a metric without labels, or nothing where its value is unknown.
fn write_single(text: &mut String, metric: &Metric, value: Option<impl Display>) {
    if let Some(value) = value {
        write_header(text, metric);
        write_sample(text, metric, "", value);
    }
}

/// Writes a family with one sample for each target of which `value` knows one.
fn write_family<V: Display>(
    text: &mut String,
    metric: &Metric,
    targets: &[(String, &TargetStatus)],
    value: impl Fn(&TargetStatus) -> Option<V>,
) {
    let mut samples = targets.iter().filter_map(|(labels, target)| Some((labels, value(target)?))).peekable();
    if samples.peek().is_some() {
        write_header(text, metric);
    }
    for (labels, value) in samples {
        write_sample(text, metric, labels, value);
    }
}

/// Writes 27 lines a target. What follows the target's own labels is the same for all of them and is made once.
fn write_conditions(text: &mut String, targets: &[(String, &TargetStatus)]) {
    if targets.is_empty() {
        return;
    }
    write_header(text, &CONDITION);
    let tails = ConditionKind::ALL.map(|kind| (kind, Truth::ALL.map(|status| (status, condition_tails(kind, status)))));
    for (labels, target) in targets {
        let names = labels.strip_suffix('}').expect("the labels of a target end with a brace");
        for (kind, tails) in &tails {
            let found = status_of(&target.conditions, *kind);
            for (status, [other, this]) in tails {
                text.push_str(CONDITION.name);
                text.push_str(names);
                text.push_str(if *status == found { this } else { other });
            }
        }
    }
}

/// The end of a condition's line where its status is another one, and where it is this one.
fn condition_tails(kind: ConditionKind, status: Truth) -> [String; 2] {
    [0, 1].map(|value| format!(",condition=\"{}\",status=\"{}\"}} {value}\n", kind.name(), status.name()))
}

fn status_of(conditions: &[Condition], kind: ConditionKind) -> Truth {
    conditions.iter().find(|condition| condition.kind == kind).map_or(Truth::Unknown, |condition| condition.status)
}

fn write_header(text: &mut String, metric: &Metric) {
    let kind = match metric.kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram(_) => "histogram",
    };
    let _ = writeln!(text, "# HELP {} {}\n# TYPE {} {kind}", metric.name, metric.help, metric.name);
}

fn write_sample(text: &mut String, metric: &Metric, labels: &str, value: impl Display) {
    text.push_str(metric.name);
    text.push_str(labels);
    let _ = writeln!(text, " {value}"); // a String takes any text
}

/// `{cluster="shop",service="www"}`: the metric's first labels with these values.
fn labels(metric: &Metric, values: &[&str]) -> String {
    let mut text = String::new();
    for (name, value) in metric.labels.iter().zip(values) {
        text.push(if text.is_empty() { '{' } else { ',' });
        text.push_str(name);
        text.push_str("=\"");
        for c in value.chars() {
            match c {
                '\\' => text.push_str("\\\\"),
                '"' => text.push_str("\\\""),
                '\n' => text.push_str("\\n"),
                c => text.push(c),
            }
        }
        text.push('"');
    }
    text.push('}');
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use baseload_core::model::TargetId;
    use baseload_core::status::{Bounds, Conditions, Counts, FloorStatus, NextStatus};

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
            counts: Some(Counts { desired: 5, running: 4, pending: 1 }),
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

    fn scrape(metrics: &Metrics, targets: Vec<TargetStatus>) -> String {
        metrics.render(&status(targets))
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
            ("running_count", 4),
            ("next_change_timestamp_seconds", 0),
            ("next_floor", 1),
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
        let text = metrics().render(&Status { configuration, ..status(Vec::new()) });
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
        let metrics = metrics();
        metrics.clock_skew(SignedDuration::ZERO);
        metrics.tick(Duration::from_millis(2));
        let configuration = ConfigurationStatus {
            revision: Some("3f2a".to_owned()),
            last_success: Some(Timestamp::UNIX_EPOCH),
            ..ConfigurationStatus::default()
        };
        let text = metrics.render(&Status { configuration, ..status(vec![known_target()]) });
        let families = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
        let ours: BTreeSet<&str> = families.filter(|name| !name.starts_with("process_")).collect();
        assert_eq!(ours, TABLE.iter().map(|metric| metric.name).collect::<BTreeSet<_>>());
    }

    fn reference() -> String {
        let rows: String = TABLE
            .iter()
            .map(|metric| {
                let kind = match metric.kind {
                    Kind::Counter => "counter",
                    Kind::Gauge => "gauge",
                    Kind::Histogram(_) => "histogram",
                };
                let labels: Vec<_> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
                format!("| `{}` | {kind} | {} | {} |\n", metric.name, labels.join(", "), metric.help)
            })
            .collect();
        format!(
            "# Metrics\n\nServed at `/metrics` in Prometheus's text format. Counters and histograms exist from the start; a gauge of\n\
             something unknown is absent, never zero; a target's series go with it. The process's own metrics (`process_…`) come\n\
             beside these.\n\n| name | kind | labels | meaning |\n| --- | --- | --- | --- |\n{rows}"
        )
    }

    #[test]
    fn the_reference_page_says_what_is_served() {
        let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/metrics.md");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&page, reference()).unwrap();
        }
        let written = std::fs::read_to_string(&page).unwrap_or_default();
        assert_eq!(written, reference(), "run the test with UPDATE_GOLDEN=1 to write docs/metrics.md anew");
    }
}
