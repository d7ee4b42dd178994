//! What a git server is asked and answers, in bytes: protocol version 2, and version 0 where a server speaks no other.
//!
//! Three questions are enough: what does the ref point to, give me that commit without its history, give me these files.

use anyhow::{Context, Result, anyhow, bail, ensure};
use gix_hash::ObjectId;

const AGENT: &str = concat!("agent=baseload/", env!("CARGO_PKG_VERSION"));

/// The longest line that a server may write.
const LINE_LIMIT: usize = 65_520;

/// What a server can do, as far as it matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Version 2.
    Two {
        /// Whether it sends a tree without its files.
        filter: bool,
    },
    /// Version 0: it tells all its refs at once.
    Zero {
        /// Whether it sends a commit without its history.
        shallow: bool,
        /// Every ref with what it points to.
        refs: Vec<(String, ObjectId)>,
    },
}

/// Which objects are wanted.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wanted<'a> {
    /// This commit with its trees, without its history; its files too where the server cannot leave them out.
    Commit(ObjectId),
    /// These files.
    Files(&'a [ObjectId]),
}

enum Line<'b> {
    Text(&'b [u8]),
    Flush,
    Delimiter,
}

/// Reads what the server says of itself.
///
/// # Errors
/// That it is no git server, or refuses.
pub(super) fn dialect(greeting: &[u8]) -> Result<Dialect> {
    let lines: Vec<_> = texts(greeting)?.into_iter().filter(|line| !line.starts_with("# service=")).collect();
    let first = lines.first().context("the server has nothing to say")?;
    if first == "version 2" {
        let has = |key: &str, what: &str| {
            let values = lines.iter().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
            values.is_some_and(|values| values.split(' ').any(|value| value == what))
        };
        ensure!(lines.iter().all(|line| !line.starts_with("object-format=") || line == "object-format=sha1"), SHA256);
        return Ok(Dialect::Two { filter: has("fetch", "filter") });
    }
    let (_, capabilities) = first.split_once('\0').context("this is no git server's answer")?;
    let can = |what: &str| capabilities.split(' ').any(|capability| capability == what);
    ensure!(!can("object-format=sha256"), SHA256);
    ensure!(can("side-band-64k"), "the server is too old: it lacks side-band-64k");
    let refs = lines.iter().filter_map(|line| reference(line.split('\0').next()?)).collect();
    Ok(Dialect::Zero { shallow: can("shallow"), refs })
}

const SHA256: &str = "the repository's hashes are SHA-256, which are not understood: SHA-1 repositories are";

/// Asks what refs of these names point to (version 2).
pub(super) fn ls_refs(names: &[String]) -> Vec<u8> {
    let mut request = line("command=ls-refs");
    request.extend([line(AGENT), line("object-format=sha1")].concat());
    request.extend(b"0001");
    names.iter().for_each(|name| request.extend(line(&format!("ref-prefix {name}"))));
    request.extend(b"0000");
    request
}

/// Reads the answer to [`ls_refs`].
///
/// # Errors
/// That the answer is none.
pub(super) fn refs(answer: &[u8]) -> Result<Vec<(String, ObjectId)>> {
    Ok(texts(answer)?.iter().filter_map(|line| reference(line)).collect())
}

/// Asks for objects.
pub(super) fn fetch(dialect: &Dialect, wanted: Wanted<'_>) -> Vec<u8> {
    let ids = match &wanted {
        Wanted::Commit(id) => std::slice::from_ref(id),
        Wanted::Files(ids) => ids,
    };
    let wants = ids.iter().map(|id| format!("want {id}"));
    let is_commit = matches!(wanted, Wanted::Commit(_));
    let mut request = Vec::new();
    match dialect {
        Dialect::Two { filter } => {
            request.extend([line("command=fetch"), line(AGENT), line("object-format=sha1")].concat());
            request.extend(b"0001");
            request.extend([line("ofs-delta"), line("no-progress")].concat());
            wants.for_each(|want| request.extend(line(&want)));
            if is_commit {
                request.extend(line("deepen 1"));
            }
            if is_commit && *filter {
                request.extend(line("filter blob:none"));
            }
            request.extend([line("done"), b"0000".to_vec()].concat());
        }
        Dialect::Zero { shallow, .. } => {
            let capabilities = format!(" side-band-64k ofs-delta no-progress {AGENT}");
            let mut after_first = if *shallow { format!("{capabilities} shallow") } else { capabilities };
            wants.for_each(|want| request.extend(line(&(want + &std::mem::take(&mut after_first)))));
            if *shallow && is_commit {
                request.extend(line("deepen 1"));
            }
            request.extend([b"0000".to_vec(), line("done")].concat());
        }
    }
    request
}

/// How many flushes end the answer to [`fetch`].
pub(super) fn flushes(dialect: &Dialect) -> usize {
    match dialect {
        Dialect::Two { .. } | Dialect::Zero { shallow: false, .. } => 1,
        Dialect::Zero { shallow: true, .. } => 2,
    }
}

/// Takes the pack out of the answer to [`fetch`].
///
/// # Errors
/// What the server says against it.
pub(super) fn pack(answer: &[u8]) -> Result<Vec<u8>> {
    let mut pack = Vec::new();
    for text in lines(answer)? {
        match text {
            Line::Text([1, data @ ..]) => pack.extend_from_slice(data),
            Line::Text([3, message @ ..]) => return Err(refusal(message)),
            Line::Text(text) => complain(text)?, // progress, or which section begins
            Line::Flush | Line::Delimiter => {}
        }
    }
    ensure!(!pack.is_empty(), "the server sent no pack");
    Ok(pack)
}

/// The length of a line by its first four bytes; `None` for those that are nothing but their four bytes.
///
/// # Errors
/// That this is no git server.
pub(super) fn length(head: &[u8]) -> Result<Option<usize>> {
    let digits = std::str::from_utf8(head).ok().filter(|head| head.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let length = digits.and_then(|digits| usize::from_str_radix(digits, 16).ok());
    match length.context("this is no git server's answer")? {
        0..=2 => Ok(None),
        length @ 4..=LINE_LIMIT => Ok(Some(length)),
        _ => bail!("this is no git server's answer"),
    }
}

fn lines(mut bytes: &[u8]) -> Result<Vec<Line<'_>>> {
    let mut lines = Vec::new();
    while !bytes.is_empty() {
        let head = bytes.get(..4).context("the server's answer is cut off")?;
        let length = length(head)?;
        lines.push(match (length, head) {
            (Some(length), _) => Line::Text(bytes.get(4..length).context("the server's answer is cut off")?),
            (None, b"0000") => Line::Flush,
            (None, _) => Line::Delimiter,
        });
        bytes = &bytes[length.unwrap_or(4)..];
    }
    Ok(lines)
}

/// All lines of text, without their ends.
fn texts(bytes: &[u8]) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    for line in lines(bytes)? {
        if let Line::Text(text) = line {
            complain(text)?;
            let text = String::from_utf8_lossy(text);
            texts.push(text.trim_end_matches('\n').to_owned());
        }
    }
    Ok(texts)
}

fn complain(text: &[u8]) -> Result<()> {
    text.strip_prefix(b"ERR ").map_or(Ok(()), |message| Err(refusal(message)))
}

/// What another machine says, in one short line that a terminal can take.
fn refusal(message: &[u8]) -> anyhow::Error {
    anyhow!("the server says: {}", printable(message))
}

/// One short line of another's text.
pub(super) fn printable(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let line = text.trim().lines().next_back().unwrap_or_default();
    line.chars().filter(|c| !c.is_control()).take(200).collect()
}

fn reference(line: &str) -> Option<(String, ObjectId)> {
    let (id, name) = line.split_once(' ')?;
    let name = name.split(' ').next()?; // attributes may follow
    Some((name.to_owned(), ObjectId::from_hex(id.as_bytes()).ok()?))
}

fn line(text: &str) -> Vec<u8> {
    format!("{:04x}{text}\n", text.len() + 5).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d";

    #[test]
    fn version_two_tells_what_it_can() {
        let greeting = |fetch: &str| [line("version 2"), line("ls-refs"), line(fetch), b"0000".to_vec()].concat();
        assert_eq!(dialect(&greeting("fetch=shallow filter")).unwrap(), Dialect::Two { filter: true });
        assert_eq!(dialect(&greeting("fetch=shallow")).unwrap(), Dialect::Two { filter: false });
    }

    #[test]
    fn version_zero_tells_its_refs() {
        let first = format!("{ID} HEAD\0side-band-64k shallow object-format=sha1");
        let greeting = [line("# service=git-upload-pack"), b"0000".to_vec(), line(&first), b"0000".to_vec()].concat();
        let refs = vec![("HEAD".to_owned(), ObjectId::from_hex(ID.as_bytes()).unwrap())];
        assert_eq!(dialect(&greeting).unwrap(), Dialect::Zero { shallow: true, refs });
    }

    #[test]
    fn a_pack_is_put_together_from_its_pieces() {
        let mut answer = [line("packfile"), b"0007\x01PA".to_vec(), b"0007\x01CK".to_vec()].concat();
        answer.extend(b"0000");
        assert_eq!(pack(&answer).unwrap(), b"PACK");
    }

    #[test]
    fn f58_what_a_server_says_against_it_is_one_line_without_control_characters() {
        let refusal = pack(&line("ERR no\u{1b}[2J such repository")).unwrap_err().to_string();
        assert_eq!(refusal, "the server says: no[2J such repository");
    }

    #[test]
    fn f58_what_is_no_git_server_is_told_so() {
        for answer in [&b""[..], b"<html>", b"0003", b"ffffx", b"0008ab", b"zz"] {
            assert!(dialect(answer).is_err(), "{answer:?}");
        }
    }
}
