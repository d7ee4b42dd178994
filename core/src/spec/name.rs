//! What schedules name outside themselves: services to keep, and zones to keep time by.

use jiff::tz::TimeZone;

use crate::model::{Pattern, TargetId, TargetPattern};
use crate::spec::fields::{Fields, TARGET};
use crate::spec::report::{Report, excerpt};
use crate::spec::value::{describe, text};
use crate::spec::yaml::Node;
use crate::timetable::Zones;

/// One entry of `targets`.
pub(super) fn target(node: &Node<'_>, report: &mut Report<'_>) -> Option<TargetPattern> {
    if let Some(target) = node.scalar().and_then(TargetId::parse) {
        let message = format!("a target must be a map of fields, but this is {}", describe(node));
        let help = format!("write {{ cluster: {}, service: {} }}", excerpt(&target.cluster), excerpt(&target.service));
        report.error("wrong-type", &node.span, message).help(help);
        return None;
    }
    let fields = Fields::open(node, &TARGET, report)?;
    let cluster = fields.get("cluster").and_then(|node| pattern(node, "cluster", report));
    let service = fields.get("service").and_then(|node| pattern(node, "service", report));
    Some(TargetPattern { cluster: cluster?, service: service? })
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
