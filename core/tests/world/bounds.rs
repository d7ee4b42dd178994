//! Minimum, maximum and desired: what is sent, what is left out, and what is withheld.

use baseload_core::controller::{ChangeKind, Fact};
use baseload_core::ecs::Action;
use baseload_core::status::{ConditionKind, Truth};
use serde_json::json;

use crate::driver::World;
use crate::scene::{account_of, always, id, office_hours, schedule, service, www};

fn world_of(bounds: (u32, u32), floor: &str) -> World {
    World::new(account_of(&[("www", service(bounds.0, bounds.1))]), &always(&["www"], floor))
}

fn sent(world: &World) -> Vec<(Option<u32>, Option<u32>)> {
    world.writes.iter().map(|write| (write.action.min, write.action.max)).collect()
}

#[test]
fn g12_a_floor_above_a_max_that_nobody_declares_goes_as_high_as_the_max_and_says_so() {
    let mut world = world_of((1, 4), "min: 6");
    world.run_for(600);
    assert_eq!(sent(&world), [(Some(4), None)]);
    assert_eq!(world.condition("www", ConditionKind::Limited), Truth::True);
    assert_eq!(world.verdict("www"), "limited");
    assert_eq!(world.target("www").corrections, 0);
}

#[test]
fn a_limited_floor_follows_the_max_when_it_is_raised_and_that_is_no_correction() {
    let mut world = world_of((1, 4), "min: 6");
    world.run_for(120);
    world.rival("www", &json!({ "MaxCapacity": 10 }));
    world.run_for(120);
    assert_eq!(world.bounds("www"), Some((6, 10)));
    assert_eq!((world.condition("www", ConditionKind::Limited), world.target("www").corrections), (Truth::False, 0));
}

#[test]
fn g12_a_declared_pair_that_crosses_the_live_one_goes_in_one_request() {
    let mut world = world_of((1, 2), "min: 5, max: 10");
    world.run_for(60);
    assert_eq!(sent(&world), [(Some(5), Some(10))]);
}

#[test]
fn g12_a_literal_zero_is_sent() {
    let mut world = world_of((1, 10), "min: 0");
    world.run_for(60);
    assert_eq!(sent(&world), [(Some(0), None)]);
}

#[test]
fn zero_to_zero_stops_every_task_and_the_morning_brings_them_back() {
    let rest = "default: { min: 1, max: 4 }
        windows: [{ name: off, from: \"20:00\", to: \"07:00\", min: 0, max: 0 }]";
    let mut world = World::new(account_of(&[("dev", service(1, 4))]), &schedule("dev", &["dev"], rest));
    world.run_to("2026-11-20T06:59:00Z");
    assert_eq!((world.bounds("dev"), world.desired("dev")), (Some((0, 0)), 0));
    world.run_to("2026-11-20T07:00:01Z");
    assert_eq!((world.bounds("dev"), world.desired("dev")), (Some((1, 4)), 1));
    assert_eq!(sent(&world), [(Some(0), Some(0)), (Some(1), Some(4))]);
}

#[test]
fn where_lowering_is_not_allowed_yet_a_rise_of_min_goes_alone_and_the_max_follows_a_look() {
    let mut world = world_of((1, 10), "min: 2, max: 10");
    world.run_for(60);
    world.rival("www", &json!({ "MinCapacity": 1 }));
    world.run_for(120); // corrected, and right after its acceptance no look is fresh
    world.forget();
    world.edit(&always(&["www"], "min: 3, max: 12"));
    world.run_for(1);
    world.edit(&always(&["www"], "min: 4, max: 8"));
    world.run_for(30);
    assert_eq!(sent(&world), [(Some(3), Some(12)), (Some(4), None), (Some(4), Some(8))]);
    assert_eq!(world.bounds("www"), Some((4, 8)));
}

#[test]
fn a_hand_edit_is_undone_once_and_counted_once() {
    let mut world = www();
    world.run_to("2026-11-20T09:00:00Z");
    world.forget();
    world.rival("www", &json!({ "MinCapacity": 2 }));
    world.run_for(600);
    assert_eq!(sent(&world), [(Some(3), None)]);
    assert_eq!(world.target("www").corrections, 1);
    assert_eq!(world.count_facts(|fact| matches!(fact, Fact::Accepted { kind: ChangeKind::Correction, .. })), 1);
}

#[test]
fn a_max_that_is_not_declared_is_nobodys_business() {
    let mut world = www();
    world.run_for(60);
    world.rival("www", &json!({ "MaxCapacity": 20 }));
    world.run_for(600);
    assert_eq!(world.writes, []);
}

#[test]
fn a_declared_max_is_put_back() {
    let mut world = world_of((2, 6), "min: 2, max: 6");
    world.run_for(60);
    world.rival("www", &json!({ "MaxCapacity": 20 }));
    world.run_for(120);
    assert_eq!((world.bounds("www"), world.target("www").corrections), (Some((2, 6)), 1));
}

#[test]
fn a_scheduled_change_is_no_correction_even_where_the_same_floor_was_held_before() {
    let mut world = www();
    world.run_to("2026-11-23T06:00:00Z");
    assert_eq!(world.target("www").corrections, 0);
    assert_eq!(world.minima("www").len(), 6);
}

#[test]
fn a_target_that_was_registered_anew_is_not_corrected_but_brought_up() {
    let mut world = www();
    world.run_to("2026-11-20T09:00:00Z");
    world.deregister("www");
    world.run_for(120);
    world.rival("www", &json!({ "MinCapacity": 1, "MaxCapacity": 10 }));
    world.run_for(120);
    assert_eq!((world.min("www"), world.target("www").corrections), (3, 0));
}

#[test]
fn g11_a_count_set_below_the_floor_by_hand_is_lifted_by_one_registration_of_the_same_min() {
    let mut world = world_of((12, 20), "min: 12");
    world.run_for(305);
    assert_eq!(world.writes, []);
    world.scale_by_hand("www", 4);
    world.run_for(5);
    assert_eq!(world.writes, []);
    world.run_for(65);
    assert_eq!(sent(&world), [(Some(12), None)]);
    assert_eq!((world.desired("www"), world.target("www").corrections), (12, 0));
    assert_eq!(world.count_facts(|fact| matches!(fact, Fact::Accepted { kind: ChangeKind::Nudge, .. })), 1);
    world.run_for(120);
    assert_eq!(world.count_facts(|fact| matches!(fact, Fact::TasksReady { .. })), 0, "the floor did not rise");
}

#[test]
fn g11_a_service_below_its_floor_says_so_until_it_is_not() {
    let mut world = world_of((12, 20), "min: 12");
    world.run_for(61);
    world.scale_by_hand("www", 4);
    world.latency.write = jiff::SignedDuration::from_secs(8);
    while world.condition("www", ConditionKind::Held) == Truth::True {
        world.run_for(1);
    }
    assert_eq!(world.desired("www"), 4);
    world.run_for(30);
    assert_eq!(world.condition("www", ConditionKind::Held), Truth::True);
}

#[test]
fn g11_nudges_keep_five_minutes_apart_however_often_the_count_is_set() {
    let mut world = world_of((12, 20), "min: 12");
    world.run_for(61);
    let began = world.at();
    while world.at().duration_since(began).as_secs() < 3600 {
        world.scale_by_hand("www", 4);
        world.run_for(10);
    }
    let times: Vec<_> = world.writes.iter().map(|write| write.at).collect();
    assert!((11..=12).contains(&times.len()), "{times:?}");
    assert!(times.windows(2).all(|pair| pair[1].duration_since(pair[0]).as_secs() >= 300), "{times:?}");
}

#[test]
fn g11_a_count_read_within_ninety_seconds_of_a_write_proves_nothing() {
    let mut world = www();
    world.run_to("2026-11-20T08:00:05Z");
    world.scale_by_hand("www", 1);
    world.forget();
    world.run_to("2026-11-20T08:01:29Z");
    assert_eq!(world.writes, []);
    world.run_to("2026-11-20T08:01:45Z");
    assert_eq!(sent(&world), [(Some(3), None)]);
}

#[test]
fn a_desired_count_above_the_live_max_withholds_every_write_that_would_cut_it() {
    let mut world = www();
    world.run_to("2026-11-20T07:30:00Z");
    world.scale_by_hand("www", 15);
    world.run_to("2026-11-20T08:30:00Z");
    assert_eq!((world.writes.len(), world.desired("www")), (0, 15));
    assert_eq!(world.verdict("www"), "withheld");
    world.scale_by_hand("www", 8);
    world.run_to("2026-11-20T08:32:00Z");
    assert_eq!((world.min("www"), world.desired("www")), (3, 8));
}

#[test]
fn a_restart_looks_at_the_count_before_its_first_write_cuts_it() {
    let mut world = www();
    world.run_to("2026-11-20T07:59:50Z");
    world.scale_by_hand("www", 15);
    world.run_to("2026-11-20T07:59:59Z");
    world.restart();
    world.run_to("2026-11-20T08:05:00Z");
    assert_eq!((world.writes.len(), world.desired("www")), (0, 15));
}

#[test]
fn where_the_max_is_declared_a_desired_count_above_it_is_cut_as_declared() {
    let mut world = world_of((1, 10), "min: 1, max: 4");
    world.scale_by_hand("www", 15);
    world.run_for(60);
    assert_eq!((world.bounds("www"), world.desired("www")), (Some((1, 4)), 4));
}

#[test]
fn f18_a_target_whose_scheduled_scaling_is_suspended_is_left_as_it_is_and_never_resumed() {
    let mut world = www();
    world.run_to("2026-11-20T07:50:00Z");
    world.rival("www", &json!({ "SuspendedState": { "ScheduledScalingSuspended": true } }));
    world.run_to("2026-11-20T12:00:00Z");
    assert_eq!((world.writes.len(), world.verdict("www")), (0, "paused".to_owned()));
    assert_eq!(world.condition("www", ConditionKind::Paused), Truth::True);
    world.rival("www", &json!({ "SuspendedState": { "ScheduledScalingSuspended": false } }));
    world.run_to("2026-11-20T12:02:00Z");
    assert_eq!((world.min("www"), world.condition("www", ConditionKind::Paused)), (3, Truth::False));
}

#[test]
fn f18_a_service_of_express_mode_is_never_written_to() {
    let mut spec = service(1, 10);
    spec.express_mode = true;
    let mut world = World::new(account_of(&[("www", spec)]), &always(&["www"], "min: 3"));
    world.run_for(600);
    assert_eq!((world.writes.len(), world.verdict("www")), (0, "leftAlone".to_owned()));
}

fn deploying(defer: &str) -> World {
    let mut spec = service(1, 10);
    spec.deployment_controller = baseload_core::ecs::DeploymentController::CodeDeploy;
    let yaml = office_hours(&["www"]).replace("  default", &format!("  {defer}\n  default"));
    let mut world = World::new(account_of(&[("www", spec)]), &yaml);
    world.run_to("2026-11-20T07:55:00Z");
    world.sim.begin_deployment(&id("www"));
    world.run_to("2026-11-20T08:01:00Z");
    world
}

#[test]
fn f18_a_rise_waits_for_a_code_deploy_deployment_where_that_is_asked_for() {
    let mut world = deploying("deferDuringDeployment: 30m");
    assert_eq!((world.writes.len(), world.verdict("www")), (0, "deferred".to_owned()));
    world.run_to("2026-11-20T08:10:00Z");
    world.sim.end_deployment(&id("www"));
    world.run_to("2026-11-20T08:10:15Z");
    assert_eq!(world.min("www"), 3);
}

#[test]
fn f18_a_rise_waits_no_longer_than_was_asked_for() {
    let mut world = deploying("deferDuringDeployment: 30m");
    world.run_to("2026-11-20T08:29:59Z");
    assert_eq!(world.writes, []);
    world.run_to("2026-11-20T08:30:01Z");
    assert_eq!(world.min("www"), 3);
}

#[test]
fn f18_without_being_asked_a_rise_waits_for_no_deployment() {
    assert_eq!(deploying("priority: 0").min("www"), 3);
}

#[test]
fn f18_a_fall_does_not_wait_for_a_deployment() {
    let mut world = deploying("deferDuringDeployment: 30m");
    world.edit(&always(&["www"], "min: 0"));
    world.run_for(10);
    let action = Action { target: id("www"), min: Some(0), max: None };
    assert_eq!(world.writes.last().map(|write| &write.action), Some(&action));
}
