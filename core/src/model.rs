//! The small nouns that every other module speaks: names, patterns, floors and spans.
//!
//! Nothing here decides anything; a type lives here when two or more modules need it.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The account and region that targets are in: those in which the controller itself runs ([`Site::HOME`]), or others by
/// the names that schedules give them (`aws: { account, region }`).
///
/// What an account's name stands for is the operator's to say. In JSON: `account` and `region`, or nothing for home.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Site(Option<Arc<Elsewhere>>);

/// One pointer for two names, because every target has a site and few are elsewhere.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Elsewhere {
    account: Arc<str>,
    region: Arc<str>,
}

impl Site {
    /// The controller's own account, in its own region.
    pub const HOME: Site = Site(None);

    /// Builds the site of an account, by the operator's name for it, in a region.
    pub fn new(account: impl Into<Arc<str>>, region: impl Into<Arc<str>>) -> Self {
        Site(Some(Arc::new(Elsewhere { account: account.into(), region: region.into() })))
    }

    /// Whether it is the controller's own.
    pub fn is_home(&self) -> bool {
        self.0.is_none()
    }

    /// The operator's name for the account; `None` at home.
    pub fn account(&self) -> Option<&Arc<str>> {
        self.0.as_ref().map(|elsewhere| &elsewhere.account)
    }

    /// The region; `None` at home, where the environment says which it is.
    pub fn region(&self) -> Option<&Arc<str>> {
        self.0.as_ref().map(|elsewhere| &elsewhere.region)
    }

    /// Whether `text` may be an account's name: 1 to 63 letters, digits, `-` and `_`, the first a letter or digit.
    pub fn is_account_name(text: &str) -> bool {
        let is_known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        (1..=63).contains(&text.len()) && text.chars().all(is_known) && !text.starts_with(['_', '-'])
    }

    /// Whether `text` looks like a region of AWS's, such as `eu-west-1` or `us-gov-east-1`.
    pub fn is_region_name(text: &str) -> bool {
        let parts: Vec<&str> = text.split('-').collect();
        let [first, middle @ .., last] = &parts[..] else { return false };
        let is_word = |part: &&str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase());
        let is_number = |part: &str| (1..=2).contains(&part.len()) && part.chars().all(|c| c.is_ascii_digit());
        is_word(first) && !middle.is_empty() && middle.iter().all(is_word) && is_number(last) && text.len() <= 32
    }
}

impl fmt::Display for Site {
    /// `account/region`, or `home`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(elsewhere) => write!(f, "{}/{}", elsewhere.account, elsewhere.region),
            None => f.write_str("home"),
        }
    }
}

/// How JSON names a site, among the other fields of its row.
#[derive(Serialize, Deserialize)]
struct SiteFields {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    region: Option<Arc<str>>,
}

impl Serialize for Site {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        SiteFields { account: self.account().cloned(), region: self.region().cloned() }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Site {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let SiteFields { account, region } = SiteFields::deserialize(deserializer)?;
        Ok(account.zip(region).map_or(Site::HOME, |(account, region)| Site::new(account, region)))
    }
}

/// One ECS service whose floor is kept, printed as `cluster/service`, or `account/region/cluster/service` where it is not
/// at home.
///
/// Cloning is cheap: all names are shared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetId {
    /// Where it is.
    pub site: Site,
    /// The cluster's short name, never its ARN.
    pub cluster: Arc<str>,
    /// The service's short name.
    pub service: Arc<str>,
}

impl TargetId {
    /// Builds the id of `service` in `cluster`, at home.
    pub fn new(cluster: impl Into<Arc<str>>, service: impl Into<Arc<str>>) -> Self {
        TargetId { site: Site::HOME, cluster: cluster.into(), service: service.into() }
    }

    /// The same names at another site.
    pub fn at(self, site: Site) -> Self {
        TargetId { site, ..self }
    }

    /// Reads `cluster/service` or `account/region/cluster/service`, as users type it. `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split('/').collect();
        if parts.iter().any(|part| part.is_empty()) {
            return None;
        }
        match parts[..] {
            [cluster, service] => Some(TargetId::new(cluster, service)),
            [account, region, cluster, service] => Some(TargetId::new(cluster, service).at(Site::new(account, region))),
            _ => None,
        }
    }

    /// Reads Application Auto Scaling's resource id for ECS, `service/CLUSTER/SERVICE`, as of a target at home.
    pub fn from_resource_id(id: &str) -> Option<Self> {
        TargetId::parse(id.strip_prefix("service/")?).filter(|target| target.site.is_home())
    }

    /// Application Auto Scaling's resource id for this service, `service/CLUSTER/SERVICE`, wherever it is.
    pub fn resource_id(&self) -> String {
        format!("service/{}/{}", self.cluster, self.service)
    }
}

impl fmt::Display for TargetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_name(f, &self.site, &self.cluster, &self.service)
    }
}

/// Writes the name of a target or a pattern at `site`.
fn write_name(f: &mut fmt::Formatter<'_>, site: &Site, cluster: &str, service: &str) -> fmt::Result {
    if !site.is_home() {
        write!(f, "{site}/")?;
    }
    write!(f, "{cluster}/{service}")
}

impl Serialize for TargetId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// AWS's limit for names of clusters and services, in characters.
const LONGEST_NAME: usize = 255;

/// A name in a target list: exact, or a glob of `*` (any run) and `?` (any one character).
///
/// Matching is case-sensitive and always of the whole name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pattern(Arc<str>);

impl Pattern {
    /// Takes the text as it was written; whether its characters are allowed is the spec checker's question.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Pattern(text.into())
    }

    /// Reads a name or glob as it is typed: 1 to 255 letters, digits, `-`, `_` and wildcards; `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let is_known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '*' | '?');
        ((1..=LONGEST_NAME).contains(&text.len()) && text.chars().all(is_known)).then(|| Pattern::new(text))
    }

    /// The text as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the pattern names exactly one thing.
    pub fn is_exact(&self) -> bool {
        !self.0.contains(['*', '?'])
    }

    /// Whether the whole of `name` fits.
    pub fn matches(&self, name: &str) -> bool {
        self.fits(name, |_| true)
    }

    /// Whether every name that fits `other` surely fits this one too: its wildcards are taken as what they stand for. A
    /// few pairs that are written oddly, such as `*?` and `?*`, are not seen through.
    pub fn covers(&self, other: &Pattern) -> bool {
        self.fits(&other.0, |symbol| symbol != b'*')
    }

    /// Whether any name at all fits both.
    pub fn overlaps(&self, other: &Pattern) -> bool {
        let (one, other) = (self.0.as_bytes(), other.0.as_bytes());
        // Whether what was read of the one and the first so many symbols of the other can stand for the same name.
        let mut agree: Vec<bool> = (0..=other.len()).map(|n| other[..n].iter().all(|&c| c == b'*')).collect();
        for &a in one {
            let before = agree.clone();
            agree[0] &= a == b'*';
            for (n, &b) in other.iter().enumerate() {
                agree[n + 1] = match (a, b) {
                    (b'*', _) | (_, b'*') => agree[n] || before[n + 1],
                    _ => before[n] && (a == b || a == b'?' || b == b'?'),
                };
            }
        }
        agree[other.len()]
    }

    /// Whether the pattern takes in all of `name`, a `?` only what is `one` character. Linear in both lengths but for
    /// backtracking to the last `*` only.
    fn fits(&self, name: &str, one: impl Fn(u8) -> bool) -> bool {
        let (pattern, name) = (self.0.as_bytes(), name.as_bytes());
        let (mut p, mut n) = (0, 0);
        let mut retry: Option<(usize, usize)> = None; // after the last `*`, and how much of the name it has eaten
        while n < name.len() {
            match pattern.get(p) {
                Some(b'*') => {
                    retry = Some((p + 1, n));
                    p += 1;
                }
                Some(&c) if c == b'?' && one(name[n]) || c == name[n] => (p, n) = (p + 1, n + 1),
                _ => match retry {
                    Some((after_star, eaten)) => {
                        retry = Some((after_star, eaten + 1));
                        (p, n) = (after_star, eaten + 1);
                    }
                    None => return false,
                },
            }
        }
        pattern[p..].iter().all(|&c| c == b'*')
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A `cluster`/`service` pair of patterns at one site, as one entry of a schedule's `targets`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetPattern {
    /// Where its targets are.
    pub site: Site,
    /// The cluster's name or glob.
    pub cluster: Pattern,
    /// The service's name or glob.
    pub service: Pattern,
}

impl TargetPattern {
    /// Reads `cluster/service`, as users type it, globs allowed; at home.
    pub fn parse(text: &str) -> Option<Self> {
        let (cluster, service) = text.split_once('/')?;
        let (cluster, service) = (Pattern::parse(cluster)?, Pattern::parse(service)?);
        Some(TargetPattern { site: Site::HOME, cluster, service })
    }

    /// The pattern that fits exactly this target.
    pub fn of(target: &TargetId) -> Self {
        let TargetId { site, cluster, service } = target.clone();
        TargetPattern { site, cluster: Pattern(cluster), service: Pattern(service) }
    }

    /// Whether all names are exact.
    pub fn is_exact(&self) -> bool {
        self.cluster.is_exact() && self.service.is_exact()
    }

    /// Whether `target` is at its site and fits both parts.
    pub fn matches(&self, target: &TargetId) -> bool {
        self.site == target.site && self.cluster.matches(&target.cluster) && self.service.matches(&target.service)
    }

    /// Whether every target that fits `other` surely fits this one too.
    pub fn covers(&self, other: &TargetPattern) -> bool {
        self.site == other.site && self.cluster.covers(&other.cluster) && self.service.covers(&other.service)
    }

    /// Whether any target at all fits both.
    pub fn overlaps(&self, other: &TargetPattern) -> bool {
        self.site == other.site && self.cluster.overlaps(&other.cluster) && self.service.overlaps(&other.service)
    }

    /// The one target that an exact pattern names.
    pub fn exact(&self) -> Option<TargetId> {
        let names = || TargetId::new(Arc::clone(&self.cluster.0), Arc::clone(&self.service.0));
        self.is_exact().then(|| names().at(self.site.clone()))
    }
}

impl fmt::Display for TargetPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_name(f, &self.site, &self.cluster.0, &self.service.0)
    }
}

/// A declared capacity: the minimum, and the maximum where the schedule declares one. Counted in tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Floor {
    /// The least number of tasks, 0 or more.
    pub min: u32,
    /// The greatest number of tasks, not below `min`; `None` leaves AWS's own in place.
    pub max: Option<u32>,
}

/// A half-open span of time, `[from, to)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first instant inside.
    pub from: Timestamp,
    /// The first instant after.
    pub to: Timestamp,
}

/// Writes an instant as JSON does everywhere in Baseload: UTC, `Z`, whole seconds.
pub fn instant(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// For `#[serde(with = "…")]`: instants as [`instant`] writes them, and back.
pub mod instants {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes an instant.
    ///
    /// # Errors
    /// Only what the serializer itself refuses.
    pub fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&crate::model::instant(*at))
    }

    /// Reads an instant.
    ///
    /// # Errors
    /// That the text is not RFC 3339.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }

    /// The same for instants that may be absent: null.
    pub mod option {
        use jiff::Timestamp;
        use serde::{Deserialize, Deserializer, Serializer};

        /// Writes an instant or null.
        ///
        /// # Errors
        /// Only what the serializer itself refuses.
        pub fn serialize<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
            match at {
                Some(at) => crate::model::instants::serialize(at, serializer),
                None => serializer.serialize_none(),
            }
        }

        /// Reads an instant or null.
        ///
        /// # Errors
        /// That the text is not RFC 3339.
        pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
            let text = Option::<String>::deserialize(deserializer)?;
            text.map(|text| text.parse().map_err(serde::de::Error::custom)).transpose()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_matches_whole_names_and_case_matters() {
        for (pattern, name, fits) in [
            ("api-*", "api-a", true),
            ("api-*", "api-", true),
            ("api-*", "my-api-a", false),
            ("API-*", "api-a", false),
            ("*a*b", "xxaxxb", true),
            ("*a*b", "xxaxxbc", false),
            ("?", "", false),
            ("w?w", "www", true),
            ("*", "anything", true),
            ("www", "wwww", false),
        ] {
            assert_eq!(Pattern::new(pattern).matches(name), fits, "{pattern} against {name}");
        }
    }

    #[test]
    fn a_pattern_covers_another_where_all_that_fits_the_other_fits_it() {
        for (wide, narrow, covers) in [
            ("*", "api-*", true),
            ("api-*", "api-v?-*", true),
            ("api-*", "*", false),
            ("a?*", "a*", false),
            ("a?", "a?", true),
            ("?", "*", false),
            ("www", "www", true),
            ("ww?", "www", true),
            ("www", "ww?", false),
        ] {
            assert_eq!(Pattern::new(wide).covers(&Pattern::new(narrow)), covers, "{wide} over {narrow}");
        }
    }

    #[test]
    fn two_patterns_overlap_where_a_name_fits_both() {
        for (one, other, overlaps) in [
            ("www", "www", true),
            ("www", "api", false),
            ("w*", "*w", true),
            ("api-*", "*-v2", true),
            ("api-*", "web-*", false),
            ("a?c", "ab?", true),
            ("a?", "abc", false),
            ("*", "?", true),
            ("a*b*c", "abc", true),
            ("a*b", "a", false),
            ("**", "*", true),
        ] {
            let (one, other) = (Pattern::new(one), Pattern::new(other));
            assert_eq!((one.overlaps(&other), other.overlaps(&one)), (overlaps, overlaps), "{one} and {other}");
        }
    }

    #[test]
    fn a_pattern_is_read_as_users_type_it() {
        assert_eq!(TargetPattern::parse("shop/api-*").map(|p| p.to_string()), Some("shop/api-*".to_owned()));
        for text in ["shop", "shop/", "/www", "shop/a/b", "shop/[ab]", "shop/w w", "arn:aws:ecs/www"] {
            assert_eq!(TargetPattern::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_target_is_read_as_users_type_it() {
        assert_eq!(TargetId::parse("shop/www").map(|t| t.resource_id()), Some("service/shop/www".to_owned()));
        assert_eq!(TargetId::parse("shop"), None);
        assert_eq!(TargetId::parse("shop/www/x"), None);
        assert_eq!(TargetId::parse("/www"), None);
    }

    #[test]
    fn a_target_elsewhere_is_read_as_it_prints_and_keeps_its_resource_id() {
        let text = "prod/eu-west-1/shop/www";
        let target = TargetId::parse(text).expect("a target");
        assert_eq!((target.to_string(), target.resource_id()), (text.to_owned(), "service/shop/www".to_owned()));
        assert_eq!(target, TargetId::new("shop", "www").at(Site::new("prod", "eu-west-1")));
        for text in ["prod/eu-west-1/shop/", "prod//shop/www", "a/b/c/d/e"] {
            assert_eq!(TargetId::parse(text), None, "{text}");
        }
        assert_eq!(TargetId::from_resource_id("service/prod/eu-west-1/shop/www"), None);
    }

    #[test]
    fn a_pattern_fits_nothing_at_another_site() {
        let at = |site: Site| TargetPattern { site, ..TargetPattern::parse("shop/*").expect("a pattern") };
        let (home, prod) = (at(Site::HOME), at(Site::new("prod", "eu-west-1")));
        let target = TargetId::new("shop", "www");
        assert!(home.matches(&target) && !prod.matches(&target));
        assert!(prod.matches(&target.at(Site::new("prod", "eu-west-1"))));
        assert!(!home.covers(&prod) && !home.overlaps(&prod) && prod.covers(&prod));
    }

    #[test]
    fn names_of_accounts_and_regions_are_told_from_other_text() {
        for (text, account, region) in [
            ("eu-west-1", true, true),
            ("us-gov-east-1", true, true),
            ("ap-southeast-12", true, true),
            ("prod", true, false),
            ("123456789012", true, false),
            ("eu-west", true, false),
            ("eu--1", true, false),
            ("EU-WEST-1", true, false),
            ("-prod", false, false),
            ("pr od", false, false),
            ("", false, false),
            ("a/b", false, false),
        ] {
            assert_eq!((Site::is_account_name(text), Site::is_region_name(text)), (account, region), "{text}");
        }
    }
}
