//! Reads the `VEVENT`s of an ICS file: what each says about its dates, before anything is made of it.

use jiff::civil::Date;

use super::content_line::{Property, unfold};
use super::ics::{Findings, shorten};

const MAX_EVENTS: usize = 10_000;
const MAX_DEPTH: usize = 32;

/// What one `VEVENT` says about its dates, checked one property at a time.
#[derive(Default)]
pub(super) struct Event {
    /// Of its BEGIN.
    pub(super) line: usize,
    pub(super) uid: Option<String>,
    pub(super) start: Option<Moment>,
    /// With its line; exclusive.
    pub(super) end: Option<(usize, Moment)>,
    /// Whole days; 0 is a duration that no all-day event can have.
    pub(super) duration_days: Option<i64>,
    /// With their lines, as written.
    pub(super) rules: Vec<(usize, String)>,
    pub(super) extra_starts: Vec<Date>,
    pub(super) except: Vec<Date>,
    /// The start of the occurrence that it moves or cancels.
    pub(super) replaces: Option<Date>,
    pub(super) cancelled: bool,
    /// What is wrong with it, should it turn out to be an all-day event.
    pub(super) findings: Findings,
}

/// A `DATE` or the date of a `DATE-TIME`, as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) date: Date,
    pub(super) has_time: bool,
}

impl Event {
    /// Whether it has a time of day, and so gives no dates.
    pub(super) fn is_timed(&self) -> bool {
        self.start.is_some_and(|start| start.has_time)
    }
}

/// Every event of the file, in its order. Says what is wrong with the file's structure.
pub(super) fn read_events(bytes: &[u8], findings: &mut Findings) -> Vec<Event> {
    let mut components: Vec<String> = Vec::new();
    let mut events: Vec<Event> = Vec::new();
    let mut seen_calendar = false;
    let mut last_line = 1;
    for unfolded in unfold(bytes) {
        let line = unfolded.line;
        last_line = line;
        let Some(property) = Property::parse(&unfolded.text) else {
            findings.error(line, format!("`{}` is not of the form NAME:VALUE", shorten(&unfolded.text)));
            continue;
        };
        match property.name.as_str() {
            "BEGIN" => {
                let name = property.value.to_ascii_uppercase();
                seen_calendar |= components.is_empty() && name == "VCALENDAR";
                components.push(name);
                if is_event(&components) {
                    events.push(Event { line, ..Event::default() });
                }
                if components.len() > MAX_DEPTH || events.len() > MAX_EVENTS {
                    findings.error(line, format!("more than {MAX_EVENTS} events, or nested deeper than {MAX_DEPTH}"));
                    return events;
                }
            }
            "END" => match components.pop() {
                Some(open) if open.eq_ignore_ascii_case(property.value) => {}
                Some(open) => findings.error(line, format!("END:{} closes {open}", shorten(property.value))),
                None => findings.error(line, format!("END:{} closes nothing", shorten(property.value))),
            },
            _ if components.is_empty() => findings.error(line, "a property outside BEGIN:VCALENDAR and END:VCALENDAR"),
            _ => {
                if let Some(event) = events.last_mut().filter(|_| is_event(&components)) {
                    take_property(event, line, &property);
                }
            }
        }
    }
    if let Some(open) = components.last() {
        findings.error(last_line, format!("{} is never closed: is the file cut off?", shorten(open)));
    } else if !seen_calendar {
        findings.error(1, "not an ICS file: there is no BEGIN:VCALENDAR");
    }
    events
}

fn is_event(components: &[String]) -> bool {
    matches!(components, [calendar, event] if calendar == "VCALENDAR" && event == "VEVENT")
}

fn take_property(event: &mut Event, line: usize, property: &Property<'_>) {
    match property.name.as_str() {
        "UID" => event.uid = Some(property.value.to_owned()),
        "STATUS" => event.cancelled = property.value.eq_ignore_ascii_case("CANCELLED"),
        "DTSTART" if event.start.is_some() => event.findings.error(line, "DTSTART stands twice in one event"),
        "DTSTART" => event.start = moment(line, property, property.value, &mut event.findings),
        "DTEND" => event.end = moment(line, property, property.value, &mut event.findings).map(|end| (line, end)),
        "DURATION" => {
            event.duration_days = parse_duration(property.value);
            if event.duration_days.is_none() {
                event.findings.error(line, format!("`{}` is no duration", shorten(property.value)));
            }
        }
        "RRULE" => event.rules.push((line, property.value.to_owned())),
        "EXRULE" => event.findings.error(line, "EXRULE is not supported; list the dates in EXDATE"),
        "RDATE" => event.extra_starts.extend(dates(line, property, &mut event.findings)),
        "EXDATE" => event.except.extend(dates(line, property, &mut event.findings)),
        "RECURRENCE-ID" => {
            event.replaces = moment(line, property, property.value, &mut event.findings).map(|moment| moment.date);
            if property.parameter("RANGE").is_some() {
                let message = "RECURRENCE-ID with a RANGE is not supported; end the series and begin another";
                event.findings.error(line, message);
            }
        }
        _ => {}
    }
}

/// The dates of an `RDATE` or `EXDATE`.
fn dates(line: usize, property: &Property<'_>, findings: &mut Findings) -> Vec<Date> {
    let items = property.value.split(',').map(str::trim);
    let moments: Vec<Moment> = items.filter_map(|item| moment(line, property, item, findings)).collect();
    if moments.iter().any(|moment| moment.has_time) {
        findings.warning(line, format!("{} has a time, of which an all-day event makes no use", property.name));
    }
    moments.into_iter().map(|moment| moment.date).collect()
}

fn moment(line: usize, property: &Property<'_>, text: &str, findings: &mut Findings) -> Option<Moment> {
    let moment = parse_date(text);
    if moment.is_none() {
        let message = if text.contains('/') {
            format!("a period in {} is not supported; write dates, YYYYMMDD", property.name)
        } else {
            format!("`{}` is no date for {}; write YYYYMMDD", shorten(text), property.name)
        };
        findings.error(line, message);
    }
    moment
}

/// Reads `YYYYMMDD`, alone or with a time (`T` and six digits, perhaps `Z`).
pub(super) fn parse_date(text: &str) -> Option<Moment> {
    let (date, time) = match text.split_once(['T', 't']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    if date.len() != 8 || !date.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = time.map(|time| time.strip_suffix(['Z', 'z']).unwrap_or(time));
    if digits.is_some_and(|digits| digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_digit())) {
        return None;
    }
    let date = Date::new(date[..4].parse().ok()?, date[4..6].parse().ok()?, date[6..].parse().ok()?).ok()?;
    Some(Moment { date, has_time: time.is_some() })
}

/// The whole days of a duration such as `P2D` or `P1W`; 0 where it has a time or runs backwards; `None` if malformed.
fn parse_duration(text: &str) -> Option<i64> {
    let upper = text.to_ascii_uppercase();
    let unsigned = upper.strip_prefix('+').unwrap_or(&upper);
    let (backwards, unsigned) = match unsigned.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, unsigned),
    };
    let body = unsigned.strip_prefix('P')?;
    if backwards || body.contains('T') {
        let well_formed = body.bytes().all(|byte| byte.is_ascii_digit() || b"WDTHMS".contains(&byte));
        return well_formed.then_some(0);
    }
    let (digits, unit_days) = match body.strip_suffix('W') {
        Some(weeks) => (weeks, 7),
        None => (body.strip_suffix('D')?, 1),
    };
    let number: u32 = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())??;
    Some(i64::from(number) * unit_days)
}
