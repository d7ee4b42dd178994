//! A document: which kind it is, what it is called, and what is in it.

use std::ops::Range;
use std::sync::Arc;

use jiff::civil::Date;

use crate::spec::fields::{
    ACKNOWLEDGEMENT, ACKNOWLEDGEMENT_DOCUMENT, API_VERSIONS, CALENDAR, CALENDAR_DOCUMENT, Fields, KINDS, METADATA,
    SCHEDULE_DOCUMENT,
};
use crate::spec::report::Report;
use crate::spec::schedule::{Context, Draft, schedule};
use crate::spec::time::date;
use crate::spec::value::{items, label, one_of, text};
use crate::spec::yaml::{Kind, Node};

/// A name, and where it stands.
pub(super) type Named = (Arc<str>, Range<usize>);

/// What a document holds.
pub(super) enum Document {
    Schedule(Option<Named>, Box<Draft>),
    Calendar(Option<Named>, Calendar),
    /// The digest of the revision that may be left.
    Acknowledgement(String),
}

/// A calendar whose ICS file has not been read yet.
pub(super) struct Calendar {
    pub(super) dates: Vec<Date>,
    /// The path as written, and where.
    pub(super) ics: Option<Named>,
    /// The whole `spec`.
    pub(super) span: Range<usize>,
}

/// Reads one document. `None` where not even its kind is known, or an Acknowledgement is wrong.
pub(super) fn document(node: &Node<'_>, context: &Context<'_>, report: &mut Report<'_>) -> Option<Document> {
    let object = match kind_of(node) {
        Some("Acknowledgement") => &ACKNOWLEDGEMENT_DOCUMENT,
        Some("Calendar") => &CALENDAR_DOCUMENT,
        Some(_) | None => &SCHEDULE_DOCUMENT,
    };
    let fields = Fields::open(node, object, report)?;
    if let Some(node) = fields.get("apiVersion") {
        one_of(node, "apiVersion", &API_VERSIONS, report);
    }
    let kind = one_of(fields.get("kind")?, "kind", &KINDS, report)?;
    let name = fields.get("metadata").and_then(|node| name(node, report));
    let spec = fields.get("spec")?;
    match kind {
        "Calendar" => Some(Document::Calendar(name, calendar(spec, report)?)),
        "Acknowledgement" => acknowledgement(spec, report).map(Document::Acknowledgement),
        _ => {
            let draft = schedule(spec, name.as_ref().map(|(name, _)| name.clone()), context, report);
            Some(Document::Schedule(name, Box::new(draft)))
        }
    }
}

fn kind_of<'n>(node: &'n Node<'_>) -> Option<&'n str> {
    let Kind::Map(entries) = &node.kind else { return None };
    entries.iter().find(|entry| entry.key == "kind")?.value.scalar()
}

fn name(node: &Node<'_>, report: &mut Report<'_>) -> Option<Named> {
    let fields = Fields::open(node, &METADATA, report)?;
    let node = fields.get("name")?;
    Some((label(node, "name", report)?, node.span.clone()))
}

fn calendar(node: &Node<'_>, report: &mut Report<'_>) -> Option<Calendar> {
    let fields = Fields::open(node, &CALENDAR, report)?;
    if fields.get("dates").is_none() && fields.get("ics").is_none() {
        report.error("missing-field", &fields.span, "a Calendar needs `dates`, or `ics`, or both");
    }
    let list = fields.get("dates").and_then(|node| items(node, "dates", report)).unwrap_or(&[]);
    let dates = list.iter().filter_map(|item| date(item, "dates", report)).collect();
    let ics = fields.get("ics").and_then(|node| Some((text(node, "ics", report)?.into(), node.span.clone())));
    Some(Calendar { dates, ics, span: fields.span })
}

fn acknowledgement(node: &Node<'_>, report: &mut Report<'_>) -> Option<String> {
    const DIGEST_DIGITS: usize = 64;
    let fields = Fields::open(node, &ACKNOWLEDGEMENT, report)?;
    let node = fields.get("leaves")?;
    let digest = node.scalar().unwrap_or("");
    if digest.len() == DIGEST_DIGITS && digest.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return Some(digest.to_owned());
    }
    let message = format!("`leaves` must be the digest of a revision: {DIGEST_DIGITS} digits 0-9 and a-f");
    report.error("bad-digest", &node.span, message).help("`baseload diff OLD NEW` prints the whole document");
    None
}
