//! The text that a scrape reads, made in pieces while it is sent.
//!
//! A scrape of thousands of targets is a hundred thousand lines. They are written straight from the snapshot, a piece at
//! a time: however many slow scrapers there are, each holds one piece, and none holds up anything else.

use std::fmt::{Display, Write};
use std::sync::{Arc, LazyLock};

use baseload_core::ledger::Account;
use baseload_core::model::Site;
use baseload_core::render::push_number;
use baseload_core::status::{Condition, ConditionKind, SiteStatus, Status, TargetStatus, Truth};
use jiff::Timestamp;

use super::fleet::{desired_shortfall, running_shortfall};
use super::table::{self, Metric};

/// The size from which a piece is sent, in bytes: it stays in a processor's own cache.
const PIECE: usize = 64 * 1024;

/// The longest that one target's lines of one family are expected to be, in bytes.
const LONGEST: usize = 8 * 1024;

/// What one target contributes to a family.
enum Lines {
    /// One line, or none where the value is unknown.
    One(fn(&TargetStatus, &Account) -> Option<Value>),
    /// A line for every condition and status.
    Conditions,
}

/// A sample's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// As it is.
    Whole(u64),
    /// Thousandthseconds, shown in seconds.
    Thousandths(u64),
}

/// The families of targets, in the order in which they are served.
static FAMILIES: [(Metric, Lines); 17] = [
    (table::FLOOR, Lines::One(|target, _| whole(target.floor.as_ref()?.min))),
    (table::MIN_CAPACITY, Lines::One(|target, _| whole(target.observed?.min))),
    (table::MAX_CAPACITY, Lines::One(|target, _| whole(target.observed?.max))),
    (table::DESIRED_COUNT, Lines::One(|target, _| whole(target.counts?.desired))),
    (table::RUNNING_COUNT, Lines::One(|target, _| whole(target.counts?.running))),
    (table::DESIRED_SHORTFALL, Lines::One(|target, _| whole(desired_shortfall(target)?))),
    (table::RUNNING_SHORTFALL, Lines::One(|target, _| whole(running_shortfall(target)?))),
    (table::NEXT_CHANGE, Lines::One(|target, _| instant(target.next.as_ref()?.at))),
    (table::NEXT_FLOOR, Lines::One(|target, _| whole(target.next.as_ref()?.floor.as_ref()?.min))),
    (table::OBSERVATION, Lines::One(|target, _| instant(target.observed_at?))),
    (table::CONDITION, Lines::Conditions),
    (table::CORRECTIONS, Lines::One(|target, _| Some(Value::Whole(target.corrections)))),
    (table::FLAT, Lines::One(|_, account| Some(Value::Thousandths(account.flat)))),
    (table::DECLARED, Lines::One(|_, account| Some(Value::Thousandths(account.declared)))),
    (table::RAN, Lines::One(|_, account| Some(Value::Thousandths(account.ran)))),
    (table::BINDING, Lines::One(|_, account| Some(Value::Thousandths(account.binding)))),
    (table::EXCEEDED, Lines::One(|_, account| Some(Value::Thousandths(account.exceeded)))),
];

fn whole(count: u32) -> Option<Value> {
    Some(Value::Whole(u64::from(count)))
}

/// An instant before 1970 is none.
pub(super) fn instant(at: Timestamp) -> Option<Value> {
    u64::try_from(at.as_second()).ok().map(Value::Whole)
}

/// The pieces of one scrape, in Prometheus's text format, version 0.0.4.
pub struct Scrape {
    /// What does not belong to a target.
    head: Option<String>,
    status: Arc<Status>,
    /// Of each target that is shown: its labels, without the closing brace, and its account.
    targets: Vec<(String, Account)>,
    family: usize,
    target: usize,
    is_headed: bool,
}

impl Scrape {
    /// `head`, then every family of the targets of `status` that have an account in `accounts`, which has their order.
    pub(super) fn new(head: String, status: Arc<Status>, accounts: Vec<Account>) -> Scrape {
        let named = status.targets.iter().zip(accounts);
        let targets = named.map(|(target, account)| (labels_of(target), account)).collect();
        Scrape { head: Some(head), status, targets, family: 0, target: 0, is_headed: false }
    }

    /// Writes what the next target contributes to the family that it is the turn of.
    fn write_next(&mut self, text: &mut String) {
        let (metric, lines) = &FAMILIES[self.family];
        let Some((labels, account)) = self.targets.get(self.target) else {
            (self.family, self.target, self.is_headed) = (self.family + 1, 0, false);
            return;
        };
        let target = &self.status.targets[self.target];
        self.target += 1;
        let value = match lines {
            Lines::Conditions => None,
            Lines::One(value) => match value(target, account) {
                None => return,
                known => known,
            },
        };
        if !std::mem::replace(&mut self.is_headed, true) {
            write_header(text, metric);
        }
        match value {
            None => write_conditions(text, metric, labels, &target.conditions),
            Some(value) => {
                text.push_str(metric.name);
                text.push_str(labels);
                text.push_str("} ");
                push_value(text, value);
                text.push('\n');
            }
        }
    }
}

impl Iterator for Scrape {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        if let Some(head) = self.head.take() {
            return Some(head);
        }
        if self.family == FAMILIES.len() {
            return None;
        }
        let mut piece = String::with_capacity(PIECE + LONGEST);
        while self.family < FAMILIES.len() && piece.len() < PIECE {
            self.write_next(&mut piece);
        }
        (!piece.is_empty()).then_some(piece)
    }
}

/// What follows a target's labels on the lines of its conditions: it is the same for all targets. By kind, status, and
/// whether it is another status or this one.
static TAILS: LazyLock<[[[String; 2]; 3]; 9]> = LazyLock::new(|| {
    ConditionKind::ALL.map(|kind| {
        Truth::ALL.map(|status| {
            [0, 1].map(|value| format!(",condition=\"{}\",status=\"{}\"}} {value}\n", kind.name(), status.name()))
        })
    })
});

fn write_conditions(text: &mut String, metric: &Metric, labels: &str, conditions: &[Condition]) {
    let start = [metric.name, labels].concat();
    for ((at, kind), by_status) in ConditionKind::ALL.into_iter().enumerate().zip(TAILS.iter()) {
        let found = match conditions.get(at) {
            Some(condition) if condition.kind == kind => condition.status, // where it nearly always is
            _ => status_of(conditions, kind),
        };
        for (status, [other, this]) in Truth::ALL.into_iter().zip(by_status) {
            text.push_str(&start);
            text.push_str(if status == found { this } else { other });
        }
    }
}

/// The status of a condition; one that was never judged is unknown.
pub(super) fn status_of(conditions: &[Condition], kind: ConditionKind) -> Truth {
    conditions.iter().find(|condition| condition.kind == kind).map_or(Truth::Unknown, |condition| condition.status)
}

/// Writes a metric without labels, or nothing where its value is unknown.
pub(super) fn write_single(text: &mut String, metric: &Metric, value: Option<Value>) {
    if let Some(value) = value {
        write_header(text, metric);
        text.push_str(metric.name);
        text.push(' ');
        push_value(text, value);
        text.push('\n');
    }
}

/// Writes a line for each account and region of which the value is known.
pub(super) fn write_by_site(
    text: &mut String,
    metric: &Metric,
    sites: &[SiteStatus],
    value: impl Fn(&SiteStatus) -> Option<Value>,
) {
    let known = sites.iter().filter_map(|site| Some((&site.site, value(site)?)));
    for (index, (site, value)) in known.enumerate() {
        if index == 0 {
            write_header(text, metric);
        }
        text.push_str(metric.name);
        let mut labels = site_labels(site);
        if !labels.is_empty() {
            labels.push('}');
        }
        text.push_str(&labels);
        text.push(' ');
        push_value(text, value);
        text.push('\n');
    }
}

/// What a metric is, for people and for Prometheus.
pub(super) fn write_header(text: &mut String, metric: &Metric) {
    let Metric { name, help, kind, .. } = metric;
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {}", kind.name()); // a String takes any text
}

/// Writes one line: the metric's labels with these values.
pub(super) fn write_labelled(text: &mut String, metric: &Metric, values: &[&str], value: impl Display) {
    let mut labels = String::new();
    push_labels(&mut labels, metric.labels, values);
    let _ = writeln!(text, "{}{labels}}} {value}", metric.name); // a String takes any text
}

fn labels_of(target: &TargetStatus) -> String {
    let mut text = site_labels(&target.site);
    push_labels(&mut text, &["cluster", "service"], &[&target.cluster, &target.service]);
    text
}

/// `{account="prod",region="eu-west-1"`, ready for more; nothing at home.
fn site_labels(site: &Site) -> String {
    let mut text = String::new();
    if let (Some(account), Some(region)) = (site.account(), site.region()) {
        push_labels(&mut text, &["account", "region"], &[account, region]);
    }
    text
}

/// `{cluster="shop",service="www"`: these names with these values after what is there, ready for more.
fn push_labels(text: &mut String, names: &[&str], values: &[&str]) {
    for (name, value) in names.iter().zip(values) {
        text.push(if text.is_empty() { '{' } else { ',' });
        text.push_str(name);
        text.push_str("=\"");
        push_escaped(text, value);
        text.push('"');
    }
}

fn push_escaped(text: &mut String, value: &str) {
    if !value.contains(['\\', '"', '\n']) {
        return text.push_str(value);
    }
    for c in value.chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            c => text.push(c),
        }
    }
}

fn push_value(text: &mut String, value: Value) {
    match value {
        Value::Whole(number) => push_number(text, number),
        Value::Thousandths(thousandths) => {
            push_number(text, thousandths / 1000);
            if thousandths % 1000 != 0 {
                let _ = write!(text, ".{:03}", thousandths % 1000);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_prometheus_reads_them() {
        for (value, expected) in [
            (Value::Whole(0), "0"),
            (Value::Whole(10_203), "10203"),
            (Value::Whole(u64::MAX), "18446744073709551615"),
            (Value::Thousandths(12_000), "12"),
            (Value::Thousandths(12_034), "12.034"),
        ] {
            let mut text = String::new();
            push_value(&mut text, value);
            assert_eq!(text, expected);
        }
    }
}
