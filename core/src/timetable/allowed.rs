//! Which targets the operator allows, whatever the schedules say.

use std::sync::Arc;

use crate::model::{TargetId, TargetPattern};

/// The targets whose floors may be kept. It is the operator's, so that no edit of the schedules can widen it.
#[derive(Clone, Debug, Default)]
pub struct Allowed(Option<Arc<[TargetPattern]>>);

impl Allowed {
    /// All that fit any of these patterns; where there is none, all.
    pub fn only(patterns: &[TargetPattern]) -> Self {
        Allowed((!patterns.is_empty()).then(|| patterns.into()))
    }

    /// Whether the floor of `target` may be kept.
    pub fn admits(&self, target: &TargetId) -> bool {
        self.0.as_ref().is_none_or(|patterns| patterns.iter().any(|pattern| pattern.matches(target)))
    }

    /// Whether that of any target may which fits `row`.
    pub fn admits_any_of(&self, row: &TargetPattern) -> bool {
        self.0.as_ref().is_none_or(|patterns| patterns.iter().any(|pattern| pattern.overlaps(row)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{floor, pattern, schedule};
    use super::super::{Board, Reach, Schedule, Schedules, Standing};
    use super::*;
    use crate::model::Span;

    /// Two clusters, each with a schedule for a name and one for a glob.
    fn schedules(allowed: &[&str]) -> Schedules {
        let schedule = |name: &str, targets: &[&str]| Schedule {
            targets: targets.iter().map(|text| pattern(text)).collect(),
            ..schedule(name, "UTC", Some(floor(3)))
        };
        let patterns: Vec<_> = allowed.iter().map(|text| pattern(text)).collect();
        let all = vec![schedule("names", &["shop/www", "blog/www"]), schedule("globs", &["shop/*", "blog/*"])];
        Schedules::new(all).allowing(Allowed::only(&patterns))
    }

    fn target(text: &str) -> TargetId {
        TargetId::parse(text).expect("a target")
    }

    fn at() -> jiff::Timestamp {
        "2026-11-21T00:00:00Z".parse().expect("an instant")
    }

    #[test]
    fn without_a_list_every_target_is_allowed() {
        assert!(schedules(&[]).decide(&target("blog/www"), at()).decision.is_some());
    }

    #[test]
    fn no_schedule_takes_part_for_a_target_outside_the_list_whoever_asks() {
        let schedules = schedules(&["shop/w?w", "shop/api-*"]);
        let board = Board::new(schedules.clone().into(), at());
        for (text, is_kept) in [("shop/www", true), ("shop/api-a", true), ("shop/cart", false), ("blog/www", false)] {
            let target = target(text);
            assert_eq!(schedules.decide(&target, at()).decision.is_some(), is_kept, "{text}");
            assert_eq!(board.decide(&board.members(&target)).is_some(), is_kept, "{text}");
            let standings = schedules.explain(&target, at()).schedules.into_iter().map(|it| it.standing);
            assert_eq!(standings.into_iter().any(|it| it == Standing::NotAllowed), !is_kept, "{text}");
        }
    }

    #[test]
    fn a_glob_counts_where_the_list_allows_any_of_it() {
        let schedules = schedules(&["shop/www"]);
        let (from, to) = (at(), at() + jiff::SignedDuration::from_hours(1));
        let rows = [pattern("blog/*"), pattern("shop/*")];
        let floors = |row| schedules.segments_of_row(row, Span { from, to })[0].decision.as_ref().map(|d| d.floor.min);
        assert_eq!(rows.each_ref().map(floors), [None, Some(3)]);
        let lanes = schedules.lanes(&rows, Reach::Covering, Span { from, to });
        let is_governed: Vec<bool> = lanes.of_rows.iter().map(|lane| lanes.lanes[*lane].is_governed).collect();
        assert_eq!(is_governed, [false, true]);
    }
}
