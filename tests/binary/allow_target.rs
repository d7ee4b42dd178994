//! `--allow-target`: what the operator leaves out is left alone, whatever the schedules and whichever the command.

use serde_json::{Value, json};

use crate::account::Account;
use crate::baseload::baseload_in;
use crate::controller::Controller;
use crate::folder::{Folder, constant};
use crate::wait::until;

const SHOP_ALONE: (&str, &str) = ("BASELOAD_ALLOW_TARGET", "shop/*,no/such");

fn both(min: u32) -> Folder {
    Folder::with("all.yaml", constant(&["blog/www", "shop/www"], min))
}

/// The rows of the two targets, the one that is not allowed first.
fn rows(printed: &Value) -> [Value; 2] {
    [printed["targets"][0].clone(), printed["targets"][1].clone()]
}

#[test]
fn plan_and_apply_leave_a_target_alone_that_is_not_allowed() {
    let (account, folder) = (Account::with(&["blog/www", "shop/www"]), both(3));
    let run = |command: &str| {
        let args = [command, "-o", "json", "--schedules", folder.arg(), "--allow-target", "shop/w?w"];
        baseload_in(&args, &account.environment()).expect(0).json()
    };
    for command in ["plan", "apply"] {
        let [blog, shop] = rows(&run(command));
        assert_eq!((&blog["verdict"], &shop["verdict"]), (&json!("leftAlone"), &json!("change")));
        assert!(blog["reason"].as_str().is_some_and(|reason| reason.starts_with("NotAllowed")), "{blog}");
    }
    assert_eq!((account.bounds("blog/www"), account.bounds("shop/www")), (Some((1, 10)), Some((3, 10))));
}

#[test]
fn run_shows_what_is_not_allowed_and_the_revision_stands() {
    let (account, folder) = (Account::with(&["blog/www", "shop/www"]), both(3));
    let environment = [&account.environment()[..], &[SHOP_ALONE]].concat();
    let controller = Controller::start_in(&environment, &folder, &["--resync", "2s"]);
    until("AWS has the floor", || account.bounds("shop/www") == Some((3, 10)));
    controller.wait_ready();
    let [blog, _] = rows(&controller.status());
    assert_eq!((&blog["verdict"], &blog["floor"]), (&json!("leftAlone"), &Value::Null));
    assert_eq!(blog["conditions"][0]["reason"], json!("NotAllowed"));
    let of_blog = |name: &str, more: &str| format!("{name}{{cluster=\"blog\",service=\"www\"{more}}}");
    assert_eq!(controller.metric(&of_blog("baseload_floor", "")), None);
    let unknown = of_blog("baseload_condition", ",condition=\"Synced\",status=\"Unknown\"");
    assert_eq!(controller.metric(&unknown), Some(1.0));
    assert_eq!(controller.metric("baseload_config_last_reload_successful"), Some(1.0));
    assert_eq!(account.bounds("blog/www"), Some((1, 10)));
}

#[test]
fn validate_warns_and_explain_diff_and_preview_say_that_it_is_left_alone() {
    let (old, new) = (both(3), both(4));
    let ask = |args: &[&str]| baseload_in(args, &[SHOP_ALONE]);
    let warned = ask(&["validate", new.arg()]).expect(0).stderr;
    assert!(
        warned.starts_with("warning[not-allowed]: blog/www is left alone") && warned.contains("all.yaml:6:7"),
        "{warned}"
    );
    ask(&["validate", "--strict", new.arg()]).expect(2);
    let explained = ask(&["explain", "blog/www", "--schedules", new.arg()]).expect(0).stdout;
    assert!(explained.contains("Left alone: the operator does not allow this target"), "{explained}");
    let told = ask(&["diff", old.arg(), new.arg()]).expect(0).stdout;
    assert!(told.starts_with("1 of 2 targets differ"), "{told}");
    assert!(told.contains("Left alone, because no --allow-target fits: blog/www."), "{told}");
    let [blog, shop] = rows(&ask(&["preview", new.arg(), "-o", "json"]).expect(0).json());
    assert_eq!((&blog["segments"][0]["min"], &shop["segments"][0]["min"]), (&Value::Null, &json!(4)));
}

#[test]
fn what_is_no_target_is_bad_usage_rather_than_a_list_of_nothing() {
    let folder = both(3);
    for slip in ["shop", "shop/[a-z]", "", "service/shop/www"] {
        let refused = baseload_in(&["validate", folder.arg()], &[("BASELOAD_ALLOW_TARGET", slip)]).expect(2);
        assert!(refused.stderr.contains("--allow-target"), "{slip}: {refused:?}");
    }
}
