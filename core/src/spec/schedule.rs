//! A ScalingSchedule's spec as a whole: its fields, and the rules that hold between its parts.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use jiff::SignedDuration;

use crate::diagnostic::Location;
use crate::model::{Floor, Site, TargetPattern};
use crate::spec::Limits;
use crate::spec::cover::first_uncovered;
use crate::spec::fields::{Fields, MOST_OVERRIDES, MOST_WINDOWS, SCHEDULE};
use crate::spec::name::{site, target, zone};
use crate::spec::places::{Part, Places};
use crate::spec::report::{Report, excerpt};
use crate::spec::time::{UP_TO_A_DAY, duration};
use crate::spec::value::{boolean, describe, is_digits, items, priority};
use crate::spec::window::{self, Use, default_floor};
use crate::spec::yaml::{Kind, Node};
use crate::timetable::Zones;
use crate::timetable::{Override, Schedule, Window};

/// Of a whole source; a single schedule is stopped there already.
pub(super) const MOST_TARGETS: usize = 10_000;

/// What the checks hold a document against.
pub(super) struct Context<'a> {
    pub(super) zones: &'a Zones,
    pub(super) limits: &'a Limits,
}

/// A schedule that was read. What concerns other documents is kept even where the rest has mistakes.
pub(super) struct Draft {
    /// `None` where something in it is wrong.
    pub(super) schedule: Option<Schedule>,
    /// Whether it says `default: none`.
    pub(super) overlay: bool,
    pub(super) targets: Vec<(TargetPattern, Location)>,
    pub(super) uses: Vec<Use>,
    pub(super) places: Places,
}

/// Reads the `spec` of the schedule `name`.
pub(super) fn schedule(
    node: &Node<'_>,
    name: Option<Arc<str>>,
    context: &Context<'_>,
    report: &mut Report<'_>,
) -> Draft {
    let errors_before = report.errors();
    let mut draft =
        Draft { schedule: None, overlay: false, targets: Vec::new(), uses: Vec::new(), places: Places::default() };
    let Some(fields) = Fields::open(node, &SCHEDULE, report) else { return draft };
    let schedule = parts(&fields, name, context, &mut draft, report);
    max_is_all_or_none(&fields, report);
    if report.errors() == errors_before {
        draft.schedule = schedule;
    }
    draft
}

fn parts(
    fields: &Fields<'_, '_>,
    name: Option<Arc<str>>,
    context: &Context<'_>,
    draft: &mut Draft,
    report: &mut Report<'_>,
) -> Option<Schedule> {
    let site = fields.get("aws").map_or(Some(Site::HOME), |node| site(node, context.limits, report));
    if let Some(node) = fields.get("targets") {
        draft.targets = targets(node, site.as_ref().unwrap_or(&Site::HOME), report);
    }
    let zone = fields.get("timezone").and_then(|node| zone(node, context.zones, report));
    let length = |field, report: &mut Report<'_>| {
        fields.get(field).map_or(Some(SignedDuration::ZERO), |node| duration(node, field, &UP_TO_A_DAY, report))
    };
    let lead_time = length("leadTime", report);
    let defer_during_deployment = length("deferDuringDeployment", report);
    let priority = fields.get("priority").map_or(Some(0), |node| priority(node, report));
    let suspend = fields.get("suspend").map_or(Some(false), |node| boolean(node, "suspend", report));
    let limit = context.limits.max_floor;
    let windows = windows(fields, limit, draft, report);
    let overrides = overrides(fields, limit, &mut draft.places.overrides, report);
    draft.overlay = fields.get("default").and_then(Node::scalar) == Some("none");
    draft.places.default = fields.get("default").map(|node| Part::of(node, report));
    let default = default(fields, windows.as_deref(), &draft.uses, limit, report);
    site?;
    Some(Schedule {
        name: name?,
        targets: draft.targets.iter().map(|(pattern, _)| pattern.clone()).collect(),
        zone: zone?,
        lead_time: lead_time?,
        priority: priority?,
        suspend: suspend?,
        defer_during_deployment: defer_during_deployment?,
        default: default?,
        windows: windows?,
        overrides: overrides?,
    })
}

fn targets(node: &Node<'_>, site: &Site, report: &mut Report<'_>) -> Vec<(TargetPattern, Location)> {
    let Some(items) = items(node, "targets", report) else { return Vec::new() };
    if items.len() > MOST_TARGETS {
        let message = format!("a source may list {MOST_TARGETS} targets at most; this schedule lists {}", items.len());
        report.error("too-many-targets", &node.span, message).help("use globs, such as service: \"api-*\"");
        return Vec::new();
    }
    items.iter().filter_map(|item| Some((target(item, site, report)?, report.location(&item.span)))).collect()
}

/// `None` where a window is wrong; so is a list that is too long, whose windows are not looked at.
fn windows(fields: &Fields<'_, '_>, limit: u32, draft: &mut Draft, report: &mut Report<'_>) -> Option<Vec<Window>> {
    let items = parts_of(fields, "windows", MOST_WINDOWS, report)?;
    let errors_before = report.errors();
    let uses = &mut draft.uses;
    let windows: Vec<_> =
        items.iter().enumerate().filter_map(|(index, item)| window::window(item, index, limit, uses, report)).collect();
    draft.places.windows = items.iter().map(|item| Part::of(item, report)).collect();
    unique_names(items, "window", report);
    (report.errors() == errors_before).then_some(windows)
}

fn overrides(
    fields: &Fields<'_, '_>,
    limit: u32,
    places: &mut Vec<Part>,
    report: &mut Report<'_>,
) -> Option<Vec<Override>> {
    let items = parts_of(fields, "overrides", MOST_OVERRIDES, report)?;
    let errors_before = report.errors();
    let overrides: Vec<_> = items.iter().filter_map(|item| window::over_ride(item, limit, report)).collect();
    places.extend(items.iter().map(|item| Part::of(item, report)));
    unique_names(items, "override", report);
    (report.errors() == errors_before).then_some(overrides)
}

/// The items of an optional list with a limit; `None` where it is wrong.
fn parts_of<'n, 't>(
    fields: &Fields<'n, 't>,
    field: &str,
    most: usize,
    report: &mut Report<'_>,
) -> Option<&'n [Node<'t>]> {
    let Some(node) = fields.get(field) else { return Some(&[]) };
    if matches!(&node.kind, Kind::Seq(items) if items.is_empty()) {
        return Some(&[]);
    }
    let items = items(node, field, report)?;
    if items.len() > most {
        let message = format!("a schedule may have {most} {field} at most; this one has {}", items.len());
        report.error("too-many-parts", &node.span, message).help("split it into several schedules");
        return None;
    }
    Some(items)
}

fn unique_names(items: &[Node<'_>], what: &str, report: &mut Report<'_>) {
    let mut first: BTreeMap<&str, &Range<usize>> = BTreeMap::new();
    for node in items.iter().filter_map(|item| item.member("name")) {
        let Some(name) = node.scalar() else { continue };
        if let Some(place) = first.get(name) {
            let place = report.location(place);
            let message = format!("there are two {what}s `{}` in this schedule", excerpt(name));
            report.error("duplicate-name", &node.span, message).related(place, "first declared here");
        } else {
            first.insert(name, &node.span);
        }
    }
}

/// The outer `None`: it is wrong. The inner: the schedule is an overlay, or its windows leave no hole.
#[expect(clippy::option_option, reason = "wrong, absent by intent and declared are three things")]
fn default(
    fields: &Fields<'_, '_>,
    windows: Option<&[Window]>,
    uses: &[Use],
    limit: u32,
    report: &mut Report<'_>,
) -> Option<Option<Floor>> {
    let Some(node) = fields.get("default") else {
        let Some(hole) = first_uncovered(windows?, uses) else { return Some(None) };
        let message = format!("a schedule without `default` needs windows for the whole week, and {hole} has none");
        let help = "add default: { min: … }, or default: none for a schedule that takes no part outside its windows; \
                    windows with `cron`, `on`, `except`, `validFrom` or `validUntil` do not count as cover";
        report.error("not-covered", &fields.span, message).help(help);
        return None;
    };
    match node.scalar() {
        None => default_floor(node, limit, report).map(Some),
        Some("none") => Some(None),
        Some(written) => {
            let message = format!("`default` must be a floor or `none`, but this is {}", describe(node));
            let min = if is_digits(written) { written } else { "1" };
            let help = format!(
                "write {{ min: {} }}, or none for a schedule that takes no part outside its windows",
                excerpt(min)
            );
            report.error("wrong-type", &node.span, message).help(help);
            None
        }
    }
}

/// If anything declares `max`, every window and the default must: nothing else would put it back.
fn max_is_all_or_none(fields: &Fields<'_, '_>, report: &mut Report<'_>) {
    let default = fields.get("default").filter(|node| matches!(node.kind, Kind::Map(_)));
    let lists = ["windows", "overrides"].map(|list| match fields.get(list).map(|node| &node.kind) {
        Some(Kind::Seq(items)) => items.as_slice(),
        Some(Kind::Scalar { .. } | Kind::Map(_)) | None => &[],
    });
    let [windows, overrides] = lists;
    let all = default.into_iter().chain(windows).chain(overrides);
    let Some(declared) = all.clone().find_map(|node| node.member("max")) else { return };
    let declared = report.location(&declared.span);
    for node in default.into_iter().chain(windows).filter(|node| matches!(node.kind, Kind::Map(_))) {
        if node.member("max").is_none() {
            let message = "this declares no `max`, though the schedule declares one elsewhere";
            report
                .error("missing-max", &node.span, message)
                .help("nothing else would put the max back: declare it in the default and in every window, or nowhere")
                .related(declared.clone(), "declared here");
        }
    }
}
