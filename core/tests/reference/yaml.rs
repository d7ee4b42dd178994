//! Writes a [`Source`] down as its author would: YAML documents, and ICS files beside them.

use std::collections::BTreeMap;
use std::fmt::Write;

use chrono::{Days, NaiveDate, Weekday};

use crate::source::{
    Calendar, Cron, Default, Ends, Event, Floor, Frequency, Item, Override, Schedule, Source, Style, Wall, When, Window,
};

/// The files of the source, by path.
pub fn files(source: &Source) -> BTreeMap<String, String> {
    let mut documents: Vec<String> = source.schedules.iter().map(|s| schedule(s, source.style)).collect();
    documents.extend(source.calendars.iter().map(|c| calendar(c, source.style)));
    let mut files = BTreeMap::new();
    if source.style.many_files {
        for (i, document) in documents.into_iter().enumerate() {
            files.insert(format!("part{i}/file.yml"), document);
        }
        for (i, calendar) in source.calendars.iter().enumerate().filter(|(_, c)| !c.events.is_empty()) {
            let beside = source.schedules.len() + i;
            files.insert(format!("part{beside}/{}.ics", calendar.name), ics(&calendar.events));
        }
    } else {
        files.insert("all.yaml".to_owned(), documents.join("---\n"));
        for calendar in source.calendars.iter().filter(|c| !c.events.is_empty()) {
            files.insert(format!("{}.ics", calendar.name), ics(&calendar.events));
        }
    }
    files
}

fn schedule(schedule: &Schedule, style: Style) -> String {
    let mut text = String::from("apiVersion: baseload/v1\nkind: ScalingSchedule\nmetadata:\n");
    let out = &mut text;
    line(out, 2, "name", &schedule.name);
    out.push_str("spec:\n  targets:\n");
    for (cluster, service) in &schedule.targets {
        line(out, 4, "- { cluster", &format!("\"{cluster}\", service: \"{service}\" }}"));
    }
    line(out, 2, "timezone", schedule.zone.name());
    if schedule.lead > 0 {
        line(out, 2, "leadTime", &duration(i64::try_from(schedule.lead).expect("a lead is short"), style));
    }
    if schedule.priority != 0 {
        line(out, 2, "priority", &schedule.priority.to_string());
    }
    if schedule.suspend {
        line(out, 2, "suspend", "true");
    }
    match schedule.default {
        Default::Floor(default) => line(out, 2, "default", &format!("{{ {} }}", floor(default))),
        Default::Overlay => line(out, 2, "default", "none"),
        Default::Absent => {}
    }
    list(out, "windows", schedule.windows.iter().map(|w| window(w, style)));
    list(out, "overrides", schedule.overrides.iter().map(|o| one_off(o, style)));
    text
}

fn line(out: &mut String, indent: usize, key: &str, value: &str) {
    writeln!(out, "{:indent$}{key}: {value}", "").expect("strings take everything");
}

fn list(out: &mut String, key: &str, items: impl Iterator<Item = String>) {
    let items: Vec<String> = items.collect();
    if !items.is_empty() {
        writeln!(out, "  {key}:").expect("strings take everything");
    }
    for item in items {
        writeln!(out, "    - {{ {item} }}").expect("strings take everything");
    }
}

fn window(window: &Window, style: Style) -> String {
    let mut parts = vec![format!("name: {}", window.name)];
    match &window.when {
        When::Clock { from, to } => {
            parts.push(format!("from: {}", quote(&clock(*from), style)));
            parts.push(format!("to: {}", quote(&clock(*to), style)));
        }
        When::Cron { cron, duration: minutes } => {
            parts.push(format!("cron: \"{}\"", cron_text(cron)));
            parts.push(format!("duration: {}", duration(*minutes, style)));
        }
    }
    if !window.days.is_empty() {
        let days: Vec<String> = window.days.iter().map(|&(a, b)| day_range(a, b)).collect();
        parts.push(format!("days: [{}]", days.join(", ")));
    }
    for (key, names) in [("on", &window.on), ("except", &window.except)] {
        if !names.is_empty() {
            parts.push(format!("{key}: [{}]", names.join(", ")));
        }
    }
    for (key, date) in [("validFrom", window.valid_from), ("validUntil", window.valid_until)] {
        parts.extend(date.map(|date| format!("{key}: {}", quote(&date.to_string(), style))));
    }
    parts.push(floor(window.floor));
    parts.join(", ")
}

fn one_off(one: &Override, style: Style) -> String {
    let (from, to) = (quote(&wall(one.from), style), quote(&wall(one.to), style));
    format!("name: {}, from: {from}, to: {to}, {}", one.name, floor(one.floor))
}

fn floor(floor: Floor) -> String {
    match floor.max {
        Some(max) => format!("min: {}, max: {max}", floor.min),
        None => format!("min: {}", floor.min),
    }
}

fn quote(text: &str, style: Style) -> String {
    // Inside braces an unquoted `06:30` is one scalar, for no space follows its colon.
    if style.quoted { format!("\"{text}\"") } else { text.to_owned() }
}

/// `HH:MM`, up to `24:00`.
fn clock(minute: u32) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

fn wall(wall: Wall) -> String {
    format!("{}T{}", wall.date, clock(wall.minute))
}

fn duration(minutes: i64, style: Style) -> String {
    if style.plain_minutes {
        return format!("{minutes}m");
    }
    [(minutes / 1440, 'd'), (minutes / 60 % 24, 'h'), (minutes % 60, 'm')]
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect()
}

fn day_range(first: Weekday, last: Weekday) -> String {
    let name = |day: Weekday| day.to_string().to_lowercase();
    if first == last { name(first) } else { format!("{}-{}", name(first), name(last)) }
}

/// The expression as a user writes it.
pub fn cron_text(cron: &Cron) -> String {
    [&cron.minute, &cron.hour, &cron.day_of_month, &cron.month, &cron.day_of_week]
        .map(|field| field.iter().map(item).collect::<Vec<_>>().join(","))
        .join(" ")
}

fn item(item: &Item) -> String {
    match item {
        Item::Any => "*".to_owned(),
        Item::Every(n) => format!("*/{n}"),
        Item::One(a) => a.to_string(),
        Item::Range(a, b) => format!("{a}-{b}"),
        Item::Step(a, b, n) => format!("{a}-{b}/{n}"),
        Item::Last => "L".to_owned(),
        Item::LastWeekday(day) => format!("{day}L"),
        Item::Nth(day, n) => format!("{day}#{n}"),
    }
}

fn calendar(calendar: &Calendar, style: Style) -> String {
    let mut text = format!("apiVersion: baseload/v1\nkind: Calendar\nmetadata: {{ name: {} }}\nspec:\n", calendar.name);
    if !calendar.dates.is_empty() {
        let dates: Vec<String> = calendar.dates.iter().map(|d| quote(&d.to_string(), style)).collect();
        line(&mut text, 2, "dates", &format!("[{}]", dates.join(", ")));
    }
    if !calendar.events.is_empty() {
        line(&mut text, 2, "ics", &format!("{}.ics", calendar.name));
    }
    text
}

/// The events as an ICS file.
pub fn ics(events: &[Event]) -> String {
    let mut lines = vec!["BEGIN:VCALENDAR".to_owned(), "VERSION:2.0".to_owned(), "PRODID:-//reference//EN".to_owned()];
    for (uid, one) in events.iter().enumerate() {
        lines.extend(vevent(uid, one));
        lines.extend(one.moved.iter().flat_map(|&(was, is)| moved(uid, was, is, one.days)));
    }
    lines.push("END:VCALENDAR".to_owned());
    lines.join("\r\n") + "\r\n"
}

fn vevent(uid: usize, event: &Event) -> Vec<String> {
    let mut lines = vec!["BEGIN:VEVENT".to_owned(), format!("UID:{uid}@reference")];
    lines.extend(stretch(event.start, event.days));
    if let Some(rule) = &event.rule {
        let ends = match rule.ends {
            Ends::Never => String::new(),
            Ends::After(count) => format!(";COUNT={count}"),
            Ends::On(date) => format!(";UNTIL={}", compact(date)),
        };
        lines.push(format!("RRULE:{}{ends}", frequency(&rule.frequency)));
    }
    for (key, dates) in [("RDATE", &event.added), ("EXDATE", &event.taken_out)] {
        lines.extend(dates.iter().map(|&date| format!("{key};VALUE=DATE:{}", compact(date))));
    }
    if event.cancelled {
        lines.push("STATUS:CANCELLED".to_owned());
    }
    lines.push("END:VEVENT".to_owned());
    lines
}

fn moved(uid: usize, was: NaiveDate, is: NaiveDate, days: Option<u64>) -> Vec<String> {
    let mut lines = vec!["BEGIN:VEVENT".to_owned(), format!("UID:{uid}@reference")];
    lines.push(format!("RECURRENCE-ID;VALUE=DATE:{}", compact(was)));
    lines.extend(stretch(is, days));
    lines.push("END:VEVENT".to_owned());
    lines
}

/// DTSTART and, where the event says how long it is, DTEND: the first date after it.
fn stretch(start: NaiveDate, days: Option<u64>) -> Vec<String> {
    let mut lines = vec![format!("DTSTART;VALUE=DATE:{}", compact(start))];
    lines.extend(days.map(|days| format!("DTEND;VALUE=DATE:{}", compact(start + Days::new(days)))));
    lines
}

fn frequency(frequency: &Frequency) -> String {
    let code = |day: &Weekday| day.to_string()[..2].to_uppercase();
    match frequency {
        Frequency::Daily { interval } => format!("FREQ=DAILY;INTERVAL={interval}"),
        Frequency::Weekly { interval, days } => {
            let days: Vec<String> = days.iter().map(code).collect();
            format!("FREQ=WEEKLY;INTERVAL={interval};BYDAY={}", days.join(","))
        }
        Frequency::MonthlyOn { day } => format!("FREQ=MONTHLY;BYMONTHDAY={day}"),
        Frequency::MonthlyNth { nth, weekday } => format!("FREQ=MONTHLY;BYDAY={nth}{}", code(weekday)),
        Frequency::Yearly => "FREQ=YEARLY".to_owned(),
    }
}

fn compact(date: NaiveDate) -> String {
    date.to_string().replace("-", "")
}
