//! One HTTP request and its answer, without a library's opinions.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// A status code and a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) code: u16,
    pub(crate) body: String,
}

/// Sends a request to `address` (`HOST:PORT`), and reads to the end of the connection.
pub(crate) fn ask(address: &str, method: &str, path: &str, headers: &str, body: &str) -> io::Result<Answer> {
    let length = body.len();
    let request =
        format!("{method} {path} HTTP/1.0\r\nHost: {address}\r\nContent-Length: {length}\r\n{headers}\r\n{body}");
    let answer = exchange(address, request.as_bytes())?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    let code = head.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
    Ok(Answer { code, body: body.to_owned() })
}

/// Sends bytes, and returns all that comes back until the other side hangs up.
pub(crate) fn exchange(address: &str, request: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    stream.write_all(request)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}
