//! Every kind of change of every zone's clock, with the windows that such a change could break.

use std::collections::BTreeSet;

use chrono::Datelike;
use chrono_tz::Tz;

use crate::compare::comparable;
use crate::oracle::{Minute, date_of};
use crate::shrink::assert_same;
use crate::source::{Cron, Schedule, Source, When, Window};
use crate::zones::{Change, changes};

#[test]
fn windows_around_every_kind_of_clock_change_equal_the_oracle() {
    let mut seen = BTreeSet::new();
    let kinds: Vec<_> = changes().iter().filter(|change| seen.insert(kind(change))).collect();
    let compared = kinds.iter().filter(|change| holds(change)).count();
    assert!(compared * 10 >= kinds.len() * 8, "the databases agree on {compared} of {} only", kinds.len());
}

/// Every third change: years in turn, and both directions.
#[test]
fn g29_windows_around_the_changes_of_odd_zones_equal_the_oracle() {
    for zone in [
        Tz::Europe__Dublin,
        Tz::Australia__Lord_Howe,
        Tz::Asia__Beirut,
        Tz::America__Havana,
        Tz::America__Asuncion,
        Tz::Africa__Casablanca,
        Tz::Pacific__Apia,
        Tz::Antarctica__Troll,
        Tz::America__St_Johns,
    ] {
        let of_zone: Vec<_> = changes().iter().filter(|change| change.zone == zone).step_by(3).collect();
        let compared = of_zone.iter().filter(|change| holds(change)).count();
        assert!(compared * 2 >= of_zone.len(), "{zone}: the databases agree on {compared} of {}", of_zone.len());
    }
}

/// Changes of one kind look the same to a timetable: the offsets, the time of the day, the day of the week, and whether
/// the year lies beyond the tables that zone databases spell out.
fn kind(change: &Change) -> (i64, i64, Minute, Minute, bool) {
    let local = change.at + change.before;
    let minutes_to_2038 = 35_765_280;
    (
        change.before,
        change.after,
        local.rem_euclid(1440),
        local.div_euclid(1440).rem_euclid(7),
        change.at > minutes_to_2038,
    )
}

/// Whether the comparison could be made; it panics where it fails.
fn holds(change: &Change) -> bool {
    let span = change.at - 36 * 60..change.at + 36 * 60;
    let source = around(change);
    if !comparable(&source, &span) {
        return false;
    }
    assert_same(source, span, 360, &format!("{change:?}"));
    true
}

/// One schedule, with a target of its own, for each way in which a window can meet the change.
fn around(change: &Change) -> Source {
    const SERVICES: [&str; 9] = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
    let clock = |minute: Minute| u32::try_from(minute.rem_euclid(1440)).expect("a minute of the day is small");
    let (old, new) = (change.at + change.before, change.at + change.after);
    let within = clock((old + new) / 2);
    let (well_before, well_after) = (clock(old.min(new) - 180), clock(old.max(new) + 180));
    let inside = clock(old.min(new) + (old - new).abs() / 4);
    let weekday = date_of(old).weekday();
    let windows = [
        Window::clock("starts-within", within, well_after, 2),
        Window::clock("ends-within", well_before, within, 2),
        Window::clock("lies-within", inside, within, 2),
        Window::clock("spans", well_before, well_after, 2),
        Window::clock("to-the-edge", clock(old), clock(new), 2),
        Window::clock("from-the-edge", clock(new), clock(old), 2),
        Window::clock("whole-day", 0, 1440, 2).on_days(weekday, weekday),
        Window::cron("cron-within", Cron::daily(within / 60, within % 60), 90, 2),
        Window::cron("cron-before", Cron::daily(well_before / 60, well_before % 60), 1440, 2),
    ];
    let schedule = |(window, service): (Window, &'static str)| Schedule {
        name: service.to_owned(),
        targets: vec![("sweep", service)],
        ..Schedule::new(change.zone, 1, vec![window])
    };
    // Where a whole day is skipped, both edges show the same wall clock.
    let written = |window: &Window| !matches!(window.when, When::Clock { from, to } if from == to);
    Source::of(windows.into_iter().filter(written).zip(SERVICES).map(schedule).collect())
}
