//! `diff`: what a reviewer reads before a merge, and what the shrink guard will say after it.

use serde_json::json;

use crate::baseload::{baseload, baseload_in};
use crate::folder::{Folder, constant, schedule};

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
fn the_guards_share_is_the_operators() {
    let (old, new) = (services(9, 3), services(2, 3));
    let held = |ending: crate::baseload::Ending| ending.expect(0).json()["guard"]["held"].clone();
    let args = ["diff", old.arg(), new.arg(), "-o", "json"];
    assert_eq!(held(baseload(&[&args[..], &["--shrink-guard", "80"]].concat())), json!(false));
    assert_eq!(held(baseload_in(&args, &[("BASELOAD_SHRINK_GUARD", "80")])), json!(false));
    assert_eq!(held(baseload(&args)), json!(true));
}
