//! The status page: one table, rendered on the server, with nothing from outside and no script.

use baseload_core::model::instant;
use baseload_core::status::{Bounds, Condition, ConfigurationStatus, FloorStatus, Status, TargetStatus, Truth};
use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::About;

const STYLE: &str = include_str!("page.css");

/// The whole page. It asks the browser for a fresh one every 10 seconds.
pub(super) fn render(status: &Status, about: &About) -> Markup {
    let unwell = status.targets.iter().filter(|target| unwell(target).next().is_some()).count();
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta http-equiv="refresh" content="10";
                title { (headline(status, unwell)) " · Baseload" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { "Baseload" }
                    p.state.bad[unwell > 0 || !status.ready] { (headline(status, unwell)) }
                }
                (configuration(&status.configuration))
                (table(status))
                footer { (footer_line(status, about)) }
            }
        }
    }
}

fn headline(status: &Status, unwell: usize) -> String {
    let state = match (status.stopping, status.ready) {
        (true, _) => "stopping",
        (false, true) => "ready",
        (false, false) => "not ready",
    };
    let mode = if status.dry_run { ", dry run" } else { "" };
    match unwell {
        0 => format!("{state}{mode}"),
        1 => format!("{state}{mode}, 1 target needs a look"),
        _ => format!("{state}{mode}, {unwell} targets need a look"),
    }
}

fn configuration(configuration: &ConfigurationStatus) -> Markup {
    html! {
        section {
            @match (&configuration.revision, configuration.since) {
                (Some(revision), Some(since)) => p {
                    (configuration.schedules) " schedules of " code { (configuration.source) }
                    ", revision " code { (revision) } ", since " (time(since))
                },
                _ => p { "No configuration is in force yet; it comes from " code { (configuration.source) } "." },
            }
            @if let Some(error) = &configuration.last_error {
                p.bad {
                    "The last attempt to load was refused"
                    @if let Some(at) = configuration.last_attempt { ", " (time(at)) }
                    "; what was in force stays."
                }
                pre { (error) }
            }
        }
    }
}

fn table(status: &Status) -> Markup {
    html! {
        table {
            thead {
                tr {
                    th { "Target" } th { "Floor" } th { "Min" } th { "Desired" } th { "Running" } th { "Max" }
                    th { "Conditions" } th { "Next change" }
                }
            }
            tbody {
                @for target in &status.targets { (row(target, status.at)) }
            }
        }
        @if status.targets.is_empty() { p.quiet { "No targets." } }
    }
}

fn row(target: &TargetStatus, now: Timestamp) -> Markup {
    let bound = |of: fn(Bounds) -> u32| target.observed.map(of);
    html! {
        tr {
            th scope="row" { (target.cluster) "/" wbr; (target.service) }
            td data-label="Floor" { (floor(target.floor.as_ref())) }
            td.count data-label="Min" { (count(bound(|bounds| bounds.min))) }
            td.count data-label="Desired" { (count(target.counts.map(|counts| counts.desired))) }
            td.count data-label="Running" { (count(target.counts.map(|counts| counts.running))) }
            td.count data-label="Max" { (count(bound(|bounds| bounds.max))) }
            td data-label="Conditions" { (conditions(target)) }
            td data-label="Next change" { (next(target, now)) }
        }
    }
}

fn floor(floor: Option<&FloorStatus>) -> Markup {
    html! {
        @match floor {
            Some(floor) => {
                strong { (floor.min) @if let Some(max) = floor.max { ".." (max) } } " "
                span.quiet { (floor.schedule) " " (floor.cause) }
            }
            None => span.quiet { "left alone" },
        }
    }
}

fn count(count: Option<u32>) -> Markup {
    html! {
        @match count {
            Some(count) => (count),
            None => span.quiet title="unknown" { "?" },
        }
    }
}

/// The conditions that are not as an operator wishes, and how many are not known.
fn conditions(target: &TargetStatus) -> Markup {
    let unknown = target.conditions.iter().filter(|condition| condition.status == Truth::Unknown).count();
    let is_well = unwell(target).next().is_none();
    html! {
        @for condition in unwell(target) {
            div {
                span.bad { (condition.kind.name()) " " (condition.status.name()) } " "
                span.quiet title=(instant(condition.since)) {
                    @if condition.message.is_empty() { (condition.reason) } @else { (condition.message) }
                }
            }
        }
        @if is_well && unknown == 0 { span.good { "well" } }
        @if unknown > 0 { span.quiet { (unknown) " unknown" } }
        @if let Some(error) = &target.last_error { div.quiet { (error) } }
    }
}

fn unwell(target: &TargetStatus) -> impl Iterator<Item = &Condition> {
    let is_unwell = |condition: &&Condition| {
        condition.status != Truth::Unknown && condition.status != condition.kind.is_well_when()
    };
    target.conditions.iter().filter(is_unwell)
}

fn next(target: &TargetStatus, now: Timestamp) -> Markup {
    html! {
        @match &target.next {
            Some(next) => { (floor(next.floor.as_ref())) " " span.quiet { (away(now, next.at)) ", " (time(next.at)) } }
            None => span.quiet { "never" },
        }
    }
}

fn time(at: Timestamp) -> Markup {
    html! { time datetime=(instant(at)) { (at.strftime("%a %-d %b %H:%M UTC")) } }
}

/// How far off an instant is, in its two largest units.
fn away(now: Timestamp, at: Timestamp) -> String {
    let minutes = at.duration_since(now).as_mins().max(0);
    let (days, hours, minutes) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    match (days, hours) {
        (0, 0) => format!("in {minutes} min"),
        (0, _) => format!("in {hours} h {minutes} min"),
        _ => format!("in {days} d {hours} h"),
    }
}

fn footer_line(status: &Status, about: &About) -> Markup {
    html! {
        "As of " time datetime=(instant(status.at)) { (instant(status.at)) }
        " · version " (about.version) " · tzdb " (about.tzdb)
        @if let Some(simulator) = &about.simulator { " · simulated AWS at " code { (simulator) } }
    }
}

#[cfg(test)]
mod tests {
    use baseload_core::status::{ConditionKind, NextStatus};

    use super::*;

    fn about() -> About {
        About { version: "0.1.0".to_owned(), tzdb: "2026e".to_owned(), simulator: None }
    }

    fn target(service: &str, conditions: Vec<Condition>) -> TargetStatus {
        TargetStatus {
            cluster: "shop".into(),
            service: service.into(),
            floor: Some(FloorStatus { min: 3, max: None, schedule: "web".into(), cause: "window/day".to_owned() }),
            next: Some(NextStatus { at: "2026-11-21T08:20:00Z".parse().unwrap(), floor: None }),
            observed: None,
            observed_at: None,
            counts: None,
            verdict: "unknown".into(),
            conditions: conditions.into_iter().collect(),
            last_error: None,
            corrections: 0,
        }
    }

    fn condition(kind: ConditionKind, status: Truth, message: &'static str) -> Condition {
        Condition { kind, status, reason: "Reason".into(), message: message.into(), since: Timestamp::UNIX_EPOCH }
    }

    fn page(targets: Vec<TargetStatus>, last_error: Option<&str>) -> String {
        let status = Status {
            at: "2026-11-21T05:00:00Z".parse().unwrap(),
            heartbeat: Timestamp::UNIX_EPOCH,
            ready: true,
            stopping: false,
            dry_run: false,
            configuration: ConfigurationStatus {
                last_error: last_error.map(str::to_owned),
                ..ConfigurationStatus::default()
            },
            targets: targets.into_iter().map(std::sync::Arc::new).collect(),
        };
        render(&status, &about()).into_string()
    }

    #[test]
    fn f65_markup_in_names_messages_and_errors_is_text() {
        let script = "<script>alert(1)</script>";
        let conditions = vec![condition(ConditionKind::Held, Truth::False, script)];
        let page = page(vec![target(script, conditions)], Some(script));
        assert!(!page.contains("<script"));
        assert_eq!(page.matches("&lt;script&gt;alert(1)&lt;/script&gt;").count(), 3);
    }

    #[test]
    fn a_condition_that_is_not_well_shows_with_its_message_and_others_do_not() {
        let conditions = vec![
            condition(ConditionKind::Held, Truth::False, "desired is 2, the floor 3"),
            condition(ConditionKind::Paused, Truth::False, "not suspended"),
        ];
        let page = page(vec![target("www", conditions)], None);
        assert!(page.contains("Held False") && page.contains("desired is 2, the floor 3"));
        assert!(!page.contains("Paused"));
        assert!(page.contains("1 target needs a look"));
    }

    #[test]
    fn what_is_unknown_shows_as_unknown_and_not_as_zero() {
        let page = page(vec![target("www", vec![condition(ConditionKind::Ready, Truth::Unknown, "")])], None);
        assert_eq!(page.matches(r#"title="unknown">?<"#).count(), 4);
        assert!(page.contains("1 unknown") && page.contains(">ready</p>"));
    }

    #[test]
    fn the_next_change_says_how_far_off_it_is() {
        let page = page(vec![target("www", Vec::new())], None);
        assert!(page.contains("in 3 h 20 min, <time datetime=\"2026-11-21T08:20:00Z\">Sat 21 Nov 08:20 UTC</time>"));
    }
}
