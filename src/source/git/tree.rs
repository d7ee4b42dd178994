//! From a commit to the schedule files in it: what is there by name, and its contents. Nothing is checked out.
//!
//! A tree is what somebody pushed. A name that would mean something to a file system is refused, as are links; folders
//! are counted on the way, so that a few trees that hold each other a thousand times over end early.

use std::fmt::Display;

use anyhow::{Context, anyhow};
use gix_hash::{ObjectId, oid};
use gix_object::tree::EntryKind;
use gix_object::{CommitRefIter, Kind, TagRefIter, TreeRefIter};

use super::store::Store;
use crate::source::{DEPTH_LIMIT, Trouble, is_wanted};

/// The most names that are looked at.
const NAMES_LIMIT: usize = 100_000;

const SHA1: gix_hash::Kind = gix_hash::Kind::Sha1;

/// A commit, as far as it matters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Commit {
    pub(super) id: ObjectId,
    pub(super) tree: ObjectId,
    /// The first: what the branch was before a merge.
    pub(super) parent: Option<ObjectId>,
}

/// A file in a tree, by its path from the repository's root.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct File {
    pub(super) path: String,
    pub(super) id: ObjectId,
}

/// The commit that an id stands for, through annotated tags.
///
/// # Errors
/// That it is no commit, or not there.
pub(super) fn commit(store: &Store, id: ObjectId) -> Result<Commit, Trouble> {
    let mut id = id;
    for _ in 0..DEPTH_LIMIT {
        let (kind, content) = store.object(&id)?;
        match kind {
            Kind::Commit => {
                let tree = CommitRefIter::from_bytes(&content, SHA1).tree_id().map_err(odd)?;
                let parent = CommitRefIter::from_bytes(&content, SHA1).parent_ids().next();
                return Ok(Commit { id, tree, parent });
            }
            Kind::Tag => id = TagRefIter::from_bytes(&content, SHA1).target_id().map_err(odd)?,
            Kind::Tree | Kind::Blob => break,
        }
    }
    Err(Trouble::Bad(anyhow!("{id} is no commit")))
}

/// Every file of a commit that belongs to a source: those in the folder, or the one file with the calendars beside it.
///
/// # Errors
/// What keeps the folder from being one of schedules.
pub(super) fn files(store: &Store, commit: &Commit, path: &str) -> Result<Vec<File>, Trouble> {
    let mut walk = Walk { store, names: 0, files: Vec::new() };
    let mut tree = commit.tree;
    let mut passed = String::new();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        let entry = walk.entries(&tree)?.into_iter().find(|entry| entry.name == part.as_bytes());
        let entry = entry.ok_or_else(|| Trouble::Bad(anyhow!("there is no `{path}` in commit {}", commit.id)))?;
        match entry.kind {
            EntryKind::Tree => tree = entry.id,
            EntryKind::Blob | EntryKind::BlobExecutable if join(&passed, part) == path => {
                walk.file_with_calendars(&tree, &passed, part)?;
                return Ok(walk.files);
            }
            _ => return Err(Trouble::Bad(anyhow!("`{}` is no folder", join(&passed, part)))),
        }
        passed = join(&passed, part);
    }
    walk.folder(&tree, &passed, DEPTH_LIMIT)?;
    Ok(walk.files)
}

struct Walk<'s> {
    store: &'s Store,
    names: usize,
    files: Vec<File>,
}

struct Entry {
    name: Vec<u8>,
    kind: EntryKind,
    id: ObjectId,
}

impl Walk<'_> {
    fn entries(&mut self, tree: &oid) -> Result<Vec<Entry>, Trouble> {
        let (kind, content) = self.store.object(tree)?;
        if kind != Kind::Tree {
            return Err(Trouble::Bad(anyhow!("{tree} is no tree")));
        }
        let entries: Result<Vec<_>, _> = TreeRefIter::from_bytes(&content, SHA1)
            .map(|entry| {
                entry.map(|entry| Entry {
                    name: entry.filename.to_vec(),
                    kind: entry.mode.kind(),
                    id: entry.oid.to_owned(),
                })
            })
            .collect();
        let entries = entries.map_err(odd)?;
        self.names += entries.len();
        if self.names > NAMES_LIMIT {
            return Err(Trouble::Bad(anyhow!("there are more than {NAMES_LIMIT} files: name a folder with &path=")));
        }
        Ok(entries)
    }

    fn folder(&mut self, tree: &oid, path: &str, depth: usize) -> Result<(), Trouble> {
        if depth == 0 {
            return Err(Trouble::Bad(anyhow!("{path}: folders nest more than {DEPTH_LIMIT} deep here")));
        }
        for Entry { name, kind, id } in self.entries(tree)? {
            let path = join(path, checked(&name, path)?);
            if name.starts_with(b".") {
                continue;
            }
            match kind {
                EntryKind::Tree => self.folder(&id, &path, depth - 1)?,
                EntryKind::Blob | EntryKind::BlobExecutable if is_wanted(&path) => self.files.push(File { path, id }),
                EntryKind::Link => {
                    return Err(Trouble::Bad(anyhow!("{path} is a symbolic link; put the file itself there")));
                }
                EntryKind::Blob | EntryKind::BlobExecutable | EntryKind::Commit => {} // a submodule is another source
            }
        }
        Ok(())
    }

    fn file_with_calendars(&mut self, tree: &oid, folder: &str, file: &str) -> Result<(), Trouble> {
        for Entry { name, kind, id } in self.entries(tree)? {
            let name = checked(&name, folder)?;
            let is_calendar = name.ends_with(".ics") && !name.starts_with('.');
            if (name == file || is_calendar) && matches!(kind, EntryKind::Blob | EntryKind::BlobExecutable) {
                self.files.push(File { path: join(folder, name), id });
            }
        }
        Ok(())
    }
}

/// A name that is nothing but a name, on any file system and on a terminal.
fn checked<'n>(name: &'n [u8], folder: &str) -> Result<&'n str, Trouble> {
    let refused = || {
        let shown = String::from_utf8_lossy(name).escape_debug().to_string();
        Trouble::Bad(anyhow!("`{folder}` holds a file with the name `{shown}`, which no file should have"))
    };
    let text = std::str::from_utf8(name).map_err(|_| refused())?;
    let is_plain =
        !matches!(text, "" | "." | "..") && !text.contains(|c: char| c.is_control() || c == '/' || c == '\\');
    is_plain.then_some(text).ok_or_else(refused)
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

fn odd(error: impl Display) -> Trouble {
    Trouble::Bad(anyhow!("the repository holds a damaged object: {error}"))
}

impl Store {
    fn object(&self, id: &oid) -> Result<(Kind, Vec<u8>), Trouble> {
        Ok(self.find(id)?.with_context(|| format!("the repository lacks object {id}"))?)
    }
}
