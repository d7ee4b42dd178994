//! Where schedules come from. A source yields whole trees of files, each with a version that says whether it changed.
//!
//! Nothing is judged here but whether the files may be read at all: `spec::load` says what is in them.

mod dir;
#[cfg(feature = "git")]
mod git;
#[cfg(any(feature = "git", feature = "s3"))]
mod patience;
#[cfg(feature = "s3")]
mod s3;

use std::fmt;

use anyhow::{Result, bail};
use baseload_core::spec::Tree;

use dir::{Dir, Fingerprint};
#[cfg(feature = "git")]
use git::{Commit, Git};
#[cfg(feature = "s3")]
use s3::{Bucket, Listing};

/// The most bytes that a source may hold.
const SOURCE_LIMIT: u64 = 16 << 20;

/// The deepest that folders may nest.
const DEPTH_LIMIT: usize = 16;

/// A place that schedules are read from.
#[derive(Debug)]
pub(crate) enum Source {
    /// A folder or file on this machine.
    Dir(Dir),
    /// A git repository.
    #[cfg(feature = "git")]
    Git(Git),
    /// A folder of a bucket.
    #[cfg(feature = "s3")]
    S3(Bucket),
}

/// Which state of a source was read: equal versions have equal files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// What the file system says of the files.
    Dir(Fingerprint),
    /// What the ref pointed to.
    #[cfg(feature = "git")]
    Git(Commit),
    /// What the bucket lists.
    #[cfg(feature = "s3")]
    S3(Listing),
}

/// Why a source yields no files.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// It could not be asked, or did not answer as it should; it may the next time.
    Unreachable(anyhow::Error),
    /// It was asked, and what it holds is no source of schedules.
    Bad(anyhow::Error),
}

impl Source {
    /// Reads what follows `--schedules`: a path, or a URL whose scheme says what is there.
    ///
    /// # Errors
    /// Says what the URL lacks or has too much. A password in it is refused and not repeated.
    pub(crate) fn parse(text: &str) -> Result<Source> {
        match text.split_once("://").map(|(scheme, _)| scheme) {
            #[cfg(feature = "git")]
            Some(scheme) if scheme.starts_with("git+") => Ok(Source::Git(Git::parse(text)?)),
            #[cfg(feature = "s3")]
            Some("s3") => Ok(Source::S3(Bucket::parse(text)?)),
            Some(scheme) => bail!("{scheme}:// is no source of schedules: a path{REMOTES} is"),
            None => Ok(Source::Dir(Dir::new(text.into()))),
        }
    }

    /// Whether it takes a network, or another's work, to look at it: then it is polled at leisure, and retried.
    pub(crate) fn is_remote(&self) -> bool {
        match self {
            Source::Dir(_) => false,
            #[cfg(feature = "git")]
            Source::Git(_) => true,
            #[cfg(feature = "s3")]
            Source::S3(_) => true,
        }
    }

    /// What is there now, without reading it.
    ///
    /// # Errors
    /// Why that cannot be said.
    pub(crate) fn version(&self) -> Result<Version, Trouble> {
        match self {
            Source::Dir(dir) => dir.fingerprint().map(Version::Dir).map_err(Trouble::Bad),
            #[cfg(feature = "git")]
            Source::Git(git) => git.head().map(Version::Git),
            #[cfg(feature = "s3")]
            Source::S3(bucket) => bucket.list().map(Version::S3),
        }
    }

    /// Reads the files of a version that this source gave; where only the newest can be read, the one that was.
    ///
    /// # Errors
    /// Why there are none.
    pub(crate) fn read(&self, version: &Version) -> Result<(Version, Tree), Trouble> {
        match (self, version) {
            (Source::Dir(dir), _) => {
                dir.read_settled().map(|(print, tree)| (Version::Dir(print), tree)).map_err(Trouble::Bad)
            }
            #[cfg(feature = "git")]
            (Source::Git(git), Version::Git(commit)) => git.read(commit).map(|tree| (version.clone(), tree)),
            #[cfg(feature = "s3")]
            (Source::S3(bucket), Version::S3(listing)) => bucket.read(listing).map(|tree| (version.clone(), tree)),
            #[cfg(any(feature = "git", feature = "s3"))]
            _ => unreachable!("a source is asked for its own versions only"),
        }
    }

    /// Reads the files as they are at this moment, for a look that is not repeated.
    ///
    /// # Errors
    /// Why there are none.
    pub(crate) fn read_now(&self) -> Result<Tree, Trouble> {
        match self {
            Source::Dir(dir) => dir.read().map_err(Trouble::Bad),
            #[cfg(feature = "git")]
            Source::Git(git) => git.read(&git.head()?),
            #[cfg(feature = "s3")]
            Source::S3(bucket) => bucket.read(&bucket.list()?),
        }
    }

    /// The version before this one, where the source has a history.
    ///
    /// # Errors
    /// Why that cannot be said.
    pub(crate) fn before(&self, version: &Version) -> Result<Option<Version>, Trouble> {
        match (self, version) {
            #[cfg(feature = "git")]
            (Source::Git(git), Version::Git(commit)) => Ok(git.parent(commit)?.map(Version::Git)),
            _ => Ok(None),
        }
    }
}

/// What may be named beside a path.
const REMOTES: &str = match (cfg!(feature = "git"), cfg!(feature = "s3")) {
    (true, true) => {
        ", git+https://HOST/PATH.git?ref=BRANCH&path=FOLDER, git+ssh://…, git+file://… or s3://BUCKET/PREFIX"
    }
    (true, false) => ", git+https://HOST/PATH.git?ref=BRANCH&path=FOLDER, git+ssh://… or git+file://…",
    (false, true) => " or s3://BUCKET/PREFIX",
    (false, false) => "",
};

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Dir(dir) => dir.fmt(f),
            #[cfg(feature = "git")]
            Source::Git(git) => git.fmt(f),
            #[cfg(feature = "s3")]
            Source::S3(bucket) => bucket.fmt(f),
        }
    }
}

impl Version {
    /// What a person would look it up by, where it has a name beside its files.
    pub(crate) fn commit(&self) -> Option<String> {
        match self {
            Version::Dir(_) => None,
            #[cfg(feature = "git")]
            Version::Git(commit) => Some(commit.to_string()),
            #[cfg(feature = "s3")]
            Version::S3(_) => None,
        }
    }
}

impl From<anyhow::Error> for Trouble {
    /// What is not called bad may be better the next time.
    fn from(error: anyhow::Error) -> Self {
        if error.is::<TooLarge>() { Trouble::Bad(error) } else { Trouble::Unreachable(error) }
    }
}

/// A source holds more than memory is meant for, and will until someone takes something out.
#[derive(Clone, Copy, Debug)]
struct TooLarge(&'static str);

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for TooLarge {}

impl Trouble {
    /// The same, with what was being done.
    #[cfg(feature = "git")]
    fn context(self, doing: String) -> Self {
        match self {
            Trouble::Unreachable(error) => Trouble::Unreachable(error.context(doing)),
            Trouble::Bad(error) => Trouble::Bad(error.context(doing)),
        }
    }
}

/// Whether a file belongs to a source, by its name.
fn is_wanted(path: &str) -> bool {
    [".yaml", ".yml", ".ics"].iter().any(|ending| path.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scheme_that_is_not_known_is_no_path() {
        assert!(matches!(Source::parse("./schedules"), Ok(Source::Dir(_))));
        let refusal = Source::parse("ftp://example.com/schedules").expect_err("no such source").to_string();
        assert!(refusal.starts_with("ftp:// is no source of schedules"), "{refusal}");
    }
}
