//! What of a source file is code: enough of Rust's lexing to leave comments, literals and tests out. It does not parse.

/// The same text with spaces in place of comments, strings and characters; lines stay where they are.
pub(crate) fn without_comments_and_literals(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(symbol) = rest.chars().next() {
        match inert_length(rest) {
            Some(length) => {
                code.push_str(&blank(&rest[..length]));
                rest = &rest[length..];
            }
            None => {
                code.push(symbol);
                rest = &rest[symbol.len_utf8()..];
            }
        }
    }
    code
}

/// The same text with spaces in place of every item under `#[cfg(test)]`.
pub(crate) fn without_tests(code: &str) -> String {
    let mut kept = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(at) = rest.find("#[cfg(test)]") {
        let length = item_length(&rest[at..]);
        kept.push_str(&rest[..at]);
        kept.push_str(&blank(&rest[at..at + length]));
        rest = &rest[at + length..];
    }
    kept + rest
}

fn blank(text: &str) -> String {
    text.chars().map(|symbol| if symbol == '\n' { '\n' } else { ' ' }).collect()
}

/// How far an item reaches: to its `;`, or to the brace that closes its first.
fn item_length(item: &str) -> usize {
    let mut depth = 0_usize;
    for (at, symbol) in item.char_indices() {
        match symbol {
            ';' if depth == 0 => return at + 1,
            '{' => depth += 1,
            '}' if depth == 1 => return at + 1,
            '}' => depth -= 1,
            _ => {}
        }
    }
    item.len()
}

/// How many bytes at the start of `rest` are a comment or a literal.
fn inert_length(rest: &str) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return Some(block_comment_length(rest));
    }
    if rest.starts_with('"') {
        return Some(quoted_length(rest, '"'));
    }
    raw_string_length(rest).or_else(|| character_length(rest))
}

fn block_comment_length(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

fn quoted_length(rest: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, symbol) in rest.char_indices().skip(1) {
        match symbol {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            _ if symbol == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

fn raw_string_length(rest: &str) -> Option<usize> {
    let inner = rest.strip_prefix('r')?;
    let hashes = "#".repeat(inner.len() - inner.trim_start_matches('#').len());
    let inner = inner[hashes.len()..].strip_prefix('"')?;
    let close = format!("\"{hashes}");
    inner.find(&close).map(|at| rest.len() - inner.len() + at + close.len())
}

/// A character's length; a lifetime (`'a`) is none.
fn character_length(rest: &str) -> Option<usize> {
    let inner = rest.strip_prefix('\'')?;
    if inner.starts_with('\\') {
        return Some(quoted_length(rest, '\''));
    }
    let symbol = inner.chars().next()?;
    inner[symbol.len_utf8()..].starts_with('\'').then_some(symbol.len_utf8() + 2)
}
