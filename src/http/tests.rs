//! Over real sockets on loopback: what a client sends is written by hand, byte for byte.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use baseload_core::model::Site;
use baseload_core::status::{Conditions, ConfigurationStatus, TargetStatus};
use jiff::Timestamp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::*;

/// A server with its driver's side in the test's hands.
struct Server {
    address: SocketAddr,
    status: watch::Sender<Arc<Status>>,
    is_live: Arc<AtomicBool>,
    reloads: mpsc::Receiver<ReloadRequest>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

fn status(targets: Vec<TargetStatus>) -> Status {
    Status {
        at: Timestamp::UNIX_EPOCH,
        heartbeat: Timestamp::UNIX_EPOCH,
        ready: true,
        stopping: false,
        dry_run: false,
        lease: None,
        sites: Vec::new(),
        configuration: ConfigurationStatus::default(),
        targets: targets.into_iter().map(Arc::new).collect(),
    }
}

fn targets(count: usize) -> Vec<TargetStatus> {
    let target = |n: usize| TargetStatus {
        site: Site::HOME,
        cluster: "shop".into(),
        service: format!("service-{n}").into(),
        floor: None,
        next: None,
        observed: None,
        observed_at: None,
        counts: None,
        verdict: "unknown".into(),
        conditions: Conditions::default(),
        last_error: None,
        corrections: 0,
    };
    (0..count).map(target).collect()
}

impl Server {
    async fn start() -> Server {
        Server::start_with(Limits::default(), Vec::new()).await
    }

    async fn start_with(limits: Limits, targets: Vec<TargetStatus>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (status, status_receiver) = watch::channel(Arc::new(status(targets)));
        let (reload, reloads) = mpsc::channel(1);
        let (stop, stopped) = oneshot::channel::<()>();
        let is_live = Arc::new(AtomicBool::new(true));
        let sources = Sources {
            status: status_receiver,
            schedules: watch::channel(Arc::default()).1,
            almanac: Arc::default(),
            is_live: Arc::new({
                let is_live = is_live.clone();
                move || is_live.load(Ordering::Relaxed)
            }),
            metrics: Arc::new(Metrics::new("0.1.0", "2026e")),
            reload,
            about: Arc::new(About { version: "0.1.0".to_owned(), tzdb: "2026e".to_owned(), simulator: None }),
        };
        let shutdown = async move { stopped.await.unwrap_or(()) };
        let task = tokio::spawn(connections::serve(listener, router(sources), limits, shutdown));
        Server { address, status, is_live, reloads, stop: Some(stop), task }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// The whole answer to `request`, read until the server closes.
    async fn raw(&self, request: &[u8]) -> String {
        let mut stream = self.connect().await;
        let _ = stream.write_all(request).await; // a server that refuses may close before all is sent
        read_to_end(&mut stream).await
    }

    async fn ask(&self, method: &str, path: &str) -> String {
        let request = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        self.raw(request.as_bytes()).await
    }

    fn change(&self, change: impl FnOnce(&mut Status)) {
        self.status.send_modify(|status| change(Arc::make_mut(status)));
    }
}

/// What the server sent until it closed, politely or not.
async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8(bytes).unwrap()
}

fn is_code(answer: &str, code: u16) -> bool {
    answer.starts_with(&format!("HTTP/1.1 {code} "))
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").unwrap().1
}

const SCRAPE: &[u8] = b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn metrics_are_prometheus_text() {
    let answer = Server::start().await.ask("GET", "/metrics").await;
    assert!(is_code(&answer, 200));
    assert!(answer.contains("content-type: text/plain; version=0.0.4\r\n"));
    assert!(answer.contains("baseload_build_info{"));
}

#[tokio::test]
async fn the_page_allows_nothing_from_outside_and_is_not_kept() {
    let answer = Server::start().await.ask("GET", "/").await;
    assert!(is_code(&answer, 200));
    assert!(answer.contains("content-security-policy: default-src 'none';"));
    assert!(answer.contains("cache-control: no-store\r\n"));
    assert!(answer.contains("x-content-type-options: nosniff\r\n"));
}

#[tokio::test]
async fn a_page_is_compressed_for_clients_that_take_it_and_a_scrape_is_not() {
    let server = Server::start_with(Limits::default(), targets(6000)).await;
    for (path, is_packed) in [("/", true), ("/api/v1/status", true), ("/metrics", false)] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n");
        let mut stream = server.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        let head = String::from_utf8_lossy(&answer[..end]).into_owned();
        assert_eq!(head.contains("content-encoding: gzip"), is_packed, "{head}");
        assert_eq!(answer[end + 4..].starts_with(&[0x1f, 0x8b]), is_packed);
        assert!(!is_packed || answer.len() < 1 << 20, "{path}: {} bytes", answer.len());
    }
}

#[tokio::test]
async fn a_target_has_a_page_and_what_is_no_target_has_none() {
    let mut target = targets(6000).remove(0);
    target.service = "a \"b\"/<c>".into();
    let server = Server::start_with(Limits::default(), vec![target]).await;
    let page = server.ask("GET", "/targets/shop/a%20%22b%22%2F%3Cc%3E").await;
    assert!(is_code(&page, 200) && page.contains("a &quot;b&quot;/&lt;c&gt;"));
    assert!(server.ask("GET", "/").await.contains(r#"href="/targets/shop/a%20%22b%22%2F%3Cc%3E""#));
    let missing = server.ask("GET", "/targets/shop/other").await;
    assert!(is_code(&missing, 404) && missing.contains("No such target"));
    assert!(missing.contains("content-security-policy: default-src 'none';"));
}

#[tokio::test]
async fn the_api_is_the_status_with_what_the_process_is() {
    let answer = Server::start().await.ask("GET", "/api/v1/status").await;
    let value: serde_json::Value = serde_json::from_str(body(&answer)).unwrap();
    assert_eq!(value["version"], "0.1.0");
    assert_eq!(value["tzdb"], "2026e");
    assert_eq!(value["simulator"], serde_json::Value::Null);
    assert_eq!(value["at"], "1970-01-01T00:00:00Z");
    assert_eq!(value["configuration"]["lastReloadSuccessful"], false);
}

#[tokio::test]
async fn liveness_follows_the_loop() {
    let server = Server::start().await;
    assert!(is_code(&server.ask("GET", "/livez").await, 200));
    server.is_live.store(false, Ordering::Relaxed);
    assert!(is_code(&server.ask("GET", "/livez").await, 503));
}

#[tokio::test]
async fn readiness_follows_the_status_and_ends_with_stopping() {
    let server = Server::start().await;
    assert!(is_code(&server.ask("GET", "/readyz").await, 200));
    server.change(|status| status.stopping = true);
    assert!(is_code(&server.ask("GET", "/readyz").await, 503));
    server.change(|status| (status.stopping, status.ready) = (false, false));
    assert!(is_code(&server.ask("GET", "/readyz").await, 503));
}

#[tokio::test]
async fn a_reload_answers_with_its_outcome() {
    let mut server = Server::start().await;
    for (outcome, code) in [(Ok(()), 200), (Err("web.yaml:3:5: unknown field".to_owned()), 500)] {
        let mut stream = server.connect().await;
        stream.write_all(b"POST /-/reload HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
        server.reloads.recv().await.unwrap().send(outcome.clone()).unwrap();
        let answer = read_to_end(&mut stream).await;
        assert!(is_code(&answer, code));
        assert!(outcome.is_ok() || body(&answer) == "web.yaml:3:5: unknown field");
    }
}

#[tokio::test]
async fn a_reload_that_nobody_will_carry_out_is_refused() {
    let mut server = Server::start().await;
    server.reloads.close();
    assert!(is_code(&server.ask("POST", "/-/reload").await, 503));
}

#[tokio::test]
async fn f65_other_methods_and_unknown_paths_are_refused() {
    let server = Server::start().await;
    for (method, path, code) in [
        ("TRACE", "/", 405),
        ("POST", "/metrics", 405),
        ("DELETE", "/api/v1/status", 405),
        ("GET", "/-/reload", 405),
        ("GET", "/nothing", 404),
        ("TRACE", "/nothing", 404),
        ("GET", "/../etc/passwd", 404),
    ] {
        assert!(is_code(&server.ask(method, path).await, code), "{method} {path}");
    }
    assert!(!is_code(&server.ask("CONNECT", "example.org:443").await, 200));
}

#[tokio::test]
async fn f65_a_head_of_400_kb_is_refused() {
    let server = Server::start().await;
    let request = format!("GET / HTTP/1.1\r\nHost: x\r\nX-Large: {}\r\n\r\n", "a".repeat(400 * 1024));
    let answer = server.raw(request.as_bytes()).await;
    assert!(answer.is_empty() || is_code(&answer, 431), "refused, or closed while the client was still sending");
    assert!(is_code(&server.ask("GET", "/livez").await, 200));
}

#[tokio::test]
async fn f65_a_large_body_is_refused_unread() {
    let server = Server::start().await;
    let answer = server.raw(b"POST /-/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n").await;
    assert!(is_code(&answer, 413));
}

#[tokio::test]
async fn f65_a_client_that_never_ends_its_head_is_cut_off() {
    let limits = Limits { head_patience: Duration::from_millis(50), ..Limits::default() };
    let server = Server::start_with(limits, Vec::new()).await;
    let answer = server.raw(b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Slow: ").await;
    assert!(!is_code(&answer, 200));
}

#[tokio::test]
async fn f65_a_connection_that_falls_idle_is_closed() {
    let limits = Limits { head_patience: Duration::from_millis(50), ..Limits::default() };
    let server = Server::start_with(limits, Vec::new()).await;
    let answer = server.raw(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(is_code(&answer, 200), "answered, and closed by the server");
}

#[tokio::test]
async fn f65_a_client_that_does_not_read_its_answer_is_cut_off() {
    let limits =
        Limits { answer_patience: Duration::from_millis(50), grace: Duration::from_secs(60), ..Limits::default() };
    let mut server = Server::start_with(limits, targets(6000)).await;
    let whole = server.raw(SCRAPE).await.len();
    let mut stalled = server.connect().await;
    stalled.write_all(SCRAPE).await.unwrap();
    stalled.read_exact(&mut [0]).await.unwrap();
    // Stopping waits for answers that are under way, so it ends early only because this one was given up.
    server.stop.take().unwrap().send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(20), &mut server.task).await.expect("given up").unwrap();
    assert!(read_to_end(&mut stalled).await.len() < whole - 1);
}

#[tokio::test]
async fn f65_idle_sockets_make_room_for_a_scrape() {
    let limits = Limits { connections: 8, ..Limits::default() };
    let server = Server::start_with(limits, Vec::new()).await;
    let mut idle = Vec::new();
    for _ in 0..200 {
        idle.push(server.connect().await);
    }
    assert!(is_code(&server.raw(SCRAPE).await, 200));
}

#[tokio::test]
async fn f65_pipelined_requests_are_answered_in_order() {
    let server = Server::start().await;
    let mut requests = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n".repeat(20);
    requests.extend_from_slice(b"GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let answer = server.raw(&requests).await;
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 20);
    assert!(answer.rfind("HTTP/1.1 200").unwrap() < answer.find("HTTP/1.1 404").unwrap());
}

/// hyper would put the refusal of what follows the body before what it still has to write of the answer.
#[tokio::test]
async fn f65_nonsense_after_a_body_spoils_no_answer() {
    let server = Server::start_with(Limits::default(), targets(30_000)).await;
    let mut stream = server.connect().await;
    let request = "GET /api/v1/status HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc";
    stream.write_all(format!("{request}\0 / HTTP/1.1\r\n\r\n").as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await; // until the answer fills what the sockets hold
    let answer = read_to_end(&mut stream).await;
    let length = answer.split_once("content-length: ").unwrap().1.split("\r\n").next().unwrap();
    assert_eq!(body(&answer).len().to_string(), length);
    assert!(is_code(&answer, 200) && body(&answer).ends_with('}'));
}

#[tokio::test]
async fn stopping_is_bounded_where_an_answer_never_comes() {
    let limits = Limits { grace: Duration::from_millis(50), ..Limits::default() };
    let mut server = Server::start_with(limits, Vec::new()).await;
    let mut waiting = server.connect().await;
    waiting.write_all(b"POST /-/reload HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let _never_answered = server.reloads.recv().await.unwrap();
    server.stop.take().unwrap().send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(10), &mut server.task).await.unwrap().unwrap();
    assert!(TcpStream::connect(server.address).await.is_err());
}
