//! Terraform plans and states, as `terraform show -json` prints them.

use serde_json::Value;

use super::{Declarations, Declared, count, instant, is_ecs, text};

/// Reads the values of a plan or state, modules within modules.
pub(super) fn declarations(values: &Value) -> Declarations {
    let mut found = Declarations::default();
    if let Some(module) = values.get("root_module") {
        read_module(module, &mut found);
    }
    found
}

fn read_module(module: &Value, found: &mut Declarations) {
    let list = |name: &str| module.get(name).and_then(Value::as_array).into_iter().flatten();
    for resource in list("resources") {
        read_resource(resource, found);
    }
    list("child_modules").for_each(|child| read_module(child, found));
}

fn read_resource(resource: &Value, found: &mut Declarations) {
    let values = resource.get("values").unwrap_or(&Value::Null);
    if !is_ecs(values, "service_namespace", "scalable_dimension") {
        return;
    }
    match text(resource, "type").as_deref() {
        Some("aws_appautoscaling_scheduled_action") => {
            let subject = text(resource, "address").unwrap_or_default();
            found.take(&subject, action(values));
        }
        Some("aws_appautoscaling_target") => {
            let counts = ["min_capacity", "max_capacity"].map(|field| values.get(field).and_then(Value::as_i64));
            if let Some(resource_id) = text(values, "resource_id") {
                found.take_current(&resource_id, counts[0], counts[1]);
            }
        }
        Some(_) | None => {}
    }
}

fn action(values: &Value) -> Result<Declared, String> {
    let known = |field: &str| {
        text(values, field).ok_or_else(|| format!("its {field} is known only after apply; import from AWS then"))
    };
    let set = values.get("scalable_target_action").and_then(|list| list.get(0)).cloned().unwrap_or_default();
    Ok(Declared {
        name: known("name")?,
        resource_id: known("resource_id")?,
        schedule: known("schedule")?,
        timezone: text(values, "timezone"),
        start: instant(values.get("start_time"))?,
        end: instant(values.get("end_time"))?,
        min: count(set.get("min_capacity"))?,
        max: count(set.get("max_capacity"))?,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn resource(kind: &str, values: &Value) -> Value {
        json!({"type": kind, "address": format!("{kind}.it"), "values": values})
    }

    #[test]
    fn actions_are_found_in_modules_within_modules() {
        let action = json!({"name": "night", "service_namespace": "ecs", "resource_id": "service/shop/www",
            "schedule": "cron(30 0 * * ? *)", "timezone": "Europe/Brussels", "start_time": null, "end_time": "",
            "scalable_target_action": [{"min_capacity": "1", "max_capacity": ""}]});
        let target = json!({"service_namespace": "ecs", "resource_id": "service/shop/www", "min_capacity": 2, "max_capacity": 9});
        let inner = json!({"resources": [resource("aws_appautoscaling_scheduled_action", &action)]});
        let outer = json!({"resources": [resource("aws_appautoscaling_target", &target)], "child_modules": [inner]});
        let found = declarations(&json!({"root_module": {"child_modules": [outer]}}));
        assert_eq!(found.refused, []);
        assert_eq!(
            (found.actions[0].name.as_str(), found.actions[0].min, found.actions[0].max),
            ("night", Some(1), None)
        );
        assert_eq!(found.current.into_values().map(|state| state.min).collect::<Vec<_>>(), [Some(2)]);
    }

    #[test]
    fn what_is_known_only_after_apply_is_refused_by_its_address() {
        let action = json!({"name": "night", "service_namespace": "ecs", "schedule": "cron(30 0 * * ? *)"});
        let found = declarations(&json!({"root_module": {"resources":
            [resource("aws_appautoscaling_scheduled_action", &action)]}}));
        let refused = found.refused[0].to_string();
        assert!(
            refused.starts_with("aws_appautoscaling_scheduled_action.it: its resource_id is known only"),
            "{refused}"
        );
    }
}
