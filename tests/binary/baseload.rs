//! The binary, started with nothing of this machine's environment but what a test names.

use std::process::Command;
use std::time::Duration;

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ending {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ending {
    /// What stands on stdout, which must be one JSON value and nothing else.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Passes itself on where the exit code is the one.
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }
}

/// Runs `baseload` to its end.
pub(crate) fn baseload(args: &[&str]) -> Ending {
    baseload_in(args, &[])
}

/// Runs `baseload` to its end with these variables set.
pub(crate) fn baseload_in(args: &[&str], variables: &[(&str, &str)]) -> Ending {
    let mut command = assert_cmd::Command::from_std(command(args));
    command.envs(variables.iter().copied()).timeout(Duration::from_secs(60));
    let output = command.output().expect("the binary can be started");
    let text = |bytes| String::from_utf8(bytes).expect("baseload prints UTF-8");
    let code = output.status.code().unwrap_or_else(|| panic!("no exit code of {args:?}: {output:?}"));
    Ending { code, stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// `baseload` with these arguments, from the root of the project.
pub(crate) fn command(args: &[&str]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("baseload"));
    command.args(args).env_clear().current_dir(env!("CARGO_MANIFEST_DIR"));
    command.env("AWS_EC2_METADATA_DISABLED", "true");
    command
}
