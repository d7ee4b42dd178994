//! Rivals and replicas: who else writes, and how long that is put up with.

use baseload_core::controller::Settings;
use baseload_core::ecs::Operation;
use baseload_core::status::{ConditionKind, Truth};
use jiff::Timestamp;
use serde_json::json;

use crate::driver::World;
use crate::scene::{account_of, always, office_hours, schedule, service, www};

/// Someone sets the minimum back every so many seconds, for so long.
fn contend(world: &mut World, min: u32, every: i64, seconds: i64) {
    for _ in 0..seconds / every {
        world.rival("www", &json!({ "MinCapacity": min }));
        world.run_for(every);
    }
}

fn contested_at_noon(min: u32) -> World {
    let mut world = www();
    world.run_to("2026-11-20T11:40:00Z");
    contend(&mut world, min, 120, 1200);
    assert_eq!(world.condition("www", ConditionKind::Contested), Truth::True);
    world
}

#[test]
fn g14_a_loop_that_sets_min_back_every_few_seconds_is_corrected_ever_more_rarely_and_shown() {
    let mut world = www();
    world.run_to("2026-11-20T09:00:00Z");
    world.forget();
    contend(&mut world, 1, 5, 3600);
    let corrections = world.target("www").corrections;
    assert!((10..=17).contains(&corrections), "{corrections} corrections in an hour");
    assert_eq!(world.writes.len() as u64, corrections);
    let left: Vec<_> = world.writes.iter().map(|write| write.at).collect();
    let pauses: Vec<_> = left.windows(2).map(|pair| pair[1].duration_since(pair[0]).as_secs()).collect();
    assert!(pauses[5..].iter().all(|pause| *pause >= 300), "{pauses:?}");
    assert_eq!(world.reason("www", ConditionKind::Contested), "KeepsChanging");
}

#[test]
fn g14_what_a_rival_raised_on_a_contested_target_is_not_lowered_before_half_an_hour_of_quiet() {
    let mut world = contested_at_noon(7);
    assert_eq!((world.min("www"), world.verdict("www")), (7, "contested".to_owned()));
    world.run_to("2026-11-20T12:15:00Z"); // the rival's last change that showed was that of 11:46
    assert_eq!(world.min("www"), 7);
    world.run_to("2026-11-20T12:17:00Z");
    assert_eq!((world.min("www"), world.condition("www", ConditionKind::Contested)), (3, Truth::False));
}

#[test]
fn f34_a_twin_that_sets_what_is_declared_does_not_prolong_a_contest() {
    let mut world = contested_at_noon(7);
    world.run_to("2026-11-20T12:10:00Z");
    world.rival("www", &json!({ "MinCapacity": 3 })); // the other replica is not contested, and lowers it
    world.run_to("2026-11-20T12:16:00Z");
    assert_eq!(world.condition("www", ConditionKind::Contested), Truth::True);
    world.run_to("2026-11-20T12:18:00Z"); // half an hour after the rival's last change that showed
    assert_eq!((world.min("www"), world.condition("www", ConditionKind::Contested)), (3, Truth::False));
}

#[test]
fn g14_a_scheduled_rise_of_a_contested_target_goes_at_once() {
    let rest = "default: { min: 3 }
        windows: [{ name: rush, from: \"12:00\", to: \"13:00\", min: 6 }]";
    let mut world = World::new(account_of(&[("www", service(1, 10))]), &schedule("rush", &["www"], rest));
    world.run_to("2026-11-20T11:40:00Z");
    contend(&mut world, 1, 120, 1199);
    world.run_to("2026-11-20T12:00:01Z");
    assert_eq!((world.condition("www", ConditionKind::Contested), world.min("www")), (Truth::True, 6));
}

#[test]
fn g14_a_scheduled_fall_of_a_contested_target_waits_until_it_is_over() {
    let mut world = www();
    world.run_to("2026-11-20T17:40:00Z");
    contend(&mut world, 1, 120, 1200);
    world.rival("www", &json!({ "MinCapacity": 3 })); // at last the rival agrees
    world.run_to("2026-11-20T18:20:00Z");
    assert_eq!((world.min("www"), world.verdict("www")), (3, "contested".to_owned()));
    world.run_to("2026-11-20T18:40:00Z");
    assert_eq!(world.min("www"), 1);
}

#[test]
fn g14_a_contest_asks_once_more_who_else_decides_and_names_them() {
    let mut world = www();
    world.run_to("2026-11-20T09:00:00Z");
    let body = json!({
        "ServiceNamespace": "ecs", "ResourceId": "service/shop/www", "ScalableDimension": "ecs:service:DesiredCount",
        "ScheduledActionName": "nightly", "Schedule": "rate(5 minutes)", "ScalableTargetAction": { "MinCapacity": 1 },
    });
    let at = world.at();
    world.sim.foreign_call("AnyScaleFrontendService.PutScheduledAction", &body, at).expect("AWS accepts it");
    contend(&mut world, 1, 60, 600);
    let target = world.target("www");
    let contested = target.conditions.iter().find(|condition| condition.kind == ConditionKind::Contested);
    let message = &contested.expect("every target has every condition").message;
    assert!(message.contains("nightly"), "{message}");
    assert_eq!(world.condition("www", ConditionKind::RivalSchedule), Truth::True);
}

#[test]
fn g14_for_one_that_is_contested_no_other_is_surveyed() {
    let sim = account_of(&[("www", service(1, 10)), ("api", service(3, 10)), ("blog", service(3, 10))]);
    let mut world = World::new(sim, &always(&["www", "api", "blog"], "min: 3"));
    world.run_for(10);
    let before = world.calls(Operation::DescribeScalingPolicies);
    contend(&mut world, 1, 60, 600);
    assert_eq!(world.condition("www", ConditionKind::Contested), Truth::True);
    assert_eq!(world.calls(Operation::DescribeScalingPolicies) - before, 1);
}

/// Two replicas over one account, each with its schedules and its clock; so many seconds pass.
struct Pair {
    first: World,
    second: World,
}

impl Pair {
    fn new(first: &str, second: &str) -> Pair {
        let first = World::new(account_of(&[("www", service(1, 10))]), first);
        let nowhere = account_of(&[]);
        let second = World::with(nowhere, second, Settings { seed: 1, ..Settings::default() });
        Pair { first, second }
    }

    fn run_to(&mut self, until: &str) {
        let until: Timestamp = until.parse().expect("a timestamp");
        while self.first.at() < until {
            let stop = self.first.next_stop().min(self.second.next_stop()).min(until);
            self.first.step(stop);
            std::mem::swap(&mut self.first.sim, &mut self.second.sim);
            self.second.step(stop);
            std::mem::swap(&mut self.first.sim, &mut self.second.sim);
        }
    }

    /// What both sent, in order.
    fn minima(&self) -> Vec<u32> {
        let mut writes: Vec<_> = self.first.writes.iter().chain(&self.second.writes).collect();
        writes.sort_by_key(|write| write.at);
        writes.iter().filter_map(|write| write.action.min).collect()
    }
}

#[test]
fn f34_two_replicas_of_one_revision_never_undo_each_other_even_where_their_clocks_differ_by_a_minute() {
    for seconds in [0, 1, 30, 60, 100] {
        let mut pair = Pair::new(&office_hours(&["www"]), &office_hours(&["www"]));
        pair.first.step_clock(seconds);
        pair.run_to("2026-11-20T07:50:00Z");
        assert_eq!(pair.minima().len(), 0);
        pair.run_to("2026-11-20T08:30:00Z");
        assert!(
            pair.minima().iter().all(|min| *min == 3) && pair.minima().len() <= 2,
            "{seconds}: {:?}",
            pair.minima()
        );
        assert_eq!(pair.first.min("www"), 3);
        pair.run_to("2026-11-20T18:30:00Z");
        assert_eq!(pair.first.min("www"), 1, "{seconds}: {:?}", pair.minima());
        assert!(pair.minima().len() <= 6, "{seconds}: {:?}", pair.minima());
    }
}

#[test]
fn f35_two_replicas_of_different_revisions_settle_at_the_higher_floor_retry_three_times_a_quiet_period_and_show_it() {
    let mut pair = Pair::new(&always(&["www"], "min: 3"), &always(&["www"], "min: 6"));
    pair.run_to("2026-11-20T07:00:00Z");
    assert_eq!((pair.first.min("www"), pair.first.condition("www", ConditionKind::Contested)), (6, Truth::True));
    let mut falls = Vec::new();
    for until in ["2026-11-20T07:45:00Z", "2026-11-20T09:00:00Z", "2026-11-20T11:30:00Z", "2026-11-20T16:00:00Z"] {
        pair.first.forget();
        pair.run_to(until);
        falls.push(pair.first.writes.len());
        assert_eq!(pair.first.min("www"), 6, "{until}");
    }
    assert!(falls.iter().all(|count| *count <= 3), "{falls:?}");
    assert!(falls.iter().sum::<usize>() <= 12, "{falls:?}");
}

#[test]
fn once_a_target_is_contested_it_is_asked_at_once_what_else_decides_over_it() {
    let mut world = www();
    world.run_to("2026-11-20T09:05:00Z");
    let before = world.calls(Operation::DescribeScalingPolicies);
    contend(&mut world, 1, 120, 240);
    world.rival("www", &json!({ "MinCapacity": 1 }));
    let contested = |world: &mut World| world.condition("www", ConditionKind::Contested) == Truth::True;
    (0..120).find(|_| (world.run_for(1), contested(&mut world)).1).expect("the third correction makes a contest");
    world.run_for(1); // neither the hourly survey nor the next look at all
    assert_eq!(world.calls(Operation::DescribeScalingPolicies), before + 1);
}
