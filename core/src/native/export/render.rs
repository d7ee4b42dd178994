//! Exported actions as text: Terraform, CloudFormation, and as AWS describes them.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::Exported;
use crate::model::instant;
use crate::native::{ScheduledAction, State};

const DIMENSION: &str = "ecs:service:DesiredCount";

/// Terraform resources, for scalable targets that are declared elsewhere.
pub fn terraform(exported: &Exported) -> String {
    let mut text = "# Declare no aws_appautoscaling_target with the same capacities, or let it ignore their changes:\n\
                    #   lifecycle { ignore_changes = [min_capacity, max_capacity] }\n"
        .to_owned();
    let mut taken = BTreeSet::new();
    for (target, _, actions) in &exported.targets {
        for action in actions {
            let label =
                free(&identifier(&format!("{}_{}_{}", target.cluster, target.service, action.name)), &mut taken);
            write!(text, "\n{}", resource(&label, action)).expect("a string takes every write");
        }
    }
    text
}

fn resource(label: &str, action: &ScheduledAction) -> String {
    let mut lines = vec![
        format!("resource \"aws_appautoscaling_scheduled_action\" \"{label}\" {{"),
        format!("  name               = \"{}\"", action.name),
        "  service_namespace  = \"ecs\"".to_owned(),
        format!("  resource_id        = \"{}\"", action.target.resource_id()),
        format!("  scalable_dimension = \"{DIMENSION}\""),
        format!("  schedule           = \"{}\"", action.schedule),
        format!("  timezone           = \"{}\"", action.zone_name),
    ];
    lines.extend(action.start.map(|at| format!("  start_time         = \"{}\"", instant(at))));
    lines.extend(action.end.map(|at| format!("  end_time           = \"{}\"", instant(at))));
    lines.extend([String::new(), "  scalable_target_action {".to_owned()]);
    lines.extend(action.min.map(|min| format!("    min_capacity = {min}")));
    lines.extend(action.max.map(|max| format!("    max_capacity = {max}")));
    lines.extend(["  }".to_owned(), "}".to_owned(), String::new()]);
    lines.join("\n")
}

/// A CloudFormation template, in YAML. Actions are part of their scalable target there, and a target must say its
/// maximum: where no schedule declares one, it is a parameter of the stack.
pub fn cloudformation(exported: &Exported) -> String {
    let (mut resources, mut parameters) = (Map::new(), Map::new());
    let mut taken = BTreeSet::new();
    for (target, state, actions) in &exported.targets {
        let id = free(&camel(&format!("{}-{}", target.cluster, target.service)), &mut taken);
        let max = state.max.map_or_else(|| json!({"Ref": format!("{id}MaxCapacity")}), Value::from);
        if state.max.is_none() {
            let about = format!("The maximum capacity of {target}");
            parameters.insert(format!("{id}MaxCapacity"), json!({"Type": "Number", "Description": about}));
        }
        let properties = json!({
            "ServiceNamespace": "ecs",
            "ResourceId": target.resource_id(),
            "ScalableDimension": DIMENSION,
            "MinCapacity": state.min.unwrap_or_default(),
            "MaxCapacity": max,
            "ScheduledActions": actions.iter().map(fields).collect::<Vec<_>>(),
        });
        let kind = "AWS::ApplicationAutoScaling::ScalableTarget";
        resources.insert(id, json!({"Type": kind, "Properties": properties}));
    }
    let mut template = json!({"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources});
    if !parameters.is_empty() {
        template["Parameters"] = parameters.into();
    }
    serde_yaml::to_string(&template).expect("maps of plain values can be written")
}

/// As `describe-scheduled-actions` answers, and what stands on the targets, as `describe-scalable-targets` does.
pub fn described(exported: &Exported) -> Value {
    let action = |action: &ScheduledAction| {
        let mut fields = fields(action);
        about(&mut fields, &action.target.resource_id());
        fields
    };
    let target = |resource_id: &str, state: &State| {
        let mut fields = json!({});
        about(&mut fields, resource_id);
        capacities(&mut fields, state.min, state.max);
        fields
    };
    let all = exported.targets.iter();
    json!({
        "ScheduledActions": all.clone().flat_map(|(.., actions)| actions.iter().map(action)).collect::<Vec<_>>(),
        "ScalableTargets": all.map(|(id, state, _)| target(&id.resource_id(), state)).collect::<Vec<_>>(),
    })
}

fn about(fields: &mut Value, resource_id: &str) {
    fields["ServiceNamespace"] = "ecs".into();
    fields["ResourceId"] = resource_id.into();
    fields["ScalableDimension"] = DIMENSION.into();
}

/// What AWS and CloudFormation call alike.
fn fields(action: &ScheduledAction) -> Value {
    let mut set = json!({});
    capacities(&mut set, action.min, action.max);
    let mut fields = json!({
        "ScheduledActionName": &*action.name,
        "Schedule": &*action.schedule,
        "Timezone": &*action.zone_name,
        "ScalableTargetAction": set,
    });
    for (name, at) in [("StartTime", action.start), ("EndTime", action.end)] {
        if let Some(at) = at {
            fields[name] = instant(at).into();
        }
    }
    fields
}

fn capacities(fields: &mut Value, min: Option<u32>, max: Option<u32>) {
    for (name, capacity) in [("MinCapacity", min), ("MaxCapacity", max)] {
        if let Some(capacity) = capacity {
            fields[name] = capacity.into();
        }
    }
}

/// Letters, digits and underscores, beginning with none of the digits.
fn identifier(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if plain.starts_with(|c: char| c.is_ascii_digit()) { format!("_{plain}") } else { plain }
}

/// Letters and digits alone: `shop-www` becomes `ShopWww`.
fn camel(text: &str) -> String {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(|word| word[..1].to_ascii_uppercase() + &word[1..]).collect()
}

/// The name, or the first with a number behind it that nobody has yet.
fn free(name: &str, taken: &mut BTreeSet<String>) -> String {
    let mut free = name.to_owned();
    let mut number = 2_usize;
    while !taken.insert(free.clone()) {
        free = format!("{name}{number}");
        number += 1;
    }
    free
}
