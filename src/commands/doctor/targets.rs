//! What the schedules are for: targets found, their ceilings, policies, and who else decides.

use std::collections::BTreeSet;

use baseload_core::model::{Span, TargetId};
use baseload_core::timetable::Schedules;
use jiff::{SignedDuration, Timestamp};

use super::check::Check;
use super::inquiry::Inquiry;

/// How far ahead floors are held against the targets' maxima.
const AHEAD: SignedDuration = SignedDuration::from_hours(28 * 24);

/// How many names a finding lists.
const LISTED: usize = 5;

/// All checks of what is scheduled against what is there.
pub(super) fn checks(inquiry: &Inquiry, schedules: &Schedules, now: Timestamp) -> Vec<Check> {
    let mut checks = vec![found(inquiry), patterns(inquiry, schedules)];
    if registered(inquiry).next().is_some() {
        checks.extend([ceilings(inquiry, schedules, now), left_alone(inquiry)]);
        if inquiry.survey.failed.is_empty() {
            checks.extend([policies(inquiry), rivals(inquiry)]); // else the permissions say why these are not known
        }
    }
    checks
}

fn registered(inquiry: &Inquiry) -> impl Iterator<Item = &TargetId> {
    inquiry.targets.found.iter().filter(|(_, seen)| seen.is_some()).map(|(target, _)| target)
}

fn found(inquiry: &Inquiry) -> Check {
    const NAME: &str = "targets";
    let missing: Vec<&TargetId> =
        inquiry.targets.found.iter().filter(|(_, seen)| seen.is_none()).map(|(target, _)| target).collect();
    let there = registered(inquiry).count();
    if missing.is_empty() {
        return Check::ok(NAME, format!("{there} registered with Application Auto Scaling"));
    }
    let no_service = |target: &&&TargetId| matches!(inquiry.services.found.get(**target), Some(None));
    let gone: Vec<&TargetId> = missing.iter().filter(no_service).copied().collect();
    if there == 0 {
        let region = inquiry.region.as_deref().unwrap_or("this region");
        let whose =
            inquiry.caller.as_ref().map_or_else(|_| String::new(), |caller| format!(" of account {}", caller.account));
        let finding = format!("none of {} is registered in {region}{whose}: {}", missing.len(), list(&missing));
        let remedy = match gone.len() == missing.len() {
            true => {
                "ECS has no such services there: check the region and the account; if those are right, the names of cluster \
                 and service in the schedules"
            }
            false => REGISTER,
        };
        return Check::fail(NAME, finding, remedy);
    }
    if !gone.is_empty() {
        return absent(inquiry, &gone);
    }
    Check::warn(NAME, format!("not registered: {}", list(&missing)), REGISTER)
}

/// Services that ECS does not have: those of clusters in which it has none that the schedules name, and others.
fn absent(inquiry: &Inquiry, gone: &[&TargetId]) -> Check {
    let there = inquiry.services.found.iter().filter(|(_, service)| service.is_some());
    let clusters: BTreeSet<&str> = there.map(|(target, _)| &*target.cluster).collect();
    let (services, others): (Vec<&TargetId>, Vec<&TargetId>) =
        gone.iter().copied().partition(|target| clusters.contains(&*target.cluster));
    let unknown: BTreeSet<String> = others.iter().map(|target| target.cluster.to_string()).collect();
    let names = shorten(&unknown.into_iter().collect::<Vec<_>>());
    let of_clusters = format!("ECS has no service of cluster {names}: {}", list(&others));
    let (finding, remedy) = match (services.is_empty(), others.is_empty()) {
        (true, _) => {
            (of_clusters, "check the cluster's name in the schedules, and that it is in this region and account")
        }
        (_, true) => {
            (format!("ECS has no such service: {}", list(&services)), "check the service's name in the schedules")
        }
        (false, false) => (
            format!("{of_clusters}; and no such service: {}", list(&services)),
            "check the names of cluster and service in the schedules",
        ),
    };
    Check::warn("targets", finding, remedy)
}

/// What to do about a service without a scalable target.
const REGISTER: &str = "register the services with Application Auto Scaling, for instance with aws_appautoscaling_target in \
                        Terraform: Baseload never does";

fn patterns(inquiry: &Inquiry, schedules: &Schedules) -> Check {
    let rows: Vec<_> = schedules.rows().into_iter().filter(|row| row.site == inquiry.site).collect();
    let matched =
        |row: &&&_| !registered(inquiry).any(|target| baseload_core::model::TargetPattern::matches(row, target));
    let globs: Vec<_> = rows.iter().filter(|row| !row.is_exact()).collect();
    let empty: Vec<String> = globs.iter().filter(matched).map(ToString::to_string).collect();
    match (globs.len(), empty.is_empty()) {
        (0, _) => Check::ok("patterns", "none in use"),
        (count, true) => Check::ok("patterns", format!("{count}, and each matches a registered target")),
        (_, false) => Check::warn(
            "patterns",
            format!("without a registered target: {}", empty.join(", ")),
            "check the pattern: case matters, and it must match the whole name",
        ),
    }
}

/// Floors that will not fit under a maximum that nobody scheduled.
fn ceilings(inquiry: &Inquiry, schedules: &Schedules, now: Timestamp) -> Check {
    let span = Span { from: now, to: now.saturating_add(AHEAD).expect("a span of hours is no calendar's") };
    let too_low: Vec<String> = inquiry
        .targets
        .found
        .iter()
        .filter_map(|(target, seen)| {
            let live = (*seen)?;
            let segments = schedules.segments(target, span);
            let floors = segments.iter().filter_map(|segment| segment.decision.as_ref());
            let highest =
                floors.filter(|decision| decision.floor.max.is_none()).map(|decision| decision.floor.min).max()?;
            (highest > live.max).then(|| format!("{target} (floor {highest}, max {})", live.max))
        })
        .collect();
    match too_low.is_empty() {
        true => Check::ok("ceilings", "every floor of the coming 28 days fits under its target's max"),
        false => Check::warn(
            "ceilings",
            format!("floors above the max, so cut to it: {}", shorten(&too_low)),
            "raise MaxCapacity where it is managed, or declare `max` in the schedule",
        ),
    }
}

fn policies(inquiry: &Inquiry) -> Check {
    let bare = |target: &&TargetId| matches!(inquiry.survey.found.get(*target), Some(Some(survey)) if survey.policies.is_empty());
    let without: Vec<&TargetId> = registered(inquiry).filter(bare).collect();
    match without.is_empty() {
        true => Check::ok("policies", "every registered target has a scaling policy"),
        false => Check::warn(
            "policies",
            format!("no scaling policy: {}", list(&without)),
            "nothing will ever scale these in again after a floor was high: add target tracking, or declare `max`",
        ),
    }
}

fn rivals(inquiry: &Inquiry) -> Check {
    let mut found = Vec::new();
    for target in registered(inquiry) {
        let Some(Some(survey)) = inquiry.survey.found.get(target) else { continue };
        found.extend(survey.scheduled_actions.iter().map(|name| format!("{target} (scheduled action {name})")));
        found.extend(survey.predictive.iter().map(|name| format!("{target} (predictive scaling {name})")));
    }
    match found.is_empty() {
        true => Check::ok("rivals", "no scheduled action and no predictive scaling on any target"),
        false => Check::warn(
            "rivals",
            format!("others write the same bounds: {}", shorten(&found)),
            "turn scheduled actions into schedules with `baseload import` and delete them; predictive scaling may stay \
             where it does not raise the max",
        ),
    }
}

fn left_alone(inquiry: &Inquiry) -> Check {
    let mut found = Vec::new();
    for (target, seen) in &inquiry.targets.found {
        if seen.is_some_and(|live| live.scheduled_scaling_suspended) {
            found.push(format!("{target} (ScheduledScalingSuspended is set)"));
        }
        if matches!(inquiry.services.found.get(target), Some(Some(service)) if service.express_mode) {
            found.push(format!("{target} (Express Mode: ECS owns its bounds)"));
        }
    }
    match found.is_empty() {
        true => Check::ok("left alone", "none"),
        false => Check::warn(
            "left alone",
            format!("declared, and yet left as they are: {}", shorten(&found)),
            "clear ScheduledScalingSuspended where it was forgotten; take Express Mode services out of the schedules",
        ),
    }
}

fn list(targets: &[&TargetId]) -> String {
    shorten(&targets.iter().map(ToString::to_string).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>())
}

fn shorten(names: &[String]) -> String {
    let shown = names.iter().take(LISTED).cloned().collect::<Vec<_>>().join(", ");
    match names.len().checked_sub(LISTED) {
        Some(more) if more > 0 => format!("{shown} and {more} more"),
        _ => shown,
    }
}
