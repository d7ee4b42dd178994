//! Which fields an object has: one table for each, and a reader that holds a map against its table.

use std::ops::Range;

use crate::spec::report::{Report, excerpt};
use crate::spec::value::describe;
use crate::spec::yaml::{Entry, Kind, Node};

/// The fields of one kind of object.
pub(super) struct Object {
    /// As a message calls it, with its article.
    pub(super) what: &'static str,
    pub(super) required: &'static [&'static str],
    pub(super) optional: &'static [&'static str],
}

pub(super) const DOCUMENT: Object =
    Object { what: "a document", required: &["apiVersion", "kind", "metadata", "spec"], optional: &[] };
pub(super) const ACKNOWLEDGEMENT_DOCUMENT: Object =
    Object { what: "an Acknowledgement", required: &["apiVersion", "kind", "spec"], optional: &["metadata"] };
pub(super) const METADATA: Object = Object { what: "the metadata", required: &["name"], optional: &[] };
pub(super) const SCHEDULE: Object = Object {
    what: "a ScalingSchedule's spec",
    required: &["targets", "timezone"],
    optional: &["default", "windows", "overrides", "leadTime", "priority", "suspend", "deferDuringDeployment"],
};
pub(super) const TARGET: Object = Object { what: "a target", required: &["cluster", "service"], optional: &[] };
pub(super) const FLOOR: Object = Object { what: "a default", required: &["min"], optional: &["max"] };
pub(super) const WINDOW: Object = Object {
    what: "a window",
    required: &["name", "min"],
    optional: &["from", "to", "cron", "duration", "days", "on", "except", "validFrom", "validUntil", "max"],
};
pub(super) const OVERRIDE: Object =
    Object { what: "an override", required: &["name", "from", "to", "min"], optional: &["max"] };
pub(super) const CALENDAR: Object = Object { what: "a Calendar's spec", required: &[], optional: &["dates", "ics"] };
pub(super) const ACKNOWLEDGEMENT: Object =
    Object { what: "an Acknowledgement's spec", required: &["leaves"], optional: &[] };

/// A map that has been held against its table.
pub(super) struct Fields<'n, 't> {
    entries: &'n [Entry<'t>],
    /// Of the whole map.
    pub(super) span: Range<usize>,
}

impl<'n, 't> Fields<'n, 't> {
    /// Reports what is no map, fields that are unknown and fields that are missing. `None` where it is no map.
    pub(super) fn open(node: &'n Node<'t>, object: &Object, report: &mut Report<'_>) -> Option<Fields<'n, 't>> {
        let Kind::Map(entries) = &node.kind else {
            let message = format!("{} must be a map of fields, but this is {}", object.what, describe(node));
            report.error("wrong-type", &node.span, message).help(known(object));
            return None;
        };
        let meant: Vec<_> = entries.iter().filter_map(|entry| unknown(entry, object, report)).collect();
        for field in object.required {
            let present = entries.iter().any(|entry| entry.key == *field);
            if !present && !meant.contains(field) {
                let message = format!("{} needs the field `{field}`", object.what);
                report.error("missing-field", &node.span, message);
            }
        }
        Some(Fields { entries, span: node.span.clone() })
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
        self.entries.iter().find(|entry| entry.key == field)
    }
}

/// Reports an unknown field, and returns the one that was probably meant, so that nobody complains of its absence too.
fn unknown(entry: &Entry<'_>, object: &Object, report: &mut Report<'_>) -> Option<&'static str> {
    let fields = || object.required.iter().chain(object.optional).copied();
    if fields().any(|field| entry.key == field) {
        return None;
    }
    let message = format!("{} has no field `{}`", object.what, excerpt(&entry.key));
    let meant = report.closest(&entry.key, fields());
    let finding = report.error("unknown-field", &entry.key_span, message).help(known(object));
    if let Some(meant) = meant {
        finding.label(format!("did you mean `{meant}`?"));
    }
    meant
}

fn known(object: &Object) -> String {
    let names: Vec<_> = object.required.iter().chain(object.optional).copied().collect();
    format!("its fields are {}", names.join(", "))
}
