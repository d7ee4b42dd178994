//! A Prometheus that nobody here wrote, over one controller, and its tool.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::folder::Folder;
use crate::http;
use crate::support::root;

/// A running Prometheus that scrapes one controller twice a second and evaluates the project's rules. It is killed
/// when it is dropped.
pub(crate) struct Prometheus {
    address: String,
    child: Child,
    _data: Folder,
}

impl Prometheus {
    /// Starts it on the controller that serves at `target` (`HOST:PORT`), and returns once it listens.
    ///
    /// # Panics
    /// Where there is no Prometheus, saying how to get one.
    pub(crate) fn start(target: &str) -> Self {
        let rules = root().join("charts/baseload/rules");
        let configuration = format!(
            "global: {{ scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 500ms }}\n\
             rule_files: [\"{}/*.yaml\"]\n\
             scrape_configs: [{{ job_name: baseload, static_configs: [{{ targets: [\"{target}\"] }}] }}]\n",
            rules.display()
        );
        let data = Folder::with("prometheus.yml", configuration);
        let mut child = Command::new(program("prometheus"))
            .arg(format!("--config.file={}", data.path().join("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", data.path().join("data").display()))
            .arg("--web.listen-address=127.0.0.1:0")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the Prometheus that was found can be run");
        let mut lines = BufReader::new(child.stderr.take().expect("standard error is piped")).lines();
        let address = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let (_, rest) = line.split_once("msg=\"Listening on\" address=")?;
            Some(rest.split_whitespace().next()?.to_owned())
        });
        std::thread::spawn(move || lines.for_each(drop)); // a full pipe would hold it up
        Prometheus { address: address.expect("Prometheus says where it listens"), child, _data: data }
    }

    /// What a path of its API answers, or `None` while it is not ready.
    pub(crate) fn get(&self, path: &str) -> Option<Value> {
        let answer = http::ask(&self.address, "GET", path, "", "").ok()?;
        let value: Value = serde_json::from_str(&answer.body).ok()?;
        assert!(answer.code == 503 || value["status"] == "success", "{path}: {value}");
        Some(value["data"].clone())
    }

    /// What an expression yields now.
    pub(crate) fn query(&self, expression: &str) -> Vec<Value> {
        self.results(&format!("/api/v1/query?query={}", encoded(expression)))
    }

    /// What an expression yields over the last five seconds.
    pub(crate) fn query_range(&self, expression: &str) -> Vec<Value> {
        let now = self.query("vector(time())").first().and_then(|sample| sample["value"][0].as_f64());
        let Some(now) = now else { return Vec::new() };
        let (from, expression) = (now - 5.0, encoded(expression));
        self.results(&format!("/api/v1/query_range?query={expression}&start={from}&end={now}&step=1"))
    }

    fn results(&self, path: &str) -> Vec<Value> {
        let data = self.get(path).unwrap_or_default();
        data["result"].as_array().cloned().unwrap_or_default()
    }

    /// The values of a label among the series that a selector names.
    pub(crate) fn label_values(&self, selector: &str, label: &str) -> Vec<Value> {
        let values = self.get(&format!("/api/v1/label/{label}/values?match[]={}", encoded(selector)));
        values.unwrap_or_default().as_array().cloned().unwrap_or_default()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _already_gone = self.child.kill();
        let _already_gone = self.child.wait();
    }
}

/// Runs `promtool` with this on its standard input, and returns whether it was content and all that it said.
pub(crate) fn promtool(args: &[&str], input: &str) -> (bool, String) {
    let mut child = Command::new(program("promtool"))
        .args(args)
        .current_dir(root())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the promtool that was found can be run");
    child.stdin.take().expect("standard input is piped").write_all(input.as_bytes()).expect("promtool reads its input");
    let output = child.wait_with_output().expect("promtool ends");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

/// A program of Debian's package `prometheus`: from the search path, or where the Makefile unpacks it.
fn program(name: &str) -> PathBuf {
    let unpacked = root().join("target/tools/prometheus/usr/bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found =
        std::env::split_paths(&path).chain([unpacked]).map(|folder| folder.join(name)).find(|file| file.is_file());
    found.unwrap_or_else(|| panic!("there is no {name}: run `make test`, which gets it"))
}

/// Everything but letters and digits as the query of an address has it.
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}
