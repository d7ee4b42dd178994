//! The page of one target: why it has its floor, its week, and each of its conditions.

use baseload_core::model::{Span, TargetId};
use baseload_core::render::{explain, svg};
use baseload_core::status::{Condition, TargetStatus, Truth};
use baseload_core::timetable::{Explanation, Segment};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use maud::{Markup, PreEscaped, html};

use super::fleet::pill;
use super::standing::{Standing, is_unwell};
use super::words::{away, count, figure, local, name};
use super::{View, shell, way_back};

/// So many coming changes are listed.
const MOST_CHANGES: usize = 12;

/// The page; `None` where there is no such target.
pub fn target(view: &View<'_>, id: &TargetId) -> Option<String> {
    let target = view.status.targets.iter().find(|target| target.id() == *id)?;
    let now = view.status.at;
    let explanation = view.schedules.explain(id, now);
    let zone = explain::zone(&explanation);
    let span = week(now, &zone);
    let segments = view.schedules.segments(id, span);
    let content = html! {
        (way_back())
        h1.target { (name(target)) " " (pill(Standing::of(target, now))) }
        @for sentence in explain::verdict(&explanation) { p.lead { (sentence) } }
        (next(&explanation, &zone))
        (figures(target))
        @if let Some(error) = &target.last_error { (failure(error)) }
        section aria-labelledby="week" {
            h2 #week { "The week" }
            div.beside {
                div { (picture(id, &segments, span, &zone, now)) }
                div { (changes(&segments, now, &zone)) }
            }
        }
        div.beside {
            section aria-labelledby="conditions" {
                h2 #conditions { "Conditions" }
                (conditions(&target.conditions, now, &zone))
            }
            section aria-labelledby="why" {
                h2 #why { "Why this floor" }
                @for schedule in explain::schedules(&explanation) { (account(&schedule)) }
                @if explanation.schedules.is_empty() { p.quiet { "No schedule is for this target." } }
            }
        }
    };
    Some(shell(view, &id.to_string(), &content))
}

/// What holds when the floor changes next.
fn next(explanation: &Explanation, zone: &TimeZone) -> Markup {
    html! {
        @if let Some(until) = explanation.until.filter(|_| explanation.next != explanation.decision) {
            p.lead.quiet {
                "From " (local(until, explanation.at, zone)) ", " (away(explanation.at, until)) ": "
                @match &explanation.next {
                    Some(held) => (explain::sentence(held)),
                    None => "left alone, no schedule takes part",
                }
                "."
            }
        }
    }
}

/// Seven local days, today the first.
fn week(now: Timestamp, zone: &TimeZone) -> Span {
    let local = now.to_zoned(zone.clone());
    let from = local.start_of_day().map_or(now, |midnight| midnight.timestamp());
    let to = local.date().saturating_add(7.days()).to_zoned(zone.clone()).map(|midnight| midnight.timestamp());
    let fallback = || from.saturating_add(SignedDuration::from_hours(7 * 24)).expect("hours need no calendar");
    Span { from, to: to.unwrap_or_else(|_| fallback()) }
}

fn figures(target: &TargetStatus) -> Markup {
    let counts = target.counts;
    html! {
        dl.figures {
            div { dt { "Floor" } dd { @match &target.floor { Some(floor) => (figure(floor)), None => "–" } } }
            div { dt { "Min" } dd { (count(target.observed.map(|bounds| bounds.min))) } }
            div { dt { "Desired" } dd { (count(counts.map(|counts| counts.desired))) } }
            div {
                dt { "Running" }
                dd {
                    (count(counts.map(|counts| counts.running)))
                    @if let Some(pending @ 1..) = counts.map(|counts| counts.pending) { span.quiet { "+" (pending) " starting" } }
                }
            }
            div { dt { "Max" } dd { (count(target.observed.map(|bounds| bounds.max))) } }
            div { dt { "Corrections" } dd { (target.corrections) } }
        }
    }
}

fn failure(error: &str) -> Markup {
    html! { div.refusal role="alert" { p { strong { "The last call failed" } } pre tabindex="0" { (baseload_core::diagnostic::printable_lines(error)) } } }
}

fn picture(id: &TargetId, segments: &[Segment], span: Span, zone: &TimeZone, now: Timestamp) -> Markup {
    let label = format!("Timetable of {id} for seven days from today; the coming changes are listed below");
    html! {
        div.wide tabindex="0" role="region" aria-label="Timetable" {
            (PreEscaped(svg::timetable(segments, span, zone, Some(now), &label)))
        }
        p.quiet { "Times are " (zone.iana_name().unwrap_or("UTC")) "." }
    }
}

fn changes(segments: &[Segment], now: Timestamp, zone: &TimeZone) -> Markup {
    let coming: Vec<&Segment> = segments.iter().filter(|segment| segment.span.from > now).collect();
    html! {
        @if coming.is_empty() { p.quiet { "Nothing changes this week." } } @else {
            table.plain {
                caption.unseen { "Coming changes" }
                thead { tr { th scope="col" { "When" } th.n scope="col" { "Floor" } th scope="col" { "From" } } }
                tbody {
                    @for segment in coming.iter().take(MOST_CHANGES) { (change(segment, now, zone)) }
                }
            }
            @if coming.len() > MOST_CHANGES { p.quiet { "and " (coming.len() - MOST_CHANGES) " more this week" } }
        }
    }
}

fn change(segment: &Segment, now: Timestamp, zone: &TimeZone) -> Markup {
    html! {
        tr {
            td.when { (local(segment.span.from, now, zone)) " " span.quiet { (away(now, segment.span.from)) } }
            @match &segment.decision {
                Some(held) => {
                    td.n { strong { (held.floor.min) @if let Some(max) = held.floor.max { ".." (max) } } }
                    td { (held.cause.to_string().replacen('/', " ", 1)) span.quiet { " of " (held.schedule) } }
                }
                None => { td.n { "–" } td { "left alone" } }
            }
        }
    }
}

/// One schedule's account: a heading, and its details one below the other.
fn account(lines: &[String]) -> Markup {
    let (heading, details) = lines.split_first().map_or(("", lines), |(heading, details)| (heading.as_str(), details));
    html! {
        div.account {
            h3 { (heading) }
            ul { @for line in details { li.deeper[line.starts_with("    ")] { (line.trim()) } } }
        }
    }
}

fn conditions(conditions: &[Condition], now: Timestamp, zone: &TimeZone) -> Markup {
    html! {
        table.plain.conditions {
            thead { tr { th scope="col" { "Condition" } th scope="col" { "Status" } th scope="col" { "Reason" } th scope="col" { "Since" } } }
            tbody {
                @for condition in conditions {
                    tr {
                        th scope="row" { (condition.kind.name()) }
                        td { (status(condition)) }
                        td { (condition.reason) @if !condition.message.is_empty() { span.why { (condition.message) } } }
                        td { (away(now, condition.since)) " " span.why { (local(condition.since, now, zone)) } }
                    }
                }
            }
        }
    }
}

fn status(condition: &Condition) -> Markup {
    let standing = match (condition.status, is_unwell(condition)) {
        (Truth::Unknown, _) => Standing::Unknown,
        (_, true) => Standing::Attention,
        (_, false) => Standing::Holding,
    };
    html! { span class={ "mark " (standing.word()) } { span.sign aria-hidden="true" { (standing.sign()) } (condition.status.name()) } }
}
