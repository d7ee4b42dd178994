//! Two courses of a floor side by side: where they differ, to the instant.

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::model::{Floor, Span, TargetId, instant};
use crate::timetable::Schedules;

/// A course: runs in order and without holes; `None`: nothing is said, so nothing can differ.
pub(super) type Course = Vec<(Span, Option<Floor>)>;

/// A stretch of time in which what native actions do is not what the schedules say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// Whose floor it is.
    pub target: TargetId,
    /// First differing instant.
    #[serde(serialize_with = "as_instant")]
    pub from: Timestamp,
    /// First instant after.
    #[serde(serialize_with = "as_instant")]
    pub to: Timestamp,
    /// What native actions set.
    pub native: Floor,
    /// What schedules declare; `None`: nothing.
    pub schedules: Option<Floor>,
}

fn as_instant<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&instant(*at))
}

/// What schedules declare for a target.
pub(super) fn declared(schedules: &Schedules, target: &TargetId, span: Span) -> Course {
    let segments = schedules.segments(target, span).into_iter();
    segments.map(|segment| (segment.span, segment.decision.map(|decision| decision.floor))).collect()
}

/// The stretches in which `wanted` says something and `other` something else, with both.
pub(super) fn differing(wanted: &Course, other: &Course) -> Vec<(Span, Floor, Option<Floor>)> {
    let mut found: Vec<(Span, Floor, Option<Floor>)> = Vec::new();
    let mut others = other.iter().peekable();
    for (span, floor) in wanted {
        while let Some((theirs, said)) = others.peek() {
            let both = Span { from: span.from.max(theirs.from), to: span.to.min(theirs.to) };
            if both.from < both.to
                && let Some(floor) = floor.filter(|floor| Some(*floor) != *said)
            {
                extend(&mut found, both, floor, *said);
            }
            if theirs.to > span.to {
                break;
            }
            others.next();
        }
    }
    found
}

fn extend(found: &mut Vec<(Span, Floor, Option<Floor>)>, span: Span, floor: Floor, said: Option<Floor>) {
    match found.last_mut() {
        Some(last) if last.0.to == span.from && (last.1, last.2) == (floor, said) => last.0.to = span.to,
        _ => found.push((span, floor, said)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn course(runs: &[(i64, i64, Option<u32>)]) -> Course {
        let at = |second| Timestamp::from_second(second).expect("a small number");
        let floor = |min: Option<u32>| min.map(|min| Floor { min, max: None });
        runs.iter().map(|(from, to, min)| (Span { from: at(*from), to: at(*to) }, floor(*min))).collect()
    }

    fn seconds(wanted: &Course, other: &Course) -> Vec<(i64, i64)> {
        differing(wanted, other).iter().map(|(span, ..)| (span.from.as_second(), span.to.as_second())).collect()
    }

    #[test]
    fn every_differing_stretch_is_found_and_nothing_else() {
        let wanted = course(&[(0, 10, Some(1)), (10, 20, Some(3)), (20, 30, Some(1))]);
        assert_eq!(seconds(&wanted, &wanted), []);
        assert_eq!(seconds(&wanted, &course(&[(0, 12, Some(1)), (12, 20, Some(3)), (20, 30, Some(1))])), [(10, 12)]);
        assert_eq!(seconds(&wanted, &course(&[(0, 30, Some(1))])), [(10, 20)]);
        assert_eq!(seconds(&wanted, &course(&[(0, 30, None)])), [(0, 10), (10, 20), (20, 30)]);
    }

    #[test]
    fn where_nothing_is_wanted_nothing_differs() {
        let wanted = course(&[(0, 10, None), (10, 20, Some(3))]);
        assert_eq!(seconds(&wanted, &course(&[(0, 20, Some(1))])), [(10, 20)]);
    }
}
