//! A folder, or one file, on this machine.
//!
//! What cannot be read is an error that names the path; a FIFO, a device or a link out of the source is refused before it
//! is opened.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};
use baseload_core::spec::Tree;

use super::{DEPTH_LIMIT, SOURCE_LIMIT, is_wanted};
use crate::clock;

/// A file that is being written is read again after this long, until two readings agree.
const SETTLE: Duration = Duration::from_millis(40);

/// Files that nobody wrote to for this long are not being written: one reading of them will do.
const REST: Duration = Duration::from_secs(2);

/// How many readings are tried before the source is said to be unstable.
const READINGS: usize = 50;

/// A path on this machine.
#[derive(Debug)]
pub(crate) struct Dir {
    root: PathBuf,
}

/// What the file system says of every file, without reading it: enough to see that nothing changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint(BTreeMap<PathBuf, (u64, Option<SystemTime>, u64)>);

impl Fingerprint {
    fn is_at_rest(&self) -> bool {
        let written = |modified: Option<SystemTime>| modified.and_then(clock::age);
        self.0.values().all(|(_, modified, _)| written(*modified).is_some_and(|age| age >= REST))
    }
}

impl Dir {
    /// The folder, or the one file, at this path.
    pub(super) fn new(root: PathBuf) -> Self {
        Dir { root }
    }

    /// Reads every file. Hidden files and folders are skipped, as is whatever is neither YAML nor ICS.
    ///
    /// # Errors
    /// Says which path cannot be read, and what to do where that is known.
    pub(super) fn read(&self) -> Result<Tree> {
        let mut files = BTreeMap::new();
        let mut budget = SOURCE_LIMIT;
        for path in self.paths()?.into_keys() {
            let bytes = read_bounded(&path, budget).with_context(|| format!("cannot read {}", path.display()))?;
            budget -= bytes.len() as u64;
            files.insert(Arc::from(path.to_string_lossy().as_ref()), bytes);
        }
        Ok(Tree { files })
    }

    /// Reads until two readings agree, for files that may be written at this moment; once, where nobody wrote to them
    /// lately.
    ///
    /// # Errors
    /// As [`Dir::read`]; also that the files keep changing.
    pub(super) fn read_settled(&self) -> Result<(Fingerprint, Tree)> {
        let mut before: Option<(Fingerprint, Tree)> = None;
        for _ in 0..READINGS {
            let read = (self.fingerprint()?, self.read()?);
            let is_at_rest = read.0.is_at_rest() && self.fingerprint()? == read.0;
            if is_at_rest || before.as_ref() == Some(&read) {
                return Ok(read);
            }
            before = Some(read);
            std::thread::sleep(SETTLE);
        }
        bail!("{}: the files keep changing while they are read", self.root.display());
    }

    /// Looks at the files without reading them.
    ///
    /// # Errors
    /// As [`Dir::read`].
    pub(super) fn fingerprint(&self) -> Result<Fingerprint> {
        let paths = self.paths()?;
        Ok(Fingerprint(paths.into_iter().map(|(path, meta)| (path, stamp(&meta))).collect()))
    }

    fn paths(&self) -> Result<BTreeMap<PathBuf, Metadata>> {
        let (root, mut found) = (&self.root, BTreeMap::new());
        let meta = fs::metadata(root).with_context(|| missing(root))?;
        let canonical = fs::canonicalize(root).with_context(|| missing(root))?;
        if meta.is_dir() {
            walk(root, &canonical, DEPTH_LIMIT, &mut found)?;
        } else {
            let kept = refuse_special(root, &meta)?;
            found.insert(root.clone(), kept.clone());
            add_neighbouring_calendars(root, &mut found)?;
        }
        Ok(found)
    }
}

impl std::fmt::Display for Dir {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.root.display().fmt(f)
    }
}

fn missing(root: &Path) -> String {
    format!(
        "cannot read the schedules at {}: mount or create a folder of *.yaml files there, or name another with --schedules \
         (BASELOAD_SCHEDULES)",
        root.display()
    )
}

fn walk(folder: &Path, root: &Path, depth: usize, found: &mut BTreeMap<PathBuf, Metadata>) -> Result<()> {
    if depth == 0 {
        bail!("{}: folders nest more than {DEPTH_LIMIT} deep here; is there a loop of links?", folder.display());
    }
    let entries = fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    for entry in entries {
        let path = entry.with_context(|| format!("cannot list {}", folder.display()))?.path();
        if is_hidden(&path) {
            continue;
        }
        let meta = fs::metadata(&path).with_context(|| format!("cannot read {}", path.display()))?;
        if !meta.is_dir() && !is_wanted(&path.to_string_lossy()) {
            continue;
        }
        refuse_escape(&path, root)?;
        if meta.is_dir() {
            walk(&path, root, depth - 1, found)?;
        } else {
            refuse_special(&path, &meta)?;
            found.insert(path, meta);
        }
    }
    Ok(())
}

/// A single file may name calendars beside it.
fn add_neighbouring_calendars(file: &Path, found: &mut BTreeMap<PathBuf, Metadata>) -> Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let entries = fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    for entry in entries.flatten() {
        let beside = file.with_file_name(entry.file_name());
        if let Ok(meta) = fs::metadata(&beside)
            && meta.is_file()
            && !is_hidden(&beside)
            && beside.extension().is_some_and(|extension| extension == "ics")
        {
            found.insert(beside, meta);
        }
    }
    Ok(())
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))
}

fn refuse_special<'a>(path: &Path, meta: &'a Metadata) -> Result<&'a Metadata> {
    if !meta.is_file() {
        bail!("{} is neither a file nor a folder", path.display());
    }
    Ok(meta)
}

/// Links may point about inside the source (Kubernetes and git-sync swap revisions by links), never out of it.
fn refuse_escape(path: &Path, root: &Path) -> Result<()> {
    let real = fs::canonicalize(path).with_context(|| format!("cannot follow {}", path.display()))?;
    if !real.starts_with(root) {
        bail!("{} leads out of the source, to {}", path.display(), real.display());
    }
    Ok(())
}

fn read_bounded(path: &Path, budget: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(budget + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > budget {
        return Err(io::Error::other(format!("the source holds more than {} MiB", SOURCE_LIMIT >> 20)));
    }
    Ok(bytes)
}

#[cfg(unix)]
fn stamp(meta: &Metadata) -> (u64, Option<SystemTime>, u64) {
    use std::os::unix::fs::MetadataExt;
    (meta.len(), meta.modified().ok(), meta.ino())
}

#[cfg(not(unix))]
fn stamp(meta: &Metadata) -> (u64, Option<SystemTime>, u64) {
    (meta.len(), meta.modified().ok(), 0)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use tempfile::TempDir;

    use super::*;

    #[test]
    fn only_files_that_nobody_wrote_to_lately_are_at_rest() {
        let folder = folder(&["web.yaml"]);
        let source = Dir::new(folder.path().to_owned());
        let just_written = source.fingerprint().unwrap();
        assert!(!just_written.is_at_rest());
        let stamped = |by: i64| {
            let stamp = |modified: SystemTime| match by {
                ..0 => modified - Duration::from_secs(by.unsigned_abs()),
                _ => modified + Duration::from_secs(by.unsigned_abs()),
            };
            let moved = |(len, modified, ino): (u64, Option<SystemTime>, u64)| (len, modified.map(stamp), ino);
            Fingerprint(just_written.0.clone().into_iter().map(|(path, entry)| (path, moved(entry))).collect())
        };
        assert!(stamped(-60).is_at_rest());
        assert!(!stamped(3600).is_at_rest(), "a stamp in the future says nothing");
    }

    fn folder(files: &[&str]) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, *file).unwrap();
        }
        folder
    }

    fn names(source: &Dir, root: &Path) -> Vec<String> {
        let prefix = format!("{}/", root.display());
        source.read().unwrap().files.into_keys().map(|path| path.replace(&prefix, "")).collect()
    }

    fn source(root: &Path) -> Dir {
        Dir::new(root.to_owned())
    }

    fn refusal(source: &Dir) -> String {
        format!("{:#}", source.read().expect_err("the source is refused"))
    }

    #[test]
    fn yaml_and_ics_are_read_and_hidden_files_are_not() {
        let folder = folder(&["a.yaml", "b/c.yml", "b/d.ics", ".hidden.yaml", ".git/e.yaml", "README.md"]);
        assert_eq!(names(&source(folder.path()), folder.path()), ["a.yaml", "b/c.yml", "b/d.ics"]);
    }

    #[test]
    fn a_single_file_brings_the_calendars_beside_it() {
        let folder = folder(&["a.yaml", "b.yaml", "d.ics"]);
        assert_eq!(names(&source(&folder.path().join("a.yaml")), folder.path()), ["a.yaml", "d.ics"]);
    }

    #[test]
    fn f48_a_swap_of_links_inside_the_source_is_followed_and_seen() {
        let folder = folder(&["..rev1/a.yaml", "..rev2/a.yaml"]);
        let at = |name: &str| folder.path().join(name);
        symlink("..rev1", at("..data")).unwrap();
        symlink("..data/a.yaml", at("a.yaml")).unwrap();
        let source = source(folder.path());
        let (before, print) = (source.read().unwrap(), source.fingerprint().unwrap());

        symlink("..rev2", at("..next")).unwrap();
        fs::rename(at("..next"), at("..data")).unwrap();
        assert_ne!(source.fingerprint().unwrap(), print);
        assert_ne!(source.read().unwrap(), before);
    }

    #[test]
    fn f48_a_link_out_of_the_source_is_refused() {
        let (folder, outside) = (folder(&["a.yaml"]), folder(&["secret.yaml"]));
        symlink(outside.path().join("secret.yaml"), folder.path().join("b.yaml")).unwrap();
        assert!(refusal(&source(folder.path())).contains("leads out of the source"));
    }

    #[test]
    fn f48_a_loop_of_links_is_refused() {
        let folder = folder(&["a/b.yaml"]);
        symlink("..", folder.path().join("a/up")).unwrap();
        assert!(refusal(&source(folder.path())).contains("nest more than"));
    }

    #[test]
    fn f49_a_fifo_is_refused_and_never_blocks() {
        let folder = folder(&["a.yaml"]);
        let made = std::process::Command::new("mkfifo").arg(folder.path().join("b.yaml")).status().unwrap();
        assert!(made.success());
        assert!(refusal(&source(folder.path())).contains("neither a file nor a folder"));
    }

    #[test]
    fn f49_a_device_is_refused_and_never_read() {
        assert!(refusal(&source(Path::new("/dev/zero"))).contains("neither a file nor a folder"));
    }

    #[test]
    fn f36_a_missing_folder_says_what_to_mount() {
        let refusal = refusal(&source(Path::new("/nonexistent/schedules")));
        assert!(refusal.contains("mount or create a folder of *.yaml files"), "{refusal}");
    }

    #[test]
    fn f40_more_than_the_limit_is_refused_without_reading_it_all() {
        let folder = folder(&["a.yaml"]);
        fs::File::create(folder.path().join("big.yaml")).unwrap().set_len(SOURCE_LIMIT * 8).unwrap();
        assert!(refusal(&source(folder.path())).contains("more than 16 MiB"));
    }
}
