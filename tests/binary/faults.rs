//! Faults on the way to AWS, over a real wire: whatever the line does, the controller lives, sends nothing twice, and the
//! floor is right once the line is mended.

use std::fs;

use crate::controller::Controller;
use crate::ecs::{Ecs, borrowed, environment};
use crate::folder::{Folder, constant};
use crate::line::{Fault, Line};
use crate::tls::TlsFront;
use crate::wait::until;

/// Far above what a controller of one target takes, and far below what a flood brings.
const PEAK_MIB: u64 = 160;

fn start(line: &Line, folder: &Folder) -> Controller {
    Controller::start_in(&borrowed(&environment(line)), folder, &["--resync", "2s"])
}

/// A floor falls due while the line has the fault, and comes once it is mended.
fn survives(ecs: &Ecs, target: &str, fault: Fault) {
    let line = Line::to(&ecs.address);
    let folder = Folder::with("all.yaml", constant(&[target], 3));
    let controller = start(&line, &folder);
    ecs.wait_floor(target, 3);

    line.set(fault);
    folder.write("all.yaml", constant(&[target], 5));
    assert_eq!(controller.reload().code, 200, "{fault:?}");
    let enough = if fault == Fault::EndlessToken { 100 } else { 3 };
    until(&format!("{fault:?} was met"), || line.requests() >= enough);
    assert_eq!(controller.get("/livez").code, 200, "{fault:?}");

    line.set(Fault::None);
    ecs.wait_floor(target, 5);
    until("all is well again", || controller.condition("Synced") == "True");
    assert_eq!(line.arrived(), [3, 5], "{fault:?}");
    assert!(controller.peak_mib() < PEAK_MIB, "{fault:?} took {} MiB", controller.peak_mib());
    let log = controller.log().concat();
    assert!(!log.contains("panic"), "{fault:?}: {log}");
    controller.signal("TERM");
    assert_eq!(controller.wait(), Some(0), "{fault:?}");
}

/// Each fault has a controller and a target of its own, all at once: they mostly wait.
fn all_survive(faults: &[Fault]) {
    let names: Vec<String> = (0..faults.len()).map(|n| format!("shop/s{n}")).collect();
    let ecs = Ecs::with(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let ecs = &ecs;
    std::thread::scope(|scope| {
        for (target, fault) in names.iter().zip(faults) {
            scope.spawn(move || survives(ecs, target, *fault));
        }
    });
}

#[test]
fn f3_answers_without_sense_or_end_are_survived_on_the_wire() {
    let statuses = [500, 502, 503, 504].map(Fault::Status);
    all_survive(&statuses);
    all_survive(&[Fault::Html, Fault::BrokenJson, Fault::Flood, Fault::EndlessToken]);
}

#[test]
fn f4_a_silent_line_and_refused_credentials_are_survived_and_need_no_restart() {
    all_survive(&[Fault::Silence, Fault::Expired, Fault::QuotesRequest]);
}

#[test]
fn f5_lost_and_truncated_answers_on_the_wire_cost_a_look_and_no_second_write() {
    all_survive(&[Fault::CutBefore, Fault::CutAfter, Fault::Truncated]);
}

#[test]
fn f4_a_hanging_credential_provider_holds_up_nothing_and_is_believed_once_it_answers() {
    let ecs = Ecs::with(&["shop/www"]);
    let (line, provider) = (Line::to(&ecs.address), Line::to(&ecs.address));
    provider.set(Fault::Silence);
    let uri = format!("http://{}/credentials", provider.address);
    let mut variables = environment(&line);
    variables.retain(|(name, _)| !name.contains("KEY"));
    variables.push(("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri));
    let folder = Folder::with("all.yaml", constant(&["shop/www"], 4));
    let controller = Controller::start_in(&borrowed(&variables), &folder, &["--resync", "2s"]);
    controller.wait_ready();
    assert_eq!((controller.get("/livez").code, controller.condition("Synced")), (200, "Unknown".to_owned()));
    assert_eq!(line.requests(), 0);

    provider.set(Fault::Credentials("later"));
    ecs.wait_floor("shop/www", 4);
}

#[test]
fn f4_without_names_or_credentials_it_stays_alive_and_says_unknown() {
    let folder = Folder::with("all.yaml", constant(&["shop/www"], 4));
    let nameless = [
        ("AWS_ENDPOINT_URL", "http://aws.invalid"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ];
    for variables in [&nameless[..], &nameless[..2]] {
        let controller = Controller::start_in(variables, &folder, &["--resync", "2s"]);
        controller.wait_ready();
        assert_eq!((controller.get("/livez").code, controller.condition("Synced")), (200, "Unknown".to_owned()));
        controller.signal("TERM");
        assert_eq!(controller.wait(), Some(0));
    }
}

/// The front has a bad certificate, or none, at the start and again later; the floor comes whenever it is good.
fn survives_tls(ecs: &Ecs, target: &str, how: &str, words: &str) {
    let mut front = TlsFront::of(&ecs.address);
    front.meet(how);
    let folder = Folder::with("all.yaml", constant(&[target], 3));
    let controller = Controller::start_in(&borrowed(&front.environment()), &folder, &["--resync", "2s"]);
    let complains = || {
        let error = controller.status()["targets"][0]["lastError"].as_str().unwrap_or_default().to_owned();
        error.contains("TlsFailure") && error.contains(words)
    };
    until(&format!("{how} is told"), complains);
    controller.wait_ready();
    assert_eq!((controller.get("/livez").code, controller.condition("Synced")), (200, "Unknown".to_owned()), "{how}");

    front.meet("good");
    ecs.wait_floor(target, 3);
    until("all is well", || controller.condition("Synced") == "True");

    front.meet(how);
    folder.write("all.yaml", constant(&[target], 5));
    assert_eq!(controller.reload().code, 200, "{how}");
    until(&format!("{how} is told again"), complains);
    front.meet("good");
    ecs.wait_floor(target, 5);
    let log = controller.log().concat();
    assert!(!log.contains("panic"), "{how}: {log}");
    controller.signal("TERM");
    assert_eq!(controller.wait(), Some(0), "{how}");
}

#[test]
fn f4_tls_that_fails_is_told_as_such_and_needs_no_restart_once_it_is_well() {
    let faults = [
        ("shop/foreign", "foreign", "UnknownIssuer"),
        ("shop/expired", "expired", "expired"),
        ("shop/named", "other-name", "not valid for name"),
        ("shop/plain", "plain", "corrupt message"),
    ];
    let ecs = Ecs::with(&faults.map(|(target, ..)| target));
    let ecs = &ecs;
    std::thread::scope(|scope| {
        for (target, how, words) in faults {
            scope.spawn(move || survives_tls(ecs, target, how, words));
        }
    });
}

/// Where Debian keeps the library that answers for the clock.
fn faketime() -> Option<String> {
    let folders = fs::read_dir("/usr/lib").ok()?.flatten();
    let mut library = folders.map(|folder| folder.path().join("faketime/libfaketime.so.1"));
    library.find(|path| path.exists()).map(|path| path.to_string_lossy().into_owned())
}

#[test]
fn f21_a_clock_that_is_set_an_hour_off_lowers_nothing_until_it_is_set_right() {
    let Some(library) = faketime() else {
        eprintln!("SKIPPED: libfaketime is not installed (scripts/test-programs.sh)");
        return;
    };
    std::thread::scope(|scope| {
        for offset in ["+3600", "-3600"] {
            scope.spawn(|| lowers_nothing_while_off_by(&library, offset));
        }
    });
}

fn lowers_nothing_while_off_by(library: &str, offset: &str) {
    let (rises, falls) = ("shop/rises", "shop/falls");
    let both = |up, down| constant(&[rises], up) + &constant(&[falls], down).replace("constant", "other");
    let ecs = Ecs::with(&[rises, falls]);
    let line = Line::to(&ecs.address);
    let (folder, clock) = (Folder::with("all.yaml", both(5, 5)), Folder::with("offset", "+0"));
    let file = clock.path().join("offset").to_string_lossy().into_owned();
    let mut variables = environment(&line);
    variables.extend([("LD_PRELOAD", library.to_owned()), ("FAKETIME_TIMESTAMP_FILE", file)]);
    for switch in ["FAKETIME_NO_CACHE", "DONT_FAKE_MONOTONIC", "FAKETIME_DONT_FAKE_MONOTONIC", "NO_FAKE_STAT"] {
        variables.push((switch, "1".to_owned()));
    }
    let controller = Controller::start_in(&borrowed(&variables), &folder, &["--resync", "2s"]);
    ecs.wait_floor(rises, 5);
    ecs.wait_floor(falls, 5);

    clock.write("offset", offset);
    let skew = || controller.metric("baseload_clock_skew_seconds").unwrap_or(0.0);
    until("AWS's clock is seen to differ", || skew().abs() > 3000.0);
    folder.write("all.yaml", both(7, 2));
    ecs.wait_floor(rises, 7);
    let looks = line.requests();
    until("it looked some more", || line.requests() > looks + 2);
    assert_eq!((ecs.min(falls), controller.get("/livez").code), (5, 200), "{offset}");

    clock.write("offset", "+0");
    ecs.wait_floor(falls, 2);
}
