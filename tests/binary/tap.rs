//! A proxy in front of an AWS that notes what was written through it, and can play AWS's bad days.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use serde_json::Value;

use crate::http;

/// What becomes of writes that come through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writes {
    /// AWS answers them.
    Pass,
    /// They are refused for their rate.
    Throttled,
    /// They reach AWS, and the answer is kept back until they may pass.
    Held,
}

/// What becomes of questions to S3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bucket {
    /// They are answered.
    Answers,
    /// They are refused.
    Denied,
    /// They wait until something else is to become of them.
    Silent,
}

/// What becomes of questions to DynamoDB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leases {
    /// They are answered.
    Answered,
    /// They wait until they may be answered, and reach DynamoDB only then.
    Silent,
}

/// A running proxy.
pub(crate) struct Tap {
    /// `HOST:PORT`.
    pub(crate) address: String,
    shared: Arc<Shared>,
}

struct Shared {
    upstream: String,
    written: Mutex<Vec<Value>>,
    writes: Mutex<Writes>,
    asked_of_bucket: Mutex<Vec<String>>,
    bucket: Mutex<Bucket>,
    leases: Mutex<Leases>,
    refused: Mutex<Option<Refusal>>,
    changed: Condvar,
}

/// What AWS says to one operation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refusal {
    /// The operation's name; everything, where it is empty.
    pub(crate) operation: &'static str,
    pub(crate) code: &'static str,
    pub(crate) message: &'static str,
}

impl Refusal {
    fn is_of(self, head: &str, body: &[u8]) -> bool {
        let in_query = format!("Action={}&", self.operation); // STS's protocol
        let in_body = body.windows(in_query.len()).any(|window| window == in_query.as_bytes());
        self.operation.is_empty() || head.contains(&format!(".{}\r\n", self.operation)) || in_body
    }

    fn answer(self, head: &str) -> Vec<u8> {
        let Refusal { code, message, .. } = self;
        let (kind, body) = match head.to_ascii_lowercase().contains("x-amz-target") {
            true => ("x-amz-json-1.1", format!(r#"{{"__type":"{code}","message":"{message}"}}"#)),
            false => {
                let error = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
                ("xml", format!("<ErrorResponse>{error}</ErrorResponse>"))
            }
        };
        let head = format!("HTTP/1.0 400 Bad Request\r\nContent-Type: application/{kind}\r\n");
        format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
    }
}

impl Tap {
    /// Starts a proxy in front of `upstream` (`HOST:PORT`). It lasts as long as the test program.
    pub(crate) fn start(upstream: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = listener.local_addr().expect("a listener has an address").to_string();
        let shared = Arc::new(Shared {
            upstream: upstream.to_owned(),
            written: Mutex::default(),
            writes: Mutex::new(Writes::Pass),
            asked_of_bucket: Mutex::default(),
            bucket: Mutex::new(Bucket::Answers),
            leases: Mutex::new(Leases::Answered),
            refused: Mutex::default(),
            changed: Condvar::new(),
        });
        let server = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = Arc::clone(&server);
                std::thread::spawn(move || server.serve(stream));
            }
        });
        Tap { address, shared }
    }

    /// The body of every write so far, whatever became of it.
    pub(crate) fn written(&self) -> Vec<Value> {
        lock(&self.shared.written).clone()
    }

    /// The first line of every question to S3 so far.
    pub(crate) fn asked_of_bucket(&self) -> Vec<String> {
        lock(&self.shared.asked_of_bucket).clone()
    }

    /// Says what becomes of questions to S3 from now on.
    pub(crate) fn set_bucket(&self, bucket: Bucket) {
        *lock(&self.shared.bucket) = bucket;
        self.shared.changed.notify_all();
    }

    /// Says what becomes of questions to DynamoDB from now on.
    pub(crate) fn set_leases(&self, leases: Leases) {
        *lock(&self.shared.leases) = leases;
        self.shared.changed.notify_all();
    }

    /// Refuses an operation from now on.
    pub(crate) fn refuse(&self, refusal: Refusal) {
        *lock(&self.shared.refused) = Some(refusal);
    }

    /// Says what becomes of writes from now on.
    pub(crate) fn set_writes(&self, writes: Writes) {
        *lock(&self.shared.writes) = writes;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        let (head, body) = read_request(&stream)?;
        let is_write = head.contains("AnyScaleFrontendService.RegisterScalableTarget");
        if is_write {
            lock(&self.written).push(serde_json::from_slice(&body)?);
        }
        if head.contains("DynamoDB_20120810.") {
            self.wait_while_silent();
        }
        let throttled = is_write && *lock(&self.writes) == Writes::Throttled;
        let is_of_bucket = head.starts_with("GET "); // all that ECS and Application Auto Scaling are asked is a POST
        let denied = is_of_bucket && self.bucket_denies(&head);
        let refused = (*lock(&self.refused)).filter(|refusal| refusal.is_of(&head, &body));
        let answer = match (throttled, denied, refused) {
            (true, _, _) => refusal(),
            (_, true, _) => denial(),
            (_, _, Some(refusal)) => refusal.answer(&head),
            (false, false, None) => self.forward(&head, &body)?,
        };
        if is_write {
            self.wait_while_held();
        }
        stream.write_all(&answer)?;
        stream.shutdown(Shutdown::Both)
    }

    fn forward(&self, head: &str, body: &[u8]) -> io::Result<Vec<u8>> {
        http::exchange(&self.upstream, &forwarded(head, body)?)
    }

    fn bucket_denies(&self, head: &str) -> bool {
        lock(&self.asked_of_bucket).push(head.lines().next().unwrap_or_default().to_owned());
        let bucket = lock(&self.bucket);
        let bucket = self.changed.wait_while(bucket, |bucket| *bucket == Bucket::Silent);
        *bucket.unwrap_or_else(PoisonError::into_inner) == Bucket::Denied
    }

    fn wait_while_silent(&self) {
        let leases = lock(&self.leases);
        let silent = self.changed.wait_while(leases, |leases| *leases == Leases::Silent);
        drop(silent.unwrap_or_else(PoisonError::into_inner));
    }

    fn wait_while_held(&self) {
        let writes = lock(&self.writes);
        let held = self.changed.wait_while(writes, |writes| *writes == Writes::Held);
        drop(held.unwrap_or_else(PoisonError::into_inner));
    }
}

/// A request as it is passed on: in the version whose answer ends with the connection.
pub(crate) fn forwarded(head: &str, body: &[u8]) -> io::Result<Vec<u8>> {
    let (request_line, headers) = head.split_once("\r\n").ok_or(io::ErrorKind::InvalidData)?;
    let request_line = request_line.replace("HTTP/1.1", "HTTP/1.0");
    let mut request = format!("{request_line}\r\n{headers}").into_bytes();
    request.extend(body);
    Ok(request)
}

/// The head with its empty line, and the body.
pub(crate) fn read_request(stream: &TcpStream) -> io::Result<(String, Vec<u8>)> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let length =
        head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    Ok((head, body))
}

fn refusal() -> Vec<u8> {
    let body = r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#;
    let head = "HTTP/1.0 400 Bad Request\r\nContent-Type: application/x-amz-json-1.1\r\n";
    format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

fn denial() -> Vec<u8> {
    let body = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";
    let head = "HTTP/1.0 403 Forbidden\r\nContent-Type: application/xml\r\n";
    format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
