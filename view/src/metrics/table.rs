//! Every metric, declared once: the registry, the text that is served and `docs/metrics.md` all come from here.

/// One metric, as it is declared.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// The whole name, with the prefix.
    pub name: &'static str,
    /// What it measures, in one sentence without a full stop.
    pub help: &'static str,
    /// What its samples are.
    pub kind: Kind,
    /// The names of its labels.
    pub labels: &'static [&'static str],
}

/// What the samples of a metric are.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Only ever rises.
    Counter,
    /// Rises and falls.
    Gauge,
    /// Counts by upper bounds, in the metric's unit.
    Histogram(&'static [f64]),
}

impl Kind {
    /// The word of the text format.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram(_) => "histogram",
        }
    }
}

macro_rules! metrics {
    ($($constant:ident: $kind:expr, $name:literal, [$($label:literal),*], $help:literal;)*) => {
        $(#[doc = $help]
        pub const $constant: Metric =
            Metric { name: $name, help: $help, kind: $kind, labels: &[$($label),*] };)*

        /// Every metric but those of the process (`process_…`), which the prometheus crate names.
        pub const TABLE: &[Metric] = &[$($constant),*];
    };
}

metrics! {
    FLOOR: Kind::Gauge, "baseload_floor", ["account", "region", "cluster", "service"],
        "The minimum that the schedules declare now, in tasks; absent where the target is left alone";
    MIN_CAPACITY: Kind::Gauge, "baseload_min_capacity", ["account", "region", "cluster", "service"],
        "MinCapacity of the scalable target as last seen, in tasks";
    MAX_CAPACITY: Kind::Gauge, "baseload_max_capacity", ["account", "region", "cluster", "service"],
        "MaxCapacity of the scalable target as last seen, in tasks";
    DESIRED_COUNT: Kind::Gauge, "baseload_desired_count", ["account", "region", "cluster", "service"],
        "Desired tasks of the service as last seen";
    RUNNING_COUNT: Kind::Gauge, "baseload_running_count", ["account", "region", "cluster", "service"],
        "Running tasks of the service as last seen";
    DESIRED_SHORTFALL: Kind::Gauge, "baseload_desired_shortfall", ["account", "region", "cluster", "service"],
        "How many tasks desired is below the floor; 0 where the floor is held";
    RUNNING_SHORTFALL: Kind::Gauge, "baseload_running_shortfall", ["account", "region", "cluster", "service"],
        "How many tasks running is below the floor; 0 where the floor's tasks are there";
    NEXT_CHANGE: Kind::Gauge, "baseload_next_change_timestamp_seconds", ["account", "region", "cluster", "service"],
        "When what the schedules declare changes next; absent where it never does";
    NEXT_FLOOR: Kind::Gauge, "baseload_next_floor", ["account", "region", "cluster", "service"],
        "The minimum declared from the next change on, in tasks; absent where the target is then left alone";
    OBSERVATION: Kind::Gauge, "baseload_observation_timestamp_seconds", ["account", "region", "cluster", "service"],
        "When the question left that the bounds as last seen answer";
    CONDITION: Kind::Gauge, "baseload_condition", ["account", "region", "cluster", "service", "condition", "status"],
        "Whether the condition has this status (1) or another (0)";
    CORRECTIONS: Kind::Counter, "baseload_corrections_total", ["account", "region", "cluster", "service"],
        "Accepted writes that undid a foreign change";
    FLAT: Kind::Counter, "baseload_flat_floor_task_seconds_total", ["account", "region", "cluster", "service"],
        "Task-seconds under a flat floor: the highest floor of the coming week, or what ran where that was more";
    DECLARED: Kind::Counter, "baseload_declared_task_seconds_total", ["account", "region", "cluster", "service"],
        "Task-seconds that the schedules declared";
    RAN: Kind::Counter, "baseload_running_task_seconds_total", ["account", "region", "cluster", "service"],
        "Task-seconds that ran; what a flat floor takes beyond them is the saving";
    BINDING: Kind::Counter, "baseload_floor_binding_seconds_total", ["account", "region", "cluster", "service"],
        "Time in which desired stood at the floor or below: the policies would have gone lower";
    EXCEEDED: Kind::Counter, "baseload_floor_exceeded_seconds_total", ["account", "region", "cluster", "service"],
        "Time in which desired stood above the floor; a floor that is always exceeded is useless";
    TARGETS: Kind::Gauge, "baseload_targets", [],
        "Targets that the schedules name, or that a glob has found";
    TARGETS_BY_CONDITION: Kind::Gauge, "baseload_targets_by_condition", ["condition", "status"],
        "How many targets have the condition with this status";
    FLEET_FLOOR: Kind::Gauge, "baseload_fleet_floor_tasks", [],
        "The sum of all floors that are declared now, in tasks";
    FLEET_DESIRED: Kind::Gauge, "baseload_fleet_desired_tasks", [],
        "The sum of desired tasks as last seen";
    FLEET_RUNNING: Kind::Gauge, "baseload_fleet_running_tasks", [],
        "The sum of running tasks as last seen";
    FLEET_DESIRED_SHORTFALL: Kind::Gauge, "baseload_fleet_desired_shortfall", [],
        "How many tasks desired is below the floors, over all targets";
    FLEET_RUNNING_SHORTFALL: Kind::Gauge, "baseload_fleet_running_shortfall", [],
        "How many tasks running is below the floors, over all targets";
    FLEET_NEXT_CHANGE: Kind::Gauge, "baseload_fleet_next_change_timestamp_seconds", [],
        "When what the schedules declare changes next for any target";
    FLEET_OBSERVATION: Kind::Gauge, "baseload_fleet_oldest_observation_timestamp_seconds", [],
        "The oldest of the targets' observations: when its question left";
    FLEET_FLAT: Kind::Counter, "baseload_fleet_flat_floor_task_seconds_total", [],
        "Task-seconds of all targets under flat floors, those that have left included";
    FLEET_DECLARED: Kind::Counter, "baseload_fleet_declared_task_seconds_total", [],
        "Task-seconds that the schedules declared for all targets, those that have left included";
    FLEET_RAN: Kind::Counter, "baseload_fleet_running_task_seconds_total", [],
        "Task-seconds of all targets that ran, those that have left included";
    FLEET_BINDING: Kind::Counter, "baseload_fleet_floor_binding_seconds_total", [],
        "Time in which a target's desired stood at the floor or below, over all targets";
    FLEET_EXCEEDED: Kind::Counter, "baseload_fleet_floor_exceeded_seconds_total", [],
        "Time in which a target's desired stood above the floor, over all targets";
    WRITES: Kind::Counter, "baseload_writes_total", ["kind", "direction"],
        "Accepted writes: what for (scheduled, correction, nudge) and which way the bounds went (rise, fall, same)";
    BOUNDARY_LATENESS: Kind::Histogram(&LATENESS_SECONDS), "baseload_boundary_lateness_seconds", [],
        "From the instant at which a floor began to hold to its acceptance by AWS";
    TIME_TO_READY: Kind::Histogram(&READY_SECONDS), "baseload_time_to_ready_seconds", [],
        "From the acceptance of a raised floor to as many tasks running";
    TARGET_PANICS: Kind::Counter, "baseload_target_panics_total", [],
        "Targets that were taken out because planning them panicked";
    AWS_CALLS: Kind::Counter, "baseload_aws_calls_total", ["account", "region", "operation", "outcome"],
        "Calls to AWS, by how they ended";
    AWS_CALL_DURATION: Kind::Histogram(&CALL_SECONDS), "baseload_aws_call_duration_seconds", ["account", "region", "operation"],
        "How long calls to AWS took";
    WRITE_RATE: Kind::Gauge, "baseload_write_rate_limit", ["account", "region"],
        "Writes a second that AWS lets through, as its throttles taught; absent where none has, lately";
    WRITES_WAITING: Kind::Gauge, "baseload_writes_waiting", ["account", "region"],
        "Writes that are due and have not left";
    WRITES_IN_FLIGHT: Kind::Gauge, "baseload_writes_in_flight", ["account", "region"],
        "Writes that are under way";
    TICK_LATENESS: Kind::Histogram(&TICK_SECONDS), "baseload_tick_lateness_seconds", [],
        "From the whole second of the wall clock to the evaluation of the schedules for it";
    LOOP_DURATION: Kind::Histogram(&TICK_SECONDS), "baseload_loop_duration_seconds", [],
        "How long one turn of the loop took: evaluation, plan, and what it started";
    RESYNC: Kind::Gauge, "baseload_resync_interval_seconds", [],
        "How often every target is looked at";
    RELOAD_SUCCESSFUL: Kind::Gauge, "baseload_config_last_reload_successful", [],
        "Whether the last attempt to load the schedules succeeded (1) or not (0)";
    RELOAD_SUCCESS_TIME: Kind::Gauge, "baseload_config_last_reload_success_timestamp_seconds", [],
        "When the schedules were last loaded successfully, changed or not";
    IN_FORCE_TIME: Kind::Gauge, "baseload_config_in_force_timestamp_seconds", [],
        "Since when the revision in force has been in force";
    CONFIG_HELD: Kind::Gauge, "baseload_config_held", [],
        "Whether a new revision waits for an acknowledgement (1) or not (0)";
    CONFIG_INFO: Kind::Gauge, "baseload_config_info", ["revision", "source"],
        "The revision in force and where it comes from; always 1";
    HEARTBEAT: Kind::Gauge, "baseload_heartbeat_timestamp_seconds", [],
        "When the schedules were last evaluated";
    LEADER: Kind::Gauge, "baseload_leader", [],
        "Whether this replica may write: 1 where it holds the lease or needs none, 0 where it stands by";
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

#[cfg(test)]
mod tests {
    use super::*;

    fn reference() -> String {
        let rows: String = TABLE
            .iter()
            .map(|metric| {
                let labels: Vec<_> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
                format!("| `{}` | {} | {} | {} |\n", metric.name, metric.kind.name(), labels.join(", "), metric.help)
            })
            .collect();
        format!("{INTRODUCTION}| name | kind | labels | meaning |\n| --- | --- | --- | --- |\n{rows}")
    }

    const INTRODUCTION: &str = "\
# Metrics

Served at `/metrics` in Prometheus's text format. Counters and histograms exist from the start; a gauge of
something unknown is absent, never zero; a target's series go with it. The process's own metrics (`process_…`) come
beside these.

`account` and `region` are there for what is elsewhere: at home, in the controller's own account and region, a series has
neither, which is the same to Prometheus as two that are empty.

A target has 43 series. Where that is too much, `--metrics-per-target=false` leaves out all that have the labels
`cluster` and `service`; those of the fleet (`baseload_fleet_…`, `baseload_targets…`) are always there.

Ages are better taken from `baseload_heartbeat_timestamp_seconds` than from `time()`: it is the controller's own clock,
which runs fast in a simulation. The dashboards and rules in `charts/baseload/` read nothing but what is named here;
[runbook.md](runbook.md) says what to do when a rule fires.

";

    #[test]
    fn the_reference_page_says_what_is_served() {
        let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/metrics.md");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&page, reference()).unwrap();
        }
        let written = std::fs::read_to_string(&page).unwrap_or_default();
        assert_eq!(written, reference(), "run the test with UPDATE_GOLDEN=1 to write docs/metrics.md anew");
    }
}
