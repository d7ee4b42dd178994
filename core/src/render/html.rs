//! A preview as one HTML document with nothing from outside: to keep, to mail, to paste into a wiki.

use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::Preview;
use super::blocks::{decisions, groups, names};
use super::svg::{self, timetable};
use super::words::{cause, escaped, figure, local_time, tasks, zone_name};
use crate::model::TargetPattern;
use crate::timetable::{Decision, Segment};

/// With more targets than this the names are a list to open.
const MOST_NAMES: usize = 6;

impl Preview {
    /// The whole preview as one HTML document, in the wall-clock time of `zone`: a picture, what each floor comes from,
    /// and every change, for targets alike once.
    pub fn to_html(&self, zone: &TimeZone) -> String {
        let told = |at: Timestamp| at.to_zoned(zone.clone()).strftime("%a %-d %b %Y %H:%M").to_string();
        let title = format!("{} to {}", told(self.span.from), told(self.span.to));
        let mut out = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>Capacity floors, {title}</title>\n<style>\n{}{}</style>\n</head>\n<body>\n<main>\n\
             <h1>Capacity floors</h1>\n<p>{title}<br>Times are {}, by tzdb {}.</p>\n",
            include_str!("html.css"),
            svg::STYLE,
            escaped(zone_name(zone)),
            escaped(&self.tzdb),
        );
        for (targets, segments) in groups(&self.rows) {
            out += &self.section(&targets, segments, zone);
        }
        if self.rows.is_empty() {
            out += "<p>No schedule names any target.</p>\n";
        }
        out + "</main>\n</body>\n</html>\n"
    }

    fn section(&self, targets: &[&TargetPattern], segments: &[Segment], zone: &TimeZone) -> String {
        let short = names(targets, MOST_NAMES);
        let picture = timetable(segments, self.span, zone, None, &format!("Timetable of {short}"));
        let mut out = format!("<section>\n<h2>{}</h2>\n", escaped(&short));
        if targets.len() > MOST_NAMES {
            let all: String =
                targets.iter().map(|target| format!("<li>{}</li>", escaped(&target.to_string()))).collect();
            put(
                &mut out,
                format_args!("<details><summary>All {} targets</summary><ul>{all}</ul></details>\n", targets.len()),
            );
        }
        put(
            &mut out,
            format_args!(
                "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Timetable\">{picture}</div>\n"
            ),
        );
        legend(&mut out, segments);
        changes(&mut out, segments, zone);
        out + "</section>\n"
    }
}

fn legend(out: &mut String, segments: &[Segment]) {
    *out += "<table>\n<thead><tr><th scope=\"col\">Floor</th><th scope=\"col\">Tasks</th><th scope=\"col\">From</th></tr></thead>\n<tbody>\n";
    for decision in decisions(segments) {
        let (floor, tasks) = decision
            .map_or(("–".to_owned(), "left alone".to_owned()), |held| (figure(held.floor), tasks(held.floor)));
        put(
            out,
            format_args!(
                "<tr><th scope=\"row\">{floor}</th><td>{tasks}</td><td>{}</td></tr>\n",
                escaped(&why(decision))
            ),
        );
    }
    *out += "</tbody>\n</table>\n";
}

fn changes(out: &mut String, segments: &[Segment], zone: &TimeZone) {
    let pairs = segments.windows(2);
    if pairs.len() == 0 {
        *out += "<p>Nothing changes.</p>\n";
        return;
    }
    put(
        out,
        format_args!(
            "<details><summary>{} changes</summary>\n<table>\n<thead><tr><th scope=\"col\">When</th><th scope=\"col\">Floor</th><th scope=\"col\">From then on</th></tr></thead>\n<tbody>\n",
            pairs.len()
        ),
    );
    for pair in pairs {
        let when = local_time(pair[1].span.from, zone);
        let decision = pair[1].decision.as_ref();
        let floors = format!("{} → {}", floor(&pair[0]), floor(&pair[1]));
        put(out, format_args!("<tr><td>{when}</td><td>{floors}</td><td>{}</td></tr>\n", escaped(&why(decision))));
    }
    *out += "</tbody>\n</table>\n</details>\n";
}

fn floor(segment: &Segment) -> String {
    segment.decision.as_ref().map_or("–".to_owned(), |held| figure(held.floor))
}

fn why(decision: Option<&Decision>) -> String {
    match decision {
        Some(held) => format!("{} of schedule {}", cause(&held.cause), held.schedule),
        None => "no schedule takes part".to_owned(),
    }
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a String takes everything");
}
