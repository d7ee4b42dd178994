//! `diff`: what a reviewer reads before a merge, and what the shrink guard will say after it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::json;

use crate::baseload::{Ending, baseload, baseload_in};
use crate::folder::{Folder, constant, schedule};
use crate::repository::{GitServer, Repository};
use crate::support::{python, root};

const EXAMPLES: &str = "schedules";
const SPAN: [&str; 4] = ["--from", "2026-11-21", "--for", "1d"];

/// A folder with a constant schedule for the first `count` of a cluster's services.
fn services(count: usize, min: u32) -> Folder {
    let names: Vec<String> = (0..count).map(|number| format!("shop/s{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    Folder::with("a.yaml", constant(&names, min))
}

#[test]
fn equal_sources_exit_0_and_say_that_nothing_differs() {
    let ending = baseload(&["diff", EXAMPLES, EXAMPLES]).expect(0);
    assert!(ending.stdout.starts_with("Nothing differs over 28d"), "{ending:?}");
    assert_eq!(ending.stderr, "");
}

#[test]
fn differing_sources_exit_0_and_say_what_changes_to_what_and_what_it_costs() {
    let (old, new) = (services(2, 3), services(2, 4));
    let ending = baseload(&[&["diff", old.arg(), new.arg()], &SPAN[..]].concat()).expect(0);
    assert!(ending.stdout.contains("2 of 2 targets differ over 1d; task-hours 144 → 192 (+48, +33.3 %)"), "{ending:?}");
    assert!(ending.stdout.contains("3 → 4  default, constant\n      all the time"), "{ending:?}");
    assert_eq!(ending.stdout.lines().find(|line| line.chars().count() > 80), None);
}

#[test]
fn json_has_the_shape_that_help_documents() {
    let old = Folder::with("a.yaml", constant(&["shop/www"], 3));
    let new = Folder::with(
        "a.yaml",
        schedule(
            "web",
            &["shop/www"],
            "  default: { min: 3 }\n  windows: [{ name: w, from: 06:00, to: 12:00, min: 5 }]\n",
        ),
    );
    let found = baseload(&[&["diff", old.arg(), new.arg(), "-o", "json"], &SPAN[..]].concat()).expect(0).json();
    let keys = |value: &serde_json::Value| value.as_object().map(|it| it.keys().cloned().collect::<Vec<_>>());
    let all = ["from", "guard", "new", "old", "targets", "to", "tzdb"].map(str::to_owned).to_vec();
    assert_eq!(keys(&found), Some(all));
    assert_eq!((&found["from"], &found["to"]), (&json!("2026-11-21T00:00:00Z"), &json!("2026-11-22T00:00:00Z")));
    assert_eq!(found["old"]["taskHours"], json!(72.0));
    assert_eq!(found["new"]["taskHours"], json!(84.0));
    let target = &found["targets"][0];
    assert_eq!((&target["cluster"], &target["effect"]), (&json!("shop"), &json!("changed")));
    assert_eq!(
        target["changes"][1],
        json!({
            "from": "2026-11-21T06:00:00Z",
            "to": "2026-11-21T12:00:00Z",
            "before": { "min": 3, "max": null, "schedule": "constant", "cause": "default" },
            "after": { "min": 5, "max": null, "schedule": "web", "cause": "window/w" },
        })
    );
    let guard = json!({
        "percent": 50, "held": false, "acknowledged": false, "reasons": [], "acknowledgement": null
    });
    assert_eq!(found["guard"], guard);
    let help = baseload(&["diff", "--help"]).expect(0).stdout;
    for word in ["leftAloneHours", "otherCause", "acknowledgement", "Exit codes", "[env: BASELOAD_SHRINK_GUARD="] {
        assert!(help.contains(word), "{word} in {help}");
    }
}

#[test]
fn markdown_has_a_table_and_details_to_open() {
    let (old, new) = (services(2, 3), services(1, 4));
    let ending = baseload(&[&["diff", old.arg(), new.arg(), "-o", "markdown"], &SPAN[..]].concat()).expect(0);
    for line in [
        "**Baseload:** 2 of 2 targets differ over 1d; task-hours 144 → 96 (-48, -33.3 %).",
        "| `shop/s0` | 72 | 96 | +24 (+33.3 %) | changed |",
        "| `shop/s1` | 72 | 0 | -72 (-100 %) | removed |",
        "<details><summary><code>shop/s0</code>: changed</summary>",
        "| 3 → 4 | all the time | default, constant |",
    ] {
        assert!(ending.stdout.lines().any(|found| found == line), "{line} in {}", ending.stdout);
    }
}

#[test]
fn a_bad_source_exits_2_and_says_which_one_it_is() {
    let (good, bad) = (services(1, 3), Folder::with("a.yaml", "kind: Nonsense\n"));
    let ending = baseload(&["diff", good.arg(), bad.arg()]).expect(2);
    assert!(ending.stderr.contains("a.yaml:1") && ending.stderr.contains("NEW ("), "{ending:?}");
    assert!(!ending.stderr.contains("OLD ("), "{ending:?}");
    assert_eq!(ending.stdout, "");
    let ending = baseload(&["diff", "no/such/folder", bad.arg()]).expect(2);
    assert!(ending.stderr.contains("OLD (no/such/folder)") && ending.stderr.contains("NEW ("), "{ending:?}");
    baseload(&["diff", good.arg()]).expect(2);
    baseload(&["diff", good.arg(), good.arg(), "--shrink-guard", "101"]).expect(2);
    baseload(&["diff", good.arg(), good.arg(), "--from", "9999-12-30"]).expect(2);
}

#[test]
fn the_document_that_diff_prints_lets_a_held_revision_pass() {
    let (old, new) = (services(9, 3), services(2, 3));
    let held = baseload(&["diff", old.arg(), new.arg()]).expect(0).stdout;
    assert!(held.contains("The shrink guard will hold this revision"), "{held}");
    assert!(held.contains("it takes out 7 of 9 targets"), "{held}");
    let document = &held[held.find("apiVersion: baseload/v1").expect("the document is printed")..];

    new.write("acknowledgement.yaml", document);
    let told = baseload(&["diff", old.arg(), new.arg()]).expect(0).stdout;
    assert!(told.contains("lets this revision pass, because it acknowledges"), "{told}");
    let json = baseload(&["diff", old.arg(), new.arg(), "-o", "json"]).expect(0).json();
    assert_eq!((&json["guard"]["held"], &json["guard"]["acknowledged"]), (&json!(false), &json!(true)));

    let another = services(10, 3);
    let spent = baseload(&["diff", another.arg(), new.arg()]).expect(0).stdout;
    assert!(spent.replace('\n', " ").contains("the acknowledgement in the new one names another digest"), "{spent}");
}

#[test]
fn a_git_source_and_a_checkout_of_it_have_one_digest_whatever_else_lies_there() {
    let repository = Repository::with(&constant(&["shop/www"], 3));
    let closed =
        "apiVersion: baseload/v1\nkind: Calendar\nmetadata: { name: closed }\nspec: { ics: days/closed.ics }\n";
    let days = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nEND:VCALENDAR\r\n";
    let more = schedule("more", &["shop/api"], "  default: { min: 2 }\n");
    for (path, content) in [
        ("README.md", "not here"),
        ("schedules/README.md", "nor here"),
        ("schedules/.hidden.yaml", "kind: Nonsense"),
        ("schedules/eu/more.yml", &more),
        ("schedules/eu/closed.yaml", closed),
        ("schedules/eu/days/closed.ics", days),
    ] {
        repository.commit(path, content);
    }
    let server = GitServer::start(&repository);
    let (folder, work) = (repository.folder.arg(), format!("{}/work", repository.folder.arg()));
    let digests = |old: &str, new: &str| {
        let told = baseload(&["diff", old, new, "-o", "json"]).expect(0).json();
        let mut effects = told["targets"].as_array().expect("a list").iter().map(|target| &target["effect"]);
        assert!(effects.all(|effect| effect == "unchanged"), "{old} and {new} are the same: {told}");
        (told["old"]["revision"].clone(), told["new"]["revision"].clone())
    };
    for place in ["schedules", "schedules/eu/more.yml"] {
        let checkout = format!("{work}/{place}");
        let of_checkout = digests(&checkout, &checkout).0;
        for source in [
            format!("git+file://{folder}/repo.git?ref=main&path={place}"),
            format!("git+file://{work}?ref=HEAD&path={place}"),
            server.source("http", "plain").replace("path=schedules", &format!("path={place}")),
        ] {
            assert_eq!(digests(&source, &checkout), (of_checkout.clone(), of_checkout.clone()), "{source}");
        }
    }
}

#[test]
fn the_guards_share_is_the_operators() {
    let (old, new) = (services(9, 3), services(2, 3));
    let held = |ending: Ending| ending.expect(0).json()["guard"]["held"].clone();
    let args = ["diff", old.arg(), new.arg(), "-o", "json"];
    assert_eq!(held(baseload(&[&args[..], &["--shrink-guard", "80"]].concat())), json!(false));
    assert_eq!(held(baseload_in(&args, &[("BASELOAD_SHRINK_GUARD", "80")])), json!(false));
    assert_eq!(held(baseload(&args)), json!(true));
}

/// What `docs/ci/review-schedules.sh` says in a repository's work tree.
fn review(repository: &Repository, args: &[&str]) -> Ending {
    let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/ci/review-schedules.sh"));
    command.args(args).current_dir(repository.folder.path().join("work"));
    command.env("BASELOAD", assert_cmd::cargo::cargo_bin!("baseload"));
    let output = command.output().expect("there is a shell");
    let text = |bytes| String::from_utf8(bytes).expect("it prints UTF-8");
    let code = output.status.code().expect("it exits by itself");
    Ending { code, stdout: text(output.stdout), stderr: text(output.stderr) }
}

#[test]
fn the_script_for_any_ci_tells_what_a_change_does_and_refuses_a_bad_one() {
    let repository = Repository::with(&constant(&["shop/www"], 3));
    let edit = |content: &str| fs::write(repository.folder.path().join("work/schedules/all.yaml"), content).unwrap();
    edit(&constant(&["shop/www"], 4));
    let reviewed = review(&repository, &[]).expect(0);
    assert!(reviewed.stdout.starts_with("**Baseload:** 1 of 1 target differ"), "{reviewed:?}");
    assert!(reviewed.stderr.contains("ok: 1 schedule, 1 target"), "{reviewed:?}");

    edit("kind: Nonsense\n");
    let refused = review(&repository, &[]).expect(2);
    assert!(refused.stderr.contains("schedules/all.yaml:1") && refused.stdout.is_empty(), "{refused:?}");
}

#[test]
fn the_script_for_any_ci_knows_the_first_schedules_and_a_base_that_is_not_there() {
    let repository = Repository::with(&constant(&["shop/www"], 3));
    fs::create_dir(repository.folder.path().join("work/floors")).expect("the folder is new");
    fs::write(repository.folder.path().join("work/floors/a.yaml"), constant(&["shop/api"], 1)).unwrap();
    let first = review(&repository, &["origin/main", "floors"]).expect(0);
    assert!(first.stdout.contains("the first schedules"), "{first:?}");
    assert!(review(&repository, &["origin/release"]).expect(2).stderr.contains("fetch it first"));
}

/// Runs the shell steps of the example workflow in a repository's work tree. `docker` and `gh` are stand-ins: the image
/// holds this binary, and GitHub has the comment `before`, if any. What `gh` was told is lines of the file `told`.
fn workflow(repository: &Repository, before: &str) -> Ending {
    let runner = repository.folder.path();
    let program = |name: &str, script: String| {
        fs::create_dir_all(runner.join("bin")).expect("the folder can be made");
        repository.folder.write(&format!("bin/{name}"), script);
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(runner.join("bin").join(name), executable).expect("the file is ours");
    };
    let binary = assert_cmd::cargo::cargo_bin!("baseload").display().to_string();
    program("docker", format!("#!/bin/sh\ncase $1 in create) echo container ;; cp) cp '{binary}' \"$3\" ;; esac\n"));
    program("gh", format!("#!/bin/sh\necho \"$*\" >> '{}/told'\necho '{before}'\n", runner.display()));
    let path = std::env::var("PATH").expect("tests run in an environment");
    let output = Command::new(python())
        .arg(root().join("tests/support/run_workflow.py"))
        .arg(root().join("docs/ci/github-workflow.yaml"))
        .current_dir(runner.join("work"))
        .env("PATH", format!("{}:{path}", runner.join("bin").display()))
        .envs([("RUNNER_TEMP", runner.to_owned()), ("GITHUB_OUTPUT", runner.join("output"))])
        .env("GITHUB_STEP_SUMMARY", runner.join("summary"))
        .envs([("IMAGE", "image"), ("GITHUB_REPOSITORY", "shop/floors"), ("NUMBER", "7"), ("EFFECT", "what changes")])
        .output()
        .expect("the Python that was found can be run");
    let text = |bytes| String::from_utf8(bytes).expect("it prints UTF-8");
    let code = output.status.code().expect("it exits by itself");
    Ending { code, stdout: text(output.stdout), stderr: text(output.stderr) }
}

#[test]
fn the_example_workflow_says_what_a_merge_does_comments_it_once_and_refuses_a_bad_one() {
    let repository = Repository::with(&constant(&["shop/www"], 3));
    let read = |name: &str| fs::read_to_string(repository.folder.path().join(name)).unwrap_or_default();
    repository.git(&["checkout", "--quiet", "-b", "edit"]);
    repository.commit_here("schedules/all.yaml", &constant(&["shop/www"], 4));
    repository.git(&["checkout", "--quiet", "main"]);
    repository.git(&["merge", "--quiet", "--no-ff", "--message", "merge", "edit"]);
    workflow(&repository, "").expect(0);
    for place in ["summary", "output"] {
        assert!(read(place).contains("**Baseload:** 1 of 1 target differ"), "{place}: {}", read(place));
    }
    assert_eq!(read("work/comment.md"), "<!-- baseload diff -->\nwhat changes\n");
    assert!(read("told").ends_with("api --silent repos/shop/floors/issues/7/comments --field body=@comment.md\n"));
    workflow(&repository, "42").expect(0);
    let again = "api --silent --method PATCH repos/shop/floors/issues/comments/42 --field body=@comment.md\n";
    assert!(read("told").ends_with(again), "{}", read("told"));

    let told = read("told");
    repository.commit_here("schedules/all.yaml", "kind: Nonsense\n");
    let refused = workflow(&repository, "").expect(2);
    assert!(refused.stdout.starts_with("::error file=schedules/all.yaml,line=1"), "{refused:?}");
    assert_eq!(read("told"), told, "a bad one gets marks on its lines, not a comment");
}
