//! Targets that come and go: globs, overlays, and schedules that let go.

use baseload_core::controller::{Fact, Settings};
use baseload_core::ecs::Operation;
use baseload_core::status::{ConditionKind, Truth};
use baseload_core::timetable::{Allowance, Allowed};
use jiff::SignedDuration;

use crate::driver::World;
use crate::scene::{account_of, always, id, office_hours, schedule, service};

fn names(world: &mut World) -> Vec<String> {
    world.status().targets.iter().map(|target| target.service.to_string()).collect()
}

#[test]
fn a_glob_picks_up_what_is_registered_and_lets_go_of_what_is_not() {
    let sim = account_of(&[("api-a", service(1, 10)), ("other", service(1, 10))]);
    let mut world = World::new(sim, &always(&["shop/api-*"], "min: 2"));
    world.run_for(10);
    assert_eq!((names(&mut world), world.min("api-a"), world.min("other")), (vec!["api-a".to_owned()], 2, 1));
    world.sim.add_service(id("api-b"), &service(1, 10));
    world.run_for(61);
    assert_eq!(world.min("api-b"), 2);
    world.deregister("api-a");
    world.run_for(61);
    assert_eq!(names(&mut world), ["api-b"]);
}

#[test]
fn what_a_glob_picks_up_is_counted_and_brought_up_without_waiting_for_the_next_glance() {
    let settings = Settings { resync: SignedDuration::from_secs(45), ..Settings::default() };
    let sim = account_of(&[("api-a", service(1, 10))]);
    let mut world = World::with(sim, &always(&["shop/api-*"], "min: 2"), settings);
    world.run_for(41);
    world.sim.add_service(id("api-b"), &service(1, 10));
    world.run_for(6); // the resync of 45 s; the next glance is that of 50 s
    assert_eq!(world.min("api-b"), 2);
}

#[test]
fn beside_a_glob_an_exact_target_that_is_not_listed_is_not_registered() {
    let mut lost = service(1, 10);
    lost.bounds = None;
    let sim = account_of(&[("api-a", service(1, 10)), ("www", lost)]);
    let mut world = World::new(sim, &always(&["shop/api-*", "www"], "min: 2"));
    world.run_for(10);
    assert!(world.controller.is_ready());
    assert_eq!(world.verdict("www"), "notRegistered");
    world.rival("www", &serde_json::json!({ "MinCapacity": 1, "MaxCapacity": 4 }));
    world.run_for(61);
    assert_eq!(world.min("www"), 2);
    world.deregister("www");
    world.run_for(61);
    assert_eq!(world.condition("www", ConditionKind::Registered), Truth::False);
}

#[test]
fn of_those_that_a_glob_matches_whom_the_operator_does_not_allow_is_left_alone() {
    let sim = account_of(&[("api-a", service(1, 10)), ("api-b", service(1, 10))]);
    let mut world = World::new(sim, &always(&["shop/api-*"], "min: 1"));
    world.limits.allowed = Allowed::only(&[Allowance::parse("shop/*-a").expect("an entry")]);
    world.edit(&always(&["shop/api-*"], "min: 2"));
    world.run_for(61);
    assert_eq!((world.min("api-a"), world.min("api-b")), (2, 1));
    assert_eq!(world.reason("api-b", ConditionKind::Synced), "NotAllowed");
    world.edit(&schedule("none", &["shop/api-*"], "suspend: true\ndefault: { min: 2 }"));
    assert_eq!(world.reason("api-a", ConditionKind::Synced), "NothingDeclared", "which is no matter of the operator's");
}

#[test]
fn a_glob_that_matches_nothing_is_ready() {
    let mut world = World::new(account_of(&[("www", service(1, 10))]), &always(&["shop/api-*"], "min: 2"));
    assert!(!world.controller.is_ready(), "it is not known yet that there is none");
    world.run_for(2);
    assert!(world.controller.is_ready());
    assert_eq!(names(&mut world), [""; 0]);
}

#[test]
fn outside_its_windows_an_overlay_leaves_its_target_with_its_last_floor() {
    let rest = "default: none
        windows: [{ name: day, from: \"08:00\", to: \"18:00\", min: 3 }]";
    let mut world = World::new(account_of(&[("www", service(1, 10))]), &schedule("over", &["www"], rest));
    world.run_for(60);
    assert_eq!(world.verdict("www"), "leftAlone");
    world.run_to("2026-11-20T08:00:01Z");
    assert_eq!(world.min("www"), 3);
    world.run_to("2026-11-20T23:00:00Z");
    assert_eq!((world.min("www"), world.verdict("www")), (3, "leftAlone".to_owned()));
    assert_eq!(world.writes.len(), 1);
}

#[test]
fn an_overlay_that_ends_gives_the_floor_back_to_the_schedule_beneath() {
    let rest = "priority: 10
        default: none
        windows: [{ name: rush, from: \"12:00\", to: \"13:00\", min: 7 }]";
    let yaml = office_hours(&["www"]) + &schedule("rush", &["www"], rest);
    let mut world = World::new(account_of(&[("www", service(1, 10))]), &yaml);
    world.run_to("2026-11-20T23:00:00Z");
    assert_eq!(world.minima("www"), [Some(3), Some(7), Some(3), Some(1)]);
}

#[test]
fn a_target_that_leaves_the_schedules_keeps_its_floor_and_is_told_once() {
    let sim = account_of(&[("www", service(1, 10)), ("api", service(1, 10))]);
    let mut world = World::new(sim, &office_hours(&["www", "api"]));
    world.run_to("2026-11-20T09:00:00Z");
    world.forget();
    world.edit(&office_hours(&["api"]));
    world.run_to("2026-11-20T20:00:00Z");
    assert_eq!((world.min("www"), world.min("api")), (3, 1));
    assert_eq!(world.count_facts(|fact| *fact == Fact::Released { target: id("www") }), 1);
    assert_eq!(names(&mut world), ["api"]);
}

#[test]
fn a_write_under_way_to_a_target_that_leaves_is_still_heard_of_and_never_doubled() {
    let sim = account_of(&[("www", service(1, 10)), ("api", service(1, 10))]);
    let mut world = World::new(sim, &office_hours(&["www", "api"]));
    world.run_to("2026-11-20T07:59:59Z");
    world.latency.write = SignedDuration::from_secs(4);
    world.run_to("2026-11-20T08:00:01Z");
    world.edit(&office_hours(&["api"]));
    world.run_for(1);
    world.edit(&always(&["www", "api"], "min: 5")); // back again, while the first write is under way
    world.run_for(60);
    assert_eq!(world.minima("www"), [Some(3), Some(5)]);
    assert_eq!(world.count_facts(|fact| matches!(fact, Fact::Released { .. })), 1);
    assert_eq!(world.count_facts(|fact| matches!(fact, Fact::Accepted { .. })), 4);
}

#[test]
fn a_suspended_schedule_leaves_its_targets_alone() {
    let yaml = office_hours(&["www"]).replace("  timezone", "  suspend: true\n  timezone");
    let mut world = World::new(account_of(&[("www", service(1, 10))]), &yaml);
    world.run_to("2026-11-20T12:00:00Z");
    assert_eq!((world.writes.len(), world.verdict("www")), (0, "leftAlone".to_owned()));
}

#[test]
fn a_new_target_in_an_edit_is_looked_at_and_brought_up_at_once() {
    let sim = account_of(&[("www", service(1, 10)), ("api", service(1, 10))]);
    let mut world = World::new(sim, &always(&["www"], "min: 2"));
    world.run_for(30);
    world.edit(&always(&["www", "api"], "min: 2"));
    world.run_for(2);
    assert_eq!(world.min("api"), 2);
}

#[test]
fn two_targets_of_one_name_in_two_clusters_are_two() {
    let sim = account_of(&[("shop/www", service(1, 10)), ("blog/www", service(1, 10))]);
    let mut world = World::new(sim, &always(&["shop/www"], "min: 2"));
    world.run_for(60);
    assert_eq!((world.min("shop/www"), world.min("blog/www")), (2, 1));
    assert_eq!(world.calls(Operation::RegisterScalableTarget), 1);
}
