//! Figures as people read them: task-hours to a tenth, with commas; differences with their sign.

use crate::compare::{BeforeAndAfter, TaskTime};
use crate::render::words::figure;
use crate::timetable::Decision;

/// `3`, `1..4`, or `none`.
pub(super) fn figure_of(decision: &Option<Decision>) -> String {
    decision.as_ref().map_or("none".to_owned(), |decision| figure(decision.floor))
}

/// `5,040`, `0.3`.
pub(super) fn hours_of(time: TaskTime) -> String {
    hours(time.task_seconds)
}

/// `672`, `0.3`.
pub(super) fn hours(seconds: u128) -> String {
    tenths(tenths_of_hours(seconds))
}

/// `+280`, `-0.5`, `0`.
pub(super) fn signed_hours(time: BeforeAndAfter<TaskTime>) -> String {
    let (before, after) = (tenths_of_hours(time.before.task_seconds), tenths_of_hours(time.after.task_seconds));
    match before.abs_diff(after) {
        0 => "0".to_owned(),
        difference if after > before => format!("+{}", tenths(difference)),
        difference => format!("-{}", tenths(difference)),
    }
}

/// `+5.6 %`; `None` where there was nothing before, or nothing differs.
pub(super) fn signed_percent(time: BeforeAndAfter<TaskTime>) -> Option<String> {
    let (before, after) = (time.before.task_seconds, time.after.task_seconds);
    if before == 0 || before == after {
        return None;
    }
    let sign = if after > before { '+' } else { '-' };
    Some(format!("{sign}{} %", tenths((before.abs_diff(after) * 2000 + before) / (2 * before))))
}

fn tenths_of_hours(seconds: u128) -> u128 {
    (seconds + 180) / 360
}

fn tenths(tenths: u128) -> String {
    match (grouped(tenths / 10), tenths % 10) {
        (whole, 0) => whole,
        (whole, tenth) => format!("{whole}.{tenth}"),
    }
}

/// With a comma after every third digit from the right.
fn grouped(number: u128) -> String {
    let digits = number.to_string();
    let comma = |(index, digit): (usize, char)| {
        let is_third = index > 0 && (digits.len() - index).is_multiple_of(3);
        is_third.then_some(',').into_iter().chain([digit])
    };
    digits.chars().enumerate().flat_map(comma).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tasks_for(hours: u128) -> TaskTime {
        TaskTime { task_seconds: hours * 3600, left_alone_seconds: 0 }
    }

    #[test]
    fn task_hours_are_told_to_a_tenth() {
        assert_eq!(hours_of(tasks_for(1_234_567)), "1,234,567");
        assert_eq!(hours_of(TaskTime { task_seconds: 1000, left_alone_seconds: 0 }), "0.3");
        assert_eq!(hours_of(tasks_for(0)), "0");
    }

    #[test]
    fn differences_have_a_sign_and_a_share_of_what_there_was() {
        let of = |before, after| BeforeAndAfter { before: tasks_for(before), after: tasks_for(after) };
        assert_eq!(signed_hours(of(1000, 2500)), "+1,500");
        assert_eq!(signed_hours(of(3, 2)), "-1");
        assert_eq!(signed_percent(of(3, 2)).as_deref(), Some("-33.3 %"));
        assert_eq!(signed_percent(of(0, 2)), None);
        assert_eq!(signed_hours(of(2, 2)), "0");
    }
}
