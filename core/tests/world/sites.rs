//! Several accounts and regions under one controller: what goes wrong in one concerns no other.

use baseload_core::controller::Fact;
use baseload_core::ecs::Operation;
use baseload_core::model::Site;
use baseload_core::sim::{Family, Fault, Lasting, Rate, Scope, ServiceSpec, Sim};
use baseload_core::status::{ConditionKind, SiteStatus, Truth};
use jiff::SignedDuration;

use crate::abroad::local;
use crate::driver::World;
use crate::scene::{account, account_of, always, id, office_hours, service};

fn prod() -> Site {
    Site::new("prod", "eu-west-1")
}

fn test() -> Site {
    Site::new("test", "us-east-1")
}

/// `shop/www` at home, in production and in test, all under office hours.
fn three() -> World {
    let names = ["shop/www", "prod/eu-west-1/shop/www", "test/us-east-1/shop/www"];
    let yaml = names.map(|name| office_hours(&[name]).replace("name: office", &schedule_name(name))).concat();
    let mut world = World::new(account_of(&[("www", service(1, 10))]), &yaml);
    world.elsewhere = [(prod(), &names[1..2]), (test(), &names[2..])]
        .map(|(site, names)| (site, account_elsewhere(names, &service(1, 10))))
        .into();
    world
}

fn schedule_name(target: &str) -> String {
    format!("name: {}", target.replace('/', "-"))
}

fn account_elsewhere(names: &[impl AsRef<str>], spec: &ServiceSpec) -> Sim {
    let mut sim = account();
    names.iter().for_each(|name| sim.add_service(local(&id(name.as_ref())), spec));
    sim
}

fn min(world: &mut World, name: &str) -> Option<u32> {
    let id = id(name);
    world.sim_at(&id.site).bounds(&local(&id)).map(|(min, _)| min)
}

fn site(world: &mut World, site: &Site) -> SiteStatus {
    let found = world.status().sites.into_iter().find(|status| status.site == *site);
    found.unwrap_or_else(|| panic!("{site} has no entry"))
}

#[test]
fn the_same_names_in_three_accounts_are_three_targets_each_with_its_own_floor() {
    let yaml = always(&["shop/www"], "min: 2")
        + &always(&["prod/eu-west-1/shop/www"], "min: 5").replace("name: always", "name: prod")
        + &always(&["test/us-east-1/shop/w*"], "min: 3").replace("name: always", "name: test");
    let mut world = World::new(account_of(&[("www", service(1, 10))]), &yaml);
    world.elsewhere = [(prod(), "prod/eu-west-1/shop/www"), (test(), "test/us-east-1/shop/www")]
        .map(|(site, name)| (site, account_elsewhere(&[name], &service(1, 10))))
        .into();
    world.run_for(30);
    let minima = ["shop/www", "prod/eu-west-1/shop/www", "test/us-east-1/shop/www"].map(|name| min(&mut world, name));
    assert_eq!(minima, [Some(2), Some(5), Some(3)]);
    assert_eq!(world.writes.len(), 3);
    let names: Vec<String> = world.status().targets.iter().map(|target| target.id().to_string()).collect();
    assert_eq!(names, ["shop/www", "prod/eu-west-1/shop/www", "test/us-east-1/shop/www"]);
}

#[test]
fn a_region_that_does_not_answer_or_a_role_that_is_denied_stops_no_other_and_recovers_by_itself() {
    for fault in [Fault::Unreachable, Fault::refuse("AccessDeniedException"), Fault::refuse("ExpiredTokenException")] {
        let mut world = three();
        world.run_for(120);
        let until = "2026-11-20T09:00:00Z".parse().expect("an instant");
        world.sim_at(&prod()).inject(Scope::Everything, fault.clone(), Lasting::Until(until));
        world.run_to("2026-11-20T08:30:00Z");
        let minima = ["shop/www", "test/us-east-1/shop/www"].map(|name| min(&mut world, name));
        assert_eq!(minima, [Some(3), Some(3)], "{fault:?}");
        assert!(world.latenesses().iter().all(|late| *late < SignedDuration::from_secs(1)), "{fault:?}");
        assert_eq!(min(&mut world, "prod/eu-west-1/shop/www"), Some(1), "{fault:?}");
        assert_eq!(world.condition("prod/eu-west-1/shop/www", ConditionKind::Synced), Truth::False, "{fault:?}");
        let failing = site(&mut world, &prod()).failing;
        assert!(failing.iter().any(|question| question.operation == "DescribeScalableTargets"), "{failing:?}");
        assert!(site(&mut world, &test()).failing.is_empty() && site(&mut world, &Site::HOME).failing.is_empty());

        world.run_to("2026-11-20T09:06:00Z"); // a refusal rests for five minutes at most
        assert_eq!(min(&mut world, "prod/eu-west-1/shop/www"), Some(3), "{fault:?}");
        assert!(site(&mut world, &prod()).failing.is_empty(), "{fault:?}");
        let told = |fact: &Fact| matches!(fact, Fact::LookRecovered { site, .. } if *site == prod());
        assert!(world.count_facts(told) > 0, "{fault:?}");
    }
}

#[test]
fn an_account_that_was_never_reached_holds_up_readiness_no_longer_than_its_first_failure() {
    let mut world = three();
    let until = "2026-11-20T09:00:00Z".parse().expect("an instant");
    world.sim_at(&prod()).inject(Scope::Everything, Fault::Unreachable, Lasting::Until(until));
    world.run_for(30);
    assert!(world.status().ready, "asked once, answered or not");
    assert_eq!(world.condition("prod/eu-west-1/shop/www", ConditionKind::Registered), Truth::Unknown);
    world.run_to("2026-11-20T09:02:00Z");
    assert_eq!(min(&mut world, "prod/eu-west-1/shop/www"), Some(3));
}

#[test]
fn an_account_that_is_throttled_delays_no_other() {
    let crowd: Vec<String> = (0..100).map(|n| format!("prod/eu-west-1/shop/s-{n:03}")).collect();
    let names: Vec<&str> = crowd.iter().map(String::as_str).collect();
    let yaml = office_hours(&["shop/www"]) + &office_hours(&names).replace("name: office", "name: prod");
    let mut world = World::new(account_of(&[("www", service(1, 10))]), &yaml);
    world.elsewhere = [(prod(), account_elsewhere(&crowd, &service(1, 10)))].into();
    world.run_to("2026-11-20T07:59:59Z");
    world.sim_at(&prod()).limit(Family::AutoScaling, Some(Rate { burst: 2, per_second: 2 }));
    world.run_to("2026-11-20T08:00:02Z");
    assert_eq!(min(&mut world, "shop/www"), Some(3));
    let (here, there) = (site(&mut world, &Site::HOME), site(&mut world, &prod()));
    assert_eq!((here.writes_waiting, here.write_rate), (0, None));
    assert!(there.writes_waiting > 50, "{there:?}");
    world.run_to("2026-11-20T08:05:00Z");
    assert!(names.iter().all(|name| min(&mut world, name) == Some(3)));
}

#[test]
fn a_glob_in_one_account_lists_that_account_alone() {
    let yaml =
        office_hours(&["shop/www"]) + &office_hours(&["prod/eu-west-1/*/*"]).replace("name: office", "name: prod");
    let crowd: Vec<String> = (0..120).map(|n| format!("prod/eu-west-1/shop/s-{n:03}")).collect();
    let mut world = World::new(account_of(&[("www", service(1, 10)), ("not-ours", service(1, 10))]), &yaml);
    world.elsewhere = [(prod(), account_elsewhere(&crowd, &service(1, 10)))].into();
    world.run_for(59);
    assert_eq!(world.calls(Operation::DescribeScalableTargets), 1);
    let listed = world.sim_at(&prod()).calls().get(&Operation::DescribeScalableTargets).copied();
    assert_eq!(listed, Some(3), "120 targets are three pages");
    let entries: Vec<_> = world.status().sites.into_iter().map(|entry| (entry.site, entry.targets)).collect();
    assert_eq!(entries, [(Site::HOME, 1), (prod(), 120)]);
}

#[test]
fn an_account_that_leaves_the_schedules_keeps_its_floors_and_is_asked_no_more() {
    let mut world = three();
    world.run_for(60);
    world.edit(&office_hours(&["shop/www"]));
    world.run_for(5);
    let calls = world.sim_at(&prod()).calls().clone();
    let released = |fact: &Fact| matches!(fact, Fact::Released { target } if !target.site.is_home());
    assert_eq!(world.count_facts(released), 2);
    world.run_to("2026-11-20T08:10:00Z");
    assert_eq!(*world.sim_at(&prod()).calls(), calls);
    assert_eq!(min(&mut world, "prod/eu-west-1/shop/www"), Some(1));
    assert_eq!(world.status().sites.len(), 1);
}
