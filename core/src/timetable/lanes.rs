//! Many rows through a span: rows for which the same schedules count share one course, however many they are.

use std::collections::BTreeMap;

use super::{Schedule, Schedules, Segment};
use crate::model::{Span, TargetPattern};

/// Which schedules count for a glob. For an exact target it is always those that match it by name or glob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Those that list that very pattern, as [`Schedules::segments_of_row`] has it.
    Listed,
    /// Those with a pattern that covers it: what a service gets of which nothing is known but that it fits.
    Covering,
}

/// The courses of many rows.
#[derive(Clone, Debug)]
pub struct Lanes {
    /// Each course once, in the order of the first row that follows it.
    pub lanes: Vec<Lane>,
    /// For each row, in the order given, the index of its course.
    pub of_rows: Vec<usize>,
}

/// The course of every row for which the same schedules count.
#[derive(Clone, Debug)]
pub struct Lane {
    /// Without holes, as [`Schedules::segments`] has them.
    pub segments: Vec<Segment>,
    /// Whether any schedule takes part, be it only inside its windows.
    pub is_governed: bool,
}

impl Schedules {
    /// Follows each of `rows` through `span`.
    pub fn lanes<'a>(&self, rows: impl IntoIterator<Item = &'a TargetPattern>, reach: Reach, span: Span) -> Lanes {
        let mut known: BTreeMap<Vec<usize>, usize> = BTreeMap::new();
        let mut lanes = Vec::new();
        let course = |row| {
            let members = self.members_of_row(row, reach);
            let is_governed = !members.is_empty();
            *known.entry(members).or_insert_with_key(|members| {
                lanes.push(Lane { segments: self.follow(members.iter().copied(), span), is_governed });
                lanes.len() - 1
            })
        };
        let of_rows = rows.into_iter().map(course).collect();
        Lanes { lanes, of_rows }
    }

    fn members_of_row(&self, row: &TargetPattern, reach: Reach) -> Vec<usize> {
        if !self.allowed.admits_any_of(row) {
            return Vec::new();
        }
        match (row.exact(), reach) {
            (Some(target), _) => self.taking_part(&target).collect(),
            (None, Reach::Listed) => self.taking_part_by(|pattern| pattern == row),
            (None, Reach::Covering) => self.taking_part_by(|pattern| pattern.covers(row)),
        }
    }

    fn taking_part_by(&self, fits: impl Fn(&TargetPattern) -> bool) -> Vec<usize> {
        let fitting = |schedule: &Schedule| !schedule.suspend && schedule.targets.iter().any(&fits);
        (0..self.schedules.len()).filter(|index| fitting(&self.schedules[*index])).collect()
    }
}
