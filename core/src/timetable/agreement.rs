//! The ways to ask agree with one another, and with the rules read out word by word.

use proptest::prelude::*;

use super::civil::{end_instant, start_instant};
use super::samples::*;
use super::*;

/// What the rules say of one schedule, from every occurrence near `around`, one by one.
struct ByTheBook<'a> {
    schedule: &'a Schedule,
    windows: Vec<(&'a Window, Vec<(Timestamp, Timestamp)>)>,
}

impl<'a> ByTheBook<'a> {
    fn new(schedule: &'a Schedule, around: Timestamp) -> Self {
        let today = schedule.zone.to_datetime(around).date();
        let dates: Vec<Date> = (-6..=3).map(|days| today + jiff::Span::new().days(days)).collect();
        let windows = schedule.windows.iter().map(|window| {
            let admitted = dates.iter().filter(|date| admits(window, **date));
            (window, admitted.flat_map(|date| occurrences(window, *date, &schedule.zone)).collect())
        });
        ByTheBook { schedule, windows: windows.collect() }
    }

    fn base(&self, at: Timestamp) -> Option<(Floor, Cause)> {
        let zone = &self.schedule.zone;
        let mut best: Option<(Floor, Cause)> = None;
        for item in &self.schedule.overrides {
            let active = start_instant(zone, item.from) <= at && at < end_instant(zone, item.to);
            if active && best.as_ref().is_none_or(|(floor, _)| item.floor.min > floor.min) {
                best = Some((item.floor, Cause::Override(item.name.clone())));
            }
        }
        if best.is_some() {
            return best;
        }
        for (window, spans) in &self.windows {
            let active = spans.iter().any(|(from, to)| *from <= at && at < *to);
            if active && best.as_ref().is_none_or(|(floor, _)| window.floor.min > floor.min) {
                best = Some((window.floor, Cause::Window(window.name.clone())));
            }
        }
        best.or(self.schedule.default.map(|floor| (floor, Cause::Default)))
    }

    fn rule(&self, at: Timestamp) -> Option<(Floor, Cause)> {
        let now = self.base(at);
        let mut best = now.clone();
        let spans = self.windows.iter().flat_map(|(_, spans)| spans).flat_map(|(from, to)| [*from, *to]);
        let edges: BTreeSet<Timestamp> = spans.collect();
        for edge in edges.range(at..=at + self.schedule.lead_time) {
            let later = self.base(*edge);
            if later.as_ref().map(|(floor, _)| floor.min) > best.as_ref().map(|(floor, _)| floor.min) {
                best = later;
            }
        }
        let kept = now.and_then(|(floor, _)| floor.max);
        best.map(|(floor, cause)| (Floor { max: floor.max.max(kept), ..floor }, cause))
    }
}

fn admits(window: &Window, date: Date) -> bool {
    let filter = &window.dates;
    let cron = match &window.recurrence {
        Recurrence::Daily { .. } => true,
        Recurrence::Cron { cron, .. } => cron.matches_date(date),
    };
    cron && filter.weekdays & 1 << date.weekday().to_monday_zero_offset() != 0
        && filter.on.as_ref().is_none_or(|sets| sets.iter().any(|set| set.contains(date)))
        && !filter.except.iter().any(|set| set.contains(date))
        && filter.valid_from.is_none_or(|from| from <= date)
        && filter.valid_until.is_none_or(|until| date <= until)
}

fn occurrences(window: &Window, date: Date, zone: &TimeZone) -> Vec<(Timestamp, Timestamp)> {
    let local = |minute: u16| {
        let midnight = date.to_datetime(jiff::civil::Time::midnight());
        midnight + SignedDuration::from_mins(i64::from(minute))
    };
    match &window.recurrence {
        Recurrence::Daily { from, to } => {
            let ends = if to > from { *to } else { to + 1440 };
            vec![(start_instant(zone, local(*from)), end_instant(zone, local(ends)))]
        }
        Recurrence::Cron { cron, duration } => {
            let matches =
                |minute: &u16| cron.hours() & 1 << (minute / 60) != 0 && cron.minutes() & 1 << (minute % 60) != 0;
            let starts = (0..1440).filter(matches).map(|minute| start_instant(zone, local(minute)));
            starts.map(|start| (start, start + *duration)).collect()
        }
    }
}

const ZONES: [(&str, &str); 9] = [
    ("Europe/Berlin", "2026-03-28T00:00:00Z"),
    ("Europe/Dublin", "2026-10-24T00:00:00Z"),
    ("America/New_York", "2026-10-31T00:00:00Z"),
    ("Australia/Lord_Howe", "2027-04-02T00:00:00Z"),
    ("America/Havana", "2026-10-31T00:00:00Z"),
    ("America/St_Johns", "2010-11-06T00:00:00Z"),
    ("Pacific/Apia", "2011-12-29T00:00:00Z"),
    ("Antarctica/Troll", "2026-03-28T00:00:00Z"),
    ("Africa/Casablanca", "2026-02-14T00:00:00Z"),
];

fn any_floor() -> impl Strategy<Value = Floor> {
    (0_u32..6).prop_map(floor)
}

const CRONS: [&str; 7] =
    ["*/20 * * * *", "15 */2 * * *", "*/5 0-3 * * *", "30 1 * * 6,0", "0 0 * * *", "59 23 * * *", "45 2 1-15 * *"];

fn any_recurrence() -> impl Strategy<Value = Window> {
    let times = (0_u16..48, 0_u16..48).prop_filter("an end is no start", |(from, to)| from != to);
    let daily = times.prop_map(|(from, to)| {
        daily("w", &format!("{:02}:{:02}-{:02}:{:02}", from / 2, from % 2 * 30, to / 2, to % 2 * 30), floor(0))
    });
    let minutes = prop_oneof![1_i64..10, 30_i64..180, 1000_i64..5000];
    let cron =
        (proptest::sample::select(&CRONS[..]), minutes).prop_map(|(text, minutes)| cron("w", text, minutes, floor(0)));
    prop_oneof![2 => daily, 1 => cron]
}

fn any_window() -> impl Strategy<Value = Window> {
    let weekdays = prop_oneof![Just(EVERY_DAY), 1_u8..=EVERY_DAY];
    (any_recurrence(), weekdays, any_floor()).prop_map(|(window, weekdays, floor)| {
        let dates = DateFilter { weekdays, ..window.dates };
        Window { dates, floor, ..window }
    })
}

prop_compose! {
    fn any_schedule()(
        (zone, _) in Just(ZONES[0]),
        default in proptest::option::weighted(0.8, any_floor()),
        windows in proptest::collection::vec(any_window(), 0..4),
        lead in prop_oneof![Just(0_i64), 1_i64..90, Just(1440)],
        priority in 0_i64..2,
    ) -> Schedule {
        let mut schedule = schedule("s", zone, default).lead(lead).priority(priority);
        for (index, window) in windows.into_iter().enumerate() {
            schedule = schedule.with(Window { name: format!("w{index}").into(), ..window });
        }
        schedule
    }
}

fn in_zone(mut schedule: Schedule, zone: &str) -> Schedule {
    schedule.zone = Zones::embedded().get(zone).unwrap();
    schedule
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn one_schedule_declares_what_the_rules_say(
        schedule in any_schedule(),
        (zone, near) in proptest::sample::select(&ZONES[..]),
        minutes in proptest::collection::vec(0_i64..3 * 1440, 4),
    ) {
        let schedule = in_zone(schedule, zone);
        let schedules = schedule.clone().alone();
        for minute in minutes {
            let at = at(near) + SignedDuration::from_mins(minute);
            let book = ByTheBook::new(&schedule, at);
            let decision = schedules.decide(&www(), at).decision.map(|decision| (decision.floor, decision.cause));
            prop_assert_eq!(decision, book.rule(at), "at {}", at);
        }
    }

    #[test]
    fn segments_and_the_board_say_what_decide_says(
        mut several in proptest::collection::vec(any_schedule(), 1..4),
        (zone, near) in proptest::sample::select(&ZONES[..]),
        hours in proptest::collection::vec(0_i64..72, 6),
    ) {
        for (index, schedule) in several.iter_mut().enumerate() {
            *schedule = in_zone(schedule.clone(), zone);
            schedule.name = format!("s{index}").into();
        }
        let schedules = Arc::new(Schedules::new(several));
        let from = at(near);
        let mut board = Board::new(Arc::clone(&schedules), from);
        let members = board.members(&www());
        let segments = schedules.segments(&www(), Span { from, to: from + SignedDuration::from_hours(72) });
        for pair in segments.windows(2) {
            prop_assert_eq!(pair[0].span.to, pair[1].span.from);
            prop_assert_ne!(&pair[0].decision, &pair[1].decision);
        }
        for hour in hours {
            let at = from + SignedDuration::from_hours(hour);
            let ruling = schedules.decide(&www(), at);
            board.advance(at);
            prop_assert_eq!(board.decide(&members), ruling.decision.clone());
            let segment = segments.iter().find(|segment| segment.span.from <= at && at < segment.span.to).unwrap();
            prop_assert_eq!(&segment.decision, &ruling.decision);
            let soon = at + SignedDuration::from_hours(5 * 24); // the search gives up after 8,192 changes, a minute apart at least
            if let Some(until) = ruling.until.filter(|until| *until < soon) {
                prop_assert_ne!(schedules.decide(&www(), until).decision, ruling.decision.clone());
                let before = until - SignedDuration::from_secs(1);
                prop_assert_eq!(schedules.decide(&www(), before).decision, ruling.decision);
            }
        }
    }
}
