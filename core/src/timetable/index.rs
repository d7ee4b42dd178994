//! Which schedules take part for which target, without asking each of them: most targets are named exactly.

use std::collections::BTreeMap;

use super::Schedule;
use crate::model::{TargetId, TargetPattern};

/// The target lists of all schedules that are not suspended, turned round. Schedules are known by their place in the
/// order of precedence.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    exact: BTreeMap<TargetId, Vec<usize>>,
    globs: BTreeMap<TargetPattern, Vec<usize>>,
}

impl Index {
    /// Of schedules in order of precedence.
    pub(super) fn of(schedules: &[Schedule]) -> Self {
        let mut index = Index::default();
        for (place, schedule) in schedules.iter().enumerate().filter(|(_, schedule)| !schedule.suspend) {
            for pattern in &schedule.targets {
                let listing = match pattern.exact() {
                    Some(target) => index.exact.entry(target).or_default(),
                    None => index.globs.entry(pattern.clone()).or_default(),
                };
                if listing.last() != Some(&place) {
                    listing.push(place); // one schedule may list a target twice
                }
            }
        }
        index
    }

    /// Those that match `target` by its name or by a glob, in order of precedence.
    pub(super) fn taking_part(&self, target: &TargetId) -> Vec<usize> {
        let mut places = self.exact.get(target).cloned().unwrap_or_default();
        for (_, by_glob) in self.globs.iter().filter(|(glob, _)| glob.matches(target)) {
            places.extend(by_glob);
        }
        places.sort_unstable();
        places.dedup();
        places
    }

    /// Those that list this very glob, in order of precedence.
    pub(super) fn listing(&self, glob: &TargetPattern) -> impl Iterator<Item = usize> + '_ {
        self.globs.get(glob).into_iter().flatten().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{floor, pattern, schedule};
    use super::*;

    #[test]
    fn the_index_names_whom_asking_each_schedule_would_name() {
        let lists: [&[&str]; 6] = [
            &["shop/www", "shop/api", "shop/www"],
            &["shop/*", "shop/www", "*/www"],
            &["*/*"],
            &["shop/w?w"],
            &["blog/www", "shop/api-*"],
            &["shop/www"],
        ];
        let mut schedules: Vec<Schedule> = lists
            .iter()
            .map(|list| {
                let targets = list.iter().map(|text| pattern(text)).collect();
                Schedule { targets, ..schedule("s", "UTC", Some(floor(1))) }
            })
            .collect();
        schedules[5].suspend = true;
        let index = Index::of(&schedules);
        for target in ["shop/www", "shop/api", "shop/api-a", "shop/wow", "blog/www", "blog/api", "x/y"] {
            let target = TargetId::parse(target).unwrap();
            let takes_part = |place: &usize| !schedules[*place].suspend && schedules[*place].matches(&target);
            let asked: Vec<usize> = (0..schedules.len()).filter(takes_part).collect();
            assert_eq!(index.taking_part(&target), asked, "{target}");
        }
        assert_eq!(index.listing(&pattern("shop/*")).collect::<Vec<_>>(), [1]);
    }
}
