//! A bad line to AWS: a proxy that cuts, garbles, truncates, floods and falls silent, and counts what got through.

use std::io::{self, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use serde_json::Value;

use crate::http;
use crate::tap::{forwarded, read_request};

/// What becomes of everything that comes over the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// AWS answers.
    None,
    /// The connection closes, and nothing has reached AWS.
    CutBefore,
    /// The request takes effect, and the connection closes without its answer.
    CutAfter,
    /// The request takes effect, and half of its answer arrives.
    Truncated,
    /// 200, with a page for people.
    Html,
    /// 200, with JSON that ends in the middle.
    BrokenJson,
    /// This status, with a page for people.
    Status(u16),
    /// 200, with 100 MB.
    Flood,
    /// Every list is empty, and there is always more. Writes take effect.
    EndlessToken,
    /// One request in a hundred meets one of the others, in turn; all others are answered.
    OneInAHundred,
    /// Nothing, until something else is to become of it.
    Silence,
    /// The refusal of a wrong signature, which quotes the request, as AWS does it.
    QuotesRequest,
    /// 502, with a page that quotes the request, as a proxy might do it.
    QuotesRequestAsHtml,
    /// The refusal of credentials that were good once.
    Expired,
    /// No fault: what a container's credential provider answers, with these words in it.
    Credentials(&'static str),
}

/// What [`Fault::OneInAHundred`] stands for.
const IN_TURN: [Fault; 8] = [
    Fault::CutBefore,
    Fault::CutAfter,
    Fault::Truncated,
    Fault::Html,
    Fault::BrokenJson,
    Fault::Status(500),
    Fault::Status(503),
    Fault::Expired,
];

/// A running proxy.
pub(crate) struct Line {
    /// `HOST:PORT`.
    pub(crate) address: String,
    shared: Arc<Shared>,
}

struct Shared {
    upstream: String,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    fault: Fault,
    requests: usize,
    arrived: Vec<u64>,
    authorizations: Vec<String>,
}

impl Line {
    /// A line to `upstream` (`HOST:PORT`), which lasts as long as the test program.
    pub(crate) fn to(upstream: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = listener.local_addr().expect("a listener has an address").to_string();
        let state =
            Mutex::new(State { fault: Fault::None, requests: 0, arrived: Vec::new(), authorizations: Vec::new() });
        let shared = Arc::new(Shared { upstream: upstream.to_owned(), state, changed: Condvar::new() });
        let server = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = Arc::clone(&server);
                std::thread::spawn(move || server.serve(stream));
            }
        });
        Line { address, shared }
    }

    /// Says what becomes of requests from now on, and counts them anew.
    pub(crate) fn set(&self, fault: Fault) {
        let mut state = self.shared.state();
        (state.fault, state.requests) = (fault, 0);
        self.shared.changed.notify_all();
    }

    /// How many requests came since the last [`Line::set`].
    pub(crate) fn requests(&self) -> usize {
        self.shared.state().requests
    }

    /// The minimum of every write that AWS got, whatever became of the answer.
    pub(crate) fn arrived(&self) -> Vec<u64> {
        self.shared.state().arrived.clone()
    }

    /// The `Authorization` of every request, less its first word.
    pub(crate) fn authorizations(&self) -> Vec<String> {
        let state = self.shared.state();
        state.authorizations.iter().filter_map(|header| Some(header.split_once(' ')?.1.to_owned())).collect()
    }
}

impl Shared {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        let (head, body) = read_request(&stream)?;
        let fault = self.meet(&head);
        let answer = match fault {
            Fault::None | Fault::OneInAHundred | Fault::CutAfter | Fault::Truncated => self.forward(&head, &body)?,
            Fault::CutBefore | Fault::Silence => Vec::new(),
            Fault::Html => answer(200, "text/html", "<html>Welcome to the hotel's network</html>"),
            Fault::BrokenJson => answer(200, JSON, "{\"ScalableTargets\":[{\"Min"),
            Fault::Status(code) => answer(code, "text/html", "<html>It is not us, it is you</html>"),
            Fault::Flood => return flood(&mut stream),
            Fault::EndlessToken if is_write(&head) => self.forward(&head, &body)?,
            Fault::EndlessToken => answer(200, JSON, &ever_more(self.state().requests)),
            Fault::QuotesRequest => answer(403, JSON, &wrong_signature(&head)),
            Fault::QuotesRequestAsHtml => answer(502, "text/html", &format!("<pre>{head}</pre>")),
            Fault::Credentials(words) => answer(200, "application/json", &credentials(words)),
            Fault::Expired => answer(400, JSON, r#"{"__type":"ExpiredTokenException","message":"it was good once"}"#),
        };
        let kept = match fault {
            Fault::CutAfter => 0,
            Fault::Truncated => answer.len() - answer.len() / 4,
            _ => answer.len(),
        };
        stream.write_all(&answer[..kept])?;
        stream.shutdown(Shutdown::Both)
    }

    /// Counts a request, and waits where there is silence.
    fn meet(&self, head: &str) -> Fault {
        let mut state = self.state();
        state.requests += 1;
        let secret = |line: &str| {
            Some(line.split_once(": ").filter(|(name, _)| name.eq_ignore_ascii_case("authorization"))?.1.to_owned())
        };
        state.authorizations.extend(head.lines().filter_map(secret));
        let fault = match state.fault {
            Fault::OneInAHundred if state.requests.is_multiple_of(100) => IN_TURN[state.requests / 100 % IN_TURN.len()],
            Fault::OneInAHundred => Fault::None,
            fault => fault,
        };
        if fault == Fault::Silence {
            let ended = self.changed.wait_while(state, |state| state.fault == Fault::Silence);
            drop(ended.unwrap_or_else(PoisonError::into_inner));
        }
        fault
    }

    fn forward(&self, head: &str, body: &[u8]) -> io::Result<Vec<u8>> {
        if is_write(head) {
            let min = serde_json::from_slice::<Value>(body)?["MinCapacity"].as_u64();
            self.state().arrived.extend(min);
        }
        http::exchange(&self.upstream, &forwarded(head, body)?)
    }
}

fn is_write(head: &str) -> bool {
    head.contains("AnyScaleFrontendService.RegisterScalableTarget")
}

const JSON: &str = "application/x-amz-json-1.1";

fn answer(code: u16, kind: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {code} Whatever\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes()
}

fn ever_more(count: usize) -> String {
    format!(
        "{{\"ScalableTargets\":[],\"ScalingPolicies\":[],\"ScheduledActions\":[],\"services\":[],\"failures\":[],\
         \"NextToken\":\"{count}\"}}"
    )
}

fn wrong_signature(head: &str) -> String {
    let message = format!("The Canonical String for this request should have been '{head}'");
    serde_json::json!({ "__type": "InvalidSignatureException", "message": message }).to_string()
}

fn credentials(words: &str) -> String {
    let expires = "2099-01-01T00:00:00Z";
    let key = format!("AKIA{words}");
    serde_json::json!({ "AccessKeyId": key, "SecretAccessKey": words, "Token": words, "Expiration": expires })
        .to_string()
}

fn flood(stream: &mut TcpStream) -> io::Result<()> {
    const BYTES: usize = 100 << 20;
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Type: {JSON}\r\nContent-Length: {BYTES}\r\n\r\n{{\"a\":\"")?;
    let piece = vec![b'a'; 1 << 20];
    (0..BYTES >> 20).try_for_each(|_| stream.write_all(&piece))
}
