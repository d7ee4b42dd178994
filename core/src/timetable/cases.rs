//! What peers got wrong, as cases: schedule and instant in, floor out.

use super::samples::*;
use super::*;

fn assert_floors(schedules: &Schedules, expected: &[(&str, &str)]) {
    for (instant, floor) in expected {
        assert_eq!(schedules.shown(instant), *floor, "at {instant}");
    }
}

#[test]
fn g1_a_window_whose_end_is_skipped_ends_at_the_jump() {
    let night = |zone| schedule("s", zone, Some(floor(1))).with(daily("night", "20:00-02:30", floor(6))).alone();
    let berlin = [
        ("2026-03-28T19:59:59+01:00", "1"),
        ("2026-03-28T20:00:00+01:00", "6"),
        ("2026-03-29T01:59:59+01:00", "6"),
        ("2026-03-29T03:00:00+02:00", "1"),
        ("2026-03-29T20:00:00+02:00", "6"),
    ];
    assert_floors(&night("Europe/Berlin"), &berlin);
    let new_york = [("2026-03-08T01:59:59-05:00", "6"), ("2026-03-08T03:00:00-04:00", "1")];
    assert_floors(&night("America/New_York"), &new_york);
}

#[test]
fn g2_a_window_whose_start_is_skipped_starts_at_the_jump() {
    let early = schedule("s", "America/New_York", Some(floor(1))).with(daily("early", "02:30-08:00", floor(6))).alone();
    let expected = [
        ("2026-03-07T12:00:00-05:00", "1"),
        ("2026-03-08T01:59:59-05:00", "1"),
        ("2026-03-08T03:00:00-04:00", "6"),
        ("2026-03-08T07:59:59-04:00", "6"),
        ("2026-03-08T08:00:00-04:00", "1"),
    ];
    assert_floors(&early, &expected);
}

#[test]
fn g3_a_window_in_the_repeated_hour_is_one_stretch() {
    let twice = schedule("s", "America/New_York", Some(floor(1))).with(daily("w", "01:15-01:45", floor(6))).alone();
    let story = ["2026-11-01T04:00:00Z 1", "2026-11-01T05:15:00Z 6", "2026-11-01T06:45:00Z 1"];
    assert_eq!(twice.story("2026-11-01T04:00:00Z", "2026-11-02T04:00:00Z"), story);
}

#[test]
fn g3_a_cron_start_in_the_repeated_hour_happens_once() {
    let once = schedule("s", "America/New_York", Some(floor(1))).with(cron("w", "15 1 * * *", 30, floor(6))).alone();
    let story = ["2026-11-01T04:00:00Z 1", "2026-11-01T05:15:00Z 6", "2026-11-01T05:45:00Z 1"];
    assert_eq!(once.story("2026-11-01T04:00:00Z", "2026-11-02T04:00:00Z"), story);
}

#[test]
fn g4_a_weekday_window_is_off_at_the_weekend() {
    let office = daily("office", "06:30-22:10", floor(3)).on_days("mon tue wed thu fri");
    let office = schedule("s", "Europe/Prague", Some(floor(0))).with(office).alone();
    assert_floors(&office, &[("2026-06-06T12:00:00+02:00", "0"), ("2026-06-05T12:00:00+02:00", "3")]);
}

#[test]
fn g5_an_overnight_window_belongs_to_the_day_it_starts_on() {
    let friday = daily("friday", "22:00-02:00", floor(6)).on_days("fri");
    let friday = schedule("s", "Europe/Berlin", Some(floor(1))).with(friday).alone();
    let expected =
        [("2026-06-06T01:59:00+02:00", "6"), ("2026-06-06T02:00:00+02:00", "1"), ("2026-06-05T01:00:00+02:00", "1")];
    assert_floors(&friday, &expected);
}

#[test]
fn g6_the_night_after_friday_is_on_and_the_night_before_monday_is_off() {
    let nights = daily("nights", "22:00-06:00", floor(6)).on_days("mon tue wed thu fri");
    let nights = schedule("s", "Europe/Berlin", Some(floor(1))).with(nights).alone();
    let expected =
        [("2026-06-06T05:59:00+02:00", "6"), ("2026-06-08T03:00:00+02:00", "1"), ("2026-06-07T23:00:00+02:00", "1")];
    assert_floors(&nights, &expected);
}

#[test]
fn g7_weekdays_are_those_of_the_schedules_zone() {
    let office = daily("office", "06:30-19:30", floor(3)).on_days("mon tue wed thu fri");
    let office = schedule("s", "Pacific/Auckland", Some(floor(1))).with(office).alone();
    let expected = [
        ("2026-06-07T18:29:59Z", "1"),
        ("2026-06-07T18:30:00Z", "3"),
        ("2026-06-12T07:29:59Z", "3"),
        ("2026-06-12T07:30:00Z", "1"),
        ("2026-06-12T18:30:00Z", "1"),
    ];
    assert_floors(&office, &expected);
}

#[test]
fn g8_windows_that_abut_leave_no_dip() {
    let seam = schedule("s", "Europe/Berlin", Some(floor(1)))
        .with(daily("a", "08:00-18:00", floor(3)))
        .with(daily("b", "18:00-22:00", floor(6)))
        .alone();
    let story = ["2026-06-01T06:00:00Z 3", "2026-06-01T16:00:00Z 6", "2026-06-01T20:00:00Z 1"];
    assert_eq!(seam.story("2026-06-01T06:00:00Z", "2026-06-02T06:00:00Z"), story);
}

/// The timetable that the other cases share: night 1, day 3, Friday afternoon 6.
fn web() -> Schedule {
    schedule("web", "Europe/Brussels", Some(floor(3)))
        .with(daily("night", "00:30-09:00", floor(1)))
        .with(daily("friday", "14:00-00:30", floor(6)).on_days("fri"))
}

#[test]
fn g9_g15_the_floor_is_a_function_of_the_instant_alone() {
    let expected = [("2026-11-20T03:00:00+01:00", "1"), ("2026-11-20T09:00:00+01:00", "3")];
    assert_floors(&web().alone(), &expected);
    assert_floors(&web().alone(), &[expected[1], expected[0]]);
}

#[test]
fn g10_a_board_is_right_after_a_sleep_and_after_the_clock_steps_back() {
    let mut board = Board::new(Arc::new(web().alone()), at("2026-11-20T03:00:00+01:00"));
    let members = board.members(&www());
    let steps = [
        ("2026-11-20T15:00:00+01:00", "6"),
        ("2026-11-20T13:55:00+01:00", "3"),
        ("2026-11-23T04:00:00+01:00", "1"),
        ("2026-11-20T15:00:00+01:00", "6"),
    ];
    for (instant, floor) in steps {
        board.advance(at(instant));
        assert_eq!(shown(board.decide(&members).as_ref()), floor, "at {instant}");
    }
}

#[test]
fn a_board_says_that_a_decision_stays_up_to_the_last_instant_before_the_next_boundary() {
    let board = Board::new(Arc::new(web().alone()), at("2026-11-20T03:00:00+01:00"));
    let members = board.members(&www());
    assert!(board.stays_until(&members, at("2026-11-20T08:59:59+01:00")));
    assert!(!board.stays_until(&members, at("2026-11-20T09:00:00+01:00")));
}

#[test]
fn g17_a_holiday_lasts_its_whole_local_day_and_the_eves_night_ends_normally() {
    let holiday = schedule("s", "Europe/Berlin", Some(floor(3)))
        .with(daily("night", "22:00-06:00", floor(6)).except(&["2026-11-15"]))
        .with(daily("holiday", "00:00-24:00", floor(1)).on(&["2026-11-15"]))
        .alone();
    let story =
        ["2026-11-14T21:00:00Z 6", "2026-11-15T05:00:00Z 1", "2026-11-15T23:00:00Z 3", "2026-11-16T21:00:00Z 6"];
    assert_eq!(holiday.story("2026-11-14T21:00:00Z", "2026-11-17T00:00:00Z"), story);
}

#[test]
fn g18_day_of_month_and_day_of_week_match_either() {
    let either = schedule("s", "UTC", Some(floor(1))).with(cron("w", "0 9 13 * 5", 60, floor(6))).alone();
    let expected = [
        ("2026-11-13T09:30:00Z", "6"), // Friday the 13th
        ("2026-12-13T09:30:00Z", "6"), // a Sunday
        ("2026-12-18T09:30:00Z", "6"), // a Friday
        ("2026-12-14T09:30:00Z", "1"),
    ];
    assert_floors(&either, &expected);
}

#[test]
fn g18_a_date_that_never_comes_is_never_waited_for() {
    let never = schedule("s", "UTC", Some(floor(1))).with(cron("w", "0 9 31 2 *", 60, floor(6))).alone();
    assert_eq!(never.decide(&www(), at("2026-01-01T00:00:00Z")).until, None);
}

#[test]
fn g20_a_weekly_start_keeps_its_local_time_through_the_year() {
    let weekly = daily("w", "17:00-18:00", floor(6)).on_days("wed");
    let weekly = schedule("s", "America/New_York", Some(floor(1))).with(weekly).alone();
    let span = Span { from: at("2026-01-01T00:00:00Z"), to: at("2027-01-01T00:00:00Z") };
    let zone = Zones::embedded().get("America/New_York").unwrap();
    let starts = weekly.segments(&www(), span).into_iter().filter(|s| s.decision.as_ref().unwrap().floor.min == 6);
    let hours: Vec<i8> = starts.map(|segment| zone.to_datetime(segment.span.from).hour()).collect();
    assert_eq!(hours, [17; 52]);
}

#[test]
fn g22_an_edit_before_the_boundary_is_what_holds_at_it() {
    let day = |min| schedule("s", "UTC", Some(floor(1))).with(daily("day", "08:00-18:00", floor(min))).alone();
    let before = Board::new(Arc::new(day(3)), at("2026-11-20T07:58:00Z"));
    let mut after = Board::new(Arc::new(day(5)), at("2026-11-20T07:59:00Z"));
    after.advance(at("2026-11-20T08:00:00Z"));
    let floor = |board: &Board| shown(board.decide(&board.members(&www())).as_ref());
    assert_eq!((floor(&before), floor(&after)), ("1".to_owned(), "5".to_owned()));
}

#[test]
fn g25_a_rise_comes_early_over_midnight_and_a_fall_does_not() {
    let early = daily("w", "00:05-04:00", floor(6)).on_days("sat");
    let early = schedule("s", "UTC", Some(floor(1))).with(early).lead(10).alone();
    let story = ["2026-11-20T12:00:00Z 1", "2026-11-20T23:55:00Z 6", "2026-11-21T04:00:00Z 1"];
    assert_eq!(early.story("2026-11-20T12:00:00Z", "2026-11-21T12:00:00Z"), story);
}

#[test]
fn an_early_rise_carries_the_cause_of_the_decision_that_won() {
    let ruling = web().lead(5).alone().decide(&www(), at("2026-11-24T07:55:00Z"));
    let decision = ruling.decision.unwrap();
    assert_eq!((decision.floor.min, decision.cause), (3, Cause::Default));
    assert_eq!(ruling.until, Some(at("2026-11-24T23:30:00Z")));
}

#[test]
fn an_early_rise_keeps_the_larger_max() {
    let development = schedule("s", "UTC", Some(range(1, 10))).with(daily("w", "12:00-13:00", range(3, 4))).lead(30);
    let story = ["2026-11-20T11:00:00Z 1..10", "2026-11-20T11:30:00Z 3..10", "2026-11-20T12:00:00Z 3..4"];
    assert_eq!(development.alone().story("2026-11-20T11:00:00Z", "2026-11-20T12:30:00Z"), story);
}

#[test]
fn at_a_tie_the_current_decision_stays_its_own() {
    let tie = schedule("s", "UTC", Some(floor(3))).with(daily("w", "12:00-13:00", floor(3))).lead(30).alone();
    let cause = tie.decide(&www(), at("2026-11-20T11:45:00Z")).decision.unwrap().cause;
    assert_eq!(cause, Cause::Default);
}

#[test]
fn the_highest_min_wins_among_windows_and_the_first_declared_at_a_tie() {
    let several = schedule("s", "UTC", Some(floor(9)))
        .with(daily("low", "00:00-12:00", floor(1)))
        .with(daily("first", "06:00-12:00", floor(4)))
        .with(daily("second", "06:00-12:00", floor(4)))
        .alone();
    let decision = several.decide(&www(), at("2026-11-20T07:00:00Z")).decision.unwrap();
    assert_eq!((decision.floor.min, decision.cause), (4, Cause::Window("first".into())));
}

#[test]
fn an_override_stands_above_windows_even_where_it_is_lower() {
    let freeze = web().once("freeze", "2026-11-20T10:00", "2026-11-20T16:00", floor(2)).alone();
    assert_floors(&freeze, &[("2026-11-20T15:00:00+01:00", "2"), ("2026-11-20T16:00:00+01:00", "6")]);
}

#[test]
fn an_override_without_max_takes_the_max_beneath_or_its_own_min() {
    let sale = schedule("s", "UTC", Some(range(1, 4)))
        .with(daily("off", "20:00-07:00", range(0, 0)))
        .once("sale", "2026-11-20T00:00", "2026-11-21T00:00", floor(3))
        .alone();
    let story = ["2026-11-20T06:00:00Z 3..3", "2026-11-20T07:00:00Z 3..4", "2026-11-20T20:00:00Z 3..3"];
    assert_eq!(sale.story("2026-11-20T06:00:00Z", "2026-11-20T23:00:00Z"), story);
}

#[test]
fn overrides_without_a_max_hand_on_what_lies_beneath_them_and_a_window_without_one_ends_that() {
    let day = |schedule: Schedule, name, floor| schedule.once(name, "2026-11-20T10:00", "2026-11-20T16:00", floor);
    let plain = || schedule("s", "UTC", Some(range(1, 8)));
    let stacked = day(day(plain(), "high", floor(5)), "low", floor(4));
    let over_a_window = day(plain().with(daily("w", "09:00-17:00", floor(2))), "high", floor(5));
    for (schedule, shown) in [(stacked, "5..8"), (over_a_window, "5")] {
        assert_eq!(schedule.alone().shown("2026-11-20T12:00:00Z"), shown);
    }
}

#[test]
fn an_overlay_leaves_the_target_alone_outside_its_windows() {
    let overlay = schedule("s", "UTC", None).with(daily("w", "12:00-13:00", floor(3))).lead(10).alone();
    let story = ["2026-11-20T11:00:00Z -", "2026-11-20T11:50:00Z 3", "2026-11-20T13:00:00Z -"];
    assert_eq!(overlay.story("2026-11-20T11:00:00Z", "2026-11-20T14:00:00Z"), story);
    assert!(overlay.overlays_only(&www()));
    assert!(!overlay.overlays_only(&TargetId::new("shop", "other")));
}

#[test]
fn windows_that_cover_the_week_need_no_default_and_are_no_overlay() {
    let round = schedule("s", "UTC", None)
        .with(daily("day", "07:00-20:00", floor(3)))
        .with(daily("night", "20:00-07:00", floor(1)))
        .alone();
    assert!(!round.overlays_only(&www()));
}

#[test]
fn priority_wins_over_the_higher_floor() {
    let pair = Schedules::new(vec![
        schedule("a", "UTC", Some(floor(9))),
        schedule("b", "UTC", Some(floor(2))).priority(1).for_target("shop/*"),
    ]);
    assert_floors(&pair, &[("2026-11-20T12:00:00Z", "2")]);
}

#[test]
fn among_equals_the_higher_floor_wins_and_then_the_first_name() {
    let three = Schedules::new(vec![
        schedule("c", "UTC", Some(floor(5))),
        schedule("b", "UTC", Some(floor(5))),
        schedule("a", "UTC", Some(floor(2))),
    ]);
    let decision = three.decide(&www(), at("2026-11-20T12:00:00Z")).decision.unwrap();
    assert_eq!((&*decision.schedule, decision.floor.min), ("b", 5));
}

#[test]
fn a_suspended_schedule_takes_no_part() {
    let pair =
        Schedules::new(vec![schedule("a", "UTC", Some(floor(9))).suspended(), schedule("b", "UTC", Some(floor(2)))]);
    assert_floors(&pair, &[("2026-11-20T12:00:00Z", "2")]);
    let alone = schedule("a", "UTC", Some(floor(9))).suspended().alone();
    assert_floors(&alone, &[("2026-11-20T12:00:00Z", "-")]);
}

#[test]
fn a_winner_without_max_has_it_filled_in_and_raised() {
    let filled = |max| {
        let pair = vec![
            schedule("a", "UTC", Some(floor(6))).priority(1),
            schedule("b", "UTC", Some(range(1, max))),
            schedule("c", "UTC", Some(range(0, 50))),
        ];
        Schedules::new(pair).shown("2026-11-20T12:00:00Z")
    };
    assert_eq!((filled(8).as_str(), filled(4).as_str()), ("6..8", "6..6"));
}

#[test]
fn of_those_that_could_fill_in_a_max_the_one_that_ranks_highest_does() {
    for (b, c, shown) in [(range(1, 8), range(2, 9), "6..9"), (range(2, 8), range(2, 9), "6..8")] {
        let three = Schedules::new(vec![
            schedule("a", "UTC", Some(floor(6))).priority(1),
            schedule("b", "UTC", Some(b)),
            schedule("c", "UTC", Some(c)),
        ]);
        assert_eq!(three.shown("2026-11-20T12:00:00Z"), shown);
    }
}

#[test]
fn what_comes_next_is_also_known_among_schedules_of_less_than_the_usual_priority() {
    let pair = Schedules::new(vec![
        schedule("a", "UTC", Some(range(2, 9))).priority(-5),
        schedule("b", "UTC", None).with(daily("w", "12:00-13:00", range(4, 9))).priority(-5),
    ]);
    assert_eq!(pair.decide(&www(), at("2026-11-20T11:00:00Z")).until, Some(at("2026-11-20T12:00:00Z")));
}

#[test]
fn an_exact_row_counts_globs_and_a_glob_row_only_itself() {
    let pair = Schedules::new(vec![
        schedule("a", "UTC", Some(floor(2))).for_target("shop/w*"),
        schedule("b", "UTC", Some(floor(5))),
        schedule("c", "UTC", Some(floor(9))).for_target("shop/*"),
    ]);
    let span = Span { from: at("2026-11-20T00:00:00Z"), to: at("2026-11-21T00:00:00Z") };
    let rows = pair.rows();
    let names: Vec<String> = rows.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["shop/*", "shop/w*", "shop/www"]);
    let mins = rows.iter().map(|row| pair.segments_of_row(row, span)[0].decision.as_ref().unwrap().floor.min);
    assert_eq!(mins.collect::<Vec<_>>(), [9, 2, 9]);
}

#[test]
fn an_explanation_names_the_winner_the_losers_and_what_comes_next() {
    let pair = Schedules::new(vec![web(), schedule("all", "UTC", Some(floor(2))).for_target("*/*")]);
    let why = pair.explain(&www(), at("2026-11-20T15:00:00+01:00"));
    assert_eq!(why.decision.as_ref().map(|decision| decision.cause.to_string()).as_deref(), Some("window/friday"));
    assert_eq!(why.until, Some(at("2026-11-20T23:30:00Z")));
    assert_eq!(why.next.as_ref().map(|next| next.cause.to_string()).as_deref(), Some("default"));
    let [all, web] = &why.schedules[..] else { panic!("two match") };
    assert_eq!((all.standing, web.standing), (Standing::LowerMin, Standing::Wins));
    assert_eq!((web.in_play[0].from, web.in_play[0].to), (at("2026-11-20T13:00:00Z"), at("2026-11-20T23:30:00Z")));
}

#[test]
fn an_explanation_says_why_what_is_in_play_does_not_win() {
    let freeze = web().once("freeze", "2026-11-20T10:00", "2026-11-20T16:00", floor(2));
    let why = Schedules::new(vec![freeze, schedule("zoo", "UTC", Some(floor(2)))])
        .explain(&www(), at("2026-11-20T15:00:00+01:00"));
    let [web, zoo] = &why.schedules[..] else { panic!("two match") };
    assert_eq!((web.standing, zoo.standing), (Standing::Wins, Standing::LaterName));
    let outranked: Vec<_> = web.in_play.iter().map(|item| item.outranked).collect();
    assert_eq!(outranked, [None, Some(Outranked::ByOverride)], "although the window asks for more");
}

#[test]
fn an_explanation_says_when_an_early_rise_is_due() {
    let why = web().lead(5).alone().explain(&www(), at("2026-11-24T07:56:00Z"));
    let web = &why.schedules[0];
    assert_eq!(web.base.as_ref().unwrap().floor.min, 1);
    assert_eq!(web.early, Some(EarlyRise { due: at("2026-11-24T08:00:00Z") }));
}

#[test]
fn an_explanation_in_json_speaks_the_words_of_the_timetable() {
    let why = serde_json::to_value(web().alone().explain(&www(), at("2026-11-20T15:00:00+01:00"))).unwrap();
    assert_eq!(
        why["decision"],
        serde_json::json!({"min": 6, "max": null, "schedule": "web", "cause": "window/friday"})
    );
    assert_eq!(why["until"], "2026-11-20T23:30:00Z");
    assert_eq!(why["schedules"][0]["timezone"], "Europe/Brussels");
    assert_eq!(why["schedules"][0]["inPlay"][0]["to"], "2026-11-20T23:30:00Z");
}

#[test]
fn a_target_that_no_schedule_matches_has_an_empty_explanation() {
    let why = web().alone().explain(&TargetId::new("shop", "other"), at("2026-11-20T15:00:00Z"));
    assert_eq!((why.decision, why.until, why.schedules), (None, None, vec![]));
}

#[test]
fn a_filter_admits_the_dates_that_all_its_parts_admit() {
    let spring = |text: &str| daily("w", "09:00-17:00", floor(3)).on_days(text).valid("2026-03-02", "2026-03-29");
    let admits = |window: &Window, day: &str| window.dates.admits(day.parse().unwrap());
    for (day, expected) in [
        ("2026-03-01", false), // the Sunday before the first
        ("2026-03-02", true),
        ("2026-03-03", false), // a Tuesday
        ("2026-03-29", true),
        ("2026-03-30", false), // the Monday after the last
    ] {
        assert_eq!(admits(&spring("mon sun"), day), expected, "{day}");
    }
    let listed = spring("mon sun").on(&["2026-03-08", "2026-03-09", "2026-03-10"]).except(&["2026-03-09"]);
    for (day, expected) in [("2026-03-08", true), ("2026-03-09", false), ("2026-03-10", false), ("2026-03-15", false)] {
        assert_eq!(admits(&listed, day), expected, "{day}");
    }
}

#[test]
fn whether_a_schedule_leaves_some_of_the_week_to_others() {
    let (day, night) = (daily("day", "08:00-20:00", floor(3)), daily("night", "20:00-08:00", floor(1)));
    let both = |day: Window, night: Window| schedule("s", "UTC", None).with(day).with(night).is_overlay();
    assert!(!both(day.clone(), night.clone()), "day and night are all of it");
    assert!(!schedule("s", "UTC", Some(floor(1))).with(day.clone()).is_overlay(), "a default is all of it");
    assert!(both(day.clone(), daily("night", "20:00-07:59", floor(1))), "a minute is missing");
    assert!(both(day.clone(), night.clone().on_days("mon tue wed thu fri sat")), "a night is missing");
    for filtered in [
        night.clone().on(&["2026-03-08"]),
        night.clone().except(&["2026-03-08"]),
        night.valid("2026-03-02", "2026-03-29"),
    ] {
        assert!(both(day.clone(), filtered.clone()), "some nights are missing: {:?}", filtered.dates);
    }
    assert!(both(day, cron("night", "0 20 * * *", 720, floor(1))), "what a cron covers is not counted out");
}

#[test]
fn schedules_say_whether_there_are_any_and_whether_any_names_a_glob_and_whom_the_operator_allows() {
    let (exact, glob) = (web().alone(), web().for_target("shop/api-*").alone());
    assert!(Schedules::new(vec![]).is_empty() && !exact.is_empty());
    assert_eq!((exact.has_globs(), glob.has_globs()), (false, true));
    let only = exact.allowing(Allowed::only(&[Allowance::parse("other/*").unwrap()]));
    assert!(!only.allowed().admits(&www()) && glob.allowed().admits(&www()));
}

#[test]
fn a_board_says_when_something_changes_and_when_for_one_target() {
    let early = schedule("early", "UTC", Some(floor(1))).with(daily("w", "08:00-18:00", floor(3)));
    let late = schedule("late", "UTC", Some(floor(1))).with(daily("w", "10:00-18:00", floor(3)));
    let schedules = Schedules::new(vec![early, late.for_target("shop/late")]);
    let board = Board::new(schedules.into(), at("2026-11-20T06:00:00Z"));
    let of = |service| board.changes_at_for(&board.members(&TargetId::new("shop", service)));
    assert_eq!(board.changes_at(), Some(at("2026-11-20T08:00:00Z")));
    assert_eq!((of("www"), of("late")), (board.changes_at(), Some(at("2026-11-20T10:00:00Z"))));
    let never = Board::new(schedule("s", "UTC", Some(floor(1))).alone().into(), at("2026-11-20T06:00:00Z"));
    assert_eq!(never.changes_at(), None);
}
