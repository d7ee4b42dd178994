//! Which fields an object has: one table for each, from which the checker and the JSON Schema both take them, and a
//! reader that holds a map against its table.

use std::ops::Range;

use crate::spec::report::{Report, excerpt};
use crate::spec::value::describe;
use crate::spec::yaml::{Entry, Kind, Node};

/// The fields of one kind of object.
pub(super) struct Object {
    /// As a message calls it, with its article.
    pub(super) what: &'static str,
    /// Those that are required come first.
    pub(super) fields: &'static [Field],
    pub(super) choice: Choice,
}

/// One field.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) presence: Presence,
    pub(super) shape: Shape,
    /// What an editor says about it.
    pub(super) about: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    Required,
    Optional,
}

/// Which of the optional fields there must be all the same.
pub(super) enum Choice {
    Free,
    /// One of these at least.
    Any(&'static [&'static str]),
    /// All of one group, and none of the others.
    One(&'static [&'static [&'static str]]),
}

/// What a field holds, as far as a schema can say it; the checker knows more.
pub(super) enum Shape {
    /// One of these words.
    Word(&'static [&'static str]),
    /// Text that fits a regular expression.
    Text {
        pattern: &'static str,
        example: &'static str,
    },
    /// Days, hours and minutes; 0 needs no unit.
    Duration,
    /// A number of tasks.
    Tasks,
    /// Any whole number.
    Integer,
    Boolean,
    Object(&'static Object),
    /// A floor, or `none`.
    FloorOrNone,
    /// A list of one item at least.
    Items(&'static Shape),
    /// A list that may be empty, and the most that it may hold.
    Parts(&'static Object, usize),
}

pub(super) const KINDS: [&str; 3] = ["ScalingSchedule", "Calendar", "Acknowledgement"];
pub(super) const API_VERSIONS: [&str; 1] = ["baseload/v1"];
pub(super) const MOST_WINDOWS: usize = 64;
/// No rule of the format: it keeps the evaluation of a schedule cheap.
pub(super) const MOST_OVERRIDES: usize = 1000;

pub(super) const SCHEDULE_DOCUMENT: Object = Object {
    what: "a document",
    fields: &[API_VERSION, KIND, NAMED, required("spec", Shape::Object(&SCHEDULE), "The timetable.")],
    choice: Choice::Free,
};
pub(super) const CALENDAR_DOCUMENT: Object = Object {
    what: "a document",
    fields: &[API_VERSION, KIND, NAMED, required("spec", Shape::Object(&CALENDAR), "The dates.")],
    choice: Choice::Free,
};
pub(super) const ACKNOWLEDGEMENT_DOCUMENT: Object = Object {
    what: "an Acknowledgement",
    fields: &[
        API_VERSION,
        KIND,
        required("spec", Shape::Object(&ACKNOWLEDGEMENT), "What is acknowledged."),
        optional("metadata", Shape::Object(&METADATA), "What the document is called."),
    ],
    choice: Choice::Free,
};
const API_VERSION: Field = required("apiVersion", Shape::Word(&API_VERSIONS), "The edition of the format.");
const KIND: Field = required("kind", Shape::Word(&KINDS), "What the document declares.");
const NAMED: Field = required("metadata", Shape::Object(&METADATA), "What the document is called.");

pub(super) const METADATA: Object = Object {
    what: "the metadata",
    fields: &[required("name", LABEL, "Unique among the documents of its kind in the whole source; a DNS label.")],
    choice: Choice::Free,
};
pub(super) const SCHEDULE: Object = Object {
    what: "a ScalingSchedule's spec",
    fields: &[
        required("targets", Shape::Items(&Shape::Object(&TARGET)), "The services whose floor it declares."),
        required("timezone", ZONE, "The IANA name of the zone in which all its times are local. Case matters."),
        optional("default", Shape::FloorOrNone, ABOUT_DEFAULT),
        optional("windows", Shape::Parts(&WINDOW, MOST_WINDOWS), "Recurring stretches of time with their floors."),
        optional("overrides", Shape::Parts(&OVERRIDE, MOST_OVERRIDES), "One-off stretches, above every window."),
        optional(
            "aws",
            Shape::Object(&AWS),
            "The account and region of its targets; the controller's own if left out.",
        ),
        optional("leadTime", Shape::Duration, "How much earlier rises take effect, up to 24h."),
        optional("priority", Shape::Integer, "Among schedules for one target the highest wins; 0 if left out."),
        optional("suspend", Shape::Boolean, "true: this schedule takes no part; others still apply."),
        optional("deferDuringDeployment", Shape::Duration, ABOUT_DEFER),
    ],
    choice: Choice::Free,
};
pub(super) const AWS: Object = Object {
    what: "the place in AWS",
    fields: &[
        required("account", ACCOUNT, "The operator's name for the account; `--account` maps it to a role."),
        required("region", REGION, "The region, such as eu-west-1."),
    ],
    choice: Choice::Free,
};
pub(super) const TARGET: Object = Object {
    what: "a target",
    fields: &[
        required("cluster", PATTERN, "The cluster's short name, or a glob of `*` and `?`."),
        required("service", PATTERN, "The service's short name, or a glob of `*` and `?`."),
    ],
    choice: Choice::Free,
};
pub(super) const FLOOR: Object = Object {
    what: "a default",
    fields: &[required("min", Shape::Tasks, ABOUT_MIN), optional("max", Shape::Tasks, ABOUT_MAX)],
    choice: Choice::Free,
};
pub(super) const WINDOW: Object = Object {
    what: "a window",
    fields: &[
        required("name", LABEL, "Unique among the schedule's windows; a DNS label."),
        required("min", Shape::Tasks, ABOUT_MIN),
        optional("from", TIME, "When it starts, on the local clock. Goes with `to`."),
        optional("to", END_TIME, "When it ends; a time before `from` lies on the next day. 24:00 is midnight."),
        optional("cron", CRON, "When it starts: minute, hour, day of month, month, day of week. Goes with `duration`."),
        optional("duration", Shape::Duration, "How long it lasts from each start, 1m to 31d."),
        optional("days", Shape::Items(&DAY), "The days on which it starts; every day if left out."),
        optional("on", Shape::Items(&LABEL), "Calendars: it starts on dates in any of them only."),
        optional("except", Shape::Items(&LABEL), "Calendars: it starts on no date in any of them."),
        optional("validFrom", DATE, "The first date on which it may start."),
        optional("validUntil", DATE, "The last date on which it may start."),
        optional("max", Shape::Tasks, ABOUT_MAX),
    ],
    choice: Choice::One(&[&["from", "to"], &["cron", "duration"]]),
};
pub(super) const OVERRIDE: Object = Object {
    what: "an override",
    fields: &[
        required("name", LABEL, "Unique among the schedule's overrides; a DNS label."),
        required("from", DATE_TIME, "When it starts, local in `timezone`, without an offset."),
        required("to", END_DATE_TIME, "When it ends, local in `timezone`. T24:00 is midnight at the end of the day."),
        required("min", Shape::Tasks, ABOUT_MIN),
        optional(
            "max",
            Shape::Tasks,
            "The greatest number of tasks; left out, the one that holds without the override.",
        ),
    ],
    choice: Choice::Free,
};
pub(super) const CALENDAR: Object = Object {
    what: "a Calendar's spec",
    fields: &[
        optional("dates", Shape::Items(&DATE), "Local dates, in the zone of each schedule that asks."),
        optional("ics", PATH, "An iCalendar file, by its path relative to this one; its all-day events give dates."),
    ],
    choice: Choice::Any(&["dates", "ics"]),
};
pub(super) const ACKNOWLEDGEMENT: Object = Object {
    what: "an Acknowledgement's spec",
    fields: &[required("leaves", DIGEST, "The digest of the revision in force, which may be left for this one.")],
    choice: Choice::Free,
};

const ABOUT_MIN: &str = "The floor: the least number of tasks.";
const ABOUT_MAX: &str = "The greatest number of tasks, not below `min`. Where any part of a schedule declares one, \
                         its default and all its windows must.";
const ABOUT_DEFAULT: &str = "What holds outside every window and override. `none`: the schedule takes no part there. \
                             It may be left out where windows cover the whole week.";
const ABOUT_DEFER: &str = "The longest that a rise waits for a CODE_DEPLOY deployment, up to 24h; 0 if left out.";

const LABEL: Shape = Shape::Text { pattern: "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", example: "night" };
const PATTERN: Shape = Shape::Text { pattern: "^[A-Za-z0-9_*?-]{1,255}$", example: "api-*" };
const ACCOUNT: Shape = Shape::Text { pattern: "^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$", example: "prod" };
const REGION: Shape = Shape::Text { pattern: "^[a-z]+(-[a-z]+)+-[0-9]{1,2}$", example: "eu-west-1" };
const ZONE: Shape = Shape::Text { pattern: "^[A-Za-z0-9_+/-]+$", example: "Europe/Brussels" };
const TIME: Shape = Shape::Text { pattern: "^([01][0-9]|2[0-3]):[0-5][0-9]$", example: "14:00" };
const END_TIME: Shape = Shape::Text { pattern: "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$", example: "24:00" };
const DATE: Shape =
    Shape::Text { pattern: "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$", example: "2026-12-25" };
const DATE_TIME: Shape = Shape::Text {
    pattern: "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]$",
    example: "2026-11-27T06:00",
};
const END_DATE_TIME: Shape = Shape::Text {
    pattern: "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$",
    example: "2026-11-28T02:00",
};
const DAY: Shape =
    Shape::Text { pattern: "^(mon|tue|wed|thu|fri|sat|sun)(-(mon|tue|wed|thu|fri|sat|sun))?$", example: "mon-fri" };
const CRON: Shape = Shape::Text { pattern: "^\\s*\\S+(\\s+\\S+){4}\\s*$", example: "45 11 * * *" };
const PATH: Shape = Shape::Text { pattern: "^[^/\\\\][^\\\\]*$", example: "holidays.ics" };
const DIGEST: Shape = Shape::Text {
    pattern: "^[0-9a-f]{64}$",
    example: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
};

const fn required(name: &'static str, shape: Shape, about: &'static str) -> Field {
    Field { name, presence: Presence::Required, shape, about }
}

const fn optional(name: &'static str, shape: Shape, about: &'static str) -> Field {
    Field { name, presence: Presence::Optional, shape, about }
}

impl Object {
    /// Every field's name.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.fields.iter().map(|field| field.name)
    }
}

/// A map that has been held against its table.
pub(super) struct Fields<'n, 't> {
    object: &'static Object,
    entries: &'n [Entry<'t>],
    /// Of the whole map.
    pub(super) span: Range<usize>,
}

impl<'n, 't> Fields<'n, 't> {
    /// Reports what is no map, fields that are unknown and fields that are missing. `None` where it is no map.
    pub(super) fn open(node: &'n Node<'t>, object: &'static Object, report: &mut Report<'_>) -> Option<Fields<'n, 't>> {
        let Kind::Map(entries) = &node.kind else {
            let message = format!("{} must be a map of fields, but this is {}", object.what, describe(node));
            report.error("wrong-type", &node.span, message).help(known(object));
            return None;
        };
        let meant: Vec<_> = entries.iter().filter_map(|entry| unknown(entry, object, report)).collect();
        for field in object.fields.iter().filter(|field| field.presence == Presence::Required) {
            let present = entries.iter().any(|entry| entry.key == field.name);
            if !present && !meant.contains(&field.name) {
                let message = format!("{} needs the field `{}`", object.what, field.name);
                report.error("missing-field", &node.span, message);
            }
        }
        Some(Fields { object, entries, span: node.span.clone() })
    }

    /// The field's value, where the map has it.
    pub(super) fn get(&self, field: &str) -> Option<&'n Node<'t>> {
        self.entry(field).map(|entry| &entry.value)
    }

    /// Where the field's name stands.
    pub(super) fn key_span(&self, field: &str) -> Option<&'n Range<usize>> {
        self.entry(field).map(|entry| &entry.key_span)
    }

    fn entry(&self, field: &str) -> Option<&'n Entry<'t>> {
        debug_assert!(self.object.names().any(|name| name == field), "the table of {} lacks {field}", self.object.what);
        self.entries.iter().find(|entry| entry.key == field)
    }
}

/// Reports an unknown field, and returns the one that was probably meant, so that nobody complains of its absence too.
fn unknown(entry: &Entry<'_>, object: &Object, report: &mut Report<'_>) -> Option<&'static str> {
    if object.names().any(|field| entry.key == field) {
        return None;
    }
    let message = format!("{} has no field `{}`", object.what, excerpt(&entry.key));
    let meant = report.closest(&entry.key, object.names());
    let finding = report.error("unknown-field", &entry.key_span, message).help(known(object));
    if let Some(meant) = meant {
        finding.label(format!("did you mean `{meant}`?"));
    }
    meant
}

fn known(object: &Object) -> String {
    let names: Vec<_> = object.names().collect();
    format!("its fields are {}", names.join(", "))
}
