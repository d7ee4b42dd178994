//! For a terminal of 80 columns.

use super::figures::{hours_of, signed_hours};
use super::{Diff, Group, Replacement, arrow, guard_told, told, why};
use crate::compare::{BeforeAndAfter, TaskTime};
use crate::guard;
use crate::model::{Span, instant};
use crate::render::words::zone_name;

const WIDTH: usize = 80;

/// The widest column of names; longer ones push their figures to the right.
const NAMES: usize = 24;

pub(super) fn text(diff: &Diff<'_>) -> String {
    let mut out = String::new();
    header(&mut out, diff);
    if diff.comparison.differing().next().is_some() {
        table(&mut out, diff);
        for group in diff.groups().iter().filter(|group| group.has_details()) {
            details(&mut out, group, diff.comparison.span);
        }
    }
    guard_section(&mut out, diff);
    out
}

fn header(out: &mut String, diff: &Diff<'_>) {
    let Span { from, to } = diff.comparison.span;
    line(out, &format!("{}.", diff.summary()));
    line(out, &format!("From {} to {}, by tzdb {}.", instant(from), instant(to), diff.tzdb));
    diff.notes().iter().for_each(|note| wrapped(out, "", "", note));
}

fn table(out: &mut String, diff: &Diff<'_>) {
    let rows: Vec<_> = diff.comparison.differing().collect();
    let names = rows.iter().map(|row| row.target.to_string().len()).max().unwrap_or(0).clamp(10, NAMES);
    let row = |name: &str, before: &str, after: &str, difference: &str, what: &str| {
        format!("{name:names$}  {before:>10}  {after:>10}  {difference:>10}  {what}")
    };
    out.push('\n');
    line(out, &row("TASK-HOURS", "BEFORE", "AFTER", "DIFFERENCE", ""));
    let figures = |time: BeforeAndAfter<TaskTime>| (hours_of(time.before), hours_of(time.after), signed_hours(time));
    for it in rows {
        let (before, after, difference) = figures(it.time);
        line(out, &row(&it.target.to_string(), &before, &after, &difference, told(it.effect)));
    }
    let (before, after, difference) = figures(diff.comparison.total);
    line(out, &row("all", &before, &after, &difference, ""));
}

fn details(out: &mut String, group: &Group<'_>, whole: Span) {
    out.push('\n');
    wrapped(out, "", "  ", &format!("{} ({}):", group.names("", ""), zone_name(&group.zone)));
    for replacement in group.replacements(whole) {
        replaced(out, &replacement);
    }
    group.remarks().iter().for_each(|remark| wrapped(out, "  ", "  ", remark));
}

fn replaced(out: &mut String, replacement: &Replacement<'_>) {
    let figures = arrow(replacement.before, replacement.after);
    let (before, after) = (why(replacement.before), why(replacement.after));
    let whys = if before == after { after } else { format!("{before} → {after}") };
    wrapped(out, "  ", "      ", &format!("{figures}  {whys}"));
    for occasion in &replacement.occasions {
        line(out, &format!("      {}", format!("{:11}  {}", occasion.hours, occasion.days).trim_start()));
    }
    if replacement.more > 0 {
        line(out, &format!("      … and {} more; -o json lists them all", replacement.more));
    }
}

fn guard_section(out: &mut String, diff: &Diff<'_>) {
    let (verdict, reasons) = guard_told(&diff.guard);
    out.push('\n');
    wrapped(out, "", "", &verdict);
    reasons.iter().for_each(|reason| wrapped(out, "- ", "  ", reason));
    if diff.guard.holds() {
        wrapped(
            out,
            "",
            "",
            "If that is meant, add this document to the new source, as a file of its own or after a line of ---:",
        );
        out.push('\n');
        out.push_str(&guard::acknowledgement(diff.revisions.before));
    }
}

/// Breaks between words; the first line begins with `first`, the others with `rest`.
fn wrapped(out: &mut String, first: &str, rest: &str, text: &str) {
    let mut current = first.to_owned();
    let mut is_empty = true;
    for word in text.split(' ') {
        if !is_empty && current.chars().count() + 1 + word.chars().count() > WIDTH {
            line(out, &current);
            current = rest.to_owned();
            is_empty = true;
        }
        if !is_empty {
            current.push(' ');
        }
        current.push_str(word);
        is_empty = false;
    }
    line(out, &current);
}

fn line(out: &mut String, text: &str) {
    out.push_str(text.trim_end());
    out.push('\n');
}
