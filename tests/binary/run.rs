//! `run` against moto: what it does to AWS, what it survives, and how it ends.

use std::fs;
use std::net::TcpListener;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::account::Account;
use crate::baseload::{baseload, baseload_in};
use crate::controller::Controller;
use crate::folder::{Folder, constant, fixed_zone, schedule};
use crate::tap::Writes;
use crate::wait::{eventually, pass, until};

const WWW: &str = "shop/www";

/// A controller that keeps `shop/www` at 3, ready and done with it.
fn settled() -> (Account, Folder, Controller) {
    let account = Account::with(&[WWW]);
    let folder = Folder::with("all.yaml", constant(&[WWW], 3));
    let controller = Controller::start(&account, &folder, &[]);
    wait_floor(&account, 3);
    controller.wait_ready();
    (account, folder, controller)
}

fn wait_floor(account: &Account, min: u64) {
    until("AWS has the floor", || account.bounds(WWW) == Some((min, 10)));
}

fn minima(account: &Account) -> Vec<Value> {
    account.tap.written().iter().map(|body| body["MinCapacity"].clone()).collect()
}

/// How many calls of an operation were answered.
fn calls(controller: &Controller, operation: &str) -> f64 {
    let name = format!("baseload_aws_calls_total{{operation=\"{operation}\",outcome=\"ok\"}}");
    controller.metric(&name).unwrap_or(0.0)
}

#[test]
fn floors_are_set_with_the_minimum_alone_and_then_left_as_they_are() {
    let (account, _folder, controller) = settled();
    let body = json!({ "ServiceNamespace": "ecs", "ResourceId": "service/shop/www",
        "ScalableDimension": "ecs:service:DesiredCount", "MinCapacity": 3 });
    until("two more looks were taken", || calls(&controller, "DescribeScalableTargets") >= 3.0);
    assert_eq!(account.tap.written(), [body]);
    assert_eq!(controller.condition("Synced"), "True");
}

#[test]
fn someone_else_s_changes_are_undone_whichever_way_they_go() {
    let account = Account::with(&[WWW, "shop/api"]);
    account.register(WWW, 3, 10);
    account.register("shop/api", 3, 10);
    let folder = Folder::with("all.yaml", constant(&[WWW, "shop/api"], 3));
    let controller = Controller::start(&account, &folder, &[]);
    controller.wait_ready();
    account.register(WWW, 7, 12);
    account.register("shop/api", 1, 10);
    until("the fall is undone", || account.bounds("shop/api") == Some((3, 10)));
    until("the rise is undone, and the maximum is not ours", || account.bounds(WWW) == Some((3, 12)));
    until("the corrections are counted", || {
        let targets = controller.status()["targets"].clone();
        (0..2).all(|at| targets[at]["corrections"] == 1)
    });
    assert_eq!(minima(&account), [json!(3), json!(3)]);
}

#[test]
fn an_edit_is_picked_up_and_a_bad_one_never_takes_effect() {
    let (account, folder, controller) = settled();
    folder.write("all.yaml", constant(&[WWW], 4));
    wait_floor(&account, 4);

    folder.write("all.yaml", constant(&[WWW], 5).replace("UTC", "Europe/Berln"));
    let refused = controller.reload();
    assert_eq!(refused.code, 500);
    assert!(refused.body.contains("all.yaml:7:13") && refused.body.contains("Europe/Berlin"), "{refused:?}");
    let configuration = controller.status()["configuration"].clone();
    assert_eq!(configuration["lastReloadSuccessful"], false);
    assert!(configuration["lastError"].as_str().unwrap().contains("Berln"), "{configuration}");
    assert_eq!(controller.metric("baseload_config_last_reload_successful"), Some(0.0));
    assert_eq!(controller.get("/readyz").code, 200);

    folder.write("all.yaml", constant(&[WWW], 6));
    assert_eq!(controller.reload().code, 200);
    wait_floor(&account, 6);
    assert_eq!(controller.metric("baseload_config_last_reload_successful"), Some(1.0));
    assert_eq!(controller.status()["configuration"]["lastError"], Value::Null);
    assert_eq!(minima(&account), [json!(3), json!(4), json!(6)]);
}

#[test]
fn f45_an_emptied_and_a_vanished_source_are_bad_edits() {
    let (account, folder, controller) = settled();
    folder.remove("all.yaml");
    assert_eq!(controller.reload().code, 500);
    folder.write("all.yaml", "");
    assert_eq!(controller.reload().code, 500);
    fs::remove_dir_all(folder.path()).unwrap();
    assert_eq!(controller.reload().code, 500);
    assert_eq!(controller.status()["targets"][0]["floor"]["min"], 3);
    assert_eq!(controller.get("/readyz").code, 200);

    fs::create_dir(folder.path()).unwrap();
    folder.write("all.yaml", constant(&[WWW], 4));
    wait_floor(&account, 4);
    assert_eq!(minima(&account), [json!(3), json!(4)]);
}

#[test]
fn f7_a_target_is_picked_up_when_it_appears_and_reported_when_it_goes() {
    let account = Account::new();
    account.create_service(WWW, 10);
    let folder = Folder::with("all.yaml", constant(&[WWW], 3));
    let controller = Controller::start(&account, &folder, &[]);
    until("it is seen that nothing is registered", || controller.condition("Registered") == "False");
    controller.wait_ready();
    assert_eq!(account.tap.written(), [] as [Value; 0]);

    account.register(WWW, 1, 10);
    wait_floor(&account, 3);
    until("it is seen that it is registered", || controller.condition("Registered") == "True");

    account.deregister(WWW);
    until("it is seen that it is gone", || controller.condition("Registered") == "False");
    assert_eq!((account.bounds(WWW), minima(&account)), (None, vec![json!(3)]));
}

#[test]
fn a_service_that_comes_to_fit_a_glob_is_picked_up() {
    let account = Account::with(&["shop/api-one"]);
    let folder = Folder::with("glob.yaml", constant(&["shop/api-*"], 3));
    let _controller = Controller::start(&account, &folder, &[]);
    until("the first has its floor", || account.bounds("shop/api-one") == Some((3, 10)));
    account.create_service("shop/api-two", 10);
    account.register("shop/api-two", 1, 10);
    until("the second has its floor", || account.bounds("shop/api-two") == Some((3, 10)));
}

#[test]
fn sighup_reloads_and_sigterm_ends_with_0() {
    let (account, folder, controller) = settled();
    let attempt = |controller: &Controller| controller.status()["configuration"]["lastAttempt"].to_string();
    let before = attempt(&controller);
    folder.write("all.yaml", constant(&[WWW], 5));
    controller.signal("HUP");
    until("the source was read", || attempt(&controller) != before);
    wait_floor(&account, 5);
    controller.signal("TERM");
    assert_eq!(controller.wait(), Some(0));
}

#[test]
fn f31_a_write_that_is_under_way_may_finish_before_the_end() {
    let account = Account::with(&[WWW]);
    account.tap.set_writes(Writes::Held);
    let folder = Folder::with("all.yaml", constant(&[WWW], 3));
    let controller = Controller::start(&account, &folder, &[]);
    until("the write has left", || !account.tap.written().is_empty());
    controller.signal("TERM");
    until("it is on its way out", || controller.get("/readyz").code == 503);
    account.tap.set_writes(Writes::Pass);
    assert_eq!(controller.wait(), Some(0));
    assert_eq!((account.bounds(WWW), account.tap.written().len()), (Some((3, 10)), 1));
}

#[test]
fn a_second_signal_ends_it_at_once_with_1() {
    let account = Account::with(&[WWW]);
    account.tap.set_writes(Writes::Held);
    let folder = Folder::with("all.yaml", constant(&[WWW], 3));
    let controller = Controller::start(&account, &folder, &[]);
    until("the write has left", || !account.tap.written().is_empty());
    controller.signal("TERM");
    until("it is on its way out", || controller.get("/readyz").code == 503);
    controller.signal("INT");
    assert_eq!(controller.wait(), Some(1));
}

#[test]
fn f68_a_port_in_use_ends_it_before_anything_is_written() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let account = Account::with(&[WWW]);
    let folder = Folder::with("all.yaml", constant(&[WWW], 3));
    let args = ["run", "--schedules", folder.arg(), "--listen", &address];
    let ending = baseload_in(&args, &account.environment()).expect(1);
    assert!(ending.stderr.contains(&address) && ending.stderr.contains("--listen"), "{ending:?}");
    assert_eq!((account.tap.written(), account.bounds(WWW)), (vec![], Some((1, 10))));
}

#[test]
fn f36_without_a_good_configuration_it_does_not_start_and_says_what_to_do() {
    let account = Account::with(&[WWW]);
    let bad = Folder::with("bad.yaml", constant(&[WWW], 3).replace("UTC", "Europe/Berln"));
    let nowhere = bad.path().join("nowhere");
    for (source, words) in [(bad.arg(), "bad.yaml:7:13"), (nowhere.to_str().unwrap(), "mount or create a folder")] {
        let args = ["run", "--schedules", source, "--listen", "127.0.0.1:0"];
        let ending = baseload_in(&args, &account.environment()).expect(2);
        assert!(ending.stderr.contains(words), "{ending:?}");
    }
    assert_eq!(account.tap.written(), [] as [Value; 0]);
}

#[test]
fn f29_killed_and_started_again_it_goes_on_without_writing_anything_twice() {
    let (account, folder, controller) = settled();
    controller.signal("KILL");
    assert_eq!(controller.wait(), None);
    let controller = Controller::start(&account, &folder, &[]);
    controller.wait_ready();
    until("it sees that all is well", || controller.condition("Synced") == "True");
    assert_eq!((account.bounds(WWW), minima(&account)), (Some((3, 10)), vec![json!(3)]));
}

#[test]
fn a_dry_run_says_what_it_would_do_and_writes_nothing() {
    let account = Account::with(&[WWW]);
    let folder = Folder::with("all.yaml", constant(&[WWW], 3));
    let controller = Controller::start(&account, &folder, &["--dry-run"]);
    controller.wait_log(&["would", WWW]);
    assert_eq!(controller.status()["dryRun"], true);
    controller.signal("TERM");
    assert_eq!(controller.wait(), Some(0));
    assert_eq!((account.tap.written(), account.bounds(WWW)), (vec![], Some((1, 10))));
}

#[test]
fn f4_while_aws_cannot_be_reached_it_stays_alive_and_says_unknown() {
    let folder = Folder::with("all.yaml", constant(&[WWW], 3));
    let environment = [
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "secret-of-the-test"),
    ];
    let controller = Controller::start_in(&environment, &folder, &["--resync", "2s"]);
    controller.wait_ready();
    assert_eq!((controller.get("/livez").code, controller.condition("Synced")), (200, "Unknown".to_owned()));
    assert_eq!(controller.status()["targets"][0]["observed"], Value::Null);
    assert!(!controller.log().concat().contains("secret-of-the-test"));
}

#[test]
fn status_and_healthcheck_ask_the_running_controller() {
    let (_account, _folder, controller) = settled();
    let server = controller.server();
    let table = baseload(&["status", "--server", &server]).expect(0).stdout;
    for words in ["TARGET", "CONDITIONS", WWW, "constant default"] {
        assert!(table.contains(words), "{words} in {table}");
    }
    let status = baseload_in(&["status", "-o", "json"], &[("BASELOAD_SERVER", &server)]).expect(0).json();
    assert_eq!(
        status["targets"][0]["floor"],
        json!({ "min": 3, "max": null, "schedule": "constant", "cause": "default" })
    );
    assert_eq!(status["targets"][0]["observed"], json!({ "min": 3, "max": 10 }));
    baseload(&["healthcheck", "--server", &server]).expect(0);
    controller.signal("TERM");
    assert_eq!(controller.wait(), Some(0));
    for command in ["status", "healthcheck"] {
        let ending = baseload(&[command, "--server", &server]).expect(1);
        assert!(ending.stderr.starts_with("error: cannot reach"), "{ending:?}");
    }
}

#[test]
fn the_page_and_the_metrics_tell_of_the_target() {
    let (_account, _folder, controller) = settled();
    let page = controller.get("/");
    assert!(page.code == 200 && page.body.contains("www"), "{page:?}");
    let metrics = eventually("the floor is in the metrics", || {
        let metrics = controller.get("/metrics").body;
        metrics.contains("baseload_min_capacity{cluster=\"shop\",service=\"www\"} 3").then_some(metrics)
    });
    for line in
        ["baseload_floor{cluster=\"shop\",service=\"www\"} 3", "baseload_aws_calls_total{", "baseload_build_info{"]
    {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
}

#[expect(clippy::disallowed_methods, reason = "a boundary a few seconds ahead is one of the real clock")]
fn unix_seconds() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970");
    i64::try_from(now.as_secs()).expect("the clock is before the year 292,000,000,000")
}

/// Schedules write whole minutes. So the minute comes to the test: a folder of zone rules in whose one zone, `Soon`, it
/// becomes noon in this many seconds.
pub(crate) fn noon_in(seconds: i64) -> Folder {
    let noon = 12 * 3600;
    let ahead = noon - (unix_seconds() + seconds).rem_euclid(24 * 3600);
    Folder::with("Soon", fixed_zone(i32::try_from(ahead).expect("a day has fewer seconds")))
}

/// Night 1 until noon in the zone `Soon`, 6 from then on.
pub(crate) fn six_from_noon() -> Folder {
    let rest = "  default: { min: 1 }\n  windows: [{ name: day, from: \"12:00\", to: \"23:00\", min: 6 }]\n";
    Folder::with("noon.yaml", schedule("noon", &[WWW], rest).replace("UTC", "Soon"))
}

#[test]
fn a_boundary_is_kept_without_anyone_touching_anything() {
    let account = Account::with(&[WWW]);
    let (zones, folder) = (noon_in(6), six_from_noon());
    let environment = [&account.environment()[..], &[("TZDIR", zones.arg())]].concat();
    let controller = Controller::start_in(&environment, &folder, &[]);
    controller.wait_ready();
    wait_floor(&account, 6);
    assert_eq!(minima(&account), [json!(6)]);
}

#[test]
fn f27_stopped_across_a_boundary_it_is_right_when_it_wakes() {
    let account = Account::with(&[WWW]);
    let (zones, folder) = (noon_in(10), six_from_noon());
    let environment = [&account.environment()[..], &[("TZDIR", zones.arg())]].concat();
    let controller = Controller::start_in(&environment, &folder, &[]);
    controller.wait_ready();
    let next = controller.status()["targets"][0]["next"]["at"].to_string();
    let noon: jiff::Timestamp = next.trim_matches('"').parse().unwrap();
    controller.signal("STOP");
    until("noon has passed", || unix_seconds() > noon.as_second());
    assert_eq!(account.bounds(WWW), Some((1, 10)), "it is stopped");
    controller.signal("CONT");
    wait_floor(&account, 6);
    assert_eq!(minima(&account), [json!(6)]);
}

#[test]
fn f27_after_a_stop_that_outlasts_every_chore_it_reads_and_looks_as_before() {
    let (account, folder, controller) = settled();
    controller.signal("STOP");
    pass(Duration::from_secs(5));
    controller.signal("CONT");
    folder.write("all.yaml", constant(&[WWW], 5));
    wait_floor(&account, 5);
    let looks = calls(&controller, "DescribeScalableTargets");
    until("it looked once more", || calls(&controller, "DescribeScalableTargets") > looks);
}
