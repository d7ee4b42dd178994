//! AWS's own scheduled actions: kept and described so that there can be a rival, and never fired.

use serde_json::{Value, json};

use super::super::Sim;
use super::super::chance;
use super::super::scaling::ScheduledAction;
use super::autoscaling::{
    asked_name, auto_scaling_page, check_ids, extended, item_key, named_target, not_found, resource_json,
};
use super::fields::{Fields, constraint};
use super::page;
use super::{OWNER, WireError, epoch_seconds};
use crate::model::TargetId;

impl Sim {
    /// An update keeps what it does not name, except for `StartTime` and `EndTime`, which it then deletes.
    pub(super) fn put_scheduled_action(&mut self, fields: &Fields<'_>) -> Result<Value, WireError> {
        let (target, now) = (named_target(fields)?, self.now);
        let name = fields.required("ScheduledActionName")?;
        let actions = &mut self.registered_mut(&target)?.scheduled_actions;
        let before = actions.get(name);
        let action = scheduled_action(fields, before, before.map_or(now, |before| before.created))?;
        actions.insert(name.to_owned(), action);
        Ok(json!({}))
    }

    pub(super) fn delete_scheduled_action(&mut self, fields: &Fields<'_>) -> Result<Value, WireError> {
        let target = named_target(fields)?;
        let name = fields.required("ScheduledActionName")?;
        let removed = self.registered_mut(&target)?.scheduled_actions.remove(name);
        removed.map(|_| json!({})).ok_or_else(|| not_found(&format!("No scheduled action found for {name}"), &target))
    }

    pub(super) fn describe_scheduled_actions(&mut self, fields: &Fields<'_>) -> Result<Value, WireError> {
        let names = fields.texts("ScheduledActionNames")?;
        check_ids("ScheduledActionNames", &names)?;
        let page = auto_scaling_page(fields)?;
        let mut items = Vec::new();
        for (id, scaling) in self.asked_scalings(fields)? {
            let actions = scaling.scheduled_actions.iter().filter(|(name, _)| asked_name(&names, name));
            items.extend(actions.map(|(name, action)| (item_key(id, name), (id, name, action))));
        }
        let (items, token) = page.cut(items);
        let items = items.into_iter().map(|(_, (id, name, action))| action_json(id, name, action));
        Ok(page::answer("ScheduledActions", items.collect(), "NextToken", token))
    }
}

fn scheduled_action(
    fields: &Fields<'_>,
    before: Option<&ScheduledAction>,
    created: jiff::Timestamp,
) -> Result<ScheduledAction, WireError> {
    let schedule = fields.text("Schedule")?.or(before.map(|before| before.schedule.as_str()));
    let schedule = schedule.ok_or_else(|| constraint("null", "Schedule", "Member must not be null"))?;
    if !["cron(", "rate(", "at("].iter().any(|form| schedule.starts_with(form)) || !schedule.ends_with(')') {
        return Err(WireError::validation(format!("Invalid schedule expression: {schedule}")));
    }
    let (min, max) = match fields.object("ScalableTargetAction")? {
        Some(bounds) => (bounds.capacity("MinCapacity")?, bounds.capacity("MaxCapacity")?),
        None => before.map_or((None, None), |before| (before.min, before.max)),
    };
    if min.is_none() && max.is_none() {
        return Err(WireError::validation("ScalableTargetAction needs MinCapacity, MaxCapacity or both"));
    }
    if min.zip(max).is_some_and(|(min, max)| min > max) {
        return Err(WireError::validation("Maximum capacity cannot be less than minimum capacity"));
    }
    let timezone = fields.text("Timezone")?.map(str::to_owned);
    Ok(ScheduledAction {
        schedule: schedule.to_owned(),
        timezone: timezone.or_else(|| before.and_then(|before| before.timezone.clone())),
        start_time: fields.raw("StartTime").cloned(),
        end_time: fields.raw("EndTime").cloned(),
        min,
        max,
        created,
    })
}

/// AWS leaves out what was never set.
fn action_json(id: &TargetId, name: &str, action: &ScheduledAction) -> Value {
    let bounds = [("MinCapacity", action.min), ("MaxCapacity", action.max)];
    let bounds: serde_json::Map<_, _> =
        bounds.into_iter().filter_map(|(key, value)| Some((key.to_owned(), json!(value?)))).collect();
    let opaque = chance::fingerprint(&item_key(id, name));
    let mut more = json!({
        "ScheduledActionName": name,
        "ScheduledActionARN": format!(
            "arn:aws:autoscaling:{OWNER}:scheduledAction:{opaque:016x}:resource/ecs/{}:scheduledActionName/{name}",
            id.resource_id()
        ),
        "Schedule": action.schedule,
        "ScalableTargetAction": bounds,
        "CreationTime": epoch_seconds(action.created),
    });
    let optional = [
        ("Timezone", action.timezone.as_ref().map(|timezone| json!(timezone))),
        ("StartTime", action.start_time.clone()),
        ("EndTime", action.end_time.clone()),
    ];
    for (key, value) in optional {
        if let Some(value) = value {
            more[key] = value;
        }
    }
    extended(resource_json(id), more)
}

#[cfg(test)]
mod tests {
    use super::super::super::ServiceSpec;
    use super::super::super::fixture::{scaling, shop};
    use super::*;

    fn put(sim: &mut Sim, more: Value) -> Result<Value, WireError> {
        scaling(sim, "PutScheduledAction", extended(json!({ "ScheduledActionName": "night" }), more))
    }

    fn described(sim: &mut Sim) -> Value {
        scaling(sim, "DescribeScheduledActions", json!({})).unwrap()["ScheduledActions"][0].clone()
    }

    #[test]
    fn an_update_keeps_the_schedule_and_deletes_start_and_end() {
        let mut sim = shop(1, &ServiceSpec::default());
        let first = json!({
            "Schedule": "cron(30 0 * * ? *)", "Timezone": "Europe/Brussels", "StartTime": 1_800_000_000,
            "ScalableTargetAction": { "MinCapacity": 1 },
        });
        put(&mut sim, first).unwrap();
        assert_eq!(described(&mut sim)["StartTime"], 1_800_000_000);
        put(&mut sim, json!({ "ScalableTargetAction": { "MinCapacity": 2 } })).unwrap();
        let action = described(&mut sim);
        assert_eq!(action["Schedule"], "cron(30 0 * * ? *)");
        assert_eq!(action["ScalableTargetAction"], json!({ "MinCapacity": 2 }));
        assert!(action["StartTime"].is_null());
    }

    #[test]
    fn an_action_without_bounds_with_crossed_bounds_or_with_a_made_up_schedule_is_refused() {
        let mut sim = shop(1, &ServiceSpec::default());
        for body in [
            json!({ "Schedule": "rate(1 hour)" }),
            json!({ "Schedule": "rate(1 hour)", "ScalableTargetAction": { "MinCapacity": 3, "MaxCapacity": 2 } }),
            json!({ "Schedule": "30 0 * * *", "ScalableTargetAction": { "MinCapacity": 3 } }),
        ] {
            assert_eq!(put(&mut sim, body).expect_err("refused").code, "ValidationException");
        }
    }

    #[test]
    fn an_action_needs_a_registered_target_and_can_be_deleted_once() {
        let mut sim = shop(1, &ServiceSpec::default());
        put(&mut sim, json!({ "Schedule": "rate(1 hour)", "ScalableTargetAction": { "MinCapacity": 3 } })).unwrap();
        let name = json!({ "ScheduledActionName": "night" });
        scaling(&mut sim, "DeleteScheduledAction", name.clone()).unwrap();
        let again = scaling(&mut sim, "DeleteScheduledAction", name).expect_err("it is gone");
        assert_eq!(again.code, "ObjectNotFoundException");
        scaling(&mut sim, "DeregisterScalableTarget", json!({})).unwrap();
        let put = put(&mut sim, json!({ "Schedule": "rate(1 hour)" })).expect_err("no target");
        assert_eq!(put.code, "ObjectNotFoundException");
    }
}
