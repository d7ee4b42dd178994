//! The commands that only read schedules: validate, preview, explain; and what holds for every command line.

use std::fs;
use std::process::Stdio;

use serde_json::json;

use crate::baseload::{baseload, baseload_in, command};
use crate::folder::{Folder, constant, schedule};

const WEB: &str = "tests/data/web.yaml";
const DAY: [&str; 4] = ["--from", "2026-11-20", "--to", "2026-11-21"];

fn preview(path: &str, span: &[&str]) -> serde_json::Value {
    let args = [&["preview", path, "-o", "json"], span].concat();
    baseload(&args).expect(0).json()
}

#[test]
fn validate_says_ok_and_how_much_there_is() {
    let ending = baseload(&["validate", WEB]).expect(0);
    assert!(ending.stdout.starts_with("ok: 1 schedule"), "{ending:?}");
    assert_eq!(ending.stderr, "");
}

#[test]
fn validate_reports_every_mistake_at_once_with_its_place() {
    let folder = Folder::with("one.yaml", constant(&["shop/www"], 1).replace("UTC", "Europe/Berln"));
    folder.write("two.yaml", schedule("two", &["shop/api"], "  default: { min: three }\n  defualt: 1\n"));
    let ending = baseload(&["validate", folder.arg()]).expect(2);
    assert_eq!(ending.stdout, "");
    for words in ["one.yaml:7:13", "Europe/Berlin", "two.yaml:8:19", "two.yaml:9:3", "3 errors"] {
        assert!(ending.stderr.contains(words), "{words} in {}", ending.stderr);
    }
}

#[test]
fn validate_as_json_lists_every_finding_and_nothing_else() {
    let folder = Folder::with("bad.yaml", constant(&["shop/www"], 1).replace("UTC", "Europe/Berln"));
    let ending = baseload(&["validate", folder.arg(), "-o", "json"]).expect(2);
    let (found, stderr) = (ending.json(), &ending.stderr);
    assert_eq!(found.as_array().map(Vec::len), Some(1), "{found}");
    assert_eq!(
        (&found[0]["severity"], &found[0]["line"], &found[0]["column"]),
        (&json!("error"), &json!(7), &json!(13))
    );
    assert_eq!(stderr, "");
    assert_eq!(baseload(&["validate", WEB, "-o", "json"]).expect(0).json(), json!([]));
}

#[test]
fn validate_as_github_writes_annotations() {
    let folder = Folder::with("bad.yaml", constant(&["shop/www"], 1).replace("UTC", "Europe/Berln"));
    let ending = baseload(&["validate", folder.arg(), "-o", "github"]).expect(2);
    assert!(ending.stdout.starts_with("::error file="), "{ending:?}");
    assert!(ending.stdout.contains("bad.yaml,line=7,col=13"), "{ending:?}");
}

#[test]
fn several_paths_make_one_source() {
    let (one, two) = (Folder::with("one.yaml", constant(&["a/b"], 1)), Folder::with("two.yaml", constant(&["a/c"], 1)));
    let ending = baseload(&["validate", one.arg(), two.arg()]).expect(2);
    assert!(ending.stderr.contains("`constant`"), "one name twice: {ending:?}");
    two.write("two.yaml", schedule("other", &["a/c"], "  default: { min: 1 }\n"));
    let ending = baseload(&["validate", one.arg(), two.arg()]).expect(0);
    assert!(ending.stdout.starts_with("ok: 2 schedules, 2 targets"), "{ending:?}");
}

#[test]
fn f45_a_source_without_schedules_is_refused_by_every_command() {
    let (empty, zero_bytes) = (Folder::new(), Folder::with("zero.yaml", ""));
    let comments = Folder::with("comments.yaml", "# nothing yet\n");
    let missing = Folder::new();
    let missing = missing.path().join("nowhere");
    for source in [empty.arg(), zero_bytes.arg(), comments.arg(), missing.to_str().unwrap()] {
        for args in [&["validate", source][..], &["preview", source], &["explain", "a/b", "--schedules", source]] {
            let ending = baseload(args).expect(2);
            assert!(ending.stdout.is_empty() && ending.stderr.contains("error"), "{args:?}: {ending:?}");
        }
    }
}

#[test]
fn the_default_source_is_the_folder_schedules_and_its_examples_are_without_fault() {
    let ending = baseload(&["validate"]).expect(0);
    assert_eq!(ending.stderr, "");
    let examples = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/schedules")).unwrap();
    let examples = examples.map(|entry| entry.unwrap().path()).filter(|path| path.extension().unwrap() == "yaml");
    for path in examples {
        let path = path.to_str().unwrap();
        assert_eq!(baseload(&["validate", path]).expect(0).stderr, "", "{path}");
        assert_ne!(preview(path, &DAY)["targets"], json!([]), "{path}");
        assert!(!baseload(&["preview", path]).expect(0).stdout.is_empty(), "{path}");
    }
}

#[test]
fn preview_as_json_has_this_very_shape() {
    let ending = baseload(&[&["preview", WEB, "-o", "json"], &DAY[..]].concat()).expect(0);
    let expected = r#"{"from":"2026-11-20T00:00:00Z","to":"2026-11-21T00:00:00Z",
        "targets":[{"cluster":"shop","service":"www","segments":[
            {"from":"2026-11-20T00:00:00Z","to":"2026-11-20T07:55:00Z","min":1,"max":null,"schedule":"web","cause":"window/night"},
            {"from":"2026-11-20T07:55:00Z","to":"2026-11-20T12:55:00Z","min":3,"max":null,"schedule":"web","cause":"default"},
            {"from":"2026-11-20T12:55:00Z","to":"2026-11-20T23:30:00Z","min":6,"max":null,"schedule":"web","cause":"window/friday"},
            {"from":"2026-11-20T23:30:00Z","to":"2026-11-21T00:00:00Z","min":1,"max":null,"schedule":"web","cause":"window/night"}]}],
        "tzdb":"2026e"}"#;
    let without_space = |text: &str| text.split_whitespace().collect::<String>();
    assert_eq!(without_space(&ending.stdout), without_space(expected));
    assert!(ending.stdout.ends_with('\n') && ending.stderr.is_empty());
}

#[test]
fn where_a_target_is_left_alone_preview_says_null_and_none() {
    let overlay =
        "  default: none\n  overrides: [{ name: sale, from: 2026-11-20T06:00, to: 2026-11-20T08:00, min: 9 }]\n";
    let folder = Folder::with("overlay.yaml", schedule("overlay", &["shop/*"], overlay));
    let segments = &preview(folder.arg(), &DAY)["targets"][0]["segments"];
    let alone = json!({ "from": "2026-11-20T00:00:00Z", "to": "2026-11-20T06:00:00Z",
        "min": null, "max": null, "schedule": null, "cause": "none" });
    assert_eq!((&segments[0], &segments[1]["cause"]), (&alone, &json!("override/sale")));
}

#[test]
fn preview_begins_now_and_lasts_a_week_unless_told_otherwise() {
    let span = |args: &[&str]| {
        let preview = preview(WEB, args);
        let at = |end: &str| preview[end].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        (at("from"), at("to"))
    };
    let (from, to) = span(&[]);
    assert_eq!(to.duration_since(from).as_hours(), 7 * 24);
    let (from, to) = span(&["--from", "2026-11-27T07:00:00+01:00", "--for", "1d12h"]);
    assert_eq!(from.to_string(), "2026-11-27T06:00:00Z");
    assert_eq!(to.to_string(), "2026-11-28T18:00:00Z");
    let (_, to) = span(&["--from", "2026-11-27", "--to", "2026-11-28"]);
    assert_eq!(to.to_string(), "2026-11-28T00:00:00Z");
}

#[test]
fn what_is_no_instant_and_no_span_is_bad_usage() {
    for span in [
        &["--from", "tomorrow"][..],
        &["--from", "2026-11-27T07:00"],
        &["--from", "2026-13-01"],
        &["--from", "2026-11-27", "--to", "2026-11-27"],
        &["--from", "2026-11-27", "--to", "2026-11-26"],
        &["--for", "a week"],
        &["--for", "0d"],
        &["--to", "2099-11-27", "--for", "1d"],
        &["--from", "9999-12-30", "--for", "30d"],
    ] {
        let ending = baseload(&[&["preview", WEB], span].concat()).expect(2);
        assert!(ending.stdout.is_empty() && ending.stderr.starts_with("error"), "{span:?}: {ending:?}");
    }
}

#[test]
fn explain_says_which_window_holds_and_what_comes_next() {
    let args = ["explain", "shop/www", "--schedules", WEB, "--at", "2026-11-20T06:00:00Z"];
    let text = baseload(&args).expect(0).stdout;
    for words in ["shop/www", "Floor 1", "window night of schedule web", "2026-11-20T07:55:00Z", "2026e"] {
        assert!(text.contains(words), "{words} in {text}");
    }
    let told = baseload(&[&args[..], &["-o", "json"]].concat()).expect(0).json();
    assert_eq!(told["target"], "shop/www");
    assert_eq!(told["at"], "2026-11-20T06:00:00Z");
    assert_eq!(told["decision"], json!({ "min": 1, "max": null, "schedule": "web", "cause": "window/night" }));
    assert_eq!((&told["until"], &told["next"]["min"]), (&json!("2026-11-20T07:55:00Z"), &json!(3)));
}

#[test]
fn explain_of_a_target_that_nobody_declares_says_so_and_is_no_failure() {
    let ending = baseload(&["explain", "shop/unknown", "--schedules", WEB]).expect(0);
    assert!(ending.stdout.contains("no schedule matches"), "{ending:?}");
    let told = baseload(&["explain", "shop/unknown", "--schedules", WEB, "-o", "json"]).expect(0).json();
    assert_eq!((&told["decision"], &told["schedules"]), (&json!(null), &json!([])));
    for no_target in ["shop", "shop/", "/www", "a/b/c"] {
        baseload(&["explain", no_target, "--schedules", WEB]).expect(2);
    }
}

#[test]
fn every_flag_names_its_variable_in_the_help() {
    for name in ["run", "plan", "apply", "validate", "preview", "explain", "status", "healthcheck"] {
        let help = baseload(&[name, "--help"]).expect(0).stdout;
        let help = help.split_whitespace().collect::<Vec<_>>().join(" "); // it is wrapped
        let flags = help.split(" --").skip(1).map(|flag| flag.split([' ', ',', ']']).next().unwrap_or_default());
        for flag in flags.filter(|flag| *flag != "help") {
            let variable = format!("[env: BASELOAD_{}=", flag.replace('-', "_").to_uppercase());
            assert!(help.contains(&variable), "{name} --{flag}: no {variable} in {help}");
        }
    }
}

#[test]
fn variables_stand_in_for_flags_and_flags_win() {
    let ending = baseload_in(&["validate"], &[("BASELOAD_SCHEDULES", WEB)]).expect(0);
    assert!(ending.stdout.starts_with("ok: 1 schedule"), "{ending:?}");
    let two = Folder::with("two.yaml", constant(&["a/b"], 1));
    let list = format!("{WEB},{}", two.arg());
    let ending = baseload_in(&["validate"], &[("BASELOAD_SCHEDULES", &list)]).expect(0);
    assert!(ending.stdout.starts_with("ok: 2 schedules"), "{ending:?}");
    let variables = [("BASELOAD_OUTPUT", "json"), ("BASELOAD_FROM", "2026-11-20"), ("BASELOAD_FOR", "1d")];
    let ending = baseload_in(&["preview", WEB], &variables).expect(0);
    assert_eq!(ending.json()["to"], "2026-11-21T00:00:00Z");
    let ending = baseload_in(&["preview", WEB, "-o", "text"], &variables).expect(0);
    assert!(ending.stdout.contains("Fri 20 Nov"), "{ending:?}");
    baseload_in(&["validate", WEB], &[("BASELOAD_MAX_FLOOR", "5")]).expect(2);
    baseload_in(&["validate", WEB, "--max-floor", "6"], &[("BASELOAD_MAX_FLOOR", "5")]).expect(0);
}

#[test]
fn a_switch_s_variable_takes_what_people_write() {
    let with = |value: &str| {
        let variables = [("BASELOAD_WATCH", value), ("BASELOAD_SERVER", "http://127.0.0.1:1")];
        baseload_in(&["status"], &variables).code
    };
    for value in ["true", "1", "yes", "on", "false", "0", "no", "off"] {
        assert_eq!(with(value), 1, "{value}: understood, and then there is no server");
    }
    assert_eq!(with("perhaps"), 2);
}

#[test]
fn bad_usage_exits_2_and_help_exits_0() {
    for args in [&[][..], &["nonsense"], &["validate", "--nonsense"], &["run", "--resync", "soon"]] {
        assert_eq!(baseload(args).expect(2).stdout, "", "{args:?}");
    }
    assert!(baseload(&["--help"]).expect(0).stdout.contains("Exit codes: 0 fine; 1 failed"));
}

#[test]
fn the_version_names_the_zone_rules() {
    let stdout = baseload(&["--version"]).expect(0).stdout;
    assert_eq!(stdout, concat!("baseload ", env!("CARGO_PKG_VERSION"), " (tzdb 2026e, embedded)\n"));
}

#[test]
fn completions_come_for_every_shell() {
    for (shell, word) in [("bash", "complete -F"), ("zsh", "#compdef baseload"), ("fish", "complete -c baseload")] {
        let script = baseload(&["completions", shell]).expect(0).stdout;
        assert!(script.contains(word) && script.contains("detailed-exitcode"), "{shell}");
    }
    baseload(&["completions", "cmd"]).expect(2);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut child = command(&["completions", "bash"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary can be started");
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

/// A folder of zone rules with one zone, an hour and a half ahead of UTC all year.
fn zone_rules() -> Folder {
    let folder = Folder::with("tzdata.zi", "# version 2099z\n");
    folder.write("Halfway", crate::folder::fixed_zone(5400));
    folder
}

#[test]
fn tzdir_names_other_zone_rules_and_their_edition_is_told() {
    let zones = zone_rules();
    let rest = "  default: { min: 1 }\n  windows: [{ name: noon, from: \"12:00\", to: \"13:00\", min: 2 }]\n";
    let folder = Folder::with("halfway.yaml", schedule("halfway", &["a/b"], rest).replace("UTC", "Halfway"));
    let variables = [("TZDIR", zones.arg())];
    let args = [&["preview", folder.arg(), "-o", "json"], &DAY[..]].concat();
    let preview = baseload_in(&args, &variables).expect(0).json();
    assert_eq!(preview["tzdb"], "2099z");
    assert_eq!(preview["targets"][0]["segments"][1]["from"], "2026-11-20T10:30:00Z");
    let version = baseload_in(&["--version"], &variables).expect(0).stdout;
    assert!(version.contains("2099z") && version.contains(zones.arg()), "{version}");
    let ending = baseload_in(&["validate", WEB], &variables).expect(2);
    assert!(ending.stderr.contains("Europe/Brussels"), "its one zone is another: {ending:?}");
}

#[test]
fn tzdir_is_refused_where_it_holds_no_zone_rules() {
    let empty = Folder::new();
    for folder in [empty.arg(), "/nowhere"] {
        let ending = baseload_in(&["validate", WEB], &[("TZDIR", folder)]);
        assert!(ending.code != 0 && ending.stdout.is_empty() && ending.stderr.contains("TZDIR"), "{ending:?}");
    }
}

#[test]
fn zone_rules_older_than_the_embedded_are_a_warning() {
    let zones = zone_rules();
    zones.write("tzdata.zi", "# version 2019c\n");
    let folder = Folder::with("halfway.yaml", constant(&["a/b"], 1).replace("UTC", "Halfway"));
    for args in [&["validate", folder.arg()][..], &["preview", folder.arg(), "-o", "json"]] {
        let ending = baseload_in(args, &[("TZDIR", zones.arg())]).expect(0);
        assert!(ending.stderr.starts_with("warning") && ending.stderr.contains("2019c"), "{ending:?}");
    }
}
