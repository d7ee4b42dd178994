//! What files that nobody would write cost before they are refused: the memory of the whole process is measured.

use std::fs;
use std::process::{Command, Stdio};

use crate::folder::Folder;
use crate::support::python;

/// The most that a refusal may take, the binary's own pages included: 64 MiB as it is shipped, and what a debug build has
/// more of them.
const BOUND_MIB: u64 = if cfg!(debug_assertions) { 68 } else { 64 };
const FILE_BYTES: usize = 1 << 20;

/// How `baseload validate` ended, and the most memory that it ever took.
fn validate(folder: &Folder) -> (i32, u64) {
    const MEASURE: &str = "import resource, subprocess, sys\n\
        code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n\
        print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)\n";
    let output = Command::new(python())
        .args(["-c", MEASURE, env!("CARGO_BIN_EXE_baseload"), "validate", folder.arg()])
        .env_clear()
        .stderr(Stdio::inherit())
        .output()
        .expect("the Python that was found can be run");
    let printed = String::from_utf8(output.stdout).expect("numbers are printed");
    let (code, peak_mib) = printed.trim().split_once(' ').expect("two numbers are printed");
    (code.parse().expect("an exit code"), peak_mib.parse().expect("a number of MiB"))
}

/// As much of `head` and then `piece` again and again as fits into a file.
fn full(head: &str, piece: &str) -> String {
    let times = (FILE_BYTES - head.len()) / piece.len();
    format!("{head}{}", piece.repeat(times))
}

/// As much of it as fits into a file.
fn cut(mut text: String) -> String {
    text.truncate(FILE_BYTES);
    text
}

#[test]
fn f40_what_is_refused_takes_no_more_than_64_mib_whatever_its_shape() {
    let head = "apiVersion: baseload/v1\nkind: ScalingSchedule\nmetadata: { name: web }\nspec:\n  timezone: UTC\n";
    let keys = |prefix: &str, value: &str| cut((0..150_000).map(|n| format!("{prefix}a{n}: {value}\n")).collect());
    let refused = [
        ("a list in brackets", full("[", "a,")),
        ("a list in brackets under a key", full(&format!("{head}  targets:\n   ["), "a,")),
        ("maps in a list in brackets", full("[", "a: ,")),
        ("lists in a list in brackets", full("[", "[],")),
        ("a map in brackets", full("{", "a,")),
        ("texts in brackets", full("[", "\"\",")),
        ("anchors in brackets", full("[", "&a ")),
        ("aliases in brackets", full("[&a x,", "*a,")),
        ("tags in brackets", full("[", "! ")),
        ("colons in brackets", full("[", ": ")),
        ("brackets", full("", "[")),
        ("braces", full("", "{a: ")),
        ("dashes", full("", "- ")),
        ("questions", full("", "? ")),
        ("documents", full("", "---\n")),
        ("documents of one word", full("", "--- a\n")),
        ("documents of one field", full("", "a: 1\n---\n")),
        ("anchors", full("", "- &a x\n")),
        ("anchors with names", keys("", "&b x")),
        ("one field", full("", "a: 1\n")),
        ("unknown fields", keys("", "1")),
        (
            "unknown fields of a schedule",
            format!("{head}{}", cut(keys("  ", "1"))[..FILE_BYTES - head.len()].to_owned()),
        ),
        ("a long list", full("", "- a\n")),
        ("a list of nothing", full("", "-\n")),
        ("windows", full(&format!("{head}  windows:\n"), "  - {min: 1}\n")),
        ("targets", full(&format!("{head}  targets:\n"), "    - {}\n")),
        ("one word", full("", "a")),
        ("one text of many lines", full("", "a\n")),
        ("one quoted text", full("\"", "a\n")),
        ("comments", full("", "#\n")),
        ("tags", full("", "!a b: c\n")),
    ];
    for (what, text) in refused {
        let (code, peak_mib) = validate(&Folder::with("a.yaml", text));
        assert!(code == 2 && peak_mib < BOUND_MIB, "{what}: exit code {code}, {peak_mib} MiB");
    }
}

#[test]
fn f40_sixteen_files_of_the_largest_size_take_no_more_when_they_are_refused() {
    for (what, text) in [("a list in brackets", full("[", "a: ,")), ("unknown fields", full("", "a: 1\n"))] {
        let folder = Folder::new();
        for number in 0..16 {
            fs::write(folder.path().join(format!("{number}.yaml")), &text).expect("the folder can be written");
        }
        let (code, peak_mib) = validate(&folder);
        assert!(code == 2 && peak_mib < BOUND_MIB, "{what}: exit code {code}, {peak_mib} MiB");
    }
}

#[test]
fn as_many_targets_as_there_may_be_take_no_more_in_any_style() {
    let target = |n: usize| format!("{{\"cluster\": \"shop\", \"service\": \"service-of-a-longer-name-{n}\"}}");
    let targets: Vec<String> = (0..10_000).map(target).collect();
    let head = "apiVersion: baseload/v1\nkind: ScalingSchedule\nmetadata: { name: web }\nspec:\n  timezone: UTC\n";
    for (what, list) in [
        ("brackets", format!("[{}]", targets.join(", "))),
        ("brackets on lines of their own", format!("\n    [{}]", targets.join(",\n    "))),
        ("a list of lines", format!("\n  - {}", targets.join("\n  - "))),
    ] {
        let folder = Folder::with("a.yaml", format!("{head}  targets: {list}\n  default: {{ min: 1 }}\n"));
        let (code, peak_mib) = validate(&folder);
        assert!(code == 0 && peak_mib < BOUND_MIB, "{what}: exit code {code}, {peak_mib} MiB");
    }
}
