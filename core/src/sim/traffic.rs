//! What a service's customers ask of it: a pure function of the seed, the service and the minute.
//!
//! Quiet nights, a peak at lunch and a higher one at dinner, fuller Fridays and weekends, and a little noise.

use jiff::Timestamp;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;

use super::chance;

/// Load at each full local hour, in percent of the weekly peak; straight lines between.
const HOURLY_PERCENT: [f64; 24] = [
    18.0, 10.0, 6.0, 5.0, 5.0, 6.0, 10.0, 16.0, 22.0, 26.0, 32.0, 50.0, // the night and the morning
    72.0, 66.0, 42.0, 34.0, 36.0, 52.0, 84.0, 92.0, 80.0, 54.0, 38.0, 28.0, // lunch and dinner
];

/// A minute as customers live it.
pub(super) struct LocalMinute {
    since_epoch: i64,
    of_day: usize,
    weekday: Weekday,
}

impl LocalMinute {
    /// The minute that `at` falls in, on the wall clock of `zone`.
    pub(super) fn at(at: Timestamp, zone: &TimeZone) -> Self {
        let local = zone.to_datetime(at);
        let of_day = usize::try_from(i32::from(local.hour()) * 60 + i32::from(local.minute()))
            .expect("hours and minutes of a day are not negative");
        LocalMinute { since_epoch: at.as_second().div_euclid(60), of_day, weekday: local.weekday() }
    }

    fn percent(&self) -> f64 {
        let (hour, minute) = (self.of_day / 60, self.of_day % 60);
        let (this, next) = (HOURLY_PERCENT[hour], HOURLY_PERCENT[(hour + 1) % 24]);
        let within_hour = f64::from(u32::try_from(minute).expect("a minute is below 60")) / 60.0;
        (this + (next - this) * within_hour) * weekday_factor(self.weekday)
    }
}

fn weekday_factor(weekday: Weekday) -> f64 {
    match weekday {
        Weekday::Monday | Weekday::Tuesday | Weekday::Wednesday | Weekday::Thursday => 0.75,
        Weekday::Friday => 0.95,
        Weekday::Saturday => 1.05,
        Weekday::Sunday => 0.9,
    }
}

/// The traffic of one service.
#[derive(Clone, Debug)]
pub(super) struct Traffic {
    seed: u64,
    peak: f64, // in tasks that are fully busy
}

impl Traffic {
    /// Traffic whose weekly peak keeps 2.1 to 5.6 tasks fully busy, so that 3 to 8 are needed at 70 %.
    pub(super) fn new(seed: u64, service: &str) -> Self {
        let seed = chance::draw(seed, &[chance::fingerprint(service)]);
        let tenths = chance::between(21, 56, seed, &[0]);
        Traffic { seed, peak: f64::from(u32::try_from(tenths).expect("a draw of at most 56")) / 10.0 }
    }

    /// How many tasks the minute's requests keep fully busy; 0.0 or more.
    pub(super) fn load(&self, minute: &LocalMinute) -> f64 {
        let question = [1, minute.since_epoch.unsigned_abs()];
        let permille = u32::try_from(chance::between(950, 1050, self.seed, &question)).expect("a draw of at most 1050");
        self.peak * minute.percent() / 100.0 * f64::from(permille) / 1000.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(traffic: &Traffic, at: &str) -> f64 {
        traffic.load(&LocalMinute::at(at.parse().unwrap(), &TimeZone::UTC))
    }

    #[test]
    fn dinner_is_busier_than_lunch_and_lunch_than_night() {
        let traffic = Traffic::new(1, "shop/www");
        let (night, lunch, dinner) = (
            load(&traffic, "2026-11-18T03:30:00Z"),
            load(&traffic, "2026-11-18T12:15:00Z"),
            load(&traffic, "2026-11-18T19:00:00Z"),
        );
        assert!(night * 5.0 < lunch && lunch < dinner, "{night} {lunch} {dinner}");
    }

    #[test]
    fn fridays_and_saturdays_are_busier_than_wednesdays() {
        let traffic = Traffic::new(1, "shop/www");
        let wednesday = load(&traffic, "2026-11-18T19:00:00Z");
        assert!(load(&traffic, "2026-11-20T19:00:00Z") > wednesday);
        assert!(load(&traffic, "2026-11-21T19:00:00Z") > wednesday);
    }

    #[test]
    fn every_service_needs_between_three_and_eight_tasks_at_its_peak() {
        for service in 0..200 {
            let peak = Traffic::new(7, &format!("shop/{service}")).peak;
            assert!((3.0..=8.0).contains(&(peak / 0.7)), "{peak}");
        }
    }

    #[test]
    fn lunch_follows_the_wall_clock_of_the_zone() {
        let traffic = Traffic::new(1, "shop/www");
        let at = "2026-11-18T12:15:00Z".parse().unwrap();
        let utc = traffic.load(&LocalMinute::at(at, &TimeZone::UTC));
        let brussels = traffic.load(&LocalMinute::at(at, &TimeZone::fixed(jiff::tz::offset(1))));
        assert!(utc > brussels, "12:15 in London is past lunch in Brussels");
    }
}
