//! Which targets the operator allows, whatever the schedules say.

use std::sync::Arc;

use crate::model::{Pattern, Site, TargetId, TargetPattern};

/// The targets whose floors may be kept. It is the operator's, so that no edit of the schedules can widen it.
#[derive(Clone, Debug, Default)]
pub struct Allowed(Option<Arc<[Allowance]>>);

/// One entry of the operator's list: `CLUSTER/SERVICE` for targets at home, `ACCOUNT/REGION/CLUSTER/SERVICE` for others,
/// with globs in each part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Account and region; `None`: home.
    site: Option<(Pattern, Pattern)>,
    cluster: Pattern,
    service: Pattern,
}

impl Allowance {
    /// Reads an entry as users type it; `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let parts: Vec<Pattern> = text.split('/').map(Pattern::parse).collect::<Option<_>>()?;
        let (site, cluster, service) = match &parts[..] {
            [cluster, service] => (None, cluster, service),
            [account, region, cluster, service] => (Some((account.clone(), region.clone())), cluster, service),
            _ => return None,
        };
        Some(Allowance { site, cluster: cluster.clone(), service: service.clone() })
    }

    fn is_for(&self, site: &Site) -> bool {
        match (&self.site, site.account().zip(site.region())) {
            (None, None) => true,
            (Some((accounts, regions)), Some((account, region))) => {
                accounts.matches(account) && regions.matches(region)
            }
            (Some(_), None) | (None, Some(_)) => false,
        }
    }

    fn admits(&self, target: &TargetId) -> bool {
        self.is_for(&target.site) && self.cluster.matches(&target.cluster) && self.service.matches(&target.service)
    }

    fn admits_any_of(&self, row: &TargetPattern) -> bool {
        self.is_for(&row.site) && self.cluster.overlaps(&row.cluster) && self.service.overlaps(&row.service)
    }
}

impl Allowed {
    /// All that fit any of these; where there is none, all.
    pub fn only(allowances: &[Allowance]) -> Self {
        Allowed((!allowances.is_empty()).then(|| allowances.into()))
    }

    /// Whether the floor of `target` may be kept.
    pub fn admits(&self, target: &TargetId) -> bool {
        self.0.as_ref().is_none_or(|allowances| allowances.iter().any(|allowance| allowance.admits(target)))
    }

    /// Whether that of any target may which fits `row`.
    pub fn admits_any_of(&self, row: &TargetPattern) -> bool {
        self.0.as_ref().is_none_or(|allowances| allowances.iter().any(|allowance| allowance.admits_any_of(row)))
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
        let allowances: Vec<_> = allowed.iter().filter_map(|text| Allowance::parse(text)).collect();
        let all = vec![schedule("names", &["shop/www", "blog/www"]), schedule("globs", &["shop/*", "blog/*"])];
        Schedules::new(all).allowing(Allowed::only(&allowances))
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
    #[test]
    fn the_list_says_which_accounts_and_regions_it_means() {
        let target = |text: &str| TargetId::parse(text).expect("a target");
        for (allowance, admitted) in [
            ("shop/*", ["shop/www", ""]),
            ("*/*/shop/*", ["", "prod/eu-west-1/shop/www"]),
            ("prod/eu-*/*/w?w", ["", "prod/eu-west-1/shop/www"]),
            ("test/*/*/*", ["", ""]),
            ("prod/us-*/*/*", ["", ""]),
        ] {
            let allowed = Allowed::only(&[Allowance::parse(allowance).expect("an entry")]);
            for text in ["shop/www", "prod/eu-west-1/shop/www"] {
                let target = target(text);
                assert_eq!(allowed.admits(&target), admitted.contains(&text), "{allowance} and {text}");
                assert_eq!(allowed.admits_any_of(&TargetPattern::of(&target)), admitted.contains(&text));
            }
        }
        for text in ["shop", "a/b/c", "a/b/c/d/e", "shop/", "shop/[a]"] {
            assert_eq!(Allowance::parse(text), None, "{text}");
        }
    }
}
