use std::sync::Arc;

use baseload_core::model::{Site, TargetId};
use baseload_core::spec::{self, Tree};
use baseload_core::status::{
    Bounds, Condition, ConditionKind, ConfigurationStatus, Counts, FailingQuestion, FloorStatus, NextStatus,
    SiteStatus, TargetStatus, Truth,
};
use baseload_core::timetable::Zones;
use jiff::{SignedDuration, Timestamp};

use super::*;

const NOW: &str = "2026-11-21T05:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

/// A floor of 3 that holds.
fn target(service: &str) -> TargetStatus {
    TargetStatus {
        site: Site::HOME,
        cluster: "shop".into(),
        service: service.into(),
        floor: Some(FloorStatus { min: 3, max: None, schedule: "web".into(), cause: "window/day".to_owned() }),
        next: Some(NextStatus { at: "2026-11-21T08:20:00Z".parse().unwrap(), floor: None }.into()),
        observed: Some(Bounds { min: 3, max: 10 }),
        observed_at: Some(now()),
        counts: Some(Counts { desired: 4, running: 4, pending: 0 }),
        verdict: "inSync".into(),
        conditions: [condition(ConditionKind::Held, Truth::True, "AtOrAboveFloor", "")].into_iter().collect(),
        last_error: None,
        corrections: 0,
    }
}

/// An hour old.
fn condition(kind: ConditionKind, status: Truth, reason: &'static str, message: &'static str) -> Condition {
    let since = now() - SignedDuration::from_hours(1);
    Condition { kind, status, reason: reason.into(), message: message.into(), since }
}

fn below(since: Timestamp) -> TargetStatus {
    let held = condition(ConditionKind::Held, Truth::False, "BelowFloor", "desired is 2, the floor 3");
    TargetStatus { conditions: [Condition { since, ..held }].into_iter().collect(), ..target("www") }
}

fn schedules() -> Arc<Schedules> {
    let text = r#"
apiVersion: baseload/v1
kind: ScalingSchedule
metadata: { name: web }
spec:
  targets: [{ cluster: shop, service: "*" }]
  timezone: Europe/Brussels
  default: { min: 3 }
  windows: [{ name: night, from: "00:30", to: "09:00", min: 1 }]
"#;
    let tree = Tree { files: [("web.yaml".into(), text.as_bytes().into())].into() };
    let loaded = spec::load(&tree, &Zones::embedded(), &spec::Limits::default(), now());
    Arc::new(loaded.map_err(|found| format!("{found:?}")).unwrap().schedules)
}

fn with<T>(targets: Vec<TargetStatus>, last_error: Option<&str>, render: impl FnOnce(&View<'_>) -> T) -> T {
    let status = Status {
        at: now(),
        heartbeat: now(),
        ready: true,
        stopping: false,
        dry_run: false,
        lease: None,
        sites: Vec::new(),
        configuration: ConfigurationStatus {
            last_error: last_error.map(str::to_owned),
            ..ConfigurationStatus::default()
        },
        targets: targets.into_iter().map(Arc::new).collect(),
    };
    let about = About { version: "0.1.0".to_owned(), tzdb: "2026e".to_owned(), simulator: None };
    let (schedules, almanac) = (schedules(), Almanac::default());
    render(&View { status: &status, schedules: &schedules, almanac: &almanac, about: &about })
}

fn page(targets: Vec<TargetStatus>, last_error: Option<&str>) -> String {
    with(targets, last_error, |view| fleet(view, &Wish::default()))
}

fn asked(targets: Vec<TargetStatus>, wish: &Wish) -> String {
    with(targets, None, |view| fleet(view, wish))
}

fn target_page(target: TargetStatus) -> String {
    let id = target.id();
    with(vec![target], None, |view| super::target(view, &id).unwrap())
}

fn headline(page: &str) -> &str {
    page.split_once("<h1>").unwrap().1.split_once("</h1>").unwrap().0
}

#[test]
fn f65_markup_in_names_messages_and_errors_is_text() {
    let script = "\"'><script>alert(1)</script>";
    let conditions = [condition(ConditionKind::Limited, Truth::True, "Limited", script)].into_iter().collect();
    let target = TargetStatus { conditions, last_error: Some(script.to_owned()), ..target(script) };
    for page in [page(vec![target.clone()], Some(script)), target_page(target.clone())] {
        assert!(!page.contains("<script"));
        assert!(page.matches("&lt;script&gt;alert(1)&lt;/script&gt;").count() >= 3, "{page}");
    }
    let part = Wish { q: script.to_owned(), ..Wish::default() };
    assert!(!asked(vec![target], &part).contains("<script"));
}

#[test]
fn f65_escape_sequences_do_not_reach_the_page() {
    let page = page(vec![target("www")], Some("error\u{1b}[2J\n  second line"));
    assert!(page.contains("error\\u{1b}[2J\n  second line"), "{page}");
}

#[test]
fn a_target_that_holds_says_so_with_sign_and_word() {
    let page = page(vec![target("www")], None);
    assert_eq!(headline(&page), "The floor holds");
    assert!(page.contains(r#"<span class="sign" aria-hidden="true">✓</span>Holding"#));
}

#[test]
fn a_floor_that_does_not_hold_comes_first_with_its_reason() {
    let page = page(vec![target("api"), below(now() - SignedDuration::from_hours(1))], None);
    assert_eq!(headline(&page), "1 of 2 floors does not hold");
    assert!(page.contains("desired is 2, the floor 3"));
    assert!(page.find("/targets/shop/www").unwrap() < page.find("/targets/shop/api").unwrap());
}

#[test]
fn a_floor_that_rose_a_moment_ago_is_catching_up() {
    assert_eq!(headline(&page(vec![below(now())], None)), "1 target is catching up");
}

#[test]
fn what_only_follows_from_another_condition_is_not_told_twice() {
    let conditions = [
        condition(ConditionKind::Held, Truth::False, "BelowFloor", "desired is 2, the floor 3"),
        condition(ConditionKind::Limited, Truth::True, "Limited", "raise the max"),
    ];
    let page = page(vec![TargetStatus { conditions: conditions.into_iter().collect(), ..target("www") }], None);
    assert!(page.contains("raise the max") && !page.contains("desired is 2"));
}

#[test]
fn what_is_unknown_shows_as_unknown_and_not_as_zero() {
    let conditions = [condition(ConditionKind::Ready, Truth::Unknown, "NotAsked", "")].into_iter().collect();
    let page = page(vec![TargetStatus { conditions, observed: None, counts: None, ..target("www") }], None);
    assert_eq!(page.matches(r#"title="not known""#).count(), 4);
    assert_eq!(headline(&page), "1 target not known yet");
}

#[test]
fn the_next_change_says_how_far_off_it_is() {
    let page = page(vec![target("www")], None);
    assert!(page.contains("left alone in 3 h 20 min"), "{page}");
    assert!(
        page.contains(r#"<time datetime="2026-11-21T08:20:00Z" title="2026-11-21T08:20:00Z">Sat 08:20 UTC</time>"#)
    );
}

#[test]
fn targets_alike_share_one_strip() {
    let page = page(vec![target("api"), target("www")], None);
    assert_eq!(page.matches(r##"<use href="#t0">"##).count(), 2);
    assert_eq!(page.matches(r#"id="t0""#).count(), 1);
    assert!(page.contains("This week: a floor from 1 to 3 that changes 14 times (Europe/Brussels)"), "{page}");
}

#[test]
fn strips_are_kept_until_the_hour_the_targets_or_the_schedules_change() {
    with(vec![target("www")], None, |view| {
        let first = view.almanac.weeks(view.status, view.schedules);
        let later = Status { at: now() + SignedDuration::from_mins(59), ..view.status.clone() };
        assert!(Arc::ptr_eq(&first, &view.almanac.weeks(&later, view.schedules)));
        let next_hour = Status { at: now() + SignedDuration::from_hours(1), ..view.status.clone() };
        assert!(!Arc::ptr_eq(&first, &view.almanac.weeks(&next_hour, view.schedules)));
        let fewer = Status { targets: Vec::new(), ..view.status.clone() };
        let without = view.almanac.weeks(&fewer, view.schedules);
        assert!(!Arc::ptr_eq(&without, &view.almanac.weeks(&fewer, &schedules())));
    });
}

#[test]
fn a_search_keeps_what_fits_and_its_words() {
    let wish = Wish { q: "SHOP/w".to_owned(), ..Wish::default() };
    let page = asked(vec![target("api"), target("www")], &wish);
    assert!(page.contains("/targets/shop/www") && !page.contains("/targets/shop/api"));
    assert!(page.contains(r#"value="SHOP/w""#) && page.contains("/?q=SHOP%2Fw&amp;state=holding"), "{page}");
}

#[test]
fn a_state_or_condition_can_be_asked_for() {
    let targets = || vec![target("api"), below(now() - SignedDuration::from_hours(1))];
    let failing = asked(targets(), &Wish { state: "failing".to_owned(), ..Wish::default() });
    assert!(failing.contains("/targets/shop/www") && !failing.contains("/targets/shop/api"));
    let held = asked(targets(), &Wish { condition: "Held".to_owned(), ..Wish::default() });
    assert!(held.contains("/targets/shop/www") && !held.contains("/targets/shop/api"));
    let nonsense = Wish { state: "nonsense".to_owned(), condition: "<b>".to_owned(), ..Wish::default() };
    assert!(asked(targets(), &nonsense).contains("/targets/shop/api"));
}

#[test]
fn large_numbers_have_their_thousands_apart() {
    let told = [0, 999, 3000, 1_234_567].map(words::grouped);
    assert_eq!(told, ["0", "999", "3,000", "1,234,567"]);
}

#[test]
fn the_page_of_a_target_tells_why_its_week_and_its_conditions() {
    let page = target_page(target("www"));
    assert!(page.contains("Floor 1 (at least 1 task), from window night of schedule web."), "{page}");
    assert!(page.contains("Sat 09:00 CET") && page.contains("in 3 h 0 min"));
    assert!(page.contains("AtOrAboveFloor") && page.contains("1 h 0 min ago"));
    assert_eq!(page.matches(r#"class="tt-date""#).count(), 7);
}

#[test]
fn a_target_that_is_not_there_has_no_page() {
    assert!(with(vec![target("www")], None, |view| super::target(view, &TargetId::new("shop", "api")).is_none()));
}

#[test]
fn targets_of_one_name_in_two_accounts_share_neither_row_nor_page() {
    let elsewhere = TargetStatus {
        site: Site::new("prod", "eu-west-1"),
        counts: Some(Counts { desired: 77, running: 77, pending: 0 }),
        ..target("www")
    };
    let both = || vec![target("www"), elsewhere.clone()];
    let page = page(both(), None);
    assert!(page.contains(r#"href="/targets/shop/www""#), "{page}");
    assert!(page.contains(r#"href="/targets/prod/eu-west-1/shop/www""#), "{page}");
    let of = |id: TargetId| with(both(), None, |view| super::target(view, &id).unwrap());
    let (home, prod) = (of(TargetId::new("shop", "www")), of(elsewhere.id()));
    assert!(!home.contains("<dd>77</dd>") && prod.contains("<dd>77</dd>"), "{prod}");
    assert!(prod.contains("<title>prod/eu-west-1/shop/www"), "{prod}");
    let found = asked(both(), &Wish { q: "prod/".to_owned(), ..Wish::default() });
    assert!(found.contains("/targets/prod/eu-west-1/shop/www") && !found.contains(r#"href="/targets/shop/www""#));
}

#[test]
fn what_fails_in_an_account_is_told_with_its_name() {
    let page = with(vec![target("www")], None, |view| {
        let failing = FailingQuestion {
            operation: "DescribeServices".into(),
            outcome: "denied".into(),
            message: "<not allowed>".to_owned(),
        };
        let site = SiteStatus {
            site: Site::new("prod", "eu-west-1"),
            targets: 3,
            failing: vec![failing],
            writes_waiting: 0,
            writes_in_flight: 0,
            write_rate: None,
        };
        let status = Status { sites: vec![site], ..view.status.clone() };
        fleet(&View { status: &status, ..*view }, &Wish::default())
    });
    assert!(page.contains("AWS is asked in vain in prod/eu-west-1"), "{page}");
    assert!(page.contains("DescribeServices: &lt;not allowed&gt;") && page.contains("3 targets"), "{page}");
}
