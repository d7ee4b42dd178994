//! A running controller, and what can be asked of it and done to it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use crate::account::Account;
use crate::baseload::command;
use crate::folder::Folder;
use crate::http::{self, Answer};
use crate::wait::{eventually, until};

/// A `baseload run` of one test. It is killed when it is dropped.
pub(crate) struct Controller {
    /// Where it serves, as `HOST:PORT`.
    pub(crate) address: String,
    child: Child,
    log: Log,
}

type Log = Arc<Mutex<Vec<String>>>;

impl Controller {
    /// Starts a controller of `account` that looks every two seconds, and returns once it serves.
    pub(crate) fn start(account: &Account, folder: &Folder, more: &[&str]) -> Self {
        Controller::start_in(&account.environment(), folder, &[&["--resync", "2s"], more].concat())
    }

    /// Starts a controller with this environment.
    pub(crate) fn start_in(environment: &[(&str, &str)], folder: &Folder, more: &[&str]) -> Self {
        Controller::start_on(environment, folder.arg(), more)
    }

    /// Starts a controller with this environment, whose schedules come from this source.
    pub(crate) fn start_on(environment: &[(&str, &str)], source: &str, more: &[&str]) -> Self {
        let (mut child, log) = spawn(environment, source, &[&["--listen", "127.0.0.1:0"], more].concat());
        let address = eventually("the log says where the controller serves", || {
            let ended = child.try_wait().expect("the controller is a child of this process");
            assert_eq!(ended, None, "the controller ended: {:#?}", lock(&log));
            lock(&log).iter().find_map(|line| address_after(line, "status and metrics on http://"))
        });
        Controller { address, child, log }
    }

    /// `http://HOST:PORT`.
    pub(crate) fn server(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        http::ask(&self.address, "GET", path, "", "").expect("the controller answers")
    }

    pub(crate) fn reload(&self) -> Answer {
        http::ask(&self.address, "POST", "/-/reload", "", "").expect("the controller answers")
    }

    pub(crate) fn status(&self) -> Value {
        let answer = self.get("/api/v1/status");
        assert_eq!(answer.code, 200, "{answer:?}");
        serde_json::from_str(&answer.body).expect("the status is JSON")
    }

    /// One condition of the first target, as `True`, `False` or `Unknown`.
    pub(crate) fn condition(&self, kind: &str) -> String {
        let status = self.status();
        let conditions = status["targets"][0]["conditions"].as_array().cloned().unwrap_or_default();
        let of_kind = conditions.iter().find(|condition| condition["type"] == kind);
        of_kind.and_then(|condition| condition["status"].as_str()).unwrap_or_default().to_owned()
    }

    /// The value of a metric, named with its labels as the text format writes them.
    pub(crate) fn metric(&self, name: &str) -> Option<f64> {
        let text = self.get("/metrics").body;
        text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
    }

    /// Waits until everything was asked once.
    pub(crate) fn wait_ready(&self) {
        until("the controller is ready", || self.get("/readyz").code == 200);
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The most memory that it ever took.
    pub(crate) fn peak_mib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs, on Linux");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
        peak.and_then(|kib| kib.trim().parse::<u64>().ok()).expect("Linux tells the peak") / 1024
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", name, &pid]).status().expect("there is a kill command");
        assert!(status.success(), "kill -s {name}");
    }

    /// Waits for the end, and returns the exit code; `None` where a signal was the end.
    pub(crate) fn wait(mut self) -> Option<i32> {
        eventually("the controller ends", || self.child.try_wait().expect("it is a child of this process")).code()
    }

    /// Waits for a line of the log that has all these words. What it tells of may be over before the line is read.
    pub(crate) fn wait_log(&self, words: &[&str]) {
        until(&format!("the log says {words:?}"), || {
            self.log().iter().any(|line| words.iter().all(|word| line.contains(word)))
        });
    }

    /// Every line of the log that was read so far; see [`Controller::wait_log`] for what must be there.
    pub(crate) fn log(&self) -> Vec<String> {
        lock(&self.log).clone()
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        let _already_gone = self.child.kill();
        let _already_gone = self.child.wait();
    }
}

fn spawn(environment: &[(&str, &str)], source: &str, more: &[&str]) -> (Child, Log) {
    let args = [&["run", "--schedules", source], more].concat();
    let mut command = command(&args);
    command.envs(environment.iter().copied()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary can be started");
    let stderr = child.stderr.take().expect("standard error is piped");
    let log = Log::default();
    let lines = Arc::clone(&log);
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            lock(&lines).push(line);
        }
    });
    (child, log)
}

/// The `HOST:PORT` that follows these words.
pub(crate) fn address_after(line: &str, words: &str) -> Option<String> {
    let (_, rest) = line.split_once(words)?;
    let end = rest.find(|c: char| c != '.' && c != ':' && !c.is_ascii_digit()).unwrap_or(rest.len());
    Some(rest[..end].to_owned())
}

fn lock(log: &Mutex<Vec<String>>) -> std::sync::MutexGuard<'_, Vec<String>> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}
