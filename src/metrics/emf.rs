//! What CloudWatch is told: the fleet's metrics, once a minute, as a line of its Embedded Metric Format.
//!
//! A log driver carries the line to CloudWatch Logs, which makes metrics of it: no agent, no permission, no Prometheus.
//! Counters are told by what they grew since the line before.

use baseload_core::status::{ConditionKind, Status, Truth};
use baseload_view::metrics::Fleet;
use serde_json::{Map, Value, json};

use super::{Metrics, Totals};

/// The namespace of the metrics in CloudWatch.
const NAMESPACE: &str = "Baseload";

/// The longest value of a dimension that CloudWatch takes, in characters.
const LONGEST_DIMENSION: usize = 1024;

/// Remembers the last line.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Emf {
    minute: Option<i64>,
    totals: Totals,
}

/// Name, unit and value; without a value the metric is left out.
type Row = (&'static str, &'static str, Option<u64>);

impl Emf {
    /// The line for this snapshot, with its end, unless its minute has one.
    pub(crate) fn line(&mut self, status: &Status, metrics: &Metrics) -> Option<String> {
        let minute = status.at.as_second().div_euclid(60);
        if self.minute.replace(minute) == Some(minute) {
            return None;
        }
        let totals = metrics.totals();
        let before = std::mem::replace(&mut self.totals, totals);
        Some(format!("{}\n", document(status, &rows(status, before, totals))))
    }
}

fn rows(status: &Status, before: Totals, now: Totals) -> Vec<Row> {
    let fleet = Fleet::of(&status.targets);
    let with = |kind, status| Some(fleet.with(kind, status));
    let grown = |total: fn(&Totals) -> u64| total(&now).saturating_sub(total(&before));
    let saved = grown(|totals| totals.flat).saturating_sub(grown(|totals| totals.ran)) / 1000;
    let seconds_old = |at: jiff::Timestamp| u64::try_from(status.at.duration_since(at).as_secs()).unwrap_or(0);
    vec![
        ("Targets", "Count", Some(fleet.targets)),
        ("FloorTasks", "Count", fleet.floor),
        ("DesiredTasks", "Count", fleet.desired),
        ("RunningTasks", "Count", fleet.running),
        ("DesiredShortfall", "Count", fleet.desired_shortfall),
        ("RunningShortfall", "Count", fleet.running_shortfall),
        ("TargetsOutOfSync", "Count", with(ConditionKind::Synced, Truth::False)),
        ("TargetsNotRegistered", "Count", with(ConditionKind::Registered, Truth::False)),
        ("TargetsLimited", "Count", with(ConditionKind::Limited, Truth::True)),
        ("TargetsPaused", "Count", with(ConditionKind::Paused, Truth::True)),
        ("TargetsContested", "Count", with(ConditionKind::Contested, Truth::True)),
        ("OldestObservationAge", "Seconds", fleet.oldest_observation.map(seconds_old)),
        ("Corrections", "Count", Some(grown(|totals| totals.corrections))),
        ("ThrottledCalls", "Count", Some(grown(|totals| totals.throttled))),
        ("DeniedCalls", "Count", Some(grown(|totals| totals.denied))),
        ("SavedTaskSeconds", "Count", Some(saved)),
        ("ConfigurationRejected", "Count", Some(u64::from(!status.configuration.last_reload_successful))),
        ("ConfigurationHeld", "Count", Some(u64::from(status.configuration.held))),
    ]
}

fn document(status: &Status, rows: &[Row]) -> Value {
    let known = || rows.iter().filter_map(|(name, unit, value)| Some((*name, *unit, (*value)?)));
    let metrics: Vec<Value> = known().map(|(name, unit, _)| json!({ "Name": name, "Unit": unit })).collect();
    let directive = json!({ "Namespace": NAMESPACE, "Dimensions": [["Source"]], "Metrics": metrics });
    let mut members = Map::new();
    let metadata = json!({ "Timestamp": status.at.as_millisecond(), "CloudWatchMetrics": [directive] });
    members.insert("_aws".to_owned(), metadata);
    let source: String = status.configuration.source.chars().take(LONGEST_DIMENSION).collect();
    members.insert("Source".to_owned(), source.into());
    members
        .extend(status.configuration.revision.iter().map(|revision| ("Revision".to_owned(), revision.clone().into())));
    members.extend(known().map(|(name, _, value)| (name.to_owned(), value.into())));
    Value::Object(members)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use baseload_core::model::Site;
    use baseload_core::status::{Conditions, ConfigurationStatus, Counts, FloorStatus, TargetStatus};
    use jiff::Timestamp;

    use super::*;

    fn status(at: &str) -> Status {
        let at: Timestamp = at.parse().unwrap();
        let target = TargetStatus {
            site: Site::HOME,
            cluster: "shop".into(),
            service: "www".into(),
            floor: Some(FloorStatus { min: 3, max: None, schedule: "web".into(), cause: "default".to_owned() }),
            next: None,
            observed: None,
            observed_at: None,
            counts: Some(Counts { desired: 3, running: 2, pending: 1 }),
            verdict: "inSync".into(),
            conditions: Conditions::default(),
            last_error: None,
            corrections: 0,
        };
        Status {
            at,
            heartbeat: at,
            ready: true,
            stopping: false,
            dry_run: false,
            lease: None,
            sites: Vec::new(),
            configuration: ConfigurationStatus {
                source: "./schedules".to_owned(),
                revision: Some("3f2a".to_owned()),
                last_reload_successful: true,
                ..ConfigurationStatus::default()
            },
            targets: vec![Arc::new(target)],
        }
    }

    #[test]
    fn a_line_is_one_json_object_with_its_own_directions() {
        let line = Emf::default().line(&status("2026-11-21T08:00:05Z"), &Metrics::new("0.1.0", "2026e")).unwrap();
        assert!(line.ends_with("}\n") && line.matches('\n').count() == 1);
        let value: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["_aws"]["Timestamp"], 1_795_248_005_000_i64);
        let directive = &value["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Namespace"], "Baseload");
        assert_eq!(directive["Dimensions"], json!([["Source"]]));
        assert_eq!(directive["Metrics"][0], json!({ "Name": "Targets", "Unit": "Count" }));
        for metric in directive["Metrics"].as_array().unwrap() {
            assert!(value[metric["Name"].as_str().unwrap()].is_u64(), "{metric}");
        }
        let of = |name: &str| value[name].clone();
        assert_eq!([of("Source"), of("Revision")], [json!("./schedules"), json!("3f2a")]);
        assert_eq!([of("FloorTasks"), of("RunningShortfall"), of("TargetsPaused")], [json!(3), json!(1), json!(0)]);
        assert_eq!(of("OldestObservationAge"), Value::Null, "nothing was observed, so there is no such metric");
    }

    #[test]
    fn a_minute_has_one_line_and_counters_are_told_by_their_growth() {
        use baseload_core::ecs::{ErrorKind, Operation};
        let (mut emf, metrics) = (Emf::default(), Metrics::new("0.1.0", "2026e"));
        let mut throttled = |at| {
            let line = emf.line(&status(at), &metrics)?;
            metrics.aws_call(
                &Site::HOME,
                Operation::DescribeServices,
                Err(ErrorKind::Throttled),
                std::time::Duration::ZERO,
            );
            serde_json::from_str::<Value>(&line).unwrap()["ThrottledCalls"].as_u64()
        };
        assert_eq!(throttled("2026-11-21T08:00:05Z"), Some(0));
        assert_eq!(throttled("2026-11-21T08:00:59Z"), None);
        assert_eq!(throttled("2026-11-21T08:01:00Z"), Some(1));
        assert_eq!(throttled("2026-11-21T08:02:00Z"), Some(1));
    }
}
