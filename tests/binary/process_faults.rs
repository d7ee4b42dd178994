//! Faults of the process and its machine: killed at any moment, on a full disk, on one that cannot be written.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::baseload::command;
use crate::controller::Controller;
use crate::ecs::{Ecs, borrowed, environment};
use crate::folder::{Folder, constant};
use crate::http;
use crate::line::Line;
use crate::wait::{pass, until};

const WWW: &str = "shop/www";

/// A number that the environment may raise: the same test then runs for minutes instead of seconds.
pub(crate) fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().and_then(|value| value.parse().ok()).unwrap_or(otherwise)
}

/// Moments of up to a second, a different one each time and the same ones in each run.
struct Moments(u64);

impl Moments {
    fn next(&mut self) -> Duration {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Duration::from_millis((self.0 >> 33) % 1000)
    }
}

fn run_until_killed(variables: &[(&str, &str)], folder: &Folder, moment: Duration) {
    let mut run = command(&["run", "--schedules", folder.arg(), "--listen", "127.0.0.1:0"]);
    run.envs(variables.iter().copied()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = run.spawn().expect("the binary can be started");
    pass(moment);
    child.kill().expect("it runs");
    child.wait().expect("it is a child of this process");
}

/// Four kills to a floor, then one run that may finish. `BASELOAD_TEST_KILLS` says how many kills in all.
#[test]
fn f29_killed_at_random_moments_it_ends_at_the_same_floors_and_writes_nothing_twice() {
    let ecs = Ecs::with(&[WWW]);
    let line = Line::to(&ecs.address);
    let folder = Folder::with("all.yaml", constant(&[WWW], 1));
    let variables = environment(&line);
    let variables = borrowed(&variables);
    let mut moments = Moments(29);
    let rounds = number("BASELOAD_TEST_KILLS", 16) / 4;
    for (round, floor) in (0..rounds).zip([6, 3].into_iter().cycle()) {
        let before = line.arrived().len();
        folder.write("all.yaml", constant(&[WWW], floor));
        (0..4).for_each(|_| run_until_killed(&variables, &folder, moments.next()));
        let controller = Controller::start_in(&variables, &folder, &[]);
        ecs.wait_floor(WWW, floor.into());
        until("it sees that all is well", || controller.condition("Synced") == "True");
        drop(controller);
        assert_eq!(line.arrived()[before..], [u64::from(floor)], "round {round}");
    }
}

/// A small file system of one test's own.
struct Disk(PathBuf);

impl Disk {
    /// `None` where this process may not mount anything.
    fn mount(place: &Folder, options: &str) -> Option<Self> {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "tmpfs", place.arg()]).stderr(Stdio::null());
        mount.status().ok()?.success().then(|| Disk(place.path().to_owned()))
    }

    fn fill(self) -> Self {
        let filled = fs::write(self.0.join("filler"), vec![0; 1 << 20]);
        assert!(filled.is_err(), "a small disk is full after a mebibyte");
        self
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _gone_with_the_machine = Command::new("umount").arg(&self.0).status();
    }
}

/// Floors are kept and edits taken where the state cannot be kept, and the log says so.
fn runs_with_state_in(state: &str) {
    let ecs = Ecs::with(&[WWW]);
    let line = Line::to(&ecs.address);
    let folder = Folder::with("all.yaml", constant(&[WWW], 3));
    let variables = environment(&line);
    let controller = Controller::start_in(&borrowed(&variables), &folder, &["--resync", "2s", "--state-dir", state]);
    ecs.wait_floor(WWW, 3);
    folder.write("all.yaml", constant(&[WWW], 4));
    ecs.wait_floor(WWW, 4);
    assert_eq!((controller.get("/livez").code, controller.get("/readyz").code), (200, 200));
    controller.wait_log(&["WARN", state]);
}

#[test]
fn f33_on_a_full_and_on_a_read_only_disk_it_runs_and_says_that_nothing_is_kept() {
    let place = Folder::new();
    runs_with_state_in("/proc/version/state"); // where nobody can make a folder
    for options in ["size=16k", "size=16k,ro"] {
        let Some(disk) = Disk::mount(&place, options) else {
            eprintln!("SKIPPED: only root can mount a file system of its own");
            return;
        };
        let _disk = if options.ends_with("ro") { disk } else { disk.fill() };
        runs_with_state_in(place.arg());
    }
}

#[test]
fn f33_a_log_on_a_full_disk_stops_nothing() {
    let ecs = Ecs::with(&[WWW]);
    let line = Line::to(&ecs.address);
    let folder = Folder::with("all.yaml", constant(&[WWW], 3));
    let address = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("there is a free port");
    let address = address.to_string();
    let mut run = command(&["run", "--schedules", folder.arg(), "--listen", &address, "--resync", "2s"]);
    run.envs(environment(&line)).env("BASELOAD_LOG", "debug").stdout(Stdio::null());
    let full = File::options().write(true).open("/dev/full").expect("Linux has a disk that is always full");
    let mut child = run.stderr(full).spawn().expect("the binary can be started");
    ecs.wait_floor(WWW, 3);
    folder.write("all.yaml", constant(&[WWW], 4));
    ecs.wait_floor(WWW, 4);
    let live = http::ask(&address, "GET", "/livez", "", "").map(|answer| answer.code);
    child.kill().expect("it runs");
    child.wait().expect("it is a child of this process");
    assert_eq!(live.ok(), Some(200));
}
