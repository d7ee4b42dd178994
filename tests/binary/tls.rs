//! TLS in front of an AWS, with certificates that are good or bad: `tests/support/tls_front.py`, run for one test.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};

use tempfile::TempDir;

use crate::support::{python, root};

/// A running front. It ends when it is dropped.
pub(crate) struct TlsFront {
    address: String,
    folder: TempDir,
    child: Child,
    orders: ChildStdin,
}

impl TlsFront {
    /// A front of `upstream` (`HOST:PORT`) with a good certificate.
    pub(crate) fn of(upstream: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let mut command = Command::new(python());
        command.arg(root().join("tests/support/tls_front.py")).arg(folder.path()).arg(upstream);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the Python that was found can be run");
        let orders = child.stdin.take().expect("standard input is piped");
        let mut port = String::new();
        let stdout = child.stdout.take().expect("standard output is piped");
        BufReader::new(stdout).read_line(&mut port).expect("standard output can be read");
        assert!(!port.trim().is_empty(), "the front did not start (its reason stands above)");
        TlsFront { address: format!("127.0.0.1:{}", port.trim()), folder, child, orders }
    }

    /// Says how clients are met from now on, see there.
    pub(crate) fn meet(&mut self, how: &str) {
        writeln!(self.orders, "{how}").expect("the front listens");
    }

    /// What sends any AWS client there, with sound credentials and the right authority to trust.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL", format!("https://{}", self.address)),
            ("AWS_REGION", "eu-west-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "test".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
            ("SSL_CERT_FILE", self.folder.path().join("authority.pem").display().to_string()),
        ]
    }
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        let _already_gone = self.child.kill();
        let _already_gone = self.child.wait();
    }
}
