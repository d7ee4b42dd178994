//! Schedules from a store that checks signatures, s3s-fs. It is what moto is not, and the other way round: its lists have
//! no ETags, it gives an object whatever its ETag should be, and it says 200 where AWS says 304.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::account::Account;
use crate::baseload::{Ending, baseload_in};
use crate::controller::{Controller, address_after};
use crate::folder::{Folder, constant};
use crate::support::root;
use crate::tap::Tap;
use crate::wait::until;

const WWW: &str = "shop/www";
const SOURCE: &str = "s3://schedules/prod";
const SECRET: &str = "the-secret";

/// A running store behind a [`Tap`]. Its objects are the files of a folder. It is killed when it is dropped.
struct Store {
    tap: Tap,
    objects: Folder,
    child: Child,
}

impl Store {
    /// A store with a bucket that holds one schedule.
    ///
    /// # Panics
    /// Where there is no s3s-fs, saying how to get it.
    fn with_floor(min: u32) -> Self {
        let objects = Folder::new();
        fs::create_dir_all(objects.path().join("schedules/prod")).expect("the folder is new");
        let mut child = Command::new(program())
            .args(["--host", "127.0.0.1", "--port", "0", "--access-key", "test", "--secret-key", SECRET])
            .arg(objects.path())
            .env("RUST_LOG", "info")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the s3s-fs that was found can be run");
        let mut lines = BufReader::new(child.stdout.take().expect("standard output is piped")).lines();
        let address = lines.by_ref().map_while(Result::ok).find_map(|line| address_after(&line, "running at http://"));
        std::thread::spawn(move || lines.for_each(drop)); // a full pipe would hold it up
        let store = Store { tap: Tap::start(&address.expect("s3s-fs says where it listens")), objects, child };
        store.put(min);
        store
    }

    fn put(&self, min: u32) {
        self.objects.write("schedules/prod/all.yaml", constant(&[WWW], min));
    }

    fn endpoint(&self) -> String {
        format!("http://{}", self.tap.address)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let _already_gone = self.child.kill();
        let _already_gone = self.child.wait();
    }
}

/// From the search path, or where the Makefile builds it.
fn program() -> PathBuf {
    let built = fs::read_dir(root().join("target/tools")).expect("`make test` makes the folder");
    let built = built.flatten().map(|entry| entry.path().join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found =
        std::env::split_paths(&path).chain(built).map(|folder| folder.join("s3s-fs")).find(|file| file.is_file());
    found.expect("there is no s3s-fs: run `make test`, which builds it")
}

/// The file that AWS's clients take their key from.
fn credentials(secret: &str) -> String {
    format!("[default]\naws_access_key_id = test\naws_secret_access_key = {secret}\n")
}

fn validate(store: &Store, secret: &str) -> Ending {
    let keys = Folder::with("credentials", credentials(secret));
    let file = keys.path().join("credentials").display().to_string();
    let environment = [
        ("AWS_ENDPOINT_URL_S3", store.endpoint()),
        ("AWS_REGION", "us-east-1".to_owned()),
        ("AWS_SHARED_CREDENTIALS_FILE", file),
    ];
    baseload_in(&["validate", SOURCE], &environment.each_ref().map(|(name, value)| (*name, value.as_str())))
}

#[test]
fn a_wrong_secret_is_a_failure_to_fetch_and_not_a_source_without_schedules() {
    let store = Store::with_floor(3);
    assert_eq!(validate(&store, SECRET).expect(0).stdout, "ok: 1 schedule, 1 target\n");
    let refused = validate(&store, "another-secret").expect(1);
    assert!(refused.stderr.contains("cannot look at s3://schedules/prod: SignatureDoesNotMatch"), "{refused:?}");
    assert!(!refused.stderr.contains("another-secret") && refused.stdout.is_empty(), "{refused:?}");
}

#[test]
fn f60_a_secret_that_becomes_wrong_leaves_the_last_good_revision_and_is_got_over() {
    let store = Store::with_floor(3);
    let account = Account::with(&[WWW]);
    let keys = Folder::with("credentials", credentials(SECRET));
    let file = keys.path().join("credentials").display().to_string();
    let [endpoint, region, ..] = account.environment();
    let s3 = store.endpoint();
    let environment = [endpoint, region, ("AWS_ENDPOINT_URL_S3", &s3), ("AWS_SHARED_CREDENTIALS_FILE", &file)];
    let controller = Controller::start_on(&environment, SOURCE, &["--poll", "1h", "--resync", "2s"]);
    let wait_floor = |min| until("AWS has the floor", || account.bounds(WWW) == Some((min, 10)));
    wait_floor(3);

    store.put(4);
    assert_eq!(controller.reload().code, 200, "one look is enough to see an edit");
    wait_floor(4);

    keys.write("credentials", credentials("another-secret"));
    store.put(5);
    let refused = controller.reload();
    assert!(refused.code == 500 && refused.body.contains("SignatureDoesNotMatch"), "{refused:?}");
    assert_eq!(controller.metric("baseload_config_last_reload_successful"), Some(0.0));
    assert_eq!(controller.status()["targets"][0]["floor"]["min"], 4, "{}", controller.status());

    keys.write("credentials", credentials(SECRET));
    assert_eq!(controller.reload().code, 200);
    wait_floor(5);
}

#[test]
fn an_object_that_is_written_again_as_it_was_is_neither_got_nor_a_new_revision() {
    let store = Store::with_floor(3);
    let account = Account::with(&[WWW]);
    let [endpoint, region, ..] = account.environment();
    let s3 = store.endpoint();
    let keys = [("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", SECRET)];
    let environment = [&[endpoint, region, ("AWS_ENDPOINT_URL_S3", &s3)][..], &keys].concat();
    let controller = Controller::start_on(&environment, SOURCE, &["--poll", "1h"]);
    until("the first looks are over", || controller.reload().code == 200);
    let revision = || controller.status()["configuration"]["revision"].clone();
    let (before, asked) = (revision(), store.tap.asked_of_bucket().len());

    store.put(3);
    assert_eq!(controller.reload().code, 200);
    assert_eq!(revision(), before);
    let asked = store.tap.asked_of_bucket().split_off(asked);
    assert!(matches!(&asked[..], [list] if list.contains("list-type=2")), "{asked:?}");
    controller.wait_log(&["schedules in force"]);
    let loaded = controller.log().iter().filter(|line| line.contains("schedules in force")).count();
    assert_eq!(loaded, 1, "{:#?}", controller.log());
}
