//! Schedules from git over a real ssh and a real sshd, on loopback.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::account::Account;
use crate::baseload::{Ending, baseload_in};
use crate::controller::Controller;
use crate::folder::constant;
use crate::repository::Repository;
use crate::wait::until;

const WWW: &str = "shop/www";

/// Where Debian, Fedora and macOS keep it: it is nobody's to run from a shell.
const SSHD: &str = "/usr/sbin/sshd";

/// An ssh server for one test's repository: each connection has an sshd of its own, so that there is none to stop.
struct SshServer {
    port: u16,
    repository: Repository,
}

impl SshServer {
    /// Serves a repository to the key in `key`, as a server that offers version 2 of git's protocol or not. `None`, and a
    /// word on standard error: there is no sshd here.
    fn start(repository: Repository, protocols: &str) -> Option<Self> {
        if !Path::new(SSHD).exists() {
            let told = "\nSKIPPED: a test over ssh, because there is no sshd: run `make test` as root, or install it\n";
            std::io::stderr().write_all(told.as_bytes()).expect("standard error can be written");
            return None;
        }
        for key in ["host_key", "key", "strange_key"] {
            keygen(&repository.folder.path().join(key));
        }
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let port = listener.local_addr().expect("a listener has an address").port();
        let server = SshServer { port, repository };
        server.configure(protocols);
        let configuration = server.path("sshd_config");
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let copy = stream.try_clone().expect("a socket can be shared");
                let mut sshd = Command::new(SSHD);
                sshd.arg("-i").arg("-f").arg(&configuration).stderr(Stdio::null());
                sshd.stdin(OwnedFd::from(stream)).stdout(OwnedFd::from(copy));
                let mut sshd = sshd.spawn().expect("sshd can be started");
                std::thread::spawn(move || sshd.wait());
            }
        });
        Some(server)
    }

    fn configure(&self, protocols: &str) {
        let _only_root_needs_it = fs::create_dir_all("/run/sshd");
        let public = |key: &str| fs::read_to_string(self.path(key).with_extension("pub")).expect("keygen wrote it");
        self.repository.folder.write("authorized_keys", public("key"));
        let known = |key: &str| format!("[127.0.0.1]:{} {}", self.port, public(key));
        self.repository.folder.write("known_hosts", known("host_key"));
        self.repository.folder.write("mistaken_hosts", known("strange_key"));
        let configuration = format!(
            "HostKey {}\nAuthorizedKeysFile {}\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n\
             KbdInteractiveAuthentication no\nPidFile none\nSetEnv PATH={}\n{protocols}\n",
            self.path("host_key").display(),
            self.path("authorized_keys").display(),
            path(),
        );
        self.repository.folder.write("sshd_config", configuration);
    }

    fn path(&self, name: &str) -> PathBuf {
        self.repository.folder.path().join(name)
    }

    fn source(&self) -> String {
        let folder = self.repository.folder.arg();
        format!("git+ssh://{}@127.0.0.1:{}{folder}/repo.git?ref=main&path=schedules", user(), self.port)
    }

    fn validate(&self, key: &str, hosts: &str) -> Ending {
        let (key, hosts) = (self.path(key), self.path(hosts));
        let variables = environment(&key, &hosts);
        let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        baseload_in(&["validate", &self.source()], &variables)
    }
}

fn environment(key: &Path, hosts: &Path) -> [(&'static str, String); 3] {
    [
        ("PATH", path()),
        ("BASELOAD_GIT_SSH_KEY_FILE", key.display().to_string()),
        ("BASELOAD_GIT_SSH_KNOWN_HOSTS_FILE", hosts.display().to_string()),
    ]
}

fn path() -> String {
    std::env::var("PATH").expect("tests run in an environment")
}

fn user() -> String {
    let told = Command::new("id").arg("-un").output().expect("there is an id command");
    String::from_utf8(told.stdout).expect("users have UTF-8 names").trim().to_owned()
}

fn keygen(at: &Path) {
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(at).status();
    assert!(made.expect("ssh-keygen comes with ssh").success());
}

fn floor(min: u32) -> String {
    constant(&[WWW], min)
}

#[test]
fn a_repository_behind_sshd_is_read_by_a_key_whatever_version_it_speaks() {
    for protocols in ["AcceptEnv GIT_PROTOCOL", ""] {
        let Some(server) = SshServer::start(Repository::with(&floor(3)), protocols) else { return };
        assert_eq!(server.validate("key", "known_hosts").expect(0).stdout, "ok: 1 schedule, 1 target\n", "{protocols}");
    }
}

#[test]
fn f59_a_strange_key_or_host_is_a_failure_that_is_told_in_sshs_words() {
    let Some(server) = SshServer::start(Repository::with(&floor(3)), "") else { return };
    let stranger = server.validate("strange_key", "known_hosts").expect(1);
    assert!(stranger.stderr.contains("Permission denied"), "{stranger:?}");
    let mistaken = server.validate("key", "mistaken_hosts").expect(1);
    assert!(mistaken.stderr.contains("Host key verification failed"), "{mistaken:?}");
}

#[test]
fn f57_a_push_and_a_lost_branch_are_seen_over_ssh() {
    let Some(server) = SshServer::start(Repository::with(&floor(3)), "AcceptEnv GIT_PROTOCOL") else { return };
    let account = Account::with(&[WWW]);
    let secrets = environment(&server.path("key"), &server.path("known_hosts"));
    let secrets = secrets.each_ref().map(|(name, value)| (*name, value.as_str()));
    let environment = [&account.environment()[..], &secrets].concat();
    let controller = Controller::start_on(&environment, &server.source(), &["--poll", "1s", "--resync", "2s"]);
    until("AWS has the floor", || account.bounds(WWW) == Some((3, 10)));
    server.repository.commit("schedules/all.yaml", &floor(4));
    until("AWS has the new floor", || account.bounds(WWW) == Some((4, 10)));
    server.repository.push(":main");
    let error = || controller.status()["configuration"]["lastError"].clone();
    until("the branch is missed", || error().as_str().is_some_and(|error| error.contains("no branch or tag `main`")));
    assert_eq!(account.bounds(WWW), Some((4, 10)));
}
