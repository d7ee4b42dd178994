//! Whatever a client sends, the server answers in HTTP or closes, in bounded time, and answers the next client.
//!
//! The code is the binary's, compiled in as it is, from the connection to the pages.

#![no_main]
#![expect(dead_code, reason = "the binary calls more of the modules than the target does")]

#[path = "../../core/benches/shared/settle.rs"]
mod settle;
#[path = "../../src"]
mod shell {
    pub(crate) mod http;
    pub(crate) mod metrics;
}

use std::cell::OnceCell;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use baseload_core::controller::{Chore, Controller, Event, Revision, Settings};
use baseload_core::model::TargetId;
use baseload_core::sim::{ServiceSpec, Sim};
use baseload_core::spec::{self, Limits, Tree};
use baseload_core::status::Status;
use baseload_core::timetable::{Schedules, Zones};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use libfuzzer_sys::fuzz_target;
use settle::settle;
use shell::http::{self, About, Sources};
use shell::metrics; // where the server looks for it
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

/// What the server takes from the loop.
mod driver {
    pub(crate) type ReloadRequest = tokio::sync::oneshot::Sender<Result<(), String>>;
}

const SCHEDULES: &[u8] = b"apiVersion: baseload/v1
kind: ScalingSchedule
metadata: { name: shop }
spec:
  targets: [{ cluster: shop, service: www }, { cluster: shop, service: 'api-*' }, { cluster: blog, service: gone }]
  timezone: Europe/Brussels
  default: { min: 1 }
  windows:
    - { name: day, days: [mon-fri], from: \"07:30\", to: \"19:00\", min: 4 }
";

thread_local! {
    static FIXTURE: OnceCell<Fixture> = const { OnceCell::new() };
}

fuzz_target!(|bytes: &[u8]| {
    FIXTURE.with(|fixture| fixture.get_or_init(Fixture::new).serve(bytes));
});

/// What every server serves, and a time that passes as soon as all wait for it.
struct Fixture {
    runtime: Runtime,
    status: Arc<Status>,
    schedules: Arc<Schedules>,
}

impl Fixture {
    fn new() -> Fixture {
        let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime");
        let (status, schedules) = snapshot();
        Fixture { runtime, status: Arc::new(status), schedules }
    }

    fn serve(&self, bytes: &[u8]) {
        self.runtime.block_on(async {
            let (clients, door) = mpsc::channel(1);
            let (stop, stopped) = oneshot::channel::<()>();
            let (sources, mut reloads) = self.sources();
            tokio::spawn(async move {
                while let Some(asked) = reloads.recv().await {
                    let _ = asked.send(Ok(()));
                }
            });
            let server = tokio::spawn(http::serve(Door(door), sources, async move { stopped.await.unwrap_or(()) }));
            let answers = exchange(&clients, bytes).await;
            assert!(answers.is_empty() || answers.starts_with(b"HTTP/1."), "{}", String::from_utf8_lossy(&answers));
            let polite = exchange(&clients, b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
            assert!(polite.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&polite));
            let _ = stop.send(());
            server.await.expect("the server does not panic");
        });
    }

    fn sources(&self) -> (Sources, mpsc::Receiver<driver::ReloadRequest>) {
        let (reload, reloads) = mpsc::channel(1);
        let sources = Sources {
            status: watch::channel(Arc::clone(&self.status)).1,
            schedules: watch::channel(Arc::clone(&self.schedules)).1,
            is_live: Arc::new(|| true),
            almanac: Arc::default(),
            metrics: Arc::new(metrics::Metrics::new("0.1.0", "2026e")),
            reload,
            about: Arc::new(About { version: "0.1.0".to_owned(), tzdb: "2026e".to_owned(), simulator: None }),
        };
        (sources, reloads)
    }
}

/// Sends these bytes, so many at a time as the first of them says, and reads until the server closes.
async fn exchange(clients: &mpsc::Sender<DuplexStream>, bytes: &[u8]) -> Vec<u8> {
    let (client, server) = duplex(4096);
    clients.send(server).await.expect("the server takes in clients");
    let (mut from_server, mut to_server) = tokio::io::split(client);
    let piece = usize::from(bytes.first().copied().unwrap_or(1)).max(1);
    let send = async move {
        for part in bytes.chunks(piece) {
            if to_server.write_all(part).await.is_err() {
                break; // a server that refuses may close before all is sent
            }
        }
        to_server // open until the server closes: who hangs up is not answered
    };
    let read = async move {
        let mut answers = Vec::new();
        let _ = from_server.read_to_end(&mut answers).await;
        answers
    };
    let both = async { tokio::join!(send, read).1 };
    timeout(Duration::from_secs(600), both).await.expect("a connection does not stay for ever")
}

/// Hands out whoever comes in over a channel.
struct Door(mpsc::Receiver<DuplexStream>);

impl http::Door for Door {
    type Stream = DuplexStream;

    async fn accept(&mut self) -> io::Result<DuplexStream> {
        match self.0.recv().await {
            Some(client) => Ok(client),
            None => std::future::pending().await,
        }
    }
}

/// A controller that has looked once, a floor that is met and one whose service is gone.
fn snapshot() -> (Status, Arc<Schedules>) {
    let mut now: Timestamp = "2026-11-20T09:00:00Z".parse().expect("a timestamp");
    let mut tree = Tree::default();
    tree.files.insert("shop.yaml".into(), SCHEDULES.to_vec());
    let loaded = spec::load(&tree, &Zones::embedded(), &Limits::default(), now).expect("the schedules are good");
    let schedules: Arc<Schedules> = loaded.schedules.into();
    let mut sim = Sim::new(1, TimeZone::UTC, now);
    for service in ["www", "api-one", "api-two"] {
        sim.add_service(TargetId::new("shop", service), &ServiceSpec { bounds: Some((1, 10)), ..ServiceSpec::default() });
    }
    let mut controller = Controller::new(Settings::default(), "dir:/schedules".to_owned());
    let (id, digest) = ("fuzz".to_owned(), tree.digest());
    controller.handle(now, Event::Loaded(Ok(Some(Revision { id, digest, schedules: Arc::clone(&schedules) }))));
    for _ in 0..20 {
        now += SignedDuration::from_secs(10);
        controller.handle(now, Event::Due(Chore::Resync));
        settle(&mut controller, &mut sim, now);
    }
    (controller.status(now), schedules)
}
