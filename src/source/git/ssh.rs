//! A git server over ssh, by a session of the `ssh` program.

use std::io::ErrorKind;
use std::process::Stdio;

use anyhow::{Context, Result, anyhow, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

use super::pack::{PACK_LIMIT, TOO_LARGE};
use super::{secret, wire};

/// A session; it ends when it is dropped.
pub(super) struct Ssh {
    to: ChildStdin,
    from: ChildStdout,
    complaints: ChildStderr,
    _session: Child,
}

impl Ssh {
    /// Begins a session with the repository at `path`.
    ///
    /// # Errors
    /// That there is no `ssh` program.
    pub(super) fn open(host: &str, port: Option<u16>, path: &str) -> Result<Ssh> {
        let mut command = Command::new("ssh");
        command.args(["-T", "-oBatchMode=yes", "-oConnectTimeout=10", "-oSendEnv=GIT_PROTOCOL"]);
        if let Some(key) = secret::file("BASELOAD_GIT_SSH_KEY_FILE") {
            command.arg("-oIdentitiesOnly=yes").arg("-i").arg(key);
        }
        if let Some(known) = secret::file("BASELOAD_GIT_SSH_KNOWN_HOSTS_FILE") {
            let known = known.into_os_string().into_string().map_err(|_| anyhow!("the file's name is no UTF-8"))?;
            command.arg(format!("-oUserKnownHostsFile={known}"));
        }
        if let Some(port) = port {
            command.arg("-p").arg(port.to_string());
        }
        let quoted = path.replace('\'', r"'\''"); // for the shell at the other end
        command.arg("--").arg(host).arg(format!("git-upload-pack '{quoted}'"));
        command.env("GIT_PROTOCOL", "version=2").env_remove("BASELOAD_GIT_TOKEN");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut session = command.spawn().map_err(|error| match error.kind() {
            ErrorKind::NotFound => anyhow!(
                "git+ssh:// needs the `ssh` program, which is not here (it is not in the container image either): use \
                 git+https:// with a token"
            ),
            _ => anyhow!("ssh cannot be started: {error}"),
        })?;
        let (to, from, complaints) = (session.stdin.take(), session.stdout.take(), session.stderr.take());
        let piped = to.zip(from).zip(complaints);
        let ((to, from), complaints) = piped.context("all three streams were asked for")?;
        Ok(Ssh { to, from, complaints, _session: session })
    }

    /// Reads what the server says until it has flushed so many times.
    ///
    /// # Errors
    /// That the session ended, with its reason where it gave one.
    pub(super) async fn answer(&mut self, flushes: usize) -> Result<Vec<u8>> {
        let (mut answer, mut flushed) = (Vec::new(), 0);
        while flushed < flushes {
            let mut head = [0; 4];
            if self.from.read_exact(&mut head).await.is_err() {
                return self.broken_off(answer).await;
            }
            let length = wire::length(&head)?;
            answer.extend(head);
            flushed += usize::from(&head == b"0000");
            ensure!(answer.len() + length.unwrap_or(0) <= PACK_LIMIT, TOO_LARGE);
            let start = answer.len();
            answer.resize(start + length.map_or(0, |length| length - 4), 0);
            if self.from.read_exact(&mut answer[start..]).await.is_err() {
                return self.broken_off(answer).await;
            }
        }
        Ok(answer)
    }

    /// Sends a request of git's.
    ///
    /// # Errors
    /// That the session ended.
    pub(super) async fn ask(&mut self, request: &[u8], flushes: usize) -> Result<Vec<u8>> {
        self.to.write_all(request).await.context("the ssh session ended")?;
        self.to.flush().await.context("the ssh session ended")?;
        self.answer(flushes).await
    }

    /// A server that refuses says so in its last line, ssh in its errors.
    async fn broken_off(&mut self, answer: Vec<u8>) -> Result<Vec<u8>> {
        if !answer.is_empty() {
            return Ok(answer);
        }
        let mut complaints = Vec::new();
        let read = (&mut self.complaints).take(4096).read_to_end(&mut complaints).await;
        read.context("the ssh session ended")?;
        Err(anyhow!("the ssh session ended: {}", wire::printable(&complaints)))
    }
}
