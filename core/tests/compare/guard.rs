//! The shrink guard.

use std::cmp::Reverse;

use baseload_core::guard::{Fall, Held, judge};
use baseload_core::model::TargetId;
use jiff::SignedDuration;

use super::*;

fn judged(old: &Schedules, new: &Schedules, percent: u8) -> Option<Held> {
    judge(old, new, at(NOW), percent)
}

fn many(count: usize, spec: &str) -> Schedules {
    let targets: Vec<String> = (0..count).map(|number| format!("shop/s{number}")).collect();
    schedules(&[("a", &targets.join(" "), spec)])
}

fn gone(held: Option<Held>) -> Option<(usize, usize)> {
    held.and_then(|held| held.taken_out).map(|taken| (taken.targets.len(), taken.of))
}

fn sums(held: Option<Held>) -> Option<(String, u64, u64)> {
    held.and_then(|held| held.fall).map(|fall| (fall.at.to_string(), fall.before, fall.after))
}

#[test]
fn more_than_the_share_and_more_than_three_targets_are_too_many() {
    for (before, after, percent, expected) in [
        (8, 4, 50, None),
        (8, 3, 50, Some((5, 8))),
        (4, 1, 50, None),
        (5, 1, 50, Some((4, 5))),
        (100, 95, 4, Some((5, 100))),
        (100, 95, 5, None),
        (100, 1, 100, None),
        (100, 97, 0, None),
        (100, 96, 0, Some((4, 100))),
    ] {
        let held = judged(&many(before, &flat(0)), &many(after, &flat(0)), percent);
        assert_eq!(gone(held), expected, "{before} to {after} at {percent} %");
    }
}

#[test]
fn suspending_takes_out_like_removing() {
    let held = judged(&many(4, &flat(1)), &many(4, &(flat(1) + "\n  suspend: true")), 50);
    assert_eq!(gone(held), Some((4, 4)));
    let was_suspended = many(4, &(flat(1) + "\n  suspend: true"));
    let other = schedules(&[("b", "x/y", &flat(1))]);
    assert_eq!(judged(&was_suspended, &other, 50), None, "what took no part cannot be taken out");
}

#[test]
fn more_than_the_share_and_more_than_ten_tasks_are_too_many() {
    for (before, after, percent, expected) in [
        (20, 10, 50, None),
        (20, 9, 50, Some((20, 9))),
        (10, 0, 50, None),
        (11, 0, 50, Some((11, 0))),
        (100, 89, 10, Some((100, 89))),
        (100, 89, 11, None),
        (100, 0, 100, None),
        (20, 30, 0, None),
    ] {
        let held = judged(&many(1, &flat(before)), &many(1, &flat(after)), percent);
        let found = sums(held).map(|(_, before, after)| (before, after));
        assert_eq!(found, expected, "{before} to {after} at {percent} %");
    }
}

#[test]
fn a_minute_four_weeks_ahead_is_found_and_one_beyond_is_not() {
    let dip = |date: &str| {
        let over = format!("\n  overrides: [{{ name: dip, from: {date}T00:59, to: {date}T01:00, min: 0 }}]");
        judged(&many(1, &flat(12)), &many(1, &(flat(12) + &over)), 50)
    };
    assert_eq!(sums(dip("2026-12-19")), Some(("2026-12-18T23:59:00Z".to_owned(), 12, 0)));
    assert_eq!(dip("2026-12-20"), None);
}

#[test]
fn the_deepest_fall_is_told_with_its_first_instant() {
    let overs = "\n  overrides:\n  - { name: shallow, from: 2026-11-24T09:00, to: 2026-11-24T10:00, min: 8 }\n  \
                 - { name: deep, from: 2026-11-25T09:00, to: 2026-11-25T10:00, min: 2 }\n  \
                 - { name: deep-again, from: 2026-11-26T09:00, to: 2026-11-26T10:00, min: 2 }";
    let held = judged(&many(1, &flat(20)), &many(1, &(flat(20) + overs)), 50);
    assert_eq!(sums(held), Some(("2026-11-25T08:00:00Z".to_owned(), 20, 2)));
}

#[test]
fn a_rise_elsewhere_at_the_same_instant_makes_up_for_a_fall() {
    let shift = |first, second| schedules(&[("a", "shop/a", &flat(first)), ("b", "shop/b", &flat(second))]);
    assert_eq!(judged(&shift(40, 1), &shift(1, 40), 50), None);
}

#[test]
fn names_that_a_glob_replaces_and_a_glob_that_a_wider_one_replaces_are_not_gone() {
    let glob = |patterns: &str| schedules(&[("a", patterns, &flat(4))]);
    assert_eq!(judged(&many(12, &flat(4)), &glob("shop/*"), 50), None);
    let narrow = glob("shop/a-* shop/b-* shop/c-* shop/d-*");
    assert_eq!(judged(&narrow, &glob("shop/?-*"), 50), None);
    assert_eq!(gone(judged(&narrow, &glob("shop/e-*"), 50)), Some((4, 4)));
}

#[test]
fn a_globs_floor_counts_once() {
    let held = judged(&schedules(&[("a", "shop/*", &flat(12))]), &schedules(&[("a", "shop/*", &flat(1))]), 50);
    assert_eq!(sums(held), Some((NOW.to_owned(), 12, 1)));
}

#[test]
fn an_overlay_alone_keeps_its_target_but_not_its_floor() {
    let held = judged(&many(4, &flat(5)), &many(4, "default: none"), 50).unwrap();
    assert_eq!(held.taken_out, None);
    assert_eq!(sums(Some(held)), Some((NOW.to_owned(), 20, 0)));
}

#[test]
fn the_reasons_have_their_numbers() {
    let reasons = judged(&many(12, &flat(5)), &many(5, &flat(4)), 50).unwrap().reasons();
    assert_eq!(
        reasons,
        [
            "it takes out 7 of 12 targets (58.4 %; 50 % may go at once): shop/s10, shop/s11, shop/s5, shop/s6, shop/s7 \
             and 2 more",
            "at 2026-11-21T00:00:00Z the declared floors add up to 20 tasks instead of 60: 40 fewer (66.7 %; 50 % may go \
             at once)",
        ]
    );
}

/// The sum of floors in every minute of four weeks, each target followed on its own.
fn minute_by_minute(schedules: &Schedules, targets: &[TargetId]) -> Vec<u64> {
    let mut sums = vec![0; 28 * 24 * 60];
    for target in targets {
        let mut ruling = schedules.decide(target, at(NOW));
        for (minute, sum) in sums.iter_mut().enumerate() {
            let at = at(NOW) + SignedDuration::from_mins(i64::try_from(minute).unwrap());
            if ruling.until.is_some_and(|until| until <= at) {
                ruling = schedules.decide(target, at);
            }
            *sum += ruling.decision.as_ref().map_or(0, |decision| u64::from(decision.floor.min));
        }
    }
    sums
}

/// The first minute of the deepest fall that counts, and the sums in it.
fn deepest(before: &[u64], after: &[u64], percent: u64) -> Option<(usize, u64, u64)> {
    let sums = before.iter().zip(after).enumerate().map(|(minute, (before, after))| (minute, *before, *after));
    let counts = |(_, before, after): &(usize, u64, u64)| {
        let fall = before.saturating_sub(*after);
        fall > 10 && fall * 100 > before * percent
    };
    sums.filter(counts).min_by_key(|(minute, before, after)| (Reverse(before - after), *minute))
}

#[test]
fn the_sweep_agrees_with_a_walk_through_every_minute() {
    let sale = "default: none\n  priority: 9\n  leadTime: 45m\n  \
                overrides: [{ name: sale, from: 2026-11-27T06:00, to: 2026-11-28T02:00, min: 12 }]";
    let lunch = "default: { min: 2 }\n  leadTime: 10m\n  \
                 windows: [{ name: lunch, cron: \"45 11 * * *\", duration: 2h, min: 9 }]";
    let old = schedules(&[("a", "s/a s/b", NIGHT_AND_FRIDAY), ("b", "s/c", lunch), ("c", "s/a s/b s/c", sale)]);
    let less = NIGHT_AND_FRIDAY.replace("min: 6", "min: 1").replace("14:00", "11:50");
    let new = schedules(&[("a", "s/a s/b", &less), ("b", "s/c s/d", &flat(1))]);
    let targets = ["a", "b", "c", "d"].map(|service| TargetId::new("s", service));
    let (before, after) = (minute_by_minute(&old, &targets), minute_by_minute(&new, &targets));
    for percent in [0, 30, 50, 80, 95] {
        let swept = judged(&old, &new, percent).and_then(|held| held.fall);
        let minute = |fall: Fall| usize::try_from(fall.at.duration_since(at(NOW)).as_mins()).unwrap();
        let swept = swept.map(|fall| (minute(fall), fall.before, fall.after));
        assert_eq!(swept, deepest(&before, &after, u64::from(percent)), "{percent} %");
    }
}
