//! What schedules name outside themselves: accounts, services to keep, and zones to keep time by.

use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::model::{Pattern, Site, TargetId, TargetPattern};
use crate::spec::Limits;
use crate::spec::fields::{AWS, Fields, TARGET};
use crate::spec::report::{Report, excerpt};
use crate::spec::value::{describe, text};
use crate::spec::yaml::Node;
use crate::timetable::Zones;

/// `aws`: the account, by a name that the operator knows, and the region.
pub(super) fn site(node: &Node<'_>, limits: &Limits, report: &mut Report<'_>) -> Option<Site> {
    let fields = Fields::open(node, &AWS, report)?;
    let account = fields.get("account").and_then(|node| account(node, limits, report));
    let region = fields.get("region").and_then(|node| region(node, report));
    Some(Site::new(account?, region?))
}

fn account(node: &Node<'_>, limits: &Limits, report: &mut Report<'_>) -> Option<Arc<str>> {
    let written = text(node, "account", report)?;
    if let Some(known) = limits.accounts.get(written) {
        return Some(Arc::clone(known));
    }
    if !Site::is_account_name(written) {
        let message = format!("\"{}\" cannot be the name of an account", excerpt(written));
        let help = "names hold letters, digits, `-` and `_`, 1 to 63 of them; --account says what they stand for";
        report.error("bad-account", &node.span, message).help(help);
        return None;
    }
    let meant = report.closest(written, limits.accounts.iter().map(|account| &**account)).map(str::to_owned);
    let message = format!("there is no account `{written}`");
    let finding = report.error("unknown-account", &node.span, message);
    let mapped = format!("--account {written}=ROLE_ARN");
    match meant {
        Some(meant) => finding.label(format!("did you mean `{meant}`?")),
        None => finding.help(format!("whoever runs Baseload maps names of accounts to roles: {mapped}")),
    };
    None
}

fn region(node: &Node<'_>, report: &mut Report<'_>) -> Option<Arc<str>> {
    let written = text(node, "region", report)?;
    if Site::is_region_name(written) {
        return Some(written.into());
    }
    let message = format!("\"{}\" cannot be a region", excerpt(written));
    report.error("bad-region", &node.span, message).help("write its code, such as eu-west-1");
    None
}

/// One entry of `targets`, all of which are at `site`.
pub(super) fn target(node: &Node<'_>, site: &Site, report: &mut Report<'_>) -> Option<TargetPattern> {
    if let Some(target) = node.scalar().and_then(TargetId::parse).filter(|target| target.site.is_home()) {
        let message = format!("a target must be a map of fields, but this is {}", describe(node));
        let help = format!("write {{ cluster: {}, service: {} }}", excerpt(&target.cluster), excerpt(&target.service));
        report.error("wrong-type", &node.span, message).help(help);
        return None;
    }
    let fields = Fields::open(node, &TARGET, report)?;
    let cluster = fields.get("cluster").and_then(|node| pattern(node, "cluster", report));
    let service = fields.get("service").and_then(|node| pattern(node, "service", report));
    Some(TargetPattern { site: site.clone(), cluster: cluster?, service: service? })
}

fn pattern(node: &Node<'_>, field: &str, report: &mut Report<'_>) -> Option<Pattern> {
    let written = text(node, field, report)?;
    if let Some(pattern) = Pattern::parse(written) {
        return Some(pattern);
    }
    let help = if written.starts_with("arn:") {
        "write the short name, not the ARN"
    } else if written.contains('/') {
        "`cluster` and `service` are two fields; neither holds a slash"
    } else if written.contains(['[', ']', '{', '}', '!', '.', '^', '$', '|', '(', ')', '+', '\\']) {
        "the only wildcards are `*` (any run of characters) and `?` (any one)"
    } else {
        "names hold letters, digits, `-` and `_`, 1 to 255 of them; `*` and `?` are wildcards"
    };
    let message = format!("\"{}\" cannot be the name of a {field}", excerpt(written));
    report.error("bad-pattern", &node.span, message).help(help);
    None
}

/// `timezone`, by its exact IANA name.
pub(super) fn zone(node: &Node<'_>, zones: &Zones, report: &mut Report<'_>) -> Option<TimeZone> {
    let written = text(node, "timezone", report)?;
    let Some(zone) = zones.get(written) else {
        let message = format!("there is no time zone \"{}\"", excerpt(written));
        let meant = similar_zone(written, zones, report);
        let finding = report.error("unknown-timezone", &node.span, message);
        match meant {
            Some(meant) => finding.label(format!("did you mean `{meant}`?")),
            None => finding.help("write the IANA name of a region, such as Europe/Brussels"),
        };
        return None;
    };
    if let Some(why) = surprise(written) {
        report
            .warning("fixed-timezone", &node.span, format!("{written} {why}"))
            .help("write the name of a region, such as Europe/Brussels");
    }
    Some(zone)
}

/// The zone that differs in case only, or is the named city's, or is spelt much alike.
fn similar_zone<'z>(written: &str, zones: &'z Zones, report: &mut Report<'_>) -> Option<&'z str> {
    if report.suggestions_left() == 0 {
        return None;
    }
    let city = |name: &str| name.rsplit('/').next().is_some_and(|city| city.eq_ignore_ascii_case(written));
    let same = zones.names().find(|name| name.eq_ignore_ascii_case(written));
    same.or_else(|| zones.names().find(|name| city(name))).or_else(|| match written.contains('/') {
        true => report.closest(written, zones.names()),
        false => None, // to guess a zone for "CEST" or "PST" would be to guess wrong
    })
}

/// What people do not expect of some names that are zones all the same.
fn surprise(name: &str) -> Option<&'static str> {
    let offset = name.strip_prefix("Etc/").unwrap_or(name).strip_prefix("GMT").unwrap_or("");
    match name {
        "EST" | "MST" | "HST" => Some("has no clock changes: it is an hour off in summer where summer time is kept"),
        _ if matches!(offset, "+0" | "-0" | "0") => None,
        _ if offset.starts_with('+') => Some("lies west of Greenwich: its sign is the opposite of the usual one"),
        _ if offset.starts_with('-') => Some("lies east of Greenwich: its sign is the opposite of the usual one"),
        _ => None,
    }
}
