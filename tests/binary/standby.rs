//! Two replicas and one lease, against moto's DynamoDB: whoever is killed, stopped or cut off is followed by the other, and
//! the two never both write.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::account::Account;
use crate::baseload::baseload_in;
use crate::controller::Controller;
use crate::folder::{Folder, constant};
use crate::tap::Leases;
use crate::wait::until;

const WWW: &str = "shop/www";
const LEASE: &str = "dynamodb://baseload-lease/prod";

/// The bound is fifteen seconds, which the lease's own tests hold in virtual time; a slow machine may take longer.
const TAKEN_OVER: Duration = Duration::from_secs(25);

/// Two replicas of one account, each behind a tap of its own, of which the first leads.
struct Pair {
    here: Account,
    there: Account,
    folder: Folder,
    first: Controller,
    second: Controller,
}

impl Pair {
    fn start() -> Pair {
        let here = Account::with(&[WWW]);
        let there = here.beside();
        create_table(&here);
        let record =
            json!({ "LeaseKey": { "S": "prod" }, "version": { "N": "1" }, "owner": { "S": "" }, "beat": { "N": "7" } });
        here.dynamodb("PutItem", &json!({ "TableName": "baseload-lease", "Item": record }));
        let folder = Folder::with("all.yaml", constant(&[WWW], 3));
        let first = Controller::start(&here, &folder, &["--lease", LEASE]);
        until("the first replica leads and writes", || leads(&first) && here.bounds(WWW) == Some((3, 10)));
        let second = Controller::start(&there, &folder, &["--lease", LEASE]);
        second.wait_ready();
        assert!(!leads(&second));
        Pair { here, there, folder, first, second }
    }

    /// Waits until the second leads, asks for another floor, and sees that the second alone sets it.
    fn assert_taken_over(&self, since: Instant) {
        until("the second replica leads", || leads(&self.second));
        assert!(since.elapsed() < TAKEN_OVER, "{:?}", since.elapsed());
        let written_before = self.here.tap.written().len();
        self.folder.write("all.yaml", constant(&[WWW], 5));
        until("the new floor is there", || self.here.bounds(WWW) == Some((5, 10)));
        assert_eq!(self.there.tap.written().len(), 1, "the second wrote what was new, once");
        assert_eq!(self.here.tap.written().len(), written_before, "the first wrote nothing more");
    }
}

fn create_table(account: &Account) {
    let table = json!({
        "TableName": "baseload-lease",
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{ "AttributeName": "LeaseKey", "KeyType": "HASH" }],
        "AttributeDefinitions": [{ "AttributeName": "LeaseKey", "AttributeType": "S" }],
    });
    account.dynamodb("CreateTable", &table);
}

#[expect(clippy::disallowed_methods, reason = "how long taking over takes is what is tested")]
fn now() -> Instant {
    Instant::now()
}

fn leads(controller: &Controller) -> bool {
    controller.metric("baseload_leader") == Some(1.0)
}

#[test]
fn a_standby_looks_serves_and_writes_nothing_and_follows_a_holder_that_is_killed() {
    let pair = Pair::start();
    let status = pair.second.status();
    assert_eq!(status["ready"], true);
    assert_eq!(status["lease"]["leader"], false);
    assert_eq!(status["lease"]["holder"], pair.first.status()["lease"]["holder"]);
    assert_eq!(status["targets"][0]["observed"]["min"], 3);
    assert!(pair.second.get("/").body.contains("holds the lease"));
    assert!(pair.there.tap.written().is_empty());

    let killed = now();
    pair.first.signal("KILL");
    pair.assert_taken_over(killed);
}

#[test]
fn a_holder_that_is_stopped_in_order_gives_the_lease_back_at_once() {
    let pair = Pair::start();
    let Pair { first, second, here, there, .. } = pair;
    let asked = now();
    first.signal("TERM");
    assert_eq!(first.wait(), Some(0));
    until("the second replica leads", || leads(&second));
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}: sooner than any record runs out", asked.elapsed());
    assert_eq!((here.bounds(WWW), there.tap.written().len()), (Some((3, 10)), 0));
}

#[test]
fn a_holder_that_stood_still_and_wakes_up_writes_nothing() {
    let pair = Pair::start();
    let stopped = now();
    pair.first.signal("STOP");
    pair.assert_taken_over(stopped);

    let written_before = pair.here.tap.written().len();
    pair.folder.write("all.yaml", constant(&[WWW], 6)); // something to do, for whoever wakes up
    pair.first.signal("CONT");
    until("the first replica knows the new floor", || pair.first.status()["targets"][0]["floor"]["min"] == 6);
    until("the second replica sets it", || pair.there.tap.written().len() == 2);
    until("the first replica knows its place", || {
        pair.first.status()["lease"]["holder"].is_string() && !leads(&pair.first)
    });
    assert_eq!(pair.here.tap.written().len(), written_before);
}

#[test]
fn a_holder_that_is_cut_off_from_the_table_stops_before_another_goes_on() {
    let pair = Pair::start();
    let cut = now();
    pair.here.tap.set_leases(Leases::Silent);
    until("the first replica stands by, and says why", || {
        let lease = &pair.first.status()["lease"];
        lease["leader"] == false && lease["error"].as_str().is_some_and(|error| error.contains("did not answer"))
    });
    assert!(!leads(&pair.second), "the right to write ends seconds before another's begins");
    pair.assert_taken_over(cut);
}

#[test]
fn without_its_table_a_replica_stands_by_and_says_what_to_do() {
    let account = Account::with(&[WWW]);
    let folder = Folder::with("all.yaml", constant(&[WWW], 3));
    let controller = Controller::start(&account, &folder, &["--lease", LEASE]);
    controller.wait_ready();
    until("the error names the remedy", || {
        let error = controller.status()["lease"]["error"].as_str().map(str::to_owned);
        error.is_some_and(|error| error.contains("create it, with the partition key LeaseKey of type String"))
    });
    assert!(!leads(&controller) && account.tap.written().is_empty());

    let doctor = || baseload_in(&["doctor", "--schedules", folder.arg(), "--lease", LEASE], &account.environment());
    assert!(doctor().stdout.contains("there is no table baseload-lease in this region"), "{}", doctor().stdout);
    create_table(&account);
    assert!(doctor().stdout.contains("dynamodb://baseload-lease/prod can be taken"), "{}", doctor().stdout);
    until("the replica leads and writes", || account.bounds(WWW) == Some((3, 10)));
}
