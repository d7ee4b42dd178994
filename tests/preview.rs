//! The forms of `preview` that others read: calendars by the Python package icalendar, which nobody here wrote, and the
//! picture that the README shows.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const WEEK: [&str; 4] = ["--from", "2026-11-22T23:00:00Z", "--to", "2026-11-29T23:00:00Z"];

/// Prints each event as its start, end and title, and fails where anything is not as RFC 5545 has it.
const JUDGE: &str = r#"
import sys, icalendar
calendar = icalendar.Calendar.from_ical(sys.stdin.buffer.read())
events = calendar.walk("VEVENT")
assert not calendar.errors and not any(event.errors for event in events)
assert len({event["UID"] for event in events}) == len(events)
for event in events:
    assert event["DTSTAMP"].dt and event["DESCRIPTION"]
    print(event["DTSTART"].dt.isoformat(), event["DTEND"].dt.isoformat(), event["SUMMARY"])
"#;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn preview(schedules: &str, form: &str) -> Vec<u8> {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("baseload"));
    let command = command.current_dir(root()).args(["preview", schedules, "-o", form]).args(WEEK);
    let Output { status, stdout, .. } = command.output().expect("baseload can be run");
    assert!(status.success());
    stdout
}

/// Runs Python from `BASELOAD_PYTHON`, or from the virtual environment that the Makefile prepares.
fn judged(calendar: &[u8]) -> String {
    let named = std::env::var_os("BASELOAD_PYTHON").map(PathBuf::from);
    let python = named.unwrap_or_else(|| root().join(".venv/bin/python"));
    assert!(python.exists(), "{} is not there: run `make test`, which prepares it", python.display());
    let mut command = Command::new(python);
    let command = command.args(["-c", JUDGE]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("Python can be run");
    child.stdin.take().expect("it is piped").write_all(calendar).expect("Python reads to the end");
    let Output { status, stdout, .. } = child.wait_with_output().expect("Python ends");
    assert!(status.success());
    String::from_utf8(stdout).expect("it prints UTF-8")
}

#[test]
fn a_calendar_program_reads_every_stretch_off_the_default() {
    let events = judged(&preview("schedules/webshop.yaml", "ics"));
    let friday = "2026-11-27T13:00:00+00:00 2026-11-27T23:30:00+00:00 at least 6 tasks: shop/api, shop/www";
    assert!(events.lines().any(|event| event == friday), "{events}");
    assert_eq!(events.lines().count(), 8, "{events}"); // and seven nights
}

#[test]
fn the_week_in_the_readme_is_what_the_binary_draws() {
    let committed = std::fs::read(root().join("docs/pictures/week.svg")).expect("it is committed");
    let drawn = preview("schedules/webshop.yaml", "svg");
    assert!(committed == drawn, "`make pictures` draws it anew");
}
