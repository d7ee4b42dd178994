//! A GET request to a running controller.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long the controller may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The most bytes that an answer may have: the status of 10,000 targets fits many times.
const ANSWER_LIMIT: u64 = 256 << 20;

/// The status code and body of an answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: u16,
    pub(crate) body: String,
}

/// Asks `server` (`http://HOST:PORT`) for `path`.
///
/// # Errors
/// That the server cannot be reached, does not answer in time, or does not speak HTTP.
pub(crate) async fn get(server: &str, path: &str) -> Result<Answer> {
    let exchange = tokio::time::timeout(PATIENCE, exchange(server, path));
    exchange.await.with_context(|| format!("{server} did not answer within {} s", PATIENCE.as_secs()))?
}

async fn exchange(server: &str, path: &str) -> Result<Answer> {
    let Some(authority) = server.strip_prefix("http://") else {
        bail!("--server must begin with http://, not be `{server}`");
    };
    let authority = authority.trim_end_matches('/');
    let mut stream = connect(authority).await.with_context(|| format!("cannot reach {server}"))?;
    // HTTP/1.0 and no keep-alive: the answer ends where the connection does.
    let request = format!("GET {path} HTTP/1.0\r\nHost: {authority}\r\nAccept: */*\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(ANSWER_LIMIT).read_to_end(&mut answer).await?;
    parse(&answer).with_context(|| format!("{server} does not answer as a controller does"))
}

/// An image without files has no `/etc/hosts`, so `localhost` is not left to the resolver.
async fn connect(authority: &str) -> Result<TcpStream> {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().context("the port is not a number")?),
        _ => (authority, 80),
    };
    if host == "localhost" {
        let v4 = TcpStream::connect((IpAddr::V4(Ipv4Addr::LOCALHOST), port)).await;
        return match v4 {
            Ok(stream) => Ok(stream),
            Err(error) => TcpStream::connect((IpAddr::V6(Ipv6Addr::LOCALHOST), port)).await.or(Err(error.into())),
        };
    }
    Ok(TcpStream::connect((host.trim_matches(['[', ']']), port)).await?)
}

fn parse(answer: &[u8]) -> Result<Answer> {
    let text = String::from_utf8_lossy(answer);
    let (head, body) = text.split_once("\r\n\r\n").context("no end of the headers")?;
    let code = head.split(' ').nth(1).and_then(|code| code.parse().ok()).context("no status code")?;
    Ok(Answer { code, body: body.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_its_code_and_its_body() {
        let answer = parse(b"HTTP/1.1 503 Service Unavailable\r\nX: y\r\n\r\nstopping\r\n\r\nmore").unwrap();
        assert_eq!((answer.code, answer.body.as_str()), (503, "stopping\r\n\r\nmore"));
        assert!(parse(b"SSH-2.0-OpenSSH_9.2\r\n").is_err());
    }
}
