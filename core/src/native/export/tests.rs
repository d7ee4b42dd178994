//! From schedules to proved actions, and back.

use super::*;
use crate::native::{Declarations, Import, import};
use crate::spec::{self, Limits, Tree};

const NOW: &str = "2026-11-21T10:20:30Z";

const HEAD: &str = "\
apiVersion: baseload/v1
kind: ScalingSchedule
metadata: { name: web }
spec:
  targets: [{ cluster: shop, service: www }]
  timezone: Europe/Brussels
";

const WEEK: &str = "
  default: { min: 3 }
  windows:
    - { name: night, from: '00:30', to: '09:00', min: 1 }
    - { name: friday, days: [fri], from: '14:00', to: '00:30', min: 6 }
";

fn schedules(rest: &str) -> Schedules {
    let tree = Tree { files: [("a.yaml".into(), format!("{HEAD}{rest}").into_bytes())].into() };
    let loaded = spec::load(&tree, &Zones::embedded(), &Limits::default(), NOW.parse().expect("an instant"));
    loaded.expect("the schedule is good").schedules
}

fn exported(schedules: &Schedules) -> Exported {
    let settings = Export { zones: &Zones::embedded(), now: NOW.parse().expect("an instant") };
    export(schedules, &schedules.exact_targets(), &settings)
}

/// The actions of an export that left nothing out and was proved: name, schedule, minimum, whether it is bounded.
fn actions(rest: &str) -> Vec<String> {
    let exported = exported(&schedules(rest));
    assert_eq!((&exported.refused, &exported.differences), (&vec![], &vec![]));
    let line = |action: &ScheduledAction| {
        let bounds = [action.start, action.end].into_iter().flatten().count();
        let marks = "*".repeat(bounds);
        format!("{} {} {}{marks}", action.name, action.schedule, action.min.unwrap_or_default())
    };
    exported.targets[0].2.iter().map(line).collect()
}

#[test]
fn a_week_becomes_one_cron_for_each_edge() {
    assert_eq!(
        actions(WEEK),
        ["night cron(30 0 * * ? *) 1", "default cron(0 9 * * ? *) 3", "friday cron(0 14 ? * FRI *) 6"]
    );
}

#[test]
fn a_template_is_for_one_account_and_region() {
    let schedules = schedules(WEEK);
    let elsewhere = |target: TargetId| target.at(crate::model::Site::new("prod", "eu-west-1"));
    let home = TargetId::new("shop", "www");
    let settings = Export { zones: &Zones::embedded(), now: NOW.parse().expect("an instant") };
    let exported = export(&schedules, &[home.clone(), elsewhere(home.clone())].into(), &settings);
    let names: Vec<_> = exported.targets.iter().map(|(target, ..)| target.clone()).collect();
    assert_eq!(names, [home]);
    let refused: Vec<_> = exported.refused.iter().map(ToString::to_string).collect();
    assert!(refused.len() == 1 && refused[0].starts_with("prod/eu-west-1/shop/www"), "{refused:?}");
}

#[test]
fn recurring_actions_pause_while_an_override_holds() {
    let rest = format!("{WEEK}  overrides: [{{ name: sale, from: 2026-12-26T06:00, to: 2026-12-27T02:00, min: 12 }}]");
    assert_eq!(
        actions(&rest),
        [
            "night cron(30 0 * * ? *) 1*",
            "night-2 cron(30 0 * * ? *) 1*",
            "default cron(0 9 * * ? *) 3*",
            "default-2 cron(0 9 * * ? *) 3*",
            "friday cron(0 14 ? * FRI *) 6",
            "sale at(2026-12-26T06:00:00) 12",
            "night-3 at(2026-12-27T02:00:00) 1",
        ]
    );
}

#[test]
fn a_lead_time_becomes_an_earlier_edge_and_a_season_a_bounded_cron() {
    let lead = actions(&format!("  leadTime: 5m\n{WEEK}"));
    assert!(lead.contains(&"default cron(55 8 * * ? *) 3".to_owned()), "{lead:#?}");
    let season = actions(
        "
  default: { min: 2 }
  windows: [{ name: sale, from: '08:00', to: '20:00', validFrom: 2027-01-03, validUntil: 2027-01-31, min: 5 }]
",
    );
    assert_eq!(season, ["sale cron(0 8 * * ? *) 5**", "default cron(0 20 * * ? *) 2"]);
}

#[test]
fn an_end_that_the_clock_shows_twice_is_said_in_utc() {
    let actions = actions("  default: { min: 3 }\n  windows: [{ name: night, from: '00:30', to: '02:30', min: 1 }]\n");
    let in_utc = actions.iter().find(|action| action.contains("at(2027-10-31T01:30:00) 3"));
    assert!(in_utc.is_some(), "{actions:#?}");
}

#[test]
fn what_takes_more_actions_than_aws_allows_is_refused() {
    let exported = exported(&schedules("
  default: { min: 1 }
  windows: [{ name: odd, cron: '0 5 */2 * *', duration: 1h, min: 2 }, { name: even, cron: '0 7 1-31/3 * *', duration: 1h, min: 3 }]
"));
    let refused: Vec<String> = exported.refused.iter().map(ToString::to_string).collect();
    assert!(refused.iter().any(|reason| reason.contains("AWS allows 200")), "{refused:?}");
}

#[test]
fn what_actions_cannot_say_is_listed() {
    let schedules = schedules("  deferDuringDeployment: 30m\n  leadTime: 5m\n  priority: 4\n  default: { min: 1 }\n");
    let notes = exported(&schedules).notes.join("\n");
    for part in ["nothing puts a floor back", "lead time", "deferDuringDeployment", "priority"] {
        assert!(notes.contains(part), "{part}: {notes}");
    }
}

#[test]
fn every_rendering_comes_back_as_the_same_timetable() {
    let rest = format!("{WEEK}  overrides: [{{ name: sale, from: 2026-12-26T06:00, to: 2026-12-27T02:00, min: 12 }}]");
    let schedules = schedules(&rest);
    let exported = exported(&schedules);
    let json = serde_json::to_string(&described(&exported)).expect("a value is JSON");
    for text in [json, cloudformation(&exported)] {
        let settings =
            Import { zones: &Zones::embedded(), limits: &Limits::default(), now: NOW.parse().expect("an instant") };
        let declarations = Declarations::parse(&text).expect("what was written can be read");
        let imported = import(&declarations, &settings);
        assert_eq!((&imported.refused, &imported.differences), (&vec![], &vec![]), "{text}");
        let back = spec::load(
            &Tree { files: [("b.yaml".into(), imported.text.into_bytes())].into() },
            settings.zones,
            settings.limits,
            settings.now,
        );
        let back = back.expect("what was imported is good").schedules;
        let www = TargetId::new("shop", "www");
        let course = |schedules: &Schedules| proof::declared(schedules, &www, imported.span);
        assert_eq!(proof::differing(&course(&schedules), &course(&back)), []);
    }
}

#[test]
fn terraform_names_each_resource_once() {
    let text = terraform(&exported(&schedules(WEEK)));
    assert!(text.contains("resource \"aws_appautoscaling_scheduled_action\" \"shop_www_night\" {"), "{text}");
    assert!(
        text.contains("  schedule           = \"cron(30 0 * * ? *)\"\n  timezone           = \"Europe/Brussels\""),
        "{text}"
    );
}

#[test]
fn actions_that_say_something_else_fail_the_proof() {
    let schedules = schedules(WEEK);
    let exported = exported(&schedules);
    let (target, _, actions) = &exported.targets[0];
    let floors = Floors::of(&schedules, target, exported.span);
    let found = floors.prove(&actions[..2]).expect("they do not contradict");
    assert_eq!(found.len(), 57, "every Friday afternoon");
}
