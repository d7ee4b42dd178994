//! `doctor`: against moto, the simulated ECS, and what is not there at all.

use serde_json::Value;

use crate::account::Account;
use crate::baseload::{Ending, baseload_in};
use crate::controller::Controller;
use crate::folder::{Folder, constant};

fn doctor(folder: &Folder, variables: &[(&str, &str)]) -> Ending {
    baseload_in(&["doctor", "--schedules", folder.arg(), "-o", "json"], variables)
}

/// The verdict on one thing and what was found, as `verdict: finding`; empty where it was not checked.
fn on(ending: &Ending, check: &str) -> String {
    let report = ending.json();
    let found = report["checks"].as_array().and_then(|checks| checks.iter().find(|found| found["check"] == check));
    let text = |found: &Value, field: &str| found[field].as_str().unwrap_or_default().to_owned();
    found.map(|found| format!("{}: {}", text(found, "verdict"), text(found, "finding"))).unwrap_or_default()
}

#[test]
fn where_all_is_well_it_exits_0_and_has_written_nothing() {
    let account = Account::with(&["shop/www"]);
    let folder = Folder::with("all.yaml", constant(&["shop/www"], 3));
    let ending = doctor(&folder, &account.environment()).expect(0);
    assert!(on(&ending, "credentials").starts_with("ok: arn:aws:sts::123456789012:"), "{ending:?}");
    for check in ["application-autoscaling:RegisterScalableTarget", "ecs:DescribeServices", "clock", "targets"] {
        assert!(on(&ending, check).starts_with("ok: "), "{check}: {ending:?}");
    }
    assert!(on(&ending, "policies").starts_with("warn: no scaling policy: shop/www"), "{ending:?}");
    assert_eq!(account.bounds("shop/www"), Some((1, 10)));
    let asked = account.tap.written();
    assert!(asked.iter().all(|body| body["ResourceId"] == "service/shop/baseload-doctor-asks-only"), "{asked:?}");
}

#[test]
fn a_rival_a_low_ceiling_and_a_target_that_is_not_registered_are_warnings() {
    let account = Account::with(&["shop/www"]);
    account.create_service("shop/api", 1);
    let mut action = serde_json::json!({"ServiceNamespace": "ecs", "ResourceId": "service/shop/www"});
    action["ScalableDimension"] = "ecs:service:DesiredCount".into();
    action["ScheduledActionName"] = "night".into();
    action["Schedule"] = "cron(30 0 * * ? *)".into();
    action["ScalableTargetAction"] = serde_json::json!({"MinCapacity": 1});
    account.scaling("PutScheduledAction", &action);
    let folder = Folder::with("all.yaml", constant(&["shop/www", "shop/api"], 30));
    let ending = doctor(&folder, &account.environment()).expect(0);
    assert!(on(&ending, "rivals").contains("shop/www (scheduled action night)"), "{ending:?}");
    assert!(on(&ending, "ceilings").contains("shop/www (floor 30, max 10)"), "{ending:?}");
    assert_eq!(on(&ending, "targets"), "warn: not registered: shop/api");
}

#[test]
fn a_region_in_which_none_of_the_targets_is_there_fails_and_is_named() {
    let account = Account::new();
    let folder = Folder::with("all.yaml", constant(&["shop/www"], 3));
    let ending = doctor(&folder, &account.environment()).expect(1);
    assert!(on(&ending, "targets").starts_with("fail: none of 1 is registered in test-"), "{ending:?}");
}

#[test]
fn the_simulated_ecs_passes_too() {
    let folder = Folder::with("all.yaml", constant(&["shop/www", "shop/api-*"], 3));
    let controller = Controller::start_in(&[], &folder, &["--simulate"]);
    let endpoint = controller.status()["simulator"].as_str().expect("the status names it").to_owned();
    let aws = [
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "x"),
        ("AWS_SECRET_ACCESS_KEY", "x"),
    ];
    let ending = doctor(&folder, &aws).expect(0);
    assert_eq!(on(&ending, "targets"), "ok: 3 registered with Application Auto Scaling");
}

#[test]
fn without_region_credentials_or_a_way_there_that_alone_fails() {
    let folder = Folder::with("all.yaml", constant(&["shop/www"], 3));
    let keys = [("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", "x")];
    let region = [("AWS_REGION", "eu-west-1")];
    let nowhere = [("AWS_ENDPOINT_URL", "http://127.0.0.1:9")];
    for (variables, expected) in [
        (keys.to_vec(), "region"),
        (region.to_vec(), "credentials"),
        ([&keys[..], &region, &nowhere].concat(), "network"),
    ] {
        let ending = doctor(&folder, &variables).expect(1);
        let report = ending.json();
        let checks = report["checks"].as_array().cloned().unwrap_or_default();
        let failed: Vec<_> = checks.iter().filter(|check| check["verdict"] == "fail").collect();
        assert!(failed.len() == 1 && failed[0]["check"] == expected, "{expected}: {failed:?}");
    }
}

#[test]
fn bad_schedules_exit_with_2_and_the_rest_is_checked_all_the_same() {
    let account = Account::new();
    let folder = Folder::with("all.yaml", "kind: Nonsense\n");
    let ending = doctor(&folder, &account.environment()).expect(2);
    assert!(on(&ending, "schedules").starts_with("fail: error["), "{ending:?}");
    assert!(on(&ending, "application-autoscaling:DescribeScalableTargets").starts_with("ok: "), "{ending:?}");
}

#[test]
fn for_a_dry_run_no_permission_to_write_is_asked_for() {
    let account = Account::with(&["shop/www"]);
    let folder = Folder::with("all.yaml", constant(&["shop/www"], 3));
    let variables = [&account.environment()[..], &[("BASELOAD_DRY_RUN", "true")]].concat();
    let ending = doctor(&folder, &variables).expect(0);
    assert_eq!(on(&ending, "application-autoscaling:RegisterScalableTarget"), "");
    assert!(account.tap.written().is_empty());
}
