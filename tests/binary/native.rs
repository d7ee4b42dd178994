//! `import` and `export`: from AWS's own scheduled actions to schedules, and back.

use std::fs;

use serde_json::{Value, json};

use crate::account::{Account, MOTO};
use crate::baseload::{Ending, baseload, baseload_in, command};
use crate::folder::Folder;

/// Night 1, day 3, Friday afternoon 6, on two services, made by boto3 in a region of its own.
const WEBSHOP: &str = "
ecs, scaling = (boto3.client(name, region_name='test-native') for name in ['ecs', 'application-autoscaling'])
ecs.create_cluster(clusterName='shop')
ecs.register_task_definition(family='task', containerDefinitions=[dict(name='c', image='i', memory=64)])
for service in ['www', 'api']:
    on = dict(ServiceNamespace='ecs', ResourceId=f'service/shop/{service}', ScalableDimension='ecs:service:DesiredCount')
    ecs.create_service(cluster='shop', serviceName=service, taskDefinition='task', desiredCount=3)
    scaling.register_scalable_target(MinCapacity=3, MaxCapacity=9, **on)
    for name, schedule, floor in [('night', 'cron(30 0 * * ? *)', 1), ('day', 'cron(0 9 * * ? *)', 3),
                                  ('friday', 'cron(0 14 ? * FRI *)', 6)]:
        scaling.put_scheduled_action(ScheduledActionName=name, Schedule=schedule, Timezone='Europe/Brussels',
                                     ScalableTargetAction=dict(MinCapacity=floor), **on)
";

const SPAN: [&str; 6] = ["--from", "2026-11-20", "--to", "2027-11-20", "-o", "json"];

/// One target's timetable over a year as `preview` has it, without the names of schedules and windows.
fn timetable(path: &str, service: &str) -> Vec<Value> {
    let preview = baseload(&[&["preview", path], &SPAN[..]].concat()).expect(0).json();
    let rows = preview["targets"].as_array().cloned().unwrap_or_default();
    let row = rows.into_iter().find(|row| row["service"] == service).expect("the target has a row");
    let mut runs: Vec<Value> = Vec::new();
    for segment in row["segments"].as_array().expect("a row has segments") {
        let run = json!([segment["from"], segment["min"], segment["max"]]);
        if runs.last().is_none_or(|last| last[1] != run[1] || last[2] != run[2]) {
            runs.push(run);
        }
    }
    runs
}

fn import_file(name: &str, content: &str) -> Ending {
    let folder = Folder::with(name, content);
    let file = folder.path().join(name);
    baseload(&["import", "--from-file", file.to_str().expect("a UTF-8 name")])
}

fn action(name: &str, schedule: &str, min: u32) -> Value {
    json!({"ServiceNamespace": "ecs", "ResourceId": "service/shop/www", "ScalableDimension": "ecs:service:DesiredCount",
        "ScheduledActionName": name, "Schedule": schedule, "Timezone": "Europe/Brussels",
        "ScalableTargetAction": {"MinCapacity": min}})
}

#[test]
fn the_web_shop_is_imported_from_aws_and_is_the_example() {
    MOTO.python(WEBSHOP);
    let aws = [
        ("AWS_ENDPOINT_URL", MOTO.endpoint.as_str()),
        ("AWS_REGION", "test-native"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ];
    let ending = baseload_in(&["import"], &aws).expect(0);
    assert!(ending.stderr.contains("proved: 1 schedule for 2 targets"), "{ending:?}");
    let folder = Folder::with("imported.yaml", &ending.stdout);
    baseload(&["validate", folder.arg()]).expect(0);
    for service in ["www", "api"] {
        assert_eq!(timetable(folder.arg(), service), timetable("schedules/webshop.yaml", service));
    }
    let only = baseload_in(&["import", "--target", "shop/w*", "-o", "json"], &aws).expect(0).json();
    assert_eq!((&only["targets"], &only["differences"], &only["refused"]), (&json!(1), &json!([]), &json!([])));
}

#[test]
fn an_account_without_scheduled_actions_has_nothing_to_import() {
    let account = Account::with(&["shop/www"]);
    let ending = baseload_in(&["import"], &account.environment()).expect(0);
    assert_eq!((ending.stdout.as_str(), ending.stderr.trim()), ("", "nothing was imported"));
}

#[test]
fn aws_out_of_reach_fails_and_prints_no_schedule() {
    let aws = [
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ];
    let ending = baseload_in(&["import"], &aws).expect(1);
    assert!(ending.stdout.is_empty() && ending.stderr.contains("DescribeS"), "{ending:?}");
}

#[test]
fn each_kind_of_file_gives_the_same_schedule() {
    let described =
        json!({"ScheduledActions": [action("night", "cron(30 0 * * ? *)", 1), action("day", "cron(0 9 * * ? *)", 3)]});
    let resource = |name: &str, schedule: &str, min: &str| {
        json!({"type": "aws_appautoscaling_scheduled_action", "address": name, "values": {"name": name,
            "service_namespace": "ecs", "resource_id": "service/shop/www", "schedule": schedule,
            "timezone": "Europe/Brussels", "scalable_target_action": [{"min_capacity": min, "max_capacity": ""}]}})
    };
    let resources = [resource("night", "cron(30 0 * * ? *)", "1"), resource("day", "cron(0 9 * * ? *)", "3")];
    let plan = json!({"planned_values": {"root_module": {"resources": resources}}});
    let template = "
Resources:
  Www: { Type: AWS::ECS::Service, Properties: { ServiceName: www } }
  Floor:
    Type: AWS::ApplicationAutoScaling::ScalableTarget
    Properties:
      ServiceNamespace: ecs
      ResourceId: !Sub service/shop/${Www.Name}
      MinCapacity: 3
      MaxCapacity: 9
      ScheduledActions:
        - { ScheduledActionName: night, Schedule: cron(30 0 * * ? *), Timezone: Europe/Brussels, ScalableTargetAction: { MinCapacity: 1 } }
        - { ScheduledActionName: day, Schedule: cron(0 9 * * ? *), Timezone: Europe/Brussels, ScalableTargetAction: { MinCapacity: 3 } }
";
    let expected = import_file("described.json", &described.to_string()).expect(0).stdout;
    assert!(expected.contains("- name: night\n    from: 00:30\n    to: 09:00\n    min: 1"), "{expected}");
    assert_eq!(import_file("plan.json", &plan.to_string()).expect(0).stdout, expected);
    assert_eq!(import_file("template.yaml", template).expect(0).stdout, expected);
    let mut from_stdin = assert_cmd::Command::from_std(command(&["import", "--from-file", "-"]));
    let piped = from_stdin.write_stdin(described.to_string()).output().expect("the binary can be started");
    assert_eq!(String::from_utf8(piped.stdout).expect("UTF-8"), expected);
}

#[test]
fn a_proof_that_differs_prints_the_instants_and_exits_1() {
    let edges = [("a", "cron(0 2 * * ? *)", 5), ("b", "cron(15 2 * * ? *)", 3), ("c", "cron(30 2 * * ? *)", 1)];
    let mut actions: Vec<Value> = edges.iter().map(|(name, schedule, min)| action(name, schedule, *min)).collect();
    actions.push(action("d", "cron(0 9 * * ? *)", 4));
    let ending = import_file("a.json", &json!({"ScheduledActions": actions}).to_string()).expect(1);
    assert!(ending.stderr.contains("differs: shop/www from 20") && ending.stderr.contains("not proved"), "{ending:?}");
    assert!(ending.stdout.contains("kind: ScalingSchedule"), "{ending:?}");
}

#[test]
fn an_action_that_is_not_understood_is_refused_by_name_and_its_target_left_out() {
    let actions =
        json!({"ScheduledActions": [action("odd", "cron(0 9 * * * *)", 1), action("day", "cron(0 9 * * ? *)", 3)]});
    let ending = import_file("a.json", &actions.to_string()).expect(1);
    assert_eq!(ending.stdout, "");
    assert!(ending.stderr.contains("not imported: action `odd` of shop/www: neither day of month"), "{ending:?}");
}

#[test]
fn a_file_of_another_kind_is_bad_usage() {
    for (name, content) in
        [("a.json", "{}"), ("b.yaml", "kind: ScalingSchedule\n"), ("c.json", "{\"ScheduledActions\": ")]
    {
        let ending = import_file(name, content).expect(2);
        assert!(ending.stdout.is_empty() && ending.stderr.contains(name), "{ending:?}");
    }
    baseload(&["import", "--from-file", "nowhere.json"]).expect(2);
}

#[test]
fn the_examples_are_exported_proved_and_imported_again() {
    for output in ["json", "cloudformation"] {
        let exported =
            baseload(&["export", "schedules/webshop.yaml", "--to", "scheduled-actions", "-o", output]).expect(0);
        assert!(exported.stderr.contains("proved: 6 actions on 2 targets"), "{exported:?}");
        let imported = import_file("exported", &exported.stdout).expect(0);
        let folder = Folder::with("back.yaml", &imported.stdout);
        assert_eq!(timetable(folder.arg(), "www"), timetable("schedules/webshop.yaml", "www"));
    }
}

#[test]
fn terraform_is_the_default_and_what_actions_cannot_say_stands_on_stderr() {
    let ending = baseload(&["export", "schedules"]).expect(0);
    assert!(ending.stdout.contains("resource \"aws_appautoscaling_scheduled_action\" \"shop_www_"), "{ending:?}");
    for words in ["nothing puts a floor back", "actions have no globs: shop/*", "proved: "] {
        assert!(ending.stderr.contains(words), "{words} in {}", ending.stderr);
    }
}

#[test]
fn a_target_that_no_schedule_names_is_not_exported() {
    let ending = baseload(&["export", "schedules/webshop.yaml", "--target", "shop/other"]).expect(1);
    assert!(ending.stderr.contains("not exported: shop/other: no schedule takes part"), "{ending:?}");
}

#[test]
fn the_pages_for_those_who_come_from_elsewhere_show_schedules_that_are_good() {
    let pages =
        fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/coming-from")).expect("the folder can be listed");
    for page in pages {
        let page = page.expect("the folder can be listed").path();
        let text = fs::read_to_string(&page).expect("a page is UTF-8");
        let blocks = text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
        let schedules: Vec<&str> = blocks.filter(|block| block.starts_with("apiVersion: baseload/v1")).collect();
        assert!(!schedules.is_empty(), "{}", page.display());
        let folder = Folder::with("page.yaml", schedules.join("---\n"));
        baseload(&["validate", folder.arg()]).expect(0);
    }
}
