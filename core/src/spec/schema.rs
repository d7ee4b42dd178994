//! The table of fields as JSON Schema, for editors and for checks that cannot run Baseload.
//!
//! Draft 7, because every editor knows it. It says what each field may look like; what holds between fields, documents
//! and files stays the checker's.

use serde_json::{Map, Value, json};

use crate::spec::fields::{
    ACKNOWLEDGEMENT_DOCUMENT, API_VERSIONS, CALENDAR_DOCUMENT, Choice, FLOOR, KINDS, Object, Presence,
    SCHEDULE_DOCUMENT, Shape,
};

/// The JSON Schema of one document of any kind, as text that ends with a line end.
pub fn json_schema() -> String {
    let schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Baseload",
        "description": "One document of a schedule file: a ScalingSchedule, a Calendar or an Acknowledgement.",
        "type": "object",
        "required": ["apiVersion", "kind"],
        "properties": { "apiVersion": { "enum": API_VERSIONS }, "kind": { "enum": KINDS } },
        "allOf": [
            of_kind("ScalingSchedule", &SCHEDULE_DOCUMENT),
            of_kind("Calendar", &CALENDAR_DOCUMENT),
            of_kind("Acknowledgement", &ACKNOWLEDGEMENT_DOCUMENT),
        ],
    });
    format!("{schema:#}\n")
}

fn of_kind(kind: &str, document: &Object) -> Value {
    json!({ "if": { "properties": { "kind": { "const": kind } }, "required": ["kind"] }, "then": object(document) })
}

fn object(object: &Object) -> Value {
    let required = object.fields.iter().filter(|field| field.presence == Presence::Required).map(|field| field.name);
    let properties: Map<String, Value> = object
        .fields
        .iter()
        .map(|field| {
            let mut schema = shape(&field.shape);
            schema["description"] = field.about.into();
            (field.name.to_owned(), schema)
        })
        .collect();
    let mut schema = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    let required: Vec<_> = required.collect();
    if !required.is_empty() {
        schema["required"] = required.into();
    }
    choose(&object.choice, &mut schema);
    schema
}

fn choose(choice: &Choice, schema: &mut Value) {
    match choice {
        Choice::Free => {}
        Choice::Any(names) => schema["anyOf"] = names.iter().map(|name| json!({ "required": [name] })).collect(),
        Choice::One(groups) => schema["oneOf"] = groups.iter().map(|group| only(group, groups)).collect(),
    }
}

/// All of `group`, and no field of any other.
fn only(group: &[&str], groups: &[&[&str]]) -> Value {
    let others = groups.iter().copied().flatten().filter(|name| !group.contains(name));
    let refused: Map<String, Value> = others.map(|name| ((*name).to_owned(), Value::Bool(false))).collect();
    json!({ "required": group, "properties": refused })
}

fn shape(shape: &Shape) -> Value {
    match shape {
        Shape::Word(words) => json!({ "enum": words }),
        Shape::Text { pattern, example } => json!({ "type": "string", "pattern": pattern, "examples": [example] }),
        Shape::Duration => json!({
            "type": ["string", "integer"],
            "pattern": "^(0|([0-9]{1,6}d)?([0-9]{1,6}h)?([0-9]{1,6}m)?)$",
            "minLength": 1,
            "minimum": 0,
            "maximum": 0,
            "examples": ["10h30m"],
        }),
        Shape::Tasks => json!({ "type": "integer", "minimum": 0 }),
        Shape::Integer => json!({ "type": "integer" }),
        Shape::Boolean => json!({ "type": "boolean" }),
        Shape::Object(fields) => object(fields),
        Shape::FloorOrNone => json!({ "anyOf": [object(&FLOOR), { "const": "none" }] }),
        Shape::Items(item) => json!({ "type": "array", "minItems": 1, "items": self::shape(item) }),
        Shape::Parts(item, most) => json!({ "type": "array", "maxItems": most, "items": object(item) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Files;
    use crate::spec::{Limits, Tree, load};
    use crate::timetable::Zones;

    const COMMITTED: &str = include_str!("../../../docs/schedule.schema.json");

    #[test]
    fn the_committed_schema_is_the_one_that_the_table_makes() {
        let advice = "write it anew: cargo run -- schema > docs/schedule.schema.json";
        assert!(COMMITTED == json_schema(), "docs/schedule.schema.json is not what the table of fields says; {advice}");
    }

    /// A document of each kind that has every field.
    fn complete() -> Vec<Value> {
        let window = json!({
            "name": "a", "min": 1, "max": 2, "from": "08:00", "to": "10:00", "days": ["mon-fri"], "on": ["c"],
            "except": ["c"], "validFrom": "2026-12-01", "validUntil": "2027-12-01"
        });
        let by_cron = json!({ "name": "b", "min": 1, "max": 2, "cron": "0 9 * * *", "duration": "2h" });
        let over = json!({ "name": "o", "from": "2026-12-24T08:00", "to": "2026-12-24T24:00", "min": 1, "max": 2 });
        let head = |kind: &str, spec| json!({ "apiVersion": "baseload/v1", "kind": kind, "metadata": { "name": "c" }, "spec": spec });
        vec![
            head(
                "ScalingSchedule",
                json!({
                    "aws": { "account": "prod", "region": "eu-west-1" },
                    "targets": [{ "cluster": "shop", "service": "www" }], "timezone": "Europe/Brussels",
                    "leadTime": "5m", "priority": 1, "suspend": false, "deferDuringDeployment": "30m",
                    "default": { "min": 3, "max": 4 }, "windows": [window, by_cron], "overrides": [over]
                }),
            ),
            head("Calendar", json!({ "dates": ["2027-12-25"], "ics": "c.ics" })),
            head("Acknowledgement", json!({ "leaves": "0".repeat(63) + "a" })),
        ]
    }

    fn errors(documents: &[Value]) -> usize {
        let text: Vec<String> = documents.iter().map(Value::to_string).collect();
        let calendar = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nEND:VCALENDAR\r\n".to_vec();
        let files = [("a.yaml".into(), text.join("\n---\n").into_bytes()), ("c.ics".into(), calendar)];
        let tree = Tree { files: Files::from(files) };
        let now = "2026-11-21T00:00:00Z".parse().expect("an instant");
        let limits = Limits { accounts: ["prod".into()].into(), ..Limits::default() };
        load(&tree, &Zones::embedded(), &limits, now).map_or_else(|found| found.len(), |_| 0)
    }

    /// The pointers to every value in a document, but for items of lists of plain values.
    fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
        let children: Vec<(String, &Value)> = match value {
            Value::Object(fields) => fields.iter().map(|(name, value)| (format!("{at}/{name}"), value)).collect(),
            Value::Array(items) => items.iter().enumerate().map(|(i, item)| (format!("{at}/{i}"), item)).collect(),
            _ => Vec::new(),
        };
        for (pointer, child) in children {
            pointers(child, &pointer, found);
            found.push(pointer);
        }
    }

    /// Every name of a field in a schema.
    fn names(schema: &Value, found: &mut std::collections::BTreeSet<String>) {
        match schema {
            Value::Object(members) => {
                for (key, member) in members {
                    if let ("properties", Value::Object(fields)) = (key.as_str(), member) {
                        found.extend(fields.keys().cloned());
                    }
                    names(member, found);
                }
            }
            Value::Array(members) => members.iter().for_each(|member| names(member, found)),
            _ => {}
        }
    }

    #[test]
    fn every_field_of_the_schema_is_read_by_the_checker() {
        let documents = complete();
        assert_eq!(errors(&documents), 0);
        let mut read = std::collections::BTreeSet::new();
        for (index, document) in documents.iter().enumerate() {
            let mut all = Vec::new();
            pointers(document, "", &mut all);
            for pointer in all {
                let mut damaged = documents.clone();
                *damaged[index].pointer_mut(&pointer).expect("it was listed") = json!({ "nonsense": [[]] });
                assert!(errors(&damaged) > 0, "the checker does not look at {pointer} of document {index}");
                read.extend(pointer.rsplit('/').next().map(str::to_owned));
            }
        }
        let mut known = std::collections::BTreeSet::new();
        names(&serde_json::from_str(&json_schema()).expect("JSON"), &mut known);
        assert!(known.is_subset(&read), "no document above has {:?}", known.difference(&read));
    }

    #[test]
    fn every_field_that_the_checker_takes_is_in_the_schema() {
        let schema = json_schema();
        for document in complete() {
            let mut all = Vec::new();
            pointers(&document, "", &mut all);
            for name in all.iter().filter_map(|pointer| pointer.rsplit('/').next()) {
                let is_place = name.bytes().all(|b| b.is_ascii_digit());
                assert!(is_place || schema.contains(&format!("\"{name}\": {{")), "the schema has no {name}");
            }
        }
    }
}
