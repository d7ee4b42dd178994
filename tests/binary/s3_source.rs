//! Schedules from a bucket, against moto.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::account::{Account, MOTO};
use crate::baseload::baseload_in;
use crate::controller::Controller;
use crate::folder::{Folder, constant};
use crate::http;
use crate::tap;
use crate::wait::until;

const WWW: &str = "shop/www";

/// A bucket of one test's own.
struct Bucket(String);

impl Bucket {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let bucket = Bucket(format!("schedules-{}", COUNT.fetch_add(1, Ordering::Relaxed)));
        bucket.ask("PUT", "", "");
        bucket
    }

    fn ask(&self, method: &str, key: &str, body: &str) -> u16 {
        let address = MOTO.endpoint.trim_start_matches("http://");
        // moto looks for the region in the credentials' scope, and takes any signature.
        let scope = "Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request\r\n";
        http::ask(address, method, &format!("/{}/{key}", self.0), scope, body).expect("moto answers").code
    }

    fn put(&self, key: &str, body: &str) {
        assert_eq!(self.ask("PUT", key, body), 200);
    }

    fn source(&self) -> String {
        format!("s3://{}/prod", self.0)
    }
}

fn floor(min: u32) -> String {
    constant(&[WWW], min)
}

fn wait_floor(account: &Account, min: u64) {
    until("AWS has the floor", || account.bounds(WWW) == Some((min, 10)));
}

fn wait_error(controller: &Controller, part: &str) {
    until(part, || {
        controller.status()["configuration"]["lastError"].as_str().is_some_and(|error| error.contains(part))
    });
    assert_eq!(controller.metric("baseload_config_last_reload_successful"), Some(0.0));
}

#[test]
fn a_folder_of_a_bucket_is_a_source_and_its_mistakes_name_the_object() {
    let (bucket, account) = (Bucket::new(), Account::new());
    bucket.put("prod/all.yaml", &floor(3));
    bucket.put("prod/.hidden.yaml", "no: schedule");
    bucket.put("prod-old/all.yaml", "no: schedule");
    let validate = |source: &str| baseload_in(&["validate", source], &account.environment());
    validate(&bucket.source()).expect(0);
    validate(&format!("{}/all.yaml", bucket.source())).expect(0);
    bucket.put("prod/more.yaml", &floor(3).replace("UTC", "Europe/Berln"));
    let refused = validate(&bucket.source()).expect(2);
    assert!(refused.stderr.contains(&format!("{}/more.yaml:7:13", bucket.source())), "{refused:?}");
    let missing = validate("s3://no-such-bucket/prod").expect(1);
    assert!(missing.stderr.contains("NoSuchBucket"), "{missing:?}");
}

#[test]
fn f60_edits_are_seen_and_an_emptied_or_lost_bucket_leaves_the_last_good_revision() {
    let bucket = Bucket::new();
    bucket.put("prod/all.yaml", &floor(3));
    let account = Account::with(&[WWW]);
    let more = ["--poll", "1s", "--resync", "2s"];
    let controller = Controller::start_on(&account.environment(), &bucket.source(), &more);
    wait_floor(&account, 3);
    bucket.put("prod/all.yaml", &floor(4));
    wait_floor(&account, 4);
    assert_eq!(bucket.ask("DELETE", "prod/all.yaml", ""), 204);
    wait_error(&controller, "error");
    assert_eq!(bucket.ask("DELETE", "", ""), 204);
    wait_error(&controller, "NoSuchBucket");
    assert_eq!(account.bounds(WWW), Some((4, 10)));
}

#[test]
fn f60_a_bucket_that_refuses_or_keeps_silent_leaves_the_last_good_revision_and_disturbs_nothing_else() {
    let bucket = Bucket::new();
    bucket.put("prod/all.yaml", &floor(3));
    let account = Account::with(&[WWW]);
    let more = ["--poll", "1s", "--resync", "2s"];
    let controller = Controller::start_on(&account.environment(), &bucket.source(), &more);
    wait_floor(&account, 3);
    account.tap.set_bucket(tap::Bucket::Denied);
    bucket.put("prod/all.yaml", &floor(4));
    wait_error(&controller, "AccessDenied");

    account.tap.set_bucket(tap::Bucket::Silent);
    let asked = account.tap.asked_of_bucket().len();
    until("the bucket keeps a question waiting", || account.tap.asked_of_bucket().len() > asked);
    account.deregister(WWW);
    until("the loss of the target is seen", || controller.condition("Registered") == "False");
    account.register(WWW, 3, 10);
    assert_eq!((controller.get("/livez").code, controller.get("/readyz").code), (200, 200));

    account.tap.set_bucket(tap::Bucket::Answers);
    wait_floor(&account, 4);
}

#[test]
fn f60_an_unchanged_bucket_costs_one_list() {
    let bucket = Bucket::new();
    bucket.put("prod/all.yaml", &floor(3));
    let account = Account::with(&[WWW]);
    let controller = Controller::start_on(&account.environment(), &bucket.source(), &["--poll", "1h"]);
    until("the first looks are over", || controller.reload().code == 200);
    let before = account.tap.asked_of_bucket().len();
    assert_eq!(controller.reload().code, 200);
    let asked = account.tap.asked_of_bucket().split_off(before);
    assert!(matches!(&asked[..], [list] if list.contains("list-type=2")), "{asked:?}");
}

#[test]
fn a_kept_revision_is_in_force_while_the_source_is_down_at_the_start() {
    let (bucket, state) = (Bucket::new(), Folder::new());
    bucket.put("prod/all.yaml", &floor(3));
    let account = Account::with(&[WWW]);
    let more = ["--poll", "1s", "--resync", "2s", "--state-dir", state.arg()];
    let environment = account.environment();
    drop({
        let controller = Controller::start_on(&environment, &bucket.source(), &more);
        wait_floor(&account, 3);
        controller
    });
    assert_eq!(bucket.ask("DELETE", "prod/all.yaml", ""), 204);
    assert_eq!(bucket.ask("DELETE", "", ""), 204);
    account.register(WWW, 1, 10);
    let controller = Controller::start_on(&environment, &bucket.source(), &more);
    wait_floor(&account, 3);
    wait_error(&controller, "NoSuchBucket");
    assert_eq!(bucket.ask("PUT", "", ""), 200);
    bucket.put("prod/all.yaml", &floor(5));
    wait_floor(&account, 5);
}
