//! `plan` and `apply` against moto.

use serde_json::{Value, json};

use crate::account::Account;
use crate::baseload::{Ending, baseload_in};
use crate::folder::{Folder, constant, schedule};
use crate::tap::Writes;

fn run(account: &Account, folder: &Folder, args: &[&str]) -> Ending {
    let args = [args, &["--schedules", folder.arg()]].concat();
    baseload_in(&args, &account.environment())
}

/// The row of one target in the JSON of a plan.
fn row(ending: &Ending, service: &str) -> Value {
    let report = ending.json();
    let rows = report["targets"].as_array().expect("a report has targets");
    rows.iter().find(|row| row["service"] == service).unwrap_or_else(|| panic!("no {service} in {report}")).clone()
}

#[test]
fn a_plan_shows_what_would_change_and_writes_nothing() {
    let account = Account::with(&["shop/www", "shop/api", "dev/www"]);
    account.register("shop/api", 3, 10);
    let folder = Folder::with("all.yaml", constant(&["shop/www", "shop/api", "dev/www"], 3));
    let text = run(&account, &folder, &["plan"]).expect(0).stdout;
    for words in ["~ shop/www", "~ dev/www", "min 1 → 3", "2 to change, 1 in sync"] {
        assert!(text.contains(words), "{words} in {text}");
    }
    assert!(!text.contains("shop/api"), "{text}");
    run(&account, &folder, &["plan", "--detailed-exitcode"]).expect(3);
    assert_eq!((account.tap.written(), account.bounds("shop/www")), (vec![], Some((1, 10))));
}

#[test]
fn a_plan_as_json_lists_every_target_in_this_very_shape() {
    let account = Account::with(&["shop/www", "shop/api"]);
    account.register("shop/api", 3, 10);
    let folder = Folder::with("all.yaml", constant(&["shop/www", "shop/api"], 3));
    let ending = run(&account, &folder, &["plan", "-o", "json"]).expect(0);
    let report = ending.json();
    assert!(report["at"].as_str().unwrap().ends_with('Z'), "{report}");
    let row = |service: &str, verdict: &str, min: u32| {
        json!({ "cluster": "shop", "service": service, "verdict": verdict, "from": { "min": min, "max": 10 },
            "to": { "min": 3, "max": null }, "limited": false,
            "reason": "default of schedule constant declares min 3", "error": null })
    };
    assert_eq!(report["targets"], json!([row("api", "inSync", 3), row("www", "change", 1)]));
    assert_eq!(ending.stderr, "");
}

#[test]
fn apply_sends_the_minimum_alone_and_then_there_is_nothing_left_to_do() {
    let account = Account::with(&["shop/www", "dev/api"]);
    let folder = Folder::with("all.yaml", constant(&["shop/www", "dev/api"], 3));
    let ending = run(&account, &folder, &["apply", "-o", "json"]).expect(0);
    assert_eq!(row(&ending, "www")["verdict"], "change");
    assert_eq!([account.bounds("shop/www"), account.bounds("dev/api")], [Some((3, 10)); 2]);
    let mut written = account.tap.written();
    written.sort_by_key(|body| body["ResourceId"].to_string());
    let body = |target: &str| {
        json!({ "ServiceNamespace": "ecs", "ResourceId": format!("service/{target}"),
            "ScalableDimension": "ecs:service:DesiredCount", "MinCapacity": 3 })
    };
    assert_eq!(written, [body("dev/api"), body("shop/www")]);

    let text = run(&account, &folder, &["plan", "--detailed-exitcode"]).expect(0).stdout;
    assert!(text.contains("2 in sync."), "{text}");
    run(&account, &folder, &["apply"]).expect(0);
    assert_eq!(account.tap.written().len(), 2);
}

#[test]
fn a_floor_that_falls_is_applied_too() {
    let account = Account::with(&["shop/www"]);
    account.register("shop/www", 8, 10);
    let folder = Folder::with("all.yaml", constant(&["shop/www"], 3));
    run(&account, &folder, &["apply"]).expect(0);
    assert_eq!(account.bounds("shop/www"), Some((3, 10)));
}

#[test]
fn g12_a_floor_above_the_maximum_goes_as_high_as_it_may_and_says_so() {
    let account = Account::new();
    account.create_service("shop/www", 4);
    account.register("shop/www", 1, 4);
    let folder = Folder::with("all.yaml", constant(&["shop/www"], 6));
    let capped = row(&run(&account, &folder, &["apply", "-o", "json"]).expect(0), "www");
    assert_eq!(
        (&capped["verdict"], &capped["limited"], &capped["to"]["min"]),
        (&json!("change"), &json!(true), &json!(4))
    );
    assert_eq!(account.bounds("shop/www"), Some((4, 4)));
    assert_eq!(account.tap.written()[0].get("MaxCapacity"), None);
    let ending = run(&account, &folder, &["plan", "-o", "json", "--detailed-exitcode"]).expect(0);
    let limited = row(&ending, "www");
    assert_eq!((&limited["verdict"], &limited["limited"]), (&json!("limited"), &json!(true)));
}

#[test]
fn a_target_that_is_not_registered_is_reported_and_never_created() {
    let account = Account::with(&["shop/www"]);
    account.create_service("shop/unregistered", 1);
    let folder = Folder::with("all.yaml", constant(&["shop/www", "shop/unregistered", "shop/nowhere"], 3));
    let ending = run(&account, &folder, &["apply"]).expect(0);
    assert!(ending.stdout.contains("1 changed, 2 not registered"), "{ending:?}");
    assert_eq!((account.bounds("shop/unregistered"), account.bounds("shop/nowhere")), (None, None));
    assert_eq!(account.tap.written().len(), 1);
    run(&account, &folder, &["plan", "--detailed-exitcode"]).expect(0);
}

#[test]
fn declared_pairs_go_in_one_call_also_down_to_zero() {
    let account = Account::with(&["dev/www", "dev/api"]);
    account.register("dev/www", 1, 2);
    let up = schedule("up", &["dev/www"], "  default: { min: 5, max: 10 }\n");
    let off = schedule("off", &["dev/api"], "  default: { min: 0, max: 0 }\n");
    let folder = Folder::with("dev.yaml", format!("{up}{off}"));
    run(&account, &folder, &["apply"]).expect(0);
    assert_eq!((account.bounds("dev/www"), account.bounds("dev/api")), (Some((5, 10)), Some((0, 0))));
    assert!(account.tap.written().iter().all(|body| body.get("MaxCapacity").is_some()));
}

#[test]
fn globs_reach_every_registered_target_and_only_those_that_fit() {
    const SERVICES: usize = 105; // more than two pages
    let account = Account::with(&["shop/www", "other/api-x"]);
    for n in 0..SERVICES {
        let target = format!("shop/api-{n}");
        account.create_service(&target, 10);
        account.register(&target, 1, 10);
    }
    let folder = Folder::with("glob.yaml", constant(&["shop/api-*"], 2));
    let ending = run(&account, &folder, &["apply", "-o", "json"]).expect(0);
    assert_eq!(ending.json()["targets"].as_array().map(Vec::len), Some(SERVICES));
    assert_eq!(account.tap.written().len(), SERVICES);
    assert_eq!((account.bounds("shop/api-0"), account.bounds("shop/api-104")), (Some((2, 10)), Some((2, 10))));
    assert_eq!((account.bounds("shop/www"), account.bounds("other/api-x")), (Some((1, 10)), Some((1, 10))));
}

#[test]
fn a_glob_that_fits_nothing_is_a_warning() {
    let account = Account::with(&["shop/www"]);
    let folder = Folder::with("glob.yaml", constant(&["shop/www", "shop/nothing-*"], 1));
    for command in ["plan", "apply"] {
        let ending = run(&account, &folder, &[command]).expect(0);
        assert!(ending.stderr.contains("warning: shop/nothing-* matches no registered"), "{ending:?}");
    }
}

#[test]
fn g11_a_service_below_its_floor_is_nudged_which_is_no_change() {
    let account = Account::new();
    account.create_service("shop/www", 1);
    account.register("shop/www", 3, 10);
    let folder = Folder::with("all.yaml", constant(&["shop/www"], 3));
    let text = run(&account, &folder, &["plan", "--detailed-exitcode"]).expect(0).stdout;
    assert!(text.contains("1 to nudge"), "{text}");
    run(&account, &folder, &["apply"]).expect(0);
    let written: Vec<_> = account.tap.written().iter().map(|body| body["MinCapacity"].clone()).collect();
    assert_eq!(written, [json!(3)]);
}

#[test]
fn what_stands_above_its_maximum_by_hand_is_not_cut() {
    let account = Account::with(&["shop/www"]);
    account.register("shop/www", 1, 5);
    let folder = Folder::with("all.yaml", constant(&["shop/www"], 3));
    let ending = run(&account, &folder, &["apply", "-o", "json"]).expect(0);
    assert_eq!((row(&ending, "www")["verdict"].clone(), account.tap.written()), (json!("withheld"), vec![]));
}

#[test]
fn aws_s_own_switch_pauses_a_target() {
    let account = Account::with(&["shop/www"]);
    let suspended = json!({ "ServiceNamespace": "ecs", "ResourceId": "service/shop/www",
        "ScalableDimension": "ecs:service:DesiredCount", "SuspendedState": { "ScheduledScalingSuspended": true } });
    account.scaling("RegisterScalableTarget", &suspended);
    let folder = Folder::with("all.yaml", constant(&["shop/www"], 3));
    let ending = run(&account, &folder, &["apply", "-o", "json"]).expect(0);
    assert_eq!((row(&ending, "www")["verdict"].clone(), account.tap.written()), (json!("paused"), vec![]));
}

#[test]
fn a_plan_for_another_instant_holds_its_floors_against_today_s_aws() {
    let account = Account::with(&["shop/www"]);
    let sale =
        "  default: { min: 1 }\n  overrides: [{ name: sale, from: 2099-11-27T06:00, to: 2099-11-28T02:00, min: 9 }]\n";
    let folder = Folder::with("sale.yaml", schedule("sale", &["shop/www"], sale));
    run(&account, &folder, &["plan", "--detailed-exitcode"]).expect(0);
    let args = ["plan", "--detailed-exitcode", "-o", "json", "--at", "2099-11-27T06:00:00Z"];
    let ending = run(&account, &folder, &args).expect(3);
    assert_eq!(
        (ending.json()["at"].clone(), row(&ending, "www")["to"]["min"].clone()),
        (json!("2099-11-27T06:00:00Z"), json!(9))
    );
}

#[test]
fn what_is_bad_is_bad_before_aws_is_asked() {
    let account = Account::with(&["shop/www"]);
    let folder = Folder::with("bad.yaml", constant(&["shop/www"], 3).replace("UTC", "Europe/Berln"));
    for command in ["plan", "apply"] {
        let ending = run(&account, &folder, &[command]).expect(2);
        assert!(ending.stdout.is_empty() && ending.stderr.contains("bad.yaml:7:13"), "{ending:?}");
    }
    assert_eq!(account.bounds("shop/www"), Some((1, 10)));
}

#[test]
fn f4_where_aws_cannot_be_reached_the_verdict_is_unknown_and_the_exit_code_1() {
    let folder = Folder::with("all.yaml", constant(&["shop/www"], 3));
    let nobody = [
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "secret-of-the-test"),
    ];
    for command in ["plan", "apply"] {
        let args = [command, "--schedules", folder.arg(), "-o", "json"];
        let ending = baseload_in(&args, &nobody).expect(1);
        let row = row(&ending, "www");
        assert_eq!((&row["verdict"], &row["from"]["min"]), (&json!("unknown"), &json!(null)), "{ending:?}");
        assert!(row["error"].is_string(), "{ending:?}");
        assert!(!format!("{ending:?}").contains("secret-of-the-test"));
    }
}

#[test]
fn f4_missing_credentials_are_told_for_what_they_are() {
    let account = Account::with(&["shop/www"]);
    let folder = Folder::with("all.yaml", constant(&["shop/www"], 3));
    let environment: Vec<_> = account.environment().into_iter().filter(|(name, _)| !name.contains("KEY")).collect();
    let args = ["plan", "--schedules", folder.arg()];
    let ending = baseload_in(&args, &environment).expect(1);
    assert!(ending.stdout.to_lowercase().contains("credentials"), "{ending:?}");
    assert!(ending.stdout.contains("? shop/www") || ending.stdout.contains("! shop/www"), "{ending:?}");
}

#[test]
fn apply_gives_up_when_its_time_is_over_and_says_what_was_not_accepted() {
    let account = Account::with(&["shop/www"]);
    account.tap.set_writes(Writes::Throttled);
    let folder = Folder::with("all.yaml", constant(&["shop/www"], 3));
    let ending = run(&account, &folder, &["apply", "--timeout", "2s", "-o", "json"]).expect(1);
    let error = row(&ending, "www")["error"].to_string();
    assert!(error.contains("Throttl") || error.contains("Rate exceeded"), "{ending:?}");
    assert!(ending.stderr.contains("--timeout"), "{ending:?}");
    assert_eq!(account.bounds("shop/www"), Some((1, 10)));
}
