//! Cuts lists into pages that a token continues.
//!
//! A token names the last item shown, so a list may change between two pages without an item coming twice.

use std::fmt::Write as _;
use std::ops::RangeInclusive;

use serde_json::Value;

use super::WireError;

/// Where a page begins and how long it may be.
pub(super) struct Page {
    length: usize,
    after: Option<String>,
}

impl Page {
    /// Checks what the caller asks for. The error says which of the two is wrong.
    pub(super) fn new(
        length: Option<i32>,
        default: usize,
        allowed: RangeInclusive<usize>,
        token: Option<&str>,
    ) -> Result<Self, PageError> {
        let length = length.map_or(Ok(default), usize::try_from).map_err(|_| PageError::Length)?;
        if !allowed.contains(&length) {
            return Err(PageError::Length);
        }
        let after = token.map(|token| decode(token).ok_or(PageError::Token)).transpose()?;
        Ok(Page { length, after })
    }

    /// The items of this page in the order of their keys, and the token of the next one if there is one.
    pub(super) fn cut<T>(self, mut items: Vec<(String, T)>) -> (Vec<(String, T)>, Option<String>) {
        items.sort_by(|a, b| a.0.cmp(&b.0));
        items.retain(|(key, _)| self.after.as_ref().is_none_or(|after| key > after));
        let more = items.len() > self.length;
        items.truncate(self.length);
        let token = items.last().filter(|_| more).map(|(key, _)| encode(key));
        (items, token)
    }
}

/// What is wrong with a request for a page.
pub(super) enum PageError {
    /// The length is outside of what is allowed.
    Length,
    /// The token is none of ours.
    Token,
}

impl PageError {
    /// As Application Auto Scaling says it.
    pub(super) fn of_auto_scaling(self) -> WireError {
        match self {
            PageError::Length => WireError::validation("MaxResults must be between 1 and 50"),
            PageError::Token => WireError::new(400, "InvalidNextTokenException", "Invalid next token"),
        }
    }

    /// As ECS says it.
    pub(super) fn of_ecs(self) -> WireError {
        let message = match self {
            PageError::Length => "maxResults must be between 1 and 100",
            PageError::Token => "Invalid token",
        };
        WireError::new(400, "InvalidParameterException", message)
    }
}

/// An answer of one list, with its token where there is more.
pub(super) fn answer(list: &str, items: Vec<Value>, token_key: &str, token: Option<String>) -> Value {
    let token = token.map(|token| (token_key.to_owned(), Value::String(token)));
    Value::Object([(list.to_owned(), Value::Array(items))].into_iter().chain(token).collect())
}

/// Tokens are opaque to callers: `t`, and the key in hexadecimal.
fn encode(key: &str) -> String {
    key.bytes().fold("t".to_owned(), |mut token, byte| {
        write!(token, "{byte:02x}").expect("writing to a string cannot fail");
        token
    })
}

fn decode(token: &str) -> Option<String> {
    let digits = token.strip_prefix('t').filter(|digits| digits.len() % 2 == 0)?;
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Option<Vec<u8>> = digits.as_bytes().chunks(2).map(byte).collect();
    String::from_utf8(bytes?).ok()
}
