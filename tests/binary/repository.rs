//! A git repository of one test's own, made by git itself, and a server for it.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use crate::folder::Folder;
use crate::support::{python, root};

/// A work tree, and the bare repository `repo.git` beside it that everything is pushed to.
pub(crate) struct Repository {
    pub(crate) folder: Folder,
}

impl Repository {
    /// A repository whose branch `main` has one commit with this as `schedules/all.yaml`.
    pub(crate) fn with(content: &str) -> Self {
        let repository = Repository { folder: Folder::new() };
        fs::create_dir(repository.folder.path().join("work")).expect("the folder is new");
        repository.git(&["init", "--quiet", "--initial-branch=main", "."]);
        repository.git(&["init", "--quiet", "--bare", "--initial-branch=main", "../repo.git"]);
        repository.git(&["--git-dir=../repo.git", "config", "receive.denyDeleteCurrent", "ignore"]);
        repository.git(&["remote", "add", "origin", "../repo.git"]);
        repository.commit("schedules/all.yaml", content);
        repository
    }

    /// Writes a file, commits and pushes it, and returns the commit.
    pub(crate) fn commit(&self, path: &str, content: &str) -> String {
        self.commit_here(path, content);
        self.push("HEAD:main");
        self.git(&["rev-parse", "HEAD"])
    }

    /// Writes a file and commits it, in the work tree alone.
    pub(crate) fn commit_here(&self, path: &str, content: &str) {
        let file = self.folder.path().join("work").join(path);
        fs::create_dir_all(file.parent().expect("a file is in a folder")).expect("a folder can be made");
        fs::write(file, content).expect("a file can be written");
        self.git(&["add", "."]);
        self.git(&["commit", "--quiet", "--message", path]);
    }

    /// Pushes by force.
    pub(crate) fn push(&self, refspec: &str) {
        self.git(&["push", "--quiet", "--force", "origin", refspec]);
    }

    /// A commit of these entries, one a line as `git mktree` takes them, on `main` of `repo.git`.
    pub(crate) fn plant(&self, entries: &str) {
        let tree = self.git_with(&["mktree", "--missing"], entries.as_bytes());
        self.plant_tree(&tree);
    }

    /// A commit of this tree, on `main` of `repo.git`.
    pub(crate) fn plant_tree(&self, tree: &str) {
        let commit = self.git(&["commit-tree", "-m", "planted", tree]);
        let objects = "--git-dir=../repo.git";
        fs::write(self.folder.path().join("repo.git/objects/info/alternates"), self.objects()).expect("it is writable");
        self.git(&[objects, "update-ref", "refs/heads/main", &commit]);
    }

    /// Stores an object without a look at what is in it.
    pub(crate) fn object(&self, kind: &str, content: &[u8]) -> String {
        self.git_with(&["hash-object", "-t", kind, "-w", "--literally", "--stdin"], content)
    }

    pub(crate) fn git(&self, args: &[&str]) -> String {
        self.git_with(args, b"")
    }

    fn git_with(&self, args: &[&str], input: &[u8]) -> String {
        let mut command = Command::new("git");
        command.args(args).current_dir(self.folder.path().join("work"));
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        for role in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{role}_NAME"), "test").env(format!("GIT_{role}_EMAIL"), "test@example.com");
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("git is installed, for the tests only");
        child.stdin.take().expect("standard input is piped").write_all(input).expect("git reads it");
        let output = child.wait_with_output().expect("git ends");
        assert!(output.status.success(), "git {args:?} (its reason stands above)");
        String::from_utf8(output.stdout).expect("git prints UTF-8").trim().to_owned()
    }

    fn objects(&self) -> String {
        self.folder.path().join("work/.git/objects\n").display().to_string()
    }
}

/// A git server on loopback for a repository. It ends when it is dropped.
pub(crate) struct GitServer {
    address: String,
    child: Child,
}

impl GitServer {
    /// Serves a repository over HTTP.
    pub(crate) fn start(repository: &Repository) -> Self {
        GitServer::start_with(repository, &[])
    }

    /// Serves a repository over HTTPS, by the certificate in `certificate.pem`.
    pub(crate) fn start_tls(repository: &Repository) -> Self {
        GitServer::start_with(repository, &["tls"])
    }

    fn start_with(repository: &Repository, more: &[&str]) -> Self {
        let mut command = Command::new(python());
        command.arg(root().join("tests/support/git_server.py")).arg(repository.folder.path()).args(more);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the Python that was found can be run");
        let mut port = String::new();
        let stdout = child.stdout.take().expect("standard output is piped");
        BufReader::new(stdout).read_line(&mut port).expect("standard output can be read");
        assert!(!port.trim().is_empty(), "the git server did not start (its reason stands above)");
        GitServer { address: format!("127.0.0.1:{}", port.trim()), child }
    }

    /// The schedules as a source; `how` is what the server is to do, see there.
    pub(crate) fn source(&self, scheme: &str, how: &str) -> String {
        format!("git+{scheme}://{}/{how}/repo.git?ref=main&path=schedules", self.address)
    }
}

impl Drop for GitServer {
    fn drop(&mut self) {
        let _already_gone = self.child.kill();
        let _already_gone = self.child.wait();
    }
}

/// What was asked of a repository's servers so far, a line each.
pub(crate) fn requests(repository: &Repository) -> Vec<String> {
    let log = fs::read_to_string(repository.folder.path().join("requests.log")).unwrap_or_default();
    log.lines().map(str::to_owned).collect()
}
