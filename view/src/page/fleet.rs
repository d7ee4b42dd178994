//! The page at `/`: which configuration is in force, and every target, the worst first.

use std::sync::Arc;

use baseload_core::model::instant;
use baseload_core::status::{Bounds, ConditionKind, ConfigurationStatus, NextStatus, SiteStatus, TargetStatus, Truth};
use jiff::Timestamp;
use maud::{Markup, PreEscaped, html};

use super::standing::{self, Standing, Wish};
use super::weeks::Weeks;
use super::words::{Clocks, away, cause, count, encode, figure, grouped, local, name, path_of, short, targets};
use super::{View, shell};

/// With more rows than this the browser lays out only those in sight.
const MANY: usize = 200;

/// One target, at `index` of the snapshot.
#[derive(Clone, Copy)]
struct Row<'a> {
    standing: Standing,
    index: usize,
    target: &'a TargetStatus,
}

/// All that the rows share.
struct Shared<'a> {
    now: Timestamp,
    clocks: Clocks<'a>,
    weeks: Arc<Weeks>,
}

/// The page, with the targets that `wish` asks for.
pub fn fleet(view: &View<'_>, wish: &Wish) -> String {
    let status = view.status;
    let rows = rows(view);
    let headline = headline(&rows);
    let fitting: Vec<Row<'_>> = rows.into_iter().filter(|row| wish.fits(row.target)).collect();
    let asked = |row: &&Row<'_>| wish.standing().is_none_or(|wanted| wanted == row.standing);
    let shown: Vec<Row<'_>> = fitting.iter().filter(asked).copied().collect();
    let weeks = view.almanac.weeks(status, view.schedules);
    let shared = Shared { now: status.at, clocks: Clocks::of(view.schedules), weeks };
    let content = html! {
        h1 { (headline) }
        (figures(view, &shared.clocks))
        (configuration(&status.configuration, status.at))
        @for site in status.sites.iter().filter(|site| !site.failing.is_empty()) { (unanswered(site)) }
        (filters(wish, &fitting))
        (shared.weeks.definitions(shown.iter().map(|row| row.index), status.at))
        (table(&shown, &shared))
        @if shown.is_empty() { (nothing(status.targets.is_empty())) }
    };
    shell(view, &headline, &content)
}

/// Every target, the worst first, by name within.
fn rows<'a>(view: &View<'a>) -> Vec<Row<'a>> {
    let status = view.status;
    let row = |(index, target)| Row { standing: Standing::of(target, status.at), index, target };
    let mut rows: Vec<Row<'a>> = status.targets.iter().map(|target| &**target).enumerate().map(row).collect();
    rows.sort_by_key(|row| row.standing);
    rows
}

fn headline(rows: &[Row<'_>]) -> String {
    let all = rows.iter().filter(|row| row.standing != Standing::LeftAlone).count();
    let count = |standing| rows.iter().filter(|row| row.standing == standing).count();
    let does = |count: usize, one: &str, more: &str| if count == 1 { one.to_owned() } else { more.to_owned() };
    let told = |count: usize| grouped(count as u64);
    let worst = rows.first().map(|row| row.standing);
    let bad = worst.map_or(0, count);
    match worst {
        None => "No targets yet".to_owned(),
        Some(Standing::Failing) => {
            format!("{} of {} floors {} not hold", told(bad), told(all), does(bad, "does", "do"))
        }
        Some(Standing::Attention) => format!("{} {} a look", targets(bad), does(bad, "wants", "want")),
        Some(Standing::CatchingUp) => format!("{} {} catching up", targets(bad), does(bad, "is", "are")),
        Some(Standing::Unknown) => format!("{} not known yet", targets(bad)),
        Some(Standing::Holding) if all == 1 => "The floor holds".to_owned(),
        Some(Standing::Holding) => format!("All {} floors hold", told(all)),
        Some(Standing::LeftAlone) => "No floor is declared now".to_owned(),
    }
}

/// The fleet in four figures.
fn figures(view: &View<'_>, clocks: &Clocks<'_>) -> Markup {
    let status = view.status;
    let declared: u64 =
        status.targets.iter().filter_map(|target| target.floor.as_ref()).map(|f| u64::from(f.min)).sum();
    let running: u64 = status.targets.iter().filter_map(|target| target.counts).map(|c| u64::from(c.running)).sum();
    let changes = status.targets.iter().filter_map(|target| target.next.as_ref().map(|next| (next, target)));
    let next = changes.min_by_key(|(next, _)| next.at);
    html! {
        dl.figures {
            div { dt { "Targets" } dd { (grouped(status.targets.len() as u64)) } }
            div { dt { "Tasks declared" } dd { (grouped(declared)) } }
            div { dt { "Tasks running" } dd { (grouped(running)) } }
            div {
                dt { "Next change" }
                @match next {
                    Some((next, target)) => dd {
                        (away(status.at, next.at))
                        span.quiet {
                            (local(next.at, status.at, zone_of(next, clocks))) " · " (target.id().to_string())
                        }
                    },
                    None => dd { "none" },
                }
            }
        }
    }
}

fn zone_of<'a>(next: &NextStatus, clocks: &Clocks<'a>) -> &'a jiff::tz::TimeZone {
    clocks.of_schedule(next.floor.as_ref().map(|floor| &*floor.schedule))
}

fn configuration(configuration: &ConfigurationStatus, now: Timestamp) -> Markup {
    let is_good = configuration.last_error.is_none();
    let schedules = if configuration.schedules == 1 { "schedule" } else { "schedules" };
    html! {
        section.configuration aria-label="Configuration" {
            p {
                @match (&configuration.revision, configuration.since) {
                    (Some(revision), Some(since)) => {
                        span.chip.fine[is_good] { "In force" } " "
                        code title=(revision) { (short(revision)) } " of " code { (configuration.source) }
                        span.quiet {
                            " · " (configuration.schedules) " " (schedules)
                            " · since " time datetime=(instant(since)) title=(instant(since)) { (away(now, since)) }
                        }
                    }
                    _ => { span.chip.attention { "Waiting" } " No configuration is in force yet; it comes from " code { (configuration.source) } }
                }
            }
            @if let Some(error) = &configuration.last_error { (refusal(configuration, error, now)) }
        }
    }
}

/// The questions that fail in one account and region.
fn unanswered(site: &SiteStatus) -> Markup {
    let place = if site.site.is_home() { String::new() } else { format!(" in {}", site.site) };
    html! {
        div.refusal role="alert" {
            p { strong { "AWS is asked in vain" (place) } ": what is shown of " (targets(site.targets)) " there may be old." }
            @for question in &site.failing {
                pre tabindex="0" { (question.operation) ": " (baseload_core::diagnostic::printable_lines(&question.message)) }
            }
        }
    }
}

fn refusal(configuration: &ConfigurationStatus, error: &str, now: Timestamp) -> Markup {
    html! {
        div.refusal role="alert" {
            p {
                strong { @if configuration.held { "The newest revision is held" } @else { "The newest revision is refused" } }
                @if let Some(at) = configuration.last_attempt {
                    ", tried " time datetime=(instant(at)) { (away(now, at)) }
                }
                @if configuration.revision.is_some() { ". What was in force stays." }
            }
            pre tabindex="0" { (baseload_core::diagnostic::printable_lines(error)) }
        }
    }
}

/// The standings as links that carry the search along, and the search.
fn filters(wish: &Wish, fitting: &[Row<'_>]) -> Markup {
    let count = |standing| fitting.iter().filter(|row| row.standing == standing).count();
    let present =
        Standing::ALL.into_iter().filter(|standing| count(*standing) > 0 || wish.standing() == Some(*standing));
    html! {
        search.filters {
            nav aria-label="By state" {
                a href=(address(wish, None)) aria-current=[wish.standing().is_none().then_some("page")] {
                    "All " span.quiet { (fitting.len()) }
                }
                @for standing in present {
                    a href=(address(wish, Some(standing))) aria-current=[(wish.standing() == Some(standing)).then_some("page")] {
                        (standing.label()) " " span.quiet { (count(standing)) }
                    }
                }
            }
            form action="/" method="get" role="search" {
                @if let Some(standing) = wish.standing() { input type="hidden" name="state" value=(standing.word()); }
                label.unseen for="q" { "Target or schedule" }
                input id="q" name="q" type="search" placeholder="Search targets" value=(wish.q) autocomplete="off" maxlength="200";
                label.unseen for="condition" { "Condition that is not well" }
                select id="condition" name="condition" {
                    option value="" { "Any condition" }
                    @for kind in ConditionKind::ALL {
                        option value=(kind.name()) selected[wish.kind() == Some(kind)] { (trouble(kind)) }
                    }
                }
                button { "Show" }
            }
        }
    }
}

/// A condition, said the way in which it is not well.
fn trouble(kind: ConditionKind) -> String {
    match kind.is_well_when() {
        Truth::True => format!("Not {}", kind.name()),
        Truth::False | Truth::Unknown => kind.name().to_owned(),
    }
}

fn address(wish: &Wish, standing: Option<Standing>) -> String {
    let mut address = String::from("/?");
    let parts = [
        ("q", wish.q.trim()),
        ("condition", wish.kind().map_or("", ConditionKind::name)),
        ("state", standing.map_or("", Standing::word)),
    ];
    for (name, value) in parts.into_iter().filter(|(_, value)| !value.is_empty()) {
        address.push_str(name);
        address.push('=');
        encode(&mut address, value);
        address.push('&');
    }
    address.pop();
    address
}

fn nothing(are_none: bool) -> Markup {
    html! {
        p.nothing {
            @if are_none { "No schedule in force names a target." } @else { "No target fits. " a href="/" { "Show all" } }
        }
    }
}

fn table(shown: &[Row<'_>], shared: &Shared<'_>) -> Markup {
    html! {
        table.fleet.many[shown.len() > MANY] {
            caption.unseen { "Targets, those that need a look first" }
            thead {
                tr {
                    @for heading in ["Target", "State", "This week", "Floor", "Min", "Desired", "Running", "Max", "Next change"] {
                        th scope="col" { (heading) }
                    }
                }
            }
            tbody {
                @for shown in shown { (row(shown, shared)) }
            }
        }
    }
}

fn row(row: &Row<'_>, shared: &Shared<'_>) -> Markup {
    let Row { standing, index, target } = *row;
    let bound = |of: fn(Bounds) -> u32| target.observed.map(of);
    let floor = target.floor.as_ref().map(|floor| floor.min);
    let is_below = |count: Option<u32>| count.zip(floor).is_some_and(|(count, floor)| count < floor);
    let (min, max) = (bound(|bounds| bounds.min), bound(|bounds| bounds.max));
    let (desired, running) = (target.counts.map(|counts| counts.desired), target.counts.map(|counts| counts.running));
    html! {
        tr class=(PreEscaped(standing.word())) {
            th scope="row" {
                a href=(path_of(target)) { (name(target)) }
                (reason(target))
            }
            td.state { (pill(standing)) (troubles(target)) }
            td.week { (shared.weeks.strip(index)) }
            td.n.floor data-label="Floor" { (declared(target)) }
            td.n.below[is_below(min)] data-label="Min" { (count(min)) }
            td.n.below[is_below(desired)] data-label="Desired" { (count(desired)) }
            td.n.below[is_below(running)] data-label="Running" { (count(running)) }
            td.n data-label="Max" { (count(max)) }
            td.next { (next(target.next.as_deref(), shared)) }
        }
    }
}

pub(super) fn pill(standing: Standing) -> Markup {
    let [word, sign, label] = [standing.word(), standing.sign(), standing.label()].map(PreEscaped);
    html! { span class={ "pill " (word) } { span.sign aria-hidden="true" { (sign) } (label) } }
}

fn reason(target: &TargetStatus) -> Markup {
    html! {
        @if let Some(floor) = &target.floor { span.why { (floor.schedule) " · " (cause(floor)) } }
    }
}

fn declared(target: &TargetStatus) -> Markup {
    html! {
        @match &target.floor {
            Some(floor) => (figure(floor)),
            None => span.quiet title="left alone" { span aria-hidden="true" { "–" } span.unseen { "left alone" } },
        }
    }
}

/// What is not as an operator wishes, and the failure that stands where no condition tells it.
fn troubles(target: &TargetStatus) -> Markup {
    let unwell = standing::troubles(target);
    let is_told = |error: &String| unwell.iter().any(|condition| *condition.message == **error);
    html! {
        @for condition in &unwell {
            p.trouble {
                @if condition.message.is_empty() { (trouble(condition.kind)) ": " (condition.reason) } @else { (condition.message) }
            }
        }
        @if let Some(error) = target.last_error.as_ref().filter(|error| !is_told(error)) { p.trouble { (error) } }
    }
}

fn next(next: Option<&NextStatus>, shared: &Shared<'_>) -> Markup {
    html! {
        @match next {
            Some(next) => {
                span { "→ " @match &next.floor { Some(floor) => { strong { (figure(floor)) } }, None => "left alone" } " " (away(shared.now, next.at)) }
                span.why { (local(next.at, shared.now, zone_of(next, &shared.clocks))) }
            }
            None => span.quiet { "no change to come" },
        }
    }
}
