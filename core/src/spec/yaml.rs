//! YAML text to marked nodes: the only place that names the parser.
//!
//! It bounds what a document may cost, and refuses what a schedule has no use for: tags, merge keys, keys that are not
//! plain words, keys that stand twice. What the nodes mean is not asked here.

mod input;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span};

use self::input::{Ahead, BoundedInput};
use crate::spec::report::Report;

/// The deepest nesting of lists and maps; a schedule needs 6.
const DEEPEST: usize = 32;
/// The most a file may hold, in nodes after aliases are expanded; each 16 bytes of text weigh as one more. A file of
/// 1 MiB full of short windows stays below.
const NODE_BUDGET: usize = 250_000;
/// What an anchor weighs beside its copy of the value, in nodes: nobody needs ten thousands of them.
const ANCHOR_WEIGHT: usize = 8;

/// A value, and which bytes of the file it came from.
#[derive(Clone, Debug)]
pub(super) struct Node<'t> {
    pub(super) kind: Kind<'t>,
    pub(super) span: Range<usize>,
}

#[derive(Clone, Debug)]
pub(super) enum Kind<'t> {
    /// `plain`: without quotes, so that it may be a number, a boolean or nothing.
    Scalar { text: Cow<'t, str>, plain: bool },
    /// A list.
    Seq(Vec<Node<'t>>),
    /// A map, in the order of the file, each key once.
    Map(Vec<Entry<'t>>),
}

#[derive(Clone, Debug)]
pub(super) struct Entry<'t> {
    pub(super) key: Cow<'t, str>,
    pub(super) key_span: Range<usize>,
    pub(super) value: Node<'t>,
}

/// The documents of a file.
pub(super) struct Documents<'t> {
    /// Those that could be read, empty ones left out.
    pub(super) roots: Vec<Node<'t>>,
    /// Whether the file was read to its end: if not, something in it is unknown, and has been reported.
    pub(super) whole: bool,
}

/// Reads every document of a file. What the parser stumbles over ends the file; the documents before that are returned
/// all the same, so that their mistakes show too.
pub(super) fn documents<'t>(text: &'t str, report: &mut Report<'_>) -> Documents<'t> {
    let mut roots = Vec::new();
    if !is_readable(text, report) {
        return Documents { roots, whole: false };
    }
    let mut composer = Composer::new(text, report);
    loop {
        match composer.document() {
            Ok(_) if composer.report.is_full() => return Documents { roots, whole: false },
            Ok(Some(root)) if root.is_empty_scalar() => {}
            Ok(Some(root)) => roots.push(root),
            Ok(None) => return Documents { roots, whole: true },
            Err(Stop) => return Documents { roots, whole: false },
        }
    }
}

/// YAML has no place for control characters, and the parser would take a NUL for the end of the file.
fn is_readable(text: &str, report: &mut Report<'_>) -> bool {
    let strange = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{85}');
    let Some((at, c)) = text.char_indices().find(|&(_, c)| strange(c)) else { return true };
    let message = format!("the control character U+{:04X} does not belong in a YAML file", u32::from(c));
    report.error("control-character", &(at..at + c.len_utf8()), message);
    false
}

impl<'t> Node<'t> {
    /// The text, where this is a scalar.
    pub(super) fn scalar(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { text, .. } => Some(text),
            Kind::Seq(_) | Kind::Map(_) => None,
        }
    }

    /// The value of this key, where this is a map that has it.
    pub(super) fn member(&self, key: &str) -> Option<&Node<'t>> {
        match &self.kind {
            Kind::Map(entries) => entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value),
            Kind::Scalar { .. } | Kind::Seq(_) => None,
        }
    }

    fn is_empty_scalar(&self) -> bool {
        matches!(&self.kind, Kind::Scalar { text, plain: true } if text.is_empty())
    }

    fn weight(&self) -> usize {
        match &self.kind {
            Kind::Scalar { text, .. } => 1 + text.len() / 16,
            Kind::Seq(items) => items.iter().map(Node::weight).sum::<usize>() + 1,
            Kind::Map(entries) => entries.iter().map(|e| e.value.weight() + 1 + e.key.len() / 16).sum::<usize>() + 1,
        }
    }
}

/// The rest of the file cannot be read; it has been reported.
struct Stop;

struct Composer<'t, 'r, 's> {
    text: &'t str,
    parser: Parser<'t, BoundedInput<'t>>,
    ahead: Ahead,
    report: &'r mut Report<'s>,
    offsets: Offsets,
    anchors: BTreeMap<usize, Node<'t>>,
    budget: usize,
}

impl<'t, 'r, 's> Composer<'t, 'r, 's> {
    fn new(text: &'t str, report: &'r mut Report<'s>) -> Self {
        let ahead = Ahead::default();
        Composer {
            text,
            parser: Parser::new(BoundedInput::new(text, ahead.clone())),
            ahead,
            report,
            offsets: Offsets::of(text),
            anchors: BTreeMap::new(),
            budget: NODE_BUDGET,
        }
    }

    fn document(&mut self) -> Result<Option<Node<'t>>, Stop> {
        self.anchors.clear();
        loop {
            match self.next()? {
                (Event::StreamEnd, _) => return Ok(None),
                (Event::DocumentStart(_), _) => {
                    let first = self.next()?;
                    return self.node(first, 0).map(Some);
                }
                _ => {} // the start of the stream, the end of the document before
            }
        }
    }

    fn next(&mut self) -> Result<(Event<'t>, Range<usize>), Stop> {
        self.ahead.start();
        let event = self.parser.next_event();
        let is_cut_off = self.ahead.is_too_far();
        match event {
            Some(Ok((event, span))) => {
                let span = self.offsets.bytes(span);
                if is_cut_off { Err(self.too_long(&span)) } else { Ok((event, span)) }
            }
            Some(Err(error)) if is_cut_off => {
                let at = self.offsets.byte(error.marker().index());
                Err(self.too_long(&(at..at)))
            }
            Some(Err(error)) => Err(self.syntax_error(&error)),
            None => Ok((Event::StreamEnd, self.text.len()..self.text.len())),
        }
    }

    fn node(&mut self, (event, span): (Event<'t>, Range<usize>), depth: usize) -> Result<Node<'t>, Stop> {
        if depth >= DEEPEST {
            return Err(self.too_deep(&span));
        }
        let (node, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_tag(tag.is_some(), &span);
                let text = self.as_written(text, &span);
                (Node { kind: Kind::Scalar { text, plain: style == ScalarStyle::Plain }, span }, anchor)
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_tag(tag.is_some(), &span);
                (self.sequence(span.start, depth)?, anchor)
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_tag(tag.is_some(), &span);
                (self.mapping(span.start, depth)?, anchor)
            }
            Event::Alias(anchor) => (self.aliased(anchor, &span)?, 0),
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd
            | Event::SequenceEnd
            | Event::MappingEnd => (Node { kind: Kind::Scalar { text: Cow::Borrowed(""), plain: true }, span }, 0),
        };
        self.spend(if node.scalar().is_some() { node.weight() } else { 1 }, &node.span)?;
        self.keep_anchored(anchor, &node)?;
        Ok(node)
    }

    /// The same text out of the file, where it stands there as it is read: a copy of each word would weigh more than the
    /// file.
    fn as_written(&self, text: Cow<'t, str>, span: &Range<usize>) -> Cow<'t, str> {
        let whole = self.text.get(span.clone()).unwrap_or("");
        let quoted = whole.get(1..whole.len().saturating_sub(1)).unwrap_or("");
        let written = [whole, quoted].into_iter().find(|written| *written == text);
        written.map_or(text, Cow::Borrowed)
    }

    fn sequence(&mut self, start: usize, depth: usize) -> Result<Node<'t>, Stop> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, end) => {
                    items.shrink_to_fit(); // a file may hold very many very short ones
                    return Ok(Node { kind: Kind::Seq(items), span: start..end.end });
                }
                item => items.push(self.node(item, depth + 1)?),
            }
        }
    }

    fn mapping(&mut self, start: usize, depth: usize) -> Result<Node<'t>, Stop> {
        let mut entries: Vec<Entry<'t>> = Vec::new();
        let mut places: BTreeMap<Cow<'t, str>, Range<usize>> = BTreeMap::new();
        loop {
            let key = match self.next()? {
                (Event::MappingEnd, end) => {
                    entries.shrink_to_fit();
                    return Ok(Node { kind: Kind::Map(entries), span: start..end.end });
                }
                key => self.node(key, depth + 1)?,
            };
            let value = self.next()?;
            let value = self.node(value, depth + 1)?;
            let Some((key, key_span)) = self.key(key) else { continue };
            match places.get(&key) {
                Some(first) => self.duplicate(&key, &key_span, first),
                None => {
                    places.insert(key.clone(), key_span.clone());
                    entries.push(Entry { key, key_span, value });
                }
            }
        }
    }

    fn key(&mut self, node: Node<'t>) -> Option<(Cow<'t, str>, Range<usize>)> {
        match node.kind {
            Kind::Scalar { text, plain: true } if text == "<<" => {
                let help = "write the fields out, or share a whole value with an alias";
                self.report.error("merge-key", &node.span, "merge keys (`<<`) are not supported").help(help);
                None
            }
            Kind::Scalar { text, .. } => Some((text, node.span)),
            Kind::Seq(_) | Kind::Map(_) => {
                self.report.error("complex-key", &node.span, "a key must be a word, not a list or a map");
                None
            }
        }
    }

    /// Keeps a copy for the aliases to come, and pays for it: anchors may nest. An anchor of 0 is none.
    fn keep_anchored(&mut self, anchor: usize, node: &Node<'t>) -> Result<(), Stop> {
        if anchor > 0 {
            self.spend(node.weight() + ANCHOR_WEIGHT, &node.span)?;
            self.anchors.insert(anchor, node.clone());
        }
        Ok(())
    }

    /// An alias stands for a copy of what it names, and costs as much.
    fn aliased(&mut self, anchor: usize, span: &Range<usize>) -> Result<Node<'t>, Stop> {
        let Some(weight) = self.anchors.get(&anchor).map(Node::weight) else {
            self.report.error("recursive-alias", span, "this alias stands inside the very value that it names");
            return Err(Stop);
        };
        self.spend(weight, span)?;
        Ok(self.anchors[&anchor].clone())
    }

    fn spend(&mut self, weight: usize, span: &Range<usize>) -> Result<(), Stop> {
        let left = self.budget.checked_sub(weight);
        let Some(left) = left else {
            let message = format!("the file holds more than {NODE_BUDGET} values once its aliases are expanded");
            self.report.error("too-many-values", span, message).help("split it into several files");
            return Err(Stop);
        };
        self.budget = left;
        Ok(())
    }

    fn refuse_tag(&mut self, tagged: bool, span: &Range<usize>) {
        if tagged {
            let help = "write the value itself; put it into quotes where it begins with `!`";
            self.report.refuse("tag", span, "YAML tags (`!…`) are refused", help);
        }
    }

    fn duplicate(&mut self, key: &str, again: &Range<usize>, first: &Range<usize>) {
        let first = self.report.location(first);
        let message = format!("the field `{}` stands here twice", super::report::excerpt(key));
        self.report.error("duplicate-key", again, message).related(first, "it first stands here");
    }

    fn too_long(&mut self, span: &Range<usize>) -> Stop {
        let message = "this list or map in brackets holds too many values";
        let help = "split it, or write the file without brackets, one value a line";
        self.report.error("too-many-values", span, message).help(help);
        Stop
    }

    fn too_deep(&mut self, span: &Range<usize>) -> Stop {
        let message = format!("lists and maps are nested more than {DEEPEST} deep");
        self.report.error("too-deep", span, message);
        Stop
    }

    fn syntax_error(&mut self, error: &ScanError) -> Stop {
        let at = self.offsets.byte(error.marker().index());
        if error.info().starts_with("recursion limit") {
            return self.too_deep(&(at..at));
        }
        let (message, help) = explain(error.info());
        let finding = self.report.error("yaml-syntax", &(at..at + 1), message);
        if let Some(help) = help {
            finding.help(help);
        }
        Stop
    }
}

/// The parser's words, and advice for the mistakes that people make.
fn explain(info: &str) -> (String, Option<&'static str>) {
    let help = if info.contains("tab") {
        Some("indent with spaces; YAML takes no tabs there")
    } else if info.contains("mapping values are not allowed") {
        Some("check the indentation of this line and the one before; text with `: ` in it needs quotes")
    } else if info.contains("unexpected character") {
        Some("put the value into quotes")
    } else if info.contains("anchor or alias") {
        Some("a value that begins with `*` or `&` needs quotes: \"*\"")
    } else if info.contains("unknown anchor") {
        Some("no `&` before this line sets this name; a value that begins with `*` needs quotes: \"*\"")
    } else if info.contains("flow") || info.contains("illegal placement") || info.contains("node content") {
        Some("look for a `[` or `{` that is not closed, or a missing comma")
    } else if info.contains("quoted scalar") {
        Some("look for a quote that is not closed")
    } else {
        None
    };
    (format!("this is not YAML: {}", info.replace('`', "'")), help)
}

/// The parser counts in characters, everything else here in bytes.
enum Offsets {
    Ascii(usize),
    Wide(Vec<u32>),
}

impl Offsets {
    fn of(text: &str) -> Offsets {
        if text.is_ascii() {
            return Offsets::Ascii(text.len());
        }
        let byte = |at: usize| u32::try_from(at).expect("a file's size is limited to 1 MiB");
        let mut starts: Vec<u32> = text.char_indices().map(|(at, _)| byte(at)).collect();
        starts.push(byte(text.len()));
        Offsets::Wide(starts)
    }

    fn byte(&self, index: usize) -> usize {
        match self {
            Offsets::Ascii(length) => index.min(*length),
            Offsets::Wide(starts) => starts.get(index).or(starts.last()).map_or(0, |&at| at as usize),
        }
    }

    fn bytes(&self, span: Span) -> Range<usize> {
        self.byte(span.start.index())..self.byte(span.end.index())
    }
}
