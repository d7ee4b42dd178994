//! What a scrape shows of facts, calls and snapshots.

use baseload_core::model::{Site, TargetId};
use baseload_core::status::{
    Condition, ConditionKind, Conditions, ConfigurationStatus, Counts, FloorStatus, NextStatus, SiteStatus,
    TargetStatus, Truth,
};
use baseload_view::metrics::table::TABLE;
use jiff::Timestamp;

use super::*;

fn target(cluster: &str, service: &str) -> TargetStatus {
    TargetStatus {
        site: Site::HOME,
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
        next: Some(NextStatus { at: Timestamp::UNIX_EPOCH, floor: floor(1) }.into()),
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
        lease: None,
        sites: Vec::new(),
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
        metrics.note(&Arc::new(Status { at, ..status(vec![known_target()]) }), None);
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
    metrics.aws_call(&Site::HOME, Operation::DescribeServices, Err(ErrorKind::Denied), Duration::from_millis(30));
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
    metrics.note(&Arc::new(status(Vec::new())), None);
    let configuration = ConfigurationStatus {
        revision: Some("3f2a".to_owned()),
        last_success: Some(Timestamp::UNIX_EPOCH),
        since: Some(Timestamp::UNIX_EPOCH),
        ..ConfigurationStatus::default()
    };
    let sites = vec![SiteStatus {
        site: Site::HOME,
        targets: 1,
        failing: Vec::new(),
        writes_waiting: 3,
        writes_in_flight: 1,
        write_rate: Some(2.5),
    }];
    let text = render(&metrics, Status { configuration, sites, ..status(vec![known_target()]) });
    let families = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    let ours: BTreeSet<&str> = families.filter(|name| !name.starts_with("process_")).collect();
    assert_eq!(ours, TABLE.iter().map(|metric| metric.name).collect::<BTreeSet<_>>());
}

#[test]
fn a_target_elsewhere_has_its_account_and_region_on_every_series() {
    let elsewhere = TargetStatus { site: Site::new("prod", "eu-west-1"), corrections: 9, ..known_target() };
    let pace = |site, writes_waiting| SiteStatus {
        site,
        targets: 1,
        failing: Vec::new(),
        writes_waiting,
        writes_in_flight: 0,
        write_rate: None,
    };
    let sites = vec![pace(Site::HOME, 3), pace(Site::new("prod", "eu-west-1"), 4)];
    let text = render(&metrics(), Status { sites, ..status(vec![known_target(), elsewhere]) });
    for line in [
        r#"baseload_corrections_total{cluster="shop",service="www"} 7"#,
        r#"baseload_corrections_total{account="prod",region="eu-west-1",cluster="shop",service="www"} 9"#,
        "baseload_writes_waiting 3",
        r#"baseload_writes_waiting{account="prod",region="eu-west-1"} 4"#,
    ] {
        assert!(has(&text, line), "{line}");
    }
    let named = |label: &str| text.lines().filter(|line| line.contains(label)).count();
    assert_eq!(named(r#"region="eu-west-1",cluster="shop",service="www""#), 43);
    assert_eq!(named(r#"cluster="shop",service="www""#), 2 * 43, "no series is shared");
}

#[test]
fn calls_elsewhere_are_counted_apart_and_all_of_an_accounts_series_begin_with_its_first() {
    let metrics = metrics();
    let prod = Site::new("prod", "eu-west-1");
    metrics.aws_call(&prod, Operation::DescribeServices, Err(ErrorKind::Denied), Duration::from_millis(30));
    let text = scrape(&metrics, Vec::new());
    let line = |outcome: &str, count: u8| {
        format!(
            r#"baseload_aws_calls_total{{account="prod",operation="DescribeServices",outcome="{outcome}",region="eu-west-1"}} {count}"#
        )
    };
    assert!(has(&text, &line("denied", 1)) && has(&text, &line("ok", 0)), "{text}");
    assert!(has(&text, r#"baseload_aws_calls_total{operation="DescribeServices",outcome="denied"} 0"#));
    assert!(!text.contains(r#"account="""#), "at home there is no such label");
    assert_eq!(metrics.totals().denied, 1, "CloudWatch is told the sum");
}
