//! The status pages: all targets at a glance, and a page for each. Rendered on the server, with nothing from outside and
//! no script.
//!
//! - `fleet`: the page at `/`; `target`: that of one target.
//! - `standing`: how a target fares, in one word, and which targets are asked for.
//! - `weeks`: the pictures of what is to come; `strip` draws one.
//! - `words`: times, names and figures.

mod fleet;
mod standing;
mod strip;
mod target;
mod weeks;
mod words;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use baseload_core::model::instant;
use baseload_core::render::svg;
use baseload_core::status::Status;
use baseload_core::timetable::Schedules;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde::Serialize;

pub use self::fleet::fleet;
pub use self::standing::Wish;
pub use self::target::target;
pub use self::weeks::Almanac;

/// What the process is, beside what it does.
#[derive(Clone, Debug, Serialize)]
pub struct About {
    /// The version of Baseload.
    pub version: String,
    /// The version of the time zone rules.
    pub tzdb: String,
    /// Where the simulated AWS listens; `None` where AWS is the real one.
    pub simulator: Option<String>,
}

const STYLE: &str = include_str!("page.css");

/// Three steps of a timetable, as the browser's icon.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath \
     fill='%234c5fd5' d='M1 10h4v5H1zM6 6h4v9H6zM11 1h4v14h-4z'/%3E%3C/svg%3E";

/// Everything that a page is rendered from.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// The snapshot.
    pub status: &'a Status,
    /// The schedules in force; they may be a moment newer than the snapshot.
    pub schedules: &'a Arc<Schedules>,
    /// The strips that were drawn last.
    pub almanac: &'a Almanac,
    /// What the process is.
    pub about: &'a About,
}

/// What a path that names no target leads to.
pub fn missing(view: &View<'_>) -> String {
    let content = html! {
        (way_back())
        h1 { "No such target" }
        p.lead { "No schedule in force names it, and no registered service fits a glob that does." }
    };
    shell(view, "No such target", &content)
}

fn way_back() -> Markup {
    html! { nav aria-label="Way back" { a href="/" { "← All targets" } } }
}

/// A whole page around its content.
fn shell(view: &View<'_>, title: &str, content: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta http-equiv="refresh" content="30";
                title { (title) " · Baseload" }
                link rel="icon" href=(ICON);
                style { (PreEscaped(STYLE)) (PreEscaped(svg::STYLE)) }
            }
            body {
                header.top {
                    a.brand href="/" { (mark()) "Baseload" }
                    (modes(view))
                    p.asof { "As of " time datetime=(instant(view.status.at)) { (words::clock_time(view.status.at)) } }
                }
                main { (content) }
                footer { (footer_line(view)) }
            }
        }
    };
    page.into_string()
}

fn mark() -> Markup {
    html! {
        svg aria-hidden="true" viewBox="0 0 16 16" width="18" height="18" {
            path fill="currentColor" d="M1 10h4v5H1zM6 6h4v9H6zM11 1h4v14h-4z" {}
        }
    }
}

/// What the whole controller is in, as chips.
fn modes(view: &View<'_>) -> Markup {
    let status = view.status;
    html! {
        p.modes {
            @match (status.stopping, status.ready) {
                (true, _) => span.chip.attention { "Stopping" },
                (false, true) => span.chip.fine { "Ready" },
                (false, false) => span.chip.attention { "Not ready" },
            }
            @if let Some(standing) = status.lease.as_ref().filter(|standing| !standing.leader) {
                @let holder = standing.holder.as_deref().unwrap_or("nobody that is known");
                " " span.chip { "Standby: " (holder) " holds the lease" }
            }
            @if status.dry_run { " " span.chip { "Dry run: nothing is written" } }
            @if view.about.simulator.is_some() { " " span.chip { "Simulation" } }
        }
    }
}

fn footer_line(view: &View<'_>) -> Markup {
    let about = view.about;
    html! {
        p {
            "Baseload " (about.version) " · tzdb " (about.tzdb)
            @if let Some(simulator) = &about.simulator { " · simulated AWS at " code { (simulator) } }
            " · this page renews itself every 30 seconds"
        }
        nav aria-label="For programs" {
            a href="/metrics" { "Metrics" } " " a href="/api/v1/status" { "Status as JSON" }
        }
    }
}
