//! The simulated ECS for clients of other makes: AWS's protocol on loopback, with a latency, a token bucket and a log of
//! every call. `benches/run.py` starts one for each measurement; `cargo bench` leaves it alone.
//!
//! `endpoint --services 500 --latency-ms 20 --bucket 50/5 --min 1`
//!
//! Prints its address, and ends with its standard input. `GET /calls` tells every call so far, `POST /down` and
//! `POST /up` begin and end an outage, `GET /floors` tells which floors are in force. A thread waits for each connection:
//! a thread's sleep is finer than a runtime's timer, which counts whole milliseconds.
#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a bench reads the clock and prints")]

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use baseload_core::model::TargetId;
use baseload_core::sim::{CallError, Family, Rate, ServiceSpec, Sim, WireError};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

/// The services of one cluster: as many as ECS allows are more than are asked for here, and a thousand keep listings short.
const CLUSTER: &str = "shop";

struct Settings {
    services: usize,
    latency: Duration,
    bucket: Option<Rate>,
    min: u32,
}

struct Door {
    sim: Mutex<Sim>,
    calls: Mutex<Vec<Call>>,
    latency: Duration,
    down: AtomicBool,
    services: usize,
}

/// One call, as it was answered. Times are in seconds since 1970, so that another process can compare them.
struct Call {
    arrived: f64,
    answered: f64,
    operation: String,
    /// AWS's error code, or nothing.
    code: String,
    resource: String,
    min: Option<u64>,
}

struct Request {
    method: String,
    path: String,
    target: String,
    body: Vec<u8>,
}

fn main() {
    let settings = settings(std::env::args().skip(1));
    let mut sim = Sim::new(1, TimeZone::UTC, Timestamp::now());
    let bounds = Some((settings.min, 100));
    let spec = ServiceSpec { desired: settings.min, bounds, cpu_target: None, ..ServiceSpec::default() };
    (0..settings.services).for_each(|n| sim.add_service(service(n), &spec));
    sim.limit(Family::AutoScaling, settings.bucket);
    let door = Arc::new(Door {
        sim: Mutex::new(sim),
        calls: Mutex::default(),
        latency: settings.latency,
        down: AtomicBool::new(false),
        services: settings.services,
    });
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    println!("http://{}", listener.local_addr().expect("it is bound"));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let door = Arc::clone(&door);
            // Whatever a connection ends with is its client's business.
            std::thread::spawn(move || drop(serve(stream, &door)));
        }
    });
    let _whoever_started_us_is_gone = io::stdin().read_to_end(&mut Vec::new());
}

fn service(n: usize) -> TargetId {
    TargetId::new(CLUSTER, format!("s{n:05}"))
}

/// Flags and their values, two by two; those that are `cargo`'s are left alone.
fn settings(arguments: impl Iterator<Item = String>) -> Settings {
    let arguments: Vec<String> = arguments.collect();
    let given: BTreeMap<&str, &str> =
        arguments.chunks_exact(2).map(|pair| (pair[0].as_str(), pair[1].as_str())).collect();
    let number = |flag: &str, default: u64| {
        given.get(flag).map_or(default, |text| text.parse().expect("the flag's value is a number"))
    };
    let rate = |text: &&str| {
        let (burst, per_second) = text.split_once('/')?;
        Some(Rate { burst: burst.parse().ok()?, per_second: per_second.parse().ok()? })
    };
    Settings {
        services: usize::try_from(number("--services", 50)).expect("a few thousand"),
        latency: Duration::from_micros(number("--latency-us", 1000 * number("--latency-ms", 20))),
        bucket: given.get("--bucket").and_then(rate),
        min: u32::try_from(number("--min", 1)).expect("a small count"),
    }
}

fn serve(stream: TcpStream, door: &Door) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    while let Some(request) = read(&mut reader)? {
        let (status, body) = answer(&request, door);
        let reason = if status == 200 { "OK" } else { "Refused" };
        let date = Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S GMT");
        let length = body.len();
        let head = format!(
            "HTTP/1.1 {status} {reason}\r\ncontent-type: application/x-amz-json-1.1\r\ndate: {date}\r\n\
             content-length: {length}\r\n\r\n"
        );
        writer.write_all(&[head.as_bytes(), body.as_bytes()].concat())?;
    }
    Ok(())
}

fn read(reader: &mut impl BufRead) -> io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split(' ').map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (mut target, mut length) = (String::new(), 0);
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header)? == 0 || header.trim().is_empty() {
            break;
        }
        let Some((name, value)) = header.split_once(':') else { continue };
        match name.to_ascii_lowercase().as_str() {
            "x-amz-target" => value.trim().clone_into(&mut target),
            "content-length" => length = value.trim().parse().unwrap_or(0),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some(Request { method, path, target, body }))
}

fn answer(request: &Request, door: &Door) -> (u16, String) {
    match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/calls") => (200, lock(&door.calls).iter().map(Call::line).collect()),
        ("GET", "/floors") => (200, floors(door)),
        ("POST", "/down") => (200, note(door, true)),
        ("POST", "/up") => (200, note(door, false)),
        _ => call(request, door),
    }
}

fn note(door: &Door, down: bool) -> String {
    door.down.store(down, Ordering::Relaxed);
    String::new()
}

/// How many targets have each floor.
fn floors(door: &Door) -> String {
    let sim = lock(&door.sim);
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    for (min, _) in (0..door.services).filter_map(|n| sim.bounds(&service(n))) {
        *counts.entry(min).or_default() += 1;
    }
    json!(counts).to_string()
}

/// Half of the latency on the way there, half on the way back, and what the model takes in between.
fn call(request: &Request, door: &Door) -> (u16, String) {
    let (arrived, began) = (seconds(), Instant::now());
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    sleep_until(began + door.latency / 2);
    let outcome = match door.down.load(Ordering::Relaxed) {
        true => Err(WireError::new(503, "ServiceUnavailable", "down").into()),
        false => lock(&door.sim).call(&request.target, &body, Timestamp::now()),
    };
    let (status, code, text) = match outcome {
        Ok(value) => (200, String::new(), value.to_string()),
        Err(CallError::Refused(error)) => (error.status, error.code.clone(), error.body(&request.target).to_string()),
        Err(CallError::AnswerLost | CallError::Unreachable) => (500, "Lost".to_owned(), String::new()),
    };
    sleep_until(began + door.latency);
    let operation = request.target.rsplit('.').next().unwrap_or_default().to_owned();
    let resource = body["ResourceId"].as_str().unwrap_or_default().to_owned();
    let min = body["MinCapacity"].as_u64();
    lock(&door.calls).push(Call { arrived, answered: seconds(), operation, code, resource, min });
    (status, text)
}

impl Call {
    fn line(&self) -> String {
        let Call { arrived, answered, operation, code, resource, min } = self;
        format!("{}\n", json!([arrived, answered, operation, code, resource, min]))
    }
}

fn sleep_until(at: Instant) {
    std::thread::sleep(at.saturating_duration_since(Instant::now()));
}

fn seconds() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}
