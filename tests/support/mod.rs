//! moto, as the AWS that nobody here wrote: started on loopback for one test, gone with it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A running moto. Each has its own state, and ends when it is dropped.
pub(crate) struct Moto {
    /// Where it listens, as `http://127.0.0.1:PORT`.
    pub(crate) endpoint: String,
    child: Child,
}

impl Moto {
    /// Starts moto on a free port, and returns once it listens.
    ///
    /// # Panics
    /// Where Python or moto is not installed, saying how to install them.
    pub(crate) fn start() -> Self {
        let script = root().join("tests/support/moto_server.py");
        let mut child = Command::new(python())
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the Python that was found can be run");
        let stdout = child.stdout.take().expect("standard output is piped");
        let mut port = String::new();
        BufReader::new(stdout).read_line(&mut port).expect("standard output can be read");
        assert!(!port.trim().is_empty(), "moto did not start (its reason stands above): run `make test`");
        Moto { endpoint: format!("http://127.0.0.1:{}", port.trim()), child }
    }

    /// Runs a script on this moto, see [`boto3`].
    ///
    /// # Panics
    /// Where the script fails.
    pub(crate) fn python(&self, script: &str) -> String {
        boto3(&self.endpoint, script)
    }
}

/// Runs Python with `ecs` and `scaling`, boto3's clients of the AWS at `endpoint`, in scope, and returns what it printed.
///
/// # Panics
/// Where the script fails.
pub(crate) fn boto3(endpoint: &str, script: &str) -> String {
    const CLIENTS: &str = "import boto3\n\
        ecs, scaling = boto3.client('ecs'), boto3.client('application-autoscaling')\n";
    let environment = [
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_DEFAULT_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ];
    let output = Command::new(python())
        .args(["-c", &format!("{CLIENTS}{script}")])
        .envs(environment)
        .stderr(Stdio::inherit())
        .output()
        .expect("the Python that was found can be run");
    assert!(output.status.success(), "the script failed (its reason stands above)");
    String::from_utf8(output.stdout).expect("the script prints UTF-8")
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _already_gone = self.child.kill();
        let _already_gone = self.child.wait();
    }
}

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// `BASELOAD_PYTHON`, or the virtual environment that the Makefile prepares.
pub(crate) fn python() -> PathBuf {
    let named = std::env::var_os("BASELOAD_PYTHON").map(PathBuf::from);
    let python = named.unwrap_or_else(|| root().join(".venv/bin/python"));
    assert!(python.exists(), "{} is not there: run `make test`, which prepares it", python.display());
    python
}
