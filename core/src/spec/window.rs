//! Windows and overrides, one by one.

use std::sync::Arc;

use crate::cron::Cron;
use crate::diagnostic::Location;
use crate::model::Floor;
use crate::spec::fields::{FLOOR, Fields, OVERRIDE, WINDOW};
use crate::spec::report::Report;
use crate::spec::time::{EndOfDay, WINDOW_LENGTH, date, date_time, duration, time_of_day, weekdays};
use crate::spec::value::{items, label, literal, tasks, text};
use crate::spec::yaml::Node;
use crate::timetable::{DateFilter, Override, Recurrence, Window};

/// A calendar that a window names. It is looked up once all files were read.
pub(super) struct Use {
    /// The window's place in its list.
    pub(super) window: usize,
    pub(super) list: List,
    pub(super) calendar: Arc<str>,
    pub(super) at: Location,
}

/// Which of a window's two lists names the calendar.
#[derive(Clone, Copy)]
pub(super) enum List {
    On,
    Except,
}

/// `default`, where it declares a floor.
pub(super) fn default_floor(node: &Node<'_>, limit: u32, report: &mut Report<'_>) -> Option<Floor> {
    floor(&Fields::open(node, &FLOOR, report)?, limit, report)
}

/// One window. The calendars that it names are added to `uses`, even where the window has other mistakes.
pub(super) fn window(
    node: &Node<'_>,
    index: usize,
    limit: u32,
    uses: &mut Vec<Use>,
    report: &mut Report<'_>,
) -> Option<Window> {
    let fields = Fields::open(node, &WINDOW, report)?;
    let name = fields.get("name").and_then(|node| label(node, "name", report));
    let recurrence = recurrence(&fields, report);
    let dates = dates(&fields, report);
    for (field, list) in [("on", List::On), ("except", List::Except)] {
        if let Some(node) = fields.get(field) {
            uses.extend(calendars(node, field, report).map(|(calendar, at)| Use { window: index, list, calendar, at }));
        }
    }
    let floor = floor(&fields, limit, report);
    Some(Window { name: name?, recurrence: recurrence?, dates: dates?, floor: floor? })
}

fn recurrence(fields: &Fields<'_, '_>, report: &mut Report<'_>) -> Option<Recurrence> {
    let key = |field| fields.key_span(field);
    let (clock, cron) = (key("from").or(key("to")), key("cron").or(key("duration")));
    match (clock, cron) {
        (Some(_), Some(cron)) => {
            let message = "a window has either `from` and `to`, or `cron` and `duration`, not both";
            report.error("two-recurrences", cron, message);
            None
        }
        (None, None) => {
            let message = "a window needs `from` and `to`, or `cron` and `duration`";
            report.error("missing-field", &fields.span, message);
            None
        }
        (Some(_), None) => daily(fields, report),
        (None, Some(_)) => by_cron(fields, report),
    }
}

fn daily(fields: &Fields<'_, '_>, report: &mut Report<'_>) -> Option<Recurrence> {
    let from = needed(fields, "from", "to", report);
    let to = needed(fields, "to", "from", report);
    let from = from.and_then(|node| time_of_day(node, "from", EndOfDay::Refused, report));
    let to_minutes = to.and_then(|node| time_of_day(node, "to", EndOfDay::Allowed, report));
    let (from, to_minutes) = (from?, to_minutes?);
    if from == to_minutes {
        let help = "for the whole day write from: \"00:00\", to: \"24:00\"; for 24 hours from another time, `cron` and `duration`";
        report.error("empty-window", &to?.span, "`from` and `to` are the same time").help(help);
        return None;
    }
    Some(Recurrence::Daily { from, to: to_minutes })
}

fn by_cron(fields: &Fields<'_, '_>, report: &mut Report<'_>) -> Option<Recurrence> {
    let cron = needed(fields, "cron", "duration", report).and_then(|node| cron(node, report));
    let duration =
        needed(fields, "duration", "cron", report).and_then(|node| duration(node, "duration", &WINDOW_LENGTH, report));
    Some(Recurrence::Cron { cron: cron?, duration: duration? })
}

/// A field that must stand beside another one.
fn needed<'n, 't>(fields: &Fields<'n, 't>, field: &str, beside: &str, report: &mut Report<'_>) -> Option<&'n Node<'t>> {
    if fields.get(field).is_none() {
        let message = format!("a window with `{beside}` needs the field `{field}`");
        report.error("missing-field", &fields.span, message);
    }
    fields.get(field)
}

fn cron(node: &Node<'_>, report: &mut Report<'_>) -> Option<Cron> {
    let written = literal(node, "cron", "five fields such as \"45 11 * * *\"", report)?;
    match Cron::parse(written) {
        Ok(cron) => {
            warn_of_surprises(&cron, node, report);
            Some(cron)
        }
        Err(error) => {
            // The range holds within the text; the file may have a quote before it, or escapes that move it.
            let offset = report.source(&node.span).find(written).map(|offset| node.span.start + offset);
            let span = offset.map_or(node.span.clone(), |at| at + error.range.start..at + error.range.end);
            let finding = report.error("bad-cron", &span, error.message);
            if let Some(help) = error.help {
                finding.help(help);
            }
            None
        }
    }
}

fn warn_of_surprises(cron: &Cron, node: &Node<'_>, report: &mut Report<'_>) {
    if cron.never_matches() {
        report.warning("cron-never-matches", &node.span, "no date ever matches: the window never starts");
    } else if cron.both_day_fields_set() {
        let message = "day of month and day of week are both set: either of them matches";
        let help = "where both must match, begin one of the two with `*`, or use `days` for the day of the week";
        report.warning("cron-both-days", &node.span, message).help(help);
    }
}

/// Which dates may start the window; its calendars are linked later.
fn dates(fields: &Fields<'_, '_>, report: &mut Report<'_>) -> Option<DateFilter> {
    const EVERY_DAY: u8 = 0b111_1111;
    let errors_before = report.errors();
    let weekdays = fields.get("days").map_or(Some(EVERY_DAY), |node| weekdays(node, report));
    let valid_from = fields.get("validFrom").and_then(|node| date(node, "validFrom", report));
    let valid_until = fields.get("validUntil").and_then(|node| date(node, "validUntil", report));
    if let (Some(from), Some(until), Some(node)) = (valid_from, valid_until, fields.get("validUntil"))
        && until < from
    {
        let message = format!("`validUntil` lies before `validFrom`, {from}");
        report.error("reversed-dates", &node.span, message);
    }
    let on = fields.get("on").map(|_| Vec::new());
    let filter = DateFilter { weekdays: weekdays?, on, except: Vec::new(), valid_from, valid_until };
    (report.errors() == errors_before).then_some(filter)
}

fn calendars<'a>(
    node: &'a Node<'_>,
    field: &'a str,
    report: &'a mut Report<'_>,
) -> impl Iterator<Item = (Arc<str>, Location)> + 'a {
    let names = items(node, field, report).unwrap_or(&[]);
    names.iter().filter_map(move |item| {
        let name = text(item, field, report)?;
        Some((name.into(), report.location(&item.span)))
    })
}

/// One override.
pub(super) fn over_ride(node: &Node<'_>, limit: u32, report: &mut Report<'_>) -> Option<Override> {
    let fields = Fields::open(node, &OVERRIDE, report)?;
    let name = fields.get("name").and_then(|node| label(node, "name", report));
    let from = fields.get("from").and_then(|node| date_time(node, "from", EndOfDay::Refused, report));
    let to = fields.get("to").and_then(|node| date_time(node, "to", EndOfDay::Allowed, report));
    let floor = floor(&fields, limit, report);
    let (from, to) = (from?, to?);
    if to <= from {
        let span = &fields.get("to")?.span;
        report.error("reversed-override", span, "`to` must be later than `from`");
        return None;
    }
    Some(Override { name: name?, from, to, floor: floor? })
}

fn floor(fields: &Fields<'_, '_>, limit: u32, report: &mut Report<'_>) -> Option<Floor> {
    let min = fields.get("min").and_then(|node| tasks(node, "min", limit, report));
    let Some(max_node) = fields.get("max") else { return Some(Floor { min: min?, max: None }) };
    let (min, max) = (min?, tasks(max_node, "max", limit, report)?);
    if max < min {
        report.error("max-below-min", &max_node.span, format!("`max` is below `min`, which is {min}"));
        return None;
    }
    Some(Floor { min, max: Some(max) })
}
