//! Scheduled actions as they were declared, and the files in which they are found.
//!
//! Three kinds of file are told apart by what stands in them: the answer of `aws application-autoscaling
//! describe-scheduled-actions`, a Terraform plan or state as JSON, and a CloudFormation template. Only actions of ECS
//! services are taken; what they say is understood later.

mod cloudformation;
mod terraform;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::{Refusal, State};
use crate::model::TargetId;

/// A scheduled action as it was declared, nothing of it understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Declared {
    /// `ScheduledActionName`.
    pub name: String,
    /// `ResourceId`.
    pub resource_id: String,
    /// `Schedule`.
    pub schedule: String,
    /// `Timezone`; absent means UTC.
    pub timezone: Option<String>,
    /// `StartTime`.
    pub start: Option<Timestamp>,
    /// `EndTime`.
    pub end: Option<Timestamp>,
    /// `ScalableTargetAction.MinCapacity`.
    pub min: Option<i64>,
    /// `ScalableTargetAction.MaxCapacity`.
    pub max: Option<i64>,
}

/// All that was declared in one place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Declarations {
    /// The actions of ECS services.
    pub actions: Vec<Declared>,
    /// What stands on targets now, or before any action fires, where that is known.
    pub current: BTreeMap<TargetId, State>,
    /// What could not be read.
    pub refused: Vec<Refusal>,
}

impl Declarations {
    /// Reads a file, whichever of the three kinds it is.
    ///
    /// # Errors
    /// In one sentence without a full stop, why it is none of them.
    pub fn parse(text: &str) -> Result<Declarations, String> {
        let document = match serde_json::from_str::<Value>(text) {
            Ok(document) => document,
            Err(_) if text.trim_start().starts_with(['{', '[']) => cloudformation::of_yaml(text)
                .map_err(|_| "it begins like JSON, but cannot be read as JSON".to_owned())?,
            Err(_) => cloudformation::of_yaml(text)?,
        };
        if let Some(actions) = document.get("ScheduledActions").and_then(Value::as_array) {
            return Ok(described(actions, &document));
        }
        if let Some(values) = document.get("planned_values").or_else(|| document.get("values")) {
            return Ok(terraform::declarations(values));
        }
        if document.get("Resources").is_some_and(Value::is_object) {
            return Ok(cloudformation::declarations(&document));
        }
        let kinds = "neither the answer of describe-scheduled-actions, nor a Terraform plan as JSON (terraform show -json), \
                     nor a CloudFormation template";
        Err(format!("it is {kinds}"))
    }

    fn take(&mut self, subject: &str, declared: Result<Declared, String>) {
        match declared {
            Ok(declared) => self.actions.push(declared),
            Err(reason) => self.refused.push(Refusal::new(subject, reason)),
        }
    }

    fn take_current(&mut self, resource_id: &str, min: Option<i64>, max: Option<i64>) {
        let count = |value: Option<i64>| value.and_then(|value| u32::try_from(value).ok());
        if let Some(target) = TargetId::from_resource_id(resource_id) {
            self.current.insert(target, State { min: count(min), max: count(max) });
        }
    }
}

fn described(actions: &[Value], document: &Value) -> Declarations {
    let mut found = Declarations::default();
    for action in actions.iter().filter(|action| is_ecs(action, "ServiceNamespace", "ScalableDimension")) {
        let name = text(action, "ScheduledActionName").unwrap_or_default();
        let resource_id = text(action, "ResourceId").unwrap_or_default();
        let subject = format!("action `{name}` of {resource_id}");
        found.take(&subject, aws_action(action, resource_id));
    }
    for target in document.get("ScalableTargets").and_then(Value::as_array).into_iter().flatten() {
        if let Some(resource_id) = text(target, "ResourceId") {
            let count = |name| target.get(name).and_then(Value::as_i64);
            found.take_current(&resource_id, count("MinCapacity"), count("MaxCapacity"));
        }
    }
    found
}

/// An action with AWS's names of fields.
fn aws_action(action: &Value, resource_id: String) -> Result<Declared, String> {
    let set = action.get("ScalableTargetAction").cloned().unwrap_or_default();
    Ok(Declared {
        name: text(action, "ScheduledActionName").ok_or("it has no name")?,
        resource_id,
        schedule: text(action, "Schedule").ok_or("it has no schedule")?,
        timezone: text(action, "Timezone"),
        start: instant(action.get("StartTime"))?,
        end: instant(action.get("EndTime"))?,
        min: count(set.get("MinCapacity"))?,
        max: count(set.get("MaxCapacity"))?,
    })
}

/// Whether this is about the desired count of an ECS service; a field that is absent does not say no.
fn is_ecs(value: &Value, namespace: &str, dimension: &str) -> bool {
    let is = |field: &str, wanted: &str| text(value, field).is_none_or(|written| written == wanted);
    is(namespace, "ecs") && is(dimension, "ecs:service:DesiredCount")
}

fn text(value: &Value, field: &str) -> Option<String> {
    value.get(field).and_then(Value::as_str).map(str::to_owned)
}

/// A count of tasks, as a number or, as Terraform has it, as text; empty text is none.
fn count(value: Option<&Value>) -> Result<Option<i64>, String> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) => text.parse().map(Some).map_err(|_| format!("`{text}` is not a number of tasks")),
        Some(value) => value.as_i64().map(Some).ok_or_else(|| format!("`{value}` is not a number of tasks")),
    }
}

/// An instant as the AWS tools print it: RFC 3339, without an offset in UTC, or seconds since 1970.
fn instant(value: Option<&Value>) -> Result<Option<Timestamp>, String> {
    let refused = |text: &str| format!("`{text}` is not an instant");
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) => {
            let read = text.parse::<Timestamp>().or_else(|_| format!("{text}Z").parse());
            read.map(Some).map_err(|_| refused(text))
        }
        Some(value) => {
            let seconds = value.as_f64().and_then(|seconds| Timestamp::from_second(seconds.floor() as i64).ok());
            seconds.map(Some).ok_or_else(|| refused(&value.to_string()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_of_describe_is_read_and_other_services_are_left_out() {
        let found = Declarations::parse(
            r#"{"ScheduledActions": [
                {"ServiceNamespace": "dynamodb", "ResourceId": "table/t", "ScheduledActionName": "x", "Schedule": "rate(1 day)"},
                {"ServiceNamespace": "ecs", "ResourceId": "service/shop/www", "ScalableDimension": "ecs:service:DesiredCount",
                 "ScheduledActionName": "night", "Schedule": "cron(30 0 * * ? *)", "Timezone": "Europe/Brussels",
                 "StartTime": "2026-11-21T01:00:00+01:00", "EndTime": 1798675200.0, "CreationTime": 1636488000.5,
                 "ScalableTargetAction": {"MinCapacity": 1}}]}"#,
        );
        let expected = Declared {
            name: "night".into(),
            resource_id: "service/shop/www".into(),
            schedule: "cron(30 0 * * ? *)".into(),
            timezone: Some("Europe/Brussels".into()),
            start: "2026-11-21T00:00:00Z".parse().ok(),
            end: "2026-12-31T00:00:00Z".parse().ok(),
            min: Some(1),
            max: None,
        };
        assert_eq!(found, Ok(Declarations { actions: vec![expected], ..Declarations::default() }));
    }

    #[test]
    fn an_action_that_lacks_what_it_needs_is_named() {
        let found =
            Declarations::parse(r#"{"ScheduledActions": [{"ResourceId": "service/a/b", "ScheduledActionName": "n"}]}"#);
        let refused = found.map(|found| found.refused.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(refused, Ok(vec!["action `n` of service/a/b: it has no schedule".to_owned()]));
    }

    #[test]
    fn anything_else_is_refused() {
        for (text, reason) in [
            ("{}", "neither"),
            ("[1]", "neither"),
            ("{\"a\": ", "begins like JSON"),
            ("apiVersion: baseload/v1\n", "neither"),
            ("a: [", "YAML"),
        ] {
            let refused = Declarations::parse(text).expect_err(text);
            assert!(refused.contains(reason), "{text}: {refused}");
        }
    }
}
