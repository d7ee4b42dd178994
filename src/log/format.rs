//! How a line looks to people: time, level, message and fields, aligned, and safe to print on a terminal.

use std::fmt::{self, Write};

use baseload_core::model::instant;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::clock::Now;

/// Stamps lines in JSON with the time that `now` tells, to the millisecond.
pub(super) struct ClockTime {
    pub(super) now: Now,
}

impl FormatTime for ClockTime {
    fn format_time(&self, w: &mut Writer<'_>) -> fmt::Result {
        write!(w, "{:.3}", (self.now)())
    }
}

/// Lines for people.
pub(super) struct Plain {
    pub(super) now: Now,
}

/// The width that messages are filled up to, so that fields begin in one column.
const MESSAGE_WIDTH: usize = 25;

/// How much of a revision people are shown, in characters.
const SHORT_REVISION: usize = 12;

const DIM: &str = "\x1b[2m";
const RED: &str = "\x1b[31m";
const YELLOW: &str = "\x1b[33m";
const GREEN: &str = "\x1b[32m";
const PLAIN: &str = "\x1b[0m";

impl<S, N> FormatEvent<S, N> for Plain
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut words = Words::default();
        event.record(&mut words);
        let (name, colour) = level(*event.metadata().level());
        let [dim, colour, plain] = if writer.has_ansi_escapes() { [DIM, colour, PLAIN] } else { [""; 3] };
        write!(writer, "{dim}{}{plain} {colour}{name:<5}{plain} ", instant((self.now)()))?;
        match words.fields.is_empty() {
            true => writer.write_str(&words.message)?,
            false => write!(writer, "{:<MESSAGE_WIDTH$}", words.message)?,
        }
        for (name, value) in &words.fields {
            write!(writer, " {dim}{name}={plain}{value}")?;
        }
        writer.write_str("\n")?;
        writer.write_str(&words.below)
    }
}

fn level(level: Level) -> (&'static str, &'static str) {
    match level {
        Level::ERROR => ("ERROR", RED),
        Level::WARN => ("WARN", YELLOW),
        Level::INFO => ("INFO", GREEN),
        Level::DEBUG => ("DEBUG", DIM),
        Level::TRACE => ("TRACE", DIM),
    }
}

/// The words of one event, made fit for a terminal.
#[derive(Default)]
struct Words {
    message: String,
    fields: Vec<(&'static str, String)>,
    /// Values of several lines, indented so that none of them can pass for a line of the log.
    below: String,
}

impl Words {
    fn put(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.message = printable(value),
            name if value.trim_end().contains('\n') => {
                let _ = writeln!(self.below, "    {name}:"); // a String takes any text
                value.trim_end().lines().for_each(|line| {
                    let _ = writeln!(self.below, "    | {}", printable(line));
                });
            }
            // Enough of a digest to know it by; all of it stands in JSON.
            "revision" => {
                let short: String = value.chars().take(SHORT_REVISION).collect();
                self.fields.push(("revision", quoted(&short)));
            }
            name => self.fields.push((name, quoted(value.trim_end()))),
        }
    }
}

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }
}

/// A value as it stands after `=`: in quotes where its end could not be seen otherwise.
fn quoted(value: &str) -> String {
    let is_word = !value.is_empty() && !value.contains(|c: char| c.is_whitespace() || c == '"' || c == '=');
    match is_word {
        true => printable(value),
        false => format!("\"{}\"", printable(&value.replace('"', "\\\""))),
    }
}

/// The text with control characters, and those that turn the direction of writing, written out as escapes.
fn printable(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                safe.extend(c.escape_unicode());
            }
            c if c.is_control() => safe.extend(c.escape_default()),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
pub(super) mod tests {
    use std::io;
    use std::sync::Mutex;

    use std::sync::Arc;

    use jiff::Timestamp;

    use super::*;

    /// Keeps what was written.
    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn now() -> Now {
        let at: Timestamp = "2026-11-21T05:00:00.25Z".parse().unwrap();
        Arc::new(move || at)
    }

    pub(in super::super) fn logged(tell: impl FnOnce()) -> String {
        let page = Page::default();
        let writer = page.clone();
        let log = tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false);
        tracing::subscriber::with_default(log.event_format(Plain { now: now() }).finish(), tell);
        String::from_utf8(page.0.lock().unwrap().clone()).unwrap()
    }

    fn logged_as_json(tell: impl FnOnce()) -> serde_json::Value {
        let page = Page::default();
        let writer = page.clone();
        let log = tracing_subscriber::fmt().with_writer(move || writer.clone()).json().flatten_event(true);
        let log = log.with_target(false).with_timer(ClockTime { now: now() });
        tracing::subscriber::with_default(log.finish(), tell);
        serde_json::from_slice(&page.0.lock().unwrap()).unwrap()
    }

    #[test]
    fn a_line_is_time_level_message_and_fields() {
        let text =
            logged(|| tracing::info!(target = "shop/www", to = "3", late = 120, absent = None::<u8>, "floor set"));
        assert_eq!(text, "2026-11-21T05:00:00Z INFO  floor set                 target=shop/www to=3 late=120\n");
    }

    #[test]
    fn control_characters_never_reach_a_terminal() {
        let text = logged(|| tracing::warn!(name = "a\x1b[31mb\u{9b}c\u{202e}d\te", "message\x07"));
        assert!(text.trim_end().chars().all(|c| !c.is_control() && c != '\u{202e}'), "{text}");
        assert!(text.contains(r"a\u{1b}[31mb\u{9b}c\u{202e}d\te"), "{text}");
    }

    #[test]
    fn a_value_of_several_lines_stands_indented_below() {
        let text = logged(|| tracing::warn!(reason = "first\n2026-11-21T05:00:00Z INFO forged\n", "refused"));
        assert_eq!(
            text,
            "2026-11-21T05:00:00Z WARN  refused\n    reason:\n    | first\n    | 2026-11-21T05:00:00Z INFO forged\n"
        );
    }

    #[test]
    fn a_value_with_blanks_is_quoted() {
        let text = logged(|| tracing::info!(error = "no \"such\" thing", "failed"));
        assert!(text.ends_with("error=\"no \\\"such\\\" thing\"\n"), "{text}");
    }

    #[test]
    fn json_has_the_clocks_time_and_a_targets_name_under_target() {
        let value = logged_as_json(|| tracing::info!(target = "shop/www", "floor set"));
        assert_eq!(value["timestamp"], "2026-11-21T05:00:00.250Z");
        assert_eq!(value["level"], "INFO");
        assert_eq!(value["message"], "floor set");
        assert_eq!(value["target"], "shop/www");
    }
}
