//! Crowds at the door: clients that hold a connection and say nothing, too little, or far too much.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::controller::Controller;
use crate::ecs::{Ecs, environment};
use crate::http;
use crate::line::Line;
use crate::process_faults::number;
use crate::run::{noon_in, six_from_noon};

const WWW: &str = "shop/www";

/// Opens many connections: some say nothing, some begin a request and never end it.
fn crowd(address: &str, clients: u64) -> Vec<TcpStream> {
    let open = |client: u64| {
        let mut stream = TcpStream::connect(address).ok()?;
        if client.is_multiple_of(3) {
            stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: ").ok()?;
        }
        Some(stream)
    };
    (0..clients).filter_map(open).collect()
}

/// What comes back to a request with a head of 400 KB, as far as it may be sent at all.
fn answer_to_a_head_of_400_kb(address: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("the controller listens");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a socket has a read timeout");
    let head = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(400 << 10));
    let _cut_off = stream.write_all(head.as_bytes());
    let mut answer = Vec::new();
    let _cut_off = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn badly_behaved(address: &str) {
    let refused = answer_to_a_head_of_400_kb(address);
    assert!(refused.is_empty() || refused.contains(" 431 "), "{refused}");
    let trace = http::ask(address, "TRACE", "/", "", "").expect("the controller answers");
    assert_eq!(trace.code, 405);
    let pipelined = "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n".repeat(99) + "GET /livez HTTP/1.0\r\n\r\n";
    let answers = http::exchange(address, pipelined.as_bytes()).expect("the controller answers");
    assert_eq!(String::from_utf8_lossy(&answers).matches(" 200 OK").count(), 100);
}

/// `BASELOAD_TEST_CLIENTS` says how many clients.
#[test]
fn f65_a_crowd_of_idle_and_slow_clients_holds_up_neither_a_scrape_nor_a_boundary() {
    let ecs = Ecs::with(&[WWW]);
    let line = Line::to(&ecs.address);
    let (zones, folder) = (noon_in(8), six_from_noon());
    let variables = environment(&line);
    let mut variables = crate::ecs::borrowed(&variables);
    variables.push(("TZDIR", zones.arg()));
    let controller = Controller::start_in(&variables, &folder, &[]);
    controller.wait_ready();
    let crowd = crowd(&controller.address, number("BASELOAD_TEST_CLIENTS", 2000));
    badly_behaved(&controller.address);
    ecs.wait_floor(WWW, 6);
    let late = controller.metric("baseload_boundary_lateness_seconds_sum").expect("a scrape is answered");
    assert!(late < 3.0, "the floor was {late} s late");
    assert!(controller.peak_mib() < 160, "{} MiB", controller.peak_mib());
    drop(crowd);
}
