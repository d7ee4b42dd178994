//! `doctor`: against moto, the simulated ECS, and what is not there at all.

use serde_json::Value;

use crate::account::Account;
use crate::baseload::{Ending, baseload_in};
use crate::controller::Controller;
use crate::folder::{Folder, constant};
use crate::tap::Refusal;
use crate::wait::until;

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

/// Something wrong with the way to AWS.
struct Wrong {
    /// What AWS says.
    said: Option<Refusal>,
    /// Variables that are other than they should be; an empty one is not set.
    set: &'static [(&'static str, &'static str)],
    /// The one check that fails.
    check: &'static str,
    /// What the remedy names, that of the check and that in the log.
    remedy: &'static str,
}

const KEYLESS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", "")];

const fn said(operation: &'static str, code: &'static str, message: &'static str) -> Option<Refusal> {
    Some(Refusal { operation, code, message })
}

const WRONGS: [Wrong; 10] = [
    Wrong {
        said: said(
            "DescribeServices",
            "AccessDeniedException",
            "User: x is not authorized to perform: ecs:DescribeServices",
        ),
        set: &[],
        check: "ecs:DescribeServices",
        remedy: "allow the role ecs:DescribeServices",
    },
    Wrong {
        said: said("DescribeScalableTargets", "AccessDeniedException", "User: x is not authorized to perform: this"),
        set: &[],
        check: "application-autoscaling:DescribeScalableTargets",
        remedy: "allow the role application-autoscaling:DescribeScalableTargets",
    },
    Wrong {
        said: said(
            "RegisterScalableTarget",
            "ValidationException",
            "User is missing the following permissions: ecs:UpdateService",
        ),
        set: &[],
        check: "application-autoscaling:RegisterScalableTarget",
        remedy: "allow the role ecs:UpdateService;",
    },
    Wrong {
        said: said("", "ExpiredTokenException", "The security token included in the request is expired"),
        set: &[],
        check: "credentials",
        remedy: "the session is over: log in again",
    },
    Wrong {
        said: said("", "UnrecognizedClientException", "The security token included in the request is invalid."),
        set: &[],
        check: "credentials",
        remedy: "AWS does not know these credentials",
    },
    Wrong { said: None, set: &KEYLESS, check: "credentials", remedy: "give the task a role (taskRoleArn" },
    Wrong {
        said: said(
            "AssumeRoleWithWebIdentity",
            "AccessDenied",
            "Not authorized to perform sts:AssumeRoleWithWebIdentity",
        ),
        set: &[
            ("AWS_ACCESS_KEY_ID", ""),
            ("AWS_SECRET_ACCESS_KEY", ""),
            ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/other"),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "Cargo.toml"),
        ],
        check: "credentials",
        remedy: "the role's trust policy",
    },
    Wrong {
        said: None,
        set: &[
            ("AWS_ACCESS_KEY_ID", ""),
            ("AWS_SECRET_ACCESS_KEY", ""),
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:9/credentials"),
        ],
        check: "credentials",
        remedy: "the task's role",
    },
    Wrong { said: None, set: &[("AWS_REGION", "")], check: "region", remedy: "set AWS_REGION" },
    Wrong {
        said: None,
        set: &[("AWS_ENDPOINT_URL", "http://127.0.0.1:9")],
        check: "network",
        remedy: "a way out on port 443",
    },
];

#[test]
fn what_is_wrong_is_the_one_thing_that_doctor_and_the_log_name() {
    std::thread::scope(|scope| WRONGS.iter().for_each(|wrong| drop(scope.spawn(|| is_named(wrong)))));
}

fn is_named(Wrong { said, set, check, remedy }: &Wrong) {
    let account = Account::with(&["shop/www"]);
    if let Some(refusal) = said {
        account.tap.refuse(*refusal);
    }
    let mut variables = account.environment().to_vec();
    variables.retain(|(name, _)| set.iter().all(|(other, _)| name != other));
    variables.extend(set.iter().filter(|(_, value)| !value.is_empty()));
    let folder = Folder::with("all.yaml", constant(&["shop/www"], 3));

    let ending = doctor(&folder, &variables).expect(1);
    let report = ending.json();
    let checks = report["checks"].as_array().cloned().unwrap_or_default();
    let failed: Vec<_> = checks.iter().filter(|check| check["verdict"] == "fail").collect();
    assert!(failed.len() == 1 && failed[0]["check"] == *check, "{check}: {failed:?}");
    let advice = failed[0]["remedy"].as_str().unwrap_or_default();
    assert!(advice.contains(remedy), "{check}: {advice}");

    let controller = Controller::start_in(&variables, &folder, &[]);
    controller.wait_log(&["\"remedy\"", remedy]);
}

#[test]
fn a_wrong_region_is_named_by_the_log() {
    let (here, there) = (Account::with(&["shop/www"]), Account::new());
    let variables = [&here.environment()[..], &there.environment()[1..2]].concat();
    let controller = Controller::start_in(&variables, &Folder::with("all.yaml", constant(&["shop/www"], 3)), &[]);
    controller.wait_log(&["of this name here: check the region"]);
    let region = format!("\"region\":\"{}\"", there.environment()[1].1);
    assert!(controller.log()[0].contains(&region), "{:?}", controller.log()[0]);
}

#[test]
fn a_cluster_that_is_not_there_is_named() {
    let account = Account::with(&["shop/www"]);
    let folder = Folder::with("all.yaml", constant(&["shop/www", "shop/wwww", "schop/api"], 3));
    let ending = doctor(&folder, &account.environment()).expect(0);
    assert_eq!(
        on(&ending, "targets"),
        "warn: ECS has no service of cluster schop: schop/api; and no such service: shop/wwww"
    );
    let folder = Folder::with("all.yaml", constant(&["schop/api"], 3));
    let ending = doctor(&folder, &account.environment()).expect(1);
    assert!(on(&ending, "targets").starts_with("fail: none of 1 is registered in test-"), "{ending:?}");
    assert_eq!(on(&ending, "ecs:DescribeServices"), "ok: allowed");
}

#[test]
fn a_variable_of_awss_that_is_set_to_nothing_is_named() {
    let account = Account::with(&["shop/www"]);
    let folder = Folder::with("all.yaml", constant(&["shop/www"], 3));
    for name in ["AWS_ENDPOINT_URL", "AWS_REGION", "AWS_ENDPOINT_URL_ECS"] {
        let variables = [&account.environment()[..], &[(name, "")]].concat();
        for command in ["doctor", "plan", "run"] {
            let ending = baseload_in(&[command, "--schedules", folder.arg()], &variables).expect(2);
            assert_eq!(ending.stderr, format!("error: {name} is set to nothing: unset it, or give it a value\n"));
        }
    }
}

#[test]
fn libraries_say_nothing_of_their_own_in_the_log() {
    let account = Account::with(&["shop/www"]);
    let controller = Controller::start(&account, &Folder::with("all.yaml", constant(&["shop/www"], 3)), &[]);
    until("a floor was accepted", || account.bounds("shop/www") == Some((3, 10)));
    let log = controller.log();
    let ours = ["baseload starts", "schedules in force", "condition changed", "floor "];
    assert!(log.iter().all(|line| ours.iter().any(|words| line.contains(words))), "{log:?}");
}
