//! CloudFormation templates, as JSON or YAML.
//!
//! Names that a template composes are followed as far as the template itself settles them: literals, defaults of
//! parameters, names of clusters and services that it declares. The rest only a deployment knows, and is refused.

use serde_json::{Map, Value};
use serde_yaml::Value as Yaml;

use super::{Declarations, aws_action, count};

/// How deep functions may stand in one another.
const DEEPEST: usize = 16;
/// How deep anything else may; a template needs a dozen. The parser takes quadratic time for more.
const DEEPEST_NESTING: usize = 64;
/// AWS's own limit for a template.
const MOST_BYTES: usize = 1 << 20;

/// Reads YAML, its short forms (`!Ref`) in the long one (`{"Ref": …}`).
pub(super) fn of_yaml(text: &str) -> Result<Value, String> {
    if text.len() > MOST_BYTES {
        return Err(format!("it holds {} bytes; a template has {MOST_BYTES} at most", text.len()));
    }
    if nesting(text) > DEEPEST_NESTING {
        return Err(format!("it nests deeper than {DEEPEST_NESTING} levels, as no template does"));
    }
    let yaml = serde_yaml::from_str(text).map_err(|error| format!("it is not YAML: {error}"))?;
    json_of(yaml)
}

/// The most brackets that are open at once, or dashes that begin one line: an upper bound, texts not told apart.
fn nesting(text: &str) -> usize {
    let mut open = 0_usize;
    let brackets = text.bytes().map(|byte| {
        match byte {
            b'[' | b'{' => open += 1,
            b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        open
    });
    let dashes = text.lines().map(|line| line.split_whitespace().take_while(|word| matches!(*word, "-" | "?")).count());
    brackets.max().unwrap_or_default().max(dashes.max().unwrap_or_default())
}

fn json_of(yaml: Yaml) -> Result<Value, String> {
    Ok(match yaml {
        Yaml::Null => Value::Null,
        Yaml::Bool(value) => Value::Bool(value),
        Yaml::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => whole.into(),
            (None, Some(fraction)) => fraction.into(),
            (None, None) => Value::Null,
        },
        Yaml::String(text) => text.into(),
        Yaml::Sequence(items) => items.into_iter().map(json_of).collect::<Result<Vec<_>, _>>()?.into(),
        Yaml::Mapping(entries) => {
            let entry = |(key, value): (Yaml, Yaml)| match key {
                Yaml::String(key) => Ok((key, json_of(value)?)),
                other => Ok((serde_yaml::to_string(&other).unwrap_or_default().trim().to_owned(), json_of(value)?)),
            };
            entries.into_iter().map(entry).collect::<Result<Map<_, _>, String>>()?.into()
        }
        Yaml::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            let name = match tag.trim_start_matches('!') {
                "Ref" => "Ref".to_owned(),
                "Condition" => "Condition".to_owned(),
                function => format!("Fn::{function}"),
            };
            Value::Object(Map::from_iter([(name, json_of(tagged.value)?)]))
        }
    })
}

/// Reads every `AWS::ApplicationAutoScaling::ScalableTarget` of a template.
pub(super) fn declarations(template: &Value) -> Declarations {
    let mut found = Declarations::default();
    let resources = template.get("Resources").and_then(Value::as_object).into_iter().flatten();
    for (id, resource) in resources.filter(|(_, resource)| is_type(resource, "ApplicationAutoScaling::ScalableTarget"))
    {
        let properties = resource.get("Properties").unwrap_or(&Value::Null);
        let namespace = properties.get("ServiceNamespace").and_then(Value::as_str);
        let actions = properties.get("ScheduledActions").filter(|_| namespace.is_none_or(|name| name == "ecs"));
        if actions.is_some_and(|actions| actions.as_array().is_none_or(|actions| !actions.is_empty())) {
            read_target(template, id, resource, &mut found);
        }
    }
    found
}

fn read_target(template: &Value, id: &str, resource: &Value, found: &mut Declarations) {
    let subject = |name: &str| format!("scheduled actions of the scalable target {name}");
    if resource.get("Condition").is_some() {
        let reason = "whether it exists at all hangs on a condition; import from AWS instead".to_owned();
        return found.take(&subject(id), Err(reason));
    }
    let property = |name: &str| {
        let value = resource.get("Properties").and_then(|properties| properties.get(name));
        settle(template, value.unwrap_or(&Value::Null), 0)
    };
    let (resource_id, actions) = match (property("ResourceId"), property("ScheduledActions")) {
        (Ok(Value::String(resource_id)), Ok(Value::Array(actions))) => (resource_id, actions),
        (Err(reason), _) | (_, Err(reason)) => return found.take(&subject(id), Err(reason)),
        _ => return found.take(&subject(id), Err("it needs a text as ResourceId and a list of actions".to_owned())),
    };
    for action in &actions {
        let name = action.get("ScheduledActionName").and_then(Value::as_str).unwrap_or_default();
        let subject = format!("action `{name}` of the scalable target {id}");
        found.take(&subject, aws_action(action, resource_id.clone()));
    }
    let current = |name: &str| property(name).ok().and_then(|value| count(Some(&value)).ok().flatten());
    found.take_current(&resource_id, current("MinCapacity"), current("MaxCapacity"));
}

fn is_type(resource: &Value, kind: &str) -> bool {
    resource.get("Type").and_then(Value::as_str).and_then(|found| found.strip_prefix("AWS::")) == Some(kind)
}

/// The value with every function in it carried out.
fn settle(template: &Value, value: &Value, depth: usize) -> Result<Value, String> {
    if depth > DEEPEST {
        return Err("its functions stand too deep in one another".to_owned());
    }
    match value {
        Value::Array(items) => {
            Ok(items.iter().map(|item| settle(template, item, depth + 1)).collect::<Result<Vec<_>, _>>()?.into())
        }
        Value::Object(fields) => match fields.iter().next() {
            Some((name, argument)) if fields.len() == 1 && (name == "Ref" || name.starts_with("Fn::")) => {
                function(template, name, argument, depth + 1)
            }
            _ => {
                let settled =
                    fields.iter().map(|(name, value)| Ok((name.clone(), settle(template, value, depth + 1)?)));
                Ok(settled.collect::<Result<Map<_, _>, String>>()?.into())
            }
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(value.clone()),
    }
}

fn function(template: &Value, name: &str, argument: &Value, depth: usize) -> Result<Value, String> {
    match (name, argument) {
        ("Ref", Value::String(id)) => reference(template, id, depth),
        ("Fn::GetAtt", Value::String(path)) => attribute(template, path, depth),
        ("Fn::GetAtt", Value::Array(path)) => {
            let path: Vec<&str> = path.iter().filter_map(Value::as_str).collect();
            attribute(template, &path.join("."), depth)
        }
        ("Fn::Join", Value::Array(arguments)) => join(template, arguments, depth),
        ("Fn::Sub", Value::String(text)) => substitute(template, text, &Value::Null, depth),
        ("Fn::Sub", Value::Array(arguments)) => match arguments.as_slice() {
            [Value::String(text), names] => substitute(template, text, names, depth),
            _ => Err("Fn::Sub takes a text and a map".to_owned()),
        },
        _ => Err(format!("{name} is settled only when the stack is deployed; import from AWS instead")),
    }
}

fn reference(template: &Value, id: &str, depth: usize) -> Result<Value, String> {
    if let Some(parameter) = template.get("Parameters").and_then(|all| all.get(id)) {
        let default = parameter.get("Default").ok_or_else(|| format!("the parameter {id} has no default"))?;
        return Ok(default.clone());
    }
    match template.get("Resources").and_then(|all| all.get(id)) {
        Some(cluster) if is_type(cluster, "ECS::Cluster") => named(template, id, cluster, "ClusterName", depth),
        Some(_) | None => Err(format!("what {id} refers to is known only when the stack is deployed")),
    }
}

fn attribute(template: &Value, path: &str, depth: usize) -> Result<Value, String> {
    let open = || format!("{path} is known only when the stack is deployed");
    let (id, attribute) = path.split_once('.').ok_or_else(open)?;
    match template.get("Resources").and_then(|all| all.get(id)) {
        Some(service) if is_type(service, "ECS::Service") && attribute == "Name" => {
            named(template, id, service, "ServiceName", depth)
        }
        Some(_) | None => Err(open()),
    }
}

fn named(template: &Value, id: &str, resource: &Value, property: &str, depth: usize) -> Result<Value, String> {
    let name = resource.get("Properties").and_then(|properties| properties.get(property));
    let name = name.ok_or_else(|| format!("{id} has no {property}, so that AWS makes one up when it is deployed"))?;
    settle(template, name, depth + 1)
}

fn join(template: &Value, arguments: &[Value], depth: usize) -> Result<Value, String> {
    let [Value::String(separator), Value::Array(parts)] = arguments else {
        return Err("Fn::Join takes a separator and a list".to_owned());
    };
    let parts = parts.iter().map(|part| text_of(&settle(template, part, depth + 1)?));
    Ok(parts.collect::<Result<Vec<_>, _>>()?.join(separator).into())
}

/// Carries out `${…}` in a text: names of the map first, then as in `Ref` and `Fn::GetAtt`; `${!x}` stays `${x}`.
fn substitute(template: &Value, text: &str, names: &Value, depth: usize) -> Result<Value, String> {
    let mut whole = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, behind) = after.split_once('}').ok_or_else(|| format!("`{text}` has a `${{` without an end"))?;
        whole.push_str(before);
        let value = match (name.strip_prefix('!'), names.get(name)) {
            (Some(literal), _) => format!("${{{literal}}}").into(),
            (None, Some(value)) => settle(template, value, depth + 1)?,
            (None, None) if name.contains('.') => attribute(template, name, depth + 1)?,
            (None, None) => reference(template, name, depth + 1)?,
        };
        whole.push_str(&text_of(&value)?);
        rest = behind;
    }
    Ok((whole + rest).into())
}

fn text_of(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        other => Err(format!("`{other}` cannot be part of a text")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = "
Parameters:
  Stage: { Type: String, Default: live }
  Open: { Type: String }
Resources:
  Cluster: { Type: AWS::ECS::Cluster, Properties: { ClusterName: !Sub 'shop-${Stage}' } }
  Unnamed: { Type: AWS::ECS::Cluster }
  Www: { Type: AWS::ECS::Service, Properties: { ServiceName: www } }
  Floor:
    Type: AWS::ApplicationAutoScaling::ScalableTarget
    Properties:
      ServiceNamespace: ecs
      RoleARN: !GetAtt Role.Arn
      ResourceId: RESOURCE
      MinCapacity: 2
      MaxCapacity: !Ref Stage
      ScheduledActions:
        - ScheduledActionName: night
          Schedule: cron(30 0 * * ? *)
          Timezone: Europe/Brussels
          ScalableTargetAction: { MinCapacity: 1 }
";

    fn read(resource_id: &str) -> Declarations {
        let template = of_yaml(&TEMPLATE.replace("RESOURCE", resource_id)).expect("the template is YAML");
        declarations(&template)
    }

    #[test]
    fn names_that_the_template_settles_are_followed() {
        for resource_id in [
            "service/shop-live/www",
            "!Join [/, [service, !Ref Cluster, !GetAtt Www.Name]]",
            "!Sub 'service/${Cluster}/${Www.Name}'",
            "!Sub ['service/${c}/www', { c: !Ref Cluster }]",
            "{ 'Fn::Join': ['', ['service/shop-', { Ref: Stage }, '/', { 'Fn::GetAtt': [Www, Name] }]] }",
        ] {
            let found = read(resource_id);
            assert_eq!(found.refused, [], "{resource_id}");
            assert_eq!(found.actions[0].resource_id, "service/shop-live/www", "{resource_id}");
            assert_eq!(found.current.into_values().map(|state| state.min).collect::<Vec<_>>(), [Some(2)]);
        }
    }

    #[test]
    fn a_text_that_would_keep_the_parser_busy_for_minutes_is_refused_at_once() {
        for text in ["[".repeat(100_000), "{a: ".repeat(100_000), "- ".repeat(100_000), "a: ".repeat(1 << 20)] {
            assert!(of_yaml(&text).is_err());
        }
    }

    #[test]
    fn what_only_a_deployment_knows_is_refused_with_the_name_of_its_resource() {
        for (resource_id, reason) in [
            ("!Sub 'service/${Unnamed}/www'", "Unnamed has no ClusterName"),
            ("!Sub 'service/${Open}/www'", "parameter Open has no default"),
            ("!ImportValue shop", "Fn::ImportValue"),
            ("!Sub 'service/${AWS::StackName}/www'", "AWS::StackName"),
            ("!If [A, b, c]", "Fn::If"),
        ] {
            let found = read(resource_id);
            assert_eq!(found.actions, [], "{resource_id}");
            let refused = found.refused[0].to_string();
            assert!(refused.contains(reason) && refused.contains("target Floor"), "{resource_id}: {refused}");
        }
    }
}
