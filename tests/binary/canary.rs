//! Canaries: secrets that are known by sight, errors of every kind, and a search through all that was said.

use std::fs;
use std::path::Path;

use crate::baseload::baseload_in;
use crate::controller::Controller;
use crate::ecs::{Ecs, borrowed};
use crate::folder::{Folder, constant};
use crate::line::{Fault, Line};
use crate::wait::until;

/// Stands in every secret of these tests.
const CANARY: &str = "c4n4ry";

const FAULTS: [Fault; 9] = [
    Fault::QuotesRequest,
    Fault::QuotesRequestAsHtml,
    Fault::Expired,
    Fault::Status(500),
    Fault::Html,
    Fault::BrokenJson,
    Fault::CutBefore,
    Fault::CutAfter,
    Fault::Truncated,
];

fn secrets(line: &Line) -> Vec<(&'static str, String)> {
    let secret = |what: &str| format!("{CANARY}-{what}");
    vec![
        ("AWS_ENDPOINT_URL", format!("http://{}", line.address)),
        ("AWS_REGION", "eu-west-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", format!("AKIA{CANARY}")),
        ("AWS_SECRET_ACCESS_KEY", secret("secret-key")),
        ("AWS_SESSION_TOKEN", secret("session-token")),
        ("BASELOAD_GIT_TOKEN", secret("git-token")),
    ]
}

/// No secret, nor what was made of one to prove that it is known.
fn holds_no_secret(line: &Line, what: &str, text: &str) {
    let proofs = line.authorizations();
    let told = |secret: &str| text.lines().find(|line| line.contains(secret)).map(str::to_owned);
    for secret in proofs.iter().map(String::as_str).chain([CANARY]) {
        assert_eq!(told(secret), None, "{secret} stands in {what}");
    }
}

fn pages_hold_no_secret(line: &Line, controller: &Controller) {
    for page in ["/", "/targets/shop/www", "/metrics", "/api/v1/status", "/readyz", "/nowhere"] {
        holds_no_secret(line, page, &controller.get(page).body);
    }
    holds_no_secret(line, "the answer to a reload", &controller.reload().body);
}

fn files_hold_no_secret(line: &Line, folder: &Path) {
    for file in fs::read_dir(folder).expect("the folder is there").flatten() {
        let content = fs::read(file.path()).expect("a state is a file");
        holds_no_secret(line, &file.path().display().to_string(), &String::from_utf8_lossy(&content));
    }
}

/// A controller through all faults, with a floor that falls due in each.
fn through_all_faults(ecs: &Ecs, format: &str, level: &str) {
    let line = Line::to(&ecs.address);
    let (folder, state) = (Folder::with("all.yaml", constant(&["shop/www"], 3)), Folder::new());
    let mut variables = secrets(&line);
    variables.extend([("BASELOAD_LOG", level.to_owned()), ("BASELOAD_LOG_FORMAT", format.to_owned())]);
    let more = ["--resync", "2s", "--state-dir", state.arg()];
    let controller = Controller::start_in(&borrowed(&variables), &folder, &more);
    controller.wait_ready();
    for (fault, min) in FAULTS.into_iter().zip([4, 5].into_iter().cycle()) {
        line.set(fault);
        folder.write("all.yaml", constant(&["shop/www"], min));
        controller.reload();
        until(&format!("{fault:?} was met"), || line.requests() >= 2);
        pages_hold_no_secret(&line, &controller);
    }
    folder.write("all.yaml", format!("{CANARY}: [").replace(CANARY, "not a schedule"));
    controller.reload();
    pages_hold_no_secret(&line, &controller);
    files_hold_no_secret(&line, state.path());
    assert!(!line.authorizations().is_empty());
    holds_no_secret(&line, &format!("the log ({format}, {level})"), &controller.log().join("\n"));
}

#[test]
fn no_secret_of_aws_reaches_the_log_a_page_a_metric_or_the_state() {
    let ecs = Ecs::with(&["shop/www"]);
    for (format, level) in [("text", "debug"), ("json", "debug"), ("text", "info")] {
        through_all_faults(&ecs, format, level);
    }
}

#[test]
fn no_token_for_a_repository_reaches_the_log_or_a_page() {
    let ecs = Ecs::with(&["shop/www"]);
    for fault in [Fault::QuotesRequest, Fault::QuotesRequestAsHtml, Fault::Status(401), Fault::Html, Fault::CutBefore] {
        let line = Line::to(&ecs.address);
        line.set(fault);
        let mut variables = secrets(&line);
        variables.push(("BASELOAD_LOG", "debug".to_owned()));
        let source = format!("git+http://{}/repo.git?ref=main", line.address);
        let controller = Controller::start_on(&borrowed(&variables), &source, &["--poll", "1s"]);
        until("the repository was asked for", || !line.authorizations().is_empty() || fault == Fault::CutBefore);
        pages_hold_no_secret(&line, &controller);
        holds_no_secret(&line, "the log", &controller.log().join("\n"));
    }
}

#[test]
fn no_secret_reaches_what_a_command_prints() {
    let ecs = Ecs::with(&["shop/www"]);
    let line = Line::to(&ecs.address);
    let folder = Folder::with("all.yaml", constant(&["shop/www"], 3));
    let repository = format!("git+http://{}/repo.git?ref=main", line.address);
    let with_password = format!("git+http://me:{CANARY}@{}/repo.git", line.address);
    let commands: [&[&str]; 7] = [
        &["plan", "--schedules", folder.arg()],
        &["plan", "--schedules", folder.arg(), "-o", "json"],
        &["doctor", "--schedules", folder.arg(), "-o", "json"],
        &["validate", &repository],
        &["import"],
        &["validate", &with_password],
        &["plan", "--schedules", &with_password],
    ];
    for fault in [Fault::QuotesRequest, Fault::QuotesRequestAsHtml, Fault::Expired, Fault::CutAfter] {
        line.set(fault);
        for command in commands {
            let ending = baseload_in(command, &borrowed(&secrets(&line)));
            assert_ne!(ending.code, 0, "{command:?} {fault:?}");
            holds_no_secret(&line, &format!("{command:?} {fault:?}"), &(ending.stdout + &ending.stderr));
        }
    }
}
