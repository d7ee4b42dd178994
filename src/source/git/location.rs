//! A repository's address: `git+https://[USER@]HOST[:PORT]/PATH.git?ref=BRANCH&path=FOLDER`, and with `ssh` or `file`.

use anyhow::{Context, Result, bail, ensure};

/// What follows `--schedules` for a repository, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Location {
    pub(super) transport: Transport,
    /// A branch, tag, full ref name or commit; `HEAD` where none is named.
    pub(super) reference: String,
    /// The folder, or the one file, within the repository; empty for all of it.
    pub(super) path: String,
    /// What people call the repository: host and path, without user and secrets.
    pub(super) name: String,
}

/// How the repository is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    /// Smart HTTP. The URL has no user and no query.
    Http {
        /// `https://HOST[:PORT]/PATH`
        url: String,
        /// Who the token belongs to, where the server cares.
        user: Option<String>,
        /// Whether a token may be sent: never in clear text over a network.
        takes_token: bool,
    },
    /// A session of the `ssh` program.
    Ssh {
        /// `[USER@]HOST`
        host: String,
        port: Option<u16>,
        path: String,
    },
    /// A repository on this machine, read in place.
    File { path: String },
}

impl Location {
    /// Takes a URL apart.
    ///
    /// # Errors
    /// Says what is wrong with it, and never repeats it: it may hold a password.
    pub(super) fn parse(url: &str) -> Result<Location> {
        let (scheme, rest) = url.split_once("://").context("a repository is named by a URL")?;
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        ensure!(!url.contains('#'), "a repository's URL has no `#`: write ?ref=BRANCH&path=FOLDER");
        let (reference, path) = parse_query(query)?;
        let (transport, name) = match scheme {
            "git+https" | "git+http" => http(&scheme["git+".len()..], place)?,
            "git+ssh" => ssh(place)?,
            "git+file" => {
                ensure!(!place.is_empty(), "git+file:// is followed by the path of a repository");
                (Transport::File { path: place.to_owned() }, place.trim_end_matches('/').to_owned())
            }
            other => bail!("{other}:// is no transport of git: git+https, git+ssh and git+file are"),
        };
        Ok(Location { transport, reference, path, name })
    }
}

fn parse_query(query: &str) -> Result<(String, String)> {
    let (mut reference, mut path) = ("HEAD".to_owned(), String::new());
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("ref", value)) => reference = decode(value)?,
            Some(("path", value)) => path = decode(value)?,
            _ => bail!("a repository's URL takes ?ref=BRANCH and &path=FOLDER, and nothing else"),
        }
    }
    let is_name = !reference.is_empty() && !reference.starts_with('-') && !reference.contains(is_odd);
    ensure!(is_name, "ref={reference:?} is no name of a branch, tag or commit");
    let path = path.trim_matches('/').trim_start_matches("./").to_owned();
    let is_plain = path.is_empty() || path == "." || path.split('/').all(|part| !matches!(part, "" | "." | ".."));
    ensure!(is_plain, "path={path:?} is no folder within a repository");
    Ok((reference, if path == "." { String::new() } else { path }))
}

/// What no ref's name may have: it would mean something else on git's wire.
fn is_odd(c: char) -> bool {
    c.is_control() || c.is_whitespace() || "~^:?*[\\".contains(c)
}

/// Turns `%2F` and its like into what they stand for.
fn decode(text: &str) -> Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let (byte, after) = match (first, tail) {
            (b'%', [high, low, after @ ..]) => {
                let pair = std::str::from_utf8(&[*high, *low]).ok().and_then(|hex| u8::from_str_radix(hex, 16).ok());
                (pair.context("a `%` in a URL is followed by two hexadecimal digits")?, after)
            }
            (b'%', _) => bail!("a `%` in a URL is followed by two hexadecimal digits"),
            (byte, tail) => (*byte, tail),
        };
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8(bytes).context("a URL is UTF-8")
}

/// User, host with port, and path.
fn authority(place: &str) -> Result<(Option<&str>, &str, &str)> {
    let slash = place.find('/').unwrap_or(place.len());
    let (authority, path) = place.split_at(slash);
    let (user, host) = authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
    ensure!(
        !user.is_some_and(|user| user.contains(':')),
        "a repository's URL has no password: give a token in BASELOAD_GIT_TOKEN or BASELOAD_GIT_TOKEN_FILE"
    );
    let is_host = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
    ensure!(!host.is_empty() && !host.starts_with('-') && host.chars().all(is_host), "{host:?} is no host");
    ensure!(path.len() > 1 && !path.contains(char::is_control), "the repository's path on {host} is missing");
    ensure!(!user.is_some_and(|user| user.starts_with('-') || user.contains(is_odd)), "a user has an odd name");
    Ok((user.filter(|user| !user.is_empty()), host, path.trim_end_matches('/')))
}

fn http(scheme: &str, place: &str) -> Result<(Transport, String)> {
    let (user, host, path) = authority(place)?;
    let (host_alone, _) = split_port(host)?;
    let is_loopback = matches!(host_alone, "localhost" | "127.0.0.1" | "[::1]");
    let transport = Transport::Http {
        url: format!("{scheme}://{host}{path}"),
        user: user.map(decode).transpose()?,
        takes_token: scheme == "https" || is_loopback,
    };
    Ok((transport, format!("{host}{path}")))
}

fn ssh(place: &str) -> Result<(Transport, String)> {
    let (user, host, path) = authority(place)?;
    let (host_alone, port) = split_port(host)?;
    let name = format!("{host}{path}");
    let host = user.map_or(host_alone.to_owned(), |user| format!("{user}@{host_alone}"));
    // `/~user/…` is relative to a home; ssh servers take it without the slash.
    let path = path.strip_prefix('/').filter(|path| path.starts_with('~')).unwrap_or(path).to_owned();
    Ok((Transport::Ssh { host, port, path }, name))
}

fn split_port(host: &str) -> Result<(&str, Option<u16>)> {
    match host.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => {
            Ok((host, Some(port.parse().with_context(|| format!("{port:?} is no port"))?)))
        }
        _ => Ok((host, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Location {
        Location::parse(url).unwrap()
    }

    fn refusal(url: &str) -> String {
        format!("{:#}", Location::parse(url).expect_err("the URL is refused"))
    }

    #[test]
    fn a_url_says_where_and_what() {
        let location = parse("git+https://git.example.com:8443/shop/schedules.git?ref=release%2F1&path=prod/");
        assert_eq!((location.reference.as_str(), location.path.as_str()), ("release/1", "prod"));
        assert_eq!(location.name, "git.example.com:8443/shop/schedules.git");
        let url = "https://git.example.com:8443/shop/schedules.git".to_owned();
        assert_eq!(location.transport, Transport::Http { url, user: None, takes_token: true });
    }

    #[test]
    fn without_a_query_it_is_all_of_the_default_branch() {
        let location = parse("git+ssh://git@example.com:2222/shop.git");
        assert_eq!((location.reference.as_str(), location.path.as_str()), ("HEAD", ""));
        let (host, path) = ("git@example.com".to_owned(), "/shop.git".to_owned());
        assert_eq!(location.transport, Transport::Ssh { host, port: Some(2222), path });
        assert_eq!(parse("git+file://.?path=.").transport, Transport::File { path: ".".to_owned() });
    }

    #[test]
    fn a_password_is_refused_and_not_repeated() {
        let refusal = refusal("git+https://me:hunter2@example.com/a.git");
        assert!(refusal.contains("BASELOAD_GIT_TOKEN"), "{refusal}");
        assert!(!refusal.contains("hunter2"), "{refusal}");
    }

    #[test]
    fn a_token_goes_over_tls_or_stays_on_this_machine() {
        let takes_token = |url| match parse(url).transport {
            Transport::Http { takes_token, .. } => takes_token,
            other => panic!("{other:?} is not HTTP"),
        };
        assert!(takes_token("git+https://example.com/a.git"));
        assert!(takes_token("git+http://127.0.0.1:8000/a.git"));
        assert!(!takes_token("git+http://example.com/a.git"));
    }

    #[test]
    fn f58_nothing_becomes_an_option_of_another_program_or_leaves_the_repository() {
        for url in [
            "git+ssh://-oProxyCommand=evil/a.git",
            "git+ssh://-l@example.com/a.git",
            "git+https://example.com/a.git?ref=--upload-pack",
            "git+https://example.com/a.git?ref=a%0Ab",
            "git+https://example.com/a.git?path=../b",
            "git+https://example.com/a.git?branch=main",
            "git+https://example.com",
            "git+ftp://example.com/a.git",
        ] {
            assert!(Location::parse(url).is_err(), "{url}");
        }
    }
}
