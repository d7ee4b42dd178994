//! Schedules from git: every transport against git itself, and what people and servers do to repositories.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::account::Account;
use crate::baseload::{Ending, baseload, baseload_in};
use crate::controller::Controller;
use crate::folder::{Folder, constant};
use crate::repository::{GitServer, Repository, requests};
use crate::wait::until;

const WWW: &str = "shop/www";
const BAD: &str = "kind: Nonsense\n";

fn validate(source: &str) -> Ending {
    baseload(&["validate", source])
}

fn floor(min: u32) -> String {
    constant(&[WWW], min)
}

fn on_disk(repository: &Repository) -> String {
    format!("git+file://{}/repo.git?ref=main&path=schedules", repository.folder.arg())
}

/// A controller of this source that looks at it every second.
fn start(account: &Account, source: &str) -> Controller {
    Controller::start_on(&account.environment(), source, &["--poll", "1s", "--resync", "2s"])
}

fn wait_floor(account: &Account, min: u64) {
    until("AWS has the floor", || account.bounds(WWW) == Some((min, 10)));
}

fn last_error(controller: &Controller) -> String {
    controller.status()["configuration"]["lastError"].as_str().unwrap_or_default().to_owned()
}

fn wait_error(controller: &Controller, part: &str) {
    until(part, || last_error(controller).contains(part));
    assert_eq!(controller.metric("baseload_config_last_reload_successful"), Some(0.0));
}

#[test]
fn a_repository_on_a_server_is_read_whatever_the_server_can() {
    let repository = Repository::with(&floor(3));
    let server = GitServer::start(&repository);
    for how in ["plain", "v0", "moved"] {
        assert_eq!(validate(&server.source("http", how)).expect(0).stdout, "ok: 1 schedule, 1 target\n", "{how}");
    }
    repository.git(&["--git-dir=../repo.git", "config", "uploadpack.allowFilter", "true"]);
    validate(&server.source("http", "plain")).expect(0);
}

#[test]
fn a_server_is_known_by_its_certificate() {
    let repository = Repository::with(&floor(3));
    let server = GitServer::start_tls(&repository);
    let source = server.source("https", "token");
    let certificate = repository.folder.path().join("certificate.pem").display().to_string();
    let token = ("BASELOAD_GIT_TOKEN", "s3cret-token");
    baseload_in(&["validate", &source], &[("SSL_CERT_FILE", &certificate), token]).expect(0);
    let refused = baseload_in(&["validate", &source], &[token]).expect(1);
    assert!(refused.stderr.contains("certificate"), "{refused:?}");
}

#[test]
fn a_repository_on_this_machine_is_read_in_place_in_every_shape() {
    let repository = Repository::with(&floor(3));
    repository.git(&["tag", "--annotate", "--message", "one", "v1"]);
    repository.git(&["worktree", "add", "--quiet", "../linked"]);
    repository.commit("schedules/all.yaml", &floor(4));
    repository.git(&["gc", "--quiet"]);
    let folder = repository.folder.arg();
    let head = repository.git(&["rev-parse", "HEAD"]);
    for place in [
        "repo.git?ref=main&path=schedules",
        "work?ref=v1",
        "work?ref=origin/main&path=schedules/all.yaml",
        "work/schedules?path=schedules",
        "linked?ref=linked",
        &format!("work?ref={head}"),
    ] {
        validate(&format!("git+file://{folder}/{place}")).expect(0);
    }
    let missing = validate(&format!("git+file://{folder}/work?ref=none")).expect(1);
    assert!(missing.stderr.contains("no branch or tag `none`"), "{missing:?}");
}

#[test]
fn a_session_of_ssh_will_do_and_where_there_is_none_that_is_said() {
    let repository = Repository::with(&floor(3));
    let source = format!("git+ssh://git@example.com{}/repo.git?ref=main", repository.folder.arg());
    let refused = baseload_in(&["validate", &source], &[("PATH", "/nonexistent")]).expect(1);
    assert!(refused.stderr.contains("needs the `ssh` program"), "{refused:?}");

    let path = std::env::var("PATH").expect("tests run in an environment");
    for protocol in ["\"$GIT_PROTOCOL\"", "''"] {
        let bin = Folder::new();
        // Stands in for ssh and a server's shell: the last argument is the command.
        let script = format!("#!/bin/sh\nfor last; do :; done\nGIT_PROTOCOL={protocol} exec sh -c \"$last\"\n");
        bin.write("ssh", script);
        fs::set_permissions(bin.path().join("ssh"), fs::Permissions::from_mode(0o755)).unwrap();
        baseload_in(&["validate", &source], &[("PATH", &format!("{}:{path}", bin.arg()))]).expect(0);
    }
}

#[test]
fn a_mistake_is_shown_with_the_repository_and_the_commit() {
    let repository = Repository::with(&floor(3).replace("UTC", "Europe/Berln"));
    let commit = repository.git(&["rev-parse", "--short=7", "HEAD"]);
    let refused = validate(&on_disk(&repository)).expect(2);
    let place = format!("{}/repo.git@{commit}/schedules/all.yaml:7:13", repository.folder.arg());
    assert!(refused.stderr.contains(&place), "{refused:?}");
}

#[test]
fn f59_a_token_opens_what_is_closed_and_is_never_shown() {
    let repository = Repository::with(&floor(3));
    let server = GitServer::start(&repository);
    let source = server.source("http", "token");
    let with = |name: &str, value: &str| baseload_in(&["validate", &source], &[(name, value)]);
    with("BASELOAD_GIT_TOKEN", "s3cret-token").expect(0);
    repository.folder.write("token", "s3cret-token\n");
    with("BASELOAD_GIT_TOKEN_FILE", repository.folder.path().join("token").to_str().unwrap()).expect(0);

    let refused = with("BASELOAD_GIT_TOKEN", "wr0ng-token").expect(1);
    assert!(refused.stderr.contains("refuses the token (HTTP 401)"), "{refused:?}");
    assert!(!refused.stderr.contains("wr0ng"), "{refused:?}");
    assert!(validate(&source).expect(1).stderr.contains("set BASELOAD_GIT_TOKEN"));
    let typed = validate("git+https://me:hunter2@example.com/a.git").expect(2);
    assert!(!typed.stderr.contains("hunter2"), "{typed:?}");
    let in_clear = baseload_in(&["validate", "git+http://example.com/a.git"], &[("BASELOAD_GIT_TOKEN", "x")]).expect(1);
    assert!(in_clear.stderr.contains("clear text"), "{in_clear:?}");
}

#[test]
fn f59_a_server_that_cannot_be_asked_is_a_failure_and_no_bad_schedule() {
    let repository = Repository::with(&floor(3));
    let server = GitServer::start(&repository);
    for how in ["elsewhere", "page", "token"] {
        validate(&server.source("http", how)).expect(1);
    }
    assert!(validate("git+https://127.0.0.1:1/a.git").expect(1).stderr.contains("refused"));
}

#[test]
fn f57_a_merge_is_in_force_within_a_poll_and_so_is_a_rewritten_history() {
    let repository = Repository::with(&floor(3));
    let server = GitServer::start(&repository);
    let account = Account::with(&[WWW]);
    let controller = start(&account, &server.source("http", "plain"));
    wait_floor(&account, 3);

    repository.git(&["checkout", "--quiet", "-b", "edit"]);
    repository.commit("schedules/all.yaml", &floor(4));
    repository.git(&["checkout", "--quiet", "main"]);
    repository.git(&["merge", "--quiet", "--no-ff", "--message", "merge", "edit"]);
    repository.push("HEAD:main");
    wait_floor(&account, 4);

    repository.git(&["checkout", "--quiet", "--orphan", "new"]);
    repository.commit("schedules/all.yaml", &floor(5));
    wait_floor(&account, 5);
    assert_eq!(controller.metric("baseload_config_last_reload_successful"), Some(1.0));
}

#[test]
fn f57_f62_a_bad_push_and_a_lost_branch_leave_the_last_good_revision_in_force() {
    let repository = Repository::with(&floor(3));
    let server = GitServer::start(&repository);
    let account = Account::with(&[WWW]);
    let controller = start(&account, &server.source("http", "plain"));
    wait_floor(&account, 3);
    controller.wait_ready();

    repository.commit("schedules/all.yaml", BAD);
    wait_error(&controller, "schedules/all.yaml:1");
    repository.commit("schedules/all.yaml", &floor(4));
    wait_floor(&account, 4);
    repository.push(":main");
    wait_error(&controller, "no branch or tag `main`");
    assert_eq!(controller.get("/readyz").code, 200);
    repository.push("HEAD:main");
    until("all is well again", || last_error(&controller).is_empty());
    repository.git(&["rm", "-rq", "schedules"]);
    repository.commit("README.md", "nothing here any more");
    wait_error(&controller, "there is no `schedules`");
    assert_eq!(account.bounds(WWW), Some((4, 10)));
}

#[test]
fn f58_f59_a_damaged_pack_a_refused_token_and_silence_leave_the_last_good_revision_in_force() {
    let repository = Repository::with(&floor(3));
    let server = GitServer::start(&repository);
    let account = Account::with(&[WWW]);
    let controller = start(&account, &server.source("http", "plain"));
    wait_floor(&account, 3);
    controller.wait_ready();

    for (how, error) in [("damaged", "its checksum differs"), ("token", "HTTP 401")] {
        repository.folder.write("how", how);
        repository.commit("schedules/all.yaml", &format!("{}# {how}\n", floor(4)));
        wait_error(&controller, error);
    }
    let last_success = || controller.metric("baseload_config_last_reload_success_timestamp_seconds");
    let before = last_success();
    repository.folder.write("how", "silent");
    let asked = requests(&repository).len();
    until("the server keeps a question waiting", || requests(&repository).len() > asked);
    account.deregister(WWW);
    until("the loss of the target is seen", || controller.condition("Registered") == "False");
    account.register(WWW, 3, 10);
    assert_eq!((controller.get("/livez").code, controller.get("/readyz").code), (200, 200));
    assert_eq!((last_success(), account.bounds(WWW)), (before, Some((3, 10))));

    repository.folder.remove("how");
    wait_floor(&account, 4);
    until("all is well again", || last_error(&controller).is_empty() && last_success() > before);
}

#[test]
fn a_revision_is_known_by_its_commit_and_by_the_digest_that_a_checkout_has() {
    let repository = Repository::with(&floor(3));
    let head = repository.git(&["rev-parse", "HEAD"]);
    let server = GitServer::start(&repository);
    let source = server.source("http", "plain");
    let controller = start(&Account::with(&[WWW]), &source);
    let configuration = || controller.status()["configuration"].clone();
    until("the first revision", || configuration()["revision"] == head.as_str());
    let info = format!("baseload_config_info{{revision=\"{head}\",source=\"{source}\"}}");
    assert_eq!(controller.metric(&info), Some(1.0));
    controller.wait_log(&[&head]);

    let checkout = repository.folder.path().join("work/schedules").display().to_string();
    let digest = baseload(&["diff", &checkout, &checkout, "-o", "json"]).expect(0).json()["old"]["revision"].clone();
    assert_eq!(configuration()["digest"], digest);

    let since = configuration()["since"].clone();
    let elsewhere = repository.commit("README.md", "no schedule");
    until("the next commit", || configuration()["revision"] == elsewhere.as_str());
    assert_eq!((&configuration()["digest"], &configuration()["since"]), (&digest, &since));
}

#[test]
fn what_diff_says_over_a_checkout_lets_a_held_revision_pass() {
    let names: Vec<String> = (0..10).map(|number| format!("shop/s{number}")).collect();
    let targets = |count: usize| constant(&names[..count].iter().map(String::as_str).collect::<Vec<_>>(), 3);
    let repository = Repository::with(&targets(10));
    let server = GitServer::start(&repository);
    let controller = start(&Account::new(), &server.source("http", "plain"));
    let held = || controller.metric("baseload_config_held");
    until("a revision is in force", || controller.status()["configuration"]["revision"].is_string());
    repository.git(&["tag", "in-force"]);
    repository.commit("schedules/all.yaml", &targets(2));
    until("the revision is held", || held() == Some(1.0));

    let work = repository.folder.path().join("work").display().to_string();
    let (old, new) = (format!("git+file://{work}?ref=in-force&path=schedules"), format!("{work}/schedules"));
    let told = baseload(&["diff", &old, &new, "-o", "json"]).expect(0).json();
    let document = told["guard"]["acknowledgement"].as_str().expect("the guard will hold it").to_owned();
    repository.commit("schedules/acknowledgement.yaml", &document);
    until("the revision is in force", || held() == Some(0.0) && last_error(&controller).is_empty());
    assert_eq!(controller.status()["targets"].as_array().map(Vec::len), Some(2));
}

#[test]
fn an_unchanged_repository_costs_one_question() {
    let repository = Repository::with(&floor(3));
    let server = GitServer::start(&repository);
    let account = Account::with(&[WWW]);
    let environment = account.environment();
    let controller = Controller::start_on(&environment, &server.source("http", "plain"), &["--poll", "1h"]);
    until("the first looks are over", || controller.reload().code == 200);
    let before = requests(&repository).len();
    assert_eq!(controller.reload().code, 200);
    assert_eq!(requests(&repository)[before..], ["POST /plain/repo.git/git-upload-pack"]);
}

#[test]
fn an_unchanged_repository_is_not_read_and_one_look_is_enough_to_see_a_merge() {
    let repository = Repository::with(&floor(3));
    let server = GitServer::start(&repository);
    let account = Account::with(&[WWW]);
    let environment = [&account.environment()[..], &[("BASELOAD_LOG", "debug")]].concat();
    let controller = Controller::start_on(&environment, &server.source("http", "plain"), &["--poll", "1h"]);
    let revision = || controller.status()["configuration"]["revision"].clone();
    let read = || controller.log().iter().filter(|line| line.contains("read a source")).count();
    until("the first looks are over", || controller.reload().code == 200);
    for _ in 0..3 {
        assert_eq!(controller.reload().code, 200);
    }
    until("the source was read", || read() > 0);
    assert_eq!(read(), 1, "{:#?}", controller.log());

    let merge = repository.commit("schedules/all.yaml", &floor(4));
    assert_eq!((controller.reload().code, revision()), (200, merge.into()));
    assert_eq!(controller.status()["targets"][0]["floor"]["min"], 4);
    until("the log tells of it", || read() == 2);
}

#[test]
fn a_start_on_a_bad_head_is_a_start_on_the_newest_good_commit_before_it() {
    let repository = Repository::with(&floor(3));
    let good = repository.commit("schedules/all.yaml", &floor(4));
    for edit in 0..20 {
        repository.commit("schedules/all.yaml", &format!("{BAD}# {edit}\n"));
    }
    let server = GitServer::start(&repository);
    let account = Account::with(&[WWW]);
    let controller = start(&account, &server.source("http", "plain"));
    wait_floor(&account, 4);
    wait_error(&controller, &good);
    drop(controller);

    repository.commit("schedules/all.yaml", &format!("{BAD}# one too many\n"));
    let args = ["run", "--schedules", &server.source("http", "plain"), "--listen", "127.0.0.1:0"];
    let refused = baseload_in(&args, &account.environment()).expect(2);
    assert!(refused.stderr.contains("all.yaml:1"), "{refused:?}");
}

#[test]
fn f36_a_repository_that_cannot_be_reached_at_the_start_is_waited_for() {
    let repository = Repository::with(&floor(3));
    let account = Account::with(&[WWW]);
    let place = repository.folder.path().join("repo.git");
    let away = repository.folder.path().join("away.git");
    fs::rename(&place, &away).unwrap();
    let controller = start(&account, &on_disk(&repository));
    wait_error(&controller, "cannot look at");
    assert_eq!((controller.get("/livez").code, controller.get("/readyz").code), (200, 503));
    fs::rename(&away, &place).unwrap();
    wait_floor(&account, 3);
    controller.wait_ready();
}

#[test]
fn f58_a_hostile_tree_is_refused_and_a_submodule_is_left_out() {
    let repository = Repository::with(&floor(3));
    let blob = repository.object("blob", floor(3).as_bytes());
    let raw = |id: &str| (0..20).map(|at| u8::from_str_radix(&id[2 * at..][..2], 16).unwrap()).collect::<Vec<_>>();
    let tree_of = |mode: &str, name: &str, id: &str| {
        repository.object("tree", &[format!("{mode} {name}\0").as_bytes(), &raw(id)].concat())
    };
    let source = on_disk(&repository).replace("&path=schedules", "");
    let refusal = |tree: &str| {
        repository.plant_tree(tree);
        validate(&source).expect(2).stderr
    };
    for name in ["..", ".", "a/b.yaml", "..\\a.yaml", "a\u{1b}[2J.yaml", ""] {
        let stderr = refusal(&tree_of("100644", name, &blob));
        assert!(!stderr.contains('\u{1b}'), "{stderr:?}");
    }
    assert!(refusal(&tree_of("120000", "a.yaml", &blob)).contains("symbolic link"));

    let mut bomb = tree_of("100644", "a.yaml", &blob);
    for _ in 0..10 {
        let entries: Vec<_> =
            (0..10).flat_map(|at| [format!("40000 folder{at}\0").as_bytes(), &raw(&bomb)].concat()).collect();
        bomb = repository.object("tree", &entries);
    }
    assert!(refusal(&bomb).contains("more than 100000 files"));
    let nested = (0..20).fold(tree_of("100644", "a.yaml", &blob), |tree, _| tree_of("40000", "a", &tree));
    assert!(refusal(&nested).contains("nest more than"));

    let head = repository.git(&["rev-parse", "HEAD"]);
    repository
        .plant(&format!("100644 blob {blob}\ta.yaml\n160000 commit {head}\tb\n100644 blob {blob}\t.hidden.yaml\n"));
    validate(&source).expect(0);
}

#[test]
fn f58_a_repository_too_large_for_memory_is_refused_on_disk_and_on_the_wire() {
    let repository = Repository::with(&floor(3));
    let huge = repository.object("blob", &vec![b'#'; 70 << 20]);
    repository.plant(&format!("100644 blob {huge}\ta.yaml\n"));
    let server = GitServer::start(&repository);
    let on_the_wire = validate(&server.source("http", "plain"));
    assert!(on_the_wire.expect(2).stderr.contains("larger than 64 MiB"));
    let on_disk = validate(&on_disk(&repository).replace("&path=schedules", ""));
    assert!(on_disk.expect(2).stderr.contains("larger than 16 MiB"));
}
