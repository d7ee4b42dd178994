//! For a comment on a pull request: a line to read, a table to look at, details to open.

use std::fmt::Write;

use super::figures::{hours_of, signed_hours, signed_percent};
use super::{Diff, Group, arrow, guard_told, told, why};
use crate::compare::{BeforeAndAfter, TaskTime};
use crate::guard;
use crate::model::{Span, instant};
use crate::render::words::zone_name;

/// So many targets have a row of their own.
const MOST_ROWS: usize = 50;

/// Details are added as long as the comment stays below this; GitHub refuses one of more than 65,536 characters.
const MOST_BYTES: usize = 56_000;

pub(super) fn markdown(diff: &Diff<'_>) -> String {
    let mut out = format!("**Baseload:** {}.\n", diff.summary());
    guard_section(&mut out, diff);
    if diff.comparison.differing().next().is_some() {
        table(&mut out, diff);
        all_details(&mut out, diff);
    }
    footer(&mut out, diff);
    out
}

fn guard_section(out: &mut String, diff: &Diff<'_>) {
    let (verdict, reasons) = guard_told(&diff.guard);
    if diff.guard.held.is_none() {
        return;
    }
    let kind = if diff.guard.holds() { "WARNING" } else { "NOTE" };
    push(out, &format!("\n> [!{kind}]\n> {verdict}"));
    reasons.iter().for_each(|reason| push(out, &format!("> - {}", escaped(reason))));
    if diff.guard.holds() {
        push(
            out,
            "\nIf that is meant, add this document to the source, as a file of its own or after a line of `---`:",
        );
        push(out, &format!("\n```yaml\n{}```", guard::acknowledgement(diff.revisions.before)));
    }
}

fn table(out: &mut String, diff: &Diff<'_>) {
    push(out, "\n| target | task-hours before | after | difference | |\n| --- | ---: | ---: | ---: | --- |");
    let rows: Vec<_> = diff.comparison.differing().collect();
    for row in rows.iter().take(MOST_ROWS) {
        push(out, &table_row(&format!("`{}`", row.target), row.time, told(row.effect)));
    }
    if let more @ 1.. = rows.len().saturating_sub(MOST_ROWS) {
        push(out, &format!("| … and {more} more | | | | |"));
    }
    push(out, &table_row("**all targets**", diff.comparison.total, ""));
}

fn table_row(name: &str, time: BeforeAndAfter<TaskTime>, what: &str) -> String {
    let percent = signed_percent(time).map_or(String::new(), |percent| format!(" ({percent})"));
    let difference = signed_hours(time);
    format!("| {name} | {} | {} | {difference}{percent} | {what} |", hours_of(time.before), hours_of(time.after))
}

fn all_details(out: &mut String, diff: &Diff<'_>) {
    let groups = diff.groups();
    let groups: Vec<_> = groups.iter().filter(|group| group.has_details()).collect();
    for (index, group) in groups.iter().enumerate() {
        let details = details(group, diff.comparison.span);
        if out.len() + details.len() > MOST_BYTES {
            let left = groups.len() - index;
            push(out, &format!("\n… and {left} more groups of targets: `baseload diff` shows them on a terminal."));
            return;
        }
        out.push_str(&details);
    }
}

fn details(group: &Group<'_>, whole: Span) -> String {
    let mut out = String::new();
    let names = group.names("<code>", "</code>");
    push(&mut out, &format!("\n<details><summary>{names}: {}</summary>", told(group.effect())));
    let replacements = group.replacements(whole);
    if !replacements.is_empty() {
        push(&mut out, &format!("\n| floor | when ({}) | why |\n| --- | --- | --- |", zone_name(&group.zone)));
    }
    for it in replacements {
        let (before, after) = (why(it.before), why(it.after));
        let whys = if before == after { after } else { format!("{before} → {after}") };
        let mut when: Vec<String> =
            it.occasions.iter().map(|when| format!("{} {}", when.hours, when.days).trim().to_owned()).collect();
        if it.more > 0 {
            when.push(format!("… and {} more", it.more));
        }
        push(&mut out, &format!("| {} | {} | {whys} |", arrow(it.before, it.after), when.join("<br>")));
    }
    let remarks = group.remarks();
    if !remarks.is_empty() {
        push(&mut out, &format!("\n{}", remarks.join(" ")));
    }
    push(&mut out, "\n</details>");
    out
}

fn footer(out: &mut String, diff: &Diff<'_>) {
    let Span { from, to } = diff.comparison.span;
    let mut text = format!("From {} to {}, by tzdb {}.", instant(from), instant(to), diff.tzdb);
    for note in diff.notes() {
        write!(text, " {note}").expect("a String takes everything");
    }
    push(out, &format!("\n<sub>{text}</sub>"));
}

/// Patterns hold `*` and `_`, which would make text italic.
fn escaped(text: &str) -> String {
    text.replace('*', "\\*").replace('_', "\\_")
}

fn push(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}
