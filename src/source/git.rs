//! A git repository, read by this process itself: no git program, no checkout, nothing on disk.
//!
//! Looking costs one question (what does the ref point to?); reading fetches that one commit without its history, without
//! its other files where the server allows. Everything is bounded: bytes, objects, names, time.

mod http;
mod location;
mod pack;
mod secret;
mod ssh;
mod store;
mod tree;
mod wire;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, anyhow};
use baseload_core::spec::Tree;
use gix_hash::ObjectId;

use self::http::Http;
use self::location::{Location, Transport};
use self::pack::Objects;
use self::ssh::Ssh;
use self::store::{Local, Store};
use self::wire::{Dialect, Wanted};
use super::{SOURCE_LIMIT, Trouble, patience};

/// A ref, a tag or a commit of a repository, and a folder in it.
#[derive(Debug)]
pub(crate) struct Git {
    location: Location,
    memory: Mutex<Memory>,
}

/// What is remembered from one look to the next.
#[derive(Debug, Default)]
struct Memory {
    /// What the server speaks, where it can be asked without a greeting.
    dialect: Option<Dialect>,
    /// The commit that was read last, and its first parent.
    last: Option<(ObjectId, Option<ObjectId>)>,
}

/// What a ref pointed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Commit(ObjectId);

impl fmt::Display for Commit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Git {
    /// As it was written, without a user.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Location { transport, reference, path, name } = &self.location;
        let scheme = match transport {
            Transport::Http { url, .. } => url.split(':').next().unwrap_or_default(),
            Transport::Ssh { .. } => "ssh",
            Transport::File { .. } => "file",
        };
        write!(f, "git+{scheme}://{name}?ref={reference}")?;
        if path.is_empty() { Ok(()) } else { write!(f, "&path={path}") }
    }
}

impl Git {
    /// The repository that a URL names.
    ///
    /// # Errors
    /// What is wrong with the URL.
    pub(super) fn parse(url: &str) -> Result<Git> {
        Ok(Git { location: Location::parse(url)?, memory: Mutex::default() })
    }

    /// What the ref points to now.
    ///
    /// # Errors
    /// That the repository cannot be asked, or has no such ref.
    pub(super) fn head(&self) -> Result<Commit, Trouble> {
        let reference = &self.location.reference;
        if reference.len() == gix_hash::Kind::Sha1.len_in_hex()
            && let Ok(id) = ObjectId::from_hex(reference.as_bytes())
        {
            return Ok(Commit(id));
        }
        let head = match &self.location.transport {
            Transport::File { path } => Local::open(path).and_then(|local| local.resolve(reference)),
            Transport::Http { .. } | Transport::Ssh { .. } => self.converse(async |talk| talk.head(reference).await),
        };
        Ok(Commit(head.with_context(|| format!("cannot look at {self}"))?))
    }

    /// The files of a commit that [`Git::head`] or [`Git::parent`] gave.
    ///
    /// # Errors
    /// That they cannot be had, or are no source of schedules.
    pub(super) fn read(&self, Commit(id): &Commit) -> Result<Tree, Trouble> {
        let store = match &self.location.transport {
            Transport::File { path } => Local::open(path).map(|local| local.objects),
            Transport::Http { .. } | Transport::Ssh { .. } => {
                self.converse(async |talk| talk.fetch(*id, &self.location.path).await).map(Store::Fetched)
            }
        };
        let tree = store.map_err(Trouble::from).and_then(|store| self.tree(&store, *id));
        tree.map_err(|trouble| trouble.context(format!("cannot read {self}")))
    }

    /// What the branch was before a commit: its first parent.
    ///
    /// # Errors
    /// That the commit cannot be had.
    pub(super) fn parent(&self, Commit(id): &Commit) -> Result<Option<Commit>, Trouble> {
        let known = |git: &Git| git.memory().last.filter(|(last, _)| last == id);
        if known(self).is_none() {
            self.read(&Commit(*id))?;
        }
        Ok(known(self).and_then(|(_, parent)| parent).map(Commit))
    }

    fn tree(&self, store: &Store, id: ObjectId) -> Result<Tree, Trouble> {
        let commit = tree::commit(store, id)?;
        self.memory().last = Some((id, commit.parent));
        let mut files = BTreeMap::new();
        let mut budget = SOURCE_LIMIT;
        for file in tree::files(store, &commit, &self.location.path)? {
            let found = store.find(&file.id)?;
            let (_, content) = found.with_context(|| format!("the repository lacks {}", file.path))?;
            let left = budget.checked_sub(content.len() as u64);
            budget = left.ok_or_else(|| Trouble::Bad(anyhow!("it holds more than {} MiB", SOURCE_LIMIT >> 20)))?;
            files.insert(
                Arc::from(format!("{}@{}/{}", self.location.name, commit.id.to_hex_with_len(7), file.path)),
                content,
            );
        }
        Ok(Tree { files })
    }

    fn memory(&self) -> std::sync::MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Talks to the server, which is remembered for what it speaks.
    fn converse<T: Send>(&self, about: impl AsyncFnOnce(&mut Talk) -> Result<T> + Send) -> Result<T> {
        let known = self.memory().dialect.take();
        let (answer, dialect) = patience::converse(async || {
            let mut talk = Talk { connection: Connection::open(&self.location)?, dialect: known };
            let answer = about(&mut talk).await?;
            Ok((answer, talk.lasting_dialect()))
        })?;
        self.memory().dialect = dialect;
        Ok(answer)
    }
}

/// A way to a server.
enum Connection {
    Http(Http),
    Ssh(Box<Ssh>),
}

/// A conversation with a server.
struct Talk {
    connection: Connection,
    dialect: Option<Dialect>,
}

impl Connection {
    fn open(location: &Location) -> Result<Connection> {
        match &location.transport {
            Transport::Http { url, user, takes_token } => {
                Ok(Connection::Http(Http::new(url, user.as_deref(), *takes_token)?))
            }
            Transport::Ssh { host, port, path } => Ok(Connection::Ssh(Box::new(Ssh::open(host, *port, path)?))),
            Transport::File { .. } => unreachable!("a repository on this machine is read in place"),
        }
    }

    async fn greeting(&mut self) -> Result<Vec<u8>> {
        match self {
            Connection::Http(http) => http.greeting().await,
            Connection::Ssh(ssh) => ssh.answer(1).await,
        }
    }

    async fn ask(&mut self, request: Vec<u8>, flushes: usize) -> Result<Vec<u8>> {
        match self {
            Connection::Http(http) => http.ask(request).await,
            Connection::Ssh(ssh) => ssh.ask(&request, flushes).await,
        }
    }
}

impl Talk {
    async fn head(&mut self, reference: &str) -> Result<ObjectId> {
        let names = match reference {
            "HEAD" => vec![reference.to_owned()],
            full if full.starts_with("refs/") => vec![full.to_owned()],
            short => vec![format!("refs/heads/{short}"), format!("refs/tags/{short}")],
        };
        let refs = match self.dialect().await? {
            Dialect::Two { .. } => wire::refs(&self.connection.ask(wire::ls_refs(&names), 1).await?)?,
            Dialect::Zero { refs, .. } => refs,
        };
        let found = names.iter().find_map(|name| refs.iter().find(|(other, _)| other == name));
        found.map(|(_, id)| *id).ok_or_else(|| no_such_ref(reference))
    }

    async fn fetch(&mut self, id: ObjectId, path: &str) -> Result<Objects> {
        let dialect = self.dialect().await?;
        let mut objects = Objects::default();
        self.add(&mut objects, &dialect, Wanted::Commit(id)).await?;
        let missing = missing(&mut objects, id, path);
        if !missing.is_empty() {
            self.add(&mut objects, &dialect, Wanted::Files(&missing)).await?;
        }
        Ok(objects)
    }

    async fn add(&mut self, objects: &mut Objects, dialect: &Dialect, wanted: Wanted<'_>) -> Result<()> {
        let answer = self.connection.ask(wire::fetch(dialect, wanted), wire::flushes(dialect)).await?;
        objects.add(&wire::pack(&answer)?)
    }

    async fn dialect(&mut self) -> Result<Dialect> {
        if let Some(dialect) = &self.dialect {
            return Ok(dialect.clone());
        }
        let dialect = wire::dialect(&self.connection.greeting().await?)?;
        self.dialect = Some(dialect.clone());
        Ok(dialect)
    }

    /// What can be asked without a greeting the next time. A repository that moved is looked for anew.
    fn lasting_dialect(self) -> Option<Dialect> {
        let stays = matches!(self.connection, Connection::Http(Http { was_redirected: false, .. }));
        self.dialect.filter(|dialect| stays && matches!(dialect, Dialect::Two { .. }))
    }
}

/// The files that a server left out. What else is wrong with the commit is said when it is read.
fn missing(objects: &mut Objects, id: ObjectId, path: &str) -> Vec<ObjectId> {
    let store = Store::Fetched(std::mem::take(objects));
    let files = tree::commit(&store, id).and_then(|commit| tree::files(&store, &commit, path)).unwrap_or_default();
    if let Store::Fetched(all) = store {
        *objects = all;
    }
    let mut missing: Vec<_> = files.iter().map(|file| file.id).filter(|id| objects.find(id).is_none()).collect();
    missing.sort_unstable();
    missing.dedup();
    missing
}

fn no_such_ref(reference: &str) -> anyhow::Error {
    anyhow!("there is no branch or tag `{reference}`")
}
