//! What a scrape of 3,000 targets costs the controller: processor time, its size, and how late ticks come meanwhile.
//!
//! Measured from outside, on the binary over its simulated ECS. Linux only: it reads `/proc`.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const SCHEDULES: usize = 300;
const TARGETS_OF_EACH: usize = 10;
const SCRAPES: u32 = 50;

/// Says that every target was looked at and is as it should be.
const SETTLED: &str = "baseload_targets_by_condition{condition=\"Ready\",status=\"True\"} 3000";

/// The clock ticks of `/proc`, in milliseconds: the same on every Linux that Rust runs on.
const TICK_MS: f64 = 10.0;

fn yaml() -> String {
    let mut text = String::new();
    for schedule in 0..SCHEDULES {
        let targets = (0..TARGETS_OF_EACH).map(|n| format!("{{ cluster: shop, service: s{schedule:03}-{n} }}"));
        let targets = targets.collect::<Vec<_>>().join(", ");
        let _ = write!(
            text,
            "---\napiVersion: baseload/v1\nkind: ScalingSchedule\nmetadata: {{ name: s{schedule} }}\nspec:\n  \
             targets: [{targets}]\n  timezone: Europe/Brussels\n  default: {{ min: 1 }}\n  overrides:\n    \
             - {{ name: far-away, from: 2100-01-01T06:00, to: 2100-01-02T02:00, min: 2 }}\n"
        );
    }
    text
}

/// A controller that is killed when it is dropped.
struct Controller(Child);

impl Drop for Controller {
    fn drop(&mut self) {
        let _already_gone = self.0.kill();
        let _already_gone = self.0.wait();
    }
}

impl Controller {
    /// The processor time that it has taken, in milliseconds.
    fn processor_ms(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id())).expect("Linux tells");
        let fields = stat.rsplit(") ").next().expect("a name in brackets comes second").split(' ');
        fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() * TICK_MS
    }
}

fn get(address: &str, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    String::from_utf8(answer).ok()
}

fn free_address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    listener.local_addr().expect("it is bound").to_string()
}

#[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
fn now() -> Instant {
    Instant::now()
}

/// The largest upper bound under which all ticks came, in seconds.
fn slowest_tick(metrics: &str) -> &str {
    let of = |line: &&str| line.starts_with("baseload_tick_lateness_seconds_bucket");
    let count = |line: &str| line.rsplit(' ').next().map(str::to_owned);
    let lines: Vec<&str> = metrics.lines().filter(of).collect();
    let all = lines.last().and_then(|line| count(line));
    let first = lines.iter().find(|line| count(line) == all).unwrap_or(&"?");
    first.split('"').nth(1).unwrap_or("?")
}

#[expect(clippy::print_stdout, reason = "a bench prints what it measured")]
fn main() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-scrape");
    std::fs::create_dir_all(&folder).expect("the build's own folder can be written");
    std::fs::write(folder.join("all.yaml"), yaml()).expect("the build's own folder can be written");
    let address = free_address();
    let mut command = Command::new(env!("CARGO_BIN_EXE_baseload"));
    command
        .args(["run", "--simulate", "--resync", "1h", "--listen", &address, "--schedules"])
        .arg(&folder)
        .stderr(Stdio::null());
    let controller = Controller(command.spawn().expect("the binary can be started"));
    while !get(&address, "/readyz").is_some_and(|answer| answer.contains("200 OK")) {
        std::thread::sleep(Duration::from_millis(100));
    }
    // The simulated services have that floor already, so nothing is written, and the looks are soon over.
    while !get(&address, "/metrics").is_some_and(|answer| answer.contains(SETTLED)) {
        std::thread::sleep(Duration::from_secs(1));
    }

    let (began, before) = (now(), controller.processor_ms());
    std::thread::sleep(Duration::from_secs(5));
    let idle_ms_a_second = (controller.processor_ms() - before) / began.elapsed().as_secs_f64();

    let (began, before) = (now(), controller.processor_ms());
    let mut size = 0;
    for _ in 0..SCRAPES {
        size = get(&address, "/metrics").expect("the controller answers").len();
    }
    let elapsed = began.elapsed().as_secs_f64();
    let spent = controller.processor_ms() - before - idle_ms_a_second * elapsed;
    let each = f64::from(SCRAPES);
    let slowest = get(&address, "/metrics").map(|metrics| slowest_tick(&metrics).to_owned()).unwrap_or_default();
    println!(
        "a scrape of {} targets: {:.1} ms of processor time, {:.1} ms in all, {:.1} MB; every tick within {slowest} s; \
         at rest {idle_ms_a_second:.1} ms a second",
        SCHEDULES * TARGETS_OF_EACH,
        spent / each,
        elapsed * 1000.0 / each,
        size as f64 / 1e6,
    );
}
