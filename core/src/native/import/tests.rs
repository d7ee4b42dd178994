//! From actions to proved schedules.

use proptest::prelude::*;

use super::*;
use crate::native::Declared;
use crate::native::firing::tests::declared;

fn imported(actions: Vec<Declared>) -> Imported {
    let settings = Import {
        zones: &Zones::embedded(),
        limits: &Limits::default(),
        now: "2026-11-21T10:20:30Z".parse().expect("an instant"),
    };
    import(&Declarations { actions, ..Declarations::default() }, &settings)
}

/// The text of an import that left nothing out and was proved.
fn proved(actions: Vec<Declared>) -> String {
    let imported = imported(actions);
    assert_eq!((&imported.refused, &imported.differences), (&vec![], &vec![]), "{}", imported.text);
    imported.text
}

fn webshop() -> Vec<Declared> {
    vec![
        declared("night", "cron(30 0 * * ? *)", 1),
        declared("day", "cron(0 9 * * ? *)", 3),
        declared("friday", "cron(0 14 ? * FRI *)", 6),
    ]
}

fn on(service: &str, actions: Vec<Declared>) -> Vec<Declared> {
    let resource_id = format!("service/shop/{service}");
    actions.into_iter().map(|action| Declared { resource_id: resource_id.clone(), ..action }).collect()
}

/// Without the comment lines at the top.
fn body(text: &str) -> &str {
    text.find("apiVersion").map_or(text, |start| &text[start..])
}

#[test]
fn night_day_and_friday_become_the_web_shop() {
    let text = proved(webshop());
    let expected = "\
apiVersion: baseload/v1
kind: ScalingSchedule
metadata:
  name: www
spec:
  targets:
  - cluster: shop
    service: www
  timezone: Europe/Brussels
  default:
    min: 3
  windows:
  # cron(30 0 * * ? *)
  - name: night
    from: 00:30
    to: 09:00
    min: 1
  # cron(0 14 ? * FRI *)
  - name: friday
    days:
    - fri
    from: 14:00
    to: 00:30
    min: 6
";
    assert_eq!(body(&text), expected);
    assert!(text.starts_with("# Imported from these scheduled actions:\n#   "), "{text}");
}

#[test]
fn targets_with_the_same_timetable_share_a_schedule_whatever_their_actions_are_called() {
    let renamed = webshop().into_iter().map(|action| Declared { name: format!("api-{}", action.name), ..action });
    let mut actions = on("www", webshop());
    actions.extend(on("api", renamed.collect()));
    actions.extend(on("batch", vec![declared("off", "cron(0 20 * * ? *)", 0), declared("on", "cron(0 8 * * ? *)", 2)]));
    let imported = imported(actions);
    assert_eq!((imported.schedules, imported.targets, imported.differences.len()), (2, 3, 0), "{}", imported.text);
}

#[test]
fn windows_are_called_as_their_actions_without_the_name_of_the_service() {
    let text =
        proved(vec![declared("www-night", "cron(30 0 * * ? *)", 1), declared("WWW day!", "cron(0 9 * * ? *)", 3)]);
    assert!(text.contains("- name: night\n"), "{text}");
}

#[test]
fn a_weekend_is_cut_at_midnights() {
    let text = proved(vec![declared("weekend", "cron(0 20 ? * FRI *)", 1), declared("week", "cron(0 7 ? * MON *)", 4)]);
    for part in [
        "min: 4",
        "    from: 20:00\n    to: 24:00\n    min: 1",
        "    - sat\n    - sun\n    from: 00:00\n    to: 24:00\n    min: 1",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

#[test]
fn a_scheduled_maximum_is_carried_over() {
    let off = Declared { max: Some(0), ..declared("off", "cron(0 20 ? * MON-FRI *)", 0) };
    let up = Declared { max: Some(4), ..declared("up", "cron(0 7 ? * MON-FRI *)", 1) };
    let text = proved(vec![off, up]);
    assert!(text.contains("min: 0\n    max: 0") || text.contains("min: 0\n  max: 0"), "{text}");
}

#[test]
fn one_off_actions_become_an_override_that_ends_where_a_recurring_one_cuts_it_short() {
    let mut actions = webshop();
    actions.push(declared("sale", "at(2026-12-26T06:00:00)", 12));
    actions.push(declared("after", "at(2026-12-27T02:00:00)", 3));
    let text = proved(actions);
    assert!(
        text.contains("  - name: sale\n    from: 2026-12-26T06:00\n    to: 2026-12-26T09:00\n    min: 12\n"),
        "{text}"
    );
    assert!(
        text.contains("  - name: after\n    from: 2026-12-27T02:00\n    to: 2026-12-27T09:00\n    min: 3\n"),
        "{text}"
    );
}

#[test]
fn one_off_actions_may_keep_another_clock() {
    let mut actions = webshop();
    let utc = |name, schedule, min| Declared { timezone: None, ..declared(name, schedule, min) };
    actions.extend([utc("up", "at(2026-12-26T10:00:00)", 12), utc("down", "at(2026-12-26T11:00:00)", 3)]);
    assert!(proved(actions).contains("from: 2026-12-26T11:00\n    to: 2026-12-26T12:00\n    min: 12"));
}

#[test]
fn a_season_becomes_windows_with_dates() {
    let bounded = |name, schedule, min| Declared {
        start: "2027-01-03T07:00:00Z".parse().ok(),
        end: "2027-01-31T19:30:00Z".parse().ok(),
        ..declared(name, schedule, min)
    };
    let mut actions = vec![declared("day", "cron(0 7 * * ? *)", 3), declared("night", "cron(0 23 * * ? *)", 1)];
    actions.push(bounded("sale", "cron(0 8 * * ? *)", 5));
    let text = proved(actions);
    assert!(text.contains("  - name: sale\n    from: 08:00\n    to: 23:00\n    validFrom: 2027-01-03\n"), "{text}");
    assert!(text.contains("validUntil: 2027-01-31"), "{text}");
}

#[test]
fn what_recurs_by_the_month_becomes_a_cron_window() {
    let actions = vec![declared("day", "cron(0 9 * * ? *)", 3), declared("payday", "cron(0 6 L * ? *)", 8)];
    let text = proved(actions);
    assert!(text.contains("cron: 0 6 L * *\n    duration: 3h\n    min: 8"), "{text}");
}

#[test]
fn what_schedules_cannot_repeat_is_covered_for_the_proof_and_said_to_end_with_it() {
    let actions = vec![declared("day", "cron(0 9 * * ? *)", 3), declared("mid", "cron(0 6 15W * ? *)", 8)];
    let imported = imported(actions);
    assert_eq!((imported.differences.len(), imported.refused.len()), (0, 0), "{}", imported.text);
    assert!(imported.notes[0].contains("import again before"), "{:?}", imported.notes);
}

#[test]
fn an_edge_that_the_clock_shows_twice_is_kept_by_the_choice_of_the_default() {
    proved(vec![declared("night", "cron(30 2 * * ? *)", 1), declared("day", "cron(30 8 * * ? *)", 3)]);
    proved(vec![declared("night", "cron(30 20 * * ? *)", 1), declared("day", "cron(30 2 * * ? *)", 3)]);
}

#[test]
fn edges_that_no_window_can_keep_fail_the_proof_on_the_day_of_the_change() {
    let imported = imported(vec![
        declared("a", "cron(0 2 * * ? *)", 5),
        declared("b", "cron(15 2 * * ? *)", 3),
        declared("c", "cron(30 2 * * ? *)", 1),
        declared("d", "cron(0 9 * * ? *)", 4),
    ]);
    assert!(!imported.differences.is_empty(), "{}", imported.text);
    for difference in &imported.differences {
        assert_eq!(difference.from.strftime("%Y-%m-%d").to_string(), "2027-10-31", "{difference:?}");
    }
}

#[test]
fn what_cannot_be_carried_over_leaves_its_target_out_and_no_other() {
    let mut actions = on("www", webshop());
    actions.extend(on("odd", vec![declared("a", "cron(0 9 * * * *)", 1), declared("b", "cron(0 9 * * ? *)", 1)]));
    let utc = |name, schedule| Declared { timezone: None, ..declared(name, schedule, 2) };
    actions.extend(on("two-zones", vec![declared("a", "cron(0 9 * * ? *)", 1), utc("b", "cron(0 20 * * ? *)")]));
    actions.extend(on(
        "seconds",
        vec![declared("a", "cron(0 9 * * ? *)", 1), declared("b", "at(2026-12-01T06:00:30)", 2)],
    ));
    actions.extend(on("max-only", vec![Declared { min: None, max: Some(4), ..declared("a", "cron(0 9 * * ? *)", 1) }]));
    actions.extend(on("too-many", vec![declared("a", "cron(0 9 * * ? *)", 5000)]));
    let imported = imported(actions);
    assert_eq!((imported.targets, imported.differences.len()), (1, 0));
    let refused: Vec<String> = imported.refused.iter().map(ToString::to_string).collect();
    for part in [
        "action `a` of shop/odd: neither day of month",
        "shop/odd: left as it is",
        "shop/two-zones: its actions recur in several time zones, Europe/Brussels, UTC",
        "shop/seconds: it changes at 2026-12-01T05:00:30Z",
        "shop/max-only: no action ever sets its minimum",
        "shop/too-many:",
    ] {
        assert!(refused.iter().any(|reason| reason.starts_with(part)), "{part}\n{refused:#?}");
    }
}

#[test]
fn what_stands_now_counts_until_the_first_firing() {
    let once = declared("once", "at(2026-12-01T06:00:00)", 5);
    let current = [(TargetId::new("shop", "www"), State { min: Some(2), max: Some(9) })].into();
    let settings = Import {
        zones: &Zones::embedded(),
        limits: &Limits::default(),
        now: "2026-11-21T10:20:30Z".parse().expect("an instant"),
    };
    let imported = import(&Declarations { actions: vec![once], current, refused: Vec::new() }, &settings);
    assert_eq!((imported.differences.len(), imported.refused.len()), (0, 0));
    assert!(imported.text.contains("default:\n    min: 5"), "{}", imported.text);
    assert!(imported.text.contains("to: 2026-12-01T06:00\n    min: 2"), "{}", imported.text);
}

#[test]
fn what_is_not_known_before_the_first_firing_is_said_not_to_be_proved() {
    let once = || vec![declared("sale", "at(2026-12-24T06:00:00)", 9)];
    let notes = imported(once()).notes;
    let until = "what holds until 2026-12-24T05:00:00Z is not known";
    assert!(matches!(&notes[..], [note] if note.contains(until)), "{notes:?}");
    assert!(imported(webshop()).notes.is_empty(), "what recurs has fired before");
}

#[test]
fn schedules_are_called_as_their_service_and_where_that_is_taken_as_cluster_and_service() {
    let mut actions = on("www", vec![declared("a", "cron(0 9 * * ? *)", 1)]);
    let elsewhere = declared("a", "cron(0 9 * * ? *)", 2);
    actions.push(Declared { resource_id: "service/other/www".into(), ..elsewhere });
    let text = proved(actions);
    assert!(text.contains("name: www\n") && text.contains("name: shop-www\n"), "{text}");
}

#[test]
fn an_action_that_ended_long_ago_has_no_say_in_the_zone() {
    let mut actions = webshop();
    let end = "2025-01-01T00:00:00Z".parse().ok();
    actions.push(Declared { timezone: None, end, ..declared("old", "cron(0 9 * * ? *)", 9) });
    assert!(proved(actions).contains("timezone: Europe/Brussels"));
}

/// Days, hour, minute, min, max.
type AnyEdge = (Vec<&'static str>, u16, u16, i64, Option<i64>);

/// Actions at times of day that no clock of Brussels skips or shows twice, no two of them at the same.
fn any_week() -> impl Strategy<Value = Vec<Declared>> {
    let days = prop::sample::subsequence(vec!["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"], 1..=7);
    let edge = (days, 4_u16..24, 0_u16..60, 0_i64..9, prop::option::of(9_i64..12));
    prop::collection::vec(edge, 1..7).prop_map(|edges| {
        let mut times = BTreeSet::new();
        let edges = edges.into_iter().filter(|(_, hour, minute, ..)| times.insert((*hour, *minute)));
        let action = |(index, (days, hour, minute, min, max)): (usize, AnyEdge)| {
            let schedule = format!("cron({minute} {hour} ? * {} *)", days.join(","));
            Declared { max, ..declared(&format!("a{index}"), &schedule, min) }
        };
        edges.enumerate().map(action).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_week_is_imported_exactly(actions in any_week()) {
        let imported = imported(actions);
        prop_assert_eq!((&imported.refused, &imported.differences), (&vec![], &vec![]), "{}", imported.text);
        prop_assert!(!imported.text.contains("overrides"), "{}", imported.text);
    }
}
