//! A server on loopback that answers AWS's JSON protocol, or STS's forms, as a test tells it to, faults below HTTP included.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::{Accounts, Aws, AwsConfig, CallRecord, Patience, Permit, Roles};
use crate::clock::Clock;

/// A request as it came over the wire.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) operation: String,
    pub(super) body: Value,
}

/// What the server does with a request.
pub(super) enum Reply {
    /// Status, further header lines, body.
    Answer(u16, &'static str, String),
    /// Announces a body of this many bytes and sends it, as long as anyone listens.
    Zeros(usize),
    /// Closes the connection without an answer.
    Close,
    /// Says nothing, for ever.
    Hang,
}

/// A 200 with this body.
pub(super) fn ok(body: &Value) -> Reply {
    Reply::Answer(200, "", body.to_string())
}

/// A refusal as AWS words it.
pub(super) fn refusal(status: u16, code: &str, message: &str) -> Reply {
    Reply::Answer(status, "", serde_json::json!({"__type": code, "message": message}).to_string())
}

type Script = dyn Fn(&Request) -> Reply + Send + Sync;

/// The running server, what it was asked, and what the adapter recorded. Its tasks end with the test's runtime.
pub(super) struct Scripted {
    pub(super) aws: Aws,
    pub(super) address: SocketAddr,
    asked: Arc<Mutex<Vec<Request>>>,
    recorded: Arc<Mutex<Vec<CallRecord>>>,
}

impl Scripted {
    /// With more patience than any answer takes: on a busy machine a brief one might run out.
    pub(super) async fn start(script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Scripted::start_with(Patience { pause: impatient().pause, ..Patience::default() }, script).await
    }

    pub(super) async fn start_with(
        patience: Patience,
        script: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let asked = Arc::new(Mutex::new(Vec::new()));
        tokio::spawn(serve(listener, Arc::new(script), Arc::clone(&asked)));
        let (aws, recorded) = connect(address, patience).await;
        Scripted { aws, address, asked, recorded }
    }

    /// The requests so far, in the order of their arrival.
    pub(super) fn asked(&self) -> Vec<Request> {
        self.asked.lock().expect("no test panics while it holds the log").clone()
    }

    /// The calls that the adapter recorded so far.
    pub(super) fn recorded(&self) -> Vec<CallRecord> {
        self.recorded.lock().expect("no test panics while it holds the log").clone()
    }
}

/// What the adapter's clock shows, always.
pub(super) const AN_HOUR_AHEAD: &str = "2026-11-21T05:47:53Z";

/// Little patience, so that tests of time-outs are quick.
pub(super) fn impatient() -> Patience {
    let brief = Duration::from_millis(400);
    let pause = Duration::from_millis(1);
    Patience { connect: brief, attempt: brief, credentials: brief / 2, pause, question: brief * 50 }
}

/// The adapter against whatever listens, or not, at `address`.
pub(super) async fn connect(address: SocketAddr, patience: Patience) -> (Aws, Arc<Mutex<Vec<CallRecord>>>) {
    let recorded = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&recorded);
    let on_call = Arc::new(move |record| log.lock().expect("no test panics while it holds the log").push(record));
    let at = AN_HOUR_AHEAD.parse().expect("an instant");
    let config = AwsConfig {
        stand_in: Some(format!("http://{address}")),
        patience,
        clock: Clock::Fixed(at),
        on_call,
        permit: Permit::unlimited(),
    };
    (Accounts::connect(config, Roles::new()).await.home().await, recorded)
}

async fn serve(listener: TcpListener, script: Arc<Script>, asked: Arc<Mutex<Vec<Request>>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (script, asked) = (Arc::clone(&script), Arc::clone(&asked));
        tokio::spawn(async move {
            let mut stream = BufReader::new(stream);
            while let Some(request) = read_request(&mut stream).await {
                asked.lock().expect("no test panics while it holds the log").push(request.clone());
                if reply(&mut stream, script(&request)).await.is_none() {
                    break;
                }
            }
        });
    }
}

async fn read_request(stream: &mut BufReader<TcpStream>) -> Option<Request> {
    let (mut operation, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok().filter(|&read| read > 0)?;
        match line.trim_end().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.trim().parse().ok()?,
            Some((name, value)) if name.eq_ignore_ascii_case("x-amz-target") => {
                operation = value.rsplit('.').next()?.to_owned();
            }
            Some(_) => {}
            None if line.trim_end().is_empty() => break,
            None => {} // the request line
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    let form = || Value::String(String::from_utf8_lossy(&body).into_owned()); // STS speaks in forms
    let body: Value = serde_json::from_slice(&body).unwrap_or_else(|_| form());
    if let Some(action) = body.as_str().and_then(|form| form.strip_prefix("Action=")) {
        operation = action.split('&').next()?.to_owned();
    }
    Some(Request { operation, body })
}

/// `None` when the connection is done with.
async fn reply(stream: &mut BufReader<TcpStream>, reply: Reply) -> Option<()> {
    match reply {
        Reply::Answer(status, headers, body) => {
            let head = format!("HTTP/1.1 {status} -\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
            stream.write_all((head + &body).as_bytes()).await.ok()
        }
        Reply::Zeros(length) => {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
            stream.write_all(head.as_bytes()).await.ok()?;
            for _ in 0..length / 65_536 {
                stream.write_all(&[0; 65_536]).await.ok()?;
            }
            None
        }
        Reply::Close => None,
        Reply::Hang => std::future::pending().await,
    }
}
