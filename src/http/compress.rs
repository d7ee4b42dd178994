//! Answers to people and programs that read them whole, compressed for clients that take gzip.
//!
//! A scrape is left as it is: it stays within its own house, and its CPU time is worth more than its bytes.

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use zlib_rs::{DeflateConfig, ReturnCode, compress_bound, compress_slice};

/// A smaller answer fits one packet anyhow.
const LEAST_BYTES: usize = 1400;

/// With a window of 2^15 bytes and the wrapping of gzip, as zlib counts.
const GZIP_WINDOW: i32 = 15 + 16;

/// What gzip's head and tail take more than zlib's.
const GZIP_BYTES: usize = 18;

/// The fastest level that still finds what rows of one table have in common.
const LEVEL: i32 = 2;

/// Compresses HTML and JSON.
pub(super) async fn gzip(request: Request, next: Next) -> Response {
    let is_welcome = takes_gzip(request.headers());
    let mut response = next.run(request).await;
    if !is_for_readers(response.headers()) {
        return response;
    }
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if !is_welcome {
        return response;
    }
    let (mut head, body) = response.into_parts();
    // What a handler rendered is in memory already.
    let Ok(plain) = body.collect().await.map(|body| body.to_bytes()) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let plain_again = plain.clone();
    let packed = tokio::task::spawn_blocking(move || compressed(&plain_again)).await.ok().flatten();
    let Some(packed) = packed else { return Response::from_parts(head, Body::from(plain)) };
    head.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    head.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(head, Body::from(packed))
}

fn is_for_readers(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.starts_with("text/html") || kind.starts_with("application/json")
}

/// Whether `Accept-Encoding` names gzip, or everything, without refusing it.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let named = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let mut codings = named.flat_map(|value| value.split(','));
    codings.any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = weight.trim().strip_prefix("q=").map_or(Ok(1.0), str::parse::<f32>);
        matches!(name.trim(), "gzip" | "*") && weight.is_ok_and(|weight| weight > 0.0)
    })
}

/// `None` where that is not worth it.
fn compressed(plain: &Bytes) -> Option<Vec<u8>> {
    if plain.len() < LEAST_BYTES {
        return None;
    }
    let mut packed = vec![0; compress_bound(plain.len()) + GZIP_BYTES];
    let config = DeflateConfig { level: LEVEL, window_bits: GZIP_WINDOW, ..DeflateConfig::default() };
    let (written, outcome) = compress_slice(&mut packed, plain, config);
    let length = written.len();
    (outcome == ReturnCode::Ok && length < plain.len()).then(|| {
        packed.truncate(length);
        packed
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes(value: &'static str) -> bool {
        takes_gzip(&HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(value))]))
    }

    #[test]
    fn gzip_is_for_clients_that_say_so() {
        assert!(takes("gzip") && takes("br, gzip;q=0.5") && takes("*"));
        assert!(!takes("br") && !takes("gzip;q=0") && !takes("identity") && !takes_gzip(&HeaderMap::new()));
    }

    #[test]
    fn what_is_compressed_is_gzip_and_smaller() {
        let packed = compressed(&Bytes::from(vec![b'x'; 100_000])).unwrap();
        assert!(packed.starts_with(&[0x1f, 0x8b]) && packed.len() < 1000);
        assert_eq!(compressed(&Bytes::from_static(b"short")), None);
    }
}
