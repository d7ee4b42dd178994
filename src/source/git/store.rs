//! Objects by their id: those that came over the wire, or those of a repository on this machine.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, ensure};
use gix_hash::{ObjectId, oid};
use gix_object::{Find as _, Kind};
use gix_ref::file::ReferenceExt as _;

use super::pack::Objects;
use crate::source::{SOURCE_LIMIT, TooLarge};

const SHA1: gix_hash::Kind = gix_hash::Kind::Sha1;

/// Where objects are looked up.
pub(super) enum Store {
    Fetched(Objects),
    Local(Box<gix_odb::Handle>),
}

impl Store {
    /// The object of this id, if there is one.
    ///
    /// # Errors
    /// That the repository cannot be read, or that the object is larger than a source may be.
    pub(super) fn find(&self, id: &oid) -> Result<Option<(Kind, Vec<u8>)>> {
        match self {
            Store::Fetched(objects) => Ok(objects.find(id).map(|(kind, content)| (kind, content.to_vec()))),
            Store::Local(repository) => {
                let unreadable = |error| anyhow!("object {id} cannot be read: {error}");
                let header = gix_odb::Header::try_header(repository.as_ref(), id).map_err(unreadable)?;
                let Some(header) = header else { return Ok(None) };
                ensure!(header.size() <= SOURCE_LIMIT, TooLarge("a file there is larger than 16 MiB"));
                let mut content = Vec::new();
                let found = repository.try_find(id, &mut content).map_err(unreadable)?;
                Ok(found.map(|data| data.kind).map(|kind| (kind, content)))
            }
        }
    }
}

/// A repository on this machine, bare or not, linked worktrees included.
pub(super) struct Local {
    refs: gix_ref::file::Store,
    pub(super) objects: Store,
}

impl Local {
    /// Opens the repository at this path, or the one that the path lies in.
    ///
    /// # Errors
    /// That there is none.
    pub(super) fn open(path: &str) -> Result<Local> {
        let start = fs::canonicalize(path).with_context(|| format!("cannot find {path}"))?;
        let git_dir = start.ancestors().find_map(git_dir);
        let git_dir = git_dir.with_context(|| format!("there is no git repository at {path}"))?;
        let common = match fs::read_to_string(git_dir.join("commondir")) {
            Ok(written) => git_dir.join(written.trim_end()),
            Err(_) => git_dir.clone(),
        };
        let objects = gix_odb::at(common.join("objects"), SHA1)
            .with_context(|| format!("cannot read the git repository at {path}"))?;
        let refs = gix_ref::file::Store::for_linked_worktree(git_dir, common, SHA1);
        Ok(Local { refs, objects: Store::Local(Box::new(objects)) })
    }

    /// What a ref points to; a branch goes before what else has its name.
    ///
    /// # Errors
    /// That there is no such ref.
    pub(super) fn resolve(&self, reference: &str) -> Result<ObjectId> {
        let Store::Local(objects) = &self.objects else { unreachable!("a local repository has its own objects") };
        for name in [format!("refs/heads/{reference}"), reference.to_owned()] {
            let found = self.refs.try_find(name.as_str()).map_err(|error| anyhow!("{error}"))?;
            if let Some(mut found) = found {
                return found.peel_to_id(&self.refs, objects.as_ref()).map_err(|error| anyhow!("{error}"));
            }
        }
        Err(super::no_such_ref(reference))
    }
}

/// The folder that holds the repository's own files, if this one has or is it.
fn git_dir(folder: &Path) -> Option<PathBuf> {
    let is_repository = |dir: &Path| dir.join("HEAD").is_file() && dir.join("refs").is_dir();
    let inner = folder.join(".git");
    if let Ok(link) = fs::read_to_string(&inner) {
        return Some(folder.join(link.strip_prefix("gitdir:")?.trim()));
    }
    let is_bare = || is_repository(folder) && folder.join("objects").is_dir();
    if is_repository(&inner) { Some(inner) } else { is_bare().then(|| folder.to_owned()) }
}
