//! The last good revision, kept in a folder across restarts: a remote source is down exactly when a task is replaced.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::PathBuf;

use anyhow::{Context, Result};
use baseload_core::spec::Tree;
use serde::{Deserialize, Serialize};

/// The most bytes that are read back: a source has at most 16 MiB, and JSON writes some characters as six.
const LIMIT: u64 = 100 << 20;

/// A folder that outlives the process.
#[derive(Debug)]
pub(super) struct State {
    folder: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    digest: String,
    /// What people look the revision up by.
    id: String,
    files: BTreeMap<String, String>,
}

impl State {
    /// The state in this folder, which need not be there yet.
    pub(super) fn new(folder: PathBuf) -> Self {
        State { folder }
    }

    /// Replaces what is kept, at once or not at all.
    ///
    /// # Errors
    /// Why nothing can be kept; what was kept before stays.
    pub(super) fn keep(&self, id: &str, tree: &Tree) -> Result<()> {
        let text = |content: &Vec<u8>| String::from_utf8_lossy(content).into_owned();
        let files = tree.files.iter().map(|(path, content)| (path.to_string(), text(content))).collect();
        let kept =
            serde_json::to_vec(&Kept { digest: tree.digest(), id: id.to_owned(), files }).context("text is JSON")?;
        let (draft, place) = (self.folder.join(".revision.json"), self.folder.join("revision.json"));
        let write = || {
            fs::create_dir_all(&self.folder)?;
            let mut file = File::create(&draft)?;
            file.write_all(&kept)?;
            file.sync_all()?;
            fs::rename(&draft, &place)
        };
        write().with_context(|| format!("cannot keep the revision in {}", self.folder.display()))
    }

    /// What was kept, and what people look it up by, unless it is missing or damaged.
    pub(super) fn last(&self) -> Option<(String, Tree)> {
        let mut text = Vec::new();
        File::open(self.folder.join("revision.json")).ok()?.take(LIMIT).read_to_end(&mut text).ok()?;
        let kept: Kept = serde_json::from_slice(&text).ok()?;
        let files = kept.files.into_iter().map(|(path, content)| (path.into(), content.into_bytes())).collect();
        let tree = Tree { files };
        (tree.digest() == kept.digest).then_some((kept.id, tree))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(content: &str) -> Tree {
        Tree { files: [("a.yaml".into(), content.as_bytes().to_vec())].into() }
    }

    #[test]
    fn what_is_kept_comes_back_and_is_replaced_whole() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::new(folder.path().join("new"));
        assert_eq!(state.last(), None);
        for content in ["one: ü", "two"] {
            state.keep(content, &tree(content)).unwrap();
            assert_eq!(state.last(), Some((content.to_owned(), tree(content))));
        }
    }

    #[test]
    fn what_is_damaged_or_cannot_be_kept_is_no_revision() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::new(folder.path().to_owned());
        state.keep("1a2b", &tree("min: 1")).unwrap();
        let place = folder.path().join("revision.json");
        let written = fs::read_to_string(&place).unwrap();
        for damaged in [written.replace("min: 1", "min: 9"), written[..20].to_owned(), String::new()] {
            fs::write(&place, damaged).unwrap();
            assert_eq!(state.last(), None);
        }
        assert!(State::new("/dev/null/state".into()).keep("a", &tree("a")).is_err());
    }
}
