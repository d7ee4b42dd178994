//! Whether windows cover the week as written, so that a schedule can do without a default.

use crate::spec::time::{DAY_MINUTES, DAYS};
use crate::spec::window::Use;
use crate::timetable::{Recurrence, Window};

const WEEK_MINUTES: usize = 7 * DAY_MINUTES as usize;

/// Names the first stretch of the week, from Monday on, that no window covers: "Sat 10:00–14:00".
/// A window that names a calendar (`uses`) does not come every week.
pub(super) fn first_uncovered(windows: &[Window], uses: &[Use]) -> Option<String> {
    let mut covered = vec![false; WEEK_MINUTES];
    for (index, window) in windows.iter().enumerate() {
        if !uses.iter().any(|named| named.window == index) {
            cover(window, &mut covered);
        }
    }
    let start = covered.iter().position(|covered| !covered)?;
    let end = covered[start..].iter().position(|covered| *covered).map_or(WEEK_MINUTES, |length| start + length);
    Some(stretch(start, end))
}

fn cover(window: &Window, covered: &mut [bool]) {
    let Recurrence::Daily { from, to } = window.recurrence else { return };
    let dates = &window.dates;
    if dates.valid_from.is_some() || dates.valid_until.is_some() {
        return;
    }
    let end = if to <= from { to + DAY_MINUTES } else { to };
    for day in (0..7_usize).filter(|day| dates.weekdays & 1 << day != 0) {
        for minute in from..end {
            covered[(day * usize::from(DAY_MINUTES) + usize::from(minute)) % WEEK_MINUTES] = true;
        }
    }
}

fn stretch(start: usize, end: usize) -> String {
    let day = |minute: usize| minute / usize::from(DAY_MINUTES);
    let time = |minute: usize| format!("{:02}:{:02}", minute / 60, minute % 60);
    let (first, last) = (day(start), day(end - 1));
    let end_of_day = time(end - last * usize::from(DAY_MINUTES));
    let start_of_day = time(start % usize::from(DAY_MINUTES));
    match first == last {
        true => format!("{} {start_of_day}–{end_of_day}", day_name(first)),
        false => format!("{} {start_of_day}–{} {end_of_day}", day_name(first), day_name(last)),
    }
}

fn day_name(day: usize) -> String {
    let (initial, rest) = DAYS[day].split_at(1);
    initial.to_uppercase() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_is_named_by_day_and_time() {
        let at = |day: usize, hour: usize| (day * 24 + hour) * 60;
        assert_eq!(stretch(at(5, 10), at(5, 14)), "Sat 10:00–14:00");
        assert_eq!(stretch(0, WEEK_MINUTES), "Mon 00:00–Sun 24:00");
        assert_eq!(stretch(at(0, 20), at(1, 0)), "Mon 20:00–24:00");
        assert_eq!(stretch(at(4, 20), at(5, 6)), "Fri 20:00–Sat 06:00");
    }
}
