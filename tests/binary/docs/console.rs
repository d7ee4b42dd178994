//! Runs the `console` and `sh` blocks of a page as a reader would: one after another, in a folder that holds the examples.
//!
//! An `sh` block is a script, which must succeed; what it prints is not compared. With a comment `<!-- sh: WHY -->` before it,
//! it is for somewhere else: [`super::elsewhere`] sees to it.
//!
//! In a `console` block a line that begins with `$ ` is a command, with what continues it (a backslash, a here-document); what follows is what
//! it prints, where `…` stands for any lines. A comment before the block, `<!-- console: … -->`, may say otherwise:
//!
//! - `background`: the command goes on running until the end of the page; what it prints is not compared;
//! - `varies`: what it prints depends on the time, and is not compared;
//! - `exit=N`: it ends with N;
//! - `slip=FROM/TO`: for this block, that mistake is made in the example of the web shop.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use super::elsewhere;
use super::page::{Block, Page};
use super::setting::Setting;
use crate::controller::address_after;
use crate::http;
use crate::support::{python, root};
use crate::wait::{eventually, until};

/// Where the controller serves and where the simulated ECS does, on the pages; with what the log says before the address.
const ADDRESSES: [(&str, &str); 2] =
    [("127.0.0.1:8080", "status and metrics on http://"), (SIMULATED, "speaks AWS's protocol on http://")];

/// Where the simulated ECS is, on the pages.
const SIMULATED: &str = "127.0.0.1:4566";

/// AWS's own command of version 1, which PyPI has. It knows a region by another variable than version 2 and all else.
const AWS: &str = "#!/bin/sh\nexport AWS_DEFAULT_REGION=\"$AWS_REGION\"\nexec PYTHON -m awscli \"$@\"\n";

/// A reader in the middle of a page.
pub(super) struct Reader {
    folder: tempfile::TempDir,
    /// What stands on the page, and what is used for it here, once something runs in the background.
    addresses: Vec<(&'static str, String)>,
    exported: Vec<String>,
    running: Option<Child>,
    setting: Setting,
}

impl Reader {
    /// A reader who has what this page takes for granted.
    pub(super) fn of(page: &Page) -> Self {
        let folder = tempfile::tempdir().expect("a folder for a page");
        let setting = Setting::of(page);
        let mut reader = Reader { folder, addresses: Vec::new(), exported: Vec::new(), running: None, setting };
        reader.lay_out();
        if let Some(schedules) = reader.setting.simulated {
            reader.start(&format!("baseload run --simulate --schedules {schedules} --simulate-listen {SIMULATED}"));
            reader.exported.push(format!("export AWS_ENDPOINT_URL=http://{SIMULATED} AWS_REGION=eu-west-1"));
            reader.exported.push("export AWS_ACCESS_KEY_ID=x AWS_SECRET_ACCESS_KEY=x".to_owned());
        }
        reader.script(reader.setting.before, page);
        reader
    }

    /// The examples as they are, and the programs that pages name.
    fn lay_out(&self) {
        let (schedules, bin) = (self.path("schedules"), self.path("bin"));
        fs::create_dir_all(&schedules).and_then(|()| fs::create_dir_all(&bin)).expect("folders can be made");
        for file in fs::read_dir(root().join("schedules")).expect("there are examples") {
            let file = file.expect("the examples can be listed");
            let name = file.file_name();
            if self.setting.examples.is_none_or(|only| name == only) {
                fs::copy(file.path(), schedules.join(name)).expect("an example can be copied");
            }
        }
        let aws = AWS.replace("PYTHON", &python().display().to_string());
        fs::write(bin.join("aws"), aws).expect("a script can be written");
        Command::new("chmod").args(["+x", "bin/aws"]).current_dir(self.folder.path()).status().expect("there is chmod");
        let review = root().join("docs/ci/review-schedules.sh");
        for (name, program) in
            [("baseload", assert_cmd::cargo::cargo_bin!("baseload")), ("review-schedules.sh", review.as_path())]
        {
            if !bin.join(name).exists() {
                std::os::unix::fs::symlink(program, bin.join(name)).expect("a link can be made");
            }
        }
    }

    /// Runs a page from its beginning to its end.
    pub(super) fn follow(mut self, page: &Page) {
        for block in &page.blocks() {
            match block.language.as_str() {
                "console" => self.converse(block, page),
                "sh" if block.how.is_empty() => self.script(&block.text, page),
                "sh" => elsewhere::understood(block, page),
                _ => continue,
            }
            self.lay_out();
        }
    }

    /// Types the commands of a block, and reads what they print.
    fn converse(&mut self, block: &Block, page: &Page) {
        let slip = word(&block.how, "slip=");
        if let Some((from, to)) = slip.and_then(|slip| slip.split_once('/')) {
            let file = self.path("schedules/webshop.yaml");
            let text = fs::read_to_string(&file).expect("the example is there").replace(from, to);
            fs::write(file, text).expect("the example can be written");
        }
        for (command, printed) in commands(block) {
            self.run(block, &command, &printed, &page.path);
        }
    }

    /// Runs a script to its end, which must be a good one.
    #[expect(clippy::print_stderr, reason = "whoever runs the tests learns what was left out")]
    fn script(&self, script: &str, page: &Page) {
        let has_jq =
            || ["/usr/local/bin", "/usr/bin", "/bin"].iter().any(|folder| Path::new(folder).join("jq").exists());
        if script.contains("jq ") && !has_jq() {
            eprintln!("skipped in {}, for want of jq:\n{script}", page.path.display());
            return;
        }
        let output = self.shell(&format!("set -eu\n{script}")).output().expect("there is bash");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{}: this fails:\n{script}\nwith\n{said}", page.path.display());
    }

    fn run(&mut self, block: &Block, command: &str, printed: &[&str], page: &Path) {
        if command.starts_with("export ") {
            self.exported.push(command.to_owned());
            return;
        }
        if block.how == "background" {
            self.start(command);
            return;
        }
        let output = self.shell(command).output().expect("there is bash");
        let expected_code = word(&block.how, "exit=").map_or(0, |code| code.parse().expect("an exit code"));
        let text = self.as_on_the_page(&String::from_utf8_lossy(&output.stdout));
        let at = format!("{}: $ {command}", page.display());
        assert_eq!(output.status.code(), Some(expected_code), "{at}\n{text}");
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        let fits = block.how == "varies" || fits(printed, &lines);
        assert!(fits, "{at}\nprints\n{}\nand the page says\n{}", lines.join("\n"), printed.join("\n"));
    }

    /// Starts a controller on addresses of its own choice.
    fn start(&mut self, command: &str) {
        let anywhere = command.replace(ADDRESSES[1].0, "127.0.0.1:0");
        let (log, file) = (self.path("log"), fs::File::create(self.path("log")).expect("a log can be made"));
        let mut shell = self.shell(&format!("exec {anywhere}"));
        shell.env("BASELOAD_LISTEN", "127.0.0.1:0").stdout(file);
        self.running = Some(shell.spawn().expect("there is bash"));
        self.addresses = ADDRESSES.map(|(shown, words)| (shown, eventually(words, || said(&log, words)))).to_vec();
        let address = &self.addresses[0].1;
        until("what runs in the background is ready", || {
            http::ask(address, "GET", "/readyz", "", "").is_ok_and(|answer| answer.code == 200)
        });
    }

    fn shell(&self, command: &str) -> Command {
        let mut script = self.exported.iter().map(|line| format!("{line}\n")).collect::<String>();
        script += &format!("exec 2>&1\nset -o pipefail\n{command}\n");
        for (shown, used) in self.setting.words {
            script = script.replace(shown, used);
        }
        for (shown, used) in &self.addresses {
            script = script.replace(shown, used);
        }
        let mut shell = Command::new("bash");
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", self.path("bin").display());
        shell.args(["-c", &script]).current_dir(self.folder.path()).env_clear().env("PATH", path);
        if let Some((_, address)) = self.addresses.first() {
            shell.env("BASELOAD_SERVER", format!("http://{address}"));
        }
        shell.env("AWS_EC2_METADATA_DISABLED", "true");
        shell
    }

    fn as_on_the_page(&self, text: &str) -> String {
        self.addresses.iter().fold(text.to_owned(), |text, (shown, used)| text.replace(used, shown))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(running) = &mut self.running {
            let _already_gone = running.kill();
            let _already_gone = running.wait();
        }
    }
}

/// The address after these words in a log.
fn said(log: &Path, words: &str) -> Option<String> {
    fs::read_to_string(log).ok()?.lines().find_map(|line| address_after(line, words))
}

fn word<'a>(how: &'a str, name: &str) -> Option<&'a str> {
    how.split_whitespace().find_map(|word| word.strip_prefix(name))
}

/// The commands of a block, each with the lines that it prints.
fn commands(block: &Block) -> Vec<(String, Vec<&str>)> {
    let mut commands: Vec<(String, Vec<&str>)> = Vec::new();
    let mut heredoc: Option<&str> = None;
    for line in block.text.lines() {
        let continued = commands.last().is_some_and(|(command, _)| command.ends_with('\\'));
        match (commands.last_mut(), line.strip_prefix("$ ")) {
            (Some((command, _)), _) if heredoc.is_some() || continued => {
                command.push('\n');
                command.push_str(line);
                heredoc = heredoc.filter(|end| line != *end);
            }
            (_, Some(command)) => {
                heredoc = command.split_once("<<'").and_then(|(_, rest)| rest.split('\'').next());
                commands.push((command.to_owned(), Vec::new()));
            }
            (Some((_, printed)), None) => printed.push(line.trim_end()),
            (None, None) => panic!("a console block begins with a command: {line}"),
        }
    }
    for (_, printed) in &mut commands {
        while printed.last().is_some_and(|line| line.is_empty()) {
            printed.pop(); // the empty line between two commands
        }
    }
    commands
}

/// Whether lines are those of the page, where `…` stands for any.
fn fits(page: &[&str], lines: &[&str]) -> bool {
    match page.split_first() {
        None => lines.iter().all(|line| line.is_empty()),
        Some((&"…", rest)) => (0..=lines.len()).any(|skipped| fits(rest, &lines[skipped..])),
        Some((first, rest)) => lines.first() == Some(first) && fits(rest, &lines[1..]),
    }
}

#[test]
fn an_ellipsis_stands_for_any_lines_and_the_rest_must_be_as_printed() {
    let lines = ["a", "b", "c"];
    for (page, expected) in
        [(&["a", "…"][..], true), (&["…", "c"], true), (&["a", "…", "c"], true), (&["a", "c"], false), (&["a"], false)]
    {
        assert_eq!(fits(page, &lines), expected, "{page:?}");
    }
}
