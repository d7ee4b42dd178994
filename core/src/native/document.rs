//! A schedule that is being imported, and its text.

use jiff::civil::{Date, DateTime};
use serde::Serialize;

use crate::model::{Floor, TargetId};

/// A schedule, not yet checked.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) name: String,
    /// What it was made from: comment lines.
    pub(super) origin: Vec<String>,
    pub(super) targets: Vec<TargetId>,
    pub(super) zone: String,
    pub(super) default: Floor,
    pub(super) windows: Vec<Window>,
    pub(super) overrides: Vec<Override>,
}

#[derive(Clone, Debug)]
pub(super) struct Window {
    pub(super) name: String,
    /// The expression that opens it.
    pub(super) note: String,
    /// Bit 0 is Monday.
    pub(super) days: u8,
    pub(super) start: Start,
    pub(super) valid_from: Option<Date>,
    pub(super) valid_until: Option<Date>,
    pub(super) floor: Floor,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// Minutes after local midnight; `to` may be 1440.
    Daily {
        from: u16,
        to: u16,
    },
    Cron {
        cron: String,
        minutes: i64,
    },
}

#[derive(Clone, Debug)]
pub(super) struct Override {
    pub(super) name: String,
    /// The expression that begins it.
    pub(super) note: String,
    pub(super) from: DateTime,
    pub(super) to: DateTime,
    pub(super) floor: Floor,
}

impl Window {
    /// Whether `later`, of the next weekly pattern, is the same but for its dates.
    pub(super) fn continues_as(&self, later: &Window) -> bool {
        (&self.start, self.days, self.floor) == (&later.start, later.days, later.floor)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata<'a>,
    spec: Spec<'a>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    name: &'a str,
}

#[derive(Serialize)]
struct Spec<'a> {
    targets: Vec<Target<'a>>,
    timezone: &'a str,
    default: Capacity,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    windows: Vec<Item<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    overrides: Vec<Item<'a>>,
}

#[derive(Serialize)]
struct Target<'a> {
    cluster: &'a str,
    service: &'a str,
}

#[derive(Serialize)]
struct Capacity {
    min: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<u32>,
}

/// A window or an override.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Item<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    days: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cron: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_until: Option<String>,
    min: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<u32>,
}

impl Draft {
    /// The YAML document, with comments.
    pub(super) fn text(&self) -> String {
        let targets = self.targets.iter().map(|target| Target { cluster: &target.cluster, service: &target.service });
        let document = Document {
            api_version: "baseload/v1",
            kind: "ScalingSchedule",
            metadata: Metadata { name: &self.name },
            spec: Spec {
                targets: targets.collect(),
                timezone: &self.zone,
                default: Capacity { min: self.default.min, max: self.default.max },
                windows: self.windows.iter().map(window).collect(),
                overrides: self.overrides.iter().map(one_off).collect(),
            },
        };
        let yaml = serde_yaml::to_string(&document).expect("maps of plain values can be written");
        self.commented(&yaml)
    }

    /// The YAML with what it was made from above it, and above each item the expression that opens it.
    fn commented(&self, yaml: &str) -> String {
        let mut text: String = self.origin.iter().map(|line| format!("# {line}\n")).collect();
        let windows = self.windows.iter().map(|window| &window.note);
        let mut notes = windows.chain(self.overrides.iter().map(|one_off| &one_off.note));
        for line in yaml.lines() {
            if let Some(indent) = line.find("- name:") {
                let note = notes.next().filter(|note| !note.is_empty());
                text.extend(note.map(|note| format!("{}# {note}\n", &line[..indent])));
            }
            text.push_str(line);
            text.push('\n');
        }
        text
    }
}

fn window(window: &Window) -> Item<'_> {
    let mut item = Item {
        name: &window.name,
        days: days(window.days),
        valid_from: window.valid_from.map(|date| date.to_string()),
        valid_until: window.valid_until.map(|date| date.to_string()),
        min: window.floor.min,
        max: window.floor.max,
        ..Item::default()
    };
    match &window.start {
        Start::Daily { from, to } => (item.from, item.to) = (Some(clock(*from)), Some(clock(*to))),
        Start::Cron { cron, minutes } => (item.cron, item.duration) = (Some(cron.as_str()), Some(duration(*minutes))),
    }
    item
}

fn one_off(one_off: &Override) -> Item<'_> {
    let local = |at: DateTime| at.strftime("%Y-%m-%dT%H:%M").to_string();
    let (from, to) = (Some(local(one_off.from)), Some(local(one_off.to)));
    Item { name: &one_off.name, from, to, min: one_off.floor.min, max: one_off.floor.max, ..Item::default() }
}

/// `None` for every day; runs of three and more as ranges.
fn days(bits: u8) -> Option<Vec<String>> {
    const NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    if bits == 0x7f {
        return None;
    }
    let mut days = Vec::new();
    let mut day = 0;
    while day < 7 {
        let length = (day..7).take_while(|next| bits & 1 << next != 0).count();
        match length {
            0 => {}
            1 | 2 => days.extend(NAMES[day..day + length].iter().map(|name| (*name).to_owned())),
            _ => days.push(format!("{}-{}", NAMES[day], NAMES[day + length - 1])),
        }
        day += length.max(1);
    }
    Some(days)
}

fn clock(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

fn duration(minutes: i64) -> String {
    let parts = [(minutes / 1440, 'd'), (minutes / 60 % 24, 'h'), (minutes % 60, 'm')];
    parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count}{unit}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_written_as_people_do() {
        for (bits, written) in
            [(0b001_1111, "mon-fri"), (0b110_0000, "sat,sun"), (0b001_0000, "fri"), (0b101_0111, "mon-wed,fri,sun")]
        {
            assert_eq!(days(bits).map(|days| days.join(",")).as_deref(), Some(written));
        }
        assert_eq!(days(0x7f), None);
    }

    #[test]
    fn durations_name_only_what_is_there() {
        for (minutes, written) in [(90, "1h30m"), (2880, "2d"), (1441, "1d1m"), (1, "1m")] {
            assert_eq!(duration(minutes), written);
        }
    }
}
