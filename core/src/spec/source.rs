//! A source as a whole: its files one by one, and then what holds between their documents.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::calendar::{DateSet, ics};
use crate::diagnostic::{Diagnostic, Location, Severity};
use crate::model::{TargetId, TargetPattern};
use crate::spec::document::{Calendar, Document, Named, document};
use crate::spec::lifted::lifted_maxima;
use crate::spec::report::{Report, Room, closest, excerpt};
use crate::spec::schedule::{Context, Draft, MOST_TARGETS};
use crate::spec::window::List;
use crate::spec::yaml::documents;
use crate::spec::{Declared, Loaded, Tree, path};
use crate::timetable::Schedules;

/// The largest file that is read.
const FILE_BYTES: usize = 1 << 20;
/// The largest source that is read, all its files together.
const SOURCE_BYTES: usize = 16 << 20;
/// How many unknown calendars are reported.
const MOST_UNKNOWN_CALENDARS: usize = 100;

/// What was read so far.
pub(super) struct Source<'a> {
    tree: &'a Tree,
    context: Context<'a>,
    now: Timestamp,
    found: Findings,
    acknowledgements: Vec<String>,
    drafts: Vec<Draft>,
    schedule_names: BTreeMap<Arc<str>, Location>,
    calendar_names: BTreeMap<Arc<str>, Location>,
    calendars: BTreeMap<Arc<str>, Arc<DateSet>>,
    ics: BTreeMap<Arc<str>, DateSet>,
    /// Whether every document is known by kind and name. If not, what seems to be missing may be one that is not.
    complete: bool,
}

/// What was found so far.
struct Findings {
    list: Vec<Diagnostic>,
    room: Room,
}

impl Findings {
    fn add(&mut self, finding: Diagnostic) {
        if self.room.take(finding.severity) {
            self.list.push(finding);
        }
    }

    fn has_errors(&self) -> bool {
        self.list.iter().any(|finding| finding.severity == Severity::Error)
    }

    /// All of it, and what is to be said of the rest.
    fn finish(mut self) -> Vec<Diagnostic> {
        let last = self.list.iter().filter_map(|finding| finding.location.as_ref()).max().cloned();
        self.list.extend(self.room.left_out(last));
        self.list
    }
}

impl<'a> Source<'a> {
    /// Reads every file of the tree.
    pub(super) fn read(tree: &'a Tree, context: Context<'a>, now: Timestamp) -> Source<'a> {
        let mut source = Source {
            tree,
            context,
            now,
            found: Findings { list: Vec::new(), room: Room::of_a_source() },
            acknowledgements: Vec::new(),
            drafts: Vec::new(),
            schedule_names: BTreeMap::new(),
            calendar_names: BTreeMap::new(),
            calendars: BTreeMap::new(),
            ics: BTreeMap::new(),
            complete: true,
        };
        let bytes: usize = tree.files.values().map(Vec::len).sum();
        if bytes > SOURCE_BYTES {
            source.refuse("source-too-large", format!("the source holds {bytes} bytes; {SOURCE_BYTES} are the most"));
            return source;
        }
        for (file, bytes) in tree.files.iter().filter(|(file, _)| path::is_yaml(file)) {
            if source.found.room.is_full() {
                source.complete = false;
                break;
            }
            source.read_file(file, bytes);
        }
        source
    }

    /// Checks what holds between documents, and yields the schedules if nothing at all is wrong.
    pub(super) fn finish(mut self) -> Result<Loaded, Vec<Diagnostic>> {
        self.limit_targets();
        self.link_calendars();
        if self.complete && self.drafts.is_empty() {
            self.refuse("no-schedule", "the source holds no document of kind ScalingSchedule".to_owned());
        }
        if self.found.has_errors() {
            return Err(self.found.finish());
        }
        self.warn_of_lone_overlays();
        self.warn_of_lifted_maxima();
        self.warn_of_what_is_not_allowed();
        let (mut schedules, mut declared) = (Vec::new(), Declared::default());
        for draft in self.drafts {
            let Some(schedule) = draft.schedule else { continue };
            declared.0.insert(schedule.name.clone(), draft.places);
            schedules.push(schedule);
        }
        let schedules = Schedules::new(schedules).allowing(self.context.limits.allowed.clone());
        Ok(Loaded { schedules, warnings: self.found.finish(), acknowledgements: self.acknowledgements, declared })
    }

    fn refuse(&mut self, code: &'static str, message: String) {
        self.complete = false;
        self.found.add(Diagnostic::new(Severity::Error, code, None, message));
    }

    fn read_file(&mut self, file: &Arc<str>, bytes: &[u8]) {
        let text = match readable(file, bytes) {
            Ok(text) => text,
            Err(finding) => {
                self.complete = false;
                self.found.add(*finding);
                return;
            }
        };
        let mut report = Report::new(file.clone(), text, self.found.room);
        let read = documents(text, &mut report);
        self.complete &= read.whole;
        for root in &read.roots {
            if report.is_full() {
                self.complete = false;
                break;
            }
            match document(root, &self.context, &mut report) {
                Some(document) => self.take(document, file, &mut report),
                None => self.complete = false,
            }
        }
        let (found, room) = report.finish();
        self.found.list.extend(found);
        self.found.room = room;
    }

    fn take(&mut self, document: Document, file: &Arc<str>, report: &mut Report<'_>) {
        match document {
            Document::Schedule(name, mut draft) => {
                draft.places.name = name.as_ref().map(|(_, span)| report.location(span));
                declare(&mut self.schedule_names, "ScalingSchedule", name.as_ref(), report);
                self.drafts.push(*draft);
            }
            Document::Calendar(name, calendar) => {
                declare(&mut self.calendar_names, "Calendar", name.as_ref(), report);
                let dates = Arc::new(self.dates(&calendar, file, report));
                self.complete &= name.is_some();
                if let Some((name, span)) = name {
                    self.warn_of_past(&name, &dates, &calendar, &span, report);
                    self.calendars.entry(name).or_insert(dates);
                }
            }
            Document::Acknowledgement(digest) => self.acknowledgements.push(digest),
        }
    }

    fn dates(&mut self, calendar: &Calendar, file: &Arc<str>, report: &mut Report<'_>) -> DateSet {
        let listed = DateSet::from_dates(calendar.dates.iter().copied());
        match &calendar.ics {
            Some(named) => listed.union(&self.ics(named, file, report)),
            None => listed,
        }
    }

    /// Reads an ICS file once, however many calendars name it.
    fn ics(&mut self, (written, span): &Named, file: &Arc<str>, report: &mut Report<'_>) -> DateSet {
        let ics_file = match path::beside(file, written) {
            Ok(path) => path,
            Err(message) => {
                report
                    .error("bad-path", span, message)
                    .help("write a path relative to this file, such as holidays.ics");
                return DateSet::default();
            }
        };
        if let Some(known) = self.ics.get(ics_file.as_str()) {
            return known.clone();
        }
        let Some((ics_file, bytes)) = self.tree.files.get_key_value(ics_file.as_str()) else {
            report
                .error("missing-file", span, format!("the source has no file {}", excerpt(&ics_file)))
                .help("the path is relative to this file; hidden files and folders are no part of a source");
            return DateSet::default();
        };
        let dates = parse_ics(ics_file, bytes, span, report);
        self.ics.insert(ics_file.clone(), dates.clone());
        dates
    }

    /// A calendar floats in the zone of each schedule: its last date is past once it is past everywhere on Earth.
    fn warn_of_past(
        &self,
        name: &str,
        dates: &DateSet,
        calendar: &Calendar,
        span: &Range<usize>,
        report: &mut Report<'_>,
    ) {
        let Ok(westernmost) = self.now.checked_sub(SignedDuration::from_hours(12)) else { return };
        let today = westernmost.to_zoned(TimeZone::UTC).date();
        if let Some(last) = dates.last().filter(|last| *last < today) {
            let message = format!("the last date of the calendar `{name}` is past: {last}");
            let related = report.location(&calendar.span);
            report.warning("past-calendar", span, message).help("add the dates to come").related(related, "its dates");
        }
    }

    fn limit_targets(&mut self) {
        let targets = || self.drafts.iter().flat_map(|draft| &draft.targets);
        let count = targets().count();
        let Some((_, location)) = targets().nth(MOST_TARGETS) else { return };
        let message = format!("a source may list {MOST_TARGETS} targets at most; this one lists {count}");
        let mut finding = Diagnostic::new(Severity::Error, "too-many-targets", Some(location.clone()), message);
        finding.label("one too many").help("use globs, such as service: \"api-*\"");
        self.found.add(finding);
    }

    /// Fills each window's calendars in, and reports those that no file declares.
    fn link_calendars(&mut self) {
        let mut unknown = 0;
        for draft in &mut self.drafts {
            for named in &draft.uses {
                let Some(dates) = self.calendars.get(&named.calendar) else {
                    if self.complete && unknown < MOST_UNKNOWN_CALENDARS {
                        self.found.add(unknown_calendar(&named.calendar, &named.at, &self.calendar_names));
                    }
                    unknown += 1;
                    continue;
                };
                let Some(schedule) = &mut draft.schedule else { continue };
                let filter = &mut schedule.windows[named.window].dates;
                match named.list {
                    List::On => filter.on.get_or_insert_default().push(dates.clone()),
                    List::Except => filter.except.push(dates.clone()),
                }
            }
        }
    }

    /// An exact target with overlays only keeps its last floor outside of them.
    fn warn_of_lone_overlays(&mut self) {
        let others = self.drafts.iter().filter(|draft| !draft.overlay).flat_map(|draft| &draft.targets);
        let (exact, globs): (Vec<_>, Vec<_>) = others.map(|(pattern, _)| pattern).partition(|p| p.is_exact());
        let exact: BTreeSet<&TargetPattern> = exact.into_iter().collect();
        let mut seen: BTreeSet<TargetId> = BTreeSet::new();
        for (pattern, location) in self.drafts.iter().filter(|draft| draft.overlay).flat_map(|draft| &draft.targets) {
            let Some(target) = pattern.exact() else { continue };
            let has_floor = exact.contains(pattern) || globs.iter().any(|glob| glob.matches(&target));
            if !has_floor && seen.insert(target.clone()) {
                let message = format!("{target} has overlays only: outside of their windows it keeps its last floor");
                let mut finding = Diagnostic::new(Severity::Warning, "overlays-only", Some(location.clone()), message);
                finding.help("give it a schedule with a `default` as well");
                self.found.add(finding);
            }
        }
    }

    fn warn_of_lifted_maxima(&mut self) {
        for draft in &self.drafts {
            let Some(schedule) = &draft.schedule else { continue };
            lifted_maxima(schedule, &draft.places.overrides).into_iter().for_each(|finding| self.found.add(finding));
        }
    }

    /// Says once for each schedule which of its targets it will not get.
    fn warn_of_what_is_not_allowed(&mut self) {
        let allowed = &self.context.limits.allowed;
        for draft in &self.drafts {
            let mut left_out = draft.targets.iter().filter(|(pattern, _)| !allowed.admits_any_of(pattern));
            let Some((first, location)) = left_out.next() else { continue };
            let message = match left_out.count() {
                0 => format!("{first} is left alone: no --allow-target fits it"),
                more => format!("{first} and {more} more of this schedule are left alone: no --allow-target fits them"),
            };
            self.found.add(Diagnostic::new(Severity::Warning, "not-allowed", Some(location.clone()), message));
        }
    }
}

/// Reads a file that the one in `report` names at `span`.
fn parse_ics(file: &Arc<str>, bytes: &[u8], span: &Range<usize>, report: &mut Report<'_>) -> DateSet {
    if bytes.len() > FILE_BYTES {
        report.elsewhere(too_large(file, bytes));
        return DateSet::default();
    }
    let named = report.location(span);
    let mut add = |severity, code, line, message: String| {
        let mut finding = Diagnostic::new(severity, code, Some(path::line(file, bytes, line)), message);
        finding.related(named.clone(), "this Calendar reads it");
        report.elsewhere(finding);
    };
    match ics::parse(bytes) {
        Ok((dates, warnings)) => {
            warnings.into_iter().for_each(|w| add(Severity::Warning, "ics", w.line, w.message));
            dates
        }
        Err(errors) => {
            errors.into_iter().for_each(|e| add(Severity::Error, "ics", e.line, e.message));
            DateSet::default()
        }
    }
}

fn declare(names: &mut BTreeMap<Arc<str>, Location>, kind: &str, name: Option<&Named>, report: &mut Report<'_>) {
    let Some((name, span)) = name else { return };
    if let Some(first) = names.get(name) {
        let message = format!("there are two {kind}s `{name}` in this source");
        report.error("duplicate-name", span, message).related(first.clone(), "first declared here");
    } else {
        names.insert(name.clone(), report.location(span));
    }
}

fn unknown_calendar(name: &str, at: &Location, known: &BTreeMap<Arc<str>, Location>) -> Diagnostic {
    let message = format!("there is no calendar `{}`", excerpt(name));
    let mut finding = Diagnostic::new(Severity::Error, "unknown-calendar", Some(at.clone()), message);
    match closest(name, known.keys().map(|name| &**name)) {
        Some(meant) => finding.label(format!("did you mean `{meant}`?")),
        None => finding.help("declare it in a document of kind Calendar, in any file of this source"),
    };
    finding
}

/// A file's text, if it has any, is not too large, and is UTF-8.
fn readable<'t>(file: &Arc<str>, bytes: &'t [u8]) -> Result<&'t str, Box<Diagnostic>> {
    let finding = |code, start, end, message: &str| {
        Diagnostic::new(Severity::Error, code, Some(Location { file: file.clone(), start, end }), message)
    };
    if bytes.is_empty() {
        let mut empty = finding("empty-file", 0, 0, "the file is empty");
        empty.help("write a document into it, or remove it");
        return Err(Box::new(empty));
    }
    if bytes.len() > FILE_BYTES {
        return Err(Box::new(too_large(file, bytes)));
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let start = error.valid_up_to();
        let end = start + error.error_len().unwrap_or(1);
        Box::new(finding("not-utf8", start, end, "the file is not UTF-8 from here on"))
    })
}

fn too_large(file: &Arc<str>, bytes: &[u8]) -> Diagnostic {
    let message = format!("the file holds {} bytes; {FILE_BYTES} (1 MiB) are the most", bytes.len());
    let start = Location { file: file.clone(), start: 0, end: 0 };
    Diagnostic::new(Severity::Error, "file-too-large", Some(start), message)
}
